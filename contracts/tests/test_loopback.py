"""A server for as long as a block runs."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests

from contracts.loopback import Loopback


def test_it_answers_inside_of_the_block_alone() -> None:
    """Afterwards nobody listens there any more."""
    with Loopback(HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)) as served:
        assert requests.get(served.url, timeout=5).status_code == 501
    with pytest.raises(requests.ConnectionError):
        requests.get(served.url, timeout=5)
