"""Documents from files and git revisions, refused with a reason when they are none; and what a reference leads to."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml

from contracts.compat.model import Document, DocumentError

INSIDE = "contracts/openapi.yaml"
"""Where the document is in a folder or a revision that is named alone."""

MAX_BYTES = 10_000_000
MAX_NODES = 1_000_000
"""Values of a document, counted as often as YAML's aliases repeat them."""

MAX_DEPTH = 100
_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels, or an alias inside of what it stands for"

_VALUES = frozenset({"example", "examples", "default", "enum", "const"})
"""Keywords that hold values, in which `$ref` means nothing."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(source: str | Path) -> Document:
    """The document that a name means.

    source: a file, a folder that holds contracts/openapi.yaml, a git revision of the repository around the working
    directory (`v0.1.0`), or a file of one (`v0.1.0:contracts/openapi.yaml`).

    Raises: DocumentError.
    """
    path = Path(source)
    if path.is_dir():
        path /= INSIDE
    if path.is_file():
        return parse(_read(path), str(source))
    return parse(at_revision(str(source)), str(source))


def parse(text: str, name: str) -> Document:
    """The document in a text, with every key a string, and no reference that leads nowhere.

    Raises: DocumentError, which starts with the name.
    """
    if len(text) > MAX_BYTES:
        raise DocumentError(f"{name}: {len(text)} characters; a document has at most {MAX_BYTES}")
    try:
        found = json.loads(text) if text.lstrip().startswith("{") else _yaml(text)
        document: Document = _plain(found, [MAX_NODES], 0)
    except (yaml.YAMLError, json.JSONDecodeError, RecursionError) as error:
        raise DocumentError(f"{name}: neither YAML nor JSON: {' '.join(str(error).split())}") from error
    except DocumentError as error:
        raise DocumentError(f"{name}: {error}") from error
    _check(document, name)
    return document


def resolve(document: Document, reference: str) -> Any:
    """What a reference leads to; of a chain of them, its end.

    Raises: DocumentError where it leads out of the document, nowhere or in a circle.
    """
    seen = [reference]
    found = _target(document, reference)
    while (
        isinstance(found, dict)
        and isinstance(found.get("$ref"), str)
        and set(found) <= {"$ref", "description", "summary"}
    ):
        if found["$ref"] in seen:
            raise DocumentError(
                f"the reference {reference} leads back to itself: {' -> '.join([*seen, found['$ref']])}"
            )
        seen.append(found["$ref"])
        found = _target(document, seen[-1])
    return found


def at_revision(name: str) -> str:
    """The text of a file as it was: `REVISION:path`, or a revision alone for contracts/openapi.yaml.

    Raises: DocumentError when there is no such revision, no such file in it, or no git.
    """
    revision, colon, path = name.partition(":")
    try:
        return git("show", "--end-of-options", f"{revision}:{path if colon else INSIDE}")
    except DocumentError as error:
        raise DocumentError(f"{name}: no such file, and no git revision that has one: {error}") from error


def git(*arguments: str, folder: Path | None = None) -> str:
    """What git prints.

    Raises: DocumentError with git's own words.
    """
    program = shutil.which("git")
    if program is None:
        raise DocumentError("git is not installed; name files instead")
    command = [program, "-C", str(folder or Path.cwd()), *arguments]
    done = subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - a fixed program, never a shell
    if done.returncode:
        raise DocumentError(" ".join(done.stderr.decode(errors="replace").split()) or "git failed")
    try:
        return done.stdout.decode()
    except UnicodeDecodeError as error:
        raise DocumentError(f"not UTF-8: {error}") from error


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DocumentError(f"{path}: {path.stat().st_size} bytes; a document has at most {MAX_BYTES}")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DocumentError(f"{path}: not UTF-8: {error}") from error
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror}") from error


def _yaml(text: str) -> Any:
    depth = 0
    for event in yaml.parse(
        text, Loader=_Loader
    ):  # libyaml's composer ends the process when nesting is too deep for it
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise DocumentError(_TOO_DEEP)
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe one


def _plain(value: Any, left: list[int], depth: int) -> Any:
    """The value as JSON has it: keys are strings (`200:` is a number in YAML), dates are texts."""
    left[0] -= 1
    if left[0] < 0:
        raise DocumentError(f"more than {MAX_NODES} values, aliases counted as often as they are used")
    if depth > MAX_DEPTH:
        raise DocumentError(_TOO_DEEP)
    if isinstance(value, dict):
        return {str(key): _plain(each, left, depth + 1) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each, left, depth + 1) for each in value]
    return value.isoformat() if isinstance(value, date) else value


def _check(document: Any, name: str) -> None:
    if not isinstance(document, dict) or "openapi" not in document:
        raise DocumentError(f"{name}: no OpenAPI document: it has no field openapi")
    version = str(document["openapi"])
    if not version.startswith("3.1."):
        raise DocumentError(f"{name}: OpenAPI {version}; only 3.1 can be compared, convert it first")
    paths = document.get("paths", {})
    if not isinstance(paths, dict) or not all(isinstance(each, dict) for each in paths.values()):
        raise DocumentError(f"{name}: paths is no object of objects")
    for reference in _references(document):
        try:
            resolve(document, reference)
        except DocumentError as error:
            raise DocumentError(f"{name}: {error}") from error


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _references(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "$ref" and isinstance(each, str):
                yield each
            elif key not in _VALUES:
                yield from _references(each)


def _target(document: Document, reference: str) -> Any:
    if not reference.startswith("#/"):
        raise DocumentError(f"the reference {reference} leads out of the document; bundle it into one first")
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        step = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and step.isdecimal() and int(step) < len(found):
            found = found[int(step)]
        elif isinstance(found, dict) and step in found:
            found = found[step]
        else:
            raise DocumentError(f"the reference {reference} leads nowhere: there is no {step!r}")
    return found
