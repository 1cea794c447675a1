"""The pack as Markdown, for a pull request or a mail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contracts.compat import words
from contracts.review.pack import GONE, NEW, SAME, Pack, Reviewed, Users

CONCERNS_NOBODY = "No pact relies on it."
LINES_ARE_MISSING = "The changelog has to tell each break, under Unreleased, such as:"


def render(pack: Pack) -> str:
    """The pack as Markdown."""
    return "\n".join(line.rstrip() for line in _lines(pack)) + "\n"


def _lines(pack: Pack) -> Iterator[str]:
    yield from ("# Contract review", "", plain(f"From {pack.before} to {pack.after}."), "")
    if pack.is_empty:
        yield f"**Nothing changed.** {pack.nothing}"
        return
    yield from (f"**{pack.summary}**", "")
    for title, those in (("What breaks", pack.breaking), ("To look at", pack.warnings)):
        if those:
            yield from (f"## {title}", "")
            for each in those:
                yield from _change(each)
    yield from _listed("Harmless", map(plain, pack.harmless))
    yield from _events(pack)
    yield from _pacts(pack)
    yield from _todo(pack)
    yield from _consumers(pack)
    yield from _listed("Commits", map(plain, pack.commits))


def _change(reviewed: Reviewed) -> Iterator[str]:
    yield f"- {plain(reviewed.change.sentence)} [{reviewed.change.rule}]"
    yield from (f"  - {plain(users(each))}" for each in reviewed.users)
    if not reviewed.users:
        yield f"  - {CONCERNS_NOBODY}"
    if reviewed.lines:
        yield from ("", "  ```diff", *(f"  {sign or ' '} {text}" for sign, text in reviewed.lines), "  ```")
    yield ""


def users(those: Users) -> str:
    """Which consumer does what with it, and where."""
    named = words.joined(f"“{each}”" for each in those.interactions)
    return f"{those.consumer} {those.does} {named}."


def _events(pack: Pack) -> Iterator[str]:
    rows = [each for each in pack.events if each.state != SAME]
    if not rows:
        return
    yield from ("## Events", "", "| Stream | Event | | Known to |", "|---|---|---|---|")
    for each in rows:
        known = ", ".join(each.consumers) or "nobody"
        yield f"| {cell(each.stream)} | `{cell(each.name)}` | {_marked(each.state)} | {cell(known)} |"
    yield from ("", f"{len(pack.events) - len(rows)} events are as they were.", "")


def _pacts(pack: Pack) -> Iterator[str]:
    if pack.pacts_are_known and not pack.pacts:
        yield from ("## Pacts", "", "No pact changed.", "")
    if not pack.pacts:
        return
    yield from ("## Pacts", "", "| Between | Interaction | | In what |", "|---|---|---|---|")
    for each in pack.pacts:
        yield f"| {cell(each.pair)} | {cell(each.name)} | {_marked(each.state)} | {cell(each.about)} |"
    yield ""


def _todo(pack: Pack) -> Iterator[str]:
    if pack.version_fault or pack.lines:
        yield from ("## Before a release", "")
    if pack.version_fault:
        yield from (f"- {plain(pack.version_fault)}", "")
    if pack.lines:
        yield from (f"- {LINES_ARE_MISSING}", "", "  ```markdown", *(f"  {each}" for each in pack.lines), "  ```", "")


def _consumers(pack: Pack) -> Iterator[str]:
    if not pack.consumers:
        return
    yield from ("## Who uses what", "", "| Consumer | Operation | Sends | Reads |", "|---|---|---|---|")
    for each in pack.consumers:
        sends, reads = (", ".join(f"`{cell(name)}`" for name in those) for those in (each.sends, each.reads))
        yield f"| {cell(each.consumer)} | {cell(each.operation)} | {sends} | {reads} |"
    yield ""


def _listed(title: str, lines: Iterable[str]) -> Iterator[str]:
    listed = list(lines)
    if listed:
        yield from (f"## {title}", "", *(f"- {each}" for each in listed), "")


def _marked(state: str) -> str:
    return f"**{state}**" if state in {GONE, NEW} else state


def plain(text: str) -> str:
    """Text in which nothing but `code` is marked up, whatever stands in it."""
    parts = text.split("`")
    code = range(1, len(parts) - 1, 2)
    return "`".join(each if at in code else _escaped(each) for at, each in enumerate(parts))


def cell(text: str) -> str:
    """Likewise, in a table."""
    return plain(" ".join(text.split())).replace("|", "\\|")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("](", "]\\(").replace("*", "\\*")
