"""From a conversation to an answer: a pure function of the semantic model and the questions.

In this order: a verified question, word for word; one that is close to a verified one; a reading by rule; suggestions.
Close means: both name the same metrics, columns, values, numbers and marks, and of their other words (fillers apart)
the Jaccard index is at least `LIKENESS`. Its SQL is that of the verified query, so the answer names it as its base.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from fixtures.bench.semantics import SemanticModel, VerifiedQuery
from mocks.matching import canonical_text
from mocks.snowflake.analyst.composing import compose, generated
from mocks.snowflake.analyst.lexicon import MAX_QUESTION_CHARS, Lexicon, Signature
from mocks.snowflake.analyst.reading import Reading, read

LIKENESS = 0.75
MAX_SUGGESTIONS = 4
MAX_TURNS = 10
"""How many of a conversation's questions are looked at, the last ones."""

_ABOUT_ITSELF = frozenset(
    {"about", "answer", "ask", "available", "data", "example", "explain", "hello", "help", "hi", "know", "question"}
)


class Way(IntEnum):
    """How an answer arose; of several models' answers, the one with the highest way is given."""

    SUGGESTED = 0
    COMPOSED = 1
    SIMILAR = 2
    VERIFIED = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """What Analyst says. sql and suggestions exclude each other.   category, path: as in `response_metadata`."""

    way: Way
    text: str
    category: str
    path: str = "regular_sqlgen"
    sql: str | None = None
    verified: VerifiedQuery | None = None
    suggestions: tuple[str, ...] = ()


class Analyst:
    """A semantic model that can be asked."""

    def __init__(self, model: SemanticModel) -> None:
        self.model = model
        self._lexicon = Lexicon(model)
        self._verified = {canonical_text(each.question): each for each in reversed(model.verified_queries)}
        self._signatures = [(self._lexicon.signature(each.question), each) for each in model.verified_queries]

    def answer(self, questions: Sequence[str]) -> Answer:
        """The answer to the last of the questions; the ones before are what it may lean on."""
        if (verified := self._from_verified(questions[-1])) is not None:
            return verified
        reading = self._reading(questions[-MAX_TURNS:])
        composed = None if reading is None else compose(self.model, reading)
        if composed is not None:
            return Answer(Way.COMPOSED, composed.text, "CLEAR_SQL", sql=composed.sql)
        return self._suggested(questions[-1])

    def _from_verified(self, asked: str) -> Answer | None:
        known = self._verified.get(canonical_text(asked)) if len(asked) <= MAX_QUESTION_CHARS else None
        if known is not None:
            return _of_verified(known, Way.VERIFIED, "vqr_fast_path")
        close = self._close(self._lexicon.signature(asked))
        return None if close is None else _of_verified(close, Way.SIMILAR, "regular_sqlgen")

    def _close(self, asked: Signature) -> VerifiedQuery | None:
        scored = [
            (jaccard(asked.words, known.words), query)
            for known, query in self._signatures
            if known.terms == asked.terms and known.terms
        ]
        score, best = max(scored, key=lambda each: each[0], default=(0.0, None))
        return best if score >= LIKENESS else None

    def _reading(self, questions: Sequence[str]) -> Reading | None:
        reading: Reading | None = None
        for question in questions:
            # Verified SQL may say more than its question does, so nothing can lean on the words of that question.
            own = None if self._from_verified(question) is not None else read(self._lexicon.read(question))
            reading = None if own is None else own.after(reading)
        return reading

    def _suggested(self, question: str) -> Answer:
        """The nearest verified questions, or the ones to begin with."""
        asked = self._lexicon.signature(question)
        is_readable = bool(self._lexicon.read(question))
        about_itself = is_readable and not asked.terms and asked.words <= _ABOUT_ITSELF
        scored = [(jaccard(asked.content, known.content), query) for known, query in self._signatures]
        near = [query for score, query in sorted(scored, key=lambda each: -each[0]) if score > 0]
        first = [query for query in self.model.verified_queries if query.use_as_onboarding_question]
        chosen = dict.fromkeys(each.question for each in (first if about_itself or not near else near))
        suggestions = tuple(chosen)[:MAX_SUGGESTIONS]
        if about_itself:
            about = self.model.description or f"This is the semantic model {self.model.name}."
            return Answer(Way.SUGGESTED, about, "ONBOARDING", suggestions=suggestions)
        text = "I cannot tell for sure what this question means in this data."
        return Answer(
            Way.SUGGESTED,
            f"{text} These are questions that I can answer." if suggestions else text,
            "AMBIGUOUS",
            suggestions=suggestions,
        )


def _of_verified(query: VerifiedQuery, way: Way, path: str) -> Answer:
    opening = "This is a verified question" if way is Way.VERIFIED else "This is the verified question that comes close"
    text = f"{opening}: {query.question}"
    return Answer(way, text, "CLEAR_SQL", path, generated(query.sql), query)


def jaccard(one: frozenset[object], other: frozenset[object]) -> float:
    """Shared members as a part of all; two empty sets are alike."""
    together = len(one | other)
    return len(one & other) / together if together else 1.0
