"""Rules about alerts and rule files, after the checks of pint that need no server."""

from __future__ import annotations

import re
from collections import Counter
from math import prod

import promql_parser as pp

from dashboards.check import flow, promql
from dashboards.check.model import Found, Rule, at, listing, mapping
from dashboards.check.names import PERHAPS
from dashboards.check.query import SCRAPE_S
from dashboards.check.view import PromRule, View

SEVERITIES = ("critical", "warning", "info")
ANNOTATIONS = ("summary", "description", "runbook_url")
MOST_ALERTS = 60
"""Alerts that one rule may raise for one process at once."""

_LABEL = re.compile(r"(?:\$labels|\.Labels)\.(\w+)|index\s+(?:\$labels|\.Labels)\s+\"(\w+)\"")
_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_FUNCTIONS = frozenset(
    (
        *(
            "query",
            "first",
            "label",
            "value",
            "strvalue",
            "sortByLabel",
            "humanize",
            "humanize1024",
            "humanizeDuration",
        ),
        *("humanizePercentage", "humanizeTimestamp", "toTime", "title", "toUpper", "toLower", "stripPort", "match"),
        *("reReplaceAll", "graphLink", "tableLink", "parseDuration", "stripDomain", "safeHtml", "externalURL", "args"),
        *(
            "tmpl",
            "pathPrefix",
            "printf",
            "print",
            "println",
            "len",
            "index",
            "and",
            "or",
            "not",
            "eq",
            "ne",
            "lt",
            "le",
        ),
        *("gt", "ge", "html", "js", "urlquery", "slice", "call", "if", "else", "end", "range", "with", "define"),
        *("template", "block", "true", "false", "nil", "toDuration", "now", "urlQueryEscape", "break", "continue"),
    )
)


def absent(view: View) -> Found:
    """Alerts for what is missing wait for two scrapes."""
    for rule, query in view.of_rules:
        asks = any(node.func.name in {"absent", "absent_over_time"} for node, _ in query.calls)
        if rule.is_alert and asks and _seconds(rule.raw.get("for")) < 2 * SCRAPE_S:
            found = f"it fires {_seconds(rule.raw.get('for')):g} s after a series is missing"
            yield rule.where, found, f"set for to {2 * SCRAPE_S}s or more: after a restart all is missing for a scrape"


def annotation(view: View) -> Found:
    """Alerts say what is the matter in a fixed sentence, with values in another, and where to read on."""
    for rule in view.alerts:
        for name in ANNOTATIONS:
            if not rule.annotations.get(name, "").strip():
                yield rule.where, f"no annotation {name}", f"write {name}"
        if "{{" in rule.annotations.get("summary", ""):
            yield rule.where, "the summary has values", "move them to the description: notifications are grouped by it"


def comparison(view: View) -> Found:
    """Alerts compare: what they select does not fire by being there."""
    for rule, query in view.of_rules:
        if rule.is_alert and not _is_condition(query.root):
            yield rule.where, "it fires whatever the value is", "compare with a number"


def _is_condition(node: pp.Expr) -> bool:
    node = promql.bare(node)
    match node:
        case pp.Call():
            is_presence = node.func.name in {"absent", "absent_over_time"}
            return is_presence or any(_is_condition(each) for each in node.args if promql.is_vector(each))
        case pp.AggregateExpr():
            return _is_condition(node.expr)
        case pp.BinaryExpr():
            sides = [_is_condition(node.lhs), _is_condition(node.rhs)]
            if promql.operator(node) == "or":
                return all(sides)
            return promql.is_filter(node) or any(sides) or promql.operator(node) == "unless"
    return False


def count(view: View) -> Found:
    """One cause does not raise more alerts than anybody reads."""
    for rule, query in view.of_rules:
        if not rule.is_alert:
            continue
        result = flow.labels(query.root, view.known)
        sizes = [len(values) for label, values in _values(view, query).items() if label in result.may and values]
        if "le" in result.always:
            yield rule.where, "an alert for each bucket", "aggregate le away"
        elif prod(sizes) > MOST_ALERTS and not result.is_open:
            yield rule.where, f"up to {prod(sizes)} alerts at once for one process", "aggregate by fewer labels"


def _values(view: View, query: promql.Query) -> dict[str, tuple[str, ...]]:
    """The values that labels may have, by the selectors' matchers fewer."""
    every = dict[str, tuple[str, ...]]()
    for selector, _ in query.selectors:
        known = view.known.get(promql.name_of(selector))
        fixed = promql.pinned(selector)
        for label, values in known.labels.items() if known else ():
            own = (fixed[label],) if label in fixed else values
            every[label] = own if label not in every or len(own) < len(every[label]) else every[label]
    return every


