"""Traces: the caller's trace goes on through the proxy, and the proxy owns the span of a whole stream.

The stock Flask instrumentation ends its span before the first byte of a stream has left, so it is not used.
"""

from __future__ import annotations

from collections.abc import Iterable

from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, SpanKind, format_trace_id, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

SERVICE = "cortex-proxy"


class Tracing:
    """A tracer and the propagator that reads and writes trace headers.

    Outside production baggage is passed on as well: it carries a rehearsal's scenario to the mock. In production it
    is dropped, because a browser must not speak to Snowflake's side.
    """

    def __init__(self, *, with_baggage: bool, provider: TracerProvider | None = None) -> None:
        self.provider = provider or TracerProvider(resource=Resource.create({"service.name": SERVICE}))
        self._tracer = self.provider.get_tracer(SERVICE)
        parts: list[TextMapPropagator] = [TraceContextTextMapPropagator()]
        if with_baggage:
            parts.append(W3CBaggagePropagator())
        self._propagator = CompositePropagator(parts)

    def start(self, name: str, headers: Iterable[tuple[str, str]]) -> tuple[Span, Context]:
        """A server span that continues the trace in the headers, and the context to hand on."""
        carrier = {key.lower(): value for key, value in headers}
        parent = self._propagator.extract(carrier)
        span = self._tracer.start_span(name, context=parent, kind=SpanKind.SERVER)
        return span, set_span_in_context(span, parent)

    def headers(self, context: Context) -> dict[str, str]:
        """The trace headers to send upstream."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier, context)
        return carrier


def trace_id_of(span: Span) -> str:
    """The 32 hex digits by which a trace is found."""
    return format_trace_id(span.get_span_context().trace_id)
