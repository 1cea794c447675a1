"""What each stop says of a recorded answer, and where telemetry holds its words."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from contracts.traces import EVENTS
from e2e.answers import TEXT, Answer, read_by_proxy, received, sent_by_mock, told_words
from e2e.story import MOCK, PROXY
from e2e.telemetry import Log, Span
from mocks.cassette import Frame

START, END = b"event: proxy.start\ndata: {}\n\n", b": a heartbeat\n\nevent: proxy.end\ndata: {}\n\n"


def text(piece: str) -> bytes:
    """An event with a piece of text."""
    return f"event: {TEXT}\ndata: {json.dumps({'text': piece})}\n\n".encode()


DAMAGED = f'event: {TEXT}\ndata: {{"te\n\n'.encode()
STATUS = b"event: response.status\ndata: {}\n\n"
EVENTS_RECORDED = (STATUS, text("Net"), text(" sales"), text(" grew"))
ANSWER = Answer("How?", "agents/made_up", 0, tuple(Frame(0.0, data) for data in EVENTS_RECORDED))


@pytest.mark.parametrize(
    ("events", "wrong"),
    [
        (EVENTS_RECORDED, ""),
        (EVENTS_RECORDED[1:], "1 of 4 events are missing"),
        ((*EVENTS_RECORDED[:2], EVENTS_RECORDED[3]), "piece 2 of 3, ' sales', is missing after 'Net'"),
        ((*EVENTS_RECORDED, EVENTS_RECORDED[3]), "piece 3 of 3, ' grew', is there twice after 'Net sales grew'"),
        (
            (*EVENTS_RECORDED[:2], DAMAGED, EVENTS_RECORDED[3]),
            "piece 2 of 3, ' sales', is expected after 'Net', but '{\"te' is there",
        ),
    ],
    ids=["all", "another event lost", "text lost", "text doubled", "damaged"],
)
def test_what_came_to_the_browser_is_held_against_the_cassette(events: Sequence[bytes], wrong: str) -> None:
    """Piece by piece; what the proxy says itself is no part of the answer."""
    assert received(ANSWER, b"".join([START, *events, END])).wrong == wrong


def test_counts_of_mock_and_proxy_are_held_against_the_cassette() -> None:
    """Each of them says how many events it saw; a span that does not say it saw none."""
    assert [sent_by_mock(ANSWER, frames).wrong for frames in (4, 3)] == ["", "1 of 4 events are missing"]
    told = [read_by_proxy(ANSWER, request).wrong for request in ({EVENTS.name: 4}, {EVENTS.name: 5}, {})]
    assert told == ["", "1 of 4 events are too many", "4 of 4 events are missing"]


def test_words_that_must_not_be_told_are_found_where_they_are() -> None:
    """In a span's attribute or a line's field, whole or in part; single words are no passage."""
    words = "Net sales went from one figure to another, and that is all."
    span = Span("1" * 32, "a", None, "POST /chat", "server", PROXY, 0, 1, "unset", attributes={"canary": words[5:50]})
    line = Log(0, "info", "request", None, None, MOCK, fields={"canary": {"a": words}, "good": "Net sales"})
    assert [each.partition(", which")[0] for each in told_words(words, [span, line])] == [
        "the span cortex-proxy POST /chat (server) holds words of the question or its answer in 'canary'",
        "the line 'request' of cortex-mock holds words of the question or its answer in 'canary'",
    ]
    assert told_words(words, [Log(0, "info", "request", None, None, MOCK, fields={"good": "Net sales"})]) == []
