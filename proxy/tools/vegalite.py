"""Whether a Vega-Lite specification may be shown: inline data, no expressions, no addresses, no code, bounded sizes.

A specification comes from a language model that has read rows somebody else wrote, so it is as trustworthy as they
are. What Vega-Lite makes of one is a program: `calculate`, `test`, `expr` and `signal` are expressions, `url`, `href`
and image marks fetch, `usermeta` sets options of the embedding page. The check is therefore an allow-list, written as
data: what is not in these tables is refused, however harmless it may be.

Not in Vega-Lite's schema, and therefore easy to miss: a colour may be `url(...)`, `on` and `toggle` of a selection hold
expressions, `image` in a tooltip is fetched by vega-tooltip, a step or an interval can ask for any number of ticks. And
Vega-Lite 5 writes formats, titles, extents and parts of dates into expressions of its own with too little quoting.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

MAX_SPEC_BYTES = 4 * 1024 * 1024
MAX_ROWS = 5000
MAX_CELLS = 50_000
MAX_VIEWS = 20
MAX_DEPTH = 24
MAX_PIXELS = 4000
MAX_COUNT = 1000
"""Largest number of ticks, bins, axis values and the like that may be asked for."""

MAX_LIST = 50
MAX_TEXT = 1000

SCHEMA = re.compile(r"https://vega\.github\.io/schema/vega-lite/v5(\.[0-9]{1,3}){0,2}\.json")
KEY = re.compile(r"[$A-Za-z_][A-Za-z0-9_$]{0,40}")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_ -]{0,63}")
PLAIN = re.compile(r"[#A-Za-z0-9-][A-Za-z0-9 ,.%#_-]{0,79}|(rgb|hsl)a?\([0-9 ,.%/-]{1,60}\)")
"""Words, colours and fonts; anything with a scheme, an `url(...)` or a quote is none."""

FIELD = re.compile(r"(?:[^\x00-\x1f\x7f\"'`\\]|\\[.\[\]]){1,256}")
"""Names of columns. Vega-Lite writes them into expressions, so what could end a string there is left out."""

TITLE = re.compile(rf"[^\x00-\x1f\x7f\u2028\u2029\\]{{0,{MAX_TEXT}}}")
"""Vega-Lite doubles neither backslashes nor line ends where it writes titles into expressions."""

RESERVED = frozenset({"image", "__proto__"})
"""Names of fields and titles that vega-tooltip or a JavaScript object would not take for names."""


class ChartRefused(Exception):
    """A specification that may not be shown; the message says where, as a JSON pointer, and what is accepted there."""


def parse(text: str) -> dict[str, Any]:
    """The checked specification.   Raises: ChartRefused."""
    if len(text.encode(errors="replace")) > MAX_SPEC_BYTES:
        raise ChartRefused(f"It is larger than {MAX_SPEC_BYTES} bytes.")
    try:
        spec = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ChartRefused("It is not JSON.") from error
    check(spec)
    assert isinstance(spec, dict), "the check takes objects only"
    return spec


def check(spec: Any) -> None:
    """The specification may be shown.   Raises: ChartRefused for the first fault."""
    _Walk().visit(spec, "", _TOP)


def _no_constant(_constant: str) -> NoReturn:
    raise ValueError("not JSON")


class _Walk:
    """One check: where it is, and how much it has seen."""

    def __init__(self) -> None:
        self.views = self.rows = self.cells = self.depth = 0

    def visit(self, value: Any, pointer: str, check: Check) -> None:
        """Apply a check to what stands at a pointer."""
        self.depth += 1
        self.demand(self.depth <= MAX_DEPTH, pointer, f"nothing nested deeper than {MAX_DEPTH} levels")
        check(self, value, pointer)
        self.depth -= 1

    def demand(self, holds: bool, pointer: str, accepted: str) -> None:
        """The claim holds.   Raises: ChartRefused."""
        if not holds:
            raise ChartRefused(f"At {pointer or 'its root'} only {accepted} may stand.")

    def count_rows(self, rows: list[Any], pointer: str) -> None:
        """Account for rows.   Raises: ChartRefused past the bounds."""
        self.rows += len(rows)
        self.demand(self.rows <= MAX_ROWS, pointer, f"{MAX_ROWS} rows")
        self.cells += sum(len(row) for row in rows if isinstance(row, dict))
        self.demand(self.cells <= MAX_CELLS, pointer, f"{MAX_CELLS} cells")

    def count_view(self, pointer: str) -> None:
        """Account for one more view.   Raises: ChartRefused past the bounds."""
        self.views += 1
        self.demand(self.views <= MAX_VIEWS, pointer, f"{MAX_VIEWS} views")


Check = Callable[[_Walk, Any, str], None]


# --- how a table is written ------------------------------------------------------------------------------------------

_KINDS: dict[type, str] = {str: "text", bool: "flag", int: "number", float: "number", list: "items", dict: "fields"}
_SPOKEN = {"text": "a string", "flag": "true or false", "number": "a number", "items": "a list", "fields": "an object"}


def _by_kind(**checks: Check) -> Check:
    """What fits one of the checks, chosen by the value's JSON kind; `null` is one, too."""
    accepted = " or ".join(_SPOKEN.get(kind, kind) for kind in checks)

    def check(walk: _Walk, value: Any, pointer: str) -> None:
        kind = "null" if value is None else _KINDS.get(type(value), "nothing")
        walk.demand(kind in checks, pointer, accepted)
        checks[kind](walk, value, pointer)

    return check


