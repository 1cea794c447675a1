/** The session token: fetched once, renewed in time, replaced when it has to be. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ProblemError, createClient } from "@cortex-harness/shared";

import { END, START, all, holdTimers, issuing, json, problem, startProxy, stream } from "./proxy.mjs";

const TOKEN = "POST /session/token";
const CHAT = "POST /chat";
const SEARCH = "POST /tools/search";
const FOUND = json({ results: [], requestId: null });
const EXPIRED = problem("token-expired", 401, { retryable: true });

/** A clock that the test moves. */
function holdClock(t) {
  let now = Date.now();
  t.mock.method(Date, "now", () => now);
  return { pass: (seconds) => (now += seconds * 1000) };
}

/** What a page keeps, as text. */
function holdKeep(text = null) {
  const keep = { text, get: () => keep.text, set: (next) => (keep.text = next) };
  return keep;
}

const authorizations = (proxy, route) => proxy.to(route).map(({ headers }) => headers.authorization);

test("nothing is asked before the first call, and one token serves many", async (t) => {
  const proxy = await startProxy(t, { [SEARCH]: FOUND });
  const client = createClient({ baseUrl: proxy.url });
  assert.equal(client.session.current, null);
  assert.deepEqual(proxy.asked, []);
  for (const query of ["a", "b"]) await client.search({ query });
  assert.equal(proxy.to(TOKEN).length, 1);
  assert.deepEqual(authorizations(proxy, SEARCH), ["Bearer token-1", "Bearer token-1"]);
});

test("callers at the same time share one request for a token", async (t) => {
  const proxy = await startProxy(t, { [SEARCH]: FOUND, [CHAT]: stream(START, END) });
  const client = createClient({ baseUrl: proxy.url });
  await Promise.all([client.search({ query: "a" }), all(client.chat({ message: "b" })), client.session.token()]);
  assert.equal(proxy.to(TOKEN).length, 1);
});

test("one of several who wait for a token may leave; the others get it", async (t) => {
  let answer;
  const proxy = await startProxy(t, {
    [TOKEN]: async (...both) => {
      await new Promise((resolve) => (answer = resolve));
      issuing()(...both);
    },
  });
  const client = createClient({ baseUrl: proxy.url });
  const stop = new AbortController();
  const leaver = client.session.token({ signal: stop.signal });
  const stayer = client.session.token();
  stop.abort();
  await assert.rejects(leaver, { name: "AbortError" });
  while (!answer) await new Promise(setImmediate);
  answer();
  assert.equal((await stayer).token, "token-1");
});

test("a token is renewed a minute before it ends, and keeps its session", async (t) => {
  const clock = holdClock(t);
  const proxy = await startProxy(t, {});
  const { session } = createClient({ baseUrl: proxy.url });
  await session.token();
  clock.pass(239);
  assert.equal((await session.token()).token, "token-1");
  clock.pass(1);
  const renewed = await session.token();
  assert.deepEqual([renewed.token, renewed.sessionId], ["token-2", "session-1"]);
  assert.deepEqual(authorizations(proxy, TOKEN), [undefined, "Bearer token-1"]);
});

test("a token that lives shortly is renewed half-way", async (t) => {
  const clock = holdClock(t);
  const proxy = await startProxy(t, { [TOKEN]: issuing({ expiresInS: 30 }) });
  const { session } = createClient({ baseUrl: proxy.url });
  await session.token();
  clock.pass(14);
  assert.equal((await session.token()).token, "token-1");
  clock.pass(1);
  assert.equal((await session.token()).token, "token-2");
});

for (const skewS of [-7200, 7200]) {
  test(`a proxy whose clock is ${skewS} s off changes nothing`, async (t) => {
    const clock = holdClock(t);
    const proxy = await startProxy(t, { [TOKEN]: issuing({ skewS }) });
    const { session } = createClient({ baseUrl: proxy.url });
    const first = await session.token();
    assert.ok(Math.abs(first.sessionEndsAt - (Date.now() + 3600_000)) < 1000);
    clock.pass(239);
    assert.equal((await session.token()).token, "token-1");
    clock.pass(1);
    assert.equal((await session.token()).token, "token-2");
  });
}

