"""What `data_to_chart` draws when a run asks for nothing else: a chart of the rows in the question.

An inline run whose only tool is the chart tool is work, not a question, and rows are never the same twice, so no
cassette could answer it. This answers by rules, not by a model, and says so with `X-Mock-Drawn`: the first text or date
runs along x, the first number is the height, a second text is the colour. Nothing but the rows goes into the chart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from contracts.cortex import Event, RunRequest
from mocks.events import played
from mocks.faults import Plan

TOOL = "data_to_chart"
SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
MAX_ROWS = 10_000
MAX_STARTS = 50
"""How many brackets of a question are tried as the beginning of its rows."""

MARKS = (("line", "line"), ("area", "area"), ("scatter", "point"), ("point", "point"), ("pie", "arc"), ("bar", "bar"))
"""Words of a question, and the marks that they ask for."""

_STEP_MS = 40.0
_USE_ID = "toolu_drawn01"

Row = dict[str, Any]


def draw(run: RunRequest) -> Plan | None:
    """The answer to a run that is to draw a chart and nothing else; None for every other run, or without rows."""
    question = run.last_user_text()
    if question is None or not _has_charts_only(run):
        return None
    rows = next(_rows(question), None)
    spec = None if rows is None else chart(rows, question)
    return None if spec is None else _plan(json.dumps(spec, ensure_ascii=False, separators=(",", ":")), spec["title"])


def chart(rows: Sequence[Row], question: str = "") -> dict[str, Any] | None:
    """A Vega-Lite specification of these rows; None when they hold no number."""
    kinds = {name: _kind([row.get(name) for row in rows]) for name in rows[0]}
    heights = [name for name, kind in kinds.items() if kind == "quantitative"]
    along = [name for name, kind in kinds.items() if kind != "quantitative"]
    if not heights:
        return None
    if not along:
        x, height = heights[0], heights[-1]
    else:
        x, height = along[0], heights[0]
    mark = _mark(question, kinds[x])
    encoding = (
        _around(x, height) if mark == "arc" else {"x": _channel(x, kinds[x]), "y": _channel(height, "quantitative")}
    )
    if len(along) > 1 and mark != "arc":
        encoding["color"] = _channel(along[1], "nominal")
    return {
        "$schema": SCHEMA,
        "title": f"{height} by {x}",
        "mark": mark,
        "encoding": encoding,
        "data": {"values": list(rows)},
    }


def _has_charts_only(run: RunRequest) -> bool:
    tools = (run.model_extra or {}).get("tools")
    if not isinstance(tools, list) or len(tools) != 1 or not isinstance(tools[0], dict):
        return False
    spec = tools[0].get("tool_spec")
    return isinstance(spec, dict) and spec.get("type") == TOOL


def _rows(question: str) -> Iterator[list[Row]]:
    """Every JSON array of objects that stands in the question."""
    decoder = json.JSONDecoder()
    for start in [found.start() for found in re.finditer(r"\[", question)][:MAX_STARTS]:
        try:
            found, _ = decoder.raw_decode(question, start)
        except (ValueError, RecursionError):
            continue
        if (
            isinstance(found, list)
            and 0 < len(found) <= MAX_ROWS
            and all(isinstance(row, dict) and row for row in found)
        ):
            yield found


def _kind(cells: Sequence[Any]) -> str:
    """What a column holds, as Vega-Lite calls it; empty cells do not count."""
    known = [cell for cell in cells if cell is not None]
    if known and all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in known):
        return "quantitative"
    return "temporal" if known and all(_is_date(cell) for cell in known) else "nominal"


def _is_date(cell: Any) -> bool:
    if not isinstance(cell, str):
        return False
    try:
        date.fromisoformat(cell[:10])
    except ValueError:
        return False
    return len(cell) == 10 or cell[10:11] in ("T", " ")


def _mark(question: str, kind: str) -> str:
    asked = next((mark for word, mark in MARKS if re.search(rf"\b{word}", question, re.IGNORECASE)), None)
    return asked or {"temporal": "line", "quantitative": "point"}.get(kind, "bar")


def _channel(field: str, kind: str) -> dict[str, str]:
    return {"field": field, "type": kind}


def _around(x: str, height: str) -> dict[str, dict[str, str]]:
    return {"theta": _channel(height, "quantitative"), "color": _channel(x, "nominal")}


def _plan(spec: str, title: str) -> Plan:
    use = {"tool_use_id": _USE_ID, "type": TOOL, "name": TOOL}
    called = {**use, "input": {}, "client_side_execute": False}
    gave = {**use, "content": [{"type": "json", "json": {"charts": [spec]}}], "status": "success"}
    shown = {"tool_use_id": _USE_ID, "chart_spec": spec}
    said = {"text": f"{title}, drawn from the rows of the question.", "annotations": [], "is_elicitation": False}
    blocks: list[dict[str, Any]] = [
        {"type": "tool_use", "tool_use": called},
        {"type": "tool_result", "tool_result": gave},
        {"type": "chart", "chart": shown},
        {"type": "text", **said},
    ]
    final = {
        "role": "assistant",
        "content": blocks,
        "metadata": {"usage": {"tokens_consumed": []}},
        "schema_version": "v2",
        "status": "completed",
    }
    events: list[tuple[Event, dict[str, Any]]] = [
        (Event.STATUS, {"status": "executing_tool", "message": f"Executing tool `{TOOL}`"}),
        (Event.TOOL_USE, {"content_index": 0, **called}),
        (Event.TOOL_RESULT, {"content_index": 1, **gave}),
        (Event.CHART, {"content_index": 2, **shown}),
        (Event.TEXT_DELTA, {"content_index": 3, "text": said["text"]}),
        (Event.TEXT, {"content_index": 3, **said}),
        (Event.RESPONSE, final),
    ]
    return played(events, _STEP_MS, x_mock_drawn="true")
