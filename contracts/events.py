"""Every event of a stream, as the object that a client makes of its frame: its name as `event`, its data as `data`.

Payloads are tolerant of fields that Snowflake adds, and never of another type. A field is required where it always
comes; one that may be missing may be null as well. Where Snowflake's set of values is open, the type is text.

OpenAPI has no words for event streams. `ChatEvent` and `AnalystEvent`, the unions of both kinds of stream, are the form
that its generators understand.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, RootModel

from contracts.api import Problem, ProxyEnd, ProxyStart
from contracts.cortex import Event, RunMetadata, Wire
from contracts.examples import (
    ANSWER,
    CELLS,
    CHART,
    FOLLOW_UP,
    QUERY_ID,
    QUESTION,
    READING,
    SNOWFLAKE_ID,
    STATEMENT,
    TOOL_USE_ID,
    Examples,
    Shown,
)

CHART_SPEC = json.dumps(CHART)
SIGNATURE = "signed"
THOUGHT = "The user wants net sales per region, so I query the sales view."


class Told(Wire):
    """Base of what events carry."""

    model_config = ConfigDict(strict=True)


class Numbered(Told):
    """Base of an agent's payloads."""

    sequence_number: int | None = Field(default=None, description="counts the run's payloads from 1, ascending")


class Placed(Numbered):
    """Base of payloads that belong to one block of the answer."""

    content_index: int = Field(description="which block, by its place in the answer's `content`")


# --- parts ---------------------------------------------------------------------------------------------------------


class Annotation(Told):
    """A citation: of a document that was searched, or of a page on the web."""

    type: str = Field(description="`cortex_search_citation`, `web_search_citation`, or one to come")
    index: int | None = None
    search_result_id: str | None = None
    doc_id: str | None = None
    doc_title: str | None = None
    text: str | None = None
    source_url: str | None = Field(default=None, description="check it before it becomes a link")
    start_index: int | None = None
    end_index: int | None = None

    EXAMPLES: ClassVar[Examples] = {
        "A document": {
            "type": "cortex_search_citation",
            "index": 0,
            "search_result_id": "cs_2f0e8a34-6f0a-4a35-9a3e-8b7d9b0c1f42",
            "doc_id": "POL-7",
            "doc_title": "Refund policy",
            "text": "Refunds are possible within 30 days.",
        },
        "A page on the web": {
            "type": "web_search_citation",
            "start_index": 0,
            "end_index": 22,
            "source_url": "https://example.com/refunds",
            "text": "Refunds are possible within 30 days.",
        },
    }


class ToolCall(Told):
    """A tool that is called."""

    tool_use_id: str
    type: str
    name: str
    input: dict[str, Any] = Field(description="what the tool is given; its own affair")
    client_side_execute: bool | Literal["true", "false"] = Field(description="whether the client is to run it")

    EXAMPLES: ClassVar[Examples] = {
        "A query": {
            "tool_use_id": TOOL_USE_ID,
            "type": "system_execute_sql",
            "name": "system_execute_sql",
            "input": {"sql": STATEMENT},
            "client_side_execute": False,
        },
        "For the client, as the documentation's example has it": {
            "tool_use_id": "toolu_client01",
            "type": "generic",
            "name": "current_page",
            "input": {},
            "client_side_execute": "true",
        },
    }


class ToolContent(Told):
    """A piece of what a tool answered."""

    type: str = Field(description="`json`, `text`, or one to come")
    json_: dict[str, Any] | None = Field(default=None, alias="json", description="the tool's own affair")
    text: str | None = None

    EXAMPLES: ClassVar[Examples] = {
        "An object": {"type": "json", "json": {"query_id": QUERY_ID, "sql": STATEMENT}},
        "Text": {"type": "text", "text": "SQL compilation error: invalid identifier 'PRICE'"},
    }


