// Generated from contracts/openapi.yaml by `python3 harness.py contracts typescript`. Do not edit.

import { maxCharacters, maxKeys, minCharacters, minKeys } from '../bounds.js';
import * as z from 'zod';

/**
 * Snowflake's own error.
 */
export const zAgentError = z.object({
    code: z.string().nullish(),
    error_code: z.string().nullish(),
    message: z.string(),
    request_id: z.string().nullish(),
    sequence_number: z.int().nullish()
});

/**
 * What the agent is doing.
 */
export const zAgentStatus = z.object({
    message: z.string(),
    sequence_number: z.int().nullish(),
    status: z.string()
});

/**
 * Something the user should know.
 */
export const zAgentWarning = z.object({
    code: z.string().nullish(),
    message: z.string(),
    sequence_number: z.int().nullish()
});

/**
 * How Cortex Analyst reads the question, and the SQL for it; suggestions instead when it is ambiguous.
 */
export const zAnalystAnswer = z.object({
    requestId: z.string().nullable(),
    sql: z.string().nullable(),
    suggestions: z.array(z.string()),
    text: z.string(),
    verifiedQuery: z.string().nullable(),
    warnings: z.array(z.string())
});

/**
 * Cortex Analyst has said everything.
 */
export const zAnalystDoneEvent = z.object({
    data: z.unknown(),
    event: z.literal('done')
});

/**
 * One turn of a conversation with Cortex Analyst.
 */
export const zAnalystMessage = z.strictObject({
    role: z.enum(['user', 'analyst']),
    text: z.string().check(minCharacters(1)).check(maxCharacters(16000))
});

/**
 * How the answer was found.
 */
export const zAnalystMetadata = z.object({
    analyst_latency_ms: z.number().nullish(),
    analyst_orchestration_path: z.string().nullish(),
    cortex_search_retrieval: z.array(z.record(z.string(), z.unknown())).nullish(),
    is_semantic_sql: z.boolean().nullish(),
    model_names: z.array(z.string()).nullish(),
    question_category: z.string().nullish()
});

/**
 * A question to Cortex Analyst about the configured semantic view; the last message is the user's.
 */
export const zAnalystRequest = z.strictObject({
    messages: z.array(zAnalystMessage).min(1).max(20),
    stream: z.boolean().optional().default(false)
});

/**
 * What Cortex Analyst is doing.
 */
export const zAnalystStatus = z.object({
    request_id: z.string().nullish(),
    status: z.string(),
    status_message: z.string()
});

/**
 * Something that the semantic view lacks.
 */
export const zAnalystWarning = z.object({
    message: z.string()
});

/**
 * What the semantic view lacks.
 */
export const zAnalystWarnings = z.object({
    warnings: z.array(zAnalystWarning)
});

/**
 * A citation: of a document that was searched, or of a page on the web.
 */
export const zAnnotation = z.object({
    doc_id: z.string().nullish(),
    doc_title: z.string().nullish(),
    end_index: z.int().nullish(),
    index: z.int().nullish(),
    search_result_id: z.string().nullish(),
    source_url: z.string().nullish(),
    start_index: z.int().nullish(),
    text: z.string().nullish(),
    type: z.string()
});

/**
 * A chart, as a block of the answer.
 */
export const zChart = z.object({
    chart_spec: z.string(),
    content_index: z.int(),
    sequence_number: z.int().nullish(),
    tool_use_id: z.string()
});

/**
 * A Vega-Lite specification with its data inline: no `url`, no expressions.
 */
export const zChartAnswer = z.object({
    chart: z.record(z.string(), z.unknown()),
    requestId: z.string().nullable(),
    text: z.string().nullable()
});

/**
 * A chart to be drawn.
 */
export const zChartBlock = z.object({
    chart_spec: z.string(),
    tool_use_id: z.string()
});

/**
 * Rows, or a statement's result, to draw.
 */
export const zChartRequest = z.strictObject({
    intent: z.string().check(minCharacters(1)).check(maxCharacters(1000)),
    rows: z.array(z.record(z.string(), z.union([
        z.string(),
        z.int(),
        z.number(),
        z.boolean()
    ]).nullable()).check(minKeys(1)).check(maxKeys(50))).min(1).max(1000).nullish(),
    statementHandle: z.string().check(minCharacters(1)).check(maxCharacters(256)).nullish()
});