def _anything(_walk: _Walk, _value: Any, _pointer: str) -> None:
    """Of a kind that needs no further look."""


def _number(low: float, high: float) -> Check:
    def check(walk: _Walk, value: Any, pointer: str) -> None:
        walk.demand(low <= value <= high, pointer, f"a number from {low:g} to {high:g}")

    return _by_kind(number=check)


def _matching(pattern: re.Pattern[str], accepted: str, refused: frozenset[str] = frozenset()) -> Check:
    def check(walk: _Walk, value: Any, pointer: str) -> None:
        walk.demand(pattern.fullmatch(value) is not None and value not in refused, pointer, accepted)

    return _by_kind(text=check)


def _one_of(words: str) -> Check:
    known = words.split()

    def check(walk: _Walk, value: Any, pointer: str) -> None:
        walk.demand(value in known, pointer, f"one of {', '.join(known)}")

    return _by_kind(text=check)


def _bounded_text(walk: _Walk, value: Any, pointer: str) -> None:
    walk.demand(len(value) <= MAX_TEXT, pointer, f"{MAX_TEXT} characters")


def _list_of(item: Check, most: int = MAX_LIST) -> Check:
    def check(walk: _Walk, value: Any, pointer: str) -> None:
        walk.demand(len(value) <= most, pointer, f"{most} items")
        for position, each in enumerate(value):
            walk.visit(each, f"{pointer}/{position}", item)

    return _by_kind(items=check)


def _record(fields: Mapping[str, Check], *needed: str) -> Check:
    """An object with these keys and no others."""

    def check(walk: _Walk, value: Any, pointer: str) -> None:
        for key, each in value.items():
            at = f"{pointer}/{key}" if KEY.fullmatch(key) else f"{pointer}/..."
            if key not in fields:
                raise ChartRefused(f"What {at} asks for is not accepted.")
            walk.visit(each, at, fields[key])
        for key in needed:
            walk.demand(key in value, pointer, f"an object with {key}")

    return _by_kind(fields=check)


def _same(check: Check, keys: str) -> dict[str, Check]:
    """The same check for each of these keys."""
    return dict.fromkeys(keys.split(), check)


# --- values ----------------------------------------------------------------------------------------------------------

