"""A conversation: charts, sources, follow-ups in their thread, suggestions; each turn a trace of its own."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import expect

from contracts.telemetry import AGENT_TOOL_CALLS, STREAM_ENDS, UPSTREAM_ATTEMPTS
from contracts.traces import CONVERSATION, SESSION_ID
from e2e.answers import RUN, THREAD_THEN_RUN, answer_to, assert_told
from e2e.reading import Verdict
from e2e.story import Story

pytestmark = pytest.mark.rehearsal


def test_three_kinds_of_chart_are_drawn(story: Story) -> None:
    """Bars, lines and points of one answer are drawn with their titles; every tool that the agent used is counted."""
    question = "Show me 2025 in three charts"
    tools = len(answer_to(question).data("response.tool_use"))
    with story.moves({f"{AGENT_TOOL_CALLS.exposed}_sum": [{"delta": tools}]}):
        turn = story.ask(question)
    for title, kind in (
        ("Net sales 2025 by country", "Bar chart of Net sales"),
        ("Net sales 2025 by month", "Line chart"),
        ("Customers 2025", "Scatter plot"),
    ):
        chart = turn.get_by_role("img", name=re.compile(re.escape(title)))
        expect(chart).to_have_accessible_name(re.compile(kind))
        expect(chart.locator("svg .role-mark path, canvas").first).to_be_visible()
    assert_told(story, question, THREAD_THEN_RUN)


def test_citations_are_numbered_and_lead_there_and_back(story: Story) -> None:
    """References lead to their sources and back; a web source opens apart and tells it nothing."""
    question = "How long is our warranty, and what is usual elsewhere?"
    turn = story.ask(question)
    page, sources = story.chat.page, turn.get_by_role("region", name="Sources")
    expect(sources.get_by_role("listitem")).to_have_count(3)
    expect(sources.get_by_text("Warranty on espresso machines")).to_be_visible()
    expect(sources.get_by_text("descaled every six months")).to_be_visible()
    expect(sources.get_by_role("link", name="www.example.org")).to_have_attribute("rel", "noopener noreferrer")
    assert turn.get_by_role("superscript").all_inner_texts() == ["1", "2", "3"]
    turn.get_by_role("link", name="Source 2: Warranty on espresso machines").click()
    expect(page.locator("li:target")).to_contain_text("Warranty on espresso machines")
    sources.get_by_role("link", name="Back to reference 2").click()
    expect(page.locator("a:target")).to_have_text("2")
    assert_told(story, question, THREAD_THEN_RUN)


def test_a_second_question_is_its_own_trace(story: Story) -> None:
    """Two questions are answered, each in a trace that leads from the page to the mock."""
    with story.moves({"cortex_proxy_stream_end_total": {"reason": "completed", "delta": 2}}):
        story.ask("Net sales by region")
        story.ask("What is the refund deadline?")
    first, second = story.trace_ids
    assert first != second
    for trace_id in (first, second):
        assert story.spans("cortex-mock", trace_id)[-1].attributes["outcome"] == "answered"
    story.never_warned()


def test_a_follow_up_stays_in_its_thread(story: Story) -> None:
    """Each question goes on where the last answer ended, as the mock was asked and the spans tell; a fresh one not."""
    questions = ("How did net sales develop from 2023 to 2024?", "Only EMEA, please", "Which country grew most?")
    threads = {UPSTREAM_ATTEMPTS.name: [{"surface": "agent", "outcome": "ok", "delta": 4}]}
    verdict = Verdict("three questions of one conversation: each must go on in the thread of the first")
    with (
        verdict.keeping("the counters"),
        story.moves({**threads, STREAM_ENDS.name: [{"reason": "completed", "delta": 3}]}),
    ):
        for question in questions:
            story.ask(question)
    places = ["threadId" in json.loads(each.post_data or "{}") for each in story.asked]
    verdict.same("whether the page's requests named a thread", places, [False, True, True])
    runs = [json.loads(each["request_body"]) for each in reversed(story.journal()) if each["surface"] == "agent"]
    found = [each["thread_id"] for each in runs]
    verdict.same("the threads in which the mock was asked", found, found[:1] * len(questions))
    verdict.check()
    expect(story.chat.turns).to_have_count(len(questions))
    expect(story.chat.turns.filter(has_text="New thread")).to_have_count(0)
    first, *others = [told_in(story, each) for each in story.trace_ids]
    assert all(each == first for each in others)
    assert len(set(story.trace_ids)) == 3
    assert_told(story, questions[-1], RUN)
    story.chat.page.get_by_role("button", name="New conversation").click()
    expect(story.chat.turns).to_have_count(0)
    story.ask("Net sales by region")
    assert_told(story, "Net sales by region", THREAD_THEN_RUN)
    thread, session = told_in(story, story.trace_id)
    assert (thread, session) == (first[0] + 1, first[1])
    runs = [json.loads(each["request_body"]) for each in reversed(story.journal()) if each["surface"] == "agent"]
    assert [each["thread_id"] for each in runs] == [first[0]] * 3 + [thread]
    parents = [each["parent_message_id"] for each in runs]
    assert (parents[0], parents[3], len(set(parents[:3]))) == (0, 0, 3)


def told_in(story: Story, trace_id: str) -> tuple[int, Any]:
    """Thread and session that a turn's span tells."""
    request = story.spans("cortex-proxy", trace_id)[0].attributes
    return int(request[CONVERSATION.name]), request[SESSION_ID.name]


def test_a_suggested_query_is_the_next_turn(story: Story) -> None:
    """A suggestion below an answer asks itself: a trace of its own, in the same session and thread."""
    turn = story.ask("Net sales by region")
    suggested = "How did EMEA develop month by month?"
    with story.moves({STREAM_ENDS.name: [{"reason": "completed", "delta": 1}, {"delta": 1}]}):
        turn.get_by_role("button", name=suggested).click()
        expect(story.chat.turns).to_have_count(2)
        expect(story.chat.ended().get_by_role("heading", name=suggested)).to_be_visible()
    assert_told(story, suggested, RUN)
    before, after = (told_in(story, each) for each in story.trace_ids)
    assert before == after
