"""What the proxy adds: time to the first event, lag of the others, CPU per event, memory per idle stream.

The source stamps every event, the client subtracts; both read the same monotonic clock. Everything is measured twice
in one run, straight from the source and through the proxy: the first is the floor of client, source and machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import math
import random
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests

from contracts.api import PREFIX
from e2e import keys
from e2e.bench import source
from e2e.bench.client import Timeline, opened, stream
from e2e.bench.cpu import spent_s
from e2e.bench.figures import Figure, percentile
from e2e.bench.source import Plan
from e2e.stack import Child, await_answer, proxy_settings

BENCH_ENVIRONMENT = {
    f"CORTEX_PROXY_POLICIES__{policy}__{limit}": "1000000"
    for policy in ("TOKEN", "CHAT")
    for limit in ("RATE", "BURST", "AT_ONCE")
}
"""Settings of every proxy that is measured: what would refuse one client's many streams is lifted here."""

START_P50_BAR_MS, START_P99_BAR_MS = 5.0, 25.0
LAG_P50_BAR_MS, LAG_P99_BAR_MS = 1.0, 10.0
CPU_BAR_US = 220.0
IDLE_BAR_KB = 100.0

IDLE_STREAMS = 300
WARM_UP = 20
"""Streams before the measured ones: imports, caches and a first set of threads are nobody's share."""

SETTLE_S = 0.5
ANSWER_TIMEOUT_S = 20.0

Request = tuple[str, dict[str, str], object]
"""URL, headers and body."""

Ask = Callable[[Plan], Request]
"""How a stream is asked for: at the source itself, or at the proxy."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A load: `streams` begin within `fill_s` and run to the end; `starts` more, of one event, come after the quiet.

    Ten starts a second are what a hundred streams of ten seconds each make. All moments, in seconds, are drawn
    beforehand: nobody waits for an answer before asking (an open loop).
    """

    streams: int = 100
    per_s: float = 20.0
    fill_s: float = 4.0
    quiet_s: float = 5.0
    starts: int = 100
    starts_s: float = 10.0

    @property
    def quiet_from_s(self) -> float:
        """When all streams run; the margin is for the last ones' start."""
        return self.fill_s + SETTLE_S

    @property
    def starts_from_s(self) -> float:
        """When the quiet ends."""
        return self.quiet_from_s + self.quiet_s

    @property
    def until_s(self) -> float:
        """When the measuring ends; every stream of the load runs until then."""
        return self.starts_from_s + self.starts_s

    def background(self) -> list[tuple[float, Plan]]:
        """The streams that make the load, and when each begins."""
        moments = random.Random(7)  # noqa: S311 - a schedule, not a secret
        begins = [moments.uniform(0, self.fill_s) for _ in range(self.streams)]
        lasts_s = [self.until_s + SETTLE_S - begin_s for begin_s in begins]
        plans = [Plan(events=math.ceil(each_s * self.per_s), per_s=self.per_s) for each_s in lasts_s]
        return list(zip(begins, plans, strict=True))

    def probes(self) -> list[tuple[float, Plan]]:
        """The starts that are timed under that load."""
        moments = random.Random(11)  # noqa: S311 - a schedule, not a secret
        return [(self.starts_from_s + moments.uniform(0, self.starts_s), Plan()) for _ in range(self.starts)]


@dataclass(frozen=True, slots=True)
class Run:
    """A load as it came: both kinds of streams, the measured time on the monotonic clock, the CPU of its quiet part."""

    background: Sequence[Timeline]
    probes: Sequence[Timeline]
    from_s: float
    quiet_until_s: float
    until_s: float
    quiet_cpu_s: float

    @property
    def broken(self) -> int:
        """Streams that were refused or cut."""
        return sum(not (each.ended_cleanly and stamps(each)) for each in (*self.background, *self.probes))

    def starts_ms(self) -> list[float]:
        """Per probe, from the request to the source's first event."""
        return [(stamps(each)[0][1] - each.sent_s) * 1000 for each in self.probes if stamps(each)]

    def lags_ms(self) -> list[float]:
        """Per event of the measured time, from the source's write to the client."""
        pairs = itertools.chain.from_iterable(map(stamps, self.background))
        return [(arrived_s - at_s) * 1000 for at_s, arrived_s in pairs if self.from_s <= at_s < self.until_s]

    def quiet_cpu_us(self) -> float:
        """CPU per event while streams only ran, none began or ended."""
        pairs = itertools.chain.from_iterable(map(stamps, self.background))
        return self.quiet_cpu_s * 1e6 / sum(self.from_s <= at_s < self.quiet_until_s for at_s, _ in pairs)


