// A small server on this machine that plays recordings: real sockets, frames at absolute deadlines, real ends.

import { createServer } from "node:http";

import { catalogue } from "./catalogue.js";
import { createStage } from "./stage.js";

/**
 * Starts a server on a free port.
 * @param {import("./server.js").PlaybackOptions} [options]
 * @returns {Promise<import("./server.js").Playback>}
 */
export async function startPlayback({ scenario = null, pace = 1 } = {}) {
  const playback = { scenario, pace };
  // The stage asks for each request, so that a test may change its mind.
  const stage = createStage(catalogue, {
    scenario: () => playback.scenario,
    get pace() {
      return playback.pace;
    },
  });
  const server = createServer({ noDelay: true }, (request, response) => {
    serve(stage, request, response).catch((error) => response.destroy(error));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(playback, {
    url: `http://127.0.0.1:${server.address().port}`,
    reset: () => stage.reset(),
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  });
}

async function serve(stage, request, response) {
  const startedMs = performance.now();
  if (request.method === "OPTIONS") {
    response.writeHead(204, { ...open(request, {}), "Access-Control-Allow-Methods": "GET, POST, DELETE" }).end();
    return;
  }
  const headers = new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const body = await text(request);
  const plan = await stage.answer({ method: request.method, url: request.url, headers, body });
  if (plan.ends === "unreachable") {
    request.socket.destroy();
    return;
  }
  const left = new AbortController();
  response.on("close", () => left.abort());
  await until(startedMs + plan.headMs, left.signal);
  const head = Object.fromEntries(plan.headers);
  response.writeHead(plan.status, { ...head, ...open(request, head) });
  if (!plan.isStream) {
    plan.ended(plan.frames.length);
    response.end(plan.frames[0]?.data);
    return;
  }
  response.flushHeaders();
  let sent = 0;
  for (const frame of plan.frames) {
    await until(startedMs + frame.dueMs, left.signal);
    if (left.signal.aborted) break;
    if (!response.write(frame.data)) await drained(response, left.signal);
    sent += 1;
  }
  plan.ended(sent);
  if (plan.ends === "clean") response.end();
  else if (plan.ends === "reset") request.socket.resetAndDestroy();
  else request.socket.end();
}

async function text(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Any page may ask and read: this server is a test's own. */
function open(request, head) {
  return {
    "Access-Control-Allow-Origin": request.headers.origin ?? "*",
    "Access-Control-Allow-Headers": request.headers["access-control-request-headers"] ?? "*",
    "Access-Control-Expose-Headers": Object.keys(head).join(", "),
  };
}

/** Resolves when the clock has reached `dueMs`, or the page has left. */
function until(dueMs, signal) {
  return new Promise((resolve) => {
    let timer;
    const wake = () => {
      const leftMs = dueMs - performance.now();
      if (leftMs > 0 && !signal.aborted) {
        timer = setTimeout(wake, leftMs); // a timer may fire early, hence the second look
        return;
      }
      signal.removeEventListener("abort", leave);
      resolve();
    };
    const leave = () => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener("abort", leave, { once: true });
    wake();
  });
}

function drained(response, signal) {
  return new Promise((resolve) => {
    response.once("drain", resolve);
    signal.addEventListener("abort", resolve, { once: true });
  });
}
