"""Filters of a search: from the JSON of a request to a test of rows. Pure.

    filter := match | logic
    match  := {"@eq" | "@contains" | "@gte" | "@lte": {COLUMN: value}} | {"@primarykey": {COLUMN: value, ...}}
    logic  := {"@and" | "@or": [filter, ...]} | {"@not": filter}

An empty filter at the top lets every row pass. Names of columns are identifiers: unquoted, their case does not count.

Source: cortex-wire 3.2.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from fixtures.bench.search import Kind, Row, Service, Value
from mocks.matching import identifier
from mocks.strict import hint

Test = Callable[[Row], bool]

MAX_CONDITIONS = 1000
"""Conditions of one filter; the mock's own bound."""

MAX_DEPTH = 50
"""Levels of `@and`, `@or` and `@not`; the mock's own bound."""

LARGEST = 10**19
"""Fixed-point numbers with more than 19 digits never match."""

MAX_QUOTED_CHARS = 60

_OFFSET_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})([+-]\d{2}:\d{2})")


class FilterError(Exception):
    """A filter that cannot be understood: the place within it, what was found and what is accepted there."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}")
        self.place, self.problem = place, problem


def column_of(service: Service, name: str) -> str | None:
    """The service's column that is called so; None when it has none."""
    found = identifier(name)
    return found if found in service.columns else None


def compile_filter(document: Mapping[str, Any] | None, service: Service) -> Test:
    """The test that a filter is; absent or empty, every row passes.   Raises: FilterError."""
    if not document:
        return lambda _row: True
    return _Compiler(service).filter(document, "filter", 0)


@dataclass
class _Compiler:
    service: Service
    conditions: int = 0

    def filter(self, document: Any, place: str, depth: int) -> Test:
        if not isinstance(document, dict):
            raise FilterError(place, f"expected an object, found {_said(document)}")
        if len(document) != 1:
            raise FilterError(place, f"expected exactly one operator, found {_said(sorted(document))}")
        ((operator, operand),) = document.items()
        if operator not in OPERATORS:
            raise FilterError(place, f"unknown operator {_said(operator)}{hint(clipped(operator), OPERATORS)}")
        self.conditions += 1
        if self.conditions > MAX_CONDITIONS:
            raise FilterError(place, f"a filter has at most {MAX_CONDITIONS} conditions")
        if depth > MAX_DEPTH:
            raise FilterError(place, f"a filter has at most {MAX_DEPTH} levels")
        place = f"{place}.{operator}"
        if operator in ("@and", "@or"):
            return self._joined(operator, operand, place, depth)
        if operator == "@not":
            inner = self.filter(operand, place, depth + 1)
            return lambda row: not inner(row)
        if operator == "@primarykey":
            return self._primary_key(operand, place)
        return self._match(operator, operand, place)

    def _joined(self, operator: str, operand: Any, place: str, depth: int) -> Test:
        if not isinstance(operand, list) or not operand:
            raise FilterError(place, f"expected an array of filters, found {_said(operand)}")
        tests = [self.filter(each, f"{place}[{number}]", depth + 1) for number, each in enumerate(operand)]
        quantifier = all if operator == "@and" else any
        return lambda row: quantifier(test(row) for test in tests)

    def _match(self, operator: str, operand: Any, place: str) -> Test:
        if not isinstance(operand, dict) or len(operand) != 1:
            raise FilterError(place, f"expected an object with one column, found {_said(operand)}")
        ((name, value),) = operand.items()
        column, place = self._attribute(name, place), f"{place}.{clipped(name)}"
        kind = self.service.columns[column]
        if kind not in OPERATORS[operator]:
            accepted = ", ".join(OPERATORS[operator])
            raise FilterError(place, f"column {column} is of type {kind}, the operator takes: {accepted}")
        wanted = _operand(kind, value, place)
        return MATCHES[operator](column, wanted)

    def _primary_key(self, operand: Any, place: str) -> Test:
        keys = self.service.primary_key
        if not isinstance(operand, dict):
            raise FilterError(place, f"expected an object with the key columns, found {_said(operand)}")
        wanted = {column_of(self.service, name): value for name, value in operand.items()}
        if set(wanted) != set(keys):
            found = _said(sorted(operand))
            raise FilterError(place, f"expected every key column and no other: {', '.join(keys)}; found {found}")
        checked = {
            key: None if wanted[key] is None else _operand(self.service.columns[key], wanted[key], f"{place}.{key}")
            for key in keys
        }
        return lambda row: all(row[key] == value for key, value in checked.items())

    def _attribute(self, name: str, place: str) -> str:
        column = column_of(self.service, name)
        if column is None:
            raise FilterError(
                place, f"unknown column {_said(name)}{hint(clipped(identifier(name)), self.service.attributes)}"
            )
        if column not in self.service.attributes:
            listed = ", ".join(self.service.attributes)
            raise FilterError(place, f"column {column} is no attribute; these can be filtered: {listed}")
        return column


