"""A look before anything is installed: Prometheus with a made-up fortnight, and Grafana on it where there is one.

The past is written with promtool, recorded rules and alerts included; from then on Prometheus scrapes the story's next
steps, so that it goes on. All of it is on loopback, in a temporary folder, and ends with this process.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from dashboards import backfill, rules
from dashboards.history import INSTANCES, History, story
from dashboards.ledger import written
from dashboards.preview import gallery
from e2e import servers
from e2e.program import Program, Server, answers
from e2e.stack import LOOPBACK, free_port

STEP_S = 120
"""Seconds between samples: two fit in the shortest window of the rules, and a fortnight is written in a minute."""

HELD_S = 900
"""How long a value holds without another. What rules made of the past ends minutes before the present begins."""

ROOM = Path(__file__).parent
GRAFANA = Program("grafana", ("grafana", "grafana-server"))
_GRAFANA_IMAGE = "docker.io/grafana/grafana:12.4.0"

Say = Callable[[str], None]


class DemoError(Exception):
    """Something that the demo shows cannot be shown; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Demo:
    """What runs.   told: what to look at, and when it happened."""

    prometheus_url: str
    history: History
    step_s: int


def run(*, port: int = 0, days: float = 14, seed: int = 1, step_s: int = STEP_S, grafana_port: int = 3000) -> int:
    """The demo until somebody ends it; 0.

    port: Prometheus'; 0 takes a free one.   Raises: DemoError, StackError, backfill.BackfillError.
    """
    say = _printer(sys.stderr)
    stop = threading.Event()
    with _stopped_by_signals(stop), contextlib.ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="cortex-demo-")))
        try:
            demo = cleanup.enter_context(running(folder, port=port, days=days, seed=seed, step_s=step_s, say=say))
            cleanup.enter_context(_shown(folder, demo, grafana_port, say))
        except _Interrupted:
            return 0
        say("Everything here is made up. Ctrl-C ends it.")
        with contextlib.suppress(_Interrupted):
            stop.wait()
    return 0


