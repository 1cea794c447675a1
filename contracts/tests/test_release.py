"""A break since the last release is told by version and changelog, or it is a fault."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from contracts import release
from contracts.compat import Document, DocumentError, load
from contracts.release import CHANGELOG, CURRENT, MARK, faults, keep, newest
from contracts.tests.test_compat_rules import TEXT, headers, response, thing

LINE = f"{MARK} `SqlAnswer.rowCount` is gone."
UNRELEASED = "# Changelog\n\n## [Unreleased]\n\n### Changed\n\n"


def test_what_broke_since_the_last_release_is_told() -> None:
    """Our document breaks nothing of the released one that version and changelog do not tell."""
    assert faults(load(newest()), load(CURRENT), CHANGELOG.read_text(encoding="utf-8")) == []


def test_a_released_document_has_the_version_of_its_name() -> None:
    """Every released document is one, and its file is named for it."""
    for each in release.RELEASED.glob("*.yaml"):
        assert load(each)["info"]["version"] == each.stem


def answer(number: str, *fields: str) -> Document:
    """A document of this version whose answer has these fields."""
    schema: Any = thing() | {"properties": dict.fromkeys(fields, TEXT)}
    described = response({"$ref": "#/components/schemas/SqlAnswer"}, SqlAnswer=schema)
    return {**described, "info": {"title": "Things", "version": number}}


@pytest.mark.parametrize(
    ("old", "new", "needed"),
    [
        ("0.1.0", "0.1.0", "0.2.0"),
        ("0.1.0", "0.1.9", "0.2.0"),
        ("1.4.2", "1.5.0", "2.0.0"),
        ("0.1.0", "0.2.0", ""),
        ("0.9.3", "1.0.0", ""),
        ("1.4.2", "2.0.0", ""),
    ],
)
def test_a_break_needs_another_version(old: str, new: str, needed: str) -> None:
    """The major version rises with a break; below 1.0 the minor does."""
    found = faults(answer(old, "rowCount", "rows"), answer(new, "rows"), UNRELEASED + LINE)
    assert len(found) == bool(needed)
    assert needed in "".join(found)


@pytest.mark.parametrize(
    ("changelog", "is_told"),
    [
        (UNRELEASED + LINE, True),
        (f"# Changelog\n\n## [0.2.0] - 2026-01-01\n\n{LINE}\n", True),
        (UNRELEASED + f"{MARK} in the answer of the\n  SQL tool, `SqlAnswer.rowCount`\n  is gone.\n- Another.\n", True),
        (UNRELEASED + "- `SqlAnswer.rowCount` is gone.", False),
        (UNRELEASED + f"{MARK} rowCount is gone.", False),
        (UNRELEASED + f"\n## [0.1.0]\n\n{LINE}\n", False),
        (UNRELEASED + f"{MARK} something.\n- Not about `SqlAnswer.rowCount`.\n", False),
        (UNRELEASED + f"- Fixed, and no {MARK} `SqlAnswer.rowCount` stays.", False),
        ("", False),
    ],
    ids=[
        "unreleased",
        "the version's",
        "over lines",
        "no mark",
        "no spot",
        "an old version's",
        "next entry",
        "in the middle",
        "empty",
    ],
)
def test_a_break_needs_a_line_in_the_changelog(changelog: str, is_told: bool) -> None:
    """A marked line that names the spot, under the coming version; the fault shows one that would do."""
    found = faults(answer("0.1.0", "rowCount", "rows"), answer("0.2.0", "rows"), changelog)
    assert (found == []) is is_told
    if not is_told:
        line = found[0].splitlines()[-1]
        assert faults(answer("0.1.0", "rowCount", "rows"), answer("0.2.0", "rows"), UNRELEASED + line) == []


def test_a_header_is_told_by_its_name() -> None:
    """Where no schema is the spot, the header's, parameter's or operation's name is."""
    found = faults(headers(ETag={}), headers(), "")
    assert f"{MARK} The header `ETag`" in found[1]
    assert len(faults(headers(ETag={}), headers(), UNRELEASED + found[1].splitlines()[-1])) == 1


def test_what_breaks_nothing_needs_nothing() -> None:
    """Additions may come with any version, and untold."""
    assert faults(answer("0.1.0", "rows"), answer("0.1.0", "rows", "rowCount"), "") == []


def test_a_released_version_stays_as_it_is(tmp_path: Path) -> None:
    """Keeping the same again changes nothing; another content under the same version is refused."""
    current = tmp_path / "openapi.yaml"
    current.write_bytes(CURRENT.read_bytes())
    kept = keep(current, tmp_path / "released")
    assert kept.read_bytes() == current.read_bytes()
    assert keep(current, tmp_path / "released") == kept == newest(tmp_path / "released")
    current.write_bytes(current.read_bytes() + b"# more\n")
    with pytest.raises(DocumentError, match="released already"):
        keep(current, tmp_path / "released")


def test_versions_are_ordered_as_numbers(tmp_path: Path) -> None:
    """0.10.0 is newer than 0.9.0; without any release, or with a name that is no version, there is no newest."""
    with pytest.raises(DocumentError, match="no document is released"):
        newest(tmp_path)
    for each in ("0.9.0", "0.10.0"):
        (tmp_path / f"{each}.yaml").touch()
    assert newest(tmp_path).stem == "0.10.0"
    (tmp_path / "latest.yaml").touch()
    with pytest.raises(DocumentError, match="'latest' is no version"):
        newest(tmp_path)


def test_the_command_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Exit code 1 with every fault, 0 without, 2 when there is nothing to hold it against."""
    said = list[str]()
    assert release.run(check=True, say=said.append) == 0
    assert said[-1].startswith("no faults against ")
    broken: Any = copy.deepcopy(load(CURRENT))
    broken["paths"]["/api/v1/new"] = {"get": {"responses": {"200": {"description": ""}}}}
    monkeypatch.setattr(release, "load", lambda path: broken if path == newest() else load(path))
    assert release.run(check=True, say=said.append) == 1
    assert "`/api/v1/new`" in said[-2]
    monkeypatch.setattr(release, "newest", lambda: newest(tmp_path))
    assert release.run(check=True, say=said.append) == 2
