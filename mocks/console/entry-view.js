/** One exchange in full: why it was answered as it was, when its frames left, what was asked, how to ask it again. */

import { curlOf } from "./curl.js";
import { nearMisses } from "./differences.js";
import { copyButton, facts, h, notice } from "./dom.js";
import { OUTCOMES, outcomeOf, outcomeWords, titleOf } from "./exchange.js";
import { bytes, duration, integer, moment, precise, pretty } from "./format.js";
import { icon } from "./icons.js";
import { Timeline } from "./timeline.js";

const MAX_LISTED = 400;

export class EntryView {
  #entry = null;
  #version = -1;
  #shape = "";
  #opened = new Set(["Why", "Frames"]);

  constructor({ close, compose }) {
    this.compose = compose;
    this.timeline = new Timeline("Frames of this answer");
    this.body = h("div", { class: "detail-body" });
    this.close = h(
      "button",
      { type: "button", class: "button quiet icon-only", "aria-label": "Close this exchange", onclick: close },
      icon("close"),
    );
    this.element = h("section", { class: "detail-pane", "aria-label": "Exchange", tabindex: "-1" }, this.body);
  }

  /** Show an exchange as it is now. While frames leave, only what they change is drawn again. */
  show(entry) {
    if (this.#entry?.id === entry.id && this.#version === entry.version) return;
    const isSame = this.#entry?.id === entry.id;
    const shape = JSON.stringify([
      entry.outcome,
      entry.duration_ms === null,
      entry.status,
      entry.cassette,
      entry.request_bytes,
      entry.timeline.length > 0,
    ]);
    this.#entry = entry;
    this.#version = entry.version;
    this.#showFrames(entry);
    if (isSame && shape === this.#shape) {
      this.facts.replaceWith((this.facts = factsOf(entry)));
      return;
    }
    this.#shape = shape;
    this.#drawAll(entry, isSame);
  }

  #drawAll(entry, isSame) {
    const place = this.element.scrollTop;
    const focused = isSame ? document.activeElement : null;
    this.facts = factsOf(entry);
    this.body.replaceChildren(this.#head(entry), this.#why(entry), this.#frames(entry), this.#request(entry));
    if (focused && this.body.contains(focused)) focused.focus({ preventScroll: true });
    this.element.scrollTop = isSame ? place : 0;
  }

  /** Say why there is no exchange to be seen. */
  showNothing(heading, words) {
    this.#entry = null;
    this.body.replaceChildren(
      h("div", { class: "detail-head" }, h("h2", { text: heading }), this.close),
      h("p", { text: words }),
    );
  }

  #head(entry) {
    const outcome = outcomeOf(entry);
    const again = copyButton("Copy as curl", () => curlOf(this.#entry, location.origin));
    const rehearse = entry.cassette
      ? h(
          "button",
          { type: "button", class: "button small", onclick: () => this.compose(entry) },
          icon("wrench"),
          h("span", { text: entry.fault ? "Change this fault" : "Compose a fault" }),
        )
      : null;
    return h(
      "header",
      {},
      h("div", { class: "detail-head" }, h("h2", { class: "preserve", text: titleOf(entry) }), this.close),
      h(
        "p",
        { class: "detail-path" },
        h("code", { text: `${entry.method} ${entry.path}${entry.query ? `?${entry.query}` : ""}` }),
      ),
      h(
        "p",
        { class: "detail-outcome" },
        h("span", { class: `status ${outcome}`, text: outcomeWords(entry) }),
        ` ${OUTCOMES[outcome]}`,
      ),
      h("div", { class: "actions" }, again, rehearse),
      this.facts,
    );
  }

  #why(entry) {
    const parts = [];
    if (entry.cassette) {
      const place = h("a", { href: cassetteLink(entry.cassette, entry.interaction), text: entry.cassette });
      parts.push(
        h(
          "p",
          {},
          "Answered by ",
          place,
          ` interaction ${entry.interaction}`,
          entry.matched?.length ? ", because these agreed:" : ".",
        ),
      );
    }
    if (entry.matched?.length) parts.push(facts(entry.matched.map(({ field, value }) => [field, words(value)])));
    if (entry.why) parts.push(h("p", { class: "preserve", text: entry.why }));
    if (entry.nearest?.length) {
      parts.push(
        h("p", {
          text: "These recordings came nearest. Marked is what differs; letter case and closing punctuation do not count.",
        }),
      );
      parts.push(nearMisses(entry.nearest, cassetteLink));
    }
    if (entry.fault)
      parts.push(
        h("p", { text: "This fault was put in:" }),
        h("pre", { class: "code", tabindex: "0" }, h("code", { text: JSON.stringify(entry.fault, null, 2) })),
      );
    if (!parts.length)
      parts.push(
        h("p", { class: "fine-print", text: "This answer is made, not recorded: no cassette was looked at." }),
      );
    return this.#section("Why", parts);
  }

  #showFrames({ timeline }) {
    const left = timeline.filter(([, actual]) => actual !== null);
    const planned = timeline.map(([at, , size, event]) => ({ at, bytes: size, event }));
    const actual = left.map(([due, at, size, event]) => ({ at, bytes: size, event, planned: due }));
    const slopes = left.map(([due, at]) => [due, at]);
    this.timeline.show(
      [
        { label: "Planned", frames: planned, slopes },
        { label: "Left", frames: actual, end: endOf(this.#entry) },
      ],
      { lateness: left.map(([due, at]) => [at, at - due]) },
    );
  }

  #frames(entry) {
    if (!entry.timeline.length) {
      const words = outcomeOf(entry) === "running" ? "Nothing was planned yet." : "No frame was planned.";
      return this.#section("Frames", [h("p", { class: "fine-print", text: words })]);
    }
    const parts = [this.timeline.element];
    if (entry.timeline_truncated)
      parts.push(notice("plain", h("p", { text: "The journal keeps the first 2,000 frames of an exchange." })));
    parts.push(this.#fold("Every frame as a table", () => frameTable(entry.timeline)));
    return this.#section("Frames", parts);
  }

  #request(entry) {
    const headers = Object.entries(entry.request_headers ?? {});
    const parts = [
      this.#fold("Headers", () =>
        facts(headers.map(([name, value]) => [name, h("span", { class: "preserve", text: value })])),
      ),
    ];
    if (entry.request_body) {
      const cut = entry.request_truncated
        ? `, the first ${bytes(entry.request_body.length)} of ${bytes(entry.request_bytes)}`
        : `, ${bytes(entry.request_bytes)}`;
      parts.push(
        this.#fold(
          `Body${cut}`,
          () => h("pre", { class: "code", tabindex: "0" }, h("code", { text: pretty(entry.request_body) })),
          "Body",
        ),
      );
    }
    parts.push(
      this.#fold("As a command", () =>
        h("pre", { class: "code", tabindex: "0" }, h("code", { text: curlOf(this.#entry, location.origin) })),
      ),
    );
    return this.#section("Request", parts);
  }

  #section(title, parts) {
    return h("section", { class: "part" }, h("h3", { text: title }), parts);
  }

  /** A fold that is filled when first opened, and stays as the reader left it while the exchange moves on. */
  #fold(title, content, name = title) {
    const fold = h("details", { open: this.#opened.has(name) }, h("summary", { text: title }));
    const fill = () => fold.childElementCount === 1 && fold.append(content());
    if (fold.open) fill();
    fold.addEventListener("toggle", () => {
      if (fold.open) fill();
      if (fold.open) this.#opened.add(name);
      else this.#opened.delete(name);
    });
    return fold;
  }
}

function cassetteLink(name, interaction = 0) {
  return `#cassettes/${encodeURIComponent(name)}/${interaction}`;
}

function factsOf(entry) {
  return facts([
    ["Status", entry.status || null],
    ["Asked", moment(entry.at)],
    ["Took", duration(entry.duration_ms)],
    ["Frames", entry.frames_planned ? `${integer(entry.frames_sent)} of ${integer(entry.frames_planned)} sent` : null],
    ["Latest frame", entry.frames_sent ? `${precise(entry.max_lateness_ms)} behind its schedule` : null],
    ["User", entry.user],
    ["Test id", entry.test_id],
    ["Scenario", entry.scenario],
    ["Fault from", entry.fault_source],
    ["Trace", entry.trace_id ? h("code", { text: entry.trace_id }) : null],
  ]);
}

function endOf(entry) {
  if (entry.duration_ms === null || entry.duration_ms === undefined) return null;
  const kind = { cut: "cut", client_gone: "gone", failed: "cut" }[entry.outcome] ?? "clean";
  const words = { cut: "connection dropped", gone: "client left", clean: "end" }[kind];
  return { at: entry.duration_ms, kind, words };
}

function words(value) {
  return h("span", { class: "preserve", text: typeof value === "string" ? value : JSON.stringify(value) });
}

function frameTable(timeline) {
  const head = ["#", "Event", "Planned", "Left", "Late", "Bytes"].map((text) => h("th", { scope: "col", text }));
  const rows = timeline.slice(0, MAX_LISTED).map(([planned, actual, size, event], index) =>
    h(
      "tr",
      {},
      [
        index + 1,
        event || "\u2013",
        precise(planned),
        actual === null ? "not yet" : precise(actual),
        actual === null ? "" : precise(Math.max(0, actual - planned)),
        integer(size),
      ].map((text) => h("td", { text })),
    ),
  );
  const rest = timeline.length - rows.length;
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": "Frames" },
    h("table", { class: "frames" }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows)),
    rest > 0 ? h("p", { class: "fine-print", text: `${integer(rest)} more are on the time line.` }) : null,
  );
}
