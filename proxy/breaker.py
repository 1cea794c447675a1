"""A circuit breaker per upstream surface: after an outage is plain, callers are told so at once instead of queueing.

Failures are what an outage looks like: no connection, no answer in time, 5xx. Being throttled, refused or cancelled
says nothing about the upstream's health and counts neither way.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from contracts.api import ProblemType
from proxy.problems import ProblemError

WINDOW_S = 20.0
MIN_FAILURES = 10
FAILURE_SHARE = 0.5
OPEN_S = 5.0
MAX_REMEMBERED = 1000


class State(StrEnum):
    """Closed lets everything through, open nothing, half-open one call that tells which it is to be."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Breaker:
    """One surface's breaker. A permit from `admit` is answered by exactly one of `succeeded`, `failed`, `unknown`."""

    def __init__(
        self,
        surface: str,
        on_change: Callable[[str, State], None] = lambda _surface, _state: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._surface, self._on_change, self._clock = surface, on_change, clock
        self._lock = threading.Lock()
        self._results: deque[tuple[float, bool]] = deque(maxlen=MAX_REMEMBERED)
        self._state = State.CLOSED
        self._opened_s = 0.0
        self._probe: object | None = None

    @property
    def state(self) -> State:
        """As of now; an open breaker whose pause is over shows as half-open."""
        with self._lock:
            return State.HALF_OPEN if self._state is State.OPEN and self._left_s() <= 0 else self._state

    def admit(self) -> object:
        """A permit for one call.   Raises: ProblemError with the time after which to ask again."""
        with self._telling():
            permit = object()
            if self._state is State.CLOSED:
                return permit
            left_s = self._left_s()
            if left_s > 0 or self._probe is not None:
                detail = f"Cortex {self._surface} failed repeatedly; nothing is sent there for a moment."
                wait_s = max(math.ceil(left_s), 1)
                raise ProblemError(ProblemType.UPSTREAM_SUSPENDED, detail, retry_after_s=wait_s)
            self._enter(State.HALF_OPEN)
            self._probe = permit
            return permit

    def succeeded(self, permit: object) -> None:
        """The upstream answered."""
        with self._telling():
            if permit is self._probe:
                self._probe = None
                self._results.clear()
                self._enter(State.CLOSED)
            elif self._state is State.CLOSED:
                self._results.append((self._clock(), True))

    def failed(self, permit: object) -> None:
        """The upstream did not, or answered that it cannot."""
        with self._telling():
            if permit is self._probe:
                self._open()
            elif self._state is State.CLOSED:
                self._results.append((self._clock(), False))
                if self._is_outage():
                    self._open()

    def unknown(self, permit: object) -> None:
        """The call ended without telling anything about the upstream; the next one may probe."""
        with self._lock:
            if permit is self._probe:
                self._probe = None

    def _left_s(self) -> float:
        return self._opened_s + OPEN_S - self._clock()

    def _is_outage(self) -> bool:
        now_s = self._clock()
        while self._results and self._results[0][0] <= now_s - WINDOW_S:
            self._results.popleft()
        failures = sum(not succeeded for _, succeeded in self._results)
        return failures >= MIN_FAILURES and failures >= FAILURE_SHARE * len(self._results)

    def _open(self) -> None:
        self._probe = None
        self._opened_s = self._clock()
        self._results.clear()
        self._enter(State.OPEN)

    def _enter(self, state: State) -> None:
        self._state = state

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """The lock is held inside the block; who watches is told of a change after it, since telling may take time."""
        with self._lock:
            before = self._state
            try:
                yield
            finally:
                after = self._state
        if after is not before:
            self._on_change(self._surface, after)
