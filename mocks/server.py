"""The mock as a server: route, authenticate, match, play.

An RSGI application on granian and uvloop. Each exchange becomes a `Plan` first (pure), which is then played; the
exchange's journal entry follows it from the request line to the last frame.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import random
import re
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from granian.constants import HTTPModes
from granian.http import HTTP1Settings
from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]  # re-exported without saying so
from granian.server.embed import Server

from contracts.cortex import REQUEST_ID_HEADER, Code
from mocks import admin, connection, faulting, live, page, runs
from mocks.cassette import Frame
from mocks.faults import Plan
from mocks.journal import Entry
from mocks.replay import Send, at_once, play, play_stepwise, sleep_until
from mocks.request import Refusal, Request, decompress, is_steered, json_plan, parse_headers, parse_query
from mocks.route import Route, Surface, route
from mocks.shaping import answered
from mocks.snowflake import agents, analyst, auth, connector, inference, search, statements, threads
from mocks.state import Mock, Options

HEADER_TIMEOUT_MS = 10_000
BODY_TIMEOUT_S = 30.0
PROMPT_BYTES = 4096
"""What is compressed to more is inflated beside the event loop."""

PROMPT_S = 0.02
"""Nobody looks after a client for so long: to do so costs more than many an answer."""

STOP_TIMEOUT_S = 2.0
MIDDLE_COLLECTIONS_EVERY, FULL_COLLECTIONS_EVERY = 1, 500
"""After so many collections of its youngest generation the garbage collector looks at the middle one, too, and after so
many of that at everything; ten and ten is its habit."""

DESCRIPTORS = 4096
"""So many connections are open before the kernel has to move the table of them, which holds every stream up."""

NO_CODE = "000000"
_REQUEST_ID = REQUEST_ID_HEADER.lower()
_CHUNKED = ("transfer-encoding", "chunked")
_UUID_FIXED = 4 << 76 | 2 << 62
_UUID_RANDOM = (1 << 128) - 1 ^ (0xF << 76 | 3 << 62)


class PortInUseError(Exception):
    """Another process listens where the mock should."""


class _ClientGone(Exception):
    """The client left before its request was whole."""


class _Transport(Protocol):
    async def send_bytes(self, data: bytes) -> None: ...


async def _index(_mock: Mock, _request: Request, _path: re.Match[str]) -> Plan:
    """`GET /__mock`: where to look."""
    return json_plan({"cortex-harness": "mock", "admin": [route.path.pattern for route in ROUTES if route.public]})


ROUTES: tuple[Route, ...] = (
    *runs.ROUTES,
    *threads.ROUTES,
    *statements.ROUTES,
    *search.ROUTES,
    *analyst.ROUTES,
    *agents.ROUTES,
    *inference.ROUTES,
    *connector.ROUTES,
    *admin.ROUTES,
    *live.ROUTES,
    *faulting.ROUTES,
    *page.ROUTES,
    route("GET", r"/__mock", _index, Surface.ADMIN, public=True),
)
"""The busiest first."""


class App:
    """The RSGI application around one `Mock`."""

    def __init__(self, mock: Mock) -> None:
        self.mock = mock
        self._answering: dict[asyncio.Task[None], Entry] = {}
        self._lookout = _Lookout()

    def break_off(self) -> None:
        """End every running exchange, so that none keeps the server from stopping."""
        for answering, entry in self._answering.items():
            entry.close("cut", "the mock was stopped")
            answering.cancel()

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Answer one exchange, and give up when its client is gone."""
        path: str = scope.path
        entry = self.mock.journal.open(scope.method, path, keep=not _is_admin(path))
        answering: asyncio.Task[None] | None = asyncio.current_task()
        assert answering is not None, "granian runs every exchange as a task"
        self._answering[answering] = entry
        watch = _Watch(protocol, entry, answering)
        self._lookout.expect(watch)
        try:
            await self._answer(scope, protocol, entry, watch)
        except asyncio.CancelledError:
            pass  # the client has left, or the mock is being stopped
        finally:
            watch.end()
            del self._answering[answering]
            entry.close("failed", "the exchange broke off")  # unless it has ended, as it should have

    async def _answer(self, scope: Any, protocol: Any, entry: Entry, watch: _Watch) -> None:
        try:
            plan, pace = await self._plan(scope, protocol, entry, watch)
            entry.answers(plan.status if plan.has_head else 0, plan.frames, pace)
            if isinstance(plan, live.LivePlan):
                return await plan.listen(protocol)
            await sleep_until(entry.started_mono_s + plan.headers_delay_ms / 1000)
            if plan.ends != "clean":
                await _break_off(plan, scope, entry, pace)
            else:
                await _send(plan, protocol, entry, pace)
        except (_ClientGone, ProtocolClosed, ConnectionError):
            entry.close("client_gone")
        else:
            entry.close("answered" if plan.ends == "clean" else "cut")

    async def _plan(self, scope: Any, protocol: Any, entry: Entry, watch: _Watch) -> tuple[Plan, float]:
        """The plan of the answer, refusals included, and its pace.   Raises: _ClientGone."""
        try:
            headers, query_string = parse_headers(scope.headers.items()), scope.query_string
            entry.came_with(headers, query_string)
            try:
                body = await self._body(headers, protocol)
            except asyncio.CancelledError as error:
                raise watch.meaning(error) from None
            watch.is_reading = False
            entry.carried(body)
            query, client = parse_query(query_string), _address(scope.client)
            steered = is_steered(query_string, headers)
            request = Request(scope.method, scope.path, query, headers, body, entry, client=client, is_steered=steered)
            entry.asked_by(request.test_id, headers.get("traceparent"))
            pace = request.pace(self.mock.options.pace)
            return await self._dispatch(request), pace
        except Refusal as refusal:
            entry.end("missed" if entry.nearest else "refused", refusal.message)
            return _refusal_plan(refusal), 0.0
        except TimeoutError:
            entry.end("refused", "the body did not arrive in time")
            return _refusal_plan(Refusal(408, NO_CODE, "The request body did not arrive in time.")), 0.0
        except (_ClientGone, ProtocolClosed):
            raise
        except Exception as error:  # the last resort: a defect of ours answers as a defect of Snowflake's would
            entry.end("failed", repr(error))
            print(f"mock: {scope.method} {scope.path!r} failed: {error!r}", file=sys.stderr)  # noqa: T201
            return _refusal_plan(Refusal(500, Code.INTERNAL_ERROR, "Internal server error")), 0.0

    async def _body(self, headers: Mapping[str, str], protocol: Any) -> bytes:
        limit, announced = self.mock.options.max_body_bytes, headers.get("content-length")
        if announced is None:
            body = await _unannounced(protocol, limit)
        else:
            announced_bytes = int(announced)  # a number, or granian had refused it
            if announced_bytes > limit:
                raise _too_large(limit)
            body = bytes(await protocol())
            if len(body) < announced_bytes:
                raise _ClientGone
        encoding = headers.get("content-encoding", "").strip().lower()
        if encoding and len(body) > PROMPT_BYTES:
            return await asyncio.to_thread(decompress, body, encoding, limit)
        return decompress(body, encoding, limit)

    async def _dispatch(self, request: Request) -> Plan:
        allowed: set[str] = set()
        for each in ROUTES:
            if (match := each.path.fullmatch(request.path)) is None:
                continue
            if request.method in each.methods:
                request.entry.surface = each.surface
                known = request if each.public else self._login(request)
                return await answered(self.mock, known, each, match)
            allowed |= each.methods
        if not allowed:
            request.entry.end("missed", "no such path")
            raise Refusal(404, Code.NOT_FOUND, f"No such path: {request.path}")
        listed = ", ".join(sorted(allowed))
        request.entry.end("refused", f"method {request.method} is not among {listed}")
        return Plan(405, {"allow": listed}, ())

    def _login(self, request: Request) -> Request:
        try:
            known = self.mock.gate.admit(request)
        except auth.AuthError as error:
            request.entry.end("refused", error.reason)
            raise Refusal(error.status, error.code, error.message, error.mock) from error
        request.entry.user = known.user
        return known


