// Handlers for MSW 2 and 3, in browsers and in Node. MSW's own `sse()` answers GET alone; the proxy streams its answers
// to POST, so these are plain handlers whose body is a paced stream.

import { http, HttpResponse } from "msw";

import { catalogue } from "./catalogue.js";
import { now, paced, sleepUntil } from "./player.js";
import { createStage, ROUTES } from "./stage.js";

/** @type {readonly import("./catalogue.js").Scenario[]} */
export const scenarios = Object.freeze(
  [catalogue.scenarios, catalogue.problems, catalogue.network].flatMap((each) => Object.keys(each)),
);

/** Every question that is recorded outside a scenario. */
export const questions = Object.freeze([
  ...new Set(catalogue.stories.flatMap((each) => each.asks.map((ask) => ask.message).filter(Boolean))),
]);

/**
 * One handler for each route of the proxy.
 * @param {import("./index.js").HandlersOptions} [options]
 */
export function handlers(options = {}) {
  const { baseUrl = "*", ...rest } = options;
  const stage = createStage(catalogue, rest);
  const base = baseUrl.replace(/\/$/, "");
  return ROUTES.map(([method, path]) =>
    http[method.toLowerCase()](`${base}${path}`, async ({ request }) => {
      const startedMs = now();
      const { url, headers, signal } = request;
      const plan = await stage.answer({ method, url, headers, body: await request.text() });
      await sleepUntil(startedMs + plan.headMs, signal);
      return respond(plan, startedMs, signal);
    }),
  );
}

function respond(plan, startedMs, signal) {
  if (plan.ends === "unreachable") return HttpResponse.error();
  const { status, headers } = plan;
  if (plan.isStream) {
    // As the proxy sends it; without this header MSW 3 in Node takes a broken stream for one that ended.
    headers.push(["Transfer-Encoding", "chunked"]);
    return new HttpResponse(paced(plan, startedMs, signal), { status, headers });
  }
  plan.ended(plan.frames.length);
  const body = plan.frames[0]?.data;
  return new HttpResponse(body?.length ? body : null, { status, headers });
}
