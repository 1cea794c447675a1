"""`POST /chat`: one turn, from its refusals before the first byte to whatever ends it, and what it holds meanwhile."""

from __future__ import annotations

import json
import random
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import proxy.chat
import proxy.streaming
from contracts.api import ChatRequest, EndReason, ProblemType
from contracts.cortex import THREADS_PATH
from proxy.chat import run_body
from proxy.limits import MemoryLeases
from proxy.parts import EXTENSION, Parts
from proxy.relay import HEARTBEAT, Relay
from proxy.settings import Settings
from proxy.sse import SseDecoder, SseEvent
from proxy.tests.conftest import ROOMY, Keys, MakeApp
from proxy.tests.served import Client, Served, serving
from proxy.tests.upstream import DEADLINE_S, EVENTS, STREAM, Exchange, Script, Upstream, until


def parts(app: Flask) -> Parts:
    """What the application is made of."""
    found: Parts = app.extensions[EXTENSION]
    return found


def ask(client: FlaskClient, environ: dict[str, Any] | None = None, **fields: Any) -> TestResponse:
    """A turn with a fresh token; its stream is read by whoever asks for `data`."""
    token = client.post("/api/v1/session/token").get_json()
    return client.post(
        "/api/v1/chat",
        json={"sessionId": token["sessionId"], "message": "q"} | fields,
        headers={"Authorization": f"Bearer {token['token']}"},
        environ_overrides=environ or {},
    )


def problem(response: TestResponse) -> str:
    """Last part of the problem's type."""
    assert response.content_type == "application/problem+json"
    return str(response.get_json()["type"]).rpartition("/")[2]


def events(stream: bytes) -> list[SseEvent]:
    """The events of a stream."""
    return SseDecoder().feed(stream)


def nothing_held(app: Flask) -> bool:
    """Whether every slot and lease is free, nobody is watched, and no stream counts as running."""
    wired = parts(app)
    assert isinstance(wired.leases, MemoryLeases)
    is_free = wired.slots._free._value == wired.settings.max_streams and not wired.leases._taken
    return is_free and not wired.watcher._callbacks and not wired.lifecycle.streams


# --- the turn --------------------------------------------------------------------------------------------------------


def test_a_turn(make_app: MakeApp) -> None:
    """The client gets the upstream's bytes between our two frames, with headers that keep proxies from buffering."""
    with Upstream(lambda exchange: exchange.stream(STREAM, end=True, X_Snowflake_Request_Id="up-1")) as upstream:
        app = make_app(snowflake_url=upstream.url)
        response = ask(app.test_client())
        assert response.status_code == 200
        first, *theirs, last = events(response.data)
        response.close()
    assert STREAM in response.data
    assert [each.name for each in theirs] == [each.name for each in events(STREAM)]
    assert json.loads(first.data)["traceId"] == response.headers["X-Trace-Id"]
    assert json.loads(last.data)["reason"] == "completed"
    expected = {
        "Content-Type": "text/event-stream; charset=utf-8",
        "Cache-Control": "no-cache, no-transform",
        "X-Accel-Buffering": "no",
        "X-Upstream-Request-Id": "up-1",
    }
    assert {name: response.headers.get(name) for name in expected} == expected
    assert "Content-Length" not in response.headers
    assert nothing_held(app)


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        pytest.param(
            {"message": "Zürich?"},
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "Zürich?"}]}]},
            id="question",
        ),
        pytest.param(
            {"message": "q", "threadId": 77, "parentMessageId": 0},
            {
                "messages": [{"role": "user", "content": [{"type": "text", "text": "q"}]}],
                "thread_id": 77,
                "parent_message_id": 0,
            },
            id="thread",
        ),
        pytest.param(
            {"message": "q", "toolChoice": {"type": "tool", "name": ["a"]}},
            {
                "messages": [{"role": "user", "content": [{"type": "text", "text": "q"}]}],
                "tool_choice": {"type": "tool", "name": ["a"]},
            },
            id="tool choice",
        ),
        pytest.param(
            {
                "message": {
                    "toolResult": {
                        "toolUseId": "t",
                        "type": "generic",
                        "name": "n",
                        "content": [{"type": "json", "json": {"camelCase": None}}, {"type": "text", "text": "x"}],
                    }
                }
            },
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "tool_result",
                                "tool_result": {
                                    "tool_use_id": "t",
                                    "type": "generic",
                                    "name": "n",
                                    "status": "success",
                                    "content": [
                                        {"type": "json", "json": {"camelCase": None}},
                                        {"type": "text", "text": "x"},
                                    ],
                                },
                            }
                        ],
                    }
                ]
            },
            id="tool result",
        ),
    ],
)
def test_what_snowflake_is_asked(fields: dict[str, Any], sent: dict[str, Any]) -> None:
    """A request of the page becomes Snowflake's; a tool's own JSON passes as it is, nulls included."""
    asked = ChatRequest.model_validate_json(json.dumps({"sessionId": "s"} | fields))
    assert run_body(asked, asked.thread_id) == sent


