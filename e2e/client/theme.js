/** Light and dark: the system decides until the reader does. Charts hear of a change through `themechange`. */

import { icon } from "./render/icons.js";
import { recall, remember } from "./storage.js";

const DARK = window.matchMedia("(prefers-color-scheme: dark)");

export function startTheme(button) {
  const show = () => {
    const other = current() === "dark" ? "light" : "dark";
    button.replaceChildren(icon(other === "dark" ? "moon" : "sun"));
    button.setAttribute("aria-label", `Switch to the ${other} theme`);
    document.dispatchEvent(new Event("themechange"));
  };
  button.addEventListener("click", () => {
    choose(current() === "dark" ? "light" : "dark");
    show();
  });
  DARK.addEventListener("change", show);
  show();
}

function current() {
  return recall("theme") ?? system();
}

function system() {
  return DARK.matches ? "dark" : "light";
}

/** Choosing what the system says anyway is following the system again. */
function choose(theme) {
  const own = theme === system() ? null : theme;
  remember("theme", own);
  if (own) document.documentElement.dataset.theme = own;
  else delete document.documentElement.dataset.theme;
}
