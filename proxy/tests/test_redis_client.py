"""Connecting to Redis: bounded in time, silent about its address, and none the worse for a restart."""

from __future__ import annotations

import contextlib
import socket
import traceback
from collections.abc import Callable, Iterator

import pytest
import redis
from pydantic import SecretStr

from proxy.redis_client import TIMEOUT_S, connect
from proxy.tests.redis_server import redis_server


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A port where nobody listens: it is bound, but never accepts."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("port", [closed_port, silent_port])
def test_no_answer_is_a_redis_error(port: Callable[[], contextlib.AbstractContextManager[int]]) -> None:
    """A store that refuses or stays silent is a RedisError, in bounded time."""
    with (
        port() as number,
        contextlib.closing(connect(SecretStr(f"redis://127.0.0.1:{number}"))) as client,
        pytest.raises(redis.RedisError),
    ):
        client.ping()


def test_times_are_fixed() -> None:
    """A URL cannot loosen the timeouts, nor change what values look like; nothing is asked twice."""
    url = "redis://localhost/0?socket_timeout=60&socket_connect_timeout=60&decode_responses=yes&protocol=3"
    with contextlib.closing(connect(SecretStr(url))) as client:
        arguments = client.get_connection_kwargs()
    assert (arguments["socket_timeout"], arguments["socket_connect_timeout"]) == (TIMEOUT_S, TIMEOUT_S)
    assert (arguments["decode_responses"], arguments["protocol"]) == (False, 2)
    assert arguments["retry"].get_retries() == 0


@pytest.mark.parametrize(
    "url",
    [
        "redis://:pa55word@host:port/0",
        "redis://:pa55[word@host/0",
        "http://:pa55word@host/0",
        "redis://:pa55word@host/0?unknown=1",
        "redis://:pa55word@host/0?db=first",
    ],
    ids=["port", "bracket", "scheme", "query", "database"],
)
def test_an_unusable_url_is_not_shown(url: str) -> None:
    """An unusable URL fails at start-up, and neither the message nor the traceback holds its password."""
    with pytest.raises(ValueError, match="REDIS_URL is not of the form") as caught:
        connect(SecretStr(url))
    assert "pa55" not in "".join(traceback.format_exception(caught.value))


def test_the_password_is_not_in_the_repr() -> None:
    """A client can be logged without telling its password."""
    with contextlib.closing(connect(SecretStr("redis://user:pa55word@localhost"))) as client:
        assert "pa55word" not in repr(client)


def test_a_restart_needs_none_of_ours() -> None:
    """A pooled connection survives neither a restart of Redis, nor is it the next request's fault."""
    with redis_server() as server, contextlib.closing(connect(server.url)) as client:
        client.set("kept", "no")
        server.stop()
        with pytest.raises(redis.RedisError):
            client.get("kept")
        server.start()
        assert client.get("kept") is None
        server.stop()
        server.start()  # the client has not noticed that it was away
        client.set("kept", b"\xff")
        assert client.get("kept") == b"\xff"
