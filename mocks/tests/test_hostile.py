"""Clients that mean harm, or cannot help it: they are answered or cut, within limits, and no other client notices.

Every call here gives up after `DEADLINE_S`, so whoever is kept waiting fails its test.
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator

import pytest

from mocks import server
from mocks.journal import KEPT_BODY_BYTES, MAX_HEADERS
from mocks.tests.running import NOW, RUN, KeyPair, RunningMock, read_to_end, run_body, running, until

JOURNAL_BYTES = 2 * 2**20


@pytest.fixture(scope="module")
def quiet(keys: KeyPair) -> Iterator[RunningMock]:
    """A mock of small journal, which takes prompts of any size."""
    with running(keys, journal_bytes=JOURNAL_BYTES, max_body_bytes=16 * 2**20) as started:
        yield started


@pytest.fixture(autouse=True)
def _is_silent(quiet: RunningMock, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """No test of this file may leave a traceback, and an ordinary client is answered promptly after each."""
    yield
    assert quiet.run().status == 200
    assert capfd.readouterr().err == ""


def answered(mock: RunningMock, data: bytes, *, half_close: bool = False) -> bytes:
    """What comes back, however the connection ends; it does end."""
    with mock.opened(b"") as line:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            line.sendall(data)
            if half_close:
                line.shutdown(socket.SHUT_WR)
        try:
            return read_to_end(line)
        except ConnectionResetError:
            return b""


def held_bytes(mock: RunningMock) -> int:
    """How much JSON the whole journal is, bodies shown in part."""
    return len(mock.call("GET", "/__mock/journal?limit=2000&timeline=true").body)


def test_a_flood_of_huge_prompts_stays_within_the_journals_bound(quiet: RunningMock) -> None:
    """The journal keeps a part of each, and lets go of the oldest."""
    body = run_body("x" * (10 * 2**20))
    for number in range(12):
        assert quiet.call("POST", RUN, body, {**NOW, "X-Test-Id": f"flood-{number}"}).status == 404
    entries = quiet.journal()
    flood = [entry for entry in entries if (entry["test_id"] or "").startswith("flood-")]
    assert 0 < len(flood) <= JOURNAL_BYTES // KEPT_BODY_BYTES
    assert flood[0]["test_id"] == "flood-11"
    assert {entry["request_bytes"] for entry in flood} == {len(body)}
    assert held_bytes(quiet) < JOURNAL_BYTES


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param("".join(f"X-H{number}: v\r\n" for number in range(10_000)), b"431", id="ten-thousand"),
        pytest.param(f"X-Long: {'v' * 2**20}\r\n", b"431", id="a-megabyte"),
        pytest.param("".join(f"X-H{number}: {'v' * 4000}\r\n" for number in range(80)), b"200", id="many-and-long"),
        pytest.param("Cookie: a=b\r\n" * 90, b"200", id="one-again-and-again"),
    ],
)
def test_a_flood_of_headers(quiet: RunningMock, fields: str, status: bytes) -> None:
    """Too many are refused before they reach the mock; of what reaches it, the journal keeps a bounded part."""
    mine = f"headers-{status.decode()}-{len(fields)}"
    request = quiet.request("POST", RUN, run_body(), {**NOW, "X-Test-Id": mine})
    assert answered(quiet, request.replace(b"\r\n\r\n", b"\r\n" + fields.encode() + b"\r\n", 1))[9:12] == status
    for entry in quiet.journal(mine):
        assert len(entry["request_headers"]) <= MAX_HEADERS
        assert len(json.dumps(entry["request_headers"])) < MAX_HEADERS * 700


@pytest.mark.parametrize(
    "cut",
    [
        pytest.param(-1, id="in-the-body"),
        pytest.param(60, id="in-the-head"),
        pytest.param(3, id="in-the-method"),
        pytest.param(None, id="after-the-whole-request"),
    ],
)
def test_a_client_that_stops_talking_is_cut(quiet: RunningMock, cut: int | None) -> None:
    """Its side is closed, so nothing more will come: the exchange ends, whole answer or not."""
    request = quiet.request("POST", RUN, run_body(), {**NOW, "X-Test-Id": f"half-{cut}"})
    raw = answered(quiet, request[:cut], half_close=True)
    assert raw == b"" or raw.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5", b"HTTP/1.1 200"))
    until(lambda: all(entry["ended_mono_s"] for entry in quiet.journal()) or None)


def test_many_slow_clients_delay_nobody(quiet: RunningMock) -> None:
    """Two hundred that send their heads or bodies byte by byte, while others are answered at once."""
    whole = quiet.request("POST", RUN, run_body(), NOW)
    body_at = whole.index(b"\r\n\r\n") + 4
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(quiet.opened(whole[: 10 if number % 2 else body_at + 1])) for number in range(200)]
        for round_number in range(3):
            for number, line in enumerate(slow):
                at = (10 if number % 2 else body_at + 1) + round_number
                line.sendall(whole[at : at + 1])
            assert quiet.run().status == 200
        slow[0].sendall(whole[body_at + 4 :])
        assert read_to_end(slow[0]).startswith(b"HTTP/1.1 200 ")


def test_a_head_that_never_ends_is_cut(keys: KeyPair, monkeypatch: pytest.MonkeyPatch) -> None:
    """When its time is up, with or without an answer."""
    monkeypatch.setattr(server, "HEADER_TIMEOUT_MS", 50)
    with running(keys) as mock, mock.opened(b"GET / HTTP/1.1\r\nHo") as line:
        assert read_to_end(line) in (b"", b"HTTP/1.1 408 Request Timeout\r\n")


def test_many_clients_that_leave_at_once_leave_nothing(quiet: RunningMock) -> None:
    """Connections that are opened and dropped, with and without a request, end in the journal as such."""
    request = quiet.request("POST", RUN, run_body(), {"X-Mock-Pace": "100", "X-Test-Id": "dropped"})
    for number in range(100):
        quiet.opened(request if number % 2 else b"").close()
    until(lambda: all(entry["ended_mono_s"] for entry in quiet.journal("dropped")) or None)
    assert {entry["outcome"] for entry in quiet.journal("dropped")} <= {"client_gone"}


def test_an_expectation_of_hostile_size_delays_nobody(quiet: RunningMock) -> None:
    """A pattern of many stars, held against long paths, is compared in time."""
    quiet.call("GET", "/api/v2/" + "a" * 400, headers={"X-Test-Id": "stars"})
    document = {"requests": [{"path": "*a" * 200 + "b"}], "test_id": "stars"}
    assert quiet.call("POST", "/__mock/verify", json.dumps(document).encode()).status == 409
