"""One notation for a promised value, from which its example, its Pact matchers and its JSON Schema are made.

A promise is written as the example itself: members of an object are required, others may come beside them; every
element of an array is like the first, and there is at least one; an empty array is any array; a scalar stands for its
type. `Exactly` and `Like` say more where the consumer needs more; `Given` is what only the provider can know, as a
token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pact import match
from pact.match.matcher import GenericMatcher
from pydantic import JsonValue


@dataclass(frozen=True, slots=True)
class Exactly:
    """This very value."""

    value: str | int | bool


@dataclass(frozen=True, slots=True)
class Like:
    """Text of a form. pattern: in the common part of the dialects of Rust, ECMAScript and Python; the whole text."""

    value: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Given:
    """A value of the type of `value`, which the provider's state makes. expression: `${name}`, with text around it."""

    value: str | int
    expression: str

    @property
    def generator(self) -> dict[str, str]:
        """As a pact file has it."""
        kind = "INTEGER" if isinstance(self.value, int) else "STRING"
        return {"type": "ProviderState", "expression": self.expression, "dataType": kind}


Promise = Any
"""JSON, with `Exactly`, `Like` and `Given` among its values."""


def example(promise: Promise) -> JsonValue:
    """The example alone."""
    if isinstance(promise, dict):
        return {name: example(value) for name, value in promise.items()}
    if isinstance(promise, list):
        return [example(value) for value in promise]
    return _value(promise)


def matchers(promise: Promise, *, in_array: bool = False) -> Any:
    """The example with Pact's matchers in it.

    in_array: the matcher of an array's elements holds for whatever is in them, down to a matcher of their own.
    """
    if isinstance(promise, dict):
        return {name: matchers(value, in_array=in_array) for name, value in promise.items()} or match.like({})
    if isinstance(promise, list):
        return match.each_like(matchers(promise[0], in_array=True), min=1) if promise else match.like([])
    if isinstance(promise, Exactly):
        return GenericMatcher("equality", promise.value) if in_array else promise.value
    if isinstance(promise, Like):
        return match.regex(promise.value, regex=whole(promise.pattern))
    return _typed(_value(promise))


def asked(promise: Promise) -> Any:
    """What a consumer sends: the example itself, apart from values that the provider's state makes."""
    if isinstance(promise, dict):
        return {name: asked(value) for name, value in promise.items()}
    return match.like(promise.value) if isinstance(promise, Given) else example(promise)


def generators(promise: Promise, path: str = "$") -> dict[str, dict[str, str]]:
    """Where the provider's state puts its values, by place in the JSON."""
    if isinstance(promise, Given):
        return {path: promise.generator}
    if not isinstance(promise, dict):
        return {}
    return {at: each for name, value in promise.items() for at, each in generators(value, f"{path}.{name}").items()}


def _value(promise: Promise) -> JsonValue:
    value: JsonValue = promise.value if isinstance(promise, Exactly | Like | Given) else promise
    return value


def whole(pattern: str) -> str:
    """The pattern for the whole text: both Pact and JSON Schema look for one anywhere."""
    return f"^(?:{pattern})$"


def _typed(value: JsonValue) -> Any:
    if isinstance(value, bool):  # before numbers: a bool is an int in Python
        return match.like(value)  # Pact's own matcher of booleans takes the text "true", too
    if isinstance(value, int):
        return match.int(value)
    return match.number(value) if isinstance(value, float) else match.like(value)


def schema(promise: Promise) -> dict[str, JsonValue]:
    """The JSON Schema of it."""
    if isinstance(promise, dict):
        members: dict[str, JsonValue] = {name: schema(value) for name, value in promise.items()}
        return {"type": "object", "required": [*promise], "properties": members} if promise else {"type": "object"}
    if isinstance(promise, list):
        return {"type": "array", "minItems": 1, "items": schema(promise[0])} if promise else {"type": "array"}
    if isinstance(promise, Exactly):
        return {"const": promise.value}
    if isinstance(promise, Like):
        return {"type": "string", "pattern": whole(promise.pattern)}
    return {"type": _TYPES[type(_value(promise))]}


_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
