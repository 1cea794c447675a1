"""The receiver: it understands real exporters and hand-made OTLP, refuses what is none, and tells what is missing."""

from __future__ import annotations

import base64
import functools
import gzip
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]  # no stubs
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no stubs
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtobufSpan
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExportResult
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace import Status as SpanStatus
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from contracts.telemetry import Signal
from e2e import telemetry
from e2e.otlp import Batch, Encoding, Happening, Malformed, decoded
from e2e.telemetry import LOOPBACK, Exemplar, Log, Point, Receiver, Source, Span, TelemetryMissing, receiving
from e2e.tree import MAX_LINES, tree

TRACE, OTHER = "0af7651916cd43dd8448eb211c80319c", "4bf92f3577b34da6a3ce929d0e0e4736"
ROOT, CHILD = "b7ad6b7169203331", "00f067aa0ba902b7"
RESOURCE = Resource({"service.name": "shop", "service.instance.id": "one"})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A running receiver."""
    with receiving() as running:
        yield running


def a_span(span_id: str = ROOT, parent_id: str | None = None, **changes: Any) -> Span:
    """A span of 10 ms that begins at second 1, unless changes say otherwise."""
    facts: dict[str, Any] = {
        "trace_id": TRACE,
        "span_id": span_id,
        "parent_id": parent_id,
        "name": "GET /",
        "kind": "server",
        "service": "shop",
        "start_ns": 1_000_000_000,
        "end_ns": 1_010_000_000,
        "status": "unset",
    }
    return Span(**facts | changes)


def a_log(event: str = "sold", **changes: Any) -> Log:
    """A line of the root's, one millisecond after it began."""
    facts: dict[str, Any] = {"time_ns": 1_001_000_000, "severity": "info", "trace_id": TRACE, "span_id": ROOT}
    return Log(**{"event": event, "service": "shop"} | facts | changes)


# --- real exporters

PACKED = pytest.mark.parametrize("packed", [Compression.NoCompression, Compression.Gzip], ids=["plain", "gzip"])


@PACKED
def test_spans_of_a_real_exporter(receiver: Receiver, packed: Compression) -> None:
    """All that an exporter says of a span is kept: kin, kind, times, status, attributes of every type, events."""
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{receiver.url}/v1/traces", compression=packed)))
    tracer = provider.get_tracer("test")
    span = tracer.start_as_current_span
    with (
        span("order", kind=SpanKind.SERVER) as order,
        span("pay", kind=SpanKind.CLIENT, attributes={"sum": 7, "is_new": True}) as pay,
    ):
        pay.add_event("declined", {"by": "bank"})
        pay.set_attributes({"share": 0.5, "tags": ["a", "b"], "note": "grün"})
        pay.set_status(SpanStatus(StatusCode.ERROR, "no money"))
    provider.shutdown()
    found = {each.name: each for each in receiver.spans(service="shop")}
    paid, ordered = found["pay"], found["order"]
    assert (paid.trace_id, paid.parent_id) == (f"{order.get_span_context().trace_id:032x}", ordered.span_id)
    assert (ordered.parent_id, ordered.kind, paid.kind) == (None, "server", "client")
    assert (paid.status, paid.status_message, ordered.status) == ("error", "no money", "unset")
    assert dict(paid.attributes) == {"sum": 7, "is_new": True, "share": 0.5, "tags": ["a", "b"], "note": "grün"}
    assert [(each.name, dict(each.attributes)) for each in paid.events] == [("declined", {"by": "bank"})]
    assert ordered.start_ns <= paid.start_ns <= paid.end_ns <= ordered.end_ns


@PACKED
def test_lines_of_a_real_exporter(receiver: Receiver, packed: Compression) -> None:
    """A body of JSON gives its fields and its event, an object does, and a sentence is its own event."""
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    exporter = OTLPLogExporter(f"{receiver.url}/v1/logs", compression=packed)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    bodies: list[Any] = [
        '{"event": "sold", "count": 3}',
        {"event": "kept", "deep": {"a": [1, None]}},
        "no JSON {",
        None,
    ]
    for body in bodies:
        record = LogRecord(timestamp=5, severity_number=SeverityNumber.WARN2, body=body, attributes={"shelf": 2})
        provider.get_logger("test").emit(record)
    provider.get_logger("test").emit(LogRecord(timestamp=6, event_name="named", severity_text="INFO"))
    provider.shutdown()
    found = receiver.logs(service="shop")
    assert [each.event for each in found] == ["sold", "kept", "no JSON {", "", "named"]
    assert dict(found[0].fields) == {"event": "sold", "count": 3, "shelf": 2}
    assert found[1].fields["deep"] == {"a": [1, None]}
    assert {each.severity for each in found} == {"warning", "info"}
    assert {(each.trace_id, each.span_id) for each in found} == {(None, None)}


TEMPORALITIES = pytest.mark.parametrize(
    "temporality", [AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA], ids=["totals", "differences"]
)


@TEMPORALITIES
@PACKED
def test_numbers_of_a_real_exporter(
    receiver: Receiver, packed: Compression, temporality: AggregationTemporality
) -> None:
    """Points are running totals, sent as such or as differences; readings say how far they moved in between."""
    exporter = OTLPMetricExporter(
        f"{receiver.url}/v1/metrics",
        compression=packed,
        preferred_temporality={Counter: temporality, Histogram: temporality},
    )
    reader = PeriodicExportingMetricReader(exporter, 3_600_000)
    provider = MeterProvider([reader], resource=RESOURCE, shutdown_on_exit=False)
    meter = provider.get_meter("test")
    sold, took, room = meter.create_counter("sold"), meter.create_histogram("took"), meter.create_gauge("room")
    sold.add(2, {"what": "tea"})
    took.record(3.0)
    room.set(9)
    provider.force_flush()
    before = receiver.read()
    sold.add(1, {"what": "tea"})
    sold.add(5, {"what": "milk"})
    took.record(40.0)
    room.set(4)
    provider.force_flush()
    after = receiver.read()
    (tea,) = receiver.points(name="sold", service="shop", attributes={"what": "tea"})
    (spent,) = receiver.points(name="took")
    assert (tea.value, tea.kind, tea.instance, tea.is_delta) == (3, "sum", "one", False)
    assert (spent.count, spent.sum, spent.total) == (2, 43.0, 2)
    assert (spent.buckets[5.0], spent.buckets[50.0], spent.buckets[float("inf")]) == (1, 1, 0)
    assert [each.value for each in receiver.points(name="room")] == [4]
    moved = {name: after.moved(before, name) for name in ("sold", "took", "room", "nothing")}
    assert moved == {"sold": 6, "took": 1, "room": -5, "nothing": 0}
    assert after.moved(before, "sold", attributes={"what": "tea"}) == 1
    provider.shutdown()


