"""Rules about a dashboard as a whole: what identifies it, and what must not be in it."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

from dashboards.check.model import Found, Rule, at, listing, mapping
from dashboards.check.view import Board, Panel, View

_WIDTH = 24


def uneditable(view: View) -> Found:
    """A dashboard from files is not edited in the browser."""
    for board in view.boards:
        if board.raw.get("editable") is not False:
            yield at(board.path), f"editable is {board.raw.get('editable')!r}", "set editable to false"


def identity(view: View) -> Found:
    """A dashboard has a title and a uid of its own, and no number of another Grafana."""
    uids = Counter(board.uid for board in view.boards)
    for board in view.boards:
        if not board.uid:
            yield at(board.path), "no uid", "give it a fixed uid: links and imports go by it"
        elif uids[board.uid] > 1:
            yield at(board.path), f"uid {board.uid} is used {uids[board.uid]} times", "give each dashboard its own"
        elif len(board.uid) > 40:
            yield at(board.path), f"uid {board.uid} is {len(board.uid)} characters long", "keep it within 40"
        if not str(board.raw.get("title") or "").strip():
            yield at(board.path), "no title", "give it a title"
        if board.raw.get("id") is not None:
            yield at(board.path), f"id {board.raw.get('id')} of the Grafana it comes from", "remove id, keep uid"


def inputs(view: View) -> Found:
    """A dashboard can be provisioned from a file as it is."""
    for board in view.boards:
        for each in listing(board.raw.get("__inputs")):
            name = each.get("name", "?")
            yield (
                at(board.path),
                f"input {name}",
                "use a variable of type datasource: only the import wizard asks for inputs",
            )


def panel_ids(view: View) -> Found:
    """Each panel has a number of its own."""
    for board in view.boards:
        ids = Counter(panel.id for panel in board.panels)
        for panel in board.panels:
            if panel.id is None or panel.id < 1:
                yield panel.where, f"id {panel.raw.get('id')!r}", "give it a number from 1"
            elif ids[panel.id] > 1:
                yield panel.where, f"id {panel.id} is used {ids[panel.id]} times", "give each panel its own"


def titles(view: View) -> Found:
    """Each panel has a title of its own, as it is its address."""
    for board in view.boards:
        addresses = Counter(panel.address for panel in board.panels if panel.type != "row" and panel.title)
        for address, times in addresses.items():
            if times > 1:
                yield at(board.path, address), f"{times} panels have this address", "give each panel its own title"


def layout(view: View) -> Found:
    """Panels lie within the grid and not on each other."""
    for board in view.boards:
        placed = [(panel, box) for panel in _open(board) if (box := _box(panel))]
        for panel, (x, _, w, h) in placed:
            if w < 1 or h < 1 or x < 0 or x + w > _WIDTH:
                yield panel.where, f"it reaches from column {x} to {x + w}", f"keep it within {_WIDTH} columns"
        for (one, a), (other, b) in combinations(placed, 2):
            if a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]:
                yield other.where, f"it lies on {one.address}", "move one of them"


def _open(board: Board) -> list[Panel]:
    """Panels outside collapsed rows."""
    top = [id(each) for each in listing(board.raw.get("panels"))]
    return [panel for panel in board.panels if id(panel.raw) in top]


def _box(panel: Panel) -> tuple[int, int, int, int] | None:
    place = mapping(panel.raw.get("gridPos"))
    numbers = [place.get(key) for key in "xywh"]
    if not all(isinstance(each, int) for each in numbers):
        return None
    x, y, w, h = (int(each) for each in numbers if each is not None)
    return x, y, w, h


def sources(view: View) -> Found:
    """Annotations ask a data source that the reader chose."""
    for board in view.boards:
        chosen = {f"${{{each.name}}}" for each in board.variables if each.type == "datasource"}
        chosen |= {f"${each.name}" for each in board.variables if each.type == "datasource"}
        for each in board.annotations:
            raw = each.get("datasource")
            uid = str(mapping(raw).get("uid") or (raw if isinstance(raw, str) else ""))
            if uid not in chosen | {"-- Grafana --", "grafana"}:
                where = at(board.path, f"annotation {each.get('name', '?')}")
                yield where, f"it asks the data source {uid or '(none)'}", "name a variable, as ${datasource}"


RULES = (
    Rule(
        "uneditable-dashboard",
        "editable is false",
        "What is changed in the browser is lost with the next deployment.",
        uneditable,
    ),
    Rule(
        "dashboard/identity",
        "a title, a uid of its own, no id",
        "Links go by uid; the id of another Grafana overwrites a stranger's dashboard.",
        identity,
    ),
    Rule(
        "dashboard/inputs",
        "no __inputs",
        "Only the import wizard fills them in: provisioned from a file, every panel says data source not found.",
        inputs,
    ),
    Rule(
        "dashboard/panel-ids",
        "each panel has a number of its own, from 1",
        "Links and alerts go by it.",
        panel_ids,
    ),
    Rule(
        "dashboard/titles",
        "each panel has a title of its own",
        "Runbooks, alerts and people name a panel by its title.",
        titles,
    ),
    Rule(
        "dashboard/layout",
        "panels lie within 24 columns and not on each other",
        "Grafana moves what overlaps, each version otherwise.",
        layout,
    ),
    Rule(
        "dashboard/annotations",
        "annotations ask a data source by variable",
        "An annotation of a foreign data source shows an error above every panel.",
        sources,
    ),
)
