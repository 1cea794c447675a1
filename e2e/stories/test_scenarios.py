"""Every scenario of the catalogue: what the reader of the page meets, and all that is told of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from contracts.api import PROBLEM_BASE, ProblemType
from contracts.telemetry import RETRY_BUDGET_LEFT
from contracts.traces import END_REASON, ERROR_TYPE, PROBLEM, RESENT, STATUS
from e2e.client_api import Client
from e2e.page import REPORT_VIOLATIONS, Chat, Watch
from e2e.plugin import ADD_BAGGAGE, RECORDING
from e2e.reading import Card, Reading, Verdict, Wait, breaks_off
from e2e.scenes import (
    QUESTION,
    SCENARIOS,
    TOOLS,
    attempt,
    attempts_of,
    lines_of,
    moves_of,
    question_of,
    request_of,
    retries_of,
    warnings_of,
)
from e2e.stage import Stage
from e2e.story import MOCK, PROXY, Story
from e2e.telemetry import Span
from mocks.route import Surface
from mocks.scenario import PageExpectation, Scenario
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
    request.node.stash[RECORDING].pages.append(page)
    heard = {"console": watch.console, "pageerror": watch.error, "request": watch.request}
    for event, listener in heard.items():
        page.on(event, listener)  # type: ignore[call-overload]
    page.evaluate(BEGIN_TEST, f"test.id={test_id}")
    page.get_by_label("Scenario", exact=True).select_option("")
    page.get_by_role("button", name="New conversation").click()
    expect(opened.turns).to_have_count(0)
    yield page
    for event, listener in heard.items():
        page.remove_listener(event, listener)


@pytest.fixture
def chat(page: Page) -> Chat:
    """The page, as it is open."""
    return Chat(page)


# --- what is promised


def shown_by(scenario: Scenario) -> PageExpectation:
    """What its file says of the page."""
    assert scenario.page is not None, f"mocks/scenarios/{scenario.scenario}.yaml does not say what the page shows"
    return scenario.page


def card_of(scenario: Scenario, trace_id: str) -> Card | None:
    """The card that a scenario's problem is told by."""
    if scenario.client.problem is None:
        return None
    kind, wait_s = CATALOGUE[ProblemType(scenario.client.problem)], shown_by(scenario).wait_s
    hopeless = None if kind.retryable else "Trying again without a change will probably fail again."
    return {
        "title": kind.title,
        "type": scenario.client.problem,
        "trace id": trace_id,
        "offers": ["Try again"],
        "advice": hopeless if wait_s is None else f"Wait {wait_s} s before you try again.",
    }


