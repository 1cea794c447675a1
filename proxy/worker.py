"""gunicorn's threaded worker, with a bound on what one client can hold, and problems for its own refusals.

gunicorn waits for the rest of a request as long as it takes, in one of its threads: as many stalled clients as there
are threads, and nobody else is answered.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import Any

import structlog
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import SocketUnreader
from gunicorn.util import close_graceful
from gunicorn.workers.gthread import ThreadWorker

from contracts.api import PROBLEM_JSON, ProblemType
from proxy.problems import ProblemError

log = structlog.get_logger(__name__)


class TimelyUnreader(SocketUnreader):  # type: ignore[misc]  # gunicorn ships no types
    """Reads a socket until a request is late: `timeout_s` after its first read, however its bytes drip in.

    Between reads the socket's timeout is `timeout_s`, so that a client that does not read its answer is left, too.
    """

    def __init__(self, sock: socket.socket, timeout_s: float) -> None:
        super().__init__(sock)
        self._timeout_s = timeout_s
        self.expect()

    def expect(self) -> None:
        """The next read is a new request's first."""
        self._deadline_s: float | None = None

    def chunk(self, size_hint: int | None = None) -> bytes:
        """What has arrived, empty at the end.   Raises: ProblemError when the request is late."""
        now_s = time.monotonic()
        if self._deadline_s is None:
            self._deadline_s = now_s + self._timeout_s
        try:
            self.sock.settimeout(max(self._deadline_s - now_s, 0.001))
            if now_s > self._deadline_s:
                raise TimeoutError
            received: bytes = super().chunk(size_hint)
        except TimeoutError as error:
            detail = f"A request may take {self._timeout_s:g} s to arrive."
            raise ProblemError(ProblemType.REQUEST_TIMEOUT, detail) from error
        finally:
            self.sock.settimeout(self._timeout_s)
        return received


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Threads that no client holds for longer than `request_timeout_s` before it is served."""

    def handle(self, conn: Any) -> Any:
        """Serve one request; false when the connection is to be closed."""
        if conn.parser is None:
            conn.parser = RequestParser(self.cfg, conn.sock, conn.client)
            conn.parser.unreader = TimelyUnreader(conn.sock, self.app.settings.request_timeout_s)
        conn.parser.unreader.expect()
        is_kept = super().handle(conn)
        if not is_kept:
            _part(conn.sock)
        return is_kept

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:  # noqa: ARG002
        """Answer what never reached the application."""
        if isinstance(exc, ProblemError) and req is not None:
            return  # the rest of a body that the application has answered without
        problem = refusal(exc)
        if problem.kind is ProblemType.INTERNAL:
            log.error("unhandled error", exc_info=exc)
        else:
            log.warning("request refused", problem=problem.kind)
        with suppress(OSError):  # it may have left by now
            client.sendall(answer(problem))


def refusal(error: Exception) -> ProblemError:
    """What the server found wrong with a request, as a problem; the request itself is not repeated."""
    match error:
        case ProblemError():
            return error
        case LimitRequestLine():
            return ProblemError(ProblemType.ADDRESS_TOO_LONG, "Shorten the request's address.")
        case LimitRequestHeaders():
            return ProblemError(ProblemType.HEADERS_TOO_LARGE, "Send fewer or shorter headers.")
        case ParseException():
            return ProblemError(ProblemType.MALFORMED_REQUEST, f"The server found: {type(error).__name__}.")
        case _:
            return ProblemError(ProblemType.INTERNAL, "An unexpected error was logged.")


def answer(problem: ProblemError) -> bytes:
    """A whole HTTP response for a problem, after which the connection closes."""
    told = problem.problem()
    body = told.model_dump_json(exclude_none=True).encode()
    head = [
        f"HTTP/1.1 {told.status} {told.title}",
        "Connection: close",
        f"Content-Type: {PROBLEM_JSON}",
        f"Content-Length: {len(body)}",
        "X-Content-Type-Options: nosniff",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


def _part(sock: socket.socket) -> None:
    """Let the client read its answer and leave, here: gunicorn would wait for it in the one thread that accepts."""
    with suppress(OSError):
        close_graceful(sock.dup())
        sock.shutdown(socket.SHUT_RDWR)
