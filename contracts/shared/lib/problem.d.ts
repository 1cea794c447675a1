/** What went wrong, as an RFC 9457 problem: from the proxy, or made here when the proxy could not say it. */
import type { PROBLEM_KINDS, Problem } from "./generated/model.js";
/** Problems that only a client sees. */
export type ClientProblemKind = "unreachable" | "connection-lost" | "unexpected-answer";
/** The last part of a problem's type. The set is open: newer proxies know more. */
export type ProblemKind = (typeof PROBLEM_KINDS)[number] | ClientProblemKind | (string & {});
/** The proxy refused or failed, or could not be reached. */
export declare class ProblemError extends Error {
    /** The whole problem, as it came. */
    readonly problem: Problem;
    readonly name: string;
    constructor(
    /** The whole problem, as it came. */
    problem: Problem, options?: ErrorOptions);
    /** Which problem it is: branch on this, show `problem.title` and `problem.detail`. */
    get kind(): ProblemKind;
    /** HTTP status; 0 when there was no answer. */
    get status(): number;
    /** Whether the same request may succeed later. */
    get retryable(): boolean;
    /** Seconds after which to ask again, where the proxy said so. */
    get retryAfterS(): number | undefined;
    /** Finds the request in traces and logs. */
    get traceId(): string | undefined;
}
/** A stream that had begun was cut before its `proxy.end`. What came before stands. */
export declare class ConnectionLostError extends ProblemError {
    readonly name = "ConnectionLostError";
    constructor(detail: string, traceId: string, options?: ErrorOptions);
}
/** No answer came at all. */
export declare function unreachable(url: string, cause: unknown): ProblemError;
/** Whether the browser knows that nothing can leave it. */
export declare function isOffline(): boolean;
/** An answer that is not the proxy's: often somebody in between. */
export declare function unexpected(response: Response, found: string): ProblemError;
/** The problem of an unsuccessful answer; an answer that is no problem is described as such. */
export declare function readProblem(response: Response): Promise<ProblemError>;
/** `type/subtype` of an answer, in lower case; empty when it does not say. */
export declare function mediaType(response: Response): string;
/** A value as a problem; null when it is none. Others send some, too, and leave out what only the proxy promises. */
export declare function asProblem(value: unknown): Problem | null;
