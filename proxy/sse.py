"""A pure decoder for server-sent events: bytes in, whole events out, however they were divided on the way.

Source: WHATWG HTML, section "Interpreting an event stream". It keeps only what the proxy needs: the event's name and
its data; `id` and `retry` are not used by Cortex.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"

MAX_FRAME_BYTES = 32 * 1024 * 1024
"""A frame that grows past this without a blank line is refused."""


class FrameTooLargeError(Exception):
    """A single frame passed the limit."""


@dataclass(frozen=True, slots=True)
class SseEvent:
    """One dispatched event. `data` holds its lines joined by LF; the name is `message` when none was given."""

    name: str
    data: bytes


class SseDecoder:
    """Feed it bytes as they come; it returns each event as soon as its blank line has arrived."""

    def __init__(self, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self._max_frame_bytes = max_frame_bytes
        self._pending = bytearray()  # the line that has not ended yet
        self._scanned = 0  # bytes of it already searched: without this a long line is searched again per chunk
        self._after_cr = False  # the last byte was a CR, so an LF that comes next belongs to it
        self._frame_bytes = 0  # of the ended lines since the last blank one
        self._blank = True  # the last ended line was blank, or there was none
        self._start = True
        self._name = ""
        self._data = bytearray()

    @property
    def at_boundary(self) -> bool:
        """Whether everything fed so far ended with a blank line, so that a frame of ours may follow."""
        return self._blank and not self._pending and not self._after_cr

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """Take bytes; return the events they complete.   Raises: FrameTooLargeError."""
        if not chunk:
            return []
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        pending, consumed, events = self._pending, 0, []
        pending += chunk
        for end in _LINE_END.finditer(pending, self._scanned):
            event = self._take(bytes(pending[consumed : end.start()]))
            consumed = end.end()
            if event is not None:
                events.append(event)
        self._after_cr = pending.endswith(b"\r")
        del pending[:consumed]
        self._scanned = len(pending)
        if self._frame_bytes + len(pending) > self._max_frame_bytes:
            raise FrameTooLargeError(f"One event may hold {self._max_frame_bytes} bytes.")
        return events

    def _take(self, line: bytes) -> SseEvent | None:
        if self._start:
            line, self._start = line.removeprefix(_BOM), False
        self._blank = not line
        if self._blank:
            return self._dispatch()
        self._frame_bytes += len(line) + 1
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data += value + b"\n"
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")
        return None

    def _dispatch(self) -> SseEvent | None:
        name, data = self._name or "message", bytes(self._data[:-1])
        has_data = bool(self._data)
        self._name, self._frame_bytes = "", 0
        self._data.clear()
        return SseEvent(name, data) if has_data else None


def frame(name: str, data: str) -> bytes:
    """A frame of our own; `data` is one line."""
    return f"event: {name}\ndata: {data}\n\n".encode()
