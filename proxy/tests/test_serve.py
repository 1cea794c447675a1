"""The proxy under gunicorn: how it starts, says so, refuses, limits and stops."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.serve import PortInUseError, bind, print_ready
from proxy.settings import Settings
from proxy.tests.conftest import Keys
from proxy.tests.served import PROGRAM, Served, serving
from proxy.tests.upstream import DEADLINE_S, Exchange, Upstream, until


def test_a_port_in_use_is_named() -> None:
    """The message says which address cannot be used and why."""
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUseError, match=rf"127\.0\.0\.1:{port} cannot be used: Address already in use"):
            bind("127.0.0.1", port)


def test_an_address_that_is_not_ours_is_named() -> None:
    """Binding elsewhere fails with a message of the same kind."""
    with pytest.raises(PortInUseError, match=r"192\.0\.2\.1:0 cannot be used"):
        bind("192.0.2.1", 0)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://[::1]:8080"])
def test_ready_is_one_json_line(capsys: pytest.CaptureFixture[str], url: str) -> None:
    """Whoever started the proxy reads its address from the first line."""
    print_ready(url)
    assert json.loads(capsys.readouterr().out) == {"ready": "proxy", "url": url, "port": 8080}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, keys: Keys) -> Iterator[Served]:
    """A deployed proxy whose session key everybody may read."""
    folder = tmp_path_factory.mktemp("served")
    exposed = folder / "session.key"
    exposed.write_bytes(keys.session_key.read_bytes())
    exposed.chmod(0o644)
    settings = Settings(
        environment="development",
        snowflake_url="http://127.0.0.1:9",
        account="A",
        user="U",
        private_key_file=keys.private_key,
        session_key_file=exposed,
        policies={"token": {"body_bytes": 1024}},
    )
    with serving(settings, folder / "proxy.log") as served:
        yield served


def test_it_answers_when_it_says_so(served: Served) -> None:
    """The first request after the line succeeds; an exposed key was reported once, with its path."""
    assert served.post("/api/v1/session/token")["tokenType"] == "Bearer"
    warnings = [line for line in served.lines() if "key file" in line["event"]]
    assert len(warnings) == 1
    assert warnings[0]["detail"].endswith("session.key")


CHUNKED = (
    b"POST /api/v1/session/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
)


@pytest.mark.parametrize(
    ("chunks", "status"),
    [
        (b"2\r\n{}\r\n0\r\n\r\n", 200),
        (b'f\r\n{"role":"ROOT"}\r\n0\r\n\r\n', 422),
        (b"800\r\n" + b" " * 0x800 + b"\r\n0\r\n\r\n", 413),
        (b"400\r\n" + b" " * 0x400 + b"\r\n1\r\n \r\n0\r\n\r\n", 413),
    ],
    ids=["small", "unknown field", "one large chunk", "one byte too many"],
)
def test_chunked_bodies_are_read_and_limited(served: Served, chunks: bytes, status: int) -> None:
    """A body without a length is checked like any other, and cannot be longer than any other."""
    answer = served.raw(CHUNKED + chunks)
    assert int(answer.split(b" ", 2)[1]) == status


def test_a_head_answer_has_no_body(served: Served) -> None:
    """HEAD gets the headers of GET alone."""
    answer = served.raw(b"HEAD /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert body == b""


def test_short_requests_are_answered_while_all_streams_run(tmp_path: Path, keys: Keys) -> None:
    """With every slot taken the proxy still answers probes, and refuses the next stream at once."""
    with Upstream(_endless) as upstream:
        settings = Settings(
            environment="development",
            snowflake_url=upstream.url,
            account="A",
            user="U",
            private_key_file=keys.private_key,
            session_key_file=keys.session_key,
            max_streams=2,
        )
        with serving(settings, tmp_path / "proxy.log") as served, served.asked() as one, served.asked() as other:
            for client in (one, other):
                client.head()
                assert client.status == 200
            with served.asked() as third:
                third.head()
                assert third.status == 429
            assert served.raw(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").startswith(
                b"HTTP/1.1 200"
            )
            one.leave()
            other.leave()
            until(lambda: len(served.lines("stream ended")) == 2, "both streams have ended")


def _endless(exchange: Exchange) -> None:
    exchange.stream(b"data: 1\n\n")
    exchange.wait_left()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_quietly(tmp_path: Path, keys: Keys, number: signal.Signals) -> None:
    """Asked to stop, it exits with 0 and writes no error."""
    settings = Settings(
        environment="development",
        snowflake_url="http://127.0.0.1:9",
        account="A",
        user="U",
        private_key_file=keys.private_key,
        session_key_file=keys.session_key,
    )
    with serving(settings, tmp_path / "proxy.log", stop=number) as served:
        port = served.port
    assert "Traceback" not in served.log.read_text(encoding="utf-8")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)


def test_a_bad_key_stops_the_start_before_the_port_is_taken(tmp_path: Path, keys: Keys) -> None:
    """The process fails with the file's name, and never says that it is ready."""
    bad = tmp_path / "key.p8"
    bad.write_text("no key", encoding="utf-8")
    names = {
        "ENVIRONMENT": "development",
        "SNOWFLAKE_URL": "http://127.0.0.1:9",
        "ACCOUNT": "A",
        "USER": "U",
        "PRIVATE_KEY_FILE": str(bad),
        "SESSION_KEY_FILE": str(keys.session_key),
    }
    environment = {f"CORTEX_PROXY_{name}": value for name, value in names.items()}
    run = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert (run.returncode, run.stdout) == (1, "")
    assert str(bad) in run.stderr


def test_an_unreachable_upstream_is_a_502(served: Served) -> None:
    """Nobody behind the proxy is a problem response, not a stream."""
    with served.asked() as client:
        client.head()
        assert client.status == 502


def test_a_missing_token_is_a_401(served: Served) -> None:
    """The refusal comes from the application, through the server."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        served.post("/api/v1/chat")
    assert refused.value.code == 401
    refused.value.close()
