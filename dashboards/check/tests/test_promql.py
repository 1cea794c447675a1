"""Small questions about the parts of a query."""

from __future__ import annotations

import promql_parser as pp
import pytest

from dashboards.check import promql


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0),
        ("-(2)", -2.0),
        ("14.4 * 0.01", 0.144),
        ("1 / 4", 0.25),
        ("2 ^ 3", 8.0),
        ("vector(3)", 3.0),
        ("a", None),
    ],
)
def test_constants_are_calculated(text: str, value: float | None) -> None:
    """A number that is written as a sum of others is a number all the same."""
    assert promql.constant(promql.parse(text).root) == (value if value is None else pytest.approx(value))


def test_matchers_are_read_with_their_signs() -> None:
    """Every way to match is told apart, and alternatives behind `or` are among them."""
    selector = promql.parse('a{b="1",c!="2",d=~"3",e!~"4"}').root
    assert isinstance(selector, pp.VectorSelector)
    assert [str(each) for each in promql.matches(selector)] == ['b="1"', 'c!="2"', 'd=~"3"', 'e!~"4"']
    assert promql.pinned(selector) == {"b": "1"}


@pytest.mark.parametrize(
    ("text", "name"), [("a", "a"), ('{__name__="a"}', "a"), ('{b="a"}', ""), ('{__name__=~"a"}', "")]
)
def test_a_selector_names_its_metric_or_not(text: str, name: str) -> None:
    """The name may also be written as a matcher."""
    selector = promql.parse(text).root
    assert isinstance(selector, pp.VectorSelector)
    assert promql.name_of(selector) == name


def test_every_part_knows_what_encloses_it() -> None:
    """Parts come with all that is around them, from the outside in."""
    query = promql.parse("sum(rate((a)[5m:]) / 2)")
    ((_, step),) = query.selectors
    around = [type(each).__name__ for each in step.parents]
    assert around == ["AggregateExpr", "BinaryExpr", "Call", "SubqueryExpr", "ParenExpr"]
    assert isinstance(step.parent, pp.SubqueryExpr)


def test_comparisons_are_read_from_either_side() -> None:
    """`5 < a` says the same as `a > 5`."""
    for text in ("a > 5", "5 < a"):
        ((series, sign, number),) = promql.comparisons(promql.parse(text))
        assert (str(series), sign, promql.constant(number)) == ("a{}", ">", 5.0)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90.0), ("1h30m", 5400.0), ("250ms", 0.25), ("0s", 0.0), ("soon", None)]
)
def test_durations_are_seconds(text: str, seconds: float | None) -> None:
    """A duration is read as Prometheus reads it, zero included; what is none is None."""
    assert promql.duration_s(text) == seconds


def test_the_same_text_is_read_once() -> None:
    """A thousand mutants of one dashboard parse what they share once."""
    assert promql.parse("sum(a)") is promql.parse("sum(a)")


@pytest.mark.parametrize(
    "text",
    ["(" * 4000 + "a" + ")" * 4000, "-" * 9000 + "a", "a + " * 2000 + "a", "a or " * 300 + "a", "a" * 20_000],
    ids=["brackets", "signs", "sums", "alternatives", "a name"],
)
def test_queries_that_nobody_writes_are_refused(text: str) -> None:
    """A query made to exhaust the parser is an error like any other."""
    with pytest.raises(ValueError, match=r"longer than|nested deeper"):
        promql.parse(text)
