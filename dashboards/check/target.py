"""Rules about the queries of panels: they parse, they select what the reader chose, their legends resolve."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import promql_parser as pp

from dashboards.check import flow, logql, promql, traceql, variables
from dashboards.check.model import Found, Rule, at, mapping
from dashboards.check.view import LOGQL, TRACEQL, Target, View

_LABEL = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_SHAPED = frozenset(["table", "heatmap"])
"""Formats of answers that have no legend."""

_BARE = frozenset(["__name__"])


_ASKING = promql.COUNTER_FUNCTIONS | promql.GAUGE_FUNCTIONS | promql.PRESENCE | {"changes"}


def parses_promql(view: View) -> Found:
    """PromQL of panels and annotations parses once variables have values."""
    for each in view.asked:
        is_of_board = each.rule is None and "> variable " not in each.where
        if is_of_board and each.query is None:
            todo = "correct the query, or remove it" if each.text.strip() else "write a query, or remove it"
            yield each.where, f"{each.error}: {each.text or '(empty)'}", todo


def parses_logql(view: View) -> Found:
    """LogQL of panels has its structure."""
    return _structure(view, LOGQL, logql.parse)


def parses_traceql(view: View) -> Found:
    """TraceQL of panels has its structure."""
    return _structure(view, TRACEQL, traceql.parse)


def _structure(view: View, language: str, parse: Callable[[str], object]) -> Found:
    for target in view.targets:
        asks_otherwise = str(target.raw.get("queryType")) in {"serviceMap", "traceqlSearch", "nativeSearch", "upload"}
        if target.language == language and not asks_otherwise:
            try:
                parse(target.expanded)
            except ValueError as error:
                yield target.where, str(error), "correct the query"


def logql_auto(view: View) -> Found:
    """Ranges of LogQL in panels follow the panel's width."""
    for target in (each for each in view.targets if each.language == LOGQL):
        for found in re.findall(r"\[([^\]\[]+)\]", _without_strings(target.text)):
            if found not in {"$__auto", "${__auto}", "$__range", "${__range}"}:
                yield target.where, f"a range of [{found}]", "write [$__auto], or [$__range] for one number over all"


def _without_strings(text: str) -> str:
    return re.sub(r'"(?:\\.|[^"\\])*"|`[^`]*`', '""', text)


def rate_interval(view: View) -> Found:
    """Rates of panels take a window that the scrape interval and the panel's width decide.

    An increase may take the window of a rule that reads the same metric: the panel then shows what the alert sees.
    """
    allowed = {variables.RATE_INTERVAL_S, variables.RANGE_S, variables.DURATION_S}
    of_rules = {each for _, query in view.of_rules for each in _increases(query)}
    for target, query in view.of_targets:
        for node, step in query.calls:
            looks_back = node.func.name in promql.COUNTER_FUNCTIONS or node.func.name.endswith("_over_time")
            if not looks_back or isinstance(promql.bare(node.args[0]), pp.SubqueryExpr):
                continue
            window = promql.range_s(promql.Step(node.args[0], step.parents))
            is_a_rules = node.func.name == "increase" and set(_increases(query)) <= of_rules
            if window not in allowed and not is_a_rules:
                yield target.where, f"{node.func.name} over {_window(target, window)}", "write [$__rate_interval]"


def _increases(query: promql.Query) -> Iterator[tuple[str, float | None]]:
    """What a query takes the increase of, and over which window."""
    for node, step in query.calls:
        if node.func.name == "increase":
            for selector in promql.selectors_in(node):
                yield promql.name_of(selector), promql.range_s(promql.Step(node.args[0], step.parents))


def _window(target: Target, seconds: float | None) -> str:
    if seconds == variables.INTERVAL_S:
        return "[$__interval]"
    return f"a fixed window of {seconds:g} s" if seconds else target.text


def job(view: View) -> Found:
    """Every selector of a panel has the chosen job."""
    return _chosen(view, "job")


def instance(view: View) -> Found:
    """Every selector of a panel has the chosen instance; what is recorded without one cannot."""
    return _chosen(view, "instance")


def _chosen(view: View, label: str) -> Found:
    """Selectors without the label's matcher.

    A recording rule that sums over instances leaves series without one: a matcher would match nothing, so those need
    none. That is read from the rules, not from the names.
    """
    for target, query in view.of_targets:
        is_declared = any(each.name == label for each in target.panel.board.variables)
        for selector, _ in query.selectors:
            series = view.known.get(promql.name_of(selector))
            wanted = promql.Match(label, "=~", variables.PLACEHOLDER + label)
            if series is not None and label not in series.labels:
                continue
            if is_declared and wanted not in promql.matches(selector):
                yield target.where, f"{selector_text(selector)} is not for ${label}", f'add {label}=~"${label}"'


