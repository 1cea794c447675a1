"""The cable that stories pull."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from e2e.cable import LOOPBACK, Cable, cable_to


class _Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "8")
        self.end_headers()
        self.wfile.write(b"half")
        if self.path == "/whole":
            self.wfile.write(b"half")
        else:
            self.connection.recv(1)  # until the other side is gone

    def log_message(self, *_args: object) -> None:
        """Nothing."""


@pytest.fixture
def cable() -> Iterator[Cable]:
    """A cable to a server that gives a whole answer, or half of one."""
    with ThreadingHTTPServer((LOOPBACK, 0), _Server) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        with cable_to(f"http://{LOOPBACK}:{server.server_port}") as plugged:
            yield plugged
        server.shutdown()
        thread.join()


def answer(cable: Cable, path: str) -> http.client.HTTPResponse:
    """The beginning of an answer."""
    connection = http.client.HTTPConnection(str(urlsplit(cable.url).netloc), timeout=5)
    connection.request("GET", path)
    return connection.getresponse()


def test_a_plugged_cable_carries_everything(cable: Cable) -> None:
    """Whoever connects speaks with the server behind it."""
    assert answer(cable, "/whole").read() == b"halfhalf"


def test_a_pulled_cable_breaks_what_is_being_said(cable: Cable) -> None:
    """What had come stays, the rest never comes."""
    half = answer(cable, "/half")
    assert half.read(4) == b"half"
    cable.pull()
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        half.read()


def test_nothing_is_said_until_it_is_plugged_again(cable: Cable) -> None:
    """A pulled cable carries no question."""
    cable.pull()
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError, socket.timeout)):
        answer(cable, "/whole")
    cable.plug()
    assert answer(cable, "/whole").read() == b"halfhalf"
