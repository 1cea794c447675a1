"""The mock against aimock and WireMock on one stream, and against a bare RSGI application as the limit.

Everybody answers the same hundred frames at full speed to the same client, over connections that stay open; counted
are whole streams per second of the server's own CPU time, so the client's speed does not matter. The peers come from
npm into a throw-away folder; where Node or Java is missing the peer is left out, and the table says so.

What is compared is not the same work: the mock verifies a credential, matches, keeps a journal with every frame's
times; aimock frames its text anew for each stream; WireMock sends a stored body.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from contracts.cortex import EVENT_STREAM, INLINE_RUN_PATH
from e2e import keys
from e2e.bench.bare import FRAME, FRAMES
from e2e.bench.client import request_bytes
from e2e.bench.cpu import spent_by_all_s
from e2e.bench.figures import Figure, percentile
from e2e.stack import ACCOUNT, LOOPBACK, STOP_TIMEOUT_S, USER, Child, StackError, free_port
from mocks.cassette import Cassette, Frame, Header, Interaction, Match, Request, ResponseHead, save
from proxy.keypair import KeyPairSigner

AIMOCK, WIREMOCK = "@copilotkit/aimock@1.43.0", "wiremock@3.13.2"
WARM_UP, ALONE, STREAMS, AT_ONCE, ROUNDS = 4000, 200, 800, 16, 20
PEER_RATIO, LIMIT_SHARE, LIMIT_SHARE_ON = 2.5, 0.6, 0.4
QUESTION = "Say it a hundred times"
START_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server under test: its process, and the bytes of a request that it answers with the stream."""

    name: str
    pid: int
    port: int
    request: bytes


@dataclass(frozen=True, slots=True)
class Score:
    """Streams per CPU-second, over all rounds; milliseconds of whole streams, one after the other."""

    per_cpu_s: float
    alone_ms: list[float]


Start = Callable[[Path], contextlib.AbstractContextManager[Contestant]]


def measure(say: Callable[[str], None]) -> list[Figure]:
    """The table: every contestant, then the ratios with their bars.   Raises: StackError."""
    alone_ms: dict[str, list[float]] = {}
    missing: list[str] = []
    with tempfile.TemporaryDirectory(prefix="cortex-harness-") as folder, contextlib.ExitStack() as running:
        contestants = []
        for start in (mock, _mock_with_metrics, _bare, _bare_each, _aimock, _wiremock):
            try:
                contestants.append(running.enter_context(start(Path(folder))))
            except _LeftOutError as reason:
                missing.append(str(reason))
                say(str(reason))
        for each in contestants:
            say(f"{each.name}: {WARM_UP} streams to warm up, {ALONE} alone")
            asyncio.run(whole_streams(each, WARM_UP, AT_ONCE))
            alone_ms[each.name] = asyncio.run(whole_streams(each, ALONE, 1))
        spent_s = dict.fromkeys(alone_ms, 0.0)
        for number in range(1, ROUNDS + 1):
            if number % 5 == 1:
                say(f"round {number} of {ROUNDS}: {STREAMS} streams each, {AT_ONCE} at once")
            # In an order that is drawn, so that what else the machine does falls on everybody.
            for each in random.sample(contestants, len(contestants)):
                spent_s[each.name] += _spent_s(each)
    scores = {name: Score(ROUNDS * STREAMS / spent_s[name], times_ms) for name, times_ms in alone_ms.items()}
    return [*_scores(scores), *_ratios(scores), *(Figure(reason, 0, "") for reason in missing)]


def _scores(scores: Mapping[str, Score]) -> list[Figure]:
    rows = [Figure(f"streams per CPU-second: {name}", score.per_cpu_s, "1/s") for name, score in scores.items()]
    for share, name in ((0.5, "p50"), (0.99, "p99")):
        rows += [
            Figure(f"a whole stream, alone, {name}: {who}", percentile(score.alone_ms, share), "ms")
            for who, score in scores.items()
        ]
    return rows


def _ratios(scores: Mapping[str, Score]) -> list[Figure]:
    """What must be reached, each as a share of what the mock did: 1 is the bar."""
    wanted = [(f"{PEER_RATIO} times", PEER_RATIO, name, MOCK) for name in (AIMOCK, WIREMOCK) if name in scores]
    wanted += [(f"{LIMIT_SHARE:.0%} of", LIMIT_SHARE, BARE_EACH, MOCK)]
    wanted += [(f"{LIMIT_SHARE_ON:.0%} of", LIMIT_SHARE_ON, BARE_EACH, METRICS)]
    return [
        Figure(
            f"{words} {name}'s, as a share of that of {ours}",
            factor * scores[name].per_cpu_s / scores[ours].per_cpu_s,
            "",
            1,
        )
        for words, factor, name, ours in wanted
    ]


