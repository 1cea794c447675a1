"""Runs on threads while and after they are under way: followed from anywhere in their log, and cancelled.

A run is a plan with a start time: each of its events is due at an absolute time, whoever reads along. So no task works
in the background; a follower gets what is due at once and the rest when it comes. Faults belong to an exchange, never
to the run: what a fault cuts off in one stream can be read in the next. A run that was not started in the background
ends when its client leaves.

What is bounded: the runs remembered per test; a run can be followed until five minutes after its end, then it answers
409 until it is forgotten.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import math
import re
import time
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from contracts.cortex import COMPACT_PATH, DONE, EVENT_STREAM, RUNS_PATH, Code, Event
from mocks.blocks import Block, content_of, has_content
from mocks.cassette import Frame
from mocks.events import event_frame
from mocks.faults import Plan
from mocks.ids import Place, Tape
from mocks.journal import Entry
from mocks.request import Refusal, Request, json_plan
from mocks.route import Route, Surface, route
from mocks.state import Mock

RETENTION_S = 300.0
"""How long a run can be followed once it has ended."""

MAX_RUNS = 500
"""Runs of one test that are remembered; the oldest are forgotten."""

SETTLED_AT_ONCE = 4
"""How many earlier runs are looked after when one begins: more than one, so that none is forgotten."""

_RUN = rf"{RUNS_PATH}/([^/]+)"
_BROKEN_OFF = frozenset({"client_gone", "cut", "failed"})


@dataclass(frozen=True, slots=True)
class Ending:
    """How a cancelled run ends: what of it is kept, then the frames of the end. at_ms: real time since its start."""

    at_ms: float
    kept: tuple[Frame, ...]
    frames: tuple[Frame, ...]
    turn: Block


@dataclass(slots=True)
class Run:
    """One run on a thread. started_s: on the monotonic clock.   place: its ids, None when those recorded stay.

    exchange: what a run that is not in the background depends on; None in the background, and once that has ended.
    left_s: when its client left and took it along.   has_said: whether a cancelled run leaves an answer.
    """

    owner: str
    thread_id: int
    tape: Tape
    place: Place | None
    started_s: float
    pace: float
    headers: Mapping[str, str] = field(default_factory=dict)
    exchange: Entry | None = None
    left_s: float | None = None
    ending: Ending | None = None
    cancelled_s: float | None = None
    has_said: bool = False
    closing: asyncio.Future[None] | None = None
    waiting: set[asyncio.Future[None]] = field(default_factory=set)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ids(self) -> dict[str, int | str]:
        """The run's ids, by the names of the final object's metadata."""
        if self.place is not None:
            return self.place.as_json()
        recorded = {"thread_id": self.thread_id, **self.tape.ids}
        return {"run_id": f"{recorded['thread_id']}-{recorded.get('user_message_id', 0)}", **recorded}

    @property
    def run_id(self) -> str:
        """What it is followed and cancelled by."""
        return str(self.ids["run_id"])

    @property
    def waits(self) -> bool:
        """Whether it ends with a call that the client has to run or to permit."""
        return self.tape.waits and self.cancelled_s is None

    def frames(self) -> tuple[Frame, ...]:
        """Every frame as it was planned."""
        return self.tape.at(self.place)

    @property
    def final_s(self) -> float:
        """When the final object, or the error in its stead, is due; the last frame, when there is neither."""
        return self._due_s(self.tape.final or self.tape.frames[-1])

    def _due_s(self, frame: Frame) -> float:
        return self.started_s + frame.due_ms(self.pace) / 1000

    def was_dropped(self) -> bool:
        """Whether its client left before its end, and took it along."""
        self.settle()
        return self.left_s is not None

    def settle(self) -> bool:
        """Whether its exchange, if it had one, is over; that is then let go of, since it holds a whole request."""
        entry = self.exchange
        if entry is None or entry.ended_mono_s is None:
            return entry is None
        if entry.outcome in _BROKEN_OFF and self.cancelled_s is None and entry.ended_mono_s < self.final_s:
            self.left_s = entry.ended_mono_s
        self.exchange = None
        return True

    def ended_s(self, now_s: float) -> float | None:
        """When it ended; None while it runs."""
        if self.cancelled_s is not None:
            return self.cancelled_s
        if self.was_dropped():
            return self.left_s
        return self.final_s if self.final_s <= now_s else None

    @property
    def can_be_followed_up(self) -> bool:
        """Whether it has, or will have, an answer that a next question can stand on."""
        if self.cancelled_s is not None:
            return self.has_said
        return self.tape.final is not None and not self.was_dropped()

    def answered_s(self, now_s: float) -> float | None:
        """When its answer went to the thread; None when there is none, or not yet."""
        at_s = self.final_s if self.cancelled_s is None else self.cancelled_s
        return at_s if self.can_be_followed_up and at_s <= now_s else None

    def turn(self) -> Block:
        """The answer as a thread stores it. Reads the whole final object, so not on the event loop."""
        if self.cancelled_s is not None:
            return (self.ending or self._make_ending(self.cancelled_s)).turn
        assert self.tape.final is not None, "only an answered run is stored"
        final = json.loads(self.tape.final.payload)
        if self.tape.final.event == Event.ERROR:
            error = {name: final.get(name) for name in ("code", "message")}
            return _turn(content_of(self.tape.frames), "error") | {"error": error}
        return _turn(final.get("content") or [], final.get("status") or "completed")

    def metadata_at(self, now_s: float) -> Block:
        """The metadata of the run if it is cancelled now: an answer's id only when something was said."""
        ids = self.ids if has_content(self._due(now_s)) else _without_answer(self.ids)
        return {**ids, "usage": {"tokens_consumed": []}}

    def cancel(self, now_s: float) -> None:
        """Stop it; every stream of it pauses until its ending is made, which takes a thread a moment."""
        self.cancelled_s, self.has_said = now_s, has_content(self._due(now_s))
        for waiter in self.waiting:
            _wake(waiter)
        self.closing = asyncio.ensure_future(self._close(now_s))

    async def wait(self, until_s: float) -> None:
        """Return at a time, or when it is cancelled. Every frame of every stream waits here, so it has to be cheap."""
        loop = asyncio.get_running_loop()
        while self.cancelled_s is None and (remaining_s := until_s - time.monotonic()) > 0:
            waiter = loop.create_future()
            timer = loop.call_later(math.ceil(remaining_s * 1000) / 1000, _wake, waiter)
            self.waiting.add(waiter)
            try:
                await waiter
            finally:
                timer.cancel()
                self.waiting.discard(waiter)

    async def _close(self, now_s: float) -> None:
        try:
            self.ending = await asyncio.to_thread(self._make_ending, now_s)
        finally:
            self.ended.set()

    def _due(self, now_s: float) -> tuple[Frame, ...]:
        """The frames that were due by now."""
        at_ms, frames = (now_s - self.started_s) * 1000, self.frames()
        return frames[: sum(frame.due_ms(self.pace) <= at_ms for frame in frames)]

    def _make_ending(self, now_s: float) -> Ending:
        """Reads what was sent so far, so not on the event loop."""
        kept = self._due(now_s)
        numbers = self.tape.numbers_at(self.place)[: len(kept)]
        latest = max((number for number in numbers if number is not None), default=0)
        return _ending(kept, (now_s - self.started_s) * 1000, self.metadata_at(now_s), latest)

    def rest(self, frames: Sequence[Frame], sent: int, started_s: float) -> tuple[Frame, ...]:
        """What a stream of it goes on with once it was cancelled.

        frames: of the stream, `sent` of them gone; its times count from `started_s`. What a fault has ended earlier
        than the run stays as it is.
        """
        assert self.ending is not None, "the ending is told before streams go on"
        whole = self.frames()
        if frames[-1].data != whole[-1].data:
            return tuple(frames)
        latest = self.ending.kept[-1].data if self.ending.kept else None
        known = [index for index, frame in enumerate(frames) if frame.data == latest]
        behind = max(known[-1] + 1 if known else 0, sent)
        at_ms = (self.started_s - started_s) * 1000 + self.ending.at_ms
        if behind:
            at_ms = max(at_ms, frames[behind - 1].due_ms(self.pace))
        return (*frames[:behind], *(dataclasses.replace(frame, held_ms=at_ms) for frame in self.ending.frames))

    def log(self, starting_after: int | None, started_s: float) -> tuple[Frame, ...]:
        """The frames after a sequence number, each due when the run is that far; times count from `started_s`."""
        frames, numbers = self.frames(), self.tape.numbers_at(self.place)
        if self.ending is not None:
            ends = tuple(dataclasses.replace(frame, held_ms=self.ending.at_ms) for frame in self.ending.frames)
            latest = max((number for number in numbers[: len(self.ending.kept)] if number is not None), default=0)
            frames = self.ending.kept + ends
            numbers = numbers[: len(self.ending.kept)] + tuple(range(latest + 1, latest + len(ends))) + (None,)
        first = 0
        if starting_after is not None:
            passed = (at + 1 for at, number in enumerate(numbers) if number is not None and number <= starting_after)
            first = max(passed, default=0)
        ahead_ms = (self.started_s - started_s) * 1000
        return tuple(
            Frame(0.0, frame.data, frame.cut, max(0.0, ahead_ms + frame.due_ms(self.pace))) for frame in frames[first:]
        )


