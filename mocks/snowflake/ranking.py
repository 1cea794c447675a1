"""Ranking: which documents answer a query, best first, for real and the same every time.

Three scores per document, as Snowflake names them. What they are here:

- `text_match`: BM25 by SQLite's FTS5 (Porter stems, accents ignored), larger is better, 0 without a common word;
- `cosine_similarity`: of hashed TF-IDF vectors (`vectors`), a stand-in for a model's embeddings;
- `reranker_score`: from -4 to 4, how much of what was asked a document covers, rare words counting more; a stand-in
  for a reranking model.

Each score is scaled to 0..1 among the documents that pass the filter, then averaged by weight. As a vector search
does, every document has a place, however little it fits.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import math
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from fixtures.bench.search import SERVICE, Row, Service, rows
from mocks.snowflake import vectors
from mocks.snowflake.filters import Test, moment_of

BUCKETS = 1 << 16
MAX_TOKENS = 64
"""Words of a query that are looked up; the mock's own bound."""

MAX_QUERY_CHARS = 8192
"""How much of a query is read; the mock's own bound."""

RERANKER_SPAN = 4.0

Scores = dict[int, float]
"""By number of the document; absent is 0."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What each component counts, relative to the others."""

    texts: float = 1.0
    vectors: float = 1.0
    reranker: float = 1.0


@dataclass(frozen=True, slots=True)
class Decay:
    """Newer documents first: full at `now`, none from `limit_hours` on, falling with the logarithm of the age."""

    column: str
    now: datetime
    limit_hours: float

    def signal(self, row: Row) -> float:
        """From 0 to 1."""
        moment = moment_of(row[self.column])
        if moment is None:
            return 0.0
        age_hours = max(0.0, (self.now - moment).total_seconds() / 3600)
        return max(0.0, 1 - math.log1p(age_hours) / math.log1p(self.limit_hours))


