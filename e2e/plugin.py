"""The stories' plugin for pytest: a browser, a stage to play on, a page that is watched, and what is told of it."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, BrowserType, Page

from e2e.page import REPORT_VIOLATIONS, Chat, Watch
from e2e.stack import LOOPBACK, NO_RATES, Stack, free_port, running
from e2e.stage import Stage
from e2e.story import Story
from e2e.telemetry import Receiver, receiving

CHROMIUM_VARIABLE = "CORTEX_HARNESS_CHROMIUM"
CHROMIUM_COMMANDS = ("chromium", "chromium-browser", "google-chrome")
QUIET_ARGUMENTS = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], browser_type: BrowserType) -> dict[str, Any]:
    """Launch arguments that find a Chromium: the named one, Playwright's own, or the system's."""
    arguments = [*browser_type_launch_args.get("args", []), *QUIET_ARGUMENTS]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium's sandbox refuses root
    launch = {**browser_type_launch_args, "args": arguments}
    named = os.environ.get(CHROMIUM_VARIABLE)
    if named or not Path(browser_type.executable_path).exists():
        launch["executable_path"] = named or _system_chromium()
    return launch


def _system_chromium() -> str:
    found = next(filter(None, map(shutil.which, CHROMIUM_COMMANDS)), None)
    if found is None:
        pytest.fail(
            "no Chromium found: run 'apt-get install chromium' or 'playwright install chromium', "
            f"or name one in {CHROMIUM_VARIABLE}"
        )
    return found


PROMPT = {"OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_BLRP_SCHEDULE_DELAY": "50"}
"""Spans and lines leave at once: a story waits for them."""

ADD_BAGGAGE = """
(() => {
  const fetchOf = globalThis.fetch;
  const added = %s;
  globalThis.fetch = (input, init) => {
    const request = new Request(input, init);
    if (!new URL(request.url).pathname.startsWith("/api/")) return fetchOf(input, init);
    const members = [request.headers.get("baggage"), added, globalThis.rehearsed];
    request.headers.set("baggage", members.filter(Boolean).join(","));
    return fetchOf(request);
  };
})();
"""
"""What a story's page asks carries the test's id, so that its state and its telemetry are its own."""


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    """What takes the telemetry of the stack."""
    with receiving() as running_receiver:
        yield running_receiver


@pytest.fixture(scope="session")
def stack(receiver: Receiver) -> Iterator[Stack]:
    """Mock and proxy, answering at once, their telemetry sent to the receiver."""
    metrics_port = free_port()
    environment = {
        **NO_RATES,
        **PROMPT,
        "CORTEX_PROXY_METRICS_HOST": LOOPBACK,
        "CORTEX_PROXY_METRICS_PORT": str(metrics_port),
        "CORTEX_PROXY_OTLP_ENDPOINT": receiver.url,
    }
    mock_arguments = ("--otlp-endpoint", receiver.url)
    with running(pace=0.0, proxy_environment=environment, mock_arguments=mock_arguments) as started:
        yield replace(started, metrics_url=f"http://{LOOPBACK}:{metrics_port}/metrics")


@pytest.fixture(scope="session")
def stage(stack: Stack, receiver: Receiver) -> Stage:
    """Where the stories play."""
    return Stage(stack.proxy_url, stack.mock_url, stack.metrics_url, receiver)


@pytest.fixture(scope="session")
def base_url(stage: Stage) -> str:
    """Makes `page.goto("/")` the page that is told of."""
    return stage.page_url


@pytest.fixture
def test_id() -> str:
    """What isolates a test's state in the mock, and finds its telemetry."""
    return f"story-{uuid.uuid4().hex[:16]}"


@pytest.fixture
def watch(stage: Stage) -> Watch:
    """The faults of this test's page."""
    return Watch(stage.page_url)


@pytest.fixture
def context(context: BrowserContext, test_id: str) -> BrowserContext:
    """A browser's profile whose pages say for which test they ask."""
    context.add_init_script(ADD_BAGGAGE % json.dumps(f"test.id={test_id}"))
    return context


@pytest.fixture
def page(page: Page, watch: Watch) -> Iterator[Page]:
    """A page that ends with no policy violation, no console error and no request to another origin."""
    page.add_init_script(REPORT_VIOLATIONS)
    page.on("console", watch.console)
    page.on("pageerror", watch.error)
    page.on("request", watch.request)
    yield page
    assert watch.unexpected() == []


@pytest.fixture
def chat(page: Page) -> Chat:
    """The opened page."""
    return Chat(page).open()


@pytest.fixture
def story(chat: Chat, stage: Stage, test_id: str) -> Story:
    """A reader in front of the opened page."""
    return Story(chat, stage, test_id)
