"""An answer of the proxy as a client hears it, and what is due of it: bytes as they came, times as the mock planned.

What arrives is kept byte for byte. *When* a frame is due is taken from the mock's plan of the same answer, which it
tells in its journal, so that two recordings are the same on any machine. The times of the proxy's own frames follow
from it: `proxy.start` leaves with the head, what ends a stream with the last frame from upstream. The pauses between
the proxy's tries are drawn by chance and left out. What is new each time (session, turn, request ids, tokens, moments)
becomes the examples of the API's document.
"""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import requests

from contracts.api import PREFIX, StreamEvent
from contracts.cortex import Event
from contracts.examples import HANDLE, REQUEST_ID, SESSION_ID, SNOWFLAKE_ID, TRACE_ID, TURN_ID
from e2e.client_api import Client
from e2e.stack import Stack
from mocks.cassette import Frame, is_event_stream
from mocks.export import Answer
from mocks.grammar import Fault
from mocks.ids import read

ANSWER_S = 300
OK = 200
HISTORY_S = 20.0
TRIES = 5
"""How often an answer is asked for of which something was lost: a reset connection may lose what nobody read yet."""

EXAMPLE_TOKEN = "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"  # noqa: S105 - the API's example
EXAMPLE_MOMENT = "2026-01-05T09:30:00Z"
CHAT = f"{PREFIX}/chat"
_OWN_END = re.compile(rb"\n\n")
_DURATIONS = re.compile(rb'"(firstEventMs|durationMs)":[0-9.]+')
_WINDOW = re.compile(r'("[^"]+");q=(\d+);w=(\d+)')
_LEFT = re.compile(r'("[^"]+");r=(\d+);t=\d+')

_CONNECTION = frozenset({"connection", "content-length", "date", "server", "transfer-encoding", "vary"})
"""Headers that are the connection's, or the server's that plays."""

_EXAMPLES = {
    "sessionId": SESSION_ID,
    "turnId": TURN_ID,
    "requestId": SNOWFLAKE_ID,
    "statementHandle": HANDLE,
    "token": EXAMPLE_TOKEN,
}
_MOMENTS = ("expiresAt", "sessionExpiresAt")


class FrontDoorError(Exception):
    """What was recorded cannot be right; the message says what was asked, what came and what to do."""


class Incomplete(FrontDoorError):
    """Less arrived than the mock sent, or something else."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of a client. `told` is by what a player recognises it.

    changes: go to `requests.request` instead of what would be sent.
    """

    method: str
    path: str
    told: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As recordings write it."""
        return {"method": self.method, "path": self.path, **self.told}


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer as it arrived. `chunks`: milliseconds since the request, and bytes.   entries: of the mock's journal
    since, oldest first.   turn: what the history holds of it.
    """

    status: int
    headers: Mapping[str, str]
    chunks: tuple[tuple[float, bytes], ...]
    entries: tuple[Mapping[str, Any], ...]
    turn: Mapping[str, Any] | None = None

    @property
    def body(self) -> bytes:
        """All bytes."""
        return b"".join(data for _, data in self.chunks)

    @property
    def timeline(self) -> list[list[Any]]:
        """Of the exchange with the mock that answered; nothing when the proxy answered by itself."""
        return list(self.entries[-1]["timeline"]) if self.entries else []

    @property
    def faults(self) -> list[Fault]:
        """What the mock played of faults."""
        given = self.entries[-1]["fault"] if self.entries else None
        return [] if given is None else list(Fault.model_validate(given).flat())


