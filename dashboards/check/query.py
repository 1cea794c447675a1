"""Rules about PromQL wherever it stands, after the checks of pint that need no server."""

from __future__ import annotations

import re
from collections.abc import Iterator

import promql_parser as pp

from dashboards.check import flow, promql, variables
from dashboards.check.model import Found, Rule
from dashboards.check.names import PERHAPS
from dashboards.check.target import is_counter, raw_counters, selector_text
from dashboards.check.view import View

SCRAPE_S = 15
"""Seconds between scrapes of everything that is provisioned."""

_META = re.compile(r"[\\^$.|?*+()\[\]{}]")
_SPOILED = frozenset(["sum", "avg", "stddev", "stdvar"])


def syntax(view: View) -> Found:
    """Rules' queries parse."""
    for asked in view.asked:
        if asked.rule is not None and asked.query is None:
            yield asked.where, f"{asked.error}: {asked.text or '(empty)'}", "correct the expression"


def counter(view: View) -> Found:
    """Rules read counters as rates."""
    for rule, query in view.of_rules:
        for name in raw_counters(view, query):
            yield rule.where, f"{name} is a counter, and is read as it stands", "take its rate or its increase"


def rate(view: View) -> Found:
    """Rules' rates look back over several scrapes, and are not of what is already added up."""
    for rule, query in view.of_rules:
        for node, step in query.calls:
            if node.func.name not in promql.COUNTER_FUNCTIONS | promql.GAUGE_FUNCTIONS:
                continue
            window = promql.range_s(promql.Step(node.args[0], step.parents))
            if window is not None and window < 4 * SCRAPE_S:
                found = f"{node.func.name} over {window:g} s, with a scrape each {SCRAPE_S} s"
                yield rule.where, found, f"look back over {4 * SCRAPE_S} s or more"
            for selector in promql.selectors_in(node.args[0]):
                if node.func.name in promql.COUNTER_FUNCTIONS and ":" in promql.name_of(selector):
                    found = f"{node.func.name} of {promql.name_of(selector)}, which a rule records"
                    yield rule.where, found, "rate first, then add up: a sum of counters falls when one restarts"


def regexp(view: View) -> Found:
    """Patterns in matchers are patterns, without the anchors that Prometheus sets itself."""
    for asked, query in view.read:
        for selector, _ in query.selectors:
            for match in promql.matches(selector):
                if match.operator not in {"=~", "!~"} or variables.PLACEHOLDER in match.value:
                    continue
                if match.value.startswith("^") or (match.value.endswith("$") and not match.value.endswith("\\$")):
                    yield asked.where, f"{match}: anchors that Prometheus sets itself", "remove ^ and $"
                elif not _META.search(match.value):
                    yield (
                        asked.where,
                        f"{match}: a pattern of one value",
                        f'write {match.label}{match.operator[0]}="{match.value}"'.replace("==", "="),
                    )


def selector(view: View) -> Found:
    """Every selector names its metric."""
    for asked, query in view.read:
        for each, _ in query.selectors:
            if not promql.name_of(each):
                yield asked.where, f"{selector_text(each)} selects metrics of any name", "name the metric"


def aggregate(view: View) -> Found:
    """What rules give keeps the job."""
    for rule, query in view.of_rules:
        result = flow.labels(query.root, view.known)
        has_series = any(True for _ in query.selectors)
        if has_series and not result.can_have("job") and "job" not in rule.labels:
            yield rule.where, "the job is aggregated away", "aggregate by (job, ...): two installations are not one"


def features(view: View) -> Found:
    """Queries do without functions that a server must be started for."""
    for asked, query in view.read:
        for node, _ in query.calls:
            if node.func.experimental:
                yield asked.where, f"{node.func.name} is experimental", "do without: few servers switch it on"
        for one, _ in query.aggregations:
            if promql.operator(one) in {"limitk", "limit_ratio"}:
                yield asked.where, f"{promql.operator(one)} is experimental", "do without: few servers switch it on"


def offset(view: View) -> Found:
    """Queries do not look ahead."""
    for asked, query in view.read:
        for each, _ in query.selectors:
            if each.offset is not None and each.offset.total_seconds() < 0:
                yield asked.where, f"{selector_text(each)} looks ahead", "look back"


def nan(view: View) -> Found:
    """Sums do not take in quotients that may be divided by zero."""
    for asked, query in view.read:
        for node, _ in query.aggregations:
            if promql.operator(node) in _SPOILED:
                for each in _divisions(node.expr):
                    yield (
                        asked.where,
                        f"{promql.operator(node)} over a division by {_brief(each)}",
                        "guard the divisor: x / (y > 0)",
                    )


def _divisions(node: pp.Expr) -> Iterator[pp.Expr]:
    """Divisors within a part, up to the next aggregation, that may be zero."""
    if isinstance(node, pp.AggregateExpr | pp.VectorSelector):
        return
    if isinstance(node, pp.BinaryExpr) and promql.operator(node) in {"/", "%"} and not _is_guarded(node.rhs):
        yield node.rhs
    for child in promql.children(node):
        yield from _divisions(child)