/**
 * `tool` needs the names it may choose from.
 */
export const zChatToolChoice = z.strictObject({
    name: z.array(z.string().check(minCharacters(1)).check(maxCharacters(128))).max(20).nullish(),
    type: z.enum([
        'auto',
        'required',
        'tool'
    ]).optional().default('auto')
});

/**
 * One measurement: seconds for times, a score for CLS, 1 for outcomes and errors.
 */
export const zClientMetric = z.strictObject({
    label: z.string().check(maxCharacters(64)).nullish(),
    name: z.string().check(minCharacters(1)).check(maxCharacters(64)),
    value: z.number().optional().default(1)
});

/**
 * Snowflake has said everything. Its data is no JSON.
 */
export const zDoneEvent = z.object({
    data: z.literal('[DONE]'),
    event: z.literal('done')
});

/**
 * EndReason
 *
 * Why a chat stream ended.
 */
export const zEndReason = z.enum([
    'completed',
    'cancelled',
    'upstream_error',
    'upstream_truncated',
    'upstream_stalled',
    'client_gone',
    'client_slow',
    'deadline',
    'too_large',
    'draining',
    'internal'
]);

/**
 * What one subject may ask of one endpoint.
 */
export const zEndpointLimits = z.object({
    atOnce: z.int(),
    bodyBytes: z.int(),
    burst: z.int(),
    burstS: z.int(),
    deadlineS: z.number(),
    requests: z.int(),
    windowS: z.int()
});

/**
 * One fault of a request body; `pointer` is a JSON pointer into it.
 */
export const zFieldError = z.object({
    detail: z.string(),
    pointer: z.string()
});

/**
 * Answer of `livez` and `readyz`; each failing check says why.
 */
export const zHealth = z.object({
    checks: z.record(z.string(), z.string()),
    status: z.enum(['ok', 'failing'])
});

/**
 * `cache_read` and `cache_write` are parts of `total`, not additions to it.
 */
export const zInputTokens = z.object({
    cache_read: z.int().optional(),
    cache_write: z.int().optional(),
    total: z.int().optional(),
    uncached: z.int().optional()
});

/**
 * An older agent's chart.
 */
export const zLegacyChart = z.object({
    chart_spec: z.string()
});

/**
 * A tool that an older agent calls.
 */
export const zLegacyToolCall = z.object({
    input: z.record(z.string(), z.unknown()),
    name: z.string(),
    tool_use_id: z.string()
});

/**
 * Ids of a message of the thread, and of the run that it belongs to.
 */
export const zMessageIds = z.object({
    message_id: z.int(),
    role: z.enum(['user', 'assistant']),
    run_id: z.string()
});

/**
 * Ids of one of the turn's two messages.
 */
export const zMetadata = z.object({
    metadata: zMessageIds,
    sequence_number: z.int().nullish()
});

/**
 * Ids of the run and its messages; on threads only, once for the user's and once for the assistant's.
 */
export const zMetadataEvent = z.object({
    data: zMetadata,
    event: z.literal('metadata')
});

/**
 * How many measurements were taken in, and how many dropped: unknown, out of bounds or wrongly labelled.
 */
export const zMetricsReceipt = z.object({
    accepted: z.int(),
    dropped: z.int()
});

/**
 * What a page measured. `navigator.sendBeacon` sends no headers: then the session token comes in `token`.
 */
export const zMetricsReport = z.strictObject({
    metrics: z.array(zClientMetric).min(1).max(50),
    token: z.string().check(minCharacters(1)).check(maxCharacters(4096)).nullish()
});

export const zOutputTokens = z.object({
    total: z.int().optional()
});

/**
 * RFC 9457 problem details. `instance` is the request's id, in a stream the turn's; `traceId` finds its trace.
 */
export const zProblem = z.object({
    detail: z.string(),
    errors: z.array(zFieldError).optional(),
    instance: z.string().optional(),
    known: z.array(z.string()).optional(),
    retryAfterS: z.int().optional(),
    retryable: z.boolean(),
    status: z.int(),
    title: z.string(),
    traceId: z.string().optional(),
    type: z.string(),
    upstreamCode: z.string().optional(),
    'violated-policies': z.array(z.string()).optional()
});

