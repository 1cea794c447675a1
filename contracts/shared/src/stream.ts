/** A stream's body as frames, until its last one, an abort, or its loss. */

import { ConnectionLostError } from "./problem.js";
import { SseParser, type Frame } from "./sse.js";
import { startTimer, stopTimer } from "./timer.js";

/** How long the server may take to close a stream that is over, so that its connection can be used again. */
const CLOSING_MS = 1_000;

export interface StreamLimits {
  readonly signal?: AbortSignal | undefined;
  /** Longest time without a byte. The proxy sends a heartbeat every 15 s. */
  readonly silenceS: number;
  /** Finds the request; what the proxy says of it itself counts once it has said so. */
  traceId: string;
  /** Whether nothing follows this frame. */
  isLast(frame: Frame): boolean;
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** Yield the frames. Leaving the loop cancels the request.
 *
 * Throws: ConnectionLostError when the stream breaks or falls silent; the signal's reason.
 */
export async function* readFrames(body: ReadableStream<Uint8Array>, limits: StreamLimits): AsyncGenerator<Frame, void> {
  const { signal, isLast } = limits;
  const reader = body.getReader();
  const parser = new SseParser();
  const cancel = () => void reader.cancel().catch(() => {}); // ends a read that waits, too
  signal?.addEventListener("abort", cancel, { once: true });
  let over = false;
  try {
    while (!over) {
      const { done, value } = await readWithin(reader, limits);
      for (const frame of done ? parser.end() : parser.feed(value)) {
        signal?.throwIfAborted();
        over = isLast(frame);
        yield frame;
        if (over) break;
      }
      if (done) return;
    }
  } finally {
    signal?.removeEventListener("abort", cancel);
    if (over) void drain(reader);
    else cancel();
  }
}

type Chunk = { readonly done: true; readonly value?: undefined } | { readonly done: false; readonly value: Uint8Array };

/** The next bytes.   Throws: ConnectionLostError; the signal's reason. */
async function readWithin(reader: Reader, { signal, silenceS, traceId }: StreamLimits): Promise<Chunk> {
  signal?.throwIfAborted();
  let silent = false;
  const timer = startTimer(() => {
    silent = true;
    void reader.cancel().catch(() => {});
  }, silenceS * 1000);
  try {
    const chunk = await reader.read();
    signal?.throwIfAborted();
    if (silent) throw new ConnectionLostError(`Nothing came for ${silenceS} s.`, traceId);
    return chunk as Chunk;
  } catch (error) {
    if (error instanceof ConnectionLostError) throw error;
    signal?.throwIfAborted();
    throw new ConnectionLostError("The answer stopped before its end.", traceId, { cause: error });
  } finally {
    stopTimer(timer);
  }
}

async function drain(reader: Reader): Promise<void> {
  const timer = startTimer(() => void reader.cancel().catch(() => {}), CLOSING_MS);
  try {
    while (!(await reader.read()).done);
  } catch {
    // It is over either way.
  } finally {
    stopTimer(timer);
  }
}
