"""Which consumer uses which field: the pacts, read beside the document whose fields they name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from contracts.compat import Anchor, Change, Document, Place, Side
from contracts.compat.documents import resolve
from contracts.compat.operations import EVENT_STREAM, METHODS
from contracts.compat.shapes import ANY, Shape, Shapes, type_of
from contracts.compat.words import tag_values
from contracts.pactfile import Interaction, PactFile

READS, SENDS, COUNTS_ON = "reads it in", "sends it in", "counts on it in the stream of"
KNOWS = "knows it in the stream of"
LACKS, CALLS = "does not send it in", "calls it in"


@dataclass(frozen=True, slots=True)
class Use:
    """One field (or event, or answer) that a consumer relies on in an interaction.

    anchor: the field as the comparison names it.   path: as the wire has it, from the body or the payload on.
    """

    consumer: str
    interaction: str
    does: str
    place: Place
    anchor: Anchor
    path: str = ""


def uses(document: Document, pacts: Iterable[PactFile]) -> tuple[Use, ...]:
    """Everything that consumers of the document's operations use; pacts with other providers have no part in it."""
    book = _Book(document)
    return tuple(dict.fromkeys(use for pact in pacts if book.describes(pact) for use in book.of(pact)))


def elsewhere(document: Document, pacts: Iterable[PactFile]) -> tuple[Use, ...]:
    """What consumers use of other providers, by paths alone: the document does not know them."""
    book = _Book(document)
    others = (pact for pact in pacts if not book.describes(pact))
    return tuple(dict.fromkeys(use for pact in others for use in _by_path(pact)))


def _by_path(pact: PactFile) -> Iterator[Use]:
    consumer = f"{pact.consumer} (of {pact.provider})"
    for interaction in pact.interactions:
        asked, answered = (interaction.document.get(part, {}) for part in ("request", "response"))
        place = Place(asked.get("path") or interaction.description, asked.get("method", "").lower())
        for does, body in (
            (SENDS, _content(asked)),
            (READS, _content(answered)),
            (READS, _content(interaction.document, "contents")),
        ):
            status = str(answered.get("status", "")) if does == READS else ""
            for path in ("", *_spots(body)):
                yield Use(consumer, interaction.description, does, replace(place, status=status), Anchor(), path)


