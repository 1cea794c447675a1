"""Cortex Search over real sockets: queries, errors, the other verbs, and what a test suspends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from contracts.cortex import search_query_path
from fixtures.bench.search import SERVICE, rows
from mocks.assumptions import Assumptions
from mocks.snowflake import search
from mocks.tests.running import Answer, KeyPair, RunningMock, running

SERVICES = "/api/v2/databases/CORTEX_BENCH_DB/schemas/SALES/cortex-search-services"
PATH = f"{SERVICES}/SALES_DOCS_SVC"
QUERY = search_query_path("CORTEX_BENCH_DB", "SALES", "SALES_DOCS_SVC")


@pytest.fixture(scope="module")
def numeric(keys: KeyPair) -> Iterator[RunningMock]:
    """A mock that assumes numbers in search results."""
    with running(keys, assume=Assumptions(search_numbers="numbers")) as started:
        yield started


def post(mock: RunningMock, path: str, test_id: str = "", **fields: Any) -> Answer:
    return mock.call("POST", path, json.dumps(fields).encode(), {"X-Test-Id": test_id} if test_id else {})


def found(mock: RunningMock, **fields: Any) -> list[dict[str, Any]]:
    answer = post(mock, QUERY, **fields)
    assert answer.status == 200, answer.body
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def refusal(mock: RunningMock, path: str = QUERY, **fields: Any) -> str:
    answer = post(mock, path, **fields)
    assert (answer.status, answer.json()["code"]) == (400, "390142")
    return json.dumps(answer.json(), ensure_ascii=False)


def test_query_of_the_wire_page(mock: RunningMock) -> None:
    """The printed query finds the printed document, with its scores and one request id in body and header."""
    columns = ["DOC_ID", "TITLE", "BODY"]
    answer = post(mock, QUERY, query="refund deadline", columns=columns, filter={"@eq": {"REGION": "EMEA"}}, limit=2)
    body = answer.json()
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert set(body) == {"results", "request_id"}
    assert body["request_id"] == answer.headers["x-snowflake-request-id"]
    first, second = body["results"]
    scores = first.pop("@scores")
    assert first == {"DOC_ID": "POL-7", "TITLE": "Refund policy", "BODY": "Refunds are possible within 30 days."}
    assert set(scores) == {"cosine_similarity", "text_match", "reranker_score"}
    assert scores["text_match"] > second["@scores"]["text_match"]


def test_only_the_search_column_by_default(mock: RunningMock) -> None:
    """Without `columns` the search column comes back, ten rows by default, an empty filter or none alike."""
    results = found(mock, query="refund", filter={}, columns=None, limit=None)
    assert {tuple(row) for row in results} == {("@scores", "BODY")}
    assert len(results) == 10
    assert results == found(mock, query="refund")


def test_columns_come_back_as_they_were_asked_for(mock: RunningMock) -> None:
    """A column in lower case is the same one, under the name that was asked; arrays are arrays, dates ISO."""
    (row,) = found(mock, query="refund", columns=["doc_id", "markets", "valid_from", "valid_year"], limit=1)
    del row["@scores"]
    assert row == {"doc_id": "POL-7", "markets": ["EMEA"], "valid_from": "2024-01-01", "valid_year": "2024"}


def test_numbers_can_be_numbers(numeric: RunningMock) -> None:
    """The assumption about NUMBER columns can be turned, for queries and suggestions."""
    assert found(numeric, query="refund", columns=["VALID_YEAR"], limit=1)[0]["VALID_YEAR"] == 2024
    rows = post(numeric, f"{PATH}:suggest", query="newsl", columns=["VALID_YEAR"]).json()["results"]
    assert rows == [{"rows": [{"columns": {"VALID_YEAR": 2024}}]}]


def test_names_are_identifiers(mock: RunningMock) -> None:
    """Unquoted parts have no case, quoted ones are exact, and a colon may be escaped."""
    for path in (
        search_query_path("cortex_bench_db", "sales", "sales_docs_svc"),
        search_query_path("%22CORTEX_BENCH_DB%22", "SALES", "%22SALES_DOCS_SVC%22"),
        QUERY.replace(":query", "%3Aquery"),
    ):
        assert post(mock, path, query="refund").status == 200
    assert post(mock, search_query_path("CORTEX_BENCH_DB", "SALES", "%22sales_docs_svc%22"), query="x").status == 404


@pytest.mark.parametrize("verb", ["query", "suggest", "feedback", "suspend", "resume"])
def test_unknown_service(mock: RunningMock, verb: str) -> None:
    """A service that is not there, or not visible, is a 404 that names it."""
    answer = post(mock, f"{SERVICES}/nowhere:{verb}", query="x", request_id="x", positive=True)
    body = answer.json()
    assert answer.status == 404
    assert body["message"] == (
        "The Cortex Search Service does not exist or access is not authorized for the current role: "
        "CORTEX_BENCH_DB.SALES.NOWHERE"
    )
    assert body["mock"] == {"known_services": ["CORTEX_BENCH_DB.SALES.SALES_DOCS_SVC"]}


def test_several_columns_at_once(mock: RunningMock) -> None:
    """A query by column searches those columns alone; several texts for one column are one search."""
    queries = {"title": [{"text": "refund"}, {"text": "policy"}], "BODY": [{"text": "unopened", "vector": None}]}
    assert found(mock, multi_index_query=queries, columns=["DOC_ID"], limit=1)[0]["DOC_ID"] == "POL-8"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, "exactly one of 'query' and 'multi_index_query'", id="neither"),
        pytest.param({"query": "x", "multi_index_query": {}}, "exactly one of 'query'", id="both"),
        pytest.param({"multi_index_query": {}}, "names no column", id="no index"),
        pytest.param({"multi_index_query": {"REGION": [{"text": "x"}]}}, "REGION: the column is not", id="not indexed"),
        pytest.param({"multi_index_query": {"BODY": []}}, "BODY: expected an array of at least one", id="no text"),
        pytest.param({"multi_index_query": {"BODY": [{}]}}, "BODY[0]: exactly one of 'text' and", id="no query"),
        pytest.param({"multi_index_query": {"BODY": [{"vector": [1]}]}}, "vector queries are not", id="vector"),
        pytest.param({"query": "x", "columns": ["DOC_IDD"]}, "columns[0]: unknown column 'DOC_IDD'", id="column"),
        pytest.param({"query": "x", "limit": 0}, "limit: Input should be greater", id="no results"),
        pytest.param({"query": "x", "limit": 1001}, "limit: Input should be less", id="too many results"),
        pytest.param({"query": "x", "filter": {"@eq": {"NOPE": 1}}}, "filter.@eq: unknown column", id="filter"),
        pytest.param({"query": "x", "filter": []}, "filter: Input should be", id="filter of another type"),
        pytest.param({"query": "x", "scoring_profile": "fresh"}, "'fresh' does not exist", id="profile"),
        pytest.param(
            {"query": "x", "scoring_config": {"functions": {"time_decays": [{"column": "BODY"}]}}},
            "scoring_config.functions.time_decays[0].column: 'BODY'",
            id="scoring",
        ),
        pytest.param({"query": "x", "scoring_config": {"weights": 1}}, "scoring_config.weights: ", id="weights"),
    ],
)
def test_broken_queries(mock: RunningMock, fields: dict[str, Any], expected: str) -> None:
    """Whatever is wrong is a 400 that names the place."""
    assert expected in refusal(mock, **fields)


def test_an_empty_match_is_no_error(mock: RunningMock) -> None:
    """A filter that lets nothing pass leaves an empty list."""
    assert found(mock, query="refund", filter={"@eq": {"REGION": "LATAM"}}) == []


def test_all_documents_at_once(mock: RunningMock) -> None:
    """The largest limit gives every document once."""
    ids = [row["DOC_ID"] for row in found(mock, query="warranty", columns=["DOC_ID"], limit=1000)]
    assert sorted(ids) == sorted(str(row["DOC_ID"]) for row in rows())


def test_large_responses_are_refused(mock: RunningMock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A response past the limit is refused, with what to do."""
    monkeypatch.setattr(search, "MAX_RESPONSE_BYTES", 100)
    assert "would exceed 100 bytes; ask for fewer" in refusal(mock, query="refund")