def _is_guarded(node: pp.Expr) -> bool:
    node = promql.bare(node)
    is_clamped = isinstance(node, pp.Call) and node.func.name.startswith("clamp")
    return promql.constant(node) is not None or promql.is_filter(node) or is_clamped


def guard(view: View) -> Found:
    """A filter that guards a divisor keeps everything above zero."""
    for asked, query in view.read:
        for node, _ in query.operations:
            divisor = promql.bare(node.rhs)
            if promql.operator(node) != "/" or not isinstance(divisor, pp.BinaryExpr) or not promql.is_filter(divisor):
                continue
            sign, number = promql.operator(divisor), promql.constant(divisor.rhs)
            if number is not None and (number, sign) not in {(0.0, ">"), (0.0, "!=")}:
                found = f"a divisor that is kept where it is {sign} {number:g}"
                yield asked.where, found, "keep what is > 0: the rest vanishes without a word"


def _brief(node: pp.Expr) -> str:
    names = sorted({promql.name_of(each) for each in promql.selectors_in(node)})
    return ", ".join(names) or "zero"


def vector_matching(view: View) -> Found:
    """The two sides of an operation have labels by which they can meet, one series with one."""
    for asked, query in view.read:
        for node, _ in query.operations:
            if promql.is_vector(node.lhs) and promql.is_vector(node.rhs):
                yield from ((asked.where, found, todo) for found, todo in _mismatches(node, view))


def _mismatches(node: pp.BinaryExpr, view: View) -> Iterator[tuple[str, str]]:
    left, right = flow.labels(node.lhs, view.known), flow.labels(node.rhs, view.known)
    sign, modifier = promql.operator(node), node.modifier
    if sign == "or":
        return
    named = _named(modifier)
    for one, other, side in ((left, right, "right"), (right, left, "left")):
        for label in sorted(one.always - PERHAPS):
            if _takes_part(label, named) and not other.can_have(label):
                yield (
                    f"{sign}: the {side} side has no {label}, so nothing meets",
                    f"aggregate both by {label}, or match on what both have",
                )
    if sign not in promql.SET_OPERATORS:
        yield from _crowds(node, left, right, view)


def _named(modifier: pp.BinModifier | None) -> tuple[bool, frozenset[str]]:
    """Whether sides match on the labels alone, and which; without a clause they ignore none."""
    if modifier is None or modifier.matching is None:
        return False, frozenset()
    return modifier.matching.type == pp.LabelModifierType.Include, frozenset(modifier.matching.labels)


def _takes_part(label: str, named: tuple[bool, frozenset[str]]) -> bool:
    is_on, chosen = named
    return (label in chosen) == is_on


def _crowds(node: pp.BinaryExpr, left: flow.Labels, right: flow.Labels, view: View) -> Iterator[tuple[str, str]]:
    """A side that surely has several series where the operation takes one."""
    named, modifier = _named(node.modifier), node.modifier
    card = modifier.card if modifier else pp.VectorMatchCardinality.OneToOne
    brought = frozenset((modifier.group_labels or ()) if modifier else ())
    left_is_many = card == pp.VectorMatchCardinality.ManyToOne
    many = "left" if left_is_many else "right" if card == pp.VectorMatchCardinality.OneToMany else ""
    for side, own, part in (("left", left, node.lhs), ("right", right, node.rhs)):
        fixed = {label for each in promql.selectors_in(part) for label in _fixed(each, view)}
        extra = {each for each in own.always - PERHAPS - fixed - brought if not _takes_part(each, named)}
        if side != many and extra:
            yield (
                f"{promql.operator(node)}: the {side} side's series differ by {', '.join(sorted(extra))}",
                "aggregate it to what both match on, or let the other side be the one (group_left)",
            )


def _fixed(selector: promql.Vector, view: View) -> set[str]:
    """The labels of one value: by a matcher, or because a rule that records the series sets them."""
    series = view.known.get(promql.name_of(selector))
    alone = (
        {label for label, values in series.labels.items() if len(values) == 1 and ":" in series.name}
        if series
        else set()
    )
    return alone | set(promql.pinned(selector))


def impossible(view: View) -> Found:
    """Nothing is compared with what it can never be, nor matched on labels that neither side has."""
    for asked, query in view.read:
        for node, _ in query.operations:
            is_on, chosen = _named(node.modifier)
            for label in sorted(chosen) if is_on else ():
                sides = (flow.labels(node.lhs, view.known), flow.labels(node.rhs, view.known))
                if not any(each.can_have(label) for each in sides):
                    yield asked.where, f"on ({label}), which neither side has", f"remove {label}"
        for series, sign, number in promql.comparisons(query):
            value = promql.constant(number)
            if value is not None and _never_below(series, view) and (value < 0 or (value == 0 and sign in {"<", ">="})):
                is_never = sign in {"<", "<=", "=="}
                yield (
                    asked.where,
                    f"{sign} {value:g} is {'never' if is_never else 'always'} true here",
                    "correct the comparison",
                )