# --- the contestants ------------------------------------------------------------------------------------------------

MOCK, METRICS = "the mock", "the mock with metrics"
BARE, BARE_EACH = "a bare RSGI application, one write", "a bare RSGI application, a write a frame"


class _LeftOutError(Exception):
    """A peer that cannot be started here, and why."""


@contextlib.contextmanager
def mock(folder: Path, name: str = MOCK, extra: Sequence[str] = ()) -> Iterator[Contestant]:
    """Ours, at full speed, with one cassette that holds the stream."""
    made, tapes = keys.ensure(folder), folder / "cassettes"
    asked = Request(method="POST", path=INLINE_RUN_PATH, match=Match(last_user_text=QUESTION))
    frames = tuple(Frame(0.0, FRAME) for _ in range(FRAMES))
    head = ResponseHead(status=200, headers={"Content-Type": EVENT_STREAM})
    header = Header(cassette=1, provenance="emulated", source="e2e/bench/bare.py", about="the benchmark's stream")
    save(Cassette("hundred", header, (Interaction(asked, head, frames),)), tapes / "hundred.jsonl")
    (folder / "scenarios").mkdir(exist_ok=True)
    arguments = ["--port", "0", "--pace", "0", "--cassettes", str(tapes), "--scenarios", str(folder / "scenarios")]
    arguments += ["--public-key", str(made.public_key), *extra]
    child = Child("mock", ["mock", *arguments], {}, folder / f"{name}.log")
    try:
        url = child.url()
        body = {"messages": [{"role": "user", "content": [{"type": "text", "text": QUESTION}]}]}
        token = KeyPairSigner(ACCOUNT, USER, made.private_key).token()
        request = request_bytes("POST", f"{url}{INLINE_RUN_PATH}", {"Authorization": f"Bearer {token}"}, body)
        yield Contestant(name, child.pid, int(url.rpartition(":")[2]), request)
    finally:
        child.stop()


def _mock_with_metrics(folder: Path) -> contextlib.AbstractContextManager[Contestant]:
    return mock(folder, METRICS, ["--metrics-port", "0"])


@contextlib.contextmanager
def _bare(folder: Path, name: str = BARE, extra: Sequence[str] = ()) -> Iterator[Contestant]:
    port = free_port()
    command = [sys.executable, "-P", "-m", "e2e.bench.bare", "--port", str(port), *extra]
    with _process(command, folder / f"{name}.log") as process:
        _await_port(process, port, name)
        yield Contestant(name, process.pid, port, request_bytes("POST", f"http://{LOOPBACK}:{port}/", {}, {"a": 1}))


def _bare_each(folder: Path) -> contextlib.AbstractContextManager[Contestant]:
    return _bare(folder, BARE_EACH, ["--each"])


@contextlib.contextmanager
def _aimock(folder: Path) -> Iterator[Contestant]:
    port, fixtures = free_port(), folder / "aimock"
    program = _installed(folder, AIMOCK, needs=("node", "npm")) / "node_modules" / ".bin" / "llmock"
    fixtures.mkdir()
    chunks = FRAMES - 3  # a role before them, a finish and [DONE] behind them
    answer = {"match": {"userMessage": QUESTION}, "response": {"content": "x" * 10 * chunks}, "chunkSize": 10}
    (fixtures / "fixtures.json").write_text(json.dumps({"fixtures": [answer]}), encoding="utf-8")
    command = [str(program), "-p", str(port), "-f", str(fixtures), "--log-level", "silent"]
    with _process(command, folder / "aimock.log") as process:
        _await_port(process, port, AIMOCK)
        body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": QUESTION}]}
        request = request_bytes("POST", f"http://{LOOPBACK}:{port}/v1/chat/completions", {}, body)
        yield Contestant(AIMOCK, process.pid, port, request)


