"""A page that is loaded anew: the conversation stands there again, and goes on."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Response, Route, expect

from contracts.api import PREFIX
from contracts.telemetry import REQUESTS, SESSION_TOKENS, STREAM_ENDS
from contracts.traces import END_REASON, SESSION_ID
from e2e.answers import RUN, THREAD_THEN_RUN, answer_to, asked_of, assert_told, thread_of
from e2e.page import Chat, Watch
from e2e.story import PROXY, Story
from e2e.way import Stop, assert_arrived, first_difference

pytestmark = pytest.mark.rehearsal

FIRST, SECOND, THIRD = "How did net sales develop from 2023 to 2024?", "Only EMEA, please", "Which country grew most?"
HISTORY = f"{PREFIX}/history/{{sessionId}}"
HISTORY_ASKED = re.compile(rf"{PREFIX}/history/")
NO_STORAGE = """
Object.defineProperty(globalThis, "sessionStorage", { get() { throw new DOMException("refused", "SecurityError"); } });
"""


def note(page: Page) -> Locator:
    """What the page says above a conversation."""
    return page.get_by_role("note").first


def told_by_history(page: Page) -> list[dict[str, Any]]:
    """The turns that the history told a page which is loaded anew, oldest first; a page asks again for a late one."""
    answers: list[Response] = []

    def note_answer(response: Response) -> None:
        if HISTORY_ASKED.search(response.url):
            answers.append(response)

    page.on("response", note_answer)
    page.reload()
    expect(note(page)).to_contain_text("was restored")
    page.remove_listener("response", note_answer)
    turns: list[dict[str, Any]] = answers[-1].json()["turns"]
    return turns[::-1]


def test_a_conversation_is_there_again_and_goes_on(story: Story) -> None:
    """After a reload the turns come out of the history, in the same session; the next question knows them."""
    page = story.chat.page
    story.ask(FIRST)
    story.ask(SECOND)
    thread = thread_of(story)
    session = story.spans(PROXY)[0].attributes[SESSION_ID.name]
    asked_once = {REQUESTS.name: [{"route": HISTORY, "status_class": "2xx", "delta": 1}]}
    with story.moves({**asked_once, SESSION_TOKENS.name: [{"delta": 0}], STREAM_ENDS.name: [{"delta": 0}]}):
        kept = told_by_history(page)
        asked, told = [FIRST, SECOND], [each["question"] for each in kept]
        history = Stop(
            "the proxy's history", f"oldest first, the history told {told}", first_difference("turn", asked, told)
        )
        assert_arrived("The restored conversation", [Stop("the reader", f"the reader asked {asked}"), history])
    expect(note(page)).to_have_text("This conversation was restored. Thinking is not kept.")
    first, second = story.chat.turns.all()
    in_order = "the history told both turns in their order, so the page must show the first one first"
    expect(first.get_by_role("heading", name=FIRST), in_order).to_be_visible()
    expect(first.get_by_text("Net sales went from 3,159.50 k€ to 3,257.70 k€.")).to_be_visible()
    expect(first.get_by_role("table").first).to_be_visible()
    expect(second.get_by_text(re.compile("tokens · restored$"))).to_be_visible()
    expect(second.get_by_text(re.compile("Thought for"))).to_have_count(0)
    expect(page.get_by_label("Your question")).to_be_focused()
    expect(story.ask(THIRD)).not_to_contain_text("New thread")
    request = assert_told(story, THIRD, RUN)
    assert (thread_of(story), request.attributes[SESSION_ID.name]) == (thread, session)


def test_a_new_conversation_stays_new(story: Story) -> None:
    """What was left behind does not come back with a reload; what was asked since does, with its tool that ran here."""
    page = story.chat.page
    story.ask("Net sales by region")
    page.get_by_role("button", name="New conversation").click()
    page.reload()
    expect(page.get_by_role("heading", name="Ask the sales agent")).to_be_visible()
    expect(story.chat.turns).to_have_count(0)
    zone = "When do the daily figures close in my time zone?"
    story.ask(zone)
    page.route("**/api/v1/history/**", _page_by_page)
    page.reload()
    expect(note(page)).to_contain_text("was restored")
    (turn,) = story.chat.turns.all()
    expect(turn.get_by_role("heading", name=zone)).to_be_visible()
    expect(turn.get_by_text("Ran in this browser")).to_be_visible()
    expect(turn.get_by_text("Thank you, I now know your time zone.")).to_be_visible()


def _page_by_page(route: Route) -> None:
    """The history as one that is too long for a page."""
    route.continue_(url=route.request.url.replace("limit=100", "limit=1"))


def test_an_answer_that_the_reload_cut_is_shown_as_far_as_it_came(story: Story) -> None:
    """A page that is left in the middle closes its stream; what had arrived is there again, and marked."""
    question = "Write the sales review for 2025"
    page = story.chat.page
    story.pace(1)
    turn = story.begins(question)
    expect(turn.get_by_role("heading", level=3).first).to_be_visible(timeout=20_000)
    whole = "".join(answer_to(question).deltas)
    with story.moves({STREAM_ENDS.name: [{"reason": "client_gone", "delta": 1}, {"delta": 1}]}):
        kept = told_by_history(page)
    told = kept[-1]["answer"] if kept else ""
    wrong = "" if told and whole.startswith(told) else "that is not the beginning which was on its way"
    began = Stop("the stream", f"a part of the answer's {len(whole)} characters was read before the reload")
    history = Stop("the proxy's history", f"the history told {len(told)} characters of the cut answer", wrong)
    assert_arrived("The cut answer", [began, history])
    shown = f"the history told {len(told)} characters of the cut answer, so the page must show them"
    expect(turn.get_by_role("heading", name="Sales review 2025"), shown).to_be_visible()
    expect(turn.get_by_text("This answer was stopped, or the page was left.")).to_be_visible()
    request, *_ = story.spans(PROXY)
    assert (request.attributes[END_REASON.name], request.status) == ("client_gone", "unset")
    assert len(turn.inner_text()) < len(whole)
    story.pace(0)
    turn.get_by_role("button", name="Ask again").click()
    expect(story.chat.turns).to_have_count(2)
    expect(story.chat.ended()).to_contain_text("New thread")
    assert_told(story, question, THREAD_THEN_RUN)


def test_how_an_answer_ended_is_read_again(story: Story) -> None:
    """An answer that broke off says so, and why; of one that was too large to keep, the text is there."""
    page = story.chat.page
    story.ask("Net sales by region")
    broken = {"complete": False, "endReason": "upstream_truncated", "assistantMessageId": None}
    for change, words in ((broken, "This answer broke off (upstream truncated)."), ({}, "the text alone was kept")):
        page.route("**/api/v1/history/**", partial(_changed, change={**change, "content": None}))
        page.reload()
        expect(story.chat.turn.get_by_role("note")).to_contain_text(words)
        expect(story.chat.turn.get_by_text("EMEA leads with 1,250.50")).to_be_visible()
        expect(story.chat.turn.get_by_role("table")).to_have_count(0)
        page.unroute("**/api/v1/history/**")


def _changed(route: Route, change: dict[str, object]) -> None:
    answer = route.fetch()
    found = answer.json()
    found["turns"][0] |= change
    route.fulfill(response=answer, json=found)


def test_a_session_that_cannot_go_on_is_told_once(story: Story) -> None:
    """A tab that comes back too late begins anew, and says that the old conversation cannot be shown."""
    page = story.chat.page
    story.ask("Net sales by region")
    page.evaluate(
        """() => {
          const session = JSON.parse(sessionStorage.session);
          sessionStorage.session = JSON.stringify({ ...session, endsAt: Date.now() });
        }"""
    )
    untold = {REQUESTS.name: [{"route": HISTORY, "delta": 0}], SESSION_TOKENS.name: [{"outcome": "issued", "delta": 1}]}
    with story.moves(untold):
        page.reload()
        expect(page.get_by_role("note")).to_have_text(re.compile("Its conversation cannot be shown any more"))
    expect(page.get_by_role("heading", name="Ask the sales agent")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Ask the sales agent")).to_be_visible()
    expect(page.get_by_role("note")).to_have_count(0)


def test_a_token_that_the_proxy_refuses_costs_the_conversation_only(story: Story, watch: Watch) -> None:
    """Whatever stands where the token was kept, the page works: a session begins, and the reader is told."""
    watch.allow("status of 401")
    page = story.chat.page
    story.ask("Net sales by region")
    page.evaluate("() => { sessionStorage.session = sessionStorage.session.replace('\"token\":\"', '$&x'); }")
    with story.moves({SESSION_TOKENS.name: [{"outcome": "issued", "delta": 1}]}):
        page.reload()
        expect(page.get_by_role("note")).to_contain_text("cannot be shown any more")
    story.ask("Net sales by region")
    assert_told(story, "Net sales by region", THREAD_THEN_RUN)


def test_a_history_that_cannot_be_reached_is_asked_again(story: Story, watch: Watch) -> None:
    """The reader is told what is wrong, tries again, and reads; what the history has lost is told, too."""
    watch.allow("status of 503")
    page = story.chat.page
    story.ask("Net sales by region")
    page.route("**/api/v1/history/**", _unavailable)
    page.evaluate("() => { sessionStorage.conversation = sessionStorage.conversation.replace('[', '[\"lost\",'); }")
    page.reload()
    expect(note(page)).to_contain_text("The conversation could not be restored: The history cannot be reached.")
    expect(story.chat.turns).to_have_count(0)
    page.unroute("**/api/v1/history/**")
    note(page).get_by_role("button", name="Try again").click()
    expect(note(page)).to_have_text("This conversation was restored in part: some of it was not kept.")
    expect(story.chat.turn.get_by_text("EMEA leads with 1,250.50")).to_be_visible()


def _unavailable(route: Route) -> None:
    kind, title = "https://cortex-harness.dev/problems/store-unavailable", "The history cannot be reached"
    problem = {"type": kind, "title": title, "status": 503, "detail": "", "retryable": True}
    route.fulfill(status=503, body=json.dumps(problem), content_type="application/problem+json")


def test_a_copied_tab_shows_the_same_conversation(story: Story) -> None:
    """Two tabs that came from one share a session, go on in their own ways, and disturb each other nowhere."""
    page = story.chat.page
    story.ask("Net sales by region")
    with page.expect_popup() as opened:
        page.evaluate("() => void window.open('/')")
    copied = Chat(opened.value)
    copied.page.wait_for_load_state()
    expect(copied.turn.get_by_text("EMEA leads with 1,250.50")).to_be_visible()
    for chat in (copied, story.chat):
        expect(chat.ask("How did EMEA develop month by month?")).not_to_contain_text("New thread")
        expect(chat.turns).to_have_count(2)
    page.reload()
    expect(note(page)).to_contain_text("was restored")
    expect(story.chat.turns).to_have_count(2)
    assert asked_of(story)["thread_id"] == thread_of(story)


def test_without_storage_a_reload_begins_anew(page: Page) -> None:
    """A browser that keeps nothing has the page as it was: it works, and forgets."""
    page.add_init_script(NO_STORAGE)
    chat = Chat(page).open()
    expect(chat.ask("Net sales by region").get_by_text("EMEA leads with 1,250.50")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Ask the sales agent")).to_be_visible()
    expect(chat.turns).to_have_count(0)
