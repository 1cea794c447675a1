"""Objectives and what follows from them; how the rules behave is in rules/budgets.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.api import EndReason
from contracts.telemetry import ROUTES, ToolOutcome
from dashboards import slo, thresholds
from dashboards.slo import Objective, SloError

COUNTER = {
    "metric": "cortex_proxy_tool_calls_total",
    "counted": {"outcome": ["ok", "failed"]},
    "bad": {"outcome": ["failed"]},
}
HISTOGRAM = {"metric": "cortex_proxy_stream_first_token_seconds", "within_s": 10.5}


def written(folder: Path, changed: dict[str, Any] | None = None, file: dict[str, Any] | None = None) -> Path:
    """A file with one objective of a counter, and what is changed of either."""
    objective = {
        "name": "tool-success",
        "objective": 99.0,
        "alert": "CortexProxyToolSuccessBudgetBurn",
        "about": "Calls that were answered.",
        "counter": COUNTER,
    } | (changed or {})
    document = {"service": "cortex-proxy", "period_days": 30, "objectives": [objective]} | (file or {})
    path = folder / "slo.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def named(name: str) -> Objective:
    """One of the objectives that the project has."""
    (found,) = [objective for objective in slo.load().objectives if objective.name == name]
    return found


def test_a_sound_file_is_read(tmp_path: Path) -> None:
    """What the tests below change is without fault itself."""
    assert slo.load(written(tmp_path)).objectives[0].budget == 0.01


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"objectve": 99}, "objectives.0.objectve: Extra inputs are not permitted"),
        ({"counter": COUNTER | {"weight": 1}}, "objectives.0.counter.weight: Extra inputs"),
        ({"counter": COUNTER | {"metric": "tool_calls"}}, "tool_calls is no counter of contracts/telemetry.py"),
        ({"counter": COUNTER | {"metric": HISTOGRAM["metric"]}}, "first_token_seconds is no counter"),
        ({"counter": COUNTER | {"bad": {"result": ["failed"]}}}, "has the labels tool, outcome, and not result"),
        ({"counter": COUNTER | {"bad": {"outcome": ["broken"]}}}, "outcome is one of ok, .* and never broken"),
        ({"counter": COUNTER | {"bad": {"outcome": ["refused"]}}}, "bad has outcome refused, which is not counted"),
        ({"counter": COUNTER | {"bad": {}}}, "or every event is a failure"),
        ({"counter": COUNTER | {"bad": COUNTER["counted"]}}, "or every event is a failure"),
        ({"counter": None, "histogram": HISTOGRAM | {"within_s": 10}}, "within_s is 10, which is no bucket bound"),
        ({"counter": None, "histogram": HISTOGRAM | {"metric": "up"}}, "up is no histogram"),
        ({"counter": None}, "needs counter or histogram, one of them"),
        ({"histogram": HISTOGRAM}, "needs counter or histogram, one of them"),
        ({"objective": 100}, "less than 100"),
        ({"objective": 93}, "cannot burn 14.4 times too fast .* more than 93.06 % is needed"),
        ({"alert": "ToolsBroken"}, "objectives.0.alert: String should match"),
        ({"name": "Tool success"}, "objectives.0.name: String should match"),
    ],
    ids=[
        "a strange key",
        "a strange key within",
        "no metric",
        "no counter",
        "a strange label",
        "a strange value",
        "bad outside of what is counted",
        "nothing bad",
        "everything bad",
        "no bucket bound",
        "no histogram",
        "no indicator",
        "two indicators",
        "a promise without a budget",
        "a budget too large for the page",
        "another alert's name",
        "a name with spaces",
    ],
)
def test_a_fault_in_the_file_is_named(tmp_path: Path, changed: dict[str, Any], complaint: str) -> None:
    """The error says where the fault is, and what would be right."""
    with pytest.raises(SloError, match=complaint):
        slo.load(written(tmp_path, changed))


@pytest.mark.parametrize(
    ("file", "complaint"),
    [
        ({"period_days": 28}, "period_days: Input should be 30"),
        ({"objectives": []}, "objectives: there is none"),
        ({"owner": "me"}, "owner: Extra inputs"),
    ],
    ids=["another period", "no objective", "a strange key"],
)
def test_a_fault_of_the_whole_file_is_named(tmp_path: Path, file: dict[str, Any], complaint: str) -> None:
    """The recorded names say thirty days, so that no other period is taken."""
    with pytest.raises(SloError, match=complaint):
        slo.load(written(tmp_path, file=file))


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    """One run shows all there is to mend, each on a line of its own."""
    with pytest.raises(SloError) as caught:
        slo.load(written(tmp_path, {"objective": 12, "colour": "red"}, {"owner": "me"}))
    told = str(caught.value).splitlines()
    assert len(told) == 3
    assert all(line.startswith(f"{tmp_path}/slo.yaml: ") for line in told)


def test_two_objectives_of_one_name_are_refused(tmp_path: Path) -> None:
    """Their series would be the same."""
    path = written(tmp_path)
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["objectives"] *= 2
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(SloError, match="name tool-success is there twice"):
        slo.load(path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read: No such file"),
        (b"a: [", "is no YAML"),
        (b"\xff\xfe\xff", "is no YAML"),
        (b"", "the file: Input should be"),
    ],
    ids=["missing", "no YAML", "no text", "empty"],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    """Missing, broken and empty files are told apart."""
    path = tmp_path / "slo.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SloError, match=complaint):
        slo.load(path)


def test_the_four_promises() -> None:
    """What callers are promised, in per cent."""
    assert {objective.name: objective.objective for objective in slo.load().objectives} == {
        "availability": 99.5,
        "first-token": 95.0,
        "stream-completion": 99.0,
        "tool-success": 99.0,
    }


def test_every_way_for_a_stream_to_end_is_decided() -> None:
    """Counted, or left out because its reader was gone: a new reason has to be put on one side."""
    counter = named("stream-completion").counter
    assert counter is not None
    assert set(counter.counted["reason"]) == set(EndReason) - {EndReason.CLIENT_GONE, EndReason.CLIENT_SLOW}
    assert set(counter.counted["reason"]) - set(counter.bad["reason"]) == {"completed", "cancelled"}


def test_every_way_for_a_tool_call_to_end_is_decided() -> None:
    """Refusing is work done; who left is not counted."""
    counter = named("tool-success").counter
    assert counter is not None
    assert set(counter.counted["outcome"]) == set(ToolOutcome) - {ToolOutcome.CANCELLED}
    assert counter.bad == {"outcome": ("failed",)}


def test_availability_counts_the_whole_api_and_no_probe() -> None:
    """Everything under the API's prefix but what is asked to watch the proxy, or to read about it."""
    counter = named("availability").counter
    assert counter is not None
    watching = ("livez", "readyz", "status", "openapi.json", "docs")
    assert set(counter.counted["route"]) == {
        route for route in ROUTES if route.startswith("/api/v1/") and not route.endswith(watching)
    }


