"""Who asks: every credential that Snowflake's REST APIs take, verified as Snowflake does it.

A client is only ever told a code and an id; the true reason (for a JWT 394300 to 394307) is what Snowflake shows
administrators under that id, and what the mock writes to its journal. No credential is kept: registered tokens and
verified ones are known by their SHA-256.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import jwt
import yaml
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from jwt.types import Options
from pydantic import SecretStr, ValidationError

from contracts.cortex import ROLE_HEADER, TOKEN_TYPE_HEADER, WAREHOUSE_HEADER, Code, TokenType
from mocks.matching import identifier
from mocks.request import Request
from mocks.snowflake.sessions import SessionError, Sessions
from mocks.strict import Strict, explain

MAX_LIFETIME_S = 3600
"""A longer `exp` is cut to this, not refused."""

CLOCK_SKEW_S = 60
MAX_TOKEN_CHARS = 8192
MAX_TIME_MS = 1e14
"""A thousandth of it, the year 5138, is where seconds end and milliseconds begin."""

MAX_VERIFIED = 1024
"""Verified signatures remembered at a time; the one unused for longest goes first."""

EVERYONE = "PUBLIC"
"""The role that every user has."""

_TOKEN_TYPE, _ROLE, _WAREHOUSE = (name.lower() for name in (TOKEN_TYPE_HEADER, ROLE_HEADER, WAREHOUSE_HEADER))
_SESSION_TOKEN = re.compile(r'^Snowflake Token="([^"]*)"$')
_ROLE_SCOPE = "session:role:"
_UNVERIFIED: Options = {"verify_signature": False, "verify_exp": False, "verify_iat": False, "verify_aud": False}
_SIGNATURE_ONLY: Options = {"verify_exp": False, "verify_iat": False, "verify_aud": False, "verify_nbf": False}

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class AuthError(Exception):
    """A refused credential or context.

    code, message, status: what the client is told.   reason: what an administrator would find; never sent.   mock: the
    mock's own explanation, sent beside the error.
    """

    def __init__(
        self, code: str, message: str, reason: str, status: int = 401, *, mock: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(reason)
        self.code, self.message, self.reason, self.status, self.mock = code, message, reason, status, mock


@dataclass(frozen=True, slots=True)
class User:
    """A Snowflake user: its registered public keys by fingerprint, one or two, and what it may be and use.

    roles: granted ones; PUBLIC is, without being named.
    """

    name: str
    keys: Mapping[str, RSAPublicKey]
    roles: frozenset[str] = frozenset()
    default_role: str = EVERYONE
    warehouses: frozenset[str] = frozenset()
    default_warehouse: str = ""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What is known of a registered token besides its digest.

    roles: the only ones it may take, the default first; empty for every one of its user.
    """

    kind: TokenType
    user: str
    roles: tuple[str, ...] = ()
    expires_s: float | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """The account that tokens must name, upper-case, and its users by upper-case name.

    tokens: by SHA-256.   networks: the network policy; empty when there is none.
    """

    name: str
    users: dict[str, User]
    tokens: dict[bytes, AccessToken] = field(default_factory=dict)
    networks: tuple[Network, ...] = ()
    pat_needs_network_policy: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a credential stands for.

    roles: the only ones it may take; empty for every one of its user.   role, warehouse: what it has unasked.
    """

    user: User
    role: str
    warehouse: str
    roles: tuple[str, ...] = ()

    def role_for(self, asked: str) -> str:
        """The role of a request that asks for one, plain or quoted, or for none.   Raises: AuthError (390189)."""
        role = identifier(asked) if asked else self.role
        is_granted = role == EVERYONE or role in self.user.roles
        if not is_granted or (self.roles and role not in self.roles):
            mine = self.user.roles | {EVERYONE}
            usable = mine.intersection(self.roles) if self.roles else mine
            message = f"Role '{role}' specified in the request is not granted to this user."
            reason = f"role {role!r} is not granted, or not to this token"
            raise AuthError(Code.ROLE_NOT_GRANTED, message, reason, 403, mock={"granted_roles": sorted(usable)})
        return role

    def warehouse_for(self, asked: str) -> str:
        """The warehouse, in the same way; empty when there is none.   Raises: AuthError (390201)."""
        warehouse = identifier(asked) if asked else self.warehouse
        if warehouse and warehouse not in self.user.warehouses:
            message = "The requested warehouse does not exist or not authorized."
            known = {"warehouses": sorted(self.user.warehouses)}
            reason = f"warehouse {warehouse!r} is not known"
            raise AuthError(Code.WAREHOUSE_NOT_AUTHORIZED, message, reason, 403, mock=known)
        return warehouse


@dataclass(frozen=True, slots=True)
class _Verified:
    """A JWT whose signature held: whom it stands for, and what of it must be looked at again each time."""

    who: Identity
    fingerprint: str
    key: RSAPublicKey
    issued_s: float | None
    expires_s: float | None


class Gate:
    """Lets requests in: credential, network policy, role and warehouse.

    clock: seconds since the epoch.   block_status: of a network policy's refusal.
    """

    def __init__(
        self,
        account: Account,
        sessions: Sessions,
        *,
        block_status: int = 403,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.account, self.sessions, self._block_status, self._clock = account, sessions, block_status, clock
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()

    def admit(self, request: Request) -> Request:
        """The same request, with user, role and warehouse.   Raises: AuthError."""
        headers = request.headers
        who = self.identify(headers.get("authorization"), headers.get(_TOKEN_TYPE))
        self.check_network(request.client)
        role, warehouse = who.role_for(headers.get(_ROLE, "")), who.warehouse_for(headers.get(_WAREHOUSE, ""))
        request.user, request.role, request.warehouse = who.user.name, role, warehouse
        return request

    def identify(self, authorization: str | None, token_type: str | None) -> Identity:
        """Whom the two header values stand for.

        Raises: AuthError; for a session token that expired its status is 200, as Snowflake's is.
        Source: Snowflake's pages on key-pair authentication and its troubleshooting; the order of checks is ours.
        """
        if not authorization:
            raise AuthError(Code.NO_AUTHORIZATION, "Authorization header not found in the request data.", "no header")
        token = session_token(authorization)
        if token is not None:
            return self._of_session(token)
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _invalid_jwt("394304", "the scheme is not Bearer, or nothing follows it")
        return self.identify_token(token, token_type)

    def identify_token(self, token: str, token_type: str | None = None) -> Identity:
        """Whom a bearer token stands for; without a type the token is looked at.   Raises: AuthError."""
        match token_type or self._inspect(token):
            case TokenType.KEYPAIR_JWT:
                return self._of_jwt(token)
            case TokenType.PAT:
                return self._of_pat(token)
            case TokenType.OAUTH:
                return self._of_oauth(token)
            case TokenType.WORKLOAD_IDENTITY:
                message = "The specified authenticator is not accepted by your Snowflake account configuration."
                raise AuthError(Code.AUTHENTICATOR_REFUSED, message, "workload identities: no user here has one")
        raise _invalid_jwt("394304", f"the token type is none of {', '.join(TokenType)}")

    def check_network(self, client: str) -> None:
        """Refuse an address outside the account's network policy.   Raises: AuthError (390422)."""
        if not self.account.networks:
            return
        found = ipaddress.ip_address(client.partition("%")[0])
        address = getattr(found, "ipv4_mapped", None) or found
        if not any(address in network for network in self.account.networks):
            message = f"Incoming request with IP/Token {address} is not allowed to access Snowflake."
            message += " Contact your local security administrator."
            reason = f"{address} is outside the network policy"
            raise AuthError(Code.NETWORK_BLOCKED, message, reason, self._block_status)

    def _inspect(self, token: str) -> TokenType:
        """The type of a token that came without. Shape alone does not tell: personal access tokens may have dots."""
        if self.account.tokens and len(token) <= MAX_TOKEN_CHARS:
            registered = self.account.tokens.get(_digest(token))
            if registered is not None:
                return registered.kind
        if token.startswith("WIF."):
            return TokenType.WORKLOAD_IDENTITY
        return TokenType.KEYPAIR_JWT if len(token) > MAX_TOKEN_CHARS or token.count(".") == 2 else TokenType.OAUTH

    def _of_session(self, token: str) -> Identity:
        try:
            session = self.sessions.find(token)
        except SessionError as error:
            raise AuthError(error.code, error.message, error.reason, error.status) from error
        user = self.account.users.get(session.user)
        if user is None:
            message = "User must login again to access the service."
            raise AuthError(Code.LOGIN_AGAIN, message, f"user {session.user!r} is no more")
        return Identity(user, session.role, session.warehouse, session.roles)

    def _of_pat(self, token: str) -> Identity:
        found = self._registered(token, TokenType.PAT)
        if found is None:
            raise AuthError(Code.INVALID_PAT, "Programmatic access token is invalid.", "no such token is registered")
        if found.expires_s is not None and found.expires_s <= self._clock():
            raise AuthError(Code.INVALID_PAT, "Programmatic access token is invalid.", "the token has expired")
        if self.account.pat_needs_network_policy and not self.account.networks:
            raise AuthError(Code.NETWORK_POLICY_REQUIRED, "Network policy is required.", "a PAT without a policy")
        return self._limited(found)

    def _of_oauth(self, token: str) -> Identity:
        found = self._registered(token, TokenType.OAUTH)
        if found is None:
            message = f"Invalid OAuth access token. [{uuid.uuid4()}]"
            raise AuthError(Code.INVALID_OAUTH, message, "no such token is registered")
        if found.expires_s is not None and found.expires_s <= self._clock():
            message = f"OAuth access token expired. [{uuid.uuid4()}]"
            raise AuthError(Code.OAUTH_EXPIRED, message, "the token has expired")
        return self._limited(found)

    def _registered(self, token: str, kind: TokenType) -> AccessToken | None:
        found = self.account.tokens.get(_digest(token)) if len(token) <= MAX_TOKEN_CHARS else None
        return found if found is not None and found.kind is kind and found.user in self.account.users else None

    def _limited(self, token: AccessToken) -> Identity:
        user = self.account.users[token.user]
        return Identity(user, (*token.roles, user.default_role)[0], user.default_warehouse, token.roles)

    def _of_jwt(self, token: str) -> Identity:
        if len(token) > MAX_TOKEN_CHARS:
            raise _invalid_jwt("394306", f"token of {len(token)} characters")
        digest, now = _digest(token), self._clock()
        known = self._verified.get(digest)
        if known is not None and self._still_holds(known):
            self._verified.move_to_end(digest)
        else:
            known = self._verified[digest] = _verified(token, self.account)
            if len(self._verified) > MAX_VERIFIED:
                self._verified.popitem(last=False)
        _check_times(known, now)
        return known.who

    def _still_holds(self, known: _Verified) -> bool:
        """Whether the user is what it was when the signature was verified, and has the same key."""
        user = known.who.user
        return self.account.users.get(user.name) is user and user.keys.get(known.fingerprint) is known.key


