"""Rules about links: between dashboards, from alerts to panels and pages, and the numbers that both show."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import promql_parser as pp

from dashboards.check import flow, promql, variables
from dashboards.check.model import Found, Rule, at, listing, mapping, texts
from dashboards.check.view import Board, Panel, PromRule, Target, View

_FIELD_LABEL = re.compile(r"__field\.labels\.(\w+)|__field\.labels\[['\"](\w+)['\"]\]")
_RANK = {"green": 0, "blue": 0, "yellow": 1, "orange": 2, "red": 3}


def _urls(view: View) -> Iterator[tuple[str, Board, str]]:
    """Every link with its place, its dashboard and its address."""
    for board in view.boards:
        yield from ((at(board.path), board, str(link.get("url") or "")) for link in listing(board.raw.get("links")))
        for panel in board.panels:
            for link in _panel_links(panel):
                yield panel.where, board, str(mapping(link).get("url") or "")


def _panel_links(panel: Panel) -> Iterator[object]:
    yield from listing(panel.raw.get("links"))
    yield from listing(panel.defaults.get("links"))
    for override in panel.overrides:
        for each in listing(override.get("properties")):
            if each.get("id") == "links":
                yield from listing(each.get("value"))


def _uid(url: str) -> str:
    """The uid of the dashboard that a link leads to; empty when it leads elsewhere."""
    found = re.match(r"(?:\$\{__url\.path\})?/?d(?:-solo)?/([^/?#$]+)", urlsplit(url).path)
    return found[1] if found else ""


def dashboards(view: View) -> Found:
    """Links lead to dashboards and panels that are there."""
    by_uid = {board.uid: board for board in view.boards}
    for where, _, url in _urls(view):
        if not (uid := _uid(url)):
            continue
        if uid not in by_uid:
            yield where, f"{url} leads to {uid}, which is not among the files", f"name one of {sorted(by_uid)}"
            continue
        for key, value in parse_qsl(urlsplit(url).query):
            ids = {str(panel.id) for panel in by_uid[uid].panels}
            if key in {"viewPanel", "panelId", "editPanel"} and value.removeprefix("panel-") not in ids:
                yield (
                    where,
                    f"{url} leads to panel {value}, which {uid} does not have",
                    "name the id of one of its panels",
                )
            if key.startswith("var-") and key[4:] not in {each.name for each in by_uid[uid].variables}:
                yield where, f"{url} sets {key[4:]}, which {uid} does not know", "name one of its variables"


def tags(view: View) -> Found:
    """A list of dashboards by tag has entries."""
    borne = {tag for board in view.boards for tag in texts(board.raw.get("tags"))}
    for board in view.boards:
        for link in listing(board.raw.get("links")):
            for tag in texts(link.get("tags")) if link.get("type") == "dashboards" else ():
                if tag not in borne:
                    yield (
                        at(board.path),
                        f"a list of dashboards tagged {tag}, and none is",
                        f"name one of {sorted(borne)}",
                    )


def fields(view: View) -> Found:
    """A label that a data link hands on is left by the panel's query."""
    for panel in view.panels:
        queries = [query for target, query in view.of_targets if target.panel is panel]
        if not queries:
            continue
        results = [flow.labels(query.root, view.known) for query in queries]
        for link in _panel_links(panel):
            for one, other in _FIELD_LABEL.findall(str(mapping(link).get("url") or "")):
                if not any(result.can_have(one or other) for result in results):
                    yield (
                        panel.where,
                        f"a link hands on {one or other}, which no query leaves",
                        "keep it, or name another",
                    )


def _linked(view: View) -> Iterator[tuple[PromRule, promql.Query, Board | None, Panel | None]]:
    """Alerts that name a panel, with it."""
    by_uid = {board.uid: board for board in view.boards}
    for rule, query in view.of_rules:
        names = rule.annotations
        uid, address = names.get("dashboard", names.get("__dashboardUid__", "")), names.get("panel", "")
        if rule.is_alert and (uid or address):
            board = by_uid.get(uid)
            panel = next((p for p in board.panels if p.address == address), None) if board else None
            yield rule, query, board, panel


