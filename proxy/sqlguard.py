"""Whether one SQL text may be sent to Snowflake as it is: it must be exactly one query, and nothing else.

This is the second wall. The first is a role that can only read, with `MULTI_STATEMENT_COUNT=1`. What a query costs is
bounded by the statement timeout and the resource monitor: an endless recursion or a huge join looks like any other.

The original text is what Snowflake gets, so two readers have to agree on it:

1. A strict lexer of our own knows only what a plain query consists of. What two readers could see differently is not in
   it: a backslash before a quote, `$$`, `//`, `#`, nested comments, `@stage`, `$variable`, `&variable`, `->>`, prefixed
   strings, control characters, and anything but ASCII outside quotes and comments.
2. Rules on its words: the first one, those that Snowflake reserves for changes, and above all the words before a
   parenthesis. They must be keywords, types or functions from `FUNCTIONS`, as they are written: sqlglot's own list will
   not do, because it holds functions of every dialect, and in Snowflake such a name could be anybody's UDF. Snowflake
   lets no UDF take the name of a built-in function. Qualified calls (UDFs, `SNOWFLAKE.CORTEX`) are refused.
3. sqlglot must divide the text into the same words, and must find one query made of known kinds of nodes.

Refused on purpose, although they read: INFORMATION_SCHEMA and the SNOWFLAKE database (metadata of the account, query
texts of other users), context functions and RESULT_SCAN (all browsers share the proxy's user), `AI_*` (spend credits),
sequences (`.nextval` changes them), hierarchical queries, and table functions other than those in `TABLE_FUNCTIONS`.
Also `?::DATE` and `t.a(+)`, for which `CAST(? AS DATE)` and an outer join do.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlglot import exp
from sqlglot.dialects.snowflake import Snowflake
from sqlglot.errors import ParseError
from sqlglot.parsers.snowflake import SnowflakeParser
from sqlglot.tokenizer_core import Token, TokenType

# sqlglot warns with the text of statements that it does not know, and SQL has no place in the log.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)

MAX_SQL_CHARS = 20_000
MAX_PIECES = 5_000
MAX_NESTING = 24
"""sqlglot descends about twenty frames per level, and Python's limit of 1000 is shared with the server's own."""
MAX_PREFIXES = 8
MAX_STEPS_PER_PIECE = 5
"""sqlglot tries several readings at some words, and nested ones multiply: without a bound it can run for hours. Real
queries take fewer than two steps per piece."""
MAX_GENERATED_ROWS = 100_000
MAX_QUOTED_CHARS = 30

ACCEPTED = "Accepted is one SELECT (or WITH ... SELECT) that reads tables, views or semantic views."


class SqlRefusedError(Exception):
    """A statement the guard does not let through; the message says why and what is accepted."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One significant part of the text: `kind` is a group of `_PIECE`; text[start:end] of the statement."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def key(self) -> str:
        """Uppercase for words and marks. Quoted things keep their quotes, so they equal no keyword."""
        return self.text.upper()

    @property
    def is_identifier(self) -> bool:
        """Whether it can name something."""
        return self.kind in {"word", "name"}


