"""The catalogue of models."""

from __future__ import annotations

import pytest

from mocks.snowflake.models import COMPLETING, DIMENSIONS, Family, family


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude-sonnet-4-6", Family.CLAUDE),
        ("openai-gpt-4.1", Family.OPENAI),
        ("mistral-large2", Family.OTHER),
        ("claudette", Family.OTHER),
    ],
)
def test_families(model: str, expected: Family) -> None:
    """A model belongs to the family that its name begins with."""
    assert family(model) is expected


def test_catalogue() -> None:
    """Names occur once, every family completes, and vectors have the two documented lengths."""
    assert len(set(COMPLETING)) == len(COMPLETING)
    assert {family(name) for name in COMPLETING} == set(Family)
    assert set(DIMENSIONS.values()) == {768, 1024}
