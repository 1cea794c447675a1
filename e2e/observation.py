"""What a collector is told of a run of the suite: a span, one for each test, and the metrics of its end.

Names of tests and pipelines are OpenTelemetry's (test, cicd and vcs: development; code and error: stable). What they
have no name for is ours and begins with `cortex.test.`. A test links to the traces that its page began.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from contracts.telemetry import Metric
from e2e.cases import EVIDENCE, PROMISE, SCENARIO, TEST_ID, TRACE_ID, Case, Cases
from e2e.revision import revision
from mocks.otlp import KeptSpans
from mocks.suite import QUARANTINED, Tally

SERVICE = "cortex-suite"
TIMEOUT_S = 5.0
BATCH = 32
MAX_LINKS = 32

_STATUS = {"passed": "pass", "failed": "fail", "error": "fail", QUARANTINED: "fail"}
"""The convention's words; it has none for a test that was not run."""

_ENDED = {
    pytest.ExitCode.OK: ("success", "success"),
    pytest.ExitCode.TESTS_FAILED: ("failure", "failure"),
    pytest.ExitCode.INTERRUPTED: ("aborted", "cancellation"),
    pytest.ExitCode.INTERNAL_ERROR: ("aborted", "error"),
    pytest.ExitCode.USAGE_ERROR: ("aborted", "error"),
    pytest.ExitCode.NO_TESTS_COLLECTED: ("skipped", "skip"),
}
"""How a run ended, in the words for suites and in those for a pipeline's tasks."""

PIPELINE = {
    "cicd.pipeline.name": ("GITHUB_WORKFLOW", "CIPIPELINE_NAME", "JOB_NAME"),
    "cicd.pipeline.run.id": ("GITHUB_RUN_ID", "CIPIPELINE_ID", "BUILD_TAG"),
    "cicd.pipeline.run.url.full": ("CIPIPELINE_URL", "BUILD_URL"),
    "cicd.pipeline.task.name": ("GITHUB_JOB", "CI_JOB_NAME", "STAGE_NAME"),
    "cicd.pipeline.task.run.id": ("CI_JOB_ID",),
    "vcs.ref.head.name": ("GITHUB_REF_NAME", "CI_COMMIT_REF_NAME", "BRANCH_NAME"),
    "vcs.ref.head.revision": ("GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT"),
}
"""What GitHub, GitLab and Jenkins say of the pipeline; nothing else is read of the environment."""

_TOLD = {
    "cortex.test.promise": PROMISE,
    "cortex.test.scenario": SCENARIO,
    "test.id": TEST_ID,
    "cortex.test.evidence": EVIDENCE,
}
"""Attributes that are what a test told of itself."""


