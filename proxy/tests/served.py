"""The proxy as it is deployed: gunicorn in a process of its own, and a raw client that sees chunks and can leave."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from proxy.settings import ENV_PREFIX, Settings
from proxy.tests.upstream import DEADLINE_S

PROGRAM = "from proxy import serve, settings; serve.run(settings.load(port=0), serve.print_ready)"


@dataclass(frozen=True, slots=True)
class Served:
    """A running proxy."""

    port: int
    log: Path
    master: psutil.Process

    @property
    def worker(self) -> psutil.Process:
        """The process that answers."""
        (worker,) = self.master.children()
        return worker

    def lines(self, event: str | None = None) -> list[dict[str, Any]]:
        """Its log lines, all or of one event, as far as they are written; each is JSON."""
        whole = self.log.read_text(encoding="utf-8").rpartition("\n")[0].splitlines()
        return [line for line in map(json.loads, whole) if event in (None, line["event"])]

    def post(self, path: str, body: bytes = b"", **headers: str) -> Any:
        """The JSON of a short answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data=body, headers=headers, method="POST"
        )
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as response:  # noqa: S310 - loopback
            return json.load(response)

    def raw(self, request: bytes) -> bytes:
        """Everything it answers to raw bytes, until it closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S) as sock:
            sock.sendall(request)
            return read_all(sock)

    def asked(self, *, receive_bytes: int | None = None, **fields: Any) -> Client:
        """A client that has sent a chat request on a connection of its own.

        receive_bytes: size of its receive buffer, for clients that are to run out of it.
        """
        token = self.post("/api/v1/session/token")
        body = json.dumps({"sessionId": token["sessionId"], "message": "q"} | fields).encode()
        sock = socket.socket()
        if receive_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        sock.settimeout(DEADLINE_S)
        sock.connect(("127.0.0.1", self.port))
        head = [
            "POST /api/v1/chat HTTP/1.1",
            "Host: localhost",
            "Content-Type: application/json",
            f"Authorization: Bearer {token['token']}",
            f"Content-Length: {len(body)}",
        ]
        sock.sendall("\r\n".join([*head, "", ""]).encode() + body)
        return Client(sock)


def read_all(sock: socket.socket) -> bytes:
    """What arrives until the other end closes."""
    return b"".join(iter(lambda: sock.recv(65_536), b""))


class Client:
    """The client's end of a stream; `chunks` are the server's own, unjoined."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self._file = sock, sock.makefile("rb")
        self.status, self.headers = 0, dict[str, str]()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def head(self) -> None:
        """Read status and headers."""
        self.status = int(self._file.readline().split()[1])
        while line := self._file.readline().strip():
            name, _, value = line.decode().partition(":")
            self.headers[name.lower()] = value.strip()

    def chunk(self) -> bytes:
        """The next chunk, empty for the last."""
        size = int(self._file.readline(), 16)
        data = self._file.read(size)
        assert self._file.readline() == b"\r\n"
        return data

    def chunks(self) -> Iterator[bytes]:
        """Head, then chunks until the last."""
        self.head()
        yield from iter(self.chunk, b"")

    def leave(self) -> None:
        """Close without a word."""
        self._file.close()
        self.sock.close()


@contextlib.contextmanager
def serving(settings: Settings, log: Path, stop: signal.Signals = signal.SIGTERM) -> Iterator[Served]:
    """The proxy with these settings, on a free port; ended on exit, which must go well."""
    given = settings.model_dump(mode="json", exclude_none=True, exclude={"port"})
    if settings.redis_url is not None:
        given["redis_url"] = settings.redis_url.get_secret_value()
    environment = {
        f"{ENV_PREFIX}{name.upper()}": json.dumps(value) if isinstance(value, dict | list) else str(value)
        for name, value in given.items()
    }
    with log.open("wb") as stderr:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-c", PROGRAM], env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=stderr
        )
    with process, contextlib.ExitStack() as cleanup:
        cleanup.callback(process.kill)
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first, log.read_text(encoding="utf-8")
        yield Served(int(json.loads(first)["port"]), log, psutil.Process(process.pid))
        process.send_signal(stop)
        assert process.wait(DEADLINE_S) == 0
