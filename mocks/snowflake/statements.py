"""The SQL API: statements submitted, waited for, fetched by partition, cancelled; they run on the benchmark database.

Each request is a session of its own. What a test submits belongs to the test and its user; results are kept as
`mocks/snowflake/results.py` says. Where public material has no code for a refusal, the mock answers with one of the
general ones: 391901 and 391902 (media types) and the texts of 391903 and 391911 are third-party reports.

Source: cortex-wire 5.
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from contracts.cortex import STATEMENTS_PATH, TOKEN_TYPE_HEADER, Code, Wire
from mocks.cassette import Frame
from mocks.faults import Plan
from mocks.request import Refusal, Request, json_plan
from mocks.route import Route, Surface, route
from mocks.snowflake import cells
from mocks.snowflake.auth import EVERYONE, AuthError, Identity
from mocks.snowflake.engine import (
    DATABASE,
    SCHEMA,
    TIMEOUT_S,
    Column,
    Result,
    SqlSession,
    TestData,
    Who,
    in_thread,
    literals_of,
)
from mocks.snowflake.results import Execution, Executions, Kept, carry_out, partitioned
from mocks.snowflake.sqlerrors import SqlError, canceled
from mocks.state import Mock

if TYPE_CHECKING:
    from mocks.snowflake.dialect import Statement

MAX_TIMEOUT_S = 604_800
MIB = 1024 * 1024

SUCCESS = "090001"
RUNNING = "333333"
RUNNING_ASYNC = "333334"
NO_USER_AGENT = "391903"
NO_CONTENT_TYPE = "391901"
NO_ACCEPT = "391902"
UNSUPPORTED_STATEMENT = "391911"
COUNT_DIFFERS = "000008"
UNKNOWN_HANDLE = "000709"
NOT_RUNNING = "000605"
TIMED_OUT = "000630"

_IN_PROGRESS = "Asynchronous execution in progress. Use provided query id to perform query monitoring and management."
_MULTIPLE = "Multiple statements executed successfully."
_HANDLE = r"([^/]+)"


class Binding(Wire):
    """A value for a placeholder; always text on the wire, numbers are taken, too."""

    type: str = "TEXT"
    value: str | int | float | bool | None = None


class StatementRequest(Wire):
    """Body of a submission. Names are case-sensitive; parameters' names are not."""

    statement: str
    timeout: int | None = Field(default=None, ge=0)
    database: str | None = None
    schema_: str | None = Field(default=None, alias="schema")
    warehouse: str | None = None
    role: str | None = None
    bindings: dict[str, Binding] | None = None
    parameters: dict[str, str | int | float | bool | None] | None = None

    def settings(self) -> dict[str, str]:
        """The parameters by upper-case name, as text."""
        given = (self.parameters or {}).items()
        return {name.upper(): _text(value) for name, value in given if value is not None}


