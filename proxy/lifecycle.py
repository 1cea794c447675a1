"""How a process stops: it looks unready, then refuses new streams, then ends the running ones, then goes.

    serving   everything
    noticed   `readyz` fails, so that nobody sends more; everything is still served
    draining  new streams are refused, running ones go on, short requests are answered
    ending    running streams have been told to end
    stopped   nothing runs any more, or its time is over

A state machine that is asked by the routes and moved by the worker's main thread. It has no thread, and reads time from
one clock only. Each process has its own.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

import structlog

from contracts.api import ProblemType
from proxy.problems import ProblemError

log = structlog.get_logger(__name__)

GOODBYE_S = 2.0
"""The last part of the drain: streams have been told, and write their last frames."""

FLUSH_S = 2.0
"""All that is written down at the very end, together."""

HURRIED_GOODBYE_S = 1.0
HURRIED_FLUSH_S = 0.5
"""Together below the 2 s after which gunicorn kills a worker that was asked to be quick."""

RETRY_AFTER_S = 1
"""Another process takes the next request, or this one's successor does."""

Stop = Callable[[], None]
"""Makes one stream end; called once at most, from the main thread, so it must not wait for anything.

The stream may just have ended by itself.
"""

Flush = Callable[[float], object]
"""Writes down what is still held; it is given the seconds it may take."""


class Phase(StrEnum):
    """Where a process is in its life; the order is the order of time."""

    SERVING = "serving"
    NOTICED = "noticed"
    DRAINING = "draining"
    ENDING = "ending"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Schedule:
    """When each phase of a stop begins, in seconds of one clock."""

    refuse_s: float
    tell_s: float
    leave_s: float

    @classmethod
    def drain(cls, now_s: float, drain_s: float, notice_s: float) -> Schedule:
        """Notice first, then `drain_s` for the streams, of which the last part is for saying goodbye."""
        refuse_s = now_s + notice_s
        tell_s = refuse_s + max(drain_s - GOODBYE_S, 0.0)
        return cls(refuse_s, tell_s, tell_s + GOODBYE_S)

    @classmethod
    def hurry(cls, now_s: float, before: Schedule | None = None) -> Schedule:
        """Streams are told at once; no later than the schedule before would have it."""
        leave_s = now_s + HURRIED_GOODBYE_S
        return cls(now_s, now_s, leave_s if before is None else min(leave_s, before.leave_s))

    def phase(self, now_s: float, *, is_busy: bool) -> Phase:
        """The phase at this time; without anything running there is nothing to wait for after the notice."""
        if now_s < self.refuse_s:
            return Phase.NOTICED
        if not is_busy or now_s >= self.leave_s:
            return Phase.STOPPED
        return Phase.DRAINING if now_s < self.tell_s else Phase.ENDING

    def due_s(self, now_s: float) -> float:
        """Seconds until time alone changes the phase."""
        return min(max(at_s - now_s, 0.0) for at_s in (self.refuse_s, self.tell_s, self.leave_s) if at_s > now_s)


def longest_stop_s(drain_s: float, drain_notice_s: float) -> float:
    """From the signal to the end of the process, at most."""
    return Schedule.drain(0.0, drain_s, drain_notice_s).leave_s + FLUSH_S


