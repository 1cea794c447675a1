/** One request to the proxy: an answer, or a problem thrown; refusals that say when to come back are waited for. */
import { ProblemError, mediaType, readProblem, unexpected, unreachable } from "./problem.js";
import { newTrace, traceparent } from "./trace.js";
export class Transport {
    baseUrl;
    fetch;
    headers;
    retry;
    constructor(baseUrl, fetch, headers, retry) {
        this.baseUrl = baseUrl;
        this.fetch = fetch;
        this.headers = headers;
        this.retry = retry;
    }
    /** Address of a path below `/api/v1`. */
    url(path) {
        return `${this.baseUrl}/api/v1${path}`;
    }
    /** The successful answer.   Throws: ProblemError; the signal's reason. */
    async send(call, options) {
        const traced = { ...options, trace: options.trace ?? newTrace() };
        for (let attempt = 1;; attempt += 1) {
            const response = await this.#once(call, traced);
            if (response.ok)
                return response;
            const error = await readProblem(response);
            const waitS = this.#wait(error, attempt);
            if (waitS === null)
                throw error;
            await pause(waitS * 1000, options.signal);
        }
    }
    /** The successful answer's JSON. What it holds the contract says: the schemas check it where that is wanted. */
    async json(call, options) {
        const response = await this.send(call, options);
        const type = mediaType(response);
        if (!type.endsWith("json")) {
            await response.body?.cancel();
            throw unexpected(response, type || "no content type");
        }
        const text = await response.text().catch((error) => {
            options.signal?.throwIfAborted();
            throw unreachable(response.url, error);
        });
        try {
            return JSON.parse(text);
        }
        catch {
            throw unexpected(response, "JSON that cannot be read");
        }
    }
    async #once(call, options) {
        options.signal?.throwIfAborted();
        const url = this.url(call.path);
        const headers = { accept: call.accept ?? "application/json" };
        headers["traceparent"] = traceparent(options.trace); // each try is a span of its own
        if (call.token !== undefined)
            headers["authorization"] = `Bearer ${call.token}`;
        if (call.body !== undefined)
            headers["content-type"] = "application/json";
        Object.assign(headers, lowered(this.headers), lowered(options.headers));
        const request = { method: call.method, headers };
        if (call.body !== undefined)
            request.body = JSON.stringify(call.body);
        if (options.signal)
            request.signal = options.signal;
        try {
            return await this.fetch(url, request);
        }
        catch (error) {
            options.signal?.throwIfAborted();
            throw unreachable(url, error);
        }
    }
    /** Seconds until the next try; null when there is none. */
    #wait({ retryable, retryAfterS }, attempt) {
        const { tries, maxWaitS } = this.retry;
        if (!retryable || retryAfterS === undefined)
            return null;
        return attempt < tries && retryAfterS <= maxWaitS ? retryAfterS : null;
    }
}
/** Resolves after so many milliseconds.   Throws: the signal's reason. */
export function pause(ms, signal) {
    return heeding(signal, new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        signal?.addEventListener("abort", () => clearTimeout(timer), { once: true });
    }));
}
/** What the promise brings, unless the signal aborts first; the promise goes on for others who wait for it. */
export function heeding(signal, promise) {
    if (!signal)
        return promise;
    return new Promise((resolve, reject) => {
        const stop = () => reject(signal.reason);
        if (signal.aborted)
            stop();
        signal.addEventListener("abort", stop, { once: true });
        promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
    });
}
/** Header names in one case, so that what a caller gives replaces what is sent anyway. */
function lowered(headers) {
    return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
}
