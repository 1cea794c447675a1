"""Exceptions cover what they say, need a reason, and are faults themselves when they cover nothing."""

from __future__ import annotations

from typing import Any

import pytest

from dashboards.check import Documents, Fault, faults
from dashboards.check.tests.made import BOARD, GAPS, VERSIONS, also, panel, put, sound, spoiled

LINT = "d/.lint"
TWO = also(panel(GAPS, "description", to=""), panel(VERSIONS, "description", to=""))
RULE = "panel-title-description-rule"


def excluded(body: Any, *, whole: bool = True) -> list[Fault]:
    """The faults of two panels without a description, after exceptions."""
    raw = sound()
    TWO(raw)
    raw["exclusions"] = {LINT: body}
    return faults(Documents(**raw, is_whole=whole))


def one(*entries: dict[str, str], reason: str = "made for this test") -> dict[str, Any]:
    """A file with one exception."""
    body: dict[str, Any] = {"reason": reason}
    if entries:
        body["entries"] = list(entries)
    return {"exclusions": {RULE: body}}


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (one(), set()),
        (one({"panel": "gaps"}), {"overview/versions"}),
        (one({"panel": "gaps"}, {"panel": "versions"}), set()),
        (one({"dashboard": "overview", "panel": "g*"}), {"overview/versions"}),
        (one({"file": "*.json"}), set()),
        (one({"rule": "overview/gaps"}), {"overview/versions"}),
    ],
    ids=["all", "a panel", "two panels", "a pattern", "files", "an address"],
)
def test_exceptions_cover_what_they_name(body: Any, left: set[str]) -> None:
    """An exception without entries covers all of its rule's faults, an entry those of its place."""
    assert {each.place for each in excluded(body)} == left


BROKEN: tuple[tuple[str, Any, str], ...] = (
    ("covers nothing", one({"panel": "breaker"}), "exclusions/unused"),
    ("no reason", one(reason=" "), "exclusions/reason"),
    ("no such rule", {"exclusions": {"panel-titel": {"reason": "x"}}}, "exclusions/form"),
    ("a key that is none", {"warnings": {}}, "exclusions/form"),
    ("a key of an entry that is none", one({"title": "Gaps"}), "exclusions/form"),
    ("no entries", {"exclusions": {RULE: {"reason": "x", "entries": []}}}, "exclusions/form"),
    ("a key of an exception that is none", {"exclusions": {RULE: {"reason": "x", "panel": "gaps"}}}, "exclusions/form"),
)


@pytest.mark.parametrize(("body", "name"), [(b, n) for _, b, n in BROKEN], ids=[w for w, _, _ in BROKEN])
def test_exceptions_have_faults_too(body: Any, name: str) -> None:
    """An exception that is misspelt, unexplained or useless is found, and what it should cover is not hidden."""
    found = excluded(body)
    assert {each.rule for each in found} == {name, RULE}
    assert {each.file for each in found if each.rule == name} == {LINT}


def test_exceptions_hold_for_their_folder() -> None:
    """A file of exceptions says nothing of documents beside its folder."""
    raw = sound()
    TWO(raw)
    raw["exclusions"] = {"e/.lint": one()}
    assert {each.rule for each in faults(Documents(**raw))} == {RULE, "exclusions/unused"}


def test_with_some_of_the_files_no_exception_is_useless() -> None:
    """What an exception is for may be in a file that is not checked this time."""
    assert {each.rule for each in excluded(one({"panel": "breaker"}), whole=False)} == {RULE}


def test_faults_name_their_place() -> None:
    """A fault says in which file, and where in it."""
    (found,) = faults(spoiled(put("dashboards", BOARD, "panels", GAPS, "targets", 0, "format", to="table")))
    assert (found.file, found.place) == (BOARD, "overview/gaps > A")
