"""Snowflake's SQL on its way to fakesnow: read, bound, checked, and given Snowflake's names and number types.

Imports sqlglot: for worker threads only. What fakesnow would do otherwise than Snowflake is set right here: the values
of context functions, the names of unnamed columns, the scale of quotients and averages, division by zero.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema
from sqlglot.tokens import TokenType  # type: ignore[attr-defined]  # re-exported without saying so

from mocks.snowflake.sqlerrors import (
    SqlError,
    no_warehouse,
    not_found,
    parse_error,
    syntax_error,
    too_large,
    unknown_function,
    unsupported,
)

MAX_CHARS = 1_000_000
"""Snowflake's own bound of a statement's text."""

MAX_STATEMENTS = 100
DIVIDE = "CORTEX_BENCH_DB.MAIN._MOCK_DIVIDE"
"""A macro that every session finds: the quotient, or the error of a division by zero."""

_QUERIES = (exp.Select, exp.SetOperation, exp.Subquery, exp.Show, exp.Describe, exp.Values)
_OTHERS = (
    exp.Insert,
    exp.Update,
    exp.Delete,
    exp.Merge,
    exp.TruncateTable,
    exp.Alter,
    exp.Comment,
    exp.Use,
    exp.Transaction,
    exp.Commit,
    exp.Rollback,
    exp.Set,
)
_KINDS = frozenset({"TABLE", "VIEW", "SCHEMA", "DATABASE", "SEQUENCE"})
_REACHING = re.compile(
    r"(?!result_scan$)(?:(?:duckdb|pragma|read|parquet|sniff|scan|sqlite|pg|force|write|which|from)_.*|.*_(?:scan|secret)s?"
    r"|glob|getenv|query|query_table|getvariable|current_setting|set_config|checkpoint|sql_auto_complete|json_execute.*"
    r"|json_(?:de)?serialize.*|error|seq_scan|add_parquet_key)",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"(?:duckdb|pragma|sqlite|pg)_.*|_fs_.*", re.IGNORECASE)
_WAIT = "SYSTEM$WAIT"
_UNITS_S = {"DAYS": 86400.0, "HOURS": 3600.0, "MINUTES": 60.0, "SECONDS": 1.0, "MILLISECONDS": 0.001}
_INTEGERS = frozenset({"INT", "BIGINT", "SMALLINT", "TINYINT", "INT128"})


class Origin(NamedTuple):
    """Where a column of a table lives, and how it was declared."""

    database: str
    schema: str
    table: str
    nullable: bool
    length: int | None
    precision: int | None
    scale: int | None


Catalog = Mapping[str, Mapping[str, Mapping[str, Mapping[str, tuple[str, Origin]]]]]
"""Database, schema, table and column to type in Snowflake's words, and origin."""


@dataclass(frozen=True, slots=True)
class Hint:
    """What the statement's text tells about a result column: its type in sqlglot's words, and its origin."""

    type: str = ""
    origin: Origin | None = None


@dataclass(slots=True)
class Statement:
    """One statement, read. `wait_s`: for how long SYSTEM$WAIT holds it up."""

    expression: Any
    text: str
    wait_s: float = 0.0

    @property
    def is_use(self) -> bool:
        """Whether it is a `USE ...`."""
        return isinstance(self.expression, exp.Use)

    @property
    def changes_data(self) -> bool:
        """Whether it changes more than the session."""
        return not isinstance(self.expression, (*_QUERIES, exp.Use, exp.Set, exp.Alias, exp.Command))

    @property
    def session_change(self) -> dict[str, str | None] | None:
        """Names and values that `USE ROLE`, `USE WAREHOUSE` or `ALTER SESSION` sets; None for other statements."""
        return _session_change(self.expression)

    @property
    def is_ddl(self) -> bool:
        """Whether tables may look otherwise after it."""
        return isinstance(self.expression, exp.Create | exp.Drop | exp.Alter)

    @property
    def needs_warehouse(self) -> bool:
        """Whether it computes: changes of rows, and queries of tables."""
        if isinstance(self.expression, exp.Insert | exp.Update | exp.Delete | exp.Merge):
            return True
        if isinstance(self.expression, exp.Create):
            return isinstance(self.expression.expression, exp.Query) and self.expression.kind != "VIEW"
        return isinstance(self.expression, exp.Query) and any(self.expression.find_all(exp.Table))

    def refuse_without(self, warehouse: str) -> None:
        """Raises: SqlError when there is no warehouse to run it."""
        if not warehouse and self.needs_warehouse:
            raise no_warehouse()