def alert_panel(view: View) -> Found:
    """The panel that an alert names is there."""
    if not view.boards:
        return
    for rule, _, board, panel in _linked(view):
        if board is None:
            found = f"dashboard {rule.annotations.get('dashboard', '(none)')} is not among the files"
            yield rule.where, found, f"name one of {sorted(each.uid for each in view.boards)}"
        elif panel is None and "panel" in rule.annotations:
            yield (
                rule.where,
                f"panel {rule.annotations['panel']} is not on {board.uid}",
                "name the address of one of its panels",
            )


def alert_shown(view: View) -> Found:
    """The panel that an alert names shows what the alert looks at."""
    for rule, query, _, panel in _linked(view):
        if panel is None:
            continue
        shown = {name for target, one in view.of_targets if target.panel is panel for name in _families(view, one.root)}
        if shown and not shown & _families(view, query.root) and rule.name not in _alert_names(view, panel):
            found = f"{panel.address} shows {', '.join(sorted(shown))}; the alert looks at something else"
            yield rule.where, found, "name a panel that shows one of the alert's series"


def _alert_names(view: View, panel: Panel) -> set[str]:
    """The alerts, if a panel lists those that fire."""
    lists = any(
        promql.name_of(selector) == "ALERTS"
        for target, query in view.of_targets
        if target.panel is panel
        for selector, _ in query.selectors
    )
    return {rule.name for rule in view.alerts} if lists else set()


def _families(view: View, node: pp.Expr) -> set[str]:
    """The catalogue's metrics that a part of a query reads, also through what rules record."""
    recorded = {rule.name: query.root for rule, query in view.of_rules if not rule.is_alert}
    families, waiting, seen = set[str](), [node], set[str]()
    while waiting:
        for selector in promql.selectors_in(waiting.pop()):
            name = promql.name_of(selector)
            series = view.known.get(name)
            families.add(series.family if series else name)
            if name in recorded and name not in seen:
                seen.add(name)
                waiting.append(recorded[name])
    return families


def thresholds(view: View) -> Found:
    """A panel draws the line that its alert compares with, and paints the bad side of it.

    Of several rules with one name and severity, as those of budgets, one line stands for all.
    """
    matched, missed = set[tuple[str, str, str]](), dict[str, tuple[tuple[str, str, str], str]]()
    for rule, query, _, panel in _linked(view):
        if panel is None:
            continue
        key = (rule.name, rule.labels.get("severity", ""), panel.address)
        compared = list(_compared(view, query, panel))
        for steps, sign, numbers in compared:
            line = next((number for number, step in enumerate(steps) if _is_one_of(step.get("value"), numbers)), 0)
            if not line:
                drawn = ", ".join(f"{each['value']:g}" for each in steps if isinstance(each.get("value"), int | float))
                found = f"compares with {', '.join(f'{n:g}' for n in sorted(numbers))}; {panel.address} draws {drawn}"
                missed.setdefault(f"{rule.where}\n{found}", (key, found))
                continue
            matched.add(key)
            if _is_painted_wrong(steps[line - 1], steps[line], sign):
                side = "above" if ">" in sign else "below"
                found = f"{panel.address} paints {side} {steps[line]['value']:g} as the better side"
                yield rule.where, found, f"the alert fires where the value is {sign} that: correct the one or the other"
    for place, (key, found) in missed.items():
        if key not in matched:
            yield place.partition("\n")[0], found, "take both from one constant"


def _compared(view: View, query: promql.Query, panel: Panel) -> Iterator[tuple[_Steps, str, frozenset[float]]]:
    """What an alert compares and a panel draws: the thresholds, the sign, the numbers.

    A panel of a rate draws what an alert compares an increase with, divided by the increase's window.
    """
    for target, shown in view.of_targets:
        steps = _drawn(target) if target.panel is panel else ()
        families = _families(view, shown.root) if len(steps) > 1 else set()
        for series, sign, number in promql.comparisons(query) if families else ():
            if families & _families(view, series):
                windows = promql.windows_s(series)
                numbers = promql.numbers(number)
                yield steps, sign, numbers | {each / window for each in numbers for window in windows}


_Steps = tuple[Mapping[str, Any], ...]
_COLOURED = frozenset(["stat", "gauge", "bargauge", "singlestat"])


