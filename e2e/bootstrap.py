"""From a bare `python3` to a ready environment: what `python3 harness.py ...` does before anything else.

Standard library only. Debian's Python refuses pip outside a virtual environment (PEP 668), so one is made for the
installer, whose version and hashes come from `uv.lock` like everything else; the installer then builds `.venv` from
the lock and the command runs again inside it. When nothing changed, the whole of it costs reading one small file.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
TOOLS = ROOT / ".cortex-harness" / "tools"
OLDEST = (3, 11)


@dataclass(frozen=True)
class Environment:
    """A virtual environment of ours, and what `uv sync` is to put there."""

    folder: Path
    holds: tuple[str, ...]

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / SCRIPTS / "python"

    @property
    def stamp(self) -> Path:
        """Says from which lock it was built, and what it holds."""
        return self.folder / ".cortex-harness.json"


_USUAL = ROOT / ".venv"
RUN = Environment(_USUAL, ("--extra", "up"))
SHOW = Environment(_USUAL, ("--extra", "up", "--extra", "dashboards"))
DATA = Environment(_USUAL, ("--extra", "up", "--extra", "fixtures"))
CHECK = Environment(
    _USUAL,
    (
        *SHOW.holds,
        "--extra",
        "fixtures",
        "--group",
        "test",
        "--group",
        "contracts",
        "--group",
        "lint",
        "--group",
        "tools",
    ),
)
PUSH = Environment(ROOT / ".cortex-harness" / "push", ("--extra", "push"))
"""Apart: Grafana's client brings an HTTP library that overwrites the proxy's (docs/decisions/0010)."""

RECORD = Environment(ROOT / ".cortex-harness" / "record", ("--extra", "record"))
"""Apart: mitmproxy wants older releases of libraries that the proxy bears (docs/decisions/0012)."""

_OF_COMMANDS = {
    ("record",): RECORD,
    ("anonymise",): DATA,
    ("verify",): DATA,
    ("dashboards", "push"): PUSH,
    ("dashboards",): SHOW,
    ("test",): CHECK,
    ("load",): CHECK,
    ("contracts",): CHECK,
    ("export",): CHECK,
}

SYSTEM_CERTIFICATES = (Path("/etc/ssl/certs/ca-certificates.crt"), Path("/etc/pki/tls/certs/ca-bundle.crt"))

UP_TO_DATE = "CORTEX_HARNESS_BOOTSTRAPPED"


def enter(arguments: list[str]) -> None:
    """Return inside an environment that has what the command needs; otherwise run the command there and exit."""
    if os.environ.get(UP_TO_DATE) == "1" or not (ROOT / "uv.lock").exists():
        return  # started by ourselves, or installed as a package
    if sys.version_info < OLDEST:
        _stop("Python {}.{} or newer is needed, this is {}.".format(*OLDEST, sys.version.split()[0]))
    if any(path.exists() for path in SYSTEM_CERTIFICATES):  # as pip does: a company's own authority is known there
        os.environ.setdefault("UV_SYSTEM_CERTS", "true")
    words = tuple(each for each in arguments if not each.startswith("-"))
    wanted = environment_of(words)
    if words[:1] == ("test",):
        _require_system_packages()
    if not _is_current(wanted):
        try:
            _build(wanted)
        except KeyboardInterrupt:
            _stop("interrupted; the next start goes on from here")
    environment = {**os.environ, UP_TO_DATE: "1"}
    python = str(wanted.python)
    os.execve(python, [python, str(ROOT / "harness.py"), *arguments], environment)  # noqa: S606 - no shell is the point


def environment_of(words: tuple[str, ...]) -> Environment:
    """Where a command runs.   words: of the command line, without options."""
    return _OF_COMMANDS.get(words[:2]) or _OF_COMMANDS.get(words[:1]) or RUN


def _is_current(wanted: Environment) -> bool:
    """Whether the environment was built from this very lock and holds at least what is wanted."""
    try:
        stamp = json.loads(wanted.stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    is_whole = set(wanted.holds) <= set(stamp["holds"])
    return wanted.python.exists() and stamp["lock"] == _lock_digest() and is_whole


def _lock_digest() -> str:
    parts = [(ROOT / name).read_bytes() for name in ("uv.lock", "pyproject.toml")]
    return hashlib.sha256(b"".join([*parts, str(ROOT).encode()])).hexdigest()


def _build(wanted: Environment) -> None:
    uv = _installer()
    _say(f"building {wanted.folder.relative_to(ROOT)} from uv.lock")
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(wanted.folder)}
    sync = [str(uv), "sync", "--quiet", "--locked", "--inexact", "--project", str(ROOT), "--python", sys.executable]
    _run([*sync, *wanted.holds], environment, "the environment could not be built; is the package index reachable?")
    wanted.stamp.write_text(json.dumps({"lock": _lock_digest(), "holds": wanted.holds}), encoding="utf-8")


def inherited() -> dict[str, str]:
    """The variable by which children of a ready environment skip all of this."""
    return {UP_TO_DATE: "1"}


def _installer() -> Path:
    """uv, at the version and with the hashes of the lock, in a small environment of its own."""
    uv = TOOLS / SCRIPTS / "uv"
    version, hashes = _locked("uv")
    marker = TOOLS / f"uv-{version}"
    if marker.exists() and uv.exists():
        return uv
    _say(f"installing uv {version} (once)")
    try:
        venv.create(TOOLS, with_pip=True, clear=True)
    except (subprocess.CalledProcessError, OSError) as error:
        _stop(f"Python cannot make a virtual environment ({error}). On Debian: apt-get install python3-venv")
    requirement = TOOLS / "requirements.txt"
    requirement.write_text(f"uv=={version} " + " ".join(f"--hash={each}" for each in hashes) + "\n", encoding="utf-8")
    pip = [str(uv.with_name("python")), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["--require-hashes", "--no-deps", "-r", str(requirement)]
    _run(pip, dict(os.environ), "uv could not be installed; is the package index reachable?")
    marker.touch()
    return uv


def _locked(name: str) -> tuple[str, list[str]]:
    """Version and hashes of a package in uv.lock."""
    import tomllib  # noqa: PLC0415 - the version check comes first

    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    package = next(each for each in lock["package"] if each["name"] == name)
    return package["version"], [each["hash"] for each in package.get("wheels", [])]


def missing_system_packages() -> list[str]:
    """Debian packages that the tests need and that are not there: a browser, what drives it, and servers."""
    from e2e import program  # noqa: PLC0415 - not before the version check, nor at each start

    named = os.environ.get("CORTEX_HARNESS_CHROMIUM")
    missing = [] if named or program.CHROMIUM.find() else [program.CHROMIUM.package]
    if sys.platform == "linux" and not _loads("libatomic.so.1"):
        missing.append("libatomic1")
    return missing + [each.package for each in program.SERVERS if each.find() is None]


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _require_system_packages() -> None:
    """Install what the tests need when we are root on Debian; else say exactly what to install, and stop."""
    missing = missing_system_packages()
    if not missing:
        return
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if not (is_root and Path("/etc/debian_version").exists()):
        prefix = "" if is_root else "sudo "
        _stop(f"The tests need: {', '.join(missing)}. On Debian or Ubuntu: {prefix}{' '.join(command)}")
    _say(f"installing {', '.join(missing)}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _run(["apt-get", "update", "--quiet=2"], quiet, "apt-get update failed")
    _run([*command, "--quiet=2"], quiet, f"could not install {', '.join(missing)}")


def _run(command: list[str], environment: dict[str, str], failure: str) -> None:
    done = subprocess.run(command, env=environment, check=False, stdout=sys.stderr)  # noqa: S603 - our own commands
    if done.returncode != 0:
        _stop(f"{failure}\n  {' '.join(command)} (exit {done.returncode})")


def _say(message: str) -> None:
    print(f"cortex-harness: {message}", file=sys.stderr)  # noqa: T201


def _stop(message: str) -> None:
    print(f"Error: {message}", file=sys.stderr)  # noqa: T201
    sys.exit(1)
