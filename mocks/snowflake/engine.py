"""SQL on the benchmark database: sessions whose statements really run, in threads of their own.

Statements go through fakesnow 0.12.1 on DuckDB, in memory, without files and network. Everybody reads one shared copy
of CORTEX_BENCH_DB; the first statement of a test that changes something gives the test a copy of its own.

What Snowflake does and this does not, each answered with an SQL error that says so: stages, COPY and PUT, procedures
and functions of one's own, DROP DATABASE, EXPLAIN, EXECUTE IMMEDIATE, `$1` columns, TO_CHAR of numbers with a format,
arrays of bindings outside of INSERT ... VALUES, and functions that neither fakesnow nor DuckDB knows.

What differs without an error: VARCHAR lengths are declared and not enforced; times have microseconds; a TIMESTAMP_TZ
keeps its moment and loses its offset; clocks show UTC whatever the session's TIMEZONE, which only formats; computed
numbers are described with 38 digits; a MERGE may need its source as a subquery; privileges are not checked beyond the
roles and warehouses that a user has.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from fixtures.bench.database import FOLDER
from mocks.snowflake.sqlerrors import SqlError, not_installed, timed_out, too_large

if TYPE_CHECKING:
    from mocks.snowflake.dialect import Statement
    from mocks.snowflake.duck import Connection, Database

T = TypeVar("T")

DATABASE, SCHEMA = "CORTEX_BENCH_DB", "SALES"
"""The benchmark user's default namespace."""

WORKERS = 4
MAX_COPIES = 16
"""How many tests have a copy of the data of their own; past it the one unused for longest loses its changes."""

KEPT_RESULTS = 16
"""How many results `RESULT_SCAN` finds."""

MAX_PARAMETERS = 200
TIMEOUT_S = 172_800.0
"""Snowflake's default for STATEMENT_TIMEOUT_IN_SECONDS."""

INTERRUPT_EVERY_S = 0.02

_pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="sql")
_lock = threading.Lock()
_shared: dict[Path, Database] = {}
"""By the folder of their files."""
_owners: OrderedDict[int, weakref.ref[TestData]] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Column:
    """A result column as Snowflake describes it. `type`: lower-case, such as fixed, text or timestamp_ntz."""

    name: str
    type: str
    nullable: bool = True
    precision: int | None = None
    scale: int | None = None
    length: int | None = None
    byte_length: int | None = None
    database: str = ""
    schema: str = ""
    table: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement gave.

    type_id: Snowflake's number for the kind of statement.   counts: rows inserted, updated and deleted, of a DML.
    """

    columns: tuple[Column, ...]
    rows: Sequence[tuple[Any, ...]]
    type_id: int
    counts: Mapping[str, int] | None = None


class Results(OrderedDict[str, Any]):
    """Recent results by query id; past `KEPT_RESULTS` the oldest goes."""

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        while len(self) > KEPT_RESULTS:
            self.popitem(last=False)


class TestData:
    """Which copy of the database a test sees: the shared one, until it changes something.   folder: of the files."""

    __test__ = False  # for pytest, which collects classes of this name

    def __init__(self, folder: Path = FOLDER) -> None:
        self.results = Results()
        self._folder, self._lock = folder, threading.Lock()
        self._own: Database | None = None
        self._was_dropped = False

    def database(self, *, writes: bool) -> Database:
        """The copy to use. Called in worker threads.   Raises: SqlError, once, when the test's own was dropped."""
        from mocks.snowflake.duck import Database  # noqa: PLC0415  # takes seconds

        with self._lock:
            if self._was_dropped:
                self._was_dropped = False
                raise too_large(f"{MAX_COPIES} other tests changed data since; the changes of this one are gone.")
            if self._own is None and writes:
                self._own = Database(self._folder)
            own = self._own
        if own is None:
            with _lock:
                if self._folder not in _shared:
                    _shared[self._folder] = Database(self._folder)
                return _shared[self._folder]
        _remember(self)
        return own

    def drop(self) -> None:
        """Forget the test's own copy, and say so at its next statement."""
        with self._lock:
            self._own, self._was_dropped = None, True


