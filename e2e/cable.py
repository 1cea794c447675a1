"""A cable between a browser and a server: carries bytes until it is pulled, in the middle of whatever is said."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"
PIECE_BYTES = 64 * 1024


class Cable(socketserver.ThreadingTCPServer):
    """A plugged cable to a server. Whoever connects to `url` speaks with that server."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, to_url: str) -> None:
        to = urlsplit(to_url)
        super().__init__((LOOPBACK, 0), _End)
        self.far_end = to.hostname, to.port
        self.url = f"http://{LOOPBACK}:{self.server_address[1]}"
        self.is_plugged = True
        self._carrying: set[socket.socket] = set()
        self._lock = threading.Lock()

    def pull(self) -> None:
        """Every connection breaks off, and no other comes about."""
        with self._lock:
            self.is_plugged = False
            for each in self._carrying:
                _end(each)

    def plug(self) -> None:
        """Connections come about again."""
        with self._lock:
            self.is_plugged = True

    def carries(self, *ends: socket.socket) -> bool:
        """Keep both ends of a connection; whether it may come about."""
        with self._lock:
            self._carrying.update(ends if self.is_plugged else ())
            return self.is_plugged

    def handle_error(self, *_args: object) -> None:
        """Nothing: connections that break off are what this is for."""


class _End(socketserver.BaseRequestHandler):
    server: Cable
    request: socket.socket

    def handle(self) -> None:
        if not self.server.is_plugged:
            return
        with socket.create_connection(self.server.far_end) as far:
            if not self.server.carries(self.request, far):
                return
            back = threading.Thread(target=_carry, args=(far, self.request), daemon=True)
            back.start()
            _carry(self.request, far)
            back.join()


def _carry(source: socket.socket, to: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE_BYTES):
            to.sendall(piece)
    _end(source)
    _end(to)


def _end(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the other side was first
        sock.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def cable_to(url: str) -> Iterator[Cable]:
    """A plugged cable, pulled at the end."""
    with Cable(url) as cable:
        thread = threading.Thread(target=cable.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield cable
        finally:
            cable.pull()
            cable.shutdown()
            thread.join()