def read(text: str) -> list[Statement]:
    """The statements of a text, comments and empty ones dropped.   Raises: SqlError."""
    if len(text) > MAX_CHARS:
        raise too_large(f"a statement has at most {MAX_CHARS} characters.")
    try:
        found = [each for each in sqlglot.parse(text, read="snowflake") if each is not None]
    except SqlglotError as error:
        raise parse_error(error, text) from error
    except RecursionError as error:
        raise too_large("the statement is nested too deeply.") from error
    found = [each for each in found if not isinstance(each, exp.Semicolon)]
    if not found:
        raise SqlError("000900", "42601", "SQL compilation error:\nEmpty SQL statement.")
    if len(found) > MAX_STATEMENTS:
        raise too_large(f"a request has at most {MAX_STATEMENTS} statements.")
    single = len(found) == 1
    return [_checked(each, text if single else each.sql(dialect="snowflake")) for each in found]


def _checked(expression: Any, text: str) -> Statement:
    """Raises: SqlError for statements that the stand-in does not run, or that reach beyond the database."""
    if isinstance(expression, exp.Command) and isinstance(expression := _command(expression), exp.Command):
        return Statement(expression, text)
    if isinstance(expression, exp.Create | exp.Drop):
        kind = str(expression.kind or "").upper()
        if kind not in _KINDS or (kind == "DATABASE" and isinstance(expression, exp.Drop)):
            raise unsupported(f"{expression.key.upper()} {expression.kind or ''}".strip())
    elif isinstance(expression, exp.Alias):
        return _unset(expression, text)
    elif not isinstance(expression, _QUERIES + _OTHERS):
        raise unsupported(expression.key.upper())
    statement = Statement(expression, text)
    for function in list(expression.find_all(exp.Func)):
        _check_function(function, statement)
    for table in expression.find_all(exp.Table):
        if _HIDDEN.fullmatch(table.name) or _HIDDEN.fullmatch(table.db):
            raise not_found("Object", table.name.upper(), "42S02")
    return statement


def _session_change(expression: Any) -> dict[str, str | None] | None:
    if isinstance(expression, exp.Use):
        kind = expression.args.get("kind")
        name = str(getattr(kind, "name", kind) or "").upper()
        if name not in ("ROLE", "WAREHOUSE"):
            return {} if name.startswith("SECONDARY") else None
        held = expression.this.this
        return {name: held.name if held.args.get("quoted") else held.name.upper()}
    change = expression.find(exp.AlterSession) if isinstance(expression, exp.Alter) else None
    if change is None:
        return None
    unsets = bool(change.args.get("unset"))
    found: dict[str, str | None] = {}
    for item in change.expressions:
        pair = item.this
        if isinstance(pair, exp.EQ):
            found[pair.this.name.upper()] = None if unsets else pair.expression.name
        else:
            found[pair.name.upper()] = None
    return None if "AUTOCOMMIT" in found and not unsets else found


def _unset(expression: Any, text: str) -> Statement:
    """`UNSET name`, which sqlglot reads as a name with an alias."""
    if expression.this.name.upper() != "UNSET":
        raise syntax_error(f"syntax error line 1 at position 0 unexpected '{expression.this.name}'.")
    return Statement(expression, text)


