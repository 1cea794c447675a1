"""A schema as the alternatives that it allows: each of one JSON type, with references and `allOf` worked in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from contracts.compat.documents import resolve
from contracts.compat.model import Document, DocumentError, Schema

ANY = "any"
SCHEMAS = "#/components/schemas/"
MAX_ALTERNATIVES = 2000

OF_TYPE: Mapping[str, frozenset[str]] = {
    "string": frozenset({"enum", "minLength", "maxLength", "pattern", "format", "contentEncoding", "contentMediaType"}),
    "number": frozenset({"enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "format"}),
    "integer": frozenset(
        {"enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "format"}
    ),
    "boolean": frozenset({"enum"}),
    "null": frozenset(),
    "array": frozenset(
        {
            "enum",
            "items",
            "prefixItems",
            "minItems",
            "maxItems",
            "uniqueItems",
            "contains",
            "minContains",
            "maxContains",
        }
        | {"unevaluatedItems"}
    ),
    "object": frozenset(
        {"enum", "properties", "required", "additionalProperties", "minProperties", "maxProperties", "propertyNames"}
        | {"patternProperties", "dependentRequired", "dependentSchemas", "unevaluatedProperties"}
    ),
}
"""Keywords that say something of values of a type, and nothing of others."""

ANY_TYPE = frozenset({"not", "if", "then", "else", "$dynamicRef"})


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """One alternative: values of one type (or of any), by the keywords that say something of them.

    component: whose schema it stands in.   is_whole: whether it is all that this component allows.
    """

    type: str
    keywords: Mapping[str, Any] = field(default_factory=dict)
    component: str = ""
    is_whole: bool = False

    @property
    def required(self) -> frozenset[str]:
        """Fields that have to be there."""
        return frozenset(self.keywords.get("required", ()))

    def properties(self, hidden: str) -> Mapping[str, Schema]:
        """Fields by name, also those of which nothing is said but that they are required.

        hidden: `readOnly` in a request, `writeOnly` in a response: fields marked so are not there.
        """
        named: dict[str, Schema] = dict.fromkeys(sorted(self.required), True) | self.keywords.get("properties", {})
        return {name: each for name, each in named.items() if not (isinstance(each, Mapping) and each.get(hidden))}

    @property
    def additional(self) -> Schema:
        """The schema of fields without a name."""
        return self.keywords.get("additionalProperties", True)

    @property
    def describes_others(self) -> bool:
        """Whether something is said of the values of fields without a name."""
        return isinstance(self.additional, Mapping) and bool(self.additional)

    @property
    def invites_others(self) -> bool:
        """Whether it is said that fields without a name may be there, not only left open."""
        return self.keywords.get("additionalProperties", False) is not False

    @property
    def values(self) -> tuple[str, ...] | None:
        """The only values, as JSON; None when there are no such."""
        return tuple(map(canonical, self.keywords["enum"])) if "enum" in self.keywords else None


class Shapes:
    """Schemas of one document as alternatives."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._components: dict[str, list[Shape]] = {}

    def of(self, schema: Schema) -> list[Shape]:
        """The alternatives of a schema; none where it allows nothing.

        Raises: DocumentError when it consists of itself, or of more alternatives than anybody meant.
        """
        return _joined(self._expand(schema, ()))

    def target(self, reference: str) -> Schema:
        """The schema that a reference leads to."""
        return resolve(self._document, reference)

    def component(self, reference: str) -> str:
        """The name of the component that a reference means; the reference itself where it means something else."""
        return reference.removeprefix(SCHEMAS)

    def note(self, schema: Schema, keyword: str, otherwise: Any = None) -> Any:
        """What is noted of a schema, there or where its reference leads: its default, whether it is deprecated."""
        if not isinstance(schema, Mapping):
            return otherwise
        if keyword not in schema and isinstance(schema.get("$ref"), str):
            return self.note(resolve(self._document, schema["$ref"]), keyword, otherwise)
        return schema.get(keyword, otherwise)

    def _expand(self, schema: Schema, chain: tuple[str, ...]) -> list[Shape]:
        if isinstance(schema, bool):
            return [Shape(ANY)] if schema else []
        if not isinstance(schema, Mapping):
            raise DocumentError(f"a schema is an object, true or false, and not {json.dumps(schema)[:80]}")
        parts = [_own(schema)]
        if isinstance(schema.get("$ref"), str):
            parts.append(self._named(schema["$ref"], chain))
        parts += [self._expand(each, chain) for each in schema.get("allOf", ())]
        for union in ("anyOf", "oneOf"):
            if union in schema:
                parts.append([shape for each in schema[union] for shape in self._expand(each, chain)])
        return reduce(_conjoined, parts)

    def _named(self, reference: str, chain: tuple[str, ...]) -> list[Shape]:
        if reference in chain:
            raise DocumentError(f"{reference} consists of itself: {' -> '.join([*chain, reference])}")
        if reference not in self._components:
            self._components[reference] = self._expanded(reference, chain)
        return self._components[reference]

    def _expanded(self, reference: str, chain: tuple[str, ...]) -> list[Shape]:
        name = self.component(reference)
        found = self._expand(resolve(self._document, reference), (*chain, reference))
        return [
            Shape(
                each.type,
                each.keywords,
                name if len(found) == 1 else each.component or name,
                len(found) == 1 or each.is_whole,
            )
            for each in found
        ]


