"""Every credential: what Snowflake accepts, and what it answers to all that it does not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from contracts.cortex import TokenType
from mocks.assumptions import Assumptions
from mocks.journal import Journal
from mocks.request import Request
from mocks.snowflake import auth
from mocks.snowflake.auth import (
    AccessToken,
    Account,
    AuthError,
    Gate,
    Identity,
    User,
    account_name,
    by_fingerprint,
    fingerprint_of,
    load_oauth,
    load_pat,
    load_public_key,
    parse_networks,
    session_token,
)
from mocks.snowflake.sessions import Sessions
from mocks.state import Mock, Options
from mocks.tests.running import KeyPair, RunningMock, running

NOW = 1_800_000_000.0
SUBJECT = "MYORG-BENCH.CORTEX_PROXY_USER"


@pytest.fixture(scope="module")
def stranger() -> rsa.RSAPrivateKey:
    """A key that nobody registered."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def account(keys: KeyPair) -> Account:
    """An account with one user who has one key."""
    return Account("MYORG-BENCH", {"CORTEX_PROXY_USER": a_user(keys.private)})


def a_user(*keys: rsa.RSAPrivateKey) -> User:
    """The user with these keys, two roles and two warehouses."""
    registered = by_fingerprint(key.public_key() for key in keys)
    roles = frozenset({"DEVELOPER_CORTEX", "ANALYST"})
    return User("CORTEX_PROXY_USER", registered, roles, "DEVELOPER_CORTEX", frozenset({"WH", "big one"}), "WH")


def gate(account: Account, now: float = NOW, sessions: Sessions | None = None) -> Gate:
    """A gate whose clock stands still."""
    return Gate(account, sessions or Sessions(clock=lambda: now), clock=lambda: now)


def refused(ask: Callable[[], object]) -> AuthError:
    """What is raised."""
    with pytest.raises(AuthError) as raised:
        ask()
    return raised.value


def reason(account: Account, token: str, token_type: str | None = None, now: float = NOW) -> str | None:
    """Why a token is refused, None when it is accepted. The client is told nothing of it."""
    try:
        found = gate(account, now).identify(f"Bearer {token}", token_type)
    except AuthError as error:
        refusal = error
    else:
        assert (found.user.name, found.role, found.warehouse) == ("CORTEX_PROXY_USER", "DEVELOPER_CORTEX", "WH")
        return None
    assert (refusal.code, refusal.status) == ("390144", 401)
    assert refusal.message.startswith("JWT token is invalid. [")
    assert refusal.reason not in refusal.message
    return refusal.reason


def claims(keys: KeyPair, **changes: object) -> dict[str, object]:
    """Claims that hold at NOW, with changes; None drops one."""
    issuer = f"{SUBJECT}.{fingerprint_of(keys.private.public_key())}"
    made = {"iss": issuer, "sub": SUBJECT, "iat": int(NOW), "exp": int(NOW) + 3600, **changes}
    return {name: value for name, value in made.items() if value is not None}


