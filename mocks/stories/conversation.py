"""Turns that need each other: three in a thread, and a question that the agent has to ask back."""

from __future__ import annotations

from decimal import Decimal

from mocks.cassette import Cassette, Interaction, Match
from mocks.stories.charts import channel, spec
from mocks.stories.figures import amount, by_key, change, listed, total
from mocks.stories.results import Result
from mocks.stories.writer import ThreadIds, Turn, cassette, interaction

BY_REGION_SQL = """\
SELECT region,
       SUM(IFF(order_year = 2023, net_amount, 0)) AS net_sales_2023,
       SUM(IFF(order_year = 2024, net_amount, 0)) AS net_sales_2024
FROM CORTEX_BENCH_DB.SALES.ORDERS
WHERE order_year IN (2023, 2024)
GROUP BY region
ORDER BY net_sales_2024 DESC"""

QUARTERS_SQL = """\
SELECT 'Q' || QUARTER(order_date) AS quarter, order_year::VARCHAR AS year, SUM(net_amount) AS net_sales
FROM CORTEX_BENCH_DB.SALES.ORDERS
WHERE region = 'EMEA' AND order_year IN (2023, 2024)
GROUP BY 1, 2
ORDER BY 1, 2"""

BY_COUNTRY_SQL = """\
SELECT country,
       SUM(IFF(order_year = 2023, net_amount, 0)) AS net_sales_2023,
       SUM(IFF(order_year = 2024, net_amount, 0)) AS net_sales_2024,
       net_sales_2024 - net_sales_2023 AS growth
FROM CORTEX_BENCH_DB.SALES.ORDERS
WHERE region = 'EMEA' AND order_year IN (2023, 2024) AND country IS NOT NULL
GROUP BY country
ORDER BY growth DESC"""

# what is counted -> (expression, name of the column)
MEASURES = {"net sales": ("SUM(o.net_amount)", "net_sales"), "number of orders": ("COUNT(*)", "orders")}


def conversation_three_turns() -> Cassette:
    """Growth, then one region of it, then its countries; each turn builds on the one before."""
    return cassette(
        "conversation_three_turns",
        "three questions in one thread, each leaning on the last",
        "cortex-wire 1.2, 1.6, 1.7, 2.1",
        _growth(),
        _only_emea(),
        _best_country(),
    )


def _growth() -> Interaction:
    turn = Turn("conversation_1", ThreadIds(88, 601, 602))
    turn.plan()
    turn.thinking("Two years, all regions. I put the years side by side, so that growth can be read off each row.")
    turn.semantic_context("net sales 2023 and 2024 by region", ["ORDERS"])
    answer = turn.sql(BY_REGION_SQL)
    turn.conclude()
    turn.table(answer, "Net sales 2023 and 2024, k€")
    old, new = (by_key(answer.result, f"NET_SALES_{year}") for year in (2023, 2024))
    before, after = total(old.values()), total(new.values())
    grew = [f"**{region}** ({change(old[region], new[region])})" for region in new if new[region] > old[region]]
    shrank = [f"**{region}** ({change(old[region], new[region])})" for region in new if new[region] < old[region]]
    turn.text(
        f"Net sales went from {amount(before)} to {amount(after)}. "
        f"Growth came from {listed(grew)}; {listed(shrank)} shrank in the last year before their sale.",
        annotations=[],
    )
    turn.suggested("Only EMEA, please")
    turn.finish()
    return interaction(Match(last_user_text="How did net sales develop from 2023 to 2024?"), turn)


def _only_emea() -> Interaction:
    turn = Turn("conversation_2", ThreadIds(88, 603, 604))
    turn.plan()
    turn.thinking("Same years, EMEA only. Quarters show where the growth sits.")
    answer = turn.sql(QUARTERS_SQL)
    bars = spec(
        "EMEA: net sales by quarter, k€",
        "bar",
        answer.result,
        x=channel("QUARTER", "ordinal", title=None),
        xOffset=channel("YEAR", "nominal"),
        y=channel("NET_SALES", "quantitative", title="Net sales, k€"),
        color=channel("YEAR", "nominal", title="Year"),
    )
    use_id = turn.draw(answer, bars)
    turn.conclude()
    turn.chart(use_id, bars)
    quarters, best = _quarters(answer.result)
    old, new = (total(pair[year] for pair in quarters.values()) for year in (0, 1))
    turn.text(
        f"EMEA grew by {amount(new - old)} ({change(old, new)}). The largest step was **{best}**, from "
        f"{amount(quarters[best][0])} to {amount(quarters[best][1])}.",
        annotations=[],
    )
    turn.suggested("Which country grew most?")
    turn.finish()
    return interaction(Match(last_user_text="Only EMEA, please", parent_message_id=602), turn)


