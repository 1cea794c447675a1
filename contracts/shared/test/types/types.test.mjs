/** The types, as a compiler sees them: for a page, for Node, for a bundler; and nowhere `any`. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import ts from "typescript";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/** What the compiler finds in the consumer and in our own types; those of Zod and of Node are not ours to check. */
function compiled(project) {
  const { config } = ts.readConfigFile(project, ts.sys.readFile);
  const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, dirname(project));
  const program = ts.createProgram(fileNames, options);
  const consumers = fileNames.map((name) => program.getSourceFile(name));
  const types = program.getSourceFiles().filter(({ fileName }) => /shared\/lib\/.*\.d\.ts$/.test(fileName));
  const faults = [
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...[...consumers, ...types].flatMap((file) => [
      ...program.getSyntacticDiagnostics(file),
      ...program.getSemanticDiagnostics(file),
    ]),
  ];
  return { types, faults: faults.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n")) };
}

/** Where `any` stands in a file. */
function anys(file) {
  const found = [];
  const look = (node) => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) {
      found.push(`${file.fileName}:${file.getLineAndCharacterOfPosition(node.pos).line + 1}`);
    }
    ts.forEachChild(node, look);
  };
  look(file);
  return found;
}

for (const project of ["page", "node", "bundler"]) {
  test(`a consumer compiles, and what it must not write is refused: ${project}`, () => {
    const { types, faults } = compiled(at(`./${project}.json`));
    assert.deepEqual(faults, []);
    assert.ok(types.length >= 12, "the types are those that are published");
    assert.deepEqual(types.flatMap(anys), []);
  });
}

test("an any would be found", () => {
  const file = ts.createSourceFile(
    "made.d.ts",
    "export type A = {\n  b: Record<string, any>;\n};",
    ts.ScriptTarget.ES2022,
    true,
  );
  assert.deepEqual(anys(file), ["made.d.ts:2"]);
});

test("every component of the document has a type of its name", async () => {
  const { components } = JSON.parse(await readFile(at("../../openapi.json"), "utf8"));
  const types = await readFile(at("../../lib/generated/model.d.ts"), "utf8");
  const named = [...types.matchAll(/^export type (\w+) = components\["schemas"\]\["\1"\];$/gm)].map(([, name]) => name);
  assert.deepEqual(named.sort(), Object.keys(components.schemas).sort());
});
