/** A tool call as a card: what runs, how it stands, what went in and what came out. */

import { duration, plural } from "../format.js";
import { readResultSet } from "../result-set.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { jsonBlock, sqlBlock } from "./sql.js";
import { tableView } from "./table.js";

const KINDS = {
  system_agentic_semantic_context: { label: "Read the semantic model", icon: "database" },
  system_execute_sql: { label: "Run SQL", icon: "code" },
  sql_exec: { label: "Run SQL", icon: "code" },
  cortex_analyst_text_to_sql: { label: "Write SQL", icon: "code" },
  cortex_search: { label: "Search documents", icon: "search" },
  data_to_chart: { label: "Draw a chart", icon: "chart" },
  web_search: { label: "Search the web", icon: "globe" },
  server_skill: { label: "Use a skill", icon: "file" },
};

const STATES = {
  running: "Running",
  done: "Done",
  failed: "Failed",
  stopped: "Stopped",
  unanswered: "No result",
};

export function toolView() {
  const glyph = h("span", { class: "tool-icon" });
  const name = h("span", { class: "tool-label" });
  const technical = h("span", { class: "tool-name" });
  const gist = h("span", { class: "tool-gist" });
  const state = h("span", { class: "state" });
  const body = h("div", { class: "tool-body" });
  const head = h("span", { class: "tool-title" }, name, technical);
  const summary = h("summary", {}, glyph, head, gist, state, icon("chevron"));
  const element = h("details", { class: "tool" }, summary, body);
  let drawn = null;
  element.addEventListener("toggle", () => element.open && fill());
  return { element, update };

  function update(block) {
    const kind = KINDS[block.type] ??
      KINDS[block.name] ?? { label: "Use a tool", icon: block.clientSide ? "browser" : "wrench" };
    glyph.replaceChildren(icon(kind.icon));
    name.textContent = kind.label;
    const type = block.type && block.type !== block.name ? h("span", { class: "tool-type", text: block.type }) : null;
    technical.replaceChildren(...[h("span", { text: block.name }), type].filter(Boolean));
    gist.textContent = gistOf(block);
    state.className = `state ${block.state}`;
    state.textContent = stateText(block);
    element.classList.toggle("failed", block.state === "failed");
    drawn = { block, done: false };
    if (element.open) fill();
  }

  /** A card is filled when it is opened: its tables cost nothing until somebody looks. */
  function fill() {
    if (!drawn || drawn.done) return;
    drawn.done = true;
    body.replaceChildren(...bodyOf(drawn.block));
  }
}

function stateText(block) {
  const text = STATES[block.state] ?? block.state;
  const took = block.endedAt === null || block.state === "unanswered" ? 0 : block.endedAt - block.startedAt;
  return took >= 100 ? `${text} \u00b7 ${duration(took)}` : text;
}

function gistOf(block) {
  if (block.ranInBrowser) return "Ran in this browser";
  if (block.state === "running") return block.progress ?? (block.clientSide ? "Runs in this browser" : "");
  for (const json of jsonItems(block.content)) {
    if (json.result_set) return plural(readResultSet(json.result_set).total, "row");
    const found = json.search_results ?? json.searchResults;
    if (found) return plural(found.length, "result");
    if (json.charts) return plural(json.charts.length, "chart");
    if (json.tables) return plural(json.tables.length, "table");
  }
  return "";
}

function bodyOf(block) {
  const parts = [section("Input", inputNodes(block))];
  if (block.ranInBrowser)
    parts.push(
      h(
        "p",
        { class: "browser-note" },
        icon("browser"),
        "This tool ran in your browser; its answer went back to the agent.",
      ),
    );
  if (block.content.length)
    parts.push(
      section(
        block.state === "failed" ? "Error" : "Result",
        block.content.flatMap((item) => resultNodes(item, block)),
      ),
    );
  else if (block.state === "running")
    parts.push(h("p", { class: "fine-print", text: block.progress ?? "No result yet." }));
  return parts;
}

function section(title, nodes) {
  return h("section", { class: "tool-section" }, h("h3", { text: title }), nodes);
}

function inputNodes({ input }) {
  if (typeof input.sql !== "string")
    return Object.keys(input).length ? [jsonBlock(input)] : [h("p", { class: "fine-print", text: "None." })];
  const { sql, ...others } = input;
  return [sqlBlock(sql), ...(Object.keys(others).length ? [jsonBlock(others)] : [])];
}

function resultNodes(item, block) {
  if (item.type === "text") return [textResult(item.text ?? "", block)];
  if (item.type !== "json") return [jsonBlock(item)];
  const json = unwrapped(item.json);
  if (json === null || typeof json !== "object") return [h("p", { text: String(json) })];
  return block.state === "failed" ? errorNodes(json) : jsonNodes(json, block);
}

/** Generic tools often return their value as JSON in a string, or twice encoded below `result`. */
function unwrapped(json) {
  if (typeof json?.result !== "string" || Object.keys(json).length > 1) return json;
  return parsed(json.result) ?? json;
}

function textResult(text, { state }) {
  const value = parsed(text);
  if (value !== null && typeof value === "object") return jsonBlock(value);
  return h("p", { class: state === "failed" ? "tool-error preserve" : "preserve", text });
}

function errorNodes(json) {
  const { message, error, code, ...others } = json;
  const words = [message, error].find((text) => typeof text === "string");
  if (!words) return [jsonBlock(json)];
  const line = h(
    "p",
    { class: "tool-error" },
    code ? h("code", { text: String(code) }) : null,
    h("span", { class: "preserve", text: words }),
  );
  return [line, ...(typeof others.sql === "string" ? [sqlBlock(others.sql)] : [])];
}

function jsonNodes(json, block) {
  const {
    result_set: resultSet,
    search_results: found = json.searchResults,
    searchResults,
    sql,
    text,
    query_id: queryId,
    verified_query_used: verified,
    charts,
    ...others
  } = json;
  const nodes = [];
  if (typeof text === "string") nodes.push(h("p", { class: "preserve", text }));
  if (verified) nodes.push(h("p", { class: "verified" }, icon("check"), "Answered with a verified query"));
  if (sql && sql !== block.input.sql) nodes.push(sqlBlock(sql));
  if (resultSet) nodes.push(tableView(readResultSet(resultSet), { title: "Query result", queryId }).element);
  else if (queryId) nodes.push(h("p", { class: "fine-print" }, "Query ", h("code", { text: queryId })));
  if (found) nodes.push(foundList(found));
  if (charts) nodes.push(...charts.map((chart) => jsonBlock(parsed(chart) ?? chart)));
  if (Object.keys(others).length) nodes.push(jsonBlock(others));
  return nodes;
}

function foundList(results) {
  if (!results.length) return h("p", { class: "fine-print", text: "Nothing found." });
  return h(
    "ol",
    { class: "search-results" },
    results.map((result) => {
      const { doc_title: title, doc_id: id, source_id: source, text } = result;
      const head = h(
        "p",
        { class: "search-title" },
        h("strong", { text: title || id || source || "Untitled" }),
        id && id !== title ? h("span", { class: "source-id", text: id }) : null,
      );
      return h("li", {}, head, text ? h("p", { class: "search-text", text }) : null);
    }),
  );
}

function jsonItems(content) {
  return content
    .filter((item) => item.type === "json" && item.json && typeof item.json === "object")
    .map((item) => item.json);
}

function parsed(text) {
  if (typeof text !== "string") return text;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
