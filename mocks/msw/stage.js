// The stage: which recorded answer a request gets, and what of it is new each time. It knows neither MSW nor sockets.

const SESSION = "6b0f1f0e6a144a559d0e3a7a2f1d5c77";
const TURN = "0d2f4c1b8a7e4f0f9a3b5c6d7e8f9a0b";
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const REQUEST = "2f1d5c776b0f4f0e9d0e3a7a6a144a55";
// The examples of the client API, which recordings hold in the place of what is new each time.

const HEARTBEAT = ": heartbeat\n\n";
const HEARTBEAT_MS = 15_000; // the proxy's default
const NEAREST = 3;
const PROBLEMS = "https://cortex-harness.dev/problems/";
const TOOLS = ["search", "analyst", "sql", "chart"];
const OPEN = new Set(["/livez", "/readyz", "/status"]);
const encoder = new TextEncoder();

/** Every route of the proxy: method and path, session ids and tools' names as `:name`. */
export const ROUTES = [
  ["POST", "/api/v1/session/token"],
  ["DELETE", "/api/v1/session/token"],
  ["POST", "/api/v1/chat"],
  ["POST", "/api/v1/tools/:toolName"],
  ["GET", "/api/v1/history/:sessionId"],
  ["DELETE", "/api/v1/history/:sessionId"],
  ["POST", "/api/v1/metrics/report"],
  ["GET", "/api/v1/livez"],
  ["GET", "/api/v1/readyz"],
  ["GET", "/api/v1/status"],
  ["GET", "/livez"],
  ["GET", "/readyz"],
  ["GET", "/status"],
];

/**
 * @param {import("./stage.js").Catalogue} catalogue
 * @param {import("./stage.js").StageOptions} [options]
 * @returns {import("./stage.js").Stage}
 */
