/** One turn on the page. Updates are gathered and drawn once a frame; untouched blocks are left alone. */

import { tellFault } from "../measures.js";
import { answerText } from "../turn.js";
import { readResultSet } from "../result-set.js";
import { chartView } from "./chart.js";
import { collectSources, sourceList } from "./citations.js";
import { detailsView, turnGist } from "./details.js";
import { confirmingButton, copyText, h, setChildren } from "./dom.js";
import { icon } from "./icons.js";
import { buttonNotice, plainNotice, problemCard, warningNotice } from "./notices.js";
import { suggestionsView } from "./suggestions.js";
import { tableView } from "./table.js";
import { textView } from "./text.js";
import { thinkingView } from "./thinking.js";
import { toolView } from "./tool.js";

const HIDDEN_TAB_MS = 250;
const ENDED = ["done", "failed", "stopped"];

const VIEWS = {
  thinking: thinkingView,
  text: textView,
  tool: toolView,
  table: (block) =>
    tableView(readResultSet(block.resultSet), { title: block.title || "Result", queryId: block.queryId }),
  chart: (block) => chartView(block.spec),
  suggestions: (block, { ask }) => suggestionsView(block.queries, ask),
};

export class TurnView {
  #turn = null;
  #drawn = null;
  #scheduled = false;
  #context;
  #views = new Map();
  #warnings = new Map();
  #status = h("p", { class: "turn-status" });
  #blocks = h("div", { class: "blocks" });
  #foot = h("div", { class: "turn-foot" });
  #details = detailsView();

  /** `ask(question)` asks anew; `onDrawn()` hears of every redraw. */
  constructor(turn, { ask, onDrawn }) {
    this.#context = { ask, onDrawn, sources: [] };
    const heading = h(
      "h2",
      { class: "question", id: `${turn.key}-question` },
      h("span", { class: "visually-hidden", text: "You asked: " }),
      h("span", { class: "preserve", text: turn.question }),
    );
    const note = turn.startsNewThread
      ? plainNotice("New thread: the agent does not remember the questions above.")
      : null;
    this.element = h(
      "article",
      { class: "turn", "aria-labelledby": heading.id },
      note,
      heading,
      this.#blocks,
      this.#status,
      this.#foot,
    );
    this.update(turn);
  }

  update(turn) {
    this.#turn = turn;
    if (this.#scheduled) return;
    this.#scheduled = true;
    // A tab in the background gets no animation frames, yet must not fall behind by a whole answer.
    if (document.hidden) setTimeout(() => this.#draw(), HIDDEN_TAB_MS);
    else requestAnimationFrame(() => this.#draw());
  }

  destroy() {
    for (const { view } of this.#views.values()) view.destroy?.();
  }

  #draw() {
    this.#scheduled = false;
    const turn = this.#turn;
    if (turn === this.#drawn) return;
    this.#drawn = turn;
    const ended = ENDED.includes(turn.phase);
    this.element.setAttribute("aria-busy", String(!ended));
    this.#context.sources = collectSources(turn);
    this.#drawBlocks(turn);
    this.#drawStatus(turn, ended);
    if (ended) this.#drawFoot(turn);
    this.#context.onDrawn();
  }

  #drawBlocks(turn) {
    const warnings = turn.warnings.map((warning) => this.#warning(warning));
    const ordered = turn.blocks.map((block) => this.#block(block));
    setChildren(this.#blocks, [...warnings, ...ordered]);
    for (const entry of this.#views.values()) this.#mount(entry);
  }

  #warning(warning) {
    if (!this.#warnings.has(warning)) this.#warnings.set(warning, warningNotice(warning));
    return this.#warnings.get(warning);
  }

  #block(block) {
    const entry = this.#views.get(block.key) ?? { view: null, block: null, mounted: false };
    this.#views.set(block.key, entry);
    if (entry.block === block) return entry.view.element;
    entry.block = block;
    try {
      entry.view ??= VIEWS[block.kind](block, this.#context);
      entry.view.update?.(block, this.#context);
    } catch (error) {
      // One malformed block must not take the rest of the answer with it.
      tellFault("render");
      entry.view = { element: plainNotice(`This part of the answer cannot be shown: ${error.message}`, "alert") };
    }
    return entry.view.element;
  }

  #mount(entry) {
    if (entry.mounted) return;
    entry.mounted = true;
    entry.view.mounted?.();
  }

  #drawStatus(turn, ended) {
    this.#status.hidden = ended;
    // Snowflake writes tool names in backticks here, although this is no Markdown.
    this.#status.textContent =
      turn.status?.replaceAll("`", "") ?? (turn.phase === "waiting" ? "Connecting" : "Working");
  }

  #drawFoot(turn) {
    const text = answerText(turn);
    this.#details.update(turn);
    const copy = confirmingButton({
      label: "Copy answer",
      done: "Copied",
      icon: icon("copy"),
      run: () => copyText(text),
    });
    const bar = h(
      "div",
      { class: "turn-bar" },
      text ? copy : null,
      h("span", { class: "gist", text: turnGist(turn) }),
      this.#details.element,
    );
    const sources = this.#context.sources;
    setChildren(
      this.#foot,
      [sources.length ? sourceList(sources, turn.key, this.#blocks) : null, this.#ending(turn), bar].filter(Boolean),
    );
  }

  #ending(turn) {
    const again = () => this.#context.ask(turn.question);
    if (turn.problem) return problemCard(turn, again);
    const words = endingOf(turn);
    return words ? buttonNotice(words, { iconName: "stop", label: "Ask again", run: again, asks: true }) : null;
  }
}

/** What is to be said of an end that was no failure; null for a whole answer. */
function endingOf({ phase, outcome, restored, end }) {
  if (outcome === "cancelled") return "This answer was cancelled; what had arrived stays.";
  if (outcome === "timed_out") return "The agent ran out of time.";
  if (restored?.isTextAlone) return "Of this answer the text alone was kept: its tables and charts are too large.";
  if (phase !== "stopped") return null;
  if (!restored) return "You stopped this answer. What is shown may be incomplete.";
  return end.reason === "client_gone"
    ? "This answer was stopped, or the page was left. What had arrived is shown."
    : `This answer broke off (${end.reason.replaceAll("_", " ")}). What had arrived is shown.`;
}