class ToolAnswer(Told):
    """What a tool answered."""

    tool_use_id: str
    type: str
    name: str
    content: list[ToolContent]
    status: Literal["success", "error"]

    EXAMPLES: ClassVar[Examples] = {
        "A result": {
            "tool_use_id": TOOL_USE_ID,
            "type": "system_execute_sql",
            "name": "system_execute_sql",
            "content": [ToolContent.EXAMPLES["An object"]],
            "status": "success",
        },
        "A failure": {
            "tool_use_id": TOOL_USE_ID,
            "type": "system_execute_sql",
            "name": "system_execute_sql",
            "content": [ToolContent.EXAMPLES["Text"]],
            "status": "error",
        },
    }


class ResultColumn(Told):
    """A column of a result set."""

    name: str
    type: str = Field(description="Snowflake's, in upper or lower case")
    nullable: bool | None = None
    length: int | None = None
    precision: int | None = None
    scale: int | None = None

    EXAMPLES: ClassVar[Examples] = {
        "Text": {"name": "REGION", "type": "TEXT", "nullable": True, "length": 16, "precision": None, "scale": None},
        "A number": {"name": "NET_SALES", "type": "FIXED", "nullable": True, "length": 0, "precision": 18, "scale": 2},
    }


class ResultSetMetadata(Told):
    """What the rows of a result set are."""

    row_type: list[ResultColumn] = Field(alias="rowType")
    num_rows: int = Field(alias="numRows", description="rows of the whole result")
    format: str | None = None
    partition: int | None = None

    EXAMPLES: ClassVar[Examples] = {
        "Two columns": {
            "rowType": list(ResultColumn.EXAMPLES.values()),
            "numRows": 2,
            "format": "jsonv2",
            "partition": 0,
        }
    }


class ResultSet(Told):
    """Rows as the SQL API has them: every cell is text, null for NULL."""

    result_set_meta_data: ResultSetMetadata = Field(alias="resultSetMetaData")
    data: list[list[str | None]]
    statement_handle: str | None = Field(default=None, alias="statementHandle")

    EXAMPLES: ClassVar[Examples] = {
        "Two rows": {
            "resultSetMetaData": ResultSetMetadata.EXAMPLES["Two columns"],
            "data": CELLS,
            "statementHandle": QUERY_ID,
        },
        "A row with NULL": {
            "resultSetMetaData": {"rowType": list(ResultColumn.EXAMPLES.values()), "numRows": 1},
            "data": [["APAC", None]],
        },
    }


class TableBlock(Told):
    """Rows to be shown."""

    tool_use_id: str
    query_id: str
    result_set: ResultSet
    title: str | None = None

    EXAMPLES: ClassVar[Examples] = {
        "Two rows": {
            "tool_use_id": TOOL_USE_ID,
            "query_id": QUERY_ID,
            "result_set": ResultSet.EXAMPLES["Two rows"],
            "title": QUESTION,
        }
    }


class ChartBlock(Told):
    """A chart to be drawn."""

    tool_use_id: str
    chart_spec: str = Field(description="a Vega-Lite specification as JSON text; check it before it is drawn")

    EXAMPLES: ClassVar[Examples] = {"Bars": {"tool_use_id": "toolu_chart01", "chart_spec": CHART_SPEC}}


class SuggestedQuery(Told):
    """What could be asked next."""

    query: str

    EXAMPLES: ClassVar[Examples] = {"A question": {"query": FOLLOW_UP}}


class ThinkingBlock(Told):
    """What the agent thought."""

    text: str
    signature: str | None = None

    EXAMPLES: ClassVar[Examples] = {"A thought": {"text": THOUGHT, "signature": SIGNATURE}}


class AgentWarning(Numbered):
    """Something the user should know."""

    message: str
    code: str | None = None

    EXAMPLES: ClassVar[Examples] = {
        "A tool that may not be used": {
            "message": (
                "TOOL_NOT_ACCESSIBLE: sales_docs (cortex_search) - The Cortex Search Service does not exist or access "
                "is not authorized for the current role: CORTEX_BENCH_DB.SALES.SALES_DOCS_SVC"
            ),
            "code": "399569",
            "sequence_number": 3,
        }
    }


