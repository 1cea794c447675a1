"""Numbers on panels against what clients counted and the mock noted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dashboards.check.model import Fault
from dashboards.proof.board import Board
from dashboards.proof.play import Played
from dashboards.proof.prometheus import Monitor


def untrue(boards: Iterable[Board], played: Played, monitor: Monitor) -> Iterator[Fault]:
    yield from ()
