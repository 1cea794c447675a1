"""The catalogue of metrics: names that Prometheus bears, closed labels, buckets that every way writes alike."""

from __future__ import annotations

import ast
import re
from enum import StrEnum
from math import prod
from pathlib import Path

import pytest

from contracts import telemetry
from contracts.api import PREFIX, ToolName
from contracts.telemetry import (
    ALL_METRICS,
    BREAKER_STATES,
    LABEL_OVERFLOW,
    LOADED,
    METRICS,
    MOCK_METRICS,
    OTHER,
    OVERFLOWING,
    REQUESTS,
    SUITE_METRICS,
    UNMATCHED,
    Convention,
    Metric,
    MetricKind,
    ToolOutcome,
    bounded,
    first_series,
)

ALL = pytest.mark.parametrize("metric", ALL_METRICS, ids=lambda metric: metric.name)
FILES = {"model": ("small", "large"), "version": ("1.2.3",), "scenario": ("none",)}
"""What a process may have loaded."""

MAX_SERIES = 2000
"""Where the SDK begins to throw labels away."""


def test_names_are_unique() -> None:
    """No two metrics share a name, neither ours nor Prometheus's."""
    assert (
        len({metric.name for metric in ALL_METRICS})
        == len({metric.exposed for metric in ALL_METRICS})
        == len(ALL_METRICS)
    )


def test_every_metric_is_listed() -> None:
    """What the module defines is in the list."""
    defined = [value for value in vars(telemetry).values() if isinstance(value, Metric)]
    assert sorted(metric.name for metric in defined) == sorted(metric.name for metric in ALL_METRICS)


@ALL
def test_a_metric_explains_itself(metric: Metric) -> None:
    """Prometheus's checker wants a help text; ours is a sentence, which may begin with the value it explains."""
    assert re.fullmatch(r"[A-Z01].{10,200}\.", metric.help)


@ALL
def test_a_name_follows_the_conventions(metric: Metric) -> None:
    """Our prefix and underscores, or a convention's own name with dots; base units and `_total` where they belong."""
    is_ours = metric.convention is Convention.OURS
    assert re.fullmatch(
        r"cortex_(proxy|mock|suite)_[a-z_]+" if is_ours else r"(gen_ai|http|process)\.[a-z._]+", metric.name
    )
    assert re.fullmatch(r"[a-z_]+", metric.exposed)
    assert metric.exposed.endswith("_total") == (metric.kind is MetricKind.COUNTER)
    assert not is_ours or metric.name.endswith("_total") == (metric.kind is MetricKind.COUNTER)
    assert metric.exposed.removesuffix("_total").endswith("_seconds") == (metric.unit == "s")
    assert not metric.name.endswith(("_bucket", "_count", "_sum", "_created"))


@ALL
def test_what_says_what_it_is_says_so_with_its_labels(metric: Metric) -> None:
    """A gauge called `_info` has labels, which carry what it tells."""
    assert not metric.name.endswith("_info") or (metric.kind is MetricKind.GAUGE and metric.labels)


@ALL
def test_labels_are_closed(metric: Metric) -> None:
    """Every label has values, none of them twice or the one that stands for the rest; or files give them.

    An error's type may be empty: then there was no error, and the label is left out.
    """
    for label, values in metric.labels.items():
        assert re.fullmatch(r"[a-z_.]+", label)
        assert bool(values) != (label in LOADED)
        assert len(set(values)) == len(values)
        assert all(type(value) is str and value != OTHER for value in values)
        assert all(values) or label == "error.type"
        assert not label.startswith(("otel_", "__"))
        assert label not in ("job", "instance", "le")


@ALL
def test_a_metric_has_few_series(metric: Metric) -> None:
    """All values of all labels, the unlisted one included, stay below what the SDK keeps."""
    assert prod(len(values) + 1 for values in metric.labels.values()) < MAX_SERIES


def test_the_proxys_and_the_mocks_metrics_are_apart() -> None:
    """Each room makes its own instruments."""
    assert not {metric.name for metric in METRICS if metric.name.startswith("cortex_mock_")}
    assert all(metric.name.startswith("cortex_mock_") for metric in MOCK_METRICS)
    assert all(metric.name.startswith("cortex_suite_") for metric in SUITE_METRICS)


@ALL
def test_bounds_read_alike_on_every_way(metric: Metric) -> None:
    """Histograms alone have bounds: rising floats, and none that one exporter writes `1` and another `1.0`."""
    assert bool(metric.buckets) == (metric.kind is MetricKind.HISTOGRAM)
    assert list(metric.buckets) == sorted(set(metric.buckets))
    assert all(type(bound) is float and bound > 0 and not bound.is_integer() for bound in metric.buckets)


@pytest.mark.parametrize(
    ("metric", "bound"),
    [(telemetry.CLIENT_LCP, 2.5), (telemetry.CLIENT_INP, 0.2), (telemetry.CLIENT_CLS, 0.1)],
    ids=lambda value: getattr(value, "name", None),
)
def test_what_counts_as_good_is_a_bound(metric: Metric, bound: float) -> None:
    """The limits of good web vitals can be asked for exactly."""
    assert bound in metric.buckets


