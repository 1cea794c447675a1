/** The list of exchanges: newest first, each with its time line. */

import { command, h, notice, setChildren, setText } from "./dom.js";
import { durationOf, mentions, OUTCOMES, outcomeOf, outcomeWords, shortPath, titleOf } from "./exchange.js";
import { clock, duration, integer, plural } from "./format.js";
import { icon } from "./icons.js";
import { MAX_ENTRIES } from "./journal.js";
import { drawLane, emptyLane, niceStep } from "./timeline.js";

const REDRAW_MS = 80;
const SEARCH_PAUSE_MS = 120;
const RULER_STEPS = 5;
const CLOCK_WINDOWS_S = { minute: 60, tenth: 10 };

const SCALES = [
  ["shared", "Aligned", "Every line begins with its request, all at one scale."],
  ["each", "Fitted", "Every line fills the width, whatever it took."],
  ["tenth", "Last 10 s", "By the clock: what overlapped in the last seconds."],
  ["minute", "Last 60 s", "By the clock: what overlapped in the last minute."],
];

export class JournalView {
  #rows = new Map();
  #visible = new Set();
  #search = "";
  #scale = "shared";
  #selected = null;
  #paused = null;
  #drawing = 0;

  constructor(journal, { example }) {
    this.journal = journal;
    this.example = example;
    this.list = h("ol", { class: "rows", "aria-label": "Exchanges, newest first" });
    this.empty = h("div", { class: "empty" });
    this.count = h("p", { class: "fine-print", role: "status" });
    this.more = h("button", {
      type: "button",
      class: "button",
      onclick: () => journal.older(),
      text: "Load older ones",
    });
    this.rulerWords = h("span", { class: "ruler-words" });
    this.marks = h("span", { class: "ruler-marks" });
    this.ruler = h("p", { class: "row ruler", "aria-hidden": "true" }, this.rulerWords, this.marks);
    this.pause = h("button", { type: "button", class: "button small", onclick: () => this.#togglePause() });
    this.element = h(
      "section",
      { class: "list-pane", "aria-label": "Journal" },
      this.#tools(),
      this.ruler,
      this.list,
      this.empty,
      this.more,
    );
    this.seen = new IntersectionObserver((changes) => this.#appear(changes), { rootMargin: "200px" });
    this.list.addEventListener("keydown", (event) => this.#move(event));
    journal.addEventListener("change", () => this.#soon());
    this.#showPause();
  }

  select(id) {
    this.#selected = id;
    this.#soon();
    this.#rows.get(id)?.element.scrollIntoView({ block: "nearest" });
  }

  /** What to ask is known better now. */
  retell() {
    delete this.empty.dataset.state;
    this.#soon();
  }

  #tools() {
    const search = h("input", {
      type: "search",
      placeholder: "Search the journal",
      "aria-label": "Search the journal",
      autocomplete: "off",
      maxlength: 200,
    });
    let timer = 0;
    search.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        this.#search = search.value;
        this.#soon();
      }, SEARCH_PAUSE_MS);
    });
    this.selects = {
      outcome: select(
        "Outcome",
        Object.keys(OUTCOMES).map((name) => [name, name.replace("_", " ")]),
      ),
      path: select("Path", []),
      scenario: select("Scenario", []),
      test: select("Test id", []),
    };
    for (const each of Object.values(this.selects)) each.addEventListener("change", () => this.#narrow());
    const scale = select(
      "Time lines",
      SCALES.map(([name, label]) => [name, label]),
      null,
    );
    scale.addEventListener("change", () => {
      this.#scale = scale.value;
      this.#soon();
    });
    this.clear = h(
      "button",
      { type: "button", class: "button quiet small", onclick: () => this.#clearFilters(search), hidden: true },
      icon("close"),
      "Clear filters",
    );
    return h(
      "div",
      { class: "tools", role: "search" },
      h("div", { class: "search" }, icon("search"), search),
      h("div", { class: "filters" }, Object.values(this.selects), scale, this.clear),
      h("div", { class: "tools-end" }, this.count, this.pause),
    );
  }

  #narrow() {
    const filter = Object.fromEntries(Object.entries(this.selects).map(([name, each]) => [name, each.value]));
    this.journal.narrow(filter);
  }

  #clearFilters(search) {
    search.value = "";
    this.#search = "";
    for (const each of Object.values(this.selects)) each.value = "";
    this.#narrow();
    search.focus();
  }

