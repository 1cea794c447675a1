"""Session tokens: what is issued, and that nothing else is accepted."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from contracts.api import ProblemType
from proxy.problems import ProblemError
from proxy.tests.conftest import CLIENT_KEY, SESSION_KEY, Keys, MakeSettings
from proxy.tokens import TokenService

NOW = 1_800_000_000


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
def service(make_settings: MakeSettings, clock: Clock) -> TokenService:
    """A service whose clock stands still."""
    return TokenService(make_settings(session_limit_s=1000), clock)


def refused(service: TokenService, authorization: str | None) -> ProblemType:
    """Why a header is refused."""
    with pytest.raises(ProblemError) as problem:
        service.authenticate(authorization)
    return problem.value.kind


def part(document: Any) -> str:
    """One part of a token."""
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def altered(key: bytes = SESSION_KEY, algorithm: str = "HS256", **changed: Any) -> Callable[[str], str]:
    """A forger that signs a genuine token's claims anew; `header_x` changes the header, None drops an entry."""

    def forge(genuine: str) -> str:
        claims = jwt.decode(genuine, options={"verify_signature": False})
        headers = jwt.get_unverified_header(genuine)
        del headers["alg"]
        for name, value in changed.items():
            target, entry = (headers, name[7:]) if name.startswith("header_") else (claims, name)
            target[entry] = value
            if value is None:
                del target[entry]
        head = part({"alg": algorithm, **headers}) + "." + part(claims)
        return head + "." + part(jwt.get_algorithm_by_name("HS256").sign(head.encode(), key))

    return forge


def unsigned(genuine: str) -> str:
    """alg none, no signature."""
    return f"{part({**jwt.get_unverified_header(genuine), 'alg': 'none'})}.{genuine.split('.')[1]}."


def flipped(genuine: str) -> str:
    """One bit of the signature differs."""
    head, _, signature = genuine.rpartition(".")
    raw = bytearray(base64.urlsafe_b64decode(signature + "=="))
    raw[0] ^= 1
    return f"{head}.{part(bytes(raw))}"


FORGED = {
    "no token at all": lambda _: "",
    "no parts": lambda _: "abc",
    "empty parts": lambda _: "..",
    "four parts": lambda genuine: genuine + ".x",
    "header is no JSON": lambda genuine: part(b"{") + genuine[genuine.index(".") :],
    "header is no object": lambda genuine: part([1]) + genuine[genuine.index(".") :],
    "header nested deeply": lambda _: part(b"[" * 2500) + ".e30.e30",
    "alg none": unsigned,
    "alg None in disguise": altered(algorithm="nOnE"),
    "signature flipped": flipped,
    "signature dropped": lambda genuine: genuine.rpartition(".")[0] + ".",
    "claims exchanged": lambda genuine: ".".join([genuine.split(".")[0], part({}), genuine.split(".")[2]]),
    "another key": altered(key=b"another key, which is as long as ours"),
    "empty key": altered(key=b""),
    "another algorithm": altered(algorithm="HS512"),
    "unknown kid": altered(header_kid="0000000000000000"),
    "kid is a path": altered(header_kid="../../../dev/null"),
    "no kid": altered(header_kid=None),
    "plain typ": altered(header_typ="JWT"),
    "no typ": altered(header_typ=None),
    "critical extension": altered(header_crit=["exp"]),
    "other issuer": altered(iss="somebody"),
    "other audience": altered(aud="somebody"),
    "one audience of several": altered(aud=["somebody"]),
    "issued in the future": altered(iat=NOW + 60, exp=NOW + 300),
    "lives too long": altered(exp=NOW + 301),
    "lives for ever": altered(exp=10**18),
    "no exp": altered(exp=None),
    "no iat": altered(iat=None),
    "no jti": altered(jti=None),
    "no sub": altered(sub=None),
    "no sid": altered(sid=None),
    "no sxp": altered(sxp=None),
    "exp is text": altered(exp=str(NOW + 100)),
    "exp is a fraction": altered(exp=NOW + 100.5),
    "exp is a truth": altered(exp=True),
    "exp is infinite": altered(exp=float("inf")),
    "iat is nothing": altered(iat="never"),
    "sid is a number": altered(sid=1),
    "sid is a list": altered(sid=["a"]),
    "sub is a number": altered(sub=1),
    "huge": altered(padding="x" * 5000),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_forged_tokens(service: TokenService, forge: Callable[[str], str]) -> None:
    """Everything but a token of ours, unaltered, is refused without saying why."""
    genuine = service.open_session().token
    assert service.authenticate(f"Bearer {genuine}").expires_at == NOW + 300, "the genuine one is accepted"
    assert refused(service, f"Bearer {forge(genuine)}") is ProblemType.TOKEN_INVALID


def test_a_token_signed_with_rsa(service: TokenService, keys: Keys) -> None:
    """RS256 is refused, also when its public key is taken as the HMAC secret."""
    genuine = service.open_session().token
    headers = {**jwt.get_unverified_header(genuine), "alg": "RS256"}
    claims = jwt.decode(genuine, options={"verify_signature": False})
    signed = jwt.encode(claims, keys.pair, algorithm="RS256", headers=headers)
    public = keys.pair.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert refused(service, f"Bearer {signed}") is ProblemType.TOKEN_INVALID
    assert refused(service, f"Bearer {altered(key=public)(genuine)}") is ProblemType.TOKEN_INVALID


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
        assert problem.value.kind is ProblemType.TOKEN_INVALID


def test_development_wants_none(service: TokenService) -> None:
    """Without production there is nothing to present."""
    service.check_client(None)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds 0 bytes"),
        (b"short", "holds 5 bytes; a key needs at least 32"),
        (b"-----BEGIN PRIVATE KEY-----\n" + b"x" * 40, "is a PEM file"),
    ],
    ids=["empty", "short", "pem"],
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
    service = TokenService(make_settings(session_key_file=path), time.time)
    issued = service.open_session()
    assert service.authenticate(f"Bearer {issued.token}").session_id == issued.session_id


def test_tokens_and_keys_stay_out_of_reprs(service: TokenService) -> None:
    """Printing what is at hand shows neither key nor token."""
    issued = service.open_session()
    shown = f"{service!r} {issued!r} {issued} {service.authenticate('Bearer ' + issued.token)!r}"
    assert issued.token not in shown
    assert SESSION_KEY.decode() not in shown
