"""Dashboards as they are imported: their panels and queries, with variables filled in as Grafana would.

Read from the generated JSON and nothing else, so that what is proven is what users get.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GENERATED = Path(__file__).parent.parent / "generated" / "dashboards"

PROMETHEUS = "prometheus"


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel.

    language: what kind of data source it asks.   instant: whether it is asked for the end of the time range alone.
    """

    ref: str
    language: str
    text: str
    instant: bool
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel that asks something. address: `<dashboard>/<title as a slug>`."""

    address: str
    title: str
    kind: str
    queries: tuple[Query, ...]
    variables: Mapping[str, str]

    @property
    def is_provable(self) -> bool:
        """Whether it asks Prometheus; nothing else is here to be asked."""
        return any(query.language == PROMETHEUS for query in self.queries)


@dataclass(frozen=True, slots=True)
class Choice:
    """A variable whose values are asked for: `label_values(series, label)`."""

    name: str
    selector: str
    label: str


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard."""

    slug: str
    title: str
    panels: tuple[Panel, ...]
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """What a reader has chosen, and what Grafana makes of the time range.

    job, instance: regular expressions, as variables of many values are.   rate_s: the window of rates, where it is
    not the one that Grafana takes.
    """

    job: str
    range_s: int
    scrape_s: int = 1
    instance: str = ".+"
    rate_s: int = 0

    def fill(self, text: str, more: Mapping[str, str]) -> str:
        """A query with its variables filled in; one that nobody knows stays as it is, and is an error when asked."""
        interval_s = self.scrape_s
        known = {
            **more,
            "job": self.job,
            "instance": self.instance,
            "__rate_interval": f"{self.rate_s or max(interval_s + self.scrape_s, 4 * self.scrape_s)}s",
            "__interval": f"{interval_s}s",
            "__interval_ms": str(interval_s * 1000),
            "__range": f"{self.range_s}s",
            "__range_s": str(self.range_s),
            "__range_ms": str(self.range_s * 1000),
        }
        return _VARIABLE.sub(lambda found: known.get(found["braced"] or found["bare"], found[0]), text)


_VARIABLE = re.compile(r"\$(?:\{(?P<braced>\w+)(?::\w+)?\}|(?P<bare>\w+))")
_LABEL_VALUES = re.compile(r"label_values\(\s*(?:(?P<selector>.+?)\s*,\s*)?(?P<label>\w+)\s*\)\s*$", re.DOTALL)


def load_all(folder: Path = GENERATED) -> dict[str, dict[str, Any]]:
    """Every dashboard's JSON, by its slug.   Raises: FileNotFoundError where there is none."""
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    if not found:
        raise FileNotFoundError(f"{folder}: no dashboards here; write them with cortex-harness dashboards build")
    return found


def read(slug: str, document: Mapping[str, Any]) -> Board:
    """A dashboard of its JSON; panels of collapsed rows are among the others."""
    panels = tuple(_panel(slug, each, document) for each in _flat(document.get("panels", [])))
    choices = tuple(_choices(document))
    return Board(slug, str(document.get("title", "")), tuple(each for each in panels if each.queries), choices)


def _flat(panels: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for panel in panels:
        yield panel
        yield from panel.get("panels") or []


def _panel(slug: str, raw: Mapping[str, Any], document: Mapping[str, Any]) -> Panel:
    title = str(raw.get("title", ""))
    queries = tuple(
        Query(
            str(each.get("refId", "?")),
            _language(each.get("datasource") or raw.get("datasource") or {}, document),
            str(each.get("expr") or each.get("query") or ""),
            bool(each.get("instant")) and not each.get("range"),
            str(each.get("legendFormat") or ""),
        )
        for each in raw.get("targets") or []
    )
    return Panel(f"{slug}/{slug_of(title)}", title, str(raw.get("type", "")), queries, _fixed(document))


def slug_of(title: str) -> str:
    """A title as part of an address."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _language(source: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """The kind of data source: as the panel says, or as the variable that it names."""
    if source.get("type"):
        return str(source["type"])
    named = _VARIABLE.fullmatch(str(source.get("uid", "")))
    kinds = {each.get("name"): each.get("query") for each in _variables(document) if each.get("type") == "datasource"}
    return str(kinds.get(named["braced"] or named["bare"], "")) if named else ""


def _variables(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed: list[Mapping[str, Any]] = (document.get("templating") or {}).get("list") or []
    return listed


def _fixed(document: Mapping[str, Any]) -> dict[str, str]:
    """The variables that are constants, or have a first value of their own."""
    values = {str(each.get("name")): (each.get("current") or {}).get("value") for each in _variables(document)}
    return {name: value for name, value in values.items() if isinstance(value, str)}


def _choices(document: Mapping[str, Any]) -> Iterator[Choice]:
    for each in _variables(document):
        if each.get("type") != "query":
            continue
        query = each.get("query")
        text = str(query.get("query", "")) if isinstance(query, Mapping) else str(query)
        found = _LABEL_VALUES.match(text)
        if found and found["selector"]:
            yield Choice(str(each.get("name")), found["selector"], found["label"])
        else:
            yield Choice(str(each.get("name")), text, "")
