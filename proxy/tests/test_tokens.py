"""Session tokens: what is issued, and that nothing else is accepted."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from contracts.api import Problem, ProblemType
from proxy.problems import ProblemError
from proxy.redis_client import connect
from proxy.tests.conftest import CLIENT_KEY, SESSION_KEY, Keys, MakeSettings
from proxy.tests.redis_server import RedisServer, redis_server
from proxy.tokens import TYPE, Denylist, MemoryDenylist, RedisDenylist, TokenService

NOW = 1_800_000_000
NEXT_KEY = b"next session key of the tests, long enough"


class Clock:
    """A clock that the test sets."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def service(make_settings: MakeSettings, clock: Clock, tmp_path: Path) -> TokenService:
    """A service whose clock stands still; it knows a next key, too."""
    next_key = tmp_path / "next.key"
    next_key.write_bytes(NEXT_KEY)
    return TokenService(make_settings(session_limit_s=1000, next_session_key_file=next_key), clock=clock)


def refusal(service: TokenService, authorization: str | None) -> Problem:
    """What the caller of a refused header gets to see."""
    with pytest.raises(ProblemError) as problem:
        service.authenticate(authorization)
    assert not problem.value.headers
    return problem.value.problem()


def refused(service: TokenService, authorization: str | None) -> ProblemType:
    """Why a header is refused."""
    return ProblemType(refusal(service, authorization).type.rpartition("/")[2])


def part(document: Any) -> str:
    """One part of a token."""
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: Any, claims: Any, key: bytes = SESSION_KEY, algorithm: str = "HS256") -> str:
    """A token of these parts with a signature that fits."""
    head = f"{part(header)}.{part(claims)}"
    return f"{head}.{part(jwt.get_algorithm_by_name(algorithm).sign(head.encode(), key))}"


