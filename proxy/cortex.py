"""The proxy's only outbound HTTP: requests to Snowflake Cortex, each of which another thread can cancel.

`requests` gives no handle on a call that still waits for its response head, and closing a response from another
thread does not wake a blocked read. So the connection tells the `Call` it serves which socket it uses, and cancelling
shuts that socket down, which wakes the blocked thread at once in either phase. Only name resolution, connecting and
the TLS handshake cannot be woken; the last two are bounded by the connect timeout.
"""

from __future__ import annotations

import json
import math
import re
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from functools import cached_property
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, ReadTimeoutError

from contracts.api import ProblemType
from contracts.cortex import (
    EVENT_STREAM,
    LOGIN_AGAIN_CODES,
    REQUEST_ID_HEADER,
    ROLE_HEADER,
    THREADS_PATH,
    TOKEN_TYPE_HEADER,
    WAREHOUSE_HEADER,
    ErrorBody,
    Thread,
    TokenType,
)
from proxy import VERSION
from proxy.keypair import KeyPairSigner
from proxy.problems import ProblemError
from proxy.settings import Settings

USER_AGENT = f"cortex-harness-proxy/{VERSION}"
ORIGIN_APPLICATION = "cortex_harness"
READ_BYTES = 65_536
MAX_ANSWER_BYTES = 256 * 1024
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")

_serving = threading.local()
"""The call that the current thread is sending; how a connection learns whose it is."""


class CallCancelledError(Exception):
    """The call was cancelled from this side; nobody waits for its answer."""


class Call:
    """One upstream call. `cancel` may be called from any thread, at any time, more than once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.cancelled = False

    def cancel(self) -> None:
        """Give the call up: whoever is blocked on its socket wakes with an error or an end of stream."""
        with self._lock:
            self.cancelled = True
            self._shut_down()

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

    def _shut_down(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # already closed
                # Not SSLSocket's own shutdown: it drops the TLS state under the thread that reads through it, which
                # would then take ciphertext for the answer.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _Tracked:
    """Mixed into urllib3's connections: a connection tells the call it serves which socket to shut down."""

    sock: Any
    _call: Call | None = None
    _wire: socket.socket | None = None
    """Kept beside `sock`, which http.client forgets once the answer says `Connection: close`."""

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._serve()
        super().request(*args, **kwargs)  # type: ignore[misc]

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
    pass


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


class Upstream:
    """An open event stream: read until `b""`, then close."""

    def __init__(self, response: requests.Response, call: Call) -> None:
        self._response, self.call = response, call
        # Whatever the upstream puts there ends up in a header of ours.
        found = REQUEST_ID.fullmatch(response.headers.get(REQUEST_ID_HEADER, ""))
        self.request_id = found.group() if found else None

    def read(self) -> bytes:
        """The next bytes as they arrive, `b""` at the end. After an error it must not be called again.

        Raises: CallCancelledError; ProblemError when the upstream broke off or fell silent past the idle timeout.
        """
        try:
            chunk: bytes = self._response.raw.read1(READ_BYTES)
        except ReadTimeoutError as error:
            raise self._given_up(ProblemType.UPSTREAM_STALLED, "Snowflake went silent in mid-answer.") from error
        except (HTTPError, HTTPException, OSError) as error:
            raise self._given_up(ProblemType.UPSTREAM_TRUNCATED, "The connection to Snowflake broke.") from error
        if self.call.cancelled:
            raise CallCancelledError
        return chunk

    def _given_up(self, kind: ProblemType, detail: str) -> Exception:
        return CallCancelledError() if self.call.cancelled else ProblemError(kind, detail)

    def close(self) -> None:
        """Close the connection, unless the stream was read to its end: then it serves others already.

        Not while another thread reads: cancel the call first.
        """
        self._response.close()


