"""What one proxy process is made of; wired in `proxy.app`, found through the Flask application."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from flask import current_app

from contracts.api import ProblemType
from proxy.cortex import CortexClient
from proxy.problems import ProblemError
from proxy.relay import Limits
from proxy.settings import Settings
from proxy.telemetry import Tracing
from proxy.tokens import TokenService
from proxy.watcher import ClientWatcher

EXTENSION = "cortex_proxy"


class StreamSlots:
    """How many streams may run at once; exact, because taking and giving back are the same semaphore's."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._free = threading.BoundedSemaphore(limit)

    def take(self) -> None:
        """Occupy a slot until `give_back`.   Raises: ProblemError when all are taken."""
        if not self._free.acquire(blocking=False):
            detail = f"This proxy streams {self._limit} answers at once; all are running."
            raise ProblemError(ProblemType.TOO_MANY_STREAMS, detail, retry_after_s=1)

    def give_back(self) -> None:
        """Free the slot."""
        self._free.release()


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that the routes use."""

    settings: Settings
    tokens: TokenService
    cortex: CortexClient
    tracing: Tracing
    slots: StreamSlots
    limits: Limits
    watcher: ClientWatcher = field(default_factory=ClientWatcher)


def parts() -> Parts:
    """The parts of the application that serves the current request."""
    found: Parts = current_app.extensions[EXTENSION]
    return found
