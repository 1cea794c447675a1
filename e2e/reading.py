"""What a reader has before them: a turn once it has ended, and what stood there while nothing new came.

Reading     a turn's answer in lines, its card of a problem, all its text
Wait        a time in a turn without anything new, and what stood there
Verdict     every promise that was not kept, told together
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeGuard

from playwright.sync_api import JSHandle, Locator, Page

from e2e.stage import NotTold
from e2e.telemetry import TelemetryMissing

DURATION = re.compile(r"\d[\d.,]* m?s\b")
OF_TOOL = re.compile(rf"(Done|Failed) · {DURATION.pattern}")
"""Only a tool that took a while says for how long."""

FOOT = re.compile(r"  - (region \"Error\"|button \"Copy answer\"|text: …)")
ADVICE = re.compile(r"(Wait .*|Trying again .*)$", re.MULTILINE)

MAX_LINES = 12
"""Of a difference; an answer that is not there at all needs no more."""

HEADS = ("--", "++", "@@")
TRACE = "\ntrace "
"""Before the tree of a trace, which a failed story's report shows anyhow."""

Card = Mapping[str, object]
"""The card of a problem: its title, its type, its trace, what it offers and what it advises."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What stands in a turn that has ended.

    answer: its lines as a screen reader has them, from the question to the answer's end; how long things took is left
    out, which differs each time.   code: of Snowflake's, that a reader can quote.   text: all that can be seen.
    """

    answer: Sequence[str]
    problem: Card | None
    code: str | None
    text: str

    @classmethod
    def of(cls, turn: Locator) -> Reading:
        """What stands in this one."""
        card = turn.get_by_role("region", name="Error")
        facts = _facts(card)
        return cls(
            list(_answer(turn)),
            _told_by(card, facts) if card.count() else None,
            facts.get("Upstream code"),
            turn.inner_text(),
        )


def _answer(turn: Locator) -> Iterator[str]:
    spoken = DURATION.sub("…", OF_TOOL.sub(r"\1", turn.aria_snapshot())).splitlines()
    question = next(number for number, line in enumerate(spoken) if "heading" in line)  # above it, a note may stand
    for line in spoken[question + 1 :]:
        if FOOT.match(line):
            break
        if not re.match(r"    +- img: ", line):  # a chart's picture is drawn later than the words that stand for it
            yield line.removesuffix(":")


def _facts(card: Locator) -> Mapping[str, str]:
    names, values = card.get_by_role("term").all_inner_texts(), card.get_by_role("definition").all_inner_texts()
    return dict(zip(names, values, strict=True))


def _told_by(card: Locator, facts: Mapping[str, str]) -> Card:
    advice = ADVICE.search(card.inner_text())
    return {
        "title": card.get_by_role("heading").inner_text(),
        "type": facts.get("Type"),
        "trace id": facts.get("Trace id"),
        "offers": card.get_by_role("button").all_inner_texts(),
        "advice": advice[0] if advice else None,
    }


NOTE_STATES = """(body) => {
  const states = [];
  const note = (_changes, observer) => {
    const turn = [...body.querySelectorAll("article")].at(-1);
    const isBusy = turn?.getAttribute("aria-busy") !== "false";
    if (!turn || (!isBusy && !states.length)) return;
    states.push([performance.now(), turn.textContent]);
    if (!isBusy) observer.disconnect();
  };
  const observed = { subtree: true, childList: true, characterData: true, attributeFilter: ["aria-busy"] };
  new MutationObserver(note).observe(body, observed);
  return states;
}"""
"""Notes what stands in the next turn, and since when; to look now and then would miss what stands for a moment."""

READABLE_MS = 100
"""What stands for less nobody sees; more would not bear a machine on which the page itself is late."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A time for which nothing new came, and what stood there."""

    ms: float
    text: str

    @staticmethod
    def noted(page: Page) -> JSHandle:
        """The notes that will be taken of the next turn."""
        return page.locator("body").evaluate_handle(NOTE_STATES)

    @classmethod
    def readable(cls, notes: JSHandle) -> list[Wait]:
        """Those of a turn that has ended in which what stood could be read."""
        states: list[tuple[float, str]] = notes.json_value()
        waits = [cls(until - since, text) for (since, text), (until, _) in pairwise(states)]
        return [each for each in waits if each.ms >= READABLE_MS]


@dataclass(slots=True)
class Verdict:
    """Which promises were not kept, of all that were looked at: the first one alone seldom tells the cause.

    about: whose promises they are.
    """

    about: str
    broken: list[str] = field(default_factory=list)

    def same(self, what: str, found: object, expected: object) -> None:
        """Both are the same. Of mappings and of lines only what differs is told."""
        if found == expected:
            return
        if isinstance(found, Mapping) and isinstance(expected, Mapping):
            self.broken += [
                f"{what}: {name} is {found.get(name)!r}, expected {expected.get(name)!r}"
                for name in {**expected, **found}
                if found.get(name) != expected.get(name)
            ]
        elif _are_lines(found) and _are_lines(expected):
            lines = [line for line in difflib.unified_diff(expected, found, lineterm="", n=0) if line[:2] not in HEADS]
            more = [f"  and {len(lines) - MAX_LINES} lines more"] if len(lines) > MAX_LINES else []
            self.broken += [f"{what}, - expected, + found:", *(f"  {line}" for line in lines[:MAX_LINES]), *more]
        else:
            self.broken.append(f"{what}: is {found!r}, expected {expected!r}")

    def reads(self, what: str, text: str, words: Sequence[str], misses: Sequence[str] = ()) -> None:
        """A text holds these words and misses those."""
        wrong = [f"does not say {each!r}" for each in words if each not in text]
        wrong += [f"says {each!r}" for each in misses if each in text]
        if wrong:
            self.broken.append(f"{what}: {' and '.join(wrong)}, but: {' '.join(text.split())!r}")

    @contextmanager
    def keeping(self, what: str) -> Iterator[None]:
        """What a block finds missing is told with the rest, and what follows is looked at as well.

        Where a target does not tell what the block asks, the story ends there; what was found by then is told.
        """
        try:
            yield
        except NotTold:
            self.check()
            raise
        except TelemetryMissing as error:
            self.broken.append(f"{what}: {str(error).partition(TRACE)[0]}")

    def check(self) -> None:
        """All promises were kept.   Raises: AssertionError with all that were not."""
        assert not self.broken, "\n".join([self.about, *self.broken])


def breaks_off(found: Sequence[str], whole: Sequence[str]) -> bool:
    """Whether some lines are the beginning of others, and not all of them; the last one may be cut anywhere."""
    if not found or list(found) == list(whole):
        return False
    *before, last = found
    cut = whole[len(before)] if len(before) < len(whole) else ""
    return before == list(whole[: len(before)]) and cut.startswith(last.removesuffix('"'))


def _are_lines(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