def test_an_example_leads_to_its_trace(receiver: Receiver) -> None:
    """A measurement that was made in a span comes with the ids of it."""
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{receiver.url}/v1/metrics"), 3_600_000)
    provider = MeterProvider([reader], resource=RESOURCE, shutdown_on_exit=False)
    took = provider.get_meter("test").create_histogram("took")
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    with tracer.start_as_current_span("order") as order:
        took.record(3.0)
    provider.shutdown()
    (point,) = receiver.points(name="took")
    (example,) = point.exemplars
    assert (example.trace_id, example.value) == (f"{order.get_span_context().trace_id:032x}", 3.0)


@pytest.mark.parametrize(
    ("attributes", "others"),
    [({"a": 1, "b": 2}, {"a": 1}), ({"tags": ["x", "y"]}, {"tags": ["x"]}), ({"a": "1"}, {"a": 1})],
    ids=["less", "lists", "types"],
)
def test_series_are_told_apart_by_their_attributes(attributes: dict[str, Any], others: dict[str, Any]) -> None:
    """In any order, with values of any type; the newest point of each is kept."""
    receiver = Receiver("")
    for time_ns, each in enumerate((attributes, others, dict(reversed(attributes.items())))):
        receiver.take(Batch(points=(Point("sold", "shop", each, time_ns, value=float(time_ns)),)))
    assert {each.time_ns for each in receiver.points()} == {1, 2}