def test_a_new_thread_is_opened_first(make_app: MakeApp) -> None:
    """`parentMessageId` 0 alone opens a thread, which the run uses and `proxy.start` names."""

    def answer(exchange: Exchange) -> None:
        if exchange.path == THREADS_PATH:
            exchange.json({"thread_id": 77})
        else:
            exchange.stream(STREAM, end=True)

    with Upstream(answer) as upstream:
        app = make_app(snowflake_url=upstream.url)
        response = ask(app.test_client(), parentMessageId=0)
        assert json.loads(events(response.data)[0].data)["threadId"] == 77
        response.close()
    run = upstream.seen[1].document
    assert (run["thread_id"], run["parent_message_id"]) == (77, 0)


# --- refusals before the first byte ----------------------------------------------------------------------------------


def test_no_token(make_app: MakeApp) -> None:
    """Without a token there is no turn, whatever the body is."""
    response = make_app().test_client().post("/api/v1/chat", data=b"{")
    assert (response.status_code, problem(response)) == (401, ProblemType.TOKEN_MISSING)


def test_another_sessions_id(make_app: MakeApp) -> None:
    """The body's session must be the token's."""
    response = ask(make_app().test_client(), sessionId="another")
    assert (response.status_code, problem(response)) == (403, ProblemType.SESSION_MISMATCH)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_other_methods(make_app: MakeApp, method: str) -> None:
    """Chat is posted; anything else holds nothing."""
    app = make_app()
    response = app.test_client().open("/api/v1/chat", method=method)
    assert (response.status_code, set(response.headers["Allow"].split(", "))) == (405, {"OPTIONS", "POST"})
    options = app.test_client().options("/api/v1/chat")
    assert (options.status_code, options.headers["Allow"]) == (204, "POST")
    assert nothing_held(app)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (429, 429, ProblemType.UPSTREAM_THROTTLED),
        (500, 503, ProblemType.UPSTREAM_UNAVAILABLE),
        (401, 502, ProblemType.UPSTREAM_UNAUTHORIZED),
    ],
)
def test_an_upstreams_refusal_is_a_real_response(make_app: MakeApp, status: int, code: int, kind: ProblemType) -> None:
    """What fails before the first byte has a status of its own, not a 200 with an error event."""
    with Upstream(lambda exchange: exchange.json({"message": "canary"}, f"{status} X", Retry_After="9")) as upstream:
        app = make_app(snowflake_url=upstream.url)
        response = ask(app.test_client())
        assert nothing_held(app)
    assert (response.status_code, problem(response)) == (code, kind)
    assert response.headers.get("Retry-After") == ("9" if status == 429 else None)
    assert b"canary" not in response.data


