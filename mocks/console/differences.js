/** Why a request was not answered: each near miss, field by field, with what differs marked. */

import { h } from "./dom.js";

const MAX_MARKED_CHARS = 2000;

/** The nearest recordings of a miss. `links(cassette, interaction)` gives where one can be read. */
export function nearMisses(nearest, link) {
  return h(
    "ol",
    { class: "near" },
    nearest.map((miss) =>
      h(
        "li",
        {},
        h(
          "h4",
          {},
          h("a", { href: link(miss.cassette, miss.interaction), text: miss.cassette }),
          ` interaction ${miss.interaction}`,
        ),
        h("p", { class: "fine-print", text: `${fieldsOf(miss)} kept it from answering.` }),
        comparison(miss.differences.map(({ field, expected, found }) => [field, expected, found])),
      ),
    ),
  );
}

function fieldsOf({ differences }) {
  return differences.map(({ field }) => field).join(" and ");
}

function comparison(rows) {
  const head = h(
    "tr",
    {},
    ["Field", "Recorded (expected)", "Asked (found)"].map((text) => h("th", { scope: "col", text })),
  );
  const body = rows.map(([field, expected, found]) => {
    const [left, right] = marked(shown(expected), shown(found));
    return h(
      "tr",
      {},
      h("th", { scope: "row", text: field }),
      h("td", { "data-label": "Recorded (expected)" }, side(left, expected)),
      h("td", { "data-label": "Asked (found)" }, side(right, found)),
    );
  });
  return h("table", { class: "comparison" }, h("thead", {}, head), h("tbody", {}, body));
}

function side(pieces, value) {
  if (value === null || value === undefined) return h("span", { class: "nothing", text: "nothing" });
  return h(
    "span",
    { class: "preserve" },
    pieces.map(([text, differs]) => (differs ? h("mark", { text }) : text)),
  );
}

function shown(value) {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}

/**
 * Both texts in pieces of [text, differs], divided at words. What both have in common, in order, does not differ:
 * the longest common subsequence.
 */
export function marked(left, right) {
  const a = words(left.slice(0, MAX_MARKED_CHARS));
  const b = words(right.slice(0, MAX_MARKED_CHARS));
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      lengths[i][j] = same(a[i], b[j]) ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
  const [ours, theirs] = [[], []];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && same(a[i], b[j])) {
      add(ours, a[i++], false);
      add(theirs, b[j++], false);
    } else if (j >= b.length || (i < a.length && lengths[i + 1][j] >= lengths[i][j + 1])) add(ours, a[i++], true);
    else add(theirs, b[j++], true);
  }
  return [ours, theirs];
}

/** Letter case does not count, as in the mock's own comparison. */
function same(one, other) {
  return one.toLowerCase() === other.toLowerCase();
}

function words(text) {
  return text.match(/[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu) ?? [];
}

function add(pieces, text, differs) {
  const last = pieces.at(-1);
  if (last?.[1] === differs) last[0] += text;
  else pieces.push([text, differs]);
}
