/** What went wrong, as an RFC 9457 problem object: from the proxy, or made here when the proxy could not say it. */

export class ProblemError extends Error {
  constructor(problem) {
    super(problem.title);
    this.name = "ProblemError";
    this.problem = problem;
  }
}

export const CONNECTION_LOST = {
  type: "page:connection-lost",
  title: "The connection was lost",
  detail: "The answer stopped before its end. Check the network, then try again.",
  retryable: true,
};

export const UNREACHABLE = {
  type: "page:proxy-unreachable",
  title: "The proxy cannot be reached",
  detail: "No answer came from this page's own server. Is it still running?",
  retryable: true,
};

/** An answer that this page cannot make sense of; `error` is what stopped it. */
export function unreadable(error) {
  return {
    type: "page:unreadable-answer",
    title: "This answer cannot be read",
    detail: `The page stopped at: ${error.message}`,
    retryable: false,
  };
}

/** The problem in an unsuccessful answer; an answer that is no problem object is described as such. */
export async function readProblem(response) {
  const kind = response.headers.get("Content-Type") ?? "";
  if (kind.includes("json")) {
    const problem = await response.json().catch(() => null);
    if (problem?.title) return problem;
  }
  return {
    type: "page:unexpected-answer",
    title: "The proxy answered unexpectedly",
    detail: `HTTP ${response.status} with ${kind || "no content type"}.`,
    status: response.status,
    retryable: response.status >= 500,
  };
}

/** The stable last part of a problem's type. */
export function problemName(problem) {
  return String(problem.type ?? "unknown")
    .split("/")
    .pop();
}
