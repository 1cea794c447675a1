"""Where something changed on its way: every stop says what it had, and the first that had something else is accused.

An answer's pieces leave a cassette, and pass mock, proxy and browser before the page shows them; a conversation's
turns come back out of the history. Each stop is held against what set out, not against the stop before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

SHOWN_CHARS = 40
"""Of a text, where only the place matters."""

SURE = 3
"""So many pieces in a row tell where a text goes on; one alone, as a comma, stands in many places."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A place on the way.

    part: what is accused when this is the first stop that is wrong, `the relay in the proxy`.   said: who says what was
    there.   wrong: how that is not what set out; empty when it is.
    """

    part: str
    said: str
    wrong: str = ""


def astray(what: str, way: Sequence[Stop]) -> list[str]:
    """What became of something on its way, the accused part first and then each stop; empty when all is right."""
    first = next((stop for stop in way if stop.wrong), None)
    if first is None:
        return []
    return [f"{what} went wrong in {first.part}: {first.wrong}", *(_told(stop, first) for stop in way)]


def _told(stop: Stop, first: Stop) -> str:
    if stop is first:
        return f"  [wrong first] {stop.said}"
    return f"  [wrong too]   {stop.said}; {stop.wrong}" if stop.wrong else f"  [right]       {stop.said}"


def assert_arrived(what: str, way: Sequence[Stop]) -> None:
    """It is at every stop what it was when it set out.   Raises: AssertionError with what became of it."""
    lines = astray(what, way)
    assert not lines, "\n".join(lines)


def counted(noun: str, expected: int, found: int) -> str:
    """By how many there are too few or too many; empty when it is as many."""
    if found == expected:
        return ""
    return f"{abs(found - expected)} of {expected} {noun} {'are missing' if found < expected else 'are too many'}"


def first_difference(noun: str, expected: Sequence[str], found: Sequence[str]) -> str:
    """Which of them is the first that is missing, comes twice or is another; empty when all are the same."""
    expected, found = list(expected), list(found)
    same = _in_common(expected, found)
    if same == len(expected) == len(found):
        return ""
    if same == len(expected) and not _repeated(expected, found, same):
        return f"after the last {noun} comes {_shown(found[same])!r}"
    what = f" after {_shown(''.join(expected[:same]))!r}" if same else ""
    if again := _repeated(expected, found, same):
        return f"{_named(noun, expected, same - again, same)} there twice{what}"
    if left_out := _left_out(expected, found, same):
        return f"{_named(noun, expected, same, same + left_out)} missing{what}"
    return f"{_named(noun, expected, same, same + 1)} expected{what}, but {_shown(found[same])!r} is there"


def _in_common(expected: Sequence[str], found: Sequence[str]) -> int:
    """How many are the same from the beginning on."""
    pairs = enumerate(zip(expected, found, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(expected), len(found)))


def _repeated(expected: Sequence[str], found: Sequence[str], at: int) -> int:
    """How many of those before a place come there again, before it goes on."""
    goes_on = expected[at : at + SURE]
    for many in range(1, at + 1):
        rest = found[at + many : at + many + SURE]
        if found[at : at + many] == expected[at - many : at] and rest[:1] == goes_on[:1]:
            return many
    return 0


def _left_out(expected: Sequence[str], found: Sequence[str], at: int) -> int:
    """How many are missing at a place, before it goes on."""
    goes_on = found[at : at + SURE]
    ways = range(1 if goes_on else len(expected) - at, len(expected) - at + 1)
    return next((many for many in ways if expected[at + many : at + many + len(goes_on)] == goes_on), 0)


def _named(noun: str, items: Sequence[str], start: int, end: int) -> str:
    words = _shown("".join(items[start:end]))
    if end - start == 1:
        return f"{noun} {end} of {len(items)}, {words!r}, is"
    return f"{noun}s {start + 1} to {end} of {len(items)}, {words!r}, are"


def misread(pieces: Sequence[str], seen: Sequence[str], plain: Callable[[str], str]) -> str:
    """Where what was read was not the first so many pieces of a text, or not all in the end; empty when it always was.

    seen: all that stood there, one after the other.   plain: a text as it is read, without its marks.
    """
    whole = [plain(text) for text in accumulate(pieces)]
    possible = {"", *whole}
    for before, text in pairwise(["", *seen]):
        if not text.startswith(before):
            return f"{_shown(before)!r} stood there, and then {_shown(text)!r} in its place"
        if text not in possible:
            so_far = max((each for each in possible if text.startswith(each)), key=len)
            right = next((each for each in whole if len(each) > len(so_far)), so_far)[len(so_far) :]
            return f"after {_shown(so_far)!r} it shows {text[len(so_far) :][:SHOWN_CHARS]!r} in place of {right!r}"
    last = seen[-1] if seen else ""
    return "" if last == whole[-1] else f"it ends with {_shown(last)!r}, {len(last)} of {len(whole[-1])} characters"


def _shown(text: str) -> str:
    """A text's end, which is near what is told of it."""
    return text if len(text) <= SHOWN_CHARS else f"…{text[-SHOWN_CHARS:]}"
