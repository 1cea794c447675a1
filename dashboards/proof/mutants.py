"""Mutants: dashboards and rules with one mistake each, of the kinds that people make.

Each is made systematically: an operator is applied wherever it can be, so that every query, panel and rule has several.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dashboards.proof.board import slug_of

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed document.

    kind: the operator's name.   file: `streaming.json` or `proxy.yaml`.   where: the address of the panel and the
    letter of its query, or the rule.   change: what was, and what is now.   document: all of it.
    """

    kind: str
    file: str
    where: str
    change: str
    document: Json


Change = tuple[str, str]
"""What a text becomes, and how that is told."""

Operator = Callable[[str], Iterator[Change]]


# --- texts: PromQL and legends


def _each(pattern: str, replacement: str | Callable[[re.Match[str]], str]) -> Operator:
    """Every place that fits, one after the other."""
    compiled = re.compile(pattern)

    def apply(text: str) -> Iterator[Change]:
        for found in compiled.finditer(text):
            new = found.expand(replacement) if isinstance(replacement, str) else replacement(found)
            if new != found[0]:
                yield text[: found.start()] + new + text[found.end() :], f"`{found[0]}` becomes `{new}`"

    return apply


def _first(operator: Operator) -> Operator:
    """The first place alone: the others would be the same mistake."""

    def apply(text: str) -> Iterator[Change]:
        for change in operator(text):
            yield change
            return

    return apply


_METRIC = r"\b((?:cortex|http|gen_ai|process)_[a-z0-9_]{3,}|slo:[a-z0-9_:]+)(?=[{\[ )]|$)"
_OWN = r"(?!job=|instance=|le=)"
_OTHER_LABEL = r"(\b(?!job\b|instance\b)\w+)"

_NO_QUANTILE = r"(?s)^((?!.*histogram_quantile).*?)"
"""Of the increase, a quantile is what it is of the rate: that would be no mistake."""

QUERY_OPERATORS: Mapping[str, Operator] = {
    "rename a metric": _first(_each(_METRIC, r"\1_x")),
    "drop a suffix": _first(_each(r"_(total|bucket|count|sum)(?=[{\[])", "")),
    "drop the job": _first(_each(r'job=~"\$job",?', "")),
    "drop a matcher": _each(rf'\b{_OWN}\w+(=~|!=|!~|=)"[^"]*"', ""),
    "turn a matcher round": _first(
        _each(
            rf'\b{_OWN}(\w+)(=~|!=|!~|=)(?=")',
            lambda found: found[1] + {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}[found[2]],
        )
    ),
    "misspell a value": _first(_each(rf'(\b{_OWN}\w+(?:=~|!=|!~|=)"[a-z_0-9]+)', r"\1x")),
    "misspell a variable": _first(_each(r"\$(job|instance|__rate_interval|__range|__interval)\b", r"$\1s")),
    "forget a label of by": _each(
        rf"\bby \(([^)]*?){_OTHER_LABEL}(?:, )?([^)]*?)\)", lambda found: _without(found[0], found[2])
    ),
    "misspell a label of by": _first(_each(rf"(\bby \([^)]*?){_OTHER_LABEL}", r"\1\2x")),
    "take the increase for the rate": _first(_each(_NO_QUANTILE + r"\brate\(", r"\1increase(")),
    "take the rate for the increase": _first(_each(r"\bincrease\(", "rate(")),
    "take another window": _first(_each(r"\[\$__(?:rate_interval|range)\]", "[1h]")),
    "take another quantile": _first(
        _each(r"histogram_quantile\((0\.\d+)", lambda found: f"histogram_quantile({1 - float(found[1]):.2g}")
    ),
    "turn a comparison round": _first(
        _each(
            r"(?<= )(>=|<=|>|<|==)(?= )", lambda found: {">": "<", "<": ">", ">=": "<", "<=": ">", "==": "!="}[found[1]]
        )
    ),
    "forget what is subtracted from": _first(_each(r"^1 - ", "")),
    "divide by the wrong thing": _first(_each(r"(?<=[)\s])/(?=[\s(])", "*")),
    "take the largest for the sum": _first(_each(r"\bsum\b", "max")),
    "take the sum for the largest": _first(_each(r"\b(?:max|min)\b(?= by| \(|\()", "sum")),
}
"""Mistakes in a query."""

