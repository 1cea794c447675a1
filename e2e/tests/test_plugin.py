"""The stories' plugin: which of them play where, and what a run says of it. Runs of pytest in a run of pytest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e import keys
from e2e.stack import NO_RATES, Child, Stack, proxy_settings, running
from e2e.tests.faulty import Reply, edited, gateway

pytest_plugins = ["pytester"]

CONFTEST = "from e2e.plugin import *\n"
INI = "[pytest]\naddopts = -p no:cacheprovider\nfilterwarnings = error\n"
PLUGINS = ("-p", "pytest_playwright.pytest_playwright", "-p", "pytest_cortex_mock", "-p", "xdist")

STORIES = '''
import pytest

@pytest.mark.anywhere
def test_anywhere(stage):
    """It plays on every target."""
    assert stage.page_url.startswith("http://127.0.0.1:")

@pytest.mark.rehearsal
def test_rehearsal(stage):
    """It plays in front of a mock."""
    assert stage.mode in ("local", "rehearsal")

@pytest.mark.rehearsal
@pytest.mark.parametrize("scenario", ["throttled", "ends_early"])
def test_scenario(stage, scenario):
    """It is about a scenario."""

@pytest.mark.rehearsal
@pytest.mark.scenario("throttled")
def test_throttled(stage):
    """It is about a scenario, too."""

def test_own(stage):
    """It needs a stack of our own."""
    assert stage.is_local
'''


@pytest.fixture
def stories(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder of stories that need no browser."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name in ("TARGET", "SCENARIO", "MOCK", "OTLP_PORT", "TRACE_URL"):
        monkeypatch.delenv(f"CORTEX_HARNESS_{name}", raising=False)
    pytester.makeini(INI)
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(STORIES)
    return pytester


def ran(stories: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """What a run says."""
    return stories.runpytest_subprocess(*PLUGINS, *arguments)


@pytest.fixture(scope="module")
def rehearsal() -> Iterator[Stack]:
    """Somebody's stack, as `up` starts it."""
    with running(pace=0.0, proxy_environment=NO_RATES) as started:
        yield started


@pytest.fixture(scope="module")
def live_url(rehearsal: Stack) -> Iterator[str]:
    """A proxy that is set up for Snowflake itself. Nothing is asked of it but what it is."""
    environment = {
        **proxy_settings(rehearsal.mock_url, keys.ensure(rehearsal.log_dir)),
        "CORTEX_PROXY_SNOWFLAKE_URL": "https://myorg-bench.snowflakecomputing.com",
    }
    log = rehearsal.log_dir / "live.log"
    proxy = Child("proxy", ["proxy", "--host", "127.0.0.1", "--port", "0"], environment, log)
    try:
        yield proxy.url()
    finally:
        proxy.stop()


def test_everything_plays_on_a_stack_of_our_own(stories: pytest.Pytester) -> None:
    """Without a target nothing is left out, and nothing is said of it."""
    result = ran(stories)
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["stories: a stack of our own"])
    result.stdout.no_fnmatch_line("*deselected*")


def test_a_rehearsal_plays_what_needs_no_stack_of_our_own(stories: pytest.Pytester, rehearsal: Stack) -> None:
    """A target with a mock is known by its own word; what it cannot play is counted, with the reason."""
    result = ran(stories, "--target", rehearsal.proxy_url)
    result.assert_outcomes(passed=5, deselected=1)
    result.stdout.fnmatch_lines(
        [
            f"stories: {rehearsal.proxy_url} (rehearsal; version *, development)",
            "stories: not asserted: telemetry (--otlp-port)",
            f"1 deselected on {rehearsal.proxy_url}: it needs a stack of our own",
        ]
    )


def test_a_live_target_plays_what_plays_anywhere(stories: pytest.Pytester, live_url: str) -> None:
    """In front of Snowflake no story plays that needs a mock."""
    result = ran(stories, "--target", live_url)
    result.assert_outcomes(passed=1, deselected=5)
    result.stdout.fnmatch_lines(
        [
            f"stories: {live_url} (live; *)",
            f"4 deselected on {live_url}: it needs a mock behind the target",
            f"1 deselected on {live_url}: it needs a stack of our own",
        ]
    )


def test_the_reference_page_plays_on_a_live_target(stories: pytest.Pytester, rehearsal: Stack) -> None:
    """The page shows nothing to rehearse in front of a live agent, and the stories that play anywhere are played."""
    stories.makepyfile("from e2e.stories.test_any_page import *")
    with gateway(rehearsal.proxy_url) as (url, played):
        played.fault = says_live
        result = ran(stories, "--target", url)
    result.assert_outcomes(passed=2, deselected=3)
    result.stdout.fnmatch_lines([f"stories: {url} (live; *)", f"3 deselected on {url}: it needs a mock behind *"])


def says_live(asked: str, reply: Reply) -> Reply:
    """What a proxy in front of Snowflake says of itself; for the rest it is what it was."""
    says = edited("GET /status", lambda status: {**status, "mode": "live"})
    rehearses = edited("GET /rehearsal.json", lambda _: {"mode": "live"})
    return rehearses(asked, says(asked, reply))


def test_xdist_tells_once_what_its_workers_left_out(stories: pytest.Pytester, rehearsal: Stack) -> None:
    """Each worker leaves out the same stories; the count is that of one of them."""
    result = ran(stories, "--target", rehearsal.proxy_url, "-n", "2")
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines([f"1 deselected on {rehearsal.proxy_url}: it needs a stack of our own"])


