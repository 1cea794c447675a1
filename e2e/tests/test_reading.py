"""What is read of a turn, and how broken promises are told."""

from __future__ import annotations

from typing import Any, cast

import pytest
from playwright.sync_api import JSHandle

from e2e.reading import Verdict, Wait, breaks_off
from e2e.stage import NotTold
from e2e.telemetry import TelemetryMissing


class Notes:
    """Notes as a page would have taken them."""

    def __init__(self, *states: tuple[float, str]) -> None:
        self._states = states

    def json_value(self) -> list[tuple[float, str]]:
        """All of them."""
        return list(self._states)


def test_waits_in_which_something_could_be_read() -> None:
    """Times are between one note and the next; what stands for a moment is no wait, nor what stands in the end."""
    notes = Notes((0.0, "Connecting"), (5.0, "Working"), (300.0, "EMEA"), (340.0, "EMEA leads"), (440.0, "all"))
    assert Wait.readable(cast(JSHandle, notes)) == [Wait(295.0, "Working"), Wait(100.0, "EMEA leads")]
    assert Wait.readable(cast(JSHandle, Notes((0.0, "all")))) == []
    assert Wait.readable(cast(JSHandle, Notes())) == []


@pytest.mark.parametrize(
    ("found", "is_beginning"),
    [
        (["a table", "EMEA le"], True),
        (["a table"], True),
        (["a tab"], True),
        ([], False),
        (["a table", "EMEA leads"], False),
        (["a table", "EMEA leEMEA le"], False),
        (["another table", "EMEA le"], False),
        (["a table", "EMEA leads", "more"], False),
    ],
    ids=["within a line", "at a line's end", "in the first line", "nothing", "all", "doubled", "changed", "more"],
)
def test_what_breaks_off_is_a_beginning(found: list[str], is_beginning: bool) -> None:
    """A part of an answer is its beginning, be it cut within a line; nothing is no part, nor is the whole."""
    assert breaks_off(found, ["a table", "EMEA leads"]) is is_beginning


def told(verdict: Verdict) -> list[str]:
    """The lines of its failure."""
    with pytest.raises(AssertionError) as failure:
        verdict.check()
    return str(failure.value).splitlines()


def test_kept_promises_are_not_told() -> None:
    """Nothing broken, nothing said."""
    verdict = Verdict("a scenario")
    verdict.same("a number", 1, 1)
    verdict.reads("a text", "EMEA leads", ["EMEA"], ["APAC"])
    with verdict.keeping("the trace"):
        pass
    verdict.check()


@pytest.mark.parametrize(
    ("found", "expected", "lines"),
    [
        (1, 2, ["it: is 1, expected 2"]),
        ({"a": 1, "b": 2, "d": 4}, {"a": 1, "b": 3}, ["it: b is 2, expected 3", "it: d is 4, expected None"]),
        (["a", "b", "c"], ["a", "c", "d"], ["it, - expected, + found:", "  +b", "  -d"]),
        (
            [],
            [str(number) for number in range(14)],
            ["it, - expected, + found:", *(f"  -{n}" for n in range(12)), "  and 2 lines more"],
        ),
        (None, {"a": 1}, ["it: is None, expected {'a': 1}"]),
    ],
    ids=["values", "mappings", "lines", "many lines", "nothing"],
)
def test_a_difference_is_told_and_nothing_else(found: Any, expected: Any, lines: list[str]) -> None:
    """Of mappings the keys that differ, of lines those that one side has."""
    verdict = Verdict("a scenario")
    verdict.same("it", found, expected)
    assert told(verdict) == ["a scenario", *lines]


def test_words_that_are_missing_are_told_with_the_text() -> None:
    """And those that must not be there."""
    verdict = Verdict("a scenario")
    verdict.reads("the turn", "EMEA\n  leads", ["APAC", "EMEA"], ["leads"])
    assert told(verdict)[1:] == ["the turn: does not say 'APAC' and says 'leads', but: 'EMEA leads'"]


def never_moved() -> None:
    """As a story's counters say it, the trace behind it."""
    raise TelemetryMissing(
        "x_total{} moved by 0, expected 1\ntrace 5583a39bc448d0eb046e5d57f60b59b6\nPOST /api/v1/chat"
    )


def test_all_broken_promises_are_told_together() -> None:
    """What telemetry lacks does not hide what the reader saw; the trace itself is shown once, by the story's report."""
    verdict = Verdict("a scenario")
    with verdict.keeping("the counters"):
        never_moved()
    verdict.same("the answer", 1, 2)
    assert told(verdict)[1:] == ["the counters: x_total{} moved by 0, expected 1", "the answer: is 1, expected 2"]


def test_what_a_target_does_not_tell_hides_nothing() -> None:
    """A story ends where its target tells no telemetry, but what the reader saw wrong by then fails it."""
    verdict = Verdict("a scenario")
    with pytest.raises(NotTold), verdict.keeping("the trace"):
        raise NotTold("telemetry")
    verdict.same("the answer", 1, 2)
    with pytest.raises(AssertionError, match="the answer: is 1, expected 2"), verdict.keeping("the trace"):
        raise NotTold("telemetry")


def test_another_error_goes_on_as_it_is() -> None:
    """Only what telemetry lacks is a promise that was not kept; a defect of a story is told as what it is."""
    with pytest.raises(KeyError), Verdict("a scenario").keeping("the log"):
        raise KeyError("level")
