"""The proxy's front door, recorded: every story, every scenario and the proxy's own answers, as a client sees them.

Each is asked through the real proxy with the mock behind it, at the recorded pace. What arrives is kept byte for byte;
*when* a frame is due is taken from the mock's plan of the same answer, which the mock tells in its journal, so that two
recordings are the same to the byte on any machine. How far what arrived was behind that plan is measured and told.

The times of the proxy's own frames follow from it: `proxy.start` leaves with the head, what ends a stream with the last
frame from upstream. The pauses between the proxy's tries are drawn by chance and left out. What is new each time
(session, turn, request ids, tokens, moments) becomes the examples of the API's document.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import statistics
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import requests

from contracts.api import PREFIX, PROBLEM_JSON, ProblemType, StreamEvent
from contracts.cortex import Event, agent_run_path
from contracts.examples import HANDLE, REQUEST_ID, SESSION_ID, SNOWFLAKE_ID, TRACE_ID, TURN_ID
from e2e.client_api import Client, client_request
from e2e.stack import Stack, running
from mocks import export
from mocks.cassette import Cassette, Frame, Interaction, is_event_stream
from mocks.cassette import load_all as load_cassettes
from mocks.export import Answer, Exchange, Recording
from mocks.grammar import Fault
from mocks.ids import read
from mocks.route import Surface
from mocks.scenario import Scenario, fitting
from mocks.scenario import load_all as load_scenarios
from mocks.snowflake.threads import FIRST_MESSAGE_ID
from mocks.state import HERE
from proxy.backoff import MAX_TRIES

AT_ONCE = 24
"""How many streams run at a time."""

ANSWER_S = 300
OK = 200
LONGEST_ORDER = 10
"""How many requests of a scenario are asked in which chance decides."""

EXAMPLE_TOKEN = "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"  # noqa: S105 - the API's example
EXAMPLE_MOMENT = "2026-01-05T09:30:00Z"
CHAT = f"{PREFIX}/chat"
QUESTION = "Net sales by region"
RUN_PATH = agent_run_path("CORTEX_BENCH_DB", "SALES", "SALES_AGENT")

ENVIRONMENT = {
    **{f"CORTEX_PROXY_POLICIES__TOKEN__{cell}": "100000" for cell in ("RATE", "BURST", "AT_ONCE")},
    "CORTEX_PROXY_HEARTBEAT_S": "86400",
}
"""Many sessions come from one address. Heartbeats depend on the pace that is played, so the player adds its own."""

_PLAYED = "Documented stand-in: played by the mock through the real proxy."
PROVENANCE = {
    "documented": f"{_PLAYED} Its answers are written from public material: nothing was recorded from Snowflake.",
    "emulated": f"{_PLAYED} Its answers are made by rule: nothing was recorded from Snowflake.",
    "recorded": f"{_PLAYED} Its answers were recorded from an account, and anonymised.",
}

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
        return replace(heard, turn=self._turn()) if is_event_stream(heard.headers) else heard

    def _turn(self) -> dict[str, Any] | None:
        path = f"{PREFIX}/history/{self.client.session_id}"
        turns = json.loads(self.ask(Ask("GET", path)).body)["turns"]
        return None if not turns else dict(turns[0])

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
        raise FrontDoorError(f"the stream is not what the mock sent: {body[:300]!r} ... {body[-300:]!r}, sent {dues}")
    return tuple(frames)


def _stable(heard: Heard, frames: Sequence[Frame]) -> tuple[dict[str, float], tuple[Frame, ...]]:
    """Moments, and the frames with examples in the place of what is new each time."""
    if is_event_stream(heard.headers):
        return {}, _stable_stream(heard, frames)
    document = _document(frames[0].data)
    examples = {
        value: _EXAMPLES[key] for key, value in _members(document) if key in _EXAMPLES and isinstance(value, str)
    }
    moments = {}
    for key in _MOMENTS:
        if isinstance(document, dict) and key in document:
            moments[key] = _seconds(document[key]) - _seconds(document["expiresAt"]) + document["expiresInS"]
            examples[document[key]] = EXAMPLE_MOMENT
    return moments, tuple(replace(frame, data=_exchanged(frame.data, examples)) for frame in frames)


def _stable_stream(heard: Heard, frames: Sequence[Frame]) -> tuple[Frame, ...]:
    start = json.loads(frames[0].payload)
    examples = {start["sessionId"]: SESSION_ID, start["turnId"]: TURN_ID}
    if upstream := heard.headers.get("X-Upstream-Request-Id"):
        examples[upstream] = SNOWFLAKE_ID
    found = [replace(frame, data=_exchanged(frame.data, examples)) for frame in frames]
    first_ms = next((each.due_ms(1) for each in frames[1:] if each.event and not _is_own(each)), None)
    durations = {b"firstEventMs": first_ms, b"durationMs": frames[-1].due_ms(1)}
    end = _DURATIONS.sub(lambda found: b'"%b":%.1f' % (found[1], durations[found[1]] or 0.0), found[-1].data)
    return (*found[:-1], replace(found[-1], data=end))


def _is_own(frame: Frame) -> bool:
    return frame.event in (StreamEvent.START, StreamEvent.END)


def _exchanged(data: bytes, examples: Mapping[str, str]) -> bytes:
    for value, example in examples.items():
        data = data.replace(value.encode(), example.encode())
    return data


def _document(body: bytes) -> Any:
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


# --- what is asked


@dataclass(slots=True)
class Floor:
    """Where recordings are made, and what they share.   late_ms: how far each frame came behind its plan."""

    stack: Stack
    pace: float = 1.0
    late_ms: list[float] = field(default_factory=list)
    _tests: Iterator[int] = field(default_factory=itertools.count)

    def timed(self, name: str, perform: Perform, scenario: str = "none") -> list[Answer]:
        """The answers of the same requests at the recorded pace and at once, put together."""
        test_id = f"{name}:{next(self._tests)}"
        heard = perform(Guest(self.stack, f"{test_id}:1", self.pace, scenario))
        has_stream = any(is_event_stream(each.headers) for each in heard)
        at_once = perform(Guest(self.stack, f"{test_id}:0", 0.0, scenario)) if has_stream else heard
        answers = [answer_of(*pair) for pair in zip(heard, at_once, strict=True)]
        for each, answer in zip(heard, answers, strict=True):
            self.late_ms += _lateness_ms(each, answer)
        return answers


BUDGET_WINDOW_S = 11.0
MAX_RETRIES = 7
GOOD_ANSWERS = 5
PATIENCE = 6


class Lane:
    """Where failures are played: one by one, with a proxy of their own, so that they wear out nobody's retry budget
    and open nobody's breaker.
    """

    def __init__(self) -> None:
        self._retried_s: list[float] = []

    def alone(self, floor: Floor, scenario: Scenario, tapes: Sequence[Cassette]) -> list[Exchange]:
        """What a scenario shows in which every request is refused, on the surface that it is about."""
        while sum(each > time.monotonic() - BUDGET_WINDOW_S for each in self._retried_s) > MAX_RETRIES:
            time.sleep(0.1)
        for _ in range(GOOD_ANSWERS):
            Client.opened(floor.stack).chat({"message": QUESTION}, baggage="mock.scenario=none,mock.pace=0")
        tries: list[int] = []
        found = _refused(floor, scenario, tapes, tries)
        self._retried_s += [time.monotonic()] * sum(tries)
        return found


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


def stories_alone(floor: Floor, tape: Cassette) -> list[Exchange]:
    """Each answer of a cassette that the configured agent gives outside a thread."""
    found = []
    for number, each in enumerate(_mine(tape)):
        if each.request.match.parent_message_id is None:
            answers = floor.timed(f"{tape.name}:{number}:alone", _alone(each))
            found.append(Exchange({**_chat_told(each), "thread": "none"}, tuple(answers)))
    return found


def stories_in_thread(floor: Floor, tape: Cassette) -> list[Exchange]:
    """Each answer of a cassette in a thread of its own, or in that of the answer before it."""
    found = []
    for number, chain in enumerate(_chains(_mine(tape))):
        answers = floor.timed(f"{tape.name}:{number}:thread", partial(_in_thread, chain=chain))
        for position, (each, answer) in enumerate(zip(chain, answers, strict=True)):
            told = {**_chat_told(each), "thread": "goes-on" if position else "new"}
            found.append(Exchange(told, (answer,)))
    return found


def _mine(tape: Cassette) -> list[Interaction]:
    return [each for each in tape.interactions if each.request.path == RUN_PATH]


def _chains(interactions: Sequence[Interaction]) -> list[list[Interaction]]:
    """Runs of interactions that each continue the thread of the one before."""
    chains: list[list[Interaction]] = []
    for each in interactions:
        match = each.request.match
        if chains and (match.parent_message_id is not None or match.tool_use_id is not None):
            chains[-1].append(each)
        else:
            chains.append([each])
    return chains


def _chat_told(interaction: Interaction) -> dict[str, Any]:
    match = interaction.request.match
    named = {"message": match.last_user_text, "toolUseId": match.tool_use_id}
    told = {key: value for key, value in named.items() if value is not None}
    return {"method": "POST", "path": CHAT, **told}


def _alone(interaction: Interaction) -> Perform:
    return lambda guest: [guest.chat(client_request(interaction))]


def _in_thread(guest: Guest, chain: Sequence[Interaction]) -> list[Heard]:
    heard: list[Heard] = []
    place: dict[str, Any] = {"parentMessageId": 0}
    for each in chain:
        heard.append(guest.chat({"message": client_request(each)["message"], **place}))
        place = _continued(heard[-1])
    return heard


def _continued(heard: Heard) -> dict[str, Any]:
    """Where a follow-up stands."""
    frames = tuple(Frame(0.0, each + b"\n\n") for each in heard.body.split(b"\n\n")[:-1])
    start = json.loads(frames[0].payload)
    return {"threadId": start.get("threadId"), "parentMessageId": read(frames).ids.get("assistant_message_id")}


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
    document = None if final is None else _document(final.payload)
    blocks = document.get("content") if isinstance(document, dict) else None
    return None if blocks is None else [each for each in blocks if each.get("type") != "thinking"]


def _is_refused(scenario: Scenario) -> bool:
    """Whether every request gets an answer that has nothing to do with the question."""
    faults = [] if scenario.fault is None else list(scenario.fault.flat())
    if not all(each.always_hits for each in faults):
        return False
    ends = [each.cut or each.reset for each in faults]
    return any(each.respond or each.content_type for each in faults) or any(
        each is not None and each.after == "request" for each in ends
    )


def _refused(floor: Floor, scenario: Scenario, tapes: Sequence[Cassette], tries: list[int]) -> list[Exchange]:
    body: dict[str, Any]
    if scenario.concerns(Surface.AGENT):
        path, body = CHAT, {"message": _tape(scenario, tapes).interactions[0].request.match.last_user_text}
    else:
        tool, body = next(TOOLS[each] for each in TOOLS if scenario.concerns(each))
        path = f"{PREFIX}/tools/{tool}"

    def perform(guest: Guest) -> list[Heard]:
        session = {"sessionId": guest.client.session_id} if path == CHAT else {}
        heard = guest.ask(Ask("POST", path, body={**session, **body}))
        tries.append(max(len(heard.entries) - 1, 0))
        _check(scenario, heard)
        return [heard]

    answers = floor.timed(scenario.scenario, perform, scenario.scenario)
    if any(is_event_stream(each.headers) for each in answers):
        raise FrontDoorError(f"scenario {scenario.scenario} was to refuse every request, and streamed")
    return [Exchange({"method": "POST", "path": path, "anything": True}, tuple(answers))]


def _tape(scenario: Scenario, tapes: Sequence[Cassette]) -> Cassette:
    tape = fitting(scenario, tapes)
    if tape is None:
        raise FrontDoorError(f"scenario {scenario.scenario} fits none of the cassettes that {RUN_PATH} plays")
    return tape


def chats(floor: Floor, scenario: Scenario, tapes: Sequence[Cassette], thread: str) -> list[Exchange]:
    """What a scenario shows of one question, outside a thread ("none") or as the first turn of one ("new")."""
    first = _tape(scenario, tapes).interactions[0]
    place = {"parentMessageId": 0} if thread == "new" else {}
    times, begins_again = _times(scenario)

    def perform(guest: Guest) -> list[Heard]:
        heard = []
        for _ in range(times):
            guest.client = Client.opened(guest.stack)  # or the proxy's own limits would be met
            heard.append(guest.chat({"message": first.request.match.last_user_text, **place}))
            _forget_threads(guest)
            if scenario.client.status == OK and _was_given_up(heard[-1]):
                raise _BudgetSpent
        _check(scenario, heard[scenario.asks - 1])
        return heard

    answers = _patiently(lambda: floor.timed(f"{scenario.scenario}:{thread}", perform, scenario.scenario))
    answers = [_first_of_all(each) for each in answers]
    return [_ordered({**_chat_told(first), "thread": thread}, answers, begins_again=begins_again)]


def _first_of_all(answer: Answer) -> Answer:
    """The answer with the message ids of a first try; each try of the proxy's takes new ones."""
    if answer.place is None or answer.place.get("user_message_id", FIRST_MESSAGE_ID) == FIRST_MESSAGE_ID:
        return answer
    here = answer.place
    there = {"user_message_id": FIRST_MESSAGE_ID, "assistant_message_id": FIRST_MESSAGE_ID + 1}
    thread = here["thread_id"]
    swaps = {f'"run_id":"{thread}-{here["user_message_id"]}"': f'"run_id":"{thread}-{FIRST_MESSAGE_ID}"'}
    for name, number in there.items():
        if name in here:
            swaps |= {f'"{key}":{here[name]},': f'"{key}":{number},' for key in (name, "message_id")}
            swaps |= {f'"{key}":{here[name]}}}': f'"{key}":{number}}}' for key in (name, "message_id")}
    frames = tuple(replace(each, data=_exchanged(each.data, swaps)) for each in answer.frames)
    turn = None if answer.turn is None else {**answer.turn}
    if turn is not None and turn.get("assistantMessageId") is not None:
        turn["assistantMessageId"] = FIRST_MESSAGE_ID + 1
    return replace(answer, frames=frames, place={**here, **{k: v for k, v in there.items() if k in here}}, turn=turn)


