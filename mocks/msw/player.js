// The player: frames leave at absolute deadlines, byte for byte, so that an early frame's delay never shifts a later
// one. A reader that does not read is waited for: nothing is made before it is asked for.

/** Milliseconds on a clock that never jumps. */
export const now = () => performance.now();

/**
 * Resolves when the clock has reached `dueMs`, never before; rejects with the signal's reason when that comes first.
 * @param {number} dueMs
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export function sleepUntil(dueMs, signal) {
  return new Promise((resolve, reject) => {
    let timer;
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const wake = () => {
      const leftMs = dueMs - now();
      if (leftMs > 0) {
        timer = setTimeout(wake, leftMs); // a timer may fire early, hence the second look
        return;
      }
      signal?.removeEventListener("abort", abort);
      resolve();
    };
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    signal?.addEventListener("abort", abort, { once: true });
    wake();
  });
}

/**
 * The body of an answer as a stream that is paced.
 * @param {import("./stage.js").Plan} plan
 * @param {number} startedMs when the request came, on the clock of `now`
 * @param {AbortSignal} [signal] of the request
 * @returns {ReadableStream<Uint8Array>}
 */
export function paced(plan, startedMs, signal) {
  const leaving = new AbortController();
  const leave = () => leaving.abort(signal.reason);
  let sent = 0;
  const end = () => {
    signal?.removeEventListener("abort", leave);
    plan.ended(sent);
  };
  return new ReadableStream({
    start() {
      if (signal?.aborted) leave();
      else signal?.addEventListener("abort", leave, { once: true });
    },
    async pull(controller) {
      const frame = plan.frames[sent];
      try {
        await sleepUntil(startedMs + (frame?.dueMs ?? plan.endsMs), leaving.signal);
      } catch (reason) {
        end();
        controller.error(reason);
        return;
      }
      if (frame !== undefined) {
        sent += 1;
        controller.enqueue(frame.data);
        return;
      }
      end();
      if (plan.ends === "clean") controller.close();
      else controller.error(new TypeError("network error")); // what fetch says of a connection that breaks
    },
    cancel() {
      leaving.abort();
      end();
    },
  });
}