class CortexClient:
    """Calls Cortex as the account's user, over pooled connections that keep no cookies and follow no redirects."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        assert settings.private_key_file is not None, "credentials other than a key pair"
        self._signer = KeyPairSigner(settings.account, settings.user, settings.private_key_file)
        self._agent_config = settings.agent_config()
        self._session = _Session()
        self._session.trust_env = False  # or .netrc and proxy variables could replace our credential
        self._session.verify = str(settings.ca_file) if settings.ca_file else True
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # One connection per stream and some for the rest; never pool_block, which would wait for ever.
        adapter = _TrackedAdapter(pool_connections=2, pool_maxsize=settings.max_streams + 8, max_retries=0)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, adapter)

    def start_run(self, run: Mapping[str, Any], trace: Mapping[str, str], call: Call) -> Upstream:
        """Post a run and wait for its response head.

        run: `messages` and what goes with them; an inline agent's configuration is added here.
        Raises: ProblemError for every answer that is not an event stream; CallCancelledError.
        """
        body = {**self._agent_config, **run, "stream": True}
        answer = self._post(self._settings.run_path, body, trace, call)
        if answer.content_type == EVENT_STREAM and answer.is_plain:
            return Upstream(answer.response, call)
        raise answer.unexpected()

    def create_thread(self, trace: Mapping[str, str], call: Call) -> int:
        """A new thread's id.   Raises: ProblemError, CallCancelledError."""
        answer = self._post(THREADS_PATH, {"origin_application": ORIGIN_APPLICATION}, trace, call)
        try:
            document = json.loads(answer.body)
            # The documentation shows a bare string, servers send the metadata object.
            return int(document) if isinstance(document, str) else Thread.model_validate(document).thread_id
        except (ValueError, RecursionError) as error:
            raise ProblemError(ProblemType.UPSTREAM_PROTOCOL, "Snowflake's thread answer has no id.") from error
        finally:
            answer.response.close()

    def rehearsal(self, path: str) -> Any:
        """A document of the mock's admin routes; only asked when the upstream is a stand-in.   Raises: ProblemError."""
        url = f"{self._settings.snowflake_url}{path}"
        try:
            response = self._session.get(
                url, timeout=(self._settings.policies.chat.connect_timeout_s, 5.0), allow_redirects=False
            )
            response.raise_for_status()
            return response.json()
        except (requests.RequestException, ValueError) as error:
            raise ProblemError(ProblemType.UPSTREAM_UNREACHABLE, "The stand-in does not answer.") from error

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()

    def _post(self, path: str, body: Mapping[str, Any], trace: Mapping[str, str], call: Call) -> _Answer:
        """A successful answer, its stream unread. A refused credential is minted anew and tried once more."""
        accept = EVENT_STREAM if body.get("stream") else "application/json"
        payload = json.dumps(body, ensure_ascii=False).encode()
        for attempt in (1, 2):
            token = self._signer.token()
            answer = self._send(path, payload, {**self._headers(token, accept), **trace}, call)
            if answer.status == requests.codes.ok and not answer.asks_to_log_in:
                return answer
            if attempt == 2 or not answer.asks_to_log_in:
                raise answer.refusal()
            answer.response.close()
            self._signer.forget(token)
        raise AssertionError("the second attempt returns or raises")

    def _send(self, path: str, payload: bytes, headers: Mapping[str, str], call: Call) -> _Answer:
        if call.cancelled:
            raise CallCancelledError
        _serving.call = call
        read_s = self._settings.policies.chat.idle_timeout_s
        try:
            response = self._session.post(
                f"{self._settings.snowflake_url}{path}",
                data=payload,
                headers=headers,
                stream=True,
                allow_redirects=False,
                timeout=(self._settings.policies.chat.connect_timeout_s, read_s),
            )
            return _Answer(response, call)
        except (requests.RequestException, HTTPError, OSError) as error:
            if call.cancelled:
                raise CallCancelledError from error
            if isinstance(error, requests.ReadTimeout):
                detail = f"Snowflake sent no answer in {read_s:g} s."
                raise ProblemError(ProblemType.UPSTREAM_TIMEOUT, detail) from error
            raise ProblemError(ProblemType.UPSTREAM_UNREACHABLE, "The connection to Snowflake failed.") from error
        finally:
            _serving.call = None

    def _headers(self, token: str, accept: str) -> dict[str, str]:
        headers = {
            "Authorization": f"Bearer {token}",
            TOKEN_TYPE_HEADER: TokenType.KEYPAIR_JWT,
            "Content-Type": "application/json",
            "Accept": accept,
            "Accept-Encoding": "identity",
            "User-Agent": USER_AGENT,
        }
        if self._settings.role:
            headers[ROLE_HEADER] = self._settings.role
        if self._settings.warehouse:
            headers[WAREHOUSE_HEADER] = self._settings.warehouse
        return headers


