"""The decoder: any division of a stream gives the same events, and it knows when a frame of ours may follow."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sse import FrameTooLargeError, SseDecoder, SseEvent, frame
from proxy.tests.upstream import STREAM


def reference(stream: bytes) -> list[SseEvent]:
    """The events of a whole stream, as the standard's steps say and without a thought for speed."""
    text = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    events, name, data = [], "", b""
    for line in text.split(b"\n")[:-1]:
        field, _, value = line.partition(b":")
        if value[:1] == b" ":
            value = value[1:]
        if line == b"":
            if data:
                events.append(SseEvent(name or "message", data[:-1]))
            name, data = "", b""
        elif field == b"data":
            data += value + b"\n"
        elif field == b"event":
            name = value.decode("utf-8", "replace")
    return events


def fed(pieces: list[bytes]) -> list[SseEvent]:
    """The decoder's events."""
    decoder = SseDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)]


LINES = st.sampled_from(
    [
        *[
            b"data: {}",
            b"data:",
            b"data",
            b"data:  two",
            b"event: response",
            b"event",
            b"id: 7",
            b"retry: 5",
            b": hello",
        ],
        *["data: Zürich €".encode(), b"data: \xff\xfe", b"event: \xff", b"", b"", b"nonsense", b"data: a: b"],
    ]
)
STREAMS = st.builds(
    lambda bom, lines: bom + b"".join(line + end for line, end in lines),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"]))),
)


@given(STREAMS, st.lists(st.integers(min_value=0, max_value=400)))
def test_any_division_gives_the_same_events(stream: bytes, cuts: list[int]) -> None:
    """However a stream is cut, the events are the standard's."""
    places = [0, *sorted(cuts), len(stream)]
    assert fed([stream[start:end] for start, end in pairwise(places)]) == reference(stream)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_every_cut_position_gives_the_same_events(end: bytes) -> None:
    """A turn cut in two at any byte, under each line ending, has its four events."""
    stream = STREAM.replace(b"\n", end)
    whole = reference(stream)
    assert [event.name for event in whole] == ["response.status", "response.text.delta", "response", "done"]
    for place in range(len(stream) + 1):
        assert fed([stream[:place], stream[place:]]) == whole


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        pytest.param(b"", True, id="nothing yet"),
        pytest.param(b"data: x\n\n", True, id="whole frame"),
        pytest.param(b"data: x\r\n\r\n", True, id="whole frame, CRLF"),
        pytest.param(b": ping\n\n", True, id="whole comment"),
        pytest.param(b"data: x", False, id="in a line"),
        pytest.param(b"data: x\n", False, id="between lines"),
        pytest.param(b"event: x\n", False, id="after the name"),
        pytest.param(b"id: 7\n", False, id="after an id"),
        pytest.param(b": ping\n", False, id="after a comment's line"),
        pytest.param(b"data: x\n\nd", False, id="next frame begun"),
        pytest.param(b"data: x\r\n\r", False, id="in the middle of CRLF"),
        pytest.param(b"\xef\xbb", False, id="in the byte order mark"),
    ],
)
def test_boundary(stream: bytes, expected: bool) -> None:
    """A frame of ours may follow a blank line and the very beginning, nothing else."""
    decoder = SseDecoder()
    decoder.feed(stream)
    assert decoder.at_boundary is expected


@pytest.mark.parametrize(
    "line", [b"data: " + b"x" * 50, b"data:\n" * 12, b": c\n" * 30], ids=["line", "lines", "notes"]
)
def test_a_frame_without_end_is_refused(line: bytes) -> None:
    """One long line and many short ones are bounded alike."""
    decoder = SseDecoder(max_frame_bytes=50)
    with pytest.raises(FrameTooLargeError, match="50 bytes"):
        decoder.feed(line)


def test_the_bound_is_on_a_frame_not_on_the_stream() -> None:
    """Any number of frames within the bound passes."""
    decoder = SseDecoder(max_frame_bytes=50)
    assert len(decoder.feed(b"data: 0123456789\n\n" * 1000)) == 1000


def test_time_grows_with_size_only() -> None:
    """A 4 MB line in 4,000 pieces and 40,000 frames in one piece take no quadratic time."""
    started_s = time.process_time()
    decoder = SseDecoder()
    for _ in range(4000):
        decoder.feed(b"x" * 1000)
    assert len(SseDecoder().feed(b"event: a\ndata: {}\n\n" * 40_000)) == 40_000
    assert time.process_time() - started_s < 5, "quadratic work takes minutes here"


def test_our_own_frames_are_frames() -> None:
    """What `frame` writes, the decoder reads."""
    assert fed([frame("proxy.start", '{"a":"ü"}')]) == [SseEvent("proxy.start", '{"a":"ü"}'.encode())]
