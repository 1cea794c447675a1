/** What the client measures, and how the proxy is told. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { createClient } from "@cortex-harness/shared";

import {
  END,
  FAILED,
  PROBLEMS,
  START,
  frame,
  holdTimers,
  json,
  openStream,
  outcome,
  problem,
  startProxy,
  stream,
  text,
} from "./proxy.mjs";

const CHAT = "POST /chat";
const REPORT = "POST /metrics/report";
const RECEIPT = json({ accepted: 1, dropped: 0 }, { status: 202 });
const ERROR = frame("error", {
  type: `${PROBLEMS}upstream-error`,
  title: "t",
  status: 502,
  detail: "d",
  retryable: true,
});

/** A stopwatch that the test moves. */
function holdStopwatch(t) {
  let now = 0;
  t.mock.method(performance, "now", () => now);
  return { pass: (ms) => (now += ms) };
}

/** A stand-in for the page's own objects, for one test. */
function pretendPage(t, { sendBeacon, ...more } = {}) {
  const page = new EventTarget();
  page.visibilityState = "visible";
  const original = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Object.defineProperty(globalThis, "document", { value: page, configurable: true });
  const navigator = { sendBeacon, ...more };
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  t.after(() => {
    delete globalThis.document;
    delete globalThis.navigator;
    if (original) Object.defineProperty(globalThis, "navigator", original);
  });
  return {
    navigator,
    hide: () => {
      page.visibilityState = "hidden";
      page.dispatchEvent(new Event("visibilitychange"));
    },
  };
}

/** Reported metrics, without the times of those that the test does not hold. */
const reported = (proxy) => proxy.to(REPORT).flatMap(({ body }) => body.metrics);
const outcomes = (proxy) =>
  reported(proxy)
    .filter(({ name }) => name === "stream_outcome")
    .map(({ label }) => label);

const refused = problem("draining", 503);
const cut = (_, response) => openStream(response).write(START, () => response.destroy());
const leaving = async (turn) => {
  for await (const { event } of turn) if (event === "proxy.start") break;
};
const leavingLate = async (turn) => {
  for await (const { event } of turn) if (event === "proxy.end") break;
};

for (const [label, [handler, listen]] of Object.entries({
  completed: [stream(START, END), outcome],
  "completed, the loop left with the last event": [stream(START, END), leavingLate],
  "error in the stream": [stream(START, ERROR, FAILED), outcome],
  "error in the stream, the loop left with the last event": [stream(START, ERROR, FAILED), leavingLate],
  "error, by a refusal": [refused, outcome],
  disconnected: [cut, outcome],
  "aborted by leaving": [stream(START, text("a"), END), leaving],
})) {
  test(`the outcome of a stream: ${label}`, async (t) => {
    const proxy = await startProxy(t, { [CHAT]: handler, [REPORT]: RECEIPT });
    const client = createClient({ baseUrl: proxy.url, metrics: true });
    await listen(client.chat({ message: "What?" }));
    await client.close();
    assert.deepEqual(outcomes(proxy), [label.split(/[ ,]/)[0]]);
    assert.equal(proxy.to(REPORT)[0].headers.authorization, "Bearer token-1");
  });
}

test("the outcome of a stream: aborted by the signal", async (t) => {
  const proxy = await startProxy(t, { [CHAT]: (_, response) => openStream(response).write(START), [REPORT]: RECEIPT });
  const client = createClient({ baseUrl: proxy.url, metrics: true });
  const stop = new AbortController();
  const turn = client.chat({ message: "What?" }, { signal: stop.signal });
  await turn.next();
  stop.abort();
  await assert.rejects(turn.next());
  await client.close();
  assert.deepEqual(outcomes(proxy), ["aborted"]);
});

