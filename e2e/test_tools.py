"""The tools of the client API against the mock: real ranking, a real semantic model, real SQL, a chart of its rows."""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

import pytest
import requests

from contracts.api import PREFIX, ChartAnswer, SearchAnswer, SqlAnswer
from e2e.client_api import TIMEOUT_S, Client
from e2e.stack import Stack

BY_REGION = (
    "SELECT region, SUM(net_amount) AS net_sales FROM CORTEX_BENCH_DB.SALES.ORDERS "
    "WHERE order_year = ? AND region IS NOT NULL GROUP BY region ORDER BY net_sales DESC"
)

ENDLESS = (
    "SELECT MAX(o1.order_id * o2.quantity % (o3.order_id + 1)) "
    "FROM CORTEX_BENCH_DB.SALES.ORDERS o1, CORTEX_BENCH_DB.SALES.ORDERS o2, CORTEX_BENCH_DB.SALES.ORDERS o3"
)
"""Works for minutes: a hundred thousand million combinations, each of which counts."""


@pytest.fixture
def client(stack: Stack) -> Client:
    """A client with a session of its own."""
    return Client.opened(stack)


def use(client: Client, tool: str, body: dict[str, Any], **headers: str) -> requests.Response:
    """A tool's answer."""
    sent = {"Authorization": f"Bearer {client.token}", **headers}
    return requests.post(f"{client.proxy_url}{PREFIX}/tools/{tool}", json=body, headers=sent, timeout=TIMEOUT_S)


def test_search_ranks_what_fits_first(client: Client) -> None:
    """The document that answers comes first, with the columns that were asked for and its scores."""
    asked = {"query": "refund deadline", "columns": ["TITLE", "REGION"], "limit": 5}
    found = SearchAnswer.model_validate_json(use(client, "search", asked).content).results
    assert found[0].columns["TITLE"].startswith("Refund policy")
    assert set(found[0].columns) == {"TITLE", "REGION"}
    assert found[0].scores["reranker_score"] >= found[-1].scores["reranker_score"]


def test_search_filters(client: Client) -> None:
    """Every hit fits the filter, and without it others come."""
    asked: dict[str, Any] = {"query": "delivery", "columns": ["TITLE", "REGION"], "limit": 20}
    filtered = {**asked, "filter": {"@not": {"@eq": {"REGION": "GLOBAL"}}}}
    regions = [
        {hit.columns["REGION"] for hit in SearchAnswer.model_validate_json(use(client, "search", each).content).results}
        for each in (asked, filtered)
    ]
    assert "GLOBAL" in regions[0]
    assert regions[1]
    assert "GLOBAL" not in regions[1]


def test_sql_runs_on_the_benchmark_data(client: Client) -> None:
    """A bound statement gives rows, best first, with exact decimals and Snowflake's types."""
    answer = SqlAnswer.model_validate_json(use(client, "sql", {"statement": BY_REGION, "bindings": [2025]}).content)
    assert [(column.name, column.type) for column in answer.columns] == [("REGION", "text"), ("NET_SALES", "fixed")]
    amounts = [float(cell or 0) for _, cell in answer.rows]
    assert amounts == sorted(amounts, reverse=True)
    assert len(amounts) >= 2
    assert (answer.row_count, answer.truncated) == (len(amounts), False)


def test_a_wrong_statement_is_told_without_its_words(client: Client) -> None:
    """The problem carries Snowflake's code; what the database said stays behind."""
    answer = use(client, "sql", {"statement": "SELECT no_such_column FROM CORTEX_BENCH_DB.SALES.ORDERS"})
    assert (answer.status_code, answer.json()["upstreamCode"]) == (422, "000904")
    assert "no_such_column" not in answer.text.lower()


def test_rows_beyond_the_limit_are_left_out(client: Client) -> None:
    """The answer says how many there were."""
    asked = {"statement": "SELECT order_id FROM CORTEX_BENCH_DB.SALES.ORDERS", "maxRows": 3}
    answer = SqlAnswer.model_validate_json(use(client, "sql", asked).content)
    assert (len(answer.rows), answer.truncated) == (3, True)
    assert answer.row_count > 3


def test_leaving_cancels_the_statement(client: Client, stack: Stack) -> None:
    """A client that goes away takes its statement with it."""
    test_id = uuid.uuid4().hex

    def ask() -> None:
        with pytest.raises(requests.ReadTimeout):
            requests.post(
                f"{client.proxy_url}{PREFIX}/tools/sql",
                json={"statement": ENDLESS},
                headers={"Authorization": f"Bearer {client.token}", "baggage": f"test.id={test_id}"},
                timeout=1.0,
            )

    asking = threading.Thread(target=ask)
    asking.start()
    asking.join()
    until_s = time.monotonic() + TIMEOUT_S
    while time.monotonic() < until_s:
        journal = requests.get(f"{stack.mock_url}/__mock/journal", headers={"X-Test-Id": test_id}, timeout=5).json()
        if any(entry["path"].endswith("/cancel") and entry["status"] == 200 for entry in journal):
            return
        time.sleep(0.05)
    pytest.fail(f"no cancellation came: {[(entry['method'], entry['path'], entry['status']) for entry in journal]}")


def test_analyst_answers_from_the_semantic_model(client: Client) -> None:
    """A verified question comes back with SQL that the database runs; others come with suggestions."""
    asked = {"messages": [{"role": "user", "text": "Net sales by region in 2025?"}]}
    answer = use(client, "analyst", asked).json()
    assert answer["verifiedQuery"]
    rows = SqlAnswer.model_validate_json(use(client, "sql", {"statement": answer["sql"]}).content).rows
    assert len(rows) >= 2
    unknown = use(client, "analyst", {"messages": [{"role": "user", "text": "Will it rain tomorrow?"}]}).json()
    assert unknown["suggestions"]
    assert unknown.get("sql") is None


def test_a_chart_of_a_statements_rows(client: Client) -> None:
    """The rows of a result, by its handle, come back as a Vega-Lite specification with those rows inside."""
    result = SqlAnswer.model_validate_json(use(client, "sql", {"statement": BY_REGION, "bindings": [2025]}).content)
    asked = {"intent": "net sales by region, as bars", "statementHandle": result.statement_handle}
    chart = ChartAnswer.model_validate_json(use(client, "chart", asked).content).chart
    values = chart["data"]["values"]
    assert [value["REGION"] for value in values] == [row[0] for row in result.rows]
    assert {chart["encoding"][channel]["field"] for channel in ("x", "y")} == {"REGION", "NET_SALES"}
