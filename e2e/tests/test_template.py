"""The template for other frontends, as a team has it: copied, and played in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.page import Chat, ChatPage
from e2e.stack import NO_RATES, Stack, running

pytest_plugins = ["pytester"]

TEMPLATE = Path(__file__).parents[1] / "template"
PLUGINS = ("-p", "pytest_playwright.pytest_playwright", "-p", "pytest_cortex_mock", "-p", "no:cacheprovider")
STORIES = 6


@pytest.fixture
def copied(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A team's folder."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    shutil.copytree(TEMPLATE, pytester.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return pytester


@pytest.fixture(scope="module")
def theirs() -> Iterator[Stack]:
    """Somebody's stack with somebody's page."""
    environment = {**NO_RATES, "CORTEX_PROXY_PAGE_DIR": str(TEMPLATE / "page")}
    with running(pace=0.0, proxy_environment=environment) as started:
        yield started


def test_the_reference_page_offers_what_stories_need() -> None:
    """`Chat` is a `ChatPage`: mypy sees it here, and that every name is there is seen when this runs."""
    offered: type[ChatPage] = Chat
    roles = {name for name in vars(ChatPage) if not name.startswith("_")}
    assert roles <= {*dir(offered), *Chat.__dataclass_fields__}
    assert len(roles) == 10


def test_another_page_plays_the_stories(copied: pytest.Pytester) -> None:
    """A page with other words and another layout plays on a stack of its own, telemetry and all."""
    result = copied.runpytest_subprocess(*PLUGINS)
    result.assert_outcomes(passed=STORIES)
    result.stdout.no_fnmatch_line("*passed without*")


def test_another_page_plays_them_on_a_target(copied: pytest.Pytester, theirs: Stack) -> None:
    """On a target that somebody else started, the page plays the same stories; its telemetry is not asked for."""
    result = copied.runpytest_subprocess(*PLUGINS, "--target", theirs.proxy_url, "--mock", theirs.mock_url)
    result.assert_outcomes(passed=STORIES)
    result.stdout.fnmatch_lines(["1 passed without telemetry, which the target does not tell"])


def test_a_page_that_tells_no_problem_is_caught(copied: pytest.Pytester) -> None:
    """A page that swallows what went wrong breaks the promise that it tells it."""
    script = copied.path / "page" / "app.js"
    script.write_text(script.read_text(encoding="utf-8").replace('"role", "alert"', '"role", "none"'), encoding="utf-8")
    result = copied.runpytest_subprocess(*PLUGINS, "-k", "problem and refused")
    result.assert_outcomes(failed=1, deselected=STORIES - 1)
    result.stdout.fnmatch_lines(
        ["promise    What went wrong is told by its type, where a reader looks for it, and passes."]
    )