class ContentBlock(Told):
    """A block of the whole answer: it carries the field that its type names, but text has its own inline."""

    type: str = Field(description="the set is open: pass over what you do not know")
    text: str | None = None
    annotations: list[Annotation] | None = None
    is_elicitation: bool | None = None
    thinking: ThinkingBlock | None = None
    tool_use: ToolCall | None = None
    tool_result: ToolAnswer | None = None
    table: TableBlock | None = None
    chart: ChartBlock | None = None
    suggested_queries: list[SuggestedQuery] | None = None

    EXAMPLES: ClassVar[Examples] = {
        "Thinking": {"type": "thinking", "thinking": ThinkingBlock.EXAMPLES["A thought"]},
        "A call": {"type": "tool_use", "tool_use": ToolCall.EXAMPLES["A query"]},
        "A result": {"type": "tool_result", "tool_result": ToolAnswer.EXAMPLES["A result"]},
        "Rows": {"type": "table", "table": TableBlock.EXAMPLES["Two rows"]},
        "A chart": {"type": "chart", "chart": ChartBlock.EXAMPLES["Bars"]},
        "Text": {"type": "text", "text": ANSWER, "annotations": [], "is_elicitation": False},
        "Suggestions": {"type": "suggested_queries", "suggested_queries": [SuggestedQuery.EXAMPLES["A question"]]},
        "One to come": {"type": "map", "map": {"map_spec": "{}"}},
    }


class MessageIds(Told):
    """Ids of a message of the thread, and of the run that it belongs to."""

    role: Literal["user", "assistant"]
    message_id: int
    run_id: str

    EXAMPLES: ClassVar[Examples] = {
        "Of the question": {"role": "user", "message_id": 501, "run_id": "77-501"},
        "Of the answer": {"role": "assistant", "message_id": 502, "run_id": "77-501"},
    }


# --- an agent's payloads -------------------------------------------------------------------------------------------


class Metadata(Numbered):
    """Ids of one of the turn's two messages."""

    metadata: MessageIds

    EXAMPLES: ClassVar[Examples] = {
        name: {"metadata": ids, "sequence_number": number}
        for number, (name, ids) in enumerate(MessageIds.EXAMPLES.items(), start=1)
    }


class AgentStatus(Numbered):
    """What the agent is doing."""

    status: str
    message: str

    EXAMPLES: ClassVar[Examples] = {
        "Planning": {"status": "planning", "message": "Planning the next steps", "sequence_number": 2}
    }


class ThinkingDelta(Placed):
    """A piece of the agent's thinking."""

    text: str
    signature: str | None = None

    EXAMPLES: ClassVar[Examples] = {
        "A piece": {
            "content_index": 0,
            "text": "The user wants net sales",
            "signature": SIGNATURE,
            "sequence_number": 3,
        }
    }


class WholeThinking(Placed):
    """The whole of a block of thinking."""

    text: str
    signature: str | None = None

    EXAMPLES: ClassVar[Examples] = {
        "A thought": {"content_index": 0, "text": THOUGHT, "signature": SIGNATURE, "sequence_number": 5}
    }


class TextDelta(Placed):
    """A piece of the answer's text."""

    text: str
    is_elicitation: bool | None = Field(default=None, description="whether the agent asks back")

    EXAMPLES: ClassVar[Examples] = {
        "A piece": {
            "content_index": 5,
            "text": "EMEA leads with 1,250.50",
            "is_elicitation": False,
            "sequence_number": 18,
        }
    }


class TextAnnotation(Placed):
    """A citation within a block of text."""

    annotation_index: int
    annotation: Annotation

    EXAMPLES: ClassVar[Examples] = {
        name: {"content_index": 5, "annotation_index": 0, "annotation": annotation, "sequence_number": 19}
        for name, annotation in Annotation.EXAMPLES.items()
    }


