/** @cortex-harness/shared: the client API of the Cortex proxy. */
export { createClient } from "./client.js";
export { isKnown } from "./events.js";
export * from "./generated/model.js";
export { ConnectionLostError, ProblemError } from "./problem.js";
export { SseParser } from "./sse.js";
export { newTrace, traceparent } from "./trace.js";
