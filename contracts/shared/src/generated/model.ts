// Generated from contracts/openapi.yaml by `python3 harness.py contracts typescript`. Do not edit.

/** Names of the events of a chat that this version knows; more may come. */
export const CHAT_EVENTS = [
  "done",
  "error",
  "message.delta",
  "metadata",
  "proxy.end",
  "proxy.start",
  "response",
  "response.chart",
  "response.status",
  "response.suggested_queries",
  "response.table",
  "response.text",
  "response.text.annotation",
  "response.text.delta",
  "response.thinking",
  "response.thinking.delta",
  "response.tool_result",
  "response.tool_result.analyst.delta",
  "response.tool_result.status",
  "response.tool_use",
  "response.tool_use.status",
  "response.warning"
] as const;

/** The same of Cortex Analyst's stream. */
export const ANALYST_EVENTS = [
  "done",
  "error",
  "message.content.delta",
  "proxy.end",
  "proxy.start",
  "response_metadata",
  "status",
  "warnings"
] as const;

/** The last parts of the types of the proxy's problems; more may come. */
export const PROBLEM_KINDS = [
  "address-too-long",
  "body-too-large",
  "chart-invalid",
  "client-key-invalid",
  "column-unknown",
  "draining",
  "headers-too-large",
  "host-not-allowed",
  "internal",
  "invalid-request",
  "malformed-json",
  "malformed-request",
  "method-not-allowed",
  "not-found",
  "rate-limited",
  "request-deadline",
  "request-timeout",
  "result-not-found",
  "session-ended",
  "session-mismatch",
  "session-not-found",
  "sql-failed",
  "sql-refused",
  "store-unavailable",
  "stream-deadline",
  "stream-too-large",
  "token-expired",
  "token-invalid",
  "token-missing",
  "too-many-at-once",
  "too-many-streams",
  "tool-unknown",
  "unsupported-media-type",
  "upstream-error",
  "upstream-forbidden",
  "upstream-not-found",
  "upstream-protocol",
  "upstream-rejected",
  "upstream-stalled",
  "upstream-suspended",
  "upstream-throttled",
  "upstream-timeout",
  "upstream-truncated",
  "upstream-unauthorized",
  "upstream-unavailable",
  "upstream-unreachable"
] as const;

import type { components } from "./api.js";

