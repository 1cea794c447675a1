"""Answers from documents: with citations, and with a document tool out of reach."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from contracts.cortex import Code
from fixtures.bench.database import FOLDER
from mocks.cassette import Cassette, Match
from mocks.stories.figures import change
from mocks.stories.results import Result
from mocks.stories.writer import DOCUMENTS, ThreadIds, Turn, cassette, interaction, made_up_uuid

WEB_PAGE = "https://www.example.org/guides/warranty-periods"
WEB_TEXT = "Makers of household machines commonly offer 24 months; 36 months or more are a selling point."

PRICES_SQL = """\
SELECT p.category,
       (1000 * SUM(IFF(o.order_year = 2024, o.net_amount, 0))
         / SUM(IFF(o.order_year = 2024, o.quantity, 0)))::NUMBER(10,2) AS eur_per_unit_2024,
       (1000 * SUM(IFF(o.order_year = 2025, o.net_amount, 0))
         / SUM(IFF(o.order_year = 2025, o.quantity, 0)))::NUMBER(10,2) AS eur_per_unit_2025
FROM CORTEX_BENCH_DB.SALES.ORDERS AS o
JOIN CORTEX_BENCH_DB.SALES.PRODUCTS AS p ON p.product = o.product
WHERE o.order_year IN (2024, 2025) AND o.region IN ('EMEA', 'APAC')
GROUP BY p.category
ORDER BY p.category"""


def citations() -> Cassette:
    """Two policies and a web page, each cited where its fact is used."""
    turn = Turn("citations", ThreadIds(93, 721, 722))
    turn.plan()
    turn.thinking(
        "Our own terms are in the policies; what is usual elsewhere has to come from the web. I look up both."
    )
    search(turn, "warranty period equipment machines", ["POL-6", "POL-5"])
    turn.status("executing_tool", "Executing tool `web_search`")
    use_id = turn.tool_use("web_search", "web_search", {"query": "usual warranty period espresso machine"})
    page = {"title": "Warranty periods", "url": WEB_PAGE, "text": WEB_TEXT}
    turn.tool_result(use_id, "web_search", "web_search", {"search_results": [page]})
    turn.conclude()
    elsewhere = "Elsewhere, 24 months are common for household machines, so our machines are **ahead by a year**."
    text = (
        "It depends on what was bought:\n\n"
        "- **Espresso machines:** 36 months, if they were descaled every six months.\n"
        "- **Grinders, kettles and drippers:** 24 months; wear of burrs and seals is not covered.\n\n"
        f"{elsewhere} ☕"
    )
    start = text.index(elsewhere)
    web = {
        "type": "web_search_citation",
        "start_index": start,
        "end_index": start + len(elsewhere),
        "source_url": WEB_PAGE,
        "text": WEB_TEXT,
    }
    turn.text(text, annotations=[_citation("POL-6", 0), _citation("POL-5", 1), web])
    turn.suggested("What is the refund deadline?", "Which products are returned most often?")
    turn.finish()
    asked = Match(last_user_text="How long is our warranty, and what is usual elsewhere?")
    return cassette(
        turn.name, "two documents and a web page, cited", "cortex-wire 1.6, 1.7, 1.11 B", interaction(asked, turn)
    )


def tool_not_accessible() -> Cassette:
    """The role may not use the search service: the run warns and goes on with the figures alone."""
    turn = Turn("tool_not_accessible")
    turn.plan()
    turn.warning(
        Code.TOOL_NOT_ACCESSIBLE,
        f"TOOL_NOT_ACCESSIBLE: {DOCUMENTS} (cortex_search) - The Cortex Search Service does not exist or access is not "
        "authorized for the current role: CORTEX_BENCH_DB.SALES.SALES_DOCS_SVC",
    )
    turn.thinking(
        "The price rules are out of reach for this role. What customers really paid per unit is in the orders."
    )
    turn.semantic_context("net amount per unit by category, 2024 and 2025", ["ORDERS", "PRODUCTS"])
    answer = turn.sql(PRICES_SQL)
    turn.conclude()
    turn.table(answer, "Average price per unit, EUR")
    turn.text(_price_moves(answer.result), annotations=[])
    turn.finish()
    asked = Match(last_user_text="What are our price rules, and did prices rise in 2025?")
    return cassette(
        turn.name,
        "a tool the role may not use: a warning, then an answer",
        "cortex-wire 1.7, 1.10",
        interaction(asked, turn),
    )


def _price_moves(result: Result) -> str:
    old, new = result.numbers("EUR_PER_UNIT_2024"), result.numbers("EUR_PER_UNIT_2025")
    rises = "\n".join(
        f"- {row[0]}: {before:,.2f} € → {after:,.2f} € per unit ({change(before, after)})"
        for row, before, after in zip(result.rows, old, new, strict=True)
    )
    return (
        "> I could not open the policy documents with your role, so the _rules_ are missing here.\n\n"
        f"What the orders of EMEA and APAC say about the prices paid:\n\n{rises}\n\n"
        "These are averages: they move with the mix of products as well as with prices."
    )


def search(turn: Turn, words: str, found: list[str]) -> None:
    """Let the search service find these documents, best first."""
    turn.status("executing_tool", f"Executing tool `{DOCUMENTS}`")
    use_id = turn.tool_use("cortex_search", DOCUMENTS, {"query": words})
    turn.tool_result(use_id, "cortex_search", DOCUMENTS, {"search_results": [hit(doc_id) for doc_id in found]})


def hit(doc_id: str) -> dict[str, str]:
    """A document as a search result."""
    policy = _policies()[doc_id]
    return {"doc_id": doc_id, "doc_title": policy["TITLE"], "text": policy["BODY"]}


def _citation(doc_id: str, index: int) -> dict[str, Any]:
    result_id = f"cs_{made_up_uuid('citation', doc_id)}"
    return {"type": "cortex_search_citation", "index": index, "search_result_id": result_id, **hit(doc_id)}


@cache
def _policies() -> dict[str, dict[str, str]]:
    lines = (FOLDER / "policies.jsonl").read_text(encoding="utf-8").splitlines()
    return {policy["DOC_ID"]: policy for policy in map(json.loads, lines)}
