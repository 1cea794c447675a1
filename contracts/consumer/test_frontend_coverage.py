"""Nothing is left out of the page's pact by accident: whatever is not in it has a reason."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from contracts.api import PROBLEM_BASE, ProblemType
from contracts.api import ProblemType as P
from contracts.consumer.frontend_events import ANALYST_MESSAGES, CHAT_MESSAGES
from contracts.consumer.frontend_stories import STORIES
from contracts.consumer.promise import Exactly, Promise, example
from contracts.events import ANALYST_EVENTS, EVENTS
from proxy.openapi.operations import OPERATIONS, Operation

NOT_ASKED: Mapping[str, str] = {
    "openapiDocument": "read by generators, which are held to the file in the repository",
    "docs": "read by people",
}
"""Operations that no client asks for, and why."""

_MALFORMED = "no client of ours can send such a request"
_SET_UP = "needs a proxy that is set up for it; its own tests hold it"
NOT_TOLD: Mapping[ProblemType, str] = {
    P.MALFORMED_REQUEST: _MALFORMED,
    P.ADDRESS_TOO_LONG: _MALFORMED,
    P.HEADERS_TOO_LARGE: _MALFORMED,
    P.MALFORMED_JSON: _MALFORMED,
    P.UNSUPPORTED_MEDIA_TYPE: _MALFORMED,
    P.NOT_FOUND: _MALFORMED,
    P.METHOD_NOT_ALLOWED: _MALFORMED,
    P.REQUEST_TIMEOUT: "answers a request that never arrives whole",
    P.HOST_NOT_ALLOWED: "answers somebody who is not meant to ask",
    P.CLIENT_KEY_INVALID: "is for backends that open sessions for others; no page does",
    P.CHART_INVALID: "needs an agent that answers without a chart; nothing like it is recorded",
    P.REQUEST_DEADLINE: _SET_UP,
    P.STORE_UNAVAILABLE: _SET_UP,
    P.UPSTREAM_SUSPENDED: "needs an outage that outlasts the interaction; the breaker's own tests hold it",
    P.STREAM_DEADLINE: _SET_UP,
    P.STREAM_TOO_LARGE: _SET_UP,
    P.DRAINING: "needs a proxy that is about to end; its own tests hold it",
    P.INTERNAL: "needs a fault of the proxy's; its own tests plant one",
}
"""Problems that no story tells, and why."""

NOT_SENT: Mapping[str, str] = {
    "response.tool_use.status": "nothing like it is recorded; the page only shows its words",
    "response.tool_result.analyst.delta": "sent by older servers only; nothing like it is recorded",
    "warnings": "read by nobody: the warnings of an answer that is not streamed are",
    "response_metadata": "read by nobody",
}
"""Events that no message tells, and why."""


def problems_of(promise: Promise) -> set[str]:
    """The types of the problems in a promise."""
    kind = promise.get("type") if isinstance(promise, dict) else None
    is_problem = isinstance(kind, Exactly) and str(kind.value).startswith(PROBLEM_BASE)
    return {str(example(kind)).removeprefix(PROBLEM_BASE)} if is_problem else set()


def test_every_operation_is_asked_for() -> None:
    """Whatever the proxy offers, a story asks for it, by method and path."""
    asked = {(story.method, _shape(str(example(story.path)))) for story in STORIES}
    open_ = [each.id for each in OPERATIONS if not asked & {(each.method.upper(), path) for path in _paths(each)}]
    assert sorted(open_) == sorted(NOT_ASKED)


def _paths(operation: Operation) -> list[str]:
    return [path.replace("{sessionId}", "*") for path in (operation.path, operation.also) if path]


def _shape(path: str) -> str:
    front, _, last = path.rpartition("/")
    return f"{front}/*" if front.endswith("/history") else f"{front}/{last}"


def test_every_problem_is_told() -> None:
    """Whatever can go wrong, a story or an event tells it."""
    promises = [*(story.answer.body for story in STORIES), *(each.data for each in CHAT_MESSAGES)]
    told = {kind for promise in promises for kind in problems_of(promise)}
    assert sorted(set(ProblemType) - told) == sorted(NOT_TOLD)


def test_every_event_is_told() -> None:
    """Whatever event a stream may have, a message tells it."""
    told = {each.event for each in (*CHAT_MESSAGES, *ANALYST_MESSAGES)}
    assert sorted({*map(str, EVENTS), *map(str, ANALYST_EVENTS)} - told) == sorted(NOT_SENT)


@pytest.mark.parametrize("reasons", [NOT_ASKED, NOT_TOLD, NOT_SENT], ids=["operations", "problems", "events"])
def test_what_is_left_out_has_a_reason(reasons: Mapping[str, str]) -> None:
    """A reason is a sentence, not a mark."""
    assert all(len(reason.split()) >= 3 for reason in reasons.values())
