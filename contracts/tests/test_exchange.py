"""A stream's exchange: its request filled in, its events read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.exchange import ExchangeError, events, filled, needed, perform
from contracts.pactfile import Interaction, PactFile
from contracts.tests.pact_example import STREAM, Shop, http, pact, stream, write


def interaction(folder: Path, request: dict[str, Any]) -> Interaction:
    """An interaction of that request."""
    made = http("a price", "/price", None)
    return PactFile.load(write(pact({**made, "request": request}), folder)).interactions[0]


def from_state(expression: str) -> dict[str, str]:
    """A generator of Pact's."""
    return {"type": "ProviderState", "expression": expression, "dataType": "STRING"}


OWN = " ".join(("Bearer", "y"))
MADE = {
    "method": "POST",
    "path": "/threads/1",
    "query": {"turn": ["1"]},
    "headers": {"Authorization": ["Bearer x"]},
    "body": {"content": {"thread": 1, "turns": [{"id": 2}]}, "contentType": "application/json", "encoded": False},
    "generators": {
        "path": from_state("/threads/${thread}"),
        "query": {"turn": from_state("${turn}")},
        "header": {"Authorization": from_state("Bearer ${key}")},
        "body": {"$.thread": from_state("${thread}"), "$.turns[0].id": from_state("${turn}")},
    },
}


def test_values_of_a_state_stand_in_the_request(tmp_path: Path) -> None:
    """In path, query, headers and body; a value that stands alone keeps its type."""
    asked = interaction(tmp_path, MADE)
    assert needed(asked) == {"thread", "turn", "key"}
    request = filled(asked, {"thread": 4711, "turn": 12, "key": "y"}).document["request"]
    assert (request["path"], request["query"]) == ("/threads/4711", {"turn": [12]})
    assert request["headers"] == {"Authorization": ["Bearer y"]}
    assert request["body"]["content"] == {"thread": 4711, "turns": [{"id": 12}]}


def test_filling_in_leaves_the_pact_alone(tmp_path: Path) -> None:
    """The interaction that was read stays as it is."""
    asked = interaction(tmp_path, MADE)
    filled(asked, {"thread": 4711, "turn": 12, "key": "y"})
    assert asked.document["request"] == MADE


def test_a_request_without_generators_needs_nothing(tmp_path: Path) -> None:
    """Most interactions are sent as they stand."""
    asked = interaction(tmp_path, {"method": "GET", "path": "/price"})
    assert needed(asked) == set()
    assert filled(asked, {}) == asked


def test_a_stream_is_read_to_its_end(tmp_path: Path) -> None:
    """Names and payloads; a header of the suite's replaces the pact's, whatever its case."""
    asked = PactFile.load(write(pact(stream("a talk", "/talk")), tmp_path)).interactions[0]
    with Shop() as shop:
        found = perform(shop.url, asked, {"authorization": OWN})
    assert found == [("part", {"text": "Net"}), ("end", "[DONE]")]
    assert shop.seen == [("/talk", OWN)]


def test_an_answer_that_is_no_stream_is_told(tmp_path: Path) -> None:
    """Status, type and beginning of what came instead."""
    asked = PactFile.load(write(pact(stream("a talk", "/price")), tmp_path)).interactions[0]
    with Shop() as shop, pytest.raises(ExchangeError, match="status 200, application/json: b"):
        perform(shop.url, asked, {})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (STREAM, [("part", {"text": "Net"}), ("end", "[DONE]")]),
        (STREAM.replace("\n", "\r\n"), [("part", {"text": "Net"}), ("end", "[DONE]")]),
        (STREAM.replace("\n", "\r"), [("part", {"text": "Net"}), ("end", "[DONE]")]),
        (": a comment\n\ndata: 1\n\n", [("message", 1)]),
        ("event:a\ndata:1\ndata: 2\nid: 7\n\n", [("a", "1\n2")]),
        ("event: a\n\ndata: {}\n\n", [("message", {})]),
        ("event: a\ndata: 1\n", []),
        ("", []),
    ],
    ids=["LF", "CRLF", "CR", "comment and no name", "two lines", "no data", "cut", "nothing"],
)
def test_events_are_read_as_browsers_do(text: str, found: list[tuple[str, object]]) -> None:
    """Line ends, comments, several lines of data, events without data, and an end in mid-event."""
    assert list(events(text)) == found


@given(st.lists(st.tuples(st.from_regex(r"[a-z.]{1,12}", fullmatch=True), st.dictionaries(st.text(), st.integers()))))
def test_what_is_written_is_read(told: list[tuple[str, dict[str, int]]]) -> None:
    """Every stream of JSON payloads is read as it was written."""
    text = "".join(f"event: {name}\ndata: {json.dumps(payload)}\n\n" for name, payload in told)
    assert list(events(text)) == told