def test_examples_are_kept_for_a_while() -> None:
    """A later point does not take them away, one that comes twice is there once, and the newest stay."""
    receiver = Receiver("")
    for number in range(60):
        examples = (Exemplar(f"{number // 2:032x}", ROOT, 1.0, number // 2), Exemplar(None, None, 2.0, -1))
        receiver.take(Batch(points=(Point("took", "shop", {}, number, count=number, exemplars=examples),)))
        receiver.take(Batch(points=(Point("took", "shop", {}, number, count=number),)))
    (point,) = receiver.points(name="took")
    assert [each.time_ns for each in point.exemplars] == [0, -1, *range(1, 30)]
    for number in range(60):
        newest = (Exemplar(None, None, 3.0, 100 + number),)
        receiver.take(Batch(points=(Point("took", "shop", {}, number, count=1, is_delta=True, exemplars=newest),)))
    assert [each.time_ns for each in receiver.points(name="took")[0].exemplars] == list(range(110, 160))


def test_a_process_that_began_again_counts_whole() -> None:
    """Of a series with a new beginning nothing was there before."""
    receiver = Receiver("")
    point = Point("sold", "shop", {}, 10, value=7.0, kind="sum", start_ns=1)
    receiver.take(Batch(points=(point,)))
    before = receiver.read()
    receiver.take(Batch(points=(Point("sold", "shop", {}, 20, value=2.0, kind="sum", start_ns=15),)))
    assert receiver.read().moved(before, "sold") == 2


# --- hand-made JSON


def of_spans(*spans: Any) -> dict[str, Any]:
    """A request for spans."""
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": list(spans)}]}]}


WHOLE = {
    "traceId": TRACE.upper(),
    "spanId": ROOT,
    "parentSpanId": "",
    "name": "order",
    "kind": 2,
    "startTimeUnixNano": "1800000000000000001",
    "endTimeUnixNano": 1800000000000000002,
    "status": {"code": 2, "message": "no"},
    "attributes": [
        {"key": "a", "value": {"intValue": "9007199254740993"}},
        {"key": "b", "value": {"intValue": 5}},
        {"key": "c", "value": {"doubleValue": 0.5}},
        {"key": "d", "value": {"boolValue": True}},
        {"key": "e", "value": {"arrayValue": {"values": [{"stringValue": "x"}, {"bytesValue": "AAE="}, {}]}}},
        {"key": "f", "value": {"kvlistValue": {"values": [{"key": "g", "value": {"stringValue": "h"}}]}}},
    ],
    "events": [{"timeUnixNano": "1800000000000000001", "name": "paid"}],
    "unknownField": {"of": ["a", "later", "version"]},
    "trace_id": "the original name is no key, so it is as unknown as the others",
}


def in_json(request: Any, signal: Signal = Signal.TRACES) -> Batch:
    """What a request brings."""
    return decoded(signal, json.dumps(request).encode(), Encoding.JSON)


def test_json_is_read_as_otlp_writes_it() -> None:
    """Ids are hexadecimal in either case, 64 bits come as text or number, enumerations as numbers; the rest is left."""
    (span,) = in_json(of_spans(WHOLE)).spans
    assert span == a_span(
        name="order",
        start_ns=1_800_000_000_000_000_001,
        end_ns=1_800_000_000_000_000_002,
        status="error",
        status_message="no",
        attributes={"a": 2**53 + 1, "b": 5, "c": 0.5, "d": True, "e": ["x", b"\0\1", None], "f": {"g": "h"}},
        events=(Happening(1_800_000_000_000_000_001, "paid"),),
    )


def test_json_lines_and_numbers() -> None:
    """Logs and metrics come as JSON, too; a later version's enumerations are what is not known."""
    line = {"timeUnixNano": "7", "severityNumber": 17, "traceId": TRACE, "spanId": ROOT, "body": {"stringValue": "x"}}
    (log,) = in_json({"resourceLogs": [{"scopeLogs": [{"logRecords": [line]}]}]}, Signal.LOGS).logs
    assert (log.severity, log.event, log.trace_id, log.span_id, log.service) == (
        *("error", "x", TRACE, ROOT, "unknown_service"),
    )
    histogram = {"timeUnixNano": "9", "count": "3", "sum": 4.5, "bucketCounts": ["1", 2], "explicitBounds": [1]}
    metrics = [
        {"name": "took", "histogram": {"aggregationTemporality": 2, "dataPoints": [histogram]}},
        {"name": "room", "gauge": {"dataPoints": [{"asInt": "4"}, {"flags": 1}]}},
        {"name": "bare"},
    ]
    took, room = in_json({"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}, Signal.METRICS).points
    assert (took.count, took.sum, dict(took.buckets)) == (3, 4.5, {1.0: 1, float("inf"): 2})
    assert room.value == 4
    (span,) = in_json(of_spans({**WHOLE, "kind": 99, "status": {"code": 99}})).spans
    assert (span.kind, span.status) == ("unspecified", "unset")


def spoiled(**changes: Any) -> bytes:
    """A request with a span that is not as it should be."""
    return json.dumps(of_spans(WHOLE | changes)).encode()


MALFORMED = [
    pytest.param(b"{", "Expecting", id="cut"),
    pytest.param(b"\xff\xfe\xfd", "utf-8", id="no text"),
    pytest.param(json.dumps(of_spans(WHOLE)).encode("utf-16"), "utf-8", id="other text"),
    pytest.param(b"[]", "an object is expected", id="a list"),
    pytest.param(b"[" * 100_000, "recursion", id="deep nonsense"),
    pytest.param(json.dumps({"resourceSpans": {}}).encode(), "resourceSpans: a list", id="no list"),
    pytest.param(spoiled(traceId="xyz"), "traceId: 32 hexadecimal", id="no id"),
    pytest.param(spoiled(traceId="CvdlGRbNQ92ESOshHIAxnA=="), "traceId: 32 hexadecimal", id="base64"),
    pytest.param(spoiled(spanId=7), "spanId: 16 hexadecimal", id="an id that is a number"),
    pytest.param(spoiled(kind="SPAN_KIND_SERVER"), "kind: OTLP writes", id="an enumeration's name"),
    pytest.param(spoiled(kind=True), "kind: OTLP writes", id="an enumeration that is a truth"),
    pytest.param(spoiled(startTimeUnixNano="soon"), "startTimeUnixNano", id="no time"),
    pytest.param(spoiled(startTimeUnixNano=-1), "out of range", id="before time"),
    pytest.param(spoiled(name="\ud800"), "surrogate", id="half a character"),
    pytest.param(spoiled(attributes=[{"value": {"intValue": 2**64}}]), "out of range", id="more than 64 bits"),
    pytest.param(spoiled(attributes=[{"value": {"intValue": "1", "boolValue": True}}]), "oneof", id="two values"),
]


@pytest.mark.parametrize(("body", "why"), MALFORMED)
def test_json_that_is_no_otlp_is_refused(receiver: Receiver, body: bytes, why: str) -> None:
    """With 400 and a Status in JSON that says where; nothing of it is kept, and a failure tells of it."""
    answer = requests.post(f"{receiver.url}/v1/traces", body, headers={"Content-Type": "application/json"}, timeout=9)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/json")
    assert answer.json()["code"] == 3  # INVALID_ARGUMENT
    assert why in answer.json()["message"]
    assert receiver.spans() == []
    with pytest.raises(TelemetryMissing, match=r"1 refused, the last: POST /v1/traces: 400"):
        receiver.until(receiver.spans, "a span", timeout_s=0)


def test_nesting_has_an_end() -> None:
    """A value within values, a thousand deep, is refused rather than followed."""
    value: dict[str, Any] = {"stringValue": "x"}
    for _ in range(300):
        value = {"arrayValue": {"values": [value]}}
    with pytest.raises(Malformed):
        in_json(of_spans({**WHOLE, "attributes": [{"key": "a", "value": value}]}))


# --- anything

_VALUES = st.recursive(
    st.builds(AnyValue, string_value=st.text(max_size=9))
    | st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1))
    | st.builds(AnyValue, double_value=st.floats(allow_nan=False))
    | st.builds(AnyValue, bool_value=st.booleans())
    | st.builds(AnyValue, bytes_value=st.binary(max_size=9)),
    lambda inner: st.lists(inner, max_size=3).map(lambda each: AnyValue(array_value=ArrayValue(values=each))),
    max_leaves=5,
)
_PAIRS = st.lists(st.builds(KeyValue, key=st.text(max_size=9), value=_VALUES), max_size=4)
_TIMES = st.integers(0, 2**64 - 1)
_SPANS = st.builds(
    ProtobufSpan,
    trace_id=st.binary(min_size=16, max_size=16),
    span_id=st.binary(min_size=8, max_size=8),
    parent_span_id=st.binary(min_size=8, max_size=8) | st.just(b""),
    name=st.text(max_size=9),
    kind=st.integers(0, 7),
    start_time_unix_nano=_TIMES,
    end_time_unix_nano=_TIMES,
    attributes=_PAIRS,
    events=st.lists(st.builds(ProtobufSpan.Event, time_unix_nano=_TIMES, name=st.text(max_size=9)), max_size=2),
)


def as_json(message: Any) -> Any:
    """A request as OTLP's JSON has it: protobuf's own, but with ids in hexadecimal."""

    def walk(value: Any) -> Any:
        if isinstance(value, list):
            return [walk(each) for each in value]
        if not isinstance(value, dict):
            return value
        ids = {key: base64.b64decode(each).hex() for key, each in value.items() if key in IDS}
        return {key: walk(each) for key, each in value.items()} | ids

    return walk(MessageToDict(message, use_integers_for_enums=True))


IDS = {"traceId", "spanId", "parentSpanId"}


@given(spans=st.lists(_SPANS, max_size=3))
@settings(max_examples=60, deadline=None)
def test_both_encodings_say_the_same(spans: list[Any]) -> None:
    """Whatever a request holds, its records are the same from protobuf and from JSON."""
    request = ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=spans)])])
    packed = decoded(Signal.TRACES, request.SerializeToString(), Encoding.PROTOBUF)
    assert replace(in_json(as_json(request)), size_bytes=packed.size_bytes) == packed
    assert len(packed.spans) + len(packed.rejected) == len(spans)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(
                        "resourceSpans",
                        "scopeSpans",
                        "spans",
                        "resourceLogs",
                        "scopeLogs",
                        "logRecords",
                        "body",
                        "value",
                    ),
                    *("resourceMetrics", "scopeMetrics", "metrics", "histogram", "dataPoints", "attributes", "key"),
                    *("traceId", "kind", "stringValue", "arrayValue", "values", "timeUnixNano", "bucketCounts"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    signal=st.sampled_from(list(Signal)),
    encoded=st.tuples(st.just(Encoding.PROTOBUF), st.binary(max_size=60))
    | st.tuples(st.just(Encoding.JSON), _JSON.map(lambda value: json.dumps(value).encode())),
)
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_telemetry_or_malformed(signal: Signal, encoded: tuple[Encoding, bytes]) -> None:
    """Nothing but `Malformed` is ever raised, and what is taken can be kept, found and shown."""
    encoding, body = encoded
    receiver = Receiver("")
    try:
        receiver.take(decoded(signal, body, encoding))
    except Malformed:
        return
    text = missing(receiver, lambda: receiver.spans(name="?") or receiver.logs(event="?") or receiver.points(name="?"))
    assert text.count("-> none of") == 3


