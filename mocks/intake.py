"""Exchanges that pass while a recording runs: held in memory until they end, handed on in the order of their arrival.

In that order, because what is drawn anew for each run (ids of requests, queries, runs) is numbered as it first appears,
and two recordings of the same questions have to come out the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mocks.recording import MAX_BODY_BYTES, Asking, Dropped, Finished, named

MAX_HELD_BYTES = 256 * 1024 * 1024
"""What exchanges that are not handed on yet may take together; one that would need more passes unrecorded."""

Clock = Callable[[], float]


@dataclass(slots=True, eq=False)
class Underway:
    """One exchange on its way. chunks: seconds of the clock, bytes.   reason: why it is dropped, once it is."""

    number: int
    asking: Asking
    began_s: float
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    chunks: list[tuple[float, bytes]] = field(default_factory=list, repr=False)
    size_bytes: int = 0
    has_ended: bool = False
    reason: str | None = None

    def finished(self) -> Finished:
        """What it was, with times that count from its request."""
        chunks = tuple([((at_s - self.began_s) * 1000.0, data) for at_s, data in self.chunks])
        return Finished(self.number, self.asking, self.status, self.headers, chunks)


class Intake:
    """Takes exchanges as they pass; calls `hand_on` with each whole one, `dropped` with each other one."""

    def __init__(
        self,
        hand_on: Callable[[Finished], None],
        dropped: Callable[[Dropped], None],
        clock: Clock = time.perf_counter,
    ) -> None:
        self._hand_on, self._dropped, self._clock = hand_on, dropped, clock
        self._waiting: dict[int, Underway] = {}
        self._held_bytes = 0
        self._number = 0

    @property
    def under_way(self) -> int:
        """How many have not ended."""
        return sum(not each.has_ended for each in self._waiting.values())

    def begin(self, asking: Asking) -> Underway:
        """A request goes upstream now."""
        self._number += 1
        underway = Underway(self._number, asking, self._clock())
        self._waiting[underway.number] = underway
        self._hold(underway, len(asking.body))
        return underway

    def answer(self, underway: Underway, status: int, headers: Mapping[str, str]) -> None:
        """The head of its answer is here."""
        underway.status, underway.headers = status, dict(headers)

    def chunk(self, underway: Underway, data: bytes) -> None:
        """Bytes of its answer are here."""
        now_s = self._clock()
        if underway.reason is None and self._hold(underway, len(data)):
            underway.chunks.append((now_s, data))

    def end(self, underway: Underway) -> None:
        """Its answer is whole."""
        underway.has_ended = True
        self._release()

    def drop(self, underway: Underway, reason: str) -> None:
        """It is not recorded; the first reason counts."""
        self._give_up(underway, reason)
        underway.has_ended = True
        self._release()

    def close(self) -> None:
        """Drop what is still under way."""
        for underway in list(self._waiting.values()):
            if not underway.has_ended:
                self.drop(underway, "the recording ended before its answer did")

    def let_go(self, finished: Finished) -> None:
        """A handed on exchange is somebody else's now."""
        self._held_bytes -= finished.size_bytes

    def _hold(self, underway: Underway, size_bytes: int) -> bool:
        if underway.size_bytes + size_bytes > MAX_BODY_BYTES:
            self._give_up(underway, f"its bodies take more than {MAX_BODY_BYTES} bytes")
        elif self._held_bytes + size_bytes > MAX_HELD_BYTES:
            self._give_up(underway, f"exchanges under way took more than {MAX_HELD_BYTES} bytes")
        else:
            underway.size_bytes += size_bytes
            self._held_bytes += size_bytes
            return True
        return False

    def _give_up(self, underway: Underway, reason: str) -> None:
        underway.reason = underway.reason or reason
        self._held_bytes -= underway.size_bytes
        underway.size_bytes = 0
        underway.chunks.clear()

    def _release(self) -> None:
        for number, underway in list(self._waiting.items()):
            if not underway.has_ended:
                return
            del self._waiting[number]
            if underway.reason is None:
                self._hand_on(underway.finished())
            else:
                asked = underway.asking
                self._dropped(Dropped(number, named(asked.method, asked.path), underway.reason))