@contextlib.contextmanager
def _wiremock(folder: Path) -> Iterator[Contestant]:
    port, root = free_port(), folder / "wiremock"
    installed = _installed(folder, WIREMOCK, needs=("node", "npm", "java"))
    jar = next(installed.rglob("wiremock-standalone-*.jar"))
    (root / "mappings").mkdir(parents=True)
    answer = {"status": 200, "headers": {"Content-Type": EVENT_STREAM}, "body": (FRAME * FRAMES).decode()}
    mapping = {"request": {"method": "POST", "urlPath": "/run"}, "response": answer}
    (root / "mappings" / "run.json").write_text(json.dumps(mapping), encoding="utf-8")
    command = ["java", "-jar", str(jar), "--port", str(port), "--bind-address", LOOPBACK, "--root-dir", str(root)]
    command += ["--max-request-journal-entries", "2000", "--disable-gzip"]
    with _process(command, folder / "wiremock.log") as process:
        _await_port(process, port, WIREMOCK)
        body = {"messages": [{"role": "user", "content": QUESTION}]}
        yield Contestant(WIREMOCK, process.pid, port, request_bytes("POST", f"http://{LOOPBACK}:{port}/run", {}, body))


def _installed(folder: Path, package: str, needs: Sequence[str]) -> Path:
    """A folder of its own with the npm package.   Raises: _LeftOutError naming what is missing."""
    for program in needs:
        if shutil.which(program) is None:
            raise _LeftOutError(f"{package} is left out: there is no {program} on the PATH")
    home = folder / "npm" / package.strip("@").partition("@")[0].replace("/", "-")
    home.mkdir(parents=True)
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(home), package]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own command
    if done.returncode:
        raise _LeftOutError(f"{package} is left out: npm could not install it: {done.stderr.strip()[-200:]}")
    return home


@contextlib.contextmanager
def _process(command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as words:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=words, stderr=words)  # noqa: S603 - ours
    stdin: IO[bytes] | None = process.stdin
    try:
        yield process
    finally:
        assert stdin is not None, "started with a pipe"
        stdin.close()
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_port(process: subprocess.Popen[bytes], port: int, name: str) -> None:
    """Return once connections are accepted.   Raises: StackError."""
    until_s = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < until_s:
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
            return
        time.sleep(0.05)
    raise StackError(f"{name} does not listen: exit status {process.poll()}")


# --- the client -----------------------------------------------------------------------------------------------------


class _Reader(asyncio.Protocol):
    """Counts an answer's bytes until it is whole, chunked or of a known length."""

    def __init__(self) -> None:
        self._got = bytearray()
        self.whole: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self._got += data
        if self._got.endswith(b"0\r\n\r\n") or self._is_long_enough():
            answer, self._got = bytes(self._got), bytearray()
            self.whole.set_result(answer)

    def _is_long_enough(self) -> bool:
        head, found, _ = bytes(self._got[:2000]).partition(b"\r\n\r\n")
        length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), None)
        if not found or length is None:
            return False
        return len(self._got) - len(head) - 4 >= int(length.partition(b":")[2])

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.whole.done():
            self.whole.set_exception(exc or ConnectionError("the connection was closed in mid-answer"))

    def again(self) -> None:
        self.whole = asyncio.get_running_loop().create_future()


async def _one_connection(contestant: Contestant, streams: int) -> list[float]:
    loop, times_ms = asyncio.get_running_loop(), []
    transport, reader = await loop.create_connection(_Reader, LOOPBACK, contestant.port)
    try:
        for _ in range(streams):
            reader.again()
            sent_s = time.monotonic()
            transport.write(contestant.request)
            answer = await reader.whole
            times_ms.append((time.monotonic() - sent_s) * 1000)
            found = answer.count(b"\n\n")
            assert found == FRAMES, f"{contestant.name} answered {found} frames: {answer[:300]!r}"
    finally:
        transport.close()
    return times_ms


async def whole_streams(contestant: Contestant, streams: int, at_once: int) -> list[float]:
    """Milliseconds of so many whole streams, over that many connections.   Raises: OSError."""
    each = [_one_connection(contestant, streams // at_once) for _ in range(at_once)]
    return [ms for times_ms in await asyncio.gather(*each) for ms in times_ms]


def _spent_s(contestant: Contestant) -> float:
    """CPU time that a round costs a contestant."""
    before_s = spent_by_all_s(contestant.pid)
    asyncio.run(whole_streams(contestant, STREAMS, AT_ONCE))
    return spent_by_all_s(contestant.pid) - before_s
