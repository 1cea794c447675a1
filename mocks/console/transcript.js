/** A recorded answer as it reads: deltas joined to text, tools with what they were given and gave back. */

import { facts, h, notice } from "./dom.js";
import { duration, plural, pretty } from "./format.js";

const MAX_BLOCKS = 400;
const MAX_ROWS = 12;

/**
 * Blocks of {kind, event, from, to, frames, ...}; neighbouring deltas of one content are a single block. Pure.
 * frames: [[at_ms, bytes, event, data]].
 */
export function blocksOf(frames) {
  const blocks = [];
  for (const [at, , event, data] of frames) {
    const piece = read(event, data);
    const last = blocks.at(-1);
    if (piece.text !== undefined && last?.channel === piece.channel && last.text !== undefined) {
      last.text += piece.text;
      last.to = at;
      last.frames += 1;
    } else blocks.push({ ...piece, event, from: at, to: at, frames: 1 });
  }
  return blocks;
}

function read(event, data) {
  const document = parsed(data);
  if (document === undefined) return { kind: "raw", raw: data };
  const delta = deltaText(event, document);
  if (delta) return delta;
  const part = document?.delta?.content?.[0];
  if (part?.tool_use) return { kind: "tool", document: part.tool_use, raw: data };
  if (part?.tool_results) return { kind: "result", document: part.tool_results, raw: data };
  return { kind: kindOf(event), document, raw: data };
}

/** The text of a delta and the channel it belongs to, in any of the formats that Cortex streams. */
function deltaText(event, document) {
  if (event.endsWith(".delta") && typeof document?.text === "string")
    return {
      kind: event.includes("thinking") ? "thinking" : "text",
      channel: `${event} ${document.content_index}`,
      text: document.text,
    };
  const part = document?.delta?.content?.[0];
  if (part?.type === "text" && typeof part.text === "string")
    return { kind: "text", channel: `${event} ${part.index}`, text: part.text };
  const choice = document?.choices?.[0]?.delta;
  if (typeof choice?.content === "string") return { kind: "text", channel: "choices", text: choice.content };
  return null;
}

function kindOf(event) {
  if (event === "response.status" || event === "response.tool_result.status" || event === "status") return "status";
  if (event.includes("tool_use")) return "tool";
  if (event.includes("tool_result")) return "result";
  if (event === "error" || event.includes("warning")) return "problem";
  if (event.includes("suggested")) return "suggestions";
  return event === "response.table" ? "result" : "document";
}

function parsed(data) {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}

/** The transcript as elements. */
export function transcript(frames) {
  const blocks = blocksOf(frames);
  const rest = blocks.length - MAX_BLOCKS;
  return h(
    "ol",
    { class: "transcript" },
    blocks.slice(0, MAX_BLOCKS).map(blockElement),
    rest > 0 ? h("li", { class: "fine-print", text: `${plural(rest, "more block")} not shown.` }) : null,
  );
}

function blockElement(block) {
  const when = block.frames > 1 ? `${duration(block.from)} to ${duration(block.to)}` : duration(block.from);
  const name = block.event || "body";
  const count = block.frames > 1 ? ` \u00d7 ${block.frames}` : "";
  return h(
    "li",
    { class: `block say-${block.kind}` },
    h("p", { class: "block-when" }, h("span", { class: "when", text: when }), h("code", { text: `${name}${count}` })),
    h("div", { class: "block-body" }, bodyOf(block)),
  );
}

function bodyOf(block) {
  const { kind, document } = block;
  if (block.text !== undefined) return h("p", { class: "preserve", text: block.text });
  if (kind === "raw") return h("code", { class: "preserve", text: block.raw || "(no data)" });
  if (kind === "status") return h("p", { text: String(document.message ?? document.status ?? "") });
  if (kind === "problem")
    return notice("warning", h("p", { text: String(document.message ?? document.text ?? "") }), fold(block.raw));
  if (kind === "suggestions") return suggestions(block);
  if (kind === "tool")
    return [
      h("p", {}, "Uses ", h("strong", { text: String(document.name ?? document.type ?? "a tool") })),
      ...inputOf(document.input),
      fold(block.raw),
    ];
  if (kind === "result") return resultOf(block);
  const words = gist(document);
  return [words ? h("p", { class: "fine-print", text: words }) : null, fold(block.raw)].filter(Boolean);
}

function inputOf(input) {
  if (!input || typeof input !== "object") return [];
  const sql =
    typeof input.sql === "string" ? h("pre", { class: "code", tabindex: "0" }, h("code", { text: input.sql })) : null;
  const others = Object.entries(input).filter(([name]) => name !== "sql");
  return [
    sql,
    others.length
      ? facts(
          others.map(([name, value]) => [
            name,
            h("span", { class: "preserve", text: typeof value === "string" ? value : JSON.stringify(value) }),
          ]),
        )
      : null,
  ].filter(Boolean);
}

function resultOf({ document, raw }) {
  const name = document.name
    ? h("p", {}, h("strong", { text: String(document.name) }), ` ${document.status ?? ""}`)
    : null;
  const set = document.result_set ?? document.content?.map(({ json }) => json?.result_set).find(Boolean);
  return [name, set ? table(set) : null, fold(raw)].filter(Boolean);
}

function table({ data, resultSetMetaData }) {
  if (!Array.isArray(data)) return null;
  const columns = resultSetMetaData?.rowType?.map((column) => column.name) ?? [];
  const rest = data.length - MAX_ROWS;
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": "Result" },
    h(
      "table",
      { class: "frames" },
      columns.length
        ? h(
            "thead",
            {},
            h(
              "tr",
              {},
              columns.map((text) => h("th", { scope: "col", text })),
            ),
          )
        : null,
      h(
        "tbody",
        {},
        data.slice(0, MAX_ROWS).map((row) =>
          h(
            "tr",
            {},
            [row].flat().map((cell) => h("td", { text: cell === null ? "null" : String(cell) })),
          ),
        ),
      ),
    ),
    rest > 0 ? h("p", { class: "fine-print", text: `${plural(rest, "more row")}.` }) : null,
  );
}

function suggestions({ document, raw }) {
  const asked = document.suggested_queries;
  if (!Array.isArray(asked)) return fold(raw);
  return h(
    "ul",
    { class: "bullets" },
    asked.map((each) => h("li", { text: String(each?.query ?? each) })),
  );
}

/** What a document says of itself in one line. */
function gist(document) {
  if (typeof document?.text === "string")
    return `The whole text: ${document.text.slice(0, 160)}${document.text.length > 160 ? "\u2026" : ""}`;
  const plain = Object.entries(document ?? {}).filter(
    ([name, value]) => typeof value !== "object" && name !== "sequence_number",
  );
  return plain
    .slice(0, 4)
    .map(([name, value]) => `${name}: ${String(value).slice(0, 80)}`)
    .join(", ");
}

function fold(raw) {
  const element = h("details", { class: "raw" }, h("summary", { text: "Data" }));
  element.addEventListener("toggle", () => {
    if (element.open && element.childElementCount === 1)
      element.append(h("pre", { class: "code", tabindex: "0" }, h("code", { text: pretty(raw) })));
  });
  return element;
}
