"""The first question: an answer on the page, and one trace from the browser to the mock."""

from __future__ import annotations

from playwright.sync_api import expect

from e2e.story import Story


def test_the_first_question_is_answered_and_told(story: Story) -> None:
    """A reader asks, reads the answer, and one trace leads from the page's request through the proxy to the mock."""
    completed = {"cortex_proxy_stream_end_total": {"reason": "completed", "delta": 1}}
    with story.moves(completed):
        turn = story.ask("Net sales by region")
    expect(turn.get_by_text("EMEA leads with 1,250.50, APAC follows with 980.00.")).to_be_visible()
    request, *attempts = story.spans("cortex-proxy")
    assert {each.parent_id for each in attempts} == {request.span_id}
    assert [each.parent_id for each in story.spans("cortex-mock")] == [each.span_id for each in attempts]
    assert request.attributes["cortex.stream.end_reason"] == "completed"
    thread, run = reversed(story.journal())
    assert (thread["outcome"], run["outcome"]) == ("answered", "answered")
