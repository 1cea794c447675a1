"""Streams as schemas: one object per event name, and a union of them for each kind of stream.

A frame of a stream is described as the object that a client makes of it: its name as `event`, its parsed data as
`data`. OpenAPI 3.1 has no words for event streams; this is the form that its generators understand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from contracts.api import Problem, ProxyEnd, ProxyStart, StreamEvent
from contracts.cortex import DONE, ErrorBody, Event, FinalResponse

Schema = dict[str, Any]

ANALYST_STATUS = "status"
ANALYST_DELTA = "message.content.delta"
ANALYST_WARNINGS = "warnings"
ANALYST_METADATA = "response_metadata"

_OPEN_SET = (
    "The set is open: Snowflake adds events without notice, they pass unchanged, and a client must ignore the names "
    "that it does not know before it looks into this union."
)
UNIONS: Mapping[str, str] = {
    "ChatEvent": f"One event of a chat stream, in the order `proxy.start`, Snowflake's, `proxy.end`. {_OPEN_SET}",
    "AnalystEvent": f"One event of Cortex Analyst's stream, framed by the proxy's own. {_OPEN_SET}",
}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


OPEN: Schema = {"type": "object"}
_OURS: Mapping[str, tuple[str, Schema]] = {
    StreamEvent.START: ("The first frame of every stream.", _ref(ProxyStart.__name__)),
    StreamEvent.END: ("The last frame of every stream; without it the stream was cut.", _ref(ProxyEnd.__name__)),
    StreamEvent.ERROR: (
        (
            "Something failed. Snowflake's own error passes as it came; what it means for the turn follows as a "
            "problem, which has a `type`. Failures that only the proxy sees come as a problem alone."
        ),
        {"anyOf": [_ref(Problem.__name__), _ref(ErrorBody.__name__)]},
    ),
}
_AGENT: Mapping[str, tuple[str, Schema]] = {
    Event.METADATA: ("Ids of the run and its messages; on threads only.", OPEN),
    Event.STATUS: ("What the agent is doing: `status`, `message`.", OPEN),
    Event.THINKING_DELTA: ("A piece of its thinking: `content_index`, `text`.", OPEN),
    Event.THINKING: ("The whole of that thinking.", OPEN),
    Event.TEXT_DELTA: ("A piece of the answer's text: `content_index`, `text`.", OPEN),
    Event.TEXT_ANNOTATION: ("A citation: `content_index`, `annotation_index`, `annotation`.", OPEN),
    Event.TEXT: ("The whole of that text, with its annotations.", OPEN),
    Event.TOOL_USE: ("A tool is called; with `client_side_execute` the client is to run it.", OPEN),
    Event.TOOL_RESULT_STATUS: ("How far a tool is: `tool_use_id`, `status`, `message`.", OPEN),
    Event.TOOL_RESULT: ("What a tool answered: `tool_use_id`, `content`, `status`.", OPEN),
    Event.TABLE: ("Rows: `query_id`, `result_set`, `title`.", OPEN),
    Event.CHART: ("A Vega-Lite specification as a string: `chart_spec`. Check it before it is drawn.", OPEN),
    Event.SUGGESTED_QUERIES: ("What could be asked next: `suggested_queries`.", OPEN),
    Event.WARNING: ("Something the user should know: `message`.", OPEN),
    Event.RESPONSE: ("The whole answer once more, with what it cost.", _ref(FinalResponse.__name__)),
    Event.DONE: ("Snowflake has said everything. Its data is no JSON.", {"const": DONE, "type": "string"}),
    Event.LEGACY_DELTA: ("A piece of an answer in the form of older agents.", OPEN),
}
_ANALYST: Mapping[str, tuple[str, Schema]] = {
    ANALYST_STATUS: ("What Cortex Analyst is doing: `status`, `status_message`.", OPEN),
    ANALYST_DELTA: ("A piece of the block `index`: `text_delta`, `statement_delta` or `suggestions_delta`.", OPEN),
    ANALYST_WARNINGS: ("What the semantic view lacks: `warnings`.", OPEN),
    ANALYST_METADATA: ("How the answer was found.", OPEN),
}
_ANALYST_DONE: tuple[str, Schema] = ("Cortex Analyst has said everything. Its data has no fixed form.", {})


def schemas() -> dict[str, Schema]:
    """The components of all events and both unions."""
    made = {_component(name): _event(name, *each) for name, each in {**_OURS, **_AGENT, **_ANALYST}.items()}
    made["AnalystDoneEvent"] = _event(Event.DONE, *_ANALYST_DONE)
    chat = {name: _component(name) for name in (*_OURS, *_AGENT)}
    analyst = {name: _component(name) for name in (*_OURS, *_ANALYST)} | {Event.DONE: "AnalystDoneEvent"}
    made["ChatEvent"] = _union(UNIONS["ChatEvent"], chat)
    made["AnalystEvent"] = _union(UNIONS["AnalystEvent"], analyst)
    return made


def _component(name: str) -> str:
    """`response.text.delta` is `ResponseTextDeltaEvent`."""
    return "".join(part.capitalize() for part in re.split(r"[._]", name)) + "Event"


def _event(name: str, about: str, data: Schema) -> Schema:
    return {
        "type": "object",
        "description": about,
        "properties": {"event": {"const": str(name), "type": "string"}, "data": data},
        "required": ["data", "event"],
    }


def _union(about: str, components: Mapping[str, str]) -> Schema:
    mapping = {str(name): _ref(component)["$ref"] for name, component in components.items()}
    return {
        "description": about,
        "oneOf": [{"$ref": reference} for reference in mapping.values()],
        "discriminator": {"propertyName": "event", "mapping": mapping},
    }
