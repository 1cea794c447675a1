"""Snowflake's Python connector: log in with a key, run SQL with every kind of value, fail, and leave.

Arguments: the mock's URL, and a private key's path.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import snowflake.connector
from snowflake.connector.errors import DatabaseError, ProgrammingError

from e2e.sdk.keypair import ACCOUNT, ROLE, USER, WAREHOUSE


def connected(mock_url: str, key_file: str, **changes: Any) -> Any:
    """A connection as the benchmark's user."""
    where = urlsplit(mock_url)
    settings = {
        "account": ACCOUNT,
        "user": USER,
        "authenticator": "SNOWFLAKE_JWT",
        "private_key_file": key_file,
        "protocol": "http",
        "host": where.hostname,
        "port": where.port,
        "role": ROLE,
        "warehouse": WAREHOUSE,
        "database": "CORTEX_BENCH_DB",
        "schema": "SALES",
    }
    return snowflake.connector.connect(**(settings | changes))


def check_rows(connection: Any) -> None:
    """A question of the benchmark, bound, with names and exact decimals."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT region, SUM(net_amount) AS net_sales FROM ORDERS WHERE order_year = %s AND region IS NOT NULL "
            "GROUP BY region ORDER BY net_sales DESC",
            (2025,),
        )
        assert [column.name for column in cursor.description] == ["REGION", "NET_SALES"]
        rows = cursor.fetchall()
        assert len(rows) >= 2
        assert all(isinstance(amount, Decimal) for _, amount in rows)
        assert cursor.execute("SELECT COUNT(*) FROM ORDERS").fetchone()[0] > 1000


def check_types(connection: Any) -> None:
    """Each of Snowflake's types comes back as the connector's own."""
    cases: list[tuple[str, Any]] = [
        ("1", 1),
        ("1.50::NUMBER(10,2)", Decimal("1.50")),
        ("1.5::FLOAT", 1.5),
        ("'text'", "text"),
        ("TRUE", True),
        ("NULL", None),
        ("DATE '2026-01-31'", date(2026, 1, 31)),
        ("TIME '23:01:59'", time(23, 1, 59)),
        ("'2026-01-31 10:00:00'::TIMESTAMP_NTZ", datetime(2026, 1, 31, 10)),  # noqa: DTZ001 - without a zone on purpose
        ("TO_BINARY('00FF', 'HEX')", b"\x00\xff"),
    ]
    for expression, expected in cases:
        found = connection.cursor().execute(f"SELECT {expression}").fetchone()[0]
        assert found == expected, f"{expression}: {found!r}"
        same = isinstance(found, type(expected) if not isinstance(expected, bytes) else bytes | bytearray)
        assert same, f"{expression}: {type(found)}"  # the connector's versions differ in their kind of bytes
    zoned = connection.cursor().execute("SELECT '2026-01-31 10:00:00 +0130'::TIMESTAMP_TZ").fetchone()[0]
    assert zoned == datetime(2026, 1, 31, 10, tzinfo=timezone(timedelta(hours=1, minutes=30)))


def check_binds(connection: Any) -> None:
    """Server-side binding keeps quotes, and many rows can be inserted and taken back."""
    with connection.cursor() as cursor:
        assert cursor.execute("SELECT %s, %s", ("it's", 7)).fetchone() == ("it's", 7)
        cursor.execute("CREATE TEMPORARY TABLE notes (id NUMBER, note VARCHAR)")
        cursor.executemany("INSERT INTO notes VALUES (%s, %s)", [(1, "a"), (2, "b")])
        assert cursor.execute("SELECT id, note FROM notes ORDER BY id").fetchall() == [(1, "a"), (2, "b")]


def check_errors(connection: Any) -> None:
    """A wrong column is Snowflake's error, with its number and state."""
    failure = failing(lambda: connection.cursor().execute("SELECT no_such_column FROM ORDERS"))
    assert isinstance(failure, ProgrammingError), repr(failure)
    assert (failure.errno, failure.sqlstate) == (904, "42000"), failure


def check_refusal(mock_url: str, key_file: str) -> None:
    """Another user is not let in."""
    failure = failing(lambda: connected(mock_url, key_file, user="SOMEBODY_ELSE"))
    assert isinstance(failure, DatabaseError), repr(failure)
    assert "JWT token is invalid" in str(failure), failure


def failing(ask: Callable[[], object]) -> Exception | None:
    """What asking raises; None when it succeeds."""
    try:
        ask()
    except Exception as error:  # whatever it is, the caller looks at it
        return error
    return None


def main(mock_url: str, key_file: str) -> None:
    """Everything, on one connection."""
    connection = connected(mock_url, key_file)
    try:
        for check in (check_rows, check_types, check_binds, check_errors):
            check(connection)
            print(check.__name__, "ok")  # noqa: T201
    finally:
        connection.close()
    check_refusal(mock_url, key_file)


if __name__ == "__main__":
    main(*sys.argv[1:])