@dataclass(frozen=True, slots=True)
class Scoring:
    """How a query's components are combined.

    numeric_boosts: (column, weight).   decays: (decay, weight).   text_boosts, vector_boosts: weight by column, 1 for a
    column that is not named.   group_by, group_limit: at most so many results that agree in these columns.
    """

    weights: Weights = Weights()
    reranks: bool = True
    numeric_boosts: tuple[tuple[str, float], ...] = ()
    decays: tuple[tuple[Decay, float], ...] = ()
    text_boosts: Mapping[str, float] = field(default_factory=dict)
    vector_boosts: Mapping[str, float] = field(default_factory=dict)
    group_by: tuple[str, ...] = ()
    group_limit: int = 0


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that was found, and its scores; `reranker_score` is None when nothing was reranked."""

    row: Row
    text_match: float
    cosine_similarity: float
    reranker_score: float | None

    def scores(self) -> dict[str, float]:
        """As `@scores` of a result."""
        said = {"cosine_similarity": self.cosine_similarity, "text_match": self.text_match}
        return said if self.reranker_score is None else {**said, "reranker_score": self.reranker_score}


Queries = Mapping[str, Sequence[str]]
"""Texts to look for, by indexed column."""


def tokens(text: str) -> list[str]:
    """The words of a query, each once and in order, bounded; nothing else of a query ever reaches SQLite."""
    return list(dict.fromkeys(word.casefold() for word in vectors.words(text[:MAX_QUERY_CHARS])))[:MAX_TOKENS]


class Index:
    """Documents, ready to be searched from any thread. Nothing changes it."""

    def __init__(self, service: Service, documents: Sequence[Row]) -> None:
        self.service = service
        self.documents = tuple(documents)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        columns = ", ".join(f'"{column}"' for column in service.indexed)
        self._connection.execute(
            f"CREATE VIRTUAL TABLE docs USING fts5({columns}, tokenize='porter unicode61 remove_diacritics 2')"
        )
        texts = [[str(row[column]) for column in service.indexed] for row in self.documents]
        places = ", ".join("?" for _ in service.indexed)
        self._connection.executemany(
            f"INSERT INTO docs (rowid, {columns}) VALUES (?, {places})",  # noqa: S608  # names of ours
            [
                (number, *(" ".join(vectors.words(text)) for text in columns_of))
                for number, columns_of in enumerate(texts)
            ],
        )
        self._connection.execute("PRAGMA query_only = ON")
        self._rarity = _rarity([" ".join(columns_of) for columns_of in texts])
        self._vectors = [
            {
                column: vectors.sparse(text, self._rarity, BUCKETS)
                for column, text in zip(service.indexed, columns_of, strict=True)
            }
            for columns_of in texts
        ]

    def close(self) -> None:
        """Give the index's memory back."""
        self._connection.close()

    def search(self, queries: Queries, passes: Test, scoring: Scoring, limit: int) -> list[Hit]:
        """The best `limit` documents that pass, best first; among equals the order of the source."""
        kept = [number for number, row in enumerate(self.documents) if passes(row)]
        texts = self.text_match(queries, scoring.text_boosts)
        alike = self.cosine_similarity(queries, scoring.vector_boosts, kept)
        covered = self.coverage(queries) if scoring.reranks else {}
        total = _combined(kept, texts, alike, covered, scoring)
        boosted = {number: total[number] * (1 + signal) for number, signal in self._signals(kept, scoring).items()}
        ranked = sorted(kept, key=lambda number: (-boosted[number], number))
        return [
            Hit(
                self.documents[number],
                round(texts.get(number, 0.0), 6),
                round(alike.get(number, 0.0), 6),
                round(RERANKER_SPAN * (2 * covered.get(number, 0.0) - 1), 6) if scoring.reranks else None,
            )
            for number in _diverse(ranked, self.documents, scoring)[:limit]
        ]

    def text_match(self, queries: Queries, boosts: Mapping[str, float]) -> Scores:
        """BM25 of every document that has a word of a query in the column that the query is for."""
        wanted = " OR ".join(
            f'{{"{column}"}} : ({" OR ".join(_quoted(token) for token in asked)})'
            for column, texts in queries.items()
            if (asked := tokens(" ".join(texts)))
        )
        weights = [boosts.get(column, 1.0) for column in self.service.indexed]
        places = ", ".join("?" for _ in weights)
        sql = f"SELECT rowid, -bm25(docs, {places}) FROM docs WHERE docs MATCH ?"  # noqa: S608  # question marks
        return dict(self._ask(sql, *weights, wanted)) if wanted else {}

    def cosine_similarity(self, queries: Queries, boosts: Mapping[str, float], numbers: Iterable[int]) -> Scores:
        """How alike queries and columns are, averaged over the columns by their boosts."""
        asked = {
            column: vectors.sparse(" ".join(texts)[:MAX_QUERY_CHARS], self._rarity, BUCKETS)
            for column, texts in queries.items()
        }
        weights = {column: boosts.get(column, 1.0) for column in asked}
        whole = sum(weights.values()) or 1.0
        return {
            number: sum(
                weights[column] * vectors.cosine(vector, self._vectors[number][column])
                for column, vector in asked.items()
            )
            / whole
            for number in numbers
        }

    def coverage(self, queries: Queries) -> Scores:
        """The share of the queries' words that a document has anywhere, rare words counting more; from 0 to 1."""
        asked = tokens(" ".join(text for texts in queries.values() for text in texts))
        found: Scores = {}
        whole = 0.0
        for token in asked:
            having = [number for number, _ in self._ask("SELECT rowid, 0 FROM docs WHERE docs MATCH ?", _quoted(token))]
            rare = _idf(len(having), len(self.documents))
            whole += rare
            for number in having:
                found[number] = found.get(number, 0.0) + rare
        return {number: share / whole for number, share in found.items()}

    def suggest(self, text: str, limit: int) -> list[Row]:
        """Documents that have every word of a text, the last one perhaps unfinished, best first."""
        asked = tokens(text)
        if not asked:
            return []
        wanted = " AND ".join([*map(_quoted, asked[:-1]), f"{_quoted(asked[-1])} *"])
        ranked = self._ask("SELECT rowid, bm25(docs) FROM docs WHERE docs MATCH ?", wanted)
        return [self.documents[number] for number, _ in sorted(ranked, key=lambda item: (item[1], item[0]))[:limit]]

    def _ask(self, sql: str, *arguments: object) -> list[tuple[int, float]]:
        with self._lock, contextlib.closing(self._connection.execute(sql, arguments)) as cursor:
            return cursor.fetchall()

    def _signals(self, kept: Sequence[int], scoring: Scoring) -> dict[int, float]:
        """By how much each document's boosts lift it, from 0 to 1; weights are relative to each other."""
        whole = sum(weight for _, weight in (*scoring.numeric_boosts, *scoring.decays)) or 1.0
        lifted = dict.fromkeys(kept, 0.0)
        for column, weight in scoring.numeric_boosts:
            values = {number: _number(self.documents[number], column) for number in kept}
            for number, share in _spread(values).items():
                lifted[number] += share * weight / whole
        for decay, weight in scoring.decays:
            for number in kept:
                lifted[number] += decay.signal(self.documents[number]) * weight / whole
        return lifted


