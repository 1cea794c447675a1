/** Timers that never keep a process alive. */
/** Call back once, after so many milliseconds. Node would wait for it before it exits; here it need not. */
export function startTimer(callback, ms) {
    const timer = setTimeout(callback, ms);
    if (canBeLeft(timer))
        timer.unref();
    return timer;
}
export function stopTimer(timer) {
    if (timer !== null)
        clearTimeout(timer);
}
function canBeLeft(timer) {
    return typeof timer === "object" && timer !== null && "unref" in timer;
}