def same(view: View) -> Found:
    """The two sides of a division or a difference are not the same."""
    for asked, query in view.read:
        for node, _ in query.operations:
            sign = promql.operator(node)
            has_series = any(True for _ in promql.selectors_in(node))
            if sign in {"/", "-"} and has_series and _unguarded(node.lhs) == _unguarded(node.rhs):
                yield asked.where, f"both sides of {sign} are the same", "one of them wants another matcher or label"


def _unguarded(node: pp.Expr) -> str:
    """A part as text, without the filter or the clamp that keeps a divisor from zero."""
    node = promql.bare(node)
    if promql.is_filter(node) and isinstance(node, pp.BinaryExpr):
        return _unguarded(node.lhs)
    if isinstance(node, pp.Call) and node.func.name == "clamp_min":
        return _unguarded(node.args[0])
    return node.prettify()


def _never_below(node: pp.Expr, view: View) -> bool:
    """Whether a part surely never falls below zero: the catalogue's metrics, rates, sums and quotients of them."""
    node = promql.bare(node)
    match node:
        case pp.NumberLiteral():
            return node.val >= 0
        case pp.VectorSelector():
            return promql.name_of(node) in view.known and ":" not in promql.name_of(node)
        case pp.BinaryExpr() if promql.operator(node) in {"-", "%", "^", "atan2"}:
            return False
        case pp.Call() if node.func.name in promql.GAUGE_FUNCTIONS or not node.args:
            return False
        case pp.AggregateExpr() if promql.operator(node) in {"count", "group"}:
            return True
    parts = promql.children(node)
    return bool(parts) and all(_never_below(each, view) for each in parts)


def subquery(view: View) -> Found:
    """A rate over a subquery is of a rate already, or of a counter by itself."""
    for asked, query in view.read:
        for node, _ in query.calls:
            inner = promql.bare(node.args[0]) if node.args else None
            if node.func.name in promql.COUNTER_FUNCTIONS and isinstance(inner, pp.SubqueryExpr):
                names = [promql.name_of(each) for each in promql.selectors_in(inner)]
                is_aggregated = isinstance(promql.bare(inner.expr), pp.AggregateExpr)
                if is_aggregated and any(is_counter(view, name) for name in names):
                    yield asked.where, f"{node.func.name} of a sum of counters", "rate first, then add up"


RULES = (
    Rule(
        "promql/syntax",
        "rules' expressions parse",
        "Prometheus does not start with a rule that it cannot read.",
        syntax,
    ),
    Rule(
        "promql/counter",
        "rules read counters by rate, increase or presence",
        "A counter above ten stays above ten until the process restarts.",
        counter,
    ),
    Rule(
        "promql/rate",
        "rates of rules look back over four scrapes, and are not of recorded sums",
        "A window of two scrapes is empty when one fails; a sum of counters falls when one process restarts.",
        rate,
    ),
    Rule(
        "promql/rate-of-sum",
        "no rate over a subquery that adds up counters",
        "Each restart of one process looks like a jump of all.",
        subquery,
    ),
    Rule(
        "promql/regexp",
        "patterns are patterns, without anchors",
        "A pattern of one value is slower and reads as if there were more.",
        regexp,
    ),
    Rule("promql/selector", "selectors name their metric", "One without a name reads every series there is.", selector),
    Rule(
        "promql/aggregate",
        "what rules give keeps the job",
        "An alert without a job does not say whose it is.",
        aggregate,
    ),
    Rule(
        "promql/features",
        "no experimental functions",
        "A server that was not started for them refuses the whole file.",
        features,
    ),
    Rule("promql/offset", "no negative offset", "The future is empty at the edge of every panel.", offset),
    Rule(
        "promql/nan",
        "sums and averages do not take in unguarded quotients",
        "One process without traffic makes the sum of all NaN.",
        nan,
    ),
    Rule(
        "promql/guard",
        "a divisor that is filtered keeps all above zero",
        "Divided by what is above 20 only, little traffic has no errors.",
        guard,
    ),
    Rule(
        "promql/vector_matching",
        "the sides of an operation have the labels that they meet by, one series for one",
        "A label on one side alone: nothing meets, and the ratio is empty for ever.",
        vector_matching,
    ),
    Rule(
        "promql/same",
        "the two sides of a division or a difference are not the same",
        "A share of everything in everything is one, whatever happens.",
        same,
    ),
    Rule(
        "promql/impossible",
        "no comparison that is never or always true, no matching on labels that neither side has",
        "A rate below zero does not happen: the alert is silent, and looks healthy.",
        impossible,
    ),
)