@contextlib.contextmanager
def running(
    folder: Path, *, port: int = 0, days: float = 14, seed: int = 1, step_s: int = STEP_S, say: Say = lambda _: None
) -> Iterator[Demo]:
    """Prometheus with the past and, each step, more of the present.   Raises: StackError, backfill.BackfillError."""
    began_s = time.monotonic()
    history = History(story(int(time.time()) // step_s * step_s, days), step_s, seed)
    data = folder / "data"
    say(f"Making up {days:g} days ...")
    count = backfill.samples(history, data)
    say(f"{count:,} samples in {time.monotonic() - began_s:.0f} s; now what the rules make of them ...")
    port = port or free_port()
    url = f"http://{LOOPBACK}:{port}"
    # Rules begin later: just after the first sample, they would look back to when nothing was there, and call it down.
    start_s = history.told.start_s + 10 * step_s
    for document in backfill.stages(step_s):
        with _prometheus(folder, port, {}):
            backfill.recordings(document, data, url, start_s, history.told.end_s)
    with (
        Feed.serving(history) as feed,
        _prometheus(folder, port, _configuration(folder, step_s, feed), f"--query.lookback-delta={HELD_S}s"),
    ):
        say(f"Ready after {time.monotonic() - began_s:.0f} s.")
        yield Demo(url, history, step_s)


# --- the present


@dataclass(slots=True)
class Feed:
    """What is scraped: a page of metrics for each job, at the history's latest step."""

    history: History
    port: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    @contextlib.contextmanager
    def serving(cls, history: History) -> Iterator[Feed]:
        """A feed that answers until the end."""
        feed = cls(history)

        class Handler(BaseHTTPRequestHandler):
            """One page for each job, at `/<job>`."""

            def do_GET(self) -> None:
                body = feed.page(self.path.strip("/")).encode()
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Scrapes are no news."""

        with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
            feed.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever, name="feed", daemon=True)
            thread.start()
            yield feed
            server.shutdown()
            thread.join()

    def page(self, job: str) -> str:
        """The metrics of a job now; empty for one that is not there. Without what Prometheus writes by itself."""
        with self._lock:
            while self.history.at_s + self.history.step_s <= time.time():
                self.history.advance()
            for each, ledger in zip(INSTANCES, self.history.ledgers(), strict=True):
                if each == job:
                    return "".join(f"{name} {written(value)}\n" for name, value in ledger.rows() if _is_own(name))
        return ""


def _is_own(name: str) -> bool:
    return not name.startswith(("up{", "scrape_"))


def _configuration(folder: Path, step_s: int, feed: Feed) -> Mapping[str, Any]:
    """What Prometheus does from now on. Labels of the page win: they are those of the past."""
    for name, document in rules.documents().items():
        for group in document["groups"]:
            group["interval"] = f"{step_s}s"
        (folder / name).write_text(rules.text(document), encoding="utf-8")
    return {
        "global": {"scrape_interval": f"{step_s}s", "scrape_timeout": "10s", "evaluation_interval": f"{step_s}s"},
        "rule_files": [str(folder / name) for name in rules.documents()],
        "scrape_configs": [
            {
                "job_name": job,
                "metrics_path": f"/{job}",
                "honor_labels": True,
                "static_configs": [{"targets": [f"{LOOPBACK}:{feed.port}"], "labels": {"instance": instance}}],
            }
            for job, instance in INSTANCES.items()
        ],
    }


# --- what runs


@contextlib.contextmanager
def _prometheus(folder: Path, port: int, configuration: Mapping[str, Any], *more: str) -> Iterator[None]:
    options = ("--storage.tsdb.retention.time=90d", *more)
    with servers.prometheus(folder, configuration, options, port) as server:
        server.url()
        yield


# --- what shows it


@contextlib.contextmanager
def _shown(folder: Path, demo: Demo, grafana_port: int, say: Say) -> Iterator[None]:
    say(f"Prometheus  {demo.prometheus_url}")
    for at_s, note in demo.history.told.notes():
        say(f"  {datetime.fromtimestamp(at_s, UTC):%a %d %b %H:%M} UTC  {note}")
    provisioning = _provision(folder, demo)
    program = GRAFANA.find()
    if program is None:
        say("No Grafana is installed here. With a container engine:")
        say("  " + " ".join(_container(provisioning, grafana_port)))
        with _previews(demo, grafana_port) as url:
            say(f"Previews    {url}   (drawn from the same answers; not Grafana)")
            yield
        return
    arguments = [program, *(["server"] if Path(program).name == "grafana" else []), "--homepath", _grafana_home()]
    url = f"http://{LOOPBACK}:{grafana_port}"
    environment = {
        **_grafana_settings(provisioning),
        "GF_PATHS_DATA": str(folder / "grafana"),
        "GF_PATHS_LOGS": str(folder / "grafana"),
        "GF_PATHS_PLUGINS": str(folder / "grafana" / "plugins"),
        "GF_SERVER_HTTP_ADDR": LOOPBACK,
        "GF_SERVER_HTTP_PORT": str(grafana_port),
    }
    is_ready = partial(answers, f"{url}/api/health")
    with Server("grafana", arguments, folder, url, is_ready=is_ready, environment=environment) as grafana:
        grafana.url()
        say(f"Grafana     {url}/d/cortex-overview?from=now-14d")
        yield


@contextlib.contextmanager
def _previews(demo: Demo, port: int) -> Iterator[str]:
    with contextlib.ExitStack() as cleanup:
        try:
            shown = gallery.Gallery(demo.prometheus_url, demo.step_s, gallery.DAYS, gallery.documents())
            url = cleanup.enter_context(gallery.serving(shown, port))
        except gallery.NoDashboards as error:
            raise DemoError(str(error)) from error
        except OSError as error:
            raise DemoError(f"port {port} is taken: {error.strerror}; choose another with --grafana-port") from error
        yield url


def _grafana_home() -> str:
    return os.environ.get("GF_PATHS_HOME", "/usr/share/grafana")


def _grafana_settings(provisioning: Path) -> dict[str, str]:
    """Whoever is on this machine may look, and nothing is sent elsewhere."""
    return {
        "GF_PATHS_PROVISIONING": str(provisioning),
        "GF_AUTH_ANONYMOUS_ENABLED": "true",
        "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(provisioning / "files" / "overview.json"),
    }


def _container(provisioning: Path, grafana_port: int) -> list[str]:
    """The command that shows the same in a container. It shares the host's network, to reach a loopback address."""
    inside = Path("/etc/grafana/provisioning")
    environment = {
        **_grafana_settings(inside),
        "GF_SERVER_HTTP_ADDR": LOOPBACK,
        "GF_SERVER_HTTP_PORT": str(grafana_port),
    }
    settings = [word for name, value in environment.items() for word in ("-e", f"{name}={value}")]
    return ["docker", "run", "--rm", "--network=host", *settings, f"-v={provisioning}:{inside}:ro", _GRAFANA_IMAGE]


def _provision(folder: Path, demo: Demo) -> Path:
    """A folder of provisioning: the room's dashboards, and Prometheus with the demo's interval."""
    provisioning = folder / "provisioning"
    for name in ("dashboards", "datasources", "files"):
        (provisioning / name).mkdir(parents=True)
    for path in sorted((ROOM / "generated" / "dashboards").glob("*.json")):
        shutil.copy(path, provisioning / "files")
    source = {
        "name": "Made-up Prometheus",
        "uid": "cortex-prometheus",
        "type": "prometheus",
        "access": "proxy",
        "url": demo.prometheus_url,
        "isDefault": True,
        # With a shorter interval than there is, rates have one sample and no value.
        "jsonData": {"httpMethod": "POST", "timeInterval": f"{demo.step_s}s"},
    }
    _dump(provisioning / "datasources" / "demo.yaml", {"apiVersion": 1, "datasources": [source]})
    # Beside this file; Grafana reads the path as relative to its home, so the variable gives it whole.
    provider = {"name": "cortex-demo", "type": "file", "folder": "Made up", "allowUiUpdates": False}
    path_of = {"options": {"path": "$GF_PATHS_PROVISIONING/files"}}
    _dump(provisioning / "dashboards" / "demo.yaml", {"apiVersion": 1, "providers": [provider | path_of]})
    return provisioning


def _dump(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(dict(document), sort_keys=False), encoding="utf-8")


# --- the terminal


class _Interrupted(Exception):
    """Somebody ended it."""


@contextlib.contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """While it lasts, Ctrl-C and a termination end what is under way, children first."""

    def end(*_: object) -> None:
        stop.set()
        raise _Interrupted

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _printer(stream: Any) -> Say:
    return lambda text: print(text, file=stream, flush=True)
