/** The client of the proxy's API: a session, streams, tools, history. */

import {
  ANALYST,
  CHAT,
  decoded,
  type AnalystStreamEvent,
  type ChatStreamEvent,
  type StreamEvent,
  type Vocabulary,
} from "./events.js";
import type {
  AnalystAnswer,
  AnalystRequest,
  ChartAnswer,
  ChartRequest,
  ChatRequest,
  ClientMetric,
  HistoryPage,
  MetricsReceipt,
  Problem,
  SearchAnswer,
  SearchRequest,
  SqlAnswer,
  SqlRequest,
  Status,
} from "./generated/model.js";
import { Reporter, Stopwatch, type StreamOutcome } from "./metrics.js";
import { ConnectionLostError, ProblemError, asProblem, mediaType, unexpected } from "./problem.js";
import { Session, type Keep, type SessionInfo } from "./session.js";
import { readFrames } from "./stream.js";
import { newTrace, type Trace } from "./trace.js";
import { Transport, type Call, type CallOptions, type Retry } from "./transport.js";

const EVENT_STREAM = "text/event-stream";
const DEFAULT_RETRY: Retry = { tries: 3, maxWaitS: 20 };
/** Three heartbeats of the proxy's. */
const DEFAULT_SILENCE_S = 45;
const REFUSES_THE_SESSION: ReadonlySet<string> = new Set(["token-expired", "token-invalid", "session-ended"]);

export interface ClientOptions {
  /** Where the proxy is, as `https://host:port`; in a page that the proxy serves, the page's own origin. */
  readonly baseUrl?: string;
  /** Used instead of the global one. */
  readonly fetch?: typeof globalThis.fetch;
  /** Held by backends only, never by a page: opens sessions in production. */
  readonly clientKey?: string;
  /** Whose session it is to be, for limits and history; needs the client key. */
  readonly subject?: string;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How refusals with `Retry-After` are waited for. Default: 3 tries, waits of at most 20 s. */
  readonly retry?: Partial<Retry>;
  /** A stream without a byte for so long is lost. Default: 45. */
  readonly silenceS?: number;
  /** Keep the session while nobody asks for it. Default: in pages only. */
  readonly renewInBackground?: boolean;
  /** Where a page keeps its session, so that it goes on when the page is loaded anew. Default: nowhere. */
  readonly keep?: Keep;
  /** Report the time to the first token, stalls and outcomes of chats. Default: in pages only. */
  readonly metrics?: boolean;
}

/** A turn; the client adds the session. */
export type ChatTurn = Omit<ChatRequest, "sessionId">;

/** A question to Cortex Analyst. */
export type AnalystQuestion = Omit<AnalystRequest, "stream">;

export interface HistoryOptions extends CallOptions {
  /** Another session of the same user. Default: the client's own. */
  readonly sessionId?: string | undefined;
  /** Most turns in the page. */
  readonly limit?: number | undefined;
  /** `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
}

/** A client with a session of its own. Nothing is asked before the first call. */
export function createClient(options: ClientOptions = {}): Client {
  return new Client(options);
}

/** All methods throw ProblemError when the proxy refuses, fails or cannot be reached, and the signal's reason. */
export class Client {
  readonly session: Session;
  readonly #transport: Transport;
  readonly #reports: Reporter | null;
  readonly #silenceS: number;

  constructor(options: ClientOptions) {
    const isPage = typeof document !== "undefined";
    const fetch = options.fetch ?? ((...request) => globalThis.fetch(...request));
    const baseUrl = (options.baseUrl ?? "").replace(/\/+$/, "");
    this.#transport = new Transport(baseUrl, fetch, options.headers ?? {}, { ...DEFAULT_RETRY, ...options.retry });
    const { clientKey, subject, renewInBackground = isPage, keep } = options;
    this.session = new Session(this.#transport, { clientKey, subject, renewInBackground, keep });
    this.#reports = (options.metrics ?? isPage) ? new Reporter(this.#transport, this.session) : null;
    this.#silenceS = options.silenceS ?? DEFAULT_SILENCE_S;
  }

  /** Ask the agent; yield the answer's events, `proxy.start` first and `proxy.end` last.
   *
   * Leaving the loop, or the signal, cancels the request. A refusal is thrown before the first event. What fails within
   * a stream comes as an `error` event, and is thrown after `proxy.end`. A stream that is cut throws
   * ConnectionLostError.
   *
   * turn: a function is asked again for each try, as a session that had to be replaced may change the answer.
   */
  chat(turn: ChatTurn | (() => ChatTurn), options: CallOptions = {}): AsyncGenerator<ChatStreamEvent, void, undefined> {
    const asked = typeof turn === "function" ? turn : () => turn;
    const call = ({ sessionId }: SessionInfo) => post("/chat", { sessionId, ...asked() });
    return this.#stream(call, CHAT, options);
  }

  /** Turn a question into SQL, told as Cortex Analyst finds it. Ends and fails as `chat` does. */
  analystStream(
    question: AnalystQuestion,
    options: CallOptions = {},
  ): AsyncGenerator<AnalystStreamEvent, void, undefined> {
    return this.#stream(() => post("/tools/analyst", { ...question, stream: true }), ANALYST, options);
  }

  /** Turn a question into SQL. */
  analyst(question: AnalystQuestion, options: CallOptions = {}): Promise<AnalystAnswer> {
    return this.#json(post("/tools/analyst", question), options);
  }

  /** Search documents. */
  search(request: SearchRequest, options: CallOptions = {}): Promise<SearchAnswer> {
    return this.#json(post("/tools/search", request), options);
  }

  /** Run one read-only statement. */
  sql(request: SqlRequest, options: CallOptions = {}): Promise<SqlAnswer> {
    return this.#json(post("/tools/sql", request), options);
  }

  /** Draw rows. */
  chart(request: ChartRequest, options: CallOptions = {}): Promise<ChartAnswer> {
    return this.#json(post("/tools/chart", request), options);
  }

  /** A session's turns, newest first. */
  history({ sessionId, limit, cursor, ...options }: HistoryOptions = {}): Promise<HistoryPage> {
    const query = new URLSearchParams();
    if (limit !== undefined) query.set("limit", String(limit));
    if (cursor !== undefined) query.set("cursor", cursor);
    const asked = `?${query}`.replace(/\?$/, "");
    return this.#json((held) => ({ method: "GET", path: historyOf(sessionId ?? held.sessionId) + asked }), options);
  }

  /** Delete a session's turns. */
  async forgetHistory({ sessionId, ...options }: Omit<HistoryOptions, "limit" | "cursor"> = {}): Promise<void> {
    const call = (held: SessionInfo): Call => ({ method: "DELETE", path: historyOf(sessionId ?? held.sessionId) });
    await this.#authorised(call, (call) => this.#transport.send(call, options), options);
  }

  /** Report measurements now. */
  reportMetrics(metrics: ClientMetric[], options: CallOptions = {}): Promise<MetricsReceipt> {
    return this.#json(post("/metrics/report", { metrics }), options);
  }

  /** Keep a measurement for the next report: some seconds later, or when the page is left. */
  measure(metric: ClientMetric): void {
    this.#reports?.add(metric);
  }

  /** What the proxy is. */
  status(options: CallOptions = {}): Promise<Status> {
    return this.#transport.json({ method: "GET", path: "/status" }, options);
  }

  /** Report what was measured, and renew no longer. The session itself goes on until it is ended or ends. */
  async close(): Promise<void> {
    this.session.close();
    await this.#reports?.close();
  }

  #json<T>(call: CallOfSession | Call, options: CallOptions): Promise<T> {
    const made = typeof call === "function" ? call : () => call;
    return this.#authorised(made, (call) => this.#transport.json<T>(call, options), options);
  }

