"""Colours and texts of values, as a panel's JSON says."""

from __future__ import annotations

import pytest

from dashboards.preview import look
from dashboards.preview.tests.made import LINES, panel

_MAPPED = {
    "unit": "none",
    "thresholds": {"steps": LINES},
    "mappings": [
        {"type": "value", "options": {"2": {"text": "open", "color": "red"}, "0": {"text": "closed"}}},
        {"type": "range", "options": {"from": 10, "to": None, "result": {"text": "many", "color": "blue"}}},
    ],
}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param(2, ("open", look.NAMED["red"]), id="a value's text and colour"),
        pytest.param(0, ("closed", look.NAMED["green"]), id="without a colour, the threshold's"),
        pytest.param(12, ("many", look.NAMED["blue"]), id="a range without an end"),
        pytest.param(5, ("5", look.NAMED["red"]), id="unmapped"),
    ],
)
def test_a_value_is_shown_by_its_mapping(value: float, shown: tuple[str, str]) -> None:
    """Else in its unit, coloured by the threshold that it reaches."""
    assert look.shown(value, _MAPPED) == shown


def test_an_override_is_for_its_field_alone() -> None:
    """The others keep the defaults."""
    overrides = [{"matcher": {"id": "byName", "options": "left"}, "properties": [{"id": "unit", "value": "bytes"}]}]
    made = panel("stat", overrides=overrides)
    assert [look.for_field(made, name)["unit"] for name in ("left", "right")] == ["bytes", "s"]


def test_a_strange_colour_stays_as_it_is() -> None:
    """CSS may know it."""
    assert look.colour("#abcdef") == "#abcdef"
