"""Traces: continued from the client, handed on to Snowflake, and baggage only outside production."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from proxy.telemetry import Tracing, trace_id_of

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


def test_a_trace_goes_on() -> None:
    """The span continues the caller's trace as a server, and what goes upstream names the span as its parent."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing = Tracing(with_baggage=True, provider=provider)
    span, context = tracing.start("POST /x", [("Traceparent", PARENT), ("Baggage", "mock.scenario=cut")])
    headers = tracing.headers(context)
    span.end()
    (exported,) = exporter.get_finished_spans()
    assert (trace_id_of(span), exported.kind, exported.name) == (TRACE, SpanKind.SERVER, "POST /x")
    assert headers["traceparent"] == f"00-{TRACE}-{exported.context.span_id:016x}-01"
    assert headers["baggage"] == "mock.scenario=cut"


def test_production_drops_baggage() -> None:
    """What a browser puts into its baggage does not reach Snowflake."""
    tracing = Tracing(with_baggage=False)
    span, context = tracing.start("x", [("traceparent", PARENT), ("baggage", "a=b")])
    span.end()
    assert set(tracing.headers(context)) == {"traceparent"}


@pytest.mark.parametrize(
    "parent",
    ["", "x", "00-" + "0" * 32 + "-b7ad6b7169203331-01", PARENT + "-x" * 5000, PARENT.replace("0", "é")],
    ids=["empty", "words", "zeros", "long", "no ascii"],
)
def test_a_bad_parent_begins_a_trace(parent: str) -> None:
    """An unreadable traceparent is left out, and a trace of our own begins."""
    tracing = Tracing(with_baggage=False)
    span, context = tracing.start("x", [("traceparent", parent)])
    span.end()
    assert len(trace_id_of(span)) == 32
    assert trace_id_of(span) not in (TRACE, "0" * 32)
    assert tracing.headers(context)["traceparent"].startswith(f"00-{trace_id_of(span)}-")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("baggage", "a=b\r\nX-Snowflake-Role: ADMIN"),
        ("baggage", "a=b%0d%0aX-Snowflake-Role: ADMIN"),
        ("baggage", "a=é\xff,\x00=1"),
        ("tracestate", "a=b\r\nX-Snowflake-Role: ADMIN"),
        ("tracestate", "a=é"),
    ],
)
def test_headers_cannot_be_injected(name: str, value: str) -> None:
    """Whatever arrives in a trace header leaves as one line of ASCII, or not at all."""
    tracing = Tracing(with_baggage=True)
    span, context = tracing.start("x", [("traceparent", PARENT), (name, value)])
    span.end()
    for sent in tracing.headers(context).values():
        assert sent.isascii()
        assert sent.isprintable()
