/**
 * Frames on a time line. Each family of frames is a single path, so that thousands of frames are a handful of nodes.
 * A frame here is {at, bytes, event}, `at` in milliseconds since the request; a lane is {label, frames, end}.
 */

import { h, s, setText } from "./dom.js";
import { bytes as size, duration, precise } from "./format.js";

/** From here on a frame counts as late: the bar that the mock promises for its own schedule. */
const LATE_MS = 5;

const FAMILIES = [
  ["error", /^error$|warning/],
  ["thinking", /thinking/],
  ["text", /text|^message\.delta$|choices/],
  ["tool", /tool/],
  ["data", /table|chart|suggest/],
  ["end", /^response$|^done$/],
  ["other", /(?:)/],
];
const FAMILY_WORDS = {
  text: "text",
  thinking: "thinking",
  tool: "tools",
  data: "tables and charts",
  end: "end",
  error: "error",
  other: "other",
};

function familyOf(event) {
  return FAMILIES.find(([, pattern]) => pattern.test(event))[0];
}

const LANE_UNITS = 1000;
const MAX_LATE_MARKS = 1000;
const LANE_HEIGHT = 24;

/** The small time line of one row, `offset` milliseconds behind the left edge of a window `span` wide. */
export function drawLane(svg, { timeline, endMs, outcome, offset, span }) {
  const x = (ms) => Math.round(((ms + offset) / span) * LANE_UNITS * 2) / 2;
  const left = timeline.filter(([, actual]) => actual !== null);
  const first = left.length ? left[0][1] : endMs;
  const last = outcome ? endMs : (left.at(-1)?.[1] ?? first);
  const late = latePath(left, x);
  const paths = [path("lane-wait", `M${x(0)} 12H${x(first)}`), path("lane-body", `M${x(first)} 12H${x(last)}`)];
  for (const [family, places] of placesOf(timeline, x)) paths.push(path(`tick ${family}`, ticks(places, family)));
  if (late) paths.push(path("lane-late", late));
  if (outcome && outcome !== "answered") paths.push(path(`lane-end ${outcome}`, `M${x(endMs)} 2V22`));
  svg.replaceChildren(...paths);
}

/** Where each family has frames; those still to come are a family of their own. */
function placesOf(timeline, x) {
  const places = new Map();
  for (const [planned, actual, , event] of timeline) {
    const family = actual === null ? "planned" : familyOf(event);
    if (!places.has(family)) places.set(family, new Set());
    places.get(family).add(x(actual ?? planned));
  }
  return places;
}

/** From where late frames were planned to where they left. */
function latePath(left, x) {
  const late = left.filter(([planned, actual]) => actual - planned >= LATE_MS).slice(0, MAX_LATE_MARKS);
  return late.map(([planned, actual]) => `M${x(planned)} 21H${x(actual)}`).join("");
}

function path(name, d) {
  return s("path", { class: name, d, "vector-effect": "non-scaling-stroke" });
}

function ticks(places, family) {
  const [top, bottom] = family === "planned" ? [9, 15] : [5, 19];
  return [...places].map((x) => `M${x} ${top}V${bottom}`).join("");
}

export function emptyLane() {
  return s("svg", {
    class: "lane",
    viewBox: `0 0 ${LANE_UNITS} ${LANE_HEIGHT}`,
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  });
}

/** Round numbers of milliseconds that divide a span into some steps. */
export function niceStep(span, steps) {
  const raw = Math.max(span, 1e-3) / steps;
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].find((factor) => factor * power >= raw) * power;
}

const LANE = 40;
const AXIS = 22;
const LATENESS = 56;
const LABEL = 16;

/** A time line to read closely: lanes under one axis, and a cursor that pointer and keys move from frame to frame. */
export class Timeline {
  #lanes = [];
  #lateness = null;
  #at = -1;
  #width = 0;

