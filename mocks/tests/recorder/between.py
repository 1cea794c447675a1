"""A recorder between a client and an upstream, all three on one event loop, with somebody in the clerk's place."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mocks.cassette import Interaction
from mocks.clerk import Clerk, Terms
from mocks.progress import Progress
from mocks.recorder import LOOPBACK, Recorder, proxy_options, serve
from mocks.recording import Asking, Dropped, Finished, State

Answer = Callable[["Asked", asyncio.StreamWriter], Awaitable[None]]
RECORDING = Terms(answers=False, forwards=True, state=State())
TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Asked:
    """A request as the upstream got it; header names are lower-case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


async def read_request(reader: asyncio.StreamReader) -> Asked | None:
    """The next request of a connection, None at its end."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    line, *lines = head.rstrip("\r\n").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
    body = b""
    if headers.get("transfer-encoding") == "chunked":
        while (size := int(await reader.readline(), 16)) or await reader.readline() is None:
            body += await reader.readexactly(size)
            await reader.readline()
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    method, path, _ = line.split(" ", 2)
    return Asked(method, path, headers, body)


async def send(writer: asyncio.StreamWriter, *parts: bytes) -> None:
    """Write each part on its own."""
    for part in parts:
        writer.write(part)
        await writer.drain()


def chunk(data: bytes) -> bytes:
    """A chunk of a chunked body; an empty one ends it."""
    return b"%x\r\n%s\r\n" % (len(data), data)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"


async def greet(_: Asked, writer: asyncio.StreamWriter) -> None:
    """A short JSON answer."""
    await send(writer, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")


@dataclass
class StandIn(Clerk):
    """Takes the clerk's place: keeps what it is given, and answers what it is told to."""

    taken: list[Finished] = field(default_factory=list)
    asked: list[Asking] = field(default_factory=list)
    found: Interaction | list[dict[str, Any]] = field(default_factory=list)

    def close(self) -> None:
        """Nobody to send home."""

    async def answer(self, asking: Asking) -> Interaction | list[dict[str, Any]]:
        """What it was told to."""
        self.asked.append(asking)
        return self.found

    async def take(self, finished: Finished) -> tuple[Dropped | None, State]:
        """Keep it."""
        self.taken.append(finished)
        return None, State(len(self.taken), len(self.taken), 0)

    async def save(self) -> tuple[list[Dropped], State]:
        """Nothing was dropped."""
        return [], State(len(self.taken), len(self.taken), 0)


@dataclass
class Between:
    """What runs: the recorder's address, what the upstream was asked, and who keeps what was recorded."""

    port: int
    upstream: str
    clerk: StandIn
    progress: Progress
    seen: list[Asked]
    recorder: Recorder

    @property
    def lost(self) -> list[str]:
        """What was not recorded, in words."""
        return list(map(str, self.progress.lost))

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the recorder."""
        return await asyncio.open_connection(LOOPBACK, self.port)

    async def ask(self, request: bytes) -> bytes:
        """Everything that comes back on a connection of its own."""
        reader, writer = await self.connect()
        await send(writer, request)
        answer = await asyncio.wait_for(reader.read(), TIMEOUT_S)
        writer.close()
        return answer

    async def until(self, is_so: Callable[[], object]) -> None:
        """Return once it is so."""
        async with asyncio.timeout(TIMEOUT_S):
            while not is_so():
                await asyncio.sleep(0.005)


def get(path: str = "/api/v2/statements/x", *headers: str, method: str = "GET", body: bytes = b"") -> bytes:
    """A request that ends its connection."""
    lines = [f"{method} {path} HTTP/1.1", "Host: recorder", "Connection: close", *headers]
    lines += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextlib.asynccontextmanager
async def recording(
    folder: Path,
    answer: Answer = greet,
    *,
    terms: Terms = RECORDING,
    clerk: StandIn | None = None,
    upstream: str | None = None,
    ssl: Any = None,
    port: int = 0,
) -> AsyncIterator[Between]:
    """A recorder in front of an upstream that answers so; a Ctrl-C ends it.

    upstream: somebody else's address in its place.   ssl: what the upstream speaks TLS with.   port: of the recorder.
    """
    seen: list[Asked] = []
    others = asyncio.all_tasks()

    async def serve_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (asked := await read_request(reader)) is not None:
                seen.append(asked)
                await answer(asked, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve_client, LOOPBACK, 0, ssl=ssl)
    behind = server.sockets[0].getsockname()[1]
    scheme = "https" if ssl else "http"
    keeper, progress = clerk or StandIn(), Progress(io.StringIO(), is_live=False)
    recorder, ready = Recorder(keeper, terms, progress), asyncio.get_running_loop().create_future()
    url = upstream or f"{scheme}://localhost:{behind}"
    options = proxy_options(url, LOOPBACK, port, str(folder))
    task = asyncio.create_task(serve(options, recorder, progress, ready.set_result))
    async with server:
        try:
            await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
            address = int(ready.result().rpartition(":")[2])
            yield Between(address, url, keeper, progress, seen, recorder)
        finally:
            if not task.done():
                os.kill(os.getpid(), signal.SIGINT)
            await task
        await recorder.finish()
    connections = asyncio.all_tasks() - others
    for each in connections:
        each.cancel()
    await asyncio.gather(*connections, return_exceptions=True)
    await asyncio.sleep(0)  # a closed transport lets go of its socket in the loop's next round
