"""Every rule finds its own fault, alone, in documents that have no other."""

from __future__ import annotations

from typing import Any

import pytest

from dashboards.check import RULES, faults
from dashboards.check.tests.made import (
    BOARD,
    BREAKER,
    BUDGET,
    FIRST_TOKEN,
    GAPS,
    LOGS,
    MANAGED,
    PROVIDER,
    REQUESTS,
    ROW,
    SCRAPES,
    SOURCES,
    VERSIONS,
    Change,
    Raw,
    alert,
    also,
    default,
    drop,
    expr,
    panel,
    put,
    rule,
    spoiled,
    target,
)
from dashboards.check.tests.made import (
    RULES as RULE_FILE,
)

B = ("dashboards", BOARD)
L = ("dashboards", LOGS)
JOB, INSTANCE = (*B, "templating", "list", 1), (*B, "templating", "list", 2)
GROUP = ("rules", RULE_FILE, "groups", 0)
FOREIGN = {"type": "prometheus", "uid": "PBFA97CFB590B2093"}
RATE = "sum by (status_class) (rate(cortex_proxy_requests_total{@}[$__rate_interval]))"
FIRST = "cortex_proxy_stream_first_token_seconds"
ENDS = "sum by (reason) (rate(cortex_proxy_stream_end_total{@}[$__rate_interval]))"


def more(where: str, *items: Any) -> Change:
    """A change that adds to a list of the first dashboard."""

    def change(raw: Raw) -> None:
        inner: Any = raw["dashboards"][BOARD]
        for key in where.split("."):
            inner = inner[int(key) if key.isdigit() else key]
        inner.extend(items)

    return change


def record(name: str, text: str, **labels: str) -> Change:
    """A change that adds a recording rule at the end of the group."""

    def change(raw: Raw) -> None:
        raw["rules"][RULE_FILE]["groups"][0]["rules"].append({"record": name, "expr": text, "labels": labels})

    return change


def lines(text: str) -> Change:
    """A change of the query that asks Loki."""
    return put(*L, "panels", 0, "targets", 0, "expr", to=text)


def spans(text: str) -> Change:
    """A change of the query that asks Tempo."""
    return put(*L, "panels", 1, "targets", 0, "query", to=text)


ALERT_OF_JOB = "sum by (job) (rate(cortex_proxy_upstream_retries_total[5m]))"
ENDED = "cortex_proxy_stream_end_total"
ENDS_OF_WINDOWS = [
    {"record": f"made:ends:rate{window}", "expr": f"sum by (job) (rate({ENDED}[{window}]))"} for window in ("5m", "1h")
]
RETRIES = "cortex_proxy_upstream_retries_total"
ORGANIZE = {"id": "organize", "options": {"indexByName": {"version": 0, "commit": 1}, "renameByName": {"Value": "n"}}}
OVERRIDE = {"matcher": {"id": "byFrameRefID", "options": "B"}, "properties": []}
MANAGED_RULE = ("provisioning", MANAGED, "groups", 0, "rules", 0)

