"""Programs beside us: which there are, how to get one that is missing, and each started, ready when it answers, ended.

Standard library only: the launcher reads the table before anything is installed.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, ClassVar, Self

LOOPBACK = "127.0.0.1"
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 8.0
LAST_WORDS_CHARS = 2000

SBIN = "/usr/sbin"
"""Where Debian puts servers; not on everybody's path."""

_HAS_LEASH = platform.system() == "Linux"
_LEASH = Path(__file__).with_name("leash.py")

_starter = ThreadPoolExecutor(1, thread_name_prefix="starter")
"""Forks whatever we start, and ends with us: a leash holds as long as the thread that forked."""


class StackError(Exception):
    """A part that is missing or did not start; the message says how to get it, or holds the last lines it wrote."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program that somebody else wrote.

    package: Debian's that holds it.   commands: what it is called, Debian's name first.
    """

    package: str
    commands: tuple[str, ...]

    def find(self) -> str | None:
        """Where it is, None when it is not installed."""
        path = os.pathsep.join([os.environ.get("PATH", ""), SBIN])
        return next(filter(None, (shutil.which(each, path=path) for each in self.commands)), None)

    def path(self) -> str:
        """Where it is.   Raises: StackError that says how to install it."""
        found = self.find()
        if found is None:
            raise StackError(f"{self.commands[0]} is not installed: apt-get install {self.package}")
        return found


CHROMIUM = Program("chromium", ("chromium", "chromium-browser", "google-chrome"))
REDIS = Program("redis-server", ("redis-server",))
NGINX = Program("nginx", ("nginx",))
PROMETHEUS = Program("prometheus", ("prometheus",))
ALERTMANAGER = Program("prometheus-alertmanager", ("prometheus-alertmanager", "alertmanager"))

SERVERS = (REDIS, NGINX, PROMETHEUS, ALERTMANAGER)
"""What tests start beside us."""


class Process:
    """One started process and its log. It ends when asked to, and with us however we end.

    On Linux the kernel sees to the second, also when we are killed. Elsewhere it ends when our interpreter does; when
    we are killed there, it is left behind.
    """

    on_our_end: ClassVar[signal.Signals] = signal.SIGTERM
    """What it gets when we end without having stopped it."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        environment: Mapping[str, str],
        stdout: int | None = None,
        folder: Path | None = None,
    ) -> None:
        self.name, self.log = name, log
        self._command = tuple(command)
        with log.open("wb") as output:
            # From a thread that stays, or the process would end with the thread that happens to start it.
            self._process = _starter.submit(self._start, output, environment, stdout, folder).result()
        if not _HAS_LEASH:
            atexit.register(self.stop)

    def _start(
        self, output: IO[bytes], environment: Mapping[str, str], stdout: int | None, folder: Path | None
    ) -> subprocess.Popen[bytes]:
        leash = (sys.executable, "-I", "-S", str(_LEASH), str(os.getpid()), str(int(self.on_our_end)))
        return subprocess.Popen(  # noqa: S603 - our own arguments
            [*leash, *self._command] if _HAS_LEASH else self._command,
            env=dict(environment),
            cwd=folder,
            stdout=output if stdout is None else stdout,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us, who end them in order
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def poll(self) -> int | None:
        """Exit status, None while it runs."""
        return self._process.poll()

    def wait(self) -> int:
        """Exit status, once it has ended."""
        return self._process.wait()

    def last_words(self) -> str:
        """The end of its log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-LAST_WORDS_CHARS:].strip()

    def not_started(self) -> StackError:
        """End it; what is to be raised, with its last words."""
        was_running = self.poll() is None
        self.stop()
        how = "it was still silent" if was_running else f"it exited with {self.poll()}"
        return StackError(f"the {self.name} did not start ({how}):\n{self.last_words() or 'it wrote nothing'}")

    def stop(self) -> None:
        """End it: politely, then not."""
        if self.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        atexit.unregister(self.stop)


class Server(Process):
    """A started program of somebody else's that listens. It leaves nothing worth an orderly end when we are killed.

    folder: where it runs, and leaves `<name>.log`.   is_ready: asked until it is.
    """

    on_our_end = signal.SIGKILL

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        url: str,
        *,
        is_ready: Callable[[], bool],
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(
            name, command, folder / f"{name}.log", environment={**os.environ, **environment}, folder=folder
        )
        self._url, self._is_ready = url, is_ready

    def url(self) -> str:
        """Where it is, once it is ready.   Raises: StackError with its last words."""
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not self._is_ready():
            if self.poll() is not None or time.monotonic() > deadline_s:
                raise self.not_started()
            time.sleep(0.02)
        return self._url


opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Opens our own loopback URLs; a proxy of the environment must not be asked for them."""


def answers(url: str) -> bool:
    """Whether this URL answers 200."""
    try:
        with opener.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