def canonical(value: Any) -> str:
    """A value as JSON, the same for equal values."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def type_of(value: Any) -> str:
    """The JSON type of a value; whole numbers are integers."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    if isinstance(value, int | float):
        return "integer" if float(value).is_integer() else "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def _own(schema: Mapping[str, Any]) -> list[Shape]:
    """What the keywords of a schema say without its references and combinations."""
    found = dict(schema)
    if "const" in found:
        found["enum"] = [found["const"]]
    types = _types(found)
    common = {key: found[key] for key in ANY_TYPE & found.keys()}
    if ANY in types:
        return [Shape(ANY, common)]
    return [
        Shape(
            each,
            {**common, **{key: value for key, value in found.items() if key in OF_TYPE[each]}, **_values(found, each)},
        )
        for each in types
    ]


def _types(schema: Mapping[str, Any]) -> list[str]:
    """The types that a schema names; without any, those that its values or keywords are about."""
    named = schema.get("type")
    listed = [named] if isinstance(named, str) else list(named or ())
    unknown = [each for each in listed if each not in OF_TYPE]
    if unknown:
        raise DocumentError(f"{unknown[0]!r} is no type; there are {', '.join(OF_TYPE)}")
    if "enum" in schema:
        valued = list(dict.fromkeys(type_of(each) for each in schema["enum"]))
        return (
            [each for each in listed if each in valued or (each == "number" and "integer" in valued)]
            if listed
            else valued
        )
    if listed:
        return listed
    about = [each for each in ("object", "array", "string", "number") if (OF_TYPE[each] - {"format"}) & schema.keys()]
    return about or [ANY]


def _values(schema: Mapping[str, Any], kind: str) -> dict[str, Any]:
    if "enum" not in schema:
        return {}
    kinds = {kind, "integer"} if kind == "number" else {kind}
    return {"enum": [each for each in schema["enum"] if type_of(each) in kinds]} if kind != "null" else {}


def _conjoined(left: list[Shape], right: list[Shape]) -> list[Shape]:
    """Every way to be one of the left and one of the right at once."""
    if len(left) * len(right) > MAX_ALTERNATIVES:
        raise DocumentError(f"a schema has more than {MAX_ALTERNATIVES} alternatives")
    return [both for one in left for other in right if (both := _both(one, other))]


def _both(one: Shape, other: Shape) -> Shape | None:
    if one.type == ANY and not one.keywords:
        return other
    if other.type == ANY and not other.keywords:
        return one
    kind = _common_type(one.type, other.type)
    if kind is None:
        return None
    merged = dict(one.keywords)
    for key, value in other.keywords.items():
        merged[key] = _merged(key, merged[key], value) if key in merged else value
    return Shape(kind, merged, one.component or other.component)


def _common_type(one: str, other: str) -> str | None:
    if ANY in (one, other):
        return other if one == ANY else one
    if {one, other} == {"integer", "number"}:
        return "integer"
    return one if one == other else None


def _merged(key: str, one: Any, other: Any) -> Any:
    """Both at once, for a keyword that both say."""
    if one == other:
        return one
    merge = _MERGES.get(key)
    return merge(one, other) if merge else [one, other]


def _merged_fields(one: Mapping[str, Schema], other: Mapping[str, Schema]) -> Mapping[str, Schema]:
    return {**one, **other, **{name: _all_of(one[name], other[name]) for name in one.keys() & other.keys()}}


def _all_of(one: Schema, other: Schema) -> Schema:
    """Both, each part once: a schema that leads back to itself would grow with every turn otherwise."""
    parts = {canonical(part): part for each in (one, other) for part in _parts(each)}
    return {"allOf": list(parts.values())} if len(parts) > 1 else next(iter(parts.values()))


def _parts(schema: Schema) -> list[Schema]:
    return list(schema["allOf"]) if isinstance(schema, Mapping) and set(schema) == {"allOf"} else [schema]


_MERGES: Mapping[str, Callable[[Any, Any], Any]] = {
    "properties": _merged_fields,
    "required": lambda one, other: sorted({*one, *other}),
    "enum": lambda one, other: [each for each in one if each in other],
    "items": _all_of,
    "additionalProperties": lambda one, other: (
        _all_of(one, other) if one is not False and other is not False else False
    ),
    **dict.fromkeys(("minLength", "minItems", "minProperties", "minimum", "exclusiveMinimum", "minContains"), max),
    **dict.fromkeys(("maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum", "maxContains"), min),
}


def _joined(shapes: list[Shape]) -> list[Shape]:
    """The same alternatives, lists of values as one, and without scalars that a wider one covers."""
    joined = list[Shape]()
    for kind in dict.fromkeys(each.type for each in shapes):
        those = [each for each in shapes if each.type == kind]
        scalar = kind not in {"object", "array", ANY}
        joined += _scalars(those) if scalar else those
    return joined


def _scalars(shapes: list[Shape]) -> Iterable[Shape]:
    if any(not each.keywords for each in shapes):
        return [next(each for each in shapes if not each.keywords)]
    listed = [each for each in shapes if set(each.keywords) <= {"enum", "format"} and "enum" in each.keywords]
    if len(listed) < 2:
        return shapes
    values = {canonical(value): value for each in listed for value in each.keywords["enum"]}
    return [Shape(listed[0].type, {"enum": list(values.values())}), *(each for each in shapes if each not in listed)]
