"""What is not as expected is told, and nothing else."""

from __future__ import annotations

from dashboards.proof import evaluate
from dashboards.proof.board import PROMETHEUS, Panel, Query
from dashboards.proof.evaluate import Shown, Status
from dashboards.proof.play import Played
from dashboards.proof.prometheus import Sent
from dashboards.proof.rehearsal import Expected, Rehearsal, Tally


def played(*fired: str, panel: str = "a/b", **expected: tuple[str, ...]) -> Played:
    """A rehearsal that is over, in which these alerts fired."""
    sent = tuple(Sent({"alertname": name, "job": "cortex-proxy-x"}, {"panel": panel}) for name in fired)
    return Played(Rehearsal("x", "something", (), Expected(**expected)), 0.0, 10.0, Tally(), (), sent)


def rules_of(*found: object) -> list[str]:
    """The rules of faults."""
    return [fault.rule for fault in found]  # type: ignore[attr-defined]


def test_what_is_as_expected_is_no_fault() -> None:
    """Moves with data, stillness with zero or nothing, alerts as they should."""
    done = played("Up", moves=("a/b",), still=("a/c", "a/d"), fires=("Up",), silent=("Down",))
    panels = {"a/b": Status.DATA, "a/c": Status.ZERO, "a/d": Status.EMPTY}
    assert list(evaluate.unexpected(done, panels)) == []


def test_each_kind_of_surprise_is_told() -> None:
    """A panel that does not move, one that is not still, one that is not there, two alerts."""
    done = played("Down", moves=("a/b", "a/x"), still=("a/c",), fires=("Up",), silent=("Down",))
    panels = {"a/b": Status.ZERO, "a/c": Status.DATA}
    found = list(evaluate.unexpected(done, panels))
    assert rules_of(*found) == ["panel-moves", "panel-known", "panel-still", "alert-fires", "alert-silent"]


def test_an_error_is_neither_movement_nor_stillness() -> None:
    """A query that Prometheus refuses proves nothing."""
    done = played(moves=("a/b",), still=("a/c",))
    found = list(evaluate.unexpected(done, {"a/b": Status.ERROR, "a/c": Status.ERROR}))
    assert rules_of(*found) == ["panel-moves", "panel-still"]


def test_a_panel_shows_the_most_telling_of_its_queries() -> None:
    """An error before data, data before zero, zero before nothing."""
    found = {("a/b", "A"): Shown(Status.EMPTY), ("a/b", "B"): Shown(Status.DATA), ("a/c", "A"): Shown(Status.ZERO)}
    assert evaluate.statuses(found) == {"a/b": Status.DATA, "a/c": Status.ZERO}
    assert evaluate.statuses({**found, ("a/c", "B"): Shown(Status.ERROR)})["a/c"] is Status.ERROR


def test_an_alert_whose_panel_is_dark_is_told() -> None:
    """Its reader would be sent where nothing is seen."""
    assert list(evaluate.unlit(played("Up"), {"a/b": Status.DATA})) == []
    assert rules_of(*evaluate.unlit(played("Up"), {"a/b": Status.ZERO})) == ["alert-panel"]


def test_a_query_without_data_and_a_legend_without_label_are_told() -> None:
    """One rehearsal with data is enough; the label must be there in it."""
    query = Query("A", PROMETHEUS, "up", instant=False, legend="{{reason}}")
    panel = Panel("a/b", "B", "timeseries", (query,), {})
    lit = Shown(Status.DATA, frozenset(["reason"]))
    assert list(evaluate.never(panel, query, [Shown(Status.EMPTY), lit])) == []
    assert rules_of(*evaluate.never(panel, query, [Shown(Status.ZERO)])) == ["panel-proven"]
    assert rules_of(*evaluate.never(panel, query, [Shown(Status.DATA)])) == ["legend-resolves"]
