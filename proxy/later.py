"""Calls that are put off, so that no stream waits for what is told about it.

One measurement takes the SDK 4 to 9 µs, and a stream makes a dozen before its first event is out. Noting that it is to
be made takes a tenth of that. A thread makes what was noted, in order and a few at a time; whoever reads settles first,
so that nothing is missing from what is read.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import structlog

log = structlog.get_logger(__name__)

INTERVAL_S = 0.1
MOST_WAITING = 10_000
"""A caller that finds more settles itself: what waits must not grow without end."""

AT_ONCE = 16
"""Calls between two pauses in which other threads run: about 0.1 ms."""


class Later:
    """Makes calls later once it has started, and at once before and after."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._settling = threading.RLock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._failed = False

    def call(self, function: Callable[..., None], *arguments: Any) -> None:
        """Have it called; until then nobody may change the arguments."""
        if self._thread is None:
            function(*arguments)
            return
        self._waiting.append((function, arguments))
        if len(self._waiting) > MOST_WAITING:
            self.settle()

    def settle(self) -> None:
        """Everything that was put off before is done."""
        with self._settling:
            for _ in range(len(self._waiting)):  # and not what others add in the meantime, or this might never end
                self._make(*self._waiting.popleft())

    def start(self) -> None:
        """From now on calls are made later."""
        self._thread = threading.Thread(target=self._run, name="later", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Everything is done, and calls are made at once again. Once is as good as twice."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._stop.set()
            thread.join()
        self.settle()

    def _run(self) -> None:
        while not self._stop.wait(INTERVAL_S):
            while self._waiting:
                with self._settling:
                    for _ in range(min(len(self._waiting), AT_ONCE)):
                        self._make(*self._waiting.popleft())
                time.sleep(0)  # gives up the interpreter's lock

    def _make(self, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        try:
            function(*arguments)
        except Exception as error:
            if not self._failed:  # once: a line is itself put off where lines are sent on
                self._failed = True
                log.exception("telemetry could not be told", exc_info=error)
