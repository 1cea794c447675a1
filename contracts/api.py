"""The client API under `/api/v1`: requests, responses, the proxy's own stream events and its problem types.

JSON is camelCase. Requests refuse unknown fields. Errors are `application/problem+json` (RFC 9457); once a stream has
begun the same object travels as the data of `event: error`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic.alias_generators import to_camel

PREFIX = "/api/v1"
PROBLEM_JSON = "application/problem+json"

MAX_MESSAGE_CHARS = 16_000
"""Longest question, in characters."""

MAX_TOOL_RESULT_ITEMS = 20

MAX_ID = 2**53 - 1
"""Largest thread or message id: what a browser can hold in a number."""


class Api(BaseModel):
    """Base of what the proxy sends: camelCase on the wire, immutable in Python."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, frozen=True, serialize_by_alias=True
    )


class ApiRequest(Api):
    """Base of what clients send: additionally, unknown fields are errors and types are not coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, validate_by_name=False)


# --- session -------------------------------------------------------------------------------------------------------


class TokenRequest(ApiRequest):
    """Body of `POST /session/token`; empty today. A still valid token in `Authorization` asks for a refresh."""


class SessionToken(Api):
    """A session token. `expires_at` ends the token, `session_expires_at` ends every refresh of it."""

    token: str = Field(repr=False, examples=["eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"])
    token_type: Literal["Bearer"] = "Bearer"
    session_id: str = Field(examples=["6b0f1f0e6a144a559d0e3a7a2f1d5c77"])
    expires_at: datetime
    expires_in_s: int = Field(examples=[300])
    session_expires_at: datetime


# --- chat ----------------------------------------------------------------------------------------------------------


class ToolResultContent(ApiRequest):
    """One item of a client-side tool's answer."""

    type: Literal["json", "text"]
    json_: dict[str, Any] | list[Any] | None = Field(default=None, alias="json")
    text: Annotated[str, Field(max_length=MAX_MESSAGE_CHARS)] | None = None

    @model_validator(mode="after")
    def _carries_what_its_type_says(self) -> ToolResultContent:
        value = self.json_ if self.type == "json" else self.text
        other = self.text if self.type == "json" else self.json_
        if value is None or other is not None:
            raise ValueError(f"an item of type {self.type!r} carries exactly the field {self.type!r}")
        return self


class ClientToolResult(ApiRequest):
    """The page's answer to a tool call that the agent asked the client to run."""

    tool_use_id: Annotated[str, Field(min_length=1, max_length=128)]
    type: Annotated[str, Field(min_length=1, max_length=128)]
    name: Annotated[str, Field(min_length=1, max_length=128)]
    status: Literal["success", "error"] = "success"
    content: Annotated[list[ToolResultContent], Field(min_length=1, max_length=MAX_TOOL_RESULT_ITEMS)]


class ToolResultMessage(ApiRequest):
    """A message that answers a client-side tool instead of asking something."""

    tool_result: ClientToolResult


def _kind_of_message(value: Any) -> str | None:
    if isinstance(value, str):
        return "question"
    return "answer" if isinstance(value, dict | ToolResultMessage) else None


Message = Annotated[
    Annotated[str, Field(min_length=1, max_length=MAX_MESSAGE_CHARS), Tag("question")]
    | Annotated[ToolResultMessage, Tag("answer")],
    Discriminator(
        _kind_of_message,
        custom_error_type="message_type",
        custom_error_message="Input should be a string or an object with toolResult",
    ),
]
"""A question, or the answer to a client-side tool."""


class ChatToolChoice(ApiRequest):
    """`tool` needs the names it may choose from."""

    type: Literal["auto", "required", "tool"] = "auto"
    name: Annotated[list[Annotated[str, Field(min_length=1, max_length=128)]], Field(max_length=20)] | None = None


class ChatRequest(ApiRequest):
    """One turn.

    Threads: with `threadId` and `parentMessageId` the turn continues that thread; with `parentMessageId` 0 alone the
    proxy opens a thread first and names it in `proxy.start`; with neither the turn stands alone.
    """

    session_id: Annotated[str, Field(min_length=1, max_length=64)]
    message: Message
    thread_id: Annotated[int, Field(ge=1, le=MAX_ID)] | None = None
    parent_message_id: Annotated[int, Field(ge=0, le=MAX_ID)] | None = None
    tool_choice: ChatToolChoice | None = None

    @model_validator(mode="after")
    def _thread_and_parent_go_together(self) -> ChatRequest:
        if self.thread_id is not None and self.parent_message_id is None:
            raise ValueError(
                "threadId needs parentMessageId: 0 for its first turn, else the last assistant message's id"
            )
        if self.thread_id is None and self.parent_message_id not in (None, 0):
            raise ValueError("parentMessageId without threadId can only be 0, which opens a new thread")
        return self


