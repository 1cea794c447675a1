"""Two tabs of one browser: two sessions, two threads, two streams at once."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, expect

from contracts import telemetry, traces
from contracts.api import PREFIX
from contracts.telemetry import TokenOutcome
from e2e.page import REPORT_VIOLATIONS, Chat, Watch
from e2e.story import PROXY, Story

LONG, SHORT = "Write the sales review for 2025", "Net sales by region"


def history(story: Story, of: Story) -> tuple[int, list[str]]:
    """The status and the questions that a tab gets when it asks for the history of one."""
    session_id = session_of(of)
    answer = story.chat.page.request.get(
        f"{PREFIX}/history/{session_id}", headers={"Authorization": story.asked[-1].headers["authorization"]}
    )
    return answer.status, [each["question"] for each in answer.json().get("turns", [])]


def session_of(story: Story) -> str:
    """The session that a tab asked in."""
    session_ids = {request.post_data_json["sessionId"] for request in story.asked if request.post_data_json}
    assert len(session_ids) == 1
    return str(session_ids.pop())


def test_two_tabs_keep_to_themselves(context: BrowserContext, story: Story, watch: Watch) -> None:
    """Both answers stream at once, each into its own tab; neither tab sees the other's text, thread or history."""
    expect(story.chat.page.get_by_text("Session renews in")).to_be_visible()  # or its token is counted as the other's
    other_page = context.new_page()
    other_page.add_init_script(REPORT_VIOLATIONS)
    other_page.on("console", watch.console)
    other_page.on("pageerror", watch.error)
    other_page.on("request", watch.request)
    with story.moves(
        {
            telemetry.STREAM_ENDS.name: {"reason": "completed", "delta": 2},
            telemetry.SESSION_TOKENS.name: {"outcome": TokenOutcome.ISSUED.value, "delta": 1},
        }
    ):
        other = Story(Chat(other_page).open(), story.stage, story.test_id)
        story.pace(0.5)  # so slow that the short answer ends within it, however late it is asked for
        other.pace(0.1)
        turn = story.begins(LONG)
        expect(turn.get_by_role("heading", level=3).first).to_be_visible(timeout=20_000)
        other_turn = other.ask(SHORT)
        expect(other_turn.get_by_text("EMEA leads with 1,250.50")).to_be_visible()
        expect(story.chat.ended().get_by_text("The Americas are out of every comparison.")).to_be_visible()

    for each, asked in ((story, LONG), (other, SHORT)):
        expect(each.chat.turns).to_have_count(1)
        expect(each.chat.turns.get_by_role("heading", name=asked)).to_be_visible()
    expect(turn.get_by_text("EMEA leads with 1,250.50")).to_have_count(0)
    assert history(story, story) == (200, [LONG])
    assert history(other, other) == (200, [SHORT])
    assert history(other, story) == history(story, other) == (404, [])

    spans = [each.spans(PROXY)[0] for each in (story, other)]
    for attribute in (traces.SESSION_ID, traces.CONVERSATION):
        assert len({span.attributes[attribute.name] for span in spans}) == 2, attribute
    assert spans[0].start_ns < spans[1].start_ns < spans[1].end_ns < spans[0].end_ns
    runs = [each for each in story.journal() if each["surface"] == "agent"]
    assert {each["trace_id"] for each in runs} == {story.trace_id, other.trace_id}
    assert story.stage.journal(f"{story.test_id}-of-somebody-else") == []
