/** Light and dark: the system decides until the reader does. */

import { icon } from "./icons.js";

const DARK = window.matchMedia("(prefers-color-scheme: dark)");

export function startTheme(button) {
  const show = () => {
    const other = current() === "dark" ? "light" : "dark";
    button.replaceChildren(icon(other === "dark" ? "moon" : "sun"));
    button.setAttribute("aria-label", `Switch to the ${other} theme`);
  };
  button.addEventListener("click", () => {
    choose(current() === "dark" ? "light" : "dark");
    show();
  });
  DARK.addEventListener("change", show);
  show();
}

function system() {
  return DARK.matches ? "dark" : "light";
}

function current() {
  return document.documentElement.dataset.theme ?? system();
}

/** Choosing what the system says anyway is following the system again. */
function choose(theme) {
  const own = theme === system() ? null : theme;
  if (own) document.documentElement.dataset.theme = own;
  else delete document.documentElement.dataset.theme;
  try {
    if (own) localStorage.setItem("theme", own);
    else localStorage.removeItem("theme");
  } catch {
    // Storage is switched off: the choice holds until the page is left.
  }
}
