"""Stop, and ask again."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from contracts.telemetry import HISTORY_TURNS, STREAM_ENDS, TOKENS, UNPRICED, UPSTREAM_RETRIES
from contracts.traces import END_REASON, ERROR_TYPE, EVENTS
from e2e.answers import THREAD_THEN_RUN, answer_to, assert_told
from e2e.reading import Verdict
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
    run = story.spans(MOCK)[-1].attributes
    (ended,) = story.logs("stream ended")
    verdict = Verdict("an answer that the reader stopped: span, line and mock must each say that the reader left it")
    said = {
        "status": request.status,
        **{each: request.attributes.get(each) for each in (END_REASON.name, ERROR_TYPE.name)},
    }
    verdict.same("the request's span", said, {"status": "unset", END_REASON.name: "client_gone", ERROR_TYPE.name: None})
    said = {each: ended.fields.get(each) for each in ("reason", "problem")}
    verdict.same("the proxy's line 'stream ended'", said, {"reason": "client_gone", "problem": None})
    verdict.same("the mock's span", run["outcome"], "client_gone")
    verdict.same("the mock's journal", story.journal()[0]["outcome"], "client_gone")
    verdict.check()
    read, sent, whole = request.attributes[EVENTS.name], run["frames"], len(answer_to(QUESTION).frames)
    assert 0 < read <= sent < whole, (
        f"{whole} events recorded, the mock sent {sent}, the proxy read {read}: not in part"
    )
    story.never_warned()
    stopped = story.trace_id
    story.pace(0)
    again = story.ask("Net sales by region")
    expect(again.get_by_text("EMEA leads with 1,250.50")).to_be_visible()
    expect(again.get_by_text("New thread: the agent does not remember the questions above.")).to_be_visible()
    assert story.trace_id != stopped
    assert_told(story, "Net sales by region", THREAD_THEN_RUN)
