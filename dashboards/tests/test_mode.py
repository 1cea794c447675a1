"""The panel that tells a rehearsal from production."""

from __future__ import annotations

import pytest

from contracts.telemetry import BUILD_INFO, Mode
from dashboards import mode
from dashboards.build import BOARDS
from dashboards.panels import BAD, GOOD, WARN, Board


@pytest.mark.parametrize(
    "board", [each for each in BOARDS if each.found_by is BUILD_INFO], ids=lambda board: board.slug
)
def test_every_board_of_the_proxy_tells_it(board: Board) -> None:
    """Whoever follows a link past the overview still sees it, on top."""
    assert board.panels()[0] is mode.PANEL


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        ({Mode.LIVE}, ("live", GOOD)),
        ({Mode.REHEARSAL}, ("REHEARSAL", WARN)),
        ({Mode.LIVE, Mode.REHEARSAL}, ("MIXED", BAD)),
    ],
    ids=["live", "rehearsal", "both"],
)
def test_each_mode_has_its_word_and_colour(modes: set[Mode], expected: tuple[str, str]) -> None:
    """The query adds 1 for live and 2 for rehearsal; every sum has a name."""
    (target,) = mode.PANEL.targets
    live, rehearsal = target.expr.split(" + 2 * ")
    assert ('mode="live"' in live, 'mode="rehearsal"' in rehearsal) == (True, True)
    assert mode.PANEL.names[(Mode.LIVE in modes) + 2 * (Mode.REHEARSAL in modes)] == expected