class Trial(Verdict):
    """What a scenario promises, held against what a reader sees and what is told."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(f"scenario {scenario.scenario}, {scenario.about}: not all that its file promises is kept")
        self.scenario = scenario

    def answer(self, found: Reading, shown: str, whole: Sequence[str]) -> None:
        """So much of the answer stands there."""
        if shown != "part":
            self.same("the answer on the page", found.answer, whole if shown == "whole" else [])
        elif not breaks_off(found.answer, whole):
            self.same("the answer on the page, which is no beginning of the whole", found.answer, whole)

    def page(self, chat: Chat, trace_id: str, whole: Sequence[str]) -> None:
        """The reader sees what the file says, is told of the problem, and by which trace it is found."""
        expected, found = shown_by(self.scenario), Reading.of(chat.turn)
        self.answer(found, expected.answer, whole)
        card = card_of(self.scenario, trace_id)
        self.same("the error on the page", found.problem, card)
        self.reads("the turn on the page", found.text, expected.reads, expected.misses)
        said = "The answer is complete." if card is None else f"Error: {card['title']}."
        self.same("a screen reader was told", chat.status.inner_text(), said)

    def told(self, story: Story, trace_id: str, since_ns: int) -> None:
        """Spans and lines tell what happened; nothing was played for this test but in the traces it asked in."""
        with self.keeping("the trace"):
            self.trace(story, trace_id)
        with self.keeping("the log"):
            self.lines(story, trace_id, since_ns)
        with self.keeping("the traces"):
            played = {each.trace_id for each in story.receiver.spans(test_id=story.test_id, service=MOCK)}
            self.same("the traces in which the mock was asked", sorted(played), sorted({*story.trace_ids, trace_id}))

    def trace(self, story: Story, trace_id: str) -> None:
        """The request, each attempt and the mock's answers are spans of the page's trace, and say what happened."""
        spans = story.spans(PROXY, trace_id)
        request = next(each for each in spans if each.kind == "server")
        told = {each.name: request.attributes.get(each.name) for each in (STATUS, PROBLEM, END_REASON, ERROR_TYPE)}
        said = {"span status": request.status, **{name: each for name, each in told.items() if each is not None}}
        self.same("the request's span", said, request_of(self.scenario))
        answers = {each.parent_id: each.attributes for each in story.spans(MOCK, trace_id)}
        attempts = [(each, answers[each.span_id]) for each in spans if each.kind == "client"]
        within = {request.span_id, *(each.span_id for each in spans if each.kind == "internal")}
        self.same(
            "spans of attempts that are not the request's", {each.parent_id for each, _ in attempts} - within, set()
        )
        words = [in_words(each, mock) for each, mock in attempts if mock["surface"] != "threads"]
        self.same("the attempts' spans", words, attempts_of(self.scenario))

    def lines(self, story: Story, trace_id: str, since_ns: int) -> None:
        """The log tells the end of request and stream, and nothing worse than the scenario brings about."""
        expected, lines = lines_of(self.scenario), {each.event: each.fields for each in story.logs(trace_id=trace_id)}
        self.same("the trace's lines", list(lines), list(expected))
        for event, fields in lines.items():
            promised = expected.get(event, {})
            self.same(f"the line {event!r}", {name: fields.get(name) for name in promised}, promised)
        all_lines = [each for each in story.receiver.logs(service=PROXY) if each.time_ns >= since_ns]
        worse = [each.event for each in all_lines if each.fields["level"] not in ("info", "debug")]
        self.same("warnings and errors in the log", worse, [*warnings_of(self.scenario)])


def in_words(span: Span, mock: Mapping[str, Any]) -> str:
    """An attempt as its span and that of the mock tell it."""
    number, outcome = span.attributes.get(RESENT.name, 0), span.attributes.get(ERROR_TYPE.name)
    return attempt(number, outcome, mock.get("scenario"), mock.get("fault"))


# --- the stories


def calm(stage: Stage, scenario: Scenario) -> None:
    """The proxy's breakers and its budgets for trying again, which count over all tests, leave room for a scenario."""
    if not stage.is_local:
        return
    if scenario.client.status >= 500:
        client = Client.opened_at(stage.page_url)
        for _ in range(MAX_TRIES + 1):
            answer = client.chat({"message": QUESTION}, baggage="mock.scenario=none,mock.pace=0")
            assert answer.status_code == 200, f"the proxy does not answer before the scenario begins: {answer.text}"
    surface = next(each for each in (Surface.AGENT, *TOOLS) if scenario.concerns(each))
    left = RETRY_BUDGET_LEFT.name, frozenset({("surface", surface.value)})
    while stage.counters()[left] * RetryBudget.FLOOR < retries_of(scenario):
        time.sleep(0.2)  # it counts the last ten seconds


@pytest.mark.rehearsal
@pytest.mark.parametrize("scenario", OF_AGENTS)
def test_the_reader_and_the_telemetry_tell_the_same(
    story: Story, watch: Watch, whole: Mapping[str, Sequence[str]], scenario: str
) -> None:
    """Under every scenario the reader sees what its file says, and traces, counters and lines tell why."""
    trial, played = Trial(SCENARIOS[scenario]), SCENARIOS[scenario]
    expected, question = shown_by(played), question_of(played)
    calm(story.stage, played)
    watch.allow(f"status of {max(played.client.status, 400)}")
    story.under(scenario)
    story.pace(0)
    for _ in range(played.asks - 1):
        trial.answer(Reading.of(story.ask(question)), "whole", whole[question])
    since_ns = time.time_ns()
    with trial.keeping("the counters"), story.moves(moves_of(played)):
        notes = Wait.noted(story.begins(question))
        turn = story.chat.ended()
    longest = Wait.longest(notes)
    trial.reads(f"the turn for {longest.ms:.0f} ms, its longest wait", longest.text, expected.meanwhile)
    trace_id = story.trace_id
    trial.page(story.chat, trace_id, whole[question])
    if expected.again is not None:
        count = story.chat.turns.count()
        turn.get_by_role("button", name="Try again").click()
        expect(story.chat.turns).to_have_count(count + 1)
        trial.answer(Reading.of(story.chat.ended()), expected.again, whole[question])
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
    watch.allow(f"status of {played.client.status}")
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
    watch.allow(f"status of {max(played.client.status, 400)}")
    page.get_by_label("Scenario", exact=True).select_option(scenario)
    expect(page.get_by_text(f"Scenario: {scenario} – {played.about}")).to_be_visible()
    story.ask(QUESTION)
    trace_id = story.trace_id
    trial.page(story.chat, trace_id, whole[QUESTION])
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text(f"Scenario: {scenario}")).to_be_hidden()
    trial.answer(Reading.of(story.ask(QUESTION)), "whole", whole[QUESTION])
    with trial.keeping("the trace"):
        trial.trace(story, trace_id)
    trial.check()
