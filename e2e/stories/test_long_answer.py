"""Six hundred deltas: whole, and without holding the page up."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from playwright.sync_api import Page, Route, expect

from contracts import telemetry
from e2e.effort import busy
from e2e.page import Chat
from e2e.stage import Stage
from e2e.story import Story

LONG = "Write the sales review for 2025"

STOPWATCH = """() => {
  const seen = (globalThis.seen = { tasks: [], nodes: [], fromMs: performance.now() });
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) seen.tasks.push(duration);
  }).observe({ type: "longtask" });
  const size = (node) => 1 + (node.querySelectorAll?.("*").length ?? 0);
  new MutationObserver((changes) => {
    const added = changes.flatMap(({ addedNodes }) => [...addedNodes]);
    if (added.length) seen.nodes.push(added.reduce((sum, node) => sum + size(node), 0));
  }).observe(document.body, { childList: true, subtree: true });
}"""
"""Keeps how many nodes each draw makes, and the milliseconds of each task of more than 50."""

GROWTH = 5
"""A draw at the end makes at most so many times the nodes of one at the beginning, whatever blocks they are in.

The one measure that no other work on the machine touches: 1 to 3, and 10 to 12 when every draw draws all anew.
"""

BUSY_SHARE = 0.5
"""Of the answer's time, how much the page's thread may compute: 0.3 as it is, most of it the screen's own frames."""

AT_ONCE_S = 0.5
"""How long it may compute on all of it at once, measured 0.1 s: from there on a page counts as slow to respond."""

BLOCKED_SHARE = 0.5
"""Of the answer's time, how much may lie in long tasks, each beyond its first 50 ms: nobody is answered meanwhile.

Clocks on the wall count others' work as well: 0 on a quiet machine, 0.1 with 16 processes on two cores, 0.4 with 25.
"""

FREEZES = "if (!final) this.#freeze(tokens);"
SPARES = "if (old && old.raw === token.raw && !redraw) return;"


@dataclass(frozen=True, slots=True)
class Cost:
    """What an answer cost: new nodes of each draw, long tasks in milliseconds; time on the wall and of the thread."""

    nodes: list[int]
    tasks: list[float]
    took_s: float
    busy_s: float

    @property
    def growth(self) -> float:
        """How many times more nodes a draw of the last third makes than one of the first."""
        third = len(self.nodes) // 3
        return statistics.mean(self.nodes[-third:]) / statistics.mean(self.nodes[:third])

    @property
    def blocked_s(self) -> float:
        """How long the page could not respond."""
        return sum(task - 50 for task in self.tasks) / 1000


def cost_of(story: Story, pace: float) -> Cost:
    """Ask for the long answer, and tell what it cost."""
    page = story.chat.page
    story.pace(pace)
    page.evaluate(STOPWATCH)
    busy_s = busy(page)
    story.ask(LONG)
    seen = page.evaluate("({ ...seen, tookMs: performance.now() - seen.fromMs })")
    return Cost(seen["nodes"], seen["tasks"], seen["tookMs"] / 1000, busy_s())


def test_a_long_answer_does_not_hold_the_page_up(story: Story) -> None:
    """Six hundred deltas arrive complete, the last draw costs no more than the first, and the page stays responsive."""
    with story.moves({telemetry.STREAM_ENDS.name: {"reason": "completed", "delta": 1}}):
        cost = cost_of(story, 0.25)
    turn = story.chat.turn
    expect(turn.get_by_role("heading", name="What to watch in 2026")).to_be_visible()
    expect(turn.get_by_text("The Americas are out of every comparison.")).to_be_visible()
    assert story.spans("cortex-proxy")[0].attributes["cortex.stream.events"] > 600
    assert len(cost.nodes) > 20, "the answer came in a few lumps"
    assert cost.growth < GROWTH, f"draws grow with the answer: {cost.nodes}"
    assert cost.busy_s < BUSY_SHARE * cost.took_s, f"the page computed {cost.busy_s:.1f} s of {cost.took_s:.1f} s"
    assert cost.blocked_s < BLOCKED_SHARE * cost.took_s, f"long tasks, in ms, of {cost.took_s:.1f} s: {cost.tasks}"


def test_a_long_answer_may_come_at_once(story: Story) -> None:
    """Six hundred deltas in a few pieces are shown complete, and cost less than a reader notices."""
    cost = cost_of(story, 0)
    expect(story.chat.turn.get_by_text("The Americas are out of every comparison.")).to_be_visible()
    assert cost.busy_s < AT_ONCE_S, f"the page computed for {cost.busy_s:.2f} s; long tasks, in ms: {cost.tasks}"


def test_a_page_that_draws_all_anew_is_found_out(page: Page, stage: Stage, test_id: str) -> None:
    """Without what spares finished text, each draw costs more than the one before it, and that is measured."""

    def spare_nothing(route: Route) -> None:
        source = route.fetch().text()
        assert FREEZES in source
        assert SPARES in source
        route.fulfill(body=source.replace(FREEZES, "").replace(SPARES, ""), content_type="text/javascript")

    page.route("**/render/markdown.js", spare_nothing)
    story = Story(Chat(page).open(), stage, test_id)
    assert cost_of(story, 0.1).growth > GROWTH
