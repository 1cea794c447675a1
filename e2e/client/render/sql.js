/** SQL and JSON with their words coloured; plain text nodes in, so nothing in it can become markup. */

import { h } from "./dom.js";

const SQL = new RegExp(
  [
    String.raw`(?<comment>--[^\n]*|\/\*[\s\S]*?\*\/)`,
    String.raw`(?<string>'(?:[^']|'')*')`,
    String.raw`(?<name>"(?:[^"]|"")*")`,
    String.raw`(?<number>\b\d+(?:\.\d+)?\b)`,
    String.raw`(?<keyword>\b(?:select|from|where|group|order|by|having|limit|offset|as|on|and|or|not|in|is|null|like|ilike|between|exists|case|when|then|else|end|join|inner|left|right|full|outer|cross|lateral|union|all|distinct|with|recursive|over|partition|rows|range|qualify|asc|desc|nulls|first|last|values|insert|into|update|set|delete|create|table|view|using|interval|true|false|cast)\b)`,
    String.raw`(?<call>\b[a-z_][\w$]*(?=\s*\())`,
  ].join("|"),
  "gi",
);

const JSON_TOKEN =
  /(?<name>"(?:[^"\\]|\\.)*"(?=\s*:))|(?<string>"(?:[^"\\]|\\.)*")|(?<number>-?\b\d+(?:\.\d+)?(?:e[+-]?\d+)?\b)|(?<keyword>\b(?:true|false|null)\b)/gi;

export function sqlBlock(sql) {
  return codeBlock(coloured(sql.trim(), SQL), "SQL");
}

export function jsonBlock(value) {
  return codeBlock(coloured(JSON.stringify(value, null, 2), JSON_TOKEN), "JSON");
}

/** Nodes for a fenced block of an answer; null when the language is not one of ours. */
export function colouredCode(text, language) {
  if (/^(sql|snowflake)$/i.test(language)) return coloured(text, SQL);
  return /^json$/i.test(language) ? coloured(text, JSON_TOKEN) : null;
}

function codeBlock(nodes, label) {
  return h("pre", { class: "code", tabindex: "0", role: "region", "aria-label": label }, h("code", {}, nodes));
}

function coloured(text, pattern) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    const kind = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
    nodes.push(text.slice(end, match.index), h("span", { class: `code-${kind}`, text: match[0] }));
    end = match.index + match[0].length;
  }
  return [...nodes, text.slice(end)];
}
