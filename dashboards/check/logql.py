"""LogQL, read for its structure: selectors, stages, ranges, functions and brackets. It does not run anything."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from dashboards.check.tokens import Malformed, Reader

LINE_FILTERS = ("|=", "!=", "|~", "!~", "|>", "!>")
STAGES = frozenset(
    (
        *("json", "logfmt", "regexp", "pattern", "unpack", "line_format", "label_format", "unwrap", "decolorize"),
        *("drop", "keep", "distinct"),
    )
)
RANGE_FUNCTIONS = frozenset(
    (
        *("rate", "rate_counter", "bytes_rate", "bytes_over_time", "count_over_time", "sum_over_time", "avg_over_time"),
        *("max_over_time", "min_over_time", "first_over_time", "last_over_time", "stdvar_over_time"),
        *("stddev_over_time", "quantile_over_time", "absent_over_time"),
    )
)
AGGREGATIONS = frozenset(
    (
        *("sum", "avg", "min", "max", "count", "stddev", "stdvar", "topk", "bottomk", "approx_topk", "sort"),
        "sort_desc",
    )
)
OTHER_FUNCTIONS = frozenset(["vector", "label_replace"])
_BINARY = ("+", "-", "*", "/", "%", "^", "==", "!=", ">", ">=", "<", "<=", "and", "or", "unless")
_TEMPLATED = frozenset(["line_format", "label_format"])


@dataclass(slots=True)
class LogQuery:
    """What a query consists of, in the order it was read.

    matchers: label, operator, value of all stream selectors.   stages: their names.   fields: labels that filters, `by`
    and `unwrap` name.   filters: field, operator, value of those that compare with a text.   groups: labels of the
    outermost `by`.   ranges: the windows as written.   is_metric: whether it gives numbers.
    """

    matchers: list[tuple[str, str, str]] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    filters: list[tuple[str, str, str]] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    is_metric: bool = False


def parse(text: str) -> LogQuery:
    """The structure of the query.   Raises: Malformed, with the position."""
    reader, found = Reader(text), LogQuery()
    if reader.ahead.kind == "end":
        raise Malformed(text, 0, "an empty query")
    _expression(reader, found)
    reader.end()
    return found


def _expression(reader: Reader, found: LogQuery) -> None:
    _operand(reader, found)
    while reader.sees(*_BINARY):
        reader.take()
        reader.takes("bool")
        if reader.takes("on", "ignoring"):
            _names(reader, found)
            if reader.takes("group_left", "group_right") and reader.sees("("):
                _names(reader, found)
        _operand(reader, found)


def _operand(reader: Reader, found: LogQuery) -> None:
    if reader.takes("-", "+"):
        _operand(reader, found)
    elif reader.ahead.kind == "number":
        reader.take()
    elif reader.takes("("):
        _expression(reader, found)
        reader.expect("`)`", text=")")
        _range(reader, found)
    elif reader.sees("{"):
        _stream(reader, found)
    elif reader.ahead.kind == "name":
        _function(reader, found)
    else:
        raise reader.wrong("expected a stream selector or a function")


def _function(reader: Reader, found: LogQuery) -> None:
    name = reader.ahead
    if name.text not in RANGE_FUNCTIONS | AGGREGATIONS | OTHER_FUNCTIONS:
        raise reader.wrong("expected a function of LogQL")
    reader.take()
    found.is_metric = True
    _grouping(reader, found)
    reader.expect("`(`", text="(")
    before = len(found.ranges)
    while not reader.takes(")"):
        if reader.ahead.kind == "string":
            reader.take()
        else:
            _expression(reader, found)
        if not reader.takes(",") and not reader.sees(")"):
            raise reader.wrong("expected `,` or `)`")
    if name.text in RANGE_FUNCTIONS and len(found.ranges) == before:
        raise Malformed(reader.text, name.position, f"{name.text} without a range such as [$__auto]")
    _grouping(reader, found)


def _grouping(reader: Reader, found: LogQuery) -> None:
    is_by = reader.sees("by")
    if reader.takes("by", "without"):
        before = len(found.fields)
        _names(reader, found)
        found.groups = found.groups or (found.fields[before:] if is_by else [])


def _names(reader: Reader, found: LogQuery) -> None:
    reader.expect("`(`", text="(")
    while not reader.takes(")"):
        found.fields.append(reader.expect("a label", kind="name").text)
        if not reader.takes(",") and not reader.sees(")"):
            raise reader.wrong("expected `,` or `)`")


def _stream(reader: Reader, found: LogQuery) -> None:
    start = reader.take().position
    chosen = list[tuple[str, str, str]]()
    while not reader.takes("}"):
        label = reader.expect("a label", kind="name").text
        if not reader.sees("=", "!=", "=~", "!~"):
            raise reader.wrong("expected =, !=, =~ or !~")
        sign = reader.take().text
        value = reader.expect("a value in quotes", kind="string")
        _regular(reader, sign, value.text, value.position)
        chosen.append((label, sign, value.text[1:-1]))
        if not reader.takes(",") and not reader.sees("}"):
            raise reader.wrong("expected `,` or `}`")
    if not any(_says_something(sign, value) for _, sign, value in chosen):
        raise Malformed(reader.text, start, "a stream selector without a matcher that excludes the empty value")
    found.matchers += chosen
    _range(reader, found)
    _pipeline(reader, found)
    _range(reader, found)


def _says_something(sign: str, value: str) -> bool:
    return (sign == "=" and value != "") or (sign == "!=" and not value) or (sign == "=~" and not _fits(value, ""))


def _fits(pattern: str, text: str) -> bool:
    try:
        return re.fullmatch(pattern, text) is not None
    except re.error:
        return False


def _regular(reader: Reader, sign: str, quoted: str, position: int) -> None:
    """A pattern must be one.   Raises: Malformed."""
    if sign in {"=~", "!~", "|~"}:
        try:
            re.compile(quoted[1:-1] if quoted[0] == "`" else quoted[1:-1].replace("\\\\", "\\"))
        except re.error as error:
            raise Malformed(reader.text, position, f"a regular expression that is none ({error})") from error


def _range(reader: Reader, found: LogQuery) -> None:
    if reader.takes("["):
        found.ranges.append(reader.expect("a duration", kind="number").text)
        reader.expect("`]`", text="]")
    if reader.takes("offset"):
        reader.takes("-")
        reader.expect("a duration", kind="number")


def _pipeline(reader: Reader, found: LogQuery) -> None:
    while True:
        if reader.sees(*LINE_FILTERS):
            _line_filter(reader, found)
        elif reader.takes("|"):
            _stage(reader, found)
        else:
            return


def _line_filter(reader: Reader, found: LogQuery) -> None:
    sign = reader.take().text
    found.stages.append(sign)
    while True:
        if reader.takes("ip"):
            reader.expect("`(`", text="(")
            reader.expect("a string", kind="string")
            reader.expect("`)`", text=")")
        else:
            value = reader.expect("a string to look for", kind="string")
            _regular(reader, sign, value.text, value.position)
        if not reader.takes("or"):
            return


def _stage(reader: Reader, found: LogQuery) -> None:
    name = reader.ahead
    if name.kind == "name" and name.text in STAGES:
        reader.take()
        found.stages.append(name.text)
        _arguments(reader, name.text, found)
    elif name.kind == "name" or reader.sees("("):
        found.stages.append("filter")
        _label_filter(reader, found)
    else:
        raise reader.wrong(f"expected a stage: {', '.join(sorted(STAGES))} or a label filter")


def _arguments(reader: Reader, stage: str, found: LogQuery) -> None:
    """What follows a stage's name, up to the next stage."""
    if stage in {"regexp", "pattern", "line_format"}:
        value = reader.expect("a string", kind="string")
        _braces(reader, stage, value.text, value.position)
        return
    if stage == "unwrap":
        found.fields.append(reader.expect("a label", kind="name").text)
        if reader.takes("("):
            found.fields.append(reader.expect("a label", kind="name").text)
            reader.expect("`)`", text=")")
        return
    if stage in {"label_format", "drop", "keep", "distinct"} and reader.ahead.kind != "name":
        raise reader.wrong("expected a label")
    while reader.takes("-") or reader.ahead.kind in {"name", "string"} or reader.sees(",", "=", "!=", "=~", "!~"):
        token = reader.take()
        if token.kind == "string":
            _braces(reader, stage, token.text, token.position)


