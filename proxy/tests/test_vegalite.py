"""Which Vega-Lite specifications may be shown: usual charts pass, whatever fetches, computes or floods does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.tools.vegalite import MAX_CELLS, MAX_ROWS, MAX_SPEC_BYTES, MAX_VIEWS, ChartRefused, check, parse

CASSETTES = Path(__file__).parents[2] / "mocks" / "cassettes" / "agents"
SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
ROWS = [{"v": 1, "c": "a", "d": "2025-01-01", "w": 2.5}, {"v": 3, "c": "b", "d": "2025-02-01", "w": None}]
X, Y = {"field": "c", "type": "nominal"}, {"field": "v", "type": "quantitative"}
BAR = {"$schema": SCHEMA, "mark": "bar", "encoding": {"x": X, "y": Y}, "data": {"values": ROWS}}


def changed(pointer: str, value: Any) -> dict[str, Any]:
    """The bar chart with one value put in, at a place that may be new."""
    spec: dict[str, Any] = json.loads(json.dumps(BAR))
    *parents, last = pointer.strip("/").split("/")
    place = spec
    for parent in parents:
        place = place.setdefault(parent, {})
    place[last] = value
    return spec


def recorded() -> Iterator[str]:
    """Every chart of the mock's cassettes."""
    for path in sorted(CASSETTES.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").split("\n")[:-1]:  # U+2028 is no line end here
            yield from _specs(json.loads(line))


def _specs(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _specs(each)
    if not isinstance(value, dict):
        return
    for name, each in value.items():
        if name == "chart_spec":
            yield each
        elif name == "charts":
            yield from each
        elif name == "frame":
            lines = [line.removeprefix("data: ") for line in each.split("\n") if line.startswith("data: {")]
            yield from _specs([json.loads(line) for line in lines])
        else:
            yield from _specs(each)


# --- what passes -----------------------------------------------------------------------------------------------------


def test_recorded_charts_pass() -> None:
    """Every chart in the cassettes passes, unchanged."""
    specs = list(recorded())
    assert len(specs) >= 20
    assert all(parse(spec) == json.loads(spec) for spec in specs)


# Each of these is valid Vega-Lite 5: vl-convert draws it.
USUAL: dict[str, dict[str, Any]] = {
    "bar": {"mark": "bar", "encoding": {"x": X, "y": Y | {"aggregate": "sum"}}},
    "stacked and sorted": {
        "mark": {"type": "bar", "cornerRadiusTopLeft": 3, "color": "#4682b4", "tooltip": True},
        "encoding": {
            "x": {"field": "c", "sort": "-y", "axis": {"labelAngle": -45, "title": None}},
            "y": Y | {"stack": "normalize", "axis": {"format": ".0%"}},
            "color": {"field": "c", "scale": {"scheme": "tableau10"}, "legend": {"orient": "bottom"}},
            "order": {"field": "v", "sort": "descending"},
        },
    },
    "line": {
        "mark": {"type": "line", "point": {"filled": True, "size": 60}, "interpolate": "monotone"},
        "encoding": {
            "x": {"field": "d", "type": "temporal", "timeUnit": "yearmonth", "axis": {"format": "%b %Y"}},
            "y": Y | {"scale": {"zero": False, "nice": True, "domain": [0, 10]}},
            "tooltip": [{"field": "d", "type": "temporal", "title": "Day"}, Y | {"format": ",.2f"}],
        },
    },
    "pie": {
        "mark": {"type": "arc", "innerRadius": 50},
        "encoding": {"theta": Y, "color": X | {"scale": {"domain": ["a", "b"], "range": ["#123", "rgb(1, 2, 3)"]}}},
    },
    "layers": {
        "layer": [
            {"mark": "bar", "encoding": {"y": Y}},
            {"mark": {"type": "text", "dy": -8}, "encoding": {"y": Y, "text": Y | {"format": ".1f"}}},
            {"mark": {"type": "rule", "color": "red"}, "encoding": {"y": {"datum": 2}}},
        ],
        "encoding": {"x": X},
        "resolve": {"scale": {"y": "independent"}},
    },
    "side by side": {"hconcat": [{"mark": "point", "encoding": {"x": Y, "y": Y}}, {"mark": "tick"}], "spacing": 10},
    "facets": {"facet": X, "columns": 2, "spec": {"mark": "area", "encoding": {"x": X, "y": Y}}},
    "heat map": {
        "mark": "rect",
        "encoding": {
            "x": {"field": "d", "type": "ordinal", "timeUnit": {"unit": "month", "utc": True}},
            "color": Y | {"aggregate": "mean", "scale": {"scheme": "blues"}},
        },
        "config": {"axis": {"grid": True, "tickBand": "extent"}, "view": {"stroke": "transparent"}},
    },
    "histogram": {"mark": "bar", "encoding": {"x": Y | {"bin": {"maxbins": 20}}, "y": {"aggregate": "count"}}},
    "box": {
        "mark": {"type": "boxplot", "extent": "min-max", "median": {"color": "white"}},
        "encoding": {"x": X, "y": Y},
    },
    "conditions": {
        "params": [{"name": "pick", "select": {"type": "point", "fields": ["c"]}, "bind": "legend"}],
        "mark": "bar",
        "encoding": {
            "x": X,
            "y": Y,
            "color": {"condition": {"test": {"field": "v", "gt": 2}, "value": "crimson"}, "value": "grey"},
            "opacity": {"condition": {"param": "pick", "value": 1}, "value": 0.2},
        },
    },
    "transforms": {
        "transform": [
            {"filter": {"and": [{"field": "v", "gte": 1}, {"not": {"field": "c", "oneOf": ["z"]}}]}},
            {"fold": ["v", "w"], "as": ["k", "x"]},
            {"aggregate": [{"op": "sum", "field": "x", "as": "total"}], "groupby": ["k", "c"]},
            {"window": [{"op": "rank", "as": "place"}], "sort": [{"field": "total", "order": "descending"}]},
            {"stack": "total", "groupby": ["k"], "as": ["t0", "t1"], "offset": "zero"},
        ],
        "mark": "bar",
        "encoding": {"x": {"field": "k"}, "y": {"field": "total", "type": "quantitative"}},
    },
    "trend": {
        "transform": [{"regression": "w", "on": "v", "method": "linear"}],
        "mark": {"type": "line", "color": "firebrick"},
        "encoding": {"x": Y, "y": {"field": "w", "type": "quantitative"}},
    },
    "sized": {
        "width": "container",
        "height": {"step": 20},
        "padding": {"left": 5},
        "autosize": {"type": "fit", "contains": "padding"},
        "background": "white",
        "title": {"text": ["Net", "sales"], "subtitle": "k€ (<50%)", "anchor": "start", "fontSize": 14},
        "mark": "bar",
        "encoding": {"y": X, "x": Y},
    },
}


@pytest.mark.parametrize("name", USUAL)
def test_usual_charts_pass(name: str) -> None:
    """What a model usually draws is accepted."""
    check({"$schema": SCHEMA, "data": {"values": ROWS}} | USUAL[name])


@pytest.mark.parametrize("field", ["NET_SALES", "SUM(NET_AMOUNT)", "Umsatz in €", "a\\.b", "x[0]", "Größe (m²)"])
def test_names_of_columns(field: str) -> None:
    """A column may be called what people call columns."""
    check(changed("/encoding/x/field", field))


def test_rows_may_hold_any_text() -> None:
    """Inside the rows an address or an expression is only text."""
    row = {"url": "https://example.com", "expr": "alert(1)", "href": "javascript:1", "signal": None, "test": True}
    check(changed("/data/values", [row]))


# --- what does not ---------------------------------------------------------------------------------------------------

HOSTILE: dict[str, tuple[str, Any]] = {
    # it would fetch
    "data from an address": ("/data", {"url": "https://evil.example/rows.json"}),
    "address beside rows": ("/data/url", "https://evil.example/rows.json"),
    "generated rows": ("/data", {"sequence": {"start": 0, "stop": 1e9}}),
    "a sphere": ("/data", {"sphere": True}),
    "named data": ("/data", {"name": "theirs"}),
    "named data sets": ("/datasets", {"theirs": [{"v": 1}]}),
    "rows as text": ("/data/values", '[{"v":1}]'),
    "rows in a format of their own": ("/data/format", {"type": "topojson", "feature": "x"}),
    "image mark": ("/mark", {"type": "image", "url": "https://evil.example/x.png"}),
    "image mark by name": ("/mark", "image"),
    "url of a mark": ("/mark", {"type": "bar", "url": "https://evil.example"}),
    "link of a mark": ("/mark", {"type": "bar", "href": "javascript:alert(1)"}),
    "link channel": ("/encoding/href", {"field": "c"}),
    "address channel": ("/encoding/url", {"value": "https://evil.example/x.png"}),
    "map": ("/mark", "geoshape"),
    "projection": ("/projection", {"type": "mercator"}),
    "lookup": ("/transform", [{"lookup": "c", "from": {"data": {"url": "https://evil.example"}, "key": "c"}}]),
    "colour that is an address": ("/mark", {"type": "bar", "fill": "url(https://evil.example/x.svg#a)"}),
    "background that is an address": ("/background", "url(https://evil.example/x.svg#a)"),
    "range with an address": ("/encoding/x/scale", {"range": ["url(//evil.example)"]}),
    "gradient": ("/mark", {"type": "bar", "color": {"gradient": "linear", "stops": []}}),
    "font with a rule": ("/config", {"font": "x;background:url(//evil.example)"}),
    "tooltip that fetches": ("/data/values", [{"image": "https://evil.example/x.png"}]),
    "tooltip named so": ("/encoding/tooltip", [{"field": "c", "title": "image"}]),
    "tooltip named so in lines": ("/encoding/tooltip", [{"field": "c", "title": ["image"]}]),
    "tooltip of an axis named so": ("/encoding/x/axis", {"title": "image"}),
    "field named so": ("/transform", [{"fold": ["c"], "as": ["image", "x"]}]),
    # it would compute
    "calculate": ("/transform", [{"calculate": "datum.v * 2", "as": "x"}]),
    "filter expression": ("/transform", [{"filter": "datum.v > 1"}]),
    "nested filter expression": ("/transform", [{"filter": {"or": [{"field": "v", "gt": 1}, "datum.v"]}}]),
    "computed bound": ("/transform", [{"filter": {"field": "v", "gt": {"expr": "1"}}}]),
    "test expression": ("/encoding/color", {"condition": {"test": "datum.v > 1", "value": "red"}, "value": "grey"}),
    "computed value": ("/encoding/color", {"value": {"expr": "'red'"}}),
    "signal": ("/encoding/color", {"value": {"signal": "'red'"}}),
    "computed datum": ("/encoding/x", {"datum": {"expr": "1"}}),
    "computed mark": ("/mark", {"type": "bar", "opacity": {"expr": "1"}}),
    "computed title": ("/title", {"text": {"expr": "'x'"}}),
    "computed width": ("/width", {"expr": "9"}),
    "computed domain": ("/encoding/x/scale", {"domain": {"expr": "[0]"}}),
    "computed labels": ("/encoding/x/axis", {"labelExpr": "alert(1)"}),
    "axis encoders": ("/encoding/x/axis", {"encode": {"labels": {"update": {"href": {"value": "x"}}}}}),
    "conditional axis": ("/encoding/x/axis", {"gridColor": {"condition": {"test": "1"}, "value": "red"}}),
    "variable": ("/params", [{"name": "x", "value": 1}]),
    "computed variable": ("/params", [{"name": "x", "expr": "1"}]),
    "input of the page": ("/params", [{"name": "x", "select": "point", "bind": {"input": "text", "element": "#a"}}]),
    "events with conditions": ("/params", [{"name": "x", "select": {"type": "point", "on": "click[event.alt]"}}]),
    "toggle": ("/params", [{"name": "x", "select": {"type": "point", "toggle": "event.shiftKey"}}]),
    "variable with a strange name": ("/params", [{"name": "x'];alert(1)//", "select": "point"}]),
    "column that ends a string": ("/encoding/x/field", "c'] + alert(1) + ['"),
    "column with an escape": ("/encoding/x/field", "c\\x27"),
    "column with a line end": ("/encoding/x/field", "c\n"),
    "format that ends a string": ("/encoding/x/format", '"+alert(1)+"'),
    "format of an axis that does": ("/encoding/x/axis", {"format": "'+alert(1)+'"}),
    "title that ends a string": ("/encoding/x/title", '\\"+alert(1)+"'),
    "title in lines that does": ("/encoding/x/axis", {"title": ["a", '\\"+alert(1)+"']}),
    "title with a line end": ("/encoding/x/title", "a\nb"),
    "date that is code": ("/transform", [{"filter": {"field": "d", "gt": {"year": "alert(1)"}}}]),
    "bound that is code": ("/encoding/y/scale", {"domainMin": {"year": "signal"}}),
    "extent that is code": ("/mark", {"type": "boxplot", "extent": "signal"}),
    "name that is code": ("/name", "a'];alert(1)//"),
    "repeated column": ("/encoding/x/field", {"repeat": "column"}),
    "custom format": ("/encoding/x/formatType", "theirs"),
    "custom formats": ("/config", {"customFormatTypes": True}),
    "signals of the configuration": ("/config", {"signals": [{"name": "x", "init": "1"}]}),
    # it would reach into the page
    "options of the page": ("/usermeta", {"embedOptions": {"loader": {"baseURL": "https://evil.example"}}}),
    "prototype": ("/data/values", [{"__proto__": {"x": 1}}]),
    "another language": ("/$schema", "https://vega.github.io/schema/vega/v5.json"),
    "a schema elsewhere": ("/$schema", "https://evil.example/schema/vega-lite/v5.json"),
    "markup in a format": ("/encoding/x/format", "<img src=x>"),
    # it would flood
    "wide": ("/width", 1e9),
    "wide steps": ("/width", {"step": 1e9}),
    "ticks": ("/encoding/x/axis", {"tickCount": 1e9}),
    "ticks by the second": ("/encoding/x/axis", {"tickCount": "second"}),
    "ticks by the minute": ("/encoding/x/axis", {"tickCount": {"interval": "minute", "step": 1}}),
    "bins": ("/encoding/x/bin", {"maxbins": 1e9}),
    "far away": ("/mark", {"type": "bar", "xOffset": 1e9}),
    "tiny bins": ("/encoding/x/bin", {"step": 1e-9}),
    "imputed rows": ("/encoding/x/impute", {"keyvals": {"start": 0, "stop": 1e9}}),
    "rows": ("/data/values", [{"v": 1}] * (MAX_ROWS + 1)),
    "cells": ("/data/values", [dict.fromkeys(map(str, range(1000)), 1)] * (MAX_CELLS // 1000 + 1)),
    "views": ("/hconcat", [{"mark": "bar"}] * (MAX_VIEWS + 1)),
    "endless number": ("/width", float("inf")),
    "endless cell": ("/data/values", [{"v": float("inf")}]),
    "huge number": ("/width", 10**400),
    "long title": ("/title", "x" * 2000),
    # it is no chart
    "cells with depth": ("/data/values", [{"v": {"w": 1}}]),
    "cells with lists": ("/data/values", [{"v": [1]}]),
    "rows that are no objects": ("/data/values", [1, 2]),
    "unknown key": ("/encoding/x/theirs", 1),
    "mark of the wrong kind": ("/mark", 1),
    "flag as a size": ("/width", True),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_charts_are_refused(name: str) -> None:
    """The refusal points to the fault or its surroundings, and quotes nothing of what was found."""
    pointer, value = HOSTILE[name]
    with pytest.raises(ChartRefused, match=r"^(At|What) /|^At its root") as refused:
        check(changed(pointer, value))
    assert "/" + pointer.split("/")[1] in str(refused.value)
    assert not any(word in str(refused.value) for word in ("evil", "alert", "javascript", "<img"))


def places(value: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Every object and list of a specification with its pointer, but for what stands in the rows."""
    if isinstance(value, dict | list):
        yield pointer, value
        for key, each in list(value.items() if isinstance(value, dict) else enumerate(value)):
            if pointer != "/data":
                yield from places(each, f"{pointer}/{key}")


@pytest.mark.parametrize(
    "key", ["url", "href", "expr", "signal", "calculate", "usermeta", "toggle", "labelExpr", "encode"]
)
def test_no_place_takes_a_hostile_key(key: str) -> None:
    """Wherever it stands outside the rows, the key is refused with its pointer."""
    for usual in USUAL.values():
        spec = json.loads(json.dumps({"data": {"values": ROWS}} | usual))
        for pointer, place in list(places(spec)):
            if not isinstance(place, dict):
                continue
            place[key] = "x"
            with pytest.raises(ChartRefused, match=f"^What {pointer}/{key} asks for is not accepted"):
                check(spec)
            del place[key]


@pytest.mark.parametrize("computed", [{"expr": "1"}, {"signal": "1"}, {"url": "https://evil.example"}])
def test_no_value_can_be_computed(computed: dict[str, str]) -> None:
    """Whatever value stands outside the rows, no object that computes or fetches may stand in its place."""
    for usual in USUAL.values():
        spec = json.loads(json.dumps({"data": {"values": ROWS}} | usual))
        for pointer, place in list(places(spec)):
            for key in list(place) if isinstance(place, dict) else range(len(place)):
                before, place[key] = place[key], computed
                with pytest.raises(ChartRefused, match=f" {pointer}/{key}"):
                    check(spec)
                place[key] = before


def test_every_level_is_checked() -> None:
    """The pointer names the exact place, in whatever view it is."""
    layer = {"mark": "bar", "encoding": {"x": {"field": "c", "axis": {"labelExpr": "1"}}}}
    with pytest.raises(ChartRefused, match=r"/hconcat/1/layer/0/encoding/x/axis/labelExpr asks"):
        check({"data": {"values": ROWS}, "hconcat": [{"mark": "bar"}, {"layer": [layer]}]})


def test_rows_count_over_all_views() -> None:
    """Rows are bounded for the whole specification, not for each view."""
    view = {"mark": "bar", "data": {"values": [{"v": 1}] * (MAX_ROWS // 2)}}
    check({"hconcat": [view, view]})
    with pytest.raises(ChartRefused, match=f"{MAX_ROWS} rows"):
        check({"hconcat": [view, view, view]})


def test_depth_is_bounded() -> None:
    """Neither nested views nor nested conditions go on for ever."""
    predicate: Any = {"field": "v", "gt": 1}
    for _ in range(100):
        predicate = {"not": predicate}
    with pytest.raises(ChartRefused, match="deeper"):
        check(changed("/transform", [{"filter": predicate}]))


@pytest.mark.parametrize(
    "spec", [None, [], "x", {}, {"mark": "bar", "data": {"values": []}}, {"data": {"values": ROWS}}, {"mark": "bar"}]
)
def test_what_is_no_specification(spec: Any) -> None:
    """Something to draw, and rows to draw, are needed."""
    with pytest.raises(ChartRefused):
        check(spec)


def test_a_key_that_is_no_word_is_not_quoted() -> None:
    """What the model writes as a key does not reach the client through our own words."""
    with pytest.raises(ChartRefused, match=r"^What /encoding/\.\.\. asks for is not accepted\.$"):
        check(changed("/encoding", {"<script>": 1}))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"mark":', id="cut"),
        pytest.param('{"mark": NaN}', id="not a number"),
        pytest.param("[" * 100_000, id="deep"),
        pytest.param('"' + "x" * MAX_SPEC_BYTES + '"', id="large"),
        pytest.param("", id="empty"),
    ],
)
def test_text_that_is_refused(text: str) -> None:
    """What is not JSON, or too much of it, is refused like a hostile chart."""
    with pytest.raises(ChartRefused, match=r"^It is"):
        parse(text)