_BY_STATUS: dict[int, tuple[ProblemType, str]] = {
    400: (ProblemType.UPSTREAM_REJECTED, "Snowflake found the request invalid."),
    401: (ProblemType.UPSTREAM_UNAUTHORIZED, "The key pair of the proxy is not accepted; check account, user and key."),
    403: (ProblemType.UPSTREAM_FORBIDDEN, "The role lacks a privilege, or a network policy forbids this address."),
    404: (ProblemType.UPSTREAM_NOT_FOUND, "The agent, thread or recorded answer does not exist or is not visible."),
    408: (ProblemType.UPSTREAM_TIMEOUT, "Snowflake gave the request up."),
    429: (ProblemType.UPSTREAM_THROTTLED, "Too many requests to Snowflake; wait and try again."),
    504: (ProblemType.UPSTREAM_TIMEOUT, "Snowflake did not answer in time."),
}
MAX_RETRY_AFTER_S = 3600


class _Answer:
    """A response whose head has arrived, and what it means. The upstream's own words never leave this file."""

    def __init__(self, response: requests.Response, call: Call) -> None:
        self.response, self._call = response, call
        self.status = response.status_code
        self.content_type = response.headers.get("Content-Type", "").split(";")[0].strip().lower()

    @property
    def is_plain(self) -> bool:
        """Whether the body is as it was asked for, not compressed."""
        return self.response.headers.get("Content-Encoding", "identity").strip().lower() in ("", "identity")

    @cached_property
    def body(self) -> bytes:
        """The first `MAX_ANSWER_BYTES` of the body, as far as they came.   Raises: CallCancelledError."""
        body = b""
        with suppress(HTTPError, HTTPException, OSError):
            body = self.response.raw.read(MAX_ANSWER_BYTES, decode_content=True)
        if self._call.cancelled:
            self.response.close()
            raise CallCancelledError
        return body

    @cached_property
    def code(self) -> str | None:
        """Snowflake's numeric error code, when the body is JSON and has one."""
        if self.content_type != "application/json":
            return None
        try:
            return ErrorBody.model_validate_json(self.body).any_code
        except ValueError:
            return None

    @cached_property
    def asks_to_log_in(self) -> bool:
        """401, or a 200 or 403 whose JSON body holds one of the login codes."""
        return self.status == 401 or (self.status in (200, 403) and self.code in LOGIN_AGAIN_CODES)

    def refusal(self) -> ProblemError:
        """What an unsuccessful answer means to the client; closes it."""
        unavailable = (ProblemType.UPSTREAM_UNAVAILABLE, "Snowflake is not available at the moment.")
        rejected = (ProblemType.UPSTREAM_REJECTED, f"Snowflake answered with status {self.status}.")
        status = 401 if self.asks_to_log_in else self.status
        kind, detail = _BY_STATUS.get(status, unavailable if status >= 500 else rejected)
        waits = kind is ProblemType.UPSTREAM_THROTTLED or status == 503
        retry_after_s = retry_after(self.response.headers.get("Retry-After", ""), time.time()) if waits else None
        problem = ProblemError(kind, detail, upstream_code=self.code, retry_after_s=retry_after_s)
        self.response.close()
        return problem

    def unexpected(self) -> ProblemError:
        """A 200 that is no event stream; closes it."""
        found = self.content_type[:100] or "no content type"
        if not self.is_plain:
            found += ", compressed"
        problem = ProblemError(
            ProblemType.UPSTREAM_PROTOCOL, f"Snowflake answered with {found}, not a stream.", upstream_code=self.code
        )
        self.response.close()
        return problem


def retry_after(asked: str, now_s: float) -> int:
    """Whole seconds to wait, from 1 to an hour; 1 when the upstream named none that can be read.

    asked: a `Retry-After` header, seconds or a date.
    """
    try:
        wait_s = (
            float(asked) if re.fullmatch(r"[0-9]{1,9}", asked) else parsedate_to_datetime(asked).timestamp() - now_s
        )
    except (ValueError, OverflowError, OSError):
        wait_s = 1.0
    return min(max(math.ceil(wait_s), 1), MAX_RETRY_AFTER_S)
