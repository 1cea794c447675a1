"""OTLP as it comes over HTTP: a body in, records out. Nothing here knows a socket.

Protobuf is decoded by the classes that the exporters use; JSON is first brought into the form that these classes
read, because OTLP's JSON differs from protobuf's own: ids are hexadecimal, an enumeration is a number.
Source: OpenTelemetry Protocol Specification 1.x, OTLP/HTTP, "JSON Protobuf Encoding".
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor  # type: ignore[import-untyped]  # has no stubs
from google.protobuf.json_format import ParseDict, ParseError  # type: ignore[import-untyped]  # has no stubs
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # has no stubs
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from contracts.telemetry import Signal

NOTHING: Mapping[str, Any] = MappingProxyType({})


def _nothing() -> Mapping[Any, Any]:
    return NOTHING


class Malformed(ValueError):
    """A body that is no OTLP; the message says where."""


# --- records


@dataclass(frozen=True, slots=True)
class Happening:
    """An event within a span."""

    time_ns: int
    name: str
    attributes: Mapping[str, Any] = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True)
class Span:
    """A span as it arrived. Times are nanoseconds since the epoch.   links: the traces that it links to."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    kind: str
    service: str
    start_ns: int
    end_ns: int
    status: str
    attributes: Mapping[str, Any] = field(default_factory=_nothing)
    status_message: str = ""
    events: tuple[Happening, ...] = ()
    instance: str | None = None
    links: tuple[str, ...] = ()

    @property
    def duration_ms(self) -> float:
        """How long it lasted."""
        return (self.end_ns - self.start_ns) / 1e6


@dataclass(frozen=True, slots=True)
class Log:
    """A log line as it arrived.

    event: what happened, in the words of the service.   trace_id, span_id: None where the line belongs to none.
    fields: those of the line's JSON, and the record's attributes.
    """

    time_ns: int
    severity: str
    event: str
    trace_id: str | None
    span_id: str | None
    service: str
    fields: Mapping[str, Any] = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A measurement that stands for its bucket, and the trace in which it was made."""

    trace_id: str | None
    span_id: str | None
    value: float
    time_ns: int


@dataclass(frozen=True, slots=True)
class Point:
    """One series of a metric at one moment.

    kind: gauge, sum, histogram, exponential_histogram, summary.   value: of a gauge or a sum, else None.
    count, sum: of all others.   buckets: by upper bound, not cumulated, the last one is infinity.
    start_ns: since when it is counted, 0 for what is not counted.   is_delta: it counts since the point before.
    """

    name: str
    service: str
    attributes: Mapping[str, Any]
    time_ns: int
    value: float | None = None
    count: int | None = None
    sum: float | None = None
    buckets: Mapping[float, int] = field(default_factory=_nothing)
    kind: str = "gauge"
    instance: str | None = None
    start_ns: int = 0
    is_delta: bool = False
    exemplars: tuple[Exemplar, ...] = ()

    @property
    def total(self) -> float:
        """What moves: the value, or how often something was measured."""
        return self.value if self.value is not None else float(self.count or 0)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one request brought.   rejected: a reason for each record that was not taken.   size_bytes: of its body."""

    spans: tuple[Span, ...] = ()
    logs: tuple[Log, ...] = ()
    points: tuple[Point, ...] = ()
    rejected: tuple[str, ...] = ()
    size_bytes: int = 0


# --- bodies


