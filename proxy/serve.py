"""The proxy on gunicorn: threads, one worker, ready when it answers.

What the server itself refuses, and when it gives up on a client, is in `worker`.
One worker because limits are counted in memory; more processes need a shared store.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from typing import Any

import structlog
from flask import Flask
from gunicorn.app.base import BaseApplication

from proxy import logs
from proxy.app import create_app
from proxy.settings import Settings
from proxy.worker import Worker

log = structlog.get_logger(__name__)

UNARY_THREADS = 16
"""Threads beyond the streams' own, so that a proxy full of streams still answers everything else."""

DRAIN_S = 5


class PortInUseError(Exception):
    """Another process listens where the proxy should."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.   Raises: PortInUseError."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise PortInUseError(f"{host}:{port} cannot be used: {error.strerror}") from error
    sock.listen(1024)
    sock.set_inheritable(True)
    return sock


class _Gunicorn(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    def __init__(self, settings: Settings, listener: int, on_ready: Callable[[], None]) -> None:
        self.settings, self._listener, self._on_ready = settings, listener, on_ready
        super().__init__()

    def load_config(self) -> None:
        options: dict[str, Any] = {
            "bind": f"fd://{self._listener}",
            "workers": 1,
            "worker_class": Worker,
            "threads": self.settings.max_streams + UNARY_THREADS,
            "graceful_timeout": DRAIN_S,
            "keepalive": 5,
            "worker_tmp_dir": "/dev/shm" if os.path.isdir("/dev/shm") else None,  # noqa: S108, PTH112
            "control_socket_disable": True,
            "loglevel": "warning",
            "post_worker_init": lambda _worker: self._on_ready(),
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        logs.configure()
        return create_app(self.settings)


def run(settings: Settings, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `on_ready` gets the base URL, in the worker, once requests are accepted.

    Raises: PortInUseError; OSError and ValueError for key files, before anything is started.
    """
    logs.configure()
    create_app(settings)
    for path in settings.exposed_keys():
        log.warning("every user of this machine can read a key file; give it mode 0440 or 0400", detail=str(path))
    listener = bind(settings.host, settings.port)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{listener.getsockname()[1]}"
    # Detached: gunicorn closes the descriptor itself.
    _Gunicorn(settings, listener.detach(), lambda: on_ready(url)).run()


def print_ready(url: str) -> None:
    """One JSON line on stdout, for whoever started the proxy with port 0."""
    print(json.dumps({"ready": "proxy", "url": url, "port": int(url.rpartition(":")[2])}), flush=True)  # noqa: T201
