"""What the comparison does with input that is none, and how its command answers."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from contracts.compat import RULES, Document, DocumentError, Severity, compare, load, overview, run
from contracts.compat.documents import MAX_BYTES, MAX_DEPTH, git
from contracts.compat.report import text
from contracts.tests.test_compat_rules import TEXT, WHOLE, response, thing

OURS = Path(__file__).parents[1] / "openapi.yaml"
REAL: Document = load(OURS)
A = {"$ref": "#/components/schemas/A"}


# --- what is no document -------------------------------------------------------------------------------------------

EMPTY = "openapi: 3.1.0\ninfo: {title: t, version: 1.0.0}\npaths: {}\n"
BAD: dict[str, tuple[str, str]] = {
    "no YAML": ("a: [1", "neither YAML nor JSON"),
    "no JSON": ('{"openapi": ', "neither YAML nor JSON"),
    "a list": ("[]", "no OpenAPI document"),
    "empty": ("", "no OpenAPI document"),
    "another format": ("swagger: '2.0'", "no OpenAPI document"),
    "another version": ("openapi: 3.0.3\npaths: {}", "OpenAPI 3.0.3; only 3.1"),
    "paths of nothing": ("openapi: 3.1.0\npaths: 1", "paths is no object"),
    "a dangling reference": (
        EMPTY + "components: {schemas: {A: {$ref: '#/components/schemas/B'}}}",
        "leads nowhere: there is no 'B'",
    ),
    "a reference to elsewhere": (
        EMPTY + "components: {schemas: {A: {$ref: 'other.yaml#/B'}}}",
        "leads out of the document",
    ),
    "a reference to itself": (
        EMPTY + "components: {schemas: {A: {$ref: '#/components/schemas/A'}}}",
        "leads back to itself",
    ),
    "an alias of itself": ("openapi: 3.1.0\npaths: &a {b: *a}", "nested deeper than"),
    "aliases without end": (
        "openapi: 3.1.0\nx0: &x0 [1]\n"
        + "".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]\n" for n in range(1, 9)),
        "more than 1000000 values",
    ),
    "too deep": (
        "openapi: 3.1.0\npaths: " + "{a: " * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1),
        "nested deeper than",
    ),
    "far too deep": ("[" * 100_000, "nested deeper than"),
    "far too deep JSON": ('{"a":' * 100_000, "neither YAML nor JSON"),
    "too large": ("a" * (MAX_BYTES + 1), f"{MAX_BYTES + 1} bytes"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_document_is_refused(name: str, tmp_path: Path) -> None:
    """Input that cannot be compared gives exit code 2 and a message with its name and the reason."""
    (tmp_path / "bad.yaml").write_text(BAD[name][0])
    said = list[str]()
    assert run(tmp_path / "bad.yaml", OURS, say=said.append) == 2
    assert said[0].startswith(f"cannot compare: {tmp_path / 'bad.yaml'}: ")
    assert BAD[name][1] in said[0]
    assert len(said[0]) < 400


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """A file that is not UTF-8 is none of ours."""
    (tmp_path / "bad.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(DocumentError, match="not UTF-8"):
        load(tmp_path / "bad.yaml")


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"allOf": [A]}, "consists of itself"),
        ({"type": "text"}, "'text' is no type"),
        ("string", "a schema is an object"),
        ({"allOf": [{"anyOf": [thing(a=TEXT)] * 50}] * 3}, "more than 2000 alternatives"),
    ],
    ids=["consists of itself", "no type", "no schema", "too many alternatives"],
)
def test_a_schema_that_is_none_is_refused(schema: Any, reason: str) -> None:
    """What no value could be checked against is an error, and no endless search."""
    with pytest.raises(DocumentError, match=reason):
        compare(response(A, A=schema), response(A, A=TEXT))


# --- the command ---------------------------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with our document as `v1`, and without `SqlAnswer.truncated` in the working tree."""
    folder = tmp_path / "contracts"
    folder.mkdir()
    (folder / "openapi.yaml").write_text(json.dumps(REAL))
    identity = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.com", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "one"], ["tag", "v1"]):
        git(*command, folder=tmp_path)
    changed: Any = copy.deepcopy(REAL)
    answer = changed["components"]["schemas"]["SqlAnswer"]
    answer["properties"].pop("truncated")
    answer["required"].remove("truncated")
    (folder / "openapi.yaml").write_text(json.dumps(changed))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("old", ["v1", "HEAD", "v1:contracts/openapi.yaml"])
def test_a_revision_is_compared_with_the_working_tree(repository: Path, old: str) -> None:
    """A name that is no file is a git revision, with or without a path; a folder holds its own document."""
    said = list[str]()
    assert run(old, ".", say=said.append) == 1
    assert "`SqlAnswer.truncated` in the answer 200 of POST /api/v1/tools/sql is gone" in said[0]
    assert run(old, old, say=said.append) == 0
    assert said[1] == "Nothing changed that a client could meet."


@pytest.mark.parametrize("name", ["v2", "v1:contracts/other.yaml", "--output=x", ""])
def test_a_name_of_nothing_is_refused(repository: Path, name: str) -> None:
    """Neither a file nor a revision: exit code 2, and git's own words; a name never becomes an option."""
    said = list[str]()
    assert run(name, "." if name else "v2", say=said.append) == 2
    assert "no git revision that has one" in said[0]
    assert sorted(each.name for each in repository.iterdir()) == [".git", "contracts"]


def test_json_holds_every_place(repository: Path) -> None:
    """`--json` has counts, and for each change its rule, sentence, spot and places."""
    said = list[str]()
    assert run("v1", ".", as_json=True, say=said.append) == 1
    told = json.loads(said[0])
    assert told["counts"] == {"breaking": 1, "warning": 0, "info": 0}
    assert told["changes"][0]["anchor"] == "SqlAnswer.truncated"
    assert (
        told["changes"][0]["places"][0] | {"path": "/api/v1/tools/sql", "status": "200"}
        == told["changes"][0]["places"][0]
    )
    assert run("v9", ".", as_json=True, say=said.append) == 2
    assert "v9" in json.loads(said[1])["error"]


def test_a_report_is_grouped_and_counted() -> None:
    """The worst first, new fields of one object in one line, and how many changes there are of each kind."""
    gone = "`a` in the answer 200 of GET /things is gone (`b` looks like its new name)"
    shown = text(compare(response(thing("a", a=TEXT)), response(thing(b=TEXT, c=WHOLE, d=TEXT | {"maxLength": 1}))))
    assert shown.splitlines() == [
        "Breaking",
        f"  - {gone}: a client that reads it finds nothing. [response-property-removed]",
        "",
        "Harmless",
        "  - The answer 200 of GET /things has 3 new fields: `b`, `c` and `d`. [response-property-added]",
        "",
        "1 breaking, 3 harmless.",
    ]
    assert text(compare(response(thing()), response(thing(b=TEXT)))).endswith("\n\nNothing breaks: 1 harmless.")


def test_rules_are_shown_by_severity() -> None:
    """The table of rules names every one, below what it means."""
    shown = overview()
    assert all(f"  {each}: " in shown for each in RULES)
    assert [shown.index(each) for each in ("Breaking", "To look at", "Harmless")] == sorted(
        shown.index(each) for each in ("Breaking", "To look at", "Harmless")
    )
    assert {each.severity for each in RULES.values()} == set(Severity)
