/** Elements, briefly. Whatever a client or a cassette wrote goes in as text, never as markup. */

import { icon } from "./icons.js";

const SVG = "http://www.w3.org/2000/svg";

export function h(name, props = {}, ...children) {
  return filled(document.createElement(name), props, children);
}

export function s(name, props = {}, ...children) {
  return filled(document.createElementNS(SVG, name), props, children);
}

function filled(element, props, children) {
  for (const [key, value] of Object.entries(props)) setProp(element, key, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function setProp(element, key, value) {
  if (value === null || value === undefined || value === false) return;
  if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
  else if (key === "text") element.textContent = value;
  else element.setAttribute(key, value === true ? "" : value);
}

/** Put exactly these children into an element, moving nothing that is already in place. */
export function setChildren(parent, children) {
  children.forEach((child, index) => {
    if (parent.childNodes[index] !== child) parent.insertBefore(child, parent.childNodes[index] ?? null);
  });
  while (parent.childNodes.length > children.length) parent.lastChild.remove();
}

/** Set an element's text, touching nothing when it reads so already. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A button that copies what `text()` gives, and says for a moment whether that worked. */
export function copyButton(label, text, className = "button small") {
  const words = h("span", { text: label });
  const button = h("button", { type: "button", class: className }, icon("copy"), words);
  let timer = 0;
  button.addEventListener("click", async () => {
    const worked = await copy(text());
    words.textContent = worked ? "Copied" : "Could not copy";
    clearTimeout(timer);
    timer = setTimeout(() => {
      words.textContent = label;
    }, 1600);
  });
  return button;
}

/** Browsers offer the clipboard to secure origins only, and a reader may refuse it. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

export function notice(kind, ...children) {
  return h("div", { class: `notice ${kind}` }, icon(kind === "plain" ? "info" : "alert"), h("div", {}, ...children));
}

/** A command to try, with its copy button. */
export function command(text) {
  return h(
    "div",
    { class: "command" },
    h("pre", { tabindex: "0" }, h("code", { text })),
    copyButton("Copy", () => text),
  );
}

/** Pairs of a term and what it says; pairs without a value are left out. */
export function facts(pairs) {
  const told = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h(
    "dl",
    { class: "facts" },
    told.map(([term, value]) =>
      h("div", {}, h("dt", { text: term }), h("dd", {}, value instanceof Node ? value : String(value))),
    ),
  );
}