@dataclass(slots=True)
class Follower:
    """Tells the player of one stream when its run was cancelled. started_s: what the stream's times count from."""

    run: Run
    started_s: float
    is_whole: bool = False
    """Whether the stream was collapsed into its final object."""
    told: bool = False

    def collapsed(self) -> Follower:
        """The same for an answer that is one JSON object."""
        return dataclasses.replace(self, is_whole=True)

    async def change(self, due_s: float, frames: Sequence[Frame], sent: int) -> Sequence[Frame] | None:
        """Wait until `due_s` at most; the frames as they then are, or None when nothing has changed."""
        if self.told:
            return None
        await self.run.wait(due_s)
        if self.run.cancelled_s is None:
            return None
        self.told = True
        await self.run.ended.wait()
        assert self.run.ending is not None, "a cancelled run has an ending"
        if self.is_whole:
            final = next(frame for frame in self.run.ending.frames if frame.event == Event.RESPONSE)
            return (Frame(0.0, final.payload),)
        return self.run.rest(frames, sent, self.started_s)


class Runs:
    """The runs of a test, by their ids."""

    def __init__(self) -> None:
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._unsettled: deque[Run] = deque()

    def add(self, run: Run) -> None:
        """Remember a run; of two with the same recorded id, the later one."""
        self._unsettled.append(run)
        for _ in range(min(SETTLED_AT_ONCE, len(self._unsettled))):
            first = self._unsettled.popleft()
            if not first.settle():
                self._unsettled.append(first)
        self._runs.pop(run.run_id, None)
        self._runs[run.run_id] = run
        while len(self._runs) > MAX_RUNS:
            self._runs.popitem(last=False)

    def find(self, owner: str, run_id: str) -> Run | None:
        """This user's run; another user's does not exist."""
        run = self._runs.get(run_id)
        return run if run is not None and run.owner == owner else None


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _without_answer(ids: Mapping[str, int | str]) -> dict[str, int | str]:
    return {name: value for name, value in ids.items() if name != "assistant_message_id"}


