"""An agent whose whole configuration comes with the request: the same questions, asked without a stored agent."""

from __future__ import annotations

from contracts.cortex import INLINE_RUN_PATH
from mocks.cassette import Cassette, Match
from mocks.stories.deltas import tokens
from mocks.stories.fixed import BY_REGION, BY_REGION_SQL
from mocks.stories.writer import DOCUMENTS, Turn, cassette, interaction


def inline_agent() -> Cassette:
    """A policy with its citation, and net sales by region, each in a run of its own."""
    policy = {"doc_id": "POL-7", "doc_title": "Refund policy", "text": "Refunds are possible within 30 days."}
    cited = Turn("inline_refund_deadline")
    cited.plan()
    use_id = cited.tool_use("cortex_search", DOCUMENTS, {"query": "refund deadline"})
    cited.tool_result(use_id, "cortex_search", DOCUMENTS, {"search_results": [policy]})
    said = "Customers have 30 days."
    citation = {"type": "cortex_search_citation", "index": 0, "search_result_id": "cs_inline_1", **policy}
    cited.text(said, tokens(said), annotations=[citation])
    cited.finish()

    counted = Turn("inline_net_sales")
    counted.plan()
    counted.semantic_context("net sales by region 2025", ["ORDERS"])
    answer = counted.sql(BY_REGION_SQL, BY_REGION)
    counted.conclude()
    counted.table(answer, "Net sales by region")
    said = "EMEA leads with 1,250.50, APAC follows with 980.00."
    counted.text(said, tokens(said), annotations=[])
    counted.finish()

    return cassette(
        "inline_agent",
        "an agent without a name: its configuration comes with the question",
        "cortex-wire 1.2",
        interaction(Match(last_user_text="What is the refund deadline?"), cited, path=INLINE_RUN_PATH),
        interaction(Match(last_user_text="Net sales by region"), counted, path=INLINE_RUN_PATH),
    )
