/** The parser of event streams: WHATWG's rules, whatever the transport does to the bytes. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { SseParser } from "@cortex-harness/shared";

const STREAM =
  '\ufeffevent: a\r\ndata: {"text":"Zürich 東京 🌍"}\r\n\r\n' +
  ": heartbeat\n\n" +
  "event: b\rdata: one\rdata:two\rdata\r\r" +
  "data: no name\n\n" +
  "id: 7\nretry: 10\nevent: empty\n\n" +
  "event: c\nunknown: field\ndata:  two spaces\n\n" +
  "event: cut\ndata: never ended\n";

const FRAMES = [
  { event: "a", data: '{"text":"Zürich 東京 🌍"}' },
  { event: "b", data: "one\ntwo\n" },
  { event: "message", data: "no name" },
  { event: "c", data: " two spaces" },
];

function parse(chunks) {
  const parser = new SseParser();
  return [...chunks.flatMap((chunk) => parser.feed(chunk)), ...parser.end()];
}

const encoded = (text) => new TextEncoder().encode(text);

test("a stream cut at any byte gives the same events", () => {
  const bytes = encoded(STREAM);
  for (const at of bytes.keys()) assert.deepEqual(parse([bytes.slice(0, at), bytes.slice(at)]), FRAMES, `cut at ${at}`);
  assert.deepEqual(parse([...bytes].map((byte) => Uint8Array.of(byte))), FRAMES);
});

test("a stream cut at any two bytes gives the same events", () => {
  const bytes = encoded("event: é\r\ndata: 🌍\r\n\r\n");
  for (const from of bytes.keys()) {
    for (let to = from; to < bytes.length; to += 1) {
      const cut = [bytes.slice(0, from), bytes.slice(from, to), bytes.slice(to)];
      assert.deepEqual(parse(cut), [{ event: "é", data: "🌍" }]);
    }
  }
});

test("bytes that are no UTF-8 become replacement characters and harm nothing else", () => {
  const bytes = Uint8Array.from([...encoded("data: a"), 0xff, 0xc3, ...encoded("b\n\ndata: next\n\n")]);
  const frames = [
    { event: "message", data: "a\ufffd\ufffdb" },
    { event: "message", data: "next" },
  ];
  for (const at of bytes.keys()) assert.deepEqual(parse([bytes.slice(0, at), bytes.slice(at)]), frames);
});

test("a carriage return ends an event at once, without waiting for a line feed", () => {
  assert.deepEqual(new SseParser().feed(encoded("data: x\r\r")), [{ event: "message", data: "x" }]);
});

test("only the first byte order mark is none of the text", () => {
  assert.deepEqual(parse([encoded("\ufeffdata: \ufeffx\n\n")]), [{ event: "message", data: "\ufeffx" }]);
});

test("a line of megabytes may come in thousands of pieces", () => {
  const parser = new SseParser();
  const piece = encoded("x".repeat(1024));
  parser.feed(encoded("data: "));
  for (let count = 0; count < 4096; count += 1) assert.deepEqual(parser.feed(piece), []);
  const [frame] = parser.feed(encoded("\n\n"));
  assert.equal(frame.data.length, 4096 * 1024);
});
