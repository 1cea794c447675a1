"""The comparison held to properties: no edit passes in silence, and what it calls harmless is."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from contracts.compat import Document, Severity, compare, load
from contracts.tests.test_compat_rules import TEXT, WHOLE, request, response, thing

OURS = Path(__file__).parents[1] / "openapi.yaml"
REAL: Document = load(OURS)
A = {"$ref": "#/components/schemas/A"}


def rules(old: Document, new: Document) -> list[str]:
    """The rules of the changes, worst first."""
    return [each.rule for each in compare(old, new)]


# --- any document --------------------------------------------------------------------------------------------------

Site = tuple[str, str]
"""A component and one of its fields."""

SITES: list[Site] = [
    (name, field)
    for name, schema in sorted(REAL["components"]["schemas"].items())
    for field in schema.get("properties", {})
    if field != "event"
]
OPERATIONS = [(path, method) for path, item in REAL["paths"].items() for method in item]


def _drop(whole: Any, site: Site) -> None:
    holder = whole["components"]["schemas"][site[0]]
    holder["properties"].pop(site[1], None)
    holder["required"] = [each for each in holder.get("required", []) if each != site[1]]


def _add(whole: Any, site: Site) -> None:
    whole["components"]["schemas"][site[0]]["properties"][f"{site[1]}Too"] = {"type": "string", "maxLength": 77}


def _demand(whole: Any, site: Site) -> None:
    holder = whole["components"]["schemas"][site[0]]
    if site[1] in holder["properties"]:
        holder["required"] = sorted({*holder.get("required", []), site[1]})


def _retype(whole: Any, site: Site) -> None:
    whole["components"]["schemas"][site[0]]["properties"][site[1]] = {
        "type": "array",
        "minItems": 77,
        "maxItems": 77,
    }


def _strip_answer(whole: Any, at: tuple[str, str]) -> None:
    answers = whole["paths"].get(at[0], {}).get(at[1], {}).get("responses", {"": None})
    answers.pop(next(iter(answers)))


def _strip_operation(whole: Any, at: tuple[str, str]) -> None:
    whole["paths"].get(at[0], {}).pop(at[1], None)


FIELD_EDITS = st.tuples(st.sampled_from([_drop, _add, _demand, _retype]), st.sampled_from(SITES))
OPERATION_EDITS = st.tuples(st.sampled_from([_strip_answer, _strip_operation]), st.sampled_from(OPERATIONS))
MANY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SOME = settings(MANY, max_examples=15)
"""For the whole of our document: a tenth of a second each time."""


def _plain(value: Any) -> Any:
    """A document without what the order of names says."""
    if isinstance(value, dict):
        return {
            key: sorted(each) if key == "required" and isinstance(each, list) else _plain(each)
            for key, each in value.items()
        }
    return [_plain(each) for each in value] if isinstance(value, list) else value


@SOME
@given(st.lists(st.one_of(FIELD_EDITS, OPERATION_EDITS), min_size=1, max_size=5))
def test_no_edit_passes_in_silence(edits: list[Any]) -> None:
    """Whatever is done to our document's fields, answers and operations is reported, and reported in reverse."""
    changed: Any = copy.deepcopy(REAL)
    for edit, site in edits:
        edit(changed, site)
    is_other = _plain(changed) != _plain(REAL)
    assert bool(compare(REAL, changed)) == bool(compare(changed, REAL)) == is_other


OPPOSITES = {
    "property-removed": "property-added",
    "property-ignored": "property-added",
    "property-became-required": "property-became-optional",
    "operation-removed": "operation-added",
    "path-removed": "operation-added",
    "success-status-removed": "success-status-added",
    "error-status-removed": "error-status-added",
}


def kinds(old: Document, new: Document) -> set[str]:
    """What was done, on whichever side."""
    return {
        each.rule.removeprefix("request-").removeprefix("response-").replace("required-property", "property")
        for each in compare(old, new)
    }


@SOME
@given(st.one_of(st.tuples(st.sampled_from([_drop, _demand]), st.sampled_from(SITES)), OPERATION_EDITS))
def test_reversed_documents_give_the_opposite(edit: tuple[Any, Any]) -> None:
    """What is removed one way is added the other way, and what is tightened is loosened."""
    changed: Any = copy.deepcopy(REAL)
    edit[0](changed, edit[1])
    there, back = kinds(REAL, changed), kinds(changed, REAL)
    there.discard("component-removed")
    assert {OPPOSITES[each] for each in there} == back


SCHEMAS = st.recursive(
    st.sampled_from(
        [True, TEXT, WHOLE, {"type": "boolean"}, {"type": "null"}, TEXT | {"maxLength": 3}, {"enum": ["a", 1]}, A]
    ),
    lambda inner: st.one_of(
        st.builds(lambda each: {"type": "array", "items": each}, inner),
        st.builds(lambda each: thing("a", a=each), inner),
        st.builds(lambda each: thing(a=each, b=TEXT, closed=True), inner),
        st.builds(lambda one, other: {"anyOf": [one, other]}, inner, inner),
        st.builds(lambda one, other: {"allOf": [one, other]}, inner, inner),
    ),
    max_leaves=6,
)
TREE = thing(value=TEXT, next=A)


