"""Faults: each takes the plan of an answer and returns another.

A plan says what will be sent and when; a fault is a pure change of it, so faults compose and can be tested without a
socket. A fault that cannot apply to a plan raises, it never passes silently. Its milliseconds are real time: a pace
scales what was recorded, so that a silence stays one at any pace.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, field_validator, model_validator

from contracts.cortex import REQUEST_ID_HEADER
from mocks.cassette import FRAME_ENDS, Frame, ResponseHead, is_event_stream, sendable
from mocks.strict import Strict


class FaultDoesNotApplyError(Exception):
    """The fault names a place that this answer does not have."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An answer about to be played.

    headers: by lower-case name.   headers_delay_ms: silence before the status line, in real time.   ends: 'clean'
    closes the body properly, 'cut' drops the connection in the middle of it.   finish: makes the form that the client
    asked for, once every fault is in.
    """

    status: int
    headers: dict[str, str]
    frames: tuple[Frame, ...]
    headers_delay_ms: float = 0.0
    ends: Literal["clean", "cut"] = "clean"
    finish: Callable[[Plan], Plan] | None = None

    @classmethod
    def of(cls, response: ResponseHead, frames: Sequence[Frame]) -> Plan:
        """The plan that plays a recorded response as it was."""
        return cls(response.status, _lower(response.headers), tuple(frames))

    @property
    def is_event_stream(self) -> bool:
        """Whether the frames are events, which leave one by one; any other body leaves whole."""
        return is_event_stream(self.headers)


class _AfterEvent(Strict):
    """A place in a stream: after the `count`-th event of a name."""

    after: str
    count: int = Field(default=1, ge=1)

    def index(self, frames: Sequence[Frame]) -> int:
        """Index of the frame at that place.   Raises: FaultDoesNotApplyError."""
        seen = 0
        for index, frame in enumerate(frames):
            seen += frame.event == self.after
            if seen == self.count:
                return index
        raise FaultDoesNotApplyError(f"event {self.after!r} occurs {seen} times here, the fault needs {self.count}")


class Cut(_AfterEvent):
    """The connection ends after an event, or with `inside_bytes` so many bytes into the frame that follows."""

    inside_bytes: int = Field(default=0, ge=0)
    clean: bool = Field(default=False, description="end the body properly instead of dropping the connection")

    def apply(self, plan: Plan) -> Plan:
        """Drop everything behind the place."""
        last = self.index(plan.frames)
        kept = plan.frames[: last + 1]
        if self.inside_bytes:
            if last + 1 == len(plan.frames) or self.inside_bytes >= len(plan.frames[last + 1].data):
                raise FaultDoesNotApplyError(f"no frame of more than {self.inside_bytes} bytes follows to cut inside")
            broken = plan.frames[last + 1]
            kept += (dataclasses.replace(broken, data=broken.data[: self.inside_bytes], cut=()),)
        return dataclasses.replace(plan, frames=kept, ends="clean" if self.clean else "cut")


class Stall(_AfterEvent):
    """The stream falls silent after an event for so many milliseconds of real time, then goes on."""

    ms: float = Field(gt=0)

    def apply(self, plan: Plan) -> Plan:
        """Hold back everything behind the place."""
        last = self.index(plan.frames)
        return dataclasses.replace(plan, frames=plan.frames[: last + 1] + _held(plan.frames[last + 1 :], self.ms))


class Delay(Strict):
    """Silence before the status line, or between it and the first frame; a JSON answer has both before its status."""

    headers_ms: float = Field(default=0, ge=0)
    first_frame_ms: float = Field(default=0, ge=0)

    def apply(self, plan: Plan) -> Plan:
        """Hold back the head, the frames or both."""
        frames = _held(plan.frames, self.headers_ms + self.first_frame_ms)
        return dataclasses.replace(plan, frames=frames, headers_delay_ms=plan.headers_delay_ms + self.headers_ms)


class Respond(Strict):
    """Another answer altogether: a status with a JSON document or a text, as HTML."""

    status: int = Field(ge=200, le=599)
    headers: dict[str, str] = Field(default_factory=dict)
    json_body: dict[str, object] | None = Field(default=None, alias="json")
    text: str | None = None

    _sendable = field_validator("headers")(sendable)

    @model_validator(mode="after")
    def _has_one_body(self) -> Respond:
        if self.json_body is not None and self.text is not None:
            raise ValueError("an answer has a body of json or of text, not both")
        return self

    def apply(self, plan: Plan) -> Plan:
        """Replace the recorded answer; the request id stays."""
        if self.json_body is not None:
            kind, body = "application/json", json.dumps(self.json_body).encode()
        else:
            kind, body = "text/html", (self.text or "").encode()
        kept = {name: value for name, value in plan.headers.items() if name == REQUEST_ID_HEADER.lower()}
        headers = {**kept, "content-type": kind, **_lower(self.headers)}
        return dataclasses.replace(plan, status=self.status, headers=headers, frames=(Frame(0.0, body),))


class Insert(_AfterEvent):
    """A foreign frame after an event: an event name nobody knows, or a comment."""

    frame: str

    @field_validator("frame")
    @classmethod
    def _is_whole(cls, frame: str) -> str:
        if not frame.encode().endswith(FRAME_ENDS):
            raise ValueError("a frame ends with a blank line, or it would glue to the next")
        return frame

    def apply(self, plan: Plan) -> Plan:
        """Put the frame in, due together with the one before it."""
        last = self.index(plan.frames)
        new = dataclasses.replace(plan.frames[last], data=self.frame.encode(), cut=())
        return dataclasses.replace(plan, frames=(*plan.frames[: last + 1], new, *plan.frames[last + 1 :]))


class Fault(Strict):
    """A composition: every part given is applied, in the order of the fields here."""

    respond: Respond | None = None
    insert: Insert | None = None
    stall: Stall | None = None
    delay: Delay | None = None
    cut: Cut | None = None

    @model_validator(mode="after")
    def _names_something(self) -> Fault:
        if all(getattr(self, name) is None for name in type(self).model_fields):
            raise ValueError(f"a fault names at least one of: {', '.join(type(self).model_fields)}")
        return self

    def apply(self, plan: Plan) -> Plan:
        """The plan with every part applied.   Raises: FaultDoesNotApplyError."""
        for part in (self.respond, self.insert, self.stall, self.delay, self.cut):
            plan = part.apply(plan) if part is not None else plan
        return plan


def _held(frames: Sequence[Frame], ms: float) -> tuple[Frame, ...]:
    return tuple(dataclasses.replace(frame, held_ms=frame.held_ms + ms) for frame in frames)


def _lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
