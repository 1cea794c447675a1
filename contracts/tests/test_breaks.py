"""The deliberate breaks: each can still be made, `compat` alone names it, and the page tells of every layer."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.breaks import BREAKS, LAYERS, PACK, PAGE, PICTURE, RELEASED, Break, Verdict, page
from contracts.compat import Severity, compare, load
from contracts.compat.documents import parse
from contracts.mutants import ROOT, CannotPlant

EACH = pytest.mark.parametrize("made", BREAKS, ids=[each.name for each in BREAKS])
RULES = {
    "rename a field": "response-property-removed",
    "drop an event": "stream-event-removed",
    "tighten an enum": "request-enum-value-removed",
}
DESCRIBE = "import sys; from proxy.openapi.document import as_yaml; sys.stdout.write(as_yaml())"
ROOMS = ("contracts", "proxy")
MOST_PICTURE_BYTES = 300_000


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What describes the API, at another place."""
    for room in ROOMS:
        for source in (ROOT / room).rglob("*.py"):
            target = tmp_path / source.relative_to(ROOT)
            if "node_modules" not in target.parts:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
    shutil.copy2(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@EACH
def test_compat_alone_names_the_break(made: Break, copy: Path) -> None:
    """Made at its source, it is the document's, and the sentence on it says what clients lose."""
    made.make(copy)
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", DESCRIBE], cwd=copy, env={"PYTHONPATH": str(copy)}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    changes = compare(load(ROOT / RELEASED), parse(done.stdout.decode(), "the broken document"))
    told = [each for each in changes if each.severity is Severity.BREAKING]
    assert {each.rule for each in told} == {RULES[made.name]}
    assert all(any(name in each.sentence for name in made.named) for each in told)


@EACH
def test_a_break_that_cannot_be_made_is_told(made: Break, tmp_path: Path) -> None:
    """A place that has changed is an error with the file's name, not a break that nobody noticed."""
    for edit in made.edits:
        (tmp_path / edit.file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / edit.file).write_text("nothing", "utf-8")
    with pytest.raises(CannotPlant, match=re.escape(made.edits[0].file)):
        made.make(tmp_path)


@EACH
def test_blindness_is_of_a_layer(made: Break) -> None:
    """Only layers that there are cannot notice a break, never the first, nor the comparison with the last release."""
    assert made.blind.keys() < LAYERS.keys()
    assert not made.blind.keys() & {"document", "golden", "proxy", "compat"}


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        (Verdict("proxy", noticed=True, by="test_it", said="turnId is missing"), ""),
        (Verdict("proxy", noticed=True, by="test_it", said="something is wrong"), "does not name it"),
        (Verdict("document", noticed=True, by="openapi", said="the file is stale"), ""),
        (Verdict("proxy", noticed=False, by="test_it", said="passes"), "does not notice it"),
        (Verdict("upstream", noticed=False, by="test_it", said="passes"), ""),
        (Verdict("upstream", noticed=True, by="test_it", said="turnId"), "notices it, though"),
    ],
    ids=["named", "not named", "a file's name is enough", "missed", "blind", "blind, but sees"],
)
def test_a_verdict_is_judged(verdict: Verdict, told: str) -> None:
    """What a layer misses, leaves unnamed or sees unexpectedly is a fault."""
    fault = verdict.fault(BREAKS[0])
    assert told in fault
    assert bool(fault) is bool(told)


def test_the_page_shows_every_verdict() -> None:
    """A test with its words and how many more failed; a layer that is blind with the reason, or with none."""
    found = {
        each.name: [
            Verdict("proxy", noticed=True, by="a::test[b]", said="turnId | gone", count=3),
            Verdict("upstream", noticed=False, by="pytest c", said="passes", count=0),
            Verdict("golden", noticed=False, by="pytest d", said="passes", count=0),
        ]
        for each in BREAKS
    }
    told = page(found)
    assert f"| {LAYERS['proxy'].title} | `a::test[b]`, and 2 more | turnId \\| gone |" in told
    assert f"| nothing; `pytest c` passes | Cannot notice: {BREAKS[0].blind['upstream']} |" in told
    assert "Cannot notice: **no reason known** |" in told


def test_the_committed_page_names_every_layer() -> None:
    """Of each break, with what it said; nothing is unexplained."""
    told = PAGE.read_text("utf-8")
    sections = told.split("\n## ")[1:]
    assert [section.splitlines()[0] for section in sections] == [each.name.capitalize() for each in BREAKS]
    for made, section in zip(BREAKS, sections, strict=True):
        rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
        assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == [each.title for each in LAYERS.values()]
        blind = {name for name, row in zip(LAYERS, rows, strict=True) if "| Cannot notice: " in row}
        assert blind == made.blind.keys()
    assert "no reason known" not in told


def test_the_review_of_all_breaks_is_there() -> None:
    """Pack and picture; the pack tells of each break."""
    told = PACK.read_text("utf-8")
    assert [made.name for made in BREAKS if f"[{RULES[made.name]}]" not in told] == []
    assert 10_000 < PICTURE.stat().st_size < MOST_PICTURE_BYTES