@MANY
@given(SCHEMAS, SCHEMAS)
def test_any_two_schemas_can_be_compared(old: Any, new: Any) -> None:
    """Unions, conjunctions and circles of any kind end in changes; one that breaks requests leaves answers in peace."""
    assert rules(request(old, A=TREE), request(old, A=TREE)) == []
    asked = compare(request(old, A=TREE), request(new, A=TREE))
    told = compare(response(new, A=TREE), response(old, A=TREE))
    assert bool(asked) == bool(told)


# --- is harmless what is called so ---------------------------------------------------------------------------------

SCALARS = st.one_of(
    st.sampled_from([True, {"type": "null"}, {"type": "boolean"}, {"type": ["string", "null"]}, A]),
    st.builds(lambda low, high: WHOLE | {"minimum": low, "maximum": high}, st.integers(0, 2), st.integers(1, 3)),
    st.builds(lambda low: {"type": "number", "exclusiveMinimum": low}, st.integers(0, 2)),
    st.builds(lambda by: {"type": "number", "multipleOf": by}, st.sampled_from([1, 2, 0.5])),
    st.builds(lambda low, high: TEXT | {"minLength": low, "maxLength": high}, st.integers(0, 1), st.integers(0, 2)),
    st.builds(
        lambda values: {"enum": values}, st.lists(st.sampled_from(["", "a", "ab", 1, None]), min_size=1, max_size=3)
    ),
    st.builds(lambda pattern: TEXT | {"pattern": pattern}, st.sampled_from(["^a", "b$"])),
    st.builds(
        lambda one, other: {"allOf": [one, other]},
        st.just(TEXT),
        st.sampled_from([{"maxLength": 1}, {"not": {"const": "a"}}]),
    ),
)
Shaper = Callable[[Any], Any]
"""What makes a schema of another one."""

SHAPERS: list[Shaper] = [
    lambda each: {"type": "array", "items": each},
    lambda each: {"type": "array", "items": each, "minItems": 1},
    lambda each: thing(a=each),
    lambda each: thing("a", a=each),
    lambda each: thing("a", a=each, closed=True),
    lambda each: thing("b", a=each, b=TEXT),
    lambda each: {"type": "object", "additionalProperties": each},
    lambda each: thing(b=WHOLE) | {"additionalProperties": each},
    lambda each: {"anyOf": [each, {"type": "null"}]},
    lambda each: {"oneOf": [thing("a", a=each), {"type": "array", "items": each}]},
    lambda each: {"anyOf": [thing("a", a={"const": 1}, b=each), thing("a", a={"const": 2}, b=TEXT)]},
]
PAIRS_OF_SCHEMAS = st.recursive(
    st.one_of(st.tuples(SCALARS, SCALARS), SCALARS.map(lambda each: (each, each))),
    lambda inner: st.builds(
        lambda pair, one, other, is_same: (one(pair[0]), (one if is_same else other)(pair[1])),
        inner,
        st.sampled_from(SHAPERS),
        st.sampled_from(SHAPERS),
        st.booleans(),
    ),
    max_leaves=3,
)
"""An old and a new schema that are often nearly the same."""

_LEAVES: list[Any] = [None, True, 0, 1, 1.5, 2, 3, "", "a", "ab", "abc"]
VALUES: list[Any] = [
    *_LEAVES,
    *([], {}, [[]], {"a": {"a": 1}}, {"a": [1]}, {"a": [{"a": "a"}]}, [{"a": 1}], [{}], {"a": {"b": None}}),
    *([each] for each in _LEAVES),
    *({"a": each} for each in _LEAVES),
    *({"b": each} for each in _LEAVES),
    *({"a": each, "b": other} for each in (1, 2, "a", None) for other in (1, "a", None)),
]


def accepts(schema: Any, value: Any) -> bool:
    """Whether JSON Schema's own validator takes a value."""
    keywords = schema if isinstance(schema, dict) else {}
    return bool(Draft202012Validator({**keywords, "components": {"schemas": {"A": TREE}}}).is_valid(value))


def described(schema: Any) -> Any:
    """A schema that takes no field of which it says nothing: what a client sends who keeps to the document."""
    if not isinstance(schema, dict):
        return schema
    made = dict(schema)
    for key in ("items", "additionalProperties"):
        if key in made:
            made[key] = described(made[key])
    for key in ("anyOf", "oneOf", "allOf"):
        if key in made:
            made[key] = [described(each) for each in made[key]]
    if "properties" in made:
        made["properties"] = {name: described(each) for name, each in made["properties"].items()}
        made.setdefault("additionalProperties", False)
    return made


@settings(MANY, max_examples=500)
@given(PAIRS_OF_SCHEMAS)
def test_what_is_not_reported_breaks_nobody(pair: tuple[Any, Any]) -> None:
    """Without a break or warning, every request that kept to the old document is taken by JSON Schema's own validator,
    and every answer that keeps to the new one would have been taken before."""
    old, new = pair
    harmless = {Severity.INFO}
    if {each.severity for each in compare(request(old, A=TREE), request(new, A=TREE))} <= harmless:
        assert [each for each in VALUES if accepts(described(old), each) and not accepts(new, each)] == []
    if {each.severity for each in compare(response(old, A=TREE), response(new, A=TREE))} <= harmless:
        assert [each for each in VALUES if accepts(described(new), each) and not accepts(old, each)] == []
