/** A stream's body as frames, until its last one, an abort, or its loss. */
import { type Frame } from "./sse.js";
export interface StreamLimits {
    readonly signal?: AbortSignal | undefined;
    /** Longest time without a byte. The proxy sends a heartbeat every 15 s. */
    readonly silenceS: number;
    /** Finds the request; what the proxy says of it itself counts once it has said so. */
    traceId: string;
    /** Whether nothing follows this frame. */
    isLast(frame: Frame): boolean;
}
/** Yield the frames. Leaving the loop cancels the request.
 *
 * Throws: ConnectionLostError when the stream breaks or falls silent; the signal's reason.
 */
export declare function readFrames(body: ReadableStream<Uint8Array>, limits: StreamLimits): AsyncGenerator<Frame, void>;