NONE = Piece("none", "", 0, 0)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FUNCTIONS = _words(
    # conditional
    """BOOLAND BOOLNOT BOOLOR BOOLXOR COALESCE DECODE EQUAL_NULL GREATEST GREATEST_IGNORE_NULLS IFF IFNULL
    IS_NULL_VALUE LEAST LEAST_IGNORE_NULLS NULLIF NULLIFZERO NVL NVL2 REGR_VALX REGR_VALY ZEROIFNULL"""
    # numeric
    """ ABS ACOS ACOSH ASIN ASINH ATAN ATAN2 ATANH BITAND BITNOT BITOR BITSHIFTLEFT BITSHIFTRIGHT BITXOR CBRT CEIL
    CEILING COS COSH COT DEGREES DIV0 DIV0NULL EXP FACTORIAL FLOOR HAVERSINE LN LOG MOD NORMAL PI POW POWER RADIANS
    RANDOM RANDSTR ROUND SEQ1 SEQ2 SEQ4 SEQ8 SIGN SIN SINH SQRT SQUARE TAN TANH TRUNC TRUNCATE UNIFORM WIDTH_BUCKET
    ZIPF"""
    # text
    """ ASCII BASE64_DECODE_STRING BASE64_ENCODE BIT_LENGTH CHARINDEX CHR COLLATE COLLATION CONCAT CONCAT_WS CONTAINS
    EDITDISTANCE ENDSWITH HASH HEX_DECODE_STRING HEX_ENCODE ILIKE INITCAP JAROWINKLER_SIMILARITY LEFT LEN LENGTH LIKE
    LOWER LPAD LTRIM MD5 MD5_HEX OCTET_LENGTH PARSE_IP PARSE_URL POSITION REGEXP REGEXP_COUNT REGEXP_INSTR REGEXP_LIKE
    REGEXP_REPLACE REGEXP_SUBSTR REGEXP_SUBSTR_ALL REPEAT REPLACE REVERSE RIGHT RLIKE RPAD RTRIM SHA1 SHA1_HEX SHA2
    SHA2_HEX SOUNDEX SPACE SPLIT SPLIT_PART STARTSWITH STRTOK STRTOK_TO_ARRAY SUBSTR SUBSTRING TRANSLATE TRIM UNICODE
    UPPER UUID_STRING"""
    # date and time
    """ ADD_MONTHS CONVERT_TIMEZONE CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP DATE DATEADD DATEDIFF DATEFROMPARTS
    DATE_FROM_PARTS DATE_PART DATE_TRUNC DAY DAYNAME DAYOFMONTH DAYOFWEEK DAYOFWEEKISO DAYOFYEAR EXTRACT GETDATE HOUR
    LAST_DAY LOCALTIME LOCALTIMESTAMP MINUTE MONTH MONTHNAME MONTHS_BETWEEN NEXT_DAY PREVIOUS_DAY QUARTER SECOND
    SYSDATE SYSTIMESTAMP TIME TIMEADD TIMEDIFF TIMEFROMPARTS TIMESTAMPADD TIMESTAMPDIFF TIMESTAMPFROMPARTS
    TIMESTAMP_FROM_PARTS TIMESTAMP_LTZ_FROM_PARTS TIMESTAMP_NTZ_FROM_PARTS TIMESTAMP_TZ_FROM_PARTS TIME_FROM_PARTS
    TIME_SLICE WEEK WEEKISO WEEKOFYEAR YEAR YEAROFWEEK YEAROFWEEKISO"""
    # conversion
    """ AS_ARRAY AS_BOOLEAN AS_CHAR AS_DATE AS_DECIMAL AS_DOUBLE AS_INTEGER AS_NUMBER AS_OBJECT AS_REAL AS_VARCHAR CAST
    TO_ARRAY TO_BINARY TO_BOOLEAN TO_CHAR TO_DATE TO_DECIMAL TO_DOUBLE TO_JSON TO_NUMBER TO_NUMERIC TO_OBJECT TO_TIME
    TO_TIMESTAMP TO_TIMESTAMP_LTZ TO_TIMESTAMP_NTZ TO_TIMESTAMP_TZ TO_VARCHAR TO_VARIANT TRY_CAST TRY_TO_BINARY
    TRY_TO_BOOLEAN TRY_TO_DATE TRY_TO_DECIMAL TRY_TO_DOUBLE TRY_TO_NUMBER TRY_TO_NUMERIC TRY_TO_TIME TRY_TO_TIMESTAMP
    TRY_TO_TIMESTAMP_LTZ TRY_TO_TIMESTAMP_NTZ TRY_TO_TIMESTAMP_TZ TYPEOF"""
    # aggregate and window; AGG evaluates a metric of a semantic view
    """ AGG ANY_VALUE APPROX_COUNT_DISTINCT APPROX_PERCENTILE APPROX_TOP_K ARRAYAGG ARRAY_AGG ARRAY_UNION_AGG
    ARRAY_UNIQUE_AGG AVG BITAND_AGG BITOR_AGG BITXOR_AGG BOOLAND_AGG BOOLOR_AGG BOOLXOR_AGG CONDITIONAL_CHANGE_EVENT
    CONDITIONAL_TRUE_EVENT CORR COUNT COUNT_IF COVAR_POP COVAR_SAMP CUME_DIST DENSE_RANK FIRST_VALUE GROUPING
    GROUPING_ID HASH_AGG HLL KURTOSIS LAG LAST_VALUE LEAD LISTAGG MAX MAX_BY MEDIAN MIN MIN_BY MODE NTH_VALUE NTILE
    OBJECT_AGG PERCENTILE_CONT PERCENTILE_DISC PERCENT_RANK RANK RATIO_TO_REPORT REGR_AVGX REGR_AVGY REGR_COUNT
    REGR_INTERCEPT REGR_R2 REGR_SLOPE REGR_SXX REGR_SXY REGR_SYY ROW_NUMBER SKEW STDDEV STDDEV_POP STDDEV_SAMP SUM
    VARIANCE VARIANCE_POP VARIANCE_SAMP VAR_POP VAR_SAMP"""
    # semi-structured
    """ ARRAYS_OVERLAP ARRAYS_TO_OBJECT ARRAYS_ZIP ARRAY_APPEND ARRAY_CAT ARRAY_COMPACT ARRAY_CONSTRUCT
    ARRAY_CONSTRUCT_COMPACT ARRAY_CONTAINS ARRAY_DISTINCT ARRAY_EXCEPT ARRAY_FLATTEN ARRAY_GENERATE_RANGE ARRAY_INSERT
    ARRAY_INTERSECTION ARRAY_MAX ARRAY_MIN ARRAY_POSITION ARRAY_PREPEND ARRAY_REMOVE ARRAY_REMOVE_AT ARRAY_REVERSE
    ARRAY_SIZE ARRAY_SLICE ARRAY_SORT ARRAY_TO_STRING CHECK_JSON FILTER GET GET_IGNORE_CASE GET_PATH IS_ARRAY
    IS_BOOLEAN IS_DATE IS_DECIMAL IS_DOUBLE IS_INTEGER IS_OBJECT IS_REAL IS_VARCHAR OBJECT_CONSTRUCT
    OBJECT_CONSTRUCT_KEEP_NULL OBJECT_DELETE OBJECT_INSERT OBJECT_KEYS OBJECT_PICK PARSE_JSON REDUCE STRIP_NULL_VALUE
    TRANSFORM TRY_PARSE_JSON"""
    # places
    """ ST_AREA ST_ASGEOJSON ST_ASTEXT ST_CENTROID ST_CONTAINS ST_COVERS ST_DISTANCE ST_DWITHIN ST_INTERSECTS ST_LENGTH
    ST_MAKEPOINT ST_POINT ST_WITHIN ST_X ST_Y TO_GEOGRAPHY TRY_TO_GEOGRAPHY"""
)
TABLE_FUNCTIONS = _words("FLATTEN GENERATOR SPLIT_TO_TABLE STRTOK_SPLIT_TO_TABLE")

