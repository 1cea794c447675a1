"""The pytest plugin: a Snowflake Cortex for every test, and no test that passes by accident.

    @pytest.mark.scenario("throttled")
    def test_a_throttled_agent_is_asked_again(mock_cortex):
        ask(mock_cortex.url, mock_cortex.headers)
        mock_cortex.assert_requested(path="*:run", count=2)

`mock_cortex` is a `mocks.embedded.Session`. All tests of a process share one mock, which starts when the first of them
needs it; each sees only its own requests, threads and scenario. A test fails when a request of it found no recorded
answer, and, where strict, when an interaction of its cassettes was never asked for.

Markers
    scenario(name)                              what `mock_cortex` plays
    cassettes(*names)                           recordings that the test is about
    mock_cortex(strict=..., allow_unmatched=...)    what the test is held to
Settings (ini)
    mock_cortex_strict      whether every interaction of a test's cassettes must be asked for; false
    mock_cortex_pace        factor on recorded times; 0 plays at once, 1 as recorded; 0
    mock_cortex_cassettes, mock_cortex_scenarios    folders, relative to the ini file; those that are shipped
Options
    --cortex-suite-report FILE, --cortex-suite NAME   leave the run's results for Prometheus: mocks/suite.py

pytest loads this module in every run where the package is installed. So it imports nothing but pytest before a test
asks for the mock, and it stands beside the rooms: a plugin inside `mocks` would hide a package of that name which the
tested project may have.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mocks.embedded import MockCortex, Session

_SESSION = pytest.StashKey["Session"]()
_NUMBERS = itertools.count(1)
_MARKERS = (
    "scenario(name): the scenario that mock_cortex plays for this test",
    "cassettes(*names): the cassettes this test is about; where strict, all of their interactions must be asked for",
    "mock_cortex(strict=None, allow_unmatched=False): what mock_cortex holds this test to",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The settings."""
    parser.addini("mock_cortex_strict", "fail on interactions of a test's cassettes that are unused", "bool", False)
    parser.addini("mock_cortex_pace", "factor on recorded times; 0 plays at once", default="0")
    parser.addini("mock_cortex_cassettes", "folder of cassettes", "paths", [])
    parser.addini("mock_cortex_scenarios", "folder of scenarios", "paths", [])
    group = parser.getgroup("cortex-harness")
    group.addoption("--cortex-suite-report", metavar="FILE", help="write the run's results there, for Prometheus")
    group.addoption("--cortex-suite", metavar="NAME", default="unit", help="what the report calls this suite [unit]")


def pytest_configure(config: pytest.Config) -> None:
    """The markers, so that misspelt ones are found."""
    for line in _MARKERS:
        config.addinivalue_line("markers", line)
    if (path := config.getoption("--cortex-suite-report")) is not None:
        from mocks.suite import SuiteReport  # noqa: PLC0415 - see the top of this file

        config.pluginmanager.register(SuiteReport(Path(path), config.getoption("--cortex-suite")), "cortex-suite")


@pytest.fixture(scope="session")
def mock_cortex_session(pytestconfig: pytest.Config) -> Iterator[MockCortex]:
    """A mock on a free port, for the whole run of this process."""
    try:
        from mocks.embedded import MockCortex  # noqa: PLC0415 - see the top of this file
    except ImportError as error:
        message = "mock_cortex needs the extra 'mock' (cortex-harness[mock]), and no other package called 'mocks'"
        raise pytest.UsageError(f"{message}: {error}") from error
    folders = {name: pytestconfig.getini(f"mock_cortex_{name}") for name in ("cassettes", "scenarios")}
    with MockCortex(pace=_pace(pytestconfig), **{name: paths[0] for name, paths in folders.items() if paths}) as mock:
        yield mock


@pytest.fixture
def mock_cortex(request: pytest.FixtureRequest, mock_cortex_session: MockCortex) -> Iterator[Session]:
    """What this test sees of the mock: its own requests, threads and scenario."""
    # The number keeps apart what a retried or parametrised test did; the name is for whoever reads the journal.
    test_id = f"{os.getpid()}-{next(_NUMBERS)}-{request.node.name}".encode("ascii", "replace").decode()[:150]
    session = mock_cortex_session.session(test_id, alone=True)
    with contextlib.ExitStack() as stack:
        stack.callback(session.release)
        if (marker := request.node.get_closest_marker("scenario")) is not None:
            _told(session.use, _named(marker, "scenario")[0])
        _told(session.check_known, *_declared(request.node))
        request.node.stash[_SESSION] = session
        yield session


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """After a test that used the mock: fail where a request was unmatched, or a declared interaction unused."""
    try:
        result = yield
    except BaseException:
        if (session := item.stash.get(_SESSION, None)) is not None:
            _explain(item, session)
        raise
    session = item.stash.get(_SESSION, None)
    failures = () if session is None else [_failure(check) for check in _checks(item, session)]
    if found := "\n".join(filter(None, failures)):
        pytest.fail(found, pytrace=False)
    return result


def _failure(check: Callable[[], None]) -> str | None:
    try:
        check()
    except AssertionError as error:
        return str(error)
    return None


def _told(call: Callable[..., None], *names: str) -> None:
    """Make a call; a name that the mock does not know fails the test with no more than the mock's words."""
    from mocks.embedded import MockCortexError  # noqa: PLC0415 - see the top of this file

    try:
        call(*names)
    except MockCortexError as error:
        found = str(error)
    else:
        return
    pytest.fail(found, pytrace=False)


def _declared(item: pytest.Item) -> list[str]:
    return [name for each in item.iter_markers("cassettes") for name in _named(each, "cassettes")]


def _explain(item: pytest.Item, session: Session) -> None:
    """Put unmatched requests beside a failure, which they often cause."""
    if found := _failure(session.check_matched):
        item.add_report_section("call", "mock_cortex", found)


def _checks(item: pytest.Item, session: Session) -> Iterator[Callable[[], None]]:
    marker = item.get_closest_marker("mock_cortex")
    asked: dict[str, Any] = {} if marker is None else dict(marker.kwargs)
    unknown = [*asked.keys() - {"strict", "allow_unmatched"}, *(marker.args if marker is not None else ())]
    if unknown:
        raise pytest.UsageError(f"the marker mock_cortex has no {unknown[0]!r}; it has: strict, allow_unmatched")
    if not asked.get("allow_unmatched", False):
        yield session.check_matched
    strict = asked.get("strict")
    if item.config.getini("mock_cortex_strict") if strict is None else strict:
        yield partial(session.check_used, *_declared(item))


def _named(marker: pytest.Mark, what: str) -> tuple[str, ...]:
    if not marker.args or marker.kwargs or not all(isinstance(name, str) for name in marker.args):
        raise pytest.UsageError(f"the marker {what} takes names, such as @pytest.mark.{what}('...')")
    return marker.args


def _pace(config: pytest.Config) -> float:
    try:
        return float(config.getini("mock_cortex_pace"))
    except ValueError as error:
        raise pytest.UsageError(f"mock_cortex_pace: {error}") from error
