"""Documents as the rules see them: dashboards with their panels and queries, rules with theirs, and what is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from dashboards.check import flow, promql, variables
from dashboards.check.model import Documents, at, listing, mapping, slug
from dashboards.check.names import PROMETHEUS_OWN, Series, alert_series, exposed

PROMQL, LOGQL, TRACEQL, OTHER = "prometheus", "loki", "tempo", ""
NO_QUERIES = frozenset(["row", "text", "news", "dashlist", "welcome", "alertlist", "annolist", "gettingstarted"])
"""Panels that show something other than the answer to a query."""


@dataclass(frozen=True, slots=True, eq=False)
class Variable:
    """A variable that a dashboard declares."""

    board: Board
    raw: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.raw.get("name", ""))

    @property
    def type(self) -> str:
        return str(self.raw.get("type", ""))

    @property
    def where(self) -> str:
        return at(self.board.path, f"variable {self.name}")

    @property
    def query(self) -> str:
        """What a query variable asks; its newer form keeps it a level deeper."""
        query = self.raw.get("query", "")
        return str(mapping(query).get("query", "")) if isinstance(query, Mapping) else str(query)

    @property
    def source(self) -> str:
        """The language it asks in."""
        return self.board.language(mapping(self.raw.get("datasource")))


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """One dashboard."""

    path: str
    raw: Mapping[str, Any]
    panels: tuple[Panel, ...] = ()
    variables: tuple[Variable, ...] = ()

    @property
    def slug(self) -> str:
        return PurePosixPath(self.path).stem

    @property
    def uid(self) -> str:
        return str(self.raw.get("uid") or "")

    @property
    def annotations(self) -> tuple[Mapping[str, Any], ...]:
        """Its annotations, Grafana's built-in one left out."""
        every = listing(mapping(self.raw.get("annotations")).get("list"))
        return tuple(each for each in every if not each.get("builtIn"))

    def language(self, *sources: Mapping[str, Any]) -> str:
        """The language of a query by the first data source that tells: by its type, or by the variable it names."""
        for source in sources:
            named = list(variables.references(str(source.get("uid", ""))))
            kinds = {each.name: each.query for each in self.variables if each.type == "datasource"}
            kind = str(source.get("type") or "") or (kinds.get(named[0], "") if named else "")
            if kind and kind != "datasource":
                return kind
        return OTHER

    @property
    def values(self) -> Mapping[str, str]:
        """What the variables are set to, of those with one value."""
        return {
            each.name: value
            for each in self.variables
            if isinstance(value := mapping(each.raw.get("current")).get("value"), str)
        }


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One panel, also of a collapsed row."""

    board: Board
    raw: Mapping[str, Any]

    @property
    def type(self) -> str:
        return str(self.raw.get("type", ""))

    @property
    def id(self) -> int | None:
        """Its number; None where it has none."""
        found = self.raw.get("id")
        return found if isinstance(found, int) else None

    @property
    def title(self) -> str:
        return str(self.raw.get("title") or "")

    @property
    def address(self) -> str:
        return f"{self.board.slug}/{slug(self.title) or self.raw.get('id', '?')}"

    @property
    def where(self) -> str:
        return at(self.board.path, self.address)

    @property
    def has_queries(self) -> bool:
        """Whether it shows answers to queries of its own; a library panel's are in the library."""
        return self.type not in NO_QUERIES and "libraryPanel" not in self.raw

    @property
    def defaults(self) -> Mapping[str, Any]:
        return mapping(mapping(self.raw.get("fieldConfig")).get("defaults"))

    @property
    def unit(self) -> str:
        """The unit of its fields; panels of before Grafana 7 have it elsewhere."""
        axes = listing(self.raw.get("yaxes"))
        return str(self.defaults.get("unit") or self.raw.get("format") or (axes[0].get("format") if axes else "") or "")

    @property
    def overrides(self) -> tuple[Mapping[str, Any], ...]:
        return listing(mapping(self.raw.get("fieldConfig")).get("overrides"))

    @property
    def targets(self) -> tuple[Target, ...]:
        return tuple(Target(self, each) for each in listing(self.raw.get("targets")))


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """One query of a panel."""

    panel: Panel
    raw: Mapping[str, Any]

    @property
    def ref(self) -> str:
        return str(self.raw.get("refId") or "?")

    @property
    def where(self) -> str:
        return at(self.panel.where, self.ref)

    @property
    def language(self) -> str:
        own, panel = mapping(self.raw.get("datasource")), mapping(self.panel.raw.get("datasource"))
        if "-- Dashboard --" in (own.get("uid"), panel.get("uid")):
            return OTHER
        return self.panel.board.language(own, panel) or (PROMQL if "expr" in self.raw else OTHER)

    @property
    def text(self) -> str:
        """The query as it is written; Tempo calls it otherwise."""
        return str(self.raw.get("query" if self.language == TRACEQL else "expr") or "")

    @property
    def expanded(self) -> str:
        return variables.expand(self.text, self.panel.board.values)

    @property
    def legend(self) -> str:
        return str(self.raw.get("legendFormat") or "")


