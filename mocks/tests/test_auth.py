"""Key-pair JWT verification: what Snowflake accepts, and one answer for all that it does not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mocks.snowflake.auth import Account, AuthError, User, account_name, fingerprint_of, load_public_key, verify
from mocks.tests.running import KeyPair

NOW = 1_800_000_000.0
SUBJECT = "MYORG-BENCH.CORTEX_PROXY_USER"


@pytest.fixture(scope="module")
def stranger() -> rsa.RSAPrivateKey:
    """A key that nobody registered."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def account(keys: KeyPair) -> Account:
    """An account with one user who has one key."""
    user = User("CORTEX_PROXY_USER", (keys.private.public_key(),), frozenset({"DEVELOPER_CORTEX"}))
    return Account("MYORG-BENCH", {user.name: user})


def reason(account: Account, token: str, token_type: str | None = None, now: float = NOW) -> str | None:
    """Why a token is refused, None when it is accepted. The client is told nothing of it."""
    try:
        user = verify(f"Bearer {token}", token_type, account, lambda: now)
    except AuthError as error:
        refusal = error
    else:
        assert user.name == "CORTEX_PROXY_USER"
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
    assert (reason(account, token) or "").startswith(("394306: ", "394305: "))


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
        pytest.param("Bearer abc", "OAUTH", "390303", id="oauth"),
        pytest.param("Bearer abc", "PROGRAMMATIC_ACCESS_TOKEN", "394400", id="pat"),
        pytest.param("Bearer abc", "keypair_jwt", "390144", id="type-in-lower-case"),
        pytest.param("Bearer abc", "MAGIC", "390144", id="unknown-type"),
    ],
)
def test_other_credentials(account: Account, authorization: str | None, token_type: str | None, code: str) -> None:
    """What is not emulated is refused with the code that Snowflake has for it."""
    with pytest.raises(AuthError) as refusal:
        verify(authorization, token_type, account)
    assert (refusal.value.code, refusal.value.status) == (code, 401)


def test_the_scheme_has_no_case(keys: KeyPair, account: Account) -> None:
    """`bearer` is Bearer (RFC 9110)."""
    token = jwt.encode(claims(keys), keys.private, algorithm="RS256")
    assert verify(f"bearer {token}", None, account, lambda: NOW).name == "CORTEX_PROXY_USER"


def test_either_of_two_keys_signs(keys: KeyPair, stranger: rsa.RSAPrivateKey) -> None:
    """A user who rotates keys has two, and both hold."""
    user = User("CORTEX_PROXY_USER", (stranger.public_key(), keys.private.public_key()))
    account = Account("MYORG-BENCH", {user.name: user})
    for private in (keys.private, stranger):
        issuer = f"{SUBJECT}.{fingerprint_of(private.public_key())}"
        assert reason(account, jwt.encode(claims(keys, iss=issuer), private, algorithm="RS256")) is None


def test_the_wall_clock_is_the_default(keys: KeyPair, account: Account) -> None:
    """Without a clock of its own, verification looks at the time of day."""
    assert verify(f"Bearer {keys.token()}", None, account).name == "CORTEX_PROXY_USER"
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
