"""The example of routes, read by amtool and by an Alertmanager that runs."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from dashboards import rules
from dashboards.alerts import ALERTS
from dashboards.rule import Alert

EXAMPLE = Path(__file__).parents[1] / "alertmanager.example.yml"
READY_S = 20
SECRETS = "/etc/alertmanager/"


def program(name: str) -> str:
    """Where a program of Alertmanager's is."""
    found = shutil.which(name)
    assert found, f"{name} is missing: apt-get install prometheus-alertmanager"
    return found


def amtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What amtool says."""
    return subprocess.run(  # noqa: S603 - the arguments are ours
        [program("amtool"), *arguments], capture_output=True, text=True, check=False, timeout=30
    )


def receiver(**labels: str) -> str:
    """Who hears of an alert with these labels."""
    matched = amtool(
        "config", "routes", "test", f"--config.file={EXAMPLE}", *(f"{name}={value}" for name, value in labels.items())
    )
    assert matched.returncode == 0, matched.stderr
    return matched.stdout.strip()


def test_it_is_valid() -> None:
    """Alertmanager takes it as it is."""
    checked = amtool("check-config", str(EXAMPLE))
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("alert", ALERTS, ids=[f"{a.name}-{a.severity}" for a in ALERTS])
def test_every_alert_has_one_who_hears_of_it(alert: Alert) -> None:
    """Pages for what is critical, tickets for warnings, the rehearsal's own channel for mock and suites."""
    expected = {"critical": "pager", "warning": "tickets", "info": "nobody"}[alert.severity]
    expected = "rehearsal" if alert.component in ("mock", "suite") else expected
    assert receiver(alertname=alert.name, severity=alert.severity, component=alert.component, job="j") == expected


def test_a_rehearsal_never_reaches_the_pager() -> None:
    """Were an alert of the mock ever critical, it would still wake nobody."""
    assert receiver(severity="critical", component="mock") == "rehearsal"


def test_what_has_no_labels_of_ours_is_a_ticket() -> None:
    """An alert of somebody else's rules is not lost."""
    assert receiver(alertname="Watchdog") == "tickets"


def test_no_secret_is_in_the_file() -> None:
    """Keys and addresses come from files."""
    text = EXAMPLE.read_text(encoding="utf-8")
    assert text.count(SECRETS) >= 2
    assert "://" not in text


