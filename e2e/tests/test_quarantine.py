"""Failures that are told and fail nothing, and a list of them that only shrinks."""

from __future__ import annotations

import datetime
import subprocess
from pathlib import Path

import pytest

from e2e import quarantine
from e2e.quarantine import MAX_DAYS, Entry, QuarantineError

pytest_plugins = ["pytester"]

TODAY = datetime.date(2026, 11, 23)
TEST = "test_it.py::test_it"


def entry(test: str = TEST, *, since: int = -5, until: int = 5, date: datetime.date = TODAY) -> Entry:
    """An entry.   since, until: days from the date."""
    days = [date + datetime.timedelta(days=each) for each in (since, until)]
    return Entry(test=test, reason="a set decides the order", owner="page team", since=days[0], until=days[1])


def text(*entries: Entry) -> str:
    """A list as a file."""
    lines = [f"- {each.model_dump_json()}\n" for each in entries]
    return "".join(lines) or "[]\n"


def write(folder: Path, *entries: Entry) -> Path:
    """A list in a folder."""
    path = folder / "quarantine.yaml"
    path.write_text(text(*entries), encoding="utf-8")
    return path


# --- while tests run


def test_a_listed_failure_is_told_and_fails_nothing(suite: pytest.Pytester) -> None:
    """It has an outcome of its own, with the reason and the failure's first line."""
    path = write(suite.path, entry(date=quarantine.today()))
    suite.makepyfile(test_it="def test_it(): assert 1 == 2\ndef test_other(): pass\n")

    result = suite.runpytest_inprocess("--quarantine", str(path))

    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "*quarantined failures*",
            f"QUARANTINED {TEST} - *assert 1 == 2",
            "  a set decides the order (page team, until *)",
            "*1 passed, 1 quarantined*",
        ]
    )


def test_workers_keep_the_same_list(suite: pytest.Pytester) -> None:
    """With xdist, too, the run passes and says what failed."""
    path = write(suite.path, entry(date=quarantine.today()))
    suite.makepyfile(test_it="def test_it(): assert 1 == 2\n")

    result = suite.runpytest_inprocess("-p", "xdist", "-n", "1", "--quarantine", str(path))

    assert result.ret == 0
    result.stdout.fnmatch_lines([f"QUARANTINED {TEST} - *assert 1 == 2", "*1 quarantined*"])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("def test_it(): pass", {"passed": 1}),
        ("import pytest\n@pytest.mark.parametrize('n', [1])\ndef test_it(n): assert False", {}),
        ("import pytest\n@pytest.fixture\ndef broken(): raise OSError\ndef test_it(broken): pass", {}),
        ("def test_it_too(): assert False", {"failed": 1}),
    ],
    ids=["a pass is a pass", "all parameters are meant", "set-up fails, too", "another test is not meant"],
)
def test_only_failures_of_the_listed_test_are_meant(
    suite: pytest.Pytester, body: str, expected: dict[str, int]
) -> None:
    """Nothing else becomes green."""
    path = write(suite.path, entry(date=quarantine.today()))
    suite.makepyfile(test_it=body)

    result = suite.runpytest_inprocess("--quarantine", str(path))

    assert {"passed": 0, "failed": 0, **expected} == {
        name: result.parseoutcomes().get(name, 0) for name in ("passed", "failed")
    }
    assert result.ret == (1 if "failed" in expected else 0)


def test_a_date_that_has_passed_ends_it(suite: pytest.Pytester) -> None:
    """From the next day on the test fails the run, without anybody's doing."""
    path = write(suite.path, entry(since=-9, until=-1, date=quarantine.today()))
    suite.makepyfile(test_it="def test_it(): assert False\n")

    suite.runpytest_inprocess("--quarantine", str(path)).assert_outcomes(failed=1)


def test_junit_tells_it_as_an_expected_failure(suite: pytest.Pytester) -> None:
    """Whoever reads JUnit XML sees the reason, and no failure."""
    path = write(suite.path, entry(date=quarantine.today()))
    suite.makepyfile(test_it="def test_it(): assert False\n")

    suite.runpytest_inprocess("--quarantine", str(path), "--junitxml", "junit.xml")

    found = (suite.path / "junit.xml").read_text(encoding="utf-8")
    assert 'failures="0" skipped="1"' in found
    assert 'message="quarantined: a set decides the order' in found


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("- test: nothing\n", "string_pattern_mismatch"),
        (f"- test: {TEST}\n  reason: none\n  owner: x\n  since: 2026-11-01\n  until: soon\n", "until"),
        (text(entry()).replace('"owner"', '"holder"'), "holder"),
        ("- [", "expected"),
    ],
    ids=["no test", "bad values", "unknown key", "no YAML"],
)
def test_a_list_that_cannot_be_read_stops_the_run(suite: pytest.Pytester, written: str, said: str) -> None:
    """The file and what is wrong are named before any test runs."""
    (suite.path / "list.yaml").write_text(written, encoding="utf-8")
    suite.makepyfile(test_it="def test_it(): pass\n")

    result = suite.runpytest_inprocess("--quarantine", "list.yaml")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "--quarantine: list.yaml" in result.stderr.str()
    assert said in result.stderr.str() or "should match pattern" in result.stderr.str()


# --- the list itself


