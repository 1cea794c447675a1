"""A suite that is run many times, and what is told of tests that fail now and then."""

from __future__ import annotations

import datetime
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from e2e import repeat
from e2e.quarantine import Entry
from e2e.repeat import Run, flakes, idle, load, made, main, page, save
from e2e.tests.running import is_gone, until

SHAKY = '''
from pathlib import Path

def test_steady(): pass

def test_shaky():
    """Fails in the first of its runs."""
    seen = Path(__file__).with_name("seen")
    first = not seen.exists()
    seen.touch()
    assert not first, "it was | the first"
'''
ENDLESS = """
import os, time
from pathlib import Path

def test_endless():
    beside = Path(__file__).with_name("new")
    beside.write_text(str(os.getpid()))
    beside.rename(beside.with_name("pid"))
    time.sleep(600)
"""
INI = "[pytest]\naddopts = --import-mode=importlib -p xdist\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A suite with a test that fails in its first run; only the plugin that it needs is loaded."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (tmp_path / "pytest.ini").write_text(INI)
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "test_it.py").write_text(SHAKY)
    return tmp_path


def run(*failed: str, passed: int = 3, quarantined: tuple[str, ...] = (), took_s: float = 100.0) -> Run:
    """One run, made up."""
    return Run(
        "0123456789ab",
        "2026-11-23 16:00",
        took_s,
        2,
        passed,
        0,
        {test: f"AssertionError: {test} is | <off>" for test in failed},
        dict.fromkeys(quarantined, "quarantined: known"),
    )


