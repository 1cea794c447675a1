// Generated from contracts/openapi.yaml by `python3 harness.py contracts typescript`. Do not edit.

export interface paths {
    "/api/v1/chat": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask the agent, and stream its answer
         * @description The answer begins once Snowflake has begun its own: until then everything that fails is an ordinary problem. After that a failure is an `error` event, and `proxy.end` is the last frame in every case. A stream without it was cut on its way.
         */
        post: operations["chat"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * This document as a page
         * @description For people. It needs no scripts.
         */
        get: operations["docsBelowPrefix"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/history/{sessionId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a session's turns
         * @description Newest first. A session of somebody else and one that never was are answered alike.
         */
        get: operations["readHistory"];
        put?: never;
        post?: never;
        /**
         * Delete a session's turns
         * @description Turns that are still being written are deleted, too.
         */
        delete: operations["forgetHistory"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/livez": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Is the process alive?
         * @description It is when it answers.
         */
        get: operations["livezBelowPrefix"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/metrics/report": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Report what a page measured
         * @description Measurements that do not fit are counted and dropped; a report of nothing else is no error. `navigator.sendBeacon` sends no headers: then the token comes in the body, and the body as `text/plain`.
         */
        post: operations["reportMetrics"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * This document
         * @description For generators and tools.
         */
        get: operations["openapiDocumentBelowPrefix"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Can it serve?
         * @description Keys, store, upstream and lifecycle, looked up at most once a second. Never asks Cortex.
         */
        get: operations["readyzBelowPrefix"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session/token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Issue or refresh a session token
         * @description Without a token, a new session begins. With a still valid one in `Authorization`, its session goes on with a fresh token, up to the session's limit. In production a new session needs the client key, which only a backend holds; naming a `subject` always does.
         */
        post: operations["issueToken"];
        /**
         * End the session
         * @description None of the session's tokens is accepted or refreshed any more. Running answers go on.
         */
        delete: operations["endSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What is it?
         * @description Version, mode, limits and breakers, without secrets.
         */
        get: operations["statusBelowPrefix"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tools/analyst": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Turn a question into SQL
         * @description Asks Cortex Analyst about the configured semantic view. The SQL is not run. With `stream` the answer is Cortex Analyst's own events between `proxy.start` and `proxy.end`.
         */
        post: operations["analyst"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tools/chart": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Draw rows
         * @description An agent chooses the chart. What it draws goes through only if it neither fetches nor computes.
         */
        post: operations["chart"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tools/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Search documents
         * @description Asks the configured Cortex Search service, for the configured columns only.
         */
        post: operations["search"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tools/sql": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Run one read-only statement
         * @description A statement that does anything but read is refused here, and by the proxy's role in Snowflake.
         */
        post: operations["sql"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * This document as a page
         * @description For people. It needs no scripts.
         */
        get: operations["docs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/livez": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Is the process alive?
         * @description It is when it answers.
         */
        get: operations["livez"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * This document
         * @description For generators and tools.
         */
        get: operations["openapiDocument"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Can it serve?
         * @description Keys, store, upstream and lifecycle, looked up at most once a second. Never asks Cortex.
         */
        get: operations["readyz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What is it?
         * @description Version, mode, limits and breakers, without secrets.
         */
        get: operations["status"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * @description Snowflake's own error.
         * @example {
         *       "code": "399504",
         *       "error_code": "399504",
         *       "message": "Error during execution",
         *       "request_id": "9f3f6c5e-1a86-4b7c-9f2c-0f4f6b0a7d10",
         *       "sequence_number": 2
         *     }
         */
        AgentError: {
            /** @description numeric */
            code?: string | null;
            /** @description the older name of `code` */
            error_code?: string | null;
            message: string;
            request_id?: string | null;
            /** @description counts the run's payloads from 1, ascending */
            sequence_number?: number | null;
        };
        /**
         * @description What the agent is doing.
         * @example {
         *       "message": "Planning the next steps",
         *       "sequence_number": 2,
         *       "status": "planning"
         *     }
         */
        AgentStatus: {
            message: string;
            /** @description counts the run's payloads from 1, ascending */
            sequence_number?: number | null;
            status: string;
        };
        /**
         * @description Something the user should know.
         * @example {
         *       "code": "399569",
         *       "message": "TOOL_NOT_ACCESSIBLE: sales_docs (cortex_search) - The Cortex Search Service does not exist or access is not authorized for the current role: CORTEX_BENCH_DB.SALES.SALES_DOCS_SVC",
         *       "sequence_number": 3
         *     }
         */
        AgentWarning: {
            code?: string | null;
            message: string;
            /** @description counts the run's payloads from 1, ascending */
            sequence_number?: number | null;
        };
        /**
         * @description How Cortex Analyst reads the question, and the SQL for it; suggestions instead when it is ambiguous.
         * @example {
         *       "requestId": "9f3f6c5e-1a86-4b7c-9f2c-0f4f6b0a7d10",
         *       "sql": "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = 2025 GROUP BY region",
         *       "suggestions": [],
         *       "text": "This is how I read the question: net sales per region for 2025.",
         *       "verifiedQuery": "net_sales_by_region",
         *       "warnings": []
         *     }
         * @example {
         *       "requestId": "9f3f6c5e-1a86-4b7c-9f2c-0f4f6b0a7d10",
         *       "sql": null,
         *       "suggestions": [
         *         "Net sales by region in 2025",
         *         "Gross sales by region in 2025"
         *       ],
         *       "text": "Do you mean gross or net sales?",
         *       "verifiedQuery": null,
         *       "warnings": []
         *     }
         */
        AnalystAnswer: {
            /** @description Snowflake's */
            requestId: string | null;
            sql: string | null;
            suggestions: string[];
            text: string;
            /** @description name of the verified query that was used */
            verifiedQuery: string | null;
            warnings: string[];
        };
        /**
         * @description A piece of one block of the answer: it carries the field that fits its type.
         * @example {
         *       "index": 0,
         *       "text_delta": "Net sales per region for 2025.",
         *       "type": "text"
         *     }
         * @example {
         *       "confidence": {
         *         "verified_query_used": null
         *       },
         *       "index": 1,
         *       "statement_delta": "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = 2025 GROUP BY region",
         *       "type": "sql"
         *     }
         * @example {
         *       "index": 0,
         *       "think_delta": "The user wants net sales per region, so I query the sales view.",
         *       "type": "text"
         *     }
         * @example {
         *       "chart_spec": "{\"$schema\": \"https://vega.github.io/schema/vega-lite/v5.json\", \"mark\": \"bar\", \"encoding\": {\"x\": {\"field\": \"REGION\", \"type\": \"nominal\"}, \"y\": {\"field\": \"NET_SALES\", \"type\": \"quantitative\"}}, \"data\": {\"values\": [{\"REGION\": \"EMEA\", \"NET_SALES\": 1250.5}, {\"REGION\": \"APAC\", \"NET_SALES\": 980}]}}",
         *       "index": 2,
         *       "type": "chart"
         *     }
         * @example {
         *       "index": 1,
         *       "suggestions_delta": {
         *         "index": 0,
         *         "suggestion_delta": "Net sales by region"
         *       },
         *       "type": "suggestions"
         *     }
         */
        AnalystDelta: {
            chart_spec?: string | null;
            confidence?: components["schemas"]["Confidence"] | null;
            /** @description which block */
            index: number;
            statement_delta?: string | null;
            suggestions_delta?: components["schemas"]["SuggestionDelta"] | null;
            text_delta?: string | null;
            think_delta?: string | null;
            /** @description `text`, `sql`, `suggestions`, `chart`, or one to come */
            type: string;
        };
        /**
         * @description Cortex Analyst has said everything.
         * @example {
         *       "data": {},
         *       "event": "done"
         *     }
         */
        AnalystDoneEvent: {
            /** @description of no fixed form: `{}`, `[DONE]` and nothing at all have been seen */
            data: unknown;
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "done";
        };
        /**
         * @description One event of Cortex Analyst's stream, framed by the proxy's own.
         *
         *     The set is open: Snowflake adds events without notice, they pass unchanged, and a client must ignore the names that it does not know before it looks into this union.
         * @example {
         *       "data": {
         *         "sessionId": "6b0f1f0e6a144a559d0e3a7a2f1d5c77",
         *         "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
         *         "turnId": "0d2f4c1b8a7e4f0f9a3b5c6d7e8f9a0b"
         *       },
         *       "event": "proxy.start"
         *     }
         * @example {
         *       "data": {
         *         "confidence": {
         *           "verified_query_used": null
         *         },
         *         "index": 1,
         *         "statement_delta": "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = 2025 GROUP BY region",
         *         "type": "sql"
         *       },
         *       "event": "message.content.delta"
         *     }
         * @example {
         *       "data": {
         *         "durationMs": 4006,
         *         "events": 24,
         *         "firstEventMs": 240.1,
         *         "reason": "completed",
         *         "turnId": "0d2f4c1b8a7e4f0f9a3b5c6d7e8f9a0b",
         *         "upstreamBytes": 9120,
         *         "usage": {
         *           "cachedTokens": 1200,
         *           "inputTokens": 5100,
         *           "outputTokens": 420
         *         }
         *       },
         *       "event": "proxy.end"
         *     }
         */
        AnalystEvent: components["schemas"]["ProxyStartEvent"] | components["schemas"]["ProxyEndEvent"] | components["schemas"]["ErrorEvent"] | components["schemas"]["StatusEvent"] | components["schemas"]["MessageContentDeltaEvent"] | components["schemas"]["WarningsEvent"] | components["schemas"]["ResponseMetadataEvent"] | components["schemas"]["AnalystDoneEvent"];
        /**
         * @description One turn of a conversation with Cortex Analyst.
         * @example {
         *       "role": "user",
         *       "text": "Net sales by region"
         *     }
         * @example {
         *       "role": "analyst",
         *       "text": "This is how I read the question: net sales per region for 2025."
         *     }
         */
        AnalystMessage: {
            /** @enum {string} */
            role: "user" | "analyst";
            text: string;
        };
        /**
         * @description How the answer was found.
         * @example {
         *       "analyst_latency_ms": 2310,
         *       "analyst_orchestration_path": "regular_sqlgen",
         *       "cortex_search_retrieval": [],
         *       "is_semantic_sql": false,
         *       "model_names": [
         *         "claude-4-sonnet"
         *       ],
         *       "question_category": "CLEAR_SQL"
         *     }
         */
        AnalystMetadata: {
            analyst_latency_ms?: number | null;
            analyst_orchestration_path?: string | null;
            /** @description Snowflake's own affair */
            cortex_search_retrieval?: {
                [key: string]: unknown;
            }[] | null;
            is_semantic_sql?: boolean | null;
            model_names?: string[] | null;
            question_category?: string | null;
        };
        /**
         * @description A question to Cortex Analyst about the configured semantic view; the last message is the user's.
         * @example {
         *       "messages": [
         *         {
         *           "role": "user",
         *           "text": "Net sales by region"
         *         }
         *       ]
         *     }
         * @example {
         *       "messages": [
         *         {
         *           "role": "user",
         *           "text": "Net sales by region"
         *         },
         *         {
         *           "role": "analyst",
         *           "text": "This is how I read the question: net sales per region for 2025."
         *         },
         *         {
         *           "role": "user",
         *           "text": "and for 2024?"
         *         }
         *       ],
         *       "stream": true
         *     }
         */
        AnalystRequest: {
            messages: components["schemas"]["AnalystMessage"][];
            /**
             * @description answer with Cortex Analyst's own events, framed like a chat
             * @default false
             */
            stream?: boolean;
        };
        /**
         * @description What Cortex Analyst is doing.
         * @example {
         *       "request_id": "9f3f6c5e-1a86-4b7c-9f2c-0f4f6b0a7d10",
         *       "status": "interpreting_question",
         *       "status_message": "Interpreting question"
         *     }
         */
        AnalystStatus: {
            request_id?: string | null;
            status: string;
            status_message: string;
        };
        /**
         * @description What the analyst tool has found out; text grows, everything else comes whole.
         * @example {
         *       "text": "This is how I read the question: net sales per region for 2025."
         *     }
         * @example {
         *       "think": "The user wants net sales per region, so I query the sales view."
         *     }
         * @example {
         *       "sql": "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = 2025 GROUP BY region",
         *       "sql_explanation": "This is how I read the question: net sales per region for 2025.",
         *       "verified_query_used": false
         *     }
         * @example {
         *       "query_id": "01bd4f00-0000-1a2b-0000-000000000101",
         *       "result_set": {
         *         "data": [
         *           [
         *             "EMEA",
         *             "1250.50"
         *           ],
         *           [
         *             "APAC",
         *             "980.00"
         *           ]
         *         ],
         *         "resultSetMetaData": {
         *           "format": "jsonv2",
         *           "numRows": 2,
         *           "partition": 0,
         *           "rowType": [
         *             {
         *               "length": 16,
         *               "name": "REGION",
         *               "nullable": true,
         *               "precision": null,
         *               "scale": null,
         *               "type": "TEXT"
         *             },
         *             {
         *               "length": 0,
         *               "name": "NET_SALES",
         *               "nullable": true,
         *               "precision": 18,
         *               "scale": 2,
         *               "type": "FIXED"
         *             }
         *           ]
         *         },
         *         "statementHandle": "01bd4f00-0000-1a2b-0000-000000000101"
         *       }
         *     }
         */
        AnalystToolDelta: {
            query_id?: string | null;
            result_set?: components["schemas"]["ResultSet"] | null;
            sql?: string | null;
            sql_explanation?: string | null;
            text?: string | null;
            think?: string | null;
            verified_query_used?: boolean | null;
        };
        /**
         * @description A piece of the analyst tool's answer.
         * @example {
         *       "content_index": 2,
         *       "delta": {
         *         "text": "This is how I read the question: net sales per region for 2025."
         *       },
         *       "sequence_number": 8,
         *       "tool_name": "sales_analyst",
         *       "tool_type": "cortex_analyst_text_to_sql",
         *       "tool_use_id": "toolu_sql01"
         *     }
         */
        AnalystToolProgress: {
            /** @description which block, by its place in the answer's `content` */
            content_index: number;
            delta: components["schemas"]["AnalystToolDelta"];
            /** @description counts the run's payloads from 1, ascending */
            sequence_number?: number | null;
            tool_name: string;
            tool_type: string;
            tool_use_id: string;
        };
        /**
         * @description Something that the semantic view lacks.
         * @example {
         *       "message": "The semantic view has no synonyms for 'turnover'."
         *     }
         */
        AnalystWarning: {
            message: string;
        };
        /**
         * @description What the semantic view lacks.
         * @example {
         *       "warnings": []
         *     }
         * @example {
         *       "warnings": [
         *         {
         *           "message": "The semantic view has no synonyms for 'turnover'."
         *         }
         *       ]
         *     }
         */
        AnalystWarnings: {
            warnings: components["schemas"]["AnalystWarning"][];
        };
        /**
         * @description A citation: of a document that was searched, or of a page on the web.
         * @example {
         *       "doc_id": "POL-7",
         *       "doc_title": "Refund policy",
         *       "index": 0,
         *       "search_result_id": "cs_2f0e8a34-6f0a-4a35-9a3e-8b7d9b0c1f42",
         *       "text": "Refunds are possible within 30 days.",
         *       "type": "cortex_search_citation"
         *     }
         * @example {
         *       "end_index": 22,
         *       "source_url": "https://example.com/refunds",
         *       "start_index": 0,
         *       "text": "Refunds are possible within 30 days.",
         *       "type": "web_search_citation"
         *     }
         */
        Annotation: {
            doc_id?: string | null;
            doc_title?: string | null;
            end_index?: number | null;
            index?: number | null;
            search_result_id?: string | null;
            /** @description check it before it becomes a link */
            source_url?: string | null;
            start_index?: number | null;
            text?: string | null;
            /** @description `cortex_search_citation`, `web_search_citation`, or one to come */
            type: string;
        };
        /**
         * @description A chart, as a block of the answer.
         * @example {
         *       "chart_spec": "{\"$schema\": \"https://vega.github.io/schema/vega-lite/v5.json\", \"mark\": \"bar\", \"encoding\": {\"x\": {\"field\": \"REGION\", \"type\": \"nominal\"}, \"y\": {\"field\": \"NET_SALES\", \"type\": \"quantitative\"}}, \"data\": {\"values\": [{\"REGION\": \"EMEA\", \"NET_SALES\": 1250.5}, {\"REGION\": \"APAC\", \"NET_SALES\": 980}]}}",
         *       "content_index": 4,
         *       "sequence_number": 17,
         *       "tool_use_id": "toolu_chart01"
         *     }
         */
        Chart: {
            /** @description a Vega-Lite specification as JSON text; check it before it is drawn */
            chart_spec: string;
            /** @description which block, by its place in the answer's `content` */
            content_index: number;
            /** @description counts the run's payloads from 1, ascending */
            sequence_number?: number | null;
            tool_use_id: string;
        };
        /**
         * @description A Vega-Lite specification with its data inline: no `url`, no expressions.
         * @example {
         *       "chart": {
         *         "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
         *         "data": {
         *           "values": [
         *             {
         *               "NET_SALES": 1250.5,
         *               "REGION": "EMEA"
         *             },
         *             {
         *               "NET_SALES": 980,
         *               "REGION": "APAC"
         *             }
         *           ]
         *         },
         *         "encoding": {
         *           "x": {
         *             "field": "REGION",
         *             "type": "nominal"
         *           },
         *           "y": {
         *             "field": "NET_SALES",
         *             "type": "quantitative"
         *           }
         *         },
         *         "mark": "bar"
         *       },
         *       "requestId": "9f3f6c5e-1a86-4b7c-9f2c-0f4f6b0a7d10",
         *       "text": "Net sales by region."
         *     }
         */
        ChartAnswer: {
            /** @description as Vega-Lite 5 has it */
            chart: {
                [key: string]: unknown;
            };
            /** @description Snowflake's */
            requestId: string | null;
            /** @description what the agent says about it */
            text: string | null;
        };
        /**
         * @description A chart to be drawn.
         * @example {
         *       "chart_spec": "{\"$schema\": \"https://vega.github.io/schema/vega-lite/v5.json\", \"mark\": \"bar\", \"encoding\": {\"x\": {\"field\": \"REGION\", \"type\": \"nominal\"}, \"y\": {\"field\": \"NET_SALES\", \"type\": \"quantitative\"}}, \"data\": {\"values\": [{\"REGION\": \"EMEA\", \"NET_SALES\": 1250.5}, {\"REGION\": \"APAC\", \"NET_SALES\": 980}]}}",
         *       "tool_use_id": "toolu_chart01"
         *     }
         */
        ChartBlock: {
            /** @description a Vega-Lite specification as JSON text; check it before it is drawn */
            chart_spec: string;
            tool_use_id: string;
        };
        /**
         * @description Rows, or a statement's result, to draw.
         * @example {
         *       "intent": "net sales by region, as bars",
         *       "rows": [
         *         {
         *           "NET_SALES": 1250.5,
         *           "REGION": "EMEA"
         *         },
         *         {
         *           "NET_SALES": 980,
         *           "REGION": "APAC"
         *         }
         *       ]
         *     }
         * @example {
         *       "intent": "net sales by region, as bars",
         *       "statementHandle": "c2VhbGVkLWhhbmRsZS1vZi1hLXN0YXRlbWVudA"
         *     }
         */
        ChartRequest: {
            /** @example net sales by region, as bars */
            intent: string;
            rows?: {
                [key: string]: string | number | boolean | null;
            }[] | null;
            statementHandle?: string | null;
        };
        /**
         * @description One event of a chat stream, in the order `proxy.start`, Snowflake's, `proxy.end`.
         *
         *     The set is open: Snowflake adds events without notice, they pass unchanged, and a client must ignore the names that it does not know before it looks into this union.
         * @example {
         *       "data": {
         *         "sessionId": "6b0f1f0e6a144a559d0e3a7a2f1d5c77",
         *         "threadId": 77,
         *         "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
         *         "turnId": "0d2f4c1b8a7e4f0f9a3b5c6d7e8f9a0b"
         *       },
         *       "event": "proxy.start"
         *     }
         * @example {
         *       "data": {
         *         "content_index": 5,
         *         "is_elicitation": false,
         *         "sequence_number": 18,
         *         "text": "EMEA leads with 1,250.50"
         *       },
         *       "event": "response.text.delta"
         *     }
         * @example {
         *       "data": {
         *         "detail": "Snowflake closed the stream before its last event.",
         *         "instance": "0d2f4c1b8a7e4f0f9a3b5c6d7e8f9a0b",
         *         "retryable": true,
         *         "status": 502,
         *         "title": "The answer broke off",
         *         "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
         *         "type": "https://cortex-harness.dev/problems/upstream-truncated"
         *       },
         *       "event": "error"
         *     }
         * @example {
         *       "data": {
         *         "durationMs": 4006,
         *         "events": 24,
         *         "firstEventMs": 240.1,
         *         "reason": "completed",
         *         "turnId": "0d2f4c1b8a7e4f0f9a3b5c6d7e8f9a0b",
         *         "upstreamBytes": 9120,
         *         "usage": {
         *           "cachedTokens": 1200,
         *           "inputTokens": 5100,
         *           "outputTokens": 420
         *         }
         *       },
         *       "event": "proxy.end"
         *     }
         */
        ChatEvent: components["schemas"]["ProxyStartEvent"] | components["schemas"]["ProxyEndEvent"] | components["schemas"]["ErrorEvent"] | components["schemas"]["MetadataEvent"] | components["schemas"]["ResponseStatusEvent"] | components["schemas"]["ResponseThinkingDeltaEvent"] | components["schemas"]["ResponseThinkingEvent"] | components["schemas"]["ResponseTextDeltaEvent"] | components["schemas"]["ResponseTextAnnotationEvent"] | components["schemas"]["ResponseTextEvent"] | components["schemas"]["ResponseToolUseStatusEvent"] | components["schemas"]["ResponseToolUseEvent"] | components["schemas"]["ResponseToolResultStatusEvent"] | components["schemas"]["ResponseToolResultAnalystDeltaEvent"] | components["schemas"]["ResponseToolResultEvent"] | components["schemas"]["ResponseTableEvent"] | components["schemas"]["ResponseChartEvent"] | components["schemas"]["ResponseSuggestedQueriesEvent"] | components["schemas"]["ResponseWarningEvent"] | components["schemas"]["ResponseEvent"] | components["schemas"]["DoneEvent"] | components["schemas"]["MessageDeltaEvent"];
        /**
         * @description One turn.
         *
         *     Threads: with `threadId` and `parentMessageId` the turn continues that thread; with `parentMessageId` 0 alone the proxy opens a thread first and names it in `proxy.start`; with neither the turn stands alone.
         * @example {
         *       "message": "Net sales by region",
         *       "sessionId": "6b0f1f0e6a144a559d0e3a7a2f1d5c77"
         *     }
         * @example {
         *       "message": "Net sales by region",
         *       "parentMessageId": 0,
         *       "sessionId": "6b0f1f0e6a144a559d0e3a7a2f1d5c77"
         *     }
         * @example {
         *       "message": "How did EMEA develop month by month?",
         *       "parentMessageId": 502,
         *       "sessionId": "6b0f1f0e6a144a559d0e3a7a2f1d5c77",
         *       "threadId": 77
         *     }
         * @example {
         *       "message": "Net sales by region",
         *       "sessionId": "6b0f1f0e6a144a559d0e3a7a2f1d5c77",
         *       "toolChoice": {
         *         "name": [
         *           "sales_analyst"
         *         ],
         *         "type": "tool"
         *       }
         *     }
         * @example {
         *       "message": {
         *         "toolResult": {
         *           "content": [
         *             {
         *               "json": {
         *                 "path": "/sales/emea"
         *               },
         *               "type": "json"
         *             }
         *           ],
         *           "name": "current_page",
         *           "toolUseId": "toolu_client01",
         *           "type": "generic"
         *         }
         *       },
         *       "parentMessageId": 502,
         *       "sessionId": "6b0f1f0e6a144a559d0e3a7a2f1d5c77",
         *       "threadId": 77
         *     }
         */
        ChatRequest: {
            message: string | components["schemas"]["ToolResultMessage"];
            parentMessageId?: number | null;
            sessionId: string;
            threadId?: number | null;
            toolChoice?: components["schemas"]["ChatToolChoice"] | null;
        };
        /**
         * @description `tool` needs the names it may choose from.
         * @example {
         *       "type": "auto"
         *     }
         * @example {
         *       "name": [
         *         "sales_analyst"
         *       ],
         *       "type": "tool"
         *     }
         */
        ChatToolChoice: {
            name?: string[] | null;
            /**
             * @default auto
             * @enum {string}
             */
            type?: "auto" | "required" | "tool";
        };
        /**
         * @description One measurement: seconds for times, a score for CLS, 1 for outcomes and errors.
         * @example {
         *       "name": "time_to_first_token_s",
         *       "value": 0.84
         *     }
         * @example {
         *       "label": "completed",
         *       "name": "stream_outcome"
         *     }
         */
        ClientMetric: {
            /** @description the outcome of stream_outcome, the kind of page_error; no other metric has one */
            label?: string | null;
            /** @example time_to_first_token_s */
            name: string;
            /** @default 1 */
            value?: number;
        };
        /**
         * @description The page's answer to a tool call that the agent asked the client to run.
         * @example {
         *       "content": [
         *         {
         *           "json": {
         *             "path": "/sales/emea"
         *           },
         *           "type": "json"
         *         }
         *       ],
         *       "name": "current_page",
         *       "toolUseId": "toolu_client01",
         *       "type": "generic"
         *     }
         * @example {
         *       "content": [
         *         {
         *           "text": "The page has no path.",
         *           "type": "text"
         *         }
         *       ],
         *       "name": "current_page",
         *       "status": "error",
         *       "toolUseId": "toolu_client01",
         *       "type": "generic"
         *     }
         */
        ClientToolResult: {
            content: components["schemas"]["ToolResultContent"][];
            name: string;
            /**
             * @default success
             * @enum {string}
             */
            status?: "success" | "error";
            toolUseId: string;
            type: string;
        };
        /**
         * @description Why a statement may be trusted.
         * @example {
         *       "verified_query_used": {
         *         "name": "net_sales_by_region",
         *         "question": "Net sales by region",
         *         "sql": "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = 2025 GROUP BY region",
         *         "verified_at": 1767225600,
         *         "verified_by": "Mara Musterfrau"
         *       }
         *     }
         * @example {
         *       "verified_query_used": null
         *     }
         */
        Confidence: {
            verified_query_used?: components["schemas"]["VerifiedQuery"] | null;
        };
        /**
         * @description A block of the whole answer: it carries the field that its type names, but text has its own inline.
         * @example {
         *       "thinking": {
         *         "signature": "signed",
         *         "text": "The user wants net sales per region, so I query the sales view."
         *       },
         *       "type": "thinking"
         *     }
         * @example {
         *       "tool_use": {
         *         "client_side_execute": false,
         *         "input": {
         *           "sql": "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = 2025 GROUP BY region"
         *         },
         *         "name": "system_execute_sql",
         *         "tool_use_id": "toolu_sql01",
         *         "type": "system_execute_sql"
         *       },
         *       "type": "tool_use"
         *     }
         * @example {
         *       "tool_result": {
         *         "content": [
         *           {
         *             "json": {
         *               "query_id": "01bd4f00-0000-1a2b-0000-000000000101",
         *               "sql": "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = 2025 GROUP BY region"
         *             },
         *             "type": "json"
         *           }
         *         ],
         *         "name": "system_execute_sql",
         *         "status": "success",
         *         "tool_use_id": "toolu_sql01",
         *         "type": "system_execute_sql"
         *       },
         *       "type": "tool_result"
         *     }
         * @example {
         *       "table": {
         *         "query_id": "01bd4f00-0000-1a2b-0000-000000000101",
         *         "result_set": {
         *           "data": [
         *             [
         *               "EMEA",
         *               "1250.50"
         *             ],
         *             [
         *               "APAC",
         *               "980.00"
         *             ]
         *           ],
         *           "resultSetMetaData": {
         *             "format": "jsonv2",
         *             "numRows": 2,
         *             "partition": 0,
         *             "rowType": [
         *               {
         *                 "length": 16,
         *                 "name": "REGION",
         *                 "nullable": true,
         *                 "precision": null,
         *                 "scale": null,
         *                 "type": "TEXT"
         *               },
         *               {
         *                 "length": 0,
         *                 "name": "NET_SALES",
         *                 "nullable": true,
         *                 "precision": 18,
         *                 "scale": 2,
         *                 "type": "FIXED"
         *               }
         *             ]
         *           },
         *           "statementHandle": "01bd4f00-0000-1a2b-0000-000000000101"
         *         },
         *         "title": "Net sales by region",
         *         "tool_use_id": "toolu_sql01"
         *       },
         *       "type": "table"
         *     }
         * @example {
         *       "chart": {
         *         "chart_spec": "{\"$schema\": \"https://vega.github.io/schema/vega-lite/v5.json\", \"mark\": \"bar\", \"encoding\": {\"x\": {\"field\": \"REGION\", \"type\": \"nominal\"}, \"y\": {\"field\": \"NET_SALES\", \"type\": \"quantitative\"}}, \"data\": {\"values\": [{\"REGION\": \"EMEA\", \"NET_SALES\": 1250.5}, {\"REGION\": \"APAC\", \"NET_SALES\": 980}]}}",
         *         "tool_use_id": "toolu_chart01"
         *       },
         *       "type": "chart"
         *     }
         * @example {
         *       "annotations": [],
         *       "is_elicitation": false,
         *       "text": "EMEA leads with 1,250.50, APAC follows with 980.00.",
         *       "type": "text"
         *     }
         * @example {
         *       "suggested_queries": [
         *         {
         *           "query": "How did EMEA develop month by month?"
         *         }
         *       ],
         *       "type": "suggested_queries"
         *     }
         * @example {
         *       "map": {
         *         "map_spec": "{}"
         *       },
         *       "type": "map"
         *     }
         */
        ContentBlock: {
            annotations?: components["schemas"]["Annotation"][] | null;
            chart?: components["schemas"]["ChartBlock"] | null;
            is_elicitation?: boolean | null;
            suggested_queries?: components["schemas"]["SuggestedQuery"][] | null;
            table?: components["schemas"]["TableBlock"] | null;
            text?: string | null;
            thinking?: components["schemas"]["ThinkingBlock"] | null;
            tool_result?: components["schemas"]["ToolAnswer"] | null;
            tool_use?: components["schemas"]["ToolCall"] | null;
            /** @description the set is open: pass over what you do not know */
            type: string;
        };
        /**
         * @description Snowflake has said everything. Its data is no JSON.
         * @example {
         *       "data": "[DONE]",
         *       "event": "done"
         *     }
         */
        DoneEvent: {
            /** @constant */
            data: "[DONE]";
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "done";
        };
        /**
         * @description What one subject may ask of one endpoint.
         * @example {
         *       "atOnce": 4,
         *       "bodyBytes": 262144,
         *       "burst": 6,
         *       "burstS": 2,
         *       "deadlineS": 960,
         *       "requests": 30,
         *       "windowS": 60
         *     }
         */
        EndpointLimits: {
            atOnce: number;
            bodyBytes: number;
            burst: number;
            burstS: number;
            deadlineS: number;
            requests: number;
            windowS: number;
        };
        /**
         * EndReason
         * @description Why a chat stream ended.
         * @enum {string}
         */
        EndReason: "completed" | "cancelled" | "upstream_error" | "upstream_truncated" | "upstream_stalled" | "client_gone" | "client_slow" | "deadline" | "too_large" | "draining" | "internal";
        /**
         * @description Something failed.
         *
         *     Snowflake's own error passes as it came, with a `message`; what it means for the turn follows as a problem, which has a `type`. Failures that only the proxy sees come as a problem alone.
         * @example {
         *       "data": {
         *         "detail": "Request a new token and try again.",
         *         "instance": "2f1d5c776b0f4f0e9d0e3a7a6a144a55",
         *         "retryable": true,
         *         "status": 401,
         *         "title": "The session token has expired",
         *         "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
         *         "type": "https://cortex-harness.dev/problems/token-expired"
         *       },
         *       "event": "error"
         *     }
         * @example {
         *       "data": {
         *         "detail": "/threadId: Input should be greater than or equal to 1",
         *         "errors": [
         *           {
         *             "detail": "Input should be greater than or equal to 1",
         *             "pointer": "/threadId"
         *           }
         *         ],
         *         "instance": "2f1d5c776b0f4f0e9d0e3a7a6a144a55",
         *         "retryable": false,
         *         "status": 422,
         *         "title": "The request does not fit the API",
         *         "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
         *         "type": "https://cortex-harness.dev/problems/invalid-request"
         *       },
         *       "event": "error"
         *     }
         * @example {
         *       "data": {
         *         "detail": "6 requests per 2 s (chat-burst) are allowed, and used up; wait 2 s.",
         *         "instance": "2f1d5c776b0f4f0e9d0e3a7a6a144a55",
         *         "retryAfterS": 2,
         *         "retryable": true,
         *         "status": 429,
         *         "title": "Too many requests",
         *         "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
         *         "type": "https://cortex-harness.dev/problems/rate-limited",
         *         "violated-policies": [
         *           "chat-burst"
         *         ]
         *       },
         *       "event": "error"
         *     }
         * @example {
         *       "data": {
         *         "detail": "'weather' is none; the tools are search, analyst, sql, chart.",
         *         "known": [
         *           "search",
         *           "analyst",
         *           "sql",
         *           "chart"
         *         ],
         *         "retryable": false,
         *         "status": 404,
         *         "title": "There is no such tool",
         *         "type": "https://cortex-harness.dev/problems/tool-unknown"
         *       },
         *       "event": "error"
         *     }
         * @example {
         *       "data": {
         *         "detail": "The statement names a column that does not exist.",
         *         "retryable": false,
         *         "status": 422,
         *         "title": "Snowflake could not run the statement",
         *         "type": "https://cortex-harness.dev/problems/sql-failed",
         *         "upstreamCode": "000904"
         *       },
         *       "event": "error"
         *     }
         * @example {
         *       "data": {
         *         "detail": "Snowflake closed the stream before its last event.",
         *         "instance": "0d2f4c1b8a7e4f0f9a3b5c6d7e8f9a0b",
         *         "retryable": true,
         *         "status": 502,
         *         "title": "The answer broke off",
         *         "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
         *         "type": "https://cortex-harness.dev/problems/upstream-truncated"
         *       },
         *       "event": "error"
         *     }
         * @example {
         *       "data": {
         *         "code": "399504",
         *         "error_code": "399504",
         *         "message": "Error during execution",
         *         "request_id": "9f3f6c5e-1a86-4b7c-9f2c-0f4f6b0a7d10",
         *         "sequence_number": 2
         *       },
         *       "event": "error"
         *     }
         */
        ErrorEvent: {
            data: components["schemas"]["Problem"] | components["schemas"]["AgentError"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "error";
        };
        /**
         * @description One fault of a request body; `pointer` is a JSON pointer into it.
         * @example {
         *       "detail": "Input should be greater than or equal to 1",
         *       "pointer": "/threadId"
         *     }
         */
        FieldError: {
            detail: string;
            pointer: string;
        };
        /**
         * @description The whole answer.
         * @example {
         *       "content": [
         *         {
         *           "thinking": {
         *             "signature": "signed",
         *             "text": "The user wants net sales per region, so I query the sales view."
         *           },
         *           "type": "thinking"
         *         },
         *         {
         *           "table": {
         *             "query_id": "01bd4f00-0000-1a2b-0000-000000000101",
         *             "result_set": {
         *               "data": [
         *                 [
         *                   "EMEA",
         *                   "1250.50"
         *                 ],
         *                 [
         *                   "APAC",
         *                   "980.00"
         *                 ]
         *               ],
         *               "resultSetMetaData": {
         *                 "format": "jsonv2",
         *                 "numRows": 2,
         *                 "partition": 0,
         *                 "rowType": [
         *                   {
         *                     "length": 16,
         *                     "name": "REGION",
         *                     "nullable": true,
         *                     "precision": null,
         *                     "scale": null,
         *                     "type": "TEXT"
         *                   },
         *                   {
         *                     "length": 0,
         *                     "name": "NET_SALES",
         *                     "nullable": true,
         *                     "precision": 18,
         *                     "scale": 2,
         *                     "type": "FIXED"
         *                   }
         *                 ]
         *               },
         *               "statementHandle": "01bd4f00-0000-1a2b-0000-000000000101"
         *             },
         *             "title": "Net sales by region",
         *             "tool_use_id": "toolu_sql01"
         *           },
         *           "type": "table"
         *         },
         *         {
         *           "annotations": [],
         *           "is_elicitation": false,
         *           "text": "EMEA leads with 1,250.50, APAC follows with 980.00.",
         *           "type": "text"
         *         }
         *       ],
         *       "metadata": {
         *         "assistant_message_id": 502,
         *         "run_id": "77-501",
         *         "thread_id": 77,
         *         "usage": {
         *           "tokens_consumed": [
         *             {
         *               "context_window": 200000,
         *               "input_tokens": {
         *                 "cache_read": 1200,
         *                 "cache_write": 0,
         *                 "total": 5100,
         *                 "uncached": 3900
         *               },
         *               "model_name": "claude-sonnet-4-6",
         *               "output_tokens": {
         *                 "total": 420
         *               }
         *             }
         *           ]
         *         },
         *         "user_message_id": 501
         *       },
         *       "role": "assistant",
         *       "schema_version": "v2",
         *       "sequence_number": 23,
         *       "status": "completed",
         *       "warnings": [
         *         {
         *           "code": "399569",
         *           "message": "TOOL_NOT_ACCESSIBLE: sales_docs (cortex_search) - The Cortex Search Service does not exist or access is not authorized for the current role: CORTEX_BENCH_DB.SALES.SALES_DOCS_SVC",
         *           "sequence_number": 3
         *         }
         *       ]
         *     }
         * @example {
         *       "content": [
         *         {
         *           "text": "EMEA leads with",
         *           "type": "text"
         *         }
         *       ],
         *       "metadata": {
         *         "usage": {
         *           "tokens_consumed": []
         *         }
         *       },
         *       "role": "assistant",
         *       "status": "cancelled"
         *     }
         */
        FinalAnswer: {
            content: components["schemas"]["ContentBlock"][];
            metadata: components["schemas"]["RunMetadata"];
            /** @constant */
            role: "assistant";
            schema_version?: string | null;
            /** @description counts the run's payloads from 1, ascending */
            sequence_number?: number | null;
            /** @enum {string} */
            status: "completed" | "cancelled" | "timed_out" | "error";
            warnings?: components["schemas"]["AgentWarning"][] | null;
        };
        /**
         * @description Answer of `livez` and `readyz`; each failing check says why.
         * @example {
         *       "checks": {
         *         "config": "ok",
         *         "lifecycle": "ok",
         *         "store": "ok",
         *         "upstream": "ok"
         *       },
         *       "status": "ok"
         *     }
         */
        Health: {
            checks: {
                [key: string]: string;
            };
            /** @enum {string} */
            status: "ok" | "failing";
        };
        /**
         * @description A session's turns, newest first. A page may hold less than was asked for and still have a next one.
         * @example {
         *       "nextCursor": null,
         *       "sessionId": "6b0f1f0e6a144a559d0e3a7a2f1d5c77",
         *       "turns": [
         *         {
         *           "answer": "EMEA leads with 1,250.50, APAC follows with 980.00.",
         *           "assistantMessageId": 502,
         *           "complete": true,
         *           "content": [
         *             {
         *               "text": "EMEA leads with 1,250.50, APAC follows with 980.00.",
         *               "type": "text"
         *             }
         *           ],
         *           "durationMs": 4006,
         *           "endReason": "completed",
         *           "question": "Net sales by region",
         *           "startedAt": "2026-03-02T09:00:00Z",
         *           "threadId": 77,
         *           "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
         *           "turnId": "0d2f4c1b8a7e4f0f9a3b5c6d7e8f9a0b",
         *           "usage": {
         *             "cachedTokens": 1200,
         *             "inputTokens": 5100,
         *             "outputTokens": 420
         *           }
         *         }
         *       ]
         *     }
         * @example {
         *       "nextCursor": "MTc3MjQ0MjAwMA",
         *       "sessionId": "6b0f1f0e6a144a559d0e3a7a2f1d5c77",
         *       "turns": [
         *         {
         *           "answer": "EMEA leads with",
         *           "assistantMessageId": null,
         *           "complete": false,
         *           "content": null,
         *           "durationMs": 812.4,
         *           "endReason": "upstream_truncated",
         *           "question": null,
         *           "startedAt": "2026-03-02T09:00:00Z",
         *           "threadId": null,
         *           "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
         *           "turnId": "0d2f4c1b8a7e4f0f9a3b5c6d7e8f9a0b",
         *           "usage": null
         *         }
         *       ]
         *     }
         */
        HistoryPage: {
            /** @description asks for the next, older page; null on the last */
            nextCursor: string | null;
            sessionId: string;
            turns: components["schemas"]["HistoryTurn"][];
        };
        /**
         * @description One turn as it was stored when its stream ended.
         * @example {
         *       "answer": "EMEA leads with 1,250.50, APAC follows with 980.00.",
         *       "assistantMessageId": 502,
         *       "complete": true,
         *       "content": [
         *         {
         *           "text": "EMEA leads with 1,250.50, APAC follows with 980.00.",
         *           "type": "text"
         *         }
         *       ],
         *       "durationMs": 4006,
         *       "endReason": "completed",
         *       "question": "Net sales by region",
         *       "startedAt": "2026-03-02T09:00:00Z",
         *       "threadId": 77,
         *       "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
         *       "turnId": "0d2f4c1b8a7e4f0f9a3b5c6d7e8f9a0b",
         *       "usage": {
         *         "cachedTokens": 1200,
         *         "inputTokens": 5100,
         *         "outputTokens": 420
         *       }
         *     }
         * @example {
         *       "answer": "EMEA leads with",
         *       "assistantMessageId": null,
         *       "complete": false,
         *       "content": null,
         *       "durationMs": 812.4,
         *       "endReason": "upstream_truncated",
         *       "question": null,
         *       "startedAt": "2026-03-02T09:00:00Z",
         *       "threadId": null,
         *       "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
         *       "turnId": "0d2f4c1b8a7e4f0f9a3b5c6d7e8f9a0b",
         *       "usage": null
         *     }
         */
        HistoryTurn: {
            /** @description the answer's text, at most 262144 characters; of a turn that was cut, what had arrived */
            answer: string;
            /** @description parent of a follow-up */
            assistantMessageId: number | null;
            /** @description whether the turn reached its end */
            complete: boolean;
            /** @description the answer's blocks as Snowflake sent them, without thinking; null when cut or too large */
            content: {
                [key: string]: unknown;
            }[] | null;
            durationMs: number;
            endReason: components["schemas"]["EndReason"];
            /** @description null when the turn answered a client-side tool */
            question: string | null;
            /** Format: date-time */
            startedAt: string;
            threadId: number | null;
            traceId: string;
            turnId: string;
            usage: components["schemas"]["TokenUsage"] | null;
        };
        /**
         * @description `cache_read` and `cache_write` are parts of `total`, not additions to it.
         * @example {
         *       "cache_read": 1200,
         *       "cache_write": 0,
         *       "total": 5100,
         *       "uncached": 3900
         *     }
         */
        InputTokens: {
            cache_read?: number;
            cache_write?: number;
            total?: number;
            uncached?: number;
        };
        /**
         * @description An older agent's chart.
         * @example {
         *       "chart_spec": "{\"$schema\": \"https://vega.github.io/schema/vega-lite/v5.json\", \"mark\": \"bar\", \"encoding\": {\"x\": {\"field\": \"REGION\", \"type\": \"nominal\"}, \"y\": {\"field\": \"NET_SALES\", \"type\": \"quantitative\"}}, \"data\": {\"values\": [{\"REGION\": \"EMEA\", \"NET_SALES\": 1250.5}, {\"REGION\": \"APAC\", \"NET_SALES\": 980}]}}"
         *     }
         */
        LegacyChart: {
            /** @description a Vega-Lite specification as JSON text; check it before it is drawn */
            chart_spec: string;
        };
        /**
         * @description What an older agent's answer gains.
         * @example {
         *       "content": [
         *         {
         *           "index": 0,
         *           "text": "Here is the query.",
         *           "type": "text"
         *         }
         *       ]
         *     }
         * @example {
         *       "content": [
         *         {
         *           "index": 0,
         *           "tool_use": {
         *             "input": {
         *               "model": "snowflake-hosted-semantic"
         *             },
         *             "name": "sales_analyst",
         *             "tool_use_id": "tooluse_a1"
         *           },
         *           "type": "tool_use"
         *         }
         *       ]
         *     }
         * @example {
         *       "content": [
         *         {
         *           "index": 0,
         *           "tool_results": {
         *             "content": [
         *               {
         *                 "json": {
         *                   "sql": "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = 2025 GROUP BY region",
         *                   "text": "This is how I read the question: net sales per region for 2025."
         *                 },
         *                 "type": "json"
         *               }
         *             ],
         *             "name": "sales_analyst",
         *             "status": "success",
         *             "tool_use_id": "tooluse_a1"
         *           },
         *           "type": "tool_results"
         *         }
         *       ]
         *     }
         * @example {
         *       "content": [
         *         {
         *           "chart": {
         *             "chart_spec": "{\"$schema\": \"https://vega.github.io/schema/vega-lite/v5.json\", \"mark\": \"bar\", \"encoding\": {\"x\": {\"field\": \"REGION\", \"type\": \"nominal\"}, \"y\": {\"field\": \"NET_SALES\", \"type\": \"quantitative\"}}, \"data\": {\"values\": [{\"REGION\": \"EMEA\", \"NET_SALES\": 1250.5}, {\"REGION\": \"APAC\", \"NET_SALES\": 980}]}}"
         *           },
         *           "index": 0,
         *           "type": "chart"
         *         }
         *       ]
         *     }
         */
        LegacyContent: {
            content: components["schemas"]["LegacyItem"][];
        };
        /**
         * @description A piece of an older agent's answer.
         * @example {
         *       "delta": {
         *         "content": [
         *           {
         *             "index": 0,
         *             "text": "Here is the query.",
         *             "type": "text"
         *           }
         *         ]
         *       },
         *       "id": "msg_001",
         *       "object": "message.delta"
         *     }
         * @example {
         *       "delta": {
         *         "content": [
         *           {
         *             "index": 0,
         *             "tool_use": {
         *               "input": {
         *                 "model": "snowflake-hosted-semantic"
         *               },
         *               "name": "sales_analyst",
         *               "tool_use_id": "tooluse_a1"
         *             },
         *             "type": "tool_use"
         *           }
         *         ]
         *       },
         *       "id": "msg_001",
         *       "object": "message.delta"
         *     }
         * @example {
         *       "delta": {
         *         "content": [
         *           {
         *             "index": 0,
         *             "tool_results": {
         *               "content": [
         *                 {
         *                   "json": {
         *                     "sql": "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = 2025 GROUP BY region",
         *                     "text": "This is how I read the question: net sales per region for 2025."
         *                   },
         *                   "type": "json"
         *                 }
         *               ],
         *               "name": "sales_analyst",
         *               "status": "success",
         *               "tool_use_id": "tooluse_a1"
         *             },
         *             "type": "tool_results"
         *           }
         *         ]
         *       },
         *       "id": "msg_001",
         *       "object": "message.delta"
         *     }
         * @example {
         *       "delta": {
         *         "content": [
         *           {
         *             "chart": {
         *               "chart_spec": "{\"$schema\": \"https://vega.github.io/schema/vega-lite/v5.json\", \"mark\": \"bar\", \"encoding\": {\"x\": {\"field\": \"REGION\", \"type\": \"nominal\"}, \"y\": {\"field\": \"NET_SALES\", \"type\": \"quantitative\"}}, \"data\": {\"values\": [{\"REGION\": \"EMEA\", \"NET_SALES\": 1250.5}, {\"REGION\": \"APAC\", \"NET_SALES\": 980}]}}"
         *             },
         *             "index": 0,
         *             "type": "chart"
         *           }
         *         ]
         *       },
         *       "id": "msg_001",
         *       "object": "message.delta"
         *     }
         */
        LegacyDelta: {
            delta: components["schemas"]["LegacyContent"];
            id: string;
            /** @constant */
            object: "message.delta";
        };
        /**
         * @description A piece of an older agent's answer: it carries the field that its type names.
         * @example {
         *       "index": 0,
         *       "text": "Here is the query.",
         *       "type": "text"
         *     }
         * @example {
         *       "index": 0,
         *       "tool_use": {
         *         "input": {
         *           "model": "snowflake-hosted-semantic"
         *         },
         *         "name": "sales_analyst",
         *         "tool_use_id": "tooluse_a1"
         *       },
         *       "type": "tool_use"
         *     }
         * @example {
         *       "index": 0,
         *       "tool_results": {
         *         "content": [
         *           {
         *             "json": {
         *               "sql": "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = 2025 GROUP BY region",
         *               "text": "This is how I read the question: net sales per region for 2025."
         *             },
         *             "type": "json"
         *           }
         *         ],
         *         "name": "sales_analyst",
         *         "status": "success",
         *         "tool_use_id": "tooluse_a1"
         *       },
         *       "type": "tool_results"
         *     }
         * @example {
         *       "chart": {
         *         "chart_spec": "{\"$schema\": \"https://vega.github.io/schema/vega-lite/v5.json\", \"mark\": \"bar\", \"encoding\": {\"x\": {\"field\": \"REGION\", \"type\": \"nominal\"}, \"y\": {\"field\": \"NET_SALES\", \"type\": \"quantitative\"}}, \"data\": {\"values\": [{\"REGION\": \"EMEA\", \"NET_SALES\": 1250.5}, {\"REGION\": \"APAC\", \"NET_SALES\": 980}]}}"
         *       },
         *       "index": 0,
         *       "type": "chart"
         *     }
         */
        LegacyItem: {
            chart?: components["schemas"]["LegacyChart"] | null;
            /** @description does not tell the blocks apart */
            index?: number | null;
            text?: string | null;
            tool_results?: components["schemas"]["LegacyToolAnswer"] | null;
            tool_use?: components["schemas"]["LegacyToolCall"] | null;
            type: string;
        };
        /**
         * @description What an older agent's tool answered.
         * @example {
         *       "content": [
         *         {
         *           "json": {
         *             "sql": "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = 2025 GROUP BY region",
         *             "text": "This is how I read the question: net sales per region for 2025."
         *           },
         *           "type": "json"
         *         }
         *       ],
         *       "name": "sales_analyst",
         *       "status": "success",
         *       "tool_use_id": "tooluse_a1"
         *     }
         */
        LegacyToolAnswer: {
            content: components["schemas"]["ToolContent"][];
            name: string;
            /** @enum {string} */
            status: "success" | "error";
            tool_use_id: string;
        };
        /**
         * @description A tool that an older agent calls.
         * @example {
         *       "input": {
         *         "model": "snowflake-hosted-semantic"
         *       },
         *       "name": "sales_analyst",
         *       "tool_use_id": "tooluse_a1"
         *     }
         */
        LegacyToolCall: {
            /** @description what the tool is given; its own affair */
            input: {
                [key: string]: unknown;
            };
            name: string;
            tool_use_id: string;
        };
        /**
         * @description A piece of the answer.
         * @example {
         *       "data": {
         *         "index": 0,
         *         "text_delta": "Net sales per region for 2025.",
         *         "type": "text"
         *       },
         *       "event": "message.content.delta"
         *     }
         * @example {
         *       "data": {
         *         "confidence": {
         *           "verified_query_used": null
         *         },
         *         "index": 1,
         *         "statement_delta": "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = 2025 GROUP BY region",
         *         "type": "sql"
         *       },
         *       "event": "message.content.delta"
         *     }
         * @example {
         *       "data": {
         *         "index": 0,
         *         "think_delta": "The user wants net sales per region, so I query the sales view.",
         *         "type": "text"
         *       },
         *       "event": "message.content.delta"
         *     }
         * @example {
         *       "data": {
         *         "chart_spec": "{\"$schema\": \"https://vega.github.io/schema/vega-lite/v5.json\", \"mark\": \"bar\", \"encoding\": {\"x\": {\"field\": \"REGION\", \"type\": \"nominal\"}, \"y\": {\"field\": \"NET_SALES\", \"type\": \"quantitative\"}}, \"data\": {\"values\": [{\"REGION\": \"EMEA\", \"NET_SALES\": 1250.5}, {\"REGION\": \"APAC\", \"NET_SALES\": 980}]}}",
         *         "index": 2,
         *         "type": "chart"
         *       },
         *       "event": "message.content.delta"
         *     }
         * @example {
         *       "data": {
         *         "index": 1,
         *         "suggestions_delta": {
         *           "index": 0,
         *           "suggestion_delta": "Net sales by region"
         *         },
         *         "type": "suggestions"
         *       },
         *       "event": "message.content.delta"
         *     }
         */
        MessageContentDeltaEvent: {
            data: components["schemas"]["AnalystDelta"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "message.content.delta";
        };
        /**
         * @description A piece of an answer in the form of older agents.
         * @example {
         *       "data": {
         *         "delta": {
         *           "content": [
         *             {
         *               "index": 0,
         *               "text": "Here is the query.",
         *               "type": "text"
         *             }
         *           ]
         *         },
         *         "id": "msg_001",
         *         "object": "message.delta"
         *       },
         *       "event": "message.delta"
         *     }
         * @example {
         *       "data": {
         *         "delta": {
         *           "content": [
         *             {
         *               "index": 0,
         *               "tool_use": {
         *                 "input": {
         *                   "model": "snowflake-hosted-semantic"
         *                 },
         *                 "name": "sales_analyst",
         *                 "tool_use_id": "tooluse_a1"
         *               },
         *               "type": "tool_use"
         *             }
         *           ]
         *         },
         *         "id": "msg_001",
         *         "object": "message.delta"
         *       },
         *       "event": "message.delta"
         *     }
         * @example {
         *       "data": {
         *         "delta": {
         *           "content": [
         *             {
         *               "index": 0,
         *               "tool_results": {
         *                 "content": [
         *                   {
         *                     "json": {
         *                       "sql": "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = 2025 GROUP BY region",
         *                       "text": "This is how I read the question: net sales per region for 2025."
         *                     },
         *                     "type": "json"
         *                   }
         *                 ],
         *                 "name": "sales_analyst",
         *                 "status": "success",
         *                 "tool_use_id": "tooluse_a1"
         *               },
         *               "type": "tool_results"
         *             }
         *           ]
         *         },
         *         "id": "msg_001",
         *         "object": "message.delta"
         *       },
         *       "event": "message.delta"
         *     }
         * @example {
         *       "data": {
         *         "delta": {
         *           "content": [
         *             {
         *               "chart": {
         *                 "chart_spec": "{\"$schema\": \"https://vega.github.io/schema/vega-lite/v5.json\", \"mark\": \"bar\", \"encoding\": {\"x\": {\"field\": \"REGION\", \"type\": \"nominal\"}, \"y\": {\"field\": \"NET_SALES\", \"type\": \"quantitative\"}}, \"data\": {\"values\": [{\"REGION\": \"EMEA\", \"NET_SALES\": 1250.5}, {\"REGION\": \"APAC\", \"NET_SALES\": 980}]}}"
         *               },
         *               "index": 0,
         *               "type": "chart"
         *             }
         *           ]
         *         },
         *         "id": "msg_001",
         *         "object": "message.delta"
         *       },
         *       "event": "message.delta"
         *     }
         */
        MessageDeltaEvent: {
            data: components["schemas"]["LegacyDelta"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "message.delta";
        };
        /**
         * @description Ids of a message of the thread, and of the run that it belongs to.
         * @example {
         *       "message_id": 501,
         *       "role": "user",
         *       "run_id": "77-501"
         *     }
         * @example {
         *       "message_id": 502,
         *       "role": "assistant",
         *       "run_id": "77-501"
         *     }
         */
        MessageIds: {
            message_id: number;
            /** @enum {string} */
            role: "user" | "assistant";
            run_id: string;
        };
        /**
         * @description Ids of one of the turn's two messages.
         * @example {
         *       "metadata": {
         *         "message_id": 501,
         *         "role": "user",
         *         "run_id": "77-501"
         *       },
         *       "sequence_number": 1
         *     }
         * @example {
         *       "metadata": {
         *         "message_id": 502,
         *         "role": "assistant",
         *         "run_id": "77-501"
         *       },
         *       "sequence_number": 2
         *     }
         */
        Metadata: {
            metadata: components["schemas"]["MessageIds"];
            /** @description counts the run's payloads from 1, ascending */
            sequence_number?: number | null;
        };
        /**
         * @description Ids of the run and its messages; on threads only, once for the user's and once for the assistant's.
         * @example {
         *       "data": {
         *         "metadata": {
         *           "message_id": 501,
         *           "role": "user",
         *           "run_id": "77-501"
         *         },
         *         "sequence_number": 1
         *       },
         *       "event": "metadata"
         *     }
         * @example {
         *       "data": {
         *         "metadata": {
         *           "message_id": 502,
         *           "role": "assistant",
         *           "run_id": "77-501"
         *         },
         *         "sequence_number": 2
         *       },
         *       "event": "metadata"
         *     }
         */
        MetadataEvent: {
            data: components["schemas"]["Metadata"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "metadata";
        };
        /**
         * @description How many measurements were taken in, and how many dropped: unknown, out of bounds or wrongly labelled.
         * @example {
         *       "accepted": 2,
         *       "dropped": 0
         *     }
         */
        MetricsReceipt: {
            accepted: number;
            dropped: number;
        };
        /**
         * @description What a page measured. `navigator.sendBeacon` sends no headers: then the session token comes in `token`.
         * @example {
         *       "metrics": [
         *         {
         *           "name": "time_to_first_token_s",
         *           "value": 0.84
         *         },
         *         {
         *           "label": "completed",
         *           "name": "stream_outcome"
         *         }
         *       ]
         *     }
         * @example {
         *       "metrics": [
         *         {
         *           "label": "completed",
         *           "name": "stream_outcome"
         *         }
         *       ],
         *       "token": "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"
         *     }
         */
        MetricsReport: {
            metrics: components["schemas"]["ClientMetric"][];
            token?: string | null;
        };
        /**
         * @example {
         *       "total": 420
         *     }
         */
        OutputTokens: {
            total?: number;
        };
        /**
         * @description RFC 9457 problem details. `instance` is the request's id, in a stream the turn's; `traceId` finds its trace.
         * @example {
         *       "detail": "Request a new token and try again.",
         *       "instance": "2f1d5c776b0f4f0e9d0e3a7a6a144a55",
         *       "retryable": true,
         *       "status": 401,
         *       "title": "The session token has expired",
         *       "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
         *       "type": "https://cortex-harness.dev/problems/token-expired"
         *     }
         * @example {
         *       "detail": "/threadId: Input should be greater than or equal to 1",
         *       "errors": [
         *         {
         *           "detail": "Input should be greater than or equal to 1",
         *           "pointer": "/threadId"
         *         }
         *       ],
         *       "instance": "2f1d5c776b0f4f0e9d0e3a7a6a144a55",
         *       "retryable": false,
         *       "status": 422,
         *       "title": "The request does not fit the API",
         *       "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
         *       "type": "https://cortex-harness.dev/problems/invalid-request"
         *     }
         * @example {
         *       "detail": "6 requests per 2 s (chat-burst) are allowed, and used up; wait 2 s.",
         *       "instance": "2f1d5c776b0f4f0e9d0e3a7a6a144a55",
         *       "retryAfterS": 2,
         *       "retryable": true,
         *       "status": 429,
         *       "title": "Too many requests",
         *       "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
         *       "type": "https://cortex-harness.dev/problems/rate-limited",
         *       "violated-policies": [
         *         "chat-burst"
         *       ]
         *     }
         * @example {
         *       "detail": "'weather' is none; the tools are search, analyst, sql, chart.",
         *       "known": [
         *         "search",
         *         "analyst",
         *         "sql",
         *         "chart"
         *       ],
         *       "retryable": false,
         *       "status": 404,
         *       "title": "There is no such tool",
         *       "type": "https://cortex-harness.dev/problems/tool-unknown"
         *     }
         * @example {
         *       "detail": "The statement names a column that does not exist.",
         *       "retryable": false,
         *       "status": 422,
         *       "title": "Snowflake could not run the statement",
         *       "type": "https://cortex-harness.dev/problems/sql-failed",
         *       "upstreamCode": "000904"
         *     }
         * @example {
         *       "detail": "Snowflake closed the stream before its last event.",
         *       "instance": "0d2f4c1b8a7e4f0f9a3b5c6d7e8f9a0b",
         *       "retryable": true,
         *       "status": 502,
         *       "title": "The answer broke off",
         *       "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
         *       "type": "https://cortex-harness.dev/problems/upstream-truncated"
         *     }
         */
        Problem: {
            detail: string;
            errors?: components["schemas"]["FieldError"][];
            instance?: string;
            /** @description what could have been asked for instead */
            known?: string[];
            retryable: boolean;
            retryAfterS?: number;
            status: number;
            title: string;
            traceId?: string;
            /** @example https://cortex-harness.dev/problems/token-expired */
            type: string;
            /** @description Snowflake's numeric code, when it sent one */
            upstreamCode?: string;
            /** @description quotas of RateLimit-Policy that were exceeded */
            "violated-policies"?: string[];
        };
        /**
         * @description Data of `proxy.end`, the last frame of every chat stream. Durations are milliseconds since the request.
         * @example {
         *       "durationMs": 4006,
         *       "events": 24,
         *       "firstEventMs": 240.1,
         *       "reason": "completed",
         *       "turnId": "0d2f4c1b8a7e4f0f9a3b5c6d7e8f9a0b",
         *       "upstreamBytes": 9120,
         *       "usage": {
         *         "cachedTokens": 1200,
         *         "inputTokens": 5100,
         *         "outputTokens": 420
         *       }
         *     }
         * @example {
         *       "durationMs": 120.5,
         *       "events": 0,
         *       "reason": "upstream_truncated",
         *       "turnId": "0d2f4c1b8a7e4f0f9a3b5c6d7e8f9a0b",
         *       "upstreamBytes": 0
         *     }
         */
        ProxyEnd: {
            durationMs: number;
            /** @description upstream events forwarded */
            events: number;
            /** @description until the first upstream event */
            firstEventMs?: number;
            reason: components["schemas"]["EndReason"];
            turnId: string;
            /** @description upstream bytes forwarded */
            upstreamBytes: number;
            usage?: components["schemas"]["TokenUsage"];
        };
        /**
         * @description The last frame of every stream; without it the stream was cut.
         * @example {
         *       "data": {
         *         "durationMs": 4006,
         *         "events": 24,
         *         "firstEventMs": 240.1,
         *         "reason": "completed",
         *         "turnId": "0d2f4c1b8a7e4f0f9a3b5c6d7e8f9a0b",
         *         "upstreamBytes": 9120,
         *         "usage": {
         *           "cachedTokens": 1200,
         *           "inputTokens": 5100,
         *           "outputTokens": 420
         *         }
         *       },
         *       "event": "proxy.end"
         *     }
         * @example {
         *       "data": {
         *         "durationMs": 120.5,
         *         "events": 0,
         *         "reason": "upstream_truncated",
         *         "turnId": "0d2f4c1b8a7e4f0f9a3b5c6d7e8f9a0b",
         *         "upstreamBytes": 0
         *       },
         *       "event": "proxy.end"
         *     }
         */
        ProxyEndEvent: {
            data: components["schemas"]["ProxyEnd"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "proxy.end";
        };
        /**
         * @description Data of `proxy.start`, the first frame of every chat stream.
         * @example {
         *       "sessionId": "6b0f1f0e6a144a559d0e3a7a2f1d5c77",
         *       "threadId": 77,
         *       "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
         *       "turnId": "0d2f4c1b8a7e4f0f9a3b5c6d7e8f9a0b"
         *     }
         * @example {
         *       "sessionId": "6b0f1f0e6a144a559d0e3a7a2f1d5c77",
         *       "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
         *       "turnId": "0d2f4c1b8a7e4f0f9a3b5c6d7e8f9a0b"
         *     }
         */
        ProxyStart: {
            sessionId: string;
            threadId?: number;
            traceId: string;
            turnId: string;
        };
        /**
         * @description The first frame of every stream.
         * @example {
         *       "data": {
         *         "sessionId": "6b0f1f0e6a144a559d0e3a7a2f1d5c77",
         *         "threadId": 77,
         *         "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
         *         "turnId": "0d2f4c1b8a7e4f0f9a3b5c6d7e8f9a0b"
         *       },
         *       "event": "proxy.start"
         *     }
         * @example {
         *       "data": {
         *         "sessionId": "6b0f1f0e6a144a559d0e3a7a2f1d5c77",
         *         "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
         *         "turnId": "0d2f4c1b8a7e4f0f9a3b5c6d7e8f9a0b"
         *       },
         *       "event": "proxy.start"
         *     }
         */
        ProxyStartEvent: {
            data: components["schemas"]["ProxyStart"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "proxy.start";
        };
        /**
         * @description A chart.
         * @example {
         *       "data": {
         *         "chart_spec": "{\"$schema\": \"https://vega.github.io/schema/vega-lite/v5.json\", \"mark\": \"bar\", \"encoding\": {\"x\": {\"field\": \"REGION\", \"type\": \"nominal\"}, \"y\": {\"field\": \"NET_SALES\", \"type\": \"quantitative\"}}, \"data\": {\"values\": [{\"REGION\": \"EMEA\", \"NET_SALES\": 1250.5}, {\"REGION\": \"APAC\", \"NET_SALES\": 980}]}}",
         *         "content_index": 4,
         *         "sequence_number": 17,
         *         "tool_use_id": "toolu_chart01"
         *       },
         *       "event": "response.chart"
         *     }
         */
        ResponseChartEvent: {
            data: components["schemas"]["Chart"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "response.chart";
        };
        /**
         * @description The whole answer once more, with what it cost.
         * @example {
         *       "data": {
         *         "content": [
         *           {
         *             "thinking": {
         *               "signature": "signed",
         *               "text": "The user wants net sales per region, so I query the sales view."
         *             },
         *             "type": "thinking"
         *           },
         *           {
         *             "table": {
         *               "query_id": "01bd4f00-0000-1a2b-0000-000000000101",
         *               "result_set": {
         *                 "data": [
         *                   [
         *                     "EMEA",
         *                     "1250.50"
         *                   ],
         *                   [
         *                     "APAC",
         *                     "980.00"
         *                   ]
         *                 ],
         *                 "resultSetMetaData": {
         *                   "format": "jsonv2",
         *                   "numRows": 2,
         *                   "partition": 0,
         *                   "rowType": [
         *                     {
         *                       "length": 16,
         *                       "name": "REGION",
         *                       "nullable": true,
         *                       "precision": null,
         *                       "scale": null,
         *                       "type": "TEXT"
         *                     },
         *                     {
         *                       "length": 0,
         *                       "name": "NET_SALES",
         *                       "nullable": true,
         *                       "precision": 18,
         *                       "scale": 2,
         *                       "type": "FIXED"
         *                     }
         *                   ]
         *                 },
         *                 "statementHandle": "01bd4f00-0000-1a2b-0000-000000000101"
         *               },
         *               "title": "Net sales by region",
         *               "tool_use_id": "toolu_sql01"
         *             },
         *             "type": "table"
         *           },
         *           {
         *             "annotations": [],
         *             "is_elicitation": false,
         *             "text": "EMEA leads with 1,250.50, APAC follows with 980.00.",
         *             "type": "text"
         *           }
         *         ],
         *         "metadata": {
         *           "assistant_message_id": 502,
         *           "run_id": "77-501",
         *           "thread_id": 77,
         *           "usage": {
         *             "tokens_consumed": [
         *               {
         *                 "context_window": 200000,
         *                 "input_tokens": {
         *                   "cache_read": 1200,
         *                   "cache_write": 0,
         *                   "total": 5100,
         *                   "uncached": 3900
         *                 },
         *                 "model_name": "claude-sonnet-4-6",
         *                 "output_tokens": {
         *                   "total": 420
         *                 }
         *               }
         *             ]
         *           },
         *           "user_message_id": 501
         *         },
         *         "role": "assistant",
         *         "schema_version": "v2",
         *         "sequence_number": 23,
         *         "status": "completed",
         *         "warnings": [
         *           {
         *             "code": "399569",
         *             "message": "TOOL_NOT_ACCESSIBLE: sales_docs (cortex_search) - The Cortex Search Service does not exist or access is not authorized for the current role: CORTEX_BENCH_DB.SALES.SALES_DOCS_SVC",
         *             "sequence_number": 3
         *           }
         *         ]
         *       },
         *       "event": "response"
         *     }
         * @example {
         *       "data": {
         *         "content": [
         *           {
         *             "text": "EMEA leads with",
         *             "type": "text"
         *           }
         *         ],
         *         "metadata": {
         *           "usage": {
         *             "tokens_consumed": []
         *           }
         *         },
         *         "role": "assistant",
         *         "status": "cancelled"
         *       },
         *       "event": "response"
         *     }
         */
        ResponseEvent: {
            data: components["schemas"]["FinalAnswer"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "response";
        };
        /**
         * @description How the answer was found.
         * @example {
         *       "data": {
         *         "analyst_latency_ms": 2310,
         *         "analyst_orchestration_path": "regular_sqlgen",
         *         "cortex_search_retrieval": [],
         *         "is_semantic_sql": false,
         *         "model_names": [
         *           "claude-4-sonnet"
         *         ],
         *         "question_category": "CLEAR_SQL"
         *       },
         *       "event": "response_metadata"
         *     }
         */
        ResponseMetadataEvent: {
            data: components["schemas"]["AnalystMetadata"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "response_metadata";
        };
        /**
         * @description What the agent is doing.
         * @example {
         *       "data": {
         *         "message": "Planning the next steps",
         *         "sequence_number": 2,
         *         "status": "planning"
         *       },
         *       "event": "response.status"
         *     }
         */
        ResponseStatusEvent: {
            data: components["schemas"]["AgentStatus"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "response.status";
        };
        /**
         * @description What could be asked next.
         * @example {
         *       "data": {
         *         "content_index": 6,
         *         "sequence_number": 21,
         *         "suggested_queries": [
         *           {
         *             "query": "How did EMEA develop month by month?"
         *           }
         *         ]
         *       },
         *       "event": "response.suggested_queries"
         *     }
         */
        ResponseSuggestedQueriesEvent: {
            data: components["schemas"]["SuggestedQueries"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "response.suggested_queries";
        };
        /**
         * @description Rows.
         * @example {
         *       "data": {
         *         "content_index": 3,
         *         "query_id": "01bd4f00-0000-1a2b-0000-000000000101",
         *         "result_set": {
         *           "data": [
         *             [
         *               "EMEA",
         *               "1250.50"
         *             ],
         *             [
         *               "APAC",
         *               "980.00"
         *             ]
         *           ],
         *           "resultSetMetaData": {
         *             "format": "jsonv2",
         *             "numRows": 2,
         *             "partition": 0,
         *             "rowType": [
         *               {
         *                 "length": 16,
         *                 "name": "REGION",
         *                 "nullable": true,
         *                 "precision": null,
         *                 "scale": null,
         *                 "type": "TEXT"
         *               },
         *               {
         *                 "length": 0,
         *                 "name": "NET_SALES",
         *                 "nullable": true,
         *                 "precision": 18,
         *                 "scale": 2,
         *                 "type": "FIXED"
         *               }
         *             ]
         *           },
         *           "statementHandle": "01bd4f00-0000-1a2b-0000-000000000101"
         *         },
         *         "sequence_number": 16,
         *         "title": "Net sales by region",
         *         "tool_use_id": "toolu_sql01"
         *       },
         *       "event": "response.table"
         *     }
         */
        ResponseTableEvent: {
            data: components["schemas"]["Table"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "response.table";
        };
        /**
         * @description A citation.
         * @example {
         *       "data": {
         *         "annotation": {
         *           "doc_id": "POL-7",
         *           "doc_title": "Refund policy",
         *           "index": 0,
         *           "search_result_id": "cs_2f0e8a34-6f0a-4a35-9a3e-8b7d9b0c1f42",
         *           "text": "Refunds are possible within 30 days.",
         *           "type": "cortex_search_citation"
         *         },
         *         "annotation_index": 0,
         *         "content_index": 5,
         *         "sequence_number": 19
         *       },
         *       "event": "response.text.annotation"
         *     }
         * @example {
         *       "data": {
         *         "annotation": {
         *           "end_index": 22,
         *           "source_url": "https://example.com/refunds",
         *           "start_index": 0,
         *           "text": "Refunds are possible within 30 days.",
         *           "type": "web_search_citation"
         *         },
         *         "annotation_index": 0,
         *         "content_index": 5,
         *         "sequence_number": 19
         *       },
         *       "event": "response.text.annotation"
         *     }
         */
        ResponseTextAnnotationEvent: {
            data: components["schemas"]["TextAnnotation"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "response.text.annotation";
        };
        /**
         * @description A piece of the answer's text.
         * @example {
         *       "data": {
         *         "content_index": 5,
         *         "is_elicitation": false,
         *         "sequence_number": 18,
         *         "text": "EMEA leads with 1,250.50"
         *       },
         *       "event": "response.text.delta"
         *     }
         */
        ResponseTextDeltaEvent: {
            data: components["schemas"]["TextDelta"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "response.text.delta";
        };
        /**
         * @description The whole of that text, with its annotations.
         * @example {
         *       "data": {
         *         "annotations": [
         *           {
         *             "doc_id": "POL-7",
         *             "doc_title": "Refund policy",
         *             "index": 0,
         *             "search_result_id": "cs_2f0e8a34-6f0a-4a35-9a3e-8b7d9b0c1f42",
         *             "text": "Refunds are possible within 30 days.",
         *             "type": "cortex_search_citation"
         *           }
         *         ],
         *         "content_index": 5,
         *         "is_elicitation": false,
         *         "sequence_number": 20,
         *         "text": "Customers have 30 days."
         *       },
         *       "event": "response.text"
         *     }
         */
        ResponseTextEvent: {
            data: components["schemas"]["WholeText"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "response.text";
        };
        /**
         * @description A piece of its thinking.
         * @example {
         *       "data": {
         *         "content_index": 0,
         *         "sequence_number": 3,
         *         "signature": "signed",
         *         "text": "The user wants net sales"
         *       },
         *       "event": "response.thinking.delta"
         *     }
         */
        ResponseThinkingDeltaEvent: {
            data: components["schemas"]["ThinkingDelta"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "response.thinking.delta";
        };
        /**
         * @description The whole of that thinking.
         * @example {
         *       "data": {
         *         "content_index": 0,
         *         "sequence_number": 5,
         *         "signature": "signed",
         *         "text": "The user wants net sales per region, so I query the sales view."
         *       },
         *       "event": "response.thinking"
         *     }
         */
        ResponseThinkingEvent: {
            data: components["schemas"]["WholeThinking"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "response.thinking";
        };
        /**
         * @description A piece of what the analyst tool answers; from servers of before April 2026.
         * @example {
         *       "data": {
         *         "content_index": 2,
         *         "delta": {
         *           "text": "This is how I read the question: net sales per region for 2025."
         *         },
         *         "sequence_number": 8,
         *         "tool_name": "sales_analyst",
         *         "tool_type": "cortex_analyst_text_to_sql",
         *         "tool_use_id": "toolu_sql01"
         *       },
         *       "event": "response.tool_result.analyst.delta"
         *     }
         */
        ResponseToolResultAnalystDeltaEvent: {
            data: components["schemas"]["AnalystToolProgress"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "response.tool_result.analyst.delta";
        };
        /**
         * @description What a tool answered.
         * @example {
         *       "data": {
         *         "content": [
         *           {
         *             "json": {
         *               "query_id": "01bd4f00-0000-1a2b-0000-000000000101",
         *               "sql": "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = 2025 GROUP BY region"
         *             },
         *             "type": "json"
         *           }
         *         ],
         *         "content_index": 2,
         *         "name": "system_execute_sql",
         *         "sequence_number": 11,
         *         "status": "success",
         *         "tool_use_id": "toolu_sql01",
         *         "type": "system_execute_sql"
         *       },
         *       "event": "response.tool_result"
         *     }
         * @example {
         *       "data": {
         *         "content": [
         *           {
         *             "text": "SQL compilation error: invalid identifier 'PRICE'",
         *             "type": "text"
         *           }
         *         ],
         *         "content_index": 2,
         *         "name": "system_execute_sql",
         *         "sequence_number": 11,
         *         "status": "error",
         *         "tool_use_id": "toolu_sql01",
         *         "type": "system_execute_sql"
         *       },
         *       "event": "response.tool_result"
         *     }
         */
        ResponseToolResultEvent: {
            data: components["schemas"]["ToolResult"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "response.tool_result";
        };
        /**
         * @description How far a tool is.
         * @example {
         *       "data": {
         *         "message": "Executing SQL",
         *         "sequence_number": 10,
         *         "status": "Executing SQL",
         *         "tool_type": "system_execute_sql",
         *         "tool_use_id": "toolu_sql01"
         *       },
         *       "event": "response.tool_result.status"
         *     }
         */
        ResponseToolResultStatusEvent: {
            data: components["schemas"]["ToolProgress"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "response.tool_result.status";
        };
        /**
         * @description A tool is called; with `client_side_execute` the client is to run it.
         * @example {
         *       "data": {
         *         "client_side_execute": false,
         *         "content_index": 1,
         *         "input": {
         *           "sql": "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = 2025 GROUP BY region"
         *         },
         *         "name": "system_execute_sql",
         *         "sequence_number": 7,
         *         "tool_use_id": "toolu_sql01",
         *         "type": "system_execute_sql"
         *       },
         *       "event": "response.tool_use"
         *     }
         * @example {
         *       "data": {
         *         "client_side_execute": "true",
         *         "content_index": 1,
         *         "input": {},
         *         "name": "current_page",
         *         "sequence_number": 7,
         *         "tool_use_id": "toolu_client01",
         *         "type": "generic"
         *       },
         *       "event": "response.tool_use"
         *     }
         */
        ResponseToolUseEvent: {
            data: components["schemas"]["ToolUse"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "response.tool_use";
        };
        /**
         * @description How far a call is that is being prepared; comes before the call.
         * @example {
         *       "data": {
         *         "message": "Executing SQL",
         *         "sequence_number": 10,
         *         "status": "Executing SQL",
         *         "tool_type": "system_execute_sql",
         *         "tool_use_id": "toolu_sql01"
         *       },
         *       "event": "response.tool_use.status"
         *     }
         */
        ResponseToolUseStatusEvent: {
            data: components["schemas"]["ToolProgress"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "response.tool_use.status";
        };
        /**
         * @description Something the user should know.
         * @example {
         *       "data": {
         *         "code": "399569",
         *         "message": "TOOL_NOT_ACCESSIBLE: sales_docs (cortex_search) - The Cortex Search Service does not exist or access is not authorized for the current role: CORTEX_BENCH_DB.SALES.SALES_DOCS_SVC",
         *         "sequence_number": 3
         *       },
         *       "event": "response.warning"
         *     }
         */
        ResponseWarningEvent: {
            data: components["schemas"]["AgentWarning"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "response.warning";
        };
        /**
         * @description A column of a result set.
         * @example {
         *       "length": 16,
         *       "name": "REGION",
         *       "nullable": true,
         *       "precision": null,
         *       "scale": null,
         *       "type": "TEXT"
         *     }
         * @example {
         *       "length": 0,
         *       "name": "NET_SALES",
         *       "nullable": true,
         *       "precision": 18,
         *       "scale": 2,
         *       "type": "FIXED"
         *     }
         */
        ResultColumn: {
            length?: number | null;
            name: string;
            nullable?: boolean | null;
            precision?: number | null;
            scale?: number | null;
            /** @description Snowflake's, in upper or lower case */
            type: string;
        };
        /**
         * @description Rows as the SQL API has them: every cell is text, null for NULL.
         * @example {
         *       "data": [
         *         [
         *           "EMEA",
         *           "1250.50"
         *         ],
         *         [
         *           "APAC",
         *           "980.00"
         *         ]
         *       ],
         *       "resultSetMetaData": {
         *         "format": "jsonv2",
         *         "numRows": 2,
         *         "partition": 0,
         *         "rowType": [
         *           {
         *             "length": 16,
         *             "name": "REGION",
         *             "nullable": true,
         *             "precision": null,
         *             "scale": null,
         *             "type": "TEXT"
         *           },
         *           {
         *             "length": 0,
         *             "name": "NET_SALES",
         *             "nullable": true,
         *             "precision": 18,
         *             "scale": 2,
         *             "type": "FIXED"
         *           }
         *         ]
         *       },
         *       "statementHandle": "01bd4f00-0000-1a2b-0000-000000000101"
         *     }
         * @example {
         *       "data": [
         *         [
         *           "APAC",
         *           null
         *         ]
         *       ],
         *       "resultSetMetaData": {
         *         "numRows": 1,
         *         "rowType": [
         *           {
         *             "length": 16,
         *             "name": "REGION",
         *             "nullable": true,
         *             "precision": null,
         *             "scale": null,
         *             "type": "TEXT"
         *           },
         *           {
         *             "length": 0,
         *             "name": "NET_SALES",
         *             "nullable": true,
         *             "precision": 18,
         *             "scale": 2,
         *             "type": "FIXED"
         *           }
         *         ]
         *       }
         *     }
         */
        ResultSet: {
            data: (string | null)[][];
            resultSetMetaData: components["schemas"]["ResultSetMetadata"];
            statementHandle?: string | null;
        };
        /**
         * @description What the rows of a result set are.
         * @example {
         *       "format": "jsonv2",
         *       "numRows": 2,
         *       "partition": 0,
         *       "rowType": [
         *         {
         *           "length": 16,
         *           "name": "REGION",
         *           "nullable": true,
         *           "precision": null,
         *           "scale": null,
         *           "type": "TEXT"
         *         },
         *         {
         *           "length": 0,
         *           "name": "NET_SALES",
         *           "nullable": true,
         *           "precision": 18,
         *           "scale": 2,
         *           "type": "FIXED"
         *         }
         *       ]
         *     }
         */
        ResultSetMetadata: {
            format?: string | null;
            /** @description rows of the whole result */
            numRows: number;
            partition?: number | null;
            rowType: components["schemas"]["ResultColumn"][];
        };
        /**
         * @description `metadata` of the final object; the ids are present on threaded runs only.
         * @example {
         *       "assistant_message_id": 502,
         *       "run_id": "77-501",
         *       "thread_id": 77,
         *       "usage": {
         *         "tokens_consumed": [
         *           {
         *             "context_window": 200000,
         *             "input_tokens": {
         *               "cache_read": 1200,
         *               "cache_write": 0,
         *               "total": 5100,
         *               "uncached": 3900
         *             },
         *             "model_name": "claude-sonnet-4-6",
         *             "output_tokens": {
         *               "total": 420
         *             }
         *           }
         *         ]
         *       },
         *       "user_message_id": 501
         *     }
         * @example {
         *       "usage": {
         *         "tokens_consumed": []
         *       }
         *     }
         */
        RunMetadata: {
            assistant_message_id?: number | null;
            run_id?: string | null;
            thread_id?: number | null;
            usage?: components["schemas"]["Usage"];
            user_message_id?: number | null;
        };
        /**
         * @description What the search found; an empty list when nothing fits.
         * @example {
         *       "requestId": "9f3f6c5e-1a86-4b7c-9f2c-0f4f6b0a7d10",
         *       "results": [
         *         {
         *           "columns": {
         *             "BODY": "Refunds are possible within 30 days.",
         *             "TITLE": "Refund policy"
         *           },
         *           "scores": {
         *             "cosine_similarity": 0.61,
         *             "reranker_score": 2.4
         *           }
         *         }
         *       ]
         *     }
         * @example {
         *       "requestId": "9f3f6c5e-1a86-4b7c-9f2c-0f4f6b0a7d10",
         *       "results": []
         *     }
         */
        SearchAnswer: {
            /** @description Snowflake's */
            requestId: string | null;
            results: components["schemas"]["SearchHit"][];
        };
        /**
         * @description One document, best first.
         * @example {
         *       "columns": {
         *         "BODY": "Refunds are possible within 30 days.",
         *         "TITLE": "Refund policy"
         *       },
         *       "scores": {
         *         "cosine_similarity": 0.61,
         *         "reranker_score": 2.4
         *       }
         *     }
         */
        SearchHit: {
            /**
             * @description by name; a value's type is its column's
             * @example {
             *       "TITLE": "Refunds"
             *     }
             */
            columns: {
                [key: string]: unknown;
            };
            /**
             * @example {
             *       "cosine_similarity": 0.61
             *     }
             */
            scores: {
                [key: string]: number;
            };
        };
        /**
         * @description A question to the Cortex Search service.
         *
         *     `filter` is Snowflake's: `@eq`, `@contains`, `@gte`, `@lte` on one column each, joined by `@and`, `@or`, `@not`.
         * @example {
         *       "query": "refund deadline"
         *     }
         * @example {
         *       "columns": [
         *         "TITLE",
         *         "BODY"
         *       ],
         *       "filter": {
         *         "@and": [
         *           {
         *             "@eq": {
         *               "REGION": "EMEA"
         *             }
         *           },
         *           {
         *             "@gte": {
         *               "VALID_FROM": "2025-01-01"
         *             }
         *           }
         *         ]
         *       },
         *       "limit": 3,
         *       "query": "refund deadline"
         *     }
         */
        SearchRequest: {
            /**
             * @description columns to return; all that the service offers when left out
             * @example [
             *       "TITLE"
             *     ]
             */
            columns?: string[] | null;
            /**
             * @description operators as above, nested as they need to be
             * @example {
             *       "@eq": {
             *         "REGION": "EMEA"
             *       }
             *     }
             */
            filter?: {
                [key: string]: unknown;
            } | null;
            /** @default 10 */
            limit?: number;
            /** @example refund deadline */
            query: string;
        };
        /**
         * @description A session token. `expires_at` ends the token, `session_expires_at` ends every refresh of it.
         * @example {
         *       "expiresAt": "2026-03-02T09:05:00Z",
         *       "expiresInS": 300,
         *       "sessionExpiresAt": "2026-03-02T17:00:00Z",
         *       "sessionId": "6b0f1f0e6a144a559d0e3a7a2f1d5c77",
         *       "token": "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl",
         *       "tokenType": "Bearer"
         *     }
         */
        SessionToken: {
            /** Format: date-time */
            expiresAt: string;
            /** @example 300 */
            expiresInS: number;
            /** Format: date-time */
            sessionExpiresAt: string;
            /** @example 6b0f1f0e6a144a559d0e3a7a2f1d5c77 */
            sessionId: string;
            /** @example eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl */
            token: string;
            /** @constant */
            tokenType: "Bearer";
        };
        /**
         * @description Rows of a statement. Cells are text, exact, null for NULL; dates and times are ISO 8601.
         * @example {
         *       "columns": [
         *         {
         *           "name": "REGION",
         *           "nullable": true,
         *           "precision": null,
         *           "scale": null,
         *           "type": "text"
         *         },
         *         {
         *           "name": "NET_SALES",
         *           "nullable": false,
         *           "precision": 18,
         *           "scale": 2,
         *           "type": "fixed"
         *         }
         *       ],
         *       "requestId": "9f3f6c5e-1a86-4b7c-9f2c-0f4f6b0a7d10",
         *       "rowCount": 2,
         *       "rows": [
         *         [
         *           "EMEA",
         *           "1250.50"
         *         ],
         *         [
         *           "APAC",
         *           "980.00"
         *         ]
         *       ],
         *       "statementHandle": "c2VhbGVkLWhhbmRsZS1vZi1hLXN0YXRlbWVudA",
         *       "truncated": false
         *     }
         */
        SqlAnswer: {
            columns: components["schemas"]["SqlColumn"][];
            /** @description Snowflake's */
            requestId: string | null;
            /** @description rows of the whole result, also of those not sent */
            rowCount: number;
            rows: (string | null)[][];
            /** @description names this result for the chart tool, for the same user only */
            statementHandle: string;
            /** @description whether rows were left out, by maxRows or by the limit in bytes */
            truncated: boolean;
        };
        /**
         * @description A column of a result; `type` is Snowflake's, lower-case.
         * @example {
         *       "name": "REGION",
         *       "nullable": true,
         *       "precision": null,
         *       "scale": null,
         *       "type": "text"
         *     }
         * @example {
         *       "name": "NET_SALES",
         *       "nullable": false,
         *       "precision": 18,
         *       "scale": 2,
         *       "type": "fixed"
         *     }
         */
        SqlColumn: {
            name: string;
            nullable: boolean;
            precision: number | null;
            scale: number | null;
            /** @example fixed */
            type: string;
        };
        /**
         * @description One read-only statement; `?` stands for the bindings, in order.
         * @example {
         *       "bindings": [
         *         2025
         *       ],
         *       "maxRows": 100,
         *       "statement": "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = ? GROUP BY region"
         *     }
         */
        SqlRequest: {
            bindings?: (string | number | boolean | null)[];
            /** @default 1000 */
            maxRows?: number;
            statement: string;
        };
        /**
         * @description What this proxy is: for people and for support, without secrets.
         * @example {
         *       "agent": "/api/v2/databases/CORTEX_BENCH_DB/schemas/SALES/agents/SALES_AGENT:run",
         *       "breakers": {
         *         "agent": "closed",
         *         "analyst": "closed",
         *         "search": "half-open",
         *         "sql": "closed"
         *       },
         *       "draining": false,
         *       "endpoints": {
         *         "chat": {
         *           "atOnce": 4,
         *           "bodyBytes": 262144,
         *           "burst": 6,
         *           "burstS": 2,
         *           "deadlineS": 960,
         *           "requests": 30,
         *           "windowS": 60
         *         }
         *       },
         *       "environment": "development",
         *       "limits": {
         *         "processes": 1,
         *         "requestTimeoutS": 10,
         *         "streams": 100
         *       },
         *       "mode": "rehearsal",
         *       "sessionIssue": "open",
         *       "store": "sqlite",
         *       "version": "0.1.0"
         *     }
         */
        Status: {
            agent: string;
            /** @description by upstream surface */
            breakers: {
                [key: string]: "closed" | "open" | "half-open";
            };
            draining: boolean;
            endpoints: {
                [key: string]: components["schemas"]["EndpointLimits"];
            };
            /** @enum {string} */
            environment: "development" | "production";
            /** @description of the whole process */
            limits: {
                [key: string]: number;
            };
            /**
             * @description rehearsal: the upstream is a stand-in, not Snowflake
             * @enum {string}
             */
            mode: "live" | "rehearsal";
            /** @enum {string} */
            sessionIssue: "open" | "client-key";
            /** @enum {string} */
            store: "sqlite" | "redis" | "memory";
            version: string;
        };
        /**
         * @description What Cortex Analyst is doing.
         * @example {
         *       "data": {
         *         "request_id": "9f3f6c5e-1a86-4b7c-9f2c-0f4f6b0a7d10",
         *         "status": "interpreting_question",
         *         "status_message": "Interpreting question"
         *       },
         *       "event": "status"
         *     }
         */
        StatusEvent: {
            data: components["schemas"]["AnalystStatus"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "status";
        };
        /**
         * @description What could be asked next, as a block of the answer.
         * @example {
         *       "content_index": 6,
         *       "sequence_number": 21,
         *       "suggested_queries": [
         *         {
         *           "query": "How did EMEA develop month by month?"
         *         }
         *       ]
         *     }
         */
        SuggestedQueries: {
            /** @description which block, by its place in the answer's `content` */
            content_index: number;
            /** @description counts the run's payloads from 1, ascending */
            sequence_number?: number | null;
            suggested_queries: components["schemas"]["SuggestedQuery"][];
        };
        /**
         * @description What could be asked next.
         * @example {
         *       "query": "How did EMEA develop month by month?"
         *     }
         */
        SuggestedQuery: {
            query: string;
        };
        /**
         * @description A piece of the suggestion `index`.
         * @example {
         *       "index": 0,
         *       "suggestion_delta": "Net sales by region"
         *     }
         */
        SuggestionDelta: {
            index: number;
            suggestion_delta: string;
        };
        /**
         * @description Rows, as a block of the answer.
         * @example {
         *       "content_index": 3,
         *       "query_id": "01bd4f00-0000-1a2b-0000-000000000101",
         *       "result_set": {
         *         "data": [
         *           [
         *             "EMEA",
         *             "1250.50"
         *           ],
         *           [
         *             "APAC",
         *             "980.00"
         *           ]
         *         ],
         *         "resultSetMetaData": {
         *           "format": "jsonv2",
         *           "numRows": 2,
         *           "partition": 0,
         *           "rowType": [
         *             {
         *               "length": 16,
         *               "name": "REGION",
         *               "nullable": true,
         *               "precision": null,
         *               "scale": null,
         *               "type": "TEXT"
         *             },
         *             {
         *               "length": 0,
         *               "name": "NET_SALES",
         *               "nullable": true,
         *               "precision": 18,
         *               "scale": 2,
         *               "type": "FIXED"
         *             }
         *           ]
         *         },
         *         "statementHandle": "01bd4f00-0000-1a2b-0000-000000000101"
         *       },
         *       "sequence_number": 16,
         *       "title": "Net sales by region",
         *       "tool_use_id": "toolu_sql01"
         *     }
         */
        Table: {
            /** @description which block, by its place in the answer's `content` */
            content_index: number;
            query_id: string;
            result_set: components["schemas"]["ResultSet"];
            /** @description counts the run's payloads from 1, ascending */
            sequence_number?: number | null;
            title?: string | null;
            tool_use_id: string;
        };
        /**
         * @description Rows to be shown.
         * @example {
         *       "query_id": "01bd4f00-0000-1a2b-0000-000000000101",
         *       "result_set": {
         *         "data": [
         *           [
         *             "EMEA",
         *             "1250.50"
         *           ],
         *           [
         *             "APAC",
         *             "980.00"
         *           ]
         *         ],
         *         "resultSetMetaData": {
         *           "format": "jsonv2",
         *           "numRows": 2,
         *           "partition": 0,
         *           "rowType": [
         *             {
         *               "length": 16,
         *               "name": "REGION",
         *               "nullable": true,
         *               "precision": null,
         *               "scale": null,
         *               "type": "TEXT"
         *             },
         *             {
         *               "length": 0,
         *               "name": "NET_SALES",
         *               "nullable": true,
         *               "precision": 18,
         *               "scale": 2,
         *               "type": "FIXED"
         *             }
         *           ]
         *         },
         *         "statementHandle": "01bd4f00-0000-1a2b-0000-000000000101"
         *       },
         *       "title": "Net sales by region",
         *       "tool_use_id": "toolu_sql01"
         *     }
         */
        TableBlock: {
            query_id: string;
            result_set: components["schemas"]["ResultSet"];
            title?: string | null;
            tool_use_id: string;
        };
        /**
         * @description A citation within a block of text.
         * @example {
         *       "annotation": {
         *         "doc_id": "POL-7",
         *         "doc_title": "Refund policy",
         *         "index": 0,
         *         "search_result_id": "cs_2f0e8a34-6f0a-4a35-9a3e-8b7d9b0c1f42",
         *         "text": "Refunds are possible within 30 days.",
         *         "type": "cortex_search_citation"
         *       },
         *       "annotation_index": 0,
         *       "content_index": 5,
         *       "sequence_number": 19
         *     }
         * @example {
         *       "annotation": {
         *         "end_index": 22,
         *         "source_url": "https://example.com/refunds",
         *         "start_index": 0,
         *         "text": "Refunds are possible within 30 days.",
         *         "type": "web_search_citation"
         *       },
         *       "annotation_index": 0,
         *       "content_index": 5,
         *       "sequence_number": 19
         *     }
         */
        TextAnnotation: {
            annotation: components["schemas"]["Annotation"];
            annotation_index: number;
            /** @description which block, by its place in the answer's `content` */
            content_index: number;
            /** @description counts the run's payloads from 1, ascending */
            sequence_number?: number | null;
        };
        /**
         * @description A piece of the answer's text.
         * @example {
         *       "content_index": 5,
         *       "is_elicitation": false,
         *       "sequence_number": 18,
         *       "text": "EMEA leads with 1,250.50"
         *     }
         */
        TextDelta: {
            /** @description which block, by its place in the answer's `content` */
            content_index: number;
            /** @description whether the agent asks back */
            is_elicitation?: boolean | null;
            /** @description counts the run's payloads from 1, ascending */
            sequence_number?: number | null;
            text: string;
        };
        /**
         * @description What the agent thought.
         * @example {
         *       "signature": "signed",
         *       "text": "The user wants net sales per region, so I query the sales view."
         *     }
         */
        ThinkingBlock: {
            signature?: string | null;
            text: string;
        };
        /**
         * @description A piece of the agent's thinking.
         * @example {
         *       "content_index": 0,
         *       "sequence_number": 3,
         *       "signature": "signed",
         *       "text": "The user wants net sales"
         *     }
         */
        ThinkingDelta: {
            /** @description which block, by its place in the answer's `content` */
            content_index: number;
            /** @description counts the run's payloads from 1, ascending */
            sequence_number?: number | null;
            signature?: string | null;
            text: string;
        };
        /**
         * @description Body of `POST /session/token`, may be left out. A still valid token in `Authorization` asks for a refresh.
         * @example {}
         * @example {
         *       "subject": "user-4711"
         *     }
         */
        TokenRequest: {
            /** @description whose session it is to be, for limits and history; only a caller with the client key may say */
            subject?: string | null;
        };
        /**
         * @description One entry of `metadata.usage.tokens_consumed`.
         * @example {
         *       "context_window": 200000,
         *       "input_tokens": {
         *         "cache_read": 1200,
         *         "cache_write": 0,
         *         "total": 5100,
         *         "uncached": 3900
         *       },
         *       "model_name": "claude-sonnet-4-6",
         *       "output_tokens": {
         *         "total": 420
         *       }
         *     }
         */
        TokensConsumed: {
            context_window?: number | null;
            input_tokens?: components["schemas"]["InputTokens"];
            model_name?: string;
            output_tokens?: components["schemas"]["OutputTokens"];
        };
        /**
         * @description Tokens summed over the models of a turn; cached tokens are part of the input.
         * @example {
         *       "cachedTokens": 1200,
         *       "inputTokens": 5100,
         *       "outputTokens": 420
         *     }
         */
        TokenUsage: {
            cachedTokens: number;
            inputTokens: number;
            outputTokens: number;
        };
        /**
         * @description What a tool answered.
         * @example {
         *       "content": [
         *         {
         *           "json": {
         *             "query_id": "01bd4f00-0000-1a2b-0000-000000000101",
         *             "sql": "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = 2025 GROUP BY region"
         *           },
         *           "type": "json"
         *         }
         *       ],
         *       "name": "system_execute_sql",
         *       "status": "success",
         *       "tool_use_id": "toolu_sql01",
         *       "type": "system_execute_sql"
         *     }
         * @example {
         *       "content": [
         *         {
         *           "text": "SQL compilation error: invalid identifier 'PRICE'",
         *           "type": "text"
         *         }
         *       ],
         *       "name": "system_execute_sql",
         *       "status": "error",
         *       "tool_use_id": "toolu_sql01",
         *       "type": "system_execute_sql"
         *     }
         */
        ToolAnswer: {
            content: components["schemas"]["ToolContent"][];
            name: string;
            /** @enum {string} */
            status: "success" | "error";
            tool_use_id: string;
            type: string;
        };
        /**
         * @description A tool that is called.
         * @example {
         *       "client_side_execute": false,
         *       "input": {
         *         "sql": "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = 2025 GROUP BY region"
         *       },
         *       "name": "system_execute_sql",
         *       "tool_use_id": "toolu_sql01",
         *       "type": "system_execute_sql"
         *     }
         * @example {
         *       "client_side_execute": "true",
         *       "input": {},
         *       "name": "current_page",
         *       "tool_use_id": "toolu_client01",
         *       "type": "generic"
         *     }
         */
        ToolCall: {
            /** @description whether the client is to run it */
            client_side_execute: boolean | ("true" | "false");
            /** @description what the tool is given; its own affair */
            input: {
                [key: string]: unknown;
            };
            name: string;
            tool_use_id: string;
            type: string;
        };
        /**
         * @description A piece of what a tool answered.
         * @example {
         *       "json": {
         *         "query_id": "01bd4f00-0000-1a2b-0000-000000000101",
         *         "sql": "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = 2025 GROUP BY region"
         *       },
         *       "type": "json"
         *     }
         * @example {
         *       "text": "SQL compilation error: invalid identifier 'PRICE'",
         *       "type": "text"
         *     }
         */
        ToolContent: {
            /** @description the tool's own affair */
            json?: {
                [key: string]: unknown;
            } | null;
            text?: string | null;
            /** @description `json`, `text`, or one to come */
            type: string;
        };
        /**
         * @description How far a tool is.
         * @example {
         *       "message": "Executing SQL",
         *       "sequence_number": 10,
         *       "status": "Executing SQL",
         *       "tool_type": "system_execute_sql",
         *       "tool_use_id": "toolu_sql01"
         *     }
         */
        ToolProgress: {
            message?: string | null;
            /** @description counts the run's payloads from 1, ascending */
            sequence_number?: number | null;
            /** @description free text */
            status: string;
            tool_type: string;
            tool_use_id: string;
        };
        /**
         * @description What a tool answered, as a block of the answer.
         * @example {
         *       "content": [
         *         {
         *           "json": {
         *             "query_id": "01bd4f00-0000-1a2b-0000-000000000101",
         *             "sql": "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = 2025 GROUP BY region"
         *           },
         *           "type": "json"
         *         }
         *       ],
         *       "content_index": 2,
         *       "name": "system_execute_sql",
         *       "sequence_number": 11,
         *       "status": "success",
         *       "tool_use_id": "toolu_sql01",
         *       "type": "system_execute_sql"
         *     }
         * @example {
         *       "content": [
         *         {
         *           "text": "SQL compilation error: invalid identifier 'PRICE'",
         *           "type": "text"
         *         }
         *       ],
         *       "content_index": 2,
         *       "name": "system_execute_sql",
         *       "sequence_number": 11,
         *       "status": "error",
         *       "tool_use_id": "toolu_sql01",
         *       "type": "system_execute_sql"
         *     }
         */
        ToolResult: {
            content: components["schemas"]["ToolContent"][];
            /** @description which block, by its place in the answer's `content` */
            content_index: number;
            name: string;
            /** @description counts the run's payloads from 1, ascending */
            sequence_number?: number | null;
            /** @enum {string} */
            status: "success" | "error";
            tool_use_id: string;
            type: string;
        };
        /**
         * @description One item of a client-side tool's answer.
         * @example {
         *       "json": {
         *         "path": "/sales/emea"
         *       },
         *       "type": "json"
         *     }
         * @example {
         *       "json": [
         *         "EMEA",
         *         "APAC"
         *       ],
         *       "type": "json"
         *     }
         * @example {
         *       "text": "The user looks at EMEA.",
         *       "type": "text"
         *     }
         */
        ToolResultContent: {
            /** @description what the tool found: any JSON, in an object or a list */
            json?: {
                [key: string]: unknown;
            } | unknown[] | null;
            text?: string | null;
            /** @enum {string} */
            type: "json" | "text";
        };
        /**
         * @description A message that answers a client-side tool instead of asking something.
         * @example {
         *       "toolResult": {
         *         "content": [
         *           {
         *             "json": {
         *               "path": "/sales/emea"
         *             },
         *             "type": "json"
         *           }
         *         ],
         *         "name": "current_page",
         *         "toolUseId": "toolu_client01",
         *         "type": "generic"
         *       }
         *     }
         */
        ToolResultMessage: {
            toolResult: components["schemas"]["ClientToolResult"];
        };
        /**
         * @description A tool that is called, as a block of the answer.
         * @example {
         *       "client_side_execute": false,
         *       "content_index": 1,
         *       "input": {
         *         "sql": "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = 2025 GROUP BY region"
         *       },
         *       "name": "system_execute_sql",
         *       "sequence_number": 7,
         *       "tool_use_id": "toolu_sql01",
         *       "type": "system_execute_sql"
         *     }
         * @example {
         *       "client_side_execute": "true",
         *       "content_index": 1,
         *       "input": {},
         *       "name": "current_page",
         *       "sequence_number": 7,
         *       "tool_use_id": "toolu_client01",
         *       "type": "generic"
         *     }
         */
        ToolUse: {
            /** @description whether the client is to run it */
            client_side_execute: boolean | ("true" | "false");
            /** @description which block, by its place in the answer's `content` */
            content_index: number;
            /** @description what the tool is given; its own affair */
            input: {
                [key: string]: unknown;
            };
            name: string;
            /** @description counts the run's payloads from 1, ascending */
            sequence_number?: number | null;
            tool_use_id: string;
            type: string;
        };
        /**
         * @example {
         *       "tokens_consumed": [
         *         {
         *           "context_window": 200000,
         *           "input_tokens": {
         *             "cache_read": 1200,
         *             "cache_write": 0,
         *             "total": 5100,
         *             "uncached": 3900
         *           },
         *           "model_name": "claude-sonnet-4-6",
         *           "output_tokens": {
         *             "total": 420
         *           }
         *         }
         *       ]
         *     }
         */
        Usage: {
            tokens_consumed?: components["schemas"]["TokensConsumed"][];
        };
        /**
         * @description A query that somebody has verified for this question.
         * @example {
         *       "name": "net_sales_by_region",
         *       "question": "Net sales by region",
         *       "sql": "SELECT region, SUM(net_amount) AS net_sales FROM orders WHERE order_year = 2025 GROUP BY region",
         *       "verified_at": 1767225600,
         *       "verified_by": "Mara Musterfrau"
         *     }
         */
        VerifiedQuery: {
            name: string;
            question?: string | null;
            sql?: string | null;
            /** @description seconds since the epoch */
            verified_at?: number | null;
            verified_by?: string | null;
        };
        /**
         * @description What the semantic view lacks.
         * @example {
         *       "data": {
         *         "warnings": []
         *       },
         *       "event": "warnings"
         *     }
         * @example {
         *       "data": {
         *         "warnings": [
         *           {
         *             "message": "The semantic view has no synonyms for 'turnover'."
         *           }
         *         ]
         *       },
         *       "event": "warnings"
         *     }
         */
        WarningsEvent: {
            data: components["schemas"]["AnalystWarnings"];
            /**
             * @description discriminator enum property added by openapi-typescript
             * @enum {string}
             */
            event: "warnings";
        };
        /**
         * @description The whole of a block of text.
         * @example {
         *       "annotations": [
         *         {
         *           "doc_id": "POL-7",
         *           "doc_title": "Refund policy",
         *           "index": 0,
         *           "search_result_id": "cs_2f0e8a34-6f0a-4a35-9a3e-8b7d9b0c1f42",
         *           "text": "Refunds are possible within 30 days.",
         *           "type": "cortex_search_citation"
         *         }
         *       ],
         *       "content_index": 5,
         *       "is_elicitation": false,
         *       "sequence_number": 20,
         *       "text": "Customers have 30 days."
         *     }
         */
        WholeText: {
            annotations?: components["schemas"]["Annotation"][] | null;
            /** @description which block, by its place in the answer's `content` */
            content_index: number;
            /** @description whether the agent asks back */
            is_elicitation?: boolean | null;
            /** @description counts the run's payloads from 1, ascending */
            sequence_number?: number | null;
            text: string;
        };
        /**
         * @description The whole of a block of thinking.
         * @example {
         *       "content_index": 0,
         *       "sequence_number": 5,
         *       "signature": "signed",
         *       "text": "The user wants net sales per region, so I query the sales view."
         *     }
         */
        WholeThinking: {
            /** @description which block, by its place in the answer's `content` */
            content_index: number;
            /** @description counts the run's payloads from 1, ascending */
            sequence_number?: number | null;
            signature?: string | null;
            text: string;
        };
    };
    responses: {
        /** @description `address-too-long`: The address of the request is too long. */
        AddressTooLong: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `body-too-large`: The request body is too large. */
        BodyTooLarge: {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                "X-Trace-Id": components["headers"]["X-Trace-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `headers-too-large`: The headers of the request are too large. */
        HeadersTooLarge: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `host-not-allowed`: The request was meant for another host. */
        HostNotAllowed: {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                "X-Trace-Id": components["headers"]["X-Trace-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `internal`: The proxy failed. */
        Internal: {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                "X-Trace-Id": components["headers"]["X-Trace-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `invalid-request`: The request does not fit the API. */
        InvalidRequest: {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                "X-Trace-Id": components["headers"]["X-Trace-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `malformed-request`: The request is not valid HTTP. */
        MalformedRequest: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `request-timeout`: The request did not arrive in time. */
        RequestTimeout: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `session-mismatch`: The token belongs to another session. */
        SessionMismatch: {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                "X-Trace-Id": components["headers"]["X-Trace-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `store-unavailable`: The proxy's store does not answer. */
        StoreUnavailable: {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "Retry-After": components["headers"]["Retry-After"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                "X-Trace-Id": components["headers"]["X-Trace-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `unsupported-media-type`: The request body must be application/json. */
        UnsupportedMediaType: {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                "X-Trace-Id": components["headers"]["X-Trace-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `upstream-not-found`: Snowflake does not find what was asked for. */
        UpstreamNotFound: {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                "X-Trace-Id": components["headers"]["X-Trace-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: {
        /** @description `nextCursor` of the page before, unchanged. */
        Cursor: string;
        /** @description Most turns in the page. */
        Limit: number;
        /**
         * @description A session of the caller's.
         * @example 6b0f1f0e6a144a559d0e3a7a2f1d5c77
         */
        SessionId: string;
    };
    requestBodies: never;
    headers: {
        /**
         * @description The document's version.
         * @example "8a1f0c2e"
         */
        ETag: string;
        /**
         * @description What is left of them.
         * @example "chat";r=29;t=60, "chat-burst";r=5;t=2
         */
        RateLimit: string;
        /**
         * @description Every limit of the endpoint, where there are any.
         * @example "chat";q=30;w=60, "chat-burst";q=6;w=2, "chat-at-once";q=4;qu="concurrent-requests"
         */
        "RateLimit-Policy": string;
        /**
         * @description Seconds after which to ask again.
         * @example 2
         */
        "Retry-After": number;
        /**
         * @description What is wanted.
         * @example Bearer error="invalid_token"
         */
        "WWW-Authenticate": string;
        /**
         * @description This request, in the log; a problem's `instance`.
         * @example 2f1d5c776b0f4f0e9d0e3a7a6a144a55
         */
        "X-Request-Id": string;
        /**
         * @description This request's trace.
         * @example 4bf92f3577b34da6a3ce929d0e0e4736
         */
        "X-Trace-Id": string;
        /**
         * @description Snowflake's name for the request, for its support.
         * @example 9f3f6c5e-1a86-4b7c-9f2c-0f4f6b0a7d10
         */
        "X-Upstream-Request-Id": string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    chat: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChatRequest"];
            };
        };
        responses: {
            /** @description The turn. */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    "X-Upstream-Request-Id": components["headers"]["X-Upstream-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["ChatEvent"];
                };
            };
            /** @description `malformed-request`: The request is not valid HTTP. `malformed-json`: The request body is not valid JSON. */
            400: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `token-missing`: A session token is required. `token-invalid`: The session token is not valid. `token-expired`: The session token has expired. */
            401: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            403: components["responses"]["SessionMismatch"];
            404: components["responses"]["UpstreamNotFound"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["BodyTooLarge"];
            414: components["responses"]["AddressTooLong"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["HostNotAllowed"];
            422: components["responses"]["InvalidRequest"];
            /** @description `rate-limited`: Too many requests. `too-many-at-once`: Too many requests at the same time. `too-many-streams`: Too many answers are streaming at once. `upstream-throttled`: Snowflake asks to slow down. */
            429: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            /** @description `upstream-unreachable`: Snowflake cannot be reached. `upstream-unauthorized`: Snowflake refused the proxy's credential. `upstream-forbidden`: Snowflake denies the proxy's role this agent. `upstream-rejected`: Snowflake rejected the request. `upstream-protocol`: Snowflake answered with something unexpected. `upstream-truncated`: The answer broke off. */
            502: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: The proxy's store does not answer. `upstream-unavailable`: Snowflake is not available. `upstream-suspended`: Calls to Snowflake are suspended after failures. `draining`: The proxy is shutting down. */
            503: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request-deadline`: The request took too long. `upstream-timeout`: Snowflake did not answer in time. `upstream-stalled`: The answer stopped arriving. */
            504: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    docsBelowPrefix: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page. */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description It is the one that `If-None-Match` names. */
            304: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["MalformedRequest"];
            408: components["responses"]["RequestTimeout"];
            414: components["responses"]["AddressTooLong"];
            421: components["responses"]["HostNotAllowed"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
        };
    };
    readHistory: {
        parameters: {
            query?: {
                /** @description `nextCursor` of the page before, unchanged. */
                cursor?: components["parameters"]["Cursor"];
                /** @description Most turns in the page. */
                limit?: components["parameters"]["Limit"];
            };
            header?: never;
            path: {
                /**
                 * @description A session of the caller's.
                 * @example 6b0f1f0e6a144a559d0e3a7a2f1d5c77
                 */
                sessionId: components["parameters"]["SessionId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page; an empty one when the caller's own session has no turns yet. */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HistoryPage"];
                };
            };
            400: components["responses"]["MalformedRequest"];
            /** @description `token-missing`: A session token is required. `token-invalid`: The session token is not valid. `token-expired`: The session token has expired. */
            401: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not-found`: There is nothing at this address. `session-not-found`: There is no such session. */
            404: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["RequestTimeout"];
            414: components["responses"]["AddressTooLong"];
            421: components["responses"]["HostNotAllowed"];
            422: components["responses"]["InvalidRequest"];
            /** @description `rate-limited`: Too many requests. `too-many-at-once`: Too many requests at the same time. */
            429: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["StoreUnavailable"];
        };
    };
    forgetHistory: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description A session of the caller's.
                 * @example 6b0f1f0e6a144a559d0e3a7a2f1d5c77
                 */
                sessionId: components["parameters"]["SessionId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The turns are gone. */
            204: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["MalformedRequest"];
            /** @description `token-missing`: A session token is required. `token-invalid`: The session token is not valid. `token-expired`: The session token has expired. */
            401: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `not-found`: There is nothing at this address. `session-not-found`: There is no such session. */
            404: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["RequestTimeout"];
            414: components["responses"]["AddressTooLong"];
            421: components["responses"]["HostNotAllowed"];
            422: components["responses"]["InvalidRequest"];
            /** @description `rate-limited`: Too many requests. `too-many-at-once`: Too many requests at the same time. */
            429: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["StoreUnavailable"];
        };
    };
    livezBelowPrefix: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            400: components["responses"]["MalformedRequest"];
            408: components["responses"]["RequestTimeout"];
            414: components["responses"]["AddressTooLong"];
            421: components["responses"]["HostNotAllowed"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
        };
    };
    reportMetrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MetricsReport"];
                "text/plain": components["schemas"]["MetricsReport"];
            };
        };
        responses: {
            /** @description How many were taken in. */
            202: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MetricsReceipt"];
                };
            };
            /** @description `malformed-request`: The request is not valid HTTP. `malformed-json`: The request body is not valid JSON. */
            400: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `token-missing`: A session token is required. `token-invalid`: The session token is not valid. `token-expired`: The session token has expired. */
            401: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["BodyTooLarge"];
            414: components["responses"]["AddressTooLong"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["HostNotAllowed"];
            422: components["responses"]["InvalidRequest"];
            /** @description `rate-limited`: Too many requests. `too-many-at-once`: Too many requests at the same time. */
            429: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["StoreUnavailable"];
        };
    };
    openapiDocumentBelowPrefix: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OpenAPI 3.1. */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description It is the one that `If-None-Match` names. */
            304: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["MalformedRequest"];
            408: components["responses"]["RequestTimeout"];
            414: components["responses"]["AddressTooLong"];
            421: components["responses"]["HostNotAllowed"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
        };
    };
    readyzBelowPrefix: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It can. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            400: components["responses"]["MalformedRequest"];
            408: components["responses"]["RequestTimeout"];
            414: components["responses"]["AddressTooLong"];
            421: components["responses"]["HostNotAllowed"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            /** @description It cannot; the failing checks say why. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    issueToken: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["TokenRequest"];
            };
        };
        responses: {
            /** @description The token. */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionToken"];
                };
            };
            /** @description `malformed-request`: The request is not valid HTTP. `malformed-json`: The request body is not valid JSON. */
            400: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `token-invalid`: The session token is not valid. `token-expired`: The session token has expired. `client-key-invalid`: The client key is missing or not valid. `session-ended`: The session has reached its limit. */
            401: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["BodyTooLarge"];
            414: components["responses"]["AddressTooLong"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["HostNotAllowed"];
            422: components["responses"]["InvalidRequest"];
            /** @description `rate-limited`: Too many requests. `too-many-at-once`: Too many requests at the same time. */
            429: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["StoreUnavailable"];
        };
    };
    endSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session is over. */
            204: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["MalformedRequest"];
            /** @description `token-missing`: A session token is required. `token-invalid`: The session token is not valid. `token-expired`: The session token has expired. */
            401: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["RequestTimeout"];
            414: components["responses"]["AddressTooLong"];
            421: components["responses"]["HostNotAllowed"];
            /** @description `rate-limited`: Too many requests. `too-many-at-once`: Too many requests at the same time. */
            429: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            503: components["responses"]["StoreUnavailable"];
        };
    };
    statusBelowPrefix: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of it. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Status"];
                };
            };
            400: components["responses"]["MalformedRequest"];
            408: components["responses"]["RequestTimeout"];
            414: components["responses"]["AddressTooLong"];
            421: components["responses"]["HostNotAllowed"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
        };
    };
    analyst: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AnalystRequest"];
            };
        };
        responses: {
            /** @description How the question is read, and its SQL. */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    "X-Upstream-Request-Id": components["headers"]["X-Upstream-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AnalystAnswer"];
                    "text/event-stream": components["schemas"]["AnalystEvent"];
                };
            };
            /** @description `malformed-request`: The request is not valid HTTP. `malformed-json`: The request body is not valid JSON. */
            400: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `token-missing`: A session token is required. `token-invalid`: The session token is not valid. `token-expired`: The session token has expired. */
            401: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["UpstreamNotFound"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["BodyTooLarge"];
            414: components["responses"]["AddressTooLong"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["HostNotAllowed"];
            422: components["responses"]["InvalidRequest"];
            /** @description `rate-limited`: Too many requests. `too-many-at-once`: Too many requests at the same time. `too-many-streams`: Too many answers are streaming at once. `upstream-throttled`: Snowflake asks to slow down. */
            429: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            /** @description `upstream-unreachable`: Snowflake cannot be reached. `upstream-unauthorized`: Snowflake refused the proxy's credential. `upstream-forbidden`: Snowflake denies the proxy's role this agent. `upstream-rejected`: Snowflake rejected the request. `upstream-protocol`: Snowflake answered with something unexpected. `upstream-truncated`: The answer broke off. */
            502: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: The proxy's store does not answer. `upstream-unavailable`: Snowflake is not available. `upstream-suspended`: Calls to Snowflake are suspended after failures. `draining`: The proxy is shutting down. */
            503: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request-deadline`: The request took too long. `upstream-timeout`: Snowflake did not answer in time. `upstream-stalled`: The answer stopped arriving. */
            504: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    chart: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChartRequest"];
            };
        };
        responses: {
            /** @description The chart. */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChartAnswer"];
                };
            };
            /** @description `malformed-request`: The request is not valid HTTP. `malformed-json`: The request body is not valid JSON. */
            400: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `token-missing`: A session token is required. `token-invalid`: The session token is not valid. `token-expired`: The session token has expired. */
            401: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `result-not-found`: There is no such result. `upstream-not-found`: Snowflake does not find what was asked for. */
            404: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["BodyTooLarge"];
            414: components["responses"]["AddressTooLong"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["HostNotAllowed"];
            422: components["responses"]["InvalidRequest"];
            /** @description `rate-limited`: Too many requests. `too-many-at-once`: Too many requests at the same time. `upstream-throttled`: Snowflake asks to slow down. */
            429: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            /** @description `chart-invalid`: Snowflake answered with no chart that can be shown. `upstream-unreachable`: Snowflake cannot be reached. `upstream-unauthorized`: Snowflake refused the proxy's credential. `upstream-forbidden`: Snowflake denies the proxy's role this agent. `upstream-rejected`: Snowflake rejected the request. `upstream-protocol`: Snowflake answered with something unexpected. `upstream-error`: Snowflake reported an error in mid-answer. `upstream-truncated`: The answer broke off. */
            502: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: The proxy's store does not answer. `upstream-unavailable`: Snowflake is not available. `upstream-suspended`: Calls to Snowflake are suspended after failures. */
            503: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request-deadline`: The request took too long. `upstream-timeout`: Snowflake did not answer in time. `upstream-stalled`: The answer stopped arriving. */
            504: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    search: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SearchRequest"];
            };
        };
        responses: {
            /** @description What was found, best first. */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SearchAnswer"];
                };
            };
            /** @description `malformed-request`: The request is not valid HTTP. `malformed-json`: The request body is not valid JSON. */
            400: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `token-missing`: A session token is required. `token-invalid`: The session token is not valid. `token-expired`: The session token has expired. */
            401: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["UpstreamNotFound"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["BodyTooLarge"];
            414: components["responses"]["AddressTooLong"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["HostNotAllowed"];
            /** @description `invalid-request`: The request does not fit the API. `column-unknown`: The search service has no such column. */
            422: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate-limited`: Too many requests. `too-many-at-once`: Too many requests at the same time. `upstream-throttled`: Snowflake asks to slow down. */
            429: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            /** @description `upstream-unreachable`: Snowflake cannot be reached. `upstream-unauthorized`: Snowflake refused the proxy's credential. `upstream-forbidden`: Snowflake denies the proxy's role this agent. `upstream-rejected`: Snowflake rejected the request. `upstream-protocol`: Snowflake answered with something unexpected. `upstream-truncated`: The answer broke off. */
            502: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: The proxy's store does not answer. `upstream-unavailable`: Snowflake is not available. `upstream-suspended`: Calls to Snowflake are suspended after failures. */
            503: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request-deadline`: The request took too long. `upstream-timeout`: Snowflake did not answer in time. `upstream-stalled`: The answer stopped arriving. */
            504: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    sql: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SqlRequest"];
            };
        };
        responses: {
            /** @description The rows. */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SqlAnswer"];
                };
            };
            /** @description `malformed-request`: The request is not valid HTTP. `malformed-json`: The request body is not valid JSON. */
            400: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `token-missing`: A session token is required. `token-invalid`: The session token is not valid. `token-expired`: The session token has expired. */
            401: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["UpstreamNotFound"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["BodyTooLarge"];
            414: components["responses"]["AddressTooLong"];
            415: components["responses"]["UnsupportedMediaType"];
            421: components["responses"]["HostNotAllowed"];
            /** @description `invalid-request`: The request does not fit the API. `sql-refused`: Only one read-only statement is accepted. `sql-failed`: Snowflake could not run the statement. */
            422: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `rate-limited`: Too many requests. `too-many-at-once`: Too many requests at the same time. `upstream-throttled`: Snowflake asks to slow down. */
            429: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            /** @description `upstream-unreachable`: Snowflake cannot be reached. `upstream-unauthorized`: Snowflake refused the proxy's credential. `upstream-forbidden`: Snowflake denies the proxy's role this agent. `upstream-rejected`: Snowflake rejected the request. `upstream-protocol`: Snowflake answered with something unexpected. `upstream-truncated`: The answer broke off. */
            502: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `store-unavailable`: The proxy's store does not answer. `upstream-unavailable`: Snowflake is not available. `upstream-suspended`: Calls to Snowflake are suspended after failures. */
            503: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "Retry-After": components["headers"]["Retry-After"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `request-deadline`: The request took too long. `upstream-timeout`: Snowflake did not answer in time. `upstream-stalled`: The answer stopped arriving. */
            504: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    docs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page. */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description It is the one that `If-None-Match` names. */
            304: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["MalformedRequest"];
            408: components["responses"]["RequestTimeout"];
            414: components["responses"]["AddressTooLong"];
            421: components["responses"]["HostNotAllowed"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
        };
    };
    livez: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            400: components["responses"]["MalformedRequest"];
            408: components["responses"]["RequestTimeout"];
            414: components["responses"]["AddressTooLong"];
            421: components["responses"]["HostNotAllowed"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
        };
    };
    openapiDocument: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OpenAPI 3.1. */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, unknown>;
                };
            };
            /** @description It is the one that `If-None-Match` names. */
            304: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["MalformedRequest"];
            408: components["responses"]["RequestTimeout"];
            414: components["responses"]["AddressTooLong"];
            421: components["responses"]["HostNotAllowed"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
        };
    };
    readyz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It can. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            400: components["responses"]["MalformedRequest"];
            408: components["responses"]["RequestTimeout"];
            414: components["responses"]["AddressTooLong"];
            421: components["responses"]["HostNotAllowed"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
            /** @description It cannot; the failing checks say why. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    status: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of it. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    "X-Trace-Id": components["headers"]["X-Trace-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Status"];
                };
            };
            400: components["responses"]["MalformedRequest"];
            408: components["responses"]["RequestTimeout"];
            414: components["responses"]["AddressTooLong"];
            421: components["responses"]["HostNotAllowed"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["Internal"];
        };
    };
}
