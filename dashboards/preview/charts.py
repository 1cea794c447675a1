"""Panels with a time axis as SVG, by way of Vega-Lite: lines and areas, heatmaps, state timelines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.preview import look, numbers
from dashboards.preview.ask import Series, Span

_DAY_S = 86_400
_GREY = "#808690"


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertical line: an annotation."""

    at_s: float
    colour: str


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a chart goes: pixels, the time it shows, and the annotations on it."""

    width: int
    height: int
    span: Span
    marks: tuple[Mark, ...] = ()


def lines(panel: Mapping[str, Any], series: Sequence[Series], frame: Frame) -> str:
    """A time series panel."""
    defaults = panel["fieldConfig"]["defaults"]
    custom = defaults.get("custom") or {}
    is_stacked = (custom.get("stacking") or {}).get("mode", "none") != "none"
    colours = look.series_colours([each.name for each in series])
    rows = _rows(series, frame.span)
    limits = [(value, its) for value, its in look.steps(defaults) if math.isfinite(value)]
    if (custom.get("thresholdsStyle") or {}).get("mode", "off") == "off":
        limits = []
    top = _top(rows, is_stacked)
    limits = [limit for limit in limits if limit[0] <= max(top * 4, 1e-12)]
    low = min(0.0, *(row["v"] for row in rows if row["v"] is not None), 0.0)
    high = max([top, *(value for value, _ in limits)]) * 1.06
    unit = str(defaults.get("unit") or "")
    ticks = _ticks(low, high or 1.0, 4, numbers.size(high, unit))
    value_axis = {
        "values": ticks,
        "labelExpr": _labels(ticks, unit),
        "title": None,
        "grid": True,
    }
    y = {"field": "v", "type": "quantitative", "axis": value_axis, "scale": {"domain": [low, high or 1.0]}}
    shade = (custom.get("fillOpacity") or 0) / 100
    colour = {
        "field": "s",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": list(colours), "range": list(colours.values())},
    }
    mark: dict[str, Any] = {"type": "area", "line": {"strokeWidth": 1.4}, "fillOpacity": max(shade, 0.06)}
    encoding = {
        "x": _time(frame, grid=True),
        "y": {**y, "stack": "zero" if is_stacked else None},
        "color": colour,
    }
    layers = [{"mark": mark, "encoding": encoding}]
    layers += [_rule({"y": {"datum": value}}, its, [6, 4]) for value, its in limits]
    return _svg(rows, layers, frame)


def heatmap(panel: Mapping[str, Any], series: Sequence[Series], frame: Frame) -> str:
    """A heatmap of a histogram: of each bucket what is not in the one below it."""
    ordered = sorted(series, key=lambda each: float(each.labels["le"]))
    below: dict[float, float] = {}
    rows = []
    names = []
    for each in ordered:
        name = _bound(float(each.labels["le"]), panel)
        names.append(name)
        for at_s, value in each.points:
            here = max(value - below.get(at_s, 0.0), 0.0)
            below[at_s] = value
            if here > 1e-9:
                rows.append({"t": at_s * 1000, "u": (at_s + frame.span.step_s) * 1000, "s": name, "v": here})
    encoding = {
        "x": {**_time(frame, grid=False)},
        "x2": {"field": "u"},
        "y": {
            "field": "s",
            "type": "nominal",
            "scale": {"domain": names[::-1], "paddingInner": 0.06},
            "axis": {"title": None},
        },
        # By opacity, so that little is faint on a dark page and on a light one.
        "opacity": {
            "field": "v",
            "type": "quantitative",
            "scale": {"type": "sqrt", "range": [0.06, 1]},
            "legend": None,
        },
    }
    return _svg(rows, [{"mark": {"type": "rect", "color": look.NAMED["blue"]}, "encoding": encoding}], frame)


def _bound(value: float, panel: Mapping[str, Any]) -> str:
    unit = str((panel.get("fieldConfig") or {}).get("defaults", {}).get("unit") or "")
    return "more" if math.isinf(value) else f"≤ {numbers.text(value, unit)}"


def states(panel: Mapping[str, Any], series: Sequence[Series], frame: Frame) -> str:
    """A state timeline: for each series, what it was from when to when."""
    defaults = panel["fieldConfig"]["defaults"]
    rows = []
    for each in series:
        rows += [
            {"t": start_s * 1000, "u": end_s * 1000, "s": each.name, "c": look.shown(value, defaults)[1]}
            for start_s, end_s, value in _runs(each, frame.span.step_s)
        ]
    encoding = {
        "x": _time(frame, grid=False),
        "x2": {"field": "u"},
        "y": {
            "field": "s",
            "type": "nominal",
            "scale": {"domain": sorted({each.name for each in series}), "paddingInner": 0.2},
            "axis": {"title": None},
        },
        "color": {"field": "c", "type": "nominal", "scale": None, "legend": None},
    }
    return _svg(rows, [{"mark": {"type": "rect", "fillOpacity": 0.8}, "encoding": encoding}], frame)


def _runs(series: Series, step_s: int) -> list[tuple[float, float, float]]:
    runs: list[tuple[float, float, float]] = []
    for at_s, value in series.points:
        if not math.isfinite(value):
            continue
        if runs and runs[-1][2] == value and at_s - runs[-1][1] < step_s / 2:
            runs[-1] = (runs[-1][0], at_s + step_s, value)
        else:
            runs.append((at_s, at_s + step_s, value))
    return runs


# --- parts of a chart


def _rows(series: Sequence[Series], span: Span) -> list[dict[str, Any]]:
    """The points, with a hole wherever one is missing, so that no line goes over it."""
    rows = []
    for each in series:
        before_s = None
        for at_s, value in each.points:
            if before_s is not None and at_s - before_s > span.step_s * 1.5:
                rows.append({"t": (before_s + span.step_s) * 1000, "s": each.name, "v": None})
            before_s = at_s
            rows.append({"t": at_s * 1000, "s": each.name, "v": value if math.isfinite(value) else None})
    return rows


def _top(rows: Sequence[Mapping[str, Any]], is_stacked: bool) -> float:
    if not is_stacked:
        return max((row["v"] for row in rows if row["v"] is not None), default=0.0)
    sums: dict[float, float] = {}
    for row in rows:
        sums[row["t"]] = sums.get(row["t"], 0.0) + (row["v"] or 0.0)
    return max(sums.values(), default=0.0)


def _ticks(low: float, high: float, most: int, unit: float) -> list[float]:
    """Round numbers of units between two, about as many as asked for."""
    raw = (high - low) / most / unit
    size = 10 ** math.floor(math.log10(raw))
    step = unit * next(size * each for each in (1, 2, 2.5, 5, 10) if size * each >= raw)
    first = math.ceil(low / step)
    return [index * step for index in range(first, math.floor(high / step) + 1)]


def _labels(ticks: Sequence[float], unit: str) -> str:
    """A Vega expression that writes each tick as Grafana would."""
    near = (ticks[1] - ticks[0]) / 100 if len(ticks) > 1 else 1e-9
    chosen = [f"abs(datum.value - {tick!r}) < {near!r} ? '{numbers.text(tick, unit)}'" for tick in ticks]
    return " : ".join([*chosen, "''"])


def _time(frame: Frame, *, grid: bool) -> dict[str, Any]:
    length_s = frame.span.end_s - frame.span.start_s
    return {
        "field": "t",
        "type": "temporal",
        "scale": {"type": "utc", "domain": [frame.span.start_s * 1000, frame.span.end_s * 1000], "nice": False},
        "axis": {
            "title": None,
            "grid": grid,
            "format": "%m/%d" if length_s > 2 * _DAY_S else "%H:%M",
            "tickCount": max(frame.width // 90, 2),
            "labelOverlap": True,
        },
    }


def _rule(encoding: Mapping[str, Any], colour: str, dash: list[int]) -> dict[str, Any]:
    mark = {"type": "rule", "color": colour, "strokeDash": dash, "strokeWidth": 1.2, "opacity": 0.65}
    return {"data": {"values": [{}]}, "mark": mark, "encoding": encoding}


def _svg(rows: list[dict[str, Any]], layers: list[dict[str, Any]], frame: Frame) -> str:
    import vl_convert  # noqa: PLC0415 - a second to load, and only pictures need it

    marks = [_rule({"x": {"datum": mark.at_s * 1000, "type": "temporal"}}, mark.colour, [3, 3]) for mark in frame.marks]
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": frame.width,
        "height": frame.height,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": 2,
        "background": None,
        "data": {"values": rows},
        "layer": [*layers, *marks],
        "config": {
            "view": {"stroke": None},
            "axis": {
                "labelColor": _GREY,
                "gridColor": _GREY,
                "gridOpacity": 0.18,
                "domain": False,
                "ticks": False,
                "labelFontSize": 11,
                "labelPadding": 6,
                "labelLimit": 120,
                "labelFont": "sans-serif",
            },
        },
    }
    return str(vl_convert.vegalite_to_svg(spec))