def test_a_refused_thread_ends_the_turn(make_app: MakeApp) -> None:
    """No run is started when its thread cannot be opened."""
    with Upstream(lambda exchange: exchange.json({}, "403 X")) as upstream:
        app = make_app(snowflake_url=upstream.url)
        response = ask(app.test_client(), parentMessageId=0)
    assert problem(response) == ProblemType.UPSTREAM_FORBIDDEN
    assert len(upstream.seen) == 1
    assert nothing_held(app)


def test_all_slots_taken(make_app: MakeApp) -> None:
    """One stream more than allowed is refused with a wait, and the next is served once a slot is free."""
    with Upstream(lambda exchange: exchange.stream(STREAM, end=True)) as upstream:
        app = make_app(snowflake_url=upstream.url, max_streams=1)
        client = app.test_client()
        held = ask(client)
        refused = ask(client)
        assert (refused.status_code, problem(refused)) == (429, ProblemType.TOO_MANY_STREAMS)
        assert refused.headers["Retry-After"] == "1"
        held.close()
        served = ask(client)
        assert STREAM in served.data
        served.close()


# --- what a turn holds -----------------------------------------------------------------------------------------------


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The server's and the client's end of a connection."""
    server, client = socket.socketpair()
    with server, client:
        yield server, client


def test_a_defect_between_head_and_stream_gives_everything_back(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, sockets: tuple[socket.socket, socket.socket]
) -> None:
    """When the relay cannot be made, slot, watch and upstream are let go, and the client gets a 500."""

    def fail(*_args: object, **_kwargs: object) -> Relay:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(proxy.streaming, "Relay", fail)

    def stream(exchange: Exchange) -> None:
        exchange.stream(EVENTS[0])
        exchange.wait_left()

    with Upstream(stream) as upstream:
        app = make_app(snowflake_url=upstream.url)
        response = ask(app.test_client(), {"gunicorn.socket": sockets[0]})
        assert (response.status_code, problem(response)) == (500, ProblemType.INTERNAL)
        assert nothing_held(app)
        assert upstream.seen[0].left.wait(DEADLINE_S)


def test_a_turn_that_cannot_be_remembered_ends_like_others(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, sockets: tuple[socket.socket, socket.socket]
) -> None:
    """A defect in keeping the turn costs its history, not the client's stream, and holds nothing."""

    def fail(**_given: object) -> None:
        raise RuntimeError("canary")

    monkeypatch.setattr(proxy.chat, "stored_turn", fail)
    with Upstream(lambda exchange: exchange.stream(STREAM, end=True)) as upstream:
        app = make_app(snowflake_url=upstream.url)
        response = ask(app.test_client(), {"gunicorn.socket": sockets[0]})
        assert STREAM in response.data
        assert b'"reason":"completed"' in response.data
        response.close()
        assert nothing_held(app)


def test_closing_without_iterating_gives_everything_back(
    make_app: MakeApp, sockets: tuple[socket.socket, socket.socket]
) -> None:
    """A server that closes the response at once frees slot, watch and upstream."""

    def stream(exchange: Exchange) -> None:
        exchange.stream(EVENTS[0])
        exchange.wait_left()

    with Upstream(stream) as upstream:
        app = make_app(snowflake_url=upstream.url)
        response = ask(app.test_client(), {"gunicorn.socket": sockets[0]})
        assert not nothing_held(app)
        response.close()
        assert nothing_held(app)
        assert upstream.seen[0].left.wait(DEADLINE_S)


def test_a_client_that_leaves_before_the_head(make_app: MakeApp, sockets: tuple[socket.socket, socket.socket]) -> None:
    """While Snowflake has not answered, leaving cancels the upstream call."""
    server, client = sockets

    def wait(exchange: Exchange) -> None:
        client.close()
        exchange.wait_left()

    with Upstream(wait) as upstream:
        app = make_app(snowflake_url=upstream.url)
        response = ask(app.test_client(), {"gunicorn.socket": server})
        assert response.status_code == 499
        assert nothing_held(app)
        assert upstream.seen[0].left.wait(DEADLINE_S)