_ANY_NUMBER = _number(-1e15, 1e15)
_COUNT = _number(0, MAX_COUNT)
_PIXELS = _number(0, MAX_PIXELS)
_LENGTH = _number(-10 * MAX_PIXELS, 10 * MAX_PIXELS)
_FLAG = _by_kind(flag=_anything)
_WORD = _matching(PLAIN, "a word, a colour or a font")
_NAME = _matching(NAME, "a name")
_FIELD = _matching(FIELD, "a column's name", RESERVED)
_FIELDS = _list_of(_FIELD)
_TEXT = _by_kind(text=_bounded_text)
_FORMAT = _matching(re.compile(r"[^\x00-\x1f\"'`<>\\]{0,64}"), "a format of d3 without quotes")
_LINE = _matching(TITLE, f"a title of up to {MAX_TEXT} characters, without backslashes and line ends", RESERVED)
_CAPTION = _by_kind(text=_LINE, items=_list_of(_LINE), null=_anything)
_PLAIN = _by_kind(text=_WORD, number=_ANY_NUMBER, flag=_anything, null=_anything)
_STYLE = _by_kind(
    text=_WORD, number=_LENGTH, flag=_anything, null=_anything, items=_list_of(_by_kind(text=_WORD, number=_LENGTH))
)
_DATE = _record({"utc": _FLAG, **_same(_ANY_NUMBER, "year quarter month date day hours minutes seconds milliseconds")})
_LITERAL = _by_kind(text=_bounded_text, number=_ANY_NUMBER, flag=_anything, null=_anything, fields=_DATE)
_LITERALS = _list_of(_LITERAL, MAX_COUNT)


def _cell(walk: _Walk, value: Any, pointer: str) -> None:
    is_flat = value is None or isinstance(value, str | bool | int | float)
    is_endless = isinstance(value, float) and not math.isfinite(value)  # what Python makes of 1e999
    walk.demand(is_flat and not is_endless, pointer, "flat rows")


def _row(walk: _Walk, value: Any, pointer: str) -> None:
    for key, each in value.items():
        walk.demand(0 < len(key) <= 256 and key not in RESERVED, pointer, "rows with names of columns")
        _cell(walk, each, pointer)


def _rows(walk: _Walk, value: Any, pointer: str) -> None:
    walk.count_rows(value, pointer)
    _list_of(_by_kind(fields=_row), MAX_ROWS)(walk, value, pointer)


# --- looks -----------------------------------------------------------------------------------------------------------

_TEXT_STYLE = _same(
    _STYLE,
    "align anchor angle baseline color dx dy font fontSize fontStyle fontWeight frame limit lineHeight offset orient"
    " position style subtitleColor subtitleFont subtitleFontSize subtitleFontStyle subtitleFontWeight subtitlePadding"
    " zindex",
)
_TITLE = _by_kind(
    text=_CAPTION,
    items=_CAPTION,
    null=_anything,
    fields=_record({"text": _CAPTION, "subtitle": _CAPTION} | _TEXT_STYLE),
)
_GUIDE = {
    "title": _CAPTION,
    "format": _FORMAT,
    "formatType": _one_of("number time utc"),
    "values": _LITERALS,
    "tickCount": _COUNT,
}
_GUIDE_STYLE = _same(
    _STYLE,
    "aria bandPosition clipHeight columnPadding columns cornerRadius direction disable domain domainCap"
    " domainColor domainDash domainOpacity domainWidth fillColor gradientLength gradientOpacity gradientStrokeColor"
    " gradientStrokeWidth gradientThickness grid gridAlign gridCap gridColor gridDash gridOpacity gridWidth"
    " labelAlign labelAnchor labelAngle labelBaseline labelBound labelColor labelFlush labelFont labelFontSize"
    " labelFontStyle labelFontWeight labelLimit labelLineHeight labelOffset labelOpacity labelOrient labelOverlap"
    " labelPadding labelSeparation labels legendX legendY maxExtent minExtent offset orient padding position"
    " rowPadding strokeColor strokeWidth style symbolFillColor symbolLimit symbolOpacity symbolSize symbolStrokeColor"
    " symbolStrokeWidth symbolType tickBand tickCap tickColor tickDash tickMinStep tickOffset tickOpacity tickRound"
    " tickSize tickWidth ticks titleAlign titleAnchor titleAngle titleBaseline titleColor titleFont titleFontSize"
    " titleFontStyle titleFontWeight titleLimit titleLineHeight titleOpacity titleOrient titlePadding titleX titleY"
    " translate type zindex",
)
_AXIS = _record(_GUIDE | _GUIDE_STYLE)
_ANY_GUIDE = _by_kind(null=_anything, fields=_AXIS)
_RANGE = _by_kind(text=_WORD, items=_list_of(_by_kind(text=_WORD, number=_LENGTH), MAX_COUNT))
_SCALE = _record(
    {
        "type": _WORD,
        "domain": _by_kind(text=_WORD, items=_LITERALS),
        "range": _RANGE,
        "scheme": _by_kind(
            text=_WORD,
            items=_list_of(_WORD),
            fields=_record({"name": _WORD, "count": _COUNT, "extent": _list_of(_ANY_NUMBER)}),
        ),
        "nice": _by_kind(flag=_anything, number=_COUNT, text=_WORD),
    }
    | _same(_LITERAL, "domainMin domainMax domainMid")
    | _same(
        _STYLE, "align base clamp constant exponent interpolate padding paddingInner paddingOuter round reverse zero"
    )
    | _same(_LENGTH, "rangeMin rangeMax")
)
_ANY_SCALE = _by_kind(null=_anything, fields=_SCALE)

