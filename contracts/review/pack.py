"""The review pack: every change with whom it concerns and what it looks like; the events; the pacts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts import release
from contracts.compat import Change, Document, Place, Severity, compare, words
from contracts.compat.report import brief, summary
from contracts.compat.shapes import canonical
from contracts.pactfile import PactFile
from contracts.review.examples import Lines, shown
from contracts.review.sources import Sources
from contracts.review.usage import SENDS, Use, concerned, elsewhere, streams, uses

GONE, NEW, CHANGED, SAME = "gone", "new", "changed", "same"
PROBLEMS = "problems, of any operation"


@dataclass(frozen=True, slots=True)
class Users:
    """The interactions of one consumer that a change concerns, and what it does there."""

    consumer: str
    does: str
    interactions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A change, whom it concerns, and an example's difference."""

    change: Change
    users: tuple[Users, ...] = ()
    lines: Lines = ()


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a stream: whether it is gone, new, changed or the same, and who knows it."""

    stream: str
    name: str
    state: str
    consumers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PactChange:
    """An interaction or a sequence rule that differs. about: in what."""

    pair: str
    name: str
    state: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """What a consumer sends to an operation and reads of it, and in how many interactions."""

    consumer: str
    operation: str
    sends: tuple[str, ...]
    reads: tuple[str, ...]
    interactions: int


@dataclass(frozen=True, slots=True)
class Pack:
    """Everything that a review shows.

    harmless: sentences, some of several changes.   lines: what the changelog lacks.
    """

    before: str
    after: str
    summary: str
    breaking: tuple[Reviewed, ...]
    warnings: tuple[Reviewed, ...]
    harmless: tuple[str, ...]
    harmless_changes: int
    events: tuple[Event, ...]
    pacts: tuple[PactChange, ...]
    pacts_are_known: bool
    consumers: tuple[Row, ...]
    version_fault: str
    lines: tuple[str, ...]
    commits: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether neither document nor pacts changed."""
        return not (self.breaking or self.warnings or self.harmless or self.pacts)

    @property
    def nothing(self) -> str:
        """What to say of an empty pack."""
        if self.pacts_are_known:
            return "Neither the document, as far as clients can meet it, nor a pact."
        return f"The document is as it was, as far as clients can meet it; of {self.before} no pacts are known."


def make(sources: Sources) -> Pack:
    """The pack of both states."""
    old, new = sources.before, sources.after
    changes = compare(old.document, new.document)
    pacts = {each.path.name: each for each in (*(old.pacts or ()), *(new.pacts or ()))}
    used = uses(old.document, pacts.values())
    told = {severity: [each for each in changes if each.severity is severity] for severity in Severity}
    reviewed = {
        severity: tuple(_reviewed(each, used, old.document, new.document) for each in those)
        for severity, those in told.items()
    }
    return Pack(
        before=old.name,
        after=new.name,
        summary=summary(changes),
        breaking=tuple(sorted(reviewed[Severity.BREAKING], key=lambda each: not each.users)),
        warnings=reviewed[Severity.WARNING],
        harmless=tuple(brief(told[Severity.INFO])),
        harmless_changes=len(told[Severity.INFO]),
        events=tuple(_events(old.document, new.document, changes, used)),
        pacts=tuple(_pact_changes(old.pacts or (), new.pacts or ())) if old.pacts is not None else (),
        pacts_are_known=old.pacts is not None,
        consumers=tuple(_consumers((*uses(new.document, new.pacts or ()), *elsewhere(new.document, new.pacts or ())))),
        version_fault=release.version_fault(old.document, new.document, told[Severity.BREAKING]),
        lines=tuple(release.missing_lines(new.document, sources.changelog, told[Severity.BREAKING])),
        commits=sources.commits,
    )


def _reviewed(change: Change, used: Sequence[Use], old: Document, new: Document) -> Reviewed:
    grouped: dict[tuple[str, str], list[str]] = defaultdict(list)
    for use in concerned(change, used):
        grouped[use.consumer, use.does].append(use.interaction)
    users = tuple(Users(*key, tuple(those)) for key, those in grouped.items())
    return Reviewed(change, users, shown(change, old, new))


# --- events ----------------------------------------------------------------------------------------------------------


def _events(old: Document, new: Document, changes: Sequence[Change], used: Sequence[Use]) -> Iterator[Event]:
    before, after = streams(old), streams(new)
    changed = {(place.operation, place.event) for each in changes for place in each.places if place.event}
    for stream in dict.fromkeys([*before, *after]):
        names = dict.fromkeys([*before.get(stream, ()), *after.get(stream, ())])
        for name in names:
            if name not in after.get(stream, ()):
                state = GONE
            elif name not in before.get(stream, ()):
                state = NEW
            else:
                state = CHANGED if (stream, name) in changed else SAME
            known = [use.consumer for use in used if (use.place.operation, use.place.event) == (stream, name)]
            yield Event(stream, name, state, tuple(dict.fromkeys(known)))


# --- pacts -----------------------------------------------------------------------------------------------------------


def _pact_changes(old: Iterable[PactFile], new: Iterable[PactFile]) -> Iterator[PactChange]:
    before, after = ({(each.consumer, each.provider): each for each in those} for those in (old, new))
    for key in dict.fromkeys([*before, *after]):
        pair = f"{key[0]} and {key[1]}"
        those, these = (_promises(each) if each else {} for each in (before.get(key), after.get(key)))
        for name in sorted(those.keys() | these.keys()):
            if name not in these:
                yield PactChange(pair, name, GONE)
            elif name not in those:
                yield PactChange(pair, name, NEW)
            elif canonical(those[name]) != canonical(these[name]):
                yield PactChange(pair, name, CHANGED, words.joined(_differences(those[name], these[name])))


def _promises(pact: PactFile) -> dict[str, Mapping[str, Any]]:
    rules = {f"sequence of {name}": rule for name, rule in pact.sequences.items()}
    return {each.description: each.document for each in pact.interactions} | rules


def _differences(old: Any, new: Any, path: str = "") -> list[str]:
    """The innermost spots in which two promises differ."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return [f"`{path}`"]
    found = list[str]()
    for name in sorted(old.keys() | new.keys()):
        inner = f"{path}.{name}".lstrip(".")
        if name not in new:
            found.append(f"`{inner}` is gone")
        elif name not in old:
            found.append(f"`{inner}` is new")
        elif canonical(old[name]) != canonical(new[name]):
            found += _differences(old[name], new[name], inner)
    return found


# --- consumers -------------------------------------------------------------------------------------------------------


def _consumers(used: Iterable[Use]) -> Iterator[Row]:
    grouped: dict[tuple[str, str], list[Use]] = defaultdict(list)
    for use in used:
        grouped[use.consumer, _where(use.place)].append(use)
    for (consumer, where), those in sorted(grouped.items()):
        sends, reads = (_paths(use for use in those if (use.does == SENDS) is is_sent) for is_sent in (True, False))
        yield Row(consumer, where, sends, reads, len({use.interaction for use in those}))


def _where(place: Place) -> str:
    if place.event:
        return f"{place.operation}, event {place.event}"
    return PROBLEMS if place.status >= "400" else place.operation


def _paths(used: Iterable[Use]) -> tuple[str, ...]:
    """The innermost fields: who reads `turns[].answer` reads `turns`."""
    paths = {use.path for use in used} - {"", "event", "data"}
    outer = {each for each in paths for other in paths if other.startswith((f"{each}.", f"{each}["))}
    return tuple(sorted(paths - outer))
