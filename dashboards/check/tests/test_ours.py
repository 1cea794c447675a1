"""Our own dashboards, rules and provisioning have no fault, and the rules are those that were promised."""

from __future__ import annotations

from dashboards.check import RULES, faults, files

LINTER = """
template-datasource-rule template-job-rule template-instance-rule template-label-promql-rule
template-on-time-change-reload-rule panel-datasource-rule panel-title-description-rule panel-units-rule
panel-no-targets-rule target-promql-rule target-logql-rule target-logql-auto-rule target-rate-interval-rule
target-job-rule target-instance-rule target-counter-agg-rule uneditable-dashboard
"""
"""The rules of grafana/dashboard-linter."""

PINT = """
alerts/absent alerts/annotation alerts/comparison alerts/count alerts/for alerts/template promql/aggregate
promql/counter promql/features promql/fragile promql/impossible promql/nan promql/offset promql/rate promql/regexp
promql/selector promql/series promql/syntax promql/vector_matching rule/dependency rule/duplicate rule/for rule/label
rule/link rule/name group/interval
"""
"""The checks of pint that can be decided without a server."""


def test_our_own_documents_have_no_fault() -> None:
    """What the build writes, and what goes with it, passes every rule."""
    loaded = files.load([])
    assert loaded.errors == []
    assert len(loaded.documents.dashboards) >= 9
    assert loaded.documents.rules
    assert loaded.documents.provisioning
    assert faults(loaded.documents) == []


def test_the_rules_of_others_go_by_their_names() -> None:
    """Who knows the other checkers finds their rules."""
    names = {rule.name for rule in RULES}
    assert len(LINTER.split()) == 17
    assert {*LINTER.split(), *PINT.split()} - names == set()
