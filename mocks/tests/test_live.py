"""The live feed: what happens is told, nobody is waited for, and it ends when it should."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from mocks import live
from mocks.cassette import Frame
from mocks.journal import Journal
from mocks.live import MAX_LISTENERS, Listener
from mocks.tests.running import NOW, RUN, KeyPair, RunningMock, run_body, running, until


def parsed(text: str) -> list[tuple[str, Any]]:
    """The whole events in a text."""
    found = []
    for block in text.split("\n\n")[:-1]:
        if block.startswith("event: "):
            name, _, data = block.partition("\n")
            found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


class Client:
    """A listener over a real socket."""

    def __init__(self, line: socket.socket) -> None:
        self.line, self.raw = line, b""
        self.until(b": live\n\n")

    def until(self, words: bytes) -> list[tuple[str, Any]]:
        """The events so far, once these words have come.   Raises: AssertionError when the feed ends before."""
        while words not in self.raw:
            part = self.line.recv(65536)
            assert part, f"the feed ended: {self.raw[-300:]!r}"
            self.raw += part
        return self.events()

    def events(self) -> list[tuple[str, Any]]:
        """The events so far."""
        body, data = self.raw.partition(b"\r\n\r\n")[2], b""
        while b"\r\n" in body:
            size, _, body = body.partition(b"\r\n")
            data, body = data + body[: int(size, 16)], body[int(size, 16) + 2 :]
        return parsed(data.decode())


@contextlib.contextmanager
def listening(mock: RunningMock, headers: dict[str, str]) -> Iterator[Client]:
    """A client of the feed."""
    with mock.opened(mock.request("GET", "/__mock/live", headers={"Connection": "keep-alive", **headers})) as line:
        yield Client(line)


def test_an_exchange_is_told_as_it_happens(mock: RunningMock) -> None:
    """Its entry while it answers, its frames as they leave, its entry when it ended; of this test only."""
    mine = {"X-Test-Id": "live"}
    with listening(mock, mine) as client:
        mock.run(headers={"X-Test-Id": "another"})
        mock.run(headers={**mine, "X-Mock-Pace": "0.2"})
        events = client.until(b'"outcome":"answered"')
    entries = [data for name, data in events if name == "entry"]
    assert {entry["test_id"] for entry in entries} == {"live"}
    assert (entries[0]["status"], entries[0]["outcome"]) == (200, None)
    assert (events[-1][0], entries[-1]["outcome"]) == ("entry", "answered")
    told = [item for name, data in events if name == "frames" for item in data["timeline"]]
    (whole,) = (mock.call("GET", f"/__mock/journal/{entry['id']}").json() for entry in entries[-1:])
    assert told == whole["timeline"]
    assert len([name for name, _ in events if name == "frames"]) > 1
    assert "timeline" not in entries[-1]


def test_a_reset_is_told(mock: RunningMock) -> None:
    """With the test that it was for."""
    mine = {"X-Test-Id": "live-reset"}
    with listening(mock, mine) as client, listening(mock, {}) as everybody:
        mock.call("POST", "/__mock/reset", headers={"X-Test-Id": "unrelated"})
        mock.call("POST", "/__mock/reset", b'{"only":["journal"]}', mine)
        assert client.until(b"event: reset") == [("reset", {"test_id": "live-reset"})]
        resets = everybody.until(b'{"test_id":"live-reset"}')
    assert [data["test_id"] for name, data in resets if name == "reset"] == ["unrelated", "live-reset"]


def test_there_are_only_so_many_listeners(mock: RunningMock) -> None:
    """One more is refused; one that leaves makes room."""
    with contextlib.ExitStack() as stack:
        for _ in range(MAX_LISTENERS):
            stack.enter_context(until(lambda: admitted(mock)))
        answer = mock.call("GET", "/__mock/live")
        assert (answer.status, answer.json()["message"][:10]) == (503, f"{MAX_LISTENERS} clients")
    with until(lambda: admitted(mock)):
        pass


def admitted(mock: RunningMock) -> socket.socket | None:
    """A connection on which the feed has begun, if there is room."""
    line = mock.opened(mock.request("GET", "/__mock/live"))
    if line.recv(65536).startswith(b"HTTP/1.1 200"):
        return line
    line.close()
    return None


def test_a_head_ends_at_once(mock: RunningMock) -> None:
    """It says what a GET would answer, and the connection is free for the next request."""
    head = mock.request("HEAD", "/__mock/live", headers={"Connection": "keep-alive"})
    raw = mock.raw(head + mock.request("GET", "/__mock/health"))
    assert raw.count(b"HTTP/1.1 200 OK") == 2
    assert b"content-type: text/event-stream" in raw


def test_a_client_that_never_reads_delays_nobody(mock: RunningMock) -> None:
    """Others are told and answered meanwhile."""
    body = run_body("x" * 15_000)
    with mock.opened(mock.request("GET", "/__mock/live")), listening(mock, {"X-Test-Id": "reader"}) as reader:
        for _ in range(60):
            mock.call("POST", RUN, body, NOW)
        mock.run(headers={"X-Test-Id": "reader"})
        reader.until(b'"outcome":"answered"')


def test_it_ends_with_the_mock(keys: KeyPair) -> None:
    """A listener does not keep it from stopping."""
    with contextlib.ExitStack() as stack:
        with running(keys) as mock:
            client = stack.enter_context(listening(mock, {}))
        assert client.line.recv(65536) in (b"", b"0\r\n\r\n")


class Reader:
    """A connection that takes what is written, or nothing at all."""

    def __init__(self) -> None:
        self.text = ""
        self.takes = asyncio.Event()
        self.takes.set()

    async def send(self, data: bytes) -> None:
        await self.takes.wait()
        self.text += data.decode()

    async def wait_for(self, words: str) -> None:
        """Return once these words came."""
        async with asyncio.timeout(10):
            while words not in self.text:
                await asyncio.sleep(0.001)


def test_who_is_too_far_behind_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The feed returns, and the journal forgets the listener."""
    monkeypatch.setattr(live, "MAX_BEHIND", 20)

    async def story() -> None:
        journal, reader = Journal(), Reader()
        feed = asyncio.ensure_future(Listener(journal).feed(reader.send))
        await reader.wait_for(": live")
        reader.takes.clear()
        for _ in range(21):
            journal.open("POST", "/run")
            assert not feed.done()
        await asyncio.wait_for(feed, 10)
        assert (journal.on_change, journal.on_clear) == ([], [])

    asyncio.run(story())


