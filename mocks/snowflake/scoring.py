"""What a search request says of ranking: read, checked against the service, and handed to `ranking`.

Source: cortex-wire 3.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from pydantic import Field, FiniteFloat

from contracts.cortex import Wire
from fixtures.bench.search import Kind, Service
from mocks.snowflake.filters import clipped, column_of
from mocks.snowflake.ranking import Decay, Scoring, Weights
from mocks.strict import hint

DEFAULT_LIMIT_HOURS = 240.0
MAX_WEIGHT = 1e6
"""Weights are relative to each other, so larger ones say nothing more; the mock's own bound keeps scores finite."""


class ScoringError(Exception):
    """A scoring configuration that does not fit the service; the message begins with the place."""


class _Boost(Wire):
    column: str
    weight: FiniteFloat | None = Field(default=None, ge=0, le=MAX_WEIGHT)
    limit_hours: FiniteFloat | None = Field(default=None, gt=0)
    now: datetime | None = None
    disable_vector_embedding_query_prefix: bool | None = None

    @property
    def weighs(self) -> float:
        return 1.0 if self.weight is None else self.weight

    def decay(self, column: str) -> Decay:
        """The decay of a column; a time without an offset is UTC."""
        now = self.now or datetime.now(UTC)
        now = now if now.tzinfo is not None else now.replace(tzinfo=UTC)
        return Decay(column, now, self.limit_hours or DEFAULT_LIMIT_HOURS)


class _Functions(Wire):
    numeric_boosts: list[_Boost] | None = Field(default=None, max_length=100)
    time_decays: list[_Boost] | None = Field(default=None, max_length=100)
    text_boosts: list[_Boost] | None = Field(default=None, max_length=100)
    vector_boosts: list[_Boost] | None = Field(default=None, max_length=100)
    query_similarity_boosts: list[dict[str, object]] | None = None


class _Weights(Wire):
    texts: FiniteFloat | None = Field(default=None, ge=0, le=MAX_WEIGHT)
    vectors: FiniteFloat | None = Field(default=None, ge=0, le=MAX_WEIGHT)
    reranker: FiniteFloat | None = Field(default=None, ge=0, le=MAX_WEIGHT)


class _Diversity(Wire):
    group_by: list[str] | None = Field(default=None, max_length=100)
    max_results: int | None = Field(default=None, ge=1)


class ScoringConfig(Wire):
    """`scoring_config` of a query. Unknown fields pass, as everywhere in Snowflake's bodies."""

    functions: _Functions | None = None
    reranker: str | None = None
    weights: _Weights | None = None
    retrieval_weights: _Weights | None = None
    ranking_weights: _Weights | None = None
    disable_vector_embedding_query_prefix: bool | None = None
    diversity: _Diversity | None = None

    def scoring(self, service: Service) -> Scoring:
        """What `ranking` computes of it.   Raises: ScoringError naming the place."""
        weights, diversity = self.ranking_weights or self.weights, self.diversity
        functions = self.functions or _Functions()
        return Scoring(
            weights=Weights(**weights.model_dump(exclude_none=True, include={"texts", "vectors", "reranker"}))
            if weights is not None
            else Weights(),
            reranks=self.reranker is None or self.reranker.lower() != "none",
            numeric_boosts=tuple(
                (column, boost.weighs)
                for column, boost in _checked(service, "numeric_boosts", functions.numeric_boosts, Kind.NUMBER)
            ),
            decays=tuple(
                (boost.decay(column), boost.weighs)
                for column, boost in _checked(service, "time_decays", functions.time_decays, Kind.DATE)
            ),
            text_boosts=_by_column(service, "text_boosts", functions.text_boosts),
            vector_boosts=_by_column(service, "vector_boosts", functions.vector_boosts),
            group_by=tuple(_group_by(service, diversity)),
            group_limit=(diversity.max_results or 1) if diversity is not None else 0,
        )

    def ignored(self) -> Iterator[str]:
        """Names of the parts that were given and cannot be computed here."""
        if self.reranker is not None and self.reranker.lower() != "none":
            yield "scoring_config.reranker"
        if self.retrieval_weights is not None:
            yield "scoring_config.retrieval_weights"
        functions = self.functions or _Functions()
        if functions.query_similarity_boosts:
            yield "scoring_config.functions.query_similarity_boosts"
        prefixes = (boost.disable_vector_embedding_query_prefix for boost in functions.vector_boosts or ())
        if self.disable_vector_embedding_query_prefix or any(prefixes):
            yield "scoring_config.disable_vector_embedding_query_prefix"


def _checked(service: Service, name: str, boosts: Sequence[_Boost] | None, kind: Kind) -> Iterator[tuple[str, _Boost]]:
    for number, boost in enumerate(boosts or ()):
        column = column_of(service, boost.column)
        fitting = [known for known, its in service.columns.items() if its is kind]
        if column not in fitting:
            place = f"scoring_config.functions.{name}[{number}].column"
            asked = clipped(boost.column)
            raise ScoringError(f"{place}: {asked!r} is no column of type {kind}{hint(asked.upper(), fitting)}")
        yield column, boost


def _by_column(service: Service, name: str, boosts: Sequence[_Boost] | None) -> dict[str, float]:
    weights = {}
    for number, boost in enumerate(boosts or ()):
        column = column_of(service, boost.column)
        if column not in service.indexed:
            place = f"scoring_config.functions.{name}[{number}].column"
            asked = clipped(boost.column)
            raise ScoringError(f"{place}: {asked!r} is not indexed{hint(asked.upper(), service.indexed)}")
        weights[column] = boost.weighs
    return weights


def _group_by(service: Service, diversity: _Diversity | None) -> Iterator[str]:
    for number, name in enumerate((diversity.group_by if diversity is not None else None) or ()):
        column = column_of(service, name)
        if column is None:
            place, asked = f"scoring_config.diversity.group_by[{number}]", clipped(name)
            raise ScoringError(f"{place}: unknown column {asked!r}{hint(asked.upper(), service.columns)}")
        yield column
