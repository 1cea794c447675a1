"""What looks odd and is right has no fault; what peers have shipped and regretted has one."""

from __future__ import annotations

import pytest

from dashboards.check import Documents, faults
from dashboards.check.tests.made import (
    BOARD,
    BREAKER,
    BUDGET,
    FIRST_TOKEN,
    LOGS,
    REQUESTS,
    RULES,
    SOURCES,
    VERSIONS,
    Change,
    alert,
    also,
    default,
    drop,
    expr,
    panel,
    put,
    rule,
    sound,
    spoiled,
    target,
)

B, L = ("dashboards", BOARD), ("dashboards", LOGS)
ENDS = "cortex_proxy_stream_end_total"
EACH = f"sum by (job, instance) (rate({ENDS}{{@}}[$__rate_interval]))"
GAP = "cortex_proxy_stream_gap_seconds"
ACTIVE, CAPACITY = "cortex_proxy_streams_active", "cortex_proxy_streams_capacity"
P95 = "histogram_quantile(0.95, sum by (job, le) (rate(cortex_proxy_stream_first_token_seconds_bucket[10m])))"


def number(text: str, unit: str) -> Change:
    """A change of the stat's query and unit."""
    return also(expr(text, BUDGET), default(BUDGET, "unit", to=unit))


def lines(text: str) -> Change:
    """A change of the query that asks Loki."""
    return put(*L, "panels", 0, "targets", 0, "expr", to=text)