# --- the door

BARE = ExportTraceServiceRequest()
BARE.resource_spans.add().scope_spans.add().spans.add(trace_id=bytes.fromhex(TRACE), span_id=bytes.fromhex(ROOT))
BODY = BARE.SerializeToString()
PROTOBUF = {"Content-Type": "application/x-protobuf"}


def post(receiver: Receiver, body: Any, path: str = "/v1/traces", **headers: str) -> requests.Response:
    """What a body of protobuf is answered."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.post(f"{receiver.url}{path}", body, headers=PROTOBUF | named, timeout=9)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(BODY, {}, id="plain"),
        pytest.param(BODY, {"Content_Encoding": "identity"}, id="identity"),
        pytest.param(gzip.compress(BODY), {"Content_Encoding": "gzip"}, id="gzip"),
        pytest.param(gzip.compress(BODY[:9]) + gzip.compress(BODY[9:]), {"Content_Encoding": "GZIP"}, id="two members"),
        pytest.param(iter([BODY[:9], BODY[9:]]), {}, id="chunks"),
        pytest.param(BODY, {"Content_Type": "Application/X-Protobuf; charset=x"}, id="a parameter"),
    ],
)
def test_protobuf_is_taken(receiver: Receiver, body: Any, headers: dict[str, str]) -> None:
    """However it is packed and sent; the answer is an empty message of the same type."""
    answer = post(receiver, body, **headers)
    assert (answer.status_code, answer.content, answer.headers["Content-Type"]) == (200, b"", PROTOBUF["Content-Type"])
    assert [each.span_id for each in receiver.spans(trace_id=TRACE)] == [ROOT]


def test_json_is_answered_in_json(receiver: Receiver) -> None:
    """An empty object."""
    answer = requests.post(f"{receiver.url}/v1/traces", json=of_spans(WHOLE), timeout=9)
    assert (answer.status_code, answer.json(), answer.headers["Content-Type"]) == (200, {}, "application/json")


TRACES, PACKED_BY = "/v1/traces", "Content-Encoding"
REFUSALS = [
    pytest.param(("POST", "/v1/tracks", {}, BODY), 404, "/v1/traces", id="another path"),
    pytest.param(("POST", "/", {}, BODY), 404, "/v1/logs", id="the root"),
    pytest.param(("GET", TRACES, {}, b""), 405, "POST", id="another method"),
    pytest.param(("BREW", TRACES, {}, b""), 405, "POST", id="a method that nobody knows"),
    pytest.param(("POST", TRACES, {"Content-Type": "text/plain"}, BODY), 415, "x-protobuf", id="another type"),
    pytest.param(("POST", TRACES, {"Content-Type": ""}, BODY), 415, "x-protobuf", id="no type"),
    pytest.param(("POST", TRACES, {PACKED_BY: "br"}, BODY), 415, "gzip", id="another packing"),
    pytest.param(("POST", TRACES, {}, b"\xff" * 9), 400, "x-protobuf", id="no protobuf"),
    pytest.param(("POST", TRACES, {PACKED_BY: "gzip"}, BODY), 400, "no gzip", id="not packed"),
    pytest.param(("POST", TRACES, {PACKED_BY: "gzip"}, gzip.compress(BODY)[:-4]), 400, "too early", id="cut gzip"),
    pytest.param(("POST", TRACES, {PACKED_BY: "gzip"}, gzip.compress(bytes(17 << 20))), 413, "16777216", id="a bomb"),
    pytest.param(("POST", TRACES, {}, bytes(17 << 20)), 413, "16777216", id="much"),
    pytest.param(("POST", TRACES, {"Content-Length": "x"}, b""), 411, "Content-Length", id="no length"),
]


@pytest.mark.parametrize(("asked", "status", "words"), REFUSALS)
def test_what_is_no_telemetry_is_refused(
    receiver: Receiver, asked: tuple[str, str, dict[str, str], bytes], status: int, words: str
) -> None:
    """With the status that the protocol wants, and a Status that says why."""
    method, path, headers, body = asked
    with requests.Session() as session:
        request = requests.Request(method, f"{receiver.url}{path}", data=body).prepare()
        request.headers.update(PROTOBUF | headers)
        answer = session.send(request, timeout=9)
    said = Status.FromString(answer.content)
    assert answer.status_code == status
    assert words in said.message
    assert said.code
    assert answer.headers.get("Allow") == ("POST" if status == 405 else None)
    assert receiver.spans() == []


def test_endless_chunks_end(receiver: Receiver) -> None:
    """A body that says no length is read to the bound, and no further."""
    answer = post(receiver, (bytes(1 << 20) for _ in range(17)))
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"Content-Length: 50\r\n\r\nabc", 400, id="less than it says"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, id="no chunk"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", 400, id="half a chunk"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n", 400, id="no chunks"),
    ],
)
def test_a_sender_that_leaves_is_answered(receiver: Receiver, sent: bytes, status: int) -> None:
    """What it began to send is refused, and the next one is served."""
    head = b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
    with socket.create_connection((LOOPBACK, int(receiver.url.rpartition(":")[2])), timeout=9) as sender:
        sender.sendall(head + sent)
        sender.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(sender)
        response.begin()
        assert response.status == status
    assert post(receiver, BODY).status_code == 200


def test_spans_without_ids_are_told_to_their_sender(receiver: Receiver) -> None:
    """The rest of the batch is taken, and the answer says how many were not."""
    request = ExportTraceServiceRequest.FromString(BODY)
    request.resource_spans[0].scope_spans[0].spans.add(trace_id=bytes(16), span_id=b"12345678", name="nobody's")
    answer = ExportTraceServiceResponse.FromString(post(receiver, request.SerializeToString()).content)
    assert answer.partial_success.rejected_spans == 1
    assert "nobody's" in answer.partial_success.error_message
    assert len(receiver.spans()) == 1
    answered = requests.post(f"{receiver.url}/v1/traces", json=of_spans({**WHOLE, "traceId": ""}), timeout=9).json()
    assert answered["partialSuccess"]["rejectedSpans"] == "1"


def test_a_receiver_that_has_ended_takes_nothing() -> None:
    """Its port is closed, also to those who sent before."""
    with receiving() as running, requests.Session() as session:
        assert session.post(f"{running.url}/v1/traces", BODY, headers=PROTOBUF, timeout=9).ok
    with pytest.raises(requests.ConnectionError):
        session.post(f"{running.url}/v1/traces", BODY, headers=PROTOBUF, timeout=9)


# --- questions


@pytest.fixture
def known() -> Receiver:
    """A receiver that has two traces: one of the test `one`, by its second span, and one of nobody's."""
    receiver = Receiver("")
    times = {"start_ns": 1_003_000_000, "end_ns": 1_008_000_000}
    mine = a_span(CHILD, ROOT, name="POST agent", service="mock", attributes={"test.id": "one"}, **times)
    nobodys = a_span(trace_id=OTHER, name="GET /other", start_ns=3_000_000_000, attributes={"status": 200})
    receiver.take(Batch(spans=(mine, a_span(), nobodys)))
    receiver.take(
        Batch(logs=(a_log(), a_log("bought", time_ns=1_002_000_000, fields={"count": 2}), a_log(trace_id=None)))
    )
    return receiver


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, ["GET /", "POST agent", "GET /other"]),
        ({"trace_id": TRACE}, ["GET /", "POST agent"]),
        ({"test_id": "one"}, ["GET /", "POST agent"]),
        ({"test_id": "one", "service": "mock"}, ["POST agent"]),
        ({"test_id": "one", "trace_id": OTHER}, []),
        ({"test_id": "two"}, []),
        ({"name": "GET /other"}, ["GET /other"]),
        ({"attributes": {"status": 200}}, ["GET /other"]),
        ({"attributes": {"status": "200"}}, []),
    ],
)
def test_spans_are_found(known: Receiver, asked: dict[str, Any], names: list[str]) -> None:
    """By all that is asked, oldest first; a test's are all those of its traces."""
    assert [each.name for each in known.spans(**asked)] == names