test("a token that has ended is not renewed: a new session begins, and whoever listens is told", async (t) => {
  const clock = holdClock(t);
  const proxy = await startProxy(t, {});
  const { session } = createClient({ baseUrl: proxy.url });
  const told = [];
  const leave = session.onChange(({ sessionId }, replaced) => told.push([sessionId, replaced]));
  await session.token();
  clock.pass(301);
  await session.token();
  assert.deepEqual(authorizations(proxy, TOKEN), [undefined, undefined]);
  leave();
  await session.renew();
  assert.deepEqual(told, [
    ["session-1", false],
    ["session-2", true],
  ]);
});

test("the last token of a session is used to its end, then a new session begins", async (t) => {
  const clock = holdClock(t);
  const proxy = await startProxy(t, { [TOKEN]: issuing({ expiresInS: 40, sessionEndsInS: 40 }) });
  const { session } = createClient({ baseUrl: proxy.url });
  await session.token();
  clock.pass(38);
  assert.equal((await session.token()).token, "token-1");
  clock.pass(1);
  assert.equal((await session.token()).sessionId, "session-2");
  assert.deepEqual(authorizations(proxy, TOKEN), [undefined, undefined]);
});

for (const [name, refusal] of Object.entries({
  "has ended": problem("session-ended", 401),
  "is not known any more": problem("token-invalid", 401),
})) {
  test(`a session that ${name} is replaced when its token is renewed`, async (t) => {
    const issue = issuing();
    const proxy = await startProxy(t, { [TOKEN]: [issue, refusal, issue] });
    const { session } = createClient({ baseUrl: proxy.url });
    await session.token();
    assert.equal((await session.renew()).sessionId, "session-2");
  });
}

for (const [name, failure] of Object.entries({
  "is overloaded": problem("rate-limited", 429, { retryable: true, retryAfterS: 3600 }),
  "stands behind a gateway that is": (_, response) => response.writeHead(429, { "content-type": "text/html" }).end(),
  "has no store": problem("store-unavailable", 503, { retryable: true }),
  fails: problem("internal", 500),
  "cannot be reached": (_, response) => response.destroy(),
})) {
  test(`a proxy that ${name} does not cost the session while its token holds`, async (t) => {
    const clock = holdClock(t);
    const issue = issuing();
    const proxy = await startProxy(t, { [TOKEN]: [issue, failure, failure, issue] });
    const { session } = createClient({ baseUrl: proxy.url });
    await session.token();
    clock.pass(250);
    assert.equal((await session.token()).token, "token-1");
    await session.token();
    assert.equal(proxy.to(TOKEN).length, 2, "it is left in peace for some seconds");
    clock.pass(10);
    assert.equal((await session.token()).token, "token-1");
    clock.pass(10);
    assert.deepEqual([(await session.token()).sessionId, proxy.to(TOKEN).length], ["session-1", 4]);
  });
}

test("a proxy that is away when the token ends is told as the problem it is", async (t) => {
  const clock = holdClock(t);
  const proxy = await startProxy(t, { [TOKEN]: [issuing(), problem("internal", 500)] });
  const { session } = createClient({ baseUrl: proxy.url });
  await session.token();
  clock.pass(299.5);
  await assert.rejects(session.token(), (error) => error instanceof ProblemError && error.kind === "internal");
});

test("a token that the proxy takes for expired is replaced, and the request sent once more", async (t) => {
  const proxy = await startProxy(t, { [SEARCH]: [EXPIRED, FOUND] });
  const answer = await createClient({ baseUrl: proxy.url }).search({ query: "a" });
  assert.deepEqual(answer.results, []);
  assert.deepEqual(authorizations(proxy, SEARCH), ["Bearer token-1", "Bearer token-2"]);
});

