"""The catalogue of spans and log lines: unique names, sentences, and nothing that says what people say."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from contracts import traces
from contracts.telemetry import Convention
from contracts.traces import (
    CONTENT_FIELDS,
    EVERY_LINE,
    LOG_EVENTS,
    LOG_FIELDS,
    SPANS,
    Attribute,
    LogEvent,
    SpanForm,
)

ATTRIBUTES = {attribute.name: attribute for form in SPANS for attribute in form.attributes}
PREFIXES = {
    Convention.HTTP: ("http.", "url.", "error."),
    Convention.GENAI: ("gen_ai.",),
    Convention.CODE: ("code.",),
    Convention.TEST: ("test.suite.", "test.case."),
    Convention.CICD: ("cicd.", "vcs."),
    Convention.OURS: ("cortex.", "session.id", "test.id"),
}


@pytest.mark.parametrize("attribute", ATTRIBUTES.values(), ids=list(ATTRIBUTES))
def test_an_attribute_explains_itself(attribute: Attribute) -> None:
    """Its meaning is a sentence, its name follows its convention; the mock's own names have no prefix."""
    assert re.fullmatch(r"[A-Z`].{5,150}\.", attribute.meaning)
    is_mocks = re.fullmatch(r"[a-z]+", attribute.name) and attribute.convention is Convention.OURS
    assert is_mocks or attribute.name.startswith(PREFIXES[attribute.convention])


def test_an_attribute_means_one_thing() -> None:
    """The same name is the same attribute in every span, and once in each."""
    every = [attribute for form in SPANS for attribute in form.attributes]
    assert all(ATTRIBUTES[attribute.name] == attribute for attribute in every)
    assert all(len({each.name for each in form.attributes}) == len(form.attributes) for form in SPANS)


def test_every_attribute_and_span_is_listed() -> None:
    """What the module defines is in the list."""
    defined = vars(traces).values()
    assert {each.name for each in defined if isinstance(each, Attribute)} <= set(ATTRIBUTES)
    assert [each for each in defined if isinstance(each, SpanForm)] == list(SPANS)


def test_an_event_is_told_once() -> None:
    """Whoever looks for an event in the log finds one meaning."""
    assert len({each.event for each in LOG_EVENTS}) == len(LOG_EVENTS)


@pytest.mark.parametrize("event", LOG_EVENTS, ids=lambda event: event.event)
def test_an_event_has_listed_fields(event: LogEvent) -> None:
    """Its level is one, its meaning a sentence, its fields are known ones, and not those of every line."""
    assert event.level in ("info", "warning", "error")
    assert re.fullmatch(r"[A-Za-z].{5,150}\.", event.meaning)
    assert set(event.fields) <= LOG_FIELDS.keys() | CONTENT_FIELDS.keys()
    assert not set(event.fields) & set(EVERY_LINE)
    assert len(set(event.fields)) == len(event.fields)


def test_every_field_is_of_some_event() -> None:
    """No field is listed that no event has."""
    assert LOG_FIELDS.keys() == {*EVERY_LINE, *(field for each in LOG_EVENTS for field in each.fields)} - set(
        CONTENT_FIELDS
    )


@pytest.mark.parametrize("name", [*ATTRIBUTES, *LOG_FIELDS])
def test_nobody_is_quoted(name: str) -> None:
    """No name promises what people say, who they are, or what lets them in."""
    assert not re.search(r"message|content|prompt|question|answer|statement|sql|subject|user|secret|key", name)


def test_the_catalogue_stands_alone() -> None:
    """It imports the standard library and contracts, so that every room can read it."""
    tree = ast.parse(Path(traces.__file__).read_text(encoding="utf-8"))
    modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module.partition(".")[0] for module in modules} <= {"__future__", "dataclasses", "enum", "contracts"}


def test_the_mocks_attributes_are_those_that_it_sets() -> None:
    """Read from its code, since contracts import no room: the one table from which its spans take attributes."""
    code = Path(traces.__file__).parents[1] / "mocks" / "otlp.py"
    tree = ast.parse(code.read_text(encoding="utf-8"))
    (made,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "_attributes")
    tables = [node for node in ast.walk(made) if isinstance(node, ast.Dict)]
    names = {key.value for table in tables for key in table.keys if isinstance(key, ast.Constant)}
    assert names == {attribute.name for attribute in traces.MOCK_SPAN.attributes}
