"""The catalogue of spans and log lines: what proxy, mock and suites put into traces, and what the proxy logs.

Spans and their attributes follow OpenTelemetry's conventions where those have a name; what Cortex, or a stand-in for
it, has besides is ours. Neither a question nor an answer, no SQL, no subject and no token is in any of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from contracts.telemetry import Convention

PROVIDER = "snowflake.cortex"
"""Value of `gen_ai.provider.name`; the conventions list none for Snowflake."""

# --- spans


class Kind(StrEnum):
    """Which side of a call a span shows."""

    SERVER = "server"
    CLIENT = "client"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a span."""

    name: str
    meaning: str
    convention: Convention = Convention.OURS


@dataclass(frozen=True, slots=True)
class SpanForm:
    """One form of span.

    name: with what varies in braces.   service: who emits it, `service.name` of its resource.
    """

    name: str
    service: str
    kind: Kind
    meaning: str
    attributes: tuple[Attribute, ...]


def _http(name: str, meaning: str) -> Attribute:
    return Attribute(f"http.{name}", meaning, Convention.HTTP)


def _genai(name: str, meaning: str) -> Attribute:
    return Attribute(f"gen_ai.{name}", meaning, Convention.GENAI)


METHOD = _http("request.method", "Method; `other` for one that no route is made for.")
ROUTE = _http("route", "The rule that matched, with its parameters in braces.")
STATUS = _http("response.status_code", "Status that was answered.")
RESENT = _http("request.resend_count", "How often the same was asked before; left out of the first attempt.")
ERROR_TYPE = Attribute(
    "error.type", "Why it failed: the status, the stream's end reason or the outcome; absent else.", Convention.HTTP
)
REQUEST_ID = Attribute("cortex.request.id", "Id of the request, as in the log and in X-Request-Id.")
PROBLEM = Attribute("cortex.problem", "Kind of the problem that was answered, or that ended the stream.")
TEST_ID = Attribute("test.id", "Id of the test that asked, in its baggage; never in production.")
UPSTREAM_REQUEST_ID = Attribute("cortex.upstream.request_id", "Snowflake's id of the request, for its support.")
TURN_ID = Attribute("cortex.turn.id", "Id of the turn, as in the history and the stream's frames.")
SESSION_ID = Attribute("session.id", "Id of the session; it stands for a subject, whom no span names.", Convention.OURS)
END_REASON = Attribute("cortex.stream.end_reason", "Why the stream ended; values of `EndReason`.")
EVENTS = Attribute("cortex.stream.events", "Events that Snowflake sent.")
UPSTREAM_BYTES = Attribute("cortex.stream.upstream_bytes", "Bytes that Snowflake sent.")
SURFACE = Attribute("cortex.surface", "The part of Cortex that is asked; values of `Surface`.")

OPERATION = _genai("operation.name", "`invoke_agent` for an agent's turn, `execute_tool` for a tool.")
PROVIDER_NAME = _genai("provider.name", f"Always `{PROVIDER}`.")
AGENT_NAME = _genai("agent.name", "The agent that the settings name; absent for one that a file configures.")
STREAMS = _genai("request.stream", "Always true: a turn is a stream.")
CONVERSATION = _genai("conversation.id", "Id of Snowflake's thread, when the turn has one.")
MODEL = _genai("response.model", "The model, when Snowflake reported exactly one.")
INPUT_TOKENS = _genai("usage.input_tokens", "Tokens of the input over all models, cached ones included.")
CACHED_TOKENS = _genai("usage.cache_read.input_tokens", "Those of the input that came from a cache.")
OUTPUT_TOKENS = _genai("usage.output_tokens", "Tokens of the output over all models.")
FIRST_CHUNK = _genai(
    "response.time_to_first_chunk", "Seconds from asking Snowflake for the first time to its first event."
)
TOOL_NAME = _genai("tool.name", "The tool that was called.")
TOOL_TYPE = _genai("tool.type", "Always `extension`: the tool runs beside the model, not in the page.")

