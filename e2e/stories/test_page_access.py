"""The reference page for every reader: keyboard, small screens, light and dark, contrast."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from e2e.axe import findings
from e2e.page import Chat
from e2e.story import Story

PHONE = ViewportSize(width=360, height=740)
DESK = ViewportSize(width=1280, height=720)

OVERFLOWING = """() => [...document.querySelectorAll("body *")]
  .filter((element) => element.checkVisibility() && element.getBoundingClientRect().right > innerWidth + 1)
  .filter((element) => !element.closest(".table-frame, .scroll-x, .code, .visually-hidden, .chart-canvas"))
  .map((element) => element.outerHTML.slice(0, 120))"""

OPEN_ALL = "() => { for (const each of document.querySelectorAll('details')) each.open = true; }"
UNDRAWN = ".tool-body:empty, .chart-canvas:not(.drawn)"
"""A card is filled some time after it was opened, a chart drawn some time after its words."""

EVERY_KIND = [
    "Net sales by region",
    "How long is our warranty, and what is usual elsewhere?",
    "Who are our best customers?",
    "Forecast net sales for 2026",
    "Write the sales review for 2025",
]
"""Thinking, tools, a table, a chart, suggestions; sources; a question back; an error; and all that Markdown has."""

WIDE = [
    "What are our price rules, and did prices rise in 2025?",
    "Which products are returned most often?",
    "Show me 2025 in three charts",
    "List all orders of 2024",
]


def test_a_conversation_needs_only_the_keyboard(story: Story) -> None:
    """Asking, breaking a line, taking a suggestion, stopping and asking again need no mouse, and lose no focus."""
    chat, keyboard = story.chat, story.chat.page.keyboard
    box = chat.page.get_by_label("Your question")
    expect(box).to_be_focused()
    keyboard.type("Net sales")
    keyboard.press("Shift+Enter")
    keyboard.type("by region")
    expect(box).to_have_value("Net sales\nby region")
    expect(chat.turns).to_have_count(0)
    _tab_to(chat.page.get_by_role("main").get_by_role("button", name="Net sales by region"), "Shift+Tab")
    keyboard.press("Enter")
    chat.ended()
    expect(box).to_be_focused()

    story.pace(1)
    suggestion = chat.turns.first.get_by_role("button", name="How did EMEA develop month by month?")
    _tab_to(suggestion, "Shift+Tab")
    keyboard.press("Enter")
    expect(chat.turns).to_have_count(2)
    expect(suggestion).to_be_focused()
    expect(suggestion).to_be_disabled()
    expect(chat.turn.get_by_role("group").first).to_be_visible(timeout=20_000)  # the agent was asked, and is heard
    keyboard.press("Escape")
    expect(chat.ended().get_by_text("You stopped this answer.")).to_be_visible()
    assert story.spans("cortex-proxy")[0].attributes["cortex.stream.end_reason"] == "client_gone"

    story.pace(0)
    again = chat.page.get_by_role("button", name="Ask again")
    _tab_to(again, "Tab")
    keyboard.press("Enter")
    expect(chat.turns).to_have_count(3)
    chat.ended()
    expect(again).to_be_focused()
    _tab_to(chat.page.get_by_role("button", name="New conversation"), "Shift+Tab")
    keyboard.press("Enter")
    expect(box).to_be_focused()


def test_an_answer_needs_only_the_keyboard(chat: Chat) -> None:
    """Sorting a table, back and forth and off again, opening a card and choosing the theme need no mouse."""
    keyboard = chat.page.keyboard
    turn = chat.ask("Net sales by region")
    table = turn.get_by_role("table", name="Net sales by region")
    header = table.get_by_role("columnheader", name="NET_SALES")
    _tab_to(header.get_by_role("button"), "Shift+Tab")
    for order, first in (("ascending", "980.00"), ("descending", "1,250.50"), ("none", "1,250.50")):
        keyboard.press("Enter")
        expect(header).to_have_attribute("aria-sort", order)
        expect(table.locator("tbody td.numeric").first).to_have_text(first)
    expect(header.get_by_role("button")).to_be_focused()
    _tab_to(turn.locator("summary", has_text="Run SQL"), "Shift+Tab")
    keyboard.press("Enter")
    expect(turn.get_by_role("region", name="SQL")).to_be_visible()
    _tab_to(chat.page.get_by_role("button", name="Switch to the dark theme"), "Shift+Tab")
    keyboard.press("Enter")
    expect(chat.page.get_by_role("button", name="Switch to the light theme")).to_be_focused()


def test_focus_is_visible(chat: Chat) -> None:
    """Everything that Tab reaches shows that it was reached."""
    chat.ask("Net sales by region")
    chat.page.get_by_role("link", name="Skip to the question box").focus()
    seen, reached = set[str](), set[str]()
    for _ in range(60):
        chat.page.keyboard.press("Tab")
        bare, name = chat.page.evaluate(
            """() => {
              const element = document.activeElement;
              if (element === document.body) return ["", ""];
              const marked = [element, element.nextElementSibling, element.closest(".composer")].filter(Boolean);
              const visible = marked.some((part) => getComputedStyle(part).outlineStyle !== "none");
              const name = element.outerHTML.slice(0, 100);
              return [visible ? "" : name, name];
            }"""
        )
        seen.add(bare)
        reached.add(name)
    assert seen == {""}
    assert len(reached) > 10, reached


def test_answers_are_announced_without_their_words(chat: Chat) -> None:
    """A screen reader hears that an answer began and ended, not every word of it."""
    spoken = chat.page.evaluate_handle(
        """() => {
          const said = [];
          const region = document.querySelector("[aria-live]");
          new MutationObserver(() => said.push(region.textContent)).observe(region, { childList: true });
          return said;
        }"""
    )
    chat.ask("Write the sales review for 2025")
    expect(chat.status).to_have_text("The answer is complete.")
    assert spoken.json_value() == ["Asking the agent.", "The answer is complete."]


def test_on_a_phone_the_rehearsal_panel_is_a_drawer(page: Page) -> None:
    """The panel opens over the page, takes the focus, closes with Esc and gives the focus back."""
    page.set_viewport_size(PHONE)
    chat = Chat(page).open()
    opener = page.get_by_role("button", name="Rehearsal questions and scenarios")
    panel = page.get_by_role("complementary", name="Rehearsal")
    expect(panel).to_be_hidden()
    opener.click()
    expect(panel.get_by_role("button", name="Close", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(opener).to_be_focused()
    opener.click()
    panel.get_by_role("button", name="Net sales by region").click()
    expect(panel).to_be_hidden()
    expect(chat.ended().get_by_text("EMEA leads with 1,250.50")).to_be_visible()


def test_a_phone_shows_every_answer_without_sideways_scrolling(page: Page) -> None:
    """At 360 pixels nothing but tables and code scrolls sideways, whatever is open."""
    page.set_viewport_size(PHONE)
    chat = Chat(page).open()
    for question in [*EVERY_KIND, *WIDE]:
        chat.ask(question)
    _open_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.evaluate(OVERFLOWING) == []


@pytest.mark.parametrize(("scheme", "size"), [("light", PHONE), ("dark", DESK)], ids=["light", "dark"])
def test_every_answer_is_for_everyone(page: Page, scheme: Literal["light", "dark"], size: ViewportSize) -> None:
    """In neither theme, on a phone or on a desk, axe finds anything: no page, answer, error or panel bars a reader."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size(size)
    chat = Chat(page).open()
    assert findings(page) == []
    opener = page.get_by_role("button", name="Rehearsal questions and scenarios")
    if opener.is_visible():  # on a desk the panel is always there
        opener.click()
        assert findings(page) == []
    page.get_by_label("Scenario", exact=True).select_option("unknown_event")
    page.keyboard.press("Escape")
    for question in EVERY_KIND:
        chat.ask(question)
    _open_all(page)
    assert findings(page) == []


