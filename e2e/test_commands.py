"""The command line as a person meets it: ready when it answers, errors that say what to do, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import psutil
import pytest
import requests

from e2e import bootstrap, keys
from e2e.stack import COMMAND, await_answer, proxy_settings
from e2e.tests.running import until

HARNESS = [sys.executable, "-m", "harness"]


def run(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    return subprocess.run(  # noqa: S603 - our own command
        [*HARNESS, *arguments],
        cwd=cwd,
        env={**os.environ, **bootstrap.inherited(), "PYTHONPATH": str(bootstrap.ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


class Running:
    """A command that serves until it is told to end."""

    def __init__(self, arguments: Sequence[str], cwd: Path) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            [*HARNESS, *arguments],
            cwd=cwd,
            env={**os.environ, **bootstrap.inherited(), "PYTHONPATH": str(bootstrap.ROOT), "COLUMNS": "120"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @property
    def stdout(self) -> IO[str]:
        """What it prints."""
        assert self.process.stdout is not None
        return self.process.stdout

    def read_until(self, text: str) -> str:
        """Its output up to and including the line with this text."""
        lines = []
        for line in self.stdout:
            lines.append(line)
            if text in line:
                return "".join(lines)
        assert self.process.stderr is not None
        raise AssertionError(f"{text!r} never came; stdout: {lines}, stderr: {self.process.stderr.read()}")

    def family(self) -> list[psutil.Process]:
        """The process and everything it started."""
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def end(self) -> None:
        """End it if it still runs, and close what was read from."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=20)


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock.getsockname()[1]


def test_mock_with_port_0_prints_where_it_is(tmp_path: Path) -> None:
    """One JSON line names the port, and the mock answers there."""
    running = Running(["mock", "--port", "0"], tmp_path)
    try:
        ready = json.loads(running.read_until("ready"))
        assert requests.get(f"{ready['url']}/__mock/health", timeout=5).json()["status"] == "ok"
        assert ready["port"] > 0
    finally:
        running.end()
    assert running.process.returncode == 0


def test_a_printed_token_is_let_in(tmp_path: Path) -> None:
    """`token` prints what the mock of the same folder accepts, and nothing else."""
    running = Running(["mock", "--port", "0"], tmp_path)
    try:
        url = json.loads(running.read_until("ready"))["url"]
        printed = run("token", cwd=tmp_path)
        assert (printed.returncode, printed.stdout.count("\n")) == (0, 1)
        headers = {"Authorization": f"Bearer {printed.stdout.strip()}"}
        assert requests.get(f"{url}/api/v2/cortex/threads", headers=headers, timeout=5).json() == []
    finally:
        running.end()


def test_development_keys_are_their_owners_alone(tmp_path: Path) -> None:
    """Keys are made on first use, kept on the second, and readable by nobody else."""
    first = keys.ensure(tmp_path / "state")
    content = first.private_key.read_bytes()

    second = keys.ensure(tmp_path / "state")

    assert second.private_key.read_bytes() == content
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state").iterdir()} == {0o600}


@pytest.mark.parametrize(
    ("arguments", "flag"),
    [
        (["mock", "--port", "{taken}"], "--port"),
        (["up", "--mock-port", "0", "--port", "{taken}"], "--port"),
        (["up", "--port", "0", "--mock-port", "{taken}"], "--mock-port"),
    ],
    ids=["mock", "up: page", "up: mock"],
)
def test_a_taken_port_is_named_with_its_flag(
    tmp_path: Path, taken_port: int, arguments: Sequence[str], flag: str
) -> None:
    """The error names the port and the flag that changes it; the exit status is 1."""
    done = run(*[each.format(taken=taken_port) for each in arguments], cwd=tmp_path)

    assert done.returncode == 1
    assert f"127.0.0.1:{taken_port}" in done.stderr
    assert f"with {flag}" in done.stderr
    assert "Traceback" not in done.stderr