@pytest.mark.parametrize(
    ("asked", "events"),
    [
        ({}, ["sold", "sold", "bought"]),
        ({"trace_id": TRACE}, ["sold", "bought"]),
        ({"test_id": "one", "event": "sold"}, ["sold"]),
        ({"fields": {"count": 2}}, ["bought"]),
        ({"service": "mock"}, []),
    ],
)
def test_lines_are_found(known: Receiver, asked: dict[str, Any], events: list[str]) -> None:
    """Likewise; a test's lines need not name it."""
    assert [each.event for each in known.logs(**asked)] == events


def test_a_line_says_for_which_test_its_trace_is() -> None:
    """Where no span has the test's id, a line's `testId` leads to the trace."""
    receiver = Receiver("")
    receiver.take(Batch(spans=(a_span(),), logs=(a_log(fields={"testId": "one"}),)))
    assert [each.span_id for each in receiver.spans(test_id="one")] == [ROOT]


def test_the_oldest_make_way() -> None:
    """Memory is bounded; what was dropped is found under no key, and a failure says how many were lost."""
    receiver = Receiver("", most=3)
    for number in range(5):
        span = a_span(f"{number:016x}", trace_id=f"{number:032x}", attributes={"test.id": f"t{number}"})
        receiver.take(Batch(spans=(span,), logs=(a_log(trace_id=f"{number:032x}"),) * 2))
        receiver.take(Batch(points=(Point("sold", "shop", {"n": number}, number, value=1.0),)))
    assert [each.span_id for each in receiver.spans()] == [f"{number:016x}" for number in (2, 3, 4)]
    assert (receiver.spans(trace_id=f"{1:032x}"), receiver.spans(test_id="t1")) == ([], [])
    assert len(receiver.spans(test_id="t4")) == 1
    assert (len(receiver.logs()), len(receiver.points())) == (3, 3)
    with pytest.raises(TelemetryMissing) as missing:
        receiver.until(lambda: False, "a span", timeout_s=0)
    for line in ("the oldest 2 spans were", "the oldest 7 log lines were", "the oldest 2 series were"):
        assert line in str(missing.value)


