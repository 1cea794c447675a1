"""TraceQL is read for its structure, and what is broken is told with its place."""

from __future__ import annotations

import pytest

from dashboards.check import traceql
from dashboards.check.tokens import Malformed

SOUND = (
    "{}",
    '{ resource.service.name = "cortex-proxy" }',
    '{ span.http.route =~ "/api/.*" && duration > 2s && status = error }',
    '{ .a != nil || !(name = "b" && kind = server) }',
    '{ span."x y" = 1 } >> { event.name = "z" } | count() > 2',
    "({ status = error } && { span:duration > 1s }) | by(resource.service.name) | avg(duration) > 1s",
    "{ span.x-y = 3 } ~ { nestedSetParent < 0 }",
    "{ traceDuration > 1s } | select(span.a, status)",
    "{ span.a > 2 * 3 } | quantile_over_time(duration, .9, .5) by (span.b)".replace(".9, .5", "0.9, 0.5"),
    "{} | rate() by (span.a) | topk(5)",
    "{} | count_over_time() with(sample=true)",
    "0af7651916cd43dd8448eb211c80319c",
)


@pytest.mark.parametrize("text", SOUND)
def test_sound_queries_are_read(text: str) -> None:
    """Queries as Tempo's documentation describes them pass."""
    traceql.parse(text)


BROKEN = (
    ("(" * 2000, 1, "too long or too deep"),
    ("", 1, "empty query"),
    ("{ status = error", 17, "expected `}`"),
    ('{ http.route = "/" }', 3, "an attribute with its scope"),
    ("{ span = 1 }", 8, "expected `.` and an attribute"),
    ("{ .a = }", 8, "expected an attribute or a value"),
    ('{ .a = "b }', 8, "a quote that does not end"),
    ("{ .a } | rates()", 10, "no function of TraceQL's pipeline"),
    ("{ .a } | count(", 16, "expected an attribute or a value"),
    ("{ .a } }", 8, "expected the end"),
    ("status = error", 1, "expected `{`"),
    ("({ .a }", 8, "expected `)`"),
)


@pytest.mark.parametrize(("text", "position", "said"), BROKEN, ids=[repr(text[:40]) for text, _, _ in BROKEN])
def test_broken_queries_are_told_with_their_place(text: str, position: int, said: str) -> None:
    """The error says what is wrong, and at which character."""
    with pytest.raises(Malformed) as caught:
        traceql.parse(text)
    assert said in str(caught.value)
    assert f"at character {position}:" in str(caught.value)


def test_attributes_are_kept() -> None:
    """What a query names can be looked at."""
    found = traceql.parse('{ span.http.route = "/" && .b = 1 } | by(resource.c) | count() > 1')
    assert (found.attributes, found.functions) == (["span.http.route", "b", "resource.c"], ["by", "count"])