class Observed:
    """A pytest plugin that tells a collector of a run.

    endpoint: the collector's base URL.   suite: what the run calls itself.   root: where the checkout is.
    """

    def __init__(self, endpoint: str, suite: str, root: Path) -> None:
        self._suite, self._cases, self._tally, self._kept = suite, Cases(), Tally(), KeptSpans()
        resource = Resource.create({"service.name": SERVICE, "service.instance.id": str(uuid.uuid4())})
        self._sender = _Sender(endpoint, resource)
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(self._kept)
        self._tracer = provider.get_tracer(SERVICE)
        asked_by = TraceContextTextMapPropagator().extract({"traceparent": os.environ.get("TRACEPARENT", "")})
        attributes = {"test.suite.name": suite, "cicd.pipeline.task.type": "test", **_pipeline(root)}
        self._run = self._tracer.start_span(f"run {suite}", asked_by, attributes=attributes)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A phase of a test has ended, here or in a worker."""
        self._tally.note(report)
        if (case := self._cases.take(report)) is not None:
            self._tell(case)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file was collected, or could not be."""
        self._tally.note_file(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """The run is over; with xdist, all workers are."""
        status, result = _ENDED.get(pytest.ExitCode(exitstatus), ("failure", "failure"))
        self._run.set_attributes({"test.suite.run.status": status, "cicd.pipeline.task.run.result": result})
        if status in ("failure", "aborted"):
            self._run.set_attribute("error.type", result)
            self._run.set_status(Status(StatusCode.ERROR))
        self._run.end()
        self._sender.spans(self._kept.take())
        self._sender.metrics(self._tally.measured(self._suite))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Where to find the run."""
        trace_id = f"{self._run.get_span_context().trace_id:032x}"
        terminalreporter.line(f"telemetry: trace {trace_id}, {self._sender.told()}")

    def _tell(self, case: Case) -> None:
        span = self._tracer.start_span(
            case.name,
            set_span_in_context(self._run),
            attributes=_attributes(case, self._suite),
            links=list(_links(case)),
            start_time=_ns(case.began_s),
        )
        for report in case.reports:
            span.add_event(str(report.when), {"cortex.test.outcome": report.outcome}, _ns(report.start))
        if case.reason:
            span.set_attribute("error.type", case.outcome)
            span.set_status(Status(StatusCode.ERROR, case.reason))
        span.end(_ns(case.ended_s))
        if len(self._kept.spans) >= BATCH:
            self._sender.spans(self._kept.take())


def _attributes(case: Case, suite: str) -> dict[str, str | int | bool]:
    found: dict[str, str | int | bool | None] = {
        "test.suite.name": suite,
        "test.case.name": case.nodeid,
        "test.case.result.status": _STATUS.get(case.outcome),
        "code.file.path": case.file,
        "code.line.number": case.line,
        "cortex.test.outcome": case.outcome,
        "cortex.test.retries": len(case.again),
        "cortex.test.flaky": case.is_flaky,
        "cortex.test.worker": case.worker or None,
        **{name: ", ".join(case.told(key)) or None for name, key in _TOLD.items()},
    }
    return {name: value for name, value in found.items() if value is not None}


def _links(case: Case) -> Iterator[Link]:
    """To the traces that the test's page began; of the page's own span nobody is told, so its id is nought."""
    for trace_id in case.told(TRACE_ID)[:MAX_LINKS]:
        # The SDK keeps a link without a span only if it says something.
        yield Link(SpanContext(int(trace_id, 16), 0, is_remote=True), {"cortex.trace.id": trace_id})


def _ns(moment_s: float) -> int | None:
    """Nanoseconds since the epoch, to the microsecond, which is as much as a float holds; None, now, for 0."""
    return round(moment_s * 1_000_000) * 1000 or None


def _pipeline(root: Path) -> dict[str, str]:
    """What is known of where the run belongs. On the run alone: on all that is sent it would make endless series."""
    said = {
        name: next((os.environ[each] for each in variables if os.environ.get(each)), "")
        for name, variables in PIPELINE.items()
    }
    said["vcs.ref.head.revision"] = said["vcs.ref.head.revision"] or revision(root)
    return {name: value for name, value in said.items() if value}


# --- sending


class _Sender:
    """Sends to one collector, without threads; after a first refusal nothing more, so that a run never waits twice."""

    def __init__(self, endpoint: str, resource: Resource) -> None:
        for name in ("opentelemetry.exporter.otlp", "opentelemetry.exporter.http"):
            logging.getLogger(name).addHandler(logging.NullHandler())  # the summary tells of failures
        base = endpoint.rstrip("/")
        self._endpoint, self._works, self._sent = base, True, 0
        self._spans = OTLPSpanExporter(f"{base}/v1/traces", timeout=TIMEOUT_S)
        self._metrics = OTLPMetricExporter(f"{base}/v1/metrics", timeout=TIMEOUT_S)
        self._reader = InMemoryMetricReader()
        self._meter = MeterProvider((self._reader,), resource, shutdown_on_exit=False).get_meter(SERVICE)

    def spans(self, batch: Sequence[ReadableSpan]) -> None:
        """Send these."""
        if batch and self._works:
            self._works = self._spans.export(batch) is SpanExportResult.SUCCESS
            self._sent += len(batch) if self._works else 0

    def metrics(self, measured: Iterable[tuple[Metric, Mapping[str, str], float]]) -> None:
        """Send what is measured now."""
        gauges = {}
        for metric, labels, value in measured:
            if metric.name not in gauges:
                gauges[metric.name] = self._meter.create_gauge(metric.name, metric.unit, metric.help)
            gauges[metric.name].set(value, dict(labels))
        data = self._reader.get_metrics_data()
        if data is not None and self._works:
            self._works = self._metrics.export(data) is MetricExportResult.SUCCESS

    def told(self) -> str:
        """What became of it."""
        if self._works:
            return f"{self._sent} spans sent to {self._endpoint}"
        return f"not all sent: {self._endpoint} does not take it ({self._sent} spans arrived)"
