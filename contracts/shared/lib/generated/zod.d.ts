import * as z from 'zod';
/**
 * Snowflake's own error.
 */
export declare const zAgentError: z.ZodObject<{
    code: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    error_code: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    message: z.ZodString;
    request_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
}, z.core.$strip>;
/**
 * What the agent is doing.
 */
export declare const zAgentStatus: z.ZodObject<{
    message: z.ZodString;
    sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    status: z.ZodString;
}, z.core.$strip>;
/**
 * Something the user should know.
 */
export declare const zAgentWarning: z.ZodObject<{
    code: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    message: z.ZodString;
    sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
}, z.core.$strip>;
/**
 * How Cortex Analyst reads the question, and the SQL for it; suggestions instead when it is ambiguous.
 */
export declare const zAnalystAnswer: z.ZodObject<{
    requestId: z.ZodNullable<z.ZodString>;
    sql: z.ZodNullable<z.ZodString>;
    suggestions: z.ZodArray<z.ZodString>;
    text: z.ZodString;
    verifiedQuery: z.ZodNullable<z.ZodString>;
    warnings: z.ZodArray<z.ZodString>;
}, z.core.$strip>;
/**
 * Cortex Analyst has said everything.
 */
export declare const zAnalystDoneEvent: z.ZodObject<{
    data: z.ZodUnknown;
    event: z.ZodLiteral<"done">;
}, z.core.$strip>;
/**
 * One turn of a conversation with Cortex Analyst.
 */
export declare const zAnalystMessage: z.ZodObject<{
    role: z.ZodEnum<{
        user: "user";
        analyst: "analyst";
    }>;
    text: z.ZodString;
}, z.core.$strict>;
/**
 * How the answer was found.
 */
export declare const zAnalystMetadata: z.ZodObject<{
    analyst_latency_ms: z.ZodOptional<z.ZodNullable<z.ZodNumber>>;
    analyst_orchestration_path: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    cortex_search_retrieval: z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodRecord<z.ZodString, z.ZodUnknown>>>>;
    is_semantic_sql: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
    model_names: z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodString>>>;
    question_category: z.ZodOptional<z.ZodNullable<z.ZodString>>;
}, z.core.$strip>;
/**
 * A question to Cortex Analyst about the configured semantic view; the last message is the user's.
 */
export declare const zAnalystRequest: z.ZodObject<{
    messages: z.ZodArray<z.ZodObject<{
        role: z.ZodEnum<{
            user: "user";
            analyst: "analyst";
        }>;
        text: z.ZodString;
    }, z.core.$strict>>;
    stream: z.ZodDefault<z.ZodOptional<z.ZodBoolean>>;
}, z.core.$strict>;
/**
 * What Cortex Analyst is doing.
 */
export declare const zAnalystStatus: z.ZodObject<{
    request_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    status: z.ZodString;
    status_message: z.ZodString;
}, z.core.$strip>;
/**
 * Something that the semantic view lacks.
 */
export declare const zAnalystWarning: z.ZodObject<{
    message: z.ZodString;
}, z.core.$strip>;
/**
 * What the semantic view lacks.
 */
export declare const zAnalystWarnings: z.ZodObject<{
    warnings: z.ZodArray<z.ZodObject<{
        message: z.ZodString;
    }, z.core.$strip>>;
}, z.core.$strip>;
/**
 * A citation: of a document that was searched, or of a page on the web.
 */
export declare const zAnnotation: z.ZodObject<{
    doc_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    doc_title: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    end_index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    search_result_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    source_url: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    start_index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    type: z.ZodString;
}, z.core.$strip>;
/**
 * A chart, as a block of the answer.
 */
export declare const zChart: z.ZodObject<{
    chart_spec: z.ZodString;
    content_index: z.ZodInt;
    sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    tool_use_id: z.ZodString;
}, z.core.$strip>;
/**
 * A Vega-Lite specification with its data inline: no `url`, no expressions.
 */
export declare const zChartAnswer: z.ZodObject<{
    chart: z.ZodRecord<z.ZodString, z.ZodUnknown>;
    requestId: z.ZodNullable<z.ZodString>;
    text: z.ZodNullable<z.ZodString>;
}, z.core.$strip>;
/**
 * A chart to be drawn.
 */
export declare const zChartBlock: z.ZodObject<{
    chart_spec: z.ZodString;
    tool_use_id: z.ZodString;
}, z.core.$strip>;
/**
 * Rows, or a statement's result, to draw.
 */
export declare const zChartRequest: z.ZodObject<{
    intent: z.ZodString;
    rows: z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodRecord<z.ZodString, z.ZodNullable<z.ZodUnion<readonly [z.ZodString, z.ZodInt, z.ZodNumber, z.ZodBoolean]>>>>>>;
    statementHandle: z.ZodOptional<z.ZodNullable<z.ZodString>>;
}, z.core.$strict>;
/**
 * `tool` needs the names it may choose from.
 */
export declare const zChatToolChoice: z.ZodObject<{
    name: z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodString>>>;
    type: z.ZodDefault<z.ZodOptional<z.ZodEnum<{
        required: "required";
        auto: "auto";
        tool: "tool";
    }>>>;
}, z.core.$strict>;
/**
 * One measurement: seconds for times, a score for CLS, 1 for outcomes and errors.
 */
export declare const zClientMetric: z.ZodObject<{
    label: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    name: z.ZodString;
    value: z.ZodDefault<z.ZodOptional<z.ZodNumber>>;
}, z.core.$strict>;
/**
 * Snowflake has said everything. Its data is no JSON.
 */
export declare const zDoneEvent: z.ZodObject<{
    data: z.ZodLiteral<"[DONE]">;
    event: z.ZodLiteral<"done">;
}, z.core.$strip>;
/**
 * EndReason
 *
 * Why a chat stream ended.
 */
export declare const zEndReason: z.ZodEnum<{
    internal: "internal";
    completed: "completed";
    cancelled: "cancelled";
    upstream_error: "upstream_error";
    upstream_truncated: "upstream_truncated";
    upstream_stalled: "upstream_stalled";
    client_gone: "client_gone";
    client_slow: "client_slow";
    deadline: "deadline";
    too_large: "too_large";
    draining: "draining";
}>;
/**
 * What one subject may ask of one endpoint.
 */
export declare const zEndpointLimits: z.ZodObject<{
    atOnce: z.ZodInt;
    bodyBytes: z.ZodInt;
    burst: z.ZodInt;
    burstS: z.ZodInt;
    deadlineS: z.ZodNumber;
    requests: z.ZodInt;
    windowS: z.ZodInt;
}, z.core.$strip>;
/**
 * One fault of a request body; `pointer` is a JSON pointer into it.
 */
export declare const zFieldError: z.ZodObject<{
    detail: z.ZodString;
    pointer: z.ZodString;
}, z.core.$strip>;
/**
 * Answer of `livez` and `readyz`; each failing check says why.
 */
export declare const zHealth: z.ZodObject<{
    checks: z.ZodRecord<z.ZodString, z.ZodString>;
    status: z.ZodEnum<{
        ok: "ok";
        failing: "failing";
    }>;
}, z.core.$strip>;
/**
 * `cache_read` and `cache_write` are parts of `total`, not additions to it.
 */
export declare const zInputTokens: z.ZodObject<{
    cache_read: z.ZodOptional<z.ZodInt>;
    cache_write: z.ZodOptional<z.ZodInt>;
    total: z.ZodOptional<z.ZodInt>;
    uncached: z.ZodOptional<z.ZodInt>;
}, z.core.$strip>;
/**
 * An older agent's chart.
 */
export declare const zLegacyChart: z.ZodObject<{
    chart_spec: z.ZodString;
}, z.core.$strip>;
/**
 * A tool that an older agent calls.
 */
export declare const zLegacyToolCall: z.ZodObject<{
    input: z.ZodRecord<z.ZodString, z.ZodUnknown>;
    name: z.ZodString;
    tool_use_id: z.ZodString;
}, z.core.$strip>;
/**
 * Ids of a message of the thread, and of the run that it belongs to.
 */
export declare const zMessageIds: z.ZodObject<{
    message_id: z.ZodInt;
    role: z.ZodEnum<{
        user: "user";
        assistant: "assistant";
    }>;
    run_id: z.ZodString;
}, z.core.$strip>;
/**
 * Ids of one of the turn's two messages.
 */
export declare const zMetadata: z.ZodObject<{
    metadata: z.ZodObject<{
        message_id: z.ZodInt;
        role: z.ZodEnum<{
            user: "user";
            assistant: "assistant";
        }>;
        run_id: z.ZodString;
    }, z.core.$strip>;
    sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
}, z.core.$strip>;
/**
 * Ids of the run and its messages; on threads only, once for the user's and once for the assistant's.
 */
export declare const zMetadataEvent: z.ZodObject<{
    data: z.ZodObject<{
        metadata: z.ZodObject<{
            message_id: z.ZodInt;
            role: z.ZodEnum<{
                user: "user";
                assistant: "assistant";
            }>;
            run_id: z.ZodString;
        }, z.core.$strip>;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    }, z.core.$strip>;
    event: z.ZodLiteral<"metadata">;
}, z.core.$strip>;
/**
 * How many measurements were taken in, and how many dropped: unknown, out of bounds or wrongly labelled.
 */
export declare const zMetricsReceipt: z.ZodObject<{
    accepted: z.ZodInt;
    dropped: z.ZodInt;
}, z.core.$strip>;
/**
 * What a page measured. `navigator.sendBeacon` sends no headers: then the session token comes in `token`.
 */
export declare const zMetricsReport: z.ZodObject<{
    metrics: z.ZodArray<z.ZodObject<{
        label: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        name: z.ZodString;
        value: z.ZodDefault<z.ZodOptional<z.ZodNumber>>;
    }, z.core.$strict>>;
    token: z.ZodOptional<z.ZodNullable<z.ZodString>>;
}, z.core.$strict>;
export declare const zOutputTokens: z.ZodObject<{
    total: z.ZodOptional<z.ZodInt>;
}, z.core.$strip>;
/**
 * RFC 9457 problem details. `instance` is the request's id, in a stream the turn's; `traceId` finds its trace.
 */
