"""The stack: mock and proxy as processes of their own, on free or given ports, ready when they answer.

Every child is ended with the stack, also when the stack's own process is killed: on Linux the kernel tells them.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from e2e import bootstrap, keys

COMMAND = (sys.executable, "-P", "-m", "harness")
"""Our own command line; -P, or a folder of the user's that is called like one of ours would be run instead."""

LOOPBACK = "127.0.0.1"
READY_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 8.0
DIE_WITH_PARENT = "CORTEX_HARNESS_DIE_WITH_PARENT"

CLIENT_DIR = Path(__file__).parent / "client"
EXAMPLE_PRICES = Path(__file__).parents[1] / "proxy" / "deploy" / "prices.example.yaml"
ACCOUNT, USER, ROLE, WAREHOUSE = "MYORG-BENCH", "CORTEX_PROXY_USER", "DEVELOPER_CORTEX", "CORTEX_BENCH_WH"


NO_RATES = {
    f"CORTEX_PROXY_POLICIES__{row}__{cell}": "100000"
    for row in ("TOKEN", "CHAT", "REPORT")
    for cell in ("RATE", "BURST")
}
"""A proxy's environment for suites, which ask faster than people do."""


_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Opens our own loopback URLs; a proxy of the environment must not be asked for them."""


class StackError(Exception):
    """A part that did not start; the message holds the last lines it wrote."""


class Child:
    """One started process. Its first line on stdout is JSON and names its URL."""

    def __init__(self, name: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name, self.log = name, log
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands
                [*COMMAND, *arguments],
                env={**_surroundings(), **bootstrap.inherited(), DIE_WITH_PARENT: "1", **environment},
                stdout=subprocess.PIPE,
                stderr=stderr,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C reaches the stack, which ends its children in order
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def poll(self) -> int | None:
        """Exit status, None while it runs."""
        return self._process.poll()

    def url(self) -> str:
        """Its base URL, once it is ready.   Raises: StackError with what it wrote."""
        line = self._first_line()
        try:
            return str(json.loads(line)["url"])
        except (ValueError, KeyError) as error:
            self.stop()
            words = self.last_words() or f"it wrote nothing and exited with {self.poll()}"
            raise StackError(f"the {self.name} did not start:\n{words}") from error

    def _first_line(self) -> bytes:
        found: list[bytes] = []
        stdout = self._process.stdout
        assert stdout is not None, "started with a pipe"
        reader = threading.Thread(target=lambda: found.append(stdout.readline()), daemon=True)
        reader.start()
        reader.join(READY_TIMEOUT_S)
        return found[0] if found else b""

    def last_words(self) -> str:
        """The end of its log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:].strip()

    def stop(self) -> None:
        """End it: politely, then not."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


@dataclass(frozen=True, slots=True)
class Stack:
    """A running mock and proxy.

    metrics_url: where the proxy's metrics are read, when it shows them.
    """

    mock_url: str
    proxy_url: str
    children: tuple[Child, ...]
    log_dir: Path
    metrics_url: str | None = None

    @property
    def page_url(self) -> str:
        """Where the reference page is."""
        return f"{self.proxy_url}/"

    def dead_child(self) -> Child | None:
        """A child that has ended on its own."""
        return next((child for child in self.children if child.poll() is not None), None)


@contextlib.contextmanager
def running(
    *,
    host: str = LOOPBACK,
    mock_port: int = 0,
    proxy_port: int = 0,
    pace: float = 1.0,
    strict: bool = False,
    state_dir: Path | None = None,
    mock_arguments: Sequence[str] = (),
    proxy_environment: Mapping[str, str] | None = None,
) -> Iterator[Stack]:
    """A mock and a development proxy in front of it, ended on exit.

    host: where the proxy listens; the mock stays on this machine.   state_dir: where keys and logs go; a temporary
    folder by default.   Raises: StackError.
    """
    with contextlib.ExitStack() as cleanup:
        folder = state_dir or Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="cortex-harness-")))
        try:
            made = keys.ensure(folder)
        except OSError as error:
            hint = "Choose another folder with --state-dir."
            raise StackError(f"{error.filename}: {error.strerror}. {hint}") from error
        # Both start at once, so the proxy is told where the mock will be. Between here and there somebody else may
        # take a free port; the mock then says so.
        mock_port = mock_port or free_port()
        mode = "--strict" if strict else "--no-strict"
        mock_options = ["--port", str(mock_port), "--pace", str(pace), mode]
        mock_options += ["--public-key", str(made.public_key), *mock_arguments]
        mock = Child("mock", ["mock", *mock_options], {}, folder / "mock.log")
        cleanup.callback(mock.stop)
        mock_url = f"http://{LOOPBACK}:{mock_port}"
        environment = {**proxy_settings(mock_url, made), **(proxy_environment or {})}
        proxy_options = ["--host", host, "--port", str(proxy_port)]
        proxy = Child("proxy", ["proxy", *proxy_options], environment, folder / "proxy.log")
        cleanup.callback(proxy.stop)
        mock.url()
        proxy_url = reachable(proxy.url())
        await_answer(f"{mock_url}/__mock/health")
        await_answer(f"{proxy_url}/readyz")
        yield Stack(mock_url, proxy_url, (mock, proxy), folder)


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as sock:
        sock.bind((LOOPBACK, 0))
        return int(sock.getsockname()[1])


def reachable(url: str) -> str:
    """A URL that leads to a server which listens on every interface."""
    return url.replace("//0.0.0.0:", f"//{LOOPBACK}:").replace("//[::]:", "//[::1]:")


def _surroundings() -> dict[str, str]:
    """Our environment without settings that were meant for another proxy."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CORTEX_PROXY_")}


def proxy_settings(mock_url: str, made: keys.DevelopmentKeys) -> dict[str, str]:
    """The environment of a development proxy in front of a mock."""
    return {
        "CORTEX_PROXY_ENVIRONMENT": "development",
        "CORTEX_PROXY_SNOWFLAKE_URL": mock_url,
        "CORTEX_PROXY_ACCOUNT": ACCOUNT,
        "CORTEX_PROXY_USER": USER,
        "CORTEX_PROXY_ROLE": ROLE,
        "CORTEX_PROXY_WAREHOUSE": WAREHOUSE,
        "CORTEX_PROXY_PRIVATE_KEY_FILE": str(made.private_key),
        "CORTEX_PROXY_SESSION_KEY_FILE": str(made.session_key),
        "CORTEX_PROXY_HISTORY_FILE": str(made.session_key.with_name("history.sqlite3")),
        "CORTEX_PROXY_DRAIN_S": "0",
        "CORTEX_PROXY_PAGE_DIR": str(CLIENT_DIR),
        "CORTEX_PROXY_PRICES_FILE": str(EXAMPLE_PRICES),
    }


def fetch(url: str, timeout_s: float) -> bytes:
    """The body of a 200.   Raises: OSError for everything else."""
    with _direct.open(url, timeout=timeout_s) as response:
        body: bytes = response.read()
        return body


def await_answer(url: str, timeout_s: float = READY_TIMEOUT_S) -> None:
    """Return once the URL answers 200.   Raises: StackError."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        try:
            fetch(url, 2)
        except OSError as error:
            if time.monotonic() > deadline_s:
                raise StackError(f"{url} does not answer: {error}") from error
        else:
            return
        time.sleep(0.02)
