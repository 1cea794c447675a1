import type { BrowserContext, TestType, PlaywrightTestArgs, PlaywrightTestOptions, PlaywrightWorkerArgs, PlaywrightWorkerOptions } from "@playwright/test";

import type { Scenario } from "./catalogue.js";
import type { Playback } from "./server.js";

export { expect } from "@playwright/test";
export type { Scenario } from "./catalogue.js";
export type { Playback } from "./server.js";

export interface CortexOptions {
  /** What is played, by `test.use({ cortexScenario: "cut_mid_stream" })`; null: as recorded. */
  cortexScenario: Scenario | "none" | null;
  /** Factor on recorded times: 1 as recorded, 0 at once. */
  cortexPace: number;
}

export interface CortexFixtures extends CortexOptions {
  /** The server, as new, with this test's browser context led to it. */
  cortex: Playback;
}

export const test: TestType<
  PlaywrightTestArgs & PlaywrightTestOptions & CortexFixtures,
  PlaywrightWorkerArgs & PlaywrightWorkerOptions & { cortexServer: Playback }
>;

/** Every request of a browser context to the proxy goes to the server; the page sees the address that it asked. */
export function lead(context: BrowserContext, playback: Playback): Promise<void>;

/** Addresses that the proxy answers. */
export const PATTERN: RegExp;
