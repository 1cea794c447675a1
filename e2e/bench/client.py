"""A raw-socket HTTP/1.1 client that stamps every frame's arrival; light enough that it is not what gets measured."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

FRAME_END = b"\n\n"
OK = 200


@dataclass(slots=True)
class Timeline:
    """One answer: when the request left, the status, and each frame with its arrival. Monotonic seconds."""

    sent_s: float
    status: int = 0
    frames: list[tuple[float, bytes]] = field(default_factory=list)
    ended_cleanly: bool = False

    def body(self) -> bytes:
        """All frames, joined."""
        return b"".join(data for _, data in self.frames)


class Dechunker:
    """Undoes chunked transfer coding, however the bytes are divided."""

    def __init__(self) -> None:
        self._raw = bytearray()
        self._left = 0
        self.ended = False

    def feed(self, data: bytes) -> bytes:
        """The body bytes that these raw bytes complete."""
        self._raw += data
        body = bytearray()
        while self._raw and not self.ended:
            if self._left:
                taken = min(self._left, len(self._raw))
                body += self._raw[:taken]
                del self._raw[:taken]
                self._left -= taken
                continue
            line, newline, _ = bytes(self._raw[:32]).lstrip(b"\r\n").partition(b"\r\n")
            if not newline:
                break
            skipped = self._raw.index(line) + len(line) + 2
            self._left = int(line.partition(b";")[0], 16)
            del self._raw[:skipped]
            self.ended = self._left == 0
        return bytes(body)


class Splitter:
    """Cuts a body into frames at blank lines; what is left at the end is a frame cut short."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, body: bytes) -> list[bytes]:
        """The frames that these bytes complete."""
        start = max(0, len(self._pending) - 1)
        self._pending += body
        frames = []
        while (end := self._pending.find(FRAME_END, start)) != -1:
            frames.append(bytes(self._pending[: end + 2]))
            del self._pending[: end + 2]
            start = 0
        return frames

    def rest(self) -> bytes:
        """What no blank line ended."""
        return bytes(self._pending)


def request_bytes(method: str, url: str, headers: Mapping[str, str], body: object = None) -> bytes:
    """The bytes of a request; a body is sent as JSON."""
    parts = urlsplit(url)
    payload = b"" if body is None else json.dumps(body).encode()
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(payload)}"]
    lines += [f"{name}: {value}" for name, value in ({"Content-Type": "application/json"} | dict(headers)).items()]
    return "\r\n".join([*lines, "", ""]).encode() + payload


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname is not None, "our servers' URLs name host and port"
    assert parts.port is not None, "our servers' URLs name host and port"
    return parts.hostname, parts.port


class _Receiver(asyncio.Protocol):
    """Stamps bytes as the loop hands them over, before any task is woken: of many answers none waits for another's."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._head = bytearray()
        self._dechunker, self._splitter = Dechunker(), Splitter()
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        now_s = time.monotonic()
        if not self._timeline.status:
            self._head += data
            head, found, data = bytes(self._head).partition(b"\r\n\r\n")
            if not found:
                return
            self._timeline.status = int(head.split(b" ", 2)[1])
        if self._timeline.status != OK:
            self._finish(None)  # no stream follows, and its body need not be chunked
            return
        self._timeline.frames += [(now_s, frame) for frame in self._splitter.feed(self._dechunker.feed(data))]
        if self._dechunker.ended:
            self._timeline.ended_cleanly = True
            self._finish(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(exc)

    def _finish(self, error: Exception | None) -> None:
        if self.over.done():
            return
        if rest := self._splitter.rest():
            self._timeline.frames.append((time.monotonic(), rest))
        if error is None:
            self.over.set_result(None)
        else:
            self.over.set_exception(error)


async def stream(url: str, headers: Mapping[str, str], body: object) -> Timeline:
    """Post a request and stamp the frames of its streamed answer until it ends.

    An answer other than 200 has its status and no frames.   Raises: OSError.
    """
    request, timeline = request_bytes("POST", url, headers, body), Timeline(0.0)
    loop = asyncio.get_running_loop()
    transport, receiver = await loop.create_connection(lambda: _Receiver(timeline), *_address(url))
    try:
        timeline.sent_s = time.monotonic()
        transport.write(request)
        await receiver.over
        return timeline
    finally:
        transport.close()


async def opened(
    url: str, headers: Mapping[str, str], body: object, *, after: bytes | None, wait_s: float
) -> asyncio.StreamWriter:
    """A connection whose request was posted and whose answer is left to run; the caller closes it.

    after: returns once this was received, within `wait_s`; None returns after `wait_s`.
    Raises: TimeoutError; EOFError when the answer ended before; OSError.
    """
    reader, writer = await asyncio.open_connection(*_address(url))
    try:
        writer.write(request_bytes("POST", url, headers, body))
        if after is None:
            await asyncio.sleep(wait_s)
        else:
            await asyncio.wait_for(reader.readuntil(after), wait_s)
    except BaseException:
        writer.close()
        raise
    return writer


async def leave(url: str, headers: Mapping[str, str], body: object, *, after: bytes | None, wait_s: float) -> float:
    """Post a request and drop the connection: once `after` was received, or after `wait_s`; when that was."""
    writer = await opened(url, headers, body, after=after, wait_s=wait_s)
    left_s = time.monotonic()
    writer.close()
    return left_s
