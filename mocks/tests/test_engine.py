"""Sessions on the benchmark database: what they see, what they may, and how they end."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fixtures.bench import generate
from fixtures.bench.semantics import VerifiedQuery, bench_model
from mocks.snowflake import engine
from mocks.snowflake.engine import Column, Result, SqlSession, TestData, Who, literals_of
from mocks.snowflake.sqlerrors import SqlError

FOREVER = "select count(*) from orders a, orders b, orders c where a.net_amount * b.net_amount * c.net_amount > 1"


@pytest.fixture(scope="module")
def reader() -> TestData:
    """Data that no test of this module changes."""
    return TestData()


def who(**names: Any) -> Who:
    """A user with two roles and one warehouse."""
    given = {"warehouse": "WH", "warehouses": frozenset({"WH"}), **names}
    return Who("ANN", "R1", frozenset({"R1", "R2"}), "MYORG-BENCH", **given)


async def ask(session: SqlSession, text: str, literals: Sequence[str] = (), **options: Any) -> Result:
    """The result of the last of some statements."""
    results = [await session.run(each, "query-id", **options) for each in await session.read(text, literals)]
    return results[-1]


def rows(data: TestData, *texts: str, **names: Any) -> list[tuple[Any, ...]]:
    """What the last of some texts gives, in one session."""

    async def work() -> list[tuple[Any, ...]]:
        session = SqlSession(data, who(**names))
        results = [await ask(session, text) for text in texts]
        session.close()
        return list(results[-1].rows)

    return asyncio.run(work())


def described(data: TestData, text: str) -> list[Column]:
    """The columns of a statement, not run."""

    async def work() -> list[Column]:
        session = SqlSession(data, who())
        return list((await ask(session, text, only_describe=True)).columns)

    return asyncio.run(work())


def refused(data: TestData, *texts: str, timeout_s: float = 60.0, **names: Any) -> tuple[str, str, str]:
    """Code, state and text with which the last of some texts is refused."""

    async def work() -> SqlError:
        session = SqlSession(data, who(**names))
        for text in texts[:-1]:
            await ask(session, text)
        with pytest.raises(SqlError) as caught:
            await ask(session, texts[-1], timeout_s=timeout_s)
        return caught.value

    error = asyncio.run(work())
    return error.code, error.sql_state, error.message


def test_data_of_ones_own_is_what_is_asked(tmp_path: Path) -> None:
    """A chain of two shops beside the committed one, each in a database of its own."""
    generate.write(tmp_path, scale=2)
    count = "select count(*) from orders"
    assert rows(TestData(tmp_path), count) == [(10160,)]
    assert rows(TestData(), count) == [(5080,)]
    engine._shared.pop(tmp_path)


def test_the_benchmark_data_is_there(reader: TestData) -> None:
    """Sums of money are exact, and ordered as asked."""
    found = rows(reader, "select region, sum(net_amount) from orders group by 1 order by 2 desc limit 2")
    assert found == [("EMEA", Decimal("3421.55")), ("APAC", Decimal("2588.05"))]


@pytest.mark.parametrize("query", bench_model().verified_queries, ids=lambda query: query.name)
def test_every_verified_query_runs(reader: TestData, query: VerifiedQuery) -> None:
    """What Analyst would write finds rows, and no number of it becomes a float."""

    async def work() -> Result:
        session = SqlSession(reader, who(database="", schema=""))
        return await ask(session, query.sql)

    found = asyncio.run(work())
    assert found.rows
    assert {column.type for column in found.columns} <= {"text", "fixed", "date"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select 7/2", Decimal("3.500000")),
        ("select 1.0/3", Decimal("0.3333333")),
        ("select avg(net_amount) from orders", Decimal("1.70230315")),
        ("select round(100 * sum(net_amount) / 7, 1) from orders where order_id = 230001", Decimal("11.3")),
        ("with t as (select sum(net_amount) s from orders) select s / 2 from t", Decimal("4323.85000000")),
        ("select avg(quantity) over () from orders limit 1", Decimal("110.305906")),
        ("select 1.5::float / 2", 0.75),
        ("select sum('1') from orders where order_id = 230001", 1.0),
        ("select div0(1, 0)", Decimal("0.000000")),
        (
            "select round(ratio_to_report(sum(net_amount)) over (), 3) from orders group by region order by 1 limit 1",
            Decimal("0.039"),
        ),
    ],
)
def test_numbers_are_as_exact_as_snowflakes(reader: TestData, text: str, expected: object) -> None:
    """Quotients and averages of exact numbers are exact; floats stay floats, and texts are added up."""
    assert rows(reader, text) == [(expected,)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("to_char(order_date, 'YYYY-MM')", "2023-01"),
        ("to_char(order_date, 'DD. MON YY \"at\" HH24:MI:SS.FF3')", "01. Jan 23 at 00:00:00.000"),
        ("to_date(to_varchar(order_date, 'YYYYMMDD'), 'YYYYMMDD')", dt.date(2023, 1, 1)),
        ("date_trunc('month', order_date)::varchar", "2023-01-01"),
        ("dateadd(month, 1, order_date)::varchar", "2023-02-01"),
    ],
)
def test_dates_stay_dates(reader: TestData, expression: str, expected: object) -> None:
    """Moved, cut and formatted as Snowflake does it."""
    text = f"select {expression} from orders where order_id = 230001"  # noqa: S608  # of the table above
    assert rows(reader, text) == [(expected,)]


def test_columns_are_described(reader: TestData) -> None:
    """Types, sizes and origins of plain columns; unnamed ones are called as they are written."""
    found = described(reader, "select region, order_id o, net_amount * 2, count( * ) over (), current_date from orders")
    assert [(each.name, each.type) for each in found] == [
        ("REGION", "text"),
        ("O", "fixed"),
        ("NET_AMOUNT * 2", "fixed"),
        ("COUNT( * ) OVER ()", "fixed"),
        ("CURRENT_DATE", "date"),
    ]
    region, order = found[:2]
    assert (region.length, region.byte_length, region.nullable, region.table) == (16, 64, True, "ORDERS")
    assert (order.precision, order.scale, order.nullable, order.schema) == (10, 0, False, "SALES")


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("1::float", "real"),
        ("true", "boolean"),
        ("'10:00'::time", "time"),
        ("'2026-01-01'::timestamp_ntz", "timestamp_ntz"),
        ("'2026-01-01'::timestamp_ltz", "timestamp_ltz"),
        ("'2026-01-01'::timestamp_tz", "timestamp_tz"),
        ("to_binary('AB', 'HEX')", "binary"),
        ("parse_json('1')", "variant"),
        ("array_construct(1)", "array"),
        ("object_construct('a', 1)", "object"),
        ("null", "text"),
    ],
)
def test_every_type_has_snowflakes_name(reader: TestData, expression: str, kind: str) -> None:
    """In lower case, as results have it."""
    assert described(reader, f"select {expression} c")[0].type == kind


def test_a_test_sees_its_own_changes_alone(reader: TestData) -> None:
    """The first change gives it a copy; everybody else reads on in the shared one."""
    mine = TestData()
    count = rows(reader, "select count(*) from returns")
    assert rows(mine, "delete from returns", "select count(*) from returns") == [(0,)]
    assert rows(mine, "select count(*) from returns") == [(0,)]
    assert rows(reader, "select count(*) from returns") == rows(TestData(), "select count(*) from returns") == count


def test_copies_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test unused for longest is told once that its changes are gone, and begins anew."""
    monkeypatch.setattr(engine, "MAX_COPIES", 1)
    first, second = TestData(), TestData()
    rows(first, "create table mine(a int)")
    rows(second, "create table mine(a int)")
    assert refused(first, "select * from mine")[0] == "000603"
    assert refused(first, "select * from mine")[0] == "002003"
    assert rows(second, "select * from mine") == []


