"""What words mean in a semantic model."""

from __future__ import annotations

import pytest

from fixtures.bench.semantics import bench_model, parse
from mocks.snowflake.analyst.lexicon import FILLERS, MARKS, MAX_QUESTION_CHARS, Lexicon, Ref, words_of

LEXICON = Lexicon(bench_model())


def meanings(text: str) -> list[tuple[str, str]]:
    """Kinds and keys of a question's pieces."""
    return [(piece.kind, piece.key) for piece in LEXICON.read(text)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Net SALES, by  Region?!", ("net", "sale", "by", "region")),
        ("net_sales", ("net", "sale")),
        ("countries categories cities", ("country", "category", "city")),
        ("this was less focus on analysis", ("this", "was", "less", "focus", "on", "analysis")),
        ("Zürich Łódź 東京", ("zürich", "łódź", "東京")),
        ("Zu\u0308rich", ("zürich",)),
        ("Straße", ("strasse",)),
        ("Nº 7", ("no", "7")),
        ("£$%&", ()),
        ("", ()),
    ],
)
def test_words_are_compared_without_form(text: str, words: tuple[str, ...]) -> None:
    """Case, plural, punctuation and Unicode form do not count."""
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Revenue", [("metric", "net_sales")]),
        ("number of orders", [("metric", "order_count")]),
        ("customers per segment", [("column", "customer_name"), ("word", "per"), ("column", "segment")]),
        ("number of customers", [("metric", "customer_count")]),
        ("EMEA and South Korea", [("value", "EMEA"), ("word", "and"), ("value", "South Korea")]),
        ("south", [("word", "south")]),
        ("Café Crème 1 kg", [("value", "Café Crème 1 kg")]),
        ("café", [("value", "Café")]),
        ("top 5 in 2025", [("mark", "top"), ("number", "5"), ("word", "in"), ("number", "2025")]),
        ("القاهرة", [("value", "القاهرة")]),
    ],
)
def test_the_longest_phrase_counts(text: str, expected: list[tuple[str, str]]) -> None:
    """Names, synonyms and values are found before single words are."""
    assert meanings(text) == expected


def test_a_name_in_two_tables_is_in_both() -> None:
    """The reader decides which one is nearer."""
    (piece,) = LEXICON.read("country")
    assert piece.at == (Ref("orders", "country"), Ref("customers", "country"))


def test_a_metric_hides_a_column_of_its_name() -> None:
    """And numbers are no values, whatever a model lists as samples."""
    table = (
        "- {name: t, base_table: {database: d, schema: s, table: t}, dimensions: [{name: amount, expr: a}, "
        "{name: n, expr: n, data_type: NUMBER(4), sample_values: [seven]}], "
        "metrics: [{name: total, expr: SUM(a), synonyms: [amount]}]}"
    )
    lexicon = Lexicon(parse(f"name: m\ntables:\n{table}"))
    assert [piece.kind for piece in lexicon.read("amount seven")] == ["metric", "word"]


def test_a_very_long_text_is_not_read() -> None:
    """Nobody asks that."""
    assert meanings("region " * MAX_QUESTION_CHARS) == []


def test_a_signature_leaves_fillers_out() -> None:
    """What is left are terms that the model knows, and other words."""
    signature = LEXICON.signature("What were the net sales of my cousin in EMEA by region in 2025, at most?")
    assert signature.terms == {
        ("metric", "orders.net_sales=net_sales"),
        ("value", "orders.region=EMEA"),
        ("column", "orders.region=region"),
        ("number", "2025"),
        ("mark", "most"),
    }
    assert signature.words == {"my", "cousin"}
    assert signature.content == signature.terms | {("word", "my"), ("word", "cousin")}


def test_names_of_different_tables_differ() -> None:
    """Where a customer lives is not where an order comes from, though both are called a region."""
    plain, sales, customer = (
        LEXICON.signature(f"net sales by {name}") for name in ("region", "territory", "customer region")
    )
    assert plain == sales
    assert plain != customer


def test_fillers_turn_nothing_round() -> None:
    """A word that changes what is meant is never left out."""
    assert not FILLERS & MARKS
