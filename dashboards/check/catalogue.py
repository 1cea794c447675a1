"""Rules that hold every query against the catalogue: names, labels, values, bounds, types and units."""

from __future__ import annotations

import re
from collections.abc import Iterator

import promql_parser as pp

from contracts.telemetry import OTHER
from dashboards.check import flow, promql, units, variables
from dashboards.check.model import Found, Rule, listing, mapping
from dashboards.check.names import PERHAPS, Series
from dashboards.check.target import is_counter
from dashboards.check.view import Asked, Target, View

_ANYTHING = frozenset(["", ".+", ".*"])


def series(view: View) -> Found:
    """Every metric is one that the proxy, the mock, a rule or Prometheus itself gives."""
    for asked, query in view.read:
        for selector, _ in query.selectors:
            name = promql.name_of(selector)
            is_known = name in view.known or name in view.documents.elsewhere
            if name and not is_known and variables.PLACEHOLDER not in name:
                yield asked.where, f"nothing is called {name}{_hint(view, name)}", "take a name of the catalogue"


def _hint(view: View, name: str) -> str:
    """The names that a wrong one may stand for: with another ending, or a letter off."""
    from difflib import get_close_matches  # noqa: PLC0415 - only where something is wrong

    close = get_close_matches(name, view.known, n=1, cutoff=0.8)
    return f"; {close[0]} is" if close else ""


def _known(view: View) -> Iterator[tuple[Asked, promql.Vector, Series]]:
    for asked, query in view.read:
        for selector, _ in query.selectors:
            if (one := view.known.get(promql.name_of(selector))) is not None:
                yield asked, selector, one


def labels(view: View) -> Found:
    """Matchers name labels that the series carry."""
    for asked, selector, one in _known(view):
        for match in promql.matches(selector):
            label = match.label
            is_known = label in one.labels or label in PERHAPS or label == "__name__" or one.is_open
            if not is_known and variables.PLACEHOLDER not in label:
                todo = f"{one.name} has {', '.join(sorted(one.labels))}"
                yield asked.where, f"{one.name} has no label {label}", todo


def grouped(view: View) -> Found:
    """Aggregations name labels that are left to aggregate by."""
    for asked, query in view.read:
        for node, _ in query.aggregations:
            if node.modifier is None:
                continue
            inner = flow.labels(node.expr, view.known)
            for label in node.modifier.labels:
                if not inner.can_have(label) and variables.PLACEHOLDER not in label:
                    left = ", ".join(sorted(inner.may - PERHAPS)) or "none"
                    yield (
                        asked.where,
                        f"it aggregates by {label}, and the labels are {left}",
                        f"remove or correct {label}",
                    )


def values(view: View) -> Found:
    """Matchers name values that the catalogue lists, or that rules give."""
    for asked, selector, one in _known(view):
        for match in promql.matches(selector):
            listed = one.labels.get(match.label, ())
            if not listed or match.label == "le" or variables.PLACEHOLDER in match.value:
                continue
            for part in _parts(match):
                if not _occurs(part, match.operator, (*listed, OTHER, "")):
                    found = f"{match} of {one.name}: {part!r} is no value of {match.label}"
                    yield asked.where, found, f"take one of {', '.join(each or '(empty)' for each in listed)}"


def _parts(match: promql.Match) -> list[str]:
    """What a matcher asks for, one by one: an alternative that matches nothing is as wrong as a value."""
    is_simple = match.operator in {"=~", "!~"} and "(" not in match.value
    return match.value.split("|") if is_simple else [match.value]


def _occurs(part: str, operator: str, listed: tuple[str, ...]) -> bool:
    if operator in {"=", "!="}:
        return part in listed
    try:
        return any(re.fullmatch(part, each) for each in listed)
    except re.error:
        return True  # another rule's business


def bounds(view: View) -> Found:
    """Matchers of `le` name a bound that the histogram has, written so that both exporters match."""
    for asked, selector, one in _known(view):
        for match in promql.matches(selector):
            if match.label != "le" or one.kind != "bucket" or not one.buckets:
                continue
            listed = [f"{each:g}" for each in one.buckets]
            if re.fullmatch(r"\d+(\.0)?", match.value):
                yield asked.where, f"{match}: a whole number", 'some write le="1", some le="1.0": take another bound'
            elif match.value != "+Inf" and not _is_bound(match, listed):
                yield asked.where, f"{match} of {one.name}: no such bound", f"take one of {', '.join(listed)}"


