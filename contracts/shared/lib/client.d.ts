/** The client of the proxy's API: a session, streams, tools, history. */
import { type AnalystStreamEvent, type ChatStreamEvent } from "./events.js";
import type { AnalystAnswer, AnalystRequest, ChartAnswer, ChartRequest, ChatRequest, ClientMetric, HistoryPage, MetricsReceipt, SearchAnswer, SearchRequest, SqlAnswer, SqlRequest, Status } from "./generated/model.js";
import { Session, type Keep } from "./session.js";
import { type CallOptions, type Retry } from "./transport.js";
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
export declare function createClient(options?: ClientOptions): Client;
/** All methods throw ProblemError when the proxy refuses, fails or cannot be reached, and the signal's reason. */
export declare class Client {
    #private;
    readonly session: Session;
    constructor(options: ClientOptions);
    /** Ask the agent; yield the answer's events, `proxy.start` first and `proxy.end` last.
     *
     * Leaving the loop, or the signal, cancels the request. A refusal is thrown before the first event. What fails within
     * a stream comes as an `error` event, and is thrown after `proxy.end`. A stream that is cut throws
     * ConnectionLostError.
     *
     * turn: a function is asked again for each try, as a session that had to be replaced may change the answer.
     */
    chat(turn: ChatTurn | (() => ChatTurn), options?: CallOptions): AsyncGenerator<ChatStreamEvent, void, undefined>;
    /** Turn a question into SQL, told as Cortex Analyst finds it. Ends and fails as `chat` does. */
    analystStream(question: AnalystQuestion, options?: CallOptions): AsyncGenerator<AnalystStreamEvent, void, undefined>;
    /** Turn a question into SQL. */
    analyst(question: AnalystQuestion, options?: CallOptions): Promise<AnalystAnswer>;
    /** Search documents. */
    search(request: SearchRequest, options?: CallOptions): Promise<SearchAnswer>;
    /** Run one read-only statement. */
    sql(request: SqlRequest, options?: CallOptions): Promise<SqlAnswer>;
    /** Draw rows. */
    chart(request: ChartRequest, options?: CallOptions): Promise<ChartAnswer>;
    /** A session's turns, newest first. */
    history({ sessionId, limit, cursor, ...options }?: HistoryOptions): Promise<HistoryPage>;
    /** Delete a session's turns. */
    forgetHistory({ sessionId, ...options }?: Omit<HistoryOptions, "limit" | "cursor">): Promise<void>;
    /** Report measurements now. */
    reportMetrics(metrics: ClientMetric[], options?: CallOptions): Promise<MetricsReceipt>;
    /** Keep a measurement for the next report: some seconds later, or when the page is left. */
    measure(metric: ClientMetric): void;
    /** What the proxy is. */
    status(options?: CallOptions): Promise<Status>;
    /** Report what was measured, and renew no longer. The session itself goes on until it is ended or ends. */
    close(): Promise<void>;
}
