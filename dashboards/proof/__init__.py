"""The proof that dashboards and alerts tell the truth: scenario by panel by alert, before a real Prometheus.

prometheus   a Prometheus and an Alertmanager, and what they answer      board      dashboards as they are imported
rehearsal    one situation and what is expected of it                    traffic    what clients do
situations   those that no upstream's fault brings about                 scenarios  those of the mock's scenario files
play         a rehearsal from start to end                               evaluate   what panels show, and what is wrong
truth        numbers that are known                                      prove      all of it
mutants      mistakes, one each                                          mutate     which of them are found out
report       the pages in docs
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dashboards.proof.prove import Proof

PAGES = Path(__file__).parents[2] / "docs"
PROVEN, UNTRUE, USAGE = 0, 1, 2
LEAST_SCORE = 0.95


def run(
    *,
    fast: bool = False,
    mutate: bool = False,
    only: Sequence[str] = (),
    say: Callable[[str], None] = print,
) -> int:
    """Play, look and compare; write the pages when everything was played.

    fast: only the few rehearsals of every test run.   mutate: also find out mutants; for all rehearsals only.
    only: names of rehearsals.   say: takes lines of progress and faults.
    Returns: the exit code: 0 proven, 1 something is not true, 2 what was asked for cannot be done.
    """
    from dashboards.proof import board, prove, report, scenarios, situations  # noqa: PLC0415 - quick to import
    from dashboards.proof.prometheus import PrometheusError  # noqa: PLC0415
    from e2e.stack import StackError  # noqa: PLC0415
    from mocks.scenario import ScenarioFormatError  # noqa: PLC0415

    try:
        documents = board.load_all()
        healthy, *others = situations.SITUATIONS
        everything = [healthy, *scenarios.rehearsals(scenarios.load()), *others]
    except (FileNotFoundError, ScenarioFormatError) as error:
        say(str(error))
        return USAGE
    names = {each.name for each in everything}
    if unknown := sorted(set(only) - names):
        say(f"there is no rehearsal {', '.join(unknown)}; there are {', '.join(sorted(names))}")
        return USAGE
    if (mutate and (fast or only)) or (fast and only):
        say("mutants are held against all rehearsals, and the fast ones are a choice already: give one of these alone")
        return USAGE
    chosen = [each for each in everything if (not fast or each.is_fast) and (not only or each.name in only)]
    boards = [board.read(slug, document) for slug, document in documents.items()]
    whole = chosen == everything
    try:
        with prove.proven(boards, chosen, say, whole=whole) as found:
            for fault in found.faults:
                say(f"{fault.rule}: {fault.where}: {fault.found}; {fault.todo}")
            say(f"{len(found.acts)} rehearsals, {len(found.faults)} faults")
            if whole:
                (PAGES / "proof.md").write_text(report.proof_page(found), encoding="utf-8")
            verdict = _judged(found, documents, say) if mutate else PROVEN
    except (PrometheusError, StackError) as error:
        say(str(error))
        return USAGE
    return UNTRUE if found.faults else verdict


def _judged(proof: Proof, documents: Mapping[str, dict[str, Any]], say: Callable[[str], None]) -> int:
    """Mutants are found out, and the page says which: the exit code."""
    from dashboards.proof import mutate, report  # noqa: PLC0415

    found = mutate.verdicts(proof, documents, say)
    (PAGES / "mutations.md").write_text(report.mutations_page(found), encoding="utf-8")
    reached = mutate.score(found)
    say(f"{len(found)} mutants, {reached:.1%} found out")
    return PROVEN if reached >= LEAST_SCORE else UNTRUE
