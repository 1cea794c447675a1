"""Strict documents: the refusal names the key that was meant, at any depth."""

from __future__ import annotations

import pytest
from pydantic import Field, ValidationError

from mocks.strict import Strict, explain, hint


class Inner(Strict):
    """A nested document."""

    colour: str = "red"
    other: int = Field(default=1, alias="number")


class Outer(Strict):
    """A document."""

    one: Inner | None = None
    many: list[Inner] = Field(default_factory=list)
    named: dict[str, Inner] = Field(default_factory=dict)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        pytest.param({"oen": 1}, "unknown key 'oen'; did you mean 'one'? Accepted here: one, many, named", id="top"),
        pytest.param({"one": {"color": 1}}, "'one.color'; did you mean 'colour'?", id="nested"),
        pytest.param({"many": [{}, {"color": 1}]}, "'many.1.color'; did you mean 'colour'?", id="in-a-list"),
        pytest.param({"named": {"x": {"nubmer": 1}}}, "'named.x.nubmer'; did you mean 'number'?", id="in-a-mapping"),
        pytest.param({"one": {"other": 1}}, "'one.other'; Accepted here: colour, number", id="name-behind-an-alias"),
        pytest.param({"one": 5}, "one: Input should be a valid dictionary", id="wrong-type"),
        pytest.param({"a": 1, "b": 2}, "unknown key 'a'; Accepted here: one, many, named; unknown key 'b'", id="all"),
        pytest.param([], "document: Input should be a valid dictionary", id="no-mapping"),
    ],
)
def test_everything_that_is_wrong_is_explained(document: object, words: str) -> None:
    """Each fault has its place; an unknown key comes with those accepted there."""
    with pytest.raises(ValidationError) as refusal:
        Outer.model_validate(document)
    assert words in explain(refusal.value, Outer)


def test_a_hint_names_the_nearest() -> None:
    """Only when one is near."""
    assert hint("fault", ["default", "faults"]) == "; did you mean 'faults'? Accepted here: default, faults"
    assert hint("xyz", ["a"]) == "; Accepted here: a"
