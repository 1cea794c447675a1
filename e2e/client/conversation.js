/** A conversation: turns in order, one stream at a time, the thread that joins them. */

import { ProblemError, newTrace } from "/client/shared/index.js";
import { runClientTool } from "./client-tools.js";
import { tellFault } from "./measures.js";
import { restoredTurns } from "./restored.js";
import { answerTool, apply, close, newTurn, nextLeg, openClientTools } from "./turn.js";

const MAX_LEGS = 6;
const PAGE_TURNS = 100;
/** The proxy notices within a quarter of a second that a page which was waiting for an answer has left. */
const LATE_MS = 1000;

export class Conversation {
  #client;
  #rehearsal;
  #onTurn;
  #kept;
  #thread = null;
  #asked = 0;
  #running = null;

  /**
   * `rehearsal()` tells {scenario, baggage} for the next request; `onTurn(turn)` hears of every change; `kept` holds
   * which turns are shown.
   */
  constructor({ client, rehearsal, onTurn, kept }) {
    this.#client = client;
    this.#rehearsal = rehearsal;
    this.#onTurn = onTurn;
    this.#kept = kept;
  }

  get isRunning() {
    return this.#running !== null;
  }

  /** Ask, and resolve with the finished turn; only one question runs at a time. */
  async ask(question) {
    if (this.#running) return null;
    const controller = new AbortController();
    this.#running = controller;
    const { scenario, baggage } = this.#rehearsal();
    const fresh = this.#asked > 0 && this.#thread === null;
    const turn = newTurn({ key: `turn-${Date.now()}-${this.#asked}`, question, at: now(), scenario, fresh });
    this.#asked += 1;
    this.#onTurn(turn);
    const done = await this.#run(turn, { baggage, signal: controller.signal });
    if (this.#running !== controller) return done;
    this.#running = null;
    this.#remember(done);
    this.#onTurn(done);
    return done;
  }

  /** Show again what was kept, out of the session's history, and go on in its thread.   Throws: as the client does.
   *
   * Returns "whole", "parts" when some of it is not there any more, "ended" when the session is not, null when there
   * was nothing or it was stopped.
   */
  async restore() {
    const { told } = this.#kept;
    if (!told || this.#running) return null;
    const controller = new AbortController();
    this.#running = controller;
    try {
      return await this.#restore(told, controller.signal);
    } catch (error) {
      if (controller.signal.aborted) return null;
      throw error;
    } finally {
      if (this.#running === controller) this.#running = null;
    }
  }

  stop() {
    this.#running?.abort();
  }

  /** Forget the thread; the next question begins a new one. A session that was replaced loses its threads, too. */
  forgetThread() {
    this.#thread = null;
  }

  /** Begin anew. An answer that is still coming is dropped; what was asked stays in the history. */
  reset() {
    this.#kept.forget();
    const running = this.#running;
    this.#running = null;
    this.#thread = null;
    this.#asked = 0;
    running?.abort();
  }

  async #restore({ sessionId, turnIds, isWhole }, signal) {
    const { session } = this.#client;
    const isGone = () => session.current?.sessionId !== sessionId;
    await session.token({ signal });
    let stored = isGone() ? [] : await this.#stored(turnIds, signal);
    if (stored.length < turnIds.length && !isGone()) {
      await pause(LATE_MS, signal);
      stored = await this.#stored(turnIds, signal);
    }
    if (isGone()) {
      this.#kept.forget();
      return "ended";
    }
    const turns = restoredTurns(stored);
    this.#asked = turns.length;
    for (const turn of turns) this.#onTurn(turn);
    if (turns.length) this.#remember(turns.at(-1));
    return isWhole && stored.length === turnIds.length ? "whole" : "parts";
  }

  /** What the history holds of these turns, oldest first. */
  async #stored(turnIds, signal) {
    const wanted = new Set(turnIds);
    const found = [];
    let cursor;
    do {
      const { turns, nextCursor } = await this.#client.history({ limit: PAGE_TURNS, cursor, signal });
      found.push(...turns.filter(({ turnId }) => wanted.has(turnId)));
      cursor = nextCursor ?? undefined;
    } while (cursor && found.length < wanted.size);
    return found.reverse();
  }

  async #run(turn, { baggage, signal }) {
    const state = { turn };
    try {
      await this.#leg(state, turn.question, () => this.#thread, { baggage, signal });
      while (openClientTools(state.turn).length && state.turn.leg < MAX_LEGS && !state.turn.problem) {
        if (!(await this.#answerTools(state, { baggage, signal }))) break;
      }
      return close(state.turn, state.turn.problem ? "failed" : "done", now());
    } catch (error) {
      if (signal.aborted) return close(state.turn, "stopped", now());
      // A malformed answer must not leave the page waiting for ever.
      return close(state.turn, "failed", now(), state.turn.problem ?? problemOf(error));
    }
  }

  async #leg(state, message, thread, { baggage, signal }) {
    const trace = newTrace();
    state.turn = { ...state.turn, ids: { ...state.turn.ids, traceId: trace.traceId } };
    // Asked for each try: a session that had to be replaced has no threads any more.
    const asked = () => ({ message, ...placeIn(thread()) });
    const headers = baggage ? { baggage } : {};
    for await (const { event, data } of this.#client.chat(asked, { trace, headers, signal })) {
      state.turn = apply(state.turn, event, data, now());
      if (event === "proxy.start" && !signal.aborted) this.#kept.add(data);
      if (!signal.aborted) this.#onTurn(state.turn);
    }
  }

  async #answerTools(state, options) {
    const thread = threadAfter(state.turn);
    const [tool] = openClientTools(state.turn);
    const result = runClientTool(tool);
    state.turn = answerTool(state.turn, result, now());
    this.#onTurn(state.turn);
    // Without a thread the agent has forgotten that it asked.
    if (!thread) return false;
    state.turn = nextLeg(state.turn);
    await this.#leg(state, { toolResult: result }, () => thread, options);
    return true;
  }

  /** A request that failed before its stream began left the thread as it was. */
  #remember(turn) {
    if (turn.ids.turnId) this.#thread = threadAfter(turn);
  }
}

function problemOf(error) {
  if (!(error instanceof ProblemError)) {
    tellFault("render");
    return unreadable(error);
  }
  if (error.kind === "unreachable") tellFault("network");
  return error.problem;
}

/** An answer that this page cannot make sense of; `error` is what stopped it. */
function unreadable(error) {
  return {
    type: "page/unreadable-answer",
    title: "This answer cannot be read",
    detail: `The page stopped at: ${error.message}`,
    retryable: false,
  };
}

function threadAfter(turn) {
  const { threadId } = turn.ids;
  return threadId != null && turn.assistantMessageId != null ? { threadId, parentId: turn.assistantMessageId } : null;
}

function placeIn(thread) {
  return thread ? { threadId: thread.threadId, parentMessageId: thread.parentId } : { parentMessageId: 0 };
}

function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    setTimeout(resolve, ms);
  });
}

function now() {
  return performance.now();
}
