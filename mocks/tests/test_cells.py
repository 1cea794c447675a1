"""Cells: every type as text, with and without output formats."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from mocks.snowflake.cells import encode, encoders
from mocks.snowflake.engine import Column

BERLIN = dt.timezone(dt.timedelta(hours=1))
NOON = dt.datetime(2026, 1, 1, 12, 30, 5, 678901)  # noqa: DTZ001  # a TIMESTAMP_NTZ


def cell(kind: str, value: Any, parameters: Mapping[str, str] | None = None, scale: int | None = None) -> str | None:
    """One value as a cell."""
    return encode([(value,)], encoders([Column("C", kind, scale=scale)], parameters or {}))[0][0]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("text", "Crème", "Crème"),
        ("boolean", True, "true"),
        ("real", 1.5, "1.5"),
        ("real", 2.0, "2"),
        ("real", float("nan"), "NaN"),
        ("real", 1e300, "1e+300"),
        ("date", dt.date(2026, 1, 1), "20454"),
        ("date", dt.date(1969, 12, 31), "-1"),
        ("time", dt.time(23, 1, 59), "82919.000000000"),
        ("timestamp_ntz", dt.datetime(2026, 1, 1), "1767225600.000000000"),  # noqa: DTZ001
        ("timestamp_ntz", dt.datetime(1969, 12, 31, 23, 59, 58, 750000), "-1.250000000"),  # noqa: DTZ001
        ("timestamp_ltz", dt.datetime(2026, 1, 1, 1, tzinfo=BERLIN), "1767225600.000000000"),
        ("timestamp_tz", dt.datetime(2026, 1, 1, 1, tzinfo=BERLIN), "1767225600.000000000 1500"),
        ("binary", b"\xab\x12", "AB12"),
        ("variant", '{"b":[1,"ü"],"a":null}', '{\n  "a": null,\n  "b": [\n    1,\n    "ü"\n  ]\n}'),
        ("array", [1, 2], "[\n  1,\n  2\n]"),
        ("text", None, None),
    ],
)
def test_values_without_a_format(kind: str, value: Any, expected: str | None) -> None:
    """The forms of jsonv2."""
    assert cell(kind, value) == expected


@pytest.mark.parametrize(
    ("value", "scale", "expected"),
    [(Decimal("1250.50"), 2, "1250.50"), (7, 0, "7"), (Decimal("0.1"), 9, "0.100000000"), (-3, 1, "-3.0")],
)
def test_numbers_keep_their_scale(value: Any, scale: int, expected: str) -> None:
    """As many decimals as the column has."""
    assert cell("fixed", value, scale=scale) == expected


@pytest.mark.parametrize(
    ("kind", "value", "parameters", "expected"),
    [
        ("date", dt.date(2026, 3, 4), {"DATE_OUTPUT_FORMAT": "DD.MM.YY"}, "04.03.26"),
        ("date", dt.date(2026, 3, 4), {"DATE_OUTPUT_FORMAT": "AUTO"}, "2026-03-04"),
        ("time", dt.time(13, 5), {"TIME_OUTPUT_FORMAT": "HH12:MI AM"}, "01:05 PM"),
        ("timestamp_ntz", NOON, {"TIMESTAMP_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF3"}, "2026-01-01 12:30:05.678"),
        ("timestamp_ntz", NOON, {"TIMESTAMP_NTZ_OUTPUT_FORMAT": 'DY "at" MON'}, "Thu at Jan"),
        ("timestamp_tz", NOON.replace(tzinfo=BERLIN), {"TIMESTAMP_TZ_OUTPUT_FORMAT": "HH24 TZH:TZM"}, "12 +01:00"),
        (
            "timestamp_ltz",
            NOON.replace(tzinfo=dt.UTC),
            {"TIMESTAMP_LTZ_OUTPUT_FORMAT": "HH24:MI TZHTZM", "TIMEZONE": "America/New_York"},
            "07:30 -0500",
        ),
        ("binary", b"\xab\x12", {"BINARY_OUTPUT_FORMAT": "BASE64"}, "qxI="),
        ("text", "x", {"DATE_OUTPUT_FORMAT": "YYYY"}, "x"),
    ],
)
def test_values_with_a_format(kind: str, value: Any, parameters: dict[str, str], expected: str) -> None:
    """Formatted text in place of numbers, in the session's zone where the type has one."""
    assert cell(kind, value, parameters) == expected


def test_null_can_be_a_word_and_booleans_digits() -> None:
    """As `nullable=false` asks, and as the connector reads."""
    by_column = encoders([Column("C", "boolean")], {}, true="1", false="0")
    assert encode([(None,), (False,), (True,)], by_column, "null") == [["null"], ["0"], ["1"]]
