/** The fault composer: a form and its JSON, a preview against the recording, and three ways to put it in. */

import { ApiError, ask } from "./api.js";
import { curlOfQuestion, headerValue } from "./curl.js";
import { copyButton, facts, h, notice } from "./dom.js";
import { bytes, duration, integer, precise } from "./format.js";
import { icon } from "./icons.js";
import { asJson, SchemaForm } from "./schema-form.js";
import { scopeControl } from "./scope.js";
import { Timeline } from "./timeline.js";

const PREVIEW_PAUSE_MS = 150;
const MAX_LISTED = 300;
const FIRST_EVENT = "response.text.delta";

export class FaultsView {
  #form = null;
  #preparing = null;
  #recorded = null;
  #timer = 0;
  #abort = null;
  #turn = 0;
  #scopeTurn = 0;

  constructor({ scope, tests, library, onChange }) {
    Object.assign(this, { scope, library, onChange });
    this.timeline = new Timeline("Frames with the fault");
    this.problem = h("div", { role: "alert" });
    this.pick = h("select", { id: "fault-cassette" });
    this.pick.addEventListener("change", () => this.#choose());
    this.formPlace = h("div", {});
    this.json = h("textarea", {
      id: "fault-json",
      class: "mono",
      rows: 8,
      spellcheck: "false",
      "aria-describedby": "fault-json-state",
      disabled: true,
    });
    this.json.addEventListener("input", () => this.#readJson());
    this.jsonState = h("p", { class: "fine-print", id: "fault-json-state", role: "status" });
    this.verdict = h("div", { role: "status" });
    this.sums = h("div", {});
    this.frames = h("details", {}, h("summary", { text: "Frame by frame" }));
    this.frames.addEventListener("toggle", () => this.#showFrames());
    this.applied = h("div", { class: "now", role: "status" });
    this.applyButton = h("button", { type: "button", class: "button primary", onclick: () => this.#apply() });
    this.element = h(
      "section",
      { class: "page", "aria-labelledby": "faults-title" },
      h("h2", { id: "faults-title", text: "Fault composer" }),
      h("p", {
        class: "lead",
        text: "Put a fault together, see which frames would leave when, then let the next answers have it.",
      }),
      this.problem,
      h("div", { class: "split" }, this.#left(), this.#right(tests)),
    );
    this.#nameApply();
    this.#enable(null);
    scope.addEventListener("change", () => this.#showScope());
  }

  #left() {
    return h(
      "div",
      { class: "compose" },
      h(
        "label",
        { class: "field", for: "fault-cassette" },
        h("span", { class: "field-name", text: "On this recorded answer" }),
        this.pick,
      ),
      this.formPlace,
      h(
        "label",
        { class: "field", for: "fault-json" },
        h("span", { class: "field-name", text: "The same as JSON" }),
        this.json,
      ),
      this.jsonState,
    );
  }

  #right(tests) {
    this.headerButton = copyButton("Copy as X-Mock-Fault", () => `X-Mock-Fault: ${headerValue(this.fault)}`);
    this.curlButton = copyButton("Copy as curl", () => this.#curl());
    return h(
      "div",
      { class: "preview" },
      h(
        "section",
        { class: "panel", "aria-label": "Preview" },
        h("h3", { text: "Preview" }),
        this.verdict,
        this.timeline.element,
        this.sums,
        this.frames,
      ),
      h(
        "section",
        { class: "panel", "aria-label": "Apply" },
        h("h3", { text: "Put it in" }),
        scopeControl(this.scope, tests),
        h("div", { class: "actions" }, this.applyButton, this.headerButton, this.curlButton),
        this.applied,
      ),
    );
  }

  get fault() {
    return this.#form?.value ?? {};
  }

  /** Make the view ready; `start` may name a cassette, an interaction and a fault to begin with. */
  async load(start = null) {
    try {
      await (this.#preparing ??= this.#prepare().catch((error) => {
        this.#preparing = null;
        throw error;
      }));
      this.problem.replaceChildren();
      if (start?.fault) this.#form.value = start.fault;
      if (start?.cassette) this.pick.value = `${start.interaction ?? 0} ${start.cassette}`;
      this.#writeJson();
      await Promise.all([this.#choose(), this.#showScope()]);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error) {
    this.verdict.replaceChildren();
    this.problem.replaceChildren(notice("warning", h("p", { text: error.message })));
  }

  async #prepare() {
    const [schema, tapes] = await Promise.all([ask("faults/schema"), this.library.list()]);
    this.#form = new SchemaForm(schema);
    this.#form.addEventListener("change", () => {
      this.#writeJson();
      this.#previewSoon();
    });
    this.formPlace.replaceChildren(this.#form.element);
    this.pick.replaceChildren(
      ...tapes.flatMap(({ name, interactions }) =>
        interactions.map(({ request }, index) =>
          h("option", { value: `${index} ${name}`, text: optionWords(name, request, index, interactions.length) }),
        ),
      ),
    );
    this.json.disabled = false;
  }

  get #place() {
    const [interaction, ...name] = this.pick.value.split(" ");
    return { cassette: name.join(" "), interaction: Number(interaction) };
  }

  async #choose() {
    const { cassette, interaction } = this.#place;
    const turn = ++this.#turn;
    this.#abort?.abort();
    this.#recorded = null;
    this.#enable(null);
    this.verdict.replaceChildren(h("p", { class: "fine-print", text: "Reading the recording." }));
    try {
      const tape = await this.library.tape(cassette);
      if (turn !== this.#turn) return;
      this.problem.replaceChildren();
      this.#recorded = tape.interactions[interaction];
      const names = this.#recorded.frames.map(([, , event]) => event).filter(Boolean);
      this.#form.suggest(names, names.includes(FIRST_EVENT) ? FIRST_EVENT : names[0]);
      await this.#preview();
    } catch (error) {
      if (turn === this.#turn) this.#fail(error);
    }
  }

  #writeJson() {
    this.json.value = Object.keys(this.fault).length ? JSON.stringify(this.fault, null, 2) : "";
    this.#jsonIs("");
  }

  #readJson() {
    const { ok, value, error } = asJson(this.json.value);
    const isObject = value === undefined || (typeof value === "object" && value !== null);
    this.#jsonIs(!ok ? `Not JSON yet: ${error.message}` : isObject ? "" : "A fault is an object.");
    if (!ok || !isObject) return;
    this.#form.value = Array.isArray(value) ? { in_order: value } : (value ?? {});
    this.#previewSoon();
  }

  #jsonIs(problem) {
    this.json.setAttribute("aria-invalid", String(Boolean(problem)));
    this.jsonState.textContent = problem || "Form and JSON follow each other.";
  }

  #previewSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#preview(), PREVIEW_PAUSE_MS);
  }

  async #preview() {
    this.#abort?.abort();
    if (!this.#recorded) return; // it is on its way, and previewed when it is there
    const { signal } = (this.#abort = new AbortController());
    const isEmpty = !Object.keys(this.fault).length;
    try {
      const found = isEmpty
        ? null
        : await ask("faults/preview", {
            method: "POST",
            body: { ...this.#place, fault: this.fault },
            signal,
          });
      if (!signal.aborted) this.#show(found);
    } catch (error) {
      if (!signal.aborted)
        this.#show({ applies: false, why: error.message, faults: error instanceof ApiError ? error.faults : [] });
    }
  }

  #show(found) {
    const recorded = asFrames(this.#recorded.frames);
    const played = found?.applies ? asFrames(found.frames) : null;
    const end = { at: recorded.at(-1)?.at ?? 0, kind: "clean", words: "end" };
    const lanes = [{ label: "Recorded", frames: recorded, end }];
    if (played) lanes.push({ label: "With the fault", frames: played, end: endOf(found, played) });
    this.timeline.show(lanes);
    this.verdict.replaceChildren(...verdictOf(found, this.#place));
    this.sums.replaceChildren(...(played ? [compared(this.#recorded, recorded, found, played)] : []));
    this.shown = played ? { recorded, played } : null;
    this.frames.hidden = !played;
    this.#showFrames();
    this.#enable(found);
  }

  /** A fault that does not fit this recording may fit what is asked next; one that cannot be read fits nothing. */
  #enable(found) {
    const isReadable = Boolean(found) && (found.applies || !found.faults);
    for (const button of [this.applyButton, this.headerButton, this.curlButton]) button.disabled = !isReadable;
    this.curlButton.hidden = this.#recorded?.request.match?.last_user_text === undefined;
  }

  #showFrames() {
    this.frames.querySelector(".scroll")?.remove();
    if (this.frames.open && this.shown) this.frames.append(frameTable(this.shown));
  }

  #curl() {
    const headers = { "x-mock-fault": headerValue(this.fault) };
    if (this.scope.test !== null) headers["x-test-id"] = this.scope.test;
    return curlOfQuestion(this.#recorded.request, location.origin, headers);
  }

  async #apply() {
    await this.#change({ method: "PUT", body: { fault: this.fault } });
  }

  async #change(how) {
    try {
      await ask("faults", { ...how, query: this.scope.query });
      await this.#showScope();
      this.onChange();
    } catch (error) {
      this.applied.replaceChildren(notice("warning", h("p", { text: error.message }), reasons(error.faults)));
    }
  }

  #nameApply() {
    this.applyButton.replaceChildren(icon("play"), h("span", { text: `Apply for ${this.scope.words}` }));
  }

  async #showScope() {
    const turn = ++this.#scopeTurn;
    this.#nameApply();
    try {
      const active = await ask("faults", { query: this.scope.query });
      if (turn === this.#scopeTurn) this.#showActive(active?.fault ?? null);
    } catch (error) {
      if (turn === this.#scopeTurn) this.applied.replaceChildren(notice("warning", h("p", { text: error.message })));
    }
  }

  #showActive(fault) {
    this.applied.classList.toggle("active", Boolean(fault));
    if (!fault) {
      this.applied.replaceChildren(`No fault is set for ${this.scope.words}.`);
      return;
    }
    const clear = h(
      "button",
      { type: "button", class: "button small", onclick: () => this.#change({ method: "DELETE" }) },
      icon("close"),
      "Clear",
    );
    const open = h(
      "button",
      { type: "button", class: "button small quiet", onclick: () => this.load({ fault }) },
      icon("wrench"),
      "Edit",
    );
    this.applied.replaceChildren(
      h("span", {}, h("strong", { text: `Set for ${this.scope.words}: ` }), h("code", { text: JSON.stringify(fault) })),
      open,
      clear,
    );
  }
}

function optionWords(name, { match, method, path }, index, count) {
  const asked = match?.last_user_text ?? `${method} ${path}`;
  return `${name}${count > 1 ? ` ${index}` : ""}: ${asked}`.slice(0, 110);
}

function asFrames(frames) {
  return frames.map(([at, size, event]) => ({ at, bytes: size, event }));
}

function endOf({ ends }, played) {
  const at = played.at(-1)?.at ?? 0;
  return ends === "clean"
    ? { at, kind: "clean", words: "end" }
    : { at, kind: "cut", words: ends === "reset" ? "connection reset" : "connection dropped" };
}

function verdictOf(found, { cassette, interaction }) {
  if (!found)
    return [
      h("p", { class: "fine-print", text: "Without a fault the answer leaves as recorded. Add a part on the left." }),
    ];
  if (!found.applies)
    return [
      notice(
        "warning",
        h("p", {}, h("strong", { text: "This fault cannot be played here. " }), found.why),
        reasons(found.faults ?? []),
      ),
    ];
  return [
    h("p", { class: "fine-print" }, "It applies to ", h("code", { text: cassette }), ` interaction ${interaction}.`),
  ];
}

function reasons(faults) {
  return faults?.length
    ? h(
        "ul",
        { class: "reasons" },
        faults.map((text) => h("li", { text })),
      )
    : null;
}

function compared(recording, recorded, found, played) {
  const sum = (frames) => frames.reduce((all, { bytes: size }) => all + size, 0);
  const rows = [
    ["Status", String(recording.status ?? recording.response?.status ?? ""), String(found.status)],
    ["Frames", integer(recorded.length), integer(played.length)],
    ["Bytes", bytes(sum(recorded)), bytes(sum(played))],
    ["First frame", duration(recorded[0]?.at), duration(played[0]?.at)],
    ["Last frame", duration(recorded.at(-1)?.at), duration(played.at(-1)?.at)],
    ["Ends", "properly", { clean: "properly", cut: "dropped", reset: "reset" }[found.ends] ?? found.ends],
  ];
  const told = rows.map(([name, before, after]) =>
    h(
      "tr",
      { class: before === after ? null : "differs" },
      h("th", { scope: "row", text: name }),
      h("td", { text: before }),
      h("td", { text: after }),
    ),
  );
  const head = h(
    "tr",
    {},
    ["", "Recorded", "With the fault"].map((text) => h("th", { scope: "col", text })),
  );
  return h(
    "div",
    {},
    h("table", { class: "sums" }, h("thead", {}, head), h("tbody", {}, told)),
    predicted(found.predicted),
  );
}

/** What the mock says a client will notice, beyond what stands in the table. */
function predicted(told) {
  const pairs = [
    ["Content type", told.content_type],
    ["Ends the run", told.terminal ? h("code", { text: told.terminal }) : "nothing does"],
    ["Last frame", told.whole ? "whole" : "broken"],
    ["Later by", told.added_ms ? duration(told.added_ms) : null],
    ["Frames leave", told.stepwise ? "one by one, as POST /__mock/step allows" : null],
    ["Played", told.depends],
    ["Proxy's problem", told.problem],
  ];
  return h("div", { class: "told" }, h("h4", { text: "What a client should see" }), facts(pairs));
}

function frameTable({ recorded, played }) {
  const count = Math.min(MAX_LISTED, Math.max(recorded.length, played.length));
  const cell = (frame) => (frame ? [precise(frame.at), frame.event || "\u2013", integer(frame.bytes)] : ["", "", ""]);
  const rows = Array.from({ length: count }, (_, index) => {
    const [before, after] = [cell(recorded[index]), cell(played[index])];
    const differs = before.join() !== after.join();
    return h(
      "tr",
      { class: differs ? "differs" : null },
      [index + 1, ...before, ...after].map((text) => h("td", { text })),
    );
  });
  const head = ["#", "Recorded", "Event", "Bytes", "With the fault", "Event", "Bytes"].map((text) =>
    h("th", { scope: "col", text }),
  );
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": "Frame by frame" },
    h("table", { class: "frames" }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows)),
  );
}
