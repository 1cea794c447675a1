"""The page's stories: each is asked by two clients of Pact's mock server, and both read the same out of the answer."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pact import Pact

from contracts.conftest import PACTS
from contracts.consumer import frontend_pact
from contracts.consumer.frontend_client import FrontendClient, Reading
from contracts.consumer.frontend_stories import STORIES, Story
from contracts.consumer.promise import example
from contracts.nodejs import node
from contracts.pactfile import save
from contracts.sequence import Rule

NAMES = [story.description for story in STORIES]
TOKENS = ("issueToken", "renewToken")
SCRIPT = Path(__file__).with_name("frontend.mjs")
FOR_PROBES = ("livez", "readyz", "unknownTool")
"""Operations that the TypeScript client has not, on purpose: no page asks for them."""

TYPESCRIPT = [story for story in STORIES if story.operation not in FOR_PROBES]
STREAMS = [story for story in STORIES if story.answer.events]


def expected(story: Story) -> Reading:
    """What a client must read out of the story's answer."""
    answer = story.answer
    if answer.events:
        return {"events": [{"event": str(name), "data": example(data)} for name, data in answer.events]}
    if answer.status >= 400:
        after = example(answer.headers.get("Retry-After"))
        return {"problem": example(answer.body), "retryAfterS": None if after is None else int(str(after))}
    return {"value": example(answer.body)}


def token_of(story: Story) -> str | None:
    """The token that the story's client has."""
    return None if story.token is None else str(example(story.token)).removeprefix("Bearer ")


@pytest.fixture
def served(story: Story) -> Pact:
    """A pact of this story alone."""
    made = frontend_pact.pact()
    frontend_pact.add_story(made, story)
    return made


@pytest.mark.parametrize("story", STORIES, ids=NAMES)
def test_the_story_is_told_to_python(story: Story, served: Pact) -> None:
    """The Python client makes the story's request, and reads everything that its answer promises."""
    with served.serve("127.0.0.1") as server:
        found = FrontendClient(str(server.url), token_of(story)).ask(story.operation, _arguments(story))
    assert found == expected(story)


def _arguments(story: Story) -> dict[str, Any]:
    arguments = story.arguments
    assert isinstance(arguments, dict), "made of an object"
    return arguments


@pytest.mark.parametrize("story", TYPESCRIPT, ids=[story.description for story in TYPESCRIPT])
def test_the_story_is_told_to_typescript(story: Story, served: Pact) -> None:
    """The TypeScript client makes the same request, and reads the same out of the answer."""
    told = {"operation": story.operation, "arguments": story.arguments, "token": token_of(story)}
    with served.serve("127.0.0.1") as server:
        command = [node(), str(SCRIPT), str(server.url), json.dumps(told)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603 - our own script
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found == (
        kept_of_token(story) if story.operation in TOKENS and story.answer.status < 400 else expected(story)
    )


def kept_of_token(story: Story) -> Reading:
    """What the TypeScript client keeps of a token's answer: times by its own clock."""
    body = example(story.answer.body)
    assert isinstance(body, dict), "a token"
    kept = {"token": body["token"], "sessionId": body["sessionId"], "lastsS": body["expiresInS"], "ends": True}
    return {"value": kept}


@pytest.mark.parametrize("story", STREAMS, ids=[story.description for story in STREAMS])
def test_an_example_keeps_its_own_rule(story: Story) -> None:
    """The stream that the clients are shown is one that the provider could send."""
    assert story.answer.rule is not None
    events = [(str(name), example(data)) for name, data in story.answer.events]
    assert Rule.from_document(dict(story.answer.rule)).check(events) == []


def test_descriptions_are_unique() -> None:
    """Results and sequence rules go by description."""
    assert len(set(NAMES)) == len(NAMES)


def test_the_committed_pact_is_what_the_stories_say(tmp_path: Path, write_pacts: bool) -> None:
    """The pact file in the repository changes only with the stories; `--write-pacts` writes it."""
    written = frontend_pact.write(tmp_path)
    save(written, PACTS / frontend_pact.FILE_NAME, sequences=frontend_pact.sequences(), write=write_pacts)
