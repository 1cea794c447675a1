"""A real Redis on a free loopback port, in memory only, that tests can stop and start again."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator

import pytest
import redis
from pydantic import SecretStr

from proxy.redis_client import connect
from proxy.tests.upstream import DEADLINE_S, until

PROGRAM = "redis-server"


class RedisServer:
    """One server; its data is gone when it stops."""

    def __init__(self, program: str, port: int) -> None:
        self._command = [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
        self._process: subprocess.Popen[bytes] | None = None
        self.url = SecretStr(f"redis://127.0.0.1:{port}/0")

    def start(self) -> None:
        """Return once it answers, on the same port as before."""
        assert self._process is None, "it already runs"
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, cwd="/")  # noqa: S603 - ours
        with contextlib.closing(connect(self.url)) as client:
            until(lambda: self._answers(client), "redis-server answers")

    def _answers(self, client: redis.Redis) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"redis-server ended with {self._process.returncode}"
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False

    def stop(self) -> None:
        """Return once it is gone, its connections and data with it."""
        if self._process is not None:
            self._process.kill()  # nothing is to be saved
            self._process.wait(DEADLINE_S)
            self._process = None

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """It accepts connections and commands, and acts on them only after the block."""
        assert self._process is not None, "it does not run"
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def redis_server() -> Iterator[RedisServer]:
    """A running server, stopped at the end."""
    program = shutil.which(PROGRAM)
    if program is None:
        pytest.fail(f"{PROGRAM} is not on PATH: apt-get install redis-server")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = RedisServer(program, port)
    try:
        server.start()
        yield server
    finally:
        server.stop()
