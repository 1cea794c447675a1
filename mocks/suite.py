"""What a run of a test suite leaves for Prometheus: its metrics in a file for node exporter's textfile collector.

    pytest --cortex-suite e2e --cortex-suite-report /var/lib/node_exporter/textfile/cortex_suite_e2e.prom

One file a suite, replaced whole when a run ends; nothing is pushed, so a run needs neither network nor rights beyond
the folder. Where no node exporter runs, any web server that shows the file is a target for Prometheus.
`Tally` is what is counted; `e2e.observed` sends the same over OTLP.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from contracts.telemetry import (
    SUITE_DURATION,
    SUITE_FINISHED,
    SUITE_FLAKY,
    SUITE_RERUNS,
    SUITE_TEST_DURATION,
    SUITE_TESTS,
    TEST_OUTCOMES,
    TEST_TIMES,
    Metric,
    bounded,
)

BAD = ("failed", "error")
"""Outcomes that fail a run."""

QUARANTINED = "quarantined"
"""Outcome of a test that failed as a list said it may; also the name of what its report carries then."""

AGAIN = "again"
"""A test that failed and was run again tells by this property how it ended, once for each time."""

_SEVERITY = ("passed", "skipped", QUARANTINED, *BAD)


def outcome_of(report: pytest.TestReport) -> str:
    """The outcome of one phase of a test. Only the test itself fails; what fails around it is an error."""
    if hasattr(report, QUARANTINED):
        return QUARANTINED
    return report.outcome if report.outcome != "failed" or report.when == "call" else "error"


def worse(one: str, other: str) -> str:
    """The worse of two outcomes."""
    return max(one, other, key=_SEVERITY.index)


@dataclass(slots=True)
class Tally:
    """The tests of a run, counted as they end."""

    began_s: float = field(default_factory=time.monotonic)
    outcomes: dict[str, str] = field(default_factory=dict)
    took_s: dict[str, float] = field(default_factory=dict)
    again: dict[str, list[str]] = field(default_factory=dict)

    def note(self, report: pytest.TestReport) -> None:
        """One phase of a test has ended: the worst of its phases is its outcome."""
        outcome = outcome_of(report)
        self.took_s[report.nodeid] = self.took_s.get(report.nodeid, 0.0) + report.duration
        self.again[report.nodeid] = [str(value) for name, value in report.user_properties if name == AGAIN]
        if outcome != "passed" or report.when == "call":
            self.outcomes[report.nodeid] = worse(self.outcomes.get(report.nodeid, "passed"), outcome)

    def note_file(self, report: pytest.CollectReport) -> None:
        """A file that cannot be collected is an error; its tests are not known."""
        if report.failed:
            self.outcomes[report.nodeid] = "error"

    def measured(self, suite: str) -> Iterator[tuple[Metric, Mapping[str, str], float]]:
        """Each metric with its labels and what it says now.

        suite: the catalogue's name for it; any other is written as `other`.
        """
        of_suite, counted = {"suite": bounded(SUITE_TESTS, "suite", suite)}, Counter(self.outcomes.values())
        for outcome in TEST_OUTCOMES:
            yield SUITE_TESTS, {**of_suite, "outcome": outcome}, counted[outcome]
        yield SUITE_DURATION, of_suite, time.monotonic() - self.began_s
        yield SUITE_FINISHED, of_suite, time.time()
        for name, share in zip(TEST_TIMES, (0.5, 0.95, 1.0), strict=True):
            yield SUITE_TEST_DURATION, {**of_suite, "statistic": name}, _ranked(self.took_s.values(), share)
        yield SUITE_RERUNS, of_suite, sum(map(len, self.again.values()))
        yield SUITE_FLAKY, of_suite, sum("passed" in ended for ended in self.again.values())


def _ranked(values: Iterable[float], share: float) -> float:
    """The value that this share of them does not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else 0.0


class SuiteReport:
    """A pytest plugin that counts the tests of a run and writes the file at its end, also when it was interrupted.

    suite: the catalogue's name for it; any other is written as `other`.
    """

    def __init__(self, path: Path, suite: str) -> None:
        self._path, self._suite, self._tally = path, suite, Tally()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of a test has ended."""
        self._tally.note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file was collected, or could not be."""
        self._tally.note_file(report)

    def pytest_sessionfinish(self) -> None:
        """The run is over.   Raises: pytest.UsageError when the file cannot be written."""
        try:
            write_to_textfile(str(self._path), self._registry())
        except OSError as error:
            raise pytest.UsageError(f"--cortex-suite-report {self._path}: {error.strerror}") from error

    def _registry(self) -> CollectorRegistry:
        registry, gauges = CollectorRegistry(), dict[str, Gauge]()
        for metric, labels, value in self._tally.measured(self._suite):
            if metric.exposed not in gauges:
                gauges[metric.exposed] = Gauge(metric.exposed, metric.help, metric.exposed_labels, registry=registry)
            gauges[metric.exposed].labels(**labels).set(value)
        return registry
