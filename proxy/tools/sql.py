"""The tool `sql`: one read-only statement through Snowflake's SQL API.

Statements are submitted as asynchronous: the handle comes back at once, so that a statement whose client has left, or
whose time is over, can be cancelled by it. For the same reason the submission itself is not given up when the client
leaves: it takes a moment, and only its answer tells what to cancel. Should that answer be lost, the timeout that went
with the statement ends it.

Trying a submission again is safe: Snowflake runs the statement of one `requestId` once.
"""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import structlog
from pydantic import Field

from contracts.api import FieldError, ProblemType, Scalar, SqlAnswer, SqlColumn, SqlRequest
from contracts.cortex import STATEMENTS_PATH, ErrorBody, Wire
from contracts.telemetry import Surface
from proxy.calls import Call, CallCancelledError
from proxy.cortex import Ask, Reply
from proxy.policies import RetryClass
from proxy.problems import ProblemError
from proxy.settings import Settings
from proxy.sqlguard import SqlRefusedError, check
from proxy.tools.errand import Errand, invalid, read

log = structlog.get_logger(__name__)

QUERY_TAG = "cortex-harness"
HANDLE = re.compile(r"[0-9a-zA-Z-]{1,64}")
RUNNING = 202
FAILED = frozenset({408, 422})
FIRST_WAIT_S, WAIT_GROWTH, LONGEST_WAIT_S = 0.1, 1.5, 2.0
CANCEL_S = 5.0
"""How long a cancellation may take; nobody waits for it any more but a thread."""

PARTITION_MB = 16
"""The smallest size of a partition that Snowflake can be told."""

MAX_PARTITION_BYTES = 2 * PARTITION_MB * 1024 * 1024

FORMATS = {
    "date_output_format": "YYYY-MM-DD",
    "time_output_format": "HH24:MI:SS.FF9",
    "timestamp_ntz_output_format": 'YYYY-MM-DD"T"HH24:MI:SS.FF9',
    "timestamp_ltz_output_format": 'YYYY-MM-DD"T"HH24:MI:SS.FF9TZH:TZM',
    "timestamp_tz_output_format": 'YYYY-MM-DD"T"HH24:MI:SS.FF9TZH:TZM',
    "binary_output_format": "HEX",
}
"""ISO 8601. Without them a date would be a number of days, and a time one of seconds, unless the account says else."""

_MEANINGS = {
    "000604": "The statement was cancelled in Snowflake.",
    "000606": "No warehouse is running for the proxy; set CORTEX_PROXY_WAREHOUSE to one that its role may use.",
    "000630": "The statement took longer than it may; ask for less.",
    "000904": "The statement names a column that does not exist.",
    "001003": "The statement has a syntax error.",
    "002003": "The statement names an object that does not exist, or that the proxy's role may not read.",
}


class StatementStatus(Wire):
    """Snowflake's answer while the statement runs."""

    handle: str = Field(alias="statementHandle", pattern=rf"^{HANDLE.pattern}$")


class RowType(Wire):
    """One column of a result."""

    name: str
    type: str
    nullable: bool | None = None
    precision: int | None = None
    scale: int | None = None


class ResultMetaData(Wire):
    """What a result consists of; the partition that came along is the first."""

    row_count: int = Field(alias="numRows", ge=0)
    columns: list[RowType] = Field(alias="rowType")
    partitions: list[Any] = Field(alias="partitionInfo", default_factory=list)


class Partition(Wire):
    """Rows of a result."""

    data: list[list[str | None]]


class ResultSet(Partition):
    """Snowflake's answer when the statement has succeeded."""

    meta: ResultMetaData = Field(alias="resultSetMetaData")


@dataclass(slots=True)
class Rows:
    """Rows up to a number and a size; the size is that of their JSON."""

    max_rows: int
    max_bytes: int
    taken: list[list[str | None]] = field(default_factory=list)
    _bytes: int = 0

    @property
    def is_full(self) -> bool:
        """Whether no more rows are taken."""
        return len(self.taken) >= self.max_rows or self._bytes > self.max_bytes

    def add(self, rows: list[list[str | None]]) -> None:
        """Take rows until one of the bounds is reached.   Raises: UnicodeEncodeError for a lone surrogate."""
        for row in rows:
            if self.is_full:
                return
            self._bytes += len(json.dumps(row, ensure_ascii=False).encode()) + 1
            if self._bytes <= self.max_bytes:
                self.taken.append(row)