def _spots(value: Any, path: str = "") -> Iterator[str]:
    """The path of every field in a value."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            inner = f"{path}.{name}".lstrip(".")
            yield inner
            yield from _spots(each, inner)
    elif isinstance(value, list):
        for each in value:
            yield f"{path}[]"
            yield from _spots(each, f"{path}[]")


def concerned(change: Change, used: Sequence[Use]) -> list[Use]:
    """The uses that a change concerns, one for each interaction and what is done there."""
    if change.anchor == Anchor() and not change.places[0].name and not change.places[0].event:
        calling = (use for use in used if use.does in (READS, SENDS) and _is_there(change, use))
        found = [replace(use, does=CALLS) for use in calling]
    elif change.rule in NOW_REQUIRED:
        around = [use for use in used if use.anchor in (change.anchor, change.anchor.parent) and _is_there(change, use)]
        sending = {use.interaction for use in around if use.anchor == change.anchor}
        found = [replace(use, does=LACKS) for use in around if use.interaction not in sending]
    else:
        found = [use for use in used if _touches(change, use) and _is_there(change, use)]
    return list({(use.consumer, use.interaction, use.does): use for use in found}.values())


NOW_REQUIRED = frozenset({"request-required-property-added", "request-property-became-required"})


def _is_there(change: Change, use: Use) -> bool:
    return any(_meet(place, use.place) for place in change.places)


def _meet(one: Place, other: Place) -> bool:
    """Whether two places are one, where both say enough to tell."""
    names = ("path", "method", "side", "status", "event", "name")
    pairs = [(getattr(one, name), getattr(other, name)) for name in names]
    return all(not here or not there or here == there for here, there in pairs)


def _touches(change: Change, use: Use) -> bool:
    if change.anchor == Anchor():
        place = change.places[0]
        return (place.name, place.event) == (use.place.name, use.place.event)
    return use.anchor == change.anchor


class _Book:
    """The document, opened at the operations that interactions name."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._shapes = Shapes(document)
        self.operations = {
            (path, method): item[method]
            for path, item in document.get("paths", {}).items()
            for method in METHODS
            if method in item
        }

    def describes(self, pact: PactFile) -> bool:
        """Whether the document has an operation that the pact asks for."""
        return any(self._place(each) for each in pact.interactions)

    def of(self, pact: PactFile) -> Iterator[Use]:
        """The uses of one pact."""
        for interaction in pact.interactions:
            found = self._http(interaction) if interaction.kind == "http" else self._message(interaction)
            for does, place, anchor, path in found:
                yield Use(pact.consumer, interaction.description, does, place, anchor, path)
        streamed = {each.description: each for each in pact.interactions if each.kind == "http"}
        for description, rule in pact.sequences.items():
            for does, place, anchor, path in self._sequence(streamed.get(description), rule):
                yield Use(pact.consumer, description, does, place, anchor, path)

    # --- kinds of interactions ---------------------------------------------------------------------------------------

    def _http(self, interaction: Interaction) -> Iterator[tuple[str, Place, Anchor, str]]:
        place = self._place(interaction)
        if place is None:
            return
        asked, answered = interaction.document["request"], interaction.document["response"]
        yield SENDS, replace(place, side=Side.REQUEST), Anchor(), ""
        for name in asked.get("query", {}):
            yield SENDS, replace(place, side=Side.REQUEST, name=f"query parameter `{name}`"), Anchor(), name
        for anchor, path in self._touched(self._request(place), _content(asked)):
            yield SENDS, replace(place, side=Side.REQUEST), anchor, path
        place = replace(place, side=Side.RESPONSE, status=str(answered["status"]))
        yield READS, place, Anchor(), ""
        for name in answered.get("headers", {}):
            if name.lower() != "content-type":
                yield READS, replace(place, name=f"header `{name}`"), Anchor(), name
        for anchor, path in self._touched(self._response(place), _content(answered)):
            yield READS, place, anchor, path

    def _message(self, interaction: Interaction) -> Iterator[tuple[str, Place, Anchor, str]]:
        content = _content(interaction.document, "contents")
        if isinstance(content, Mapping) and isinstance(content.get("event"), str):
            asked = {state.params.get("endpoint") for state in interaction.states}
            for place in self._streams(content["event"], asked):
                for anchor, path in self._touched(self._response(place), content):
                    yield READS, place, anchor, path.removeprefix("data.")

    def _sequence(
        self, interaction: Interaction | None, rule: Mapping[str, Any]
    ) -> Iterator[tuple[str, Place, Anchor, str]]:
        operation = self._place(interaction) if interaction else None
        if interaction is None or operation is None:
            return
        status = str(interaction.document["response"]["status"])
        for event, promise in rule.get("events", {}).items():
            is_needed = bool(promise.get("times", [0])[0]) or event in (rule.get("first"), rule.get("last"))
            place = replace(operation, side=Side.RESPONSE, status=status, event=event)
            sample = {"event": event, "data": dict.fromkeys(_fields(event, promise, rule), ...)}
            for anchor, path in self._touched(self._response(place), sample):
                yield COUNTS_ON if is_needed else KNOWS, place, anchor, path.removeprefix("data.")

    # --- where they stand --------------------------------------------------------------------------------------------

    def _place(self, interaction: Interaction) -> Place | None:
        asked = interaction.document.get("request", {})
        for path, method in self.operations:
            pattern = re.sub(r"\\\{[^}]*\}", "[^/]+", re.escape(path))
            if method == asked.get("method", "").lower() and re.fullmatch(pattern, asked.get("path", "")):
                return Place(path, method)
        return None

    def _streams(self, event: str, endpoints: set[Any]) -> list[Place]:
        """The streams that have such an event; of several those whose path ends as the interaction's states say."""
        found = [
            Place(path, method, Side.RESPONSE, status, event=event)
            for (path, method), operation in self.operations.items()
            for status, answer in operation.get("responses", {}).items()
            if event in self.events(resolve_in(self._document, answer))
        ]
        named = [each for each in found if each.path.rpartition("/")[2] in endpoints]
        return named or found

    def events(self, answer: Mapping[str, Any]) -> list[str]:
        """The names of the events that an answer streams."""
        schema = answer.get("content", {}).get(EVENT_STREAM, {}).get("schema")
        shapes = self._shapes.of(schema) if schema else []
        return [value.strip('"') for each in shapes for value in tag_values(each, "event")]

    def _request(self, place: Place) -> Any:
        body = resolve_in(self._document, self.operations[place.path, place.method].get("requestBody", {}))
        return _json_schema(body.get("content", {}))

    def _response(self, place: Place) -> Any:
        answers = self.operations[place.path, place.method].get("responses", {})
        found: Any = next(
            (answers[each] for each in (place.status, f"{place.status[:1]}XX", "default") if each in answers), {}
        )
        content = resolve_in(self._document, found).get("content", {})
        return content.get(EVENT_STREAM, {}).get("schema") if place.event else _json_schema(content)

    # --- values ------------------------------------------------------------------------------------------------------

    def _touched(self, schema: Any, value: Any) -> Iterator[tuple[Anchor, str]]:
        if schema is not None and value is not None:
            yield from touched(self._shapes, schema, value)


