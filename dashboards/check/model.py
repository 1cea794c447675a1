"""What is checked and what is found: documents by path, and what a rule has to say about one of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from contracts.telemetry import ALL_METRICS, Metric

if TYPE_CHECKING:
    from dashboards.check.view import View

NOTHING: Mapping[str, Any] = MappingProxyType({})
SEPARATOR = " > "


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, and what to do about it.

    where: the file, then the panel's address, rule or variable, then the query's letter, joined by ` > `.
    """

    rule: str
    where: str
    found: str
    todo: str

    @property
    def file(self) -> str:
        """The path of the document."""
        return self.where.split(SEPARATOR, maxsplit=1)[0]

    @property
    def place(self) -> str:
        """Where in the document; empty when it is the whole."""
        return self.where.partition(SEPARATOR)[2]


@dataclass(frozen=True, slots=True)
class Documents:
    """Parsed files by path. Paths serve as names alone: nothing here is read again.

    dashboards: Classic JSON.   rules: files of Prometheus' rule groups.   provisioning: files that Grafana or
    Prometheus read at their start.   runbooks: text of pages; with none, links to them are not followed.
    exclusions: files named `.lint`, each for its folder and those below.   is_whole: whether all that the exceptions
    are for is here.   metrics: the catalogue.   elsewhere: names that a running Prometheus has besides.
    """

    dashboards: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, Any] = field(default_factory=dict)
    provisioning: Mapping[str, Any] = field(default_factory=dict)
    runbooks: Mapping[str, str] = field(default_factory=dict)
    exclusions: Mapping[str, Any] = field(default_factory=dict)
    is_whole: bool = True
    metrics: tuple[Metric, ...] = ALL_METRICS
    elsewhere: frozenset[str] = frozenset()


Found = Iterator[tuple[str, str, str]]
"""What a rule says: where, what was found, what to do."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One check. `find` is pure: it reads the view and says what is wrong."""

    name: str
    checks: str
    why: str
    find: Callable[[View], Found]


def slug(title: str) -> str:
    """A title as part of an address: lower case, runs of anything but letters and digits as one dash."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def at(*parts: object) -> str:
    """A place, from the file inwards; what is empty is left out."""
    return SEPARATOR.join(str(part) for part in parts if str(part))


def mapping(value: object) -> Mapping[str, Any]:
    """The value where it is a mapping, else an empty one: a dashboard's parts may be null or missing."""
    return value if isinstance(value, Mapping) else NOTHING


def texts(value: object) -> tuple[str, ...]:
    """The texts in a list; none where it is something else."""
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list | tuple) else ()


def listing(value: object) -> tuple[Mapping[str, Any], ...]:
    """The mappings in a list; none where it is something else."""
    return tuple(each for each in value if isinstance(each, Mapping)) if isinstance(value, list | tuple) else ()