  /** A refused token is replaced and the request sent once more: nothing was done yet, so nothing is done twice. */
  async #authorised<T>(call: CallOfSession, send: (call: Call) => Promise<T>, { signal }: CallOptions): Promise<T> {
    for (let isLast = false; ; isLast = true) {
      const held = await this.session.token({ signal });
      try {
        return await send({ ...call(held), token: held.token });
      } catch (error) {
        if (isLast || !(error instanceof ProblemError) || !REFUSES_THE_SESSION.has(error.kind)) throw error;
        this.session.refused(held.token);
      }
    }
  }

  async *#stream<E extends StreamEvent>(
    call: CallOfSession,
    vocabulary: Vocabulary<E>,
    options: CallOptions,
  ): AsyncGenerator<E, void, undefined> {
    const watch = new Stopwatch((metric) => this.measure(metric));
    let outcome: StreamOutcome = "aborted"; // what it is when the caller leaves
    try {
      const trace = options.trace ?? newTrace();
      const body = await this.#open(call, { ...options, trace });
      let problem: Problem | null = null;
      for await (const event of this.#events(body, vocabulary, trace, options.signal)) {
        watch.saw(String(event.event));
        if (event.event === "error") problem = asProblem(event.data) ?? problem;
        if (event.event === "proxy.end") outcome = problem ? "error" : "completed";
        yield event;
        watch.waits();
      }
      if (problem) throw new ProblemError(problem);
    } catch (error) {
      outcome = outcomeOf(error, options.signal);
      throw error;
    } finally {
      watch.ended(outcome);
    }
  }

  async #open(call: CallOfSession, options: CallOptions): Promise<ReadableStream<Uint8Array>> {
    const streamed = (held: SessionInfo) => ({ ...call(held), accept: EVENT_STREAM });
    const response = await this.#authorised(streamed, (call) => this.#transport.send(call, options), options);
    const type = mediaType(response);
    if (type === EVENT_STREAM && response.body) return response.body;
    await response.body?.cancel();
    throw unexpected(response, type || "no content type");
  }

  async *#events<E extends StreamEvent>(
    body: ReadableStream<Uint8Array>,
    vocabulary: Vocabulary<E>,
    { traceId }: Trace,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<E, void, undefined> {
    let isOver = false;
    const isLast = ({ event }: { event: string }) => (isOver = event === "proxy.end");
    const limits = { signal, silenceS: this.#silenceS, traceId, isLast };
    for await (const frame of readFrames(body, limits)) {
      const event: StreamEvent | null = decoded(frame, vocabulary);
      if (event?.event === "proxy.start") limits.traceId = event.data.traceId;
      if (event) yield event as E;
      else this.measure({ name: "page_error", value: 1, label: "protocol" });
    }
    if (!isOver) throw new ConnectionLostError("The answer stopped before its end.", limits.traceId);
  }
}

type CallOfSession = (held: SessionInfo) => Call;

function post(path: string, body: unknown): Call {
  return { method: "POST", path, body };
}

function historyOf(sessionId: string): string {
  return `/history/${encodeURIComponent(sessionId)}`;
}

function outcomeOf(error: unknown, signal: AbortSignal | undefined): StreamOutcome {
  if (signal?.aborted) return "aborted";
  return error instanceof ConnectionLostError ? "disconnected" : "error";
}
