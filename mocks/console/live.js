/** The mock's live events, joined again whenever they break off. */

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
const NAMES = ["entry", "frames", "reset"];

/**
 * Dispatches `state` ("connecting", "live" or "away"), and `entry`, `frames`, `reset` with the parsed data as detail.
 * A browser's own EventSource gives up for good after an unsuccessful answer, so pauses and tries are made here.
 */
export class Live extends EventTarget {
  state = "connecting";
  #source = null;
  #pauseMs = FIRST_PAUSE_MS;
  #timer = 0;

  constructor(path) {
    super();
    this.path = path;
  }

  start() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = new EventSource(this.path);
    this.#source.addEventListener("open", () => {
      this.#pauseMs = FIRST_PAUSE_MS;
      this.#become("live");
    });
    this.#source.addEventListener("error", () => this.#again());
    for (const name of NAMES) this.#source.addEventListener(name, (event) => this.#pass(name, event.data));
  }

  stop() {
    clearTimeout(this.#timer);
    this.#source?.close();
  }

  #again() {
    this.stop();
    this.#become("away");
    this.#timer = setTimeout(() => this.start(), this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }

  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }

  #pass(name, data) {
    this.dispatchEvent(new CustomEvent(name, { detail: data ? JSON.parse(data) : null }));
  }
}
