"""Programs beside us: found or named with their package, ready when they answer, ended with us however we end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import psutil
import pytest

from e2e import leash, program
from e2e.program import ALERTMANAGER, LOOPBACK, NGINX, Process, Program, Server, StackError, answers, opener
from e2e.servers import free_port
from e2e.tests.running import DEADLINE_S, is_gone, until

SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('x', flush=True); time.sleep(600)",
)


def sleeping(folder: Path) -> Process:
    """One that does nothing for long."""
    return Process("it", SLEEP, folder / "it.log", environment=os.environ)


def web(folder: Path, port: int) -> Server:
    """One that answers."""
    command = [sys.executable, "-m", "http.server", str(port), "--bind", LOOPBACK]
    url = f"http://{LOOPBACK}:{port}/"
    return Server("it", command, folder, url, is_ready=partial(answers, url))


def says(code: str, folder: Path, **environment: str) -> Server:
    """One that runs this code, and never answers."""
    return Server(
        "it", [sys.executable, "-c", code], folder, "http://x", is_ready=lambda: False, environment=environment
    )


# --- found


def test_a_program_that_is_missing_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message holds a command that gets it."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(program, "SBIN", "")
    with pytest.raises(StackError, match=r"^nginx is not installed: apt-get install nginx$"):
        NGINX.path()


def test_a_program_is_found_by_another_of_its_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alertmanager is called otherwise where Debian did not package it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(program, "SBIN", "")
    assert ALERTMANAGER.find() is None
    (tmp_path / "alertmanager").touch(0o755)
    assert ALERTMANAGER.path() == str(tmp_path / "alertmanager")


def test_a_program_is_found_where_only_root_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian's folder for servers is looked through for everybody."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(program, "SBIN", str(tmp_path))
    (tmp_path / "it").touch(0o755)
    assert Program("its-package", ("it",)).path() == str(tmp_path / "it")


# --- started and ended


def test_a_server_is_there_until_the_block_ends(tmp_path: Path) -> None:
    """It answers once its URL is known, and its port is free after the block."""
    port = free_port()
    with web(tmp_path, port) as server, opener.open(server.url(), timeout=5) as answer:
        assert answer.status == 200
    with pytest.raises(ConnectionRefusedError), socket.create_connection((LOOPBACK, port), timeout=5):
        pass


def test_a_server_that_ends_early_leaves_its_last_words(tmp_path: Path) -> None:
    """With its name and its exit status."""
    with (
        says("import sys; print('x' * 9000); sys.exit('no such thing')", tmp_path) as server,
        pytest.raises(StackError, match=r"(?s)^the it did not start \(it exited with 1\):\n.*no such thing$") as told,
    ):
        server.url()
    assert len(str(told.value)) < 2 * program.LAST_WORDS_CHARS


def test_a_server_that_says_nothing_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time it is ended."""
    monkeypatch.setattr(program, "START_TIMEOUT_S", 0.1)
    with (
        says("import time; time.sleep(600)", tmp_path) as server,
        pytest.raises(StackError, match=r"^the it did not start \(it was still silent\):\nit wrote nothing$"),
    ):
        server.url()
    assert is_gone(server.pid)


def test_a_command_that_cannot_be_run_is_told(tmp_path: Path) -> None:
    """With the reason."""
    nowhere = str(tmp_path / "nowhere")
    with (
        Server("it", [nowhere], tmp_path, "http://x", is_ready=lambda: False) as server,
        pytest.raises(StackError, match=f"exited with {leash.NOT_THERE}.*\n{nowhere} cannot be run: No such file"),
    ):
        server.url()


def test_a_server_gets_the_environment_that_it_is_given(tmp_path: Path) -> None:
    """Beside our own."""
    code = "import os, sys; sys.exit(os.environ['CORTEX_TOLD'] + os.environ['PATH'][:1])"
    with says(code, tmp_path, CORTEX_TOLD="something") as server, pytest.raises(StackError, match="something/"):
        server.url()


def test_what_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that ignores the polite signal is gone after its time all the same."""
    monkeypatch.setattr(program, "STOP_TIMEOUT_S", 0.1)
    with Process("it", STUBBORN, tmp_path / "it.log", environment=os.environ) as started:
        until(lambda: started.last_words() == "x", "it ignores the signal")
    assert started.poll() == -signal.SIGKILL


def test_stopping_twice_is_stopping_once(tmp_path: Path) -> None:
    """A test may end a part that the stack ends, too."""
    with sleeping(tmp_path) as started:
        started.stop()
    assert started.poll() == -signal.SIGTERM


# --- the leash


def test_a_process_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    """What the kernel watches is a thread; the one that forks is there as long as we are."""
    found: list[Process] = []
    starter = threading.Thread(target=lambda: found.append(sleeping(tmp_path)))
    starter.start()
    starter.join()
    with found[0] as started:
        assert started.poll() is None
        # A leash held by the thread that just ended would have been pulled before this program has begun.
        with sleeping(tmp_path) as later:
            until(lambda: psutil.Process(later.pid).cmdline() == list(SLEEP), "the later one is past its leash")
        assert started.poll() is None


STARTER = """
import os, sys, time
from pathlib import Path
from e2e import program
from e2e.program import Process, Server
program._HAS_LEASH = sys.argv[3] == "leash"
command, folder = (sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"), Path(sys.argv[1])
with_us = Process("ours", command, folder / "ours.log", environment=os.environ)
server = Server("theirs", command, folder, "http://x", is_ready=lambda: True)
while not (with_us.last_words() and server.last_words()):
    time.sleep(0.02)
print(with_us.pid, server.pid, flush=True)
if sys.argv[2] == "stay":
    time.sleep(600)
"""


def start_two(folder: Path, then: str, how: str) -> tuple[subprocess.Popen[str], list[int]]:
    """Somebody who starts two processes, and theirs."""
    command = [sys.executable, "-c", STARTER, str(folder), then, how]
    starter = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own code
    assert starter.stdout is not None
    return starter, [int(each) for each in starter.stdout.readline().split()]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_starter_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """Neither one of our own nor somebody else's program."""
    starter, pids = start_two(tmp_path, "stay", "leash")
    with starter:
        assert len(pids) == 2
        assert not any(map(is_gone, pids))
        starter.send_signal(number)
    until(lambda: all(map(is_gone, pids)), "both have ended")


def test_without_a_leash_what_we_started_ends_with_our_interpreter(tmp_path: Path) -> None:
    """Where the kernel cannot be asked, an orderly end takes along what nobody stopped."""
    starter, pids = start_two(tmp_path, "end", "none")
    with starter:
        assert starter.wait(DEADLINE_S) == 0
    assert len(pids) == 2
    assert all(map(is_gone, pids))


def test_whose_starter_has_ended_already_does_not_begin(tmp_path: Path) -> None:
    """Between fork and leash the starter may end, and nobody would tell."""
    left = tmp_path / "left"
    command = [sys.executable, leash.__file__, "1", "9", sys.executable, "-c", f"open({str(left)!r}, 'w')"]
    done = subprocess.run(command, check=False, capture_output=True, timeout=DEADLINE_S)  # noqa: S603 - our own code
    assert (done.returncode, done.stderr, left.exists()) == (0, b"", False)
