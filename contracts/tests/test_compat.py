"""The comparison on hard schemas, on what is around schemas, and on the document that we have."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from contracts.compat import Document, Severity, compare, load
from contracts.tests.test_compat_rules import BIRD, CAT, DOG, TEXT, WHOLE, document, request, response, stream, thing

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


@pytest.mark.parametrize(
    "inner",
    [
        {"anyOf": [A, {"type": "null"}]},
        {"$ref": "#/components/schemas/A", "minProperties": 1},
        {"allOf": [A, {"minProperties": 1}]},
        {"allOf": [A, thing(next=A)]},
        {"type": "array", "items": {"oneOf": [A, TEXT]}},
        {"type": "object", "additionalProperties": {"allOf": [A, {"maxProperties": 3}]}},
    ],
    ids=["or null", "and a bound", "all of", "all of itself", "or text", "map"],
)
def test_a_schema_inside_of_itself_is_compared_once(inner: Any) -> None:
    """However a component leads back to itself, the comparison ends and tells the change by its own name."""
    old, new = thing("name", name=TEXT, next=inner), thing("name", name=WHOLE, next=inner)
    for side, rule in ((request, "request-type-narrowed"), (response, "response-type-widened")):
        changes = compare(side(A, A=old), side(A, A=new))
        assert (rule, "A.name") in [(each.rule, str(each.anchor)) for each in changes]
        assert {each.rule for each in changes} == {rule}
        assert len(changes) <= 2
        assert rules(side(A, A=old), side(A, A=old)) == []


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
    "shared fields, crossed": (
        {"anyOf": [thing("a", a=TEXT, b=TEXT), thing("x", x=TEXT, y=TEXT)]},
        {"anyOf": [thing("x", x=TEXT, y=TEXT, z=TEXT), thing("a", a=TEXT, b=TEXT, c=TEXT)]},
        ["response-property-added", "response-property-added"],
    ),
    "another tag": (
        {"oneOf": [CAT, DOG]},
        {"oneOf": [CAT, BIRD]},
        ["response-variant-added", "response-variant-removed"],
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
    "bounds of both": (
        {"allOf": [WHOLE | {"minimum": 1, "maxLength": 1}, {"minimum": 3}]},
        WHOLE | {"minimum": 3},
        [],
    ),
    "required by both": (
        {"allOf": [thing("a", a=TEXT), thing("b", b=TEXT)]},
        thing("a", "b", a=TEXT, b=TEXT),
        [],
    ),
    "closed by one": (
        {"allOf": [thing(a=TEXT), thing(a=TEXT, closed=True)]},
        thing(a=TEXT, closed=True),
        [],
    ),
    "whole numbers and others": (
        {"type": "number", "maximum": 8},
        WHOLE | {"maximum": 9},
        ["response-bound-loosened", "response-type-narrowed"],
    ),
    "two that are gone for one that has come": (
        thing(a=TEXT, b=TEXT),
        thing(c=TEXT),
        ["response-property-removed", "response-property-removed", "response-property-added"],
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
    changes = compare(response(old, **components), response(new, **components))
    assert [each.rule for each in changes] == expected
    assert not any("looks like its new name" in each.sentence for each in changes if name.startswith("two that"))


def test_a_field_that_a_map_takes_in_is_compared_with_it() -> None:
    """What had a name in a request and has none any more is held to what the others without a name must be."""
    old = {"type": "object", "properties": {"a": WHOLE}, "additionalProperties": TEXT}
    new = {"type": "object", "additionalProperties": TEXT}
    assert rules(request(old), request(new)) == ["request-type-narrowed", "request-property-ignored"]
    anything, named = thing() | {"additionalProperties": True}, thing(a=WHOLE) | {"additionalProperties": True}
    assert rules(request(anything), request(named)) == ["request-type-narrowed", "request-property-added"]
    assert rules(request(thing()), request(thing(a=WHOLE))) == ["request-property-added"]


def paths(*named: str, **operation: Any) -> Document:
    """Operations that differ by their path alone."""
    return document({each: {"get": {"responses": {"200": {"description": ""}}} | operation} for each in named})


ODD_ANSWERS: dict[str, Any] = {"x-answers": {"/a~{b}": {"description": ""}}}
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
    "an answer out of its class": (
        paths("/a", responses={"4XX": {"description": "", "content": {"a/b": {"schema": WHOLE}}}}),
        paths(
            "/a",
            responses={
                "404": {"description": "", "content": {"a/b": {"schema": TEXT}}},
                "4XX": {"description": "", "content": {"a/b": {"schema": WHOLE}}},
            },
        ),
        ["The answer 404 of GET /a was always a whole number and may be text now"],
    ),
    "a redirection gone": (
        paths("/a", responses={"200": {"description": ""}, "304": {"description": ""}}),
        paths("/a"),
        ["The answer 304 of GET /a is not given any more (now"],
    ),
    "security for all": (
        document({"/a": {"get": {"responses": {}}}}, security=[{"login": []}]),
        document({"/a": {"get": {"responses": {}, "security": [{"login": []}]}}}),
        [],
    ),
    "a reference to an odd name": (
        document({"/a/{b}": {"get": {"responses": {"200": {"$ref": "#/x-answers/~1a~0{b}"}}}}}, **ODD_ANSWERS),
        document({"/a/{b}": {"get": {"responses": {"200": {"description": ""}}}}}, **ODD_ANSWERS),
        [],
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
