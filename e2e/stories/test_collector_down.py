"""Telemetry that reaches nobody: the reader does not notice, the operator does."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from contracts.telemetry import EXPORT_FAILURES, Signal
from e2e.page import Chat
from e2e.stack import LOOPBACK, NO_RATES, PROMPT, running
from e2e.stage import Stage
from e2e.story import MOCK, PROXY, Story, moved
from e2e.telemetry import Receiver, receiving

ANSWER = "EMEA leads with 1,250.50, APAC follows with 980.00."
GONE, BACK = "the collector takes no telemetry; check its address", "the collector takes telemetry again"
GIVEN_UP_S = 20
"""An exporter tries again for some seconds before it gives a batch up; this is more than two of these."""


@pytest.fixture
def otlp_socket() -> Iterator[socket.socket]:
    """Holds a port on which nobody listens yet, so that nobody else takes it meanwhile."""
    with socket.socket() as held:
        held.bind((LOOPBACK, 0))
        yield held


@pytest.fixture
def otlp_port(otlp_socket: socket.socket) -> int:
    """Where nobody listens yet."""
    return int(otlp_socket.getsockname()[1])


@pytest.fixture
def listen(otlp_socket: socket.socket, otlp_port: int) -> Iterator[Callable[[], Receiver]]:
    """Starts a collector there. It outlives the stack, which would wait for it at its end."""
    with ExitStack() as cleanup:

        def begin() -> Receiver:
            otlp_socket.close()
            return cleanup.enter_context(receiving(otlp_port))

        yield begin


@pytest.fixture
def unheard(otlp_port: int, listen: Callable[[], Receiver]) -> Iterator[Stage]:
    """A stack of its own whose collector is down."""
    endpoint = f"http://{LOOPBACK}:{otlp_port}"
    environment = {
        **NO_RATES,
        **PROMPT,
        "CORTEX_PROXY_METRICS_PORT": "0",
        "CORTEX_PROXY_OTLP_ENDPOINT": endpoint,
    }
    arguments = ("--otlp-endpoint", endpoint)
    with running(pace=0.0, proxy_environment=environment, mock_arguments=arguments, mock_environment=PROMPT) as stack:
        yield Stage.of(stack, None)


@pytest.fixture
def browser_context_args(browser_context_args: dict[str, Any], unheard: Stage) -> dict[str, Any]:
    """The page that is told of is that stack's."""
    return {**browser_context_args, "base_url": unheard.page_url}


@pytest.fixture
def stage_of_test(unheard: Stage) -> Stage:
    """The story is played on that stack."""
    return unheard


def test_a_collector_that_is_down_harms_no_reader(
    unheard: Stage, listen: Callable[[], Receiver], chat: Chat, test_id: str
) -> None:
    """While no collector listens, readers get their answers; the loss is counted and told once, and so is its end."""
    story = Story(chat, unheard, test_id)
    expect(story.ask("Net sales by region").get_by_text(ANSWER)).to_be_visible()
    until(chat.page, lambda: lost(unheard, Signal.METRICS) >= 2 and all(lost(unheard, each) for each in Signal))
    until(chat.page, lambda: told(unheard, "proxy.log", GONE) >= len(Signal) and told(unheard, "mock.log", GONE))
    expect(story.ask("Net sales by region").get_by_text(ANSWER)).to_be_visible()
    assert told(unheard, "proxy.log", GONE) == len(Signal)
    assert told(unheard, "mock.log", GONE) == 1
    receiver = listen()
    expect(story.ask("Net sales by region").get_by_text(ANSWER)).to_be_visible()
    for service in (PROXY, MOCK):
        found = partial(receiver.spans, trace_id=story.trace_id, service=service)
        what = f"what {service} does once the collector is back"
        receiver.until(found, what, trace_id=story.trace_id, timeout_s=GIVEN_UP_S)
    receiver.until(
        lambda: {each.fields["signal"] for each in receiver.logs(event=BACK)} == set(Signal),
        "the end of the loss, told for each signal",
        timeout_s=GIVEN_UP_S,
    )
    assert told(unheard, "proxy.log", BACK) == len(Signal)


def lost(stage: Stage, signal: Signal) -> float:
    """Batches that nobody took."""
    return moved({}, stage.counters(), EXPORT_FAILURES.exposed, {"signal": signal.value})


def told(stage: Stage, log: str, words: str) -> int:
    """How often a process has said something."""
    assert stage.log_dir is not None, "a stack of our own"
    return Path(stage.log_dir / log).read_text(encoding="utf-8").count(words)


def until(page: Page, claim: Callable[[], object]) -> None:
    """Return once the claim holds."""
    for _ in range(GIVEN_UP_S * 10):
        if claim():
            return
        page.wait_for_timeout(100)
    raise AssertionError("batches that nobody took were not counted, or not told of")
