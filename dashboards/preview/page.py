"""One HTML page of a dashboard: its panels on Grafana's grid of 24 columns, wide and narrow, light and dark."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

from dashboards.preview import charts, look
from dashboards.preview.ask import Series, Span
from dashboards.preview.charts import Frame, Mark

BANNER = "Preview drawn from real query results; not Grafana"
WIDE_PX, NARROW_PX = 1280, 360
_ROW_PX, _GAP_PX, _MARGIN_PX = 38, 8, 12
_TITLE_PX, _PADDING_PX, _LEGEND_PX = 30, 10, 22
_MOST_LEGENDS = 12
_MOST_ROWS = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What the queries of a panel brought.   error: what Prometheus said of one that it refused."""

    series: tuple[tuple[str, tuple[Series, ...]], ...]
    error: str = ""

    @property
    def flat(self) -> tuple[Series, ...]:
        """The series of all queries."""
        return tuple(each for _, found in self.series for each in found)


@dataclass(frozen=True, slots=True)
class Noted:
    """One kind of annotation: its name, its colour, and when."""

    name: str
    colour: str
    at_s: tuple[float, ...]


def answers(document: Mapping[str, Any], span: Span) -> dict[int, Answer]:
    """What Prometheus says to every panel, by the panel's id.   Raises: AskError where it does not answer."""
    return {panel["id"]: _answer(panel, span) for panel in panels(document) if is_asked(panel)}


def _answer(panel: Mapping[str, Any], span: Span) -> Answer:
    found = []
    for target in panel.get("targets") or []:
        ask = span.now if target.get("instant") and not target.get("range") else span.over
        found.append((str(target["refId"]), tuple(ask(target["expr"], str(target.get("legendFormat") or "")))))
    return Answer(tuple(found))


def noted(document: Mapping[str, Any], span: Span) -> list[Noted]:
    """Every annotation that is shown, at the beginning of each of its times."""
    found = []
    for each in (document.get("annotations") or {}).get("list") or []:
        if each.get("enable") and not each.get("hide") and each.get("expr"):
            starts = [at_s for series in span.over(each["expr"]) for at_s in _beginnings(series, span.step_s)]
            colour = look.colour(str(each.get("iconColor") or "blue"))
            found.append(Noted(str(each["name"]), colour, tuple(sorted(set(starts)))))
    return found


def _beginnings(series: Series, step_s: int) -> Iterator[float]:
    before_s = -math.inf
    for at_s, _ in series.points:
        if at_s - before_s > step_s * 1.5:
            yield at_s
        before_s = at_s


