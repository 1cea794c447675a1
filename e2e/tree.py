"""A trace, readable: spans below their parents, events and log lines in their places, as lines of text."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from e2e.otlp import Happening, Log, Span

INDENT, DEEPEST = "  ", 30
MAX_VALUE_CHARS = 100
MAX_LINES = 200

TOLD_ELSEWHERE = frozenset(
    {
        *("http.request.method", "http.route", "cortex.surface", "surface"),  # in the span's name
        *("cortex.request.id", "session.id", "cortex.turn.id", "cortex.upstream.request_id", "gen_ai.conversation.id"),
        *("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.stream", "gen_ai.tool.type", "test.id"),
        *("gen_ai.agent.name", "gen_ai.tool.name", "gen_ai.usage.cache_read.input_tokens", "interaction"),
    }
)
"""Attributes of a span that say again what its line says, the same in every trace, or are only an id."""

TOLD_OF_A_LINE = frozenset(
    {
        *("timestamp", "level", "event", "logger", "traceId", "spanId", "requestId", "sessionId", "turnId", "testId"),
        *("method", "route", "upstreamRequestId"),
    }
)
"""Likewise of a log line."""

Item = Span | Log | Happening


def tree(spans: Iterable[Span], logs: Iterable[Log] = ()) -> str:
    """One trace: parents before children, all in the order of their time; `@` says milliseconds since its beginning.

    A span whose parent is not here stands at the left and says so, as does one of a circle of parents. A line that
    names no span which is here stands at the left. Of many lines the first `MAX_LINES` are shown.
    """
    trace = _Trace(spans, logs)
    lines = (INDENT * min(depth, DEEPEST) + trace.told(item, depth) for depth, item in trace.walk())
    shown = list(itertools.islice(lines, MAX_LINES))
    more = sum(1 for _ in lines)
    return "\n".join([*shown, *([f"... and {more} more lines"] if more else [])])


class _Trace:
    """Spans and lines, by what they stand below: a span's id, None for nothing that is here."""

    def __init__(self, spans: Iterable[Span], logs: Iterable[Log]) -> None:
        self._spans = sorted(spans, key=_time_ns)
        self._known = {each.span_id for each in self._spans}
        items: list[Span | Log] = sorted([*self._spans, *logs], key=_time_ns)
        self._began_ns = _time_ns(items[0]) if items else 0
        self._below: defaultdict[str | None, list[Item]] = defaultdict(list)
        for each in items:
            above = each.parent_id if isinstance(each, Span) else each.span_id
            self._below[above if above in self._known else None].append(each)

    def walk(self) -> Iterator[tuple[int, Item]]:
        """Everything once, with its depth; what no root leads to, a circle, is entered at its earliest span."""
        seen: set[int] = set()
        for root in itertools.chain(self._below[None], self._spans):
            waiting: list[tuple[int, Item]] = [(0, root)]
            while waiting:
                depth, item = waiting.pop()
                if id(item) not in seen:
                    seen.add(id(item))
                    yield depth, item
                    waiting += [(depth + 1, each) for each in reversed(self._under(item))]

    def _under(self, item: Item) -> list[Item]:
        return sorted([*self._below[item.span_id], *item.events], key=_time_ns) if isinstance(item, Span) else []

    def told(self, item: Item, depth: int) -> str:
        """One line."""
        at = f"@{(_time_ns(item) - self._began_ns) / 1e6:.1f}"
        if isinstance(item, Log):
            return _joined("|", item.severity, repr(item.event), at, pairs(item.fields, TOLD_OF_A_LINE))
        if isinstance(item, Happening):
            return _joined("*", item.name, at, pairs(item.attributes))
        return _joined(one_line(item), at, pairs(item.attributes, TOLD_ELSEWHERE), "" if depth else self._mark(item))

    def _mark(self, span: Span) -> str:
        if span.parent_id is None:
            return ""
        why = "is below itself" if span.parent_id in self._known else "is not here"
        return f"<- its parent {span.parent_id} {why}"


def _time_ns(item: Item) -> int:
    return item.start_ns if isinstance(item, Span) else item.time_ns


def one_line(span: Span) -> str:
    """A span in few words: service, name, side, duration, and its status when somebody set one."""
    status = {"unset": "", "error": _joined("ERROR", span.status_message)}.get(span.status, span.status)
    return _joined(f"{span.service}: {span.name}", f"[{span.kind}]", f"{span.duration_ms:.1f} ms", status)


def pairs(values: Mapping[str, Any], left_out: frozenset[str] = frozenset()) -> str:
    """`name=value` of each that is not left out."""
    return " ".join(f"{name}={_short(value)}" for name, value in values.items() if name not in left_out)


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    is_a_word = isinstance(value, str) and value.isprintable() and " " not in value and value
    text = str(value) if is_a_word else repr(value)
    return text if len(text) <= MAX_VALUE_CHARS else f"{text[:MAX_VALUE_CHARS]}..."


def _joined(*parts: str) -> str:
    return " ".join(filter(None, parts))