test("the time to the first token counts from the question, and silences of five seconds are stalls", async (t) => {
  const watch = holdStopwatch(t);
  const pieces = [START, text("a"), text("b"), text("c"), text("d"), END].map((piece) => {
    let send;
    const sent = new Promise((resolve) => (send = resolve));
    return { piece, send, sent };
  });
  const proxy = await startProxy(t, {
    [CHAT]: async (_, response) => {
      openStream(response);
      for (const { piece, sent } of pieces) {
        await sent;
        response.write(piece);
      }
      response.end();
    },
    [REPORT]: RECEIPT,
  });
  const client = createClient({ baseUrl: proxy.url, metrics: true });
  const turn = client.chat({ message: "What?" });
  let steps = 0;
  const step = async (silenceMs) => {
    const event = turn.next();
    watch.pass(silenceMs);
    pieces[steps++].send();
    await event;
  };
  await step(6000); // before the stream begins
  await step(1250); // the first text
  await step(4999);
  await step(5000);
  watch.pass(60_000); // the caller thinks
  await step(100);
  await step(7500);
  await turn.next();
  await client.close();
  assert.deepEqual(reported(proxy), [
    { name: "time_to_first_token_s", value: 7.25 },
    { name: "stall_s", value: 5 },
    { name: "stall_s", value: 7.5 },
    { name: "stream_outcome", value: 1, label: "completed" },
  ]);
});

test("the silence before a stream is lost is a stall", async (t) => {
  const watch = holdStopwatch(t);
  let cut;
  const proxy = await startProxy(t, {
    [CHAT]: async (_, response) => {
      openStream(response).write(START);
      await new Promise((resolve) => (cut = resolve));
      response.destroy();
    },
    [REPORT]: RECEIPT,
  });
  const client = createClient({ baseUrl: proxy.url, metrics: true });
  const turn = client.chat({ message: "What?" });
  await turn.next();
  const lost = turn.next();
  watch.pass(9000);
  cut();
  await assert.rejects(lost);
  await client.close();
  assert.deepEqual(reported(proxy), [
    { name: "stall_s", value: 9 },
    { name: "stream_outcome", value: 1, label: "disconnected" },
  ]);
});

test("a token that has ended is no reason to ask for another", async (t) => {
  const now = Date.now();
  const clock = t.mock.method(Date, "now", () => now);
  const proxy = await startProxy(t, { [REPORT]: RECEIPT });
  const client = createClient({ baseUrl: proxy.url, metrics: true });
  await client.session.token();
  clock.mock.mockImplementation(() => now + 301_000);
  client.measure({ name: "cls", value: 0.1 });
  await client.close();
  assert.deepEqual(proxy.to(REPORT), []);
});

test("an event that nobody can read is a fault of the protocol", async (t) => {
  const proxy = await startProxy(t, { [CHAT]: stream(START, frame("response", "{cut"), END), [REPORT]: RECEIPT });
  const client = createClient({ baseUrl: proxy.url, metrics: true });
  await outcome(client.chat({ message: "What?" }));
  await client.close();
  assert.deepEqual(reported(proxy)[0], { name: "page_error", value: 1, label: "protocol" });
});

test("measurements are gathered, reported together, and again later", async (t) => {
  const timers = holdTimers(t);
  let heard;
  const proxy = await startProxy(t, {
    [REPORT]: (...both) => {
      RECEIPT(...both);
      heard();
    },
  });
  const client = createClient({ baseUrl: proxy.url, metrics: true });
  await client.session.token();
  for (const values of [[1, 2], [3]]) {
    const hearing = new Promise((resolve) => (heard = resolve));
    for (const value of values) client.measure({ name: "lcp_s", value });
    (await timers.due(2000))();
    await hearing;
  }
  const sizes = proxy.to(REPORT).map(({ body }) => body.metrics.length);
  assert.deepEqual(sizes, [2, 1]);
});

test("no report is larger than the proxy takes", async (t) => {
  const document = JSON.parse(await readFile(new URL("../openapi.json", import.meta.url), "utf8"));
  const most = document.components.schemas.MetricsReport.properties.metrics.maxItems;
  const proxy = await startProxy(t, { [REPORT]: RECEIPT });
  const client = createClient({ baseUrl: proxy.url, metrics: true });
  await client.session.token();
  for (let value = 0; value <= most; value += 1) client.measure({ name: "inp_s", value });
  await client.close();
  const sizes = proxy.to(REPORT).map(({ body }) => body.metrics.length);
  assert.deepEqual(
    sizes.sort((a, b) => b - a),
    [most, 1],
  );
});