export declare const zProblem: z.ZodObject<{
    detail: z.ZodString;
    errors: z.ZodOptional<z.ZodArray<z.ZodObject<{
        detail: z.ZodString;
        pointer: z.ZodString;
    }, z.core.$strip>>>;
    instance: z.ZodOptional<z.ZodString>;
    known: z.ZodOptional<z.ZodArray<z.ZodString>>;
    retryAfterS: z.ZodOptional<z.ZodInt>;
    retryable: z.ZodBoolean;
    status: z.ZodInt;
    title: z.ZodString;
    traceId: z.ZodOptional<z.ZodString>;
    type: z.ZodString;
    upstreamCode: z.ZodOptional<z.ZodString>;
    'violated-policies': z.ZodOptional<z.ZodArray<z.ZodString>>;
}, z.core.$strip>;
/**
 * Something failed.
 *
 * Snowflake's own error passes as it came, with a `message`; what it means for the turn follows as a problem, which has a `type`. Failures that only the proxy sees come as a problem alone.
 */
export declare const zErrorEvent: z.ZodObject<{
    data: z.ZodUnion<readonly [z.ZodObject<{
        detail: z.ZodString;
        errors: z.ZodOptional<z.ZodArray<z.ZodObject<{
            detail: z.ZodString;
            pointer: z.ZodString;
        }, z.core.$strip>>>;
        instance: z.ZodOptional<z.ZodString>;
        known: z.ZodOptional<z.ZodArray<z.ZodString>>;
        retryAfterS: z.ZodOptional<z.ZodInt>;
        retryable: z.ZodBoolean;
        status: z.ZodInt;
        title: z.ZodString;
        traceId: z.ZodOptional<z.ZodString>;
        type: z.ZodString;
        upstreamCode: z.ZodOptional<z.ZodString>;
        'violated-policies': z.ZodOptional<z.ZodArray<z.ZodString>>;
    }, z.core.$strip>, z.ZodObject<{
        code: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        error_code: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        message: z.ZodString;
        request_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    }, z.core.$strip>]>;
    event: z.ZodLiteral<"error">;
}, z.core.$strip>;
/**
 * Data of `proxy.start`, the first frame of every chat stream.
 */
export declare const zProxyStart: z.ZodObject<{
    sessionId: z.ZodString;
    threadId: z.ZodOptional<z.ZodInt>;
    traceId: z.ZodString;
    turnId: z.ZodString;
}, z.core.$strip>;
/**
 * The first frame of every stream.
 */