def b64(data: bytes) -> str:
    """URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize("token_type", ["KEYPAIR_JWT", None], ids=["declared", "undeclared"])
@pytest.mark.parametrize(
    ("changes", "now"),
    [
        pytest.param({}, NOW, id="fresh"),
        pytest.param({}, NOW + 3599, id="an-hour-old"),
        pytest.param({"iat": int(NOW) * 1000}, NOW + 1, id="issued-in-milliseconds"),
        pytest.param({"iat": NOW + 0.5, "exp": NOW + 99.5}, NOW + 1, id="fractions"),
        pytest.param({"exp": int(NOW) + 86_400}, NOW + 3599, id="longer-than-an-hour-within-the-hour"),
        pytest.param({"iat": int(NOW) + 60}, NOW, id="issued-within-the-skew"),
        pytest.param({"aud": "x", "nbf": NOW + 999, "jti": "y"}, NOW, id="claims-nobody-reads"),
    ],
)
def test_a_token_that_holds(
    keys: KeyPair, account: Account, changes: dict[str, object], now: float, token_type: str | None
) -> None:
    """Times in seconds or milliseconds, a minute of skew, and an hour of life whatever `exp` says."""
    token = jwt.encode(claims(keys, **changes), keys.private, algorithm="RS256")
    assert reason(account, token, token_type, now) is None


@pytest.mark.parametrize(
    ("changes", "now", "code"),
    [
        pytest.param({"exp": int(NOW) + 86_400}, NOW + 3600, "394303", id="longer-than-an-hour-after-it"),
        pytest.param({"exp": int(NOW) + 10}, NOW + 10, "394303", id="expired"),
        pytest.param({"exp": (int(NOW) + 10) * 1000}, NOW + 10, "394303", id="expired-in-milliseconds"),
        pytest.param({"iat": int(NOW) + 61}, NOW, "394302", id="from-the-future"),
        pytest.param({"iat": None}, NOW, "394301", id="no-iat"),
        pytest.param({"exp": None}, NOW, "394301", id="no-exp"),
        pytest.param({"exp": str(int(NOW) + 10)}, NOW, "394301", id="exp-as-text"),
        pytest.param({"exp": True}, NOW, "394301", id="exp-true"),
        pytest.param({"exp": math.inf}, NOW, "394301", id="exp-endless"),
        pytest.param({"iat": math.nan}, NOW, "394301", id="iat-nan"),
        pytest.param({"exp": 10**400}, NOW, "394301", id="exp-with-400-digits"),
        pytest.param({"iss": None}, NOW, "394300", id="no-iss"),
        pytest.param({"sub": None}, NOW, "394300", id="no-sub"),
        pytest.param({"iss": 5}, NOW, "394300", id="iss-number"),
        pytest.param({"sub": "MYORG-BENCH.SOMEONE"}, NOW, "394300", id="iss-and-sub-differ"),
        pytest.param({"iss": SUBJECT}, NOW, "394300", id="no-fingerprint"),
        pytest.param({"iss": f"{SUBJECT}.SHA256:AAAA"}, NOW, "394304", id="another-fingerprint"),
        pytest.param({"iss": f"{SUBJECT}."}, NOW, "394304", id="empty-fingerprint"),
    ],
)
def test_a_token_that_does_not(
    keys: KeyPair, account: Account, changes: dict[str, object], now: float, code: str
) -> None:
    """Each is refused for its own reason, which only the journal keeps."""
    payload = json.dumps(claims(keys, **changes)).encode()  # the library refuses to sign some of these as claims
    token = jwt.PyJWS().encode(payload, keys.private, algorithm="RS256")
    assert (reason(account, token, now=now) or "").startswith(f"{code}: ")


@pytest.mark.parametrize(
    ("subject", "code"),
    [
        pytest.param("OTHER-ACCOUNT.CORTEX_PROXY_USER", "394307", id="another-account"),
        pytest.param("MYORG.CORTEX_PROXY_USER", "394307", id="account-cut-at-the-hyphen"),
        pytest.param("myorg-bench.CORTEX_PROXY_USER", "394307", id="account-in-lower-case"),
        pytest.param("MYORG-BENCH.cortex_proxy_user", "394300", id="user-in-lower-case"),
        pytest.param("MYORG-BENCH.SOMEONE", "394300", id="unknown-user"),
        pytest.param("MYORG-BENCH", "394300", id="no-user"),
    ],
)
def test_a_token_for_someone_else(keys: KeyPair, account: Account, subject: str, code: str) -> None:
    """Account and user are compared as they are stored, in upper case."""
    issuer = f"{subject}.{fingerprint_of(keys.private.public_key())}"
    token = jwt.encode(claims(keys, iss=issuer, sub=subject), keys.private, algorithm="RS256")
    assert (reason(account, token) or "").startswith(f"{code}: ")


def test_a_signature_of_another_key(keys: KeyPair, account: Account, stranger: rsa.RSAPrivateKey) -> None:
    """A known fingerprint does not help who has not the key."""
    token = jwt.encode(claims(keys), stranger, algorithm="RS256")
    assert (reason(account, token) or "").startswith("394306: signature")


def test_changed_claims(keys: KeyPair, account: Account) -> None:
    """The signature covers the claims."""
    header, _, signature = jwt.encode(claims(keys), keys.private, algorithm="RS256").split(".")
    payload = b64(json.dumps(claims(keys, exp=int(NOW) + 7200)).encode())
    assert (reason(account, f"{header}.{payload}.{signature}") or "").startswith("394306: signature")


def test_the_public_key_is_no_shared_secret(keys: KeyPair, account: Account) -> None:
    """HS256 with the public key's PEM as its secret, a well-known forgery, is refused by its algorithm."""
    signed = b64(b'{"alg":"HS256","typ":"JWT"}') + "." + b64(json.dumps(claims(keys)).encode())
    tag = b64(hmac.digest(keys.public_file.read_bytes(), signed.encode(), hashlib.sha256))
    assert reason(account, f"{signed}.{tag}") == "394305: algorithm 'HS256' is not RS256"


