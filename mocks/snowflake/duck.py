"""The benchmark database inside fakesnow and DuckDB: copies of it, connections to it, rows out of it.

Imports fakesnow, which takes a second or more: for worker threads only, on first use.

fakesnow's parts are used below its own cursor's `execute`, so that statements come parsed and results leave as rows.
A copy reaches no file and no network once it is filled, and its settings are locked then.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import snowflake.connector
from fakesnow.conn import FakeSnowflakeConnection
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.instance import FakeSnow
from fakesnow.statement_type import statement_type_id
from sqlglot import exp

from fixtures.bench import database as bench
from mocks.snowflake import dialect
from mocks.snowflake.dialect import DIVIDE, Catalog, Hint, Origin, Statement
from mocks.snowflake.engine import Column, Result, Results
from mocks.snowflake.sqlerrors import SqlError, canceled, not_found, too_large, translate, unsupported

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of each statement that it keeps as text

MAX_ROWS = 100_000
MAX_BYTES = 64 * 1024 * 1024
BATCH_ROWS = 256
CELL_BYTES = 64
MAX_WORDS = 200
MEMORY_MB, MEMORY_PER_DATA_MB = 256, 6
"""What a database may take, and what it may take more for each MB of its files."""

SCANNED_BYTES = 4 * 1024 * 1024
"""Larger results are not kept for `RESULT_SCAN`."""

_NUMERIC_AGGREGATES = (exp.Sum, exp.Avg, exp.Median, exp.Stddev, exp.Variance)


@dataclass(frozen=True, slots=True)
class Rows:
    """A result as DuckDB gave it.

    columns_found: name and DuckDB type of each column.   size: bytes in memory, roughly.
    """

    columns_found: tuple[tuple[str, str], ...]
    rows: list[tuple[Any, ...]]
    size: int = 0

    @property
    def num_rows(self) -> int:
        """As an Arrow table says it: fakesnow asks."""
        return len(self.rows)

    @property
    def columns(self) -> list[list[_Cell]]:
        """As an Arrow table has them: fakesnow adds up the counts of a MERGE."""
        return [[_Cell(row[index]) for row in self.rows] for index in range(len(self.columns_found))]


@dataclass(frozen=True, slots=True)
class _Cell:
    value: Any

    def as_py(self) -> Any:
        """The value itself."""
        return self.value


class _Line:
    """A DuckDB connection whose results leave as rows, within bounds; all else is the connection's own."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def to_arrow_table(self) -> Rows:
        """Where fakesnow asks for Arrow.   Raises: SqlError for a result past the bounds."""
        described = tuple((str(column[0]), str(column[1])) for column in self._connection.description or ())
        rows: list[tuple[Any, ...]] = []
        size = 0
        while batch := self._connection.fetchmany(BATCH_ROWS):
            rows += batch
            size += sum(len(cell) for row in batch for cell in row if isinstance(cell, str | bytes))
            if len(rows) > MAX_ROWS:
                raise too_large(f"a result has at most {MAX_ROWS} rows. Add a LIMIT.")
            if size > MAX_BYTES:
                raise too_large(f"a result has at most {MAX_BYTES} bytes. Add a LIMIT.")
        return Rows(described, rows, size + len(rows) * len(described) * CELL_BYTES)


class _Cursor(FakeSnowflakeCursor):
    """fakesnow's cursor, given parsed statements."""

    def run(self, expression: Any) -> Rows:
        """Execute one statement; numbers are added up as numbers, and as text only where that fails."""
        self.check_db_and_schema(expression)
        for part in self._transform_explode(expression):
            transformed = self._transform(part.copy(), None)
            is_exact = _drop_casts(transformed, part)
            try:
                self._execute(transformed)
            except snowflake.connector.errors.ProgrammingError:
                if not is_exact:
                    raise
                self._execute(self._transform(part.copy(), None))
        table: Any = self._arrow_table
        assert isinstance(table, Rows), "rows come from _Line"
        return table


def _drop_casts(transformed: Any, original: Any) -> bool:
    """Remove the casts to DOUBLE that fakesnow puts around what is added up; whether there were any."""
    if any(isinstance(each.this, exp.TryCast) for each in original.find_all(*_NUMERIC_AGGREGATES)):
        return False
    cast = [each for each in transformed.find_all(*_NUMERIC_AGGREGATES) if isinstance(each.this, exp.TryCast)]
    for each in cast:
        each.set("this", each.this.this)
    return bool(cast)