def test_a_flake_is_found_in_several_sittings(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The runs add up over two commands; the first failure's line names the cause, and the command fails."""
    state, written = project / "kept" / "repeat.json", project / "page.md"
    common = ["-n", "0", "--state", str(state), "--page", str(written)]

    assert main(["--runs", "1", *common, "--", "suite"], project) == 1
    first = capsys.readouterr().out
    assert main(["--runs", "3", *common, "--", "suite"], project) == 1
    second = capsys.readouterr().out

    assert first.startswith("run 1/1: 1 passed, 1 failed, ")
    assert "BROKEN suite/test_it.py::test_shaky: failed in 1 of 1 runs" in first
    assert [line.split(":")[0] for line in second.splitlines()[:2]] == ["run 2/3", "run 3/3"]
    assert "FLAKY suite/test_it.py::test_shaky: failed in 1 of 3 runs, first: AssertionError: it was |" in second
    assert len(load(state)) == 3
    assert "| `suite/test_it.py::test_shaky` | 1 of 3 | 1 | AssertionError: it was \\| the first" in written.read_text()


def test_nothing_is_run_that_was_run_before(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As many runs as were asked for are there: they are told of, and none is made."""
    save([run(), run()], project / "repeat.json")

    assert main(["--runs", "2", "--state", str(project / "repeat.json")], project / "nowhere") == 0
    assert capsys.readouterr().out == "nothing failed in 2 runs\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["TERM", "KILL"])
def test_a_run_ends_with_the_command(project: Path, number: signal.Signals) -> None:
    """Nobody is left running tests when the command is ended in the middle of a run."""
    (project / "suite" / "test_it.py").write_text(ENDLESS)
    command = [sys.executable, "-m", "e2e.repeat", "-n", "0", "--state", str(project / "state"), "--", str(project)]
    with subprocess.Popen(command, cwd=repeat.ROOT) as running:  # noqa: S603 - our own command
        until((project / "suite" / "pid").exists, "the suite runs")
        suite = int((project / "suite" / "pid").read_text())
        running.send_signal(number)
    until(lambda: is_gone(suite), "the suite has ended, too")


def test_a_run_says_what_became_of_each_test(project: Path) -> None:
    """Errors fail, skipped tests are counted, what is quarantined is neither."""
    body = """
import pytest

@pytest.fixture
def broken(): raise OSError("no browser")

@pytest.fixture
def untidy():
    yield
    raise OSError("left open")

def test_cannot_begin(broken): pass
def test_cannot_end(untidy): assert False
def test_passes(): pass
@pytest.mark.skip(reason="not here")
def test_is_skipped(): pass
@pytest.mark.xfail(reason="quarantined: it is known")
def test_is_quarantined(): assert False

class TestIt:
    def test_within(self): assert False
"""
    (project / "suite" / "test_it.py").write_text(body)

    found = made(["suite"], 0, project)

    assert (found.passed, found.skipped) == (1, 1)
    assert set(found.failed) == {
        f"suite/test_it.py::{name}" for name in ("test_cannot_begin", "test_cannot_end", "TestIt::test_within")
    }
    assert "no browser" in found.failed["suite/test_it.py::test_cannot_begin"]
    assert found.quarantined == {"suite/test_it.py::test_is_quarantined": "quarantined: it is known"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["nowhere"], "pytest exited with 4"), (["suite", "-k", "nothing"], "pytest exited with 5")],
    ids=["no such folder", "no tests"],
)
def test_a_run_that_was_none_ends_the_command(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    """It is not counted, and pytest's last words are shown."""
    state = project / "repeat.json"

    assert main(["--runs", "2", "-n", "0", "--state", str(state), "--", *arguments], project) == 2
    assert said in capsys.readouterr().out
    assert not state.exists()


@pytest.mark.parametrize("text", ["", "[]", '{"runs": [{}]}', '{"runs": 1}'])
def test_a_state_of_somebody_elses_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Nothing is run, and nothing is overwritten."""
    state = tmp_path / "repeat.json"
    state.write_text(text)

    assert main(["--state", str(state)], tmp_path) == 2
    assert "not written by this command" in capsys.readouterr().out
    assert state.read_text() == text


def test_what_failed_most_comes_first() -> None:
    """What failed every time is broken, not flaky; each keeps its first failure's words."""
    found = flakes([run("b"), run("a", "b"), run("b", "c"), run("b")])

    assert [(each.test, list(each.failed_runs), each.is_broken) for each in found] == [
        ("b", [1, 2, 3, 4], True),
        ("a", [2], False),
        ("c", [3], False),
    ]
    assert found[1].reason == "AssertionError: a is | <off>"


def test_the_page_tells_all_runs() -> None:
    """How many, how long, what failed, and each with its revision; no cell is broken by what stands in it."""
    text = page([run(took_s=100.0), run("a", took_s=140.0), run(took_s=110.0)])

    assert "3 runs, 9 tests passed, 1 failed\n(100 s to 140 s, median 110 s a run)." in text
    assert "| `a` | 1 of 3 | 2 | AssertionError: a is \\| &lt;off> |" in text
    assert text.count("| `0123456789ab` |") == 3
    assert "Nothing failed in any run." in page([run()])


def test_a_quarantined_test_that_does_not_fail_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From twenty runs on the command fails for it; before, nobody knows."""
    entries = [_entry("steady"), _entry("shaky")]
    runs = [run(quarantined=("test_it.py::test_shaky[chromium]",)), *[run()] * 19]
    monkeypatch.setattr(repeat, "_entries", lambda: tuple(entries))
    save(runs, tmp_path / "repeat.json")

    assert idle(runs[:19], entries) == []
    assert main(["--state", str(tmp_path / "repeat.json")], tmp_path) == 1
    told = capsys.readouterr().out
    assert "QUARANTINED test_it.py::test_steady: passed in all of 20 runs" in told
    assert "shaky" not in told


def _entry(name: str) -> Entry:
    days = datetime.date(2026, 11, 1), datetime.date(2026, 11, 20)
    reason = "a set decides the order"
    return Entry(test=f"test_it.py::test_{name}", reason=reason, owner="page team", since=days[0], until=days[1])


def test_runs_are_kept_as_they_were(tmp_path: Path) -> None:
    """What is read again is what was written."""
    runs = [run("a", quarantined=("b",)), run()]
    save(runs, tmp_path / "a" / "repeat.json")

    assert load(tmp_path / "a" / "repeat.json") == runs
    assert json.loads((tmp_path / "a" / "repeat.json").read_text())["runs"][0]["failed"] == runs[0].failed
