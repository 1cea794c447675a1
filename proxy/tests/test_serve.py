"""The proxy under gunicorn: how it starts, says so, refuses, limits and stops."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from contracts.api import PROBLEM_BASE, PROBLEM_JSON, EndReason, Problem, ProblemType, ProxyEnd
from proxy import VERSION
from proxy.serve import PortInUseError, bind, for_process, print_ready
from proxy.settings import ENV_PREFIX, Settings, SettingsError
from proxy.tests.conftest import Keys, MakeSettings
from proxy.tests.redis_server import redis_server
from proxy.tests.served import PROGRAM, Client, Served, serving
from proxy.tests.upstream import DEADLINE_S, EVENTS, Exchange, Upstream, until


def test_a_port_in_use_is_named() -> None:
    """The message says which address cannot be used and why."""
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUseError, match=rf"127\.0\.0\.1:{port} cannot be used: Address already in use"):
            bind("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "port"),
    [
        pytest.param("192.0.2.1", 0, id="not ours"),
        pytest.param("nope.invalid", 0, id="no address"),
        pytest.param("a" * 64, 0, id="no name"),
        pytest.param("127.0.0.1", 65_536, id="beyond the last port"),
    ],
)
def test_an_address_that_no_other_port_mends_is_a_setting(host: str, port: int) -> None:
    """The message names the setting and the address, and is not that of a port in use."""
    with pytest.raises(SettingsError, match=f"CORTEX_PROXY_METRICS_HOST: {host}:{port} cannot be used: ."):
        bind(host, port, "METRICS_HOST")


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
    """Asked to stop when nothing runs, it exits with 0 long before its drain is over, and writes no error."""
    settings = rehearsal(keys, drain_s=300)
    with serving(settings, tmp_path / "proxy.log", stop=number) as served:
        port = served.port
    assert "Traceback" not in served.log.read_text(encoding="utf-8")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)


def rehearsal(keys: Keys, url: str = "http://127.0.0.1:9", **changed: Any) -> Settings:
    """Development settings with what the test changes."""
    given: dict[str, Any] = {
        "environment": "development",
        "snowflake_url": url,
        "account": "A",
        "user": "U",
        "private_key_file": keys.private_key,
        "session_key_file": keys.session_key,
        "history_file": ":memory:",
    }
    return Settings(**given | changed)


def probe(served: Served, path: str = "/readyz") -> tuple[int, str]:
    """Status and head of a probe's answer; the connection would be kept if the proxy liked."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=DEADLINE_S) as sock:
        sock.sendall(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path.encode())
        head = sock.recv(65_536).decode().partition("\r\n\r\n")[0]
    return int(head.split(" ", 2)[1]), head


def goodbye(client: Client) -> tuple[str, str]:
    """How a stream that has begun ends: the problem's type and the reason."""
    whole = b"".join(iter(client.chunk, b"")).decode()
    error, end = whole.partition("event: error\n")[2].split("event: proxy.end\n")
    problem = Problem.model_validate_json(error.strip().removeprefix("data: "))
    assert problem.retryable
    return problem.type, ProxyEnd.model_validate_json(end.strip().removeprefix("data: ")).reason


DRAINING = (PROBLEM_BASE + ProblemType.DRAINING, EndReason.DRAINING)


def test_a_drain_keeps_what_runs_and_refuses_what_is_new(tmp_path: Path, keys: Keys) -> None:
    """Unready and closing its connections it answers on, but begins no stream; a second SIGTERM ends what runs.

    The signal also reaches the worker itself, as from supervisors that signal whole groups: that is no second one.
    """
    settings = {"drain_s": 300, "max_streams": 2}
    with (
        Upstream(_endless) as upstream,
        serving(rehearsal(keys, upstream.url, **settings), tmp_path / "proxy.log") as served,
        served.asked() as running,
    ):
        running.head()
        assert running.chunk().startswith(b"event: proxy.start")
        worker = served.worker
        worker.terminate()
        served.master.terminate()
        until(lambda: probe(served)[0] == 503, "the proxy is not ready")
        assert "connection: close" in probe(served, "/livez")[1].lower()
        until(lambda: len(served.lines("stopping")) == 1, "the drain has begun")
        with served.asked() as new:  # which took a token, as short requests are answered
            new.head()
            assert (new.status, new.headers["retry-after"]) == (503, "1")
            assert new.headers["content-type"] == PROBLEM_JSON
        assert not served.lines("stream ended")
        served.master.terminate()
        assert goodbye(running) == DRAINING
    assert not worker.is_running()
    assert "Traceback" not in served.log.read_text(encoding="utf-8")


