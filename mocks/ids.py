"""The ids of a thread in an answer's frames: found in what was recorded, replaced for a thread that was created here.

Only the ids change: `metadata` of the `metadata` events and of the final `response`. Every other byte stays as it was
recorded. An answer recorded outside a thread gets what a thread adds, in the places where servers send it: a `metadata`
event first, another before the `response`, ids in its `metadata`; its sequence numbers move up to make room.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.cortex import Event
from mocks.cassette import Frame

MAX_TAPES = 1024
"""How many answers' places are remembered; finding them means reading every payload once."""

_DATA = re.compile(rb"(?:^|[\r\n])data: ?([^\r\n]*)")
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()
_Edit = tuple[int, int, bytes | str]
"""Where it begins and ends, and what goes there: bytes, or the id of that name."""

_ROLES = {"user": "user_message_id", "assistant": "assistant_message_id"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run stands: its thread, the question's message and the answer's."""

    thread_id: int
    user_message_id: int
    assistant_message_id: int

    @property
    def run_id(self) -> str:
        """The run's id, built as servers build it."""
        return f"{self.thread_id}-{self.user_message_id}"

    def as_json(self) -> dict[str, int | str]:
        """The ids as the final object carries them."""
        return {
            "assistant_message_id": self.assistant_message_id,
            "run_id": self.run_id,
            "thread_id": self.thread_id,
            "user_message_id": self.user_message_id,
        }


@dataclass(frozen=True, slots=True)
class Tape:
    """What an answer's frames say about a run.

    frames: as recorded.   numbers: each frame's `sequence_number`, None where it has none.   ids: those recorded, by
    the names the final object gives them.   final: the `response`, or the `error` in its stead.   waits: whether the
    run ends with a call that the client has to run or to permit.
    """

    frames: tuple[Frame, ...]
    numbers: tuple[int | None, ...]
    ids: Mapping[str, int | str]
    final: Frame | None
    waits: bool
    _slots: tuple[_Slot, ...] = dataclasses.field(repr=False)

    @property
    def is_run(self) -> bool:
        """Whether this is an agent's answer in the current format: only that can stand in a thread."""
        return self.final is not None or bool(self.ids)

    def at(self, place: Place | None) -> tuple[Frame, ...]:
        """The frames with the ids of another place; those recorded when it is None."""
        if place is None:
            return self.frames
        ids = {name: json.dumps(value).encode() for name, value in place.as_json().items()}
        return tuple(_filled(slot, ids) if slot.parts else slot.frame for slot in self._slots)

    def numbers_at(self, place: Place | None) -> tuple[int | None, ...]:
        """The `sequence_number` of each frame of `at`."""
        return self.numbers if place is None else tuple(slot.number for slot in self._slots)


@dataclass(frozen=True, slots=True)
class _Slot:
    """A frame as it is sent in a created thread. parts: its bytes, with the name of an id where that goes; empty when
    the frame stays as it is.
    """

    frame: Frame
    number: int | None
    parts: tuple[bytes | str, ...] = ()


@functools.lru_cache(maxsize=MAX_TAPES)
def read(frames: tuple[Frame, ...]) -> Tape:
    """The tape of an answer. Reads every payload, so the first time may take milliseconds."""
    payloads = [_Payload.of(frame) for frame in frames]
    ids: dict[str, int | str] = {}
    for payload in payloads:
        ids |= payload.ids()
    final = next((index for index, each in enumerate(payloads) if each.ends_run), None)
    return Tape(
        frames,
        tuple(payload.sequence for payload in payloads),
        ids,
        None if final is None else frames[final],
        any(payload.waits for payload in payloads),
        tuple(_slots(payloads, final)),
    )


@dataclass(frozen=True, slots=True)
class _Payload:
    """One frame, its JSON, and where the members of that lie. No members: nothing here is replaced."""

    frame: Frame
    text: str = ""
    start: int = 0
    members: Mapping[str, tuple[int, int]] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, frame: Frame) -> _Payload:
        found = list(_DATA.finditer(frame.data))
        if len(found) != 1:
            return cls(frame)
        try:
            text = found[0][1].decode()
            return cls(frame, text, found[0].start(1), {name: (at, end) for name, at, end in _members(text, 0)})
        except ValueError:
            return cls(frame)

    @property
    def sequence(self) -> int | None:
        number = self.value("sequence_number")
        return number if isinstance(number, int) else None

    @property
    def ends_run(self) -> bool:
        """Whether this is the final object, or the error in its stead; a broken payload is neither."""
        return self.frame.event in (Event.RESPONSE, Event.ERROR) and bool(self.members)

    @property
    def waits(self) -> bool:
        """Whether this calls a tool that the client has to run, or to permit."""
        if self.frame.event != Event.TOOL_USE:
            return False
        return self.value("client_side_execute") in (True, "true") or bool(self.value("permission"))

    def value(self, name: str) -> Any:
        if name not in self.members:
            return None
        start, end = self.members[name]
        return json.loads(self.text[start:end])

    def metadata(self) -> dict[str, tuple[int, int]]:
        """The members of the `metadata` object, where this frame's is about ids."""
        if self.frame.event not in (Event.METADATA, Event.RESPONSE) or "metadata" not in self.members:
            return {}
        try:
            return {name: (at, end) for name, at, end in _members(self.text, self.members["metadata"][0])}
        except ValueError:
            return {}

    def ids(self) -> dict[str, int | str]:
        """The ids that this frame tells, by the names of the final object."""
        values = {name: json.loads(self.text[start:end]) for name, (start, end) in self.metadata().items()}
        if (named := _ROLES.get(values.get("role", ""))) is not None:
            values[named] = values.get("message_id")
        names = ("thread_id", "run_id", *_ROLES.values())
        return {name: values[name] for name in names if isinstance(values.get(name), int | str)}

    def places(self) -> list[tuple[int, int, str]]:
        """Where the ids lie in the text, in order."""
        found = self.metadata()
        role = json.loads(self.text[slice(*found["role"])]) if "role" in found else ""
        names = {"thread_id": "thread_id", "run_id": "run_id", **{each: each for each in _ROLES.values()}}
        if role in _ROLES:
            names["message_id"] = _ROLES[role]
        return sorted((*found[name], names[name]) for name in found if name in names)

    def replaced(self, edits: Sequence[_Edit]) -> tuple[bytes | str, ...]:
        """The frame's bytes in pieces, an id's name where the id goes.

        edits: ascending; what stands between the first two is replaced by bytes, or by the id of that name.
        """
        parts: list[bytes | str] = [self.frame.data[: self.start]]
        position = 0
        for start, end, value in edits:
            parts += [self.text[position:start].encode(), value]
            position = end
        parts += [self.text[position:].encode(), self.frame.data[self.start + len(self.text.encode()) :]]
        return tuple(parts)


