"""One notation, four readings: what a promise's example, its schema, Pact's matchers and generators say agrees."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pact import Pact

from contracts.consumer.promise import Exactly, Given, Like, Promise, asked, example, generators, matchers, schema

names = st.text("abcdef", min_size=1, max_size=4)
scalars = st.one_of(
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.text(max_size=8),
    st.builds(Exactly, st.one_of(st.booleans(), st.integers(-9, 9), st.text("xyz ./", max_size=5))),
    st.just(Like("a1", r"[a-z]\d")),
)
promises = st.recursive(
    scalars,
    lambda inner: st.one_of(st.dictionaries(names, inner, max_size=3), st.lists(inner, min_size=1, max_size=1)),
    max_leaves=6,
)


def fits(promise: Promise, value: Any) -> bool:
    """Whether a value keeps the promise by its schema."""
    return bool(Draft202012Validator(schema(promise)).is_valid(value))


@given(promises)
def test_an_example_keeps_its_promise(promise: Promise) -> None:
    """The example is one of the values that the schema lets through, and JSON."""
    assert fits(promise, json.loads(json.dumps(example(promise))))


@given(st.dictionaries(names, promises, min_size=1, max_size=4), names)
def test_members_are_required_and_others_welcome(promise: dict[str, Promise], more: str) -> None:
    """An object without one of its members breaks the promise; one with another member keeps it."""
    value: Any = example(promise)
    assert fits(promise, {f"other {more}": 1, **value})
    for name in promise:
        assert not fits(promise, {each: value[each] for each in value if each != name})


CASES: dict[str, tuple[Promise, Any, bool]] = {
    "another text": ({"a": "x"}, {"a": "y"}, True),
    "a number for a text": ({"a": "x"}, {"a": 1}, False),
    "another number": ({"a": 1}, {"a": 2}, True),
    "a fraction for a whole number": ({"a": 1}, {"a": 1.5}, False),
    "a whole number for any number": ({"a": 1.5}, {"a": 3}, True),
    "a text for a truth value": ({"a": True}, {"a": "true"}, False),
    "the very value": ({"a": Exactly("x")}, {"a": "x"}, True),
    "another value": ({"a": Exactly("x")}, {"a": "y"}, False),
    "the very value inside an array": ({"a": [{"b": Exactly("x")}]}, {"a": [{"b": "x"}, {"b": "x"}]}, True),
    "another value inside an array": ({"a": [{"b": Exactly("x")}]}, {"a": [{"b": "x"}, {"b": "y"}]}, False),
    "a text of the form": ({"a": Like("a1", r"[a-z]\d")}, {"a": "b2"}, True),
    "a text that holds one of the form": ({"a": Like("a1", r"[a-z]\d")}, {"a": "xb2x"}, False),
    "more elements": ({"a": ["x"]}, {"a": ["y", "z"]}, True),
    "no element": ({"a": ["x"]}, {"a": []}, False),
    "an element of another type": ({"a": ["x"]}, {"a": ["y", 1]}, False),
    "no element where any array may be": ({"a": []}, {"a": []}, True),
    "elements where any array may be": ({"a": []}, {"a": [1, "x"]}, True),
    "a text for a whole number": ({"a": 1}, {"a": "1"}, False),
    "a text for any number": ({"a": 1.5}, {"a": "1.5"}, False),
    "null for a text": ({"a": "x"}, {"a": None}, False),
    "an object for an array": ({"a": ["x"]}, {"a": {}}, False),
    "another member": ({"a": "x"}, {"a": "y", "b": 1}, True),
    "a missing member": ({"a": "x", "b": 1}, {"a": "y"}, False),
}


@pytest.mark.parametrize("name", CASES)
def test_pact_and_schema_agree(name: str) -> None:
    """What JSON Schema makes of a value, Pact's own matching makes of it, too."""
    promise, value, keeps = CASES[name]
    assert fits(promise, value) is keeps
    assert _pact_takes(promise, value) is keeps


def _pact_takes(promise: Promise, value: Any) -> bool:
    """Whether Pact's mock server takes the value for a request of that promise; of requests it welcomes no others."""
    kept = {each: value[each] for each in value if each in promise}
    pact = Pact("someone", "something").with_specification("V4")
    interaction = pact.upon_receiving("a value").with_request("POST", "/")
    interaction.with_body(matchers(promise), "application/json").will_respond_with(204)
    with pact.serve("127.0.0.1", raises=False, verbose=False) as server:
        return requests.post(str(server.url), json=kept, timeout=5).status_code == 204


def test_values_of_the_state_are_asked_for_where_they_stand() -> None:
    """What only the provider knows is an example for the consumer, and an expression for the verifier."""
    body = {"session": Given("s1", "${sessionId}"), "place": {"thread": Given(7, "${threadId}")}, "text": "x"}
    assert example(body) == {"session": "s1", "place": {"thread": 7}, "text": "x"}
    assert generators(body) == {
        "$.session": {"type": "ProviderState", "expression": "${sessionId}", "dataType": "STRING"},
        "$.place.thread": {"type": "ProviderState", "expression": "${threadId}", "dataType": "INTEGER"},
    }
    assert asked(body)["text"] == "x"