def _braces(reader: Reader, stage: str, text: str, position: int) -> None:
    if stage in _TEMPLATED and text.count("{{") != text.count("}}"):
        raise Malformed(reader.text, position, "a template whose braces do not balance")


def _label_filter(reader: Reader, found: LogQuery) -> None:
    while True:
        if reader.takes("("):
            _label_filter(reader, found)
            reader.expect("`)`", text=")")
        else:
            name = reader.expect("a label", kind="name").text
            found.fields.append(name)
            if not reader.sees("=", "==", "!=", "=~", "!~", ">", ">=", "<", "<="):
                raise reader.wrong("expected a comparison")
            sign = reader.take().text
            if reader.ahead.kind == "string":
                found.filters.append((name, sign, reader.ahead.text[1:-1]))
            _filter_value(reader, sign)
        if not reader.takes("and", "or", ","):
            return


def _filter_value(reader: Reader, sign: str) -> None:
    if reader.takes("ip"):
        reader.expect("`(`", text="(")
        reader.expect("a string", kind="string")
        reader.expect("`)`", text=")")
    elif reader.ahead.kind in {"string", "number"}:
        token = reader.take()
        if token.kind == "string":
            _regular(reader, sign, token.text, token.position)
    else:
        raise reader.wrong("expected a value")