def test_counts_of_changes() -> None:
    """Inserted, updated, deleted, as DML reports them; keys are declared and not enforced."""
    data = TestData()

    async def work() -> list[Any]:
        session = SqlSession(data, who())
        await ask(session, "create table t(a int primary key, b varchar)")
        texts = ["insert into t values (1,'x'),(1,'y')", "update t set b='z'", "delete from t where b='z'"]
        return [(await ask(session, text)).counts for text in texts]

    found = asyncio.run(work())
    assert [[each[f"numRows{verb}"] for verb in ("Inserted", "Updated", "Deleted")] for each in found] == [
        [2, 0, 0],
        [0, 2, 0],
        [0, 0, 2],
    ]


def test_context_functions(reader: TestData) -> None:
    """They say what the session is."""
    asked = "select current_user(), current_role(), current_warehouse(), current_database(), current_schema(),"
    asked += " current_account(), current_organization_name(), current_session()"
    found = rows(reader, "use role r2; use schema public", asked, session_id=7)
    assert found == [("ANN", "R2", "WH", "CORTEX_BENCH_DB", "PUBLIC", "BENCH", "MYORG", "7")]


def test_a_session_remembers(reader: TestData) -> None:
    """Its variables, also after its data was copied, and its last result."""
    assert rows(TestData(), "set x = 'EMEA'", "create table t(a int)", "select $x") == [("EMEA",)]
    assert rows(reader, "select 41 a", "select a + 1 from table(result_scan(last_query_id()))") == [(41,)]


