"""The stack: mock and proxy as processes of their own, on free or given ports, ready when they answer.

Several proxies, and the servers that a test wants beside them, are for the asking. Every part is ended with the stack,
those who ask before those who answer; also when the stack's own process is killed (on Linux; see `program.Process`).
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from e2e import bootstrap, keys, program, servers
from e2e.program import LOOPBACK, STOP_TIMEOUT_S, Process, Server, StackError, opener
from e2e.servers import MOCK_JOB, PROXY_JOB, free_port

__all__ = [
    "ACCOUNT",
    "COMMAND",
    "LOOPBACK",
    "NO_RATES",
    "PROMPT",
    "STOP_TIMEOUT_S",
    "USER",
    "Beside",
    "Child",
    "Stack",
    "StackError",
    "await_answer",
    "fetch",
    "free_port",
    "proxy_settings",
    "running",
]

COMMAND = (sys.executable, "-P", "-m", "harness")
"""Our own command line; -P, or a folder of the user's that is called like one of ours would be run instead."""

READY_TIMEOUT_S = program.START_TIMEOUT_S

CLIENT_DIR = Path(__file__).parent / "client"
EXAMPLE_PRICES = Path(__file__).parents[1] / "proxy" / "deploy" / "prices.example.yaml"
ACCOUNT, USER, ROLE, WAREHOUSE = "MYORG-BENCH", "CORTEX_PROXY_USER", "DEVELOPER_CORTEX", "CORTEX_BENCH_WH"

NO_RATES = {
    f"CORTEX_PROXY_POLICIES__{row}__{cell}": "100000"
    for row in ("TOKEN", "CHAT", "REPORT")
    for cell in ("RATE", "BURST")
}
"""A proxy's environment for suites, which ask faster than people do."""

PROMPT = {
    "OTEL_BSP_SCHEDULE_DELAY": "50",
    "OTEL_BLRP_SCHEDULE_DELAY": "50",
    "OTEL_METRIC_EXPORT_INTERVAL": "250",
}
"""An environment in which spans and lines leave at once, numbers soon: a story waits for them."""

Beside = Literal["redis", "nginx", "prometheus", "alertmanager"]
"""What can stand beside mock and proxies."""

_PROGRAMS: Mapping[Beside, program.Program] = {
    "redis": program.REDIS,
    "nginx": program.NGINX,
    "prometheus": program.PROMETHEUS,
    "alertmanager": program.ALERTMANAGER,
}


_METRICS_PORT = "CORTEX_PROXY_METRICS_PORT"


