"""Rules about what Grafana and Prometheus read at their start: data sources, providers, managed alerts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from dashboards.check.model import Found, Rule, at, listing, mapping
from dashboards.check.template import strings
from dashboards.check.view import View, managed_rules

_OWN_MACRO = re.compile(r"(?<!\$)\$\{?__\w+")


def _sources(view: View) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, document in view.documents.provisioning.items():
        for source in listing(mapping(document).get("datasources")):
            yield at(path, source.get("name", "?")), source


def interval(view: View) -> Found:
    """A data source knows how often its Prometheus scrapes."""
    configured = {
        str(mapping(mapping(document).get("global")).get("scrape_interval"))
        for document in view.documents.provisioning.values()
        if mapping(document).get("scrape_configs")
    }
    for where, source in _sources(view):
        if source.get("type") != "prometheus":
            continue
        told = mapping(source.get("jsonData")).get("timeInterval")
        if not told:
            yield where, "no jsonData.timeInterval", "set it to the scrape interval: $__rate_interval is made of it"
        elif configured and str(told) not in configured:
            yield (
                where,
                f"timeInterval {told}, and Prometheus scrapes each {', '.join(sorted(configured))}",
                "set both alike",
            )


def uids(view: View) -> Found:
    """Data sources and alerts have fixed uids, each its own, and name those that are there."""
    sources = list(_sources(view))
    known = Counter(str(source.get("uid") or "") for _, source in sources)
    for where, source in sources:
        uid = str(source.get("uid") or "")
        if not uid:
            yield where, "no uid", "give it a fixed uid: correlations and alerts go by it"
        for key, text in strings({"jsonData": source.get("jsonData"), "correlations": source.get("correlations")}):
            if key in {"datasourceUid", "targetUID"} and text not in known:
                yield where, f"{key} {text} is none of these data sources", f"name one of {sorted(known)}"
    alerts = Counter(str(rule.get("uid") or "") for _, rule in managed_rules(view.documents))
    for where, rule in managed_rules(view.documents):
        uid = str(rule.get("uid") or "")
        if not uid or len(uid) > 40 or alerts[uid] > 1:
            yield where, f"uid {uid or '(none)'}", "give each rule a uid of its own, of 40 characters at most"


def version(view: View) -> Found:
    """Grafana's provisioning files say which version of their form they have."""
    for path, document in view.documents.provisioning.items():
        raw = mapping(document)
        if {"datasources", "providers", "groups"} & set(raw) and raw.get("apiVersion") != 1:
            yield at(path), f"apiVersion {raw.get('apiVersion')!r}", "write apiVersion: 1"


def dollars(view: View) -> Found:
    """Grafana's own macros in data sources are not taken for variables of the environment."""
    for where, source in _sources(view):
        for key, text in strings(dict(source)):
            for macro in _OWN_MACRO.findall(text):
                yield where, f"{macro} in {key} is read from the environment", "double the dollar: $${__value.raw}"


def providers(view: View) -> Found:
    """Provided dashboards have a folder, a path, and go when their file does."""
    for path, document in view.documents.provisioning.items():
        for each in listing(mapping(document).get("providers")):
            where = at(path, each.get("name", "?"))
            if not mapping(each.get("options")).get("path"):
                yield where, "no options.path", "name the folder of the files"
            if each.get("disableDeletion"):
                yield where, "disableDeletion", "set it to false: renamed dashboards stay for ever"
            if each.get("allowUiUpdates"):
                yield where, "allowUiUpdates", "set it to false: changes in the browser are lost"


def conditions(view: View) -> Found:
    """A managed alert's condition is one of its steps, and each step reads steps that are there."""
    for where, rule in managed_rules(view.documents):
        letters = {str(step.get("refId")) for step in listing(rule.get("data"))}
        if str(rule.get("condition")) not in letters:
            yield where, f"condition {rule.get('condition')} is no step", f"name one of {sorted(letters)}"
        for step in listing(rule.get("data")):
            model = mapping(step.get("model"))
            if step.get("datasourceUid") == "__expr__":
                text = str(model.get("expression") or "")
                named = set(re.findall(r"\$\{?(\w+)", text)) or {text}
                for letter in sorted(named - letters):
                    yield (
                        where,
                        f"{step.get('refId')} reads {letter}, which is no step",
                        f"name one of {sorted(letters)}",
                    )
            elif "${" in str(step.get("datasourceUid") or ""):
                yield (
                    where,
                    f"data source {step.get('datasourceUid')}",
                    "name its uid: alerts know no dashboard's variables",
                )


RULES = (
    Rule(
        "provisioning/interval",
        "Prometheus data sources have a timeInterval, the scrape interval of the configuration beside them",
        "With a shorter one the windows of $__rate_interval hold one sample, and every rate is empty.",
        interval,
    ),
    Rule(
        "provisioning/uid",
        "data sources and alerts have uids of their own, and correlations name those that are there",
        "Without one Grafana makes it up, another on each machine.",
        uids,
    ),
    Rule("provisioning/version", "apiVersion: 1", "Grafana reads the file as its oldest form.", version),
    Rule(
        "provisioning/dollar",
        "Grafana's macros in data sources are written with two dollars",
        "One dollar is a variable of the environment: the link loses what it should hand on.",
        dollars,
    ),
    Rule(
        "provisioning/provider",
        "providers name a path, delete what is gone, and take no changes from the browser",
        "Renamed dashboards would stay beside the new ones.",
        providers,
    ),
    Rule(
        "provisioning/condition",
        "conditions and expressions of managed alerts name steps that are there",
        "Grafana refuses the file at its start, and with it every other alert in it.",
        conditions,
    ),
)
