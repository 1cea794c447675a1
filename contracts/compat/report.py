"""The command: two documents in, their changes by severity, in words or as JSON."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from contracts.compat import words
from contracts.compat.documents import load
from contracts.compat.model import Change, DocumentError, Severity
from contracts.compat.operations import compare
from contracts.compat.rules import RULES

OK, BROKEN, USAGE = 0, 1, 2

HEADINGS = {
    Severity.BREAKING: "Breaking",
    Severity.WARNING: "To look at",
    Severity.INFO: "Harmless",
}


def run(old: str | Path, new: str | Path, *, as_json: bool = False, say: Callable[[str], None] = print) -> int:
    """The exit code: 0 when nothing breaks, 1 when something does, 2 when a document cannot be read.

    old and new: as `load` takes them: files, folders, git revisions.
    """
    try:
        changes = compare(load(old), load(new))
    except DocumentError as error:
        say(json.dumps({"error": str(error)}, ensure_ascii=False) if as_json else f"cannot compare: {error}")
        return USAGE
    say(as_document(changes) if as_json else text(changes))
    return BROKEN if any(each.severity is Severity.BREAKING for each in changes) else OK


def as_document(changes: Sequence[Change]) -> str:
    """The changes as JSON, with every place."""
    counted = Counter(each.severity for each in changes)
    rows = [{**asdict(each), "anchor": str(each.anchor)} for each in changes]
    return json.dumps(
        {"counts": {each: counted[each] for each in Severity}, "changes": rows}, indent=1, ensure_ascii=False
    )


def text(changes: Sequence[Change]) -> str:
    """The changes in words, the worst first, and how many there are."""
    lines = list[str]()
    for severity, heading in HEADINGS.items():
        those = [each for each in changes if each.severity is severity]
        if those:
            lines += [heading, *(f"  - {each}" for each in brief(those)), ""]
    return "\n".join([*lines, summary(changes)])


def brief(changes: Iterable[Change]) -> list[str]:
    """The changes' sentences with their rules; new fields of one object in one sentence."""
    grouped: dict[object, list[Change]] = defaultdict(list)
    for each in changes:
        is_addition = each.rule in {"request-property-added", "response-property-added"}
        grouped[(each.rule, each.anchor.parent, each.places) if is_addition else each].append(each)
    return [
        f"{those[0].sentence if len(those) == 1 else _together(those)} [{those[0].rule}]" for those in grouped.values()
    ]


def _together(additions: Sequence[Change]) -> str:
    one = additions[0]
    names = words.joined(f"`{each.anchor.steps[-1]}`" for each in additions)
    return f"{words.where(one.anchor.parent, one.places)} has {len(additions)} new fields: {names}."


def summary(changes: Sequence[Change]) -> str:
    """How many changes of each kind there are."""
    if not changes:
        return "Nothing changed that a client could meet."
    counted = Counter(each.severity for each in changes)
    told = ", ".join(f"{counted[each]} {heading.lower()}" for each, heading in HEADINGS.items() if counted[each])
    return f"{told}." if counted[Severity.BREAKING] else f"Nothing breaks: {told}."


def overview() -> str:
    """The rules, by severity."""
    lines = list[str]()
    for severity, heading in HEADINGS.items():
        those = [each for each in RULES.values() if each.severity is severity]
        lines += [heading, *(f"  {each.id}: {each.says}" for each in those), ""]
    return "\n".join([*lines, f"{len(RULES)} rules"])
