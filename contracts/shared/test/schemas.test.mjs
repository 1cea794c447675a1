/** The Zod schemas: one for each component of the document, with the document's own verdicts. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import * as schemas from "@cortex-harness/shared/schemas";
import * as z from "zod";

const read = async (path) => JSON.parse(await readFile(new URL(path, import.meta.url), "utf8"));
const document = await read("../openapi.json");
const golden = await read("../../golden.json");
const components = document.components.schemas;
const accepts = (schema, value) => schema.safeParse(value).success;

test("every component has a schema of its name, and there is no other", () => {
  assert.deepEqual(
    Object.keys(schemas).sort(),
    Object.keys(components)
      .map((name) => `z${name}`)
      .sort(),
  );
});

test("every component has golden payloads of both verdicts", () => {
  const judged = new Set(golden.map(({ schema, valid }) => `${schema} ${valid}`));
  const missing = Object.keys(components).filter((name) => !judged.has(`${name} true`) || !judged.has(`${name} false`));
  assert.deepEqual(missing, []);
});

/** What only the proxy's own rules refuse is fine by the schemas. */
const expected = ({ valid, beyondSchema }) => valid || beyondSchema !== undefined;

for (const name of new Set(golden.map(({ schema }) => schema))) {
  test(`golden payloads of ${name}: the same verdicts`, () => {
    const ours = golden.filter(({ schema }) => schema === name);
    const wrong = ours.filter((each) => accepts(schemas[`z${name}`], each.value) !== expected(each));
    assert.deepEqual(wrong, []);
  });
}

/** The document as JSON Schema alone, in the form that Zod itself reads. */
const definitions = JSON.parse(JSON.stringify(components).replaceAll("#/components/schemas/", "#/$defs/"));

for (const name of Object.keys(components)) {
  test(`Zod's own reading of ${name} agrees`, () => {
    const oracle = z.fromJSONSchema({ $ref: `#/$defs/${name}`, $defs: definitions });
    const ours = golden.filter(({ schema }) => schema === name);
    const wrong = ours.filter(({ value }) => accepts(schemas[`z${name}`], value) !== accepts(oracle, value));
    assert.deepEqual(wrong, []);
  });
}

test("lengths are counted in characters, as the document counts them", () => {
  const chat = (message) => accepts(schemas.zChatRequest, { sessionId: "s", message });
  assert.deepEqual(["🌍".repeat(16_000), "🌍".repeat(16_001), ""].map(chat), [true, false, false]);
});

test("keys are counted", () => {
  const row = (keys) => Object.fromEntries(Array.from({ length: keys }, (_, index) => [`k${index}`, index]));
  const chart = (keys) => accepts(schemas.zChartRequest, { intent: "bars", rows: [row(keys)] });
  assert.deepEqual([0, 1, 50, 51].map(chart), [false, true, true, false]);
});

test("requests refuse what the proxy does not know", () => {
  const result = schemas.zChatRequest.safeParse({ sessionId: "s", message: "m", mood: "good" });
  assert.deepEqual(
    result.error.issues.map(({ code, keys }) => [code, keys]),
    [["unrecognized_keys", ["mood"]]],
  );
});

test("what an event gains is no fault, and no part of what this version knows", () => {
  const known = { event: "response.text.delta", data: { content_index: 0, text: "a" } };
  const gained = { ...known, data: { ...known.data, shine: { bright: true } } };
  assert.deepEqual(schemas.zChatEvent.parse(gained), known);
});

test("times may be written with an offset", () => {
  const [{ value }] = golden.filter(({ schema, valid }) => schema === "SessionToken" && valid);
  const at = (expiresAt) => accepts(schemas.zSessionToken, { ...value, expiresAt });
  assert.deepEqual(
    ["2026-03-02T09:35:00Z", "2026-03-02T10:35:00.5+01:00", "2026-03-02 09:35:00", "2026-03-02T09:35:00"].map(at),
    [true, true, false, false],
  );
});