RIGHT: tuple[tuple[str, Change], ...] = (
    (
        "a variable with a format",
        expr(f'sum(rate({ENDS}{{job=~"${{job:regex}}",instance=~"[[instance]]"}}[$__rate_interval]))', legend=""),
    ),
    ("one number over the whole range", number(f"sum(increase({ENDS}{{@}}[$__range]))", "short")),
    (
        "a share with a guarded divisor",
        number(
            f'sum(rate({ENDS}{{@,reason="completed"}}[$__range])) / (sum(rate({ENDS}{{@}}[$__range])) > 0)',
            "percentunit",
        ),
    ),
    ("a share in per cent", number(f"100 * sum({ACTIVE}{{@}}) / sum({CAPACITY}{{@}})", "percent")),
    ("what is left of a share", number(f"1 - sum({ACTIVE}{{@}}) / sum({CAPACITY}{{@}})", "percentunit")),
    (
        "a mean of a histogram",
        number(f"sum(rate({GAP}_sum{{@}}[$__range])) / sum(rate({GAP}_count{{@}}[$__range]))", "s"),
    ),
    (
        "a mean in milliseconds",
        number(f"1000 * sum(rate({GAP}_sum{{@}}[$__range])) / sum(rate({GAP}_count{{@}}[$__range]))", "ms"),
    ),
    ("an age", number("time() - max(cortex_proxy_start_time_seconds{@})", "s")),
    ("a date", number("1000 * max(cortex_proxy_start_time_seconds{@})", "dateTimeFromNow")),
    ("processors in use", number("sum(rate(process_cpu_time_seconds_total{@}[$__rate_interval]))", "percentunit")),
    ("money per hour", number("3600 * sum(rate(cortex_proxy_cost_usd_total{@}[$__rate_interval]))", "currencyUSD")),
    ("per minute", number(f"60 * sum(rate({ENDS}{{@}}[$__rate_interval]))", "rpm")),
    ("a unit of its own", number("sum(rate(cortex_proxy_tokens_total{@}[$__rate_interval]))", "suffix: tokens/s")),
    ("zero where there is nothing", number(f"sum(increase({ENDS}{{@}}[$__range])) or vector(0)", "short")),
    (
        "a pattern over values",
        expr(
            f'sum by (reason) (rate({ENDS}{{@,reason=~"upstream_.*|internal"}}[$__rate_interval]))', legend="{{reason}}"
        ),
    ),
    (
        "the value of everything else",
        expr('sum by (model) (rate(cortex_proxy_tokens_total{@,kind!="other"}[$__rate_interval]))', legend="{{model}}"),
    ),
    (
        "a model that the catalogue does not list",
        expr('sum(rate(cortex_proxy_tokens_total{@,model="claude-4"}[$__rate_interval]))', legend=""),
    ),
    (
        "a label joined from another series",
        expr(
            f"{EACH} * on (job, instance) group_left (version) cortex_proxy_build_info{{@}}",
            legend="{{instance}} {{version}}",
        ),
    ),
    (
        "the labels of a resource",
        expr(
            f"{EACH} * on (job, instance) group_left (service_version) target_info{{@}}",
            legend="{{service_version}}",
        ),
    ),
    (
        "a legend of one curve",
        expr(f'sum by (reason) (rate({ENDS}{{@,reason="completed"}}[$__rate_interval]))', legend="completed"),
    ),
    ("a legend that Grafana makes", expr(f"sum by (reason) (rate({ENDS}{{@}}[$__rate_interval]))", legend="__auto")),
    ("a counted counter", expr(f"count by (job) ({ENDS}{{@}})", VERSIONS)),
    ("alerts that fire", expr('count by (alertname, severity) (ALERTS{job=~"$job",alertstate="firing"})', VERSIONS)),
    (
        "a window that readers choose",
        also(
            put(*B, "templating", "list", 1, "description", to=""),
            expr(f"sum(rate({ENDS}{{@}}[$window]))", legend=""),
            lambda raw: raw["dashboards"][BOARD]["templating"]["list"].append(
                {"name": "window", "type": "interval", "query": "5m,1h", "current": {"value": "5m"}}
            ),
        ),
    ),
    (
        "a number that readers choose",
        also(
            expr(f"topk($top, sum by (reason) (rate({ENDS}{{@}}[$__rate_interval])))", legend="{{reason}}"),
            lambda raw: raw["dashboards"][BOARD]["templating"]["list"].append(
                {"name": "top", "type": "custom", "query": "5,10", "current": {"value": "5"}}
            ),
        ),
    ),
    (
        "a dollar at the end of a pattern",
        expr(
            'sum by (route) (rate(cortex_proxy_requests_total{@,route=~"/api/v1/.+"}[$__rate_interval]))',
            legend="{{route}}",
        ),
    ),
    (
        "a library panel that comes along",
        also(
            panel(BREAKER, "libraryPanel", to={"uid": "lib", "name": "Breaker"}),
            put(*B, "__elements", to={"lib": {"uid": "lib", "name": "Breaker", "kind": 1}}),
        ),
    ),
    (
        "another panel's answer",
        panel(
            BREAKER,
            "targets",
            to=[{"refId": "A", "panelId": 1, "datasource": {"type": "datasource", "uid": "-- Dashboard --"}}],
        ),
    ),
    (
        "an override of a column",
        panel(
            VERSIONS,
            "fieldConfig",
            "overrides",
            to=[
                {
                    "matcher": {"id": "byName", "options": "version"},
                    "properties": [{"id": "links", "value": [{"url": "/d/d-logs?${job:queryparam}"}]}],
                }
            ],
        ),
    ),
    (
        "an override's unit wins",
        also(
            default(BUDGET, "unit", to="s"),
            panel(
                BUDGET,
                "fieldConfig",
                "overrides",
                to=[
                    {
                        "matcher": {"id": "byFrameRefID", "options": "A"},
                        "properties": [{"id": "unit", "value": "percentunit"}],
                    }
                ],
            ),
        ),
    ),
    (
        "a stat of a version",
        also(
            expr("max by (version) (cortex_proxy_build_info{@})", BUDGET, "{{version}}"),
            panel(BUDGET, "options", to={"textMode": "name"}),
            default(BUDGET, "unit", to=""),
        ),
    ),
    ("a dashboard that cannot be edited and has no annotations", drop(*B, "annotations")),
    (
        "a note in a panel of text",
        lambda raw: raw["dashboards"][BOARD]["panels"].append(
            {"id": 30, "type": "text", "title": "Note", "options": {"content": "Costs $USD."}}
        ),
    ),
    (
        "lines with a filter and a format",
        lines('{level=~"$level"} |= "slow" | json | durationMs > 5000 and route != "" | line_format "{{.route}}"'),
    ),
    (
        "a share of lines",
        lines('sum(rate({level="error"} [$__auto])) / sum(rate({level=~"$level"} | logfmt [$__auto])) * 100'),
    ),
    (
        "a quantile of what lines say",
        lines('quantile_over_time(0.95, {level=~"$level"} | json | unwrap durationMs [$__auto]) by (route)'),
    ),
    ("a trace by its id", put(*L, "panels", 1, "targets", 0, "query", to="0af7651916cd43dd8448eb211c80319c")),
    (
        "a search in traces by its form",
        also(
            put(*L, "panels", 1, "targets", 0, "queryType", to="traceqlSearch"),
            put(*L, "panels", 1, "targets", 0, "query", to=""),
        ),
    ),
    (
        "an alert of what is missing",
        also(
            alert('absent(cortex_proxy_build_info{job="cortex-proxy"})'),
            rule(1, "annotations", "description", to="{{ $labels.job }}"),
        ),
    ),
    (
        "an alert with a guard for little traffic",
        rule(1, "expr", to=f"{P95} > 2.5 and sum by (job) (increase({ENDS}[10m])) > 20"),
    ),
    (
        "an alert below a number, with the panel's colours turned round",
        also(
            rule(1, "expr", to=f"{P95} < 2.5"),
            default(
                FIRST_TOKEN,
                "thresholds",
                "steps",
                to=[{"color": "red", "value": None}, {"color": "green", "value": 2.5}],
            ),
        ),
    ),
    (
        "an alert of an increase, and a panel of the rate",
        also(
            alert(f"sum by (job) (increase({ENDS}[10m])) >= 6"),
            expr(f"sum(rate({ENDS}{{@}}[$__rate_interval]))", legend=""),
            rule(1, "annotations", "dashboard", to="d-overview"),
            rule(1, "annotations", "panel", to="overview/requests"),
            default(REQUESTS, "custom", to={"thresholdsStyle": {"mode": "line"}}),
            default(
                REQUESTS,
                "thresholds",
                to={"steps": [{"color": "green", "value": None}, {"color": "red", "value": 0.01}]},
            ),
        ),
    ),
    (
        "an increase over the window of the alert",
        also(alert(f"sum by (job) (increase({ENDS}[10m])) >= 6"), number(f"sum(increase({ENDS}{{@}}[10m]))", "short")),
    ),
    (
        "a line that the description explains",
        also(
            default(BUDGET, "thresholds", to={"steps": [{}, {"value": 0.7}]}),
            panel(BUDGET, "description", to="Red below 70 %."),
        ),
    ),
    (
        "a threshold that shows nowhere",
        also(
            default(FIRST_TOKEN, "custom", to={}),
            default(FIRST_TOKEN, "thresholds", "steps", 1, "value", to=1),
        ),
    ),
    ("an alert of a difference", alert(f"sum by (job) ({CAPACITY}) - sum by (job) ({ACTIVE}) < 0")),
    ("an alert of one process", alert(f"{ACTIVE} / {CAPACITY} > 0.8")),
    (
        "an alert of a state that lasted",
        alert("max by (job, surface) (max_over_time(cortex_proxy_breaker_state[2m])) > 1"),
    ),
    (
        "an alert of two modes at once",
        alert(
            'count by (job) (cortex_proxy_mode_info{mode="live"} == 1)'
            ' and on (job) count by (job) (cortex_proxy_mode_info{mode="rehearsal"} == 1)'
        ),
    ),
    (
        "an alert in two windows",
        alert(
            'max by (job) (slo:first_token_errors:ratio{slo="a"}) > (14.4 * 0.01)'
            " and max by (job) (slo:first_token_errors:ratio) > (14.4 * 0.01)"
        ),
    ),
    ("a restart", alert("changes(cortex_proxy_start_time_seconds[10m]) > 3")),
    (
        "one of a histogram's bounds",
        rule(0, "expr", to='sum by (job) (rate(cortex_proxy_stream_first_token_seconds_bucket{le="0.75"}[5m]))'),
    ),
)


