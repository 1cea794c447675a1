"""The series that a process would show, kept by hand: counters that only grow, histograms whose buckets add up.

For made-up data that must not contradict itself. What is counted is whole; shares of it are carried on until they are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from contracts.telemetry import LOADED, OTHER, Metric, MetricKind, first_series

Labels = Mapping[str, str]
"""Labels by the catalogue's names."""


class LedgerError(Exception):
    """What was to be written is not in the catalogue."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How measurements lie: log-normal.   width: the standard deviation of the logarithm.   most: none is above it."""

    median: float
    width: float
    most: float = math.inf

    @property
    def mean(self) -> float:
        """The mean; of what has a `most`, an upper bound."""
        return min(self.median * math.exp(self.width**2 / 2), self.most)

    def shares(self, bounds: tuple[float, ...]) -> tuple[float, ...]:
        """The share of measurements up to each bound."""
        return _shares(round(math.log(self.median) * 40), self.width, self.most, bounds)


@lru_cache(maxsize=20_000)
def _shares(step: int, width: float, most: float, bounds: tuple[float, ...]) -> tuple[float, ...]:
    """Medians come in steps of 2.5 %, so that a fortnight asks for few of them."""
    middle = step / 40

    def below(bound: float) -> float:
        return (1 + math.erf((math.log(bound) - middle) / (width * math.sqrt(2)))) / 2

    every = 1.0 if math.isinf(most) else below(most)
    return tuple(min(below(bound) / every, 1.0) for bound in bounds)


@dataclass(slots=True)
class _Histogram:
    names: tuple[str, ...]
    bounds: tuple[float, ...]
    below: list[float]
    count: int = 0
    total: float = 0.0

    def rows(self) -> Iterator[tuple[str, float]]:
        values = (*(math.floor(each + 1e-6) for each in self.below), self.count, self.count, self.total)
        return zip(self.names, values, strict=True)


_Key = tuple[str, tuple[str, ...]]


@dataclass(slots=True)
class Ledger:
    """The series of one process.

    common: labels that each of them has, as Prometheus calls them.   loaded: the values of the labels in `LOADED`.
    """

    common: Labels
    loaded: Mapping[str, tuple[str, ...]]
    _names: dict[_Key, str] = field(default_factory=dict)
    _values: dict[str, float] = field(default_factory=dict)
    _histograms: dict[_Key, _Histogram] = field(default_factory=dict)

    def begin(self, metrics: tuple[Metric, ...]) -> None:
        """Show what shows before the first event, at zero."""
        for metric in metrics:
            for labels in first_series(metric, self.loaded):
                self._values.setdefault(self._name(metric, labels), 0)

    def add(self, metric: Metric, amount: float, labels: Labels | None = None) -> None:
        """Count.   Raises: LedgerError for a counter that would shrink, and what the catalogue does not know."""
        if amount < 0 and metric.kind is MetricKind.COUNTER:
            raise LedgerError(f"{metric.name}: {amount} would be added, and counters only grow")
        name = self._name(metric, labels or {})
        self._values[name] = self._values.get(name, 0) + amount

    def put(self, metric: Metric, value: float, labels: Labels | None = None) -> None:
        """Set a gauge.   Raises: LedgerError."""
        self._values[self._name(metric, labels or {})] = value

    def note(self, name: str, value: float) -> None:
        """Set a series that Prometheus itself writes of a scrape, as `up`."""
        self._values[_series(name, self.common)] = value

    def measure(
        self, metric: Metric, count: int, spread: Spread, labels: Labels | None = None, *, mean: float | None = None
    ) -> None:
        """So many measurements.   mean: where it is known better than by the spread.   Raises: LedgerError."""
        if count == 0:
            return
        histogram = self._histogram(metric, labels or {})
        histogram.count += count
        histogram.total += count * (spread.mean if mean is None else mean)
        for index, share in enumerate(spread.shares(metric.buckets)):
            histogram.below[index] += share * count

    def rows(self) -> Iterator[tuple[str, float]]:
        """Every series as Prometheus writes it, with its value."""
        yield from self._values.items()
        for histogram in self._histograms.values():
            yield from histogram.rows()

    def __len__(self) -> int:
        return len(self._values) + sum(len(each.names) for each in self._histograms.values())

    def _name(self, metric: Metric, labels: Labels) -> str:
        key = metric.name, tuple(labels.values())
        found = self._names.get(key)
        if found is None:
            found = self._names[key] = _series(metric.exposed, self._checked(metric, labels))
        return found

    def _histogram(self, metric: Metric, labels: Labels) -> _Histogram:
        key = metric.name, tuple(labels.values())
        found = self._histograms.get(key)
        if found is None:
            every = self._checked(metric, labels)
            bounds = (*(f"{bound:g}" for bound in metric.buckets), "+Inf")
            names = (
                *(_series(f"{metric.exposed}_bucket", {**every, "le": bound}) for bound in bounds),
                _series(f"{metric.exposed}_count", every),
                _series(f"{metric.exposed}_sum", every),
            )
            found = self._histograms[key] = _Histogram(names, metric.buckets, [0.0] * len(metric.buckets))
        return found

    def _checked(self, metric: Metric, labels: Labels) -> dict[str, str]:
        """The labels as Prometheus calls them, with the common ones; an empty one is left out, as it would be."""
        if tuple(labels) != tuple(metric.labels):
            raise LedgerError(f"{metric.name} has the labels {', '.join(metric.labels)}, in this order; not {labels}")
        for label, value in labels.items():
            known = self.loaded.get(label, metric.labels[label]) if label in LOADED else metric.labels[label]
            if value not in (*known, OTHER):
                raise LedgerError(f"{metric.name}: {label} is one of {', '.join(known)}, and never {value}")
        own = zip(metric.exposed_labels, labels.values(), strict=True)
        return {**self.common, **{label: value for label, value in own if value}}


def _series(name: str, labels: Labels) -> str:
    return name + "{" + ",".join(f'{label}="{value}"' for label, value in labels.items()) + "}"


def written(value: float) -> str:
    """A value as text."""
    return str(value) if isinstance(value, int) else f"{value:.10g}"
