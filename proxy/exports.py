"""The ways out of the process: traces, metrics and logs to a collector, metrics at a port of their own.

Delivery        whether a collector takes what it is sent
MetricsServer   answers `GET /metrics`
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import requests
import structlog
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExportResult
from opentelemetry.sdk.environment_variables import OTEL_METRIC_EXPORT_INTERVAL
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    set_span_in_context,
)
from prometheus_client import CollectorRegistry, make_wsgi_app

from contracts.telemetry import Signal
from proxy.tally import ReadsTallies

log = structlog.get_logger(__name__)

EXPORT_INTERVAL_S = 15.0
EXPORT_TIMEOUT_S = 5.0
SCRAPE_TIMEOUT_S = 5.0
"""Longest time a scraper may take to send its request or to read its answer."""


def all_within(timeout_s: float, tasks: Sequence[Callable[[], Any]]) -> None:
    """All tasks have ended, or the time is over; the SDK itself keeps to no limit while an export is under way.

    What is late goes on in a daemon thread, until the process ends.
    """

    def run(task: Callable[[], Any]) -> None:
        try:
            task()
        except Exception as error:
            log.warning("telemetry could not be sent", exc_info=error)

    deadline_s = time.monotonic() + timeout_s
    threads = [threading.Thread(target=run, args=(task,), daemon=True) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(deadline_s - time.monotonic(), 0))


class Delivery:
    """Whether a collector takes what it is sent: each change is one line, each failure a count."""

    def __init__(self, signal: Signal, on_failure: Callable[[Signal], None]) -> None:
        self._signal, self._on_failure, self._works = signal, on_failure, True

    def ended(self, *, well: bool) -> None:
        """One batch was taken, or given up."""
        if not well:
            self._on_failure(self._signal)
        if well is not self._works:
            self._works = well
            if well:
                log.info("the collector takes telemetry again", signal=self._signal.value)
            else:
                log.warning("the collector takes no telemetry; check its address", signal=self._signal.value)


def _collector_session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # a collector is reached directly, as everything else the proxy asks
    return session


class SpanExporter(OTLPSpanExporter):
    """Sends spans."""

    def __init__(self, endpoint: str, delivery: Delivery) -> None:
        super().__init__(endpoint, timeout=EXPORT_TIMEOUT_S, session=_collector_session())
        self._delivery = delivery

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """One batch."""
        result = super().export(spans)
        self._delivery.ended(well=result is SpanExportResult.SUCCESS)
        return result


class MetricExporter(OTLPMetricExporter):
    """Sends metrics."""

    def __init__(self, endpoint: str, delivery: Delivery) -> None:
        super().__init__(endpoint, timeout=EXPORT_TIMEOUT_S, session=_collector_session())
        self._delivery = delivery

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        """One batch."""
        result = super().export(metrics_data, timeout_millis, **kwargs)
        self._delivery.ended(well=result is MetricExportResult.SUCCESS)
        return result


class LogExporter(OTLPLogExporter):
    """Sends log lines."""

    def __init__(self, endpoint: str, delivery: Delivery) -> None:
        super().__init__(endpoint, timeout=EXPORT_TIMEOUT_S, session=_collector_session())
        self._delivery = delivery

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """One batch."""
        result = super().export(batch)
        self._delivery.ended(well=result is LogRecordExportResult.SUCCESS)
        return result


class ScrapedReader(ReadsTallies, PrometheusMetricReader):
    """What a scraper reads. Its exporter knows no exemplars: those leave over OTLP alone."""


class SentReader(ReadsTallies, PeriodicExportingMetricReader):
    """What a collector is sent, every `EXPORT_INTERVAL_S`, or as often as OTEL_METRIC_EXPORT_INTERVAL wants."""

    def __init__(self, exporter: MetricExporter) -> None:
        is_named = OTEL_METRIC_EXPORT_INTERVAL in os.environ  # the SDK reads it; its own default is a minute
        super().__init__(exporter, None if is_named else EXPORT_INTERVAL_S * 1000, EXPORT_TIMEOUT_S * 1000)


_SEVERITIES = (
    (logging.CRITICAL, SeverityNumber.FATAL),
    (logging.ERROR, SeverityNumber.ERROR),
    (logging.WARNING, SeverityNumber.WARN),
    (logging.INFO, SeverityNumber.INFO),
)


class SentLines:
    """Log lines on their way to a collector: each is a record whose body is the line as it stands in the log."""

    def __init__(self, resource: Resource, exporter: LogExporter, scope: str) -> None:
        self._provider = LoggerProvider(resource, shutdown_on_exit=False)
        self._provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
        self._logger = self._provider.get_logger(scope)
        self.force_flush, self.shutdown = self._provider.force_flush, self._provider.shutdown

    def take(self, level: int, line: str, written_ns: int) -> None:
        """One line of JSON, written so many ns after the epoch. The trace and span that it names are the record's."""
        fields = json.loads(line)
        severity = next((number for least, number in _SEVERITIES if level >= least), SeverityNumber.DEBUG)
        self._logger.emit(
            LogRecord(
                timestamp=written_ns,
                context=set_span_in_context(NonRecordingSpan(_span_of(fields))),
                severity_number=severity,
                severity_text=logging.getLevelName(level),
                body=line,
            )
        )


def _span_of(fields: dict[str, Any]) -> SpanContext:
    trace_id, span_id = (int(fields.get(name) or "0", 16) for name in ("traceId", "spanId"))
    return SpanContext(trace_id, span_id, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


class _QuietHandler(WSGIRequestHandler):
    timeout = SCRAPE_TIMEOUT_S

    def log_message(self, *_args: Any) -> None:
        """Nothing: a scrape is no event."""


class MetricsServer(ThreadingMixIn, WSGIServer):
    """Answers `GET /metrics`, in threads of its own."""

    daemon_threads = True

    def __init__(self, host: str, port: int, registry: CollectorRegistry) -> None:
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), _QuietHandler)
        self._exposition, self._one_at_a_time = make_wsgi_app(registry), threading.Lock()
        self.set_app(self._answer)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.1,), name="metrics", daemon=True)

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def server_bind(self) -> None:
        """Bind; without asking the name service who we are, as the standard library's server would."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def handle_error(self, *_args: Any) -> None:
        """Nothing: a scraper that leaves or stalls is its own affair."""

    def stop(self) -> None:
        """Stop listening."""
        self.shutdown()
        self._thread.join()
        self.server_close()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] != "/metrics":
            start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
            return [b"Metrics are at /metrics.\n"]
        with self._one_at_a_time:  # the SDK's collector mixes up scrapes that overlap: series appear twice
            return self._exposition(environ, start_response)