def waits(view: View) -> Found:
    """`for` and `keep_firing_for` are times, and not the zero that they are anyway."""
    for rule in view.alerts:
        for key in ("for", "keep_firing_for"):
            value = rule.raw.get(key)
            if value is None:
                continue
            if promql.duration_s(str(value)) is None:
                yield rule.where, f"{key}: {value} is no duration", "write it as 5m"
            elif _seconds(value) == 0:
                yield rule.where, f"{key}: {value}", f"remove {key}: it is zero anyway"


def template(view: View) -> Found:
    """Texts of alerts name labels that are left, functions that there are, and close what they open."""
    for rule, query in view.of_rules:
        if not rule.is_alert:
            continue
        result = flow.labels(query.root, view.known)
        for place, texts in (("label", rule.labels), ("annotation", rule.annotations)):
            for name, text in texts.items():
                for found, todo in _in_text(text, result, place):
                    yield rule.where, f"{place} {name}: {found}", todo


def _in_text(text: str, result: flow.Labels, place: str) -> list[tuple[str, str]]:
    wrong = list[tuple[str, str]]()
    if text.count("{{") != text.count("}}"):
        wrong.append(("braces do not balance", "close every {{ with }}"))
    for one, other in _LABEL.findall(text):
        if not result.can_have(one or other):
            left = ", ".join(sorted(result.may - PERHAPS)) or "none"
            wrong.append((f"{one or other} is not left by the expression ({left})", "keep it, or name another"))
    for action in _ACTION.findall(text):
        without = re.sub(r'"(?:\\.|[^"\\])*"|`[^`]*`|[$.][\w.]+', " ", action)
        wrong += [
            (f"{word} is no function of Prometheus' templates", "correct the name")
            for word in re.findall(r"[A-Za-z_]\w*", without)
            if word not in _FUNCTIONS
        ]
    if place == "label" and re.search(r"\$value|\.Value", text):
        wrong.append(("the value", "name it in an annotation: a label that changes makes a new alert each time"))
    return wrong


def fragile(view: View) -> Found:
    """Alerts do not hang on a choice of series, nor on two jobs being scraped at once."""
    for rule, query in view.of_rules:
        if not rule.is_alert:
            continue
        for node, _ in query.aggregations:
            if promql.operator(node) in promql.CHOOSING:
                yield rule.where, f"{promql.operator(node)} chooses other series each time", "compare all of them"
        for one, _ in query.operations:
            jobs = [_jobs(each) for each in (one.lhs, one.rhs)]
            if all(jobs) and jobs[0] != jobs[1] and not _seconds(rule.raw.get("for")) and _is_arithmetic(one):
                yield rule.where, "it compares two jobs at once", "set for: after a restart one is scraped first"


def _jobs(node: pp.Expr) -> frozenset[str]:
    return frozenset(job for each in promql.selectors_in(node) if (job := promql.pinned(each).get("job")))


def _is_arithmetic(node: pp.BinaryExpr) -> bool:
    return promql.operator(node) not in promql.COMPARISONS | promql.SET_OPERATORS


def volume(view: View) -> Found:
    """What an alert demands besides, that enough has happened, is a least number."""
    for rule, query in view.of_rules:
        for node, _ in query.operations if rule.is_alert else ():
            beside = promql.bare(node.rhs)
            if promql.operator(node) != "and" or not isinstance(beside, pp.BinaryExpr):
                continue
            is_most = promql.is_filter(beside) and promql.operator(beside) in {"<", "<="}
            if is_most and promql.constant(beside.rhs) is not None and _is_count(beside.lhs):
                found = f"it looks away when more than {promql.constant(beside.rhs):g} happen"
                yield rule.where, found, "demand at least so many: > or >="


def windows(view: View) -> Found:
    """An alert that looks at one share over two windows compares both alike."""
    for rule, query in view.of_rules:
        compared: dict[str, set[tuple[str, float]]] = {}
        for series, sign, number in promql.comparisons(query) if rule.is_alert else ():
            named = promql.bare(series)
            stem = _stem(promql.name_of(named)) if isinstance(named, pp.VectorSelector) else ""
            value = promql.constant(number)
            if stem and value is not None:
                compared.setdefault(stem, set()).add((sign, round(value, 12)))
        for stem, pairs in compared.items():
            if len(pairs) > 1:
                said = " and ".join(f"{sign} {value:g}" for sign, value in sorted(pairs))
                yield rule.where, f"{stem} is compared with {said}", "compare both windows alike"


