"""What `cortex-harness load` measures, in one run."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Callable, Collection
from enum import StrEnum

from e2e.bench import (
    bystander,
    disconnect,
    leaks,
    mock_memory,
    mock_telemetry,
    peers,
    proxy,
    proxy_telemetry,
    recorder,
    replay,
    start,
)
from e2e.bench.figures import Figure, Figures, under
from e2e.stack import Stack, running

TRIALS = 20
STARTS = 5
WARM_UP = 4
"""Streams before the measured ones: the first of a process are slower."""

BAR_MS = replay.LATENESS_P99_MS
MANY_STREAMS, MANY_BAR_MS = 1000, 10.0

Say = Callable[[str], None]


class Part(StrEnum):
    """What can be measured on its own, in the order in which it is."""

    START = "start"
    REPLAY = "replay"
    DISCONNECT = "disconnect"
    PROXY = "proxy"
    LEAKS = "leaks"
    TELEMETRY = "telemetry"
    MOCK = "mock"
    ANONYMISE = "anonymise"
    DETECTORS = "detectors"
    RECORDER = "recorder"


USUAL = tuple(part for part in Part if part not in (Part.MOCK, Part.ANONYMISE, Part.DETECTORS, Part.RECORDER))
"""What is measured when nothing is named: what needs no package index, no environment of its own and no patience."""


def measure(*, streams: int, parts: Collection[Part], say: Say) -> Figures:
    """These parts, each on processes of its own; the usual ones take about three and a half minutes.

    streams: of the replay.   say: told what comes next.   Raises: StackError.
    """
    measures: dict[Part, Callable[[], list[Figure]]] = {
        Part.START: lambda: _start(say),
        Part.REPLAY: lambda: _replay(streams, say),
        Part.DISCONNECT: lambda: _disconnect(say),
        Part.PROXY: lambda: _proxy(say),
        Part.LEAKS: lambda: _leaks(say),
        Part.TELEMETRY: lambda: under("Proxy, its own telemetry", proxy_telemetry.measure(say)),
        Part.MOCK: lambda: _mock(say),
        Part.ANONYMISE: lambda: _anonymise(say),
        Part.DETECTORS: lambda: _detectors(say),
        Part.RECORDER: lambda: recorder.measure(recorder.Shape()),
    }
    rows = [row for part, rows_of in measures.items() if part in parts for row in rows_of()]
    about = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return Figures(f"{about}; loopback, client on the same machine", tuple(rows))


def _start(say: Say) -> list[Figure]:
    say(f"starting mock and stack {STARTS} times each")
    return under("Start", start.measure(STARTS))


def _replay(streams: int, say: Say) -> list[Figure]:
    environment = {**proxy.BENCH_ENVIRONMENT, "CORTEX_PROXY_MAX_STREAMS": str(streams + WARM_UP)}
    with running(proxy_environment=environment) as stack:
        say("warming up")
        asyncio.run(replay.through_proxy(stack, WARM_UP, open_session(stack)))
        say(f"playing {streams} streams from the mock, in real time")
        rows = replay.figures(f"mock, {streams} streams", asyncio.run(replay.through_mock(stack, streams)), BAR_MS)
        say(f"playing {streams} streams through mock and proxy")
        through = asyncio.run(replay.through_proxy(stack, streams, open_session(stack)))
        rows += replay.figures(f"mock and proxy, {streams} streams", through, None)
    return under("Replay of recorded streams", rows)


def _disconnect(say: Say) -> list[Figure]:
    with running(proxy_environment=proxy.BENCH_ENVIRONMENT) as stack:
        say(f"leaving {TRIALS} answers in mid-stream, and {TRIALS} before their first byte")
        return under("Disconnect", asyncio.run(disconnect.measure(stack, open_session(stack), TRIALS)))


def _proxy(say: Say) -> list[Figure]:
    shape = proxy.Shape()
    load = f"{shape.streams} streams x {shape.per_s:g} events/s"
    say(f"playing {load} straight and through the proxy, with {shape.starts} starts under that load")
    rows = under(f"Proxy, {load}", proxy.measure_speed(shape))
    say(f"holding {proxy.IDLE_STREAMS} idle streams")
    return rows + under(f"Proxy, {proxy.IDLE_STREAMS} idle streams", proxy.measure_idle(proxy.IDLE_STREAMS))


def _leaks(say: Say) -> list[Figure]:
    say(f"aborting {leaks.STREAMS} streams")
    return under(f"Proxy, after {leaks.STREAMS} aborted streams", leaks.measure())


def _mock(say: Say) -> list[Figure]:
    rows = under("Mock against its peers, one stream of 100 frames at full speed", peers.measure(say))
    rows += under("Mock, memory", mock_memory.measure(say))
    rows += under("Mock, among hostile clients", bystander.measure(say))
    rows += under("Mock, its own telemetry", mock_telemetry.measure(say))
    with running() as stack:
        asyncio.run(replay.through_mock(stack, WARM_UP))
        say(f"playing {MANY_STREAMS} streams from the mock, in real time")
        played = asyncio.run(replay.through_mock(stack, MANY_STREAMS))
    return rows + under("Mock, many streams", replay.figures(f"mock, {MANY_STREAMS} streams", played, MANY_BAR_MS))


def open_session(stack: Stack) -> tuple[str, str]:
    """A session id and its token.   Raises: requests.RequestException."""
    return proxy.open_sessions(stack.proxy_url, 1)[0]


def _anonymise(say: Say) -> list[Figure]:
    from e2e.bench import anonymise  # noqa: PLC0415 - needs the extra `fixtures`

    return anonymise.measure(say)


def _detectors(say: Say) -> list[Figure]:
    from e2e.bench import detectors  # noqa: PLC0415 - needs the extra `fixtures`

    return detectors.measure(say)