@dataclass(frozen=True, slots=True, eq=False)
class PromRule:
    """One rule of a rule file."""

    path: str
    group: Mapping[str, Any]
    raw: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.raw.get("alert") or self.raw.get("record") or "")

    @property
    def is_alert(self) -> bool:
        return "alert" in self.raw

    @property
    def where(self) -> str:
        return at(self.path, self.name or f"a rule of {self.group.get('name', '?')}")

    @property
    def text(self) -> str:
        return str(self.raw.get("expr", ""))

    @property
    def labels(self) -> Mapping[str, str]:
        return {str(key): str(value) for key, value in mapping(self.raw.get("labels")).items()}

    @property
    def annotations(self) -> Mapping[str, str]:
        return {str(key): str(value) for key, value in mapping(self.raw.get("annotations")).items()}


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A PromQL query anywhere: of a panel, an annotation, a variable or a rule.

    query: None when it cannot be read; the error says why.
    """

    where: str
    text: str
    query: promql.Query | None
    error: str = ""
    target: Target | None = None
    rule: PromRule | None = None


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """All documents at once."""

    documents: Documents
    boards: tuple[Board, ...]
    rules: tuple[PromRule, ...]
    asked: tuple[Asked, ...]
    known: Mapping[str, Series]

    @property
    def panels(self) -> Iterator[Panel]:
        return (panel for board in self.boards for panel in board.panels)

    @property
    def targets(self) -> Iterator[Target]:
        return (target for panel in self.panels for target in panel.targets)

    @property
    def alerts(self) -> Iterator[PromRule]:
        return (rule for rule in self.rules if rule.is_alert)

    @property
    def read(self) -> Iterator[tuple[Asked, promql.Query]]:
        """The queries that could be read."""
        return ((each, each.query) for each in self.asked if each.query)

    @property
    def of_rules(self) -> Iterator[tuple[PromRule, promql.Query]]:
        """The rules whose queries could be read."""
        return ((each.rule, query) for each, query in self.read if each.rule)

    @property
    def of_targets(self) -> Iterator[tuple[Target, promql.Query]]:
        """The panels' PromQL that could be read."""
        return ((each.target, query) for each, query in self.read if each.target)


def look(documents: Documents) -> View:
    """The documents as the rules see them. Nothing in them is trusted to have its form."""
    boards = tuple(_board(path, mapping(raw)) for path, raw in documents.dashboards.items())
    rules = tuple(
        PromRule(path, group, raw)
        for path, document in documents.rules.items()
        for group in listing(mapping(document).get("groups"))
        for raw in listing(group.get("rules"))
    )
    asked = (
        *(_asked(rule.where, rule.text, rule=rule) for rule in rules),
        *(each for board in boards for each in _asked_by_board(board)),
        *(_asked(where, str(query["expr"])) for where, query in managed_queries(documents) if query.get("expr")),
    )
    return View(documents, boards, rules, asked, MappingProxyType(_known(documents, rules)))


def _board(path: str, raw: Mapping[str, Any]) -> Board:
    board = Board(path, raw)
    named = tuple(Variable(board, each) for each in listing(mapping(raw.get("templating")).get("list")))
    panels = tuple(_panels(board, raw))
    # A board and its parts name each other; the parts are given to it once, here.
    object.__setattr__(board, "variables", named)
    object.__setattr__(board, "panels", panels)
    return board


def _panels(board: Board, raw: Mapping[str, Any]) -> Iterator[Panel]:
    """Every panel: those of collapsed rows, of rows as they were before Grafana 5, and of the library's copies."""
    for each in listing(raw.get("panels")):
        yield Panel(board, each)
        yield from (Panel(board, nested) for nested in listing(each.get("panels")))
    for row in listing(raw.get("rows")):
        yield from (Panel(board, each) for each in listing(row.get("panels")))
    for element in mapping(raw.get("__elements")).values():
        if model := mapping(mapping(element).get("model")):
            yield Panel(board, model)


