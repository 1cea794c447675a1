"""Rules about links: between dashboards, from alerts to panels and pages, and the numbers that both show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import parse_qsl, urlsplit

import promql_parser as pp

from dashboards.check import flow, promql, variables
from dashboards.check.model import Found, Rule, at, listing, mapping, texts
from dashboards.check.view import Board, Panel, PromRule, View

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
    """A panel draws the line that its alert compares with, and paints the bad side of it."""
    for rule, query, _, panel in _linked(view):
        steps = listing(mapping(panel.defaults.get("thresholds")).get("steps")) if panel else ()
        lines = {float(each["value"]): i for i, each in enumerate(steps) if isinstance(each.get("value"), int | float)}
        if panel is None or not lines or mapping(panel.defaults.get("thresholds")).get("mode") == "percentage":
            continue
        shown = {name for target, one in view.of_targets if target.panel is panel for name in _families(view, one.root)}
        compared = [
            (sign, promql.numbers(number))
            for series, sign, number in promql.comparisons(query)
            if shown & _families(view, series)
        ]
        drawn = [(sign, line) for sign, values in compared for line in values & set(lines)]
        if compared and not drawn:
            numbers = sorted({n for _, values in compared for n in values})
            found = f"compares with {', '.join(f'{n:g}' for n in numbers)}; {panel.address} draws {sorted(lines)}"
            yield rule.where, found, "take both from one constant"
        for sign, line in drawn[:1]:
            if _is_painted_wrong(steps[lines[line] - 1], steps[lines[line]], sign):
                found = f"{panel.address} paints {'above' if '>' in sign else 'below'} {line:g} as the better side"
                yield (
                    rule.where,
                    found,
                    f"the alert fires where the value is {sign} {line:g}: correct the one or the other",
                )


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
