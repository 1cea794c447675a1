"""A recording kept by a process of its own.

Looking for what must not be published takes processor time in long pieces: beside a stream, even in a thread, it would
hold frames back for milliseconds. So exchanges that have ended are sent to a clerk, one after the other, by a pipe. The
clerk keeps the recording in its memory and writes the cassette when it is told to, or when whoever told it dies.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, TypeVar

from mocks.cassette import Interaction
from mocks.recording import Asking, Dropped, Finished, Options, Recording, RecordingError, State

T = TypeVar("T")

NICENESS = 5
"""Streams go first."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a recording does with a request: whether its cassette is asked first, and whether the upstream is asked."""

    answers: bool
    forwards: bool
    state: State


class Clerk:
    """Keeps one recording. Every method waits until the work is done, and raises RecordingError when the clerk died."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_settle_in)

    async def open(self, options: Options) -> Terms:
        """Begin.   Raises: RecordingError."""
        return await self._ask(_open, options)

    async def answer(self, asking: Asking) -> Interaction | list[dict[str, Any]]:
        """As `Recording.answer`.   Raises: fixtures.anonymise.Refused."""
        return await self._ask(_answer, asking)

    async def take(self, finished: Finished) -> tuple[Dropped | None, State]:
        """As `Recording.take`, and how far the recording is then."""
        return await self._ask(_take, finished)

    async def save(self) -> tuple[list[Dropped], State]:
        """As `Recording.save`, and what the recording came to.   Raises: RecordingError."""
        return await self._ask(_save, None)

    def close(self) -> None:
        """Send the clerk home; what was not saved is gone."""
        self._pool.shutdown(cancel_futures=True)

    async def _ask(self, what: Callable[[Any], T], about: object) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, what, about)
        except BrokenProcessPool as error:
            raise RecordingError("the process that keeps the recording has died; nothing was written") from error


# --- in the clerk's process

_desk = threading.Lock()
_recordings: list[Recording] = []


def _settle_in() -> None:
    """Stay until told to go: a Ctrl-C reaches every process of a terminal, and the cassette is not written yet."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    threading.Thread(target=_outlive, daemon=True).start()


def _outlive() -> None:
    """Write what is complete when the process that recorded is gone without a word."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "a clerk is somebody's child"
    parent.join()
    with _desk, contextlib.suppress(RecordingError):
        for recording in _recordings:
            recording.save()
    os._exit(0)


def _open(options: Options) -> Terms:
    with _desk:
        recording = Recording(options)
        _recordings.append(recording)
        return Terms(recording.answers, recording.forwards, recording.state)


def _answer(asking: Asking) -> Interaction | list[dict[str, Any]]:
    with _desk:
        return _recordings[0].answer(asking)


def _take(finished: Finished) -> tuple[Dropped | None, State]:
    with _desk:
        return _recordings[0].take(finished), _recordings[0].state


def _save(_: object) -> tuple[list[Dropped], State]:
    with _desk:
        recording = _recordings.pop()
        return recording.save(), recording.state
