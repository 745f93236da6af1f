"use strict";
// Says how old the figures are, and when there are newer ones; shows those without losing the reader's place.
// Without it the page is as it was when it was opened, which its words say.

const EVERY = 60_000;
const PAGE = location.href.split("#")[0];
let newer = null;

function tellAge() {
  const line = document.querySelector("[data-computed]");
  if (!line) return;
  const minutes = Math.floor((Date.now() - new Date(line.dataset.computed)) / 60_000);
  const [words, number] = minutes < 120 ? [line.dataset.minutes, minutes]
    : minutes < 48 * 60 ? [line.dataset.hours, Math.floor(minutes / 60)]
    : [line.dataset.days, Math.floor(minutes / 1440)];
  let age = line.querySelector(".age");
  if (!age) {
    age = document.createElement("span");
    age.className = "age";
    line.append(age);
  }
  age.textContent = minutes > 0 ? words.replace("#", number) : "";
}

function words(main) {
  const copy = main.cloneNode(true);
  copy.querySelectorAll(".live, .age, template").forEach((part) => part.remove());
  return copy.textContent.replace(/\s+/g, " ");
}

async function look() {
  tellAge();
  let answer;
  try {
    answer = await fetch(PAGE, { cache: "no-cache" });
  } catch {
    return tell("away");
  }
  if (!answer.ok) return answer.status === 503 ? undefined : tell("away");
  const page = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
  const shown = document.querySelector("main");
  if (!page || words(page) === words(shown)) return hush();
  newer = page;
  tell("newer");
}

function hush() {
  newer = null;
  document.querySelector("main > .live")?.remove();
}

function tell(what) {
  const main = document.querySelector("main");
  let banner = main.querySelector(":scope > .live");
  if (banner?.dataset.tells === what) return;
  banner?.remove();
  banner = document.querySelector("#live").content.firstElementChild.cloneNode(true);
  banner.dataset.tells = what;
  banner.querySelector(what === "newer" ? "[data-away]" : "[data-newer]").remove();
  const button = banner.querySelector("button");
  if (what === "newer") button.addEventListener("click", show);
  else button.remove();
  main.prepend(banner);
}

function show() {
  const main = document.querySelector("main");
  const open = [...main.querySelectorAll("details")].map((part) => part.open);
  const near = [...main.querySelectorAll("h2[id]")].find((part) => part.getBoundingClientRect().top > -1);
  const before = near?.getBoundingClientRect().top;
  main.replaceChildren(...newer.childNodes);
  main.querySelectorAll("details").forEach((part, place) => { part.open = open[place] ?? part.open; });
  const now = near && document.getElementById(near.id);
  if (now) window.scrollBy({ top: now.getBoundingClientRect().top - before, behavior: "instant" });
  main.focus({ preventScroll: true });
  newer = null;
  tellAge();
}

tellAge();
setInterval(() => { if (!document.hidden) look(); }, EVERY);
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
