"""From questions to answers, without a server."""

from __future__ import annotations

import pytest

from fixtures.bench.semantics import VerifiedQuery, bench_model, parse
from mocks.cassette import load_all
from mocks.snowflake.analyst.answering import MAX_SUGGESTIONS, MAX_TURNS, Analyst, Way, jaccard
from mocks.snowflake.analyst.composing import TRAILER
from mocks.state import HERE
from mocks.stories import conversation, languages, months, pictures, queries, results

MODEL = bench_model()
ANALYST = Analyst(MODEL)
BY_NAME = {query.name: query for query in MODEL.verified_queries}


@pytest.mark.parametrize("query", MODEL.verified_queries, ids=lambda query: query.name)
def test_a_verified_question_is_answered_with_its_query(query: VerifiedQuery) -> None:
    """Whatever its case, spacing and closing punctuation, over the fast path."""
    for question in (query.question, f"  {query.question.upper()} ?"):
        answer = ANALYST.answer([question])
        assert (answer.way, answer.category, answer.path) == (Way.VERIFIED, "CLEAR_SQL", "vqr_fast_path")
        assert (answer.sql, answer.verified, answer.suggestions) == (query.sql + TRAILER, query, ())
        assert query.question in answer.text


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("What were our net sales per region in 2025?", "net_sales_by_region_2025"),
        ("Show me sales by regions, 2025", "net_sales_by_region_2025"),
        ("2025 revenue by country", "net_sales_by_country_2025"),
        ("the products which are returned most often", "most_returned_products"),
        ("how many customers are there per customer segment", "customers_per_segment"),
    ],
)
def test_a_close_question_gets_the_verified_query(question: str, name: str) -> None:
    """Synonyms, order and fillers do not count; the answer names its base, though not as the fast path."""
    answer = ANALYST.answer([question])
    assert (answer.way, answer.path) == (Way.SIMILAR, "regular_sqlgen")
    assert answer.verified == BY_NAME[name]
    assert answer.sql == BY_NAME[name].sql + TRAILER


@pytest.mark.parametrize(
    ("question", "not_this"),
    [
        ("Net sales by region in 2024?", "net_sales_by_region_2025"),
        ("Net sales by channel in 2025?", "net_sales_by_region_2025"),
        ("Which products are returned least often?", "most_returned_products"),
        ("Which EMEA country shrank most from 2023 to 2024?", "emea_growth_by_country"),
        ("Which APAC country grew most from 2023 to 2024?", "emea_growth_by_country"),
        ("Which were the five biggest orders of EMEA in June 2025?", "biggest_orders_emea_june"),
        ("Share of net sales by region in 2025", "net_sales_by_region_2025"),
        ("Net sales by customer region in 2025", "net_sales_by_region_2025"),
        ("What are our average list prices?", "list_prices"),
    ],
)
def test_another_meaning_is_not_close(question: str, not_this: str) -> None:
    """One other number, value, column or mark, and it is another question."""
    answer = ANALYST.answer([question])
    assert answer.way in (Way.COMPOSED, Way.SUGGESTED)
    assert answer.sql != BY_NAME[not_this].sql + TRAILER


def test_a_question_of_known_words_is_composed() -> None:
    """With a sentence that says how it was read, and no verified query."""
    answer = ANALYST.answer(["top 3 countries by online net sales from 2023 to 2024 in EMEA"])
    assert (answer.way, answer.path, answer.verified) == (Way.COMPOSED, "regular_sqlgen", None)
    assert answer.text == (
        "This is how I read the question: net sales by country where channel is Online and region is EMEA "
        "from 2023 to 2024, the top 3."
    )


def test_a_conversation_goes_on() -> None:
    """A filter, a grouping and a year change what was asked before, each on top of the last."""
    asked = ["net sales by country in 2024", "Only EMEA, please", "by channel", "and in 2023?"]
    answer = ANALYST.answer(asked)
    assert answer.text == "This is how I read the question: net sales by channel where region is EMEA in 2023."


@pytest.mark.parametrize(
    "before",
    [
        pytest.param([], id="nothing"),
        pytest.param(["Tell me a joke"], id="nonsense"),
        pytest.param(["Net sales by region"], id="verified"),
        pytest.param(["net sales by country in 2024", "Tell me a joke"], id="nonsense between"),
        pytest.param(["net sales by country in 2024", *["by channel"] * MAX_TURNS], id="long ago"),
    ],
)
def test_a_filter_needs_something_to_lean_on(before: list[str]) -> None:
    """Otherwise it is suggested what to ask; the SQL of a verified query may say more than its words."""
    assert ANALYST.answer([*before, "Only EMEA, please"]).way is Way.SUGGESTED


def test_an_ambiguous_question_gets_the_nearest() -> None:
    """Both meanings of "best", as the recorded agent suggests them."""
    answer = ANALYST.answer(["Who are our best customers?"])
    assert (answer.way, answer.category, answer.sql, answer.verified) == (Way.SUGGESTED, "AMBIGUOUS", None, None)
    assert answer.suggestions[:2] == tuple(f"Best customers of 2025 by {measure}" for measure in conversation.MEASURES)
    assert len(answer.suggestions) <= MAX_SUGGESTIONS