def test_a_drain_lets_a_stream_finish_and_ends_with_it(tmp_path: Path, keys: Keys) -> None:
    """The last answer is a whole one, and nothing is waited for after it."""
    may_end = threading.Event()

    def answer(exchange: Exchange) -> None:
        exchange.stream(EVENTS[0])
        may_end.wait(DEADLINE_S)
        for event in EVENTS[1:]:
            exchange.chunk(event)
        exchange.end()

    with (
        Upstream(answer) as upstream,
        serving(rehearsal(keys, upstream.url, drain_s=300), tmp_path / "proxy.log") as served,
        served.asked() as running,
    ):
        running.head()
        served.master.terminate()
        until(lambda: probe(served)[0] == 503, "the proxy is not ready")
        may_end.set()
        whole = b"".join(iter(running.chunk, b""))
        assert b"event: done" in whole
        assert b'"reason":"completed"' in whole


@pytest.mark.parametrize(
    ("number", "drain_s"), [(signal.SIGTERM, 0), (signal.SIGINT, 300)], ids=["the drain is over", "Ctrl-C"]
)
def test_a_stream_that_is_ended_says_so(tmp_path: Path, keys: Keys, number: signal.Signals, drain_s: int) -> None:
    """It ends with a problem that invites to try again and with the last frame; an answer awaited is a refusal."""

    def answer(exchange: Exchange) -> None:
        if exchange.document["messages"][0]["content"][0]["text"] == "q":
            _endless(exchange)
        exchange.wait_left()

    with (
        Upstream(answer) as upstream,
        serving(rehearsal(keys, upstream.url, drain_s=drain_s), tmp_path / "proxy.log") as served,
        served.asked() as running,
        served.asked(message="never answered") as waiting,
    ):
        running.head()
        until(lambda: len(upstream.seen) == 2, "both have been asked")
        served.master.send_signal(number)
        assert goodbye(running) == DRAINING
        waiting.head()
        assert (waiting.status, waiting.headers["content-type"]) == (503, PROBLEM_JSON)


def test_a_request_that_hangs_is_left(tmp_path: Path, keys: Keys) -> None:
    """In a hurry the process does not outlive its goodbye, though a thread of it still waits for Snowflake."""
    with (
        Upstream(lambda exchange: exchange.wait_left()) as upstream,
        serving(rehearsal(keys, upstream.url), tmp_path / "proxy.log", stop=signal.SIGINT) as served,
        socket.create_connection(("127.0.0.1", served.port), timeout=DEADLINE_S) as waiting,
    ):
        token = served.post("/api/v1/session/token")["token"]
        head = [
            "POST /api/v1/tools/sql HTTP/1.1",
            "Host: localhost",
            "Content-Type: application/json",
            f"Authorization: Bearer {token}",
            "Content-Length: 24",
        ]
        waiting.sendall("\r\n".join([*head, "", '{"statement":"SELECT 1"}']).encode())
        until(lambda: upstream.seen, "Snowflake was asked")
    assert "Traceback" not in served.log.read_text(encoding="utf-8")


