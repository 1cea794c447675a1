"""The mock as a server: route, authenticate, match, play.

An RSGI application on granian and uvloop. Each exchange becomes a `Plan` first (pure), which is then played; the
exchange's journal entry follows it from the request line to the last frame.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from granian.http import HTTP1Settings
from granian.server.embed import Server

from contracts.cortex import EVENT_STREAM, REQUEST_ID_HEADER, TOKEN_TYPE_HEADER, ThreadRequest
from mocks import admin, runs
from mocks.faults import Plan
from mocks.journal import Entry
from mocks.replay import play
from mocks.request import Refusal, Request, decompress, json_plan, parse_query
from mocks.snowflake import auth
from mocks.state import Mock, Options

HEADER_TIMEOUT_MS = 10_000
BODY_TIMEOUT_S = 30.0

Handler = Callable[[Mock, Request, re.Match[str]], Awaitable[Plan]]


class PortInUseError(Exception):
    """Another process listens where the mock should."""


class _Dropped(Exception):
    """Raised through granian to drop the connection: it then closes without ending the body."""


class _Transport(Protocol):
    async def send_bytes(self, data: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Route:
    """One path pattern; `public` routes need no credential."""

    methods: frozenset[str]
    path: re.Pattern[str]
    handler: Handler
    public: bool = False


def _route(methods: str, path: str, handler: Handler, *, public: bool = False) -> Route:
    return Route(frozenset(methods.split()), re.compile(path), handler, public)


async def _create_thread(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`POST /api/v2/cortex/threads`: answers the metadata object, as servers do (the docs print a bare string)."""
    try:
        origin = request.parse(ThreadRequest).origin_application or ""
        return json_plan(mock.threads(request).create(request.user, origin).model_dump())
    except ValueError as error:
        raise Refusal(400, "390142", str(error)) from error


