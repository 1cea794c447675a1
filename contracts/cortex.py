"""The part of Snowflake Cortex's wire that the proxy relies on and the mock plays.

Payload models are tolerant (`extra="allow"`): Snowflake adds fields and event names without notice, and clients must
ignore what they do not know. Built from public material only; the statements behind it, and how sure each of them is,
are listed in `docs/cortex-wire.md`.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from contracts.examples import Examples, Shown

EVENT_STREAM = "text/event-stream"
"""The exact content type of a run: two official clients compare the whole value, so no charset may follow."""

DONE = "[DONE]"
"""Data of the last frame (`event: done`). It is not JSON."""

REQUEST_ID_HEADER = "X-Snowflake-Request-Id"
TOKEN_TYPE_HEADER = "X-Snowflake-Authorization-Token-Type"
ROLE_HEADER = "X-Snowflake-Role"
WAREHOUSE_HEADER = "X-Snowflake-Warehouse"

INLINE_RUN_PATH = "/api/v2/cortex/agent:run"
THREADS_PATH = "/api/v2/cortex/threads"
RUNS_PATH = "/api/v2/cortex/agent/runs"
COMPACT_PATH = "/api/v2/cortex/agent:compact"


def agent_run_path(database: str, schema: str, agent: str) -> str:
    """Path of a stored agent's run endpoint; the parts are identifiers, already checked."""
    return f"/api/v2/databases/{database}/schemas/{schema}/agents/{agent}:run"


def agent_version_run_path(database: str, schema: str, agent: str, version: str) -> str:
    """Path of the run endpoint of one version; the parts are identifiers, already checked."""
    return f"/api/v2/databases/{database}/schemas/{schema}/agents/{agent}/versions/{version}:run"


def search_query_path(database: str, schema: str, service: str) -> str:
    """Path of a search service's query endpoint; the parts are identifiers, already checked."""
    return f"/api/v2/databases/{database}/schemas/{schema}/cortex-search-services/{service}:query"


ANALYST_PATH = "/api/v2/cortex/analyst/message"
STATEMENTS_PATH = "/api/v2/statements"


CODE = re.compile(r"[0-9]{1,12}")
"""The form of Snowflake's error codes."""


class TokenType(StrEnum):
    """Values of `X-Snowflake-Authorization-Token-Type`."""

    KEYPAIR_JWT = "KEYPAIR_JWT"
    OAUTH = "OAUTH"
    PAT = "PROGRAMMATIC_ACCESS_TOKEN"
    WORKLOAD_IDENTITY = "WORKLOAD_IDENTITY_FEDERATION"


class Event(StrEnum):
    """Event names of a run's stream. The set is open: others may arrive and must pass."""

    METADATA = "metadata"
    STATUS = "response.status"
    THINKING_DELTA = "response.thinking.delta"
    THINKING = "response.thinking"
    TEXT_DELTA = "response.text.delta"
    TEXT_ANNOTATION = "response.text.annotation"
    TEXT = "response.text"
    TOOL_USE_STATUS = "response.tool_use.status"
    TOOL_USE = "response.tool_use"
    TOOL_RESULT_STATUS = "response.tool_result.status"
    TOOL_RESULT_ANALYST_DELTA = "response.tool_result.analyst.delta"
    TOOL_RESULT = "response.tool_result"
    TABLE = "response.table"
    CHART = "response.chart"
    SUGGESTED_QUERIES = "response.suggested_queries"
    WARNING = "response.warning"
    ERROR = "error"
    RESPONSE = "response"
    DONE = "done"
    LEGACY_DELTA = "message.delta"


class AnalystEventName(StrEnum):
    """Event names of Cortex Analyst's stream, which is an open set as well."""

    STATUS = "status"
    CONTENT_DELTA = "message.content.delta"
    WARNINGS = "warnings"
    METADATA = "response_metadata"
    ERROR = "error"
    DONE = "done"


TERMINAL_EVENTS = frozenset({Event.RESPONSE, Event.ERROR, Event.DONE})
"""A stream that ended without any of these was cut."""


