/**
 * Server-sent events, decoded from bytes that may be cut anywhere.
 * Source: WHATWG HTML, "Interpreting an event stream".
 */

const LINE_END = /\r\n|\r|\n/g;

/** One event of a stream, its data not yet read. */
export interface Frame {
  readonly event: string;
  readonly data: string;
}

/** Feed it bytes as they come; it returns each event as soon as its blank line has arrived. */
export class SseParser {
  // A stream decoder keeps half a character until its other half comes, and drops a leading byte order mark.
  readonly #decoder = new TextDecoder("utf-8");
  /** Pieces of the line that has not ended. They are joined once, when it ends: a line may have megabytes. */
  #pieces: string[] = [];
  #afterCarriageReturn = false;
  #event = "";
  #data: string[] = [];

  /** Take the next bytes; return the events they complete. */
  feed(bytes: Uint8Array): Frame[] {
    return this.#read(this.#decoder.decode(bytes, { stream: true }));
  }

  /** Take the end of the stream; an event without its blank line is dropped, as the standard asks. */
  end(): Frame[] {
    const frames = this.#read(this.#decoder.decode());
    this.#pieces = [];
    this.#event = "";
    this.#data = [];
    return frames;
  }

  #read(text: string): Frame[] {
    if (!text) return [];
    // A CR already ended the line, so the LF of a pair that was cut in two must not end another.
    const fresh = this.#afterCarriageReturn && text.startsWith("\n") ? text.slice(1) : text;
    this.#afterCarriageReturn = text.endsWith("\r");
    const frames: Frame[] = [];
    let start = 0;
    LINE_END.lastIndex = 0;
    for (let end = LINE_END.exec(fresh); end; end = LINE_END.exec(fresh)) {
      this.#pieces.push(fresh.slice(start, end.index));
      const frame = this.#line(this.#pieces.join(""));
      if (frame) frames.push(frame);
      this.#pieces = [];
      start = LINE_END.lastIndex;
    }
    if (start < fresh.length) this.#pieces.push(fresh.slice(start));
    return frames;
  }

  #line(line: string): Frame | null {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return null; // a comment: the proxy's heartbeat
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "event") this.#event = value;
    if (field === "data") this.#data.push(value);
    return null;
  }

  #dispatch(): Frame | null {
    const frame = this.#data.length ? { event: this.#event || "message", data: this.#data.join("\n") } : null;
    this.#event = "";
    this.#data = [];
    return frame;
  }
}
