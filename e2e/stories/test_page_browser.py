"""The watch over the reference page, and how its browser is found."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from e2e import browser
from e2e.page import Chat, Watch
from e2e.program import StackError


def test_without_a_chromium_the_tests_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any Chromium gets a failure with the command that helps, not a skip."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv(browser.VARIABLE, raising=False)
    with pytest.raises(StackError, match=r"apt-get install chromium.*playwright install chromium"):
        browser.launch({}, "nowhere")


@pytest.mark.parametrize(
    ("deed", "fault"),
    [
        ("document.body.setAttribute('style', 'color: red')", "policy violated: style-src-attr"),
        ("setTimeout('1')", "policy violated: script-src"),
        ("console.error('oops')", "console error: oops"),
        ("setTimeout(() => { throw new Error('oops') })", "uncaught: .*oops"),
        ("fetch('https://example.com/').catch(() => {})", "request to a stranger|policy violated: connect-src"),
    ],
)
def test_a_fault_of_the_page_is_seen(chat: Chat, watch: Watch, deed: str, fault: str) -> None:
    """Each kind of misbehaviour is noticed, so that a story without faults means something."""
    chat.page.evaluate(f"() => {{ {deed}; }}")
    with chat.page.expect_console_message(lambda message: message.text == "the end"):
        chat.page.evaluate("() => void setTimeout(() => console.error('the end'))")  # after what waits for its time
    assert any(re.search(fault, each) for each in watch.unexpected()), watch.faults
    watch.allow(".*")


def test_the_page_works_without_third_party_servers(chat: Chat, watch: Watch) -> None:
    """A turn with every kind of block asks nothing of any other origin, and needs Vega only once it charts."""
    requested: list[str] = []
    chat.page.on("request", lambda request: requested.append(request.url))
    chat.ask("What is the refund deadline?")
    assert not any(url.endswith("vega.js") for url in requested)
    turn = chat.ask("Show me 2025 in three charts")
    expect(turn.get_by_role("img", name=re.compile("Customers 2025")).locator("svg")).to_be_visible()
    assert sum(url.endswith("vega.js") for url in requested) == 1
    assert watch.unexpected() == []


def test_every_module_is_named_ahead(page: Page) -> None:
    """The page names all modules that it begins with, and no other: none waits for the one that imports it."""
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(urlsplit(request.url).path))
    Chat(page).open()
    modules = {path for path in loaded if path.endswith(".js")}
    scripts = page.evaluate("[...document.scripts].map(each => new URL(each.src).pathname)")
    named = page.evaluate(
        "[...document.querySelectorAll('link[rel=modulepreload]')].map(each => new URL(each.href).pathname)"
    )
    assert sorted(named) == sorted(modules - set(scripts))
