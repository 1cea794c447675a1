"""`--again N`: a test that failed is run again, up to N times, to tell what is flaky from what is broken.

It failed, and stays failed: a retry that turned red into green would hide a defect from everybody but its users. What
the runs after it were like is told with it: in JUnit XML, in the report and in the telemetry. A plugin, for xdist's
workers, too.
"""

from __future__ import annotations

import pytest
from _pytest.runner import runtestprotocol

from mocks.suite import AGAIN, BAD, outcome_of, worse


class Again:
    """A pytest plugin that runs failed tests again and keeps what they were like the first time."""

    def __init__(self, times: int) -> None:
        self._times = times

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Run a test, and then again; its last report tells how that went."""
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        *before, last = runtestprotocol(item, log=False, nextitem=nextitem)
        for report in before:
            item.ihook.pytest_runtest_logreport(report=report)
        if _outcome([*before, last]) in BAD:
            for _ in range(self._times):
                found = _outcome(runtestprotocol(item, log=False, nextitem=nextitem))
                last.user_properties.append((AGAIN, found))
        item.ihook.pytest_runtest_logreport(report=last)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Which failures were flaky."""
        for report in (each for found in terminalreporter.stats.values() for each in found):
            again = [value for key, value in getattr(report, "user_properties", ()) if key == AGAIN]
            if again:
                words = "flaky: passed when run again" if "passed" in again else "broken: failed each time"
                terminalreporter.line(f"{report.nodeid} - {words} ({', '.join(again)})")


def _outcome(reports: list[pytest.TestReport]) -> str:
    found = "passed"
    for report in reports:
        found = worse(found, outcome_of(report))
    return found


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option."""
    words = "run a failed test again, up to N times, to tell flaky from broken; it stays failed [0]"
    parser.getgroup("cortex-harness").addoption("--again", metavar="N", type=int, default=0, help=words)


def pytest_configure(config: pytest.Config) -> None:
    """Nothing, unless it is asked for."""
    if (times := config.getoption("--again")) > 0:
        config.pluginmanager.register(Again(times), "cortex-again")
