"""Whether what is recorded now still looks like what is stored: events, fields, order, heads and pace.

Answers of a model differ from one day to the next, so words and lengths are not compared: compared is what a client
relies on. Interactions that answer the same request are laid side by side; shapes are then compared over all
interactions of a route, so that a field which one answer happens not to have is no drift when another one has it.
"""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from mocks.cassette import Cassette, CassetteFormatError, Interaction, ResponseHead, load
from mocks.matching import canonical_text, recorded_path

EXIT_DRIFT = 4

MAX_DEPTH = 40
MAX_QUOTED_CHARS = 60
QUANTILES = (0.5, 0.9)
FEWEST_GAPS = 10
"""Fewer say nothing about a distribution."""

BODY = "body"
"""What a plain answer's fields are listed under."""


class Aspect(StrEnum):
    """In what two recordings differ."""

    INTERACTION = "interaction"
    STATUS = "status"
    HEADER = "header"
    EVENT = "event"
    FIELD = "field"
    ORDER = "order"
    TIMING = "timing"


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference. where: the route.   what: the event, field, header or measure.   stored, fresh: in words."""

    aspect: Aspect
    where: str
    what: str
    stored: str
    fresh: str

    def __str__(self) -> str:
        return f"{self.what}: {self.stored}, now {self.fresh}"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far apart two quantiles of one measure may be: by a factor, and by less than so many milliseconds at all."""

    factor: float = 2.0
    floor_ms: float = 50.0

    def allows(self, stored_ms: float, fresh_ms: float) -> bool:
        """Whether both are near enough."""
        if abs(stored_ms - fresh_ms) <= self.floor_ms:
            return True
        low, high = sorted((stored_ms, fresh_ms))
        return high <= low * self.factor


USUAL = Tolerance()


def compare(stored: Cassette, fresh: Cassette, tolerance: Tolerance = USUAL) -> list[Drift]:
    """Every difference, by route, in the order of `Aspect`.

    Fields are compared by name and JSON type, a field's types only for new ones; order is that in which events first
    appear; timing by quantiles of the first frame's time and of the gaps.
    """
    pairs, single = _paired(stored.interactions, fresh.interactions)
    found = list(single)
    for where, of_route in itertools.groupby(sorted(pairs, key=_where), key=_where):
        both = list(of_route)
        old, new = _Route([pair.stored for pair in both]), _Route([pair.fresh for pair in both])
        found += [drift for compared in _COMPARED for drift in compared(where, old, new)]
        found += _timings(where, old, new, tolerance)
    order = list(Aspect)
    return sorted(found, key=lambda drift: (drift.where, order.index(drift.aspect)))


# --- what belongs together


@dataclass(frozen=True, slots=True)
class _Pair:
    stored: Interaction
    fresh: Interaction


def _where(pair: _Pair) -> str:
    return _route(pair.stored)


def _route(interaction: Interaction) -> str:
    return f"{interaction.request.method} {recorded_path(interaction.request.path).partition('?')[0]}"


def _key(interaction: Interaction) -> tuple[object, ...]:
    """What two recordings of one request have in common. Ids are drawn anew, so a follow-up is known by its words."""
    match = interaction.request.match
    text = None if match.last_user_text is None else canonical_text(match.last_user_text)
    return _route(interaction), text, match.model, match.tool_use_id is not None, match.parent_message_id is not None


def _paired(stored: Iterable[Interaction], fresh: Iterable[Interaction]) -> tuple[list[_Pair], list[Drift]]:
    """Interactions that answer the same request, in order, and those that have no counterpart."""
    waiting: defaultdict[tuple[object, ...], list[Interaction]] = defaultdict(list)
    for each in fresh:
        waiting[_key(each)].append(each)
    pairs, single = [], []
    for each in stored:
        if counterparts := waiting[_key(each)]:
            pairs.append(_Pair(each, counterparts.pop(0)))
        else:
            single.append(Drift(Aspect.INTERACTION, _route(each), _asked(each), "recorded", "not recorded"))
    added = itertools.chain.from_iterable(waiting.values())
    single += [Drift(Aspect.INTERACTION, _route(each), _asked(each), "not recorded", "recorded") for each in added]
    return pairs, single


def _asked(interaction: Interaction) -> str:
    text = interaction.request.match.last_user_text
    if text is None:
        return "request"
    return f"request {text[:MAX_QUOTED_CHARS]!r}"


# --- what a route looks like


class _Missing:
    """The data of a frame that is no JSON."""


Seen = list[tuple[str, object]]
"""Of one interaction: each event's name and data."""