def _ending(kept: tuple[Frame, ...], at_ms: float, metadata: Block, latest: int) -> Ending:
    turn = _turn(content_of(kept), "cancelled")
    payloads: list[tuple[Event, Block]] = []
    is_told = sum(frame.event == Event.METADATA for frame in kept) > 1
    if "assistant_message_id" in metadata and not is_told:
        message = {"role": "assistant", "message_id": metadata["assistant_message_id"], "run_id": metadata["run_id"]}
        payloads.append((Event.METADATA, {"metadata": message}))
    payloads.append((Event.RESPONSE, turn | {"metadata": metadata}))
    frames = [
        _frame(event, {**payload, "sequence_number": number})
        for number, (event, payload) in enumerate(payloads, start=latest + 1)
    ]
    frames.append(Frame(0.0, f"event: {Event.DONE}\ndata: {DONE}\n\n".encode()))
    return Ending(at_ms, kept, tuple(frames), turn)


def _turn(content: Sequence[Block], status: str) -> Block:
    return {"role": "assistant", "content": list(content), "status": status, "schema_version": "v2"}


def _frame(event: Event, payload: Mapping[str, Any]) -> Frame:
    return Frame(0.0, event_frame(event, payload))


def started(run: Run, planned: Plan) -> Plan:
    """The answer to `background: true, stream: false`: the run's ids, at once."""
    plan = json_plan({"status": "in_progress", "metadata": _without_answer(run.ids)})
    return dataclasses.replace(plan, headers={**planned.headers, **plan.headers})


