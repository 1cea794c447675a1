"""A program beside us, as Prometheus is one: started, ready when it answers, ended on exit."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0

opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Opens our own loopback URLs; a proxy of the environment must not be asked for them."""


@contextlib.contextmanager
def started(
    name: str,
    arguments: Sequence[str],
    folder: Path,
    ready_url: str,
    *,
    failure: type[Exception],
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[None]:
    """A program that answers at its URL, until the block ends.

    folder: where it runs, and leaves `<name>.log`.   failure: raised with its last words when it does not
    start.   Raises: failure, OSError where there is no such program.
    """
    log = folder / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own arguments
            arguments,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, **environment},
            start_new_session=True,  # Ctrl-C is for this process, which ends its children in order
        )
    try:
        words = _await_ready(process, ready_url, log)
        if words is not None:
            raise failure(f"{name} did not start (status {process.poll()}); is its port taken?\n{words}")
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> str | None:
    """None once the URL answers, else the program's last words."""
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline_s:
        with contextlib.suppress(OSError), opener.open(url, timeout=2):
            return None
        time.sleep(0.05)
    return log.read_text(encoding="utf-8", errors="replace")[-2000:].strip()
