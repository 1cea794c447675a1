"""The stories' plugin for pytest: a browser, a stage to play on, a page that is watched, and what is told of it."""

from __future__ import annotations

import json
import os
import uuid
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, BrowserType, Page, expect
from pytest_playwright.pytest_playwright import CreateContextCallback

from e2e import again, browser, cases, observed, quarantine, report
from e2e.casting import LOCAL, MARKERS, Casting, NoSuchTarget, Target, cast
from e2e.failure import Broken, Recording, add_to, near
from e2e.page import ADD_BAGGAGE, REPORT_VIOLATIONS, Chat, Watch
from e2e.stack import CLIENT_DIR, NO_RATES, Stack, StackError
from e2e.stage import NotTold, Stage, telling
from e2e.story import Story
from e2e.telemetry import Receiver, receiving

SUITE_PLUGINS = (cases, observed, report, quarantine, again)
"""What is told of a run, whoever's tests it has."""

CASTING = pytest.StashKey[Casting]()
LEFT_OUT = pytest.StashKey[Counter[str]]()
RECORDING = pytest.StashKey[Recording]()
TOLD = pytest.StashKey[str]()
DROPPED = "evidence dropped"
LEFT_OUT_KEY = "stories left out"
UNASSERTED = "not asserted"
SEEN_MS = 15_000.0
"""How long `expect` looks for something; on a busy machine Playwright's own 5 s are short."""
TWIN = "CORTEX_HARNESS_"
"""How an option's environment twin begins: `--otlp-port` is CORTEX_HARNESS_OTLP_PORT."""


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Where stories play, and which of them; what is told of them has options of its own."""
    for module in SUITE_PLUGINS:
        pluginmanager.register(module, module.__name__)
    add = parser.getgroup("stories", "stories in a browser").addoption
    told, known = os.environ.get, f"[{LOCAL}]"
    add(
        "--target",
        metavar="URL",
        default=told(f"{TWIN}TARGET", LOCAL),
        help=f"where stories play; a page's URL {known}",
    )
    scenarios = told(f"{TWIN}SCENARIO", "").split()
    add("--scenario", metavar="NAME", action="append", default=scenarios, help="only stories about it; repeatable")
    add("--mock", metavar="URL", dest="mock_url", default=told(f"{TWIN}MOCK"), help="the mock behind a target")
    port = told(f"{TWIN}OTLP_PORT")
    add("--trace-url", metavar="TEMPLATE", default=told(f"{TWIN}TRACE_URL"), help="link to a trace, with {trace_id}")
    add("--otlp-port", metavar="N", type=int, default=port, help="where a target's telemetry is taken")


def pytest_configure(config: pytest.Config) -> None:
    """The markers, and who plays where.   Raises: pytest.UsageError for a target or scenario that is not there."""
    for line in MARKERS:
        config.addinivalue_line("markers", line)
    try:
        config.stash[CASTING] = cast(config.getoption("target"), config.getoption("scenario"))
    except NoSuchTarget as error:
        raise pytest.UsageError(str(error)) from error
    if config.getoption("otlp_port") and config.getoption("numprocesses", None):
        raise pytest.UsageError("--otlp-port: one process takes a target's telemetry; run without -n")
    config.stash[LEFT_OUT] = Counter()
    expect.set_options(timeout=SEEN_MS)


def pytest_report_header(config: pytest.Config) -> str:
    """Where stories play, and what is not looked at there."""
    blind = {"telemetry (--otlp-port)": "otlp_port", "the mock's journal (--mock)": "mock_url"}
    return config.stash[CASTING].header([what for what, option in blind.items() if not config.getoption(option)])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what does not play."""
    items[:], left_out = config.stash[CASTING].part(items)
    for reason, stories in left_out.items():
        config.stash[LEFT_OUT][reason] += len(stories)
        config.hook.pytest_deselected(items=stories)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A story ends where its target does not tell what is asked; its page must not have done what no page may."""
    stage, watch = (getattr(item, "funcargs", {}).get(name) for name in ("stage", "watch"))
    result = None
    try:
        result = yield
    except NotTold as untold:
        assert stage is not None, "only a stage says so"
        stage.unasserted.add(str(untold))
    if stage is not None:
        item.user_properties += [(UNASSERTED, what) for what in sorted(stage.unasserted)]
        stage.unasserted.clear()
    if watch is not None:
        watch.check()
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed story names the promise that broke, and leaves evidence; a passed one leaves nothing."""
    report = yield
    recording = item.stash.get(RECORDING, None)
    if recording is None:
        return report
    if report.failed and call.when != "teardown":
        recording.freeze()
        item.stash[TOLD] = Broken.of(item, recording).report()
        add_to(report, item.stash[TOLD])
    elif call.when == "teardown":
        if not item.stash[TOLD]:
            recording.forget()
        else:
            kept = recording.keep(item.stash[TOLD])
            report.user_properties.append((cases.EVIDENCE, near(kept.folder)))
            report.user_properties += [(DROPPED, each) for each in kept.dropped]
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell xdist's controller what was left out: all of its workers collect the same."""
    if hasattr(session.config, "workeroutput"):
        left_out: Counter[str] = session.config.stash[LEFT_OUT]
        session.config.workeroutput[LEFT_OUT_KEY] = dict(left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take from a worker what it left out."""
    told: dict[str, int] = getattr(node, "workeroutput", {}).get(LEFT_OUT_KEY, {})
    left_out: Counter[str] = node.config.stash[LEFT_OUT]
    left_out |= Counter(told)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What did not play and why, and what was not asserted."""
    casting: Casting = config.stash[CASTING]
    passed = terminalreporter.getreports("passed")
    told = [pair for report in passed if report.when == "call" for pair in report.user_properties]
    unasserted = Counter(str(what) for name, what in told if name == UNASSERTED)
    failed = [pair for report in terminalreporter.getreports("") for pair in report.user_properties]
    kept = [f"{name}: {what}" for name, what in failed if name in (cases.EVIDENCE, DROPPED)]
    left_out: Counter[str] = config.stash[LEFT_OUT]
    lines = [*casting.summary(left_out, unasserted), *kept]
    if lines:
        terminalreporter.section("stories")
        terminalreporter.write("".join(f"{line}\n" for line in lines))


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], browser_type: BrowserType) -> dict[str, Any]:
    """Launch arguments that find a Chromium."""
    try:
        return browser.launch(browser_type_launch_args, browser_type.executable_path)
    except StackError as missing:
        pytest.fail(str(missing), pytrace=False)


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config) -> Target:
    """What the stories are played on."""
    return pytestconfig.stash[CASTING].target