class Guest:
    """A client with a session of its own, and a test of its own in the mock."""

    def __init__(self, stack: Stack, test_id: str, pace: float, scenario: str = "none") -> None:
        self.stack, self.client = stack, Client.opened(stack)
        self.test_id, self.pace, self._seen = test_id, pace, 0
        self._baggage = f"mock.scenario={scenario},mock.pace={pace:g},test.id={test_id}"

    def ask(self, ask: Ask) -> Heard:
        """The answer, once it has ended."""
        given = dict(ask.changes)
        headers = {
            "Authorization": f"Bearer {self.client.token}",
            "baggage": self._baggage,
            "X-Request-Id": REQUEST_ID,
            "traceparent": f"00-{TRACE_ID}-{TRACE_ID[:16]}-01",
            **given.pop("headers", {}),
        }
        sent = {"json": ask.body, **given} if ask.body is not None else given
        wanted = {name: value for name, value in headers.items() if value is not None}
        started_s = time.monotonic()
        url = f"{self.stack.proxy_url}{ask.path}"
        with requests.request(ask.method, url, headers=wanted, stream=True, timeout=ANSWER_S, **sent) as answer:
            chunks = []
            while data := answer.raw.read1(65536):
                chunks.append(((time.monotonic() - started_s) * 1000, data))
            return Heard(answer.status_code, dict(answer.headers), tuple(chunks), self._entries())

    def chat(self, body: Mapping[str, Any]) -> Heard:
        """A turn, and what the history holds of it."""
        heard = self.ask(Ask("POST", CHAT, body={"sessionId": self.client.session_id, **body}))
        if not is_event_stream(heard.headers):
            return heard
        return replace(
            heard, turn=self._turn(json.loads(heard.body.partition(b"data: ")[2].partition(b"\n")[0])["turnId"])
        )

    def _turn(self, turn_id: str) -> Mapping[str, Any]:
        """What the history holds of a turn, once it does.   Raises: FrontDoorError."""
        path = f"{PREFIX}/history/{self.client.session_id}"
        deadline_s = time.monotonic() + HISTORY_S
        while time.monotonic() < deadline_s:
            turns = json.loads(self.ask(Ask("GET", path)).body)["turns"]
            if turns and turns[0]["turnId"] == turn_id:
                return dict(turns[0])
        raise FrontDoorError(f"the history has no turn {turn_id}, {HISTORY_S:g} s after it ended")

    def _entries(self) -> tuple[Mapping[str, Any], ...]:
        url, headers = f"{self.stack.mock_url}/__mock/journal?timeline=true", {"X-Test-Id": self.test_id}
        listed = requests.get(url, headers=headers, timeout=ANSWER_S).json()
        fresh = [each for each in reversed(listed) if each["id"] > self._seen]
        self._seen = max((each["id"] for each in fresh), default=self._seen)
        return tuple(fresh)


Perform = Callable[[Guest], list[Heard]]
"""Asks, and gives the answers in order."""


# --- from what was heard to what is due


def answer_of(heard: Heard, at_once: Heard) -> Answer:
    """The answer, timed as the mock planned it.

    at_once: the same at pace 0, which tells what a fault holds back at any pace.   Raises: FrontDoorError when the
    bytes are not those of the plan.
    """
    dues = _dues(heard.timeline, at_once.timeline)
    head_ms = sum(each.delay.headers_ms for each in heard.faults if each.delay is not None)
    if is_event_stream(heard.headers):
        frames = _stream(heard, dues, head_ms)
    else:
        at_ms, held_ms = dues[-1][:2] if dues else (0.0, 0.0)
        frames = (Frame(at_ms, heard.body, held_ms=held_ms),)
        head_ms = 0.0
    moments, stable = _stable(heard, frames)
    answer = Answer(heard.status, _headers(heard.headers), stable, head_ms, moments=moments)
    return answer if heard.turn is None else replace(answer, place=_place(frames), turn=_turn(heard.turn, answer))


Due = tuple[float, float, int]
"""Recorded and held milliseconds, and bytes."""


def _dues(timeline: Sequence[Sequence[Any]], at_once: Sequence[Sequence[Any]]) -> list[Due]:
    """Of each frame from upstream that was sent, what the pace scales and what it does not."""
    held = [row[0] for row in at_once] if len(at_once) == len(timeline) else [0.0] * len(timeline)
    found = zip(timeline, held, strict=True)
    return [(round(row[0] - ms, 1), round(ms, 1), row[2]) for row, ms in found if row[1] is not None]


