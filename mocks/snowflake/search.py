"""Cortex Search: the benchmark's documents, filtered and ranked for real (`filters`, `scoring`, `ranking`).

What a scoring configuration asks and this stand-in cannot compute is accepted, and named in the answer's header
`X-Mock-Ignored`.

Source: cortex-wire 3.
"""

from __future__ import annotations

import asyncio
import fnmatch
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from pydantic import Field, FiniteFloat

from contracts.cortex import REQUEST_ID_HEADER, Code, Wire
from fixtures.bench.search import SERVICE, Row, Service, Value
from mocks.faults import Plan
from mocks.matching import identifier
from mocks.request import Refusal, Request, json_plan
from mocks.route import Route, Surface, route
from mocks.snowflake.filters import FilterError, clipped, column_of, compile_filter
from mocks.snowflake.ranking import Hit, Queries, shared_index
from mocks.snowflake.scoring import ScoringConfig, ScoringError
from mocks.state import Mock
from mocks.strict import hint

DEFAULT_LIMIT = 10
MAX_LIMIT = 1000
DEFAULT_SUGGESTIONS = 5
MAX_RESPONSE_BYTES = 10_000_000
CREATED_ON = "2025-12-01T08:00:00.000Z"
"""When the service says it was made, and the age of its data."""

NOT_PRIVILEGED = "003001"
OBJECT_STATE = "002043"

_NAME = r'("(?:[^"]|"")+"|[^/":]+)'
SERVICES = rf"/api/v2/databases/{_NAME}/schemas/{_NAME}/cortex-search-services"
SERVICE_PATH = rf"{SERVICES}/{_NAME}"

Target = Literal["indexing", "serving"]


class _ColumnQuery(Wire):
    text: str | None = None
    vector: list[FiniteFloat] | None = None


class QueryRequest(Wire):
    """Body of `:query`. Explicit nulls are tolerated: clients send them."""

    query: str | None = None
    multi_index_query: dict[str, list[_ColumnQuery]] | None = None
    columns: list[str] | None = Field(default=None, max_length=1000)
    filter: dict[str, Any] | None = None
    limit: int | None = Field(default=None, ge=1, le=MAX_LIMIT)
    scoring_config: ScoringConfig | None = None
    scoring_profile: str | None = None
    experimental: dict[str, Any] | None = None


class SuggestRequest(Wire):
    """Body of `:suggest`."""

    query: str
    columns: list[str] | None = Field(default=None, max_length=1000)
    limit: int | None = Field(default=None, ge=1, le=MAX_LIMIT)


class FeedbackRequest(Wire):
    """Body of `:feedback`."""

    request_id: str
    positive: bool
    feedback_message: str | None = None


@dataclass
class SearchState:
    """What a test suspended of the service."""

    suspended: set[str] = field(default_factory=set)

    def of(self, target: Target) -> str:
        """The state of one target, as the service describes it."""
        return "SUSPENDED" if target in self.suspended else "ACTIVE"


