"""The stories' fixtures and options, with our page in place of the reference page. docs/stories.md tells the rest."""

from pathlib import Path

import pytest
from playwright.sync_api import Page
from their_page import TheirPage

from e2e.page import ChatPage
from e2e.plugin import *  # noqa: F403


# Of the same names as the plugin's: they take their place.
@pytest.fixture(scope="session")  # type: ignore[no-redef]
def page_dir() -> Path:
    """What a stack of our own serves: the built page, its index.html at `/`, everything else below `/client/`."""
    return Path(__file__).parent / "page"


@pytest.fixture  # type: ignore[no-redef]
def chat(page: Page) -> ChatPage:
    """Our page, opened."""
    opened: ChatPage = TheirPage(page).open()
    return opened
