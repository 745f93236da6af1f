// Follows an import until its worker is done with it. Without JavaScript the link below the progress does.
"use strict";

const SECONDS = 2;
const shown = document.querySelector("section.progress");

async function follow() {
  try {
    const answer = await fetch(location.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = page.querySelector("section.progress");
    if (!now) {
      location.reload();
      return;
    }
    shown.querySelector(".done-so-far").replaceChildren(...now.querySelector(".done-so-far").childNodes);
  } catch {
    // The server is away for a moment; the next look will tell.
  }
  setTimeout(follow, SECONDS * 1000);
}

setTimeout(follow, SECONDS * 1000);