def _command(command: Any) -> Any:
    """A statement that sqlglot keeps as text: `CALL SYSTEM$WAIT(...)` and `SHOW ...` run, others do not."""
    head = str(command.this).upper()
    tail = str(getattr(command.expression, "name", command.expression) or "").strip()
    if head == "CALL" and tail.upper().startswith("SYSTEM$"):
        return sqlglot.parse_one(f"SELECT {tail}", read="snowflake")
    if head == "SHOW" and re.fullmatch(r"PARAMETERS(?:\s+(?:LIKE|IN)\s.*)?", tail, re.IGNORECASE | re.DOTALL):
        return command
    raise unsupported(f"{head} {tail.split()[0].upper() if tail else ''}".strip())


def name_of(function: Any) -> str:
    """A function's name in upper case, however sqlglot keeps it."""
    return (function.name if isinstance(function, exp.Anonymous) else function.sql_name()).upper()


def _check_function(function: Any, statement: Statement) -> None:
    name = name_of(function)
    if name == _WAIT:
        statement.wait_s += _waited(function)
    elif isinstance(function, exp.Anonymous | exp.ReadCSV | exp.ReadParquet | exp.Glob) and _REACHING.fullmatch(name):
        raise unknown_function(name)


def _waited(call: Any) -> float:
    """Seconds of `SYSTEM$WAIT(amount [, unit])`; the call becomes what it returns.   Raises: SqlError."""
    amount, *rest = call.expressions or [None]
    unit = (rest[0].name if rest else "SECONDS").upper()
    if not isinstance(amount, exp.Literal) or amount.is_string or unit not in _UNITS_S:
        raise SqlError("001044", "42P13", f"SQL compilation error:\nInvalid argument types for function '{_WAIT}'")
    named: Any = exp.Literal.string(f"waited {amount.name} {unit.lower()}")
    if isinstance(call.parent, exp.Select):
        named = exp.alias_(named, call.sql(dialect="snowflake").upper(), quoted=True)
    call.replace(named)
    return float(amount.name) * _UNITS_S[unit]


def position(text: str, name: str) -> str:
    """ "error line 1 at position 7" for the first token of this name; "" when there is none."""
    try:
        tokens = sqlglot.tokenize(text, read="snowflake")
    except SqlglotError:
        return ""
    for token in tokens:
        if token.text.upper() == name.upper():
            line_start = text.rfind("\n", 0, token.start) + 1
            return f"error line {token.line} at position {token.start - line_start}"
    return ""


def bind(text: str, literals: Sequence[str]) -> str:
    """The text with its `?` and `:1` replaced by literals.   Raises: SqlError when one has no value."""
    try:
        tokens = sqlglot.tokenize(text, read="snowflake")
    except SqlglotError as error:
        raise parse_error(error, text) if hasattr(error, "errors") else syntax_error(str(error)) from error
    parts, done, used = [], 0, 0
    for index, token in enumerate(tokens):
        end, number = token.end + 1, 0
        if text[token.start] == "?":
            used, end = used + 1, token.start + 1
            number = used
        elif token.token_type is TokenType.COLON and index + 1 < len(tokens):
            following, before = tokens[index + 1], tokens[index - 1] if index else None
            touches = before is not None and before.end + 1 == token.start and before.token_type is not TokenType.COMMA
            if following.token_type is TokenType.NUMBER and following.text.isdigit() and not touches:
                number, end = int(following.text), following.end + 1
        if number:
            if number > len(literals):
                place = position(text, token.text)
                raise SqlError(
                    "002049", "42601", f"SQL compilation error: {place}\nBind variable {token.text} not set."
                )
            parts += [text[done : token.start], literals[number - 1]]
            done = end
    return "".join(parts) + text[done:]