def touched(
    shapes: Shapes, schema: Any, value: Any, anchor: Anchor | None = None, path: str = ""
) -> Iterator[tuple[Anchor, str]]:
    """Every spot of a schema that a value fills, and its path in the value. `...` is a value of any kind."""
    for found, where, _ in filled(shapes, schema, value, anchor or Anchor(), path):
        yield found, where


def filled(
    shapes: Shapes, schema: Any, value: Any, anchor: Anchor, path: str = ""
) -> Iterator[tuple[Anchor, str, Any]]:
    """Likewise, with the part of the value that is there."""
    alternatives = [each for each in shapes.of(schema) if _could_be(each, value)]
    if not alternatives:
        yield anchor, path, value
    for shape in alternatives:
        spot = Anchor(shape.component) if shape.component and shape.component != anchor.component else anchor
        yield anchor, path, value
        if spot != anchor:
            yield spot, path, value
        if shape.type == "object" and isinstance(value, Mapping):
            properties = shape.properties("")
            for name, each in value.items():
                step, inner = (name, properties[name]) if name in properties else ("*", shape.additional)
                if inner is not False:
                    yield from filled(shapes, inner, each, spot.step(step), f"{path}.{name}".lstrip("."))
        elif shape.type == "array" and isinstance(value, list):
            for each in value:
                yield from filled(shapes, shape.keywords.get("items", True), each, spot.step("[]"), f"{path}[]")


def _could_be(shape: Shape, value: Any) -> bool:
    """Whether a value may be meant by an alternative: by its type, and by the fields that have one value there."""
    if value is ... or shape.type == ANY:
        return True
    if type_of(value) not in {shape.type, "integer" if shape.type == "number" else shape.type}:
        return False
    if shape.type != "object":
        return True
    fixed = ((tag_values(shape, name), each) for name, each in value.items() if isinstance(each, str))
    known = set(shape.properties("")) & set(value) or not value or not shape.properties("")
    return bool(known) and all(not allowed or f'"{each}"' in allowed for allowed, each in fixed)


def resolve_in(document: Document, value: Any) -> Any:
    """What a value is, or what it refers to."""
    return resolve(document, value["$ref"]) if isinstance(value, Mapping) and "$ref" in value else value


def _json_schema(content: Mapping[str, Any]) -> Any:
    found = [each.get("schema") for name, each in content.items() if name != EVENT_STREAM]
    return found[0] if found else None


def _content(part: Mapping[str, Any], key: str = "body") -> Any:
    body = part.get(key) or {}
    return body.get("content") if isinstance(body, Mapping) else None


def _fields(event: str, promise: Mapping[str, Any], rule: Mapping[str, Any]) -> list[str]:
    """The members of an event's payload that a rule looks at."""
    data = promise.get("data", {})
    names = [*data.get("properties", {}), *data.get("required", ())]
    for join in rule.get("joins", ()):
        names += [join["text"], join["by"]] if event in (join["parts"], join["whole"]) else []
    for pair in rule.get("pairs", ()):
        names += [pair["by"]] if event in (pair["opens"], pair["closes"]) else []
    names += [field for group in rule.get("same", ()) for name, field in group if name == event]
    names += [each["field"] for each in rule.get("tally", ()) if each["event"] == event]
    names += [
        name
        for each in rule.get("when", ())
        if each["event"] == event
        for name in each.get("data", {}).get("properties", {})
    ]
    return list(dict.fromkeys(names))


def streams(document: Document) -> dict[str, tuple[str, ...]]:
    """The names of the events of every operation that streams."""
    book = _Book(document)
    found = {}
    for (path, method), operation in book.operations.items():
        named = [
            name
            for answer in operation.get("responses", {}).values()
            for name in book.events(resolve_in(document, answer))
        ]
        if named:
            found[Place(path, method).operation] = tuple(named)
    return found
