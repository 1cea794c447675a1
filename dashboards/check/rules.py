"""Every rule, in the order in which it is explained: variables, panels, queries, names, alerts, links, provisioning."""

from __future__ import annotations

from collections.abc import Iterable

from dashboards.check import (
    alert,
    catalogue,
    dashboard,
    link,
    panel,
    provision,
    query,
    rulefile,
    signals,
    target,
    template,
)
from dashboards.check.exclusions import apply
from dashboards.check.model import Documents, Fault, Rule
from dashboards.check.view import look

RULES: tuple[Rule, ...] = (
    *template.RULES,
    *dashboard.RULES,
    *panel.RULES,
    *target.RULES,
    *catalogue.RULES,
    *signals.RULES,
    *query.RULES,
    *alert.RULES,
    *rulefile.RULES,
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
)
"""Checks that are no function of one document: of the exceptions, and of other programs. With a running Prometheus,
`promql/series` and `alerts/count` ask it besides."""


_NAMES = frozenset([*(rule.name for rule in RULES), *(name for name, _, _ in BESIDE)])


def faults(documents: Documents) -> list[Fault]:
    """Everything that is wrong with the documents, by file and place. It reads no disk and starts nothing."""
    return excluded(found_in(documents), documents)


def found_in(documents: Documents) -> list[Fault]:
    """What the rules find, without regard to exceptions; each fault once."""
    view = look(documents)
    found = {Fault(rule.name, where, what, todo): None for rule in RULES for where, what, todo in rule.find(view)}
    return list(found)


def excluded(found: Iterable[Fault], documents: Documents) -> list[Fault]:
    """The faults that no exception covers, and those of the exceptions, by file and place."""
    left = apply(found, documents.exclusions, _NAMES, is_whole=documents.is_whole)
    return sorted(left, key=lambda each: (each.file, each.where, each.rule, each.found))


def overview() -> str:
    """The page of all checks in Markdown: name, what it checks, why."""
    rows = [(rule.name, rule.checks, rule.why) for rule in RULES] + list(BESIDE)
    cells = [f"| `{name}` | {checks} | {why} |".replace("\n", " ") for name, checks, why in rows]
    return "\n".join([_HEAD, "| rule | checks | why |", "|---|---|---|", *cells])


_HEAD = f"""# What `cortex-harness dashboards check` looks at

<!-- written by python -m dashboards.check --rules; a test holds it to the code -->

{len(RULES)} rules read dashboards (Classic JSON), rule files, provisioning and runbooks, and hold them against
`contracts/telemetry.py`, `contracts/traces.py` and each other. Names that end in `-rule`, and `uneditable-dashboard`,
are those of grafana/dashboard-linter; names with a slash that pint has too (`promql/...`, `alerts/...`, `rule/...`,
`group/interval`) are pint's. Both were written anew and look further: at counters whatever labels they have, at
annotations, links and legends, at panels of every type, also in collapsed rows.

A rule that is wrong somewhere is silenced by a file named `.lint` in the folder of the documents or above it:

```yaml
exclusions:
  panel-units-rule:
    reason: the panel shows names, not numbers   # without a reason it is a fault
    entries:                                     # without entries, all faults of the rule
      - dashboard: overview                      # any of file, dashboard, panel, target, rule; * for any text
        panel: version
```

An exception that covers nothing is a fault. Metrics of other programs are not in the catalogue: with `--prometheus`
those that a running one has are known too; without, who checks such dashboards silences `promql/series`.

What is not decided here: LogQL and TraceQL are read for their structure and their names; whether a Loki or a Tempo
would find anything is not known. Checks of pint that need a server's history (`query/cost`, `promql/range_query`,
`labels/conflict`, `alerts/external_labels`) are not here.
"""
