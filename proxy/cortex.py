"""The proxy's only outbound HTTP: requests to Snowflake Cortex, each of which another thread can cancel.

`requests` gives no handle on a call that still waits for its response head, and closing a response from another
thread does not wake a blocked read. So the connection registers itself with the `Call` it serves, and cancelling
shuts the socket down, which wakes the blocked thread at once in either phase.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
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
from proxy.keypair import KeyPairSigner
from proxy.problems import ProblemError
from proxy.settings import Settings

USER_AGENT = "cortex-harness-proxy/0.1.0"
ORIGIN_APPLICATION = "cortex_harness"
READ_BYTES = 65_536
MAX_ANSWER_BYTES = 256 * 1024

_serving = threading.local()
_ownership = threading.Lock()


class CallCancelledError(Exception):
    """The call was cancelled from this side; nobody waits for its answer."""


class Call:
    """One upstream call. `cancel` may be called from any thread, at any time, more than once."""

    def __init__(self) -> None:
        self._connection: _Tracked | None = None
        self.cancelled = False

    def cancel(self) -> None:
        """Give the call up: whoever is blocked on its socket wakes with an error or an end of stream."""
        with _ownership:
            self.cancelled = True
            if self._connection is not None:
                self._connection.shut_down_for(self)

    def release(self) -> None:
        """The answer is complete; the connection may serve other calls from now on."""
        with _ownership:
            self._connection = None

    def served_by(self, connection: _Tracked) -> None:
        """Only for connections, under the ownership lock."""
        self._connection = connection
        if self.cancelled:
            connection.shut_down_for(self)


class _Tracked:
    """Mixed into urllib3's connections: they and the call they serve know each other.

    Pooled connections outlive a call, so a late cancel first asks whose the connection is by now.
    """

    sock: Any
    _owner: Call | None = None

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._belong()
        super().request(*args, **kwargs)  # type: ignore[misc]

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self._belong()  # once more: only now is there a socket to shut down

    def _belong(self) -> None:
        call: Call | None = getattr(_serving, "call", None)
        with _ownership:
            self._owner = call
            if call is not None:
                call.served_by(self)

    def shut_down_for(self, call: Call) -> None:
        if self._owner is call and self.sock is not None:
            with suppress(OSError):  # already closed by the other side
                self.sock.shutdown(socket.SHUT_RDWR)


class _TrackedHTTPConnection(_Tracked, HTTPConnection):
    pass


class _TrackedHTTPSConnection(_Tracked, HTTPSConnection):
    pass


class _TrackedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _TrackedHTTPConnection


class _TrackedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _TrackedHTTPSConnection


class _TrackedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _TrackedHTTPPool, "https": _TrackedHTTPSPool}


class Upstream:
    """An open event stream: read until `b""`, then close."""

    def __init__(self, response: requests.Response, call: Call) -> None:
        self._response, self.call = response, call
        self.request_id = response.headers.get(REQUEST_ID_HEADER)

    def read(self) -> bytes:
        """The next bytes as they arrive, `b""` at the end.

        Raises: CallCancelledError; ProblemError when the upstream broke off or fell silent past the idle timeout.
        """
        try:
            chunk: bytes = self._response.raw.read1(READ_BYTES)
        except ReadTimeoutError as error:
            raise self._given_up(ProblemType.UPSTREAM_STALLED, "Snowflake went silent in mid-answer.") from error
        except (HTTPError, HTTPException, OSError, ValueError, AttributeError) as error:
            # The last two: what urllib3 trips over when another thread shuts its TLS socket down.
            raise self._given_up(ProblemType.UPSTREAM_TRUNCATED, "The connection to Snowflake broke.") from error
        if not chunk:
            cancelled = self.call.cancelled
            self.call.release()  # at its end urllib3 gives the connection back to the pool by itself
            if cancelled:
                raise CallCancelledError
        return chunk

    def _given_up(self, kind: ProblemType, detail: str) -> Exception:
        return CallCancelledError() if self.call.cancelled else ProblemError(kind, detail)

    def close(self) -> None:
        """Give the connection back when the stream was read to its end, else close it."""
        self.call.release()
        self._response.close()


class CortexClient:
    """Calls Cortex as the account's user, over pooled connections that keep no cookies and follow no redirects."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._signer = KeyPairSigner(settings.account, settings.user, settings.private_key_file)
        self._agent_config = settings.agent_config()
        self._session = requests.Session()
        self._session.trust_env = False  # or .netrc and proxy variables could replace our credential
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
        response = self._post(self._settings.run_path, body, trace, call)
        if response.headers.get("Content-Type", "").split(";")[0].strip() != EVENT_STREAM:
            call.release()
            raise _unexpected(response)
        return Upstream(response, call)

    def create_thread(self, trace: Mapping[str, str], call: Call) -> int:
        """A new thread's id.   Raises: ProblemError, CallCancelledError."""
        body = {"origin_application": ORIGIN_APPLICATION}
        response = self._post(THREADS_PATH, body, trace, call)
        try:
            document = json.loads(_body(response))
            # The documentation shows a bare string, servers send the metadata object.
            return int(document) if isinstance(document, str) else Thread.model_validate(document).thread_id
        except ValueError as error:
            raise ProblemError(ProblemType.UPSTREAM_PROTOCOL, "Snowflake's thread answer has no id.") from error
        finally:
            call.release()

    def rehearsal(self, path: str) -> Any:
        """A document of the mock's admin routes; only asked when the upstream is a stand-in.   Raises: ProblemError."""
        url = f"{self._settings.snowflake_url}{path}"
        try:
            response = self._session.get(url, timeout=(self._settings.connect_timeout_s, 5.0), allow_redirects=False)
            response.raise_for_status()
            return response.json()
        except (requests.RequestException, ValueError) as error:
            raise ProblemError(ProblemType.UPSTREAM_UNREACHABLE, "The stand-in does not answer.") from error

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()

    def _post(self, path: str, body: Mapping[str, Any], trace: Mapping[str, str], call: Call) -> requests.Response:
        """A successful response, its stream unread. A refused credential is minted anew and tried once more."""
        accept = EVENT_STREAM if body.get("stream") else "application/json"
        payload = json.dumps(body, ensure_ascii=False).encode()
        for attempt in (1, 2):
            token = self._signer.token()
            response = self._send(path, payload, {**self._headers(token, accept), **trace}, call)
            if response.status_code == requests.codes.ok and not _asks_to_log_in(response):
                return response
            call.release()
            if attempt == 2 or not _asks_to_log_in(response):
                raise _refused(response)
            response.close()
            self._signer.forget(token)
        raise AssertionError("the second attempt returns or raises")

    def _send(self, path: str, payload: bytes, headers: Mapping[str, str], call: Call) -> requests.Response:
        _serving.call = call
        read_s = self._settings.idle_timeout_s
        try:
            return self._session.post(
                f"{self._settings.snowflake_url}{path}",
                data=payload,
                headers=headers,
                stream=True,
                allow_redirects=False,
                timeout=(self._settings.connect_timeout_s, read_s),
            )
        except (requests.RequestException, OSError, ValueError, AttributeError) as error:
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
MAX_RETRY_AFTER_S = 60


