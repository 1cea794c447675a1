"""Released documents: what clients hold us to, a file for each version, and whether a change since then is told.

python -m contracts.release           keep contracts/openapi.yaml as the document of its version
python -m contracts.release --check   exit 1 when something broke that version or changelog do not tell

A break needs another major version; below 1.0 the minor takes its place (SemVer 2.0.0, items 4 and 8). And it needs a
line in the changelog, under the new version or Unreleased, that starts with `- **Breaking:**` and names the spot as the
comparison does, in backticks.
"""

from __future__ import annotations

import argparse
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from contracts.compat import Change, Document, DocumentError, Severity, compare, load

ROOM = Path(__file__).parent
CURRENT = ROOM / "openapi.yaml"
RELEASED = ROOM / "released"
CHANGELOG = ROOM.parent / "CHANGELOG.md"
MARK = "- **Breaking:**"

OK, FAULTS, USAGE = 0, 1, 2

Version = tuple[int, int, int]


def version(document: Document) -> Version:
    """The document's version.

    Raises: DocumentError when it has none of three numbers.
    """
    return _parsed(str(document.get("info", {}).get("version")))


def newest(folder: Path = RELEASED) -> Path:
    """The released document of the highest version.

    Raises: DocumentError when there is none, or one whose name is no version.
    """
    released = sorted(folder.glob("*.yaml"), key=lambda each: _parsed(each.stem))
    if not released:
        raise DocumentError(f"{folder}: no document is released yet; keep one with 'python -m contracts.release'")
    return released[-1]


def keep(current: Path = CURRENT, folder: Path = RELEASED) -> Path:
    """The file in which the document is kept under its version.

    Raises: DocumentError when that version is kept already, with another content.
    """
    kept = folder / f"{_dotted(version(load(current)))}.yaml"
    if kept.exists() and kept.read_bytes() != current.read_bytes():
        raise DocumentError(
            f"{kept}: this version is released already, and with another content. Raise the version; "
            "or delete the file first, when nobody has got that version"
        )
    folder.mkdir(exist_ok=True)
    shutil.copyfile(current, kept)
    return kept


def faults(released: Document, current: Document, changelog: str) -> list[str]:
    """What of the breaks since a release is not told, each as a sentence that says what to do."""
    breaks = breaking(released, current)
    wrong = version_fault(released, current, breaks)
    untold = (
        f"the changelog does not tell a break. Under [Unreleased] or [{_dotted(version(current))}] it wants a line "
        f"that starts with '{MARK}' and names the spot, such as:"
    )
    lines = missing_lines(current, changelog, breaks)
    return [*([wrong] if wrong else []), *(f"{untold}\n{each}" for each in lines)]


def breaking(released: Document, current: Document) -> list[Change]:
    """The breaking changes since a release."""
    return [each for each in compare(released, current) if each.severity is Severity.BREAKING]


def version_fault(released: Document, current: Document, breaks: Sequence[Change]) -> str:
    """Why the document's version is too low for these breaks; empty when it is not."""
    old, new = version(released), version(current)
    needed = (old[0] + 1, 0, 0) if old[0] else (0, old[1] + 1, 0)
    if not breaks or new >= needed:
        return ""
    part = "major version" if old[0] else "minor version (below 1.0 it stands for the major)"
    return (
        f"{len(breaks)} breaking change{'s' * (len(breaks) > 1)} since {_dotted(old)}, and the version is "
        f"{_dotted(new)}: a break needs another {part}, {_dotted(needed)} at least. Raise it, or take the change back."
    )


def missing_lines(current: Document, changelog: str, breaks: Sequence[Change]) -> list[str]:
    """The lines about these breaks that the changelog lacks; each begins with the mark and names the spot."""
    told = list(_told(changelog, _dotted(version(current))))
    lines = []
    for change in breaks:
        spot = f"`{subject(change)}`"
        if not any(spot in line for line in told):
            lines.append(f"{MARK} {change.sentence if spot in change.sentence else f'{spot}: {change.sentence}'}")
    return lines


def subject(change: Change) -> str:
    """What a line of the changelog has to name."""
    place = change.places[0] if change.places else None
    named = (place.name.partition("`")[2].rstrip("`") or place.event) if place else ""
    return str(change.anchor) or named or (place.operation if place else "")


def _told(changelog: str, wanted: str) -> Iterator[str]:
    """The lines about breaks, each with those that continue it, of the unreleased version and the wanted one."""
    is_open = False
    for entry in re.split(r"\n(?=## |- |\n)", changelog):
        heading = re.match(r"\s*## \[([^\]]+)\]", entry)
        if heading:
            is_open = heading[1] in {"Unreleased", wanted}
        elif is_open and entry.lstrip().startswith(MARK):
            yield " ".join(entry.split())


def _parsed(text: str) -> Version:
    found = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)(?:[-+].*)?", text)
    if found is None:
        raise DocumentError(f"{text!r} is no version of three numbers")
    return int(found[1]), int(found[2]), int(found[3])


def _dotted(numbers: Version) -> str:
    return ".".join(map(str, numbers))


def run(*, check: bool, say: Callable[[str], None] = print) -> int:
    """The exit code: 0 done or all told, 1 when a break is not told, 2 when a document cannot be read or kept."""
    try:
        if not check:
            say(f"{keep()} is kept")
            return OK
        latest = newest()
        found = faults(load(latest), load(CURRENT), CHANGELOG.read_text(encoding="utf-8"))
    except (DocumentError, OSError) as error:
        say(str(error))
        return USAGE
    for each in found:
        say(each)
    say(f"{len(found) or 'no'} fault{'s' * (len(found) != 1)} against {latest.stem}")
    return FAULTS if found else OK


def main() -> int:
    """The command line's exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a break is not told")
    return run(check=parser.parse_args().check)


if __name__ == "__main__":
    raise SystemExit(main())