class WholeText(Placed):
    """The whole of a block of text."""

    text: str
    annotations: list[Annotation] | None = None
    is_elicitation: bool | None = Field(default=None, description="whether the agent asks back")

    EXAMPLES: ClassVar[Examples] = {
        "With a citation": {
            "content_index": 5,
            "text": "Customers have 30 days.",
            "annotations": [Annotation.EXAMPLES["A document"]],
            "is_elicitation": False,
            "sequence_number": 20,
        }
    }


class ToolProgress(Numbered):
    """How far a tool is."""

    tool_use_id: str
    tool_type: str
    status: str = Field(description="free text")
    message: str | None = None

    EXAMPLES: ClassVar[Examples] = {
        "Running": {
            "tool_use_id": TOOL_USE_ID,
            "tool_type": "system_execute_sql",
            "status": "Executing SQL",
            "message": "Executing SQL",
            "sequence_number": 10,
        }
    }


class ToolUse(Placed, ToolCall):
    """A tool that is called, as a block of the answer."""

    EXAMPLES: ClassVar[Examples] = {
        name: {"content_index": 1, "sequence_number": 7, **call} for name, call in ToolCall.EXAMPLES.items()
    }


class AnalystToolDelta(Told):
    """What the analyst tool has found out; text grows, everything else comes whole."""

    text: str | None = None
    think: str | None = None
    sql: str | None = None
    sql_explanation: str | None = None
    query_id: str | None = None
    verified_query_used: bool | None = None
    result_set: ResultSet | None = None

    EXAMPLES: ClassVar[Examples] = {
        "Text": {"text": READING},
        "A thought": {"think": THOUGHT},
        "A statement": {"sql": STATEMENT, "sql_explanation": READING, "verified_query_used": False},
        "Rows": {"query_id": QUERY_ID, "result_set": ResultSet.EXAMPLES["Two rows"]},
    }


class AnalystToolProgress(Placed):
    """A piece of the analyst tool's answer."""

    tool_use_id: str
    tool_type: str
    tool_name: str
    delta: AnalystToolDelta

    EXAMPLES: ClassVar[Examples] = {
        "Text": {
            "content_index": 2,
            "tool_use_id": TOOL_USE_ID,
            "tool_type": "cortex_analyst_text_to_sql",
            "tool_name": "sales_analyst",
            "delta": AnalystToolDelta.EXAMPLES["Text"],
            "sequence_number": 8,
        }
    }


class ToolResult(Placed, ToolAnswer):
    """What a tool answered, as a block of the answer."""

    EXAMPLES: ClassVar[Examples] = {
        name: {"content_index": 2, "sequence_number": 11, **answer} for name, answer in ToolAnswer.EXAMPLES.items()
    }


class Table(Placed, TableBlock):
    """Rows, as a block of the answer."""

    EXAMPLES: ClassVar[Examples] = {
        "Two rows": {"content_index": 3, "sequence_number": 16, **TableBlock.EXAMPLES["Two rows"]}
    }


class Chart(Placed, ChartBlock):
    """A chart, as a block of the answer."""

    EXAMPLES: ClassVar[Examples] = {"Bars": {"content_index": 4, "sequence_number": 17, **ChartBlock.EXAMPLES["Bars"]}}


class SuggestedQueries(Placed):
    """What could be asked next, as a block of the answer."""

    suggested_queries: list[SuggestedQuery]

    EXAMPLES: ClassVar[Examples] = {
        "One question": {
            "content_index": 6,
            "suggested_queries": [SuggestedQuery.EXAMPLES["A question"]],
            "sequence_number": 21,
        }
    }


class AgentError(Numbered):
    """Snowflake's own error."""

    message: str
    code: str | None = Field(default=None, description="numeric")
    error_code: str | None = Field(default=None, description="the older name of `code`")
    request_id: str | None = None

    EXAMPLES: ClassVar[Examples] = {
        "A failed run": {
            "message": "Error during execution",
            "code": "399504",
            "error_code": "399504",
            "request_id": SNOWFLAKE_ID,
            "sequence_number": 2,
        }
    }


