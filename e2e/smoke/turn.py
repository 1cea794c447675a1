"""A turn of chat as it is heard: its events with their times, and what of the contract it breaks."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import JsonValue, ValidationError

from contracts.api import ProxyEnd, ProxyStart, StreamEvent
from contracts.cortex import Event
from contracts.events import ChatEvent, Envelope
from contracts.sequence import Rule
from proxy.sse import SseDecoder

RULE = Rule.from_document(
    {
        "sequence": 1,
        "events": {
            StreamEvent.START: {"times": [1, 1]},
            Event.TEXT_DELTA: {"times": [1, None]},
            Event.TEXT: {},
            Event.THINKING_DELTA: {},
            Event.THINKING: {},
            Event.RESPONSE: {"times": [1, 1]},
            Event.DONE: {"times": [1, 1]},
            Event.ERROR: {"times": [0, 0]},
            StreamEvent.END: {"times": [1, 1]},
        },
        "first": StreamEvent.START,
        "last": StreamEvent.END,
        "order": [[Event.TEXT_DELTA, Event.RESPONSE, Event.DONE, StreamEvent.END], [Event.TEXT, Event.RESPONSE]],
        "joins": [
            {"parts": Event.THINKING_DELTA, "whole": Event.THINKING, "text": "text", "by": "content_index"},
            {"parts": Event.TEXT_DELTA, "whole": Event.TEXT, "text": "text", "by": "content_index"},
        ],
        "same": [[[StreamEvent.START, "turnId"], [StreamEvent.END, "turnId"]]],
        "tally": [
            {"event": StreamEvent.END, "field": "events", "without": [StreamEvent.START, StreamEvent.END, Event.ERROR]}
        ],
    }
)
"""What every completed turn keeps, whatever is asked: nothing lost, nothing twice, nothing out of order."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A turn, or as much of it as came.

    events: names and payloads, in order.   at_ms: when each came, since the request.   is_whole: whether the
    connection ended by itself.
    """

    events: tuple[tuple[str, JsonValue], ...]
    at_ms: tuple[float, ...]
    is_whole: bool

    @property
    def start(self) -> ProxyStart | None:
        """The first event, when it is what it should be."""
        return _as(ProxyStart, self.events[0][1]) if self.events and self.events[0][0] == StreamEvent.START else None

    @property
    def end(self) -> ProxyEnd | None:
        """The last event, likewise."""
        return _as(ProxyEnd, self.events[-1][1]) if self.events and self.events[-1][0] == StreamEvent.END else None

    @property
    def problem(self) -> str:
        """What the stream says went wrong; empty when nothing."""
        said = [data for name, data in self.events if name == Event.ERROR and isinstance(data, dict)]
        last = said[-1] if said else {}
        return ". ".join(str(last[field]) for field in ("title", "detail", "message") if last.get(field))

    def faults(self) -> list[str]:
        """What of the contract it breaks, a sentence each."""
        broken = [f"event {place}, {fault}" for place, fault in _payload_faults(self.events)]
        return [*RULE.check(self.events), *broken]

    def held_back_ms(self) -> float | None:
        """How much later the first upstream event came than the proxy says it had it; None when it does not say."""
        end = self.end
        if end is None or end.first_event_ms is None or len(self.at_ms) < 2:
            return None
        return self.at_ms[1] - end.first_event_ms

    def lasted_ms(self) -> float | None:
        """The time from the first upstream event to the end, as the proxy says."""
        end = self.end
        return None if end is None or end.first_event_ms is None else end.duration_ms - end.first_event_ms


def listen(read: Callable[[], bytes], began_s: float, until_s: float) -> Heard:
    """What comes until the stream or the time ends.

    read: the next bytes, empty at the end; raises TimeoutError when the time ends first.   began_s, until_s: monotonic.
    Raises: whatever else `read` does.
    """
    decoder, events, at_ms = SseDecoder(), list[tuple[str, JsonValue]](), list[float]()
    is_whole = False
    with contextlib.suppress(TimeoutError):
        while not is_whole and time.monotonic() < until_s:
            piece = read()
            is_whole = not piece
            came_ms = (time.monotonic() - began_s) * 1000
            for event in decoder.feed(piece):
                events.append((event.name, _payload(event.data)))
                at_ms.append(came_ms)
    return Heard(tuple(events), tuple(at_ms), is_whole)


def _payload(data: bytes) -> JsonValue:
    text = data.decode("utf-8", "replace")
    try:
        parsed: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return parsed


def _envelopes() -> dict[str, type[Envelope]]:
    union = get_args(ChatEvent.model_fields["root"].annotation)
    members: list[type[Envelope]] = [each for each in union if isinstance(each, type)]
    return {get_args(each.model_fields["event"].annotation)[0]: each for each in members}


ENVELOPES = _envelopes()
"""The contract's model of each event that it knows, by name; what it does not know passes."""


def _payload_faults(events: tuple[tuple[str, JsonValue], ...]) -> Iterator[tuple[int, str]]:
    for place, (name, data) in enumerate(events, 1):
        model = ENVELOPES.get(name)
        if model is None:
            continue
        try:
            model.model_validate_json(json.dumps({"event": name, "data": data}))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            yield place, f"{name}: {'/'.join(map(str, first['loc'][1:])) or 'data'}: {first['msg']}"


def _as(model: Any, data: JsonValue) -> Any:
    try:
        return model.model_validate(data)
    except ValidationError:
        return None