REQUEST_SPAN = SpanForm(
    "{method} {route}",
    "cortex-proxy",
    Kind.SERVER,
    "One request. Of a stream it lasts until the stream's end, as long as somebody waits for the answer.",
    (
        *(METHOD, ROUTE, STATUS, ERROR_TYPE, REQUEST_ID, PROBLEM, UPSTREAM_REQUEST_ID),
        *(TURN_ID, SESSION_ID, END_REASON, EVENTS, UPSTREAM_BYTES, TEST_ID),
        *(OPERATION, PROVIDER_NAME, AGENT_NAME, STREAMS, CONVERSATION, MODEL),
        *(INPUT_TOKENS, CACHED_TOKENS, OUTPUT_TOKENS, FIRST_CHUNK),
    ),
)
ATTEMPT_SPAN = SpanForm(
    "{method} {surface}",
    "cortex-proxy",
    Kind.CLIENT,
    "One attempt to reach Snowflake, to the head of a stream or the end of a whole answer.",
    (METHOD, SURFACE, STATUS, RESENT, ERROR_TYPE),
)
TOOL_SPAN = SpanForm(
    "execute_tool {tool}",
    "cortex-proxy",
    Kind.INTERNAL,
    "One call of a tool of the proxy; that of a tool that streams lasts until the stream's end.",
    (OPERATION, TOOL_NAME, TOOL_TYPE, ERROR_TYPE),
)
MOCK_SPAN = SpanForm(
    "{method} {surface}",
    "cortex-mock",
    Kind.SERVER,
    "One exchange with the mock, from its request to the last byte that it sent.",
    (
        METHOD,
        STATUS,
        Attribute("url.path", "Path that was asked for.", Convention.HTTP),
        Attribute("surface", "The mock's surface."),
        Attribute("outcome", "How the exchange ended."),
        Attribute("frames", "Frames that were sent."),
        Attribute("cassette", "The cassette that answered."),
        Attribute("interaction", "The place of the interaction in it."),
        Attribute("scenario", "The scenario that was played."),
        Attribute("fault", "The fault that it put in."),
        TEST_ID,
    ),
)

SUITE_NAME = Attribute("test.suite.name", "What the run calls itself: `--cortex-suite`.", Convention.TEST)
RUN_SPAN = SpanForm(
    "run {suite}",
    "cortex-suite",
    Kind.INTERNAL,
    "One run of a test suite, from its beginning to its end; its tests are its children.",
    (
        SUITE_NAME,
        Attribute("test.suite.run.status", "How it ended: success, failure, skipped or aborted.", Convention.TEST),
        ERROR_TYPE,
        Attribute("cicd.pipeline.name", "The pipeline it is part of; absent outside one.", Convention.CICD),
        Attribute("cicd.pipeline.run.id", "The run of that pipeline.", Convention.CICD),
        Attribute("cicd.pipeline.run.url.full", "Where that run is looked at.", Convention.CICD),
        Attribute("cicd.pipeline.task.type", "Always `test`.", Convention.CICD),
        Attribute("cicd.pipeline.task.name", "The job of the pipeline.", Convention.CICD),
        Attribute("cicd.pipeline.task.run.id", "The run of that job.", Convention.CICD),
        Attribute("cicd.pipeline.task.run.result", "How it ended, in the pipeline's words.", Convention.CICD),
        Attribute("vcs.ref.head.name", "The branch.", Convention.CICD),
        Attribute("vcs.ref.head.revision", "The commit that is tested.", Convention.CICD),
    ),
)
CASE_SPAN = SpanForm(
    "{test}",
    "cortex-suite",
    Kind.INTERNAL,
    "One test, with an event for each of its phases; it links to the traces that its page began.",
    (
        SUITE_NAME,
        Attribute("test.case.name", "The test's node id.", Convention.TEST),
        Attribute("test.case.result.status", "`pass` or `fail`; absent for one that was not run.", Convention.TEST),
        Attribute("code.file.path", "The file that holds it, from the root of the project.", Convention.CODE),
        Attribute("code.line.number", "The line where it begins.", Convention.CODE),
        ERROR_TYPE,
        TEST_ID,
        Attribute("cortex.test.outcome", "Its outcome; values of `TEST_OUTCOMES`."),
        Attribute("cortex.test.promise", "What it promises: its docstring's first paragraph."),
        Attribute("cortex.test.scenario", "The scenario that it is about."),
        Attribute("cortex.test.retries", "How often it was run again after its failure."),
        Attribute("cortex.test.flaky", "Whether it failed, and passed when it was run again."),
        Attribute("cortex.test.worker", "The worker that ran it, where there are several."),
        Attribute("cortex.test.evidence", "The folder of what was kept of its failure."),
    ),
)

