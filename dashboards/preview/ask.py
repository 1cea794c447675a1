"""What Prometheus answers to a panel's queries over a span of time, with variables filled in as Grafana would."""

from __future__ import annotations

import json
import math
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Labels = Mapping[str, str]
Point = tuple[float, float]

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_TIMEOUT_S = 120.0


class AskError(Exception):
    """Prometheus does not answer, or refuses a query."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series: its name by the legend, its labels, its points in time order."""

    name: str
    labels: Labels
    points: tuple[Point, ...]

    @property
    def last(self) -> float:
        """The last value that is a number; NaN where there is none."""
        return next((value for _, value in reversed(self.points) if math.isfinite(value)), math.nan)


@dataclass(frozen=True, slots=True)
class Span:
    """What is looked at.   scrape_s: the interval of scrapes, as the data source knows it."""

    url: str
    start_s: int
    end_s: int
    scrape_s: int
    points: int = 260

    @property
    def step_s(self) -> int:
        """Seconds between points, in whole scrapes."""
        least = (self.end_s - self.start_s) / self.points
        return max(math.ceil(least / self.scrape_s), 1) * self.scrape_s

    def fill(self, query: str) -> str:
        """A query with every variable filled in; all jobs and instances are chosen."""
        length_s = self.end_s - self.start_s
        known = {
            "job": ".+",
            "instance": ".+",
            "__interval": f"{self.step_s}s",
            "__interval_ms": str(self.step_s * 1000),
            "__rate_interval": f"{max(self.step_s + self.scrape_s, 4 * self.scrape_s)}s",
            "__range": f"{length_s}s",
            "__range_s": str(length_s),
            "__range_ms": str(length_s * 1000),
        }
        return _VARIABLE.sub(lambda found: known.get(found["braced"] or found["bare"], found[0]), query)

    def over(self, query: str, legend: str = "") -> list[Series]:
        """The answer for the whole span.   Raises: AskError."""
        filled = self.fill(query)
        start_s = self.start_s // self.step_s * self.step_s
        asked = {"query": filled, "start": str(start_s), "end": str(self.end_s), "step": str(self.step_s)}
        return _read(self._ask("query_range", asked), legend)

    def now(self, query: str, legend: str = "") -> list[Series]:
        """The answer for its end.   Raises: AskError."""
        return _read(self._ask("query", {"query": self.fill(query), "time": str(self.end_s)}), legend)

    def _ask(self, route: str, asked: Mapping[str, str]) -> Any:
        body = urllib.parse.urlencode(asked).encode()
        try:
            with _OPENER.open(f"{self.url}/api/v1/{route}", data=body, timeout=_TIMEOUT_S) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            said = error.read().decode("utf-8", "replace")[:500]
            raise AskError(f"{asked['query']}\nwas answered with {error.code}: {said}") from error
        except OSError as error:
            raise AskError(f"{self.url} does not answer: {error}") from error


_VARIABLE = re.compile(r"\$(?:\{(?P<braced>\w+)(?::\w+)?\}|(?P<bare>\w+))")
_PLACE = re.compile(r"\{\{\s*([^}\s]+)\s*\}\}")


def _read(data: Mapping[str, Any], legend: str) -> list[Series]:
    kind, result = data["resultType"], data["result"]
    if kind == "scalar":
        return [Series(legend, {}, (_point(result),))]
    found = [(each["metric"], each.get("values") or [each["value"]]) for each in result]
    return [Series(_name(labels, legend), labels, tuple(map(_point, points))) for labels, points in found]


def _point(raw: tuple[float, str]) -> Point:
    return float(raw[0]), float(raw[1])


def _name(labels: Labels, legend: str) -> str:
    if legend and legend != "__auto":
        return _PLACE.sub(lambda found: labels.get(found[1], ""), legend).strip()
    own = {name: value for name, value in labels.items() if name != "__name__"}
    return "{" + ", ".join(f'{name}="{value}"' for name, value in own.items()) + "}" if own else "Value"
