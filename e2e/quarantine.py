"""The quarantine: tests that run and whose failure is told, but fails nothing, until a date. The list only shrinks.

A plugin, for xdist's workers, too. `python -m e2e.quarantine` checks the list, as a test of ours does:

- a test that does not exist, a date that has passed, or one more than thirty days after its beginning is a fault;
- an entry is there only if the commit that brought it says so: a line `Quarantine: <why>` in its message. A changed
  test or date is another entry, so a prolongation needs that line again. Where nobody says so, the list can only
  become shorter. An empty list needs no history for this, any other all of it: a shallow clone is a fault then;
- `python -m e2e.repeat` tells of a test that is in the list and does not fail any more.

A test whose date has passed fails the run again by itself. A test that passes is told as passed, quarantined or not.
"""

from __future__ import annotations

import ast
import datetime
import subprocess
import sys
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from e2e.cases import first_line
from mocks.suite import BAD, QUARANTINED, outcome_of

ROOT = Path(__file__).parents[1]
LIST = Path(__file__).with_name("quarantine.yaml")
MAX_DAYS = 30
TRAILER = "Quarantine:"
GIT_TIMEOUT_S = 30


class QuarantineError(Exception):
    """A list that cannot be read; the message says where and why."""


class Entry(BaseModel):
    """One test of the list.

    test: its node id from the root of the project; without its parameters, all of them are meant.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    test: str = Field(pattern=r"^[\w./-]+\.py::.+")
    reason: str = Field(min_length=20)
    owner: str = Field(min_length=2)
    since: datetime.date
    until: datetime.date

    def covers(self, nodeid: str) -> bool:
        """Whether a test is meant."""
        return nodeid == self.test or nodeid.startswith(f"{self.test}[")


_ENTRIES = TypeAdapter(tuple[Entry, ...])


def read(text: str, where: str) -> tuple[Entry, ...]:
    """The entries of a list.   Raises: QuarantineError."""
    try:
        return _ENTRIES.validate_python(yaml.safe_load(text) or ())
    except (ValidationError, yaml.YAMLError) as error:
        raise QuarantineError(f"{where}: {error}") from error


def today() -> datetime.date:
    """The date, UTC: the same for everybody who runs the suite."""
    return datetime.datetime.now(datetime.UTC).date()


# --- while tests run


class Quarantine:
    """A pytest plugin: failures of listed tests are told, and do not fail the run."""

    def __init__(self, entries: Iterable[Entry], date: datetime.date) -> None:
        self._entries = [each for each in entries if date <= each.until]
        self._failed: list[pytest.TestReport] = []

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """To pytest it is an expected failure, to whoever asks for our outcome it is quarantined."""
        report = yield
        entry = next((each for each in self._entries if each.covers(item.nodeid)), None)
        if entry is not None and outcome_of(report) in BAD:
            why = f"{entry.reason} ({entry.owner}, until {entry.until})"
            setattr(report, QUARANTINED, why)
            report.outcome, report.wasxfail = "skipped", f"quarantined: {why}"
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """A letter and a word of its own."""
        return (QUARANTINED, "q", "QUARANTINED") if hasattr(report, QUARANTINED) else None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A phase of a test has ended, here or in a worker."""
        if hasattr(report, QUARANTINED):
            self._failed.append(report)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """What failed and failed nothing, with its reason."""
        if self._failed:
            terminalreporter.section("quarantined failures", purple=True)
        for report in self._failed:
            terminalreporter.line(f"QUARANTINED {report.nodeid} - {first_line(report)}", purple=True)
            terminalreporter.line(f"  {getattr(report, QUARANTINED)}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the list is."""
    group = parser.getgroup("cortex-harness")
    group.addoption("--quarantine", metavar="FILE", default=str(LIST), help="tests that may fail [e2e/quarantine.yaml]")


def pytest_configure(config: pytest.Config) -> None:
    """Read the list.   Raises: pytest.UsageError."""
    path = Path(config.getoption("--quarantine"))
    try:
        entries = read(path.read_text(encoding="utf-8"), str(path))
    except (OSError, QuarantineError) as error:
        raise pytest.UsageError(f"--quarantine: {error}") from error
    config.pluginmanager.register(Quarantine(entries, today()), "quarantine-entries")


# --- the list itself


def faults(entries: Collection[Entry], date: datetime.date, root: Path) -> Iterator[str]:
    """What is wrong with the entries as they are."""
    for entry in entries:
        for is_wrong, words in _CHECKS:
            if is_wrong(entry, date, root):
                yield f"{entry.test}: {words}"


def _is_unknown(entry: Entry, _date: datetime.date, root: Path) -> bool:
    path, *names = entry.test.partition("[")[0].split("::")
    if not (root / path).is_file():
        return True
    body: list[ast.stmt] = ast.parse((root / path).read_text(encoding="utf-8")).body
    for name in names:
        found = next((each for each in body if getattr(each, "name", None) == name), None)
        if found is None:
            return True
        body = getattr(found, "body", [])
    return False


Check = Callable[[Entry, datetime.date, Path], bool]

_CHECKS: tuple[tuple[Check, str], ...] = (
    (_is_unknown, "there is no such test; take it off the list"),
    (lambda entry, date, _root: entry.until < date, "its date has passed: repair it, and take it off the list"),
    (lambda entry, date, _root: entry.since > date, "it begins in the future"),
    (
        lambda entry, _date, _root: (entry.until - entry.since).days > MAX_DAYS,
        f"it may stay for {MAX_DAYS} days at most",
    ),
)


@dataclass(frozen=True, slots=True)
class Growth:
    """Entries that a commit brought, and its message."""

    revision: str
    message: str
    entries: frozenset[tuple[str, datetime.date]]


def growth_faults(entries: Collection[Entry], path: Path) -> Iterator[str]:
    """Entries that no commit's message accounts for.   path: the list, in a git checkout."""
    wanted = _keys(entries)
    if not wanted:
        return
    if _git(path, "rev-parse", "--is-shallow-repository") != "false":
        yield "entries need the list's whole history: git fetch --unshallow (in CI: fetch-depth 0, or GIT_DEPTH 0)"
        return
    brought: dict[tuple[str, datetime.date], Growth] = {}
    for growth in _history(path):
        brought.update({key: growth for key in growth.entries & wanted if key not in brought})
    for key in sorted(wanted):
        found = brought.get(key)
        if found is None:
            yield f"{key[0]}: is not committed; its commit's message needs a line '{TRAILER} <why>'"
        elif not any(line.startswith(TRAILER) and line[len(TRAILER) :].strip() for line in found.message.splitlines()):
            yield f"{key[0]}: commit {found.revision[:12]} brought it without a line '{TRAILER} <why>'"


def _keys(entries: Iterable[Entry]) -> frozenset[tuple[str, datetime.date]]:
    """What makes an entry another entry."""
    return frozenset((each.test, each.until) for each in entries)


def _history(path: Path) -> Iterator[Growth]:
    """What each commit brought, newest first. Merges bring what their branches' commits did."""
    log = _git(path, "log", "--no-merges", "--format=%H%x00%B%x01", "--", path.name)
    for commit in filter(str.strip, log.split("\x01")):
        revision, _, message = commit.strip().partition("\x00")
        before = _keys(_at(path, f"{revision}^"))
        yield Growth(revision, message, _keys(_at(path, revision)) - before)


def _at(path: Path, revision: str) -> tuple[Entry, ...]:
    try:
        return read(_git(path, "show", f"{revision}:./{path.name}"), revision)
    except (QuarantineError, subprocess.CalledProcessError):
        return ()  # it was not there, or could not be read: all of it is new


def _git(path: Path, *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own words
        ["git", "-C", str(path.parent), *arguments],  # noqa: S607 - the user's own git
        capture_output=True,
        text=True,
        check=arguments[0] != "rev-parse",
        timeout=GIT_TIMEOUT_S,
    )
    return done.stdout.strip()


def never_failed(entries: Iterable[Entry], failures: Mapping[str, int], runs: int) -> Iterator[str]:
    """Entries that the list can do without.   failures: of how many runs, by test."""
    for entry in entries:
        if not any(count and entry.covers(nodeid) for nodeid, count in failures.items()):
            yield f"{entry.test}: passed in all of {runs} runs; take it off the list"


def main(path: Path = LIST, root: Path = ROOT) -> int:
    """Say what is wrong with the list; the exit status."""
    try:
        entries = read(path.read_text(encoding="utf-8"), path.name)
        found = [*faults(entries, today(), root), *growth_faults(entries, path)]
    except QuarantineError as error:
        found = [str(error)]
    sys.stdout.writelines(f"{each}\n" for each in found or [f"{len(entries)} in quarantine"])
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
