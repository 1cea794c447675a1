"""The same alerts as Grafana manages them, for those without an Alertmanager: provisioning derived from the rules.

Recording stays with Prometheus, and so does the source: only its rules can be tested with promtool. An alert here asks
Prometheus the very same expression; whatever that answers, of whatever value, is an alert, as it is there.
Source: Grafana's file provisioning of alert rules, and how it converts Prometheus rules itself.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from dashboards.rule import panel_id
from dashboards.rules import RUNBOOKS, Document
from dashboards.rules import documents as rule_documents

DATASOURCE_UID = "cortex-prometheus"
"""The data source that is asked, unless an installation says otherwise: a rule cannot take a dashboard's variable."""

FOLDER = "Cortex alerts"
"""Not the dashboards' own: Grafana reads alerts first and would make a folder of that title without its uid."""

NO_DATA, FAILED_QUERY = "OK", "Error"
"""No answer is health: an expression keeps only what is wrong. A query that fails is not: a Prometheus that is away
would silence everything, so that Grafana tells of it by an alert of its own, DatasourceError."""

_QUERY, _IS_THERE = "A", "B"
_LOOK_BACK_S = 600
_EXPRESSIONS = "__expr__"


def documents(
    datasource_uid: str = DATASOURCE_UID, folder: str = FOLDER, runbook_prefix: str = RUNBOOKS
) -> dict[str, Document]:
    """The provisioning files by name, one for each rule file that has alerts.   Raises: as `rules.documents`."""
    managed = {
        name: {"apiVersion": 1, "groups": list(_groups(document, datasource_uid, folder))}
        for name, document in rule_documents(runbook_prefix=runbook_prefix).items()
    }
    return {name: document for name, document in managed.items() if document["groups"]}


def _groups(document: Document, datasource_uid: str, folder: str) -> Iterable[Document]:
    for group in document["groups"]:
        alerting = [rule for rule in group["rules"] if "alert" in rule]
        if alerting:
            names = Counter(rule["alert"] for rule in alerting)
            yield {
                "orgId": 1,
                "name": group["name"],
                "folder": folder,
                "interval": group["interval"],
                "rules": [_rule(rule, _title(rule, names), datasource_uid) for rule in alerting],
            }


def _title(rule: Mapping[str, Any], names: Mapping[str, int]) -> str:
    """Titles are unique in a folder, and they are what Grafana calls the alert."""
    if names[rule["alert"]] == 1:
        return str(rule["alert"])
    labels = rule["labels"]
    return f"{rule['alert']} ({', '.join(filter(None, (labels['severity'], labels.get('sloth_window'))))})"


def _rule(rule: Mapping[str, Any], title: str, datasource_uid: str) -> Document:
    annotations = {name: _as_grafana_writes(template) for name, template in rule["annotations"].items()}
    return {
        "uid": f"cortex-{hashlib.sha256(title.encode()).hexdigest()[:16]}",
        "title": title,
        "condition": _IS_THERE,
        "data": [_query(rule["expr"], datasource_uid), _is_there()],
        "noDataState": NO_DATA,
        "execErrState": FAILED_QUERY,
        "for": rule.get("for", "0s"),
        "keepFiringFor": rule.get("keep_firing_for", "0s"),
        "missing_series_evals_to_resolve": 1,  # as Prometheus: what is not there any more is over
        "annotations": {
            **annotations,
            "__dashboardUid__": annotations["dashboard"],
            "__panelId__": str(panel_id(annotations["panel"])),
        },
        "labels": dict(rule["labels"]),
        "isPaused": False,
    }


def _as_grafana_writes(template: str) -> str:
    """In Grafana `$value` is a line about all values; the number is one of `$values`. Annotations are not expanded."""
    return template.replace("$value ", f"$values.{_QUERY}.Value ")


def _query(expr: str, datasource_uid: str) -> Document:
    return {
        "refId": _QUERY,
        "relativeTimeRange": {"from": _LOOK_BACK_S, "to": 0},
        "datasourceUid": datasource_uid,
        "model": {
            "refId": _QUERY,
            "datasource": {"type": "prometheus", "uid": datasource_uid},
            "expr": expr,
            "instant": True,
            "range": False,
        },
    }


def _is_there() -> Document:
    """1 for whatever the query has answered: taken as it is, an alert whose value is 0 would count as none."""
    return {
        "refId": _IS_THERE,
        "relativeTimeRange": {"from": 0, "to": 0},
        "datasourceUid": _EXPRESSIONS,
        "model": {
            "refId": _IS_THERE,
            "datasource": {"type": _EXPRESSIONS, "uid": _EXPRESSIONS},
            "type": "math",
            "expression": f"is_number(${_QUERY}) || is_nan(${_QUERY}) || is_inf(${_QUERY})",
        },
    }
