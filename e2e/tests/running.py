"""For tests beside started processes: what is waited for, and whether a process is still there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal, TypeVar

import psutil

DEADLINE_S = 20
T = TypeVar("T")


def until(ask: Callable[[], T | Literal[False] | None], what: str) -> T:
    """The first answer that is true."""
    deadline_s = time.monotonic() + DEADLINE_S
    while not (found := ask()):
        assert time.monotonic() < deadline_s, f"not within {DEADLINE_S} s: {what}"
        time.sleep(0.02)
    return found


def is_gone(pid: int) -> bool:
    """Whether a process has ended; who inherits it may not have looked yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
