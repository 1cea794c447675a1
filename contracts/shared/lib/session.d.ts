/** The session token: fetched once, renewed before it ends, replaced when it cannot be renewed. */
import { type CallOptions, type Transport } from "./transport.js";
/** A token and its times, in milliseconds since the epoch by this machine's clock. */
export interface SessionInfo {
    readonly token: string;
    readonly sessionId: string;
    readonly endsAt: number;
    readonly renewsAt: number;
    readonly sessionEndsAt: number;
}
/** Where a page keeps its session while it is loaded anew, as in `sessionStorage`. Neither may throw. */
export interface Keep {
    /** The text that was set last; null when there is none. */
    get(): string | null;
    /** Keep a text that holds the token; null forgets it. */
    set(kept: string | null): void;
}
export interface SessionOptions {
    /** Held by backends only, never by a page: opens sessions in production. */
    readonly clientKey?: string | undefined;
    /** Whose session it is to be; needs the client key. */
    readonly subject?: string | undefined;
    /** Whether the token is renewed when nobody asks for it, so that a quiet page keeps its session. */
    readonly renewInBackground: boolean;
    /** Read once, when the session is made: it goes on with what is kept, if that still holds. */
    readonly keep?: Keep | undefined;
}
/** Told of every new token; `replaced` when a new session began because the old one could not go on. */
export type SessionListener = (session: SessionInfo, replaced: boolean) => void;
export declare class Session {
    #private;
    constructor(transport: Transport, options: SessionOptions);
    /** The token in hand, be it fresh or not; null before the first. */
    get current(): SessionInfo | null;
    /** A token good for the next request; asks for one where there is none, or where it is about to end.
     *
     * Throws: ProblemError; the signal's reason.
     */
    token({ signal }?: Pick<CallOptions, "signal">): Promise<SessionInfo>;
    /** Renew now; callers at the same time share one request.   Throws: ProblemError; the signal's reason. */
    renew({ signal }?: Pick<CallOptions, "signal">): Promise<SessionInfo>;
    /** Forget a token that the proxy refused, unless it was replaced already: the next request begins a new session. */
    refused(token: string): void;
    /** End the session for all who hold its tokens. The next request begins a new one.   Throws: ProblemError. */
    end(options?: CallOptions): Promise<void>;
    /** Hear of new tokens. Returns: a function that ends it. */
    onChange(listener: SessionListener): () => void;
    /** Renew no longer of its own accord. */
    close(): void;
}
