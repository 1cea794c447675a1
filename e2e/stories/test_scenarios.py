"""Every scenario of the catalogue: what the reader of the page meets, and all that is told of it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, JSHandle, Locator, Page, expect

from contracts.api import PROBLEM_BASE, ProblemType
from contracts.telemetry import RETRY_BUDGET_LEFT
from contracts.traces import END_REASON, ERROR_TYPE, PROBLEM, RESENT, STATUS
from e2e.client_api import Client
from e2e.page import REPORT_VIOLATIONS, Chat, Watch
from e2e.plugin import ADD_BAGGAGE
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
def whole(opened: Chat) -> dict[str, list[str]]:
    """The whole answers as they stand on the page when nothing goes wrong, by question."""
    expected = [(each, each.page) for each in SCENARIOS.values() if each.page is not None]
    questions = {question_of(each) for each, page in expected if "whole" in (page.answer, page.again)}
    return {question: Reading.of(opened.ask(question)).answer for question in questions}


@pytest.fixture
def page(opened: Chat, whole: dict[str, list[str]], watch: Watch, test_id: str) -> Iterator[Page]:
    """The page with nothing on it, watched for this test."""
    page = opened.page
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


# --- what is read


@dataclass(frozen=True)
class Reading:
    """What stands in a turn that has ended.

    answer: its lines as a screen reader has them, from the question to the answer's end; how long things took is left
    out, which differs each time.   problem: the card of a problem: its title, its facts and its offers.
    """

    answer: list[str]
    problem: dict[str, Any] | None
    text: str

    @classmethod
    def of(cls, turn: Locator) -> Reading:
        """What stands in this one."""
        card = turn.get_by_role("region", name="Error")
        return cls(_answer(turn), _card(card) if card.count() else None, turn.inner_text())


FOOT = re.compile(r"  - (region \"Error\"|button \"Copy answer\"|text: …)")


def _answer(turn: Locator) -> list[str]:
    spoken = re.sub(r"\d[\d.,]* m?s\b", "…", turn.aria_snapshot()).splitlines()
    question = next(number for number, line in enumerate(spoken) if "heading" in line)  # above it, a note may stand
    lines = []
    for line in spoken[question + 1 :]:
        if FOOT.match(line):
            break
        if not re.match(r"    +- img: ", line):  # a chart's picture is drawn later than the words that stand for it
            lines.append(line.removesuffix(":"))
    return lines


def _card(card: Locator) -> dict[str, Any]:
    facts = zip(
        card.get_by_role("term").all_inner_texts(), card.get_by_role("definition").all_inner_texts(), strict=True
    )
    shown = {name: value for name, value in facts if name in ("Type", "Trace id")}
    advice = re.search(r"(Wait .*|Trying again .*)$", card.inner_text(), re.MULTILINE)
    return {
        "title": card.get_by_role("heading").inner_text(),
        **shown,
        "offers": card.get_by_role("button").all_inner_texts(),
        "advice": advice[0] if advice else None,
    }


def shown_by(scenario: Scenario) -> PageExpectation:
    """What its file says of the page."""
    assert scenario.page is not None, f"mocks/scenarios/{scenario.scenario}.yaml does not say what the page shows"
    return scenario.page


def problem_of(scenario: Scenario, expected: PageExpectation, trace_id: str) -> dict[str, Any] | None:
    """The card that a scenario's problem is told by."""
    if scenario.client.problem is None:
        return None
    kind = CATALOGUE[ProblemType(scenario.client.problem)]
    hopeless = None if kind.retryable else "Trying again without a change will probably fail again."
    return {
        "title": kind.title,
        "Type": scenario.client.problem,
        "Trace id": trace_id,
        "offers": ["Try again"],
        "advice": hopeless if expected.wait_s is None else f"Wait {expected.wait_s} s before you try again.",
    }


def check_answer(found: Reading, shown: str, whole: list[str]) -> None:
    """So much of the answer stands there."""
    if shown == "whole":
        assert found.answer == whole
    elif shown == "none":
        assert found.answer == []
    else:
        assert found.answer
        assert found.answer != whole