_KEYWORDS = _words(
    """ALL AND ANY AS AT BEFORE BERNOULLI BETWEEN BLOCK BY CASE CUBE DISTINCT ELSE EXCEPT EXCLUDE EXISTS FROM GROUP
    HAVING IN INTERSECT JOIN LATERAL LIMIT MATCH_CONDITION MINUS NOT OFFSET ON OR OVER PIVOT QUALIFY RENAME REPEATABLE
    ROLLUP ROW SAMPLE SEED SELECT SEMANTIC_VIEW SETS SOME SYSTEM TABLE TABLESAMPLE THEN UNION UNPIVOT USING VALUES WHEN
    WHERE"""
)
_TYPES = _words(
    """ARRAY BINARY CHAR CHARACTER DATETIME DEC DECIMAL MAP NCHAR NUMBER NUMERIC NVARCHAR OBJECT STRING TEXT TIMESTAMP
    TIMESTAMP_LTZ TIMESTAMP_NTZ TIMESTAMP_TZ VARBINARY VARCHAR VECTOR"""
)
_BEFORE_PARENTHESIS = FUNCTIONS | TABLE_FUNCTIONS | _KEYWORDS

# Snowflake reserves these, so without quotes they can only be the keyword.
# https://docs.snowflake.com/en/sql-reference/reserved-keywords
_REFUSED_WORDS = _words("ALTER CONNECT CREATE CURRENT_USER DELETE DROP GRANT INSERT INTO REVOKE SET TRIGGER UPDATE")
# In parentheses a statement such as SHOW TABLES looks to sqlglot like a table and its alias.
_VERBS = _words("CALL DESC DESCRIBE EXECUTE EXPLAIN LIST LS MERGE SHOW TRUNCATE")
_REFUSED_QUALIFIERS = _words("INFORMATION_SCHEMA SNOWFLAKE")

