/** Charts from Vega-Lite, drawn by Vega, which is loaded with the first of them. */

import { plural } from "../format.js";
import { tellFault } from "../measures.js";
import { readValues } from "../result-set.js";
import { confirmingButton, copyText, h } from "./dom.js";
import { icon } from "./icons.js";
import { tableView } from "./table.js";

const VEGA_URL = "/client/vendor/vega.js";
const MANY_MARKS = 1500;
const HEIGHT_PX = 280;
const KIND_NAMES = {
  arc: "Pie chart",
  area: "Area chart",
  bar: "Bar chart",
  line: "Line chart",
  point: "Scatter plot",
  circle: "Scatter plot",
  rect: "Heat map",
  tick: "Strip plot",
  boxplot: "Box plot",
};

let vegaLoad = null;
let charts = 0;

export function chartView(source) {
  charts += 1;
  const { spec, problem } = readSpec(source);
  if (problem) return { element: h("figure", { class: "chart" }, h("p", { class: "notice" }, icon("alert"), problem)) };
  const values = inlineValues(spec);
  const title = titleOf(spec) || "Chart";
  const description = describe(spec, values);
  const caption = h(
    "figcaption",
    { class: "block-title", id: `chart-${charts}` },
    icon("chart"),
    h("span", { text: title }),
    h("span", { class: "count", text: kindOf(spec) }),
  );
  const canvas = h("div", { class: "chart-canvas" });
  // A frame of our own, because Vega writes role and label of the element that it draws into.
  const picture = h("div", { class: "chart-picture", role: "img", "aria-label": `${title}. ${description}` }, canvas);
  const dataBox = h("div", { class: "chart-data", hidden: true });
  const toggle = h(
    "button",
    { type: "button", class: "button quiet small", "aria-expanded": "false", onclick: showData },
    icon("table"),
    h("span", { text: "Show data" }),
  );
  const copy = confirmingButton({
    label: "Copy specification",
    done: "Copied",
    icon: icon("copy"),
    run: () => copyText(JSON.stringify(spec, null, 2)),
  });
  const actions = h(
    "div",
    { class: "block-actions" },
    values.length ? toggle : null,
    h("span", { class: "spacer" }),
    copy,
  );
  const element = h(
    "figure",
    { class: "chart", "aria-labelledby": caption.id },
    caption,
    picture,
    h("p", { class: "fine-print", text: description }),
    actions,
    dataBox,
  );
  const drawing = new Drawing(spec, canvas, values.length);
  return { element, mounted: () => drawing.start(), destroy: () => drawing.stop() };

  function showData() {
    if (!dataBox.firstChild) dataBox.append(tableView(readValues(values), { title: `Data of ${title}` }).element);
    dataBox.hidden = !dataBox.hidden;
    toggle.setAttribute("aria-expanded", String(!dataBox.hidden));
    toggle.lastChild.textContent = dataBox.hidden ? "Show data" : "Hide data";
  }
}

/** One specification on the page, redrawn when the theme or the width changes. */
class Drawing {
  #spec;
  #canvas;
  #rows;
  #result = null;
  #redraw = () => this.#draw();
  #resize = new ResizeObserver(() => this.#fit());

  constructor(spec, canvas, rows) {
    this.#spec = spec;
    this.#canvas = canvas;
    this.#rows = rows;
  }