@dataclass(frozen=True, slots=True)
class Result:
    """Rows of a statement, and how many there are in all."""

    columns: list[SqlColumn]
    rows: list[list[str | None]]
    row_count: int
    request_id: str | None


def run(asked: SqlRequest, errand: Errand) -> SqlAnswer:
    """The statement's rows.   Raises: ProblemError, CallCancelledError."""
    try:
        check(asked.statement)
    except SqlRefusedError as error:
        raise ProblemError(ProblemType.SQL_REFUSED, str(error)) from error
    body = statement_body(asked, errand.settings, errand.left_s)
    errand.call.wait(0)  # the last moment at which leaving costs nothing
    submitted = _succeeded(_submit(body, errand))
    handle = read(StatementStatus, submitted.document).handle
    ended = _ended(handle, errand) if submitted.status == RUNNING else submitted
    result = _gathered(handle, _succeeded(ended), errand, Rows(asked.max_rows, errand.settings.max_result_bytes))
    return SqlAnswer(
        columns=result.columns,
        rows=result.rows,
        row_count=result.row_count,
        truncated=len(result.rows) < result.row_count,
        statement_handle=errand.seals.seal(errand.subject, handle),
        request_id=result.request_id,
    )


def fetch(sealed: str, errand: Errand, rows: Rows) -> Result:
    """Rows of a statement that has run before in this session.   Raises: ProblemError, CallCancelledError."""
    handle = errand.seals.unseal(errand.subject, sealed)
    if not HANDLE.fullmatch(handle):
        raise _gone()
    reply = errand.cortex.ask(
        _request(errand, f"/{handle}", method="GET", accepted=FAILED | {200, RUNNING, 404}),
        errand.trace,
        errand.call,
        max_bytes=MAX_PARTITION_BYTES,
    )
    if reply.status != 200:
        raise _gone()
    return _gathered(handle, reply, errand, rows)


def statement_body(asked: SqlRequest, settings: Settings, left_s: float) -> dict[str, Any]:
    """Snowflake's request body.   Raises: ProblemError for a binding that SQL has no number for.

    The browser chooses neither role, warehouse nor database. Their names are case-sensitive here, so they stand as
    Snowflake stores unquoted identifiers.
    """
    context = {
        "database": settings.database,
        "schema": settings.schema_name,
        "warehouse": settings.warehouse,
        "role": settings.role,
    }
    body: dict[str, Any] = {
        "statement": asked.statement,
        "timeout": max(int(left_s), 1),
        **{name: value.upper() for name, value in context.items() if value is not None},
        "parameters": {
            "multi_statement_count": "1",
            "query_tag": QUERY_TAG,
            "client_result_chunk_size": PARTITION_MB,
            **FORMATS,
        },
    }
    if asked.bindings:
        body["bindings"] = {str(number): _binding(value, number) for number, value in enumerate(asked.bindings, 1)}
    return body


def _binding(value: Scalar, number: int) -> dict[str, str | None]:
    if isinstance(value, bool):
        return {"type": "BOOLEAN", "value": "true" if value else "false"}
    if isinstance(value, int):
        return {"type": "FIXED", "value": str(value)}
    if isinstance(value, float):
        if not math.isfinite(value):
            raise invalid(FieldError(pointer=f"/bindings/{number - 1}", detail="is larger than any number"))
        return {"type": "REAL", "value": repr(value)}
    return {"type": "TEXT", "value": value}


def _succeeded(reply: Reply) -> Reply:
    """The reply, unless it says that the statement failed.   Raises: ProblemError in our own words."""
    if reply.status not in FAILED:
        return reply
    try:
        code = ErrorBody.model_validate(reply.document).any_code
    except ValueError:
        code = None
    # Snowflake's message may quote the data that the statement met.
    otherwise = _MEANINGS["000630"] if reply.status == 408 else "What its code means is in Snowflake's documentation."
    raise ProblemError(ProblemType.SQL_FAILED, _MEANINGS.get(code or "", otherwise), upstream_code=code)


def _gone() -> ProblemError:
    detail = "Snowflake does not have this result, or no longer: it keeps one for a day. Run the statement again."
    return ProblemError(ProblemType.RESULT_NOT_FOUND, detail)


