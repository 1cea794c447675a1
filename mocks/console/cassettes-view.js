/** The cassettes: what is recorded, how it was paced, what it says. */

import { curlOfQuestion } from "./curl.js";
import { copyButton, facts, h, notice, setChildren } from "./dom.js";
import { bytes, duration, integer, plural, precise, pretty } from "./format.js";
import { icon } from "./icons.js";
import { Timeline } from "./timeline.js";
import { transcript } from "./transcript.js";

const MAX_LISTED = 500;

export class CassettesView {
  #tapes = [];
  #shown = "";

  constructor({ library, compose }) {
    Object.assign(this, { library, compose });
    this.timeline = new Timeline("Pacing of this answer");
    this.search = h("input", {
      type: "search",
      placeholder: "Search cassettes",
      "aria-label": "Search cassettes",
      maxlength: 200,
      autocomplete: "off",
    });
    this.search.addEventListener("input", () => this.#list());
    this.list = h("ul", { class: "tapes" });
    this.detail = h("div", { class: "detail-body" });
    this.element = h(
      "section",
      { class: "panes browse", "aria-label": "Cassettes" },
      h(
        "div",
        { class: "list-pane" },
        h("div", { class: "tools" }, h("div", { class: "search" }, icon("search"), this.search)),
        this.list,
      ),
      h("div", { class: "detail-pane", tabindex: "-1" }, this.detail),
    );
  }

  /** Show the list, and an interaction of a cassette when one is named. */
  async load(name, interaction = 0) {
    this.element.classList.toggle("has-detail", Boolean(name));
    const wanted = name ? `${name} ${interaction}` : "";
    this.#shown = wanted;
    try {
      this.#tapes = await this.library.list();
      this.#list();
      if (this.#shown !== wanted) return;
      if (!name) this.#showNone();
      else await this.#show(name, interaction);
    } catch (error) {
      if (this.#shown === wanted) this.detail.replaceChildren(notice("warning", h("p", { text: error.message })));
    }
  }

  #list() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (tape) =>
      words.every((word) =>
        JSON.stringify([tape.name, tape.about, tape.interactions.map(({ request }) => request)])
          .toLowerCase()
          .includes(word),
      );
    const found = this.#tapes.filter(fits);
    setChildren(
      this.list,
      found.length
        ? found.map((tape) => this.#item(tape))
        : [h("li", { class: "empty", text: "No cassette fits this search." })],
    );
  }

  #item({ name, about, provenance, interactions }) {
    const frames = interactions.reduce((all, each) => all + each.frames, 0);
    const isCurrent = this.#shown.endsWith(` ${name}`) || this.#shown.startsWith(`${name} `);
    return h(
      "li",
      {},
      h(
        "a",
        { class: "tape", href: `#cassettes/${encodeURIComponent(name)}/0`, "aria-current": isCurrent ? "true" : null },
        h("span", { class: "row-title", text: name }),
        h("span", { class: "row-about", text: about }),
        h("span", {
          class: "row-about",
          text: `${provenance} \u00b7 ${plural(interactions.length, "interaction")} \u00b7 ${plural(frames, "frame")}`,
        }),
      ),
    );
  }

  #showNone() {
    this.detail.replaceChildren(
      h(
        "div",
        { class: "empty" },
        h("h2", { text: "Choose a cassette" }),
        h("p", { text: "Its transcript, its events and its pacing appear here." }),
      ),
    );
  }

  async #show(name, interaction) {
    const tape = await this.library.tape(name);
    if (this.#shown !== `${name} ${interaction}`) return;
    const recording = tape.interactions[interaction];
    const back = h(
      "a",
      { class: "button quiet icon-only narrow-only", href: "#cassettes", "aria-label": "Back to the cassettes" },
      icon("back"),
    );
    const { about, provenance, source } = tape.header ?? tape;
    const head = h(
      "header",
      {},
      h("div", { class: "detail-head" }, back, h("h2", { text: name })),
      h("p", { text: about }),
      facts([
        ["Provenance", provenanceWords(provenance)],
        ["Source", source],
      ]),
      tape.interactions.length > 1 ? tabs(name, tape.interactions, interaction) : null,
    );
    if (!recording)
      return this.detail.replaceChildren(
        head,
        notice("warning", h("p", { text: `This cassette has no interaction ${interaction}.` })),
      );
    this.#showPacing(recording.frames);
    this.detail.replaceChildren(
      head,
      this.#answers(name, interaction, recording),
      this.#pacing(recording.frames),
      this.#content(recording),
    );
    return undefined;
  }

  #answers(name, interaction, recording) {
    const { request } = recording;
    const isQuestion = request.match?.last_user_text !== undefined;
    const curl = isQuestion ? copyButton("Copy as curl", () => curlOfQuestion(request, location.origin)) : null;
    const compose = h(
      "button",
      { type: "button", class: "button small", onclick: () => this.compose({ cassette: name, interaction }) },
      icon("wrench"),
      h("span", { text: "Compose a fault" }),
    );
    const compared = Object.entries(request.match ?? {}).map(([field, value]) => [
      field,
      h("span", { class: "preserve", text: String(value) }),
    ]);
    return h(
      "section",
      { class: "part" },
      h("h3", { text: "Answers" }),
      h("p", { class: "detail-path" }, h("code", { text: `${request.method} ${request.path}` })),
      compared.length
        ? [h("p", { text: "to requests whose fields are:" }), facts(compared)]
        : h("p", { text: "to every such request." }),
      h("div", { class: "actions" }, curl, compose),
    );
  }

