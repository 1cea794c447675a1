"""The pages that publish the proof: docs/proof.md and docs/mutations.md. No dates, no machine, no measured times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dashboards import thresholds
from dashboards.alerts import ALERTS
from dashboards.proof.board import Panel
from dashboards.proof.evaluate import Status
from dashboards.proof.mutate import Verdict, by_kind, score
from dashboards.proof.prometheus import SCALE, SCRAPE_S
from dashboards.proof.prove import Act, Proof
from dashboards.proof.truth import TRUTHS
from dashboards.rule import Alert

SHOWN = 6
"""Rehearsals that are named in a cell; of more, how many."""


def proof_page(proof: Proof) -> str:
    """docs/proof.md."""
    parts = (
        _opening(proof),
        _dashboards(proof),
        _alerts(proof.acts),
        _rehearsals(proof.acts),
        _untrue(proof),
        _unproven(proof),
    )
    return "\n".join(line for part in parts for line in part)


def _opening(proof: Proof) -> Iterator[str]:
    panels = sum(panel.is_provable for board in proof.boards for panel in board.panels)
    yield f"""\
# The proof

Written by `cortex-harness dashboards prove`. Each of {len(proof.acts)} rehearsals started a mock and a proxy of its
own, made traffic, and was scraped by a real Prometheus every {SCRAPE_S} s. Rules were evaluated with every window and
wait {1 / SCALE:g} times shorter and no threshold changed; alerts were taken from a real Alertmanager. Then every query
of {panels} panels, read from the generated JSON with its variables filled in, was asked for each rehearsal.

- **Data** is at least one value that is a number and not zero. Zero, or no series, is **still**.
- A panel is proven when each of its queries has data in a rehearsal, and nothing that a rehearsal expects of it was
  otherwise: what moves, what is still, and in {len(TRUTHS)} comparisons the number itself, against what clients
  counted and the mock noted.
- An alert is proven when it reached Alertmanager in a rehearsal, did not in the healthy one, and its panel had data.
- No Grafana was run: how panels look is not proven, only what they ask.
"""


def _dashboards(proof: Proof) -> Iterator[str]:
    compared = {truth.panel for truth in TRUTHS}
    yield "## Dashboards\n"
    for board in proof.boards:
        yield f"### {board.title}\n"
        yield "| Panel | Numbers | Expected to move, and did | Expected still, and was |\n|---|---|---|---|"
        for panel in board.panels:
            if panel.is_provable:
                moved = [
                    a.played.rehearsal.name for a in proof.acts if panel.address in a.played.rehearsal.expected.moves
                ]
                stood = [
                    a.played.rehearsal.name for a in proof.acts if panel.address in a.played.rehearsal.expected.still
                ]
                number = "compared" if panel.address in compared else "-"
                lit = _names(moved) if moved else _lit(panel, proof.acts)
                yield f"| `{panel.address}` | {number} | {lit} | {_names(stood) or '-'} |"
        yield ""


def _lit(panel: Panel, acts: Sequence[Act]) -> str:
    """Where nothing was expected by name: whether it has data in most rehearsals, or in some."""
    lit = [act.played.rehearsal.name for act in acts if act.panels[panel.address] is Status.DATA]
    if len(lit) > len(acts) / 2:
        return "(data in most rehearsals)"
    return f"(data in {lit[0]})" if lit else "nothing"


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"


def _alerts(acts: Sequence[Act]) -> Iterator[str]:
    yield "## Alerts\n"
    yield (
        "One line for each rule. What looks back, or waits, too long even in the scale of the proof is proven by the\n"
        "unit tests in `dashboards/tests/rules`, which promtool runs.\n"
    )
    yield "| Alert | Severity | Window | Expected to fire, and did | Expected silent, and was | Proven by |"
    yield "|---|---|---|---|---|---|"
    for alert in ALERTS:
        fired = [a.played.rehearsal.name for a in acts if alert.name in a.played.rehearsal.expected.fires]
        silent = [a.played.rehearsal.name for a in acts if alert.name in a.played.rehearsal.expected.silent]
        window = alert.labels.get("sloth_window", "-")
        way = "rehearsals, promtool" if is_rehearsed(alert) else "promtool"
        fires = _names(fired) if is_rehearsed(alert) else "-"
        yield f"| {alert.name} | {alert.severity} | {window} | {fires} | {_names(silent)} | {way} |"
    yield ""


def is_rehearsed(alert: Alert) -> bool:
    """Whether a rule can fire within a rehearsal: of the budgets' only the fastest, whose wait is a few seconds."""
    window = alert.labels.get("sloth_window")
    return window in (None, thresholds.BURNS[0].long)