def test_a_client_that_leaves_while_its_thread_is_opened(
    make_app: MakeApp, sockets: tuple[socket.socket, socket.socket]
) -> None:
    """No run is started for a client that left during the first of two calls."""
    server, client = sockets

    def wait(exchange: Exchange) -> None:
        client.close()
        exchange.wait_left()

    with Upstream(wait) as upstream:
        response = ask(
            make_app(snowflake_url=upstream.url).test_client(), {"gunicorn.socket": server}, parentMessageId=0
        )
        assert response.status_code == 499
    assert [exchange.path for exchange in upstream.seen] == [THREADS_PATH]


# --- deployed --------------------------------------------------------------------------------------------------------


class Scene:
    """An upstream whose behaviour each test sets, behind one deployed proxy."""

    def __init__(self) -> None:
        self.script: Script = Exchange.end
        self.upstream = Upstream(self._play)
        self.served: Served

    def _play(self, exchange: Exchange) -> None:
        self.script(exchange)

    def asked(self, **fields: Any) -> Client:
        """A client that has asked."""
        return self.served.asked(**fields)

    def ended(self, reason: EndReason, count: int = 1) -> None:
        """Return once so many streams have ended for this reason."""
        until(
            lambda: sum(line["reason"] == reason for line in self.served.lines("stream ended")) >= count,
            f"{count} streams ended as {reason}",
        )


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, keys: Keys) -> Iterator[Scene]:
    """The proxy under gunicorn in front of the scene's upstream."""
    scene = Scene()
    with scene.upstream:
        settings = Settings(
            environment="development",
            snowflake_url=scene.upstream.url,
            account="A",
            user="U",
            private_key_file=keys.private_key,
            session_key_file=keys.session_key,
            history_file=Path(":memory:"),
            policies=ROOMY,
            heartbeat_s=0.05,
            slow_client_s=1,
            max_streams=8,
        )
        with serving(settings, tmp_path_factory.mktemp("deployed") / "proxy.log") as scene.served:
            yield scene


def test_any_pieces_arrive_as_they_were_sent(running: Scene) -> None:
    """Streams cut into random pieces reach the client byte for byte, in order."""
    generator = random.Random(7)  # noqa: S311 - a repeatable choice of cuts
    body = EVENTS[0] + EVENTS[1] * 300 + EVENTS[2] + EVENTS[3]
    for _ in range(5):
        cuts = sorted(generator.sample(range(1, len(body)), 40))
        pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
        running.script = lambda exchange, pieces=pieces: exchange.stream(*pieces, end=True)  # type: ignore[misc]
        with running.asked() as client:
            received = b"".join(client.chunks())
        start, end = received.index(b"\n\n") + 2, received.rindex(b"event: proxy.end")
        assert received[start:end].replace(HEARTBEAT, b"") == body


def test_heartbeats_only_between_frames(running: Scene) -> None:
    """A silence between frames brings heartbeats, a silence within one does not."""
    go_on = threading.Event()

    def silent_twice(exchange: Exchange) -> None:
        exchange.stream(EVENTS[0])
        assert go_on.wait(DEADLINE_S)
        exchange.chunk(EVENTS[1][:30])
        threading.Event().wait(0.3)  # six heartbeats long: the silence itself is what is tested
        exchange.chunk(EVENTS[1][30:] + EVENTS[2] + EVENTS[3])
        exchange.end()

    running.script = silent_twice
    with running.asked() as client:
        chunks = []
        for chunk in client.chunks():
            chunks.append(chunk)
            if chunks.count(HEARTBEAT) == 2:
                go_on.set()
    assert chunks.count(HEARTBEAT) >= 2
    received = b"".join(chunks)
    assert EVENTS[1] in received, "no heartbeat stands inside a frame"
    assert [event.name for event in events(received)][1:-1] == [event.name for event in events(STREAM)]


