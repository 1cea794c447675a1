"""Playing a rehearsal: its processes, its traffic, and what Alertmanager and the mock's journal then know."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from dashboards.proof.prometheus import SCRAPE_S, Monitor, PrometheusError, Sent
from dashboards.proof.rehearsal import NO_LIMITS, Backstage, Rehearsal, Scene, Tally
from dashboards.proof.traffic import TOKEN
from e2e.client_api import Client
from e2e.stack import LOOPBACK, Stack, free_port, running

SETTLE_S = 2.5 * SCRAPE_S
"""How long the last event takes to be scraped and evaluated."""

FIRST_SCRAPE_TIMEOUT_S = 20.0
ALERT_TIMEOUT_S = 20.0
_PROCESSES = ("proxy", "mock")
_KEYS = ("rsa_key.p8", "rsa_key.pub", "session.key")


@dataclass(frozen=True, slots=True)
class Played:
    """A rehearsal that is over.

    start_s, end_s: since the epoch; all of its samples lie between.   tally: what its clients counted.
    journal: what its mock noted, oldest first.   sent: what Alertmanager held of it at any time.
    """

    rehearsal: Rehearsal
    start_s: float
    end_s: float
    tally: Tally
    journal: tuple[Mapping[str, Any], ...]
    sent: tuple[Sent, ...]

    @property
    def fired(self) -> frozenset[str]:
        """The names of the alerts that fired."""
        return frozenset(each.labels["alertname"] for each in self.sent)

    @property
    def range_s(self) -> int:
        """The length of a time range that holds all of it."""
        return int(self.end_s - self.start_s) + 1


@dataclass(slots=True)
class Pager:
    """Who Alertmanager would have told: everything that it held at any time, looked at twice a second."""

    monitor: Monitor
    _held: dict[frozenset[tuple[str, str]], Sent] = field(default_factory=dict)
    _stopped: threading.Event = field(default_factory=threading.Event)
    fault: PrometheusError | None = None

    @contextlib.contextmanager
    def listening(self) -> Iterator[Pager]:
        """Listen while the block runs."""
        thread = threading.Thread(target=self._listen, name="pager")
        thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            thread.join()

    def _listen(self) -> None:
        while not self._stopped.wait(0.5):
            try:
                for each in self.monitor.sent():
                    self._held[frozenset(each.labels.items())] = each
            except PrometheusError as error:  # told by whoever waits for an alert
                self.fault = error

    def of(self, rehearsal: Rehearsal) -> tuple[Sent, ...]:
        """What was held of a rehearsal's jobs."""
        jobs = {rehearsal.proxy_job, rehearsal.mock_job, rehearsal.suite_job}
        return tuple(each for each in list(self._held.values()) if each.labels.get("job") in jobs)


def play(rehearsal: Rehearsal, monitor: Monitor, pager: Pager, keys: Path, folder: Path) -> Played:
    """Play one to its end.   Raises: StackError, PrometheusError, and what its drivers raise."""
    shutil.copytree(keys, folder)
    proxy_port, mock_port = free_port(), free_port()
    targets = [(rehearsal.proxy_job, f"{LOOPBACK}:{proxy_port}"), (rehearsal.mock_job, f"{LOOPBACK}:{mock_port}")]

    def watch(job: str, address: str) -> None:
        targets.append((job, address))
        monitor.watch(rehearsal.name, targets)

    with contextlib.ExitStack() as cleanup:
        backstage = Backstage(folder, free_port(), cleanup)
        environment = {
            **NO_LIMITS,
            "CORTEX_PROXY_METRICS_PORT": str(proxy_port),
            **rehearsal.proxy,
            **rehearsal.prepare(backstage),
        }
        started = running(
            state_dir=folder,
            mock_port=backstage.mock_port,
            mock_arguments=("--metrics-port", str(mock_port), *rehearsal.mock),
            proxy_environment=environment,
            strict=True,
        )
        stack = cleanup.enter_context(started)
        cleanup.callback(monitor.forget, rehearsal.name)
        start_s = time.time()
        monitor.watch(rehearsal.name, targets)
        _await_first_scrape(monitor, rehearsal)
        scene = Scene(rehearsal, stack, backstage, watch, Client.opened(stack))
        scene.tally.count("session tokens", "issued")
        scene.tally.count("answers", f"{TOKEN} 200")
        _drive(rehearsal, scene)
        _await_alerts(rehearsal, pager)
        return Played(rehearsal, start_s, time.time(), scene.tally, _journal(stack), pager.of(rehearsal))


def _await_first_scrape(monitor: Monitor, rehearsal: Rehearsal) -> None:
    """Both have been scraped once: counters are known at zero, so that the first event is an increase."""
    deadline_s = time.monotonic() + FIRST_SCRAPE_TIMEOUT_S
    while len(monitor.instant(f'up{{job=~"{rehearsal.jobs}"}} == 1', time.time())) < len(_PROCESSES):
        if time.monotonic() > deadline_s:
            raise PrometheusError(f"{rehearsal.name}: not scraped within {FIRST_SCRAPE_TIMEOUT_S:g} s")
        time.sleep(0.25)


def _drive(rehearsal: Rehearsal, scene: Scene) -> None:
    began_s = time.monotonic()
    with ThreadPoolExecutor(max(len(rehearsal.traffic), 1)) as pool:
        driving = [pool.submit(driver, scene) for driver in rehearsal.traffic]
    for each in driving:
        each.result()
    time.sleep(max(rehearsal.hold_s - (time.monotonic() - began_s), 0) + SETTLE_S)


def _await_alerts(rehearsal: Rehearsal, pager: Pager) -> None:
    """What is expected has fired, or has had its time; what must be silent has had the rehearsal's."""
    deadline_s = time.monotonic() + ALERT_TIMEOUT_S
    while time.monotonic() < deadline_s:
        fired = {each.labels["alertname"] for each in pager.of(rehearsal)}
        if fired.issuperset(rehearsal.expected.fires):
            return
        time.sleep(0.25)


def _journal(stack: Stack) -> tuple[Mapping[str, Any], ...]:
    """Everything that the mock noted; nothing when it has been stopped."""
    if stack.children[0].poll() is not None:
        return ()
    entries: list[Mapping[str, Any]] = []
    before = ""
    while True:
        answer = requests.get(f"{stack.mock_url}/__mock/journal?limit=1000{before}", timeout=20)
        entries += answer.json()
        if "x-mock-next" not in answer.headers:
            return tuple(reversed(entries))
        before = f"&before={answer.headers['x-mock-next']}"
