"""Overview: is the service well, and if not, where do I look?"""

from __future__ import annotations

from contracts.telemetry import (
    ALL_METRICS,
    BUILD_INFO,
    EXPORT_FAILURES,
    LABEL_OVERFLOW,
    REQUEST_DURATION,
    REQUESTS,
    STREAMS_ACTIVE,
    STREAMS_CAPACITY,
)
from dashboards import mode, slo, thresholds
from dashboards.panels import BAD, GOOD, WARN, Board, Kind, Line, Panel, Row, Target
from dashboards.promql import (
    CHOSEN_JOB,
    counted_over_range,
    increase,
    now,
    quantile,
    rate,
    ratio,
    recorded,
    scraped,
    within,
)
from dashboards.rule import Severity

_SLOS = slo.load().objectives
_METRICS = {metric.exposed: metric for metric in ALL_METRICS}
_TITLES = {
    "availability": ("Availability", "limits"),
    "first-token": ("First token", "streaming"),
    "stream-completion": ("Stream completion", "streaming"),
    "tool-success": ("Tool success", "tools"),
}


_COLORS = {Severity.CRITICAL: BAD, Severity.WARNING: WARN}
_BURNING = tuple(Line(each.factor, _COLORS[Severity(each.severity)]) for each in thresholds.BURNS[::-1])


def _good_share(objective: slo.Objective) -> str:
    """What went well over the whole range; the rules count the same events."""
    if objective.histogram is not None:
        metric, within_s = _METRICS[objective.histogram.metric], objective.histogram.within_s
        return ratio(counted_over_range(metric, le=within_s), counted_over_range(metric))
    counter = objective.counter
    assert counter is not None, "an objective has one indicator"
    metric, counted = _METRICS[counter.metric], counter.counted
    return f"1 - {ratio(increase(metric, where=counted | counter.bad), increase(metric, where=counted))}"


def _kept(objective: slo.Objective) -> Panel:
    title, leads_to = _TITLES[objective.name]
    return Panel(
        title,
        Kind.STAT,
        "percentunit",
        f"{objective.about} Over the chosen time; {objective.objective:g} % are promised.",
        (Target(_good_share(objective), "kept"),),
        width=5,
        height=4,
        base=BAD,
        lines=(Line(objective.ratio, GOOD),),
        decimals=2,
        leads_to=leads_to,
    )