def _drawn(target: Target) -> _Steps:
    """The thresholds that show for a query: its own by override, else the panel's; none where they are not painted."""
    panel = target.panel
    for override in panel.overrides:
        matcher = mapping(override.get("matcher"))
        is_ours = matcher.get("id") == "byFrameRefID" and matcher.get("options") == target.ref
        is_ours |= matcher.get("id") == "byName" and matcher.get("options") in {target.legend, f"Value #{target.ref}"}
        for each in listing(override.get("properties")) if is_ours else ():
            if each.get("id") == "thresholds":
                return listing(mapping(each.get("value")).get("steps"))
    own, custom = mapping(panel.defaults.get("thresholds")), mapping(panel.defaults.get("custom"))
    is_line = mapping(custom.get("thresholdsStyle")).get("mode", "off") != "off"
    is_cell = str(mapping(custom.get("cellOptions")).get("type", "auto")) not in {"auto", "json-view"}
    is_colour = panel.type in _COLOURED or mapping(panel.defaults.get("color")).get("mode") == "thresholds"
    is_shown = is_line or (is_cell if panel.type == "table" else is_colour)
    return listing(own.get("steps")) if is_shown and own.get("mode") != "percentage" else ()


def _is_one_of(value: object, numbers: frozenset[float]) -> bool:
    return isinstance(value, int | float) and any(math.isclose(value, each, rel_tol=1e-9) for each in numbers)


def _is_painted_wrong(below: object, above: object, sign: str) -> bool:
    low, high = (_RANK.get(str(mapping(each).get("color") or "").rpartition("-")[2]) for each in (below, above))
    if low is None or high is None or low == high or sign in {"==", "!="}:
        return False
    return (high < low) if ">" in sign else (high > low)


def runbook(view: View) -> Found:
    """The page that an alert names is there."""
    pages = {PurePosixPath(path).name for path in view.documents.runbooks}
    for rule in view.alerts:
        url = rule.annotations.get("runbook_url", "")
        name = PurePosixPath(urlsplit(url).path).name
        if pages and name.endswith(".md") and name not in pages:
            yield rule.where, f"runbook {url} is not among the pages", f"write {name}, or correct the link"


def unread_variables(view: View) -> Found:
    """A link sets a dashboard's variables by the variables' own formats."""
    for where, board, url in _urls(view):
        multi = {each.name for each in board.variables if each.raw.get("multi")}
        for name in re.findall(r"var-\w+=\$\{?(\w+)\}?(?=&|$)", url):
            if name in multi and not variables.is_built_in(name):
                yield (
                    where,
                    f"{url} hands on one text for the several values of {name}",
                    f"write ${{{name}:queryparam}}",
                )


RULES = (
    Rule(
        "link/dashboard",
        "links lead to dashboards, panels and variables that are there",
        "A link into nothing is found out during an incident.",
        dashboards,
    ),
    Rule(
        "link/tags",
        "lists of dashboards name a tag that one of them bears",
        "A menu that is always empty.",
        tags,
    ),
    Rule(
        "link/field",
        "labels that data links hand on are left by the panel's queries",
        "The link then sets the variable to nothing, and the next dashboard is empty.",
        fields,
    ),
    Rule(
        "link/several",
        "links hand on variables of several values by ${name:queryparam}",
        "Otherwise the values arrive as one, which nothing is called.",
        unread_variables,
    ),
    Rule(
        "link/alert-panel",
        "the dashboard and the panel that an alert names are there",
        "The first look of whoever is on call.",
        alert_panel,
    ),
    Rule(
        "link/alert-shown",
        "the panel that an alert names shows one of the metrics that the alert looks at",
        "A panel that does not move while its alert fires costs an hour.",
        alert_shown,
    ),
    Rule(
        "link/threshold",
        "a panel's thresholds hold the number that its alert compares with, with the worse colour on the firing side",
        "A line that is not the alert's says it is fine while the pager rings.",
        thresholds,
    ),
    Rule(
        "rule/link",
        "the runbook that an alert names is among the pages",
        "An alert without its page is a riddle at night.",
        runbook,
    ),
)
