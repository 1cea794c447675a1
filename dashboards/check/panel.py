"""Rules about panels: what they say of themselves and how they show their answers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import promql_parser as pp

from dashboards.check import flow, promql, units, variables
from dashboards.check.model import Found, Rule, listing, mapping
from dashboards.check.view import PROMQL, Panel, View

_BUILT_IN_SOURCES = frozenset(["-- Mixed --", "-- Dashboard --", "-- Grafana --", "grafana", "__expr__"])
_NUMERIC = frozenset(
    (
        *(
            "stat",
            "singlestat",
            "graph",
            "table",
            "timeseries",
            "gauge",
            "bargauge",
            "heatmap",
            "histogram",
            "barchart",
        ),
        *("piechart", "trend", "state-timeline", "status-history", "xychart"),
    )
)
"""Panels that show numbers. Logs, traces and the like have no unit."""


def _asking(view: View) -> Iterator[Panel]:
    return (panel for panel in view.panels if panel.has_queries)


def datasource(view: View) -> Found:
    """Each panel and query asks a data source that the reader chose."""
    for panel in _asking(view):
        chosen = {each.name for each in panel.board.variables if each.type == "datasource"}
        own = mapping(panel.raw.get("datasource"))
        sources = [(panel.where, own, str(panel.raw.get("datasource") or "") if not own else "")]
        sources += [(each.where, mapping(each.raw.get("datasource")), "") for each in panel.targets]
        is_first = True
        for where, source, named in sources:
            uid = str(source.get("uid") or named)
            is_chosen = bool(set(variables.references(uid)) & chosen)
            # A query without a data source of its own asks the panel's.
            if not is_chosen and uid not in _BUILT_IN_SOURCES and (uid or is_first):
                yield where, f"it asks the data source {uid or '(none)'}", "name a variable, as ${datasource}"
            is_first = False


def title_description(view: View) -> Found:
    """Each panel has a title and says what it shows."""
    for panel in _asking(view):
        if not panel.title.strip():
            yield panel.where, "no title", "give it a title"
        if not str(panel.raw.get("description") or "").strip():
            yield panel.where, "no description", "say what it shows and what is normal"


def unit(view: View) -> Found:
    """Each panel of numbers has a unit that exists, by default or by override."""
    for panel in (each for each in _asking(view) if each.type in _NUMERIC):
        every = list(_units(panel))
        for each in every:
            if each and not units.exists(each):
                yield panel.where, f"{each} is no unit of Grafana", "take one of Grafana's units, or suffix:<text>"
        if not any(every) and not panel.defaults.get("mappings") and not _shows_text(panel):
            yield panel.where, "no unit", "set fieldConfig.defaults.unit, none where numbers are bare"


def _units(panel: Panel) -> Iterator[str]:
    yield panel.unit
    options = mapping(panel.raw.get("options"))
    for part in ("yAxis", "cellValues"):
        yield str(mapping(options.get(part)).get("unit") or "")
    for each in panel.overrides:
        for one in listing(each.get("properties")):
            if one.get("id") == "unit":
                yield str(one.get("value") or "")


def _shows_text(panel: Panel) -> bool:
    """Whether a stat shows labels instead of numbers."""
    options = mapping(panel.raw.get("options"))
    fields = str(mapping(options.get("reduceOptions")).get("fields") or "")
    return panel.type == "stat" and (fields not in {"", "/.*/"} or options.get("textMode") == "name")


def no_targets(view: View) -> Found:
    """Each panel that shows answers asks something."""
    for panel in _asking(view):
        if not panel.targets:
            yield panel.where, f"a {panel.type or 'panel'} without a query", "add a query, or make it a text panel"


def library(view: View) -> Found:
    """A library panel comes with the dashboard."""
    for panel in view.panels:
        wanted = mapping(panel.raw.get("libraryPanel"))
        elements = mapping(panel.board.raw.get("__elements"))
        if wanted and not any(mapping(each).get("uid") == wanted.get("uid") for each in elements.values()):
            found = f"library panel {wanted.get('name') or wanted.get('uid')} is not in the file"
            yield panel.where, found, "write the panel out, or export the dashboard with its library panels"


def thresholds(view: View) -> Found:
    """Thresholds begin with a base and rise."""
    for panel in view.panels:
        for steps in _steps(panel):
            values = [each.get("value") for each in steps]
            if values and values[0] is not None:
                yield (
                    panel.where,
                    f"the first threshold is {values[0]}, not the base",
                    "begin with a step whose value is null",
                )
            numbers = [each for each in values if isinstance(each, int | float)]
            if numbers != sorted(set(numbers)):
                yield panel.where, f"thresholds {numbers} do not rise", "order them, each once"


def _steps(panel: Panel) -> Iterator[tuple[Mapping[str, Any], ...]]:
    yield listing(mapping(panel.defaults.get("thresholds")).get("steps"))
    for each in panel.overrides:
        for one in listing(each.get("properties")):
            if one.get("id") == "thresholds":
                yield listing(mapping(one.get("value")).get("steps"))


def overrides(view: View) -> Found:
    """An override names a query or a field that is there."""
    for panel in _asking(view):
        refs = {target.ref for target in panel.targets}
        names = list(_field_patterns(panel))
        for each in panel.overrides:
            matcher = mapping(each.get("matcher"))
            wanted = str(matcher.get("options") or "")
            if matcher.get("id") == "byFrameRefID" and wanted not in refs:
                yield (
                    panel.where,
                    f"an override is for query {wanted}, which is not there",
                    f"name one of {sorted(refs)}",
                )
            elif matcher.get("id") == "byName" and names and not any(re.fullmatch(n, wanted) for n in names):
                yield (
                    panel.where,
                    f"an override is for {wanted!r}, which no query is called",
                    "name a legend or a column",
                )
            elif matcher.get("id") == "byRegexp" and not _is_pattern(wanted):
                yield panel.where, f"an override's pattern {wanted} is none", "correct the regular expression"


def _is_pattern(text: str) -> bool:
    inner = text[1 : text.rindex("/")] if text.startswith("/") and text.rindex("/") else text
    try:
        re.compile(inner)
    except re.error:
        return False
    return True


def _field_patterns(panel: Panel) -> Iterator[str]:
    """What the fields of a panel may be called; nothing where that cannot be told."""
    if any(target.legend in {"", "__auto"} for target in panel.targets) and panel.type != "table":
        return
    columns = r"Time|Value( #[A-Z]+)?|[a-z_][a-z0-9_]*"
    if panel.type == "table":
        yield columns
    for target in panel.targets:
        yield ".+".join(re.escape(part) for part in re.split(r"\{\{.*?\}\}|\$\w+|\$\{.*?\}", target.legend))
    for each in listing(panel.raw.get("transformations")):
        options = mapping(each.get("options"))
        yield from (re.escape(str(name)) for name in mapping(options.get("renameByName")).values() if name)
        yield from (re.escape(str(options[key])) for key in ("alias",) if options.get(key))
        if each.get("id") not in {"organize", "merge", "sortBy", "filterFieldsByName", "limit", "calculateField"}:
            yield ".*"


def table_format(view: View) -> Found:
    """A table asks for rows, not for curves."""
    for panel in (each for each in _asking(view) if each.type == "table"):
        for target in panel.targets:
            is_rows = target.raw.get("format") == "table"
            if target.language == PROMQL and not is_rows and not panel.raw.get("transformations"):
                yield target.where, "a table of curves: one column for each series", "set format to table and instant"
            elif target.language == PROMQL and is_rows and not target.raw.get("instant"):
                yield target.where, "a table of every point in time", "set instant"


def columns(view: View) -> Found:
    """A table orders and renames columns that its query gives."""
    for panel in (each for each in _asking(view) if each.type == "table"):
        given = _columns(view, panel)
        for each in listing(panel.raw.get("transformations")) if given else ():
            options = mapping(each.get("options"))
            named = {str(name) for key in ("indexByName", "renameByName") for name in mapping(options.get(key))}
            for name in sorted(named - given) if each.get("id") == "organize" else ():
                yield (
                    panel.where,
                    f"no column {name}; there are {', '.join(sorted(given))}",
                    "keep the label, or correct it",
                )


def _columns(view: View, panel: Panel) -> set[str]:
    """The columns that a table's queries give; none where they cannot be told."""
    queries = [query for target, query in view.of_targets if target.panel is panel]
    results = [flow.labels(query.root, view.known) for query in queries]
    before = [str(each.get("id")) for each in listing(panel.raw.get("transformations"))]
    if not results or len(queries) < len(panel.targets) or set(before) - {"organize", "merge", "sortBy", "limit"}:
        return set()
    is_told = all(not each.is_open or _is_aggregated(query) for each, query in zip(results, queries, strict=True))
    values = {"Value"} if len(queries) == 1 else {f"Value #{target.ref}" for target in panel.targets}
    return {"Time", *values, *(label for each in results for label in each.may)} if is_told else set()