def test_our_own_list_is_in_order() -> None:
    """What `python -m e2e.quarantine` checks holds for the list that is committed."""
    assert quarantine.main() == 0


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        (entry(), None),
        (entry("test_it.py::TestIt::test_it[a]"), None),
        (entry(since=0, until=MAX_DAYS), None),
        (entry("test_it.py::test_gone"), "there is no such test"),
        (entry("test_gone.py::test_it"), "there is no such test"),
        (entry("test_it.py::TestIt::test_gone"), "there is no such test"),
        (entry(since=-10, until=-1), "its date has passed"),
        (entry(since=1), "begins in the future"),
        (entry(since=0, until=MAX_DAYS + 1), "30 days at most"),
    ],
    ids=["good", "in a class", "longest", "no test", "no file", "no method", "too late", "too early", "too long"],
)
def test_an_entry_has_a_test_and_a_near_end(tmp_path: Path, listed: Entry, said: str | None) -> None:
    """Everything else is a fault that says what to do."""
    (tmp_path / "test_it.py").write_text("class TestIt:\n    def test_it(self): pass\ndef test_it(): pass\n")

    found = list(quarantine.faults([listed], TODAY, tmp_path))

    assert [said is not None and said in each for each in found] == [True] * (said is not None)


def test_a_quarantined_test_that_never_fails_is_told() -> None:
    """Runs enough without a failure say that it has been repaired."""
    steady, shaky = entry("test_it.py::test_steady"), entry("test_it.py::test_shaky")

    found = list(quarantine.never_failed([steady, shaky], {"test_it.py::test_shaky[chromium]": 1}, 20))

    assert found == ["test_it.py::test_steady: passed in all of 20 runs; take it off the list"]


# --- its growth


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A git checkout with an empty list."""
    git(tmp_path, "init", "-q", "-b", "main")
    commit(tmp_path, "begin")
    return tmp_path


def git(folder: Path, *words: str) -> None:
    """Ask git."""
    named = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *named, *words], check=True, capture_output=True)  # noqa: S603, S607


def commit(folder: Path, message: str, *entries: Entry) -> None:
    """Commit a list."""
    write(folder, *entries)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)


def growth(folder: Path, *entries: Entry) -> list[str]:
    """What is wrong with the list as it is in the folder."""
    return list(quarantine.growth_faults(entries, write(folder, *entries)))


SAID = "e2e: let one fail\n\nQuarantine: the release is today, the repair is under way"


def test_an_empty_list_needs_no_history(tmp_path: Path) -> None:
    """Neither a checkout nor git."""
    assert growth(tmp_path) == []


def test_an_entry_needs_a_commit_that_says_so(checkout: Path) -> None:
    """Silently brought, it is a fault for as long as it is there; taken off, nothing is wrong."""
    commit(checkout, "e2e: tidy up", entry())
    commit(checkout, "another", entry())

    assert "without a line 'Quarantine: <why>'" in growth(checkout, entry())[0]
    assert growth(checkout) == []


def test_an_entry_that_was_announced_is_in_order(checkout: Path) -> None:
    """Also when later commits, and the branch of somebody else, do not speak of it."""
    commit(checkout, SAID, entry())
    git(checkout, "checkout", "-q", "-b", "branch")
    commit(checkout, "e2e: bring another, silently", entry(), entry("test_it.py::test_other"))
    commit(checkout, "e2e: take it off again", entry())
    git(checkout, "checkout", "-q", "main")
    git(checkout, "merge", "-q", "--no-ff", "-m", "merge", "branch")

    assert growth(checkout, entry()) == []


@pytest.mark.parametrize(
    "changed",
    [entry(until=6), entry("test_it.py::test_other")],
    ids=["a later date", "another test"],
)
def test_a_changed_entry_is_another(checkout: Path, changed: Entry) -> None:
    """A prolongation is a growth: it needs a commit that says so."""
    commit(checkout, SAID, entry())
    commit(checkout, "e2e: change it", changed)

    assert "without a line" in growth(checkout, changed)[0]


def test_an_entry_that_is_not_committed_is_a_fault(checkout: Path) -> None:
    """A file that was changed for one run does not pass for a decision."""
    assert "is not committed" in growth(checkout, entry())[0]


@pytest.mark.parametrize("message", ["Quarantine:", "e2e: x\n\nquarantine this", "e2e: x\n\n Quarantine: x"])
def test_the_line_gives_a_reason(checkout: Path, message: str) -> None:
    """The word alone, or in a sentence, is not enough."""
    commit(checkout, message, entry())

    assert "without a line" in growth(checkout, entry())[0]


def test_a_shallow_clone_cannot_vouch_for_an_entry(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where the history is cut off, an entry is a fault that says how to get the rest; with the rest it is none."""
    commit(checkout, SAID, entry())
    commit(checkout, "another", entry())
    clone = tmp_path_factory.mktemp("clone") / "it"
    git(checkout, "clone", "-q", "--depth", "1", f"file://{checkout}", str(clone))

    assert "git fetch --unshallow" in growth(clone, entry())[0]
    git(clone, "fetch", "-q", "--unshallow")
    assert growth(clone, entry()) == []


def test_what_is_wrong_is_printed(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command says every fault, and fails; of a list in order it says how long it is."""
    assert quarantine.main(write(checkout, entry()), checkout) == 1
    told = capsys.readouterr().out
    assert "there is no such test" in told
    assert "is not committed" in told
    assert quarantine.main(write(checkout), checkout) == 0
    assert capsys.readouterr().out == "0 in quarantine\n"


def test_a_list_is_read_with_its_name() -> None:
    """The message of an unreadable list begins with where it is."""
    with pytest.raises(QuarantineError, match=r"^here: "):
        quarantine.read("- {}", "here")