def test_big_records_make_way_by_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few, but large: the bytes that brought them are counted, too."""
    monkeypatch.setattr(telemetry, "MAX_KEPT_BYTES", 1000)
    receiver = Receiver("")
    for number in range(4):
        receiver.take(Batch(spans=(a_span(f"{number:016x}"),), size_bytes=400))
    assert [each.span_id for each in receiver.spans()] == [f"{number:016x}" for number in (2, 3)]


def test_many_threads_send_and_ask(receiver: Receiver) -> None:
    """Nothing is lost, doubled or mixed up while others ask."""
    senders, batches, spans = 8, 10, 20

    def send(sender: int) -> None:
        for batch in range(batches):
            made = [
                {**WHOLE, "traceId": f"{sender + 1:032x}", "spanId": f"{batch * spans + number + 1:016x}"}
                for number in range(spans)
            ]
            assert requests.post(f"{receiver.url}/v1/traces", json=of_spans(*made), timeout=20).ok

    with ThreadPoolExecutor(senders + 4) as pool:
        sent = [pool.submit(send, sender) for sender in range(senders)]
        waits = [
            pool.submit(
                receiver.until,
                lambda trace=f"{sender + 1:032x}": len(receiver.spans(trace_id=trace)) == batches * spans,
                "all of a sender's spans",
                timeout_s=30,
            )
            for sender in range(4)
        ]
        assert [each.result() for each in sent] == [None] * senders
        assert all(each.result() for each in waits)
    assert len({(each.trace_id, each.span_id) for each in receiver.spans()}) == senders * batches * spans


# --- waiting


def test_an_answer_ends_the_wait() -> None:
    """The first true answer is returned, as soon as what makes it true arrives: nothing is asked by the clock."""
    receiver, asked = Receiver(""), list[int]()
    came = threading.Event()

    def ask() -> list[Span]:
        asked.append(1)
        came.set()
        return receiver.spans(name="late")

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(receiver.until, ask, "the late span", timeout_s=30)
        assert came.wait(30)
        receiver.take(Batch(spans=(a_span(name="early"),)))
        receiver.take(Batch(spans=(a_span(name="late"),)))
        assert [each.name for each in waiting.result(30)] == ["late"]
    assert len(asked) <= 3


def test_what_arrives_while_it_is_asked_is_not_overlooked() -> None:
    """A batch between question and wait wakes the wait."""
    receiver, answers = Receiver(""), iter([False, True])

    def ask() -> bool:
        receiver.take(Batch(spans=(a_span(),)))
        return next(answers)

    began_s = time.monotonic()
    assert receiver.until(ask, "the second answer", timeout_s=30)
    assert time.monotonic() - began_s < 15


def missing(receiver: Receiver, ask: Callable[[], object], **scope: str) -> str:
    """What is told of something that has not arrived."""
    with pytest.raises(TelemetryMissing) as told:
        receiver.until(ask, "it", timeout_s=0, **scope)
    return str(told.value)


def test_a_failure_says_what_was_asked_and_what_came_nearest(known: Receiver) -> None:
    """Each question with what it found, the nearest records with what they differ in, and the trace."""
    text = missing(known, lambda: known.spans(test_id="one", service="mock", name="POST search"))
    assert text.splitlines() == [
        "it did not arrive in 0 s",
        "asked: traces(test_id='one', service='mock', name='POST search') -> none of 2",
        "  nearest: mock: POST agent [server] 5.0 ms (name is 'POST agent')",
        "  nearest: shop: GET / [server] 10.0 ms (service is 'shop', name is 'GET /')",
        f"trace {TRACE}",
        "shop: GET / [server] 10.0 ms @0.0",
        "  | info 'sold' @1.0",
        "  | info 'bought' @2.0 count=2",
        "  mock: POST agent [server] 5.0 ms @3.0",
    ]


def test_a_failure_tells_of_lines_and_numbers(known: Receiver) -> None:
    """What differs in an attribute says how; what is absent is said to be."""
    known.take(Batch(points=(Point("sold", "shop", {"what": "tea"}, 1, value=2.0),)))
    text = missing(
        known,
        lambda: (
            known.logs(trace_id=TRACE, fields={"count": 3}) or known.points(name="sold", attributes={"what": "milk"})
        ),
    )
    assert "nearest: shop: 'bought' (count is 2)" in text
    assert "nearest: shop: 'sold' (count is absent)" in text
    assert "asked: metrics(name='sold', what='milk') -> none of 1" in text
    assert "nearest: shop: sold{what=tea} 2 (what is 'tea')" in text


def test_the_nearest_is_the_most_alike(receiver: Receiver) -> None:
    """Among many that differ in as much, a slip of the pen is found; of many questions the last are told."""
    names = [f"metric_{number}" for number in range(400)]
    receiver.take(Batch(points=tuple(Point(name, "shop", {}, 1, value=1.0) for name in [*names, "sold_total"])))
    text = missing(receiver, lambda: [receiver.points(name=name) for name in (*"abcdefgh", "sold_totals")] and None)
    assert "nearest: shop: sold_total{} 1 (name is 'sold_total')" in text.split("sold_totals")[1].splitlines()[1]
    assert "name='a'" not in text


def test_a_failure_names_the_trace_that_is_not_there(known: Receiver) -> None:
    """A trace of which nothing came is said to be empty; without any, the newest are shown."""
    assert "nothing of it has arrived" in missing(known, lambda: known.spans(trace_id="0" * 32))
    assert "nothing of it has arrived" in missing(known, lambda: False, trace_id="0" * 32)
    text = missing(known, lambda: known.spans(test_id="two"))
    assert "no trace is named or known; the newest:" in text
    assert f"trace {OTHER}" in text


# --- absence


class _Gated(OTLPSpanExporter):
    """Sends when the gate is open."""

    def __init__(self, endpoint: str, gate: threading.Event) -> None:
        super().__init__(endpoint)
        self._gate = gate

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """One batch."""
        return super().export(spans) if self._gate.wait(30) else SpanExportResult.FAILURE


class Shop:
    """A service with an HTTP door: each request is a span and a line. What it sends waits until `gate` is open."""

    def __init__(self, receiver: Receiver, gate: threading.Event) -> None:
        spans = _Gated(f"{receiver.url}/v1/traces", gate)
        self.tracing = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
        self.tracing.add_span_processor(BatchSpanProcessor(spans, schedule_delay_millis=10))
        self.logging = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
        lines = BatchLogRecordProcessor(OTLPLogExporter(f"{receiver.url}/v1/logs"), schedule_delay_millis=10)
        self.logging.add_log_record_processor(lines)
        reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{receiver.url}/v1/metrics"), 20)
        self.measuring = MeterProvider([reader], resource=RESOURCE, shutdown_on_exit=False)
        self.sold = self.measuring.get_meter("shop").create_counter("sold")
        self.is_mute, self.asked = False, threading.Event()

    def does(self, name: str, headers: Mapping[str, str]) -> None:
        """A span in the caller's trace, and a line in the span."""
        if not self.is_mute:
            context = TraceContextTextMapPropagator().extract({"traceparent": headers["traceparent"]})
            with self.tracing.get_tracer("shop").start_as_current_span(name, context):
                self.logging.get_logger("shop").emit(LogRecord(timestamp=time.time_ns(), body=name))

    def close(self) -> None:
        """Nothing is sent any more."""
        for part in (self.tracing, self.logging, self.measuring):
            part.shutdown()


