"""What is told of a turn besides its trace: the numbers that lead to it."""

from __future__ import annotations

from contracts.telemetry import STREAM_FIRST_TOKEN
from e2e.story import PROXY, Story


def test_a_latency_leads_to_the_turn(story: Story) -> None:
    """The time to the first token that the operator sees has an example, which names the trace of the reader's turn."""
    story.ask("Net sales by region")
    receiver, metric = story.receiver, STREAM_FIRST_TOKEN.name
    example = receiver.until(
        lambda: [
            each
            for point in receiver.points(name=metric, service=PROXY)
            for each in point.exemplars
            if each.trace_id == story.trace_id
        ],
        "the turn's trace as an example",
        trace_id=story.trace_id,
    )[0]
    (request,) = receiver.spans(trace_id=story.trace_id, attributes={"http.route": "/api/v1/chat"})
    assert example.span_id == request.span_id
    assert 0 < example.value * 1000 < request.duration_ms