def test_ignored_parts_are_named(mock: RunningMock) -> None:
    """What the stand-in cannot compute is said in a header and in the journal; what it can is not."""
    answer = post(
        mock, QUERY, "search-ignored", query="x", scoring_config={"reranker": "best", "weights": {"texts": 1}}
    )
    assert answer.headers["x-mock-ignored"] == "scoring_config.reranker"
    assert mock.ended("search-ignored")["why"] == "ranked without scoring_config.reranker"
    assert "x-mock-ignored" not in post(mock, QUERY, query="x", scoring_config={"reranker": "none"}).headers


def test_suggestions(mock: RunningMock) -> None:
    """Suggestions complete the last word; their columns are chosen as those of a query."""
    answer = post(mock, f"{PATH}:suggest", query="espresso mach", columns=["TITLE"], limit=1)
    titles = [{"rows": [{"columns": {"TITLE": "Warranty on espresso machines"}}]}]
    assert answer.json() == {"results": titles, "request_id": answer.headers["x-snowflake-request-id"]}
    default = post(mock, f"{PATH}:suggest", query="t").json()["results"]
    assert [list(result["rows"][0]["columns"]) for result in default] == [["BODY"]] * 5
    assert "columns[0]" in refusal(mock, f"{PATH}:suggest", query="t", columns=["NOPE"])