WRONG: tuple[tuple[str, str, Change], ...] = (
    # --- variables
    (
        "template-datasource-rule",
        "named otherwise",
        also(*(put(*B, "templating", "list", 0, k, to="Metrics") for k in ["label"])),
    ),
    ("template-datasource-rule", "several, one without its type", put(*L, "templating", "list", 0, "label", to="Logs")),
    ("template-job-rule", "one value only", put(*JOB, "multi", to=False)),
    ("template-job-rule", "All as .*", put(*JOB, "allValue", to=".*")),
    ("template-job-rule", "no All", drop(*JOB, "includeAll")),
    ("template-job-rule", "a fixed data source", put(*JOB, "datasource", to=FOREIGN)),
    ("template-instance-rule", "labelled otherwise", put(*INSTANCE, "label", to="Pod")),
    ("template-instance-rule", "typed in by hand", put(*INSTANCE, "type", to="textbox")),
    ("template-label-promql-rule", "no function", put(*JOB, "query", to="cortex_proxy_build_info")),
    ("template-label-promql-rule", "brackets", put(*JOB, "query", to="label_values(cortex_proxy_build_info, job")),
    ("template-label-promql-rule", "no selector", put(*JOB, "query", to="label_values(cortex_proxy_build_info{, job)")),
    ("template-on-time-change-reload-rule", "asked once", put(*JOB, "refresh", to=1)),
    ("template/unused", "a variable for nothing", more("templating.list", {"name": "pod", "type": "textbox"})),
    ("template/unknown", "in a query", expr(RATE.replace("@", '@,method="$method"'))),
    ("template/unknown", "in a title", panel(REQUESTS, "title", to="Requests of ${service:text}")),
    ("template/unknown", "in the old form", expr(RATE.replace("@", '@,method="[[method]]"'))),
    ("template/unknown", "in a legend", target(REQUESTS, "legendFormat", to="{{status_class}} $pod")),
    ("template/unknown", "repeated for", panel(REQUESTS, "repeat", to="surface")),
    ("template/unknown", "in a collapsed row", panel(ROW, "panels", 0, "title", to="Cost of $team")),
    ("template/loki", "no label", put(*L, "templating", "list", 2, "query", to="{}")),
    # --- dashboards
    ("uneditable-dashboard", "editable", put(*B, "editable", to=True)),
    ("uneditable-dashboard", "left to Grafana", drop(*B, "editable")),
    ("dashboard/identity", "an id from elsewhere", put(*B, "id", to=17)),
    ("dashboard/identity", "no title", put(*B, "title", to=" ")),
    (
        "dashboard/identity",
        "too long a uid",
        also(put(*L, "uid", to="x" * 41), drop(*B, "panels", 0, "fieldConfig", "defaults", "links")),
    ),
    ("dashboard/inputs", "left from an export", put(*B, "__inputs", to=[{"name": "DS_PROMETHEUS"}])),
    ("dashboard/panel-ids", "one twice", panel(BREAKER, "id", to=3)),
    ("dashboard/panel-ids", "none", panel(BREAKER, "id", to=0)),
    ("dashboard/titles", "one twice", panel(BREAKER, "title", to="Requests!")),
    ("dashboard/layout", "one on another", panel(BREAKER, "gridPos", to={"x": 6, "y": 0, "w": 12, "h": 8})),
    ("dashboard/layout", "too wide", panel(BREAKER, "gridPos", "w", to=24)),
    (
        "dashboard/annotations",
        "a foreign data source",
        put(*B, "annotations", "list", 1, "datasource", to={"type": "prometheus", "uid": "prom"}),
    ),
    # --- panels
    ("panel-datasource-rule", "of a timeseries", target(REQUESTS, "datasource", to=FOREIGN)),
    ("panel-datasource-rule", "of a table", panel(VERSIONS, "datasource", to=FOREIGN)),
    (
        "panel-datasource-rule",
        "of a variable that is no data source",
        target(GAPS, "datasource", to={"type": "prometheus", "uid": "${job}"}),
    ),
    ("panel-title-description-rule", "no description", panel(GAPS, "description", to="")),
    ("panel-title-description-rule", "no title", panel(BREAKER, "title", to="")),
    ("panel-title-description-rule", "in a collapsed row", panel(ROW, "panels", 0, "description", to=None)),
    ("panel-units-rule", "none", default(VERSIONS, "unit", to="")),
    ("panel-units-rule", "unknown", default(BUDGET, "unit", to="percentunits")),
    ("panel-units-rule", "unknown, on the axis of a heatmap", panel(GAPS, "options", "yAxis", "unit", to="sec")),
    (
        "panel-units-rule",
        "unknown, by override",
        panel(
            REQUESTS,
            "fieldConfig",
            "overrides",
            to=[{"matcher": {"id": "byName", "options": "5xx"}, "properties": [{"id": "unit", "value": "req/s"}]}],
        ),
    ),
    ("panel-no-targets-rule", "nothing asked", panel(GAPS, "targets", to=[])),
    ("panel/library", "left in its library", panel(GAPS, "libraryPanel", to={"uid": "abc", "name": "Gaps"})),
    (
        "panel/thresholds",
        "falling",
        default(REQUESTS, "thresholds", to={"steps": [{"value": None}, {"value": 2.5}, {"value": 1}]}),
    ),
    ("panel/thresholds", "no base", default(REQUESTS, "thresholds", to={"steps": [{"value": 2.5}]})),
    ("panel/overrides", "of a query that is gone", panel(REQUESTS, "fieldConfig", "overrides", to=[OVERRIDE])),
    (
        "panel/overrides",
        "of a legend that is gone",
        panel(FIRST_TOKEN, "fieldConfig", "overrides", to=[{"matcher": {"id": "byName", "options": "p99"}}]),
    ),
    (
        "panel/overrides",
        "a broken pattern",
        panel(FIRST_TOKEN, "fieldConfig", "overrides", to=[{"matcher": {"id": "byRegexp", "options": "/p(/"}}]),
    ),
    ("panel/table", "curves", target(VERSIONS, "format", to="time_series")),
    ("panel/table", "all moments", target(VERSIONS, "instant", to=False)),
    ("panel/heatmap", "curves", target(GAPS, "format", to="time_series")),
    ("panel/states", "bare numbers", default(BREAKER, "mappings", to=[])),
    # --- queries
    ("target-promql-rule", "a bracket too few", expr(RATE[:-1])),
    ("target-promql-rule", "empty", expr("", VERSIONS, "")),
    ("target-promql-rule", "an unknown function", expr(RATE.replace("rate(", "rates("))),
    (
        "target-promql-rule",
        "in a collapsed row",
        put(*B, "panels", ROW, "panels", 0, "targets", 0, "expr", to="sum by model (x)"),
    ),
    (
        "target-promql-rule",
        "of an annotation",
        also(
            put(*B, "annotations", "list", 1, "expr", to="changes(x)"),
            put(*B, "annotations", "list", 1, "titleFormat", to=""),
        ),
    ),
    (
        "target-logql-rule",
        "no selector",
        also(lines("sum(count_over_time({} [$__auto]))"), put(*L, "panels", 1, "title", to="Traces of $job, $level")),
    ),
    ("target-logql-rule", "a stage that is none", lines('{level=~"$level"} | jason | x="y"')),
    ("target-logql-rule", "a quote", lines('{level=~"$level"} |= "x')),
    ("target/traceql", "no scope", spans("{ http.route = `/` }")),
    ("target/traceql", "a bracket", spans("{ status = error ")),
    ("target/traceql", "a function that is none", spans("{} | rates()")),
    ("target-logql-auto-rule", "a fixed range", lines('rate({level=~"$level"}[5m])')),
    ("target-rate-interval-rule", "fixed", expr(RATE.replace("$__rate_interval", "5m"))),
    ("target-rate-interval-rule", "the panel's step", expr(RATE.replace("$__rate_interval", "$__interval"))),
    (
        "target-rate-interval-rule",
        "of increase",
        expr(RATE.replace("$__rate_interval", "1h").replace("rate", "increase"), VERSIONS),
    ),
    (
        "target-job-rule",
        "one of two selectors",
        expr(
            RATE + ' / on() group_left sum(rate(cortex_proxy_requests_total{instance=~"$instance"}[$__rate_interval]))',
            BUDGET,
            "{{status_class}}",
        ),
    ),
    ("target-job-rule", "by equality", expr(RATE.replace("@", 'job="$job",instance=~"$instance"'))),
    ("target-instance-rule", "not there", expr(RATE.replace("@", 'job=~"$job"'))),
    ("target-instance-rule", "of up", expr('sum by (job) (up{job=~"$job"})', VERSIONS)),
    (
        "target-counter-agg-rule",
        "with labels",
        expr('sum by (reason) (cortex_proxy_stream_end_total{@,reason!=""})', VERSIONS),
    ),
    (
        "target-counter-agg-rule",
        "a histogram's count",
        expr("sum by (job) (cortex_proxy_stream_gap_seconds_count{@})", VERSIONS),
    ),
    (
        "target-counter-agg-rule",
        "in a heatmap",
        expr("sum by (le) (cortex_proxy_stream_gap_seconds_bucket{@})", GAPS, ""),
    ),
    ("target/legend", "dropped by the aggregation", target(REQUESTS, "legendFormat", to="{{status_class}} {{route}}")),
    ("target/legend", "dropped by a quantile", target(FIRST_TOKEN, "legendFormat", to="{{le}}")),
    ("target/legend", "of an annotation", put(*B, "annotations", "list", 1, "titleFormat", to="{{commit}}")),
    (
        "target/legend-same",
        "fixed",
        also(
            target(REQUESTS, "legendFormat", to="requests"), drop(*B, "panels", 0, "fieldConfig", "defaults", "links")
        ),
    ),
    (
        "target/letters",
        "one twice",
        more(
            "panels.4.targets",
            {"refId": "A", "datasource": {"type": "prometheus", "uid": "${datasource}"}, "expr": "vector(1)"},
        ),
    ),
    (
        "target/exemplars",
        "of a gauge",
        also(
            expr("sum by (job) (cortex_proxy_streams_active{@})", BREAKER, "{{job}}"),
            panel(BREAKER, "type", to="timeseries"),
            target(BREAKER, "exemplar", to=True),
        ),
    ),
    (
        "target/panel",
        "gone",
        also(
            panel(BREAKER, "datasource", to={"uid": "-- Dashboard --"}),
            panel(
                BREAKER,
                "targets",
                to=[{"refId": "A", "panelId": 99, "datasource": {"type": "datasource", "uid": "-- Dashboard --"}}],
            ),
        ),
    ),
    # --- the catalogue
    ("promql/series", "a suffix too few", expr(RATE.replace("requests_total", "requests"))),
    (
        "promql/series",
        "the name before a rename",
        expr(
            "sum by (job) (rate(gen_ai_client_operation_duration_seconds_count{@}[$__rate_interval]))",
            BREAKER,
            "p90 {{job}}",
        ),
    ),
    ("promql/series", "of a rule", alert("sum by (job) (rate(cortex_proxy_retries_total[5m])) > 1")),
    ("promql/series", "recorded by nobody", alert("slo:tokens:ratio > 1")),
    ("promql/series", "of a variable", put(*JOB, "query", to="label_values(cortex_proxy_builds_info, job)")),
    (
        "promql/series",
        "of a managed alert",
        put(*MANAGED_RULE, "data", 0, "model", "expr", to="sum by (job) (cortex_proxy_streams_open) > 5"),
    ),
    ("names/label", "in a matcher", expr(RATE.replace("@", '@,status="5xx"'))),
    (
        "names/label",
        "of a rule",
        alert('sum by (job) (rate(cortex_proxy_upstream_retries_total{status="429"}[5m])) > 1'),
    ),
    (
        "names/grouping",
        "in an aggregation",
        expr(
            "sum by (reason, cause) (rate(cortex_proxy_stream_end_total{@}[$__rate_interval]))", REQUESTS, "{{reason}}"
        ),
    ),
    ("names/grouping", "of what was aggregated away", expr(f"max by (method) ({RATE})", REQUESTS, "")),
    (
        "names/value",
        "misspelt",
        expr(ENDS.replace("@", '@,reason="complete"').replace("by (reason)", "by (job)"), REQUESTS, "{{job}}"),
    ),
    (
        "names/value",
        "one of several",
        expr(ENDS.replace("@", '@,reason=~"completed|client_left"'), REQUESTS, "{{reason}}"),
    ),
    ("names/value", "of a negation", expr(RATE.replace("@", '@,status_class!="500"'))),
    ("names/value", "of a record's label", alert('slo:first_token_errors:ratio{slo="b"} > 0.1')),
    (
        "names/value",
        "of an alert that is none",
        expr('sum by (job) (ALERTS{job=~"$job",alertname="FirstTokenSlov"})', VERSIONS),
    ),
    (
        "names/bound",
        "no such bound",
        rule(0, "expr", to='sum by (job) (rate(cortex_proxy_stream_first_token_seconds_bucket{le="2.4"}[10m]))'),
    ),
    (
        "names/bound",
        "a whole number",
        rule(0, "expr", to='sum by (job) (rate(cortex_proxy_stream_first_token_seconds_bucket{le="1"}[10m]))'),
    ),
    (
        "names/quantile",
        "no le",
        also(
            expr(
                "histogram_quantile(0.9, sum by (job) (rate(cortex_proxy_stream_gap_seconds_bucket{@}[$__range])))",
                BREAKER,
                "{{job}}",
            ),
            default(BREAKER, "unit", to="s"),
        ),
    ),
    (
        "names/quantile",
        "per cent",
        expr(
            f"histogram_quantile(95, sum by (le) (rate({FIRST}_bucket{{@}}[$__rate_interval])))",
            FIRST_TOKEN,
            "p95",
        ),
    ),
    (
        "names/quantile",
        "of no buckets",
        expr('histogram_quantile(0.5, sum by (job) (slo:first_token_errors:ratio{job=~"$job"}))', VERSIONS),
    ),
    (
        "names/kind",
        "the rate of a gauge",
        also(
            expr("sum by (job) (rate(cortex_proxy_streams_active{@}[$__rate_interval]))", BREAKER, "{{job}}"),
            default(BREAKER, "unit", to="cps"),
        ),
    ),
    (
        "names/added-up",
        "the largest of what processes count",
        expr("max by (status_class) (rate(cortex_proxy_requests_total{@}[$__rate_interval]))"),
    ),
    (
        "names/added-up",
        "the sum of states",
        expr("sum by (surface) (cortex_proxy_breaker_state{@})", BREAKER, "{{surface}}"),
    ),
    (
        "target/quantile",
        "a median that is called p95",
        expr(
            "histogram_quantile(0.5, sum by (le) "
            "(rate(cortex_proxy_stream_first_token_seconds_bucket{@}[$__rate_interval])))",
            FIRST_TOKEN,
            "p95",
        ),
    ),
    ("names/kind", "the slope of a counter", alert("sum by (job) (deriv(process_cpu_time_seconds_total[5m])) > 1")),
    ("names/unit", "milliseconds", default(FIRST_TOKEN, "unit", to="ms")),
    ("names/unit", "per cent of a share", default(BUDGET, "unit", to="percent")),
    ("names/unit", "requests as seconds", default(REQUESTS, "unit", to="s")),
    ("names/unit", "a rate as a bare number", default(REQUESTS, "unit", to="short")),
    ("names/unit", "money as a number", panel(ROW, "panels", 0, "fieldConfig", "defaults", "unit", to="short")),
    ("names/unit", "of a heatmap's axis", panel(GAPS, "options", "yAxis", "unit", to="ms")),
    (
        "names/unit",
        "by override",
        panel(
            FIRST_TOKEN,
            "fieldConfig",
            "overrides",
            to=[{"matcher": {"id": "byFrameRefID", "options": "A"}, "properties": [{"id": "unit", "value": "bytes"}]}],
        ),
    ),
    ("names/field", "in a filter", lines('{level=~"$level"} | json | took > 5')),
    (
        "names/field",
        "in an aggregation",
        lines('sum by (colour) (count_over_time({level=~"$level"} | json [$__auto]))'),
    ),
    ("names/event", "one of two", lines('{level=~"$level"} | json | event=~"request|stream over"')),
    ("names/attribute", "of a span", spans('{ span.http.path = "/" }')),
    ("names/attribute", "of anything", spans('{ .cortex.reason = "x" }')),
    ("names/level", "another word", lines('{level=~"$level"} | json | level="warn"')),
    ("target/logql-legend", "dropped", put(*L, "panels", 0, "targets", 0, "legendFormat", to="{{route}}")),
    ("names/unit", "a state in seconds", default(BREAKER, "unit", to="s")),
    ("names/unit", "of a heatmap's cells", panel(GAPS, "options", "cellValues", to={"unit": "s"})),
    ("panel/columns", "dropped by the query", panel(VERSIONS, "transformations", to=[ORGANIZE])),
    (
        "panel/told",
        "a line of nobody's",
        default(BUDGET, "thresholds", to={"steps": [{"value": None}, {"value": 0.7}]}),
    ),
    (
        "promql/same",
        "a matcher that was lost",
        alert(f"sum by (job) (rate({RETRIES}[5m])) / (sum by (job) (rate({RETRIES}[5m])) > 0) > 0.5"),
    ),
    (
        "alerts/windows",
        "another number for the short one",
        also(
            put("rules", "d/ends.yaml", to={"groups": [{"name": "ends", "rules": ENDS_OF_WINDOWS}]}),
            alert("made:ends:rate1h > 14.4 * 0.01 and on (job) made:ends:rate5m > 6 * 0.01"),
        ),
    ),
    (
        "rule/siblings",
        "one of four",
        also(
            *(
                record(f"made:ends:rate{window}", f"sum by (job) (rate({ENDED}[{window}]))")
                for window in ("5m", "1h", "6h")
            ),
            record("made:ends:rate1d", f'sum by (job) (rate({ENDED}{{reason="completed"}}[1d]))'),
        ),
    ),
    ("promql/guard", "above one", alert(f"{ALERT_OF_JOB} / (sum by (job) (rate({ENDED}[5m])) > 1) > 0.5")),
    ("alerts/volume", "turned round", alert(f"{ALERT_OF_JOB} > 1 and sum by (job) (increase({RETRIES}[5m])) <= 5")),
    # --- PromQL
    ("promql/syntax", "of a rule", rule(0, "expr", to="sum by (job) (rate(x[$__rate_interval]))")),
    (
        "promql/counter",
        "above a number",
        alert('sum by (job) (cortex_proxy_stream_end_total{reason="upstream_truncated"}) > 10'),
    ),
    ("promql/rate", "two scrapes", alert("sum by (job) (rate(cortex_proxy_upstream_retries_total[30s])) > 1")),
    (
        "promql/rate-of-sum",
        "by subquery",
        alert("max by (job) (rate(sum by (job) (cortex_proxy_tokens_total)[5m:15s])) > 1"),
    ),
    ("promql/regexp", "of one value", expr(RATE.replace("@", '@,status_class=~"5xx"'))),
    ("promql/regexp", "anchored", expr(RATE.replace("@", '@,status_class=~"^[45]xx$"'))),
    ("promql/selector", "of any name", expr('count by (job) ({@,surface="agent"})', VERSIONS)),
    ("promql/aggregate", "the job is lost", alert("sum(rate(cortex_proxy_upstream_retries_total[5m])) > 1")),
    ("promql/features", "switched on by few", expr("limitk by (job) (3, cortex_proxy_streams_active{@})", VERSIONS)),
    ("promql/offset", "ahead", expr("sum by (job) (cortex_proxy_streams_active{@} offset -5m)", VERSIONS)),
    (
        "promql/nan",
        "a sum of quotients",
        expr("sum by (job) (cortex_proxy_streams_active{@} / cortex_proxy_streams_capacity{@})", VERSIONS),
    ),
    (
        "promql/vector_matching",
        "a label on one side",
        alert(f"sum by (job, surface) (rate(cortex_proxy_upstream_retries_total[5m])) / {ALERT_OF_JOB} > 0.5"),
    ),
    (
        "promql/vector_matching",
        "several for one",
        alert(
            "sum by (job) (rate(cortex_proxy_upstream_retries_total[5m])) * on (job) cortex_proxy_streams_capacity > 1"
        ),
    ),
    (
        "promql/vector_matching",
        "a record without instances",
        alert('cortex_proxy_streams_active unless slo:first_token_errors:ratio{slo="a"} > 1'),
    ),
    ("promql/impossible", "below zero", alert(f"{ALERT_OF_JOB} < 0")),
    ("promql/impossible", "always", alert(f"{ALERT_OF_JOB} >= 0")),
    ("promql/impossible", "on what neither has", alert(f"{ALERT_OF_JOB} and on (job, pod) {ALERT_OF_JOB} > 1")),
    # --- alerts
    (
        "alerts/absent",
        "at once",
        also(alert('absent(cortex_proxy_build_info{job="cortex-proxy"})'), drop(*GROUP, "rules", 1, "for")),
    ),
    ("alerts/annotation", "no runbook", drop(*GROUP, "rules", 1, "annotations", "runbook_url")),
    ("alerts/annotation", "values in the summary", rule(1, "annotations", "summary", to="{{ $labels.job }} is slow.")),
    ("alerts/comparison", "none", alert(ALERT_OF_JOB)),
    ("alerts/comparison", "bool", alert(f"{ALERT_OF_JOB} > bool 1")),
    ("alerts/count", "by every label", alert("rate(cortex_proxy_requests_total[5m]) > 1")),
    ("alerts/count", "by bucket", alert("sum by (job, le) (rate(cortex_proxy_stream_gap_seconds_bucket[5m])) > 1")),
    ("alerts/for", "zero", rule(1, "for", to="0s")),
    ("alerts/for", "no duration", rule(1, "keep_firing_for", to="soon")),
    ("alerts/template", "a label that is gone", rule(1, "annotations", "description", to="{{ $labels.instance }}")),
    ("alerts/template", "a function that is none", rule(1, "annotations", "description", to="{{ $value | humanise }}")),
    ("alerts/template", "open braces", rule(1, "annotations", "description", to="{{ $value }")),
    ("alerts/template", "a value in a label", rule(1, "labels", "size", to="{{ $value }}")),
    ("promql/fragile", "a choice", alert("topk by (job) (1, cortex_proxy_streams_active) > 5")),
    (
        "promql/fragile",
        "two jobs at once",
        also(
            alert('sum by (job) (up{job="a"}) / ignoring (job) group_left sum by (job) (up{job="b"}) > 2'),
            drop(*GROUP, "rules", 1, "for"),
        ),
    ),
    ("group/interval", "each ten minutes", also(put(*GROUP, "interval", to="10m"), rule(1, "for", to="20m"))),
    (
        "rule/dependency",
        "recorded later",
        also(rule(0, "expr", to="max by (job) (slo:made:ratio)"), record("slo:made:ratio", "max by (job) (up)")),
    ),
    ("rule/duplicate", "twice", record("slo:first_token_errors:ratio", "max by (job) (up)", slo="a")),
    ("rule/for", "two days", rule(1, "for", to="2d")),
    ("rule/for", "less than an evaluation", rule(1, "for", to="10s")),
    ("rule/label", "no severity", rule(1, "labels", to={})),
    ("rule/label", "one that routing does not know", rule(1, "labels", "severity", to="page")),
    ("rule/name", "of an alert", rule(1, "alert", to="first token slow")),
    ("rule/name", "of a record", record("first_token", "max by (job) (up)")),
    # --- links
    ("link/dashboard", "gone", default(REQUESTS, "links", to=[{"url": "/d/d-tools"}])),
    ("link/dashboard", "a panel that is gone", default(REQUESTS, "links", to=[{"url": "/d/d-logs?viewPanel=12"}])),
    (
        "link/dashboard",
        "a variable that it does not know",
        default(REQUESTS, "links", to=[{"url": "/d/d-logs?var-pod=a"}]),
    ),
    ("link/dashboard", "of the dashboard", more("links", {"type": "link", "url": "d/d-nothing/x"})),
    ("link/tags", "borne by none", put(*B, "links", 0, "tags", to=["makes"])),
    (
        "link/field",
        "dropped by the query",
        default(REQUESTS, "links", to=[{"url": "/d/d-logs?var-level=${__field.labels.route}"}]),
    ),
    ("link/several", "as one text", default(REQUESTS, "links", to=[{"url": "/d/d-logs?var-job=$job"}])),
    ("link/alert-panel", "no such panel", rule(1, "annotations", "panel", to="overview/first-tokens")),
    ("link/alert-panel", "no such dashboard", rule(1, "annotations", "dashboard", to="d-over")),
    ("link/alert-shown", "another panel", rule(1, "annotations", "panel", to="overview/gaps")),
    (
        "link/threshold",
        "another number in the alert",
        rule(
            1,
            "expr",
            to=f"histogram_quantile(0.95, sum by (job, le) (rate({FIRST}_bucket[10m]))) > 3.5",
        ),
    ),
    ("link/threshold", "another number in the panel", default(FIRST_TOKEN, "thresholds", "steps", 1, "value", to=1)),
    (
        "link/threshold",
        "the comparison turned round",
        rule(
            1,
            "expr",
            to=f"histogram_quantile(0.95, sum by (job, le) (rate({FIRST}_bucket[10m]))) < 2.5",
        ),
    ),
    (
        "link/threshold",
        "by override, for the alert's query",
        panel(
            FIRST_TOKEN,
            "fieldConfig",
            "overrides",
            to=[
                {
                    "matcher": {"id": "byFrameRefID", "options": "A"},
                    "properties": [{"id": "thresholds", "value": {"steps": [{"value": None}, {"value": 1}]}}],
                }
            ],
        ),
    ),
    ("rule/link", "no such page", rule(1, "annotations", "runbook_url", to="runbooks/FirstTokensSlow.md")),
    # --- provisioning
    ("provisioning/interval", "none", put("provisioning", SOURCES, "datasources", 0, "jsonData", to={})),
    ("provisioning/interval", "not the scrape's", put("provisioning", SCRAPES, "global", "scrape_interval", to="1m")),
    ("provisioning/uid", "none", put("provisioning", SOURCES, "datasources", 1, "uid", to="")),
    (
        "provisioning/uid",
        "of a source that is gone",
        put("provisioning", SOURCES, "datasources", 1, "jsonData", "derivedFields", 0, "datasourceUid", to="tempo"),
    ),
    ("provisioning/uid", "of an alert", put(*MANAGED_RULE, "uid", to="x" * 41)),
    ("provisioning/version", "none", drop("provisioning", PROVIDER, "apiVersion")),
    (
        "provisioning/dollar",
        "one",
        put("provisioning", SOURCES, "datasources", 1, "jsonData", "derivedFields", 0, "url", to="${__value.raw}"),
    ),
    ("provisioning/provider", "no path", put("provisioning", PROVIDER, "providers", 0, "options", to={})),
    (
        "provisioning/provider",
        "stays for ever",
        put("provisioning", PROVIDER, "providers", 0, "disableDeletion", to=True),
    ),
    ("provisioning/condition", "no such step", put(*MANAGED_RULE, "condition", to="C")),
    (
        "provisioning/condition",
        "an expression of none",
        put(*MANAGED_RULE, "data", 1, "model", "expression", to="$Z > 0"),
    ),
    (
        "provisioning/condition",
        "a dashboard's variable",
        put(*MANAGED_RULE, "data", 0, "datasourceUid", to="${datasource}"),
    ),
)


def test_sound_documents_have_no_fault() -> None:
    """Documents in order pass every rule."""
    assert faults(spoiled()) == []


@pytest.mark.parametrize(("name", "change"), [(n, c) for n, _, c in WRONG], ids=[f"{n}: {w}" for n, w, _ in WRONG])
def test_rule_finds_its_fault_alone(name: str, change: Change) -> None:
    """One thing that is wrong is found by the rule that is for it, and by no other."""
    found = faults(spoiled(change))
    assert {each.rule for each in found} == {name}, "\n".join(map(str, found))
    assert all(each.where and each.found and each.todo for each in found)


def test_every_rule_has_a_case_that_fails() -> None:
    """No rule is without a document that it refuses."""
    assert {rule.name for rule in RULES} - {name for name, _, _ in WRONG} == set()


def test_rules_have_names_of_their_own() -> None:
    """A rule's name says which rule it is."""
    assert len({rule.name for rule in RULES}) == len(RULES)
