import type { Scenario } from "./catalogue.js";

export interface PlaybackOptions {
  scenario?: Scenario | "none" | null;
  /** Factor on recorded times: 1 as recorded (the default), 0 at once. Silences of faults stay as they are. */
  pace?: number;
}

/** A running server. `scenario` and `pace` may be set at any time, and count from the next request on. */
export interface Playback {
  scenario: Scenario | "none" | null;
  pace: number;
  readonly url: string;
  /** Forgets sessions, histories and how often a scenario was asked. */
  reset(): void;
  close(): Promise<void>;
}

/** Starts a server on a free port of this machine. */
export function startPlayback(options?: PlaybackOptions): Promise<Playback>;