class Code(StrEnum):
    """Snowflake's numeric error codes, as strings, that the mock answers with or the proxy maps."""

    NO_AUTHORIZATION = "390101"
    LOGIN_AGAIN = "390104"
    SESSION_GONE = "390111"
    LOGIN_EXPIRED = "390112"
    AUTHENTICATOR_REFUSED = "390139"
    INVALID_PAYLOAD = "390142"
    INVALID_JWT = "390144"
    ROLE_NOT_GRANTED = "390189"
    WAREHOUSE_NOT_AUTHORIZED = "390201"
    INVALID_OAUTH = "390303"
    OAUTH_EXPIRED = "390318"
    NETWORK_BLOCKED = "390422"
    NETWORK_POLICY_REQUIRED = "390432"
    TOO_MANY_REQUESTS = "390505"
    INVALID_PAT = "394400"
    TOOL_NOT_ACCESSIBLE = "399569"
    EXECUTION_ERROR = "399504"
    INTERNAL_ERROR = "399505"
    ALREADY_EXISTS = "002002"
    NOT_FOUND = "002003"


LOGIN_AGAIN_CODES = frozenset(
    "390100 390103 390104 390111 390112 390114 390195 390303 390318 394400 394401 394402 394407 407002".split()  # noqa: SIM905 - one line reads better than fourteen
)
"""A 200 or 403 JSON body with one of these codes means: log in again (source: Snowflake's Agent SDK 0.0.3)."""


class Wire(Shown):
    """Base of everything Snowflake sends or accepts: unknown fields pass."""

    model_config = ConfigDict(extra="allow", frozen=True)


class ErrorBody(Wire):
    """Body of an unsuccessful answer and data of an `error` event. Readers take `code`, then `error_code`.

    A code that came as a number is one all the same.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    message: str | None = ""
    code: str | None = None
    error_code: str | None = None
    request_id: str | None = None

    @property
    def any_code(self) -> str | None:
        """The numeric code, wherever the server put it; free text in its place is none."""
        return next((each for each in (self.code, self.error_code) if each and CODE.fullmatch(each)), None)


class ToolResult(Wire):
    """What a tool answered; a client sends one for a client-side tool.

    `type`: servers were seen to insist on it in 2025; Snowflake's Agent SDK 0.0.3 leaves it out, so it may be absent.
    """

    tool_use_id: str
    type: str | None = None
    name: str
    content: list[dict[str, Any]]
    status: Literal["success", "error"] = "success"


class ContentItem(Wire):
    """One block of a message: `{"type": T, T: {...}}`, except text, whose fields are inline."""

    type: str
    text: str | None = None
    tool_result: ToolResult | None = None
    tool_results: dict[str, Any] | None = None
    permission_decision: dict[str, Any] | None = None


class Message(Wire):
    """One turn of a conversation."""

    role: str = "user"
    content: list[ContentItem] = Field(default_factory=list)


class ToolChoice(Wire):
    """Which tools the agent may or must use."""

    type: Literal["auto", "required", "tool", "exclude"] = "auto"
    name: list[str] | None = None


class SkillChoice(Wire):
    """Which skills the agent may or must use."""

    type: Literal["auto", "required"] = "auto"
    name: list[str] | None = None


class Variable(Wire):
    """A value that a run may use."""

    value: Any = None
    type: Literal["string", "number", "integer", "boolean", "object", "array"] | None = None


class AgentModels(Wire):
    """The models of an inline agent; absent: the server chooses."""

    orchestration: str | None = None


class Orchestration(Wire):
    """How an inline agent works. tool_not_accessible: accept, reject or legacy, in any case."""

    tool_not_accessible: str | None = None


class RunRequest(Wire):
    """Body of the run endpoints. Only `messages` is required; explicit nulls are tolerated.

    `stream` decides the form of the answer, never the `Accept` header. A top-level `model` selects the legacy schema.
    `models`, `instructions` and `orchestration` belong to inline runs.
    """

    messages: list[Message] = Field(min_length=1)
    thread_id: int | None = None
    parent_message_id: int | None = None
    stream: bool | None = None
    background: bool | None = None
    tool_choice: ToolChoice | None = None
    skill_choice: SkillChoice | None = None
    variables: dict[str, Variable] | None = None
    model: str | None = None
    models: AgentModels | None = None
    instructions: dict[str, Any] | str | None = None
    orchestration: Orchestration | None = None

    @property
    def wants_stream(self) -> bool:
        """Streaming is the default, also for an explicit null."""
        return self.stream is not False

    def last_user_text(self) -> str | None:
        """Text of the last user message, its text items joined by a newline; None when it has no text."""
        for message in reversed(self.messages):
            if message.role == "user":
                texts = [item.text for item in message.content if item.type == "text" and item.text is not None]
                return "\n".join(texts) if texts else None
        return None

    def answered_tool_use_id(self) -> str | None:
        """`tool_use_id` of the call that the last message answers, with a client-side tool's result or a permission."""
        for item in self.messages[-1].content:
            if item.tool_result is not None:
                return item.tool_result.tool_use_id
            answer = item.tool_results or item.permission_decision
            if answer is not None:
                use_id = answer.get("tool_use_id")
                return use_id if isinstance(use_id, str) else None
        return None


