"""A rehearsal: one situation, played by real processes, and what panels and alerts must make of it.

Each has a mock and a proxy of its own, scraped under jobs of its own, so that several run at once and none is seen in
another's panels.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from dashboards import thresholds
from e2e.client_api import Client
from e2e.stack import Stack

NOTHING: Mapping[str, str] = MappingProxyType({})
AT_ONCE = 12
"""How many clients a rehearsal has at the same time."""

NO_LIMITS = {
    f"CORTEX_PROXY_POLICIES__{row}__{cell}": "100000"
    for row in ("TOKEN", "CHAT", "TOOL_SEARCH", "TOOL_ANALYST", "TOOL_SQL", "TOOL_CHART", "HISTORY", "REPORT")
    for cell in ("RATE", "BURST", "AT_ONCE")
}
"""Rehearsals ask faster than people do; those about limits take this back."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What must be seen: panels by address, alerts by name.

    moves: have data that is not zero.   still: have none, or zero.   fires, silent: by what Alertmanager was sent.
    """

    moves: tuple[str, ...] = ()
    still: tuple[str, ...] = ()
    fires: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()


Driver = Callable[["Scene"], None]
"""Makes traffic, and returns when it is over."""


@dataclass(frozen=True, slots=True)
class Backstage:
    """What is there before a rehearsal's processes start.

    folder: with its keys, and what its processes write.   mock_port: where the mock will listen.   cleanup: ended
    after the processes.   acts: what drivers can have happen, by name.   addresses: what they can have scraped.
    """

    folder: Path
    mock_port: int
    cleanup: ExitStack
    acts: dict[str, Callable[[], None]] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)


Prepare = Callable[[Backstage], Mapping[str, str]]
"""Puts something in place, and returns the settings of the proxy that name it."""


def nothing(_backstage: Backstage) -> Mapping[str, str]:
    """No settings: nothing is put in place."""
    return NOTHING


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One situation.

    traffic: drivers, started together.   proxy: settings besides those of a development proxy.   mock: options.
    prepare: puts something in place before anything starts.
    hold_s: how long it lasts at least, from its first request on.   is_fast: whether it is among those of every
    test run.
    """

    name: str
    about: str
    traffic: tuple[Driver, ...]
    expected: Expected
    proxy: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    mock: tuple[str, ...] = ()
    prepare: Prepare = nothing
    hold_s: float = 0.0
    is_fast: bool = False

    @property
    def proxy_job(self) -> str:
        """The job that its proxy is scraped under."""
        return f"{thresholds.PROXY_JOB}-{self.name}"

    @property
    def mock_job(self) -> str:
        """The job that its mock is scraped under."""
        return f"{thresholds.MOCK_JOB}-{self.name}"

    @property
    def suite_job(self) -> str:
        """The job that the report of a test suite is scraped under."""
        return f"cortex-suite-{self.name}"

    @property
    def jobs(self) -> str:
        """All of its jobs, as a regular expression: what `All` would be if it ran alone."""
        return f"cortex-(proxy|mock|suite)-{self.name}"


@dataclass(slots=True)
class Tally:
    """What clients counted and timed, from any thread. counts: by thing and label.   times_s: by thing."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    times_s: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, thing: str, label: str = "", times: int = 1) -> None:
        """So many more of them."""
        with self._lock:
            self.counts[thing, label] += times

    def time(self, thing: str, seconds: float) -> None:
        """One more measurement."""
        with self._lock:
            self.times_s[thing].append(seconds)

    def by_label(self, thing: str) -> dict[str, int]:
        """How many of a thing, by label."""
        return {label: number for (name, label), number in self.counts.items() if name == thing}


@dataclass(slots=True)
class Scene:
    """A running rehearsal, as its drivers have it."""

    rehearsal: Rehearsal
    stack: Stack
    backstage: Backstage
    watch: Callable[[str, str], None]
    """Has one more target scraped: its job and address."""

    client: Client
    """Whoever asks, but for those who bring a session of their own."""

    tally: Tally = field(default_factory=Tally)


def every(pause_s: float, works: Sequence[Callable[[], None]]) -> None:
    """Do these one after the other, a pause between their beginnings, whether the one before has ended or not.

    Raises: what a work raised, once all have ended.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        started: list[Future[None]] = [pool.submit(work) for work in _paced(pause_s, works)]
    for each in started:
        each.result()


def _paced(pause_s: float, works: Sequence[Callable[[], None]]) -> Iterator[Callable[[], None]]:
    began_s = time.monotonic()
    for number, work in enumerate(works):
        time.sleep(max(began_s + number * pause_s - time.monotonic(), 0))
        yield work
