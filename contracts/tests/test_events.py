"""Events of streams: typed, tolerant of what Snowflake adds, strict about what clients rely on."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

import pytest
from pydantic import BaseModel, RootModel, ValidationError

from contracts import api, cortex, events
from contracts.api import StreamEvent
from contracts.cortex import AnalystEventName, Event
from contracts.events import ANALYST_ENVELOPES, ANALYST_EVENTS, ENVELOPES, EVENTS, AnalystEvent, ChatEvent, Envelope
from contracts.examples import Shown

OURS = {str(each) for each in StreamEvent}
BASES = {Shown, api.Api, api.ApiRequest, api.Sparse, events.Told, events.Numbered, events.Placed, events.Envelope}
"""What models are made from; nothing of their own ever travels."""


class Heir(events.ToolCall):
    """A call with a field of its own, and no example of it."""

    reason: str


def public(room: Any) -> list[type[Shown]]:
    """Models of a module that travel."""
    found = (each for _, each in inspect.getmembers(room, inspect.isclass) if each.__module__ == room.__name__)
    return [each for each in found if issubclass(each, Shown) and each not in BASES]


MODELS = pytest.mark.parametrize("model", [*public(api), *public(events)], ids=lambda model: model.__name__)
PAYLOADS = pytest.mark.parametrize(
    ("union", "event", "payload"),
    [
        pytest.param(union, name, payload, id=f"{union.__name__}-{name}")
        for union, payloads in ((ChatEvent, EVENTS), (AnalystEvent, ANALYST_EVENTS))
        for name, payload in payloads.items()
    ],
)


@MODELS
def test_every_model_shows_itself(model: type[Shown]) -> None:
    """By one example at least, each of which it reads strictly."""
    shown = model.examples()
    assert shown
    for value in shown.values():
        model.model_validate_json(json.dumps(value), strict=True)


def test_examples_are_not_inherited() -> None:
    """A model's examples are its own: those of its base would lack its fields."""
    assert events.ToolCall.examples()
    assert Heir.examples() == {}


def test_every_event_has_its_payload() -> None:
    """Snowflake's names and the proxy's own, in both kinds of stream."""
    assert ENVELOPES.keys() == {*map(str, Event)} | OURS
    assert ANALYST_ENVELOPES.keys() == {*map(str, AnalystEventName)} | OURS
    assert ENVELOPES.keys() - EVENTS.keys() == {Event.DONE}, "which is no object"
    assert ANALYST_ENVELOPES.keys() - ANALYST_EVENTS.keys() == {Event.DONE}, "which has no fixed form"


@pytest.mark.parametrize(("name", "envelope"), ENVELOPES.items())
def test_envelopes_are_named_for_their_events(name: str, envelope: type[Envelope]) -> None:
    """`response.text.delta` is `ResponseTextDeltaEvent`, in every language."""
    assert envelope.__name__ == "".join(part.capitalize() for part in re.split(r"[._]", name)) + "Event"


@PAYLOADS
def test_payloads_take_what_snowflake_adds(union: type[RootModel[Any]], event: str, payload: type[BaseModel]) -> None:
    """A field to come hurts nobody."""
    assert issubclass(payload, Shown)
    for value in payload.examples().values():
        union.model_validate_json(json.dumps({"event": event, "data": {**value, "fieldToCome": {"a": 1}}}))


@PAYLOADS
def test_payloads_coerce_nothing(union: type[RootModel[Any]], event: str, payload: type[BaseModel]) -> None:
    """A required field of another type is refused, also one that could be read as the right one."""
    assert issubclass(payload, Shown)
    value = next(iter(payload.examples().values()))
    for name, field in payload.model_fields.items():
        if field.is_required():
            wrong = 7 if isinstance(value[field.alias or name], str) else "7"
            with pytest.raises(ValidationError):
                union.model_validate_json(
                    json.dumps({"event": event, "data": {**value, field.alias or name: wrong}}), strict=True
                )


@pytest.mark.parametrize(
    "data",
    [
        {"type": "about:blank", "title": "t", "status": "502", "detail": "d", "retryable": True},
        {"message": 7},
        {"code": "399504"},
        {},
        "Error during execution",
    ],
    ids=["a problem with a status in words", "a message that is none", "no message", "nothing", "text"],
)
def test_an_error_is_a_problem_or_snowflakes(data: object) -> None:
    """One that is neither is no event of ours."""
    with pytest.raises(ValidationError):
        ChatEvent.model_validate_json(json.dumps({"event": "error", "data": data}), strict=True)


def test_a_problem_and_snowflakes_error_are_told_apart() -> None:
    """By what they carry: a problem has no message, Snowflake's own error no title."""
    problem, own = api.Problem.EXAMPLES["A stream that was cut"], events.AgentError.EXAMPLES["A failed run"]
    read = [ChatEvent.model_validate({"event": "error", "data": data}).root.data for data in (problem, own)]
    assert [type(each) for each in read] == [api.Problem, events.AgentError]


def test_an_unknown_event_is_not_in_the_union() -> None:
    """A client ignores its name first; the unions know only what is promised."""
    with pytest.raises(ValidationError, match="does not match any of the expected tags"):
        ChatEvent.model_validate({"event": "response.weather", "data": {}})


def test_what_is_read_for_the_account_is_in_the_event() -> None:
    """The proxy reads the last event leniently: every field that it names is one that clients are promised."""
    assert cortex.FinalResponse.model_fields.keys() <= events.FinalAnswer.model_fields.keys()
    assert cortex.ErrorBody.model_fields.keys() <= events.AgentError.model_fields.keys()
