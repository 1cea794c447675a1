"""What was asked, why it was answered so, and when each frame left. Bounded in number and in bytes.

Times named `*_mono_s` are CLOCK_MONOTONIC seconds, comparable between processes of one machine: that is how a
benchmark measures the time from a client's leaving to the mock's noticing.

While an exchange runs, its entry only takes references and numbers; JSON is made when somebody asks for it.
Others follow along through `Journal.on_change`: each listener is called as `listener(change, entry)`, on the event
loop, in the middle of an exchange. So it must be cheap, and must not keep the entry's body. What it raises is told on
stderr and goes no further. The changes of an exchange, each once and in this order:

    opened      its request line is known, nothing else
    answering   everything about the request, the status and the planned frames are known
    ended       outcome, times and frames are final (an exchange that breaks off early was never answering)

The admin's own exchanges are not kept, and nobody is told of them.
"""

from __future__ import annotations

import itertools
import re
import sys
import time
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from mocks.cassette import Frame, Frames
from mocks.redact import headers_without_credentials, text_without_credentials, without_credentials

Outcome = Literal["answered", "refused", "missed", "client_gone", "cut", "failed"]
OUTCOMES: tuple[str, ...] = get_args(Outcome)
Change = Literal["opened", "answering", "ended"]
Listener = Callable[[Change, "Entry"], None]

MAX_CHARS = 500
"""How much of a client's own words an entry keeps."""

MAX_HEADERS = 64
MAX_QUERY_CHARS = 2000
MAX_FRAMES = 2000
"""How many frames of one exchange have a line in its timeline."""

KEPT_BODY_BYTES = 256 * 1024
"""How much of a body is kept for verification."""

SHOWN_BODY_BYTES = 16 * 1024
"""How much of a body is shown."""

DEFAULT_BYTES = 64 * 1024 * 1024

# What things cost in memory, rounded up; `test_the_bytes_that_are_counted_are_those_in_memory` keeps them honest.
_ENTRY_BYTES = 1500
_HEADER_BYTES = 200
_FRAME_BYTES = 32
_EXPLANATION_BYTES = 6000

_TRACE_ID = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_EVENT = re.compile(rb"(?:^|[\r\n])event: ?([^\r\n]{0,100})")
_NAMED_WITHIN_BYTES = 200


