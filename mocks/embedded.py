"""The mock inside another program: started in a thread on a free port, asked and told without going through HTTP.

    with MockCortex() as mock:
        client = SomeClient(base_url=mock.url, headers=mock.headers)
        ...
        mock.assert_requested(path="*:run", last_user_text="Net sales by region", count=1)

It makes its own throw-away key pair, so nothing has to be configured. It plays at full speed unless told otherwise.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import http.client
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pydantic import ValidationError

from contracts.cortex import TOKEN_TYPE_HEADER
from mocks.journal import Entry, Filter
from mocks.request import Refusal
from mocks.server import serve
from mocks.snowflake.auth import account_name, fingerprint_of
from mocks.state import Mock, Options
from mocks.strict import explain, hint
from mocks.verify import Verification, verify

T = TypeVar("T")

START_S = 30.0
ANSWER_S = 30.0
TOKEN_LIFETIME_S = 3000
TOKEN_REUSE_S = 600
MAX_MISSES = 5
"""How many unmatched requests an explanation describes."""


class MockCortexError(Exception):
    """The mock cannot do what it was asked; the message says what to do instead."""


class UnmatchedRequestError(AssertionError):
    """Requests for which nothing is recorded, with their nearest misses."""


class UnusedInteractionError(AssertionError):
    """Recorded interactions that were declared and not asked for."""


@functools.cache
def _key() -> rsa.RSAPrivateKey:
    """This process's key pair; making one takes a tenth of a second."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Session:
    """What one test, or everybody, sees of a running mock.

    alone: nobody else uses the mock meanwhile, so requests that carry no test id are this session's as well. Clients
    that can add no header are served that way.
    """

    def __init__(self, served: _Served, test_id: str | None = None, *, alone: bool = False) -> None:
        self._served, self.test_id, self._is_alone = served, test_id, alone
        self._first = served.ask(lambda mock: mock.journal.next_id())
        self._undo: list[Callable[[], object]] = []

    @property
    def url(self) -> str:
        """The base URL."""
        return self._served.url

    @property
    def private_key_file(self) -> Path:
        """The private key of the mock's user, for clients that sign their own tokens; gone when the mock stops."""
        return self._served.private_key_file

    def token(self) -> str:
        """A JWT that the mock accepts, for almost an hour."""
        return self._served.token()

    @property
    def headers(self) -> dict[str, str]:
        """Credential and test id, for whatever sends requests."""
        named = {} if self.test_id is None else {"X-Test-Id": self.test_id}
        return {"Authorization": f"Bearer {self.token()}", TOKEN_TYPE_HEADER: "KEYPAIR_JWT", **named}

    def use(self, scenario: str | None) -> None:
        """Play a scenario from now on; None plays what is recorded.

        Raises: MockCortexError for an unknown one, naming the nearest.
        """
        known = self._served.mock.scenarios
        if scenario is not None and scenario not in known:
            raise MockCortexError(f"scenario {scenario!r} is not known{hint(scenario, known)}")
        if self._is_alone:
            before = self._served.ask(lambda mock: mock.active_scenario(None))
            self._undo.append(lambda: self._served.ask(lambda mock: mock.activate(None, before)))
        for test_id in self._ids():
            self._served.ask(functools.partial(_activate, test_id=test_id, name=scenario))

    def fault(self, fault: Mapping[str, Any] | None, *, on: list[str] | None = None) -> None:
        """Give every answer a fault, as scenario files write it; None takes it away.

        on: the surfaces it is for, agents when it does not say.   Raises: MockCortexError saying what is wrong with it.
        """
        if self._is_alone:
            before = self._served.fault()
            self._undo.append(lambda: self._served.set_fault(None, before["fault"], before["on"]))
        for test_id in self._ids():
            self._served.set_fault(test_id, fault, on)

    def entries(self) -> list[Entry]:
        """This session's exchanges, oldest first."""
        mine = None if self._is_alone else self.test_id
        found = self._served.ask(lambda mock: mock.journal.entries(Filter(mine), len(mock.journal)))[::-1]
        return [each for each in found if each.id >= self._first and (mine is not None or self._is_mine(each))]

    def journal(self, *, timeline: bool = False) -> list[dict[str, Any]]:
        """This session's exchanges as JSON, oldest first."""
        return [each.as_json(timeline=timeline) for each in self.entries()]

    def unmatched(self) -> list[dict[str, Any]]:
        """The exchanges for which nothing was recorded, oldest first, with their nearest misses."""
        return [each.as_json() for each in self.entries() if each.outcome == "missed"]

    def verify(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """What `POST /__mock/verify` would answer for this session.   Raises: MockCortexError for a bad document."""
        try:
            wanted = Verification.model_validate(document)
        except ValidationError as error:
            raise MockCortexError(explain(error, Verification)) from error
        deadline_s = time.monotonic() + wanted.within_ms / 1000
        while not (found := verify(wanted, self.entries()))["ok"] and time.monotonic() < deadline_s:
            time.sleep(0.01)
        return found

    def assert_requested(
        self, *, count: int | Mapping[str, int] | None = None, within_ms: float = 0, **expected: Any
    ) -> None:
        """Hold that such a request came: once at least, or `count` times, as `{"at_most": 2}` if need be.

        expected: fields of an expectation of `POST /__mock/verify`: method, path (a pattern), last_user_text, body, ...
        Raises: AssertionError naming the nearest requests, field by field; MockCortexError for unknown fields.
        """
        if count is not None:
            expected["count"] = {"exactly": count} if isinstance(count, int) else dict(count)
        found = self.verify({"requests": [expected], "within_ms": within_ms})
        if not found["ok"]:
            raise AssertionError("; ".join(found["failures"]))

    def check_matched(self) -> None:
        """Hold that every request found its recorded answer.   Raises: UnmatchedRequestError with nearest misses."""
        missed = self.unmatched()
        if missed:
            shown = "\n".join(_explained(each) for each in missed[:MAX_MISSES])
            more = f"\n  and {len(missed) - MAX_MISSES} more" if len(missed) > MAX_MISSES else ""
            raise UnmatchedRequestError(f"{len(missed)} request(s) found no recorded answer:\n{shown}{more}")

    def check_known(self, *cassettes: str) -> None:
        """Hold that there are such cassettes.   Raises: MockCortexError naming the nearest."""
        known = [tape.name for tape in self._served.mock.cassettes]
        for name in cassettes:
            if name not in known:
                raise MockCortexError(f"cassette {name!r} is not known{hint(name, known)}")

    def check_used(self, *cassettes: str) -> None:
        """Hold that every interaction of these cassettes was asked for.

        Raises: UnusedInteractionError naming those that were not, MockCortexError for an unknown cassette.
        """
        self.check_known(*cassettes)
        tapes = {tape.name: tape for tape in self._served.mock.cassettes}
        used = {(each.cassette, each.interaction) for each in self.entries()}
        unused = []
        for name in cassettes:
            for index, each in enumerate(tapes[name].interactions):
                if (name, index) not in used:
                    asks = each.request.match.model_dump(exclude_none=True)
                    unused.append(f"  {name} interaction {index}: {each.request.method} {each.request.path} {asks}")
        if unused:
            listed = "\n".join(unused)
            raise UnusedInteractionError(f"{len(unused)} declared interaction(s) were never asked for:\n{listed}")

    def reset(self, *only: str) -> None:
        """Forget what this session did; `only` some parts of it: journal, scenarios, threads, faults and others.

        Raises: MockCortexError for a part that is none.
        """
        try:
            self._served.ask(lambda mock: mock.reset(self.test_id, only or None))
        except Refusal as refusal:
            raise MockCortexError(refusal.message) from refusal

    def release(self) -> None:
        """Take back what was set for everybody, and forget what was kept for this session."""
        while self._undo:
            self._undo.pop()()
        if self.test_id is not None:
            self.reset()

    def _ids(self) -> list[str | None]:
        return [self.test_id, None] if self._is_alone and self.test_id is not None else [self.test_id]

    def _is_mine(self, entry: Entry) -> bool:
        return self.test_id is None or entry.test_id in (None, self.test_id)


class MockCortex(Session):
    """A mock in a thread of this process; a context manager. What it shows is what everybody did.

    options: fields of `mocks.state.Options`, such as `cassettes`, `scenarios`, `strict`; port 0 takes a free one.
    Raises on construction: TypeError for an unknown option.
    """

    def __init__(self, *, pace: float = 0.0, port: int = 0, public_keys: tuple[Path, ...] = (), **options: Any) -> None:
        known = [field.name for field in dataclasses.fields(Options)]
        for name in options:
            if name not in known:
                raise TypeError(f"MockCortex has no option {name!r}{hint(name, known)}")
        self._served = _Served(pace=pace, port=port, public_keys=public_keys, **options)

    def __enter__(self) -> MockCortex:
        self.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Answer requests from now on.

        Raises: PortInUseError, ValueError for a bad option, and everything that loading can raise.
        """
        self._served.start()
        super().__init__(self._served)

    def stop(self) -> None:
        """End every exchange, and the thread."""
        self._served.stop()

    def session(self, test_id: str, *, alone: bool = False) -> Session:
        """What one test sees; `alone` when it shares the mock with no other at the same time."""
        return Session(self._served, test_id, alone=alone)


class _Served:
    """The thread, its event loop, and the mock on it."""

    def __init__(self, *, public_keys: tuple[Path, ...], **options: Any) -> None:
        self._given = {"public_keys": public_keys, **options}
        self._stopping = contextlib.ExitStack()
        self._url = ""
        self._token = ("", 0.0)
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def url(self) -> str:
        if not self._url:
            raise MockCortexError("the mock is not running; use it as a context manager, or call start()")
        return self._url

    def _load(self) -> None:
        folder = self._stopping.enter_context(tempfile.TemporaryDirectory(prefix="mock-cortex-"))
        self.private_key_file = Path(folder) / "rsa_key.p8"
        keys = (self._write_keys(), *self._given["public_keys"])
        self.options = Options(**{**self._given, "public_keys": keys})
        self.mock = Mock(self.options)

    def _write_keys(self) -> Path:
        self.private_key_file.touch(mode=0o600)
        self.private_key_file.write_bytes(_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        public = self.private_key_file.with_name("rsa_key.pub")
        public.write_bytes(_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        return public

    def start(self) -> None:
        if self._loop is not None:
            raise MockCortexError("this mock runs already; it starts once")
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(self._stopping.close)
            self._load()
            self._serve()
            on_failure.pop_all()

    def _serve(self) -> None:
        ready = threading.Event()
        failures: list[BaseException] = []
        stop = asyncio.Event()

        async def live() -> None:
            self._loop = asyncio.get_running_loop()
            await serve(self.options, on_ready, stop, mock=self.mock)

        def on_ready(url: str) -> None:
            self._url = url
            ready.set()

        def work() -> None:
            try:
                _run(live())
            except BaseException as error:  # told to whoever started it
                failures.append(error)
            finally:
                ready.set()

        thread = threading.Thread(target=work, name="mock-cortex", daemon=True)
        thread.start()
        if not ready.wait(START_S):
            raise MockCortexError(f"the mock did not start in {START_S:g} s")
        if failures:
            thread.join()
            raise failures[0]
        self._stopping.callback(thread.join, START_S)
        self._stopping.callback(self._signal, stop)

    def stop(self) -> None:
        self._stopping.close()

    def _signal(self, stop: asyncio.Event) -> None:
        assert self._loop is not None, "what was never started is never signalled"
        with contextlib.suppress(RuntimeError):  # the loop ended by itself
            self._loop.call_soon_threadsafe(stop.set)

    def ask(self, question: Callable[[Mock], T]) -> T:
        """The answer of a question put to the mock on its own thread."""
        assert self.url, "raises when it is not running"
        assert self._loop is not None, "what has a URL has a loop"

        async def answer() -> T:
            return question(self.mock)

        return asyncio.run_coroutine_threadsafe(answer(), self._loop).result(ANSWER_S)

    def set_fault(self, test_id: str | None, fault: Mapping[str, Any] | None, on: list[str] | None) -> None:
        headers = {} if test_id is None else {"X-Test-Id": test_id}
        if fault is None:
            self._call_faults("DELETE", None, headers)
        else:
            document = {"fault": fault, **({} if on is None else {"on": on})}
            self._call_faults("PUT", json.dumps(document).encode(), headers)

    def fault(self) -> dict[str, Any]:
        """The fault that is set for everybody, under `fault`, and the surfaces it is for, under `on`."""
        return self._call_faults("GET", None, {})

    def _call_faults(self, method: str, document: bytes | None, headers: dict[str, str]) -> dict[str, Any]:
        at = urlsplit(self.url)
        with contextlib.closing(http.client.HTTPConnection(at.hostname or "", at.port, timeout=ANSWER_S)) as connection:
            connection.request(method, "/__mock/faults", document, headers)
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        if response.status != 200:
            raise MockCortexError(f"the fault was refused: {answer.get('message', answer)}")
        return answer

    def token(self) -> str:
        token, made_s = self._token
        if not token or time.monotonic() > made_s + TOKEN_REUSE_S:
            now, subject = int(time.time()), f"{account_name(self.options.account)}.{self.options.user.upper()}"
            issuer = f"{subject}.{fingerprint_of(_key().public_key())}"
            claims = {"iss": issuer, "sub": subject, "iat": now, "exp": now + TOKEN_LIFETIME_S}
            token = jwt.encode(claims, _key(), algorithm="RS256")
            self._token = (token, time.monotonic())
        return token


def _run(live: Any) -> None:
    if sys.platform == "win32":
        asyncio.run(live)
    else:
        import uvloop  # noqa: PLC0415 - absent on Windows

        uvloop.run(live)


def _activate(mock: Mock, *, test_id: str | None, name: str | None) -> None:
    mock.activate(test_id, name)


def _explained(entry: Mapping[str, Any]) -> str:
    reason = f": {entry['why']}" if entry["why"] and not entry["nearest"] else ""
    lines = [f"  {entry['method']} {entry['path']}{reason}"]
    for miss in entry["nearest"] or ():
        fields = "; ".join(
            f"{each['field']} was {each['found']!r}, recorded is {each['expected']!r}" for each in miss["differences"]
        )
        lines.append(f"    nearest: {miss['cassette']} interaction {miss['interaction']}: {fields}")
    return "\n".join(lines)
