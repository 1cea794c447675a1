"""What holds for every alert; what each one does is in the folder rules."""

from __future__ import annotations

import re
from collections.abc import Iterator

import promql_parser
import pytest

from contracts.telemetry import ALL_METRICS, LOADED, OTHER, Metric, MetricKind
from dashboards import alerts
from dashboards.alerts import ALERTS
from dashboards.rule import Alert, Component, Severity
from dashboards.thresholds import Burn, Threshold

OF_PROMETHEUS = {"up": (), "scrape_samples_scraped": ()}
RECORDED = re.compile(r"slo:sli_error:ratio_rate(5m|30m|1h|2h|6h|1d|3d)")
ALERTED = pytest.mark.parametrize(
    "alert", ALERTS, ids=[f"{a.name}-{a.severity}-{a.labels.get('sloth_window', '')}".rstrip("-") for a in ALERTS]
)


def parts(node: object) -> Iterator[object]:
    """An expression and everything in it."""
    yield node
    for name in ("expr", "lhs", "rhs", "param"):
        child = getattr(node, name, None)
        if child is not None:
            yield from parts(child)
    for argument in getattr(node, "args", None) or ():
        yield from parts(argument)
    selector = getattr(node, "vector_selector", None)
    if selector is not None:
        yield from parts(selector)


def selectors(expr: str) -> list[promql_parser.VectorSelector]:
    """Every selector of an expression."""
    return [part for part in parts(promql_parser.parse(expr)) if isinstance(part, promql_parser.VectorSelector)]


def exposed() -> dict[str, Metric]:
    """The metric of every series that the catalogue makes, a histogram's three included."""
    found = {}
    for metric in ALL_METRICS:
        suffixes = ("_bucket", "_sum", "_count") if metric.kind is MetricKind.HISTOGRAM else ("",)
        found.update({f"{metric.exposed}{suffix}": metric for suffix in suffixes})
    return found


EXPOSED = exposed()


@ALERTED
def test_it_asks_only_for_what_is_measured(alert: Alert) -> None:
    """Each selector names a series of the catalogue, of Prometheus itself or of the recording rules."""
    found = selectors(alert.expr)
    assert found
    for selector in found:
        assert selector.name
        assert selector.name in EXPOSED or selector.name in OF_PROMETHEUS or RECORDED.fullmatch(selector.name)


@ALERTED
def test_its_matchers_can_match(alert: Alert) -> None:
    """Labels and values are the catalogue's: a matcher that nothing fits would silence the alert for good."""
    for selector in selectors(alert.expr):
        if selector.name not in EXPOSED:
            continue
        metric = EXPOSED[selector.name]
        known = dict(zip(metric.exposed_labels, metric.labels.items(), strict=True))
        known["le"] = ("le", tuple(f"{bound:g}" for bound in metric.buckets))
        for matcher in selector.matchers.matchers:
            label, values = known[matcher.name]
            pattern = re.compile(matcher.value)
            assert label in LOADED or any(pattern.fullmatch(value) for value in (*values, OTHER))


@ALERTED
def test_its_aggregations_keep_the_job(alert: Alert) -> None:
    """By name, and the job among them: one job's trouble is never averaged into another's health."""
    grouped = [part for part in parts(promql_parser.parse(alert.expr)) if isinstance(part, promql_parser.AggregateExpr)]
    for aggregation in grouped:
        assert aggregation.modifier is not None
        assert aggregation.modifier.type == promql_parser.AggModifierType.By
        assert "job" in aggregation.modifier.labels


@ALERTED
def test_its_aggregations_are_by_labels_that_are_there(alert: Alert) -> None:
    """By a label that its metrics lack, everything would be one series without a name."""
    for aggregation in parts(promql_parser.parse(alert.expr)):
        if not isinstance(aggregation, promql_parser.AggregateExpr) or aggregation.modifier is None:
            continue
        for part in parts(aggregation):
            if isinstance(part, promql_parser.VectorSelector) and part.name in EXPOSED:
                known = {"job", "instance", "le", *EXPOSED[part.name].exposed_labels}
                assert set(aggregation.modifier.labels) <= known


@ALERTED
def test_it_compares_with_its_threshold(alert: Alert) -> None:
    """The number that panels draw is the number in the expression."""
    value = alert.held.factor if isinstance(alert.held, Burn) else alert.held.value
    assert re.search(rf"(==|<|>|>=) {value:.10g}(?![\d.])", alert.expr) or alert.expr.startswith("count by (job) (up")


