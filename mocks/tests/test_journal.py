"""The journal: bounded, newest first, one end for each exchange."""

from __future__ import annotations

import json

import pytest

from mocks.journal import MAX_CHARS, OUTCOMES, Journal


def test_the_newest_come_first_and_the_oldest_go() -> None:
    """The journal holds its size and no more."""
    journal = Journal(size=3)
    for number in range(5):
        journal.open("GET", f"/{number}")
    assert [entry.path for entry in journal.entries()] == ["/4", "/3", "/2"]
    assert [entry.path for entry in journal.entries(limit=1)] == ["/4"]


def test_an_entry_that_is_not_kept_is_not_listed() -> None:
    """The admin's own requests leave no trace, but ids go on."""
    journal = Journal()
    unkept, kept = journal.open("GET", "/__mock/health", keep=False), journal.open("POST", "/run")
    assert journal.entries() == [kept]
    assert kept.id > unkept.id


def test_only_the_first_end_counts() -> None:
    """An exchange that was refused is not later called answered."""
    entry = Journal().open("GET", "/")
    entry.end("refused", "no")
    ended = entry.ended_mono_s
    entry.end("answered")
    assert (entry.outcome, entry.why, entry.ended_mono_s) == ("refused", "no", ended)


def test_entries_are_filtered_by_test_and_outcome() -> None:
    """Both filters hold together, and clearing one test leaves the others."""
    journal = Journal()
    for test_id, outcome in (("a", "answered"), ("a", "missed"), ("b", "missed")):
        entry = journal.open("POST", "/run")
        entry.asked_by(test_id, None)
        entry.end(outcome)  # type: ignore[arg-type]  # a name from the table above
    assert [entry.id for entry in journal.entries("a")] == [2, 1]
    assert [entry.id for entry in journal.entries(outcome="missed")] == [3, 2]
    assert [entry.id for entry in journal.entries("a", "missed")] == [2]
    journal.clear("a")
    assert [entry.test_id for entry in journal.entries()] == ["b"]
    journal.clear()
    assert journal.entries() == []


def test_what_a_client_wrote_is_clipped() -> None:
    """Neither paths nor traces nor reasons make an entry large."""
    long = "x" * 100_000
    entry = Journal().open(long, long)
    entry.asked_by("t", long)
    entry.end("refused", long)
    assert len(json.dumps(entry.as_json())) < 5 * MAX_CHARS


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_times_are_in_order(outcome: str) -> None:
    """An exchange ends after it began, on the clock that processes share."""
    entry = Journal().open("GET", "/")
    assert entry.as_json()["ended_mono_s"] is None
    entry.end(outcome)  # type: ignore[arg-type]  # every one of them
    assert entry.as_json()["ended_mono_s"] >= entry.started_mono_s