/**
 * Something failed.
 *
 * Snowflake's own error passes as it came, with a `message`; what it means for the turn follows as a problem, which has a `type`. Failures that only the proxy sees come as a problem alone.
 */
export const zErrorEvent = z.object({
    data: z.union([
        zProblem,
        zAgentError
    ]),
    event: z.literal('error')
});

/**
 * Data of `proxy.start`, the first frame of every chat stream.
 */
export const zProxyStart = z.object({
    sessionId: z.string(),
    threadId: z.int().optional(),
    traceId: z.string(),
    turnId: z.string()
});

/**
 * The first frame of every stream.
 */
export const zProxyStartEvent = z.object({
    data: zProxyStart,
    event: z.literal('proxy.start')
});

/**
 * A chart.
 */
export const zResponseChartEvent = z.object({
    data: zChart,
    event: z.literal('response.chart')
});

/**
 * How the answer was found.
 */
export const zResponseMetadataEvent = z.object({
    data: zAnalystMetadata,
    event: z.literal('response_metadata')
});

/**
 * What the agent is doing.
 */
export const zResponseStatusEvent = z.object({
    data: zAgentStatus,
    event: z.literal('response.status')
});

/**
 * Something the user should know.
 */
export const zResponseWarningEvent = z.object({
    data: zAgentWarning,
    event: z.literal('response.warning')
});

/**
 * A column of a result set.
 */
export const zResultColumn = z.object({
    length: z.int().nullish(),
    name: z.string(),
    nullable: z.boolean().nullish(),
    precision: z.int().nullish(),
    scale: z.int().nullish(),
    type: z.string()
});

/**
 * What the rows of a result set are.
 */
export const zResultSetMetadata = z.object({
    format: z.string().nullish(),
    numRows: z.int(),
    partition: z.int().nullish(),
    rowType: z.array(zResultColumn)
});

/**
 * Rows as the SQL API has them: every cell is text, null for NULL.
 */
export const zResultSet = z.object({
    data: z.array(z.array(z.union([z.string(), z.null()]))),
    resultSetMetaData: zResultSetMetadata,
    statementHandle: z.string().nullish()
});

/**
 * What the analyst tool has found out; text grows, everything else comes whole.
 */
export const zAnalystToolDelta = z.object({
    query_id: z.string().nullish(),
    result_set: zResultSet.nullish(),
    sql: z.string().nullish(),
    sql_explanation: z.string().nullish(),
    text: z.string().nullish(),
    think: z.string().nullish(),
    verified_query_used: z.boolean().nullish()
});

/**
 * A piece of the analyst tool's answer.
 */
export const zAnalystToolProgress = z.object({
    content_index: z.int(),
    delta: zAnalystToolDelta,
    sequence_number: z.int().nullish(),
    tool_name: z.string(),
    tool_type: z.string(),
    tool_use_id: z.string()
});

/**
 * A piece of what the analyst tool answers; from servers of before April 2026.
 */
export const zResponseToolResultAnalystDeltaEvent = z.object({
    data: zAnalystToolProgress,
    event: z.literal('response.tool_result.analyst.delta')
});

/**
 * One document, best first.
 */
export const zSearchHit = z.object({
    columns: z.record(z.string(), z.unknown()),
    scores: z.record(z.string(), z.number())
});

/**
 * What the search found; an empty list when nothing fits.
 */
export const zSearchAnswer = z.object({
    requestId: z.string().nullable(),
    results: z.array(zSearchHit)
});

/**
 * A question to the Cortex Search service.
 *
 * `filter` is Snowflake's: `@eq`, `@contains`, `@gte`, `@lte` on one column each, joined by `@and`, `@or`, `@not`.
 */
export const zSearchRequest = z.strictObject({
    columns: z.array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_$]{0,254}$/)).min(1).max(20).nullish(),
    filter: z.record(z.string(), z.unknown()).nullish(),
    limit: z.int().gte(1).lte(50).optional().default(10),
    query: z.string().check(minCharacters(1)).check(maxCharacters(2000))
});

/**
 * A session token. `expires_at` ends the token, `session_expires_at` ends every refresh of it.
 */
export const zSessionToken = z.object({
    expiresAt: z.iso.datetime({ offset: true }),
    expiresInS: z.int(),
    sessionExpiresAt: z.iso.datetime({ offset: true }),
    sessionId: z.string(),
    token: z.string(),
    tokenType: z.literal('Bearer')
});

