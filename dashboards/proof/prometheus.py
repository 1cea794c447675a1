"""A real Prometheus and a real Alertmanager on free loopback ports, in a temporary folder, and what they answer.

Both end with the process that started them, in order; nothing else on the machine is touched.
"""

from __future__ import annotations

import contextlib
import json
import math
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dashboards import rules
from e2e import servers
from e2e.program import opener

SCRAPE_S = 1
"""Seconds between scrapes: what happens in ten seconds must show."""

SCALE = 1 / 30
"""The time scale of the rules: what they look back over in ten minutes of life, they do in twenty seconds here."""

_QUERY_TIMEOUT_S = 20.0

Labels = Mapping[str, str]


class PrometheusError(Exception):
    """Prometheus or Alertmanager refused a query or no longer answers; the message says what was asked."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer: its labels, and its values by time in seconds. Those that are no number are kept."""

    labels: Labels
    points: tuple[tuple[float, float], ...]

    @property
    def values(self) -> tuple[float, ...]:
        """Its finite values, oldest first."""
        return tuple(value for _, value in self.points if math.isfinite(value))


@dataclass(frozen=True, slots=True)
class Sent:
    """An alert that Alertmanager holds."""

    labels: Labels
    annotations: Labels


@dataclass(slots=True)
class Monitor:
    """Both servers, running. What is to be scraped is told by job.

    targets: the file that Prometheus reads them from.
    """

    prometheus_url: str
    alertmanager_url: str
    targets: Path
    _known: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def watch(self, name: str, targets: Sequence[tuple[str, str]]) -> None:
        """Have these scraped from now on, in place of what this name had.   targets: job and `host:port`."""
        with self._lock:
            self._known[name] = list(targets)
            self._write()

    def forget(self, name: str) -> None:
        """Have what was watched under this name scraped no longer."""
        with self._lock:
            self._known.pop(name, None)
            self._write()

    def _write(self) -> None:
        groups = [
            {"targets": [address], "labels": {"job": job}} for each in self._known.values() for job, address in each
        ]
        draft = self.targets.with_suffix(".draft")
        draft.write_text(json.dumps(groups), encoding="utf-8")
        draft.replace(self.targets)  # a file that is half written would be read

    def instant(self, query: str, at_s: float) -> list[Series]:
        """The answer for one moment.   Raises: PrometheusError."""
        data = self._ask("query", {"query": query, "time": f"{at_s:.3f}"})
        return _series(data)

    def over(self, query: str, start_s: float, end_s: float, step_s: float = SCRAPE_S) -> list[Series]:
        """The answer for a span of time.   Raises: PrometheusError."""
        asked = {"query": query, "start": f"{start_s:.3f}", "end": f"{end_s:.3f}", "step": f"{step_s:g}"}
        return _series(self._ask("query_range", asked))

    def matching(self, selector: str, start_s: float, end_s: float) -> list[Labels]:
        """The labels of every series that a selector finds in a span of time.   Raises: PrometheusError."""
        asked = {"match[]": selector, "start": f"{start_s:.3f}", "end": f"{end_s:.3f}"}
        found: list[Labels] = self._ask("series", asked)
        return found

    def rules(self) -> list[Mapping[str, Any]]:
        """Every rule that is loaded, with its health.   Raises: PrometheusError."""
        return [rule for group in self._ask("rules", {})["groups"] for rule in group["rules"]]

    def sent(self) -> list[Sent]:
        """What Alertmanager holds just now.   Raises: PrometheusError."""
        answer = _get(f"{self.alertmanager_url}/api/v2/alerts")
        return [Sent(each["labels"], each["annotations"]) for each in answer]

    def _ask(self, route: str, asked: Mapping[str, str]) -> Any:
        return _get(f"{self.prometheus_url}/api/v1/{route}?{urllib.parse.urlencode(asked)}")["data"]


@contextlib.contextmanager
def running(folder: Path, scale: float = SCALE) -> Iterator[Monitor]:
    """Both servers, ended on exit. Their rules are ours, in a time scale.   Raises: StackError."""
    targets = folder / "targets.json"
    targets.write_text("[]", encoding="utf-8")
    rules.write(folder / "rules", scale)
    with servers.alertmanager(folder) as manager:
        manager_url = manager.url()
        with servers.prometheus(folder, _configuration(targets, manager_url)) as server:
            yield Monitor(server.url(), manager_url, targets)


def _configuration(targets: Path, manager_url: str) -> Mapping[str, Any]:
    interval = f"{SCRAPE_S}s"
    return {
        "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
        "rule_files": [str(targets.parent / "rules" / "*.yaml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [manager_url.removeprefix("http://")]}]}]},
        "scrape_configs": [{"job_name": "proof", "file_sd_configs": [{"files": [str(targets)]}]}],
    }


def _get(url: str) -> Any:
    try:
        with opener.open(url, timeout=_QUERY_TIMEOUT_S) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        said = error.read().decode("utf-8", "replace")[:500]
        raise PrometheusError(f"{urllib.parse.unquote_plus(url)}\nwas answered with {error.code}: {said}") from error
    except OSError as error:
        raise PrometheusError(f"{url} does not answer: {error}") from error


def _series(data: Mapping[str, Any]) -> list[Series]:
    """What came back. A scalar is a series without labels."""
    kind, result = data["resultType"], data["result"]
    if kind == "scalar":
        return [Series({}, (_point(result),))]
    if kind == "vector":
        return [Series(each["metric"], (_point(each["value"]),)) for each in result]
    return [Series(each["metric"], tuple(_point(point) for point in each["values"])) for each in result]


def _point(raw: tuple[float, str]) -> tuple[float, float]:
    return float(raw[0]), float(raw[1])
