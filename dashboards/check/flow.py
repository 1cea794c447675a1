"""What becomes of labels and units on their way through a query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import promql_parser as pp

from dashboards.check import promql
from dashboards.check.names import PERHAPS, Series


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of a result: those it may carry, those all of it carries, and whether unknown ones may be there too."""

    may: frozenset[str] = frozenset()
    always: frozenset[str] = frozenset()
    is_open: bool = False

    def can_have(self, label: str) -> bool:
        """Whether the label may be there."""
        return self.is_open or label in self.may

    def only(self, kept: frozenset[str]) -> Labels:
        """With these labels alone."""
        return Labels(kept if self.is_open else self.may & kept, self.always & kept)

    def without(self, dropped: frozenset[str]) -> Labels:
        """Without these labels."""
        return Labels(self.may - dropped, self.always - dropped, self.is_open)

    def plus(self, added: frozenset[str]) -> Labels:
        """With these labels besides."""
        return Labels(self.may | added, self.always | added, self.is_open)


Known = Mapping[str, Series]
NONE = Labels()


def labels(node: pp.Expr, known: Known) -> Labels:  # noqa: PLR0911 - one line for each part of the language
    """The labels that the result of a part of a query carries."""
    match node:
        case pp.VectorSelector():
            return _of_selector(node, known)
        case pp.MatrixSelector():
            return labels(node.vector_selector, known)
        case pp.ParenExpr() | pp.UnaryExpr() | pp.SubqueryExpr():
            return labels(node.expr, known)
        case pp.Call():
            return _of_call(node, known)
        case pp.AggregateExpr():
            return _of_aggregation(node, known)
        case pp.BinaryExpr():
            return _of_operation(node, known)
    return NONE


def _of_selector(node: pp.VectorSelector, known: Known) -> Labels:
    pinned = frozenset(promql.pinned(node)) - {"__name__"}
    series = known.get(promql.name_of(node))
    if series is None:
        return Labels(pinned, pinned, is_open=True)
    may = frozenset(series.labels) | PERHAPS
    present = frozenset(m.label for m in promql.matches(node) if _needs_label(m)) & may
    # A matcher with `=""` says that the label is not there.
    gone = frozenset(m.label for m in promql.matches(node) if m.operator == "=" and not m.value)
    return Labels(may - gone, (series.always | present) - gone, series.is_open)


def _needs_label(match: promql.Match) -> bool:
    return (match.operator == "=" and bool(match.value)) or (match.operator == "!=" and not match.value)


def _of_call(node: pp.Call, known: Known) -> Labels:
    name, arguments = node.func.name, list(node.args)
    if name in {"absent", "absent_over_time"}:
        pins = frozenset(
            label for each in promql.selectors_in(arguments[0]) for label in promql.pinned(each) if label != "__name__"
        )
        return Labels(pins, pins)
    if node.func.return_type != pp.ValueType.Vector or name == "vector":
        return NONE
    inner = next((each for each in arguments if promql.is_vector(each)), None)
    if inner is None:
        return NONE
    result = labels(inner, known)
    if name == "histogram_quantile":
        return result.without(frozenset(["le"]))
    if name in {"label_replace", "label_join"} and isinstance(arguments[1], pp.StringLiteral):
        added = frozenset([arguments[1].val])
        return Labels(result.may | added, result.always - added, result.is_open)
    return result


def _of_aggregation(node: pp.AggregateExpr, known: Known) -> Labels:
    inner, kind = labels(node.expr, known), promql.operator(node)
    if kind in promql.CHOOSING:
        return inner
    added = (
        frozenset([node.param.val])
        if kind == "count_values" and isinstance(node.param, pp.StringLiteral)
        else frozenset()
    )
    if node.modifier is None:
        return NONE.plus(added)
    named = frozenset(node.modifier.labels)
    kept = inner.only(named) if node.modifier.type == pp.AggModifierType.By else inner.without(named)
    return kept.plus(added)


def _of_operation(node: pp.BinaryExpr, known: Known) -> Labels:
    left, right = labels(node.lhs, known), labels(node.rhs, known)
    if not promql.is_vector(node.lhs) or not promql.is_vector(node.rhs):
        return left if promql.is_vector(node.lhs) else right
    if promql.operator(node) == "or":
        return Labels(left.may | right.may, left.always & right.always, left.is_open or right.is_open)
    return left if promql.operator(node) in promql.SET_OPERATORS else _matched(left, right, node.modifier)


def _matched(left: Labels, right: Labels, modifier: pp.BinModifier | None) -> Labels:
    if modifier is not None and modifier.card == pp.VectorMatchCardinality.ManyToOne:
        return _joined(left, right, frozenset(modifier.group_labels or ()))
    if modifier is not None and modifier.card == pp.VectorMatchCardinality.OneToMany:
        return _joined(right, left, frozenset(modifier.group_labels or ()))
    if modifier is None or modifier.matching is None:
        return left
    named = frozenset(modifier.matching.labels)
    return left.only(named) if modifier.matching.type == pp.LabelModifierType.Include else left.without(named)


