"""The key-pair JWT: its claims, when it is renewed, and keys that are none."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from proxy.keypair import LIFETIME_S, KeyPairSigner, account_claim, load_private_key
from proxy.tests.conftest import Keys

NOW = 1_800_000_000.7


class Clock:
    """A clock that the test sets."""

    now = NOW

    def __call__(self) -> float:
        return self.now


def test_the_claims_are_what_snowflake_checks(keys: Keys) -> None:
    """RS256; issuer is account, user and the public key's fingerprint; a life below an hour."""
    token = KeyPairSigner("myorg-bench", "cortex_proxy_user", keys.private_key, Clock()).token()
    public = keys.pair.public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    fingerprint = base64.b64encode(hashlib.sha256(der).digest()).decode()
    claims = jwt.decode(token, public, algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False})
    assert claims == {
        "iss": f"MYORG-BENCH.CORTEX_PROXY_USER.SHA256:{fingerprint}",
        "sub": "MYORG-BENCH.CORTEX_PROXY_USER",
        "iat": 1_800_000_000,
        "exp": 1_800_000_000 + LIFETIME_S,
    }
    assert LIFETIME_S < 3600


@pytest.mark.parametrize(
    ("account", "claim"),
    [
        ("myorg-bench", "MYORG-BENCH"),
        ("xy12345", "XY12345"),
        ("xy12345.eu-central-1", "XY12345"),
        ("xy12345.eu-central-1.aws", "XY12345"),
        ("xy12345-global7.global", "XY12345"),
    ],
)
def test_account_claim(account: str, claim: str) -> None:
    """Region and cloud are cut, an organisation's hyphen is not."""
    assert account_claim(account) == claim


def test_a_token_is_shared_until_four_fifths_of_its_life(keys: Keys) -> None:
    """The same token is handed out for 80 % of its life, then a new one."""
    clock = Clock()
    signer = KeyPairSigner("A", "U", keys.private_key, clock)
    first = signer.token()
    clock.now = NOW + LIFETIME_S * 0.8 - 1
    assert signer.token() == first
    clock.now = NOW + LIFETIME_S * 0.8
    assert signer.token() != first


def test_a_forgotten_token_is_minted_anew_once(keys: Keys) -> None:
    """Forgetting the current token renews it; forgetting one that was replaced meanwhile does not."""
    clock = Clock()
    signer = KeyPairSigner("A", "U", keys.private_key, clock)
    first = signer.token()
    clock.now += 10
    signer.forget(first)
    second = signer.token()
    assert second != first
    clock.now += 10
    signer.forget(first)
    assert signer.token() == second


def test_a_crowd_mints_once(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that ask at the same time get one token."""
    signer = KeyPairSigner("A", "U", keys.private_key)
    minted: list[float] = []
    mint = signer._mint

    def counted(now: float) -> str:
        minted.append(now)
        return mint(now)

    monkeypatch.setattr(signer, "_mint", counted)
    got: list[str] = []
    threads = [threading.Thread(target=lambda: got.append(signer.token())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(got), len(set(got)), len(minted)) == (16, 1, 1)


def pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey, password: bytes | None = None) -> bytes:
    """A key as a file holds it."""
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("empty", "is not an unencrypted PEM private key"),
        ("text", "is not an unencrypted PEM private key"),
        ("cut", "is not an unencrypted PEM private key"),
        ("encrypted", "is not an unencrypted PEM private key"),
        ("public", "is not an unencrypted PEM private key"),
        ("not RSA", "holds no RSA key"),
        ("weak", "1024 bits; Snowflake wants at least 2048"),
    ],
)
def test_keys_that_are_none(keys: Keys, tmp_path: Path, kind: str, told: str) -> None:
    """A file that is no RSA key says so by its path, never by its content."""
    contents: dict[str, Callable[[], bytes]] = {
        "empty": lambda: b"",
        "text": lambda: b"canary-canary-canary",
        "cut": lambda: pem(keys.pair)[:400],
        "encrypted": lambda: pem(keys.pair, b"password"),
        "public": lambda: keys.pair.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "not RSA": lambda: pem(ed25519.Ed25519PrivateKey.generate()),
        "weak": lambda: pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),  # noqa: S505 - the point
    }
    path = tmp_path / "key.p8"
    path.write_bytes(contents[kind]())
    with pytest.raises(ValueError, match=told) as refused:
        load_private_key(path)
    assert str(path) in str(refused.value)
    assert "canary" not in str(refused.value)


def test_a_missing_key_names_its_path(tmp_path: Path) -> None:
    """The operating system's error carries the file's name."""
    with pytest.raises(FileNotFoundError) as missing:
        load_private_key(tmp_path / "no.p8")
    assert str(missing.value.filename) == str(tmp_path / "no.p8")


def test_neither_key_nor_token_in_the_repr(keys: Keys) -> None:
    """Printing the signer shows whom it signs as, no more."""
    signer = KeyPairSigner("A", "U", keys.private_key)
    signer.token()
    assert repr(signer) == "KeyPairSigner(A.U)"
