"""The browser suite many times over, to see what does not fail every time.

    python -m e2e.repeat --runs 20                       # a line a run, then what failed, and how often
    python -m e2e.repeat --runs 5 -n 1 -- e2e/stories/test_tabs.py -k reload

What was found is kept in `--state` after each run and read again at the start, so that twenty runs may be made in
several sittings: `--runs` says how many there are to be in all. Each is noted with its revision; another revision is
another suite, so a change is followed by a new state. `--page` writes it all as Markdown.

Exit status: 0 when nothing failed in any run, 1 when something did or a test is in quarantine that never fails (told
from twenty runs on), 2 when a run could not be made. There are no retries in here: a retry hides a defect.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import statistics
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from e2e import quarantine
from e2e.cases import MAX_REASON_CHARS
from e2e.program import Process
from e2e.revision import is_changed, revision

ROOT = Path(__file__).parents[1]
STORIES = "e2e/stories"
ENOUGH_RUNS = 20
"""From so many on, a quarantined test that never failed is told."""

_TESTS_RAN = (0, 1)
"""Exit statuses of pytest after a run to the end."""


class RepeatError(Exception):
    """A run that could not be made, or a state that cannot be read."""


@dataclass(frozen=True, slots=True)
class Run:
    """What became of one run.

    revision: of the checkout; a plus says that it was changed.   began: UTC.   failed, quarantined: reason by test.
    """

    revision: str
    began: str
    took_s: float
    workers: int
    passed: int
    skipped: int
    failed: Mapping[str, str]
    quarantined: Mapping[str, str]

    @property
    def line(self) -> str:
        """It in a few words."""
        words = f"{self.passed} passed, {len(self.failed)} failed"
        words += f", {len(self.quarantined)} quarantined" if self.quarantined else ""
        words += f", {self.skipped} skipped" if self.skipped else ""
        return f"{words}, {self.took_s:.1f} s"


@dataclass(frozen=True, slots=True)
class Flake:
    """A test that failed. It is flaky if it did not fail every time, else broken."""

    test: str
    failed_runs: Sequence[int]
    runs: int
    reason: str

    @property
    def is_broken(self) -> bool:
        """Whether it failed in every run."""
        return len(self.failed_runs) == self.runs


def flakes(runs: Sequence[Run]) -> list[Flake]:
    """Every test that failed in some run, the most frequent first."""
    failed: dict[str, list[int]] = {}
    for number, run in enumerate(runs, 1):
        for test in run.failed:
            failed.setdefault(test, []).append(number)
    found = [Flake(test, which, len(runs), runs[which[0] - 1].failed[test]) for test, which in failed.items()]
    return sorted(found, key=lambda each: (-len(each.failed_runs), each.test))


def page(runs: Sequence[Run]) -> str:
    """The runs as Markdown."""
    return "\n".join((*_heading(runs), *_flakes(flakes(runs)), *_runs(runs)))


def _heading(runs: Sequence[Run]) -> Iterator[str]:
    took = [run.took_s for run in runs]
    yield "# The browser suite, repeated\n"
    yield "Written by `python -m e2e.repeat`. No test was retried within a run.\n"
    counted = f"{len(runs)} {'run' if len(runs) == 1 else 'runs'}"
    times = f"{min(took):.0f} s to {max(took):.0f} s, median {statistics.median(took):.0f} s" if took else "no time"
    yield f"{counted}, {sum(run.passed for run in runs):,} tests passed, {sum(len(run.failed) for run in runs)} failed"
    yield f"({times} a run).\n"


def _flakes(found: Sequence[Flake]) -> Iterator[str]:
    if not found:
        yield "Nothing failed in any run.\n"
        return
    yield "| Test | Failed in | Runs | First failure |\n|---|---|---|---|"
    for each in found:
        share = f"{len(each.failed_runs)} of {each.runs}{', broken' if each.is_broken else ''}"
        yield f"| `{_cell(each.test)}` | {share} | {_listed(each.failed_runs)} | {_cell(each.reason)} |"
    yield ""


def _runs(runs: Sequence[Run]) -> Iterator[str]:
    yield "| Run | Began (UTC) | Revision | Workers | Passed | Failed | Quarantined | Seconds |"
    yield "|---|---|---|---|---|---|---|---|"
    for number, run in enumerate(runs, 1):
        counts = f"{run.workers} | {run.passed} | {len(run.failed)} | {len(run.quarantined)} | {run.took_s:.1f}"
        yield f"| {number} | {run.began} | `{run.revision}` | {counts} |"
    yield ""


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("`", "'").replace("<", "&lt;")


# --- making runs


def made(arguments: Sequence[str], workers: int, root: Path = ROOT) -> Run:
    """One run.   arguments: for pytest.   Raises: RepeatError when it did not come to its end."""
    with tempfile.TemporaryDirectory(prefix="cortex-harness-") as folder:
        results, log = Path(folder) / "junit.xml", Path(folder) / "log"
        options = ["-q", "-n", str(workers), "-p", "no:cacheprovider", f"--junitxml={results}"]
        command = [sys.executable, "-m", "pytest", *options, *arguments]
        began, began_s = datetime.datetime.now(datetime.UTC), time.monotonic()
        with Process("suite", command, log, environment=os.environ, folder=root) as suite:  # it ends with us
            status = suite.wait()
        took_s = time.monotonic() - began_s
        if status not in _TESTS_RAN:
            raise RepeatError(f"pytest exited with {status}:\n{suite.last_words()}")
        outcomes = read(results, root)
    return Run(
        revision=f"{revision(root)[:12]}{'+' if is_changed(root) else ''}",
        began=f"{began:%Y-%m-%d %H:%M}",
        took_s=round(took_s, 1),
        workers=workers,
        passed=sum(each == ("passed", "") for each in outcomes.values()),
        skipped=sum(kind == "skipped" for kind, _ in outcomes.values()),
        failed={test: reason for test, (kind, reason) in outcomes.items() if kind == "failed"},
        quarantined={test: reason for test, (kind, reason) in outcomes.items() if kind == "quarantined"},
    )


def read(results: Path, root: Path = ROOT) -> dict[str, tuple[str, str]]:
    """Outcome (passed, failed, quarantined or skipped) and reason of each test of a JUnit file."""
    found: dict[str, tuple[str, str]] = {}
    for case in ET.parse(results).iter("testcase"):  # noqa: S314 - pytest wrote it a moment ago
        test = _nodeid(case.get("classname", ""), case.get("name", ""), root)
        found[test] = max(found.get(test, ("", "")), _outcome(case), key=lambda each: _SEVERITY.index(each[0]))
    return found


_SEVERITY = ("", "passed", "skipped", "quarantined", "failed")


def _outcome(case: ET.Element) -> tuple[str, str]:
    for bad in ("failure", "error"):
        if (element := case.find(bad)) is not None:
            return "failed", next(iter(element.get("message", "").splitlines()), "")[:MAX_REASON_CHARS]
    if (element := case.find("skipped")) is not None:
        message = element.get("message", "")
        return ("quarantined" if message.startswith("quarantined: ") else "skipped"), message[:MAX_REASON_CHARS]
    return "passed", ""


def _nodeid(classname: str, name: str, root: Path) -> str:
    """A test as pytest calls it; JUnit has dots for the folders."""
    parts = classname.split(".")
    for count in range(len(parts), 0, -1):
        path = Path(*parts[:count]).with_suffix(".py")
        if (root / path).is_file():
            return "::".join((path.as_posix(), *parts[count:], name))
    return f"{classname}::{name}"


# --- the command


def load(state: Path) -> list[Run]:
    """The runs that were made before.   Raises: RepeatError."""
    if not state.exists():
        return []
    try:
        return [Run(**each) for each in json.loads(state.read_text(encoding="utf-8"))["runs"]]
    except (ValueError, TypeError, KeyError) as error:
        raise RepeatError(f"--state {state}: not written by this command ({error})") from error


def save(runs: Sequence[Run], state: Path) -> None:
    """Keep the runs."""
    state.parent.mkdir(parents=True, exist_ok=True)
    beside = state.with_name(f"{state.name}.new")
    beside.write_text(json.dumps({"runs": [asdict(run) for run in runs]}, indent=1) + "\n", encoding="utf-8")
    beside.replace(state)  # whole or not at all: a sitting may end at any moment


def idle(runs: Sequence[Run], entries: Iterable[quarantine.Entry]) -> list[str]:
    """Quarantined tests that did not fail in enough runs."""
    if len(runs) < ENOUGH_RUNS:
        return []
    failures = Counter(test for run in runs for test in (*run.failed, *run.quarantined))
    return list(quarantine.never_failed(entries, failures, len(runs)))


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Make the runs that are missing, and say what they found; the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        runs = load(asked.state)
        for number in range(len(runs) + 1, asked.runs + 1):
            runs.append(made(asked.arguments or [STORIES], asked.workers, root))
            save(runs, asked.state)
            _say(f"run {number}/{asked.runs}: {runs[-1].line}")
    except RepeatError as error:
        _say(str(error))
        return 2
    return _told(runs, asked.page)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m e2e.repeat", description="Run the stories again and again.")
    parser.add_argument("--runs", type=int, default=ENOUGH_RUNS, help="how many there are to be in all [%(default)s]")
    parser.add_argument("-n", "--workers", type=int, default=2, help="processes of a run [%(default)s]")
    state = Path(".cortex-harness/repeat.json")
    parser.add_argument("--state", type=Path, default=state, help="where the runs are kept [%(default)s]")
    parser.add_argument("--page", type=Path, help="write them as Markdown there")
    parser.add_argument("arguments", nargs="*", help=f"for pytest, after -- [{STORIES}]")
    return parser


def _told(runs: Sequence[Run], path: Path | None) -> int:
    found, unneeded = flakes(runs), idle(runs, _entries())
    for each in found:
        kind = "BROKEN" if each.is_broken else "FLAKY"
        _say(f"{kind} {each.test}: failed in {len(each.failed_runs)} of {each.runs} runs, first: {each.reason}")
    for line in unneeded:
        _say(f"QUARANTINED {line}")
    if not found:
        _say(f"nothing failed in {len(runs)} runs")
    if path is not None:
        path.write_text(page(runs), encoding="utf-8")
    return 1 if found or unneeded else 0


def _entries() -> tuple[quarantine.Entry, ...]:
    return quarantine.read(quarantine.LIST.read_text(encoding="utf-8"), quarantine.LIST.name)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