  constructor(label) {
    this.svg = s("svg", { class: "timeline-drawing", "aria-hidden": "true" });
    this.cursor = s("path", { class: "cursor" });
    this.box = h("div", { class: "timeline-box", tabindex: "0", role: "slider", "aria-label": label }, this.svg);
    this.readout = h("p", { class: "readout" });
    this.legend = h("ul", { class: "legend", "aria-label": "Kinds of frames" });
    this.element = h("div", { class: "timeline" }, this.box, this.readout, this.legend);
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.box.addEventListener("pointermove", (event) => this.#point(event));
    this.box.addEventListener("pointerdown", (event) => this.#point(event));
    new ResizeObserver(([{ contentRect }]) => this.#resize(contentRect.width)).observe(this.box);
  }

  /** Draw these lanes. `lateness`: [[at, late_ms]] for a plot of its own below, or null. */
  show(lanes, { lateness = null } = {}) {
    this.#lanes = lanes;
    this.#lateness = lateness?.length ? lateness : null;
    this.#at = Math.min(this.#at, this.#frames.length - 1);
    this.#draw();
  }

  /** The cursor steps through the last lane: what happened, or would happen. */
  get #frames() {
    return this.#lanes.at(-1)?.frames ?? [];
  }

  get #span() {
    const ends = this.#lanes.flatMap(({ frames, end }) => [end?.at ?? 0, frames.at(-1)?.at ?? 0]);
    const longest = Math.max(1, ...ends);
    return longest * 1.02;
  }

  #resize(width) {
    if (Math.abs(width - this.#width) < 1) return;
    this.#width = width;
    this.#draw();
  }

  #x(ms) {
    return Math.round((ms / this.#span) * (this.#width - 12) * 2) / 2 + 4;
  }

  #draw() {
    if (this.#width < 40) return;
    const parts = [];
    this.#lanes.forEach((lane, index) => parts.push(...this.#lane(lane, index * (LANE + LABEL))));
    let bottom = this.#lanes.length * (LANE + LABEL);
    if (this.#lateness) {
      parts.push(...this.#latePlot(bottom));
      bottom += LATENESS + LABEL;
    }
    const height = bottom + AXIS;
    parts.unshift(...this.#axis(bottom));
    this.svg.setAttribute("viewBox", `0 0 ${this.#width} ${height}`);
    this.svg.setAttribute("height", height);
    this.svg.replaceChildren(...parts, this.cursor);
    this.#showLegend();
    this.#showCursor();
  }

  #lane({ label, frames, end, slopes }, top) {
    const base = top + LABEL + LANE;
    const parts = [text("lane-label", 4, top + 12, label), line("lane-base", `M4 ${base}H${this.#width - 4}`)];
    for (const [family, d] of bars(frames, (ms) => this.#x(ms), base))
      parts.push(s("path", { class: `bar ${family}`, d }));
    if (slopes)
      parts.push(
        line("slope", slopes.map(([from, to]) => `M${this.#x(from)} ${base}L${this.#x(to)} ${base + LABEL}`).join("")),
      );
    if (end) {
      const x = this.#x(end.at);
      parts.push(line(`end-mark ${end.kind}`, `M${x} ${top + LABEL - 4}V${base}`));
      const anchor = x > this.#width / 2 ? "end" : "start";
      parts.push(text(`end-label ${end.kind}`, anchor === "end" ? x : x, top + 12, end.words, anchor));
    }
    return parts;
  }

  #latePlot(top) {
    const worst = Math.max(LATE_MS, ...this.#lateness.map(([, ms]) => ms));
    const base = top + LABEL + LATENESS;
    const y = (ms) => base - (Math.max(0, ms) / worst) * (LATENESS - 6);
    const found = Math.max(...this.#lateness.map(([, ms]) => ms));
    const columns = new Map();
    for (const [at, ms] of this.#lateness) columns.set(this.#x(at), Math.max(ms, columns.get(this.#x(at)) ?? 0));
    const d = [...columns].map(([x, ms]) => `M${x} ${base}V${y(ms).toFixed(1)}`).join("");
    return [
      text("lane-label", 4, top + 12, `Lateness, worst ${precise(found)}`),
      line("lane-base", `M4 ${base}H${this.#width - 4}`),
      line("bound", `M4 ${y(LATE_MS).toFixed(1)}H${this.#width - 4}`),
      text("bound-label", this.#width - 4, y(LATE_MS) - 3, `${LATE_MS} ms`, "end"),
      line("late-stem", d),
    ];
  }

  #axis(bottom) {
    const step = niceStep(this.#span, Math.max(2, Math.floor(this.#width / 110)));
    const parts = [];
    for (let ms = 0; ms <= this.#span; ms += step) {
      const x = this.#x(ms);
      parts.push(line("grid", `M${x} 4V${bottom + 4}`));
      const anchor = ms === 0 ? "start" : x > this.#width - 30 ? "end" : "middle";
      parts.push(text("axis-label", x, bottom + 17, duration(ms) || "0", anchor));
    }
    return parts;
  }

  #showLegend() {
    const seen = new Set(this.#lanes.flatMap(({ frames }) => frames.map(({ event }) => familyOf(event))));
    const names = Object.keys(FAMILY_WORDS).filter((name) => seen.has(name));
    this.legend.replaceChildren(
      ...names.map((name) => h("li", {}, h("span", { class: `swatch ${name}` }), FAMILY_WORDS[name])),
    );
  }

  #key(event) {
    const last = this.#frames.length - 1;
    const steps = {
      ArrowRight: 1,
      ArrowUp: 1,
      ArrowLeft: -1,
      ArrowDown: -1,
      PageUp: 10,
      PageDown: -10,
      Home: -Infinity,
      End: Infinity,
    };
    if (!(event.key in steps) || last < 0) return;
    event.preventDefault();
    this.#at = Math.min(last, Math.max(0, this.#at + steps[event.key]));
    this.#showCursor();
  }

  #point(event) {
    if (!this.#frames.length) return;
    const x = event.clientX - this.box.getBoundingClientRect().left;
    const distance = ({ at }) => Math.abs(this.#x(at) - x);
    this.#at = this.#frames.reduce(
      (best, frame, index) => (distance(frame) < distance(this.#frames[best]) ? index : best),
      0,
    );
    this.#showCursor();
  }

  #showCursor() {
    const frame = this.#frames[this.#at];
    const count = this.#frames.length;
    this.box.setAttribute("aria-valuemin", 0);
    this.box.setAttribute("aria-valuemax", count);
    this.box.setAttribute("aria-valuenow", this.#at + 1);
    const words = frame
      ? told(frame, this.#at, count)
      : count
        ? "Point at a frame, or step through them with the arrow keys."
        : "No frame.";
    this.box.setAttribute("aria-valuetext", words);
    setText(this.readout, words);
    this.cursor.setAttribute(
      "d",
      frame
        ? `M${this.#x(frame.at)} 4V${this.#lanes.length * (LANE + LABEL) + (this.#lateness ? LATENESS + LABEL : 0)}`
        : "",
    );
  }
}

function told({ at, bytes, event, planned }, index, count) {
  const when =
    planned === undefined
      ? `at ${precise(at)}`
      : `planned ${precise(planned)}, left ${precise(at)} (${precise(Math.max(0, at - planned))} late)`;
  return `${index + 1} of ${count}: ${event || "(no event name)"}, ${when}, ${size(bytes)}`;
}

/** One path a family; bars that share a pixel column are one, as tall as the tallest. Height grows with the bytes' logarithm. */
function bars(frames, x, base) {
  const columns = new Map();
  for (const { at, bytes, event } of frames) {
    const key = `${familyOf(event)} ${x(at)}`;
    columns.set(key, Math.max(columns.get(key) ?? 0, bytes));
  }
  const paths = new Map();
  for (const [key, bytes] of columns) {
    const [family, place] = key.split(" ");
    const height = Math.min(LANE - 2, 6 + Math.log2(bytes + 1) * 2.1);
    paths.set(family, `${paths.get(family) ?? ""}M${place} ${base}v${(-height).toFixed(1)}h2v${height.toFixed(1)}z`);
  }
  return paths;
}

function line(name, d) {
  return s("path", { class: name, d });
}

function text(name, x, y, words, anchor = "start") {
  return s("text", { class: name, x, y, "text-anchor": anchor, text: words });
}