def _rehearsals(acts: Sequence[Act]) -> Iterator[str]:
    yield "## Rehearsals\n"
    yield "| Rehearsal | What happens | Moves | Fires |\n|---|---|---|---|"
    for act in acts:
        rehearsal = act.played.rehearsal
        moves, fires = ", ".join(rehearsal.expected.moves), ", ".join(rehearsal.expected.fires)
        about = rehearsal.about.replace("|", "\\|")
        yield f"| {rehearsal.name} | {about} | {moves or '-'} | {fires or '-'} |"
    yield ""


def _untrue(proof: Proof) -> Iterator[str]:
    """What was otherwise than the tables above say; empty when the command ended with 0."""
    faults = [fault for fault in proof.faults if not fault.rule.endswith("-proven")]
    if faults:
        yield "## Not true\n"
        yield from (f"- {fault.rule}: {fault.where}: {fault.found}." for fault in faults)
        yield ""


def _unproven(proof: Proof) -> Iterator[str]:
    yield "## Not proven here, and why\n"
    for board in proof.boards:
        for panel in board.panels:
            if not panel.is_provable:
                asked = ", ".join(sorted({query.language for query in panel.queries}))
                yield f"- `{panel.address}` asks {asked}, and none runs here; the check reads its query."
    yield from (f"- {fault.where}: {fault.found}." for fault in proof.faults if fault.rule.endswith("-proven"))
    for alert in ALERTS:
        if not is_rehearsed(alert):
            window = alert.labels["sloth_window"]
            yield f"- {alert.name} over {window}: too long for a rehearsal; promtool runs its unit tests."
    yield ""


# --- mutations


def mutations_page(found: Sequence[Verdict]) -> str:
    """docs/mutations.md."""
    return "\n".join(_mutations(found))


def _mutations(found: Sequence[Verdict]) -> Iterator[str]:
    killed = sum(bool(each.killed_by) for each in found)
    yield f"""\
# Mutations

Written by `cortex-harness dashboards prove --mutate`. Each mutant is a generated dashboard or file of rules with one
mistake, made systematically. It is found out by `dashboards check`, by promtool on the rules' unit tests, or because
what was rehearsed shows something else than was expected or known. Of rules that are written alike for each objective,
those of two are changed, and of one rule at most a dozen ways.

**{killed} of {len(found)} found out: {score(found):.1%}.**
"""
    yield "| Found out by | Mutants |\n|---|---|"
    for way in sorted({each.killed_by for each in found if each.killed_by}):
        yield f"| {way} | {sum(each.killed_by == way for each in found)} |"
    yield "\n| Mistake | Made | Found out |\n|---|---|---|"
    yield from (f"| {kind} | {number} | {caught} |" for kind, number, caught in by_kind(found))
    yield "\n## Not found out\n"
    yield "| Mistake | Where | What changed | Why it passes |\n|---|---|---|---|"
    for each in found:
        if not each.killed_by:
            mutant = each.mutant
            change = mutant.change.replace("|", "\\|").replace("\n", " ")
            yield f"| {mutant.kind} | {mutant.file}: {mutant.where} | {change} | {reason(each)} |"
    yield ""


_REASONS = {
    "take the largest for the sum": "with one process and one series the two are the same",
    "take the sum for the largest": "with one process the two are the same",
    "drop the job": "each rehearsal runs beside others whose series are like its own",
    "take another window": "the series are as short as the rehearsal",
    "forget a label of by": "the series differ in it, and no number is known for each",
    "take the increase for the rate": "a quantile and a ratio are the same of both",
    "take the rate for the increase": "a ratio is the same of both",
    "take another quantile": "measurements lie within one bucket, where all quantiles are as near",
    "change tags": "nothing but the list of dashboards reads them",
}


def reason(verdict: Verdict) -> str:
    """Why such a mistake can pass."""
    return _REASONS.get(verdict.mutant.kind, "no rehearsal tells the two apart, and no rule of the check forbids it")
