"""Admission: who asks is found out, held against the limits and counted while the request runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, Response, request
from werkzeug.test import TestResponse

from contracts.api import ProblemType
from proxy import problems
from proxy.admission import add_rate_fields, admitted, admitted_client, bound_body
from proxy.limits import MemoryLeases, MemoryRateLimiter, RedisLeases, RedisRateLimiter
from proxy.parts import EXTENSION
from proxy.policies import Policies, Policy
from proxy.problems import ProblemError
from proxy.redis_client import connect
from proxy.tests.redis_server import redis_server

ROW = Policy(rate=3, window_s=60, burst=2, burst_s=1, at_once=2, body_bytes=1024)
POLICY_FIELD = '"history";q=3;w=60, "history-burst";q=2;w=1, "history-at-once";q=2;qu="concurrent-requests"'


class Tokens:
    """Stands in for the token service: a token is the name of its user."""

    def authenticate(self, authorization: str | None) -> SimpleNamespace:
        """The session of whoever the header names."""
        scheme, _, subject = (authorization or "").partition(" ")
        if scheme != "Bearer":
            raise ProblemError(ProblemType.TOKEN_MISSING, "Send the token.")
        return SimpleNamespace(session_id="s", subject=subject)


@dataclass(slots=True)
class Room:
    """An application with little more than admission; its clock stands still until a test moves `now`."""

    app: Flask
    parts: SimpleNamespace
    now: float = 0.0

    def get(self, path: str = "/history", user: str | None = "a", **fields: Any) -> TestResponse:
        """The answer to a request of the user."""
        headers = {"Authorization": f"Bearer {user}"} if user else {}
        return self.app.test_client().post(path, headers=headers, **fields)


@pytest.fixture
def room() -> Room:
    """Counting in memory."""
    app = Flask("room")
    parts = SimpleNamespace(
        settings=SimpleNamespace(policies=Policies(token=ROW, chat=ROW, history=ROW, report=ROW)),
        tokens=Tokens(),
        leases=MemoryLeases(),
    )
    made = Room(app, parts)
    parts.limiter = MemoryRateLimiter(lambda: made.now)
    app.extensions[EXTENSION] = parts
    problems.register(app)
    app.after_request(add_rate_fields)
    for view in (history, failing, token, report, chat, free):
        app.post(f"/{view.__name__}")(view)
    return made


def history() -> str:
    """Answers whom it knows, after reading the body."""
    with admitted("history") as session:
        return f"{session.subject} {len(request.get_data())}"


def failing() -> str:
    """Fails while it is counted."""
    with admitted("history"):
        raise ValueError("a defect")


def token() -> str:
    """Answers anybody."""
    with admitted_client("token"):
        return "anybody"


def report() -> str:
    """Finds its token in the body."""
    bound_body("report")
    with admitted("report", f"Bearer {request.get_data(as_text=True)}") as session:
        return session.subject


def chat() -> Response:
    """Streams, and is counted until the stream ends."""
    with contextlib.ExitStack() as held:
        held.enter_context(admitted("chat"))
        kept = held.pop_all()

    def events() -> Iterator[str]:
        with kept:
            yield "first"
            yield "last"

    return Response(events())


def free() -> str:
    """Has no limits."""
    return "free"


def problem(response: TestResponse) -> dict[str, Any]:
    """The problem that was answered."""
    found: dict[str, Any] = response.get_json()
    return found | {"type": found["type"].rpartition("/")[2]}


# --- rates ---------------------------------------------------------------------------------------------------------


def test_whoever_is_admitted_learns_what_is_left(room: Room) -> None:
    """An answer tells the endpoint's quotas and what is left of them."""
    response = room.get(data="four")
    assert (response.status_code, response.text) == (200, "a 4")
    assert response.headers["RateLimit-Policy"] == POLICY_FIELD
    assert response.headers["RateLimit"] == '"history";r=2;t=60, "history-burst";r=1;t=1'
    assert not [name for name in dict(response.headers) if name.startswith("X-")]


def test_too_many_requests_are_refused(room: Room) -> None:
    """The refusal says which limit is used up and how long to wait, in the body as in the fields."""
    room.get()
    room.get()
    response = room.get()
    found = problem(response)
    assert (response.status_code, found["type"]) == (429, "rate-limited")
    assert found["detail"] == "2 requests per 1 s (history-burst) are allowed, and used up; wait 1 s."
    assert found["violated-policies"] == ["history-burst"]
    assert (found["retryAfterS"], response.headers["Retry-After"]) == (1, "1")
    assert response.headers["RateLimit-Policy"] == POLICY_FIELD
    assert response.headers["RateLimit"] == '"history-burst";r=0;t=1'


def test_waiting_as_told_is_enough(room: Room) -> None:
    """Whoever waits as long as Retry-After says is let through, also after asking in vain."""
    statuses = []
    for _ in range(8):
        response = room.get()
        statuses.append(response.status_code)
        room.now += int(response.headers.get("Retry-After", 0))
    assert statuses == [200, 200, 429, 200, 429, 200, 200, 429]


