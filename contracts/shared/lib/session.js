/** The session token: fetched once, renewed before it ends, replaced when it cannot be renewed. */
import { ProblemError, unreachable } from "./problem.js";
import { heeding } from "./transport.js";
import { startTimer, stopTimer } from "./timer.js";
const PATH = "/session/token";
const RENEW_BEFORE_MS = 60_000;
const RETRY_RENEWAL_MS = 10_000;
/** A token that ends with its session, give or take the seconds that times are rounded to, cannot be renewed. */
const SAME_END_MS = 1_500;
const SAFETY_MS = 1_000;
const TOKEN_TIMEOUT_MS = 30_000;
export class Session {
    #transport;
    #options;
    #listeners = new Set();
    #current = null;
    #lastId = null;
    #pending = null;
    #timer = null;
    constructor(transport, options) {
        this.#transport = transport;
        this.#options = options;
        const kept = restored(options.keep?.get() ?? null);
        if (!kept)
            return;
        this.#lastId = kept.sessionId; // so that whoever listens is told when it cannot go on
        if (Date.now() >= kept.endsAt - SAFETY_MS)
            return;
        this.#current = kept;
        this.#schedule(kept);
    }
    /** The token in hand, be it fresh or not; null before the first. */
    get current() {
        return this.#current;
    }
    /** A token good for the next request; asks for one where there is none, or where it is about to end.
     *
     * Throws: ProblemError; the signal's reason.
     */
    async token({ signal } = {}) {
        if (this.#current && Date.now() < this.#current.renewsAt)
            return this.#current;
        return this.renew({ signal });
    }
    /** Renew now; callers at the same time share one request.   Throws: ProblemError; the signal's reason. */
    renew({ signal } = {}) {
        this.#pending ??= this.#obtain().finally(() => {
            this.#pending = null;
        });
        return heeding(signal, this.#pending);
    }
    /** Forget a token that the proxy refused, unless it was replaced already: the next request begins a new session. */
    refused(token) {
        if (this.#current?.token === token)
            this.#hold(null);
    }
    /** End the session for all who hold its tokens. The next request begins a new one.   Throws: ProblemError. */
    async end(options = {}) {
        await this.#pending?.catch(() => { }); // or its token would outlive the session here
        const ended = this.#current;
        this.close();
        this.#hold(null);
        this.#lastId = null;
        if (ended && Date.now() < ended.endsAt) {
            await this.#transport.send({ method: "DELETE", path: PATH, token: ended.token }, options);
        }
    }
    /** Hear of new tokens. Returns: a function that ends it. */
    onChange(listener) {
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
    }
    /** Renew no longer of its own accord. */
    close() {
        stopTimer(this.#timer);
    }
    async #obtain() {
        const old = this.#current;
        const renewed = old && canBeRenewed(old) ? await this.#request(old.token).catch(asProblem) : null;
        if (old && renewed instanceof ProblemError && isPassing(renewed))
            return this.#keep(old, renewed);
        const usable = renewed && !(renewed instanceof ProblemError);
        return this.#adopt(usable ? renewed : await this.#request());
    }
    /** A proxy that is away for a moment does not cost the session while the old token still holds. */
    #keep(old, error) {
        if (Date.now() >= old.endsAt - SAFETY_MS)
            throw error;
        const held = { ...old, renewsAt: Math.min(Date.now() + RETRY_RENEWAL_MS, old.endsAt - SAFETY_MS) };
        this.#hold(held);
        this.#schedule(held);
        return held;
    }
    #adopt(next) {
        const { sessionId } = next;
        const replaced = this.#lastId !== null && this.#lastId !== sessionId;
        this.#hold(next);
        this.#lastId = sessionId;
        this.#schedule(next);
        for (const listener of this.#listeners)
            listener(next, replaced);
        return next;
    }
    #hold(next) {
        this.#current = next;
        this.#options.keep?.set(next && JSON.stringify(next));
    }
    #schedule(next) {
        if (!this.#options.renewInBackground)
            return;
        stopTimer(this.#timer);
        const renew = () => void this.renew().catch(() => this.refused(next.token));
        this.#timer = startTimer(renew, Math.max(next.renewsAt - Date.now(), SAFETY_MS));
    }
    async #request(token) {
        const { clientKey, subject } = this.#options;
        const headers = clientKey === undefined ? {} : { "x-client-key": clientKey };
        // A renewal keeps the subject, and refuses to hear it again.
        const body = subject === undefined || token !== undefined ? {} : { subject };
        const call = { method: "POST", path: PATH, body, ...(token === undefined ? {} : { token }) };
        const signal = AbortSignal.timeout(TOKEN_TIMEOUT_MS);
        const sent = await this.#transport.json(call, { headers, signal }).catch((error) => {
            throw error === signal.reason ? unreachable(this.#transport.url(PATH), error) : error;
        });
        return localised(sent, Date.now());
    }
}
/** Times by this machine's clock: lifetimes are sent as durations too, so a wrong clock does no harm. */
function localised(sent, now) {
    const endsAt = now + sent.expiresInS * 1000;
    const skewMs = Date.parse(sent.expiresAt) - endsAt;
    const sessionEndsAt = Date.parse(sent.sessionExpiresAt) - skewMs;
    // A token that lives shorter than the margin is renewed half-way, not in a tight loop.
    const earlyMs = Math.min(RENEW_BEFORE_MS, sent.expiresInS * 500);
    const { token, sessionId } = sent;
    const isLast = sessionEndsAt - endsAt < SAME_END_MS;
    return { token, sessionId, endsAt, renewsAt: endsAt - (isLast ? SAFETY_MS : earlyMs), sessionEndsAt };
}
/** What was kept; null for anything else that may stand there. */
function restored(text) {
    try {
        const kept = JSON.parse(text ?? "null");
        const isWhole = kept !== null &&
            [kept.token, kept.sessionId].every((each) => typeof each === "string") &&
            [kept.endsAt, kept.renewsAt, kept.sessionEndsAt].every(Number.isFinite);
        return isWhole ? kept : null;
    }
    catch {
        return null;
    }
}
function canBeRenewed({ endsAt, sessionEndsAt }) {
    return Date.now() < endsAt && sessionEndsAt - endsAt >= SAME_END_MS;
}
function asProblem(error) {
    if (error instanceof ProblemError)
        return error;
    throw error;
}
function isPassing({ status, retryable }) {
    return status === 429 || status >= 500 || (retryable && status !== 401);
}
