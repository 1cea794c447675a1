"""Rules about a dashboard's variables."""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.check import variables
from dashboards.check.model import Found, Rule, at, mapping
from dashboards.check.view import LOGQL, PROMQL, Board, Variable, View, series_of

_QUERIES = ("label_values", "label_names", "metrics", "query_result")
_ASIDE = ("description", "text", "content", "regex")
"""Keys of texts that readers see as they are, or whose `$` is the end of a pattern."""


def datasource(view: View) -> Found:
    """Each dashboard lets its reader choose the data source, by the usual name."""
    for board in view.boards:
        sources = [each for each in board.variables if each.type == "datasource"]
        if not sources and any(panel.targets for panel in board.panels):
            yield at(board.path), "no variable of type datasource", "add one named datasource, labelled Data source"
        for each in sources:
            kind = each.query.lower()
            names, labels = [f"{kind}_datasource"], [f"{kind.title()} data source"]
            if len(sources) == 1:
                names, labels = [*names, "datasource"], [*labels, "Data source"]
            if each.name not in names:
                yield each.where, f"a data source of type {kind} is named {each.name}", f"name it {' or '.join(names)}"
            if (label := str(each.raw.get("label") or "")) not in labels:
                yield each.where, f'it is labelled "{label}"', f"label it {' or '.join(labels)}"


def _asks_metrics(board: Board) -> bool:
    return any(target.language == PROMQL for panel in board.panels for target in panel.targets)


def _choice(view: View, name: str) -> Found:
    """What is wrong with the variable by which readers choose a job, or an instance."""
    for board in (each for each in view.boards if _asks_metrics(each)):
        variable = next((each for each in board.variables if each.name == name), None)
        if variable is None:
            yield at(board.path), f"no variable {name}", f"add {name}: a query variable, multi, with allValue .+"
            continue
        for is_right, found, todo in _parts(board, variable, name):
            if not is_right:
                yield variable.where, found, todo


def _parts(board: Board, variable: Variable, name: str) -> Iterator[tuple[bool, str, str]]:
    raw = variable.raw
    source = str(mapping(raw.get("datasource")).get("uid", ""))
    sources = {each.name for each in board.variables if each.type == "datasource"}
    label = str(raw.get("label") or "").lower()
    yield variable.type == "query", f"its type is {variable.type}", "make it a query"
    yield (
        bool(set(variables.references(source)) & sources),
        f"it asks {source or 'no data source'}",
        "ask ${datasource}",
    )
    yield label == name, f'it is labelled "{label}"', f"label it {name}"
    yield bool(raw.get("multi")), "only one value can be chosen", "set multi"
    yield bool(raw.get("includeAll")), "All cannot be chosen", "set includeAll"
    yield raw.get("allValue") == ".+", f"All stands for {raw.get('allValue')!r}", "set allValue to .+"


def job(view: View) -> Found:
    """The variable by which readers choose a job."""
    return _choice(view, "job")


def instance(view: View) -> Found:
    """The variable by which readers choose an instance."""
    return _choice(view, "instance")


def _queries(view: View) -> Iterator[Variable]:
    return (each for board in view.boards for each in board.variables if each.type == "query")


def label_query(view: View) -> Found:
    """A query variable asks something that Prometheus can answer."""
    broken = {each.where: each.error for each in view.asked if each.query is None}
    for each in _queries(view):
        if each.source not in {PROMQL, ""}:
            continue
        text = each.query.strip()
        if not text.startswith(_QUERIES):
            yield each.where, f"its query is {text or 'empty'}", f"ask one of {', '.join(_QUERIES)}"
        elif text.count("(") != text.count(")") or not text.endswith(")"):
            yield each.where, f"its query {text} does not end", "balance its brackets"
        elif series_of(each) and each.where in broken:
            yield each.where, f"{series_of(each)}: {broken[each.where]}", "write a selector that Prometheus can read"


