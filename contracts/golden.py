"""The golden payloads: for every schema of the document, values that fit and values that do not, with the verdict.

`cases` makes them from the document alone: its examples, and each of them with one thing changed. So a verdict follows
from how a value was made, and three judges can be held against it: the models (`fits`), the document by any JSON Schema
validator, and what generators make of it in other languages. A rule between two fields is no matter for a schema: such
a case carries the models' reason as `beyondSchema`, and the other judges must take it.

`python -m contracts.golden` writes `golden.json`; with `--check` it only says, by exit code 4, whether that is stale.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, RootModel, TypeAdapter, ValidationError

from contracts import api, cortex, events

FILE = Path(__file__).with_name("golden.json")
DOCUMENT = Path(__file__).with_name("openapi.yaml")

STALE = 4

Json = Any
Schema = Mapping[str, Any]
Mutant = tuple[str, bool, Json]
"""What was changed, whether the value fits all the same, and the value."""

_KINDS: tuple[tuple[str, str, Json], ...] = (
    ("number", "a number", 7.5),
    ("integer", "a number", 7),
    ("string", "text", "words"),
    ("boolean", "true", True),
    ("array", "a list", []),
    ("object", "an object", {}),
)
"""JSON's types, in the order in which they are tried for being a wrong one."""

NULL = "null"
_OUTSIDE = "something else"
_TO_COME = "fieldToCome"
_SHORT = 300


@dataclass(frozen=True, slots=True)
class Case:
    """One value, and whether it fits a schema.   beyond: why the models refuse what the schema cannot."""

    schema: str
    name: str
    valid: bool
    value: Json
    beyond: str = ""

    @property
    def schema_takes_it(self) -> bool:
        """The verdict of everybody who knows the document alone."""
        return self.valid or bool(self.beyond)

    def document(self) -> dict[str, Json]:
        """The case as it is written down."""
        made = {"schema": self.schema, "name": self.name, "valid": self.valid, "value": self.value}
        return made | ({"beyondSchema": self.beyond} if self.beyond else {})


# --- the models' verdict -------------------------------------------------------------------------------------------


@cache
def judge(schema: str) -> TypeAdapter[Any]:
    """The model that a schema of the document was made from.   Raises: LookupError."""
    for room in (api, events, cortex):
        if isinstance(found := vars(room).get(schema), type):
            return TypeAdapter(found)
    raise LookupError(f"{schema} is in the document, but none of contracts.api, contracts.events and contracts.cortex")


def fits(schema: str, value: Json) -> bool:
    """Whether the model reads the value, strictly, and would have written it so."""
    try:
        read = judge(schema).validate_json(json.dumps(value), strict=True)
    except ValidationError:
        return False
    return _as_sent(read, value)


def _as_sent(read: object, value: Json) -> bool:
    """Whether the proxy's own objects are as it sends them: whole, or without their empty fields."""
    if isinstance(read, RootModel):
        return _as_sent(read.root, value)
    if isinstance(read, BaseModel):
        fields = {each.alias or name: getattr(read, name) for name, each in type(read).model_fields.items()}
        present = {name: each for name, each in fields.items() if name in value}
        return present.keys() == _sent(read, fields, present) and all(
            _as_sent(each, value[name]) for name, each in present.items()
        )
    if isinstance(read, list):
        return all(map(_as_sent, read, value))
    return True


def _sent(read: BaseModel, fields: Mapping[str, object], present: Mapping[str, object]) -> set[str]:
    if isinstance(read, api.Sparse):
        return {name for name, each in fields.items() if each is not None}
    return set(fields if isinstance(read, api.Api) and not isinstance(read, api.ApiRequest) else present)


def beyond_schema(schema: str, value: Json) -> str:
    """Why our own rules refuse a value that fits the schema; empty when they do not."""
    try:
        judge(schema).validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        told = error.errors()
        is_ours = all(each["type"] == "value_error" for each in told)
        return told[0]["msg"].removeprefix("Value error, ") if is_ours else ""
    return ""


# --- cases ---------------------------------------------------------------------------------------------------------


def cases(document: Schema) -> list[Case]:
    """Every case, schema by schema."""
    schemas = document["components"]["schemas"]
    maker = _Maker(schemas)
    return [each for name in sorted(schemas) for each in maker.cases(name)] + [
        Case(schema, name, valid=False, value=value, beyond=beyond_schema(schema, value))
        for schema, name, value in _OURS
    ]