export function createStage(catalogue, options = {}) {
  const kept = { sessions: 0, threads: 0, turns: 0, requests: 0, asked: new Map(), history: new Map() };

  /** @param {import("./stage.js").Asked} asked */
  async function answer(asked) {
    const facts = factsOf(asked);
    const pace = Number(control(facts, "pace") ?? options.pace ?? 1);
    if (!(pace >= 0 && pace <= 1000)) {
      return refuse(facts, 400, "invalid-request", "The request is invalid", `pace ${pace} is not from 0 to 1000.`);
    }
    const scene = control(facts, "scenario") ?? (await chosen(options.scenario, asked)) ?? "none";
    const known = { ...catalogue.scenarios, ...catalogue.problems, ...catalogue.network };
    if (scene !== "none" && !Object.hasOwn(known, scene)) {
      const near = nearest(scene, Object.keys(known));
      const detail = `There is no scenario ${JSON.stringify(scene.slice(0, 100))}; near ones: ${near.join(", ")}.`;
      return refuse(facts, 400, "invalid-request", "The request is invalid", detail, near);
    }
    const found = await find(facts, scene, known[scene]);
    return "status" in found ? found : plan(facts, scene, found, pace);
  }

  async function find(facts, scene, entry) {
    if (entry !== undefined) {
      const exchanges = (await load(entry)).exchanges.filter((each) => isRoute(each, facts));
      if (exchanges.length > 0) return choose(exchanges, facts) ?? unmatched(facts, exchanges.map(question), scene);
    }
    const refusal = refused(facts);
    if (refusal !== undefined) return (await load(catalogue.problems[refusal])).exchanges[0];
    if (facts.route === "/api/v1/chat") return story(facts);
    const of = facts.route.includes("/tools/") ? catalogue.tools : catalogue.plain;
    const exchanges = (await load(of)).exchanges.filter((each) => isRoute(each, facts));
    return choose(exchanges, facts) ?? unmatched(facts, exchanges.map(question), "none");
  }

  async function story(facts) {
    for (const thread of threadsOf(facts)) {
      const entry = catalogue.stories.find((each) => each.asks.some((ask) => isAsked(ask, facts, thread)));
      if (entry !== undefined) return choose((await load(entry)).exchanges, facts);
    }
    return unmatched(facts, catalogue.stories.flatMap((each) => each.asks.map((ask) => ask.message)), "none");
  }

  function plan(facts, scene, exchange, pace) {
    const key = JSON.stringify([facts.testId, scene, exchange.request]);
    const number = kept.asked.get(key) ?? 0;
    kept.asked.set(key, number + 1);
    const recorded = exchange.answers[step(exchange, number)];
    const names = namesOf(facts, recorded);
    const renamed = renamer(names, recorded.place);
    const headers = Object.entries(recorded.headers).map(([name, value]) => [name, renamed(value)]);
    const isStream = (recorded.headers["Content-Type"] ?? "").startsWith("text/event-stream");
    const startedAt = Date.now();
    let frames = recorded.frames.map((frame) => framed(frame, renamed, pace));
    if (isStream) frames = withHeartbeats(frames);
    else if (facts.route === "/api/v1/history/:sessionId" && recorded.status < 300) remembered(facts, frames);
    for (const frame of frames) frame.data ??= encoder.encode(momentous(frame.text, recorded.moments, startedAt));
    const endsMs = frames.at(-1)?.dueMs ?? 0;
    return {
      status: recorded.status,
      headers,
      isStream,
      headMs: isStream ? (recorded.headMs ?? 0) : endsMs,
      frames,
      endsMs,
      ends: recorded.ends ?? "clean",
      ended: once((sent) => remember(recorded, names, frames, sent, startedAt)),
    };
  }

  function namesOf(facts, recorded) {
    if (facts.route === "/api/v1/session/token" && facts.method === "POST" && !facts.authorization) kept.sessions += 1;
    const names = { session: facts.session ?? numbered(SESSION, Math.max(kept.sessions - 1, 0)) };
    names.request = facts.requestId ?? numbered(REQUEST, kept.requests);
    names.trace = facts.traceId ?? numbered(TRACE, kept.requests);
    kept.requests += 1;
    if (recorded.turn === undefined && recorded.place === undefined) return { ...names, turn: TURN };
    names.turn = numbered(TURN, kept.turns);
    if (recorded.place !== undefined) {
      const opened = recorded.place.thread_id + kept.threads;
      const messages = (recorded.place.user_message_id ?? 0) + 2 * kept.turns; // an early end tells no message's id
      const thread_id = facts.body.threadId ?? opened;
      if (facts.body.threadId === undefined) kept.threads += 1;
      names.place = { thread_id, user_message_id: messages, assistant_message_id: messages + 1 };
    }
    kept.turns += 1;
    return names;
  }

  function remember(recorded, names, frames, sent, startedAt) {
    if (recorded.turn === undefined) return;
    const whole = sent === frames.length;
    const { thread_id: threadId, assistant_message_id: messageId } = names.place ?? {};
    const turn = {
      ...recorded.turn,
      ...(names.place && { threadId }),
      ...(names.place && recorded.turn.assistantMessageId && { assistantMessageId: messageId }),
      turnId: names.turn,
      traceId: names.trace,
      startedAt: new Date(startedAt).toISOString(),
      durationMs: Date.now() - startedAt,
    };
    if (turn.content === "streamed") turn.content = contentOf(frames);
    if (!whole) {
      const answer = saidIn(frames.slice(0, sent));
      Object.assign(turn, { complete: false, endReason: "client_gone", answer, content: null, usage: null });
    }
    kept.history.set(names.session, [turn, ...(kept.history.get(names.session) ?? [])]);
  }

  function remembered(facts, frames) {
    if (facts.method === "DELETE") {
      kept.history.delete(facts.session);
      return;
    }
    const turns = kept.history.get(facts.session) ?? [];
    const from = Number(facts.query.get("cursor") ?? 0);
    const to = from + Number(facts.query.get("limit") ?? 20);
    const page = JSON.parse(frames[0].text);
    page.turns = turns.slice(from, to);
    page.nextCursor = to < turns.length ? String(to) : null;
    frames[0].text = JSON.stringify(page);
  }

  function unmatched(facts, questions, scene) {
    const asked = facts.question ?? "";
    const known = nearest(asked, [...new Set(questions.filter((each) => each !== undefined))]);
    const within = scene === "none" ? "" : ` in scenario ${scene}`;
    const thread = facts.route === "/api/v1/chat" && facts.thread === "goes-on" ? " that goes on there" : "";
    const detail =
      `Nothing is recorded${within} for ${JSON.stringify(asked.slice(0, 300))}${thread}; ` +
      `nearest: ${known.map((each) => JSON.stringify(each)).join(", ") || "nothing"}.`;
    return refuse(facts, 404, "upstream-not-found", "No recorded answer", detail, known);
  }

  function refuse(facts, status, type, title, detail, known) {
    const requestId = facts.requestId ?? numbered(REQUEST, kept.requests);
    const traceId = facts.traceId ?? numbered(TRACE, kept.requests);
    kept.requests += 1;
    const problem = { type: PROBLEMS + type, title, status, detail, instance: requestId, traceId, retryable: false, known };
    const headers = [
      ["Content-Type", "application/problem+json"],
      ["X-Request-Id", requestId],
      ["X-Trace-Id", traceId],
    ];
    const frames = [{ dueMs: 0, data: encoder.encode(JSON.stringify(problem)) }];
    return { status, headers, isStream: false, headMs: 0, frames, endsMs: 0, ends: "clean", ended: () => {} };
  }

  function reset() {
    Object.assign(kept, { sessions: 0, threads: 0, turns: 0, requests: 0 });
    kept.asked.clear();
    kept.history.clear();
  }

  return { answer, reset };
}