export type AgentError = components["schemas"]["AgentError"];
export type AgentStatus = components["schemas"]["AgentStatus"];
export type AgentWarning = components["schemas"]["AgentWarning"];
export type AnalystAnswer = components["schemas"]["AnalystAnswer"];
export type AnalystDelta = components["schemas"]["AnalystDelta"];
export type AnalystDoneEvent = components["schemas"]["AnalystDoneEvent"];
export type AnalystEvent = components["schemas"]["AnalystEvent"];
export type AnalystMessage = components["schemas"]["AnalystMessage"];
export type AnalystMetadata = components["schemas"]["AnalystMetadata"];
export type AnalystRequest = components["schemas"]["AnalystRequest"];
export type AnalystStatus = components["schemas"]["AnalystStatus"];
export type AnalystToolDelta = components["schemas"]["AnalystToolDelta"];
export type AnalystToolProgress = components["schemas"]["AnalystToolProgress"];
export type AnalystWarning = components["schemas"]["AnalystWarning"];
export type AnalystWarnings = components["schemas"]["AnalystWarnings"];
export type Annotation = components["schemas"]["Annotation"];
export type Chart = components["schemas"]["Chart"];
export type ChartAnswer = components["schemas"]["ChartAnswer"];
export type ChartBlock = components["schemas"]["ChartBlock"];
export type ChartRequest = components["schemas"]["ChartRequest"];
export type ChatEvent = components["schemas"]["ChatEvent"];
export type ChatRequest = components["schemas"]["ChatRequest"];
export type ChatToolChoice = components["schemas"]["ChatToolChoice"];
export type ClientMetric = components["schemas"]["ClientMetric"];
export type ClientToolResult = components["schemas"]["ClientToolResult"];
export type Confidence = components["schemas"]["Confidence"];
export type ContentBlock = components["schemas"]["ContentBlock"];
export type DoneEvent = components["schemas"]["DoneEvent"];
export type EndReason = components["schemas"]["EndReason"];
export type EndpointLimits = components["schemas"]["EndpointLimits"];
export type ErrorEvent = components["schemas"]["ErrorEvent"];
export type FieldError = components["schemas"]["FieldError"];
export type FinalAnswer = components["schemas"]["FinalAnswer"];
export type Health = components["schemas"]["Health"];
export type HistoryPage = components["schemas"]["HistoryPage"];
export type HistoryTurn = components["schemas"]["HistoryTurn"];
export type InputTokens = components["schemas"]["InputTokens"];
export type LegacyChart = components["schemas"]["LegacyChart"];
export type LegacyContent = components["schemas"]["LegacyContent"];
export type LegacyDelta = components["schemas"]["LegacyDelta"];
export type LegacyItem = components["schemas"]["LegacyItem"];
export type LegacyToolAnswer = components["schemas"]["LegacyToolAnswer"];
export type LegacyToolCall = components["schemas"]["LegacyToolCall"];
export type MessageContentDeltaEvent = components["schemas"]["MessageContentDeltaEvent"];
export type MessageDeltaEvent = components["schemas"]["MessageDeltaEvent"];
export type MessageIds = components["schemas"]["MessageIds"];
export type Metadata = components["schemas"]["Metadata"];
export type MetadataEvent = components["schemas"]["MetadataEvent"];
export type MetricsReceipt = components["schemas"]["MetricsReceipt"];
export type MetricsReport = components["schemas"]["MetricsReport"];
export type OutputTokens = components["schemas"]["OutputTokens"];
export type Problem = components["schemas"]["Problem"];
export type ProxyEnd = components["schemas"]["ProxyEnd"];
export type ProxyEndEvent = components["schemas"]["ProxyEndEvent"];
export type ProxyStart = components["schemas"]["ProxyStart"];
export type ProxyStartEvent = components["schemas"]["ProxyStartEvent"];
export type ResponseChartEvent = components["schemas"]["ResponseChartEvent"];
export type ResponseEvent = components["schemas"]["ResponseEvent"];
export type ResponseMetadataEvent = components["schemas"]["ResponseMetadataEvent"];
export type ResponseStatusEvent = components["schemas"]["ResponseStatusEvent"];
export type ResponseSuggestedQueriesEvent = components["schemas"]["ResponseSuggestedQueriesEvent"];
export type ResponseTableEvent = components["schemas"]["ResponseTableEvent"];
export type ResponseTextAnnotationEvent = components["schemas"]["ResponseTextAnnotationEvent"];
export type ResponseTextDeltaEvent = components["schemas"]["ResponseTextDeltaEvent"];
export type ResponseTextEvent = components["schemas"]["ResponseTextEvent"];
export type ResponseThinkingDeltaEvent = components["schemas"]["ResponseThinkingDeltaEvent"];
export type ResponseThinkingEvent = components["schemas"]["ResponseThinkingEvent"];
export type ResponseToolResultAnalystDeltaEvent = components["schemas"]["ResponseToolResultAnalystDeltaEvent"];
export type ResponseToolResultEvent = components["schemas"]["ResponseToolResultEvent"];
export type ResponseToolResultStatusEvent = components["schemas"]["ResponseToolResultStatusEvent"];
export type ResponseToolUseEvent = components["schemas"]["ResponseToolUseEvent"];
export type ResponseToolUseStatusEvent = components["schemas"]["ResponseToolUseStatusEvent"];
export type ResponseWarningEvent = components["schemas"]["ResponseWarningEvent"];
export type ResultColumn = components["schemas"]["ResultColumn"];
export type ResultSet = components["schemas"]["ResultSet"];
export type ResultSetMetadata = components["schemas"]["ResultSetMetadata"];
export type RunMetadata = components["schemas"]["RunMetadata"];
export type SearchAnswer = components["schemas"]["SearchAnswer"];
export type SearchHit = components["schemas"]["SearchHit"];
export type SearchRequest = components["schemas"]["SearchRequest"];
export type SessionToken = components["schemas"]["SessionToken"];
export type SqlAnswer = components["schemas"]["SqlAnswer"];
export type SqlColumn = components["schemas"]["SqlColumn"];
export type SqlRequest = components["schemas"]["SqlRequest"];
export type Status = components["schemas"]["Status"];
export type StatusEvent = components["schemas"]["StatusEvent"];
export type SuggestedQueries = components["schemas"]["SuggestedQueries"];
export type SuggestedQuery = components["schemas"]["SuggestedQuery"];
export type SuggestionDelta = components["schemas"]["SuggestionDelta"];
export type Table = components["schemas"]["Table"];
export type TableBlock = components["schemas"]["TableBlock"];
export type TextAnnotation = components["schemas"]["TextAnnotation"];
export type TextDelta = components["schemas"]["TextDelta"];
export type ThinkingBlock = components["schemas"]["ThinkingBlock"];
export type ThinkingDelta = components["schemas"]["ThinkingDelta"];
export type TokenRequest = components["schemas"]["TokenRequest"];
export type TokenUsage = components["schemas"]["TokenUsage"];
export type TokensConsumed = components["schemas"]["TokensConsumed"];
export type ToolAnswer = components["schemas"]["ToolAnswer"];
export type ToolCall = components["schemas"]["ToolCall"];
export type ToolContent = components["schemas"]["ToolContent"];
export type ToolProgress = components["schemas"]["ToolProgress"];
export type ToolResult = components["schemas"]["ToolResult"];
export type ToolResultContent = components["schemas"]["ToolResultContent"];
export type ToolResultMessage = components["schemas"]["ToolResultMessage"];
export type ToolUse = components["schemas"]["ToolUse"];
export type Usage = components["schemas"]["Usage"];
export type VerifiedQuery = components["schemas"]["VerifiedQuery"];
export type WarningsEvent = components["schemas"]["WarningsEvent"];
export type WholeText = components["schemas"]["WholeText"];
export type WholeThinking = components["schemas"]["WholeThinking"];
