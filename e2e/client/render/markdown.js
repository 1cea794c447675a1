/**
 * Markdown that grows while it is read.
 *
 * Only what can still change is lexed again: all blocks but the last two are frozen, and a block is redrawn only when
 * its source changed. Two guards stand between an answer and the page: raw HTML is shown as text, and what Markdown
 * made is sanitised.
 */

import DOMPurify from "../vendor/purify.es.js";
import { Marked } from "../vendor/marked.esm.js";
import { h } from "./dom.js";
import { colouredCode } from "./sql.js";

const HARMLESS_TAG = /^<\/?(br|sub|sup|kbd|mark)\s*\/?>$/i;
const SAFE_LINK = /^(https?:|mailto:)/i;

const CLEAN = {
  ALLOWED_TAGS: [
    ...[
      "a",
      "b",
      "blockquote",
      "br",
      "code",
      "del",
      "em",
      "h3",
      "h4",
      "h5",
      "h6",
      "hr",
      "i",
      "input",
      "kbd",
      "li",
      "mark",
    ],
    ...["ol", "p", "pre", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul"],
  ],
  ALLOWED_ATTR: ["href", "title", "align", "start", "class", "type", "checked", "disabled"],
  ALLOWED_URI_REGEXP: SAFE_LINK,
  // The expression above is held against every attribute that is not listed as harmless.
  ADD_URI_SAFE_ATTR: ["align", "start", "type", "checked", "disabled"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

const marked = new Marked({
  gfm: true,
  renderer: {
    // The page's own headings end at level 2.
    heading({ tokens, depth }) {
      const level = Math.min(6, depth + 2);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>\n`;
    },
    // An image's address can carry words of the answer to a stranger's server, so none is ever fetched.
    image: ({ text, href }) => escapeHtml(text ? `[image: ${text}]` : `[image: ${href}]`),
    html: ({ text }) => (HARMLESS_TAG.test(text.trim()) ? text : escapeHtml(text)),
  },
});

export class MarkdownView {
  #root;
  #decorate;
  #frozen = "";
  #frozenCount = 0;
  #drawn = [];

  /** `decorate` sees every freshly drawn block. */
  constructor(root, decorate = () => {}) {
    this.#root = root;
    this.#decorate = decorate;
  }

  /** Show `source`; `final` says that nothing will follow. */
  update(source, { final = false } = {}) {
    if (final || !source.startsWith(this.#frozen)) this.#thaw();
    const tokens = marked.lexer(healed(source.slice(this.#frozen.length), final));
    // A link's target may be defined below it, so its block changes although its source did not.
    const redraw = final && Object.keys(tokens.links).length > 0;
    tokens.forEach((token, index) => this.#draw(this.#frozenCount + index, token, redraw));
    for (const { node } of this.#drawn.splice(this.#frozenCount + tokens.length)) node.remove();
    if (!final) this.#freeze(tokens);
  }

  #thaw() {
    this.#frozen = "";
    this.#frozenCount = 0;
  }

  #freeze(tokens) {
    const solid = tokens.map((token, index) => (token.type === "space" ? -1 : index)).filter((index) => index >= 0);
    const upTo = solid.at(-2) ?? 0;
    this.#frozen += tokens
      .slice(0, upTo)
      .map((token) => token.raw)
      .join("");
    this.#frozenCount += upTo;
  }

  #draw(index, token, redraw) {
    const old = this.#drawn[index];
    if (old && old.raw === token.raw && !redraw) return;
    const node = h("div", { class: "md-block" }, token.type === "space" ? null : rendered(token));
    this.#decorate(node);
    if (old) old.node.replaceWith(node);
    else this.#root.append(node);
    this.#drawn[index] = { raw: token.raw, node };
  }
}

/** Markdown as sanitised nodes, at once. */
export function markdownFragment(source) {
  return dressed(DOMPurify.sanitize(marked.parse(source), CLEAN));
}

function rendered(token) {
  return dressed(DOMPurify.sanitize(marked.parser([token]), CLEAN));
}

function dressed(fragment) {
  for (const link of fragment.querySelectorAll("a")) dressLink(link);
  for (const table of fragment.querySelectorAll("table")) {
    const frame = h("div", { class: "scroll-x", tabindex: "0", role: "region", "aria-label": "Table" });
    table.replaceWith(frame);
    frame.append(table);
  }
  for (const code of fragment.querySelectorAll("pre > code")) dressCode(code);
  // A list of tasks; nothing else names its boxes.
  for (const box of fragment.querySelectorAll("input")) box.setAttribute("aria-label", box.checked ? "Done" : "To do");
  return fragment;
}

function dressLink(link) {
  if (!SAFE_LINK.test(link.getAttribute("href") ?? "")) return link.replaceWith(...link.childNodes);
  link.target = "_blank";
  link.rel = "noopener noreferrer";
}

function dressCode(code) {
  const language = /language-(\w+)/.exec(code.className)?.[1] ?? "";
  code.parentElement.className = "code";
  code.parentElement.tabIndex = 0;
  const nodes = colouredCode(code.textContent, language);
  if (nodes) code.replaceChildren(...nodes);
}

/** The last line with its open emphasis closed, so that asterisks do not flash while a word is being sent. */
function healed(text, final) {
  if (final || (text.match(/^(```|~~~)/gm) ?? []).length % 2) return text;
  const line = text.slice(text.lastIndexOf("\n") + 1);
  if (line.split("`").length % 2 === 0) return `${text}\``;
  return line.split("**").length % 2 === 0 && !line.endsWith("*") ? `${text}**` : text;
}

function escapeHtml(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
