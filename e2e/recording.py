"""A running `cortex-harness record`, in the environment of its own that mitmproxy needs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from e2e import bootstrap
from e2e.stack import StackError

PYTHON_VARIABLE = "CORTEX_HARNESS_RECORD_PYTHON"
"""Names a Python that has `cortex-harness[record]`; without one the launcher builds the environment, once."""

BUILD_TIMEOUT_S = 600.0
STOP_TIMEOUT_S = 60.0


def command() -> list[str]:
    """The command line up to its first word."""
    named = os.environ.get(PYTHON_VARIABLE)
    return [named, "-P", "-m", "harness"] if named else [sys.executable, str(bootstrap.ROOT / "harness.py")]


def environment() -> dict[str, str]:
    """What it runs with. The launcher is to do its work, unless there is none in between."""
    kept = {name: value for name, value in os.environ.items() if name not in bootstrap.inherited()}
    return kept | (bootstrap.inherited() if PYTHON_VARIABLE in os.environ else {})


class Recorder:
    """Started, and ready; `stop` ends it as a Ctrl-C does.   Raises: StackError with what it said instead."""

    def __init__(self, arguments: Sequence[str], log: Path, **variables: str) -> None:
        self._log = log
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [*command(), "record", "--port", "0", *arguments],
                env={**environment(), **variables},
                stdout=subprocess.PIPE,
                stderr=stderr,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        try:
            self.url = str(json.loads(self._first_line())["url"])
        except (ValueError, KeyError) as error:
            self.stop(signal.SIGKILL)
            hint = f"Is the package index reachable? Or name a Python with cortex-harness[record] in {PYTHON_VARIABLE}."
            raise StackError(f"the recorder did not start:\n{self.said()}\n{hint}") from error

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def said(self) -> str:
        """What it told of its work."""
        return self._log.read_text(encoding="utf-8", errors="replace").strip()

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """Its exit status, once it has saved and ended."""
        if self._process.poll() is None:
            self._process.send_signal(how)
        assert self._process.stdout is not None, "started with a pipe"
        try:
            return self._process.wait(STOP_TIMEOUT_S)
        finally:
            self._process.stdout.close()

    def _first_line(self) -> bytes:
        found: list[bytes] = []
        stdout = self._process.stdout
        assert stdout is not None, "started with a pipe"
        reader = threading.Thread(target=lambda: found.append(stdout.readline()), daemon=True)
        reader.start()
        reader.join(BUILD_TIMEOUT_S)
        return found[0] if found else b""