_SHAPE = _same(
    _STYLE,
    "align angle aria baseline binSpacing blend clip color cornerRadius cornerRadiusBottomLeft cornerRadiusBottomRight"
    " cornerRadiusEnd cornerRadiusTopLeft cornerRadiusTopRight dir dx dy ellipsis fill fillOpacity filled font fontSize"
    " fontStyle fontWeight innerRadius interpolate invalid limit line lineHeight minBandSize opacity order orient"
    " outerRadius padAngle radius radius2 shape size stroke strokeCap strokeDash strokeDashOffset strokeJoin"
    " strokeMiterLimit strokeOpacity strokeWidth style tension theta theta2 thickness x x2 xOffset y y2 yOffset",
)
_PART = _by_kind(flag=_anything, text=_WORD, fields=_record(_SHAPE))
_BAND = _by_kind(number=_PIXELS, text=_WORD, fields=_record({"band": _number(0, 10)}))
_MARKS = "arc area bar boxplot circle errorband errorbar line point rect rule square text tick trail"
_MARK_TYPE = _one_of(_MARKS)
_MARK_FIELDS = _SHAPE | {
    "text": _TEXT,
    "tooltip": _by_kind(
        flag=_anything, null=_anything, text=_TEXT, fields=_record({"content": _one_of("encoding data")})
    ),
    **_same(_PART, "point line box median ticks rule outliers borders band"),
    "extent": _by_kind(number=_LENGTH, text=_one_of("min-max ci iqr stderr stdev")),
    **_same(_BAND, "width height"),
}
_MARK = _by_kind(text=_MARK_TYPE, fields=_record({"type": _MARK_TYPE} | _MARK_FIELDS, "type"))


# --- predicates and selections ---------------------------------------------------------------------------------------

_TIME_UNIT = _by_kind(text=_WORD, fields=_record({"unit": _WORD, "utc": _FLAG, "maxbins": _COUNT}))


def _predicate(walk: _Walk, value: Any, pointer: str) -> None:
    _PREDICATE(walk, value, pointer)


_PREDICATE = _by_kind(
    fields=_record(
        {
            "field": _FIELD,
            "timeUnit": _TIME_UNIT,
            **_same(_LITERAL, "equal lt lte gt gte"),
            "oneOf": _LITERALS,
            "range": _list_of(_LITERAL, 2),
            "valid": _FLAG,
            "param": _NAME,
            "empty": _FLAG,
            **_same(_list_of(_predicate), "and or"),
            "not": _predicate,
        }
    )
)
_PARAM = _record(
    {
        "name": _NAME,
        "select": _by_kind(
            text=_one_of("point interval"),
            fields=_record(
                {
                    "type": _one_of("point interval"),
                    "encodings": _list_of(_WORD),
                    "fields": _FIELDS,
                    "nearest": _FLAG,
                    "resolve": _one_of("global union intersect"),
                },
                "type",
            ),
        ),
        "bind": _one_of("scales legend"),
    },
    "name",
    "select",
)


