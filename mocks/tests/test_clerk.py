"""A recording in a process of its own: it outlives a Ctrl-C, and saves when whoever recorded is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mocks.cassette import Interaction, load
from mocks.clerk import Clerk
from mocks.recording import Asking, Finished, Mode, Options, RecordingError, State

ASKING = Asking("POST", "/api/v2/statements", {"content-type": "application/json"}, b'{"statement":"select 1"}')
FINISHED = Finished(1, ASKING, 200, {"Content-Type": "application/json"}, ((1.0, b'{"who":"Anna Meier"}'),))

DEADLINE_S = 30.0

KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from mocks.clerk import Clerk
from mocks.tests.test_clerk import FINISHED, options_in

async def record():
    clerk = Clerk()
    await clerk.open(options_in(Path(sys.argv[1])))
    await clerk.take(FINISHED)
    os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    asyncio.run(record())
"""


def options_in(folder: Path) -> Options:
    """A recording into a folder, with the same key every time."""
    key = folder / "key"
    key.touch(mode=0o600)
    key.write_text("0123456789abcdef" * 4)
    return Options(folder / "tape.jsonl", Mode.ONCE, key)


def test_a_clerk_keeps_a_recording(tmp_path: Path) -> None:
    """What is taken is saved when asked for, although a Ctrl-C reached every process; then the cassette answers."""

    async def record() -> None:
        options = options_in(tmp_path)
        clerk = Clerk()
        terms = await clerk.open(options)
        assert (terms.answers, terms.forwards, terms.state) == (False, True, State())
        [process] = clerk._pool._processes.values()
        for each in (signal.SIGINT, signal.SIGTERM):
            os.kill(process.pid or 0, each)
        assert await clerk.take(FINISHED) == (None, State(interactions=1, new=1, replaced=1))
        assert not options.out.exists()
        assert await clerk.save() == ([], State(interactions=1, new=1, replaced=1))
        clerk.close()

        clerk = Clerk()
        terms = await clerk.open(replace(options, mode=Mode.NONE))
        assert (terms.answers, terms.forwards) == (True, False)
        assert isinstance(await clerk.answer(ASKING), Interaction)
        clerk.close()

    asyncio.run(record())
    assert "Anna" not in (tmp_path / "tape.jsonl").read_text(encoding="utf-8")


def test_what_keeps_a_recording_from_beginning_is_told(tmp_path: Path) -> None:
    """Errors of the clerk's process arrive as what they are."""

    async def record() -> None:
        clerk = Clerk()
        try:
            await clerk.open(replace(options_in(tmp_path), mode=Mode.NONE))
        finally:
            clerk.close()

    with pytest.raises(RecordingError, match="no cassette"):
        asyncio.run(record())


def test_a_clerk_that_died_is_an_error(tmp_path: Path) -> None:
    """Nobody goes on recording into nothing."""

    async def record() -> None:
        clerk = Clerk()
        await clerk.open(options_in(tmp_path))
        [process] = clerk._pool._processes.values()
        os.kill(process.pid or 0, signal.SIGKILL)
        try:
            await clerk.take(FINISHED)
        finally:
            clerk.close()

    with pytest.raises(RecordingError, match="has died; nothing was written"):
        asyncio.run(record())
    assert not (tmp_path / "tape.jsonl").exists()


def test_what_is_complete_is_saved_when_the_recorder_is_killed(tmp_path: Path) -> None:
    """The clerk notices, writes the cassette, and ends."""
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    done = subprocess.run([sys.executable, str(script), str(tmp_path)], check=False, timeout=60)  # noqa: S603 - ours
    assert done.returncode == -signal.SIGKILL

    until_s = time.monotonic() + DEADLINE_S
    while not (tmp_path / "tape.jsonl").exists() and time.monotonic() < until_s:
        time.sleep(0.05)
    assert len(load(tmp_path / "tape.jsonl").interactions) == 1
    assert "Anna" not in (tmp_path / "tape.jsonl").read_text(encoding="utf-8")
