"""Session tokens: HS256 JWTs of five minutes, refreshed with a still valid one up to an absolute session limit.

RFC 8725: one algorithm for every key, an explicit type, a closed set of header entries and of claims, every one of them
required, and a bound on the length before parsing. A token authorises the start of a stream; the stream may outlive it,
bounded by its own deadline.

TokenService            issues, checks and ends; binds other values to a subject
Denylist                what was ended before its time: MemoryDenylist of one process, RedisDenylist of all
"""

from __future__ import annotations

import base64
import contextlib
import heapq
import hmac
import json
import math
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, Protocol

import jwt
import redis
from pydantic import BaseModel, ConfigDict, Field

from contracts.api import SUBJECT, ProblemType, SessionToken
from proxy.keyring import ALGORITHM, CHECK_EVERY_S, Key, KeyFile, Keyring, text_key
from proxy.problems import ProblemError
from proxy.settings import Settings

TYPE = "cortex-session+jwt"
NAME: Final = "cortex-proxy"
"""Issuer and audience: the proxy makes its tokens for itself."""

LEEWAY_S = 5
MAX_TOKEN_CHARS = 4096
MAX_SEALED_CHARS = 256
CLIENT_KEY_HEADER = "X-Client-Key"
DENIED_PREFIX = "cortex-proxy:denied:"

_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")  # PyJWT would take padding
_SEAL_PURPOSE = b"cortex-proxy seal"
_JWS = jwt.PyJWS([ALGORITHM])
_KID_BYTES, _TAG_BYTES = 8, 32
_MAX_VALUE_BYTES = MAX_SEALED_CHARS * 3 // 4 - _KID_BYTES - _TAG_BYTES

_Id = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
_Moment = Annotated[int, Field(gt=0, lt=253_402_300_800)]  # the year 10000, which no datetime holds


class Claims(BaseModel):
    """What a token says, no more and no less. Times are seconds since the epoch."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    iss: Literal["cortex-proxy"]
    aud: Literal["cortex-proxy"]
    sub: Annotated[str, Field(pattern=SUBJECT)]
    iat: _Moment
    exp: _Moment
    jti: _Id
    sid: _Id
    sxp: _Moment


@dataclass(frozen=True, slots=True)
class Session:
    """Who a valid token speaks for. Times are seconds since the epoch."""

    session_id: str
    subject: str
    expires_at: int
    session_expires_at: int
    token_id: str


class Denylist(Protocol):
    """Names of tokens and sessions that are refused although they have not expired."""

    def deny(self, names: Mapping[str, int]) -> None:
        """Refuse each name for so many seconds.   Raises: ProblemError when that cannot be kept."""

    def denies(self, *names: str) -> bool:
        """Whether one of the names is refused.   Raises: ProblemError when that cannot be known."""


class MemoryDenylist:
    """The denied names of one process. Threads may share it; what has expired is forgotten."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}
        self._ends: list[tuple[float, str]] = []  # a heap

    def __len__(self) -> int:
        """How many names are kept."""
        return len(self._until)

    def deny(self, names: Mapping[str, int]) -> None:
        """Refuse each name for so many seconds."""
        now = self._clock()
        with self._lock:
            while self._ends and self._ends[0][0] <= now:
                _, name = heapq.heappop(self._ends)
                if self._until.get(name, math.inf) <= now:  # else denied once more, for longer
                    del self._until[name]
            for name, seconds in names.items():
                if self._until.get(name, now) < now + seconds:
                    self._until[name] = now + seconds
                    heapq.heappush(self._ends, (now + seconds, name))

    def denies(self, *names: str) -> bool:
        """Whether one of the names is refused."""
        now = self._clock()
        with self._lock:
            return any(self._until.get(name, now) > now for name in names)


class RedisDenylist:
    """The denied names of all processes. Without Redis nobody is let in: a logout must hold.

    on_use: told after each use whether Redis answered.
    """

    def __init__(self, client: redis.Redis, on_use: Callable[[bool], None] = lambda _works: None) -> None:
        self._client, self._on_use = client, on_use

    def deny(self, names: Mapping[str, int]) -> None:
        """Refuse each name for so many seconds.   Raises: ProblemError without Redis."""
        with self._asking(), self._client.pipeline(transaction=True) as pipeline:
            for name, seconds in names.items():
                pipeline.set(DENIED_PREFIX + name, 1, ex=seconds)  # not a moment: its clock need not be ours
            pipeline.execute()

    def denies(self, *names: str) -> bool:
        """Whether one of the names is refused.   Raises: ProblemError without Redis."""
        with self._asking():
            return bool(self._client.exists(*(DENIED_PREFIX + name for name in names)))

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except redis.RedisError as error:
            self._on_use(False)
            raise _store_unavailable() from error
        self._on_use(True)