def opened(genuine: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token."""
    return jwt.get_unverified_header(genuine), jwt.decode(genuine, options={"verify_signature": False})


def altered(key: bytes = SESSION_KEY, algorithm: str = "HS256", **changed: Any) -> Callable[[str], str]:
    """A forger that signs a genuine token's claims anew; `header_x` changes the header, None drops an entry."""

    def forge(genuine: str) -> str:
        headers, claims = opened(genuine)
        for name, value in changed.items():
            target, entry = (headers, name[7:]) if name.startswith("header_") else (claims, name)
            target[entry] = value
            if value is None:
                del target[entry]
        return signed(headers, claims, key, algorithm)

    return forge


def keyed(algorithm: str, **kwargs: Any) -> Callable[[str], str]:
    """A forger that names another algorithm, and uses it when it is an HMAC."""
    return altered(algorithm=algorithm if algorithm.startswith("HS") else "HS256", header_alg=algorithm, **kwargs)


def unsigned(genuine: str) -> str:
    """alg none, no signature."""
    header, claims = opened(genuine)
    return f"{part(header | {'alg': 'none'})}.{part(claims)}."


def resigned(genuine: str, change: Callable[[bytes], bytes]) -> str:
    """The signature's bytes are others."""
    head, _, signature = genuine.rpartition(".")
    return f"{head}.{part(change(base64.urlsafe_b64decode(signature + '==')))}"


def last_bits_set(genuine: str) -> str:
    """Another spelling of the same signature: its last character has two bits that mean nothing."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return genuine[:-1] + letters[letters.index(genuine[-1]) + 1]


def stretched(genuine: str, chars: int) -> str:
    """A token of so many characters that says the same: white space is added to its claims."""
    header, claims = opened(genuine)
    for spaces in range(chars):
        longer = signed(header, json.dumps(claims).encode() + b" " * spaces)
        if len(longer) >= chars:
            break
    assert len(longer) == chars
    return longer


def repeated(place: int, name: str) -> Callable[[str], str]:
    """A forger that gives a name of the header (0) or the claims (1) twice, the good value last."""

    def forge(genuine: str) -> str:
        raw = [json.dumps(each).encode() for each in opened(genuine)]
        raw[place] = b'{"%s":"other",' % name.encode() + raw[place][1:]
        return signed(raw[0], raw[1])

    return forge


def with_payload(payload: Any) -> Callable[[str], str]:
    """A forger of a signed token with any payload."""
    return lambda genuine: signed(opened(genuine)[0], payload)


KID = hashlib.sha256(b"kid:" + SESSION_KEY).hexdigest()[:16]
NEXT_KID = hashlib.sha256(b"kid:" + NEXT_KEY).hexdigest()[:16]

FORGED: dict[str, Callable[[str], str]] = {
    # shape
    "no token at all": lambda _: "",
    "one part": lambda _: "abc",
    "two parts": lambda genuine: genuine.rpartition(".")[0],
    "empty parts": lambda _: "..",
    "four parts": lambda genuine: genuine + ".x",
    "five parts": lambda genuine: genuine + ".x.y",
    "space before": lambda genuine: " " + genuine,
    "space after": lambda genuine: genuine + " ",
    "space inside": lambda genuine: genuine.replace(".", ". ", 1),
    "line feed after": lambda genuine: genuine + "\n",
    "NUL after": lambda genuine: genuine + "\0",
    "NUL inside": lambda genuine: genuine.replace(".", "\0.", 1),
    "letters beyond ASCII": lambda genuine: genuine.replace(".", ".\u00e9", 1),
    "full stops beyond ASCII": lambda genuine: genuine.replace(".", "\uff0e"),
    "standard base64": lambda genuine: genuine[:-43] + "+" * 43,
    "padded header": lambda genuine: genuine.replace(".", "=.", 1),
    "padded signature": lambda genuine: genuine + "=",
    "two tokens": lambda genuine: f"{genuine},{genuine}",
    "too long": altered(padding="x" * 5000),
    "one character too long": lambda genuine: stretched(genuine, 4097),
    # header
    "header is no JSON": lambda genuine: signed(b"{", opened(genuine)[1]),
    "header is no text": lambda genuine: signed(b"\xff\xfe{}", opened(genuine)[1]),
    "header is a list": lambda genuine: signed([1], opened(genuine)[1]),
    "header is empty": lambda genuine: signed({}, opened(genuine)[1]),
    "header nested deeply": lambda _: signed(b"[" * 2500, {}),
    "alg none": unsigned,
    "alg none with a signature": keyed("none"),
    "alg None in disguise": keyed("nOnE"),
    "alg HS384": keyed("HS384"),
    "alg HS512": keyed("HS512"),
    "alg HS384, signed with HS256": altered(header_alg="HS384"),
    "alg RS256, signed with the HMAC key": keyed("RS256"),
    "alg in lower case": keyed("hs256"),
    "alg is a list": altered(header_alg=["HS256"]),
    "no alg": altered(header_alg=None),
    "kid of another key": altered(header_kid=NEXT_KID),
    "key of another kid": altered(key=NEXT_KEY),
    "unknown kid": altered(header_kid="0000000000000000"),
    "kid is a path": altered(header_kid="../../../dev/null"),
    "kid is SQL": altered(header_kid="x' UNION SELECT 'a"),
    "kid is an address": altered(header_kid="https://evil.example/key"),
    "kid is huge": altered(header_kid="a" * 3000),
    "kid is a number": altered(header_kid=7),
    "kid is a list": altered(header_kid=[NEXT_KID]),
    "kid is empty": altered(header_kid=""),
    "no kid": altered(header_kid=None),
    "plain typ": altered(header_typ="JWT"),
    "typ in capitals": altered(header_typ=TYPE.upper()),
    "typ is a number": altered(header_typ=1),
    "no typ": altered(header_typ=None),
    "crit": altered(header_crit=["exp"]),
    "crit is empty": altered(header_crit=[]),
    "b64 is false": altered(header_b64=False, header_crit=["b64"]),
    "b64 is true": altered(header_b64=True),
    "jku": altered(header_jku="https://evil.example/keys"),
    "x5u": altered(header_x5u="https://evil.example/certificate"),
    "x5c": altered(header_x5c=["MII="]),
    "jwk": altered(header_jwk={"kty": "oct", "k": part(SESSION_KEY)}),
    "cty": altered(header_cty="JWT"),
    "alg twice": repeated(0, "alg"),
    "kid twice": repeated(0, "kid"),
    # signature
    "signature empty": lambda genuine: genuine.rpartition(".")[0] + ".",
    "signature with one bit changed": lambda genuine: resigned(genuine, lambda raw: bytes([raw[0] ^ 1]) + raw[1:]),
    "signature cut": lambda genuine: resigned(genuine, lambda raw: raw[:-1]),
    "signature longer": lambda genuine: resigned(genuine, lambda raw: raw + b"x"),
    "signature spelt differently": last_bits_set,
    "signature of another token": lambda genuine: genuine[:-43] + altered(sub="user-1")(genuine).rpartition(".")[2],
    "claims of another token": lambda genuine: ".".join([genuine.split(".")[0], part({}), genuine.split(".")[2]]),
    "another key": altered(key=b"another key, which is as long as ours"),
    "empty key": altered(key=b""),
    "the kid as key": lambda genuine: altered(key=opened(genuine)[0]["kid"].encode())(genuine),
    # payload
    "payload is no JSON": with_payload(b"{"),
    "payload is no text": with_payload(b"\xff\xfe"),
    "payload is a list": with_payload([1]),
    "payload is text": with_payload("claims"),
    "payload is null": with_payload(b"null"),
    "payload is empty": with_payload({}),
    "payload nested deeply": with_payload(b"[" * 2500),
    "payload is a token": lambda genuine: signed(opened(genuine)[0], genuine.encode()),
    "payload is UTF-16": lambda genuine: signed(opened(genuine)[0], json.dumps(opened(genuine)[1]).encode("utf-16")),
    "sub twice": repeated(1, "sub"),
    "exp twice": repeated(1, "exp"),
    "a claim of somebody else": altered(role="ADMIN"),
    "not before": altered(nbf=NOW + 100),
    "other iss": altered(iss="somebody"),
    "iss is a list": altered(iss=["cortex-proxy"]),
    "other aud": altered(aud="somebody"),
    "aud is a list": altered(aud=["cortex-proxy"]),
    "aud is a list with others": altered(aud=["somebody", "cortex-proxy"]),
    "sub is a number": altered(sub=1),
    "sub is null": with_payload(b'{"sub":null}'),
    "sub is empty": altered(sub=""),
    "sub with a line feed": altered(sub="user-1\n"),
    "sub is too long": altered(sub="u" * 129),
    "sid is a number": altered(sid=1),
    "sid is a list": altered(sid=["a"]),
    "sid with a wildcard": altered(sid="*" * 32),
    "jti is a number": altered(jti=1),
    "jti is empty": altered(jti=""),
    "iat in the future": altered(iat=NOW + 6, exp=NOW + 300),
    "iat in the far future": altered(iat=NOW + 10**9, exp=NOW + 10**9 + 300, sxp=NOW + 10**9 + 300),
    "iat is text": altered(iat=str(NOW)),
    "iat is a fraction": altered(iat=NOW + 0.5),
    "iat is a whole fraction": altered(iat=float(NOW)),
    "iat is a truth": altered(iat=True),
    "iat is not a number": altered(iat=float("nan")),
    "exp is text": altered(exp=str(NOW + 100)),
    "exp is a fraction": altered(exp=NOW + 100.5),
    "exp is a truth": altered(exp=True),
    "exp is huge": altered(exp=10**18, sxp=10**18),
    "exp has a thousand digits": altered(exp=10**1000, sxp=10**1000),
    "exp is infinite": altered(exp=float("inf")),
    "exp is negative": altered(exp=-1),
    "exp is zero": altered(exp=0),
    "exp is iat": altered(exp=NOW),
    "lives too long": altered(exp=NOW + 301),
    "lives longer than its session": altered(sxp=NOW + 299),
    "sxp is beyond the calendar": altered(sxp=253_402_300_800),
    "sxp is text": altered(sxp=str(NOW + 1000)),
    "no iss": altered(iss=None),
    "no aud": altered(aud=None),
    "no sub": altered(sub=None),
    "no iat": altered(iat=None),
    "no exp": altered(exp=None),
    "no jti": altered(jti=None),
    "no sid": altered(sid=None),
    "no sxp": altered(sxp=None),
    # both wrong and old: the end is only told of good tokens
    "expired, of another key": altered(key=b"another key, which is as long as ours", iat=NOW - 600, exp=NOW - 300),
    "expired, for somebody else": altered(aud="somebody", iat=NOW - 600, exp=NOW - 300),
    "expired, after too long a life": altered(iat=NOW - 700, exp=NOW - 300),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_forged_tokens(service: TokenService, forge: Callable[[str], str]) -> None:
    """Everything but a token of ours, unaltered, gets the same answer, which does not say why."""
    genuine = service.open_session().token
    assert service.authenticate(f"Bearer {genuine}").expires_at == NOW + 300, "the genuine one is accepted"
    assert refusal(service, f"Bearer {forge(genuine)}") == Problem(
        type="https://cortex-harness.dev/problems/token-invalid",
        title="The session token is not valid",
        status=401,
        detail="The session token cannot be accepted; request a new one.",
        retryable=False,
    )


@pytest.mark.parametrize(
    "forge",
    [
        altered(),
        altered(key=NEXT_KEY, header_kid=NEXT_KID),
        altered(iat=NOW + 5),
        altered(iat=NOW - 304, exp=NOW - 4),
        altered(sxp=NOW + 300),
        altered(sub="user-4711|a.b:c@d_e"),
        altered(sxp=253_402_300_799),
        lambda genuine: stretched(genuine, 4096),
    ],
    ids=[
        "unchanged",
        "next key",
        "clock ahead",
        "just ended",
        "last of its session",
        "named subject",
        "session until the year 9999",
        "longest",
    ],
)
def test_the_forger_can_make_good_tokens(service: TokenService, forge: Callable[[str], str]) -> None:
    """What is refused above is not refused because it was made here."""
    service.authenticate(f"Bearer {forge(service.open_session().token)}")


def test_a_token_signed_with_rsa(service: TokenService, keys: Keys) -> None:
    """RS256 is refused, also when its public key is taken as the HMAC secret."""
    genuine = service.open_session().token
    headers, claims = opened(genuine)
    genuinely_rsa = jwt.encode(claims, keys.pair, algorithm="RS256", headers=headers | {"alg": "RS256"})
    public = keys.pair.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for forged in (genuinely_rsa, altered(key=public)(genuine), keyed("RS256", key=public)(genuine)):
        assert refused(service, f"Bearer {forged}") is ProblemType.TOKEN_INVALID


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        (None, ProblemType.TOKEN_MISSING),
        ("", ProblemType.TOKEN_MISSING),
        ("Bearer", ProblemType.TOKEN_INVALID),
        ("Basic dTpw", ProblemType.TOKEN_INVALID),
        ("Bearer \x00\xff", ProblemType.TOKEN_INVALID),
        ("Bearer a b", ProblemType.TOKEN_INVALID),
    ],
)
def test_headers_without_a_token(service: TokenService, header: str | None, kind: ProblemType) -> None:
    """A missing header and one of another kind are told apart."""
    assert refused(service, header) is kind


def test_a_token_lasts_its_five_minutes_and_a_little(service: TokenService, clock: Clock) -> None:
    """It is accepted until its end, a few seconds longer for clocks that differ, then it has expired."""
    issued = service.open_session()
    assert (issued.expires_in_s, issued.expires_at.timestamp()) == (300, NOW + 300)
    clock.now = NOW + 304
    assert service.authenticate(f"bearer {issued.token}").session_id == issued.session_id
    clock.now = NOW + 305
    assert refused(service, f"Bearer {issued.token}") is ProblemType.TOKEN_EXPIRED


def test_a_token_of_a_clock_that_went_back(service: TokenService, clock: Clock) -> None:
    """After the clock was put back by more than a few seconds, older tokens are from the future."""
    token = service.open_session().token
    clock.now = NOW - 5
    assert service.authenticate(f"Bearer {token}").expires_at == NOW + 300
    clock.now = NOW - 6
    assert refused(service, f"Bearer {token}") is ProblemType.TOKEN_INVALID


def test_refreshing_ends_at_the_sessions_limit(service: TokenService, clock: Clock) -> None:
    """Each refresh keeps session and subject; the last is cut at the limit, and after it there is none."""
    token = service.open_session()
    first = service.authenticate(f"Bearer {token.token}")
    for elapsed_s, expires_in_s in [(290, 300), (580, 300), (870, 130)]:
        clock.now = NOW + elapsed_s
        token = service.refresh(service.authenticate(f"Bearer {token.token}"))
        assert token.expires_in_s == expires_in_s
        assert token.session_expires_at.timestamp() == NOW + 1000
    session = service.authenticate(f"Bearer {token.token}")
    assert (session.session_id, session.subject) == (first.session_id, first.subject)
    clock.now = NOW + 1000
    with pytest.raises(ProblemError) as ended:
        service.refresh(service.authenticate(f"Bearer {token.token}"))
    assert ended.value.kind is ProblemType.SESSION_ENDED


def test_tokens_are_never_the_same(service: TokenService) -> None:
    """Two sessions opened in the same second share neither id, subject nor token."""
    one, other = service.open_session(), service.open_session()
    assert one.token != other.token
    sessions = [service.authenticate(f"Bearer {each.token}") for each in (one, other)]
    assert len({each.session_id for each in sessions} | {each.subject for each in sessions}) == 4


def test_production_wants_the_client_key(make_settings: MakeSettings, keys: Keys) -> None:
    """Only the exact key opens a session in production; its file may end with a newline."""
    service = TokenService(make_settings(environment="production", client_key_file=keys.client_key))
    service.check_client(CLIENT_KEY.decode())
    for wrong in (None, "", CLIENT_KEY.decode() + "x", CLIENT_KEY.decode()[:-1], "é"):
        with pytest.raises(ProblemError) as problem:
            service.check_client(wrong)
        assert problem.value.kind is ProblemType.CLIENT_KEY_INVALID


def test_development_wants_none(service: TokenService) -> None:
    """Without production there is nothing to present."""
    service.check_client(None)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds 0 bytes"),
        (b"short", "holds 5 bytes; a key needs at least 32"),
        (b"-----BEGIN PRIVATE KEY-----\n" + b"x" * 40, "is a PEM file"),
        (b"ssh-ed25519 " + b"x" * 40, "is a key of another kind"),
        (b'{"kty": "oct", "k": "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eA"}', "is a key of another kind"),
    ],
    ids=["empty", "short", "pem", "ssh", "jwk"],
)
def test_session_keys_that_are_none(make_settings: MakeSettings, tmp_path: Path, content: bytes, told: str) -> None:
    """A key that is too short or something else stops the start, naming the file."""
    path = tmp_path / "session.key"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=told) as refusal:
        TokenService(make_settings(session_key_file=path))
    assert str(path) in str(refusal.value)


def test_random_bytes_are_a_key_whatever_they_are(make_settings: MakeSettings, tmp_path: Path) -> None:
    """32 bytes that begin and end with white space are 32 bytes all the same."""
    path = tmp_path / "session.key"
    path.write_bytes(b"\n" + bytes(30) + b" ")
    service = TokenService(make_settings(session_key_file=path))
    issued = service.open_session()
    assert service.authenticate(f"Bearer {issued.token}").session_id == issued.session_id


def test_a_next_key_that_is_none(make_settings: MakeSettings, tmp_path: Path) -> None:
    """The next key may be missing, but what is there must be a key."""
    path = tmp_path / "next.key"
    settings = make_settings(next_session_key_file=path)
    assert TokenService(settings).open_session().expires_in_s == 300
    path.write_bytes(b"short")
    with pytest.raises(ValueError, match="holds 5 bytes"):
        TokenService(settings)


# --- who may name a subject ------------------------------------------------------------------------------------------


def test_a_named_subject(service: TokenService) -> None:
    """A session is of the subject that was named, also after a refresh."""
    session = service.authenticate(f"Bearer {service.open_session('user-4711').token}")
    refreshed = service.authenticate(f"Bearer {service.refresh(session).token}")
    assert (session.subject, refreshed.subject) == ("user-4711", "user-4711")


@pytest.mark.parametrize("environment", ["development", "production"])
def test_naming_a_subject_needs_the_client_key(make_settings: MakeSettings, keys: Keys, environment: str) -> None:
    """Also in development, where anybody may open a session without one."""
    service = TokenService(make_settings(environment=environment, client_key_file=keys.client_key))
    service.check_client(CLIENT_KEY.decode(), names_subject=True)
    for wrong in (None, "", "wrong"):
        with pytest.raises(ProblemError, match="A valid X-Client-Key header is required to name") as problem:
            service.check_client(wrong, names_subject=True)
        assert problem.value.kind is ProblemType.CLIENT_KEY_INVALID


def test_naming_a_subject_without_any_client_key(service: TokenService) -> None:
    """Where no key is configured, nothing that is presented is one."""
    for presented in (None, "", CLIENT_KEY.decode()):
        with pytest.raises(ProblemError, match="Naming a subject needs the client key") as problem:
            service.check_client(presented, names_subject=True)
        assert problem.value.kind is ProblemType.CLIENT_KEY_INVALID


def test_the_client_key_is_exchanged(make_settings: MakeSettings, clock: Clock, tmp_path: Path) -> None:
    """Within a second of its file the new key is the one; a file that holds none changes nothing."""
    path = tmp_path / "client.key"
    path.write_bytes(CLIENT_KEY)
    service = TokenService(make_settings(environment="production", client_key_file=path), clock=clock)
    replace(path, b"the client key that came later, long enough\n")
    service.check_client(CLIENT_KEY.decode())
    clock.now += 1
    service.check_client("the client key that came later, long enough")
    with pytest.raises(ProblemError):
        service.check_client(CLIENT_KEY.decode())
    replace(path, b"short")
    clock.now += 1
    service.check_client("the client key that came later, long enough")


# --- rotation --------------------------------------------------------------------------------------------------------


def replace(path: Path, content: bytes) -> None:
    """Put a new file in the place of an old one."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.replace(path)


def test_a_rotation(make_settings: MakeSettings, clock: Clock, tmp_path: Path) -> None:
    """Two processes that see the new key at different times accept each other's tokens all along."""
    current, coming = tmp_path / "a.key", tmp_path / "b.key"
    current.write_bytes(SESSION_KEY)
    settings = make_settings(session_key_file=current, next_session_key_file=coming)
    early, late = TokenService(settings, clock=clock), TokenService(settings, clock=clock)
    old = early.open_session().token
    coming.write_bytes(NEXT_KEY)
    clock.now += 1
    for service in (early, late):
        service.authenticate(f"Bearer {old}")
    replace(current, NEXT_KEY)  # within the same second, so that nobody has looked yet
    clock.now += 1
    new = early.open_session().token
    assert (opened(old)[0]["kid"], opened(new)[0]["kid"]) == (KID, NEXT_KID)
    coming.unlink()
    late.authenticate(f"Bearer {new}")
    for service in (early, late):
        service.authenticate(f"Bearer {old}")
    clock.now = NOW + 304
    for service in (early, late):
        service.authenticate(f"Bearer {old}")
    clock.now = NOW + 305
    assert refused(early, f"Bearer {old}") is ProblemType.TOKEN_EXPIRED
    clock.now = NOW + 2 + 306
    assert refused(early, f"Bearer {old}") is ProblemType.TOKEN_INVALID, "its key is gone by now"


def test_a_key_that_was_never_announced(make_settings: MakeSettings, clock: Clock, tmp_path: Path) -> None:
    """Without a next file a key can be exchanged, too: tokens of the old one live on in this process."""
    path = tmp_path / "session.key"
    path.write_bytes(SESSION_KEY)
    service = TokenService(make_settings(session_key_file=path), clock=clock)
    old = service.open_session()
    replace(path, NEXT_KEY)
    clock.now += 100
    refreshed = service.refresh(service.authenticate(f"Bearer {old.token}"))
    assert opened(refreshed.token)[0]["kid"] == NEXT_KID
    assert refreshed.session_id == old.session_id
    assert service.authenticate(f"Bearer {refreshed.token}").expires_at == NOW + 400


# --- logout ----------------------------------------------------------------------------------------------------------


def test_an_ended_session(service: TokenService, clock: Clock) -> None:
    """None of its tokens is accepted any more, in the words for any bad token; other sessions go on."""
    first, other = service.open_session("user-1"), service.open_session("user-1")
    second = service.refresh(service.authenticate(f"Bearer {first.token}"))
    service.end(service.authenticate(f"Bearer {second.token}"))
    forged = refusal(service, "Bearer forged")
    for token in (first, second):
        assert refusal(service, f"Bearer {token.token}") == forged
    service.authenticate(f"Bearer {other.token}")


def test_an_ended_session_stays_ended(service: TokenService, clock: Clock) -> None:
    """The last token it can have is refused for as long as it would have lived, a late refresh included."""
    token = service.open_session().token
    session = service.authenticate(f"Bearer {token}")
    service.end(session)
    for elapsed_s in (0, 299, 304):
        clock.now = NOW + elapsed_s
        assert refused(service, f"Bearer {token}") is ProblemType.TOKEN_INVALID
    clock.now = NOW + 20
    late = service.refresh(session)  # had been let in before the end
    for elapsed_s in (20, 319, 324):
        clock.now = NOW + elapsed_s
        assert refused(service, f"Bearer {late.token}") is ProblemType.TOKEN_INVALID
    clock.now = NOW + 325
    assert refused(service, f"Bearer {late.token}") is ProblemType.TOKEN_EXPIRED


class Noted:
    """A denylist that only writes down."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}

    def deny(self, names: Mapping[str, int]) -> None:
        self.names.update(names)

    def denies(self, *names: str) -> bool:
        return bool(self.names.keys() & names)


@pytest.mark.parametrize(
    ("elapsed_s", "limit_s", "denied_s"),
    [
        (0, 1000, (305, 605)),
        (299.5, 1000, (6, 605)),
        (304.5, 1000, (1, 605)),
        (0.5, 400, (305, 405)),
        (304.5, 300, (1, 1)),
    ],
    ids=["fresh", "part of a second", "just ended", "near the session's limit", "past the session's limit"],
)
def test_what_is_denied(
    make_settings: MakeSettings, clock: Clock, elapsed_s: float, limit_s: int, denied_s: tuple[int, int]
) -> None:
    """The token until its end, the session until that of any token it can still get, in whole seconds."""
    noted = Noted()
    service = TokenService(make_settings(session_limit_s=limit_s), noted, clock)
    token = service.open_session().token
    clock.now = NOW + elapsed_s
    session = service.authenticate(f"Bearer {token}")
    service.end(session)
    names = (f"jti:{opened(token)[1]['jti']}", f"sid:{session.session_id}")
    assert noted.names == dict(zip(names, denied_s, strict=True))


@pytest.fixture(scope="module")
def redis_running() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture(params=["memory", "redis"])
def denylist(request: pytest.FixtureRequest) -> Iterator[Denylist]:
    """Either kind."""
    if request.param == "memory":
        yield MemoryDenylist()
        return
    server: RedisServer = request.getfixturevalue("redis_running")
    with contextlib.closing(connect(server.url)) as client:
        client.flushall()
        yield RedisDenylist(client)


def test_denied_names(denylist: Denylist) -> None:
    """A name is denied among others that are not, and no other is."""
    assert not denylist.denies("jti:a", "sid:b")
    denylist.deny({"jti:a": 100, "sid:b": 200})
    assert denylist.denies("jti:a", "sid:c")
    assert denylist.denies("jti:c", "sid:b")
    assert not denylist.denies("jti:b", "sid:a")


def test_denied_names_are_forgotten() -> None:
    """Memory keeps no name longer than it was denied, and the longest time when it was denied twice."""
    clock = Clock()
    denylist = MemoryDenylist(clock)
    denylist.deny({"short": 10, "long": 20, "again": 10})
    denylist.deny({"again": 20, "long": 1})
    clock.now = NOW + 9.9
    assert denylist.denies("short")
    clock.now = NOW + 10
    assert not denylist.denies("short")
    assert [denylist.denies(name) for name in ("long", "again")] == [True, True]
    denylist.deny({})
    assert len(denylist) == 2
    clock.now = NOW + 20
    denylist.deny({"other": 1})
    assert len(denylist) == 1
    assert not denylist.denies("long", "again")


def test_denied_names_in_redis(redis_running: RedisServer) -> None:
    """They expire by themselves, and stand apart from whatever else Redis holds."""
    with contextlib.closing(connect(redis_running.url)) as client:
        client.flushall()
        RedisDenylist(client).deny({"jti:a": 100, "sid:b": 200})
        assert sorted(client.keys()) == [b"cortex-proxy:denied:jti:a", b"cortex-proxy:denied:sid:b"]
        assert 99 <= client.ttl("cortex-proxy:denied:jti:a") <= 100
        assert 199 <= client.ttl("cortex-proxy:denied:sid:b") <= 200


def test_a_logout_holds_in_every_process(make_settings: MakeSettings, redis_running: RedisServer) -> None:
    """What one process ends, another one with the same Redis refuses."""
    with contextlib.closing(connect(redis_running.url)) as one, contextlib.closing(connect(redis_running.url)) as two:
        here, there = (TokenService(make_settings(), RedisDenylist(client)) for client in (one, two))
        token = here.open_session().token
        here.end(there.authenticate(f"Bearer {token}"))
        assert refused(there, f"Bearer {token}") is ProblemType.TOKEN_INVALID


def test_without_redis_nobody_is_let_in(make_settings: MakeSettings) -> None:
    """A good token is not accepted and a session not ended while Redis is away; bad tokens need no Redis."""
    with redis_server() as server, contextlib.closing(connect(server.url)) as client:
        told: list[bool] = []
        service = TokenService(make_settings(), RedisDenylist(client, told.append))
        token = service.open_session().token
        session = service.authenticate(f"Bearer {token}")
        server.stop()
        for attempt in (lambda: service.authenticate(f"Bearer {token}"), lambda: service.end(session)):
            with pytest.raises(ProblemError) as problem:
                attempt()
            assert (problem.value.kind, problem.value.retry_after_s) == (ProblemType.STORE_UNAVAILABLE, 1)
        assert refused(service, "Bearer forged") is ProblemType.TOKEN_INVALID
        server.start()
        assert service.authenticate(f"Bearer {token}") == session
    assert told == [True, False, False, True]


# --- seals -----------------------------------------------------------------------------------------------------------


HANDLE = "01b2c3d4-0000-1111-2222-333344445555"


def unsealed_as(service: TokenService, subject: str, sealed: str) -> ProblemType | str:
    """The value, or why there is none."""
    try:
        return service.unseal(subject, sealed)
    except ProblemError as error:
        return error.kind


@pytest.mark.parametrize("value", [HANDLE, "", "é" * 70, "x" * 152], ids=["handle", "empty", "unicode", "longest"])
def test_a_sealed_value(service: TokenService, value: str) -> None:
    """It comes back for its subject, fits a URL, and is never too long for the API."""
    sealed = service.seal("user-1", value)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,256}", sealed)
    assert service.unseal("user-1", sealed) == value


def test_a_value_too_long_to_seal(service: TokenService) -> None:
    """More than fits is refused, not cut."""
    with pytest.raises(ValueError, match="a value of 153 bytes cannot be sealed; the limit is 152"):
        service.seal("user-1", "x" * 153)


NOT_SEALED: dict[str, Callable[[str], str]] = {
    "empty": lambda _: "",
    "the value itself": lambda _: HANDLE,
    "cut": lambda sealed: sealed[:-4],
    "lengthened": lambda sealed: sealed + "AAAA",
    "padded": lambda sealed: sealed + "=",
    "white space": lambda sealed: sealed + "\n",
    "beyond ASCII": lambda sealed: sealed[:-1] + "\u00e9",
    "lone surrogate": lambda sealed: sealed[:-1] + "\ud800",
    "one character": lambda _: "A",
    "another kid": lambda sealed: "A" + sealed[1:] if sealed[0] != "A" else "B" + sealed[1:],
    "another tag": lambda sealed: sealed[:20] + ("A" if sealed[20] != "A" else "B") + sealed[21:],
    "another value": lambda sealed: sealed[:60] + ("A" if sealed[60] != "A" else "B") + sealed[61:],
    "over-long": lambda sealed: sealed + "A" * 300,
}


@pytest.mark.parametrize("change", NOT_SEALED.values(), ids=NOT_SEALED.keys())
def test_what_was_not_sealed(service: TokenService, change: Callable[[str], str]) -> None:
    """Anything else is no result."""
    sealed = service.seal("user-1", HANDLE)
    assert unsealed_as(service, "user-1", change(sealed)) is ProblemType.RESULT_NOT_FOUND


def test_a_seal_is_the_subjects_own(service: TokenService) -> None:
    """For everybody else there is no such result."""
    sealed = service.seal("user-1", HANDLE)
    for other in ("user-2", "user-", "user-10", "", "USER-1"):
        assert unsealed_as(service, other, sealed) is ProblemType.RESULT_NOT_FOUND
    assert service.seal("user-1", HANDLE) != service.seal("user-2", HANDLE)
    raw = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
    moved = part(raw[: -len(HANDLE)] + b"1" + HANDLE.encode())  # the subject's end put before the value
    assert unsealed_as(service, "user-", moved) is ProblemType.RESULT_NOT_FOUND


def test_a_seal_outlives_a_rotation_as_tokens_do(make_settings: MakeSettings, clock: Clock, tmp_path: Path) -> None:
    """Of the old key it is accepted as long as that key is."""
    path = tmp_path / "session.key"
    path.write_bytes(SESSION_KEY)
    service = TokenService(make_settings(session_key_file=path), clock=clock)
    sealed = service.seal("user-1", HANDLE)
    replace(path, NEXT_KEY)
    clock.now = NOW + 1
    assert service.unseal("user-1", sealed) == HANDLE
    assert service.seal("user-1", HANDLE) != sealed
    clock.now = NOW + 306.9
    assert service.unseal("user-1", sealed) == HANDLE
    clock.now = NOW + 307
    assert unsealed_as(service, "user-1", sealed) is ProblemType.RESULT_NOT_FOUND


def test_tokens_and_keys_stay_out_of_reprs(service: TokenService) -> None:
    """Printing what is at hand shows neither key nor token."""
    issued = service.open_session()
    shown = f"{service!r} {issued!r} {issued} {service.authenticate('Bearer ' + issued.token)!r}"
    assert issued.token not in shown
    assert SESSION_KEY.decode() not in shown