def _is_bound(match: promql.Match, listed: list[str]) -> bool:
    if match.operator in {"=", "!="}:
        return match.value in listed
    return _occurs(match.value, match.operator, tuple(listed))


def quantiles(view: View) -> Found:
    """histogram_quantile reads buckets, with `le` left, at a share between 0 and 1."""
    for asked, query in view.read:
        for node, _ in query.calls:
            if node.func.name != "histogram_quantile":
                continue
            share, inner = promql.constant(node.args[0]), node.args[1]
            if share is not None and not 0 <= share <= 1:
                yield asked.where, f"the quantile {share:g}", "take a share between 0 and 1"
            if not flow.labels(inner, view.known).can_have("le"):
                yield asked.where, "the buckets' bounds are aggregated away", "keep le: sum by (le, ...)"
            for name in sorted({promql.name_of(each) for each in promql.selectors_in(inner)}):
                known = view.known.get(name)
                if known is not None and known.kind != "bucket":
                    yield asked.where, f"a quantile of {name}, which has no buckets", f"take {known.family}_bucket"
            if not _is_rate(inner):
                yield asked.where, "a quantile over all that ever was", "take the rate of the buckets"


def _is_rate(node: pp.Expr) -> bool:
    calls = [each for each in _walk(node) if isinstance(each, pp.Call)]
    names = [promql.name_of(each) for each in promql.selectors_in(node)]
    return any(call.func.name in promql.COUNTER_FUNCTIONS for call in calls) or all(":" in name for name in names)


def _walk(node: pp.Expr) -> Iterator[pp.Expr]:
    yield node
    for child in promql.children(node):
        yield from _walk(child)


def kinds(view: View) -> Found:
    """Rates are of counters, and functions of gauges are of gauges."""
    for asked, query in view.read:
        for node, _ in query.calls:
            name = node.func.name
            for selector in promql.selectors_in(node) if _reads_window(node) else ():
                metric = promql.name_of(selector)
                known = view.known.get(metric)
                if name in promql.COUNTER_FUNCTIONS and known is not None and known.kind == "gauge":
                    yield asked.where, f"{name} of {metric}, a gauge", "take delta or deriv, or read it as it stands"
                if name in promql.GAUGE_FUNCTIONS and is_counter(view, metric):
                    yield asked.where, f"{name} of {metric}, a counter", "take rate or increase: a restart is no fall"


def _reads_window(node: pp.Call) -> bool:
    return bool(node.args) and isinstance(promql.bare(node.args[0]), pp.MatrixSelector)


def added_up(view: View) -> Found:
    """What processes each have a part of is added up in panels; what each says of the same whole is not."""
    for target, query in view.of_targets:
        for node, _ in query.aggregations:
            operator = promql.operator(node)
            if operator not in _ADDS or "instance" in flow.labels(node, view.known).may:
                continue
            for name in sorted(set(_aggregated(node))):
                adds_up = view.known[name].adds_up if name in view.known else None
                if adds_up is not None and adds_up is not _ADDS[operator]:
                    found = f"{operator} of {name} over all processes"
                    todo = "add up: each process has a part" if adds_up else "take max or min: each tells of the whole"
                    yield target.where, found, todo


_ADDS = {"sum": True, "max": False, "min": False, "avg": False}


def _aggregated(node: pp.AggregateExpr) -> Iterator[str]:
    """The series that an aggregation is the first to put together; what is calculated of several is its own affair."""
    waiting = [node.expr]
    while waiting:
        each = waiting.pop()
        if isinstance(each, pp.VectorSelector):
            yield promql.name_of(each)
        elif not isinstance(each, pp.AggregateExpr | pp.BinaryExpr):
            waiting += promql.children(each)


def unit(view: View) -> Found:
    """The unit of a panel can show what its query measures."""
    for target, query in view.of_targets:
        for shown, measured in _measures(target, query, view):
            if measured is None:
                continue
            why = units.misfit(shown, measured.powers, measured.factor)
            if why and (units.exists(shown) or not shown):
                yield target.where, why, "correct the unit, or the query"