def insert_of(text: str, rows: Sequence[Sequence[str]]) -> str:
    """`INSERT ... VALUES (?, ...)` with as many tuples as there are rows.   Raises: SqlError for other statements."""
    tokens = sqlglot.tokenize(text, read="snowflake")
    start = next((index for index, token in enumerate(tokens) if token.token_type is TokenType.VALUES), None)
    if start is None or tokens[0].token_type is not TokenType.INSERT or not rows:
        raise unsupported("arrays of bindings outside of INSERT ... VALUES")
    opening = tokens[start + 1].start
    group = text[opening:].rstrip().rstrip(";")
    return text[:opening] + ", ".join(bind(group, row) for row in rows)


def rewrite(statement: Statement, values: Mapping[str, str | None], catalog: Catalog, names: tuple[str, str]) -> None:
    """Put the session's values in, name columns as Snowflake does, and give quotients their scale.

    values: of context functions by name.   names: the current database and schema.
    """
    expression = statement.expression
    drop_keys(expression)
    if isinstance(expression, exp.Query):
        _name_by_source(expression, statement.text)
    if isinstance(expression, exp.Query | exp.Insert | exp.Create):
        for select in list(expression.find_all(exp.Select)):
            _name_columns(select)
    if not isinstance(expression, exp.Create) or expression.expression is not None:
        _put_in_the_time(expression, dt.datetime.now(dt.UTC))
    for function in list(expression.find_all(exp.Func)):
        name = name_of(function)
        if name in values:
            function.replace(_string(values[name]))
    _share(expression)
    _format_dates(expression)
    _type_exactly(expression, catalog, names)


def _share(expression: Any) -> None:
    """`RATIO_TO_REPORT(x) OVER (...)` is x by the sum of x over the same."""
    for window in list(expression.find_all(exp.Window)):
        if isinstance(window.this, exp.Anonymous) and name_of(window.this) == "RATIO_TO_REPORT":
            (part,) = window.this.expressions or (exp.Null(),)
            total = window.copy()
            total.set("this", exp.Sum(this=part.copy()))
            window.replace(exp.paren(exp.Div(this=part.copy(), expression=total)))


def drop_keys(expression: Any) -> None:
    """Remove keys from a definition: Snowflake declares them and enforces none, DuckDB would."""
    if not isinstance(expression, exp.Create):
        return
    for column in list(expression.find_all(exp.ColumnConstraint)):
        if isinstance(column.kind, exp.PrimaryKeyColumnConstraint | exp.UniqueColumnConstraint | exp.Reference):
            column.pop()
    for key in list(expression.find_all(exp.PrimaryKey, exp.ForeignKey, exp.UniqueColumnConstraint)):
        holder = key.parent if isinstance(key.parent, exp.Constraint) else key
        holder.pop()


def _name_by_source(query: Any, text: str) -> None:
    """Name the unnamed columns of the outermost SELECT by what was written, as far as that can be told."""
    select = query if isinstance(query, exp.Select) else query.find(exp.Select)
    written = _written_columns(text)
    if select is None or select.parent_select is not None or len(written) != len(select.expressions):
        return
    for column, source in zip(list(select.expressions), written, strict=True):
        if _is_unnamed(column):
            _name(column, source.upper())


def _written_columns(text: str) -> list[str]:
    """The texts between the commas of the first SELECT outside of parentheses."""
    found: list[str] = []
    depth, start = 0, -1
    for token in sqlglot.tokenize(text, read="snowflake"):
        kind = token.token_type
        depth += (kind in _OPENING) - (kind in _CLOSING)
        if depth:
            continue
        if start < 0:
            if kind is TokenType.SELECT:
                start = token.end + 1
            continue
        if kind in _ENDS:
            return [*found, text[start : token.start].strip()]
        if kind is TokenType.COMMA:
            found.append(text[start : token.start].strip())
            start = token.end + 1
    return [*found, text[start:].strip().rstrip(";").strip()] if start >= 0 else []


