"""The client's own connection, for answers that break off.

granian ends every body properly, sooner or later, whatever the application does: an exception in mid-stream leaves the
connection open, and when its last reference goes, the final chunk is written. So an answer that must break off is
written past granian, on the same socket, which is then shut down. Nothing is lost on the way and nothing follows.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from http import HTTPStatus


class ConnectionNotFoundError(ConnectionError):
    """No open socket of this process leads to that client: it has left."""


@contextlib.contextmanager
def borrowed(client: str, server: str, *, reset: bool = False) -> Iterator[socket.socket]:
    """The socket between two addresses, `127.0.0.1:80` or `[::1]:80`, ours the second; ended on exit, both ways.

    reset: with a TCP reset, which discards what the client has not read yet, instead of an orderly end.
    Raises: ConnectionNotFoundError.
    """
    with _find(client, server) as line:
        try:
            yield line
        finally:
            with contextlib.suppress(OSError):  # the client was first
                _reset(line) if reset else line.shutdown(socket.SHUT_RDWR)


def _reset(line: socket.socket) -> None:
    """Make the last close of a connection a reset, and have its other owner close it.

    Only the reading half is shut down: that sends nothing, but the owner finds its client gone and closes.
    """
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.shutdown(socket.SHUT_RD)


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """The status line and headers of a chunked answer."""
    lines = [f"HTTP/1.1 {status} {_phrase(status)}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "transfer-encoding: chunked", "", ""]).encode("ascii")


def chunk(data: bytes) -> bytes:
    """One chunk. An empty one would end the body."""
    assert data, "an answer that breaks off never ends its body"
    return b"%X\r\n%b\r\n" % (len(data), data)


def _find(client: str, server: str) -> socket.socket:
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - the names are all there is to know
        with contextlib.suppress(OSError), contextlib.ExitStack() as otherwise:  # no socket, or closed meanwhile
            line = otherwise.enter_context(_duplicate(int(name)))
            if (_address(line.getpeername()), _address(line.getsockname())) == (client, server):
                otherwise.pop_all()
                return line
    raise ConnectionNotFoundError(f"no connection from {client} to {server} is open")


def _duplicate(descriptor: int) -> socket.socket:
    """Another handle of a socket.   Raises: OSError when it is none. (`socket.fromfd` would leak in that case.)"""
    copy = os.dup(descriptor)
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise


def _address(name: object) -> str:
    if not isinstance(name, tuple):
        return ""  # a Unix socket's path
    host, port = name[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
