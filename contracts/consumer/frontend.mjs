/**
 * One story of the page's pact, asked through the TypeScript client: `node frontend.mjs <url> <story>`.
 *
 * A story is JSON: {operation, arguments, token}. What the client read is printed as JSON: {value}, {events} or
 * {problem, retryAfterS}. Where a story is about something else than the session, its token is not asked for.
 */

import { createClient, ProblemError } from "../shared/lib/index.js";

const TOKEN_PATH = "/api/v1/session/token";
const [url, text] = process.argv.slice(2);
const { operation, token: held, arguments: given } = JSON.parse(text);
const { sessionId = "6b0f1f0e6a144a559d0e3a7a2f1d5c77", ...asked } = given;
let refusal = null;
let sent = null;
/** What the client knows of a page: that it is left. */
const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
if (operation === "leavePage") globalThis.document = page;

const client = createClient({ baseUrl: url, fetch: throughStory, retry: { tries: 1 } });

/** A renewal that is refused is no end for the client: it begins a new session. The refusal is what the story tells. */
const OPERATIONS = {
  issueToken: async () => info(await client.session.renew()),
  renewToken: async () => {
    await client.session.token();
    const renewed = await client.session.renew();
    if (refusal) throw refusal;
    return info(renewed);
  },
  endSession: async () => {
    await client.session.token();
    await client.session.end();
    return null;
  },
  search: () => client.search(asked),
  analyst: () => client.analyst(asked),
  sql: () => client.sql(asked),
  chart: () => client.chart(asked),
  history: () => client.history({ sessionId, ...asked }),
  forgetHistory: async () => (await client.forgetHistory({ sessionId })) ?? null,
  reportMetrics: () => client.reportMetrics(asked.metrics),
  status: () => client.status(),
  leavePage: async () => {
    await client.session.token();
    for (const metric of asked.metrics) client.measure(metric);
    page.visibilityState = "hidden";
    page.dispatchEvent(new Event("visibilitychange"));
    const { ok } = await sent;
    client.session.close();
    return ok ? null : "refused";
  },
};
const STREAMS = {
  chat: () => client.chat(asked),
  analystStream: () => client.analystStream({ messages: asked.messages }),
};

console.log(JSON.stringify(await reading()));

async function reading() {
  const events = [];
  try {
    if (Object.hasOwn(STREAMS, operation)) {
      for await (const event of STREAMS[operation]()) events.push(event);
      return { events };
    }
    return { value: await OPERATIONS[operation]() };
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    // What fails within a stream is told as an event, and thrown at its end once more.
    if (events.at(-1)?.event === "proxy.end") return { events };
    return { problem: error.problem, retryAfterS: error.retryAfterS ?? null };
  }
}

/** The fields of a token's answer that the client keeps, with its own clock's times as what they stand for. */
function info({ token, sessionId: id, endsAt, sessionEndsAt }) {
  return { token, sessionId: id, lastsS: Math.round((endsAt - Date.now()) / 1000), ends: sessionEndsAt > 0 };
}

async function throughStory(target, request) {
  const isToken = new URL(target).pathname === TOKEN_PATH && request.method === "POST";
  const isTold = operation === "issueToken" || (operation === "renewToken" && request.headers.authorization);
  if (isToken && !isTold) return Response.json(issued());
  if (!held) delete request.headers.authorization;
  const response = await (sent = fetch(target, request));
  if (isToken && !response.ok) refusal = new ProblemError(await response.clone().json());
  return response;
}

function issued() {
  const endsAt = new Date(Date.now() + 300_000).toISOString();
  const sessionExpiresAt = new Date(Date.now() + 28_800_000).toISOString();
  return { token: asked.token ?? held, sessionId, expiresAt: endsAt, expiresInS: 300, sessionExpiresAt };
}
