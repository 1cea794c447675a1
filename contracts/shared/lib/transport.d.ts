/** One request to the proxy: an answer, or a problem thrown; refusals that say when to come back are waited for. */
import { type Trace } from "./trace.js";
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
export declare class Transport {
    #private;
    readonly baseUrl: string;
    readonly fetch: typeof globalThis.fetch;
    readonly headers: Readonly<Record<string, string>>;
    readonly retry: Retry;
    constructor(baseUrl: string, fetch: typeof globalThis.fetch, headers: Readonly<Record<string, string>>, retry: Retry);
    /** Address of a path below `/api/v1`. */
    url(path: string): string;
    /** The successful answer.   Throws: ProblemError; the signal's reason. */
    send(call: Call, options: CallOptions): Promise<Response>;
    /** The successful answer's JSON. What it holds the contract says: the schemas check it where that is wanted. */
    json<T>(call: Call, options: CallOptions): Promise<T>;
}
/** Resolves after so many milliseconds.   Throws: the signal's reason. */
export declare function pause(ms: number, signal?: AbortSignal): Promise<void>;
/** What the promise brings, unless the signal aborts first; the promise goes on for others who wait for it. */
export declare function heeding<T>(signal: AbortSignal | undefined, promise: Promise<T>): Promise<T>;