def test_a_scenario_narrows_to_the_stories_about_it(stories: pytest.Pytester) -> None:
    """Stories name their scenario by a parameter or by a marker; several scenarios add up."""
    one = ran(stories, "--scenario", "throttled", "--collect-only", "-q")
    one.stdout.fnmatch_lines(["*::test_scenario[[]throttled[]]", "*::test_throttled", "*2/6 tests collected*"])
    two = ran(stories, "--scenario", "throttled", "--scenario", "ends_early", "--collect-only", "-q")
    two.stdout.fnmatch_lines(["*3/6 tests collected*"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(
            ["--scenario", "throtled"],
            "ERROR: --scenario throtled: the target local does not know it; did you mean 'throttled'?",
            id="misspelt-scenario",
        ),
        pytest.param(
            ["--target", "ftp://127.0.0.1/"],
            "ERROR: --target ftp://127.0.0.1/: it is neither 'local' nor a URL of http or https",
            id="no-url",
        ),
        pytest.param(
            ["--target", "http://127.0.0.1:9"],
            "ERROR: --target http://127.0.0.1:9: GET http://127.0.0.1:9/status was not answered: *; start it, *",
            id="nobody-there",
        ),
        pytest.param(
            ["--otlp-port", "4318", "-n", "2"],
            "ERROR: --otlp-port: one process takes a target's telemetry; run without -n",
            id="one-port-for-two",
        ),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(stories: pytest.Pytester, arguments: list[str], said: str) -> None:
    """Nothing runs; the message says what was asked, what was found and what to do."""
    result = ran(stories, *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])


def test_options_have_environment_twins(stories: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipeline sets the same by variables."""
    monkeypatch.setenv("CORTEX_HARNESS_SCENARIO", "throttled ends_early")
    ran(stories, "--collect-only", "-q").stdout.fnmatch_lines(["*3/6 tests collected*"])


def test_what_a_target_does_not_tell_is_passed_over_and_counted(stories: pytest.Pytester, rehearsal: Stack) -> None:
    """A story ends where it would ask for it; what it asserted before holds, and a failure before is a failure."""
    stories.makepyfile(
        '''
        import pytest

        pytestmark = pytest.mark.rehearsal

        def test_untold(stage):
            """It asks for telemetry, which nobody takes."""
            stage.telemetry().spans()
            raise AssertionError("never reached")

        def test_broken(stage):
            """It fails before it asks."""
            assert not stage.page_url
            stage.telemetry()

        def test_journal(stage, test_id):
            """It asks the mock."""
            assert stage.journal(test_id) == []
        '''
    )
    blind = ran(stories, "--target", rehearsal.proxy_url)
    blind.assert_outcomes(passed=2, failed=1)
    blind.stdout.fnmatch_lines(
        [
            "1 passed without telemetry, which the target does not tell",
            "1 passed without the mock's journal, which the target does not tell",
        ]
    )
    seeing = ran(stories, "--target", rehearsal.proxy_url, "--mock", rehearsal.mock_url, "-k", "journal")
    seeing.assert_outcomes(passed=1, deselected=2)
    seeing.stdout.no_fnmatch_line("*journal, which*")


def test_two_tests_at_once_do_not_disturb_each_other(stories: pytest.Pytester, rehearsal: Stack) -> None:
    """Two workers play one scenario with a quota on one target: each gets its own quota, and its own journal."""
    stories.makepyfile(
        '''
        import time
        from pathlib import Path

        import pytest
        from e2e.client_api import Client

        HERE = Path(__file__).parent

        @pytest.mark.rehearsal
        @pytest.mark.parametrize(("name", "other"), [("one", "two"), ("two", "one")])
        def test_quota(stage, test_id, name, other):
            """Three questions are answered, and the fourth is one too many."""
            client = Client.opened_at(stage.page_url)
            (HERE / name).touch()
            deadline_s = time.monotonic() + 20
            while not (HERE / other).exists():
                assert time.monotonic() < deadline_s, "the other one never came"
                time.sleep(0.01)
            ask = lambda: client.chat(
                {"message": "Net sales by region"}, baggage=f"test.id={test_id},mock.scenario=quota_of_a_test"
            )
            assert [ask().status_code for _ in range(4)] == [200, 200, 200, 429]
            runs = [each["status"] for each in stage.journal(test_id) if each["path"].endswith(":run")]
            assert runs.count(200) == 3
        '''
    )
    result = ran(stories, "--target", rehearsal.proxy_url, "--mock", rehearsal.mock_url, "-n", "2")
    result.assert_outcomes(passed=2)


def test_a_failure_tells_the_story_and_leaves_evidence(stories: pytest.Pytester) -> None:
    """A story that fails names its promise, its scenario and its test id, and says where its evidence is."""
    stories.makepyfile(
        '''
        import pytest

        @pytest.mark.scenario("throttled")
        def test_broken(stage, test_id):
            """The moon is made of cheese."""
            assert stage.journal(test_id)

        def test_fine(stage, test_id):
            """The moon is made of rock."""
        '''
    )
    result = ran(stories, "--output", "kept")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*- the story -*",
            "promise    The moon is made of cheese.",
            "scenario   throttled",
            "test id    story-*",
            "mock       was asked nothing",
            "evidence   kept/test-a-failure-tells-*-py-test-broken",
        ]
    )
    (folder,) = (stories.path / "kept").iterdir()
    assert "The moon is made of cheese." in (folder / "story.txt").read_text(encoding="utf-8")
    assert Path(folder, "proxy.log").exists()
