"""All rehearsals against one Prometheus and one Alertmanager, some at a time, and everything that is not true."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from dashboards.check.model import Fault
from dashboards.proof import evaluate, prometheus, truth
from dashboards.proof.board import Board
from dashboards.proof.evaluate import Evidence, Status
from dashboards.proof.play import Pager, Played, play
from dashboards.proof.prometheus import Monitor
from dashboards.proof.rehearsal import Rehearsal
from e2e import keys

AT_ONCE = 7
"""Rehearsals at a time: most of the time one waits for its own clock."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Act:
    """A rehearsal that is over, with what every panel shows of it and what of that is not true."""

    played: Played
    evidence: Evidence
    panels: Mapping[str, Status]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """What was played, in the order of the rehearsals; Prometheus still knows it."""

    boards: tuple[Board, ...]
    acts: tuple[Act, ...]
    faults: tuple[Fault, ...]
    monitor: Monitor


@contextlib.contextmanager
def proven(
    boards: Iterable[Board], rehearsals: Sequence[Rehearsal], say: Say, *, whole: bool = True
) -> Iterator[Proof]:
    """All played and looked at; Prometheus runs on until the block ends.

    whole: whether every panel and every alert must have been seen, as only all rehearsals together can show.
    Raises: PrometheusError, StackError.
    """
    listed = tuple(boards)
    with tempfile.TemporaryDirectory(prefix="cortex-proof-") as name:
        folder = Path(name)
        (folder / "monitor").mkdir()
        keys.ensure(folder / "keys")
        with prometheus.running(folder / "monitor") as monitor:
            with Pager(monitor).listening() as pager:
                stage = _Stage(listed, monitor, pager, folder, say)
                acts = tuple(stage.acts(rehearsals))
            faults = [fault for act in acts for fault in act.faults]
            faults += evaluate.unhealthy(monitor)
            if whole:
                faults += evaluate.never_shown(listed, [act.evidence for act in acts])
                faults += evaluate.never_fired(monitor, [act.played for act in acts])
            yield Proof(listed, acts, tuple(faults), monitor)


@dataclass(frozen=True, slots=True)
class _Stage:
    """Where rehearsals are played."""

    boards: tuple[Board, ...]
    monitor: Monitor
    pager: Pager
    folder: Path
    say: Say

    def acts(self, rehearsals: Sequence[Rehearsal]) -> Iterator[Act]:
        """The first is played alone, so that nothing takes its time; the others some at a time."""
        yield from map(self._act, rehearsals[:1])
        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield from pool.map(self._act, rehearsals[1:])

    def _act(self, rehearsal: Rehearsal) -> Act:
        began_s = time.monotonic()
        played = play(rehearsal, self.monitor, self.pager, self.folder / "keys", self.folder / rehearsal.name)
        found = look(self.boards, played, self.monitor)
        self.say(_line(found, time.monotonic() - began_s))
        return found


def look(boards: Sequence[Board], played: Played, monitor: Monitor) -> Act:
    """What every panel shows of a rehearsal, and what of it is not true."""
    found = evaluate.evidence(boards, played, monitor)
    panels = evaluate.statuses(found)
    faults = (
        *evaluate.unexpected(played, panels),
        *evaluate.errors(played, found),
        *evaluate.unlit(played, panels),
        *evaluate.empty_variables(boards, played, monitor),
        *truth.untrue(boards, played, monitor),
    )
    return Act(played, found, panels, faults)


def _line(act: Act, took_s: float) -> str:
    lit = sum(status is Status.DATA for status in act.panels.values())
    fired = ", ".join(sorted(act.played.fired)) or "no alert"
    verdict = f", {len(act.faults)} NOT TRUE" if act.faults else ""
    return f"{act.played.rehearsal.name}: {took_s:.0f} s, {lit} panels with data, {fired}{verdict}"
