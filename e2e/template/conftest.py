"""The stories' fixtures and options, with our page in place of the reference page. docs/stories.md tells the rest."""

from pathlib import Path

import pytest
from playwright.sync_api import Page
from their_page import TheirPage

from e2e.page import ChatPage
from e2e.plugin import *  # noqa: F403


@pytest.fixture(name="page_dir", scope="session")
def our_page_dir() -> Path:
    """What a stack of our own serves: the built page, its index.html at `/`, everything else below `/client/`."""
    return Path(__file__).parent / "page"


@pytest.fixture(name="chat")
def our_chat(page: Page) -> ChatPage:
    """Our page, opened."""
    chat: ChatPage = TheirPage(page).open()
    return chat
