"""What the kernel says of this process; nothing on machines without `/proc`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from contracts.telemetry import PROCESS_CPU, PROCESS_DESCRIPTORS, PROCESS_MEMORY, PROCESS_THREADS, Metric

SELF = Path("/proc/self")


def cpu_s() -> float:
    """Processor time of all threads, those that have ended included."""
    times = os.times()
    return times.user + times.system


def memory_bytes() -> float:
    """Memory that is resident."""
    return int((SELF / "statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def threads() -> float:
    """Threads that run, those of libraries included."""
    # Behind the name, which may hold anything, blanks and brackets as well.
    fields = (SELF / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return int(fields[17])


def descriptors() -> float:
    """Open files, sockets and pipes; the one that this look takes is left out."""
    return len(list((SELF / "fd").iterdir())) - 1


FIGURES: tuple[tuple[Metric, Callable[[], float]], ...] = (
    (PROCESS_CPU, cpu_s),
    (PROCESS_MEMORY, memory_bytes),
    (PROCESS_THREADS, threads),
    (PROCESS_DESCRIPTORS, descriptors),
)


def known() -> Iterator[tuple[Metric, Callable[[], float]]]:
    """The figures that this machine can tell."""
    return ((metric, figure) for metric, figure in FIGURES if metric is PROCESS_CPU or SELF.exists())