def on_time_change(view: View) -> Found:
    """A query variable asks again when the time range changes."""
    for each in _queries(view):
        if each.raw.get("refresh") != 2:
            yield each.where, f"refresh is {each.raw.get('refresh')!r}", "set refresh to 2, on time range change"


def unused(view: View) -> Found:
    """Every variable is used by something."""
    for board in view.boards:
        used = {name for key, text in strings(board.raw) if key not in _ASIDE for name in variables.references(text)}
        repeated = {str(each.raw.get("repeat") or "") for each in board.panels}
        for each in board.variables:
            if each.name not in used | repeated and each.type != "adhoc":
                yield each.where, "nothing uses it", "remove it, or use it"


def unknown(view: View) -> Found:
    """Every variable that a text names is declared, or Grafana's own."""
    for board in view.boards:
        declared = {each.name for each in board.variables}
        for panel in board.panels:
            own = {key: value for key, value in panel.raw.items() if key != "panels"}
            yield from _undeclared(panel.where, own, declared)
        rest = {key: value for key, value in board.raw.items() if key not in {"panels", "rows", "__elements"}}
        yield from _undeclared(at(board.path), rest, declared)


def _undeclared(where: str, raw: object, declared: set[str]) -> Found:
    seen = set[str]()
    for key, text in strings(raw):
        for name in variables.references(text) if key not in _ASIDE else ():
            if name not in declared | seen and not variables.is_built_in(name):
                seen.add(name)
                yield where, f"${name} in {key} is no variable of the dashboard", f"declare {name}, or correct the name"
    repeat = str(raw.get("repeat") or "") if isinstance(raw, dict) else ""
    if repeat and repeat not in declared:
        yield where, f"it repeats for {repeat}, which is no variable", f"declare {repeat}"


def strings(raw: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a document, with the key that it stands under."""
    if isinstance(raw, str):
        yield key, raw
    elif isinstance(raw, dict):
        for name, each in raw.items():
            yield from strings(each, str(name))
    elif isinstance(raw, list | tuple):
        for each in raw:
            yield from strings(each, key)


def log_source(view: View) -> Found:
    """A variable that asks Loki asks for a label."""
    for each in _queries(view):
        raw = mapping(each.raw.get("query"))
        if each.source == LOGQL and not (raw.get("label") or each.query.startswith(("label_values", "label_names"))):
            yield each.where, "it asks Loki for no label", "ask label_values(<label>), or name the label"


RULES = (
    Rule(
        "template-datasource-rule",
        "a variable of type datasource: `datasource`, labelled Data source, or with several `<type>_datasource`",
        "A data source written into a dashboard exists nowhere else: imported, every panel says No data.",
        datasource,
    ),
    Rule(
        "template-job-rule",
        "a variable `job`: query, multi, All as `.+`, from the dashboard's data source",
        "Two installations in one Prometheus must not be shown as one.",
        job,
    ),
    Rule(
        "template-instance-rule",
        "a variable `instance`: query, multi, All as `.+`, from the dashboard's data source",
        "The next question after `which service` is `which process`.",
        instance,
    ),
    Rule(
        "template-label-promql-rule",
        "query variables ask label_values, label_names, metrics or query_result with PromQL that parses",
        "A variable that cannot be filled empties every panel that uses it.",
        label_query,
    ),
    Rule(
        "template-on-time-change-reload-rule",
        "query variables ask again on a change of the time range (refresh: 2)",
        "What ran last week is not in a list made today.",
        on_time_change,
    ),
    Rule(
        "template/unused",
        "every declared variable is used by a query, a title, a link or a repeat",
        "A choice that changes nothing misleads whoever makes it.",
        unused,
    ),
    Rule(
        "template/unknown",
        "every variable in queries, legends, titles, links and data sources is declared or Grafana's own",
        "Grafana leaves an unknown variable as it is written: the query then matches nothing, silently.",
        unknown,
    ),
    Rule(
        "template/loki",
        "query variables of Loki ask for a label",
        "Loki answers a question without a label with nothing.",
        log_source,
    ),
)
