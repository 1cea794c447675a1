"""Which interaction answers a request, and when none does, which came nearest and why.

A matcher compares one field of a request with one interaction: it returns None when they agree, else what differs.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from contracts.cortex import RunRequest
from mocks.cassette import Cassette, Interaction, Match

NEAREST = 3
"""How many near misses an explanation names."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks, reduced to the fields that matchers compare."""

    method: str
    path: str
    last_user_text: str | None = None
    parent_message_id: int | None = None
    tool_use_id: str | None = None
    model: str | None = None

    @classmethod
    def of_run(cls, method: str, path: str, run: RunRequest) -> Asked:
        """The question that a run request asks."""
        answered = run.answered_tool_use_id()
        return cls(
            method=method,
            path=path,
            last_user_text=None if answered else run.last_user_text(),
            parent_message_id=run.parent_message_id,
            tool_use_id=answered,
            model=run.model,
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """One field in which a request and an interaction differ."""

    field: str
    expected: Any
    found: Any


@dataclass(frozen=True, slots=True)
class Candidate:
    """An interaction with its address: cassette name and index within it."""

    cassette: Cassette
    index: int

    @property
    def interaction(self) -> Interaction:
        """The interaction itself."""
        return self.cassette.interactions[self.index]


@dataclass(frozen=True, slots=True)
class NearMiss:
    """An interaction that did not answer, and every field that kept it from answering."""

    candidate: Candidate
    differences: tuple[Difference, ...]

    def as_json(self) -> dict[str, Any]:
        """For the body of a 404 and the journal."""
        return {
            "cassette": self.candidate.cassette.name,
            "interaction": self.candidate.index,
            "differences": [
                {"field": each.field, "expected": each.expected, "found": each.found} for each in self.differences
            ],
        }


def canonical_text(text: str) -> str:
    """A question as it is compared: case, white space, Unicode form and closing punctuation do not count."""
    folded = unicodedata.normalize("NFC", text).casefold()
    return re.sub(r"\s+", " ", folded).strip().rstrip("?!. ")


def _method(asked: Asked, interaction: Interaction) -> Difference | None:
    expected = interaction.request.method
    return None if asked.method == expected else Difference("method", expected, asked.method)


def _path(asked: Asked, interaction: Interaction) -> Difference | None:
    expected = interaction.request.path
    return None if asked.path == expected else Difference("path", expected, asked.path)


def _last_user_text(asked: Asked, interaction: Interaction) -> Difference | None:
    expected, found = interaction.request.match.last_user_text, asked.last_user_text
    if expected is None or (found is not None and canonical_text(found) == canonical_text(expected)):
        return None
    return Difference("last_user_text", expected, found)


def _exactly(field: str) -> Callable[[Asked, Interaction], Difference | None]:
    def matcher(asked: Asked, interaction: Interaction) -> Difference | None:
        expected, found = getattr(interaction.request.match, field), getattr(asked, field)
        return None if expected is None or expected == found else Difference(field, expected, found)

    return matcher


MATCHERS: tuple[Callable[[Asked, Interaction], Difference | None], ...] = (
    _method,
    _path,
    _last_user_text,
    *(_exactly(field) for field in Match.model_fields if field != "last_user_text"),
)


def candidates(cassettes: Iterable[Cassette]) -> Iterator[Candidate]:
    """Every interaction of the cassettes, in order."""
    for cassette in cassettes:
        for index in range(len(cassette.interactions)):
            yield Candidate(cassette, index)


def find(asked: Asked, among: Iterable[Candidate]) -> Candidate | list[NearMiss]:
    """The interaction that answers, or the nearest misses, best first.

    When several agree, the one that compares most fields wins, then the first.
    """
    hits: list[Candidate] = []
    misses: list[NearMiss] = []
    for candidate in among:
        found = tuple(d for matcher in MATCHERS if (d := matcher(asked, candidate.interaction)) is not None)
        if found:
            misses.append(NearMiss(candidate, found))
        else:
            hits.append(candidate)
    if hits:
        return max(hits, key=lambda hit: len(hit.interaction.request.match.model_fields_set))
    return sorted(misses, key=_distance)[:NEAREST]


def _distance(miss: NearMiss) -> tuple[int, float]:
    """Fewer differing fields are nearer; among equals, the question that reads most alike."""
    text = next((d for d in miss.differences if d.field == "last_user_text"), None)
    if text is None or text.found is None:
        return len(miss.differences), 0.0
    alike = difflib.SequenceMatcher(None, canonical_text(text.expected), canonical_text(text.found)).ratio()
    return len(miss.differences), -alike
