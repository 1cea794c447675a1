"""What one proxy process is made of; wired in `proxy.app`, found through the Flask application."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import current_app

from contracts.api import ProblemType
from proxy.cortex import CortexClient
from proxy.lifecycle import Lifecycle
from proxy.limits import Leases, RateLimiter
from proxy.problems import ProblemError
from proxy.settings import Settings
from proxy.telemetry import Telemetry
from proxy.tokens import TokenService
from proxy.watcher import ClientWatcher
from proxy.writer import HistoryWriter

EXTENSION = "cortex_proxy"


class StreamSlots:
    """How many streams this process runs at once, whoever asks for them; exact, since it is one semaphore."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._free = threading.BoundedSemaphore(limit)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """A slot is occupied inside the block.   Raises: ProblemError when all are taken."""
        if not self._free.acquire(blocking=False):
            detail = f"This proxy streams {self._limit} answers at once; all are running."
            raise ProblemError(ProblemType.TOO_MANY_STREAMS, detail, retry_after_s=1)
        try:
            yield
        finally:
            self._free.release()


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that the routes use."""

    settings: Settings
    tokens: TokenService
    cortex: CortexClient
    telemetry: Telemetry
    limiter: RateLimiter
    leases: Leases
    slots: StreamSlots
    history: HistoryWriter
    lifecycle: Lifecycle
    watcher: ClientWatcher


def parts() -> Parts:
    """The parts of the application that serves the current request."""
    found: Parts = current_app.extensions[EXTENSION]
    return found
