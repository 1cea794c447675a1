"""Faults: each takes the plan of an answer and returns another.

A plan says what will be sent and when; a fault is a pure change of it, so faults compose and can be tested without a
socket. A fault that cannot apply to a plan raises, it never passes silently. Its milliseconds are real time: a pace
scales what was recorded, so that a silence stays one at any pace.

`mocks/grammar.py` puts these parts together and says when they are played.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import random
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, RootModel, field_validator, model_validator
from pydantic_core import from_json

from contracts.cortex import DONE, REQUEST_ID_HEADER, Event
from mocks.answers import ANSWERS
from mocks.cassette import FRAME_ENDS, Frame, Frames, ResponseHead, names_event_stream, sendable
from mocks.replay import Live
from mocks.strict import Strict, hint

REQUEST, HEAD, ANY = "request", "head", "*"
"""Places that are no event: the request, the status line with its headers, and any event at all."""

MAX_MS = 3_600_000
MAX_COUNT = 100_000
MAX_COMMENTS = 10_000
MAX_PIECES = 10_000
MAX_STEP_WAIT_S = 600
CHARS_PER_TOKEN = 4

Ms = Annotated[float, Field(ge=0, le=MAX_MS, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=MAX_COUNT)]

_DATA = re.compile(rb"(?:^|[\r\n])data: ?([^\r\n]*)")
_CODE_POINT = re.compile(rb"[\xc2-\xf4][\x80-\xbf]+")


class FaultDoesNotApplyError(Exception):
    """The fault names a place that this answer does not have."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An answer about to be played.

    headers: by lower-case name; plans share them, so another header means another plan.   headers_delay_ms: silence
    before the status line, in real time.   ends: 'clean' closes the body properly, 'cut' drops the connection in the
    middle of it, 'reset' does so with a TCP reset.   has_head: whether so much as a status line is sent.   announced:
    the content type that is told instead of the right one.   step_wait_s: frames leave step by step, each waited for at
    most so long.   step: waits for one.   finish: makes the form that the client asked for, once every fault is in.
    live: may change the rest while it is played.
    """

    status: int
    headers: Mapping[str, str]
    frames: tuple[Frame, ...]
    headers_delay_ms: float = 0.0
    ends: Literal["clean", "cut", "reset"] = "clean"
    finish: Callable[[Plan], Plan] | None = None
    has_head: bool = True
    announced: str | None = None
    step_wait_s: float | None = None
    step: Callable[[], Awaitable[bool]] | None = None
    live: Live | None = None

    @classmethod
    def of(cls, response: ResponseHead, frames: Sequence[Frame]) -> Plan:
        """The plan that plays a recorded response as it was."""
        return cls(response.status, response.by_lower_name, Frames.of(frames))

    def labelled(self, name: str, value: str) -> Plan:
        """The same with another header, or with another value for it."""
        return dataclasses.replace(self, headers={**self.headers, name: value})

    @property
    def is_event_stream(self) -> bool:
        """Whether the frames are events, which leave one by one; any other body leaves whole."""
        return names_event_stream(self.headers.get("content-type", ""))

    @property
    def sent_headers(self) -> Mapping[str, str]:
        """The headers as the client sees them."""
        return self.headers if self.announced is None else {**self.headers, "content-type": self.announced}


# --- where


class _Place(Strict):
    """A place in a stream: behind an event, or in front of one."""

    after: str | None = Field(
        default=None, description="name of the event behind which it happens; `head`: before the first event; `*`: any"
    )
    before: str | None = Field(default=None, description="instead of `after`: name of the event in front of which")
    count: Count = Field(default=1, description="the how-manieth event of that name")
    ends_stream: ClassVar[bool] = False

    @model_validator(mode="after")
    def _is_one_place(self) -> _Place:
        if (self.after is None) == (self.before is None):
            raise ValueError("name one place: 'after' an event or 'before' one")
        if self.after == REQUEST and not self.ends_stream:
            raise ValueError("only an end can come right after the request; for a silence there, use delay.headers_ms")
        return self

    def index(self, frames: Sequence[Frame]) -> int:
        """Index of the frame behind which the place is; -1 before the first.   Raises: FaultDoesNotApplyError."""
        if self.after in (HEAD, REQUEST):
            return -1
        if self.after is not None:
            return _nth(frames, self.after, self.count)
        return _nth(frames, self.before or "", self.count) - 1


class _Which(Strict):
    """One event of a name, or all of them."""

    event: str = Field(description="name of the event; `*`: any")
    count: Count = Field(default=1, description="the how-manieth of that name")
    all: bool = Field(default=False, description="every one of that name, instead of one")

    def indices(self, frames: Sequence[Frame]) -> list[int]:
        """Where they are.   Raises: FaultDoesNotApplyError when there is none."""
        first = _nth(frames, self.event, self.count)
        return _named(frames, self.event) if self.all else [first]


def _named(frames: Sequence[Frame], name: str) -> list[int]:
    names = Frames.of(frames).names
    return [index for index, each in enumerate(names) if each == name or (name == ANY and each)]


def _nth(frames: Sequence[Frame], name: str, count: int) -> int:
    found = _named(frames, name)
    if len(found) < count:
        raise FaultDoesNotApplyError(f"event {name!r} occurs {len(found)} times here, the fault needs {count}")
    return found[count - 1]


# --- another answer


class Respond(Strict):
    """Another answer altogether: one by name, or a status with a JSON document or a text, as HTML."""

    like: str | None = Field(default=None, description="name of an answer; what else is given here replaces its parts")
    status: int | None = Field(default=None, ge=200, le=599, description="required without `like`")
    headers: dict[str, str] = Field(default_factory=dict, description="in plain ASCII; those of transport are not ours")
    json_body: dict[str, object] | None = Field(default=None, alias="json", description="the body as a document")
    text: str | None = Field(default=None, description="the body as a text, HTML unless the headers say otherwise")

    _sendable = field_validator("headers")(sendable)

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, given: Any) -> Any:
        return {"like": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _is_one_answer(self) -> Respond:
        if self.json_body is not None and self.text is not None:
            raise ValueError("an answer has a body of json or of text, not both")
        if self.like is None and self.status is None:
            raise ValueError("give a status, or the name of an answer as 'like'")
        if self.like is not None and self.like not in ANSWERS:
            raise ValueError(f"no answer is called {self.like!r}{hint(self.like, ANSWERS)}")
        return self

    def apply(self, plan: Plan) -> Plan:
        """Replace the recorded answer; the request id stays."""
        name = REQUEST_ID_HEADER.lower()
        body = self._body(plan.headers.get(name))
        kind = "text/html" if isinstance(body, str) else "application/json"
        kept = {name: plan.headers[name]} if name in plan.headers else {}
        headers = {**kept, "content-type": kind, **_lower(self.headers)}
        data = body if isinstance(body, str) else json.dumps(body)
        status = self.status if self.status is not None else ANSWERS[self.like or ""].status
        return dataclasses.replace(plan, status=status, headers=headers, frames=(Frame(0.0, data.encode()),))

    def _body(self, request_id: str | None) -> dict[str, object] | str:
        if self.json_body is not None:
            return self.json_body
        if self.text is not None or self.like is None:
            return self.text or ""
        return ANSWERS[self.like].body(request_id)


class ContentType(RootModel[str]):
    """The answer is announced as something else than it is; its bytes stay."""

    model_config = ConfigDict(frozen=True)

    @field_validator("root")
    @classmethod
    def _is_sendable(cls, kind: str) -> str:
        return sendable({"content-type": kind})["content-type"]

    def apply(self, plan: Plan) -> Plan:
        """Announce it so."""
        return dataclasses.replace(plan, announced=self.root)


# --- other frames


class Drop(_Which):
    """An event does not arrive; the others keep their times."""

    def apply(self, plan: Plan) -> Plan:
        """Leave it out."""
        gone = set(self.indices(plan.frames))
        return dataclasses.replace(plan, frames=tuple(each for at, each in enumerate(plan.frames) if at not in gone))


class Duplicate(_Which):
    """An event arrives twice, at once."""

    def apply(self, plan: Plan) -> Plan:
        """Double it."""
        doubled = set(self.indices(plan.frames))
        frames = ((each, each) if at in doubled else (each,) for at, each in enumerate(plan.frames))
        return dataclasses.replace(plan, frames=tuple(itertools.chain.from_iterable(frames)))


class Reorder(Strict):
    """An event arrives later than those that should follow it; the times stay where they were."""

    event: str = Field(description="name of the event; `*`: any")
    count: Count = Field(default=1, description="the how-manieth of that name")
    by: Count = Field(default=1, description="how many frames later it comes")

    def apply(self, plan: Plan) -> Plan:
        """Move its bytes."""
        place = _nth(plan.frames, self.event, self.count)
        if place + self.by >= len(plan.frames):
            follow = len(plan.frames) - 1 - place
            raise FaultDoesNotApplyError(f"{follow} frames follow event {self.event!r}, the fault needs {self.by}")
        contents = [(frame.data, frame.cut) for frame in plan.frames]
        contents.insert(place + self.by, contents.pop(place))
        moved = zip(plan.frames, contents, strict=True)
        frames = (dataclasses.replace(frame, data=data, cut=cut) for frame, (data, cut) in moved)
        return dataclasses.replace(plan, frames=tuple(frames))


class Corrupt(_Which):
    """The data of an event is broken, its frame is whole."""

    how: Literal["json", "utf8", "empty"] = Field(
        default="json", description="`json`: the second half is missing; `utf8`: a byte that is none; `empty`: no data"
    )

    def apply(self, plan: Plan) -> Plan:
        """Break it."""
        frames = list(plan.frames)
        for index in self.indices(frames):
            frames[index] = dataclasses.replace(frames[index], data=self._broken(frames[index].data), cut=())
        return dataclasses.replace(plan, frames=tuple(frames))

    def _broken(self, data: bytes) -> bytes:
        found = _DATA.search(data)
        if found is None or not found[1]:
            raise FaultDoesNotApplyError(f"event {self.event!r} has no data that could be broken")
        start, end = found.span(1)
        middle = start + (end - start) // 2
        kept = {"json": data[start:middle], "utf8": data[start:middle] + b"\xff" + data[middle:end], "empty": b""}
        return data[:start] + kept[self.how] + data[end:]


class Insert(_Place):
    """A foreign frame: an event name nobody knows, a comment, an `id:` or `retry:` line."""

    frame: str = Field(description="the frame as it is sent, its blank line included")

    @field_validator("frame")
    @classmethod
    def _is_whole(cls, frame: str) -> str:
        if not frame.encode().endswith(FRAME_ENDS):
            raise ValueError("a frame ends with a blank line, or it would glue to the next")
        return frame

    def apply(self, plan: Plan) -> Plan:
        """Put the frame in, due together with the one before it."""
        last = self.index(plan.frames)
        new = dataclasses.replace(_frame_at(plan, last), data=self.frame.encode(), cut=())
        return dataclasses.replace(plan, frames=(*plan.frames[: last + 1], new, *plan.frames[last + 1 :]))


class Fail(_Place):
    """The run fails in mid-stream: an `error` event says so, then comes `done`."""

    code: str = Field(default="399504", pattern=r"^[0-9]{1,12}$", description="of the error")
    message: str = Field(default="Error during execution", description="of the error")

    def apply(self, plan: Plan) -> Plan:
        """End with the two events, due together with the one before them."""
        last = self.index(plan.frames)
        if not plan.is_event_stream:
            raise FaultDoesNotApplyError("only an event stream can fail in its middle")
        error = {"code": self.code, "error_code": self.code, "message": self.message}
        request_id = plan.headers.get(REQUEST_ID_HEADER.lower())
        data = json.dumps(error if request_id is None else {**error, "request_id": request_id}, separators=(",", ":"))
        texts = f"event: {Event.ERROR}\ndata: {data}\n\n", f"event: {Event.DONE}\ndata: {DONE}\n\n"
        at = _frame_at(plan, last)
        ending = (dataclasses.replace(at, data=text.encode(), cut=()) for text in texts)
        return dataclasses.replace(plan, frames=(*plan.frames[: last + 1], *ending))


class Expire(Fail):
    """The credential expires in mid-stream: the run ends with an `error` event that says so, then `done`."""

    code: str = Field(default="390114", pattern=r"^[0-9]{1,12}$", description="of the error")
    message: str = Field(default=ANSWERS["token_expired"].message, description="of the error")


class Heartbeat(_Place):
    """No events any more, only comments; then the body ends properly."""

    every_ms: float = Field(ge=1, le=MAX_MS, allow_inf_nan=False, description="between two comments")
    comments: int = Field(ge=1, le=MAX_COMMENTS, description="how many")
    text: str = Field(default="keep-alive", pattern=r"^[^\r\n]*$", description="of each comment")

    def apply(self, plan: Plan) -> Plan:
        """Put comments in the place of everything that follows."""
        last = self.index(plan.frames)
        base, data = _frame_at(plan, last), f": {self.text}\n\n".encode()
        beats = (
            dataclasses.replace(base, data=data, cut=(), held_ms=base.held_ms + number * self.every_ms)
            for number in range(1, self.comments + 1)
        )
        return dataclasses.replace(plan, frames=(*plan.frames[: last + 1], *beats))


class LineEnds(RootModel[Literal["crlf", "cr"]]):
    """Lines end as the specification allows and Snowflake does not: with CR LF, or with CR alone."""

    model_config = ConfigDict(frozen=True)

    def apply(self, plan: Plan) -> Plan:
        """Write them so."""
        if not plan.is_event_stream:
            raise FaultDoesNotApplyError("only an event stream has line ends")
        end = b"\r\n" if self.root == "crlf" else b"\r"
        frames = (
            dataclasses.replace(frame, data=frame.data.replace(b"\r\n", b"\n").replace(b"\n", end), cut=())
            for frame in plan.frames
        )
        return dataclasses.replace(plan, frames=tuple(frames))


class Split(Strict):
    """Frames arrive in pieces, wherever that cuts a line, an escape or a character."""

    every_bytes: int = Field(ge=1, le=1024 * 1024, description="size of a piece")

    def apply(self, plan: Plan) -> Plan:
        """Divide each frame."""
        if not plan.is_event_stream:
            raise FaultDoesNotApplyError("only an event stream arrives in pieces of a chosen size")
        pieces = sum(math.ceil(len(frame.data) / self.every_bytes) for frame in plan.frames)
        if pieces > MAX_PIECES:
            raise FaultDoesNotApplyError(f"it would make {pieces} pieces, at most {MAX_PIECES} are played")
        frames = (
            dataclasses.replace(frame, cut=tuple(range(self.every_bytes, len(frame.data), self.every_bytes)))
            for frame in plan.frames
        )
        return dataclasses.replace(plan, frames=tuple(frames))


# --- other times


class Pace(RootModel[Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]]):
    """The answer is slower or faster than recorded, by a factor; it multiplies the pace that was asked for."""

    model_config = ConfigDict(frozen=True)

    def apply(self, plan: Plan) -> Plan:
        """Stretch the recorded times."""
        frames = (_retimed(frame, frame.at_ms * self.root, frame.held_ms) for frame in plan.frames)
        return dataclasses.replace(plan, frames=tuple(frames))


class Rate(Strict):
    """Deltas arrive at so many tokens a second, at any pace; what lies between other events stays as recorded."""

    tokens_per_s: float = Field(gt=0, le=100_000, allow_inf_nan=False, description="a token is taken as 4 characters")
    jitter: float = Field(default=0, ge=0, le=1, allow_inf_nan=False, description="spread of each gap: 0.2 is ±20 %")
    seed: int = Field(default=0, description="of the jitter; the same seed gives the same gaps")
    event: str = Field(default=Event.TEXT_DELTA.value, description="name of the deltas")

    def apply(self, plan: Plan) -> Plan:
        """Give every delta its time, counted from the frame before it."""
        _nth(plan.frames, self.event, 1)
        dice, frames = random.Random(self.seed), list[Frame]()  # noqa: S311 - repeatable, not secret
        at_ms, held_ms, before = 0.0, 0.0, Frame(0.0, b"")
        for frame, name in zip(plan.frames, Frames.of(plan.frames).names, strict=True):
            if name == self.event:
                held_ms += (
                    self._tokens(frame) / self.tokens_per_s * 1000 * dice.uniform(1 - self.jitter, 1 + self.jitter)
                )
            else:
                at_ms += frame.at_ms - before.at_ms
                held_ms += frame.held_ms - before.held_ms
            frames.append(_retimed(frame, at_ms, held_ms))
            before = frame
        return dataclasses.replace(plan, frames=tuple(frames))

    @staticmethod
    def _tokens(frame: Frame) -> int:
        try:
            text = from_json(frame.payload)["text"]
        except (ValueError, KeyError, TypeError):
            text = ""  # a delta of another format counts as one token
        return max(math.ceil(len(text) / CHARS_PER_TOKEN), 1) if isinstance(text, str) else 1


class Stall(_Place):
    """The stream falls silent for so many milliseconds of real time, then goes on."""

    ms: float = Field(gt=0, le=MAX_MS, allow_inf_nan=False, description="how long")

    def apply(self, plan: Plan) -> Plan:
        """Hold back everything behind the place."""
        last = self.index(plan.frames)
        return dataclasses.replace(plan, frames=plan.frames[: last + 1] + _held(plan.frames[last + 1 :], self.ms))


class Delay(Strict):
    """Silence before the status line, between it and the first frame, between frames; a JSON answer has all of it
    before its status."""

    headers_ms: Ms = Field(default=0, description="before the status line")
    first_frame_ms: Ms = Field(default=0, description="between the headers and the first frame")
    between_frames_ms: Ms = Field(default=0, description="in front of every frame but the first, on top of its time")

    def apply(self, plan: Plan) -> Plan:
        """Hold back the head, the frames or both."""
        first_ms = self.headers_ms + self.first_frame_ms
        frames = (
            _retimed(frame, frame.at_ms, frame.held_ms + first_ms + number * self.between_frames_ms)
            for number, frame in enumerate(plan.frames)
        )
        delay_ms = plan.headers_delay_ms + self.headers_ms
        return dataclasses.replace(plan, frames=tuple(frames), headers_delay_ms=delay_ms)


class Step(Strict):
    """Frames leave one by one, each when `POST /__mock/step` allows it; their times count for nothing."""

    wait_s: float = Field(
        default=30, gt=0, le=MAX_STEP_WAIT_S, allow_inf_nan=False, description="then the body ends where it is"
    )

    def apply(self, plan: Plan) -> Plan:
        """Make the player wait for steps."""
        return dataclasses.replace(plan, step_wait_s=self.wait_s)


# --- other ends


class Cut(_Place):
    """The connection ends at a place, or inside the frame that follows it; with `after: request`, without an answer."""

    inside_bytes: int = Field(default=0, ge=0, description="so many bytes of the frame that follows still arrive")
    inside_code_point: bool = Field(
        default=False, description="cut behind the first byte of the next character that has several"
    )
    clean: bool = Field(default=False, description="end the body properly instead of dropping the connection")
    ends_stream: ClassVar[bool] = True

    @model_validator(mode="after")
    def _has_one_end(self) -> Cut:
        if self.inside_bytes and self.inside_code_point:
            raise ValueError("cut inside_bytes or inside_code_point, not both")
        if self.after == REQUEST and (self.inside_bytes or self.inside_code_point or self.clean):
            raise ValueError("right after the request there is nothing yet to cut inside or to end properly")
        return self

    def apply(self, plan: Plan) -> Plan:
        """Drop everything behind the place."""
        last = self.index(plan.frames)
        kept, rest = plan.frames[: last + 1], plan.frames[last + 1 :]
        if self.inside_bytes:
            kept += (_shortened(rest, self.inside_bytes),)
        elif self.inside_code_point:
            kept += _up_to_half_a_character(rest)
        ends: Literal["clean", "cut"] = "clean" if self.clean else "cut"
        return dataclasses.replace(plan, frames=kept, ends=ends, has_head=self.after != REQUEST)


class Reset(_Place):
    """The connection is reset (TCP RST) at a place; with `after: request`, without an answer."""

    ends_stream: ClassVar[bool] = True

    def apply(self, plan: Plan) -> Plan:
        """Drop everything behind the place."""
        kept = plan.frames[: self.index(plan.frames) + 1]
        return dataclasses.replace(plan, frames=kept, ends="reset", has_head=self.after != REQUEST)


def _shortened(rest: Sequence[Frame], size: int) -> Frame:
    if not rest or size >= len(rest[0].data):
        raise FaultDoesNotApplyError(f"no frame of more than {size} bytes follows to cut inside")
    return dataclasses.replace(rest[0], data=rest[0].data[:size], cut=())


def _up_to_half_a_character(rest: Sequence[Frame]) -> tuple[Frame, ...]:
    for index, frame in enumerate(rest):
        if (found := _CODE_POINT.search(frame.data)) is not None:
            half = dataclasses.replace(frame, data=frame.data[: found.start() + 1], cut=())
            return (*rest[:index], half)
    raise FaultDoesNotApplyError("no character of several bytes follows to cut inside")


def _frame_at(plan: Plan, index: int) -> Frame:
    """The frame of an index; for -1, one that is due with the head."""
    return plan.frames[index] if index >= 0 else Frame(0.0, b"", held_ms=plan.headers_delay_ms)


def _held(frames: Sequence[Frame], ms: float) -> tuple[Frame, ...]:
    return tuple([_retimed(frame, frame.at_ms, frame.held_ms + ms) for frame in frames])


def _retimed(frame: Frame, at_ms: float, held_ms: float) -> Frame:
    # As `dataclasses.replace`, at a fifth of its cost: all frames of an answer pass here, on the event loop.
    return Frame(at_ms, frame.data, frame.cut, held_ms)


def _lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
