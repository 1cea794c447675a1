"""The TypeScript package's own suites, by Node's runner: under the Node that is here and under the oldest promised."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from contracts import nodejs
from contracts.typescript import PACKAGE

SUITES = sorted(path.relative_to(PACKAGE).as_posix() for path in (PACKAGE / "test").glob("*.test.mjs"))
TYPES = "test/types/types.test.mjs"
OLDEST = PACKAGE / "test" / "oldest"


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    """Compiler, generators and Zod are there."""
    nodejs.install(PACKAGE)


def oldest_node() -> str:
    """The oldest Node that the package promises to run under."""
    nodejs.install(OLDEST)
    found = next((OLDEST / "node_modules").glob("node-*/bin/node"), None)
    if found is None:
        pytest.fail(f"npm has no Node {nodejs.OLDEST} for this machine: add its package to {OLDEST / 'package.json'}")
    return str(found)


def run(node: str, *suites: str) -> dict[str, int]:
    """What the runner counted; fails with all that it said when a test did."""
    command = [node, "--test", *suites]
    done = subprocess.run(command, cwd=PACKAGE, capture_output=True, text=True, check=False, timeout=110)  # noqa: S603 - ours
    assert done.returncode == 0, done.stdout + done.stderr
    return {word: int(count) for word, count in re.findall(r"^[#ℹ] (\w+) (\d+)$", done.stdout, re.MULTILINE)}


@pytest.mark.parametrize("which", ["here", "oldest"])
def test_the_client_and_its_schemas_pass_their_suites(which: str) -> None:
    """Every test passes, none is skipped."""
    node = nodejs.node() if which == "here" else oldest_node()
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert which == "here" or version.stdout.startswith(f"v{nodejs.OLDEST}.")
    counted = run(node, *SUITES)
    assert counted["tests"] == counted["pass"] > 300
    assert counted["skipped"] == counted["todo"] == 0


def test_consumers_of_the_types_compile() -> None:
    """For a page, for Node and through a bundler; what must not compile does not."""
    counted = run(nodejs.node(), TYPES)
    assert counted["tests"] == counted["pass"] == 5


def test_a_suite_that_fails_is_told(tmp_path: Path) -> None:
    """With what its runner said."""
    suite = tmp_path / "made.test.mjs"
    suite.write_text('import { test } from "node:test";\ntest("it fails", () => { throw new Error("as it must"); });\n')
    with pytest.raises(AssertionError, match="as it must"):
        run(nodejs.node(), str(suite))