def session_token(authorization: str | None) -> str | None:
    """The token of `Snowflake Token="..."`; None for any other header."""
    found = _SESSION_TOKEN.match(authorization or "")
    return found[1] if found else None


def fingerprint_of(key: RSAPublicKey) -> str:
    """`SHA256:` and the base64 SHA-256 of the key's DER SubjectPublicKeyInfo, as DESCRIBE USER shows it."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode()


def by_fingerprint(keys: Iterable[RSAPublicKey]) -> dict[str, RSAPublicKey]:
    """Public keys as a user holds them."""
    return {fingerprint_of(key): key for key in keys}


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


class PatFile(Strict):
    """A programmatic access token: restricted to one role, the user's default one unless it says another."""

    token: SecretStr
    role: str | None = None
    expires: datetime | None = None


class OauthFile(Strict):
    """An OAuth access token; `scope` holds `session:role:<ROLE>`, as often as there are roles, or none."""

    token: SecretStr
    scope: str | None = None
    expires: datetime | None = None


F = TypeVar("F", PatFile, OauthFile)


def load_pat(path: Path, user: User) -> tuple[bytes, AccessToken]:
    """A file with a token alone, or with a `PatFile` as YAML.

    Raises: OSError when unreadable, ValueError naming the file and what is wrong with it, never its content.
    """
    given = _token_file(path, PatFile)
    role = identifier(given.role) if given.role else user.default_role
    _check_granted(path, (role,), user)
    made = AccessToken(TokenType.PAT, user.name, (role,), _epoch_s(given.expires))
    return _digest(given.token.get_secret_value()), made


