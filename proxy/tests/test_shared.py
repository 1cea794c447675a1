"""Two processes and one Redis, as deployed: limits, logouts and history are one, and an absent Redis is told."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from proxy.settings import Settings
from proxy.tests.conftest import ROOMY, Keys
from proxy.tests.redis_server import RedisServer, redis_server
from proxy.tests.served import Served, serving
from proxy.tests.upstream import DEADLINE_S, EVENTS, STREAM, Exchange, Upstream, until

RATE, AT_ONCE = 12, 3
PROCESSES = 2


@dataclass
class Scene:
    """Two processes, their Redis, and an upstream that answers when it is let."""

    served: Served
    redis: RedisServer
    upstream: Upstream
    answering: threading.Event

    def ask(self, method: str, path: str, token: str | None = None, body: object = None) -> tuple[int, Any, Any]:
        """Status, headers and document of an answer; each request has a connection, so either process may take it."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.served.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {}),
        )
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_S) as response:  # noqa: S310 - loopback
                return response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, json.loads(error.read())

    def session(self) -> tuple[str, str]:
        """A new session's id and token."""
        _, _, body = self.ask("POST", "/api/v1/session/token", body={})
        document = json.loads(body)
        return document["sessionId"], document["token"]

    def at_once(self, count: int, ask: Any) -> list[Any]:
        """What that many callers get who ask at the same moment."""
        ready, answers = threading.Barrier(count), list[Any]()

        def call() -> None:
            ready.wait()
            answers.append(ask())

        callers = [threading.Thread(target=call) for _ in range(count)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(DEADLINE_S)
        return answers


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, keys: Keys) -> Iterator[Scene]:
    """The whole, once for the module."""
    answering = threading.Event()

    def answer(exchange: Exchange) -> None:
        exchange.stream(EVENTS[0])
        assert answering.wait(DEADLINE_S)
        exchange.chunk(STREAM[len(EVENTS[0]) :])
        exchange.end()

    with redis_server() as redis, Upstream(answer) as upstream:
        settings = Settings(
            environment="development",
            snowflake_url=upstream.url,
            account="A",
            user="U",
            private_key_file=keys.private_key,
            session_key_file=keys.session_key,
            processes=PROCESSES,
            redis_url=redis.url,
            drain_s=0,
            policies=ROOMY
            | {
                "history": {"rate": RATE, "burst": 1000, "at_once": 1000, "window_s": 3600},
                "chat": {"rate": 1000, "burst": 1000, "at_once": AT_ONCE},
            },
        )
        with serving(settings, tmp_path_factory.mktemp("shared") / "proxy.log") as served:
            answering.set()
            yield Scene(served, redis, upstream, answering)


def test_both_processes_serve(scene: Scene) -> None:
    """There are two, and both answer: what follows is counted by more than one."""
    master = scene.served.master
    until(lambda: len(master.children()) == PROCESSES, "all processes run")  # the first one tells that it is ready
    workers = master.children()
    before = [worker.cpu_times().user for worker in workers]

    def both_have_worked() -> bool:
        scene.at_once(40, lambda: scene.ask("GET", "/livez"))  # one at a time, the same one might take them all
        return all(worker.cpu_times().user > busy_s for worker, busy_s in zip(workers, before, strict=True))

    until(both_have_worked, "both have answered")


def test_a_rate_is_one_number(scene: Scene) -> None:
    """Of many requests at the same moment exactly as many are let through as the limit says, whoever answers them."""
    session_id, token = scene.session()
    answers = scene.at_once(40, lambda: scene.ask("GET", f"/api/v1/history/{session_id}", token)[0])
    assert Counter(answers) == {200: RATE, 429: 40 - RATE}


def test_concurrency_is_one_number(scene: Scene) -> None:
    """Of many streams at the same moment exactly as many run as one user may have, and each end frees a place."""
    session_id, token = scene.session()
    asked = {"sessionId": session_id, "message": "q"}
    scene.answering.clear()
    before, statuses = len(scene.upstream.seen), list[int]()

    def stream() -> None:
        statuses.append(scene.ask("POST", "/api/v1/chat", token, asked)[0])

    callers = [threading.Thread(target=stream) for _ in range(12)]
    for caller in callers:
        caller.start()
    until(lambda: statuses.count(429) == 12 - AT_ONCE, "those beyond the limit are refused while the others run")
    until(lambda: len(scene.upstream.seen) - before == AT_ONCE, "those within it have reached the upstream")
    scene.answering.set()
    for caller in callers:
        caller.join(DEADLINE_S)
    assert Counter(statuses) == {200: AT_ONCE, 429: 12 - AT_ONCE}
    assert scene.ask("POST", "/api/v1/chat", token, asked)[0] == 200


def test_a_logout_holds_everywhere(scene: Scene) -> None:
    """A session that was ended at one process is over at all of them."""
    session_id, token = scene.session()
    assert scene.ask("DELETE", "/api/v1/session/token", token)[0] == 204
    answers = scene.at_once(10, lambda: scene.ask("GET", f"/api/v1/history/{session_id}", token))
    assert {status for status, _, _ in answers} == {401}


def test_history_is_everywhere(scene: Scene) -> None:
    """A turn that one process has streamed is shown by all of them."""
    session_id, token = scene.session()
    assert scene.ask("POST", "/api/v1/chat", token, {"sessionId": session_id, "message": "what was asked"})[0] == 200

    def shown() -> set[int]:
        answers = scene.at_once(1, lambda: scene.ask("GET", f"/api/v1/history/{session_id}", token))
        return {len(json.loads(body)["turns"]) for _, _, body in answers}

    until(lambda: shown() == {1}, "the turn is there")


def test_a_redis_that_goes_away_in_mid_request(scene: Scene) -> None:
    """Streams that run go on to their end; new requests are told to come back; afterwards all is as before."""
    session_id, token = scene.session()
    asked = {"sessionId": session_id, "message": "asked before"}
    scene.answering.clear()
    before, outcome = len(scene.upstream.seen), list[Any]()
    streaming = threading.Thread(target=lambda: outcome.append(scene.ask("POST", "/api/v1/chat", token, asked)))
    streaming.start()
    until(lambda: len(scene.upstream.seen) > before, "the stream runs")
    scene.redis.stop()
    try:
        for method, path, body in (
            ("POST", "/api/v1/chat", asked),
            ("GET", f"/api/v1/history/{session_id}", None),
            ("POST", "/api/v1/session/token", {}),
        ):
            status, headers, problem = scene.ask(method, path, token, body)
            assert (status, problem["type"].rpartition("/")[2]) == (503, "store-unavailable")
            assert int(headers["Retry-After"]) >= 1
            assert problem["retryable"]
        until(lambda: scene.ask("GET", "/readyz")[0] == 503, "the probe notices")
        assert scene.ask("GET", "/livez")[0] == 200
        scene.answering.set()
        streaming.join(DEADLINE_S)
        ((status, _, body),) = outcome
        assert (status, STREAM in body, b'"reason":"completed"' in body) == (200, True, True)
    finally:
        scene.redis.start()
        scene.answering.set()
    until(lambda: scene.ask("GET", "/readyz")[0] == 200, "the probe notices")
    session_id, token = scene.session()
    assert scene.ask("POST", "/api/v1/chat", token, {"sessionId": session_id, "message": "q"})[0] == 200
