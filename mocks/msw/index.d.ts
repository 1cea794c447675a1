import type { HttpHandler } from "msw";

import type { Scenario } from "./catalogue.js";
import type { Asked } from "./stage.js";

export type { Scenario } from "./catalogue.js";
export type { Asked } from "./stage.js";

export interface HandlersOptions {
  /**
   * What is played. A function is asked for each request, so that a test or a button may change its mind. A request's
   * own choice goes first: header `X-Mock-Scenario`, baggage `mock.scenario`, query `mock_scenario`.
   */
  scenario?: Scenario | "none" | null | ((asked: Asked) => Choice | Promise<Choice>);
  /** Factor on recorded times: 1 as recorded (the default), 0 at once. Silences of faults stay as they are. */
  pace?: number;
  /** Where the proxy would be, such as `http://127.0.0.1:8080`; any origin by default. */
  baseUrl?: string;
}

type Choice = Scenario | "none" | null | undefined;

/** One handler for each route of the proxy. Sessions, histories and sequences are theirs: make new ones to begin anew. */
export function handlers(options?: HandlersOptions): HttpHandler[];

/** Every scenario, `problem/...` and `network/...` included. */
export const scenarios: readonly Scenario[];

/** Every question that is recorded outside a scenario. */
export const questions: readonly string[];
