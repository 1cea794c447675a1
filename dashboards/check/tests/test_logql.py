"""LogQL is read for its structure, and what is broken is told with its place."""

from __future__ import annotations

import pytest

from dashboards.check import logql
from dashboards.check.tokens import Malformed

SOUND = (
    '{app="x"}',
    '{app="x", level!=""} |= "a" != "b" |~ `c.*` !~ "d"',
    '{app=~"x|y"} |= "a" or "b"',
    '{app="x"} |= ip("10.0.0.0/8")',
    '{app="x"} | json | status >= 400 and (route="/" or duration > 5s)',
    '{app="x"} | json code="a.b[0]", route | line_format "{{.code}} {{.route}}"',
    '{app="x"} | logfmt --strict | label_format a=b, c="{{.d}}" | drop e, f="g" | keep h',
    '{app="x"} | pattern "<_> <route>" | regexp `(?P<a>.+)` | decolorize | unpack',
    'sum by (a) (count_over_time({app="x"} | json [5m]))',
    'sum(rate({app="x"}[5m] | json)) without (b)',
    'quantile_over_time(0.95, {app="x"} | json | unwrap duration(took) | __error__="" [5m]) by (route)',
    'topk(5, sum by (a) (rate({app="x"}[5m] offset 1h)))',
    'sum(rate({app="x"}[5m])) / on (a) group_left sum(rate({app="y"}[5m])) > bool 0.5',
    'label_replace(rate({app="x"}[5m]), "a", "$1", "b", "(.*)") or vector(0)',
    '-sum(rate({app="x"}[1h30m])) # why',
)


@pytest.mark.parametrize("text", SOUND)
def test_sound_queries_are_read(text: str) -> None:
    """Queries as Loki's documentation describes them pass."""
    assert logql.parse(text).matchers


BROKEN = (
    ("sum(" * 2000, 1, "too long or too deep"),
    ("", 1, "empty query"),
    ("{}", 1, "without a matcher"),
    ('{app=~".*"}', 1, "without a matcher"),
    ('{app!="x"}', 1, "without a matcher"),
    ('{app=""}', 1, "without a matcher"),
    ('{app="x"', 9, "expected `,` or `}`"),
    ("{app=x}", 6, "a value in quotes"),
    ('{app=="x"}', 5, "=, !=, =~ or !~"),
    ('{app="x"} |= "y', 14, "a quote that does not end"),
    ('{app="x"} |~ "("', 14, "regular expression that is none"),
    ('{app=~"("}', 7, "regular expression that is none"),
    ('{app="x"} | jason', 18, "expected a comparison"),
    ('{app="x"} | line_format "{{.a}"', 25, "braces do not balance"),
    ('{app="x"} | unwrap', 19, "expected a label"),
    ('{app="x"} |', 12, "expected a stage"),
    ('rate({app="x"})', 1, "rate without a range"),
    ('rates({app="x"}[5m])', 1, "expected a function of LogQL"),
    ('sum(rate({app="x"}[5m])', 24, "expected `,` or `)`"),
    ('rate({app="x"}[abc])', 16, "expected a duration"),
    ('{app="x"} }', 11, "expected the end"),
    ('sum by a (rate({app="x"}[5m]))', 8, "expected `(`"),
    ("§", 1, "does not belong here"),
)


@pytest.mark.parametrize(("text", "position", "said"), BROKEN, ids=[repr(text[:40]) for text, _, _ in BROKEN])
def test_broken_queries_are_told_with_their_place(text: str, position: int, said: str) -> None:
    """The error says what is wrong, and at which character."""
    with pytest.raises(Malformed) as caught:
        logql.parse(text)
    assert said in str(caught.value)
    assert f"at character {position}:" in str(caught.value)


def test_parts_are_kept() -> None:
    """What a query names can be looked at: matchers, stages, fields, ranges."""
    found = logql.parse('sum by (route) (rate({app="x"} |= "a" | json | took > 5 [$__auto]))'.replace("$__auto", "5m"))
    assert (found.matchers, found.stages) == ([("app", "=", "x")], ["|=", "json", "filter"])
    assert (found.fields, found.ranges, found.is_metric) == (["route", "took"], ["5m"], True)
