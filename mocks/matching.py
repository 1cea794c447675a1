"""Which interaction answers a request, and when none does, which came nearest and why.

A matcher compares one field of a request with one interaction: it returns None when they agree, else what differs.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import heapq
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from contracts.cortex import RunRequest, agent_run_path, agent_version_run_path
from mocks.cassette import Cassette, Interaction, Match
from mocks.faults import Plan

NEAREST = 3
"""How many near misses an explanation names."""

MAX_FOLDED_CHARS = 200_000
"""A longer question is compared as it is."""

MAX_QUOTED_CHARS = 300
"""How much of a question an explanation compares and repeats; a question may be megabytes."""

_IDENTIFIER = r'("(?:[^"]|"")+"|[^/"]+)'
STORED_RUN = rf"/api/v2/databases/{_IDENTIFIER}/schemas/{_IDENTIFIER}/agents/{_IDENTIFIER}:run"
"""Path of a stored agent's run, percent-decoded; a quoted name may hold anything."""

VERSIONED_RUN = (
    rf"/api/v2/databases/{_IDENTIFIER}/schemas/{_IDENTIFIER}/agents/{_IDENTIFIER}/versions/{_IDENTIFIER}:run"
)
"""Path of a run of one version: `VERSION$3`, an alias, or FIRST, LAST, DEFAULT, LIVE."""

_AGENT_RUN = re.compile(rf"{STORED_RUN.removesuffix(':run')}(?:/versions/{_IDENTIFIER})?:run")
"""Either, the fourth group a version's."""


@dataclass(frozen=True)
class Asked:
    """What a request asks, reduced to the fields that matchers compare; `path` is percent-decoded."""

    method: str
    path: str
    last_user_text: str | None = None
    parent_message_id: int | None = None
    tool_use_id: str | None = None
    model: str | None = None
    canonical_path: str = field(init=False, default="", compare=False)
    """The path as it is compared."""

    canonical_text: str | None = field(init=False, default=None, compare=False)
    """The question as it is compared."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "canonical_path", canonical_path(self.path))
        if self.last_user_text is not None:
            object.__setattr__(self, "canonical_text", canonical_text(self.last_user_text))

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

    def continuing(self, parent_message_id: int | None) -> Asked:
        """The same question on another message, as cassettes know it."""
        return dataclasses.replace(self, parent_message_id=parent_message_id)

    def of_agent(self) -> Asked:
        """The same question to the agent itself, whatever version was asked."""
        return dataclasses.replace(self, path=agent_of(self.path) or self.path)

    def compared_with(self, interaction: Interaction) -> list[dict[str, Any]]:
        """What the interaction that answers was chosen by: each compared field, with the value asked."""
        fields = ("method", "path", *interaction.request.match.compared)
        return [{"field": name, "value": _clipped(getattr(self, name))} for name in fields]


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
    interaction: Interaction = field(init=False, compare=False)
    """The interaction itself."""

    plan: Plan = field(init=False, compare=False, repr=False)
    """What plays it as it was, with this address beside it; every answer begins with it."""

    def __post_init__(self) -> None:
        interaction = self.cassette.interactions[self.index]
        plan = Plan.of(interaction.response, interaction.frames)
        plan = plan.labelled("x-mock-cassette", quote(self.cassette.name)).labelled(
            "x-mock-interaction", str(self.index)
        )
        object.__setattr__(self, "interaction", interaction)
        object.__setattr__(self, "plan", plan)


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
                {"field": each.field, "expected": each.expected, "found": _clipped(each.found)}
                for each in self.differences
            ],
        }


def canonical_text(text: str) -> str:
    """A question as it is compared: case, white space, Unicode form and closing punctuation do not count.

    One of megabytes stays as it is: nobody records such, and to fold it would hold all other clients up.
    Source: Unicode D145, canonical caseless matching.
    """
    if len(text) > MAX_FOLDED_CHARS:
        return text
    if text.isascii():
        return " ".join(text.lower().split()).rstrip("?!. ")
    folded = unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).casefold())
    return re.sub(r"\s+", " ", folded).strip().rstrip("?!.…？！。 ")


def canonical_path(path: str) -> str:
    """A path as it is compared: in a stored agent's, unquoted names are upper-case, quotes are gone."""
    if (found := _AGENT_RUN.fullmatch(path)) is None:
        return path
    if found[4] is None:
        return agent_run_path(*map(identifier, found.groups()[:3]))
    return agent_version_run_path(*map(identifier, found.groups()))


def agent_of(path: str) -> str | None:
    """The run path of the stored agent that a path runs, of whatever version, as it is compared; None for others."""
    if (found := _AGENT_RUN.fullmatch(path)) is None:
        return None
    return agent_run_path(*map(identifier, found.groups()[:3]))


def identifier(name: str) -> str:
    """A Snowflake identifier as the catalogue stores it: a quoted one as it is, any other upper-case."""
    return name[1:-1].replace('""', '"') if len(name) > 2 and name[0] == name[-1] == '"' else name.upper()