class FinalAnswer(Numbered):
    """The whole answer."""

    role: Literal["assistant"]
    content: list[ContentBlock]
    metadata: RunMetadata
    status: Literal["completed", "cancelled", "timed_out", "error"]
    warnings: list[AgentWarning] | None = None
    schema_version: str | None = None

    EXAMPLES: ClassVar[Examples] = {
        "A whole turn": {
            "role": "assistant",
            "content": [
                ContentBlock.EXAMPLES["Thinking"],
                ContentBlock.EXAMPLES["Rows"],
                ContentBlock.EXAMPLES["Text"],
            ],
            "metadata": RunMetadata.EXAMPLES["On a thread"],
            "status": "completed",
            "warnings": list(AgentWarning.EXAMPLES.values()),
            "schema_version": "v2",
            "sequence_number": 23,
        },
        "A turn that the user stopped": {
            "role": "assistant",
            "content": [{"type": "text", "text": "EMEA leads with"}],
            "metadata": {"usage": {"tokens_consumed": []}},
            "status": "cancelled",
        },
    }


class LegacyToolCall(Told):
    """A tool that an older agent calls."""

    tool_use_id: str
    name: str
    input: dict[str, Any] = Field(description="what the tool is given; its own affair")

    EXAMPLES: ClassVar[Examples] = {
        "A question to the analyst": {
            "tool_use_id": "tooluse_a1",
            "name": "sales_analyst",
            "input": {"model": "snowflake-hosted-semantic"},
        }
    }


class LegacyToolAnswer(Told):
    """What an older agent's tool answered."""

    tool_use_id: str
    name: str
    content: list[ToolContent]
    status: Literal["success", "error"]

    EXAMPLES: ClassVar[Examples] = {
        "A statement": {
            "tool_use_id": "tooluse_a1",
            "name": "sales_analyst",
            "content": [{"type": "json", "json": {"text": READING, "sql": STATEMENT}}],
            "status": "success",
        }
    }


class LegacyChart(Told):
    """An older agent's chart."""

    chart_spec: str = Field(description="a Vega-Lite specification as JSON text; check it before it is drawn")

    EXAMPLES: ClassVar[Examples] = {"Bars": {"chart_spec": CHART_SPEC}}


class LegacyItem(Told):
    """A piece of an older agent's answer: it carries the field that its type names."""

    type: str
    index: int | None = Field(default=None, description="does not tell the blocks apart")
    text: str | None = None
    tool_use: LegacyToolCall | None = None
    tool_results: LegacyToolAnswer | None = None
    chart: LegacyChart | None = None

    EXAMPLES: ClassVar[Examples] = {
        "Text": {"type": "text", "index": 0, "text": "Here is the query."},
        "A call": {"type": "tool_use", "index": 0, "tool_use": LegacyToolCall.EXAMPLES["A question to the analyst"]},
        "A result": {"type": "tool_results", "index": 0, "tool_results": LegacyToolAnswer.EXAMPLES["A statement"]},
        "A chart": {"type": "chart", "index": 0, "chart": LegacyChart.EXAMPLES["Bars"]},
    }


class LegacyContent(Told):
    """What an older agent's answer gains."""

    content: list[LegacyItem]

    EXAMPLES: ClassVar[Examples] = {name: {"content": [item]} for name, item in LegacyItem.EXAMPLES.items()}


class LegacyDelta(Told):
    """A piece of an older agent's answer."""

    id: str
    object: Literal["message.delta"]
    delta: LegacyContent

    EXAMPLES: ClassVar[Examples] = {
        name: {"id": "msg_001", "object": "message.delta", "delta": delta}
        for name, delta in LegacyContent.EXAMPLES.items()
    }


# --- Cortex Analyst's payloads -------------------------------------------------------------------------------------


class AnalystStatus(Told):
    """What Cortex Analyst is doing."""

    status: str
    status_message: str
    request_id: str | None = None

    EXAMPLES: ClassVar[Examples] = {
        "Interpreting": {
            "status": "interpreting_question",
            "status_message": "Interpreting question",
            "request_id": SNOWFLAKE_ID,
        }
    }


