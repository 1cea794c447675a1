"""Development keys: made on first use, kept in a git-ignored folder, readable by their owner only."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

STATE_DIR = Path(".cortex-harness")


@dataclass(frozen=True, slots=True)
class DevelopmentKeys:
    """Paths of the key pair that the proxy signs with and the mock knows, and of the session key."""

    private_key: Path
    public_key: Path
    session_key: Path


def ensure(folder: Path = STATE_DIR) -> DevelopmentKeys:
    """The keys in a folder, made if they are not there.   Raises: OSError when the folder cannot be written."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    keys = DevelopmentKeys(folder / "rsa_key.p8", folder / "rsa_key.pub", folder / "session.key")
    if not (keys.private_key.exists() and keys.public_key.exists()):
        pair = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = pair.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        _write(keys.private_key, pair.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        _write(keys.public_key, public)
    if not keys.session_key.exists():
        _write(keys.session_key, secrets.token_hex(32).encode())
    return keys


def _write(path: Path, content: bytes) -> None:
    """Write whole or not at all: two commands started at once must not see half a key."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    draft.replace(path)
