"""Where on our page a reader finds what the stories need: an `e2e.page.ChatPage`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from playwright.sync_api import Locator, Page, expect

ANSWER_TIMEOUT_MS = 20_000


@dataclass(frozen=True)
class TheirPage:
    """Our page, as a reader uses it."""

    page: Page

    @property
    def turns(self) -> Locator:
        """Every turn, oldest first."""
        return self.page.get_by_role("list", name="Conversation").get_by_role("listitem")

    @property
    def turn(self) -> Locator:
        """The newest turn."""
        return self.turns.last

    @property
    def problem(self) -> Locator:
        """Where the newest turn says what went wrong."""
        return self.turn.get_by_role("alert")

    @property
    def status(self) -> Locator:
        """Where a screen reader is told what goes on."""
        return self.page.get_by_role("status")

    def open(self) -> Self:
        """The page, ready for a question."""
        self.page.goto("/")
        expect(self.page.get_by_role("button", name="Ask", exact=True)).to_be_enabled()
        return self

    def send(self, question: str) -> None:
        """Ask, and return once the question stands in a turn."""
        self.page.get_by_label("What would you like to know?").fill(question)
        self.page.get_by_role("button", name="Ask", exact=True).click()
        expect(self.turn.get_by_role("heading", name=question)).to_be_visible()

    def ended(self) -> Locator:
        """The newest turn, once nothing more comes."""
        expect(self.turn).to_have_attribute("aria-busy", "false", timeout=ANSWER_TIMEOUT_MS)
        return self.turn

    def ask(self, question: str) -> Locator:
        """Ask, and return the turn once it has ended."""
        self.send(question)
        return self.ended()

    def stop(self) -> None:
        """End the answer that is coming."""
        self.page.get_by_role("button", name="Enough").click()
