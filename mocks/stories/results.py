"""Answers of the benchmark data, in the shape in which Snowflake sends them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from fixtures.bench.database import connect, schema_sql, to_duckdb

if TYPE_CHECKING:
    import duckdb

Cell = str | int | Decimal | date | None
Json = dict[str, Any]

MAX_TEXT_LENGTH = 16_777_216
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
_DECLARED = re.compile(r"^  (\w+) (NUMBER|VARCHAR)\((\d+)(?:,(\d+))?\)( NOT NULL)?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Column:
    """One entry of `rowType`. type: FIXED, TEXT or DATE."""

    name: str
    type: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    nullable: bool = True

    def row_type(self) -> Json:
        """The column as the wire describes it."""
        return {
            "name": self.name,
            "type": self.type,
            "length": self.length,
            "precision": self.precision,
            "scale": self.scale,
            "nullable": self.nullable,
        }


@dataclass(frozen=True, slots=True)
class Result:
    """Columns and typed rows of a query."""

    sql: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def result_set(self, query_id: str) -> Json:
        """The wire's `result_set`: every cell a string or null."""
        return {
            "statementHandle": query_id,
            "resultSetMetaData": {
                "partition": 0,
                "numRows": len(self.rows),
                "format": "jsonv2",
                "rowType": [column.row_type() for column in self.columns],
            },
            "data": [
                [encode(cell, column) for cell, column in zip(row, self.columns, strict=True)] for row in self.rows
            ],
        }

    def records(self) -> list[dict[str, Any]]:
        """Rows by column name, typed as in a chart's inline data: numbers are numbers, dates ISO text."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, map(_plain, row), strict=True)) for row in self.rows]

    def numbers(self, name: str) -> list[Decimal]:
        """A numeric column, top down.   Raises: StopIteration for an unknown column."""
        at = next(number for number, column in enumerate(self.columns) if column.name == name)
        return [Decimal(str(row[at])) for row in self.rows]


@cache
def query(sql: str) -> Result:
    """Run Snowflake SQL on the benchmark data.

    Raises: ValueError when rows have no order of their own, or a column has no type that both databases agree on;
    duckdb.Error when the statement fails.
    """
    (statement,) = to_duckdb(sql)
    cursor = _database().execute(statement)
    rows = tuple(cursor.fetchall())
    if len(rows) > 1 and "ORDER BY" not in sql:
        raise ValueError(f"rows without an ORDER BY differ from run to run: {sql}")
    columns = tuple(_column(name.upper(), str(kind)) for name, kind, *_ in cursor.description)
    return Result(sql, columns, rows)


def fails(sql: str) -> bool:
    """Whether the statement is refused, as a story's faulty SQL has to be."""
    import duckdb  # noqa: PLC0415  # test-only dependency

    try:
        _database().execute(to_duckdb(sql)[0])
    except duckdb.Error:
        return True
    return False


def encode(cell: Cell, column: Column) -> str | None:
    """One cell in the SQL API's string encoding."""
    if cell is None:
        return None
    encoders: dict[str, Callable[[Any], str]] = {
        "TEXT": str,
        "FIXED": lambda value: f"{value:.{column.scale}f}",
        "DATE": lambda value: str((value - date(1970, 1, 1)).days),
    }
    return encoders[column.type](cell)


def _plain(cell: Cell) -> Any:
    if isinstance(cell, Decimal):
        return int(cell) if cell == int(cell) else float(cell)
    return cell.isoformat() if isinstance(cell, date) else cell


@cache
def _database() -> duckdb.DuckDBPyConnection:
    return connect()


@cache
def _declared() -> dict[str, Column]:
    """Columns as the schema declares them, where DuckDB forgets lengths; the first declaration of a name counts."""
    columns: dict[str, Column] = {}
    for name, kind, size, scale, required in _DECLARED.findall(schema_sql()):
        text = kind == "VARCHAR"
        columns.setdefault(
            name,
            Column(name, "TEXT", length=int(size), nullable=not required)
            if text
            else Column(name, "FIXED", precision=int(size), scale=int(scale or 0), nullable=not required),
        )
    return columns


def _column(name: str, kind: str) -> Column:
    """A result column. Sums are DECIMAL(38, s) in DuckDB; Snowflake adds 12 digits to the 18 of an amount."""
    declared = _declared().get(name)
    if kind == "VARCHAR":
        return declared if declared and declared.type == "TEXT" else Column(name, "TEXT", length=MAX_TEXT_LENGTH)
    if kind == "DATE":
        return Column(name, "DATE")
    if kind == "BIGINT":
        return Column(name, "FIXED", precision=18)
    if match := _DECIMAL.fullmatch(kind):
        precision, scale = int(match[1]), int(match[2])
        if declared and (declared.precision, declared.scale) == (precision, scale):
            return declared
        return Column(name, "FIXED", precision=min(precision, 30), scale=scale)
    raise ValueError(f"{name} is {kind} in DuckDB and something else in Snowflake; cast it to a NUMBER")
