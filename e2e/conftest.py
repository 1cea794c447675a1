"""What the browser stories share: a browser, a running stack, and a page that is watched for faults."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserType, ConsoleMessage, Locator, Page, Request, expect

from e2e.stack import Stack, running

CHROMIUM_VARIABLE = "CORTEX_HARNESS_CHROMIUM"
CHROMIUM_COMMANDS = ("chromium", "chromium-browser", "google-chrome")
QUIET_ARGUMENTS = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]

REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""


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


NO_RATES = {
    f"CORTEX_PROXY_POLICIES__{row}__{cell}": "100000"
    for row in ("TOKEN", "CHAT", "REPORT")
    for cell in ("RATE", "BURST")
}
"""Browser tests ask faster than people do."""


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Mock and proxy, answering at once."""
    with running(pace=0.0, proxy_environment=NO_RATES) as started:
        yield started


@pytest.fixture(scope="session")
def base_url(stack: Stack) -> str:
    """Makes `page.goto("/")` the reference page."""
    return stack.proxy_url


@dataclass
class Watch:
    """What a page did that it must not do: console errors, uncaught errors, requests to strangers."""

    origin: str
    faults: list[str] = field(default_factory=list)
    allowed: list[re.Pattern[str]] = field(default_factory=list)

    def allow(self, pattern: str) -> None:
        """Expect faults that match; the browser itself logs every unsuccessful answer as an error."""
        self.allowed.append(re.compile(pattern))

    def console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"console {message.type}: {message.text}")

    def error(self, error: object) -> None:
        self.faults.append(f"uncaught: {error}")

    def request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.origin}/", "data:", "blob:")):
            self.faults.append(f"request to a stranger: {request.url}")

    def unexpected(self) -> list[str]:
        """The faults that no test asked for."""
        return [fault for fault in self.faults if not any(pattern.search(fault) for pattern in self.allowed)]


@pytest.fixture
def watch(stack: Stack) -> Watch:
    """The faults of this test's page."""
    return Watch(stack.proxy_url)


@pytest.fixture
def page(page: Page, watch: Watch) -> Iterator[Page]:
    """A page that ends with no policy violation, no console error and no request to another origin."""
    page.add_init_script(REPORT_VIOLATIONS)
    page.on("console", watch.console)
    page.on("pageerror", watch.error)
    page.on("request", watch.request)
    yield page
    assert watch.unexpected() == []


@dataclass(frozen=True)
class Chat:
    """The page as a reader uses it."""

    page: Page

    @property
    def turns(self) -> Locator:
        """Every turn, oldest first."""
        return self.page.get_by_role("article")

    @property
    def turn(self) -> Locator:
        """The newest turn."""
        return self.turns.last

    @property
    def status(self) -> Locator:
        """What a screen reader was told last."""
        return self.page.locator("#announcer")

    def open(self) -> Chat:
        """Load the page and wait until it knows what can be rehearsed."""
        self.page.goto("/")
        expect(self.page.get_by_text("Rehearsal, not live")).to_be_visible()
        expect(self.page.get_by_label("Scenario", exact=True)).to_be_attached()
        return self

    def ask(self, question: str) -> Locator:
        """Ask by keyboard and return the turn once it has ended."""
        self.send(question)
        return self.ended()

    def send(self, question: str) -> None:
        """Ask by keyboard."""
        box = self.page.get_by_label("Your question")
        box.fill(question)
        box.press("Enter")
        expect(self.turn.get_by_role("heading", name=question)).to_be_visible()

    def ended(self) -> Locator:
        """The newest turn, once it has ended."""
        expect(self.turn).to_have_attribute("aria-busy", "false", timeout=20_000)
        return self.turn

    def pace(self, label: str) -> None:
        """Choose the replay's pace."""
        self.page.get_by_role("radio", name=label).check()


@pytest.fixture
def chat(page: Page) -> Chat:
    """The opened page."""
    return Chat(page).open()
