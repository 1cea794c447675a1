"""Ranking: real, repeatable, and safe from what a query contains."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from fixtures.bench.search import SERVICE, Row, rows
from mocks.snowflake.ranking import (
    MAX_TOKENS,
    RERANKER_SPAN,
    Decay,
    Hit,
    Index,
    Scoring,
    Weights,
    shared_index,
    tokens,
)

NOW = datetime(2025, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def index() -> Iterator[Index]:
    """The benchmark's documents."""
    made = Index(SERVICE, rows())
    yield made
    made.close()


def search(index: Index, text: str, limit: int = 3, **scoring: object) -> list[Hit]:
    queries = {column: [text] for column in SERVICE.indexed}
    return index.search(queries, lambda _row: True, Scoring(**scoring), limit)  # type: ignore[arg-type]


def ids(hits: list[Hit]) -> list[object]:
    return [hit.row["DOC_ID"] for hit in hits]


@pytest.mark.parametrize(
    ("text", "best"),
    [
        pytest.param("refund deadline", "POL-7", id="as the wire page prints it"),
        pytest.param("refunding", "POL-7", id="stems"),
        pytest.param("cafe account", "POL-33", id="accents"),
        pytest.param("DESCALING", "POL-37", id="case"),
        pytest.param("grindr burs", "POL-39", id="misspelt, by parts of words"),
        pytest.param("Maschinen Werktage", "POL-31", id="German"),
        pytest.param("返品", "POL-32", id="Japanese, from the middle of a sentence"),
        pytest.param("customs declaration Egypt", "POL-20", id="rare words"),
    ],
)
def test_best_document(index: Index, text: str, best: str) -> None:
    """The document that a person would expect comes first."""
    assert ids(search(index, text))[0] == best


def test_order_follows_the_scores(index: Index) -> None:
    """With one component alone, results are ordered by its score; with none left, as the source has them."""
    by_text = search(index, "warranty machines", 40, weights=Weights(1, 0, 0))
    assert [hit.text_match for hit in by_text] == sorted((hit.text_match for hit in by_text), reverse=True)
    by_vector = search(index, "warranty machines", 40, weights=Weights(0, 1, 0))
    alike = [hit.cosine_similarity for hit in by_vector]
    assert alike == sorted(alike, reverse=True)
    covered = [hit.reranker_score or 0 for hit in search(index, "warranty machines", 40, weights=Weights(0, 0, 1))]
    assert covered == sorted(covered, reverse=True)
    assert ids(by_text) != ids(by_vector)
    assert ids(search(index, "warranty", 40, weights=Weights(0, 0, 0))) == [row["DOC_ID"] for row in rows()]


def test_every_document_has_a_place(index: Index) -> None:
    """As in a vector search, a document without a common word comes last, not missing."""
    hits = search(index, "refund", 1000)
    assert len(hits) == len(rows())
    assert hits[-1].text_match == 0
    assert hits[-1].reranker_score == -RERANKER_SPAN


def test_nothing_passes(index: Index) -> None:
    """A filter that lets nothing pass leaves nothing, boosts or not."""
    scoring = Scoring(numeric_boosts=(("VALID_YEAR", 1.0),))
    assert index.search({"BODY": ["refund"]}, lambda _row: False, scoring, 10) == []


def test_scores_do_not_depend_on_the_filter(index: Index) -> None:
    """A document's scores are its own; only its place is relative."""
    whole = {hit.row["DOC_ID"]: hit for hit in search(index, "refund policy", 40)}
    asked = {column: ["refund policy"] for column in SERVICE.indexed}
    some = index.search(asked, lambda row: row["REGION"] == "EMEA", Scoring(), 40)
    assert some
    assert all(whole[hit.row["DOC_ID"]] == hit for hit in some)


@pytest.mark.parametrize(
    "text",
    ['"', '" OR "', "NEAR(a b)", "BODY: x", "{BODY} : (", "* ^ - +", "AND", "NOT", "a\x00b", "²ⅳ", "\u0301", "'; DROP"],
)
def test_a_query_is_only_words(index: Index, text: str) -> None:
    """Nothing in a query is read as an operator, by search or by suggestion."""
    assert len(search(index, text, 5)) == 5
    index.suggest(text, 5)


