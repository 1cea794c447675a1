"""The committed document says what everything is: generators find a type wherever they look."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import yaml

from contracts import golden
from contracts.tests.test_golden import validator

Schema = dict[str, Any]
DOCUMENT: Schema = yaml.safe_load(golden.DOCUMENT.read_text(encoding="utf-8"))
SCHEMAS: dict[str, Schema] = DOCUMENT["components"]["schemas"]
SAYS = {"type", "$ref", "enum", "const", "anyOf", "oneOf"}
"""Words that tell what a value is."""

WIDE_OPEN = {
    "AnalystDoneEvent.data": "several forms have been seen; the end is told by the event's name",
    "ToolResultContent.json": "what a client's own tool found, for the agent to read",
}
"""Values of which the wire really says nothing, with the reason."""


def parts(schema: Schema, where: str, about: str = "") -> Iterator[tuple[str, str, Schema]]:
    """Every schema inside a schema: its field, what is said about it, and itself."""
    about = schema.get("description", about)
    yield where, about, schema
    for name, each in schema.get("properties", {}).items():
        yield from parts(each, f"{where}.{name}")
    inner = [
        *schema.get("anyOf", []),
        *schema.get("oneOf", []),
        schema.get("items"),
        schema.get("additionalProperties"),
    ]
    for each in inner:
        if isinstance(each, dict):
            yield from parts(each, where, about)


def faults(schemas: dict[str, Schema]) -> list[str]:
    """Where the document leaves open what a value is, without saying so."""
    found = []
    for name, schema in schemas.items():
        for where, about, each in parts(schema, name):
            if not SAYS & each.keys():
                found += [] if about and where in WIDE_OPEN else [f"{where} may be anything"]
            elif each.get("type") == "array" and "items" not in each:
                found.append(f"{where} is a list of anything")
            elif each.get("type") == "object" and "properties" not in each and not about:
                found += [] if isinstance(each.get("additionalProperties"), dict) else [f"{where} is any object"]
    return found


def test_every_value_has_a_type() -> None:
    """Objects of any form say in words what they hold; what may be anything is listed with its reason."""
    assert faults(SCHEMAS) == []
    named = {where for name, each in SCHEMAS.items() for where, _, part in parts(each, name) if not SAYS & part.keys()}
    assert named == WIDE_OPEN.keys()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda it: it["Table"]["properties"]["title"].clear(), "Table.title may be anything"),
        (lambda it: it["TextDelta"]["properties"].update(text={"description": "words"}), "TextDelta.text may be"),
        (
            lambda it: it["SqlAnswer"]["properties"]["rows"]["items"].pop("items"),
            "SqlAnswer.rows is a list of anything",
        ),
        (lambda it: it["ChartAnswer"]["properties"]["chart"].pop("description"), "ChartAnswer.chart is any object"),
    ],
    ids=["nothing said", "words only", "list", "object"],
)
def test_an_open_value_is_found(change: Any, fault: str) -> None:
    """Each way to leave a type out has its name."""
    schemas = deepcopy(SCHEMAS)
    change(schemas)
    assert any(each.startswith(fault) for each in faults(schemas))


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_schema_shows_itself(name: str) -> None:
    """With an example that fits it, or with its values."""
    schema = SCHEMAS[name]
    shown = schema.get("examples") or schema.get("enum")
    assert shown
    judge = validator(DOCUMENT, name)
    assert [each for each in shown if not judge.is_valid(each)] == []


def test_requests_refuse_what_they_do_not_know() -> None:
    """Whatever can be reached from a request's body takes no other fields."""
    bodies = [
        content["schema"]
        for path in DOCUMENT["paths"].values()
        for operation in path.values()
        for content in operation.get("requestBody", {"content": {}})["content"].values()
    ]
    reached: set[str] = set()
    waiting = set(re.findall(r"schemas/(\w+)", str(bodies)))
    while waiting:
        reached.add(name := waiting.pop())
        waiting |= set(re.findall(r"schemas/(\w+)", str(SCHEMAS[name]))) - reached
    assert reached
    objects = {name for name in reached if "properties" in SCHEMAS[name]}
    assert [name for name in sorted(objects) if SCHEMAS[name].get("additionalProperties") is not False] == []
    tolerant = {name for name, each in SCHEMAS.items() if each.get("additionalProperties", True) is not False}
    assert tolerant.isdisjoint(objects)
    assert {"ChatRequest", "ToolResultContent", "ClientMetric"} <= objects
