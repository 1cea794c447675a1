"""Runs that do not end well: one breaks, one is stopped."""

from __future__ import annotations

from contracts.cortex import Code
from mocks.cassette import Cassette, Match
from mocks.stories.figures import amount, by_key
from mocks.stories.results import Result
from mocks.stories.writer import ThreadIds, Turn, cassette, interaction

YEARS_SQL = """\
SELECT order_year::VARCHAR AS year, SUM(net_amount) AS net_sales
FROM CORTEX_BENCH_DB.SALES.ORDERS
WHERE region IN ('EMEA', 'APAC')
GROUP BY order_year
ORDER BY order_year"""

BIGGEST_SQL = """\
SELECT order_id, order_date, country, product, quantity, net_amount
FROM CORTEX_BENCH_DB.SALES.ORDERS
WHERE order_year = 2025
ORDER BY net_amount DESC, order_id
LIMIT 5"""


def failure_mid_stream() -> Cassette:
    """Transcript C with more before it: the run breaks while the answer is being written. No final object."""
    turn = Turn("failure_mid_stream")
    turn.plan()
    turn.thinking("A forecast needs the years before it. Only EMEA and APAC go on, so the Americas stay out.")
    turn.semantic_context("net sales by year for EMEA and APAC", ["ORDERS"])
    answer = turn.sql(YEARS_SQL)
    turn.conclude()
    sales = by_key(answer.result, "NET_SALES")
    turn.partial_text(
        f"EMEA and APAC together went from {amount(sales['2023'])} in 2023 to {amount(sales['2025'])} in 2025. "
        "If growth goes on at this pace, 2026 should",
        pause_after_ms=900,
    )
    turn.fail(Code.EXECUTION_ERROR, "Error during execution")
    asked = Match(last_user_text="Forecast net sales for 2026")
    return cassette(
        turn.name, "an error in the middle of the answer", "cortex-wire 1.10, 1.11 C", interaction(asked, turn)
    )


def cancelled_run() -> Cassette:
    """The user stops a long answer; what was said is kept."""
    turn = Turn("cancelled_run", ThreadIds(91, 701, 702))
    turn.plan()
    turn.thinking("The largest orders first, then one paragraph about each.")
    turn.semantic_context("largest orders of 2025", ["ORDERS"])
    answer = turn.sql(BIGGEST_SQL)
    turn.conclude()
    turn.table(answer, "Largest orders of 2025")
    turn.partial_text(_tour(answer.result), pause_after_ms=350)
    turn.finish(status="cancelled")
    asked = Match(last_user_text="Walk me through the biggest orders of 2025")
    return cassette(
        turn.name, "stopped by the user, the partial answer kept", "cortex-wire 1.8, 1.9", interaction(asked, turn)
    )


def _tour(result: Result) -> str:
    number, day, country, product, quantity, _ = result.rows[0]
    first, second, *_rest = result.numbers("NET_AMOUNT")
    return (
        "Five orders stand out.\n\n"
        f"1. **Order {number}** of {day}, {country}: {quantity} × {product} for {amount(first)}. It is the largest "
        f"order of the year, {amount(first - second)} above the next, and filled one whole house with machines.\n"
        f"2. **Order {result.rows[1][0]}**, {result.rows[1][2]}: {result.rows[1][4]} × {result.rows[1][3]}, which"
    )