class _Watch:
    """Looks after the client of one exchange: whether it leaves, and whether its body arrives in time."""

    __slots__ = ("_answering", "_entry", "_is_late", "_leaving", "_protocol", "_timer", "is_reading")

    def __init__(self, protocol: Any, entry: Entry, answering: asyncio.Task[None]) -> None:
        self._protocol, self._entry, self._answering = protocol, entry, answering
        self._leaving: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.is_reading, self._is_late = True, False

    def end(self) -> None:
        """Nobody is watched any more."""
        self._protocol = None
        if self._timer is not None:
            self._timer.cancel()
        if self._leaving is not None:
            self._leaving.cancel()

    def meaning(self, cancelled: asyncio.CancelledError) -> BaseException:
        """What a cancellation while the body was read stands for."""
        if not self._is_late:
            return cancelled
        self._answering.uncancel()
        return TimeoutError()

    def look(self) -> None:
        """From now on, a client that leaves cancels the task; unless nobody is watched any more."""
        if self._protocol is None:
            return
        self._leaving = asyncio.ensure_future(self._protocol.client_disconnect())
        self._leaving.add_done_callback(self._give_up)
        if self.is_reading:
            self._timer = asyncio.get_running_loop().call_later(BODY_TIMEOUT_S - PROMPT_S, self._be_late)

    def _give_up(self, left: asyncio.Future[None]) -> None:
        if not left.cancelled() and not self._answering.done():
            self._entry.close("client_gone")
            self._answering.cancel()

    def _be_late(self) -> None:
        if self.is_reading:
            self._is_late = True
            self._answering.cancel()


