"""What a run leaves for Prometheus, in runs of its own."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from contracts.telemetry import (
    SUITE_DURATION,
    SUITE_FINISHED,
    SUITE_FLAKY,
    SUITE_METRICS,
    SUITE_RERUNS,
    SUITE_TEST_DURATION,
    SUITE_TESTS,
)
from mocks.suite import AGAIN, QUARANTINED, Tally

pytest_plugins = ["pytester"]

INI = "[pytest]\naddopts = -p pytest_cortex_mock -p no:cacheprovider\nfilterwarnings = error\n"
OF_EACH_KIND = """
import pytest

@pytest.fixture
def broken():
    raise ValueError("set-up")

@pytest.fixture
def untidy():
    yield
    raise ValueError("tear-down")

def test_passes(): pass
def test_passes_too(): pass
def test_fails(): assert False
def test_cannot_begin(broken): pass
def test_cannot_end(untidy): pass
@pytest.mark.skip(reason="not here")
def test_is_skipped(): pass
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder of tests that loads the plugin and no other."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeini(INI)
    return pytester


Labels = frozenset[tuple[str, str]]


def samples(path: Path) -> dict[tuple[str, Labels], float]:
    """What Prometheus would read: values by name and labels."""
    families = text_string_to_metric_families(path.read_text(encoding="utf-8"))
    return {(each.name, frozenset(each.labels.items())): each.value for one in families for each in one.samples}


def outcomes(path: Path, suite: str) -> dict[str, float]:
    """The number of tests by outcome."""
    found = {
        dict(labels)["outcome"]: value for (name, labels), value in samples(path).items() if name == SUITE_TESTS.exposed
    }
    assert {dict(labels)["suite"] for _, labels in samples(path)} == {suite}
    return found


def of(suite: str) -> Labels:
    """The labels of what is told once a suite."""
    return frozenset({("suite", suite)})


def test_a_run_is_told_by_its_worst_phases(suite: pytest.Pytester) -> None:
    """A test that cannot begin or end is an error, however it went between; every outcome shows, at zero too."""
    path, before_s = suite.path / "cortex.prom", time.time()
    suite.makepyfile(OF_EACH_KIND)

    suite.runpytest_inprocess("--cortex-suite-report", str(path), "--cortex-suite", "e2e")

    assert outcomes(path, "e2e") == {"passed": 2, "failed": 1, "error": 2, "skipped": 1, "quarantined": 0}
    found = samples(path)
    assert {name for name, _ in found} == {metric.exposed for metric in SUITE_METRICS}
    assert before_s <= found[SUITE_FINISHED.exposed, of("e2e")] <= time.time()
    assert 0 < found[SUITE_DURATION.exposed, of("e2e")] < 60


def report(name: str, outcome: str = "passed", took_s: float = 1.0, *again: str) -> pytest.TestReport:
    """The one phase of a test."""
    told = [(AGAIN, each) for each in again]
    location = ("test_it.py", 1, name)
    return pytest.TestReport(name, location, {}, outcome, None, "call", (), took_s, 0, took_s, told)  # type: ignore[arg-type]


def said(tally: Tally) -> dict[tuple[str, ...], float]:
    """What is measured, by the metric's name and its labels without the suite's."""
    return {(metric.name, *list(labels.values())[1:]): value for metric, labels, value in tally.measured("e2e")}


@pytest.mark.parametrize(
    ("times_s", "expected"),
    [
        ([], (0, 0, 0)),
        ([2.0], (2, 2, 2)),
        ([float(each) for each in range(100, 0, -1)], (50, 95, 100)),
        ([1.0, 2.0, 9.0], (2, 9, 9)),
    ],
    ids=["none", "one", "a hundred", "few"],
)
def test_times_are_told_by_rank(times_s: list[float], expected: tuple[float, ...]) -> None:
    """The median, what 95 of 100 tests do not exceed, and the longest; phases of a test add up."""
    tally = Tally()
    for number, took_s in enumerate(times_s):
        tally.note(report(f"test_{number}", "passed", took_s / 2))
        tally.note(report(f"test_{number}", "passed", took_s / 2))

    found = said(tally)

    assert tuple(found[SUITE_TEST_DURATION.name, each] for each in ("median", "p95", "longest")) == expected


def test_what_was_run_again_is_told_and_stays_failed() -> None:
    """Flaky is what passed at least once after its failure; each run counts."""
    tally = Tally()
    tally.note(report("test_flaky", "failed", 1.0, "failed", "passed"))
    tally.note(report("test_broken", "failed", 1.0, "failed", "failed"))
    tally.note(report("test_good"))

    found = said(tally)

    assert (found[SUITE_RERUNS.name,], found[SUITE_FLAKY.name,]) == (4, 1)
    assert (found[SUITE_TESTS.name, "failed"], found[SUITE_TESTS.name, "passed"]) == (2, 1)


def test_a_quarantined_failure_is_neither_failed_nor_skipped() -> None:
    """It has its own number, so that nobody forgets it."""
    listed = report("test_it", "skipped")
    setattr(listed, QUARANTINED, "known")
    tally = Tally()
    tally.note(listed)

    found = said(tally)

    assert [found[SUITE_TESTS.name, each] for each in ("failed", "skipped", "quarantined")] == [0, 0, 1]


def test_a_file_that_cannot_be_collected_is_an_error(suite: pytest.Pytester) -> None:
    """A run in which nothing could be imported does not look like one without failures."""
    path = suite.path / "cortex.prom"
    suite.makepyfile("import no_such_module_at_all")

    suite.runpytest_inprocess("--cortex-suite-report", str(path))

    assert outcomes(path, "unit") == {"passed": 0, "failed": 0, "error": 1, "skipped": 0, "quarantined": 0}


def test_an_interrupted_run_leaves_what_it_has(suite: pytest.Pytester) -> None:
    """Ctrl-C ends the run; the tests before it are counted."""
    path = suite.path / "cortex.prom"
    suite.makepyfile("def test_a(): pass\ndef test_b(): raise KeyboardInterrupt\n")

    suite.runpytest_subprocess("--cortex-suite-report", str(path))

    assert outcomes(path, "unit") == {"passed": 1, "failed": 0, "error": 0, "skipped": 0, "quarantined": 0}


def test_the_next_run_replaces_the_file(suite: pytest.Pytester) -> None:
    """A file holds one run; a suite that no list names is `other`."""
    path = suite.path / "cortex.prom"
    suite.makepyfile("def test_a(): pass\n")
    for name in ("mine-4711", "mine-4712"):
        suite.runpytest_inprocess("--cortex-suite-report", str(path), "--cortex-suite", name)

    assert outcomes(path, "other") == {"passed": 1, "failed": 0, "error": 0, "skipped": 0, "quarantined": 0}


def test_a_file_that_cannot_be_written_is_named(suite: pytest.Pytester) -> None:
    """The option, the path and the reason are in one line."""
    suite.makepyfile("def test_a(): pass\n")

    result = suite.runpytest_inprocess("--cortex-suite-report", str(suite.path / "none" / "cortex.prom"))

    result.stderr.fnmatch_lines(["*--cortex-suite-report*none*No such file or directory*"])
    assert result.ret != 0


def test_no_option_no_file(suite: pytest.Pytester) -> None:
    """Without the option nothing is registered and nothing is written."""
    suite.makepyfile("def test_a(request): assert not request.config.pluginmanager.has_plugin('cortex-suite')\n")

    result = suite.runpytest_inprocess()

    result.assert_outcomes(passed=1)
    assert list(suite.path.glob("*.prom")) == []
