"""gunicorn's threaded worker: a bound on what one client can hold, problems for its own refusals, an orderly end.

gunicorn waits for the rest of a request as long as it takes, in one of its threads: as many stalled clients as there
are threads, and nobody else is answered.

Told to stop, it would accept nothing more, leave new clients hanging in the backlog, and cut streams when its patience
ends. This worker goes on accepting while it drains (`lifecycle` says what is still served), and leaves when nothing
runs any more. Signals:

    SIGTERM          drains; again from the supervisor of a whole process group, it changes nothing
    SIGINT, SIGQUIT  ends the streams at once; what the master sends when it is told a second time to stop
    SIGHUP           nothing
"""

from __future__ import annotations

import os
import signal
import socket
import sys
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
from proxy.lifecycle import Lifecycle
from proxy.parts import EXTENSION
from proxy.problems import ProblemError
from proxy.telemetry import new_id

LINGER_S = 1
"""How long a stopped worker keeps idle connections, on which a client may just be sending a request."""

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
    """Threads that no client holds for longer than `request_timeout_s` before it is served.

    index: 0 to `processes` - 1, unique among the living workers; a successor inherits it.
    """

    index = 0
    alive: bool

    # --- the end, in the main thread

    def load_wsgi(self) -> None:
        """The application is made, in this process."""
        super().load_wsgi()
        self._lifecycle: Lifecycle = self.wsgi.extensions[EXTENSION].lifecycle

    def init_signals(self) -> None:
        """gunicorn's signals; a terminal that closes cuts no stream."""
        super().init_signals()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    # Signals may arrive anywhere, under any lock: what they mean is done by the loop. The queue bears re-entrance.

    def handle_exit(self, _number: int, _frame: object) -> None:
        """SIGTERM."""
        self.method_queue.defer(self._begin)

    def handle_quit(self, _number: int, _frame: object) -> None:
        """SIGINT and SIGQUIT."""
        self.method_queue.defer(self._hurry)

    def is_parent_alive(self) -> bool:
        """Always, but without its parent nobody would ever stop this process: it stops."""
        if not super().is_parent_alive():
            self._hurry()
        return True

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """One turn of the loop, which every request that ends wakes; the lifecycle advances after each."""
        if self.alive:
            due_s = self._lifecycle.advance()
            if due_s is None:
                self.alive = False
                return
            timeout = min(timeout, due_s)
        super().wait_for_and_dispatch_events(timeout)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Accept or not; who comes after the end is refused, since nobody would ever answer."""
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                listener.close()

    def run(self) -> None:
        """Serve until the end of the lifecycle, then write down what is held."""
        super().run()
        self._lifecycle.flush()
        if self.nr_conns > 0:
            _leave()

    def _begin(self) -> None:
        self._lifecycle.begin()
        self._part_with_clients(LINGER_S)

    def _hurry(self) -> None:
        self._lifecycle.hurry()
        self._part_with_clients(0)

    def _part_with_clients(self, linger_s: int) -> None:
        self.cfg.set("keepalive", 0)  # each answer from now on says that the connection closes
        self.cfg.set("graceful_timeout", linger_s)

    # --- requests, in threads

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer one request; until then the process stays."""
        with self._lifecycle.request():
            return super().handle_request(req, conn)

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
        problem, request_id = refusal(exc), new_id()
        if problem.kind is ProblemType.INTERNAL:
            log.error("unhandled error", exc_info=exc, requestId=request_id)
        else:
            log.warning("request refused", problem=problem.kind, requestId=request_id)
        with suppress(OSError):  # it may have left by now
            client.sendall(answer(problem, request_id))


def _leave() -> None:
    """End the process under threads that do not end: the interpreter would wait for them."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


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


def answer(problem: ProblemError, request_id: str) -> bytes:
    """A whole HTTP response for a problem, after which the connection closes."""
    told = problem.problem(instance=request_id)
    body = told.model_dump_json(exclude_none=True).encode()
    head = [
        f"HTTP/1.1 {told.status} {told.title}",
        "Connection: close",
        f"Content-Type: {PROBLEM_JSON}",
        f"Content-Length: {len(body)}",
        "X-Content-Type-Options: nosniff",
        f"X-Request-Id: {request_id}",
    ]
    return "\r\n".join([*head, "", ""]).encode() + body


def _part(sock: socket.socket) -> None:
    """Let the client read its answer and leave, here: gunicorn would wait for it in the one thread that accepts."""
    with suppress(OSError):
        close_graceful(sock.dup())
        sock.shutdown(socket.SHUT_RDWR)