class VerifiedQuery(Told):
    """A query that somebody has verified for this question."""

    name: str
    question: str | None = None
    sql: str | None = None
    verified_at: int | None = Field(default=None, description="seconds since the epoch")
    verified_by: str | None = None

    EXAMPLES: ClassVar[Examples] = {
        "A query": {
            "name": "net_sales_by_region",
            "question": QUESTION,
            "sql": STATEMENT,
            "verified_at": 1767225600,
            "verified_by": "Mara Musterfrau",
        }
    }


class Confidence(Told):
    """Why a statement may be trusted."""

    verified_query_used: VerifiedQuery | None = None

    EXAMPLES: ClassVar[Examples] = {
        "Verified": {"verified_query_used": VerifiedQuery.EXAMPLES["A query"]},
        "Not verified": {"verified_query_used": None},
    }


class SuggestionDelta(Told):
    """A piece of the suggestion `index`."""

    index: int
    suggestion_delta: str

    EXAMPLES: ClassVar[Examples] = {"A piece": {"index": 0, "suggestion_delta": "Net sales by region"}}


class AnalystDelta(Told):
    """A piece of one block of the answer: it carries the field that fits its type."""

    index: int = Field(description="which block")
    type: str = Field(description="`text`, `sql`, `suggestions`, `chart`, or one to come")
    text_delta: str | None = None
    think_delta: str | None = None
    statement_delta: str | None = None
    confidence: Confidence | None = None
    suggestions_delta: SuggestionDelta | None = None
    chart_spec: str | None = None

    EXAMPLES: ClassVar[Examples] = {
        "Text": {"index": 0, "type": "text", "text_delta": "Net sales per region for 2025."},
        "A statement": {
            "index": 1,
            "type": "sql",
            "statement_delta": STATEMENT,
            "confidence": Confidence.EXAMPLES["Not verified"],
        },
        "A thought": {"index": 0, "type": "text", "think_delta": THOUGHT},
        "A chart": {"index": 2, "type": "chart", "chart_spec": CHART_SPEC},
        "A suggestion": {
            "index": 1,
            "type": "suggestions",
            "suggestions_delta": SuggestionDelta.EXAMPLES["A piece"],
        },
    }


class AnalystWarning(Told):
    """Something that the semantic view lacks."""

    message: str

    EXAMPLES: ClassVar[Examples] = {
        "A field that lacks": {"message": "The semantic view has no synonyms for 'turnover'."}
    }


class AnalystWarnings(Told):
    """What the semantic view lacks."""

    warnings: list[AnalystWarning]

    EXAMPLES: ClassVar[Examples] = {
        "None": {"warnings": []},
        "One": {"warnings": list(AnalystWarning.EXAMPLES.values())},
    }


class AnalystMetadata(Told):
    """How the answer was found."""

    model_names: list[str] | None = None
    question_category: str | None = None
    analyst_orchestration_path: str | None = None
    analyst_latency_ms: float | None = None
    is_semantic_sql: bool | None = None
    cortex_search_retrieval: list[dict[str, Any]] | None = Field(default=None, description="Snowflake's own affair")

    EXAMPLES: ClassVar[Examples] = {
        "A statement": {
            "model_names": ["claude-4-sonnet"],
            "question_category": "CLEAR_SQL",
            "analyst_orchestration_path": "regular_sqlgen",
            "analyst_latency_ms": 2310,
            "is_semantic_sql": False,
            "cortex_search_retrieval": [],
        }
    }


# --- events --------------------------------------------------------------------------------------------------------


def _data(annotation: Any) -> Examples:
    """Examples of what an event carries: a model, one of several, a literal, or anything."""
    if isinstance(annotation, type(Shown)):
        return annotation.examples()
    if get_origin(annotation) is Literal:
        return {"The end": get_args(annotation)[0]}
    return {name: value for each in get_args(annotation) for name, value in _data(each).items()} or {"Nothing": {}}