def _quoted(token: str) -> str:
    """A word as an FTS5 string, in which nothing is an operator."""
    assert '"' not in token, "words consist of letters and digits"
    return f'"{token}"'


def _idf(having: int, of: int) -> float:
    return math.log(1 + (of - having + 0.5) / (having + 0.5))


def _rarity(texts: Sequence[str]) -> dict[str, float]:
    having = Counter(feature for text in texts for feature in vectors.features(text))
    return {feature: _idf(count, len(texts)) for feature, count in having.items()}


def _number(row: Row, column: str) -> float:
    value = row[column]
    return float(value) if isinstance(value, int) else 0.0


def _spread(values: Mapping[int, float]) -> dict[int, float]:
    """Values moved to 0..1, the smallest and the largest among them."""
    low, high = min(values.values(), default=0.0), max(values.values(), default=0.0)
    return {number: (value - low) / (high - low) if high > low else 0.0 for number, value in values.items()}


def _combined(kept: Sequence[int], texts: Scores, alike: Scores, covered: Scores, scoring: Scoring) -> Scores:
    """The weighted average of the components, each divided by its largest value among the documents kept."""
    weights = scoring.weights
    parts = [(texts, weights.texts), (alike, weights.vectors)]
    if scoring.reranks:
        parts.append((covered, weights.reranker))
    whole = sum(weight for _, weight in parts) or 1.0
    total = dict.fromkeys(kept, 0.0)
    for scores, weight in parts:
        best = max((scores.get(number, 0.0) for number in kept), default=0.0)
        for number in kept if best > 0 else ():
            total[number] += weight / whole * scores.get(number, 0.0) / best
    return total


def _diverse(ranked: Sequence[int], documents: Sequence[Row], scoring: Scoring) -> list[int]:
    if not scoring.group_by:
        return list(ranked)
    seen: Counter[tuple[str, ...]] = Counter()
    kept = []
    for number in ranked:
        group = tuple(repr(documents[number][column]) for column in scoring.group_by)
        seen[group] += 1
        if seen[group] <= scoring.group_limit:
            kept.append(number)
    return kept


def _once(build: Callable[[], Index]) -> Callable[[], Index]:
    """A function that builds when first called, whatever number of threads call it."""
    lock, cached = threading.Lock(), functools.cache(build)

    def get() -> Index:
        with lock:
            return cached()

    return get


def _benchmark() -> Index:
    index = Index(SERVICE, rows())
    atexit.register(index.close)
    return index


shared_index = _once(_benchmark)
"""The benchmark's index: one per process, closed with it."""
