/** Timers that never keep a process alive. */

export type Timer = ReturnType<typeof setTimeout>;

/** Call back once, after so many milliseconds. Node would wait for it before it exits; here it need not. */
export function startTimer(callback: () => void, ms: number): Timer {
  const timer: unknown = setTimeout(callback, ms);
  if (canBeLeft(timer)) timer.unref();
  return timer as Timer;
}

export function stopTimer(timer: Timer | null): void {
  if (timer !== null) clearTimeout(timer);
}

function canBeLeft(timer: unknown): timer is { unref(): void } {
  return typeof timer === "object" && timer !== null && "unref" in timer;
}
