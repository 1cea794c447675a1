"""The session behind a conversation: its tokens end and are renewed, and the reader notices nothing."""

from __future__ import annotations

import json
import re
import time
from functools import partial

from playwright.sync_api import expect

from contracts.api import PREFIX
from contracts.telemetry import REQUESTS, SESSION_TOKENS, STREAM_ENDS
from contracts.traces import CONVERSATION, PROBLEM, SESSION_ID, STATUS
from e2e import keys
from e2e.answers import RUN, THREAD_THEN_RUN, assert_told
from e2e.page import Watch
from e2e.stack import ACCOUNT, USER, Stack
from e2e.story import PROXY, Moves, Story
from proxy.settings import Settings
from proxy.tokens import TokenService

QUESTION = "How did EMEA develop month by month?"
TOKEN_SPAN, CHAT_SPAN = f"POST {PREFIX}/session/token", f"POST {PREFIX}/chat"
FRESH = re.compile(r"^3:5\d$|^4:00$")
LIFETIME_S = 300


def outcomes(**deltas: int) -> dict[str, Moves]:
    """What becomes of requests for a token: these, and no others."""
    rows: list[dict[str, object]] = [{"outcome": outcome, "delta": delta} for outcome, delta in deltas.items()]
    return {SESSION_TOKENS.name: [*rows, {"delta": sum(deltas.values())}]}


def begin_with(story: Story, stack: Stack, age_s: float, claimed_s: float) -> None:
    """Load the page anew with a token that was issued so long ago, and of which it thinks that it holds so long."""
    made, past = keys.ensure(stack.log_dir), time.time() - age_s
    settings = Settings(
        environment="development",
        snowflake_url=stack.mock_url,
        account=ACCOUNT,
        user=USER,
        private_key_file=made.private_key,
        session_key_file=made.session_key,
    )
    token = TokenService(settings, clock=lambda: past).open_session()
    ends_ms = (time.time() + claimed_s) * 1000
    times = {"endsAt": ends_ms, "renewsAt": ends_ms - 2000, "sessionEndsAt": ends_ms + 3_600_000}
    kept = json.dumps({"token": token.token, "sessionId": token.session_id, **times})
    story.chat.page.evaluate("(kept) => { sessionStorage.session = kept; }", kept)
    story.chat.page.reload()
    expect(story.chat.page.get_by_text("Session renews in")).to_be_visible()


def test_a_token_is_renewed_in_silence(story: Story) -> None:
    """A minute before its end, and before a question of a tab that slept past that; session and thread go on."""
    page = story.chat.page
    page.clock.install()
    story.chat.open()
    expect(page.get_by_text(FRESH)).to_be_visible()
    story.ask("Net sales by region")
    with story.moves(outcomes(refreshed=1)):
        page.clock.fast_forward("04:01")
        expect(page.get_by_text(FRESH)).to_be_visible()
    order: list[str] = []
    page.on("request", lambda request: order.append(request.url.rsplit("/", 1)[1]) if "/api/" in request.url else None)
    with story.moves(outcomes(refreshed=1)):
        page.clock.set_system_time(page.evaluate("Date.now() / 1000 + 250"))
        expect(story.ask(QUESTION).get_by_text("New thread")).to_have_count(0)
    assert order[:2] == ["token", "chat"]
    assert_told(story, QUESTION, RUN)
    first, second = (story.spans(PROXY, each)[0].attributes for each in story.trace_ids)
    for name in (SESSION_ID.name, CONVERSATION.name):
        assert first[name] == second[name]
    renewals = story.receiver.spans(test_id=story.test_id, name=TOKEN_SPAN)
    assert {each.attributes[STATUS.name] for each in renewals} == {200}
    expect(page.get_by_role("note")).to_have_count(0)


def test_an_answer_outlives_the_token_it_began_with(story: Story, stack: Stack) -> None:
    """A token that ends in the middle of an answer is renewed meanwhile; it comes whole, and so does the next."""
    begin_with(story, stack, age_s=LIFETIME_S - 4, claimed_s=8)  # with its leeway it is accepted for 9 s
    story.pace(0.55)  # and the answer takes longer
    whole: dict[str, Moves] = {STREAM_ENDS.name: [{"reason": "completed", "delta": 1}, {"delta": 1}]}
    with story.moves({**whole, **outcomes(refreshed=1)}):
        story.ask(QUESTION)
    assert_told(story, QUESTION, THREAD_THEN_RUN)
    story.pace(0)
    with story.moves(outcomes()):
        expect(story.ask("Net sales by region").get_by_text("New thread")).to_have_count(0)
    assert_told(story, "Net sales by region", RUN)


def test_a_token_that_had_ended_costs_the_reader_nothing(story: Story, stack: Stack, watch: Watch) -> None:
    """A page whose clock is wrong asks with an ended token: it is replaced, and the question asked once more."""
    watch.allow("status of 401")
    begin_with(story, stack, age_s=LIFETIME_S + 60, claimed_s=200)
    refused = {REQUESTS.name: [{"route": f"{PREFIX}/chat", "status_class": "4xx", "delta": 1}]}
    with story.moves({**refused, **outcomes(issued=1)}):
        turn = story.ask("Net sales by region")
    expect(turn.get_by_text("EMEA leads with 1,250.50")).to_be_visible()
    expect(turn.get_by_role("region", name="Error")).to_have_count(0)
    # Both are of one trace, which looks whole as soon as the first has arrived.
    chats = partial(story.receiver.spans, test_id=story.test_id, name=CHAT_SPAN)
    first, second = story.receiver.until(
        lambda: (found := chats())[1:] and found, "the refused question and the repeated one", test_id=story.test_id
    )
    assert (first.attributes[STATUS.name], first.attributes[PROBLEM.name]) == (401, "token-expired")
    assert (first.status, second.attributes[STATUS.name]) == ("unset", 200)
    assert [each["surface"] for each in reversed(story.journal())] == ["threads", "agent"]
