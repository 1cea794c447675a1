"""What recording adds to a frame's way: streams of constant rate, straight from their source and through a recorder.

Streams begin one after the other, so that while the first ones are anonymised the others still run. Its own command,
because the recorder needs an environment of its own: `python -m e2e.bench.recorder`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from e2e.bench import source
from e2e.bench.client import Timeline, stream
from e2e.bench.figures import Figure, Figures, percentile, under
from e2e.bench.source import RUN_PATH, Plan, stamp_s
from e2e.recording import Recorder
from mocks.cassette import load

ADDED_P99_BAR_MS = 2.0
WARM_UP = 2
"""Streams before the measured ones; after them the clerk has loaded what it looks names up in."""


@dataclass(frozen=True, slots=True)
class Shape:
    """So many streams of so many events, at this rate, each beginning so long after the one before."""

    streams: int = 20
    events: int = 120
    per_s: float = 20.0
    apart_s: float = 0.4

    def __str__(self) -> str:
        return f"{self.streams} streams x {self.per_s:g} events/s, {self.apart_s:g} s apart"


def measure(shape: Shape) -> list[Figure]:
    """Lag of every frame on both ways, and what the recorder adds; a recording that lost a frame is an error.

    Raises: StackError; ValueError.
    """
    with source.running() as url, tempfile.TemporaryDirectory(prefix="cortex-harness-") as name:
        folder = Path(name)
        straight = asyncio.run(_lags_ms(url, shape))
        out = folder / "tape.jsonl"
        options = ["--upstream", url, "--out", str(out), "--key-file", str(folder / "key"), "--mode", "all"]
        recorder = Recorder(options, folder / "recorder.log")
        try:
            asyncio.run(_lags_ms(recorder.url, Shape(streams=WARM_UP, events=20)))
            through = asyncio.run(_lags_ms(recorder.url, shape))
        finally:
            status = recorder.stop()
        recorded = load(out).interactions[WARM_UP:] if status == 0 else ()
        if [len(each.frames) for each in recorded] != [shape.events + 2] * shape.streams:
            raise ValueError(f"the recording is not whole: {recorder.said()}")
    return _figures(shape, straight, through)


def _figures(shape: Shape, straight: Sequence[float], through: Sequence[float]) -> list[Figure]:
    rows = []
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        before, after = percentile(straight, share), percentile(through, share)
        rows.append(Figure(f"lag of a frame, straight from the source, {name}", before, "ms"))
        rows.append(Figure(f"lag of a frame, through the recorder, {name}", after, "ms"))
        bar = ADDED_P99_BAR_MS if name == "p99" else None
        rows.append(Figure(f"added by the recorder, {name}", after - before, "ms", bar))
    return under(f"Recorder, {shape}", rows)


async def _lags_ms(url: str, shape: Shape) -> list[float]:
    """Of every frame of every stream, how long after it was written it arrived."""
    plan = Plan(shape.events, shape.per_s)

    async def one(number: int) -> Timeline:
        await asyncio.sleep(number * shape.apart_s)
        return await stream(f"{url}{RUN_PATH}", {}, plan.body())

    timelines = await asyncio.gather(*map(one, range(shape.streams)))
    if not all(each.ended_cleanly for each in timelines):
        raise ValueError(f"of {shape.streams} streams some did not end: {[each.status for each in timelines]}")
    arrivals = [arrival for each in timelines for arrival in each.frames]
    return [(at_s - written_s) * 1000 for at_s, frame in arrivals if (written_s := stamp_s(frame)) is not None]


def main() -> int:
    """The command: 0 when every bar was reached."""
    usual = Shape()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=usual.streams)
    parser.add_argument("--events", type=int, default=usual.events)
    parser.add_argument("--per-s", type=float, default=usual.per_s)
    parser.add_argument("--apart-s", type=float, default=usual.apart_s)
    rows = measure(Shape(**vars(parser.parse_args())))
    about = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    figures = Figures(f"{about}; loopback, client on the same machine", tuple(rows))
    print(figures.as_text())  # noqa: T201
    return 0 if figures.all_reached else 1


if __name__ == "__main__":
    sys.exit(main())