def test_during_the_notice_everything_is_served(tmp_path: Path, keys: Keys) -> None:
    """Only readiness fails, so that whoever balances load finds out before anybody is refused."""
    settings = {"drain_s": 300, "drain_notice_s": 300}
    with (
        Upstream(_endless) as upstream,
        serving(rehearsal(keys, upstream.url, **settings), tmp_path / "proxy.log") as served,
    ):
        served.master.terminate()
        until(lambda: probe(served)[0] == 503, "the proxy is not ready")
        with served.asked() as new:
            new.head()
            assert new.status == 200
            served.master.terminate()
            assert goodbye(new) == DRAINING


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGUSR2])
def test_signals_that_would_change_the_processes_are_ignored(served: Served, number: signal.Signals) -> None:
    """Limits are counted for the number of processes that the settings name."""
    worker, told = served.worker, len(served.lines("a signal was ignored"))
    served.master.send_signal(number)
    until(lambda: len(served.lines("a signal was ignored")) == told + 1, "the signal was ignored")
    assert served.worker == worker


def test_a_worker_without_its_master_leaves(tmp_path: Path, keys: Keys) -> None:
    """Nobody could stop it any more: its streams are told, and it ends by itself."""
    log = tmp_path / "proxy.log"
    with Upstream(_endless) as upstream, ExitStack() as cleanup:
        given = rehearsal(keys, upstream.url).model_dump(mode="json", exclude_unset=True)
        environment = {f"{ENV_PREFIX}{name.upper()}": str(value) for name, value in given.items()}
        with log.open("wb") as stderr:
            process = cleanup.enter_context(
                subprocess.Popen(  # noqa: S603 - our own program
                    [sys.executable, "-c", PROGRAM], env=environment, stdout=subprocess.PIPE, stderr=stderr
                )
            )
        cleanup.callback(process.kill)
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        served = Served(ready["port"], log, psutil.Process(process.pid))
        running = cleanup.enter_context(served.asked())
        running.head()
        worker = served.worker
        process.kill()
        assert goodbye(running) == DRAINING
        until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, "the worker has left")


def test_processes_share_the_port_and_number_their_metrics(tmp_path: Path, keys: Keys) -> None:
    """Each worker has its own metrics on the next port; the successor of one that died takes its place."""
    with redis_server() as redis:
        metrics_port = _free_pair()
        settings = rehearsal(keys, processes=2, redis_url=redis.url, metrics_port=metrics_port)
        with serving(settings, tmp_path / "proxy.log") as served:
            until(lambda: all(_answers(metrics_port + index) for index in (0, 1)), "both offer metrics")
            before = served.master.children()
            before[0].kill()
            until(lambda: len({*served.master.children()} | {*before}) == 3, "a successor was started")
            until(lambda: all(_answers(metrics_port + index) for index in (0, 1)), "both offer metrics again")
            assert probe(served)[0] == 200


def _free_pair() -> int:
    """A port that is free, as is the next."""
    while True:
        with bind("127.0.0.1", 0) as first, suppress(PortInUseError):
            port = int(first.getsockname()[1])
            bind("127.0.0.1", port + 1).close()
            return port


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=DEADLINE_S) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def command(keys: Keys, **names: str) -> subprocess.CompletedProcess[str]:
    """`cortex-harness proxy` with settings that it must refuse."""
    given = {
        "ENVIRONMENT": "development",
        "SNOWFLAKE_URL": "http://127.0.0.1:9",
        "ACCOUNT": "A",
        "USER": "U",
        "PRIVATE_KEY_FILE": str(keys.private_key),
        "SESSION_KEY_FILE": str(keys.session_key),
        "HISTORY_FILE": ":memory:",
    } | names
    return subprocess.run(
        [sys.executable, "-m", "harness", "proxy", "--port", "0"],
        env={f"CORTEX_PROXY_{name}": value for name, value in given.items()},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def test_several_processes_need_redis(keys: Keys) -> None:
    """Without a place to share limits in, the command says so and exits with 1."""
    run = command(keys, PROCESSES="2")
    assert (run.returncode, run.stdout) == (1, "")
    assert "more than one process needs REDIS_URL" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_metrics_port_in_use_stops_the_start(keys: Keys) -> None:
    """The setting and the address are named; nothing was started."""
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        run = command(keys, METRICS_PORT=str(port))
    assert (run.returncode, run.stdout) == (1, "")
    assert f"CORTEX_PROXY_METRICS_PORT: 127.0.0.1:{port} cannot be used: Address already in use" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("names", "says"),
    [
        pytest.param(
            {"METRICS_HOST": "nope.invalid", "METRICS_PORT": "0"}, "CORTEX_PROXY_METRICS_HOST: ", id="metrics"
        ),
        pytest.param({"HOST": "nope.invalid"}, "CORTEX_PROXY_HOST: ", id="host"),
    ],
)
def test_a_host_without_an_address_stops_the_start(keys: Keys, names: dict[str, str], says: str) -> None:
    """The setting is named, before any worker; no other port is advised, as none would help."""
    run = command(keys, **names)
    assert (run.returncode, run.stdout) == (1, "")
    assert f"{says}nope.invalid:0 cannot be used: " in run.stderr
    assert "--port" not in run.stderr
    assert "Traceback" not in run.stderr


