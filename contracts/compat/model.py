"""What a comparison consists of: places of a document, rules, and changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

Document = Mapping[str, Any]
"""A parsed OpenAPI 3.1 document."""

Schema = Any
"""A JSON Schema: a mapping, or true or false."""


class DocumentError(ValueError):
    """A document that cannot be read or compared; the message says which, where and what to do."""


class Severity(StrEnum):
    """What a change means for clients that kept to the old document."""

    BREAKING = "breaking"
    """One of them can fail."""

    WARNING = "warning"
    """None has to fail; somebody should look."""

    INFO = "info"
    """Nobody can notice without wanting to."""


class Side(StrEnum):
    """Which way a value travels: clients write requests and read responses."""

    REQUEST = "request"
    RESPONSE = "response"


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of change. `says` follows a place's name in a sentence, with {was}, {now} and {lost} filled in."""

    id: str
    severity: Severity
    says: str


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something meets the wire.

    path and method: empty for the document itself.   side: empty for the operation as such.   status: of a response.
    media_type: of a body.   event: of a stream.   name: of a parameter or header: "query parameter `limit`".
    """

    path: str = ""
    method: str = ""
    side: Side | Literal[""] = ""
    status: str = ""
    media_type: str = ""
    event: str = ""
    name: str = ""

    @property
    def operation(self) -> str:
        """`POST /api/v1/chat`; empty for the document itself."""
        return f"{self.method.upper()} {self.path}".strip()


@dataclass(frozen=True, slots=True, order=True)
class Anchor:
    """A spot in a schema, by the nearest component around it, so that it has one name wherever it is used.

    component: empty in a schema that stands in a place itself.   steps: fields by name, `[]` for a list's items,
    `*` for fields that are not named.
    """

    component: str = ""
    steps: tuple[str, ...] = ()

    def step(self, *names: str) -> Anchor:
        """The spot further in."""
        return Anchor(self.component, (*self.steps, *names))

    @property
    def parent(self) -> Anchor:
        """The spot around it."""
        return Anchor(self.component, self.steps[:-1])

    def __str__(self) -> str:
        text = self.component
        for step in self.steps:
            text += step if step.startswith("[") or not text else f".{step}"
        return text


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found, before it is known where it matters."""

    rule: str
    anchor: Anchor = field(default_factory=Anchor)
    was: str = ""
    now: str = ""
    lost: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A difference that clients can meet.

    where: the spot and its places, in words.   sentence: where, what was, what is and who breaks.
    anchor: the spot alone; its component is the old document's where that has one.   places: everywhere it is met.
    """

    rule: str
    severity: Severity
    where: str
    sentence: str
    anchor: Anchor = field(default_factory=Anchor)
    places: tuple[Place, ...] = ()
