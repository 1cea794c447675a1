"""An HTTP server of our own on this machine, for as long as a block of code runs."""

from __future__ import annotations

from http.server import HTTPServer
from threading import Thread
from typing import Generic, Self, TypeVar

POLL_S = 0.02
"""How long leaving the block may wait for the server to notice."""

S = TypeVar("S", bound=HTTPServer)


class Loopback(Generic[S]):
    """Answers on a thread between entering and leaving."""

    def __init__(self, server: S) -> None:
        self._server = server
        self._thread = Thread(target=server.serve_forever, args=(POLL_S,), name=type(self).__name__, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.server_port

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"
