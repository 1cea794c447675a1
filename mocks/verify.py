"""Whether what should have been asked was asked: expectations, held against the journal.

An expectation names only what it cares about; every exchange that agrees with all of it counts. What fails says, field
by field, how the nearest exchanges differ. Nothing is verified vacuously: expectations are needed, or `no_others`.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import Field, JsonValue, ValidationError, field_validator, model_validator

from contracts.cortex import RunRequest
from mocks.journal import KEPT_BODY_BYTES, OUTCOMES, Entry
from mocks.matching import NEAREST, Difference, canonical_path, canonical_text
from mocks.redact import HIDDEN, is_secret_header, text_without_credentials
from mocks.request import Refusal, parse_query
from mocks.route import Surface
from mocks.strict import Strict, hint

MAX_EXPECTATIONS = 100
MAX_DIFFERENCES = 10
MAX_SHOWN_CHARS = 300
MAX_DEPTH = 100
MAX_LISTED = 20
ABSENT = "(absent)"


class Count(Strict):
    """How often: exactly so often, or within limits."""

    exactly: int | None = Field(default=None, ge=0)
    at_least: int | None = Field(default=None, ge=0)
    at_most: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _says_one_thing(self) -> Count:
        limits = (self.at_least, self.at_most)
        if (self.exactly is None) == (limits == (None, None)):
            raise ValueError("a count has either 'exactly', or 'at_least' or 'at_most' or both of these")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"no number is at least {self.at_least} and at most {self.at_most}")
        return self

    @property
    def least(self) -> int:
        """The smallest number that satisfies."""
        return next((each for each in (self.exactly, self.at_least) if each is not None), 0)

    def allows(self, number: int) -> bool:
        """Whether a number satisfies."""
        most = self.exactly if self.exactly is not None else self.at_most
        return number >= self.least and (most is None or number <= most)

    def __str__(self) -> str:
        return " and ".join(
            f"{name.replace('_', ' ')} {value}" for name, value in self.model_dump(exclude_none=True).items()
        )


class Expected(Strict):
    """An exchange that should be in the journal. Whatever is not given is not compared.

    path, and the values of headers and query: shell patterns, in which `*` also stands for slashes; header names in any
    case; credentials read as `***`.   last_user_text: compared as cassettes compare it.   body: a part of the JSON
    body; objects may have more members than are given, lists have as many.
    """

    method: str | None = None
    path: str | None = Field(default=None, max_length=500)
    query: dict[str, str] | None = None
    headers: dict[str, str] | None = None
    last_user_text: str | None = None
    body: JsonValue = None
    outcome: str | None = None
    status: int | None = Field(default=None, ge=100, le=599)
    surface: str | None = None
    scenario: str | None = None
    cassette: str | None = None
    fault_source: str | None = None
    user: str | None = None
    trace_id: str | None = None
    count: Count = Field(default_factory=lambda: Count(at_least=1))

    @field_validator("outcome")
    @classmethod
    def _is_an_outcome(cls, name: str | None) -> str | None:
        return _known("outcome", name, OUTCOMES)

    @field_validator("surface")
    @classmethod
    def _is_a_surface(cls, name: str | None) -> str | None:
        return _known("surface", name, [str(each) for each in Surface if each is not Surface.ADMIN])

    @model_validator(mode="after")
    def _compares_something(self) -> Expected:
        if not self.model_fields_set - {"count"}:
            raise ValueError("an expectation compares at least one field, such as 'path'")
        return self

    def given(self) -> dict[str, Any]:
        """What was given, as it was."""
        return self.model_dump(exclude_unset=True)


class Verification(Strict):
    """Body of `POST /__mock/verify`.

    in_order: the expected exchanges began in the order of the expectations.   no_others: every exchange is expected.
    test_id: whose exchanges; without one those of the request's own `X-Test-Id`, else all.   within_ms: how long to
    wait for what is not there yet.
    """

    requests: list[Expected] = Field(default_factory=list, max_length=MAX_EXPECTATIONS)
    in_order: bool = False
    no_others: bool = False
    test_id: str | None = Field(default=None, max_length=200)
    within_ms: float = Field(default=0, ge=0, le=60_000)

    @model_validator(mode="after")
    def _can_fail(self) -> Verification:
        if not self.requests and not self.no_others:
            raise ValueError("nothing would be verified: give 'requests', or 'no_others': true for none at all")
        return self


def _known(what: str, name: str | None, known: Sequence[str]) -> str | None:
    if name is not None and name not in known:
        raise ValueError(f"{what} {name!r} is not known{hint(name, known)}")
    return name


def verify(wanted: Verification, entries: Sequence[Entry]) -> dict[str, Any]:
    """What was found, under `ok` whether it is as expected, and under `failures` a sentence for whatever is not.

    entries: oldest first. Parses bodies, so not on the event loop.
    """
    seen = [_Seen(entry) for entry in entries]
    found = [[each for each in seen if not differences(expected, each)] for expected in wanted.requests]
    results = [_result(expected, hits, seen) for expected, hits in zip(wanted.requests, found, strict=True)]
    failures = [f"requests.{number}: {each['why']}" for number, each in enumerate(results) if not each["ok"]]
    if wanted.in_order and not failures:
        failures += _disorder(wanted.requests, found)
    expected_ids = {each.entry.id for hits in found for each in hits}
    others = [each.entry for each in seen if each.entry.id not in expected_ids]
    if wanted.no_others and others:
        listed = ", ".join(f"{each.method} {each.path}" for each in others[:3])
        failures.append(f"{len(others)} exchanges were not expected: {listed}{', …' if len(others) > 3 else ''}")
    return {
        "ok": not failures,
        "failures": failures,
        "requests": results,
        "others": [_named(each) for each in others[:MAX_LISTED]],
        "exchanges": len(entries),
    }


def _result(expected: Expected, hits: Sequence[_Seen], seen: Sequence[_Seen]) -> dict[str, Any]:
    ok = expected.count.allows(len(hits))
    result: dict[str, Any] = {"ok": ok, "expected": expected.given(), "count": len(hits)}
    result["found"] = [each.entry.id for each in hits[:MAX_LISTED]]
    if ok:
        return result
    result["why"] = f"found {len(hits)} of {len(seen)} exchanges, expected {expected.count}"
    if len(hits) < expected.count.least:
        result["nearest"] = [
            {**_named(each.entry), "differences": [_shown(difference) for difference in found]}
            for each, found in nearest(expected, seen)
        ]
        result["why"] += "".join(f"; nearest: {_sentence(each)}" for each in result["nearest"][:1])
    return result


def nearest(expected: Expected, seen: Iterable[_Seen]) -> list[tuple[_Seen, list[Difference]]]:
    """The exchanges that differ least, the newest of equals first, with all in which they differ."""
    apart = [(each, found) for each in seen if (found := differences(expected, each))]
    return sorted(apart, key=lambda pair: (len(pair[1]), -pair[0].entry.id))[:NEAREST]


def _disorder(requests: Sequence[Expected], found: Sequence[Sequence[_Seen]]) -> list[str]:
    """Where the order breaks: each expectation needs its exchanges after the last one of the expectation before."""
    behind = 0
    for number, (expected, hits) in enumerate(zip(requests, found, strict=True)):
        later = [each.entry.id for each in hits if each.entry.id > behind]
        if len(later) < expected.count.least:
            why = f"{len(later)} of its {len(hits)} exchanges began after what is expected before it"
            return [f"requests.{number}: out of order: {why}, expected {expected.count}"]
        if expected.count.least:
            behind = later[expected.count.least - 1]
    return []


def _named(entry: Entry) -> dict[str, Any]:
    names = ("id", "method", "path", "status", "outcome", "cassette", "scenario", "test_id")
    return {name: getattr(entry, name) for name in names}


def _sentence(near: Mapping[str, Any]) -> str:
    parts = [f"{each['field']} was {each['found']!r}, not {each['expected']!r}" for each in near["differences"]]
    return f"{near['method']} {near['path']} (entry {near['id']}): {', '.join(parts)}"


# --- one exchange against one expectation


@dataclass
class _Seen:
    """An exchange, its body parsed when first asked for."""

    entry: Entry

    @cached_property
    def body(self) -> Any:
        """The JSON body; a sentence in its stead when there is none."""
        if self.entry.request_bytes > KEPT_BODY_BYTES:
            return f"(larger than the {KEPT_BODY_BYTES} bytes that the journal keeps)"
        try:
            return json.loads(self.entry.body)
        except (ValueError, RecursionError):
            return "(no JSON)" if self.entry.body else ABSENT

    @cached_property
    def last_user_text(self) -> str | None:
        """The question of an agent run."""
        try:
            return RunRequest.model_validate_json(self.entry.body or b"{}").last_user_text()
        except ValidationError:
            return None

    @cached_property
    def query(self) -> dict[str, str]:
        """The query's fields."""
        try:
            return parse_query(self.entry.query)
        except Refusal:
            return {}


