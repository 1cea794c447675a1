/** A result set as a table: sortable, exact, drawn in portions so that thousands of rows do not hold the page up. */

import { plural } from "../format.js";
import { cellExport, cellText, compareCells, isNumeric } from "../result-set.js";
import { confirmingButton, copyText, download, h } from "./dom.js";
import { icon } from "./icons.js";

const FIRST_ROWS = 50;
const ROWS_PER_FRAME = 500;
const NEXT_ORDER = { none: "ascending", ascending: "descending", descending: "none" };

let tables = 0;

/** `data` is what `readResultSet` gives; `title` names the table. */
export function tableView(data, { title = "Result", queryId = null } = {}) {
  tables += 1;
  const state = {
    data,
    column: -1,
    order: "none",
    shown: Math.min(FIRST_ROWS, data.rows.length),
    rows: data.rows,
    run: 0,
  };
  const body = h("tbody");
  const headers = data.columns.map((column, index) => header(column, () => sort(index)));
  const caption = h(
    "figcaption",
    { class: "block-title", id: `table-${tables}` },
    icon("table"),
    h("span", { text: title }),
    rowCount(data),
  );
  const more = h("button", { type: "button", class: "button quiet small", onclick: () => showAll() });
  const table = h("table", { "aria-labelledby": caption.id }, h("thead", {}, h("tr", {}, headers)), body);
  const frame = h("div", { class: "table-frame", tabindex: "0", role: "region", "aria-labelledby": caption.id }, table);
  const footer = h(
    "div",
    { class: "block-actions" },
    more,
    queryNote(queryId),
    h("span", { class: "spacer" }),
    ...exportButtons(state, title),
  );
  const element = h("figure", { class: "data-table" }, caption, frame, footer);
  draw();
  return { element };

  function sort(index) {
    const order = state.column === index ? NEXT_ORDER[state.order] : "ascending";
    Object.assign(state, { column: index, order, rows: sorted(data, index, order) });
    headers.forEach((cell, at) => cell.setAttribute("aria-sort", at === index ? order : "none"));
    draw();
  }

  function showAll() {
    state.shown = data.rows.length;
    draw();
    frame.focus({ preventScroll: true });
  }

  /** The rows in sight come at once, the others a portion a frame; a newer drawing ends an older one. */
  function draw() {
    state.run += 1;
    body.replaceChildren(...state.rows.slice(0, Math.min(state.shown, ROWS_PER_FRAME)).map(row));
    more.hidden = state.shown >= data.rows.length;
    more.textContent = `Show all ${plural(data.rows.length, "row")}`;
    const { run } = state; // as it is now: by the next frame there may be a newer one
    if (state.shown > ROWS_PER_FRAME) requestAnimationFrame(() => drawMore(run, ROWS_PER_FRAME));
  }

  function drawMore(run, from) {
    if (run !== state.run) return;
    const to = Math.min(from + ROWS_PER_FRAME, state.shown);
    body.append(...state.rows.slice(from, to).map(row));
    if (to < state.shown) requestAnimationFrame(() => drawMore(run, to));
  }

  function row(cells) {
    return h(
      "tr",
      {},
      data.columns.map((column, index) => cell(column, cells[index])),
    );
  }
}

function header(column, sort) {
  const numeric = isNumeric(column);
  const label = h(
    "button",
    { type: "button", class: "sort", title: `Sort by ${column.name}`, onclick: sort },
    h("span", { text: column.name }),
    icon("arrowUp"),
  );
  return h("th", { scope: "col", "aria-sort": "none", class: numeric ? "numeric" : null }, label);
}

function cell(column, value) {
  const missing = value === null || value === undefined;
  const kind = missing ? "missing" : null;
  const classes = [isNumeric(column) ? "numeric" : null, kind].filter(Boolean).join(" ");
  const td = document.createElement("td");
  if (classes) td.className = classes;
  td.textContent = cellText(column, value);
  return td;
}

function rowCount(data) {
  const shown = data.rows.length;
  const count = data.total > shown ? `${plural(shown, "row")} of ${plural(data.total, "row")}` : plural(shown, "row");
  return h("span", { class: "count", text: count });
}

function sorted(data, index, order) {
  if (order === "none") return data.rows;
  const direction = order === "ascending" ? 1 : -1;
  const column = data.columns[index];
  const isNull = (row) => Number(row[index] === null || row[index] === undefined);
  return data.rows.toSorted((a, b) => {
    // Missing values stay at the end in either direction.
    if (isNull(a) || isNull(b)) return isNull(a) - isNull(b);
    return direction * compareCells(column, a[index], b[index]);
  });
}

function exportButtons(state, title) {
  return [
    confirmingButton({
      label: "Copy",
      done: "Copied",
      icon: icon("copy"),
      run: () => copyText(delimited(state, "\t")),
    }),
    confirmingButton({
      label: "Download CSV",
      done: "Downloaded",
      icon: icon("download"),
      run: () => download(delimited(state, ","), { name: fileName(title), type: "text/csv;charset=utf-8" }),
    }),
  ];
}

/** All rows in the order shown, exact values, quoted as RFC 4180 asks. */
function delimited({ data, rows }, separator) {
  const quote = (text) => (/["\r\n]/.test(text) || text.includes(separator) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = rows.map((cells) => data.columns.map((column, index) => quote(cellExport(column, cells[index]))));
  return [data.columns.map((column) => quote(column.name)), ...lines]
    .map((line) => `${line.join(separator)}\r\n`)
    .join("");
}

function fileName(title) {
  const words = title.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ["result"];
  return `${words.join("-").slice(0, 60)}.csv`;
}

function queryNote(queryId) {
  return queryId ? h("p", { class: "fine-print query-id" }, "Query ", h("code", { text: queryId })) : null;
}
