"""Bad networks: a slow one, and one that goes and comes back, as readers see them and as telemetry tells of them."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from contracts import telemetry
from e2e.cable import cable_to
from e2e.page import Chat, Watch
from e2e.stage import Stage
from e2e.story import PROXY, Story, moved

LONG = "Write the sales review for 2025"

SLOW = {"offline": False, "latency": 600, "downloadThroughput": 40_000, "uploadThroughput": 40_000}
"""Milliseconds, and bytes a second: as far out in the country as a page is still waited for."""

GROWTH = """() => {
  const lengths = (globalThis.lengths = new Set());
  const note = () => lengths.add([...document.querySelectorAll("article")].at(-1)?.textContent.length ?? 0);
  new MutationObserver(note).observe(document.body, { childList: true, characterData: true, subtree: true });
}"""
"""Keeps how long the newest turn was, each time that it changed."""


def test_a_slow_network_is_told_apart_from_a_slow_agent(story: Story) -> None:
    """The answer comes in pieces and to its end; the page's time to the first text grows, the proxy's does not."""
    page = story.chat.page
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.emulateNetworkConditions", SLOW)
    page.evaluate(GROWTH)
    before = story.stage.counters()
    with story.moves(
        {
            telemetry.STREAM_ENDS.name: {"reason": "completed", "delta": 1},
            telemetry.CLIENT_STREAM_OUTCOMES.name: {"outcome": "completed", "delta": 1},
            f"{telemetry.CLIENT_FIRST_TOKEN.name}_count": {"delta": 1},
            telemetry.STREAM_STALLS.name: {"delta": 0},
            f"{telemetry.CLIENT_STALL.name}_count": {"delta": 0},
        }
    ):
        turn = story.ask(LONG)
    expect(turn.get_by_text("The Americas are out of every comparison.")).to_be_visible()
    assert len(page.evaluate("[...lengths]")) > 10
    after = story.stage.counters()
    of_page, of_proxy = (
        moved(before, after, f"{metric.name}_sum", {})
        for metric in (telemetry.CLIENT_FIRST_TOKEN, telemetry.STREAM_FIRST_TOKEN)
    )
    assert of_page > SLOW["latency"] / 1000 > of_proxy, f"page {of_page:.3f} s, proxy {of_proxy:.3f} s"


def test_a_network_that_goes_and_comes_back(page: Page, stage: Stage, watch: Watch, test_id: str) -> None:
    """What had come stays, what is asked offline never leaves, and afterwards all goes on and is told."""
    watch.allow("net::ERR_")
    with cable_to(stage.page_url) as cable:
        watch.origin = cable.url
        page.goto(cable.url)
        story = Story(Chat(page), stage, test_id)
        story.pace(1)
        with story.moves(
            {
                telemetry.STREAM_ENDS.name: [
                    {"reason": "client_gone", "delta": 1},
                    {"reason": "completed", "delta": 1},
                ],
                telemetry.CLIENT_STREAM_OUTCOMES.name: [
                    {"outcome": "disconnected", "delta": 1},
                    {"outcome": "error", "delta": 1},
                    {"outcome": "completed", "delta": 1},
                ],
                telemetry.CLIENT_PAGE_ERRORS.name: {"kind": "network", "delta": 1},
            }
        ):
            turn = story.begins(LONG)
            heading = turn.get_by_role("heading", level=4).first
            expect(heading).to_be_visible()
            page.context.set_offline(True)
            cable.pull()
            lost = story.chat.ended()
            expect(lost.get_by_role("heading", name="The connection was lost")).to_be_visible()
            expect(heading).to_be_visible()
            refused = story.ask("Net sales by region")
            expect(refused.get_by_text("This browser is offline. Once it is back, ask again.")).to_be_visible()
            story.pace(0)
            cable.plug()
            page.context.set_offline(False)
            refused.get_by_role("button", name="Try again").click()
            expect(story.chat.turns).to_have_count(3)
            expect(story.chat.ended().get_by_text("EMEA leads with 1,250.50")).to_be_visible()
        begun, unsent, answered = story.trace_ids
        assert story.spans(PROXY, begun)[0].attributes["cortex.stream.end_reason"] == "client_gone"
        assert story.spans(PROXY, answered)[0].attributes["cortex.stream.end_reason"] == "completed"
        story.receiver.never(
            lambda: [span for span in story.receiver.spans(test_id=test_id, service=PROXY) if span.trace_id == unsent],
            "a span of the question that was asked offline",
            after=lambda: story.spans(PROXY, answered),
            test_id=test_id,
        )
        assert [each["outcome"] for each in story.journal() if each["surface"] == "agent"] == [
            "answered",
            "client_gone",
        ]
