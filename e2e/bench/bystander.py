"""What one well-behaved client of the mock notices of a hostile crowd.

The crowd is a process of its own, so that its work is not taken for the mock's: prompts of ten megabytes, gzip bombs,
ten thousand headers, bodies that are no JSON, and heads that drip in byte by byte, all at once and over and over.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from e2e.bench import peers
from e2e.bench.figures import Figure, percentile
from e2e.bench.peers import Contestant
from e2e.stack import LOOPBACK

REQUESTS, SLOW_CLIENTS = 2000, 100
PATIENCE_S = 0.5
UNDER_WAY = b"under way\n"
P99_BAR_MS = 20.0
"""Of a stream that takes a third of a millisecond alone; a person notices from a hundred on."""


def measure(say: Callable[[str], None]) -> list[Figure]:
    """How long whole streams take, one after the other: alone, and beside the crowd.   Raises: StackError."""
    with tempfile.TemporaryDirectory(prefix="cortex-harness-") as folder, peers.mock(Path(folder)) as contestant:
        asyncio.run(peers.whole_streams(contestant, REQUESTS, 1))
        alone_ms = asyncio.run(peers.whole_streams(contestant, REQUESTS, 1))
        say("the same beside a hostile crowd")
        with _crowd(contestant):
            among_ms = asyncio.run(peers.whole_streams(contestant, REQUESTS, 1))
    return [
        Figure("a whole stream, alone, p50", percentile(alone_ms, 0.5), "ms"),
        Figure("a whole stream, alone, p99", percentile(alone_ms, 0.99), "ms"),
        Figure("a whole stream, beside a hostile crowd, p50", percentile(among_ms, 0.5), "ms"),
        Figure("a whole stream, beside a hostile crowd, p99", percentile(among_ms, 0.99), "ms", P99_BAR_MS),
        Figure("a whole stream, beside a hostile crowd, max", max(among_ms), "ms"),
    ]


@contextlib.contextmanager
def _crowd(contestant: Contestant) -> Iterator[None]:
    command = [sys.executable, "-P", "-m", "e2e.bench.bystander", str(contestant.port)]
    crowd = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - this module
    assert crowd.stdin is not None, "started with a pipe"
    assert crowd.stdout is not None, "started with a pipe"
    try:
        crowd.stdin.write(contestant.request)
        crowd.stdin.close()
        assert crowd.stdout.readline() == UNDER_WAY, "the crowd did not come"
        yield
        assert crowd.poll() is None, "without a crowd there is nothing to measure"
    finally:
        crowd.kill()
        crowd.wait()
        crowd.stdout.close()


def _harass(port: int, request: bytes) -> None:
    """Until ended: everything that a server fears, in turn, beside clients that hold their heads back."""
    slow = [socket.create_connection((LOOPBACK, port)) for _ in range(SLOW_CLIENTS)]
    for line in slow:
        line.sendall(b"POST /api/v2/cortex/agent:run HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    attacks = _attacks(request)
    sys.stdout.buffer.write(UNDER_WAY)
    sys.stdout.flush()
    while True:
        for attack in attacks:
            for line in slow:
                with contextlib.suppress(OSError):  # the mock has cut it
                    line.sendall(b"x")
            _send(port, attack)


def _attacks(request: bytes) -> list[bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    bomb = gzip.compress(b" " * 100_000_000)
    prompt = body.replace(b"Say it", b"Say it" + b" again" * 1_700_000)
    fair_prompt = body.replace(b"Say it", b"Say it" + b" again" * 600_000)
    headers = [b"X-%d: %d" % (number, number) for number in range(10_000)]
    return [
        _message([*kept, b"Content-Encoding: gzip"], bomb),
        _message(kept, prompt),
        _message(kept, fair_prompt),
        _message([*kept, *headers], body),
        _message(kept, b"[" * 1_000_000),
        _message(kept, b"\xff" * 1_000_000),
    ]


def _message(head: list[bytes], body: bytes) -> bytes:
    return b"\r\n".join([*head, b"Content-Length: %d" % len(body), b"", b""]) + body


def _send(port: int, attack: bytes) -> None:
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=PATIENCE_S) as line:
        line.sendall(attack)
        line.recv(65536)


if __name__ == "__main__":
    _harass(int(sys.argv[1]), sys.stdin.buffer.read())
