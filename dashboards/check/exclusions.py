"""Exceptions, each with its reason: files named `.lint`, for the documents of their folder and below.

exclusions:
  rule/dependency:
    reason: why the rule is wrong here
    entries:            # without entries, all of the rule's faults
      - rule: slo:*     # any of file, dashboard, panel, target, rule, with * for any text
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any

from dashboards.check.model import SEPARATOR, Fault, at, mapping

_KEYS = ("file", "dashboard", "panel", "target", "rule")


@dataclass(slots=True)
class _Exclusion:
    """One rule's exception, or one entry of it."""

    where: str
    folder: PurePosixPath
    rule: str
    entry: Mapping[str, Any]
    used: bool = field(default=False)

    def covers(self, fault: Fault) -> bool:
        path = PurePosixPath(fault.file)
        if fault.rule != self.rule or self.folder not in path.parents:
            return False
        return all(fnmatchcase(_part(fault, key), str(wanted)) for key, wanted in self.entry.items())


def _part(fault: Fault, key: str) -> str:
    """The part of a fault's place that an entry's key is about."""
    address, _, letter = fault.place.partition(SEPARATOR)
    board, _, panel = address.rpartition("/")
    parts = {"file": PurePosixPath(fault.file).name, "dashboard": board or PurePosixPath(fault.file).stem}
    return {**parts, "panel": panel, "target": letter, "rule": address}[key]


def apply(
    found: Iterable[Fault], exclusions: Mapping[str, Any], rules: frozenset[str], *, is_whole: bool = True
) -> list[Fault]:
    """The faults that no exception covers, and those of the exceptions themselves.

    exclusions: the parsed files by path.   rules: the names there are.
    """
    wrong, those = list[Fault](), list[_Exclusion]()
    for path, document in exclusions.items():
        read, bad = _read(path, document, rules)
        those += read
        wrong += bad
    left = list[Fault]()
    for fault in found:
        covering = [each for each in those if each.covers(fault)]
        for each in covering:
            each.used = True
        if not covering:
            left.append(fault)
    unused = [
        Fault(
            "exclusions/unused",
            each.where,
            f"an exception that covers nothing: {dict(each.entry) or 'all'}",
            "remove it",
        )
        for each in those
        if is_whole and not each.used
    ]
    return [*left, *wrong, *unused]


def _read(path: str, document: object, rules: frozenset[str]) -> tuple[list[_Exclusion], list[Fault]]:
    those, wrong = list[_Exclusion](), list[Fault]()
    raw = mapping(document)
    folder = PurePosixPath(path).parent
    wrong += [
        Fault("exclusions/form", at(path), f"{key} is no key of this file", "write exclusions: alone")
        for key in raw
        if key != "exclusions"
    ]
    for rule, one in mapping(raw.get("exclusions")).items():
        where, body = at(path, rule), mapping(one)
        entries = body.get("entries", [{}])
        if rule not in rules:
            wrong.append(Fault("exclusions/form", where, "no rule has this name", "name one that --rules lists"))
        elif not str(body.get("reason") or "").strip():
            wrong.append(Fault("exclusions/reason", where, "no reason", "say why the rule is wrong here"))
        elif bad := _misformed(body, entries):
            wrong.append(Fault("exclusions/form", where, bad, f"an entry has any of {', '.join(_KEYS)}"))
        else:
            those += [_Exclusion(where, folder, str(rule), mapping(entry)) for entry in entries]
    return those, wrong


def _misformed(body: Mapping[str, Any], entries: object) -> str:
    """What is wrong with the form of one exception; empty when nothing is."""
    if unknown := sorted(set(body) - {"reason", "entries"}):
        return f"{', '.join(unknown)} is no key of an exception"
    if not isinstance(entries, list) or not entries or not all(isinstance(each, Mapping) for each in entries):
        return "entries is no list of mappings"
    unknown = sorted({str(key) for each in entries for key in each} - set(_KEYS))
    return f"{', '.join(unknown)} is no key of an entry" if unknown else ""