@pytest.mark.parametrize("algorithm", ["none", "None", "RS512", "PS256"])
def test_only_rs256(keys: KeyPair, account: Account, algorithm: str) -> None:
    """No other algorithm, and never none."""
    token = f"{b64(json.dumps({'alg': algorithm}).encode())}.{b64(json.dumps(claims(keys)).encode())}."
    assert reason(account, token) == f"394305: algorithm {algorithm!r} is not RS256"


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("x", id="one-part"),
        pytest.param("a.b", id="two-parts"),
        pytest.param("a.b.c.d", id="four-parts"),
        pytest.param("..", id="empty-parts"),
        pytest.param(f"{b64(b'[]')}.{b64(b'{}')}.", id="header-is-a-list"),
        pytest.param(f"{b64(b'{')}.{b64(b'{}')}.", id="bad-json"),
        pytest.param(f"{b64(bytes([255]))}.{b64(b'{}')}.", id="not-utf8"),
        pytest.param(f"{b64(b'{}')}.{b64(b'{}')}.", id="no-algorithm"),
        pytest.param(b64(b'{"alg":"RS256"}') + "." + b64(b"[" * 5000) + ".x", id="deep-json"),
        pytest.param(b64(b'{"alg":"RS256"}') + "." + b64(b'{"iat":' + b"9" * 5000 + b"}") + ".x", id="huge-number"),
        pytest.param("a" * 1_000_000, id="huge"),
        pytest.param("ü.ü.ü", id="not-ascii"),
    ],
)
def test_what_is_no_token(account: Account, token: str) -> None:
    """Nonsense of any kind gets the same answer as a wrong token."""
    assert (reason(account, token, TokenType.KEYPAIR_JWT) or "").startswith(("394306: ", "394305: "))


@pytest.mark.parametrize(
    ("authorization", "token_type", "code"),
    [
        pytest.param(None, None, "390101", id="no-header"),
        pytest.param("", None, "390101", id="empty-header"),
        pytest.param("Bearer", None, "390144", id="no-token"),
        pytest.param("Bearer ", None, "390144", id="empty-token"),
        pytest.param("Basic dTpw", None, "390144", id="basic"),
        pytest.param('Snowflake Token="abc"', None, "390104", id="session-token"),
        pytest.param("Snowflake Token=abc", None, "390144", id="session-token-without-quotes"),
        pytest.param("Bearer abc", None, "390303", id="opaque"),
        pytest.param("Bearer a.b.c", None, "390144", id="two-dots"),
        pytest.param("Bearer " + "a" * 9000, None, "390144", id="long"),
        pytest.param("Bearer abc", "OAUTH", "390303", id="oauth"),
        pytest.param("Bearer " + "a" * 9000, "OAUTH", "390303", id="long-oauth"),
        pytest.param("Bearer abc", "PROGRAMMATIC_ACCESS_TOKEN", "394400", id="pat"),
        pytest.param("Bearer " + "a" * 9000, "PROGRAMMATIC_ACCESS_TOKEN", "394400", id="long-pat"),
        pytest.param("Bearer WIF.AWS.abc", "WORKLOAD_IDENTITY_FEDERATION", "390139", id="workload-identity"),
        pytest.param("Bearer WIF.OIDC.a.b.c", None, "390139", id="undeclared-workload-identity"),
        pytest.param("Bearer abc", "keypair_jwt", "390144", id="type-in-lower-case"),
        pytest.param("Bearer abc", "MAGIC", "390144", id="unknown-type"),
    ],
)
def test_credentials_of_nobody(account: Account, authorization: str | None, token_type: str | None, code: str) -> None:
    """Each kind of credential has its own code, and the answer repeats none of it."""
    refusal = refused(lambda: gate(account).identify(authorization, token_type))
    assert (refusal.code, refusal.status) == (code, 401)
    assert "abc" not in f"{refusal.message} {refusal.reason} {refusal.mock}"


def test_the_scheme_has_no_case(keys: KeyPair, account: Account) -> None:
    """`bearer` is Bearer (RFC 9110)."""
    token = jwt.encode(claims(keys), keys.private, algorithm="RS256")
    assert gate(account).identify(f"bearer {token}", None).user.name == "CORTEX_PROXY_USER"


def test_either_of_two_keys_signs(keys: KeyPair, stranger: rsa.RSAPrivateKey) -> None:
    """A user who rotates keys has two, and both hold."""
    account = Account("MYORG-BENCH", {"CORTEX_PROXY_USER": a_user(stranger, keys.private)})
    for private in (keys.private, stranger):
        issuer = f"{SUBJECT}.{fingerprint_of(private.public_key())}"
        assert reason(account, jwt.encode(claims(keys, iss=issuer), private, algorithm="RS256")) is None