export declare const zProxyStartEvent: z.ZodObject<{
    data: z.ZodObject<{
        sessionId: z.ZodString;
        threadId: z.ZodOptional<z.ZodInt>;
        traceId: z.ZodString;
        turnId: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"proxy.start">;
}, z.core.$strip>;
/**
 * A chart.
 */
export declare const zResponseChartEvent: z.ZodObject<{
    data: z.ZodObject<{
        chart_spec: z.ZodString;
        content_index: z.ZodInt;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        tool_use_id: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.chart">;
}, z.core.$strip>;
/**
 * How the answer was found.
 */
export declare const zResponseMetadataEvent: z.ZodObject<{
    data: z.ZodObject<{
        analyst_latency_ms: z.ZodOptional<z.ZodNullable<z.ZodNumber>>;
        analyst_orchestration_path: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        cortex_search_retrieval: z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodRecord<z.ZodString, z.ZodUnknown>>>>;
        is_semantic_sql: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
        model_names: z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodString>>>;
        question_category: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response_metadata">;
}, z.core.$strip>;
/**
 * What the agent is doing.
 */
export declare const zResponseStatusEvent: z.ZodObject<{
    data: z.ZodObject<{
        message: z.ZodString;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        status: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.status">;
}, z.core.$strip>;
/**
 * Something the user should know.
 */
export declare const zResponseWarningEvent: z.ZodObject<{
    data: z.ZodObject<{
        code: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        message: z.ZodString;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.warning">;
}, z.core.$strip>;
/**
 * A column of a result set.
 */
export declare const zResultColumn: z.ZodObject<{
    length: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    name: z.ZodString;
    nullable: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
    precision: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    scale: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    type: z.ZodString;
}, z.core.$strip>;
/**
 * What the rows of a result set are.
 */
export declare const zResultSetMetadata: z.ZodObject<{
    format: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    numRows: z.ZodInt;
    partition: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    rowType: z.ZodArray<z.ZodObject<{
        length: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        name: z.ZodString;
        nullable: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
        precision: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        scale: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        type: z.ZodString;
    }, z.core.$strip>>;
}, z.core.$strip>;
/**
 * Rows as the SQL API has them: every cell is text, null for NULL.
 */
export declare const zResultSet: z.ZodObject<{
    data: z.ZodArray<z.ZodArray<z.ZodUnion<readonly [z.ZodString, z.ZodNull]>>>;
    resultSetMetaData: z.ZodObject<{
        format: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        numRows: z.ZodInt;
        partition: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        rowType: z.ZodArray<z.ZodObject<{
            length: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            name: z.ZodString;
            nullable: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
            precision: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            scale: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            type: z.ZodString;
        }, z.core.$strip>>;
    }, z.core.$strip>;
    statementHandle: z.ZodOptional<z.ZodNullable<z.ZodString>>;
}, z.core.$strip>;
/**
 * What the analyst tool has found out; text grows, everything else comes whole.
 */
export declare const zAnalystToolDelta: z.ZodObject<{
    query_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    result_set: z.ZodOptional<z.ZodNullable<z.ZodObject<{
        data: z.ZodArray<z.ZodArray<z.ZodUnion<readonly [z.ZodString, z.ZodNull]>>>;
        resultSetMetaData: z.ZodObject<{
            format: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            numRows: z.ZodInt;
            partition: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            rowType: z.ZodArray<z.ZodObject<{
                length: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                name: z.ZodString;
                nullable: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
                precision: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                scale: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                type: z.ZodString;
            }, z.core.$strip>>;
        }, z.core.$strip>;
        statementHandle: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    }, z.core.$strip>>>;
    sql: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    sql_explanation: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    think: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    verified_query_used: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
}, z.core.$strip>;
/**
 * A piece of the analyst tool's answer.
 */
export declare const zAnalystToolProgress: z.ZodObject<{
    content_index: z.ZodInt;
    delta: z.ZodObject<{
        query_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        result_set: z.ZodOptional<z.ZodNullable<z.ZodObject<{
            data: z.ZodArray<z.ZodArray<z.ZodUnion<readonly [z.ZodString, z.ZodNull]>>>;
            resultSetMetaData: z.ZodObject<{
                format: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                numRows: z.ZodInt;
                partition: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                rowType: z.ZodArray<z.ZodObject<{
                    length: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                    name: z.ZodString;
                    nullable: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
                    precision: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                    scale: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                    type: z.ZodString;
                }, z.core.$strip>>;
            }, z.core.$strip>;
            statementHandle: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        }, z.core.$strip>>>;
        sql: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        sql_explanation: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        think: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        verified_query_used: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
    }, z.core.$strip>;
    sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    tool_name: z.ZodString;
    tool_type: z.ZodString;
    tool_use_id: z.ZodString;
}, z.core.$strip>;
/**
 * A piece of what the analyst tool answers; from servers of before April 2026.
 */
export declare const zResponseToolResultAnalystDeltaEvent: z.ZodObject<{
    data: z.ZodObject<{
        content_index: z.ZodInt;
        delta: z.ZodObject<{
            query_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            result_set: z.ZodOptional<z.ZodNullable<z.ZodObject<{
                data: z.ZodArray<z.ZodArray<z.ZodUnion<readonly [z.ZodString, z.ZodNull]>>>;
                resultSetMetaData: z.ZodObject<{
                    format: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                    numRows: z.ZodInt;
                    partition: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                    rowType: z.ZodArray<z.ZodObject<{
                        length: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                        name: z.ZodString;
                        nullable: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
                        precision: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                        scale: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                        type: z.ZodString;
                    }, z.core.$strip>>;
                }, z.core.$strip>;
                statementHandle: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            }, z.core.$strip>>>;
            sql: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            sql_explanation: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            think: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            verified_query_used: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
        }, z.core.$strip>;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        tool_name: z.ZodString;
        tool_type: z.ZodString;
        tool_use_id: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.tool_result.analyst.delta">;
}, z.core.$strip>;
/**
 * One document, best first.
 */
export declare const zSearchHit: z.ZodObject<{
    columns: z.ZodRecord<z.ZodString, z.ZodUnknown>;
    scores: z.ZodRecord<z.ZodString, z.ZodNumber>;
}, z.core.$strip>;
/**
 * What the search found; an empty list when nothing fits.
 */
export declare const zSearchAnswer: z.ZodObject<{
    requestId: z.ZodNullable<z.ZodString>;
    results: z.ZodArray<z.ZodObject<{
        columns: z.ZodRecord<z.ZodString, z.ZodUnknown>;
        scores: z.ZodRecord<z.ZodString, z.ZodNumber>;
    }, z.core.$strip>>;
}, z.core.$strip>;
/**
 * A question to the Cortex Search service.
 *
 * `filter` is Snowflake's: `@eq`, `@contains`, `@gte`, `@lte` on one column each, joined by `@and`, `@or`, `@not`.
 */
export declare const zSearchRequest: z.ZodObject<{
    columns: z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodString>>>;
    filter: z.ZodOptional<z.ZodNullable<z.ZodRecord<z.ZodString, z.ZodUnknown>>>;
    limit: z.ZodDefault<z.ZodOptional<z.ZodInt>>;
    query: z.ZodString;
}, z.core.$strict>;
/**
 * A session token. `expires_at` ends the token, `session_expires_at` ends every refresh of it.
 */
export declare const zSessionToken: z.ZodObject<{
    expiresAt: z.ZodISODateTime;
    expiresInS: z.ZodInt;
    sessionExpiresAt: z.ZodISODateTime;
    sessionId: z.ZodString;
    token: z.ZodString;
    tokenType: z.ZodLiteral<"Bearer">;
}, z.core.$strip>;
/**
 * A column of a result; `type` is Snowflake's, lower-case.
 */
export declare const zSqlColumn: z.ZodObject<{
    name: z.ZodString;
    nullable: z.ZodBoolean;
    precision: z.ZodNullable<z.ZodInt>;
    scale: z.ZodNullable<z.ZodInt>;
    type: z.ZodString;
}, z.core.$strip>;
/**
 * Rows of a statement. Cells are text, exact, null for NULL; dates and times are ISO 8601.
 */
export declare const zSqlAnswer: z.ZodObject<{
    columns: z.ZodArray<z.ZodObject<{
        name: z.ZodString;
        nullable: z.ZodBoolean;
        precision: z.ZodNullable<z.ZodInt>;
        scale: z.ZodNullable<z.ZodInt>;
        type: z.ZodString;
    }, z.core.$strip>>;
    requestId: z.ZodNullable<z.ZodString>;
    rowCount: z.ZodInt;
    rows: z.ZodArray<z.ZodArray<z.ZodUnion<readonly [z.ZodString, z.ZodNull]>>>;
    statementHandle: z.ZodString;
    truncated: z.ZodBoolean;
}, z.core.$strip>;
/**
 * One read-only statement; `?` stands for the bindings, in order.
 */
export declare const zSqlRequest: z.ZodObject<{
    bindings: z.ZodOptional<z.ZodArray<z.ZodUnion<readonly [z.ZodString, z.ZodInt, z.ZodNumber, z.ZodBoolean, z.ZodNull]>>>;
    maxRows: z.ZodDefault<z.ZodOptional<z.ZodInt>>;
    statement: z.ZodString;
}, z.core.$strict>;
/**
 * What this proxy is: for people and for support, without secrets.
 */
export declare const zStatus: z.ZodObject<{
    agent: z.ZodString;
    breakers: z.ZodRecord<z.ZodString, z.ZodEnum<{
        closed: "closed";
        open: "open";
        "half-open": "half-open";
    }>>;
    draining: z.ZodBoolean;
    endpoints: z.ZodRecord<z.ZodString, z.ZodObject<{
        atOnce: z.ZodInt;
        bodyBytes: z.ZodInt;
        burst: z.ZodInt;
        burstS: z.ZodInt;
        deadlineS: z.ZodNumber;
        requests: z.ZodInt;
        windowS: z.ZodInt;
    }, z.core.$strip>>;
    environment: z.ZodEnum<{
        development: "development";
        production: "production";
    }>;
    limits: z.ZodRecord<z.ZodString, z.ZodUnion<readonly [z.ZodInt, z.ZodNumber]>>;
    mode: z.ZodEnum<{
        live: "live";
        rehearsal: "rehearsal";
    }>;
    sessionIssue: z.ZodEnum<{
        open: "open";
        "client-key": "client-key";
    }>;
    store: z.ZodEnum<{
        memory: "memory";
        sqlite: "sqlite";
        redis: "redis";
    }>;
    version: z.ZodString;
}, z.core.$strip>;
/**
 * What Cortex Analyst is doing.
 */
export declare const zStatusEvent: z.ZodObject<{
    data: z.ZodObject<{
        request_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        status: z.ZodString;
        status_message: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"status">;
}, z.core.$strip>;
/**
 * What could be asked next.
 */
export declare const zSuggestedQuery: z.ZodObject<{
    query: z.ZodString;
}, z.core.$strip>;
/**
 * What could be asked next, as a block of the answer.
 */
export declare const zSuggestedQueries: z.ZodObject<{
    content_index: z.ZodInt;
    sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    suggested_queries: z.ZodArray<z.ZodObject<{
        query: z.ZodString;
    }, z.core.$strip>>;
}, z.core.$strip>;
/**
 * What could be asked next.
 */
export declare const zResponseSuggestedQueriesEvent: z.ZodObject<{
    data: z.ZodObject<{
        content_index: z.ZodInt;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        suggested_queries: z.ZodArray<z.ZodObject<{
            query: z.ZodString;
        }, z.core.$strip>>;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.suggested_queries">;
}, z.core.$strip>;
/**
 * A piece of the suggestion `index`.
 */
export declare const zSuggestionDelta: z.ZodObject<{
    index: z.ZodInt;
    suggestion_delta: z.ZodString;
}, z.core.$strip>;
/**
 * Rows, as a block of the answer.
 */
export declare const zTable: z.ZodObject<{
    content_index: z.ZodInt;
    query_id: z.ZodString;
    result_set: z.ZodObject<{
        data: z.ZodArray<z.ZodArray<z.ZodUnion<readonly [z.ZodString, z.ZodNull]>>>;
        resultSetMetaData: z.ZodObject<{
            format: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            numRows: z.ZodInt;
            partition: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            rowType: z.ZodArray<z.ZodObject<{
                length: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                name: z.ZodString;
                nullable: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
                precision: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                scale: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                type: z.ZodString;
            }, z.core.$strip>>;
        }, z.core.$strip>;
        statementHandle: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    }, z.core.$strip>;
    sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    title: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    tool_use_id: z.ZodString;
}, z.core.$strip>;
/**
 * Rows.
 */
export declare const zResponseTableEvent: z.ZodObject<{
    data: z.ZodObject<{
        content_index: z.ZodInt;
        query_id: z.ZodString;
        result_set: z.ZodObject<{
            data: z.ZodArray<z.ZodArray<z.ZodUnion<readonly [z.ZodString, z.ZodNull]>>>;
            resultSetMetaData: z.ZodObject<{
                format: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                numRows: z.ZodInt;
                partition: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                rowType: z.ZodArray<z.ZodObject<{
                    length: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                    name: z.ZodString;
                    nullable: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
                    precision: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                    scale: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                    type: z.ZodString;
                }, z.core.$strip>>;
            }, z.core.$strip>;
            statementHandle: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        }, z.core.$strip>;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        title: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        tool_use_id: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.table">;
}, z.core.$strip>;
/**
 * Rows to be shown.
 */
export declare const zTableBlock: z.ZodObject<{
    query_id: z.ZodString;
    result_set: z.ZodObject<{
        data: z.ZodArray<z.ZodArray<z.ZodUnion<readonly [z.ZodString, z.ZodNull]>>>;
        resultSetMetaData: z.ZodObject<{
            format: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            numRows: z.ZodInt;
            partition: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            rowType: z.ZodArray<z.ZodObject<{
                length: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                name: z.ZodString;
                nullable: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
                precision: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                scale: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                type: z.ZodString;
            }, z.core.$strip>>;
        }, z.core.$strip>;
        statementHandle: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    }, z.core.$strip>;
    title: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    tool_use_id: z.ZodString;
}, z.core.$strip>;
/**
 * A citation within a block of text.
 */
export declare const zTextAnnotation: z.ZodObject<{
    annotation: z.ZodObject<{
        doc_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        doc_title: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        end_index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        search_result_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        source_url: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        start_index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        type: z.ZodString;
    }, z.core.$strip>;
    annotation_index: z.ZodInt;
    content_index: z.ZodInt;
    sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
}, z.core.$strip>;
/**
 * A citation.
 */
export declare const zResponseTextAnnotationEvent: z.ZodObject<{
    data: z.ZodObject<{
        annotation: z.ZodObject<{
            doc_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            doc_title: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            end_index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            search_result_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            source_url: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            start_index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            type: z.ZodString;
        }, z.core.$strip>;
        annotation_index: z.ZodInt;
        content_index: z.ZodInt;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.text.annotation">;
}, z.core.$strip>;
/**
 * A piece of the answer's text.
 */
export declare const zTextDelta: z.ZodObject<{
    content_index: z.ZodInt;
    is_elicitation: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
    sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    text: z.ZodString;
}, z.core.$strip>;
/**
 * A piece of the answer's text.
 */
export declare const zResponseTextDeltaEvent: z.ZodObject<{
    data: z.ZodObject<{
        content_index: z.ZodInt;
        is_elicitation: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        text: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.text.delta">;
}, z.core.$strip>;
/**
 * What the agent thought.
 */
export declare const zThinkingBlock: z.ZodObject<{
    signature: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    text: z.ZodString;
}, z.core.$strip>;
/**
 * A piece of the agent's thinking.
 */
export declare const zThinkingDelta: z.ZodObject<{
    content_index: z.ZodInt;
    sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    signature: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    text: z.ZodString;
}, z.core.$strip>;
/**
 * A piece of its thinking.
 */
export declare const zResponseThinkingDeltaEvent: z.ZodObject<{
    data: z.ZodObject<{
        content_index: z.ZodInt;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        signature: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        text: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.thinking.delta">;
}, z.core.$strip>;
/**
 * Body of `POST /session/token`, may be left out. A still valid token in `Authorization` asks for a refresh.
 */
export declare const zTokenRequest: z.ZodObject<{
    subject: z.ZodOptional<z.ZodNullable<z.ZodString>>;
}, z.core.$strict>;
/**
 * Tokens summed over the models of a turn; cached tokens are part of the input.
 */
export declare const zTokenUsage: z.ZodObject<{
    cachedTokens: z.ZodInt;
    inputTokens: z.ZodInt;
    outputTokens: z.ZodInt;
}, z.core.$strip>;
/**
 * One turn as it was stored when its stream ended.
 */
export declare const zHistoryTurn: z.ZodObject<{
    answer: z.ZodString;
    assistantMessageId: z.ZodNullable<z.ZodInt>;
    complete: z.ZodBoolean;
    content: z.ZodNullable<z.ZodArray<z.ZodRecord<z.ZodString, z.ZodUnknown>>>;
    durationMs: z.ZodNumber;
    endReason: z.ZodEnum<{
        internal: "internal";
        completed: "completed";
        cancelled: "cancelled";
        upstream_error: "upstream_error";
        upstream_truncated: "upstream_truncated";
        upstream_stalled: "upstream_stalled";
        client_gone: "client_gone";
        client_slow: "client_slow";
        deadline: "deadline";
        too_large: "too_large";
        draining: "draining";
    }>;
    question: z.ZodNullable<z.ZodString>;
    startedAt: z.ZodISODateTime;
    threadId: z.ZodNullable<z.ZodInt>;
    traceId: z.ZodString;
    turnId: z.ZodString;
    usage: z.ZodNullable<z.ZodObject<{
        cachedTokens: z.ZodInt;
        inputTokens: z.ZodInt;
        outputTokens: z.ZodInt;
    }, z.core.$strip>>;
}, z.core.$strip>;
/**
 * A session's turns, newest first. A page may hold less than was asked for and still have a next one.
 */
export declare const zHistoryPage: z.ZodObject<{
    nextCursor: z.ZodNullable<z.ZodString>;
    sessionId: z.ZodString;
    turns: z.ZodArray<z.ZodObject<{
        answer: z.ZodString;
        assistantMessageId: z.ZodNullable<z.ZodInt>;
        complete: z.ZodBoolean;
        content: z.ZodNullable<z.ZodArray<z.ZodRecord<z.ZodString, z.ZodUnknown>>>;
        durationMs: z.ZodNumber;
        endReason: z.ZodEnum<{
            internal: "internal";
            completed: "completed";
            cancelled: "cancelled";
            upstream_error: "upstream_error";
            upstream_truncated: "upstream_truncated";
            upstream_stalled: "upstream_stalled";
            client_gone: "client_gone";
            client_slow: "client_slow";
            deadline: "deadline";
            too_large: "too_large";
            draining: "draining";
        }>;
        question: z.ZodNullable<z.ZodString>;
        startedAt: z.ZodISODateTime;
        threadId: z.ZodNullable<z.ZodInt>;
        traceId: z.ZodString;
        turnId: z.ZodString;
        usage: z.ZodNullable<z.ZodObject<{
            cachedTokens: z.ZodInt;
            inputTokens: z.ZodInt;
            outputTokens: z.ZodInt;
        }, z.core.$strip>>;
    }, z.core.$strip>>;
}, z.core.$strip>;
/**
 * Data of `proxy.end`, the last frame of every chat stream. Durations are milliseconds since the request.
 */
export declare const zProxyEnd: z.ZodObject<{
    durationMs: z.ZodNumber;
    events: z.ZodInt;
    firstEventMs: z.ZodOptional<z.ZodNumber>;
    reason: z.ZodEnum<{
        internal: "internal";
        completed: "completed";
        cancelled: "cancelled";
        upstream_error: "upstream_error";
        upstream_truncated: "upstream_truncated";
        upstream_stalled: "upstream_stalled";
        client_gone: "client_gone";
        client_slow: "client_slow";
        deadline: "deadline";
        too_large: "too_large";
        draining: "draining";
    }>;
    turnId: z.ZodString;
    upstreamBytes: z.ZodInt;
    usage: z.ZodOptional<z.ZodObject<{
        cachedTokens: z.ZodInt;
        inputTokens: z.ZodInt;
        outputTokens: z.ZodInt;
    }, z.core.$strip>>;
}, z.core.$strip>;
/**
 * The last frame of every stream; without it the stream was cut.
 */
export declare const zProxyEndEvent: z.ZodObject<{
    data: z.ZodObject<{
        durationMs: z.ZodNumber;
        events: z.ZodInt;
        firstEventMs: z.ZodOptional<z.ZodNumber>;
        reason: z.ZodEnum<{
            internal: "internal";
            completed: "completed";
            cancelled: "cancelled";
            upstream_error: "upstream_error";
            upstream_truncated: "upstream_truncated";
            upstream_stalled: "upstream_stalled";
            client_gone: "client_gone";
            client_slow: "client_slow";
            deadline: "deadline";
            too_large: "too_large";
            draining: "draining";
        }>;
        turnId: z.ZodString;
        upstreamBytes: z.ZodInt;
        usage: z.ZodOptional<z.ZodObject<{
            cachedTokens: z.ZodInt;
            inputTokens: z.ZodInt;
            outputTokens: z.ZodInt;
        }, z.core.$strip>>;
    }, z.core.$strip>;
    event: z.ZodLiteral<"proxy.end">;
}, z.core.$strip>;
/**
 * One entry of `metadata.usage.tokens_consumed`.
 */
export declare const zTokensConsumed: z.ZodObject<{
    context_window: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    input_tokens: z.ZodOptional<z.ZodObject<{
        cache_read: z.ZodOptional<z.ZodInt>;
        cache_write: z.ZodOptional<z.ZodInt>;
        total: z.ZodOptional<z.ZodInt>;
        uncached: z.ZodOptional<z.ZodInt>;
    }, z.core.$strip>>;
    model_name: z.ZodOptional<z.ZodString>;
    output_tokens: z.ZodOptional<z.ZodObject<{
        total: z.ZodOptional<z.ZodInt>;
    }, z.core.$strip>>;
}, z.core.$strip>;
/**
 * A tool that is called.
 */
export declare const zToolCall: z.ZodObject<{
    client_side_execute: z.ZodUnion<readonly [z.ZodBoolean, z.ZodEnum<{
        false: "false";
        true: "true";
    }>]>;
    input: z.ZodRecord<z.ZodString, z.ZodUnknown>;
    name: z.ZodString;
    tool_use_id: z.ZodString;
    type: z.ZodString;
}, z.core.$strip>;
/**
 * A piece of what a tool answered.
 */
export declare const zToolContent: z.ZodObject<{
    json: z.ZodOptional<z.ZodNullable<z.ZodRecord<z.ZodString, z.ZodUnknown>>>;
    text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    type: z.ZodString;
}, z.core.$strip>;
/**
 * What an older agent's tool answered.
 */
export declare const zLegacyToolAnswer: z.ZodObject<{
    content: z.ZodArray<z.ZodObject<{
        json: z.ZodOptional<z.ZodNullable<z.ZodRecord<z.ZodString, z.ZodUnknown>>>;
        text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        type: z.ZodString;
    }, z.core.$strip>>;
    name: z.ZodString;
    status: z.ZodEnum<{
        error: "error";
        success: "success";
    }>;
    tool_use_id: z.ZodString;
}, z.core.$strip>;
/**
 * A piece of an older agent's answer: it carries the field that its type names.
 */
export declare const zLegacyItem: z.ZodObject<{
    chart: z.ZodOptional<z.ZodNullable<z.ZodObject<{
        chart_spec: z.ZodString;
    }, z.core.$strip>>>;
    index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    tool_results: z.ZodOptional<z.ZodNullable<z.ZodObject<{
        content: z.ZodArray<z.ZodObject<{
            json: z.ZodOptional<z.ZodNullable<z.ZodRecord<z.ZodString, z.ZodUnknown>>>;
            text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            type: z.ZodString;
        }, z.core.$strip>>;
        name: z.ZodString;
        status: z.ZodEnum<{
            error: "error";
            success: "success";
        }>;
        tool_use_id: z.ZodString;
    }, z.core.$strip>>>;
    tool_use: z.ZodOptional<z.ZodNullable<z.ZodObject<{
        input: z.ZodRecord<z.ZodString, z.ZodUnknown>;
        name: z.ZodString;
        tool_use_id: z.ZodString;
    }, z.core.$strip>>>;
    type: z.ZodString;
}, z.core.$strip>;
/**
 * What an older agent's answer gains.
 */
export declare const zLegacyContent: z.ZodObject<{
    content: z.ZodArray<z.ZodObject<{
        chart: z.ZodOptional<z.ZodNullable<z.ZodObject<{
            chart_spec: z.ZodString;
        }, z.core.$strip>>>;
        index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        tool_results: z.ZodOptional<z.ZodNullable<z.ZodObject<{
            content: z.ZodArray<z.ZodObject<{
                json: z.ZodOptional<z.ZodNullable<z.ZodRecord<z.ZodString, z.ZodUnknown>>>;
                text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                type: z.ZodString;
            }, z.core.$strip>>;
            name: z.ZodString;
            status: z.ZodEnum<{
                error: "error";
                success: "success";
            }>;
            tool_use_id: z.ZodString;
        }, z.core.$strip>>>;
        tool_use: z.ZodOptional<z.ZodNullable<z.ZodObject<{
            input: z.ZodRecord<z.ZodString, z.ZodUnknown>;
            name: z.ZodString;
            tool_use_id: z.ZodString;
        }, z.core.$strip>>>;
        type: z.ZodString;
    }, z.core.$strip>>;
}, z.core.$strip>;
/**
 * A piece of an older agent's answer.
 */
export declare const zLegacyDelta: z.ZodObject<{
    delta: z.ZodObject<{
        content: z.ZodArray<z.ZodObject<{
            chart: z.ZodOptional<z.ZodNullable<z.ZodObject<{
                chart_spec: z.ZodString;
            }, z.core.$strip>>>;
            index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            tool_results: z.ZodOptional<z.ZodNullable<z.ZodObject<{
                content: z.ZodArray<z.ZodObject<{
                    json: z.ZodOptional<z.ZodNullable<z.ZodRecord<z.ZodString, z.ZodUnknown>>>;
                    text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                    type: z.ZodString;
                }, z.core.$strip>>;
                name: z.ZodString;
                status: z.ZodEnum<{
                    error: "error";
                    success: "success";
                }>;
                tool_use_id: z.ZodString;
            }, z.core.$strip>>>;
            tool_use: z.ZodOptional<z.ZodNullable<z.ZodObject<{
                input: z.ZodRecord<z.ZodString, z.ZodUnknown>;
                name: z.ZodString;
                tool_use_id: z.ZodString;
            }, z.core.$strip>>>;
            type: z.ZodString;
        }, z.core.$strip>>;
    }, z.core.$strip>;
    id: z.ZodString;
    object: z.ZodLiteral<"message.delta">;
}, z.core.$strip>;
/**
 * A piece of an answer in the form of older agents.
 */
export declare const zMessageDeltaEvent: z.ZodObject<{
    data: z.ZodObject<{
        delta: z.ZodObject<{
            content: z.ZodArray<z.ZodObject<{
                chart: z.ZodOptional<z.ZodNullable<z.ZodObject<{
                    chart_spec: z.ZodString;
                }, z.core.$strip>>>;
                index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                tool_results: z.ZodOptional<z.ZodNullable<z.ZodObject<{
                    content: z.ZodArray<z.ZodObject<{
                        json: z.ZodOptional<z.ZodNullable<z.ZodRecord<z.ZodString, z.ZodUnknown>>>;
                        text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                        type: z.ZodString;
                    }, z.core.$strip>>;
                    name: z.ZodString;
                    status: z.ZodEnum<{
                        error: "error";
                        success: "success";
                    }>;
                    tool_use_id: z.ZodString;
                }, z.core.$strip>>>;
                tool_use: z.ZodOptional<z.ZodNullable<z.ZodObject<{
                    input: z.ZodRecord<z.ZodString, z.ZodUnknown>;
                    name: z.ZodString;
                    tool_use_id: z.ZodString;
                }, z.core.$strip>>>;
                type: z.ZodString;
            }, z.core.$strip>>;
        }, z.core.$strip>;
        id: z.ZodString;
        object: z.ZodLiteral<"message.delta">;
    }, z.core.$strip>;
    event: z.ZodLiteral<"message.delta">;
}, z.core.$strip>;
/**
 * What a tool answered.
 */
export declare const zToolAnswer: z.ZodObject<{
    content: z.ZodArray<z.ZodObject<{
        json: z.ZodOptional<z.ZodNullable<z.ZodRecord<z.ZodString, z.ZodUnknown>>>;
        text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        type: z.ZodString;
    }, z.core.$strip>>;
    name: z.ZodString;
    status: z.ZodEnum<{
        error: "error";
        success: "success";
    }>;
    tool_use_id: z.ZodString;
    type: z.ZodString;
}, z.core.$strip>;
/**
 * A block of the whole answer: it carries the field that its type names, but text has its own inline.
 */
export declare const zContentBlock: z.ZodObject<{
    annotations: z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodObject<{
        doc_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        doc_title: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        end_index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        search_result_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        source_url: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        start_index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        type: z.ZodString;
    }, z.core.$strip>>>>;
    chart: z.ZodOptional<z.ZodNullable<z.ZodObject<{
        chart_spec: z.ZodString;
        tool_use_id: z.ZodString;
    }, z.core.$strip>>>;
    is_elicitation: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
    suggested_queries: z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodObject<{
        query: z.ZodString;
    }, z.core.$strip>>>>;
    table: z.ZodOptional<z.ZodNullable<z.ZodObject<{
        query_id: z.ZodString;
        result_set: z.ZodObject<{
            data: z.ZodArray<z.ZodArray<z.ZodUnion<readonly [z.ZodString, z.ZodNull]>>>;
            resultSetMetaData: z.ZodObject<{
                format: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                numRows: z.ZodInt;
                partition: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                rowType: z.ZodArray<z.ZodObject<{
                    length: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                    name: z.ZodString;
                    nullable: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
                    precision: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                    scale: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                    type: z.ZodString;
                }, z.core.$strip>>;
            }, z.core.$strip>;
            statementHandle: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        }, z.core.$strip>;
        title: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        tool_use_id: z.ZodString;
    }, z.core.$strip>>>;
    text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    thinking: z.ZodOptional<z.ZodNullable<z.ZodObject<{
        signature: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        text: z.ZodString;
    }, z.core.$strip>>>;
    tool_result: z.ZodOptional<z.ZodNullable<z.ZodObject<{
        content: z.ZodArray<z.ZodObject<{
            json: z.ZodOptional<z.ZodNullable<z.ZodRecord<z.ZodString, z.ZodUnknown>>>;
            text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            type: z.ZodString;
        }, z.core.$strip>>;
        name: z.ZodString;
        status: z.ZodEnum<{
            error: "error";
            success: "success";
        }>;
        tool_use_id: z.ZodString;
        type: z.ZodString;
    }, z.core.$strip>>>;
    tool_use: z.ZodOptional<z.ZodNullable<z.ZodObject<{
        client_side_execute: z.ZodUnion<readonly [z.ZodBoolean, z.ZodEnum<{
            false: "false";
            true: "true";
        }>]>;
        input: z.ZodRecord<z.ZodString, z.ZodUnknown>;
        name: z.ZodString;
        tool_use_id: z.ZodString;
        type: z.ZodString;
    }, z.core.$strip>>>;
    type: z.ZodString;
}, z.core.$strip>;
/**
 * How far a tool is.
 */
export declare const zToolProgress: z.ZodObject<{
    message: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    status: z.ZodString;
    tool_type: z.ZodString;
    tool_use_id: z.ZodString;
}, z.core.$strip>;
/**
 * How far a tool is.
 */
export declare const zResponseToolResultStatusEvent: z.ZodObject<{
    data: z.ZodObject<{
        message: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        status: z.ZodString;
        tool_type: z.ZodString;
        tool_use_id: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.tool_result.status">;
}, z.core.$strip>;
/**
 * How far a call is that is being prepared; comes before the call.
 */
export declare const zResponseToolUseStatusEvent: z.ZodObject<{
    data: z.ZodObject<{
        message: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        status: z.ZodString;
        tool_type: z.ZodString;
        tool_use_id: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.tool_use.status">;
}, z.core.$strip>;
/**
 * What a tool answered, as a block of the answer.
 */
export declare const zToolResult: z.ZodObject<{
    content: z.ZodArray<z.ZodObject<{
        json: z.ZodOptional<z.ZodNullable<z.ZodRecord<z.ZodString, z.ZodUnknown>>>;
        text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        type: z.ZodString;
    }, z.core.$strip>>;
    content_index: z.ZodInt;
    name: z.ZodString;
    sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    status: z.ZodEnum<{
        error: "error";
        success: "success";
    }>;
    tool_use_id: z.ZodString;
    type: z.ZodString;
}, z.core.$strip>;
/**
 * What a tool answered.
 */
export declare const zResponseToolResultEvent: z.ZodObject<{
    data: z.ZodObject<{
        content: z.ZodArray<z.ZodObject<{
            json: z.ZodOptional<z.ZodNullable<z.ZodRecord<z.ZodString, z.ZodUnknown>>>;
            text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            type: z.ZodString;
        }, z.core.$strip>>;
        content_index: z.ZodInt;
        name: z.ZodString;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        status: z.ZodEnum<{
            error: "error";
            success: "success";
        }>;
        tool_use_id: z.ZodString;
        type: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.tool_result">;
}, z.core.$strip>;
/**
 * One item of a client-side tool's answer.
 */
export declare const zToolResultContent: z.ZodObject<{
    json: z.ZodOptional<z.ZodNullable<z.ZodUnion<readonly [z.ZodRecord<z.ZodString, z.ZodUnknown>, z.ZodArray<z.ZodUnknown>]>>>;
    text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    type: z.ZodEnum<{
        text: "text";
        json: "json";
    }>;
}, z.core.$strict>;
/**
 * The page's answer to a tool call that the agent asked the client to run.
 */
export declare const zClientToolResult: z.ZodObject<{
    content: z.ZodArray<z.ZodObject<{
        json: z.ZodOptional<z.ZodNullable<z.ZodUnion<readonly [z.ZodRecord<z.ZodString, z.ZodUnknown>, z.ZodArray<z.ZodUnknown>]>>>;
        text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        type: z.ZodEnum<{
            text: "text";
            json: "json";
        }>;
    }, z.core.$strict>>;
    name: z.ZodString;
    status: z.ZodDefault<z.ZodOptional<z.ZodEnum<{
        error: "error";
        success: "success";
    }>>>;
    toolUseId: z.ZodString;
    type: z.ZodString;
}, z.core.$strict>;
/**
 * A message that answers a client-side tool instead of asking something.
 */
export declare const zToolResultMessage: z.ZodObject<{
    toolResult: z.ZodObject<{
        content: z.ZodArray<z.ZodObject<{
            json: z.ZodOptional<z.ZodNullable<z.ZodUnion<readonly [z.ZodRecord<z.ZodString, z.ZodUnknown>, z.ZodArray<z.ZodUnknown>]>>>;
            text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            type: z.ZodEnum<{
                text: "text";
                json: "json";
            }>;
        }, z.core.$strict>>;
        name: z.ZodString;
        status: z.ZodDefault<z.ZodOptional<z.ZodEnum<{
            error: "error";
            success: "success";
        }>>>;
        toolUseId: z.ZodString;
        type: z.ZodString;
    }, z.core.$strict>;
}, z.core.$strict>;
/**
 * One turn.
 *
 * Threads: with `threadId` and `parentMessageId` the turn continues that thread; with `parentMessageId` 0 alone the proxy opens a thread first and names it in `proxy.start`; with neither the turn stands alone.
 */
export declare const zChatRequest: z.ZodObject<{
    message: z.ZodUnion<readonly [z.ZodString, z.ZodObject<{
        toolResult: z.ZodObject<{
            content: z.ZodArray<z.ZodObject<{
                json: z.ZodOptional<z.ZodNullable<z.ZodUnion<readonly [z.ZodRecord<z.ZodString, z.ZodUnknown>, z.ZodArray<z.ZodUnknown>]>>>;
                text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                type: z.ZodEnum<{
                    text: "text";
                    json: "json";
                }>;
            }, z.core.$strict>>;
            name: z.ZodString;
            status: z.ZodDefault<z.ZodOptional<z.ZodEnum<{
                error: "error";
                success: "success";
            }>>>;
            toolUseId: z.ZodString;
            type: z.ZodString;
        }, z.core.$strict>;
    }, z.core.$strict>]>;
    parentMessageId: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    sessionId: z.ZodString;
    threadId: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    toolChoice: z.ZodOptional<z.ZodNullable<z.ZodObject<{
        name: z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodString>>>;
        type: z.ZodDefault<z.ZodOptional<z.ZodEnum<{
            required: "required";
            auto: "auto";
            tool: "tool";
        }>>>;
    }, z.core.$strict>>>;
}, z.core.$strict>;
/**
 * A tool that is called, as a block of the answer.
 */
export declare const zToolUse: z.ZodObject<{
    client_side_execute: z.ZodUnion<readonly [z.ZodBoolean, z.ZodEnum<{
        false: "false";
        true: "true";
    }>]>;
    content_index: z.ZodInt;
    input: z.ZodRecord<z.ZodString, z.ZodUnknown>;
    name: z.ZodString;
    sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    tool_use_id: z.ZodString;
    type: z.ZodString;
}, z.core.$strip>;
/**
 * A tool is called; with `client_side_execute` the client is to run it.
 */
export declare const zResponseToolUseEvent: z.ZodObject<{
    data: z.ZodObject<{
        client_side_execute: z.ZodUnion<readonly [z.ZodBoolean, z.ZodEnum<{
            false: "false";
            true: "true";
        }>]>;
        content_index: z.ZodInt;
        input: z.ZodRecord<z.ZodString, z.ZodUnknown>;
        name: z.ZodString;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        tool_use_id: z.ZodString;
        type: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.tool_use">;
}, z.core.$strip>;
export declare const zUsage: z.ZodObject<{
    tokens_consumed: z.ZodOptional<z.ZodArray<z.ZodObject<{
        context_window: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        input_tokens: z.ZodOptional<z.ZodObject<{
            cache_read: z.ZodOptional<z.ZodInt>;
            cache_write: z.ZodOptional<z.ZodInt>;
            total: z.ZodOptional<z.ZodInt>;
            uncached: z.ZodOptional<z.ZodInt>;
        }, z.core.$strip>>;
        model_name: z.ZodOptional<z.ZodString>;
        output_tokens: z.ZodOptional<z.ZodObject<{
            total: z.ZodOptional<z.ZodInt>;
        }, z.core.$strip>>;
    }, z.core.$strip>>>;
}, z.core.$strip>;
/**
 * `metadata` of the final object; the ids are present on threaded runs only.
 */
export declare const zRunMetadata: z.ZodObject<{
    assistant_message_id: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    run_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    thread_id: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    usage: z.ZodOptional<z.ZodObject<{
        tokens_consumed: z.ZodOptional<z.ZodArray<z.ZodObject<{
            context_window: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            input_tokens: z.ZodOptional<z.ZodObject<{
                cache_read: z.ZodOptional<z.ZodInt>;
                cache_write: z.ZodOptional<z.ZodInt>;
                total: z.ZodOptional<z.ZodInt>;
                uncached: z.ZodOptional<z.ZodInt>;
            }, z.core.$strip>>;
            model_name: z.ZodOptional<z.ZodString>;
            output_tokens: z.ZodOptional<z.ZodObject<{
                total: z.ZodOptional<z.ZodInt>;
            }, z.core.$strip>>;
        }, z.core.$strip>>>;
    }, z.core.$strip>>;
    user_message_id: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
}, z.core.$strip>;
/**
 * The whole answer.
 */
export declare const zFinalAnswer: z.ZodObject<{
    content: z.ZodArray<z.ZodObject<{
        annotations: z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodObject<{
            doc_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            doc_title: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            end_index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            search_result_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            source_url: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            start_index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            type: z.ZodString;
        }, z.core.$strip>>>>;
        chart: z.ZodOptional<z.ZodNullable<z.ZodObject<{
            chart_spec: z.ZodString;
            tool_use_id: z.ZodString;
        }, z.core.$strip>>>;
        is_elicitation: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
        suggested_queries: z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodObject<{
            query: z.ZodString;
        }, z.core.$strip>>>>;
        table: z.ZodOptional<z.ZodNullable<z.ZodObject<{
            query_id: z.ZodString;
            result_set: z.ZodObject<{
                data: z.ZodArray<z.ZodArray<z.ZodUnion<readonly [z.ZodString, z.ZodNull]>>>;
                resultSetMetaData: z.ZodObject<{
                    format: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                    numRows: z.ZodInt;
                    partition: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                    rowType: z.ZodArray<z.ZodObject<{
                        length: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                        name: z.ZodString;
                        nullable: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
                        precision: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                        scale: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                        type: z.ZodString;
                    }, z.core.$strip>>;
                }, z.core.$strip>;
                statementHandle: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            }, z.core.$strip>;
            title: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            tool_use_id: z.ZodString;
        }, z.core.$strip>>>;
        text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        thinking: z.ZodOptional<z.ZodNullable<z.ZodObject<{
            signature: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            text: z.ZodString;
        }, z.core.$strip>>>;
        tool_result: z.ZodOptional<z.ZodNullable<z.ZodObject<{
            content: z.ZodArray<z.ZodObject<{
                json: z.ZodOptional<z.ZodNullable<z.ZodRecord<z.ZodString, z.ZodUnknown>>>;
                text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                type: z.ZodString;
            }, z.core.$strip>>;
            name: z.ZodString;
            status: z.ZodEnum<{
                error: "error";
                success: "success";
            }>;
            tool_use_id: z.ZodString;
            type: z.ZodString;
        }, z.core.$strip>>>;
        tool_use: z.ZodOptional<z.ZodNullable<z.ZodObject<{
            client_side_execute: z.ZodUnion<readonly [z.ZodBoolean, z.ZodEnum<{
                false: "false";
                true: "true";
            }>]>;
            input: z.ZodRecord<z.ZodString, z.ZodUnknown>;
            name: z.ZodString;
            tool_use_id: z.ZodString;
            type: z.ZodString;
        }, z.core.$strip>>>;
        type: z.ZodString;
    }, z.core.$strip>>;
    metadata: z.ZodObject<{
        assistant_message_id: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        run_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        thread_id: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        usage: z.ZodOptional<z.ZodObject<{
            tokens_consumed: z.ZodOptional<z.ZodArray<z.ZodObject<{
                context_window: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                input_tokens: z.ZodOptional<z.ZodObject<{
                    cache_read: z.ZodOptional<z.ZodInt>;
                    cache_write: z.ZodOptional<z.ZodInt>;
                    total: z.ZodOptional<z.ZodInt>;
                    uncached: z.ZodOptional<z.ZodInt>;
                }, z.core.$strip>>;
                model_name: z.ZodOptional<z.ZodString>;
                output_tokens: z.ZodOptional<z.ZodObject<{
                    total: z.ZodOptional<z.ZodInt>;
                }, z.core.$strip>>;
            }, z.core.$strip>>>;
        }, z.core.$strip>>;
        user_message_id: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    }, z.core.$strip>;
    role: z.ZodLiteral<"assistant">;
    schema_version: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    status: z.ZodEnum<{
        error: "error";
        completed: "completed";
        cancelled: "cancelled";
        timed_out: "timed_out";
    }>;
    warnings: z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodObject<{
        code: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        message: z.ZodString;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    }, z.core.$strip>>>>;
}, z.core.$strip>;
/**
 * The whole answer once more, with what it cost.
 */
export declare const zResponseEvent: z.ZodObject<{
    data: z.ZodObject<{
        content: z.ZodArray<z.ZodObject<{
            annotations: z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodObject<{
                doc_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                doc_title: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                end_index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                search_result_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                source_url: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                start_index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                type: z.ZodString;
            }, z.core.$strip>>>>;
            chart: z.ZodOptional<z.ZodNullable<z.ZodObject<{
                chart_spec: z.ZodString;
                tool_use_id: z.ZodString;
            }, z.core.$strip>>>;
            is_elicitation: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
            suggested_queries: z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodObject<{
                query: z.ZodString;
            }, z.core.$strip>>>>;
            table: z.ZodOptional<z.ZodNullable<z.ZodObject<{
                query_id: z.ZodString;
                result_set: z.ZodObject<{
                    data: z.ZodArray<z.ZodArray<z.ZodUnion<readonly [z.ZodString, z.ZodNull]>>>;
                    resultSetMetaData: z.ZodObject<{
                        format: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                        numRows: z.ZodInt;
                        partition: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                        rowType: z.ZodArray<z.ZodObject<{
                            length: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                            name: z.ZodString;
                            nullable: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
                            precision: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                            scale: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                            type: z.ZodString;
                        }, z.core.$strip>>;
                    }, z.core.$strip>;
                    statementHandle: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                }, z.core.$strip>;
                title: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                tool_use_id: z.ZodString;
            }, z.core.$strip>>>;
            text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            thinking: z.ZodOptional<z.ZodNullable<z.ZodObject<{
                signature: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                text: z.ZodString;
            }, z.core.$strip>>>;
            tool_result: z.ZodOptional<z.ZodNullable<z.ZodObject<{
                content: z.ZodArray<z.ZodObject<{
                    json: z.ZodOptional<z.ZodNullable<z.ZodRecord<z.ZodString, z.ZodUnknown>>>;
                    text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                    type: z.ZodString;
                }, z.core.$strip>>;
                name: z.ZodString;
                status: z.ZodEnum<{
                    error: "error";
                    success: "success";
                }>;
                tool_use_id: z.ZodString;
                type: z.ZodString;
            }, z.core.$strip>>>;
            tool_use: z.ZodOptional<z.ZodNullable<z.ZodObject<{
                client_side_execute: z.ZodUnion<readonly [z.ZodBoolean, z.ZodEnum<{
                    false: "false";
                    true: "true";
                }>]>;
                input: z.ZodRecord<z.ZodString, z.ZodUnknown>;
                name: z.ZodString;
                tool_use_id: z.ZodString;
                type: z.ZodString;
            }, z.core.$strip>>>;
            type: z.ZodString;
        }, z.core.$strip>>;
        metadata: z.ZodObject<{
            assistant_message_id: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            run_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            thread_id: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            usage: z.ZodOptional<z.ZodObject<{
                tokens_consumed: z.ZodOptional<z.ZodArray<z.ZodObject<{
                    context_window: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                    input_tokens: z.ZodOptional<z.ZodObject<{
                        cache_read: z.ZodOptional<z.ZodInt>;
                        cache_write: z.ZodOptional<z.ZodInt>;
                        total: z.ZodOptional<z.ZodInt>;
                        uncached: z.ZodOptional<z.ZodInt>;
                    }, z.core.$strip>>;
                    model_name: z.ZodOptional<z.ZodString>;
                    output_tokens: z.ZodOptional<z.ZodObject<{
                        total: z.ZodOptional<z.ZodInt>;
                    }, z.core.$strip>>;
                }, z.core.$strip>>>;
            }, z.core.$strip>>;
            user_message_id: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        }, z.core.$strip>;
        role: z.ZodLiteral<"assistant">;
        schema_version: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        status: z.ZodEnum<{
            error: "error";
            completed: "completed";
            cancelled: "cancelled";
            timed_out: "timed_out";
        }>;
        warnings: z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodObject<{
            code: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            message: z.ZodString;
            sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        }, z.core.$strip>>>>;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response">;
}, z.core.$strip>;
/**
 * A query that somebody has verified for this question.
 */
export declare const zVerifiedQuery: z.ZodObject<{
    name: z.ZodString;
    question: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    sql: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    verified_at: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    verified_by: z.ZodOptional<z.ZodNullable<z.ZodString>>;
}, z.core.$strip>;
/**
 * Why a statement may be trusted.
 */
export declare const zConfidence: z.ZodObject<{
    verified_query_used: z.ZodOptional<z.ZodNullable<z.ZodObject<{
        name: z.ZodString;
        question: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        sql: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        verified_at: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        verified_by: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    }, z.core.$strip>>>;
}, z.core.$strip>;
/**
 * A piece of one block of the answer: it carries the field that fits its type.
 */
export declare const zAnalystDelta: z.ZodObject<{
    chart_spec: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    confidence: z.ZodOptional<z.ZodNullable<z.ZodObject<{
        verified_query_used: z.ZodOptional<z.ZodNullable<z.ZodObject<{
            name: z.ZodString;
            question: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            sql: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            verified_at: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            verified_by: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        }, z.core.$strip>>>;
    }, z.core.$strip>>>;
    index: z.ZodInt;
    statement_delta: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    suggestions_delta: z.ZodOptional<z.ZodNullable<z.ZodObject<{
        index: z.ZodInt;
        suggestion_delta: z.ZodString;
    }, z.core.$strip>>>;
    text_delta: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    think_delta: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    type: z.ZodString;
}, z.core.$strip>;
/**
 * A piece of the answer.
 */
export declare const zMessageContentDeltaEvent: z.ZodObject<{
    data: z.ZodObject<{
        chart_spec: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        confidence: z.ZodOptional<z.ZodNullable<z.ZodObject<{
            verified_query_used: z.ZodOptional<z.ZodNullable<z.ZodObject<{
                name: z.ZodString;
                question: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                sql: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                verified_at: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                verified_by: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            }, z.core.$strip>>>;
        }, z.core.$strip>>>;
        index: z.ZodInt;
        statement_delta: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        suggestions_delta: z.ZodOptional<z.ZodNullable<z.ZodObject<{
            index: z.ZodInt;
            suggestion_delta: z.ZodString;
        }, z.core.$strip>>>;
        text_delta: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        think_delta: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        type: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"message.content.delta">;
}, z.core.$strip>;
/**
 * What the semantic view lacks.
 */
export declare const zWarningsEvent: z.ZodObject<{
    data: z.ZodObject<{
        warnings: z.ZodArray<z.ZodObject<{
            message: z.ZodString;
        }, z.core.$strip>>;
    }, z.core.$strip>;
    event: z.ZodLiteral<"warnings">;
}, z.core.$strip>;
/**
 * One event of Cortex Analyst's stream, framed by the proxy's own.
 *
 * The set is open: Snowflake adds events without notice, they pass unchanged, and a client must ignore the names that it does not know before it looks into this union.
 */
export declare const zAnalystEvent: z.ZodDiscriminatedUnion<[z.ZodObject<{
    data: z.ZodObject<{
        sessionId: z.ZodString;
        threadId: z.ZodOptional<z.ZodInt>;
        traceId: z.ZodString;
        turnId: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"proxy.start">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodObject<{
        durationMs: z.ZodNumber;
        events: z.ZodInt;
        firstEventMs: z.ZodOptional<z.ZodNumber>;
        reason: z.ZodEnum<{
            internal: "internal";
            completed: "completed";
            cancelled: "cancelled";
            upstream_error: "upstream_error";
            upstream_truncated: "upstream_truncated";
            upstream_stalled: "upstream_stalled";
            client_gone: "client_gone";
            client_slow: "client_slow";
            deadline: "deadline";
            too_large: "too_large";
            draining: "draining";
        }>;
        turnId: z.ZodString;
        upstreamBytes: z.ZodInt;
        usage: z.ZodOptional<z.ZodObject<{
            cachedTokens: z.ZodInt;
            inputTokens: z.ZodInt;
            outputTokens: z.ZodInt;
        }, z.core.$strip>>;
    }, z.core.$strip>;
    event: z.ZodLiteral<"proxy.end">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodUnion<readonly [z.ZodObject<{
        detail: z.ZodString;
        errors: z.ZodOptional<z.ZodArray<z.ZodObject<{
            detail: z.ZodString;
            pointer: z.ZodString;
        }, z.core.$strip>>>;
        instance: z.ZodOptional<z.ZodString>;
        known: z.ZodOptional<z.ZodArray<z.ZodString>>;
        retryAfterS: z.ZodOptional<z.ZodInt>;
        retryable: z.ZodBoolean;
        status: z.ZodInt;
        title: z.ZodString;
        traceId: z.ZodOptional<z.ZodString>;
        type: z.ZodString;
        upstreamCode: z.ZodOptional<z.ZodString>;
        'violated-policies': z.ZodOptional<z.ZodArray<z.ZodString>>;
    }, z.core.$strip>, z.ZodObject<{
        code: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        error_code: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        message: z.ZodString;
        request_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    }, z.core.$strip>]>;
    event: z.ZodLiteral<"error">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodObject<{
        request_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        status: z.ZodString;
        status_message: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"status">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodObject<{
        chart_spec: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        confidence: z.ZodOptional<z.ZodNullable<z.ZodObject<{
            verified_query_used: z.ZodOptional<z.ZodNullable<z.ZodObject<{
                name: z.ZodString;
                question: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                sql: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                verified_at: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                verified_by: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            }, z.core.$strip>>>;
        }, z.core.$strip>>>;
        index: z.ZodInt;
        statement_delta: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        suggestions_delta: z.ZodOptional<z.ZodNullable<z.ZodObject<{
            index: z.ZodInt;
            suggestion_delta: z.ZodString;
        }, z.core.$strip>>>;
        text_delta: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        think_delta: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        type: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"message.content.delta">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodObject<{
        warnings: z.ZodArray<z.ZodObject<{
            message: z.ZodString;
        }, z.core.$strip>>;
    }, z.core.$strip>;
    event: z.ZodLiteral<"warnings">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodObject<{
        analyst_latency_ms: z.ZodOptional<z.ZodNullable<z.ZodNumber>>;
        analyst_orchestration_path: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        cortex_search_retrieval: z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodRecord<z.ZodString, z.ZodUnknown>>>>;
        is_semantic_sql: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
        model_names: z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodString>>>;
        question_category: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response_metadata">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodUnknown;
    event: z.ZodLiteral<"done">;
}, z.core.$strip>], "event">;
/**
 * The whole of a block of text.
 */
export declare const zWholeText: z.ZodObject<{
    annotations: z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodObject<{
        doc_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        doc_title: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        end_index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        search_result_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        source_url: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        start_index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        type: z.ZodString;
    }, z.core.$strip>>>>;
    content_index: z.ZodInt;
    is_elicitation: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
    sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    text: z.ZodString;
}, z.core.$strip>;
/**
 * The whole of that text, with its annotations.
 */
export declare const zResponseTextEvent: z.ZodObject<{
    data: z.ZodObject<{
        annotations: z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodObject<{
            doc_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            doc_title: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            end_index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            search_result_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            source_url: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            start_index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            type: z.ZodString;
        }, z.core.$strip>>>>;
        content_index: z.ZodInt;
        is_elicitation: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        text: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.text">;
}, z.core.$strip>;
/**
 * The whole of a block of thinking.
 */
export declare const zWholeThinking: z.ZodObject<{
    content_index: z.ZodInt;
    sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    signature: z.ZodOptional<z.ZodNullable<z.ZodString>>;
    text: z.ZodString;
}, z.core.$strip>;
/**
 * The whole of that thinking.
 */
export declare const zResponseThinkingEvent: z.ZodObject<{
    data: z.ZodObject<{
        content_index: z.ZodInt;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        signature: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        text: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.thinking">;
}, z.core.$strip>;
/**
 * One event of a chat stream, in the order `proxy.start`, Snowflake's, `proxy.end`.
 *
 * The set is open: Snowflake adds events without notice, they pass unchanged, and a client must ignore the names that it does not know before it looks into this union.
 */
export declare const zChatEvent: z.ZodDiscriminatedUnion<[z.ZodObject<{
    data: z.ZodObject<{
        sessionId: z.ZodString;
        threadId: z.ZodOptional<z.ZodInt>;
        traceId: z.ZodString;
        turnId: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"proxy.start">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodObject<{
        durationMs: z.ZodNumber;
        events: z.ZodInt;
        firstEventMs: z.ZodOptional<z.ZodNumber>;
        reason: z.ZodEnum<{
            internal: "internal";
            completed: "completed";
            cancelled: "cancelled";
            upstream_error: "upstream_error";
            upstream_truncated: "upstream_truncated";
            upstream_stalled: "upstream_stalled";
            client_gone: "client_gone";
            client_slow: "client_slow";
            deadline: "deadline";
            too_large: "too_large";
            draining: "draining";
        }>;
        turnId: z.ZodString;
        upstreamBytes: z.ZodInt;
        usage: z.ZodOptional<z.ZodObject<{
            cachedTokens: z.ZodInt;
            inputTokens: z.ZodInt;
            outputTokens: z.ZodInt;
        }, z.core.$strip>>;
    }, z.core.$strip>;
    event: z.ZodLiteral<"proxy.end">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodUnion<readonly [z.ZodObject<{
        detail: z.ZodString;
        errors: z.ZodOptional<z.ZodArray<z.ZodObject<{
            detail: z.ZodString;
            pointer: z.ZodString;
        }, z.core.$strip>>>;
        instance: z.ZodOptional<z.ZodString>;
        known: z.ZodOptional<z.ZodArray<z.ZodString>>;
        retryAfterS: z.ZodOptional<z.ZodInt>;
        retryable: z.ZodBoolean;
        status: z.ZodInt;
        title: z.ZodString;
        traceId: z.ZodOptional<z.ZodString>;
        type: z.ZodString;
        upstreamCode: z.ZodOptional<z.ZodString>;
        'violated-policies': z.ZodOptional<z.ZodArray<z.ZodString>>;
    }, z.core.$strip>, z.ZodObject<{
        code: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        error_code: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        message: z.ZodString;
        request_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    }, z.core.$strip>]>;
    event: z.ZodLiteral<"error">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodObject<{
        metadata: z.ZodObject<{
            message_id: z.ZodInt;
            role: z.ZodEnum<{
                user: "user";
                assistant: "assistant";
            }>;
            run_id: z.ZodString;
        }, z.core.$strip>;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    }, z.core.$strip>;
    event: z.ZodLiteral<"metadata">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodObject<{
        message: z.ZodString;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        status: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.status">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodObject<{
        content_index: z.ZodInt;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        signature: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        text: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.thinking.delta">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodObject<{
        content_index: z.ZodInt;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        signature: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        text: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.thinking">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodObject<{
        content_index: z.ZodInt;
        is_elicitation: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        text: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.text.delta">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodObject<{
        annotation: z.ZodObject<{
            doc_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            doc_title: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            end_index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            search_result_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            source_url: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            start_index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            type: z.ZodString;
        }, z.core.$strip>;
        annotation_index: z.ZodInt;
        content_index: z.ZodInt;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.text.annotation">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodObject<{
        annotations: z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodObject<{
            doc_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            doc_title: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            end_index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            search_result_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            source_url: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            start_index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            type: z.ZodString;
        }, z.core.$strip>>>>;
        content_index: z.ZodInt;
        is_elicitation: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        text: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.text">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodObject<{
        message: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        status: z.ZodString;
        tool_type: z.ZodString;
        tool_use_id: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.tool_use.status">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodObject<{
        client_side_execute: z.ZodUnion<readonly [z.ZodBoolean, z.ZodEnum<{
            false: "false";
            true: "true";
        }>]>;
        content_index: z.ZodInt;
        input: z.ZodRecord<z.ZodString, z.ZodUnknown>;
        name: z.ZodString;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        tool_use_id: z.ZodString;
        type: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.tool_use">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodObject<{
        message: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        status: z.ZodString;
        tool_type: z.ZodString;
        tool_use_id: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.tool_result.status">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodObject<{
        content_index: z.ZodInt;
        delta: z.ZodObject<{
            query_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            result_set: z.ZodOptional<z.ZodNullable<z.ZodObject<{
                data: z.ZodArray<z.ZodArray<z.ZodUnion<readonly [z.ZodString, z.ZodNull]>>>;
                resultSetMetaData: z.ZodObject<{
                    format: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                    numRows: z.ZodInt;
                    partition: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                    rowType: z.ZodArray<z.ZodObject<{
                        length: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                        name: z.ZodString;
                        nullable: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
                        precision: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                        scale: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                        type: z.ZodString;
                    }, z.core.$strip>>;
                }, z.core.$strip>;
                statementHandle: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            }, z.core.$strip>>>;
            sql: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            sql_explanation: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            think: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            verified_query_used: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
        }, z.core.$strip>;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        tool_name: z.ZodString;
        tool_type: z.ZodString;
        tool_use_id: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.tool_result.analyst.delta">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodObject<{
        content: z.ZodArray<z.ZodObject<{
            json: z.ZodOptional<z.ZodNullable<z.ZodRecord<z.ZodString, z.ZodUnknown>>>;
            text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            type: z.ZodString;
        }, z.core.$strip>>;
        content_index: z.ZodInt;
        name: z.ZodString;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        status: z.ZodEnum<{
            error: "error";
            success: "success";
        }>;
        tool_use_id: z.ZodString;
        type: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.tool_result">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodObject<{
        content_index: z.ZodInt;
        query_id: z.ZodString;
        result_set: z.ZodObject<{
            data: z.ZodArray<z.ZodArray<z.ZodUnion<readonly [z.ZodString, z.ZodNull]>>>;
            resultSetMetaData: z.ZodObject<{
                format: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                numRows: z.ZodInt;
                partition: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                rowType: z.ZodArray<z.ZodObject<{
                    length: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                    name: z.ZodString;
                    nullable: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
                    precision: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                    scale: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                    type: z.ZodString;
                }, z.core.$strip>>;
            }, z.core.$strip>;
            statementHandle: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        }, z.core.$strip>;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        title: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        tool_use_id: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.table">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodObject<{
        chart_spec: z.ZodString;
        content_index: z.ZodInt;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        tool_use_id: z.ZodString;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.chart">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodObject<{
        content_index: z.ZodInt;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        suggested_queries: z.ZodArray<z.ZodObject<{
            query: z.ZodString;
        }, z.core.$strip>>;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.suggested_queries">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodObject<{
        code: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        message: z.ZodString;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response.warning">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodObject<{
        content: z.ZodArray<z.ZodObject<{
            annotations: z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodObject<{
                doc_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                doc_title: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                end_index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                search_result_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                source_url: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                start_index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                type: z.ZodString;
            }, z.core.$strip>>>>;
            chart: z.ZodOptional<z.ZodNullable<z.ZodObject<{
                chart_spec: z.ZodString;
                tool_use_id: z.ZodString;
            }, z.core.$strip>>>;
            is_elicitation: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
            suggested_queries: z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodObject<{
                query: z.ZodString;
            }, z.core.$strip>>>>;
            table: z.ZodOptional<z.ZodNullable<z.ZodObject<{
                query_id: z.ZodString;
                result_set: z.ZodObject<{
                    data: z.ZodArray<z.ZodArray<z.ZodUnion<readonly [z.ZodString, z.ZodNull]>>>;
                    resultSetMetaData: z.ZodObject<{
                        format: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                        numRows: z.ZodInt;
                        partition: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                        rowType: z.ZodArray<z.ZodObject<{
                            length: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                            name: z.ZodString;
                            nullable: z.ZodOptional<z.ZodNullable<z.ZodBoolean>>;
                            precision: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                            scale: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                            type: z.ZodString;
                        }, z.core.$strip>>;
                    }, z.core.$strip>;
                    statementHandle: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                }, z.core.$strip>;
                title: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                tool_use_id: z.ZodString;
            }, z.core.$strip>>>;
            text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            thinking: z.ZodOptional<z.ZodNullable<z.ZodObject<{
                signature: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                text: z.ZodString;
            }, z.core.$strip>>>;
            tool_result: z.ZodOptional<z.ZodNullable<z.ZodObject<{
                content: z.ZodArray<z.ZodObject<{
                    json: z.ZodOptional<z.ZodNullable<z.ZodRecord<z.ZodString, z.ZodUnknown>>>;
                    text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                    type: z.ZodString;
                }, z.core.$strip>>;
                name: z.ZodString;
                status: z.ZodEnum<{
                    error: "error";
                    success: "success";
                }>;
                tool_use_id: z.ZodString;
                type: z.ZodString;
            }, z.core.$strip>>>;
            tool_use: z.ZodOptional<z.ZodNullable<z.ZodObject<{
                client_side_execute: z.ZodUnion<readonly [z.ZodBoolean, z.ZodEnum<{
                    false: "false";
                    true: "true";
                }>]>;
                input: z.ZodRecord<z.ZodString, z.ZodUnknown>;
                name: z.ZodString;
                tool_use_id: z.ZodString;
                type: z.ZodString;
            }, z.core.$strip>>>;
            type: z.ZodString;
        }, z.core.$strip>>;
        metadata: z.ZodObject<{
            assistant_message_id: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            run_id: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            thread_id: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
            usage: z.ZodOptional<z.ZodObject<{
                tokens_consumed: z.ZodOptional<z.ZodArray<z.ZodObject<{
                    context_window: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                    input_tokens: z.ZodOptional<z.ZodObject<{
                        cache_read: z.ZodOptional<z.ZodInt>;
                        cache_write: z.ZodOptional<z.ZodInt>;
                        total: z.ZodOptional<z.ZodInt>;
                        uncached: z.ZodOptional<z.ZodInt>;
                    }, z.core.$strip>>;
                    model_name: z.ZodOptional<z.ZodString>;
                    output_tokens: z.ZodOptional<z.ZodObject<{
                        total: z.ZodOptional<z.ZodInt>;
                    }, z.core.$strip>>;
                }, z.core.$strip>>>;
            }, z.core.$strip>>;
            user_message_id: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        }, z.core.$strip>;
        role: z.ZodLiteral<"assistant">;
        schema_version: z.ZodOptional<z.ZodNullable<z.ZodString>>;
        sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        status: z.ZodEnum<{
            error: "error";
            completed: "completed";
            cancelled: "cancelled";
            timed_out: "timed_out";
        }>;
        warnings: z.ZodOptional<z.ZodNullable<z.ZodArray<z.ZodObject<{
            code: z.ZodOptional<z.ZodNullable<z.ZodString>>;
            message: z.ZodString;
            sequence_number: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
        }, z.core.$strip>>>>;
    }, z.core.$strip>;
    event: z.ZodLiteral<"response">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodLiteral<"[DONE]">;
    event: z.ZodLiteral<"done">;
}, z.core.$strip>, z.ZodObject<{
    data: z.ZodObject<{
        delta: z.ZodObject<{
            content: z.ZodArray<z.ZodObject<{
                chart: z.ZodOptional<z.ZodNullable<z.ZodObject<{
                    chart_spec: z.ZodString;
                }, z.core.$strip>>>;
                index: z.ZodOptional<z.ZodNullable<z.ZodInt>>;
                text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                tool_results: z.ZodOptional<z.ZodNullable<z.ZodObject<{
                    content: z.ZodArray<z.ZodObject<{
                        json: z.ZodOptional<z.ZodNullable<z.ZodRecord<z.ZodString, z.ZodUnknown>>>;
                        text: z.ZodOptional<z.ZodNullable<z.ZodString>>;
                        type: z.ZodString;
                    }, z.core.$strip>>;
                    name: z.ZodString;
                    status: z.ZodEnum<{
                        error: "error";
                        success: "success";
                    }>;
                    tool_use_id: z.ZodString;
                }, z.core.$strip>>>;
                tool_use: z.ZodOptional<z.ZodNullable<z.ZodObject<{
                    input: z.ZodRecord<z.ZodString, z.ZodUnknown>;
                    name: z.ZodString;
                    tool_use_id: z.ZodString;
                }, z.core.$strip>>>;
                type: z.ZodString;
            }, z.core.$strip>>;
        }, z.core.$strip>;
        id: z.ZodString;
        object: z.ZodLiteral<"message.delta">;
    }, z.core.$strip>;
    event: z.ZodLiteral<"message.delta">;
}, z.core.$strip>], "event">;