def _stem(name: str) -> str:
    """A recorded series' name without the window at its end; empty for one that has none."""
    stem = re.sub(r"\d+(?:ms|[smhdwy])$", "", name)
    return stem if stem != name and ":" in name else ""


def _is_count(node: pp.Expr) -> bool:
    """Whether a part adds up how often something happened."""
    node = promql.bare(node)
    if isinstance(node, pp.Call):
        return node.func.name == "increase"
    parts = promql.children(node) if isinstance(node, pp.AggregateExpr | pp.BinaryExpr) else ()
    return bool(parts) and all(_is_count(each) for each in parts)


def interval(view: View) -> Found:
    """Groups are evaluated within the five minutes after which a series is stale."""
    for path, document in view.documents.rules.items():
        for group in listing(mapping(document).get("groups")):
            seconds = _seconds(group.get("interval"))
            stays = all(
                _seconds(r.get("keep_firing_for")) >= seconds for r in listing(group.get("rules")) if "alert" in r
            )
            records = any("record" in each for each in listing(group.get("rules")))
            if seconds > 300 and (records or not stays):
                where = at(path, f"group {group.get('name', '?')}")
                yield where, f"evaluated each {seconds:g} s", "set interval to 5m or less: after that a series is stale"


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
        stem = _stem(rule.name)
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


def rule_for(view: View) -> Found:
    """An alert waits no longer than a day, and longer than its group's evaluation if at all."""
    for rule in view.alerts:
        wait, pace = _seconds(rule.raw.get("for")), _seconds(rule.group.get("interval"))
        if wait > 86_400:
            yield rule.where, f"for: {rule.raw.get('for')}", "wait a day at most: a restart of Prometheus may forget it"
        elif 0 < wait < pace:
            yield (
                rule.where,
                f"for: {rule.raw.get('for')}, evaluated each {pace:g} s",
                "wait for one evaluation at least",
            )


def rule_label(view: View) -> Found:
    """Alerts have a severity that routing knows."""
    for rule in view.alerts:
        severity = rule.labels.get("severity", "")
        if severity not in SEVERITIES:
            yield rule.where, f"severity {severity or '(none)'}", f"set one of {', '.join(SEVERITIES)}"
        for name in rule.labels:
            if name in {"alertname", "alertstate", "__name__"}:
                yield rule.where, f"label {name} is Prometheus' own", "name it otherwise"


def rule_name(view: View) -> Found:
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


def _seconds(value: object) -> float:
    """A duration in seconds; 0 for none and for what is none."""
    return promql.duration_s(str(value or "")) or 0.0


RULES = (
    Rule(
        "alerts/absent", "alerts by absent() wait for two scrapes", "After a restart everything is absent once.", absent
    ),
    Rule(
        "alerts/annotation",
        "summary (a fixed sentence), description and runbook_url",
        "What a woken person reads first.",
        annotation,
    ),
    Rule(
        "alerts/comparison",
        "alerts compare",
        "Without a comparison it fires as soon as the series is there.",
        comparison,
    ),
    Rule(
        "alerts/count",
        f"one cause raises at most {MOST_ALERTS} alerts for a process, none for each bucket",
        "A hundred pages for one cause hide the second cause.",
        count,
    ),
    Rule(
        "alerts/windows",
        "one share over two windows is compared with one number",
        "The short window is there to end the alert of the long one, not to judge otherwise.",
        windows,
    ),
    Rule(
        "alerts/volume",
        "a second condition on how much happened is a least number",
        "Turned round, it is silent when it matters.",
        volume,
    ),
    Rule("alerts/for", "for and keep_firing_for are durations above zero", "Prometheus refuses the file.", waits),
    Rule(
        "alerts/template",
        "labels in texts are left by the expression; functions exist; no value in a label",
        "`on  of ` in a notification says that something is wrong with the alert.",
        template,
    ),
    Rule(
        "promql/fragile",
        "alerts do not choose series (topk) nor set two jobs against each other without a wait",
        "They flap: each evaluation is about other series.",
        fragile,
    ),
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
    Rule("rule/for", "alerts wait a day at most, and one evaluation at least", "A longer wait never ends.", rule_for),
    Rule(
        "rule/label",
        f"severity is one of {', '.join(SEVERITIES)}",
        "An unknown severity is routed nowhere.",
        rule_label,
    ),
    Rule("rule/name", "AlertsLikeThis and level:metric:operation", "The name says what it is about.", rule_name),
)
