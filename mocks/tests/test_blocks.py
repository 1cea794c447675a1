"""The content of an answer that stopped: what its frames have built so far."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mocks.blocks import content_of, has_content
from mocks.cassette import Frame, load_all
from mocks.state import HERE

FINISHED = [
    pytest.param(each.frames, id=f"{tape.name}-{number}")
    for tape in load_all(HERE / "cassettes")
    for number, each in enumerate(tape.interactions)
    if any(frame.event == "response" for frame in each.frames)
]


def event(name: str, **payload: Any) -> Frame:
    """One frame."""
    return Frame(0.0, f"event: {name}\ndata: {json.dumps(payload)}\n\n".encode())


@pytest.mark.parametrize("frames", FINISHED)
def test_a_whole_answer_builds_its_final_content(frames: tuple[Frame, ...]) -> None:
    """From all the events of a recorded answer comes the content that its final object holds."""
    final = next(json.loads(frame.payload) for frame in frames if frame.event == "response")
    assert content_of(frames) == final["content"]


def test_what_is_being_written_is_kept() -> None:
    """A text and a thought without their whole-block event hold what was said; an annotation stays with its text."""
    frames = [
        event("response.thinking.delta", content_index=0, text="I "),
        event("response.thinking.delta", content_index=0, text="think"),
        event("response.text.delta", content_index=1, text="So", is_elicitation=True),
        event("response.text.annotation", content_index=1, annotation_index=0, annotation={"type": "x"}),
    ]
    assert content_of(frames) == [
        {"type": "thinking", "thinking": {"text": "I think"}},
        {"type": "text", "text": "So", "annotations": [{"type": "x"}], "is_elicitation": True},
    ]


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(event("response.status", status="planning", message="m"), id="status"),
        pytest.param(event("response.tool_result.status", status="done", content_index=0), id="tool-status"),
        pytest.param(event("response.tool_result.sql_explanation.delta", content_index=0, delta={}), id="tool-delta"),
        pytest.param(event("response.warning", message="m"), id="warning"),
        pytest.param(event("metadata", content_index=0), id="metadata"),
        pytest.param(event("response", content_index=0, content=[1]), id="final"),
        pytest.param(Frame(0.0, b"event: response.text\ndata: {broken\n\n"), id="broken"),
        pytest.param(Frame(0.0, b"event: response.text\ndata: [1]\n\n"), id="no-object"),
        pytest.param(Frame(0.0, b": keep-alive\n\n"), id="comment"),
    ],
)
def test_what_is_no_content(frame: Frame) -> None:
    """States, ids and what cannot be read build nothing."""
    assert content_of([frame]) == []
    assert not has_content([frame])


def test_one_piece_is_content() -> None:
    """Whether there is anything is known without reading it all."""
    said = event("response.thinking.delta", content_index=0, text="I")
    assert has_content([event("response.status", status="planning"), said])
    assert not has_content([])