def test_the_wall_clock_is_the_default(keys: KeyPair, account: Account) -> None:
    """Without a clock of its own, verification looks at the time of day."""
    wall = Gate(account, Sessions())
    assert wall.identify(f"Bearer {keys.token()}", None).user.name == "CORTEX_PROXY_USER"
    assert reason(account, keys.token(exp=int(time.time()) - 1), now=time.time()) == "394303: expired"


@pytest.mark.parametrize(
    ("given", "named"),
    [("myorg-bench", "MYORG-BENCH"), ("xy12345.eu-central-1", "XY12345"), ("xy12345.us-east-2.aws", "XY12345")],
)
def test_an_account_is_named_without_its_region(given: str, named: str) -> None:
    """Tokens name a locator without region and cloud."""
    assert account_name(given) == named


def test_a_fingerprint_is_snowflakes(keys: KeyPair) -> None:
    """SHA-256 of the DER key in standard base64, padding included."""
    der = keys.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    expected = base64.b64encode(hashlib.sha256(der).digest()).decode()
    assert fingerprint_of(load_public_key(keys.public_file)) == f"SHA256:{expected}"
    assert len(expected) == 44


def test_a_file_that_is_no_key_is_refused(tmp_path: Path) -> None:
    """The error names the file and what it should be."""
    path = tmp_path / "key.pub"
    path.write_text("hello")
    with pytest.raises(ValueError, match=r"key\.pub is not a PEM public key"):
        load_public_key(path)
    elliptic = ec.generate_private_key(ec.SECP256R1()).public_key()
    path.write_bytes(elliptic.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(ValueError, match=r"key\.pub holds no RSA key"):
        load_public_key(path)
    with pytest.raises(FileNotFoundError):
        load_public_key(tmp_path / "missing.pub")


class Clock:
    """Seconds that pass when told to."""

    now_s = NOW

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens whose signature was looked at."""
    looked_at: list[str] = []
    decode = jwt.decode

    def counting(token: str, *args: Any, **options: Any) -> Any:
        if args:
            looked_at.append(token)
        return decode(token, *args, **options)

    monkeypatch.setattr(jwt, "decode", counting)
    return looked_at


def test_a_signature_is_verified_once(keys: KeyPair, account: Account, decoded: list[str]) -> None:
    """The second request of a token costs no RSA; another token does."""
    door = gate(account)
    tokens = [jwt.encode(claims(keys, jti=str(n)), keys.private, algorithm="RS256") for n in range(2)]
    for token in (tokens[0], tokens[0], tokens[1], tokens[0]):
        door.identify(f"Bearer {token}", None)
    assert decoded == tokens


def test_a_verified_token_expires_all_the_same(keys: KeyPair, account: Account) -> None:
    """To the second, and a clock that is set back counts, too."""
    clock = Clock()
    door = Gate(account, Sessions(), clock=clock)
    header = f"Bearer {jwt.encode(claims(keys, exp=int(NOW) + 10), keys.private, algorithm='RS256')}"
    for clock.now_s in (NOW, NOW + 9.9):
        door.identify(header, None)
    for clock.now_s, code in ((NOW + 10, "394303"), (NOW - 61, "394302")):
        assert refused(lambda: door.identify(header, None)).reason.startswith(code)


def test_a_key_that_is_no_longer_registered(keys: KeyPair, account: Account, stranger: rsa.RSAPrivateKey) -> None:
    """What was verified with it is refused from then on, as is everything of a user who is gone."""
    door = gate(account)
    header = f"Bearer {jwt.encode(claims(keys), keys.private, algorithm='RS256')}"
    door.identify(header, None)
    account.users["CORTEX_PROXY_USER"] = a_user(stranger)
    assert refused(lambda: door.identify(header, None)).reason.startswith("394304: ")
    account.users["CORTEX_PROXY_USER"] = a_user(stranger, keys.private)
    door.identify(header, None)
    account.users.clear()
    assert refused(lambda: door.identify(header, None)).reason.startswith("394300: ")


def test_a_verified_token_does_not_vouch_for_another(keys: KeyPair, account: Account) -> None:
    """One changed character is another token."""
    door = gate(account)
    token = jwt.encode(claims(keys), keys.private, algorithm="RS256")
    door.identify(f"Bearer {token}", None)
    forged = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    assert refused(lambda: door.identify(f"Bearer {forged}", None)).code == "390144"


def test_verified_tokens_are_few(
    keys: KeyPair, account: Account, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past the bound the one unused for longest is verified again."""
    monkeypatch.setattr(auth, "MAX_VERIFIED", 2)
    door = gate(account)
    a, b, c = (jwt.encode(claims(keys, jti=str(n)), keys.private, algorithm="RS256") for n in range(3))
    for token in (a, b, a, c, a, b):
        door.identify(f"Bearer {token}", None)
    assert decoded == [a, b, c, b]


def with_tokens(account: Account, *tokens: tuple[bytes, AccessToken]) -> Account:
    """The account with these tokens registered."""
    account.tokens.update(tokens)
    return account


def pat_file(tmp_path: Path, text: str) -> Path:
    """A file with this text."""
    path = tmp_path / "token"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "role"),
    [
        pytest.param("made-up-token", "DEVELOPER_CORTEX", id="alone"),
        pytest.param("\n made-up-token \n", "DEVELOPER_CORTEX", id="between-spaces"),
        pytest.param("token: made-up-token\nrole: analyst\n", "ANALYST", id="with-a-role"),
        pytest.param("{token: made-up-token, role: public}", "PUBLIC", id="flow"),
        pytest.param("token: made-up-token\nexpires: 2027-01-15T08:00:01Z", "DEVELOPER_CORTEX", id="with-an-end"),
    ],
)
def test_a_personal_access_token(account: Account, tmp_path: Path, text: str, role: str) -> None:
    """It is restricted to one role: its own, or its user's default."""
    with_tokens(account, load_pat(pat_file(tmp_path, text), account.users["CORTEX_PROXY_USER"]))
    for token_type in ("PROGRAMMATIC_ACCESS_TOKEN", None):
        found = gate(account).identify("Bearer made-up-token", token_type)
        assert (found.user.name, found.role, found.roles) == ("CORTEX_PROXY_USER", role, (role,))
    assert refused(lambda: gate(account).identify("Bearer made-up-token", "OAUTH")).code == "390303"
    assert refused(lambda: gate(account).identify("Bearer made-up-token", "KEYPAIR_JWT")).code == "390144"