_PLAIN = ("method", "outcome", "status", "surface", "scenario", "cassette", "fault_source", "user", "trace_id")


def differences(expected: Expected, seen: _Seen) -> list[Difference]:
    """Everything in which an exchange is not what was expected, up to a bound; empty when it is."""
    found = [
        Difference(name, wanted, getattr(seen.entry, name))
        for name in _PLAIN
        if (wanted := getattr(expected, name)) is not None and wanted != getattr(seen.entry, name)
    ]
    found += _path(expected.path, seen.entry.path)
    found += _patterns("query", expected.query, seen.query)
    found += _patterns("headers", _lower(expected.headers), seen.entry.request_headers)
    if expected.last_user_text is not None:
        text = seen.last_user_text
        if text is None or canonical_text(text) != canonical_text(expected.last_user_text):
            found.append(Difference("last_user_text", expected.last_user_text, text))
    if "body" in expected.model_fields_set:
        found += _unlike("body", expected.body, seen.body, MAX_DEPTH)
    return found[:MAX_DIFFERENCES]


def _path(pattern: str | None, path: str) -> list[Difference]:
    if pattern is None or any(fnmatch.fnmatchcase(each, pattern) for each in (path, canonical_path(path))):
        return []
    return [Difference("path", pattern, path)]


def _lower(headers: dict[str, str] | None) -> dict[str, str] | None:
    return headers and {name.lower(): value for name, value in headers.items()}