# --- channels --------------------------------------------------------------------------------------------------------

_AGGREGATE = _by_kind(text=_WORD, null=_anything, fields=_record(_same(_FIELD, "argmax argmin")))
_BIN = _by_kind(
    flag=_anything,
    null=_anything,
    text=_one_of("binned"),
    fields=_record({"maxbins": _COUNT, "nice": _FLAG, "extent": _list_of(_ANY_NUMBER, 2), "binned": _FLAG}),
)
_SORT = _by_kind(
    text=_WORD,
    null=_anything,
    items=_LITERALS,
    fields=_record({"field": _FIELD, "op": _WORD, "order": _PLAIN, "encoding": _WORD}),
)
_SOURCE = {
    "field": _FIELD,
    "type": _one_of("quantitative temporal ordinal nominal"),
    "title": _CAPTION,
    "aggregate": _AGGREGATE,
    "bin": _BIN,
    "timeUnit": _TIME_UNIT,
    "sort": _SORT,
    "stack": _PLAIN,
    "scale": _ANY_SCALE,
    "axis": _ANY_GUIDE,
    "legend": _ANY_GUIDE,
    "header": _ANY_GUIDE,
    "format": _FORMAT,
    "formatType": _one_of("number time utc"),
    "bandPosition": _number(0, 1),
    "datum": _LITERAL,
    **_same(_STYLE, "align center spacing columns"),
}


def _channel(value: Check) -> Check:
    """A channel's definition, whose constants are of this kind."""
    chosen = _SOURCE | {"value": value, "test": _PREDICATE, "param": _NAME, "empty": _FLAG}
    condition = _by_kind(fields=_record(chosen), items=_list_of(_record(chosen)))
    return _record(_SOURCE | {"value": value, "condition": condition})


_LOOK, _WORDS = (
    _channel(_STYLE),
    _channel(_by_kind(text=_bounded_text, number=_ANY_NUMBER, flag=_anything, null=_anything)),
)
_CHANNELS = {
    **_same(
        _LOOK, "x y x2 y2 xOffset yOffset xError yError xError2 yError2 theta theta2 radius radius2 color fill stroke"
    ),
    **_same(_LOOK, "opacity fillOpacity strokeOpacity strokeWidth strokeDash size angle shape row column facet key"),
    **_same(_WORDS, "text description"),
    "tooltip": _by_kind(null=_anything, fields=_WORDS, items=_list_of(_WORDS)),
    **_same(_by_kind(fields=_LOOK, items=_list_of(_LOOK)), "detail order"),
}
_ENCODING = _record(_CHANNELS)


# --- data and transforms ---------------------------------------------------------------------------------------------


def _parsers(walk: _Walk, value: Any, pointer: str) -> None:
    for key, each in value.items():
        walk.visit(key, pointer, _FIELD)
        walk.visit(each, pointer, _one_of("boolean date number string"))


_DATA = _record(
    {
        "name": _NAME,
        "values": _by_kind(items=_rows),
        "format": _record({"type": _one_of("json"), "parse": _by_kind(fields=_parsers)}),
    },
    "values",
)
_OPERATIONS = _list_of(_record({"op": _WORD, "field": _FIELD, "as": _FIELD, "param": _ANY_NUMBER}))
_ORDERS = _list_of(_record({"field": _FIELD, "order": _PLAIN}))
_AS = _by_kind(text=_FIELD, items=_FIELDS)
_TRANSFORM = _by_kind(
    fields=_record(
        {
            "filter": _PREDICATE,
            **_same(_OPERATIONS, "aggregate joinaggregate window"),
            "groupby": _FIELDS,
            "frame": _list_of(_by_kind(number=_ANY_NUMBER, null=_anything), 2),
            "ignorePeers": _FLAG,
            "sort": _ORDERS,
            **_same(_FIELD, "stack field pivot value on regression loess"),
            "offset": _WORD,
            "fold": _FIELDS,
            "limit": _COUNT,
            "op": _WORD,
            "bin": _BIN,
            "timeUnit": _TIME_UNIT,
            "method": _one_of("linear log exp pow quad poly"),
            "order": _number(1, 10),
            "bandwidth": _number(0, 1),
            "as": _AS,
        }
    )
)