def test_a_personal_access_token_ends(keys: KeyPair, account: Account, tmp_path: Path) -> None:
    """At the second that its file names; the client hears that it is invalid."""
    text = "token: made-up-token\nexpires: 2027-01-15T08:00:01Z"  # NOW is a second before
    with_tokens(account, load_pat(pat_file(tmp_path, text), a_user(keys.private)))
    refusal = refused(lambda: gate(account, NOW + 1).identify("Bearer made-up-token", None))
    assert (refusal.code, refusal.status, refusal.reason) == ("394400", 401, "the token has expired")


def test_a_personal_access_token_may_need_a_network_policy(keys: KeyPair, account: Account, tmp_path: Path) -> None:
    """As Snowflake's default authentication policy has it; no policy, no token."""
    token = load_pat(pat_file(tmp_path, "made-up-token"), a_user(keys.private))
    users = account.users
    bare = Account("MYORG-BENCH", users, dict([token]), pat_needs_network_policy=True)
    assert refused(lambda: gate(bare).identify("Bearer made-up-token", None)).code == "390432"
    guarded = Account("MYORG-BENCH", users, dict([token]), parse_networks(["127.0.0.0/8"]), True)
    assert gate(guarded).identify("Bearer made-up-token", None).user.name == "CORTEX_PROXY_USER"


def external(**fields: object) -> str:
    """A token of some other authorization server; nobody here knows its key."""
    return f"{b64(b'{}')}.{b64(json.dumps(fields).encode())}.AAAA" if fields else "made-up-token"


@pytest.mark.parametrize(
    ("token", "scope", "roles"),
    [
        pytest.param(external(), None, (), id="opaque"),
        pytest.param(external(), "session:role:ANALYST", ("ANALYST",), id="opaque-with-a-scope"),
        pytest.param(external(), "refresh_token session:role:analyst", ("ANALYST",), id="among-other-scopes"),
        pytest.param(external(), "session:role:ANALYST session:role:PUBLIC", ("ANALYST", "PUBLIC"), id="two-roles"),
        pytest.param(external(), "session:role-any", (), id="any-role"),
        pytest.param(external(scp=["session:role:ANALYST"]), None, ("ANALYST",), id="scp-list"),
        pytest.param(external(scp="session:role:ANALYST x"), None, ("ANALYST",), id="scp-words"),
        pytest.param(external(scope="session:role:ANALYST"), None, ("ANALYST",), id="scope-claim"),
        pytest.param(external(scp=[5, None]), None, (), id="odd-scp"),
        pytest.param(external(scp=["session:role:ANALYST"]), "session:role:PUBLIC", ("PUBLIC",), id="file-first"),
    ],
)
def test_an_oauth_token(
    account: Account, tmp_path: Path, token: str, scope: str | None, roles: tuple[str, ...]
) -> None:
    """Its scope says which roles it may take; without one all of its user's, the default first."""
    text = token if scope is None else f"token: {token}\nscope: {scope}"
    with_tokens(account, load_oauth(pat_file(tmp_path, text), account.users["CORTEX_PROXY_USER"]))
    for token_type in ("OAUTH", None):
        found = gate(account).identify(f"Bearer {token}", token_type)
        assert (found.roles, found.role) == (roles, (*roles, "DEVELOPER_CORTEX")[0])
    assert refused(lambda: gate(account).identify(f"Bearer {token}", "PROGRAMMATIC_ACCESS_TOKEN")).code == "394400"