async def _list_threads(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`GET /api/v2/cortex/threads`: this user's, newest first."""
    found = mock.threads(request).list(request.user, request.query.get("origin_application"))
    return json_plan([thread.model_dump() for thread in found])


async def _threads(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    return await (_create_thread if request.method == "POST" else _list_threads)(mock, request, path)


async def _index(_mock: Mock, _request: Request, _path: re.Match[str]) -> Plan:
    """`GET /`: where to look."""
    return json_plan({"cortex-harness": "mock", "admin": [route.path.pattern for route in ROUTES if route.public]})


ROUTES: tuple[Route, ...] = (
    _route("POST", runs.STORED_RUN, runs.stored_run),
    _route("POST", r"/api/v2/cortex/agent:run", runs.inline_run),
    _route("POST GET", r"/api/v2/cortex/threads", _threads),
    _route("GET", r"/__mock/health", admin.health, public=True),
    _route("GET", r"/__mock/cassettes", admin.cassettes, public=True),
    _route("GET", r"/__mock/questions", admin.questions, public=True),
    _route("GET", r"/__mock/scenarios", admin.scenarios, public=True),
    _route("GET PUT DELETE", r"/__mock/scenarios/active", admin.active, public=True),
    _route("GET", r"/__mock/journal", admin.journal, public=True),
    _route("GET", r"/__mock/journal/unmatched", admin.unmatched, public=True),
    _route("POST", r"/__mock/reset", admin.reset, public=True),
    _route("GET", r"/", _index, public=True),
)


class App:
    """The RSGI application around one `Mock`."""

    def __init__(self, mock: Mock) -> None:
        self.mock = mock

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Answer one exchange, and give up as soon as its client is gone."""
        entry = self.mock.journal.open(scope.method, scope.path, keep=not scope.path.startswith("/__mock/"))
        answering = asyncio.ensure_future(self._answer(scope, protocol, entry))
        leaving = asyncio.ensure_future(protocol.client_disconnect())
        await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            entry.end("client_gone")
            answering.cancel()
        leaving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await answering

    async def _answer(self, scope: Any, protocol: Any, entry: Entry) -> None:
        plan, pace = await self._plan(scope, protocol, entry)
        entry.status = plan.status
        await _wait(plan.headers_delay_ms, entry, pace)
        try:
            await _send(plan, protocol, entry, pace)
        except _Dropped:
            entry.end("cut")
            raise
        except RuntimeError:  # granian's RSGIProtocolClosed is one, and is not exported
            entry.end("client_gone")
        else:
            entry.end("answered")

    async def _plan(self, scope: Any, protocol: Any, entry: Entry) -> tuple[Plan, float]:
        """The plan of the answer, refusals included; never raises."""
        try:
            headers = {name.lower(): value for name, value in scope.headers.items()}
            body = await asyncio.wait_for(self._body(headers, protocol), BODY_TIMEOUT_S)
            request = Request(scope.method, scope.path, parse_query(scope.query_string), headers, body, entry)
            entry.test_id, entry.traceparent = request.control("test_id"), headers.get("traceparent")
            return await self._dispatch(request), request.pace(self.mock.options.pace)
        except Refusal as refusal:
            entry.end("missed" if entry.nearest else "refused", refusal.message)
            return _refusal_plan(refusal), 0.0
        except TimeoutError:
            entry.end("refused", "the body did not arrive in time")
            return _refusal_plan(Refusal(408, "000000", "The request body did not arrive in time.")), 0.0
        except Exception as error:  # the last resort: a defect of ours answers as a defect of Snowflake's would
            entry.end("failed", repr(error))
            print(f"mock: {scope.method} {scope.path} failed: {error!r}", file=sys.stderr)  # noqa: T201
            return _refusal_plan(Refusal(500, "399505", "Internal server error")), 0.0

    async def _body(self, headers: Mapping[str, str], protocol: Any) -> bytes:
        limit = self.mock.options.max_body_bytes
        too_large = Refusal(413, "390142", f"The request body is larger than {limit} bytes.")
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > limit:
            raise too_large
        parts, size = [], 0
        async for part in protocol:
            size += len(part)
            if size > limit:
                raise too_large
            parts.append(bytes(part))
        body = b"".join(parts)
        return decompress(body, limit) if headers.get("content-encoding") == "gzip" else body

    async def _dispatch(self, request: Request) -> Plan:
        fitting = [(route, match) for route in ROUTES if (match := route.path.fullmatch(request.path))]
        if not fitting:
            raise Refusal(404, "002003", f"No such path: {request.path}")
        for route, match in fitting:
            if request.method in route.methods:
                return await route.handler(self.mock, request if route.public else self._login(request), match)
        allowed = ", ".join(sorted(fitting[0][0].methods))
        return Plan(405, {"Allow": allowed, "Content-Length": "0"}, ())

    def _login(self, request: Request) -> Request:
        try:
            user = auth.verify(
                request.headers.get("authorization"), request.headers.get(TOKEN_TYPE_HEADER.lower()), self.mock.account
            )
        except auth.AuthError as error:
            request.entry.end("refused", error.reason)
            raise Refusal(error.status, error.code, error.message) from error
        role = request.headers.get("x-snowflake-role", "").strip('"')
        if role and user.roles and role.upper() not in user.roles:
            message = f"Role '{role}' specified in the request is not granted to this user."
            raise Refusal(403, "390189", message, {"granted_roles": sorted(user.roles)})
        request.entry.user = user.name
        return Request(
            request.method, request.path, request.query, request.headers, request.body, request.entry, user.name
        )


def _refusal_plan(refusal: Refusal) -> Plan:
    request_id = str(uuid.uuid4())
    body: dict[str, Any] = {"message": refusal.message, "code": refusal.code, "error_code": refusal.code}
    body["request_id"] = request_id
    if refusal.mock is not None:
        body["mock"] = dict(refusal.mock)
    plan = json_plan(body, refusal.status)
    plan.headers[REQUEST_ID_HEADER] = request_id
    return plan


async def _wait(delay_ms: float, entry: Entry, pace: float) -> None:
    remaining_s = entry.started_mono_s + delay_ms * pace / 1000 - time.monotonic()
    if remaining_s > 0:
        await asyncio.sleep(remaining_s)


async def _send(plan: Plan, protocol: Any, entry: Entry, pace: float) -> None:
    headers = [(name.lower(), value) for name, value in plan.headers.items()]
    if REQUEST_ID_HEADER.lower() not in dict(headers):
        headers.append((REQUEST_ID_HEADER.lower(), str(uuid.uuid4())))
    if plan.headers.get("Content-Type") == EVENT_STREAM or plan.ends == "cut":
        transport: _Transport = protocol.response_stream(plan.status, headers)
        await play(plan.frames, transport.send_bytes, entry, started_s=entry.started_mono_s, pace=pace)
        if plan.ends == "cut":
            raise _Dropped
        return
    if plan.frames:
        await _wait(plan.frames[-1].at_ms, entry, pace)
    entry.frames_sent = len(plan.frames)
    protocol.response_bytes(plan.status, headers, b"".join(frame.data for frame in plan.frames))


def reserve_port(host: str, port: int) -> socket.socket:
    """A bound, silent socket that keeps `port` (0: a free one) for granian, which binds it again with SO_REUSEPORT.

    Raises: PortInUseError when anything listens there. Without the first, plain bind two mocks would share a port
    and split its requests between them.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortInUseError(f"{host}:{port} cannot be used: {error.strerror}") from error
    keeper = socket.socket(family)
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    keeper.bind((host, port))
    return keeper


async def serve(options: Options, on_ready: Callable[[str], None], stop: asyncio.Event | None = None) -> None:
    """Run the mock until cancelled or `stop` is set; `on_ready` gets the base URL once requests are answered.

    Raises: PortInUseError, and everything that loading can raise.
    """
    mock = Mock(options)
    with reserve_port(options.host, options.port) as keeper:
        port = keeper.getsockname()[1]
        server = Server(
            App(mock),
            address=options.host,
            port=port,
            websockets=False,
            log_enabled=False,
            backlog=1024,
            http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT_MS),
        )
        server.on_startup(lambda: asyncio.get_running_loop().call_soon(on_ready, f"http://{options.host}:{port}"))
        serving = asyncio.ensure_future(server.serve())
        stopping = asyncio.ensure_future((stop or asyncio.Event()).wait())
        try:
            await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            server.stop()  # type: ignore[no-untyped-call]
            await serving


def run(options: Options, on_ready: Callable[[str], None]) -> None:
    """`serve` in an event loop of its own, until SIGINT or SIGTERM."""
    import signal  # noqa: PLC0415 - only a process of its own handles signals

    async def until_signal() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await serve(options, on_ready, stop)

    if sys.platform == "win32":
        asyncio.run(until_signal())
    else:
        import uvloop  # noqa: PLC0415 - absent on Windows

        uvloop.run(until_signal())


def print_ready(url: str) -> None:
    """One JSON line on stdout, for whoever started the mock with port 0."""
    print(json.dumps({"ready": "mock", "url": url, "port": int(url.rpartition(":")[2])}), flush=True)  # noqa: T201