# --- the exchange ----------------------------------------------------------------------------------------------------


def _request(errand: Errand, path: str = "", **changed: Any) -> Ask:
    return Ask(
        **{
            "surface": Surface.SQL,
            "path": STATEMENTS_PATH + path,
            "policy": errand.policy,
            "accepted": FAILED | {200, RUNNING},
            "deadline_s": errand.deadline_s,
            **changed,
        }
    )


def _submit(body: dict[str, Any], errand: Errand) -> Reply:
    params = {"requestId": str(uuid.uuid4()), "async": "true", "nullable": "true"}
    wanted = _request(errand, body=body, params=params, again={"retry": "true"})
    undisturbed = Call()
    try:
        return errand.cortex.ask(wanted, errand.trace, undisturbed, max_bytes=MAX_PARTITION_BYTES)
    finally:
        errand.call.retries += undisturbed.retries


def _waits_s() -> Iterator[float]:
    wait_s = FIRST_WAIT_S
    while True:
        yield wait_s
        wait_s = min(wait_s * WAIT_GROWTH, LONGEST_WAIT_S)


def _ended(handle: str, errand: Errand) -> Reply:
    """The answer of a statement that has ended, well or not; one that is not waited for any more is cancelled."""
    wanted = _request(errand, f"/{handle}", method="GET")
    try:
        for wait_s in _waits_s():
            errand.call.wait(min(wait_s, errand.left_s))
            errand.check_deadline()
            reply = errand.cortex.ask(wanted, errand.trace, errand.call, max_bytes=MAX_PARTITION_BYTES)
            if reply.status != RUNNING:
                return reply
    except (ProblemError, CallCancelledError):
        _cancel(handle, errand)
        raise
    raise AssertionError("waits never end")


def _cancel(handle: str, errand: Errand) -> None:
    """The statement was told to stop, if that was possible in time."""
    times = dict.fromkeys(("header_timeout_s", "idle_timeout_s", "deadline_s"), CANCEL_S)
    policy = errand.policy.model_copy(update={**times, "retry": RetryClass.IDEMPOTENT})
    params = {"requestId": str(uuid.uuid4())}
    wanted = _request(errand, f"/{handle}/cancel", policy=policy, params=params, deadline_s=None)
    try:
        errand.cortex.ask(wanted, errand.trace, Call())  # the client's departure may have cancelled the errand's own
    except ProblemError as problem:
        log.warning("a statement could not be cancelled", surface=Surface.SQL, problem=problem.kind)


def _gathered(handle: str, first: Reply, errand: Errand, rows: Rows) -> Result:
    """The result's rows within the bounds, and not a partition more than they need."""
    found = read(ResultSet, first.document)
    _take(found.data, found.meta.columns, rows)
    for number in range(1, len(found.meta.partitions)):
        if rows.is_full:
            break
        errand.check_deadline()
        params = {"partition": str(number)}
        wanted = _request(errand, f"/{handle}", method="GET", params=params, accepted=frozenset({200}))
        reply = errand.cortex.ask(wanted, errand.trace, errand.call, max_bytes=MAX_PARTITION_BYTES)
        _take(read(Partition, reply.document).data, found.meta.columns, rows)
    return Result(
        columns=[
            SqlColumn(
                name=column.name,
                type=column.type.lower(),
                nullable=column.nullable is not False,
                precision=column.precision,
                scale=column.scale,
            )
            for column in found.meta.columns
        ],
        rows=rows.taken,
        row_count=max(found.meta.row_count, len(rows.taken)),
        request_id=first.request_id,
    )


def _take(partition: list[list[str | None]], columns: list[RowType], rows: Rows) -> None:
    """The partition's rows are taken as far as there is room.   Raises: ProblemError when they are no such rows."""
    if any(len(row) != len(columns) for row in partition):
        detail = f"Snowflake's answer has {len(columns)} columns, and rows of another width."
        raise ProblemError(ProblemType.UPSTREAM_PROTOCOL, detail)
    try:
        "".join(column.name for column in columns).encode()
        rows.add(partition)
    except UnicodeEncodeError as error:
        raise ProblemError(ProblemType.UPSTREAM_PROTOCOL, "Snowflake's answer holds text that is no text.") from error