  #togglePause() {
    this.#paused = this.#paused ? null : this.#shown();
    this.#showPause();
    this.#soon();
  }

  /** How many were asked since; older ones that are only fetched since are not new. */
  #freshSince(held) {
    const known = new Set(held.map(({ id }) => id));
    const since = held[0]?.at ?? 0;
    return this.#shown().filter(({ id, at }) => !known.has(id) && at >= since).length;
  }

  #showPause() {
    const fresh = this.#paused ? this.#freshSince(this.#paused) : 0;
    const label = this.#paused ? (fresh ? `Resume, ${integer(fresh)} new` : "Resume") : "Pause";
    if (this.pause.textContent === label) return;
    this.pause.replaceChildren(icon(this.#paused ? "play" : "pause"), h("span", { text: label }));
    this.pause.setAttribute("aria-pressed", Boolean(this.#paused));
  }

  #shown() {
    return this.journal.entries.filter((entry) => mentions(entry, this.#search));
  }

  #soon() {
    if (this.#drawing) return;
    this.#drawing = setTimeout(() => {
      this.#drawing = 0;
      this.#draw();
    }, REDRAW_MS);
  }

  #draw() {
    const entries = this.#paused ?? this.#shown();
    this.scale = scaleOf(entries, this.#scale);
    const rows = entries.map((entry) => this.#row(entry));
    setChildren(
      this.list,
      rows.map(({ element }) => element),
    );
    const kept = new Set(entries.map(({ id }) => id));
    for (const [id, row] of this.#rows) if (!kept.has(id)) this.#drop(id, row);
    const focusable = rows.find(({ entry }) => entry.id === this.#selected) ?? rows[0];
    for (const row of rows) row.link.tabIndex = row === focusable ? 0 : -1;
    this.#drawVisible();
    this.#showAround(entries);
  }

  #row(entry) {
    const row = this.#rows.get(entry.id) ?? this.#newRow(entry.id);
    row.show(entry, entry.id === this.#selected);
    return row;
  }

  #newRow(id) {
    const row = new Row(id);
    this.#rows.set(id, row);
    this.seen.observe(row.element);
    return row;
  }

  #drop(id, row) {
    this.seen.unobserve(row.element);
    this.#visible.delete(row);
    this.#rows.delete(id);
  }

  #appear(changes) {
    for (const { target, isIntersecting } of changes) {
      const row = this.#rows.get(Number(target.dataset.id));
      if (row && isIntersecting) this.#visible.add(row);
      else this.#visible.delete(row);
    }
    this.#drawVisible();
  }

  #drawVisible() {
    if (this.scale) for (const row of this.#visible) row.draw(this.scale);
  }

  #showAround(entries) {
    const { journal } = this;
    const held = journal.entries.length;
    const filtered = Boolean(this.#search) || Object.values(journal.filter).some(Boolean);
    for (const kind of ["path", "scenario", "test"])
      offer(this.selects[kind], journal.names[kind], kind === "path" ? shortPath : String);
    this.clear.hidden = !filtered;
    setText(
      this.count,
      entries.length === held ? plural(held, "exchange") : `${integer(entries.length)} of ${plural(held, "exchange")}`,
    );
    this.more.hidden = !journal.next || journal.isFull || !entries.length;
    this.ruler.hidden = !entries.length;
    this.#showRuler();
    this.#showPause();
    this.#showEmpty(entries, filtered);
  }

  #showRuler() {
    const { kind, span } = this.scale;
    const mark = `${kind} ${span}`;
    if (this.ruler.dataset.mark === mark) return;
    this.ruler.dataset.mark = mark;
    setText(this.rulerWords, SCALES.find(([name]) => name === kind)[2]);
    const step = span ? niceStep(span, RULER_STEPS) : 0;
    const marks = step ? Array.from({ length: Math.floor(span / step) + 1 }, (_, index) => index * step) : [];
    this.marks.replaceChildren(
      ...marks.map((ms) => {
        const element = h("span", { text: kind === "shared" ? duration(ms) : `\u2212${duration(span - ms)}` });
        element.style.left = `${(ms / span) * 100}%`;
        return element;
      }),
    );
  }

  #showEmpty(entries, filtered) {
    const { journal } = this;
    this.empty.hidden = entries.length > 0 && !journal.problem;
    const state = journal.problem
      ? `failed ${journal.problem.message}`
      : entries.length
        ? ""
        : filtered
          ? "filtered"
          : journal.state;
    if (this.empty.dataset.state === state) return;
    this.empty.dataset.state = state;
    this.empty.replaceChildren(...this.#emptyWords(state));
  }

  #emptyWords(state) {
    if (state.startsWith("failed")) {
      const again = h("button", {
        type: "button",
        class: "button small",
        onclick: () => this.journal.load(),
        text: "Try again",
      });
      return [
        notice("warning", h("p", { text: `The journal cannot be read. ${this.journal.problem.message}` }), again),
      ];
    }
    if (state === "filtered")
      return [
        h("h2", { text: "Nothing fits these filters" }),
        h("p", {
          text: `The console searches the newest ${integer(MAX_ENTRIES)} exchanges that fit outcome, path, scenario and test id. Clear a filter to see more.`,
        }),
      ];
    if (state === "loading") return [h("p", { text: "Reading the journal." })];
    if (!state) return [];
    return [
      h("h2", { text: "Nothing was asked yet" }),
      h("p", {
        text: "Every request to this mock appears here while it is answered, frame by frame. Ask on the reference page, or run this with a credential in TOKEN, for instance TOKEN=$(python3 harness.py token).",
      }),
      command(this.example()),
    ];
  }

  /** Arrow keys walk the list, which is a single stop of the Tab key. */
  #move(event) {
    const rows = [...this.list.querySelectorAll(".row")];
    const at = rows.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const next = rows[Math.min(rows.length - 1, Math.max(0, to))];
    for (const row of rows) row.tabIndex = row === next ? 0 : -1;
    next.focus();
  }
}