_TEST_ID = re.compile(r"[\w.:/@\[\]-]{1,128}", re.ASCII)


def as_test_id(found: object) -> str | None:
    """A test's id that may be told: a word of at most 128 characters; None for anything else."""
    return found if isinstance(found, str) and _TEST_ID.fullmatch(found) else None


SPANS = (REQUEST_SPAN, ATTEMPT_SPAN, TOOL_SPAN, MOCK_SPAN, RUN_SPAN, CASE_SPAN)

# --- log lines

LOG_FIELDS: dict[str, str] = {
    # every line
    "timestamp": "When, UTC, ISO 8601.",
    "level": "debug, info, warning, error or critical.",
    "event": "What happened: one of the events below, or a library's own words.",
    "logger": "The module that says so.",
    "exception": "Types and places of an error and its causes; never their messages.",
    "error": "The type of an error.",
    "detail": "What else is to be known, in words.",
    # which: a session stands for its subject, who may be a person and is never logged, not even as a hash
    "traceId": "The trace: 32 hex digits.",
    "spanId": "The request's span in it: 16 hex digits.",
    "sessionId": "The session.",
    "turnId": "The turn.",
    "requestId": "The request: its own X-Request-Id, or one that the proxy gave it.",
    "testId": "The test that asked, as its baggage says; never in production.",
    # a request and its answer
    "method": "The method, `other` for one that no route is made for.",
    "route": "The rule that matched, `unmatched` for none.",
    "status": "The status that was answered.",
    "problem": "The kind of the problem that was answered, or that ended the stream.",
    "durationMs": "Milliseconds from the request to the end of its answer.",
    "headersMs": "Milliseconds from a stream's request to the beginning of its answer.",
    "policy": "The limits that the request was held against.",
    "limitDecision": "allowed or refused.",
    "tool": "The tool that was called.",
    # a stream
    "reason": "Why a stream ended, a turn was lost, or the process stops.",
    "events": "Events that Snowflake sent.",
    "upstreamBytes": "Bytes that Snowflake sent.",
    "firstEventMs": "Milliseconds from the request to Snowflake's first event.",
    # Snowflake
    "surface": "The part of Cortex.",
    "retries": "Attempts that repeated a failed one.",
    "breaker": "The state that the surface's breaker has entered.",
    "upstreamRequestId": "Snowflake's id of the request, for its support.",
    "upstreamCode": "Snowflake's numeric error code.",
    # the start
    "version": "The version that serves.",
    "environment": "development or production.",
    "upstream": "live for Snowflake itself, rehearsal for what stands in for it.",
    "store": "Where the history is: sqlite, redis or memory.",
    "processes": "How many processes serve.",
    "port": "The port that is served.",
    "metricsPort": "The port of /metrics.",
    # what runs beside requests
    "signal": "What was sent to the collector: traces, metrics or logs.",
}
"""Fields that a line may have; everything else that a caller passes is dropped."""

CONTENT_FIELDS: dict[str, str] = {
    "question": "What was asked; in development alone, by a setting.",
    "answer": "What was answered; in development alone, by a setting.",
}
EVERY_LINE = ("timestamp", "level", "event", "logger")


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One event of the proxy's log.   fields: those it may have besides `EVERY_LINE`."""

    event: str
    level: str
    fields: tuple[str, ...]
    meaning: str


_REQUEST_FIELDS = (
    *("requestId", "traceId", "spanId", "sessionId", "method", "route", "status", "problem", "policy"),
    *("limitDecision", "tool", "retries", "upstreamCode", "upstreamRequestId", "headersMs", "durationMs", "testId"),
)
_STREAM_FIELDS = (
    *("requestId", "route", "traceId", "spanId", "sessionId", "turnId", "reason", "problem", "upstreamCode"),
    *("events", "upstreamBytes", "firstEventMs", "durationMs"),
)
_START_FIELDS = ("version", "environment", "upstream", "store", "processes", "port", "metricsPort")

