"""Every rule, in the order in which it is explained: variables, panels, queries, names, alerts, links, provisioning."""

from __future__ import annotations

from dashboards.check import alert, catalogue, dashboard, link, panel, provision, query, target, template
from dashboards.check.exclusions import apply
from dashboards.check.model import Documents, Fault, Rule
from dashboards.check.view import look

RULES: tuple[Rule, ...] = (
    *template.RULES,
    *dashboard.RULES,
    *panel.RULES,
    *target.RULES,
    *catalogue.RULES,
    *query.RULES,
    *alert.RULES,
    *link.RULES,
    *provision.RULES,
)

BESIDE: tuple[tuple[str, str, str], ...] = (
    ("exclusions/form", "files named .lint have their form", "An exception that is misspelt is none."),
    ("exclusions/reason", "every exception has a reason", "Nobody dares to remove one without."),
    ("exclusions/unused", "every exception covers something", "It would hide the next fault of its kind."),
    ("runbook", "names in runbooks are in the catalogue", "A query that does not work is found out at night."),
    ("promtool/check-rules", "promtool check rules, all its lints fatal", "What Prometheus itself says."),
    ("promtool/test-rules", "promtool test rules on the unit tests of the rules", "Alerts fire when they should."),
    ("live/series", "with --prometheus, every selector finds a series", "What exists there, not what should."),
    ("live/count", "with --prometheus, no alert fires for more than sixty series", "Tried where it will run."),
)
"""Checks that are no function of one document: of the exceptions, of other programs and of a running Prometheus."""


def faults(documents: Documents) -> list[Fault]:
    """Everything that is wrong with the documents, by file and place. It reads no disk and starts nothing."""
    view = look(documents)
    found = {Fault(rule.name, where, what, todo): None for rule in RULES for where, what, todo in rule.find(view)}
    names = frozenset([*(rule.name for rule in RULES), *(name for name, _, _ in BESIDE)])
    return sorted(apply(found, documents.exclusions, names), key=lambda each: (each.where, each.rule, each.found))
