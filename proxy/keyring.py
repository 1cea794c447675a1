"""Keys from files that may change while the proxy runs, and the ring of those that sign session tokens.

Three kinds of session keys are accepted: the current one, which also signs; the next one, whose file may be absent; and
those that were current, until every token they signed has expired. One algorithm serves them all and is fixed here.

To rotate, always replacing files by renaming, so that no half-written one is ever read:

1. Write the new key to CORTEX_PROXY_NEXT_SESSION_KEY_FILE of every machine. It is accepted within a second.
2. Write it to CORTEX_PROXY_SESSION_KEY_FILE as well, or rename the next file to it. It signs within a second; tokens of
   the old key live on to their end.
3. Remove the next file, if it is still there.

Where files reach machines minutes apart, or a process may restart meanwhile, exchange the two files' contents in step
2: the old key is then the next one, and accepted, until step 3. Wait there for a token's lifetime.

A key that has leaked must not live on: replace both files and restart, because retired keys are only in memory.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import jwt
import structlog

log = structlog.get_logger(__name__)

ALGORITHM = "HS256"
"""Of every key. Never taken from a token."""

MIN_KEY_BYTES = 32
CHECK_EVERY_S = 1.0

Stamp = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """A session key and the id it goes by, a prefix of its hash."""

    kid: str
    secret: bytes = field(repr=False)


class KeyFile:
    """A file's last good key, read anew when the file changes.

    Raises on construction: OSError, ValueError for what is no key; later both are logged, once for each change.
    """

    def __init__(
        self, path: Path, parse: Callable[[Path, bytes], bytes], now: float, *, may_be_absent: bool = False
    ) -> None:
        self._path, self._parse, self._may_be_absent = path, parse, may_be_absent
        self._lock = threading.Lock()
        self._checked_at = now
        self._seen = self._stamp()
        self._complained_of: Stamp | None = None
        self._key = self._read()

    def key(self, now: float) -> bytes | None:
        """The key, None only for a file that may be absent and is. Looks at the file at most once a second."""
        with self._lock:
            if not 0 <= now - self._checked_at < CHECK_EVERY_S:  # below 0 the clock was put back
                self._checked_at = now
                self._look()
            return self._key

    def _look(self) -> None:
        stamp = self._stamp()  # before reading: a change in between is seen the next time
        if stamp == self._seen:
            self._complained_of = None
            return
        try:
            self._key, self._seen, self._complained_of = self._read(), stamp, None
        except (OSError, ValueError) as error:  # and try again, as the reason may go without a change to the file
            if stamp != self._complained_of:
                log.warning("key file cannot be used, its last good key stays", detail=str(error))
            self._complained_of = stamp

    def _stamp(self) -> Stamp:
        """What differs after any change; empty without a file. The change time also tells of a repaired mode."""
        try:
            found = self._path.stat()
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino

    def _read(self) -> bytes | None:
        try:
            return self._parse(self._path, self._path.read_bytes())
        except FileNotFoundError:
            if self._may_be_absent:
                return None
            raise


class Keyring:
    """The session keys of now. Threads may share it.

    overlap_s: how long a key is accepted after it was current.   Raises on construction: OSError, ValueError.
    """

    def __init__(self, current: Path, coming: Path | None, overlap_s: float, clock: Callable[[], float]) -> None:
        self._clock, self._overlap_s = clock, overlap_s
        now = clock()
        self._coming = KeyFile(coming, session_key, now, may_be_absent=True) if coming else None
        self._current = KeyFile(current, session_key, now)
        self._lock = threading.Lock()
        self._found: tuple[bytes | None, ...] = ()
        self._signing = _key(self._current.key(now))
        self._accepted: dict[str, tuple[Key, float]] = {}
        self._turn(now)

    def signing(self) -> Key:
        """The key that signs."""
        with self._lock:
            self._turn(self._clock())
            return self._signing

    def find(self, kid: object) -> Key | None:
        """The accepted key of this id, if there is one; an id is whatever a stranger sent."""
        if not isinstance(kid, str):
            return None
        now = self._clock()
        with self._lock:
            self._turn(now)
            key, until = self._accepted.get(kid, (None, 0.0))
        return key if now < until else None

    def _turn(self, now: float) -> None:
        # The next file first: when it is renamed to the current one, its key is seen in at least one of the two.
        coming = self._coming.key(now) if self._coming else None
        current = self._current.key(now)
        if self._found == (current, coming):
            return
        before, self._signing = self._signing, _key(current)
        retired = {kid: held for kid, held in self._accepted.items() if now < held[1] < math.inf}
        if before != self._signing:
            retired[before.kid] = (before, now + self._overlap_s)
            log.info("session key exchanged", detail=f"{before.kid} signed so far, {self._signing.kid} signs now")
        of_files = [self._signing] if coming is None else [self._signing, _key(coming)]
        self._accepted = retired | {key.kid: (key, math.inf) for key in of_files}
        self._found = (current, coming)


def session_key(path: Path, content: bytes) -> bytes:
    """The content, which is random bytes of any value.   Raises: ValueError naming the file, never what it holds."""
    _long_enough(path, content)
    if content.startswith(b"-----BEGIN"):
        raise ValueError(f"{path} is a PEM file; the session key is plain random bytes")
    try:
        jwt.get_algorithm_by_name(ALGORITHM).prepare_key(content)
    except jwt.InvalidKeyError as error:  # found now, or it would be found at each token
        raise ValueError(f"{path} is a key of another kind; the session key is plain random bytes") from error
    return content


def text_key(path: Path, content: bytes) -> bytes:
    """The content without white space around it, as it travels in a header.   Raises: ValueError naming the file."""
    return _long_enough(path, content.strip())


def _long_enough(path: Path, key: bytes) -> bytes:
    if len(key) < MIN_KEY_BYTES:
        raise ValueError(f"{path} holds {len(key)} bytes; a key needs at least {MIN_KEY_BYTES}")
    return key


def _key(secret: bytes | None) -> Key:
    assert secret is not None, "the current key's file may not be absent"
    return Key(hashlib.sha256(b"kid:" + secret).hexdigest()[:16], secret)
