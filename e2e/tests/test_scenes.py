"""Every scenario is on a stage: a story plays it in a browser."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from e2e.plugin import TWIN
from e2e.scenes import SCENARIOS, attempts_of, lines_of, moves_of, request_of
from mocks.scenario import Scenario

STORIES = Path(__file__).parents[1] / "stories"
CASE = re.compile(r"^(?P<story>\S+::\w+)\[(?P<values>.*)\]$", re.MULTILINE)


def collected(folder: Path) -> str:
    """The ids of all stories in a folder, a line each."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", str(folder)]
    chosen = (TWIN, "PYTEST_ADDOPTS")  # what somebody chose for this run is no choice of stories
    environment = {name: value for name, value in os.environ.items() if not name.startswith(chosen)}
    done = subprocess.run(  # noqa: S603 - our own
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"the stories cannot be collected:\n{done.stdout}{done.stderr}"
    return done.stdout


def played(ids: str, sources: Iterable[str]) -> Iterator[str]:
    """The scenarios that stories name: as a parameter's value, and in the calls that choose one."""
    for case in CASE.finditer(ids):
        yield from case["values"].split("-")
    for source in sources:
        for call in (each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.Call)):
            if isinstance(call.func, ast.Attribute) and call.func.attr in ("under", "select_option"):
                yield from (str(each.value) for each in call.args if isinstance(each, ast.Constant))


def unplayed(catalogue: Iterable[str], ids: str, sources: Iterable[str]) -> list[str]:
    """The scenarios of the catalogue that no story plays."""
    return sorted({*catalogue} - {*played(ids, sources)})


def test_every_scenario_is_played_by_a_story() -> None:
    """A new scenario file without a story fails here, and is named."""
    sources = [path.read_text(encoding="utf-8") for path in STORIES.glob("test_*.py")]
    assert unplayed(SCENARIOS, collected(STORIES), sources) == []


def test_a_scenario_that_no_story_plays_is_named() -> None:
    """A parameter's value counts, and a name in a call that chooses; a name elsewhere does not."""
    ids = "e2e/stories/test_a.py::test_x[chromium-slow_start]\ne2e/stories/test_a.py::test_throttled\n"
    source = (
        'def test_throttled(story):\n    """throttled"""\n    story.under("trickle")\n    story.pace("tiny_chunks")\n'
    )
    catalogue = ["slow_start", "throttled", "trickle", "tiny_chunks"]
    assert unplayed(catalogue, ids, [source]) == ["throttled", "tiny_chunks"]


@pytest.mark.parametrize(
    ("name", "request_says", "attempts", "lines"),
    [
        (
            "cut_mid_stream",
            {
                "http.response.status_code": 200,
                "cortex.problem": "upstream-truncated",
                "cortex.stream.end_reason": "upstream_truncated",
                "error.type": "upstream_truncated",
                "span status": "error",
            },
            ["attempt 0: ok; the mock played cut_mid_stream with cut"],
            {
                "request": {"status": 200, "problem": None, "retries": None},
                "stream ended": {"reason": "upstream_truncated", "problem": "upstream-truncated"},
            },
        ),
        (
            "unavailable_then_served",
            {"http.response.status_code": 200, "cortex.stream.end_reason": "completed", "span status": "unset"},
            [
                "attempt 0: unavailable; the mock played unavailable_then_served with respond",
                "attempt 1: ok; the mock played unavailable_then_served with no fault",
            ],
            {
                "request": {"status": 200, "problem": None, "retries": 1},
                "stream ended": {"reason": "completed", "problem": None},
            },
        ),
        (
            "throttled_with_advice",
            {"http.response.status_code": 429, "cortex.problem": "upstream-throttled", "span status": "unset"},
            ["attempt 0: throttled; the mock played throttled_with_advice with respond"],
            {"request": {"status": 429, "problem": "upstream-throttled", "retries": None}},
        ),
    ],
    ids=["breaks off", "tried again", "refused"],
)
def test_what_follows_from_a_scenario(name: str, request_says: object, attempts: list[str], lines: object) -> None:
    """The span of the request, the attempts and the log lines follow from what the file promises its client."""
    scenario = SCENARIOS[name]
    assert request_of(scenario) == request_says
    assert attempts_of(scenario) == attempts
    assert lines_of(scenario) == lines


def test_counters_that_a_scenario_does_not_name_stay_still() -> None:
    """A scenario that names one reason of an end promises that no stream ended otherwise, and that none was retried."""
    moves = moves_of(SCENARIOS["cut_mid_stream"])
    assert moves == {
        "cortex_proxy_stream_end_total": [{"reason": "upstream_truncated", "delta": 1}, {"delta": 1}],
        "cortex_proxy_upstream_retries_total": [{"delta": 0}],
        "cortex_proxy_retry_budget_denied_total": [{"delta": 0}],
    }


def test_every_problem_of_a_stream_is_an_end_of_streams() -> None:
    """So that what follows can be derived at all, for every scenario of the catalogue."""

    def derived(scenario: Scenario) -> bool:
        return bool(request_of(scenario) and attempts_of(scenario) and lines_of(scenario) and moves_of(scenario))

    assert all(derived(each) for each in SCENARIOS.values())
