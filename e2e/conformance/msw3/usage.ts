// Compiled, not run: what the package's types allow, and what they do not.

import { handlers, questions, scenarios, type Scenario } from "@cortex-harness/msw";
import { createStage } from "@cortex-harness/msw/stage";
import { catalogue } from "@cortex-harness/msw/catalogue";
import { setupServer } from "msw/node";

let chosen: Scenario | null = null;
setupServer(...handlers({ scenario: () => chosen, pace: 0, baseUrl: "http://127.0.0.1:8080" }));
handlers({ scenario: "cut_mid_stream" });
handlers({ scenario: "problem/token-missing" });
handlers({ scenario: async ({ url }) => (url.endsWith("/chat") ? "network/cut" : undefined) });
chosen = scenarios[0] ?? null;
export const firstQuestion: string | undefined = questions[0];
export const status: Promise<number> = createStage(catalogue, { pace: 0 })
  .answer({ method: "GET", url: "/livez", headers: new Headers(), body: "" })
  .then((plan) => plan.status);

// @ts-expect-error - no such scenario
handlers({ scenario: "nothing_of_the_kind" });
// @ts-expect-error - a function that gives none
handlers({ scenario: () => "nothing_of_the_kind" });
// @ts-expect-error - no such option
handlers({ speed: 2 });
