"""The proxy's only outbound HTTP: what it asks of Snowflake Cortex.

An `Ask` says what is wanted and how patiently. Behind it: the credential, renewed once when Snowflake refuses it; a
breaker per surface; tries again where that is safe (`policies.RetryClass`), before anything has reached the client.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import urlencode

import requests
import structlog
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError, NewConnectionError, ReadTimeoutError

from contracts.api import ProblemType
from contracts.cortex import (
    EVENT_STREAM,
    ROLE_HEADER,
    THREADS_PATH,
    TOKEN_TYPE_HEADER,
    WAREHOUSE_HEADER,
    Thread,
)
from contracts.telemetry import RetryReason, Surface, UpstreamOutcome
from proxy import VERSION
from proxy.answer import READ_BYTES, Answer, Bounds, FailedTry, late, request_id_of
from proxy.backoff import Backoff
from proxy.breaker import Breaker, State
from proxy.calls import Call, CallCancelledError, TellingResponse, serving, session
from proxy.credentials import credential
from proxy.policies import Policy, RetryClass
from proxy.problems import ProblemError
from proxy.settings import Settings

log = structlog.get_logger(__name__)

USER_AGENT = f"cortex-harness-proxy/{VERSION}"
ORIGIN_APPLICATION = "cortex_harness"
MAX_ANSWER_BYTES = 1024 * 1024
MAX_ERROR_BYTES = 64 * 1024
UNARY_CONNECTIONS = 16

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing asked of Cortex.

    path: on the configured host.   accepted: statuses that are answers; all others are raised as problems.
    again: query parameters of every try but the first.   deadline_s: `time.monotonic()`; the policy's from now on
    when left out.
    """

    surface: Surface
    path: str
    policy: Policy
    body: Mapping[str, Any] | None = None
    method: str = "POST"
    params: Mapping[str, str] = field(default_factory=dict)
    again: Mapping[str, str] = field(default_factory=dict)
    accepted: frozenset[int] = frozenset({200})
    deadline_s: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer; `document` is its JSON."""

    status: int
    document: Any
    headers: Mapping[str, str]
    request_id: str | None


class Upstream:
    """An open event stream: read until `b""`, then close."""

    def __init__(self, response: requests.Response, call: Call) -> None:
        self._response, self.call = response, call
        self._failure: Exception | None = None
        # In tests the answer may come from elsewhere than a socket; it is all there then.
        head = getattr(response.raw, "_original_response", None)
        self._head = head if isinstance(head, TellingResponse) else None
        self.request_id = request_id_of(response)

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

    def read_burst(self, most_bytes: int) -> bytes:
        """As `read`, with whatever else has been fetched by now, up to about so many bytes."""
        if self._failure is not None:
            raise self._failure
        burst = more = self.read()
        while more and len(burst) < most_bytes and self._head is not None and self._head.holds_data():
            try:
                more = self.read()
            except (ProblemError, CallCancelledError) as error:
                self._failure = error  # what came before goes first
                break
            burst += more
        return burst

    def wait(self, timeout_s: float) -> bool:
        """Whether a read finds something, be it the end; waits for it at most so long."""
        until_s = time.monotonic() + timeout_s
        while self._failure is None and self._head is not None and not self._head.holds_data():
            if not self.call.wait_readable(max(until_s - time.monotonic(), 0.0)):
                return False
            self._head.fetch()
        return True

    def _given_up(self, kind: ProblemType, detail: str) -> Exception:
        return CallCancelledError() if self.call.cancelled else ProblemError(kind, detail)

    def close(self) -> None:
        """Close the connection, unless the stream was read to its end: then it serves others already."""
        self._response.close()


class Attempt(Protocol):
    """Who is told of one try."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Of the trace, to be sent with it."""

    def asked(self) -> None:
        """The request is sent now, be it once more with another credential."""

    def answered(self, status: int) -> None:
        """The head of an answer is here."""

    def ended(self, outcome: str) -> None:
        """It is over: an `UpstreamOutcome`."""