@dataclass(slots=True)
class Entry:
    """One exchange. Lateness is how far behind its schedule the latest frame left.

    A frame counts as sent once it is handed to the connection; what a slow client has not read yet is included.

    surface: the part of the wire that answered.   fault: as it was given, with `fault_source` 'scenario', 'header' or
    'admin'.   matched: the fields that were compared, with their values, when a recorded interaction answered.
    nearest: the interactions that almost did, when none answered.
    """

    id: int
    method: str
    path: str
    at: float = field(default_factory=time.time)
    started_mono_s: float = field(default_factory=time.monotonic)
    status: int = 0
    outcome: Outcome | None = None
    user: str | None = None
    test_id: str | None = None
    traceparent: str | None = None
    scenario: str | None = None
    cassette: str | None = None
    interaction: int | None = None
    frames_planned: int = 0
    frames_sent: int = 0
    max_lateness_ms: float = 0.0
    ended_mono_s: float | None = None
    why: str | None = None
    nearest: list[dict[str, Any]] | None = None
    surface: str | None = None
    fault: dict[str, Any] | None = None
    fault_source: str | None = None
    matched: list[dict[str, Any]] | None = None
    query: str = ""
    request_headers: dict[str, str] = field(default_factory=dict)
    request_bytes: int = 0
    _body: bytes = field(default=b"", repr=False)
    _pace: float = 1.0
    _frames: Sequence[Frame] = field(default=(), repr=False)
    _planned_ms: Sequence[float] = field(default=(), repr=False)
    _actual_ms: array[float] | None = field(default=None, repr=False)
    _sizes: Sequence[int] = field(default=(), repr=False)
    _names: tuple[str, ...] = ()
    _journal: Journal | None = field(default=None, repr=False)
    _head_bytes: int = 0
    charged_bytes: int = 0
    """What the journal counts for this entry; 0 once it has let go of it."""

    def came_with(self, headers: Mapping[str, str], query: str) -> None:
        """Note headers (by lower-case name) and query; credentials are not kept."""
        self.request_headers = headers_without_credentials(headers, MAX_HEADERS, MAX_CHARS)
        self.query = text_without_credentials(query[:MAX_QUERY_CHARS]) if query else ""
        texts = len(self.path) + len(self.query) + sum(map(len, self.request_headers.values()))
        self._head_bytes = texts + _HEADER_BYTES * len(self.request_headers)

    def asked_by(self, test_id: str | None, traceparent: str | None) -> None:
        """Note for whom, and within which trace, the exchange runs."""
        self.test_id, self.traceparent = test_id, traceparent and traceparent[:MAX_CHARS]

    def carried(self, body: bytes) -> None:
        """Note the body, without its content encoding."""
        self.request_bytes, self._body = len(body), body[:KEPT_BODY_BYTES]
        if self._journal is not None:
            self._journal.charge(self)

    def answers(self, status: int, frames: Sequence[Frame], pace: float) -> None:
        """Note what will be sent, and tell listeners."""
        self.status, self._pace = status, pace
        self.replanned(frames)
        self._tell("answering")

    def replanned(self, frames: Sequence[Frame]) -> None:
        """Note that other frames will be sent than was planned; those already sent are among them."""
        self.frames_planned, self._frames, self._names = len(frames), frames, ()

    def sent(self, frames: int, now_s: float) -> None:
        """Note that the first `frames` frames are sent, the new ones among them at `now_s` on the monotonic clock."""
        known = self._actual_ms
        fresh = min(frames, MAX_FRAMES) - (0 if known is None else len(known))
        if fresh > 0:
            times = array("d", ((now_s - self.started_mono_s) * 1000,)) * fresh
            if known is None:
                self._actual_ms = times
            else:
                known.extend(times)
        self.frames_sent = frames

    def end(self, outcome: Outcome, why: str | None = None) -> None:
        """Say how the exchange ends; only the first word counts. What explains a refusal may still have to be sent."""
        if self.outcome is None:
            self.outcome, self.why = outcome, why and why[:MAX_CHARS]

    def close(self, outcome: Outcome, why: str | None = None) -> None:
        """The exchange is over, with this outcome if it had none; listeners are told. Only the first time counts."""
        if self.ended_mono_s is not None:
            return
        self.end(outcome, why)
        self.ended_mono_s = time.monotonic()
        self._measure()
        self._frames = ()  # what was generated would otherwise live as long as its entry
        self._tell("ended")

    def _tell(self, change: Change) -> None:
        if self._journal is not None:
            self._journal.changed(change, self)

    def _measure(self) -> None:
        """Reduce the planned frames to numbers and names, once."""
        planned, pace = self._frames, self._pace
        if not planned or len(self._names) == min(len(planned), MAX_FRAMES):  # nothing new; another thread may ask, too
            return
        if isinstance(planned, Frames) and 1 < len(planned) <= MAX_FRAMES:  # one frame alone may be a body of megabytes
            self._planned_ms, self._sizes, self._names = planned.due_ms(pace), planned.sizes, planned.names
            return
        frames = planned[:MAX_FRAMES]
        self._planned_ms = array("d", [frame.due_ms(pace) for frame in frames])
        self._sizes = array("L", [len(frame.data) for frame in frames])
        self._names = tuple([_name(frame.data) for frame in frames])

    @property
    def body(self) -> bytes:
        """The body, up to `KEPT_BODY_BYTES`; it may hold credentials, so it is not for showing."""
        return self._body

    @property
    def trace_id(self) -> str | None:
        """The trace that the client says this belongs to.   Source: W3C Trace Context, `traceparent`."""
        found = _TRACE_ID.match(self.traceparent or "")
        return found[1] if found else None

    @property
    def duration_ms(self) -> float | None:
        """From the request to the end; None while it runs."""
        return None if self.ended_mono_s is None else (self.ended_mono_s - self.started_mono_s) * 1000

    def lateness_ms(self) -> list[float]:
        """How far behind its schedule each sent frame left, once the exchange has ended; at pace 0 there is none."""
        if not self._pace:
            return []
        return [actual - planned for planned, actual in zip(self._planned_ms, self._actual_ms or (), strict=False)]

    def timeline(self, start: int = 0) -> list[list[Any]]:
        """`[planned_ms, actual_ms, bytes, event name]` of the frames from `start` on, actual None until sent.

        Milliseconds since the request; at most `MAX_FRAMES` frames.
        """
        self._measure()
        sent = () if self._actual_ms is None else self._actual_ms[start:]
        actual = itertools.chain((round(each, 3) for each in sent), itertools.repeat(None))
        planned = (round(each, 3) for each in self._planned_ms[start:])
        lines = zip(planned, actual, self._sizes[start:], self._names[start:], strict=False)
        return [list(line) for line in lines]

    def weigh(self) -> int:
        """About how many bytes of memory this entry holds."""
        frames = _FRAME_BYTES * min(self.frames_planned, MAX_FRAMES)
        explained = _EXPLANATION_BYTES * ((self.nearest is not None) + (self.fault is not None))
        return _ENTRY_BYTES + self._head_bytes + len(self._body) + frames + explained

    def as_json(self, *, timeline: bool = False) -> dict[str, Any]:
        """For the admin routes and the live feed; without credentials."""
        shown = {name: getattr(self, name) for name in _PLAIN}
        shown |= {
            **{name: without_credentials(getattr(self, name)) for name in _QUOTING},
            "trace_id": self.trace_id,
            "duration_ms": self.duration_ms,
            "request_body": self._shown_body(),
            "request_truncated": self.request_bytes > SHOWN_BODY_BYTES,
        }
        if timeline:
            shown |= {"timeline": self.timeline(), "timeline_truncated": self.frames_planned > MAX_FRAMES}
        return shown

    def _shown_body(self) -> str | None:
        if not self._body:
            return None
        return text_without_credentials(self._body[:SHOWN_BODY_BYTES].decode("utf-8", "replace"))


