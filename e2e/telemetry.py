"""A collector on loopback that keeps what it is sent by OTLP over HTTP, and answers questions about it.

Receiver            what has arrived: `spans`, `logs`, `points`; `until` it has, `never` did it; the trace as a `tree`
Source              a service that can be made to send what it has: what `never` needs to be sure
Reading             all series at one moment, and how far they have `moved` since another one
TelemetryMissing    says what was asked, what came nearest, and shows the trace
"""

from __future__ import annotations

import functools
import json
import secrets
import threading
import time
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import requests

from contracts.telemetry import Signal
from e2e.intake import LOOPBACK, Intake
from e2e.otlp import NOTHING, Batch, Exemplar, Happening, Log, Point, Span
from e2e.tree import one_line, pairs, tree

__all__ = [
    "LOOPBACK",
    "Exemplar",
    "Happening",
    "Log",
    "Point",
    "Reading",
    "Receiver",
    "Source",
    "Span",
    "TelemetryMissing",
    "receiving",
    "sources_of",
]

T = TypeVar("T")
Record = Span | Log | Point
R = TypeVar("R", bound=Record)

TEST_ID = "test.id"
LOG_TEST_ID = "testId"
"""Where a span and a log line say for which test they were made."""

MAX_KEPT, MAX_KEPT_BYTES = 50_000, 64 * 1024 * 1024
"""Spans that are kept, and log lines, and series, and the bytes that brought the first two; the oldest make way."""

MAX_EXEMPLARS = 50
"""Examples that are kept of a series."""

TIMEOUT_S = 10.0
SHOWN_TRACES, SHOWN_QUESTIONS, SHOWN_NEAREST, SHOWN_REFUSALS = 3, 8, 3, 5
COMPARED = 500
"""Records among which the nearest are looked for."""


class TelemetryMissing(AssertionError):
    """Telemetry that did not arrive, or that must not have; the message shows the trace as far as it is known."""


# --- questions


