/** `chat()`: events as they come, and every way in which a stream ends. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";

import { ConnectionLostError, ProblemError, createClient, isKnown } from "@cortex-harness/shared";

import {
  END,
  FAILED,
  PROBLEMS,
  START,
  all,
  frame,
  holdTimers,
  openStream,
  outcome,
  problem,
  startProxy,
  stream,
  text,
} from "./proxy.mjs";

const CHAT = "POST /chat";
const ANALYST = "POST /tools/analyst";
const names = (events) => events.map(({ event }) => event);

test("a turn's events come in order, typed by their names, with heartbeats left out", async (t) => {
  const usage = frame("response", { role: "assistant", content: [] });
  const proxy = await startProxy(t, {
    [CHAT]: stream(
      START,
      ": heartbeat\n\n",
      text("Net "),
      text("sales"),
      ": heartbeat\n\n",
      usage,
      frame("done", "[DONE]"),
      END,
    ),
  });
  const events = await all(createClient({ baseUrl: proxy.url }).chat({ message: "What?" }));
  assert.deepEqual(names(events), [
    "proxy.start",
    "response.text.delta",
    "response.text.delta",
    "response",
    "done",
    "proxy.end",
  ]);
  assert.deepEqual(events[1].data, { content_index: 0, text: "Net " });
  assert.equal(events[4].data, "[DONE]");
});

test("the request carries the session, the turn, and who asks", async (t) => {
  const proxy = await startProxy(t, { [CHAT]: stream(START, END) });
  const client = createClient({ baseUrl: `${proxy.url}/`, headers: { baggage: "mock.scenario=a" } });
  const turn = { message: "What?", threadId: 5, parentMessageId: 7, toolChoice: { type: "required" } };
  await all(client.chat(turn, { headers: { Baggage: "mock.scenario=b" } }));
  const [{ headers, body }] = proxy.to(CHAT);
  assert.deepEqual(body, { sessionId: "session-1", ...turn });
  assert.equal(headers.authorization, "Bearer token-1");
  assert.equal(headers.accept, "text/event-stream");
  assert.equal(headers["content-type"], "application/json");
  assert.equal(headers.baggage, "mock.scenario=b");
  assert.match(headers.traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
});

test("the bytes of a stream may arrive one by one", async (t) => {
  const bytes = Buffer.from(START + text("Zürich 東京 🌍") + END);
  const proxy = await startProxy(t, {
    [CHAT]: async (_, response) => {
      openStream(response).socket.setNoDelay(true);
      for (const byte of bytes) await new Promise((resolve) => response.write(Uint8Array.of(byte), resolve));
      response.end();
    },
  });
  const events = await all(createClient({ baseUrl: proxy.url }).chat({ message: "What?" }));
  assert.deepEqual(names(events), ["proxy.start", "response.text.delta", "proxy.end"]);
  assert.equal(events[1].data.text, "Zürich 東京 🌍");
});

test("an event is there before the next one is sent", async (t) => {
  let next;
  const proxy = await startProxy(t, {
    [CHAT]: async (_, response) => {
      openStream(response).write(START);
      for (const piece of [text("a"), text("b"), END]) {
        await new Promise((resolve) => (next = resolve));
        response.write(piece);
      }
      response.end();
    },
  });
  const seen = [];
  for await (const event of createClient({ baseUrl: proxy.url }).chat({ message: "What?" })) {
    seen.push(event.event);
    next?.();
  }
  assert.deepEqual(seen, ["proxy.start", "response.text.delta", "response.text.delta", "proxy.end"]);
});

test("events that nobody knows yet pass, parsed where they are JSON", async (t) => {
  const news = [frame("response.hologram", { depth: 3 }), frame("response.smell", "roses"), "data: nameless\n\n"];
  const proxy = await startProxy(t, { [CHAT]: stream(START, ...news, END) });
  const events = await all(createClient({ baseUrl: proxy.url }).chat({ message: "What?" }));
  assert.deepEqual(events.slice(1, -1), [
    { event: "response.hologram", data: { depth: 3 } },
    { event: "response.smell", data: "roses" },
    { event: "message", data: "nameless" },
  ]);
  assert.deepEqual(events.map(isKnown), [true, false, false, false, true]);
});

test("a known event that carries no JSON is left out, as nobody could read it", async (t) => {
  const proxy = await startProxy(t, { [CHAT]: stream(START, frame("response.text.delta", "{cut"), text("b"), END) });
  const events = await all(createClient({ baseUrl: proxy.url }).chat({ message: "What?" }));
  assert.deepEqual(names(events), ["proxy.start", "response.text.delta", "proxy.end"]);
});

test("what fails within a stream comes as an event, and is thrown once everything has come", async (t) => {
  const upstream = frame("error", { message: "the model is overloaded", code: "399505" });
  const ours = { type: `${PROBLEMS}upstream-error`, title: "Snowflake reported an error", status: 502 };
  const told = frame("error", {
    ...ours,
    detail: "What came before stands.",
    retryable: true,
    traceId: "1".repeat(32),
  });
  const proxy = await startProxy(t, { [CHAT]: stream(START, text("half"), upstream, told, FAILED) });
  const { events, error } = await outcome(createClient({ baseUrl: proxy.url }).chat({ message: "What?" }));
  assert.deepEqual(names(events), ["proxy.start", "response.text.delta", "error", "error", "proxy.end"]);
  assert.ok(error instanceof ProblemError);
  assert.equal(error.kind, "upstream-error");
  assert.deepEqual([error.status, error.retryable, error.traceId], [502, true, "1".repeat(32)]);
});

for (const [how, cut] of Object.entries({
  "ends cleanly": (response) => response.end(),
  "is torn": (response) => response.destroy(),
})) {
  test(`a stream that ${how} before its last frame is a lost connection`, async (t) => {
    const proxy = await startProxy(t, {
      [CHAT]: (_, response) => openStream(response).write(START + text("half"), () => cut(response)),
    });
    const { events, error } = await outcome(createClient({ baseUrl: proxy.url }).chat({ message: "What?" }));
    assert.deepEqual(names(events), ["proxy.start", "response.text.delta"]);
    assert.ok(error instanceof ConnectionLostError && error instanceof ProblemError);
    assert.equal(error.kind, "connection-lost");
    assert.equal(error.retryable, true);
    assert.equal(error.traceId, "0".repeat(32), "it is the one that the proxy named");
  });
}

test("a stream that is cut before it begins is told with the trace that was sent", async (t) => {
  const proxy = await startProxy(t, { [CHAT]: stream() });
  const { error } = await outcome(createClient({ baseUrl: proxy.url }).chat({ message: "What?" }));
  assert.ok(error instanceof ConnectionLostError);
  assert.equal(error.traceId, proxy.to(CHAT)[0].headers.traceparent.split("-")[1]);
});

test("a frame without its blank line is no end", async (t) => {
  const proxy = await startProxy(t, { [CHAT]: stream(START, END.slice(0, -1)) });
  const { events, error } = await outcome(createClient({ baseUrl: proxy.url }).chat({ message: "What?" }));
  assert.deepEqual(names(events), ["proxy.start"]);
  assert.ok(error instanceof ConnectionLostError);
});

test("a stream that falls silent is lost, and its socket closed", async (t) => {
  const timers = holdTimers(t);
  let closed;
  const proxy = await startProxy(t, {
    [CHAT]: (_, response) => {
      closed = once(response, "close");
      openStream(response).write(START);
    },
  });
  const turn = createClient({ baseUrl: proxy.url, silenceS: 45 }).chat({ message: "What?" });
  await turn.next();
  timers.held.length = 0; // those of the reads before
  const rest = outcome(turn);
  (await timers.due(45_000))();
  const { error } = await rest;
  assert.ok(error instanceof ConnectionLostError);
  assert.match(error.message, /45 s/);
  await closed;
});

test("heartbeats keep a stream that has nothing to say", async (t) => {
  const timers = holdTimers(t);
  let beat;
  const proxy = await startProxy(t, {
    [CHAT]: async (_, response) => {
      openStream(response).write(START);
      for (let count = 0; count < 3; count += 1) {
        await new Promise((resolve) => (beat = resolve));
        response.write(": heartbeat\n\n");
      }
      response.end(END);
    },
  });
  const turn = createClient({ baseUrl: proxy.url }).chat({ message: "What?" });
  await turn.next();
  timers.held.length = 0;
  const rest = all(turn);
  for (let count = 0; count < 3; count += 1) {
    await timers.due(45_000); // armed anew for each wait
    beat();
  }
  assert.deepEqual(names(await rest), ["proxy.end"]);
});

test("the signal ends a stream that waits, and closes its socket", async (t) => {
  let closed;
  const proxy = await startProxy(t, {
    [CHAT]: (_, response) => {
      closed = once(response, "close");
      openStream(response).write(START);
    },
  });
  const stop = new AbortController();
  const turn = createClient({ baseUrl: proxy.url }).chat({ message: "What?" }, { signal: stop.signal });
  await turn.next();
  const waiting = turn.next();
  stop.abort();
  await assert.rejects(waiting, { name: "AbortError" });
  await closed;
});

test("the signal ends a stream whose fetch does not heed it", async (t) => {
  const proxy = await startProxy(t, { [CHAT]: (_, response) => openStream(response).write(START) });
  const stop = new AbortController();
  const client = createClient({ baseUrl: proxy.url, fetch: (url, { signal: _, ...request }) => fetch(url, request) });
  const turn = client.chat({ message: "What?" }, { signal: stop.signal });
  await turn.next();
  const waiting = turn.next();
  stop.abort();
  await assert.rejects(waiting, { name: "AbortError" });
});

test("the signal's own reason is thrown", async (t) => {
  const proxy = await startProxy(t, { [CHAT]: (_, response) => openStream(response).write(START) });
  const stop = new AbortController();
  const turn = createClient({ baseUrl: proxy.url }).chat({ message: "What?" }, { signal: stop.signal });
  await turn.next();
  stop.abort(new RangeError("the user closed the tab"));
  await assert.rejects(turn.next(), RangeError);
});

test("events that have come are not told any more once the signal aborted", async (t) => {
  const proxy = await startProxy(t, { [CHAT]: stream(START + text("a") + text("b") + END) });
  const stop = new AbortController();
  const turn = createClient({ baseUrl: proxy.url }).chat({ message: "What?" }, { signal: stop.signal });
  await turn.next();
  stop.abort();
  await assert.rejects(turn.next(), { name: "AbortError" });
});

test("an aborted signal asks for nothing", async (t) => {
  const proxy = await startProxy(t, {});
  const turn = createClient({ baseUrl: proxy.url }).chat({ message: "What?" }, { signal: AbortSignal.abort() });
  await assert.rejects(turn.next(), { name: "AbortError" });
  assert.deepEqual(proxy.to(CHAT), []);
});

test("leaving the loop closes the socket", async (t) => {
  let closed;
  const proxy = await startProxy(t, {
    [CHAT]: (_, response) => {
      closed = once(response, "close");
      openStream(response).write(START + text("a") + text("b"));
    },
  });
  for await (const event of createClient({ baseUrl: proxy.url }).chat({ message: "What?" })) {
    if (event.event === "response.text.delta") break;
  }
  await closed;
});

test("a stream that ended leaves its connection for the next request", async (t) => {
  const sockets = new Set();
  const proxy = await startProxy(t, {
    [CHAT]: (request, response) => {
      sockets.add(request.socket);
      stream(START, END)(request, response);
    },
  });
  const client = createClient({ baseUrl: proxy.url });
  await all(client.chat({ message: "What?" }));
  await client.session.renew(); // whatever comes next
  await all(client.chat({ message: "What else?" }));
  assert.equal(sockets.size, 1);
});

test("a server that is slow to close is given the time, though nobody waits for it", async (t) => {
  let close;
  let closed;
  const proxy = await startProxy(t, {
    [CHAT]: async (_, response) => {
      closed = once(response, "close").then(() => response.writableFinished);
      openStream(response).write(START + END);
      await new Promise((resolve) => (close = resolve));
      response.end();
    },
  });
  await all(createClient({ baseUrl: proxy.url }).chat({ message: "What?" }));
  close();
  assert.equal(await closed, true);
});

test("a server that never closes is left after a second", async (t) => {
  const timers = holdTimers(t);
  let closed;
  const proxy = await startProxy(t, {
    [CHAT]: (_, response) => {
      closed = once(response, "close");
      openStream(response).write(START + END);
    },
  });
  await all(createClient({ baseUrl: proxy.url }).chat({ message: "What?" }));
  (await timers.due(1000))();
  await closed;
});

test("nothing follows the last frame", async (t) => {
  const proxy = await startProxy(t, { [CHAT]: stream(START + END + text("late")) });
  const events = await all(createClient({ baseUrl: proxy.url }).chat({ message: "What?" }));
  assert.deepEqual(names(events), ["proxy.start", "proxy.end"]);
});

test("nothing is asked of a turn that nobody listens to", async (t) => {
  const proxy = await startProxy(t, {});
  createClient({ baseUrl: proxy.url }).chat({ message: "What?" });
  assert.deepEqual(proxy.asked, []);
});

test("an answer that is no stream is told for what it is", async (t) => {
  const proxy = await startProxy(t, {
    [CHAT]: (_, response) =>
      response.writeHead(200, { "content-type": "text/html" }).end("<h1>Log in to this network</h1>"),
  });
  const { error } = await outcome(createClient({ baseUrl: proxy.url }).chat({ message: "What?" }));
  assert.equal(error.kind, "unexpected-answer");
  assert.match(error.message, /HTTP 200 with text\/html/);
});

test("Cortex Analyst's stream has its own events", async (t) => {
  const delta = frame("message.content.delta", { index: 0, type: "text", text_delta: "This is" });
  const proxy = await startProxy(t, { [ANALYST]: stream(START, delta, frame("done", {}), END) });
  const messages = [{ role: "user", text: "What were net sales?" }];
  const events = await all(createClient({ baseUrl: proxy.url }).analystStream({ messages }));
  assert.deepEqual(names(events), ["proxy.start", "message.content.delta", "done", "proxy.end"]);
  assert.deepEqual(proxy.to(ANALYST)[0].body, { messages, stream: true });
});

test("the requests of a turn share its trace, each with a span of its own", async (t) => {
  const proxy = await startProxy(t, {
    [CHAT]: [problem("rate-limited", 429, { retryable: true, retryAfterS: 0 }), stream(START, END)],
  });
  const client = createClient({ baseUrl: proxy.url });
  await all(client.chat({ message: "What?" }));
  await all(client.chat({ message: "What else?" }));
  const spans = proxy.to(CHAT).map(({ headers }) => headers.traceparent.split("-"));
  assert.equal(spans[0][1], spans[1][1]);
  assert.notEqual(spans[0][2], spans[1][2]);
  assert.notEqual(spans[1][1], spans[2][1]);
});