async def query(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`POST .../{name}:query`."""
    service = _service(path)
    asked = request.parse(QueryRequest)
    _check_serving(mock, request, service)
    strings = mock.options.assume.search_numbers == "strings"
    # Ranking takes about a millisecond, a long filter more.
    plan = await asyncio.to_thread(_answer, service, asked, numbers_as_strings=strings)
    if ignored := plan.headers.get("x-mock-ignored"):
        request.entry.end("answered", f"ranked without {ignored}")
    return plan


def _answer(service: Service, asked: QueryRequest, *, numbers_as_strings: bool) -> Plan:
    config = asked.scoring_config or ScoringConfig()
    columns = _columns(service, asked.columns)
    if asked.scoring_profile is not None:
        name = clipped(asked.scoring_profile)
        raise _refused(f"scoring_profile: {name!r} does not exist; {service.name} has no scoring profile")
    try:
        passes, scoring = compile_filter(asked.filter, service), config.scoring(service)
    except (FilterError, ScoringError) as error:
        raise _refused(str(error)) from error
    hits = shared_index().search(_queries(service, asked), passes, scoring, asked.limit or DEFAULT_LIMIT)
    results = [_result(hit, columns, numbers_as_strings=numbers_as_strings) for hit in hits]
    plan = _identified({"results": results})
    if len(plan.frames[0].data) > MAX_RESPONSE_BYTES:
        raise _refused(f"The response would exceed {MAX_RESPONSE_BYTES} bytes; ask for fewer columns or results")
    ignored = ", ".join(config.ignored())
    return plan.labelled("x-mock-ignored", ignored) if ignored else plan


def _queries(service: Service, asked: QueryRequest) -> Queries:
    """What is looked for in which column.   Raises: Refusal."""
    if (asked.query is None) == (asked.multi_index_query is None):
        raise _refused("exactly one of 'query' and 'multi_index_query' must be given")
    if asked.multi_index_query is None:
        return {column: [asked.query or ""] for column in service.indexed}
    return dict(_multi_index(service, asked.multi_index_query))


def _multi_index(service: Service, given: dict[str, list[_ColumnQuery]]) -> Iterator[tuple[str, list[str]]]:
    if not given:
        raise _refused(f"multi_index_query: names no column{hint('', service.indexed)}")
    for name, entries in given.items():
        place = f"multi_index_query.{clipped(name)}"
        column = column_of(service, name)
        if column not in service.indexed:
            raise _refused(f"{place}: the column is not indexed{hint(clipped(identifier(name)), service.indexed)}")
        if not entries:
            raise _refused(f"{place}: expected an array of at least one query")
        yield column, [_text(entry, f"{place}[{number}]") for number, entry in enumerate(entries)]


def _text(entry: _ColumnQuery, place: str) -> str:
    if (entry.text is None) == (entry.vector is None):
        raise _refused(f"{place}: exactly one of 'text' and 'vector' must be given")
    if entry.text is None:
        explained = {"why": "the mock's vectors are not those of Snowflake's model, so nothing is near to yours"}
        raise _refused(f"{place}: vector queries are not supported by this service; ask by text", explained)
    return entry.text


def _columns(service: Service, asked: list[str] | None) -> dict[str, str]:
    """The columns to send, by the name under which they were asked for.   Raises: Refusal for an unknown one."""
    columns = {}
    for number, name in enumerate(asked or [service.search_column]):
        column = column_of(service, name)
        if column is None:
            known = hint(clipped(identifier(name)), service.columns)
            raise _refused(f"columns[{number}]: unknown column {clipped(name)!r}{known}")
        columns[name] = column
    return columns


def _result(hit: Hit, columns: dict[str, str], *, numbers_as_strings: bool) -> dict[str, Any]:
    cells = _cells(hit.row, columns, numbers_as_strings=numbers_as_strings)
    return {"@scores": hit.scores(), **cells}


def _cells(row: Row, columns: dict[str, str], *, numbers_as_strings: bool) -> dict[str, Any]:
    def cell(value: Value) -> Any:
        if isinstance(value, date):
            return value.isoformat()
        return str(value) if numbers_as_strings and isinstance(value, int) else value

    return {name: cell(row[column]) for name, column in columns.items()}


async def suggest(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`POST .../{name}:suggest`: documents that have the words so far, the last one perhaps unfinished."""
    service = _service(path)
    asked = request.parse(SuggestRequest)
    _check_serving(mock, request, service)
    columns = _columns(service, asked.columns)
    found = await asyncio.to_thread(lambda: shared_index().suggest(asked.query, asked.limit or DEFAULT_SUGGESTIONS))
    strings = mock.options.assume.search_numbers == "strings"
    rows = [{"columns": _cells(row, columns, numbers_as_strings=strings)} for row in found]
    return _identified({"results": [{"rows": [row]} for row in rows]})


async def feedback(_mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`POST .../{name}:feedback`: checked and thanked for."""
    _service(path)
    request.parse(FeedbackRequest)
    return json_plan({"status": "Feedback recorded"})


async def suspend(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`POST .../{name}:suspend?target=indexing|serving`; without a target both."""
    if (missing := _missing(request, path)) is not None:
        return missing
    mock.of_test(request, SearchState).suspended.update(_targets(request))
    return json_plan({"status": f"Cortex Search Service {_service(path).name} successfully suspended."})


async def resume(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`POST .../{name}:resume?target=indexing|serving`; without a target both."""
    if (missing := _missing(request, path)) is not None:
        return missing
    mock.of_test(request, SearchState).suspended.difference_update(_targets(request))
    return json_plan({"status": f"Cortex Search Service {_service(path).name} successfully resumed."})


async def describe(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`GET .../{name}`."""
    return json_plan(await asyncio.to_thread(_described, _service(path), mock.of_test(request, SearchState)))


async def list_services(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`GET .../cortex-search-services?like=...`."""
    _check_schema(path)
    described = await asyncio.to_thread(_described, SERVICE, mock.of_test(request, SearchState))
    return json_plan([described] if _is_like(SERVICE.name, request.query.get("like")) else [])


async def create(_mock: Mock, _request: Request, path: re.Match[str]) -> Plan:
    """`POST .../cortex-search-services`: refused, as a role without the privilege is."""
    _check_schema(path)
    raise _not_privileged(f"schema '{SERVICE.schema}'")


async def drop(_mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`DELETE .../{name}`: refused, as a role that does not own the service is."""
    if (missing := _missing(request, path)) is not None:
        return missing
    raise _not_privileged(f"cortex search service '{_service(path).name}'")


def _service(path: re.Match[str]) -> Service:
    """The service that a path names.   Raises: Refusal when there is none."""
    named = tuple(identifier(part) for part in path.groups())
    if named != (SERVICE.database, SERVICE.schema, SERVICE.name):
        message = (
            "The Cortex Search Service does not exist or access is not authorized for the current role: "
            + ".".join(clipped(part) for part in named)
        )
        known = f"{SERVICE.database}.{SERVICE.schema}.{SERVICE.name}"
        raise Refusal(404, Code.NOT_FOUND, message, {"known_services": [known]})
    return SERVICE


def _check_schema(path: re.Match[str]) -> None:
    named = tuple(identifier(part) for part in path.groups())
    if named != (SERVICE.database, SERVICE.schema):
        schema = ".".join(clipped(part) for part in named)
        message = f"Schema '{schema}' does not exist or not authorized."
        raise Refusal(404, Code.NOT_FOUND, message, {"known_schemas": [f"{SERVICE.database}.{SERVICE.schema}"]})


def _missing(request: Request, path: re.Match[str]) -> Plan | None:
    """The answer for a service that does not exist and need not; None for one that does.   Raises: Refusal."""
    try:
        _service(path)
    except Refusal:
        if request.query.get("ifExists", "").lower() == "true":
            return json_plan({"status": "The object does not exist; nothing was done."})
        raise
    return None


def _check_serving(mock: Mock, request: Request, service: Service) -> None:
    if "serving" in mock.of_test(request, SearchState).suspended:
        message = f"Cortex Search Service {service.name} is suspended: serving must be resumed before it is queried."
        raise Refusal(409, OBJECT_STATE, message, {"resume_with": "POST ...:resume?target=serving"})


def _targets(request: Request) -> tuple[str, ...]:
    asked = request.query.get("target")
    if asked is None:
        return ("indexing", "serving")
    if asked.lower() not in ("indexing", "serving"):
        raise _refused(f"target: {clipped(asked)!r} is not a target{hint(clipped(asked), ('indexing', 'serving'))}")
    return (asked.lower(),)


def _described(service: Service, state: SearchState) -> dict[str, Any]:
    index = shared_index()
    size_bytes = sum(len(str(value).encode()) for row in index.documents for value in row.values())
    return {
        "name": service.name,
        "search_column": service.search_column,
        "columns": list(service.columns),
        "attribute_columns": list(service.attributes),
        "target_lag": {"type": "USER_DEFINED", "seconds": service.target_lag_s},
        "warehouse": service.warehouse,
        "definition": service.definition,
        "comment": service.comment,
        "created_on": CREATED_ON,
        "database_name": service.database,
        "schema_name": service.schema,
        "source_data_num_rows": len(index.documents),
        "data_timestamp": CREATED_ON,
        "indexing_state": state.of("indexing"),
        "serving_state": state.of("serving"),
        "indexing_error": None,
        "serving_data_bytes": size_bytes,
    }


def _is_like(name: str, pattern: str | None) -> bool:
    """Whether a name fits an SQL pattern, case aside."""
    if pattern is None:
        return True
    wildcards = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}
    return fnmatch.fnmatchcase(name.upper(), "".join(wildcards.get(char, char) for char in pattern.upper()))


def _identified(document: dict[str, Any]) -> Plan:
    """A JSON answer that carries its request id in body and header."""
    request_id = str(uuid.uuid4())
    return json_plan({**document, "request_id": request_id}).labelled(REQUEST_ID_HEADER.lower(), request_id)


def _refused(message: str, explained: Mapping[str, object] | None = None) -> Refusal:
    return Refusal(400, Code.INVALID_PAYLOAD, message, explained)


def _not_privileged(on: str) -> Refusal:
    message = f"SQL access control error: Insufficient privileges to operate on {on}"
    explained = {"why": "the mock serves the benchmark's search service and makes or drops no others"}
    return Refusal(403, NOT_PRIVILEGED, message, explained)


ROUTES: tuple[Route, ...] = (
    route("POST", f"{SERVICE_PATH}:query", query, Surface.SEARCH),
    route("POST", f"{SERVICE_PATH}:suggest", suggest, Surface.SEARCH),
    route("POST", f"{SERVICE_PATH}:feedback", feedback, Surface.SEARCH),
    route("POST", f"{SERVICE_PATH}:suspend", suspend, Surface.SEARCH),
    route("POST", f"{SERVICE_PATH}:resume", resume, Surface.SEARCH),
    route("GET", SERVICE_PATH, describe, Surface.SEARCH),
    route("DELETE", SERVICE_PATH, drop, Surface.SEARCH),
    route("GET", SERVICES, list_services, Surface.SEARCH),
    route("POST", SERVICES, create, Surface.SEARCH),
)
