"""The list of planted mistakes, which is only of use while each can still be planted."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.mutants import ROOT, CannotPlant, Mistake, Verdict, mistakes, page

WANTED = 40
"""Fewest mistakes of the list."""


def test_each_mistake_can_be_planted() -> None:
    """Its place is in the file, and only there; nothing is named twice."""
    listed = mistakes()
    assert len({each.name for each in listed}) == len(listed) >= WANTED
    for each in listed:
        assert each.planted(ROOT) != (ROOT / each.file).read_text("utf-8"), each.name


@pytest.mark.parametrize(("text", "times"), [("nothing", 0), ("old and old", 2)])
def test_a_place_that_is_not_there_is_told(tmp_path: Path, text: str, times: int) -> None:
    """A mistake whose place was changed is an error that names it, not a mistake that nobody found."""
    (tmp_path / "a.py").write_text(text, "utf-8")
    with pytest.raises(CannotPlant, match=rf"renamed: a\.py holds 'old' {times} times"):
        Mistake(name="renamed", about="x", file="a.py", old="old", new="new").planted(tmp_path)


def test_a_mistake_everywhere(tmp_path: Path) -> None:
    """All places are changed where the list says so."""
    (tmp_path / "a.py").write_text("old and old", "utf-8")
    mistake = Mistake(name="renamed", about="x", file="a.py", old="old", new="new", everywhere=True)
    assert mistake.planted(tmp_path) == "new and new"


def test_the_page_names_what_nothing_found() -> None:
    """The table counts, and a mistake that survived stands out."""
    mistake = Mistake(name="renamed", about="a name is changed", file="a.py", old="old", new="new")
    told = page([Verdict(mistake, "contracts/provider/test_x.py::test_y", "a | b", 1), Verdict(mistake, "", "", 1)])
    assert "**1 of 2 found out.**" in told
    assert "| a name is changed | `a.py` | `provider/test_x.py::test_y` | a \\| b |" in told
    assert "**nothing**" in told
