"""Key-pair JWT verification as Snowflake does it.

The client is only ever told code 390144 and an id; the true reason (394300 to 394307) is what Snowflake shows
administrators under that id, and what the mock writes to its journal.
"""

from __future__ import annotations

import base64
import hashlib
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from contracts.cortex import Code, TokenType

MAX_LIFETIME_S = 3600
"""A longer `exp` is cut to this, not refused."""

CLOCK_SKEW_S = 60
MAX_TOKEN_CHARS = 8192
MAX_TIME_MS = 1e14
"""A thousandth of it, the year 5138, is where seconds end and milliseconds begin."""

_SNOWFLAKE_TOKEN = re.compile(r'^Snowflake Token="[^"]*"$')


class AuthError(Exception):
    """A refused credential.

    code, message, status: what the client is told.   reason: what an administrator would find; never sent.
    """

    def __init__(self, code: str, message: str, reason: str, status: int = 401) -> None:
        super().__init__(reason)
        self.code, self.message, self.reason, self.status = code, message, reason, status


@dataclass(frozen=True, slots=True)
class User:
    """A Snowflake user with its registered keys: one or two PEM public keys, either of which may sign."""

    name: str
    keys: tuple[RSAPublicKey, ...]
    roles: frozenset[str] = field(default_factory=frozenset)

    def key_of(self, fingerprint: str) -> RSAPublicKey | None:
        """The registered key with this `SHA256:...` fingerprint."""
        return next((key for key in self.keys if fingerprint_of(key) == fingerprint), None)


@dataclass(frozen=True, slots=True)
class Account:
    """The account that tokens must name, upper-case, and its users by upper-case name."""

    name: str
    users: dict[str, User]


def fingerprint_of(key: RSAPublicKey) -> str:
    """`SHA256:` and the base64 SHA-256 of the key's DER SubjectPublicKeyInfo, as DESCRIBE USER shows it."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode()


def account_name(account: str) -> str:
    """An account as tokens name it: upper-case, a locator without its region and cloud."""
    return account.partition(".")[0].upper()


def load_public_key(path: Path) -> RSAPublicKey:
    """A PEM public key file.   Raises: OSError when unreadable, ValueError naming the file when it is no RSA key."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is not a PEM public key: {error}") from error
    if not isinstance(key, RSAPublicKey):
        raise ValueError(f"{path} holds no RSA key; Snowflake key pairs are RSA")
    return key


def verify(
    authorization: str | None, token_type: str | None, account: Account, clock: Callable[[], float] = time.time
) -> User:
    """The user behind a request's credential.

    authorization, token_type: the two header values.   Raises: AuthError.
    Source: Snowflake's pages on key-pair authentication and its troubleshooting; the order of checks is ours.
    """
    if not authorization:
        raise AuthError(Code.NO_AUTHORIZATION, "Authorization header not found in the request data.", "no header")
    scheme, _, token = authorization.partition(" ")
    if _SNOWFLAKE_TOKEN.match(authorization):
        raise AuthError("390104", "User must login again to access the service.", "session tokens are not emulated yet")
    if scheme.lower() != "bearer" or not token:
        raise _invalid("394304", f"scheme {scheme!r} is not Bearer")
    if token_type == TokenType.OAUTH:
        raise AuthError("390303", f"Invalid OAuth access token. [{uuid.uuid4()}]", "OAuth is not emulated yet")
    if token_type == TokenType.PAT:
        raise AuthError("394400", "Programmatic access token is invalid.", "tokens of this type are not emulated yet")
    if token_type not in (None, TokenType.KEYPAIR_JWT):
        raise _invalid("394304", f"token type {token_type!r} is not known")
    return _verify_jwt(token, account, clock())


def _verify_jwt(token: str, account: Account, now: float) -> User:
    claims = _unverified_claims(token)
    user, key = _issuer(claims, account)
    try:
        jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            options={"verify_exp": False, "verify_iat": False, "verify_aud": False, "verify_nbf": False},
        )
    except jwt.PyJWTError as error:
        raise _invalid("394306", f"signature: {error}") from error
    _check_times(claims, now)
    return user


def _unverified_claims(token: str) -> dict[str, Any]:
    if len(token) > MAX_TOKEN_CHARS:
        raise _invalid("394306", f"token of {len(token)} characters")
    try:
        header = jwt.get_unverified_header(token)
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise _invalid("394306", f"not a JWT: {error}") from error
    if header.get("alg") != "RS256":
        raise _invalid("394305", f"algorithm {header.get('alg')!r} is not RS256")
    return claims


def _issuer(claims: dict[str, Any], account: Account) -> tuple[User, RSAPublicKey]:
    """The user and key named by `iss` = ACCOUNT.USER.SHA256:fp, with `sub` = ACCOUNT.USER."""
    issuer, subject = claims.get("iss"), claims.get("sub")
    if not isinstance(issuer, str) or not isinstance(subject, str):
        raise _invalid("394300", "iss or sub is missing")
    prefix, _, fingerprint = issuer.rpartition(".")
    account_name, _, user_name = subject.partition(".")
    if prefix != subject:
        raise _invalid("394300", f"iss {issuer!r} does not start with sub {subject!r}")
    if account_name != account.name:
        raise _invalid("394307", f"account {account_name!r} is not {account.name!r}")
    user = account.users.get(user_name)
    if user is None:
        raise _invalid("394300", f"user {user_name!r} is not known; names are upper-case")
    key = user.key_of(fingerprint)
    if key is None:
        raise _invalid("394304", f"fingerprint {fingerprint!r} is not registered for {user_name}")
    return user, key


def _check_times(claims: dict[str, Any], now: float) -> None:
    issued, expires = _seconds(claims.get("iat")), _seconds(claims.get("exp"))
    if issued is None or expires is None:
        raise _invalid("394301", "iat or exp is missing or not a time")
    if issued > now + CLOCK_SKEW_S:
        raise _invalid("394302", f"iat is {issued - now:.0f} s in the future")
    if min(expires, issued + MAX_LIFETIME_S) <= now:
        raise _invalid("394303", "expired")


def _seconds(value: Any) -> float | None:
    """Seconds since the epoch; Snowflake takes milliseconds, too."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_TIME_MS:
        return None
    return value / 1000 if value > MAX_TIME_MS / 1000 else float(value)


def _invalid(reason_code: str, reason: str) -> AuthError:
    """The one answer for every bad JWT; `reason` stays on this side."""
    return AuthError(Code.INVALID_JWT, f"JWT token is invalid. [{uuid.uuid4()}]", f"{reason_code}: {reason}")
