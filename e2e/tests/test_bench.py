"""The instruments that measurements rest on."""

from __future__ import annotations

import pytest

from e2e.bench.client import Dechunker, Splitter, Timeline, request_bytes
from e2e.bench.figures import Figure, Figures, percentile
from e2e.bench.replay import Played, openings
from mocks.cassette import Interaction

CHUNKED = b"5\r\nabc\n\n\r\na;ext=1\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n"
BODY = b"abc\n\n0123456789x"


def test_dechunker_gives_the_body_however_the_bytes_are_divided() -> None:
    """Every division into two gives the same body and notices the end."""
    for cut in range(len(CHUNKED) + 1):
        dechunker = Dechunker()
        body = dechunker.feed(CHUNKED[:cut]) + dechunker.feed(CHUNKED[cut:])
        assert body == BODY
        assert dechunker.ended


def test_dechunker_gives_the_body_byte_by_byte() -> None:
    """One byte at a time is no different."""
    dechunker = Dechunker()
    assert b"".join(dechunker.feed(CHUNKED[at : at + 1]) for at in range(len(CHUNKED))) == BODY
    assert dechunker.ended


def test_a_cut_body_has_not_ended() -> None:
    """Without the last chunk the body is not over."""
    dechunker = Dechunker()
    dechunker.feed(CHUNKED[:-5])
    assert not dechunker.ended


def test_splitter_cuts_at_blank_lines() -> None:
    """Frames end with their blank line; what follows the last one is kept apart."""
    whole = b"event: a\ndata: 1\n\ndata: 2\n\nrest"
    for cut in range(len(whole) + 1):
        splitter = Splitter()
        frames = splitter.feed(whole[:cut]) + splitter.feed(whole[cut:])
        assert frames == [b"event: a\ndata: 1\n\n", b"data: 2\n\n"]
        assert splitter.rest() == b"rest"


@pytest.mark.parametrize(("share", "expected"), [(0.5, 5), (0.99, 10), (0.1, 1), (1.0, 10)])
def test_percentile_is_a_measured_value(share: float, expected: int) -> None:
    """The smallest value that the share does not exceed."""
    assert percentile(list(range(10, 0, -1)), share) == expected


def test_percentile_of_nothing_is_an_error() -> None:
    """No measurement is not a zero."""
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_a_missed_bar_is_said_and_fails() -> None:
    """Losses show as plainly as wins, and decide the exit status."""
    figures = Figures("here", (Figure("won", 1, "ms", 2), Figure("lost", 3, "ms", 2), Figure("told", 9, "ms")))

    assert not figures.all_reached
    assert "MISSED" in figures.as_text()
    assert [row["reached"] for row in figures.as_json()["figures"]] == [True, False, True]


def story() -> Interaction:
    """Any opening."""
    return openings()[0]


def test_a_lost_frame_is_not_identical() -> None:
    """A stream that lacks one frame, or has one changed byte, counts as different."""
    frames = [(frame.at_ms / 1000, frame.data) for frame in story().frames]
    changed = [*frames[:-1], (frames[-1][0], frames[-1][1].replace(b"DONE", b"DONF"))]

    assert Played(story(), Timeline(0.0, 200, frames)).is_identical()
    assert not Played(story(), Timeline(0.0, 200, frames[1:])).is_identical()
    assert not Played(story(), Timeline(0.0, 200, changed)).is_identical()


def test_lateness_counts_from_the_request() -> None:
    """A stream that comes 7 ms behind its schedule is 7 ms late throughout."""
    sent_s = 100.0
    frames = [(sent_s + (frame.at_ms + 7) / 1000, frame.data) for frame in story().frames]

    late = Played(story(), Timeline(sent_s, 200, frames)).lateness_ms()

    assert late == pytest.approx([7.0] * len(frames), abs=0.001)


def test_the_proxys_own_frames_do_not_count() -> None:
    """proxy.start, proxy.end and heartbeats are left out of the comparison."""
    frames = [(frame.at_ms / 1000, frame.data) for frame in story().frames]
    around = [(0.0, b"event: proxy.start\ndata: {}\n\n"), (0.0, b": heartbeat\n\n"), *frames]

    assert Played(story(), Timeline(0.0, 200, around)).is_identical()


def test_a_request_is_one_head_and_one_body() -> None:
    """The length is the body's, and the query stays."""
    raw = request_bytes("POST", "http://h:1/p?q=1", {"A": "b"}, {"x": "é"})
    head, body = raw.split(b"\r\n\r\n")

    assert head.startswith(b"POST /p?q=1 HTTP/1.1\r\nHost: h:1\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
