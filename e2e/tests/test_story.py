"""What of a turn's trace is missing, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from e2e.story import MOCK, PROXY, gaps
from e2e.telemetry import Span

REQUEST = Span("1" * 32, "a", "page", "POST /chat", "server", PROXY, 0, 9, "unset")
ATTEMPT = Span("1" * 32, "b", "a", "POST agent", "client", PROXY, 1, 8, "unset")
ANSWERED = Span("1" * 32, "c", "b", "POST agent", "server", MOCK, 2, 7, "unset")


def test_a_whole_trace_has_no_gaps() -> None:
    """The request, an attempt and the mock's answer; or a request that was refused before any attempt."""
    assert gaps([REQUEST, ATTEMPT, ANSWERED]) == []
    assert gaps([REQUEST]) == []


def test_every_request_of_a_trace_is_waited_for() -> None:
    """A page that repeats what was refused does so in the same trace, which is not whole after the refusal."""
    refused = replace(REQUEST, span_id="r")
    words = "cortex-proxy did not tell the span of each request itself: 1 of 2 were told"
    assert gaps([refused], 2) == ["The turn's trace has gaps:", words]
    assert gaps([refused, REQUEST, ATTEMPT, ANSWERED], 2) == []


@pytest.mark.parametrize(
    ("spans", "words"),
    [
        ([], ["cortex-proxy did not tell the span of the request itself"]),
        ([ATTEMPT, ANSWERED], ["cortex-proxy did not tell the span of the request itself"]),
        ([REQUEST, ATTEMPT], ["cortex-proxy POST agent (client) has no answer of the mock below it"]),
        (
            [REQUEST, ANSWERED],
            ["cortex-mock POST agent (server) answered an attempt of which cortex-proxy told no span"],
        ),
        (
            [REQUEST, ATTEMPT, replace(ANSWERED, parent_id="a")],
            [
                (
                    "cortex-mock POST agent (server) is below cortex-proxy POST /chat (server), not below an attempt: "
                    "that is the traceparent which cortex-proxy sent"
                ),
                "cortex-proxy POST agent (client) has no answer of the mock below it",
            ],
        ),
    ],
    ids=["nothing", "no request", "no answer", "no attempt", "untraced"],
)
def test_a_gap_is_named(spans: list[Span], words: list[str]) -> None:
    """Whose span is missing, or stands where it must not."""
    assert gaps(spans) == ["The turn's trace has gaps:", *words]
