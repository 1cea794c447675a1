"""Pact files: what a consumer relies on, read, written in one canonical form, and compared.

Pact's own writer puts the versions of its libraries into a file and keeps the order of arrival, so that a file changes
without a change of the contract. `save` leaves out the first and sorts the second: what differs then is a promise.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import JsonValue

from contracts.cortex import EVENT_STREAM

# Pact's library tells its makers of every run, unless this is set before; our suites talk to nobody outside.
os.environ.setdefault("PACT_DO_NOT_TRACK", "true")

NAMESPACE = "cortex-harness"
"""Of our part of a pact's metadata."""

SHOWN_LINES = 40
"""So much of a difference is shown in an error."""

KINDS: Mapping[str, Literal["http", "message"]] = {
    "Synchronous/HTTP": "http",
    "Asynchronous/Messages": "message",
}
"""The types of interactions that our pacts have."""


class PactFileError(ValueError):
    """A file that is no pact of ours; the message says where and why."""


@dataclass(frozen=True, slots=True)
class State:
    """What the provider is brought into before an interaction: a scenario's name, and the client's preconditions."""

    name: str
    params: Mapping[str, JsonValue]

    def __str__(self) -> str:
        told = ", ".join(f"{name}={json.dumps(value)}" for name, value in self.params.items())
        return f"{self.name} ({told})" if told else self.name


@dataclass(frozen=True, slots=True)
class Interaction:
    """One exchange or one message. document: as it stands in the file."""

    description: str
    states: tuple[State, ...]
    kind: Literal["http", "message"]
    document: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.description!r} [{'; '.join(map(str, self.states)) or 'no state'}]"

    @property
    def is_stream(self) -> bool:
        """Whether the answer is an event stream."""
        headers = self.document.get("response", {}).get("headers", {})
        named = [values for name, values in headers.items() if name.lower() == "content-type"]
        return any(value.startswith(EVENT_STREAM) for values in named for value in values)


@dataclass(frozen=True, slots=True)
class PactFile:
    """A pact. sequences: the rule of each stream, by the description of its interaction."""

    path: Path
    consumer: str
    provider: str
    interactions: tuple[Interaction, ...]
    sequences: Mapping[str, dict[str, JsonValue]]

    @classmethod
    def load(cls, path: Path) -> PactFile:
        """The pact in a file.   Raises: PactFileError, OSError."""
        try:
            document = json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise PactFileError(f"{path}: no JSON: {error}") from error
        try:
            return cls(
                path,
                document["consumer"]["name"],
                document["provider"]["name"],
                tuple(_interaction(each) for each in document["interactions"]),
                document.get("metadata", {}).get(NAMESPACE, {}).get("sequences", {}),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise PactFileError(f"{path}: no pact of version 4: {type(error).__name__} {error}") from error
        except PactFileError as error:
            raise PactFileError(f"{path}: {error}") from error

    def states(self) -> frozenset[str]:
        """The names of all states that interactions are in."""
        return frozenset(state.name for each in self.interactions for state in each.states)

    def select(self, wanted: Callable[[Interaction], bool], to: Path) -> PactFile:
        """A pact of some of the interactions only, written to a file."""
        kept = [each for each in self.interactions if wanted(each)]
        names = {each.description for each in kept}
        sequences = {name: rule for name, rule in self.sequences.items() if name in names}
        document = {
            "consumer": {"name": self.consumer},
            "provider": {"name": self.provider},
            "interactions": [each.document for each in kept],
        }
        to.write_text(canonical(document, sequences), "utf-8")
        return PactFile.load(to)


def _interaction(document: Mapping[str, Any]) -> Interaction:
    kind = KINDS.get(document["type"])
    if kind is None:
        known = ", ".join(KINDS)
        raise PactFileError(
            f"interaction {document['description']!r} is of type {document['type']!r}; known are {known}"
        )
    states = tuple(State(each["name"], each.get("params", {})) for each in document.get("providerStates", ()))
    return Interaction(document["description"], states, kind, document)


def canonical(document: Mapping[str, Any], sequences: Mapping[str, Mapping[str, JsonValue]]) -> str:
    """The one text of a pact: sorted, and without the versions of the libraries that wrote it."""
    metadata: dict[str, Any] = {"pactSpecification": {"version": "4.0"}}
    if sequences:
        metadata[NAMESPACE] = {"sequences": sequences}
    clean = {
        "consumer": document["consumer"],
        "provider": document["provider"],
        "interactions": sorted(document["interactions"], key=lambda each: (each["description"], each["type"])),
        "metadata": metadata,
    }
    return json.dumps(clean, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def save(written: Path, committed: Path, *, sequences: Mapping[str, Mapping[str, JsonValue]], write: bool) -> None:
    """The committed pact says what the consumer's tests have written, in canonical form.

    written: as Pact wrote it.   write: whether to put it there; otherwise it is compared.
    Raises: AssertionError naming the interactions and lines that differ.
    """
    text = canonical(json.loads(written.read_text("utf-8")), sequences)
    if write:
        committed.parent.mkdir(parents=True, exist_ok=True)
        committed.write_text(text, "utf-8")
        return
    before = committed.read_text("utf-8") if committed.exists() else ""
    if before != text:
        raise AssertionError(_difference(before, text, committed.name))


def _difference(before: str, after: str, name: str) -> str:
    lines = list(
        difflib.unified_diff(before.splitlines(), after.splitlines(), "committed", "written", lineterm="", n=2)
    )
    changed = "; ".join(_changed(before, after)) or "order"
    more = [f"... and {len(lines) - SHOWN_LINES} lines more"] if len(lines) > SHOWN_LINES else []
    return "\n".join(
        [
            f"{name} is not what the consumer's tests say: {changed}.",
            "If the change is meant: `pytest contracts/consumer --write-pacts`, and commit it.",
            *lines[:SHOWN_LINES],
            *more,
        ]
    )


def _changed(before: str, after: str) -> Iterable[str]:
    old, new = (_by_description(text) for text in (before, after))
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            yield f"{name!r} is new"
        elif name not in new:
            yield f"{name!r} is gone"
        elif old[name] != new[name]:
            yield f"{name!r} differs"


def _by_description(text: str) -> dict[str, Any]:
    document = json.loads(text) if text else {"interactions": [], "metadata": {}}
    found = {each["description"]: each for each in document["interactions"]}
    rules = document["metadata"].get(NAMESPACE, {}).get("sequences", {})
    return found | {f"sequence of {name}": rule for name, rule in rules.items()}
