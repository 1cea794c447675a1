"""The grammar: how parts compose, and what a fault says of when it is played."""

from __future__ import annotations

import typing
from types import NoneType

import pytest
from pydantic import ValidationError

from mocks import grammar
from mocks.cassette import Frame
from mocks.faults import Plan
from mocks.grammar import PARTS, Fault, parse

FRAMES = tuple(Frame(10.0 * n, b"event: e\ndata: %d\n\n" % n) for n in range(1, 4))
STREAM = Plan(200, {"content-type": "text/event-stream"}, FRAMES)


def test_every_part_has_its_place_in_the_order() -> None:
    """The order names each field that changes a plan, once, and in the order of the fields."""
    kinds = {name: typing.get_args(kind) for name, kind in typing.get_type_hints(Fault).items()}
    assert [name for name, kind in kinds.items() if kind[-1:] == (NoneType,) and hasattr(kind[0], "apply")] == list(
        PARTS
    )


def test_parts_apply_in_their_order_whatever_is_written_first() -> None:
    """A drop comes before a cut that counts events; a list turns it round."""
    one = parse('{"cut": {"after": "e", "count": 1}, "drop": {"event": "e"}}')
    other = parse('[{"cut": {"after": "e", "count": 1}}, {"drop": {"event": "e"}}]')
    assert [frame.payload for frame in one.apply(STREAM).frames] == [b"2"]
    assert other.apply(STREAM).frames == ()


def test_a_list_is_short_for_in_order() -> None:
    """Parts beside `in_order` come first."""
    fault = parse('{"drop": {"event": "e"}, "in_order": [{"duplicate": {"event": "e"}}]}')
    assert [frame.payload for frame in fault.apply(STREAM).frames] == [b"2", b"2", b"3"]
    assert parse('[{"pace": 2}]') == parse('{"in_order": [{"pace": 2}]}')
    assert [len(each.parts()) for each in fault.flat()] == [1, 1]


def test_a_quota_alone_answers_429() -> None:
    """With a part of its own, it plays that instead."""
    assert parse('{"quota": {"requests": 1}}').apply(STREAM).status == 429
    assert parse('{"quota": {"requests": 1}, "pace": 2}').apply(STREAM).status == 200


@pytest.mark.parametrize(
    ("text", "certain"),
    [
        ('{"pace": 2}', True),
        ('{"pace": 2, "skip": 1}', False),
        ('{"pace": 2, "times": 1}', False),
        ('{"pace": 2, "probability": 1}', False),
        ('{"quota": {"requests": 1}}', False),
    ],
)
def test_what_decides_is_known(text: str, certain: bool) -> None:
    """A fault without conditions hits every request."""
    assert parse(text).always_hits is certain


def test_a_fault_is_shown_as_it_was_given() -> None:
    """What was left out stays out; short forms are spelt out."""
    assert parse('{"respond": "unavailable", "on": ["sql"]}').document == {
        "respond": {"like": "unavailable"},
        "on": ["sql"],
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param({"on": ["agent"]}, "at least one of", id="only-conditions"),
        pytest.param([], "at least one of", id="empty-list"),
        pytest.param({"pace": 2, "seed": 1}, "a seed goes with a probability", id="seed-alone"),
        pytest.param({"pace": 2, "on": ["admin"]}, "never have faults", id="admin"),
        pytest.param({"pace": 2, "on": []}, "at least 1 item", id="on-nothing"),
        pytest.param({"pace": 2, "probability": 0}, "greater than 0", id="never"),
        pytest.param({"pace": 2, "times": 0}, "greater than or equal to 1", id="no-times"),
        pytest.param([{"pace": 2}] * 21, "at most 20 items", id="long-list"),
    ],
)
def test_what_makes_no_sense_is_refused(given: object, words: str) -> None:
    """When it is read, not when it is played."""
    with pytest.raises(ValidationError, match=words):
        Fault.model_validate(given)


def test_the_example_at_the_top_is_read() -> None:
    """Every line of the module's own example is a fault."""
    assert grammar.__doc__ is not None
    examples = [
        line.strip().replace("\\\\n", "\\n") for line in grammar.__doc__.splitlines() if line.startswith("    ")
    ]
    assert len([parse(each) for each in examples]) == 4