class Envelope(Shown):
    """Base of events: each shows the examples of its data."""

    model_config = ConfigDict(frozen=True, strict=True)

    @classmethod
    def examples(cls) -> Examples:
        """One for each example of the data, by the same name."""
        fields = cls.model_fields
        if "event" not in fields:
            return {}
        (name,) = get_args(fields["event"].annotation)
        return {about: {"event": name, "data": data} for about, data in _data(fields["data"].annotation).items()}


class ProxyStartEvent(Envelope):
    """The first frame of every stream."""

    event: Literal["proxy.start"]
    data: ProxyStart


class ProxyEndEvent(Envelope):
    """The last frame of every stream; without it the stream was cut."""

    event: Literal["proxy.end"]
    data: ProxyEnd


class ErrorEvent(Envelope):
    """Something failed.

    Snowflake's own error passes as it came, with a `message`; what it means for the turn follows as a problem, which
    has a `type`. Failures that only the proxy sees come as a problem alone.
    """

    event: Literal["error"]
    data: Problem | AgentError


class MetadataEvent(Envelope):
    """Ids of the run and its messages; on threads only, once for the user's and once for the assistant's."""

    event: Literal["metadata"]
    data: Metadata


class ResponseStatusEvent(Envelope):
    """What the agent is doing."""

    event: Literal["response.status"]
    data: AgentStatus


class ResponseThinkingDeltaEvent(Envelope):
    """A piece of its thinking."""

    event: Literal["response.thinking.delta"]
    data: ThinkingDelta


class ResponseThinkingEvent(Envelope):
    """The whole of that thinking."""

    event: Literal["response.thinking"]
    data: WholeThinking


class ResponseTextDeltaEvent(Envelope):
    """A piece of the answer's text."""

    event: Literal["response.text.delta"]
    data: TextDelta


class ResponseTextAnnotationEvent(Envelope):
    """A citation."""

    event: Literal["response.text.annotation"]
    data: TextAnnotation


class ResponseTextEvent(Envelope):
    """The whole of that text, with its annotations."""

    event: Literal["response.text"]
    data: WholeText


class ResponseToolUseStatusEvent(Envelope):
    """How far a call is that is being prepared; comes before the call."""

    event: Literal["response.tool_use.status"]
    data: ToolProgress


class ResponseToolUseEvent(Envelope):
    """A tool is called; with `client_side_execute` the client is to run it."""

    event: Literal["response.tool_use"]
    data: ToolUse


class ResponseToolResultStatusEvent(Envelope):
    """How far a tool is."""

    event: Literal["response.tool_result.status"]
    data: ToolProgress


class ResponseToolResultAnalystDeltaEvent(Envelope):
    """A piece of what the analyst tool answers; from servers of before April 2026."""

    event: Literal["response.tool_result.analyst.delta"]
    data: AnalystToolProgress


class ResponseToolResultEvent(Envelope):
    """What a tool answered."""

    event: Literal["response.tool_result"]
    data: ToolResult


class ResponseTableEvent(Envelope):
    """Rows."""

    event: Literal["response.table"]
    data: Table


class ResponseChartEvent(Envelope):
    """A chart."""

    event: Literal["response.chart"]
    data: Chart


class ResponseSuggestedQueriesEvent(Envelope):
    """What could be asked next."""

    event: Literal["response.suggested_queries"]
    data: SuggestedQueries


class ResponseWarningEvent(Envelope):
    """Something the user should know."""

    event: Literal["response.warning"]
    data: AgentWarning


class ResponseEvent(Envelope):
    """The whole answer once more, with what it cost."""

    event: Literal["response"]
    data: FinalAnswer


class DoneEvent(Envelope):
    """Snowflake has said everything. Its data is no JSON."""

    event: Literal["done"]
    data: Literal["[DONE]"]


class MessageDeltaEvent(Envelope):
    """A piece of an answer in the form of older agents."""

    event: Literal["message.delta"]
    data: LegacyDelta


class StatusEvent(Envelope):
    """What Cortex Analyst is doing."""

    event: Literal["status"]
    data: AnalystStatus


class MessageContentDeltaEvent(Envelope):
    """A piece of the answer."""

    event: Literal["message.content.delta"]
    data: AnalystDelta


