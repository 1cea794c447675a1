"""Snowflake's SQL errors: codes, states and texts, told from what DuckDB, sqlglot and fakesnow say.

Nothing of theirs is passed on: what cannot be told apart becomes an internal error whose true reason stays on this
side, in `SqlError.reason`. Codes and texts are those that Snowflake's documentation, its clients and public reports
name; positions are those of the first token of that name in the statement, lines from 1, columns from 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

COMPILATION = "SQL compilation error:"


class SqlError(Exception):
    """A statement that Snowflake would refuse.

    code, sql_state, message: what the client is told.   reason: what happened here, for the journal.
    """

    def __init__(self, code: str, sql_state: str, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.code, self.sql_state, self.message, self.reason = code, sql_state, message, reason or message


def syntax_error(detail: str) -> SqlError:
    """001003 with what is wrong and where."""
    return SqlError("001003", "42000", f"{COMPILATION}\n{detail}")


def unsupported(what: str) -> SqlError:
    """000002: something that Snowflake can and this stand-in cannot."""
    return SqlError("000002", "0A000", f"Unsupported feature '{what}'. The stand-in for Snowflake does not run it.")


def unknown_function(name: str) -> SqlError:
    """002140: no such function, or none that reaches beyond the database."""
    return SqlError("002140", "42601", f"{COMPILATION}\nUnknown function {name.upper()}")


def not_found(kind: str, name: str, sql_state: str = "02000") -> SqlError:
    """002003: an object that is missing, or that the role must not see."""
    return SqlError("002003", sql_state, f"{COMPILATION}\n{kind} '{name}' does not exist or not authorized.")


def no_warehouse() -> SqlError:
    """000606: the statement needs a warehouse and the session has none."""
    message = "No active warehouse selected in the current session.  Select an active warehouse with the 'use"
    return SqlError("000606", "57P03", f"{message} warehouse' command.")


def timed_out(timeout_s: float) -> SqlError:
    """000630: the statement ran longer than it may."""
    message = f"Statement reached its statement or warehouse timeout of {timeout_s:g} second(s) and was canceled."
    return SqlError("000630", "57014", message)


def canceled() -> SqlError:
    """000604: somebody canceled the statement."""
    return SqlError("000604", "57014", "SQL execution canceled")


def too_large(what: str) -> SqlError:
    """A bound of the stand-in; Snowflake has none there."""
    return SqlError("000603", "XX000", f"SQL execution internal error:\nThe stand-in for Snowflake stops here: {what}")


def parse_error(error: Any, statement: str) -> SqlError:
    """The error of a text that sqlglot cannot read: where it stopped, as Snowflake says it."""
    found = error.errors[0] if error.errors else {}
    word = found.get("highlight") or ""
    if not word:
        return syntax_error(f"syntax error line {statement.count(chr(10)) + 1} at position 0 unexpected '<EOF>'.")
    column = max(0, int(found.get("col") or 0) - len(word))
    return syntax_error(f"syntax error line {found.get('line', 1)} at position {column} unexpected '{word}'.")


def not_installed(module: str | None) -> SqlError:
    """The stand-in was installed without what runs SQL."""
    message = "SQL execution internal error:\nThe stand-in for Snowflake was installed without SQL."
    message += " Install it with its extra: pip install 'cortex-harness[sql]'"
    return SqlError("000603", "XX000", message, f"module {module!r} is missing")


def translate(error: Exception, positions: Callable[[str], str]) -> SqlError:
    """What Snowflake would say of an error of the machinery below.

    positions: gives "error line 1 at position 7" for a name, or "" when the statement does not hold it.
    """
    text = str(getattr(error, "msg", None) or error)
    for pattern, make in _TABLE:
        if match := re.search(pattern, text, re.IGNORECASE | re.DOTALL):
            made = make(match, positions)
            made.reason = text
            return made
    kind = type(error).__name__
    return SqlError("000603", "XX000", "SQL execution internal error:\nProcessing aborted.", f"{kind}: {text}")


def _at(positions: Callable[[str], str], name: str, detail: str) -> str:
    place = positions(name)
    return f"SQL compilation error: {place}\n{detail}" if place else f"{COMPILATION}\n{detail}"


def _identifier(match: re.Match[str], positions: Callable[[str], str]) -> SqlError:
    parts = [part for part in match.groups() if part]
    return SqlError("000904", "42000", _at(positions, parts[-1], f"invalid identifier '{'.'.join(parts).upper()}'"))


def _missing(match: re.Match[str], _positions: Callable[[str], str]) -> SqlError:
    return not_found("Object", match[1].strip('"').upper(), "42S02")


def _missing_schema(match: re.Match[str], _positions: Callable[[str], str]) -> SqlError:
    name = match[1].upper().removesuffix(".MAIN")
    return not_found("Schema" if "." in name or not match[0].endswith("main") else "Database", name)


def _function(match: re.Match[str], _positions: Callable[[str], str]) -> SqlError:
    return unknown_function(match[1])


def _arguments(match: re.Match[str], positions: Callable[[str], str]) -> SqlError:
    detail = f"Invalid argument types for function '{match[1].upper()}': ({match[2].upper()})"
    return SqlError("001044", "42P13", _at(positions, match[1], detail))


def _exists(match: re.Match[str], _positions: Callable[[str], str]) -> SqlError:
    return SqlError("002002", "42710", f"{COMPILATION}\nObject '{match[1].upper()}' already exists.")


def _fixed(code: str, sql_state: str, message: str) -> Callable[[re.Match[str], Callable[[str], str]], SqlError]:
    """An error whose message takes the pattern's groups as `{0}`, `{1}`."""
    return lambda match, _positions: SqlError(code, sql_state, message.format(*match.groups()))


