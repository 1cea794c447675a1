"""What was asked, what answered, and when each frame left. Bounded; the oldest entries go first.

Times named `*_mono_s` are CLOCK_MONOTONIC seconds, comparable between processes of one machine: that is how a
benchmark measures the time from a client's leaving to the mock's noticing.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

Outcome = Literal["answered", "refused", "missed", "client_gone", "cut", "failed"]
OUTCOMES: tuple[str, ...] = get_args(Outcome)


MAX_CHARS = 500
"""How much of a client's own words an entry keeps."""


@dataclass(slots=True)
class Entry:
    """One exchange. Lateness is how far behind its schedule the latest frame left.

    A frame counts as sent once it is handed to the connection; what a slow client has not read yet is included.
    """

    id: int
    method: str
    path: str
    at: float = field(default_factory=time.time)
    started_mono_s: float = field(default_factory=time.monotonic)
    status: int = 0
    outcome: Outcome | None = None
    user: str | None = None
    test_id: str | None = None
    traceparent: str | None = None
    scenario: str | None = None
    cassette: str | None = None
    interaction: int | None = None
    frames_planned: int = 0
    frames_sent: int = 0
    max_lateness_ms: float = 0.0
    ended_mono_s: float | None = None
    why: str | None = None
    nearest: list[dict[str, Any]] | None = None

    def end(self, outcome: Outcome, why: str | None = None) -> None:
        """Close the entry; only the first end counts."""
        if self.outcome is None:
            self.outcome, self.ended_mono_s, self.why = outcome, time.monotonic(), why and why[:MAX_CHARS]

    def asked_by(self, test_id: str | None, traceparent: str | None) -> None:
        """Note for whom, and within which trace, the exchange runs."""
        self.test_id, self.traceparent = test_id, traceparent and traceparent[:MAX_CHARS]

    def as_json(self) -> dict[str, Any]:
        """For the admin route."""
        return asdict(self)


class Journal:
    """The last `size` exchanges."""

    def __init__(self, size: int = 2000) -> None:
        self._entries: deque[Entry] = deque(maxlen=size)
        self._ids = itertools.count(1)

    def open(self, method: str, path: str, *, keep: bool = True) -> Entry:
        """A new entry, still running; kept unless it is the admin's own."""
        entry = Entry(next(self._ids), method[:MAX_CHARS], path[:MAX_CHARS])
        if keep:
            self._entries.append(entry)
        return entry

    def entries(self, test_id: str | None = None, outcome: str | None = None, limit: int = 100) -> list[Entry]:
        """The newest entries that fit, newest first."""
        wanted = (
            entry
            for entry in reversed(self._entries)
            if (test_id is None or entry.test_id == test_id) and (outcome is None or entry.outcome == outcome)
        )
        return list(itertools.islice(wanted, limit))

    def clear(self, test_id: str | None = None) -> None:
        """Forget everything, or one test's entries."""
        kept = [] if test_id is None else [entry for entry in self._entries if entry.test_id != test_id]
        self._entries.clear()
        self._entries.extend(kept)
