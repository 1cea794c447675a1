"""CPU time that a process has spent, as finely as the kernel tells it."""

from __future__ import annotations

import platform
import time

import psutil

_OF_PROCESS = 2
"""CPUCLOCK_SCHED of Linux: what all threads of a process have run, those that have ended included."""


def spent_s(pid: int) -> float:
    """CPU time so far of a process, user and system, without its children: nanoseconds on Linux, elsewhere ticks."""
    if platform.system() == "Linux":
        return time.clock_gettime((~pid << 3) | _OF_PROCESS)
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def spent_by_all_s(pid: int) -> float:
    """The same of a process and everything that it started and that still runs."""
    return spent_s(pid) + sum(spent_s(each.pid) for each in psutil.Process(pid).children(recursive=True))