class _Door(BaseHTTPRequestHandler):
    server: _Served

    def do_GET(self) -> None:
        self.server.shop.does("GET /", self.headers)  # type: ignore[arg-type]
        self.server.shop.asked.set()
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        """Nothing."""


class _Served(ThreadingHTTPServer):
    daemon_threads = True
    shop: Shop


IN_TRACE = {"traceparent": f"00-{TRACE}-{ROOT}-01"}


@pytest.fixture
def gate() -> threading.Event:
    """Whether the shop's spans leave."""
    opened = threading.Event()
    opened.set()
    return opened


@pytest.fixture
def shop(receiver: Receiver, gate: threading.Event) -> Iterator[Shop]:
    """A service that the receiver knows as a source."""
    with _Served((LOOPBACK, 0), _Door) as server:
        server.shop = Shop(receiver, gate)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        with receiver.hearing(Source("shop", f"http://{LOOPBACK}:{server.server_port}/")):
            yield server.shop
        assert receiver.sources == []
        gate.set()
        server.shutdown()
        thread.join()
        server.shop.close()


def test_what_does_not_happen_is_told_from_what_is_late(receiver: Receiver, shop: Shop, gate: threading.Event) -> None:
    """The event has come, and the forbidden span is still on its way: it is waited for, and found."""
    gate.clear()
    shop.does("forbidden", IN_TRACE)
    receiver.until(lambda: receiver.logs(trace_id=TRACE, event="forbidden"), "the line, which leaves by itself")
    assert receiver.spans(trace_id=TRACE) == [], "whoever looked now would say that it never happened"

    def open_late() -> None:
        assert shop.asked.wait(30)
        gate.set()

    with ThreadPoolExecutor(1) as pool:
        opened = pool.submit(open_late)
        with pytest.raises(TelemetryMissing) as found:
            receiver.never(
                lambda: receiver.spans(trace_id=TRACE, name="forbidden"),
                "a forbidden span",
                after=lambda: receiver.logs(trace_id=TRACE),
            )
        opened.result()
    assert str(found.value).startswith("a forbidden span must not be, but there is shop: forbidden [internal]")
    assert f"trace {TRACE}" in str(found.value)


def test_what_did_not_happen_never_did(receiver: Receiver, shop: Shop) -> None:
    """Spans, lines and numbers are waited for, each in its way."""
    shop.does("order", IN_TRACE)
    shop.sold.add(1, {"what": "tea"})
    asks: list[Callable[[], object]] = [
        lambda: receiver.spans(trace_id=TRACE, name="forbidden"),
        lambda: receiver.logs(trace_id=TRACE, service="shop", event="forbidden"),
        lambda: receiver.points(name="sold", attributes={"what": "milk"}),
    ]
    for ask in asks:
        receiver.never(ask, "the forbidden", after=lambda: receiver.spans(trace_id=TRACE, name="order"))
    with pytest.raises(TelemetryMissing, match=r"must not be, but there is shop: sold\{what=tea\} 1"):
        receiver.never(lambda: receiver.points(name="sold"), "a sale", after=lambda: True)


def test_what_is_there_already_is_not_waited_for(receiver: Receiver) -> None:
    """It fails at once, whether or not anything could be said about the rest."""
    receiver.take(Batch(spans=(a_span(),)))
    with pytest.raises(TelemetryMissing, match="a span must not be, but there is shop: GET /"):
        receiver.never(receiver.spans, "a span", after=lambda: pytest.fail("asked for nothing"))


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        pytest.param(lambda r: r.spans(service="shopp"), "service='shopp'.* is answered by no source", id="a typo"),
        pytest.param(lambda r: r.points(service="mock"), "is answered by no source", id="another service"),
        pytest.param(lambda r: r.spans(trace_id="1" * 32), "nothing at all has arrived of it", id="an unknown trace"),
        pytest.param(lambda r: r.logs(test_id="two"), "nothing at all has arrived of it", id="an unknown test"),
        pytest.param(lambda _: None, "asks nothing of this receiver", id="no question"),
    ],
)
def test_absence_is_not_taken_for_granted(
    receiver: Receiver, shop: Shop, ask: Callable[[Receiver], object], why: str
) -> None:
    """A question that could not have found anything is a failure, not a success."""
    shop.does("order", IN_TRACE)
    with pytest.raises(TelemetryMissing, match=why):
        receiver.never(lambda: ask(receiver), "the forbidden", after=lambda: receiver.spans(trace_id=TRACE))


