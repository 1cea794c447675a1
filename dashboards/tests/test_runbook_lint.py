"""The runbooks are true, and each thing that could be wrong in one is found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from dashboards import runbook, runbook_lint
from dashboards.alerts import ALERTS
from dashboards.check.model import Fault
from dashboards.rule import panel_id
from dashboards.runbook import Page
from dashboards.runbook_lint import CHECKS, Known, faults, faults_of, known

NAME = "CortexProxyStreamsBroken"
PAGES = runbook.load()
KNOWN = known(PAGES)
GOOD = PAGES[NAME].text


def rules_of(page: Page, known: Known = KNOWN) -> set[str]:
    """The names of what is wrong with a page."""
    return {fault.rule for fault in faults_of(page, known)}


def with_block(info: str, text: str) -> Page:
    """The good page with one more block."""
    return Page(NAME, GOOD.replace("## Causes\n", f"```{info}\n{text}\n```\n\n## Causes\n"))


def with_text(text: str) -> Page:
    """The good page with one more sentence."""
    return Page(NAME, GOOD.replace("## Causes\n", f"{text}\n\n## Causes\n"))


def test_the_shipped_runbooks_have_no_fault() -> None:
    """Every alert has its page, and every name on it is real."""
    assert faults() == []


def test_an_alert_without_a_page_and_a_page_without_an_alert_are_found(tmp_path: Path) -> None:
    """Both are named."""
    folder = Path(shutil.copytree(runbook.FOLDER, tmp_path / "runbooks"))
    (folder / f"{NAME}.md").rename(folder / "CortexProxyStreamsOld.md")
    found = [fault for fault in faults(folder) if fault.rule == "runbook-alert"]
    assert {fault.file.rpartition("/")[2] for fault in found} == {f"{NAME}.md", "CortexProxyStreamsOld.md"}


WRONG = [
    pytest.param(Page(NAME, GOOD.replace(f"# {NAME}", "# Streams")), "runbook-title", id="title"),
    pytest.param(Page(NAME, GOOD.replace("## Impact", "## Effect")), "runbook-headings", id="heading"),
    pytest.param(
        Page(NAME, GOOD.replace("## Impact", "## I").replace("## Causes", "## Impact")), "runbook-headings", id="order"
    ),
    pytest.param(
        Page(NAME, GOOD.replace(runbook_lint.section(PAGES[NAME], "Impact"), "\n")),
        "runbook-headings",
        id="empty-section",
    ),
    pytest.param(
        Page(NAME, GOOD.replace("[streaming/stream-endings]\n\n```", "```", 1)),
        "runbook-first-look",
        id="no-panel-first",
    ),
    pytest.param(with_block("promql", "\n\n".join(["up"] * 6)), "runbook-first-look", id="too-many-queries"),
    pytest.param(Page(NAME, GOOD.replace("limit 0.1", "limit 0.2")), "runbook-current", id="threshold-of-before"),
    pytest.param(Page(NAME, GOOD.replace("viewPanel=", "viewPanel=1")), "runbook-current", id="panel-id"),
    pytest.param(with_text("See [this](Nowhere.md)."), "runbook-links", id="link-to-no-page"),
    pytest.param(with_text("See [this](rollback.md#nowhere)."), "runbook-links", id="link-to-no-heading"),
    pytest.param(with_text("See [this](../push.py)."), "runbook-links", id="link-out-of-the-folder"),
    pytest.param(with_block("promql", "sum by (job) (rate("), "runbook-promql", id="no-promql"),
    pytest.param(with_block("promql", "cortex_proxy_streams_ended_total"), "runbook-promql", id="unknown-metric"),
    pytest.param(
        with_block("promql", 'cortex_proxy_stream_end_total{cause="x"}'), "runbook-promql", id="unknown-label"
    ),
    pytest.param(
        with_block("promql", 'cortex_proxy_stream_end_total{reason="broke"}'), "runbook-promql", id="unknown-value"
    ),
    pytest.param(
        with_block("promql", 'cortex_proxy_stream_end_total{reason=~"draining|broke"}'),
        "runbook-promql",
        id="unknown-alternative",
    ),
    pytest.param(
        with_block("promql", "sum by (route) (cortex_proxy_stream_end_total)"), "runbook-promql", id="sum-by-unknown"
    ),
    pytest.param(with_block("promql", "slo:burning:ratio"), "runbook-promql", id="unknown-recording"),
    pytest.param(with_block("logql", '{service_name="cortex-proxy"} | json | event='), "runbook-logql", id="no-logql"),
    pytest.param(with_block("logql", '{app="cortex-proxy"} | json'), "runbook-logql", id="unknown-stream-label"),
    pytest.param(
        with_block("logql", '{service_name="cortex-proxy"} | json | cause="x"'), "runbook-logql", id="unknown-field"
    ),
    pytest.param(
        with_block("logql", '{service_name="cortex-proxy"} | json | event="stream over"'),
        "runbook-logql",
        id="unknown-event",
    ),
    pytest.param(
        with_block("logql", '{service_name="cortex-proxy"} | json | event="stream ended" | status=200'),
        "runbook-logql",
        id="field-of-another-event",
    ),
    pytest.param(
        with_block("logql", '{service_name="cortex-proxy"} | json | event="stream ended" | reason="broke"'),
        "runbook-logql",
        id="unknown-reason",
    ),
    pytest.param(
        with_block("logql", '{service_name="cortex-proxy"} | json | problem=~"draining|broken"'),
        "runbook-logql",
        id="unknown-problem",
    ),
    pytest.param(
        with_block("logql", '{service_name="cortex-proxy"} | json | line_format "{{.cause}}"'),
        "runbook-logql",
        id="unknown-field-in-a-template",
    ),
    pytest.param(
        with_block("bash", "kubectl logs x | jq -c 'select(.cause == 1)'"), "runbook-jq", id="unknown-field-of-jq"
    ),
    pytest.param(with_text("Set CORTEX_PROXY_MAX_FLOWS."), "runbook-settings", id="unknown-setting"),
    pytest.param(
        with_block("bash", "export CORTEX_PROXY_POLICIES__CHAT__RATES=1"), "runbook-settings", id="unknown-cell"
    ),
    pytest.param(with_text("`CORTEX_PROXY_MAX_STREAMS` (default 90)"), "runbook-values", id="wrong-default"),
    pytest.param(with_text("`CORTEX_PROXY_ACCOUNT` (default X)"), "runbook-values", id="no-default"),
    pytest.param(with_text("`breaker.OPEN_S` (6) seconds"), "runbook-values", id="wrong-constant"),
    pytest.param(with_text("`breaker.SHUT_S` (5) seconds"), "runbook-values", id="no-constant"),
    pytest.param(with_text("Look at `cortex_proxy_streams_ended_total`."), "runbook-names", id="metric-in-the-text"),
    pytest.param(with_text("The problem is `upstream-broken`."), "runbook-names", id="problem-in-the-text"),
    pytest.param(with_text("The field is `durationS`."), "runbook-names", id="field-in-the-text"),
    pytest.param(with_text("The end is `upstream_gone`."), "runbook-names", id="value-in-the-text"),
    pytest.param(with_text("See `proxy/deploy/apache.conf`."), "runbook-files", id="file"),
    pytest.param(with_block("bash", "cortex-harness doctor"), "runbook-commands", id="command"),
    pytest.param(with_block("bash", "cortex-harness contracts graphql"), "runbook-commands", id="subcommand"),
    pytest.param(with_text("Start `cortex-harness mock --speed 2`."), "runbook-commands", id="option"),
    pytest.param(with_block("bash", "python -m dashboards.nothing"), "runbook-commands", id="module"),
    pytest.param(with_block("bash", "kubectl logs deployment/proxy"), "runbook-manifests", id="deployment"),
    pytest.param(with_text("Say `kubectl restart deployment/cortex-proxy`."), "runbook-manifests", id="verb"),
    pytest.param(with_block("bash", "curl http://127.0.0.1:8080/health"), "runbook-commands", id="route"),
]


@pytest.mark.parametrize(("wrong", "rule"), WRONG)
def test_what_is_wrong_is_found(wrong: Page, rule: str) -> None:
    """A page with one mistake has that fault."""
    assert wrong.text != GOOD, "the mistake was not put in"
    found = [fault for fault in faults_of(wrong, KNOWN) if fault.rule == rule]
    assert found
    assert all(
        fault.where.startswith(f"dashboards/runbooks/{NAME}.md") and fault.found and fault.todo for fault in found
    )


def test_every_check_has_a_page_that_it_must_not_pass() -> None:
    """No check is on the list that cannot find anything."""
    elsewhere = {"runbook-alert", "runbook-panels", "runbook-index"}
    assert {str(case.values[1]) for case in WRONG} | elsewhere == CHECKS.keys()


@pytest.mark.parametrize(
    "right",
    [
        pytest.param(with_text("See [above](#meaning) and [home](https://example.com/a)."), id="links"),
        pytest.param(with_text("`CORTEX_PROXY_MAX_STREAMS` (default 100), `breaker.OPEN_S` (5)"), id="values"),
        pytest.param(with_text("`upstream_stalled`, `upstream-stalled`, `durationMs`, `max_streams`"), id="names"),
        pytest.param(with_block("promql", "sum by (job, sloth_slo) (slo:current_burn_rate:ratio)"), id="recorded"),
        pytest.param(with_block("promql", 'ALERTS{alertname="CortexProxyDown",alertstate="firing"}'), id="alerts"),
        pytest.param(with_block("promql", 'topk(3, count by (__name__, job) ({job="cortex-proxy"}))'), id="no-name"),
        pytest.param(
            with_block("bash", "cortex-harness mock --port 4010 --strict & cortex-harness test -e unit"), id="commands"
        ),
    ],
)
def test_what_is_right_passes(right: Page) -> None:
    """A check that cried at everything would be of no use."""
    assert rules_of(right) - {"runbook-first-look"} == set()


def test_a_panel_that_is_not_generated_is_found(tmp_path: Path) -> None:
    """Its address and its id are those of the generated dashboard; another id is as bad as none."""
    address = ALERTS[0].panel
    board = {
        "uid": f"cortex-{address.partition('/')[0]}",
        "panels": [{"type": "row", "title": "Row", "id": 1, "panels": [_panel(address)]}],
    }
    path = tmp_path / f"{address.partition('/')[0]}.json"
    path.write_text(json.dumps(board), encoding="utf-8")
    page = Page("README", f"# Runbooks\n\n[{address}]\n")
    there = Known(KNOWN.alerts, KNOWN.series, runbook_lint.panels(tmp_path), KNOWN.pages)
    assert "runbook-panels" not in rules_of(page, there)
    path.write_text(json.dumps(board).replace(f'"id": {panel_id(address)}', '"id": 7'), encoding="utf-8")
    moved = Known(KNOWN.alerts, KNOWN.series, runbook_lint.panels(tmp_path), KNOWN.pages)
    assert "runbook-panels" in rules_of(page, moved)
    assert "runbook-panels" in rules_of(Page("README", "# R\n\n[overview/nothing]\n"), there)


def _panel(address: str) -> dict[str, object]:
    title = address.partition("/")[2].replace("-", " ").capitalize()
    return {"type": "timeseries", "title": title, "id": panel_id(address)}


def test_a_page_that_nobody_links_to_is_found() -> None:
    """The index leads to every page."""
    lost = Page("second-thoughts", "# Second thoughts\n")
    assert rules_of(lost) == {"runbook-alert", "runbook-index"}


def test_faults_are_said_one_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The command exits with 1 and says what is wrong, where, and what to do."""
    assert runbook_lint.main() == 0
    found = [Fault("runbook-links", "a.md", "no such page", "link to one")]
    monkeypatch.setattr(runbook_lint, "faults", lambda: found)
    assert runbook_lint.main() == 1
    assert capsys.readouterr().err == "runbook-links: a.md: no such page; link to one\n"
