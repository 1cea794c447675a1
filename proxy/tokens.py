"""Session tokens: HS256 JWTs of five minutes, refreshed with a still valid one up to an absolute session limit.

RFC 8725: one algorithm per key id, an explicit type, every claim required, and a bound on the length before parsing.
A token authorises the start of a stream; the stream may outlive it, bounded by its own deadline.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import jwt

from contracts.api import ProblemType, SessionToken
from proxy.problems import ProblemError
from proxy.settings import Settings

TYPE = "cortex-session+jwt"
ISSUER = AUDIENCE = "cortex-proxy"
ALGORITHM = "HS256"
LEEWAY_S = 5
MAX_TOKEN_CHARS = 4096
MIN_KEY_BYTES = 32
CLIENT_KEY_HEADER = "X-Client-Key"


@dataclass(frozen=True, slots=True)
class Session:
    """Who a valid token speaks for. Times are seconds since the epoch."""

    session_id: str
    subject: str
    expires_at: int
    session_expires_at: int


class TokenService:
    """Issues and checks session tokens.   Raises on construction: OSError, ValueError for a short key."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._key = _long_enough(settings.session_key_file, settings.session_key_file.read_bytes())
        if self._key.startswith(b"-----BEGIN"):
            raise ValueError(f"{settings.session_key_file} is a PEM file; the session key is plain random bytes")
        self._kid = hashlib.sha256(b"kid:" + self._key).hexdigest()[:16]
        self._client_key: bytes | None = None
        if settings.client_key_file:  # text, as it travels in a header
            self._client_key = _long_enough(settings.client_key_file, settings.client_key_file.read_bytes().strip())
        self._open = settings.environment == "development"
        self._lifetime_s, self._limit_s = settings.token_lifetime_s, settings.session_limit_s
        self._clock = clock

    def check_client(self, presented: str | None) -> None:
        """In production the caller must present the client key.   Raises: ProblemError."""
        if self._open:
            return
        assert self._client_key is not None, "settings require the client key outside development"
        if not hmac.compare_digest((presented or "").encode(), self._client_key):
            raise ProblemError(ProblemType.TOKEN_INVALID, f"A valid {CLIENT_KEY_HEADER} header is required here.")

    def open_session(self) -> SessionToken:
        """A token for a new session of a new subject."""
        now = int(self._clock())
        session_id, subject = secrets.token_hex(16), f"user-{secrets.token_hex(8)}"
        return self._issue(Session(session_id, subject, now + self._lifetime_s, now + self._limit_s), now)

    def refresh(self, session: Session) -> SessionToken:
        """A new token for the same session, never beyond its limit.   Raises: ProblemError at the limit."""
        now = int(self._clock())
        expires_at = min(now + self._lifetime_s, session.session_expires_at)
        if expires_at <= now:
            raise ProblemError(ProblemType.SESSION_ENDED, "Open a new session: request a token without a token.")
        return self._issue(Session(session.session_id, session.subject, expires_at, session.session_expires_at), now)

    def _issue(self, session: Session, now: int) -> SessionToken:
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": session.subject,
            "iat": now,
            "exp": session.expires_at,
            "jti": secrets.token_hex(16),
            "sid": session.session_id,
            "sxp": session.session_expires_at,
        }
        token = jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"typ": TYPE, "kid": self._kid})
        return SessionToken(
            token=token,
            session_id=session.session_id,
            expires_at=datetime.fromtimestamp(session.expires_at, UTC),
            expires_in_s=session.expires_at - now,
            session_expires_at=datetime.fromtimestamp(session.session_expires_at, UTC),
        )

    def authenticate(self, authorization: str | None) -> Session:
        """The session of an `Authorization: Bearer` header.   Raises: ProblemError, never saying which check failed."""
        if not authorization:
            raise ProblemError(ProblemType.TOKEN_MISSING, "Send the token as 'Authorization: Bearer <token>'.")
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > MAX_TOKEN_CHARS:
            raise _invalid()
        try:
            return self._session(token)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise _invalid() from error

    def _session(self, token: str) -> Session:
        header = jwt.get_unverified_header(token)
        if header.get("kid") != self._kid or header.get("typ") != TYPE or "crit" in header:
            raise _invalid()
        claims = jwt.decode(
            token,
            self._key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={
                "require": ["iss", "aud", "sub", "exp", "iat", "jti", "sid", "sxp"],
                "verify_exp": False,
                "verify_iat": False,
            },
        )
        names = [claims["sid"], claims["sub"]]
        times = [claims["iat"], claims["exp"], claims["sxp"]]
        if any(type(name) is not str for name in names) or any(type(moment) is not int for moment in times):
            raise _invalid()
        issued_at, expires_at, session_expires_at = times
        session = Session(claims["sid"], claims["sub"], expires_at, session_expires_at)
        self._check_times(session, issued_at)
        return session

    def _check_times(self, session: Session, issued_at: int) -> None:
        # Our own clock is compared here, not in PyJWT, so that tests can move it.
        now = self._clock()
        if issued_at > now + LEEWAY_S or session.expires_at - issued_at > self._lifetime_s:
            raise _invalid()
        if session.expires_at + LEEWAY_S <= now:
            raise ProblemError(ProblemType.TOKEN_EXPIRED, "Request a new token and try again.")


def _invalid() -> ProblemError:
    return ProblemError(ProblemType.TOKEN_INVALID, "The session token cannot be accepted; request a new one.")


def _long_enough(path: Path, key: bytes) -> bytes:
    if len(key) < MIN_KEY_BYTES:
        raise ValueError(f"{path} holds {len(key)} bytes; a key needs at least {MIN_KEY_BYTES}")
    return key