@pytest.mark.parametrize("in_file", [True, False], ids=["by-its-file", "by-its-claim"])
def test_an_oauth_token_ends(keys: KeyPair, account: Account, tmp_path: Path, in_file: bool) -> None:
    """390318 tells a client to ask for another."""
    token = external() if in_file else external(exp=int(NOW) + 1)
    text = f"token: {token}\nexpires: 2027-01-15 08:00:01" if in_file else token
    with_tokens(account, load_oauth(pat_file(tmp_path, text), a_user(keys.private)))
    assert gate(account).identify(f"Bearer {token}", "OAUTH").user.name == "CORTEX_PROXY_USER"
    refusal = refused(lambda: gate(account, NOW + 1).identify(f"Bearer {token}", "OAUTH"))
    assert (refusal.code, refusal.status) == ("390318", 401)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("", "neither a token alone nor YAML with token, role, expires", id="empty"),
        pytest.param("made-up token", "neither a token alone", id="two-words"),
        pytest.param("[made-up, token]", "neither a token alone", id="list"),
        pytest.param("token: {made-up", "neither a token alone", id="no-yaml"),
        pytest.param("role: ANALYST", "token: Field required", id="no-token"),
        pytest.param('token: ""', "from 1 to 8192 characters", id="empty-token"),
        pytest.param("made-up" * 2000, "from 1 to 8192 characters", id="long"),
        pytest.param("token: made-up\nrol: ANALYST", "did you mean 'role'", id="typo"),
        pytest.param("token: made-up\nexpires: soon", "expires: Input should be", id="no-time"),
        pytest.param(
            "token: made-up\nrole: SYSADMIN", "role 'SYSADMIN' is not granted to CORTEX_PROXY_USER", id="role"
        ),
    ],
)
def test_a_file_that_is_no_token_is_refused(keys: KeyPair, tmp_path: Path, text: str, says: str) -> None:
    """The error names the file and the fault, and quotes nothing that could be a token."""
    path = pat_file(tmp_path, text)
    with pytest.raises(ValueError, match=re.escape(says)) as error:
        load_pat(path, a_user(keys.private))
    assert str(path) in str(error.value)
    assert "made-up" not in str(error.value)


def test_an_unknown_scope_is_refused(keys: KeyPair, tmp_path: Path) -> None:
    """A role that its user has not could never be taken."""
    path = pat_file(tmp_path, "token: x\nscope: session:role:SYSADMIN")
    with pytest.raises(ValueError, match="role 'SYSADMIN' is not granted"):
        load_oauth(path, a_user(keys.private))


def test_a_token_is_registered_once(keys: KeyPair, tmp_path: Path) -> None:
    """As a personal one and for OAuth it could not be told apart."""
    path = pat_file(tmp_path, "made-up-token")
    with pytest.raises(ValueError, match=f"{path} holds a token that another file holds, too"):
        Mock(Options((keys.public_file,), pats=(path,), oauth_tokens=(path,)))


def test_registered_tokens_are_known_by_their_digest(keys: KeyPair, account: Account, tmp_path: Path) -> None:
    """Nothing that could be printed holds one."""
    with_tokens(account, load_pat(pat_file(tmp_path, "made-up-token"), a_user(keys.private)))
    assert "made-up-token" not in repr(account)
    assert hashlib.sha256(b"made-up-token").digest() in account.tokens


def test_a_session_token_stands_for_its_session(account: Account) -> None:
    """Role and warehouse are the session's, its credential's limits included."""
    sessions = Sessions(clock=lambda: NOW)
    token = sessions.open("CORTEX_PROXY_USER", "ANALYST", "big one", roles=("ANALYST",)).token
    door = gate(account, sessions=sessions)
    found = door.identify(f'Snowflake Token="{token}"', None)
    assert (found.user.name, found.role, found.warehouse) == ("CORTEX_PROXY_USER", "ANALYST", "big one")
    assert refused(lambda: found.role_for("DEVELOPER_CORTEX")).code == "390189"
    sessions.find(token).role = "PUBLIC"
    assert door.identify(f'Snowflake Token="{token}"', None).role == "PUBLIC"
    account.users.clear()
    assert refused(lambda: door.identify(f'Snowflake Token="{token}"', None)).code == "390104"


