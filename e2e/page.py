"""The page as the stories see it: what a reader finds by role and visible text, and a watch over its faults."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Protocol, Self

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, expect

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

REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""

SAYS_NEXT = """(button) => ({
  words: new Promise((hear) => {
    new MutationObserver(() => hear(button.textContent)).observe(button, { childList: true, subtree: true });
  }),
})"""


def pressed(button: Locator) -> str:
    """What a button says next when it is pressed. It may say so for a moment only, which a slow machine would miss."""
    heard = button.evaluate_handle(SAYS_NEXT)
    button.click()
    words: str = heard.evaluate("({ words }) => words")
    return words


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

    def check(self) -> None:
        """Nothing happened that no test asked for.   Raises: AssertionError with all that did."""
        found = self.unexpected()
        assert not found, "\n".join(["the page did what no page may:", *found])


class ChatPage(Protocol):
    """What stories need of a page: the roles that a reader finds on it, whatever the page calls them.

    A page object of another frontend offers these and nothing else; `Chat` is the reference page's.
    """

    @property
    def page(self) -> Page:
        """The browser's page."""

    @property
    def turns(self) -> Locator:
        """Every turn, oldest first: a question, and all that came of it."""

    @property
    def turn(self) -> Locator:
        """The newest turn."""

    @property
    def problem(self) -> Locator:
        """Where the newest turn says what went wrong: the title of the problem, and the last part of its type."""

    @property
    def status(self) -> Locator:
        """Where a screen reader is told what goes on."""

    def open(self) -> Self:
        """The page, loaded and ready for a question."""

    def send(self, question: str) -> None:
        """Ask, and return once the question stands in a turn."""

    def ended(self) -> Locator:
        """The newest turn, once nothing more comes: answered, stopped or failed."""

    def ask(self, question: str) -> Locator:
        """Ask, and return the turn once it has ended."""

    def stop(self) -> None:
        """End the answer that is coming."""


@dataclass(frozen=True)
class Chat:
    """The reference page as a reader uses it: a `ChatPage`, and what only this page has.

    is_rehearsed: whether a mock stands behind it, so that the page shows what can be rehearsed.
    """

    page: Page
    is_rehearsed: bool = True

    @property
    def turns(self) -> Locator:
        """Every turn, oldest first."""
        return self.page.get_by_role("article")

    @property
    def turn(self) -> Locator:
        """The newest turn."""
        return self.turns.last

    @property
    def problem(self) -> Locator:
        """The newest turn's card that tells what went wrong."""
        return self.turn.get_by_role("region", name="Error")

    @property
    def status(self) -> Locator:
        """What a screen reader was told last."""
        return self.page.locator("#announcer")

    def open(self) -> Self:
        """Load the page and wait until it takes a question, and knows what can be rehearsed."""
        self.page.goto("/")
        expect(self.page.get_by_label("Your question")).to_be_focused()
        if self.is_rehearsed:
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

    def stop(self) -> None:
        """End the answer that is coming."""
        self.page.get_by_role("button", name="Stop").click()

    def pace(self, label: str) -> None:
        """Choose the replay's pace."""
        self.page.get_by_role("radio", name=label).check()