def test_users_do_not_share_limits(room: Room) -> None:
    """What one user has used up is there for another."""
    assert [room.get(user=user).status_code for user in ("a", "a", "a", "b")] == [200, 200, 429, 200]


def test_without_a_token_nothing_is_counted(room: Room) -> None:
    """Who is not known is refused for that, and told no limits."""
    response = room.get(user=None)
    assert (response.status_code, problem(response)["type"]) == (401, "token-missing")
    assert [name for name in dict(response.headers) if name.startswith("RateLimit")] == []


def test_an_endpoint_without_limits_tells_none(room: Room) -> None:
    """No fields where nothing was counted."""
    assert [name for name in dict(room.get("/free").headers) if name.startswith("RateLimit")] == []


def test_a_token_may_come_in_the_body(room: Room) -> None:
    """A route may name the authorization itself; the header then has no say."""
    assert room.get("/report", user="header", data="body").text == "body"


def test_a_refused_authorization_is_not_replaced(room: Room) -> None:
    """A token that the body should carry and does not is missing, whatever the header carries."""
    with (
        room.app.test_request_context(headers={"Authorization": "Bearer a"}),
        pytest.raises(ProblemError) as caught,
        admitted("report", ""),
    ):
        pass
    assert caught.value.kind is ProblemType.TOKEN_MISSING


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        (None, None, True),
        ("nowhere", "nowhere", True),
    ],
)
def test_clients_are_told_apart_by_address(room: Room, first: str | None, second: str | None, is_same: bool) -> None:
    """Who is unknown counts by address, of IPv6 by its network."""
    for address in (first, first):
        assert room.get("/token", user=None, environ_base={"REMOTE_ADDR": address}).text == "anybody"
    last = room.get("/token", user=None, environ_base={"REMOTE_ADDR": second})
    assert last.status_code == (429 if is_same else 200)


@pytest.mark.parametrize(("path", "data_bytes", "status"), [("/history", 1024, 200), ("/history", 1025, 413)])
def test_bodies_are_bounded_by_the_policy(room: Room, path: str, data_bytes: int, status: int) -> None:
    """A body may be as large as the endpoint's policy says."""
    assert room.get(path, data=b"x" * data_bytes).status_code == status


def test_a_body_read_before_is_bounded_too(room: Room) -> None:
    """A route that reads its body to learn who asks does not read more than the policy says."""
    assert room.get("/report", data=b"x" * 1025).status_code == 413


# --- at once -------------------------------------------------------------------------------------------------------


def take_all(room: Room, name: str) -> list[Callable[[], None]]:
    """All places of the user are taken."""
    return [room.parts.leases.take(name, "a", ROW.at_once, 60) for _ in range(ROW.at_once)]


def test_too_many_at_once_are_refused_for_nothing(room: Room) -> None:
    """Who has too many requests in progress is refused, and that uses none of the rate up."""
    releases = take_all(room, "history")
    for _ in range(10):
        response = room.get()
        found = problem(response)
        assert (response.status_code, found["type"], found["retryAfterS"]) == (429, "too-many-at-once", 1)
        assert found["violated-policies"] == ["history-at-once"]
        assert response.headers["RateLimit-Policy"] == POLICY_FIELD
        assert "RateLimit" not in response.headers
    for release in releases:
        release()
    assert room.get().headers["RateLimit"] == '"history";r=2;t=60, "history-burst";r=1;t=1'


def test_a_stream_counts_until_it_ends(room: Room) -> None:
    """A stream holds its place after the view has returned, until it is closed, wherever that happens."""
    first, second = room.get("/chat", buffered=False), room.get("/chat", buffered=False)
    room.now += 1
    refused = room.get("/chat")
    assert (refused.status_code, problem(refused)["type"]) == (429, "too-many-streams")
    assert first.text == "firstlast"
    first.close()
    assert room.get("/chat").text == "firstlast"
    second.close()


@pytest.mark.parametrize("path", ["/history", "/failing", "/token"])
def test_a_place_is_given_back_however_it_ends(room: Room, path: str) -> None:
    """Answers, defects and refusals leave every place free."""
    for _ in range(6):
        room.get(path)
    assert not room.parts.leases._taken


# --- Redis ---------------------------------------------------------------------------------------------------------


def test_redis_may_come_and_go(room: Room) -> None:
    """Without its store the proxy refuses, a request that runs then ends well, and all works again afterwards."""
    with redis_server() as server, contextlib.closing(connect(server.url)) as client:
        room.parts.limiter, room.parts.leases = RedisRateLimiter(client), RedisLeases(client)
        assert room.get().status_code == 200
        stream = room.get("/chat", buffered=False)
        server.stop()
        assert stream.text == "firstlast"
        stream.close()
        response = room.get()
        assert (response.status_code, problem(response)["type"]) == (503, "store-unavailable")
        assert response.headers["Retry-After"] == "1"
        server.start()
        assert room.get().status_code == 200
