"""Streams as the document has them: every recorded answer, whole and cut, through the whole application."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import ValidationError

import contracts
from contracts import golden
from contracts.api import EndReason, StreamEvent
from contracts.cortex import DONE
from proxy.sse import SseDecoder, SseEvent
from proxy.tests import answers
from proxy.tests.conftest import MakeApp
from proxy.tests.described import conforms, event_conforms
from proxy.tests.upstream import Script, Upstream

CASSETTES = sorted((Path(contracts.__file__).parents[1] / "mocks" / "cassettes" / "agents").glob("*.jsonl"))
"""Read as files; whoever plays them otherwise is not needed here."""

ANALYST = {"messages": [{"role": "user", "text": "Net sales by region"}], "stream": True}


@cache
def recorded(file: Path) -> list[list[bytes]]:
    """The frames of every answer in a cassette."""
    found: list[list[bytes]] = []
    for line in file.read_text(encoding="utf-8").split("\n")[1:-1]:
        document = json.loads(line)
        if "response" in document:
            found.append([])
        elif "frame" in document:
            found[-1].append(document["frame"].encode())
    return found


def playing(frames: list[bytes]) -> Script:
    """An upstream that answers with these frames, whatever it is asked."""
    return lambda exchange: exchange.stream(*frames, end=True)


def asked(client: FlaskClient, path: str, body: dict[str, Any]) -> tuple[list[SseEvent], dict[str, Any]]:
    """The events of a stream, and the session's history once it is over."""
    token = client.post("/api/v1/session/token").get_json()
    bearer = {"Authorization": f"Bearer {token['token']}"}
    session = {"sessionId": token["sessionId"], "message": "Net sales by region"} if path == "chat" else {}
    response = client.post(f"/api/v1/{path}", json=session | body, headers=bearer)
    assert response.status_code == 200, response.text
    events = SseDecoder().feed(response.data)
    response.close()
    history: dict[str, Any] = client.get(f"/api/v1/history/{token['sessionId']}", headers=bearer).get_json()
    return events, history


def held(events: list[SseEvent], union: str) -> None:
    """Each event is one of the union's, by the document and by the models."""
    for event in events:
        event_conforms(event, union)
        text = event.data.decode()
        assert golden.fits(union, {"event": event.name, "data": text if text == DONE else json.loads(text)})
    assert [event.name for event in events if event.name.startswith("proxy.")] == [StreamEvent.START, StreamEvent.END]


@pytest.mark.parametrize("file", CASSETTES, ids=lambda file: file.stem)
def test_every_recorded_answer_is_as_described(make_app: MakeApp, file: Path) -> None:
    """Whole, event by event, and so is what the history keeps of it."""
    for frames in recorded(file):
        with Upstream(playing(frames)) as upstream:
            events, history = asked(make_app(snowflake_url=upstream.url).test_client(), "chat", {})
        held(events, "ChatEvent")
        sent = SseDecoder().feed(b"".join(frames))
        assert [event.name for event in events[1 : len(sent) + 1]] == [event.name for event in sent]
        conforms(history, {"$ref": "#/components/schemas/HistoryPage"})
        assert len(history["turns"]) == 1


@pytest.mark.parametrize("kept", [0, 1, 3, 9], ids=lambda kept: f"{kept} frames")
def test_an_answer_that_was_cut_is_as_described(make_app: MakeApp, kept: int) -> None:
    """Where the upstream ends within a frame's first line, a problem and the end follow."""
    frames = recorded(CASSETTES[0])[0]
    with Upstream(playing([*frames[:kept], b"event: "])) as upstream:
        events, history = asked(make_app(snowflake_url=upstream.url).test_client(), "chat", {})
    held(events, "ChatEvent")
    assert [event.name for event in events[-2:]] == [StreamEvent.ERROR, StreamEvent.END]
    assert json.loads(events[-1].data)["reason"] == EndReason.UPSTREAM_TRUNCATED
    conforms(history, {"$ref": "#/components/schemas/HistoryPage"})


@pytest.mark.parametrize("done", [b"{}", b"[DONE]", b'""'], ids=["object", "text", "empty"])
def test_the_analysts_stream_is_as_described(make_app: MakeApp, done: bytes) -> None:
    """In whichever form its last event comes."""
    frames = [*answers.ANALYST_EVENTS[:-1], b"event: done\ndata: " + done + b"\n\n"]
    with Upstream(playing(frames)) as upstream:
        events, _ = asked(make_app(snowflake_url=upstream.url).test_client(), "tools/analyst", ANALYST)
    held(events, "AnalystEvent")
    assert len(events) == len(frames) + 2


@pytest.mark.parametrize(
    "frame",
    [
        b'event: response.text.delta\ndata: {"content_index":0}\n\n',
        b'event: response.weather\ndata: {"sun":true}\n\n',
        b'event: response.status\ndata: {"status":1,"message":"Planning"}\n\n',
    ],
    ids=["a field lacks", "an event nobody knows", "a number for text"],
)
def test_an_event_that_is_not_is_found(frame: bytes) -> None:
    """The check of every stream above can fail."""
    with pytest.raises(ValidationError, match="is not valid under any of the given schemas"):
        held(SseDecoder().feed(frame), "ChatEvent")
