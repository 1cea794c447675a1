"""Figures and the bars they are held against."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value; `bar` is the most it may be, None when there is none.

    heading: what it is printed under, together with its neighbours.
    """

    what: str
    value: float
    unit: str
    bar: float | None = None
    heading: str = ""

    @property
    def reached(self) -> bool:
        """Whether it is within its bar."""
        return self.bar is None or self.value <= self.bar


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run measured, and where."""

    about: str
    rows: tuple[Figure, ...]

    @property
    def all_reached(self) -> bool:
        """Whether every figure with a bar is within it."""
        return all(row.reached for row in self.rows)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {"about": self.about, "figures": [{**asdict(row), "reached": row.reached} for row in self.rows]}

    def as_text(self) -> str:
        """For people: one line per figure, losses as plainly as wins."""
        width = max(len(row.what) for row in self.rows)
        lines = [self.about]
        for heading, rows in groupby(self.rows, key=lambda row: row.heading):
            lines += ["", *([heading, "-" * len(heading)] if heading else [])]
            lines += [_line(row, width) for row in rows]
        return "\n".join(lines)


def under(heading: str, rows: Iterable[Figure]) -> list[Figure]:
    """The same figures, printed together under this heading."""
    return [replace(row, heading=heading) for row in rows]


def _line(row: Figure, width: int) -> str:
    bar = "" if row.bar is None else f"   bar {row.bar:g}  {'ok' if row.reached else 'MISSED'}"
    return f"{row.what:<{width}}  {row.value:>10.2f} {row.unit:<6}{bar}"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values do not exceed.   Raises: ValueError when empty."""
    if not values:
        raise ValueError("no values were measured")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
