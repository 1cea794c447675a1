"""What a collector is told of a run, heard by a real receiver."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.telemetry import SUITE_METRICS, SUITE_TESTS
from contracts.traces import CASE_SPAN, RUN_SPAN
from e2e.observation import PIPELINE
from e2e.revision import revision
from e2e.stack import free_port
from e2e.telemetry import Receiver, Span, receiving

pytest_plugins = ["pytester"]

OF_EACH_KIND = '''
import pytest

def tell(request, **told):
    request.node.user_properties += list(told.items())

def test_passes(request):
    """A question is answered.

    What else there is to say.
    """
    tell(request, test_id="story-1", trace_id="0af7651916cd43dd8448eb211c80319c")
    tell(request, trace_id="4bf92f3577b34da6a3ce929d0e0e4736")

@pytest.mark.parametrize("scenario", ["throttled"])
def test_fails(scenario):
    assert {"answer": 1} == {"answer": 2}, "the answer's number is another"

@pytest.fixture
def broken():
    raise OSError("no browser")

def test_cannot_begin(broken): pass

@pytest.mark.skip(reason="not here")
def test_is_skipped(): pass
'''


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A collector."""
    with receiving() as running:
        yield running


def told(receiver: Receiver) -> tuple[Span, dict[str, Span]]:
    """The run's span, and the tests' by their name."""
    spans = receiver.spans(service="cortex-suite")
    run = next(each for each in spans if "test.case.name" not in each.attributes)
    return run, {each.name: each for each in spans if each is not run}


def test_a_run_is_one_trace_with_a_span_for_each_test(suite: pytest.Pytester, receiver: Receiver) -> None:
    """Names and results are OpenTelemetry's; what was not run has no result; a failure says why."""
    suite.makepyfile(test_it=OF_EACH_KIND)

    suite.runpytest_inprocess("--otlp-endpoint", receiver.url)

    run, tests = told(receiver)
    assert (run.status, run.attributes["test.suite.run.status"]) == ("error", "failure")
    assert {(each.trace_id, each.parent_id) for each in tests.values()} == {(run.trace_id, run.span_id)}
    assert all(run.start_ns <= each.start_ns <= each.end_ns <= run.end_ns for each in tests.values())
    assert {name: each.attributes.get("test.case.result.status") for name, each in tests.items()} == {
        "test_passes": "pass",
        "test_fails[throttled]": "fail",
        "test_cannot_begin": "fail",
        "test_is_skipped": None,
    }
    assert {name: each.attributes["cortex.test.outcome"] for name, each in tests.items()} == {
        "test_passes": "passed",
        "test_fails[throttled]": "failed",
        "test_cannot_begin": "error",
        "test_is_skipped": "skipped",
    }
    failed = tests["test_fails[throttled]"]
    assert failed.attributes["test.case.name"] == "test_it.py::test_fails[throttled]"
    assert failed.attributes["cortex.test.scenario"] == "throttled"
    assert (failed.status, failed.attributes["error.type"]) == ("error", "failed")
    assert failed.status_message == "AssertionError: the answer's number is another"
    assert tests["test_cannot_begin"].status_message == "OSError: no browser"
    assert tests["test_passes"].status == "unset"


def test_a_test_tells_its_promise_and_links_to_what_its_page_began(suite: pytest.Pytester, receiver: Receiver) -> None:
    """From a test's span one gets to the traces of its story, and to its telemetry by its id."""
    suite.makepyfile(test_it=OF_EACH_KIND)

    suite.runpytest_inprocess("--otlp-endpoint", receiver.url)

    _, tests = told(receiver)
    attributes = tests["test_passes"].attributes
    assert (attributes["cortex.test.promise"], attributes["test.id"]) == ("A question is answered.", "story-1")
    assert (attributes["code.file.path"], attributes["code.line.number"]) == ("test_it.py", 6)
    assert list(tests["test_passes"].links) == [
        "0af7651916cd43dd8448eb211c80319c",
        "4bf92f3577b34da6a3ce929d0e0e4736",
    ]