LOG_EVENTS = (
    LogEvent("request", "info", _REQUEST_FIELDS, "A request was answered; that of a stream is told at its end."),
    LogEvent("stream ended", "info", _STREAM_FIELDS, "A stream is over, however it ended."),
    LogEvent("turn", "info", ("turnId", *CONTENT_FIELDS), "What was said; in development alone, by a setting."),
    LogEvent("request refused", "warning", ("problem", "requestId"), "The server refused what is no request."),
    LogEvent("unhandled error", "error", ("exception", "requestId", "traceId"), "A defect; the client got a problem."),
    LogEvent("a stream failed", "error", ("exception", "turnId", "traceId"), "A defect; the stream was ended."),
    LogEvent("a turn was not remembered", "error", ("exception", "turnId", "traceId"), "A defect; the turn is lost."),
    LogEvent("a breaker has changed", "warning", ("surface", "breaker"), "A part of Cortex failed, or is back."),
    LogEvent("snowflake cannot be reached", "warning", ("surface", "error"), "An attempt got no answer."),
    LogEvent("a statement could not be cancelled", "warning", ("surface", "problem"), "It may run on in Snowflake."),
    LogEvent("not ready", "warning", ("detail",), "readyz fails from now on, and why."),
    LogEvent("ready again", "info", (), "readyz succeeds again."),
    LogEvent("the history failed", "warning", ("detail",), "The store did not do what was asked; it is asked again."),
    LogEvent(
        "a turn was not stored",
        "error",
        ("reason", "sessionId", "turnId", "traceId"),
        "The history lost a turn: nobody will find it there.",
    ),
    LogEvent("a turn cannot be written", "error", ("exception",), "A defect; the turn is lost."),
    LogEvent("the history cannot be pruned", "error", ("exception",), "A defect; old turns stay."),
    LogEvent("a stored turn cannot be read", "error", ("turnId",), "The history holds what is no turn."),
    LogEvent("store unavailable", "warning", ("error",), "Requests cannot be counted, so they are refused."),
    LogEvent("lease not given back yet", "warning", ("error",), "It is given back with the next one."),
    LogEvent(
        "key file cannot be used, its last good key stays", "warning", ("detail",), "A rotation went wrong, and how."
    ),
    LogEvent("session key exchanged", "info", ("detail",), "Session tokens are signed with another key from now on."),
    LogEvent(
        "every user of this machine can read a key file; give it mode 0440 or 0400",
        "warning",
        ("detail",),
        "Told at the start, with the file.",
    ),
    LogEvent("a client left, but its request could not be cancelled", "error", ("exception",), "A defect."),
    LogEvent("serving", "info", _START_FIELDS, "The proxy accepts requests."),
    LogEvent("a worker cannot start", "error", ("detail", "exception"), "Why a process of the proxy ended at once."),
    LogEvent("a signal was ignored", "warning", ("detail",), "Settings are read once."),
    LogEvent("stopping", "info", ("reason", "detail"), "The process is on its way out, and what still runs."),
    LogEvent("stopped", "info", ("reason", "detail"), "Nothing is served any more."),
    LogEvent("a stream could not be told to end", "error", ("exception",), "A defect while stopping."),
    LogEvent("something was not written down", "error", ("detail", "exception"), "A defect while stopping."),
    LogEvent("not everything was written down in time", "warning", ("detail",), "The end did not wait any longer."),
    LogEvent("telemetry could not be told", "error", ("exception",), "A fault of ours; said once."),
    LogEvent("telemetry could not be sent", "warning", ("exception",), "At a flush or at the end."),
    LogEvent("the collector takes telemetry again", "info", ("signal",), "After batches that it did not take."),
    LogEvent(
        "the collector takes no telemetry; check its address",
        "warning",
        ("signal",),
        "Told once; every batch that is lost counts.",
    ),
)
