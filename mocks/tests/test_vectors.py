"""Stand-in vectors: the same everywhere, near where spelling is near."""

from __future__ import annotations

import math

import pytest

from mocks.snowflake.vectors import cosine, dense, sparse, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Refunds, within 30 days!", ["Refunds", "within", "30", "days"]),
        ("snake_case", ["snake", "case"]),
        ("返品について", ["返品", "品に", "につ", "つい", "いて"]),
        ("京", ["京"]),
        ("APACから", ["APAC", "から"]),
        ("Cafe\u0301", ["Café"]),
        ('" OR * (', ["OR"]),
        ("", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    """Letters and digits between anything else; scripts without blanks in pairs."""
    assert words(text) == expected


def test_case_and_accents_do_not_count() -> None:
    """The same words, differently written, are the same vector."""
    assert dense("CAFÉ Crème", 64) == dense("cafe\u0301 creme", 64)
    assert dense("Straße", 64) == dense("STRASSE", 64)


def test_vectors_are_units() -> None:
    """Every dense vector has length one, also that of a text without words."""
    for text in ("refund", "the refund of a refund", "", "…"):
        assert math.isclose(math.hypot(*dense(text, 768)), 1, abs_tol=1e-4)
    assert math.isclose(sum(weight**2 for weight in sparse("a refund", {}, 64).values()), 1)
    assert sparse("…", {}, 64) == {}


def test_dense_vectors_never_change() -> None:
    """A vector is what it was in the last release."""
    assert [round(number, 3) for number in dense("refund", 8)] == [0.0, -0.312, 0.312, 0.312, -0.312, 0.0, 0.0, 0.781]


def test_likeness_follows_spelling() -> None:
    """A text is nearest to itself, then to one that shares words, then to one that shares parts of words."""
    asked, other, misspelt, foreign = (
        sparse(text, {}, 1 << 16) for text in ("refund policy", "refund rules", "refnd polcy", "kettle")
    )
    assert math.isclose(cosine(asked, asked), 1)
    assert 1 > cosine(asked, other) > cosine(asked, misspelt) > cosine(asked, foreign) == 0
