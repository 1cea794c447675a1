"""The page of the catalogue says everything that is in the catalogues, and where it is used."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from contracts import traces
from contracts.telemetry import ALL_METRICS
from dashboards import catalogue, rules
from dashboards.check.model import Documents
from dashboards.check.view import look

BOARD = {
    "uid": "cortex-streaming",
    "templating": {"list": [{"name": "datasource", "type": "datasource", "query": "prometheus"}]},
    "annotations": {
        "list": [
            {
                "name": "Deploys",
                "datasource": {"type": "prometheus", "uid": "${datasource}"},
                "expr": "changes(cortex_proxy_start_time_seconds[1m]) > 0",
            }
        ]
    },
    "panels": [
        {
            "type": "timeseries",
            "title": "Gaps",
            "targets": [
                {"refId": "A", "expr": "sum(rate(cortex_proxy_stream_gap_seconds_bucket[$__rate_interval]))"},
                {"refId": "B", "expr": 'slo:current_burn_rate:ratio{sloth_id="cortex-proxy-tool-success"}'},
            ],
        }
    ],
}


def used() -> catalogue.Uses:
    """Where one small dashboard and the shipped rules use metrics."""
    return catalogue.uses(look(Documents(dashboards={"streaming.json": BOARD}, rules=rules.documents())))


def test_every_metric_span_field_and_event_is_on_the_page() -> None:
    """With its name in Prometheus, its buckets and each value of its labels."""
    text = catalogue.page(catalogue.Uses())
    for metric in ALL_METRICS:
        section = text.split(f"### {metric.exposed}\n")[1].split("\n### ")[0]
        assert metric.help in section
        for label, values in zip(metric.exposed_labels, metric.labels.values(), strict=True):
            assert f"`{label}`" in section
            assert all(f"`{value}`" in section for value in values if value)
        assert all(f"{bound:g}" in section for bound in metric.buckets)
    for name in (*(event.event for event in traces.LOG_EVENTS), *traces.LOG_FIELDS):
        assert name in text
    assert all(attribute.name in text for span in traces.SPANS for attribute in span.attributes)


def test_headings_are_unique() -> None:
    """A link from the index leads to its metric."""
    headings = re.findall(r"(?m)^### (.+)$", catalogue.page(catalogue.Uses()))
    assert len(headings) == len(set(headings))


def test_panels_and_alerts_are_told_through_what_was_recorded() -> None:
    """A histogram's buckets count for the histogram, a burn rate for what it was recorded from and for nothing else."""
    found = used()
    assert found.panels["cortex_proxy_stream_gap_seconds"] == ["streaming/gaps"]
    assert found.panels["cortex_proxy_tool_calls_total"] == ["streaming/gaps"]
    assert found.alerts["cortex_proxy_tool_calls_total"] == ["CortexProxyToolSuccessBudgetBurn"]
    assert "CortexProxyStreamsBroken" in found.alerts["cortex_proxy_stream_end_total"]
    assert "cortex_proxy_requests_total" not in found.panels
    assert found.marks == {"cortex_proxy_start_time_seconds": ["Deploys"]}


def test_the_page_names_panels_and_runbooks() -> None:
    """An alert's name leads to its page."""
    section = catalogue.page(used()).split("### cortex_proxy_tool_calls_total\n")[1].split("\n### ")[0]
    assert "- Panels: `streaming/gaps`" in section
    assert "[CortexProxyToolSuccessBudgetBurn](../dashboards/runbooks/CortexProxyToolSuccessBudgetBurn.md)" in section


def test_long_lists_of_values_are_folded() -> None:
    """A reader who wants to know what a metric means need not scroll past its routes."""
    section = catalogue.page(catalogue.Uses()).split("### cortex_proxy_requests_total\n")[1].split("\n### ")[0]
    assert "- `route`: <details>" in section
    assert "- `status_class`: `2xx`" in section


def test_dashboards_are_read_from_their_folder(tmp_path: Path) -> None:
    """Without a dashboard there is no panel; with one there is."""
    assert "Panels:" not in catalogue.shipped(tmp_path)
    (tmp_path / "streaming.json").write_text(json.dumps(BOARD), encoding="utf-8")
    assert "- Panels: `streaming/gaps`" in catalogue.shipped(tmp_path)


def test_the_shipped_page_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    """docs/telemetry.md is what would be written."""
    assert catalogue.main(["--check"]) == 0
    assert capsys.readouterr().err == ""


def test_a_stale_or_missing_page_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The check exits with 4 and writes nothing; writing mends it."""
    page = tmp_path / "telemetry.md"
    assert catalogue.main(["--check"], page) == catalogue.EXIT_STALE
    assert not page.exists()
    page.write_text("# Telemetry\n", encoding="utf-8")
    assert catalogue.main(["--check"], page) == catalogue.EXIT_STALE
    assert "telemetry.md is stale: run python -m dashboards.catalogue" in capsys.readouterr().err
    assert catalogue.main([], page) == 0
    assert catalogue.main(["--check"], page) == 0
