"""`cortex-harness contracts typescript`: the npm package `contracts/shared`, generated from `contracts/openapi.yaml`.

Everything is made in a folder of its own first, so that a failure leaves the package as it was and `--check` compares
what is there with what would be written.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import yaml

from contracts import nodejs

DOCUMENT = Path(__file__).with_name("openapi.yaml")
PACKAGE = Path(__file__).with_name("shared")

GENERATED = ("openapi.json", "package.json", "package-lock.json", "src/generated", "lib")
"""What is written; of both package files only the version, which is the API's."""

SOURCES = ("package.json", "package-lock.json", "tsconfig.json", "generate.mjs", "src")
TIMEOUT_S = 300
DRIFT = 4


class GenerationFailed(Exception):
    """A generator or the compiler refused; says which and why."""


def run(*, check: bool, say: Callable[[str], None]) -> int:
    """The package is what the document says: 0, written where it was not. `check` writes nothing: 4 when stale.

    Raises: NodeMissing, InstallFailed, GenerationFailed.
    """
    nodejs.install(PACKAGE)
    with tempfile.TemporaryDirectory(prefix="cortex-harness-") as temporary:
        made = Path(temporary)
        generate(made)
        stale = differences(made)
        if check and stale:
            say(f"stale: {', '.join(stale)}; run 'python3 harness.py contracts typescript'")
            return DRIFT
        for name in GENERATED if stale else ():
            _replace(made / name, PACKAGE / name)
    say(f"written: {', '.join(stale)}" if stale else f"{PACKAGE} is current")
    return 0


def generate(folder: Path) -> None:
    """`folder` holds the package as it should be, without its tests.   Raises: NodeMissing, GenerationFailed."""
    document = yaml.safe_load(DOCUMENT.read_text())
    for name in SOURCES:
        source = PACKAGE / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("generated"))
        else:
            shutil.copy(source, folder / name)
    (folder / "node_modules").symlink_to(PACKAGE / "node_modules")
    _write(folder / "openapi.json", document)
    for name in ("package.json", "package-lock.json"):
        _write(folder / name, versioned(json.loads((PACKAGE / name).read_text()), document["info"]["version"]))
    run_node(folder, "generate.mjs", "openapi.json", "src/generated")
    run_node(folder, "node_modules/typescript/bin/tsc", "--project", ".")


def differences(made: Path) -> list[str]:
    """Files of the package that differ from those made, are missing, or should not be there; sorted."""
    ours, theirs = _contents(PACKAGE), _contents(made)
    return sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))


def _contents(package: Path) -> dict[str, bytes]:
    return {path.relative_to(package).as_posix(): path.read_bytes() for path in _files(package)}


def _files(package: Path) -> Iterator[Path]:
    for name in GENERATED:
        path = package / name
        yield from (each for each in (path.rglob("*") if path.is_dir() else (path,)) if each.is_file())


def versioned(package: Mapping[str, object], version: str) -> dict[str, object]:
    """A package file with this version; a lock file names it a second time, in its entry for the package itself."""
    changed = {**package, "version": version}
    packages = package.get("packages")
    if isinstance(packages, dict):
        changed["packages"] = {**packages, "": {**packages[""], "version": version}}
    return changed


def _write(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def _replace(made: Path, path: Path) -> None:
    if made.is_dir():
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(made, path)
    else:
        shutil.copyfile(made, path)


def run_node(folder: Path, script: str, *arguments: str) -> None:
    """The script has run in the folder.   Raises: NodeMissing, GenerationFailed."""
    command = [nodejs.node(), script, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603 - ours
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()
        raise GenerationFailed(f"{script} failed with exit code {done.returncode}:\n{said}")