class Child(Process):
    """One of our own commands, started. Its first line on stdout is JSON and names its URL."""

    def __init__(self, name: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        whole = {**_surroundings(), **bootstrap.inherited(), **environment}
        super().__init__(name, [*COMMAND, *arguments], log, environment=whole, stdout=subprocess.PIPE)

    def url(self) -> str:
        """Its base URL, once it is ready.   Raises: StackError with what it wrote."""
        try:
            return str(json.loads(self._first_line())["url"])
        except (ValueError, KeyError) as error:
            raise self.not_started() from error

    def _first_line(self) -> bytes:
        found: list[bytes] = []
        stdout = self._process.stdout
        assert stdout is not None, "started with a pipe"
        reader = threading.Thread(target=lambda: found.append(stdout.readline()), daemon=True)
        reader.start()
        reader.join(READY_TIMEOUT_S)
        return found[0] if found else b""


@dataclass(frozen=True, slots=True)
class Stack:
    """A running mock and its proxies, and what stands beside them.

    proxy_url: the first one's.   children: the mock, the proxies, then what is beside them.
    metrics_url: where the first proxy's metrics are read, None when it does not show them.
    redis_url, nginx_url, prometheus_url, alertmanager_url: None for what was not asked for.
    """

    mock_url: str
    proxy_url: str
    children: tuple[Process, ...]
    log_dir: Path
    metrics_url: str | None = None
    proxy_urls: tuple[str, ...] = ()
    redis_url: str | None = None
    nginx_url: str | None = None
    prometheus_url: str | None = None
    alertmanager_url: str | None = None

    @property
    def page_url(self) -> str:
        """Where the reference page is."""
        return f"{self.nginx_url or self.proxy_url}/"

    def dead_child(self) -> Process | None:
        """A child that has ended on its own."""
        return next((child for child in self.children if child.poll() is not None), None)


@contextlib.contextmanager
def running(
    *,
    host: str = LOOPBACK,
    mock_port: int = 0,
    proxy_port: int = 0,
    pace: float = 1.0,
    strict: bool = False,
    state_dir: Path | None = None,
    mock_arguments: Sequence[str] = (),
    mock_environment: Mapping[str, str] | None = None,
    proxy_environment: Mapping[str, str] | None = None,
    proxies: int = 1,
    beside: Collection[Beside] = (),
) -> Iterator[Stack]:
    """A mock and development proxies in front of it, ended on exit.

    host: where the proxies listen; all else stays on this machine.   state_dir: where keys and logs go; a temporary
    folder by default.   proxies: several share a Redis, which is started for them; `proxy_port` is the first one's.
    beside: nginx balances over the proxies, as `proxy/deploy` has it. Prometheus scrapes them and the mock, with the
    shipped rules, and tells Alertmanager, where that is asked for, too.   Raises: StackError.
    """
    wanted = {*beside, *(("redis",) if proxies > 1 else ())}
    _require(wanted)
    with contextlib.ExitStack() as cleanup:
        folder = state_dir or Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="cortex-harness-")))
        made, company = _keys(folder), _Company(wanted, cleanup)
        redis_url = company.url("redis", lambda: servers.redis(folder))
        # Both start at once, so the proxy is told where the mock will be. Between here and there somebody else may
        # take a free port; the mock then says so.
        mock_port = mock_port or free_port()
        mock_url = f"http://{LOOPBACK}:{mock_port}"
        settings = {**proxy_settings(mock_url, made), **_shared(wanted, redis_url), **(proxy_environment or {})}
        metrics = _Metrics.of(settings, proxies, is_scraped="prometheus" in wanted)
        mode = "--strict" if strict else "--no-strict"
        mock_options = ["--port", str(mock_port), "--pace", str(pace), mode, *metrics.mock_options]
        mock_options += ["--public-key", str(made.public_key), *mock_arguments]
        mock = Child("mock", ["mock", *mock_options], mock_environment or {}, folder / "mock.log")
        cleanup.enter_context(mock)
        fronts = []
        for number in range(proxies):
            name = "proxy" if number == 0 else f"proxy-{number + 1}"
            options = ["--host", host, "--port", str(proxy_port if number == 0 else 0)]
            child = Child(name, ["proxy", *options], settings | metrics.settings(number), folder / f"{name}.log")
            fronts.append(cleanup.enter_context(child))
        alertmanager_url = company.url("alertmanager", lambda: servers.alertmanager(folder))
        prometheus_url = company.url(
            "prometheus", lambda: servers.prometheus(folder, servers.scraping(metrics.targets, alertmanager_url))
        )
        mock.url()
        proxy_urls = tuple(reachable(each.url()) for each in fronts)
        nginx_url = company.url("nginx", lambda: servers.nginx(folder, proxy_urls))
        await_answer(f"{mock_url}/__mock/health")
        for url in proxy_urls:
            await_answer(f"{url}/readyz")
        yield Stack(
            mock_url,
            proxy_urls[0],
            (mock, *fronts, *company.servers),
            folder,
            metrics_url=metrics.url,
            proxy_urls=proxy_urls,
            redis_url=redis_url,
            nginx_url=nginx_url,
            prometheus_url=prometheus_url,
            alertmanager_url=alertmanager_url,
        )


def _keys(folder: Path) -> keys.DevelopmentKeys:
    try:
        return keys.ensure(folder)
    except OSError as error:
        hint = "Choose another folder with --state-dir."
        raise StackError(f"{error.filename}: {error.strerror}. {hint}") from error


def _require(wanted: Collection[Beside]) -> None:
    """All that is wanted is installed.   Raises: StackError that names everything that is not, and how to get it."""
    missing = [_PROGRAMS[each] for each in sorted(wanted) if _PROGRAMS[each].find() is None]
    if missing:
        commands, packages = ", ".join(each.commands[0] for each in missing), " ".join(each.package for each in missing)
        raise StackError(f"not installed, but needed beside mock and proxy: {commands}; apt-get install {packages}")


