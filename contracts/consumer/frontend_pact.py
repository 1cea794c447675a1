"""The page's pact: stories and events as Pact's interactions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pact import Pact

from contracts.consumer.frontend_events import ANALYST_MESSAGES, CHAT_MESSAGES, Message, transcript
from contracts.consumer.frontend_stories import JSON, STORIES, Answer, Story
from contracts.consumer.promise import Given, Like, asked, example, generators, matchers

CONSUMER, PROVIDER = "bench-frontend", "cortex-proxy"
FILE_NAME = f"{CONSUMER}-{PROVIDER}.json"
FRAMING = r"event: proxy\.start\ndata: [^\n]+\n\n([^\n]*\n)*event: proxy\.end\ndata: [^\n]+\n\n"
"""A stream, seen as one text; what stands between its ends is left to the sequence rule."""


def pact() -> Pact:
    """An empty pact of the two."""
    return Pact(CONSUMER, PROVIDER).with_specification("V4")


def add_story(to: Pact, story: Story) -> None:
    """The story is one of the pact's interactions."""
    interaction = to.upon_receiving(story.description).given(story.state, dict(story.params))
    path = example(story.path)
    interaction.with_request(story.method, str(path))
    made: dict[str, Any] = {}
    if isinstance(story.path, Given):
        interaction.with_matching_rules({"path": _regex(_anything_for(story.path))})
        made["path"] = story.path.generator
    if story.query:
        interaction.with_query_parameters(dict(story.query))
    if story.token is not None:
        interaction.with_header("Authorization", str(example(story.token)))
    if isinstance(story.token, Given):
        interaction.with_matching_rules({"header": {"Authorization": _regex("Bearer .+")}})
        made["header"] = {"Authorization": story.token.generator}
    if story.body is not None:
        interaction.with_body(asked(story.body), JSON)
        made["body"] = generators(story.body)
    if made:
        interaction.with_generators({name: each for name, each in made.items() if each})
    _answer(interaction.will_respond_with(story.answer.status), story.answer)


def _answer(interaction: Any, answer: Answer) -> None:
    for name, promise in answer.headers.items():
        interaction.with_header(name, matchers(promise) if isinstance(promise, Like) else str(example(promise)))
    if answer.events:
        interaction.with_body(transcript(answer.events), str(example(answer.headers["Content-Type"])))
        interaction.with_matching_rules({"body": {"$": _regex(FRAMING)}})
    elif answer.body is not None:
        interaction.with_body(matchers(answer.body), str(example(answer.headers.get("Content-Type", JSON))))


def _anything_for(path: Given) -> str:
    """A pattern of the path in which every value of the state may be another."""
    front, _, rest = path.expression.partition("${")
    return front + "[^/]+" + rest.partition("}")[2]


def _regex(pattern: str) -> dict[str, Any]:
    return {"combine": "AND", "matchers": [{"match": "regex", "regex": f"^{pattern}$"}]}


def add_message(to: Pact, message: Message) -> None:
    """The event is one of the pact's messages."""
    interaction = to.upon_receiving(message.description, "Async").given(message.state, message.params)
    interaction.with_body(matchers(message.envelope), JSON)


def sequences() -> Mapping[str, Mapping[str, Any]]:
    """The rule of every stream, by the description of its interaction."""
    return {story.description: story.answer.rule for story in STORIES if story.answer.rule is not None}


def write(folder: Path) -> Path:
    """The whole pact as Pact writes it, in a folder."""
    # One pact for both kinds: a mock server dies of messages, but nothing is served here.
    whole = pact()
    for story in STORIES:
        add_story(whole, story)
    for message in (*CHAT_MESSAGES, *ANALYST_MESSAGES):
        add_message(whole, message)
    whole.write_file(folder, overwrite=True)
    return folder / FILE_NAME
