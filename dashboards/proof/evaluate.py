"""What each panel shows of a rehearsal, and what of that is not as expected."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from dashboards.check.model import Fault
from dashboards.proof.board import PROMETHEUS, Board, Panel, Query, Setting
from dashboards.proof.play import Played
from dashboards.proof.prometheus import Monitor, PrometheusError, Series


class Status(StrEnum):
    """What a query brought. The order is that of a panel with several: the first that any has."""

    ERROR = "error"
    DATA = "data"
    ZERO = "zero"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Shown:
    """What one query of a panel shows.

    labels: the names of the labels of its series.   why: what Prometheus said of an error.
    is_ambiguous: whether two of its series have the same legend, or there are several and no legend.
    """

    status: Status
    labels: frozenset[str] = frozenset()
    why: str = ""
    is_ambiguous: bool = False


DRAWN = frozenset(["timeseries", "state-timeline", "bargauge", "stat"])
"""Panels that name each series by its legend; a table shows the labels themselves."""

_LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")

Evidence = Mapping[tuple[str, str], Shown]
"""What a rehearsal shows, by panel and letter of the query."""


def setting(played: Played) -> Setting:
    """What a reader has chosen who looks at one rehearsal, all of it."""
    return Setting(played.rehearsal.jobs, played.range_s)


def evidence(boards: Iterable[Board], played: Played, monitor: Monitor) -> dict[tuple[str, str], Shown]:
    """What every query of every panel shows of a rehearsal."""
    return {
        (panel.address, query.ref): shown(panel, query, played, monitor)
        for board in boards
        for panel in board.panels
        for query in panel.queries
        if query.language == PROMETHEUS
    }


def shown(panel: Panel, query: Query, played: Played, monitor: Monitor) -> Shown:
    """What one query shows of a rehearsal."""
    filled = setting(played).fill(query.text, panel.variables)
    try:
        if query.instant:
            series = monitor.instant(filled, played.end_s)
        else:
            series = monitor.over(filled, played.start_s, played.end_s)
    except PrometheusError as error:
        return Shown(Status.ERROR, why=str(error))
    legends = [_rendered(query.legend, each) for each in series]
    is_ambiguous = panel.kind in DRAWN and len(set(legends)) < len(legends)
    labels = frozenset(label for each in series for label in each.labels)
    return Shown(_status(series), labels, is_ambiguous=is_ambiguous)


def _rendered(legend: str, series: Series) -> str:
    return _LEGEND.sub(lambda found: series.labels.get(found[1], ""), legend)


def _status(series: list[Series]) -> Status:
    values = [value for each in series for value in each.values]
    if any(values):
        return Status.DATA
    return Status.ZERO if values else Status.EMPTY


def statuses(found: Evidence) -> dict[str, Status]:
    """What each panel shows: of its queries' answers the most telling."""
    panels: dict[str, Status] = {}
    order = list(Status)
    for (address, _), each in found.items():
        panels[address] = min(panels.get(address, Status.EMPTY), each.status, key=order.index)
    return panels


# --- what is not as expected


def unexpected(played: Played, panels: Mapping[str, Status]) -> Iterator[Fault]:
    """Where a rehearsal did not show what it was to show."""
    expected, fired = played.rehearsal.expected, ", ".join(sorted(played.fired)) or "none"
    for address in expected.moves:
        if panels.get(address) is not Status.DATA:
            yield _panel_fault("panel-moves", played, address, panels)
    for address in expected.still:
        if panels.get(address) not in (Status.ZERO, Status.EMPTY):
            yield _panel_fault("panel-still", played, address, panels)
    todo = "correct the rule, its scale, or what the rehearsal expects"
    for name in sorted(set(expected.fires) - played.fired):
        yield Fault("alert-fires", played.rehearsal.name, f"{name} did not reach Alertmanager, but {fired}", todo)
    for name in sorted(played.fired & set(expected.silent)):
        yield Fault("alert-silent", played.rehearsal.name, f"{name} reached Alertmanager", todo)