/**
 * A column of a result; `type` is Snowflake's, lower-case.
 */
export const zSqlColumn = z.object({
    name: z.string(),
    nullable: z.boolean(),
    precision: z.int().nullable(),
    scale: z.int().nullable(),
    type: z.string()
});

/**
 * Rows of a statement. Cells are text, exact, null for NULL; dates and times are ISO 8601.
 */
export const zSqlAnswer = z.object({
    columns: z.array(zSqlColumn),
    requestId: z.string().nullable(),
    rowCount: z.int(),
    rows: z.array(z.array(z.union([z.string(), z.null()]))),
    statementHandle: z.string(),
    truncated: z.boolean()
});

/**
 * One read-only statement; `?` stands for the bindings, in order.
 */
export const zSqlRequest = z.strictObject({
    bindings: z.array(z.union([
        z.string(),
        z.int(),
        z.number(),
        z.boolean(),
        z.null()
    ])).max(100).optional(),
    maxRows: z.int().gte(1).lte(10000).optional().default(1000),
    statement: z.string().check(minCharacters(1)).check(maxCharacters(20000))
});

/**
 * What this proxy is: for people and for support, without secrets.
 */
export const zStatus = z.object({
    agent: z.string(),
    breakers: z.record(z.string(), z.enum([
        'closed',
        'open',
        'half-open'
    ])),
    draining: z.boolean(),
    endpoints: z.record(z.string(), zEndpointLimits),
    environment: z.enum(['development', 'production']),
    limits: z.record(z.string(), z.union([
        z.int(),
        z.number()
    ])),
    mode: z.enum(['live', 'rehearsal']),
    sessionIssue: z.enum(['open', 'client-key']),
    store: z.enum([
        'sqlite',
        'redis',
        'memory'
    ]),
    version: z.string()
});

/**
 * What Cortex Analyst is doing.
 */
export const zStatusEvent = z.object({
    data: zAnalystStatus,
    event: z.literal('status')
});

/**
 * What could be asked next.
 */
export const zSuggestedQuery = z.object({
    query: z.string()
});

/**
 * What could be asked next, as a block of the answer.
 */
export const zSuggestedQueries = z.object({
    content_index: z.int(),
    sequence_number: z.int().nullish(),
    suggested_queries: z.array(zSuggestedQuery)
});

/**
 * What could be asked next.
 */
export const zResponseSuggestedQueriesEvent = z.object({
    data: zSuggestedQueries,
    event: z.literal('response.suggested_queries')
});

/**
 * A piece of the suggestion `index`.
 */
export const zSuggestionDelta = z.object({
    index: z.int(),
    suggestion_delta: z.string()
});

/**
 * Rows, as a block of the answer.
 */
export const zTable = z.object({
    content_index: z.int(),
    query_id: z.string(),
    result_set: zResultSet,
    sequence_number: z.int().nullish(),
    title: z.string().nullish(),
    tool_use_id: z.string()
});

/**
 * Rows.
 */
export const zResponseTableEvent = z.object({
    data: zTable,
    event: z.literal('response.table')
});

/**
 * Rows to be shown.
 */
export const zTableBlock = z.object({
    query_id: z.string(),
    result_set: zResultSet,
    title: z.string().nullish(),
    tool_use_id: z.string()
});

/**
 * A citation within a block of text.
 */
export const zTextAnnotation = z.object({
    annotation: zAnnotation,
    annotation_index: z.int(),
    content_index: z.int(),
    sequence_number: z.int().nullish()
});

/**
 * A citation.
 */
export const zResponseTextAnnotationEvent = z.object({
    data: zTextAnnotation,
    event: z.literal('response.text.annotation')
});

/**
 * A piece of the answer's text.
 */
export const zTextDelta = z.object({
    content_index: z.int(),
    is_elicitation: z.boolean().nullish(),
    sequence_number: z.int().nullish(),
    text: z.string()
});

/**
 * A piece of the answer's text.
 */
export const zResponseTextDeltaEvent = z.object({
    data: zTextDelta,
    event: z.literal('response.text.delta')
});

/**
 * What the agent thought.
 */
export const zThinkingBlock = z.object({
    signature: z.string().nullish(),
    text: z.string()
});

/**
 * A piece of the agent's thinking.
 */
