/** What a page measures, gathered and reported to the proxy: late, together, and never at the cost of an answer. */
import { isOffline } from "./problem.js";
import { startTimer, stopTimer } from "./timer.js";
const PATH = "/metrics/report";
const GATHER_MS = 2_000;
/** Most metrics in one report; contracts/api.py says so. */
const MAX_REPORTED = 50;
/** A silence this long within an answer is a stall: the proxy's own measure, in contracts/telemetry.py. */
const STALL_MS = 5_000;
export class Reporter {
    #transport;
    #session;
    #waiting = [];
    #timer = null;
    #onHide = () => {
        if (document.visibilityState === "hidden")
            this.#leave();
    };
    constructor(transport, session) {
        this.#transport = transport;
        this.#session = session;
        if (typeof document !== "undefined")
            document.addEventListener("visibilitychange", this.#onHide);
    }
    /** Keep a measurement for the next report. */
    add(metric) {
        this.#waiting.push(metric);
        if (this.#waiting.length >= MAX_REPORTED)
            void this.flush();
        else
            this.#timer ??= startTimer(() => void this.flush(), GATHER_MS);
    }
    /** Report what waits. A report that fails is dropped: measuring must not add to what is measured.
     *
     * While the browser is offline nothing is tried: what tells of the outage would be lost to it.
     */
    async flush() {
        if (isOffline())
            return this.#keep();
        const metrics = this.#take();
        const held = this.#session.current;
        if (!metrics.length || !held || Date.now() >= held.endsAt)
            return null;
        const call = { method: "POST", path: PATH, body: { metrics }, token: held.token };
        return this.#transport.json(call, {}).catch(() => null);
    }
    /** Report what waits, and no more. */
    async close() {
        if (typeof document !== "undefined")
            document.removeEventListener("visibilitychange", this.#onHide);
        await this.flush();
        this.#stop();
    }
    /** The newest stay; their turn comes again. */
    #keep() {
        this.#stop();
        this.#waiting = this.#waiting.slice(-MAX_REPORTED);
        this.#timer = startTimer(() => void this.flush(), GATHER_MS);
        return null;
    }
    #stop() {
        stopTimer(this.#timer);
        this.#timer = null;
    }
    #take() {
        this.#stop();
        return this.#waiting.splice(0, MAX_REPORTED);
    }
    /** A page that goes can wait for no answer; a beacon has no headers, so the token travels in the body. */
    #leave() {
        if (isOffline())
            return; // a page that is only hidden comes back
        const held = this.#session.current;
        const metrics = this.#take();
        if (!metrics.length || !held)
            return;
        const body = JSON.stringify({ metrics, token: held.token });
        const url = this.#transport.url(PATH);
        if (typeof navigator.sendBeacon === "function" && navigator.sendBeacon(url, body))
            return;
        const request = { method: "POST", headers: { "content-type": "application/json" }, body, keepalive: true };
        void this.#transport.fetch(url, request).catch(() => { });
    }
}
/** Measures one stream, from the question on. */
export class Stopwatch {
    #report;
    #startedAt = performance.now();
    #waitingSince = this.#startedAt;
    #began = false;
    #hadText = false;
    constructor(report) {
        this.#report = report;
    }
    /** The client begins to wait for the next event; what it does in between is no silence of the stream's. */
    waits() {
        this.#waitingSince = performance.now();
    }
    /** An event has come. */
    saw(event) {
        const now = performance.now();
        if (this.#began)
            this.#silence(now);
        this.#began = true;
        if (event === "response.text.delta" && !this.#hadText) {
            this.#hadText = true;
            this.#report({ name: "time_to_first_token_s", value: (now - this.#startedAt) / 1000 });
        }
    }
    /** The stream is over. */
    ended(outcome) {
        if (outcome === "disconnected" && this.#began)
            this.#silence(performance.now());
        this.#report({ name: "stream_outcome", value: 1, label: outcome });
    }
    #silence(now) {
        const silentMs = now - this.#waitingSince;
        if (silentMs >= STALL_MS)
            this.#report({ name: "stall_s", value: silentMs / 1000 });
    }
}
