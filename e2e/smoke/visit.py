"""What a run knows of its target, and how it asks: bounded, never redirected, telling what came instead."""

from __future__ import annotations

import base64
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
import requests.auth
from pydantic import BaseModel, ValidationError
from urllib3.exceptions import HTTPError, ReadTimeoutError

from contracts.api import PREFIX, PROBLEM_JSON, Problem, SessionToken, Status, ToolName
from e2e.smoke.line import Line
from e2e.smoke.turn import Heard
from proxy import VERSION

AGENT = f"cortex-harness-smoke/{VERSION}"
CLIENT_KEY_HEADER = "X-Client-Key"
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")

CONNECT_TIMEOUT_S = 5.0
SHOWN_CHARS = 300
MAX_BODY_BYTES = 8 * 1024 * 1024

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_TOKEN = re.compile(r"eyJ[\w.-]+")  # also one that we did not ask for, or could not read
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)

M = TypeVar("M", bound=BaseModel)


class Trouble(Exception):
    """A check that failed: what was found, and what to do about it."""

    def __init__(self, found: str, do: str) -> None:
        super().__init__(found)
        self.found, self.do = found, do


class NotApplicable(Exception):
    """A check that has no meaning for this target; its words are the reason."""


class Refused(Trouble):
    """The proxy answered with a problem where something else was promised.   kind: the last part of its type."""

    def __init__(self, found: str, do: str, kind: str) -> None:
        super().__init__(found, do)
        self.kind = kind


def silent() -> Trouble:
    """Said of a target that is given up, by whoever notices first."""
    return Trouble(
        "no answer in time", "whoever accepts the connection does not answer, or too slowly: see load and log"
    )


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is told.

    target: without a path.   client_key: opens a session in production.   ca_file: whom to trust, None for the usual.
    contract: the document that clients rely on, as `contracts.compat.load` takes it.   without: tools to leave out.
    """

    target: str
    client_key: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    contract: str = ""
    question: str | None = None
    analyst_question: str = "Net sales by region"
    search_query: str = "refund"
    without: frozenset[ToolName] = frozenset()
    expect_live: bool = False
    min_days: int = 14
    deadline_s: float = 55.0

    @property
    def host(self) -> str:
        """The target's host."""
        return urlsplit(self.target).hostname or ""

    @property
    def is_https(self) -> bool:
        """Whether the target is asked over TLS."""
        return urlsplit(self.target).scheme == "https"

    @property
    def is_local(self) -> bool:
        """Whether the target is this machine, which no proxy of the environment may be asked for."""
        return self.host in LOOPBACK_NAMES


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an answer.   asked_s and answered_s: our wall clock before and after, in seconds."""

    what: str
    status: int
    headers: Mapping[str, str]
    request_id: str
    asked_s: float
    answered_s: float

    @property
    def is_problem(self) -> bool:
        """Whether it is a refusal as the proxy words them."""
        return self.headers.get("Content-Type", "").startswith(PROBLEM_JSON)


@dataclass(slots=True)
class Visit:
    """One run: its options, and what its checks have learnt for those that come later. Threads share it."""

    options: Options
    trace_id: str = field(default_factory=lambda: secrets.token_hex(16))
    line: Line | None = None
    status: Status | None = None
    token: SessionToken | None = field(default=None, repr=False)
    heard: Heard | None = None
    answers: dict[str, Answer] = field(default_factory=dict)

    def of_proxy(self) -> list[Answer]:
        """The answers that came, but for those that a gateway gave in the proxy's place.   Raises: NotApplicable."""
        answers = list(self.answers.values())
        ours = [each for each in answers if each.status < 400 or each.is_problem]
        if not ours:
            raise NotApplicable("the proxy itself has answered nothing")
        return ours

    def masked(self, text: str) -> str:
        """The text without our secrets and without what a terminal would act on, cut to a readable length."""
        for secret in (self.options.client_key, self.token.token if self.token else None):
            if secret:
                text = text.replace(secret, "***")
        text = _UNPRINTABLE.sub(" ", _TOKEN.sub("***", text)).strip()
        return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}..."


