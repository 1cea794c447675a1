"""The server over real sockets: bytes, ends, limits, clients that leave, and clients that lie."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mocks import server
from mocks.cassette import Cassette, Frame, Interaction, load_all, save
from mocks.server import PortInUseError, reserve_port
from mocks.state import HERE, Mock, Options
from mocks.tests.running import (
    NOW,
    QUESTION,
    RUN,
    KeyPair,
    RunningMock,
    chunks,
    read_to_end,
    run_body,
    running,
    until,
)

SHIPPED = {tape.name: tape for tape in load_all(HERE / "cassettes")}
REGIONS = SHIPPED["agents/net_sales_by_region"].interactions[0]
NAMES = [frame.event for frame in REGIONS.frames]
DELTAS = [index for index, name in enumerate(NAMES) if name == "response.text.delta"]


def played(mock: RunningMock, scenario: str, *, pace: str = "0", test_id: str = "") -> bytes:
    """The raw answer to the question under a scenario."""
    headers = {"X-Mock-Scenario": scenario, "X-Mock-Pace": pace, "X-Test-Id": test_id or scenario}
    return mock.raw(mock.request("POST", RUN, run_body(), headers))


def body_up_to(index: int) -> bytes:
    """The recorded bytes up to a frame, inclusive."""
    return b"".join(frame.data for frame in REGIONS.frames[: index + 1])


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "json"])
def test_a_cut_ends_the_connection_not_the_body(mock: RunningMock, stream: bool) -> None:
    """Everything before the cut arrives, the final chunk never does, and the connection ends at once."""
    headers = {**NOW, "X-Mock-Scenario": "cut_mid_stream", "X-Test-Id": f"cut-{stream}"}
    parts, ended = chunks(mock.raw(mock.request("POST", RUN, run_body(stream=stream), headers)))
    assert not ended
    assert b"".join(parts) == (body_up_to(DELTAS[1]) if stream else b"")
    assert mock.ended(f"cut-{stream}")["outcome"] == "cut"


def test_a_cut_inside_a_frame(mock: RunningMock) -> None:
    """The frame that is cut arrives in part."""
    parts, ended = chunks(played(mock, "cut_inside_frame"))
    assert not ended
    broken = REGIONS.frames[DELTAS[0] + 1].data[:30]
    assert b"".join(parts) == body_up_to(DELTAS[0]) + broken


def test_a_cut_of_a_kept_alive_connection(mock: RunningMock) -> None:
    """A connection that answered before ends as well, and others live on."""
    fields = {"Connection": "keep-alive"}
    with mock.opened(mock.request("GET", "/__mock/health", headers=fields)) as line:
        first = b""
        while b'"strict"' not in first:
            first += line.recv(65536)
        line.sendall(mock.request("POST", RUN, run_body(), {**fields, **NOW, "X-Mock-Scenario": "cut_mid_stream"}))
        assert chunks(read_to_end(line))[1] is False
    assert mock.run().body == REGIONS.body()


def test_many_cuts_leave_nothing_behind(mock: RunningMock) -> None:
    """No descriptor stays open."""
    played(mock, "cut_mid_stream")
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208
    for _ in range(20):
        played(mock, "cut_mid_stream")
    until(lambda: len(os.listdir("/dev/fd")) <= before or None)  # noqa: PTH208


def test_an_early_end_is_a_proper_end(mock: RunningMock) -> None:
    """The body ends properly, though the last events are missing."""
    parts, ended = chunks(played(mock, "ends_early"))
    assert ended
    assert b"".join(parts) == body_up_to(DELTAS[1])


@pytest.mark.parametrize(
    ("scenario", "foreign"),
    [
        pytest.param("keep_alive_comment", b": keep-alive\n\n", id="comment"),
        pytest.param("unknown_event", b'event: response.hologram\ndata: {"sequence_number":0}\n\n', id="event"),
    ],
)
def test_a_foreign_frame_is_added(mock: RunningMock, scenario: str, foreign: bytes) -> None:
    """It stands behind the first delta; all else is unchanged."""
    parts, ended = chunks(played(mock, scenario))
    assert ended
    assert b"".join(parts) == body_up_to(DELTAS[0]) + foreign + REGIONS.body().removeprefix(body_up_to(DELTAS[0]))


ANSWERS = [
    ("gateway_html", (502, "text/html", None), b"<html>"),
    ("login_expired", (200, "application/json", None), b"390112"),
    ("not_authorized", (403, "application/json", None), b"390189"),
    ("throttled", (429, "application/json", None), b"390505"),
    ("unavailable", (503, "application/json", "2"), b"399505"),
]


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "json"])
@pytest.mark.parametrize(("scenario", "head", "words"), ANSWERS, ids=[each[0] for each in ANSWERS])
def test_another_answer(
    mock: RunningMock, scenario: str, head: tuple[int, str, str | None], words: bytes, stream: bool
) -> None:
    """Status, type, advice and body of the scenario, whatever form was asked for."""
    answer = mock.run(headers={"X-Mock-Scenario": scenario}, stream=stream)
    assert (answer.status, answer.headers["content-type"], answer.headers.get("retry-after")) == head
    assert words in answer.body
    assert answer.headers["x-mock-scenario"] == scenario


SILENCES = [
    ("slow_start", 0, 2000.0),
    ("stall_mid_stream", DELTAS[0] + 1, 2000.0),
]


@pytest.mark.parametrize(("scenario", "index", "silence_ms"), SILENCES, ids=[each[0] for each in SILENCES])
def test_a_silence_is_heard(mock: RunningMock, scenario: str, index: int, silence_ms: float) -> None:
    """At a tenth of the pace, what follows the silence is late by all of it, and all bytes arrive."""
    started_s = time.monotonic()
    body = run_body()
    with mock.opened(mock.request("POST", RUN, body, {"X-Mock-Scenario": scenario, "X-Mock-Pace": "0.1"})) as line:
        raw = b""
        while REGIONS.frames[index].data not in raw:
            raw += line.recv(65536)
        heard_s = time.monotonic() - started_s
        raw += read_to_end(line)
    assert heard_s >= (REGIONS.frames[index].at_ms / 10 + silence_ms) / 1000
    assert chunks(raw) == (chunks(raw)[0], True)
    assert b"".join(chunks(raw)[0]) == REGIONS.body()


def test_a_json_answer_waits_like_its_stream(mock: RunningMock) -> None:
    """The final object is due when the stream would have reached it."""
    started_s = time.monotonic()
    assert mock.run(headers={"X-Mock-Pace": "0.1"}, stream=False).status == 200
    final = REGIONS.frames[NAMES.index("response")]
    assert time.monotonic() - started_s >= final.at_ms / 10_000


def test_cut_frames_arrive_in_their_chunks(keys: KeyPair, tmp_path: Path) -> None:
    """Where a recording was divided, the replay is: also inside a character, with CRLF and U+2028 around."""
    frames = (
        Frame(0, b"event: a\r\ndata: 1\r\n\r\n"),
        Frame(0, 'event: b\ndata: "ü\u2028"\n\n'.encode(), (3, 17)),
        Frame(0, b"event: response\ndata: {}\n\n"),
    )
    tape = SHIPPED["agents/net_sales_by_region"]
    made = Interaction(REGIONS.request, REGIONS.response.model_copy(update={"frames": 3}), frames)
    save(Cassette("cut", tape.header, (made,)), tmp_path / "cassettes" / "zürich.jsonl")
    (tmp_path / "scenarios").mkdir()
    with running(keys, cassettes=tmp_path / "cassettes", scenarios=tmp_path / "scenarios") as mock:
        raw = mock.raw(mock.request("POST", RUN, run_body(), NOW))
        assert chunks(raw) == ([frames[0].data, *frames[1].pieces(), frames[2].data], True)
        assert b"x-mock-cassette: z%C3%BCrich\r\n" in raw


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
def test_a_stream_that_leaves_at_once_is_a_stream(mock: RunningMock, connection: str) -> None:
    """At pace 0 all frames share a chunk; its head announces chunks and no length, as at any other pace."""
    fields = {**NOW, "Connection": connection}
    with mock.opened(mock.request("POST", RUN, run_body(), fields)) as line:
        raw = b""
        while not raw.endswith(b"\r\n0\r\n\r\n"):
            raw += line.recv(65536)
    head = raw.partition(b"\r\n\r\n")[0].lower().split(b"\r\n")
    assert head.count(b"transfer-encoding: chunked") == 1
    assert not any(each.startswith(b"content-length") for each in head)
    assert chunks(raw) == ([REGIONS.body()], True)
    paced, _ = chunks(mock.raw(mock.request("POST", RUN, run_body(), {"X-Mock-Pace": "0.01"})))
    assert b"".join(paced) == REGIONS.body()


def test_a_client_that_knows_no_chunks_gets_none(mock: RunningMock) -> None:
    """An HTTP/1.0 client reads the plain frames until the connection ends."""
    request = mock.request("POST", RUN, run_body(), NOW).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    head, _, body = mock.raw(request).partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert body == REGIONS.body()


@pytest.mark.parametrize("after_bytes", [0, 1], ids=["before-the-first-byte", "after-the-first-byte"])
def test_a_client_that_leaves_is_noticed(mock: RunningMock, after_bytes: int) -> None:
    """Within a quarter of a second the exchange ends as `client_gone`, and no frame follows."""
    test_id = f"gone-{after_bytes}"
    with mock.opened(mock.request("POST", RUN, run_body(), {"X-Test-Id": test_id, "X-Mock-Pace": "100"})) as line:
        until(lambda: mock.journal(test_id) or None)
        if after_bytes:
            line.recv(1)
    left_s = time.monotonic()
    entry = mock.ended(test_id)
    assert entry["outcome"] == "client_gone"
    assert entry["ended_mono_s"] - left_s < 0.25
    assert entry["frames_sent"] < entry["frames_planned"] == 24


def test_a_client_that_leaves_during_a_cut_is_noticed(mock: RunningMock) -> None:
    """Also on a connection that is written to directly."""
    headers = {"X-Test-Id": "gone-cut", "X-Mock-Pace": "100", "X-Mock-Scenario": "cut_mid_stream"}
    with mock.opened(mock.request("POST", RUN, run_body(), headers)):
        until(lambda: mock.journal("gone-cut") or None)
    assert mock.ended("gone-cut")["outcome"] == "client_gone"


def test_a_client_that_leaves_in_mid_request_is_noticed(mock: RunningMock) -> None:
    """Half a body is not taken for a whole one."""
    path = RUN + "?test_id=gone-request"
    mock.opened(mock.request("POST", path, b'{"messages"', {"Content-Length": "100"})).close()
    entry = until(lambda: next((e for e in mock.journal() if e["outcome"] == "client_gone" and not e["status"]), None))
    assert entry["cassette"] is None


def test_a_client_that_leaves_after_the_last_frame_was_answered(mock: RunningMock) -> None:
    """Clients of event streams close on `[DONE]`; that is no early departure."""
    for number in range(30):
        test_id = f"done-{number}"
        with mock.opened(mock.request("POST", RUN, run_body(), {**NOW, "X-Test-Id": test_id})) as line:
            raw = b""
            while b"[DONE]" not in raw:
                raw += line.recv(65536)
        assert mock.ended(test_id)["outcome"] == "answered"


def test_streams_do_not_wait_for_each_other(mock: RunningMock) -> None:
    """Fifty clients at once, one of which never reads, get all bytes."""
    request = mock.request("POST", RUN, run_body("List all orders of 2024"), NOW)
    expected = SHIPPED["agents/large_table"].interactions[0].body()
    with contextlib.ExitStack() as stack:
        lines = [stack.enter_context(mock.opened(request)) for _ in range(50)]
        for line in lines[1:]:
            assert b"".join(chunks(read_to_end(line))[0]) == expected


@pytest.mark.parametrize("size", [5 * 2**20, 64 * 2**20], ids=["a-little", "a-lot"])
@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "announced"])
def test_a_body_that_is_too_large_is_refused_while_it_is_sent(mock: RunningMock, size: int, chunked: bool) -> None:
    """413, though the client is still sending; nothing like the whole body is held."""
    part = b"x" * 2**16
    framed, fields = (b"%X\r\n%b\r\n" % (len(part), part), {"Transfer-Encoding": "chunked"}) if chunked else (part, {})
    request = mock.request("POST", RUN, b"", {"Content-Length": str(size), **fields})
    if chunked:
        request = request.replace(b"Content-Length: %d\r\n" % size, b"")
    with mock.opened(request) as line:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(size // len(part)):
                line.sendall(framed)
        assert line.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_does_not_come_is_a_408(mock: RunningMock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait for a body is bounded."""
    monkeypatch.setattr(server, "BODY_TIMEOUT_S", 0.05)
    with mock.opened(mock.request("POST", RUN, b"{", {"Content-Length": "9"})) as line:
        assert line.recv(65536).startswith(b"HTTP/1.1 408 ")