test("a report that fails is dropped, and nobody is bothered", async (t) => {
  const proxy = await startProxy(t, { [CHAT]: stream(START, END), [REPORT]: problem("internal", 500) });
  const client = createClient({ baseUrl: proxy.url, metrics: true });
  assert.equal((await outcome(client.chat({ message: "What?" }))).error, null);
  await client.close();
  assert.equal(proxy.to(REPORT).length, 1);
});

test("what is measured offline is told once the browser is back", async (t) => {
  const timers = holdTimers(t);
  const sent = [];
  const page = pretendPage(t, { sendBeacon: (...beacon) => sent.push(beacon) > 0, onLine: false });
  const proxy = await startProxy(t, { [REPORT]: RECEIPT });
  const client = createClient({ baseUrl: proxy.url, renewInBackground: false });
  await client.session.token();
  for (let value = 0; value <= 50; value += 1) client.measure({ name: "inp_s", value });
  page.hide();
  (await timers.due(2000))();
  assert.deepEqual([reported(proxy), sent], [[], []]);
  page.navigator.onLine = true;
  await client.close();
  assert.deepEqual(
    reported(proxy).map(({ value }) => value),
    Array.from({ length: 50 }, (_, index) => index + 1),
  );
});

test("a session is not opened only to report", async (t) => {
  const proxy = await startProxy(t, {});
  const client = createClient({ baseUrl: proxy.url, metrics: true });
  client.measure({ name: "cls", value: 0.1 });
  await client.close();
  assert.deepEqual(proxy.asked, []);
});

test("outside pages nothing is reported unless it is wished", async (t) => {
  const proxy = await startProxy(t, { [CHAT]: stream(START, END) });
  const client = createClient({ baseUrl: proxy.url });
  await outcome(client.chat({ message: "What?" }));
  await client.close();
  assert.deepEqual(proxy.to(REPORT), []);
});

test("a page that goes sends a beacon with its token, once", async (t) => {
  const beacons = [];
  const page = pretendPage(t, { sendBeacon: (...sent) => beacons.push(sent) > 0 });
  const proxy = await startProxy(t, { [CHAT]: stream(START, END) });
  const client = createClient({ baseUrl: proxy.url, renewInBackground: false });
  await outcome(client.chat({ message: "What?" }));
  page.hide();
  page.hide();
  const metrics = [{ name: "stream_outcome", value: 1, label: "completed" }];
  assert.deepEqual(beacons, [[`${proxy.url}/api/v1/metrics/report`, JSON.stringify({ metrics, token: "token-1" })]]);
  await client.close();
});

for (const [name, sendBeacon] of Object.entries({ "there are none": undefined, "it is full": () => false })) {
  test(`without a beacon, as ${name}, a request outlives the page`, async (t) => {
    const page = pretendPage(t, { sendBeacon });
    const proxy = await startProxy(t, {});
    const sent = [];
    const client = createClient({
      baseUrl: proxy.url,
      renewInBackground: false,
      fetch: (url, request) => {
        if (request.keepalive) sent.push([url, JSON.parse(request.body)]);
        return fetch(url, request);
      },
    });
    await client.session.token();
    client.measure({ name: "cls", value: 0.1 });
    page.hide();
    assert.deepEqual(sent, [
      [`${proxy.url}/api/v1/metrics/report`, { metrics: [{ name: "cls", value: 0.1 }], token: "token-1" }],
    ]);
    await client.close();
  });
}

test("a closed client listens to its page no longer", async (t) => {
  const beacons = [];
  const page = pretendPage(t, { sendBeacon: (...sent) => beacons.push(sent) > 0 });
  const proxy = await startProxy(t, {});
  const client = createClient({ baseUrl: proxy.url, renewInBackground: false });
  await client.session.token();
  await client.close();
  client.measure({ name: "cls", value: 0.1 });
  page.hide();
  assert.deepEqual(beacons, []);
});