def stamps(timeline: Timeline) -> list[tuple[float, float]]:
    """When each of the source's events was written and when it arrived, seconds; frames of others are left out."""
    pairs = ((source.stamp_s(frame), arrived_s) for arrived_s, frame in timeline.frames)
    return [(at_s, arrived_s) for at_s, arrived_s in pairs if at_s is not None]


class Server:
    """The processes of a proxy that serve: the workers of one that has them, whose master only waits."""

    def __init__(self, pid: int) -> None:
        started = psutil.Process(pid)
        self._workers = started.children(recursive=True) or [started]

    def cpu_s(self) -> float:
        """CPU time so far, user and system."""
        return sum(spent_s(each.pid) for each in self._workers)

    def rss_kb(self) -> float:
        """Resident memory."""
        return sum(each.memory_info().rss for each in self._workers) / 1024

    def uss_kb(self) -> float:
        """Memory that would be free if the process ended."""
        return sum(each.memory_full_info().uss for each in self._workers) / 1024

    def descriptors(self) -> int:
        """Open files and sockets."""
        return sum(each.num_fds() for each in self._workers)

    def threads(self) -> int:
        """Threads, also those that wait for work."""
        return sum(each.num_threads() for each in self._workers)


@dataclass(frozen=True, slots=True)
class Bench:
    """A running source and a proxy in front of it."""

    source_url: str
    proxy_url: str
    server: Server

    def straight(self) -> Ask:
        """Asks the source."""
        return lambda plan: (f"{self.source_url}{source.RUN_PATH}", {}, plan.body())

    def through(self, sessions: int) -> Ask:
        """Asks the proxy, each stream in another of that many sessions, in turn; they are opened here and now."""
        opened_sessions = itertools.cycle(open_sessions(self.proxy_url, sessions))

        def ask(plan: Plan) -> Request:
            session_id, token = next(opened_sessions)
            headers = {"Authorization": f"Bearer {token}"}
            return f"{self.proxy_url}{PREFIX}/chat", headers, {"sessionId": session_id, "message": plan.question()}

        return ask

    def running_upstream(self) -> int:
        """Streams that the source has not seen the end of."""
        return int(requests.get(f"{self.source_url}{source.COUNT_PATH}", timeout=5).text)


@contextlib.contextmanager
def bench(environment: Mapping[str, str]) -> Iterator[Bench]:
    """A source and a development proxy with these settings, ended on exit.   Raises: StackError."""
    with contextlib.ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="cortex-harness-")))
        source_url = cleanup.enter_context(source.running())
        settings = {**proxy_settings(source_url, keys.ensure(folder)), **BENCH_ENVIRONMENT, **environment}
        child = Child("proxy", ["proxy", "--port", "0"], settings, folder / "proxy.log")
        cleanup.callback(child.stop)
        proxy_url = child.url()
        await_answer(f"{proxy_url}/readyz")
        yield Bench(source_url, proxy_url, Server(child.pid))


def open_sessions(proxy_url: str, count: int) -> list[tuple[str, str]]:
    """Session ids and their tokens.   Raises: requests.RequestException."""
    with requests.Session() as client:
        return [_open_session(client, proxy_url) for _ in range(count)]


def _open_session(client: requests.Session, proxy_url: str) -> tuple[str, str]:
    answer = client.post(f"{proxy_url}{PREFIX}/session/token", timeout=5)
    answer.raise_for_status()
    document = answer.json()
    return document["sessionId"], document["token"]


def measure_speed(shape: Shape) -> list[Figure]:
    """Starts, lag and CPU of that load, straight and through the proxy."""
    total = shape.streams + shape.starts
    with bench({"CORTEX_PROXY_MAX_STREAMS": str(shape.streams + WARM_UP)}) as stage:
        asyncio.run(warm_up(stage.through(WARM_UP)))
        straight = asyncio.run(play(stage.straight(), shape, stage.server))
        through = asyncio.run(play(stage.through(total), shape, stage.server))
    return speed_figures(straight, through)


