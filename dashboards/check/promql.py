"""PromQL as a tree: every part of a query with what encloses it, and small questions about the parts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import promql_parser as pp

Vector = pp.VectorSelector
COMPARISONS = frozenset(["==", "!=", "<", "<=", ">", ">="])
SET_OPERATORS = frozenset(["and", "or", "unless"])
CHOOSING = frozenset(["topk", "bottomk", "limitk", "limit_ratio"])
"""Aggregations that keep whole series."""

COUNTER_FUNCTIONS = frozenset(["rate", "irate", "increase"])
GAUGE_FUNCTIONS = frozenset(["delta", "idelta", "deriv", "predict_linear", "double_exponential_smoothing"])
PRESENCE = frozenset(["absent", "absent_over_time", "present_over_time", "count_over_time", "timestamp", "resets"])
"""Functions that ask whether a series is there, not what it says; and `resets`, which is made for counters."""

_OPERATORS = (
    (pp.MatchOp.Equal, "="),
    (pp.MatchOp.NotEqual, "!="),
    (pp.MatchOp.Re, "=~"),
    (pp.MatchOp.NotRe, "!~"),
)
"""The parser's members, which have no hash, and how they are written."""


@dataclass(frozen=True, slots=True)
class Match:
    """One matcher of a selector."""

    label: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f'{self.label}{self.operator}"{self.value}"'


