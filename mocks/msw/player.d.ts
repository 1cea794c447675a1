import type { Plan } from "./stage.js";

/** Milliseconds on a clock that never jumps. */
export function now(): number;

/** Resolves when the clock has reached `dueMs`, never before; rejects with the signal's reason when that comes first. */
export function sleepUntil(dueMs: number, signal?: AbortSignal): Promise<void>;

/** The body of an answer as a stream that is paced, counted from `startedMs` on the clock of `now`. */
export function paced(plan: Plan, startedMs: number, signal?: AbortSignal): ReadableStream<Uint8Array>;