@pytest.fixture(scope="session")
def page_dir() -> Path:
    """The folder of the page that a stack of our own serves; override it for a page of yours."""
    return CLIENT_DIR


@pytest.fixture(scope="session")
def receiver(pytestconfig: pytest.Config) -> Iterator[Receiver]:
    """What takes the telemetry: of our own stack always, of another target on the port that it was told to send to."""
    with receiving(pytestconfig.getoption("otlp_port") or 0) as running_receiver:
        yield running_receiver


@pytest.fixture(scope="session")
def stack(receiver: Receiver, page_dir: Path) -> Iterator[Stack]:
    """Mock and proxy, answering at once, their telemetry sent to the receiver."""
    with telling(receiver, {**NO_RATES, "CORTEX_PROXY_PAGE_DIR": str(page_dir)}) as started:
        yield started


@pytest.fixture(scope="session")
def stage(request: pytest.FixtureRequest, target: Target, pytestconfig: pytest.Config) -> Stage:
    """Where the stories play."""
    if target.mode == "local":
        own: Stack = request.getfixturevalue("stack")
        return Stage.of(own, request.getfixturevalue("receiver"))
    taken = request.getfixturevalue("receiver") if pytestconfig.getoption("otlp_port") else None
    return Stage(target.url, pytestconfig.getoption("mock_url"), None, taken, target.mode)


@pytest.fixture(scope="session")
def base_url(stage: Stage) -> str:
    """Makes `page.goto("/")` the page that is told of."""
    return stage.page_url


@pytest.fixture
def stage_of_test(stage: Stage) -> Stage:
    """Where a test plays; override it, and `browser_context_args`, for a stack that only some tests have."""
    return stage


@pytest.fixture
def test_id(request: pytest.FixtureRequest, stage_of_test: Stage, output_path: str) -> str:
    """What isolates a test's state in the mock, and finds its telemetry."""
    made = f"story-{uuid.uuid4().hex[:16]}"
    request.node.stash[RECORDING] = Recording(made, stage_of_test, Path(output_path))
    request.node.stash[TOLD] = ""
    return made


@pytest.fixture
def watch(stage_of_test: Stage) -> Watch:
    """The faults of this test's page."""
    return Watch(stage_of_test.page_url)


@pytest.fixture
def context(
    request: pytest.FixtureRequest, new_context: CreateContextCallback, test_id: str
) -> Iterator[BrowserContext]:
    """A browser's profile whose pages say for which test they ask."""
    context = new_context()
    context.add_init_script(ADD_BAGGAGE % json.dumps(f"test.id={test_id}"))
    with request.node.stash[RECORDING].watching(context):
        yield context


@pytest.fixture
def page(page: Page, watch: Watch) -> Page:
    """A page that ends with no policy violation, no console error and no request to another origin."""
    page.add_init_script(REPORT_VIOLATIONS)
    page.on("console", watch.console)
    page.on("pageerror", watch.error)
    page.on("request", watch.request)
    return page


@pytest.fixture
def chat(page: Page, stage_of_test: Stage) -> Chat:
    """The opened page."""
    return Chat(page, is_rehearsed=stage_of_test.mode != "live").open()


@pytest.fixture
def story(chat: Chat, stage_of_test: Stage, test_id: str, request: pytest.FixtureRequest) -> Iterator[Story]:
    """A reader in front of the opened page; the test tells its id, and the traces that the page began."""
    told = request.node.user_properties
    told.append((cases.TEST_ID, test_id))
    reader = Story(chat, stage_of_test, test_id)
    yield reader
    parents = [asked.headers["traceparent"] for asked in reader.asked if "traceparent" in asked.headers]
    told += [(cases.TRACE_ID, parent.split("-")[1]) for parent in parents]
