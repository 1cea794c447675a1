"""What `cortex-harness load` measures, in one run."""

from __future__ import annotations

import asyncio
import os
import platform

import requests

from e2e.bench import disconnect, replay, start
from e2e.bench.figures import Figures
from e2e.stack import Stack, running

TRIALS = 20
STARTS = 5


def measure(*, streams: int) -> Figures:
    """Start, fidelity, lateness and disconnect, on a stack of its own. Takes about a minute and a half."""
    rows = start.measure(STARTS)
    with running() as stack:
        session = open_session(stack)
        asyncio.run(replay.through_proxy(stack, 4, session))  # warm up: the first streams of a process are slower
        rows += replay.figures(f"mock, {streams} streams", asyncio.run(replay.through_mock(stack, streams)), 5.0)
        session = open_session(stack)
        through = asyncio.run(replay.through_proxy(stack, streams, session))
        rows += replay.figures(f"mock and proxy, {streams} streams", through, None)
        rows += asyncio.run(disconnect.measure(stack, open_session(stack), TRIALS))
    about = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return Figures(f"{about}; loopback, client on the same machine", tuple(rows))


def open_session(stack: Stack) -> tuple[str, str]:
    """A session id and its token.   Raises: requests.RequestException."""
    answer = requests.post(f"{stack.proxy_url}/api/v1/session/token", timeout=5)
    answer.raise_for_status()
    document = answer.json()
    return document["sessionId"], document["token"]