class _Lookout:
    """Has each exchange watched after a moment, `PROMPT_S` to twice that: most are through by then.

    One timer for all, which runs while anybody waits: one for each would cost all of them what few have need of.
    """

    def __init__(self) -> None:
        self._new: list[_Watch] = []
        self._due: list[_Watch] = []
        self._is_waiting = False

    def expect(self, watch: _Watch) -> None:
        """This one looks in a moment."""
        self._new.append(watch)
        if not self._is_waiting:
            self._wait()

    def _wait(self) -> None:
        self._is_waiting = True
        asyncio.get_running_loop().call_later(PROMPT_S, self._look)

    def _look(self) -> None:
        due, self._due, self._new, self._is_waiting = self._due, self._new, [], False
        if self._due:
            self._wait()
        for watch in due:
            watch.look()


async def _unannounced(protocol: Any, limit: int) -> bytes:
    """The body of a request that does not say how long it is.   Raises: Refusal past the limit."""
    parts, size = [], 0
    async for part in protocol:
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(bytes(part))
    return b"".join(parts)


def _too_large(limit: int) -> Refusal:
    return Refusal(413, Code.INVALID_PAYLOAD, f"The request body is larger than {limit} bytes.")


def _address(client: str) -> str:
    """The address in `127.0.0.1:80` or `[::1]:80`."""
    return client.rpartition(":")[0].strip("[]")


def _is_admin(path: str) -> bool:
    """Whether a path is the mock's own; those exchanges stay out of the journal."""
    return path in {"/", "/__mock"} or path.startswith("/__mock/")


def _refusal_plan(refusal: Refusal) -> Plan:
    request_id = _new_id()
    body: dict[str, Any] = {"message": refusal.message, "code": refusal.code, "error_code": refusal.code}
    body["request_id"] = request_id
    if refusal.mock is not None:
        body["mock"] = dict(refusal.mock)
    return json_plan(body, refusal.status).labelled(_REQUEST_ID, request_id)


