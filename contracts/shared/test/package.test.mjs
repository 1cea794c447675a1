/** What is published: its size, its pages, and how a browser would load it. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";

import * as api from "@cortex-harness/shared";
import { build } from "esbuild";

import { END, START, frame, json, problem, startProxy, stream, text } from "./proxy.mjs";

const ROOT = new URL("../", import.meta.url);
const MOST_BYTES = 6_000;
const read = (path) => readFile(new URL(path, ROOT), "utf8");

/** What a module prints; it must come to its end by itself. */
async function run(code) {
  const options = { cwd: ROOT, timeout: 30_000 };
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", code], options);
  return stdout.trim();
}

async function bundle(entry, external = []) {
  const options = { bundle: true, minify: true, format: "esm", platform: "browser", metafile: true, write: false };
  const { outputFiles, metafile } = await build({ entryPoints: [new URL(entry, ROOT).pathname], external, ...options });
  return { bytes: gzipSync(outputFiles[0].contents).length, files: Object.keys(metafile.inputs) };
}

test("the client is small, and needs nothing but itself", async (t) => {
  const { bytes, files } = await bundle("lib/index.js");
  t.diagnostic(`${bytes} bytes, minified and compressed`);
  assert.ok(bytes <= MOST_BYTES, `${bytes} bytes are more than ${MOST_BYTES}`);
  assert.deepEqual(
    files.filter((file) => /zod|node_modules/.test(file)),
    [],
  );
});

test("every file that a browser loads names the others as it can find them", async () => {
  const seen = new Set();
  const follow = async (url) => {
    if (seen.has(url.href)) return;
    seen.add(url.href);
    const code = await readFile(url, "utf8");
    assert.doesNotMatch(code, /\b(?:require\(|process\.|Buffer\b|node:)/, url.href);
    for (const [, path] of code.matchAll(/^(?:import|export)\b[^;]*? from "([^"]+)";$/gm)) {
      assert.match(path, /^\.\.?\/.*\.js$/, url.href);
      await follow(new URL(path, url));
    }
  };
  await follow(new URL("lib/index.js", ROOT));
  assert.equal(seen.size, 12);
});

test("what is promised is exported", () => {
  const promised = [
    "createClient",
    "ProblemError",
    "ConnectionLostError",
    "isKnown",
    "newTrace",
    "traceparent",
    "SseParser",
  ];
  assert.deepEqual(Object.keys(api).sort(), [...promised, "ANALYST_EVENTS", "CHAT_EVENTS", "PROBLEM_KINDS"].sort());
});

test("a client keeps no process alive", async (t) => {
  const proxy = await startProxy(t, {});
  const code = `
    import { createClient } from "@cortex-harness/shared";
    const client = createClient({ baseUrl: "${proxy.url}", renewInBackground: true, metrics: true });
    await client.session.token();
    client.measure({ name: "cls", value: 0.1 });`;
  await run(code);
  assert.equal(proxy.asked.length, 1);
});

const ANSWERS = ["completed Net sales", "AbortError", "422 false Refused", "true true", "true", "true false"];
const snippets = [...(await read("README.md")).matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code);

test("every snippet of the README is one of these", () => {
  assert.equal(snippets.length, ANSWERS.length);
});

for (const [index, answer] of ANSWERS.entries()) {
  test(`snippet ${index + 1} of the README does what it says`, async (t) => {
    const proxy = await startProxy(t, {
      "POST /chat": stream(START, text("Net "), frame("response.news", {}), text("sales"), END),
      "POST /tools/sql": problem("sql-refused", 422),
      "DELETE /session/token": (_, response) => response.writeHead(204).end(),
      "GET /status": json({}),
    });
    const code = snippets[index].replaceAll("http://127.0.0.1:8080", proxy.url);
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", code], {
      cwd: ROOT,
    });
    assert.equal(stdout.trim(), answer);
  });
}