def test_all_that_is_told_is_in_the_catalogue(suite: pytest.Pytester, receiver: Receiver) -> None:
    """docs/telemetry.md lists every attribute of a run and of a test; and what it lists of all runs is there."""
    suite.makepyfile(test_it=OF_EACH_KIND)

    suite.runpytest_inprocess("-p", "xdist", "-n", "1", "--otlp-endpoint", receiver.url)

    run, tests = told(receiver)
    of_a_run, of_a_test = ({each.name for each in form.attributes} for form in (RUN_SPAN, CASE_SPAN))
    assert run.attributes.keys() <= of_a_run
    assert set().union(*(each.attributes for each in tests.values())) == of_a_test - {"cortex.test.evidence"}
    assert set(PIPELINE) < of_a_run


def test_workers_tell_the_run_that_started_them(suite: pytest.Pytester, receiver: Receiver) -> None:
    """With xdist it is still one trace, and each test says where it ran."""
    suite.makepyfile(test_it=OF_EACH_KIND)

    suite.runpytest_inprocess("-p", "xdist", "-n", "2", "--otlp-endpoint", receiver.url)

    run, tests = told(receiver)
    assert len(tests) == 4
    assert {each.trace_id for each in tests.values()} == {run.trace_id}
    assert {each.attributes["cortex.test.worker"] for each in tests.values()} <= {"gw0", "gw1"}
    assert tests["test_passes"].attributes["cortex.test.promise"] == "A question is answered."


def test_a_worker_that_crashes_is_told_as_an_error(suite: pytest.Pytester, receiver: Receiver) -> None:
    """xdist's own report of it has no times and no tear-down."""
    suite.makepyfile(test_it="import os\ndef test_ends_its_process(): os._exit(3)\n")

    suite.runpytest_inprocess("-p", "xdist", "-n", "1", "--max-worker-restart", "0", "--otlp-endpoint", receiver.url)

    _, tests = told(receiver)
    assert tests["test_ends_its_process"].attributes["cortex.test.outcome"] == "error"
    assert "crashed" in tests["test_ends_its_process"].status_message


def test_the_metrics_are_the_catalogues(suite: pytest.Pytester, receiver: Receiver) -> None:
    """All of them, with the suite's name and never a test's."""
    suite.makepyfile(test_it=OF_EACH_KIND)

    suite.runpytest_inprocess("-p", "pytest_cortex_mock", "--otlp-endpoint", receiver.url, "--cortex-suite", "e2e")

    points = receiver.points(service="cortex-suite")
    assert {each.name for each in points} == {metric.name for metric in SUITE_METRICS}
    assert {each.attributes["suite"] for each in points} == {"e2e"}
    outcomes = {each.attributes["outcome"]: each.value for each in receiver.points(name=SUITE_TESTS.name) if each.value}
    assert outcomes == {"passed": 1, "failed": 1, "error": 1, "skipped": 1}


def test_a_failure_is_told_as_flaky_when_it_was(suite: pytest.Pytester, receiver: Receiver) -> None:
    """How often it was run again is there, too."""
    suite.makepyfile(test_it="tries = []\ndef test_sometimes():\n    tries.append(1)\n    assert len(tries) > 1\n")

    suite.runpytest_inprocess("--again", "2", "--otlp-endpoint", receiver.url)

    _, tests = told(receiver)
    attributes = tests["test_sometimes"].attributes
    assert (attributes["test.case.result.status"], attributes["cortex.test.flaky"]) == ("fail", True)
    assert attributes["cortex.test.retries"] == 2


def test_no_credential_is_in_what_is_told(suite: pytest.Pytester, receiver: Receiver) -> None:
    """Neither in a failure's reason nor in what pytest and JUnit show of it."""
    secret = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJib2R5In0"
    lines = ("def test_it():", f'print("Bearer {secret}")', f'raise ValueError("asked with {secret}")')
    suite.makepyfile(test_it="\n    ".join(lines))

    result = suite.runpytest_inprocess("--otlp-endpoint", receiver.url, "--junitxml", "junit.xml")

    _, tests = told(receiver)
    assert tests["test_it"].status_message == "ValueError: asked with ***"
    assert "Bearer ***" in result.stdout.str()
    assert secret not in result.stdout.str() + (suite.path / "junit.xml").read_text(encoding="utf-8")