def _measures(target: Target, query: promql.Query, view: View) -> Iterator[tuple[str, flow.Unit | None]]:
    """Each unit that a panel shows for a query, with what it measures: of a heatmap, on its axis and in its cells."""
    if target.panel.type != "heatmap":
        yield from ((shown, flow.unit(query.root, view.known)) for shown in _shown(target))
        return
    options = mapping(target.panel.raw.get("options"))
    if axis := str(mapping(options.get("yAxis")).get("unit") or ""):
        yield axis, _of_buckets(query, view)
    if cells := str(mapping(options.get("cellValues")).get("unit") or ""):
        yield cells, flow.unit(query.root, view.known)


def _of_buckets(query: promql.Query, view: View) -> flow.Unit | None:
    """What a histogram's bounds measure."""
    names = {promql.name_of(each) for each, _ in query.selectors}
    sums = [known for each in names if (known := view.known.get(each.removesuffix("_bucket") + "_sum"))]
    return flow.base_unit(sums[0]) if sums else None


def _shown(target: Target) -> Iterator[str]:
    """The unit of a query's answer: an override for its letter or legend wins over the default."""
    panel = target.panel
    for override in panel.overrides:
        matcher = mapping(override.get("matcher"))
        by, wanted = matcher.get("id"), str(matcher.get("options") or "")
        names = {target.legend, f"Value #{target.ref}", *(["Value"] if len(panel.targets) == 1 else [])}
        is_ours = (by == "byFrameRefID" and wanted == target.ref) or (
            by == "byName" and wanted in names | _renamed(target)
        )
        for each in listing(override.get("properties")):
            if is_ours and each.get("id") == "unit":
                yield str(each.get("value") or "")
                return
    is_bare = not panel.unit and (panel.type == "table" or bool(panel.defaults.get("mappings")))
    if not is_bare:
        yield panel.unit


def _renamed(target: Target) -> set[str]:
    """What the panel renames a table's column of values to."""
    names = {f"Value #{target.ref}", *(["Value"] if len(target.panel.targets) == 1 else [])}
    return {
        str(new)
        for each in listing(target.panel.raw.get("transformations"))
        for old, new in mapping(mapping(each.get("options")).get("renameByName")).items()
        if old in names
    }


RULES = (
    Rule(
        "promql/series",
        "every metric is in the catalogue, recorded by a rule, or Prometheus' own",
        "The commonest fault of shipped dashboards: a name that nobody emits, a suffix that was changed.",
        series,
    ),
    Rule(
        "names/label",
        "matchers name labels that the metric carries",
        "A matcher of a label that is not there matches nothing, or everything.",
        labels,
    ),
    Rule(
        "names/grouping",
        "aggregations name labels that are left",
        "Grouping by a label that is not there is one group, without a word.",
        grouped,
    ),
    Rule(
        "names/value",
        "matchers name values that the catalogue lists; each alternative of a pattern matches one",
        'reason="complete" is no error: it is nothing, and a ratio of nothing is no data.',
        values,
    ),
    Rule(
        "names/bound",
        "matchers of le name a bound of the histogram, and no whole number",
        'The bound 1 is le="1" on one way and le="1.0" on the other; a bound that is not there is an empty objective.',
        bounds,
    ),
    Rule(
        "names/quantile",
        "quantiles are of rates of buckets with le left, at a share between 0 and 1",
        "Without le the answer is NaN; without a rate it is the average of the process's life.",
        quantiles,
    ),
    Rule(
        "names/added-up",
        "panels add up the counts of processes, and not their states",
        "The largest of several processes' counts is one process; the sum of their states is no state.",
        added_up,
    ),
    Rule(
        "names/kind",
        "rate and increase are of counters; delta, deriv and the like are of gauges",
        "The rate of a gauge counts each fall as a restart.",
        kinds,
    ),
    Rule(
        "names/unit",
        "a panel's unit fits what the query measures, by the catalogue's units and what the query does with them",
        "Milliseconds that are seconds are off by a thousand, and look plausible.",
        unit,
    ),
)
