"""Panels in the house style, and the JSON that they become."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.telemetry import BUILD_INFO, MOCK_REQUESTS, Metric
from dashboards.panels import (
    BAD,
    COLUMNS,
    GOOD,
    Board,
    Json,
    Kind,
    Line,
    Panel,
    PanelError,
    Row,
    Source,
    Target,
    address,
    classic,
    slug,
)
from dashboards.rule import panel_id

UP = (Target('up{job=~"$job",instance=~"$instance"}', "{{job}}"),)


def panel(title: str = "A title", kind: Kind = Kind.TIMESERIES, **more: Any) -> Panel:
    """A panel that lacks nothing."""
    return Panel(title, kind, "short", "What it shows.", more.pop("targets", UP), **more)


def board(*panels: Panel, **more: Any) -> Board:
    """A dashboard of one row."""
    return Board("tried", "Tried", "Does it work?", (Row("Row", panels),), **more)


def shown(*panels: Panel, **more: Any) -> list[Json]:
    """The panels' JSON, without the question's and the row's."""
    return _asking(classic(board(*panels, **more)))


def _asking(document: Json) -> list[Json]:
    return [each for each in document["panels"] if each["type"] not in ("row", "text")]


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Time to first token", "time-to-first-token"),
        ("p95, by route (all)", "p95-by-route-all"),
        ("  Requests/s  ", "requests-s"),
        ("Größe", "gr-e"),
    ],
)
def test_addresses_are_made_of_titles(title: str, expected: str) -> None:
    """Everything but letters and digits becomes one dash."""
    assert slug(title) == expected
    assert address("overview", title) == f"overview/{expected}"


def test_an_id_comes_from_the_address() -> None:
    """A link to a panel outlives its move; known addresses have known ids, which runbooks name."""
    assert panel_id("streaming/stalls") == panel_id("streaming/stalls") != panel_id("limits/stalls")
    assert shown(panel("Stalls"))[0]["id"] == panel_id("tried/stalls")
    assert panel_id("harness/mock-requests") == 75881


@pytest.mark.parametrize("missing", ["title", "unit", "description"])
def test_a_panel_says_what_it_shows(missing: str) -> None:
    """Without title, unit or description there is no panel."""
    said: dict[str, Any] = {
        "title": "T",
        "kind": Kind.STAT,
        "unit": "s",
        "description": "D.",
        "targets": UP,
        missing: "",
    }
    with pytest.raises(PanelError, match=f"has no {missing}"):
        Panel(**said)


def test_a_panel_asks_something() -> None:
    """A panel without a query shows nothing, for ever."""
    with pytest.raises(PanelError, match="asks nothing"):
        panel(targets=())


def test_titles_are_distinct() -> None:
    """Two panels of one address are an error that names it."""
    with pytest.raises(PanelError, match=r"'tried' has \['tried/a-title'\] twice"):
        classic(board(panel(), panel("A  Title!")))


