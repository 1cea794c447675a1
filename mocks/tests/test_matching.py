"""Matching: what counts as the same question, which interaction wins, and which misses are nearest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.cortex import RunRequest
from mocks.cassette import Cassette, Header, Interaction, Match, Request, ResponseHead, load_all
from mocks.matching import (
    MAX_QUOTED_CHARS,
    Asked,
    Candidate,
    Difference,
    NearMiss,
    Shelf,
    agent_of,
    candidates,
    canonical_path,
    canonical_text,
    find,
)
from mocks.state import HERE

PATH = "/api/v2/databases/DB/schemas/S/agents/A:run"


def tape(*matches: Match, path: str = PATH, method: str = "POST") -> Cassette:
    """A cassette with one interaction for each match."""
    head = ResponseHead(status=200, headers={})
    requests = [Request(method=method, path=path, match=match) for match in matches]
    header = Header(provenance="documented", source="made up", about="a test")
    return Cassette("made_up", header, tuple(Interaction(request, head, ()) for request in requests))


def found(asked: Asked, *matches: Match, path: str = PATH) -> Candidate | list[NearMiss]:
    """What answers a request, among interactions with these matches."""
    return find(asked, candidates([tape(*matches, path=path)]))


def winner(asked: Asked, *matches: Match, path: str = PATH) -> int:
    """Index of the interaction that answers."""
    result = found(asked, *matches, path=path)
    assert isinstance(result, Candidate)
    return result.index


def nearest(asked: Asked, *matches: Match) -> list[NearMiss]:
    """The misses."""
    result = found(asked, *matches)
    assert isinstance(result, list)
    return result


@pytest.mark.parametrize(
    ("asked", "recorded"),
    [
        pytest.param("NET SALES", "net sales", id="case"),
        pytest.param("  net \n sales\t", "net sales", id="white-space"),
        pytest.param("net\u2028sales", "net sales", id="line-separator"),
        pytest.param("net sales?", "net sales", id="question-mark"),
        pytest.param("net sales . . !", "net sales", id="spaced-punctuation"),
        pytest.param("売上は？", "売上は", id="full-width-question-mark"),
        pytest.param("Zu\u0308rich", "Z\u00fcrich", id="composition"),
        pytest.param("STRASSE", "straße", id="sharp-s"),
    ],
)
def test_what_does_not_count(asked: str, recorded: str) -> None:
    """Case, white space, Unicode form and closing punctuation do not make another question."""
    assert winner(Asked("POST", PATH, asked), Match(last_user_text=recorded)) == 0


@pytest.mark.parametrize(
    ("asked", "recorded"),
    [
        pytest.param("net sales 2025", "net sales 2024", id="digits"),
        pytest.param("net-sales", "net sales", id="inner-punctuation"),
        pytest.param("Zurich", "Zürich", id="diacritics"),
        pytest.param(None, "net sales", id="no-text"),
        pytest.param("", "net sales", id="empty"),
    ],
)
def test_what_counts(asked: str | None, recorded: str) -> None:
    """Words, digits, diacritics and inner punctuation do."""
    (miss,) = nearest(Asked("POST", PATH, asked), Match(last_user_text=recorded))
    assert miss.differences == (Difference("last_user_text", recorded, asked),)


@given(st.text())
def test_the_canonical_form_is_its_own(text: str) -> None:
    """A canonical question is not changed by another round, whatever the script."""
    assert canonical_text(canonical_text(text)) == canonical_text(text)


@pytest.mark.parametrize(
    ("asked", "recorded"),
    [
        pytest.param("/api/v2/databases/db/schemas/s/agents/a:run", PATH, id="lower-case"),
        pytest.param('/api/v2/databases/"DB"/schemas/"S"/agents/"A":run', PATH, id="needless-quotes"),
        pytest.param(PATH.replace("A:", '"my-agent":'), PATH.replace("A:", "%22my-agent%22:"), id="recorded-encoded"),
        pytest.param(PATH, PATH.replace(":", "%3A"), id="recorded-colon-encoded"),
        pytest.param(PATH.replace("A:", '"a/b":'), PATH.replace("A:", "%22a%2Fb%22:"), id="slash-in-quotes"),
        pytest.param(PATH.replace("A:", '"a""b":'), PATH.replace("A:", '"a""b":'), id="quote-in-quotes"),
    ],
)
def test_paths_that_name_the_same_agent(asked: str, recorded: str) -> None:
    """Identifiers are compared as the catalogue stores them."""
    assert winner(Asked("POST", asked), Match(), path=recorded) == 0


@pytest.mark.parametrize(
    ("path", "agent"),
    [
        pytest.param(PATH.lower().replace(":run", "/versions/version$3:run"), PATH, id="version"),
        pytest.param(PATH.replace(":run", '/versions/"Nightly":run'), PATH, id="alias"),
        pytest.param('/api/v2/databases/DB/schemas/S/agents/"A":run', PATH, id="agent"),
        pytest.param("/api/v2/cortex/agent:run", None, id="inline"),
        pytest.param(PATH.replace(":run", "/versions/:run"), None, id="no-version"),
    ],
)
def test_the_agent_of_a_path(path: str, agent: str | None) -> None:
    """A version belongs to its agent, whatever way it is written."""
    assert agent_of(path) == agent


def test_a_version_is_compared_as_the_catalogue_stores_it() -> None:
    """An unquoted name is upper-case; the same question can be asked of the agent itself."""
    asked = Asked("POST", PATH.lower().replace(":run", "/versions/nightly:run"), "q")
    assert asked.canonical_path == PATH.replace(":run", "/versions/NIGHTLY:run")
    assert asked.of_agent() == Asked("POST", PATH, "q")
    assert Asked("POST", "/x").of_agent() == Asked("POST", "/x")


def test_what_an_answer_was_chosen_by() -> None:
    """Method, path, and the fields that the interaction asks for, with what was asked; long texts in part."""
    asked = Asked("POST", PATH, "ab" * MAX_QUOTED_CHARS, model="m").continuing(7)
    (taped,) = tape(Match(last_user_text="x", parent_message_id=7)).interactions
    compared = {each["field"]: each["value"] for each in asked.compared_with(taped)}
    assert list(compared) == ["method", "path", "last_user_text", "parent_message_id"]
    assert (compared["path"], compared["parent_message_id"]) == (PATH, 7)
    assert len(compared["last_user_text"]) == MAX_QUOTED_CHARS + 1


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(PATH.replace("A:", '"a":'), id="quoted-lower-case"),
        pytest.param(PATH.replace("A:", "B:"), id="another-agent"),
        pytest.param(PATH + "/", id="trailing-slash"),
        pytest.param("/api/v2/cortex/agent:run", id="inline-run"),
    ],
)
def test_paths_that_do_not(other: str) -> None:
    """A quoted name keeps its case, and any other path is compared as it is."""
    assert canonical_path(other) != canonical_path(PATH)


def test_the_most_demanding_interaction_wins() -> None:
    """When several agree, the one that compares most fields answers, then the first."""
    asked = Asked("POST", PATH, "q", parent_message_id=7)
    demanding = Match(last_user_text="q", parent_message_id=7)
    assert winner(asked, Match(), Match(last_user_text="q"), demanding, demanding) == 2
    assert winner(asked, Match(parent_message_id=None, tool_use_id=None), Match(last_user_text="q")) == 1


def test_a_tool_result_is_matched_by_its_id_alone() -> None:
    """The answer to a client-side tool carries no question of its own, even when texts come with it."""
    content = [
        {"type": "text", "text": "here"},
        {"type": "tool_result", "tool_result": {"tool_use_id": "t1", "type": "x", "name": "x", "content": []}},
    ]
    run = RunRequest.model_validate({"messages": [{"role": "user", "content": content}]})
    asked = Asked.of_run("POST", PATH, run)
    assert (asked.tool_use_id, asked.last_user_text) == ("t1", None)
    assert winner(asked, Match(last_user_text="here"), Match(tool_use_id="t1")) == 1


def test_a_miss_names_every_difference() -> None:
    """A miss explains each field that kept it from answering, as expected and found."""
    (miss,) = nearest(Asked("GET", PATH, "a", model="m"), Match(last_user_text="b", parent_message_id=3))
    assert miss.as_json() == {
        "cassette": "made_up",
        "interaction": 0,
        "differences": [
            {"field": "method", "expected": "POST", "found": "GET"},
            {"field": "last_user_text", "expected": "b", "found": "a"},
            {"field": "parent_message_id", "expected": 3, "found": None},
        ],
    }


def test_misses_are_nearest_first() -> None:
    """Fewer differences are nearer; then the same question, then the one that reads most alike; three at most."""
    misses = nearest(
        Asked("POST", PATH, "net sales by region", parent_message_id=1),
        Match(last_user_text="refund deadline", parent_message_id=9),
        Match(last_user_text="list all orders"),
        Match(last_user_text="net sales by country"),
        Match(last_user_text="net sales by region", parent_message_id=9),
    )
    assert [miss.candidate.index for miss in misses] == [3, 2, 1]


def test_an_enormous_question_is_clipped_in_explanations() -> None:
    """What was asked is repeated in part only, and compared in no more time than a short question."""
    (miss,) = nearest(Asked("POST", PATH, "ab " * 1_000_000), Match(last_user_text="x"))
    quoted = miss.as_json()["differences"][0]["found"]
    assert len(quoted) == MAX_QUOTED_CHARS + 1
    assert quoted.endswith("…")


def test_a_question_of_megabytes_is_not_folded() -> None:
    """It is compared as it is, so it costs nobody time, and is still no other question."""
    long = "A" * 1_000_000
    assert canonical_text(long) == long
    assert canonical_text("A" * 1000) == "a" * 1000


def test_a_shelf_finds_what_a_comparison_with_all_finds() -> None:
    """Every recorded question is answered by the same interaction, and a miss has the same nearest ones."""
    everything = list(candidates(load_all(HERE / "cassettes")))
    shelf = Shelf(everything)
    for candidate in everything:
        wanted = candidate.interaction.request
        fields = wanted.match.model_dump()
        for path in (wanted.path, "/nowhere"):
            asked = Asked("POST", path, **fields)
            assert shelf.find(asked) == find(asked, everything)