def _text(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


async def _submit(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`POST /api/v2/statements`: 200 with the result, 202 when it takes too long, 422 or 408 when it fails."""
    _check_headers(request)
    asked = request.parse(StatementRequest)
    settings = asked.settings()
    executions = mock.of_test(request, Executions)
    request_id = request.query.get("requestId") or str(uuid.uuid4())
    is_async = _flag(request, "async", default=False)
    execution = executions.resubmitted(request.user, request_id) if _flag(request, "retry", default=False) else None
    if execution is None:
        session = _session(mock, request, asked, settings)
        execution = executions.open(request.user, request_id, is_async=is_async)
        running = _Run(mock, executions, session, asked, settings, nullable=_flag(request, "nullable", default=True))
        execution.task = asyncio.create_task(carry_out(execution, running.all(execution)))
    if not is_async and execution.task is not None:
        await asyncio.wait((execution.task,), timeout=mock.options.assume.sql_wait_s)
    return _answer(execution, request)


@dataclass(frozen=True, slots=True)
class _Run:
    """What it takes to run a submission."""

    mock: Mock
    executions: Executions
    session: SqlSession
    asked: StatementRequest
    settings: Mapping[str, str]
    nullable: bool

    async def all(self, execution: Execution) -> Kept:
        """The result of one statement, or that of several: their handles.   Raises: SqlError."""
        try:
            bindings = {key: each.model_dump() for key, each in (self.asked.bindings or {}).items()}
            statements = await self.session.read(self.asked.statement, await literals_of(bindings))
            _check_count(statements, self.settings.get("MULTI_STATEMENT_COUNT", "1"))
            if len(statements) == 1:
                return await self._one(statements[0], execution.handle)
            return await self._several(statements, execution)
        finally:
            self.session.close()

    async def _several(self, statements: Sequence[Statement], parent: Execution) -> Kept:
        handles: list[str] = []
        for statement in statements:
            child = self.executions.open(parent.owner, str(uuid.uuid4()))
            handles.append(child.handle)
            child.task = asyncio.current_task()
            await carry_out(child, self._one(statement, child.handle))
            if child.error is not None:
                raise child.error
        rows = [[_MULTIPLE]]
        column = Column("multiple statement execution", "text", length=len(_MULTIPLE), byte_length=4 * len(_MULTIPLE))
        return Kept((column,), partitioned(rows, 1), children=tuple(handles))

    async def _one(self, statement: Statement, handle: str) -> Kept:
        timeout_s = (
            TIMEOUT_S if self.asked.timeout is None else float(min(self.asked.timeout or 1 << 40, MAX_TIMEOUT_S))
        )
        result = await self.session.run(statement, handle, timeout_s=timeout_s)
        size = self._chunk_bytes()
        return await in_thread(lambda: self._encoded(result, size))

    def _chunk_bytes(self) -> int:
        asked = self.settings.get("CLIENT_RESULT_CHUNK_SIZE", "")
        return int(asked) * MIB if asked.isdigit() and int(asked) else self.mock.options.assume.sql_partition_bytes

    def _encoded(self, result: Result, partition_bytes: int) -> Kept:
        limit = self.settings.get("ROWS_PER_RESULTSET", "")
        rows = result.rows[: int(limit)] if limit.isdigit() and int(limit) else result.rows
        parameters = {**self.session.who.parameters, **self.settings}
        encoded = cells.encode(rows, cells.encoders(result.columns, parameters), None if self.nullable else "null")
        return Kept(result.columns, partitioned(encoded, partition_bytes), result.counts, result.type_id)


def _check_count(statements: Sequence[Statement], count: str) -> None:
    """Raises: SqlError when there are not as many statements as were announced, or a single one is `USE`."""
    wanted = int(count) if count.isdigit() else 1
    if wanted not in (0, len(statements)):
        message = f"Actual statement count {len(statements)} did not match the desired statement count {wanted}."
        raise SqlError(COUNT_DIFFERS, "0A000", message)
    if len(statements) == 1 and statements[0].is_use:
        message = "Unsupported statement type 'USE'. Name database, schema, warehouse and role in the request's body."
        raise SqlError(UNSUPPORTED_STATEMENT, "0A000", message)


def _check_headers(request: Request) -> None:
    """Raises: Refusal for a missing User-Agent, or media types other than JSON."""
    if not request.headers.get("user-agent", "").strip():
        raise Refusal(400, NO_USER_AGENT, "The request must have a User-Agent header.")
    accept = request.headers.get("accept", "*/*").lower()
    if not any(kind in accept for kind in ("application/json", "application/*", "*/*")):
        raise Refusal(415, NO_ACCEPT, f"Unsupported Accept header {accept} is specified.")
    content_type = request.headers.get("content-type", "")
    if (
        request.method == "POST"
        and request.body
        and content_type.partition(";")[0].strip().lower() != "application/json"
    ):
        raise Refusal(415, NO_CONTENT_TYPE, f"Unsupported Content-Type header {content_type or 'null'} is specified.")


def _flag(request: Request, name: str, *, default: bool) -> bool:
    given = request.query.get(name)
    if given is None:
        return default
    if given.lower() not in ("true", "false"):
        raise Refusal(400, Code.INVALID_PAYLOAD, f"The query parameter {name} is true or false, not {given!r}.")
    return given.lower() == "true"


def _session(mock: Mock, request: Request, asked: StatementRequest, settings: Mapping[str, str]) -> SqlSession:
    """The request's own session.   Raises: Refusal for a role or warehouse that the user does not have."""
    role, warehouse = request.role, request.warehouse
    identity = identity_of(mock, request)
    try:
        if asked.role:
            role = identity.role_for(_exactly(asked.role))
        if asked.warehouse:
            warehouse = identity.warehouse_for(_exactly(asked.warehouse))
    except AuthError as error:
        raise Refusal(error.status, error.code, error.message, error.mock) from error
    who = who_of(mock, identity, role, warehouse)
    who.database = asked.database or DATABASE
    who.schema = asked.schema_ or ("PUBLIC" if asked.database else SCHEMA)
    who.client = request.headers.get("user-agent", "")
    who.parameters.update(settings)
    return SqlSession(mock.of_test(request, TestData, mock.options.data), who)


def identity_of(mock: Mock, request: Request) -> Identity:
    """Who asks; the request was let in already."""
    headers = request.headers
    return mock.gate.identify(headers.get("authorization"), headers.get(TOKEN_TYPE_HEADER.lower()))


def who_of(mock: Mock, identity: Identity, role: str, warehouse: str) -> Who:
    """A session's owner and names, at its start."""
    mine = identity.user.roles | {EVERYONE}
    usable = mine.intersection(identity.roles) if identity.roles else mine
    return Who(identity.user.name, role, usable, mock.account.name, warehouse, identity.user.warehouses)


def _exactly(name: str) -> str:
    """A name as an identifier that is taken as it is written."""
    return name if name.startswith('"') else '"' + name.replace('"', '""') + '"'


async def _fetch(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`GET /api/v2/statements/{handle}`: the result, one of its partitions, or how it stands."""
    _check_headers(request)
    execution = mock.of_test(request, Executions).find(path[1], request.user)
    if execution is None:
        return _unknown(path[1])
    partition = request.query.get("partition")
    if partition is None or execution.kept is None:
        return _answer(execution, request)
    count = len(execution.kept.partitions)
    if not partition.isdigit() or int(partition) >= count:
        message = f"Partition {partition} does not exist; the result has {count}."
        raise Refusal(400, Code.INVALID_PAYLOAD, message)
    return _answer(execution, request) if int(partition) == 0 else _data_only(execution, int(partition))


async def _cancel(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`POST /api/v2/statements/{handle}/cancel`."""
    _check_headers(request)
    execution = mock.of_test(request, Executions).find(path[1], request.user)
    if execution is None:
        return _unknown(path[1])
    if execution.is_done or execution.task is None:
        error = SqlError(NOT_RUNNING, "57014", "Identified SQL statement is not currently executing.")
        return json_plan(_failure(execution, error, request), 422)
    execution.task.cancel()
    await asyncio.wait((execution.task,))
    return json_plan(_failure(execution, canceled(), request))


def _unknown(handle: str) -> Plan:
    message = f"Statement {handle} not found"
    return json_plan({"code": UNKNOWN_HANDLE, "message": message, "sqlState": "02000", "statementHandle": handle}, 422)


def _request_id(request: Request, execution: Execution) -> str:
    return request.query.get("requestId") or execution.request_id


def _status_url(execution: Execution, request_id: str) -> str:
    return f"{STATEMENTS_PATH}/{execution.handle}?requestId={request_id}"


def _failure(execution: Execution, error: SqlError, request: Request) -> dict[str, Any]:
    return {
        "code": error.code,
        "message": error.message,
        "sqlState": error.sql_state,
        "statementHandle": execution.handle,
        "createdOn": execution.created_ms,
        "statementStatusUrl": _status_url(execution, _request_id(request, execution)),
    }


def _answer(execution: Execution, request: Request) -> Plan:
    """How a statement stands: result, failure, or still running."""
    if execution.error is not None:
        request.entry.end("refused", execution.error.reason)
        return json_plan(
            _failure(execution, execution.error, request), 408 if execution.error.code == TIMED_OUT else 422
        )
    status_url = _status_url(execution, _request_id(request, execution))
    if execution.kept is None:
        code = RUNNING_ASYNC if execution.is_async else RUNNING
        running = {"code": code, "message": _IN_PROGRESS, "statementHandle": execution.handle}
        return json_plan(running | {"statementStatusUrl": status_url}, 202)
    head = json.dumps(_result_set(execution, execution.kept, request), ensure_ascii=False, separators=(",", ":"))
    body = head[:-1].encode() + b',"data":' + execution.kept.partitions[0].rows + b"}"
    headers = {"content-type": "application/json", "link": _links(execution, execution.kept, 0)}
    return Plan(200, headers, (Frame(0.0, body),))


def _result_set(execution: Execution, kept: Kept, request: Request) -> dict[str, Any]:
    request_id = _request_id(request, execution)
    document: dict[str, Any] = {
        "resultSetMetaData": {
            "numRows": kept.row_count,
            "format": "jsonv2",
            "partitionInfo": [partition.info() for partition in kept.partitions],
            "rowType": [row_type(column) for column in kept.columns],
        },
        "code": SUCCESS,
        "statementStatusUrl": _status_url(execution, request_id),
        "requestId": request_id,
        "sqlState": "00000",
        "statementHandle": execution.handle,
        "message": _MULTIPLE if kept.children else "Statement executed successfully.",
        "createdOn": execution.created_ms,
    }
    if kept.children:
        document["statementHandles"] = list(kept.children)
    if kept.counts is not None:
        document["stats"] = dict(kept.counts)
    return document


def row_type(column: Column) -> dict[str, Any]:
    """A column as both the SQL API and the connector are told."""
    return {
        "name": column.name,
        "database": column.database,
        "schema": column.schema,
        "table": column.table,
        "scale": column.scale,
        "precision": column.precision,
        "length": column.length,
        "type": column.type,
        "nullable": column.nullable,
        "byteLength": column.byte_length,
        "collation": None,
    }


def _data_only(execution: Execution, index: int) -> Plan:
    """A partition after the first: rows alone, compressed, whether or not that was asked for."""
    assert execution.kept is not None, "only a finished statement has partitions"
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    headers["link"] = _links(execution, execution.kept, index)
    return Plan(200, headers, (Frame(0.0, execution.kept.partitions[index].compressed),))


def _links(execution: Execution, kept: Kept, index: int) -> str:
    """The `Link` header of a partition, on one line; each link names a request of its own."""
    last = len(kept.partitions) - 1
    targets = {"first": 0, "prev": index - 1, "next": index + 1, "last": last}
    return ",".join(
        f'<{_status_url(execution, str(uuid.uuid4()))}&partition={target}>; rel="{rel}"'
        for rel, target in targets.items()
        if 0 <= target <= last
    )


ROUTES: tuple[Route, ...] = (
    route("POST", STATEMENTS_PATH, _submit, Surface.SQL),
    route("GET", rf"{STATEMENTS_PATH}/{_HANDLE}", _fetch, Surface.SQL),
    route("POST", rf"{STATEMENTS_PATH}/{_HANDLE}/cancel", _cancel, Surface.SQL),
)