  #showPacing(frames) {
    const bars = frames.map(([at, size, event]) => ({ at, bytes: size, event }));
    const last = bars.at(-1)?.at ?? 0;
    this.timeline.show([
      { label: "Recorded, taller is more bytes", frames: bars, end: { at: last, kind: "clean", words: "end" } },
    ]);
  }

  #pacing(frames) {
    const total = frames.reduce((all, [, size]) => all + size, 0);
    const gaps = frames.slice(1).map(([at], index) => at - frames[index][0]);
    const longest = Math.max(0, ...gaps);
    return h(
      "section",
      { class: "part" },
      h("h3", { text: "Pacing" }),
      facts([
        ["Frames", integer(frames.length)],
        ["Bytes", bytes(total)],
        ["First frame", duration(frames[0]?.[0])],
        ["Last frame", duration(frames.at(-1)?.[0])],
        ["Longest silence", gaps.length ? duration(longest) : null],
      ]),
      this.timeline.element,
    );
  }

  #content({ frames, frames_truncated: isTruncated }) {
    const place = h("div", {}, transcript(frames));
    const ways = { Transcript: () => transcript(frames), Events: () => events(frames) };
    const buttons = Object.entries(ways).map(([label, draw], index) => {
      const choose = (event) => {
        for (const each of buttons) each.setAttribute("aria-pressed", String(each === event.currentTarget));
        place.replaceChildren(draw());
      };
      return h("button", {
        type: "button",
        class: "button small toggle",
        "aria-pressed": String(index === 0),
        onclick: choose,
        text: label,
      });
    });
    return h(
      "section",
      { class: "part" },
      h(
        "div",
        { class: "part-head" },
        h("h3", { text: "Content" }),
        h("div", { class: "toggles", role: "group", "aria-label": "How to show it" }, buttons),
      ),
      isTruncated ? notice("plain", h("p", { text: "Only the first frames are shown." })) : null,
      place,
    );
  }
}

function provenanceWords(provenance) {
  const meaning = {
    recorded: "from a live account",
    documented: "written from public material",
    emulated: "made by the stand-in",
  };
  return meaning[provenance] ? `${provenance}, ${meaning[provenance]}` : provenance;
}

function tabs(name, interactions, current) {
  const label = ({ request }) => (request.match?.last_user_text ?? "(no text)").slice(0, 60);
  return h(
    "nav",
    { "aria-label": "Interactions" },
    h(
      "ol",
      { class: "interactions" },
      interactions.map((each, index) =>
        h(
          "li",
          {},
          h(
            "a",
            {
              href: `#cassettes/${encodeURIComponent(name)}/${index}`,
              "aria-current": index === current ? "true" : null,
            },
            `${index}: ${label(each)}`,
          ),
        ),
      ),
    ),
  );
}

function events(frames) {
  const rest = frames.length - MAX_LISTED;
  return h(
    "ol",
    { class: "events" },
    frames.slice(0, MAX_LISTED).map(([at, size, event, data]) => {
      const fold = h(
        "details",
        {},
        h(
          "summary",
          {},
          h("span", { class: "when", text: precise(at) }),
          h("code", { text: event || "(no event name)" }),
          h("span", { class: "gist", text: data }),
          h("span", { class: "fine-print", text: bytes(size) }),
        ),
      );
      fold.addEventListener("toggle", () => {
        if (fold.open && fold.childElementCount === 1)
          fold.append(h("pre", { class: "code", tabindex: "0" }, h("code", { text: pretty(data) })));
      });
      return h("li", {}, fold);
    }),
    rest > 0 ? h("li", { class: "fine-print", text: `${plural(rest, "more event")} not shown.` }) : null,
  );
}
