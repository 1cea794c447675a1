"""How values travel in JSON results: every cell a string, NULL a null.

The forms are those of the SQL API's jsonv2 and of the connector's JSON rowset, which differ in booleans alone. With an
`*_OUTPUT_FORMAT` parameter a value is formatted text instead.
Source: Snowflake's SQL API pages on handling responses; its page on date and time formats.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mocks.snowflake.engine import Column

Cell = str | None
Encoder = Callable[[Any], Cell]

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_ZONE_BIAS_MIN = 1440
_ELEMENTS = re.compile(
    r'"[^"]*"|YYYY|YY|MMMM|MON|MM|DD|DY|HH24|HH12|HH|AM|PM|MI|SS|FF[0-9]?|TZH:?TZM|TZHTZM|TZH|TZM|UUUU|.',
    re.IGNORECASE | re.DOTALL,
)
_FORMATS = {
    "date": ("DATE_OUTPUT_FORMAT",),
    "time": ("TIME_OUTPUT_FORMAT",),
    "timestamp_ntz": ("TIMESTAMP_NTZ_OUTPUT_FORMAT", "TIMESTAMP_OUTPUT_FORMAT"),
    "timestamp_ltz": ("TIMESTAMP_LTZ_OUTPUT_FORMAT", "TIMESTAMP_OUTPUT_FORMAT"),
    "timestamp_tz": ("TIMESTAMP_TZ_OUTPUT_FORMAT", "TIMESTAMP_OUTPUT_FORMAT"),
}
_AUTO = {
    "date": "YYYY-MM-DD",
    "time": "HH24:MI:SS",
    "timestamp_ntz": "YYYY-MM-DD HH24:MI:SS.FF3",
    "timestamp_ltz": "YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM",
    "timestamp_tz": "YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM",
}


def encoders(
    columns: Sequence[Column], parameters: Mapping[str, str], *, true: str = "true", false: str = "false"
) -> list[Encoder]:
    """What turns the values of each column into cells.

    parameters: the session's, by upper-case name.   true, false: `"1"` and `"0"` for the connector.
    """
    return [_encoder(column, parameters, true, false) for column in columns]


def encode(rows: Sequence[Sequence[Any]], by_column: Sequence[Encoder], null: Cell = None) -> list[list[Cell]]:
    """The rows as cells; `null` stands for NULL: None, or the text "null"."""
    return [
        [null if value is None else encoder(value) for value, encoder in zip(row, by_column, strict=True)]
        for row in rows
    ]


def _encoder(column: Column, parameters: Mapping[str, str], true: str, false: str) -> Encoder:
    kind, scale = column.type, column.scale or 0
    if kind in _FORMATS:
        form = next((parameters[name] for name in _FORMATS[kind] if parameters.get(name)), None)
        if form is not None:
            zone = _zone(parameters.get("TIMEZONE")) if kind == "timestamp_ltz" else None
            return _formatter(_AUTO[kind] if form.upper() == "AUTO" else form, zone)
    if kind == "fixed":
        return lambda value: f"{Decimal(value):.{scale}f}"
    if kind == "boolean":
        return lambda value: true if value else false
    if kind == "binary" and parameters.get("BINARY_OUTPUT_FORMAT", "HEX").upper() == "BASE64":
        return _base64
    return _BY_TYPE.get(kind, _text)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _real(value: float) -> str:
    """The shortest text that reads back as the number; whole ones without a fraction."""
    if value != value:  # noqa: PLR0124  # NaN alone differs from itself
        return "NaN"
    text = repr(float(value))
    return text.removesuffix(".0") if "e" not in text else text


def _days(value: dt.date | dt.datetime) -> str:
    day = value.date() if isinstance(value, dt.datetime) else value
    return str((day - _EPOCH.date()).days)


def _seconds_of_day(value: dt.time) -> str:
    seconds = value.hour * 3600 + value.minute * 60 + value.second
    return f"{seconds}.{value.microsecond:06d}000"


def _seconds(value: dt.datetime | dt.date) -> str:
    """Seconds since the epoch with nine decimals; a moment without a zone counts as UTC."""
    if not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time())
    moment = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
    since = moment - _EPOCH
    microseconds = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    whole, rest = divmod(abs(microseconds), 1_000_000)
    return f"{'-' if microseconds < 0 else ''}{whole}.{rest:06d}000"


def _seconds_and_zone(value: dt.datetime) -> str:
    offset = value.utcoffset() or dt.timedelta()
    return f"{_seconds(value)} {int(offset.total_seconds() // 60) + _ZONE_BIAS_MIN}"


def _json(value: Any) -> str:
    """JSON as Snowflake prints it: two spaces, the keys of objects in order."""
    held = json.loads(value) if isinstance(value, str) else value
    return json.dumps(held, indent=2, sort_keys=True, ensure_ascii=False, default=str)


_BY_TYPE: dict[str, Encoder] = {
    "real": _real,
    "date": _days,
    "time": _seconds_of_day,
    "timestamp_ntz": _seconds,
    "timestamp_ltz": _seconds,
    "timestamp_tz": _seconds_and_zone,
    "binary": lambda value: bytes(value).hex().upper(),
    "variant": _json,
    "object": _json,
    "array": _json,
}


def _zone(name: str | None) -> dt.tzinfo:
    try:
        return ZoneInfo(name) if name else dt.UTC
    except (ZoneInfoNotFoundError, ValueError):
        return dt.UTC


def _formatter(form: str, zone: dt.tzinfo | None) -> Encoder:
    """What writes dates and times by one of Snowflake's format models."""
    parts = _ELEMENTS.findall(form)

    def write(value: Any) -> str:
        moment = _moment(value)
        if zone is not None and moment.tzinfo is not None:
            moment = moment.astimezone(zone)
        return "".join(_element(part, moment) for part in parts)

    return write


