"""Of started processes: waited for, and looked at whether they are still there."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

DEADLINE_S = 20


def until(ask: Callable[[], bool], what: str) -> None:
    """Return once it is so."""
    deadline_s = time.monotonic() + DEADLINE_S
    while not ask():
        assert time.monotonic() < deadline_s, f"not within {DEADLINE_S} s: {what}"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    """Whether a process has ended; who inherits it may not have looked yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