class StreamEvent(StrEnum):
    """The proxy's own event names; every other event is Snowflake's and passes unchanged."""

    START = "proxy.start"
    ERROR = "error"
    END = "proxy.end"


class ProxyStart(Api):
    """Data of `proxy.start`, the first frame of every chat stream."""

    session_id: str
    turn_id: str
    trace_id: str
    thread_id: int | None = None


class EndReason(StrEnum):
    """Why a chat stream ended."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    UPSTREAM_ERROR = "upstream_error"
    UPSTREAM_TRUNCATED = "upstream_truncated"
    UPSTREAM_STALLED = "upstream_stalled"
    CLIENT_GONE = "client_gone"
    CLIENT_SLOW = "client_slow"
    DEADLINE = "deadline"
    TOO_LARGE = "too_large"
    DRAINING = "draining"
    INTERNAL = "internal"


class TokenUsage(Api):
    """Tokens summed over the models of a turn; cached tokens are part of the input."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0


class ProxyEnd(Api):
    """Data of `proxy.end`, the last frame of every chat stream. Durations are milliseconds since the request."""

    reason: EndReason
    turn_id: str
    usage: TokenUsage | None = None
    events: int = Field(description="upstream events forwarded")
    upstream_bytes: int = Field(description="upstream bytes forwarded")
    first_event_ms: float | None = Field(default=None, description="until the first upstream event")
    duration_ms: float


# --- problems ------------------------------------------------------------------------------------------------------


class ProblemType(StrEnum):
    """Every problem the proxy answers with; the last part of `type`, and stable."""

    MALFORMED_REQUEST = "malformed-request"
    ADDRESS_TOO_LONG = "address-too-long"
    HEADERS_TOO_LARGE = "headers-too-large"
    HOST_NOT_ALLOWED = "host-not-allowed"
    REQUEST_TIMEOUT = "request-timeout"
    MALFORMED_JSON = "malformed-json"
    INVALID_REQUEST = "invalid-request"
    BODY_TOO_LARGE = "body-too-large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    TOKEN_MISSING = "token-missing"
    TOKEN_INVALID = "token-invalid"
    TOKEN_EXPIRED = "token-expired"
    SESSION_MISMATCH = "session-mismatch"
    SESSION_ENDED = "session-ended"
    TOO_MANY_STREAMS = "too-many-streams"
    UPSTREAM_UNREACHABLE = "upstream-unreachable"
    UPSTREAM_TIMEOUT = "upstream-timeout"
    UPSTREAM_UNAUTHORIZED = "upstream-unauthorized"
    UPSTREAM_FORBIDDEN = "upstream-forbidden"
    UPSTREAM_NOT_FOUND = "upstream-not-found"
    UPSTREAM_REJECTED = "upstream-rejected"
    UPSTREAM_THROTTLED = "upstream-throttled"
    UPSTREAM_UNAVAILABLE = "upstream-unavailable"
    UPSTREAM_PROTOCOL = "upstream-protocol"
    UPSTREAM_ERROR = "upstream-error"
    UPSTREAM_TRUNCATED = "upstream-truncated"
    UPSTREAM_STALLED = "upstream-stalled"
    STREAM_DEADLINE = "stream-deadline"
    STREAM_TOO_LARGE = "stream-too-large"
    DRAINING = "draining"
    INTERNAL = "internal"


PROBLEM_BASE = "https://cortex-harness.dev/problems/"


class FieldError(Api):
    """One fault of a request body; `pointer` is a JSON pointer into it."""

    pointer: str
    detail: str


class Problem(Api):
    """RFC 9457 problem details. `instance` is the request's id, in a stream the turn's; `traceId` finds its trace."""

    type: str = Field(examples=[PROBLEM_BASE + ProblemType.TOKEN_EXPIRED])
    title: str
    status: int
    detail: str
    instance: str | None = None
    trace_id: str | None = None
    errors: list[FieldError] | None = None
    retry_after_s: int | None = None
    retryable: bool = False
    upstream_code: str | None = Field(default=None, description="Snowflake's numeric code, when it sent one")


# --- health --------------------------------------------------------------------------------------------------------


class Status(Api):
    """What this proxy is: for people and for support, without secrets."""

    version: str
    mode: Literal["live", "rehearsal"] = Field(description="rehearsal: the upstream is a stand-in, not Snowflake")
    environment: Literal["development", "production"]
    session_issue: Literal["open", "client-key"]
    agent: str
    limits: dict[str, int | float]


class Health(Api):
    """Answer of `livez` and `readyz`; each failing check says why."""

    status: Literal["ok", "failing"]
    checks: dict[str, str] = Field(default_factory=dict)