def measure_idle(streams: int) -> list[Figure]:
    """Memory of that many streams that say nothing after their first event.

    The worker's threads are among it: a stream that runs needs them.
    """
    with bench({"CORTEX_PROXY_MAX_STREAMS": str(streams + WARM_UP)}) as stage:
        asyncio.run(warm_up(stage.through(WARM_UP)))
        rss_kb, uss_kb = asyncio.run(_idle_growth_kb(stage, streams))
    return [
        Figure("memory per idle stream, RSS of the worker", rss_kb / streams, "KB", IDLE_BAR_KB),
        Figure("memory per idle stream, private to the worker (USS)", uss_kb / streams, "KB", IDLE_BAR_KB),
    ]


async def warm_up(ask: Ask) -> None:
    """Some streams at once, to their end."""
    await asyncio.gather(*(stream(*ask(Plan(events=20, per_s=20))) for _ in range(WARM_UP)))


async def play(ask: Ask, shape: Shape, server: Server) -> Run:
    """The load as it came through this door."""
    background = [(begin_s, ask(plan)) for begin_s, plan in shape.background()]
    probes = [(begin_s, ask(plan)) for begin_s, plan in shape.probes()]
    gc.collect()
    gc.freeze()  # or our own collections would be told as somebody's lag
    start_s = time.monotonic()
    streams = asyncio.gather(*(_later(start_s + begin_s, stream(*request)) for begin_s, request in background))
    starts = asyncio.gather(*(_later(start_s + begin_s, stream(*request)) for begin_s, request in probes))
    from_s = await _until(start_s + shape.quiet_from_s)
    cpu_s = server.cpu_s()
    quiet_until_s = await _until(start_s + shape.starts_from_s)
    cpu_s = server.cpu_s() - cpu_s
    run = Run(await streams, await starts, from_s, quiet_until_s, start_s + shape.until_s, cpu_s)
    gc.unfreeze()
    return run


async def _later(at_s: float, asked: Coroutine[Any, Any, Timeline]) -> Timeline:
    await _until(at_s)
    return await asked


async def _until(at_s: float) -> float:
    await asyncio.sleep(at_s - time.monotonic())
    return time.monotonic()


async def _idle_growth_kb(stage: Bench, streams: int) -> tuple[float, float]:
    """By how much resident and private memory grow from no stream to this many."""
    ask = stage.through(streams)
    await asyncio.sleep(SETTLE_S)
    rss_kb, uss_kb = stage.server.rss_kb(), stage.server.uss_kb()
    first, plan = source.marker(1), Plan(is_silent=True)
    writers = [await opened(*ask(plan), after=first, wait_s=ANSWER_TIMEOUT_S) for _ in range(streams)]
    try:
        await asyncio.sleep(SETTLE_S)
        assert stage.running_upstream() == streams, "opened returns when a stream runs"
        return stage.server.rss_kb() - rss_kb, stage.server.uss_kb() - uss_kb
    finally:
        for writer in writers:
            writer.close()


def speed_figures(straight: Run, through: Run) -> list[Figure]:
    """The table of a load that came through both doors."""
    return [
        Figure("streams refused or cut", straight.broken + through.broken, "", 0),
        *_compared("time to first event", straight.starts_ms(), through.starts_ms(), (None, None)),
        Figure(
            "time to first event, added: difference of the p50s",
            percentile(through.starts_ms(), 0.5) - percentile(straight.starts_ms(), 0.5),
            "ms",
            START_P50_BAR_MS,
        ),
        Figure(
            "time to first event, added: difference of the p99s",
            percentile(through.starts_ms(), 0.99) - percentile(straight.starts_ms(), 0.99),
            "ms",
            START_P99_BAR_MS,
        ),
        *_compared("event lag", straight.lags_ms(), through.lags_ms(), (LAG_P50_BAR_MS, LAG_P99_BAR_MS)),
        Figure("CPU of the worker per event", through.quiet_cpu_us(), "us", CPU_BAR_US),
    ]


def _compared(
    what: str, straight: Sequence[float], through: Sequence[float], bars: tuple[float | None, float | None]
) -> list[Figure]:
    rows = []
    for share, name, bar in ((0.5, "p50", bars[0]), (0.99, "p99", bars[1]), (1.0, "max", None)):
        rows.append(Figure(f"{what}, straight from the source, {name}", percentile(straight, share), "ms"))
        rows.append(Figure(f"{what}, through the proxy, {name}", percentile(through, share), "ms", bar))
    return rows
