/** A small stand-in for the proxy: real sockets on loopback, answers that each test writes itself. */

import { once } from "node:events";
import { createServer } from "node:http";

/** Where the client's own code is, as it stands in a stack. */
const OWN = new URL("../lib/", import.meta.url).href;

export const PROBLEMS = "https://cortex-harness.dev/problems/";

/** An event as it stands on the wire. */
export function frame(event, data) {
  return `event: ${event}\ndata: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
}

const TURN = { turnId: "turn-1", events: 1, upstreamBytes: 1, durationMs: 1 };
export const START = frame("proxy.start", { sessionId: "session-1", turnId: "turn-1", traceId: "0".repeat(32) });
export const END = frame("proxy.end", { reason: "completed", ...TURN });
export const FAILED = frame("proxy.end", { reason: "upstream_error", ...TURN });

/** A piece of an answer. */
export function text(words) {
  return frame("response.text.delta", { content_index: 0, text: words });
}

/** A handler that answers with JSON. */
export function json(body, { status = 200, headers = {} } = {}) {
  return (_, response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(body));
  };
}

/** A handler that refuses. */
export function problem(kind, status, more = {}, headers = {}) {
  const body = { type: PROBLEMS + kind, title: "Refused", status, detail: "For a test.", retryable: false, ...more };
  return json(body, { status, headers: { "content-type": "application/problem+json", ...headers } });
}

/** A handler that streams these pieces and ends. */
export function stream(...pieces) {
  return (_, response) => {
    openStream(response);
    for (const piece of pieces) response.write(piece);
    response.end();
  };
}

/** The response, its head sent. */
export function openStream(response) {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  response.flushHeaders();
  return response;
}

/** A handler that issues the n-th token; one that comes with a token keeps its session. Its clock may be wrong. */
export function issuing({ expiresInS = 300, sessionEndsInS = 3600, skewS = 0 } = {}) {
  let tokens = 0;
  let sessions = 0;
  return (request, response) => {
    if (!request.headers.authorization) sessions += 1;
    tokens += 1;
    const at = (seconds) => new Date(Date.now() + (seconds + skewS) * 1000).toISOString();
    const sent = { token: `token-${tokens}`, tokenType: "Bearer", sessionId: `session-${sessions}`, expiresInS };
    json({ ...sent, expiresAt: at(expiresInS), sessionExpiresAt: at(sessionEndsInS) })(request, response);
  };
}

/**
 * Starts it for one test.
 *
 * routes: "METHOD /path", below /api/v1, to a handler, or to a list of them, of which the last answers all the rest.
 * Returns: its url, and every request as {route, headers, body}; `to(route)` are those of one route.
 */
export async function startProxy(t, routes) {
  const asked = [];
  const handlers = { "POST /session/token": issuing(), ...routes };
  const server = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const sent = Buffer.concat(pieces).toString();
    const route = `${request.method} ${request.url.replace("/api/v1", "")}`;
    asked.push({ route, headers: request.headers, body: sent && JSON.parse(sent) });
    const found = handlers[route] ?? handlers[route.split("?")[0]] ?? problem("not-found", 404);
    const handler = Array.isArray(found) ? (found.length > 1 ? found.shift() : found[0]) : found;
    await handler(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const to = (route) => asked.filter((each) => each.route === route);
  return { url: `http://127.0.0.1:${server.address().port}`, asked, to };
}

/** Everything that an iterator yields; what it throws goes on. */
export async function all(iterator) {
  const events = [];
  for await (const event of iterator) events.push(event);
  return events;
}

/** What an iterator yields, and what it throws in the end. */
export async function outcome(iterator) {
  const events = [];
  try {
    for await (const event of iterator) events.push(event);
    return { events, error: null };
  } catch (error) {
    return { events, error };
  }
}

/**
 * Puts the client's own timers into the test's hands, which then wait for nothing.
 *
 * `due(low, high)` resolves with the callback of the next timer that the client sets for so many milliseconds.
 */
export function holdTimers(t) {
  const real = globalThis.setTimeout;
  const held = [];
  const waiting = [];
  t.mock.method(globalThis, "setTimeout", (callback, ms, ...rest) => {
    if (!new Error().stack.includes(OWN)) return real(callback, ms, ...rest);
    const index = waiting.findIndex(({ fits }) => fits(ms));
    if (index >= 0) waiting.splice(index, 1)[0].resolve(callback);
    else held.push({ callback, ms });
    return undefined;
  });
  const due = (low, high = low) => {
    const fits = (ms) => ms >= low && ms <= high;
    const index = held.findIndex(({ ms }) => fits(ms));
    if (index >= 0) return Promise.resolve(held.splice(index, 1)[0].callback);
    return new Promise((resolve) => waiting.push({ fits, resolve }));
  };
  return { held, due };
}