@dataclass(frozen=True)
class _Route:
    """The interactions of a route, as they were at one time."""

    interactions: Sequence[Interaction]

    @cached_property
    def seen(self) -> list[Seen]:
        """What each interaction brought."""
        return [list(_seen(each)) for each in self.interactions]

    @cached_property
    def events(self) -> Counter[str]:
        """How often each event came."""
        return Counter(name for each in self.seen for name, _ in each)

    @cached_property
    def fields(self) -> dict[tuple[str, str], Counter[str]]:
        """By event and field: in how many events it was of which JSON type."""
        fields: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for name, data in itertools.chain.from_iterable(self.seen):
            for path, kind in set(_fields(data)):
                fields[name, path][kind] += 1
        return dict(fields)

    @cached_property
    def firsts(self) -> list[dict[str, int]]:
        """Of each interaction, where each event stands for the first time."""
        return [{name: at for at, (name, _) in reversed(list(enumerate(each)))} for each in self.seen]

    def precede(self, first: str, second: str) -> set[bool]:
        """Whether one event's first appearance comes before the other's, in each interaction that has both."""
        return {each[first] < each[second] for each in self.firsts if first in each and second in each}

    def starts_ms(self) -> list[float]:
        """When each interaction's first frame came."""
        return [each.frames[0].at_ms for each in self.interactions if each.frames]

    def gaps_ms(self) -> list[float]:
        """The times between frames."""
        pairs = itertools.chain.from_iterable(itertools.pairwise(each.frames) for each in self.interactions)
        return [later.at_ms - frame.at_ms for frame, later in pairs]


def _seen(interaction: Interaction) -> Iterator[tuple[str, object]]:
    if not interaction.response.is_event_stream:
        yield BODY, _parsed(interaction.body())
        return
    for frame in interaction.frames:
        if frame.event or frame.payload:  # a comment keeps the line alive and says nothing
            data = _parsed(frame.payload)
            yield _name(frame.event or "message", data), data


def _name(event: str, data: object) -> str:
    """An event's name; with the tool's type where it has one, because its fields depend on it."""
    kind = data.get("type") if isinstance(data, dict) else None
    return f"{event} ({kind})" if isinstance(kind, str) and kind else event