def _headers(plan: Plan) -> dict[str, str]:
    return {_REQUEST_ID: _new_id(), **plan.sent_headers}


def _new_id() -> str:
    """A random UUID that is no secret, so no thread waits for the kernel's best.   Source: RFC 9562, 5.4."""
    digits = f"{random.getrandbits(128) & _UUID_RANDOM | _UUID_FIXED:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


async def _send(plan: Plan, protocol: Any, entry: Entry, pace: float) -> None:
    headers = list(_headers(plan).items())
    if plan.is_event_stream:
        if not pace and plan.step is None and plan.live is None and (whole := at_once(plan.frames)):
            # The same bytes as one write to a stream, without a task's waiting until it is done.
            protocol.response_bytes(plan.status, [*headers, _CHUNKED], whole)
            entry.sent(len(plan.frames), time.monotonic())
            return
        transport: _Transport = protocol.response_stream(plan.status, headers)
        await _play(plan, transport.send_bytes, entry, pace)
        return
    frames: Sequence[Frame] = plan.frames
    if frames:
        due_s = entry.started_mono_s + frames[-1].due_ms(pace) / 1000
        if plan.live is not None:
            frames = await plan.live.change(due_s, frames, 0) or frames
        await sleep_until(entry.started_mono_s + frames[-1].due_ms(pace) / 1000)
    protocol.response_bytes(plan.status, headers, b"".join(frame.data for frame in frames))
    entry.sent(len(frames), time.monotonic())


async def _break_off(plan: Plan, scope: Any, entry: Entry, pace: float) -> None:
    """Send head and frames, as far as there are any, then end the connection instead of the body."""
    loop = asyncio.get_running_loop()
    with connection.borrowed(scope.client, scope.server, reset=plan.ends == "reset") as line:
        if plan.has_head:
            await loop.sock_sendall(line, connection.head(plan.status, _headers(plan)))
        await _play(plan, lambda data: loop.sock_sendall(line, connection.chunk(data)), entry, pace)


async def _play(plan: Plan, send: Send, entry: Entry, pace: float) -> None:
    if plan.step is None:
        await play(plan.frames, send, entry, pace=pace, live=plan.live)
    elif not await play_stepwise(plan.frames, send, entry, plan.step, plan.live):
        entry.end("cut", f"no step came in {plan.step_wait_s:g} s")


def resolve(host: str) -> str:
    """The first address of a host; granian binds no names.   Raises: ValueError for a host without one."""
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError) as error:
        raise ValueError(f"host {host!r} has no address: {getattr(error, 'strerror', error)}") from error


def reserve_port(host: str, port: int) -> socket.socket:
    """A bound, silent socket that keeps `port` (0: a free one) for granian, which binds it again with SO_REUSEPORT.

    Raises: PortInUseError when anything listens there, ValueError when there is no such port. Without the first,
    plain bind two mocks would share a port and split its requests between them.
    """
    if not 0 <= port <= 65535:
        raise ValueError(f"port {port} is not a number from 0 to 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe, contextlib.ExitStack() as on_failure:
        keeper = on_failure.enter_context(socket.socket(family))
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            probe.bind((host, port))
            probe.close()
            keeper.bind((host, port))
        except OSError as error:
            raise PortInUseError(f"{host}:{port} cannot be used: {error.strerror}") from error
        on_failure.pop_all()
    return keeper


async def serve(
    options: Options, on_ready: Callable[[str], None], stop: asyncio.Event | None = None, *, mock: Mock | None = None
) -> None:
    """Run the mock until cancelled or `stop` is set; `on_ready` gets the base URL once requests are answered.

    mock: one of these options that is loaded already.

    Raises: PortInUseError, ValueError for a host without an address, and everything that loading can raise.
    """
    mock = mock or Mock(options)
    address = resolve(options.host)
    with _telemetry(mock), reserve_port(address, options.port) as keeper:
        port = keeper.getsockname()[1]
        url = f"http://[{options.host}]:{port}" if ":" in options.host else f"http://{options.host}:{port}"
        app = App(mock)
        server = Server(
            app,
            address=address,
            port=port,
            http=HTTPModes.http1,
            websockets=False,
            log_enabled=False,
            backlog=1024,
            http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT_MS),
        )
        serving = asyncio.ensure_future(server.serve())
        stopping = asyncio.ensure_future((stop or asyncio.Event()).wait())
        listening = asyncio.ensure_future(_listening(address, port))
        try:
            await asyncio.wait((serving, stopping, listening), return_when=asyncio.FIRST_COMPLETED)
            if listening.done():
                on_ready(url)
            await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            listening.cancel()
            app.break_off()
            server.stop()  # type: ignore[no-untyped-call]
            with contextlib.suppress(TimeoutError):  # a client that is still writing its headers is not waited for
                await asyncio.wait_for(serving, STOP_TIMEOUT_S)


