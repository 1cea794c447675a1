"""Rules about alerts, after the checks of pint that need no server."""

from __future__ import annotations

import re
from math import prod

import promql_parser as pp

from dashboards.check import flow, promql
from dashboards.check.model import Found, Rule
from dashboards.check.names import PERHAPS
from dashboards.check.query import SCRAPE_S
from dashboards.check.view import View

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
        if rule.is_alert and asks and seconds(rule.raw.get("for")) < 2 * SCRAPE_S:
            found = f"it fires {seconds(rule.raw.get('for')):g} s after a series is missing"
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
            elif seconds(value) == 0:
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
            if all(jobs) and jobs[0] != jobs[1] and not seconds(rule.raw.get("for")) and _is_arithmetic(one):
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
            stem = stem_of(promql.name_of(named)) if isinstance(named, pp.VectorSelector) else ""
            value = promql.constant(number)
            if stem and value is not None:
                compared.setdefault(stem, set()).add((sign, round(value, 12)))
        for stem, pairs in compared.items():
            if len(pairs) > 1:
                said = " and ".join(f"{sign} {value:g}" for sign, value in sorted(pairs))
                yield rule.where, f"{stem} is compared with {said}", "compare both windows alike"


def stem_of(name: str) -> str:
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


def seconds(value: object) -> float:
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
)
