"""TraceQL, read for its structure: spansets, what is compared in them, and the pipeline after them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from dashboards.check.tokens import Malformed, Reader

SCOPES = frozenset(["span", "resource", "event", "link", "instrumentation", "trace", "parent"])
INTRINSICS = frozenset(
    (
        *("status", "statusMessage", "duration", "name", "kind", "rootName", "rootServiceName", "traceDuration"),
        *("nestedSetLeft", "nestedSetRight", "nestedSetParent", "childCount"),
    )
)
WORDS = frozenset(
    (
        *("ok", "error", "unset", "true", "false", "nil"),
        *("server", "client", "producer", "consumer", "internal", "unspecified"),
    )
)
"""Values that are written without quotes."""

AGGREGATES = frozenset(
    (
        *("count", "avg", "min", "max", "sum", "rate", "count_over_time", "min_over_time", "max_over_time"),
        *("avg_over_time", "sum_over_time", "quantile_over_time", "histogram_over_time", "compare"),
    )
)
_BETWEEN = ("&&", "||", ">>", "<<", ">", "<", "~", "!>>", "!<<", "!>", "!<", "!~", "&>>", "&<<", "&>", "&<", "&~")
_COMPARE = ("=", "!=", ">", ">=", "<", "<=", "=~", "!~")
_CALCULATE = ("+", "-", "*", "/", "%", "^")
_TRACE_ID = re.compile(r"[0-9a-fA-F]{16,32}")


@dataclass(slots=True)
class TraceQuery:
    """What a query consists of: the attributes it names, with scope, and the functions of its pipeline."""

    attributes: list[str] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)


def parse(text: str) -> TraceQuery:
    """The structure of the query; the id of a trace is one too.   Raises: Malformed, with the position."""
    found = TraceQuery()
    if _TRACE_ID.fullmatch(text.strip()):
        return found
    reader = Reader(text)
    if reader.ahead.kind == "end":
        raise Malformed(text, 0, "an empty query")
    _spansets(reader, found)
    while reader.takes("|"):
        _step(reader, found)
    if reader.takes("with"):
        _hints(reader)
    reader.end()
    return found


def _spansets(reader: Reader, found: TraceQuery) -> None:
    while True:
        if reader.takes("("):
            _spansets(reader, found)
            while reader.takes("|"):
                _step(reader, found)
            reader.expect("`)`", text=")")
        else:
            reader.expect("`{`", text="{")
            if not reader.takes("}"):
                _condition(reader, found)
                reader.expect("`}`", text="}")
        if not reader.takes(*_BETWEEN):
            return


def _condition(reader: Reader, found: TraceQuery) -> None:
    while True:
        reader.takes("!")
        if reader.takes("("):
            _condition(reader, found)
            reader.expect("`)`", text=")")
        else:
            _field(reader, found)
        if reader.takes(*_COMPARE):
            _field(reader, found)
        while reader.takes(*_CALCULATE):
            _field(reader, found)
            if reader.takes(*_COMPARE):
                _field(reader, found)
        if not reader.takes("&&", "||"):
            return


def _field(reader: Reader, found: TraceQuery) -> None:
    """An attribute, an intrinsic or a value."""
    reader.takes("-")
    if reader.ahead.kind in {"string", "number"}:
        reader.take()
    elif reader.takes("."):
        found.attributes.append(_dotted(reader))
    elif reader.ahead.kind == "name":
        _named(reader, found)
    else:
        raise reader.wrong("expected an attribute or a value")


def _named(reader: Reader, found: TraceQuery) -> None:
    name = reader.ahead
    if name.text in SCOPES:
        reader.take()
        if reader.takes(":"):
            reader.expect("an intrinsic", kind="name")
            return
        reader.expect("`.` and an attribute", text=".")
        found.attributes.append(f"{name.text}.{_dotted(reader)}")
    elif name.text in INTRINSICS | WORDS:
        reader.take()
    else:
        raise reader.wrong("expected an attribute with its scope, such as span.http.route, or an intrinsic")


def _dotted(reader: Reader) -> str:
    parts = list[str]()
    while True:
        if reader.ahead.kind not in {"name", "string", "number"}:
            raise reader.wrong("expected an attribute's name")
        parts.append(reader.take().text.strip('"'))
        # A dash within a name, as of http.request.header.x-id, has no spaces around it.
        if reader.sees("-") and reader.text[reader.ahead.position - 1] != " ":
            parts[-1] += reader.take().text + reader.expect("a name", kind="name").text
        if not reader.takes("."):
            return ".".join(parts)


def _step(reader: Reader, found: TraceQuery) -> None:
    """One part of the pipeline."""
    if reader.sees("{"):
        _spansets(reader, found)
        return
    name = reader.expect("a function", kind="name")
    found.functions.append(name.text)
    if name.text in {"by", "select", "coalesce"}:
        _fields(reader, found)
        return
    if name.text in {"topk", "bottomk"}:
        reader.expect("`(`", text="(")
        reader.expect("a number", kind="number")
        reader.expect("`)`", text=")")
        return
    if name.text not in AGGREGATES:
        raise Malformed(reader.text, name.position, f"{name.text} is no function of TraceQL's pipeline")
    _fields(reader, found)
    if reader.takes("by"):
        _fields(reader, found)
    if reader.takes(*_COMPARE):
        _field(reader, found)


def _fields(reader: Reader, found: TraceQuery) -> None:
    reader.expect("`(`", text="(")
    while not reader.takes(")"):
        if reader.sees("{"):
            _spansets(reader, found)
        else:
            _field(reader, found)
        if not reader.takes(",") and not reader.sees(")"):
            raise reader.wrong("expected `,` or `)`")


def _hints(reader: Reader) -> None:
    reader.expect("`(`", text="(")
    while not reader.takes(")"):
        reader.expect("a hint", kind="name")
        reader.expect("`=`", text="=")
        reader.take()
        if not reader.takes(",") and not reader.sees(")"):
            raise reader.wrong("expected `,` or `)`")