BOARD = Board(
    "overview",
    "Overview",
    "Is the service well, and if not, where do I look?",
    (
        Row(
            "At a glance",
            (
                *(_kept(each) for each in _SLOS),
                Panel(
                    "Version",
                    Kind.TABLE,
                    "none",
                    "Processes that answer, by version. Two versions are a deployment on its way.",
                    (Target(now(BUILD_INFO, ("version",)), "processes"),),
                    width=4,
                    height=4,
                    columns=("version",),
                    no_value="no proxy",
                ),
                Panel(
                    "Error budget remaining",
                    Kind.BARGAUGE,
                    "percentunit",
                    "What is left of each objective's budget of thirty days: red below 10 %, green from 50 %; below "
                    "zero the objective was missed.",
                    (Target(recorded("slo:period_error_budget_remaining:ratio"), "{{sloth_slo}} {{job}}"),),
                    width=8,
                    base=BAD,
                    lines=(Line(0.1, WARN), Line(0.5, GOOD)),
                    least=-1.0,
                    most=1.0,
                    no_value="no rules",
                ),
                Panel(
                    "Burn rate",
                    Kind.TIMESERIES,
                    "none",
                    "How many times its even pace each budget burns, over five minutes. The lines are the paces that "
                    "alerts look for over their own windows: orange a ticket's, red a page's.",
                    (Target(recorded("slo:current_burn_rate:ratio"), "{{sloth_slo}} {{job}}"),),
                    lines=_BURNING,
                    no_value="no rules, or no traffic",
                ),
                Panel(
                    "Alerts firing",
                    Kind.TABLE,
                    "none",
                    "Alerts of this project that fire now, by Prometheus' rules; Grafana's own are listed under "
                    "Alerting. Each has a page under dashboards/runbooks.",
                    (
                        Target(
                            "sum by (alertname, severity, job) "
                            f'(ALERTS{{alertname=~"Cortex.+",alertstate="firing",{CHOSEN_JOB}}})',
                            "series",
                        ),
                    ),
                    columns=("alertname", "severity", "job"),
                    no_value="none",
                ),
            ),
        ),
        Row(
            "Requests, errors, duration",
            (
                Panel(
                    "Requests",
                    Kind.TIMESERIES,
                    "reqps",
                    "Requests answered, by route, of the routes that anybody asks; a stream counts when its response "
                    "begins.",
                    (Target(f"{rate(REQUESTS, ('route',))} > 0", "{{route}}"),),
                    width=6,
                    is_stacked=True,
                    leads_to="limits",
                ),
                Panel(
                    "Errors",
                    Kind.TIMESERIES,
                    "reqps",
                    "Requests answered with 4xx, a caller's mistake or a limit, and 5xx, ours or Snowflake's. A "
                    "stream that breaks later was a 200: see the streaming board.",
                    (Target(rate(REQUESTS, ("status_class",), {"status_class": ("4xx", "5xx")}), "{{status_class}}"),),
                    width=6,
                    is_stacked=True,
                    leads_to="upstream",
                ),
                Panel(
                    "Duration",
                    Kind.TIMESERIES,
                    "s",
                    "From a request to its response, of a stream to the beginning of its response.",
                    tuple(
                        Target(quantile(q, REQUEST_DURATION), f"p{q * 100:g}", exemplar=True) for q in (0.5, 0.95, 0.99)
                    ),
                    width=6,
                    leads_to="streaming",
                ),
                Panel(
                    "Streams open",
                    Kind.TIMESERIES,
                    "short",
                    "Streams running now, against what all processes together may run at once.",
                    (Target(now(STREAMS_ACTIVE), "open"), Target(now(STREAMS_CAPACITY), "capacity")),
                    width=6,
                    leads_to="limits",
                ),
            ),
        ),
        Row(
            "Can this be trusted?",
            (
                Panel(
                    "Scrapes",
                    Kind.TABLE,
                    "none",
                    "Whether Prometheus reaches each process, for what share of the chosen time it did, and how many "
                    "samples the last scrape brought, against a budget of "
                    f"{thresholds.SERIES_BUDGET}. What is pushed is not in it.",
                    (
                        Target(scraped("up", BUILD_INFO), "up"),
                        Target(scraped("up", BUILD_INFO, averaged=True), "share of the time"),
                        Target(scraped("scrape_samples_scraped", BUILD_INFO), "samples"),
                    ),
                    columns=("job", "instance"),
                    own_lines={
                        "up": (BAD, (Line(thresholds.DOWN.value, BAD), Line(1, GOOD))),
                        "samples": (GOOD, (Line(thresholds.SERIES.value, BAD),)),
                    },
                    no_value="nothing is scraped",
                ),
                Panel(
                    "Export failures",
                    Kind.TIMESERIES,
                    "short",
                    "Batches that no collector took in ten minutes, by signal. What was in them is lost. The line is "
                    "the alert's.",
                    (Target(within(EXPORT_FAILURES, thresholds.TELEMETRY_LOST.window_s, ("signal",)), "{{signal}}"),),
                    lines=(Line(thresholds.TELEMETRY_LOST.value),),
                    no_value="no proxy",
                ),
                Panel(
                    "Label overflow",
                    Kind.TIMESERIES,
                    "short",
                    "Label values outside their list in half an hour, by label: they were written as `other`. A new "
                    "version of Snowflake, or somebody who floods.",
                    (Target(within(LABEL_OVERFLOW, thresholds.LABEL_OVERFLOW.window_s, ("label",)), "{{label}}"),),
                    lines=(Line(thresholds.LABEL_OVERFLOW.value),),
                    no_value="no proxy",
                ),
            ),
        ),
    ),
    beside=(mode.PANEL,),
)
