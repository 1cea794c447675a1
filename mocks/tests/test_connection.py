"""Borrowed connections: found by their two addresses, shut down whatever happens."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator

import pytest

from mocks.connection import ConnectionNotFoundError, borrowed, chunk, head


@contextlib.contextmanager
def pair(family: socket.AddressFamily, host: str) -> Iterator[tuple[socket.socket, str, str]]:
    """A client's socket, its address and the server's, both ends open in this process."""
    with socket.create_server((host, 0), family=family) as listener:
        client = socket.create_connection((host, listener.getsockname()[1]), timeout=5)
        server, _ = listener.accept()
        with client, server:
            shown = f"[{host}]" if ":" in host else host
            ports = client.getsockname()[1], server.getsockname()[1]
            yield client, f"{shown}:{ports[0]}", f"{shown}:{ports[1]}"


@pytest.mark.parametrize(
    ("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")], ids=["ipv4", "ipv6"]
)
def test_what_is_written_arrives_and_then_the_end(family: socket.AddressFamily, host: str) -> None:
    """The server's end is found, not the client's; after use it is shut down though its owner holds it open."""
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208
    with pair(family, host) as (client, here, there):
        with borrowed(here, there) as line:
            line.sendall(b"hello")
        assert b"".join(iter(lambda: client.recv(100), b"")) == b"hello"
    assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208


def test_a_reset_follows_when_the_other_owner_closes() -> None:
    """The other owner finds its client gone and closes; the client then reads an error, not an orderly end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), timeout=5)
        owner, _ = listener.accept()
        with client:
            with owner:
                here, there = (f"127.0.0.1:{end.getsockname()[1]}" for end in (client, owner))
                with borrowed(here, there, reset=True) as line:
                    line.sendall(b"hello")
                assert owner.recv(1) == b""
            with pytest.raises(ConnectionResetError):
                b"".join(iter(lambda: client.recv(100), b""))


def test_the_connection_ends_with_an_error_too() -> None:
    """Whatever goes wrong while it is borrowed, nothing can follow on it."""
    with pair(socket.AF_INET, "127.0.0.1") as (client, here, there):
        with pytest.raises(ZeroDivisionError), borrowed(here, there):
            raise ZeroDivisionError
        assert client.recv(1) == b""


def test_a_client_that_left_has_no_connection() -> None:
    """No socket leads to it, which is a connection error like any other."""
    with pytest.raises(ConnectionNotFoundError, match=r"no connection from 127\.0\.0\.1:1 to 127\.0\.0\.1:2"):
        borrowed("127.0.0.1:1", "127.0.0.1:2").__enter__()
    assert issubclass(ConnectionNotFoundError, ConnectionError)


def test_a_head_announces_chunks() -> None:
    """Status line, headers, framing, and a blank line; a status nobody named has an empty phrase."""
    assert head(200, {"a": "b"}) == b"HTTP/1.1 200 OK\r\na: b\r\ntransfer-encoding: chunked\r\n\r\n"
    assert head(299, {}).startswith(b"HTTP/1.1 299 \r\n")


def test_a_chunk_has_its_length_in_hex() -> None:
    """And an empty one, which would end the body, is never made."""
    assert chunk(b"x" * 26) == b"1A\r\n" + b"x" * 26 + b"\r\n"
    with pytest.raises(AssertionError):
        chunk(b"")
