/** What a page measures, gathered and reported to the proxy: late, together, and never at the cost of an answer. */
import type { ClientMetric, MetricsReceipt } from "./generated/model.js";
import type { Session } from "./session.js";
import type { Transport } from "./transport.js";
/** How a stream ended, as the client saw it. */
export type StreamOutcome = "completed" | "error" | "aborted" | "disconnected";
export declare class Reporter {
    #private;
    constructor(transport: Transport, session: Session);
    /** Keep a measurement for the next report. */
    add(metric: ClientMetric): void;
    /** Report what waits. A report that fails is dropped: measuring must not add to what is measured.
     *
     * While the browser is offline nothing is tried: what tells of the outage would be lost to it.
     */
    flush(): Promise<MetricsReceipt | null>;
    /** Report what waits, and no more. */
    close(): Promise<void>;
}
/** Measures one stream, from the question on. */
export declare class Stopwatch {
    #private;
    constructor(report: (metric: ClientMetric) => void);
    /** The client begins to wait for the next event; what it does in between is no silence of the stream's. */
    waits(): void;
    /** An event has come. */
    saw(event: string): void;
    /** The stream is over. */
    ended(outcome: StreamOutcome): void;
}
