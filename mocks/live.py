"""The live feed: exchanges as they happen, as server-sent events.

    event: entry    an exchange that opened, answers or ended, as the journal shows it
    event: frames   {"id", "timeline"}: the frames it sent since the last such event, at most every 100 ms
    event: reset    {"test_id"}: the journal forgot this test's entries, or all

A listener is never waited for. It is told the newest state of each exchange, so several changes between two writes are
one event; who does not take what was written, or is too many exchanges behind, is cut off.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from contracts.cortex import EVENT_STREAM, Code
from mocks.faults import Plan
from mocks.journal import Change, Entry, Journal
from mocks.request import Refusal, Request
from mocks.route import Route, Surface, route
from mocks.state import Mock

Send = Callable[[bytes], Awaitable[None]]

MAX_LISTENERS = 16
MAX_BEHIND = 2000
"""Exchanges with news that one listener may be behind."""

KEEP_ALIVE_S = 15.0
FRAMES_S = 0.1
SEND_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class LivePlan(Plan):
    """An answer without an end: `feed` writes it until it is cancelled, or the listener is too slow."""

    feed: Callable[[Send], Awaitable[None]] | None = None

    async def listen(self, protocol: Any) -> None:
        """Write the feed to a client of granian's."""
        assert self.feed is not None, "a live plan has a feed"
        transport = protocol.response_stream(self.status, list(self.headers.items()))
        await self.feed(transport.send_bytes)


class Listener:
    """One client of the feed. It remembers which exchanges have news; the journal keeps the exchanges."""

    def __init__(self, journal: Journal, test_id: str | None = None) -> None:
        self._journal, self._test_id = journal, test_id
        self._news: dict[int, None] = {}
        self._followed: dict[int, int] = {}
        self._resets: list[str | None] = []
        self._has_news, self._is_behind = asyncio.Event(), asyncio.Event()
        self._framed_s = self._wrote_s = time.monotonic()

    async def feed(self, send: Send) -> None:
        """Write what happens until cancelled; returns when the listener is too slow."""
        self._journal.on_change.append(self._changed)
        self._journal.on_clear.append(self._cleared)
        writing = asyncio.ensure_future(self._write(send))
        behind = asyncio.ensure_future(self._is_behind.wait())
        try:
            await asyncio.wait((writing, behind), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._journal.on_change.remove(self._changed)
            self._journal.on_clear.remove(self._cleared)
            writing.cancel()
            behind.cancel()
        with contextlib.suppress(asyncio.CancelledError, TimeoutError):
            await writing

    def _changed(self, _change: Change, entry: Entry) -> None:
        if self._test_id in (None, entry.test_id):
            self._news[entry.id] = None
            self._note()

    def _cleared(self, test_id: str | None) -> None:
        if self._test_id is None or test_id in (None, self._test_id):
            self._resets.append(test_id)
            self._note()

    def _note(self) -> None:
        self._has_news.set()
        if len(self._news) + len(self._resets) > MAX_BEHIND:
            self._is_behind.set()

    async def _write(self, send: Send) -> None:
        async def written(block: bytes) -> None:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await send(block)
            self._wrote_s = time.monotonic()

        await written(b": live\n\n")
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FRAMES_S if self._followed else KEEP_ALIVE_S):
                    await self._has_news.wait()
            self._has_news.clear()
            await self._write_news(written)
            if self._followed and time.monotonic() >= self._framed_s + FRAMES_S:
                self._framed_s = time.monotonic()
                for entry_id in tuple(self._followed):
                    await self._write_frames(entry_id, written)
            if time.monotonic() >= self._wrote_s + KEEP_ALIVE_S:
                await written(b": still here\n\n")

    async def _write_news(self, written: Send) -> None:
        while self._resets:
            await written(_event("reset", {"test_id": self._resets.pop(0)}))
        for entry_id in tuple(self._news):
            del self._news[entry_id]
            entry = self._journal.find(entry_id)
            if entry is None:
                self._followed.pop(entry_id, None)
                continue
            if entry.ended_mono_s is not None:
                await self._write_frames(entry_id, written)
                self._followed.pop(entry_id, None)
            elif entry.status:
                self._followed.setdefault(entry_id, 0)
            await written(_event("entry", entry.as_json()))
            await asyncio.sleep(0)  # the JSON of a large body takes its time; others are let in between

    async def _write_frames(self, entry_id: int, written: Send) -> None:
        entry = self._journal.find(entry_id)
        if entry is None:
            self._followed.pop(entry_id, None)
            return
        start = self._followed.get(entry_id, 0)
        fresh = entry.timeline(start)[: entry.frames_sent - start]
        if fresh:
            self._followed[entry_id] = start + len(fresh)
            await written(_event("frames", {"id": entry_id, "timeline": fresh}))


def _event(name: str, document: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps(document, separators=(',', ':'))}\n\n".encode()


async def _live(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`GET /__mock/live`: every exchange from now on; this test's when it has an id."""
    if len(mock.journal.on_clear) >= MAX_LISTENERS:  # nobody else listens to that
        message = f"{MAX_LISTENERS} clients follow the live feed already; close one of them."
        raise Refusal(503, Code.INTERNAL_ERROR, message)
    headers = {"content-type": EVENT_STREAM, "cache-control": "no-store"}
    if request.method == "HEAD":  # its answer would never end, and hold up whatever follows on the connection
        return Plan(200, headers, ())
    return LivePlan(200, headers, (), feed=Listener(mock.journal, request.test_id).feed)


ROUTES: tuple[Route, ...] = (route("GET", r"/__mock/live", _live, Surface.ADMIN, public=True),)
