/** Elements, briefly. Text always goes in as text; only `markdown.js` turns strings into markup, sanitised. */

export function h(name, props = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(props)) setProp(element, key, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function setProp(element, key, value) {
  if (value === null || value === undefined || value === false) return;
  if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
  else if (key === "class") element.className = value;
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

/** A button whose label confirms for a moment what it did. */
export function confirmingButton({ label, done, icon, run, className = "button quiet small" }) {
  const text = h("span", { text: label });
  const button = h("button", { type: "button", class: className }, icon, text);
  let timer = 0;
  button.addEventListener("click", async () => {
    const worked = await run();
    text.textContent = worked === false ? "Could not copy" : done;
    clearTimeout(timer);
    timer = setTimeout(() => {
      text.textContent = label;
    }, 1600);
  });
  return button;
}

/** Copy text. Browsers offer the clipboard to secure origins only, and a reader may refuse it. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

export function download(text, { name, type }) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