@pytest.mark.parametrize("change", [change for _, change in RIGHT], ids=[name for name, _ in RIGHT])
def test_what_is_right_has_no_fault(change: Change) -> None:
    """Queries and panels that are right pass every rule, however odd they look."""
    assert faults(spoiled(change)) == []


def old(unit: str) -> Documents:
    """A dashboard as Grafana wrote them before its seventh version: rows, panels with units of their own."""
    board = sound()["dashboards"][BOARD]
    stat, graph = board["panels"][BUDGET], board["panels"][FIRST_TOKEN]
    for each, kind, more in (
        (stat, "singlestat", {"format": "percentunit", "thresholds": "1,5"}),
        (graph, "graph", {"yaxes": [{"format": unit}, {"format": "short"}], "thresholds": []}),
    ):
        del each["fieldConfig"], each["targets"][0]["datasource"], each["gridPos"]
        each.update(more, type=kind, datasource="$datasource")
    board["rows"] = [{"title": "All", "panels": [stat, graph]}]
    board["panels"], board["links"] = [], []
    return Documents({BOARD: board}, {RULES: sound()["rules"][RULES]})


def test_dashboards_of_old_form_are_read() -> None:
    """Rows and units of before are found where they were, and are right or wrong as others are."""
    assert faults(old("s")) == []
    assert {(each.rule, each.place) for each in faults(old("ms"))} == {("names/unit", "overview/first-token > A")}


