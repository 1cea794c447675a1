"""Snowflake's SQL before it runs: read, bound, refused."""

from __future__ import annotations

import pytest

from mocks.snowflake.dialect import bind, insert_of, literal, position, read
from mocks.snowflake.sqlerrors import SqlError


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("FIXED", "123", "123"),
        ("FIXED", "-1.50", "(-1.50)"),
        ("FIXED", "1e3", "1000"),
        ("REAL", "1.5", "'1.5'::FLOAT"),
        ("TEXT", "it's \\ x", "'it''s \\\\ x'"),
        ("BOOLEAN", "TRUE", "TRUE"),
        ("BOOLEAN", "0", "FALSE"),
        ("DATE", "1767225600000", "'2026-01-01'::DATE"),
        ("DATE", "2026-01-01", "'2026-01-01'::DATE"),
        ("TIME", "3723000000000", "'01:02:03'::TIME"),
        ("TIMESTAMP_NTZ", "1767225600000001000", "'2026-01-01 00:00:00.000001'::TIMESTAMP_NTZ"),
        ("TIMESTAMP_LTZ", "1767225600000000000", "'2026-01-01 00:00:00+00:00'::TIMESTAMP_TZ"),
        ("TIMESTAMP_TZ", "1767225600000000000 1500", "'2026-01-01 00:00:00+00:00'::TIMESTAMP_TZ"),
        ("BINARY", "ab12", "TO_BINARY('AB12', 'HEX')"),
        ("FIXED", None, "NULL"),
    ],
)
def test_bindings_become_literals(kind: str, value: str | None, expected: str) -> None:
    """Every type of binding has its SQL text."""
    assert literal(kind, value) == expected


@pytest.mark.parametrize(("kind", "value"), [("FIXED", "1; drop table x"), ("FIXED", "NaN"), ("BINARY", "zz")])
def test_a_value_must_be_of_its_type(kind: str, value: str) -> None:
    """Nothing but a literal comes out."""
    with pytest.raises(SqlError, match="is not recognized"):
        literal(kind, value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select ?, ?", "select A, B"),
        ("select ?::varchar", "select A::varchar"),
        ("select :2, :1", "select B, A"),
        ("select '?' -- ?\n, ?", "select '?' -- ?\n, A"),
        ("select x:1 from t where y=?", "select x:1 from t where y=A"),
    ],
)
def test_placeholders_are_tokens(text: str, expected: str) -> None:
    """In texts and comments they are none."""
    assert bind(text, ["A", "B"]) == expected


def test_a_placeholder_without_a_value() -> None:
    """As Snowflake says it."""
    with pytest.raises(SqlError) as caught:
        bind("select ?, ?", ["1"])
    assert (caught.value.code, caught.value.message.splitlines()[-1]) == ("002049", "Bind variable ? not set.")


def test_a_batch_is_one_insert() -> None:
    """With as many tuples as rows."""
    assert insert_of("insert into t(a) values (?, 1);", [["1"], ["2"]]) == "insert into t(a) values (1, 1), (2, 1)"
    with pytest.raises(SqlError, match="arrays of bindings"):
        insert_of("delete from t where a = ?", [["1"]])


def test_several_statements_in_one_text() -> None:
    """Comments and empty ones are none of them; waits and needs are known beforehand."""
    found = read("select 1; -- two\n;select SYSTEM$WAIT(2), SYSTEM$WAIT(500, 'MILLISECONDS'); delete from t;")
    assert [each.wait_s for each in found] == [0, 2.5, 0]
    assert [each.needs_warehouse for each in found] == [False, False, True]
    assert [each.changes_data for each in found] == [False, False, True]


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("use role public", {"ROLE": "PUBLIC"}),
        ('use warehouse "wh"', {"WAREHOUSE": "wh"}),
        ("use secondary roles all", {}),
        ("alter session set timezone='UTC', query_tag='x'", {"TIMEZONE": "UTC", "QUERY_TAG": "x"}),
        ("alter session unset timezone", {"TIMEZONE": None}),
        ("use schema sales", None),
        ("select 1", None),
    ],
)
def test_what_changes_the_session(text: str, change: dict[str, str | None] | None) -> None:
    """Names as identifiers are, parameters in upper case."""
    assert read(text)[0].session_change == change


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "000900"),
        ("-- nothing", "000900"),
        ("selec 1", "001003"),
        ("select 1 frm x y", "001003"),
        ("select * from read_csv('/etc/passwd')", "002140"),
        ("select * from read_text('/etc/passwd')", "002140"),
        ("select * from duckdb_settings()", "002140"),
        ("select getenv('HOME')", "002140"),
        ("select * from query('select 1')", "002140"),
        ("select current_setting('home_directory')", "002140"),
        ("select * from duckdb_columns", "002003"),
        ("attach '/tmp/x.db' as z", "001003"),
        ("install httpfs", "001003"),
        ("load httpfs", "000002"),
        ("pragma version", "000002"),
        ("copy into t from 's3://x/y'", "000002"),
        ("copy t to '/tmp/x.csv'", "000002"),
        ("put file:///etc/passwd @~", "000002"),
        ("create secret a", "000002"),
        ("create function f() returns int as '1'", "000002"),
        ("execute immediate 'select 1'", "000002"),
        ("call other()", "000002"),
        ("explain select 1", "000002"),
        ("export database '/tmp/x'", "001003"),
        ("select " + "(" * 3000 + "1" + ")" * 3000, "000603"),
        ("select 1;" * 101, "000603"),
        ("x" * 1_000_001, "000603"),
    ],
    ids=lambda value: value[:40],
)
def test_what_is_refused(text: str, code: str) -> None:
    """Nothing that reaches beyond the database, nothing that cannot run, nothing too large."""
    with pytest.raises(SqlError) as caught:
        read(text)
    assert caught.value.code == code


def test_the_place_of_a_name() -> None:
    """Lines from 1, columns from 0, upper and lower case alike."""
    assert position("select a,\n  nope from t", "NOPE") == "error line 2 at position 2"
    assert position("select 'nope?", "NOPE") == ""
