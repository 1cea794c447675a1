/** A stream's events, typed by their names. */
import { ANALYST_EVENTS, CHAT_EVENTS } from "./generated/model.js";
export const CHAT = { names: new Set(CHAT_EVENTS) };
export const ANALYST = { names: new Set(ANALYST_EVENTS) };
/** The event of a frame; null when a known event carries what is no JSON, which nobody could read. */
export function decoded({ event, data }, { names }) {
    const value = parsed(data);
    const isReadable = value !== undefined || event === "done" || !names.has(event);
    // The contract says what the data of a known event is; whether the proxy keeps it, the pacts verify.
    return isReadable ? { event, data: value === undefined ? data : value } : null;
}
/** Whether this version knows the event, so that its data has a type. */
export function isKnown(event) {
    const name = String(event.event);
    return CHAT.names.has(name) || ANALYST.names.has(name);
}
function parsed(text) {
    try {
        return JSON.parse(text);
    }
    catch {
        return undefined;
    }
}
