"""What a surface answers to: every module that answers has a table `ROUTES`, and `server.ROUTES` joins them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from mocks.faults import Plan
from mocks.request import Request

if TYPE_CHECKING:
    from mocks.state import Mock

Handler = Callable[["Mock", Request, re.Match[str]], Awaitable[Plan]]


class Surface(StrEnum):
    """A part of the wire that scenarios can be limited to; `admin` is the mock's own and never has faults."""

    AGENT = "agent"
    OBJECTS = "objects"
    THREADS = "threads"
    SEARCH = "search"
    ANALYST = "analyst"
    SQL = "sql"
    INFERENCE = "inference"
    LOGIN = "login"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Route:
    """One path pattern, matched whole against the percent-decoded path; `public` routes need no credential."""

    methods: frozenset[str]
    path: re.Pattern[str]
    handler: Handler
    surface: Surface
    public: bool = False


def route(methods: str, path: str, handler: Handler, surface: Surface, *, public: bool = False) -> Route:
    """A route; where GET is answered, HEAD is, too."""
    names = methods.split() + (["HEAD"] if "GET" in methods.split() else [])
    return Route(frozenset(names), re.compile(path), handler, surface, public)
