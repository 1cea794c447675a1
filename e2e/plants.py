"""Planted faults: one thing is broken in relay, limits, history, page or mock, or in what is told of them.

`python -m e2e.plants` plants each fault of `plants.yaml` in a copy of the repository, and plays there the stories that
ought to notice; `docs/planted-faults.md` says which story failed, and with what words. It takes some minutes on two
cores, so it is no part of the tests; they hold that each fault can still be planted.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import yaml
from pydantic import Field

from contracts.mutants import ROOT, Mistake, copied

PLANTED = Path(__file__).with_name("plants.yaml")
PAGE = ROOT / "docs" / "planted-faults.md"
RUN_TIMEOUT_S = 300.0
SHOWN_LINES = 12
SHOWN_CHARS = 170

Part = Literal["relay", "limits", "history", "page", "mock", "telemetry"]
PARTS: tuple[Part, ...] = get_args(Part)
LEAST = 2
"""How many faults each part has."""

_DRAWN = re.compile(
    r"\b[0-9a-f]{16,32}\b|(?<=127\.0\.0\.1):\d+|(?<=story-)[0-9a-f]+|/\S*/plants-\w+|\b0x[0-9a-f]{6,}\b"
    r"|(?<=\] )[\d.]+ ms @[\d.]+|(?<=' )@[\d.]+|(?<=Ms=)[\d.]+"
)
"""What differs from run to run: ids, ports, folders, and a trace's times."""

_NAMES = re.compile(r"^FAILED (e2e/stories/.+?)(?: - .*)?$", re.MULTILINE)
_ERRORS = re.compile(r"^E {1,7}(.+)$", re.MULTILINE)
_STORY = re.compile(r"^-+ the story -+\n(.*?)(?=^=+ |^_+ |\Z)", re.MULTILINE | re.DOTALL)
_BESIDE_THE_POINT = (
    "page ",
    "test id",
    "evidence",
    "earlier",
    "asked ",
    "status ",
    "trace ",
    "Call log",
    "Actual value",
)


class Fault(Mistake):
    """One fault.   stories: what pytest is asked to play, options included."""

    part: Part
    stories: tuple[str, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """story: the first that failed, empty when none did.   said: its message, or why none began, line by line."""

    fault: Fault
    story: str
    said: tuple[str, ...]
    took_s: float


def faults() -> list[Fault]:
    """All that are planted."""
    return [Fault.model_validate(each) for each in yaml.safe_load(PLANTED.read_text("utf-8"))]


def verdicts(wanted: Sequence[Fault]) -> Iterator[Verdict]:
    """What notices each fault, in the order given.   Raises: CannotPlant; RuntimeError if a story fails without any."""
    for fault in wanted:
        fault.planted(ROOT)
    with tempfile.TemporaryDirectory(prefix="plants-") as folder:
        copy = copied(Path(folder))
        every = dict.fromkeys(fault.stories for fault in wanted)
        whole = {word: None for stories in every if len(stories) == 1 for word in stories}
        for stories in (tuple(whole), *(each for each in every if len(each) > 1)):
            story, said = _first_failure(copy, stories)
            if said:
                raise RuntimeError("\n".join([f"it fails without any fault: {story}", *said]))
        for fault in wanted:
            yield judged(fault, copy)


def judged(fault: Fault, copy: Path) -> Verdict:
    """What notices a fault in a copy of the repository, which then is as it was."""
    began_s, place = time.monotonic(), copy / fault.file
    before = place.read_text("utf-8")
    place.write_text(fault.planted(copy), "utf-8")
    try:
        story, said = _first_failure(copy, fault.stories)
    finally:
        place.write_text(before, "utf-8")
    return Verdict(fault, story, said, time.monotonic() - began_s)


def _first_failure(copy: Path, stories: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Name and message of the first story that fails in a copy; both empty when all pass, the name when none began."""
    command = [sys.executable, "-P", "-m", "pytest", *stories, "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(  # noqa: S603 - our own command
        command, cwd=copy, env=environment, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False
    )
    return ("", ()) if done.returncode == 0 else failure_in(done.stdout + done.stderr)


def failure_in(output: str) -> tuple[str, tuple[str, ...]]:
    """The first failed story that pytest tells of, and its message without what differs from run to run.

    Without a name where a story did not come to fail, because what it plays on did not start: nobody has noticed then.
    """
    failed = _NAMES.search(output)
    if failed is None:
        return "", ("no story began:", *output.splitlines()[-SHOWN_LINES:])
    told = _STORY.search(output)
    lines = [*_ERRORS.findall(output), *(told[1].splitlines() if told else [])]
    kept = [
        line.rstrip()[:SHOWN_CHARS]
        for line in lines
        if line.strip() and not line.lstrip().startswith(_BESIDE_THE_POINT)
    ]
    return failed[1], tuple(_DRAWN.sub("...", line) for line in kept[:SHOWN_LINES])


def page(found: Sequence[Verdict]) -> str:
    """What was planted, and what was said of it, as Markdown."""
    caught = sum(bool(each.story) for each in found)
    lines = [
        "# Planted faults",
        "",
        "Written by `python -m e2e.plants`. Each fault of [e2e/plants.yaml](../e2e/plants.yaml) is planted alone, in a",
        "copy of the repository; the stories that ought to notice it are played there until one fails. Below each",
        "fault stands the beginning of that story's message, as whoever looks at a failed run reads it.",
        "",
        f"**{caught} of {len(found)} noticed.**",
        "",
        "| Part | Fault | Noticed by |",
        "|---|---|---|",
        *(f"| {each.fault.part} | {each.fault.about} | {_named(each)} |" for each in found),
    ]
    for part in PARTS:
        lines += ["", f"## {part.capitalize()}"]
        for each in found:
            if each.fault.part == part:
                lines += ["", f"### {each.fault.name}", "", f"In `{each.fault.file}`: {each.fault.about}.", ""]
                lines += [f"{_named(each)} says:", "", "```text", *each.said, "```"] if each.story else [_named(each)]
    return "\n".join([*lines, ""])


def _named(verdict: Verdict) -> str:
    return f"`{verdict.story.removeprefix('e2e/stories/')}`" if verdict.story else "**nobody**"


def main(arguments: Sequence[str] | None = None) -> int:
    """Plant and judge.   Returns: 1 when a fault was not noticed."""
    parser = argparse.ArgumentParser(prog="python -m e2e.plants", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", action="append", help="this fault; repeatable; no page is written then")
    asked = parser.parse_args(arguments)
    wanted = [each for each in faults() if not asked.only or each.name in asked.only]
    found = []
    for verdict in verdicts(wanted):
        found.append(verdict)
        by = verdict.story or "NOBODY"
        said = "".join(f"    {line}\n" for line in verdict.said)
        sys.stdout.write(f"{verdict.fault.name}: {by} ({verdict.took_s:.0f} s)\n{said}")
        sys.stdout.flush()
    if not asked.only:
        PAGE.write_text(page(found), "utf-8")
    return 0 if found and all(each.story for each in found) else 1


if __name__ == "__main__":
    sys.exit(main())
