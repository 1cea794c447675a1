"""What is left after many clients have left: descriptors, threads and memory of the worker, streams of the upstream."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from e2e.bench import source
from e2e.bench.client import leave, opened
from e2e.bench.figures import Figure
from e2e.bench.proxy import ANSWER_TIMEOUT_S, SETTLE_S, Ask, Bench, Server, bench
from e2e.bench.source import Plan
from proxy.serve import UNARY_THREADS

STREAMS, WARM_UP = 2000, 1000
"""The allocator takes about that many streams to find its level: over 8,000, growth ends at 0.1 KB a stream."""

PEOPLE = 50
"""Whose streams they are. Limits remember each user for a minute, which is tested elsewhere and no leak."""

AT_ONCE = 16
MAX_STREAMS = 4 * AT_ONCE
"""What the proxy allows: a place whose client has left is not free at once."""

BATCHES = 4

PER_S = 50.0
LAST_EVENT = 8
"""A client leaves upon any of the first so many events."""

LONGEST_WAIT_S = 0.1
"""A client that leaves before the first byte waits at most so long."""

RSS_BAR_KB = 2048.0
"""One KB a stream. A stream's objects, let alone its thread, are many times that; the allocator's noise is not."""

CALM_TIMEOUT_S = 10.0
"""Longer than the proxy keeps a quiet connection open."""


@dataclass(frozen=True, slots=True)
class Stock:
    """What the worker holds at one moment."""

    descriptors: int
    threads: int
    rss_kb: float


def measure(streams: int = STREAMS, warm_up: int = WARM_UP) -> list[Figure]:
    """Growth over that many aborted streams, against a worker that has seen `warm_up` of them."""
    moments, batch = random.Random(13), streams // BATCHES  # noqa: S311 - a schedule, not a secret
    with bench({"CORTEX_PROXY_MAX_STREAMS": str(MAX_STREAMS)}) as stage:
        asyncio.run(_start_threads(stage.proxy_url, stage.through(MAX_STREAMS)))
        ask = stage.through(PEOPLE)
        unanswered = asyncio.run(_abort(ask, warm_up, moments))
        stocks = [_calm(stage, None)]
        for _ in range(BATCHES):
            unanswered += asyncio.run(_abort(ask, batch, moments))
            stocks.append(_calm(stage, stocks[0]))
        return figures(stocks, BATCHES * batch, unanswered, stage.running_upstream())


def figures(stocks: Sequence[Stock], streams: int, unanswered: int, running_upstream: int) -> list[Figure]:
    """The table of evenly spaced stocks, the first one before all of the streams."""
    first, last, middle = stocks[0], stocks[-1], stocks[len(stocks) // 2]
    half = streams / 2
    return [
        Figure("refused, or without an answer", unanswered, "", 0),
        Figure("still running upstream", running_upstream, "", 0),
        Figure("descriptors more than before", last.descriptors - first.descriptors, "", 0),
        Figure("threads more than before", last.threads - first.threads, "", 0),
        Figure("RSS more than before", last.rss_kb - first.rss_kb, "KB", RSS_BAR_KB),
        Figure("growth per stream over the second half", (last.rss_kb - middle.rss_kb) / half, "KB"),
    ]


async def _start_threads(proxy_url: str, ask: Ask) -> None:
    """Have the server start every thread that it may: it does so on demand and keeps them, and they are no leak."""
    plan, first = Plan(is_silent=True), source.marker(1)
    held = [await opened(*ask(plan), after=first, wait_s=ANSWER_TIMEOUT_S) for _ in range(MAX_STREAMS)]
    address = urlsplit(proxy_url)
    for _ in range(UNARY_THREADS):
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(b"GET /livez HTTP/1.1\r\n")  # a thread waits for the rest
        held.append(writer)
    await asyncio.sleep(SETTLE_S)
    for writer in held:
        writer.close()


async def _abort(ask: Ask, streams: int, moments: random.Random) -> int:
    """Begin and leave that many streams, some before the first byte, some upon an event; how many gave no answer."""
    places = asyncio.Semaphore(AT_ONCE)

    async def abort(number: int) -> bool:
        async with places:
            if number % 3 == 0:
                late = Plan(wait_s=ANSWER_TIMEOUT_S)
                await leave(*ask(late), after=None, wait_s=moments.uniform(0, LONGEST_WAIT_S))
                return True
            upon = source.marker(moments.randint(1, LAST_EVENT))
            plan = Plan(events=2 * LAST_EVENT, per_s=PER_S, is_silent=True)
            try:
                await leave(*ask(plan), after=upon, wait_s=ANSWER_TIMEOUT_S)
            except (EOFError, OSError):
                return False
            return True

    return list(await asyncio.gather(*map(abort, range(streams)))).count(False)


def _calm(stage: Bench, before: Stock | None) -> Stock:
    """The stock once it is back to what it was before; as it then is, when it does not come back in time.

    before: None for the first, which is calm when nothing has changed for a while.
    """
    deadline_s = time.monotonic() + CALM_TIMEOUT_S
    found = _stock(stage.server)
    while time.monotonic() < deadline_s:
        time.sleep(SETTLE_S)
        earlier, found = found, _stock(stage.server)
        if before is None:
            is_calm = (found.descriptors, found.threads) == (earlier.descriptors, earlier.threads)
        else:
            is_calm = found.descriptors <= before.descriptors and found.threads <= before.threads
        if is_calm and stage.running_upstream() == 0:
            break
    return found


def _stock(server: Server) -> Stock:
    return Stock(server.descriptors(), server.threads(), server.rss_kb())