def load_oauth(path: Path, user: User) -> tuple[bytes, AccessToken]:
    """A file with a token alone, or with an `OauthFile` as YAML; a JWT's own scope and expiry hold where it has none.

    Raises: OSError when unreadable, ValueError naming the file and what is wrong with it, never its content.
    """
    given = _token_file(path, OauthFile)
    token = given.token.get_secret_value()
    claims = _claims_of_any(token)
    scope = given.scope if given.scope is not None else _scope(claims)
    roles = tuple(identifier(word.removeprefix(_ROLE_SCOPE)) for word in scope.split() if word.startswith(_ROLE_SCOPE))
    _check_granted(path, roles, user)
    expires_s = _epoch_s(given.expires) if given.expires else _seconds(claims.get("exp"))
    return _digest(token), AccessToken(TokenType.OAUTH, user.name, roles, expires_s)


def parse_networks(given: Iterable[str]) -> tuple[Network, ...]:
    """A network policy's addresses and CIDR blocks.   Raises: ValueError naming the first that is neither."""
    return tuple(map(_network, given))


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError(f"network {text!r} is neither an address nor a CIDR block such as 10.0.0.0/8") from error


def _token_file(path: Path, model: type[F]) -> F:
    text = path.read_text(encoding="utf-8").strip()
    document: object = {"token": text}
    if len(text.split()) != 1:
        try:
            document = yaml.safe_load(text)
        except yaml.YAMLError:  # it would quote the file
            document = None
        if not isinstance(document, dict):
            raise ValueError(f"{path} holds neither a token alone nor YAML with {', '.join(model.model_fields)}")
    try:
        found = model.model_validate(document)
    except ValidationError as error:
        raise ValueError(f"{path}: {explain(error, model)}") from None
    if not 1 <= len(found.token.get_secret_value()) <= MAX_TOKEN_CHARS:
        raise ValueError(f"{path}: a token has from 1 to {MAX_TOKEN_CHARS} characters")
    return found


