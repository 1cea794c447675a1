"""Both states that a review compares: document, pacts and what to call them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from contracts.compat import Document, DocumentError, load
from contracts.compat.documents import INSIDE, git, parse
from contracts.pactfile import PactFile, PactFileError
from contracts.release import newest

PACTS = "contracts/pacts"
MOST_COMMITS = 30


@dataclass(frozen=True, slots=True)
class State:
    """The contracts at one time. name: in words.   pacts: None where nothing is known of them."""

    name: str
    document: Document
    pacts: tuple[PactFile, ...] | None


@dataclass(frozen=True, slots=True)
class Sources:
    """What is compared. commits: their subjects, newest first.   changelog: its text, empty without one."""

    before: State
    after: State
    commits: tuple[str, ...] = ()
    changelog: str = ""


def since(revision: str | None) -> Sources:
    """The working tree of the repository around the working directory, and what it was at a revision.

    revision: without one the last released document is what was; of its time no pacts are known.

    Raises: DocumentError when there is no such revision, or a file of it is none of ours.
    """
    root = _root()
    after = State("the working tree", load(root / INSIDE), _pacts(root / PACTS))
    changelog = root / "CHANGELOG.md"
    told = changelog.read_text(encoding="utf-8") if changelog.is_file() else ""
    if revision is None:
        kept = newest(root / "contracts/released")
        return Sources(State(f"release {kept.stem}", load(kept), None), after, changelog=told)
    commit = git("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}", folder=root).strip()
    when = git("show", "--no-patch", "--format=%h, %cs", commit, folder=root).strip()
    document = parse(git("show", f"{commit}:{INSIDE}", folder=root), f"{revision}:{INSIDE}")
    with _unpacked(root, commit) as folder:
        before = State(f"{revision} ({when})", document, _pacts(folder))
    subjects = git("log", f"-{MOST_COMMITS}", "--format=%s", f"{commit}..HEAD", "--", "contracts", folder=root)
    return Sources(before, after, tuple(subjects.splitlines()), told)


def _root() -> Path:
    """The folder that holds `contracts`: the working directory, one above it, or else our own."""
    here = Path.cwd()
    ours = Path(__file__).parents[2]
    return next((each for each in (here, *here.parents) if (each / INSIDE).is_file()), ours)


def _pacts(folder: Path) -> tuple[PactFile, ...]:
    try:
        return tuple(PactFile.load(each) for each in sorted(folder.glob("*.json")))
    except (PactFileError, OSError) as error:
        raise DocumentError(str(error)) from error


@contextmanager
def _unpacked(root: Path, commit: str) -> Iterator[Path]:
    """A folder with the pacts of a commit."""
    listed = git("ls-tree", "--name-only", commit, f"{PACTS}/", folder=root).splitlines()
    with tempfile.TemporaryDirectory() as made:
        for name in listed:
            if name.endswith(".json"):
                Path(made, Path(name).name).write_text(git("show", f"{commit}:{name}", folder=root), encoding="utf-8")
        yield Path(made)