class Observer(Protocol):
    """Who is told what happens on the way; telemetry, in a word."""

    def attempt(self, surface: str, method: str, number: int, trace: Mapping[str, str]) -> Attempt:
        """A try begins, the first one with number 1."""

    def certificate_seen(self, ends_s: float) -> None:
        """A verified certificate, and when it ends, in seconds since the epoch."""

    def retried(self, surface: str, reason: str) -> None:
        """A try follows: a `RetryReason`."""

    def budget_denied(self, surface: str) -> None:
        """A try would have followed, had the retry budget allowed it."""

    def breaker_changed(self, surface: str, state: State) -> None:
        """A breaker opened, closed or lets a probe through."""


class CortexClient:
    """Asks Cortex as the account's user.   Raises on construction: OSError, ValueError naming a key file."""

    def __init__(self, settings: Settings, observer: Observer, backoff: Backoff | None = None) -> None:
        self._settings, self._observer, self._backoff = settings, observer, backoff or Backoff()
        self._credential = credential(settings)
        self._agent_config = settings.agent_config()
        verify = str(settings.ca_file) if settings.ca_file else True
        # Apart, so that streams that stay for minutes and short answers do not take each other's connections.
        self._streams = session(settings.max_streams + 8, verify)
        self._unary = session(UNARY_CONNECTIONS, verify)
        self.budgets = self._backoff.budgets
        self.breakers: Mapping[Surface, Breaker] = {each: Breaker(each, self._breaker_changed) for each in Surface}

    # --- what is asked

    def start_run(self, run: Mapping[str, Any], trace: Mapping[str, str], call: Call) -> Upstream:
        """Post a run and wait for its response head.

        run: `messages` and what goes with them; an inline agent's configuration is added here.
        Raises: ProblemError for every answer that is not an event stream; CallCancelledError.
        """
        body = {**self._agent_config, **run, "stream": True}
        return self.stream(Ask(Surface.AGENT, self._settings.run_path, self._settings.policies.chat, body), trace, call)

    def create_thread(self, trace: Mapping[str, str], call: Call) -> int:
        """A new thread's id.   Raises: ProblemError, CallCancelledError."""
        body = {"origin_application": ORIGIN_APPLICATION}
        reply = self.ask(Ask(Surface.AGENT, THREADS_PATH, self._settings.policies.chat, body), trace, call)
        document = reply.document
        try:
            # The documentation shows a bare string, servers send the metadata object.
            return int(document) if isinstance(document, str) else Thread.model_validate(document).thread_id
        except ValueError as error:
            raise ProblemError(ProblemType.UPSTREAM_PROTOCOL, "Snowflake's thread answer has no id.") from error

    def stream(self, asked: Ask, trace: Mapping[str, str], call: Call) -> Upstream:
        """An event stream whose head has arrived.   Raises: ProblemError, CallCancelledError."""

        def read(answer: Answer) -> Upstream:
            if answer.content_type != EVENT_STREAM or not answer.is_plain:
                raise answer.unexpected()
            call.bound_silence(asked.policy.idle_timeout_s)
            return Upstream(answer.response, call)

        headers = {**trace, "Accept": EVENT_STREAM, "Accept-Encoding": "identity"}
        return self._tried(asked, headers, call, _Way(self._streams, read))

    def ask(self, asked: Ask, trace: Mapping[str, str], call: Call, *, max_bytes: int = MAX_ANSWER_BYTES) -> Reply:
        """A whole JSON answer.   Raises: ProblemError, CallCancelledError."""

        def read(answer: Answer) -> Reply:
            with answer.response:
                return Reply(answer.status, answer.document, answer.response.headers, request_id_of(answer.response))

        headers = {**trace, "Accept": "application/json", "Accept-Encoding": "gzip, identity"}
        return self._tried(asked, headers, call, _Way(self._unary, read, max_bytes))

    def rehearsal(self, path: str) -> Any:
        """A document of the mock's admin routes; only asked when the upstream is a stand-in.   Raises: ProblemError."""
        url = f"{self._settings.snowflake_url}{path}"
        try:
            response = self._unary.get(url, timeout=(3.05, 5.0), allow_redirects=False)
            response.raise_for_status()
            return response.json()
        except (requests.RequestException, ValueError) as error:
            raise ProblemError(ProblemType.UPSTREAM_UNREACHABLE, "The stand-in does not answer.") from error

    def close(self) -> None:
        """Close idle connections."""
        self._streams.close()
        self._unary.close()

    def _breaker_changed(self, surface: str, state: State) -> None:
        log.warning("a breaker has changed", surface=surface, breaker=state)
        self._observer.breaker_changed(surface, state)

    # --- how it is asked

    def _tried(self, asked: Ask, headers: Mapping[str, str], call: Call, way: _Way[R]) -> R:
        """The answer of the first try that succeeds.   Raises: ProblemError of the last one, CallCancelledError."""
        deadline_s = asked.deadline_s or time.monotonic() + asked.policy.deadline_s
        self.budgets[asked.surface].called()
        tries = 0
        while True:
            tries += 1
            try:
                return self._guarded(asked, headers, call, way, _Try(tries, deadline_s))
            except FailedTry as failure:
                pause_s = self._pause_s(asked, failure, tries, deadline_s - time.monotonic())
                if pause_s is None:
                    raise failure.problem from failure.__cause__
                self._observer.retried(asked.surface, _outcome(failure.problem))
                call.retries += 1
            call.wait(pause_s)

    def _pause_s(self, asked: Ask, failure: FailedTry, tries: int, left_s: float) -> float | None:
        """How long to wait before the next try; None when this failure is the last word."""
        if failure.safe_again not in _ALLOWED[asked.policy.retry]:
            return None
        pause_s = self._backoff.pause_s(tries, failure.asked_pause_s, left_s)
        if pause_s is not None and not self.budgets[asked.surface].spend():
            self._observer.budget_denied(asked.surface)
            return None
        return pause_s

    def _guarded(self, asked: Ask, headers: Mapping[str, str], call: Call, way: _Way[R], now: _Try) -> R:
        """One try, accounted for by the surface's breaker."""
        breaker = self.breakers[asked.surface]
        permit = breaker.admit()
        tell, outcome = breaker.unknown, UpstreamOutcome.CANCELLED
        now.attempt = self._observer.attempt(asked.surface, asked.method, now.number, headers)
        try:
            answer = self._authorized(asked, headers, call, way, now)
            tell, outcome = breaker.succeeded, UpstreamOutcome.OK
            return answer
        except FailedTry as failure:
            tell, outcome = (breaker.failed if failure.is_outage else breaker.unknown), _outcome(failure.problem)
            raise
        finally:
            tell(permit)
            now.attempt.ended(outcome)

    def _authorized(self, asked: Ask, headers: Mapping[str, str], call: Call, way: _Way[R], now: _Try) -> R:
        """What the way reads from a successful answer. A refused credential is renewed, once."""
        for is_last in (False, True):
            token = self._credential.token()
            sent = {**headers, **now.attempt.headers, **self._headers(token)}
            answer = self._send(asked, sent, call, way, now)
            if not answer.asks_to_log_in:
                break
            if is_last or not self._credential.forget(token):
                raise answer.failure()
            answer.response.close()
            now.attempt.ended(UpstreamOutcome.UNAUTHORIZED)
            self._observer.retried(asked.surface, RetryReason.UNAUTHORIZED)
            call.retries += 1
            now.attempt = self._observer.attempt(asked.surface, asked.method, now.number + 1, headers)
        if answer.status not in asked.accepted:
            raise answer.failure()
        return way.read(answer)

    def _send(self, asked: Ask, headers: Mapping[str, str], call: Call, way: _Way[R], now: _Try) -> Answer:
        if call.cancelled:
            raise CallCancelledError
        left_s = now.deadline_s - time.monotonic()
        if left_s <= 0:
            raise late()
        attempt = now.attempt
        payload = None if asked.body is None else json.dumps(asked.body, ensure_ascii=False).encode()
        patience_s = min(asked.policy.header_timeout_s, left_s)
        with serving(call), _translated(call, asked.surface, patience_s):
            request = _prepared(asked.method, self._url(asked, now), headers, payload)
            attempt.asked()
            call.asks()
            response = way.session.send(
                request,
                stream=True,
                allow_redirects=False,
                proxies={},
                verify=way.session.verify,
                cert=None,
                timeout=(min(asked.policy.connect_timeout_s, left_s), patience_s),
            )
        attempt.answered(response.status_code)
        if call.certificate_ends_s is not None:
            self._observer.certificate_seen(call.certificate_ends_s)
            call.certificate_ends_s = None
        left_s = max(now.deadline_s - time.monotonic(), 0.001)
        call.bound_silence(min(asked.policy.idle_timeout_s, left_s))
        return Answer(response, call, Bounds(way.max_bytes, now.deadline_s))

    def _url(self, asked: Ask, now: _Try) -> str:
        params = {**asked.params, **(asked.again if now.number > 1 else {})}
        query = f"?{urlencode(params)}" if params else ""
        return f"{self._settings.snowflake_url}{asked.path}{query}"

    def _headers(self, token: str) -> dict[str, str]:
        headers = {
            "Authorization": f"Bearer {token}",
            TOKEN_TYPE_HEADER: self._credential.token_type,
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
        }
        if self._settings.role:
            headers[ROLE_HEADER] = self._settings.role
        if self._settings.warehouse:
            headers[WAREHOUSE_HEADER] = self._settings.warehouse
        return headers