def test_what_bars_a_reader_is_found(chat: Chat) -> None:
    """Each kind of barrier is noticed, so that a page without findings means something."""
    chat.page.evaluate("""() => {
      const [faint, nameless, half] = ["p", "button", "b"].map((name) => document.createElement(name));
      faint.textContent = "faint";
      faint.style.color = "#999";
      half.role = "checkbox";
      document.querySelector("main").prepend(faint, nameless, half);
    }""")
    found = findings(chat.page)
    for barrier in ("serious color-contrast", "critical button-name", "critical aria-required-attr"):
        assert any(each.startswith(barrier) for each in found), found


def test_dark_follows_the_system_until_the_reader_decides(page: Page) -> None:
    """The system's scheme is followed, charts included; the toggle wins and is remembered."""
    page.emulate_media(color_scheme="dark")
    chat = Chat(page).open()
    assert _brightness(page) < 60
    turn = chat.ask("Net sales by region")
    label = turn.get_by_role("img", name="Net sales 2025").locator("svg text").first
    expect(label).to_be_visible()
    dark = label.get_attribute("fill")
    page.get_by_role("button", name="Switch to the light theme").click()
    assert _brightness(page) > 200
    expect(label).not_to_have_attribute("fill", str(dark))
    page.reload()
    expect(page.get_by_role("button", name="Switch to the dark theme")).to_be_visible()
    assert _brightness(page) > 200


