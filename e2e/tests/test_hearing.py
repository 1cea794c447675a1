"""What is made of an answer that was heard: its bytes, the mock's times, and examples for what is new each time."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.examples import SESSION_ID, SNOWFLAKE_ID, TURN_ID
from e2e import frontdoor
from e2e.hearing import Heard, Incomplete, answer_of
from mocks.export import ExportError

START = b'event: proxy.start\ndata: {"sessionId":"5e55","turnId":"7012","traceId":"ab"}\n\n'
DELTA = b'event: response.text.delta\ndata: {"text":"EMEA"}\n\n'
END = b'event: proxy.end\ndata: {"turnId":"7012","firstEventMs":3.1,"durationMs":9.0}\n\n'
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Date": "today",
    "X-Upstream-Request-Id": "a-fresh-one",
    "RateLimit-Policy": '"chat";q=30;w=60, "chat-burst";q=6;w=2',
    "RateLimit": '"chat";r=27;t=58, "chat-burst";r=5;t=1',
}


def heard(*timeline: tuple[float, float | None], fault: Any = None, body: bytes = START + DELTA + DELTA + END) -> Heard:
    """A stream of two deltas that the mock planned, and sent, at these milliseconds."""
    rows = [[planned, sent, len(DELTA), "response.text.delta"] for planned, sent in timeline]
    return Heard(200, HEADERS, ((1.0, body),), ({"timeline": rows, "fault": fault},))


def test_times_are_the_plan_and_bytes_are_what_came() -> None:
    """What a fault holds back at any pace stands apart from what the pace scales; the end comes with the last."""
    answer = answer_of(heard((240.0, 241.2), (1740.5, 1741.0)), heard((0.0, 0.1), (1500.0, 1500.2)))

    assert [(each.at_ms, each.held_ms) for each in answer.frames] == [(0, 0), (240, 0), (240.5, 1500), (240.5, 1500)]
    assert [each.data for each in answer.frames[1:3]] == [DELTA, DELTA]


def test_what_is_new_each_time_becomes_an_example() -> None:
    """Ids, durations and what limits have left are the same in two recordings; connection headers are left out."""
    answer = answer_of(heard((240.0, 240.0), (300.0, 300.0)), heard((0.0, 0.0), (0.0, 0.0)))

    start, end = (json.loads(each.payload) for each in (answer.frames[0], answer.frames[-1]))
    assert (start["sessionId"], start["turnId"]) == (SESSION_ID, TURN_ID)
    assert (end["turnId"], end["firstEventMs"], end["durationMs"]) == (TURN_ID, 240.0, 300.0)
    assert answer.headers["RateLimit"] == '"chat";r=29;t=60, "chat-burst";r=5;t=2'
    assert answer.headers["X-Upstream-Request-Id"] == SNOWFLAKE_ID
    assert "Date" not in answer.headers


def test_a_slow_head_holds_everything_back() -> None:
    """The head leaves after a fault's silence, and `proxy.start` with it."""
    fault = {"delay": {"headers_ms": 1500}}
    answer = answer_of(heard((1500.0, 1.0), (1500.0, 1.0), fault=fault), heard((1500.0, 1.0), (1500.0, 1.0)))

    assert answer.head_ms == 1500
    assert answer.frames[0].held_ms == 1500


@pytest.mark.parametrize(
    "body",
    [START + DELTA + END, START + DELTA + DELTA, START + DELTA + DELTA[:-3] + END],
    ids=["a frame is lost", "no end", "a frame is cut"],
)
def test_a_stream_that_is_not_the_mocks_is_refused(body: bytes) -> None:
    """Nothing is recorded of which a part was lost on its way."""
    timeline = ((0.0, 0.1), (0.0, 0.1))

    with pytest.raises(Incomplete, match="not what the mock sent"):
        answer_of(heard(*timeline, body=body), heard(*timeline, body=body))


def test_frames_that_were_never_sent_are_not_expected() -> None:
    """Of a cut plan only what left the mock counts."""
    short = heard((240.0, 240.0), (300.0, None), body=START + DELTA + END)

    assert [each.event for each in answer_of(short, short).frames][1:-1] == ["response.text.delta"]


def test_a_problem_keeps_its_body_and_its_time() -> None:
    """What is no stream is one frame, due when the mock's answer was."""
    headers = {"Content-Type": "application/problem+json"}
    refused = replace(heard((0.0, 0.1)), status=429, headers=headers, chunks=((1.0, b'{"status":429}'),))

    answer = answer_of(refused, refused)

    assert (answer.status, [each.data for each in answer.frames]) == (429, [b'{"status":429}'])


def test_own_cassettes_want_a_folder_of_their_own(tmp_path: Path) -> None:
    """What this repository holds is never written from somebody else's recordings."""
    with pytest.raises(ExportError, match="--out"):
        frontdoor.run("msw", out=None, check=False, cassettes=tmp_path, scenarios=None, say=print)
