"""What rehearsals expect is about panels and alerts that exist, and leaves none out."""

from __future__ import annotations

import pytest

from dashboards.alerts import ALERTS
from dashboards.proof import board, scenarios, situations, truth
from dashboards.proof.rehearsal import Rehearsal

BOARDS = [board.read(slug, document) for slug, document in board.load_all().items()]
PANELS = {panel.address for each in BOARDS for panel in each.panels}
QUERIES = {(panel.address, query.ref) for each in BOARDS for panel in each.panels for query in panel.queries}
REHEARSALS = [*situations.SITUATIONS, *scenarios.rehearsals(scenarios.load())]
NAMES = {alert.name for alert in ALERTS}


@pytest.mark.parametrize("rehearsal", REHEARSALS, ids=lambda each: each.name)
def test_a_rehearsal_names_what_exists(rehearsal: Rehearsal) -> None:
    """Every panel and alert of its expectations is there, and none is expected both ways."""
    expected = rehearsal.expected
    assert {*expected.moves, *expected.still} <= PANELS
    assert {*expected.fires, *expected.silent} <= NAMES
    assert not {*expected.moves} & {*expected.still}
    assert not {*expected.fires} & {*expected.silent}
    assert expected.moves


def test_names_differ() -> None:
    """A job belongs to one rehearsal."""
    names = [each.name for each in REHEARSALS]
    assert len(set(names)) == len(names)


def test_every_scenario_is_rehearsed() -> None:
    """One rehearsal for each file of the mock, with expectations of its own."""
    assert len(REHEARSALS) == len(situations.SITUATIONS) + len(scenarios.load())


def test_every_alert_fires_and_is_silent() -> None:
    """Each is expected to fire somewhere, to be silent elsewhere, and never to fire when all is well."""
    fired = {name for each in REHEARSALS for name in each.expected.fires}
    silent = {name for each in REHEARSALS for name in each.expected.silent}
    assert fired == silent == NAMES
    assert set(situations.SITUATIONS[0].expected.silent) == NAMES - set(situations.OF_THE_MACHINE)


def test_the_fast_ones_hold_the_healthy_one_and_each_family() -> None:
    """Limits, upstream, streams, pages and the mock are among them."""
    fired = {name for each in REHEARSALS if each.is_fast for name in each.expected.fires}
    assert situations.SITUATIONS[0].is_fast
    assert fired >= {
        "CortexProxyAvailabilityBudgetBurn",
        "CortexProxyBreakerOpen",
        "CortexProxyLimitHeadroomLow",
        "CortexProxyPagesFailing",
        "CortexProxyStreamsBroken",
        "CortexProxyUpstreamThrottled",
        "CortexProxyUpstreamUnauthorized",
        "CortexMockMisses",
    }


@pytest.mark.parametrize("each", truth.TRUTHS, ids=lambda each: f"{each.panel}-{each.ref}-{each.kind.name}")
def test_a_number_is_of_a_query_that_exists(each: truth.Truth) -> None:
    """Its panel, its query and its rehearsals are there."""
    assert (each.panel, each.ref) in QUERIES
    assert {*each.within} <= {rehearsal.name for rehearsal in REHEARSALS}