def test_reduced_motion_is_respected(page: Page) -> None:
    """A reader who asked for less motion gets none."""
    page.emulate_media(reduced_motion="reduce")
    chat = Chat(page).open()
    chat.pace("Real time")
    chat.send("Write the sales review for 2025")
    assert page.evaluate("document.getAnimations().length") == 0
    chat.page.get_by_role("button", name="Stop").click()


def test_a_reader_who_scrolled_up_is_left_alone(page: Page) -> None:
    """New text pulls nobody down who went up to read; a button leads back to it."""
    page.set_viewport_size({"width": 900, "height": 500})
    chat = Chat(page).open()
    chat.ask("Net sales by region")
    scroller = page.locator("#scroller")
    scroller.hover()
    page.mouse.wheel(0, -5000)
    expect(page.get_by_role("button", name="Jump to latest")).to_be_visible()
    page.get_by_role("button", name="Jump to latest").click()
    expect(page.get_by_role("button", name="Jump to latest")).to_be_hidden()
    chat.pace("Real time")
    chat.send("Write the sales review for 2025")
    expect(chat.turn.get_by_role("heading", level=3).first).to_be_visible(timeout=20_000)
    scroller.hover()
    page.mouse.wheel(0, -5000)
    expect(page.get_by_role("button", name="Jump to latest")).to_be_visible()
    before = scroller.evaluate("(element) => element.scrollTop")
    height = scroller.evaluate("(element) => element.scrollHeight")
    page.wait_for_function("(height) => document.querySelector('#scroller').scrollHeight > height + 100", arg=height)
    assert scroller.evaluate("(element) => element.scrollTop") == before


def _open_all(page: Page) -> None:
    """Open whatever can be opened, and return once all of it is drawn."""
    page.evaluate(OPEN_ALL)
    expect(page.locator(UNDRAWN)).to_have_count(0, timeout=20_000)


def _tab_to(wanted: Locator, key: str) -> None:
    """Press Tab, or Shift+Tab, until this has the focus; it is nowhere else lost on the way."""
    for _ in range(120):
        wanted.page.keyboard.press(key)
        if wanted.evaluate("(element) => element === document.activeElement"):
            return
    raise AssertionError(f"{key} never reached {wanted}")


def _brightness(page: Page) -> float:
    """Mean of the page background's red, green and blue."""
    parts = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).slice(0, 3).map(Number)")
    return float(sum(parts)) / 3