RULE_OPERATORS: Mapping[str, Operator] = {
    **{
        name: operator
        for name, operator in QUERY_OPERATORS.items()
        if name not in ("drop the job", "misspell a variable", "take another window")
    },
    "double a window": _first(_each(r"\[(\d+)([smhd])\]", lambda found: f"[{2 * int(found[1])}{found[2]}]")),
    "shift a threshold": _each(
        r"(?<=[<>] )(\d+(?:\.\d+)?)(?! \*)|(?<=[<>]= )(\d+(?:\.\d+)?)", lambda found: f"{float(found[0]) * 3 + 1:g}"
    ),
    "burn another factor": _first(_each(r"(?<=> )(\d+(?:\.\d+)?)(?= \*)", lambda found: f"{float(found[1]) / 3:g}")),
    "forget a condition": _first(_each(r"(?s)\nand .*$|\nand\n.*$", "")),
}
"""Mistakes in the expression of a rule."""


def _without(clause: str, label: str) -> str:
    """A `by (...)` without one of its labels."""
    inside = clause[clause.index("(") + 1 : -1]
    kept = [each for each in inside.split(", ") if each != label]
    return f"by ({', '.join(kept)})"


# --- dashboards


def of_dashboard(slug: str, document: Json) -> Iterator[Mutant]:
    """Every mutant of a dashboard: of its queries, its panels, its variables and itself."""
    file = f"{slug}.json"
    for path, panel in _panels(document):
        address = f"{slug}/{slug_of(str(panel.get('title', '')))}"
        for number, target in enumerate(panel.get("targets") or []):
            for kind, changed, change in _of_query(target):
                where = f"{address} > {target.get('refId', '?')}"
                yield Mutant(kind, file, where, change, _with(document, (*path, "targets", number), changed))
        for kind, changed, change in _of_panel(panel):
            yield Mutant(kind, file, address, change, _with(document, path, changed))
    for number, variable in enumerate((document.get("templating") or {}).get("list") or []):
        for kind, changed, change in _of_variable(variable):
            where = f"{slug} > variable {variable['name']}"
            yield Mutant(kind, file, where, change, _with(document, ("templating", "list", number), changed))
    for number, note in enumerate((document.get("annotations") or {}).get("list") or []):
        for expr, change in QUERY_OPERATORS["rename a metric"](str(note.get("expr", ""))):
            changed = {**note, "expr": expr}
            where = f"{slug} > annotation {note.get('name', number)}"
            place = ("annotations", "list", number)
            yield Mutant("rename a metric", file, where, change, _with(document, place, changed))
    for key, value in (("uid", "somewhere-else"), ("editable", True), ("tags", [])):
        yield Mutant(f"change {key}", file, slug, f"`{key}` becomes `{value}`", {**document, key: value})


def _panels(document: Json) -> Iterator[tuple[tuple[str | int, ...], Json]]:
    for number, panel in enumerate(document.get("panels") or []):
        if panel.get("targets"):
            yield ("panels", number), panel
        for inner, each in enumerate(panel.get("panels") or []):
            if each.get("targets"):
                yield ("panels", number, "panels", inner), each


def _with(document: Json, path: tuple[str | int, ...], value: object) -> Json:
    """A copy with something else at one place; what lies beside the way is shared."""
    top: Json = copy.copy(document)
    inner: Any = top
    for step in path[:-1]:
        inner[step] = copy.copy(inner[step])
        inner = inner[step]
    inner[path[-1]] = value
    return top


def _of_query(target: Json) -> Iterator[tuple[str, Json, str]]:
    expr = str(target.get("expr", ""))
    for kind, operator in QUERY_OPERATORS.items():
        for changed, change in operator(expr):
            yield kind, {**target, "expr": changed}, change
    legend = str(target.get("legendFormat") or "")
    for changed, change in _first(_each(r"\{\{\s*\w+\s*\}\}", ""))(legend):
        yield "drop a legend's label", {**target, "legendFormat": changed}, change
    for changed, change in _first(_each(r"(\{\{\s*\w+)(\s*\}\})", r"\1x\2"))(legend):
        yield "misspell a legend's label", {**target, "legendFormat": changed}, change


_OTHER_UNIT = {"s": "ms", "percentunit": "percent", "reqps": "s", "bytes": "s", "short": "s", "currencyUSD": "bytes"}