test("a chat whose token is refused is asked once more, in the new session, with the turn that fits it", async (t) => {
  const proxy = await startProxy(t, { [CHAT]: [EXPIRED, stream(START, END)] });
  const client = createClient({ baseUrl: proxy.url });
  let thread = { threadId: 5, parentMessageId: 7 };
  client.session.onChange((_, replaced) => {
    if (replaced) thread = { parentMessageId: 0 };
  });
  const events = await all(client.chat(() => ({ message: "What?", ...thread })));
  assert.equal(events.length, 2);
  assert.deepEqual(
    proxy.to(CHAT).map(({ body }) => body),
    [
      { sessionId: "session-1", message: "What?", threadId: 5, parentMessageId: 7 },
      { sessionId: "session-2", message: "What?", parentMessageId: 0 },
    ],
  );
});

test("a request is sent once more, not for ever", async (t) => {
  const proxy = await startProxy(t, { [SEARCH]: EXPIRED });
  await assert.rejects(createClient({ baseUrl: proxy.url }).search({ query: "a" }), { kind: "token-expired" });
  assert.equal(proxy.to(SEARCH).length, 2);
});

test("many requests whose token is refused replace it once", async (t) => {
  const refusals = new Set();
  const search = (request, response) => {
    const isOld = request.headers.authorization === "Bearer token-1";
    if (isOld) refusals.add(request);
    (isOld ? EXPIRED : FOUND)(request, response);
  };
  const proxy = await startProxy(t, { [SEARCH]: search });
  const client = createClient({ baseUrl: proxy.url });
  await client.session.token();
  await Promise.all(["a", "b", "c", "d"].map((query) => client.search({ query })));
  assert.equal(refusals.size, 4);
  assert.equal(proxy.to(TOKEN).length, 2);
});

test("a backend opens the session of a user with its key, and a renewal names neither", async (t) => {
  const proxy = await startProxy(t, {});
  const { session } = createClient({ baseUrl: proxy.url, clientKey: "made-up-key", subject: "user-4711" });
  await session.token();
  await session.renew();
  const [opened, renewed] = proxy.to(TOKEN);
  assert.deepEqual([opened.headers["x-client-key"], opened.body], ["made-up-key", { subject: "user-4711" }]);
  assert.deepEqual([renewed.headers.authorization, renewed.body], ["Bearer token-1", {}]);
});

test("ending the session tells the proxy; the next call begins another one", async (t) => {
  const proxy = await startProxy(t, {
    [SEARCH]: FOUND,
    "DELETE /session/token": (_, response) => response.writeHead(204).end(),
  });
  const client = createClient({ baseUrl: proxy.url });
  await client.session.end();
  assert.deepEqual(proxy.asked, [], "there was none to end");
  await client.session.token();
  await client.session.end();
  assert.equal(proxy.to("DELETE /session/token")[0].headers.authorization, "Bearer token-1");
  await client.search({ query: "a" });
  assert.deepEqual(authorizations(proxy, SEARCH), ["Bearer token-2"]);
});

test("a renewal under way does not outlive the session's end", async (t) => {
  const proxy = await startProxy(t, { "DELETE /session/token": (_, response) => response.writeHead(204).end() });
  const { session } = createClient({ baseUrl: proxy.url });
  await session.token();
  await Promise.all([session.renew(), session.end()]);
  assert.equal(session.current, null);
  assert.equal(proxy.to("DELETE /session/token")[0].headers.authorization, "Bearer token-2");
});

test("a page's session is renewed while nobody asks, until the client is closed", async (t) => {
  const timers = holdTimers(t);
  const proxy = await startProxy(t, {});
  const client = createClient({ baseUrl: proxy.url, renewInBackground: true });
  const renewals = [];
  const changes = [];
  client.session.onChange(({ token }) => {
    renewals.push(token);
    changes.shift()?.();
  });
  await client.session.token();
  for (const expected of ["token-2", "token-3"]) {
    const changed = new Promise((resolve) => changes.push(resolve));
    (await timers.due(238_000, 240_000))();
    await changed;
    assert.equal(renewals.at(-1), expected);
  }
  const cleared = t.mock.method(globalThis, "clearTimeout");
  await client.close();
  assert.equal(cleared.mock.callCount(), 1);
});

