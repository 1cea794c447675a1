"""Client experience: what did readers see, as their pages measured it?"""

from __future__ import annotations

from contracts.telemetry import (
    CLIENT_CLS,
    CLIENT_FIRST_TOKEN,
    CLIENT_INP,
    CLIENT_LCP,
    CLIENT_METRICS_DROPPED,
    CLIENT_PAGE_ERRORS,
    CLIENT_STALL,
    CLIENT_STREAM_OUTCOMES,
    STREAM_FIRST_TOKEN,
    Metric,
)
from dashboards import mode, slo
from dashboards.panels import BAD, WARN, Board, Kind, Line, Panel, Row, Target
from dashboards.promql import quantile, rate

_FIRST_TOKEN = next(each.histogram for each in slo.load().objectives if each.name == "first-token")


def _quantiles(metric: Metric) -> tuple[Target, ...]:
    return tuple(Target(quantile(q, metric), name) for q, name in ((0.5, "p50"), (0.75, "p75"), (0.95, "p95")))


def _vital(title: str, unit: str, metric: Metric, meaning: str, limits: tuple[float, float]) -> Panel:
    """A web vital is judged by its 75th percentile.   limits: what is good up to, and poor from."""
    good, poor = limits
    return Panel(
        title,
        Kind.TIMESERIES,
        unit,
        f"{meaning} Judged by the 75th percentile: good up to {good:g}, poor from {poor:g}.",
        _quantiles(metric),
        lines=(Line(good, WARN), Line(poor, BAD)),
        no_value="no reports",
    )


BOARD = Board(
    "clients",
    "Client experience",
    "What did readers see, as their pages measured it?",
    (
        Row(
            "Answers",
            (
                Panel(
                    "First token in the page",
                    Kind.TIMESERIES,
                    "s",
                    "From a question to the first text painted in the page. The line is the bound of the proxy's "
                    "objective.",
                    _quantiles(CLIENT_FIRST_TOKEN),
                    lines=(Line(_FIRST_TOKEN.within_s if _FIRST_TOKEN else 10.5),),
                    no_value="no reports",
                ),
                Panel(
                    "Page against proxy",
                    Kind.TIMESERIES,
                    "s",
                    "The same as the proxy handed it out and as the page painted it, p95. What lies between them is "
                    "network, a buffering hop or a busy page.",
                    (
                        Target(quantile(0.95, CLIENT_FIRST_TOKEN), "page"),
                        Target(quantile(0.95, STREAM_FIRST_TOKEN), "proxy", exemplar=True),
                    ),
                ),
                Panel(
                    "Silences",
                    Kind.TIMESERIES,
                    "s",
                    "Silences within an answer that pages noticed.",
                    _quantiles(CLIENT_STALL),
                    no_value="no reports",
                ),
                Panel(
                    "Stream outcomes",
                    Kind.TIMESERIES,
                    "cps",
                    "Streams that ended, as pages saw them. More failures here than in the proxy means a hop between.",
                    (Target(rate(CLIENT_STREAM_OUTCOMES, ("outcome",)), "{{outcome}}"),),
                    is_stacked=True,
                    no_value="no reports",
                ),
                Panel(
                    "Page errors",
                    Kind.TIMESERIES,
                    "cps",
                    "Failures in the page itself, by kind.",
                    (Target(rate(CLIENT_PAGE_ERRORS, ("kind",)), "{{kind}}"),),
                    is_stacked=True,
                    no_value="no reports",
                ),
                Panel(
                    "Measurements dropped",
                    Kind.TIMESERIES,
                    "cps",
                    "Measurements that the proxy did not take in: unknown names, values out of bounds, labels that no "
                    "list has. A flood is an old page, or somebody trying.",
                    (Target(rate(CLIENT_METRICS_DROPPED, ("reason",)), "{{reason}}"),),
                    is_stacked=True,
                    no_value="no reports",
                ),
            ),
        ),
        Row(
            "Web vitals",
            (
                _vital(
                    "Largest contentful paint",
                    "s",
                    CLIENT_LCP,
                    "Until the largest part of the page was painted.",
                    (2.5, 4.0),
                ),
                _vital(
                    "Interaction to next paint",
                    "s",
                    CLIENT_INP,
                    "From a click or key to what it changes.",
                    (0.2, 0.5),
                ),
                _vital(
                    "Layout shift", "none", CLIENT_CLS, "How much the page jumps while it loads, a score.", (0.1, 0.25)
                ),
            ),
        ),
    ),
    beside=(mode.PANEL,),
)