class Encoding(StrEnum):
    """How a body is written; the media types of OTLP over HTTP."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"


_REQUESTS: Mapping[Signal, type[Any]] = {
    Signal.TRACES: ExportTraceServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
    Signal.LOGS: ExportLogsServiceRequest,
}


def decoded(signal: Signal, body: bytes, encoding: Encoding) -> Batch:
    """The records in a body.   Raises: Malformed."""
    request = _REQUESTS[signal]()
    try:
        if encoding is Encoding.JSON:
            ParseDict(_as_protobuf_json(json.loads(body.decode()), request.DESCRIPTOR), request)
        else:
            request.ParseFromString(body)
    except (DecodeError, ParseError, ValueError, TypeError, RecursionError) as error:
        raise Malformed(f"no OTLP {signal.value} as {encoding.value}: {error}") from error
    return replace(_READERS[signal](request), size_bytes=len(body))


_IDS = {"trace_id": 32, "span_id": 16, "parent_span_id": 16}
"""Fields that JSON writes as hexadecimal digits, and how many; every other field of bytes is base64."""


def _as_protobuf_json(value: Any, form: Descriptor) -> dict[str, Any]:
    """A message of OTLP's JSON as protobuf's JSON has it, without the keys that OTLP does not know."""
    if not isinstance(value, dict):
        raise Malformed(f"{form.name}: an object is expected, not {json.dumps(value)[:80]}")
    fields = {each.json_name: each for each in form.fields}
    return {key: _values(each, fields[key]) for key, each in value.items() if key in fields and each is not None}


def _values(value: Any, form: FieldDescriptor) -> Any:
    if not form.is_repeated:
        return _value(value, form)
    if not isinstance(value, list):
        raise Malformed(f"{form.json_name}: a list is expected, not {json.dumps(value)[:80]}")
    return [_value(each, form) for each in value]


def _value(value: Any, form: FieldDescriptor) -> Any:
    if form.message_type is not None:
        return _as_protobuf_json(value, form.message_type)
    if form.enum_type is not None and type(value) is not int:
        raise Malformed(f"{form.json_name}: OTLP writes an enumeration as its number, not as {json.dumps(value)[:80]}")
    if form.name in _IDS:
        return _id(value, form)
    return value


def _id(value: Any, form: FieldDescriptor) -> str:
    digits = _IDS[form.name]
    if not isinstance(value, str) or not re.fullmatch(rf"([0-9a-fA-F]{{{digits}}})?", value):
        raise Malformed(f"{form.json_name}: {digits} hexadecimal digits are expected, not {json.dumps(value)[:80]}")
    return base64.b64encode(bytes.fromhex(value)).decode()


# --- what bodies hold


def _traces(request: Any) -> Batch:
    spans, rejected = [], []
    for resource in request.resource_spans:
        service, instance = _origin(resource)
        for each in (span for scope in resource.scope_spans for span in scope.spans):
            if _is_id(each.trace_id, 16) and _is_id(each.span_id, 8):
                spans.append(_span(each, service, instance))
            else:
                rejected.append(f"span {each.name!r} of {service} has no valid trace id and span id")
    return Batch(spans=tuple(spans), rejected=tuple(rejected))


_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUSES = ("unset", "ok", "error")


def _span(each: Any, service: str, instance: str | None) -> Span:
    return Span(
        trace_id=each.trace_id.hex(),
        span_id=each.span_id.hex(),
        parent_id=each.parent_span_id.hex() if any(each.parent_span_id) else None,
        name=each.name,
        kind=_named(_KINDS, each.kind),
        service=service,
        start_ns=each.start_time_unix_nano,
        end_ns=each.end_time_unix_nano,
        status=_named(_STATUSES, each.status.code),
        attributes=_attributes(each.attributes),
        status_message=each.status.message,
        instance=instance,
        events=tuple(
            Happening(event.time_unix_nano, event.name, _attributes(event.attributes)) for event in each.events
        ),
        links=tuple(link.trace_id.hex() for link in each.links),
    )


def _logs(request: Any) -> Batch:
    logs = []
    for resource in request.resource_logs:
        service, _ = _origin(resource)
        logs += [_log(each, service) for scope in resource.scope_logs for each in scope.log_records]
    return Batch(logs=tuple(logs))


def _log(each: Any, service: str) -> Log:
    body = _plain(each.body)
    line = _as_line(body)
    fields = {**_attributes(each.attributes), **line}
    return Log(
        time_ns=each.time_unix_nano or each.observed_time_unix_nano,
        severity=(each.severity_text or _severity(each.severity_number)).lower(),
        event=str(each.event_name or line.get("event") or ("" if body is None else body)),
        trace_id=each.trace_id.hex() if _is_id(each.trace_id, 16) else None,
        span_id=each.span_id.hex() if _is_id(each.span_id, 8) else None,
        service=service,
        fields=MappingProxyType(fields),
    )


def _as_line(body: Any) -> Mapping[str, Any]:
    """A body's fields: it is an object, or JSON of one."""
    if isinstance(body, str) and body.startswith("{"):
        try:
            body = json.loads(body)
        except (ValueError, RecursionError):
            return NOTHING
    return body if isinstance(body, dict) else NOTHING


