"""A number is true within what scrapes and buckets can tell, and not beyond."""

from __future__ import annotations

import pytest

from dashboards.proof.play import Played
from dashboards.proof.rehearsal import Expected, Rehearsal, Tally
from dashboards.proof.truth import TRUTHS, Kind, Truth, agrees, bucket

BUCKETS = (0.1, 0.25, 0.5, 1.25)


def truth(kind: Kind) -> Truth:
    """Of some panel."""
    return Truth("a/b", "A", "", kind, lambda _played: {}, buckets=BUCKETS)


@pytest.mark.parametrize(
    ("kind", "shown", "known", "is_true"),
    [
        pytest.param(Kind.COUNT, 10.6, 10, True, id="a count, extrapolated"),
        pytest.param(Kind.COUNT, 13, 10, False, id="three events too many"),
        pytest.param(Kind.COUNT, 0.0, 1, False, id="an event that is missing"),
        pytest.param(Kind.VALUE, 0.34, 0.333, True, id="a share"),
        pytest.param(Kind.VALUE, 0.66, 0.333, False, id="the other share"),
        pytest.param(Kind.VALUE, float("nan"), 0.333, False, id="no share at all"),
        pytest.param(Kind.QUANTILE, 0.5, 0.3, True, id="the bucket's other end"),
        pytest.param(Kind.QUANTILE, 0.7, 0.3, False, id="beyond the bucket"),
        pytest.param(Kind.QUANTILE, float("nan"), 0.3, False, id="no quantile"),
    ],
)
def test_what_agrees(kind: Kind, shown: float, known: float, *, is_true: bool) -> None:
    """As near as the measurement is, and no nearer."""
    assert agrees(truth(kind), shown, known) is is_true


@pytest.mark.parametrize(
    ("value", "bounds"), [(0.05, (0.0, 0.1)), (0.25, (0.1, 0.25)), (1.0, (0.5, 1.25)), (9.0, (1.25, 1.25))]
)
def test_the_bucket_of_a_value(value: float, bounds: tuple[float, float]) -> None:
    """A bound belongs to the bucket that it ends; beyond the last there is only that bound."""
    assert bucket(BUCKETS, value) == bounds


def test_clients_counts_become_numbers() -> None:
    """Endings, errors, availability and completion of one rehearsal."""
    tally = Tally()
    tally.count("answers", "/api/v1/chat 200", 8)
    tally.count("answers", "/api/v1/chat 503", 2)
    tally.count("streams", "completed", 6)
    tally.count("streams", "upstream_truncated", 2)
    played = Played(Rehearsal("healthy", "", (), Expected()), 0.0, 10.0, tally, (), ())
    known = {each.panel: each.known(played) for each in TRUTHS if each.panel in _ASKED}
    assert known == _ASKED


_ASKED = {
    "overview/errors": {"5xx": 2},
    "overview/availability": {"": 0.8},
    "overview/stream-completion": {"": 0.75},
    "streaming/stream-endings": {"completed": 6, "upstream_truncated": 2},
}


def test_dozens_of_numbers_are_compared_and_most_panels_have_one() -> None:
    """Queries with a number that is known, over all dashboards."""
    assert len({(each.panel, each.ref) for each in TRUTHS}) >= 70
