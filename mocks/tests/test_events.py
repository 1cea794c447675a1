"""Events made here: numbered, paced, and ended as Snowflake ends a stream."""

from __future__ import annotations

from mocks.events import event_frame, played


def test_a_frame_has_sorted_keys_on_one_line() -> None:
    """Line breaks within values are escaped, so that a frame stays one."""
    assert event_frame("response.text", {"text": "a\nb", "content_index": 0}) == (
        b'event: response.text\ndata: {"content_index":0,"text":"a\\nb"}\n\n'
    )


def test_events_are_numbered_and_paced() -> None:
    """Numbers count from 1, each event a step later; `done` comes with the last, and headers are named as given."""
    plan = played([("a", {}), ("b", {})], 20.0, x_mock_drawn="true")
    assert [(frame.at_ms, frame.data) for frame in plan.frames] == [
        (20.0, b'event: a\ndata: {"sequence_number":1}\n\n'),
        (40.0, b'event: b\ndata: {"sequence_number":2}\n\n'),
        (40.0, b"event: done\ndata: [DONE]\n\n"),
    ]
    assert plan.headers == {"content-type": "text/event-stream", "x-mock-drawn": "true"}
