"""A tool that the page runs itself: the run pauses with the call and goes on with the page's answer."""

from __future__ import annotations

from mocks.cassette import Cassette, Match
from mocks.stories.documents import search
from mocks.stories.writer import ThreadIds, Turn, cassette, interaction

TOOL_USE_ID = "toolu_tz01"


def client_tool() -> Cassette:
    """Two runs in one thread; whatever time zone the page reports, the second answer is true."""
    return cassette(
        "client_tool",
        "the page runs a tool and hands in its result",
        "cortex-wire 1.3, 1.6, 1.7",
        interaction(Match(last_user_text="When do the daily figures close in my time zone?"), _call()),
        interaction(Match(tool_use_id=TOOL_USE_ID), _answer()),
    )


def _call() -> Turn:
    turn = Turn("client_tool_call", ThreadIds(90, 611, 612))
    turn.plan()
    turn.thinking("The closing hour is a rule of ours, the user's time zone only the page can know. First the rule.")
    search(turn, "closing of daily figures", ["POL-9"])
    turn.status("executing_tool", "Executing tool `get_time_zone`")
    turn.tool_use("generic", "get_time_zone", {}, TOOL_USE_ID, client=True)
    turn.finish()
    return turn


def _answer() -> Turn:
    turn = Turn("client_tool_answer", ThreadIds(90, 613, 614))
    turn.status("reevaluating_plan", "Reviewing the results of `get_time_zone`")
    turn.thinking("The page has told its time zone. The closing hour itself never moves: 18:00 UTC.")
    turn.conclude()
    turn.text(
        "Thank you, I now know your time zone. 🕕\n\n"
        "The figures of a day close at **18:00 UTC**, all year round. Add the offset of your time zone to get the "
        "local hour; where clocks change in summer, the close moves by an hour with them. Orders placed later count "
        "for the next day.",
        annotations=[],
    )
    turn.suggested("Net sales by region")
    turn.finish()
    return turn