export const zThinkingDelta = z.object({
    content_index: z.int(),
    sequence_number: z.int().nullish(),
    signature: z.string().nullish(),
    text: z.string()
});

/**
 * A piece of its thinking.
 */
export const zResponseThinkingDeltaEvent = z.object({
    data: zThinkingDelta,
    event: z.literal('response.thinking.delta')
});

/**
 * Body of `POST /session/token`, may be left out. A still valid token in `Authorization` asks for a refresh.
 */
export const zTokenRequest = z.strictObject({
    subject: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:@|-]{0,127}$/).nullish()
});

/**
 * Tokens summed over the models of a turn; cached tokens are part of the input.
 */
export const zTokenUsage = z.object({
    cachedTokens: z.int(),
    inputTokens: z.int(),
    outputTokens: z.int()
});

/**
 * One turn as it was stored when its stream ended.
 */
export const zHistoryTurn = z.object({
    answer: z.string(),
    assistantMessageId: z.int().nullable(),
    complete: z.boolean(),
    content: z.array(z.record(z.string(), z.unknown())).nullable(),
    durationMs: z.number(),
    endReason: zEndReason,
    question: z.string().nullable(),
    startedAt: z.iso.datetime({ offset: true }),
    threadId: z.int().nullable(),
    traceId: z.string(),
    turnId: z.string(),
    usage: zTokenUsage.nullable()
});

/**
 * A session's turns, newest first. A page may hold less than was asked for and still have a next one.
 */
export const zHistoryPage = z.object({
    nextCursor: z.string().nullable(),
    sessionId: z.string(),
    turns: z.array(zHistoryTurn)
});

/**
 * Data of `proxy.end`, the last frame of every chat stream. Durations are milliseconds since the request.
 */
export const zProxyEnd = z.object({
    durationMs: z.number(),
    events: z.int(),
    firstEventMs: z.number().optional(),
    reason: zEndReason,
    turnId: z.string(),
    upstreamBytes: z.int(),
    usage: zTokenUsage.optional()
});

/**
 * The last frame of every stream; without it the stream was cut.
 */
export const zProxyEndEvent = z.object({
    data: zProxyEnd,
    event: z.literal('proxy.end')
});

/**
 * One entry of `metadata.usage.tokens_consumed`.
 */
export const zTokensConsumed = z.object({
    context_window: z.int().nullish(),
    input_tokens: zInputTokens.optional(),
    model_name: z.string().optional(),
    output_tokens: zOutputTokens.optional()
});

/**
 * A tool that is called.
 */
export const zToolCall = z.object({
    client_side_execute: z.union([
        z.boolean(),
        z.enum(['true', 'false'])
    ]),
    input: z.record(z.string(), z.unknown()),
    name: z.string(),
    tool_use_id: z.string(),
    type: z.string()
});

/**
 * A piece of what a tool answered.
 */
export const zToolContent = z.object({
    json: z.record(z.string(), z.unknown()).nullish(),
    text: z.string().nullish(),
    type: z.string()
});

/**
 * What an older agent's tool answered.
 */
export const zLegacyToolAnswer = z.object({
    content: z.array(zToolContent),
    name: z.string(),
    status: z.enum(['success', 'error']),
    tool_use_id: z.string()
});

/**
 * A piece of an older agent's answer: it carries the field that its type names.
 */
export const zLegacyItem = z.object({
    chart: zLegacyChart.nullish(),
    index: z.int().nullish(),
    text: z.string().nullish(),
    tool_results: zLegacyToolAnswer.nullish(),
    tool_use: zLegacyToolCall.nullish(),
    type: z.string()
});

/**
 * What an older agent's answer gains.
 */
export const zLegacyContent = z.object({
    content: z.array(zLegacyItem)
});

/**
 * A piece of an older agent's answer.
 */
export const zLegacyDelta = z.object({
    delta: zLegacyContent,
    id: z.string(),
    object: z.literal('message.delta')
});

/**
 * A piece of an answer in the form of older agents.
 */
export const zMessageDeltaEvent = z.object({
    data: zLegacyDelta,
    event: z.literal('message.delta')
});

/**
 * What a tool answered.
 */
export const zToolAnswer = z.object({
    content: z.array(zToolContent),
    name: z.string(),
    status: z.enum(['success', 'error']),
    tool_use_id: z.string(),
    type: z.string()
});