class Database:
    """One copy of the benchmark data, as fakesnow holds it.   folder: of its files."""

    def __init__(self, folder: Path = bench.FOLDER) -> None:
        self._fake = FakeSnow()
        self._lock = threading.Lock()
        self._catalog: Catalog | None = None
        root = self._fake.duck_conn
        root.execute("SET threads = 1")
        root.execute("SET temp_directory = ''")  # what does not fit into memory fails, instead of filling a disk
        root.execute("SET GLOBAL python_enable_replacements = false")
        data_mb = sum(path.stat().st_size for path in bench.files(folder)) // 2**20
        root.execute(f"SET memory_limit = '{MEMORY_MB + MEMORY_PER_DATA_MB * data_mb}MB'")
        connection = self._connection(None, None, Results(), create=(bench.DATABASE, bench.SCHEMA))
        bench.fill_fakesnow(connection, folder)
        root.execute(f"CREATE SCHEMA {bench.DATABASE}.PUBLIC")
        root.execute(
            f"CREATE MACRO {DIVIDE}(a, b) AS CASE WHEN b = 0 THEN error('Division by zero')::INTEGER / 1 ELSE a / b END"
        )
        root.execute("SET enable_external_access = false")
        root.execute("SET lock_configuration = true")

    def _connection(
        self,
        database: str | None,
        schema: str | None,
        results: dict[str, Any],
        create: tuple[str, str] | None = None,
    ) -> Any:
        names = create or (database, schema)
        line: Any = _Line(self._fake.duck_conn.cursor())
        if create is None:  # where fakesnow's macros are found without a current database, too
            line.execute(f"SET schema = '{bench.DATABASE}.main'")
        return FakeSnowflakeConnection(
            line,
            results,
            *names,
            create_database=create is not None,
            create_schema=create is not None,
            paramstyle="qmark",
        )

    def has(self, database: str, schema: str = "") -> bool:
        """Whether there is such a database, or schema in it; names are compared as they are."""
        with self._lock, self._fake.duck_conn.cursor() as cursor:
            found = cursor.execute(
                "SELECT 1 FROM information_schema.schemata WHERE catalog_name = ? AND schema_name IN (?, 'main')"
                " AND (schema_name = ? OR ? = '') LIMIT 1",
                [database, schema, schema, schema],
            ).fetchone()
        return found is not None and not database.startswith("_fs")

    def connect(self, database: str, schema: str, results: Results) -> Connection:
        """A connection whose current names are these, as far as they exist."""
        known = database if database and self.has(database) else None
        inner = schema if known and schema and self.has(database, schema) else None
        return Connection(self, self._connection(known, inner, results), results)

    def catalog(self) -> Catalog:
        """Every table's columns with their declared types."""
        with self._lock:
            if self._catalog is None:
                self._catalog = _read_catalog(self._fake.duck_conn)
            return self._catalog

    def forget_catalog(self) -> None:
        """The next `catalog()` looks again: a statement changed a table."""
        with self._lock:
            self._catalog = None


_COLUMNS = """
SELECT c.database_name, c.schema_name, c.table_name, c.column_name, c.data_type, c.is_nullable,
  e.ext_character_maximum_length, c.numeric_precision, c.numeric_scale
FROM duckdb_columns() c
LEFT JOIN _fs_global._fs_information_schema._fs_columns_ext e
  ON e.ext_table_catalog = c.database_name AND e.ext_table_schema = c.schema_name
  AND e.ext_table_name = c.table_name AND e.ext_column_name = c.column_name
WHERE NOT c.internal AND c.database_name NOT IN ('_fs_global', 'memory', 'system', 'temp')
  AND c.schema_name NOT LIKE '\\_fs%' ESCAPE '\\'
ORDER BY c.database_name, c.schema_name, c.table_name, c.column_index
"""


def _read_catalog(root: duckdb.DuckDBPyConnection) -> Catalog:
    found: dict[str, dict[str, dict[str, dict[str, tuple[str, Origin]]]]] = {}
    with root.cursor() as cursor:
        for database, schema, table, column, kind, nullable, length, precision, scale in cursor.execute(
            _COLUMNS
        ).fetchall():
            is_decimal = kind.startswith("DECIMAL")
            origin = Origin(
                database, schema, table, nullable, length, precision if is_decimal else None, scale if is_decimal else 0
            )
            declared = "NUMBER(38, 0)" if kind in ("BIGINT", "INTEGER", "HUGEINT") else _SNOWFLAKE.get(kind, kind)
            tables = found.setdefault(database, {}).setdefault(schema, {})
            tables.setdefault(table, {})[column] = (declared, origin)
    return found