const load = async (entry) => (await entry.load()).default;

async function chosen(scenario, asked) {
  return (typeof scenario === "function" ? await scenario(asked) : scenario) ?? undefined;
}

// --- what a request says

const HEADERS = { scenario: "x-mock-scenario", pace: "x-mock-pace", testId: "x-test-id" };
const BAGGAGE = { scenario: "mock.scenario", pace: "mock.pace", testId: "test.id" };
const QUERY = { scenario: "mock_scenario", pace: "mock_pace", testId: "test_id" };

function factsOf(asked) {
  const url = new URL(asked.url, "http://localhost");
  const facts = { method: asked.method, headers: asked.headers, query: url.searchParams, body: {}, path: url.pathname };
  facts.route = routeOf(asked.method, url.pathname);
  facts.authorization = asked.headers.get("authorization");
  facts.testId = control(facts, "testId");
  facts.requestId = /^[A-Za-z0-9._-]{8,64}$/.exec(asked.headers.get("x-request-id") ?? "")?.[0];
  facts.traceId = /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(asked.headers.get("traceparent") ?? "")?.[1];
  try {
    facts.body = asked.body ? JSON.parse(asked.body) : {};
  } catch {
    facts.isMalformed = true;
  }
  const named = /\/history\/([^/]+)$/.exec(url.pathname)?.[1];
  facts.session = named ?? (typeof facts.body?.sessionId === "string" ? facts.body.sessionId : undefined);
  facts.tool = /\/tools\/([^/]+)$/.exec(url.pathname)?.[1];
  return { ...facts, ...askedOf(facts) };
}

function askedOf({ body, tool }) {
  if (tool === "search") return { question: text(body.query), told: { query: body.query } };
  if (tool === "sql") return { question: text(body.statement), told: { statement: body.statement } };
  if (tool === "analyst") {
    const question = text(body.messages?.at?.(-1)?.text);
    return { question, told: { question, stream: body.stream === true } };
  }
  const toolUseId = body?.message?.toolResult?.toolUseId;
  const thread = body?.threadId !== undefined ? "goes-on" : body?.parentMessageId === 0 ? "new" : "none";
  if (toolUseId !== undefined) return { question: toolUseId, told: { toolUseId }, thread };
  return { question: text(body?.message), told: { message: body?.message }, thread };
}