def test_leaving_before_the_first_byte(running: Scene) -> None:
    """The upstream call is cancelled while Snowflake has not answered yet."""
    running.script = Exchange.wait_left
    seen = len(running.upstream.seen)
    with running.asked():
        until(lambda: len(running.upstream.seen) > seen, "the request has arrived")
    assert running.upstream.seen[-1].left.wait(DEADLINE_S)
    until(lambda: any(line.get("status") == 499 for line in running.served.lines("request")), "the request is logged")


@pytest.mark.parametrize("frames", [0, 1], ids=["after proxy.start", "in mid-stream"])
def test_leaving_in_mid_stream(running: Scene, frames: int) -> None:
    """The upstream is closed although it says nothing that could fail to be forwarded."""

    def begin(exchange: Exchange) -> None:
        exchange.stream(*EVENTS[:frames])
        exchange.wait_left()

    running.script = begin
    ended = sum(line["reason"] == "client_gone" for line in running.served.lines("stream ended"))
    with running.asked() as client:
        client.head()
        assert b"proxy.start" in client.chunk()
        for frame in EVENTS[:frames]:
            assert client.chunk() == frame
    assert running.upstream.seen[-1].left.wait(DEADLINE_S)
    running.ended(EndReason.CLIENT_GONE, ended + 1)


@pytest.mark.parametrize("ends", [True, False], ids=["whole stream", "endless stream"])
def test_a_client_that_does_not_read(running: Scene, ends: bool) -> None:
    """A client that leaves its stream unread is let go within a bound, and so is its upstream."""

    def flood(exchange: Exchange) -> None:
        exchange.stream()
        line = b": " + b"x" * 65_000 + b"\n\n"
        for _ in range(400):
            exchange.chunk(line)
        if ends:
            exchange.chunk(STREAM)
            exchange.end()
        exchange.wait_left()

    running.script = flood
    ended = sum(line["reason"] == "client_slow" for line in running.served.lines("stream ended"))
    with running.asked(receive_bytes=4096) as client:
        running.ended(EndReason.CLIENT_SLOW, ended + 1)
        assert running.upstream.seen[-1].left.wait(DEADLINE_S)
        until(lambda: _is_over(client.sock), "the client's connection is closed, too")
    assert running.served.lines("Socket error processing request.") == []


def _is_over(sock: socket.socket) -> bool:
    try:
        return not sock.recv(1_000_000)
    except ConnectionError:
        return True


def test_a_kept_alive_connection_serves_on(running: Scene) -> None:
    """After a stream the same connection answers the next request, with no leftover timeout or watch."""
    running.script = lambda exchange: exchange.stream(STREAM, end=True)
    with running.asked() as client:
        for _ in client.chunks():
            pass
        client.sock.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.head()
        assert client.status == 200


def test_aborted_streams_leave_nothing(running: Scene) -> None:
    """After 200 streams that were left at various points, threads and descriptors are as many as before."""

    def begin(exchange: Exchange) -> None:
        exchange.stream(EVENTS[0])
        exchange.wait_left()

    def leave(count: int) -> None:
        for number in range(count):
            seen = len(running.upstream.seen)
            with running.asked() as client:
                until(lambda seen=seen: len(running.upstream.seen) > seen, "the request has arrived")  # type: ignore[misc]
                if number % 4:
                    client.head()
                for _ in range(number % 4 - 1):
                    client.chunk()

    running.script = begin
    leave(40)  # until pools have reached their size
    worker = running.served.worker
    until(lambda: _quiet(running), "all streams have ended")
    threads, descriptors = worker.num_threads(), worker.num_fds()
    leave(200)
    until(lambda: _quiet(running), "all streams have ended")
    until(
        lambda: worker.num_threads() <= threads + 8 and worker.num_fds() <= descriptors,
        f"{threads} threads and {descriptors} descriptors",
    )


def _quiet(scene: Scene) -> bool:
    """Whether every request that reached the upstream is over there."""
    return all(exchange.left.is_set() for exchange in scene.upstream.seen[-40:])
