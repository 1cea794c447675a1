"""Upstream calls that another thread can cancel, at any moment.

`requests` gives no handle on a call that still waits for its response head, and closing a response from another
thread does not wake a blocked read. So the connection tells the `Call` it serves which socket it uses, and cancelling
shuts that socket down, which wakes the blocked thread at once in either phase. Only name resolution, connecting and
the TLS handshake cannot be woken; the last two are bounded by the connect timeout.
"""

from __future__ import annotations

import io
import math
import re
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

AHEAD_BYTES = 16_384
MAX_HEAD_BYTES = 65_536
"""A chunk's head that is longer is none."""

CHUNK_HEAD = re.compile(rb"[ \t]*[0-9A-Fa-f]+[ \t]*(?:;.*)?\r?")

_serving = threading.local()
"""The call that the current thread is sending; how a connection learns whose it is."""


class CallCancelledError(Exception):
    """The call was cancelled from this side; nobody waits for its answer."""


class Call:
    """What one request asks of the upstream, in one exchange or several, one after the other.

    `cancel` may be called from any thread, at any time, more than once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._cancelled = threading.Event()
        self.retries = 0
        self.asked_s: float | None = None
        """When the upstream was asked for the first time, `time.monotonic()`."""

        self.certificate_ends_s: float | None = None
        """When the certificate ends that the upstream showed on a new connection, in seconds since the epoch; until
        somebody has taken it.
        """

    @property
    def cancelled(self) -> bool:
        """Whether the call was given up."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Give the call up: whoever is blocked on its socket wakes with an error or an end of stream."""
        with self._lock:
            if not self.cancelled:  # later on, the descriptor may be another socket's
                self._cancelled.set()
                self._shut_down()

    def asks(self) -> None:
        """The upstream is asked now; for whoever sends."""
        if self.asked_s is None:
            self.asked_s = time.monotonic()

    def wait(self, wait_s: float) -> None:
        """Let time pass.   Raises: CallCancelledError as soon as the call is given up."""
        if self._cancelled.wait(wait_s):
            raise CallCancelledError

    def uses(self, sock: socket.socket) -> None:
        """From now on this socket carries the call; for connections."""
        with self._lock:
            self._socket = sock
            if self.cancelled:
                self._shut_down()

    def leaves(self) -> None:
        """Its socket may serve other calls from now on, so a late `cancel` must not touch it; for connections."""
        with self._lock:
            self._socket = None

    def bound_silence(self, timeout_s: float) -> None:
        """From now on a read fails once the upstream has been silent for so long."""
        with self._lock:
            if self._socket is not None:
                with suppress(OSError):  # already closed
                    self._socket.settimeout(timeout_s)

    def wait_readable(self, timeout_s: float) -> bool:
        """Whether the call's socket has something to read, or an end, within this time."""
        with self._lock:
            sock = self._socket
        if sock is None:
            return True
        try:
            if isinstance(sock, ssl.SSLSocket) and sock.pending():
                return True
            waiting = select.poll()
            waiting.register(sock, select.POLLIN)
            return bool(waiting.poll(math.ceil(timeout_s * 1000)))
        except (OSError, ValueError):
            return True  # closed meanwhile; reading tells

    def _shut_down(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # already closed
                # Not SSLSocket's own shutdown: it drops the TLS state under the thread that reads through it, which
                # would then take ciphertext for the answer.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


@contextmanager
def serving(call: Call) -> Iterator[None]:
    """Connections that this thread uses meanwhile serve the call."""
    _serving.call = call
    try:
        yield
    finally:
        _serving.call = None


class _Gate(io.RawIOBase):
    """Between http.client's buffer and a socket: what has arrived can be fetched, without waiting for more."""

    is_shut = False
    """While it is, a read gets nothing, so that looking into the buffer above touches no network."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._sock, self._raw = sock, raw
        self.ahead = b""
        self.is_over = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.is_shut:
            return None
        if not self.ahead:
            return self._raw.readinto(buffer)
        size = min(len(buffer), len(self.ahead))
        buffer[:size], self.ahead = self.ahead[:size], self.ahead[size:]
        return size

    def fetch(self) -> None:
        """What has arrived is in `ahead`; after an end or an error, `is_over`, and reading tells which."""
        patience_s = self._sock.gettimeout()
        try:
            self._sock.settimeout(0)
            try:
                arrived = self._raw.read(AHEAD_BYTES)
            finally:
                self._sock.settimeout(patience_s)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return  # a part of a TLS record
        except (OSError, ValueError):
            self.is_over = True
            return
        if arrived is not None:
            self.ahead, self.is_over = self.ahead + arrived, not arrived

    def close(self) -> None:
        self._raw.close()
        super().close()


class TellingResponse(HTTPResponse):
    """http.client's response, which can tell whether a read would return at once."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._gate = _Gate(sock, self.fp.detach())
        self.fp = io.BufferedReader(self._gate)

    def fetch(self) -> None:
        """Whatever has arrived is here; waits for nothing."""
        self._gate.fetch()

    def holds_data(self) -> bool:
        """Whether body bytes are here, or the body is at its end.

        Between two chunks there may be the line end of the last one, and the next one's head or a part of it:
        http.client would wait for what comes after.
        """
        if self.isclosed() or self.length == 0 or self._gate.is_over:
            return True
        self._gate.is_shut = True
        try:
            held: bytes = self.fp.peek(1) + self._gate.ahead
        finally:
            self._gate.is_shut = False
        if not self.chunked or self.chunk_left or len(held) > MAX_HEAD_BYTES:
            return bool(held)
        head, newline, rest = held.lstrip(b"\r\n").partition(b"\n")
        return bool(rest or (newline and not CHUNK_HEAD.fullmatch(head)))  # of a head that is none, reading tells


class _Tracked:
    """Mixed into urllib3's connections: a connection tells the call it serves which socket to shut down."""

    sock: Any
    response_class: Any = TellingResponse
    _call: Call | None = None
    _wire: socket.socket | None = None
    """Kept beside `sock`, which http.client forgets once the answer says `Connection: close`."""

    _unsent: bytearray | None = None
    """What there is of a request so far, while it is put together."""

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send head and body at once: each send lets other threads run first, and here a user waits."""
        self._serve()
        self._unsent = bytearray()
        try:
            super().request(*args, **kwargs)  # type: ignore[misc]
            whole = self._unsent
        finally:
            self._unsent = None
        super().send(whole)  # type: ignore[misc]

    def send(self, data: Any) -> None:
        if self._unsent is None:
            super().send(data)  # type: ignore[misc]
        else:
            self._unsent += data

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self._wire = self.sock
        self._serve()  # once more: only now is there a socket

    def _serve(self) -> None:
        self._call = getattr(_serving, "call", None)
        if self._call is not None and self._wire is not None:
            self._call.uses(self._wire)

    def part(self) -> None:
        """The call is over; the connection goes back to the pool."""
        if self._call is not None:
            self._call.leaves()
            self._call = None


class _TrackedHTTPConnection(_Tracked, HTTPConnection):
    pass


class _TrackedHTTPSConnection(_Tracked, HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        shown = self.sock.getpeercert()  # empty when nobody has checked it
        if self._call is not None and shown:
            self._call.certificate_ends_s = ssl.cert_time_to_seconds(shown["notAfter"])


class _Parting:
    """Mixed into urllib3's pools: no connection waits in the pool that a finished call could still shut down."""

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.part()
        super()._put_conn(conn)  # type: ignore[misc]


class _TrackedHTTPPool(_Parting, HTTPConnectionPool):
    ConnectionCls = _TrackedHTTPConnection


class _TrackedHTTPSPool(_Parting, HTTPSConnectionPool):
    ConnectionCls = _TrackedHTTPSConnection


class _TrackedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _TrackedHTTPPool, "https": _TrackedHTTPSPool}


class _Session(requests.Session):
    def get_redirect_target(self, _resp: requests.Response) -> None:
        """None: redirects are answers like others. Told not to follow one, requests still reads its whole body."""
        return


def session(connections: int, verify: str | bool) -> requests.Session:
    """A session of cancellable calls that keeps no cookies, follows no redirects and asks no proxy.

    connections: kept open for the next call.   verify: whether to check certificates, or the authorities to trust.
    """
    made = _Session()
    made.trust_env = False  # or .netrc and proxy variables could replace our credential
    made.verify = verify
    made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    # Never pool_block, which would wait for ever; who may call at all is decided before.
    adapter = _TrackedAdapter(pool_connections=2, pool_maxsize=connections, max_retries=0)
    for scheme in ("http://", "https://"):
        made.mount(scheme, adapter)
    return made
