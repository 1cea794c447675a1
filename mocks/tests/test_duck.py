"""The database itself: locked, described, bounded."""

from __future__ import annotations

import duckdb
import pytest

from mocks.snowflake import engine
from mocks.snowflake.dialect import read
from mocks.snowflake.duck import Connection, Database
from mocks.snowflake.engine import Results
from mocks.snowflake.sqlerrors import SqlError


@pytest.fixture(scope="module")
def database() -> Database:
    """A copy of the data."""
    return Database()


def connected(database: Database, results: Results | None = None) -> Connection:
    """A connection to CORTEX_BENCH_DB.SALES."""
    return database.connect("CORTEX_BENCH_DB", "SALES", Results() if results is None else results)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/x.csv'",
        "ATTACH '/tmp/x.db' AS z",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '10GB'",
        "SET temp_directory = '/tmp'",
    ],
)
def test_duckdb_is_locked(database: Database, text: str) -> None:
    """It refuses files, networks and extensions by itself, and will not be talked out of it."""
    line = database._fake.duck_conn.cursor()
    with pytest.raises(duckdb.Error, match=r"disabled|locked|Permission"):
        line.execute(text)


def test_names_are_compared_as_they_are(database: Database) -> None:
    """Quoted ones would be; what fakesnow keeps for itself is nobody's."""
    assert database.has("CORTEX_BENCH_DB")
    assert database.has("CORTEX_BENCH_DB", "PUBLIC")
    assert not database.has("cortex_bench_db")
    assert not database.has("CORTEX_BENCH_DB", "public")
    assert not database.has("_fs_global")
    assert database.connect("cortex_bench_db", "SALES", Results()).names == ("", "")


def test_the_catalog_follows_definitions() -> None:
    """Types as they were declared; a new table is there with the next statement."""
    database = Database()
    kind, origin = database.catalog()["CORTEX_BENCH_DB"]["SALES"]["ORDERS"]["NET_AMOUNT"]
    assert (kind, origin.precision, origin.scale, origin.nullable) == ("DECIMAL(18,2)", 18, 2, False)
    (statement,) = read("create table added(a varchar(7) not null)")
    connected(database).run(statement, {}, "id", only_describe=False)
    _, origin = database.catalog()["CORTEX_BENCH_DB"]["SALES"]["ADDED"]["A"]
    assert (origin.length, origin.nullable) == (7, False)


def test_only_small_results_are_kept(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """For `RESULT_SCAN`, under the query's id, and only so many."""
    monkeypatch.setattr(engine, "KEPT_RESULTS", 2)
    results = Results()
    line = connected(database, results)
    for query_id in ("first", "second", "third"):
        line.run(read("select 1")[0], {}, query_id, only_describe=False)
    assert list(results) == ["second", "third"]
    monkeypatch.setattr("mocks.snowflake.duck.SCANNED_BYTES", 10)
    line.run(read("select 2")[0], {}, "large", only_describe=False)
    assert "large" not in results


def test_an_interrupted_connection_runs_nothing(database: Database) -> None:
    """Also when the interruption comes before DuckDB begins."""
    line = connected(database)
    line.interrupt()
    with pytest.raises(SqlError) as caught:
        line.run(read("select 1")[0], {}, "id", only_describe=False)
    assert caught.value.code == "000604"