def _prepared(method: str, url: str, headers: Mapping[str, str], payload: bytes | None) -> requests.PreparedRequest:
    """A request that is complete: there are no cookies, credentials, forms or parameters for requests to put in."""
    request = requests.PreparedRequest()
    request.method, request.url, request.body = method, url, payload
    request.headers = CaseInsensitiveDict(headers)
    if payload is not None:
        request.headers["Content-Length"] = str(len(payload))
    request.hooks = {}
    return request


@dataclass(slots=True)
class _Try:
    number: int
    deadline_s: float
    attempt: Attempt = field(init=False)


@dataclass(frozen=True, slots=True)
class _Way(Generic[R]):
    """Over which connections, and what is made of a successful answer."""

    session: requests.Session
    read: Callable[[Answer], R]
    max_bytes: int = MAX_ERROR_BYTES


_ALLOWED = {
    RetryClass.NEVER: frozenset[RetryClass](),
    RetryClass.UNSENT: frozenset({RetryClass.UNSENT}),
    RetryClass.IDEMPOTENT: frozenset({RetryClass.UNSENT, RetryClass.IDEMPOTENT}),
}


_OUTCOMES = {
    ProblemType.UPSTREAM_THROTTLED: UpstreamOutcome.THROTTLED,
    ProblemType.UPSTREAM_UNAUTHORIZED: UpstreamOutcome.UNAUTHORIZED,
    ProblemType.UPSTREAM_UNAVAILABLE: UpstreamOutcome.UNAVAILABLE,
    ProblemType.UPSTREAM_UNREACHABLE: UpstreamOutcome.UNREACHABLE,
    ProblemType.UPSTREAM_TRUNCATED: UpstreamOutcome.BROKEN,
    ProblemType.UPSTREAM_STALLED: UpstreamOutcome.TIMEOUT,
    ProblemType.UPSTREAM_TIMEOUT: UpstreamOutcome.TIMEOUT,
    ProblemType.REQUEST_DEADLINE: UpstreamOutcome.TIMEOUT,
    ProblemType.UPSTREAM_PROTOCOL: UpstreamOutcome.PROTOCOL,
}