_OPENING = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE})
_CLOSING = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE})
_ENDS = frozenset({TokenType.FROM, TokenType.UNION, TokenType.SEMICOLON, TokenType.LIMIT, TokenType.WHERE})


def _name(column: Any, name: str) -> None:
    column.replace(exp.alias_(column.copy(), name, quoted=True))


def _put_in_the_time(expression: Any, now: dt.datetime) -> None:
    """Functions of the clock become what they return: one moment for all of a statement.

    DuckDB could not run them: where a column is called CURRENT_DATE, it takes the function for the column.
    """
    text = now.isoformat(" ", "microseconds")
    for node in list(expression.find_all(exp.CurrentDate, exp.CurrentTimestamp, exp.Localtime, exp.Localtimestamp)):
        naive = text.partition("+")[0]
        if isinstance(node, exp.CurrentDate):
            made = (naive[:10], "DATE")
        elif isinstance(node, exp.Localtime):
            made = (naive[11:], "TIME")
        else:
            made = (naive, "TIMESTAMP_NTZ") if node.args.get("sysdate") else (text, "TIMESTAMP_LTZ")
        node.replace(exp.cast(exp.Literal.string(made[0]), exp.DataType.build(made[1], dialect="snowflake")))


def _is_unnamed(column: Any) -> bool:
    if isinstance(column, exp.Alias | exp.Column | exp.Star | exp.Dot) or column.is_star or column.alias:
        return False
    return not (isinstance(column, exp.Func) and name_of(column) in ("FLATTEN", "UNNEST", "EXPLODE"))


def _string(value: str | None) -> Any:
    return exp.Null() if value is None else exp.Literal.string(value)


def _name_columns(select: Any) -> None:
    """Unnamed columns are called by their own text, in upper case."""
    for column in list(select.expressions):
        if _is_unnamed(column):
            _name(column, column.sql(dialect="snowflake").upper())


def _qualified(expression: Any, catalog: Catalog, names: tuple[str, str]) -> Any | None:
    """A typed copy with every column traced to its table; None when sqlglot cannot tell."""
    types: dict[str, object] = {
        database: {
            schema: {table: {name: kind for name, (kind, _) in columns.items()} for table, columns in tables.items()}
            for schema, tables in schemas.items()
        }
        for database, schemas in catalog.items()
    }
    try:
        schema = MappingSchema(types, dialect="snowflake")
        traced = qualify(
            expression.copy(),
            schema=schema,
            dialect="snowflake",
            catalog=names[0] or None,
            db=names[1] or None,
            validate_qualify_columns=False,
            identify=False,
        )
        return annotate_types(traced, schema=schema, dialect="snowflake")
    except (SqlglotError, RecursionError, AttributeError, KeyError, ValueError, TypeError, AssertionError):
        return None  # types are an extra: the statement runs without them


def _type_exactly(expression: Any, catalog: Catalog, names: tuple[str, str]) -> None:
    """Give quotients, averages and moved dates the types that Snowflake gives them; dividing by zero is an error."""
    found = list(expression.find_all(exp.Div, exp.Avg, *_OF_DATES))
    for index, node in enumerate(found):
        node.meta["mark"] = index
    query = expression if isinstance(expression, exp.Query) else expression.find(exp.Query)
    traced = _qualified(query, catalog, names) if found and query is not None else None
    types: dict[int, str] = {}
    for node in traced.find_all(exp.Div, exp.Avg, *_OF_DATES) if traced is not None else ():
        if (mark := node.meta.get("mark")) is not None and (kind := _exact_type(node)):
            types[mark] = kind
    for index, node in reversed(list(enumerate(found))):  # the inner ones first
        _replace_typed(node, types.get(index))


_OF_DATES = (exp.DateAdd, exp.DateSub, exp.DateTrunc, exp.TimestampTrunc)
"""Functions that DuckDB lets return a time where Snowflake returns a date."""

_WRAPPERS = (exp.Window, exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls)