def check_page(chat: Chat, found: Reading, scenario: Scenario, trace_id: str, whole: list[str]) -> None:
    """The reader sees what the scenario's file says, and is told of its problem."""
    expected = shown_by(scenario)
    check_answer(found, expected.answer, whole)
    assert found.problem == problem_of(scenario, expected, trace_id)
    assert [each for each in expected.reads if each not in found.text] == [], found.text
    assert [each for each in expected.misses if each in found.text] == [], found.text
    said = "The answer is complete." if found.problem is None else f"Error: {found.problem['title']}."
    expect(chat.status).to_have_text(said)


# --- what is read meanwhile

NOTE_STATES = """(turn) => {
  const states = [];
  const note = () => states.push([performance.now(), turn.getAttribute("aria-busy") !== "false", turn.textContent]);
  const observed = { subtree: true, childList: true, characterData: true, attributeFilter: ["aria-busy"] };
  new MutationObserver(note).observe(turn, observed);
  note();
  return states;
}"""
"""Notes what stands in a turn, and since when; to look now and then would miss what stands for a moment."""


@dataclass(frozen=True)
class Wait:
    """The longest time for which nothing new came, and what stood there."""

    ms: float
    text: str

    @classmethod
    def longest(cls, states: list[tuple[float, bool, str]]) -> Wait:
        """Of all waits until the turn ended."""
        noted = pairwise(states)
        waits = [cls(until_ms - since_ms, text) for (since_ms, busy, text), (until_ms, *_) in noted if busy]
        return max(waits, key=lambda each: each.ms, default=cls(0.0, ""))


def ask_and_note(story: Story, question: str) -> tuple[Locator, Wait]:
    """The turn once it has ended, and the longest wait in it."""
    states: JSHandle = story.begins(question).evaluate_handle(NOTE_STATES)
    turn = story.chat.ended()
    return turn, Wait.longest(states.json_value())


# --- what is told


def check_trace(story: Story, scenario: Scenario, trace_id: str) -> None:
    """The request, each attempt and the mock's answers are spans of the page's trace, and say what happened."""
    spans, tree = story.spans(PROXY, trace_id), story.receiver.tree(trace_id)
    request = next(each for each in spans if each.kind == "server")
    told = {each.name: request.attributes.get(each.name) for each in (STATUS, PROBLEM, END_REASON, ERROR_TYPE)}
    found = {name: value for name, value in told.items() if value is not None}
    assert {**found, "status": request.status} == request_of(scenario), tree
    answers = {each.parent_id: each.attributes for each in story.spans(MOCK, trace_id)}
    attempts = [(each, answers[each.span_id]) for each in spans if each.kind == "client"]
    within = {request.span_id, *(each.span_id for each in spans if each.kind == "internal")}
    assert {each.parent_id for each, _ in attempts} <= within, tree
    words = [in_words(each, mock) for each, mock in attempts if mock["surface"] != "threads"]
    assert words == attempts_of(scenario), tree


def in_words(span: Span, mock: Mapping[str, Any]) -> str:
    """An attempt as its span and that of the mock tell it."""
    number, outcome = span.attributes.get(RESENT.name, 0), span.attributes.get(ERROR_TYPE.name)
    return attempt(number, outcome, mock.get("scenario"), mock.get("fault"))


def check_lines(story: Story, scenario: Scenario, trace_id: str, since_ns: int) -> None:
    """The log tells the end of the request and of its stream, and nothing worse than the scenario brings about."""
    expected = lines_of(scenario)
    lines = {each.event: each.fields for each in story.logs(trace_id=trace_id)}
    tree = story.receiver.tree(trace_id)
    found = {event: {name: fields.get(name) for name in expected.get(event, ())} for event, fields in lines.items()}
    assert found == expected, tree
    all_lines = [each for each in story.receiver.logs(service=PROXY) if each.time_ns >= since_ns]
    worse = [each.event for each in all_lines if each.fields["level"] not in ("info", "debug")]
    assert worse == [*warnings_of(scenario)], tree


