"""The catalogue of scenarios: current, complete, and what it shows can be used as it stands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from mocks.answers import ANSWERS
from mocks.catalogue import EXIT_STALE, PAGE, main, shipped
from mocks.grammar import PARTS, Fault
from mocks.scenario import load
from mocks.state import HERE

FILES = sorted((HERE / "scenarios").glob("*.yaml"))
TEXT = shipped()


def test_the_committed_page_is_current() -> None:
    """Run `python -m mocks.catalogue` when this fails."""
    assert PAGE.read_text(encoding="utf-8") == TEXT
    assert main(["--check"]) == 0


def test_a_stale_page_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 4 and what to do; once written, all is well."""
    page = tmp_path / "scenarios.md"
    assert main(["--check"], page) == EXIT_STALE == 4
    assert "scenarios.md is stale: run python -m mocks.catalogue" in capsys.readouterr().err
    assert main([], page) == 0
    assert main(["--check"], page) == 0
    page.write_text(TEXT + "x", encoding="utf-8")
    assert main(["--check"], page) == EXIT_STALE


def test_there_are_enough_stories() -> None:
    """Every scenario tells how it comes about, in words that are its own."""
    stories = [load(path).story for path in FILES]
    assert len(stories) >= 30
    assert all(stories)
    assert len(set(stories)) == len(stories)


def test_everything_has_its_section() -> None:
    """Each scenario, each part of the grammar, each answer that has a name."""
    headings = re.findall(r"^### `?([a-z0-9_]+)`?$", TEXT, re.MULTILINE)
    assert headings == [*(path.stem for path in FILES), *PARTS]
    assert all(f"| `{name}` |" in TEXT for name in ANSWERS)


def test_faults_that_are_shown_are_those_of_the_files() -> None:
    """The YAML of a section means what its file means, to any reader of YAML."""
    shown = [yaml.safe_load(each)["fault"] for each in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)]
    assert [Fault.model_validate(each) for each in shown] == [fault for path in FILES if (fault := load(path).fault)]


def test_commands_that_are_shown_carry_documents() -> None:
    """What follows `-d` is JSON; faults among it are faults."""
    bodies = [json.loads(each) for each in re.findall(r"-d '(.*?)'", TEXT)]
    assert [each["scenario"] for each in bodies if "scenario" in each] == [path.stem for path in FILES]
    assert len([Fault.model_validate(each["fault"]) for each in bodies if "fault" in each]) == 2


def test_every_key_of_the_grammar_is_explained() -> None:
    """No line of a table ends without a meaning."""
    grammar = TEXT.partition("## The grammar")[2]
    assert re.findall(r"^\| `.*\|\s*\|$", grammar, re.MULTILINE) == []
