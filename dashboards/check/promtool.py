"""What promtool says of rule files and of their unit tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dashboards.check.files import shown
from dashboards.check.model import Fault

HINT = "install it with `apt-get install prometheus`, or leave it out with --no-promtool"
_TIMEOUT_S = 300
_LONGEST = 240
_CHATTER = ("Checking", "Unit Testing", "SUCCESS", "exp:", "got:", "[", "]", "Labels:", "Annotations:")


class Missing(Exception):
    """There is no promtool."""


def faults(rules: Iterable[Path], tests: Iterable[Path]) -> Iterator[Fault]:
    """What promtool finds wrong, file by file.   Raises: Missing."""
    check, test = ("check", "rules", "--lint=all", "--lint-fatal"), ("test", "rules")
    files: list[tuple[tuple[str, ...], Path]] = [*((check, each) for each in rules), *((test, each) for each in tests)]
    if not files:
        return
    program = shutil.which("promtool")
    if program is None:
        raise Missing(f"promtool is not installed: {HINT}")
    # promtool takes seconds for tests that span days, and one processor; it is another process, so threads will do.
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as at_once:
        every = list(at_once.map(lambda each: _run(program, *each), files))
    for (command, path), said in zip(files, every, strict=True):
        rule = "promtool/check-rules" if command[0] == "check" else "promtool/test-rules"
        for line in said:
            yield Fault(rule, shown(path), line, f"see `promtool {' '.join(command)} {shown(path)}`")


def _run(program: str, command: tuple[str, ...], path: Path) -> list[str]:
    """What it complains of, each in a short line; nothing when it is content."""
    arguments = [program, *command, path.name]
    try:
        done = subprocess.run(  # noqa: S603 - the program found by its name, and files that were asked for
            arguments, cwd=path.parent, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return [f"no end after {_TIMEOUT_S} s"]
    if done.returncode == 0:
        return []
    lines = [line.strip().partition(", exp:")[0] for line in (done.stderr + done.stdout).splitlines()]
    said = [line for line in lines if line and not line.endswith("FAILED:") and not line.startswith(_CHATTER)]
    told = [line for line in said if line.startswith(("name:", "expr:"))] or said or ["it failed without a word"]
    return [line[:_LONGEST] for line in dict.fromkeys(told)]
