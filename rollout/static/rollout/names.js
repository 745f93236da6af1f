// Names for what Django's own scripts put in place of plain fields, so that they are read out with their labels.
"use strict";

function nameChoices(root) {
  for (const select of root.querySelectorAll("select.admin-autocomplete")) {
    const box = select.nextElementSibling?.querySelector(".select2-selection");
    const label = document.querySelector(`label[for="${CSS.escape(select.id)}"]`);
    const chosen = box?.querySelector(".select2-selection__rendered");
    if (!chosen || !label) {
      continue;
    }
    label.id ||= `${select.id}-label`;
    box.setAttribute("aria-labelledby", `${label.id} ${chosen.id}`);
    chosen.removeAttribute("role"); // it is text: nobody types into it
    chosen.removeAttribute("aria-readonly");
  }
  for (const icon of root.querySelectorAll(".search-label-icon")) {
    icon.setAttribute("role", "img");
  }
}

// Django's scripts replace fields when jQuery is ready, some of them when all is loaded: this comes after both.
window.django?.jQuery?.(() => nameChoices(document));
window.addEventListener("load", () => setTimeout(() => nameChoices(document)));
document.addEventListener("formset:added", (event) => setTimeout(() => nameChoices(event.target)));