def test_an_expired_session_token_answers_200(account: Account) -> None:
    """With code 390112, as Snowflake's does."""
    clock = Clock()
    sessions = Sessions(clock=clock)
    token = sessions.open("CORTEX_PROXY_USER", "ANALYST").token
    clock.now_s += 3600
    refusal = refused(lambda: gate(account, sessions=sessions).identify(f'Snowflake Token="{token}"', None))
    assert (refusal.code, refusal.status) == ("390112", 200)


@pytest.mark.parametrize(
    ("authorization", "token"),
    [('Snowflake Token="a.b"', "a.b"), ('Snowflake Token=""', ""), ("Snowflake Token=a", None), ("Bearer a", None)],
)
def test_a_session_token_is_quoted(authorization: str, token: str | None) -> None:
    """Everything between the quotes; another header has none."""
    assert session_token(authorization) == token
    assert session_token(None) is None


WHO = ("CORTEX_PROXY_USER", "DEVELOPER_CORTEX", "WH")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        pytest.param("", "DEVELOPER_CORTEX", id="default"),
        pytest.param("analyst", "ANALYST", id="plain"),
        pytest.param('"ANALYST"', "ANALYST", id="quoted"),
        pytest.param("public", "PUBLIC", id="everyones"),
        pytest.param('"analyst"', None, id="quoted-in-lower-case"),
        pytest.param("SYSADMIN", None, id="not-granted"),
        pytest.param("ANALYST, ANALYST", None, id="twice"),
    ],
)
def test_a_role_is_asked_for(keys: KeyPair, asked: str, found: str | None) -> None:
    """Plain or quoted, and granted; the explanation lists what could be asked."""
    user = a_user(keys.private)
    who = Identity(user, user.default_role, user.default_warehouse)
    if found is not None:
        assert who.role_for(asked) == found
        return
    refusal = refused(lambda: who.role_for(asked))
    assert (refusal.code, refusal.status) == ("390189", 403)
    assert refusal.mock == {"granted_roles": ["ANALYST", "DEVELOPER_CORTEX", "PUBLIC"]}


def test_a_limited_credential_has_its_roles_only(keys: KeyPair) -> None:
    """Even where its user has more."""
    who = Identity(a_user(keys.private), "ANALYST", "WH", ("ANALYST",))
    assert who.role_for("") == who.role_for("analyst") == "ANALYST"
    for asked in ("DEVELOPER_CORTEX", "PUBLIC"):
        assert refused(lambda asked=asked: who.role_for(asked)).mock == {"granted_roles": ["ANALYST"]}  # type: ignore[misc]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        pytest.param("", "WH", id="default"),
        pytest.param("wh", "WH", id="plain"),
        pytest.param('"big one"', "big one", id="quoted"),
        pytest.param("big one", None, id="needs-quotes"),
        pytest.param("OTHER", None, id="unknown"),
    ],
)
def test_a_warehouse_is_asked_for(keys: KeyPair, asked: str, found: str | None) -> None:
    """Whether it exists is not told apart from whether it may be used."""
    who = Identity(a_user(keys.private), "ANALYST", "WH")
    if found is not None:
        assert who.warehouse_for(asked) == found
        return
    refusal = refused(lambda: who.warehouse_for(asked))
    assert (refusal.code, refusal.status) == ("390201", 403)
    assert refusal.mock == {"warehouses": ["WH", "big one"]}


def test_no_warehouse_is_none(keys: KeyPair) -> None:
    """A user without one can ask what needs none."""
    assert Identity(User("ANN", {}), "PUBLIC", "").warehouse_for("") == ""


@pytest.mark.parametrize(
    ("networks", "client", "is_blocked"),
    [
        pytest.param([], "203.0.113.9", False, id="no-policy"),
        pytest.param(["127.0.0.0/8"], "127.0.0.1", False, id="inside"),
        pytest.param(["10.0.0.0/8", "127.0.0.1"], "127.0.0.1", False, id="an-address"),
        pytest.param(["127.0.0.0/8"], "::ffff:127.0.0.1", False, id="mapped"),
        pytest.param(["fe80::/10"], "fe80::1%eth0", False, id="zone"),
        pytest.param(["10.0.0.0/8"], "127.0.0.1", True, id="outside"),
        pytest.param(["127.0.0.0/8"], "::1", True, id="other-family"),
    ],
)
@pytest.mark.parametrize("status", [401, 403])
def test_a_network_policy(account: Account, networks: list[str], client: str, is_blocked: bool, status: int) -> None:
    """Addresses outside it are refused by 390422; which status goes with it is an assumption."""
    guarded = Account(account.name, account.users, networks=parse_networks(networks))
    door = Gate(guarded, Sessions(), block_status=status)
    if not is_blocked:
        door.check_network(client)
        return
    refusal = refused(lambda: door.check_network(client))
    assert (refusal.code, refusal.status) == ("390422", status)
    assert refusal.message == (
        f"Incoming request with IP/Token {client} is not allowed to access Snowflake."
        " Contact your local security administrator."
    )