def _patterns(what: str, expected: Mapping[str, str] | None, found: Mapping[str, str]) -> list[Difference]:
    return [
        Difference(f"{what}.{name}", pattern, found.get(name, ABSENT))
        for name, pattern in (expected or {}).items()
        if name not in found or not fnmatch.fnmatchcase(found[name], pattern)
    ]


def _unlike(place: str, expected: Any, found: Any, depth: int) -> Iterator[Difference]:
    """The places where a document lacks what is expected."""
    if depth == 0:
        yield Difference(place, "something less deep", "(not compared)")
    elif isinstance(expected, dict) and isinstance(found, dict):
        for name, value in expected.items():
            if name in found:
                yield from _unlike(f"{place}.{name}", value, found[name], depth - 1)
            else:
                yield Difference(f"{place}.{name}", value, ABSENT)
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            yield Difference(place, f"{len(expected)} items", f"{len(found)} items")
        for number, (one, other) in enumerate(zip(expected, found, strict=False)):
            yield from _unlike(f"{place}.{number}", one, other, depth - 1)
    elif expected != found or isinstance(expected, bool) != isinstance(found, bool):
        yield Difference(place, expected, found)


def _shown(difference: Difference) -> dict[str, Any]:
    return {
        "field": difference.field,
        "expected": difference.expected,
        "found": _without_credentials(difference.field, difference.found),
    }


def _without_credentials(field: str, found: Any) -> Any:
    """A value as it may be shown: clipped, and with stars where its name or its form is a credential's."""
    if found is None or isinstance(found, bool | int | float):
        return found
    if is_secret_header(field.rpartition(".")[2][:MAX_SHOWN_CHARS]) and found != ABSENT:
        return HIDDEN
    text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    shown = text_without_credentials(text[: 2 * MAX_SHOWN_CHARS])
    return shown[:MAX_SHOWN_CHARS] + "…" if len(text) > MAX_SHOWN_CHARS else shown
