"""The event-sequence rule: what a consumer may rely on in a whole stream of events, as a document and as a checker.

Pact sees an event stream as one string, and each event as a message that stands alone. What lies between, that is
which events come, in which order, how often and how they fit together, is said by a rule. It is plain JSON, it stands
in the pact's metadata under `cortex-harness` / `sequences` / description of the stream's interaction, and a checker in
any language needs nothing but this page:

    {
      "sequence": 1,                                   the version of this grammar
      "events": {                                      every event that the rule knows, by name
        "proxy.start": {"times": [1, 1],               least and most occurrences, null for no upper bound;
                                                       [0, null] when left out
                        "data": {...}}                 JSON Schema (2020-12) of its payload; anything when left out
      },
      "unknown": "allowed",                            or "refused": events that the rule does not know
      "first": "proxy.start", "last": "proxy.end",     the first and the last event of all, unknown ones included
      "order": [["response", "done", "proxy.end"]],    chains: no event after one that stands later in its chain
      "joins": [{"parts": "response.text.delta", "whole": "response.text", "text": "text",
                 "by": "content_index",                parts and whole of one text have the same value here
                 "every": true}],                      whether all parts must get their whole; true when left out
      "pairs": [{"opens": "response.tool_use", "closes": "response.tool_result",
                 "by": "tool_use_id",                  each close has one earlier open of the same value here
                 "every": true}],                      whether all opens must get their close; true when left out
      "same": [[["proxy.start", "turnId"], ["proxy.end", "turnId"]]],
                                                       fields that have one value wherever they occur
      "tally": [{"event": "proxy.end", "field": "events", "without": ["proxy.start", "proxy.end"]}],
                                                       the field counts all events of the stream but those
      "when": [{"event": "proxy.end", "data": {...},   once an event of this name has such a payload (JSON Schema),
                "needs": ["response"],                 these must have come
                "forbids": ["error"]}]                 and these must not
    }

A payload is the event's data parsed as JSON; data that is no JSON (`[DONE]`) is its text. `joins` is the promise of
concatenation: the `text` of the parts, put together in order of arrival, equals the `text` of the whole, which follows
them. Field names in `joins`, `pairs`, `same` and `tally` name members of the payload itself, not of objects inside it.
Comments of the stream (heartbeats) are no events. A rule names only events that it declares; anything else is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from jsonschema import Draft202012Validator, SchemaError, ValidationError
from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic import ValidationError as ModelError

Events = Sequence[tuple[str, JsonValue]]
"""A stream, read: names and payloads in order of arrival."""

SHOWN_CHARS = 80
"""So much of a value that came is shown in a fault."""


class RuleError(ValueError):
    """A document that is no rule; the message says where and why."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


Name = Annotated[str, Field(min_length=1)]
Schema = dict[str, JsonValue]
Count = Annotated[int, Field(ge=0)]


class Promise(_Part):
    """What is promised of the events of one name: how often they come, at least and at most, and their payload."""

    times: Annotated[list[Count | None], Field(min_length=2, max_length=2)] = [0, None]
    data: Schema = Field(default_factory=dict)

    @property
    def least(self) -> int:
        """The fewest occurrences."""
        return self.times[0] or 0

    @property
    def most(self) -> int | None:
        """The most occurrences, None for no bound."""
        return self.times[1]


class Join(_Part):
    """Parts of a text that make up its whole."""

    parts: Name
    whole: Name
    text: Name
    by: Name
    every: bool = True


class Pair(_Part):
    """Events that belong together by a value: an opening one and, later, a closing one."""

    opens: Name
    closes: Name
    by: Name
    every: bool = True


class Tally(_Part):
    """A field that counts the events of its stream."""

    event: Name
    field: Name
    without: list[Name] = Field(default_factory=list)


class When(_Part):
    """What follows from an event of such a payload for the whole stream."""

    event: Name
    data: Schema = Field(default_factory=dict)
    needs: list[Name] = Field(default_factory=list)
    forbids: list[Name] = Field(default_factory=list)


