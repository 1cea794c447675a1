/**
 * Server-sent events, decoded from bytes that may be cut anywhere.
 * Source: WHATWG HTML, "Interpreting an event stream".
 */
/** One event of a stream, its data not yet read. */
export interface Frame {
    readonly event: string;
    readonly data: string;
}
/** Feed it bytes as they come; it returns each event as soon as its blank line has arrived. */
export declare class SseParser {
    #private;
    /** Take the next bytes; return the events they complete. */
    feed(bytes: Uint8Array): Frame[];
    /** Take the end of the stream; an event without its blank line is dropped, as the standard asks. */
    end(): Frame[];
}