class _Nobody(requests.auth.AuthBase):
    """No credentials but the headers that we set: else requests would send what ~/.netrc has for the host."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class Ask:
    """Asks for one check, until its time is up.   asked: what was asked so far, for the report."""

    def __init__(self, visit: Visit, until_s: float) -> None:
        self.visit, self.until_s = visit, until_s
        self.asked: list[str] = []
        self._session = requests.Session()
        self._session.trust_env = not visit.options.is_local
        self._session.auth = _Nobody()
        self._open: requests.Response | None = None
        self._lock = threading.Lock()
        self._is_over = False

    def left_s(self) -> float:
        """The seconds that are left, a little at least."""
        return max(0.05, self.until_s - time.monotonic())

    def get(self, path: str, **more: Any) -> requests.Response:
        """The answer to a GET, whatever its status.   Raises: Trouble."""
        return self.send("GET", path, **more)

    def send(
        self, method: str, path: str, *, body: object = None, as_client: bool = True, stream: bool = False
    ) -> requests.Response:
        """The answer, whatever its status but a redirect.

        path: below the API's prefix.   as_client: whether to show the session token, or the client key before there
        is one.   stream: whether the body is left to the caller.
        Raises: Trouble.
        """
        what = f"{method} {PREFIX}{path}"
        self.asked.append(what)
        request_id = secrets.token_hex(16)
        asked_s = time.time()
        try:
            answer = self._session.request(
                method,
                f"{self.visit.options.target}{PREFIX}{path}",
                json=body,
                headers=self._headers(request_id, as_client=as_client, wants_token=path == "/session/token"),
                timeout=(min(CONNECT_TIMEOUT_S, self.left_s()), self.left_s()),
                allow_redirects=False,
                stream=True,
                verify=self.visit.options.ca_file or True,
            )
            self._keep(answer)
            answered_s = time.time()
            if not stream:
                _read(answer, self.until_s)
        except (requests.RequestException, HTTPError, OSError) as error:  # what reads the body raises urllib3's own
            raise _broken(error) from error
        self.visit.answers.setdefault(
            what, Answer(what, answer.status_code, answer.headers, request_id, asked_s, answered_s)
        )
        _no_redirect(answer)
        return answer

    def model(self, model: type[M], method: str, path: str, **more: Any) -> M:
        """The promised object.   Raises: Trouble."""
        answer = self.send(method, path, **more)
        expect(answer, 200)
        return parsed(model, answer)

    def reader(self, answer: requests.Response) -> Callable[[], bytes]:
        """Reads a body that was left to the caller: whatever has come, empty at its end.

        Its calls raise TimeoutError when the time is up, and Trouble.
        """

        def read() -> bytes:
            try:
                return bytes(answer.raw.read1(65536, decode_content=True))
            except ReadTimeoutError as error:
                raise TimeoutError from error
            except (HTTPError, OSError) as error:
                raise _broken(error) from error

        return read

    def close(self) -> None:
        """End what is still open; from any thread. A turn that is left is cancelled upstream by the proxy."""
        with self._lock:
            self._is_over = True
            if self._open is not None:
                self._open.close()
        self._session.close()

    def _keep(self, answer: requests.Response) -> None:
        with self._lock:
            self._open = answer
            if self._is_over:
                answer.close()

    def _headers(self, request_id: str, *, as_client: bool, wants_token: bool) -> dict[str, str]:
        headers = {
            "User-Agent": AGENT,
            "X-Request-Id": request_id,
            "traceparent": f"00-{self.visit.trace_id}-{secrets.token_hex(8)}-01",
        }
        token, key = self.visit.token, self.visit.options.client_key
        if as_client and token is not None:
            headers["Authorization"] = f"Bearer {token.token}"
        elif as_client and wants_token and key is not None:
            headers[CLIENT_KEY_HEADER] = key
        return headers


def parsed(model: type[M], answer: requests.Response) -> M:
    """The object that an answer holds.   Raises: Trouble."""
    try:
        return model.model_validate_json(answer.content)
    except ValidationError as error:
        first = error.errors()[0]
        where = "/".join(map(str, first["loc"])) or "the body"
        raise Trouble(
            f"the answer is no {model.__name__}: {where}: {first['msg']}; it begins {_beginning(answer)!r}",
            "compare the versions of proxy and clients (see 'contract'); a gateway may also have changed the body",
        ) from error


def expect(answer: requests.Response, *statuses: int) -> None:
    """Nothing, when the answer has one of these statuses.   Raises: Refused, Trouble."""
    if answer.status_code in statuses:
        return
    if answer.headers.get("Content-Type", "").startswith(PROBLEM_JSON):
        try:
            problem = Problem.model_validate_json(answer.content)
        except ValidationError:
            pass
        else:
            kind = problem.type.rpartition("/")[2]
            found = f"{answer.status_code} {kind}: {problem.title}. {problem.detail}"
            raise Refused(found, _advice(kind, problem), kind)
    raise Trouble(f"{answer.status_code}: {_body_in_words(answer)}", _of_foreign(answer))


def _read(answer: requests.Response, until_s: float) -> None:
    """The whole body, within the time and a bound, as `content`."""
    pieces, size = list[bytes](), 0
    while piece := answer.raw.read1(65536, decode_content=True):
        pieces.append(piece)
        size += len(piece)
        if time.monotonic() > until_s:
            raise requests.ReadTimeout("the body did not end in time")
        if size > MAX_BODY_BYTES:
            raise requests.RequestException(f"the body is longer than {MAX_BODY_BYTES} bytes")
    answer._content = b"".join(pieces)


def _no_redirect(answer: requests.Response) -> None:
    if 300 <= answer.status_code < 400 and answer.status_code != 304:
        to = urlsplit(answer.headers.get("Location", ""))
        place = f"{to.scheme}://{to.netloc}{to.path}" if to.netloc else to.path or "nowhere"  # its query may be secret
        raise Trouble(
            f"{answer.status_code}, a redirect to {place}",
            "give the address that it leads to as --target, when that is the API; a login page there means that a "
            "gateway asks this machine to sign in first: ask from inside, or have the API's path let through",
        )


def _body_in_words(answer: requests.Response) -> str:
    kind = answer.headers.get("Content-Type", "no content type").partition(";")[0]
    text = answer.text
    title = _TITLE.search(text)
    if title:
        return f"a web page ({kind}), titled {' '.join(title[1].split())!r}"
    return f"{kind}, beginning {_beginning(answer)!r}" if text else f"{kind}, with an empty body"


def _beginning(answer: requests.Response) -> str:
    """More than will be shown: a secret that is cut in two would not be known again."""
    return " ".join(answer.text[: 10 * SHOWN_CHARS].split())


def _of_foreign(answer: requests.Response) -> str:
    if answer.status_code in (502, 503, 504):
        return "the gateway answers in the proxy's place: see whether the proxy's processes run, and the gateway's log"
    if answer.status_code == 404:
        return f"is --target the proxy? Its API is expected below {PREFIX}; see the gateway's routes"
    if answer.status_code in (401, 403):
        return "a gateway refuses this machine before the proxy sees it: see its allow list and its log"
    return "the proxy answers problems as JSON, so something between here and it has answered; see the gateway's log"


_ADVICE: Mapping[str, str] = {
    "client-key-invalid": "give the client key by --client-key-file or CORTEX_SMOKE_CLIENT_KEY; was it rotated?",
    "host-not-allowed": "the proxy runs with environment development and answers to its own host names only",
    "rate-limited": "somebody has used up the quota from this address or user; wait, and see who asks so often",
    "store-unavailable": "see the proxy's store (Redis, or the history file's disk)",
    "upstream-unauthorized": "Snowflake refuses the proxy's credentials: see key pair, user and account, and its clock",
    "upstream-forbidden": "grant the proxy's role what it lacks (proxy/deploy/snowflake_setup.sql)",
    "upstream-not-found": "the object that the proxy is configured with does not exist for its role; see its settings",
    "upstream-throttled": "Snowflake throttles the account: wait, and see who else uses it",
    "upstream-suspended": "the breaker is open after failures upstream; see 'status' and the proxy's log",
    "draining": "the process is being replaced; try again in a minute",
}


def _advice(kind: str, problem: Problem) -> str:
    trace = f"trace {problem.trace_id}" if problem.trace_id else "the proxy's log"
    hint = _ADVICE.get(kind, "see what the proxy logged of it")
    return f"{hint} ({trace})"


def _broken(error: Exception) -> Trouble:
    if isinstance(error, requests.ConnectTimeout):
        return Trouble("connecting took too long", "see firewall and VPN between here and the target")
    if isinstance(error, requests.Timeout | ReadTimeoutError) or "timed out" in str(error).lower():
        return silent()
    if isinstance(error, requests.exceptions.SSLError):
        return Trouble("the TLS handshake failed", "see the check 'connection'")
    if isinstance(error, requests.exceptions.ProxyError):
        return Trouble("the HTTP proxy of this machine's environment refused", "see HTTPS_PROXY and NO_PROXY")
    if isinstance(error, requests.ConnectionError | HTTPError | ConnectionError):
        return Trouble("the connection broke before the answer was whole", "see the gateway's and the proxy's log")
    return Trouble(f"{type(error).__name__}: {error}", "see the gateway's and the proxy's log")


def payload_of(token: str) -> dict[str, Any]:
    """What a JWT says, unchecked.   Raises: Trouble when it is none."""
    try:
        part = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError) as error:
        raise Trouble("the token is no JWT", "see which service answers /session/token") from error
    if not isinstance(found, dict):
        raise Trouble("the token holds no claims", "see which service answers /session/token")
    return found
