"""What is told of a turn besides its trace: the numbers that lead to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from playwright.sync_api import expect

from contracts.telemetry import METRICS, MOCK_METRICS, STREAM_FIRST_TOKEN
from contracts.traces import EVERY_LINE, LOG_EVENTS, SPANS
from e2e.story import MOCK, PROXY, Story
from e2e.telemetry import Log, Point, Span

ANSWER = "EMEA leads with 1,250.50, APAC follows with 980.00."

TOKEN, TURN = "POST /api/v1/session/token", "POST /api/v1/chat"


def test_a_latency_leads_to_the_turn(story: Story) -> None:
    """The time to the first token that the operator sees has an example, which names the trace of the reader's turn."""
    story.pace(0.1)  # the answer goes on for 0.4 s after its first words: these are never told as later than its end
    story.ask("Show me 2025 in three charts")
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
    request, *_ = story.spans(PROXY)  # waits: numbers may leave before the span, which ends later
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


def test_nothing_is_told_that_nobody_listed(story: Story) -> None:
    """All that the stories so far have left is in the catalogue, and nothing of it says what was asked or answered."""
    answer = story.ask("Net sales by region")
    expect(answer.get_by_text(ANSWER)).to_be_visible()
    receiver = story.receiver
    receiver.drain(with_metrics=True)
    spans, lines, points = receiver.spans(), receiver.logs(), receiver.points()
    assert sorted({fault for each in spans for fault in unlisted_of_a_span(each)}) == []
    assert sorted({fault for each in lines for fault in unlisted_of_a_line(each)}) == []
    assert sorted({fault for each in points for fault in unlisted_of_a_point(each)}) == []
    told = "\n".join(map(repr, [*spans, *lines, *points]))
    assert story.trace_id in told
    assert [words for words in ("Net sales by region", ANSWER, "eyJ", "SELECT ") if words in told] == []


def test_what_nobody_listed_is_noticed() -> None:
    """An attribute, a field, a label, an event and a metric that are in no catalogue are each found."""
    span = Span("1" * 32, "2" * 16, None, TURN, "server", PROXY, 0, 1, "unset", attributes={"canary": 1})
    line = Log(0, "info", "request", None, None, PROXY, fields={"logger": "proxy.app", "canary": 1})
    point = Point(STREAM_FIRST_TOKEN.name, PROXY, {"canary": 1}, 0, count=1)
    assert list(unlisted_of_a_span(span)) == [f"{PROXY} [server]: canary"]
    assert list(unlisted_of_a_line(line)) == ["request: canary"]
    assert "canary: logger" in list(unlisted_of_a_line(replace(line, event="canary")))
    assert list(unlisted_of_a_point(point)) == [f"{STREAM_FIRST_TOKEN.name}: canary"]
    assert list(unlisted_of_a_point(replace(point, name="canary", attributes={}))) == ["canary"]


def unlisted_of_a_span(span: Span) -> Iterator[str]:
    """What no form of span of its service and kind has."""
    forms = [form for form in SPANS if (form.service, form.kind) == (span.service, span.kind)]
    listed = {attribute.name for form in forms for attribute in form.attributes}
    yield from (f"{span.service} [{span.kind}]: {name}" for name in span.attributes.keys() - listed)


def unlisted_of_a_line(line: Log) -> Iterator[str]:
    """What our own log says beyond its events and their fields; libraries have words of their own."""
    if str(line.fields["logger"]).startswith("proxy."):
        fields = {each.event: {*each.fields, *EVERY_LINE} for each in LOG_EVENTS}.get(line.event, set())
        yield from (f"{line.event}: {name}" for name in line.fields.keys() - fields)


def unlisted_of_a_point(point: Point) -> Iterator[str]:
    """A series of no metric, or with a label that it has not."""
    labels = {each.name: each.labels.keys() for each in (*METRICS, *MOCK_METRICS)}
    if point.name not in labels:
        yield point.name
    yield from (f"{point.name}: {name}" for name in point.attributes.keys() - labels.get(point.name, set()))
