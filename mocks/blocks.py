"""What a run's frames have built so far: the content of an answer that stopped before its final object."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from contracts.cortex import Event
from mocks.cassette import Frame

Block = dict[str, Any]

_INLINE = ("text", "suggested_queries")
"""Types whose fields stand beside `type`, instead of in an object of that name."""

_NUMBERS = ("content_index", "sequence_number")


def content_of(frames: Iterable[Frame]) -> list[Block]:
    """The content blocks in their order, those included that were still being written."""
    blocks: dict[int, Block] = {}
    for frame in frames:
        if not _builds(frame.event):
            continue
        payload = _payload(frame)
        index = payload.get("content_index")
        if isinstance(index, int):
            _take(blocks, index, frame.event, payload)
    return [blocks[index] for index in sorted(blocks) if blocks[index]]


def has_content(frames: Iterable[Frame]) -> bool:
    """Whether `content_of` finds anything; the payloads are not read for it."""
    return any(_builds(frame.event) and b'"content_index"' in frame.data for frame in frames)


def _builds(event: str) -> bool:
    """Whether events of this name carry content; the pieces of tools' results come again, as a whole."""
    if event in (Event.TEXT_DELTA, Event.THINKING_DELTA):
        return True
    return event.startswith("response.") and not event.endswith((".delta", ".status"))


def _take(blocks: dict[int, Block], index: int, event: str, payload: Block) -> None:
    if event == Event.TEXT_DELTA:
        block = blocks.setdefault(index, {"type": "text", "text": "", "annotations": [], "is_elicitation": False})
        block["text"] += payload.get("text", "")
        block["is_elicitation"] = payload.get("is_elicitation", False)
    elif event == Event.TEXT_ANNOTATION:
        block = blocks.setdefault(index, {"type": "text", "text": "", "annotations": [], "is_elicitation": False})
        block["annotations"].append(payload.get("annotation"))
    elif event == Event.THINKING_DELTA:
        block = blocks.setdefault(index, {"type": "thinking", "thinking": {"text": ""}})
        block["thinking"]["text"] += payload.get("text", "")
    else:
        kind = event.removeprefix("response.")
        fields = {name: value for name, value in payload.items() if name not in _NUMBERS}
        blocks[index] = {"type": kind, **fields} if kind in _INLINE else {"type": kind, kind: fields}


def _payload(frame: Frame) -> Block:
    """The frame's JSON object; of anything else, nothing can be told."""
    try:
        payload = json.loads(frame.payload)
    except ValueError:
        return {}
    return payload if isinstance(payload, dict) else {}
