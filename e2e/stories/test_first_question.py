"""The first question: an answer with all its parts on the page, and one trace from the browser to the mock."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from contracts.telemetry import AGENT_TOOL_CALLS, STREAM_ENDS, TOKENS, UPSTREAM_ATTEMPTS, UPSTREAM_RETRIES
from e2e.answers import THREAD_THEN_RUN, answer_to, assert_told
from e2e.story import Moves, Story

pytestmark = pytest.mark.rehearsal

QUESTION = "Net sales by region"


def test_the_first_question_is_answered_and_told(story: Story) -> None:
    """Folded thinking, finished tools, a table, a chart and words are read; trace, lines, tokens and tools tell it."""
    answer = answer_to(QUESTION)
    model = answer.used[0]["model_name"]
    moves: dict[str, Moves] = {
        STREAM_ENDS.name: [{"reason": "completed", "delta": 1}, {"delta": 1}],
        TOKENS.name: [
            {"model": model, "kind": "input", "delta": answer.tokens("input_tokens", "total")},
            {"model": model, "kind": "cached", "delta": answer.tokens("input_tokens", "cache_read")},
            {"model": model, "kind": "output", "delta": answer.tokens("output_tokens", "total")},
        ],
        UPSTREAM_ATTEMPTS.name: [{"surface": "agent", "outcome": "ok", "delta": 2}, {"delta": 2}],
        UPSTREAM_RETRIES.name: [{"delta": 0}],
        f"{AGENT_TOOL_CALLS.exposed}_sum": [{"delta": 3}],
    }
    with story.moves(moves):
        turn = story.ask(QUESTION)
    expect(turn.get_by_text(re.compile("Thought for"))).to_be_visible()
    expect(turn.get_by_text("so I query the sales view")).to_be_hidden()
    for tool in ("Read the semantic model", "Run SQL", "Draw a chart"):
        expect(turn.locator("summary", has_text=tool).get_by_text("Done")).to_be_visible()
    expect(turn.get_by_role("table", name="Net sales by region").get_by_role("cell", name="1,250.50")).to_be_visible()
    expect(turn.get_by_role("img", name="Net sales 2025").locator("svg")).to_be_visible()
    expect(turn.get_by_text("EMEA leads with 1,250.50, APAC follows with 980.00.")).to_be_visible()
    expect(story.chat.status).to_have_text("The answer is complete.")
    assert_told(story, QUESTION, THREAD_THEN_RUN)
    assert [each["outcome"] for each in story.journal()] == ["answered", "answered"]
    assert story.trace_id in turn_facts(story)


def turn_facts(story: Story) -> list[str]:
    """What the newest turn's details say."""
    story.chat.turn.get_by_text("Details").click()
    return story.chat.turn.get_by_role("definition").all_inner_texts()
