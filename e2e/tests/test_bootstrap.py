"""The launcher: what it decides before anything is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from e2e import bootstrap, program


def test_uv_comes_from_the_lock_with_hashes() -> None:
    """The installer's version and hashes are the lock's own."""
    version, hashes = bootstrap._locked("uv")

    lock = tomllib.loads((bootstrap.ROOT / "uv.lock").read_text())
    assert version == next(each["version"] for each in lock["package"] if each["name"] == "uv")
    assert len(hashes) > 5
    assert all(each.startswith("sha256:") for each in hashes)


def environment(folder: Path, *holds: str) -> bootstrap.Environment:
    """An environment in a folder, whose Python is there."""
    made = bootstrap.Environment(folder, holds)
    made.python.parent.mkdir(parents=True, exist_ok=True)
    made.python.touch()
    return made


def test_an_environment_of_another_lock_is_not_current(tmp_path: Path) -> None:
    """A changed lock, a missing stamp or a smaller environment means building again."""
    small, large = environment(tmp_path, "--extra", "up"), environment(tmp_path, "--extra", "up", "--group", "test")
    assert not bootstrap._is_current(small)

    small.stamp.write_text(json.dumps({"lock": bootstrap._lock_digest(), "holds": small.holds}))
    assert bootstrap._is_current(small)
    assert not bootstrap._is_current(large)

    small.stamp.write_text(json.dumps({"lock": "another", "holds": large.holds}))
    assert not bootstrap._is_current(small)


def test_an_environment_whose_python_is_gone_is_not_current(tmp_path: Path) -> None:
    """Upgrading the system's Python leaves a stamp behind, and nothing to run."""
    made = environment(tmp_path, "--extra", "up")
    made.stamp.write_text(json.dumps({"lock": bootstrap._lock_digest(), "holds": made.holds}))
    assert bootstrap._is_current(made)

    made.python.unlink()
    assert not bootstrap._is_current(made)


@pytest.mark.parametrize(
    ("line", "runs_in"),
    [
        ("up --port 0", bootstrap.RUN),
        ("", bootstrap.RUN),
        ("test -e unit", bootstrap.CHECK),
        ("load --mock", bootstrap.CHECK),
        ("dashboards build --check", bootstrap.SHOW),
        ("record --upstream http://localhost:1 --out x", bootstrap.RECORD),
        ("anonymise x --out y", bootstrap.DATA),
        ("verify x", bootstrap.DATA),
        ("dashboards push --url http://127.0.0.1:3000", bootstrap.PUSH),
    ],
)
def test_each_command_runs_where_what_it_needs_is(line: str, runs_in: bootstrap.Environment) -> None:
    """Grafana's client has an environment of its own, which nothing of the proxy shares."""
    words = tuple(each for each in line.split() if not each.startswith("-"))
    assert bootstrap.environment_of(words) is runs_in
    assert bootstrap.PUSH.folder != bootstrap.RUN.folder == bootstrap.CHECK.folder


def test_a_missing_browser_stops_with_the_command_that_installs_it(tmp_path: Path) -> None:
    """Without Chromium and without root, the test command names the package and how to get it, and exits 1."""
    code = (
        "import os; os.geteuid = lambda: 1000\n"
        "from e2e import bootstrap\n"
        "bootstrap._require_system_packages()\n"
        "print('went on')\n"
    )
    environment = {"PATH": str(tmp_path), "PYTHONPATH": str(bootstrap.ROOT)}

    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=30
    )

    assert done.returncode == 1
    assert "chromium" in done.stderr
    assert "sudo apt-get install --yes --no-install-recommends chromium" in done.stderr
    assert "went on" not in done.stdout


def test_a_named_browser_counts_as_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """CORTEX_HARNESS_CHROMIUM stands in for a browser on the path."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(program, "SBIN", "")
    servers = [each.package for each in program.SERVERS]
    assert bootstrap.missing_system_packages() == ["chromium", *servers]
    monkeypatch.setenv("CORTEX_HARNESS_CHROMIUM", "/opt/browser")
    assert bootstrap.missing_system_packages() == servers


def test_the_launcher_needs_only_the_standard_library() -> None:
    """A bare interpreter, without any installed package, can import what runs first."""
    done = subprocess.run(  # noqa: S603 - our own code
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import sys; sys.path.insert(0, {str(bootstrap.ROOT)!r}); import e2e.bootstrap, e2e.program",
        ],
        env={"PATH": os.environ.get("PATH", "")},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr


def test_a_library_that_is_not_there_is_noticed() -> None:
    """The C library loads everywhere; one that nobody wrote does not."""
    assert bootstrap._loads("libc.so.6")
    assert not bootstrap._loads("libnobody-wrote-this.so.1")
