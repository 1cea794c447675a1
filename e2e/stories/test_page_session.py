"""The session behind the reference page: counted down, renewed in silence, replaced when it cannot be."""

from __future__ import annotations

import json

from playwright.sync_api import Page, Request, Route, expect

from e2e.page import Chat, Watch

TOKEN_URL = "**/api/v1/session/token"


def is_renewal(request: Request) -> bool:
    """Whether a request asks for a token with a token."""
    return request.url.endswith("/session/token") and "authorization" in request.headers


def test_a_session_that_cannot_be_renewed_is_replaced(page: Page, watch: Watch) -> None:
    """When the renewal is refused the page begins a new session, says so, and starts a new thread."""
    watch.allow("status of 401")
    page.clock.install()
    chat = Chat(page).open()
    chat.ask("Net sales by region")
    page.route(TOKEN_URL, _refuse_renewals)
    page.clock.fast_forward("04:01")
    expect(page.get_by_role("note").filter(has_text="A new session began")).to_be_visible()
    with page.expect_request("**/api/v1/chat") as asked:
        chat.ask("How did EMEA develop month by month?")
    assert "threadId" not in (asked.value.post_data_json or {})


def test_a_refused_token_is_replaced_and_the_question_asked_once_more(page: Page, watch: Watch) -> None:
    """A token that the proxy no longer accepts costs the reader nothing."""
    watch.allow("status of 401")
    chat = Chat(page).open()
    page.route(
        "**/api/v1/chat",
        lambda route: _problem(route, 401, "token-expired", "The token has expired"),
        times=1,
    )
    expect(chat.ask("Net sales by region").get_by_text("EMEA leads with 1,250.50")).to_be_visible()


def test_without_a_session_the_question_tells_why(page: Page, watch: Watch) -> None:
    """When no session can be had, the first question shows the problem and can be tried again."""
    watch.allow("status of 503")
    page.route(TOKEN_URL, lambda route: _problem(route, 503, "draining", "The proxy is shutting down"))
    chat = Chat(page).open()
    error = chat.ask("Net sales by region").get_by_role("region", name="Error")
    expect(error.get_by_text("The proxy is shutting down")).to_be_visible()
    expect(error.get_by_text("draining")).to_be_visible()
    page.unroute(TOKEN_URL)
    error.get_by_role("button", name="Try again").click()
    expect(chat.turns).to_have_count(2)
    expect(chat.ended().get_by_text("EMEA leads with 1,250.50")).to_be_visible()


def test_an_unreachable_proxy_is_told_as_such(page: Page, watch: Watch) -> None:
    """A proxy that does not answer is a problem like any other, not a silent page."""
    watch.allow("ERR_FAILED")
    chat = Chat(page).open()
    page.route("**/api/v1/chat", lambda route: route.abort())
    expect(chat.ask("Net sales by region").get_by_text("The proxy cannot be reached")).to_be_visible()


def test_a_lost_connection_is_told_as_such(chat: Chat) -> None:
    """An answer that stops before its end keeps what came and says that the connection was lost, without a status."""
    text = {"content_index": 0, "text": "EMEA leads"}
    body = f"event: response.text.delta\ndata: {json.dumps(text)}\n\n: heartbeat\n\n"
    chat.page.route("**/api/v1/chat", lambda route: route.fulfill(content_type="text/event-stream", body=body))
    turn = chat.ask("Net sales by region")
    expect(turn.get_by_text("EMEA leads")).to_be_visible()
    error = turn.get_by_role("region", name="Error")
    expect(error.get_by_role("heading", name="The connection was lost")).to_be_visible()
    expect(error.get_by_text("connection-lost")).to_be_visible()
    expect(error.get_by_role("term").filter(has_text="Status")).to_have_count(0)


def test_a_refusal_is_told_at_once_with_its_wait(chat: Chat, watch: Watch) -> None:
    """The page waits for no Retry-After of its own accord: it tells the reader how long it takes, and asks but once."""
    watch.allow("status of 429")
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        _problem(route, 429, "rate-limited", "Too many requests", retryable=True, retryAfterS=1)

    chat.page.route("**/api/v1/chat", refuse)
    error = chat.ask("Net sales by region").get_by_role("region", name="Error")
    expect(error.get_by_text("Wait 1 s before you try again.")).to_be_visible()
    assert len(asked) == 1


def _refuse_renewals(route: Route) -> None:
    if is_renewal(route.request):
        _problem(route, 401, "session-ended", "The session has ended")
    else:
        route.continue_()


def _problem(route: Route, status: int, name: str, title: str, **more: object) -> None:
    problem = {"type": f"https://cortex-harness.dev/problems/{name}", "title": title, "status": status, "detail": ""}
    route.fulfill(status=status, json={**problem, **more}, headers={"Content-Type": "application/problem+json"})