def _of_panel(panel: Json) -> Iterator[tuple[str, Json, str]]:
    targets, config = panel["targets"], panel.get("fieldConfig") or {}
    defaults = config.get("defaults") or {}
    if len(targets) > 1:
        yield "delete a query", {**panel, "targets": targets[:-1]}, f"`{targets[-1].get('refId')}` is gone"
    yield "delete every query", {**panel, "targets": []}, "it asks nothing"
    if unit := defaults.get("unit"):
        other = _OTHER_UNIT.get(unit, "dtdurations")
        yield "change a unit", _defaults(panel, unit=other), f"`{unit}` becomes `{other}`"
        if unit != "none":  # which is what a panel without a unit has
            yield "forget a unit", _defaults(panel, unit=""), f"`{unit}` is gone"
    steps = (defaults.get("thresholds") or {}).get("steps") or []
    if len(steps) > 1 and steps[-1].get("value"):
        shifted = [*steps[:-1], {**steps[-1], "value": steps[-1]["value"] * 1.5}]
        change = f"`{steps[-1]['value']}` becomes `{steps[-1]['value'] * 1.5}`"
        yield "shift a threshold", _defaults(panel, thresholds={**defaults["thresholds"], "steps": shifted}), change
    yield "forget the description", {**panel, "description": ""}, "it is gone"
    yield "forget the title", {**panel, "title": ""}, "it is gone"
    yield "ask a fixed data source", {**panel, "datasource": {"type": "prometheus", "uid": "P1"}}, "uid `P1`"
    if links := panel.get("links"):
        broken = [{**links[0], "url": str(links[0].get("url", "")).replace("/d/cortex-", "/d/cortx-")}, *links[1:]]
        if broken != links:
            yield "break a link", {**panel, "links": broken}, f"`{links[0].get('url')}` leads nowhere"


def _defaults(panel: Json, **changed: object) -> Json:
    config = panel["fieldConfig"]
    return {**panel, "fieldConfig": {**config, "defaults": {**config["defaults"], **changed}}}


def _of_variable(variable: Json) -> Iterator[tuple[str, Json, str]]:
    name = str(variable["name"])
    yield "rename a variable", {**variable, "name": f"{name}s"}, f"`{name}` becomes `{name}s`"
    if variable.get("type") != "query":
        return
    yield "reload a variable never", {**variable, "refresh": 0}, "`refresh` becomes `0`"
    yield "let All be nothing", {**variable, "allValue": ""}, "`allValue` is gone"
    query = variable.get("query")
    text = str(query.get("query")) if isinstance(query, dict) else str(query)
    for kind, operator in (
        ("rename a metric", _first(_each(_METRIC.replace(r"(?=[{\[ )]|$)", r"(?=[{,])"), r"\1_x"))),
        ("misspell a variable's label", _first(_each(r",\s*(\w+)\)$", r", \1x)"))),
    ):
        for changed, change in operator(text):
            new = {**query, "query": changed} if isinstance(query, dict) else changed
            yield kind, {**variable, "query": new, "definition": changed}, change


# --- rules


def of_rules(file: str, document: Json) -> Iterator[Mutant]:
    """Every mutant of a file of rules."""
    for group_number, group in enumerate(document["groups"]):
        for number, rule in enumerate(group["rules"]):
            for kind, changed, change in _of_rule(rule):
                place = ("groups", group_number, "rules", number)
                yield Mutant(kind, file, _name(rule), change, _with(document, place, changed))


def _name(rule: Json) -> str:
    labels = rule.get("labels", {})
    detail = labels.get("sloth_window") or labels.get("severity") or ""
    slo = labels.get("sloth_slo", "")
    return " ".join(part for part in (rule.get("alert") or rule.get("record"), slo, detail) if part)


def _of_rule(rule: Json) -> Iterator[tuple[str, Json, str]]:
    for kind, operator in RULE_OPERATORS.items():
        for changed, change in operator(rule["expr"]):
            yield kind, {**rule, "expr": changed}, change
    if "alert" not in rule:
        yield "rename a record", {**rule, "record": f"{rule['record']}_x"}, f"`{rule['record']}_x`"
        return
    if "for" in rule:
        yield "forget how long", {key: value for key, value in rule.items() if key != "for"}, "`for` is gone"
    severity = rule["labels"]["severity"]
    other = "info" if severity == "critical" else "critical"
    yield "change the severity", _labelled(rule, severity=other), f"`{severity}` becomes `{other}`"
    yield "rename an alert", {**rule, "alert": f"{rule['alert']}X"}, f"`{rule['alert']}X`"
    for key, value in rule["annotations"].items():
        broken = {
            **rule["annotations"],
            key: f"{value}x" if key != "description" else value.replace("$labels.", "$labels.x"),
        }
        if broken != rule["annotations"]:
            yield f"break {key}", {**rule, "annotations": broken}, f"`{key}` leads elsewhere"


def _labelled(rule: Json, **labels: str) -> Json:
    return {**rule, "labels": {**rule["labels"], **labels}}