class Rule(_Part):
    """An event-sequence rule; the module's page is its grammar."""

    sequence: Literal[1] = 1
    events: Annotated[dict[Name, Promise], Field(min_length=1)]
    unknown: Literal["allowed", "refused"] = "allowed"
    first: Name | None = None
    last: Name | None = None
    order: list[Annotated[list[Name], Field(min_length=2)]] = Field(default_factory=list)
    joins: list[Join] = Field(default_factory=list)
    pairs: list[Pair] = Field(default_factory=list)
    same: list[list[Annotated[list[Name], Field(min_length=2, max_length=2)]]] = Field(default_factory=list)
    tally: list[Tally] = Field(default_factory=list)
    when: list[When] = Field(default_factory=list)

    @classmethod
    def from_document(cls, document: object) -> Self:
        """The rule that a document holds.   Raises: RuleError saying what is wrong with it, and where."""
        try:
            return cls.model_validate(document)
        except ModelError as error:
            first = error.errors()[0]
            where = "/".join(str(each) for each in first["loc"]) or "the rule"
            raise RuleError(f"{where}: {first['msg']}") from error

    def to_document(self) -> dict[str, Any]:
        """The rule as its document, without what would be assumed anyway."""
        return {"sequence": self.sequence, **self.model_dump(mode="json", exclude_defaults=True)}

    def check(self, events: Events) -> list[str]:
        """What the stream breaks, a sentence each: where, what was promised, what came. Empty when it keeps it all."""
        return [fault for clause in _CLAUSES for fault in clause(self, events)]

    @model_validator(mode="after")
    def _names_what_it_declares(self) -> Self:
        for place, name in self._named():
            if name not in self.events:
                raise ValueError(f"{place} names {name!r}, which is not among the events: {', '.join(self.events)}")
        return self

    @model_validator(mode="after")
    def _holds_schemas_and_bounds(self) -> Self:
        for name, promise in self.events.items():
            if promise.times[0] is None or (promise.most is not None and promise.most < promise.least):
                raise ValueError(f"events/{name}/times: {promise.times} is no pair of a least and a most number")
            _check_schema(f"events/{name}/data", promise.data)
        for index, clause in enumerate(self.when):
            _check_schema(f"when/{index}/data", clause.data)
        return self

    def _named(self) -> Iterator[tuple[str, str]]:
        """Every event name in use, with its place."""
        yield from ((place, name) for place, name in (("first", self.first), ("last", self.last)) if name is not None)
        yield from (("order", name) for chain in self.order for name in chain)
        yield from (("joins", name) for join in self.joins for name in (join.parts, join.whole))
        yield from (("pairs", name) for pair in self.pairs for name in (pair.opens, pair.closes))
        yield from (("same", name) for group in self.same for name, _ in group)
        yield from (("tally", name) for tally in self.tally for name in (tally.event, *tally.without))
        yield from (("when", name) for each in self.when for name in (each.event, *each.needs, *each.forbids))

    @cached_property
    def _validators(self) -> dict[str, Draft202012Validator]:
        return {name: Draft202012Validator(promise.data) for name, promise in self.events.items()}


def _check_schema(place: str, schema: Schema) -> None:
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"{place} is no JSON Schema: {error.message}") from error


# --- the clauses: each yields the faults of one kind ---------------------------------------------------------------


def _unknown(rule: Rule, events: Events) -> Iterator[str]:
    if rule.unknown == "allowed":
        return
    for place, (name, _) in enumerate(events, 1):
        if name not in rule.events:
            yield f"{_at(place, name)}: promised no other event than {', '.join(rule.events)}, came {name}"


def _times(rule: Rule, events: Events) -> Iterator[str]:
    came = Counter(name for name, _ in events)
    for name, promise in rule.events.items():
        count = came[name]
        if count < promise.least or (promise.most is not None and count > promise.most):
            yield f"{name}: promised {_bounds(promise)}, came {_often(count)}"


def _ends(rule: Rule, events: Events) -> Iterator[str]:
    for which, name, index in (("first", rule.first, 0), ("last", rule.last, -1)):
        found = events[index][0] if events else "no event at all"
        if name is not None and found != name:
            yield f"the {which} event: promised {name}, came {found}"


def _order(rule: Rule, events: Events) -> Iterator[str]:
    for chain in rule.order:
        latest, seen_at = -1, 0
        for place, (name, _) in enumerate(events, 1):
            rank = chain.index(name) if name in chain else -1
            if 0 <= rank < latest:
                later = chain[latest]
                yield f"{_at(place, name)}: promised before {later}, came after it ({_at(seen_at, later)})"
            elif rank > latest:
                latest, seen_at = rank, place


def _payloads(rule: Rule, events: Events) -> Iterator[str]:
    for place, (name, data) in enumerate(events, 1):
        validator = rule._validators.get(name)
        if validator is not None:
            yield from (f"{_at(place, name)}: {_said(error)}" for error in validator.iter_errors(data))


def _joins(rule: Rule, events: Events) -> Iterator[str]:
    for join in rule.joins:
        open_parts: dict[str, tuple[int, str]] = {}
        closed: dict[str, int] = {}
        for place, (name, data) in enumerate(events, 1):
            key, text = _key(data, join.by), _text(data, join.text)
            if name == join.parts:
                if key in closed:
                    yield f"{_at(place, name)}: promised before its {_at(closed[key], join.whole)}, came after it"
                began, so_far = open_parts.get(key, (place, ""))
                open_parts[key] = began, so_far + text
            elif name == join.whole:
                _, joined = open_parts.pop(key, (place, ""))
                closed[key] = place
                if joined != text:
                    yield (
                        f"{_at(place, name)}: promised the {join.parts} before it, joined: {_shown(joined)}; "
                        f"came {_shown(text)}"
                    )
        if join.every:
            for began, _ in open_parts.values():
                yield f"{_at(began, join.parts)}: promised a {join.whole} with the same {join.by} after it, came none"


