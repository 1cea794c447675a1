"""Planted mistakes: one field name, type or enum of the proxy or the mock is changed, and a named test must fail.

`python -m contracts.mutants` copies the repository, plants each mistake of `mutants.yaml` in the copy, and runs the
contracts' suites until the first test fails; `docs/contract-mutations.md` is the table of what found which. It takes
about ten minutes on two cores, so it is no part of the tests; they hold that each mistake can still be planted.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import yaml
from pydantic import BaseModel, ConfigDict, Field

from contracts import nodejs

ROOT = Path(__file__).parents[1]
PLANTED = Path(__file__).with_name("mutants.yaml")
PAGE = ROOT / "docs" / "contract-mutations.md"
SUITES = ("contracts/provider", "contracts/consumer", "contracts/tests")
"""In this order: what a pact says of a mistake is more than that a generated file is stale."""

BESIDE_THE_POINT = ("mutants", "breaks", "compat", "release", "review", "broker", "pipeline", "nodejs")
"""Tests of tools; the first would find every mistake, because it is planted."""

AT_ONCE = 2
RUN_TIMEOUT_S = 300.0
SHOWN_CHARS = 300
_DRAWN = re.compile(r"[0-9a-f]{12,32}|(?<=127\.0\.0\.1):\d+|/\S*/mutants-\w+")
"""What differs from run to run: ids, ports, folders."""


class Mistake(BaseModel):
    """One change of one file; `old` stands there exactly once, or is changed everywhere."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    about: str = Field(min_length=1, description="what is wrong then, in a few words")
    file: str
    old: str = Field(min_length=1)
    new: str
    everywhere: bool = False

    def planted(self, root: Path) -> str:
        """The file's text with the mistake.   Raises: CannotPlant when the place is not there, or not unique."""
        text = (root / self.file).read_text("utf-8")
        found = text.count(self.old)
        if found == 0 or (found > 1 and not self.everywhere):
            wanted = "at least once" if self.everywhere else "once"
            raise CannotPlant(f"{self.name}: {self.file} holds {self.old!r} {found} times, expected {wanted}")
        return text.replace(self.old, self.new)


class CannotPlant(Exception):
    """A mistake whose place has changed; the message says which and where."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """test: the first that failed, empty when none did.   said: its own words."""

    mistake: Mistake
    test: str
    said: str
    took_s: float


def mistakes() -> list[Mistake]:
    """All that are planted."""
    return [Mistake.model_validate(each) for each in yaml.safe_load(PLANTED.read_text("utf-8"))]


def verdicts(wanted: Sequence[Mistake]) -> Iterator[Verdict]:
    """What finds each mistake out, in the order given.   Raises: CannotPlant; RuntimeError if nothing is wrong yet."""
    for mistake in wanted:
        mistake.planted(ROOT)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(AT_ONCE):
            copies.put(copied(Path(folder) / str(number)))
        test, said = _first_failure(copies.get())
        if test:
            raise RuntimeError(f"{test} fails without any mistake: {said}")
        copies.put(Path(folder) / "0")

        def judged(mistake: Mistake) -> Verdict:
            copy = copies.get()
            try:
                return _judged(mistake, copy)
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield from pool.map(judged, wanted)


def copied(target: Path) -> Path:
    """The repository's files at another place; what npm installed is shared."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - our own command
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    for manifest in target.rglob("package-lock.json"):
        package = manifest.parent.relative_to(target)
        nodejs.install(ROOT / package)
        (target / package / "node_modules").symlink_to(ROOT / package / "node_modules")
    return target


def _judged(mistake: Mistake, copy: Path) -> Verdict:
    place = copy / mistake.file
    before, began_s = place.read_text("utf-8"), time.monotonic()
    place.write_text(mistake.planted(copy), "utf-8")
    try:
        test, said = _first_failure(copy)
    finally:
        place.write_text(before, "utf-8")
    return Verdict(mistake, test, said, time.monotonic() - began_s)


def _first_failure(copy: Path) -> tuple[str, str]:
    """Name and words of the first test that fails in a copy; both empty when all pass."""
    left_out = (f"--ignore-glob=contracts/tests/test_{name}*.py" for name in BESIDE_THE_POINT)
    suites = (*SUITES, *left_out)
    command = [sys.executable, "-P", "-m", "pytest", *suites, "-x", "-q", "-p", "no:cacheprovider", "--tb=short"]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(  # noqa: S603 - our own command
        command, cwd=copy, env=environment, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False
    )
    if done.returncode == 0:
        return "", ""
    failed = re.search(r"^(?:FAILED|ERROR) (contracts/.+?)(?: - (.*))?$", done.stdout, re.MULTILINE)
    if failed is None:
        return "the tests did not start", done.stdout[-SHOWN_CHARS:] + done.stderr[-SHOWN_CHARS:]
    words = re.search(r"^E +(?:AssertionError: )?(.+)$", done.stdout, re.MULTILINE)
    return failed[1], (words[1] if words else failed[2] or "")[:SHOWN_CHARS]


def page(found: Sequence[Verdict]) -> str:
    """The table, as Markdown."""
    caught = sum(bool(each.test) for each in found)
    rows = [f"| {each.mistake.about} | `{each.mistake.file}` | {_named(each)} | {cell(each.said)} |" for each in found]
    return "\n".join([
        "# Contract mutations",
        "",
        "Written by `python -m contracts.mutants`. Each mistake of [contracts/mutants.yaml](../contracts/mutants.yaml)",
        "changes one field name, type or enum in the proxy or the mock; the contracts' suites run until a test fails.",
        "",
        f"**{caught} of {len(found)} found out.**",
        "",
        "| Mistake | In | Found out by | It says |",
        "|---|---|---|---|",
        *rows,
        "",
    ])  # fmt: skip


def _named(verdict: Verdict) -> str:
    return f"`{verdict.test.removeprefix('contracts/')}`" if verdict.test else "**nothing**"


def cell(words: str) -> str:
    told = _DRAWN.sub("...", words)
    return told.replace("|", "\\|").replace("<", "&lt;").strip()


def main(arguments: Sequence[str] | None = None) -> int:
    """Plant and judge.   Returns: 1 when a mistake was not found out."""
    parser = argparse.ArgumentParser(prog="python -m contracts.mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", action="append", help="this mistake; repeatable; no page is written then")
    asked = parser.parse_args(arguments)
    wanted = [each for each in mistakes() if not asked.only or each.name in asked.only]
    found = []
    for verdict in verdicts(wanted):
        found.append(verdict)
        by = verdict.test or "NOTHING"
        sys.stdout.write(f"{verdict.mistake.name}: {by} ({verdict.took_s:.0f} s)\n    {verdict.said}\n")
        sys.stdout.flush()
    if not asked.only:
        PAGE.write_text(page(found), "utf-8")
    return 0 if found and all(each.test for each in found) else 1


if __name__ == "__main__":
    sys.exit(main())