/**
 * A block of the whole answer: it carries the field that its type names, but text has its own inline.
 */
export const zContentBlock = z.object({
    annotations: z.array(zAnnotation).nullish(),
    chart: zChartBlock.nullish(),
    is_elicitation: z.boolean().nullish(),
    suggested_queries: z.array(zSuggestedQuery).nullish(),
    table: zTableBlock.nullish(),
    text: z.string().nullish(),
    thinking: zThinkingBlock.nullish(),
    tool_result: zToolAnswer.nullish(),
    tool_use: zToolCall.nullish(),
    type: z.string()
});

/**
 * How far a tool is.
 */
export const zToolProgress = z.object({
    message: z.string().nullish(),
    sequence_number: z.int().nullish(),
    status: z.string(),
    tool_type: z.string(),
    tool_use_id: z.string()
});

/**
 * How far a tool is.
 */
export const zResponseToolResultStatusEvent = z.object({
    data: zToolProgress,
    event: z.literal('response.tool_result.status')
});

/**
 * How far a call is that is being prepared; comes before the call.
 */
export const zResponseToolUseStatusEvent = z.object({
    data: zToolProgress,
    event: z.literal('response.tool_use.status')
});

/**
 * What a tool answered, as a block of the answer.
 */
export const zToolResult = z.object({
    content: z.array(zToolContent),
    content_index: z.int(),
    name: z.string(),
    sequence_number: z.int().nullish(),
    status: z.enum(['success', 'error']),
    tool_use_id: z.string(),
    type: z.string()
});

/**
 * What a tool answered.
 */
export const zResponseToolResultEvent = z.object({
    data: zToolResult,
    event: z.literal('response.tool_result')
});

/**
 * One item of a client-side tool's answer.
 */
export const zToolResultContent = z.strictObject({
    json: z.union([
        z.record(z.string(), z.unknown()),
        z.array(z.unknown())
    ]).nullish(),
    text: z.string().check(maxCharacters(16000)).nullish(),
    type: z.enum(['json', 'text'])
});

/**
 * The page's answer to a tool call that the agent asked the client to run.
 */
export const zClientToolResult = z.strictObject({
    content: z.array(zToolResultContent).min(1).max(20),
    name: z.string().check(minCharacters(1)).check(maxCharacters(128)),
    status: z.enum(['success', 'error']).optional().default('success'),
    toolUseId: z.string().check(minCharacters(1)).check(maxCharacters(128)),
    type: z.string().check(minCharacters(1)).check(maxCharacters(128))
});

/**
 * A message that answers a client-side tool instead of asking something.
 */
export const zToolResultMessage = z.strictObject({
    toolResult: zClientToolResult
});

/**
 * One turn.
 *
 * Threads: with `threadId` and `parentMessageId` the turn continues that thread; with `parentMessageId` 0 alone the proxy opens a thread first and names it in `proxy.start`; with neither the turn stands alone.
 */
export const zChatRequest = z.strictObject({
    message: z.union([
        z.string().check(minCharacters(1)).check(maxCharacters(16000)),
        zToolResultMessage
    ]),
    parentMessageId: z.int().gte(0).lte(9007199254740991).nullish(),
    sessionId: z.string().check(minCharacters(1)).check(maxCharacters(64)),
    threadId: z.int().gte(1).lte(9007199254740991).nullish(),
    toolChoice: zChatToolChoice.nullish()
});

/**
 * A tool that is called, as a block of the answer.
 */
export const zToolUse = z.object({
    client_side_execute: z.union([
        z.boolean(),
        z.enum(['true', 'false'])
    ]),
    content_index: z.int(),
    input: z.record(z.string(), z.unknown()),
    name: z.string(),
    sequence_number: z.int().nullish(),
    tool_use_id: z.string(),
    type: z.string()
});

/**
 * A tool is called; with `client_side_execute` the client is to run it.
 */
export const zResponseToolUseEvent = z.object({
    data: zToolUse,
    event: z.literal('response.tool_use')
});

export const zUsage = z.object({
    tokens_consumed: z.array(zTokensConsumed).optional()
});

/**
 * `metadata` of the final object; the ids are present on threaded runs only.
 */
export const zRunMetadata = z.object({
    assistant_message_id: z.int().nullish(),
    run_id: z.string().nullish(),
    thread_id: z.int().nullish(),
    usage: zUsage.optional(),
    user_message_id: z.int().nullish()
});