def test_absence_needs_an_event(receiver: Receiver, shop: Shop) -> None:
    """Without the event that it is held against nothing is absent."""
    shop.does("order", IN_TRACE)
    with pytest.raises(TelemetryMissing, match="what 'the forbidden' is held against did not arrive"):
        receiver.never(
            lambda: receiver.spans(trace_id=TRACE, name="forbidden"),
            "the forbidden",
            after=lambda: receiver.spans(name="paid"),
            timeout_s=0.1,
        )


def test_absence_needs_memory(receiver: Receiver, shop: Shop) -> None:
    """What was refused, or dropped, while it was waited for could have been what was looked for."""
    shop.does("order", IN_TRACE)

    def refuse() -> list[Span]:
        requests.post(f"{receiver.url}/v1/traces", b"{", headers={"Content-Type": "application/json"}, timeout=9)
        return receiver.spans(trace_id=TRACE)

    with pytest.raises(TelemetryMissing, match="the forbidden: something was lost meanwhile") as told:
        receiver.never(lambda: receiver.spans(trace_id=TRACE, name="forbidden"), "the forbidden", after=refuse)
    assert "refused, the last: POST /v1/traces: 400" in str(told.value)


def test_absence_needs_a_source_that_tells(receiver: Receiver, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is silent, and one that is not there, are failures, too."""

    def never(timeout_s: float) -> None:
        ask = functools.partial(receiver.spans, trace_id=TRACE, name="forbidden")
        receiver.never(ask, "the forbidden", after=lambda: True, timeout_s=timeout_s)

    shop.is_mute = True
    with pytest.raises(TelemetryMissing, match=r"the answer of shop .* did not arrive"):
        never(0.2)
    with (
        receiver.hearing(Source("shop", "http://127.0.0.1:9/")),
        pytest.raises(TelemetryMissing, match="shop does not answer at"),
    ):
        never(5)
    monkeypatch.setattr(receiver, "sources", [])
    with pytest.raises(TelemetryMissing, match="answered by no source, so nothing can be said; known: none"):
        never(5)


def test_a_reading_has_what_moved_before_it(receiver: Receiver, shop: Shop) -> None:
    """It waits for numbers that were taken after it was asked for."""
    shop.sold.add(1)
    before = receiver.reading("shop")
    others = Point("other", "shop", {}, time.time_ns() + 10**12, value=1.0, instance="another process")
    receiver.take(Batch(points=(others,)))
    shop.sold.add(4)
    assert receiver.reading("shop").moved(before, "sold", service="shop") == 4


# --- trees


def test_a_tree_is_read_from_top_to_bottom() -> None:
    """Children below parents, by their time; events and lines in their places; only attributes that matter."""
    spans = [
        a_span("c" * 16, ROOT, name="POST agent", kind="client", start_ns=1_004_000_000, end_ns=1_005_500_000),
        a_span(attributes={"http.request.method": "GET", "http.response.status_code": 200, "test.id": "one"}),
        a_span(
            *("d" * 16, ROOT),
            name="execute_tool sql",
            kind="internal",
            start_ns=1_002_000_000,
            status="error",
            status_message="failed",
            attributes={"error.type": "failed", "note": "two words"},
            events=(Happening(1_003_000_000, "exception", {"exception.type": "OSError"}),),
        ),
        a_span("e" * 16, "c" * 16, name="POST agent", service="mock", start_ns=1_004_500_000, status="ok"),
    ]
    logs = [
        a_log("request", time_ns=1_009_000_000, severity="warning", fields={"traceId": TRACE, "status": 503}),
        a_log("breaker", span_id=None, time_ns=1_020_000_000, fields={"surface": "agent"}),
    ]
    assert tree(spans, logs).splitlines() == [
        "shop: GET / [server] 10.0 ms @0.0 http.response.status_code=200",
        "  shop: execute_tool sql [internal] 8.0 ms ERROR failed @2.0 error.type=failed note='two words'",
        "    * exception @3.0 exception.type=OSError",
        "  shop: POST agent [client] 1.5 ms @4.0",
        "    mock: POST agent [server] 5.5 ms ok @4.5",
        "  | warning 'request' @9.0 status=503",
        "| info 'breaker' @20.0 surface=agent",
    ]


def test_a_tree_shows_what_hangs_in_the_air() -> None:
    """A span whose parent is not here says so, and so does a circle; each is shown once."""
    spans = [
        a_span("a" * 16, "f" * 16, name="orphan"),
        a_span("b" * 16, "c" * 16, name="hen"),
        a_span("c" * 16, "b" * 16, name="egg", start_ns=1_000_000_001),
        a_span("d" * 16, "d" * 16, name="self", start_ns=1_000_000_002),
        a_span("d" * 16, "d" * 16, name="double", start_ns=1_000_000_003),
    ]
    assert tree(spans).splitlines() == [
        f"shop: orphan [server] 10.0 ms @0.0 <- its parent {'f' * 16} is not here",
        f"shop: hen [server] 10.0 ms @0.0 <- its parent {'c' * 16} is below itself",
        "  shop: egg [server] 10.0 ms @0.0",
        f"shop: self [server] 10.0 ms @0.0 <- its parent {'d' * 16} is below itself",
        "  shop: double [server] 10.0 ms @0.0",
    ]


def test_a_tree_of_anything_is_bounded() -> None:
    """Deep, wide or empty: it is told in so many lines of so many characters."""
    deep = [a_span(f"{n:016x}", f"{n - 1:016x}" if n else None, attributes={"a": "x" * 9999}) for n in range(3000)]
    lines = tree(deep).splitlines()
    assert len(lines) == MAX_LINES + 1
    assert lines[-1] == "... and 2800 more lines"
    assert max(map(len, lines)) < 300
    assert tree([]) == ""
    assert tree([], [a_log()]) == "| info 'sold' @0.0"