ABSENT = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """What a record has in place of what was asked for."""

    name: str
    wanted: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.name} is {'absent' if self.found is ABSENT else repr(self.found)}"

    @property
    def likeness(self) -> float:
        """From 0, nothing in common, to below 1."""
        return SequenceMatcher(None, str(self.wanted), str(self.found)).ratio() if self.found is not ABSENT else 0.0


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked: records of a signal whose `fields` and `inside` (attributes, a line's fields) are these.

    scope: a trace id or a test id, by its name, or nothing.
    """

    signal: Signal
    scope: Mapping[str, str]
    fields: Mapping[str, Any]
    inside: Mapping[str, Any]

    def differences(self, record: Record) -> Iterator[Difference]:
        """What keeps a record from being an answer; nothing for an answer."""
        for name, wanted in self.fields.items():
            if (found := getattr(record, name)) != wanted:
                yield Difference(name, wanted, found)
        held = record.fields if isinstance(record, Log) else record.attributes
        for name, wanted in self.inside.items():
            if (found := held.get(name, ABSENT)) != wanted:
                yield Difference(name, wanted, found)

    def among(self, records: Iterable[R]) -> list[R]:
        """The records that answer it."""
        return [each for each in records if next(self.differences(each), None) is None]

    def __str__(self) -> str:
        asked = {**self.scope, **self.fields, **self.inside}
        return f"{self.signal.value}({', '.join(f'{name}={value!r}' for name, value in asked.items())})"


def query(signal: Signal, scope: Mapping[str, Any], fields: Mapping[str, Any], inside: Mapping[str, Any]) -> Query:
    """A question without what is None."""
    return Query(signal, _given(scope), _given(fields), dict(inside))


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def nearest(asked: Query, records: Iterable[Record]) -> list[str]:
    """The records that differ in least of what was asked, and there least, each with what it differs in."""
    found = [(list(asked.differences(each)), each) for each in records]
    fewest = sorted(found, key=lambda pair: len(pair[0]))[:COMPARED]
    ranked = sorted(fewest, key=lambda pair: (len(pair[0]), -sum(each.likeness for each in pair[0])))
    return [f"{told(each)} ({', '.join(map(str, unlike))})" for unlike, each in ranked[:SHOWN_NEAREST] if unlike]


def told(record: Record) -> str:
    """A record in one line."""
    if isinstance(record, Span):
        return one_line(record)
    if isinstance(record, Log):
        return f"{record.service}: {record.event!r}"
    return f"{record.service}: {record.name}{{{pairs(record.attributes)}}} {record.total:g}"


# --- what is kept


class _Kept(Generic[R]):
    """The newest records, found by keys. The oldest make way for what is too much; `dropped` counts them."""

    def __init__(self, most: int, keys: Callable[[R], Iterable[Hashable]]) -> None:
        self._most, self._keys, self.dropped = most, keys, 0
        self.all: deque[R] = deque()
        self._costs, self._bytes = deque[int](), 0
        self._found: defaultdict[Hashable, deque[R]] = defaultdict(deque)

    def add(self, records: Sequence[R], size_bytes: int) -> None:
        for record in records:
            self.all.append(record)
            self._costs.append(size_bytes // len(records))
            self._bytes += self._costs[-1]
            for key in self._keys(record):
                self._found[key].append(record)
            while len(self.all) > self._most or self._bytes > MAX_KEPT_BYTES:
                self._drop()

    def _drop(self) -> None:
        self.dropped += 1
        self._bytes -= self._costs.popleft()
        for key in self._keys(self.all.popleft()):
            found = self._found[key]
            found.popleft()  # within a key the oldest is the same one
            if not found:
                del self._found[key]

    def under(self, key: Hashable) -> Sequence[R]:
        return self._found.get(key, ())


def _span_keys(span: Span) -> Iterator[Hashable]:
    yield span.trace_id
    if isinstance(test := span.attributes.get(TEST_ID), str):
        yield TEST_ID, test


def _log_keys(log: Log) -> Iterator[Hashable]:
    if log.trace_id is not None:
        yield log.trace_id
    if isinstance(test := log.fields.get(LOG_TEST_ID), str):
        yield TEST_ID, test


Series = tuple[str, str | None, str, Hashable]
"""Service, instance, name, attributes."""


def series_of(point: Point) -> Series:
    """What a point is a point of."""
    attributes: Hashable
    try:
        attributes = frozenset(point.attributes.items())
    except TypeError:  # there is a list among the values
        attributes = json.dumps(dict(point.attributes), sort_keys=True, default=str)
    return point.service, point.instance, point.name, attributes


def accumulated(before: Point | None, point: Point) -> Point:
    """The newest point as a running total, with the newest examples of the series.

    What is sent as a difference is added to what was there. Exporters send each example once.
    """
    if before is None:
        return replace(point, is_delta=False) if point.is_delta else point
    examples = tuple(dict.fromkeys((*before.exemplars, *point.exemplars)))[-MAX_EXEMPLARS:]
    if not point.is_delta:
        return replace(point, exemplars=examples) if examples else point
    buckets = {bound: before.buckets.get(bound, 0) + count for bound, count in point.buckets.items()}
    return replace(
        point,
        value=None if point.value is None else (before.value or 0.0) + point.value,
        count=None if point.count is None else (before.count or 0) + point.count,
        sum=None if point.sum is None else (before.sum or 0.0) + point.sum,
        buckets=MappingProxyType(buckets),
        start_ns=before.start_ns,
        is_delta=False,
        exemplars=examples,
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """All series as they were known at one moment."""

    series: Mapping[Series, Point] = field(default_factory=dict)

    def points(
        self, *, name: str | None = None, service: str | None = None, attributes: Mapping[str, Any] = NOTHING
    ) -> list[Point]:
        """The newest point of every series that has all of what is asked for."""
        return query(Signal.METRICS, {}, {"name": name, "service": service}, attributes).among(self.series.values())

    def moved(
        self, since: Reading, name: str, *, service: str | None = None, attributes: Mapping[str, Any] = NOTHING
    ) -> float:
        """By how much a metric moved since another reading, over all series that have these attributes.

        Of a histogram its count. A series that was counted anew in between (its process began again) counts whole.
        """
        found = self.points(name=name, service=service, attributes=attributes)
        return sum(each.total - _total_before(since.series.get(series_of(each)), each) for each in found)


def _total_before(before: Point | None, now: Point) -> float:
    return before.total if before is not None and before.start_ns == now.start_ns else 0.0


@dataclass(frozen=True, slots=True)
class Source:
    """A service that sends telemetry, and a URL at which a request leaves a span, and a line if it sends lines.

    What a service sends of one signal leaves in the order in which it ended. So once the span and the line of a later
    request have arrived, everything that ended before that request has arrived, too.
    """

    service: str
    url: str
    signals: tuple[Signal, ...] = (Signal.TRACES, Signal.LOGS)

    def tells(self, signal: Signal, service: str | None) -> bool:
        """Whether it answers for a signal of a service; None: of any."""
        return service in (None, self.service) and signal in (*self.signals, Signal.METRICS)


class Receiver:
    """What has arrived, and where it arrives. Any thread may ask.

    sources: the services that `never` makes send what they have; see `hearing`.
    """

    def __init__(self, url: str, *, most: int = MAX_KEPT) -> None:
        self.url = url
        self.sources: list[Source] = []
        self._most = most
        self._spans: _Kept[Span] = _Kept(most, _span_keys)
        self._logs: _Kept[Log] = _Kept(most, _log_keys)
        self._series: OrderedDict[Series, Point] = OrderedDict()
        self._dropped_series, self._refusals, self._last_refusals = 0, 0, deque[str](maxlen=SHOWN_REFUSALS)
        self._changed = threading.Condition()
        self._batches = 0
        self._asking = threading.local()

    # What comes.

    def take(self, batch: Batch) -> None:
        """Keep what a request brought."""
        with self._changed:
            self._spans.add(batch.spans, batch.size_bytes)
            self._logs.add(batch.logs, batch.size_bytes)
            for point in batch.points:
                self._keep(point)
            self._batches += 1
            self._changed.notify_all()

    def _keep(self, point: Point) -> None:
        series = series_of(point)
        self._series[series] = accumulated(self._series.get(series), point)
        self._series.move_to_end(series)
        if len(self._series) > self._most:
            self._series.popitem(last=False)
            self._dropped_series += 1

    def refused(self, why: str) -> None:
        """Note a request, or records of one, that were not taken."""
        with self._changed:
            self._refusals += 1
            self._last_refusals.append(why)

    # What is asked.

    def spans(
        self,
        *,
        trace_id: str | None = None,
        test_id: str | None = None,
        service: str | None = None,
        name: str | None = None,
        attributes: Mapping[str, Any] = NOTHING,
    ) -> list[Span]:
        """The spans that have all of what is asked for, by their beginning.

        test_id: those of every trace in which some span or line was made for this test.
        """
        scope = {"trace_id": trace_id, "test_id": test_id}
        asked = query(Signal.TRACES, scope, {"service": service, "name": name}, attributes)
        return sorted(self._found(asked, self._spans), key=lambda each: each.start_ns)

    def logs(
        self,
        *,
        trace_id: str | None = None,
        test_id: str | None = None,
        service: str | None = None,
        event: str | None = None,
        fields: Mapping[str, Any] = NOTHING,
    ) -> list[Log]:
        """The log lines that have all of what is asked for, by their time.   test_id: as for `spans`."""
        scope = {"trace_id": trace_id, "test_id": test_id}
        asked = query(Signal.LOGS, scope, {"service": service, "event": event}, fields)
        return sorted(self._found(asked, self._logs), key=lambda each: each.time_ns)

    def points(
        self, *, name: str | None = None, service: str | None = None, attributes: Mapping[str, Any] = NOTHING
    ) -> list[Point]:
        """The newest point of every series that has all of what is asked for. Totals are running totals."""
        asked = query(Signal.METRICS, {}, {"name": name, "service": service}, attributes)
        self._note(asked)
        with self._changed:
            return asked.among(self._series.values())

    def read(self) -> Reading:
        """All series as they are known now; what moved before may still be on its way."""
        with self._changed:
            return Reading(dict(self._series))

    def reading(self, service: str, *, timeout_s: float = TIMEOUT_S) -> Reading:
        """All series, once a service has measured itself after this call: what moved before it is in them.

        Each process of the service that is a source has measured itself, or, without sources, any process.
        """
        asked_ns = time.time_ns()
        sources = [each for each in self.sources if each.service == service]
        needed = {self._answer_of(each, _knock(each), timeout_s).instance for each in sources}

        def is_fresh() -> bool:
            with self._changed:
                newer = [each for each in self._series.values() if each.service == service and each.time_ns >= asked_ns]
            return bool(newer) and needed <= {each.instance for each in newer}

        self.until(is_fresh, f"a newer reading of {service}'s metrics", timeout_s=timeout_s)
        return self.read()

    def _found(self, asked: Query, kept: _Kept[R]) -> list[R]:
        self._note(asked)
        with self._changed:
            return asked.among(self._scoped(asked.scope, kept))

    def _scoped(self, scope: Mapping[str, str], kept: _Kept[R]) -> Iterable[R]:
        trace_id, test_id = scope.get("trace_id"), scope.get("test_id")
        if test_id is not None:
            traces = self._traces_of(test_id)
            wanted = traces if trace_id is None else [each for each in traces if each == trace_id]
            return [record for each in wanted for record in kept.under(each)]
        return list(kept.all) if trace_id is None else list(kept.under(trace_id))

    def _traces_of(self, test_id: str) -> list[str]:
        """The traces in which some span or line was made for this test, oldest first."""
        records: list[Span | Log] = [*self._spans.under((TEST_ID, test_id)), *self._logs.under((TEST_ID, test_id))]
        return list(dict.fromkeys(each.trace_id for each in records if each.trace_id is not None))

    def _note(self, asked: Query) -> None:
        notes: list[Query] | None = getattr(self._asking, "notes", None)
        if notes is not None and asked not in notes:
            notes.append(asked)

    # What is waited for.

    def until(
        self,
        ask: Callable[[], T],
        what: str,
        *,
        trace_id: str | None = None,
        test_id: str | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> T:
        """The first answer that is true; it is asked again whenever something arrives, and at no other time.

        Raises: TelemetryMissing.
        """
        deadline_s = time.monotonic() + timeout_s
        while True:
            with self._changed:
                batches = self._batches
            answer, asked = self._asked(ask)
            if answer:
                return answer
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise TelemetryMissing(
                    f"{what} did not arrive in {timeout_s:g} s\n{self._report(asked, trace_id, test_id)}"
                )
            self._await_more_than(batches, left_s)

    def _await_more_than(self, batches: int, timeout_s: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._batches != batches, timeout_s)

    def never(
        self,
        ask: Callable[[], Any],
        what: str,
        *,
        after: Callable[[], Any],
        trace_id: str | None = None,
        test_id: str | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """Nothing was the answer by the time that everything which left with `after` had arrived.

        after: what must come. Once it has, the sources are asked for something small each (see `drain`).
        Raises: TelemetryMissing when there is an answer, when `after` does not come, and when nothing can be said:
        the question is about a service or a signal that no source answers for, or about a trace that nobody knows.
        """
        lost = list(self._losses())
        found, asked = self._asked(ask)
        scopes = trace_id, test_id
        if not found:
            self._check_can_tell(asked, what)
            self.until(after, f"what {what!r} is held against", trace_id=trace_id, test_id=test_id, timeout_s=timeout_s)
            self.drain(with_metrics=any(each.signal is Signal.METRICS for each in asked), timeout_s=timeout_s)
            found, asked = self._asked(ask)
        if found:
            raise TelemetryMissing(f"{what} must not be, but there is {_shown(found)}\n{self._report(asked, *scopes)}")
        self._check_is_known(asked, what)
        if lost != list(self._losses()):
            raise TelemetryMissing(
                f"{what}: something was lost meanwhile, so nothing can be said\n{self._report((), *scopes)}"
            )

    def drain(self, *, with_metrics: bool = False, timeout_s: float = TIMEOUT_S) -> None:
        """Everything has arrived that each of `sources` had ended when this was called.

        Each source is sent a request in a trace of its own. A service sends the spans that have ended, one after the
        other, and so it does its lines; when this last span and this last line are here, the others are, too.
        with_metrics: it has also measured itself after that.   Raises: TelemetryMissing.
        """
        for source, trace_id in [(each, _knock(each)) for each in self.sources]:
            self._answer_of(source, trace_id, timeout_s)
        for service in {each.service for each in self.sources} if with_metrics else ():
            self.reading(service, timeout_s=timeout_s)

    def _answer_of(self, source: Source, trace_id: str, timeout_s: float) -> Span:
        """The span of what a source was asked, once its line is here, too."""
        what = f"the answer of {source.service} to {source.url}, which shows that all before it has arrived,"
        is_here = functools.partial(self._has_answered, source, trace_id)
        self.until(is_here, what, trace_id=trace_id, timeout_s=timeout_s)
        return self.spans(trace_id=trace_id, service=source.service)[0]

    @contextmanager
    def hearing(self, *sources: Source) -> Iterator[None]:
        """In the block these answer for what has not arrived; each has to be up as long."""
        self.sources += sources
        try:
            yield
        finally:
            for each in sources:
                self.sources.remove(each)

    def _has_answered(self, source: Source, trace_id: str) -> bool:
        asks: dict[Signal, Callable[..., Sequence[Record]]] = {Signal.TRACES: self.spans, Signal.LOGS: self.logs}
        return all(asks[signal](trace_id=trace_id, service=source.service) for signal in source.signals)

    def _check_can_tell(self, asked: Sequence[Query], what: str) -> None:
        if not asked:
            raise TelemetryMissing(f"{what}: the question asks nothing of this receiver, so nothing can be said")
        for each in asked:
            service = each.fields.get("service")
            if not any(source.tells(each.signal, service) for source in self.sources):
                known = ", ".join(f"{source.service} ({'/'.join(source.signals)})" for source in self.sources) or "none"
                raise TelemetryMissing(
                    f"{what}: {each} is answered by no source, so nothing can be said; known: {known}"
                )

    def _check_is_known(self, asked: Sequence[Query], what: str) -> None:
        with self._changed:
            unknown = [each for each in asked if each.scope and not self._knows(each.scope)]
        if unknown:
            raise TelemetryMissing(f"{what}: {unknown[0]}: nothing at all has arrived of it, so nothing can be said")

    def _knows(self, scope: Mapping[str, str]) -> bool:
        return bool(self._scoped(scope, self._spans) or self._scoped(scope, self._logs))

    def _asked(self, ask: Callable[[], T]) -> tuple[T, list[Query]]:
        """An answer, and the questions that were asked of this receiver for it."""
        outer, notes = getattr(self._asking, "notes", None), list[Query]()
        self._asking.notes = notes
        try:
            return ask(), notes
        finally:
            self._asking.notes = outer

    # What is told.

    def tree(self, trace_id: str | None) -> str:
        """The trace, readable. Without an id: the newest traces."""
        with self._changed:
            traces = [trace_id] if trace_id is not None else self._newest()
            return "\n".join(self._tree(each) for each in traces) or "no trace has arrived"

    def _tree(self, trace_id: str) -> str:
        text = tree(self._spans.under(trace_id), self._logs.under(trace_id)) or "nothing of it has arrived"
        return f"trace {trace_id}\n{text}"

    def _newest(self) -> list[str]:
        return list(dict.fromkeys(each.trace_id for each in reversed(self._spans.all)))[:SHOWN_TRACES]

    def _report(self, asked: Sequence[Query], trace_id: str | None, test_id: str | None) -> str:
        """What was asked, what came nearest, the traces that it is about, what was lost."""
        with self._changed:
            traces = [trace_id] if trace_id is not None else self._traces_of(test_id) if test_id is not None else []
            for each in asked:
                named, test = each.scope.get("trace_id"), each.scope.get("test_id")
                traces += [named] if named is not None else self._traces_of(test) if test is not None else []
            wanted = list(dict.fromkeys(traces))[-SHOWN_TRACES:]
            lines = [line for each in asked[-SHOWN_QUESTIONS:] for line in self._told(each)]
            if not wanted:
                wanted, lines = self._newest(), [*lines, "no trace is named or known; the newest:"]
            return "\n".join([*lines, *map(self._tree, wanted), *self._losses()])

    def _told(self, asked: Query) -> Iterator[str]:
        records: list[Record]
        if asked.signal is Signal.METRICS:
            records = [*self._series.values()]
        elif asked.signal is Signal.LOGS:
            records = [*self._scoped(asked.scope, self._logs)]
        else:
            records = [*self._scoped(asked.scope, self._spans)]
        found = asked.among(records)
        yield f"asked: {asked} -> {len(found) or 'none'} of {len(records)}"
        if not found:
            yield from (f"  nearest: {line}" for line in nearest(asked, records))

    def _losses(self) -> Iterator[str]:
        """What is not known any more, or never was."""
        dropped = {"spans": self._spans.dropped, "log lines": self._logs.dropped, "series": self._dropped_series}
        for what, count in dropped.items():
            if count:
                yield f"the oldest {count} {what} were dropped: this receiver keeps {self._most}"
        if self._refusals:
            yield f"{self._refusals} refused, the last: {'; '.join(self._last_refusals)}"


def _knock(source: Source) -> str:
    """Have a service end a request; return its trace."""
    trace_id = secrets.token_hex(16)
    with requests.Session() as session:
        session.trust_env = False
        headers = {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01", "baggage": f"{TEST_ID}=drain"}
        try:
            session.get(source.url, headers=headers, timeout=TIMEOUT_S)
        except requests.RequestException as error:
            raise TelemetryMissing(f"{source.service} does not answer at {source.url}: {error}") from error
    return trace_id


def _shown(found: Any) -> str:
    if isinstance(found, list | tuple) and found and isinstance(found[0], Span | Log | Point):
        return "; ".join(told(each) for each in found[:SHOWN_NEAREST])
    return repr(found)[:500]


def sources_of(proxy_url: str, mock_url: str) -> tuple[Source, Source]:
    """The two of our own stack. The mock sends no lines; it refuses what it is asked, which is a span as well."""
    return (
        Source("cortex-proxy", f"{proxy_url}/livez"),
        Source("cortex-mock", f"{mock_url}/api/v2/cortex/threads", (Signal.TRACES,)),
    )


@contextmanager
def receiving(port: int = 0, *, most: int = MAX_KEPT) -> Iterator[Receiver]:
    """A running collector.   port: 0 takes a free one.   most: how many spans, lines and series it keeps."""
    intake = Intake(port)
    receiver = Receiver(intake.url, most=most)
    with intake.open_for(receiver):
        yield receiver
