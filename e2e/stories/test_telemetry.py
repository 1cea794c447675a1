"""What is told of a turn besides its trace: the numbers that lead to it."""

from __future__ import annotations

from contracts.telemetry import STREAM_FIRST_TOKEN
from e2e.story import MOCK, PROXY, Story

TOKEN, TURN = "POST /api/v1/session/token", "POST /api/v1/chat"


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
    (request,) = receiver.spans(trace_id=story.trace_id, name=TURN)
    assert example.span_id == request.span_id
    assert 0 < example.value * 1000 < request.duration_ms


def test_all_that_a_reader_causes_is_found_by_the_test(story: Story) -> None:
    """What the page asks, and nothing else, is told under the test's id; of a good turn no trouble is told."""
    story.ask("Net sales by region")
    receiver, test_id = story.receiver, story.test_id
    receiver.until(
        lambda: {each.name for each in receiver.spans(test_id=test_id, service=PROXY)} >= {TOKEN, TURN},
        "the page's token and its turn",
        test_id=test_id,
    )
    receiver.never(
        lambda: (
            [each for each in receiver.spans(test_id=test_id) if each.status == "error"]
            or [each for each in receiver.logs(test_id=test_id, service=PROXY) if each.severity != "info"]
        ),
        "trouble",
        after=lambda: receiver.logs(test_id=test_id, service=PROXY, event="stream ended"),
        test_id=test_id,
    )
    spans = receiver.spans(test_id=test_id)
    assert {each.attributes.get("test.id", test_id) for each in spans} == {test_id}
    assert {each.service for each in spans if "test.id" in each.attributes} == {PROXY, MOCK}
    assert {each.trace_id for each in spans} >= set(story.trace_ids)
    assert {each.fields["testId"] for each in receiver.logs(test_id=test_id, event="request")} == {test_id}
