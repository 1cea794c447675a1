"""Every event of a stream, as the object that a client makes of its frame: its name as `event`, its data as `data`.

Payloads are tolerant of fields that Snowflake adds, and never of another type. A field is required where it always
comes; one that may be missing may be null as well. Where Snowflake's set of values is open, the type is text.

OpenAPI has no words for event streams. `ChatEvent` and `AnalystEvent`, the unions of both kinds of stream, are the form
that its generators understand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, RootModel

from contracts.api import Problem, ProxyEnd, ProxyStart
from contracts.cortex import Event, RunMetadata, Wire
from contracts.shown import Shown


class Told(Shown, Wire):
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


class ToolCall(Told):
    """A tool that is called."""

    tool_use_id: str
    type: str
    name: str
    input: dict[str, Any] = Field(description="what the tool is given; its own affair")
    client_side_execute: bool | Literal["true", "false"] = Field(description="whether the client is to run it")


class ToolContent(Told):
    """A piece of what a tool answered."""

    type: str = Field(description="`json`, `text`, or one to come")
    json_: dict[str, Any] | None = Field(default=None, alias="json", description="the tool's own affair")
    text: str | None = None


class ToolAnswer(Told):
    """What a tool answered."""

    tool_use_id: str
    type: str
    name: str
    content: list[ToolContent]
    status: Literal["success", "error"]


class ResultColumn(Told):
    """A column of a result set."""

    name: str
    type: str = Field(description="Snowflake's, in upper or lower case")
    nullable: bool | None = None
    length: int | None = None
    precision: int | None = None
    scale: int | None = None


class ResultSetMetadata(Told):
    """What the rows of a result set are."""

    row_type: list[ResultColumn] = Field(alias="rowType")
    num_rows: int = Field(alias="numRows", description="rows of the whole result")
    format: str | None = None
    partition: int | None = None


class ResultSet(Told):
    """Rows as the SQL API has them: every cell is text, null for NULL."""

    result_set_meta_data: ResultSetMetadata = Field(alias="resultSetMetaData")
    data: list[list[str | None]]
    statement_handle: str | None = Field(default=None, alias="statementHandle")


class TableBlock(Told):
    """Rows to be shown."""

    tool_use_id: str
    query_id: str
    result_set: ResultSet
    title: str | None = None


class ChartBlock(Told):
    """A chart to be drawn."""

    tool_use_id: str
    chart_spec: str = Field(description="a Vega-Lite specification as JSON text; check it before it is drawn")


class SuggestedQuery(Told):
    """What could be asked next."""

    query: str


class ThinkingBlock(Told):
    """What the agent thought."""

    text: str
    signature: str | None = None


class AgentWarning(Numbered):
    """Something the user should know."""

    message: str
    code: str | None = None


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


class MessageIds(Told):
    """Ids of a message of the thread, and of the run that it belongs to."""

    role: Literal["user", "assistant"]
    message_id: int
    run_id: str


# --- an agent's payloads -------------------------------------------------------------------------------------------


class Metadata(Numbered):
    """Ids of one of the turn's two messages."""

    metadata: MessageIds


class AgentStatus(Numbered):
    """What the agent is doing."""

    status: str
    message: str


class ThinkingDelta(Placed):
    """A piece of the agent's thinking."""

    text: str
    signature: str | None = None


class WholeThinking(Placed):
    """The whole of a block of thinking."""

    text: str
    signature: str | None = None


class TextDelta(Placed):
    """A piece of the answer's text."""

    text: str
    is_elicitation: bool | None = Field(default=None, description="whether the agent asks back")


class TextAnnotation(Placed):
    """A citation within a block of text."""

    annotation_index: int
    annotation: Annotation


class WholeText(Placed):
    """The whole of a block of text."""

    text: str
    annotations: list[Annotation] | None = None
    is_elicitation: bool | None = Field(default=None, description="whether the agent asks back")


class ToolProgress(Numbered):
    """How far a tool is."""

    tool_use_id: str
    tool_type: str
    status: str = Field(description="free text")
    message: str | None = None


