"""Figures as an analyst writes them into a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from mocks.stories.results import Result


def amount(value: Decimal) -> str:
    """Thousands of EUR, two decimals, a comma between thousands."""
    return f"{value:,.2f} k€"


def change(old: Decimal, new: Decimal) -> str:
    """Growth in percent, with its sign."""
    return f"{100 * (new - old) / old:+.1f}%".replace("-", "\u2212")


def total(values: Iterable[Decimal]) -> Decimal:
    """A sum; 0 of nothing."""
    return sum(values, start=Decimal(0))


def share(part: Decimal, whole: Decimal) -> str:
    """A part of a whole, in percent."""
    return f"{100 * part / whole:.1f}%"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def by_key(result: Result, value: str) -> dict[str, Decimal]:
    """One numeric column by the text of the first column."""
    return dict(zip((str(row[0]) for row in result.rows), result.numbers(value), strict=True))