@dataclass(frozen=True, slots=True)
class Step:
    """One part of a query with everything that encloses it, the nearest last."""

    node: pp.Expr
    parents: tuple[pp.Expr, ...]

    @property
    def parent(self) -> pp.Expr | None:
        """What encloses it, parentheses left out."""
        return next((each for each in reversed(self.parents) if not isinstance(each, pp.ParenExpr)), None)


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A query that could be read. Two readings of the same text are the same object."""

    text: str
    root: pp.Expr
    steps: tuple[Step, ...]

    @property
    def selectors(self) -> Iterator[tuple[Vector, Step]]:
        """Every selector, also those of a range."""
        return ((step.node, step) for step in self.steps if isinstance(step.node, Vector))

    @property
    def calls(self) -> Iterator[tuple[pp.Call, Step]]:
        """Every call of a function."""
        return ((step.node, step) for step in self.steps if isinstance(step.node, pp.Call))

    @property
    def aggregations(self) -> Iterator[tuple[pp.AggregateExpr, Step]]:
        """Every aggregation."""
        return ((step.node, step) for step in self.steps if isinstance(step.node, pp.AggregateExpr))

    @property
    def operations(self) -> Iterator[tuple[pp.BinaryExpr, Step]]:
        """Every operation of two sides."""
        return ((step.node, step) for step in self.steps if isinstance(step.node, pp.BinaryExpr))


_LONGEST, _MOST_OPERATIONS, _DEEPEST = 10_000, 1_000, 100
_OPERATION = re.compile(r"[-+*/%^(]")


@lru_cache(maxsize=4096)
def parse(text: str) -> Query:
    """The query as a tree.

    Raises: ValueError, with the parser's words, or for a query that nobody writes: the parser descends into it without
    a limit, and would take the whole process with it.
    """
    if len(text) > _LONGEST or len(_OPERATION.findall(text)) > _MOST_OPERATIONS:
        raise ValueError(f"longer than {_LONGEST} characters, or of more than {_MOST_OPERATIONS} operations")
    root = pp.parse(text)
    return Query(text, root, tuple(_steps(root, ())))


def _steps(node: pp.Expr, parents: tuple[pp.Expr, ...]) -> Iterator[Step]:
    if len(parents) > _DEEPEST:
        raise ValueError(f"nested deeper than {_DEEPEST}")
    yield Step(node, parents)
    for child in children(node):
        yield from _steps(child, (*parents, node))


def children(node: pp.Expr) -> tuple[pp.Expr, ...]:
    """What a part of a query directly consists of."""
    match node:
        case pp.BinaryExpr():
            return (node.lhs, node.rhs)
        case pp.Call():
            return tuple(node.args)
        case pp.AggregateExpr():
            return (node.param, node.expr) if isinstance(node.param, pp.Expr) else (node.expr,)
        case pp.MatrixSelector():
            return (node.vector_selector,)
        case pp.ParenExpr() | pp.UnaryExpr() | pp.SubqueryExpr():
            return (node.expr,)
    return ()


def bare(node: pp.Expr) -> pp.Expr:
    """The node without the parentheses around it."""
    while isinstance(node, pp.ParenExpr):
        node = node.expr
    return node


def operator(node: pp.BinaryExpr | pp.AggregateExpr) -> str:
    """The operator or the aggregation by its name, in lower case."""
    return str(node.op).lower()


def name_of(selector: Vector) -> str:
    """The metric that a selector names, also by `__name__`; empty when it names none."""
    if selector.name:
        return selector.name
    return next((m.value for m in matches(selector) if m.label == "__name__" and m.operator == "="), "")


def matches(selector: Vector) -> tuple[Match, ...]:
    """The matchers of a selector, those behind an `or` too."""
    groups = (selector.matchers.matchers, *selector.matchers.or_matchers)
    return tuple(Match(each.name, _sign(each.op), each.value) for group in groups for each in group)


def _sign(op: pp.MatchOp) -> str:
    return next(sign for each, sign in _OPERATORS if each == op)


def pinned(selector: Vector) -> dict[str, str]:
    """The labels that a selector gives one value."""
    return {each.label: each.value for each in matches(selector) if each.operator == "=" and each.value}


def range_s(step: Step) -> float | None:
    """The seconds of the window that the selector, or the subquery, is read over; None without one."""
    if isinstance(step.node, pp.MatrixSelector):
        return step.node.range.total_seconds()
    if isinstance(step.node, pp.SubqueryExpr) and step.node.range:
        return step.node.range.total_seconds()
    return None


def constant(node: pp.Expr) -> float | None:
    """The number that an expression without series is; None for any other."""
    node = bare(node)
    match node:
        case pp.NumberLiteral():
            return node.val
        case pp.UnaryExpr():
            inner = constant(node.expr)
            return None if inner is None else -inner
        case pp.BinaryExpr():
            left, right = constant(node.lhs), constant(node.rhs)
            return None if left is None or right is None else _calculate(operator(node), left, right)
        case pp.Call() if node.func.name == "vector":
            return constant(node.args[0])
    return None


def _calculate(sign: str, left: float, right: float) -> float | None:
    if sign == "/":
        return left / right if right else math.nan
    if sign == "^":
        return float(left**right) if left > 0 else None
    return {"+": left + right, "-": left - right, "*": left * right}.get(sign)


def numbers(node: pp.Expr) -> frozenset[float]:
    """Every number that is written in an expression, and what it comes to when it is constant."""
    value = constant(node)
    found = {value} if value is not None else set()
    found.update(n for child in children(node) for n in numbers(child))
    return frozenset(found)


def windows_s(node: pp.Expr) -> frozenset[float]:
    """The seconds of every window within a part of a query."""
    own = range_s(Step(node, ()))
    inner = frozenset(each for child in children(node) for each in windows_s(child))
    return inner | {own} if own else inner


def is_vector(node: pp.Expr) -> bool:
    """Whether an expression gives series, each with its labels, not one number."""
    node = bare(node)
    match node:
        case pp.NumberLiteral() | pp.StringLiteral():
            return False
        case pp.Call():
            return bool(node.func.return_type == pp.ValueType.Vector)
        case pp.BinaryExpr():
            return is_vector(node.lhs) or is_vector(node.rhs)
        case pp.UnaryExpr():
            return is_vector(node.expr)
    return True


def selectors_in(node: pp.Expr) -> Iterator[Vector]:
    """Every selector within a part of a query."""
    if isinstance(node, Vector):
        yield node
    for child in children(node):
        yield from selectors_in(child)


def is_filter(node: pp.Expr) -> bool:
    """Whether a part compares and lets through only what compares true."""
    return (
        isinstance(node, pp.BinaryExpr)
        and operator(node) in COMPARISONS
        and not (node.modifier and node.modifier.return_bool)
    )


def mirrored(sign: str) -> str:
    """The comparison as it reads from the other side."""
    return {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(sign, sign)


def comparisons(query: Query) -> Iterator[tuple[pp.Expr, str, pp.Expr]]:
    """Every comparison of series with a number: the series, the sign and the number's expression."""
    for node, _ in query.operations:
        if operator(node) not in COMPARISONS:
            continue
        if constant(node.rhs) is not None and constant(node.lhs) is None:
            yield node.lhs, operator(node), node.rhs
        elif constant(node.lhs) is not None and constant(node.rhs) is None:
            yield node.rhs, mirrored(operator(node)), node.lhs


_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0, "y": 31_536_000.0}
_DURATION = re.compile(r"(?:\d+(?:ms|[smhdwy]))+")


def duration_s(text: str) -> float | None:
    """The seconds of a duration such as 1h30m; None for what is none. The parser's own takes no zero."""
    if not _DURATION.fullmatch(text):
        return None
    return sum(int(number) * _SECONDS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdwy])", text))