class _BudgetSpent(Exception):
    """The proxy would have tried again, and its budget for that was spent by other recordings."""


def _was_given_up(heard: Heard) -> bool:
    """Whether a refusal that is worth another try was passed on before the last one."""
    tries = len([each for each in heard.entries if each["surface"] == Surface.AGENT])
    return heard.status in (429, 503) and tries < MAX_TRIES


def _patiently(perform: Callable[[], list[Answer]]) -> list[Answer]:
    """The same, begun again when the budget is full again."""
    for _ in range(PATIENCE):
        try:
            return perform()
        except _BudgetSpent:
            time.sleep(BUDGET_WINDOW_S * random.uniform(1, 2))  # noqa: S311 - so that not all come back together
    raise FrontDoorError("the proxy's retry budget stays spent; is another load on this machine?")


def _times(scenario: Scenario) -> tuple[int, bool]:
    """How many requests tell all there is to see, and whether it begins again then."""
    faults = [] if scenario.fault is None else list(scenario.fault.flat())
    if any(each.probability is not None for each in faults):
        return LONGEST_ORDER, True
    hit = [each.skip + (each.times or 0) for each in faults if each.skip or each.times is not None]
    return max([scenario.asks, *hit]) + (1 if hit else 0), False


def _ordered(told: dict[str, Any], answers: Sequence[Answer], *, begins_again: bool) -> Exchange:
    """Each answer once, and in which order they come."""
    different: list[Answer] = []
    order = []
    for each in answers:
        same = next((number for number, known in enumerate(different) if known == each), None)
        if same is None:
            different.append(each)
        order.append(len(different) - 1 if same is None else same)
    if len(different) == 1:
        order = [0]
    while not begins_again and len(order) > 1 and order[-1] == order[-2]:
        order.pop()
    return Exchange(told, tuple(different), tuple(order), begins_again and len(different) > 1)