def test_feedback(mock: RunningMock) -> None:
    """Feedback needs a request id and a judgement."""
    assert post(mock, f"{PATH}:feedback", request_id="r", positive=False, feedback_message="no").status == 200
    assert "positive: Field required" in refusal(mock, f"{PATH}:feedback", request_id="r")


def test_service_is_described(mock: RunningMock) -> None:
    """The description agrees with the declaration, alone and in the list."""
    described = mock.call("GET", PATH).json()
    assert described["columns"] == list(SERVICE.columns)
    assert described["attribute_columns"] == list(SERVICE.attributes)
    assert (described["search_column"], described["source_data_num_rows"]) == ("BODY", 40)
    assert (described["serving_state"], described["indexing_state"]) == ("ACTIVE", "ACTIVE")
    assert mock.call("GET", SERVICES).json() == [described]
    assert mock.call("GET", f"{SERVICES}/NOWHERE").status == 404
    assert mock.call("GET", SERVICES.replace("SALES", "NOWHERE")).status == 404


@pytest.mark.parametrize(
    ("pattern", "count"), [("SALES%25", 1), ("sales_docs_svc", 1), ("%25", 1), ("SALES", 0), ("*", 0), ("[A-Z]%25", 0)]
)
def test_list_can_be_narrowed(mock: RunningMock, pattern: str, count: int) -> None:
    """`like` is an SQL pattern: per cent and underscore are wildcards, nothing else is."""
    assert len(mock.call("GET", f"{SERVICES}?like={pattern}").json()) == count


def test_suspended_services_answer_no_queries(mock: RunningMock) -> None:
    """Suspending concerns the asking test alone: queries are a 409 until serving is resumed."""
    mine = {"X-Test-Id": "search-suspend"}
    assert post(mock, f"{PATH}:suspend?target=indexing", "search-suspend").status == 200
    assert post(mock, QUERY, "search-suspend", query="x").status == 200
    assert post(mock, f"{PATH}:suspend", "search-suspend").status == 200
    described = mock.call("GET", PATH, headers=mine).json()
    assert (described["serving_state"], described["indexing_state"]) == ("SUSPENDED", "SUSPENDED")
    answer = post(mock, QUERY, "search-suspend", query="x")
    assert (answer.status, "suspended" in answer.json()["message"]) == (409, True)
    assert post(mock, f"{PATH}:suggest", "search-suspend", query="x").status == 409
    assert post(mock, QUERY, "not-suspended", query="x").status == 200
    assert post(mock, f"{PATH}:resume?target=SERVING", "search-suspend").status == 200
    assert post(mock, QUERY, "search-suspend", query="x").status == 200
    assert mock.call("GET", PATH, headers=mine).json()["indexing_state"] == "SUSPENDED"
    assert "did you mean 'serving'" in refusal(mock, f"{PATH}:suspend?target=servin")


def test_services_are_not_made_or_dropped(mock: RunningMock) -> None:
    """Creating and dropping are refused for want of a privilege; a service that need not exist is no error."""
    created = post(mock, SERVICES, name="MINE")
    dropped = mock.call("DELETE", PATH)
    assert (created.status, dropped.status) == (403, 403)
    assert "Insufficient privileges to operate on schema 'SALES'" in created.json()["message"]
    assert "makes or drops no others" in dropped.json()["mock"]["why"]
    assert mock.call("DELETE", f"{SERVICES}/NOWHERE").status == 404
    assert mock.call("DELETE", f"{SERVICES}/NOWHERE?ifExists=true").status == 200
    assert post(mock, f"{SERVICES}/NOWHERE:suspend?ifExists=true").status == 200
    assert post(mock, f"{SERVICES}/NOWHERE:resume?ifExists=TRUE").status == 200
    assert mock.call("GET", PATH).status == 200


def test_other_methods(mock: RunningMock) -> None:
    """A query is posted; anything else is a 405 that says so."""
    answer = mock.call("GET", QUERY)
    assert (answer.status, answer.headers["allow"], answer.body) == (405, "POST", b"")
