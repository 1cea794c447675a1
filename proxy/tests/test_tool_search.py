"""The search tool: what it sends, what it refuses to send, and what it makes of the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
import responses

from contracts.api import ProblemType, SearchRequest
from proxy.problems import ProblemError
from proxy.tests import answers
from proxy.tests.conftest import MakeCortex
from proxy.tests.errands import errand_for
from proxy.tools import search
from proxy.tools.search import MAX_BRANCHES, MAX_DEPTH, MAX_NODES, checked_filter

URL = "http://127.0.0.1:9/api/v2/databases/CORTEX_BENCH_DB/schemas/SALES/cortex-search-services/SALES_DOCS_SVC:query"
ATTRIBUTES = ("CATEGORY", "REGION", "valid_from")
EQ = {"@eq": {"REGION": "EMEA"}}


def ask(cortex: Any, **fields: Any) -> Any:
    """The tool's answer to a request."""
    asked = SearchRequest.model_validate({"query": "refund deadline"} | fields)
    return search.run(asked, errand_for(cortex, "tool_search"))


def refused(found: Any) -> ProblemError:
    """Why a filter is refused."""
    with pytest.raises(ProblemError) as problem:
        checked_filter(found, ATTRIBUTES)
    return problem.value


def pointers(problem: ProblemError) -> list[str]:
    """Where the faults are."""
    return [fault.pointer for fault in problem.errors or []]


# --- what is sent ----------------------------------------------------------------------------------------------------


@responses.activate
@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        pytest.param(
            {},
            {"columns": ["DOC_ID", "TITLE", "BODY", "CATEGORY", "REGION", "VALID_FROM"], "limit": 10},
            id="all columns",
        ),
        pytest.param(
            {"columns": ["title", "TITLE", "Body"], "limit": 3}, {"columns": ["TITLE", "BODY"], "limit": 3}, id="some"
        ),
        pytest.param(
            {"columns": ["TITLE"], "filter": {"@not": {"@eq": {"region": "EMEA"}}}},
            {"columns": ["TITLE"], "limit": 10, "filter": {"@not": {"@eq": {"REGION": "EMEA"}}}},
            id="filter",
        ),
        pytest.param({"columns": ["TITLE"], "filter": {}}, {"columns": ["TITLE"], "limit": 10}, id="empty filter"),
    ],
)
def test_what_is_sent(make_cortex: MakeCortex, fields: dict[str, Any], sent: dict[str, Any]) -> None:
    """The question, with columns and filter in the service's own names, to the configured service."""
    responses.post(URL, json=answers.SEARCH)
    ask(make_cortex(), **fields)
    (call,) = responses.calls
    assert json.loads(call.request.body or b"") == {"query": "refund deadline"} | sent


def test_an_unknown_column(make_cortex: MakeCortex) -> None:
    """Every column that the service does not offer is named, and what it offers; nothing is sent."""
    with pytest.raises(ProblemError) as problem:
        ask(make_cortex(), columns=["TITLE", "SALARY", "SSN"])
    assert problem.value.kind is ProblemType.COLUMN_UNKNOWN
    assert pointers(problem.value) == ["/columns/1", "/columns/2"]
    assert problem.value.known == ["DOC_ID", "TITLE", "BODY", "CATEGORY", "REGION", "VALID_FROM"]


# --- the answer ------------------------------------------------------------------------------------------------------


@responses.activate
def test_the_answer(make_cortex: MakeCortex) -> None:
    """Scores stand apart from columns; both as they came."""
    responses.post(URL, json=answers.SEARCH)
    found = ask(make_cortex(), columns=["DOC_ID", "TITLE", "BODY"])
    (hit,) = found.results
    assert hit.columns == {name: value for name, value in answers.SEARCH["results"][0].items() if name != "@scores"}
    assert hit.scores == answers.SEARCH["results"][0]["@scores"]
    assert found.request_id == answers.REQUEST_ID


@responses.activate
@pytest.mark.parametrize(
    ("row", "columns", "scores"),
    [
        pytest.param({"TITLE": ["a", 1, None]}, {"TITLE": ["a", 1, None]}, {}, id="array, no scores"),
        pytest.param({"TITLE": "12.50"}, {"TITLE": "12.50"}, {}, id="number as text"),
        pytest.param({"TITLE": 12.5}, {"TITLE": 12.5}, {}, id="number"),
        pytest.param({"title": "x", "SALARY": 1}, {"title": "x"}, {}, id="a column nobody asked for"),
        pytest.param({"@scores": {"a": 1, "b": None, "c": "x", "d": True}}, {}, {"a": 1}, id="odd scores"),
        pytest.param({"@scores": [1]}, {}, {}, id="scores in another form"),
    ],
)
def test_rows(make_cortex: MakeCortex, row: Any, columns: Any, scores: Any) -> None:
    """Values pass as they are; what is no score, and what was not asked for, is left out."""
    responses.post(URL, json={"results": [row], "request_id": "r"})
    (hit,) = ask(make_cortex(), columns=["TITLE"]).results
    assert (hit.columns, hit.scores) == (columns, scores)


@responses.activate
def test_nothing_found(make_cortex: MakeCortex) -> None:
    """An empty list is an answer."""
    responses.post(URL, json={"results": [], "request_id": "r"})
    assert ask(make_cortex()).results == []


