"""The proof itself: a few rehearsals in every run of the tests, and one that must fail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboards import proof
from dashboards.proof import board, prove, situations
from dashboards.proof.rehearsal import Expected


@pytest.mark.timeout(300)
def test_the_fast_rehearsals_are_true() -> None:
    """The healthy one and one for each family of alerts: panels, alerts and numbers are as they say."""
    said: list[str] = []
    assert proof.run(fast=True, say=said.append) == proof.PROVEN, "\n".join(said)


@pytest.mark.timeout(120)
def test_a_false_expectation_is_told() -> None:
    """What does not move, what is not still and what does not fire are faults, each with its name."""
    leaving = next(each for each in situations.SITUATIONS if each.name == "clients-leave")
    wrong = Expected(moves=("upstream/throttled",), still=("streaming/stream-endings",), silent=("CortexMockDown",))
    boards = [board.read(slug, document) for slug, document in board.load_all().items()]
    with prove.proven(boards, [replace(leaving, expected=wrong)], lambda _line: None, whole=False) as found:
        told = {(fault.rule, fault.found) for fault in found.faults}
    assert ("panel-moves", "upstream/throttled shows zero") in told
    assert ("panel-still", "streaming/stream-endings shows data") in told


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"only": ["no-such"]}, "there is no rehearsal no-such; there are"),
        ({"fast": True, "mutate": True}, "give one of these alone"),
        ({"fast": True, "only": ["healthy"]}, "give one of these alone"),
    ],
    ids=["unknown name", "mutants of a few", "two choices"],
)
def test_what_cannot_be_asked_is_told(asked: dict[str, object], says: str) -> None:
    """A usage error names what there is."""
    said: list[str] = []
    assert proof.run(**asked, say=said.append) == proof.USAGE  # type: ignore[arg-type]
    assert says in said[0]
