"""What is kept of a failed story: credentials starred first, then looked through for leaks, and dropped where it leaks.

The eyes are those of `cortex-harness verify`: every encoding, archives, streams. What nobody can look into, pictures
and films, shows what the page showed: it is kept of a rehearsal, whose data is made up, and never of a live target.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from fixtures.allowed import Allowed
from fixtures.leaks import Lookout, scan
from fixtures.pieces import Unread
from mocks.redact import HIDDEN, is_secret_header, text_without_credentials

ALLOWED = Path(__file__).with_name("evidence.yaml")
KEYS = ("*.p8", "*.pem", "*.key")
MIN_SECRET_CHARS = 16
RESOURCES = ("resources/", "screencast/")
"""Members of a browser's trace without which it can still be looked at."""
LIVE_PICTURE = "nobody can look into it, and what it shows is live data"


@dataclass
class Kept:
    """What was kept below a folder, and what was not, with the reason.   unseen: kept, and nobody looked into it."""

    folder: Path
    files: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """What happened to everything."""
        return [
            *(f"kept {name}" + (", which nobody can look into" if name in self.unseen else "") for name in self.files),
            *(f"dropped {each}" for each in self.dropped),
        ]


def secrets_of(folder: Path | None) -> frozenset[bytes]:
    """What must not be read anywhere of the keys in a folder: their lines, but for those too short to mean anything."""
    files = [] if folder is None else [path for pattern in KEYS for path in folder.rglob(pattern)]
    lines = (line.strip() for path in files for line in path.read_bytes().splitlines())
    return frozenset(line for line in lines if len(line) >= MIN_SECRET_CHARS and not line.startswith(b"-----"))


def keep(raw: Path, folder: Path, *, secrets: Collection[bytes] = (), pictures: bool = True) -> Kept:
    """Move everything below `raw` that can be kept safely into a folder; `raw` is gone then.

    secrets: that must not stand anywhere.   pictures: whether what they show may be seen by whoever reads evidence.
    """
    kept = Kept(folder)
    for path in sorted(each for each in raw.rglob("*") if each.is_file()):
        name = str(path.relative_to(raw))
        reason = _unsafe(path, secrets, pictures, kept.dropped, name)
        if reason is not None:
            kept.dropped.append(f"{name}: {reason}")
            continue
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, target)
        kept.files.append(name)
        if _is_picture(path.name):
            kept.unseen.append(name)
    shutil.rmtree(raw)
    return kept


def _unsafe(path: Path, secrets: Collection[bytes], pictures: bool, dropped: list[str], name: str) -> str | None:
    """Why a file cannot be kept, after everything was done that makes it safe; None when it can.

    dropped: is told what an archive had to leave out to be safe.
    """
    if _is_picture(path.name):
        return None if pictures else LIVE_PICTURE
    try:
        if not zipfile.is_zipfile(path):
            path.write_bytes(cleaned(path.read_bytes()))
            return _told(_leaks(path, secrets).get("", ()))
        _rewrite(path, lambda member, content: content if _is_picture(member) else cleaned(content))
        return _without_leaks(path, secrets, pictures, dropped, name)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        return f"it cannot be read: {error}"


def _without_leaks(path: Path, secrets: Collection[bytes], pictures: bool, dropped: list[str], name: str) -> str | None:
    """A trace that misses a resource can still be looked at; one whose own records leak cannot be kept."""
    reasons = {member: _told(found) for member, found in _leaks(path, secrets).items()}
    own = [f"{member} {reason}" for member, reason in reasons.items() if not member.startswith(RESOURCES)]
    if own:
        return "; ".join(own)
    with zipfile.ZipFile(path) as archive:
        hidden = [] if pictures else list(filter(_is_picture, archive.namelist()))
    out = {**reasons, **dict.fromkeys(hidden, LIVE_PICTURE)}
    if out:
        _rewrite(path, lambda member, content: None if member in out else content)
        dropped += [f"{name}!{member}: {reason}" for member, reason in out.items()]
    return None


def _leaks(path: Path, secrets: Collection[bytes]) -> dict[str, list[str]]:
    """What leaks, by the archive's member; by nothing in a file that is none."""
    unread: list[Unread] = []
    found: dict[str, set[str]] = {}
    for leak in scan([path], _lookout(), unread.append):
        found.setdefault(_member(leak.file), set()).add(f"{leak.kind} ({leak.how})")
    for each in unread:
        if not each.is_picture:
            found.setdefault(_member(each.file), set()).add(each.reason)
    for member, content in _contents(path):
        if any(secret in content for secret in secrets):
            found.setdefault(member, set()).add("a key of this run")
    return {member: sorted(each) for member, each in found.items()}


def _told(leaks: Collection[str]) -> str | None:
    return f"leaks {', '.join(leaks)}" if leaks else None


def _member(file: str) -> str:
    return file.partition("!")[2]


def _contents(path: Path) -> Iterator[tuple[str, bytes]]:
    if not zipfile.is_zipfile(path):
        yield "", path.read_bytes()
        return
    with zipfile.ZipFile(path) as archive:
        yield from ((name, archive.read(name)) for name in archive.namelist())


def _rewrite(path: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    """An archive whose members are what `change` makes of them; without those of which it makes None."""
    beside = path.with_name(f"{path.name}.part")
    with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as new:
        for member, content in _contents(path):
            changed = change(member, content)
            if changed is not None:
                new.writestr(member, changed)
    beside.replace(path)


@cache
def _lookout() -> Lookout:
    return Lookout.of(allowed=Allowed.load(ALLOWED))


def _is_picture(name: str) -> bool:
    return name.endswith((".png", ".jpeg", ".jpg", ".webm"))


def cleaned(content: bytes) -> bytes:
    """Text, JSON or lines of JSON with stars for every credential; everything else as it is."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return content
    return _cleaned_text(text).encode()


def _cleaned_text(text: str) -> str:
    document = _document(text)
    if document is not None:
        return json.dumps(_starred(document), ensure_ascii=False)
    return "".join(map(_cleaned_line, text.splitlines(keepends=True)))


def _cleaned_line(line: str) -> str:
    document = _document(line)
    if document is None:
        return text_without_credentials(line)
    return json.dumps(_starred(document), ensure_ascii=False) + line[len(line.rstrip("\r\n")) :]


def _document(text: str) -> dict[str, Any] | list[Any] | None:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict | list) else None


def _starred(value: Any, name: str = "") -> Any:
    """A document with stars for credentials, also in pairs of `name` and `value`, as HAR and traces hold headers."""
    if isinstance(value, str):
        return HIDDEN if value and is_secret_header(name) else text_without_credentials(value)
    if isinstance(value, list):
        return [_starred(each, name) for each in value]
    if isinstance(value, dict):
        pair = value.get("name")
        told = {key: _starred(each, key) for key, each in value.items()}
        if isinstance(pair, str) and isinstance(value.get("value"), str) and is_secret_header(pair):
            told["value"] = HIDDEN
        return told
    return value