_SNOWFLAKE = {
    "VARCHAR": "VARCHAR",
    "DOUBLE": "FLOAT",
    "JSON": "VARIANT",
    "BLOB": "BINARY",
    "TIMESTAMP": "TIMESTAMP_NTZ",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP_TZ",
}


@dataclass(frozen=True, slots=True)
class Executed:
    """What a statement gave: rows, the text's hints about their columns, and Snowflake's statement type."""

    found: Rows
    hints: list[Hint]
    type_id: int


class Connection:
    """A session's connection to a copy. For one thread at a time; `interrupt` may come from any."""

    def __init__(self, database: Database, fake: Any, results: Results) -> None:
        self.home, self._fake, self.results = database, fake, results
        self.is_canceled = False

    @property
    def names(self) -> tuple[str, str]:
        """The current database and schema, empty where there is none."""
        fake = self._fake
        return (fake.database if fake.database_set else "") or "", (fake.schema if fake.schema_set else "") or ""

    def interrupt(self) -> None:
        """Break off what runs, and refuse what is about to."""
        self.is_canceled = True
        self._fake._duck_conn.interrupt()  # fakesnow has no door to it

    def expanded(self, text: str) -> str:
        """The text with the session's variables put in.   Raises: SqlError."""
        try:
            expanded: str = self._fake.variables.inline_variables(text)
        except snowflake.connector.errors.Error as error:
            raise translate(error, lambda _name: "") from error
        return expanded

    def run(self, statement: Statement, values: Mapping[str, str | None], query_id: str, *, only_describe: bool) -> Any:
        """Execute one statement.   Raises: SqlError."""
        try:
            return self._run(statement, values, query_id, only_describe=only_describe)
        except SqlError:
            raise
        except RecursionError as error:
            raise too_large("the statement is nested too deeply.") from error
        except NotImplementedError as error:
            raise unsupported(str(error)[:MAX_WORDS]) from error
        except duckdb.InterruptException as error:
            raise canceled() from error
        except Exception as error:  # whatever the machinery says becomes one of Snowflake's errors
            raise translate(error, lambda name: dialect.position(statement.text, name)) from error

    def _run(
        self, statement: Statement, values: Mapping[str, str | None], query_id: str, *, only_describe: bool
    ) -> Any:
        catalog = self.home.catalog()
        type_id = 0x1000 if isinstance(statement.expression, exp.Query) else statement_type_id(statement.expression)
        self._check_use(statement.expression)
        dialect.rewrite(statement, values, catalog, self.names)
        hints = dialect.hints(statement.expression, catalog, self.names)
        expression = statement.expression
        if only_describe and isinstance(expression, exp.Query):
            expression = exp.select("*").from_(expression.subquery("described")).limit(0)
        if self.is_canceled:
            raise canceled()
        cursor = _Cursor(conn=self._fake, duck_conn=self._fake._duck_conn)  # as fakesnow does itself
        found = cursor.run(expression)
        kept = self.results.pop(cursor.sfqid or "", None)  # other sessions of the test may have pushed it out
        if kept is not None and found.size <= SCANNED_BYTES:
            self.results[query_id] = kept
        if statement.is_ddl:
            self.home.forget_catalog()
        if isinstance(expression, exp.Comment):
            found = SUCCEEDED.found
        elif isinstance(expression, exp.Show) and expression.name == "WAREHOUSES":
            found = _named(found, values.get("CURRENT_WAREHOUSE"))
        return Executed(found, hints, type_id)

    def _check_use(self, expression: Any) -> None:
        """Raises: SqlError for a database or schema that does not exist; fakesnow would set it all the same."""
        if not isinstance(expression, exp.Use) or expression.this is None:
            return
        kind = (expression.args["kind"].name if expression.args.get("kind") else "").upper()
        table = expression.this
        parts = [part.name if part.args.get("quoted") else part.name.upper() for part in table.parts]
        if kind == "SCHEMA":
            database = parts[0] if len(parts) > 1 else self.names[0]
            if not self.home.has(database, parts[-1]):
                raise not_found("Object", ".".join(filter(None, (database, parts[-1]))))
        elif kind == "DATABASE" and not self.home.has(parts[0]):
            raise not_found("Object", parts[0])

    def take_variables(self, other: Connection) -> None:
        """See the variables that another connection set."""
        self._fake.variables = other._fake.variables

    def close(self) -> None:
        """Free the connection; what it had not committed is gone."""
        self._fake.close()