class ToolUse(Placed, ToolCall):
    """A tool that is called, as a block of the answer."""


class AnalystToolDelta(Told):
    """What the analyst tool has found out; text grows, everything else comes whole."""

    text: str | None = None
    think: str | None = None
    sql: str | None = None
    sql_explanation: str | None = None
    query_id: str | None = None
    verified_query_used: bool | None = None
    result_set: ResultSet | None = None


class AnalystToolProgress(Placed):
    """A piece of the analyst tool's answer."""

    tool_use_id: str
    tool_type: str
    tool_name: str
    delta: AnalystToolDelta


class ToolResult(Placed, ToolAnswer):
    """What a tool answered, as a block of the answer."""


class Table(Placed, TableBlock):
    """Rows, as a block of the answer."""


class Chart(Placed, ChartBlock):
    """A chart, as a block of the answer."""


class SuggestedQueries(Placed):
    """What could be asked next, as a block of the answer."""

    suggested_queries: list[SuggestedQuery]


class AgentError(Numbered):
    """Snowflake's own error."""

    message: str
    code: str | None = Field(default=None, description="numeric")
    error_code: str | None = Field(default=None, description="the older name of `code`")
    request_id: str | None = None


class FinalAnswer(Numbered):
    """The whole answer."""

    role: Literal["assistant"]
    content: list[ContentBlock]
    metadata: RunMetadata
    status: Literal["completed", "cancelled", "timed_out", "error"]
    warnings: list[AgentWarning] | None = None
    schema_version: str | None = None


class LegacyToolCall(Told):
    """A tool that an older agent calls."""

    tool_use_id: str
    name: str
    input: dict[str, Any] = Field(description="what the tool is given; its own affair")


class LegacyToolAnswer(Told):
    """What an older agent's tool answered."""

    tool_use_id: str
    name: str
    content: list[ToolContent]
    status: Literal["success", "error"]


class LegacyChart(Told):
    """An older agent's chart."""

    chart_spec: str = Field(description="a Vega-Lite specification as JSON text; check it before it is drawn")


class LegacyItem(Told):
    """A piece of an older agent's answer: it carries the field that its type names."""

    type: str
    index: int | None = Field(default=None, description="does not tell the blocks apart")
    text: str | None = None
    tool_use: LegacyToolCall | None = None
    tool_results: LegacyToolAnswer | None = None
    chart: LegacyChart | None = None


class LegacyContent(Told):
    """What an older agent's answer gains."""

    content: list[LegacyItem]


class LegacyDelta(Told):
    """A piece of an older agent's answer."""

    id: str
    object: Literal["message.delta"]
    delta: LegacyContent


# --- Cortex Analyst's payloads -------------------------------------------------------------------------------------


class AnalystStatus(Told):
    """What Cortex Analyst is doing."""

    status: str
    status_message: str
    request_id: str | None = None


class VerifiedQuery(Told):
    """A query that somebody has verified for this question."""

    name: str
    question: str | None = None
    sql: str | None = None
    verified_at: int | None = Field(default=None, description="seconds since the epoch")
    verified_by: str | None = None


class Confidence(Told):
    """Why a statement may be trusted."""

    verified_query_used: VerifiedQuery | None = None


class SuggestionDelta(Told):
    """A piece of the suggestion `index`."""

    index: int
    suggestion_delta: str


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


class AnalystWarning(Told):
    """Something that the semantic view lacks."""

    message: str


class AnalystWarnings(Told):
    """What the semantic view lacks."""

    warnings: list[AnalystWarning]


class AnalystMetadata(Told):
    """How the answer was found."""

    model_names: list[str] | None = None
    question_category: str | None = None
    analyst_orchestration_path: str | None = None
    analyst_latency_ms: float | None = None
    is_semantic_sql: bool | None = None
    cortex_search_retrieval: list[dict[str, Any]] | None = Field(default=None, description="Snowflake's own affair")


# --- events --------------------------------------------------------------------------------------------------------


class Envelope(Shown):
    """Base of events."""

    model_config = ConfigDict(frozen=True, strict=True)


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