function select(label, options, anything = label) {
  const first = anything === null ? [] : [h("option", { value: "", text: anything })];
  return h(
    "select",
    { "aria-label": label },
    first,
    options.map(([value, text]) => h("option", { value, text })),
  );
}

/** Add the names that came since; the chosen one stays. */
function offer(element, names, words) {
  const known = new Set([...element.options].map(({ value }) => value));
  for (const name of names)
    if (!known.has(name)) element.append(h("option", { value: name, text: words(name).slice(0, 80) }));
}

/** The window in which time lines are drawn. */
function scaleOf(entries, kind) {
  if (kind === "each") return { kind };
  if (kind === "shared") return { kind, span: Math.max(1, ...entries.map(durationOf)) * 1.02 };
  const spanMs = CLOCK_WINDOWS_S[kind] * 1000;
  const latest = Math.max(0, ...entries.map((entry) => entry.at * 1000 + durationOf(entry)));
  return { kind, span: spanMs, from: latest - spanMs };
}

class Row {
  drawn = null;

  constructor(id) {
    this.lane = emptyLane();
    this.badge = h("span", { class: "status" });
    this.title = h("span", { class: "row-title" });
    this.about = h("span", { class: "row-about" });
    this.took = h("span", { class: "row-took" });
    this.frames = h("span", { class: "row-frames" });
    this.link = h(
      "a",
      { class: "row", href: `#journal/${id}` },
      this.badge,
      h("span", { class: "row-words" }, this.title, this.about),
      this.lane,
      h("span", { class: "row-end" }, this.took, this.frames),
    );
    this.element = h("li", { "data-id": id }, this.link);
  }

  show(entry, isSelected) {
    const mark = `${entry.version} ${isSelected}`;
    this.entry = entry;
    if (this.mark === mark) return;
    this.mark = mark;
    this.drawn = null;
    const outcome = outcomeOf(entry);
    this.link.dataset.outcome = outcome;
    if (isSelected) this.link.setAttribute("aria-current", "true");
    else this.link.removeAttribute("aria-current");
    this.badge.className = `status ${outcome}${outcome === "answered" && entry.status >= 400 ? " unhappy" : ""}`;
    setText(this.badge, outcome === "answered" ? String(entry.status) : outcomeWords(entry));
    setText(this.title, titleOf(entry));
    const details = [
      clock(entry.at),
      entry.scenario ?? (entry.fault ? "fault" : null),
      entry.test_id,
      `${entry.method} ${shortPath(entry.path)}`,
    ];
    setText(this.about, details.filter(Boolean).join(" \u00b7 "));
    setText(this.took, outcome === "running" ? "" : duration(entry.duration_ms));
    setText(
      this.frames,
      entry.frames_planned ? `${integer(entry.frames_sent)} / ${integer(entry.frames_planned)}` : "",
    );
  }

  draw({ kind, span, from }) {
    const { entry } = this;
    const endMs = durationOf(entry);
    const window = kind === "each" ? Math.max(1, endMs) * 1.02 : span;
    const offset = from === undefined ? 0 : entry.at * 1000 - from;
    const mark = `${entry.version} ${window} ${offset}`;
    if (this.drawn === mark) return;
    this.drawn = mark;
    drawLane(this.lane, { timeline: entry.timeline, endMs, outcome: entry.outcome, offset, span: window });
  }
}
