"""Tells at once when a client has left: one epoll thread a process watches the sockets of open requests.

A blocked WSGI worker never learns of it otherwise, and a write after the client's FIN still succeeds. Half-closing
clients count as gone. Linux only; elsewhere, and on servers that do not expose the socket, the next failing write is
what tells.
"""

from __future__ import annotations

import select
import threading
from collections.abc import Callable, Mapping
from typing import Any

import structlog

log = structlog.get_logger(__name__)

_GONE = getattr(select, "EPOLLRDHUP", 0) | getattr(select, "EPOLLHUP", 0) | getattr(select, "EPOLLERR", 0)


def client_socket(environ: Mapping[str, Any]) -> Any:
    """The socket of the request's client, None when the server does not show it."""
    return environ.get("gunicorn.socket") or environ.get("werkzeug.socket")


class ClientWatcher:
    """Register a client's socket with what to do when the client leaves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._epoll: Any = None

    def watch(self, sock: Any, on_gone: Callable[[], None]) -> Callable[[], None]:
        """Call `on_gone` (once, from the watcher's thread) when the client leaves.

        sock: as `client_socket` found it; None is not watched.
        Returns what ends the watch; it must be called before the server closes the socket.
        """
        if sock is None or not hasattr(select, "epoll"):
            return lambda: None
        fd = sock.fileno()
        if fd < 0:  # closed here already, by a server that is ending
            on_gone()
            return lambda: None
        with self._lock:
            self._start()
            self._epoll.register(fd, _GONE | select.EPOLLONESHOT)
            self._callbacks[fd] = on_gone
        return lambda: self._unwatch(fd, on_gone)

    def _unwatch(self, fd: int, on_gone: Callable[[], None]) -> None:
        with self._lock:
            if self._callbacks.get(fd) is on_gone:  # else the descriptor is another request's by now
                del self._callbacks[fd]
                self._epoll.unregister(fd)

    def _start(self) -> None:
        # On first use, so that the thread lives in the worker that serves, not in the process that forked it.
        if self._epoll is None:
            self._epoll = select.epoll()
            threading.Thread(target=self._run, name="client-watcher", daemon=True).start()

    def _run(self) -> None:
        while True:
            for fd, _events in self._epoll.poll():
                # Under the lock, an unwatch that has returned is sure that its callback will not run any more.
                with self._lock:
                    self._tell(fd)

    def _tell(self, fd: int) -> None:
        # Between poll and lock the descriptor may have gone to another request. Descriptors of watched sockets are
        # open, so asking once more tells whether it is the present client that left.
        callback = self._callbacks.get(fd)
        if callback is None or not _is_gone(fd):
            return
        try:
            callback()
        except Exception:  # one request's failure must not end the watch of all the others
            log.exception("a client left, but its request could not be cancelled")


def _is_gone(fd: int) -> bool:
    now = select.poll()
    now.register(fd, select.POLLRDHUP)  # POLLHUP and POLLERR are always reported
    return bool(now.poll(0))
