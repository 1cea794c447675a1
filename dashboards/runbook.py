"""Runbooks: one page for each alert, and what of a page follows from elsewhere.

A page's head (severity, limits, the rule itself), the addresses of the panels that it names and the index in the
README are written from the rules, so that no number and no panel's id is typed twice.

python -m dashboards.runbook           write them
python -m dashboards.runbook --check   exit 4 when a page is not what would be written
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dashboards.alerts import ALERTS
from dashboards.rule import Alert, Severity, panel_id, span
from dashboards.thresholds import Burn, Threshold

FOLDER = Path(__file__).with_name("runbooks")
INDEX = "README"
EXIT_STALE = 4

HEAD = ("<!-- from the rules, by python -m dashboards.runbook -->", "<!-- to here -->")
LINKS = ("<!-- panels, by python -m dashboards.runbook -->", "<!-- to here -->")

PANEL = re.compile(r"\[([a-z]+/[a-z0-9-]+)\](?![:(\[])")
"""A panel in a page's text, by its address; where it leads stands at the page's end."""

_FENCE = re.compile(r"^```(.*)$")
_HEADING = re.compile(r"^## (.+)$")


@dataclass(frozen=True)
class Block:
    """A fenced block: the words behind its fence, its text, and its first line's number in the page."""

    info: str
    text: str
    line: int

    @property
    def language(self) -> str:
        """The first word behind the fence."""
        return self.info.split(maxsplit=1)[0] if self.info else ""

    @property
    def queries(self) -> Iterator[str]:
        """The queries of a block, which blank lines divide; lines of comment alone are left out."""
        for part in re.split(r"\n\s*\n", self.text):
            query = "\n".join(line for line in part.splitlines() if not line.lstrip().startswith("#")).strip()
            if query:
                yield query


@dataclass(frozen=True)
class Page:
    """A page by its name, which is its file's without `.md`."""

    name: str
    text: str

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Every fenced block, in order; one that never ends reaches to the page's end."""
        return tuple(self._blocks())

    def _blocks(self) -> Iterator[Block]:
        info, start, held = "", 0, list[str]()
        for number, line in enumerate(self.text.splitlines(), start=1):
            fence = _FENCE.match(line)
            if fence and not start:
                info, start, held = fence[1].strip(), number + 1, []
            elif fence:
                yield Block(info, "\n".join(held), start)
                start = 0
            elif start:
                held.append(line)
        if start:
            yield Block(info, "\n".join(held), start)

    @cached_property
    def prose(self) -> str:
        """The text without its blocks and without comments."""
        text = re.sub(r"(?ms)^```.*?^```$", "", self.text)
        return re.sub(r"(?s)<!--.*?-->", "", text)

    @property
    def title(self) -> str:
        """The first heading; empty without one."""
        return next((line[2:].strip() for line in self.text.splitlines() if line.startswith("# ")), "")

    @property
    def headings(self) -> tuple[str, ...]:
        """The headings of sections, in order."""
        return tuple(found[1].strip() for line in self.prose.splitlines() if (found := _HEADING.match(line)))

    @property
    def panels(self) -> tuple[str, ...]:
        """The addresses of the panels that it names, each once, sorted."""
        return tuple(sorted(set(PANEL.findall(self.prose))))


