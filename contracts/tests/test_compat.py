"""The comparison on the document that we have, on hard schemas, and on input that is none."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from contracts.compat import RULES, Document, DocumentError, Severity, compare, load, overview, run
from contracts.compat.documents import MAX_BYTES, MAX_DEPTH, git
from contracts.tests.test_compat_rules import TEXT, WHOLE, document, request, response, stream, thing

OURS = Path(__file__).parents[1] / "openapi.yaml"
REAL: Document = load(OURS)
A = {"$ref": "#/components/schemas/A"}


def rules(old: Document, new: Document) -> list[str]:
    """The rules of the changes, worst first."""
    return [each.rule for each in compare(old, new)]


def edited(edit: Callable[[Any], Any]) -> Document:
    """Our document after an edit in place."""
    made = copy.deepcopy(REAL)
    edit(made)
    return made


# --- schemas that are hard to compare ------------------------------------------------------------------------------


def test_a_recursive_schema_is_compared_once() -> None:
    """A tree of itself ends, and its change has one sentence."""
    tree = thing("name", name=TEXT, children={"type": "array", "items": A})
    pruned = thing(name=TEXT, children={"type": "array", "items": A})
    changes = compare(response(A, A=tree), response(A, A=pruned))
    assert [(each.rule, str(each.anchor)) for each in changes] == [("response-property-became-optional", "A.name")]


def test_schemas_that_lead_to_each_other_are_compared() -> None:
    """A change behind a circle of components is found, from whichever of them a document enters."""

    def pair(kind: Any) -> dict[str, Any]:
        return {"A": thing(b={"$ref": "#/components/schemas/B"}), "B": thing(a=A, value=kind)}

    for entry in (A, {"$ref": "#/components/schemas/B"}):
        changes = compare(response(entry, **pair(TEXT)), response(entry, **pair(WHOLE)))
        assert [(each.rule, str(each.anchor)) for each in changes] == [("response-type-widened", "B.value")]


def test_a_component_says_the_same_as_its_content() -> None:
    """A reference, `allOf` around it, and what it leads to are one schema."""
    inline = thing("a", a=TEXT, b=WHOLE)
    for same in (A, {"allOf": [A]}, {"allOf": [thing("a", a=TEXT), thing(b=WHOLE)]}, A | {"description": "words"}):
        assert rules(response(inline, A=inline), response(same, A=inline)) == []
        assert rules(response(same, A=inline), response(inline, A=inline)) == []


def test_parts_of_all_of_count_together() -> None:
    """The tightest bound of all parts holds, and a part that goes takes its fields along."""
    both = {"allOf": [TEXT | {"maxLength": 5}, {"maxLength": 9}]}
    assert rules(request(both), request(TEXT | {"maxLength": 5})) == []
    whole, part = {"allOf": [thing("a", a=TEXT), thing("b", b=TEXT)]}, {"allOf": [thing("a", a=TEXT)]}
    assert rules(response(whole), response(part)) == ["response-property-removed"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": ["string", "null"]},
        {"anyOf": [TEXT, {"type": "null"}]},
        {"oneOf": [{"type": "null"}, TEXT]},
        {"anyOf": [{"$ref": "#/components/schemas/A"}, {"type": "null"}]},
    ],
    ids=["type list", "anyOf", "oneOf", "reference"],
)
def test_null_is_null_however_it_is_written(schema: Any) -> None:
    """Every way to allow null means the same."""
    assert rules(response({"type": ["null", "string"]}, A=TEXT), response(schema, A=TEXT)) == []
    assert rules(response(schema, A=TEXT), response(TEXT, A=TEXT)) == ["response-no-longer-nullable"]


def test_a_renamed_field_is_told_by_its_new_name() -> None:
    """A field that is gone and one of the same schema that has come are named together."""
    old, new = thing("label", label=TEXT | {"maxLength": 7}), thing("caption", caption=TEXT | {"maxLength": 7})
    gone = compare(response(old), response(new))[0]
    assert gone.rule == "response-property-removed"
    assert gone.sentence.startswith(
        "`label` in the answer 200 of GET /things is gone (`caption` looks like its new name)"
    )


def test_every_event_is_a_place_of_its_own() -> None:
    """A payload that two events share is told with both of them."""

    def events(payload: Any) -> Document:
        made: dict[str, Any] = {**copy.deepcopy(stream("one", "two", "three"))}
        content = made["paths"]["/things"]["post"]["responses"]["200"]["content"]["text/event-stream"]["schema"]
        for event in content["oneOf"][:2]:
            event["properties"]["data"] = A
        made["components"] = {"schemas": {"A": payload}}
        return made

    (change,) = compare(events(thing("a", a=TEXT)), events(thing(a=TEXT)))
    assert [each.event for each in change.places] == ["one", "two"]
    assert change.where == "`A.a` in the stream's events `one` and `two` of POST /things"


def test_one_change_names_all_its_places() -> None:
    """What many answers share is one change, with every place."""

    def gone(each: Any) -> None:
        problem = each["components"]["schemas"]["Problem"]
        problem["properties"].pop("retryable")
        problem["required"].remove("retryable")

    (change,) = compare(REAL, edited(gone))
    operations = {each.operation for each in change.places}
    assert change.rule == "response-property-removed"
    assert len(operations) > 5
    assert f"{len(operations)} operations" in change.sentence


def test_read_only_fields_are_no_part_of_a_request() -> None:
    """A field that only answers have may change in a request that shares its schema; write-only the other way round."""
    for side, mark, rule in (
        (request, "readOnly", "response-property-removed"),
        (response, "writeOnly", "request-property-ignored"),
    ):
        old, new = thing(a=TEXT | {mark: True}), thing()
        other = response if side is request else request
        assert rules(side(old), side(new)) == []
        assert rules(other(old), other(new)) == [rule]


BOUNDS: dict[str, tuple[Any, Any, str]] = {
    "longer text": (TEXT, TEXT | {"minLength": 1}, "must be at least 1 character long now, before of any length"),
    "fewer items": (
        {"type": "array"},
        {"type": "array", "maxItems": 20},
        "must have at most 20 items now, before any number of items",
    ),
    "more fields": (
        {"type": "object"},
        {"type": "object", "minProperties": 2},
        "must have at least 2 fields now, before any number of fields",
    ),
    "no field": (
        thing() | {"maxProperties": 1},
        thing() | {"maxProperties": 0},
        "at most 0 fields now, before at most 1 field:",
    ),
    "less": (
        WHOLE | {"maximum": 20_000},
        WHOLE | {"exclusiveMaximum": 10_001},
        "must be at most 10,000 now, before at most 20,000",
    ),
    "more than": (
        {"type": "number", "minimum": 1},
        {"type": "number", "exclusiveMinimum": 1},
        "must be more than 1 now, before at least 1",
    ),
    "multiples": (WHOLE, WHOLE | {"multipleOf": 5}, "must be a multiple of 5 now, before any number"),
    "other multiples": (
        WHOLE | {"multipleOf": 3},
        WHOLE | {"multipleOf": 5},
        "must be a multiple of 5 now, before a multiple of 3",
    ),
    "no repetition": (
        {"type": "array"},
        {"type": "array", "uniqueItems": True},
        "must be without repetition now, before with repetition",
    ),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_a_bound_is_told_in_words(name: str) -> None:
    """Every bound has its words, and loosens where its opposite tightens."""
    old, new, says = BOUNDS[name]
    tightened = [each for each in compare(request(old), request(new)) if each.rule == "request-bound-tightened"]
    assert [says in each.sentence for each in tightened] == [True]
    assert "request-bound-loosened" in rules(request(new), request(old))
    assert "response-bound-loosened" in rules(response(new), response(old))


UNIONS = {
    "shared fields": (
        {"anyOf": [thing(a=TEXT, b=TEXT), thing(x=TEXT, y=TEXT)]},
        {"anyOf": [thing(x=TEXT, y=TEXT, z=TEXT), thing(a=TEXT, b=TEXT)]},
        ["response-property-added"],
    ),
    "components": (
        {"anyOf": [A, {"$ref": "#/components/schemas/B"}]},
        {"anyOf": [{"$ref": "#/components/schemas/B"}]},
        ["response-variant-removed"],
    ),
    "the last two": (
        {"anyOf": [thing("a", a=TEXT), thing("b", b=TEXT)]},
        {"anyOf": [thing("c", c=TEXT), thing("b", b=TEXT)]},
        ["response-property-removed", "response-property-added"],
    ),
    "lists in order": (
        {"anyOf": [{"type": "array", "items": TEXT}, {"type": "array", "items": WHOLE}]},
        {
            "anyOf": [
                {"type": "array", "items": WHOLE},
                {"type": "array", "items": TEXT},
                {"type": "array", "items": thing()},
            ]
        },
        ["response-variant-added"],
    ),
    "a wider one covers": ({"anyOf": [TEXT, {"enum": ["a"]}]}, TEXT, []),
    "anything covers": ({"anyOf": [{}, TEXT]}, {}, []),
    "two lists of values": ({"anyOf": [{"const": "a"}, {"enum": ["b", 1]}]}, {"enum": [1, "a", "b"]}, []),
    "null alone": ({"type": "null"}, TEXT, ["response-type-widened"]),
    "null at last": ({"type": ["null", "string"]}, {"type": "null"}, ["response-type-narrowed"]),
    "nothing": (TEXT, {"allOf": [TEXT, WHOLE]}, ["response-type-narrowed"]),
    "positions": (
        {"type": "array", "prefixItems": [TEXT, WHOLE], "items": False},
        {"type": "array", "prefixItems": [TEXT, TEXT], "items": False},
        ["response-type-widened"],
    ),
    "fields of a map": (
        {"type": "object", "additionalProperties": TEXT},
        {"type": "object", "additionalProperties": TEXT, "properties": {"a": WHOLE}},
        ["response-type-widened", "response-property-added"],
    ),
}


@pytest.mark.parametrize("name", UNIONS)
def test_alternatives_find_each_other(name: str) -> None:
    """What an alternative was is compared with what it has become, in whatever order they stand."""
    old, new, expected = UNIONS[name]
    components = {"A": thing(a=TEXT), "B": thing(a=WHOLE)}
    assert rules(response(old, **components), response(new, **components)) == expected


def paths(*named: str, **operation: Any) -> Document:
    """Operations that differ by their path alone."""
    return document({each: {"get": {"responses": {"200": {"description": ""}}} | operation} for each in named})


OPERATIONS_COMPARED: dict[str, tuple[Document, Document, list[str]]] = {
    "two paths gone": (
        paths("/a", "/b", "/c"),
        paths("/c"),
        [
            "/a is gone, with GET",
            "/b is gone, with GET",
        ],
    ),
    "a scope more": (
        paths("/a", security=[{"login": ["read"]}]),
        paths("/a", security=[{"login": ["read", "write"]}]),
        ["GET /a could be called with `login` (read) and wants `login` (read and write) now"],
    ),
    "a parameter of the path, moved": (
        document({"/a": {"parameters": [{"name": "x", "in": "query"}], "get": {"responses": {}}}}),
        document({"/a": {"get": {"parameters": [{"name": "x", "in": "query"}], "responses": {}}}}),
        [],
    ),
    "a header's case": (
        paths("/a", parameters=[{"name": "X-Key", "in": "header"}]),
        paths("/a", parameters=[{"name": "x-key", "in": "header"}]),
        [],
    ),
    "a parameter as JSON": (
        paths("/a", parameters=[{"name": "x", "in": "query", "schema": TEXT}]),
        paths("/a", parameters=[{"name": "x", "in": "query", "content": {"application/json": {"schema": TEXT}}}]),
        ["The query parameter `x` of GET /a is written as application/json now, before as form, each value for itself"],
    ),
    "a default of its own": (
        paths("/a", parameters=[{"name": "x", "in": "query", "schema": WHOLE | {"default": 1}}]),
        paths("/a", parameters=[{"name": "x", "in": "query", "schema": WHOLE}]),
        ["The query parameter `x` of GET /a is taken as nothing when it is left out, before as `1`"],
    ),
    "two parameters gone": (
        paths("/a", parameters=[{"name": "x", "in": "query"}, {"name": "y", "in": "query"}]),
        paths("/a"),
        [f"The query parameter `{name}` of GET /a is not described any more" for name in "xy"],
    ),
    "an answer of its class": (
        paths("/a", responses={"404": {"description": "", "content": {"a/b": {"schema": WHOLE}}}}),
        paths("/a", responses={"4XX": {"description": "", "content": {"a/b": {"schema": TEXT}}}}),
        [
            "The answer 404 of GET /a was always a whole number and may be text now",
            "The answer 4XX of GET /a is new",
        ],
    ),
    "a type's new name": (
        document({}, components={"schemas": {"Old": TEXT}}),
        document({}, components={"schemas": {"New": TEXT}}),
        ["`Old` is no schema's name any more (`New` looks like its new name)"],
    ),
}


@pytest.mark.parametrize("name", OPERATIONS_COMPARED)
def test_operations_are_told_one_by_one(name: str) -> None:
    """What is around schemas: a sentence for each operation, parameter and answer, none for what means the same."""
    old, new, sentences = OPERATIONS_COMPARED[name]
    assert [re.split(r"[:.]", each.sentence)[0] for each in compare(old, new)] == sentences


# --- our own document ----------------------------------------------------------------------------------------------


def test_our_document_is_like_itself() -> None:
    """Nothing is reported where nothing changed, also not what order or words do."""
    assert compare(REAL, REAL) == []
    assert compare(REAL, json.loads(json.dumps(REAL, sort_keys=True))) == []

    def reworded(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: "other words" if key in {"description", "summary"} and isinstance(each, str) else reworded(each)
                for key, each in value.items()
            }
        return [reworded(each) for each in value] if isinstance(value, list) else value

    assert compare(REAL, reworded(REAL)) == []


def _schema(name: str) -> Callable[[Any], Any]:
    return lambda whole: whole["components"]["schemas"][name]


def _rename(holder: Any, old: str, new: str) -> None:
    holder["properties"][new] = holder["properties"].pop(old)
    holder["required"] = [new if each == old else each for each in holder.get("required", [])]


def _drop_event(whole: Any, union: str, event: str) -> None:
    schema = whole["components"]["schemas"][union]
    reference = schema["discriminator"]["mapping"].pop(event)
    schema["oneOf"] = [each for each in schema["oneOf"] if each["$ref"] != reference]


def _operation(whole: Any, path: str) -> Any:
    return next(iter(whole["paths"][f"/api/v1{path}"].values()))


class Edit(NamedTuple):
    """What is done to our document, the rule that tells it, and how its sentence begins and ends."""

    do: Callable[[Any], Any]
    rule: str
    where: str
    says: str


SQL_REQUEST, SQL_ANSWER = "in the request of POST /api/v1/tools/sql", "in the answer 200 of POST /api/v1/tools/sql"
EDITS: dict[str, Edit] = {
    "a request's field renamed": Edit(
        lambda d: _rename(_schema("SqlRequest")(d), "statement", "sql"),
        "request-property-removed",
        f"`SqlRequest.statement` {SQL_REQUEST}",
        "is not accepted any more (`sql` looks like its new name): a client that sends it is refused.",
    ),
    "an answer's field renamed": Edit(
        lambda d: _rename(_schema("SqlAnswer")(d), "rowCount", "rows_total"),
        "response-property-removed",
        f"`SqlAnswer.rowCount` {SQL_ANSWER}",
        "is gone (`rows_total` looks like its new name): a client that reads it finds nothing.",
    ),
    "an event dropped": Edit(
        lambda d: _drop_event(d, "ChatEvent", "response.table"),
        "stream-event-removed",
        "The stream's event `response.table` of POST /api/v1/chat",
        "is gone: a client that waits for it never sees it.",
    ),
    "an enum tightened": Edit(
        lambda d: _schema("ChatToolChoice")(d)["properties"]["type"].update(enum=["auto", "tool"]),
        "request-enum-value-removed",
        "`ChatToolChoice.type` in the request of POST /api/v1/chat",
        'does not take `"required"` any more: a client that sends it is refused.',
    ),
    "a question made shorter": Edit(
        lambda d: _schema("ChatRequest")(d)["properties"]["message"]["oneOf"][0].update(maxLength=8000),
        "request-bound-tightened",
        "`ChatRequest.message` in the request of POST /api/v1/chat",
        "at most 16,000 characters long: a client that keeps to the old bound alone is refused.",
    ),
    "a reason of the end added": Edit(
        lambda d: _schema("EndReason")(d)["enum"].append("bored"),
        "response-enum-value-added",
        "`EndReason` in the ",
        "and 5 more cannot handle it.",
    ),
    "a field that may be null": Edit(
        lambda d: _schema("SqlAnswer")(d)["properties"].update(truncated={"type": ["boolean", "null"]}),
        "response-became-nullable",
        f"`SqlAnswer.truncated` {SQL_ANSWER}",
        "was never null and may be now: a client that does not look first fails.",
    ),
    "an answer's type": Edit(
        lambda d: _schema("SqlAnswer")(d)["properties"].update(rowCount={"type": "string"}),
        "response-type-widened",
        f"`SqlAnswer.rowCount` {SQL_ANSWER}",
        "was always a whole number and may be text now: a client that reads only the old fails on text.",
    ),
    "a token wanted": Edit(
        lambda d: d["paths"]["/livez"]["get"].update(security=[{"session": []}]),
        "security-tightened",
        "GET /livez",
        "could be called with no credentials and wants `session` now: a client that brings only the old credentials is "
        "refused.",
    ),
    "a path gone": Edit(
        lambda d: d["paths"].pop("/api/v1/metrics/report"),
        "path-removed",
        "/api/v1/metrics/report",
        "is gone, with POST: a client that calls it gets 404.",
    ),
    "a header gone": Edit(
        lambda d: _operation(d, "/chat")["responses"]["429"]["headers"].pop("Retry-After"),
        "response-header-removed",
        "The header `Retry-After` of the answer 429 of POST /api/v1/chat",
        "is not sent any more: a client that reads it finds nothing.",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_of_our_document_is_told(name: str) -> None:
    """Edits of the document that we have give the sentence that one would want to read."""
    edit = EDITS[name]
    changes = compare(REAL, edited(edit.do))
    told = [each.sentence for each in changes if each.rule == edit.rule and each.severity is Severity.BREAKING]
    assert told, changes
    assert told[0].startswith(edit.where)
    assert told[0].endswith(edit.says)


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
SOME = settings(MANY, max_examples=25)
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
ANY_SCHEMA = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.builds(lambda each, least: {"type": "array", "items": each, "minItems": least}, inner, st.integers(0, 1)),
        st.builds(
            lambda each, must, closed: thing(*must, a=each, closed=closed),
            inner,
            st.sampled_from([(), ("a",)]),
            st.booleans(),
        ),
        st.builds(lambda one, other, closed: thing("b", a=one, b=other, closed=closed), inner, inner, st.booleans()),
        st.builds(lambda each: {"type": "object", "additionalProperties": each}, inner),
        st.builds(lambda one, other: {"anyOf": [one, other]}, inner, inner),
    ),
    max_leaves=4,
)
ANY_VALUE = st.recursive(
    st.sampled_from([None, True, 0, 1, 1.5, 2, 3, "", "a", "ab", "abc"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2)
    ),
    max_leaves=4,
)


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
    for key in ("anyOf", "allOf"):
        if key in made:
            made[key] = [described(each) for each in made[key]]
    if "properties" in made:
        made["properties"] = {name: described(each) for name, each in made["properties"].items()}
        made.setdefault("additionalProperties", False)
    return made


@settings(MANY, max_examples=400)
@given(ANY_SCHEMA, ANY_SCHEMA, st.lists(ANY_VALUE, min_size=1, max_size=8))
def test_what_is_not_reported_breaks_nobody(old: Any, new: Any, values: list[Any]) -> None:
    """Without a break or warning, every request that kept to the old document is taken by JSON Schema's own validator,
    and every answer that keeps to the new one would have been taken before."""
    harmless = {Severity.INFO}
    if {each.severity for each in compare(request(old, A=TREE), request(new, A=TREE))} <= harmless:
        assert [each for each in values if accepts(described(old), each) and not accepts(new, each)] == []
    if {each.severity for each in compare(response(old, A=TREE), response(new, A=TREE))} <= harmless:
        assert [each for each in values if accepts(described(new), each) and not accepts(old, each)] == []


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
    _drop(changed, ("SqlAnswer", "truncated"))
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


def test_rules_are_shown_by_severity() -> None:
    """The table of rules names every one, below what it means."""
    shown = overview()
    assert all(f"  {each}: " in shown for each in RULES)
    assert [shown.index(each) for each in ("Breaking", "To look at", "Harmless")] == sorted(
        shown.index(each) for each in ("Breaking", "To look at", "Harmless")
    )
    assert {each.severity for each in RULES.values()} == set(Severity)
