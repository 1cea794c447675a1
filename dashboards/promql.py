"""PromQL for panels, as functions of the catalogue's metrics.

An expression is written from a `Metric`, so that a name that nobody emits, a label that the metric does not have, a
quantile of what is no histogram or a rate of what is no counter fails when the dashboards are built. Every selector
asks for the dashboard's job and instance; every function adds the processes up.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from contracts.telemetry import LOADED, OTHER, Metric, MetricKind

CHOSEN_JOB = 'job=~"$job"'
CHOSEN = f'{CHOSEN_JOB},instance=~"$instance"'
"""The processes that the dashboard's reader chose."""

RATE, RANGE = "$__rate_interval", "$__range"

Where = Mapping[str, tuple[str, ...]]
"""Labels, as Prometheus calls them, each with the values that are meant; `!label` for those that are not."""

_EVERY: Where = MappingProxyType({})
_COUNTERS = (MetricKind.COUNTER,)
_GAUGES = (MetricKind.GAUGE, MetricKind.UP_DOWN_COUNTER)


class QueryError(ValueError):
    """A query that the catalogue cannot answer; the message says what is there."""


def rate(metric: Metric, by: tuple[str, ...] = (), where: Where = _EVERY) -> str:
    """A counter's events per second."""
    _needs(metric, _COUNTERS, "a rate")
    return _sum(f"rate({_series(metric, '', where)}[{RATE}])", metric, by)


def increase(metric: Metric, by: tuple[str, ...] = (), where: Where = _EVERY) -> str:
    """A counter's events over the dashboard's whole range."""
    _needs(metric, _COUNTERS, "an increase")
    return _sum(f"increase({_series(metric, '', where)}[{RANGE}])", metric, by)


def within(metric: Metric, window_s: float, by: tuple[str, ...] = (), where: Where = _EVERY) -> str:
    """A counter's events over so many seconds back: what an alert with that window compares."""
    _needs(metric, _COUNTERS, "an increase")
    return _sum(f"increase({_series(metric, '', where)}[{window_s:g}s])", metric, by)


def counted_over_range(metric: Metric, by: tuple[str, ...] = (), where: Where = _EVERY, le: float | None = None) -> str:
    """A histogram's measurements over the dashboard's whole range; those up to a bound, if one is given."""
    return _sum(f"increase({_counting(metric, where, le)}[{RANGE}])", metric, by)


def now(metric: Metric, by: tuple[str, ...] = (), where: Where = _EVERY, how: str = "sum") -> str:
    """What a gauge says, over all processes.   how: sum, max or min."""
    _needs(metric, _GAUGES, how)
    return _aggregated(how, _series(metric, "", where), metric, by)


def worst(metric: Metric, by: tuple[str, ...] = (), how: str = "max", window: str = RATE) -> str:
    """The worst that a gauge said since the graph's last point: what lasts for seconds shows on a graph of days.

    how: max, or min where little is bad.
    """
    _needs(metric, _GAUGES, how)
    return _aggregated(how, f"{how}_over_time({_series(metric, '', _EVERY)}[{window}])", metric, by)


def quantile(q: float, metric: Metric, by: tuple[str, ...] = (), where: Where = _EVERY) -> str:
    """A quantile of a histogram, within the width of its buckets."""
    return f"histogram_quantile({q:g}, {buckets(metric, by, where)})"


def buckets(metric: Metric, by: tuple[str, ...] = (), where: Where = _EVERY) -> str:
    """A histogram's measurements per second, bucket by bucket, as heatmaps and quantiles need them."""
    _needs(metric, (MetricKind.HISTOGRAM,), "buckets")
    _known(metric, by)
    return f"sum by ({', '.join(('le', *by))}) (rate({_series(metric, '_bucket', where)}[{RATE}]))"


def ratio(part: str, whole: str) -> str:
    """A share; nothing, not NaN, where there is no whole."""
    return f"{part} / ({whole} > 0)"


def scraped(name: str, shown_by: Metric, *, averaged: bool = False) -> str:
    """What Prometheus says of its own scrapes, as `up`, of the jobs that showed a metric within the range.

    Every target there is has such a series, and "All" jobs would be all of them. A process that is down shows no metric
    any more: hence the job's, and any within the range.   averaged: over the range, not as it is.
    """
    asked = f"{name}{{{CHOSEN}}}"
    asked = f"avg_over_time({asked}[{RANGE}])" if averaged else asked
    ours = f"last_over_time({shown_by.exposed}{{{CHOSEN}}}[{RANGE}] @ end())"
    return f"sum by (job, instance) ({asked} and on (job) {ours})"


def recorded(name: str, *, where: Where = _EVERY) -> str:
    """A recorded series, which has no instance: it was added up when it was recorded."""
    return f"{name}{{{','.join([CHOSEN_JOB, *_matchers(where)])}}}"


def _counting(metric: Metric, where: Where, le: float | None) -> str:
    _needs(metric, (MetricKind.HISTOGRAM,), "counting")
    if le is None:
        return _series(metric, "_count", where)
    if le not in metric.buckets:
        raise QueryError(f"{metric.name} has no bucket up to {le:g}; it has {list(metric.buckets)}")
    return _series(metric, "_bucket", where, f'le="{le!r}"')


def _series(metric: Metric, suffix: str, where: Where, *more: str) -> str:
    _known(metric, tuple(label.removeprefix("!") for label in where))
    for label, values in where.items():
        _listed(metric, label.removeprefix("!"), values)
    return f"{metric.exposed}{suffix}{{{','.join([CHOSEN, *_matchers(where), *more])}}}"


def _matchers(where: Where) -> list[str]:
    found = []
    for label, values in where.items():
        name, sign = label.removeprefix("!"), "!" if label.startswith("!") else ""
        one = f'{name}{sign or ""}="{values[0]}"' if len(values) == 1 else f'{name}{sign or "="}~"{"|".join(values)}"'
        found.append(one)
    return found


def _sum(expr: str, metric: Metric, by: tuple[str, ...]) -> str:
    return _aggregated("sum", expr, metric, by)


def _aggregated(how: str, expr: str, metric: Metric, by: tuple[str, ...]) -> str:
    _known(metric, tuple(label for label in by if label not in ("job", "instance")))
    return f"{how} by ({', '.join(by)}) ({expr})" if by else f"{how}({expr})"


def _needs(metric: Metric, kinds: tuple[MetricKind, ...], for_what: str) -> None:
    if metric.kind not in kinds:
        raise QueryError(f"{metric.name} is a {metric.kind}: {for_what} needs a {' or a '.join(kinds)}")


def _known(metric: Metric, labels: tuple[str, ...]) -> None:
    unknown = set(labels) - set(metric.exposed_labels)
    if unknown:
        raise QueryError(f"{metric.name} has no label {sorted(unknown)}; it has {list(metric.exposed_labels)}")


def _listed(metric: Metric, label: str, values: tuple[str, ...]) -> None:
    own = dict(zip(metric.exposed_labels, metric.labels, strict=True))[label]
    unknown = set(values) - {*metric.labels[own], OTHER, ""}
    if unknown and own not in LOADED:
        raise QueryError(f"{metric.name} has no {label} {sorted(unknown)}; it has {list(metric.labels[own])}")