def test_a_counter_is_asked_for_its_bad_and_all_its_counted_events() -> None:
    """Bad is what is counted, narrowed down."""
    sli = named("tool-success").sli
    assert sli.bad_rate("5m") == 'sum by (job) (rate(cortex_proxy_tool_calls_total{outcome="failed"}[5m]))'
    assert sli.total_rate("5m") == (
        'sum by (job) (rate(cortex_proxy_tool_calls_total{outcome=~"ok|refused|failed"}[5m]))'
    )
    assert sli.bad_count("1h") == 'sum by (job) (increase(cortex_proxy_tool_calls_total{outcome="failed"}[1h]))'


def test_a_histogram_is_asked_for_what_lies_beyond_its_bound() -> None:
    """All measurements, less those within."""
    name = "cortex_proxy_stream_first_token_seconds"
    sli = named("first-token").sli
    assert sli.bad_rate("5m") == (
        f'(sum by (job) (rate({name}_count[5m])) - sum by (job) (rate({name}_bucket{{le="10.5"}}[5m])))'
    )
    assert sli.total_rate("5m") == f"sum by (job) (rate({name}_count[5m]))"


def test_sloths_names_are_all_recorded() -> None:
    """What Sloth's dashboards ask for is there for each objective, with its labels."""
    slos = slo.load()
    for objective in slos.objectives:
        records = slo.records(slos, objective)
        windows = {record.name: record.labels["sloth_window"] for record in records if "sloth_window" in record.labels}
        assert windows == {
            f"slo:sli_error:ratio_rate{window}": window for window in ("5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d")
        }
        assert {record.name for record in records} - windows.keys() == {
            "slo:sli_error:rate5m",
            "slo:sli_total:rate5m",
            "slo:objective:ratio",
            "slo:error_budget:ratio",
            "slo:time_period:days",
            "slo:current_burn_rate:ratio",
            "slo:period_burn_rate:ratio",
            "slo:period_error_budget_remaining:ratio",
            "sloth_slo_info",
        }
        for record in records:
            assert record.labels["sloth_id"] == f"cortex-proxy-{objective.name}"
            assert (record.labels["sloth_service"], record.labels["sloth_slo"]) == ("cortex-proxy", objective.name)


def test_a_burn_alert_asks_both_its_windows_and_for_enough_failures() -> None:
    """The share above its limit over long and short, and five failures at least."""
    slos = slo.load()
    alert = slo.burn_alerts(slos, named("tool-success"))[1]
    assert alert.expr.splitlines() == [
        'slo:sli_error:ratio_rate6h{sloth_id="cortex-proxy-tool-success"} > 6 * 0.01',
        "and on (job, sloth_id)",
        'slo:sli_error:ratio_rate30m{sloth_id="cortex-proxy-tool-success"} > 6 * 0.01',
        "and on (job)",
        'sum by (job) (increase(cortex_proxy_tool_calls_total{outcome="failed"}[6h])) >= 5',
    ]
    assert thresholds.BURN_LEAST == 5


def test_pages_and_tickets_are_told_apart_as_sloth_does() -> None:
    """Two pairs of windows page, two file a ticket."""
    slos = slo.load()
    found = [
        (alert.labels["sloth_severity"], alert.severity.value, alert.labels["sloth_window"])
        for alert in slo.burn_alerts(slos, named("availability"))
    ]
    assert found == [
        ("page", "critical", "1h"),
        ("page", "critical", "6h"),
        ("ticket", "warning", "1d"),
        ("ticket", "warning", "3d"),
    ]
