"""What is committed is what the sources say, and all of the catalogue is on some panel."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from contracts.telemetry import ALL_METRICS, Metric, MetricKind
from dashboards import build, check
from dashboards.panels import COLUMNS, Board, Panel, address

PROMISED = """
overview: mode version availability first-token stream-completion tool-success error-budget-remaining burn-rate
  alerts-firing requests errors duration streams-open export-failures label-overflow scrapes
streaming: stream-endings completion-ratio time-to-first-token first-token-by-stage first-event gaps stalls
  stream-duration streams-open
upstream: attempts upstream-latency upstream-errors retries retry-amplification retry-budget budget-denials
  breaker-state throttled credentials-refused certificate-and-key-age
limits: decisions refusals headroom stream-capacity session-tokens stores history-turns history-write-time
  history-waiting memory processor threads descriptors
tools: tool-calls tool-success-ratio tool-duration tool-outcomes agent-depth agent-depth-quantiles
tokens: tokens tokens-by-model cost cost-over-range cost-by-model unpriced-calls tokens-per-turn cached-share
clients: first-token-in-the-page page-against-proxy largest-contentful-paint interaction-to-next-paint layout-shift
  stream-outcomes page-errors silences measurements-dropped
logs: log-volume warnings-and-errors requests traces slow-turns
harness: mock-requests mock-misses mock-matches frame-lateness frames faults mock-streams mock-telemetry-dropped mock-up
  suite-results suite-duration suite-age test-times flaky-tests
"""
"""Panels that alerts, runbooks, scenarios and people's bookmarks name."""

UNITS = {"s": {"s"}, "By": {"bytes"}}


GENERATED = build.documents()
DASHBOARDS = {name: json.loads(text) for name, text in GENERATED.items() if name.startswith("dashboards/")}


def every_panel() -> list[tuple[Board, Panel]]:
    """All panels with their boards."""
    return [(board, panel) for board in build.BOARDS for panel in board.panels()]


def test_what_is_committed_is_current() -> None:
    """Nobody has to build what they import; a changed source without its output fails here."""
    assert build.stale_files(GENERATED, build.FOLDER) == []


def test_stale_files_are_named_and_then_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A check exits 4 and touches nothing; a build writes what differs and removes what nothing generates."""
    build.run(check=False, folder=tmp_path)
    changed, gone, extra = (tmp_path / "dashboards" / f"{name}.json" for name in ("overview", "tools", "of-last-year"))
    changed.write_text("{}", encoding="utf-8")
    gone.unlink()
    extra.write_text("{}", encoding="utf-8")
    capsys.readouterr()

    assert build.run(check=True, folder=tmp_path) == 4
    told = capsys.readouterr().err
    assert [each.name in told for each in (changed, gone, extra)] == [True, True, True]
    assert changed.read_text(encoding="utf-8") == "{}"

    assert build.run(check=False, folder=tmp_path) == 0
    assert (build.run(check=True, folder=tmp_path), extra.exists()) == (0, False)


def test_the_panels_that_others_name_are_there() -> None:
    """An address that a page or an alert names does not disappear unnoticed."""
    promised = {
        f"{line.partition(':')[0].strip()}/{name}"
        for line in re.sub(r"\n  +", " ", PROMISED.strip()).splitlines()
        for name in line.partition(":")[2].split()
    }
    assert promised <= {address(board.slug, panel.title) for board, panel in every_panel()}


@pytest.mark.parametrize("metric", ALL_METRICS, ids=lambda metric: metric.name)
def test_everything_that_is_measured_is_shown(metric: Metric) -> None:
    """A metric that no panel shows is a cost without a use."""
    suffix = r"(_bucket|_sum|_count)" if metric.kind is MetricKind.HISTOGRAM else ""
    asked = re.compile(rf"\b{metric.exposed}{suffix}\b")
    panels = [target.expr for _, panel in every_panel() for target in panel.targets]
    annotations = [each["expr"] for board in DASHBOARDS.values() for each in board["annotations"].get("list", [])]
    assert any(asked.search(expr) for expr in [*panels, *annotations])


def test_links_lead_to_dashboards_that_are_there() -> None:
    """From a sign to its cause there is a way, and it ends somewhere."""
    uids = {board["uid"] for board in DASHBOARDS.values()}
    panels = [panel for board in DASHBOARDS.values() for panel in board["panels"]]
    led_to = {re.sub(r"^/d/|\?.*", "", link["url"]) for panel in panels for link in panel.get("links", [])}
    assert led_to
    assert led_to <= uids


def test_what_is_committed_has_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    """Our own check, which knows the catalogue's names and labels, finds nothing in our own files."""
    assert check.run([build.FOLDER], promtool=False) == 0, capsys.readouterr().out


def test_lines_are_full() -> None:
    """A hole in a board looks like a panel that is missing."""
    for name, board in DASHBOARDS.items():
        lines: dict[int, int] = {}
        for at in (panel["gridPos"] for panel in board["panels"]):
            lines[at["y"]] = lines.get(at["y"], 0) + at["w"]
        assert set(lines.values()) == {COLUMNS}, name


def test_ids_are_distinct_within_a_board() -> None:
    """Links name panels by their id; rows have ids, too."""
    for name, board in DASHBOARDS.items():
        ids = [panel["id"] for panel in board["panels"]]
        assert len(ids) == len(set(ids)), name


def test_quantiles_are_shown_in_the_unit_of_what_was_measured() -> None:
    """Seconds are shown as seconds and bytes as bytes."""
    for _, panel in every_panel():
        for metric in ALL_METRICS:
            for target in panel.targets:
                if re.match(
                    rf"histogram_quantile\([\d.]+, sum by \([^)]*\) \(rate\({metric.exposed}_bucket\b", target.expr
                ):
                    assert panel.unit in UNITS.get(metric.unit, {"short", "none", "percentunit"}), panel.title