def _outcome(problem: ProblemError) -> UpstreamOutcome:
    return _OUTCOMES.get(problem.kind, UpstreamOutcome.REJECTED)


@contextmanager
def _translated(call: Call, surface: Surface, patience_s: float) -> Iterator[None]:
    """What the libraries raise before an answer's head, as `FailedTry` or `CallCancelledError`."""
    try:
        yield
    except (requests.RequestException, HTTPError, OSError) as error:
        if call.cancelled:
            raise CallCancelledError from error
        log.warning("snowflake cannot be reached", surface=surface, error=_root(error))
        if isinstance(error, requests.ReadTimeout):
            detail = f"Snowflake sent no answer in {patience_s:g} s."
            raise FailedTry(ProblemError(ProblemType.UPSTREAM_TIMEOUT, detail), is_outage=True) from error
        problem = ProblemError(ProblemType.UPSTREAM_UNREACHABLE, "The connection to Snowflake failed.")
        safe = RetryClass.UNSENT if _never_connected(error) else RetryClass.IDEMPOTENT
        raise FailedTry(problem, safe_again=safe, is_outage=True) from error


def _root(error: BaseException) -> str:
    """The kind of the innermost cause: a name that has no address, a refused connection, a certificate, a silence."""
    while True:
        reason = getattr(error.args[0], "reason", None) if error.args else None
        inner = reason if isinstance(reason, BaseException) else error.__cause__ or error.__context__
        if inner is None:
            return type(error).__name__
        error = inner


def _never_connected(error: Exception) -> bool:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError)
