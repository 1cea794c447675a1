"""How an answer comes: in order, each piece once, as it was recorded; and its thinking before it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from contracts.telemetry import STREAM_ENDS, STREAM_STALLS
from e2e.answers import THREAD_THEN_RUN, answer_to, assert_told, way_of
from e2e.story import Story
from e2e.way import Stop, assert_arrived, misread

pytestmark = pytest.mark.rehearsal

WATCH_WORDS = """() => {
  globalThis.seen = [];
  const look = () => {
    const blocks = document.querySelectorAll("article .text > .markdown");
    const words = [...blocks].map((block) => block.textContent).join("");
    if (words !== seen.at(-1)) seen.push(words);
  };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true });
}"""

WATCH_THINKING = """() => {
  globalThis.thinkingWasRead = false;
  const look = () => {
    const thinking = document.querySelector("article details");
    const isRead = thinking?.open && thinking.textContent.includes("Thinking…") && thinking.querySelector("p");
    globalThis.thinkingWasRead ||= Boolean(isRead?.textContent);
  };
  new MutationObserver(look).observe(document.body, {
    attributes: true, childList: true, subtree: true, characterData: true,
  });
}"""
"""It is over in less time than an `expect` lets pass between two looks, on a machine that is busy."""

PIECES = 5
"""However slow the machine: so many times at least there is more to read."""

MARKS = re.compile(r"[\s*_#>`|-]")
"""What Markdown makes of text, and so may come and go."""


def words_of(text: str) -> str:
    """The text without its marks."""
    return MARKS.sub("", text)


def test_an_answer_grows_piece_by_piece(story: Story) -> None:
    """What is read is, at every moment, the first so many pieces of the recorded text; at the end it is all of them."""
    question = "How did net sales develop from 2023 to 2024?"
    answer = answer_to(question)
    story.pace(0.5)
    story.chat.page.evaluate(WATCH_WORDS)
    with story.moves({STREAM_ENDS.name: [{"reason": "completed", "delta": 1}], STREAM_STALLS.name: [{"delta": 0}]}):
        story.ask(question)
    seen = [words_of(text) for text in story.chat.page.evaluate("seen")]
    wrong = misread(answer.deltas, seen, words_of)
    shown = Stop("what the page made of it (e2e/client)", f"the page showed {len(set(seen))} states of it", wrong)
    assert_arrived("The answer's text", [*way_of(story, answer), shown])
    assert len(set(seen)) > PIECES, f"the answer came at once: the page showed {len(set(seen))} states of it"
    assert_told(story, question, THREAD_THEN_RUN)


def test_thinking_is_read_as_it_comes_and_told_to_nobody(story: Story) -> None:
    """Thinking is open while it streams and folds once it is over; no span and no line holds a word of it."""
    question = "How did EMEA develop month by month?"
    thoughts = [each["text"] for each in answer_to(question).data("response.thinking")]
    story.pace(0.2)
    story.chat.page.evaluate(WATCH_THINKING)
    thinking = story.begins(question).get_by_role("group").first
    expect(thinking.get_by_text(re.compile(r"Thought for \d"))).to_be_visible(timeout=20_000)
    assert story.chat.page.evaluate("thinkingWasRead"), "no thought was to be read while the agent was thinking"
    expect(thinking).not_to_have_attribute("open", "")
    expect(thinking.get_by_role("paragraph").first).to_be_hidden()
    thinking.get_by_text(re.compile("Thought for")).click()
    expect(thinking).to_contain_text(words_at(thoughts[0]))
    story.chat.ended()
    assert_told(story, question, THREAD_THEN_RUN)


def words_at(text: str) -> str:
    """The first words, without marks."""
    return re.split(r"[*_#`\n]", text.strip("*_#` \n"))[0].strip()