def _exact_type(node: Any) -> str:
    """The type to cast to; empty where DuckDB's own will do."""
    if isinstance(node, exp.Div | exp.Avg):
        scale = _scale(node)
        return "" if scale is None else f"DECIMAL(38, {scale})"
    return "DATE" if node.type is not None and node.type.this.value == "DATE" else ""


def _replace_typed(node: Any, kind: str | None) -> None:
    if isinstance(node, exp.Div):
        quotient = exp.Anonymous(this=DIVIDE, expressions=[node.this.copy(), node.expression.copy()])
        node.replace(exp.cast(quotient, exp.DataType.build(kind)) if kind else quotient)
    elif kind:
        whole = node
        while isinstance(whole.parent, _WRAPPERS) and whole.parent.this is whole:
            whole = whole.parent
        whole.replace(exp.cast(whole.copy(), exp.DataType.build(kind)))


def _format_dates(expression: Any) -> None:
    """`TO_CHAR(x, format)` of dates and times, also where nothing tells that x is one.   Raises: SqlError."""
    for node in list(expression.find_all(exp.ToChar)):
        form = node.args.get("format")
        if form is None:
            continue
        if not isinstance(form, exp.Literal) or not _DATE_FORMAT.search(form.name):
            raise unsupported("TO_CHAR of a number with a format")
        parts = _FORMAT_PARTS.findall(form.name)
        text = "".join(_STRFTIME.get(part.upper(), part.strip('"').replace("%", "%%")) for part in parts)
        moment = exp.cast(node.this.copy(), exp.DataType.build("TIMESTAMP_NTZ", dialect="snowflake"))
        node.replace(exp.TimeToStr(this=moment, format=exp.Literal.string(text)))


_DATE_FORMAT = re.compile(r"YY|MM|DD|DY|MON|HH|MI|SS", re.IGNORECASE)
_FORMAT_PARTS = re.compile(
    r'"[^"]*"|YYYY|YY|MMMM|MON|MM|DD|DY|HH24|HH12|AM|PM|MI|SS|FF[369]?|.', re.IGNORECASE | re.DOTALL
)
_STRFTIME = {
    "YYYY": "%Y",
    "YY": "%y",
    "MMMM": "%B",
    "MON": "%b",
    "MM": "%m",
    "DD": "%d",
    "DY": "%a",
    "HH24": "%H",
    "HH12": "%I",
    "AM": "%p",
    "PM": "%p",
    "MI": "%M",
    "SS": "%S",
    "FF3": "%g",
    "FF6": "%f",
    "FF9": "%n",
    "FF": "%n",
}


def _scale(node: Any) -> int | None:
    """Decimals of an exact number as Snowflake computes them; None for floats and what is unknown.

    Source: Snowflake's page on scale and precision in arithmetic operations.
    """
    if isinstance(node, exp.Literal):
        return None if node.is_string or "e" in node.name.lower() else len(node.name.partition(".")[2])
    if isinstance(node, exp.Paren | exp.Neg | exp.Sum | exp.Min | exp.Max | exp.Abs | exp.Coalesce | exp.Alias):
        return _scale(node.this)
    if isinstance(node, exp.Avg):
        return _quotient(_scale(node.this), 0)
    if isinstance(node, exp.Round):
        inner, places = _scale(node.this), node.args.get("decimals")
        return None if inner is None else min(inner, int(places.name) if isinstance(places, exp.Literal) else 0)
    if isinstance(node, exp.Div | exp.Mul | exp.Add | exp.Sub):
        return _arithmetic(node, _scale(node.this), _scale(node.expression))
    return _declared_scale(node)


def _arithmetic(node: Any, left: int | None, right: int | None) -> int | None:
    if left is None or right is None:
        return None
    if isinstance(node, exp.Div):
        return _quotient(left, right)
    return min(left + right, max(left, right, 12)) if isinstance(node, exp.Mul) else max(left, right)


