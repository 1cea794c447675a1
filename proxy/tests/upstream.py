"""An upstream on a real socket that does what a test scripts: for timing, disconnects, truncation and TLS."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

DEADLINE_S = 20.0

EVENTS = (
    b'event: response.status\ndata: {"message":"Planning the next steps","status":"planning"}\n\n',
    'event: response.text.delta\ndata: {"content_index":0,"text":"Zürich — 4.2 Mio. €"}\n\n'.encode(),
    (
        b'event: response\ndata: {"role":"assistant","content":[],"status":"completed","metadata":{"usage":'
        b'{"tokens_consumed":[{"model_name":"m","input_tokens":{"total":7,"cache_read":2},"output_tokens":{"total":5}}]}}}'
        b"\n\n"
    ),
    b"event: done\ndata: [DONE]\n\n",
)
STREAM = b"".join(EVENTS)
"""A whole turn."""


def until(claim: Callable[[], object], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Return once the claim holds.   Raises: AssertionError naming what did not come true in time."""
    end_s = time.monotonic() + deadline_s
    while not claim():
        assert time.monotonic() < end_s, f"not within {deadline_s:g} s: {what}"
        time.sleep(0.005)


class Exchange:
    """One request and the means to answer it piece by piece."""

    def __init__(self, sock: socket.socket, head: list[bytes], body: bytes) -> None:
        self._sock = sock
        self.method, self.path, _ = head[0].decode("latin-1").split(" ", 2)
        pairs = [line.decode("latin-1").split(":", 1) for line in head[1:]]
        self.headers = {name.strip().lower(): value.strip() for name, value in pairs}
        self.body = body
        self.left = threading.Event()

    @property
    def document(self) -> Any:
        """The JSON body."""
        return json.loads(self.body)

    def send(self, data: bytes) -> None:
        """Raw bytes; a peer that has gone is not our failure."""
        with contextlib.suppress(OSError):
            self._sock.sendall(data)

    def head(self, status: str = "200 OK", **headers: str) -> None:
        """Status line and headers; an underscore in a name is a hyphen."""
        lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def stream(self, *chunks: bytes, end: bool = False, **headers: str) -> None:
        """The head of a chunked event stream and its first chunks."""
        self.head(**{"Content_Type": "text/event-stream", "Transfer_Encoding": "chunked"} | headers)
        for chunk in chunks:
            self.chunk(chunk)
        if end:
            self.end()

    def chunk(self, data: bytes) -> None:
        """One chunk."""
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self) -> None:
        """The last chunk: the answer is complete."""
        self.send(b"0\r\n\r\n")

    def json(self, document: Any, status: str = "200 OK", **headers: str) -> None:
        """A whole JSON answer."""
        body = json.dumps(document).encode()
        self.head(status, **{"Content_Type": "application/json", "Content_Length": str(len(body))} | headers)
        self.send(body)

    def cut(self) -> None:
        """Close the connection, whatever was said so far; the peer sees an end, not a reset."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def wait_left(self) -> None:
        """Block until the peer closes, then set `left`."""
        with contextlib.suppress(OSError):
            while self._sock.recv(4096):
                pass
        self.left.set()


Script = Callable[[Exchange], None]


class Upstream:
    """Listens on loopback and runs the script for every request; `seen` holds all of them, in order."""

    def __init__(self, script: Script, context: ssl.SSLContext | None = None) -> None:
        self._script, self._context = script, context
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        self._failures: list[BaseException] = []
        self.connections = 0
        self.seen: list[Exchange] = []
        scheme = "https" if context else "http"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Upstream:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        socket.socket.shutdown(self._listener, socket.SHUT_RDWR)
        self._listener.close()
        for sock in list(self._open):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(DEADLINE_S)
            assert not thread.is_alive(), "a script of the stand-in still runs"
        assert not self._failures, self._failures

    def _start(self, target: Callable[..., None], *args: object) -> None:
        self._threads.append(threading.Thread(target=target, args=args, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._start(self._converse, sock)

    def _converse(self, sock: socket.socket) -> None:
        self._open.add(sock)
        try:
            if self._context:
                sock = self._context.wrap_socket(sock, server_side=True)
                self._open.add(sock)
            with sock, sock.makefile("rb") as lines:
                for exchange in _requests(sock, lines):
                    self.seen.append(exchange)
                    self._script(exchange)
        except OSError:
            pass  # the peer left
        except BaseException as error:  # told by the test's own thread
            self._failures.append(error)
        finally:
            sock.close()


def _requests(sock: socket.socket, lines: Any) -> Iterator[Exchange]:
    while first := lines.readline().strip():
        head = [first]
        while line := lines.readline().strip():
            head.append(line)
        length = next((int(line.split(b":")[1]) for line in head if line.lower().startswith(b"content-length:")), 0)
        yield Exchange(sock, head, lines.read(length))
