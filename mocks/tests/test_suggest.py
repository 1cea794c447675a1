"""The answer for people: streamed like any other, and it points to what is recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mocks.cassette import load_all
from mocks.journal import Journal
from mocks.matching import Asked, NearMiss, candidates, find
from mocks.request import Request
from mocks.state import HERE
from mocks.suggest import MAX_QUOTED_CHARS, MAX_SUGGESTIONS, nearest_questions, refusal, suggest
from mocks.tests.running import RUN


def events(asked: str | None, questions: list[str]) -> list[tuple[str, Any]]:
    """Names and payloads, without the last frame."""
    *frames, last = suggest(asked, questions).frames
    assert last.data == b"event: done\ndata: [DONE]\n\n"
    return [(frame.event, json.loads(frame.payload)) for frame in frames]


def missed(question: str) -> tuple[Asked, list[NearMiss]]:
    """A question that nobody recorded, and what comes near."""
    asked = Asked("POST", RUN, last_user_text=question)
    found = find(asked, candidates(load_all(HERE / "cassettes")))
    assert isinstance(found, list)
    return asked, found


def test_tests_get_a_refusal() -> None:
    """The 404 says what differs from the nearest recordings, and so does the journal."""
    asked, nearest = missed("Net sales by regions")
    request = Request("POST", RUN, {}, {}, b"", Journal().open("POST", RUN))
    refused = refusal(request, asked, nearest)
    assert (refused.status, refused.code) == (404, "002003")
    explained = request.entry.nearest
    assert explained is not None
    assert refused.mock == {"nearest": explained}
    assert explained[0]["differences"][0]["expected"] == "Net sales by region"


def test_near_questions_come_first() -> None:
    """Questions that came near lead the list, once each; those that need an earlier turn are left out."""
    _, nearest = missed("Net sales by regions")
    near = nearest[0].candidate.interaction.request.match.last_user_text
    assert near is not None
    assert nearest_questions(nearest, ["a", near, "b"]) == [near, "a", "b"]
    assert nearest_questions(nearest, ["a"]) == ["a"]


def test_it_streams_as_an_agent_does() -> None:
    """Events count from 1, the deltas join to the text, and the final object holds the same blocks."""
    found = events("What now?", ["a", "b"])
    assert [payload["sequence_number"] for _, payload in found] == list(range(1, len(found) + 1))
    whole = next(payload["text"] for name, payload in found if name == "response.text")
    assert "".join(payload["text"] for name, payload in found if name == "response.text.delta") == whole
    assert whole.startswith("**“What now?”** is not on the tape.")
    name, final = found[-1]
    assert (name, final["status"]) == ("response", "completed")
    assert final["content"][0]["text"] == whole
    assert final["content"][1]["suggested_queries"] == [{"query": "a"}, {"query": "b"}]


def test_it_takes_its_time() -> None:
    """Frames leave one after the other, so that a page shows them arriving."""
    times = [frame.at_ms for frame in suggest("q", ["a"]).frames]
    assert times == sorted(times)
    assert len(set(times)) == len(times) - 1


def test_it_is_marked() -> None:
    """No test can take it for a recorded answer."""
    assert suggest("q", []).headers["x-mock-miss"] == "true"


def test_suggestions_are_few() -> None:
    """The first ones, in their order."""
    _, final = events("q", [str(number) for number in range(20)])[-1]
    assert [each["query"] for each in final["content"][1]["suggested_queries"]] == list("012345")[:MAX_SUGGESTIONS]


@pytest.mark.parametrize("asked", ["word " * 1_000_000, "x" * 5_000_000, "a\n\n" * 1000], ids=["words", "one", "lines"])
def test_an_enormous_question_is_quoted_in_part(asked: str) -> None:
    """The answer to megabytes is as short as any other, and one line."""
    frames = suggest(asked, ["a"]).frames
    assert len(frames) < 200
    text = json.loads(frames[-2].payload)["content"][0]["text"]
    assert len(text) < MAX_QUOTED_CHARS + 250
    assert "\n" not in text


@pytest.mark.parametrize("asked", [None, "", "  \n"], ids=["none", "empty", "blank"])
def test_nothing_asked_is_not_quoted(asked: str | None) -> None:
    """Without words to repeat, only the explanation is left."""
    text = events(asked, [])[-1][1]["content"][0]["text"]
    assert text.startswith("There is no recorded answer")
