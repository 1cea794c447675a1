"""What a change looks like: an example as it was, and the same one as it would be."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from contracts.compat import Anchor, Change, Document, Place, Side
from contracts.compat.shapes import ANY, SCHEMAS, Shape, Shapes, type_of
from contracts.compat.words import tag_values
from contracts.review.usage import filled, resolve_in

DEPTH = 4
SHOWN_DEPTH = 3
SHOWN_ITEMS = 3
SHOWN_CHARS = 80
CONTEXT = 3
SHOWN_LINES = 20

Lines = tuple[tuple[str, str], ...]
"""Lines of a difference: `-`, `+` or a space, and the text."""


def shown(change: Change, old: Document, new: Document) -> Lines:
    """How an example of the object around a change differs; nothing where it looks the same.

    The values are those of the old document's examples, made up by type where it has none.
    """
    if change.rule == "stream-event-removed":
        return difference(event(old, change.places[0]), None)
    around = change.anchor.parent if change.anchor.steps else change.anchor
    if not change.places or not around.component:
        return ()
    before = example(old, around, change.places)
    schema = schema_at(Shapes(new), new, around)
    if not isinstance(before, Mapping) or schema is None:
        return ()
    known = _fields(Shapes(old), schema_at(Shapes(old), old, around))
    return difference(before, reshaped(Shapes(new), before, schema, known))


def example(document: Document, wanted: Anchor, places: Sequence[Place]) -> Any:
    """A value of a spot, from the first of the places whose examples hold one; made up where none does."""
    shapes = Shapes(document)
    for place in places:
        schema, values = _examples(document, place)
        for value in values:
            for anchor, _, part in filled(shapes, schema, value, Anchor()):
                if anchor == wanted and part != {}:
                    return part
    schema = schema_at(shapes, document, wanted)
    return None if schema is None else sample(shapes, schema)


def event(document: Document, place: Place) -> Any:
    """An event of a stream, from its examples or those of its schema; made up where there are none."""
    shapes = Shapes(document)
    schema, found = _examples(document, place)
    named = (each for each in shapes.of(schema) if f'"{place.event}"' in tag_values(each, "event"))
    described = (sample(shapes, {"$ref": SCHEMAS + each.component}) for each in named if each.is_whole)
    return next(found, None) or next(described, None)


def schema_at(shapes: Shapes, document: Document, anchor: Anchor) -> Any:
    """The schema at a spot of a component; None where there is none."""
    if anchor.component not in document.get("components", {}).get("schemas", {}):
        return None
    schema: Any = {"$ref": SCHEMAS + anchor.component}
    for step in anchor.steps:
        inner = [found for each in shapes.of(schema) if (found := _inner(each, step)) is not None]
        if not inner:
            return None
        schema = inner[0]
    return schema


def sample(shapes: Shapes, schema: Any, depth: int = 0) -> Any:
    """A made-up value that a schema allows, as far as types and lists of values go."""
    noted = shapes.note(schema, "examples") or [shapes.note(schema, "default")]
    alternatives = [each for each in shapes.of(schema) if each.type != "null"]
    if isinstance(noted, list) and noted[0] is not None:
        return noted[0]
    if not alternatives or depth > DEPTH:
        return None
    one = alternatives[0]
    if "enum" in one.keywords:
        return one.keywords["enum"][0]
    if one.type == "object":
        return {name: sample(shapes, each, depth + 1) for name, each in one.properties("").items()}
    if one.type == "array":
        return [sample(shapes, one.keywords.get("items", True), depth + 1)]
    return {"string": "text", "integer": 1, "number": 1.5, "boolean": True, ANY: "anything"}[one.type]


def reshaped(shapes: Shapes, value: Any, schema: Any, known: frozenset[str] = frozenset(), depth: int = 0) -> Any:
    """A value as another schema has it: what fits stays, what does not is made up, what is not there any more goes.

    known: names of fields that the old schema had; others were never described, and stay.
    """
    alternatives = shapes.of(schema)
    fitting = [each for each in alternatives if _fits(each, value)]
    if not fitting:
        return sample(shapes, schema, depth)
    one = fitting[0]
    if depth > DEPTH or one.type not in {"object", "array"}:
        return value
    if one.type == "array":
        return [reshaped(shapes, each, one.keywords.get("items", True), depth=depth + 1) for each in value]
    properties = one.properties("")
    gone = [name for name in value if name in known and name not in properties]
    come = [name for name in properties if name not in value and known and name not in known]
    heirs = dict(zip(gone, come, strict=True)) if len(gone) == len(come) == 1 else {}
    kept = {
        heirs.get(name, name): reshaped(shapes, each, properties.get(heirs.get(name, name), True), depth=depth + 1)
        for name, each in value.items()
        if name not in gone or name in heirs
    }
    return {**kept, **{name: sample(shapes, properties[name], depth + 1) for name in come if name not in kept}}


def difference(before: Any, after: Any) -> Lines:
    """Two values as lines of JSON, with what stays around what does not; nothing when they are the same."""
    texts = [
        [] if each is None else json.dumps(trimmed(each), indent=2, ensure_ascii=False).splitlines()
        for each in (before, after)
    ]
    if texts[0] == texts[1]:
        return ()
    if before is not None and after is not None:
        texts = [_with_commas(each) for each in texts]
    told = list(difflib.unified_diff(texts[0], texts[1], lineterm="", n=CONTEXT))[2:]
    lines = [("", "...") if each.startswith("@@") else (each[0].strip(), each[1:]) for each in told]
    kept = lines[1:] if lines and not _is_cut(told[0]) else lines
    return tuple([*kept[:SHOWN_LINES], ("", "...")] if len(kept) > SHOWN_LINES else kept)


def trimmed(value: Any, depth: int = 0) -> Any:
    """A value short enough to be read: long lists, texts and deep objects end in three dots."""
    if depth >= SHOWN_DEPTH and isinstance(value, dict | list) and value:
        return "..."
    if isinstance(value, Mapping):
        return {name: trimmed(each, depth + 1) for name, each in value.items()}
    if isinstance(value, list):
        return [trimmed(each, depth + 1) for each in value[:SHOWN_ITEMS]] + ["..."] * (len(value) > SHOWN_ITEMS)
    return f"{value[:SHOWN_CHARS]}..." if isinstance(value, str) and len(value) > SHOWN_CHARS else value


def _with_commas(lines: list[str]) -> list[str]:
    """Every member with its comma, so that the last one does not differ when another follows it."""
    return [each if each.endswith((",", "{", "[")) or each in "}]" else f"{each}," for each in lines]


def _is_cut(heading: str) -> bool:
    """Whether a part of a difference starts later than at the first line."""
    return not heading.startswith("@@ -1,") and not heading.startswith("@@ -1 ") and not heading.startswith("@@ -0")


def _inner(shape: Shape, step: str) -> Any:
    if shape.type == "array" and step.startswith("["):
        return shape.keywords.get("items", True)
    if shape.type != "object":
        return None
    return shape.additional if step == "*" else shape.properties("").get(step)


def _fits(shape: Shape, value: Any) -> bool:
    if shape.type not in {ANY, type_of(value)} and (shape.type, type_of(value)) != ("number", "integer"):
        return False
    return "enum" not in shape.keywords or value in shape.keywords["enum"]


def _fields(shapes: Shapes, schema: Any) -> frozenset[str]:
    return frozenset(name for each in shapes.of(schema) if each.type == "object" for name in each.properties(""))


def _examples(document: Document, place: Place) -> tuple[Any, Iterator[Any]]:
    """The schema of a place's body, and the examples of it; of a stream those of one event."""
    operation = document["paths"].get(place.path, {}).get(place.method, {})
    if place.side is Side.REQUEST:
        content = resolve_in(document, operation.get("requestBody", {})).get("content", {})
    else:
        content = resolve_in(document, operation.get("responses", {}).get(place.status, {})).get("content", {})
    media: Any = content.get(place.media_type) or next(iter(content.values()), {})
    found = [resolve_in(document, each).get("value") for each in media.get("examples", {}).values()]
    values = [*found, *([media["example"]] if "example" in media else [])]
    if place.event:
        return media.get("schema", True), (
            each for text in values for each in events(text) if each["event"] == place.event
        )
    return media.get("schema", True), iter(values)


def events(stream: Any) -> Iterator[dict[str, Any]]:
    """The events of a stream's text as clients make them of its frames."""
    for frame in str(stream).replace("\r\n", "\n").split("\n\n"):
        fields = [line.partition(":")[::2] for line in frame.splitlines()]
        named = [text.strip() for name, text in fields if name == "event"]
        data = "\n".join(text.removeprefix(" ") for name, text in fields if name == "data")
        if named:
            try:
                yield {"event": named[0], "data": json.loads(data)}
            except ValueError:
                yield {"event": named[0], "data": data}