def test_a_gzip_body_is_understood(mock: RunningMock) -> None:
    """As Python's connector sends it; a broken one is a 400."""
    fields = {**NOW, "Content-Encoding": "gzip"}
    assert mock.call("POST", RUN, gzip.compress(run_body()), fields).body == REGIONS.body()
    assert mock.call("POST", RUN, gzip.compress(run_body())[:-9], fields).status == 400
    assert mock.call("POST", RUN, run_body(), {**NOW, "Content-Encoding": "br"}).status == 415


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        pytest.param("HEAD", "/__mock/health", 200, None, id="head"),
        pytest.param("HEAD", RUN, 405, "POST", id="head-of-a-run"),
        pytest.param("GET", RUN, 405, "POST", id="get-of-a-run"),
        pytest.param("BREW", "/__mock/health", 405, "GET, HEAD", id="unknown-method"),
        pytest.param("OPTIONS", "*", 404, None, id="options"),
        pytest.param("CONNECT", "elsewhere:443", 404, None, id="connect"),
        pytest.param("GET", "/api/v2/nothing", 404, None, id="unknown-path"),
        pytest.param("GET", "/../__mock/health", 404, None, id="dots"),
        pytest.param("GET", "/__mock/health?" + "a=1&" * 101, 400, None, id="too-many-fields"),
    ],
)
def test_methods_and_paths(mock: RunningMock, method: str, path: str, status: int, allow: str | None) -> None:
    """Each gets its status, a request id, and the methods that are allowed where one is not."""
    head, _, body = mock.raw(mock.request(method, path)).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0].split()[1] == str(status)
    assert any(line.startswith("x-snowflake-request-id: ") for line in lines)
    assert [line for line in lines if line.startswith("allow: ")] == ([f"allow: {allow}"] if allow else [])
    assert body == b"" or (method != "HEAD" and json.loads(body)["message"])


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(b"hello\r\n\r\n", id="no-http"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="tls"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="http-2"),
        pytest.param(b"GET / HTTP/1.1\r\nA: " + b"x" * 1_000_000 + b"\r\n\r\n", id="large-header"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"A: x\r\n" * 500 + b"\r\n", id="many-headers"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", id="negative-length"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", id="two-lengths"),
        pytest.param(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", id="bad-chunk"),
    ],
)
def test_what_is_no_request_is_refused(mock: RunningMock, request_bytes: bytes) -> None:
    """A client error or the end of the connection, never a traceback, and the mock lives on."""
    with mock.opened(b"") as line:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            line.sendall(request_bytes)
        with contextlib.suppress(ConnectionResetError):
            assert line.recv(65536)[:10] in (b"HTTP/1.1 4", b"")
    assert mock.call("GET", "/__mock/health").status == 200


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        pytest.param({"Authorization": ""}, 401, "390101", id="no-credential"),
        pytest.param({"Authorization": "Bearer x.y.z"}, 401, "390144", id="bad-token"),
        pytest.param({"Authorization": "Bearer " + "x" * 100_000}, 401, "390144", id="huge-token"),
        pytest.param({"X-Snowflake-Authorization-Token-Type": "OAUTH"}, 401, "390303", id="oauth"),
        pytest.param({"X-Snowflake-Role": "ACCOUNTADMIN"}, 403, "390189", id="role-not-granted"),
        pytest.param({"X-Snowflake-Role": '"developer_cortex"'}, 403, "390189", id="quoted-role-in-lower-case"),
        pytest.param({"X-Snowflake-Role": '"DEVELOPER_CORTEX"'}, 200, None, id="quoted-role"),
        pytest.param({"X-Snowflake-Role": "developer_cortex"}, 200, None, id="role-in-lower-case"),
        pytest.param({"X-Mock-Scenario": "nope"}, 400, "390142", id="unknown-scenario"),
        pytest.param({"X-Mock-Pace": "fast"}, 400, "390142", id="bad-pace"),
        pytest.param({"X-Test-Id": "x" * 300}, 400, "390142", id="long-test-id"),
    ],
)
def test_credentials_and_controls(mock: RunningMock, headers: dict[str, str], status: int, code: str | None) -> None:
    """Each refusal has Snowflake's shape: message, code twice, and the request id of the header."""
    answer = mock.run(headers=headers)
    assert answer.status == status
    if code is not None:
        document = answer.json()
        assert (document["code"], document["error_code"]) == (code, code)
        assert document["request_id"] == answer.headers["x-snowflake-request-id"]