def _asks_to_log_in(response: requests.Response) -> bool:
    """401, or a 200 or 403 whose JSON body holds one of the login codes."""
    if response.status_code == requests.codes.unauthorized:
        return True
    is_json = response.headers.get("Content-Type", "").startswith("application/json")
    return response.status_code in (200, 403) and is_json and _error_body(response).any_code in LOGIN_AGAIN_CODES


def _refused(response: requests.Response) -> ProblemError:
    """What an unsuccessful answer means to the client; the upstream's own words stay here."""
    unavailable = (ProblemType.UPSTREAM_UNAVAILABLE, "Snowflake is not available at the moment.")
    rejected = (ProblemType.UPSTREAM_REJECTED, f"Snowflake answered with status {response.status_code}.")
    status = response.status_code
    if _asks_to_log_in(response):
        status = 401
    kind, detail = _BY_STATUS.get(status, unavailable if status >= 500 else rejected)
    retry_after_s = _retry_after_s(response) if kind is ProblemType.UPSTREAM_THROTTLED or status == 503 else None
    code = _error_body(response).any_code
    response.close()
    return ProblemError(kind, detail, upstream_code=code, retry_after_s=retry_after_s)


def _unexpected(response: requests.Response) -> ProblemError:
    kind = response.headers.get("Content-Type", "none")[:100]
    response.close()
    return ProblemError(ProblemType.UPSTREAM_PROTOCOL, f"Snowflake answered with content type {kind!r}, not a stream.")


def _error_body(response: requests.Response) -> ErrorBody:
    """The error body, as far as it is one."""
    try:
        return ErrorBody.model_validate_json(_body(response))
    except ValueError:
        return ErrorBody()


def _body(response: requests.Response) -> bytes:
    """The first `MAX_ANSWER_BYTES` of a plain body; read once and kept, because it is looked at more than once."""
    kept: bytes | None = getattr(response, "cortex_body", None)
    if kept is None:
        try:
            kept = response.raw.read(MAX_ANSWER_BYTES, decode_content=True)
        except (HTTPError, HTTPException, OSError):
            kept = b""
        response.cortex_body = kept  # type: ignore[attr-defined]
    return kept


def _retry_after_s(response: requests.Response) -> int:
    """Whole seconds to wait: the upstream's, clamped, or 1 when it named none we can read."""
    asked = response.headers.get("Retry-After", "")
    return min(max(int(asked), 1), MAX_RETRY_AFTER_S) if asked.isdecimal() else 1
