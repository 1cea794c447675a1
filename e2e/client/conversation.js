/** A conversation: turns in order, one stream at a time, the thread that joins them. */

import { newTrace, streamChat } from "./chat.js";
import { runClientTool } from "./client-tools.js";
import { CONNECTION_LOST, ProblemError, problemName, unreadable } from "./problem.js";
import { answerTool, apply, close, newTurn, nextLeg, openClientTools } from "./turn.js";

const MAX_LEGS = 6;
const NEEDS_NEW_TOKEN = ["token-expired", "token-invalid", "token-missing", "session-ended", "session-mismatch"];

export class Conversation {
  #session;
  #rehearsal;
  #onTurn;
  #thread = null;
  #asked = 0;
  #running = null;

  /** `rehearsal()` tells {scenario, baggage} for the next request; `onTurn(turn)` hears of every change. */
  constructor({ session, rehearsal, onTurn }) {
    this.#session = session;
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
      return close(state.turn, "failed", now(), error instanceof ProblemError ? error.problem : unreadable(error));
    }
  }

  async #leg(state, message, thread, { baggage, signal }) {
    const trace = newTrace();
    state.turn = { ...state.turn, ids: { ...state.turn.ids, traceId: trace.traceId } };
    const request = { traceparent: trace.traceparent, baggage, signal };
    for await (const { event, data } of this.#stream(message, thread, request)) {
      state.turn = apply(state.turn, event, data, now());
      if (!signal.aborted) this.#onTurn(state.turn);
    }
    if (!state.turn.end && !state.turn.problem) throw new ProblemError(CONNECTION_LOST);
  }

  /** A refused token is replaced and the request sent once more: nothing was asked yet, so nothing is asked twice. */
  async *#stream(message, thread, request) {
    for (const last of [false, true]) {
      const { token, sessionId } = await this.#session.ensure();
      try {
        // Asked only now: a session that had to be replaced has no threads any more.
        yield* streamChat({ token, body: { sessionId, message, ...placeIn(thread()) }, ...request });
        return;
      } catch (error) {
        if (last || !NEEDS_NEW_TOKEN.includes(problemName(error.problem ?? {}))) throw error;
        this.#session.drop();
      }
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
