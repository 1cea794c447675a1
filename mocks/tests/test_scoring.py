"""Scoring configurations: read, checked, and honest about what is not computed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from fixtures.bench.search import SERVICE
from mocks.snowflake.ranking import Scoring, Weights
from mocks.snowflake.scoring import DEFAULT_LIMIT_HOURS, ScoringConfig, ScoringError


def scoring(**document: Any) -> Scoring:
    return ScoringConfig.model_validate(document).scoring(SERVICE)


def test_nothing_asked() -> None:
    """An empty configuration is the default, explicit nulls included."""
    assert scoring() == scoring(functions=None, weights=None, reranker=None, diversity=None) == Scoring()
    assert list(ScoringConfig().ignored()) == []


def test_everything_is_read() -> None:
    """Each part lands where ranking looks for it; names of columns have no case."""
    read = scoring(
        functions={
            "numeric_boosts": [{"column": "valid_year", "weight": 2}],
            "time_decays": [{"column": "VALID_FROM", "limit_hours": 24, "now": "2025-01-01T00:00:00"}],
            "text_boosts": [{"column": "title", "weight": 0.5}],
            "vector_boosts": [{"column": "BODY"}],
        },
        weights={"texts": 3},
        reranker="none",
        diversity={"group_by": ["category"], "max_results": 2},
    )
    assert read.numeric_boosts == (("VALID_YEAR", 2.0),)
    ((decay, weight),) = read.decays
    assert (decay.column, decay.limit_hours, decay.now, weight) == (
        "VALID_FROM",
        24,
        datetime(2025, 1, 1, tzinfo=UTC),
        1,
    )
    assert (read.text_boosts, read.vector_boosts) == ({"TITLE": 0.5}, {"BODY": 1.0})
    assert read.weights == Weights(texts=3, vectors=1, reranker=1)
    assert not read.reranks
    assert (read.group_by, read.group_limit) == (("CATEGORY",), 2)


def test_decays_count_from_now() -> None:
    """Without a time of its own a decay counts from the present, and lasts ten days."""
    ((decay, _),) = scoring(functions={"time_decays": [{"column": "VALID_FROM"}]}).decays
    assert abs(datetime.now(UTC) - decay.now) < timedelta(minutes=1)
    assert decay.limit_hours == DEFAULT_LIMIT_HOURS


def test_ranking_weights_go_first() -> None:
    """Where both are given, the weights of the ranking stage count."""
    assert scoring(weights={"texts": 1}, ranking_weights={"texts": 5}).weights.texts == 5


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        ({"numeric_boosts": [{"column": "REGION"}]}, "numeric_boosts[0].column: 'REGION' is no column of type number"),
        ({"numeric_boosts": [{"column": "VALID_YEAR"}, {"column": "VALID_YAER"}]}, "[1].column: 'VALID_YAER'"),
        ({"time_decays": [{"column": "VALID_YEAR"}]}, "time_decays[0].column: 'VALID_YEAR' is no column of type date"),
        ({"text_boosts": [{"column": "REGION"}]}, "text_boosts[0].column: 'REGION' is not indexed"),
        ({"vector_boosts": [{"column": "nope"}]}, "vector_boosts[0].column: 'nope' is not indexed"),
    ],
)
def test_errors_name_the_place(functions: dict[str, Any], message: str) -> None:
    """A column that cannot be used so is named with its place and those that can."""
    with pytest.raises(ScoringError) as caught:
        scoring(functions=functions)
    assert message in str(caught.value)
    assert "Accepted here: " in str(caught.value)


def test_groups_need_columns() -> None:
    """A group of no such column is refused."""
    with pytest.raises(ScoringError, match=r"group_by\[1\]: unknown column 'SHELF'"):
        scoring(diversity={"group_by": ["REGION", "SHELF"]})


@pytest.mark.parametrize("weight", [-1, float("nan"), float("inf"), 1e308, "much"])
def test_weights_are_numbers_from_zero(weight: object) -> None:
    """A weight that is none is refused, and one so large that scores would overflow."""
    with pytest.raises(ValidationError):
        scoring(weights={"texts": weight})


@pytest.mark.parametrize(
    ("document", "ignored"),
    [
        ({"reranker": "None"}, []),
        ({"reranker": "arctic-reranker"}, ["scoring_config.reranker"]),
        ({"retrieval_weights": {"texts": 1}}, ["scoring_config.retrieval_weights"]),
        (
            {"functions": {"query_similarity_boosts": [{"cortex_search_service": "A.B.C"}]}},
            ["scoring_config.functions.query_similarity_boosts"],
        ),
        (
            {"disable_vector_embedding_query_prefix": True},
            ["scoring_config.disable_vector_embedding_query_prefix"],
        ),
        (
            {"functions": {"vector_boosts": [{"column": "BODY", "disable_vector_embedding_query_prefix": True}]}},
            ["scoring_config.disable_vector_embedding_query_prefix"],
        ),
    ],
)
def test_what_is_not_computed_is_named(document: dict[str, Any], ignored: list[str]) -> None:
    """Parts that only Snowflake's models could honour are listed, and change nothing."""
    config = ScoringConfig.model_validate(document)
    assert list(config.ignored()) == ignored
    if ignored:
        assert config.scoring(SERVICE) in (Scoring(), Scoring(vector_boosts={"BODY": 1.0}))
