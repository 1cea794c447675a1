/** One request to the proxy: an answer, or a problem thrown; refusals that say when to come back are waited for. */

import { ProblemError, mediaType, readProblem, unexpected, unreachable } from "./problem.js";
import { newTrace, traceparent, type Trace } from "./trace.js";

/** How patient a client is with refusals that carry `Retry-After`. */
export interface Retry {
  /** Requests in all, the first one included. */
  readonly tries: number;
  /** Longest single wait, in seconds; a longer one is thrown at once. */
  readonly maxWaitS: number;
}

/** What any call may be given. */
export interface CallOptions {
  /** Aborts the call, its waits included. */
  readonly signal?: AbortSignal | undefined;
  /** Sent along; they win over the client's own. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The trace that the call is part of; a new one when left out. */
  readonly trace?: Trace | undefined;
}

/** A request, as the proxy's API has it. */
export interface Call {
  readonly method: "GET" | "POST" | "DELETE";
  /** Below `/api/v1`. */
  readonly path: string;
  readonly body?: unknown;
  readonly accept?: string;
  readonly token?: string;
}

export class Transport {
  constructor(
    readonly baseUrl: string,
    readonly fetch: typeof globalThis.fetch,
    readonly headers: Readonly<Record<string, string>>,
    readonly retry: Retry,
  ) {}

  /** Address of a path below `/api/v1`. */
  url(path: string): string {
    return `${this.baseUrl}/api/v1${path}`;
  }

  /** The successful answer.   Throws: ProblemError; the signal's reason. */
  async send(call: Call, options: CallOptions): Promise<Response> {
    const traced = { ...options, trace: options.trace ?? newTrace() };
    for (let attempt = 1; ; attempt += 1) {
      const response = await this.#once(call, traced);
      if (response.ok) return response;
      const error = await readProblem(response);
      const waitS = this.#wait(error, attempt);
      if (waitS === null) throw error;
      await pause(waitS * 1000, options.signal);
    }
  }

  /** The successful answer's JSON. What it holds the contract says: the schemas check it where that is wanted. */
  async json<T>(call: Call, options: CallOptions): Promise<T> {
    const response = await this.send(call, options);
    const type = mediaType(response);
    if (!type.endsWith("json")) {
      await response.body?.cancel();
      throw unexpected(response, type || "no content type");
    }
    const text = await response.text().catch((error: unknown) => {
      options.signal?.throwIfAborted();
      throw unreachable(response.url, error);
    });
    try {
      return JSON.parse(text) as T;
    } catch {
      throw unexpected(response, "JSON that cannot be read");
    }
  }

  async #once(call: Call, options: CallOptions & { trace: Trace }): Promise<Response> {
    options.signal?.throwIfAborted();
    const url = this.url(call.path);
    const headers: Record<string, string> = { accept: call.accept ?? "application/json" };
    headers["traceparent"] = traceparent(options.trace); // each try is a span of its own
    if (call.token !== undefined) headers["authorization"] = `Bearer ${call.token}`;
    if (call.body !== undefined) headers["content-type"] = "application/json";
    Object.assign(headers, lowered(this.headers), lowered(options.headers));
    const request: RequestInit = { method: call.method, headers };
    if (call.body !== undefined) request.body = JSON.stringify(call.body);
    if (options.signal) request.signal = options.signal;
    try {
      return await this.fetch(url, request);
    } catch (error) {
      options.signal?.throwIfAborted();
      throw unreachable(url, error);
    }
  }

  /** Seconds until the next try; null when there is none. */
  #wait({ retryable, retryAfterS }: ProblemError, attempt: number): number | null {
    const { tries, maxWaitS } = this.retry;
    if (!retryable || retryAfterS === undefined) return null;
    return attempt < tries && retryAfterS <= maxWaitS ? retryAfterS : null;
  }
}

/** Resolves after so many milliseconds.   Throws: the signal's reason. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return heeding(
    signal,
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal?.addEventListener("abort", () => clearTimeout(timer), { once: true });
    }),
  );
}

/** What the promise brings, unless the signal aborts first; the promise goes on for others who wait for it. */
export function heeding<T>(signal: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

/** Header names in one case, so that what a caller gives replaces what is sent anyway. */
function lowered(headers: Readonly<Record<string, string>> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
}