def panels(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Rows and panels in order; those of a collapsed row come after it."""
    for panel in document.get("panels") or []:
        yield panel
        yield from panel.get("panels") or []


def is_asked(panel: Mapping[str, Any]) -> bool:
    """Whether a panel asks Prometheus."""
    source = panel.get("datasource") or {}
    return bool(panel.get("targets")) and source.get("type") == "prometheus"


# --- the page


def page(document: Mapping[str, Any], found: Mapping[int, Answer], notes: Sequence[Noted], span: Span) -> str:
    """The whole page."""
    marks = tuple(Mark(at_s, each.colour) for each in notes for at_s in each.at_s)
    body = "\n".join(_placed(panel, found.get(panel.get("id", 0)), span, marks) for panel in panels(document))
    from_to = " to ".join(f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M}" for at_s in (span.start_s, span.end_s))
    legend = "".join(f'<span><i style="background:{each.colour}"></i>{escape(each.name)}</span>' for each in notes)
    title = escape(str(document.get("title", "")))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}, preview</title><style>{_STYLE}</style></head>
<body><p class="banner"><b>{BANNER}</b> The data is made up (job rehearsal).</p>
<header><h1>{title}</h1><p>{escape(str(document.get("description") or ""))}</p>
<p class="bar"><span>job <b>All</b></span><span>instance <b>All</b></span><span>{from_to} UTC</span>{legend}</p>
</header>
<main>
{body}
</main></body></html>
"""


def _placed(panel: Mapping[str, Any], answer: Answer | None, span: Span, marks: tuple[Mark, ...]) -> str:
    if panel["type"] == "row":
        return f"<h2>{escape(str(panel['title']))}</h2>"
    place = panel["gridPos"]
    height_px = place["h"] * (_ROW_PX - _GAP_PX) + (place["h"] - 1) * _GAP_PX
    column_px = (WIDE_PX - 2 * _MARGIN_PX - 23 * _GAP_PX) / 24
    wide_px = int(place["w"] * column_px + (place["w"] - 1) * _GAP_PX) - 2 * _PADDING_PX
    inner_px = height_px - _TITLE_PX - _PADDING_PX
    wide = _inside(panel, answer, span, marks, (wide_px, inner_px))
    narrow_px = NARROW_PX - 2 * _MARGIN_PX - 2 * _PADDING_PX
    narrow = _inside(panel, answer, span, marks, (narrow_px, inner_px)) if panel["type"] in _CHARTS else None
    both = wide if narrow is None else f'<div class="wide">{wide}</div><div class="narrow">{narrow}</div>'
    style = f"grid-column:{place['x'] + 1}/span {place['w']};height:{height_px}px"
    description = escape(str(panel.get("description") or ""), quote=True)
    return (
        f'<section class="{panel["type"]}" style="{style}" title="{description}">'
        f"<h3>{escape(str(panel['title']))}</h3>{both}</section>"
    )


_Size = tuple[int, int]


def _inside(panel: Mapping[str, Any], answer: Answer | None, span: Span, marks: tuple[Mark, ...], size: _Size) -> str:
    """A panel's content, or the words for why there is none."""
    if panel["type"] == "text":
        return _prose(str((panel.get("options") or {}).get("content") or ""))
    if answer is None:
        source = (panel.get("datasource") or {}).get("type", "another data source")
        return _words(f"Asks {source.capitalize()}; the preview asks Prometheus alone")
    if not any(math.isfinite(each.last) for each in answer.flat):
        return _words(str((panel["fieldConfig"].get("defaults") or {}).get("noValue") or "No data"))
    if panel["type"] in _CHARTS:
        return _chart(panel, answer, span, marks, size)
    draw = _TILES.get(panel["type"])
    return draw(panel, answer) if draw else _words(f"The preview has no {panel['type']}")


def _prose(markdown: str) -> str:
    """A text panel: paragraphs, with what is bold, code or a link."""
    text = escape(markdown, quote=False)
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"<u>\1</u>", text)
    text = re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", text)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    return "".join(f"<p>{each}</p>" for each in text.split("\n\n"))


def _words(text: str) -> str:
    return f'<p class="none">{escape(text)}</p>'


def _chart(panel: Mapping[str, Any], answer: Answer, span: Span, marks: tuple[Mark, ...], size: _Size) -> str:
    width_px, height_px = size
    names, legend = _legend(panel, answer)
    draw = _CHARTS[panel["type"]]
    lines = _lines_of(names, width_px)
    frame = Frame(width_px, height_px - lines * _LEGEND_PX, span, marks)
    return draw(panel, answer.flat, frame) + legend


def _lines_of(names: Sequence[str], width_px: int) -> int:
    """How many lines a legend takes; letters are some seven pixels wide."""
    lines, used = (1, 0) if names else (0, 0)
    for name in names:
        needed = min(len(name) * 6.4 + 30, width_px)
        if used + needed > width_px:
            lines, used = lines + 1, 0
        used += int(needed)
    return min(lines, 3)


def _legend(panel: Mapping[str, Any], answer: Answer) -> tuple[list[str], str]:
    """The names that are shown, and the list of them; a heatmap has none. States have theirs by colour."""
    if panel["type"] == "heatmap":
        return [], ""
    if panel["type"] == "state-timeline":
        defaults = panel["fieldConfig"].get("defaults") or {}
        values = sorted({value for each in answer.flat for _, value in each.points if math.isfinite(value)})
        items = [look.shown(value, defaults) for value in values]
        return [name for name, _ in items], _list(items)
    names = list(dict.fromkeys(each.name for each in answer.flat if any(math.isfinite(v) for _, v in each.points)))
    items = list(look.series_colours(names).items())
    more = [(f"and {len(items) - _MOST_LEGENDS} more", "transparent")] if len(items) > _MOST_LEGENDS else []
    return names, _list([*items[:_MOST_LEGENDS], *more])


