"""The proxy on gunicorn: threads, one worker or as many as the settings say, ready when it answers.

What the server itself refuses, when it gives up on a client and how a worker stops is in `worker`. Everything a worker
uses is made in it, after the fork; the master only validates.

Signals of the master: SIGTERM drains, SIGTERM again, SIGINT or SIGQUIT end the streams at once. It takes no others:
settings are read once, and their number of processes is what limits were shared for.
"""

from __future__ import annotations

import errno
import gc
import itertools
import json
import math
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

import structlog
from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from proxy import VERSION, logs
from proxy.app import close, create_app, start
from proxy.health import key_faults, mode_of, store_kind
from proxy.lifecycle import longest_stop_s
from proxy.parts import EXTENSION
from proxy.settings import ENV_PREFIX, Settings, SettingsError
from proxy.worker import Worker

log = structlog.get_logger(__name__)

UNARY_THREADS = 16
"""Threads beyond the streams' own, so that a proxy full of streams still answers everything else."""

KILL_MARGIN_S = 2
"""How much later than its longest orderly stop a worker is killed."""


class PortInUseError(Exception):
    """Another process listens where the proxy should."""


def bind(host: str, port: int, setting: str = "HOST") -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises: PortInUseError, when another port may help; SettingsError naming the setting, when none would.
    """
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except (OSError, UnicodeError, OverflowError) as error:  # a name that is no name, a port beyond the last
        sock.close()
        reason = getattr(error, "strerror", None) or str(error)
        if isinstance(error, OSError) and error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise PortInUseError(f"{host}:{port} cannot be used: {reason}") from error
        raise SettingsError(f"{ENV_PREFIX}{setting}: {host}:{port} cannot be used: {reason}") from error
    sock.listen(1024)
    sock.set_inheritable(True)
    return sock


def for_process(settings: Settings, index: int) -> Settings:
    """The settings of one of the processes: each offers its own metrics, on ports that follow each other."""
    if not settings.metrics_port:  # none, or any free one
        return settings
    return settings.model_copy(update={"metrics_port": settings.metrics_port + index})


def _check_keys(settings: Settings) -> None:
    faults = key_faults(settings)
    if faults:
        raise SettingsError("\n".join(faults))


def _check_metrics_ports(settings: Settings) -> None:
    # A worker would find out, too, but only as a worker that cannot start.
    for index in range(settings.processes):
        own = for_process(settings, index)
        if own.metrics_port is None:
            return
        try:
            bind(own.metrics_host, own.metrics_port, "METRICS_HOST").close()
        except PortInUseError as error:
            raise SettingsError(f"{ENV_PREFIX}METRICS_PORT: {error}") from error


class _Logger(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's own lines, left to the handlers of `logs`."""

    def setup(self, cfg: Any) -> None:
        """The level is set; what gunicorn would write itself goes up to the root."""
        super().setup(cfg)
        self.error_log.handlers, self.error_log.propagate = [], True


class _Master(Arbiter):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's master, which takes a second SIGTERM as impatience."""

    _is_told = False

    def signal(self, sig: int, frame: object) -> None:
        """Queue a signal; in a signal handler."""
        if sig == signal.SIGTERM:
            sig, self._is_told = (signal.SIGQUIT if self._is_told else sig), True
        super().signal(sig, frame)

    def _refuse(self) -> None:
        log.warning("a signal was ignored", detail="settings are read once: stop this proxy and start another")

    handle_hup = handle_ttin = handle_ttou = handle_usr2 = _refuse


class _Gunicorn(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    def __init__(self, settings: Settings, listener: socket.socket, on_ready: Callable[[], None]) -> None:
        self.settings, self._on_ready = settings, on_ready
        self._port = listener.getsockname()[1]
        self._listener = listener.detach()  # gunicorn closes the descriptor itself
        self.process_index = 0
        super().__init__()

    def load_config(self) -> None:
        settings = self.settings
        options: dict[str, Any] = {
            "bind": f"fd://{self._listener}",
            "workers": settings.processes,
            "worker_class": Worker,
            "threads": settings.max_streams + UNARY_THREADS,
            "graceful_timeout": math.ceil(longest_stop_s(settings.drain_s, settings.drain_notice_s)) + KILL_MARGIN_S,
            "keepalive": 5,
            "worker_tmp_dir": "/dev/shm" if os.path.isdir("/dev/shm") else None,  # noqa: S108, PTH112
            "control_socket_disable": True,
            "forwarded_allow_ips": "",  # what proxies in front may say is the application's to judge
            "loglevel": "warning",
            "logger_class": _Logger,
            "pre_fork": self._number,
            "post_worker_init": self._tell_ready,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        try:
            app = create_app(for_process(self.settings, self.process_index))
            start(app)
        except Exception as error:  # gunicorn would print it as it is, between lines that are JSON
            log.error("a worker cannot start", detail=str(error), exc_info=error)
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
        # What is there by now stays. Left to the collector, each of its full runs stops all streams for a tenth of a
        # second, and copies the pages that this process shares with its master.
        gc.collect()
        gc.freeze()
        return app

    def run(self) -> None:
        _Master(self).run()

    def _number(self, master: Any, worker: Worker) -> None:
        """The lowest index that no living worker has; in the master, just before the fork."""
        taken = {each.index for each in master.WORKERS.values()}
        worker.index = self.process_index = next(index for index in itertools.count() if index not in taken)

    def _tell_ready(self, worker: Worker) -> None:
        if worker.age == 1:  # the first one answers for all, and for its successors
            settings = self.settings
            log.info(
                "serving",
                version=VERSION,
                environment=settings.environment,
                upstream=mode_of(settings),
                store=store_kind(settings),
                processes=settings.processes,
                port=self._port,
                metricsPort=worker.wsgi.extensions[EXTENSION].telemetry.metrics_port,
            )
            self._on_ready()


def run(settings: Settings, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `on_ready` gets the base URL, in the worker, once requests are accepted.

    Raises: PortInUseError; SettingsError for key files, the host and where metrics are offered; StoreError; all before
    anything is started.
    """
    logs.configure(log_content=settings.log_content)
    _check_keys(settings)
    close(create_app(settings))
    _check_metrics_ports(settings)
    for path in settings.exposed_keys():
        log.warning("every user of this machine can read a key file; give it mode 0440 or 0400", detail=str(path))
    listener = bind(settings.host, settings.port)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{listener.getsockname()[1]}"
    gc.freeze()  # for the processes to come
    _Gunicorn(settings, listener, lambda: on_ready(url)).run()


def print_ready(url: str) -> None:
    """One JSON line on stdout, for whoever started the proxy with port 0."""
    print(json.dumps({"ready": "proxy", "url": url, "port": int(url.rpartition(":")[2])}), flush=True)  # noqa: T201
