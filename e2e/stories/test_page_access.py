"""The reference page for every reader: keyboard, small screens, light and dark, contrast."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from e2e.page import Chat

PHONE = {"width": 360, "height": 740}

OVERFLOWING = """() => [...document.querySelectorAll("body *")]
  .filter((element) => element.checkVisibility() && element.getBoundingClientRect().right > innerWidth + 1)
  .filter((element) => !element.closest(".table-frame, .scroll-x, .code, .visually-hidden, .chart-canvas"))
  .map((element) => element.outerHTML.slice(0, 120))"""

# Contrast as WCAG 2 defines it, of every visible text against what stands behind it.
FAINT_TEXT = """() => {
  const parse = (color) => {
    const context = parse.context ??= new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b]
    .map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color[3] > 250) return color;
    }
    return parse(getComputedStyle(document.body).backgroundColor);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const faint = new Set();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const words = walker.currentNode.data.trim();
    if (!words || !element.checkVisibility() || element.closest("svg, noscript, :disabled, option")) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.add(`${ratio.toFixed(2)}: ${words.slice(0, 40)} (${element.className})`);
  }
  return [...faint];
}"""

SHOWCASE = [
    "Net sales by region",
    "How long is our warranty, and what is usual elsewhere?",
    "What are our price rules, and did prices rise in 2025?",
    "Which products are returned most often?",
    "Who are our best customers?",
    "Forecast net sales for 2026",
]


def test_a_conversation_needs_only_the_keyboard(chat: Chat) -> None:
    """Asking, breaking a line, opening a card, sorting and taking a suggestion need no mouse."""
    keyboard = chat.page.keyboard
    box = chat.page.get_by_label("Your question")
    expect(box).to_be_focused()
    keyboard.type("Net sales")
    keyboard.press("Shift+Enter")
    keyboard.type("by region")
    expect(box).to_have_value("Net sales\nby region")
    expect(chat.turns).to_have_count(0)
    box.fill("Net sales by region")
    keyboard.press("Enter")
    turn = chat.ended()
    expect(box).to_be_focused()
    _tab_back_to(chat.page, "How did EMEA develop month by month?")
    keyboard.press("Enter")
    expect(chat.turns).to_have_count(2)
    chat.ended()
    _tab_back_to(chat.page, "Run SQL")
    keyboard.press("Enter")
    expect(chat.page.get_by_role("region", name="SQL").last).to_be_visible()
    expect(turn).to_be_attached()


def test_escape_stops_an_answer(chat: Chat) -> None:
    """Esc stops what is coming and leaves the question box ready."""
    chat.pace("Real time")
    chat.send("Write the sales review for 2025")
    expect(chat.page.get_by_role("button", name="Stop")).to_be_visible()
    chat.page.keyboard.press("Escape")
    expect(chat.ended().get_by_text("You stopped this answer.")).to_be_visible()
    expect(chat.page.get_by_label("Your question")).to_be_focused()


def test_focus_is_visible(chat: Chat) -> None:
    """Everything that Tab reaches shows that it was reached."""
    chat.ask("Net sales by region")
    chat.page.get_by_role("link", name="Skip to the question box").focus()
    seen: set[str] = set()
    for _ in range(60):
        chat.page.keyboard.press("Tab")
        bare = chat.page.evaluate(
            """() => {
              const element = document.activeElement;
              if (element === document.body) return "";
              const marked = [element, element.nextElementSibling, element.closest(".composer")].filter(Boolean);
              const visible = marked.some((part) => getComputedStyle(part).outlineStyle !== "none");
              return visible ? "" : element.outerHTML.slice(0, 100);
            }"""
        )
        seen.add(bare)
    assert seen == {""}


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


def test_a_phone_shows_every_answer_without_sideways_scrolling(page: Page) -> None:
    """At 360 pixels nothing but tables and code scrolls sideways."""
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    chat = Chat(page).open()
    for question in [*SHOWCASE, "Show me 2025 in three charts", "List all orders of 2024"]:
        chat.ask(question)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], question
        assert page.evaluate(OVERFLOWING) == [], question


def test_on_a_phone_the_rehearsal_panel_is_a_drawer(page: Page) -> None:
    """The panel opens over the page, takes the focus, closes with Esc and gives the focus back."""
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(page: Page, scheme: str) -> None:
    """Every text stands out by 4.5 to 1, in either theme."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    chat = Chat(page).open()
    assert page.evaluate(FAINT_TEXT) == []
    page.get_by_label("Scenario", exact=True).select_option("unknown_event")
    for question in SHOWCASE:
        turn = chat.ask(question)
        for summary in turn.locator("summary").all():
            summary.click()
    assert page.evaluate(FAINT_TEXT) == []


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
    chat.send("Net sales by region")
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
    chat.pace("4× faster")
    chat.send("Write the sales review for 2025")
    expect(chat.turn.get_by_role("heading", level=4).nth(1)).to_be_visible(timeout=20_000)
    scroller.hover()
    page.mouse.wheel(0, -5000)
    expect(page.get_by_role("button", name="Jump to latest")).to_be_visible()
    before = scroller.evaluate("(element) => element.scrollTop")
    height = scroller.evaluate("(element) => element.scrollHeight")
    page.wait_for_function("(height) => document.querySelector('#scroller').scrollHeight > height + 100", arg=height)
    assert scroller.evaluate("(element) => element.scrollTop") == before


def _tab_back_to(page: Page, text: str) -> None:
    """Press Shift+Tab until something with this text has the focus."""
    for _ in range(80):
        page.keyboard.press("Shift+Tab")
        if text in page.evaluate("document.activeElement.innerText ?? ''"):
            return
    raise AssertionError(f"Shift+Tab never reached {text!r}")


def _brightness(page: Page) -> float:
    """Mean of the page background's red, green and blue."""
    parts = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).slice(0, 3).map(Number)")
    return float(sum(parts)) / 3
