"""Key-pair JWTs for Snowflake: minted once, shared by all threads, renewed at 80 % of their life."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from contracts.cortex import TokenType

LIFETIME_S = 3540
"""A minute below the hour that Snowflake allows, for clocks that differ."""

RENEW_AFTER = 0.8
MIN_KEY_BITS = 2048


class KeyPairSigner:
    """Signs as ACCOUNT.USER with an RSA key.   Raises on construction: OSError, ValueError naming the file."""

    token_type = TokenType.KEYPAIR_JWT

    def __init__(self, account: str, user: str, key_file: Path, clock: Callable[[], float] = time.time) -> None:
        self._key = load_private_key(key_file)
        self._subject = f"{account_claim(account)}.{user.upper()}"
        self._issuer = f"{self._subject}.{_fingerprint(self._key)}"
        self._clock = clock
        self._lock = threading.Lock()
        self._token, self._renew_at = "", 0.0

    def __repr__(self) -> str:
        return f"KeyPairSigner({self._subject})"

    def token(self) -> str:
        """A token with at least a fifth of its life left; only one thread mints."""
        with self._lock:
            now = self._clock()
            if now >= self._renew_at:
                self._token, self._renew_at = self._mint(now), now + LIFETIME_S * RENEW_AFTER
            return self._token

    def forget(self, token: str) -> bool:
        """Mint anew at the next call, unless another thread already has; that may always help."""
        with self._lock:
            if token == self._token:
                self._renew_at = 0.0
        return True

    def _mint(self, now: float) -> str:
        issued = int(now)
        claims = {"iss": self._issuer, "sub": self._subject, "iat": issued, "exp": issued + LIFETIME_S}
        return jwt.encode(claims, self._key, algorithm="RS256")


def load_private_key(path: Path) -> RSAPrivateKey:
    """An unencrypted PEM RSA key.   Raises: OSError, ValueError naming the file but never its content."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(f"{path} is not an unencrypted PEM private key") from error
    if not isinstance(key, RSAPrivateKey):
        raise ValueError(f"{path} holds no RSA key; Snowflake key pairs are RSA")
    if key.key_size < MIN_KEY_BITS:
        raise ValueError(f"{path} holds an RSA key of {key.key_size} bits; Snowflake wants at least {MIN_KEY_BITS}")
    return key


def account_claim(account: str) -> str:
    """The account as it stands in `iss` and `sub`: upper-case, without region and cloud.

    Cut at the first dot (`xy12345.eu-central-1`), for `.global` hosts at the first hyphen; a hyphen in an
    organisation-account name stays.
    """
    name = account.partition(".")[0]
    if account.endswith(".global"):
        name = name.partition("-")[0]
    return name.upper()


def _fingerprint(key: RSAPrivateKey) -> str:
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode()
