"""A program beside us: it is there within the block, gone after it, and heard when it does not start."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from dashboards.program import opener, started
from e2e.stack import LOOPBACK, free_port


class NotStartedError(Exception):
    """What is asked for."""


def test_a_program_is_there_until_the_block_ends(tmp_path: Path) -> None:
    """It answers from the first line of the block on, and its port is free after it."""
    port = free_port()
    arguments = [sys.executable, "-m", "http.server", str(port), "--bind", LOOPBACK]
    with (
        started("it", arguments, tmp_path, f"http://{LOOPBACK}:{port}/", failure=NotStartedError),
        opener.open(f"http://{LOOPBACK}:{port}/", timeout=5) as answer,
    ):
        assert answer.status == 200
    with pytest.raises(ConnectionRefusedError), socket.create_connection((LOOPBACK, port), timeout=5):
        pass


def test_a_program_that_does_not_start_leaves_its_last_words(tmp_path: Path) -> None:
    """Within the error that was asked for, with its name."""
    arguments = [sys.executable, "-c", "import sys; sys.exit('no such thing')"]
    refused = pytest.raises(NotStartedError, match=r"(?s)it did not start.*no such thing")
    with refused, started("it", arguments, tmp_path, f"http://{LOOPBACK}:9/", failure=NotStartedError):
        pass


def test_a_program_gets_the_environment_that_it_is_given(tmp_path: Path) -> None:
    """Beside our own."""
    code = "import os, sys; sys.exit(os.environ['CORTEX_TOLD'] + os.environ['PATH'][:1])"
    refused = pytest.raises(NotStartedError, match="something/")
    told = {"CORTEX_TOLD": "something"}
    arguments = [sys.executable, "-c", code]
    with refused, started("it", arguments, tmp_path, "http://127.0.0.1:9/", failure=NotStartedError, environment=told):
        pass
