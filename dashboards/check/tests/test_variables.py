"""Grafana's variables become values that a parser can read."""

from __future__ import annotations

import pytest

from dashboards.check import promql, variables

CASES = (
    ("plain", 'a{job=~"$job"}', 'a{job=~"grafana_var_job"}'),
    ("with a format", 'a{job=~"${job:regex}"}', 'a{job=~"grafana_var_job"}'),
    ("old", 'a{job=~"[[job]]"}', 'a{job=~"grafana_var_job"}'),
    ("old with a format", 'a{job=~"[[job:pipe]]"}', 'a{job=~"grafana_var_job"}'),
    ("rate interval", "rate(a[$__rate_interval])", "rate(a[1000003s])"),
    ("range in braces", "rate(a[${__range}])", "rate(a[1000037s])"),
    ("a number of seconds", "a / $__range_s", "a / 1000"),
    ("a window", "rate(a[$window])", "rate(a[1000081s])"),
    ("a step", "max_over_time(a[1h:$step])", "max_over_time(a[1h:1000081s])"),
    ("an offset", "a offset $window", "a offset 1000081s"),
    ("a number", "topk($top, a)", "topk(5, a)"),
    ("a number in quotes", 'a{shard="$top"}', 'a{shard="grafana_var_top"}'),
    ("a metric", "sum($metric)", "sum(grafana_var_metric)"),
    ("the end of a pattern", 'a{b=~"x$"}', 'a{b=~"x$"}'),
    ("brackets in quotes", 'a{b=~"[$job]"}', 'a{b=~"[grafana_var_job]"}'),
)


@pytest.mark.parametrize(("text", "expanded"), [(t, e) for _, t, e in CASES], ids=[name for name, _, _ in CASES])
def test_variables_take_values_by_their_place(text: str, expanded: str) -> None:
    """A variable becomes a time, a number or a name, by where it stands; the query then parses."""
    assert variables.expand(text, {"top": "5"}) == expanded
    assert promql.parse(expanded).text == expanded


def test_references_are_named_in_order() -> None:
    """Every way to write a variable is a reference to it."""
    text = "$a ${b} ${c:csv} ${d.e} [[f]] ${__field.labels.g} $5 $$"
    assert list(variables.references(text)) == ["a", "b", "c", "d", "f", "__field"]


@pytest.mark.parametrize(
    ("name", "known"), [("__rate_interval", True), ("__field", True), ("__cell_1", True), ("job", False)]
)
def test_grafana_knows_its_own_variables(name: str, known: bool) -> None:
    """What Grafana sets needs no declaration."""
    assert variables.is_built_in(name) is known