def _forget_threads(guest: Guest) -> None:
    """The next thread has the ids of this one."""
    url, headers = f"{guest.stack.mock_url}/__mock/reset", {"X-Test-Id": guest.test_id}
    requests.post(url, json={"only": ["threads"]}, headers=headers, timeout=ANSWER_S).raise_for_status()


def _check(scenario: Scenario, heard: Heard) -> None:
    """What was heard is what the scenario's file promises.   Raises: FrontDoorError."""
    problem = _problem(heard)
    if (heard.status, problem) != (scenario.client.status, scenario.client.problem):
        raise FrontDoorError(
            f"scenario {scenario.scenario}: its file promises {scenario.client.status} {scenario.client.problem}, "
            f"the front door showed {heard.status} {problem}; is another load on this machine?"
        )


def _problem(heard: Heard) -> str | None:
    if heard.headers.get("Content-Type") == PROBLEM_JSON:
        return str(json.loads(heard.body)["type"]).rpartition("/")[2]
    own = re.findall(rb'event: error\ndata: \{"type":"[^"]*/([^"/]+)"', heard.body)
    return own[-1].decode() if own else None


TOOLS: Mapping[Surface, tuple[str, dict[str, Any]]] = {
    Surface.SQL: ("sql", {"statement": "SELECT 1"}),
    Surface.SEARCH: ("search", {"query": "refund deadline"}),
    Surface.ANALYST: ("analyst", {"messages": [{"role": "user", "text": "Net sales by region"}]}),
}
"""What is asked of a surface that has a scenario of its own."""


