"""Questions at a rhythm, against the running stack."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from dashboards import traffic
from e2e.stack import Stack, running
from mocks import scenario

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Mock and proxy, answering at once."""
    with running(pace=0) as started:
        yield started


def test_every_trouble_is_a_scenario() -> None:
    """The mock would ignore none of them."""
    names = {path.stem for path in Path(scenario.__file__).with_name("scenarios").glob("*.yaml")}
    assert set(traffic.TROUBLE) <= names


def test_the_same_seed_asks_the_same() -> None:
    """Another one does not; about one turn in five meets trouble."""
    asked = [list(islice(traffic.turns(["a", "b", "c"], seed), 500)) for seed in (1, 1, 2)]
    assert asked[0] == asked[1] != asked[2]
    assert 60 < sum(turn.trouble is not None for turn in asked[0]) < 140


def test_questions_are_answered(stack: Stack) -> None:
    """What the mock knows is asked, and streams come."""
    first = traffic.questions_of(stack.proxy_url)[0]
    assert traffic.ask(stack.proxy_url, traffic.Turn(first)) == "streamed"


def test_trouble_reaches_the_mock(stack: Stack) -> None:
    """A scenario that answers 500 is seen as the proxy's refusal."""
    first = traffic.questions_of(stack.proxy_url)[0]
    assert traffic.ask(stack.proxy_url, traffic.Turn(first, "server_error")).startswith("5")


def test_turns_are_counted_by_how_they_ended(stack: Stack) -> None:
    """A refusal is not a stream, and so many turns are asked as were planned."""
    first = traffic.questions_of(stack.proxy_url)[0]
    planned = [traffic.Turn(first), traffic.Turn(first, "server_error"), traffic.Turn(first)]
    counted = traffic.run(stack.proxy_url, planned, per_minute=6000, stop=threading.Event())
    assert counted["streamed"] == 2
    assert counted.total() == 3


def test_it_asks_until_stopped(stack: Stack) -> None:
    """The command runs as compose.yaml runs it, and ends at SIGTERM with a count, whatever is under way."""
    command = [sys.executable, "-m", "dashboards.traffic", f"--url={stack.proxy_url}/", "--per-minute=1200"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        assert process.stderr is not None
        assert process.stderr.readline() == f"asking {stack.proxy_url}, 1200 turns a minute\n"
        process.send_signal(signal.SIGTERM)
        told = process.stderr.read()
    assert process.returncode == 0
    assert re.match(r"none asked|\d+ \w+", told)


def test_nobody_there_is_told() -> None:
    """The address is named, and what should be there."""
    with pytest.raises(traffic.TrafficError, match=r"http://127.0.0.1:9 is no development proxy before the mock"):
        traffic.questions_of("http://127.0.0.1:9")