@responses.activate
def test_no_more_than_asked_for(make_cortex: MakeCortex) -> None:
    """The limit holds, whatever the service sends."""
    responses.post(
        URL, json={"results": [{"TITLE": str(number)} for number in range(5)]}, headers={"X-Snowflake-Request-Id": "r2"}
    )
    found = ask(make_cortex(), limit=2)
    assert [hit.columns for hit in found.results] == [{"TITLE": "0"}, {"TITLE": "1"}]
    assert found.request_id == "r2"


# --- the filter ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "sent"),
    [
        pytest.param({"@eq": {"region": "EMEA"}}, {"@eq": {"REGION": "EMEA"}}, id="text"),
        pytest.param({"@eq": {"REGION": 1}}, {"@eq": {"REGION": 1}}, id="number"),
        pytest.param({"@eq": {"REGION": True}}, {"@eq": {"REGION": True}}, id="truth value"),
        pytest.param({"@contains": {"CATEGORY": "a"}}, {"@contains": {"CATEGORY": "a"}}, id="contains"),
        pytest.param(
            {"@gte": {"VALID_FROM": "2025-01-01"}}, {"@gte": {"valid_from": "2025-01-01"}}, id="configured case"
        ),
        pytest.param({"@lte": {"Region": 1.5}}, {"@lte": {"REGION": 1.5}}, id="bound"),
        pytest.param({"@not": {"@or": [EQ, {"@and": [EQ]}]}}, {"@not": {"@or": [EQ, {"@and": [EQ]}]}}, id="nested"),
        pytest.param({"@or": [EQ] * MAX_BRANCHES}, {"@or": [EQ] * MAX_BRANCHES}, id="many"),
    ],
)
def test_filters(found: dict[str, Any], sent: dict[str, Any]) -> None:
    """A filter in Snowflake's grammar passes, with its columns as configured."""
    assert checked_filter(found, ATTRIBUTES) == sent


@pytest.mark.parametrize(
    ("found", "pointer"),
    [
        pytest.param({"@eq": {"REGION": "a"}, "@not": EQ}, "/filter", id="two operators"),
        pytest.param({"@gt": {"REGION": 1}}, "/filter", id="unknown operator"),
        pytest.param({"@primarykey": {"REGION": 1}}, "/filter", id="primary key"),
        pytest.param({"REGION": "EMEA"}, "/filter", id="no operator"),
        pytest.param({"@eq": {}}, "/filter/@eq", id="no column"),
        pytest.param({"@eq": {"REGION": 1, "CATEGORY": 2}}, "/filter/@eq", id="two columns"),
        pytest.param({"@eq": "REGION"}, "/filter/@eq", id="no object"),
        pytest.param({"@eq": {"REGION": None}}, "/filter/@eq", id="null"),
        pytest.param({"@eq": {"REGION": ["EMEA"]}}, "/filter/@eq", id="list"),
        pytest.param({"@eq": {"REGION": {"@eq": 1}}}, "/filter/@eq", id="object"),
        pytest.param({"@eq": {"REGION": float("inf")}}, "/filter/@eq", id="endless"),
        pytest.param({"@gte": {"REGION": True}}, "/filter/@gte", id="truth value as a bound"),
        pytest.param({"@and": EQ}, "/filter/@and", id="junction of no list"),
        pytest.param({"@and": []}, "/filter/@and", id="junction of nothing"),
        pytest.param({"@or": [EQ] * (MAX_BRANCHES + 1)}, "/filter/@or", id="junction of too many"),
        pytest.param({"@not": [EQ]}, "/filter/@not", id="negated list"),
        pytest.param({"@and": [EQ, {"@or": [EQ, {"@eq": []}]}]}, "/filter/@and/1/@or/1/@eq", id="deep"),
        pytest.param({"@and": [EQ, "x"]}, "/filter/@and/1", id="no filter"),
    ],
)
def test_filters_outside_the_grammar(found: dict[str, Any], pointer: str) -> None:
    """What Snowflake's grammar does not know is refused, and the place is named."""
    problem = refused(found)
    assert (problem.kind, pointers(problem)) == (ProblemType.INVALID_REQUEST, [pointer])


def test_every_fault_of_a_filter_is_told() -> None:
    """Not only the first."""
    assert pointers(refused({"@and": [{"@eq": []}, EQ, {"@lt": {}}]})) == ["/filter/@and/0/@eq", "/filter/@and/2"]


def test_filters_are_bounded() -> None:
    """In depth and in number, so that a small body cannot ask for much work."""
    deep: dict[str, Any] = EQ
    for _ in range(MAX_DEPTH - 1):
        deep = {"@not": deep}
    assert checked_filter(deep, ATTRIBUTES) == deep
    assert pointers(refused({"@not": deep})) == ["/filter" + "/@not" * MAX_DEPTH]
    full = {"@or": [{"@or": [EQ] * 9}] * 9}
    assert checked_filter(full, ATTRIBUTES) == full
    assert str(MAX_NODES) in refused({"@or": [{"@or": [EQ] * 10}] * 10}).detail


def test_columns_that_cannot_be_filtered_by() -> None:
    """Only attributes can; each other column is named with its place, and shortened."""
    problem = refused({"@and": [EQ, {"@not": {"@eq": {"BODY": 1}}}, {"@eq": {"x" * 500: 1}}]})
    assert problem.kind is ProblemType.COLUMN_UNKNOWN
    assert pointers(problem) == ["/filter/@and/1/@not/@eq", "/filter/@and/2/@eq"]
    assert problem.known == list(ATTRIBUTES)
    assert len(problem.detail) < 400