SEARCHES = ("refund deadline", "warranty", "price rules")
ANALYST_QUESTIONS = ("Net sales by region", "Net sales by country in 2025", "Who are our best customers?")
CHART_INTENT = "net sales by region, as bars"


def tools(floor: Floor) -> list[Exchange]:
    """What each tool answers: searches, questions to Cortex Analyst in both forms, their SQL, and a chart."""
    asks = [_search(query) for query in SEARCHES]
    asks += [_analyst(question, stream=stream) for question in ANALYST_QUESTIONS for stream in (False, True)]
    found = [_exchange(floor, ask) for ask in asks]
    statements = [sql for each in found if (sql := _sql_of(each)) is not None]
    found += [_exchange(floor, _sql(statement)) for statement in dict.fromkeys(statements)]
    return [*found, _chart(floor, statements[0])]


def _exchange(floor: Floor, ask: Ask) -> Exchange:
    name = f"tools:{zlib.crc32(json.dumps(ask.as_json()).encode())}"
    return Exchange(ask.as_json(), tuple(floor.timed(name, lambda guest: [guest.ask(ask)])))


def _search(query: str) -> Ask:
    return Ask("POST", f"{PREFIX}/tools/search", {"query": query}, {"query": query})


def _analyst(question: str, *, stream: bool) -> Ask:
    body = {"messages": [{"role": "user", "text": question}], "stream": stream}
    return Ask("POST", f"{PREFIX}/tools/analyst", {"question": question, "stream": stream}, body)