def test_every_bad_key_is_named_by_its_setting(tmp_path: Path, keys: Keys) -> None:
    """Whoever starts the proxy reads setting and path of each, in one go."""
    bad = tmp_path / "bad"
    bad.write_bytes(b"canary")
    run = command(keys, PRIVATE_KEY_FILE=str(bad), SESSION_KEY_FILE=str(bad), CLIENT_KEY_FILE=str(bad))
    assert (run.returncode, run.stdout) == (1, "")
    assert f"CORTEX_PROXY_PRIVATE_KEY_FILE: {bad} is not an unencrypted PEM private key" in run.stderr
    assert f"CORTEX_PROXY_SESSION_KEY_FILE: {bad} holds 6 bytes" in run.stderr
    assert f"CORTEX_PROXY_CLIENT_KEY_FILE: {bad} holds 6 bytes" in run.stderr
    assert "canary" not in run.stderr


def test_a_killed_worker_is_replaced_and_the_log_stays_json(tmp_path: Path, keys: Keys) -> None:
    """The master tells of it in a line like every other; the successor answers, and says nothing of a new start."""
    with serving(rehearsal(keys, metrics_port=0), tmp_path / "proxy.log") as served:
        before = served.worker
        before.kill()
        until(lambda: [each for each in served.master.children() if each != before], "a successor was started")
        assert probe(served)[0] == 200
        until(lambda: any("SIGKILL" in line["event"] for line in served.lines()), "the master has told of it")
        assert all({"event", "level", "timestamp"} <= line.keys() for line in served.lines())
        assert len(served.lines("serving")) == 1


def test_a_worker_that_cannot_start_is_told_as_json(keys: Keys) -> None:
    """What only a worker finds out ends the proxy with a line that says why; nothing stands between the lines."""
    given = rehearsal(keys).model_dump(mode="json", exclude_unset=True)
    run = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", f"from proxy import serve; serve.start = lambda app: app.no_such; {PROGRAM}"],
        env={f"{ENV_PREFIX}{name.upper()}": str(value) for name, value in given.items()},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    lines = [json.loads(line) for line in run.stderr.splitlines()]
    (fault,) = [line for line in lines if line["event"] == "a worker cannot start"]
    assert (run.returncode, run.stdout) == (3, "")
    assert "no_such" in fault["detail"]
    assert "AttributeError at " in fault["exception"]


def test_a_line_tells_what_serves(tmp_path: Path, keys: Keys) -> None:
    """What it is, against what, with which store and where, is told once it is ready."""
    with serving(rehearsal(keys, metrics_port=0), tmp_path / "proxy.log") as served:
        (line,) = served.lines("serving")
    told = {
        "level": "info",
        "version": VERSION,
        "environment": "development",
        "upstream": "rehearsal",
        "store": "memory",
        "processes": 1,
        "port": served.port,
    }
    assert {name: line.get(name) for name in told} == told
    assert line["metricsPort"] > 0


@pytest.mark.parametrize(("metrics_port", "of_the_third"), [(None, None), (0, 0), (9464, 9466)])
def test_metrics_ports_follow_each_other(
    make_settings: MakeSettings, metrics_port: int | None, of_the_third: int | None
) -> None:
    """The process with index 2 takes the second port after the first; any free port stays any."""
    assert for_process(make_settings(metrics_port=metrics_port), 2).metrics_port == of_the_third


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
