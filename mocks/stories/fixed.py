"""The two stories whose frames the wire reference prints; a test compares them byte for byte."""

from __future__ import annotations

from decimal import Decimal

from mocks.cassette import Cassette, Match
from mocks.stories.charts import channel, spec
from mocks.stories.results import Column, Result
from mocks.stories.writer import DOCUMENTS, ThreadIds, Turn, cassette, interaction

REQUEST_ID = "0e6d7a52-6f0a-4a35-9a3e-8b7d9b0c1f42"
BY_REGION_SQL = (
    "SELECT region, SUM(net_amount) AS net_sales FROM CORTEX_BENCH_DB.SALES.ORDERS"
    " WHERE order_year = 2025 GROUP BY region"
)
# The printed statement does not order its rows, so they stand here as they were printed.
BY_REGION = Result(
    BY_REGION_SQL,
    (Column("REGION", "TEXT", length=16), Column("NET_SALES", "FIXED", precision=18, scale=2)),
    (("EMEA", Decimal("1250.50")), ("APAC", Decimal("980.00"))),
)


def net_sales_by_region() -> Cassette:
    """Transcript A: a thread, the analyst, a table, a chart, a suggestion."""
    turn = Turn("net_sales_by_region", ThreadIds(77, 501, 502), request_id=REQUEST_ID)
    turn.plan()
    thoughts = ["The user wants net sales", " per region, so I query the sales view."]
    turn.thinking("".join(thoughts), thoughts)
    turn.semantic_context("net sales by region 2025", ["ORDERS"], "toolu_ctx01")
    answer = turn.sql(BY_REGION_SQL, BY_REGION, "toolu_sql01", "01bd4f00-0000-1a2b-0000-000000000101")
    bars = spec(
        "Net sales 2025", "bar", BY_REGION, x=channel("REGION", "nominal"), y=channel("NET_SALES", "quantitative")
    )
    turn.draw(answer, bars, "toolu_chart01")
    turn.conclude()
    turn.table(answer, "Net sales by region")
    turn.chart("toolu_chart01", bars)
    said = ["EMEA leads with 1,250.50", ", APAC follows with 980.00."]
    turn.text("".join(said), said, annotations=[])
    turn.suggested("How did EMEA develop month by month?")
    turn.finish(usage={"tokens_consumed": [_printed_tokens()]})
    return cassette(
        turn.name,
        "net sales by region, with chart",
        "cortex-wire 1.11 A",
        interaction(_asked("Net sales by region"), turn),
    )


def refund_deadline() -> Cassette:
    """Transcript B, with one status before it: a search and a citation, no thread."""
    turn = Turn("refund_deadline")
    turn.plan()
    use_id = turn.tool_use("cortex_search", DOCUMENTS, {"query": "refund deadline"}, "toolu_s1")
    policy = {"doc_id": "POL-7", "doc_title": "Refund policy", "text": "Refunds are possible within 30 days."}
    turn.tool_result(use_id, "cortex_search", DOCUMENTS, {"search_results": [policy]})
    citation = {
        "type": "cortex_search_citation",
        "index": 0,
        "search_result_id": f"cs_2f0e8a34{REQUEST_ID[8:]}",
        **policy,
    }
    said = "Customers have 30 days."
    turn.text(said, [said], annotations=[citation], is_elicitation=None)
    turn.finish(usage={"tokens_consumed": []})
    return cassette(
        turn.name,
        "refund deadline, from a policy document, cited",
        "cortex-wire 1.11 B",
        interaction(_asked("What is the refund deadline?"), turn),
    )


def _asked(question: str) -> Match:
    return Match(last_user_text=question)


def _printed_tokens() -> dict[str, object]:
    return {
        "model_name": "claude-sonnet-4-6",
        "input_tokens": {"total": 5100, "cache_read": 1200, "cache_write": 0, "uncached": 3900},
        "output_tokens": {"total": 420},
        "context_window": 200000,
    }
