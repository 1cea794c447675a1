"""What Snowflake's connectors need: login, queries with JSON rows, results by query id, renewal, logout.

Every answer is a connector's envelope: `{"data", "code", "message", "success"}` with status 200, errors included. Rows
come as JSON (`queryResultFormat` json), also to clients that would rather have Arrow, and all at once.

Source: snowflake-connector-python 4.8.1 and 5.2.0, which are what reads this.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from contracts.cortex import Code, TokenType, Wire
from mocks.cassette import Frame
from mocks.faults import Plan
from mocks.matching import identifier
from mocks.request import INVALID_PAYLOAD, Refusal, Request, json_plan
from mocks.route import Handler, Route, Surface, route
from mocks.snowflake import cells
from mocks.snowflake.auth import AuthError, Identity, session_token
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
from mocks.snowflake.sessions import MASTER_S, Session, SessionError
from mocks.snowflake.sqlerrors import SqlError
from mocks.snowflake.statements import row_type, who_of
from mocks.state import Mock

if TYPE_CHECKING:
    from mocks.snowflake.dialect import Statement

WRONG_CREDENTIALS = "390100"
RUNNING = "333333"
RUNNING_ASYNC = "333334"
NOT_RUNNING = "000605"
UNKNOWN_QUERY = "000709"
COUNT_DIFFERS = "000008"
SERVER_VERSION = "10.39.0"
MAX_BATCH_ROWS = 20_000

_KINDS = {
    "SNOWFLAKE_JWT": TokenType.KEYPAIR_JWT,
    "OAUTH": TokenType.OAUTH,
    "PROGRAMMATIC_ACCESS_TOKEN": TokenType.PAT,
    "PAT_WITH_EXTERNAL_SESSION": TokenType.PAT,
}
_QUERY_ID = r"([^/]+)"


class LoginData(Wire):
    """What a login is about; password logins are refused, whatever they say."""

    account_name: str = Field(default="", alias="ACCOUNT_NAME")
    login_name: str = Field(default="", alias="LOGIN_NAME")
    authenticator: str = Field(default="SNOWFLAKE", alias="AUTHENTICATOR")
    token: str = Field(default="", alias="TOKEN", repr=False)
    client: str = Field(default="", alias="CLIENT_APP_ID")
    version: str = Field(default="", alias="CLIENT_APP_VERSION")
    session_parameters: dict[str, Any] = Field(default_factory=dict, alias="SESSION_PARAMETERS")


class LoginRequest(Wire):
    """Body of a login."""

    data: LoginData


class BindingValue(Wire):
    """One placeholder's value, or those of all rows of a batch."""

    type: str = "TEXT"
    value: Any = None


class QueryRequest(Wire):
    """Body of a query."""

    sql: str = Field(alias="sqlText")
    is_async: bool = Field(default=False, alias="asyncExec")
    only_describe: bool = Field(default=False, alias="describeOnly")
    bindings: dict[str, BindingValue] | None = None
    parameters: dict[str, Any] | None = None

    def setting(self, name: str) -> str:
        """A parameter as text; empty when it is not given."""
        for key, value in (self.parameters or {}).items():
            if key.upper() == name:
                return str(value)
        return ""


class RenewRequest(Wire):
    """Body of a renewal."""

    old_token: str = Field(default="", alias="oldSessionToken", repr=False)


class AbortRequest(Wire):
    """Body of an abort: which request started the statement."""

    request_id: str = Field(default="", alias="requestId")


class _Held:
    """What a session keeps: its SQL session, once it asked something."""

    def __init__(self) -> None:
        self.sql: SqlSession | None = None
        self.parameters: dict[str, str] = {}
        self.client = ""


def _envelope(data: Any, code: str | None = None, message: str | None = None, *, success: bool = True) -> Plan:
    return json_plan({"data": data, "code": code, "message": message, "success": success, "headers": None})