class TokenService:
    """Issues, checks and ends session tokens. Threads may share it.

    denylist: of this process alone when not given.   Raises on construction: OSError, ValueError for what is no key.
    """

    def __init__(
        self, settings: Settings, denylist: Denylist | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._lifetime_s, self._limit_s = settings.token_lifetime_s, settings.session_limit_s
        # Other processes may go on signing with the old key until they look at its file.
        overlap_s = self._lifetime_s + LEEWAY_S + CHECK_EVERY_S
        self._keyring = Keyring(settings.session_key_file, settings.next_session_key_file, overlap_s, clock)
        path = settings.client_key_file
        self._client_key = None if path is None else KeyFile(path, text_key, clock())
        self._open = settings.environment == "development"
        self._denylist = MemoryDenylist(clock) if denylist is None else denylist
        self._clock = clock

    def check_client(self, presented: str | None, *, names_subject: bool = False) -> None:
        """In production, and to name the subject of a session, the caller must present the client key.

        Raises: ProblemError.
        """
        if self._open and not names_subject:
            return
        expected = self._client_key.key(self._clock()) if self._client_key else None
        if expected is None:
            detail = "Naming a subject needs the client key, and this proxy has none; leave the subject out."
            raise ProblemError(ProblemType.CLIENT_KEY_INVALID, detail)
        if not hmac.compare_digest((presented or "").encode(), expected):
            purpose = "to name a subject" if names_subject else "here"
            detail = f"A valid {CLIENT_KEY_HEADER} header is required {purpose}."
            raise ProblemError(ProblemType.CLIENT_KEY_INVALID, detail)

    def open_session(self, subject: str | None = None) -> SessionToken:
        """A token for a new session, of a new subject unless one is named."""
        now = int(self._clock())
        return self._issue(secrets.token_hex(16), subject or f"user-{secrets.token_hex(8)}", now, now + self._limit_s)

    def refresh(self, session: Session) -> SessionToken:
        """A new token for the same session, never beyond its limit.   Raises: ProblemError at the limit."""
        now = int(self._clock())
        if session.session_expires_at <= now:
            raise ProblemError(ProblemType.SESSION_ENDED, "Open a new session: request a token without a token.")
        return self._issue(session.session_id, session.subject, now, session.session_expires_at)

    def _issue(self, session_id: str, subject: str, now: int, session_expires_at: int) -> SessionToken:
        key = self._keyring.signing()
        claims = Claims(
            iss=NAME,
            aud=NAME,
            sub=subject,
            iat=now,
            exp=min(now + self._lifetime_s, session_expires_at),
            jti=secrets.token_hex(16),
            sid=session_id,
            sxp=session_expires_at,
        )
        token = jwt.encode(claims.model_dump(), key.secret, algorithm=ALGORITHM, headers={"typ": TYPE, "kid": key.kid})
        return SessionToken(
            token=token,
            session_id=session_id,
            expires_at=datetime.fromtimestamp(claims.exp, UTC),
            expires_in_s=claims.exp - now,
            session_expires_at=datetime.fromtimestamp(session_expires_at, UTC),
        )

    def authenticate(self, authorization: str | None) -> Session:
        """The session of an `Authorization: Bearer` header.

        Raises: ProblemError, never saying which check failed; only a good token's end is told apart.
        """
        if not authorization:
            raise ProblemError(ProblemType.TOKEN_MISSING, "Send the token as 'Authorization: Bearer <token>'.")
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or len(token) > MAX_TOKEN_CHARS or not _TOKEN.fullmatch(token):
            raise _invalid()
        try:
            claims = self._claims(token)
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise _invalid() from error
        self._check_times(claims)
        if self._denylist.denies(*_denied_names(claims.jti, claims.sid)):
            raise _invalid()
        return Session(claims.sid, claims.sub, claims.exp, claims.sxp, claims.jti)

    def _claims(self, token: str) -> Claims:
        """What the token says, signed by a key of ours.   Raises: PyJWTError, ValueError, RecursionError."""
        header = _object(_decoded(token.partition(".")[0]))
        key = self._keyring.find(header.get("kid"))
        # Nothing beside what we write ourselves: crit, b64, jku, x5u, jwk and all that is to come are refused.
        if key is None or header != {"alg": ALGORITHM, "kid": key.kid, "typ": TYPE}:
            raise ValueError("the header is none of ours")
        return Claims.model_validate(_object(_JWS.decode(token, key.secret, algorithms=[ALGORITHM])))

    def _check_times(self, claims: Claims) -> None:
        now = self._clock()
        if claims.iat > now + LEEWAY_S or not 0 < claims.exp - claims.iat <= self._lifetime_s:
            raise _invalid()
        if claims.exp > claims.sxp:
            raise _invalid()
        if claims.exp + LEEWAY_S <= now:
            raise ProblemError(ProblemType.TOKEN_EXPIRED, "Request a new token and try again.")

    def end(self, session: Session) -> None:
        """From now on no token of the session is accepted, nor refreshed.   Raises: ProblemError without the store."""
        now = self._clock()
        # A refresh that is under way may still issue a token; it does not take a whole lifetime.
        session_ends_at = min(session.session_expires_at, now + 2 * self._lifetime_s)
        names = _denied_names(session.token_id, session.session_id)
        ends = zip(names, (session.expires_at, session_ends_at), strict=True)
        self._denylist.deny({name: max(1, math.ceil(end + LEEWAY_S - now)) for name, end in ends})

    def seal(self, subject: str, value: str) -> str:
        """The value as an opaque name that only `unseal` for the same subject gives back; url-safe, bounded.

        It outlives a rotation as tokens do. The value is signed, not hidden.   Raises: ValueError for a long value.
        """
        content = value.encode()
        if len(content) > _MAX_VALUE_BYTES:
            raise ValueError(f"a value of {len(content)} bytes cannot be sealed; the limit is {_MAX_VALUE_BYTES}")
        key = self._keyring.signing()
        return _encoded(bytes.fromhex(key.kid) + _seal_tag(key, subject, content) + content)

    def unseal(self, subject: str, sealed: str) -> str:
        """The value that was sealed for the subject.   Raises: ProblemError when there is none."""
        if len(sealed) > MAX_SEALED_CHARS:
            raise _not_found()
        try:
            found = _decoded(sealed)
        except ValueError as error:
            raise _not_found() from error
        kid, tag, content = found[:_KID_BYTES], found[_KID_BYTES:][:_TAG_BYTES], found[_KID_BYTES + _TAG_BYTES :]
        key = self._keyring.find(kid.hex())
        if key is None or not hmac.compare_digest(tag, _seal_tag(key, subject, content)):
            raise _not_found()
        return content.decode()


def _seal_tag(key: Key, subject: str, content: bytes) -> bytes:
    """Binds content to subject; the key is derived, so that no seal can ever pass for a token's signature."""
    derived = hmac.digest(key.secret, _SEAL_PURPOSE, "sha256")
    owner = subject.encode()
    return hmac.digest(derived, len(owner).to_bytes(4, "big") + owner + content, "sha256")


def _denied_names(token_id: str, session_id: str) -> tuple[str, str]:
    return f"jti:{token_id}", f"sid:{session_id}"


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    """What `_encoded` made this text of.   Raises: ValueError for every other spelling, too."""
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _encoded(raw) != text:
        raise ValueError("not base64url")
    return raw


def _object(raw: bytes) -> dict[str, Any]:
    """A JSON object.   Raises: ValueError for anything else, RecursionError."""
    found = json.loads(raw.decode(), object_pairs_hook=_without_duplicates)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name occurs more than once")
    return found


def _invalid() -> ProblemError:
    return ProblemError(ProblemType.TOKEN_INVALID, "The session token cannot be accepted; request a new one.")


def _not_found() -> ProblemError:
    return ProblemError(ProblemType.RESULT_NOT_FOUND, "No result of yours has this name; run the statement again.")


def _store_unavailable() -> ProblemError:
    return ProblemError(
        ProblemType.STORE_UNAVAILABLE, "Ended sessions cannot be looked up or noted now; try again.", retry_after_s=1
    )
