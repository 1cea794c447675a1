"""What the proxy shows to Snowflake: key-pair JWTs, a programmatic access token, or an OAuth token.

Snowflake's documentation names the header values; see section 6 of `docs/cortex-wire.md`.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Protocol

from contracts.cortex import TokenType
from proxy.keypair import KeyPairSigner
from proxy.settings import Settings

MAX_TOKEN_CHARS = 16_384
TOKEN = re.compile(r"[\x21-\x7e]+")


class Credential(Protocol):
    """Whatever stands behind `Authorization: Bearer`."""

    token_type: TokenType

    def token(self) -> str:
        """The token to send now."""

    def forget(self, token: str) -> bool:
        """Say that this token was refused; whether another may be had."""


class FileToken:
    """A token that something else writes into a file and keeps fresh there; read anew when the file changes.

    Raises on construction: OSError, ValueError naming the file but never its content.
    """

    def __init__(self, path: Path, token_type: TokenType) -> None:
        self._path, self.token_type = path, token_type
        self._lock = threading.Lock()
        self._stamp = self._stamp_now()
        self._token = self._read()

    def __repr__(self) -> str:
        return f"FileToken({self._path}, {self.token_type})"

    def token(self) -> str:
        """The file's token; the last good one while the file is missing or half written."""
        with self._lock:
            try:
                stamp = self._stamp_now()
                if stamp != self._stamp:
                    self._token, self._stamp = self._read(), stamp
            except (OSError, ValueError):
                pass  # its writer may be at work; a token that has expired will be refused and reported
            return self._token

    def forget(self, token: str) -> bool:
        """Whether the file holds another token by now."""
        return self.token() != token

    def _stamp_now(self) -> tuple[int, int, int]:
        found = self._path.stat()
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> str:
        token = self._path.read_bytes()[: MAX_TOKEN_CHARS + 1].decode("latin-1").strip()
        if len(token) > MAX_TOKEN_CHARS or not TOKEN.fullmatch(token):
            raise ValueError(f"{self._path} holds no token: one line of printable ASCII without blanks is expected")
        return token


def credential(settings: Settings) -> Credential:
    """The one that the settings name.   Raises: OSError, ValueError naming the file."""
    if settings.pat_file is not None:
        return FileToken(settings.pat_file, TokenType.PAT)
    if settings.oauth_token_file is not None:
        return FileToken(settings.oauth_token_file, TokenType.OAUTH)
    assert settings.private_key_file is not None, "settings hold exactly one credential"
    return KeyPairSigner(settings.account, settings.user, settings.private_key_file)
