"""Numbers as Grafana writes them: a value and a unit of a panel make a short text."""

from __future__ import annotations

import math
from collections.abc import Callable

_Steps = tuple[tuple[float, str], ...]

_TIMES: _Steps = (
    (1e-6, " µs"),
    (1e-3, " ms"),
    (1, " s"),
    (60, " mins"),
    (3_600, " hours"),
    (86_400, " days"),
    (604_800, " weeks"),
    (31_536_000, " years"),
)
_THOUSANDS: _Steps = ((1, ""), (1e3, " K"), (1e6, " Mil"), (1e9, " Bil"))
_TIGHT: _Steps = ((1, ""), (1e3, "K"), (1e6, "M"))
_BYTES: _Steps = ((1, " B"), (2**10, " KiB"), (2**20, " MiB"), (2**30, " GiB"))


def text(value: float, unit: str = "none") -> str:
    """The value in its unit, to three digits; a dash for what is no number."""
    if not math.isfinite(value):
        return "–"
    write = _UNITS.get(unit)
    return write(value) if write else f"{_digits(value)} {unit}".strip()


def size(value: float, unit: str) -> float:
    """How large the unit is that a value is written in: of 100 s a minute. Round numbers are round in it."""
    steps = {"s": _TIMES, "dtdurations": _TIMES, "bytes": _BYTES}.get(unit, ((1.0, ""),))
    return max((each for each, _ in steps if each <= abs(value)), default=steps[0][0])


def _digits(value: float) -> str:
    """Three digits, and no fewer than the value has before its point."""
    if value == 0:
        return "0"
    places = min(max(2 - math.floor(math.log10(abs(value))), 0), 6)
    written = f"{value:.{places}f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


def _stepped(value: float, steps: _Steps) -> str:
    size, name = steps[0]
    for each, its in steps:
        if abs(value) >= each * 0.9995:
            size, name = each, its
    return _digits(value / size) + name


def _rate(value: float, name: str) -> str:
    return f"{_stepped(value, _TIGHT)} {name}"


def _dollars(value: float) -> str:
    sign = "-" if value < 0 else ""
    return f"{sign}${_stepped(abs(value), _TIGHT)}"


def _seconds(value: float) -> str:
    return _stepped(value, _TIMES) if value else "0 s"


_UNITS: dict[str, Callable[[float], str]] = {
    "": _digits,
    "none": _digits,
    "short": lambda value: _stepped(value, _THOUSANDS),
    "s": _seconds,
    "dtdurations": _seconds,
    "ms": lambda value: _seconds(value / 1000),
    "percentunit": lambda value: f"{_digits(value * 100)}%",
    "percent": lambda value: f"{_digits(value)}%",
    "bytes": lambda value: _stepped(value, _BYTES),
    "currencyUSD": _dollars,
    "reqps": lambda value: _rate(value, "req/s"),
    "cps": lambda value: _rate(value, "c/s"),
    "ops": lambda value: _rate(value, "ops/s"),
    "dateTimeAsIso": _digits,
}
