"""The pytest plugin, in runs of its own: what passes, what must fail, and what it costs those who do not use it."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from contracts.cortex import agent_run_path
from mocks.state import HERE

pytest_plugins = ["pytester"]

RUN = agent_run_path("CORTEX_BENCH_DB", "SALES", "SALES_AGENT")
PREAMBLE = f'''
import http.client, json, urllib.parse
import pytest

QUESTION = "Net sales by region"

def ask(mock, text=QUESTION, path="{RUN}", *, named=True):
    message = {{"role": "user", "content": [{{"type": "text", "text": text}}]}}
    at = urllib.parse.urlsplit(mock.url)
    connection = http.client.HTTPConnection(at.hostname, at.port, timeout=10)
    headers = mock.headers if named else {{"Authorization": mock.headers["Authorization"]}}
    try:
        connection.request("POST", path, json.dumps({{"messages": [message]}}), headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()
'''


INI = "[pytest]\naddopts = -p pytest_cortex_mock -p no:cacheprovider --strict-markers\nfilterwarnings = error\n"


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder of tests that loads this plugin and no other."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeini(INI)
    return pytester


def run(suite: pytest.Pytester, tests: str, *options: str) -> pytest.RunResult:
    """What a run of these tests says."""
    suite.makepyfile(PREAMBLE + textwrap.dedent(tests))
    return suite.runpytest_inprocess(*options)


def test_a_suite_that_asks_what_is_recorded_passes(suite: pytest.Pytester) -> None:
    """Each test sees its own requests only, with or without a test id; scenarios, faults and tokens work."""
    result = run(
        suite,
        """
        def test_asks(mock_cortex):
            assert ask(mock_cortex) == 200
            mock_cortex.assert_requested(method="POST", path="*:run", last_user_text="net sales by region?", count=1)
            assert [entry["cassette"] for entry in mock_cortex.journal()] == ["agents/net_sales_by_region"]

        def test_sees_nothing_of_others(mock_cortex):
            assert mock_cortex.journal() == []

        @pytest.mark.scenario("throttled")
        @pytest.mark.parametrize("named", [True, False])
        def test_plays_a_scenario(mock_cortex, named):
            assert ask(mock_cortex, named=named) == 429
            assert len(mock_cortex.journal()) == 1

        @pytest.mark.parametrize("named", [True, False])
        def test_plays_none_afterwards(mock_cortex, named):
            assert ask(mock_cortex, named=named) == 200

        @pytest.mark.parametrize("named", [True, False])
        def test_has_a_fault(mock_cortex, named):
            mock_cortex.fault({"respond": {"status": 418}})
            assert ask(mock_cortex, named=named) == 418
            mock_cortex.fault(None)
            assert ask(mock_cortex, named=named) == 200
            mock_cortex.fault({"respond": {"status": 418}})

        def test_has_no_fault_afterwards(mock_cortex):
            assert ask(mock_cortex, named=False) == 200

        @pytest.mark.cassettes("agents/net_sales_by_region")
        @pytest.mark.mock_cortex(strict=True)
        def test_uses_what_it_declares(mock_cortex):
            assert ask(mock_cortex) == 200

        @pytest.mark.mock_cortex(allow_unmatched=True)
        def test_may_miss(mock_cortex):
            assert ask(mock_cortex, "nobody asked this") == 404
            assert len(mock_cortex.unmatched()) == 1

        def test_shares_one_server(mock_cortex, mock_cortex_session):
            assert mock_cortex.url == mock_cortex_session.url

        def test_needs_no_mock():
            pass
        """,
    )
    result.assert_outcomes(passed=13)


def test_an_unmatched_request_fails_its_test(suite: pytest.Pytester) -> None:
    """It fails, not errs, and names the nearest miss; with or without a test id; no other test is to blame."""
    result = run(
        suite,
        """
        @pytest.mark.parametrize("named", [True, False])
        def test_misses(mock_cortex, named):
            ask(mock_cortex, "Net sales by regoin", named=named)

        def test_asks_nowhere(mock_cortex):
            ask(mock_cortex, path="/api/v2/nowhere")

        def test_is_not_to_blame(mock_cortex):
            assert ask(mock_cortex) == 200
        """,
    )
    result.assert_outcomes(failed=3, passed=1)
    near = (
        "*nearest: agents/net_sales_by_region interaction 0:"
        " last_user_text was 'Net sales by regoin', recorded is 'Net sales by region'"
    )
    result.stdout.fnmatch_lines(["*1 request(s) found no recorded answer:", near])
    result.stdout.fnmatch_lines(["*POST /api/v2/nowhere: no such path"])


def test_a_failure_is_explained_by_what_was_unmatched(suite: pytest.Pytester) -> None:
    """The test's own error stays, and the unmatched request stands beside it."""
    result = run(
        suite,
        """
        def test_expects_an_answer(mock_cortex):
            assert ask(mock_cortex, "Net sales by regoin") == 200
        """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*assert 404 == 200*", "*mock_cortex*", "*found no recorded answer:", "*nearest:*"])


UNUSED = """
@pytest.mark.cassettes("agents/net_sales_by_region")
def test_declares(mock_cortex):
    pass

@pytest.mark.cassettes("agents/net_sales_by_region")
@pytest.mark.mock_cortex(strict=True)
def test_is_strict(mock_cortex):
    pass

@pytest.mark.cassettes("agents/net_sales_by_region")
@pytest.mark.mock_cortex(strict=False)
def test_is_not_strict(mock_cortex):
    pass
"""


@pytest.mark.parametrize(
    ("ini", "passed", "failed"), [pytest.param("true", 1, 2, id="strict"), pytest.param("false", 2, 1, id="not-strict")]
)
def test_an_unused_interaction_fails_where_strict(suite: pytest.Pytester, ini: str, passed: int, failed: int) -> None:
    """What a test declares must be asked for, if its marker says so, or, without one, the setting."""
    result = run(suite, UNUSED, "-o", f"mock_cortex_strict={ini}")
    result.assert_outcomes(passed=passed, failed=failed)
    result.stdout.fnmatch_lines(["1 declared interaction(s) were never asked for:", "*Net sales by region*"])


def test_a_misspelt_marker_is_an_error(suite: pytest.Pytester) -> None:
    """It names what was meant, and the test does not pass."""
    result = run(
        suite,
        """
        @pytest.mark.scenario("throtled")
        def test_scenario(mock_cortex):
            pass

        @pytest.mark.scenario
        def test_no_name(mock_cortex):
            pass

        @pytest.mark.cassettes("agents/net_sales_by_regoin")
        def test_cassette(mock_cortex):
            pass

        @pytest.mark.mock_cortex(strickt=True)
        def test_option(mock_cortex):
            pass
        """,
    )
    result.assert_outcomes(errors=3, failed=1)
    for words in (
        "*'throtled' is not known; did you mean 'throttled'?*",
        "*takes names, such as*",
        "*'agents/net_sales_by_regoin' is not known; did you mean 'agents/net_sales_by_region'?*",
        "*has no 'strickt'*",
    ):
        result.stdout.fnmatch_lines([words])


def test_an_expectation_that_fails_names_the_nearest_request(suite: pytest.Pytester) -> None:
    """Field by field."""
    result = run(
        suite,
        """
        def test_expects_another(mock_cortex):
            ask(mock_cortex)
            mock_cortex.assert_requested(path="*:run", last_user_text="Orders by region")
        """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*last_user_text was 'Net sales by region', not 'Orders by region'*"])


def test_folders_come_from_the_settings(suite: pytest.Pytester) -> None:
    """Own cassettes and scenarios, relative to the ini file; the shipped ones are then not there."""
    source = HERE / "cassettes" / "agents" / "net_sales_by_region.jsonl"
    folder = suite.mkdir("tapes")
    folder.joinpath("mine.jsonl").write_bytes(source.read_bytes())
    suite.mkdir("plays").joinpath("tea.yaml").write_text("scenario: tea\nabout: tea\nfault: {respond: {status: 418}}\n")
    suite.makeini(f"{INI}mock_cortex_cassettes = tapes\nmock_cortex_scenarios = plays\n")
    result = run(
        suite,
        """
        def test_plays_mine(mock_cortex):
            assert ask(mock_cortex) == 200
            assert mock_cortex.journal()[0]["cassette"] == "mine"
            mock_cortex.use("tea")
            assert ask(mock_cortex) == 418
        """,
    )
    result.assert_outcomes(passed=1)


def test_those_who_do_not_use_it_pay_nothing() -> None:
    """Loading the plugin imports nothing but pytest: no server, no models, no cryptography."""
    code = "import sys, pytest; known = {*sys.modules}; import pytest_cortex_mock; print(*{*sys.modules} - known)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert found.stdout.split() == ["pytest_cortex_mock"]


def test_a_project_may_have_a_package_called_mocks(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tests run as they did before the plugin was installed."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeini("[pytest]\npythonpath = .\naddopts = -p pytest_cortex_mock -p no:cacheprovider\n")
    pytester.mkpydir("mocks").joinpath("things.py").write_text("ONE = 1\n")
    pytester.makepyfile("from mocks.things import ONE\n\ndef test_one():\n    assert ONE == 1\n")
    here = str(HERE.parent)
    code = f"import sys; sys.path.append({here!r}); import pytest; sys.exit(pytest.main())"
    found = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", code], cwd=pytester.path, capture_output=True, text=True, check=False
    )
    assert "1 passed" in found.stdout, found.stdout
