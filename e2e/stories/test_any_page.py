"""What holds for every page in front of the client API: stories that need no more of it than `ChatPage` offers."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from e2e.page import ChatPage, Watch
from e2e.story import PROXY, Story

QUESTION = "Net sales by region"
ANSWER = "EMEA leads with 1,250.50, APAC follows with 980.00."
LONG_QUESTION = "Write the sales review for 2025"
AS_RECORDED = 1.0


@pytest.mark.anywhere
def test_a_question_is_answered(story: Story) -> None:
    """A question gets an answer without a problem, and the page's trace leads to the proxy."""
    chat: ChatPage = story.chat
    turn = chat.ask(QUESTION)
    expect(chat.turns).to_have_count(1)
    expect(chat.problem).to_have_count(0)
    assert len(turn.inner_text()) > len(QUESTION) + 20
    request, *_ = story.spans(PROXY)
    assert request.attributes["http.response.status_code"] == 200


@pytest.mark.anywhere
def test_a_stopped_answer_does_not_stand_in_the_way(story: Story) -> None:
    """A reader stops a long answer, and the next question is answered below it."""
    chat: ChatPage = story.chat
    story.pace(AS_RECORDED)
    chat.send(LONG_QUESTION)
    chat.stop()
    chat.ended()
    story.pace(None)
    chat.ask(QUESTION)
    expect(chat.turns).to_have_count(2)
    expect(chat.problem).to_have_count(0)


@pytest.mark.rehearsal
def test_the_answer_is_what_the_agent_said(story: Story) -> None:
    """The words that were recorded are read on the page, once, and the mock was asked for them once."""
    chat: ChatPage = story.chat
    turn = chat.ask(QUESTION)
    expect(turn.get_by_text(ANSWER)).to_have_count(1)
    asked = [each for each in story.journal() if each["path"].endswith(":run")]
    assert [each["outcome"] for each in asked] == ["answered"]


@pytest.mark.rehearsal
@pytest.mark.parametrize(
    ("scenario", "problem"),
    [
        pytest.param("throttled", "upstream-throttled", id="refused"),
        pytest.param("ends_early", "upstream-truncated", id="broken-off"),
    ],
)
def test_a_problem_is_told_and_the_next_question_works(story: Story, watch: Watch, scenario: str, problem: str) -> None:
    """What went wrong is told by its type, where a reader looks for it, and passes."""
    watch.allow("status of 429")
    chat: ChatPage = story.chat
    story.under(scenario)
    chat.ask(QUESTION)
    expect(chat.problem).to_contain_text(problem)
    story.under(None)
    turn = chat.ask(QUESTION)
    expect(turn.get_by_text(ANSWER)).to_be_visible()
    expect(chat.problem).to_have_count(0)
