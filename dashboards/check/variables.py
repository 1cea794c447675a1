"""Grafana's variables in text: which are named, and the text as a parser can read it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

# `$name`, `${name}`, `${name:format}`, `${name.field}` and `[[name]]`. A `$` before anything but a letter ends a
# regular expression, and is none.
_REFERENCE = re.compile(
    r"\$(?P<plain>[A-Za-z_]\w*)|\$\{(?P<braced>[A-Za-z_]\w*)(?:[.:\[][^}]*)?\}|\[\[(?P<old>[A-Za-z_]\w*)(?::\w+)?\]\]"
)

RATE_INTERVAL_S = 1_000_003
INTERVAL_S = 1_000_033
RANGE_S = 1_000_037
AUTO_S = 1_000_039
DURATION_S = 1_000_081

PLACEHOLDER = "grafana_var_"
"""What stands for a variable's value where a name or a label's value is expected."""

BUILT_IN: Mapping[str, str] = MappingProxyType(
    {
        "__rate_interval": f"{RATE_INTERVAL_S}s",
        "__interval": f"{INTERVAL_S}s",
        "__interval_ms": "1000",
        "__range": f"{RANGE_S}s",
        "__range_s": "1000",
        "__range_ms": "1000",
        "__auto": f"{AUTO_S}s",
        "__from": "1700000000000",
        "__to": "1700003600000",
    }
)
"""Grafana's own variables that stand for a time. The odd numbers of seconds are no window anybody would write."""

_ALSO = frozenset(
    (
        *("__all_variables", "__url_time_range", "__dashboard", "__name", "__org", "__user", "__field", "__series"),
        *("__value", "__data", "__cell", "__tags", "timeFilter", "__timeFilter", "__timezone", "__searchFilter"),
        *("__all", "__timeGroup", "__timeGroupAlias", "__tenantId", "__trace", "__span"),
    )
)


def references(text: str) -> Iterator[str]:
    """The names of the variables that the text mentions, in order, Grafana's own among them."""
    for match in _REFERENCE.finditer(text):
        yield match["plain"] or match["braced"] or match["old"]


def is_built_in(name: str) -> bool:
    """Whether Grafana knows the variable without the dashboard declaring it."""
    return name in BUILT_IN or name in _ALSO or name.startswith("__cell_")


def expand(text: str, values: Mapping[str, str] = MappingProxyType({})) -> str:
    """The text with a value for each variable, so that a parser of the query's language can read it.

    values: of the dashboard's variables; one that stands for a number must be given its own, since the place alone does
    not tell. In square brackets and after `offset` it is a time, elsewhere a name.
    """

    def value_of(match: re.Match[str]) -> str:
        name = match["plain"] or match["braced"] or match["old"]
        if name in BUILT_IN:
            return BUILT_IN[name]
        before = text[: match.start()]
        if _is_in_range(before) or re.search(r"\boffset\s+-?$", before):
            return f"{DURATION_S}s"
        if not _is_quoted(before) and _NUMBER.fullmatch(values.get(name, "")):
            return values[name]
        return PLACEHOLDER + name

    return _REFERENCE.sub(value_of, text)


_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def _is_quoted(before: str) -> bool:
    """Whether text after this is within quotes."""
    quote, escaped = "", False
    for char in before:
        if escaped:
            escaped = False
        elif char == "\\" and quote and quote != "`":
            escaped = True
        elif not quote and char in "\"'`":
            quote = char
        elif char == quote:
            quote = ""
    return bool(quote)


def _is_in_range(before: str) -> bool:
    return before.rfind("[") > before.rfind("]") and not _is_quoted(before)