def _quarters(result: Result) -> tuple[dict[str, list[Decimal]], str]:
    """Both years' sales by quarter, and the quarter with the largest growth."""
    quarters: dict[str, list[Decimal]] = {}
    for row, sales in zip(result.rows, result.numbers("NET_SALES"), strict=True):
        quarters.setdefault(str(row[0]), []).append(sales)
    return quarters, max(quarters, key=lambda name: quarters[name][1] - quarters[name][0])


def _best_country() -> Interaction:
    turn = Turn("conversation_3", ThreadIds(88, 605, 606))
    turn.plan()
    turn.thinking("By country within EMEA. Orders without a country cannot be placed, so they stay out.")
    answer = turn.sql(BY_COUNTRY_SQL)
    turn.conclude()
    turn.table(answer, "EMEA: growth by country, k€")
    growth = by_key(answer.result, "GROWTH")
    old, new = (by_key(answer.result, f"NET_SALES_{year}") for year in (2023, 2024))
    first, second, *_ = growth
    fastest = max(new, key=lambda name: new[name] / old[name])
    fallen = [name for name, step in growth.items() if step < 0]
    turn.text(
        f"**{first}** grew most: {amount(growth[first])} more than in 2023 ({change(old[first], new[first])}), ahead "
        f"of {second} with {amount(growth[second])}. In percent, {fastest} was fastest "
        f"({change(old[fastest], new[fastest])}). Sales fell in {listed(fallen)}.\n\n"
        "_Orders without a country are not included._",
        annotations=[],
    )
    turn.suggested("Net sales by region", "How did EMEA develop month by month?")
    turn.finish()
    return interaction(Match(last_user_text="Which country grew most?", parent_message_id=604), turn)


def elicitation() -> Cassette:
    """ "Best" may mean two things, so the agent asks; either suggestion is answered."""
    turn = Turn("elicitation", ThreadIds(94, 731, 732))
    turn.plan()
    turn.thinking("“Best” can mean value or loyalty, and the two lists differ. I had better ask.")
    turn.status("proceeding_to_answer", "Forming the answer")
    turn.text(
        "Happy to — what makes a customer **best** for you: _net sales_ or the _number of orders_?",
        annotations=[],
        is_elicitation=True,
    )
    turn.suggested(*(f"Best customers of 2025 by {measure}" for measure in MEASURES))
    turn.finish()
    return cassette(
        turn.name,
        "the agent asks back before it answers",
        "cortex-wire 1.3, 1.6, 1.7",
        interaction(Match(last_user_text="Who are our best customers?"), turn),
        *(_best_customers(measure, 733 + 2 * number) for number, measure in enumerate(MEASURES)),
    )


def _best_customers(measure: str, message_id: int) -> Interaction:
    expression, column = MEASURES[measure]
    question = f"Best customers of 2025 by {measure}"
    turn = Turn(f"elicitation_{column}", ThreadIds(94, message_id, message_id + 1))
    turn.plan()
    turn.semantic_context(question, ["ORDERS", "CUSTOMERS"])
    answer = turn.sql(
        f"SELECT c.customer_name, c.city, {expression} AS {column}\n"
        "FROM CORTEX_BENCH_DB.SALES.ORDERS AS o\n"
        "JOIN CORTEX_BENCH_DB.SALES.CUSTOMERS AS c ON c.customer_id = o.customer_id\n"
        "WHERE o.order_year = 2025\n"
        "GROUP BY 1, 2\n"
        "ORDER BY 3 DESC, 1\n"
        "LIMIT 10"
    )
    turn.conclude()
    turn.table(answer, question)
    names = [str(row[0]) for row in answer.result.rows]
    turn.text(f"By {measure}, **{names[0]}** comes first, then {names[1]} and {names[2]}. 🏆", annotations=[])
    turn.finish()
    return interaction(Match(last_user_text=question), turn)