def test_a_transaction_can_be_rolled_back() -> None:
    """What was begun is undone."""
    found = rows(TestData(), "begin", "delete from returns", "rollback", "select count(*) > 0 from returns")
    assert found == [(True,)]


@pytest.mark.parametrize(
    ("texts", "code", "part"),
    [
        (["select nope from orders"], "000904", "error line 1 at position 7\ninvalid identifier 'NOPE'"),
        (["select * from nope"], "002003", "Object 'NOPE' does not exist or not authorized."),
        (["use schema nope"], "002003", "Object 'CORTEX_BENCH_DB.NOPE'"),
        (["use role r3"], "003013", "Requested role 'R3' is not assigned"),
        (["use warehouse nope"], "002043", "Object does not exist"),
        (["select 1/0"], "100051", "Division by zero"),
        (["select 'a'::number"], "100038", "Numeric value 'a' is not recognized"),
        (["insert into returns values (null, 1, '2026-01-01', 1, 'x')"], "100072", "non-nullable"),
        (["select region, count(*) from orders"], "000979", "[REGION] is not a valid group by expression"),
        (["select * from '/etc/passwd'"], "002003", "Object '/ETC/PASSWD'"),
        (['select * from "/etc/x.csv"'], "000002", "access to files and networks"),
        (["select to_char(1.5, '999')"], "000002", "TO_CHAR of a number with a format"),
        (["select * from MAX_ROWS"], "002003", "Object 'MAX_ROWS'"),
        (["create table t as select * from '/etc/passwd'"], "002003", "Object '/ETC/PASSWD'"),
    ],
    ids=lambda value: value[0][:30] if isinstance(value, list) else "",
)
def test_errors_are_snowflakes(reader: TestData, texts: list[str], code: str, part: str) -> None:
    """Each with its code and words."""
    found = refused(TestData() if "into" in texts[0] or "create" in texts[0] else reader, *texts)
    assert found[0] == code
    assert part in found[2]


@pytest.mark.parametrize(
    ("bound", "text"), [("MAX_ROWS", "select * from orders"), ("MAX_BYTES", "select repeat('x', 99)")]
)
def test_results_are_bounded(reader: TestData, monkeypatch: pytest.MonkeyPatch, bound: str, text: str) -> None:
    """In rows and bytes, with an error that says so."""
    rows(reader, "select 1")
    monkeypatch.setattr(f"mocks.snowflake.duck.{bound}", 10)
    code, _, message = refused(reader, text)
    assert (code, "a result has at most 10" in message) == ("000603", True)


def test_a_session_without_names(reader: TestData) -> None:
    """Unknown names are not set: tables must then be qualified; without a warehouse nothing computes."""
    assert refused(reader, "select * from orders", database="sales")[0] == "090105"
    assert refused(reader, "select * from orders", schema="sales")[0] == "090106"
    assert refused(reader, "select * from orders", warehouse="")[:2] == ("000606", "57P03")
    assert rows(reader, "select current_warehouse(), 1", warehouse="") == [(None, 1)]


@pytest.mark.parametrize("text", ["select SYSTEM$WAIT(60)", FOREVER], ids=["waiting", "computing"])
def test_a_timeout_ends_a_statement(reader: TestData, text: str) -> None:
    """Whatever it does; the session goes on."""
    assert refused(reader, text, timeout_s=0.05)[:2] == ("000630", "57014")
    assert rows(reader, "select 1") == [(1,)]


def test_cancelling_ends_a_statement(reader: TestData) -> None:
    """Its thread is free again when the cancelled task is done."""

    async def work() -> None:
        session = SqlSession(reader, who())
        (statement,) = await session.read(FOREVER)
        running = asyncio.create_task(session.run(statement, "query-id"))
        while not session.is_executing:
            await asyncio.sleep(0.001)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert (await ask(session, "select 1")).rows == [(1,)]

    asyncio.run(work())


def test_bindings_need_every_number() -> None:
    """Positions from 1, without gaps."""
    assert asyncio.run(literals_of({"2": {"type": "TEXT", "value": "b"}, "1": {"type": "FIXED", "value": "1"}})) == [
        "1",
        "'b'",
    ]
    with pytest.raises(SqlError, match="without gaps"):
        asyncio.run(literals_of({"2": {"type": "TEXT", "value": "b"}}))
