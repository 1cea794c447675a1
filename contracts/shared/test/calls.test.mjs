/** Tools, history and the rest: what is sent, what comes back, and how refusals are met. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";

import { PROBLEM_KINDS, ProblemError, createClient } from "@cortex-harness/shared";

import { END, PROBLEMS, START, all, holdTimers, json, outcome, problem, startProxy, stream } from "./proxy.mjs";

const CHAT = "POST /chat";
const SEARCH = "POST /tools/search";
const FOUND = { results: [{ columns: { TITLE: "Refunds" }, scores: {} }], requestId: null };
const throttled = (more, headers) => problem("rate-limited", 429, { retryable: true, ...more }, headers);

const CALLS = {
  search: [(client) => client.search({ query: "refunds" }), SEARCH, { query: "refunds" }],
  analyst: [
    (client) => client.analyst({ messages: [{ role: "user", text: "net sales" }] }),
    "POST /tools/analyst",
    { messages: [{ role: "user", text: "net sales" }] },
  ],
  sql: [(client) => client.sql({ statement: "select 1" }), "POST /tools/sql", { statement: "select 1" }],
  chart: [
    (client) => client.chart({ intent: "bars", statementHandle: "h" }),
    "POST /tools/chart",
    { intent: "bars", statementHandle: "h" },
  ],
  history: [(client) => client.history(), "GET /history/session-1", ""],
  "history, a later page": [
    (client) => client.history({ limit: 5, cursor: "a b" }),
    "GET /history/session-1?limit=5&cursor=a+b",
    "",
  ],
  "history of another session": [(client) => client.history({ sessionId: "s/2" }), "GET /history/s%2F2", ""],
  reportMetrics: [
    (client) => client.reportMetrics([{ name: "lcp_s", value: 1.5 }]),
    "POST /metrics/report",
    { metrics: [{ name: "lcp_s", value: 1.5 }] },
  ],
};

for (const [name, [ask, route, body]] of Object.entries(CALLS)) {
  test(`${name}: asks in the session's name and returns the answer as it came`, async (t) => {
    const proxy = await startProxy(t, { [route]: json({ any: "answer" }) });
    assert.deepEqual(await ask(createClient({ baseUrl: proxy.url })), { any: "answer" });
    const [sent] = proxy.to(route);
    assert.deepEqual(sent.body, body);
    assert.equal(sent.headers.authorization, "Bearer token-1");
    assert.match(sent.headers.traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });
}

test("forgetHistory: deletes the session's turns and returns nothing", async (t) => {
  const route = "DELETE /history/session-1";
  const proxy = await startProxy(t, { [route]: (_, response) => response.writeHead(204).end() });
  assert.equal(await createClient({ baseUrl: proxy.url }).forgetHistory(), undefined);
  assert.equal(proxy.to(route).length, 1);
});

test("status: needs no session", async (t) => {
  const proxy = await startProxy(t, { "GET /status": json({ mode: "rehearsal" }) });
  assert.deepEqual(await createClient({ baseUrl: proxy.url }).status(), { mode: "rehearsal" });
  assert.deepEqual(
    proxy.asked.map(({ route }) => route),
    ["GET /status"],
  );
});

test("a refusal is thrown with all that the proxy said", async (t) => {
  const more = {
    instance: "request-1",
    traceId: "1".repeat(32),
    known: ["TITLE"],
    errors: [{ pointer: "/columns/0", detail: "none" }],
  };
  const proxy = await startProxy(t, { [SEARCH]: problem("column-unknown", 422, more) });
  const error = await createClient({ baseUrl: proxy.url })
    .search({ query: "a", columns: ["PRICE"] })
    .catch((error) => error);
  assert.ok(error instanceof ProblemError && error instanceof Error);
  assert.deepEqual(
    [error.name, error.kind, error.status, error.retryable],
    ["ProblemError", "column-unknown", 422, false],
  );
  assert.deepEqual([error.traceId, error.retryAfterS], ["1".repeat(32), undefined]);
  assert.equal(error.message, "Refused: For a test.");
  const sent = {
    type: `${PROBLEMS}column-unknown`,
    title: "Refused",
    status: 422,
    detail: "For a test.",
    retryable: false,
  };
  assert.deepEqual(error.problem, { ...sent, ...more });
  assert.ok(PROBLEM_KINDS.includes(error.kind));
});

test("a problem of somebody in between may say less", async (t) => {
  const body = { type: "about:blank", title: "Service Unavailable", status: 503 };
  const refusal = json(body, {
    status: 503,
    headers: { "content-type": "application/problem+json", "retry-after": "30" },
  });
  const proxy = await startProxy(t, { [SEARCH]: refusal });
  const error = await createClient({ baseUrl: proxy.url })
    .search({ query: "a" })
    .catch((error) => error);
  assert.ok(error instanceof ProblemError);
  assert.deepEqual([error.message, error.retryable, error.retryAfterS], ["Service Unavailable", true, 30]);
});

const OTHERS = {
  "a page of somebody in between": [503, "text/html", "<h1>Bad gateway</h1>", /HTTP 503 with text\/html/],
  "JSON that is no problem": [500, "application/json", '{"oops": true}', /HTTP 500 with application\/json/],
  "a problem that was cut": [502, "application/problem+json", '{"type": "https', /HTTP 502/],
  "nothing at all": [404, null, "", /HTTP 404 with no content type/],
  "a page where an answer should be": [200, "text/html", "<h1>Log in</h1>", /HTTP 200 with text\/html/],
  "an answer that was cut": [200, "application/json", '{"results": [', /HTTP 200 with JSON that cannot be read/],
};

for (const [name, [status, type, body, said]] of Object.entries(OTHERS)) {
  test(`${name} is no answer of the proxy's, and told as such`, async (t) => {
    const proxy = await startProxy(t, {
      [SEARCH]: (_, response) => response.writeHead(status, type ? { "content-type": type } : {}).end(body),
    });
    const error = await createClient({ baseUrl: proxy.url })
      .search({ query: "a" })
      .catch((error) => error);
    assert.ok(error instanceof ProblemError);
    assert.deepEqual([error.kind, error.status, error.retryable], ["unexpected-answer", status, status >= 500]);
    assert.match(error.message, said);
  });
}

test("what nobody reads is not waited for", async (t) => {
  let closed;
  const proxy = await startProxy(t, {
    [SEARCH]: (_, response) => {
      closed = once(response, "close");
      response.writeHead(502, { "content-type": "text/html" }).write("<h1>Bad gateway, and no end");
    },
  });
  await assert.rejects(createClient({ baseUrl: proxy.url }).search({ query: "a" }), { kind: "unexpected-answer" });
  await closed;
});

test("a proxy that is not there cannot be reached", async (t) => {
  const proxy = await startProxy(t, { [SEARCH]: (_, response) => response.destroy() });
  const error = await createClient({ baseUrl: proxy.url })
    .search({ query: "a" })
    .catch((error) => error);
  assert.ok(error instanceof ProblemError);
  assert.deepEqual([error.kind, error.status, error.retryable], ["unreachable", 0, true]);
  assert.ok(error.message.includes(`${proxy.url}/api/v1/tools/search`));
  assert.ok(error.cause instanceof Error);
});

test("an answer that breaks off cannot be reached either", async (t) => {
  const proxy = await startProxy(t, {
    [SEARCH]: (_, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "100" });
      response.write('{"results"', () => response.destroy());
    },
  });
  await assert.rejects(createClient({ baseUrl: proxy.url }).search({ query: "a" }), { kind: "unreachable" });
});

test("a refusal that says when to come back is waited for", async (t) => {
  const timers = holdTimers(t);
  const proxy = await startProxy(t, {
    [SEARCH]: [throttled({ retryAfterS: 2 }), throttled({ retryAfterS: 1 }), json(FOUND)],
  });
  const answer = createClient({ baseUrl: proxy.url }).search({ query: "a" });
  (await timers.due(2000))();
  (await timers.due(1000))();
  assert.deepEqual(await answer, FOUND);
  assert.equal(proxy.to(SEARCH).length, 3);
});

test("a stream's refusal is waited for, too", async (t) => {
  const timers = holdTimers(t);
  const busy = problem("too-many-streams", 429, { retryable: true, retryAfterS: 1 });
  const proxy = await startProxy(t, { [CHAT]: [busy, stream(START, END)] });
  const events = all(createClient({ baseUrl: proxy.url }).chat({ message: "What?" }));
  (await timers.due(1000))();
  assert.equal((await events).length, 2);
});

test("Retry-After counts where the problem does not say", async (t) => {
  const timers = holdTimers(t);
  const date = "Mon, 02 Nov 2026 08:00:00 GMT";
  const refusals = [
    throttled({}, { "retry-after": "3" }),
    throttled({}, { date, "retry-after": "Mon, 02 Nov 2026 08:00:04 GMT" }),
  ];
  const proxy = await startProxy(t, { [SEARCH]: [...refusals, json(FOUND)] });
  const answer = createClient({ baseUrl: proxy.url }).search({ query: "a" });
  (await timers.due(3000))();
  (await timers.due(4000))();
  assert.deepEqual(await answer, FOUND);
});

const AT_ONCE = {
  "that no wait would change": [problem("invalid-request", 422, { retryAfterS: 1 }), {}, 1],
  "that does not say when to come back": [throttled({}), {}, 1],
  "that says something else than a time": [throttled({}, { "retry-after": "soon" }), {}, 1],
  "that asks for too long a wait": [throttled({ retryAfterS: 21 }), {}, 1],
  "that nobody is to wait for": [throttled({ retryAfterS: 0 }), { retry: { tries: 1 } }, 1],
  "that comes again and again": [throttled({ retryAfterS: 0 }), {}, 3],
  "that comes more often than was wished": [throttled({ retryAfterS: 0 }), { retry: { tries: 5 } }, 5],
};

for (const [name, [refusal, options, requests]] of Object.entries(AT_ONCE)) {
  test(`a refusal ${name} is thrown after ${requests} request(s)`, async (t) => {
    const proxy = await startProxy(t, { [SEARCH]: refusal });
    await assert.rejects(createClient({ baseUrl: proxy.url, ...options }).search({ query: "a" }), ProblemError);
    assert.equal(proxy.to(SEARCH).length, requests);
  });
}

test("a wait ends with the signal, and leaves no timer behind", async (t) => {
  const proxy = await startProxy(t, { [SEARCH]: throttled({ retryAfterS: 20 }) });
  const set = t.mock.method(globalThis, "setTimeout");
  const cleared = t.mock.method(globalThis, "clearTimeout");
  const stop = new AbortController();
  const client = createClient({
    baseUrl: proxy.url,
    fetch: async (...request) => {
      const response = await fetch(...request);
      if (response.status === 429) setImmediate(() => stop.abort());
      return response;
    },
  });
  await assert.rejects(client.search({ query: "a" }, { signal: stop.signal }), { name: "AbortError" });
  assert.equal(proxy.to(SEARCH).length, 1);
  const wait = set.mock.calls.find(({ arguments: [, ms] }) => ms === 20_000).result;
  assert.ok(cleared.mock.calls.some(({ arguments: [timer] }) => timer === wait));
});

test("the signal ends a request, and closes its socket", async (t) => {
  let closed;
  const stop = new AbortController();
  const proxy = await startProxy(t, {
    [SEARCH]: (_, response) => {
      closed = once(response, "close");
      stop.abort();
    },
  });
  await assert.rejects(createClient({ baseUrl: proxy.url }).search({ query: "a" }, { signal: stop.signal }), {
    name: "AbortError",
  });
  await closed;
});

test("the client's own fetch is used, and the caller's trace", async () => {
  const sent = [];
  const answer = (body) => new Response(JSON.stringify(body), { headers: { "content-type": "application/json" } });
  const client = createClient({
    fetch: async (url, request) => {
      sent.push([url, request]);
      return answer({ mode: "live" });
    },
  });
  await client.status({ trace: { traceId: "a".repeat(32) } });
  const [[url, { headers }]] = sent;
  assert.equal(url, "/api/v1/status", "of the page's own origin");
  assert.match(headers.traceparent, /^00-a{32}-[0-9a-f]{16}-01$/);
});

test("a stream that is refused says why before its first event", async (t) => {
  const proxy = await startProxy(t, { [CHAT]: problem("upstream-unauthorized", 502, { upstreamCode: "390144" }) });
  const { events, error } = await outcome(createClient({ baseUrl: proxy.url }).chat({ message: "What?" }));
  assert.deepEqual([events, error.kind, error.problem.upstreamCode], [[], "upstream-unauthorized", "390144"]);
});