def test_a_reason_is_short(suite: pytest.Pytester, receiver: Receiver) -> None:
    """The first line that says something, clipped."""
    suite.makepyfile(test_it='def test_it():\n    raise ValueError("\\n\\n" + "x" * 10_000 + "\\nmore")\n')

    suite.runpytest_inprocess("--otlp-endpoint", receiver.url)

    _, tests = told(receiver)
    assert len(tests["test_it"].status_message) <= 300
    assert "more" not in tests["test_it"].status_message


def test_the_environment_names_collector_and_trace(
    suite: pytest.Pytester, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenTelemetry's variable stands for the option, and a pipeline's trace takes the run in."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{receiver.url}/")
    monkeypatch.setenv("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    suite.makepyfile(test_it="def test_it(): pass\n")

    result = suite.runpytest_inprocess()

    run, _ = told(receiver)
    assert (run.trace_id, run.parent_id) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
    result.stdout.fnmatch_lines([f"telemetry: trace {run.trace_id}, 2 spans sent to {receiver.url}"])


@pytest.mark.parametrize(
    ("tests", "arguments", "ended"),
    [
        ("def test_it(): pass\n", (), ("success", "success")),
        ("def test_it(): assert False\n", (), ("failure", "failure")),
        ("def test_it(): raise KeyboardInterrupt\n", (), ("aborted", "cancellation")),
        ("def test_it(): pass\n", ("-k", "nothing"), ("skipped", "skip")),
        ("import no_such_module_at_all\n", (), ("aborted", "cancellation")),
    ],
    ids=["passed", "failed", "interrupted", "nothing to run", "not collected"],
)
def test_a_run_ends_in_the_conventions_words(
    suite: pytest.Pytester, receiver: Receiver, tests: str, arguments: tuple[str, ...], ended: tuple[str, str]
) -> None:
    """Those for suites, and those for a pipeline's task."""
    suite.makepyfile(test_it=tests)

    suite.runpytest_inprocess("--otlp-endpoint", receiver.url, *arguments, no_reraise_ctrlc=True)

    run, _ = told(receiver)
    found = (run.attributes["test.suite.run.status"], run.attributes["cicd.pipeline.task.run.result"])
    assert found == ended


def test_a_collector_that_is_not_there_fails_nothing(suite: pytest.Pytester) -> None:
    """The run passes, and its last lines say that nobody was told."""
    suite.makepyfile(test_it="def test_it(): pass\n")

    result = suite.runpytest_inprocess("--otlp-endpoint", f"http://127.0.0.1:{free_port()}")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["telemetry: trace * not all sent: http://127.0.0.1:* does not take it*"])
    assert result.ret == 0


def test_without_an_endpoint_nothing_is_loaded(suite: pytest.Pytester) -> None:
    """OpenTelemetry's SDK costs only those who use it."""
    suite.makepyfile(test_it="import sys\ndef test_it(): assert 'e2e.observation' not in sys.modules\n")

    suite.runpytest_subprocess().assert_outcomes(passed=1)


def test_a_run_says_where_it_belongs(
    suite: pytest.Pytester, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the pipeline says of itself, and nothing else of the environment."""
    said = {"GITHUB_WORKFLOW": "nightly", "GITHUB_RUN_ID": "4711", "GITHUB_SHA": "0" * 40, "GITHUB_TOKEN": "made-up"}
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    suite.makepyfile(test_it="def test_it(): pass\n")

    suite.runpytest_inprocess("--otlp-endpoint", receiver.url)

    run, _ = told(receiver)
    assert run.attributes["cicd.pipeline.name"] == "nightly"
    assert run.attributes["cicd.pipeline.run.id"] == "4711"
    assert run.attributes["vcs.ref.head.revision"] == "0" * 40
    assert "made-up" not in str(run)


def test_a_checkout_says_its_revision() -> None:
    """Without a pipeline, git is asked; where there is no checkout, nothing is said."""
    assert re.fullmatch(r"[0-9a-f]{40}", revision(Path(__file__).parent))
    assert revision(Path("/")) == ""
