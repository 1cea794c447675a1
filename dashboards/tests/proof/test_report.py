"""The published pages say what was found, and hide nothing."""

from __future__ import annotations

from dashboards.alerts import ALERTS
from dashboards.check.model import Fault
from dashboards.proof import board, report, situations
from dashboards.proof.evaluate import Status
from dashboards.proof.mutants import Mutant
from dashboards.proof.mutate import Verdict
from dashboards.proof.play import Played
from dashboards.proof.prometheus import Monitor
from dashboards.proof.prove import Act, Proof
from dashboards.proof.rehearsal import Tally

BOARDS = tuple(board.read(slug, document) for slug, document in board.load_all().items())
MONITOR = Monitor("http://127.0.0.1:1", "http://127.0.0.1:1", board.GENERATED)


def proof(*faults: Fault) -> Proof:
    """The healthy rehearsal, with nothing on any panel."""
    panels = {panel.address: Status.EMPTY for each in BOARDS for panel in each.panels}
    acts = (Act(Played(situations.SITUATIONS[0], 0.0, 9.0, Tally(), (), ()), {}, panels, ()),)
    return Proof(BOARDS, acts, faults, MONITOR)


def test_every_panel_and_every_rule_has_its_line() -> None:
    """Panels that ask Prometheus in the tables, the others with their reason, and all rules of alerts."""
    page = report.proof_page(proof())
    for each in BOARDS:
        for panel in each.panels:
            assert f"`{panel.address}`" in page
    assert sum(
        line.startswith(("| CortexProxy", "| CortexMock", "| CortexSuite")) for line in page.splitlines()
    ) == len(ALERTS)
    assert "asks loki, and none runs here" in page


def test_faults_are_published() -> None:
    """What is not true stands on the page; without any, there is no such part."""
    page = report.proof_page(proof(Fault("panel-moves", "healthy", "a/b shows zero", "correct it")))
    assert "## Not true\n\n- panel-moves: healthy: a/b shows zero." in page
    assert "## Not true" not in report.proof_page(proof())


def test_slow_budgets_are_left_to_promtool() -> None:
    """Of the four rules of an objective only the fastest can fire in a rehearsal."""
    left = [alert for alert in ALERTS if not report.is_rehearsed(alert)]
    assert {alert.labels["sloth_window"] for alert in left} == {"6h", "1d", "3d"}


def test_survivors_are_listed_with_a_reason() -> None:
    """The score counts them, and each has a line."""
    mutant = Mutant("change tags", "a.json", "a", "`tags` becomes `[]`", {})
    page = report.mutations_page([Verdict(mutant, ""), Verdict(mutant, "the check")])
    assert "**1 of 2 found out: 50.0%.**" in page
    assert "| change tags | a.json: a | `tags` becomes `[]` | nothing but the list of dashboards reads them |" in page
