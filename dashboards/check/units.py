"""Grafana's units: those that exist, and what each can show."""

from __future__ import annotations

from collections.abc import Mapping

_CURRENCIES = (
    *("USD", "GBP", "EUR", "JPY", "RUB", "UAH", "BRL", "DKK", "ISK", "NOK", "SEK", "CZK", "CHF", "PLN", "BTC", "mBTC"),
    *("μBTC", "ZAR", "INR", "KRW", "IDR", "PHP", "VND", "TRY", "MYR", "CAD", "BGN", "PGK", "MXN", "SGD", "AUD", "CNY"),
)
_PREFIXES = ("K", "M", "G", "T", "P")

PER_TIME: Mapping[str, float] = dict.fromkeys(
    ("cps", "ops", "reqps", "rps", "wps", "iops", "eps", "mps", "recps", "rowsps", "pps"), 1.0
) | dict.fromkeys(("cpm", "opm", "rpm", "wpm"), 60.0)
"""Units of a rate of things, and what a rate per second is multiplied by."""

TIME: Mapping[str, float] = (
    {"ns": 1e9, "µs": 1e6, "ms": 1e3, "s": 1.0, "m": 1 / 60, "h": 1 / 3600, "d": 1 / 86400, "timeticks": 100.0}
    | dict.fromkeys(("dtdurationms", "clockms"), 1e3)
    | dict.fromkeys(("dtdurations", "dthms", "dtdhms", "clocks"), 1.0)
)
INSTANTS = frozenset(
    (
        *("dateTimeAsIso", "dateTimeAsIsoNoDateIfToday", "dateTimeAsUS", "dateTimeAsUSNoDateIfToday"),
        *("dateTimeAsLocal", "dateTimeAsLocalNoDateIfToday", "dateTimeAsSystem", "dateTimeFromNow"),
    )
)
"""Units of a point in time; they take milliseconds."""

BYTES: Mapping[str, float] = (
    {"bytes": 1.0, "decbytes": 1.0, "bits": 8.0, "decbits": 8.0}
    | {f"{prefix.lower()}bytes": 1024.0**-power for power, prefix in enumerate(_PREFIXES, 1)}
    | {f"dec{prefix.lower()}bytes": 1000.0**-power for power, prefix in enumerate(_PREFIXES, 1)}
)
BYTE_RATES: Mapping[str, float] = (
    {"Bps": 1.0, "binBps": 1.0, "bps": 8.0, "binbps": 8.0}
    | {f"{prefix}Bs": 1000.0**-power for power, prefix in enumerate(_PREFIXES, 1)}
    | {f"{prefix}iBs": 1024.0**-power for power, prefix in enumerate(_PREFIXES, 1)}
)
SHARES: Mapping[str, float] = {"percentunit": 1.0, "percent": 100.0}
CURRENCY = frozenset(f"currency{each}" for each in _CURRENCIES)
PLAIN = frozenset(["none", "short", "locale", "sci", "string", ""])
"""Units that say nothing of what a number measures."""

