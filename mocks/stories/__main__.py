"""Writes the shipped cassettes, or says which of the committed ones are stale."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from mocks.cassette import Cassette, dump, save
from mocks.stories.catalogue import STORIES

FOLDER = Path(__file__).parents[1] / "cassettes"


def path_of(cassette: Cassette, folder: Path) -> Path:
    """Where a cassette lives."""
    return folder / f"{cassette.name}.jsonl"


def stale(folder: Path = FOLDER) -> Iterator[str]:
    """What differs from what would be written: files missing, changed, or left over from a story that is gone."""
    expected = set()
    for story in STORIES:
        cassette = story()
        path = path_of(cassette, folder)
        expected.add(path)
        text = "".join(f"{line}\n" for line in dump(cassette))
        if not path.is_file() or path.read_bytes() != text.encode():
            yield f"{path} is stale"
    for path in sorted(set(folder.rglob("*.jsonl")) - expected):
        yield f"{path} belongs to no story"


def main(arguments: Sequence[str] | None = None, folder: Path = FOLDER) -> int:
    """Write or check the cassettes; the exit code: 0 fine, 4 stale."""
    parser = argparse.ArgumentParser(prog="python -m mocks.stories", description="Cassettes from stories.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 4 when a cassette is stale")
    if not parser.parse_args(arguments).check:
        for story in STORIES:
            cassette = story()
            save(cassette, path_of(cassette, folder))
        return 0
    problems = list(stale(folder))
    for problem in problems:
        sys.stderr.write(f"{problem}; write it with: python -m mocks.stories\n")
    return 4 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