def _telemetry(mock: Mock) -> contextlib.AbstractContextManager[object]:
    """What follows the journal, when somebody wants to know."""
    options = mock.options
    if options.metrics_port is None and options.otlp_endpoint is None:
        return contextlib.nullcontext()
    from mocks import telemetry  # noqa: PLC0415 - takes a while, and most mocks tell nobody

    metrics = None if options.metrics_port is None else (options.metrics_host, options.metrics_port)
    return telemetry.running(
        mock.scenarios, mock.journal.on_change, metrics=metrics, otlp_endpoint=options.otlp_endpoint
    )


async def _listening(address: str, port: int) -> None:
    """Return once connections are accepted; granian's start-up hooks run before that."""
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(address, port)
            return writer.close()
        await asyncio.sleep(0.002)


def run(options: Options, on_ready: Callable[[str], None]) -> None:
    """`serve` in an event loop of its own, until SIGINT or SIGTERM."""
    import signal  # noqa: PLC0415 - only a process of its own handles signals

    def ready(url: str) -> None:
        # Each run of the collector holds every stream up: when there are a thousand, a full one by 35 ms, one of ten
        # young generations by 4. So it passes over what is loaded by now, which stays, takes little at a time and
        # seldom everything: the young generations catch what an exchange leaves.
        gc.collect()
        gc.freeze()
        gc.set_threshold(gc.get_threshold()[0], MIDDLE_COLLECTIONS_EVERY, FULL_COLLECTIONS_EVERY)
        on_ready(url)

    async def until_signal() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await serve(options, ready, stop)

    _reserve_descriptors()
    if sys.platform == "win32":
        asyncio.run(until_signal())
    else:
        import uvloop  # noqa: PLC0415 - absent on Windows

        uvloop.run(until_signal())


def _reserve_descriptors() -> None:
    """Room for `DESCRIPTORS` connections, as far as the limit goes; on Linux, where the lack of it is felt.

    A full table is doubled, and while a process has threads that waits for all processors to take notice: whoever
    connects as the 256th, 512th or 1,024th, and everybody behind, lost 8 ms.   Source: Linux, `fs/file.c`.
    """
    if sys.platform == "linux":
        import fcntl  # noqa: PLC0415 - absent on Windows, as is the next
        import resource  # noqa: PLC0415

        last = min(DESCRIPTORS, resource.getrlimit(resource.RLIMIT_NOFILE)[0]) - 1
        with Path(os.devnull).open("rb") as anything:
            os.close(fcntl.fcntl(anything, fcntl.F_DUPFD, last))


def print_ready(url: str) -> None:
    """One JSON line on stdout, for whoever started the mock with port 0."""
    print(json.dumps({"ready": "mock", "url": url, "port": int(url.rpartition(":")[2])}), flush=True)  # noqa: T201