def _answering(handler: Handler) -> Handler:
    """The handler with refusals put into envelopes; a connector reads nothing else."""

    async def answer(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
        try:
            return await handler(mock, request, path)
        except (AuthError, SessionError) as error:
            request.entry.end("refused", error.reason)
            return _envelope(None, str(error.code), error.message, success=False)
        except Refusal as refusal:
            request.entry.end("refused", refusal.message)
            return _envelope(None, str(refusal.code), refusal.message, success=False)

    return answer


def _session(mock: Mock, request: Request) -> Session:
    """The session of the request's token.   Raises: SessionError."""
    session = mock.sessions.find(session_token(request.headers.get("authorization")) or "")
    request.entry.user = session.user
    return session


async def _login(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`POST /session/v1/login-request`."""
    try:
        data = LoginRequest.model_validate_json(request.body or b"{}").data
    except ValidationError as error:
        raise Refusal(400, Code.INVALID_PAYLOAD, INVALID_PAYLOAD) from error
    identity = _identity(mock, data)
    mock.gate.check_network(request.client)
    asked = {key: request.query.get(key, "") for key in ("roleName", "warehouse", "databaseName", "schemaName")}
    role = identity.role_for(asked["roleName"])
    try:
        warehouse = identity.warehouse_for(asked["warehouse"])
    except AuthError:
        warehouse = ""  # a name that does not exist is simply not set, as `sessionInfo` then shows
    database = identifier(asked["databaseName"]) if asked["databaseName"] else DATABASE
    named = identifier(asked["schemaName"]) if asked["schemaName"] else ""
    schema = named or ("PUBLIC" if asked["databaseName"] else SCHEMA)
    database, schema = await _existing(mock.of_test(request, TestData, mock.options.data), database, schema)
    user = identity.user.name
    tokens = mock.sessions.open(user, role, warehouse, database=database, schema=schema, roles=identity.roles)
    session = mock.sessions.find(tokens.token)
    held = session.part(_Held)
    held.parameters = {name.upper(): str(value) for name, value in data.session_parameters.items()}
    held.client = f"{data.client} {data.version}".strip()
    request.entry.user = user
    return _envelope(_logged_in(mock, session, held, tokens.token, tokens.master_token))


def _identity(mock: Mock, data: LoginData) -> Identity:
    """Who logs in.   Raises: AuthError."""
    authenticator = data.authenticator.upper()
    if authenticator in ("SNOWFLAKE", "USERNAME_PASSWORD_MFA"):
        reason = "passwords are not accepted; log in with a key pair, a programmatic access token or OAuth"
        raise AuthError(WRONG_CREDENTIALS, "Incorrect username or password was specified.", reason)
    kind = _KINDS.get(authenticator)
    if kind is None:
        message = "The specified authenticator is not accepted by your Snowflake account configuration."
        raise AuthError(Code.AUTHENTICATOR_REFUSED, message, f"authenticator {authenticator!r}: none here uses it")
    identity = mock.gate.identify_token(data.token, kind)
    if data.login_name and identifier(data.login_name) != identity.user.name:
        reason = f"the token is of {identity.user.name}, the login of {data.login_name!r}"
        raise AuthError(WRONG_CREDENTIALS, "Incorrect username or password was specified.", reason)
    return identity


async def _existing(data: TestData, database: str, schema: str) -> tuple[str, str]:
    """The names as far as they exist."""

    def look() -> tuple[str, str]:
        home = data.database(writes=False)
        if not home.has(database):
            return "", ""
        return database, schema if home.has(database, schema) else ""

    try:
        return await in_thread(look)
    except SqlError:
        return database, schema  # where no SQL runs, a login still opens the REST endpoints


def _logged_in(mock: Mock, session: Session, held: _Held, token: str, master_token: str) -> dict[str, Any]:
    return {
        "token": token,
        "masterToken": master_token,
        "validityInSeconds": int(mock.sessions.session_s),
        "masterValidityInSeconds": int(mock.sessions.master_s),
        "displayUserName": session.user,
        "serverVersion": SERVER_VERSION,
        "firstLogin": False,
        "remMeToken": None,
        "remMeValidityInSeconds": 0,
        "healthCheckInterval": 45,
        "newClientForUpgrade": None,
        "sessionId": session.id,
        "parameters": _parameters(held.parameters),
        "sessionInfo": {
            "databaseName": session.database or None,
            "schemaName": session.schema or None,
            "warehouseName": session.warehouse or None,
            "roleName": session.role,
        },
        "idToken": None,
        "idTokenValidityInSeconds": 0,
        "responseData": None,
        "mfaToken": None,
        "mfaTokenValidityInSeconds": 0,
    }


_DEFAULTS: Mapping[str, object] = {
    "AUTOCOMMIT": True,
    "TIMEZONE": "Etc/UTC",
    "CLIENT_TELEMETRY_ENABLED": False,
    "CLIENT_SESSION_KEEP_ALIVE": False,
    "CLIENT_RESULT_CHUNK_SIZE": 160,
    "CLIENT_PREFETCH_THREADS": 4,
    "CLIENT_STAGE_ARRAY_BINDING_THRESHOLD": 0,
    "PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": "JSON",
    "SERVICE_NAME": "",
}
"""What a session is told at its start; the threshold keeps batches out of stages, which the stand-in has not."""


def _parameters(own: Mapping[str, str]) -> list[dict[str, object]]:
    given = {name: _typed(value) for name, value in own.items()}
    return [{"name": name, "value": value} for name, value in {**_DEFAULTS, **given}.items()]


def _typed(value: str) -> object:
    """A parameter as JSON has it: connectors count with numbers."""
    if value.lower() in ("true", "false"):
        return value.lower() == "true"
    return int(value) if re.fullmatch(r"-?\d{1,18}", value) else value


async def _renew(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`POST /session/token-request`: a new session token for the master token."""
    old = request.parse(RenewRequest).old_token
    tokens = mock.sessions.renew(old, session_token(request.headers.get("authorization")) or "")
    data = {
        "sessionToken": tokens.token,
        "validityInSecondsST": int(mock.sessions.session_s),
        "masterToken": tokens.master_token,
        "validityInSecondsMT": int(MASTER_S),
        "sessionId": mock.sessions.find(tokens.token).id,
    }
    return _envelope(data)


async def _heartbeat(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`POST /session/heartbeat`: the master token's time begins anew."""
    mock.sessions.keep_alive(session_token(request.headers.get("authorization")) or "")
    return _envelope(None)


async def _end(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`POST /session?delete=true`: the session ends; without `delete` nothing does."""
    session = _session(mock, request)
    if request.query.get("delete", "").lower() == "true":
        held = session.part(_Held)
        if held.sql is not None:
            held.sql.close()
        mock.sessions.close(session_token(request.headers.get("authorization")) or "")
    return _envelope(None)


async def _accept(_mock: Mock, _request: Request, _path: re.Match[str]) -> Plan:
    """`POST /telemetry/send`: taken and dropped."""
    return _envelope("Log Received")


async def _refuse_authenticator(_mock: Mock, _request: Request, _path: re.Match[str]) -> Plan:
    """`POST /session/authenticator-request`: no identity provider here."""
    message = "The specified authenticator is not accepted by your Snowflake account configuration."
    raise Refusal(200, Code.AUTHENTICATOR_REFUSED, message)


async def _query(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`POST /queries/v1/query-request`: the rows, or where to ask for them when it takes too long."""
    session = _session(mock, request)
    asked = request.parse(QueryRequest)
    executions = mock.of_test(request, Executions)
    request_id = request.query.get("requestId") or str(uuid.uuid4())
    execution = executions.resubmitted(session.user, request_id)
    if execution is None:
        sql = _sql_session(mock, request, session)
        execution = executions.open(session.user, request_id, is_async=asked.is_async)
        work = _Work(executions, session, sql, asked)
        execution.task = asyncio.create_task(carry_out(execution, work.all(execution)))
    if not asked.is_async and execution.task is not None:
        await asyncio.wait((execution.task,), timeout=mock.options.assume.sql_wait_s)
    return _answer(execution, session, request)


def _sql_session(mock: Mock, request: Request, session: Session) -> SqlSession:
    held = session.part(_Held)
    if held.sql is None:
        user = mock.account.users.get(session.user)
        if user is None:
            raise AuthError(Code.LOGIN_AGAIN, "User must login again to access the service.", "the user is no more")
        identity = Identity(user, session.role, session.warehouse, session.roles)
        who: Who = who_of(mock, identity, session.role, session.warehouse)
        who.database, who.schema, who.session_id = session.database, session.schema, session.id
        who.client, who.parameters = held.client, dict(held.parameters)
        held.sql = SqlSession(mock.of_test(request, TestData, mock.options.data), who)
    return held.sql


@dataclass(frozen=True, slots=True)
class _Work:
    """What it takes to run a query of a session."""

    executions: Executions
    session: Session
    sql: SqlSession
    asked: QueryRequest

    async def all(self, execution: Execution) -> Kept:
        """The rows of one statement, or the ids of several.   Raises: SqlError."""
        bindings = {key: each.model_dump() for key, each in (self.asked.bindings or {}).items()}
        if any(isinstance(each.get("value"), list) for each in bindings.values()):
            return await self._batch(bindings, execution.handle)
        text = self.asked.sql
        if self.asked.only_describe and not bindings:
            statements = await self.sql.read(text, ["NULL"] * text.count("?"))
        else:
            statements = await self.sql.read(text, await literals_of(bindings))
        wanted = self.asked.setting("MULTI_STATEMENT_COUNT") or "1"
        if wanted.isdigit() and int(wanted) not in (0, len(statements)):
            message = f"Actual statement count {len(statements)} did not match the desired statement count {wanted}."
            raise SqlError(COUNT_DIFFERS, "0A000", message)
        if len(statements) == 1:
            return await self._one(statements[0], execution.handle)
        return await self._several(statements, execution)

    async def _several(self, statements: Sequence[Statement], parent: Execution) -> Kept:
        handles = []
        for statement in statements:
            child = self.executions.open(parent.owner, str(uuid.uuid4()))
            child.task = parent.task
            handles.append(child.handle)
            await carry_out(child, self._one(statement, child.handle))
            if child.error is not None:
                raise child.error
        text = "Multiple statements executed successfully."
        kept = _kept(Result((Column("multiple statement execution", "text"),), [(text,)], 0xA000))
        return Kept(kept.columns, kept.partitions, type_id=kept.type_id, children=tuple(handles))

    async def _one(self, statement: Statement, handle: str) -> Kept:
        timeout = self.asked.setting("STATEMENT_TIMEOUT_IN_SECONDS") or self.sql.who.parameters.get(
            "STATEMENT_TIMEOUT_IN_SECONDS", ""
        )
        timeout_s = float(timeout) if timeout.isdigit() and int(timeout) else TIMEOUT_S
        result = await self.sql.run(statement, handle, timeout_s=timeout_s, only_describe=self.asked.only_describe)
        self._follow()
        if self.asked.only_describe:
            result = Result(result.columns, (), result.type_id)
        return await in_thread(lambda: _kept(result))

    async def _batch(self, bindings: Mapping[str, Mapping[str, Any]], handle: str) -> Kept:
        """An INSERT of many rows at once: one statement, one count."""
        columns = [bindings[str(number)] for number in range(1, len(bindings) + 1) if str(number) in bindings]
        rows = list(zip(*[each["value"] for each in columns], strict=False))
        if len(columns) != len(bindings) or len(rows) > MAX_BATCH_ROWS:
            raise SqlError("002049", "42601", f"SQL compilation error:\nA batch has at most {MAX_BATCH_ROWS} rows.")
        kinds = [str(each.get("type", "TEXT")) for each in columns]

        def expanded() -> str:
            from mocks.snowflake import dialect  # noqa: PLC0415  # imports sqlglot

            return dialect.insert_of(
                self.asked.sql,
                [[dialect.literal(kind, cell) for kind, cell in zip(kinds, row, strict=True)] for row in rows],
            )

        statements = await self.sql.read(await in_thread(expanded))
        return await self._one(statements[0], handle)

    def _follow(self) -> None:
        """`USE` changed the session for the REST endpoints, too."""
        who, session = self.sql.who, self.session
        session.role, session.warehouse = who.role, who.warehouse
        session.database, session.schema = who.database, who.schema


def _kept(result: Result) -> Kept:
    """The result as a connector reads it: one partition, booleans as digits."""
    encoded = cells.encode(result.rows, cells.encoders(result.columns, {}, true="1", false="0"))
    return Kept(result.columns, partitioned(encoded, sys.maxsize), result.counts, result.type_id)


def _answer(execution: Execution, session: Session, request: Request) -> Plan:
    """How a query stands: rows, error, or still running."""
    if execution.error is not None:
        request.entry.end("refused", execution.error.reason)
        return _failed(execution, execution.error)
    if execution.kept is None:
        data = {
            "queryId": execution.handle,
            "getResultUrl": f"/queries/{execution.handle}/result",
            "queryAbortsAfterSecs": 300,
            "progressDesc": None,
        }
        return _envelope(data, RUNNING_ASYNC if execution.is_async else RUNNING, "Query execution in progress")
    return _rows(execution, execution.kept, session)


def _failed(execution: Execution, error: SqlError) -> Plan:
    data = {
        "internalError": False,
        "errorCode": error.code,
        "age": 0,
        "sqlState": error.sql_state,
        "queryId": execution.handle,
        "line": -1,
        "pos": -1,
        "type": "COMPILATION" if error.message.startswith("SQL compilation error") else "EXECUTION",
    }
    return _envelope(data, error.code, error.message, success=False)


def _rows(execution: Execution, kept: Kept, session: Session) -> Plan:
    held = session.part(_Held)
    own = held.sql.who.parameters if held.sql is not None else held.parameters
    data: dict[str, Any] = {
        "parameters": _parameters(own),
        "rowtype": [row_type(column) for column in kept.columns],
        "total": kept.row_count,
        "returned": kept.row_count,
        "queryId": execution.handle,
        "databaseProvider": None,
        "finalDatabaseName": session.database or None,
        "finalSchemaName": session.schema or None,
        "finalWarehouseName": session.warehouse or None,
        "finalRoleName": session.role,
        "numberOfBinds": 0,
        "arrayBindSupported": kept.type_id == 0x3100,
        "statementTypeId": kept.type_id,
        "version": 1,
        "sendResultTime": execution.created_ms,
        "queryResultFormat": "json",
    }
    if kept.children:
        data |= {"resultIds": ",".join(kept.children), "resultTypes": ",".join("0" for _ in kept.children)}
    if kept.counts is not None:
        data["stats"] = dict(kept.counts)
    head = json.dumps(data, ensure_ascii=False, separators=(",", ":"))[:-1].encode()
    body = b'{"data":' + head + b',"rowset":' + kept.partitions[0].rows
    body += b'},"code":null,"message":null,"success":true,"headers":null}'
    return Plan(200, {"content-type": "application/json"}, (Frame(0.0, body),))


async def _result(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`GET /queries/{id}/result`: waits for it as a query does."""
    session = _session(mock, request)
    execution = mock.of_test(request, Executions).find(path[1], session.user)
    if execution is None:
        return _envelope(None, UNKNOWN_QUERY, f"Statement {path[1]} not found", success=False)
    if execution.task is not None:
        await asyncio.wait((execution.task,), timeout=mock.options.assume.sql_wait_s)
    return _answer(execution, session, request)


async def _status(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`GET /monitoring/queries/{id}`: how a query stands, without its rows; connector 5 doubles a slash."""
    session = _session(mock, request)
    execution = mock.of_test(request, Executions).find(path[1], session.user)
    if execution is None:
        return _envelope({"queries": []})
    query: dict[str, Any] = {"id": execution.handle, "sessionId": session.id, "startTime": execution.created_ms}
    if execution.error is not None:
        query |= {"status": "FAILED_WITH_ERROR", "errorCode": execution.error.code}
        query |= {"errorMessage": execution.error.message}
    else:
        query["status"] = "RUNNING" if execution.kept is None else "SUCCESS"
    return _envelope({"queries": [query]})


async def _abort(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`POST /queries/v1/abort-request` by request id, and `POST /queries/{id}/abort-request`."""
    session = _session(mock, request)
    executions = mock.of_test(request, Executions)
    if path[1] == "v1":
        execution = executions.resubmitted(session.user, request.parse(AbortRequest).request_id)
    else:
        execution = executions.find(path[1], session.user)
    if execution is None or execution.is_done or execution.task is None:
        message = "Identified SQL statement is not currently executing."
        return _envelope(None, NOT_RUNNING, message, success=False)
    execution.task.cancel()
    await asyncio.wait((execution.task,))
    return _envelope(None)


def _public(methods: str, path: str, handler: Handler, surface: Surface) -> Route:
    """A route that checks credentials itself, for a connector reads refusals in envelopes alone."""
    return route(methods, path, _answering(handler), surface, public=True)


ROUTES: tuple[Route, ...] = (
    _public("POST", r"/queries/v1/query-request", _query, Surface.SQL),
    _public("GET", rf"/queries/{_QUERY_ID}/result", _result, Surface.SQL),
    _public("POST", rf"/queries/{_QUERY_ID}/abort-request", _abort, Surface.SQL),
    _public("GET", rf"/monitoring/queries/+{_QUERY_ID}", _status, Surface.SQL),
    _public("POST", r"/session/v1/login-request", _login, Surface.LOGIN),
    _public("POST", r"/session/token-request", _renew, Surface.LOGIN),
    _public("POST", r"/session/heartbeat", _heartbeat, Surface.LOGIN),
    _public("POST", r"/session/authenticator-request", _refuse_authenticator, Surface.LOGIN),
    _public("POST", r"/session", _end, Surface.LOGIN),
    _public("POST", r"/telemetry/send(?:/.*)?", _accept, Surface.LOGIN),
)
