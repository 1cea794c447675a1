"""What the words of a question mean in a semantic model.

A phrase is a name, a synonym or a sample value of the model, cut into words; at each place of a question the longest
phrase counts. What is no phrase is a number, a mark (a word that turns a meaning round), or just a word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from fixtures.bench.semantics import Column, SemanticModel
from mocks.matching import canonical_text

Kind = Literal["metric", "column", "value", "number", "mark", "word"]

MAX_QUESTION_CHARS = 1000
"""A longer text is no question that any rule understands."""

MAX_PHRASE_WORDS = 12


def _singular(word: str) -> str:
    """A word without its English plural, near enough: both sides of a comparison go through here."""
    if not word.isascii() or len(word) < 4 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") else word


def _set(words: str) -> frozenset[str]:
    return frozenset(map(_singular, words.split()))


MARKS = _set(
    "top bottom most least best worst highest lowest biggest smallest largest fewest more less fewer not no without "
    "except excluding never only other before after since until over under above below first last next previous "
    "average mean median share percent"
)
"""Words that must be in both of two questions, or in neither, if they are to mean the same."""

FILLERS = _set(
    "a an and are as at can could did do does during each every for from get give had has have how i in is it me "
    "much of on our please show tell that the their there these this those us was we were what which will with you "
    "your by per across to between through come came make made"
)
"""Words that say nothing about which data are meant."""

_TEXT_TYPES = ("", "VARCHAR", "TEXT", "STRING", "CHAR")


@dataclass(frozen=True, slots=True)
class Ref:
    """A column or metric of a logical table, by the names that the model gives them."""

    table: str
    name: str


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a piece of a question means.

    key: the metric's or column's name, the value, the number or the word.   at: every place where the model has it.
    """

    kind: Kind
    key: str
    at: tuple[Ref, ...] = ()

    @property
    def identity(self) -> str:
        """Equal for phrases that mean the same, whatever else their names could mean."""
        return f"{self.at[0].table}.{self.at[0].name}={self.key}" if self.at else self.key


@dataclass(frozen=True, slots=True)
class Signature:
    """What a question is about, in no order. terms: what the model or arithmetic knows.   words: the rest."""

    terms: frozenset[tuple[Kind, str]]
    words: frozenset[str]

    @property
    def content(self) -> frozenset[tuple[Kind, str]]:
        """Terms and words together."""
        return self.terms | {("word", word) for word in self.words}


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text as they are compared: case, plural and punctuation do not count."""
    composed = unicodedata.normalize("NFKC", canonical_text(text)).replace("_", " ")
    return tuple(map(_singular, re.findall(r"\w+", composed)))


class Lexicon:
    """The phrases of a semantic model. A metric hides a column of the same name, and a column a value."""

    def __init__(self, model: SemanticModel) -> None:
        self._phrases: dict[tuple[str, ...], Meaning] = {}
        for kind, key, ref, texts in _entries(model):
            for text in texts:
                self._add(words_of(text), Meaning(kind, key, (ref,)))
        self._longest = max(map(len, self._phrases), default=0)

    def _add(self, phrase: tuple[str, ...], meaning: Meaning) -> None:
        if not 1 <= len(phrase) <= MAX_PHRASE_WORDS:
            return
        known = self._phrases.setdefault(phrase, meaning)
        if known is not meaning and known.kind == meaning.kind:
            self._phrases[phrase] = Meaning(known.kind, known.key, (*known.at, *meaning.at))

    def read(self, text: str) -> tuple[Meaning, ...]:
        """A question's pieces, in order; none of a text that is too long."""
        if len(text) > MAX_QUESTION_CHARS:
            return ()
        return tuple(self._pieces(words_of(text)))

    def _pieces(self, words: tuple[str, ...]) -> Iterator[Meaning]:
        at = 0
        while at < len(words):
            length, meaning = self._longest_at(words, at)
            yield meaning
            at += length

    def _longest_at(self, words: tuple[str, ...], at: int) -> tuple[int, Meaning]:
        for length in range(min(self._longest, len(words) - at), 0, -1):
            if (found := self._phrases.get(words[at : at + length])) is not None:
                return length, found
        word = words[at]
        if word.isdecimal():
            return 1, Meaning("number", word)
        return 1, Meaning("mark" if word in MARKS else "word", word)

    def signature(self, text: str) -> Signature:
        """What a question is about."""
        pieces = self.read(text)
        return Signature(
            frozenset((each.kind, each.identity) for each in pieces if each.kind != "word"),
            frozenset(each.key for each in pieces if each.kind == "word" and each.key not in FILLERS),
        )


def _entries(model: SemanticModel) -> Iterator[tuple[Kind, str, Ref, Iterable[str]]]:
    """Everything that can be named: kind, key, place, and the texts that name it."""
    columns = [(table, each) for table in model.tables for each in (*table.dimensions, *table.time_dimensions)]
    for table in model.tables:
        for metric in table.metrics:
            yield "metric", metric.name.lower(), Ref(table.name, metric.name), (metric.name, *metric.synonyms)
    for table, column in columns:
        yield "column", column.name.lower(), Ref(table.name, column.name), (column.name, *column.synonyms)
    for table, column in columns:
        for value in column.sample_values if _is_text(column) else ():
            yield "value", value, Ref(table.name, column.name), (value,)


def _is_text(column: Column) -> bool:
    return column.data_type.partition("(")[0].strip().upper() in _TEXT_TYPES
