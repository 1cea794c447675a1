"""Text as a model emits it: piece by piece."""

from __future__ import annotations

import re
from itertools import pairwise

# A word with the blank before it, or a single other character. Marks, joiners and flag halves are characters of their
# own here, so an emoji or an accent may arrive in two pieces, as it does from a live model; bytes are never split.
_TOKEN = re.compile(r"[ \n]*\w{1,12}|[ \n]*[^\w\s]|\s+")


def tokens(text: str) -> list[str]:
    """The pieces of a text; joined, they are the text."""
    return _TOKEN.findall(text)


def split(text: str, count: int) -> list[str]:
    """The text in exactly `count` pieces of similar length.   Raises: ValueError when it has fewer tokens."""
    parts = tokens(text)
    if len(parts) < count:
        raise ValueError(f"a text of {len(parts)} tokens cannot arrive in {count} deltas")
    edges = [len(parts) * number // count for number in range(count + 1)]
    return ["".join(parts[start:end]) for start, end in pairwise(edges)]
