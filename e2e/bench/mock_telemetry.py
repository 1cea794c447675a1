"""What the mock's telemetry costs: off, with `/metrics`, and with a collector that takes everything besides.

The same hundred frames at full speed from four processes, in small rounds and an order that is drawn, so that what else
the machine does falls on all of them. Throughput is whole streams per second of the process's own CPU time. Two of the
four are mocks without telemetry, for two equal processes differ by up to four per cent for as long as they live: losses
are counted against both, and what one loses against the other is how far these figures can be believed.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import statistics
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from e2e.bench import peers
from e2e.bench.cpu import spent_s
from e2e.bench.figures import Figure, percentile
from e2e.stack import LOOPBACK

WARM_UP, STREAMS, ALONE, AT_ONCE, ROUNDS = 1000, 240, 15, 8, 60
LOSS_BAR_PERCENT, ADDED_BAR_MS = 5.0, 0.2
OFF, AGAIN = "telemetry off", "telemetry off, once more"
METRICS, COLLECTOR = "/metrics", "/metrics and a collector"


class _Sink(BaseHTTPRequestHandler):
    """Takes whatever is posted."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        """Nothing."""


@contextlib.contextmanager
def collector() -> Iterator[str]:
    """The address of a collector that forgets everything."""
    server = ThreadingHTTPServer((LOOPBACK, 0), _Sink)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Throughput and p50 of each, then what telemetry takes from them, with its bars.   Raises: StackError."""
    per_cpu_s: dict[str, list[float]] = {name: [] for name in (OFF, AGAIN, METRICS, COLLECTOR)}
    alone_ms: dict[str, list[float]] = {name: [] for name in per_cpu_s}
    with contextlib.ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="cortex-harness-")))
        port = ["--metrics-port", "0"]
        endpoint = ["--otlp-endpoint", running.enter_context(collector())]
        contestants = [
            running.enter_context(peers.mock(folder, "off")),
            running.enter_context(peers.mock(folder, "again")),
            running.enter_context(peers.mock(folder, "metrics", port)),
            running.enter_context(peers.mock(folder, "collector", [*port, *endpoint])),
        ]
        named = dict(zip(per_cpu_s, contestants, strict=True))
        for contestant in contestants:
            asyncio.run(peers.whole_streams(contestant, WARM_UP, AT_ONCE))
        for number in range(1, ROUNDS + 1):
            if number % 10 == 1:
                say(f"round {number} of {ROUNDS}: {STREAMS} streams each, {AT_ONCE} at once, and {ALONE} alone")
            for name in random.sample(list(named), len(named)):
                per_cpu_s[name].append(_per_cpu_s(named[name]))
            for name in random.sample(list(named) * ALONE, len(named) * ALONE):
                alone_ms[name] += asyncio.run(peers.whole_streams(named[name], 1, 1))
    return figures(per_cpu_s, alone_ms)


def figures(per_cpu_s: Mapping[str, list[float]], alone_ms: Mapping[str, list[float]]) -> list[Figure]:
    """The table of rounds: medians, and losses of each round against the same round without telemetry."""
    rows = [
        Figure(f"streams per CPU-second: {name}", statistics.median(rounds), "1/s")
        for name, rounds in per_cpu_s.items()
    ]
    rows += [
        Figure(f"a whole stream, alone, p50: {name}", percentile(times_ms, 0.5), "ms")
        for name, times_ms in alone_ms.items()
    ]
    for name in (AGAIN, METRICS, COLLECTOR):
        without = (OFF,) if name == AGAIN else (OFF, AGAIN)
        usual = map(statistics.fmean, zip(*(per_cpu_s[each] for each in without), strict=True))
        loss = statistics.median(100 * (1 - on / off) for off, on in zip(usual, per_cpu_s[name], strict=True))
        usual_ms = statistics.fmean(percentile(alone_ms[each], 0.5) for each in without)
        added_ms = percentile(alone_ms[name], 0.5) - usual_ms
        bars = (None, None) if name == AGAIN else (LOSS_BAR_PERCENT, ADDED_BAR_MS)
        rows.append(Figure(f"throughput lost: {name}", loss, "%", bars[0]))
        rows.append(Figure(f"added at p50: {name}", added_ms, "ms", bars[1]))
    return rows


def _per_cpu_s(contestant: peers.Contestant) -> float:
    before_s = spent_s(contestant.pid)  # a mock has threads and no children
    played = len(asyncio.run(peers.whole_streams(contestant, STREAMS, AT_ONCE)))
    return played / (spent_s(contestant.pid) - before_s)