def _members(text: str, start: int) -> Iterator[tuple[str, int, int]]:
    """Name, start and end of the value of each member of the JSON object at `start`.   Raises: ValueError."""
    position = _skip(text, start)
    if text[position : position + 1] != "{":
        raise ValueError("no JSON object")
    position = _skip(text, position + 1)
    while text[position : position + 1] == '"':
        name, position = _DECODER.raw_decode(text, position)
        position = _skip(text, position)
        begins = _skip(text, position + 1)  # behind the colon, which the decoder of the whole has seen
        _, position = _DECODER.raw_decode(text, begins)
        yield name, begins, position
        position = _skip(text, position)
        if text[position : position + 1] == ",":
            position = _skip(text, position + 1)
    if text[position : position + 1] != "}":
        raise ValueError("the JSON object does not end")


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _slots(payloads: Sequence[_Payload], final: int | None) -> Iterator[_Slot]:
    if any(each.places() for each in payloads):
        for each in payloads:
            places = each.places()
            yield _Slot(each.frame, each.sequence, each.replaced(places) if places else ())
    elif final is None:
        yield from (_Slot(each.frame, each.sequence) for each in payloads)
    else:
        yield from _with_thread(payloads, final)


def _with_thread(payloads: Sequence[_Payload], final: int) -> Iterator[_Slot]:
    """What a thread adds to an answer recorded without one."""
    first = next((each.sequence for each in payloads if each.sequence is not None), 1)
    yield _metadata_event("user", payloads[0].frame, first)
    for each in payloads[:final]:
        yield _moved_up(each, 1)
    answer = payloads[final]
    if answer.frame.event == Event.ERROR:
        yield from (_moved_up(each, 1) for each in payloads[final:])
        return
    yield _metadata_event("assistant", answer.frame, (answer.sequence or first) + 1)
    yield _moved_up(answer, 2, _given_ids(answer))
    yield from (_moved_up(each, 2) for each in payloads[final + 1 :])


def _metadata_event(role: str, beside: Frame, number: int) -> _Slot:
    parts: tuple[bytes | str, ...] = (
        b'event: metadata\ndata: {"metadata":{"message_id":',
        _ROLES[role],
        b',"role":"%b","run_id":' % role.encode(),
        "run_id",
        b'},"sequence_number":%d}\n\n' % number,
    )
    return _Slot(Frame(beside.at_ms, b""), number, parts)


def _moved_up(payload: _Payload, by: int, edits: Sequence[_Edit] = ()) -> _Slot:
    """A frame with its number raised, and other edits."""
    number = payload.sequence
    if number is None:
        return _Slot(payload.frame, None, payload.replaced(edits) if edits else ())
    raised: _Edit = (*payload.members["sequence_number"], b"%d" % (number + by))
    return _Slot(payload.frame, number + by, payload.replaced(sorted([*edits, raised], key=lambda edit: edit[0])))


def _given_ids(payload: _Payload) -> list[_Edit]:
    """The ids, put in front of what `metadata` holds, or in a `metadata` of their own."""
    names = ("assistant_message_id", "run_id", "thread_id", "user_message_id")
    held = payload.members.get("metadata")
    if held is None or payload.text[held[0] : held[0] + 1] != "{":
        at = payload.text.index("{") + 1 if held is None else held[0]
        end = at if held is None else held[1]
        before, after = (b'"metadata":{', b"}," if payload.members else b"}") if held is None else (b"{", b"}")
    else:
        at = end = held[0] + 1
        before, after = b"", b"," if payload.metadata() else b""
    edits: list[_Edit] = []
    for number, name in enumerate(names):
        lead = before if number == 0 else b","
        edits += [(at, at, lead + b'"%b":' % name.encode()), (at, at, name)]
    return [*edits, (at, end, after)]


def _filled(slot: _Slot, ids: Mapping[str, bytes]) -> Frame:
    data = b"".join(part if isinstance(part, bytes) else ids[part] for part in slot.parts)
    return dataclasses.replace(slot.frame, data=data, cut=tuple(cut for cut in slot.frame.cut if cut < len(data)))