def test_a_network_is_an_address_or_a_block() -> None:
    """Anything else is refused by name."""
    with pytest.raises(ValueError, match=r"^network 'loopback' is neither an address nor a CIDR block"):
        parse_networks(["127.0.0.1", "loopback"])


def test_a_request_is_admitted_with_its_context(keys: KeyPair, account: Account) -> None:
    """User, role and warehouse come from credential and headers; nobody unknown is told of the network policy."""
    guarded = Account(account.name, account.users, networks=parse_networks(["127.0.0.0/8"]))
    token = jwt.encode(claims(keys), keys.private, algorithm="RS256")

    def admitted(client: str = "127.0.0.1", **headers: str) -> Request:
        fields = {"authorization": f"Bearer {token}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        entry = Journal().open("POST", "/")
        return gate(guarded).admit(Request("POST", "/", {}, fields, b"", entry, client=client))

    found = admitted()
    assert (found.user, found.role, found.warehouse) == WHO
    asked = admitted(x_snowflake_role="analyst", x_snowflake_warehouse='"big one"')
    assert (asked.role, asked.warehouse) == ("ANALYST", "big one")
    assert refused(lambda: admitted("10.0.0.1")).code == "390422"
    assert refused(lambda: admitted("10.0.0.1", authorization="Bearer x")).code == "390303"


@pytest.fixture(scope="module")
def guarded(keys: KeyPair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMock]:
    """A running mock that knows a token limited to ANALYST."""
    path = pat_file(tmp_path_factory.mktemp("pat"), "token: made-up-token\nrole: analyst")
    with running(keys, pats=(path,), roles=("DEVELOPER_CORTEX", "ANALYST"), networks=("127.0.0.0/8",)) as started:
        yield started


@pytest.mark.parametrize(
    ("role", "status", "code"),
    [("", 200, None), ("ANALYST", 200, None), ("DEVELOPER_CORTEX", 403, "390189")],
    ids=["its-own", "named", "another"],
)
def test_a_token_limits_requests(guarded: RunningMock, role: str, status: int, code: str | None) -> None:
    """What its user may do besides, it may not."""
    headers = {"Authorization": "Bearer made-up-token", **({"X-Snowflake-Role": role} if role else {})}
    answer = guarded.call("GET", "/api/v2/cortex/threads", headers=headers)
    assert answer.status == status
    if code is not None:
        assert (answer.json()["code"], answer.json()["mock"]) == (code, {"granted_roles": ["ANALYST"]})


def test_an_unknown_warehouse_is_refused(guarded: RunningMock) -> None:
    """With Snowflake's words."""
    answer = guarded.call("GET", "/api/v2/cortex/threads", headers={"X-Snowflake-Warehouse": "nope"})
    assert (answer.status, answer.json()["code"]) == (403, "390201")


@pytest.mark.parametrize("status", ["401", "403"])
def test_a_blocked_address_is_refused(keys: KeyPair, status: str) -> None:
    """By the status that is assumed; the mock's own routes stay open."""
    assume = Assumptions.model_validate({"network_block_status": status})
    with running(keys, networks=("10.0.0.0/8",), assume=assume) as blocked:
        answer = blocked.call("GET", "/api/v2/cortex/threads")
        assert (answer.status, answer.json()["code"]) == (int(status), "390422")
        assert blocked.journal()[0]["why"] == "127.0.0.1 is outside the network policy"


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer made-up-token",
        'Snowflake Token="made-up-token"',
        "made-up-token made-up-token",
        "Bearer WIF.made-up-token",
    ],
    ids=["accepted", "session", "scheme", "workload-identity"],
)
def test_no_credential_is_kept(guarded: RunningMock, authorization: str) -> None:
    """Neither in the journal nor in the answer, accepted or not."""
    headers = {"Authorization": authorization, "X-Test-Id": "kept"}
    answer = guarded.call("GET", "/api/v2/cortex/threads", headers=headers)
    assert b"made-up" not in answer.body
    assert "made-up" not in json.dumps(guarded.journal("kept"))
