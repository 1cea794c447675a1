import { expect, test, type Scenario } from "@cortex-harness/playwright";

/** What a page that asks reads, chunk by chunk. */
async function ask(this: void): Promise<string[]> {
  const headers = { authorization: "Bearer anything", "content-type": "application/json" };
  const body = JSON.stringify({ sessionId: "a-session", message: "What is the refund deadline?" });
  const answer = await fetch("/api/v1/chat", { method: "POST", headers, body });
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  const chunks: string[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return chunks;
    chunks.push(value);
  }
}

test("frames arrive one by one, each at its time", async ({ page, cortex }) => {
  expect(cortex.scenario).toBeNull();
  await page.goto("/");
  const chunks = await page.evaluate(ask);
  expect(chunks.length).toBeGreaterThan(4);
  expect(chunks.join("")).toContain("event: proxy.end");
});

test.describe("a chosen scenario", () => {
  const throttled: Scenario = "throttled";
  test.use({ cortexScenario: throttled, cortexPace: 0 });

  test("is played", async ({ page, cortex }) => {
    await page.goto("/");
    expect((await page.evaluate(ask)).join("")).toContain("upstream-throttled");
    cortex.scenario = "none";
    expect((await page.evaluate(ask)).join("")).toContain("event: response\n");
  });
});

test("a name that is none does not compile", ({ cortex }) => {
  // @ts-expect-error - no such scenario
  cortex.scenario = "nothing_of_the_kind";
});
