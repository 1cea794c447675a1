"""Vectors that stand in for a model's embeddings: hashed words and parts of words, the same on every machine.

They know spelling, not meaning: texts that share words, or parts of words, are near each other; synonyms are not. What
the mock answers with them says so in `docs`, and no test may take them for a model's.
"""

from __future__ import annotations

import math
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Mapping

GRAM_CHARS = 3
GRAM_WEIGHT = 0.4
"""How much a part of a word counts beside the whole word."""

Sparse = dict[int, float]
"""Weights by bucket; its squares add up to 1, or it is empty."""

# Scripts written without blanks: of a run of these, every two neighbours are a word.
_UNSPACED = r"\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"([{_UNSPACED}]+)|(?:(?![{_UNSPACED}])[^\W_])+")


def words(text: str) -> list[str]:
    """The words of a text as they are written; scripts without blanks come in pairs of neighbours."""
    found: list[str] = []
    for match in _WORD.finditer(unicodedata.normalize("NFC", text)):
        run = match[0]
        found += [run] if match[1] is None else [run[at : at + 2] for at in range(max(1, len(run) - 1))]
    return found


def features(text: str) -> dict[str, float]:
    """What a text consists of: its words and their parts, rarer repeats counting less; case and accents do not."""
    counts: Counter[str] = Counter()
    for word in words(text):
        counts.update(_parts(_folded(word)))
    return {
        part: (1.0 if part.startswith("=") else GRAM_WEIGHT) * (1 + math.log(count)) for part, count in counts.items()
    }


def _folded(word: str) -> str:
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFKD", word).casefold()
    return unicodedata.normalize("NFC", "".join(char for char in decomposed if not unicodedata.combining(char)))


def _parts(word: str) -> list[str]:
    if len(word) < GRAM_CHARS:
        return [f"={word}"]
    padded = f"^{word}$"
    return [f"={word}", *(padded[at : at + GRAM_CHARS] for at in range(len(padded) - GRAM_CHARS + 1))]


def sparse(text: str, rarity: Mapping[str, float], buckets: int) -> Sparse:
    """A text as a unit vector; `rarity` weighs features, an unknown one counts as much as the rarest."""
    rarest = max(rarity.values(), default=1.0)
    vector: Sparse = {}
    for feature, weight in features(text).items():
        bucket = zlib.crc32(feature.encode()) % buckets
        vector[bucket] = vector.get(bucket, 0.0) + weight * rarity.get(feature, rarest)
    norm = math.sqrt(sum(weight * weight for weight in vector.values()))
    return {bucket: weight / norm for bucket, weight in vector.items()} if norm else {}


def cosine(one: Sparse, other: Sparse) -> float:
    """How alike two unit vectors are, from 0 to 1."""
    small, large = sorted((one, other), key=len)
    return min(1.0, sum(weight * large.get(bucket, 0.0) for bucket, weight in small.items()))


def dense(text: str, dimensions: int) -> list[float]:
    """A text as a unit vector of so many numbers; a text without words is the first axis."""
    vector = [0.0] * dimensions
    for feature, weight in features(text).items():
        drawn = zlib.crc32(feature.encode())
        vector[drawn % dimensions] += weight if drawn & 0x8000_0000 else -weight
    norm = math.sqrt(sum(weight * weight for weight in vector))
    if not norm:
        return [1.0] + [0.0] * (dimensions - 1)
    return [round(weight / norm, 7) for weight in vector]
