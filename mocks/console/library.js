/** The cassettes, fetched when first looked at and kept; the mock reads them once, too. */

import { ask } from "./api.js";

const FIELD = /^data: ?(.*)$/gm;

const MAX_KEPT = 20;

export class Library {
  #list = null;
  #tapes = new Map();

  /** Every cassette, without its frames. */
  list() {
    this.#list ??= ask("cassettes").catch((error) => {
      this.#list = null;
      throw error;
    });
    return this.#list;
  }

  /** Fetch everything anew when it is next asked for. */
  forget() {
    this.#list = null;
    this.#tapes.clear();
  }

  /** One cassette with its frames. */
  async tape(name) {
    if (!this.#tapes.has(name)) {
      this.#tapes.set(name, withPayloads(await ask(`cassettes/${name.split("/").map(encodeURIComponent).join("/")}`)));
      if (this.#tapes.size > MAX_KEPT) this.#tapes.delete(this.#tapes.keys().next().value);
    }
    return this.#tapes.get(name);
  }
}

function withPayloads(tape) {
  const interactions = tape.interactions.map((each) => ({
    ...each,
    frames: each.frames.map(([at, bytes, event, text]) => [at, bytes, event, payload(text)]),
  }));
  return { ...tape, interactions };
}

/** The data of an event's text; a comment, or the part of a plain body, is all there is. */
export function payload(text) {
  const lines = [...text.replace(/\r\n?/g, "\n").matchAll(FIELD)].map(([, value]) => value);
  return lines.length ? lines.join("\n") : text.trim();
}
