"""A run's events as a plan, for answers that are made here instead of recorded."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from contracts.cortex import DONE, EVENT_STREAM, Event
from mocks.cassette import Frame, Frames
from mocks.faults import Plan


def event_frame(name: str, payload: Mapping[str, Any]) -> bytes:
    """One SSE frame; keys in alphabetical order, as in the documentation's raw examples."""
    data = json.dumps(payload, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"event: {name}\ndata: {data}\n\n".encode()


def played(events: Iterable[tuple[str, Mapping[str, Any]]], step_ms: float, **headers: str) -> Plan:
    """The stream of these events: numbered from 1, one every `step_ms`, and at last `done`."""
    frames = [
        Frame(number * step_ms, event_frame(name, {**payload, "sequence_number": number}))
        for number, (name, payload) in enumerate(events, start=1)
    ]
    frames.append(Frame(frames[-1].at_ms if frames else 0.0, f"event: {Event.DONE}\ndata: {DONE}\n\n".encode()))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Plan(200, {"content-type": EVENT_STREAM, **named}, Frames(frames))
