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

_GONE = getattr(select, "EPOLLRDHUP", 0) | getattr(select, "EPOLLHUP", 0) | getattr(select, "EPOLLERR", 0)


class ClientWatcher:
    """Register a request's socket with what to do when its client leaves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._epoll: Any = None

    def watch(self, environ: Mapping[str, Any], on_gone: Callable[[], None]) -> Callable[[], None]:
        """Call `on_gone` (once, from the watcher's thread) when the client leaves.

        Returns what ends the watch; it must be called before the server may reuse the socket's descriptor.
        """
        sock = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
        if sock is None or not hasattr(select, "epoll"):
            return lambda: None
        fd = sock.fileno()
        with self._lock:
            self._start()
            self._callbacks[fd] = on_gone
            self._epoll.register(fd, _GONE | select.EPOLLONESHOT)
        return lambda: self._unwatch(fd)

    def _unwatch(self, fd: int) -> None:
        with self._lock:
            if self._callbacks.pop(fd, None) is not None:
                self._epoll.unregister(fd)

    def _start(self) -> None:
        # On first use, so that the thread lives in the worker that serves, not in the process that forked it.
        if self._epoll is None:
            self._epoll = select.epoll()
            threading.Thread(target=self._run, name="client-watcher", daemon=True).start()

    def _run(self) -> None:
        while True:
            for fd, _events in self._epoll.poll():
                # Under the lock: an unwatch that returns has made sure that its callback will not run any more,
                # so a descriptor that is reused cannot reach the request that had it before.
                with self._lock:
                    callback = self._callbacks.get(fd)
                    if callback is not None:
                        callback()