def test_long_queries_are_bounded() -> None:
    """Of a very long query the beginning is read, each word once."""
    assert tokens("a A b a") == ["a", "b"]
    assert len(tokens(" ".join(f"w{number}" for number in range(100_000)))) == MAX_TOKENS


def test_columns_are_searched_apart(index: Index) -> None:
    """A query for one column finds words of that column only, and boosts move columns against each other."""
    in_title = index.search({"TITLE": ["newsletter"]}, lambda _row: True, Scoring(), 1)
    assert in_title[0].text_match > 0
    nowhere = index.search({"TITLE": ["click"]}, lambda _row: True, Scoring(), 40)
    assert {hit.text_match for hit in nowhere} == {0}
    light, heavy = (search(index, "newsletter", 1, text_boosts={"TITLE": boost})[0].text_match for boost in (1.0, 5.0))
    assert heavy > light
    by_title, by_body = (
        ids(search(index, "warranty machines", 5, weights=Weights(0, 1, 0), vector_boosts=boosts))
        for boosts in ({"BODY": 0.0}, {"TITLE": 0.0})
    )
    assert by_title != by_body


def test_reranker_can_be_left_out(index: Index) -> None:
    """Without a reranker the result has no such score."""
    assert set(search(index, "refund", 1)[0].scores()) == {"cosine_similarity", "text_match", "reranker_score"}
    assert set(search(index, "refund", 1, reranks=False)[0].scores()) == {"cosine_similarity", "text_match"}


def test_numeric_boosts_lift(index: Index) -> None:
    """Among equals, the larger number comes first; weights are relative, so one alone weighs the same at any size."""
    silent = {"weights": Weights(0, 1, 0)}
    hits = search(index, "warranty", 40, numeric_boosts=(("VALID_YEAR", 1.0),), **silent)
    boosted = [hit.row["VALID_YEAR"] for hit in hits if hit.cosine_similarity > 0]
    assert boosted != [
        hit.row["VALID_YEAR"] for hit in search(index, "warranty", 40, **silent) if hit.cosine_similarity
    ]
    assert ids(hits) == ids(search(index, "warranty", 40, numeric_boosts=(("VALID_YEAR", 7.0),), **silent))


def test_decay_falls_with_age() -> None:
    """Full now and in the future, less with age, none past the limit or without a date."""
    decay = Decay("VALID_FROM", NOW, 240)

    def signal(age: timedelta) -> float:
        return decay.signal({"VALID_FROM": (NOW - age).date()})

    assert signal(timedelta(0)) == signal(timedelta(-3)) == 1
    assert 1 > signal(timedelta(days=1)) > signal(timedelta(days=5)) > signal(timedelta(days=10)) == 0
    assert signal(timedelta(days=400)) == 0
    assert decay.signal({"VALID_FROM": None}) == 0


def test_newer_documents_rise(index: Index) -> None:
    """A decay brings the newest of equally fitting documents to the top."""
    documents: list[Row] = [
        {**rows()[6], "DOC_ID": f"D-{day}", "VALID_FROM": NOW.date() - timedelta(days=10 - day)} for day in range(8)
    ]
    same = Index(SERVICE, documents)
    assert ids(search(same, "refund", 8, decays=((Decay("VALID_FROM", NOW, 480), 1.0),))) == [
        f"D-{day}" for day in reversed(range(8))
    ]
    same.close()


def test_groups_are_thinned(index: Index) -> None:
    """Diversity keeps the best of each group."""
    every = search(index, "warranty machines", 40)
    thin = search(index, "warranty machines", 40, group_by=("CATEGORY", "MARKETS"), group_limit=1)
    groups = [(hit.row["CATEGORY"], str(hit.row["MARKETS"])) for hit in thin]
    assert len(set(groups)) == len(groups) < len(every)
    assert ids(thin)[0] == ids(every)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("espresso mach", ["POL-6", "POL-37"]),
        ("newsl", ["POL-36"]),
        ("newsl something", []),
        ("", []),
    ],
)
def test_suggestions_complete_the_last_word(index: Index, text: str, expected: list[str]) -> None:
    """Every word must occur, the last one may be unfinished."""
    assert [row["DOC_ID"] for row in index.suggest(text, 5)] == expected


def test_threads_share_one_index() -> None:
    """However many ask first, there is one index, and it answers all of them alike."""
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: (id(shared_index()), tuple(ids(search(shared_index(), "refund")))), range(40)))
    assert len(set(found)) == 1
