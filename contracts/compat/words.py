"""Schemas, bounds and places in the words of the people who read a report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contracts.compat.model import Anchor, Place, Side
from contracts.compat.shapes import ANY, Shape

SHOWN = 6
"""Most things in a list before the rest is only counted."""

TYPES: Mapping[str, str] = {
    "null": "null",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "array": "a list",
    "object": "an object",
    ANY: "anything",
}

_BOUNDS: Mapping[str, str] = {
    "minLength": "at least {} character{} long",
    "maxLength": "at most {} character{} long",
    "minItems": "at least {} item{}",
    "maxItems": "at most {} item{}",
    "minProperties": "at least {} field{}",
    "maxProperties": "at most {} field{}",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "uniqueItems": "without repetition",
}
_UNBOUND: Mapping[str, str] = {
    "minItems": "any number of items",
    "maxItems": "any number of items",
    "minProperties": "any number of fields",
    "maxProperties": "any number of fields",
    "minLength": "of any length",
    "maxLength": "of any length",
    "multipleOf": "any number",
    "uniqueItems": "with repetition",
}


def joined(words: Iterable[str], last: str = "and") -> str:
    """`a, b and c`; of many the first ones and how many more."""
    listed = list(words)
    if len(listed) > SHOWN + 1:
        listed = [*listed[:SHOWN], f"{len(listed) - SHOWN} more"]
    return f" {last} ".join([", ".join(listed[:-1]), listed[-1]]) if len(listed) > 1 else "".join(listed)


def types(kinds: Iterable[str]) -> str:
    """What values of these types are."""
    return joined((TYPES[each] for each in kinds), "or") or "nothing"


def values(listed: Iterable[str], last: str = "or") -> str:
    """Values, as JSON, marked as code."""
    return joined((f"`{each}`" for each in listed), last)


def bound(keyword: str, limit: Any) -> str:
    """A bound: `at most 20 items`; of None what holds without one."""
    if limit is None:
        return _UNBOUND.get(keyword, "of any size")
    return _BOUNDS[keyword].format(number(limit), "s" * (limit != 1))


def verb(keyword: str) -> str:
    """What a value does with a bound: lists have at most 20 items, numbers are at most 20."""
    return "have" if keyword.endswith(("nItems", "xItems", "Properties")) else "be"


def number(value: Any) -> str:
    """A number with its thousands apart, when it is long; anything else as JSON."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    return json.dumps(value)


def shape(one: Shape, tag: str = "") -> str:
    """One alternative of several, as one calls it.

    tag: the field by which the alternatives are told apart, where there is one.
    """
    if tag and (listed := tag_values(one, tag)):
        return f"an object with `{tag}` {values(listed)}"
    if one.component and one.is_whole:
        return f"`{one.component}`"
    if one.values is not None:
        return values(one.values)
    if one.type == "object" and one.properties(""):
        return f"an object with {joined(f'`{name}`' for name in one.properties(''))}"
    return TYPES[one.type]


def tag_values(one: Shape, tag: str) -> tuple[str, ...]:
    """The values, as JSON, that a field of an object may have alone; none when it may have any."""
    schema = one.properties("").get(tag)
    if not isinstance(schema, Mapping):
        return ()
    listed = [schema["const"]] if "const" in schema else schema.get("enum", [])
    return tuple(json.dumps(each, ensure_ascii=False) for each in listed)


def where(anchor: Anchor, places: Sequence[Place]) -> str:
    """A spot and where it is met: `ChatRequest.message` in the request of POST /api/v1/chat."""
    spot, context = str(anchor), met(places)
    if spot:
        return f"`{spot}` in {context}" if context else f"`{spot}`"
    return f"{context[:1].upper()}{context[1:]}" or "The document"


def met(places: Sequence[Place]) -> str:
    """Where something is met; empty for the document itself."""
    operations = list(dict.fromkeys(each.operation for each in places if each.path))
    if not operations:
        return ""
    named = operations[0] if len(operations) == 1 else f"{len(operations)} operations"
    parts = list(filter(None, (_named(places), _bodies(places), _events(places))))
    return f"{' and '.join(parts)} of {named}" if parts else named


def _named(places: Sequence[Place]) -> str:
    """The parameter or header that places have; a header with the answers that send it."""
    if not places[0].name:
        return ""
    statuses = sorted({each.status for each in places if each.status})
    answers = f" of the answer{'s' * (len(statuses) > 1)} {joined(statuses)}" if statuses else ""
    return f"the {places[0].name}{answers}"


def _events(places: Sequence[Place]) -> str:
    events = list(dict.fromkeys(f"`{each.event}`" for each in places if each.event))
    return f"the stream's event{'s' * (len(events) > 1)} {joined(events)}" if events else ""


def _bodies(places: Sequence[Place]) -> str:
    """The requests and answers among places."""
    asked = {each.operation for each in places if each.side is Side.REQUEST and not each.name}
    if asked:
        return "the request" if len(asked) == 1 else "the requests"
    statuses = sorted({each.status for each in places if each.status and not each.name and not each.event})
    return f"the answer{'s' * (len(statuses) > 1)} {joined(statuses)}" if statuses else ""