def check_told(story: Story, scenario: Scenario, trace_id: str, since_ns: int) -> None:
    """Spans and lines tell what happened; nothing was played for this test but in the traces it asked in."""
    check_trace(story, scenario, trace_id)
    check_lines(story, scenario, trace_id, since_ns)
    played = {each.trace_id for each in story.receiver.spans(test_id=story.test_id, service=MOCK)}
    assert played == {*story.trace_ids, trace_id}


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
    story: Story, watch: Watch, whole: Mapping[str, list[str]], scenario: str
) -> None:
    """Under every scenario the reader sees what its file says, and traces, counters and lines tell why."""
    played = SCENARIOS[scenario]
    expected, question = shown_by(played), question_of(played)
    calm(story.stage, played)
    watch.allow(f"status of {max(played.client.status, 400)}")
    story.under(scenario)
    story.pace(0)
    for _ in range(played.asks - 1):
        check_answer(Reading.of(story.ask(question)), "whole", whole[question])
    since_ns = time.time_ns()
    with story.moves(moves_of(played)):
        turn, wait = ask_and_note(story, question)
    assert [each for each in expected.meanwhile if each not in wait.text] == [], f"for {wait.ms:g} ms: {wait.text}"
    check_page(story.chat, Reading.of(turn), played, story.trace_id, whole.get(question, []))
    check_told(story, played, story.trace_id, since_ns)
    if expected.again is not None:
        count = story.chat.turns.count()
        turn.get_by_role("button", name="Try again").click()
        expect(story.chat.turns).to_have_count(count + 1)
        check_answer(Reading.of(story.chat.ended()), expected.again, whole[question])


CALL_TOOL = """async ([tool, request]) => {
  const { createClient } = await import("/client/shared/index.js");
  const client = createClient({ retry: { tries: 1 }, metrics: false, renewInBackground: false });
  return client[tool](request).then(() => null, (error) => error.problem);
}"""
"""What other pages do, with the client that this page has: it calls no tool itself."""


@pytest.mark.rehearsal
@pytest.mark.parametrize("scenario", OF_TOOLS)
def test_a_tool_fails_alone(story: Story, watch: Watch, whole: Mapping[str, list[str]], scenario: str) -> None:
    """While one tool of Snowflake fails, its caller is told so, and the agent's answers are whole."""
    played = SCENARIOS[scenario]
    assert played.client.problem is not None, "a scenario of a tool ends with a problem"
    calm(story.stage, played)
    watch.allow(f"status of {played.client.status}")
    story.under(scenario)
    story.pace(0)
    turn = Reading.of(story.ask(QUESTION))
    check_answer(turn, shown_by(played).answer, whole[QUESTION])
    assert turn.problem is None
    surface = next(each for each in TOOLS if played.concerns(each))
    since_ns = time.time_ns()
    with story.moves(moves_of(played)):
        problem = story.chat.page.evaluate(CALL_TOOL, TOOLS[surface])
    found = {name: problem.get(name) for name in ("type", "title", "status")}
    kind = CATALOGUE[ProblemType(played.client.problem)]
    assert found == {"type": PROBLEM_BASE + played.client.problem, "title": kind.title, "status": kind.status}
    check_told(story, played, problem["traceId"], since_ns)


@pytest.mark.rehearsal
@pytest.mark.parametrize("scenario", ["cut_mid_stream", "throttled_with_advice"])
def test_a_scenario_is_chosen_on_the_page(
    story: Story, watch: Watch, whole: Mapping[str, list[str]], scenario: str
) -> None:
    """A scenario that is chosen in the panel is named above the question, played, and over once it is cleared."""
    played, page = SCENARIOS[scenario], story.chat.page
    watch.allow(f"status of {max(played.client.status, 400)}")
    page.get_by_label("Scenario", exact=True).select_option(scenario)
    expect(page.get_by_text(f"Scenario: {scenario} – {played.about}")).to_be_visible()
    check_page(story.chat, Reading.of(story.ask(QUESTION)), played, story.trace_id, whole[QUESTION])
    check_trace(story, played, story.trace_id)
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text(f"Scenario: {scenario}")).to_be_hidden()
    check_answer(Reading.of(story.ask(QUESTION)), "whole", whole[QUESTION])
    assert {each["scenario"] for each in story.journal()} == {scenario, None}