@dataclass(frozen=True, slots=True)
class _Company:
    """What stands beside mock and proxies, as far as it is wanted."""

    wanted: Collection[Beside]
    cleanup: contextlib.ExitStack
    servers: list[Server] = field(default_factory=list)

    def url(self, name: Beside, start: Callable[[], Server]) -> str | None:
        """Where it is, once it is ready; None when it is not wanted.   Raises: StackError."""
        if name not in self.wanted:
            return None
        server = self.cleanup.enter_context(start())
        self.servers.append(server)
        return server.url()


def _shared(wanted: Collection[Beside], redis_url: str | None) -> dict[str, str]:
    """What a proxy's environment says of the company that it is in."""
    shared = {} if redis_url is None else {"CORTEX_PROXY_REDIS_URL": redis_url}
    return {**shared, "CORTEX_PROXY_TRUSTED_PROXIES": "1" if "nginx" in wanted else "0"}


@dataclass(frozen=True, slots=True)
class _Metrics:
    """Where metrics are read.   proxies: a port each, none when they do not show them; likewise the mock's."""

    proxies: Sequence[int]
    mock: int | None

    @classmethod
    def of(cls, settings: Mapping[str, str], proxies: int, *, is_scraped: bool) -> _Metrics:
        """Free ports, but for the first proxy that which its settings name."""
        named = settings.get(_METRICS_PORT)
        if named is None and not is_scraped:
            return cls((), None)
        first = int(named or 0) or free_port()
        return cls((first, *(free_port() for _ in range(proxies - 1))), free_port() if is_scraped else None)

    @property
    def url(self) -> str | None:
        """The first proxy's."""
        return f"http://{LOOPBACK}:{self.proxies[0]}/metrics" if self.proxies else None

    @property
    def targets(self) -> dict[str, list[str]]:
        """What Prometheus is to scrape, by job."""
        ports = {PROXY_JOB: self.proxies, MOCK_JOB: () if self.mock is None else (self.mock,)}
        return {job: [f"{LOOPBACK}:{port}" for port in each] for job, each in ports.items()}

    @property
    def mock_options(self) -> list[str]:
        """What the mock is told."""
        return [] if self.mock is None else ["--metrics-port", str(self.mock)]

    def settings(self, number: int) -> dict[str, str]:
        """What the proxy with this number is told, counted from 0."""
        return {_METRICS_PORT: str(self.proxies[number])} if self.proxies else {}


def reachable(url: str) -> str:
    """A URL that leads to a server which listens on every interface."""
    return url.replace("//0.0.0.0:", f"//{LOOPBACK}:").replace("//[::]:", "//[::1]:")


def _surroundings() -> dict[str, str]:
    """Our environment without settings that were meant for another proxy."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("CORTEX_PROXY_", "REDIS_URL"))}


def proxy_settings(mock_url: str, made: keys.DevelopmentKeys) -> dict[str, str]:
    """The environment of a development proxy in front of a mock."""
    return {
        "CORTEX_PROXY_ENVIRONMENT": "development",
        "CORTEX_PROXY_SNOWFLAKE_URL": mock_url,
        "CORTEX_PROXY_ACCOUNT": ACCOUNT,
        "CORTEX_PROXY_USER": USER,
        "CORTEX_PROXY_ROLE": ROLE,
        "CORTEX_PROXY_WAREHOUSE": WAREHOUSE,
        "CORTEX_PROXY_PRIVATE_KEY_FILE": str(made.private_key),
        "CORTEX_PROXY_SESSION_KEY_FILE": str(made.session_key),
        "CORTEX_PROXY_HISTORY_FILE": str(made.session_key.with_name("history.sqlite3")),
        "CORTEX_PROXY_DRAIN_S": "0",
        "CORTEX_PROXY_PAGE_DIR": str(CLIENT_DIR),
        "CORTEX_PROXY_PRICES_FILE": str(EXAMPLE_PRICES),
    }


def fetch(url: str, timeout_s: float) -> bytes:
    """The body of a 200.   Raises: OSError for everything else."""
    with opener.open(url, timeout=timeout_s) as response:
        body: bytes = response.read()
        return body


def await_answer(url: str, timeout_s: float = READY_TIMEOUT_S) -> None:
    """Return once the URL answers 200.   Raises: StackError."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        try:
            fetch(url, 2)
        except OSError as error:
            if time.monotonic() > deadline_s:
                raise StackError(f"{url} does not answer: {error}") from error
        else:
            return
        time.sleep(0.02)
