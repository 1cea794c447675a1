"""A trace, readable: spans below their parents, events and log lines in their places, as lines of text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from e2e.otlp import NOTHING, Log, Span

INDENT = "  "
MAX_VALUE_CHARS = 100
MAX_LINES = 200

TOLD_ELSEWHERE = frozenset(
    {
        *("http.request.method", "http.route", "cortex.surface", "surface"),  # in the span's name
        *("cortex.request.id", "session.id", "cortex.turn.id", "cortex.upstream.request_id", "gen_ai.conversation.id"),
        *("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.stream", "gen_ai.tool.type", "test.id"),
    }
)
"""Attributes that say nothing about this trace which is not said already, or is only an id."""

TOLD_OF_A_LINE = frozenset(
    {
        *("timestamp", "level", "event", "logger", "traceId", "spanId", "requestId", "sessionId", "turnId", "testId"),
        *("method", "route", "upstreamRequestId"),
    }
)


@dataclass(frozen=True, slots=True)
class _Line:
    """One line at its time, and what stands below it."""

    time_ns: int
    text: str
    below: Sequence[_Line] = ()


def tree(spans: Iterable[Span], logs: Iterable[Log] = ()) -> str:
    """One trace: parents before children, all in the order of their time.

    Times are milliseconds since the trace's first span. A span whose parent is not here stands at the left and says so.
    """
    known = {each.span_id: each for each in sorted(spans, key=lambda each: each.start_ns)}
    lines = list(logs)
    began_ns = min([each.start_ns for each in known.values()] or [each.time_ns for each in lines] or [0])
    children = defaultdict(list)
    for each in known.values():
        children[each.parent_id].append(each)
    told = defaultdict(list)
    for line in lines:
        told[line.span_id if line.span_id in known else None].append(line)
    grown = _Grown(children, told, began_ns, set())
    top = [each for each in known.values() if each.parent_id not in known]
    roots = [grown.line(each, _mark(each)) for each in top]
    roots += [grown.line(each, "is its own ancestor") for each in known.values() if each.span_id not in grown.seen]
    roots += [grown.told(line) for line in told[None]]
    shown = list(_indented(sorted(roots, key=lambda line: line.time_ns)))
    more = [f"... and {len(shown) - MAX_LINES} more lines"] if len(shown) > MAX_LINES else []
    return "\n".join([*shown[:MAX_LINES], *more])


def _mark(span: Span) -> str:
    return "" if span.parent_id is None else f"parent {span.parent_id} is not here"


@dataclass(frozen=True, slots=True)
class _Grown:
    """Makes lines; `seen` are the spans that have one."""

    children: Mapping[str | None, Sequence[Span]]
    lines: Mapping[str | None, Sequence[Log]]
    began_ns: int
    seen: set[str]

    def line(self, span: Span, mark: str = "") -> _Line:
        self.seen.add(span.span_id)
        below = [self.line(each) for each in self.children.get(span.span_id, ()) if each.span_id not in self.seen]
        below += [self.told(each) for each in self.lines.get(span.span_id, ())]
        below += [
            _Line(each.time_ns, _joined("*", each.name, self._at(each.time_ns), pairs(each.attributes)))
            for each in span.events
        ]
        text = _joined(
            one_line(span), self._at(span.start_ns), pairs(span.attributes, TOLD_ELSEWHERE), mark and f"<- {mark}"
        )
        return _Line(span.start_ns, text, sorted(below, key=lambda each: each.time_ns))

    def told(self, log: Log) -> _Line:
        parts = ("|", log.severity, repr(log.event), self._at(log.time_ns), pairs(log.fields, TOLD_OF_A_LINE))
        return _Line(log.time_ns, _joined(*parts))

    def _at(self, time_ns: int) -> str:
        return f"@{(time_ns - self.began_ns) / 1e6:.1f}"


def one_line(span: Span) -> str:
    """A span in few words: service, name, duration, how it ended."""
    status = _joined(span.status.upper(), span.status_message) if span.status == "error" else span.status
    return _joined(f"{span.service}: {span.name}", f"[{span.kind}]", f"{span.duration_ms:.1f} ms", status)


def pairs(values: Mapping[str, Any], left_out: frozenset[str] = frozenset()) -> str:
    """`name=value` of each that is not left out."""
    shown = {name: value for name, value in (values or NOTHING).items() if name not in left_out and value is not None}
    return " ".join(f"{name}={_short(value)}" for name, value in shown.items())


def _short(value: Any) -> str:
    text = value if isinstance(value, str) and value and not set(value) & set(" \n\t") else repr(value)
    return text if len(text) <= MAX_VALUE_CHARS else f"{text[:MAX_VALUE_CHARS]}..."


def _joined(*parts: str) -> str:
    return " ".join(filter(None, parts))


def _indented(lines: Iterable[_Line], depth: int = 0) -> Iterator[str]:
    for line in lines:
        yield INDENT * depth + line.text
        yield from _indented(line.below, depth + 1)