_REST = frozenset(
    (
        *("humidity", "dB", "hex0x", "hex", "pixel", "accMS2", "accFS2", "accG", "degree", "radian", "grad", "arcmin"),
        *("arcsec", "areaM2", "areaF2", "areaMI2", "flops", "mflops", "gflops", "tflops", "pflops", "eflops", "zflops"),
        *("yflops", "ppm", "conppb", "conngm3", "conngNm3", "conμgm3", "conμgNm3", "conmgm3", "conmgNm3", "congm3"),
        *("congNm3", "conmgdL", "conmmolL", "watt", "kwatt", "megwatt", "gwatt", "mwatt", "Wm2", "voltamp", "kvoltamp"),
        *("voltampreact", "kvoltampreact", "watth", "watthperkg", "kwatth", "kwattm", "amph", "kamph", "mamph"),
        *("joule", "ev", "amp", "kamp", "mamp", "volt", "kvolt", "mvolt", "dBm", "ohm", "kohm", "Mohm", "farad"),
        *("µfarad", "nfarad", "pfarad", "ffarad", "henry", "mhenry", "µhenry", "lumens", "lux", "flowgpm", "flowcms"),
        *("flowcfs", "flowcfm", "litreh", "flowlpm", "flowmlpm", "forceNm", "forcekNm", "forceN", "forcekN", "Hs"),
        *("KHs", "MHs", "GHs", "THs", "PHs", "EHs", "massmg", "massg", "masslb", "masskg", "masst", "lengthmm"),
        *("lengthin", "lengthft", "lengthm", "lengthkm", "lengthmi", "pressurembar", "pressurebar", "pressurekbar"),
        *("pressurepa", "pressurehpa", "pressurekpa", "pressurehg", "pressurepsi", "radbq", "radci", "radgy", "radrad"),
        *("radsv", "radmsv", "radusv", "radrem", "radexpckg", "radr", "radsvh", "radmsvh", "radusvh", "rotrpm"),
        *("rothz", "rotrads", "rotdegs", "celsius", "fahrenheit", "kelvin", "hertz", "velocityms", "velocitykmh"),
        *("velocitymph", "velocityknot", "mlitre", "litre", "m3", "Nm3", "dm3", "gallons", "bool", "bool_yes_no"),
        *("bool_on_off", "Kbits", "Mbits", "Gbits", "Tbits", "Pbits", "Kibits", "Mibits", "Gibits", "Tibits", "Pibits"),
    )
)
NAMED = frozenset([*PER_TIME, *TIME, *INSTANTS, *BYTES, *BYTE_RATES, *SHARES, *CURRENCY, *PLAIN, *_REST]) - {""}


def exists(unit: str) -> bool:
    """Whether Grafana knows the unit, one that a dashboard makes up by a prefix included."""
    return unit in NAMED or unit.startswith(("suffix:", "prefix:", "time:", "si:", "count:", "currency:", "bool:"))


def misfit(unit: str, powers: Mapping[str, int], factor: float | None) -> str:
    """Why the unit cannot show such a number; empty when it can.

    powers: of `s`, `By`, `USD`, `count` and `state`.   factor: what the number is multiplied by, None when unknown.
    """
    if unit.startswith(("suffix:", "prefix:", "count:", "si:", "time:")):
        return ""
    kind = _kind(powers)
    fitting = _FITTING.get(kind)
    if fitting is None:
        return ""
    if unit not in fitting:
        return f"{_WORDS[kind]} shown as {unit or 'a plain number'}"
    wanted = fitting[unit]
    if factor is None or wanted is None or abs(factor - wanted) <= 1e-6 * wanted:
        return ""
    return f"{unit} wants the value times {wanted:g}, and it is times {factor:g}"


def _kind(powers: Mapping[str, int]) -> str:
    rest = {base: power for base, power in powers.items() if power}
    things = rest.pop("count", 0)
    known = {(): "", (("s", 1),): "time", (("By", 1),): "bytes", (("By", 1), ("s", -1)): "byte rate"}
    known |= {(("USD", 1),): "money", (("USD", 1), ("s", -1)): "money", (("s", -1),): "rate", (("state", 1),): "state"}
    kind = known.get(tuple(sorted(rest.items())), "?")
    if kind == "":
        return {0: "share", 1: "count"}.get(things, "?")
    return "?" if kind == "rate" and things != 1 else kind


_WORDS = {
    "time": "a time in seconds",
    "bytes": "bytes",
    "byte rate": "bytes per second",
    "money": "money",
    "rate": "things per second",
    "share": "a share",
    "count": "a count",
    "state": "a state or a score",
}
_ANY: Mapping[str, None] = dict.fromkeys(PLAIN)
_FITTING: Mapping[str, Mapping[str, float | None]] = {
    "time": {**TIME, **dict.fromkeys(INSTANTS, 1000.0)},
    "bytes": BYTES,
    "byte rate": BYTE_RATES,
    "money": dict.fromkeys(CURRENCY, None),
    "rate": PER_TIME,
    "share": {**SHARES, **_ANY},
    "count": _ANY,
    "state": {**_ANY, **dict.fromkeys(("bool", "bool_yes_no", "bool_on_off"))},
}
