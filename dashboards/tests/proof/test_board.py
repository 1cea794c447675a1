"""Dashboards are read as they are imported, and queries filled in as Grafana would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dashboards.proof.board import Choice, Setting, load_all, read, slug_of

SETTING = Setting("cortex-proxy-a|cortex-mock-a", range_s=30)


def document(**changed: Any) -> dict[str, Any]:
    """A dashboard with a panel beside a collapsed row with another."""
    panel = {"title": "Time to first token", "type": "timeseries", "datasource": {"uid": "${datasource}"}}
    return {
        "title": "Cortex · Streaming",
        "templating": {
            "list": [
                {"name": "datasource", "type": "datasource", "query": "prometheus"},
                {"name": "job", "type": "query", "query": "label_values(up{a='b'}, job)"},
            ]
        },
        "panels": [
            {**panel, "targets": [{"refId": "A", "expr": "up"}]},
            {"type": "row", "title": "More", "panels": [{**panel, "title": "Gaps", "targets": [{"refId": "A"}]}]},
        ],
        **changed,
    }


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        pytest.param('up{job=~"$job"}', 'up{job=~"cortex-proxy-a|cortex-mock-a"}', id="bare"),
        pytest.param('up{job=~"${job:regex}"}', 'up{job=~"cortex-proxy-a|cortex-mock-a"}', id="braced"),
        pytest.param("rate(x[$__rate_interval])", "rate(x[4s])", id="four scrapes"),
        pytest.param("increase(x[$__range])", "increase(x[30s])", id="range"),
        pytest.param("x[${__interval}]", "x[1s]", id="interval"),
        pytest.param("$nobody", "$nobody", id="unknown ones stay"),
    ],
)
def test_variables_are_filled_in(text: str, filled: str) -> None:
    """Each form of a variable becomes what Grafana would put there."""
    assert SETTING.fill(text, {}) == filled


def test_panels_of_collapsed_rows_count() -> None:
    """They are among the others; what asks nothing is not."""
    board = read("streaming", document())
    assert [panel.address for panel in board.panels] == ["streaming/time-to-first-token", "streaming/gaps"]


def test_a_panels_language_comes_from_the_variable_it_names() -> None:
    """A data source variable of Prometheus makes it one of Prometheus'."""
    assert read("streaming", document()).panels[0].is_provable
    loki = document(templating={"list": [{"name": "datasource", "type": "datasource", "query": "loki"}]})
    assert not read("streaming", loki).panels[0].is_provable


def test_choices_are_taken_apart() -> None:
    """A variable that asks for label values says of which series, and which label."""
    assert read("streaming", document()).choices == (Choice("job", "up{a='b'}", "job"),)


def test_an_empty_folder_says_what_to_run(tmp_path: Path) -> None:
    """Where nothing is built, the message names the command."""
    with pytest.raises(FileNotFoundError, match="cortex-harness dashboards build"):
        load_all(tmp_path)


def test_addresses_are_slugs() -> None:
    """As scenarios, alerts and runbooks write them."""
    assert slug_of("  Page against proxy (p95) ") == "page-against-proxy-p95"
