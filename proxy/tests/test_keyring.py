"""Keys that change while the proxy runs: what is accepted when, and that a bad file changes nothing."""

from __future__ import annotations

import hashlib
import itertools
import os
import threading
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from proxy.keyring import Key, KeyFile, Keyring, session_key, text_key

NOW = 1_800_000_000.0
OVERLAP_S = 306.0
A, B, C = (f"session key {letter}, long enough for all".encode() for letter in "ABC")

MOMENTS = itertools.count(int(NOW) * 10**9)


class Clock:
    """A clock that the test sets."""

    now = NOW

    def __call__(self) -> float:
        return self.now


def kid(secret: bytes) -> str:
    """The id a key goes by."""
    return hashlib.sha256(b"kid:" + secret).hexdigest()[:16]


def replace(path: Path, content: bytes) -> None:
    """Put a new file in the place of an old one."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    moment = next(MOMENTS)
    os.utime(fresh, ns=(moment, moment))  # file systems may not tell apart what is written within milliseconds
    fresh.replace(path)


class Ring:
    """A keyring with its two files and its clock."""

    def __init__(self, folder: Path) -> None:
        self.current, self.coming, self.clock = folder / "current.key", folder / "next.key", Clock()
        self.current.write_bytes(A)
        self.keyring = Keyring(self.current, self.coming, OVERLAP_S, self.clock)

    def later(self, seconds: float = 1) -> None:
        """Move the clock."""
        self.clock.now += seconds

    @property
    def accepted(self) -> set[bytes]:
        """Which of the keys here are accepted."""
        return {secret for secret in (A, B, C) if self.keyring.find(kid(secret)) == Key(kid(secret), secret)}

    @property
    def signing(self) -> bytes:
        """The key that signs."""
        return self.keyring.signing().secret


@pytest.fixture
def ring(tmp_path: Path) -> Ring:
    return Ring(tmp_path)


def test_the_documented_rotation(ring: Ring) -> None:
    """Announced, exchanged, removed: at each step the tokens of the step before are accepted."""
    ring.coming.write_bytes(B)
    ring.later()
    assert (ring.signing, ring.accepted) == (A, {A, B})
    ring.coming.rename(ring.current)
    ring.later()
    assert (ring.signing, ring.accepted) == (B, {A, B})
    ring.later(OVERLAP_S - 0.1)
    assert ring.accepted == {A, B}
    ring.later(0.1)
    assert (ring.signing, ring.accepted) == (B, {B})


def test_the_next_key_renamed_between_two_looks(ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new key is accepted although the current file was still the old one when the next one was looked at."""
    ring.coming.write_bytes(B)
    ring.later()
    assert ring.accepted == {A, B}
    stat, looked = Path.stat, []

    def rename_before_the_second(path: Path) -> os.stat_result:
        looked.append(path)
        if len(looked) == 2:
            ring.coming.rename(ring.current)
        return stat(path)

    ring.later()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "stat", rename_before_the_second)
        assert ring.keyring.find(kid(B)) == Key(kid(B), B)
    assert len(looked) == 2
    assert not ring.coming.exists()
    ring.later()
    assert (ring.signing, ring.accepted) == (B, {A, B})


def test_exchanging_the_two_files(ring: Ring) -> None:
    """With the old key as the next one it is accepted as long as that file is there, then not at once forgotten."""
    ring.coming.write_bytes(B)
    ring.later()
    replace(ring.coming, A)
    replace(ring.current, B)
    ring.later()
    assert (ring.signing, ring.accepted) == (B, {A, B})
    ring.later(10 * OVERLAP_S)
    assert ring.accepted == {A, B}
    ring.coming.unlink()
    ring.later()
    assert ring.accepted == {B}


def test_a_next_key_that_is_withdrawn(ring: Ring) -> None:
    """It never signed, so it is not kept."""
    ring.coming.write_bytes(B)
    ring.later()
    ring.coming.unlink()
    ring.later()
    assert ring.accepted == {A}


def test_two_rotations_at_once(ring: Ring) -> None:
    """Each key that signed stays for its own time; going back to an earlier one is no different."""
    replace(ring.current, B)
    ring.later()
    assert ring.signing == B
    replace(ring.current, C)
    ring.later(100)
    assert (ring.signing, ring.accepted) == (C, {A, B, C})
    ring.later(OVERLAP_S - 100)
    assert ring.accepted == {B, C}
    replace(ring.current, B)
    ring.later()
    assert (ring.signing, ring.accepted) == (B, {B, C})
    ring.later(OVERLAP_S)
    assert ring.accepted == {B}


def test_an_exchange_is_logged_by_id(ring: Ring) -> None:
    """Operators see that a rotation took place, and never a key."""
    replace(ring.current, B)
    ring.later()
    with capture_logs() as logged:
        assert ring.signing == B
        assert ring.signing == B
    assert [line["detail"] for line in logged] == [f"{kid(A)} signed so far, {kid(B)} signs now"]


