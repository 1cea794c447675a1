"""Documents made by hand, without a fault, and a way to spoil one thing in them."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from dashboards.check import Documents

Raw = dict[str, Any]
Change = Callable[[Raw], None]

CHOSEN = 'job=~"$job",instance=~"$instance"'
METRICS = {"type": "prometheus", "uid": "${datasource}"}
BOARD, LOGS, RULES = "d/overview.json", "d/logs.json", "d/rules.yaml"
SOURCES, PROVIDER, SCRAPES, MANAGED = "d/sources.yaml", "d/provider.yaml", "d/prometheus.yaml", "d/managed.yaml"
REQUESTS, FIRST_TOKEN, VERSIONS, GAPS, BREAKER, BUDGET, ROW = range(7)


def _panel(number: int, kind: str, title: str, expr: str, unit: str, *, legend: str = "", **more: Any) -> Raw:
    return {
        "id": number,
        "type": kind,
        "title": title,
        "description": f"What {title} shows.",
        "datasource": METRICS,
        "gridPos": {"x": 12 * (number % 2), "y": 8 * (number // 2), "w": 12, "h": 8},
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "targets": [{"refId": "A", "datasource": METRICS, "expr": expr, "legendFormat": legend, **more}],
    }


def _choice(name: str, query: str) -> Raw:
    return {
        "name": name,
        "label": name,
        "type": "query",
        "query": query,
        "datasource": METRICS,
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
    }


def _source(name: str, kind: str) -> Raw:
    label = "Data source" if name == "datasource" else f"{kind.title()} data source"
    return {"name": name, "label": label, "type": "datasource", "query": kind}


def _board() -> Raw:
    requests = f"sum by (status_class) (rate(cortex_proxy_requests_total{{{CHOSEN}}}[$__rate_interval]))"
    buckets = f"rate(cortex_proxy_stream_first_token_seconds_bucket{{{CHOSEN}}}[$__rate_interval])"
    quantile = f"histogram_quantile(0.95, sum by (le) ({buckets}))"
    first_token = _panel(2, "timeseries", "First token", quantile, "s", legend="p95", exemplar=True)
    steps = [{"color": "green", "value": None}, {"color": "red", "value": 2.5}]
    first_token["fieldConfig"]["defaults"]["thresholds"] = {"mode": "absolute", "steps": steps}
    first_token["fieldConfig"]["defaults"]["custom"] = {"thresholdsStyle": {"mode": "line"}}
    versions = f"sum by (version) (cortex_proxy_build_info{{{CHOSEN}}})"
    gaps = f"sum by (le) (rate(cortex_proxy_stream_gap_seconds_bucket{{{CHOSEN}}}[$__rate_interval]))"
    heatmap = _panel(4, "heatmap", "Gaps", gaps, "reqps", format="heatmap")
    heatmap["options"] = {"calculate": False, "yAxis": {"unit": "s"}}
    breaker = f"max by (surface) (cortex_proxy_breaker_state{{{CHOSEN}}})"
    states = _panel(5, "state-timeline", "Breaker", breaker, "none", legend="{{surface}}")
    states["fieldConfig"]["defaults"]["mappings"] = [{"type": "value", "options": {"2": {"text": "open"}}}]
    budget = 'min by (job) (slo:first_token_errors:ratio{job=~"$job"})'
    cost = f"sum by (model) (increase(cortex_proxy_cost_usd_total{{{CHOSEN}}}[$__range]))"
    nested = _panel(7, "bargauge", "Cost", cost, "currencyUSD", legend="{{model}}")
    row = {"id": 8, "type": "row", "title": "Money", "collapsed": True, "panels": [nested]}
    row["gridPos"] = {"x": 0, "y": 40, "w": 24, "h": 1}
    link = {
        "title": "Logs",
        "url": "/d/d-logs?${__url_time_range}&${job:queryparam}&var-level=${__field.labels.status_class}",
    }
    panels = [
        _panel(1, "timeseries", "Requests", requests, "reqps", legend="{{status_class}}"),
        first_token,
        _panel(3, "table", "Versions", versions, "none", format="table", instant=True),
        heatmap,
        states,
        _panel(6, "stat", "Budget", budget, "percentunit", legend="{{job}}"),
        row,
    ]
    panels[REQUESTS]["fieldConfig"]["defaults"]["links"] = [link]
    return {
        "title": "Overview",
        "uid": "d-overview",
        "tags": ["made"],
        "editable": False,
        "schemaVersion": 42,
        "templating": {
            "list": [
                _source("datasource", "prometheus"),
                _choice("job", "label_values(cortex_proxy_build_info, job)"),
                _choice("instance", 'label_values(cortex_proxy_build_info{job=~"$job"}, instance)'),
            ]
        },
        "annotations": {
            "list": [
                {"name": "Built in", "builtIn": 1, "datasource": {"type": "grafana", "uid": "-- Grafana --"}},
                {"name": "Deploys", "datasource": METRICS, "expr": versions, "titleFormat": "Version {{version}}"},
            ]
        },
        "links": [{"type": "dashboards", "tags": ["made"], "title": "More"}],
        "panels": panels,
    }


def _logs() -> Raw:
    loki, tempo = {"type": "loki", "uid": "${loki_datasource}"}, {"type": "tempo", "uid": "${tempo_datasource}"}
    lines = _panel(
        1, "timeseries", "Lines", 'sum by (level) (count_over_time({level=~"$level"} | json [$__auto]))', "none"
    )
    traces = _panel(2, "table", "Traces", "", "")
    traces["targets"] = [{"refId": "A", "datasource": tempo, "query": "{ span.http.route != nil && duration > 5s }"}]
    for panel, source in ((lines, loki), (traces, tempo)):
        panel["datasource"] = panel["targets"][0]["datasource"] = source
    traces["fieldConfig"]["defaults"]["unit"] = "none"
    level = {"name": "level", "label": "level", "type": "query", "refresh": 2, "datasource": loki}
    level["query"] = {"label": "level", "refId": "L", "type": 1}
    return {
        "title": "Logs",
        "uid": "d-logs",
        "tags": ["made"],
        "editable": False,
        "schemaVersion": 42,
        "templating": {
            "list": [
                _source("loki_datasource", "loki"),
                _source("tempo_datasource", "tempo"),
                level,
                {"name": "job", "type": "textbox", "query": ""},
            ]
        },
        "description": "",
        "panels": [lines, {**traces, "title": "Traces of $job"}],
    }


def _rules() -> Raw:
    per_bucket = "rate(cortex_proxy_stream_first_token_seconds_bucket[10m])"
    total = "sum by (job) (rate(cortex_proxy_stream_first_token_seconds_count[10m]))"
    fast = 'sum by (job) (rate(cortex_proxy_stream_first_token_seconds_bucket{le="2.5"}[10m]))'
    return {
        "groups": [
            {
                "name": "made",
                "interval": "30s",
                "rules": [
                    {
                        "record": "slo:first_token_errors:ratio",
                        "expr": f"1 - {fast} / ({total} > 0)",
                        "labels": {"slo": "a"},
                    },
                    {
                        "alert": "FirstTokenSlow",
                        "expr": f"histogram_quantile(0.95, sum by (job, le) ({per_bucket})) > 2.5",
                        "for": "5m",
                        "labels": {"severity": "warning"},
                        "annotations": {
                            "summary": "First tokens are slow.",
                            "description": "{{ $labels.job }}: {{ $value | humanizeDuration }} at the 95th percentile.",
                            "runbook_url": "runbooks/FirstTokenSlow.md",
                            "dashboard": "d-overview",
                            "panel": "overview/first-token",
                        },
                    },
                ],
            }
        ]
    }


def _provisioning() -> Raw:
    query = {
        "refId": "A",
        "expr": "sum by (job) (cortex_proxy_streams_active) > 5",
        "datasource": {"type": "prometheus"},
    }
    return {
        SOURCES: {
            "apiVersion": 1,
            "datasources": [
                {"name": "Prometheus", "type": "prometheus", "uid": "metrics", "jsonData": {"timeInterval": "15s"}},
                {
                    "name": "Loki",
                    "type": "loki",
                    "uid": "logs",
                    "jsonData": {
                        "derivedFields": [{"name": "trace", "url": "$${__value.raw}", "datasourceUid": "metrics"}]
                    },
                },
            ],
        },
        PROVIDER: {
            "apiVersion": 1,
            "providers": [{"name": "made", "type": "file", "options": {"path": "/dashboards"}}],
        },
        SCRAPES: {"global": {"scrape_interval": "15s"}, "scrape_configs": [{"job_name": "cortex-proxy"}]},
        MANAGED: {
            "apiVersion": 1,
            "groups": [
                {
                    "name": "made",
                    "rules": [
                        {
                            "uid": "made-streams",
                            "title": "Streams",
                            "condition": "B",
                            "data": [
                                {"refId": "A", "datasourceUid": "metrics", "model": query},
                                {
                                    "refId": "B",
                                    "datasourceUid": "__expr__",
                                    "model": {
                                        "type": "math",
                                        "expression": "$A > 0",
                                        "datasource": {"type": "__expr__"},
                                    },
                                },
                            ],
                        }
                    ],
                }
            ],
        },
    }


def sound() -> Raw:
    """Documents in which no rule finds a fault, free to be changed."""
    return deepcopy(
        {
            "dashboards": {BOARD: _board(), LOGS: _logs()},
            "rules": {RULES: _rules()},
            "provisioning": _provisioning(),
            "runbooks": {"d/runbooks/FirstTokenSlow.md": "# FirstTokenSlow"},
            "exclusions": {},
        }
    )


def spoiled(*changes: Change) -> Documents:
    """The documents after the changes."""
    raw = sound()
    for change in changes:
        change(raw)
    return Documents(**raw)


def put(*path: Any, to: Any) -> Change:
    """A change that sets what the path leads to."""

    def change(raw: Raw) -> None:
        inner: Any = raw
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = to

    return change


def drop(*path: Any) -> Change:
    """A change that removes what the path leads to."""

    def change(raw: Raw) -> None:
        inner: Any = raw
        for key in path[:-1]:
            inner = inner[key]
        del inner[path[-1]]

    return change


def panel(number: int, *path: Any, to: Any) -> Change:
    """A change of a panel of the first dashboard."""
    return put("dashboards", BOARD, "panels", number, *path, to=to)


def target(number: int, *path: Any, to: Any) -> Change:
    """A change of the only query of a panel of the first dashboard."""
    return panel(number, "targets", 0, *path, to=to)


def default(number: int, *path: Any, to: Any) -> Change:
    """A change of how a panel of the first dashboard shows its fields."""
    return panel(number, "fieldConfig", "defaults", *path, to=to)


def expr(text: str, number: int = REQUESTS, legend: str | None = None) -> Change:
    """A change of a query of the first dashboard; `@` stands for the matchers of the chosen job and instance."""
    legend = legend if legend is not None else "{{status_class}}" if number == REQUESTS else ""

    def change(raw: Raw) -> None:
        query = raw["dashboards"][BOARD]["panels"][number]["targets"][0]
        query["expr"], query["legendFormat"] = text.replace("@", CHOSEN), legend
        raw["dashboards"][BOARD]["panels"][number]["fieldConfig"]["defaults"].pop("links", None)

    return change


def rule(number: int, *path: Any, to: Any) -> Change:
    """A change of a rule: 0 records, 1 is an alert."""
    return put("rules", RULES, "groups", 0, "rules", number, *path, to=to)


def alert(text: str) -> Change:
    """Another expression of the alert, which then names no panel and waits for a minute."""

    def change(raw: Raw) -> None:
        one = raw["rules"][RULES]["groups"][0]["rules"][1]
        one["expr"], one["for"], one["annotations"]["description"] = text, "1m", "It fires."
        del one["annotations"]["dashboard"], one["annotations"]["panel"]

    return change


def also(*changes: Change) -> Change:
    """Several changes as one."""

    def change(raw: Raw) -> None:
        for each in changes:
            each(raw)

    return change
