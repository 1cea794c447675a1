/** The session token: fetched once, renewed before it ends, replaced when it cannot be renewed. */

import { ProblemError, UNREACHABLE, readProblem } from "./problem.js";

const TOKEN_URL = "/api/v1/session/token";
const RENEW_BEFORE_MS = 60_000;
const RETRY_RENEWAL_MS = 10_000;

export class Session extends EventTarget {
  #current = null;
  #lastSessionId = null;
  #pending = null;
  #timer = 0;

  /** A token good for the next request: {token, sessionId, endsAt, renewsAt, sessionEndsAt}. */
  async ensure() {
    if (this.#current && Date.now() < this.#current.renewsAt) return this.#current;
    return this.renew();
  }

  /** Renew now; concurrent callers share one request. Raises: ProblemError. */
  renew() {
    this.#pending ??= this.#obtain().finally(() => {
      this.#pending = null;
    });
    return this.#pending;
  }

  /** Forget a token that the proxy refused, so that the next request begins a new session. */
  drop() {
    this.#current = null;
  }

  get current() {
    return this.#current;
  }

  async #obtain() {
    const old = this.#current;
    const renewed = old && Date.now() < old.endsAt ? await this.#request(old.token).catch(asRefusal) : null;
    if (renewed instanceof ProblemError && isPassing(renewed)) return this.#keep(old, renewed);
    const usable = renewed && !(renewed instanceof Error);
    const next = usable ? renewed : await this.#request(null);
    this.#adopt(next);
    return next;
  }

  /** A proxy that is away for a moment does not cost the session while the old token still holds. */
  #keep(old, error) {
    if (Date.now() >= old.endsAt - 1000) throw error;
    this.#schedule(RETRY_RENEWAL_MS);
    return old;
  }

  #adopt(next) {
    this.#current = next;
    this.#schedule(next.renewsAt - Date.now());
    this.dispatchEvent(new Event("change"));
    const replaced = this.#lastSessionId !== null && this.#lastSessionId !== next.sessionId;
    this.#lastSessionId = next.sessionId;
    if (replaced) this.dispatchEvent(new Event("replaced"));
  }

  #schedule(delayMs) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.renew().catch(() => this.drop()), Math.max(delayMs, 1000));
  }

  async #request(token) {
    const headers = { "Content-Type": "application/json" };
    if (token) headers.Authorization = `Bearer ${token}`;
    const response = await fetch(TOKEN_URL, { method: "POST", headers, body: "{}" }).catch(() => {
      throw new ProblemError(UNREACHABLE);
    });
    if (!response.ok) throw new ProblemError(await readProblem(response));
    return localised(await response.json(), Date.now());
  }
}

/** Times by this machine's clock: lifetimes are sent as durations too, so a wrong clock does no harm. */
function localised(body, now) {
  const endsAt = now + body.expiresInS * 1000;
  const skewMs = Date.parse(body.expiresAt) - endsAt;
  return {
    token: body.token,
    sessionId: body.sessionId,
    endsAt,
    // A token that lives shorter than the margin is renewed half-way, not in a tight loop.
    renewsAt: endsAt - Math.min(RENEW_BEFORE_MS, body.expiresInS * 500),
    sessionEndsAt: Date.parse(body.sessionExpiresAt) - skewMs,
  };
}

function asRefusal(error) {
  if (error instanceof ProblemError) return error;
  throw error;
}

function isPassing(error) {
  return error.problem === UNREACHABLE || error.problem.status >= 500 || error.problem.status === 429;
}
