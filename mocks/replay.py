"""The player: frames leave at absolute deadlines, byte for byte.

Each frame is due at `started + at_ms * pace + held_ms`, so an early frame's delay never shifts a later one.
Frames that are due at the same moment share a write; frames with recorded cuts are written piece by piece.
In step mode frames leave one by one, each when its receiver's test asks for it.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Protocol

from mocks.cassette import Frame, Frames
from mocks.journal import Entry

Send = Callable[[bytes], Awaitable[None]]
Sleep = Callable[[float], Awaitable[None]]
Clock = Callable[[], float]
Step = Callable[[], Awaitable[bool]]
"""Waits until one more frame may leave; false when none may any more."""


class Live(Protocol):
    """What may change the rest of an answer while it is played: somebody cancels its run."""

    async def change(self, due_s: float, frames: Sequence[Frame], sent: int) -> Sequence[Frame] | None:
        """Wait until `due_s` at most, on the monotonic clock. All frames as they then are, those `sent` included; None
        when nothing has changed.
        """

    def collapsed(self) -> Live:
        """The same for the answer as one object."""


MAX_WRITE_BYTES = 64 * 1024
"""Frames that are due together share a write up to this size."""

MAX_PACE = 1000


def checked_pace(asked: str | float) -> float:
    """The factor on recorded times: 1 as recorded, 0 at once.   Raises: ValueError when it is none from 0 to 1000."""
    try:
        pace = float(asked)
    except ValueError:
        pace = -1.0
    if not 0 <= pace <= MAX_PACE:
        raise ValueError(f"pace {asked!r} is not a number from 0 (at once) to {MAX_PACE}")
    return pace


async def play(
    frames: Sequence[Frame],
    send: Send,
    entry: Entry,
    *,
    pace: float,
    clock: Clock = time.monotonic,
    sleep: Sleep = asyncio.sleep,
    live: Live | None = None,
) -> None:
    """Send every frame when it is due, counted from the entry's start; pace 0 sends all at once
    that no fault holds back. live: may change what is not sent yet.

    Raises: whatever `send` raises when the connection is gone.
    """
    started_s, position = entry.started_mono_s, 0
    while position < len(frames):
        due_s = started_s + frames[position].due_ms(pace) / 1000
        if live is not None and (changed := await live.change(due_s, frames, position)) is not None:
            frames = changed
            entry.replanned(frames)
            continue
        await sleep_until(due_s, clock, sleep)
        now_s = clock()
        batch = _due(frames, position, started_s, pace, now_s)
        for piece in _pieces(frames[position : position + batch]):
            await send(piece)
        position += batch
        entry.sent(position, now_s)
        if pace:
            entry.max_lateness_ms = max(entry.max_lateness_ms, (now_s - due_s) * 1000)


async def play_stepwise(
    frames: Sequence[Frame], send: Send, entry: Entry, step: Step, live: Live | None = None
) -> bool:
    """Send each frame when a step allows it, whatever its time; whether all were, before a step stayed away.

    live: may change what is not sent yet; asked after each step.
    Raises: whatever `send` raises when the connection is gone.
    """
    position = 0
    while position < len(frames):
        if not await step():
            return False
        if live is not None and (changed := await live.change(time.monotonic(), frames, position)) is not None:
            frames = changed
            entry.replanned(frames)
        for frame in frames[position : position + 1]:
            for piece in frame.pieces():
                await send(piece)
        position += 1
        entry.sent(min(position, len(frames)), time.monotonic())
    return True


async def sleep_until(due_s: float, clock: Clock = time.monotonic, sleep: Sleep = asyncio.sleep) -> None:
    """Return when the clock has reached `due_s`, never before it."""
    # Whole milliseconds, rounded up: the loop's timers round to them, and a fraction would be slept as a busy loop.
    # A timer may still fire early by what the loop's cached clock lags behind, hence the second look.
    while (remaining_s := due_s - clock()) > 0:
        await sleep(math.ceil(remaining_s * 1000) / 1000)


def at_once(frames: Sequence[Frame]) -> bytes:
    """All bytes, when at pace 0 the frames can share one write; else none."""
    whole = Frames.of(frames)
    return whole.data if whole.is_plain and len(whole.data) <= MAX_WRITE_BYTES else b""


def _due(frames: Sequence[Frame], position: int, started_s: float, pace: float, now_s: float) -> int:
    """How many frames from `position` on are due now; at least one."""
    end, size = position + 1, len(frames[position].data)
    while end < len(frames) and started_s + frames[end].due_ms(pace) / 1000 <= now_s:
        size += len(frames[end].data)
        if size > MAX_WRITE_BYTES:
            break
        end += 1
    return end - position


def _pieces(batch: Sequence[Frame]) -> Iterator[bytes]:
    """The writes that carry these frames: whole frames joined, cut frames by their pieces."""
    whole: list[bytes] = []
    for frame in batch:
        if not frame.cut:
            whole.append(frame.data)
            continue
        if whole:
            yield b"".join(whole)
            whole = []
        yield from frame.pieces()
    if whole:
        yield b"".join(whole)
