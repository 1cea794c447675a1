"""Questions that can be put together by rule: a metric, what it is grouped by, and filters.

    net sales by country and channel in 2024          metric "by" columns, a year
    how many orders from Germany and France           metric, values
    top 5 countries by net sales from 2023 to 2025    "top" number column "by" metric, a range of years
    only EMEA, please                                 a filter on the question before

One word that is neither a name of the model nor a filler, and there is no reading: half an understanding would answer
another question than the one asked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from mocks.snowflake.analyst.lexicon import FILLERS, Meaning, Ref

GROUPING = frozenset({"by", "per", "each", "every", "across"})
JOINING = frozenset({"and", "the", "a"})
RANGES = frozenset({"to", "between", "through"})
POLITE = frozenset({"only"})
YEARS = range(1900, 2101)
MAX_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Reading:
    """What a question asks for.

    columns, values: each with all the places where the model has it.   is_range: the two years are the ends of one.
    """

    metric: Ref | None = None
    columns: tuple[tuple[Ref, ...], ...] = ()
    years: tuple[int, ...] = ()
    is_range: bool = False
    values: tuple[tuple[tuple[Ref, ...], str], ...] = ()
    limit: int | None = None

    def after(self, previous: Reading | None) -> Reading | None:
        """The whole question, where this one leans on the one before; None when it has nothing to lean on."""
        if self.metric is not None:
            return self
        if previous is None or previous.metric is None:
            return None
        replaced = {places for places, _ in self.values}
        kept = tuple((places, value) for places, value in previous.values if places not in replaced)
        return dataclasses.replace(
            previous,
            columns=self.columns or previous.columns,
            years=self.years or previous.years,
            is_range=self.is_range if self.years else previous.is_range,
            values=kept + self.values,
            limit=self.limit or previous.limit,
        )


class _NotUnderstood(Exception):
    """A piece that no rule places."""


class _Draft:
    """A reading while its pieces come in, one method per kind."""

    def __init__(self) -> None:
        self.metrics: list[tuple[Ref, ...]] = []
        self.columns: list[tuple[Ref, ...]] = []
        self.years: list[int] = []
        self.values: list[tuple[tuple[Ref, ...], str]] = []
        self.limit: int | None = None
        self.has_range_word = False
        self._groups = False  # a column may come here
        self._counts = False  # the number of a "top" may come here

    def take(self, piece: Meaning) -> None:
        """Place one piece.   Raises: _NotUnderstood."""
        getattr(self, f"_{piece.kind}")(piece)

    def _metric(self, piece: Meaning) -> None:
        self.metrics.append(piece.at)
        self._groups = False

    def _column(self, piece: Meaning) -> None:
        if not self._groups:
            raise _NotUnderstood
        self.columns.append(piece.at)

    def _value(self, piece: Meaning) -> None:
        self.values.append((piece.at, piece.key))
        self._groups = False

    def _number(self, piece: Meaning) -> None:
        if self._counts and len(piece.key) <= 4 and 1 <= int(piece.key) <= MAX_LIMIT:
            self.limit, self._counts, self._groups = int(piece.key), False, True
        elif len(piece.key) == 4 and int(piece.key) in YEARS:
            self.years.append(int(piece.key))
            self._groups = False
        else:
            raise _NotUnderstood

    def _mark(self, piece: Meaning) -> None:
        if piece.key in POLITE:
            return
        if piece.key != "top" or self.limit is not None:
            raise _NotUnderstood
        self._counts = True

    def _word(self, piece: Meaning) -> None:
        if piece.key not in FILLERS:
            raise _NotUnderstood
        self.has_range_word |= piece.key in RANGES
        self._groups = piece.key in GROUPING or (self._groups and piece.key in JOINING)

    def finished(self) -> Reading:
        """The reading.   Raises: _NotUnderstood when the pieces make none."""
        metrics = set(self.metrics)
        years = tuple(sorted(set(self.years)))
        ambiguous = len(metrics) > 1 or any(len(places) > 1 for places in metrics)
        if ambiguous or self._counts or (self.has_range_word and len(years) != 2):
            raise _NotUnderstood
        if not (metrics or self.columns or years or self.values):
            raise _NotUnderstood
        return Reading(
            metric=next(iter(metrics))[0] if metrics else None,
            columns=tuple(dict.fromkeys(self.columns)),
            years=years,
            is_range=self.has_range_word,
            values=tuple(dict.fromkeys(self.values)),
            limit=self.limit,
        )


def read(pieces: Iterable[Meaning]) -> Reading | None:
    """What a question's pieces ask for; None when a rule does not place every one of them."""
    draft = _Draft()
    try:
        for piece in pieces:
            draft.take(piece)
        return draft.finished()
    except _NotUnderstood:
        return None
