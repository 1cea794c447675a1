"""What `cortex-harness load` measures, in one run."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Callable

import requests

from e2e.bench import disconnect, replay, start
from e2e.bench.figures import Figures
from e2e.stack import Stack, running

TRIALS = 20
STARTS = 5
WARM_UP = 4
"""Streams before the measured ones: the first of a process are slower."""

BAR_MS = replay.LATENESS_P99_MS


def measure(*, streams: int, say: Callable[[str], None]) -> Figures:
    """Start, fidelity, lateness and disconnect, on a stack of its own; about a minute and a half.

    say: told what comes next.
    """
    say(f"starting mock and stack {STARTS} times each")
    rows = start.measure(STARTS)
    with running(proxy_environment={"CORTEX_PROXY_MAX_STREAMS": str(streams + WARM_UP)}) as stack:
        say("warming up")
        asyncio.run(replay.through_proxy(stack, WARM_UP, open_session(stack)))
        say(f"playing {streams} streams from the mock, in real time")
        rows += replay.figures(f"mock, {streams} streams", asyncio.run(replay.through_mock(stack, streams)), BAR_MS)
        say(f"playing {streams} streams through mock and proxy")
        through = asyncio.run(replay.through_proxy(stack, streams, open_session(stack)))
        rows += replay.figures(f"mock and proxy, {streams} streams", through, None)
        say(f"leaving {TRIALS} answers in mid-stream, and {TRIALS} before their first byte")
        rows += asyncio.run(disconnect.measure(stack, open_session(stack), TRIALS))
    about = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return Figures(f"{about}; loopback, client on the same machine", tuple(rows))


def open_session(stack: Stack) -> tuple[str, str]:
    """A session id and its token.   Raises: requests.RequestException."""
    answer = requests.post(f"{stack.proxy_url}/api/v1/session/token", timeout=5)
    answer.raise_for_status()
    document = answer.json()
    return document["sessionId"], document["token"]