class Alertmanager:
    """A running one, on loopback."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}/api/v2"

    def post(self, *alerts: dict[str, str]) -> None:
        """Alerts with these labels fire."""
        body = json.dumps([{"labels": labels, "annotations": {"summary": "s"}} for labels in alerts]).encode()
        headers = {"Content-Type": "application/json"}
        request = Request(f"{self._base}/alerts", body, headers)  # noqa: S310 - our own address
        urlopen(request, timeout=5).close()  # noqa: S310 - our own address

    def states(self) -> dict[tuple[str, str, str], str]:
        """Each alert, by name, severity and job, with what becomes of it."""
        with urlopen(f"{self._base}/alerts", timeout=5) as answer:  # noqa: S310 - our own address
            found: list[dict[str, Any]] = json.load(answer)
        return {
            (alert["labels"]["alertname"], alert["labels"]["severity"], alert["labels"]["job"]): alert["status"][
                "state"
            ]
            for alert in found
        }

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            self.states()
        except (URLError, OSError):
            return False
        return True


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[Alertmanager]:
    """The example, running, with secrets that lead nowhere."""
    (tmp_path / "pagerduty.key").write_text("none", encoding="utf-8")
    (tmp_path / "slack.url").write_text("http://127.0.0.1:9/", encoding="utf-8")
    config = tmp_path / "alertmanager.yml"
    config.write_text(EXAMPLE.read_text(encoding="utf-8").replace(SECRETS, f"{tmp_path}/"), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = [
        f"--config.file={config}",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with (tmp_path / "log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(  # noqa: S603 - the arguments are ours
            [program("prometheus-alertmanager"), *arguments], stdout=log, stderr=log
        )
    running = Alertmanager(port)
    try:
        until(running.is_ready, f"Alertmanager did not start; see {tmp_path / 'log'}")
        yield running
    finally:
        process.terminate()
        process.wait(timeout=10)


def until(holds: Callable[[], bool], complaint: str) -> None:
    """The condition holds, asked again and again until a deadline."""
    deadline_s = time.monotonic() + READY_S
    while not holds():
        assert time.monotonic() < deadline_s, complaint
        time.sleep(0.05)


def labels(name: str, severity: str, job: str = "cortex-proxy") -> dict[str, str]:
    """What Prometheus would send of an alert."""
    component = "mock" if name.startswith("CortexMock") else "proxy"
    return {"alertname": name, "severity": severity, "component": component, "job": job}


def test_a_job_that_is_down_is_one_alert(alertmanager: Alertmanager) -> None:
    """Its other alerts are consequences and held back; those of another job are not, nor is its own Down."""
    alertmanager.post(
        labels("CortexProxyDown", "critical"),
        labels("CortexProxyStreamsBroken", "warning"),
        labels("CortexProxyAvailabilityBudgetBurn", "critical"),
        labels("CortexProxyStreamsBroken", "warning", job="cortex-proxy-staging"),
    )
    expected = {
        ("CortexProxyDown", "critical", "cortex-proxy"): "active",
        ("CortexProxyStreamsBroken", "warning", "cortex-proxy"): "suppressed",
        ("CortexProxyAvailabilityBudgetBurn", "critical", "cortex-proxy"): "suppressed",
        ("CortexProxyStreamsBroken", "warning", "cortex-proxy-staging"): "active",
    }
    until(lambda: alertmanager.states() == expected, f"expected {expected}")


def test_a_page_makes_the_ticket_of_the_same_thing_superfluous(alertmanager: Alertmanager) -> None:
    """Of one alert's two severities the louder is told; another alert's warning stays."""
    alertmanager.post(
        labels("CortexProxyAvailabilityBudgetBurn", "critical"),
        labels("CortexProxyAvailabilityBudgetBurn", "warning"),
        labels("CortexProxyKeyOld", "warning"),
    )
    expected = {
        ("CortexProxyAvailabilityBudgetBurn", "critical", "cortex-proxy"): "active",
        ("CortexProxyAvailabilityBudgetBurn", "warning", "cortex-proxy"): "suppressed",
        ("CortexProxyKeyOld", "warning", "cortex-proxy"): "active",
    }
    until(lambda: alertmanager.states() == expected, f"expected {expected}")


def test_some_processes_down_hold_nothing_back(alertmanager: Alertmanager) -> None:
    """While others answer, what they say counts."""
    alertmanager.post(labels("CortexProxyDown", "warning"), labels("CortexProxyStreamsBroken", "warning"))
    expected = {
        ("CortexProxyDown", "warning", "cortex-proxy"): "active",
        ("CortexProxyStreamsBroken", "warning", "cortex-proxy"): "active",
    }
    until(lambda: alertmanager.states() == expected, f"expected {expected}")


def test_a_mock_that_is_down_is_one_alert(alertmanager: Alertmanager) -> None:
    """Its warning holds back the mock's others, and nothing of the proxy."""
    alertmanager.post(
        labels("CortexMockDown", "warning", job="cortex-mock"),
        labels("CortexMockFramesLate", "warning", job="cortex-mock"),
        labels("CortexProxyStreamsBroken", "warning"),
    )
    expected = {
        ("CortexMockDown", "warning", "cortex-mock"): "active",
        ("CortexMockFramesLate", "warning", "cortex-mock"): "suppressed",
        ("CortexProxyStreamsBroken", "warning", "cortex-proxy"): "active",
    }
    until(lambda: alertmanager.states() == expected, f"expected {expected}")


def test_what_routes_read_is_what_rules_write() -> None:
    """Labels and names in the file are those of the rules."""
    text = EXAMPLE.read_text(encoding="utf-8")
    written = {
        rule["alert"]
        for document in rules.documents().values()
        for group in document["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    for name in ("CortexProxyDown", "CortexMockDown"):
        assert name in text
        assert name in written
