"""The chat rule, held against every turn that is recorded, not only against those that the pact asks for."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import JsonValue

from contracts.consumer.frontend_events import chat_rule
from contracts.cortex import INLINE_RUN_PATH, Event
from contracts.exchange import events
from contracts.sequence import Rule
from e2e.client_api import Client, client_request
from e2e.stack import Stack
from mocks.cassette import load_all
from mocks.state import HERE

TURNS = {
    f"{tape.name} {number}": interaction
    for tape in load_all(HERE / "cassettes")
    for number, interaction in enumerate(tape.interactions)
    if interaction.request.path.endswith(":run") and interaction.request.path != INLINE_RUN_PATH
}
CUT_SHORT = ("agents/cancelled_run 0",)
"""Recordings of a run that was cancelled: it comes to its end, its text does not."""


def test_there_are_turns() -> None:
    """Something is recorded that rules can be held against."""
    assert len(TURNS) >= 20


@pytest.mark.parametrize("name", TURNS)
def test_a_recorded_turn_keeps_the_rule(name: str, stack: Stack) -> None:
    """What the proxy makes of a recorded turn keeps the rule of its kind, event by event."""
    answer = Client.opened(stack).chat(client_request(TURNS[name]))
    told = list(events(answer.content.decode()))
    names = [event for event, _ in told]
    is_whole = Event.ERROR not in names and name not in CUT_SHORT
    rule = Rule.from_document(chat_rule(_often(names), is_whole=is_whole, has_open_calls=_asks_back(told)))
    assert rule.check(told) == []
    assert len(names) > 3, answer.text


def _often(names: list[str]) -> dict[str, tuple[int, int | None]]:
    return {Event.ERROR: (2, 2)} if Event.ERROR in names else {Event.ERROR: (0, 0), Event.DONE: (1, 1)}


def _asks_back(told: list[tuple[str, JsonValue]]) -> bool:
    calls: list[Any] = [data for event, data in told if event == Event.TOOL_USE]
    return any(call["client_side_execute"] for call in calls)
