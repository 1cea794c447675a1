/** What a page measures, gathered and reported to the proxy: late, together, and never at the cost of an answer. */

import type { ClientMetric, MetricsReceipt } from "./generated/model.js";
import { isOffline } from "./problem.js";
import type { Session } from "./session.js";
import { startTimer, stopTimer, type Timer } from "./timer.js";
import type { Transport } from "./transport.js";

const PATH = "/metrics/report";
const GATHER_MS = 2_000;
/** Most metrics in one report; contracts/api.py says so. */
const MAX_REPORTED = 50;
/** A silence this long within an answer is a stall: the proxy's own measure, in contracts/telemetry.py. */
const STALL_MS = 5_000;

/** How a stream ended, as the client saw it. */
export type StreamOutcome = "completed" | "error" | "aborted" | "disconnected";

export class Reporter {
  readonly #transport: Transport;
  readonly #session: Session;
  #waiting: ClientMetric[] = [];
  #timer: Timer | null = null;
  readonly #onHide = () => {
    if (document.visibilityState === "hidden") this.#leave();
  };

  constructor(transport: Transport, session: Session) {
    this.#transport = transport;
    this.#session = session;
    if (typeof document !== "undefined") document.addEventListener("visibilitychange", this.#onHide);
  }

  /** Keep a measurement for the next report. */
  add(metric: ClientMetric): void {
    this.#waiting.push(metric);
    if (this.#waiting.length >= MAX_REPORTED) void this.flush();
    else this.#timer ??= startTimer(() => void this.flush(), GATHER_MS);
  }

  /** Report what waits. A report that fails is dropped: measuring must not add to what is measured.
   *
   * While the browser is offline nothing is tried: what tells of the outage would be lost to it.
   */
  async flush(): Promise<MetricsReceipt | null> {
    if (isOffline()) return this.#keep();
    const metrics = this.#take();
    const held = this.#session.current;
    if (!metrics.length || !held || Date.now() >= held.endsAt) return null;
    const call = { method: "POST", path: PATH, body: { metrics }, token: held.token } as const;
    return this.#transport.json<MetricsReceipt>(call, {}).catch(() => null);
  }

  /** Report what waits, and no more. */
  async close(): Promise<void> {
    if (typeof document !== "undefined") document.removeEventListener("visibilitychange", this.#onHide);
    await this.flush();
    this.#stop();
  }

  /** The newest stay; their turn comes again. */
  #keep(): null {
    this.#stop();
    this.#waiting = this.#waiting.slice(-MAX_REPORTED);
    this.#timer = startTimer(() => void this.flush(), GATHER_MS);
    return null;
  }

  #stop(): void {
    stopTimer(this.#timer);
    this.#timer = null;
  }

  #take(): ClientMetric[] {
    this.#stop();
    return this.#waiting.splice(0, MAX_REPORTED);
  }

  /** A page that goes can wait for no answer; a beacon has no headers, so the token travels in the body. */
  #leave(): void {
    if (isOffline()) return; // a page that is only hidden comes back
    const held = this.#session.current;
    const metrics = this.#take();
    if (!metrics.length || !held) return;
    const body = JSON.stringify({ metrics, token: held.token });
    const url = this.#transport.url(PATH);
    if (typeof navigator.sendBeacon === "function" && navigator.sendBeacon(url, body)) return;
    const request = { method: "POST", headers: { "content-type": "application/json" }, body, keepalive: true };
    void this.#transport.fetch(url, request).catch(() => {});
  }
}

/** Measures one stream, from the question on. */
export class Stopwatch {
  readonly #report: (metric: ClientMetric) => void;
  readonly #startedAt = performance.now();
  #waitingSince = this.#startedAt;
  #began = false;
  #hadText = false;

  constructor(report: (metric: ClientMetric) => void) {
    this.#report = report;
  }

  /** The client begins to wait for the next event; what it does in between is no silence of the stream's. */
  waits(): void {
    this.#waitingSince = performance.now();
  }

  /** An event has come. */
  saw(event: string): void {
    const now = performance.now();
    if (this.#began) this.#silence(now);
    this.#began = true;
    if (event === "response.text.delta" && !this.#hadText) {
      this.#hadText = true;
      this.#report({ name: "time_to_first_token_s", value: (now - this.#startedAt) / 1000 });
    }
  }

  /** The stream is over. */
  ended(outcome: StreamOutcome): void {
    if (outcome === "disconnected" && this.#began) this.#silence(performance.now());
    this.#report({ name: "stream_outcome", value: 1, label: outcome });
  }

  #silence(now: number): void {
    const silentMs = now - this.#waitingSince;
    if (silentMs >= STALL_MS) this.#report({ name: "stall_s", value: silentMs / 1000 });
  }
}
