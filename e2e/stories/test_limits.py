"""Limits: who asks too often or too much at once is told so at once, and nobody else notices."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from contracts.api import PREFIX
from contracts.telemetry import LIMIT_DECISIONS, REQUESTS, STREAM_ENDS, UPSTREAM_ATTEMPTS
from contracts.traces import PROBLEM, STATUS
from e2e.page import Chat, Watch
from e2e.reading import Reading, Verdict
from e2e.stage import Stage, telling
from e2e.story import PROXY, Story
from e2e.telemetry import Receiver

QUESTION = "Net sales by region"
ANSWER = "EMEA leads with 1,250.50"
CHAT = {"route": f"{PREFIX}/chat"}
Moves = Mapping[str, list[Mapping[str, Any]]]
CHATS = 2
"""How many a reader may ask in an hour."""

LIMITS = {
    "CORTEX_PROXY_POLICIES__CHAT__RATE": str(CHATS),
    "CORTEX_PROXY_POLICIES__CHAT__WINDOW_S": "3600",
    "CORTEX_PROXY_POLICIES__CHAT__BURST": "100",
    "CORTEX_PROXY_POLICIES__CHAT__AT_ONCE": "1",
}


@pytest.fixture(scope="module")
def limited(receiver: Receiver) -> Iterator[Stage]:
    """A stack of its own, whose limits a reader can reach."""
    with telling(receiver, LIMITS) as own:
        yield Stage.of(own, receiver)


@pytest.fixture(scope="module")
def browser_context_args(browser_context_args: dict[str, Any], limited: Stage) -> dict[str, Any]:
    """Pages here are that stack's."""
    return {**browser_context_args, "base_url": limited.page_url}


@pytest.fixture
def stage_of_test(limited: Stage) -> Stage:
    """Stories here are played on that stack."""
    return limited


def assert_answered(turn: Locator, who: str) -> None:
    """A turn that has ended holds the answer.   who: asked it, and why they may."""
    found, verdict = Reading.of(turn), Verdict(f"{who}: must be answered")
    verdict.same("the error on the page", found.problem, None)
    verdict.reads("the turn on the page", found.text, [ANSWER])
    verdict.check()


def card_of(turn: Locator) -> Locator:
    """Where a turn says what went wrong."""
    return turn.get_by_role("region", name="Error")


def refusal(verdict: Verdict, turn: Locator, problem: str) -> None:
    """A turn that has ended was refused, and shows nothing but that."""
    found = Reading.of(turn)
    verdict.same("the type of the error on the page", found.problem and found.problem["type"], problem)
    verdict.reads("the turn on the page", found.text, [], [ANSWER])


def told_as_refused(verdict: Verdict, story: Story, problem: str) -> None:
    """The newest question went no further than the proxy, and its span and its line say why."""
    request, *attempts = story.spans(PROXY)
    verdict.same("the attempts upstream", len(attempts), 0)
    said = {name: request.attributes.get(name) for name in (STATUS.name, PROBLEM.name)}
    verdict.same("the request's span", said, {STATUS.name: 429, PROBLEM.name: problem})
    (line,) = story.logs("request")
    said = {name: line.fields.get(name) for name in ("status", "problem")}
    verdict.same("the line 'request'", said, {"status": 429, "problem": problem})


def retry_after(story: Story) -> str | None:
    """What the proxy's answer to the newest question says of waiting."""
    response = story.asked[-1].response()
    return response.header_value("retry-after") if response else None


def test_a_reader_who_asks_too_often_is_told_how_long_to_wait(story: Story, watch: Watch, browser: Browser) -> None:
    """Of three questions two are answered; the third is refused without asking Snowflake, and others may still ask."""
    watch.allow("status of 429")
    for number in range(1, CHATS + 1):
        assert_answered(
            story.ask(QUESTION), f"question {number} of the {CHATS} that each reader may ask, one at a time"
        )
    moves: Moves = {
        LIMIT_DECISIONS.name: [
            {"policy": "chat", "decision": "refused", "delta": 1},
            {"policy": "chat", "decision": "allowed", "delta": 0},
        ],
        REQUESTS.name: [{**CHAT, "status_class": "4xx", "delta": 1}, {**CHAT, "delta": 1}],
        UPSTREAM_ATTEMPTS.name: [{"delta": 0}],
        STREAM_ENDS.name: [{"delta": 0}],
    }
    verdict = Verdict(f"question {CHATS + 1} of a reader who may ask {CHATS} in an hour: must be refused by the proxy")
    with verdict.keeping("the counters"), story.moves(moves):
        turn = story.ask(QUESTION)
    refusal(verdict, turn, "rate-limited")
    with verdict.keeping("the telemetry"):
        told_as_refused(verdict, story, "rate-limited")
    verdict.check()
    card = card_of(turn)
    expect(card.get_by_role("heading", name="Too many requests")).to_be_visible()
    expect(card.get_by_text(f"{CHATS} requests per 3600 s (chat) are allowed, and used up")).to_be_visible()
    says = f"the page must say how long to wait, as the proxy's answer does: Retry-After {retry_after(story)}"
    expect(card.get_by_text(re.compile(r"^Wait 3[56]\d\d s before you try again\.$")), says).to_be_visible()
    somebody_else = browser.new_context(base_url=story.stage.page_url)
    try:
        other = Chat(somebody_else.new_page()).open()
        assert_answered(
            other.ask(QUESTION), "another reader, who has asked nothing yet, whatever the first one used up"
        )
    finally:
        somebody_else.close()


def test_a_second_answer_at_once_is_refused_until_the_first_has_ended(story: Story) -> None:
    """In a duplicated tab a question is refused while an answer comes in the first, and answered once that is over."""
    with story.chat.page.expect_popup() as opened:
        story.chat.page.evaluate("() => { window.open('/'); }")
    second = Story(Chat(opened.value).open(), story.stage, story.test_id)
    story.pace(10)
    first = story.begins(QUESTION)
    expect(first.get_by_text("Planning the next steps").first).to_be_visible(timeout=15_000)
    moves: Moves = {
        LIMIT_DECISIONS.name: [{"policy": "chat", "decision": "refused", "delta": 1}],
        REQUESTS.name: [{**CHAT, "status_class": "4xx", "delta": 1}, {**CHAT, "delta": 1}],
        UPSTREAM_ATTEMPTS.name: [{"delta": 0}],
    }
    verdict = Verdict("a second question while the answer to the first still comes: must be refused by the proxy")
    with verdict.keeping("the counters"), second.moves(moves):
        turn = second.ask(QUESTION)
    refusal(verdict, turn, "too-many-streams")
    with verdict.keeping("the telemetry"):
        told_as_refused(verdict, second, "too-many-streams")
    verdict.check()
    card = card_of(turn)
    expect(card.get_by_text("chat: 1 requests at once are allowed, and all are in progress")).to_be_visible()
    story.chat.stop()
    expect(story.chat.ended().get_by_text("You stopped this answer.")).to_be_visible()
    story.logs("stream ended")
    count = second.chat.turns.count()
    card.get_by_role("button", name="Try again").click()
    expect(second.chat.turns).to_have_count(count + 1)
    expect(second.chat.ended().get_by_text(ANSWER)).to_be_visible()