def test_the_reason_stays_in_the_journal(mock: RunningMock) -> None:
    """The client learns only that its token is invalid."""
    token = "Bearer " + "x" * 9000
    answer = mock.run(headers={"Authorization": token, "X-Test-Id": "reason"})
    assert b"394306" not in answer.body
    assert mock.journal("reason")[0]["why"] == "394306: token of 9000 characters"


def test_a_refused_request_changes_nothing(mock: RunningMock) -> None:
    """A bad pace is found before a thread is made."""
    headers = {"X-Test-Id": "no-effect", "X-Mock-Pace": "x"}
    assert mock.call("POST", "/api/v2/cortex/threads", b"", headers).status == 400
    assert mock.call("GET", "/api/v2/cortex/threads", headers={"X-Test-Id": "no-effect"}).json() == []


def test_baggage_reaches_the_mock_through_a_proxy(mock: RunningMock) -> None:
    """Two baggage headers count as one; a header of the mock's own goes before them."""
    request = mock.request(
        "POST", RUN, run_body(), {"Baggage": "a=b", "baggage": "mock.scenario=throttled,mock.pace=0"}
    )
    assert mock.raw(request).startswith(b"HTTP/1.1 429 ")
    headers = {"baggage": "mock.scenario=throttled", "X-Mock-Scenario": "none"}
    assert mock.run(headers=headers).status == 200
    assert mock.run(path=RUN + "?mock_scenario=throttled").status == 429


