"""Our stories: those that every page can play, and our own."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from e2e.stories.test_any_page import *  # noqa: F403
from e2e.story import Story


@pytest.mark.rehearsal
def test_the_reader_is_told_when_it_is_their_turn(story: Story) -> None:
    """Once an answer has ended, a screen reader hears that the next question can be asked."""
    story.ask("Net sales by region")
    expect(story.chat.status).to_have_text("Your turn.")
