"""Pact files: read, written in one form, compared, and refused when they are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.pactfile import PactFile, PactFileError, State, canonical, save
from contracts.tests.pact_example import RULE, http, message, pact, stream, write

PRICE = http("a price", "/price", {"price": 7})
TALK = stream("a talk", "/talk")
NEWS = message("news", {"text": "Net"})


def test_what_a_pact_holds(tmp_path: Path) -> None:
    """Parties, interactions with their states and kinds, and sequence rules."""
    asked = {**PRICE, "providerStates": [{"name": "open", "params": {"session": "fresh"}}, {"name": "sunny"}]}
    file = PactFile.load(write(pact(asked, TALK, NEWS, sequences={"a talk": RULE}), tmp_path))
    assert (file.consumer, file.provider) == ("page", "shop")
    assert [(each.description, each.kind, each.is_stream) for each in file.interactions] == [
        ("a price", "http", False),
        ("a talk", "http", True),
        ("news", "message", False),
    ]
    assert file.interactions[0].states == (State("open", {"session": "fresh"}), State("sunny", {}))
    assert str(file.interactions[0]) == "'a price' [open (session=\"fresh\"); sunny]"
    assert file.states() == {"open", "sunny"}
    assert file.sequences == {"a talk": RULE}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "no JSON"),
        ("[]", "no pact of version 4: TypeError"),
        ("{}", "no pact of version 4: KeyError 'consumer'"),
        (
            json.dumps(pact({**PRICE, "type": "Telepathy"})),
            "'a price' is of type 'Telepathy'; known are Synchronous/HTTP",
        ),
    ],
    ids=["cut", "a list", "empty", "another type"],
)
def test_what_is_no_pact_is_refused(text: str, told: str, tmp_path: Path) -> None:
    """The message names the file and what is wrong with it."""
    file = tmp_path / "page-shop.json"
    file.write_text(text, "utf-8")
    with pytest.raises(PactFileError, match=r"page-shop\.json") as refused:
        PactFile.load(file)
    assert told in str(refused.value)


def test_a_part_of_a_pact_is_a_pact(tmp_path: Path) -> None:
    """Some interactions with their rules; the rules of others stay behind."""
    whole = PactFile.load(write(pact(PRICE, TALK, NEWS, sequences={"a talk": RULE}), tmp_path))
    streams = whole.select(lambda each: each.is_stream, tmp_path / "streams.json")
    assert [each.description for each in streams.interactions] == ["a talk"]
    assert streams.sequences == {"a talk": RULE}
    others = whole.select(lambda each: not each.is_stream, tmp_path / "others.json")
    assert [each.description for each in others.interactions] == ["a price", "news"]
    assert others.sequences == {}


@given(st.permutations([PRICE, TALK, NEWS]), st.text(max_size=10))
def test_a_pact_has_one_form(interactions: list[dict[str, object]], library: str) -> None:
    """Neither the order of arrival nor the version of a library changes the text."""
    written = pact(*interactions)
    written["metadata"]["pactRust"] = {"ffi": library}
    assert canonical(written, {"a talk": RULE}) == canonical(pact(PRICE, TALK, NEWS), {"a talk": RULE})


# --- saved and compared ----------------------------------------------------------------------------------------------


@pytest.fixture
def committed(tmp_path: Path) -> Path:
    """A pact as it stands in a repository."""
    (tmp_path / "pacts").mkdir()
    file = tmp_path / "pacts" / "page-shop.json"
    save(write(pact(PRICE, TALK), tmp_path), file, sequences={"a talk": RULE}, write=True)
    return file


def test_what_is_the_same_is_left_alone(committed: Path, tmp_path: Path) -> None:
    """The same promises, in another order, are no difference."""
    before = committed.read_bytes()
    save(write(pact(TALK, PRICE), tmp_path), committed, sequences={"a talk": RULE}, write=False)
    assert committed.read_bytes() == before


@pytest.mark.parametrize(
    ("interactions", "rule", "told"),
    [
        ((PRICE, TALK, NEWS), RULE, "'news' is new."),
        ((TALK,), RULE, "'a price' is gone."),
        ((http("a price", "/price", {"cost": 7}), TALK), RULE, "'a price' differs."),
        ((PRICE, TALK), {**RULE, "last": "part"}, "'sequence of a talk' differs."),
    ],
    ids=["new", "gone", "changed", "another rule"],
)
def test_a_difference_is_told(
    interactions: tuple[dict[str, object], ...], rule: dict[str, object], told: str, committed: Path, tmp_path: Path
) -> None:
    """Which interaction, which lines, and how to accept it; nothing is written."""
    before = committed.read_bytes()
    with pytest.raises(AssertionError, match=r"page-shop\.json is not what the consumer's tests say") as found:
        save(write(pact(*interactions), tmp_path), committed, sequences={"a talk": rule}, write=False)  # type: ignore[dict-item]
    assert told in str(found.value)
    assert "--write-pacts" in str(found.value)
    assert "+++ written" in str(found.value)
    assert committed.read_bytes() == before


def test_a_missing_file_is_a_difference(tmp_path: Path) -> None:
    """A pact that was never committed is told, not written."""
    with pytest.raises(AssertionError, match="'a price' is new"):
        save(write(pact(PRICE), tmp_path), tmp_path / "pacts" / "new.json", sequences={}, write=False)
    assert not (tmp_path / "pacts").exists()


def test_a_long_difference_is_cut(committed: Path, tmp_path: Path) -> None:
    """Of a pact that changed all over, the beginning is shown."""
    many = [http(f"a price {number}", "/price", {"price": 7}) for number in range(20)]
    with pytest.raises(AssertionError, match="lines more") as found:
        save(write(pact(*many), tmp_path), committed, sequences={}, write=False)
    assert len(str(found.value).splitlines()) < 50
