"""The rule files as documents: what Prometheus reads, and the one source of every alert.

slo.yaml       shares of failures, error budgets, and the alerts when one burns too fast
proxy.yaml     the alerts of the proxy's causes
harness.yaml   the alerts of mock and suites; for a Prometheus that watches rehearsals
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from dashboards import alerts, slo, thresholds
from dashboards.rule import Alert, Component, Over, Record, scaled

RUNBOOKS = "dashboards/runbooks"
"""Where runbooks are, as seen from the repository; an installation says where it has put them."""

Document: TypeAlias = dict[str, Any]


def documents(scale: float = 1.0, runbook_prefix: str = RUNBOOKS) -> dict[str, Document]:
    """The rule files by name.

    scale: below 1, every window, wait and interval is so much shorter, and no threshold changed: for a proof that
    cannot wait.   runbook_prefix: what stands before `/<alert>.md`.
    Raises: ValueError for a scale at which a time vanishes; slo.SloError.
    """
    over, slos, causes = scaled(scale), slo.load(), alerts.causes(scale)

    def group(name: str, rules: Iterable[Record | Alert]) -> Document:
        written = [_record(rule) if isinstance(rule, Record) else _alert(rule, over, runbook_prefix) for rule in rules]
        return {"name": name, "interval": over(thresholds.EVALUATION_S), "rules": written}

    def of(*components: Component) -> list[Alert]:
        return [alert for alert in causes if alert.component in components]

    budgets = [group(f"cortex-slo-{each.name}", slo.records(slos, each, scale)) for each in slos.objectives]
    return {
        "slo.yaml": {"groups": [*budgets, group("cortex-slo-alerts", alerts.budgets(scale))]},
        "proxy.yaml": {"groups": [group("cortex-proxy-alerts", of(Component.PROXY))]},
        "harness.yaml": {"groups": [group("cortex-harness-alerts", of(Component.MOCK, Component.SUITE))]},
    }


def write(folder: Path, scale: float = 1.0, runbook_prefix: str = RUNBOOKS) -> list[Path]:
    """The files, now in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, document in documents(scale, runbook_prefix).items():
        path = folder / name
        path.write_text(text(document), encoding="utf-8")
        written.append(path)
    return written


def text(document: Document) -> str:
    """A document as YAML that can be read: an expression of several lines is a block."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _record(record: Record) -> Document:
    return {"record": record.name, "expr": record.expr, "labels": dict(record.labels)}


def _alert(alert: Alert, over: Over, runbook_prefix: str) -> Document:
    waits = {"for": alert.held.for_s, "keep_firing_for": alert.held.calm_s}
    return {
        "alert": alert.name,
        "expr": alert.expr,
        **{key: over(seconds) for key, seconds in waits.items() if seconds},
        "labels": {"severity": alert.severity.value, "component": alert.component.value, **alert.labels},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": f"{runbook_prefix.rstrip('/')}/{alert.name}.md",
            "dashboard": alert.dashboard,
            "panel": alert.panel,
        },
    }


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as a block; and everything twice rather than by reference."""

    def ignore_aliases(self, _data: object) -> bool:
        """No anchors: a reader looks at one rule, not for its parts."""
        return True


def _block(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _block)
