/* Shows the text of a reminder rule while it is typed, as the button beside it does. Without this the button works. */
(() => {
  "use strict";

  const DELAY = 400; // milliseconds without a key
  const section = document.getElementById("rule-preview");
  const status = document.getElementById("rule-preview-status");
  if (!section || !status) return;

  const form = section.closest("form");
  const help = document.getElementById("id_body_helptext");
  let timer;
  let running;

  const show = (page) => {
    const found = new DOMParser().parseFromString(page, "text/html").getElementById("rule-preview-result");
    if (!found) throw new Error("not a preview");
    document.getElementById("rule-preview-result").replaceWith(document.adoptNode(found));
    if (help) help.firstElementChild.textContent = found.dataset.variables;
    status.textContent = found.dataset.said;
  };

  const update = async () => {
    running?.abort();
    const own = (running = new AbortController());
    const sent = new FormData(form);
    sent.set("_preview", "live");
    try {
      const answer = await fetch(form.getAttribute("action") || location.href, { method: "POST", body: sent, signal: own.signal });
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      show(await answer.text());
    } catch (error) {
      if (own === running && error.name !== "AbortError") status.textContent = status.dataset.failed;
    }
  };

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(update, DELAY);
  });
})();