class _NeverType:
    """Equal to nothing, before and after nothing: a number with too many digits."""

    def __eq__(self, _other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]  # equal to nothing, so without a hash

    def __le__(self, _other: object) -> bool:
        return False

    __ge__ = __le__


_NEVER = _NeverType()


def _operand(kind: Kind, value: Any, place: str) -> Any:
    """The value as the column holds it.   Raises: FilterError when it is of another type."""
    if kind is Kind.NUMBER:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise FilterError(place, f"expected a number, found {_said(value)}")
        return _NEVER if isinstance(value, int) and abs(value) >= LARGEST else value
    if kind is Kind.DATE:
        return _moment(value, place)
    if kind is Kind.TEXT and not isinstance(value, str):
        raise FilterError(place, f"expected a text, found {_said(value)}")
    if kind is Kind.ARRAY and not isinstance(value, str | int | float):
        raise FilterError(place, f"expected a text, a number or a boolean, found {_said(value)}")
    return value


def _moment(value: Any, place: str) -> datetime:
    """A day's first moment, or a timestamp; UTC unless it names an offset."""
    problem = f"expected a date like 2025-01-31 or 2025-01-31+02:00, or a timestamp; found {_said(value)}"
    if not isinstance(value, str):
        raise FilterError(place, problem)
    try:
        day = _OFFSET_DAY.fullmatch(value)
        found = datetime.fromisoformat(value if day is None else f"{day[1]}T00:00:00{day[2]}")
    except ValueError as error:
        raise FilterError(place, problem) from error
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def moment_of(value: Value) -> datetime | None:
    """When a date of a row begins, UTC; None for null."""
    return datetime(value.year, value.month, value.day, tzinfo=UTC) if isinstance(value, date) else None


def _comparable(value: Value) -> Any:
    return moment_of(value) if isinstance(value, date) else value


def _equals(column: str, wanted: Any) -> Test:
    return lambda row: bool(row[column] == wanted)


def _contains(column: str, wanted: Any) -> Test:
    def test(row: Row) -> bool:
        held = row[column]
        return isinstance(held, list) and any(type(each) is type(wanted) and each == wanted for each in held)

    return test


def _at_least(column: str, wanted: Any) -> Test:
    return lambda row: row[column] is not None and bool(wanted <= _comparable(row[column]))


def _at_most(column: str, wanted: Any) -> Test:
    return lambda row: row[column] is not None and bool(wanted >= _comparable(row[column]))


def _said(value: Any) -> str:
    """A value, for a message; a client's megabyte stays a few words."""
    return clipped(json.dumps(value, ensure_ascii=False))


def clipped(text: str) -> str:
    """The beginning of a text, for a message."""
    return text if len(text) <= MAX_QUOTED_CHARS else text[:MAX_QUOTED_CHARS] + "…"


OPERATORS: dict[str, tuple[Kind, ...]] = {
    "@eq": (Kind.TEXT, Kind.NUMBER),
    "@contains": (Kind.ARRAY,),
    "@gte": (Kind.NUMBER, Kind.DATE),
    "@lte": (Kind.NUMBER, Kind.DATE),
    "@primarykey": (),
    "@and": (),
    "@or": (),
    "@not": (),
}
"""Every operator, with the types of columns that it compares."""

MATCHES: dict[str, Callable[[str, Any], Test]] = {
    "@eq": _equals,
    "@contains": _contains,
    "@gte": _at_least,
    "@lte": _at_most,
}
