"""SQL errors: told apart by what the machinery says, in Snowflake's codes and words."""

from __future__ import annotations

import pytest

from mocks.snowflake.sqlerrors import timed_out, translate


def place(name: str) -> str:
    """Every name but X stands at the same place."""
    return "" if name == "X" else "error line 1 at position 7"


@pytest.mark.parametrize(
    ("said", "code", "state", "message"),
    [
        (
            'Binder Error: Referenced column "NOPE" not found in FROM clause!',
            "000904",
            "42000",
            "SQL compilation error: error line 1 at position 7\ninvalid identifier 'NOPE'",
        ),
        (
            'Binder Error: Table "O" does not have a column named "X"',
            "000904",
            "42000",
            "SQL compilation error:\ninvalid identifier 'O.X'",
        ),
        (
            "Catalog Error: Table with name NOPE does not exist!",
            "002003",
            "42S02",
            "SQL compilation error:\nObject 'NOPE' does not exist or not authorized.",
        ),
        (
            'Catalog Error: Table with name "S.T" does not exist because schema "S" does not exist.',
            "002003",
            "02000",
            "SQL compilation error:\nSchema 'S' does not exist or not authorized.",
        ),
        (
            "Catalog Error: Scalar Function with name nofunc does not exist!",
            "002140",
            "42601",
            "SQL compilation error:\nUnknown function NOFUNC",
        ),
        (
            'Catalog Error: Table with name "T" already exists!',
            "002002",
            "42710",
            "SQL compilation error:\nObject 'T' already exists.",
        ),
        (
            "Conversion Error: Could not convert string 'a' to INT64",
            "100038",
            "22018",
            "Numeric value 'a' is not recognized",
        ),
        (
            'Conversion Error: invalid date field format: "abc", expected format is (YYYY-MM-DD)',
            "100040",
            "22007",
            "Date 'abc' is not recognized",
        ),
        ("Invalid Input Error: Division by zero", "100051", "22012", "Division by zero"),
        (
            'Constraint Error: NOT NULL constraint failed: "RETURNS".RETURN_ID',
            "100072",
            "22000",
            "NULL result in a non-nullable column",
        ),
        (
            "Cannot perform SELECT. This session does not have a current database. Call 'USE DATABASE'.",
            "090105",
            "22000",
            (
                "Cannot perform SELECT. This session does not have a current database."
                " Call 'USE DATABASE', or use a qualified name."
            ),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isdigit() else "",
)
def test_each_error_has_snowflakes_code_and_words(said: str, code: str, state: str, message: str) -> None:
    """Code, state and text, and the true words on this side only."""
    error = translate(RuntimeError(said), place)
    assert (error.code, error.sql_state, error.message) == (code, state, message)
    assert error.reason == said


def test_what_cannot_be_told_apart_says_nothing_of_the_machinery() -> None:
    """An internal error, whose reason is for the journal."""
    error = translate(RuntimeError("secret/path.cpp:12 exploded"), place)
    assert error.code == "000603"
    assert "secret" not in error.message
    assert "secret" in error.reason


def test_a_timeout_names_its_seconds() -> None:
    """Whole numbers without a fraction."""
    assert "timeout of 2 second(s)" in timed_out(2.0).message
