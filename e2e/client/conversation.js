/** A conversation: turns in order, one stream at a time, the thread that joins them. */

import { ProblemError, newTrace } from "/client/shared/index.js";
import { runClientTool } from "./client-tools.js";
import { tellFault } from "./measures.js";
import { answerTool, apply, close, newTurn, nextLeg, openClientTools } from "./turn.js";

const MAX_LEGS = 6;

export class Conversation {
  #client;
  #rehearsal;
  #onTurn;
  #thread = null;
  #asked = 0;
  #running = null;

  /** `rehearsal()` tells {scenario, baggage} for the next request; `onTurn(turn)` hears of every change. */
  constructor({ client, rehearsal, onTurn }) {
    this.#client = client;
    this.#rehearsal = rehearsal;
    this.#onTurn = onTurn;
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

  stop() {
    this.#running?.abort();
  }

  /** Forget the thread; the next question begins a new one. A session that was replaced loses its threads, too. */
  forgetThread() {
    this.#thread = null;
  }

  /** Begin anew. An answer that is still coming is dropped. */
  reset() {
    const running = this.#running;
    this.#running = null;
    this.#thread = null;
    this.#asked = 0;
    running?.abort();
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

function now() {
  return performance.now();
}
