"""Charts: what is in the answer is in the picture."""

from __future__ import annotations

import math
import re

import pytest

from dashboards.preview import charts, look
from dashboards.preview.charts import Frame, Mark
from dashboards.preview.tests.made import SPAN, panel, series

_FRAME = Frame(400, 200, SPAN)


def _texts(svg: str) -> list[str]:
    return [text.replace("\u2212", "-") for text in re.findall(r"<text[^>]*>([^<]+)</text>", svg)]


def test_lines_have_an_axis_in_the_panel_s_unit() -> None:
    """Ticks are round numbers of that unit."""
    svg = charts.lines(panel("timeseries"), [series("a", 0.1, 0.4, 0.2)], _FRAME)
    assert {"0 s", "200 ms", "400 ms"} <= set(_texts(svg))


@pytest.mark.parametrize(("mode", "count"), [("line", 1), ("off", 0)])
def test_a_threshold_is_a_line_where_the_panel_says_so(mode: str, count: int) -> None:
    """In the threshold's colour."""
    made = panel("timeseries", defaults={"custom": {"thresholdsStyle": {"mode": mode}}})
    svg = charts.lines(made, [series("a", 1.0, 2.0, 2.5)], _FRAME)
    assert svg.count(f'stroke="{look.NAMED["red"]}"') == count


def test_an_annotation_is_a_line_in_its_colour() -> None:
    """One for each time."""
    frame = Frame(400, 200, SPAN, (Mark(SPAN.start_s + 600, "#123456"), Mark(SPAN.start_s + 900, "#123456")))
    svg = charts.lines(panel("timeseries"), [series("a", 1.0, 2.0)], frame)
    assert svg.count('stroke="#123456"') == 2


def test_stacked_series_stand_on_each_other() -> None:
    """The axis reaches their sum."""
    made = panel("timeseries", defaults={"unit": "none", "custom": {"stacking": {"mode": "normal"}}})
    svg = charts.lines(made, [series("a", 60.0, 60.0), series("b", 60.0, 60.0)], _FRAME)
    assert "100" in _texts(svg)


def test_what_is_no_number_is_left_out() -> None:
    """A hole is no zero."""
    svg = charts.lines(panel("timeseries"), [series("a", 1.0, math.nan, math.inf, 2.0)], _FRAME)
    assert "NaN" not in svg
    assert "2 s" in _texts(svg)


def test_a_heatmap_has_a_band_for_each_bucket() -> None:
    """With what is in it and not in the one below: the empty one has no cell."""
    buckets = [series("", 5.0, le="0.1"), series("", 5.0, le="0.5"), series("", 7.0, le="+Inf")]
    svg = charts.heatmap(panel("heatmap"), buckets, _FRAME)
    assert {"≤ 100 ms", "≤ 500 ms", "more"} <= set(_texts(svg))
    assert svg.count("<path aria-label") == 2


def test_a_state_lasts_until_the_next() -> None:
    """Equal values in a row are one bar, in the colour of the mapping."""
    mapping = [{"type": "value", "options": {"2": {"text": "open", "color": "red"}}}]
    made = panel("state-timeline", defaults={"mappings": mapping})
    svg = charts.states(made, [series("agent", 0, 0, 2, 2, 0)], _FRAME)
    assert svg.count(f'fill="{look.NAMED["red"]}"') == 1
    assert "agent" in _texts(svg)