class WarningsEvent(Envelope):
    """What the semantic view lacks."""

    event: Literal["warnings"]
    data: AnalystWarnings


class ResponseMetadataEvent(Envelope):
    """How the answer was found."""

    event: Literal["response_metadata"]
    data: AnalystMetadata


class AnalystDoneEvent(Envelope):
    """Cortex Analyst has said everything."""

    event: Literal["done"]
    data: Any = Field(description="of no fixed form: `{}`, `[DONE]` and nothing at all have been seen")


class ChatEvent(
    Shown,
    RootModel[
        Annotated[
            ProxyStartEvent
            | ProxyEndEvent
            | ErrorEvent
            | MetadataEvent
            | ResponseStatusEvent
            | ResponseThinkingDeltaEvent
            | ResponseThinkingEvent
            | ResponseTextDeltaEvent
            | ResponseTextAnnotationEvent
            | ResponseTextEvent
            | ResponseToolUseStatusEvent
            | ResponseToolUseEvent
            | ResponseToolResultStatusEvent
            | ResponseToolResultAnalystDeltaEvent
            | ResponseToolResultEvent
            | ResponseTableEvent
            | ResponseChartEvent
            | ResponseSuggestedQueriesEvent
            | ResponseWarningEvent
            | ResponseEvent
            | DoneEvent
            | MessageDeltaEvent,
            Field(discriminator="event"),
        ]
    ],
):
    """One event of a chat stream, in the order `proxy.start`, Snowflake's, `proxy.end`.

    The set is open: Snowflake adds events without notice, they pass unchanged, and a client must ignore the names that
    it does not know before it looks into this union.
    """

    EXAMPLES: ClassVar[Examples] = {
        "The first": ProxyStartEvent.examples()["A turn of a thread"],
        "A piece of text": ResponseTextDeltaEvent.examples()["A piece"],
        "A problem": ErrorEvent.examples()["A stream that was cut"],
        "The last": ProxyEndEvent.examples()["Completed"],
    }


class AnalystEvent(
    Shown,
    RootModel[
        Annotated[
            ProxyStartEvent
            | ProxyEndEvent
            | ErrorEvent
            | StatusEvent
            | MessageContentDeltaEvent
            | WarningsEvent
            | ResponseMetadataEvent
            | AnalystDoneEvent,
            Field(discriminator="event"),
        ]
    ],
):
    """One event of Cortex Analyst's stream, framed by the proxy's own.

    The set is open: Snowflake adds events without notice, they pass unchanged, and a client must ignore the names that
    it does not know before it looks into this union.
    """

    EXAMPLES: ClassVar[Examples] = {
        "The first": ProxyStartEvent.examples()["A turn of its own"],
        "A statement": MessageContentDeltaEvent.examples()["A statement"],
        "The last": ProxyEndEvent.examples()["Completed"],
    }


def _members(union: type[RootModel[Any]]) -> Mapping[str, type[Envelope]]:
    members = get_args(union.model_fields["root"].annotation)
    return {get_args(each.model_fields["event"].annotation)[0]: each for each in members}


def _payloads(members: Mapping[str, type[Envelope]]) -> Mapping[str, type[BaseModel]]:
    """Those that are one model each."""
    found: Iterable[tuple[str, Any]] = ((name, each.model_fields["data"].annotation) for name, each in members.items())
    return {name: payload for name, payload in found if isinstance(payload, type(BaseModel))}


ENVELOPES = _members(ChatEvent)
"""Events of chat streams by name."""

ANALYST_ENVELOPES = _members(AnalystEvent)
"""Events of Cortex Analyst's streams by name."""

EVENTS = {**_payloads(ENVELOPES), Event.ERROR: AgentError}
"""Payloads of chat streams by name, where they are objects: `done` is none. An error may as well be a `Problem`."""

ANALYST_EVENTS = {**_payloads(ANALYST_ENVELOPES), Event.ERROR: AgentError}
"""Payloads of Cortex Analyst's streams by name; its `done` has no fixed form."""
