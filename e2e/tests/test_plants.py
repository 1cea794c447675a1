"""The list of planted faults, which is only of use while each can still be planted, and what is told of a run."""

from __future__ import annotations

from collections import Counter

import pytest

from contracts.mutants import ROOT
from e2e.plants import LEAST, PARTS, SHOWN_LINES, Fault, Verdict, failure_in, faults, page

FAULT = Fault(
    name="late", about="it is late", file="a.py", old="old", new="new", part="relay", stories=("e2e/stories/test_x.py",)
)

FAILED = """F
=================================== FAILURES ===================================
___________________ test_it[chromium] ___________________

    def test_it(story: Story) -> None:
>       assert 1 == 2
E       AssertionError: the trace 0123456789abcdef0123456789abcdef is late at http://127.0.0.1:40947/
E         Call log

e2e/stories/test_x.py:110: AssertionError
---------------------------------- the story -----------------------------------
promise    It is never late.
page       http://127.0.0.1:40947/
mock       was asked nothing
=========================== short test summary info ============================
FAILED e2e/stories/test_x.py::test_it[chromium-real time] - AssertionError: late
1 failed in 2.00s
"""


def test_each_fault_can_be_planted() -> None:
    """Its place is in the file, and only there; nothing is named twice; its stories exist; each part has a few."""
    listed = faults()
    assert len({each.name for each in listed}) == len(listed)
    for each in listed:
        assert each.planted(ROOT) != (ROOT / each.file).read_text("utf-8"), each.name
        paths = [word.partition("::")[0] for word in each.stories if not word.startswith("--")]
        assert paths, each.name
        assert [path for path in paths if not (ROOT / path).is_file()] == [], each.name
    parts = Counter(each.part for each in listed)
    assert [part for part in PARTS if parts[part] < LEAST] == []


def test_a_failed_story_is_told_with_its_words() -> None:
    """Its name and what it says, without what differs from run to run."""
    assert failure_in(FAILED) == (
        "e2e/stories/test_x.py::test_it[chromium-real time]",
        (
            "AssertionError: the trace ... is late at http://127.0.0.1.../",
            "promise    It is never late.",
            "mock       was asked nothing",
        ),
    )


def test_a_run_that_did_not_begin_is_told_as_such() -> None:
    """A fault that keeps everything from starting is none that a story has noticed."""
    name, said = failure_in("\n".join(f"line {number}" for number in range(100)))
    assert (name, said[0], said[-1], len(said)) == ("", "no story began:", "line 99", SHOWN_LINES + 1)


def test_the_page_names_what_nobody_noticed() -> None:
    """The count, a row each, and below it the story's words."""
    told = page(
        [Verdict(FAULT, "e2e/stories/test_x.py::test_it", ("it", "was late"), 1.0), Verdict(FAULT, "", (), 1.0)]
    )
    assert "**1 of 2 noticed.**" in told
    assert "| relay | it is late | `test_x.py::test_it` |" in told
    assert "```text\nit\nwas late\n```" in told
    assert "| relay | it is late | **nobody** |" in told


@pytest.mark.parametrize("wrong", [{"part": "weather"}, {"stories": ()}], ids=["part", "stories"])
def test_a_fault_that_nobody_could_notice_is_refused(wrong: dict[str, object]) -> None:
    """It has a part that there is, and stories."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Fault.model_validate(FAULT.model_dump() | wrong)
