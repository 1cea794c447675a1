"""The two kinds of rule, and how their expressions are written from metrics of the catalogue.

Times are seconds here. An expression is written for a time scale: a proof that cannot wait for a day runs the same
rules with every window divided, and no threshold touched.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from contracts.telemetry import LOADED, OTHER, Metric, MetricKind
from dashboards.thresholds import Burn, Threshold

Where: TypeAlias = Mapping[str, tuple[str, ...]]
"""Labels, as Prometheus calls them, each with the values that are meant."""

Over: TypeAlias = Callable[[float], str]
"""Writes a window of so many seconds, in a time scale."""

JOB = "{{ $labels.job }}"
SHARE = "{{ $value | humanizePercentage }}"
COUNT = '{{ $value | printf "%.0f" }}'
FACTOR = '{{ $value | printf "%.2f" }}'
TIME = "{{ $value | humanizeDuration }}"
"""How descriptions write who it is and what was found. An increase is extrapolated, hence rounded."""


class Severity(StrEnum):
    """Who is to hear of it: somebody now, somebody in working hours, whoever looks."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Component(StrEnum):
    """What an alert is about."""

    PROXY = "proxy"
    MOCK = "mock"
    SUITE = "suite"


@dataclass(frozen=True, slots=True)
class Record:
    """A recording rule."""

    name: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Alert:
    """An alerting rule.

    held: how long the condition must hold, and how long the alert stays after it has gone; not scaled.
    summary: a sentence that is always the same.   description: with the values.   panel: the address of where to look.
    labels: beyond severity and component.
    """

    name: str
    held: Threshold | Burn
    expr: str
    summary: str
    description: str
    panel: str
    severity: Severity = Severity.WARNING
    component: Component = Component.PROXY
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def dashboard(self) -> str:
        """The uid of the dashboard that the panel is on."""
        return f"cortex-{self.panel.partition('/')[0]}"


def panel_id(address: str) -> int:
    """The number by which a dashboard's JSON knows the panel of this address; it stays while its title does."""
    return zlib.crc32(address.encode()) % 100_000 + 1


_UNITS_MS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))


def span(seconds: float) -> str:
    """A duration as Prometheus writes it, to the millisecond: `1h`, `7m30s`, `250ms`.   Raises: ValueError below that.

    Zero is `0s`.
    """
    left_ms = round(seconds * 1000)
    if seconds and left_ms < 1:
        raise ValueError(f"{seconds} s is less than a millisecond, which is the least that Prometheus can tell")
    written = ""
    for unit, unit_ms in _UNITS_MS:
        count, left_ms = divmod(left_ms, unit_ms)
        written += f"{count}{unit}" if count else ""
    return written or "0s"


def number(value: float) -> str:
    """A number as people write it: 7776000, and not 7.776e+06."""
    return f"{value:.10g}"


def scaled(scale: float) -> Over:
    """What writes windows in a time scale: at 0.05 an hour is three minutes.   Raises: ValueError for zero or less."""
    if scale <= 0:
        raise ValueError(f"the time scale is {scale}; it is a share of real time, as 0.05, and 1 by default")
    return lambda seconds: span(seconds * scale)


def series(metric: Metric, where: Where = MappingProxyType({}), suffix: str = "") -> str:
    """A selector.   suffix: `_bucket`, `_sum` or `_count`, of a histogram.

    Raises: ValueError for a label or value that the catalogue does not know, and for a suffix that does not fit.
    """
    if (suffix in ("_bucket", "_sum", "_count")) != (metric.kind is MetricKind.HISTOGRAM):
        raise ValueError(f"{metric.name} is a {metric.kind}; {suffix or 'nothing'} cannot stand behind its name")
    known = dict(zip(metric.exposed_labels, metric.labels.items(), strict=True))
    for label, values in where.items():
        if label == "le" and suffix == "_bucket":
            _check_values(metric, label, values, tuple(f"{bound:g}" for bound in metric.buckets))
        elif label not in known:
            raise ValueError(f"{metric.name} has the labels {', '.join(known) or '(none)'}, and not {label}")
        elif known[label][0] not in LOADED:
            _check_values(metric, label, values, (*known[label][1], OTHER))
    matchers = ",".join(_matcher(label, values) for label, values in where.items())
    return f"{metric.exposed}{suffix}" + (f"{{{matchers}}}" if matchers else "")


def _check_values(metric: Metric, label: str, values: tuple[str, ...], known: tuple[str, ...]) -> None:
    strange = [value for value in values if value not in known]
    if strange or not values:
        raise ValueError(f"{metric.name}: {label} is one of {', '.join(known)}, and never {', '.join(strange)}")


def _matcher(label: str, values: tuple[str, ...]) -> str:
    if len(values) == 1:
        return f'{label}="{values[0]}"'
    alternatives = "|".join(re.sub(r"([.+*?()|\[\]{}^$\\])", r"\\\1", value) for value in values)
    return f'{label}=~"{alternatives}"'.replace("\\", "\\\\")


def increase(
    metric: Metric, window: str, where: Where = MappingProxyType({}), *, by: tuple[str, ...] = (), suffix: str = ""
) -> str:
    """How many there were in the window, by job and the labels named."""
    return total(f"increase({series(metric, where, suffix)}[{window}])", by)


def rate(
    metric: Metric, window: str, where: Where = MappingProxyType({}), *, by: tuple[str, ...] = (), suffix: str = ""
) -> str:
    """How many a second there were in the window, by job and the labels named."""
    return total(f"rate({series(metric, where, suffix)}[{window}])", by)


def quantile(metric: Metric, share: float, window: str, *, by: tuple[str, ...] = ()) -> str:
    """The bound that so large a share of a histogram's measurements keeps within, by job and the labels named."""
    return f"histogram_quantile({share:g}, {rate(metric, window, by=(*by, 'le'), suffix='_bucket')})"


def total(vector: str, by: tuple[str, ...] = (), how: str = "sum") -> str:
    """A vector aggregated over its processes; the job stays."""
    return f"{how} by ({', '.join(('job', *by))}) ({vector})"