@pytest.mark.parametrize("question", ["What is the meaning of life?", "x" * 5000, "🌍", "'; DROP TABLE orders"])
def test_a_foreign_question_gets_the_first_ones(question: str) -> None:
    """Where nothing is near, questions to begin with are suggested; each is answered."""
    answer = ANALYST.answer([question])
    assert answer.category == "AMBIGUOUS"
    assert answer.suggestions
    for suggestion in answer.suggestions:
        assert ANALYST.answer([suggestion]).way is Way.VERIFIED


@pytest.mark.parametrize("question", ["Hello!", "What can I ask?", "help", "What data do you know about?"])
def test_the_model_tells_about_itself(question: str) -> None:
    """A greeting is answered with the model's description and questions to begin with."""
    answer = ANALYST.answer([question])
    assert (answer.category, answer.text) == ("ONBOARDING", MODEL.description)
    first = [query.question for query in MODEL.verified_queries if query.use_as_onboarding_question]
    assert answer.suggestions == tuple(first[:MAX_SUGGESTIONS])


def test_a_model_without_questions_has_nothing_to_suggest() -> None:
    """It says so in its text, and still names itself."""
    bare = Analyst(parse("name: BARE\ntables: [{name: t, base_table: {database: d, schema: s, table: t}}]"))
    assert bare.answer(["What is this?"]).suggestions == ()
    assert "BARE" in bare.answer(["hello"]).text


def test_the_first_of_two_equal_questions_counts() -> None:
    """As in a list that is read from the top."""
    text = (
        "name: m\ntables: [{name: t, base_table: {database: d, schema: s, table: t}}]\nverified_queries:\n"
        "- {name: a, question: Why?, sql: SELECT 1}\n- {name: b, question: why, sql: SELECT 2}\n"
    )
    answer = Analyst(parse(text)).answer(["WHY"])
    assert answer.verified is not None
    assert answer.verified.name == "a"


@pytest.mark.parametrize(
    ("name", "sql"),
    [
        ("emea_by_month", months.MONTHS_SQL),
        ("biggest_orders_emea_june", months.JUNE_SQL),
        ("net_sales_2023_to_2024", conversation.BY_REGION_SQL),
        ("emea_by_quarter", conversation.QUARTERS_SQL),
        ("emea_growth_by_country", conversation.BY_COUNTRY_SQL),
        ("most_returned_products", queries.RETURNS_SQL),
        ("orders_of_2024", queries.ORDERS_SQL),
        ("orders_per_channel_2025", queries.CHANNELS_SQL),
        ("net_sales_by_country_2025", pictures.COUNTRIES_SQL),
        ("net_sales_by_month_and_region_2025", pictures.MONTHS_SQL),
        ("customers_2025", pictures.CUSTOMERS_SQL),
        ("five_cities", languages.CITIES_SQL),
    ],
)
def test_analyst_and_agent_agree(name: str, sql: str) -> None:
    """Asked directly, the analyst gives the figures that recorded agents got."""
    asked, recorded = results.query(BY_NAME[name].sql), results.query(sql)
    assert asked.rows == recorded.rows
    assert [column.name for column in asked.columns] == [column.name for column in recorded.columns]


RECORDED = {
    match.last_user_text
    for tape in load_all(HERE / "cassettes")
    for each in tape.interactions
    if (match := each.request.match).last_user_text is not None
}


@pytest.mark.parametrize(
    "question",
    [
        "Net sales by region",
        "How did EMEA develop month by month?",
        "How did net sales develop from 2023 to 2024?",
        "Best customers of 2025 by net sales",
        "Best customers of 2025 by number of orders",
        "Which products are returned most often?",
        "List all orders of 2024",
        "How many orders came in per channel in 2025?",
        "Net sales by country in 2025",
        "Walk me through the biggest orders of 2025",
        "Wie läuft das Geschäft in Zürich, 東京 und Łódź? 🌍",
    ],
)
def test_recorded_questions_about_figures_are_verified(question: str) -> None:
    """What an agent answered with one statement, Analyst can be asked for directly."""
    assert question in RECORDED
    assert ANALYST.answer([question]).way is Way.VERIFIED


@pytest.mark.parametrize("question", ["What is the refund deadline?", "Forecast net sales for 2026"])
def test_recorded_questions_for_other_tools_get_suggestions(question: str) -> None:
    """Documents and forecasts are not Analyst's."""
    assert question in RECORDED
    assert ANALYST.answer([question]).way is Way.SUGGESTED


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("", "", 1.0), ("a", "", 0.0), ("abc", "abcd", 0.75), ("ab", "bc", 1 / 3), ("ab", "ab", 1.0)],
)
def test_the_measure(one: str, other: str, expected: float) -> None:
    """Shared members as a part of all."""
    assert jaccard(frozenset(one), frozenset(other)) == expected