test("elsewhere nothing is renewed unasked", async (t) => {
  const timers = holdTimers(t);
  const proxy = await startProxy(t, {});
  await createClient({ baseUrl: proxy.url }).session.token();
  assert.deepEqual(timers.held, []);
});

test("a page that is loaded anew goes on with its session", async (t) => {
  const clock = holdClock(t);
  const proxy = await startProxy(t, { [SEARCH]: FOUND });
  const keep = holdKeep();
  await createClient({ baseUrl: proxy.url, keep }).session.token();
  const client = createClient({ baseUrl: proxy.url, keep });
  const told = [];
  client.session.onChange(({ sessionId }, replaced) => told.push([sessionId, replaced]));
  assert.equal(client.session.current.token, "token-1");
  await client.search({ query: "a" });
  assert.deepEqual(authorizations(proxy, SEARCH), ["Bearer token-1"]);
  clock.pass(240);
  await client.session.token();
  assert.deepEqual(authorizations(proxy, TOKEN), [undefined, "Bearer token-1"]);
  assert.deepEqual(told, [["session-1", false]]);
  assert.equal(JSON.parse(keep.text).token, "token-2");
});

test("a session that was kept too long is replaced, and whoever listens is told", async (t) => {
  const clock = holdClock(t);
  const proxy = await startProxy(t, {});
  const keep = holdKeep();
  await createClient({ baseUrl: proxy.url, keep }).session.token();
  clock.pass(300);
  const { session } = createClient({ baseUrl: proxy.url, keep });
  const told = [];
  session.onChange(({ sessionId }, replaced) => told.push([sessionId, replaced]));
  assert.equal(session.current, null);
  await session.token();
  assert.deepEqual(told, [["session-2", true]]);
  assert.deepEqual(authorizations(proxy, TOKEN), [undefined, undefined]);
});

for (const [name, text] of Object.entries({
  nothing: null,
  "no JSON": "{",
  null: "null",
  "a number": "7",
  "another page's words": '{"token":"t"}',
  "a token without its times": '{"token":"t","sessionId":"s","endsAt":"soon","renewsAt":1,"sessionEndsAt":2}',
})) {
  test(`where ${name} was kept, a first session begins`, async (t) => {
    const proxy = await startProxy(t, {});
    const keep = holdKeep(text);
    const { session } = createClient({ baseUrl: proxy.url, keep });
    session.onChange((_, replaced) => assert.equal(replaced, false));
    assert.equal((await session.token()).token, "token-1");
    assert.equal(JSON.parse(keep.text).token, "token-1");
  });
}

test("a token that was refused, and a session that was ended, are not kept", async (t) => {
  const proxy = await startProxy(t, {
    "DELETE /session/token": (_, response) => response.writeHead(204).end(),
  });
  const keep = holdKeep();
  const client = createClient({ baseUrl: proxy.url, keep });
  const { token } = await client.session.token();
  client.session.refused(token);
  assert.equal(keep.text, null);
  await client.session.token();
  assert.notEqual(keep.text, null);
  await client.session.end();
  assert.equal(keep.text, null);
});

test("a kept session is renewed in the background, too", async (t) => {
  const timers = holdTimers(t);
  const proxy = await startProxy(t, {});
  const keep = holdKeep();
  await createClient({ baseUrl: proxy.url, keep }).session.token();
  const client = createClient({ baseUrl: proxy.url, keep, renewInBackground: true });
  const renewed = new Promise((resolve) => client.session.onChange(resolve));
  (await timers.due(237_000, 240_000))();
  assert.equal((await renewed).token, "token-2");
  await client.close();
});