def _joined(many: Labels, one: Labels, added: frozenset[str]) -> Labels:
    brought = added if one.is_open else added & one.may
    return Labels(many.may | brought, many.always | (added & one.always), many.is_open)


# --- units


@dataclass(frozen=True, slots=True)
class Unit:
    """What a number measures: powers of base units, and the factor it was multiplied by.

    powers: of `s`, `By`, `USD`, `count` and `state`; none for a share.   factor: None when it cannot be told.
    """

    powers: Mapping[str, int]
    factor: float | None = 1.0

    def times(self, other: Unit, sign: int) -> Unit:
        """Multiplied with the other, or divided by it with sign -1."""
        powers = dict(self.powers)
        for base, power in other.powers.items():
            powers[base] = powers.get(base, 0) + sign * power
        factor = (
            None
            if self.factor is None or other.factor is None or not other.factor
            else self.factor * (other.factor**sign)
        )
        return Unit({base: power for base, power in sorted(powers.items()) if power}, factor)


SHARE = Unit(MappingProxyType({}))
SECONDS = Unit(MappingProxyType({"s": 1}))
COUNT = Unit(MappingProxyType({"count": 1}))
STATE = Unit(MappingProxyType({"state": 1}))
"""Of a number that stands for something, such as an open breaker, and of a score."""

_BASES = {"s": SECONDS, "By": Unit({"By": 1}), "USD": Unit({"USD": 1})}


def base_unit(series: Series) -> Unit | None:
    """The unit of a series of the catalogue; None for one that a rule records of several."""
    if series.unit in _BASES:
        return _BASES[series.unit]
    if series.unit.startswith("{"):
        return _BASES.get(series.unit.strip("{}"), COUNT)
    if series.unit == "1" or "ratio" in series.family:
        return SHARE
    return STATE if not series.unit and not series.is_open else None


def unit(node: pp.Expr, known: Known) -> Unit | None:  # noqa: PLR0911 - one line for each part of the language
    """The unit of the result of a part of a query; None when it cannot be told."""
    match node:
        case pp.VectorSelector():
            series = known.get(promql.name_of(node))
            return base_unit(series) if series else None
        case pp.MatrixSelector():
            return unit(node.vector_selector, known)
        case pp.ParenExpr() | pp.UnaryExpr() | pp.SubqueryExpr():
            return unit(node.expr, known)
        case pp.AggregateExpr():
            return _unit_of_aggregation(node, known)
        case pp.Call():
            return _unit_of_call(node, known)
        case pp.BinaryExpr():
            return _unit_of_operation(node, known)
    return None


def _unit_of_aggregation(node: pp.AggregateExpr, known: Known) -> Unit | None:
    kind = promql.operator(node)
    if kind in {"count", "count_values"}:
        return COUNT
    if kind in {"group", "stdvar"}:
        return None
    return unit(node.expr, known)


_KEEPING = frozenset(
    (
        *("increase", "delta", "idelta", "avg_over_time", "min_over_time", "max_over_time", "sum_over_time"),
        *("last_over_time", "quantile_over_time", "stddev_over_time", "abs", "ceil", "floor", "round", "clamp"),
        *("clamp_min", "clamp_max", "sort", "sort_desc", "label_replace", "label_join", "scalar", "predict_linear"),
    )
)


def _unit_of_call(node: pp.Call, known: Known) -> Unit | None:
    name, arguments = node.func.name, list(node.args)
    if name in {"time", "timestamp"}:
        return SECONDS
    if name == "histogram_quantile":
        return _unit_of_buckets(arguments[1], known)
    inner = next((each for each in arguments if promql.is_vector(each)), None)
    found = unit(inner, known) if inner is not None else None
    if found is None:
        return None
    if name in {"rate", "irate", "deriv"}:
        return found.times(SECONDS, -1)
    if name in {"changes", "resets", "count_over_time"}:
        return COUNT
    return found if name in _KEEPING else None


def _unit_of_buckets(node: pp.Expr, known: Known) -> Unit | None:
    """What a histogram measures: the unit of its sum."""
    families = {series.family for each in promql.selectors_in(node) if (series := known.get(promql.name_of(each)))}
    sums = [known[name] for name in (f"{family}_sum" for family in families) if name in known]
    return base_unit(sums[0]) if len(families) == 1 and sums else None


def _unit_of_operation(node: pp.BinaryExpr, known: Known) -> Unit | None:
    sign = promql.operator(node)
    if sign in promql.COMPARISONS and not promql.is_filter(node):
        return None
    left, right = _unit_or_number(node.lhs, known), _unit_or_number(node.rhs, known)
    if sign in {"*", "/"}:
        return left.times(right, 1 if sign == "*" else -1) if left and right else None
    if sign in {"^", "%", "atan2"}:
        return None
    if sign in {"+", "-"} and left and right and promql.constant(node.lhs) is not None:
        return right  # `1 - x` measures what x does
    return left or right if sign in promql.SET_OPERATORS else left


def _unit_or_number(node: pp.Expr, known: Known) -> Unit | None:
    number = promql.constant(node)
    return Unit({}, number) if number is not None else unit(node, known)
