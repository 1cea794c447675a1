/**
 * Writes what stands in src/generated: types, Zod schemas, and the names of events and problems.
 *
 * usage: node generate.mjs OPENAPI_JSON FOLDER
 */

import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createClient } from "@hey-api/openapi-ts";
import openapiTypes, { astToString } from "openapi-typescript";

const BANNER =
  "// Generated from contracts/openapi.yaml by `python3 harness.py contracts typescript`. Do not edit.\n\n";

/** Words of JSON Schema that types and Zod schemas both express, or that say nothing about validity. */
const EXPRESSED = new Set(
  `$ref additionalProperties anyOf const default description discriminator enum examples format items maxItems
   maxLength maxProperties maximum minItems minLength minProperties minimum oneOf pattern properties required title
   type`.split(/\s+/),
);

const [, , source, folder] = process.argv;
const document = JSON.parse(await readFile(source, "utf8"));
const { openapi, info } = document;
const { schemas, examples } = document.components;

for (const [name, schema] of Object.entries(schemas)) refuseUnknownWords(schema, name);
await mkdir(folder, { recursive: true });
await writeFile(join(folder, "api.ts"), BANNER + (await types()));
await writeFile(join(folder, "zod.ts"), BANNER + (await zodSchemas()));
await writeFile(join(folder, "model.ts"), BANNER + model());

/** A word that a generator silently leaves out would make a schema that accepts too much. */
function refuseUnknownWords(schema, where) {
  for (const word of Object.keys(schema)) {
    if (!EXPRESSED.has(word)) throw new Error(`${where}: the Zod schemas cannot express '${word}'; teach generate.mjs`);
  }
  if (schema.properties && typeof schema.additionalProperties === "object") {
    throw new Error(`${where}: the Zod schemas cannot express fields beside those with names; teach generate.mjs`);
  }
  for (const [name, each] of Object.entries(schema.properties ?? {})) refuseUnknownWords(each, `${where}.${name}`);
  for (const word of ["items", "additionalProperties"]) {
    if (typeof schema[word] === "object") refuseUnknownWords(schema[word], `${where}.${word}`);
  }
  for (const each of [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) refuseUnknownWords(each, where);
}

async function types() {
  const nodes = await openapiTypes(structuredClone(document), {
    alphabetize: true,
    defaultNonNullable: false, // what has a default may be left out of a request
    emptyObjectsUnknown: true,
    silent: true,
  });
  return astToString(nodes);
}

async function zodSchemas() {
  const output = await mkdtemp(join(tmpdir(), "zod-"));
  try {
    await createClient({
      input: { openapi, info, paths: {}, components: { schemas } },
      output: { path: output, header: [] },
      parser: { filters: { orphans: true } },
      plugins: [{ name: "zod", dates: { offset: true }, $resolvers: { object, string } }],
      logs: { level: "silent", file: false },
    });
    return await readFile(join(output, "zod.gen.ts"), "utf8");
  } finally {
    await rm(output, { recursive: true });
  }
}

/** Left alone, the plugin takes every object for one that drops what it does not know, and counts no keys. */
function object(ctx) {
  const { $, schema, symbols, nodes } = ctx;
  const additional = schema.additionalProperties?.type;
  const kind = { never: "strictObject", unknown: "looseObject" }[additional];
  const isRecord = Object.keys(schema.properties ?? {}).length === 0;
  const object = () => $(symbols.z).attr(kind ?? "object");
  const made = isRecord && additional !== "never" ? nodes.base(ctx) : object().call(nodes.shape(ctx));
  const { minProperties, maxProperties } = original(ctx.path["~ref"]);
  return bounded(ctx, bounded(ctx, made, "minKeys", minProperties), "maxKeys", maxProperties);
}

/** JSON Schema counts characters, Zod counts UTF-16's halves of them. Only the counting changes here. */
function string(ctx) {
  ctx.nodes.length = () => undefined;
  ctx.nodes.minLength = ({ chain, schema }) => bounded(ctx, chain.current, "minCharacters", schema.minLength);
  ctx.nodes.maxLength = ({ chain, schema }) => bounded(ctx, chain.current, "maxCharacters", schema.maxLength);
}

function bounded({ $, plugin }, chain, check, bound) {
  if (bound === undefined) return chain;
  return chain.attr("check").call($(plugin.symbol(check, { external: "../bounds.js" })).call($.fromValue(bound)));
}

/** The schema at a path of the plugin's, which calls the members of a union and the items of an array alike. */
function original(path) {
  let schema = document;
  for (let at = 0; at < path.length; at += 1) {
    const members = path[at] === "items" ? (schema.anyOf ?? schema.oneOf ?? [schema.items]) : null;
    schema = members ? members[path[(at += 1)]] : schema[path[at]];
    if (schema === undefined) throw new Error(`there is nothing at ${path.join("/")} of the document`);
  }
  return schema;
}

function model() {
  const { ChatEvent, AnalystEvent } = schemas;
  const kinds = Object.values(examples).map(({ value }) => value.type.split("/").pop());
  return [
    list("Names of the events of a chat that this version knows; more may come.", "CHAT_EVENTS", eventNames(ChatEvent)),
    list("The same of Cortex Analyst's stream.", "ANALYST_EVENTS", eventNames(AnalystEvent)),
    list("The last parts of the types of the proxy's problems; more may come.", "PROBLEM_KINDS", kinds.sort()),
    'import type { components } from "./api.js";\n',
    ...Object.keys(schemas).map((name) => `export type ${name} = components["schemas"]["${name}"];`),
    "",
  ].join("\n");
}

function list(about, name, all) {
  return `/** ${about} */\nexport const ${name} = ${JSON.stringify(all, null, 2)} as const;\n`;
}

function eventNames(union) {
  return Object.keys(union.discriminator.mapping).sort();
}