/**
 * The whole answer.
 */
export const zFinalAnswer = z.object({
    content: z.array(zContentBlock),
    metadata: zRunMetadata,
    role: z.literal('assistant'),
    schema_version: z.string().nullish(),
    sequence_number: z.int().nullish(),
    status: z.enum([
        'completed',
        'cancelled',
        'timed_out',
        'error'
    ]),
    warnings: z.array(zAgentWarning).nullish()
});

/**
 * The whole answer once more, with what it cost.
 */
export const zResponseEvent = z.object({
    data: zFinalAnswer,
    event: z.literal('response')
});

/**
 * A query that somebody has verified for this question.
 */
export const zVerifiedQuery = z.object({
    name: z.string(),
    question: z.string().nullish(),
    sql: z.string().nullish(),
    verified_at: z.int().nullish(),
    verified_by: z.string().nullish()
});

/**
 * Why a statement may be trusted.
 */
export const zConfidence = z.object({
    verified_query_used: zVerifiedQuery.nullish()
});

/**
 * A piece of one block of the answer: it carries the field that fits its type.
 */
export const zAnalystDelta = z.object({
    chart_spec: z.string().nullish(),
    confidence: zConfidence.nullish(),
    index: z.int(),
    statement_delta: z.string().nullish(),
    suggestions_delta: zSuggestionDelta.nullish(),
    text_delta: z.string().nullish(),
    think_delta: z.string().nullish(),
    type: z.string()
});

/**
 * A piece of the answer.
 */
export const zMessageContentDeltaEvent = z.object({
    data: zAnalystDelta,
    event: z.literal('message.content.delta')
});

/**
 * What the semantic view lacks.
 */
export const zWarningsEvent = z.object({
    data: zAnalystWarnings,
    event: z.literal('warnings')
});

/**
 * One event of Cortex Analyst's stream, framed by the proxy's own.
 *
 * The set is open: Snowflake adds events without notice, they pass unchanged, and a client must ignore the names that it does not know before it looks into this union.
 */
export const zAnalystEvent = z.discriminatedUnion('event', [
    zProxyStartEvent,
    zProxyEndEvent,
    zErrorEvent,
    zStatusEvent,
    zMessageContentDeltaEvent,
    zWarningsEvent,
    zResponseMetadataEvent,
    zAnalystDoneEvent
]);

/**
 * The whole of a block of text.
 */
export const zWholeText = z.object({
    annotations: z.array(zAnnotation).nullish(),
    content_index: z.int(),
    is_elicitation: z.boolean().nullish(),
    sequence_number: z.int().nullish(),
    text: z.string()
});

/**
 * The whole of that text, with its annotations.
 */
export const zResponseTextEvent = z.object({
    data: zWholeText,
    event: z.literal('response.text')
});

/**
 * The whole of a block of thinking.
 */
export const zWholeThinking = z.object({
    content_index: z.int(),
    sequence_number: z.int().nullish(),
    signature: z.string().nullish(),
    text: z.string()
});

/**
 * The whole of that thinking.
 */
export const zResponseThinkingEvent = z.object({
    data: zWholeThinking,
    event: z.literal('response.thinking')
});

/**
 * One event of a chat stream, in the order `proxy.start`, Snowflake's, `proxy.end`.
 *
 * The set is open: Snowflake adds events without notice, they pass unchanged, and a client must ignore the names that it does not know before it looks into this union.
 */
export const zChatEvent = z.discriminatedUnion('event', [
    zProxyStartEvent,
    zProxyEndEvent,
    zErrorEvent,
    zMetadataEvent,
    zResponseStatusEvent,
    zResponseThinkingDeltaEvent,
    zResponseThinkingEvent,
    zResponseTextDeltaEvent,
    zResponseTextAnnotationEvent,
    zResponseTextEvent,
    zResponseToolUseStatusEvent,
    zResponseToolUseEvent,
    zResponseToolResultStatusEvent,
    zResponseToolResultAnalystDeltaEvent,
    zResponseToolResultEvent,
    zResponseTableEvent,
    zResponseChartEvent,
    zResponseSuggestedQueriesEvent,
    zResponseWarningEvent,
    zResponseEvent,
    zDoneEvent,
    zMessageDeltaEvent
]);
