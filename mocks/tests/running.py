"""A running mock for tests: started on a free port in a thread, asked over real sockets."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, TypeVar

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from contracts.cortex import agent_run_path
from mocks.embedded import MockCortex
from mocks.snowflake.auth import fingerprint_of

T = TypeVar("T")
RUN = agent_run_path("CORTEX_BENCH_DB", "SALES", "SALES_AGENT")
QUESTION = "Net sales by region"
DEADLINE_S = 10.0
NOW = {"X-Mock-Pace": "0"}


@dataclass(frozen=True)
class KeyPair:
    """A private key and the file of its public half."""

    private: RSAPrivateKey
    public_file: Path

    def token(self, *, user: str = "CORTEX_PROXY_USER", **claims: object) -> str:
        """A token that holds, unless claims say otherwise."""
        now, subject = int(time.time()), f"MYORG-BENCH.{user}"
        issuer = f"{subject}.{fingerprint_of(self.private.public_key())}"
        return jwt.encode(
            {"iss": issuer, "sub": subject, "iat": now, "exp": now + 3000, **claims}, self.private, algorithm="RS256"
        )


@dataclass(frozen=True)
class Answer:
    """One answer, read whole. Header names are lower-case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class RunningMock:
    """A mock that answers on a port of this machine."""

    port: int
    token: str

    def call(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One exchange, authenticated unless headers say otherwise."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        with contextlib.closing(connection):
            connection.request(method, path, body, {"Authorization": f"Bearer {self.token}", **(headers or {})})
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())

    def run(
        self, question: str = QUESTION, *, path: str = RUN, headers: Mapping[str, str] | None = None, **fields: object
    ) -> Answer:
        """One agent run at full speed."""
        return self.call("POST", path, run_body(question, **fields), {**NOW, **(headers or {})})

    def opened(self, request: bytes) -> socket.socket:
        """A connection that has sent a request; close it."""
        line = socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S)
        line.sendall(request)
        return line

    def raw(self, request: bytes) -> bytes:
        """All that comes back until the mock ends the connection.   Raises: TimeoutError when it does not."""
        with self.opened(request) as line:
            return read_to_end(line)

    def request(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
        """The bytes of an authenticated request that asks for the connection's end."""
        fields = {"Host": "mock", "Connection": "close", "Authorization": f"Bearer {self.token}"}
        fields |= {"Content-Length": str(len(body)), **(headers or {})}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        return "\r\n".join(lines).encode("latin-1") + body

    def journal(self, test_id: str | None = None) -> list[dict[str, Any]]:
        """The newest entries of a test, or of all."""
        answer = self.call("GET", "/__mock/journal", headers={"X-Test-Id": test_id} if test_id else {})
        entries: list[dict[str, Any]] = answer.json()
        return entries

    def ended(self, test_id: str) -> dict[str, Any]:
        """A test's newest entry, once its exchange has ended."""
        return until(lambda: next((entry for entry in self.journal(test_id) if entry["ended_mono_s"]), None))


def run_body(question: str = QUESTION, **fields: object) -> bytes:
    """The body of a run request."""
    message = {"role": "user", "content": [{"type": "text", "text": question}]}
    return json.dumps({"messages": [message], **fields}).encode()


def read_to_end(line: socket.socket) -> bytes:
    """Everything until the end of the connection."""
    return b"".join(iter(lambda: line.recv(65536), b""))


def chunks(raw: bytes) -> tuple[list[bytes], bool]:
    """The chunks of a raw answer's body, and whether the body was ended properly."""
    found: list[bytes] = []
    rest = raw.partition(b"\r\n\r\n")[2]
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            assert rest == b"\r\n"
            return found, True
        found.append(rest[:length])
        assert rest[length : length + 2] == b"\r\n"
        rest = rest[length + 2 :]
    return found, False


def until(ask: Callable[[], T | None]) -> T:
    """The first answer that is one.   Raises: TimeoutError."""
    deadline_s = time.monotonic() + DEADLINE_S
    while (found := ask()) is None:
        if time.monotonic() > deadline_s:
            raise TimeoutError("nothing came")
        time.sleep(0.005)
    return found


@contextlib.contextmanager
def running(keys: KeyPair, **options: Any) -> Iterator[RunningMock]:
    """A mock on a free port, at the recorded pace unless options say otherwise; ended on exit."""
    with MockCortex(public_keys=(keys.public_file,), **{"pace": 1.0, **options}) as started:
        yield RunningMock(int(started.url.rpartition(":")[2]), keys.token())
