"""A collector on loopback that keeps what it is sent by OTLP over HTTP, and answers questions about it."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, TypeVar

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

T = TypeVar("T")
LOOPBACK = "127.0.0.1"


class TelemetryMissing(AssertionError):
    """Telemetry that did not arrive, or that must not have; the message shows the trace as far as it is known."""


@dataclass(frozen=True, slots=True)
class Span:
    """A span as it arrived. Times are nanoseconds since the epoch."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    kind: str
    service: str
    start_ns: int
    end_ns: int
    status: str
    attributes: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


class Receiver:
    """What has arrived, and where it arrives."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._spans: list[Span] = []
        self._changed = threading.Condition()

    def take(self, path: str, body: bytes) -> None:
        """Keep what was sent to a path."""
        if path == "/v1/traces":
            with self._changed:
                self._spans += _spans(ExportTraceServiceRequest.FromString(body))
                self._changed.notify_all()

    def spans(self, *, trace_id: str | None = None, service: str | None = None, name: str | None = None) -> list[Span]:
        """The spans that have all of what is asked for, oldest first."""
        asked = {"trace_id": trace_id, "service": service, "name": name}
        wanted = {key: value for key, value in asked.items() if value is not None}
        with self._changed:
            found = [each for each in self._spans if all(getattr(each, key) == value for key, value in wanted.items())]
        return sorted(found, key=lambda each: each.start_ns)

    def until(self, ask: Callable[[], T], what: str, *, trace_id: str | None = None, timeout_s: float = 10.0) -> T:
        """The first answer that is true.   Raises: TelemetryMissing."""
        deadline_s = time.monotonic() + timeout_s
        while not (found := ask()):
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise TelemetryMissing(f"{what} did not arrive in {timeout_s:g} s\n{self.tree(trace_id)}")
            with self._changed:
                self._changed.wait(min(left_s, 0.2))
        return found

    def tree(self, trace_id: str | None) -> str:
        """The trace, readable."""
        return "\n".join(f"{each.service}: {each.name}" for each in self.spans(trace_id=trace_id))


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for resource in request.resource_spans:
        service = str(_plain(resource.resource.attributes).get("service.name"))
        for scope in resource.scope_spans:
            for each in scope.spans:
                yield Span(
                    each.trace_id.hex(),
                    each.span_id.hex(),
                    each.parent_span_id.hex() or None,
                    each.name,
                    ("unspecified", "internal", "server", "client", "producer", "consumer")[each.kind],
                    service,
                    each.start_time_unix_nano,
                    each.end_time_unix_nano,
                    ("unset", "ok", "error")[each.status.code],
                    _plain(each.attributes),
                )


def _plain(attributes: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value") for pair in attributes}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    receiver: Receiver


class _Taker(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.receiver.take(self.path, gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        """Nothing."""


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """A running collector.   port: 0 takes a free one."""
    with _Server((LOOPBACK, port), _Taker) as server:
        server.receiver = Receiver(f"http://{LOOPBACK}:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server.receiver
        server.shutdown()
        thread.join()
