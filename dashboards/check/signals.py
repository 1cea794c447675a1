"""Rules that hold queries of logs and traces against their catalogue: fields, events, attributes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from contracts.traces import LOG_EVENTS, LOG_FIELDS, SPANS
from dashboards.check import logql, traceql, variables
from dashboards.check.model import Found, Rule
from dashboards.check.view import LOGQL, TRACEQL, Target, View

_STREAM = frozenset(["service_name", "service_namespace", "service_instance_id", "deployment_environment_name"])
"""Labels that a Loki gives to what comes in over OTLP, from its resource."""

_LOKIS_OWN = frozenset(["detected_level", "__error__", "__error_details__"])
_LEVELS = ("debug", "info", "warning", "error", "critical")
_EVENTS = tuple(each.event for each in LOG_EVENTS)
_ATTRIBUTES = frozenset(attribute.name for span in SPANS for attribute in span.attributes)


def _lines(view: View) -> Iterator[tuple[Target, logql.LogQuery]]:
    for target in (each for each in view.targets if each.language == LOGQL):
        try:
            yield target, logql.parse(target.expanded)
        except ValueError:
            continue  # another rule's business


def fields(view: View) -> Found:
    """Queries of logs name fields that log lines have."""
    for target, query in _lines(view):
        known = {*LOG_FIELDS, *_STREAM, *_LOKIS_OWN}
        for name in dict.fromkeys([*(label for label, _, _ in query.matchers), *query.fields]):
            if name not in known and variables.PLACEHOLDER not in name:
                yield target.where, f"{name} is no field of the log", "take one of LOG_FIELDS in contracts/traces.py"


def events(view: View) -> Found:
    """Queries of logs name events that there are."""
    for target, query in _lines(view):
        for name, sign, value in query.filters:
            for part in value.split("|") if name == "event" else ():
                is_pattern = "~" in sign
                if not any(re.fullmatch(part if is_pattern else re.escape(part), each) for each in _EVENTS):
                    yield target.where, f"no line says {part!r}", "take one of LOG_EVENTS in contracts/traces.py"


def levels(view: View) -> Found:
    """Queries of logs name levels that there are."""
    for target, query in _lines(view):
        for name, sign, value in query.filters:
            for part in value.split("|") if name == "level" else ():
                if not any(re.fullmatch(part if "~" in sign else re.escape(part), each) for each in _LEVELS):
                    yield target.where, f"no line has the level {part!r}", f"take one of {', '.join(_LEVELS)}"


def log_legends(view: View) -> Found:
    """Labels in legends of logs' numbers are those that the query counts by."""
    for target, query in _lines(view):
        for label in re.findall(r"\{\{\s*(\w+)\s*\}\}", target.legend) if query.groups else ():
            if label not in query.groups:
                found = f"legend {target.legend}: {label} is not left by the query"
                yield target.where, found, f"name one of {', '.join(query.groups)}"


def attributes(view: View) -> Found:
    """Queries of traces name attributes that spans have."""
    for target in (each for each in view.targets if each.language == TRACEQL):
        try:
            named = traceql.parse(target.expanded).attributes
        except ValueError:
            continue  # another rule's business
        for name in named:
            scope, _, rest = name.partition(".")
            own = rest if scope == "span" else name
            if scope not in traceql.SCOPES - {"span"} and own not in _ATTRIBUTES:
                yield target.where, f"{own} is no attribute of a span", "take one of SPANS in contracts/traces.py"


RULES = (
    Rule(
        "names/field",
        "queries of logs name fields of the log",
        "A filter on a field that nobody writes keeps no line.",
        fields,
    ),
    Rule(
        "names/event",
        "queries of logs name events of the log",
        "An event that was renamed is a panel without lines.",
        events,
    ),
    Rule(
        "names/level",
        "queries of logs name levels of the log",
        "`warn` is not `warning`: the panel stays empty while lines are red.",
        levels,
    ),
    Rule(
        "target/logql-legend",
        "legends of numbers from logs name labels that the query counts by",
        "A label that is not there shows as nothing.",
        log_legends,
    ),
    Rule(
        "names/attribute",
        "queries of traces name attributes of spans",
        "An attribute that nobody sets finds no trace.",
        attributes,
    ),
)
