"""A server for as long as a block runs."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from contracts.loopback import Loopback


def test_it_answers_inside_of_the_block_alone() -> None:
    """Afterwards nobody listens there any more."""
    with Loopback(HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)) as served:
        with pytest.raises(urllib.error.HTTPError, match="501") as refused:
            urllib.request.urlopen(served.url)
        refused.value.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", served.port), timeout=5)
