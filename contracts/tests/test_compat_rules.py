"""Every rule of the comparison, by a pair of documents that differ in this alone, and a near pair that it lets pass."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest

from contracts.compat import RULES, Document, Severity, compare

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
WHOLE: Json = {"type": "integer"}
NULL: Json = {"type": "null"}
OK: Json = {"200": {"description": "done"}}


def document(paths: Json, **rest: Any) -> Document:
    """The least document with these paths."""
    return {"openapi": "3.1.0", "info": {"title": "Things", "version": "1.0.0"}, "paths": paths, **rest}


def operation(**fields: Any) -> Document:
    """`POST /things`."""
    return document({"/things": {"post": {"responses": OK} | fields}})


def request(schema: Any, **components: Any) -> Document:
    """`POST /things` that takes a body of this schema."""
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return document({"/things": {"post": {"requestBody": body, "responses": OK}}}, components={"schemas": components})


def response(schema: Any, **components: Any) -> Document:
    """`GET /things` that answers with this schema."""
    answer = {"200": {"description": "done", "content": {"application/json": {"schema": schema}}}}
    return document({"/things": {"get": {"responses": answer}}}, components={"schemas": components})


def answers(*statuses: str, **fields: Any) -> Document:
    """`GET /things` with answers of these statuses."""
    return document({"/things": {"get": {"responses": {each: {"description": "", **fields} for each in statuses}}}})


def headers(**those: Any) -> Document:
    """`GET /things` whose answer has these headers."""
    return answers("200", headers=those)


def takes(*media_types: str, **fields: Any) -> Document:
    """`POST /things` that takes bodies of these types."""
    return operation(requestBody={"content": {key: {} for key in media_types}, **fields})


def gives(*media_types: str) -> Document:
    """`GET /things` that answers with these types."""
    return answers("200", content={key: {} for key in media_types})


def parameter(**fields: Any) -> Document:
    """`POST /things?limit=`."""
    return operation(parameters=[{"name": "limit", "in": "query", **fields}])


def stream(*events: str) -> Document:
    """`POST /things` that streams these events."""
    union = {
        "oneOf": [thing(event={"const": each}) for each in events],
        "discriminator": {"propertyName": "event"},
    }
    content = {"text/event-stream": {"schema": union}}
    return document({"/things": {"post": {"responses": {"200": {"description": "", "content": content}}}}})


def thing(*required: str, closed: bool = False, **properties: Any) -> Json:
    """An object; its fields may be left out but for the named ones."""
    made = {"type": "object", "properties": properties, "required": list(required)}
    return made | ({"additionalProperties": False} if closed else {})


def secured(*ways: Any, **schemes: Any) -> Document:
    """`GET /things` for those who bring one of these."""
    paths = {"/things": {"get": {"security": list(ways), "responses": OK}}}
    return document(paths, components={"securitySchemes": schemes})


def text(**keywords: Any) -> Json:
    """A string with these keywords."""
    return TEXT | keywords


BEARER = {"type": "http", "scheme": "bearer"}
KEY = {"type": "apiKey", "in": "header", "name": "X-Key"}
GET: Json = {"get": {"responses": OK}}
CAT, DOG = thing("kind", kind={"const": "cat"}, lives=WHOLE), thing("kind", kind={"const": "dog"}, tricks=WHOLE)
BIRD = thing("kind", kind={"const": "bird"}, song=TEXT)


class Pair(NamedTuple):
    """The old document, the new one in which the rule fires, and another new one in which it does not."""

    old: Document
    new: Document
    near: Document


def both(side: Any, old: Any, new: Any, near: Any) -> Pair:
    """The pair for bodies of one side."""
    return Pair(side(old), side(new), side(near))


PAIRS: Mapping[str, Pair] = {
    # --- operations
    "path-removed": Pair(
        document({"/a": GET, "/b": GET}),
        document({"/a": GET}),
        document({"/a": GET, "/b": {"get": {"responses": OK, "tags": ["b"]}}}),
    ),
    "operation-removed": Pair(
        document({"/a": GET | {"put": {"responses": OK}}}),
        document({"/a": GET}),
        document({"/a": GET | {"put": {"responses": OK, "summary": "put"}}}),
    ),
    "operation-added": Pair(
        document({"/a": GET}),
        document({"/a": GET, "/b": GET}),
        document({"/a": {"get": {"responses": OK, "summary": "get"}}}),
    ),
    "operation-deprecated": Pair(operation(), operation(deprecated=True), operation(deprecated=False)),
    "operation-id-changed": Pair(
        operation(operationId="a"), operation(operationId="b"), operation(operationId="a", summary="s")
    ),
    "path-parameter-renamed": Pair(
        document(
            {"/a/{id}": {"get": {"responses": OK, "parameters": [{"name": "id", "in": "path", "required": True}]}}}
        ),
        document(
            {"/a/{key}": {"get": {"responses": OK, "parameters": [{"name": "key", "in": "path", "required": True}]}}}
        ),
        document({"/a/{id}": {"parameters": [{"name": "id", "in": "path", "required": True}], **GET}}),
    ),
    "server-removed": Pair(
        document({}, servers=[{"url": "/"}, {"url": "/old"}]),
        document({}, servers=[{"url": "/"}]),
        document({}, servers=[{"url": "/old"}, {"url": "/"}]),
    ),
    "server-added": Pair(
        document({}), document({}, servers=[{"url": "/"}, {"url": "/b"}]), document({}, servers=[{"url": "/"}])
    ),
    "security-tightened": Pair(
        secured({}, {"key": []}, key=KEY), secured({"key": []}, key=KEY), secured({"key": []}, {}, key=KEY)
    ),
    "security-loosened": Pair(
        secured({"key": []}, key=KEY),
        secured({"key": []}, {}, key=KEY),
        secured({"key": []}, {"key": [], "bearer": []}, key=KEY, bearer=BEARER),
    ),
    "security-scheme-changed": Pair(
        secured({"a": []}, a=KEY), secured({"a": []}, a=BEARER), secured({"a": []}, a={**KEY, "description": "another"})
    ),
    "component-removed": Pair(
        response({"$ref": "#/components/schemas/A"}, A=TEXT),
        response({"$ref": "#/components/schemas/B"}, B=TEXT),
        response({"$ref": "#/components/schemas/B"}, A=TEXT, B=TEXT),
    ),
    "not-compared": Pair(document({}), document({}, webhooks={"a": GET}), document({}, tags=[])),
    # --- parameters
    "request-parameter-required-added": Pair(operation(), parameter(required=True), parameter()),
    "request-parameter-added": Pair(operation(), parameter(), operation(parameters=[])),
    "request-parameter-removed": Pair(parameter(), operation(), parameter(description="another")),
    "request-parameter-became-required": Pair(parameter(), parameter(required=True), parameter(required=False)),
    "request-parameter-became-optional": Pair(
        parameter(required=True), parameter(), parameter(required=True, description="another")
    ),
    "request-parameter-deprecated": Pair(parameter(), parameter(deprecated=True), parameter(deprecated=False)),
    "request-parameter-style-changed": Pair(
        parameter(), parameter(style="pipeDelimited"), parameter(style="form", explode=True)
    ),
    # --- bodies
    "request-body-required-added": Pair(operation(), takes("a/b", required=True), takes("a/b")),
    "request-body-added": Pair(operation(), takes("a/b"), takes("a/b", required=True)),
    "request-body-removed": Pair(takes("a/b"), operation(), takes("a/b", description="another")),
    "request-body-became-required": Pair(takes("a/b"), takes("a/b", required=True), takes("a/b", required=False)),
    "request-body-became-optional": Pair(
        takes("a/b", required=True), takes("a/b"), takes("a/b", required=True, description="another")
    ),
    "request-media-type-removed": Pair(takes("a/b", "a/c"), takes("a/b"), takes("a/c", "a/b; charset=utf-8")),
    "request-media-type-added": Pair(takes("a/b"), takes("a/b", "a/c"), takes("A/B")),
    "response-success-status-removed": Pair(answers("200", "204"), answers("200"), answers("2XX")),
    "response-success-status-added": Pair(answers("200"), answers("200", "202"), answers("200", "429")),
    "response-error-status-removed": Pair(answers("200", "429"), answers("200"), answers("200", "default")),
    "response-error-status-added": Pair(answers("200"), answers("200", "429"), answers("200", "202")),
    "response-media-type-removed": Pair(gives("a/b", "a/c"), gives("a/b"), gives("A/C", "a/b;charset=utf-8")),
    "response-media-type-added": Pair(gives("a/b"), gives("a/b", "a/c"), gives("a/b;charset=utf-8")),
    "response-header-removed": Pair(headers(ETag={}), headers(), headers(etag={})),
    "response-header-added": Pair(headers(), headers(ETag={}), answers("200", headers={}, content={})),
    "response-header-became-optional": Pair(
        headers(ETag={"required": True}), headers(ETag={}), headers(etag={"required": True})
    ),
    "response-header-became-required": Pair(
        headers(ETag={}), headers(ETag={"required": True}), headers(ETag={"required": False})
    ),
    "stream-event-removed": Pair(stream("a", "b", "c"), stream("a", "b"), stream("c", "b", "a")),
    "stream-event-added": Pair(stream("a", "b"), stream("a", "b", "c"), stream("b", "a")),
    # --- fields
    "request-required-property-added": both(request, thing(), thing("a", a=TEXT), thing(a=TEXT)),
    "request-property-added": both(request, thing(), thing(a=TEXT), thing("a", a=TEXT)),
    "request-property-removed": both(
        request, thing(a=TEXT, closed=True), thing(closed=True), thing(a=TEXT, b=WHOLE, closed=True)
    ),
    "request-property-ignored": both(request, thing(a=TEXT), thing(), thing(a=TEXT, b=WHOLE)),
    "request-property-became-required": both(request, thing(a=TEXT), thing("a", a=TEXT), thing(a=TEXT, b=TEXT)),
    "request-property-became-optional": both(request, thing("a", a=TEXT), thing(a=TEXT), thing("a", a=text(title="A"))),
    "request-default-changed": both(
        request, thing(a=text(default="x")), thing(a=text(default="y")), thing(a=text(default="x", examples=["y"]))
    ),
    "request-object-closed": both(
        request, thing(a=TEXT), thing(a=TEXT, closed=True), thing(a=TEXT) | {"additionalProperties": True}
    ),
    "request-object-opened": both(
        request, thing(a=TEXT, closed=True), thing(a=TEXT), thing(a=TEXT, closed=True) | {"title": "open"}
    ),
    "response-property-removed": both(response, thing("a", a=TEXT), thing(), thing("a", a=TEXT, b=TEXT)),
    "response-property-added": both(response, thing(), thing(a=TEXT), thing() | {"additionalProperties": {}}),
    "response-property-added-to-closed-object": both(
        response, thing(closed=True), thing(a=TEXT, closed=True), thing(closed=True) | {"minProperties": 1}
    ),
    "response-property-became-optional": both(
        response, thing("a", a=TEXT), thing(a=TEXT), thing("a", a=text(title="A"))
    ),
    "response-property-became-required": both(response, thing(a=TEXT), thing("a", a=TEXT), thing(a=TEXT, b=TEXT)),
    "response-object-closed": both(response, thing(), thing(closed=True), thing() | {"additionalProperties": {}}),
    "response-object-opened": both(response, thing(closed=True), thing(), thing(a=TEXT, closed=True)),
    "property-deprecated": both(
        response, thing(a=TEXT), thing(a=text(deprecated=True)), thing(a=text(deprecated=False))
    ),
    # --- values
    "request-type-narrowed": both(request, {"type": ["string", "integer"]}, TEXT, {"anyOf": [WHOLE, TEXT]}),
    "request-type-widened": both(request, WHOLE, {"type": "number"}, {"type": ["integer"]}),
    "response-type-narrowed": both(response, {}, TEXT, True),
    "response-type-widened": both(response, TEXT, {"type": ["string", "boolean"]}, {"allOf": [TEXT, {}]}),
    "request-no-longer-nullable": both(request, {"type": ["string", "null"]}, TEXT, {"anyOf": [TEXT, NULL]}),
    "request-became-nullable": both(request, TEXT, {"anyOf": [TEXT, NULL]}, {"anyOf": [TEXT]}),
    "response-became-nullable": both(response, TEXT, {"type": ["string", "null"]}, {"oneOf": [TEXT]}),
    "response-no-longer-nullable": both(response, {"anyOf": [TEXT, NULL]}, TEXT, {"type": ["null", "string"]}),
    "request-enum-value-removed": both(request, text(enum=["a", "b"]), text(const="a"), text(enum=["b", "a"])),
    "request-enum-value-added": both(
        request, text(const="a"), {"oneOf": [text(const="a"), text(const="b")]}, text(enum=["a"])
    ),
    "response-enum-value-added": both(response, {"enum": [1]}, {"enum": [1, 2]}, {"const": 1.0}),
    "response-enum-value-removed": both(response, text(enum=["a", "b"]), text(enum=["a"]), {"enum": ["a", "b"]}),
    "request-enum-closed": both(request, TEXT, text(enum=["a"]), {"anyOf": [text(enum=["a"]), TEXT]}),
    "request-enum-opened": both(request, text(enum=["a"]), TEXT, text(const="a")),
    "response-enum-opened": both(response, text(enum=["a"]), TEXT, {"allOf": [TEXT, {"enum": ["a"]}]}),
    "response-enum-closed": both(response, TEXT, text(enum=["a"]), {"anyOf": [TEXT, text(enum=["a"])]}),
    "request-bound-tightened": both(
        request, text(maxLength=9), text(maxLength=8), {"allOf": [text(maxLength=9), text(maxLength=10)]}
    ),
    "request-bound-loosened": both(
        request, {"type": "array", "minItems": 1}, {"type": "array"}, {"type": "array", "minItems": 1, "items": {}}
    ),
    "response-bound-loosened": both(
        response, WHOLE | {"maximum": 9}, WHOLE | {"maximum": 10}, WHOLE | {"exclusiveMaximum": 10}
    ),
    "response-bound-tightened": both(
        response,
        {"type": "number", "multipleOf": 2},
        {"type": "number", "multipleOf": 4},
        {"type": "number", "multipleOf": 1},
    ),
    "request-pattern-added": both(request, TEXT, text(pattern="^a"), text(title="^a")),
    "request-pattern-removed": both(request, text(pattern="^a"), TEXT, text(pattern="^b")),
    "request-pattern-changed": both(request, text(pattern="^a"), text(pattern="^b"), {"pattern": "^a"}),
    "response-pattern-added": both(response, TEXT, text(pattern="^a"), text(maxLength=1)),
    "response-pattern-removed": both(response, text(pattern="^a"), TEXT, text(pattern="^a", title="a")),
    "response-pattern-changed": both(response, text(pattern="^a"), text(pattern="^b"), TEXT),
    "request-format-added": both(request, TEXT, text(format="date"), text(contentEncoding="base64")),
    "request-format-removed": both(request, text(format="date"), TEXT, text(format="date", title="day")),
    "request-format-changed": both(
        request, text(format="date"), text(format="date-time"), text(format="date", minLength=0)
    ),
    "response-format-added": both(response, TEXT, text(format="date"), text(pattern="date")),
    "response-format-removed": both(response, text(format="date"), TEXT, text(format="date-time")),
    "response-format-changed": both(response, text(format="date"), text(format="date-time"), TEXT),
    "request-variant-removed": both(request, {"oneOf": [CAT, DOG]}, {"oneOf": [CAT]}, {"anyOf": [DOG, CAT]}),
    "request-variant-added": both(request, {"oneOf": [CAT]}, {"oneOf": [CAT, DOG]}, CAT),
    "response-variant-added": both(response, {"oneOf": [CAT, DOG]}, {"oneOf": [CAT, DOG, BIRD]}, {"oneOf": [DOG, CAT]}),
    "response-variant-removed": both(
        response, {"oneOf": [CAT, DOG, BIRD]}, {"oneOf": [BIRD, DOG]}, {"oneOf": [BIRD, DOG, CAT]}
    ),
    "request-discriminator-changed": both(
        request,
        {"oneOf": [CAT, DOG], "discriminator": {"propertyName": "kind"}},
        {"oneOf": [CAT, DOG], "discriminator": {"propertyName": "type"}},
        {"oneOf": [CAT, DOG]},
    ),
    "response-discriminator-changed": both(
        response,
        {"oneOf": [CAT, DOG], "discriminator": {"propertyName": "kind"}},
        {"oneOf": [CAT, DOG], "discriminator": {"propertyName": "type"}},
        {"oneOf": [CAT, DOG], "discriminator": {"propertyName": "kind"}, "description": "another"},
    ),
    "request-condition-added": both(request, TEXT, text(**{"not": {"const": "a"}}), text(pattern="^[^a]")),
    "request-condition-removed": both(request, text(**{"not": {"const": "a"}}), TEXT, text(**{"not": {"const": "b"}})),
    "request-condition-changed": both(request, text(**{"not": {"const": "a"}}), text(**{"not": {"const": "b"}}), TEXT),
    "response-condition-added": both(
        response, thing(), thing() | {"propertyNames": {"maxLength": 3}}, thing(closed=True)
    ),
    "response-condition-removed": both(
        response, thing() | {"propertyNames": {"maxLength": 3}}, thing(), thing() | {"propertyNames": {"maxLength": 4}}
    ),
    "response-condition-changed": both(
        response,
        thing() | {"propertyNames": {"maxLength": 3}},
        thing() | {"propertyNames": {"maxLength": 4}},
        thing(),
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_fires_alone(rule: str) -> None:
    """Documents that differ in one thing give the one rule that is for it."""
    pair = PAIRS[rule]
    assert {each.rule for each in compare(pair.old, pair.new)} == {rule}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_lets_the_near_pair_pass(rule: str) -> None:
    """A difference of another kind, or in words alone, is not taken for it."""
    pair = PAIRS[rule]
    assert rule not in {each.rule for each in compare(pair.old, pair.near)}


@pytest.mark.parametrize("rule", RULES)
def test_a_sentence_says_where_and_who_breaks(rule: str) -> None:
    """Every sentence starts with its place; a breaking one names the client that fails; nothing is left to fill in."""
    pair = PAIRS[rule]
    for change in compare(pair.old, pair.new):
        assert change.sentence.startswith(change.where)
        assert "thing" in change.where.lower() or not change.places[0].path or change.places[0].path in change.where
        assert re.search(r"[{}]|None|True|False|  ", change.sentence) is None or "{" in change.places[0].path
        assert change.sentence.endswith(".")
        assert (
            (": a client that" in change.sentence)
            or change.severity is not Severity.BREAKING
            or "nobody" in change.sentence
        )


def test_no_pair_without_a_rule() -> None:
    """The tables of rules and of pairs have the same entries."""
    assert set(PAIRS) == set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_nothing_differs_from_itself(rule: str) -> None:
    """A document compared with itself gives nothing."""
    for each in PAIRS[rule]:
        assert compare(each, each) == []


@pytest.mark.parametrize("rule", RULES)
def test_a_near_pair_differs(rule: str) -> None:
    """What the rule lets pass is a difference, too."""
    assert PAIRS[rule].near != PAIRS[rule].old