def _is_aggregated(query: promql.Query) -> bool:
    return isinstance(promql.bare(query.root), pp.AggregateExpr)


def told(view: View) -> Found:
    """A line that a panel draws is an alert's number, an objective, a state, or explained in words."""
    of_rules = {number for _, query in view.of_rules for number in _numbers_of(query)}
    for panel in _asking(view) if of_rules else ():
        words = str(panel.raw.get("description") or "").replace(",", "")
        said = {float(each) for each in re.findall(r"\d+(?:\.\d+)?", words)}
        states = {key for each in listing(panel.defaults.get("mappings")) for key in mapping(each.get("options"))}
        for steps in _steps(panel):
            for value in (each.get("value") for each in steps):
                if not isinstance(value, int | float) or f"{value:g}" in states:
                    continue
                if not any(math.isclose(value * by, each, rel_tol=1e-6) for by in (1, 100) for each in said | of_rules):
                    yield (
                        panel.where,
                        f"nothing explains a line at {value:g}",
                        "say what it is in the description",
                    )


def _numbers_of(query: promql.Query) -> Iterator[float]:
    """Every number in a rule: written, calculated, or a bucket's bound."""
    for step in query.steps:
        if isinstance(step.node, pp.BinaryExpr | pp.NumberLiteral | pp.Call):
            number = promql.constant(step.node)
            if number is not None:
                yield number
    for selector, _ in query.selectors:
        bound = promql.pinned(selector).get("le", "")
        if re.fullmatch(r"\d+(\.\d+)?", bound):
            yield float(bound)


