/** Trace context in the W3C form, so that a request can be found in every trace store. */
/** A trace that requests belong to. */
export interface Trace {
    /** 32 hexadecimal digits. */
    readonly traceId: string;
}
/** A trace with a random id: one for each turn. */
export declare function newTrace(): Trace;
/** Value of the `traceparent` header: a new span of the trace, sampled. Source: W3C Trace Context, level 1. */
export declare function traceparent(trace: Trace): string;
