/** What went wrong, as an RFC 9457 problem: from the proxy, or made here when the proxy could not say it. */

import type { PROBLEM_KINDS, Problem } from "./generated/model.js";

/** Problems that only a client sees. */
export type ClientProblemKind = "unreachable" | "connection-lost" | "unexpected-answer";

/** The last part of a problem's type. The set is open: newer proxies know more. */
export type ProblemKind = (typeof PROBLEM_KINDS)[number] | ClientProblemKind | (string & {});

/** The proxy refused or failed, or could not be reached. */
export class ProblemError extends Error {
  override readonly name: string = "ProblemError";

  constructor(
    /** The whole problem, as it came. */
    readonly problem: Problem,
    options?: ErrorOptions,
  ) {
    super(problem.detail ? `${problem.title}: ${problem.detail}` : problem.title, options);
  }

  /** Which problem it is: branch on this, show `problem.title` and `problem.detail`. */
  get kind(): ProblemKind {
    return this.problem.type.split("/").pop() ?? "";
  }

  /** HTTP status; 0 when there was no answer. */
  get status(): number {
    return this.problem.status;
  }

  /** Whether the same request may succeed later. */
  get retryable(): boolean {
    return this.problem.retryable;
  }

  /** Seconds after which to ask again, where the proxy said so. */
  get retryAfterS(): number | undefined {
    return this.problem.retryAfterS;
  }

  /** Finds the request in traces and logs. */
  get traceId(): string | undefined {
    return this.problem.traceId;
  }
}

/** A stream that had begun was cut before its `proxy.end`. What came before stands. */
export class ConnectionLostError extends ProblemError {
  override readonly name = "ConnectionLostError";

  constructor(detail: string, traceId: string, options?: ErrorOptions) {
    super(
      { ...own("connection-lost", "The connection was lost", detail), status: 200, traceId, retryable: true },
      options,
    );
  }
}

/** No answer came at all. */
export function unreachable(url: string, cause: unknown): ProblemError {
  const detail = isOffline()
    ? "This browser is offline. Once it is back, ask again."
    : `No answer came from ${url}. Is the proxy running, and may this page ask it?`;
  return new ProblemError({ ...own("unreachable", "The proxy cannot be reached", detail), retryable: true }, { cause });
}

/** Whether the browser knows that nothing can leave it. */
export function isOffline(): boolean {
  return typeof navigator !== "undefined" && navigator.onLine === false;
}

/** An answer that is not the proxy's: often somebody in between. */
export function unexpected(response: Response, found: string): ProblemError {
  const { status } = response;
  const detail = `HTTP ${status} with ${found}.`;
  const problem = own("unexpected-answer", "The proxy answered unexpectedly", detail);
  return new ProblemError({ ...problem, status, retryable: status >= 500, ...waitOf(response) });
}

/** The problem of an unsuccessful answer; an answer that is no problem is described as such. */
export async function readProblem(response: Response): Promise<ProblemError> {
  const type = mediaType(response);
  const body: unknown = type.endsWith("json") ? await response.json().catch(() => null) : await discard(response);
  const problem = asProblem(body);
  if (!problem) return unexpected(response, type || "no content type");
  return new ProblemError({ ...waitOf(response), ...problem });
}

/** `type/subtype` of an answer, in lower case; empty when it does not say. */
export function mediaType(response: Response): string {
  return (response.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
}

/** A value as a problem; null when it is none. Others send some, too, and leave out what only the proxy promises. */
export function asProblem(value: unknown): Problem | null {
  if (typeof value !== "object" || value === null) return null;
  const { type, title, status } = value as Partial<Record<keyof Problem, unknown>>;
  if (typeof type !== "string" || typeof title !== "string" || typeof status !== "number") return null;
  return { detail: "", retryable: status >= 500, type, title, status, ...value };
}

function own(kind: ClientProblemKind, title: string, detail: string): Problem {
  return { type: `client/${kind}`, title, detail, status: 0, retryable: false };
}

/** What `Retry-After` says, in seconds or as a date. */
function waitOf(response: Response): { retryAfterS?: number } {
  const said = response.headers.get("retry-after");
  if (said === null) return {};
  const seconds = /^\d+$/.test(said.trim()) ? Number(said) : (Date.parse(said) - sentAt(response)) / 1000;
  return Number.isNaN(seconds) ? {} : { retryAfterS: Math.max(0, Math.ceil(seconds)) };
}

/** By the clock that the other date was read from, when the answer says. */
function sentAt(response: Response): number {
  return Date.parse(response.headers.get("date") ?? "") || Date.now();
}

/** An unread body holds its connection. */
async function discard(response: Response): Promise<null> {
  await response.body?.cancel().catch(() => {});
  return null;
}
