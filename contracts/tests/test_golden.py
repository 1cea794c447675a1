"""The golden payloads: the models and the document agree on every one of them."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from contracts import golden
from contracts.golden import Case


@cache
def document() -> dict[str, Any]:
    """The committed document."""
    found: dict[str, Any] = yaml.safe_load(golden.DOCUMENT.read_text(encoding="utf-8"))
    return found


CASES = golden.cases(document())
BY_SCHEMA: dict[str, list[Case]] = defaultdict(list)
for _case in CASES:
    BY_SCHEMA[_case.schema].append(_case)
EVERY_SCHEMA = pytest.mark.parametrize("schema", sorted(document()["components"]["schemas"]))


@cache
def judge(schema: str) -> Any:
    """The committed document's judge of one component."""
    return validator(document(), schema)


def validator(described: dict[str, Any], schema: str) -> Any:
    """JSON Schema's judge of one component, formats included."""
    whole: Resource[Any] = Resource.from_contents(described, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:document", whole)
    return Draft202012Validator(
        {"$ref": f"urn:document#/components/schemas/{schema}"},
        registry=registry,
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )


@EVERY_SCHEMA
def test_the_document_agrees(schema: str) -> None:
    """It takes what fits and what only a rule between fields refuses, and nothing else."""
    wrong = [case.name for case in BY_SCHEMA[schema] if judge(schema).is_valid(case.value) is not case.schema_takes_it]
    assert wrong == []


@EVERY_SCHEMA
def test_the_models_agree(schema: str) -> None:
    """They take what fits and nothing else, and would send it as it is."""
    assert [case.name for case in BY_SCHEMA[schema] if golden.fits(schema, case.value) is not case.valid] == []


@EVERY_SCHEMA
def test_every_schema_is_tried(schema: str) -> None:
    """With one value at least that fits and two that the schema itself refuses; names tell them apart."""
    count = Counter(case.schema_takes_it for case in BY_SCHEMA[schema])
    assert count[True] >= 1
    assert count[False] >= 2
    names = [case.name for case in BY_SCHEMA[schema]]
    assert len(names) == len(set(names))


def test_rules_between_fields_give_their_reason() -> None:
    """Each of our own rules has a case that only it refuses."""
    reasons = {case.beyond for case in CASES if case.beyond}
    assert reasons == {
        "give either rows or statementHandle",
        "parentMessageId without threadId can only be 0, which opens a new thread",
        "threadId needs parentMessageId: 0 for its first turn, else the last assistant message's id",
        "the last message must be the user's",
        "an item of type 'json' carries exactly the field 'json'",
        "an item of type 'text' carries exactly the field 'text'",
    }
    assert not any(case.valid for case in CASES if case.beyond)


def test_the_file_is_current() -> None:
    """What is committed is what the document makes; other languages read it."""
    assert golden.FILE.read_text(encoding="utf-8") == golden.as_json(), "run 'python -m contracts.golden'"
    written = json.loads(golden.FILE.read_text(encoding="utf-8"))
    assert written == [case.document() for case in CASES]


@pytest.mark.parametrize(("found", "code"), [("current", 0), ("stale", golden.STALE), (None, golden.STALE)])
def test_the_command_finds_drift(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: str | None, code: int) -> None:
    """`--check` says so by its exit code and leaves the file as it is; without, the file is made current."""
    file = tmp_path / "golden.json"
    if found is not None:
        file.write_text(golden.as_json() if found == "current" else found, encoding="utf-8")
    before = file.read_bytes() if found else None
    monkeypatch.setattr(golden, "FILE", file)
    assert golden.run(check=True, say=print) == code
    assert (file.read_bytes() if file.exists() else None) == before
    assert golden.run(check=False, say=print) == 0
    assert file.read_text(encoding="utf-8") == golden.as_json()


# --- beside the cases ----------------------------------------------------------------------------------------------

LEAVES = st.none() | st.booleans() | st.integers(-9, 10**6) | st.sampled_from([0.5, -1.25, "", "words", "completed"])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
)
"""Any JSON. No number is written as `1.0`, which JSON Schema and JavaScript take for an integer, and JSON's writers
never write for one; no text is a time in another form than RFC 3339's, of which the models read more than is ever
written."""


def places(value: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The way to everything inside a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, each in inner for place in places(each, (*at, key)))]


def replaced(value: Any, at: tuple[str | int, ...], new: Any) -> Any:
    """The value with something else in one place."""
    if not at:
        return new
    made: Any = dict(value) if isinstance(value, dict) else list(value)
    made[at[0]] = replaced(value[at[0]], at[1:], new)
    return made


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_they_agree_on_anything_anywhere(data: st.DataObject) -> None:
    """Whatever stands in any place of an example, models and document judge it alike."""
    case = data.draw(st.sampled_from([each for each in CASES if each.valid]))
    value = replaced(case.value, data.draw(st.sampled_from(places(case.value))), data.draw(VALUES))
    judged = golden.fits(case.schema, value) or bool(golden.beyond_schema(case.schema, value))
    assert judged is judge(case.schema).is_valid(value)


# --- the judges can disagree ---------------------------------------------------------------------------------------


def disagreement(described: dict[str, Any], schema: str) -> list[str]:
    """Cases of the changed document that the models judge otherwise."""
    return [
        case.name
        for case in golden.cases(described)
        if case.schema == schema and golden.fits(schema, case.value) is not case.valid
    ]


@pytest.mark.parametrize(
    ("schema", "change", "told"),
    [
        ("ProxyEnd", lambda it: it["required"].remove("durationMs"), "without durationMs"),
        ("SqlRequest", lambda it: it.pop("additionalProperties"), "a field to come"),
        (
            "SqlRequest",
            lambda it: it["properties"]["maxRows"].update(maximum=20_000),
            "maxRows is as large as it may be",
        ),
        ("EndReason", lambda it: it["enum"].append("bored"), "example 12"),
        ("TextDelta", lambda it: it["properties"]["text"].update(type="integer"), "text is text"),
        ("Problem", lambda it: it["properties"]["traceId"].update(type=["string", "null"]), "traceId is text"),
        ("SearchAnswer", lambda it: it["required"].remove("requestId"), "without requestId"),
    ],
    ids=["required", "strictness", "bound", "enum", "type", "null", "whole"],
)
def test_a_document_that_says_otherwise_is_found(schema: str, change: Any, told: str) -> None:
    """One word changed in it, and the models judge one of its cases differently."""
    described = deepcopy(document())
    change(described["components"]["schemas"][schema])
    assert told in disagreement(described, schema)


def test_an_example_that_hides_a_field_is_found() -> None:
    """A field that no example shows cannot be tried: it is named."""
    described = deepcopy(document())
    for example in described["components"]["schemas"]["Chart"]["examples"]:
        del example["chart_spec"]
    with pytest.raises(LookupError, match="no example of Chart shows chart_spec"):
        golden.cases(described)


def test_a_schema_without_a_model_is_found() -> None:
    """Nothing is in the document that no model stands for."""
    with pytest.raises(LookupError, match="Weather is in the document"):
        golden.judge("Weather")
    assert isinstance(golden.judge("ProxyEnd"), TypeAdapter)