def _sql(statement: str) -> Ask:
    return Ask("POST", f"{PREFIX}/tools/sql", {"statement": statement}, {"statement": statement})


def _sql_of(exchange: Exchange) -> str | None:
    document = _document(exchange.answers[0].frames[0].data)
    sql = document.get("sql") if isinstance(document, dict) else None
    return None if sql is None else str(sql)


def _chart(floor: Floor, statement: str) -> Exchange:
    told = {"method": "POST", "path": f"{PREFIX}/tools/chart", "anything": True}

    def perform(guest: Guest) -> list[Heard]:
        handle = json.loads(guest.ask(_sql(statement)).body)["statementHandle"]
        body = {"intent": CHART_INTENT, "statementHandle": handle}
        return [guest.ask(Ask("POST", told["path"], told, body))]  # type: ignore[arg-type]  # paths are text

    return Exchange(told, tuple(floor.timed("chart", perform)))


def plain(floor: Floor) -> list[Exchange]:
    """What needs no story: sessions, an empty history, a report, health."""
    asks = [
        Ask("POST", f"{PREFIX}/session/token", changes={"headers": {"Authorization": None}}),
        Ask("GET", f"{PREFIX}/history/{{sessionId}}"),
        Ask("DELETE", f"{PREFIX}/history/{{sessionId}}"),
        Ask("POST", f"{PREFIX}/metrics/report", body={"metrics": [{"name": "time_to_first_token_s", "value": 0.4}]}),
        Ask("DELETE", f"{PREFIX}/session/token"),
        *(Ask("GET", path) for path in ("/livez", "/readyz", "/status")),
    ]
    guest = Guest(floor.stack, "plain", 0.0)
    found = []
    for ask in asks:
        sent = replace(ask, path=ask.path.replace("{sessionId}", guest.client.session_id))
        heard = guest.ask(sent)
        found.append(Exchange(ask.as_json(), (answer_of(heard, heard),)))
    return found


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal of the proxy's own, and the request that meets it; `before`: so many of the same came first."""

    problem: ProblemType
    ask: Ask
    before: int = 0


