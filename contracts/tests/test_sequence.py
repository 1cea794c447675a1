"""The event-sequence rule: what it lets through, what it refuses and in which words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from contracts.sequence import Events, Rule, RuleError


def shape(**members: str) -> dict[str, Any]:
    """The schema of an object with these members, each of a type."""
    properties = {name: {"type": kind} for name, kind in members.items()}
    return {"type": "object", "required": [*members], "properties": properties}


TEXT: dict[str, Any] = {"content_index": 0, "text": "EMEA leads"}
RULE = Rule.from_document(
    {
        "sequence": 1,
        "events": {
            "proxy.start": {"times": [1, 1], "data": shape(turnId="string")},
            "response.status": {"data": shape(message="string")},
            "response.text.delta": {"times": [1, None], "data": shape(content_index="integer", text="string")},
            "response.text": {"data": shape(content_index="integer", text="string")},
            "response.tool_use": {"data": shape(tool_use_id="string")},
            "response.tool_result": {"data": shape(tool_use_id="string")},
            "response": {"times": [0, 1]},
            "done": {"times": [0, 1], "data": {"const": "[DONE]"}},
            "error": {"times": [0, 1]},
            "proxy.end": {"times": [1, 1], "data": shape(turnId="string", reason="string", events="integer")},
        },
        "first": "proxy.start",
        "last": "proxy.end",
        "order": [["response.text", "response", "done"], ["error", "proxy.end"]],
        "joins": [{"parts": "response.text.delta", "whole": "response.text", "text": "text", "by": "content_index"}],
        "pairs": [{"opens": "response.tool_use", "closes": "response.tool_result", "by": "tool_use_id"}],
        "same": [[["proxy.start", "turnId"], ["proxy.end", "turnId"]]],
        "tally": [{"event": "proxy.end", "field": "events", "without": ["proxy.start", "error", "proxy.end"]}],
        "when": [
            {
                "event": "proxy.end",
                "data": {"properties": {"reason": {"const": "completed"}}},
                "needs": ["response", "done"],
                "forbids": ["error"],
            },
            {"event": "proxy.end", "data": {"properties": {"reason": {"const": "cut"}}}, "needs": ["error"]},
        ],
    }
)

Said = tuple[str, JsonValue]

START: Said = ("proxy.start", {"turnId": "t1"})
STATUS: Said = ("response.status", {"message": "Planning"})
USE: Said = ("response.tool_use", {"tool_use_id": "a"})
RESULT: Said = ("response.tool_result", {"tool_use_id": "a"})
HALF: Said = ("response.text.delta", {**TEXT, "text": "EMEA"})
OTHER_HALF: Said = ("response.text.delta", {**TEXT, "text": " leads"})
WHOLE: Said = ("response.text", TEXT)
FINAL: Said = ("response", {"status": "completed"})
DONE: Said = ("done", "[DONE]")
ERROR: Said = ("error", {"title": "Cut"})


def end(events: int, reason: str = "completed", turn: str = "t1") -> tuple[str, Any]:
    """The last event of a stream with so many events of others."""
    return "proxy.end", {"turnId": turn, "reason": reason, "events": events}


GOOD: Events = (START, STATUS, USE, RESULT, HALF, OTHER_HALF, WHOLE, FINAL, DONE, end(8))


def test_a_whole_stream_keeps_its_rule() -> None:
    """Nothing is said of a stream that keeps every promise."""
    assert RULE.check(GOOD) == []


def test_a_cut_stream_keeps_its_rule() -> None:
    """A stream that was cut and says so keeps its rule where a part need not get its whole."""
    loose = RULE.model_copy(update={"joins": [RULE.joins[0].model_copy(update={"every": False})]})
    assert loose.check((START, HALF, ERROR, end(1, "cut"))) == []


BROKEN: dict[str, tuple[Events, str]] = {
    "nothing": ((), "proxy.start: promised exactly once, came never"),
    "no start": (GOOD[1:], "the first event: promised proxy.start, came response.status"),
    "no end": (GOOD[:-1], "the last event: promised proxy.end, came done"),
    "two ends": ((*GOOD, end(8)), "proxy.end: promised exactly once, came twice"),
    "two finals": ((*GOOD[:7], FINAL, *GOOD[7:-1], end(9)), "response: promised at most once, came twice"),
    "something after the end": ((*GOOD, STATUS), "the last event: promised proxy.end, came response.status"),
    "done before the final": (
        (*GOOD[:7], DONE, FINAL, end(8)),
        "event 9, response: promised before done, came after it (event 8, done)",
    ),
    "a field is gone": (
        (START, ("response.status", {"messages": "Planning"}), *GOOD[2:]),
        "event 2, response.status: promised the field /message, came {'messages': 'Planning'}",
    ),
    "a field has another type": (
        (START, ("response.status", {"message": 7}), *GOOD[2:]),
        "event 2, response.status: promised /message of type string, came 7",
    ),
    "a constant has changed": (
        (*GOOD[:8], ("done", "DONE"), end(8)),
        "event 9, done: promised data to be '[DONE]', came 'DONE'",
    ),
    "a part is gone": (
        (*GOOD[:4], OTHER_HALF, WHOLE, FINAL, DONE, end(7)),
        "event 6, response.text: promised the response.text.delta before it, joined: ' leads'; came 'EMEA leads'",
    ),
    "parts are swapped": (
        (*GOOD[:4], OTHER_HALF, HALF, *GOOD[6:]),
        "event 7, response.text: promised the response.text.delta before it, joined: ' leadsEMEA'; came 'EMEA leads'",
    ),
    "a part comes late": (
        (*GOOD[:5], ("response.text", {**TEXT, "text": "EMEA"}), OTHER_HALF, *GOOD[7:]),
        "event 7, response.text.delta: promised before its event 6, response.text, came after it",
    ),
    "the whole is gone": (
        (*GOOD[:6], FINAL, DONE, end(7)),
        "event 5, response.text.delta: promised a response.text with the same content_index after it, came none",
    ),
    "no part at all": (
        (*GOOD[:4], WHOLE, FINAL, DONE, end(6)),
        "response.text.delta: promised at least once, came never",
    ),
    "a result without its use": (
        (START, STATUS, RESULT, *GOOD[4:-1], end(7)),
        "event 3, response.tool_result: promised a response.tool_use with tool_use_id 'a' before it, came none",
    ),
    "a result before its use": (
        (START, STATUS, RESULT, USE, *GOOD[4:]),
        "event 3, response.tool_result: promised a response.tool_use with tool_use_id 'a' before it, came none",
    ),
    "a result of another use": (
        (*GOOD[:3], ("response.tool_result", {"tool_use_id": "b"}), *GOOD[4:]),
        "event 4, response.tool_result: promised a response.tool_use with tool_use_id 'b' before it, came none",
    ),
    "two results": (
        (*GOOD[:4], RESULT, *GOOD[4:-1], end(9)),
        "event 5, response.tool_result: promised one for tool_use_id 'a', came another (event 4, response.tool_result)",
    ),
    "no result": (
        (*GOOD[:3], *GOOD[4:-1], end(7)),
        "event 3, response.tool_use: promised a response.tool_result with tool_use_id 'a' after it, came none",
    ),
    "another turn's end": (
        (*GOOD[:-1], end(8, turn="t2")),
        "event 10, proxy.end: promised turnId as turnId of event 1, proxy.start: 't1', came 't2'",
    ),
    "an event is gone on its way": (
        (START, *GOOD[2:]),
        (
            "event 9, proxy.end: promised as many events as events says, 8; came 7, "
            "not counting proxy.start, error, proxy.end"
        ),
    ),
    "completed without a final": (
        (*GOOD[:7], DONE, end(7)),
        "response: promised, as event 9, proxy.end is {'turnId': 't1', 'reason': 'completed', 'events': 7}; came none",
    ),
    "completed with an error": (
        (*GOOD[:9], ERROR, end(8)),
        "error: promised never, as event 11, proxy.end is {'turnId': 't1', 'reason': 'completed', 'events': 8}; came",
    ),
    "cut without an error": (
        (*GOOD[:9], end(8, "cut")),
        "error: promised, as event 10, proxy.end is {'turnId': 't1', 'reason': 'cut', 'events': 8}; came none",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_stream_is_told_apart(name: str) -> None:
    """Every kind of broken promise is said: what was promised, what came, and where."""
    events, fault = BROKEN[name]
    assert fault in RULE.check(events)


ONE_FAULT = [name for name in BROKEN if name not in ("nothing", "no start", "no end", "two ends", "no part at all")]


def test_most_broken_streams_break_one_promise_only() -> None:
    """A rule does not say the same thing many times over."""
    told = {name: RULE.check(BROKEN[name][0]) for name in ONE_FAULT}
    assert max(len(faults) for faults in told.values()) <= 3, told


@given(st.integers(1, len(GOOD) - 1), st.text(min_size=1, max_size=12).filter(lambda name: name not in RULE.events))
def test_unknown_events_pass_anywhere(place: int, name: str) -> None:
    """An event that the rule does not know changes nothing, wherever it comes: the set is open."""
    events = (*GOOD[:place], (name, {"a": 1}), *GOOD[place:-1], end(9))
    assert RULE.check(events) == []


def test_unknown_events_can_be_refused() -> None:
    """A rule that closes the set names the event that it does not know."""
    closed = RULE.model_copy(update={"unknown": "refused"})
    faults = closed.check((START, ("response.new", {}), *GOOD[1:-1], end(9)))
    assert len(faults) == 1
    assert faults[0].startswith("event 2, response.new: promised no other event than proxy.start, ")


@given(st.integers(0, len(GOOD) - 1))
def test_no_event_can_be_lost(place: int) -> None:
    """Whichever event a stream loses on its way, the rule notices."""
    assert RULE.check((*GOOD[:place], *GOOD[place + 1 :]))


payloads = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["text", "turnId", "a"]), inner),
    max_leaves=4,
)


@given(st.lists(st.tuples(st.sampled_from([*RULE.events, "response.new"]), payloads), max_size=8))
def test_whatever_comes_is_judged(events: list[tuple[str, Any]]) -> None:
    """No stream is too broken for the rule: what does not fit is said, never raised."""
    assert all(fault for fault in RULE.check(events))
    assert RULE.check(events) or events[0][0] == "proxy.start"


@given(st.lists(st.text(max_size=8), min_size=1, max_size=12))
def test_any_cut_of_a_text_into_parts_is_the_same_text(parts: list[str]) -> None:
    """The promise of concatenation holds for every way of cutting a text."""
    deltas: list[Said] = [("response.text.delta", {"content_index": 4, "text": part}) for part in parts]
    whole: Said = ("response.text", {"content_index": 4, "text": "".join(parts)})
    assert RULE.check((START, *deltas, whole, FINAL, DONE, end(len(parts) + 3))) == []


@given(st.integers(-3, 12), st.integers(1, 3))
def test_texts_that_interleave_are_kept_apart(first: int, gap: int) -> None:
    """Parts belong to the whole of their own index, in whatever order two texts come."""
    one: JsonValue = {"content_index": first, "text": "a"}
    two: JsonValue = {"content_index": first + gap, "text": "b"}
    woven: list[Said] = [
        ("response.text.delta", one),
        ("response.text.delta", two),
        ("response.text", two),
        ("response.text", one),
    ]
    assert RULE.check((START, *woven, FINAL, DONE, end(6))) == []


def test_a_rule_is_its_document() -> None:
    """A rule written as JSON and read again is the same rule."""
    written = json.dumps(RULE.to_document())
    assert Rule.from_document(json.loads(written)) == RULE


NO_RULES: dict[str, tuple[Any, str]] = {
    "no object": ([], "the rule: "),
    "no events": ({"events": {}}, "events: "),
    "another version": ({"sequence": 2, "events": {"a": {}}}, "sequence: "),
    "an unknown clause": ({"events": {"a": {}}, "then": []}, "then: "),
    "an unknown event": ({"events": {"a": {}}, "last": "b"}, "the rule: Value error, last names 'b'"),
    "a chain of one": ({"events": {"a": {}}, "order": [["a"]]}, "order/0: "),
    "bounds upside down": ({"events": {"a": {"times": [2, 1]}}}, "the rule: Value error, events/a/times: [2, 1]"),
    "no least number": ({"events": {"a": {"times": [None, 1]}}}, "the rule: Value error, events/a/times"),
    "no schema": ({"events": {"a": {"data": {"type": "text"}}}}, "the rule: Value error, events/a/data is no JSON"),
    "no schema in a condition": (
        {"events": {"a": {}}, "when": [{"event": "a", "data": {"required": 1}}]},
        "the rule: Value error, when/0/data is no JSON Schema",
    ),
}


@pytest.mark.parametrize("name", NO_RULES)
def test_what_is_no_rule_is_refused(name: str) -> None:
    """A document that breaks the grammar is refused with its place."""
    document, begins = NO_RULES[name]
    with pytest.raises(RuleError) as caught:
        Rule.from_document(document)
    assert str(caught.value).startswith(begins)