def test_who_takes_nothing_for_too_long_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though little happens."""
    monkeypatch.setattr(live, "SEND_TIMEOUT_S", 0.01)

    async def story() -> None:
        journal, reader = Journal(), Reader()
        reader.takes.clear()
        await asyncio.wait_for(Listener(journal).feed(reader.send), 10)
        assert journal.on_change == []

    asyncio.run(story())


def test_silence_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a comment."""
    monkeypatch.setattr(live, "KEEP_ALIVE_S", 0.01)

    async def story() -> None:
        reader = Reader()
        feed = asyncio.ensure_future(Listener(Journal()).feed(reader.send))
        await reader.wait_for(": still here\n\n: still here\n\n")
        feed.cancel()

    asyncio.run(story())


def test_a_listener_gets_the_newest_state_of_each_exchange() -> None:
    """Changes between two writes are one event; frames come before the end; what the journal let go is left out."""

    async def story() -> None:
        journal, reader = Journal(size=2), Reader()
        feed = asyncio.ensure_future(Listener(journal).feed(reader.send))
        await reader.wait_for(": live")
        for number in range(3):
            entry = journal.open("POST", f"/{number}")
            entry.answers(200, [Frame(0, b"event: a\n\n"), Frame(1, b"event: b\n\n")], 1)
            entry.sent(1 + number % 2, entry.started_mono_s)
            entry.close("cut")
        await reader.wait_for('"path":"/2"')
        feed.cancel()
        events = parsed(reader.text)
        assert [name for name, _ in events] == ["frames", "entry"] * 2
        assert [data["path"] for name, data in events if name == "entry"] == ["/1", "/2"]
        assert [len(data["timeline"]) for name, data in events if name == "frames"] == [2, 1]

    asyncio.run(story())
