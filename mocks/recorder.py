"""`cortex-harness record`: between a client and an upstream, streams pass as they come, and a cassette is made of them.

mitmproxy stands in between, embedded: only the addons that a reverse proxy needs are loaded, so nothing of it can save,
replay or run anything, and its folder is a temporary one. This is the only file that imports it. A hook of ours sees
each chunk with the time at which it came and passes it on; everything else happens in `mocks.clerk`, in a process of
its own, after an answer's end.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mitmproxy import http
from mitmproxy.addons import core, disable_h2c, next_layer, proxyserver, tlsconfig
from mitmproxy.master import Master
from mitmproxy.options import Options as ProxyOptions
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

from fixtures.anonymise import Refused
from mocks.cassette import Interaction
from mocks.clerk import Clerk, Terms
from mocks.intake import Intake, Underway
from mocks.progress import Progress
from mocks.recording import (
    MAX_BODY_BYTES,
    Asking,
    Dropped,
    Finished,
    Options,
    RecordingError,
    State,
    ensure_key,
    mode_of,
    named,
)

LOOPBACK = "127.0.0.1"
UNDERWAY = "cortex-harness underway"
TOLD_OF_CONTENT = frozenset({"content-type", "content-encoding"})
"""The request headers that a recording looks at. What opens a door is none of its business."""

REFRESH_S = 0.25
CERTIFICATES_VARIABLE = "SSL_CERT_FILE"

Say = Callable[[str], None]


class Recorder:
    """The addon: hooks of mitmproxy, called on its event loop."""

    def __init__(self, clerk: Clerk, terms: Terms, progress: Progress) -> None:
        self._clerk, self._terms, self._progress = clerk, terms, progress
        self._intake = Intake(self._hand_on, progress.dropped)
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: RecordingError | None = None

    # --- what mitmproxy calls

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Refuse what would turn the connection into something else."""
        if "upgrade" in flow.request.headers:
            flow.request.stream = False  # what has an answer already cannot be streamed
            flow.response = _problem(501, "The recorder passes on HTTP only, no upgrades such as WebSockets.")
            self._progress.dropped(Dropped(0, named(flow.request.method, flow.request.path), "an upgrade was refused"))

    async def request(self, flow: http.HTTPFlow) -> None:
        """Answer from the cassette, or note what goes upstream from now on."""
        if flow.response is not None:
            return
        asking = _asking(flow.request)
        if self._terms.answers and not flow.request.stream:
            flow.response = await self._from_cassette(asking)
        elif not self._terms.forwards:
            flow.kill()
        if flow.response is None:
            # What cannot be read before its end would leave its pace in the compressor's hands.
            flow.request.headers["accept-encoding"] = "identity"
            flow.metadata[UNDERWAY] = underway = self._intake.begin(asking)
            if flow.request.stream:
                self._intake.drop(underway, f"its request takes more than {MAX_BODY_BYTES} bytes")

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """See every chunk of what comes from upstream, and hold none."""
        underway: Underway | None = flow.metadata.get(UNDERWAY)
        if underway is not None and flow.response is not None:
            self._intake.answer(underway, flow.response.status_code, _headers(flow.response))
            flow.response.stream = partial(self._chunk, underway)

    def response(self, flow: http.HTTPFlow) -> None:
        """The answer is whole."""
        if (underway := flow.metadata.get(UNDERWAY)) is not None:
            self._intake.end(underway)

    def error(self, flow: http.HTTPFlow) -> None:
        """One side broke off, or the other could not be reached."""
        if (underway := flow.metadata.get(UNDERWAY)) is not None:
            self._intake.drop(underway, _broken(flow))

    def server_connect(self, data: ServerConnectionHookData) -> None:
        """Let no connection out when the cassette alone is to answer."""
        if not self._terms.forwards:
            data.server.error = "the cassette alone answers"

    # --- what happens aside

    @property
    def under_way(self) -> int:
        """How many exchanges have not come to their end."""
        return self._intake.under_way

    async def finish(self) -> tuple[list[Dropped], State]:
        """Drop what is under way, have the rest saved; what was dropped at the last, and what it came to.

        Raises: RecordingError.
        """
        self._intake.close()
        if self._tasks:
            self._progress.say(f"saving, with {len(self._tasks)} more exchanges to go through")
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._failure is not None:
            raise self._failure
        return await self._clerk.save()

    def _chunk(self, underway: Underway, data: bytes) -> bytes:
        if data:
            self._intake.chunk(underway, data)
        return data

    def _hand_on(self, finished: Finished) -> None:
        self._start(self._take(finished))

    def _start(self, job: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take(self, finished: Finished) -> None:
        try:
            dropped, state = await self._clerk.take(finished)
        except RecordingError as error:
            self._failure = error
            return
        finally:
            self._intake.let_go(finished)
        self._progress.state = state
        if dropped is not None:
            self._progress.dropped(dropped)
        else:
            self._progress.kept(finished)

    async def _from_cassette(self, asking: Asking) -> http.Response | None:
        """What the cassette answers; a refusal when it has nothing and nobody else may be asked, else None."""
        try:
            found = await self._clerk.answer(asking)
        except Refused as error:
            return None if self._terms.forwards else _problem(404, f"The request cannot be compared: {error}")
        if isinstance(found, Interaction):
            self._progress.answered += 1
            return _played(found)
        if self._terms.forwards:
            return None
        return _problem(404, "No interaction of the cassette answers this request.", nearest=found)


# --- to and from mitmproxy's words


def _asking(request: http.Request) -> Asking:
    told = {name: value for name, value in _headers(request).items() if name.lower() in TOLD_OF_CONTENT}
    return Asking(request.method, request.path, told, request.raw_content or b"")


def _headers(message: http.Message) -> dict[str, str]:
    """By name as it was written; the values of a repeated one joined by commas."""
    return {name: ", ".join(message.headers.get_all(name)) for name in message.headers}


def _played(interaction: Interaction) -> http.Response:
    """A stored answer, whole: who wants its pace asks the mock."""
    return http.Response.make(interaction.response.status, interaction.body(), interaction.response.headers)


def _problem(status: int, message: str, **mock: object) -> http.Response:
    body = json.dumps({"message": message, "mock": mock}, ensure_ascii=False)
    return http.Response.make(status, body, {"content-type": "application/json"})


def _broken(flow: http.HTTPFlow) -> str:
    if flow.error is not None and flow.error.msg.startswith("Client"):
        return "the client left before the answer's end"
    return "the upstream gave no answer" if flow.response is None else "the upstream broke off in mid-answer"


# --- the command


def print_ready(url: str) -> None:
    """One JSON line on stdout, for whoever started the recorder with port 0."""
    print(json.dumps({"ready": "recorder", "url": url, "port": int(url.rpartition(":")[2])}), flush=True)  # noqa: T201


def run(
    *,
    upstream: str,
    out: Path,
    key_file: Path,
    mode: str | None = None,
    host: str = LOOPBACK,
    port: int = 0,
    policy: Path | None = None,
    about: str = "recorded interactions",
    plain: bool = False,
    ready: Say = print_ready,
) -> int:
    """Record until Ctrl-C or SIGTERM; the exit code.

    mode: None for `none` where CI is set, else `once`.   plain: a line for each exchange also on a terminal.
    ready: told the URL, once it answers.   Raises: RecordingError.
    """
    origin = checked_upstream(upstream)
    options = Options(out, mode_of(mode, os.environ), key_file, policy, about)
    progress = Progress(sys.stderr, is_live=not plain and sys.stderr.isatty())
    if ensure_key(key_file):
        progress.say(f"made a key, {key_file}: keep it, and keep it secret; with another one people get other names")
    with tempfile.TemporaryDirectory(prefix="cortex-harness-") as folder:
        proxy = partial(proxy_options, origin, host, port, folder)
        return asyncio.run(_record(options, proxy, progress, ready))


def checked_upstream(url: str) -> str:
    """The origin that a URL names.   Raises: RecordingError when it names more or less than that."""
    parts = urlsplit(url)
    try:
        is_origin = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and parts.username is None
    except ValueError:
        is_origin = False
    if not is_origin or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise RecordingError("the upstream is an origin, such as https://myorg-bench.snowflakecomputing.com")
    return f"{parts.scheme}://{parts.netloc}"


def proxy_options(upstream: str, host: str, port: int, folder: str) -> ProxyOptions:
    """Of a reverse proxy that verifies its upstream, speaks HTTP/1.1 only, and keeps its files in a folder."""
    return ProxyOptions(
        mode=[f"reverse:{upstream}"],
        listen_host=host,
        listen_port=port,
        confdir=folder,
        http2=False,
        http3=False,
        websocket=False,
        rawtcp=False,
        ssl_verify_upstream_trusted_ca=os.environ.get(CERTIFICATES_VARIABLE),
    )


async def _record(options: Options, proxy: Callable[[], ProxyOptions], progress: Progress, ready: Say) -> int:
    clerk = Clerk()
    try:
        terms = await clerk.open(options)
        progress.state = terms.state
        recorder = Recorder(clerk, terms, progress)
        await serve(proxy(), recorder, progress, ready)
        dropped, progress.state = await recorder.finish()
    finally:
        clerk.close()
    for each in dropped:
        progress.dropped(each)
    progress.say(_summary(options, terms, progress))
    return 0 if progress.state.new or progress.answered or not terms.forwards else 1


def _summary(options: Options, terms: Terms, progress: Progress) -> str:
    state, lost = progress.state, len(progress.lost)
    sums = f"{progress.answered} answered from the cassette, {lost} not recorded"
    if not state.new:
        return f"{options.out}: nothing was recorded, so nothing was written; {sums}" if terms.forwards else sums
    return f"{options.out}: {state.new} new interactions, {state.replaced} values replaced; {sums}"


class _Served:
    """The addon that tells when the port is open, and ends the proxy when it cannot be opened."""

    def __init__(self, master: Master, servers: proxyserver.Proxyserver, ready: Say) -> None:
        self._master, self._servers, self._ready = master, servers, ready
        self.failure: Exception | None = None

    def running(self) -> None:
        """Called once everything is set up, or has failed to be."""
        addresses = self._servers.listen_addrs()
        if not addresses:
            self.failure = next((each.last_exception for each in self._servers.servers), None)
            self._master.shutdown()
            return
        host, port = addresses[0][:2]
        self._ready(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")


async def serve(options: ProxyOptions, recorder: Recorder, progress: Progress, ready: Say) -> None:
    """Pass exchanges on until a signal says enough.   Raises: RecordingError when the port cannot be opened."""
    master, servers = Master(options), proxyserver.Proxyserver()
    served = _Served(master, servers, ready)
    master.addons.add(core.Core(), servers, next_layer.NextLayer(), tlsconfig.TlsConfig(), disable_h2c.DisableH2C())
    master.addons.add(recorder, served)
    # What is not streamed is held back until its end: a request, because the cassette may answer it. A long one is not.
    options.update(connection_strategy="lazy", stream_large_bodies=str(MAX_BODY_BYTES))
    _stop_by_signals(master.shutdown)
    # Else the collector looks through everything that was imported, in mid-stream: measured, 80 ms.
    gc.collect()
    gc.freeze()
    async with _refreshed(progress, recorder):
        await master.run()
    if served.failure is not None:
        why = os.strerror(getattr(served.failure, "errno", None) or 0)
        raise RecordingError(
            f"{options.listen_host} port {options.listen_port} cannot be opened: {why}. "
            "Choose another with --port, or 0 for a free one."
        )
    await servers.servers.update([])


def _stop_by_signals(stop: Callable[[], None]) -> None:
    """From now on Ctrl-C and SIGTERM mean: stop, and save; also while it is saved."""
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(each, stop)
        except NotImplementedError:  # Windows
            signal.signal(each, lambda *_: stop())


@contextlib.asynccontextmanager
async def _refreshed(progress: Progress, recorder: Recorder) -> AsyncIterator[None]:
    """Until left, the line that stays current does."""

    async def refresh() -> None:
        while True:
            progress.refresh(recorder.under_way)
            await asyncio.sleep(REFRESH_S)

    task = asyncio.create_task(refresh())
    try:
        yield
    finally:
        task.cancel()