_TURN = {"sessionId": SESSION_ID, "message": "Net sales by region"}
REFUSALS = (
    Refused(ProblemType.TOKEN_MISSING, Ask("POST", CHAT, body=_TURN, changes={"headers": {"Authorization": None}})),
    Refused(
        ProblemType.TOKEN_INVALID,
        Ask("POST", CHAT, body=_TURN, changes={"headers": {"Authorization": f"Bearer {EXAMPLE_TOKEN}"}}),
    ),
    Refused(ProblemType.MALFORMED_JSON, Ask("POST", CHAT, changes={"data": b'{"message": '})),
    Refused(ProblemType.UNSUPPORTED_MEDIA_TYPE, Ask("POST", CHAT, changes={"data": b"message=hello"})),
    Refused(ProblemType.INVALID_REQUEST, Ask("POST", CHAT, body={**_TURN, "message": 7})),
    Refused(ProblemType.SESSION_MISMATCH, Ask("POST", CHAT, body=_TURN)),
    Refused(ProblemType.RATE_LIMITED, Ask("POST", CHAT, changes={"data": b"{"}), before=6),
    Refused(ProblemType.TOOL_UNKNOWN, Ask("POST", f"{PREFIX}/tools/weather", body={})),
    Refused(
        ProblemType.COLUMN_UNKNOWN,
        Ask("POST", f"{PREFIX}/tools/search", body={"query": "refund deadline", "columns": ["PRICE"]}),
    ),
    Refused(ProblemType.SQL_REFUSED, Ask("POST", f"{PREFIX}/tools/sql", body={"statement": "DROP TABLE orders"})),
    Refused(
        ProblemType.SQL_FAILED, Ask("POST", f"{PREFIX}/tools/sql", body={"statement": "SELECT price FROM nowhere"})
    ),
    Refused(
        ProblemType.RESULT_NOT_FOUND,
        Ask("POST", f"{PREFIX}/tools/chart", body={"intent": CHART_INTENT, "statementHandle": HANDLE}),
    ),
    Refused(ProblemType.SESSION_NOT_FOUND, Ask("GET", f"{PREFIX}/history/{SESSION_ID}")),
)
"""What the proxy refuses by itself."""

_JSON = {"Content-Type": "application/json"}


def refusal(floor: Floor, refused: Refused) -> list[Exchange]:
    """What a client that is refused so reads.   Raises: FrontDoorError when it is refused otherwise."""
    ask = refused.ask
    if "data" in ask.changes and refused.problem is not ProblemType.UNSUPPORTED_MEDIA_TYPE:
        ask = replace(ask, changes={**ask.changes, "headers": _JSON})
    guest = Guest(floor.stack, f"refused:{refused.problem}", 0.0)
    for _ in range(refused.before):
        guest.ask(ask)
    heard = guest.ask(ask)
    if _problem(heard) != refused.problem:
        raise FrontDoorError(f"{refused.problem} was to be met, the front door showed {heard.status} {heard.body!r}")
    told = {"method": ask.method, "path": _route(ask.path), "anything": True}
    return [Exchange(told, (answer_of(heard, heard),))]


def _route(path: str) -> str:
    return path.replace(SESSION_ID, "{sessionId}").replace("/tools/weather", "/tools/{toolName}")


# --- all of it


@dataclass(frozen=True, slots=True)
class Recorded:
    """Every recording, and how far what arrived was behind the plan, in milliseconds, each frame.

    left_out: cassettes whose answers another agent gave, or no agent.
    """

    recordings: tuple[Recording, ...]
    late_ms: tuple[float, ...]
    left_out: tuple[str, ...] = ()

    def lateness(self) -> str:
        """In words."""
        if not self.late_ms:
            return "no frames"
        ordered = sorted(self.late_ms)
        p50, p99 = statistics.median(ordered), ordered[int(len(ordered) * 0.99)]
        return f"{len(ordered)} frames arrived {p50:.1f} ms behind the plan at p50, {p99:.1f} ms at p99"


