"""The door at which telemetry is taken in: OTLP over HTTP, with the answers that its specification wants.

`answer` decides what a request gets, without a socket; `Intake` is the thin server around it.
Source: OpenTelemetry Protocol Specification 1.x, OTLP/HTTP: request, response, failures.
"""

from __future__ import annotations

import json
import socket
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from google.rpc.code_pb2 import INVALID_ARGUMENT, NOT_FOUND, RESOURCE_EXHAUSTED, UNIMPLEMENTED  # type: ignore[import-untyped]  # no stubs
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # no stubs
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from contracts.telemetry import Signal
from e2e.otlp import Batch, Encoding, Malformed, decoded

LOOPBACK = "127.0.0.1"
MAX_BODY_BYTES = 16 * 1024 * 1024
"""Of a body as it is sent, and of what it unpacks to."""

READ_TIMEOUT_S = 10.0
PIECE_BYTES = 64 * 1024

PATHS: Mapping[str, Signal] = {f"/v1/{signal.value}": signal for signal in Signal}


class Refused(Exception):
    """A request that is not taken, with the status that says why."""

    def __init__(self, status: HTTPStatus, why: str, **headers: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets."""

    status: HTTPStatus
    body: bytes
    encoding: Encoding
    headers: Mapping[str, str] = field(default_factory=dict)


class Taker(Protocol):
    """Whoever keeps what has come."""

    def take(self, batch: Batch) -> None:
        """Keep what a request brought."""

    def refused(self, why: str) -> None:
        """Note a request, or records of one, that were not taken."""


def answer(method: str, path: str, headers: Mapping[str, str], read: Callable[[], bytes], taker: Taker) -> Answer:
    """What a request gets; its records are with the taker by then.

    headers: by name, whatever its case.   read: gives the body.
    """
    encoding = Encoding.JSON if _media_type(headers) == Encoding.JSON else Encoding.PROTOBUF
    try:
        signal = _signal(method, path)
        _check_form(headers)
        batch = decoded(signal, unpacked(read(), headers.get("Content-Encoding", "")), encoding)
    except (Refused, Malformed) as error:
        refusal = error if isinstance(error, Refused) else Refused(HTTPStatus.BAD_REQUEST, str(error))
        taker.refused(f"{method} {path}: {refusal.status.value} {refusal.why}")
        return Answer(refusal.status, _failure(refusal, encoding), encoding, refusal.headers)
    for why in batch.rejected:
        taker.refused(f"{method} {path}: {why}")
    taker.take(batch)
    return Answer(HTTPStatus.OK, _success(signal, batch, encoding), encoding)


def _signal(method: str, path: str) -> Signal:
    signal = PATHS.get(path.partition("?")[0])
    if signal is None:
        raise Refused(HTTPStatus.NOT_FOUND, f"telemetry is taken at {', '.join(PATHS)}")
    if method != "POST":
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "telemetry is sent by POST", Allow="POST")
    return signal


def _check_form(headers: Mapping[str, str]) -> None:
    if (found := _media_type(headers)) not in list(Encoding):
        asked = " or ".join(Encoding)
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Content-Type: {asked} is expected, not {found!r}")
    if (found := headers.get("Content-Encoding", "").strip().lower()) not in ("", "identity", "gzip"):
        why = f"Content-Encoding: gzip or identity is expected, not {found!r}"
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, why, Accept_Encoding="gzip")


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("Content-Type", "").partition(";")[0].strip().lower()


def unpacked(body: bytes, encoding: str) -> bytes:
    """The body without its content encoding.   Raises: Refused for what is no gzip, or unpacks to too much."""
    if encoding.strip().lower() != "gzip":
        return body
    found = b""
    while body:
        unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        try:
            found += unpacker.decompress(body, MAX_BODY_BYTES + 1 - len(found))
        except zlib.error as error:
            raise Refused(HTTPStatus.BAD_REQUEST, f"the body is no gzip: {error}") from error
        if len(found) > MAX_BODY_BYTES:
            raise too_large()
        if not unpacker.eof:
            raise Refused(HTTPStatus.BAD_REQUEST, "the body is no gzip: it ends too early")
        body = unpacker.unused_data
    return found


def too_large() -> Refused:
    """What a body gets that nobody reads to its end."""
    return Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body has at most {MAX_BODY_BYTES} bytes")


_RESPONSES = {
    Signal.TRACES: (ExportTraceServiceResponse, "spans"),
    Signal.METRICS: (ExportMetricsServiceResponse, "data_points"),
    Signal.LOGS: (ExportLogsServiceResponse, "log_records"),
}


def _success(signal: Signal, batch: Batch, encoding: Encoding) -> bytes:
    if not batch.rejected:
        return b"{}" if encoding is Encoding.JSON else b""
    form, what = _RESPONSES[signal]
    count, why = len(batch.rejected), "; ".join(batch.rejected[:3])
    if encoding is Encoding.JSON:
        name = what.replace("data_points", "dataPoints").replace("log_records", "logRecords")
        key = f"rejected{name[0].upper()}{name[1:]}"
        return json.dumps({"partialSuccess": {key: str(count), "errorMessage": why}}).encode()
    response: Any = form()
    setattr(response.partial_success, f"rejected_{what}", count)
    response.partial_success.error_message = why
    body: bytes = response.SerializeToString()
    return body


_CODES = {
    HTTPStatus.NOT_FOUND: NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED: UNIMPLEMENTED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: RESOURCE_EXHAUSTED,
}


def _failure(refused: Refused, encoding: Encoding) -> bytes:
    code = _CODES.get(refused.status, INVALID_ARGUMENT)
    if encoding is Encoding.JSON:
        return json.dumps({"code": code, "message": refused.why}).encode()
    body: bytes = Status(code=code, message=refused.why).SerializeToString()
    return body


# --- the server


class Intake(ThreadingHTTPServer):
    """Listens on loopback and hands on to a taker. A connection carries one request, so that the end is the end."""

    daemon_threads = True
    request_queue_size = 128
    taker: Taker

    def __init__(self, port: int = 0) -> None:
        super().__init__((LOOPBACK, port), _Door)
        self.url = f"http://{LOOPBACK}:{self.server_port}"

    def server_bind(self) -> None:
        """Bind; without asking the name service who we are, as the standard library's server would."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = LOOPBACK, int(self.server_address[1])

    def handle_error(self, *_args: Any) -> None:
        """Nothing: a sender that leaves or stalls is its own affair."""

    @contextmanager
    def open_for(self, taker: Taker) -> Iterator[None]:
        """In the block, what comes is the taker's."""
        self.taker = taker
        thread = threading.Thread(target=self.serve_forever, args=(0.02,), name="telemetry", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.shutdown()
            thread.join()
            self.server_close()


class _Door(BaseHTTPRequestHandler):
    server: Intake
    protocol_version = "HTTP/1.1"
    timeout = READ_TIMEOUT_S
    disable_nagle_algorithm = True

    def __getattr__(self, name: str) -> Callable[[], None]:
        """The base class looks for a method `do_` and the request's; every one is answered in the same way."""
        if not name.startswith("do_"):
            raise AttributeError(name)
        return self._serve

    def _serve(self) -> None:
        # Headers of email's Message are no Mapping to mypy; get() and items() are all that is asked of them.
        given = answer(self.command, self.path, self.headers, self._body, self.server.taker)  # type: ignore[arg-type]
        self.send_response(given.status)
        for name, value in given.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", given.encoding)
        self.send_header("Content-Length", str(len(given.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else given.body)
        self.close_connection = True
        if given.status is not HTTPStatus.OK:
            self._hear_out()

    def _body(self) -> bytes:
        """The body.   Raises: Refused."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "Content-Length is expected, or chunks")
        if int(length) > MAX_BODY_BYTES:
            raise too_large()
        return self._exactly(int(length))

    def _chunks(self) -> bytes:
        """A body in chunks, as some exporters send what they pack on the way.   Source: RFC 9112, 7.1."""
        found = b""
        while size := self._chunk_size():
            if len(found) + size > MAX_BODY_BYTES:
                raise too_large()
            found += self._exactly(size)
            self.rfile.readline(3)
        while self.rfile.readline(PIECE_BYTES).strip():
            pass  # fields after the last chunk say nothing that is wanted here
        return found

    def _chunk_size(self) -> int:
        line = self.rfile.readline(1024)
        try:
            return int(line.partition(b";")[0], 16)
        except ValueError as error:
            raise Refused(HTTPStatus.BAD_REQUEST, f"no chunk begins with {line[:40]!r}") from error

    def _exactly(self, size: int) -> bytes:
        try:
            body = self.rfile.read(size)
        except TimeoutError as error:
            raise Refused(HTTPStatus.REQUEST_TIMEOUT, f"the body did not come in {READ_TIMEOUT_S:g} s") from error
        if len(body) < size:
            raise Refused(HTTPStatus.BAD_REQUEST, f"the body ends after {len(body)} of {size} bytes")
        return body

    def _hear_out(self) -> None:
        """Let a sender finish, within bounds: it reads the answer only then, and a reset would take it away."""
        self.connection.shutdown(socket.SHUT_WR)
        heard = 0
        while heard < 4 * MAX_BODY_BYTES and (piece := self.rfile.read1(PIECE_BYTES)):
            heard += len(piece)

    def log_message(self, *_args: Any) -> None:
        """Nothing: what matters is told in failures."""