def test_panels_lie_side_by_side_and_never_on_each_other() -> None:
    """Each line is as high as its highest panel; what does not fit beside begins a new one."""
    placed = [each["gridPos"] for each in shown(*(panel(str(n), width=w, height=h) for n, (w, h) in enumerate(SIZES)))]

    cells = [
        (x, y) for at in placed for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < COLUMNS
    above = placed[0]["y"]
    assert [(at["x"], at["y"] - above) for at in placed] == [(0, 0), (8, 0), (16, 0), (0, 10), (12, 10)]


SIZES = ((8, 4), (8, 10), (8, 8), (12, 8), (12, 8))


def test_every_dashboard_can_be_told_where_to_look() -> None:
    """Data source, job and instance are variables; everything asks through them, annotations too."""
    document = classic(board(panel()))

    variables = {each["name"]: each for each in document["templating"]["list"]}
    assert list(variables) == ["datasource", "job", "instance"]
    assert variables["datasource"]["query"] == "prometheus"
    assert variables["instance"]["query"]["query"] == 'label_values(cortex_proxy_build_info{job=~"$job"}, instance)'
    assert all(variables[name]["allValue"] == ".+" and variables[name]["refresh"] == 2 for name in ("job", "instance"))
    shows = _asking(document)
    asked = [*document["annotations"]["list"], *shows, *shows[0]["targets"]]
    assert {each["datasource"]["uid"] for each in asked} == {"${datasource}"}


def test_several_sources_are_chosen_apart() -> None:
    """With more than one kind of source each variable says its type, and each panel asks its own."""
    lines = panel("Lines", Kind.LOGS, targets=(Target('{a="b"}', source=Source.LOKI),))
    traces = panel("Traces", Kind.TRACES, targets=(Target("{}", source=Source.TEMPO),))
    document = classic(board(panel(), lines, traces, sources=tuple(Source)))

    assert [each["datasource"]["uid"] for each in _asking(document)] == [
        "${prometheus_datasource}",
        "${loki_datasource}",
        "${tempo_datasource}",
    ]
    assert {"prometheus_datasource", "loki_datasource", "tempo_datasource"} <= {
        each["name"] for each in document["templating"]["list"]
    }


def test_dashboards_are_read_only_and_in_utc() -> None:
    """What is edited in the browser is lost at the next import, so it cannot be."""
    document = classic(board(panel()))
    assert (document["editable"], document["timezone"], document["uid"]) == (False, "utc", "cortex-tried")
    assert document["links"][0] | {"asDropdown": True, "includeVars": True, "keepTime": True} == document["links"][0]


def test_thresholds_are_drawn_and_absence_has_words() -> None:
    """A time series draws its thresholds as lines; no data is told in words."""
    shows = shown(panel(lines=(Line(0.5), Line(0.9, GOOD)), base=BAD, no_value="nobody asks"))[0]["fieldConfig"][
        "defaults"
    ]
    assert [(each["value"], each["color"]) for each in shows["thresholds"]["steps"]] == [
        (None, BAD),
        (0.5, BAD),
        (0.9, GOOD),
    ]
    assert shows["custom"]["thresholdsStyle"]["mode"] == "line"
    assert shows["noValue"] == "nobody asks"


def test_a_legend_may_have_thresholds_of_its_own() -> None:
    """What counts down is not judged like what counts up beside it."""
    shows = shown(panel(own_lines={"left": (BAD, (Line(7, GOOD),))}))[0]["fieldConfig"]["overrides"][0]
    assert shows["matcher"] == {"id": "byName", "options": "left"}
    assert [step["value"] for step in shows["properties"][0]["value"]["steps"]] == [None, 7]


@pytest.mark.parametrize(
    ("kind", "format_", "is_instant"),
    [
        (Kind.TIMESERIES, "time_series", False),
        (Kind.STAT, "time_series", True),
        (Kind.TABLE, "table", True),
        (Kind.BARGAUGE, "time_series", True),
        (Kind.HEATMAP, "heatmap", False),
        (Kind.STATE_TIMELINE, "time_series", False),
    ],
)
def test_each_kind_asks_in_its_form(kind: Kind, format_: str, is_instant: bool) -> None:
    """A number, a table and bars show the end of the range, the others its course."""
    shows = shown(panel(kind=kind))[0]
    target = shows["targets"][0]
    assert (shows["type"], target["format"], bool(target.get("instant"))) == (kind.value, format_, is_instant)
    if kind in (Kind.TIMESERIES, Kind.STATE_TIMELINE):  # the SDK hides them unless told otherwise
        assert shows["options"]["legend"]["showLegend"]


def test_a_dashboard_opens_with_its_question() -> None:
    """Its reader sees on top what it answers, over the whole width."""
    first = classic(board(panel()))["panels"][0]
    assert (first["type"], first["options"]["content"], first["gridPos"]["w"]) == ("text", "Does it work?", COLUMNS)


@pytest.mark.parametrize(
    ("found_by", "told"),
    [(BUILD_INFO, ["Starts", "Breaker open", "Alerts"]), (MOCK_REQUESTS, ["Alerts"])],
    ids=["proxy", "mock"],
)
def test_a_dashboard_tells_what_else_happened(found_by: Metric, told: list[str]) -> None:
    """Alerts are told everywhere; processes that start and breakers that open only of the proxy."""
    annotations = classic(board(panel(), found_by=found_by))["annotations"]["list"]
    assert [each["name"] for each in annotations] == told
    assert all('job=~"$job"' in each["expr"] and each["enable"] for each in annotations)


def test_a_share_is_not_rounded_over_its_threshold() -> None:
    """99.46 % is not 99.5 %; where nobody says how many decimals, Grafana chooses."""
    asked, left = shown(panel("Asked", decimals=2), panel("Left"))
    assert asked["fieldConfig"]["defaults"]["decimals"] == 2
    assert "decimals" not in left["fieldConfig"]["defaults"]


def test_a_cell_has_the_colour_of_its_own_thresholds() -> None:
    """A table paints only cells that are told to."""
    shows = shown(panel(kind=Kind.TABLE, own_lines={"up": (BAD, (Line(1, GOOD),))}))[0]["fieldConfig"]["overrides"][0]
    assert [each["id"] for each in shows["properties"]] == ["thresholds", "custom.cellOptions"]
    assert shows["properties"][1]["value"]["type"] == "color-background"


def test_a_panel_leads_to_the_details() -> None:
    """A drill-down keeps time, data source and choice."""
    link = shown(panel(leads_to="limits"))[0]["links"][0]
    assert link["url"].startswith("/d/cortex-limits?")
    assert all(part in link["url"] for part in ("${__url_time_range}", "${datasource:queryparam}", "${job:queryparam}"))