_OURS: tuple[tuple[str, str, Json], ...] = (
    (
        "ChatRequest",
        "parentMessageId without its thread",
        {"sessionId": "s", "message": "Net sales by region", "parentMessageId": 502},
    ),
    ("ChatRequest", "threadId without a parent", {"sessionId": "s", "message": "Net sales by region", "threadId": 77}),
    ("AnalystRequest", "the last word is not the user's", {"messages": [{"role": "analyst", "text": "Net sales."}]}),
    ("ChartRequest", "two sources", {"intent": "bars", "rows": [{"REGION": "EMEA"}], "statementHandle": "handle"}),
    ("ToolResultContent", "text in an item of JSON", {"type": "json", "text": "EMEA"}),
    ("ToolResultContent", "both at once", {"type": "text", "text": "EMEA", "json": {}}),
)
"""What our own rules are for, beside what single changes find."""


class _Maker:
    """Cases of one document's schemas."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas = schemas

    def cases(self, name: str) -> Iterator[Case]:
        """Those of one schema: its examples, and what becomes of them by one change."""
        shown = [(f"example {number}", True, each) for number, each in enumerate(self._shown(name), start=1)]
        seen: set[str] = set()
        for about, valid, value in (*shown, *self._changed(name)):
            if about in seen:
                continue
            seen.add(about)
            beyond = beyond_schema(name, value) if valid else ""
            yield Case(name, about, valid and not beyond, value, beyond)

    def _shown(self, name: str) -> list[Json]:
        schema = self._schemas[name]
        shown: list[Json] = schema.get("examples") or schema.get("enum", [])
        if not shown:
            raise LookupError(f"{name} has no example")
        return shown

    def _changed(self, name: str) -> Iterator[Mutant]:
        schema, shown = self._schemas[name], self._shown(name)
        yield from self._wrong_types(schema, "it")
        if "oneOf" in schema:
            yield from self._events(schema)
        elif "properties" in schema:
            yield from self._fields(name, schema, sorted(shown, key=_size))
        else:
            yield from self._constrained(schema, shown[0], "it")

    def _events(self, union: Schema) -> Iterator[Mutant]:
        members = [each["$ref"].rpartition("/")[2] for each in union["oneOf"]]
        smallest = {member: min(self._shown(member), key=_size) for member in members}
        for value in smallest.values():
            yield f"a {value['event']}", True, value
        first = smallest[members[0]]
        yield "an event nobody knows", False, {**first, "event": _OUTSIDE}
        yield "no event", False, {"data": first["data"]}
        yield "one event with another's data", False, {**smallest[members[1]], "event": first["event"]}

    def _fields(self, name: str, schema: Schema, shown: list[Json]) -> Iterator[Mutant]:
        required, is_open = schema.get("required", []), schema.get("additionalProperties", True) is not False
        yield "a field to come", is_open, {**shown[0], _TO_COME: 1}
        for field, each in schema["properties"].items():
            bases = [value for value in shown if value.get(field) is not None]
            if not bases:
                raise LookupError(f"no example of {name} shows {field}")
            base = next((value for value in bases if value[field] not in ([], {})), bases[0])
            rest = {key: value for key, value in base.items() if key != field}
            yield f"without {field}", field not in required, rest
            for about, valid, changed in self._mutants(each, base[field], field):
                yield about, valid, {**base, field: changed}

    def _mutants(self, schema: Schema, value: Json, where: str) -> Iterator[Mutant]:
        """A value that fits, changed in every way that the schema has a word on."""
        yield f"{where} is null", self._takes(schema, NULL), None
        yield from self._wrong_types(schema, where)
        for branch in self._branches(schema):
            if self._takes(branch, _type_of(value)):
                yield from self._constrained(branch, value, where)

    def _wrong_types(self, schema: Schema, where: str) -> Iterator[Mutant]:
        """The first two of JSON's types that it is not."""
        wrong = [(about, value) for kind, about, value in _KINDS if not self._takes(schema, kind)]
        for about, value in list(dict(wrong).items())[:2]:
            yield f"{where} is {about}", False, value

    def _constrained(self, schema: Schema, value: Json, where: str) -> Iterator[Mutant]:
        if "$ref" in schema:
            yield from self._referred(schema["$ref"].rpartition("/")[2], where)
        elif "enum" in schema or "const" in schema:
            yield f"{where} is {_OUTSIDE}", False, _OUTSIDE
        elif isinstance(value, list):
            yield from self._list(schema, value, where)
        elif isinstance(value, dict):
            yield from self._map(schema, value, where)
        else:
            yield from _bounded(schema, where)

    def _referred(self, name: str, where: str) -> Iterator[Mutant]:
        """That the schema's own rules hold here, too: by one value that breaks them."""
        broken = [each for each in self._changed(name) if not each[1] and not each[0].startswith("it is")]
        about, valid, value = next(iter(broken), ("it is null", False, None))
        yield f"{where}: {about}", valid, value

    def _list(self, schema: Schema, value: list[Json], where: str) -> Iterator[Mutant]:
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        yield f"{where} is empty", least == 0, []
        if most is not None:
            yield f"{where} has as many items as it may", True, (value * most)[:most]
            yield f"{where} has too many items", False, (value * (most + 1))[: most + 1]
        for about, valid, changed in self._mutants(schema["items"], value[0], f"{where}[0]") if value else ():
            yield about, valid, [changed, *value[1:]]

    def _map(self, schema: Schema, value: dict[str, Json], where: str) -> Iterator[Mutant]:
        least, most = schema.get("minProperties", 0), schema.get("maxProperties")
        yield f"{where} is empty", least == 0, {}
        rule = schema.get("additionalProperties", True)
        if most is not None:
            yield f"{where} has too many fields", False, {f"F{number}": 1 for number in range(most + 1)}
        if isinstance(rule, Mapping) and value:
            key, inner = next(iter(value.items()))
            for about, valid, changed in self._mutants(rule, inner, f"{where}.{key}"):
                yield about, valid, {**value, key: changed}

    def _branches(self, schema: Schema) -> list[Schema]:
        return [each for each in _alternatives(schema) or [schema] if each.get("type") != NULL]

    def _takes(self, schema: Schema, kind: str) -> bool:
        """Whether a value of this JSON type can fit at all."""
        if "$ref" in schema:
            return self._takes(self._schemas[schema["$ref"].rpartition("/")[2]], kind)
        if alternatives := _alternatives(schema):
            return any(self._takes(each, kind) for each in alternatives)
        told = schema.get("type")
        return told is None or kind == told or (told, kind) == ("number", "integer")


