"""Colours, thresholds and value mappings of a panel's JSON, as Grafana means them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.preview import numbers

PALETTE = (
    *("#7EB26D", "#EAB839", "#6ED0E0", "#EF843C", "#E24D42", "#1F78C1", "#BA43A9", "#705DA0", "#508642", "#CCA300"),
    *("#447EBC", "#C15C17", "#890F02", "#0A437C", "#6D1F62", "#584477"),
)
NAMED = {
    "green": "#56A64B",
    "semi-dark-green": "#37872D",
    "dark-green": "#19730E",
    "yellow": "#E0B400",
    "orange": "#FF780A",
    "dark-orange": "#E55400",
    "red": "#E02F44",
    "dark-red": "#AD0317",
    "blue": "#3274D9",
    "dark-blue": "#1250B0",
    "purple": "#A352CC",
    "text": "#8e8e99",
    "gray": "#8e8e99",
    "transparent": "transparent",
}


def colour(name: str) -> str:
    """A colour's name or number as CSS has it."""
    return NAMED.get(name, name)


def steps(defaults: Mapping[str, Any]) -> list[tuple[float, str]]:
    """Thresholds, lowest first; the first is at minus infinity."""
    listed = (defaults.get("thresholds") or {}).get("steps") or []
    return [
        (float("-inf") if each["value"] is None else float(each["value"]), colour(each["color"])) for each in listed
    ]


def threshold_colour(value: float, defaults: Mapping[str, Any]) -> str:
    """The colour of the highest threshold that a value reaches."""
    reached = [its for limit, its in steps(defaults) if value >= limit]
    return reached[-1] if reached else colour("green")


def shown(value: float, defaults: Mapping[str, Any]) -> tuple[str, str]:
    """A value's text and colour: of its mapping where there is one, else of its unit and thresholds."""
    for each in defaults.get("mappings") or []:
        found = _mapped(value, each)
        if found is not None:
            words = str(found.get("text") or numbers.text(value, str(defaults.get("unit") or "")))
            return words, colour(found["color"]) if found.get("color") else threshold_colour(value, defaults)
    return numbers.text(value, str(defaults.get("unit") or "")), threshold_colour(value, defaults)


def _mapped(value: float, mapping: Mapping[str, Any]) -> Mapping[str, Any] | None:
    options = mapping.get("options") or {}
    if mapping.get("type") == "value":
        found: Mapping[str, Any] | None = options.get(f"{value:g}")
        return found
    if mapping.get("type") == "range":
        low, high = options.get("from"), options.get("to")
        is_within = (low is None or value >= low) and (high is None or value <= high)
        return options.get("result") if is_within else None
    return None


def for_field(panel: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The defaults of a panel with what it overrides for one field, by its name."""
    config = panel.get("fieldConfig") or {}
    found = dict(config.get("defaults") or {})
    for each in config.get("overrides") or []:
        matcher = each.get("matcher") or {}
        if matcher.get("id") == "byName" and matcher.get("options") == name:
            found.update({one["id"]: one["value"] for one in each.get("properties") or [] if "." not in one["id"]})
    return found


def series_colours(names: Sequence[str]) -> dict[str, str]:
    """A colour for each series, in their order."""
    return {name: PALETTE[index % len(PALETTE)] for index, name in enumerate(names)}