class Thread(Wire):
    """A thread's metadata; only the id is relied on. Times are milliseconds since the epoch.

    status: IDLE, IN_PROGRESS while a run is under way, WAITING_FOR_INPUT when the last answer calls a client-side tool.
    """

    thread_id: int = Field(ge=1)
    thread_name: str = ""
    origin_application: str = ""
    created_on: int = 0
    updated_on: int = 0
    external_id: int | None = None
    status: Literal["IDLE", "IN_PROGRESS", "WAITING_FOR_INPUT"] | None = None
    last_message_id: int | None = None
    last_read_message_id: int | None = None
    metadata: dict[str, Any] | None = None


class ThreadRequest(Wire):
    """Body of thread creation; `origin_application` has at most 16 bytes, `metadata` at most 1 KB."""

    origin_application: str | None = None
    external_id: int | None = None
    metadata: dict[str, Any] | None = None


class ThreadUpdate(Wire):
    """Body of a thread's update: what is absent stays."""

    thread_name: str | None = None
    metadata: dict[str, Any] | None = None
    last_read_message_id: int | None = None


class ThreadSearch(Wire):
    """Body of a search among threads."""

    query: str
    limit: int = Field(default=10, ge=1, le=100)
    query_type: Literal["FUZZY", "REGEX"] = "FUZZY"


class ThreadMessage(Wire):
    """One stored message. message_payload: JSON text of the stored turn.   parent_id: None for the first."""

    message_id: int
    parent_id: int | None
    created_on: int
    role: Literal["user", "assistant"]
    message_payload: str
    request_id: str | None = None
    message_type: Literal["conversation", "compaction"] = "conversation"
    agent: dict[str, str] | None = None


class InputTokens(Wire):
    """`cache_read` and `cache_write` are parts of `total`, not additions to it."""

    total: int = 0
    cache_read: int = 0
    cache_write: int = 0
    uncached: int = 0

    EXAMPLES: ClassVar[Examples] = {
        "Of one model": {"total": 5100, "cache_read": 1200, "cache_write": 0, "uncached": 3900}
    }


class OutputTokens(Wire):
    total: int = 0

    EXAMPLES: ClassVar[Examples] = {"Of one model": {"total": 420}}


class TokensConsumed(Wire):
    """One entry of `metadata.usage.tokens_consumed`."""

    model_name: str = ""
    input_tokens: InputTokens = Field(default_factory=InputTokens)
    output_tokens: OutputTokens = Field(default_factory=OutputTokens)
    context_window: int | None = None

    EXAMPLES: ClassVar[Examples] = {
        "Of one model": {
            "model_name": "claude-sonnet-4-6",
            "context_window": 200000,
            "input_tokens": InputTokens.EXAMPLES["Of one model"],
            "output_tokens": OutputTokens.EXAMPLES["Of one model"],
        }
    }


class Usage(Wire):
    tokens_consumed: list[TokensConsumed] = Field(default_factory=list)

    EXAMPLES: ClassVar[Examples] = {"One model": {"tokens_consumed": list(TokensConsumed.EXAMPLES.values())}}


class RunMetadata(Wire):
    """`metadata` of the final object; the ids are present on threaded runs only."""

    usage: Usage = Field(default_factory=Usage)
    run_id: str | None = None
    thread_id: int | None = None
    user_message_id: int | None = None
    assistant_message_id: int | None = None

    EXAMPLES: ClassVar[Examples] = {
        "On a thread": {
            "usage": Usage.EXAMPLES["One model"],
            "run_id": "77-501",
            "thread_id": 77,
            "user_message_id": 501,
            "assistant_message_id": 502,
        },
        "Without a thread": {"usage": {"tokens_consumed": []}},
    }


class FinalResponse(Wire):
    """Data of the `response` event, and the whole body when `stream` is false."""

    role: str = "assistant"
    content: list[dict[str, Any]] = Field(default_factory=list)
    metadata: RunMetadata = Field(default_factory=RunMetadata)
    status: str = "completed"