def _named(found: Rows, warehouse: str | None) -> Rows:
    """fakesnow's one warehouse under the name of the session's; none when there is none."""
    rows = [(warehouse, *row[1:]) for row in found.rows if warehouse is not None]
    return Rows(found.columns_found, rows)


SUCCEEDED = Executed(Rows((("status", "VARCHAR"),), [("Statement executed successfully.",)]), [], 0x4000)
"""What a statement answers that only changes the session."""

_TYPES = {
    "BIGINT": "fixed",
    "BLOB": "binary",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "DECIMAL": "fixed",
    "DOUBLE": "real",
    "FLOAT": "real",
    "HUGEINT": "fixed",
    "INTEGER": "fixed",
    "JSON": "variant",
    "SMALLINT": "fixed",
    "TIME": "time",
    "TIMESTAMP": "timestamp_ntz",
    "TIMESTAMP WITH TIME ZONE": "timestamp_tz",
    "TIMESTAMP_NS": "timestamp_ntz",
    "TINYINT": "fixed",
    "UBIGINT": "fixed",
    "UINTEGER": "fixed",
    "VARCHAR": "text",
}
_SEMI_STRUCTURED = {"ARRAY": "array", "LIST": "array", "OBJECT": "object", "STRUCT": "object", "MAP": "object"}
_DML = frozenset({0x3100, 0x3200, 0x3300, 0x3400, 0x3500})
"""Insert, update, delete, merge, multi-table insert."""

_DECIMAL = re.compile(r"DECIMAL\((\d+), ?(\d+)\)")
MAX_TEXT = 16_777_216
MAX_BINARY = 8_388_608


def described(executed: Executed) -> Result:
    """The result with its columns described in Snowflake's words."""
    found, hints = executed.found, executed.hints
    if len(hints) != len(found.columns_found):
        hints = [Hint()] * len(found.columns_found)
    columns = tuple(_column(name, kind, hint) for (name, kind), hint in zip(found.columns_found, hints, strict=True))
    return Result(columns, found.rows, executed.type_id, _counts(executed))


def _column(name: str, kind: str, hint: Hint) -> Column:
    decimal = _DECIMAL.match(kind)
    made = _TYPES.get("DECIMAL" if decimal else kind, "array" if kind.endswith("]") else "text")
    if made == "variant" or kind.startswith(("STRUCT", "MAP")):
        made = _SEMI_STRUCTURED.get(hint.type, "variant")
    elif made == "timestamp_tz" and hint.type == "TIMESTAMPLTZ":
        made = "timestamp_ltz"
    elif made == "timestamp_ntz" and hint.type == "DATE":
        made = "date"
    origin = hint.origin
    column = Column(name, made, nullable=origin.nullable if origin else True)
    if origin is not None:
        column = replace(column, database=origin.database, schema=origin.schema, table=origin.table)
    if made == "fixed":
        return replace(column, precision=int(decimal[1]) if decimal else 38, scale=int(decimal[2]) if decimal else 0)
    if made == "text":
        length = (origin.length if origin else None) or MAX_TEXT
        return replace(column, length=length, byte_length=min(4 * length, MAX_TEXT))
    if made == "binary":
        return replace(column, length=MAX_BINARY, byte_length=MAX_BINARY)
    return replace(column, precision=0, scale=9) if made.startswith("time") else column


def _counts(executed: Executed) -> dict[str, int] | None:
    """Rows inserted, updated, deleted; None for what is no DML."""
    if executed.type_id not in _DML or not executed.found.rows:
        return None
    counts = {"numRowsInserted": 0, "numRowsUpdated": 0, "numRowsDeleted": 0, "numDuplicateRowsUpdated": 0}
    for (name, _), value in zip(executed.found.columns_found, executed.found.rows[0], strict=True):
        for verb in ("inserted", "updated", "deleted"):
            if name == f"number of rows {verb}":
                counts[f"numRows{verb.capitalize()}"] = int(value)
    return counts
