/** @cortex-harness/shared: the client API of the Cortex proxy. */

export { createClient } from "./client.js";
export type { AnalystQuestion, ChatTurn, Client, ClientOptions, HistoryOptions } from "./client.js";
export { isKnown } from "./events.js";
export type { AnalystStreamEvent, ChatStreamEvent, StreamEvent, UnknownEvent, UnknownEventName } from "./events.js";
export * from "./generated/model.js";
export type { components, operations, paths } from "./generated/api.js";
export type { StreamOutcome } from "./metrics.js";
export { ConnectionLostError, ProblemError } from "./problem.js";
export type { ClientProblemKind, ProblemKind } from "./problem.js";
export type { Keep, Session, SessionInfo, SessionListener } from "./session.js";
export { SseParser } from "./sse.js";
export type { Frame } from "./sse.js";
export { newTrace, traceparent } from "./trace.js";
export type { Trace } from "./trace.js";
export type { CallOptions, Retry } from "./transport.js";
