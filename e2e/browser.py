"""Which Chromium stories are played in, and how it is started."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from e2e.program import CHROMIUM, StackError

VARIABLE = "CORTEX_HARNESS_CHROMIUM"
QUIET_ARGUMENTS = ("--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync")


def launch(given: Mapping[str, Any], own: str) -> dict[str, Any]:
    """What Playwright starts: the named Chromium, Playwright's own, or the system's.

    given: what is asked of it already.   own: where Playwright's own would be.
    Raises: StackError that says how to get one.
    """
    arguments = [*given.get("args", []), *QUIET_ARGUMENTS]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium's sandbox refuses root
    made = {**given, "args": arguments}
    named = os.environ.get(VARIABLE)
    if named or not Path(own).exists():
        made["executable_path"] = named or _of_the_system()
    return made


def _of_the_system() -> str:
    found = CHROMIUM.find()
    if found is None:
        raise StackError(
            f"no Chromium found: run 'apt-get install {CHROMIUM.package}' or 'playwright install chromium', "
            f"or name one in {VARIABLE}"
        )
    return found