class Lifecycle:
    """The phase of this process, what runs in it, and what is to be flushed at its end."""

    def __init__(self, drain_s: float, drain_notice_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._drain_s, self._notice_s, self._clock = drain_s, drain_notice_s, clock
        self._lock = threading.Lock()
        self._schedule: Schedule | None = None
        self._is_hurried = False
        self._requests = 0
        self._streams: dict[object, Stop | None] = {}  # None once it was told
        self._flushes: dict[str, Flush] = {}
        self._announced = Phase.SERVING

    # --- asked by routes and probes

    @property
    def phase(self) -> Phase:
        """Where the process is now."""
        with self._lock:
            return self._phase(self._clock())

    @property
    def is_ready(self) -> bool:
        """Whether others should send requests here."""
        return self.phase is Phase.SERVING

    @property
    def streams(self) -> int:
        """How many streams are registered."""
        with self._lock:
            return len(self._streams)

    def check(self) -> None:
        """Nothing, while streams are taken.   Raises: ProblemError DRAINING.

        For routes whose requests take long, before they ask anybody anything.
        """
        with self._lock:
            self._check()

    def register(self, stop: Stop) -> Callable[[], None]:
        """Count a stream until the returned function is called.   Raises: ProblemError DRAINING.

        Either a stream is refused here or it is told later; none slips through between.
        """
        key = object()
        with self._lock:
            self._check()
            self._streams[key] = stop
        return lambda: self._unregister(key)

    @contextmanager
    def stream(self, stop: Stop) -> Iterator[None]:
        """Count a stream inside the block.   Raises: ProblemError DRAINING."""
        unregister = self.register(stop)
        try:
            yield
        finally:
            unregister()

    @contextmanager
    def request(self) -> Iterator[None]:
        """Count a request of any kind inside the block: the process does not go while one runs and there is time."""
        with self._lock:
            self._requests += 1
        try:
            yield
        finally:
            with self._lock:
                self._requests -= 1

    def on_stop(self, name: str, flush: Flush) -> None:
        """At the end call `flush` with the seconds it may take; the name is for the log."""
        self._flushes[name] = flush

    # --- told by the worker

    def begin(self) -> None:
        """Stop in order; telling it again changes nothing, since supervisors often signal a whole process group."""
        with self._lock:
            if self._schedule is None:
                self._schedule = Schedule.drain(self._clock(), self._drain_s, self._notice_s)

    def hurry(self) -> None:
        """Stop now: streams are told at once."""
        with self._lock:
            if not self._is_hurried:
                self._is_hurried = True
                self._schedule = Schedule.hurry(self._clock(), before=self._schedule)

    def advance(self) -> float | None:
        """Do what is due; seconds until time makes something due again, None when the process may go.

        To be called as well whenever a request has ended.
        """
        with self._lock:
            now_s, schedule = self._clock(), self._schedule
            if schedule is None:
                return math.inf
            phase, untold = self._phase(now_s), list[Stop]()
            if phase in (Phase.ENDING, Phase.STOPPED):
                untold = [stop for stop in self._streams.values() if stop is not None]
                self._streams = dict.fromkeys(self._streams)
        self._announce(phase)
        for stop in untold:
            _tell(stop)
        return None if phase is Phase.STOPPED else schedule.due_s(now_s)

    def flush(self) -> None:
        """Everything registered with `on_stop` was called, side by side: one that hangs costs no other its time."""
        timeout_s = HURRIED_FLUSH_S if self._is_hurried else FLUSH_S
        deadline_s = time.monotonic() + timeout_s
        threads = [
            threading.Thread(target=_flush, args=(name, flush, timeout_s), name=f"flush-{name}", daemon=True)
            for name, flush in self._flushes.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(deadline_s - time.monotonic(), 0.0))
            if thread.is_alive():
                log.warning("not everything was written down in time", detail=thread.name)

    # --- under the lock

    def _phase(self, now_s: float) -> Phase:
        if self._schedule is None:
            return Phase.SERVING
        return self._schedule.phase(now_s, is_busy=bool(self._streams or self._requests))

    def _check(self) -> None:
        if self._phase(self._clock()) not in (Phase.SERVING, Phase.NOTICED):
            detail = "No new answers are begun here; ask again and another process answers."
            raise ProblemError(ProblemType.DRAINING, detail, retry_after_s=RETRY_AFTER_S)

    def _unregister(self, key: object) -> None:
        with self._lock:
            self._streams.pop(key, None)

    def _announce(self, phase: Phase) -> None:
        if phase is not self._announced:
            self._announced = phase
            detail = _what_runs(self._requests, len(self._streams))
            log.info("stopped" if phase is Phase.STOPPED else "stopping", reason=phase, detail=detail)


def _what_runs(requests: int, streams: int) -> str:
    match requests, streams:
        case 0, 0:
            return "nothing runs"
        case 1, 0:
            return "1 request runs"
        case 1, _:
            return "1 request runs, it streams"
        case _, 0:
            return f"{requests} requests run, none of them streams"
    return f"{requests} requests run, {streams} of them {'streams' if streams == 1 else 'stream'}"


def _tell(stop: Stop) -> None:
    try:
        stop()
    except Exception:  # one stream's failure must not keep the others from saying goodbye
        log.exception("a stream could not be told to end")


def _flush(name: str, flush: Flush, timeout_s: float) -> None:
    try:
        flush(timeout_s)
    except Exception:  # the process goes anyway
        log.exception("something was not written down", detail=name)
