/** A stream's events, typed by their names. */
import { type AnalystEvent, type ChatEvent } from "./generated/model.js";
import type { Frame } from "./sse.js";
declare const unknownName: unique symbol;
/** A name that this version does not know.
 *
 * It is a string, read with `String(name)`. The compiler takes it for something else, as a plain string could be any of
 * the names that are known, and no comparison would tell what the event carries.
 */
export interface UnknownEventName extends String {
    readonly [unknownName]: true;
}
/** An event that Snowflake has added since. Its data is parsed where it is JSON, else text. */
export interface UnknownEvent {
    readonly event: UnknownEventName;
    readonly data: unknown;
}
/** What `chat()` yields: compare `event` with a name, and `data` has that event's type. */
export type ChatStreamEvent = ChatEvent | UnknownEvent;
/** What `analystStream()` yields. */
export type AnalystStreamEvent = AnalystEvent | UnknownEvent;
export type StreamEvent = ChatStreamEvent | AnalystStreamEvent;
/** Which events a stream may hold, and which of them carry text rather than JSON. */
export interface Vocabulary<E extends StreamEvent> {
    readonly names: ReadonlySet<string>;
    /** Only ever read as a type. */
    readonly events?: E;
}
export declare const CHAT: Vocabulary<ChatStreamEvent>;
export declare const ANALYST: Vocabulary<AnalystStreamEvent>;
/** The event of a frame; null when a known event carries what is no JSON, which nobody could read. */
export declare function decoded<E extends StreamEvent>({ event, data }: Frame, { names }: Vocabulary<E>): E | null;
/** Whether this version knows the event, so that its data has a type. */
export declare function isKnown<E extends StreamEvent>(event: E): event is Exclude<E, UnknownEvent>;
export {};