def _epoch_s(moment: datetime | None) -> float | None:
    """Seconds since the epoch; a time without a zone is UTC."""
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _scope(claims: Mapping[str, Any]) -> str:
    """The scope of a JWT's claims: `scp` (a list or words) or `scope`."""
    found = claims.get("scp", claims.get("scope", ""))
    words = found if isinstance(found, list) else [found]
    return " ".join(word for word in words if isinstance(word, str))


def _claims_of_any(token: str) -> dict[str, Any]:
    """The claims of a token that is a JWT, else none; nothing is verified."""
    try:
        claims: dict[str, Any] = jwt.decode(token, options=_UNVERIFIED)
    except (jwt.PyJWTError, ValueError, RecursionError):
        return {}
    return claims


def _check_granted(path: Path, roles: Iterable[str], user: User) -> None:
    missing = sorted(set(roles) - user.roles - {EVERYONE})
    if missing:
        granted = ", ".join(sorted(user.roles | {EVERYONE}))
        raise ValueError(f"{path}: role {missing[0]!r} is not granted to {user.name}; granted: {granted}")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _verified(token: str, account: Account) -> _Verified:
    """A JWT whose issuer and signature hold; its times are not looked at."""
    claims = _unverified_claims(token)
    user, fingerprint, key = _issuer(claims, account)
    try:
        jwt.decode(token, key, algorithms=["RS256"], options=_SIGNATURE_ONLY)
    except jwt.PyJWTError as error:
        raise _invalid_jwt("394306", f"signature: {error}") from error
    who = Identity(user, user.default_role, user.default_warehouse)
    return _Verified(who, fingerprint, key, _seconds(claims.get("iat")), _seconds(claims.get("exp")))


def _unverified_claims(token: str) -> dict[str, Any]:
    try:
        header = jwt.get_unverified_header(token)
        claims: dict[str, Any] = jwt.decode(token, options=_UNVERIFIED)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise _invalid_jwt("394306", f"not a JWT: {error}") from error
    if header.get("alg") != "RS256":
        raise _invalid_jwt("394305", f"algorithm {header.get('alg')!r} is not RS256")
    return claims


def _issuer(claims: Mapping[str, Any], account: Account) -> tuple[User, str, RSAPublicKey]:
    """The user and key named by `iss` = ACCOUNT.USER.SHA256:fp, with `sub` = ACCOUNT.USER."""
    issuer, subject = claims.get("iss"), claims.get("sub")
    if not isinstance(issuer, str) or not isinstance(subject, str):
        raise _invalid_jwt("394300", "iss or sub is missing")
    prefix, _, fingerprint = issuer.rpartition(".")
    account_name, _, user_name = subject.partition(".")
    if prefix != subject:
        raise _invalid_jwt("394300", f"iss {issuer!r} does not start with sub {subject!r}")
    if account_name != account.name:
        raise _invalid_jwt("394307", f"account {account_name!r} is not {account.name!r}")
    user = account.users.get(user_name)
    if user is None:
        raise _invalid_jwt("394300", f"user {user_name!r} is not known; names are upper-case")
    key = user.keys.get(fingerprint)
    if key is None:
        raise _invalid_jwt("394304", f"fingerprint {fingerprint!r} is not registered for {user_name}")
    return user, fingerprint, key


def _check_times(known: _Verified, now: float) -> None:
    issued, expires = known.issued_s, known.expires_s
    if issued is None or expires is None:
        raise _invalid_jwt("394301", "iat or exp is missing or not a time")
    if issued > now + CLOCK_SKEW_S:
        raise _invalid_jwt("394302", f"iat is {issued - now:.0f} s in the future")
    if min(expires, issued + MAX_LIFETIME_S) <= now:
        raise _invalid_jwt("394303", "expired")


def _seconds(value: Any) -> float | None:
    """Seconds since the epoch; Snowflake takes milliseconds, too."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_TIME_MS:
        return None
    return value / 1000 if value > MAX_TIME_MS / 1000 else float(value)


def _invalid_jwt(reason_code: str, reason: str) -> AuthError:
    """The one answer for every bad JWT; `reason` stays on this side."""
    return AuthError(Code.INVALID_JWT, f"JWT token is invalid. [{uuid.uuid4()}]", f"{reason_code}: {reason}")
