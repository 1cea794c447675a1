"""The review pack for the meeting of frontend and backend: what changed, who breaks, and in which interaction.

sources.py   both states       usage.py      which consumer uses which field     examples.py   before and after
pack.py      what is shown     markdown.py   as Markdown                         page.py       as a page
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from contracts.compat import DocumentError
from contracts.review import markdown, page
from contracts.review.pack import Pack, make
from contracts.review.sources import Sources, since

__all__ = ["Pack", "Sources", "make", "run", "since"]

OK, FAILED, USAGE = 0, 1, 2


def run(revision: str | None, *, out: Path | None = None, say: Callable[[str], None] = print) -> int:
    """The exit code: 0 when the pack is made, whatever it says; 1 when it cannot be written, 2 without two states.

    revision: of git; without one the last released document is compared with.
    out: a folder for review.md and review.html; without one the Markdown is said.
    """
    try:
        made = make(since(revision))
    except DocumentError as error:
        say(f"cannot review: {error}")
        return USAGE
    if out is None:
        say(markdown.render(made))
        return OK
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in (("review.md", markdown.render(made)), ("review.html", page.render(made))):
            (out / name).write_text(text, encoding="utf-8")
            say(str(out / name))
    except OSError as error:
        say(f"cannot write: {error.filename}: {error.strerror}")
        return FAILED
    say("nothing changed" if made.is_empty else made.summary)
    return OK
