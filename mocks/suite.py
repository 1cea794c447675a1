"""What a run of a test suite leaves for Prometheus: three metrics in a file for node exporter's textfile collector.

    pytest --cortex-suite e2e --cortex-suite-report /var/lib/node_exporter/textfile/cortex_suite_e2e.prom

One file a suite, replaced whole when a run ends; nothing is pushed, so a run needs neither network nor rights beyond
the folder. Where no node exporter runs, any web server that shows the file is a target for Prometheus.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from contracts.telemetry import (
    SUITE_DURATION,
    SUITE_FINISHED,
    SUITE_TESTS,
    TEST_OUTCOMES,
    Metric,
    bounded,
)


class SuiteReport:
    """A pytest plugin that counts the tests of a run and writes the file at its end, also when it was interrupted.

    suite: the catalogue's name for it; any other is written as `other`.
    """

    def __init__(self, path: Path, suite: str) -> None:
        self._path, self._suite = path, bounded(SUITE_TESTS, "suite", suite)
        self._began_s = time.monotonic()
        self._outcomes: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of a test has ended: the worst of its phases is its outcome."""
        outcome = report.outcome if report.outcome != "failed" or report.when == "call" else "error"
        if outcome != "passed" or report.when == "call":
            worst = max(self._outcomes.get(report.nodeid, "passed"), outcome, key=_SEVERITY.index)
            self._outcomes[report.nodeid] = worst

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be collected is an error; its tests are not known."""
        if report.failed:
            self._outcomes[report.nodeid] = "error"

    def pytest_sessionfinish(self) -> None:
        """The run is over.   Raises: pytest.UsageError when the file cannot be written."""
        try:
            write_to_textfile(str(self._path), self._registry())
        except OSError as error:
            raise pytest.UsageError(f"--cortex-suite-report {self._path}: {error.strerror}") from error

    def _registry(self) -> CollectorRegistry:
        registry, counted = CollectorRegistry(), Counter(self._outcomes.values())
        tests = _gauge(SUITE_TESTS, registry)
        for outcome in TEST_OUTCOMES:
            tests.labels(suite=self._suite, outcome=outcome).set(counted[outcome])
        _gauge(SUITE_DURATION, registry).labels(suite=self._suite).set(time.monotonic() - self._began_s)
        _gauge(SUITE_FINISHED, registry).labels(suite=self._suite).set(time.time())
        return registry


_SEVERITY = ("passed", "skipped", "failed", "error")


def _gauge(metric: Metric, registry: CollectorRegistry) -> Gauge:
    return Gauge(metric.exposed, metric.help, metric.exposed_labels, registry=registry)