# --- views -----------------------------------------------------------------------------------------------------------

_SIDE = _by_kind(
    number=_PIXELS,
    text=_one_of("container"),
    fields=_record({"step": _by_kind(number=_number(1, 500)), "for": _WORD}),
)
_PADDING = _by_kind(number=_PIXELS, fields=_record(_same(_PIXELS, "left right top bottom")))
_SPACING = _by_kind(number=_PIXELS, text=_WORD, flag=_anything, fields=_record(_same(_PLAIN, "row column")))
_RESOLVE = _record(
    _same(_by_kind(fields=_record(_same(_WORD, " ".join(_CHANNELS)))), "axis legend scale"),
)
_BACKGROUND = _record(_same(_STYLE, "cornerRadius fill fillOpacity opacity stroke strokeOpacity strokeWidth style"))
_CONFIG = _record(
    {
        **_same(_STYLE, "background font"),
        "padding": _PADDING,
        "view": _record(
            _same(
                _STYLE,
                "cornerRadius continuousHeight continuousWidth discreteHeight discreteWidth fill fillOpacity stroke"
                " strokeOpacity strokeWidth",
            )
        ),
        **_same(_AXIS, "axis axisX axisY axisBand axisQuantitative axisTemporal axisDiscrete legend header"),
        "title": _record(_TEXT_STYLE),
        **_same(_record(_MARK_FIELDS), f"mark {_MARKS}"),
        "range": _record(_same(_RANGE, "category diverging heatmap ordinal ramp symbol")),
    }
)


def _view(walk: _Walk, value: Any, pointer: str) -> None:
    walk.count_view(pointer)
    _VIEW(walk, value, pointer)


_VIEWS = _list_of(_by_kind(fields=_view), MAX_VIEWS)
_VIEW_FIELDS = {
    "name": _NAME,
    "description": _TEXT,
    "title": _TITLE,
    "data": _DATA,
    "transform": _list_of(_TRANSFORM),
    "params": _list_of(_PARAM),
    "mark": _MARK,
    "encoding": _ENCODING,
    **_same(_SIDE, "width height"),
    "view": _BACKGROUND,
    **_same(_VIEWS, "layer hconcat vconcat concat"),
    "columns": _COUNT,
    "facet": _by_kind(fields=_record(_SOURCE | {"row": _LOOK, "column": _LOOK})),
    "spec": _by_kind(fields=_view),
    "resolve": _RESOLVE,
    **_same(_SPACING, "align bounds center spacing"),
}
_VIEW = _record(_VIEW_FIELDS)
_TOP_FIELDS = _VIEW_FIELDS | {
    "$schema": _matching(SCHEMA, "the address of the schema of Vega-Lite 5"),
    "background": _WORD,
    "padding": _PADDING,
    "autosize": _by_kind(text=_WORD, fields=_record(_same(_PLAIN, "type resize contains"))),
    "config": _CONFIG,
}


def _top(walk: _Walk, value: Any, pointer: str) -> None:
    _record(_TOP_FIELDS)(walk, value, pointer)
    has_view = any(key in value for key in ("mark", "layer", "hconcat", "vconcat", "concat", "spec"))
    walk.demand(has_view, pointer, "a specification with something to draw")
    walk.demand(walk.rows > 0, pointer, "a specification with its rows in data.values")


_TOP = _by_kind(fields=_top)
