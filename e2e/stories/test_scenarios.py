"""Every scenario of the catalogue: what the reader of the page meets, and all that is told of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from contracts.api import PROBLEM_BASE, ProblemType
from contracts.telemetry import RETRY_BUDGET_LEFT
from e2e.client_api import Client
from e2e.page import ADD_BAGGAGE, REPORT_VIOLATIONS, Chat, Watch
from e2e.plugin import RECORDING
from e2e.reading import Reading, Wait
from e2e.scenes import QUESTION, SCENARIOS, TOOLS, moves_of, question_of, retries_of
from e2e.stage import Stage
from e2e.story import Story
from e2e.trial import Trial, shown_by
from mocks.route import Surface
from mocks.scenario import Scenario
from proxy.backoff import MAX_TRIES, RetryBudget
from proxy.problems import CATALOGUE

OF_AGENTS = [name for name, each in SCENARIOS.items() if each.concerns(Surface.AGENT)]
OF_TOOLS = [name for name in SCENARIOS if name not in OF_AGENTS]

THIS_TEST = "{ toString: () => globalThis.testOfThisMoment ?? 'test.id=none' }"
"""In place of a test's id: the page outlives the tests, and says for which it asks with each request."""

BEGIN_TEST = "id => Object.assign(globalThis, { testOfThisMoment: id, rehearsed: '' })"