def _alternatives(schema: Schema) -> list[Schema]:
    found: list[Schema] = schema.get("anyOf") or schema.get("oneOf") or []
    return found


def _bounded(schema: Schema, where: str) -> Iterator[Mutant]:
    """What is just inside the bounds of text or a number, and what is just outside."""
    if (shortest := schema.get("minLength")) is not None:
        yield f"{where} is too short", False, "x" * (shortest - 1)
    if (longest := schema.get("maxLength")) is not None:
        # Characters are code points: a language that counts otherwise refuses too early.
        yield f"{where} is as long as it may be", True, ("\N{BAR CHART}" if longest <= _SHORT else "x") * longest
        yield f"{where} is too long", False, "x" * (longest + 1)
    if (pattern := schema.get("pattern")) is not None:
        assert not re.search(pattern, "not this!"), f"{where}: {pattern} takes the value that is to break it"
        yield f"{where} does not match", False, "not this!"
    if schema.get("format") == "date-time":
        yield f"{where} is a time elsewhere", True, "2026-03-02T10:05:00.5+01:00"
        yield f"{where} is a day", False, "2026-03-02"
        yield f"{where} is a time of nowhere", False, "2026-03-02T09:05:00"
    if (least := schema.get("minimum")) is not None:
        yield f"{where} is as small as it may be", True, least
        yield f"{where} is too small", False, least - 1
    if (most := schema.get("maximum")) is not None:
        yield f"{where} is as large as it may be", True, most
        yield f"{where} is too large", False, most + 1


def _type_of(value: Json) -> str:
    by_type: Mapping[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array"}
    return by_type.get(type(value), "object")


def _size(value: Json) -> int:
    return len(json.dumps(value))


# --- the file ------------------------------------------------------------------------------------------------------


@cache
def as_json() -> str:
    """The file: a case a line. The committed document is read once."""
    document = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
    lines = (json.dumps(each.document(), sort_keys=True, ensure_ascii=False) for each in cases(document))
    return "[\n" + ",\n".join(lines) + "\n]\n"


def run(*, check: bool, say: Callable[[str], object]) -> int:
    """Write the file, or only say whether it is current; an exit code."""
    made = as_json()
    if FILE.exists() and FILE.read_text(encoding="utf-8") == made:
        say(f"{FILE.name} is current")
        return 0
    if check:
        say(f"{FILE.name} is stale; run 'python -m contracts.golden'")
        return STALE
    FILE.write_text(made, encoding="utf-8")
    say(f"{FILE.name} is written")
    return 0


if __name__ == "__main__":
    sys.exit(run(check="--check" in sys.argv[1:], say=print))
