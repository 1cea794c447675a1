"""The tool `search`: documents from the configured Cortex Search service.

Only the configured columns can be read, only the configured attributes filtered by. The filter is Snowflake's own
grammar, checked here so that a mistake gets a pointer to its place instead of a plain 400, and rebuilt, so that nothing
passes that the check has not seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import Field

from contracts.api import FieldError, ProblemType, SearchAnswer, SearchHit, SearchRequest
from contracts.cortex import Wire
from contracts.telemetry import Surface
from proxy.problems import MAX_FIELD_ERRORS, ProblemError
from proxy.tools.errand import Errand, invalid, post, read

MAX_DEPTH = 8
MAX_NODES = 100
MAX_BRANCHES = 20
SCORES = "@scores"

MATCHES = {"@eq": (str, bool, int, float), "@contains": (str, bool, int, float), "@gte": (str, int, float)}
MATCHES["@lte"] = MATCHES["@gte"]
JUNCTIONS = ("@and", "@or")
OPERATORS = ", ".join((*MATCHES, *JUNCTIONS, "@not"))


class SearchResults(Wire):
    """Snowflake's answer: rows of columns, each with its scores."""

    results: list[dict[str, Any]]
    request_id: str | None = Field(default=None, max_length=128)


def run(asked: SearchRequest, errand: Errand) -> SearchAnswer:
    """What the service finds.   Raises: ProblemError, CallCancelledError."""
    settings = errand.settings
    columns = known_columns(asked.columns, settings.search_columns)
    body: dict[str, Any] = {"query": asked.query, "columns": columns, "limit": asked.limit}
    if asked.filter:
        body["filter"] = checked_filter(asked.filter, settings.search_attributes)
    reply = errand.cortex.ask(post(errand, Surface.SEARCH, settings.search_path, body), errand.trace, errand.call)
    found = read(SearchResults, reply.document)
    return SearchAnswer(
        results=[_hit(row, columns) for row in found.results[: asked.limit]],
        request_id=found.request_id or reply.request_id,
    )


def _hit(row: dict[str, Any], columns: Sequence[str]) -> SearchHit:
    wanted = {column.upper() for column in columns}
    scores = row.get(SCORES)
    return SearchHit(
        columns={name: value for name, value in row.items() if name.upper() in wanted},
        scores={name: value for name, value in scores.items() if _is_score(value)} if isinstance(scores, dict) else {},
    )


def _is_score(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def known_columns(asked: Sequence[str] | None, configured: Sequence[str]) -> list[str]:
    """The columns as the service calls them, all when none are asked for.   Raises: ProblemError naming the unknown."""
    if asked is None:
        return list(configured)
    names = {column.upper(): column for column in configured}
    unknown = [
        FieldError(pointer=f"/columns/{position}", detail=f"{column!r} is no column of the search service")
        for position, column in enumerate(asked)
        if column.upper() not in names
    ]
    if unknown:
        raise _unknown(unknown, configured)
    return list(dict.fromkeys(names[column.upper()] for column in asked))


def checked_filter(found: dict[str, Any], attributes: Sequence[str]) -> dict[str, Any]:
    """The filter, its columns as the service calls them.   Raises: ProblemError naming every fault by JSON pointer."""
    names = {attribute.upper(): attribute for attribute in attributes}
    faults = [fault for _, fault in zip(range(MAX_FIELD_ERRORS), _faults(found, "/filter", 1), strict=False)]
    if not faults and (nodes := _nodes(found)) > MAX_NODES:
        faults.append(FieldError(pointer="/filter", detail=f"{nodes} conditions are more than {MAX_NODES}"))
    if faults:
        raise invalid(*faults)
    unknown = [
        FieldError(pointer=pointer, detail=f"{column[:100]!r} is no column to filter by")
        for pointer, column in _columns(found, "/filter")
        if column.upper() not in names
    ]
    if unknown:
        raise _unknown(unknown, attributes)
    return _named(found, names)


def _unknown(faults: list[FieldError], known: Sequence[str]) -> ProblemError:
    listed = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults[:5])
    return ProblemError(ProblemType.COLUMN_UNKNOWN, listed, errors=faults, known=list(known))


def _faults(found: Any, pointer: str, depth: int) -> Iterator[FieldError]:
    """Where a filter departs from the grammar."""
    if not isinstance(found, dict) or len(found) != 1:
        yield FieldError(pointer=pointer, detail=f"must be an object with exactly one of {OPERATORS}")
        return
    ((operator, operand),) = found.items()
    if depth > MAX_DEPTH:
        yield FieldError(pointer=pointer, detail=f"is nested deeper than {MAX_DEPTH} levels")
    elif operator in MATCHES:
        yield from _match_faults(operator, operand, f"{pointer}/{operator}")
    elif operator in JUNCTIONS:
        yield from _junction_faults(operand, f"{pointer}/{operator}", depth)
    elif operator == "@not":
        yield from _faults(operand, f"{pointer}/@not", depth + 1)
    else:
        yield FieldError(pointer=pointer, detail=f"has an unknown operator; known are {OPERATORS}")


def _match_faults(operator: str, operand: Any, pointer: str) -> Iterator[FieldError]:
    if not isinstance(operand, dict) or len(operand) != 1:
        yield FieldError(pointer=pointer, detail="must be an object with exactly one column")
        return
    (value,) = operand.values()
    is_endless = isinstance(value, float) and not math.isfinite(value)  # what Python makes of 1e999
    if (
        not isinstance(value, MATCHES[operator])
        or is_endless
        or (type(value) is bool and bool not in MATCHES[operator])
    ):
        accepted = "text, a number or a truth value" if bool in MATCHES[operator] else "text (a date) or a number"
        yield FieldError(pointer=pointer, detail=f"compares with {accepted}")


def _junction_faults(operand: Any, pointer: str, depth: int) -> Iterator[FieldError]:
    if not isinstance(operand, list) or not 1 <= len(operand) <= MAX_BRANCHES:
        yield FieldError(pointer=pointer, detail=f"must be a list of 1 to {MAX_BRANCHES} filters")
        return
    for position, branch in enumerate(operand):
        yield from _faults(branch, f"{pointer}/{position}", depth + 1)


# What follows walks filters that fit the grammar.


def _branches(found: dict[str, Any]) -> tuple[str, list[Any]]:
    """Operator and operands; a match has none."""
    ((operator, operand),) = found.items()
    if operator in MATCHES:
        return operator, []
    return operator, operand if operator in JUNCTIONS else [operand]


def _nodes(found: dict[str, Any]) -> int:
    return 1 + sum(map(_nodes, _branches(found)[1]))


def _columns(found: dict[str, Any], pointer: str) -> Iterator[tuple[str, str]]:
    """Every column with a pointer to its condition."""
    operator, branches = _branches(found)
    if operator in MATCHES:
        yield f"{pointer}/{operator}", next(iter(found[operator]))
    for position, branch in enumerate(branches):
        yield from _columns(branch, f"{pointer}/{operator}" + (f"/{position}" if operator in JUNCTIONS else ""))


def _named(found: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    operator, branches = _branches(found)
    if operator in MATCHES:
        ((column, value),) = found[operator].items()
        return {operator: {names[column.upper()]: value}}
    named = [_named(branch, names) for branch in branches]
    return {operator: named if operator in JUNCTIONS else named[0]}