def selector_text(selector: promql.Vector) -> str:
    """A selector with the variables as they are written in Grafana."""
    return str(selector).replace(variables.PLACEHOLDER, "$").replace("{}", "")


def counter_agg(view: View) -> Found:
    """Counters of panels are read as rates, however many labels their selectors have."""
    for target, query in view.of_targets:
        for name in raw_counters(view, query):
            yield target.where, f"{name} is a counter, and is read as it stands", "take its rate or its increase"


def raw_counters(view: View, query: promql.Query) -> list[str]:
    """Counters that a query reads without rate, increase or the like."""
    return [
        promql.name_of(selector)
        for selector, step in query.selectors
        if is_counter(view, promql.name_of(selector)) and not _tells_of_counter(step)
    ]


def is_counter(view: View, name: str) -> bool:
    """Whether a series only grows: by the catalogue, else by its name."""
    series = view.known.get(name)
    if series is not None:
        return series.kind in {"counter", "bucket"} and ":" not in name
    return name.endswith(("_total", "_bucket", "_count", "_sum")) and ":" not in name


def _tells_of_counter(step: promql.Step) -> bool:
    """Whether what encloses a counter asks for its growth, or only whether it is there."""
    inner: pp.Expr = step.node
    for parent in reversed(step.parents):
        # A gauge's function over a counter is another rule's business.
        if isinstance(parent, pp.Call) and parent.func.name in _ASKING:
            return True
        if isinstance(parent, pp.AggregateExpr) and promql.operator(parent) in {"count", "group"}:
            return True
        is_condition = isinstance(parent, pp.BinaryExpr) and promql.operator(parent) in {"and", "unless"}
        if is_condition and isinstance(parent, pp.BinaryExpr) and parent.rhs is inner:
            return True
        inner = parent
    return False


def legends(view: View) -> Found:
    """Every label in a legend is there when the legend is written."""
    for target, query in view.of_targets:
        result = flow.labels(query.root, view.known)
        for label in _LABEL.findall(target.legend):
            if label not in _BARE and not result.can_have(label):
                found = f"legend {target.legend}: {label} is not left by the query"
                yield (
                    target.where,
                    found,
                    f"keep {label} in the aggregation, or name one of {sorted(result.may) or '-'}",
                )
    for board in view.boards:
        asked = {each.where: each.query for each in view.asked}
        for each in board.annotations:
            where = at(board.path, f"annotation {each.get('name', '?')}")
            query_ = asked.get(where)
            result = flow.labels(query_.root, view.known) if query_ else flow.Labels(is_open=True)
            for key in ("titleFormat", "textFormat"):
                for label in _LABEL.findall(str(each.get(key) or "")):
                    if label not in _BARE and not result.can_have(label):
                        yield where, f"{key}: {label} is not left by the query", f"keep {label} in the aggregation"


def legends_differ(view: View) -> Found:
    """Curves that differ by a label are called by it."""
    for target, query in view.of_targets:
        is_shaped = str(target.raw.get("format")) in _SHAPED or target.panel.type in _SHAPED
        if is_shaped or not target.legend or target.legend == "__auto" or _LABEL.search(target.legend):
            continue
        kept = _kept(query, view)
        if kept and not set(variables.references(target.legend)) & kept:
            found = f"every curve is called {target.legend!r}, and they differ by {', '.join(sorted(kept))}"
            yield target.where, found, f"add {{{{{min(kept)}}}}} to the legend"


def _kept(query: promql.Query, view: View) -> set[str]:
    """Labels by which the results surely differ: kept by an aggregation, and given no one value."""
    outer = promql.bare(query.root)
    while isinstance(outer, pp.Call | pp.BinaryExpr):
        parts = [each for each in promql.children(outer) if promql.is_vector(each)]
        if not parts:
            return set()
        outer = promql.bare(parts[0])
    if not isinstance(outer, pp.AggregateExpr) or outer.modifier is None:
        return set()
    fixed = {label for selector in promql.selectors_in(outer) for label in promql.pinned(selector)}
    return set(flow.labels(query.root, view.known).always) - fixed - {"le"}