@pytest.mark.parametrize("seconds", [0.9, -0.1], ids=["soon", "clock put back"])
def test_files_are_looked_at_once_a_second(ring: Ring, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Within a second nothing is asked of the file system; a clock that was put back does not stop the looking."""
    replace(ring.current, B)
    looked: list[Path] = []
    stat = Path.stat

    def noted(path: Path) -> os.stat_result:
        looked.append(path)
        return stat(path)

    monkeypatch.setattr(Path, "stat", noted)
    ring.later(seconds)
    for _ in range(3):
        ring.keyring.find(kid(A))
    assert looked == ([] if seconds > 0 else [ring.coming, ring.current])


BAD = {"empty": b"", "too short": b"s3cret-and-short", "PEM": b"-----BEGIN PRIVATE KEY-----\n" + b"s3cret" * 9}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize("which", ["current", "coming"])
def test_a_replacement_that_is_no_key(ring: Ring, which: str, content: bytes) -> None:
    """The last good keys stay, one warning for each change names the file and not its content."""
    ring.coming.write_bytes(B)
    ring.later()
    assert ring.accepted == {A, B}
    path: Path = getattr(ring, which)
    replace(path, content)
    with capture_logs() as logged:
        for _ in range(3):
            ring.later()
            assert (ring.signing, ring.accepted) == (A, {A, B})
        replace(path, content + b"!")
        ring.later()
        assert ring.accepted == {A, B}
    assert [line["log_level"] for line in logged] == ["warning", "warning"]
    assert all(str(path) in line["detail"] and "s3cret" not in str(line) for line in logged)
    replace(path, C)
    ring.later()
    assert C in ring.accepted


def test_a_current_key_that_vanishes(ring: Ring) -> None:
    """The last good key stays, however often the file comes and goes, and each going is told."""
    with capture_logs() as logged:
        for secret in (A, B):
            ring.current.unlink()
            ring.later()
            assert A in ring.accepted
            ring.later()
            assert A in ring.accepted
            replace(ring.current, secret)
            ring.later()
            assert ring.signing == secret
    assert [line["log_level"] for line in logged] == ["warning", "warning", "info"]


def test_a_file_that_is_readable_again(ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed for a reason outside the file is tried again although the file has not changed since."""
    replace(ring.current, B)

    def fail(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patched, capture_logs() as logged:
        patched.setattr(Path, "read_bytes", fail)
        for _ in range(2):
            ring.later()
            assert ring.signing == A
    assert [line["detail"] for line in logged] == [f"[Errno 13] Permission denied: '{ring.current}'"]
    ring.later()
    assert ring.signing == B


def test_mounted_secrets(tmp_path: Path) -> None:
    """A link that turns to another folder, as Kubernetes updates secrets, is a change."""
    for name, secret in (("old", A), ("new", B)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "session.key").write_bytes(secret)
    link, clock = tmp_path / "data", Clock()
    link.symlink_to(tmp_path / "old")
    keyring = Keyring(link / "session.key", None, OVERLAP_S, clock)
    (tmp_path / "fresh").symlink_to(tmp_path / "new")
    (tmp_path / "fresh").rename(link)
    clock.now += 1
    assert keyring.signing() == Key(kid(B), B)


@pytest.mark.parametrize("found", [None, 7, True, ["a"], {}, "", "0" * 16, "../next.key", kid(C)])
def test_ids_of_no_key(ring: Ring, found: object) -> None:
    """Whatever the id is, it is looked up among the keys and nowhere else."""
    assert ring.keyring.find(found) is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds 0 bytes; a key needs at least 32"),
        (b"x" * 31, "holds 31 bytes; a key needs at least 32"),
        (b"-----BEGIN PUBLIC KEY-----" + b"s3cret" * 9, "is a PEM file; the session key is plain random bytes"),
        (b"ssh-rsa " + b"s3cret" * 9, "is a key of another kind; the session key is plain random bytes"),
        (b'{"kty":"oct","k":"' + b"s3cret" * 9 + b'"}', "is a key of another kind; the session key is plain random"),
    ],
    ids=["empty", "short", "PEM", "SSH", "JWK"],
)
def test_what_is_no_session_key(tmp_path: Path, content: bytes, told: str) -> None:
    """The words name the file and what is wrong with it, never its content."""
    with pytest.raises(ValueError, match=told) as error:
        session_key(tmp_path / "some.key", content)
    assert str(error.value).startswith(str(tmp_path / "some.key"))
    assert "s3cret" not in str(error.value)


def test_white_space_around_keys() -> None:
    """It belongs to random bytes, and not to text."""
    content = b"\n" + b"x" * 32 + b" \n"
    assert session_key(Path("a"), content) == content
    assert text_key(Path("a"), content) == b"x" * 32
    with pytest.raises(ValueError, match="a holds 31 bytes"):
        text_key(Path("a"), b"x" * 31 + b"\n")


def test_a_file_that_must_be_there(tmp_path: Path) -> None:
    """Without one there is no start; one that may be absent is no key until it appears."""
    path = tmp_path / "session.key"
    with pytest.raises(FileNotFoundError):
        KeyFile(path, session_key, NOW)
    found = KeyFile(path, session_key, NOW, may_be_absent=True)
    assert found.key(NOW + 1) is None
    path.write_bytes(A)
    assert found.key(NOW + 2) == A


def test_keys_stay_out_of_reprs(ring: Ring) -> None:
    """Printing what is at hand shows no key."""
    shown = f"{ring.keyring!r} {ring.keyring.signing()!r} {ring.keyring.signing()}"
    assert "session key A" not in shown
    assert kid(A) in shown


def test_threads_share_a_keyring(ring: Ring) -> None:
    """While keys are exchanged, every thread finds the key it has just signed with."""
    lost: list[str] = []
    begun, done = threading.Barrier(5), threading.Event()

    def work() -> None:
        begun.wait()
        while not done.is_set():
            key = ring.keyring.signing()
            if ring.keyring.find(key.kid) != key:
                lost.append(key.kid)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    begun.wait()
    signed = set()
    for _ in range(10):
        for secret in (B, C):
            replace(ring.current, secret)
            ring.later()
            signed.add(ring.signing)
    done.set()
    for thread in threads:
        thread.join()
    assert (lost, signed) == ([], {B, C})
