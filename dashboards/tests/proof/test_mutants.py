"""Mutants have one mistake each, and every kind of mistake is made somewhere."""

from __future__ import annotations

import copy
from collections import Counter

import pytest

from dashboards import rules
from dashboards.proof import board, mutate
from dashboards.proof.mutants import QUERY_OPERATORS, RULE_OPERATORS, Mutant, of_dashboard, of_rules

DOCUMENTS = board.load_all()


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("rename a metric", 'rate(cortex_mock_x_total{a="b"}[5m])', 'rate(cortex_mock_x_total_x{a="b"}[5m])'),
        ("drop a suffix", "rate(x_total{}[5m])", "rate(x{}[5m])"),
        ("drop the job", 'x{job=~"$job",a="b"}', 'x{a="b"}'),
        ("drop a matcher", 'x{job=~"$job",a="b"}', 'x{job=~"$job",}'),
        ("turn a matcher round", 'x{job=~"$job",a="b"}', 'x{job=~"$job",a!="b"}'),
        ("misspell a value", 'x{job=~"$job",a="b"}', 'x{job=~"$job",a="bx"}'),
        ("misspell a variable", 'x{job=~"$job"}', 'x{job=~"$jobs"}'),
        ("forget a label of by", "sum by (job, a) (x)", "sum by (job) (x)"),
        ("misspell a label of by", "sum by (job, a) (x)", "sum by (job, ax) (x)"),
        ("take the increase for the rate", "rate(x[5m])", "increase(x[5m])"),
        ("take another quantile", "histogram_quantile(0.95, x)", "histogram_quantile(0.05, x)"),
        ("turn a comparison round", "x > 0", "x < 0"),
        ("forget what is subtracted from", "1 - x", "x"),
        ("divide by the wrong thing", "sum(x) / (y)", "sum(x) * (y)"),
    ],
)
def test_a_mistake_in_a_query(kind: str, before: str, after: str) -> None:
    """What an operator makes of a text."""
    assert next(QUERY_OPERATORS[kind](before))[0] == after


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("double a window", "x[5m]", "x[10m]"),
        ("shift a threshold", "x > 0.5", "x > 2.5"),
        ("forget a condition", "x > 1\nand\ny >= 5", "x > 1"),
        ("burn another factor", "x > 14.4 * 0.01", "x > 4.8 * 0.01"),
    ],
)
def test_a_mistake_in_a_rule(kind: str, before: str, after: str) -> None:
    """What an operator makes of a rule's expression."""
    assert next(RULE_OPERATORS[kind](before))[0] == after


def every_mutant() -> list[Mutant]:
    """Those of all dashboards and rules."""
    found = [mutant for slug, document in DOCUMENTS.items() for mutant in of_dashboard(slug, document)]
    return found + [mutant for file, document in rules.documents().items() for mutant in of_rules(file, document)]


def test_every_mutant_differs_and_the_original_stays() -> None:
    """A mutant that is the original would never be found out, and a changed original hides all others."""
    before = copy.deepcopy(DOCUMENTS)
    originals = {f"{slug}.json": document for slug, document in DOCUMENTS.items()} | rules.documents()
    same = [mutant for mutant in every_mutant() if mutant.document == originals[mutant.file]]
    assert same == []
    assert before == DOCUMENTS


def test_every_panel_and_every_rule_has_several() -> None:
    """None is left out."""
    where = Counter((mutant.file, mutant.where.split(" > ")[0]) for mutant in every_mutant())
    panels = {panel.address for slug, each in DOCUMENTS.items() for panel in board.read(slug, each).panels}
    assert {address for _, address in where} >= panels
    assert min(where.values()) >= 2


def test_promtool_finds_out_a_rule_and_passes_the_rule_itself() -> None:
    """Only what was changed makes the unit tests fail."""
    original = rules.documents()["proxy.yaml"]
    mutants = [each for each in of_rules("proxy.yaml", original) if each.where.startswith("CortexProxyModeMixed")]
    mutant = next(each for each in mutants if each.kind == "turn a comparison round")
    names = frozenset(["CortexProxyModeMixed"])
    assert mutate.cases("proxy.yaml", names)
    rule = next(each for each in mutate.rules_of(original) if each.get("alert") in names)
    trimmed = mutate.trimmed(original, names, rule)
    assert not any(mutate.fails_in_promtool("proxy.yaml", trimmed, case) for case in mutate.cases("proxy.yaml", names))
    assert mutate.of_rule(mutant).killed_by
