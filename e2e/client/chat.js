/** One streamed request to the proxy: events out, problems thrown. */

import { CONNECTION_LOST, ProblemError, UNREACHABLE, readProblem } from "./problem.js";
import { SseParser } from "./sse.js";

const CHAT_URL = "/api/v1/chat";

/** Random trace and span ids in the W3C form, so that this request can be found in every trace store. */
export function newTrace() {
  const traceId = hex(16);
  return { traceId, traceparent: `00-${traceId}-${hex(8)}-01` };
}

/**
 * Yield the stream's events as {event, data}, data parsed where it is JSON.
 * Raises: ProblemError; whatever an abort of `signal` raises.
 */
export async function* streamChat({ token, body, traceparent, baggage, signal }) {
  const headers = {
    Authorization: `Bearer ${token}`,
    "Content-Type": "application/json",
    Accept: "text/event-stream",
    traceparent,
  };
  if (baggage) headers.baggage = baggage;
  const request = { method: "POST", headers, body: JSON.stringify(body), signal };
  const response = await fetch(CHAT_URL, request).catch((error) => {
    throw signal.aborted ? error : new ProblemError(UNREACHABLE);
  });
  if (!response.ok) throw new ProblemError(await readProblem(response));
  yield* readEvents(response.body, signal);
}

async function* readEvents(stream, signal) {
  const parser = new SseParser();
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error) => {
        throw signal.aborted ? error : new ProblemError(CONNECTION_LOST);
      });
      for (const frame of done ? parser.end() : parser.feed(value)) {
        const event = decoded(frame);
        if (event) yield event;
      }
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** `done` carries the word [DONE]; anything else that is not JSON is nothing this page can show. */
function decoded({ event, data }) {
  if (event === "done") return { event, data: null };
  try {
    return { event, data: JSON.parse(data) };
  } catch {
    return null;
  }
}

function hex(bytes) {
  const values = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(values, (value) => value.toString(16).padStart(2, "0")).join("");
}