def _pairs(rule: Rule, events: Events) -> Iterator[str]:
    for pair in rule.pairs:
        opened: dict[str, int] = {}
        closed: dict[str, int] = {}
        for place, (name, data) in enumerate(events, 1):
            key = _key(data, pair.by)
            if name == pair.opens:
                opened[key] = place
            elif name == pair.closes:
                if key not in opened:
                    yield f"{_at(place, name)}: promised a {pair.opens} with {pair.by} {key} before it, came none"
                elif key in closed:
                    before = _at(closed[key], name)
                    yield f"{_at(place, name)}: promised one for {pair.by} {key}, came another ({before})"
                closed[key] = place
        if pair.every:
            for key in opened.keys() - closed.keys():
                yield (
                    f"{_at(opened[key], pair.opens)}: promised a {pair.closes} with {pair.by} {key} after it, came none"
                )


def _same(rule: Rule, events: Events) -> Iterator[str]:
    for group in rule.same:
        wanted: tuple[str, str] | None = None
        for place, (name, data) in enumerate(events, 1):
            for field in (field for event, field in group if event == name):
                found = _key(data, field)
                if wanted is None:
                    wanted = found, f"{field} of {_at(place, name)}"
                elif found != wanted[0]:
                    yield f"{_at(place, name)}: promised {field} as {wanted[1]}: {wanted[0]}, came {found}"


def _tally(rule: Rule, events: Events) -> Iterator[str]:
    for tally in rule.tally:
        count = sum(1 for name, _ in events if name not in tally.without)
        for place, (name, data) in enumerate(events, 1):
            found = data.get(tally.field) if isinstance(data, dict) else None
            if name == tally.event and found != count:
                yield (
                    f"{_at(place, name)}: promised as many events as {tally.field} says, {_shown(found)}; "
                    f"came {count}, not counting {', '.join(tally.without) or 'none'}"
                )


def _when(rule: Rule, events: Events) -> Iterator[str]:
    names = {name for name, _ in events}
    for clause in rule.when:
        wanted = Draft202012Validator(clause.data)
        for place, (name, data) in enumerate(events, 1):
            if name != clause.event or not wanted.is_valid(data):
                continue
            because = f"{_at(place, name)} is {_shown(data)}"
            yield from (f"{each}: promised, as {because}; came none" for each in clause.needs if each not in names)
            yield from (f"{each}: promised never, as {because}; came" for each in clause.forbids if each in names)


_CLAUSES: tuple[Callable[[Rule, Events], Iterator[str]], ...] = (
    _unknown,
    _times,
    _ends,
    _order,
    _payloads,
    _joins,
    _pairs,
    _same,
    _tally,
    _when,
)


# --- words -----------------------------------------------------------------------------------------------------------


def _at(place: int, name: str) -> str:
    return f"event {place}, {name}"


def _often(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _bounds(promise: Promise) -> str:
    if promise.most == promise.least:
        return f"exactly {_often(promise.least)}" if promise.least else "never"
    at_least = f"at least {_often(promise.least)}" if promise.least else ""
    at_most = f"at most {_often(promise.most)}" if promise.most is not None else ""
    return " and ".join(each for each in (at_least, at_most) if each)


def _said(error: ValidationError) -> str:
    """A fault of a payload in words."""
    where = "".join(f"/{each}" for each in error.absolute_path)
    found = _shown(error.instance)
    if error.validator == "required" and isinstance(error.instance, Mapping):
        missing = [name for name in error.schema["required"] if name not in error.instance]
        named = next((name for name in missing if error.message.startswith(repr(name))), missing[0])
        return f"promised the field {where}/{named}, came {found}"
    if error.validator == "type":
        return f"promised {where or 'data'} of type {error.validator_value}, came {found}"
    if error.validator in ("const", "enum"):
        return f"promised {where or 'data'} to be {_shown(error.validator_value)}, came {found}"
    return f"promised {where or 'data'} by {error.validator} {_shown(error.validator_value)}, came {found}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}..."


def _key(data: JsonValue, field: str) -> str:
    """The value of a field, in a form that compares: 1 and "1" differ, and a missing one is a value of its own."""
    return repr(data[field]) if isinstance(data, dict) and field in data else "(none)"


def _text(data: JsonValue, field: str) -> str:
    value = data.get(field) if isinstance(data, dict) else None
    return value if isinstance(value, str) else ""