def _stream(heard: Heard, dues: Sequence[Due], head_ms: float) -> tuple[Frame, ...]:
    """The proxy's first frame, the upstream's as it sent them, and what the proxy says at the end."""
    body = heard.body
    start = _OWN_END.search(body)
    if start is None:
        raise FrontDoorError(f"a stream without a first frame: {body[:200]!r}")
    frames, position = [Frame(0.0, body[: start.end()], held_ms=head_ms)], start.end()
    for at_ms, held_ms, size in dues:
        frames.append(Frame(at_ms, body[position : position + size], held_ms=held_ms))
        position += size
    own = [part + b"\n\n" for part in body[position:].split(b"\n\n")[:-1]]
    last = frames[-1]
    waited_ms = sum(each.step.wait_s * 1000 for each in heard.faults if each.step is not None)
    ends_ms = replace(last, held_ms=last.held_ms + waited_ms)
    frames += [replace(ends_ms, data=data) for data in own]
    if position > len(body) or b"".join(frame.data for frame in frames) != body or frames[-1].event != StreamEvent.END:
        raise Incomplete(f"the stream is not what the mock sent: {body[:300]!r} ... {body[-300:]!r}, sent {dues}")
    return tuple(frames)


def _stable(heard: Heard, frames: Sequence[Frame]) -> tuple[dict[str, float], tuple[Frame, ...]]:
    """Moments, and the frames with examples in the place of what is new each time."""
    if is_event_stream(heard.headers):
        return {}, _stable_stream(heard, frames)
    document = document_of(frames[0].data)
    examples = {
        value: _EXAMPLES[key] for key, value in _members(document) if key in _EXAMPLES and isinstance(value, str)
    }
    moments = {}
    for key in _MOMENTS:
        if isinstance(document, dict) and key in document:
            moments[key] = _seconds(document[key]) - _seconds(document["expiresAt"]) + document["expiresInS"]
            examples[document[key]] = EXAMPLE_MOMENT
    return moments, tuple(replace(frame, data=with_examples(frame.data, examples)) for frame in frames)


def _stable_stream(heard: Heard, frames: Sequence[Frame]) -> tuple[Frame, ...]:
    start = json.loads(frames[0].payload)
    examples = {start["sessionId"]: SESSION_ID, start["turnId"]: TURN_ID}
    if upstream := heard.headers.get("X-Upstream-Request-Id"):
        examples[upstream] = SNOWFLAKE_ID
    found = [replace(frame, data=with_examples(frame.data, examples)) for frame in frames]
    first_ms = next((each.due_ms(1) for each in frames[1:] if each.event and not _is_own(each)), None)
    durations = {b"firstEventMs": first_ms, b"durationMs": frames[-1].due_ms(1)}
    end = _DURATIONS.sub(lambda found: b'"%b":%.1f' % (found[1], durations[found[1]] or 0.0), found[-1].data)
    return (*found[:-1], replace(found[-1], data=end))


def _is_own(frame: Frame) -> bool:
    return frame.event in (StreamEvent.START, StreamEvent.END)


def with_examples(data: bytes, examples: Mapping[str, str]) -> bytes:
    """The bytes with each value replaced by its example."""
    for value, example in examples.items():
        data = data.replace(value.encode(), example.encode())
    return data


def document_of(body: bytes) -> Any:
    """The JSON document in a body, None where there is none."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    """Every member of every object in a document."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield key, each
            yield from _members(each)
    elif isinstance(value, list):
        for each in value:
            yield from _members(each)


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Those that are the answer's own, the same each time."""
    kept = {name: value for name, value in headers.items() if name.lower() not in _CONNECTION}
    if "X-Upstream-Request-Id" in kept:
        kept["X-Upstream-Request-Id"] = SNOWFLAKE_ID
    if "RateLimit" in kept:
        kept["RateLimit"] = _LEFT.sub(_fresh(kept["RateLimit-Policy"]), kept["RateLimit"])
    return kept


