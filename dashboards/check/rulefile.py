"""Rules about rule files: names, labels, order and pace of what Prometheus evaluates; after the checks of pint."""

from __future__ import annotations

import re
from collections import Counter

from dashboards.check import promql
from dashboards.check.alert import SEVERITIES, seconds, stem_of
from dashboards.check.model import Found, Rule, at, listing, mapping
from dashboards.check.view import PromRule, View


def interval(view: View) -> Found:
    """Groups are evaluated within the five minutes after which a series is stale."""
    for path, document in view.documents.rules.items():
        for group in listing(mapping(document).get("groups")):
            pace_s = seconds(group.get("interval"))
            stays = all(
                seconds(r.get("keep_firing_for")) >= pace_s for r in listing(group.get("rules")) if "alert" in r
            )
            records = any("record" in each for each in listing(group.get("rules")))
            if pace_s > 300 and (records or not stays):
                where = at(path, f"group {group.get('name', '?')}")
                yield where, f"evaluated each {pace_s:g} s", "set interval to 5m or less: after that a series is stale"


def dependency(view: View) -> Found:
    """What rules record and others read is recorded before, in the same group."""
    order = {id(rule.raw): number for number, rule in enumerate(view.rules)}
    for rule, query in view.of_rules:
        for selector, _ in query.selectors:
            sources = [each for each in view.rules if not each.is_alert and _gives(each, selector)]
            together = [each for each in sources if each.group is rule.group]
            name = promql.name_of(selector)
            if sources and not together and not rule.is_alert:
                found = f"{name} is recorded in group {sources[0].group.get('name', '?')}"
                yield rule.where, found, "record both in one group: groups are evaluated at different times"
            elif any(order[id(each.raw)] >= order[id(rule.raw)] for each in together):
                yield rule.where, f"{name} is recorded later in the group", f"move {name} before it"


def _gives(rule: PromRule, selector: promql.Vector) -> bool:
    """Whether the selector may select what the rule records."""
    pins = promql.pinned(selector)
    return rule.name == promql.name_of(selector) and all(
        pins.get(label, value) == value for label, value in rule.labels.items()
    )


def siblings(view: View) -> Found:
    """Series recorded over several windows, and otherwise of one name, are recorded alike.

    Long windows may be made of short ones: a form that several share is right, one that is alone among them is not.
    """
    families: dict[tuple[object, ...], list[tuple[PromRule, str]]] = {}
    for rule, query in view.of_rules:
        stem = stem_of(rule.name)
        labels = {name: value for name, value in rule.labels.items() if promql.duration_s(value) is None}
        if not rule.is_alert and stem:
            form = re.sub(r"\[[^\]]*\]", "[]", query.root.prettify())
            families.setdefault((stem, *sorted(labels.items())), []).append((rule, form))
    for members in families.values():
        forms = Counter(form for _, form in members)
        for rule, form in members:
            if forms[form] == 1 and max(forms.values()) > 2:
                yield rule.where, "it is recorded otherwise than its other windows", "write all of them alike"


def duplicate(view: View) -> Found:
    """No two rules give the same series."""
    keys = Counter(_key(rule) for rule in view.rules)
    seen = set[object]()
    for rule in view.rules:
        key = _key(rule)
        if keys[key] > 1 and key not in seen:
            seen.add(key)
            yield (
                rule.where,
                f"{keys[key]} rules of this name and these labels",
                "remove one, or tell them apart by a label",
            )


def _key(rule: PromRule) -> tuple[bool, str, tuple[tuple[str, str], ...]]:
    return rule.is_alert, rule.name, tuple(sorted(rule.labels.items()))


def waits(view: View) -> Found:
    """An alert waits no longer than a day, and longer than its group's evaluation if at all."""
    for rule in view.alerts:
        wait_s, pace_s = seconds(rule.raw.get("for")), seconds(rule.group.get("interval"))
        if wait_s > 86_400:
            yield rule.where, f"for: {rule.raw.get('for')}", "wait a day at most: a restart of Prometheus may forget it"
        elif 0 < wait_s < pace_s:
            yield (
                rule.where,
                f"for: {rule.raw.get('for')}, evaluated each {pace_s:g} s",
                "wait for one evaluation at least",
            )


def labels(view: View) -> Found:
    """Alerts have a severity that routing knows."""
    for rule in view.alerts:
        severity = rule.labels.get("severity", "")
        if severity not in SEVERITIES:
            yield rule.where, f"severity {severity or '(none)'}", f"set one of {', '.join(SEVERITIES)}"
        for name in rule.labels:
            if name in {"alertname", "alertstate", "__name__"}:
                yield rule.where, f"label {name} is Prometheus' own", "name it otherwise"


def names(view: View) -> Found:
    """Alerts are named in CamelCase, recorded series by level:metric:operation."""
    for rule in view.rules:
        if rule.is_alert and not re.fullmatch(r"[A-Z][a-zA-Z0-9]+", rule.name):
            yield rule.where, f"an alert named {rule.name or '(nothing)'}", "name it in CamelCase, from its component"
        if (
            not rule.is_alert
            and not re.fullmatch(r"[a-z_][\w]*(:[\w]+)+", rule.name)
            and not rule.name.endswith("_info")
        ):
            yield rule.where, f"a series recorded as {rule.name or '(nothing)'}", "name it level:metric:operation"


RULES = (
    Rule(
        "group/interval",
        "groups are evaluated each five minutes or more often",
        "Between, the series is gone.",
        interval,
    ),
    Rule(
        "rule/dependency",
        "recorded series that rules read are recorded before them, in the same group",
        "Otherwise they read the last evaluation's, and disagree with what is beside them.",
        dependency,
    ),
    Rule(
        "rule/siblings",
        "what is recorded over several windows is recorded alike over each",
        "One window that counts otherwise makes an alert of two windows a matter of luck.",
        siblings,
    ),
    Rule(
        "rule/duplicate", "no two rules give the same series", "Prometheus keeps one of the two, at random.", duplicate
    ),
    Rule("rule/for", "alerts wait a day at most, and one evaluation at least", "A longer wait never ends.", waits),
    Rule(
        "rule/label",
        f"severity is one of {', '.join(SEVERITIES)}",
        "An unknown severity is routed nowhere.",
        labels,
    ),
    Rule("rule/name", "AlertsLikeThis and level:metric:operation", "The name says what it is about.", names),
)
