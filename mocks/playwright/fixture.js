// The fixture for @playwright/test: import { test, expect } from "@cortex-harness/playwright".

import { expect, test as base } from "@playwright/test";

import { startPlayback } from "./server.js";

/** Addresses that the proxy answers. */
export const PATTERN = /^[^?#]*\/api\/v1\/|^[^?#]*\/\/[^/]*\/(livez|readyz|status)([?#]|$)/;

/** Every request of a browser context to the proxy goes to the server; the page sees the address that it asked. */
export function lead(context, playback) {
  return context.route(PATTERN, (route) => {
    const { pathname, search } = new URL(route.request().url());
    return route.continue({ url: `${playback.url}${pathname}${search}` });
  });
}

export const test = base.extend({
  cortexServer: [
    async ({}, use) => {
      const playback = await startPlayback();
      await use(playback);
      await playback.close();
    },
    { scope: "worker" },
  ],
  cortexScenario: [null, { option: true }],
  cortexPace: [1, { option: true }],
  cortex: [
    async ({ context, cortexServer, cortexScenario, cortexPace }, use) => {
      cortexServer.reset();
      Object.assign(cortexServer, { scenario: cortexScenario, pace: cortexPace });
      await lead(context, cortexServer);
      await use(cortexServer);
    },
    { auto: true },
  ],
});

export { expect };
