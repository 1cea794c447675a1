"""Filters: the whole grammar, and errors that name the place."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from fixtures.bench.search import SERVICE, Row
from mocks.snowflake import filters
from mocks.snowflake.filters import FilterError, compile_filter

ROW: Row = {
    "DOC_ID": "POL-7",
    "TITLE": "Refund policy",
    "BODY": "Refunds are possible within 30 days.",
    "CATEGORY": "Returns",
    "REGION": "EMEA",
    "MARKETS": ["EMEA", "APAC"],
    "VALID_FROM": date(2024, 1, 1),
    "VALID_YEAR": 2024,
}


def passes(document: dict[str, Any] | None, **cells: Any) -> bool:
    return compile_filter(document, SERVICE)({**ROW, **cells})


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(None, True, id="absent"),
        pytest.param({}, True, id="empty"),
        pytest.param({"@eq": {"REGION": "EMEA"}}, True, id="text"),
        pytest.param({"@eq": {"region": "EMEA"}}, True, id="an unquoted name has no case"),
        pytest.param({"@eq": {'"REGION"': "EMEA"}}, True, id="a quoted name"),
        pytest.param({"@eq": {"REGION": "emea"}}, False, id="a value has a case"),
        pytest.param({"@eq": {"VALID_YEAR": 2024}}, True, id="number"),
        pytest.param({"@eq": {"VALID_YEAR": 2024.0}}, True, id="number as a fraction"),
        pytest.param({"@contains": {"MARKETS": "APAC"}}, True, id="array holds"),
        pytest.param({"@contains": {"MARKETS": "AMER"}}, False, id="array holds not"),
        pytest.param({"@contains": {"MARKETS": 1}}, False, id="array holds no number"),
        pytest.param({"@gte": {"VALID_YEAR": 2024}}, True, id="gte is inclusive"),
        pytest.param({"@gte": {"VALID_YEAR": 2024.5}}, False, id="gte"),
        pytest.param({"@lte": {"VALID_YEAR": 2024}}, True, id="lte is inclusive"),
        pytest.param({"@lte": {"VALID_YEAR": 2023}}, False, id="lte"),
        pytest.param({"@gte": {"VALID_FROM": "2024-01-01"}}, True, id="day"),
        pytest.param({"@gte": {"VALID_FROM": "2024-01-02"}}, False, id="the next day"),
        pytest.param({"@gte": {"VALID_FROM": "2024-01-01-01:00"}}, False, id="a day that began an hour later"),
        pytest.param({"@gte": {"VALID_FROM": "2024-01-01+02:00"}}, True, id="a day that began earlier"),
        pytest.param({"@lte": {"VALID_FROM": "2024-01-01+02:00"}}, False, id="not before a day that began earlier"),
        pytest.param({"@lte": {"VALID_FROM": "2024-01-01T00:00:00"}}, True, id="timestamp, UTC"),
        pytest.param({"@lte": {"VALID_FROM": "2024-01-01T01:00:00+02:00"}}, False, id="timestamp with an offset"),
        pytest.param({"@gte": {"VALID_FROM": "0001-01-01+14:00"}}, True, id="the first day there is"),
        pytest.param({"@primarykey": {"DOC_ID": "POL-7"}}, True, id="key"),
        pytest.param({"@primarykey": {"doc_id": "POL-8"}}, False, id="another key"),
        pytest.param({"@primarykey": {"DOC_ID": None}}, False, id="a null key"),
        pytest.param({"@not": {"@eq": {"REGION": "EMEA"}}}, False, id="not"),
        pytest.param({"@and": [{"@eq": {"REGION": "EMEA"}}, {"@eq": {"VALID_YEAR": 1}}]}, False, id="and"),
        pytest.param({"@or": [{"@eq": {"REGION": "X"}}, {"@not": {"@eq": {"VALID_YEAR": 1}}}]}, True, id="or, not"),
    ],
)
def test_grammar(document: dict[str, Any] | None, expected: bool) -> None:
    """Every operator does what the grammar says."""
    assert passes(document) is expected


@pytest.mark.parametrize("operator", ["@eq", "@gte", "@lte"])
@pytest.mark.parametrize("number", [10**19, -(10**19), 10**400], ids=["20 digits", "negative", "huge"])
def test_long_numbers_never_match(operator: str, number: int) -> None:
    """A fixed-point number of more than 19 digits matches nothing, not even itself; one of 19 digits does."""
    assert not passes({operator: {"VALID_YEAR": number}}, VALID_YEAR=number)
    assert passes({operator: {"VALID_YEAR": 10**19 - 1}}, VALID_YEAR=10**19 - 1)


@pytest.mark.parametrize("operator", ["@gte", "@lte"])
@pytest.mark.parametrize("column", ["VALID_YEAR", "VALID_FROM"])
def test_nulls_are_in_no_range(operator: str, column: str) -> None:
    """A null is neither before nor after anything."""
    wanted: object = 2024 if column == "VALID_YEAR" else "2024-01-01"
    assert passes({operator: {column: wanted}})
    assert not passes({operator: {column: wanted}}, **{column: None})


@pytest.mark.parametrize(
    ("document", "place", "problem"),
    [
        ({"@eqq": {"REGION": "EMEA"}}, "filter", "did you mean '@eq'"),
        ({"@eq": {}, "@gte": {}}, "filter", "exactly one operator"),
        ({"@eq": {"REGION": "EMEA", "CATEGORY": "x"}}, "filter.@eq", "one column"),
        ({"@eq": "REGION"}, "filter.@eq", 'found "REGION"'),
        ({"@eq": {"REGOIN": "EMEA"}}, "filter.@eq", "did you mean 'REGION'"),
        ({"@eq": {"TITLE": "x"}}, "filter.@eq", "no attribute"),
        ({"@eq": {"REGION": 1}}, "filter.@eq.REGION", "expected a text, found 1"),
        ({"@eq": {"VALID_YEAR": "2024"}}, "filter.@eq.VALID_YEAR", 'expected a number, found "2024"'),
        ({"@eq": {"VALID_YEAR": True}}, "filter.@eq.VALID_YEAR", "expected a number, found true"),
        ({"@eq": {"VALID_FROM": "2024-01-01"}}, "filter.@eq.VALID_FROM", "of type date"),
        ({"@gte": {"REGION": "A"}}, "filter.@gte.REGION", "number, date"),
        ({"@contains": {"REGION": "A"}}, "filter.@contains.REGION", "array"),
        ({"@contains": {"MARKETS": ["A"]}}, "filter.@contains.MARKETS", "expected a text, a number or a boolean"),
        ({"@gte": {"VALID_FROM": "yesterday"}}, "filter.@gte.VALID_FROM", "2025-01-31+02:00"),
        ({"@gte": {"VALID_FROM": 20240101}}, "filter.@gte.VALID_FROM", "expected a date"),
        ({"@primarykey": {}}, "filter.@primarykey", "every key column"),
        ({"@primarykey": {"DOC_ID": "a", "REGION": "b"}}, "filter.@primarykey", "every key column"),
        ({"@primarykey": {"DOC_ID": 7}}, "filter.@primarykey.DOC_ID", "expected a text"),
        ({"@primarykey": []}, "filter.@primarykey", "expected an object"),
        ({"@and": {}}, "filter.@and", "an array of filters"),
        ({"@or": []}, "filter.@or", "an array of filters"),
        ({"@not": []}, "filter.@not", "expected an object"),
        ({"@or": [{"@eq": {"REGION": "A"}}, {"@not": {"@lt": {}}}]}, "filter.@or[1].@not", "unknown operator"),
        ({"@and": [{}]}, "filter.@and[0]", "exactly one operator"),
    ],
)
def test_errors_name_the_place(document: dict[str, Any], place: str, problem: str) -> None:
    """What is wrong is said where it is wrong, with what would be right."""
    with pytest.raises(FilterError) as caught:
        compile_filter(document, SERVICE)
    assert caught.value.place == place
    assert problem in caught.value.problem


def test_messages_stay_short() -> None:
    """A megabyte in a filter is not repeated."""
    with pytest.raises(FilterError) as caught:
        compile_filter({"@eq": {"X" * 1_000_000: "Y" * 1_000_000}}, SERVICE)
    assert len(str(caught.value)) < 400


def test_filters_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither many conditions nor deep ones are followed without end."""
    monkeypatch.setattr(filters, "MAX_CONDITIONS", 3)
    leaf: dict[str, Any] = {"@eq": {"REGION": "EMEA"}}
    assert passes({"@and": [leaf, leaf]})
    with pytest.raises(FilterError, match="at most 3 conditions"):
        passes({"@and": [leaf, leaf, leaf]})
    monkeypatch.setattr(filters, "MAX_CONDITIONS", 100)
    monkeypatch.setattr(filters, "MAX_DEPTH", 2)
    assert passes({"@not": {"@not": leaf}})
    with pytest.raises(FilterError, match="at most 2 levels"):
        passes({"@not": {"@not": {"@not": leaf}}})
