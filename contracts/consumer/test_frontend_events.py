"""The page's events: its own reducer reads each, and nothing is promised that it does not read."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from contracts.consumer import frontend_pact
from contracts.consumer.frontend_events import (
    ANALYST,
    ANALYST_MESSAGES,
    CHAT,
    CHAT_MESSAGES,
    Message,
    analyst_rule,
    chat_rule,
)
from contracts.consumer.promise import example
from contracts.nodejs import node
from contracts.sequence import Rule

SCRIPT = Path(__file__).with_name("page.mjs")
EVENTS = [each.description for each in CHAT_MESSAGES]

READERS: Mapping[str, Callable[[dict[str, Any]], tuple[object, ...]]] = {
    "status": lambda data: (data["status"], data["status_message"]),
    "text": lambda data: (data["index"], data["text_delta"]),
    "sql": lambda data: (data["index"], data["statement_delta"]),
    "suggestions": lambda data: (data["suggestions_delta"]["index"], data["suggestions_delta"]["suggestion_delta"]),
}
"""How a client reads a piece of Cortex Analyst's answer, by its type."""

Case = dict[str, JsonValue]
Page = Callable[[list[Case]], list[JsonValue]]


def case(message: Message, envelope: JsonValue) -> Case:
    """The event, after what the page must have seen of the turn."""
    before: list[JsonValue] = [{"event": str(name), "data": example(data)} for name, data in message.before]
    return {"before": before, "event": envelope}


@pytest.fixture(scope="module")
def reduced() -> Page:
    """The page's reducer."""

    def ask(cases: list[Case]) -> list[JsonValue]:
        done = subprocess.run(  # noqa: S603 - our own script
            [node(), str(SCRIPT)], input=json.dumps(cases), capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == 0, done.stderr
        found: list[JsonValue] = json.loads(done.stdout)
        return found

    return ask


def leaves(value: JsonValue, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The places of all values that hold no others."""
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield from leaves(each, (*path, name))
    elif isinstance(value, list) and value:
        yield from leaves(value[0], (*path, 0))
    else:
        yield path


def without(value: Any, path: tuple[str | int, ...]) -> JsonValue:
    """The value, apart from what stands at a place."""
    copied: JsonValue = json.loads(json.dumps(value))
    at: Any = copied
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    return copied


@pytest.mark.parametrize("message", CHAT_MESSAGES, ids=EVENTS)
def test_the_page_reads_the_event(message: Message, reduced: Page) -> None:
    """Pact hands the event to the page's reducer, and the turn is another one afterwards."""
    pact = frontend_pact.pact()
    frontend_pact.add_message(pact, message)
    read: list[JsonValue] = []

    def handle(body: str | bytes | None, _metadata: dict[str, object]) -> None:
        assert body is not None, "the message has contents"
        envelope = json.loads(body)
        assert envelope == example(message.envelope)
        before, after = reduced([case(message, {"event": "heard.of.by.nobody", "data": {}}), case(message, envelope)])
        assert before != after, f"the page makes nothing of {envelope}"
        read.append(after)

    pact.verify(handle, "Async")
    assert len(read) == 1


@pytest.mark.parametrize("message", CHAT_MESSAGES, ids=EVENTS)
def test_nothing_is_promised_that_the_page_does_not_read(message: Message, reduced: Page) -> None:
    """Whichever field of the event is taken away, the page makes something else of it."""
    envelope: Any = example(message.envelope)
    if message.telling:
        envelope["data"] |= message.telling
    places = [path for path in leaves(envelope["data"]) if path]
    cut: list[JsonValue] = [{"event": envelope["event"], "data": without(envelope["data"], path)} for path in places]
    whole, *others = reduced([case(message, envelope), *(case(message, each) for each in cut)])
    unread = ["/".join(map(str, path)) for path, after in zip(places, others, strict=True) if after == whole]
    assert unread == []


@pytest.mark.parametrize("message", ANALYST_MESSAGES, ids=[each.description for each in ANALYST_MESSAGES])
def test_the_analyst_event_is_read(message: Message) -> None:
    """A client takes text and statement of the pieces, by their type; Pact hands them over."""
    pact = frontend_pact.pact()
    frontend_pact.add_message(pact, message)
    read: list[tuple[object, ...]] = []

    def handle(body: str | bytes | None, _metadata: dict[str, object]) -> None:
        assert body is not None, "the message has contents"
        data = json.loads(body)["data"]
        read.append(READERS[data.get("type", "status")](data))

    pact.verify(handle, "Async")
    assert len(read) == 1
    assert None not in read[0]


def test_the_page_ignores_what_it_does_not_know(reduced: Page) -> None:
    """An event of another name leaves the turn as it was: the set is open."""
    start: Case = {"before": [], "event": {"event": "response.hologram", "data": {"content_index": 0}}}
    nothing: Case = {"before": [], "event": {"event": "response.text.delta", "data": None}}
    unknown, untouched = reduced([start, nothing])
    assert unknown == untouched


def test_every_promised_event_is_a_message() -> None:
    """What a rule knows by name is also promised as a message, or is an event of the other kind of stream."""
    told = {each.event for each in (*CHAT_MESSAGES, *ANALYST_MESSAGES)}
    assert {str(name) for name in (*CHAT, *ANALYST)} <= told


def test_the_rules_are_rules() -> None:
    """Both generic rules keep the grammar."""
    for document in (chat_rule({}), chat_rule({}, is_whole=False), analyst_rule()):
        assert Rule.from_document(document).to_document()["last"] == "proxy.end"