# What cassettes hold is compared with every request; what requests hold is never cached.
_recorded_text = functools.lru_cache(maxsize=4096)(canonical_text)
recorded_path = functools.lru_cache(maxsize=4096)(lambda path: canonical_path(unquote(path)))


Matcher = Callable[[Asked, Interaction], Difference | None]


def _method(asked: Asked, interaction: Interaction) -> Difference | None:
    expected = interaction.request.method
    return None if asked.method == expected else Difference("method", expected, asked.method)


def _path(asked: Asked, interaction: Interaction) -> Difference | None:
    expected = interaction.request.path
    return None if asked.canonical_path == recorded_path(expected) else Difference("path", expected, asked.path)


def _last_user_text(asked: Asked, interaction: Interaction) -> Difference | None:
    expected = interaction.request.match.last_user_text
    if expected is None or asked.canonical_text == _recorded_text(expected):
        return None
    return Difference("last_user_text", expected, asked.last_user_text)


def _exactly(field: str) -> Matcher:
    def matcher(asked: Asked, interaction: Interaction) -> Difference | None:
        expected, found = getattr(interaction.request.match, field), getattr(asked, field)
        return None if expected is None or expected == found else Difference(field, expected, found)

    return matcher


MATCHERS: Mapping[str, Matcher] = {
    **{field: _exactly(field) for field in Match.model_fields},
    "method": _method,
    "path": _path,
    "last_user_text": _last_user_text,
}
"""By field."""


def candidates(cassettes: Iterable[Cassette]) -> Iterator[Candidate]:
    """Every interaction of the cassettes, in order."""
    for cassette in cassettes:
        for index in range(len(cassette.interactions)):
            yield Candidate(cassette, index)


@dataclass(frozen=True, slots=True)
class _Near:
    """A candidate whose method, path and question agree, its position among all, and what is still to be compared."""

    position: int
    candidate: Candidate
    others: tuple[Matcher, ...]

    def agrees(self, asked: Asked) -> bool:
        return not self.others or all(each(asked, self.candidate.interaction) is None for each in self.others)

    @property
    def rank(self) -> tuple[int, int]:
        """The one that compares most fields is the highest, then the first."""
        return _compared_fields(self.candidate), -self.position


class Shelf:
    """Candidates in order, so arranged that asking one question does not mean comparing it with all."""

    def __init__(self, among: Iterable[Candidate]) -> None:
        self._all = tuple(among)
        self._near: dict[tuple[str, str, str | None], list[_Near]] = {}
        for position, candidate in enumerate(self._all):
            asked = candidate.interaction.request
            text = asked.match.last_user_text
            key = asked.method, recorded_path(asked.path), None if text is None else _recorded_text(text)
            others = tuple(MATCHERS[field] for field in asked.match.compared if field != "last_user_text")
            self._near.setdefault(key, []).append(_Near(position, candidate, others))

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self._all)

    def find(self, asked: Asked) -> Candidate | list[NearMiss]:
        """The interaction that answers, or the nearest misses, best first.

        When several agree, the one that compares most fields wins, then the first.
        """
        near = self._near.get((asked.method, asked.canonical_path, None), [])
        if asked.canonical_text is not None:
            near = near + self._near.get((asked.method, asked.canonical_path, asked.canonical_text), [])
        hits = [each for each in near if each.agrees(asked)]
        if not hits:
            return find(asked, self._all)
        return (hits[0] if len(hits) == 1 else max(hits, key=lambda hit: hit.rank)).candidate


def find(asked: Asked, among: Iterable[Candidate]) -> Candidate | list[NearMiss]:
    """As `Shelf.find`, comparing with each of them."""
    hits: list[Candidate] = []
    misses: list[NearMiss] = []
    for candidate in among:
        found = _differences(asked, candidate.interaction)
        if found:
            misses.append(NearMiss(candidate, found))
        else:
            hits.append(candidate)
    if hits:
        return max(hits, key=_compared_fields)
    return heapq.nsmallest(NEAREST, misses, key=_distance)


def _differences(asked: Asked, interaction: Interaction) -> tuple[Difference, ...]:
    fields = ("method", "path", *interaction.request.match.compared)
    return tuple([found for field in fields if (found := MATCHERS[field](asked, interaction)) is not None])


def _compared_fields(hit: Candidate) -> int:
    return len(hit.interaction.request.match.compared)


def _distance(miss: NearMiss) -> tuple[int, float]:
    """Fewer differing fields are nearer; among equals, the question that reads most alike."""
    if miss.candidate.interaction.request.match.last_user_text is None:
        return len(miss.differences), 0.0
    text = next((each for each in miss.differences if each.field == "last_user_text"), None)
    return len(miss.differences), -1.0 if text is None else -_likeness(text.expected, text.found or "")


def _likeness(expected: str, found: str) -> float:
    pair = canonical_text(expected[:MAX_QUOTED_CHARS]), canonical_text(found[:MAX_QUOTED_CHARS])
    return difflib.SequenceMatcher(None, *pair).ratio()


def _clipped(value: Any) -> Any:
    long = isinstance(value, str) and len(value) > MAX_QUOTED_CHARS
    return value[:MAX_QUOTED_CHARS] + "…" if long else value