def load(folder: Path = FOLDER) -> dict[str, Page]:
    """The folder's pages by name.   Raises: OSError."""
    return {path.stem: Page(path.stem, path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.md"))}


def panel_url(address: str) -> str:
    """Where a panel is, on any Grafana."""
    return f"/d/cortex-{address.partition('/')[0]}?viewPanel={panel_id(address)}"


def by_name(alerts: Iterable[Alert]) -> dict[str, list[Alert]]:
    """The rules of each alert: one, or several that differ in windows or severity."""
    found: dict[str, list[Alert]] = {}
    for alert in alerts:
        found.setdefault(alert.name, []).append(alert)
    return found


# --- what is derived


def refreshed(page: Page, alerts: Mapping[str, Sequence[Alert]]) -> str:
    """The page's text with everything derived as it should be."""
    text = page.text
    if page.name == INDEX:
        text = _replaced(text, HEAD, index(alerts))
    elif page.name in alerts:
        text = _replaced(text, HEAD, head(alerts[page.name]))
    links = [f"[{address}]: {panel_url(address)}" for address in Page(page.name, text).panels]
    return _replaced(text, LINKS, "\n".join(links)) if links else text


def _replaced(text: str, marks: tuple[str, str], wanted: str) -> str:
    """The text with what is wanted between the marks; at the title, or the end, where they are not there yet."""
    begin, end = marks
    part = f"{begin}\n{wanted}\n{end}"
    if begin in text:
        before, _, rest = text.partition(begin)
        return before + part + rest.partition(end)[2]
    if marks is LINKS:
        return f"{text.rstrip()}\n\n{part}\n"
    title, _, rest = text.partition("\n")
    return f"{title}\n\n{part}\n{rest}"


def head(rules: Sequence[Alert]) -> str:
    """What an alert's page begins with: how grave, what limits, where to look, and the rules to paste."""
    lines = [f"- **{rule.severity.value}**: {rule.summary} {_limits(rule.held)}" for rule in rules]
    panels = " ".join(dict.fromkeys(f"[{rule.panel}]" for rule in rules))
    expressions = "\n\n".join(dict.fromkeys(rule.expr for rule in rules))
    folded = f"<details><summary>The rule</summary>\n\n```promql\n{expressions}\n```\n\n</details>"
    return "\n".join([*lines, "", f"Panel: {panels}", "", folded])


def _limits(held: Threshold | Burn) -> str:
    if isinstance(held, Burn):
        pace = f"burns {held.factor:g} times too fast over {held.long} and over {held.short}"
        return f"({pace}, for {span(held.for_s)})"
    parts = [
        f"limit {held.value:g}",
        f"over {span(held.window_s)}" if held.window_s else "",
        f"at least {held.least} events" if held.least else "",
        f"for {span(held.for_s)}" if held.for_s else "at once",
    ]
    return f"({', '.join(filter(None, parts))})"


def index(alerts: Mapping[str, Sequence[Alert]]) -> str:
    """All alerts, the gravest first; one of two severities stands with the graver."""
    order = list(Severity)
    gravest = {name: min((rule.severity for rule in rules), key=order.index) for name, rules in alerts.items()}
    parts = []
    for severity in order:
        rows = [_row(name, alerts[name]) for name in sorted(alerts) if gravest[name] is severity]
        parts.append("\n".join([f"### {severity.value}", "", "| Alert | Says | Look at |", "|---|---|---|", *rows]))
    return "\n\n".join(parts)


def _row(name: str, rules: Sequence[Alert]) -> str:
    says = " ".join(dict.fromkeys(rule.summary for rule in rules))
    panels = " ".join(dict.fromkeys(f"[{rule.panel}]" for rule in rules))
    return f"| [{name}]({name}.md) | {says} | {panels} |"


# --- the command


def main(arguments: Sequence[str] | None = None, folder: Path = FOLDER) -> int:
    """Write what is derived into the pages, or check it; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m dashboards.runbook", description="Refresh the runbooks.")
    parser.add_argument("--check", action="store_true", help=f"write nothing; exit {EXIT_STALE} when one is stale")
    is_check = parser.parse_args(arguments).check
    alerts = by_name(ALERTS)
    stale = {page.name: text for page in load(folder).values() if (text := refreshed(page, alerts)) != page.text}
    if is_check:
        sys.stderr.writelines(f"{name}.md is stale: run python -m dashboards.runbook\n" for name in stale)
        return EXIT_STALE if stale else 0
    for name, text in stale.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