@pytest.fixture(scope="module")
def context(browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[BrowserContext]:
    """One profile for all scenarios."""
    opened = browser.new_context(**browser_context_args)
    opened.add_init_script(ADD_BAGGAGE % THIS_TEST)
    opened.add_init_script(REPORT_VIOLATIONS)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def opened(context: BrowserContext, base_url: str) -> Chat:
    """One page for all scenarios: to open it takes ten times as long as to ask."""
    return Chat(context.new_page()).open()


@pytest.fixture(scope="module")
def whole(opened: Chat) -> Mapping[str, Sequence[str]]:
    """The whole answers as they stand on the page when nothing goes wrong, by question."""
    questions = {question_of(each) for each in SCENARIOS.values() if each.page and each.page.answer != "none"}
    return {question: Reading.of(opened.ask(question)).answer for question in questions}


@pytest.fixture
def page(
    request: pytest.FixtureRequest, opened: Chat, whole: Mapping[str, Sequence[str]], watch: Watch, test_id: str
) -> Iterator[Page]:
    """The page with nothing on it, watched for this test."""
    page = opened.page
    heard = {"console": watch.console, "pageerror": watch.error, "request": watch.request}
    for event, listener in heard.items():
        page.on(event, listener)  # type: ignore[call-overload]  # one overload an event
    page.evaluate(BEGIN_TEST, f"test.id={test_id}")
    page.get_by_label("Scenario", exact=True).select_option("")
    page.get_by_role("button", name="New conversation").click()
    expect(opened.turns).to_have_count(0)
    with request.node.stash[RECORDING].watching(page.context):
        yield page
    for event, listener in heard.items():
        page.remove_listener(event, listener)


@pytest.fixture
def chat(page: Page) -> Chat:
    """The page, as it is open."""
    return Chat(page)


def calm(stage: Stage, scenario: Scenario) -> None:
    """The proxy's breakers and its budgets for trying again, which count over all tests, leave room for a scenario."""
    if not stage.is_local:
        return
    if scenario.client.status >= 500:
        client = Client.opened_at(stage.page_url)
        for _ in range(MAX_TRIES + 1):
            answer = client.chat({"message": QUESTION}, baggage="mock.scenario=none,mock.pace=0")
            assert answer.status_code == 200, f"the proxy does not answer before the scenario begins: {answer.text}"
    surface, wanted = next(each for each in (Surface.AGENT, *TOOLS) if scenario.concerns(each)), retries_of(scenario)
    deadline_s = time.monotonic() + 2 * RetryBudget.WINDOW_S
    while (left := _retries_left(stage, surface)) < wanted:
        assert time.monotonic() < deadline_s, f"{left:g} attempts may be repeated, {wanted} will be, and it stays so"
        time.sleep(0.2)


def _retries_left(stage: Stage, surface: Surface) -> float:
    return stage.counters()[RETRY_BUDGET_LEFT.name, frozenset({("surface", surface.value)})] * RetryBudget.FLOOR


def expect_refusal(watch: Watch, scenario: Scenario) -> None:
    """The browser itself notes an unsuccessful answer as an error of the page."""
    if scenario.client.status >= 400:
        watch.allow(f"status of {scenario.client.status}")


@pytest.mark.rehearsal
@pytest.mark.parametrize("scenario", OF_AGENTS)
def test_the_reader_and_the_telemetry_tell_the_same(
    story: Story, watch: Watch, whole: Mapping[str, Sequence[str]], scenario: str
) -> None:
    """Under every scenario the reader sees what its file says, and traces, counters and lines tell why."""
    trial, played = Trial(SCENARIOS[scenario]), SCENARIOS[scenario]
    expected, question = shown_by(played), question_of(played)
    calm(story.stage, played)
    expect_refusal(watch, played)
    story.under(scenario)
    story.pace(0)
    for number in range(1, played.asks):
        trial.answer(Reading.of(story.ask(question)), "whole", whole[question], f"the answer to question {number}")
    since_ns = time.time_ns()
    notes = Wait.noted(story.chat.page)
    with trial.keeping("the counters"), story.moves(moves_of(played)):
        turn = story.ask(question)
    stood = [f"{each.ms:.0f} ms: {each.text}" for each in Wait.readable(notes)]
    trial.reads("the turn while nothing new came", "; ".join(stood), expected.meanwhile)
    trace_id = story.trace_id
    trial.page(story.chat, trace_id, whole[question])
    if expected.again is not None:
        count = story.chat.turns.count()
        turn.get_by_role("button", name="Try again").click()
        expect(story.chat.turns).to_have_count(count + 1)
        trial.answer(Reading.of(story.chat.ended()), expected.again, whole[question], "the answer after trying again")
    trial.told(story, trace_id, since_ns)
    trial.check()


CALL_TOOL = """async ([tool, request]) => {
  const { createClient } = await import("/client/shared/index.js");
  const client = createClient({ retry: { tries: 1 }, metrics: false, renewInBackground: false });
  return client[tool](request).then(() => null, (error) => error.problem);
}"""
"""What other pages do, with the client that this page has: it calls no tool itself."""


@pytest.mark.rehearsal
@pytest.mark.parametrize("scenario", OF_TOOLS)
def test_a_tool_fails_alone(story: Story, watch: Watch, whole: Mapping[str, Sequence[str]], scenario: str) -> None:
    """While one tool of Snowflake fails, its caller is told so, and the agent's answers are whole."""
    trial, played = Trial(SCENARIOS[scenario]), SCENARIOS[scenario]
    assert played.client.problem is not None, "a scenario of a tool ends with a problem"
    calm(story.stage, played)
    expect_refusal(watch, played)
    story.under(scenario)
    story.pace(0)
    turn = Reading.of(story.ask(QUESTION))
    trial.answer(turn, shown_by(played).answer, whole[QUESTION])
    trial.same("the error on the page", turn.problem, None)
    surface = next(each for each in TOOLS if played.concerns(each))
    since_ns = time.time_ns()
    with trial.keeping("the counters"), story.moves(moves_of(played)):
        problem = story.chat.page.evaluate(CALL_TOOL, TOOLS[surface])
    kind = CATALOGUE[ProblemType(played.client.problem)]
    thrown = {"type": PROBLEM_BASE + played.client.problem, "title": kind.title, "status": kind.status}
    trial.same("what the tool's caller is thrown", {name: problem.get(name) for name in thrown}, thrown)
    trial.told(story, problem["traceId"], since_ns)
    trial.check()


@pytest.mark.rehearsal
@pytest.mark.parametrize("scenario", ["cut_mid_stream", "throttled_with_advice"])
def test_a_scenario_is_chosen_on_the_page(
    story: Story, watch: Watch, whole: Mapping[str, Sequence[str]], scenario: str
) -> None:
    """A scenario that is chosen in the panel is named above the question, played, and over once it is cleared."""
    trial, played, page = Trial(SCENARIOS[scenario]), SCENARIOS[scenario], story.chat.page
    expect_refusal(watch, played)
    page.get_by_label("Scenario", exact=True).select_option(scenario)
    expect(page.get_by_text(f"Scenario: {scenario} – {played.about}")).to_be_visible()
    story.ask(QUESTION)
    trace_id = story.trace_id
    trial.page(story.chat, trace_id, whole[QUESTION])
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text(f"Scenario: {scenario}")).to_be_hidden()
    trial.answer(Reading.of(story.ask(QUESTION)), "whole", whole[QUESTION], "the answer without a scenario")
    with trial.keeping("the trace"):
        trial.trace(story, trace_id)
    trial.check()