_PLAIN = (
    *("id", "method", "path", "surface", "at", "started_mono_s", "status", "outcome", "user", "test_id"),
    *("traceparent", "scenario", "fault", "fault_source", "cassette", "interaction", "matched", "frames_planned"),
    *("frames_sent", "max_lateness_ms", "ended_mono_s", "why", "nearest", "query", "request_headers", "request_bytes"),
)


_QUOTING = ("path", "why", "nearest")
"""What repeats a client's own words."""


def _name(data: bytes) -> str:
    found = _EVENT.search(data, 0, _NAMED_WITHIN_BYTES)
    return sys.intern(found[1].decode("utf-8", "replace")) if found else ""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are wanted: those that agree with everything given.

    path: a part of it.   before: an id; only older entries.
    """

    test_id: str | None = None
    outcome: str | None = None
    path: str | None = None
    method: str | None = None
    scenario: str | None = None
    cassette: str | None = None
    trace_id: str | None = None
    status: int | None = None
    before: int | None = None

    def fits(self, entry: Entry) -> bool:
        """Whether an entry is wanted."""
        if self.before is not None and entry.id >= self.before:
            return False
        if self.path is not None and self.path not in entry.path:
            return False
        return all(
            (wanted := getattr(self, name)) is None or getattr(entry, name) == wanted
            for name in ("test_id", "outcome", "method", "scenario", "cassette", "trace_id", "status")
        )


class Journal:
    """The last `size` exchanges, or fewer, when they would take more than `max_bytes`; the oldest go first."""

    def __init__(self, size: int = 2000, max_bytes: int = DEFAULT_BYTES) -> None:
        self._size, self._max_bytes, self._bytes = size, max_bytes, 0
        self._entries: OrderedDict[int, Entry] = OrderedDict()
        self._next_id = 1
        self.on_change: list[Listener] = []
        self.on_clear: list[Callable[[str | None], None]] = []
        """Called with the test whose entries are forgotten, or None for all."""

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def held_bytes(self) -> int:
        """About how much memory the entries take."""
        return self._bytes

    def open(self, method: str, path: str, *, keep: bool = True) -> Entry:
        """A new entry, still running; kept unless it is the admin's own."""
        entry = Entry(self._next_id, method[:MAX_CHARS], path[:MAX_CHARS])
        self._next_id += 1
        if keep:
            entry._journal = self
            self._entries[entry.id] = entry
            if len(self._entries) > self._size:
                self._drop_oldest()
            self.changed("opened", entry)
        return entry

    def changed(self, change: Change, entry: Entry) -> None:
        """Tell every listener; of an exchange that has ended, count the bytes anew first."""
        if change == "ended":
            self.charge(entry)
        for listener in tuple(self.on_change):
            try:
                listener(change, entry)
            except Exception as error:  # a listener's defect is not the client's
                print(f"mock: a listener of the journal failed: {error!r}", file=sys.stderr)  # noqa: T201

    def charge(self, entry: Entry) -> None:
        """Count what the entry holds now, and let go of the oldest while it is too much."""
        if entry.id not in self._entries:
            return
        weight = entry.weigh()
        self._bytes += weight - entry.charged_bytes
        entry.charged_bytes = weight
        while self._bytes > self._max_bytes and self._entries:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        self._bytes -= self._entries.popitem(last=False)[1].charged_bytes

    def next_id(self) -> int:
        """The id that the next exchange will have; ids only grow."""
        return self._next_id

    def find(self, entry_id: int) -> Entry | None:
        """The entry with an id, while it is kept."""
        return self._entries.get(entry_id)

    def entries(self, wanted: Filter | None = None, limit: int = 100) -> list[Entry]:
        """The newest entries that fit, newest first."""
        return list(itertools.islice(self._fitting(wanted or Filter()), limit))

    def _fitting(self, wanted: Filter) -> Iterator[Entry]:
        return (entry for entry in reversed(self._entries.values()) if wanted.fits(entry))

    def clear(self, test_id: str | None = None) -> None:
        """Forget everything, or one test's entries."""
        for entry in list(self._entries.values()):
            if test_id is None or entry.test_id == test_id:
                self._bytes -= entry.charged_bytes
                del self._entries[entry.id]
        for listener in tuple(self.on_clear):
            listener(test_id)
