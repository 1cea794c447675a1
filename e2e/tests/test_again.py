"""Failures that are run again, and stay failures."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

TESTS = """
import pytest

tries = []

def test_passes(): pass

def test_sometimes():
    tries.append(1)
    assert len(tries) > 1

def test_never(): assert False

@pytest.fixture
def broken(): raise OSError

def test_cannot_begin(broken): pass
"""


@pytest.mark.parametrize("arguments", [(), ("-p", "xdist", "-n", "1")], ids=["alone", "worker"])
def test_flaky_is_told_from_broken_and_both_fail(suite: pytest.Pytester, arguments: tuple[str, ...]) -> None:
    """What passed when it was run again has failed none the less."""
    suite.makepyfile(test_it=TESTS)

    result = suite.runpytest_inprocess("--again", "2", *arguments)

    result.assert_outcomes(passed=1, failed=2, errors=1)
    result.stdout.fnmatch_lines_random(
        [
            "test_it.py::test_sometimes - flaky: passed when run again (passed, passed)",
            "test_it.py::test_never - broken: failed each time (failed, failed)",
            "test_it.py::test_cannot_begin - broken: failed each time (error, error)",
        ]
    )


def test_nothing_is_run_again_unless_it_is_asked_for(suite: pytest.Pytester) -> None:
    """A retry hides a defect."""
    suite.makepyfile(test_it=f"{TESTS}\ndef test_tries(): assert len(tries) == 1\n")

    suite.runpytest_inprocess().assert_outcomes(passed=2, failed=2, errors=1)


def test_what_passed_is_not_run_again(suite: pytest.Pytester) -> None:
    """One run is enough for it."""
    suite.makepyfile(test_it="tries = []\ndef test_it(): tries.append(1)\ndef test_tries(): assert len(tries) == 1\n")

    suite.runpytest_inprocess("--again", "3").assert_outcomes(passed=2)


def test_fixtures_begin_anew(suite: pytest.Pytester) -> None:
    """The second try gets its own of what a test has, and the same of what a module shares."""
    body = """
import pytest

@pytest.fixture
def own(tmp_path): return tmp_path

@pytest.fixture(scope="module")
def shared(): return []

def test_it(own, shared):
    assert not list(own.iterdir())
    (own / "trace").touch()
    shared.append(own)
    assert len(shared) == 2

def test_after(shared):
    assert len(set(shared)) == 2
"""
    suite.makepyfile(test_it=body)

    result = suite.runpytest_inprocess("--again", "1")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*test_it - flaky: passed when run again (passed)"])