def test_proxy_with_port_0_prints_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One JSON line names the port, and the proxy answers there."""
    for name, value in proxy_settings("http://127.0.0.1:1", keys.ensure(tmp_path / "state")).items():
        monkeypatch.setenv(name, value)
    running = Running(["proxy", "--port", "0"], tmp_path)
    try:
        ready = json.loads(running.read_until("ready"))
        assert requests.get(f"{ready['url']}/livez", timeout=5).json()["status"] == "ok"
    finally:
        running.end()
    assert running.process.returncode == 0


def test_keys_are_ignored_by_whatever_repository_they_lie_in(tmp_path: Path) -> None:
    """The folder of development keys tells git to leave it alone."""
    keys.ensure(tmp_path / "state")
    assert (tmp_path / "state" / ".gitignore").read_text() == "*\n"


def test_a_lost_public_key_is_made_from_its_private_half(tmp_path: Path) -> None:
    """The two halves always belong together."""
    made = keys.ensure(tmp_path / "state")
    public = made.public_key.read_bytes()
    made.public_key.unlink()

    assert keys.ensure(tmp_path / "state").public_key.read_bytes() == public


@pytest.mark.parametrize("command", ["up", "mock"])
def test_an_unusable_state_folder_is_named_with_its_flag(tmp_path: Path, command: str) -> None:
    """A folder that cannot be made is an error that names it, not a traceback."""
    (tmp_path / "file").touch()

    done = run(command, "--port", "0", "--state-dir", "file", cwd=tmp_path)

    assert done.returncode == 1
    assert "file: File exists" in done.stderr
    assert "--state-dir" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failed_start_is_explained_by_its_own_words(tmp_path: Path, taken_port: int) -> None:
    """What an earlier run left in the logs is not told as the reason of this one."""
    options = ["--mock-port", "0", "--state-dir", str(tmp_path / "state")]
    run("up", "--port", str(taken_port), *options, cwd=tmp_path)

    done = run("up", "--port", "0", "--host", "nonsense.invalid", *options, cwd=tmp_path)

    assert done.returncode == 1
    assert "nonsense.invalid" in done.stderr
    assert str(taken_port) not in done.stderr


def test_up_ignores_the_surroundings_it_was_started_in(tmp_path: Path) -> None:
    """A proxy of the environment, settings of another proxy and folders with our names change nothing."""
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "__init__.py").write_text("raise SystemExit('the wrong contracts')")
    environment = {
        **os.environ,
        **bootstrap.inherited(),
        "http_proxy": "http://127.0.0.1:9",
        "CORTEX_PROXY_AGENT": "OTHER",
        "CORTEX_PROXY_NO_SUCH_SETTING": "1",
    }
    command = [*COMMAND, "up", "--port", "0", "--mock-port", "0", "--host", "0.0.0.0"]
    up = subprocess.Popen(  # noqa: S603 - our own command
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert up.stdout is not None
        where = json.loads(up.stdout.readline())
        block = "".join(line for line, _ in zip(up.stdout, range(12), strict=False))
    finally:
        up.send_signal(signal.SIGINT)
        up.communicate(timeout=20)
    assert where["page"].startswith("http://127.0.0.1:")
    assert "Net sales by region" in block


def test_a_missing_public_key_is_named(tmp_path: Path) -> None:
    """The mock says which file is missing and which flag names it."""
    done = run("mock", "--port", "0", "--public-key", "nowhere.pub", cwd=tmp_path)

    assert done.returncode == 1
    assert "nowhere.pub: No such file" in done.stderr
    assert "--public-key" in done.stderr


def test_missing_proxy_settings_are_all_named(tmp_path: Path) -> None:
    """A proxy without settings lists every variable it needs, in one go."""
    done = run("proxy", "--port", "0", cwd=tmp_path)

    assert done.returncode == 1
    for variable in ("SNOWFLAKE_URL", "ACCOUNT", "USER", "PRIVATE_KEY_FILE", "SESSION_KEY_FILE"):
        assert f"CORTEX_PROXY_{variable}" in done.stderr


def test_a_missing_private_key_is_named(tmp_path: Path) -> None:
    """A proxy whose key file is missing names variable and file."""
    made = keys.ensure(tmp_path / "state")
    done = run(
        "proxy",
        cwd=tmp_path,
        CORTEX_PROXY_SNOWFLAKE_URL="http://127.0.0.1:1",
        CORTEX_PROXY_ACCOUNT="A-B",
        CORTEX_PROXY_USER="U",
        CORTEX_PROXY_ENVIRONMENT="development",
        CORTEX_PROXY_PRIVATE_KEY_FILE="nowhere.p8",
        CORTEX_PROXY_SESSION_KEY_FILE=str(made.session_key),
    )

    assert done.returncode == 1
    assert "CORTEX_PROXY_PRIVATE_KEY_FILE" in done.stderr
    assert "nowhere.p8" in done.stderr


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (['{"request":{"method":"POST","path":"/x"}}'], "line 1: the header line is missing"),
        (['{"cassette":9,"provenance":"documented","source":"s","about":"a"}'], "version 9 is not known"),
        (['{"cassette":1,"provenance":"documented","source":"s","about":"a","abuot":1}'], "did you mean 'about'"),
    ],
    ids=["missing line", "wrong version", "unknown key"],
)
def test_a_broken_cassette_stops_the_mock(tmp_path: Path, lines: Sequence[str], says: str) -> None:
    """The mock refuses to start, and names file, line and fault."""
    (tmp_path / "tapes").mkdir()
    (tmp_path / "tapes" / "broken.jsonl").write_text("\n".join(lines) + "\n")

    done = run("mock", "--port", "0", "--cassettes", "tapes", cwd=tmp_path)

    assert done.returncode == 1
    assert "broken.jsonl, line 1" in done.stderr
    assert says in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=["Ctrl-C", "TERM", "KILL"])
def test_up_shows_where_everything_is_and_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """One block with URLs and three questions; when it ends, however it ends, its children end with it."""
    running = Running(["up", "--port", "0", "--mock-port", "0"], tmp_path)
    try:
        block = running.read_until("Ctrl-C ends everything")
        where = json.loads(block.splitlines()[0])
        assert where["page"] in block.partition("\n")[2]
        await_answer(where["page"])
        assert block.count("“") == 3
        assert "none was recorded" in block
        family = running.family()
        assert len(family) >= 4  # up, mock, gunicorn and its worker
        running.process.send_signal(number)
        until(
            lambda: not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in family), "all ended"
        )
    finally:
        running.end()
    assert running.process.returncode == (0 if number != signal.SIGKILL else -signal.SIGKILL)


def test_up_can_be_interrupted_when_it_was_started_in_the_background(tmp_path: Path) -> None:
    """A shell starts background jobs with SIGINT ignored; up hears it all the same."""
    script = " ".join([*HARNESS, "up", "--port", "0", "--mock-port", "0"]) + " & echo $!; wait"
    shell = subprocess.Popen(  # noqa: S603 - our own command
        ["/bin/sh", "-c", script],
        cwd=tmp_path,
        env={**os.environ, **bootstrap.inherited(), "PYTHONPATH": str(bootstrap.ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert shell.stdout is not None
    pid = int(shell.stdout.readline())
    try:
        json.loads(shell.stdout.readline())
    finally:
        os.kill(pid, signal.SIGINT)
        try:
            shell.communicate(timeout=20)
        finally:
            if psutil.pid_exists(pid):
                os.kill(pid, signal.SIGKILL)
    assert shell.returncode == 0


def test_an_environment_variable_stands_in_for_each_flag(tmp_path: Path, taken_port: int) -> None:
    """CORTEX_HARNESS_MOCK_PORT is `mock --port`."""
    done = run("mock", cwd=tmp_path, CORTEX_HARNESS_MOCK_PORT=str(taken_port))

    assert f"127.0.0.1:{taken_port}" in done.stderr


def test_an_unknown_option_is_a_usage_error(tmp_path: Path) -> None:
    """Usage errors exit with 2."""
    assert run("mock", "--prot", "1", cwd=tmp_path).returncode == 2