def _list(items: Sequence[tuple[str, str]]) -> str:
    rows = "".join(f'<li><i style="background:{its}"></i>{escape(name)}</li>' for name, its in items)
    return f"<ul>{rows}</ul>"


# --- panels that are no charts


def _stat(panel: Mapping[str, Any], answer: Answer) -> str:
    options = panel.get("options") or {}
    is_named = len(answer.flat) > 1 or options.get("textMode") in ("name", "value_and_name")
    tiles = []
    for each in answer.flat:
        if not math.isfinite(each.last):
            continue
        text, colour = look.shown(each.last, look.for_field(panel, each.name))
        is_filled = str(options.get("colorMode", "")).startswith("background")
        style = f"background:{colour};color:#fff" if is_filled else f"color:{colour}"
        name = f"<small>{escape(each.name)}</small>" if is_named else ""
        words = each.name if options.get("textMode") == "name" else text
        tiles.append(f'<div class="tile" style="{style}">{name}<strong>{escape(words)}</strong></div>')
    return f'<div class="tiles">{"".join(tiles)}</div>'


def _bars(panel: Mapping[str, Any], answer: Answer) -> str:
    values = [each.last for each in answer.flat if math.isfinite(each.last)]
    rows = []
    for each in answer.flat[:_MOST_ROWS]:
        defaults = look.for_field(panel, each.name)
        low, high = float(defaults.get("min") or 0), float(defaults.get("max") or max(values) or 1)
        share = min(max((each.last - low) / ((high - low) or 1), 0), 1)
        text, colour = look.shown(each.last, defaults)
        rows.append(
            f'<div class="meter"><small>{escape(each.name)}</small><span><i style="width:{share:.1%};'
            f'background:{colour}"></i></span><b style="color:{colour}">{escape(text)}</b></div>'
        )
    return f'<div class="meters">{"".join(rows)}</div>'


def _table(panel: Mapping[str, Any], answer: Answer) -> str:
    columns, rows = table(panel, answer)
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(_cell(panel, name, row.get(name, '')) for name in columns)}</tr>" for row in rows)
    return f'<div class="sheet"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(panel: Mapping[str, Any], name: str, value: str | float) -> str:
    if isinstance(value, str):
        return f"<td>{escape(value)}</td>"
    defaults = look.for_field(panel, name)
    text, colour = look.shown(value, defaults)
    is_coloured = len(look.steps(defaults)) > 1 or defaults.get("mappings")
    style = f' style="color:{colour}"' if is_coloured else ""
    return f'<td class="number"{style}>{escape(text)}</td>'


Rows = list[dict[str, str | float]]


def table(panel: Mapping[str, Any], answer: Answer) -> tuple[list[str], Rows]:
    """Columns and rows of a table panel, after its transformations: those that dashboards here have."""
    many = len(answer.series) > 1
    merged: dict[tuple[tuple[str, str], ...], dict[str, str | float]] = {}
    for ref, found in answer.series:
        for each in found:
            key = tuple(sorted(item for item in each.labels.items() if item[0] != "__name__"))
            row = merged.setdefault(key, dict(key))
            row[f"Value #{ref}" if many else "Value"] = each.last
    rows = list(merged.values())
    columns = list(dict.fromkeys(name for row in rows for name in row))
    for each in panel.get("transformations") or []:
        if each["id"] == "organize":
            columns, rows = _organised(each["options"], columns, rows)
    return columns, _sorted(panel, rows)


def _organised(options: Mapping[str, Any], columns: list[str], rows: Rows) -> tuple[list[str], Rows]:
    hidden, order = options.get("excludeByName") or {}, options.get("indexByName") or {}
    names = options.get("renameByName") or {}
    kept = sorted((name for name in columns if not hidden.get(name)), key=lambda name: order.get(name, 99))
    renamed: Rows = [{names.get(name) or name: row[name] for name in kept if name in row} for row in rows]
    return [names.get(name) or name for name in kept], renamed


def _sorted(panel: Mapping[str, Any], rows: Rows) -> Rows:
    for each in (panel.get("options") or {}).get("sortBy") or []:
        name = each["displayName"]
        rows = sorted(rows, key=lambda row: _order(row.get(name)), reverse=bool(each.get("desc")))
    return rows[:_MOST_ROWS]