PEERS: tuple[tuple[str, str, Change], ...] = (
    (
        "a suffix that was changed",
        "promql/series",
        expr("sum by (status_class) (rate(cortex_proxy_requests{@}[$__rate_interval]))"),
    ),
    (
        "names before a convention changed",
        "promql/series",
        expr("sum by (job) (rate(gen_ai_client_token_usage_sum{@}[$__rate_interval]))", legend="{{job}}"),
    ),
    (
        "a filter for one vendor's library",
        "names/label",
        expr('sum by (job) (rate(cortex_proxy_tokens_total{@,telemetry_sdk_name="openlit"}[$__rate_interval]))'),
    ),
    (
        "errors with a code over totals without",
        "promql/vector_matching",
        alert(
            "sum by (job, reason) (rate(cortex_proxy_stream_end_total[5m]))"
            " / sum by (job) (rate(cortex_proxy_requests_total[5m])) > 0.1"
        ),
    ),
    (
        "an integer bound, written otherwise by another server",
        "names/bound",
        rule(0, "expr", to='sum by (job) (rate(cortex_proxy_stream_first_token_seconds_bucket{le="1.0"}[5m]))'),
    ),
    (
        "a claimed interval that is not the scrape's",
        "provisioning/interval",
        put("provisioning", SOURCES, "datasources", 0, "jsonData", "timeInterval", to="60s"),
    ),
    (
        "an input that provisioning does not fill",
        "dashboard/inputs",
        put(*B, "__inputs", to=[{"name": "DS_PROMETHEUS", "type": "datasource"}]),
    ),
    (
        "a data source of the author's machine",
        "panel-datasource-rule",
        target(REQUESTS, "datasource", "uid", to="P1809F7CD0C75ACF3"),
    ),
    ("a label that no legend can show", "target/legend", target(REQUESTS, "legendFormat", to="{{model}}")),
    ("a process's counter as a number", "target-counter-agg-rule", number(f"sum({ENDS}{{@}})", "short")),
    (
        "the quantile of a mean",
        "names/quantile",
        expr(f"histogram_quantile(0.95, sum(rate({GAP}_bucket{{@}}[$__rate_interval])))", BREAKER, "p95"),
    ),
    (
        "gone with the instance",
        "target-instance-rule",
        expr('sum by (status_class) (rate(cortex_proxy_requests_total{job=~"$job"}[$__rate_interval]))'),
    ),
    ("an alert on one failure of one", "alerts/comparison", alert(f"sum by (job) (increase({ENDS}[5m]))")),
    (
        "a link to where the dashboards used to be",
        "rule/link",
        rule(1, "annotations", "runbook_url", to="https://example.com/old/FirstToken.md"),
    ),
    (
        "two groups, one a step behind",
        "rule/dependency",
        lambda raw: raw["rules"][RULES]["groups"].append(
            {
                "name": "late",
                "rules": [{"record": "slo:late:ratio", "expr": 'max by (job) (slo:first_token_errors:ratio{slo="a"})'}],
            }
        ),
    ),
)


@pytest.mark.parametrize(("name", "change"), [(n, c) for _, n, c in PEERS], ids=[w for w, _, _ in PEERS])
def test_what_peers_shipped_is_found(name: str, change: Change) -> None:
    """The mistakes that users of others have reported are refused."""
    assert name in {each.rule for each in faults(spoiled(change))}
