"""The series that exist: the catalogue's, what rules record, and what Prometheus adds by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from contracts.telemetry import Metric, MetricKind

Values = tuple[str, ...]
"""The values that a label may have; none listed means that any is possible."""

TARGET: Mapping[str, Values] = MappingProxyType({"job": (), "instance": ()})
"""Labels that a scrape, or a push, gives to every series."""

PERHAPS = frozenset(["otel_scope_name", "otel_scope_version", "otel_scope_schema_url"])
"""Labels that are there on one way and missing on the other: no query may rely on them."""


@dataclass(frozen=True, slots=True)
class Series:
    """What is known of the series of one name.

    kind: counter, gauge or bucket.   unit: UCUM as in the catalogue; `{...}` for what is counted.   labels: what they
    may carry, with the values.   always: the labels that every one of them carries.   is_open: whether others may be
    there too.   family: the name without what a histogram's series add to it.   adds_up: as in the catalogue; None
    where both make sense.
    """

    name: str
    kind: str
    unit: str
    labels: Mapping[str, Values]
    always: frozenset[str]
    is_open: bool = False
    family: str = ""
    buckets: tuple[float, ...] = ()
    adds_up: bool | None = None


def exposed(metric: Metric) -> Iterator[Series]:
    """The series that a metric of the catalogue is shown as."""
    labels = {**TARGET, **dict(zip(metric.exposed_labels, metric.labels.values(), strict=True))}
    always = frozenset(label for label, values in labels.items() if "" not in values)
    name = metric.exposed
    if metric.kind is not MetricKind.HISTOGRAM:
        kind = "counter" if metric.kind is MetricKind.COUNTER else "gauge"
        yield Series(name, kind, metric.unit, labels, always, family=name, adds_up=metric.adds_up)
        return
    with_le = {**labels, "le": ()}
    with_bound = always | {"le"}
    yield Series(f"{name}_bucket", "bucket", "{observation}", with_le, with_bound, False, name, metric.buckets, True)
    yield Series(f"{name}_count", "counter", "{observation}", labels, always, family=name, adds_up=True)
    yield Series(f"{name}_sum", "counter", metric.unit, labels, always, family=name, adds_up=True)


def _own(name: str, unit: str = "", *, is_open: bool = False, **labels: Values) -> Series:
    every = {**TARGET, **labels}
    return Series(name, "gauge", unit, every, frozenset(every), is_open, name)


PROMETHEUS_OWN: tuple[Series, ...] = (
    _own("up"),
    _own("scrape_duration_seconds", "s"),
    _own("scrape_samples_scraped", "{series}"),
    _own("scrape_samples_post_metric_relabeling", "{series}"),
    _own("scrape_series_added", "{series}"),
    _own("target_info", is_open=True),
)
"""What Prometheus writes for every target, and what OpenTelemetry's resource becomes."""


def alert_series(alerts: Mapping[str, Iterable[Mapping[str, str]]]) -> tuple[Series, ...]:
    """`ALERTS` and its like, with the values that the rule files give their labels.

    alerts: by name, the labels that each rule of the name sets.
    """
    labels: dict[str, Values] = {"job": (), "alertname": tuple(alerts), "alertstate": ("firing", "pending")}
    for each in (one for rules in alerts.values() for one in rules):
        for label, value in each.items():
            known = labels.get(label, ())
            labels[label] = () if "{{" in value else tuple(dict.fromkeys([*known, value]))
    always = frozenset(["alertname", "alertstate"])
    return (
        Series("ALERTS", "gauge", "", labels, always, True, "ALERTS"),
        Series(
            "ALERTS_FOR_STATE",
            "gauge",
            "s",
            {k: v for k, v in labels.items() if k != "alertstate"},
            always - {"alertstate"},
            True,
            "ALERTS_FOR_STATE",
        ),
    )