def _order(value: str | float | None) -> tuple[int, float, str]:
    if isinstance(value, float):
        return 1, value, ""
    return 0, 0.0, value or ""


_CHARTS: dict[str, Callable[[Mapping[str, Any], Sequence[Series], Frame], str]] = {
    "timeseries": charts.lines,
    "heatmap": charts.heatmap,
    "state-timeline": charts.states,
}
_TILES: dict[str, Callable[[Mapping[str, Any], Answer], str]] = {"stat": _stat, "bargauge": _bars, "table": _table}

_STYLE = """
:root { --page:#f4f5f5; --panel:#fff; --edge:#e1e3e6; --text:#24292e; --dim:#5b6068; --track:#e9ebee;
  color-scheme:light; }
@media (prefers-color-scheme:dark) { :root {
  --page:#111217; --panel:#181b1f; --edge:#2a2d33; --text:#d5d6de; --dim:#9a9da6; --track:#26292f;
  color-scheme:dark; } }
* { box-sizing:border-box; margin:0 }
body { background:var(--page); color:var(--text); font:13px/1.4 Inter,"Helvetica Neue",Arial,sans-serif;
  padding:0 12px 16px; max-width:1280px; margin:0 auto }
.banner { background:#fff3cd; color:#5c4400; padding:6px 12px; margin:0 -12px 10px; border-bottom:2px solid #e0b400 }
h1 { font-size:20px; font-weight:500 } header p { color:var(--dim) }
.bar { display:flex; flex-wrap:wrap; gap:6px 16px; margin:6px 0 2px } .bar b { color:var(--text); font-weight:500 }
i { display:inline-block; width:12px; height:4px; border-radius:2px; margin-right:5px; vertical-align:middle }
main { display:grid; grid-template-columns:repeat(24,minmax(0,1fr)); gap:8px; grid-auto-flow:row }
h2 { grid-column:1/-1; font-size:14px; font-weight:500; margin:10px 0 0; color:var(--text) }
section { background:var(--panel); border:1px solid var(--edge); border-radius:3px; padding:0 9px 8px; min-width:0;
  overflow:hidden; display:flex; flex-direction:column }
h3 { font-size:13px; font-weight:500; line-height:30px; flex:none; white-space:nowrap; overflow:hidden;
  text-overflow:ellipsis }
svg { display:block; max-width:100% } svg text { fill:var(--dim) } .narrow { display:none }
ul { list-style:none; padding:0; display:flex; flex-wrap:wrap; gap:0 12px; max-height:66px; overflow:hidden;
  font-size:11.5px; line-height:22px; color:var(--dim) } li { max-width:100%; white-space:nowrap; overflow:hidden;
  text-overflow:ellipsis }
.none { margin:auto; color:var(--dim); text-align:center; font-size:14px }
.tiles { flex:1; display:flex; gap:6px; min-height:0; flex-wrap:wrap } .tile { flex:1 1 0; min-width:70px; display:flex;
  flex-direction:column; align-items:center; justify-content:center; border-radius:3px; overflow:hidden }
.tile { container-type:inline-size } .tile strong { font-size:clamp(12px,17cqw,25px); font-weight:500;
  white-space:nowrap; line-height:1.2 } .tile small { color:var(--dim) }
.meters { flex:1; display:flex; flex-direction:column; justify-content:space-evenly; gap:4px; min-height:0 }
.meter { display:grid; grid-template-columns:minmax(0,38%) 1fr 64px; gap:8px; align-items:center }
.meter small { overflow:hidden; text-overflow:ellipsis; white-space:nowrap; color:var(--dim) }
.meter span { background:var(--track); height:18px; border-radius:2px } .meter span i { height:100%; margin:0;
  border-radius:2px; display:block; opacity:.85 } .meter b { font-weight:500; text-align:right }
.sheet { overflow:hidden; min-height:0 } table { width:100%; border-collapse:collapse; font-size:12px }
th { text-align:left; color:#3274d9; font-weight:500 } th,td { padding:3px 6px; border-bottom:1px solid var(--edge);
  white-space:nowrap; overflow:hidden; text-overflow:ellipsis; max-width:340px }
@media (max-width:720px) {
  main { display:flex; flex-direction:column } .wide { display:none } .narrow { display:block }
  .sheet { overflow-x:auto } }
"""
