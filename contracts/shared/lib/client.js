/** The client of the proxy's API: a session, streams, tools, history. */
import { ANALYST, CHAT, decoded, } from "./events.js";
import { Reporter, Stopwatch } from "./metrics.js";
import { ConnectionLostError, ProblemError, asProblem, mediaType, unexpected } from "./problem.js";
import { Session } from "./session.js";
import { readFrames } from "./stream.js";
import { newTrace } from "./trace.js";
import { Transport } from "./transport.js";
const EVENT_STREAM = "text/event-stream";
const DEFAULT_RETRY = { tries: 3, maxWaitS: 20 };
/** Three heartbeats of the proxy's. */
const DEFAULT_SILENCE_S = 45;
const REFUSES_THE_SESSION = new Set(["token-expired", "token-invalid", "session-ended"]);
/** A client with a session of its own. Nothing is asked before the first call. */
export function createClient(options = {}) {
    return new Client(options);
}
/** All methods throw ProblemError when the proxy refuses, fails or cannot be reached, and the signal's reason. */
export class Client {
    session;
    #transport;
    #reports;
    #silenceS;
    constructor(options) {
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
    chat(turn, options = {}) {
        const asked = typeof turn === "function" ? turn : () => turn;
        const call = ({ sessionId }) => post("/chat", { sessionId, ...asked() });
        return this.#stream(call, CHAT, options);
    }
    /** Turn a question into SQL, told as Cortex Analyst finds it. Ends and fails as `chat` does. */
    analystStream(question, options = {}) {
        return this.#stream(() => post("/tools/analyst", { ...question, stream: true }), ANALYST, options);
    }
    /** Turn a question into SQL. */
    analyst(question, options = {}) {
        return this.#json(post("/tools/analyst", question), options);
    }
    /** Search documents. */
    search(request, options = {}) {
        return this.#json(post("/tools/search", request), options);
    }
    /** Run one read-only statement. */
    sql(request, options = {}) {
        return this.#json(post("/tools/sql", request), options);
    }
    /** Draw rows. */
    chart(request, options = {}) {
        return this.#json(post("/tools/chart", request), options);
    }
    /** A session's turns, newest first. */
    history({ sessionId, limit, cursor, ...options } = {}) {
        const query = new URLSearchParams();
        if (limit !== undefined)
            query.set("limit", String(limit));
        if (cursor !== undefined)
            query.set("cursor", cursor);
        const asked = `?${query}`.replace(/\?$/, "");
        return this.#json((held) => ({ method: "GET", path: historyOf(sessionId ?? held.sessionId) + asked }), options);
    }
    /** Delete a session's turns. */
    async forgetHistory({ sessionId, ...options } = {}) {
        const call = (held) => ({ method: "DELETE", path: historyOf(sessionId ?? held.sessionId) });
        await this.#authorised(call, (call) => this.#transport.send(call, options), options);
    }
    /** Report measurements now. */
    reportMetrics(metrics, options = {}) {
        return this.#json(post("/metrics/report", { metrics }), options);
    }
    /** Keep a measurement for the next report: some seconds later, or when the page is left. */
    measure(metric) {
        this.#reports?.add(metric);
    }
    /** What the proxy is. */
    status(options = {}) {
        return this.#transport.json({ method: "GET", path: "/status" }, options);
    }
    /** Report what was measured, and renew no longer. The session itself goes on until it is ended or ends. */
    async close() {
        this.session.close();
        await this.#reports?.close();
    }
    #json(call, options) {
        const made = typeof call === "function" ? call : () => call;
        return this.#authorised(made, (call) => this.#transport.json(call, options), options);
    }
    /** A refused token is replaced and the request sent once more: nothing was done yet, so nothing is done twice. */
    async #authorised(call, send, { signal }) {
        for (let isLast = false;; isLast = true) {
            const held = await this.session.token({ signal });
            try {
                return await send({ ...call(held), token: held.token });
            }
            catch (error) {
                if (isLast || !(error instanceof ProblemError) || !REFUSES_THE_SESSION.has(error.kind))
                    throw error;
                this.session.refused(held.token);
            }
        }
    }
    async *#stream(call, vocabulary, options) {
        const watch = new Stopwatch((metric) => this.measure(metric));
        let outcome = "aborted"; // what it is when the caller leaves
        try {
            const trace = options.trace ?? newTrace();
            const body = await this.#open(call, { ...options, trace });
            let problem = null;
            for await (const event of this.#events(body, vocabulary, trace, options.signal)) {
                watch.saw(String(event.event));
                if (event.event === "error")
                    problem = asProblem(event.data) ?? problem;
                if (event.event === "proxy.end")
                    outcome = problem ? "error" : "completed";
                yield event;
                watch.waits();
            }
            if (problem)
                throw new ProblemError(problem);
        }
        catch (error) {
            outcome = outcomeOf(error, options.signal);
            throw error;
        }
        finally {
            watch.ended(outcome);
        }
    }
    async #open(call, options) {
        const streamed = (held) => ({ ...call(held), accept: EVENT_STREAM });
        const response = await this.#authorised(streamed, (call) => this.#transport.send(call, options), options);
        const type = mediaType(response);
        if (type === EVENT_STREAM && response.body)
            return response.body;
        await response.body?.cancel();
        throw unexpected(response, type || "no content type");
    }
    async *#events(body, vocabulary, { traceId }, signal) {
        let isOver = false;
        const isLast = ({ event }) => (isOver = event === "proxy.end");
        const limits = { signal, silenceS: this.#silenceS, traceId, isLast };
        for await (const frame of readFrames(body, limits)) {
            const event = decoded(frame, vocabulary);
            if (event?.event === "proxy.start")
                limits.traceId = event.data.traceId;
            if (event)
                yield event;
            else
                this.measure({ name: "page_error", value: 1, label: "protocol" });
        }
        if (!isOver)
            throw new ConnectionLostError("The answer stopped before its end.", limits.traceId);
    }
}
function post(path, body) {
    return { method: "POST", path, body };
}
function historyOf(sessionId) {
    return `/history/${encodeURIComponent(sessionId)}`;
}
function outcomeOf(error, signal) {
    if (signal?.aborted)
        return "aborted";
    return error instanceof ConnectionLostError ? "disconnected" : "error";
}