def record(
    cassettes: Path | None = None,
    scenarios: Path | None = None,
    say: Callable[[str], object] = lambda _line: None,
    *,
    pace: float = 1.0,
) -> Recorded:
    """Play and record everything; the shipped cassettes and scenarios when no folders are named. Takes about a minute.

    pace: another than 1 is quicker, and good for bytes only.
    Raises: FrontDoorError, StackError, CassetteError, ScenarioFormatError.
    """
    every = load_cassettes(cassettes or HERE / "cassettes")
    tapes = [each for each in every if _is_asked(each)]
    if not tapes:
        raise FrontDoorError(f"no cassette answers {RUN_PATH}, which is what the proxy runs")
    known = load_scenarios(scenarios or HERE / "scenarios", every)
    folders = {"--cassettes": cassettes, "--scenarios": scenarios}
    given = [text for name, folder in folders.items() if folder is not None for text in (name, str(folder))]
    with ExitStack() as started:
        stacks = [
            started.enter_context(running(pace=1.0, strict=True, mock_arguments=given, proxy_environment=ENVIRONMENT))
            for _ in range(2)
        ]
        floor, lane = (Floor(each, pace) for each in stacks)
        recordings = tuple(_all(floor, lane, tapes, list(known.values()), say))
    left_out = tuple(each.name for each in every if each not in tapes)
    return Recorded(recordings, tuple(floor.late_ms), left_out)


def _is_asked(tape: Cassette) -> bool:
    return tape.interactions[0].request.path == RUN_PATH


Job = tuple[Recording, list[Future[list[Exchange]]]]
"""A recording, and the exchanges that it will have."""


def _all(
    floor: Floor, apart: Floor, tapes: Sequence[Cassette], scenarios: Sequence[Scenario], say: Callable[[str], object]
) -> Iterator[Recording]:
    """The recordings, each when it is done."""
    usual = sorted(tapes, key=lambda tape: tape.name != "agents/net_sales_by_region")
    says = PROVENANCE[max((tape.header.provenance for tape in tapes), key=list(PROVENANCE).index)]
    yield Recording("proxy", "plain", "sessions, history, reports and health", says, tuple(plain(floor)))
    with ExitStack() as stopping:
        pool, one_by_one = ThreadPoolExecutor(AT_ONCE), ThreadPoolExecutor(1)
        for each in (pool, one_by_one):
            stopping.callback(each.shutdown, wait=True, cancel_futures=True)
        jobs: list[Job] = []
        lane = Lane()
        # What takes longest begins first.
        for scenario in sorted(scenarios, key=_times, reverse=True):
            if _is_refused(scenario):
                futures = [one_by_one.submit(lane.alone, apart, scenario, usual)]
            else:
                futures = [pool.submit(chats, floor, scenario, usual, thread) for thread in ("none", "new")]
            jobs.append((Recording("scenario", scenario.scenario, scenario.about, says, ()), futures))
        for tape in sorted(usual, key=lambda tape: -tape.interactions[0].frames[-1].at_ms):
            recording = Recording("story", tape.name, tape.header.about, PROVENANCE[tape.header.provenance], ())
            jobs.append((recording, [pool.submit(each, floor, tape) for each in (stories_alone, stories_in_thread)]))
        jobs.append((Recording("proxy", "tools", "what the tools answer", says, ()), [pool.submit(tools, floor)]))
        for refused in REFUSALS:
            about = f"the proxy refuses by itself: {refused.problem}"
            recording = Recording("problem", f"problem/{refused.problem}", about, says, ())
            jobs.append((recording, [pool.submit(refusal, floor, refused)]))
        for done, (recording, futures) in enumerate(jobs, start=1):
            yield replace(recording, exchanges=tuple(each for future in futures for each in future.result()))
            say(f"{done} of {len(jobs)}: {recording.name}")


def run(
    kind: export.Target,
    *,
    out: Path | None,
    check: bool,
    cassettes: Path | None,
    scenarios: Path | None,
    say: Callable[[str], object],
) -> int:
    """Record, and write or check the package; exit code 0, or 4 when `check` finds it stale.

    Raises: as `record`; export.ExportError.
    """
    recorded = record(cassettes, scenarios)
    say(f"{len(recorded.recordings)} recordings; {recorded.lateness()}")
    if recorded.left_out:
        say(f"left out, since the proxy runs another agent: {', '.join(recorded.left_out)}")
    return export.run(kind, recorded.recordings, out=out, check=check, say=say)
