"""Development keys: made on first use, kept in a git-ignored folder, readable by their owner only."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

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
    _write_once(folder / ".gitignore", lambda: b"*\n")  # whatever repository the folder happens to lie in
    keys = DevelopmentKeys(folder / "rsa_key.p8", folder / "rsa_key.pub", folder / "session.key")
    _write_once(keys.private_key, _new_private_key)
    _write_once(keys.public_key, lambda: _public_half(keys.private_key))
    _write_once(keys.session_key, lambda: secrets.token_hex(32).encode())
    return keys


def _new_private_key() -> bytes:
    pair = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return pair.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _public_half(private_key: Path) -> bytes:
    pair = load_pem_private_key(private_key.read_bytes(), password=None)
    return pair.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _write_once(path: Path, content: Callable[[], bytes]) -> None:
    """Write a file that is not there, whole or not at all; of two commands started at once, the first one's stays."""
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content())
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
