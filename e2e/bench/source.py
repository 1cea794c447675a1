"""An upstream of constant rate for measuring the proxy: every event carries the moment it was written.

What a stream is to do is said in its question, as JSON, so that it passes the proxy: see `Plan`. Credentials are not
looked at. It is a process of its own, `python -m e2e.bench.source`, and ends when its standard input does, so that it
never outlives whoever started it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from contracts.cortex import DONE, EVENT_STREAM, Event, agent_run_path
from e2e.stack import LOOPBACK, STOP_TIMEOUT_S, StackError

RUN_PATH = agent_run_path("CORTEX_BENCH_DB", "SALES", "SALES_AGENT")
COUNT_PATH = "/open"
"""Answers how many streams are running."""

PADDING = "x" * 72
"""Makes a frame 150 bytes, like a recorded text delta."""

OPENAI_BASE = "/v1"
OPENAI_PATH = f"{OPENAI_BASE}/chat/completions"
"""Answers as many events of the same size in OpenAI's form, all at once: for gateways that speak no other."""

OPENAI_DELTA = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m",'
    b'"choices":[{"index":0,"delta":{"content":"xxxxxxxxxx"},"finish_reason":null}]}\n\n'
)
OPENAI_FINAL = OPENAI_DELTA.replace(b'"content":"xxxxxxxxxx"', b"").replace(b"null", b'"stop"') + b"data: [DONE]\n\n"

HEAD = f"HTTP/1.1 200 OK\r\nContent-Type: {EVENT_STREAM}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
LAST_CHUNK = b"0\r\n\r\n"
FINAL = (
    f"event: {Event.RESPONSE}\n"
    'data: {"role":"assistant","content":[],"status":"completed","metadata":{"usage":{"tokens_consumed":[]}}}\n\n'
    f"event: {Event.DONE}\ndata: {DONE}\n\n"
).encode()

_STAMP = re.compile(rb'"at":([0-9.]+)')


@dataclass(frozen=True, slots=True)
class Plan:
    """One stream: so many events at this rate (0: all at once), the first one `wait_s` after the request.

    is_silent: after its events it says nothing more, and stays open until the other side closes.
    """

    events: int = 1
    per_s: float = 0.0
    wait_s: float = 0.0
    is_silent: bool = False

    def question(self) -> str:
        """The plan as a user's message."""
        return json.dumps(asdict(self))

    def body(self) -> dict[str, object]:
        """The plan as the body of a run."""
        return {"messages": [{"role": "user", "content": [{"type": "text", "text": self.question()}]}]}

    @classmethod
    def of(cls, body: bytes) -> Plan:
        """The plan that a run's body holds."""
        content = json.loads(body)["messages"][-1]["content"]
        return cls(**json.loads(content if isinstance(content, str) else content[0]["text"]))


def event(number: int, at_s: float) -> bytes:
    """A frame that was written at this monotonic moment; numbers count from 1."""
    data = f'{{"number":{number},"at":{at_s:.6f},"text":"{PADDING}"}}'
    return f"event: {Event.TEXT_DELTA}\ndata: {data}\n\n".encode()


def marker(number: int) -> bytes:
    """What the frame with this number contains, and no other."""
    return b'"number":%d,' % number


def stamp_s(frame: bytes) -> float | None:
    """When a frame was written, None for one that is not ours."""
    found = _STAMP.search(frame)
    return float(found.group(1)) if found else None


def chunk(data: bytes) -> bytes:
    """Data in the chunked transfer coding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class _Connection(asyncio.Protocol):
    """Answers one request after the other; a timer for the next event is all that a running stream costs."""

    def __init__(self, running: set[_Connection]) -> None:
        self._loop = asyncio.get_running_loop()
        self._running = running
        self._received = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport), "a stream's"
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._running.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = bytes(self._received).partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
        length_bytes = int(length.group(1)) if length else 0
        if not found or len(rest) < length_bytes:
            return
        self._received.clear()
        if head.startswith(f"GET {COUNT_PATH} ".encode()):
            answer = str(len(self._running)).encode()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer))
        elif head.startswith(f"POST {OPENAI_PATH} ".encode()):
            self._transport.write(HEAD + Plan.of(rest).events * chunk(OPENAI_DELTA) + chunk(OPENAI_FINAL) + LAST_CHUNK)
        elif head.startswith(f"POST {RUN_PATH} ".encode()):
            self._start(Plan.of(rest))
        else:
            self._transport.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    def _start(self, plan: Plan) -> None:
        self._running.add(self)
        if plan.wait_s:
            self._timer = self._loop.call_later(plan.wait_s, self._begin, plan)
        else:
            self._begin(plan)

    def _begin(self, plan: Plan) -> None:
        if plan.per_s:
            self._next(plan, 1, self._loop.time())
            return
        frames = [event(number, time.monotonic()) for number in range(1, plan.events + 1)]
        self._transport.write(HEAD + b"".join(map(chunk, frames)))
        self._finish(plan)

    def _next(self, plan: Plan, number: int, due_s: float) -> None:
        """Write this event and wait for the next one's moment; a late one does not move those after it."""
        head = HEAD if number == 1 else b""
        self._transport.write(head + chunk(event(number, time.monotonic())))
        if number == plan.events:
            self._finish(plan)
        else:
            due_s += 1 / plan.per_s
            self._timer = self._loop.call_at(due_s, self._next, plan, number + 1, due_s)

    def _finish(self, plan: Plan) -> None:
        if not plan.is_silent:
            self._transport.write(chunk(FINAL) + LAST_CHUNK)
            self._running.discard(self)


async def serve() -> None:
    """Serve until standard input ends; the first line on stdout is JSON and names the URL."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    running: set[_Connection] = set()
    server = await loop.create_server(lambda: _Connection(running), LOOPBACK, 0, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"ready": "source", "url": f"http://{LOOPBACK}:{port}"}), flush=True)  # noqa: T201
    loop.add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()


@contextlib.contextmanager
def running() -> Iterator[str]:
    """The URL of a source, ended on exit.   Raises: StackError."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "e2e.bench.source"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for whoever started it
    )
    assert process.stdin is not None, "started with pipes"
    assert process.stdout is not None, "started with pipes"
    try:
        line = process.stdout.readline()
        if not line:
            raise StackError(f"the source of events did not start; it exited with {process.wait()}")
        yield str(json.loads(line)["url"])
    finally:
        process.stdin.close()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


if __name__ == "__main__":
    asyncio.run(serve())