def heatmap_format(view: View) -> Found:
    """A heatmap of buckets asks for buckets."""
    for panel in (each for each in _asking(view) if each.type == "heatmap"):
        for target in panel.targets:
            calculates = mapping(panel.raw.get("options")).get("calculate")
            if target.language == PROMQL and not calculates and target.raw.get("format") != "heatmap":
                yield target.where, f"buckets in the format {target.raw.get('format')}", "set format to heatmap"


def states(view: View) -> Found:
    """A timeline of states says what its numbers mean."""
    for panel in (each for each in _asking(view) if each.type in {"state-timeline", "status-history"}):
        has_steps = any(len(steps) > 1 for steps in _steps(panel))
        if not panel.defaults.get("mappings") and not has_steps:
            yield panel.where, "states without names or colours", "map each value to a word"


RULES = (
    Rule(
        "panel-datasource-rule",
        "panels and queries of every type ask a data source by variable",
        "A data source written into a panel exists nowhere else: imported, it says No data.",
        datasource,
    ),
    Rule(
        "panel-title-description-rule",
        "panels of every type have a title and a description",
        "Whoever is woken by an alert has never seen the panel before.",
        title_description,
    ),
    Rule(
        "panel-units-rule",
        "panels of numbers have units that Grafana knows, by default, by axis and by override",
        "0.2 may be seconds, a share or a fifth of a request.",
        unit,
    ),
    Rule(
        "panel-no-targets-rule",
        "panels that show answers have a query",
        "A panel without a query is empty for ever.",
        no_targets,
    ),
    Rule(
        "panel/library",
        "library panels come with the dashboard",
        "The library is part of another Grafana; the file shows a panel that is not found.",
        library,
    ),
    Rule(
        "panel/thresholds",
        "thresholds begin with a base and rise",
        "Grafana takes the last step that is passed: out of order, a colour never shows.",
        thresholds,
    ),
    Rule(
        "panel/told",
        "a threshold is a number of the rules, a state with a name, or stands in the description",
        "Nobody trusts a red that nobody can explain.",
        told,
    ),
    Rule(
        "panel/overrides",
        "overrides name a query, a legend or a column that is there",
        "An override of a renamed field does nothing, and says nothing.",
        overrides,
    ),
    Rule(
        "panel/table",
        "tables ask for rows of one moment",
        "A table of curves has a column for each series and a row for each point.",
        table_format,
    ),
    Rule(
        "panel/columns",
        "a table orders and renames columns that its queries give",
        "A label that the query dropped takes its column with it.",
        columns,
    ),
    Rule(
        "panel/heatmap",
        "heatmaps of buckets ask in the format heatmap",
        "Prometheus' buckets are cumulative: as they are, each cell counts those below it again.",
        heatmap_format,
    ),
    Rule(
        "panel/states",
        "timelines of states map their numbers to words or colours",
        "Nobody remembers at night whether 1 was open or half-open.",
        states,
    ),
)
