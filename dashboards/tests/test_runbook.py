"""Pages are read as they are written, and what follows from the rules is written, not typed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dashboards import runbook
from dashboards.alerts import ALERTS
from dashboards.rule import panel_id
from dashboards.runbook import Page

ALERTS_BY_NAME = runbook.by_name(ALERTS)

TEXT = """\
# A title

Text with [overview/errors] and [a link](x.md).

## One

```promql
up{job="a"}

# a comment, then a query
sum by (job) (
  up
)
```

## Two

`code` and

```bash tested
echo [overview/not-a-panel]
## no heading
```
"""


def test_a_page_is_taken_apart() -> None:
    """Title, headings, blocks with their line, queries and panels are those that a reader sees."""
    page = Page("x", TEXT)
    assert page.title == "A title"
    assert page.headings == ("One", "Two")
    assert [(block.language, block.info, block.line) for block in page.blocks] == [
        ("promql", "promql", 8),
        ("bash", "bash tested", 21),
    ]
    assert list(page.blocks[0].queries) == ['up{job="a"}', "sum by (job) (\n  up\n)"]
    assert page.panels == ("overview/errors",)


def test_a_block_that_never_ends_is_a_block() -> None:
    """What stands behind a forgotten fence is checked all the same."""
    assert [block.text for block in Page("x", "text\n```promql\nup").blocks] == ["up"]


def test_a_panel_is_found_by_the_id_that_its_address_gives() -> None:
    """The address alone says where a panel is, on every Grafana."""
    assert runbook.panel_url("overview/burn-rate") == "/d/cortex-overview?viewPanel=" + str(
        panel_id("overview/burn-rate")
    )
    assert panel_id("overview/burn-rate") != panel_id("overview/errors")


def test_what_is_derived_is_written_once() -> None:
    """A page without a head gets one; writing again changes nothing."""
    name = "CortexProxyStreamsBroken"
    first = runbook.refreshed(Page(name, f"# {name}\n\n## Meaning\n\nSee [streaming/stalls].\n"), ALERTS_BY_NAME)
    assert ALERTS_BY_NAME[name][0].expr in first
    assert f"[streaming/stalls]: {runbook.panel_url('streaming/stalls')}" in first
    assert "See [streaming/stalls]." in first
    assert runbook.refreshed(Page(name, first), ALERTS_BY_NAME) == first


def test_a_head_tells_the_rules_limits() -> None:
    """Every severity with its limit, its window and its wait, as the thresholds have them."""
    broken, burning = (
        runbook.head(ALERTS_BY_NAME[name]) for name in ("CortexProxyStreamsBroken", "CortexProxyAvailabilityBudgetBurn")
    )
    assert "**warning**" in broken
    assert "(limit 0.1, over 10m, at least 5 events, for 1m)" in broken
    assert burning.count("**critical**") == 2
    assert "14.4 times too fast over 1h and over 5m" in burning


def test_the_index_has_every_alert_once_by_its_gravest_severity() -> None:
    """CortexProxyDown is critical and a warning; it stands with the critical ones."""
    index = runbook.index(ALERTS_BY_NAME)
    assert sorted(ALERTS_BY_NAME) == sorted(
        line.split("[")[1].split("]")[0] for line in index.splitlines() if ".md" in line
    )
    assert index.index("(CortexProxyDown.md)") < index.index("### warning")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped pages."""
    return Path(shutil.copytree(runbook.FOLDER, tmp_path / "runbooks"))


def test_the_shipped_pages_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    """No page is behind the rules."""
    assert runbook.main(["--check"]) == 0
    assert capsys.readouterr().err == ""


def test_a_stale_page_is_named_and_mended(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The check exits with 4 and changes nothing; writing mends it."""
    page = folder / "CortexProxyDown.md"
    good = page.read_text(encoding="utf-8")
    stale = good.replace("viewPanel=", "viewPanel=1")
    page.write_text(stale, encoding="utf-8")
    assert runbook.main(["--check"], folder) == runbook.EXIT_STALE
    assert "CortexProxyDown.md is stale" in capsys.readouterr().err
    assert page.read_text(encoding="utf-8") == stale
    assert runbook.main([], folder) == 0
    assert page.read_text(encoding="utf-8") == good