_SYNTAX = (
    *(exp.Select, exp.SetOperation, exp.Subquery, exp.CTE, exp.With, exp.Values, exp.Tuple),
    *(exp.From, exp.Join, exp.Lateral, exp.Table, exp.TableAlias, exp.TableFromRows, exp.TableSample, exp.SemanticView),
    *(exp.HistoricalData, exp.Pivot, exp.PivotAlias, exp.PivotAny, exp.UnpivotColumns),
    *(exp.Where, exp.Group, exp.Having, exp.Qualify, exp.Order, exp.Ordered, exp.Limit, exp.LimitOptions, exp.Offset),
    *(exp.Fetch, exp.Distinct, exp.Cube, exp.Rollup, exp.GroupingSets, exp.Window, exp.WindowSpec, exp.WithinGroup),
    *(exp.IgnoreNulls, exp.RespectNulls, exp.Identifier, exp.Column, exp.Star, exp.Alias, exp.Aliases, exp.Var),
    *(exp.Literal, exp.Boolean, exp.Null, exp.Interval, exp.Placeholder, exp.DataType, exp.DataTypeParam),
    *(exp.Func, exp.Binary, exp.Unary, exp.Between, exp.In, exp.Any, exp.All, exp.Lambda, exp.Bracket, exp.JSONPath),
    *(exp.JSONPathPart, exp.JSONKeyValue, exp.StarMap),
)

# What must hold for nodes of a kind, and what it means.
_NODE_RULES: tuple[tuple[type[exp.Expr], Callable[[Any], bool], str], ...] = (
    (exp.Anonymous, lambda node: node.name.upper() in FUNCTIONS, "A function must be among the accepted ones"),
    (
        exp.Table,
        lambda node: isinstance(node.this, exp.Identifier | exp.SemanticView),
        "A table must be given by its name, a table function as TABLE(...)",
    ),
    (
        exp.Table,
        lambda node: node.this.args.get("quoted") or node.name.upper() not in _VERBS,
        "A table is no statement",
    ),
    (exp.Paren, lambda node: not isinstance(node.this, exp.Alias), "Parentheses hold no name and its alias"),
    (exp.TableAlias, lambda node: node.this or not node.columns, "Columns can be named only behind a table's alias"),
    (exp.Placeholder, lambda node: not node.this or str(node.this).isdigit(), "A bind must be ? or :1"),
)

