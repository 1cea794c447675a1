/** The newest exchanges, kept up to date by the mock's live events. Bounded; the oldest go first. */

import { ask } from "./api.js";
import { fits } from "./exchange.js";

export const MAX_ENTRIES = 300;
const MAX_FRAMES = 2000;
const MAX_NAMES = 100;
const MAX_REPAIRED = 50;
const REPAIR_AFTER_MS = 400;
const MAX_EARLY = 50;
const PAGE = 100;

/** Dispatches `change` when entries came, went or moved on. */
export class Journal extends EventTarget {
  state = "loading";
  problem = null;
  next = null;
  filter = {};
  names = { path: new Set(), scenario: new Set(), test: new Set() };
  #entries = new Map();
  #loading = 0;
  #lacking = new Set();
  #early = new Map();
  #repair = 0;

  /** Newest first. */
  get entries() {
    return [...this.#entries.values()].sort((a, b) => b.id - a.id);
  }

  get isFull() {
    return this.#entries.size >= MAX_ENTRIES;
  }

  entry(id) {
    return this.#entries.get(id);
  }

  /** Hold only exchanges that fit, old ones fetched anew. */
  narrow(filter) {
    this.filter = filter;
    return this.reset();
  }

  /** Fetch the newest page; what is held already stays when it is newer. */
  load() {
    return this.#fetch(null);
  }

  /** Fetch the page before the oldest held exchange. */
  older() {
    return this.#fetch(this.next);
  }

  async #fetch(before) {
    const turn = ++this.#loading;
    try {
      const { outcome, ...others } = this.filter;
      const query = { ...others, test: null, test_id: this.filter.test, timeline: true, limit: PAGE, before };
      if (outcome && outcome !== "running") query.outcome = outcome;
      const response = await ask("journal", { query, wanted: "response" });
      const found = await response.json();
      if (turn !== this.#loading) return;
      this.next = response.headers.get("x-mock-next");
      this.state = "loaded";
      this.problem = null;
      for (const entry of found) this.#merge(entry);
    } catch (error) {
      if (turn !== this.#loading) return;
      this.state = "failed";
      this.problem = error;
    }
    this.#changed();
  }

  /** Take an exchange as the mock tells it now. */
  take(entry) {
    this.#merge(entry);
    this.#changed();
  }

  /** Take frames that left just now. */
  takeFrames({ id, timeline }) {
    const entry = this.#entries.get(id);
    if (!entry) this.#early.set(id, [...(this.#early.get(id) ?? []), ...timeline]);
    if (this.#early.size > MAX_EARLY) this.#early.delete(this.#early.keys().next().value);
    if (!entry || !timeline.length || isComplete(entry)) return;
    const held = entry.timeline;
    const at = placeOf(timeline[0], held);
    entry.timeline = [...held.slice(0, at), ...timeline, ...held.slice(at + timeline.length)];
    entry.frames_sent = Math.max(entry.frames_sent, sent(entry.timeline));
    entry.version += 1;
    this.#changed();
  }

  /** Fetch an exchange with all its frames, those that are still to come included; one that is gone changes nothing. */
  async complete(id) {
    try {
      this.take(await ask(`journal/${id}`));
    } catch (error) {
      if (error.status !== 404) throw error;
    }
  }

  /** The mock's journal was cleared, wholly or for one test. */
  reset() {
    this.#entries.clear();
    this.next = null; // it continued what is held no longer
    return this.load();
  }

  #merge(entry) {
    this.#remember(entry);
    if (!fits(entry, this.filter)) {
      this.#entries.delete(entry.id);
      return;
    }
    const held = this.#entries.get(entry.id);
    if (hasEnded(held) && !hasEnded(entry)) return;
    const timeline = sent(entry.timeline) >= sent(held?.timeline) ? (entry.timeline ?? held?.timeline) : held.timeline;
    this.#entries.set(entry.id, { ...entry, timeline: timeline ?? [], version: (held?.version ?? 0) + 1 });
    this.#useEarly(entry.id);
    if (lacksFrames(this.#entries.get(entry.id))) this.#completeSoon(entry.id);
    if (this.#entries.size > MAX_ENTRIES) this.#entries.delete(Math.min(...this.#entries.keys()));
  }

  /** Of an exchange that is over at once, the frames are told before the exchange itself. */
  #useEarly(id) {
    const timeline = this.#early.get(id);
    this.#early.delete(id);
    if (timeline) this.takeFrames({ id, timeline });
  }

  /** The plan of a running answer is not told by itself, and frames may be lost with a connection: both are fetched. */
  #completeSoon(id) {
    this.#lacking.add(id);
    this.#repair ||= setTimeout(async () => {
      this.#repair = 0;
      const lacking = [...this.#lacking].filter((each) => lacksFrames(this.#entries.get(each)));
      this.#lacking.clear();
      for (const each of lacking.sort((a, b) => b - a).slice(0, MAX_REPAIRED))
        await this.complete(each).catch(() => {});
    }, REPAIR_AFTER_MS);
  }

  #remember({ path, scenario, test_id: test }) {
    for (const [kind, value] of Object.entries({ path, scenario, test }))
      if (value && this.names[kind].size < MAX_NAMES) this.names[kind].add(value);
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

function hasEnded(entry) {
  return (entry?.duration_ms ?? null) !== null;
}

/** Whether every frame that left is here; the mock keeps a bounded number of them. */
function isComplete(entry) {
  return (
    hasEnded(entry) && (entry.timeline_truncated || sent(entry.timeline) >= Math.min(entry.frames_sent, MAX_FRAMES))
  );
}

function lacksFrames(entry) {
  if (!entry) return false;
  return hasEnded(entry) ? !isComplete(entry) : entry.timeline.length < Math.min(entry.frames_planned, MAX_FRAMES);
}

/** Where a frame that left belongs: at its place in the plan, where that is known, else behind those that left. */
function placeOf([planned, , bytes, event], held) {
  const known = held.findIndex((frame) => frame[0] === planned && frame[2] === bytes && frame[3] === event);
  if (known >= 0) return known;
  const waiting = held.findIndex(([, actual]) => actual === null);
  return waiting < 0 ? held.length : waiting;
}

function sent(timeline) {
  return timeline ? timeline.filter(([, actual]) => actual !== null).length : -1;
}