def _fresh(policy: str) -> Callable[[re.Match[str]], str]:
    """What is left of each quota after the first request, for a whole window; what is used up stays so."""
    quotas = {name: (int(requests), window) for name, requests, window in _WINDOW.findall(policy)}

    def written(found: re.Match[str]) -> str:
        requests, window = quotas[found[1]]
        return f"{found[1]};r={requests - 1 if found[2] != '0' else 0};t={window}"

    return written


# --- where


@dataclass(slots=True)
class Floor:
    """Where recordings are made, and what they share.   late_ms: how far each frame came behind its plan."""

    stack: Stack
    pace: float = 1.0
    late_ms: list[float] = field(default_factory=list)
    _tests: Iterator[int] = field(default_factory=itertools.count)

    def timed(self, name: str, perform: Perform, scenario: str = "none") -> list[Answer]:
        """The answers of the same requests at the recorded pace and at once, put together.

        Raises: FrontDoorError when they are not what the mock sent, again and again.
        """
        for tries in range(1, TRIES + 1):
            try:
                return self._timed(f"{name}:{next(self._tests)}", perform, scenario)
            except Incomplete:
                if tries == TRIES:
                    raise
        raise AssertionError("the last try raises")

    def _timed(self, test_id: str, perform: Perform, scenario: str) -> list[Answer]:
        heard = perform(Guest(self.stack, f"{test_id}:1", self.pace, scenario))
        is_paced = self.pace > 0 and any(is_event_stream(each.headers) for each in heard)
        at_once = perform(Guest(self.stack, f"{test_id}:0", 0.0, scenario)) if is_paced else heard
        answers = [answer_of(*pair) for pair in zip(heard, at_once, strict=True)]
        for each, answer in zip(heard, answers, strict=True):
            self.late_ms += _lateness_ms(each, answer)
        return answers


def _lateness_ms(heard: Heard, answer: Answer) -> list[float]:
    """How far each frame came behind its plan, counted from the first of upstream's."""
    if not is_event_stream(heard.headers):
        return []
    ends, arrived, position = [], [], 0
    for at_ms, data in heard.chunks:
        position += len(data)
        ends.append((position, at_ms))
    position = 0
    for frame in answer.frames:
        position += len(frame.data)
        arrived.append(next((at for end, at in ends if end >= position), ends[-1][1]))
    planned = [frame.due_ms(1) for frame in answer.frames]
    return [(arrived[i] - arrived[1]) - (planned[i] - planned[1]) for i in range(2, len(planned) - 1)]


def _place(frames: Sequence[Frame]) -> dict[str, int] | None:
    """The ids of a turn in a thread that was opened for it, by the names that the final object gives them."""
    start, told = json.loads(frames[0].payload), read(tuple(frames)).ids
    if "threadId" not in start:
        return None
    messages = {name: int(told[name]) for name in ("user_message_id", "assistant_message_id") if name in told}
    return {"thread_id": start["threadId"], **messages}


def _turn(turn: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    """What the history keeps, without what is told elsewhere: its moment, and content that the stream has, too."""
    kept = {key: value for key, value in turn.items() if key not in ("startedAt", "turnId", "traceId", "durationMs")}
    if kept["content"] is not None and kept["content"] == _streamed_content(answer):
        kept["content"] = "streamed"
    return kept


def _streamed_content(answer: Answer) -> list[Any] | None:
    final = next((each for each in answer.frames if each.event == Event.RESPONSE), None)
    document = None if final is None else document_of(final.payload)
    blocks = document.get("content") if isinstance(document, dict) else None
    return None if blocks is None else [each for each in blocks if each.get("type") != "thinking"]