def _parsed(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return _Missing()


def _fields(value: object, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Every field of a document, by its path, with its JSON type; `[]` are a list's items."""
    yield path or "data", _kind(value)
    if depth == MAX_DEPTH:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _fields(inner, f"{path}.{name}" if path else name, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _fields(inner, f"{path}[]", depth + 1)


_KINDS: Mapping[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "no JSON")


# --- comparisons: each takes a route and how it was and is


def _heads(where: str, old: _Route, new: _Route) -> Iterator[Drift]:
    """Status, names of headers, and the content type; a difference of several interactions is told once."""
    told: set[Drift] = set()
    for stored, fresh in zip(old.interactions, new.interactions, strict=True):
        for drift in _head(where, stored.response, fresh.response):
            if drift not in told:
                told.add(drift)
                yield drift


def _head(where: str, stored: ResponseHead, fresh: ResponseHead) -> Iterator[Drift]:
    if stored.status != fresh.status:
        yield Drift(Aspect.STATUS, where, "status", str(stored.status), str(fresh.status))
    before, after = ({name.lower(): value for name, value in head.headers.items()} for head in (stored, fresh))
    for name in sorted(before.keys() - after.keys()):
        yield Drift(Aspect.HEADER, where, f"header {name}", "sent", "missing")
    for name in sorted(after.keys() - before.keys()):
        yield Drift(Aspect.HEADER, where, f"header {name}", "not sent", "sent")
    types = [headers.get("content-type", "") for headers in (before, after)]
    if all(types) and types[0] != types[1]:
        yield Drift(Aspect.HEADER, where, "header content-type", *types)


def _events(where: str, old: _Route, new: _Route) -> Iterator[Drift]:
    for name in sorted(old.events.keys() ^ new.events.keys()):
        stored, fresh = (_times(route.events[name]) for route in (old, new))
        yield Drift(Aspect.EVENT, where, f"event {name}", stored, fresh)


def _times(count: int) -> str:
    return f"came {count} times" if count > 1 else ("came once" if count else "never came")


def _shapes(where: str, old: _Route, new: _Route) -> Iterator[Drift]:
    """Fields of events that both have: new ones, missing ones, and such of a type that they were not of."""
    both = old.events.keys() & new.events.keys()
    told: set[tuple[str, str]] = set()
    for name, path in sorted(old.fields.keys() | new.fields.keys()):
        before, after = (route.fields.get((name, path), Counter()) for route in (old, new))
        if name not in both or (before and after.keys() <= before.keys() and after) or _is_below(path, name, told):
            continue
        told.add((name, path))
        stored, fresh = _presence(before, old.events[name]), _presence(after, new.events[name])
        yield Drift(Aspect.FIELD, where, f"{name}: {path}", stored, fresh)


def _is_below(path: str, name: str, told: set[tuple[str, str]]) -> bool:
    """Whether a field's parent was told of: what it holds came or went with it."""
    return any(name == other and path.startswith((f"{above}.", f"{above}[]")) for other, above in told)


def _presence(kinds: Counter[str], events: int) -> str:
    if not kinds:
        return f"in none of {events}"
    return f"{' or '.join(sorted(kinds))} in {sum(kinds.values())} of {events}"


def _order(where: str, old: _Route, new: _Route) -> Iterator[Drift]:
    """Events that always came first before another one, and do not any more; the one that moved most is told of."""
    both = sorted(old.events.keys() & new.events.keys())
    swapped = {
        (first, second)
        for first, second in itertools.permutations(both, 2)
        if old.precede(first, second) == {True} and False in new.precede(first, second)
    }
    while swapped:
        moves = Counter(itertools.chain.from_iterable(swapped))
        moved = max(sorted(moves), key=lambda name: moves[name])
        behind = sorted(second for first, second in swapped if first == moved)
        ahead = sorted(first for first, second in swapped if second == moved)
        swapped = {pair for pair in swapped if moved not in pair}
        yield Drift(Aspect.ORDER, where, f"event {moved}", _sides(behind, ahead), _sides(ahead, behind))


def _sides(before: Sequence[str], after: Sequence[str]) -> str:
    sides = [f"{side} {', '.join(names)}" for side, names in (("before", before), ("after", after)) if names]
    return " and ".join(sides)


_COMPARED: tuple[Callable[[str, _Route, _Route], Iterator[Drift]], ...] = (_heads, _events, _shapes, _order)


def _timings(where: str, old: _Route, new: _Route, tolerance: Tolerance) -> Iterator[Drift]:
    measures = (
        ("first frame", old.starts_ms(), new.starts_ms(), 1),
        ("gap between frames", old.gaps_ms(), new.gaps_ms(), FEWEST_GAPS),
    )
    for what, before, after, fewest in measures:
        if min(len(before), len(after)) < fewest:
            continue
        for share in QUANTILES:
            stored_ms, fresh_ms = quantile(before, share), quantile(after, share)
            if not tolerance.allows(stored_ms, fresh_ms):
                words = f"{stored_ms:.0f} ms", f"{fresh_ms:.0f} ms"
                yield Drift(Aspect.TIMING, where, f"{what}, {share:.0%} quantile", *words)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that this share of the values does not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


# --- the command


def run(
    stored: Path, fresh: Path, *, say: Callable[[str], None], tolerance: Tolerance = USUAL, as_json: bool = False
) -> int:
    """Compare two cassettes, or two folders of them, and say how they differ; 0, or 4 when they do.

    Raises: CassetteError; OSError.
    """
    found = {name: compare(before, after, tolerance) for name, before, after in _tapes(stored, fresh)}
    if as_json:
        say(json.dumps({name: [asdict(drift) for drift in drifts] for name, drifts in found.items()}, indent=2))
    else:
        say("\n\n".join(report(name, drifts) for name, drifts in found.items()))
    return EXIT_DRIFT if any(found.values()) else 0


def report(name: str, drifts: Sequence[Drift]) -> str:
    """The differences of one cassette for people, by route and aspect."""
    if not drifts:
        return f"{name}: no drift"
    lines = [f"{name}: {len(drifts)} {'difference' if len(drifts) == 1 else 'differences'}"]
    for where, of_route in itertools.groupby(drifts, key=lambda drift: drift.where):
        lines.append(f"  {where}")
        lines += [f"    {drift.aspect:<11}  {drift}" for drift in of_route]
    return "\n".join(lines)


def _tapes(stored: Path, fresh: Path) -> list[tuple[str, Cassette, Cassette]]:
    """What is to be compared with what: two files, or the files that two folders have by the same name."""
    if not stored.is_dir() and not fresh.is_dir():
        return [(str(stored), load(stored), load(fresh))]
    if not (stored.is_dir() and fresh.is_dir()):
        raise CassetteFormatError(f"{stored} and {fresh}: one is a folder and the other is not; name two of a kind")
    names = sorted(path.relative_to(fresh) for path in fresh.rglob("*.jsonl"))
    if not names:
        raise CassetteFormatError(f"{fresh}: no cassette found")
    for name in names:
        if not (stored / name).exists():
            raise CassetteFormatError(f"{stored / name}: not found; {fresh / name} has nothing to be compared with")
    return [(name.as_posix(), load(stored / name), load(fresh / name)) for name in names]