_TABLE: tuple[tuple[str, Callable[[re.Match[str], Callable[[str], str]], SqlError]], ...] = (
    (r'Referenced (?:table|column) "([^"]+)" (?:was )?not found', _identifier),
    (r'(?:Table|Values list) "([^"]+)" does not have a column named "([^"]+)"', _identifier),
    (r'column named "?([^" ]+)"? (?:in|that)', _identifier),
    (r'does not have a column with name "([^"]+)"', _identifier),
    (r'because schema "([^"]+)" does not exist', _missing_schema),
    (r'No catalog \+ schema named "([^"]+)" found', _missing_schema),
    (r"Schema with name \"?([^\" ]+)\"? does not exist", _missing_schema),
    (r"(?:Scalar|Aggregate|Table|Window|Macro)? ?Function with name \"?([^\" ]+)\"? does not exist", _function),
    (r"(?:Table|View|Sequence|Type|Index) with name \"?([^\"! ]+)\"? does not exist", _missing),
    (r"(?:Table|View|Schema|Sequence) with name \"?([^\"! ]+)\"? already exists", _exists),
    (r"(Division by zero)", _fixed("100051", "22012", "Division by zero")),
    (r"Could not convert string '(.*?)' to BOOL", _fixed("100037", "22018", "Boolean value '{0}' is not recognized")),
    (
        r"Could not convert string [\"'](.*?)[\"'] to",
        _fixed("100038", "22018", "Numeric value '{0}' is not recognized"),
    ),
    (r"invalid date field format: \"(.*?)\"", _fixed("100040", "22007", "Date '{0}' is not recognized")),
    (r"invalid timestamp field format: \"(.*?)\"", _fixed("100035", "22007", "Timestamp '{0}' is not recognized")),
    (r"time field value out of range: \"(.*?)\"", _fixed("100108", "22007", "Time '{0}' is not recognized")),
    (r"field value out of range: \"(.*?)\"", _fixed("100035", "22007", "Timestamp '{0}' is not recognized")),
    (r"[Mm]alformed JSON", _fixed("100069", "22P02", "Error parsing JSON")),
    (r"out of range|Overflow|cast.*because the value", _fixed("100046", "22003", "Number out of representable range")),
    (
        r'column "([^"]+)" must appear in the GROUP BY',
        _fixed("000979", "42601", "SQL compilation error:\n[{0}] is not a valid group by expression"),
    ),
    (
        r'Ambiguous reference to column name "([^"]+)"',
        _fixed("002028", "42601", "SQL compilation error:\nambiguous column name '{0}'"),
    ),
    (
        r'NOT NULL constraint failed: "?[^".]+"?\."?([^" ]+)',
        _fixed("100072", "22000", "NULL result in a non-nullable column"),
    ),
    (
        r"given name and argument types '([^'(]+)\((.*?)\)'|function call \"([^\"(]+)\(",
        lambda match, positions: (
            _arguments(match, positions)
            if match[1]
            else SqlError("001044", "42P13", f"{COMPILATION}\nInvalid argument types for function '{match[3]}'")
        ),
    ),
    (
        r"(\d+) columns? (?:but|were) (?:expected|supplied).*?(\d+)",
        _fixed("002020", "42601", "SQL compilation error:\nInsert value list does not match column list"),
    ),
    (
        r"has (\d+) columns but (\d+) values were supplied",
        _fixed(
            "002020",
            "42601",
            "SQL compilation error:\nInsert value list does not match column list expecting {0} but got {1}",
        ),
    ),
    (
        r"Cannot perform (.*?)\. This session does not have a current (database|schema)",
        lambda match, _positions: SqlError(
            "090105" if match[2] == "database" else "090106",
            "22000",
            f"Cannot perform {match[1]}. This session does not have a current {match[2]}."
            f" Call 'USE {match[2].upper()}', or use a qualified name.",
        ),
    ),
    (r"Session variable '(.*?)' does not exist", _fixed("002211", "02000", "Session variable '{0}' does not exist")),
    (
        r"Statement (\S+) not found",
        _fixed("000709", "02000", "Statement {0} not found"),
    ),
    (
        r"(?:Stage|Object|Table|File format|Sequence) '(.*?)' does not exist or not authorized",
        _fixed("002003", "02000", "SQL compilation error:\nObject '{0}' does not exist or not authorized."),
    ),
    (r"Object '(.*?)' already exists", _exists),
    (r"Permission Error", lambda _match, _positions: unsupported("access to files and networks")),
    (r"Out of Memory", lambda _match, _positions: too_large("the statement needs more memory than it may use.")),
    (r"not implemented", lambda _match, _positions: unsupported("this statement")),
    (
        r'syntax error at or near "(.*?)"',
        lambda match, _positions: syntax_error(f"syntax error unexpected '{match[1]}'."),
    ),
    (
        r"without selection list|syntax error at end of input",
        lambda _match, _positions: syntax_error("syntax error line 1 at position 0 unexpected '<EOF>'."),
    ),
    (
        r"Values were not provided for the following parameters",
        lambda _match, _positions: unsupported("columns by position"),
    ),
    (r"Parser Error|Binder Error", lambda _match, _positions: unsupported("this expression")),
    (r"Conversion Error", _fixed("100035", "22007", "A value is not recognized")),
)
