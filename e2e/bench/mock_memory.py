"""What the mock holds on to: its memory over a hundred thousand requests, with the journal on."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil

from e2e.bench import peers
from e2e.bench.figures import Figure

REQUESTS, SETTLED, AT_ONCE = 100_000, 20_000, 16
"""By `SETTLED` requests the journal is full many times over, so whatever grows from there on grows for ever."""

GROWTH_BAR_KB = 2048.0


def measure(say: Callable[[str], None]) -> list[Figure]:
    """Resident memory once settled, and what was added by the last request."""
    with tempfile.TemporaryDirectory(prefix="cortex-harness-") as folder, peers.mock(Path(folder)) as contestant:
        process = psutil.Process(contestant.pid)
        say(f"asking the mock {REQUESTS:,} times")
        asyncio.run(peers.whole_streams(contestant, SETTLED, AT_ONCE))
        settled_kb = process.memory_info().rss / 1024
        asyncio.run(peers.whole_streams(contestant, REQUESTS - SETTLED, AT_ONCE))
        grown_kb = process.memory_info().rss / 1024 - settled_kb
    return [
        Figure(f"memory after {SETTLED:,} streams, journal on", settled_kb / 1024, "MB"),
        Figure(f"more after {REQUESTS:,}", grown_kb, "KB", GROWTH_BAR_KB),
    ]
