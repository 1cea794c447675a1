"""What is accused when something changed on its way, and how the place is told."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from e2e.way import Stop, assert_arrived, astray, counted, first_difference, misread

PIECES = ["Net", " sales", ",", " in", " k€", ",", " grew", "."]

CASSETTE = Stop("the cassette", "the cassette holds 8")
MOCK = Stop("the mock", "the mock sent 8")
PAGE = Stop("the page", "the page showed 7", "a piece is missing")


def test_what_arrived_everywhere_is_no_fault() -> None:
    """Nothing is said of it."""
    assert astray("the text", [CASSETTE, MOCK]) == []
    assert_arrived("the text", [CASSETTE, MOCK])


def test_the_first_stop_that_is_wrong_is_accused() -> None:
    """Those behind it only hand on what they were given; what each had is told."""
    relay = Stop("the relay", "the browser received 7", "piece 3 is missing")
    with pytest.raises(AssertionError) as failure:
        assert_arrived("The text", [CASSETTE, MOCK, relay, PAGE])
    assert str(failure.value).splitlines() == [
        "The text went wrong in the relay: piece 3 is missing",
        "  [right]       the cassette holds 8",
        "  [right]       the mock sent 8",
        "  [wrong first] the browser received 7",
        "  [wrong too]   the page showed 7; a piece is missing",
    ]


@pytest.mark.parametrize(
    ("found", "words"),
    [(8, ""), (6, "2 of 8 events are missing"), (9, "1 of 8 events are too many")],
    ids=["as many", "too few", "too many"],
)
def test_counts_are_compared(found: int, words: str) -> None:
    """Which way they differ, and by how many."""
    assert counted("events", 8, found) == words


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (PIECES, ""),
        ([*PIECES[:2], *PIECES[3:]], "piece 3 of 8, ',', is missing after 'Net sales'"),
        ([*PIECES[:2], *PIECES[4:]], "pieces 3 to 4 of 8, ', in', are missing after 'Net sales'"),
        (PIECES[1:], "piece 1 of 8, 'Net', is missing"),
        (PIECES[:-1], "piece 8 of 8, '.', is missing after 'Net sales, in k€, grew'"),
        ([], "pieces 1 to 8 of 8, 'Net sales, in k€, grew.', are missing"),
        ([*PIECES[:3], *PIECES[2:]], "piece 3 of 8, ',', is there twice after 'Net sales,'"),
        ([*PIECES[:3], *PIECES[1:]], "pieces 2 to 3 of 8, ' sales,', are there twice after 'Net sales,'"),
        ([*PIECES, PIECES[-1]], "piece 8 of 8, '.', is there twice after 'Net sales, in k€, grew.'"),
        ([*PIECES, "!"], "after the last piece comes '!'"),
        (["Net", " loss", *PIECES[2:]], "piece 2 of 8, ' sales', is expected after 'Net', but ' loss' is there"),
    ],
    ids=["same", "lost", "two lost", "first", "last", "all", "doubled", "two doubled", "last doubled", "more", "other"],
)
def test_the_first_difference_is_told_in_words(found: Sequence[str], words: str) -> None:
    """Which piece it is, by number and text, and after what."""
    assert first_difference("piece", PIECES, tuple(found)) == words


@given(st.lists(st.sampled_from("ab,"), max_size=8), st.lists(st.sampled_from("ab,"), max_size=8))
def test_only_what_is_the_same_passes(expected: list[str], found: list[str]) -> None:
    """Whatever the pieces are, a difference is told exactly when there is one."""
    assert bool(first_difference("piece", expected, found)) is (expected != found)


def plain(text: str) -> str:
    """Without blanks."""
    return text.replace(" ", "")


WHOLE = [plain(text) for text in accumulate(PIECES)]


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (WHOLE, ""),
        (["", WHOLE[3], WHOLE[-1]], ""),
        ([], "it ends with '', 0 of 19 characters"),
        (WHOLE[:2], "it ends with 'Netsales', 8 of 19 characters"),
        (["Net", "sales"], "'Net' stood there, and then 'sales' in its place"),
        (["Net", ""], "'Net' stood there, and then '' in its place"),
        ([WHOLE[3], WHOLE[1]], "'Netsales,in' stood there, and then 'Netsales' in its place"),
        (["Net", "Netsalesink€"], "after 'Netsales' it shows 'ink€' in place of ','"),
        (["Netsales,,"], "after 'Netsales,' it shows ',' in place of 'in'"),
        ([*WHOLE, f"{WHOLE[-1]}."], "after 'Netsales,ink€,grew.' it shows '.' in place of ''"),
    ],
    ids=["each", "some", "nothing", "cut", "replaced", "gone", "backwards", "lost", "doubled", "more"],
)
def test_what_was_read_is_held_against_the_pieces(seen: Sequence[str], words: str) -> None:
    """At every moment the first so many of them, never fewer than before, and all in the end."""
    assert misread(PIECES, seen, plain) == words


@given(st.lists(st.integers(0, len(WHOLE)), max_size=6))
def test_only_what_grows_to_the_end_passes(ends: list[int]) -> None:
    """Beginnings of the text pass in their order, with the whole as the last one, and else not."""
    seen = ["", *WHOLE]
    assume(ends)
    is_right = ends == sorted(ends) and ends[-1] == len(WHOLE)
    assert (misread(PIECES, [seen[end] for end in ends], plain) == "") is is_right