def is_answered(planned: Plan, shaped: Plan) -> bool:
    """Whether an answer is still its surface's own, once the faults are in. Else what it tells of did not happen."""
    if planned.status != shaped.status:
        return False
    if planned.is_event_stream:
        return shaped.is_event_stream
    return [frame.data for frame in planned.frames] == [frame.data for frame in shaped.frames]


async def _follow(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`GET /api/v2/cortex/agent/runs/{run_id}`: what came after a sequence number, then what comes."""
    run = _found(mock, request, path[1])
    now_s = time.monotonic()
    over_s = run.ended_s(now_s)
    if run.was_dropped() or (over_s is not None and now_s > over_s + RETENTION_S):
        message = f"Run {run.run_id} is no longer available for streaming."
        raise Refusal(409, Code.INVALID_PAYLOAD, message, {"retention_s": RETENTION_S, "dropped": run.was_dropped()})
    if run.cancelled_s is not None:
        await run.ended.wait()
    started_s = request.entry.started_mono_s
    frames = run.log(_starting_after(request), started_s)
    headers = {**run.headers, "content-type": EVENT_STREAM}
    follower = None if run.ending is not None else Follower(run, started_s)
    return Plan(200, headers, frames, live=follower)


def _starting_after(request: Request) -> int | None:
    asked = request.query.get("starting_after")
    if asked is None or asked == "":
        return None
    if not re.fullmatch(r"-?\d{1,18}", asked):
        raise Refusal(400, Code.INVALID_PAYLOAD, f"starting_after {asked[:50]!r} is not an integer.")
    return int(asked)


async def _cancel(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`POST /api/v2/cortex/agent/runs/{run_id}/cancel`: what there is of the answer goes to the thread."""
    run = _found(mock, request, path[1])
    now_s = time.monotonic()
    if run.ended_s(now_s) is not None:
        how = "already cancelled" if run.cancelled_s is not None else "already finished"
        raise Refusal(409, Code.INVALID_PAYLOAD, f"Run {run.run_id} is {how} and cannot be cancelled.")
    plan = json_plan({"metadata": run.metadata_at(now_s)})

    def finish(shaped: Plan) -> Plan:
        if is_answered(plan, shaped):
            run.cancel(now_s)
        return shaped

    return dataclasses.replace(plan, finish=finish)


def _found(mock: Mock, request: Request, run_id: str) -> Run:
    run = mock.of_test(request, Runs).find(request.user, run_id)
    if run is None:
        raise Refusal(404, Code.NOT_FOUND, f"Run {quote(run_id[:100])} does not exist or access is not authorized.")
    return run


async def _steer(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`.../runs/{run_id}/steer`: an experiment of Snowflake's that accounts do not have unless it is switched on."""
    run = _found(mock, request, path[1])
    message = f"Steering is not enabled for this account; run {run.run_id} goes on unchanged."
    raise Refusal(400, Code.INVALID_PAYLOAD, message, {"not_played": "steering of runs"})


async def _compact(_mock: Mock, _request: Request, _path: re.Match[str]) -> Plan:
    """`POST /api/v2/cortex/agent:compact`: a summary needs a model, and nothing here is a model."""
    message = "Compaction is not available: this stand-in has no model that could summarise a conversation."
    raise Refusal(400, Code.INVALID_PAYLOAD, message, {"not_played": "compaction of threads"})


ROUTES: tuple[Route, ...] = (
    route("GET", _RUN, _follow, Surface.AGENT),
    route("POST", rf"{_RUN}/cancel", _cancel, Surface.AGENT),
    route("POST", rf"{_RUN}/steer", _steer, Surface.AGENT),
    route("DELETE", rf"{_RUN}/steer/[^/]+", _steer, Surface.AGENT),
    route("POST", COMPACT_PATH, _compact, Surface.AGENT),
)