def _asked(where: str, text: str, *, target: Target | None = None, rule: PromRule | None = None) -> Asked:
    try:
        return Asked(where, text, promql.parse(text), target=target, rule=rule)
    except ValueError as error:
        return Asked(where, text, None, str(error), target, rule)


def _asked_by_board(board: Board) -> Iterator[Asked]:
    for panel in board.panels:
        for target in panel.targets:
            if target.language == PROMQL:
                yield _asked(target.where, target.expanded, target=target)
    for each in board.annotations:
        if board.language(mapping(each.get("datasource"))) in {PROMQL, OTHER} and each.get("expr"):
            where = at(board.path, f"annotation {each.get('name', '?')}")
            yield _asked(where, variables.expand(str(each["expr"]), board.values))
    for variable in board.variables:
        text = series_of(variable)
        if variable.type == "query" and variable.source in {PROMQL, OTHER} and text:
            yield _asked(variable.where, variables.expand(text, board.values))


def managed_rules(documents: Documents) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every alert in the form that Grafana manages, with its place."""
    for path, document in documents.provisioning.items():
        for group in listing(mapping(document).get("groups")):
            for rule in listing(group.get("rules")):
                yield at(path, rule.get("title") or rule.get("uid") or "?"), rule


def managed_queries(documents: Documents) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What those alerts ask Prometheus."""
    for where, rule in managed_rules(documents):
        for step in listing(rule.get("data")):
            model = mapping(step.get("model"))
            if mapping(model.get("datasource")).get("type", PROMQL) == PROMQL:
                yield where, model


def series_of(variable: Variable) -> str:
    """The PromQL within a variable's query: of `label_values(series, label)` the series; empty when there is none."""
    text = variable.query.strip()
    name, _, rest = text.partition("(")
    inner = rest.rpartition(")")[0].strip()
    if name.strip() == "label_values":
        return inner.rpartition(",")[0].strip()
    return inner if name.strip() == "query_result" else ""


def _known(documents: Documents, rules: tuple[PromRule, ...]) -> dict[str, Series]:
    known = {series.name: series for metric in documents.metrics for series in exposed(metric)}
    known.update({series.name: series for series in PROMETHEUS_OWN})
    alerts: dict[str, list[Mapping[str, str]]] = {}
    for rule in rules:
        if rule.is_alert:
            alerts.setdefault(rule.name, []).append(rule.labels)
    known.update({series.name: series for series in alert_series(alerts)})
    _add_recorded(known, [rule for rule in rules if not rule.is_alert])
    return known


def _add_recorded(known: dict[str, Series], rules: list[PromRule]) -> None:
    """Add what the rules record, those first whose own series are known; what is left after that is open."""
    by_name: dict[str, list[PromRule]] = {}
    for rule in rules:
        by_name.setdefault(rule.name, []).append(rule)
    waiting = dict(by_name)
    while waiting:
        ready = [
            name
            for name, those in waiting.items()
            if not any(used in waiting and used != name for rule in those for used in _used(rule))
        ]
        for name in ready or list(waiting):
            known[name] = _recorded(name, waiting.pop(name), known)


def _used(rule: PromRule) -> set[str]:
    query = _asked(rule.where, rule.text).query
    return {promql.name_of(each) for each, _ in query.selectors} if query else set()


def _recorded(name: str, rules: list[PromRule], known: Mapping[str, Series]) -> Series:
    """What several rules of one name record together."""
    results, values = [], dict[str, tuple[str, ...]]()
    units = []
    for rule in rules:
        query = _asked(rule.where, rule.text).query
        inner = flow.labels(query.root, known) if query else flow.Labels(is_open=True)
        results.append(inner.plus(frozenset(rule.labels)))
        units.append(flow.unit(query.root, known) if query else None)
        for label, value in rule.labels.items():
            values[label] = tuple(dict.fromkeys([*values.get(label, ()), value]))
    may = frozenset[str]().union(*(each.may for each in results))
    always = frozenset.intersection(*(each.always for each in results))
    labels = {label: values.get(label, ()) for label in sorted(may)}
    kind = "bucket" if "le" in may else "gauge"
    return Series(name, kind, _unit_name(units), labels, always, any(r.is_open for r in results), name)


def _unit_name(units: list[flow.Unit | None]) -> str:
    """The catalogue's word for a unit that all have; "?" where it has none."""
    powers = [dict(unit.powers) if unit else None for unit in units]
    words = {"1": {}, "s": {"s": 1}, "By": {"By": 1}, "USD": {"USD": 1}, "{count}": {"count": 1}}
    return next((word for word, those in words.items() if all(each == those for each in powers)), "?")