def _quotient(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else max(left, min(left + 6, 12))


def _declared_scale(node: Any) -> int | None:
    kind = node.type
    if kind is None:
        return None
    if kind.this.value in _INTEGERS:
        return 0
    if kind.this.value == "DECIMAL" and kind.expressions:
        return int(kind.expressions[1].name) if len(kind.expressions) > 1 else 0
    return None


def hints(expression: Any, catalog: Catalog, names: tuple[str, str]) -> list[Hint]:
    """What the text tells of each result column; empty when it tells nothing."""
    if not isinstance(expression, exp.Query):
        return []
    traced = _qualified(expression, catalog, names)
    if traced is None or any(column.is_star for column in traced.selects):
        return []
    sources = {}
    if isinstance(traced, exp.Select):
        common = {cte.alias for cte in traced.find_all(exp.CTE)}
        for table in traced.find_all(exp.Table):
            if table.parent_select is traced and table.name not in common:
                sources[table.alias_or_name] = table
    return [_hint(column, sources, catalog) for column in traced.selects]


def _hint(column: Any, sources: Mapping[str, Any], catalog: Catalog) -> Hint:
    kind = column.type.this.value if column.type is not None else ""
    inner = column.this if isinstance(column, exp.Alias) else column
    if not isinstance(inner, exp.Column) or inner.table not in sources:
        return Hint(kind)
    table = sources[inner.table]
    found = catalog.get(table.catalog, {}).get(table.db, {}).get(table.name, {}).get(inner.name)
    return Hint(kind, found[1] if found else None)


def literal(kind: str, value: Any) -> str:
    """A binding as SQL text.   Raises: SqlError for a value that its type cannot have."""
    if value is None:
        return "NULL"
    try:
        return _LITERALS.get(kind.upper(), _text)(str(value))
    except (ValueError, ArithmeticError) as error:
        raise SqlError("100038", "22018", f"Numeric value '{value}' is not recognized", repr(error)) from error


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _fixed(value: str) -> str:
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError(value)
    return f"({number:f})" if number < 0 else f"{number:f}"


def _moment(value: str) -> dt.datetime:
    return dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=int(value) // 1000)  # noqa: DTZ001  # no zone is meant


def _iso(value: str, form: str) -> bool:
    return re.match(form, value.strip()) is not None


def _date(value: str) -> str:
    if _iso(value, r"\d+-\d+-\d+"):
        return f"{_text(value)}::DATE"
    return f"'{(_moment('0') + dt.timedelta(milliseconds=int(value))).date().isoformat()}'::DATE"


def _time(value: str) -> str:
    return f"{_text(value)}::TIME" if ":" in value else f"'{_moment(value).time().isoformat()}'::TIME"


def _naive(value: str) -> str:
    text = value if _iso(value, r"\d+-\d+-\d+") else _moment(value).isoformat(" ")
    return f"{_text(text)}::TIMESTAMP_NTZ"


def _zoned(value: str) -> str:
    if _iso(value, r"\d+-\d+-\d+"):
        return f"{_text(value)}::TIMESTAMP_TZ"
    nanoseconds, _, _offset = value.partition(" ")  # the moment is kept, its offset is not: DuckDB has none
    return f"'{_moment(nanoseconds).isoformat(' ')}+00:00'::TIMESTAMP_TZ"


_LITERALS: dict[str, Callable[[str], str]] = {
    "FIXED": _fixed,
    "REAL": lambda value: f"'{float(value)!r}'::FLOAT",
    "BOOLEAN": lambda value: "TRUE" if value.strip().lower() in ("true", "1") else "FALSE",
    "DATE": _date,
    "TIME": _time,
    "TIMESTAMP_NTZ": _naive,
    "TIMESTAMP_LTZ": _zoned,
    "TIMESTAMP_TZ": _zoned,
    "BINARY": lambda value: f"TO_BINARY('{bytes.fromhex(value).hex().upper()}', 'HEX')",
}
