"""The watcher: a client's leaving is told once, to the request it concerns and to no other."""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from proxy.tests.upstream import until
from proxy.watcher import ClientWatcher, client_socket


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The server's and the client's end of a TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as client:
        client.connect(listener.getsockname())
        server, _ = listener.accept()
        with server:
            yield server, client


Pair = tuple[socket.socket, socket.socket]


def test_where_servers_show_the_socket() -> None:
    """gunicorn's and werkzeug's names are known; no socket is None."""
    assert client_socket({"gunicorn.socket": 1}) == 1
    assert client_socket({"werkzeug.socket": 2}) == 2
    assert client_socket({}) is None


def test_a_close_is_told_once(pair: Pair) -> None:
    """The callback runs after the client's FIN, and only once."""
    server, client = pair
    told: list[int] = []
    unwatch = ClientWatcher().watch(server, lambda: told.append(1))
    client.close()
    until(lambda: told, "the close is told")
    unwatch()
    unwatch()
    assert told == [1]


def test_a_reset_is_told(pair: Pair) -> None:
    """An aborting client is noticed as well."""
    server, client = pair
    gone = threading.Event()
    unwatch = ClientWatcher().watch(server, gone.set)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    assert gone.wait(20)
    unwatch()


def test_a_client_that_left_before_the_watch_is_told(pair: Pair) -> None:
    """There is no gap between the request and the watch."""
    server, client = pair
    client.close()
    gone = threading.Event()
    unwatch = ClientWatcher().watch(server, gone.set)
    assert gone.wait(20)
    unwatch()


def test_more_request_bytes_are_not_a_departure(pair: Pair) -> None:
    """A client that sends its next request already is still there; its close is told all the same."""
    server, client = pair
    told: list[str] = []
    unwatch = ClientWatcher().watch(server, lambda: told.append("gone"))
    client.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert select.select([server], [], [], 20)[0], "the bytes have arrived"
    assert told == []
    client.close()
    until(lambda: told, "the close is told")
    unwatch()


def test_nothing_is_told_after_the_watch_has_ended(pair: Pair) -> None:
    """Another watch on the same watcher proves that the event was processed."""
    server, client = pair
    watcher = ClientWatcher()
    told: list[str] = []
    watcher.watch(server, lambda: told.append("ended"))()
    unwatch = watcher.watch(server, lambda: told.append("second"))
    client.close()
    until(lambda: told, "the second watch is told")
    unwatch()
    assert told == ["second"]


def test_a_stale_event_does_not_reach_the_descriptors_next_owner(pair: Pair) -> None:
    """An event polled for a request that has ended is not told to the request that has its descriptor now."""
    server, _client = pair
    watcher = ClientWatcher()
    told: list[str] = []
    unwatch = watcher.watch(server, lambda: told.append("innocent"))
    with watcher._lock:
        watcher._tell(server.fileno())  # as the thread does with an event of the descriptor's previous owner
    assert told == []
    unwatch()


def test_a_late_unwatch_leaves_the_descriptors_next_owner_alone(pair: Pair) -> None:
    """Ending an old watch does not end the new one on the same descriptor."""
    server, client = pair
    watcher = ClientWatcher()
    gone = threading.Event()
    old = watcher.watch(server, lambda: None)
    old()
    new = watcher.watch(server, gone.set)
    old()
    client.close()
    assert gone.wait(20)
    new()


def test_a_failing_callback_does_not_end_the_watch_of_others(pair: Pair) -> None:
    """The watcher outlives an error in what it calls."""
    server, client = pair
    watcher = ClientWatcher()
    first, second = socket.socketpair()
    gone = threading.Event()

    def fail() -> None:
        gone.set()
        raise RuntimeError("made up")

    with first, second:
        unwatch_first = watcher.watch(first, fail)
        second.close()
        assert gone.wait(20)
        gone.clear()
        unwatch = watcher.watch(server, gone.set)
        client.close()
        assert gone.wait(20)
        unwatch()
        unwatch_first()


def test_no_socket_is_no_watch() -> None:
    """On a server that does not show its socket the watch is a no-op."""
    ClientWatcher().watch(None, lambda: None)()


def test_threads_do_not_multiply(pair: Pair) -> None:
    """Any number of watches shares one thread."""
    server, _ = pair
    watcher = ClientWatcher()
    watcher.watch(server, lambda: None)()
    before = threading.active_count()
    for _ in range(100):
        watcher.watch(server, lambda: None)()
    assert threading.active_count() == before


def test_a_socket_that_was_closed_here_counts_as_left(pair: Pair) -> None:
    """A server that is ending may close a request's socket before the request is watched."""
    server, _ = pair
    server.close()
    told: list[int] = []
    ClientWatcher().watch(server, lambda: told.append(1))()
    assert told == [1]
