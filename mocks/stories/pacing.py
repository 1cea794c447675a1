"""When things happen: waits that look like a live run's and are the same at every build."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

Range = tuple[float, float]
"""Shortest and longest wait, milliseconds."""

AT_ONCE: Range = (0.2, 2.0)
FIRST: Range = (220, 480)
STATUS: Range = (4, 30)
MODEL: Range = (150, 400)
THINKING: Range = (20, 70)
TEXT: Range = (15, 50)
QUERY: Range = (400, 1200)
LOOKUP: Range = (400, 600)


def draw(*key: object) -> float:
    """A number in [0, 1) that belongs to this key."""
    digest = hashlib.sha256("|".join(map(str, key)).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


@dataclass(slots=True)
class Clock:
    """Milliseconds since the request, moved on by waits that belong to the story's name.

    now_ms: tenths of a millisecond, never running backwards.
    """

    story: str
    now_ms: float = 0.0
    waits: int = 0

    def wait(self, between: Range) -> float:
        """Let a time within the range pass; return the new time."""
        self.waits += 1
        shortest, longest = between
        wait_ms = shortest + (longest - shortest) * draw(self.story, self.waits)
        self.now_ms = round(self.now_ms + wait_ms, 1)
        return self.now_ms