@pytest.mark.parametrize(
    ("value", "expected"),
    [("chat", "chat"), ("chats", OTHER), ("", OTHER), ("Chat", OTHER), (OTHER, OTHER), ("x" * 10_000, OTHER)],
    ids=["listed", "unlisted", "empty", "case", "other", "long"],
)
def test_a_label_takes_listed_values_only(value: str, expected: str) -> None:
    """Everything else becomes one value."""
    assert bounded(telemetry.LIMIT_DECISIONS, "policy", value) == expected


class Stranger(StrEnum):
    """Members that no label lists."""

    TOOL = "hammer"


@pytest.mark.parametrize(
    ("label", "value", "expected"),
    [
        ("tool", ToolName.SEARCH, "search"),
        ("outcome", ToolOutcome.OK, "ok"),
        ("tool", "search", "search"),
        ("tool", Stranger.TOOL, OTHER),
    ],
    ids=["tool", "outcome", "word", "unlisted"],
)
def test_a_label_is_a_plain_word(label: str, value: str, expected: str) -> None:
    """Members of enumerations lose their type, by which the SDK would tell them from their own words."""
    found = bounded(telemetry.TOOL_CALLS, label, value)
    assert (type(found), found) == (str, expected)


@ALL
def test_the_first_series_are_within_bounds(metric: Metric) -> None:
    """Each has every label with a listed or loaded value, and none is there twice; histograms have none."""
    first = [tuple(labels.items()) for labels in first_series(metric, FILES)]
    assert len(set(first)) == len(first)
    assert bool(first) == (metric.kind is not MetricKind.HISTOGRAM and metric.from_start)
    for labels in first:
        assert [label for label, _ in labels] == list(metric.labels)
        assert all(bounded(metric, label, value, FILES) == value for label, value in labels)


@ALL
def test_what_is_loaded_shows_once_it_is(metric: Metric) -> None:
    """Without the loaded values, what has such a label has no series yet."""
    assert not metric.labels.keys() & LOADED or not list(first_series(metric))


@ALL
def test_every_value_shows_from_the_start(metric: Metric) -> None:
    """All combinations of labels begin at zero; of requests, which have too many, those that can occur."""
    if metric.kind is not MetricKind.HISTOGRAM and metric is not REQUESTS and metric.from_start:
        sizes = (len(FILES.get(label, values)) for label, values in metric.labels.items())
        assert len(list(first_series(metric, FILES))) == prod(sizes)


def test_labels_that_can_overflow_are_counted_by_name() -> None:
    """The counter of overflows knows labels of the proxy's own metrics only, each once."""
    assert LABEL_OVERFLOW.labels == {"label": OVERFLOWING}
    assert set(OVERFLOWING) <= {label for metric in METRICS for label in metric.labels}


@pytest.mark.parametrize(
    ("value", "expected"),
    [("large", "large"), ("huge", OTHER), ("1.2.3", OTHER), ("", OTHER)],
    ids=["loaded", "unloaded", "another label's", "empty"],
)
def test_a_loaded_value_is_within_bounds(value: str, expected: str) -> None:
    """What was loaded for a label counts as listed, for that label alone."""
    assert bounded(telemetry.TOKENS, "model", value, FILES) == expected


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        (f"{PREFIX}/chat", {("POST", "2xx"), ("POST", "4xx"), ("POST", "5xx")}),
        ("/livez", {("GET", "2xx"), ("GET", "4xx"), ("GET", "5xx")}),
        (
            f"{PREFIX}/history/{{sessionId}}",
            {(method, status) for method in ("GET", "DELETE") for status in ("2xx", "4xx", "5xx")},
        ),
        (UNMATCHED, {(method, "4xx") for method in ("GET", "HEAD", "POST", "DELETE", "OPTIONS")}),
    ],
    ids=["chat", "probe", "history", "unmatched"],
)
def test_a_route_begins_with_what_can_occur(route: str, expected: set[tuple[str, str]]) -> None:
    """No series says that nobody deleted a chat; what no rule fits is only ever refused."""
    first = {
        (labels["method"], labels["status_class"]) for labels in first_series(REQUESTS) if labels["route"] == route
    }
    assert first == expected


def test_an_unknown_label_is_a_mistake() -> None:
    """Asking for a label that the metric does not have is no value's fault."""
    with pytest.raises(KeyError):
        bounded(telemetry.LIMIT_DECISIONS, "user", "x")


def test_breaker_states_have_the_numbers_of_the_help() -> None:
    """The help text of the gauge tells its values."""
    told = ", ".join(f"{number} {state}" for state, number in BREAKER_STATES.items())
    assert told in telemetry.BREAKER_STATE.help


def test_the_catalogue_stands_alone() -> None:
    """It imports the standard library and contracts, so that every room can read it."""
    tree = ast.parse(Path(telemetry.__file__).read_text(encoding="utf-8"))
    modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module.partition(".")[0] for module in modules} <= {
        *("__future__", "collections", "dataclasses", "enum", "itertools", "types", "contracts")
    }
