"""A pure decoder for server-sent events: bytes in, whole frames out, however they were divided on the way.

Source: WHATWG HTML, section "Interpreting an event stream". It keeps only what the proxy needs: the event's name and
its data; `id` and `retry` are not used by Cortex.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"

MAX_PENDING_BYTES = 32 * 1024 * 1024
"""A frame that grows past this without a blank line is refused."""


class FrameTooLargeError(Exception):
    """A single frame passed `MAX_PENDING_BYTES`."""


@dataclass(frozen=True, slots=True)
class SseEvent:
    """One dispatched event. `data` holds its lines joined by LF; the name is `message` when none was given."""

    name: str
    data: bytes


class SseDecoder:
    """Feed it bytes as they come; it yields each event when its blank line has arrived."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._scanned = 0  # bytes of _pending already searched: without it a long line is searched again per chunk
        self._start = True
        self._name = ""
        self._data: list[bytes] = []

    @property
    def at_boundary(self) -> bool:
        """Whether everything fed so far ended with a blank line, so that a frame of ours may follow."""
        return not self._pending and not self._data and not self._name

    def feed(self, chunk: bytes) -> Iterator[SseEvent]:
        """Take bytes; yield the events they complete.   Raises: FrameTooLargeError."""
        self._pending += chunk
        for line in self._lines():
            event = self._take(line)
            if event is not None:
                yield event
        if len(self._pending) > MAX_PENDING_BYTES:
            raise FrameTooLargeError(f"one frame holds more than {MAX_PENDING_BYTES} bytes")

    def _lines(self) -> Iterator[bytes]:
        consumed = 0
        for end in _LINE_END.finditer(self._pending, self._scanned):
            # A CR at the very end may be half of a CRLF: wait for the next byte.
            if end.group() == b"\r" and end.end() == len(self._pending):
                break
            yield bytes(self._pending[consumed : end.start()])
            consumed = end.end()
        del self._pending[:consumed]
        self._scanned = max(0, len(self._pending) - 1)

    def _take(self, line: bytes) -> SseEvent | None:
        if self._start:
            line, self._start = line.removeprefix(_BOM), False
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")
        return None

    def _dispatch(self) -> SseEvent | None:
        name, data = self._name or "message", self._data
        self._name, self._data = "", []
        return SseEvent(name, b"\n".join(data)) if data else None


def frame(name: str, data: str) -> bytes:
    """A frame of our own; `data` is one line."""
    return f"event: {name}\ndata: {data}\n\n".encode()
