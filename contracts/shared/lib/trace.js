/** Trace context in the W3C form, so that a request can be found in every trace store. */
/** A trace with a random id: one for each turn. */
export function newTrace() {
    return { traceId: randomHex(16) };
}
/** Value of the `traceparent` header: a new span of the trace, sampled. Source: W3C Trace Context, level 1. */
export function traceparent(trace) {
    return `00-${trace.traceId}-${randomHex(8)}-01`;
}
function randomHex(bytes) {
    const values = crypto.getRandomValues(new Uint8Array(bytes));
    return Array.from(values, (value) => value.toString(16).padStart(2, "0")).join("");
}