def _moment(value: Any) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, dt.time):
        return dt.datetime.combine(_EPOCH.date(), value)
    return dt.datetime.combine(value, dt.time())


def _element(part: str, at: dt.datetime) -> str:
    name = part.upper()
    if name in _SIMPLE:
        return _SIMPLE[name](at)
    if name.startswith("FF"):
        return f"{at.microsecond:06d}000"[: int(name[2:] or 9)]
    return part.strip('"') if len(part) > 1 else part


def _offset(at: dt.datetime) -> tuple[str, str]:
    minutes = int((at.utcoffset() or dt.timedelta()).total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}", f"{abs(minutes) % 60:02d}"


_SIMPLE: dict[str, Callable[[dt.datetime], str]] = {
    "YYYY": lambda at: f"{at.year:04d}",
    "UUUU": lambda at: f"{at.year:04d}",
    "YY": lambda at: f"{at.year % 100:02d}",
    "MMMM": lambda at: at.strftime("%B"),
    "MON": lambda at: at.strftime("%b"),
    "MM": lambda at: f"{at.month:02d}",
    "DD": lambda at: f"{at.day:02d}",
    "DY": lambda at: at.strftime("%a"),
    "HH24": lambda at: f"{at.hour:02d}",
    "HH": lambda at: f"{at.hour:02d}",
    "HH12": lambda at: f"{at.hour % 12 or 12:02d}",
    "AM": lambda at: "AM" if at.hour < 12 else "PM",
    "PM": lambda at: "AM" if at.hour < 12 else "PM",
    "MI": lambda at: f"{at.minute:02d}",
    "SS": lambda at: f"{at.second:02d}",
    "TZHTZM": lambda at: "".join(_offset(at)),
    "TZH:TZM": lambda at: ":".join(_offset(at)),
    "TZH": lambda at: _offset(at)[0],
    "TZM": lambda at: _offset(at)[1],
}
