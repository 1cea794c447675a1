"""What somebody who records sees meanwhile: one line that stays current, or a line for each exchange."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

from mocks.recording import Dropped, Finished, State, named

_CLEAR_LINE = "\r\x1b[K"


@dataclass(slots=True)
class Progress:
    """Tells of a recording on a stream, and counts.

    is_live: whether the stream is a terminal whose last line may be written over.   answered: from the cassette.
    """

    stream: TextIO
    is_live: bool
    state: State = field(default_factory=State)
    answered: int = 0
    lost: list[Dropped] = field(default_factory=list)
    clock: Callable[[], float] = time.monotonic
    began_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.began_s = self.clock()

    def kept(self, finished: Finished) -> None:
        """An exchange is in the recording now."""
        if not self.is_live:
            what = named(finished.asking.method, finished.asking.path)
            took_ms = finished.chunks[-1][0] if finished.chunks else 0.0
            self.say(f"#{finished.number} {what}: {finished.status}, {took_ms / 1000:.1f} s; {self._sums()}")

    def dropped(self, dropped: Dropped) -> None:
        """An exchange passed and is not recorded."""
        self.lost.append(dropped)
        self.say(f"not recorded: {dropped}")

    def say(self, words: str) -> None:
        """A line that stays."""
        print(f"{_CLEAR_LINE if self.is_live else ''}{words}", file=self.stream, flush=True)

    def refresh(self, under_way: int) -> None:
        """Write the line that stays current, where there can be one."""
        if self.is_live:
            print(f"{_CLEAR_LINE}{self.line(under_way)}", end="", file=self.stream, flush=True)

    def line(self, under_way: int) -> str:
        """Where the recording stands."""
        minutes, seconds = divmod(int(self.clock() - self.began_s), 60)
        counted = [f"{minutes:02d}:{seconds:02d}", f"{under_way} under way", self._sums()]
        counted += [f"{self.answered} answered from the cassette"] if self.answered else []
        counted += [f"{len(self.lost)} not recorded"] if self.lost else []
        return " | ".join(counted)

    def _sums(self) -> str:
        return f"{self.state.interactions} interactions, {self.state.replaced} values replaced"
