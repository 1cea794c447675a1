"""Vega-Lite specifications as the agent's chart tool writes them: one string, rows inline, SQL's field names."""

from __future__ import annotations

import json
from typing import Any

from mocks.stories.results import Result

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"

Channel = dict[str, Any]


def channel(field: str, kind: str, **more: Any) -> Channel:
    """One encoding channel. kind: nominal, ordinal, quantitative or temporal."""
    return {"field": field, "type": kind, **more}


def spec(title: str, mark: str | dict[str, Any], result: Result, **encoding: Channel | list[Channel]) -> str:
    """A chart of a result, as the JSON text that travels in `chart_spec`."""
    document = {
        "$schema": SCHEMA,
        "title": title,
        "mark": mark,
        "encoding": encoding,
        "data": {"values": result.records()},
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