# Line ends other than LF and CR LF end a comment for some readers and not for others; the bidirectional controls show a
# person another text than the one that runs.
_REFUSED_CHARS = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]|\r(?!\n)"
)
# What follows a piece keeps an unterminated string, or a word before a quote, from being read as a shorter one.
# Possessive repeats are of single characters only: of groups, Python before 3.11.5 matches them wrongly. A backslash
# may stand before anything but a quote: then the string ends at the same place, whether or not the reader takes
# backslashes as escapes.
_PIECE = re.compile(
    r"""(?P<space>[ \t\r\n]++)
    |(?P<comment>--[^\n]*+|/\*(?:[^*/]|\*(?!/)|/(?!\*))*\*/)
    |(?P<string>'(?:[^'\\]|''|\\[^'])*')(?![\w'"$])
    |(?P<name>"(?:[^"\\]|"")+")(?![\w'"$])
    |(?P<word>[A-Za-z_](?:[A-Za-z0-9_]|\$(?!\$))*)(?![\w'"$])
    |(?P<number>(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?)(?![\w'"$])
    |(?P<mark>\|\||::|=>|->(?!>)|<=|>=|<>|!=|-(?!-)|/(?![/*])|\*(?!/)|\{(?![{%#])|[(),.;:?+%=<>\[\]}])""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)

_SMALL = re.compile(r"[0-9]{1,9}")

_OPENING, _CLOSING = {"(", "[", "{", "CASE"}, {")", "]", "}", "END"}
_PREFIXES = {"NOT", "-", "+"}


class _BoundedParser(SnowflakeParser):
    """Gives up after so many moves along the tokens; moves back, to try another reading, count too."""

    def __init__(self, dialect: Snowflake, max_steps: int) -> None:
        super().__init__(dialect=dialect)
        self._steps_left = max_steps

    def _advance(self, times: int = 1) -> None:
        self._steps_left -= 1
        if not self._steps_left:
            raise TimeoutError("out of steps")  # not a ParseError: the parser would catch that and try on
        super()._advance(times)


def check(statement: str) -> None:
    """The text is one query that Snowflake may get unchanged.   Raises: SqlRefusedError."""
    pieces = _pieces(statement)
    _check_frame(pieces)
    _check_size(pieces)
    _check_words(pieces)
    _check_calls(pieces)
    _check_tree(_tree(statement, pieces))


def _refusal(found: str) -> SqlRefusedError:
    return SqlRefusedError(f"{found}. {ACCEPTED}")


def _short(text: str) -> str:
    return repr(text[:MAX_QUOTED_CHARS])


def _pieces(statement: str) -> list[Piece]:
    """The significant pieces, without a closing semicolon; spaces and comments left out.   Raises: SqlRefusedError."""
    if len(statement) > MAX_SQL_CHARS:
        raise _refusal(f"The statement has {len(statement)} characters; the limit is {MAX_SQL_CHARS}")
    if bad := _REFUSED_CHARS.search(statement):
        raise _refusal(f"The statement holds the control character {bad[0]!a} at position {bad.start()}")
    pieces: list[Piece] = []
    at = 0
    while at < len(statement):
        match = _PIECE.match(statement, at)
        if match is None:
            raise _refusal(_unreadable(statement, at))
        kind, at = str(match.lastgroup), match.end()
        if kind not in {"space", "comment"}:
            pieces.append(Piece(kind, match[0], match.start(), at))
    if pieces and pieces[-1].text == ";":
        pieces.pop()
    return pieces


def _unreadable(statement: str, at: int) -> str:
    found = f"What begins with {_short(statement[at : at + 12])} at position {at} is no part of a plain query"
    if statement[at] in "'\"":
        return found + ": a quote must be closed and stand apart; one inside is doubled, not escaped with a backslash"
    return found + ": stages, variables, $$, //, nested comments and pipes are not accepted"


def _check_frame(pieces: Sequence[Piece]) -> None:
    """One statement, and it starts as a query does."""
    if not pieces:
        raise _refusal("The statement is empty")
    first = next((piece for piece in pieces if piece.text != "("), NONE)
    if first.key not in {"SELECT", "WITH"}:
        raise _refusal(f"The statement starts with {_short(first.text)}")
    if any(piece.text == ";" for piece in pieces):
        raise _refusal("There is more than one statement")


def _check_size(pieces: Sequence[Piece]) -> None:
    """The work of parsing is bounded."""
    if len(pieces) > MAX_PIECES:
        raise _refusal(f"The statement has {len(pieces)} words and marks; the limit is {MAX_PIECES}")
    depth = run = 0
    for piece in pieces:
        depth = max(0, depth + (piece.key in _OPENING) - (piece.key in _CLOSING))
        run = run + 1 if piece.key in _PREFIXES else 0
        if depth > MAX_NESTING or run > MAX_PREFIXES:
            raise _refusal(f"The statement is nested deeper than {MAX_NESTING} levels or {MAX_PREFIXES} signs in a row")


def _check_words(pieces: Sequence[Piece]) -> None:
    """No word changes anything, no name leads to metadata or to a sequence."""
    for piece in pieces:
        if piece.key in _REFUSED_WORDS:
            raise _refusal(f"The word {piece.key} is not accepted without quotes")
    for left, right in pairwise(pieces):
        if right.text == "." and _bare(left) in _REFUSED_QUALIFIERS:
            raise _refusal(f"{_bare(left)} is not open to queries")
        if left.text == "." and _bare(right) == "NEXTVAL":
            raise _refusal("A query must not advance a sequence")


def _bare(piece: Piece) -> str:
    return piece.key.strip('"') if piece.is_identifier else ""


def _check_calls(pieces: Sequence[Piece]) -> None:
    """Every identifier before a parenthesis is known to be harmless there."""
    for at, (piece, after) in enumerate(pairwise([*pieces, NONE])):
        if piece.key == "TABLE":
            _check_table_function(pieces[at : at + 4])
        if piece.key == "GENERATOR":
            _check_generator(pieces[at : at + 6])
        if after.text != "(" or not piece.is_identifier:
            continue
        before = pieces[at - 1] if at else NONE
        if before.text == ".":
            raise _refusal(f"The qualified call of {_short(piece.text)} is not accepted")
        is_type = piece.key in _TYPES and before.key in {"::", "AS"}
        if not (is_type or piece.key in _BEFORE_PARENTHESIS or _names_columns(pieces, at)):
            raise _refusal(f"The function {_short(piece.text)} is not among the accepted ones")


def _names_columns(pieces: Sequence[Piece], at: int) -> bool:
    """Whether columns get names there: `name (a, b) AS (` of a CTE, `AS name (a, b)` or `) name (a, b)` of a table."""
    last = at + 2
    while [piece.key for piece in pieces[last + 1 : last + 2]] == [","] and pieces[last].is_identifier:
        last += 2
    following = [piece.key for piece in pieces[last + 1 : last + 4]]
    if following[:1] != [")"] or not pieces[last].is_identifier:
        return False
    return following[1:] == ["AS", "("] or pieces[at - 1].key in {"AS", ")"}


def _check_table_function(pieces: Sequence[Piece]) -> None:
    """TABLE(f(...)) with a known f; TABLE('name'), TABLE(?) and TABLE(procedure()) would hide what is read."""
    keys = [piece.key for piece in pieces]
    if keys[1::2] != ["(", "("] or keys[2] not in TABLE_FUNCTIONS:
        raise _refusal(f"TABLE(...) accepts only {', '.join(sorted(TABLE_FUNCTIONS))}")


def _check_generator(pieces: Sequence[Piece]) -> None:
    keys = [piece.key for piece in pieces]
    rows = keys[4] if len(keys) == 6 else ""
    shape = [*keys[:4], *keys[5:]]
    if (
        shape != ["GENERATOR", "(", "ROWCOUNT", "=>", ")"]
        or not _SMALL.fullmatch(rows)
        or int(rows) > MAX_GENERATED_ROWS
    ):
        raise _refusal(f"GENERATOR accepts only ROWCOUNT => a number up to {MAX_GENERATED_ROWS}")


def _tree(statement: str, pieces: Sequence[Piece]) -> exp.Expr:
    """What sqlglot makes of the pieces.   Raises: SqlRefusedError when it sees others, or more than one statement."""
    text = statement[: pieces[-1].end]
    dialect = Snowflake()
    max_steps = MAX_STEPS_PER_PIECE * len(pieces) + 100
    try:
        tokens = dialect.tokenize(text)
        trees = _BoundedParser(dialect, max_steps).parse(tokens, text)
    except TimeoutError:
        raise _refusal(f"Reading the statement takes more steps than {max_steps}") from None
    except Exception as error:  # a parser fed with hostile text may fail in any way; each is a refusal
        # Its message quotes the statement, which must not get into a traceback.
        raise _refusal(f"The statement is not understood{_place(error)}") from None
    if not _is_read_alike(pieces, tokens):
        raise _refusal("The statement could be read in two ways")
    if len(trees) != 1 or trees[0] is None:
        raise _refusal("There is more than one statement")
    return trees[0]


def _place(error: Exception) -> str:
    first = error.errors[0] if isinstance(error, ParseError) and error.errors else {}
    return f" near line {first['line']}, column {first['col']}" if first.get("line") else ""


def _is_read_alike(pieces: Sequence[Piece], tokens: Iterable[Token]) -> bool:
    """Whether sqlglot's tokens are our pieces, in order and without a gap; it may join words, as in GROUP BY."""
    starts = {piece.start: number for number, piece in enumerate(pieces)}
    ends = {piece.end: number + 1 for number, piece in enumerate(pieces)}
    seen = 0
    for token in tokens:
        following = ends.get(token.end + 1, 0)
        if starts.get(token.start) != seen or following <= seen:
            return False
        if not _is_same(token, pieces[seen:following]):
            return False
        seen = following
    return seen == len(pieces)


def _is_same(token: Token, pieces: Sequence[Piece]) -> bool:
    if len(pieces) > 1:
        return all(piece.kind == "word" for piece in pieces)
    quoted = {TokenType.STRING: "string", TokenType.IDENTIFIER: "name"}.get(token.token_type, "")
    return pieces[0].kind == quoted if quoted else pieces[0].kind not in {"string", "name"}


def _check_tree(tree: exp.Expr) -> None:
    """The tree is a query, and all its nodes are of known kinds."""
    if not isinstance(tree, exp.Select | exp.SetOperation | exp.Subquery):
        raise _refusal("The statement is no query")
    for node in tree.walk():
        if not isinstance(node, _SYNTAX):
            raise _refusal(f"The construct {node.key.upper()} is not accepted")
        for kind, is_fine, found in _NODE_RULES:
            if isinstance(node, kind) and not is_fine(node):
                raise _refusal(f"{found}; found {_short(node.name)}")
