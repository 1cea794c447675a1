/** Citations: numbered references in the text, and the list of sources they lead to and back from. */

import { h } from "./dom.js";

// Unused otherwise, and punctuation to Markdown: emphasis that ends just before a reference still ends there.
const OPEN = "\u2045";
const CLOSE = "\u2046";
const REFERENCE = new RegExp(`${OPEN}(\\d+)${CLOSE}`, "g");

/** Every source of a turn once, numbered in the order of appearance, as {number, annotation, id}. */
export function collectSources(turn) {
  const sources = [];
  for (const block of turn.blocks) {
    for (const annotation of inReadingOrder(block)) {
      if (sources.some((source) => sameSource(source.annotation, annotation))) continue;
      sources.push({ number: sources.length + 1, annotation, id: `${turn.key}-source-${sources.length + 1}` });
    }
  }
  return sources;
}

/** The text with a marker where each reference belongs; `linkReferences` turns markers into links. */
export function markReferences(text, annotations, sources) {
  const clean = text.replace(/[\u2045\u2046]/g, " ");
  const places = annotations.map((annotation) => ({
    place: wordEnd(clean, placeOf(annotation, clean)),
    number: sources.find((source) => sameSource(source.annotation, annotation)).number,
  }));
  places.sort((a, b) => b.place - a.place || b.number - a.number);
  return places.reduce((marked, { place, number }) => {
    const before = marked.slice(0, place);
    // A bare address would swallow the marker.
    const gap = /https?:\/\/\S+$/.test(before) ? " " : "";
    return before + gap + OPEN + number + CLOSE + marked.slice(place);
  }, clean);
}

/** Replace the markers below `root` by links to the sources. */
export function linkReferences(root, sources) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) if (walker.currentNode.data.includes(OPEN)) nodes.push(walker.currentNode);
  for (const node of nodes) node.replaceWith(...withLinks(node.data, sources));
}

/** The list below an answer; `root` holds the answer's references. */
export function sourceList(sources, turnKey, root) {
  for (const source of sources) anchorFirst(root, source);
  const items = sources.map((source) => sourceItem(source));
  const heading = h("h3", { class: "sources-title", id: `${turnKey}-sources`, text: "Sources" });
  return h("section", { class: "sources", "aria-labelledby": heading.id }, heading, h("ol", {}, items));
}

function sourceItem({ number, annotation, id }) {
  const quote = annotation.text ? h("blockquote", { text: annotation.text }) : null;
  const back = h("a", {
    class: "back-link",
    href: `#${id}-ref`,
    "aria-label": `Back to reference ${number} in the answer`,
    text: "\u21a9\ufe0e",
  });
  return h(
    "li",
    { id, tabindex: "-1", value: String(number) },
    h("div", { class: "source-head" }, sourceName(annotation), back),
    quote,
  );
}

function sourceName(annotation) {
  const url = safeUrl(annotation.source_url);
  if (url) {
    const name = annotation.doc_title || annotation.title || url.hostname;
    return h("a", { href: url.href, target: "_blank", rel: "noopener noreferrer", text: name });
  }
  const title = annotation.doc_title || annotation.doc_id || annotation.source_url || "Untitled source";
  const detail =
    annotation.doc_id && annotation.doc_id !== title
      ? h("span", { class: "source-id", text: annotation.doc_id })
      : null;
  return h("span", { class: "source-name" }, h("span", { text: title }), detail);
}

function withLinks(text, sources) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(REFERENCE)) {
    nodes.push(text.slice(end, match.index), referenceLink(sources[Number(match[1]) - 1]));
    end = match.index + match[0].length;
  }
  return [...nodes, text.slice(end)];
}

function referenceLink({ number, annotation, id }) {
  const title = annotation.doc_title || annotation.source_url || annotation.doc_id || "source";
  const link = h("a", { href: `#${id}`, "aria-label": `Source ${number}: ${title}`, text: String(number) });
  return h("sup", { class: "reference" }, link);
}

/** A source cited twice has one place to come back to: the first. */
function anchorFirst(root, { id }) {
  root.querySelector(`.reference a[href="#${id}"]`)?.setAttribute("id", `${id}-ref`);
}

function sameSource(a, b) {
  return a.type === b.type && a.doc_id === b.doc_id && a.source_url === b.source_url && a.text === b.text;
}

function inReadingOrder({ annotations = [], text }) {
  return annotations.toSorted((a, b) => placeOf(a, text) - placeOf(b, text));
}

/** Snowflake counts characters, JavaScript counts UTF-16 units; an emoji is one to the former, two to the latter. */
function placeOf({ end_index: end, place }, text) {
  return end === undefined ? place : Array.from(text).slice(0, end).join("").length;
}

function wordEnd(text, place) {
  let at = Math.min(place, text.length);
  while (at > 0 && /\s/.test(text[at - 1])) at -= 1;
  while (at > 0 && at < text.length && !/\s/.test(text[at])) at += 1;
  return at;
}

function safeUrl(text) {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  return ["http:", "https:"].includes(url.protocol) ? url : null;
}