const text = (value) => (typeof value === "string" ? value : undefined);

function control(facts, name) {
  const given = facts.headers.get(HEADERS[name]) ?? baggage(facts.headers.get("baggage") ?? "")[BAGGAGE[name]];
  return given ?? facts.query.get(QUERY[name]) ?? undefined;
}

function baggage(header) {
  const members = header.split(",").map((member) => member.split(";")[0].split("="));
  return Object.fromEntries(
    members.filter((each) => each.length > 1).map(([key, ...value]) => [key.trim(), decoded(value.join("=").trim())]),
  );
}

function decoded(value) {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function routeOf(method, path) {
  const parts = path.split("/");
  const fits = ([verb, route]) => {
    const wanted = route.split("/");
    return verb === method && wanted.length === parts.length && wanted.every((each, at) => each.startsWith(":") || each === parts[at]);
  };
  return ROUTES.find(fits)?.[1] ?? path;
}

/** What the proxy refuses before it looks at what is asked. */
function refused(facts) {
  const isOpen = OPEN.has(facts.route.replace("/api/v1", ""));
  const isIssue = facts.route === "/api/v1/session/token" && facts.method === "POST";
  const isReport = facts.route === "/api/v1/metrics/report" && facts.body?.token !== undefined;
  if (!isOpen && !isIssue && !isReport && !facts.authorization) return "problem/token-missing";
  if (facts.isMalformed) return "problem/malformed-json";
  if (facts.tool !== undefined && !TOOLS.includes(facts.tool)) return "problem/tool-unknown";
  return undefined;
}

// --- what is recorded

function isRoute({ request }, facts) {
  const route = request.path.replaceAll(/\{(\w+)\}/g, ":$1");
  const isSame = route === facts.route || route === facts.path || `/api/v1${route}` === facts.route;
  return request.method === facts.method && isSame;
}

function choose(exchanges, facts) {
  const any = exchanges.find((each) => each.request.anything);
  if (any !== undefined || exchanges.length === 0) return any;
  for (const thread of threadsOf(facts)) {
    const found = exchanges.find((each) => isAsked(each.request, facts, thread));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Which recordings fit where a turn stands; what opened a thread of its own also goes on in another. */
const threadsOf = (facts) => (facts.thread === "goes-on" ? ["goes-on", "new"] : [facts.thread]);

function isAsked(request, facts, thread) {
  if (request.thread !== undefined && request.thread !== thread) return false;
  return Object.entries(facts.told ?? {}).every(([name, value]) =>
    typeof value === "string" && typeof request[name] === "string"
      ? canonical(value) === canonical(request[name])
      : request[name] === value,
  );
}

const question = ({ request }) => request.message ?? request.question ?? request.query ?? request.statement;

/** A question as it is compared: case, white space, Unicode form and closing punctuation do not count. */
function canonical(question) {
  const folded = question.normalize("NFD").toLowerCase().normalize("NFD");
  return folded.replaceAll(/\s+/g, " ").trim().replace(/[?!. …？！。]+$/u, "");
}

function step({ order = [0], beginsAgain = false }, number) {
  return order[beginsAgain ? number % order.length : Math.min(number, order.length - 1)];
}

/** Those that read most like it, best first. */
function nearest(asked, among) {
  const wanted = pairs(asked);
  const score = (each) => {
    const own = pairs(each);
    const common = [...wanted].filter((pair) => own.has(pair)).length;
    return (2 * common) / (wanted.size + own.size || 1);
  };
  const scored = among.map((each) => ({ each, score: score(each) }));
  scored.sort((one, other) => other.score - one.score); // stable, so among equals the first stays first
  return scored.slice(0, NEAREST).map(({ each }) => each);
}

function pairs(words) {
  const plain = canonical(words);
  return new Set(Array.from({ length: Math.max(plain.length - 1, 0) }, (_, at) => plain.slice(at, at + 2)));
}

// --- what is new each time

/** The n-th name after an example: the same but for its last six digits. */
function numbered(example, number) {
  if (number === 0) return example;
  return example.slice(0, -6) + number.toString(16).padStart(6, "0");
}

/** Puts this request's names in the place of the examples. */
function renamer(names, place) {
  const swaps = [
    [SESSION, names.session],
    [TURN, names.turn],
    [TRACE, names.trace],
    [REQUEST, names.request],
  ].filter(([example, name]) => example !== name);
  const ids = place === undefined ? [] : idSwaps(place, names.place);
  return (value) => {
    for (const [example, name] of swaps) value = value.replaceAll(example, name);
    if (ids.length === 0 || !/^(event: (metadata|response|proxy\.start)\r?\n?$)/m.test(value)) return value;
    return ids.reduce((renamed, [pattern, id]) => renamed.replaceAll(pattern, id), value);
  };
}

function idSwaps(from, to) {
  const swaps = [[new RegExp(`("threadId":|"thread_id":)${from.thread_id}\\b`, "g"), `$1${to.thread_id}`]];
  const [here, there] = [from, to].map((each) => `${each.thread_id}-${each.user_message_id}"`);
  swaps.push([new RegExp(`("run_id":")${here}`, "g"), `$1${there}`]);
  for (const name of ["user_message_id", "assistant_message_id"]) {
    if (from[name] === undefined) continue;
    swaps.push([new RegExp(`("${name}":|"message_id":)${from[name]}\\b`, "g"), `$1${to[name]}`]);
  }
  return Object.entries(from).every(([name, id]) => to[name] === id) ? [] : swaps;
}

function framed({ atMs = 0, heldMs = 0, text: content, base64 }, renamed, pace) {
  const frame = { dueMs: atMs * pace + heldMs };
  if (base64 !== undefined) return { ...frame, data: Uint8Array.from(atob(base64), (each) => each.charCodeAt(0)) };
  return { ...frame, text: renamed(content) };
}

/** The proxy fills long silences between whole frames. */
function withHeartbeats(frames) {
  return frames.flatMap((frame, at) => {
    const before = frames[at - 1];
    const beats = [];
    if (before?.text?.endsWith("\n\n")) {
      for (let dueMs = before.dueMs + HEARTBEAT_MS; dueMs < frame.dueMs; dueMs += HEARTBEAT_MS) {
        beats.push({ dueMs, text: HEARTBEAT });
      }
    }
    return [...beats, frame];
  });
}

function momentous(body, moments, startedAt) {
  if (moments === undefined) return body;
  const at = (seconds) => new Date(startedAt + seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");
  const fresh = Object.entries(moments).map(([name, seconds]) => [name, at(seconds)]);
  return JSON.stringify({ ...JSON.parse(body), ...Object.fromEntries(fresh) });
}

function payload(frame, event) {
  if (!frame.text?.startsWith(`event: ${event}\n`)) return undefined;
  try {
    return JSON.parse(/^data: (.*)$/m.exec(frame.text)?.[1] ?? "");
  } catch {
    return undefined;
  }
}

function contentOf(frames) {
  const final = frames.map((frame) => payload(frame, "response")).find((each) => each !== undefined);
  return final?.content?.filter((block) => block.type !== "thinking") ?? null;
}

const saidIn = (frames) => frames.map((frame) => payload(frame, "response.text.delta")?.text ?? "").join("");

function once(act) {
  let done = false;
  return (...given) => {
    if (done) return;
    done = true;
    act(...given);
  };
}
