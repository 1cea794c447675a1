"""A small dashboard and answers to it, made by hand: what the tests of the preview share."""

from __future__ import annotations

from typing import Any

from dashboards.preview.ask import Series, Span

SPAN = Span("http://127.0.0.1:1", 1_795_000_000 - 1_795_000_000 % 60, 1_795_000_000 - 1_795_000_000 % 60 + 3600, 60)

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
LINES = [{"color": "green", "value": None}, {"color": "red", "value": 3.0}]


def panel(kind: str, title: str = "A panel", **more: Any) -> dict[str, Any]:
    """A panel of this kind with one query."""
    defaults = {"unit": "s", "noValue": "no traffic", "thresholds": {"steps": LINES}, **more.pop("defaults", {})}
    return {
        "id": 1,
        "type": kind,
        "title": title,
        "description": "What <it> shows.",
        "datasource": SOURCE,
        "gridPos": {"h": 8, "w": 8, "x": 0, "y": 0},
        "fieldConfig": {"defaults": defaults, "overrides": more.pop("overrides", [])},
        "targets": [{"refId": "A", "expr": "up", "legendFormat": "{{job}}"}],
        "options": more.pop("options", {}),
        **more,
    }


def series(name: str, *values: float, **labels: str) -> Series:
    """A series with these values, a minute between them."""
    points = tuple((float(SPAN.start_s + index * 60), value) for index, value in enumerate(values))
    return Series(name, labels, points)