def test_a_defect_answers_without_a_traceback(
    mock: RunningMock, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """500 as Snowflake's, one line on stderr, and the journal knows why."""

    def broken(_self: object, _request: object) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(Mock, "scenario_for", broken)
    answer = mock.run(headers={"X-Test-Id": "defect"})
    assert (answer.status, answer.json()["message"]) == (500, "Internal server error")
    assert b"ZeroDivisionError" not in answer.body
    entry = mock.journal("defect")[0]
    assert (entry["outcome"], entry["why"]) == ("failed", "ZeroDivisionError('by nothing')")
    assert capfd.readouterr().err.count("\n") == 1


def test_the_index_says_where_to_look(mock: RunningMock) -> None:
    """Whoever looks for the admin routes finds the admin routes."""
    assert "/__mock/scenarios" in mock.call("GET", "/__mock").json()["admin"]


def test_a_port_in_use_is_refused(mock: RunningMock) -> None:
    """Two mocks never share a port, though granian binds with SO_REUSEPORT."""
    with pytest.raises(PortInUseError, match=f"127.0.0.1:{mock.port} cannot be used: Address already in use"):
        reserve_port("127.0.0.1", mock.port)
    with pytest.raises(PortInUseError, match="nowhere:0 cannot be used"):
        reserve_port("nowhere", 0)
    for port in (-1, 65_536):
        with pytest.raises(ValueError, match="is not a number from 0 to 65535"):
            reserve_port("127.0.0.1", port)


def test_a_port_of_zero_is_a_free_one() -> None:
    """And it stays reserved, silent."""
    with reserve_port("127.0.0.1", 0) as keeper:
        port = keeper.getsockname()[1]
        assert port
        with socket.socket() as client, pytest.raises(ConnectionRefusedError):
            client.connect(("127.0.0.1", port))


def test_it_listens_on_ipv6(keys: KeyPair) -> None:
    """The announced URL has brackets, and a cut finds its connection there, too."""

    async def visit() -> tuple[str, bytes]:
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        stop = asyncio.Event()
        options = Options((keys.public_file,), host="::1", port=0)
        serving = asyncio.ensure_future(server.serve(options, ready.set_result, stop))
        url = await ready
        headers = {**NOW, "X-Mock-Scenario": "cut_mid_stream"}
        request = RunningMock(0, keys.token()).request("POST", RUN, run_body(), headers)
        reader, writer = await asyncio.open_connection("::1", int(url.rpartition(":")[2]))
        writer.write(request)
        raw = await reader.read()
        writer.close()
        stop.set()
        await serving
        return url, raw

    url, raw = asyncio.run(visit())
    assert url.startswith("http://[::1]:")
    assert chunks(raw)[1] is False


def test_it_listens_where_a_name_leads(keys: KeyPair) -> None:
    """A host may be a name; the announced URL keeps it, and answers."""

    async def visit() -> str:
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        stop = asyncio.Event()
        options = Options((keys.public_file,), host="localhost", port=0)
        serving = asyncio.ensure_future(server.serve(options, ready.set_result, stop))
        url = await ready
        _, writer = await asyncio.open_connection("localhost", int(url.rpartition(":")[2]))
        writer.close()
        stop.set()
        await serving
        return url

    assert asyncio.run(visit()).startswith("http://localhost:")


@pytest.mark.parametrize("host", ["no such host", "a..b", "h" * 64])
def test_a_host_without_an_address_is_refused(keys: KeyPair, host: str) -> None:
    """The mock does not start, and says which host it was."""
    with pytest.raises(ValueError, match=f"^host '{host}' has no address: "):
        asyncio.run(server.serve(Options((keys.public_file,), host=host, port=0), print))


def test_a_process_starts_and_stops_quickly_and_quietly(keys: KeyPair, tmp_path: Path) -> None:
    """It prints one line, answers, and ends at SIGTERM whatever is open; ordinary mistakes make no noise."""
    code = (
        "import sys; from pathlib import Path; from mocks import server; from mocks.state import Options; "
        "server.run(Options((Path(sys.argv[1]),), port=0), server.print_ready)"
    )
    stderr = tmp_path / "stderr"
    with stderr.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-c", code, str(keys.public_file)], stdout=subprocess.PIPE, stderr=file
        )
    with process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            assert ready["ready"] == "mock"
            mock = RunningMock(ready["port"], keys.token())
            mock.run("nobody asked this")
            mock.run(headers={"Authorization": "Bearer x"})
            mock.raw(b"hello\r\n\r\n")
            played(mock, "cut_mid_stream")
            slow = mock.request("POST", RUN, run_body(QUESTION), {"X-Mock-Pace": "100"})
            with mock.opened(slow), mock.opened(b""), mock.opened(b"GET / HTTP/1.1\r\nHo"):
                until(lambda: next((e for e in mock.journal() if e["outcome"] is None), None))
                process.send_signal(signal.SIGTERM)
                assert process.wait(5) == 0
        finally:
            process.kill()
    assert stderr.read_text() == ""


def test_a_process_has_room_for_its_connections_before_they_come() -> None:
    """The kernel's table of its descriptors does not grow, which would hold everybody up, until it is large."""
    code = (
        "import re; from pathlib import Path; from mocks import server; server._reserve_descriptors(); "
        "print(re.search('FDSize:(.*)', Path('/proc/self/status').read_text())[1])"
    )
    room = ["sh", "-c", f'ulimit -n $1 && exec {sys.executable} -c "{code}"', "sh"]
    within = [int(subprocess.run([*room, limit], check=True, capture_output=True).stdout) for limit in ("512", "8192")]  # noqa: S603 - ourselves
    assert within == [512, server.DESCRIPTORS]
