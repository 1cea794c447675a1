"""A raw-socket HTTP/1.1 client that stamps every frame's arrival; light enough that it is not what gets measured."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

FRAME_END = b"\n\n"
READ_BYTES = 256 * 1024


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


async def stream(url: str, headers: Mapping[str, str], body: object) -> Timeline:
    """Post a request and stamp the frames of its streamed answer until it ends.   Raises: OSError."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(request_bytes("POST", url, headers, body))
        timeline = Timeline(time.monotonic())
        head = await reader.readuntil(b"\r\n\r\n")
        timeline.status = int(head.split(b" ", 2)[1])
        dechunker, splitter = Dechunker(), Splitter()
        while not dechunker.ended and (data := await reader.read(READ_BYTES)):
            now_s = time.monotonic()
            timeline.frames += [(now_s, frame) for frame in splitter.feed(dechunker.feed(data))]
        if rest := splitter.rest():
            timeline.frames.append((time.monotonic(), rest))
        timeline.ended_cleanly = dechunker.ended
        return timeline
    finally:
        writer.close()


async def leave(url: str, headers: Mapping[str, str], body: object, *, after: bytes | None, wait_s: float) -> float:
    """Post a request and drop the connection: once `after` was received, or after `wait_s`; when that was."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(request_bytes("POST", url, headers, body))
    if after is None:
        await asyncio.sleep(wait_s)
    else:
        await asyncio.wait_for(reader.readuntil(after), wait_s)
    left_s = time.monotonic()
    writer.close()
    return left_s