def _remember(data: TestData) -> None:
    """Note that a test used its own copy; the copy of the one unused for longest may go."""
    with _lock:
        _owners[id(data)] = weakref.ref(data)
        _owners.move_to_end(id(data))
        for key in [key for key, owner in _owners.items() if owner() is None]:
            del _owners[key]
        dropped = [_owners.popitem(last=False)[1]() for _ in range(len(_owners) - MAX_COPIES)]
    for owner in dropped:
        if owner is not None:
            owner.drop()


@dataclass(slots=True)
class Who:
    """Whose session it is and where: the names that statements see."""

    user: str
    role: str
    roles: frozenset[str]
    account: str
    warehouse: str = ""
    warehouses: frozenset[str] = frozenset()
    database: str = DATABASE
    schema: str = SCHEMA
    session_id: int = 0
    client: str = ""
    parameters: dict[str, str] = field(default_factory=dict)


class SqlSession:
    """One session: its statements run one after another, in threads, and see what `USE` and `SET` did before them."""

    def __init__(self, data: TestData, who: Who) -> None:
        self.who = who
        self.last_query_id: str | None = None
        self._data = data
        self._line: Connection | None = None
        self._one_at_a_time = asyncio.Lock()

    @property
    def is_executing(self) -> bool:
        """Whether a statement has the session to itself."""
        return self._one_at_a_time.locked()

    async def read(self, text: str, literals: Sequence[str] = ()) -> list[Statement]:
        """The statements of a text with its bindings put in.   Raises: SqlError."""
        return await in_thread(lambda: self._read(text, literals))

    def _read(self, text: str, literals: Sequence[str]) -> list[Statement]:
        from mocks.snowflake import dialect  # noqa: PLC0415  # imports sqlglot

        expanded = self._line.expanded(text) if self._line is not None else text
        return dialect.read(dialect.bind(expanded, literals))

    async def run(
        self,
        statement: Statement,
        query_id: str,
        *,
        timeout_s: float = TIMEOUT_S,
        only_describe: bool = False,
    ) -> Result:
        """The result of one statement; cancelling breaks it off.   Raises: SqlError."""
        try:
            async with asyncio.timeout(timeout_s):
                if not only_describe:
                    await asyncio.sleep(statement.wait_s)
                async with self._one_at_a_time:
                    return await self._execute(statement, query_id, only_describe=only_describe)
        except TimeoutError as error:
            raise timed_out(timeout_s) from error

    async def _execute(self, statement: Statement, query_id: str, *, only_describe: bool) -> Result:
        loop = asyncio.get_running_loop()
        working = loop.run_in_executor(_pool, lambda: self._work(statement, query_id, only_describe=only_describe))
        try:
            return await asyncio.shield(working)
        except ModuleNotFoundError as error:
            raise not_installed(error.name) from error
        except asyncio.CancelledError:
            while not working.done():
                if self._line is not None:
                    self._line.interrupt()
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait((working,), timeout=INTERRUPT_EVERY_S)
            working.exception()  # taken: nobody waits for it any more
            raise

    def _work(self, statement: Statement, query_id: str, *, only_describe: bool) -> Result:
        """In a worker thread: connect where needed, check, run, describe.   Raises: SqlError."""
        from mocks.snowflake import duck  # noqa: PLC0415  # takes seconds

        if not only_describe:
            statement.refuse_without(self.who.warehouse)
        line = self._connected(writes=statement.changes_data and not only_describe)
        line.is_canceled = False
        if statement.session_change is not None:
            self._change(statement.session_change)
            found = duck.SUCCEEDED
        else:
            found = line.run(statement, self._values(statement), query_id, only_describe=only_describe)
        self.who.database, self.who.schema = line.names
        self.last_query_id = query_id
        return duck.described(found)

    def _connected(self, *, writes: bool) -> Connection:
        home = self._data.database(writes=writes)
        if self._line is None or self._line.home is not home:
            before = self._line
            self._line = home.connect(self.who.database, self.who.schema, self._data.results)
            if before is not None:
                self._line.take_variables(before)
                before.close()
        return self._line

    def _change(self, change: Mapping[str, str | None]) -> None:
        """`USE ROLE`, `USE WAREHOUSE`, `ALTER SESSION`.   Raises: SqlError."""
        for name, value in change.items():
            if name == "ROLE":
                self._use_role(value or "")
            elif name == "WAREHOUSE":
                self._use_warehouse(value or "")
            elif value is None:
                self.who.parameters.pop(name, None)
            elif len(self.who.parameters) < MAX_PARAMETERS:
                self.who.parameters[name] = value

    def _use_role(self, role: str) -> None:
        if role not in self.who.roles:
            message = f"SQL access control error:\nRequested role '{role}' is not assigned to the executing user."
            raise SqlError("003013", "42501", f"{message} Specify another role in 'ROLE' option.")
        self.who.role = role

    def _use_warehouse(self, warehouse: str) -> None:
        if warehouse not in self.who.warehouses:
            message = "SQL compilation error:\nObject does not exist, or operation cannot be performed."
            raise SqlError("002043", "02000", message)
        self.who.warehouse = warehouse

    def _values(self, statement: Statement) -> dict[str, str | None]:
        """What context functions return."""
        who = self.who
        organization, _, account = who.account.rpartition("-")
        return {
            "CURRENT_USER": who.user,
            "CURRENT_ROLE": who.role or None,
            "CURRENT_ROLE_TYPE": "ROLE",
            "CURRENT_AVAILABLE_ROLES": json.dumps(sorted(who.roles)),
            "CURRENT_SECONDARY_ROLES": json.dumps({"roles": "", "value": ""}),
            "CURRENT_WAREHOUSE": who.warehouse or None,
            "CURRENT_DATABASE": who.database or None,
            "CURRENT_SCHEMA": who.schema or None,
            "CURRENT_ACCOUNT": account,
            "CURRENT_ACCOUNT_NAME": account,
            "CURRENT_ORGANIZATION_NAME": organization,
            "CURRENT_REGION": "AWS_EU_CENTRAL_1",
            "CURRENT_SESSION": str(who.session_id),
            "CURRENT_CLIENT": who.client,
            "CURRENT_STATEMENT": statement.text,
            "CURRENT_IP_ADDRESS": "127.0.0.1",
            "LAST_QUERY_ID": self.last_query_id,
            "SYSTEM$CLIENT_VERSION_INFO": "[]",  # no client is too old
        }

    def close(self) -> None:
        """Free the connection."""
        if self._line is not None:
            self._line.close()
            self._line = None


async def in_thread(work: Callable[[], T]) -> T:
    """What work returns, done in one of the threads that statements run in.   Raises: SqlError without extra `sql`."""
    try:
        return await asyncio.get_running_loop().run_in_executor(_pool, work)
    except ModuleNotFoundError as error:
        raise not_installed(error.name) from error


async def literals_of(bindings: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Bindings by 1-based position as SQL text.   Raises: SqlError for a gap, or a value that is none of its type."""

    def work() -> list[str]:
        from mocks.snowflake.dialect import literal  # noqa: PLC0415  # imports sqlglot

        numbered = {int(key): each for key, each in bindings.items() if key.isdigit()}
        if sorted(numbered) != list(range(1, len(bindings) + 1)):
            message = "SQL compilation error:\nBind variables are numbered from 1, without gaps."
            raise SqlError("002049", "42601", message)
        return [literal(str(each.get("type", "TEXT")), each.get("value")) for _, each in sorted(numbered.items())]

    return await in_thread(work)
