"""The worker: clients that stall, and requests that never reach the application."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection

import pytest

from contracts.api import PROBLEM_BASE, PROBLEM_JSON, Problem, ProblemType
from proxy.problems import ProblemError
from proxy.serve import UNARY_THREADS
from proxy.settings import Settings
from proxy.tests.conftest import Keys
from proxy.tests.served import Served, read_all, serving
from proxy.tests.upstream import DEADLINE_S
from proxy.worker import TimelyUnreader, refusal

MAX_STREAMS = 2
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
HALF_A_HEAD = b"POST /api/v1/session/token HTTP/1.1\r\nHost: localh"
HALF_A_BODY = (
    b"POST /api/v1/session/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 1000\r\n\r\n{"
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, keys: Keys) -> Iterator[Served]:
    """A proxy with few threads and little patience."""
    settings = Settings(
        environment="development",
        snowflake_url="http://127.0.0.1:9",
        account="A",
        user="U",
        private_key_file=keys.private_key,
        session_key_file=keys.session_key,
        max_streams=MAX_STREAMS,
        request_timeout_s=1,
        policies={"token": {"at_once": 100}},  # the limit here is that of the threads
    )
    with serving(settings, tmp_path_factory.mktemp("served") / "proxy.log") as served:
        yield served


@pytest.mark.parametrize("begun", [HALF_A_HEAD, HALF_A_BODY], ids=["half a head", "half a body"])
def test_stalled_clients_cannot_stop_the_proxy(served: Served, begun: bytes) -> None:
    """More clients than threads stop in mid-request: each is told so and let go, and others are answered again."""
    with ExitStack() as stalled:
        clients = [
            stalled.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=DEADLINE_S))
            for _ in range(MAX_STREAMS + UNARY_THREADS + 2)
        ]
        for client in clients:
            client.sendall(begun)
        started_s = time.monotonic()
        answer = served.raw(LIVEZ.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert answer.startswith(b"HTTP/1.1 200")
        assert time.monotonic() - started_s < 6
        for client in clients:
            assert_problem(read_all(client), ProblemType.REQUEST_TIMEOUT, 408)


def test_a_kept_connection_has_its_time_again_for_each_request(served: Served) -> None:
    """The bound is a request's, not the connection's; waiting for the next one is not part of it."""
    connection = HTTPConnection("127.0.0.1", served.port, timeout=DEADLINE_S)
    with closing(connection):
        connection.connect()
        used = connection.sock
        for _ in range(3):
            connection.request("GET", "/livez")
            assert connection.getresponse().read()
            assert connection.sock is used
            time.sleep(0.6)


def test_a_client_that_stays_is_not_waited_for_where_others_are_accepted(served: Served) -> None:
    """Clients that neither close after their last answer nor leave delay nobody."""
    with ExitStack() as staying:
        for _ in range(5):
            sock = staying.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=DEADLINE_S))
            sock.sendall(LIVEZ.replace(b"1.1", b"1.0"))
        started_s = time.monotonic()
        with socket.create_connection(("127.0.0.1", served.port), timeout=DEADLINE_S) as other:
            other.sendall(LIVEZ)
            assert other.recv(65_536).startswith(b"HTTP/1.1 200")
        assert time.monotonic() - started_s < 1.5


def test_dripping_does_not_prolong_the_time() -> None:
    """The bound is on the whole request: a byte now and then is no more patience."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        unreader = TimelyUnreader(ours, 0.3)
        started_s = time.monotonic()
        with pytest.raises(ProblemError, match=r"0\.3 s"):
            _drip(unreader, theirs)
        assert 0.3 <= time.monotonic() - started_s < 2
        unreader.expect()
        assert unreader.chunk() == b"x"


def _drip(unreader: TimelyUnreader, sock: socket.socket) -> None:
    for _ in range(100):
        sock.sendall(b"x")
        unreader.chunk()
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("request_bytes", "kind", "status"),
    [
        (b"nonsense\r\n\r\n", ProblemType.MALFORMED_REQUEST, 400),
        (b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", ProblemType.MALFORMED_REQUEST, 400),
        (b"GET / HTTP/1.1\r\nHo st: localhost\r\n\r\n", ProblemType.MALFORMED_REQUEST, 400),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n\r\n", ProblemType.ADDRESS_TOO_LONG, 414),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 9_000 + b"\r\n\r\n", ProblemType.HEADERS_TOO_LARGE, 431),
    ],
    ids=["no request", "unknown version", "bad header", "long address", "long header"],
)
def test_what_the_server_refuses_is_a_problem(
    served: Served, request_bytes: bytes, kind: ProblemType, status: int
) -> None:
    """A request that is no HTTP, or too much of it, gets an answer of the same shape as every other."""
    assert_problem(served.raw(request_bytes), kind, status)


def test_what_the_server_refuses_is_found_in_the_log(served: Served) -> None:
    """The answer's header and its problem name the request as the line does, each by an id of its own."""
    ids = set()
    for _ in range(2):
        head, _, body = served.raw(b"nonsense\r\n\r\n").partition(b"\r\n\r\n")
        instance = Problem.model_validate(json.loads(body)).instance
        assert instance is not None
        assert f"X-Request-Id: {instance}" in head.decode().split("\r\n")
        ids.add(instance)
    told = {line.get("requestId") for line in served.lines("request refused")}
    assert len(ids) == 2
    assert ids <= told


def test_a_defect_of_the_server_tells_nothing() -> None:
    """What is no fault of the request is an internal error without its words."""
    problem = refusal(RuntimeError("canary"))
    assert problem.kind is ProblemType.INTERNAL
    assert "canary" not in problem.detail


def assert_problem(answer: bytes, kind: ProblemType, status: int) -> None:
    """The answer is this problem, alone."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert PROBLEM_JSON.encode() in head
    problem = Problem.model_validate(json.loads(body))
    assert (problem.type, problem.status) == (PROBLEM_BASE + kind, status)