def quantile_named(view: View) -> Found:
    """A quantile is the one that its legend, or else its panel's description, speaks of."""
    for target, query in view.of_targets:
        words = _QUANTILE.findall(target.legend) or _QUANTILE.findall(str(target.panel.raw.get("description") or ""))
        said = {float(each) / 100 for each in words}
        asked = [promql.constant(node.args[0]) for node, _ in query.calls if node.func.name == "histogram_quantile"]
        shares = [each for each in asked if each is not None and 0 <= each <= 1]
        if said and shares and not any(abs(each - one) < 1e-9 for each in shares for one in said):
            found = f"p{', p'.join(words)} is said, and the quantile {', '.join(f'{each:g}' for each in shares)} asked"
            yield target.where, found, "correct the one or the other"


_QUANTILE = re.compile(r"\bp(\d\d(?:\.\d+)?)\b")


def letters(view: View) -> Found:
    """Each query of a panel has a letter of its own."""
    for panel in view.panels:
        refs = [target.ref for target in panel.targets]
        for ref in sorted({each for each in refs if refs.count(each) > 1 or each == "?"}):
            yield panel.where, f"{refs.count(ref)} queries with the letter {ref}", "give each its own refId"


def exemplars(view: View) -> Found:
    """Exemplars are asked for where there are some: of buckets, and not of what rules record."""
    for target, query in view.of_targets:
        if target.raw.get("exemplar") and target.panel.type == "timeseries":
            names = [promql.name_of(selector) for selector, _ in query.selectors]
            if not any(is_counter(view, name) for name in names):
                yield (
                    target.where,
                    f"exemplars of {', '.join(names)}",
                    "ask a histogram's buckets, or set exemplar to false",
                )


def dashboard_source(view: View) -> Found:
    """A panel that shows another panel's answer names one that is there."""
    for target in view.targets:
        source = mapping(target.raw.get("datasource")) or mapping(target.panel.raw.get("datasource"))
        wanted, ids = target.raw.get("panelId"), [panel.id for panel in target.panel.board.panels]
        if source.get("uid") == "-- Dashboard --" and wanted not in ids:
            found = f"it shows panel {wanted}, which is not there"
            yield target.where, found, "name the id of a panel of this dashboard"


RULES = (
    Rule(
        "target-promql-rule",
        "PromQL of panels of every type and of annotations parses, once variables have values",
        "A query that does not parse is an empty panel with a small red corner.",
        parses_promql,
    ),
    Rule(
        "target-logql-rule",
        "LogQL has its structure: selectors with a matcher, known stages and functions, balanced brackets and quotes",
        "Loki refuses the query, and the panel is empty.",
        parses_logql,
    ),
    Rule(
        "target/traceql",
        "TraceQL has its structure: spansets, attributes with a scope, known functions",
        "Tempo refuses the query, and the panel is empty.",
        parses_traceql,
    ),
    Rule(
        "target-logql-auto-rule",
        "ranges of LogQL are [$__auto], or [$__range] for one number over all",
        "A fixed range skips lines between points when the reader looks at a week.",
        logql_auto,
    ),
    Rule(
        "target-rate-interval-rule",
        "rate, irate and increase take [$__rate_interval], [$__range] for one number over all, or a rule's window",
        "A fixed window holds one sample under a slower scrape, and the rate is empty.",
        rate_interval,
    ),
    Rule(
        "target/quantile",
        "a quantile is the one that its legend or its panel's description names",
        "A median that is called p95 makes every service look fast.",
        quantile_named,
    ),
    Rule(
        "target-job-rule",
        'every selector has job=~"$job"',
        "Without it a panel adds up two installations.",
        job,
    ),
    Rule(
        "target-instance-rule",
        'every selector has instance=~"$instance", but of series that rules record without an instance',
        "Without it a panel does not follow the reader's choice. A recorded sum has no instance to choose.",
        instance,
    ),
    Rule(
        "target-counter-agg-rule",
        "counters, with labels or without, are inside rate, irate or increase",
        "A counter shows how long a process has run, and falls to zero when it starts again.",
        counter_agg,
    ),
    Rule(
        "target/legend",
        "labels in legends and in annotations' texts are left by the query",
        "A label that the aggregation dropped shows as nothing: all curves are called the same.",
        legends,
    ),
    Rule(
        "target/legend-same",
        "a legend names what the curves differ by",
        "Five curves called `requests` are one legend and no answer.",
        legends_differ,
    ),
    Rule(
        "target/letters",
        "queries of a panel have letters of their own",
        "Two queries A: Grafana shows one, and overrides and alerts take the other.",
        letters,
    ),
    Rule(
        "target/exemplars",
        "exemplars are asked of counters and buckets",
        "Recorded series and gauges have none: the way from a slow answer to its trace is not there.",
        exemplars,
    ),
    Rule(
        "target/panel",
        "a panel that shows another panel's answer names one of the dashboard",
        "The other panel was renumbered, and this one is empty.",
        dashboard_source,
    ),
)