@ALERTED
def test_it_compares_with_no_whole_bound(alert: Alert) -> None:
    """Whether `le` of one is 1 or 1.0 depends on the version of Prometheus."""
    assert not re.search(r'le="\d+(\.0)?"', alert.expr)


@ALERTED
def test_its_description_names_labels_that_it_has(alert: Alert) -> None:
    """What is aggregated away would be written as nothing."""
    named = set(re.findall(r"\$labels\.(\w+)", alert.description))
    kept = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", alert.expr)))) | {"job"}
    assert "job" in named
    assert named <= kept - {"le"}


@ALERTED
def test_its_summary_is_one_sentence_without_values(alert: Alert) -> None:
    """What is always the same can be grouped by."""
    assert re.fullmatch(r"[A-Z][^{}]*[^.{}]\.", alert.summary)


@ALERTED
def test_its_panel_is_on_a_dashboard(alert: Alert) -> None:
    """The address is a dashboard's slug and a panel's, and the dashboard is told by its uid."""
    slug, _, panel = alert.panel.partition("/")
    assert slug in {"overview", "streaming", "upstream", "limits", "tools", "tokens", "clients", "logs", "harness"}
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", panel)
    assert alert.dashboard == f"cortex-{slug}"


@ALERTED
def test_its_name_says_whose_it_is(alert: Alert) -> None:
    """The first words are the component's."""
    prefix = {Component.PROXY: "CortexProxy", Component.MOCK: "CortexMock", Component.SUITE: "CortexSuite"}
    assert re.fullmatch(prefix[alert.component] + r"([A-Z][a-z]+)+", alert.name)


def test_a_share_is_guarded() -> None:
    """What divides, or takes a quantile, says how many events it needs: a night's first is no share."""
    dividing = [alert for alert in alerts.causes() if "\n/\n" in alert.expr or "histogram_quantile" in alert.expr]
    assert len(dividing) >= 8
    for alert in dividing:
        assert isinstance(alert.held, Threshold)
        assert alert.held.least > 1
        assert alert.expr.endswith(f" >= {alert.held.least}")


def test_rules_of_one_name_differ_in_their_labels() -> None:
    """Two rules of one name are two windows or two severities; Alertmanager tells them apart by these."""
    identities = [(alert.name, alert.severity, alert.labels.get("sloth_window")) for alert in ALERTS]
    assert len(set(identities)) == len(identities)


def test_only_what_harms_readers_now_is_a_page() -> None:
    """Somebody is woken for these and nothing else."""
    assert {alert.name for alert in ALERTS if alert.severity is Severity.CRITICAL} == {
        "CortexProxyAvailabilityBudgetBurn",
        "CortexProxyFirstTokenBudgetBurn",
        "CortexProxyStreamCompletionBudgetBurn",
        "CortexProxyToolSuccessBudgetBurn",
        "CortexProxyDown",
        "CortexProxyModeMixed",
        "CortexProxyHistoryLosingTurns",
    }


def test_rehearsals_wake_nobody() -> None:
    """Mock and suites have warnings at most."""
    assert {alert.severity for alert in ALERTS if alert.component is not Component.PROXY} == {Severity.WARNING}


def test_every_promised_alert_is_there() -> None:
    """Runbooks, routes and the proof know the alerts by these names."""
    assert {alert.name for alert in ALERTS} == {
        "CortexProxyAvailabilityBudgetBurn",
        "CortexProxyFirstTokenBudgetBurn",
        "CortexProxyStreamCompletionBudgetBurn",
        "CortexProxyToolSuccessBudgetBurn",
        "CortexProxyDown",
        "CortexProxyStreamsBroken",
        "CortexProxyStreamsStalling",
        "CortexProxyBreakerOpen",
        "CortexProxyRetryAmplification",
        "CortexProxyRetryBudgetExhausted",
        "CortexProxyUpstreamThrottled",
        "CortexProxyUpstreamUnauthorized",
        "CortexProxyLimitHeadroomLow",
        "CortexProxyStreamCapacityLow",
        "CortexProxyTokenRefreshFailing",
        "CortexProxyHistoryLosingTurns",
        "CortexProxyStoreDown",
        "CortexProxyTelemetryLost",
        "CortexProxyLabelOverflow",
        "CortexProxySeriesBudget",
        "CortexProxyKeyOld",
        "CortexProxyCertificateExpiring",
        "CortexProxyModeMixed",
        "CortexProxyPagesFailing",
        "CortexProxyCallsUnpriced",
        "CortexMockDown",
        "CortexMockFramesLate",
        "CortexMockMisses",
        "CortexSuiteFailing",
        "CortexSuiteStale",
    }
