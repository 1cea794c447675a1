// Asks what it is told to on standard input, of a server or of MSW's handlers, and tells what came, and when.
//
//   {"msw": ".../entry.mjs", "asks": [...]}          handlers, with the MSW that this module finds
//   {"playback": ".../server.js", "asks": [...]}     the Playwright fixture's server
//   {"url": "http://...", "asks": [...]}             a server that runs already
//
// An ask: {"scenario", "pace", "method", "path", "headers", "body", "afterMs", "times", "leavesAfterMs"}; it is asked
// `times` over, one after the other, of a stage of its own. Each answer: {"status", "headers", "chunks": [[ms, base64]],
// "error"}, milliseconds since the request on a clock that never jumps.

import { pathToFileURL } from "node:url";

const told = JSON.parse(await text(process.stdin));
const open = told.url ? running : told.playback ? playback : handlers;
const results = await (await open())(told.asks);
await new Promise((resolve) => process.stdout.write(JSON.stringify(results), resolve));
process.exit(0); // handlers and servers would keep it alive

async function text(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** A server that runs already knows nothing of stages; asks run side by side. */
async function running() {
  return (asks) => Promise.all(asks.map((ask) => perform(told.url, ask)));
}

async function playback() {
  const { startPlayback } = await import(pathToFileURL(told.playback));
  return (asks) =>
    Promise.all(
      asks.map(async (ask) => {
        const server = await startPlayback({ scenario: ask.scenario, pace: ask.pace });
        const answers = await perform(server.url, ask);
        await server.close();
        return answers;
      }),
    );
}

/** MSW stands before the whole process: each ask has an origin of its own, and handlers for that. */
async function handlers() {
  const { handlers, setupServer } = await import(pathToFileURL(told.msw));
  return async (asks) => {
    const origin = (at) => `http://proxy-${at}.test`;
    const all = asks.flatMap(({ scenario, pace }, at) => handlers({ scenario, pace, baseUrl: origin(at) }));
    const server = setupServer(...all);
    server.listen({ onUnhandledRequest: "error" });
    return Promise.all(asks.map((ask, at) => perform(origin(at), ask)));
  };
}

async function perform(base, ask) {
  await new Promise((resolve) => setTimeout(resolve, ask.afterMs ?? 0));
  const answers = [];
  for (let number = 0; number < (ask.times ?? 1); number += 1) answers.push(await heard(base, ask));
  return answers;
}

async function heard(base, { method, path, headers, body, leavesAfterMs }) {
  const startedMs = performance.now();
  const chunks = [];
  const signal = leavesAfterMs === undefined ? undefined : AbortSignal.timeout(leavesAfterMs);
  let answer;
  try {
    answer = await fetch(base + path, { method, headers, body, signal });
    for await (const chunk of answer.body ?? []) {
      chunks.push([performance.now() - startedMs, Buffer.from(chunk).toString("base64")]);
    }
    return { status: answer.status, headers: Object.fromEntries(answer.headers), chunks };
  } catch (error) {
    const status = answer?.status ?? 0;
    return { status, headers: {}, chunks, error: `${error.name}: ${error.message}`, endedMs: performance.now() - startedMs };
  }
}