  start() {
    document.addEventListener("themechange", this.#redraw);
    this.#draw();
    this.#resize.observe(this.#canvas);
  }

  stop() {
    document.removeEventListener("themechange", this.#redraw);
    this.#resize.disconnect();
    this.#result?.finalize();
  }

  async #draw() {
    const embed = await loadVega().catch(() => null);
    if (!embed) return this.#failed("network", "the chart library could not be loaded");
    try {
      this.#result?.finalize();
      this.#result = await embed(
        this.#canvas,
        sized(this.#spec),
        embedOptions(this.#rows, labelAngle(this.#spec, this.#canvas)),
      );
      this.#canvas.classList.add("drawn");
      this.#fit(); // the column may have changed meanwhile
    } catch (error) {
      this.#failed("render", error.message);
    }
  }

  #failed(kind, reason) {
    tellFault(kind);
    const notice = h("p", { class: "notice" }, icon("alert"), `This chart cannot be drawn: ${reason}`);
    this.#canvas.replaceChildren(notice);
  }

  /** Vega follows the window's size; the column can change without it. */
  #fit() {
    const view = this.#result?.view;
    const width = this.#canvas.clientWidth;
    if (!view || !width || !isSingle(this.#spec)) return;
    if (Math.abs(view.signal("width") - width) > 1) view.signal("width", width).runAsync();
  }
}

/** The specification without anything that loads, or an explanation why it is not drawn. */
export function readSpec(source) {
  try {
    const spec = typeof source === "string" ? JSON.parse(source) : structuredClone(source);
    if (!spec || typeof spec !== "object") return { problem: "The chart's specification is empty." };
    // Embed options inside a specification would override this page's, and its schema version only causes a warning.
    delete spec.usermeta;
    delete spec.$schema;
    if (loadsData(spec))
      return { problem: "This chart wants to load its data from an address. Such charts are not drawn." };
    return { spec };
  } catch {
    return { problem: "The chart's specification is not valid JSON." };
  }
}

function loadsData(node) {
  if (Array.isArray(node)) return node.some(loadsData);
  if (!node || typeof node !== "object") return false;
  if (typeof node.data?.url === "string") return true;
  return Object.entries(node).some(([key, value]) => key !== "values" && key !== "datasets" && loadsData(value));
}

function inlineValues(spec) {
  const { data, datasets } = spec;
  const values = data?.values ?? datasets?.[data?.name];
  return Array.isArray(values) ? values : [];
}

function loadVega() {
  vegaLoad ??= new Promise((resolve, reject) => {
    const script = h("script", { src: VEGA_URL });
    script.addEventListener("load", () => resolve(window.vegaEmbed));
    script.addEventListener("error", () => {
      vegaLoad = null;
      reject();
    });
    document.head.append(script);
  });
  return vegaLoad;
}

function embedOptions(rows, angle) {
  return {
    mode: "vega-lite",
    ast: true,
    actions: false,
    defaultStyle: false,
    renderer: rows > MANY_MARKS ? "canvas" : "svg",
    config: themeConfig(angle),
    tooltip: showTooltip,
    loader: { load: refuse, sanitize: refuse, http: refuse, file: refuse },
  };
}

function refuse() {
  return Promise.reject(new Error("charts load nothing"));
}

function isSingle(spec) {
  return !["facet", "hconcat", "vconcat", "concat", "repeat", "spec"].some((key) => key in spec) && !usesFacet(spec);
}

function usesFacet({ encoding = {} }) {
  return ["row", "column", "facet"].some((channel) => channel in encoding);
}

/** Single views follow the column; composed ones keep their own size and scroll. The title stands in the caption. */
function sized(spec) {
  if (!isSingle(spec)) return spec;
  const { title, ...rest } = structuredClone(spec);
  const height = typeof spec.height === "number" ? Math.min(spec.height, 480) : HEIGHT_PX;
  return { ...rest, width: "container", height, autosize: { type: "fit-x", contains: "padding" } };
}

const LABEL_CHAR_PX = 7.5;

/** Upright labels where they fit below their bars; Vega turns every discrete label on its side otherwise. */
function labelAngle(spec, canvas) {
  const { field, type } = spec.encoding?.x ?? {};
  if (!field || !["nominal", "ordinal"].includes(type)) return undefined;
  const labels = [...new Set(inlineValues(spec).map((row) => String(row?.[field])))];
  const longest = Math.max(0, ...labels.map((label) => label.length));
  return labels.length * (longest + 1) * LABEL_CHAR_PX < canvas.clientWidth - 80 ? 0 : -40;
}

function themeConfig(angle) {
  const style = getComputedStyle(document.documentElement);
  const token = (name) => resolved(style.getPropertyValue(name).trim());
  const text = {
    labelColor: token("--ink-soft"),
    titleColor: token("--ink-soft"),
    labelFontSize: 12,
    titleFontSize: 12,
  };
  return {
    background: "transparent",
    font: style.getPropertyValue("--font-ui").trim(),
    view: { stroke: "transparent" },
    axis: {
      ...text,
      titleFontWeight: 500,
      gridColor: token("--line-soft"),
      domainColor: token("--line"),
      tickColor: token("--line"),
      labelLimit: 140,
      titlePadding: 10,
    },
    axisXDiscrete: { labelAngle: angle },
    scale: { bandPaddingInner: 0.3, bandPaddingOuter: 0.2 },
    legend: { ...text, titleFontWeight: 500, orient: "bottom", symbolType: "circle", labelLimit: 160 },
    header: text,
    title: { color: token("--ink"), fontSize: 14, fontWeight: 600, anchor: "start" },
    text: { color: token("--ink") },
    bar: { cornerRadiusEnd: 3, color: token("--chart-1") },
    line: { strokeWidth: 2.25, color: token("--chart-1") },
    area: { color: token("--chart-1"), opacity: 0.75 },
    point: { size: 70, filled: true, opacity: 0.85, color: token("--chart-1") },
    circle: { color: token("--chart-1") },
    rule: { color: token("--ink-soft") },
    range: {
      category: [1, 2, 3, 4, 5, 6, 7, 8].map((index) => token(`--chart-${index}`)),
      heatmap: [token("--chart-low"), token("--chart-1")],
      ramp: [token("--chart-low"), token("--chart-1")],
    },
  };
}

/** A token is often a `light-dark()` pair, which only the browser can resolve. */
function resolved(value) {
  const probe = h("span", { hidden: true });
  probe.style.color = value;
  document.body.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}

const tooltip = h("div", { class: "chart-tooltip", "aria-hidden": "true", hidden: true });

/** Vega's own tooltip brings a style sheet of its own, which the page's policy forbids. */
function showTooltip(_handler, event, _item, value) {
  if (value === null || value === undefined || value === "") {
    tooltip.hidden = true;
    return;
  }
  const pairs = typeof value === "object" ? Object.entries(value) : [["", value]];
  tooltip.replaceChildren(
    ...pairs.flatMap(([name, item]) => [h("span", { class: "name", text: name }), h("span", { text: String(item) })]),
  );
  tooltip.hidden = false;
  if (!tooltip.isConnected) document.body.append(tooltip);
  const left = Math.min(event.clientX + 14, window.innerWidth - tooltip.offsetWidth - 8);
  tooltip.style.left = `${Math.max(8, left)}px`;
  tooltip.style.top = `${Math.max(8, event.clientY - tooltip.offsetHeight - 12)}px`;
}

function titleOf({ title }) {
  const text = typeof title === "object" && title !== null ? title.text : title;
  return Array.isArray(text) ? text.join(" ") : text;
}

function markOf(spec) {
  const mark = spec.mark ?? spec.layer?.[0]?.mark ?? spec.spec?.mark;
  return typeof mark === "object" ? mark?.type : mark;
}

function kindOf(spec) {
  return KIND_NAMES[markOf(spec)] ?? "Chart";
}

/** What a reader who cannot see the chart needs first: what is against what, and between which values. */
export function describe(spec, values) {
  const { measure, across, color } = roles(spec.encoding ?? spec.layer?.[0]?.encoding ?? {});
  const over = measure && across ? ` of ${nameOf(measure)} by ${nameOf(across)}` : "";
  const colour = color?.field && color.field !== across?.field ? `, coloured by ${nameOf(color)}` : "";
  return `${kindOf(spec)}${over}${colour}; ${plural(values.length, "data point")}.${extremes(measure, across, values)}`;
}

/** Which channel is measured, and along which one: bars may lie on their side, pies have neither x nor y. */
function roles({ x, y, theta, color }) {
  const measure = [theta, y, x].find((channel) => channel?.type === "quantitative" || channel?.aggregate) ?? y;
  return { measure, across: [x, y, color].find((channel) => channel?.field && channel !== measure), color };
}

function nameOf(channel) {
  return channel?.title ?? channel?.field ?? null;
}

function extremes(measure, label, values) {
  const field = measure?.field;
  const rows = values.filter((row) => typeof row?.[field] === "number");
  if (!field || !rows.length) return "";
  const ordered = rows.toSorted((a, b) => a[field] - b[field]);
  const told = (row) => {
    const place = label?.field && typeof row[label.field] === "string" ? ` (${row[label.field]})` : "";
    return new Intl.NumberFormat(undefined, { maximumFractionDigits: 20 }).format(row[field]) + place;
  };
  return ` Lowest ${told(ordered[0])}, highest ${told(ordered.at(-1))}.`;
}
