/** Timers that never keep a process alive. */
export type Timer = ReturnType<typeof setTimeout>;
/** Call back once, after so many milliseconds. Node would wait for it before it exits; here it need not. */
export declare function startTimer(callback: () => void, ms: number): Timer;
export declare function stopTimer(timer: Timer | null): void;