def _panel_fault(rule: str, played: Played, address: str, panels: Mapping[str, Status]) -> Fault:
    if address not in panels:
        todo = "correct the address, or build the dashboards"
        return Fault("panel-known", played.rehearsal.name, f"there is no panel {address}", todo)
    todo = "correct the panel's query, or what the rehearsal expects"
    return Fault(rule, played.rehearsal.name, f"{address} shows {panels[address]}", todo)


def errors(played: Played, found: Evidence) -> Iterator[Fault]:
    """Queries that Prometheus refuses."""
    for (address, ref), each in found.items():
        if each.status is Status.ERROR:
            yield Fault("query-answered", f"{address} > {ref}", f"{played.rehearsal.name}: {each.why}", "correct it")


def unlit(played: Played, panels: Mapping[str, Status]) -> Iterator[Fault]:
    """Alerts that fire while the panel they send their reader to shows nothing."""
    for each in played.sent:
        address = each.annotations.get("panel", "")
        if panels.get(address) is not Status.DATA:
            name = each.labels["alertname"]
            found = f"{played.rehearsal.name}: {address or 'no panel'} shows {panels.get(address, 'nothing')}"
            yield Fault("alert-panel", name, found, "name a panel that shows what the alert is about")


def never_shown(boards: Iterable[Board], seen: Iterable[Evidence]) -> Iterator[Fault]:
    """Queries that show data in no rehearsal, and legends with labels that no series of theirs has."""
    everything = list(seen)
    for board in boards:
        for panel in board.panels:
            for query in panel.queries:
                if query.language == PROMETHEUS:
                    yield from never(panel, query, [each[panel.address, query.ref] for each in everything])


def never(panel: Panel, query: Query, found: list[Shown]) -> Iterator[Fault]:
    """That a query shows data in none of these, or has a legend with a label that none of their series has."""
    with_data = [each for each in found if each.status is Status.DATA]
    where = f"{panel.address} > {query.ref}"
    if not with_data:
        yield Fault("panel-proven", where, "shows data in no rehearsal", "correct the query, or rehearse its situation")
        return
    known = frozenset[str]().union(*(each.labels for each in with_data))
    for label in sorted(set(_LEGEND.findall(query.legend)) - known):
        yield Fault("legend-resolves", where, f"no series has the label {label}", "correct the legend, or the query")
    if any(each.is_ambiguous for each in found):
        todo = "name the labels that tell them apart"
        yield Fault("legend-distinct", where, f"two series have the same legend, {query.legend!r}", todo)


def empty_variables(boards: Iterable[Board], played: Played, monitor: Monitor) -> Iterator[Fault]:
    """Variables that offer nothing of a rehearsal that is over, or of the job that is chosen not its own."""
    for board in boards:
        for choice in board.choices:
            where = f"{board.slug} > {choice.name}"
            if not choice.label:
                yield Fault("variable-offers", where, f"{choice.selector!r} asks for no label's values", "correct it")
                continue
            filled = setting(played).fill(choice.selector, {})
            offered = {
                labels[choice.label]
                for labels in monitor.matching(filled, played.start_s, played.end_s)
                if choice.label in labels
            }
            if not offered:
                todo = "ask for a series that is always there"
                yield Fault("variable-offers", where, f"{filled} has no {choice.label} to choose from", todo)


def unhealthy(monitor: Monitor) -> Iterator[Fault]:
    """Rules that Prometheus could not evaluate."""
    for rule in monitor.rules():
        if rule["health"] == "err":
            yield Fault("rule-evaluates", str(rule["name"]), str(rule.get("lastError")), "correct its expression")


def never_fired(monitor: Monitor, played: Iterable[Played]) -> Iterator[Fault]:
    """Alerts that no rehearsal made fire."""
    fired = frozenset[str]().union(*(each.fired for each in played))
    loaded = {str(rule["name"]) for rule in monitor.rules() if rule["type"] == "alerting"}
    for name in sorted(loaded - fired):
        yield Fault("alert-proven", name, "reached Alertmanager in no rehearsal", "rehearse what it is about")
