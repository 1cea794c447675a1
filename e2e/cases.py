"""What is known of each test of a run: its phases put together, and what a test tells of itself beside passing.

A test tells by `request.node.user_properties`, which pytest carries to its reports, to JUnit XML, and from xdist's
workers to the run that started them. The names are below; promise and scenario are noted for every test.

A plugin, for xdist's workers, too; `e2e.observed` and `e2e.report` read what it puts together.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from e2e.casting import scenario_of
from mocks.redact import text_without_credentials
from mocks.suite import AGAIN, BAD, QUARANTINED, outcome_of, worse

PROMISE = "promise"
"""What the test promises: the first line of its docstring."""
SCENARIO = "scenario"
"""A scenario that it plays."""
TEST_ID = "test_id"
"""What its page's requests carry in their baggage."""
TRACE_ID = "trace_id"
"""A trace that its page began."""
EVIDENCE = "evidence"
"""A folder of what was kept of its failure."""

MAX_REASON_CHARS = 300


@dataclass(slots=True)
class Case:
    """One test of a run. Times are seconds since the epoch."""

    nodeid: str
    reports: list[pytest.TestReport] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        """The worst of its phases; values of the catalogue's `TEST_OUTCOMES`."""
        found = "passed"
        for report in self.reports:
            found = worse(found, outcome_of(report))
        return found

    @property
    def began_s(self) -> float:
        """When its set-up began; 0 for one whose worker crashed before it could say."""
        return min((each.start for each in self.reports if each.start), default=0.0)

    @property
    def ended_s(self) -> float:
        """When its tear-down ended."""
        return max((each.stop for each in self.reports), default=0.0)

    @property
    def duration_s(self) -> float:
        """How long its phases took."""
        return sum(each.duration for each in self.reports)

    @property
    def name(self) -> str:
        """Its name within its file."""
        return self.nodeid.partition("::")[2] or self.nodeid

    @property
    def file(self) -> str:
        """The file that holds it, from the root of the project."""
        return self.nodeid.partition("::")[0]

    @property
    def line(self) -> int | None:
        """The line where it begins, from 1."""
        found = self.reports[-1].location[1]
        return None if found is None else found + 1

    @property
    def worker(self) -> str:
        """Which of xdist's workers ran it; empty where there are none."""
        return str(getattr(self.reports[-1], "worker_id", ""))

    def told(self, name: str) -> list[str]:
        """What it told of itself under a name, each thing once."""
        return list(dict.fromkeys(str(value) for key, value in self._properties() if key == name))

    def _properties(self) -> list[tuple[str, object]]:
        return max((each.user_properties for each in self.reports), key=len)

    @property
    def promise(self) -> str:
        """What it promises; its name where it says nothing."""
        return next(iter(self.told(PROMISE)), self.name)

    @property
    def again(self) -> list[str]:
        """How it ended each time that it was run again after a failure."""
        return [str(value) for key, value in self._properties() if key == AGAIN]

    @property
    def is_flaky(self) -> bool:
        """Whether it failed, and passed when it was run again; it failed none the less."""
        return self.outcome in BAD and "passed" in self.again

    @property
    def failure(self) -> str:
        """Where its failures are and what they say, without the sections that were added to them."""
        return "\n\n".join(str(_alone(each.longrepr)) for each in self._failed())

    @property
    def added(self) -> list[tuple[str, str]]:
        """The sections that were added to its failures: title and text."""
        found = (getattr(each.longrepr, "sections", ()) for each in self._failed())
        return [(title, text) for sections in found for title, text, _ in sections]

    @property
    def message(self) -> str:
        """What its first failure says before an empty line, behind which details stand; empty where it has none."""
        found = next((_message(each) for each in self._failed()), "")
        return re.split(r"\n\s*\n", found.strip(), maxsplit=1)[0]

    @property
    def reason(self) -> str:
        """The first line of its first failure, clipped; empty where it has none."""
        return next((first_line(each) for each in self._failed()), "")

    def _failed(self) -> Iterator[pytest.TestReport]:
        return (each for each in self.reports if outcome_of(each) in (*BAD, QUARANTINED))


class Cases:
    """The tests of a run, in the order in which they ended."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, str], Case] = {}
        self.ended: list[Case] = []

    def take(self, report: pytest.TestReport) -> Case | None:
        """Note a phase; the test once it has ended."""
        key = (report.nodeid, str(getattr(report, "worker_id", "")))
        case = self._running.setdefault(key, Case(report.nodeid))
        case.reports.append(report)
        # A worker that crashed has no tear-down: xdist tells of it in a phase of its own.
        if report.when in ("setup", "call"):
            return None
        self.ended.append(self._running.pop(key))
        return case


def _message(report: pytest.TestReport | pytest.CollectReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(report.longrepr if crash is None else crash.message)


def _alone(failure: Any) -> Any:
    """A failure without its sections; a copy, for others show it, too."""
    alone = copy.copy(failure)
    if getattr(alone, "sections", None):
        alone.sections = []
    return alone


def first_line(report: pytest.TestReport | pytest.CollectReport) -> str:
    """What a failure says first, clipped."""
    lines = (line.strip() for line in _message(report).splitlines())
    return next(filter(None, lines), "")[:MAX_REASON_CHARS]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Whatever shows a test's report shows its promise, and no credential."""
    if call.when == "setup":
        known = {key for key, _ in item.user_properties}
        item.user_properties += [(key, value) for key, value in _own(item) if key not in known]
    report = yield
    report.sections = [(title, text_without_credentials(text)) for title, text in report.sections]
    if outcome_of(report) in (*BAD, QUARANTINED):
        _hide(report)
    return report


def _hide(report: pytest.TestReport) -> None:
    """Take credentials out of a failure: line by line, so that it looks as it did, else out of its text."""
    for traceback, crash, _ in getattr(report.longrepr, "chain", ()):
        if crash is not None:
            crash.message = text_without_credentials(crash.message)
        for entry in traceback.reprentries:
            entry.lines = [text_without_credentials(line) for line in entry.lines]
    text = str(report.longrepr)
    if (hidden := text_without_credentials(text)) != text:
        report.longrepr = hidden


def promise_of(item: pytest.Item) -> str:
    """What a test promises: the first paragraph of its docstring; empty where it says nothing."""
    about = getattr(getattr(item, "obj", None), "__doc__", None) or ""
    return re.sub(r"\s+", " ", about.strip().partition("\n\n")[0])


def _own(item: pytest.Item) -> Iterator[tuple[str, str]]:
    """What every test tells: its promise, and the scenario that it is about."""
    if promise := promise_of(item):
        yield PROMISE, promise
    if (scenario := scenario_of(item)) is not None:
        yield SCENARIO, scenario
