"""The page of a dashboard: honest about what it is, and about what is not there."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from dashboards.preview import page
from dashboards.preview.ask import Series
from dashboards.preview.page import Answer, Noted
from dashboards.preview.tests.made import SPAN, panel, series


def _drawn(made: dict[str, Any], *found: Series, **more: tuple[Series, ...]) -> str:
    answers = {1: Answer((("A", found), *more.items()))}
    document = {"title": "Board <1>", "description": "Is it well?", "panels": [made]}
    return page.page(document, answers, [Noted("Starts", "#3274D9", (float(SPAN.start_s),))], SPAN)


def test_every_page_says_that_it_is_no_grafana() -> None:
    """And whose data it shows, and the board's question."""
    drawn = _drawn(panel("stat"), series("a", 1.0))
    assert page.BANNER in drawn
    assert "made up" in drawn
    assert "Is it well?" in drawn
    assert "Starts" in drawn


def test_names_are_text_and_not_markup() -> None:
    """A title or a label cannot break the page."""
    drawn = _drawn(panel("stat", title="<b>x"), series("<script>", 1.0), series("b", 1.0))
    assert "<script>" not in drawn
    assert "<b>x" not in drawn
    assert "Board &lt;1&gt;" in drawn


@pytest.mark.parametrize("kind", ["timeseries", "stat", "table", "heatmap", "state-timeline", "bargauge"])
@pytest.mark.parametrize("found", [(), (series("a", math.nan),)], ids=["no series", "no number"])
def test_a_panel_without_data_says_what_it_would_in_grafana(kind: str, found: tuple[Series, ...]) -> None:
    """Its own words, and no chart."""
    drawn = _drawn(panel(kind), *found)
    assert "no traffic" in drawn
    assert "<svg" not in drawn


def test_a_panel_of_another_source_says_so() -> None:
    """The preview does not pretend to know."""
    made = panel("logs", datasource={"type": "loki", "uid": "${loki_datasource}"})
    drawn = page.page({"title": "b", "panels": [made]}, {}, [], SPAN)
    assert "Asks Loki; the preview asks Prometheus alone" in drawn


def test_a_chart_is_drawn_for_wide_and_narrow_pages() -> None:
    """Each has its own width; a legend names the series."""
    drawn = _drawn(panel("timeseries"), series("p95", 1.0, 2.0))
    widths = [int(each) for each in re.findall(r'<svg[^>]* width="(\d+)"', drawn)]
    assert len(widths) == 2
    assert widths[1] < page.NARROW_PX
    assert drawn.count("</i>p95</li>") == 2


def test_a_stat_shows_its_last_value_by_its_mapping() -> None:
    """In the colour of the mapping."""
    mapping = [{"type": "value", "options": {"2": {"text": "REHEARSAL", "color": "orange"}}}]
    drawn = _drawn(panel("stat", defaults={"mappings": mapping}), series("mode", 1.0, 2.0, math.nan))
    assert "<strong>REHEARSAL</strong>" in drawn


def test_a_bar_is_as_long_as_its_share_of_the_scale() -> None:
    """Of minus one to one, a half is at three quarters."""
    drawn = _drawn(panel("bargauge", defaults={"min": -1, "max": 1, "unit": "percentunit"}), series("slo", 0.5))
    assert "width:75.0%" in drawn
    assert "50%" in drawn


def test_a_table_is_merged_renamed_and_sorted() -> None:
    """Queries meet in the rows with the same labels."""
    options = {
        "excludeByName": {"Time": True},
        "indexByName": {"job": 0, "Value #A": 1, "Value #B": 2},
        "renameByName": {"Value #A": "up", "Value #B": "samples"},
    }
    made = panel(
        "table",
        transformations=[{"id": "merge", "options": {}}, {"id": "organize", "options": options}],
        options={"sortBy": [{"desc": True, "displayName": "samples"}]},
    )
    first = (series("", 1.0, job="a"), series("", 0.0, job="b"))
    second = (series("", 10.0, job="a"), series("", 20.0, job="b"))
    columns, rows = page.table(made, Answer((("A", first), ("B", second))))
    assert columns == ["job", "up", "samples"]
    assert rows == [{"job": "b", "up": 0.0, "samples": 20.0}, {"job": "a", "up": 1.0, "samples": 10.0}]


def test_panels_of_a_collapsed_row_are_drawn_too() -> None:
    """After their row."""
    row = {"type": "row", "title": "More", "panels": [panel("stat", title="Within")]}
    drawn = page.page({"title": "b", "panels": [row]}, {1: Answer((("A", (series("a", 1.0),)),))}, [], SPAN)
    assert drawn.index("More") < drawn.index("Within")
