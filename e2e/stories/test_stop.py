"""Stop, and ask again."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from contracts.telemetry import HISTORY_TURNS, STREAM_ENDS, TOKENS, UNPRICED, UPSTREAM_RETRIES
from contracts.traces import END_REASON, ERROR_TYPE, EVENTS
from e2e.answers import THREAD_THEN_RUN, answer_to, assert_told
from e2e.story import MOCK, PROXY, Moves, Story

pytestmark = pytest.mark.rehearsal

QUESTION = "Write the sales review for 2025"


def test_a_stopped_answer_ends_everywhere_and_the_next_one_comes(story: Story) -> None:
    """What came stays, the mock's connection is closed, nobody calls it an error; the next question is a new thread."""
    story.pace(1)
    moves: dict[str, Moves] = {
        STREAM_ENDS.name: [{"reason": "client_gone", "delta": 1}, {"delta": 1}],
        UPSTREAM_RETRIES.name: [{"delta": 0}],
        HISTORY_TURNS.name: [{"outcome": "stored", "delta": 1}],
        TOKENS.name: [{"delta": 0}],
        UNPRICED.name: [{"reason": "no_usage", "delta": 1}],
    }
    with story.moves(moves):
        turn = story.begins(QUESTION)
        expect(turn.get_by_role("heading", level=3).first).to_be_visible(timeout=20_000)
        story.chat.page.get_by_role("button", name="Stop").click()
        expect(story.chat.ended().get_by_text("You stopped this answer.")).to_be_visible()
    expect(story.chat.status).to_have_text("The answer was stopped.")
    expect(turn.get_by_role("heading", level=3).first).to_be_visible()
    request, *_ = story.spans(PROXY)
    assert (request.attributes[END_REASON.name], request.status) == ("client_gone", "unset")
    assert ERROR_TYPE.name not in request.attributes
    assert 0 < request.attributes[EVENTS.name] < len(answer_to(QUESTION).frames)
    run = story.spans(MOCK)[-1].attributes
    assert run["outcome"] == "client_gone"
    assert request.attributes[EVENTS.name] <= run["frames"] < len(answer_to(QUESTION).frames)
    assert story.journal()[0]["outcome"] == "client_gone"
    (ended,) = story.logs("stream ended")
    assert (ended.fields["reason"], ended.fields.get("problem")) == ("client_gone", None)
    story.never_warned()
    stopped = story.trace_id
    story.pace(0)
    again = story.ask("Net sales by region")
    expect(again.get_by_text("EMEA leads with 1,250.50")).to_be_visible()
    expect(again.get_by_text("New thread: the agent does not remember the questions above.")).to_be_visible()
    assert story.trace_id != stopped
    assert_told(story, "Net sales by region", THREAD_THEN_RUN)
