"""When a failed upstream call is tried again, and after how long.

At most three tries, full jitter, never past the call's deadline, and over all calls of a surface a budget: trying
again helps with a hiccup, but in an outage it is what keeps the upstream down.
Source of the ratio: Google's SRE book, "Handling Overload".
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

from contracts.telemetry import Surface

MAX_TRIES = 3
BASE_S = 0.2
CAP_S = 2.0
DICE = random.SystemRandom()
MAX_HONOURED_S = 5.0
"""An upstream that asks for a longer pause is not waited for: its `Retry-After` goes on to the client instead."""


def pause_s(tries: int, asked_s: float | None, left_s: float, spread: Callable[[float, float], float]) -> float | None:
    """How long to wait before the next try; None when there should be none.

    tries: made so far.   asked_s: the upstream's `Retry-After`.   left_s: until the call's deadline.
    spread: draws a number between two, as `random.uniform`.
    """
    if tries >= MAX_TRIES:
        return None
    drawn_s = spread(0.0, min(CAP_S, BASE_S * 2 ** (tries - 1)))
    wait_s = drawn_s if asked_s is None else asked_s + drawn_s
    return wait_s if (asked_s or 0.0) <= MAX_HONOURED_S and wait_s < left_s else None


class RetryBudget:
    """Tries beyond the first: a tenth of the calls of the last ten seconds, and ten of them in any case."""

    RATIO, WINDOW_S, FLOOR = 0.1, 10, 10

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._seconds: deque[list[int]] = deque()  # [second, calls, retries], oldest first

    def called(self) -> None:
        """A call was made for the first time."""
        with self._lock:
            self._now()[1] += 1

    def spend(self) -> bool:
        """Whether one more try may be made; it counts as made then."""
        with self._lock:
            now = self._now()
            allowed, retries = self._counts()
            if retries >= allowed:
                return False
            now[2] += 1
            return True

    def left(self) -> float:
        """The unspent share of the tries that are allowed just now."""
        with self._lock:
            self._now()
            allowed, retries = self._counts()
            return max(1 - retries / allowed, 0.0)

    def _counts(self) -> tuple[int, int]:
        """Tries that are allowed in the last ten seconds, and those made."""
        calls = sum(second[1] for second in self._seconds)
        return max(self.FLOOR, int(calls * self.RATIO)), sum(second[2] for second in self._seconds)

    def _now(self) -> list[int]:
        second = int(self._clock())
        while self._seconds and self._seconds[0][0] <= second - self.WINDOW_S:
            self._seconds.popleft()
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append([second, 0, 0])
        return self._seconds[-1]


class Backoff:
    """The budgets and the dice of one client; shared by all its threads. Each surface has a budget, as it may fail
    on its own.
    """

    def __init__(self, spread: Callable[[float, float], float] = DICE.uniform) -> None:
        self.budgets: Mapping[Surface, RetryBudget] = {each: RetryBudget() for each in Surface}
        self._spread = spread

    def pause_s(self, tries: int, asked_s: float | None, left_s: float) -> float | None:
        """As the function of this name."""
        return pause_s(tries, asked_s, left_s, self._spread)
