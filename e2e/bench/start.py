"""From starting a command to its first answer."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from e2e import bootstrap, keys
from e2e.bench.figures import Figure, percentile
from e2e.stack import COMMAND, await_answer, free_port

MOCK_BAR_S, UP_BAR_S = 1.0, 3.0


def measure(trials: int) -> list[Figure]:
    """Start times of `mock` and `up`; keys exist already, as on every start but the first."""
    with tempfile.TemporaryDirectory(prefix="cortex-harness-") as folder:
        keys.ensure(Path(folder))
        mock = [_first_answer_s(["mock"], "/__mock/health", folder) for _ in range(trials)]
        up = [_first_answer_s(["up", "--mock-port", "0"], "/", folder) for _ in range(trials)]
    return [
        Figure("mock: first answer after start, median", percentile(mock, 0.5), "s", MOCK_BAR_S),
        Figure("mock: first answer after start, max", max(mock), "s"),
        Figure("up: page answers after start, median", percentile(up, 0.5), "s", UP_BAR_S),
        Figure("up: page answers after start, max", max(up), "s"),
    ]


def _first_answer_s(command: Sequence[str], path: str, state_dir: str) -> float:
    port = free_port()
    arguments = [*command, "--port", str(port), "--state-dir", state_dir]
    started_s = time.monotonic()
    process = subprocess.Popen(  # noqa: S603 - our own commands
        [*COMMAND, *arguments],
        env={**os.environ, **bootstrap.inherited()},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        await_answer(f"http://127.0.0.1:{port}{path}")
        return time.monotonic() - started_s
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
