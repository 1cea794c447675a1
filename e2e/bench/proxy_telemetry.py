"""What the proxy's telemetry costs: off, with `/metrics`, and with a collector that takes everything besides.

The twin of `mock_telemetry`, by the same rules: four proxies in front of one source, in turn and in small rounds, and
one of them off once more, to tell how far the other figures can be believed. Its hundred events have a pace, unlike
the mock's: at full speed the proxy forwards many at once, and what it counts with each of them would not show. Streams
that run alone take turns one by one, in an order that is drawn: a machine's moods last longer than a stream, and are
larger than the bar.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterable, Mapping

from e2e.bench import proxy
from e2e.bench.client import stream
from e2e.bench.figures import Figure
from e2e.bench.mock_telemetry import AGAIN, COLLECTOR, METRICS, OFF, collector, figures
from e2e.bench.proxy import Ask, Bench, bench
from e2e.bench.source import Plan

STREAMS, ALONE, ROUNDS = 40, 40, 24
PACED = Plan(events=100, per_s=200.0)
ONE_EVENT = Plan(events=1)


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Throughput and p50 of each, then what telemetry takes from them, with its bars.   Raises: StackError."""
    per_cpu_s: dict[str, list[float]] = {name: [] for name in (OFF, AGAIN, METRICS, COLLECTOR)}
    alone_ms: dict[str, list[float]] = {name: [] for name in per_cpu_s}
    with contextlib.ExitStack() as running:
        metrics = {"CORTEX_PROXY_METRICS_PORT": "0"}
        sent = {**metrics, "CORTEX_PROXY_OTLP_ENDPOINT": running.enter_context(collector())}
        environments: Mapping[str, Mapping[str, str]] = {OFF: {}, AGAIN: {}, METRICS: metrics, COLLECTOR: sent}
        stages = {name: running.enter_context(bench(added)) for name, added in environments.items()}
        asks = {name: stage.through(STREAMS) for name, stage in stages.items()}
        asyncio.run(_warm_up(asks.values()))
        for number in range(1, ROUNDS + 1):
            if number % 8 == 1:
                say(f"round {number} of {ROUNDS}: {STREAMS} streams at once, and {ALONE} alone")
            turn = list(stages) if number % 2 else list(reversed(stages))
            for name in turn:
                per_cpu_s[name].append(_per_cpu_s(stages[name], asks[name]))
            asyncio.run(_alone(asks, alone_ms))
    return figures(per_cpu_s, alone_ms)


async def _warm_up(asks: Iterable[Ask]) -> None:
    """All at once, since nothing is measured yet."""
    await asyncio.gather(*map(proxy.warm_up, asks))


async def _alone(asks: Mapping[str, Ask], alone_ms: Mapping[str, list[float]]) -> None:
    """Add how long whole streams of one event take, one after the other."""
    for _ in range(ALONE):
        for name in random.sample(list(asks), len(asks)):
            timeline = await stream(*asks[name](ONE_EVENT))
            alone_ms[name].append((timeline.frames[-1][0] - timeline.sent_s) * 1000)


def _per_cpu_s(stage: Bench, ask: Ask) -> float:
    spent_s = stage.server.cpu_s()
    asyncio.run(_at_once(ask))
    return STREAMS / (stage.server.cpu_s() - spent_s)


async def _at_once(ask: Ask) -> None:
    await asyncio.gather(*(stream(*ask(PACED)) for _ in range(STREAMS)))