def _severity(number: int) -> str:
    """Of the 24 levels every four share a name.   Source: OpenTelemetry's log data model, SeverityNumber."""
    return _named(("", "trace", "debug", "info", "warning", "error", "critical"), (number + 3) // 4)


def _metrics(request: Any) -> Batch:
    points: list[Point] = []
    for resource in request.resource_metrics:
        service, instance = _origin(resource)
        for metric in (each for scope in resource.scope_metrics for each in scope.metrics):
            points += _points(metric, service, instance)
    return Batch(points=tuple(points))


_DELTA = 1
_NO_VALUE = 1
"""Values of AggregationTemporality and of a point's flags."""


def _points(metric: Any, service: str, instance: str | None) -> Iterator[Point]:
    kind = metric.WhichOneof("data")
    if kind is None:
        return
    data = getattr(metric, kind)
    is_delta = kind in ("sum", "histogram", "exponential_histogram") and data.aggregation_temporality == _DELTA
    for each in data.data_points:
        if each.flags & _NO_VALUE:
            continue
        measured = _number(each) if kind in ("gauge", "sum") else _distribution(each, kind)
        yield Point(
            name=metric.name,
            service=service,
            attributes=_attributes(each.attributes),
            time_ns=each.time_unix_nano,
            kind=kind,
            instance=instance,
            start_ns=0 if kind == "gauge" else each.start_time_unix_nano,
            is_delta=is_delta,
            exemplars=() if kind == "summary" else tuple(map(_exemplar, each.exemplars)),
            **measured,
        )


def _number(point: Any) -> dict[str, Any]:
    form = point.WhichOneof("value")
    return {"value": float(getattr(point, form)) if form else 0.0}


def _distribution(point: Any, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {"count": point.count, "sum": point.sum}
    if kind == "histogram" and point.bucket_counts:
        bounds = [*point.explicit_bounds, math.inf]
        if len(bounds) != len(point.bucket_counts):
            raise Malformed(f"histogram: {len(point.bucket_counts)} buckets for {len(bounds) - 1} bounds")
        found["buckets"] = MappingProxyType(dict(zip(bounds, point.bucket_counts, strict=True)))
    return found


def _exemplar(each: Any) -> Exemplar:
    return Exemplar(
        trace_id=each.trace_id.hex() if any(each.trace_id) else None,
        span_id=each.span_id.hex() if any(each.span_id) else None,
        value=_number(each)["value"],
        time_ns=each.time_unix_nano,
    )


def _origin(resource: Any) -> tuple[str, str | None]:
    """Service and instance."""
    known = _attributes(resource.resource.attributes)
    instance = known.get("service.instance.id")
    return str(known.get("service.name", "unknown_service")), None if instance is None else str(instance)


def _is_id(value: bytes, size: int) -> bool:
    return len(value) == size and any(value)


def _named(names: tuple[str, ...], number: int) -> str:
    return names[number] if 0 <= number < len(names) else names[0]


def _attributes(pairs: Iterable[Any]) -> Mapping[str, Any]:
    return MappingProxyType({pair.key: _plain(pair.value) for pair in pairs})


def _plain(value: Any) -> Any:
    form = value.WhichOneof("value")
    if form is None:
        return None
    found = getattr(value, form)
    if form == "array_value":
        return [_plain(each) for each in found.values]
    if form == "kvlist_value":
        return {pair.key: _plain(pair.value) for pair in found.values}
    return found


_READERS = {Signal.TRACES: _traces, Signal.METRICS: _metrics, Signal.LOGS: _logs}
