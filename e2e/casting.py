"""Which stories play: those that a target can play, about the scenarios that were asked for; the rest, with reasons.

A story's marker says where it plays: `anywhere` on every target, a live one too; `rehearsal` on every target in front
of a mock; none, on a stack of our own only. A story is about a scenario when it has a parameter called `scenario`, or
the marker `scenario("name")`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from mocks.state import HERE as MOCKS

LOCAL = "local"
ANSWER_TIMEOUT_S = 10

MARKERS = (
    "anywhere: the story plays on every target, a live one too",
    "rehearsal: the story plays on every target in front of a mock; without either it needs a stack of its own",
)

Mode = Literal["local", "rehearsal", "live"]


class NoSuchTarget(Exception):
    """A target that cannot be played on: what was asked of it, what it answered, and what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """What stories are played on.

    url: where the page is; `local` for a stack of our own.   scenarios: that it can play, empty for a live one.
    about: what it says of itself.
    """

    url: str
    mode: Mode
    scenarios: tuple[str, ...] = ()
    about: str = ""

    def refusal(self, item: pytest.Item) -> str | None:
        """Why a story cannot be played here; None when it can."""
        if self.mode == "local" or item.get_closest_marker("anywhere"):
            return None
        if item.get_closest_marker("rehearsal") is None:
            return "it needs a stack of our own"
        return None if self.mode == "rehearsal" else "it needs a mock behind the target"


def our_own() -> Target:
    """A stack that is started for the suite."""
    return Target(LOCAL, "local", tuple(sorted(path.stem for path in (MOCKS / "scenarios").glob("*.yaml"))))


def look_at(url: str) -> Target:
    """What stands at a URL: it is asked for its status, and for what can be rehearsed there.

    A target that does not say that a mock stands behind it is taken for a live one.   Raises: NoSuchTarget.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise NoSuchTarget(f"--target {url}: it is neither '{LOCAL}' nor a URL of http or https")
    status = _document(url, "/status") or {}
    mode = status.get("mode")
    about = f"version {status['version']}, {status.get('environment')}" if "version" in status else "it does not say"
    if mode != "rehearsal":
        return Target(url.rstrip("/"), "live", about=about)
    names = [each["name"] for each in (_document(url, "/rehearsal.json") or {}).get("scenarios", ())]
    return Target(url.rstrip("/"), "rehearsal", tuple(names), about)


def _document(url: str, path: str) -> dict[str, Any] | None:
    """The JSON object that a target answers with; None when it answers with anything else."""
    asked = urljoin(url, path)
    try:
        answer = requests.get(asked, timeout=ANSWER_TIMEOUT_S)
    except requests.RequestException as error:
        cause = f"GET {asked} was not answered: {type(error).__name__}"
        raise NoSuchTarget(f"--target {url}: {cause}; start it, or name another URL") from error
    try:
        found = answer.json() if answer.ok else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _unknown(names: Iterable[str], target: Target) -> str | None:
    """What is wrong with the names of scenarios, with the nearest that the target plays; None when nothing is."""
    for name in names:
        if name not in target.scenarios:
            near = difflib.get_close_matches(name, target.scenarios, n=1, cutoff=0.0)
            hint = f"did you mean {near[0]!r}?" if near else "it plays none"
            return f"--scenario {name}: the target {target.url} does not know it; {hint}"
    return None


def scenario_of(item: pytest.Item) -> str | None:
    """The scenario that a story is about."""
    marker = item.get_closest_marker("scenario")
    if marker is not None and marker.args:
        return str(marker.args[0])
    callspec = getattr(item, "callspec", None)
    return None if callspec is None or "scenario" not in callspec.params else str(callspec.params["scenario"])


@dataclass(frozen=True, slots=True)
class Casting:
    """Which stories play on a target. scenarios: only stories about these; empty for all."""

    target: Target
    scenarios: frozenset[str] = frozenset()

    def refusal(self, item: pytest.Item) -> str | None:
        """Why a story does not play; None when it does."""
        if self.scenarios and scenario_of(item) not in self.scenarios:
            return "it is about another scenario, or none"
        return self.target.refusal(item)

    def part(self, items: Iterable[pytest.Item]) -> tuple[list[pytest.Item], dict[str, list[pytest.Item]]]:
        """The stories that play, and by reason those that do not."""
        playing: list[pytest.Item] = []
        left_out: dict[str, list[pytest.Item]] = {}
        for item in items:
            reason = self.refusal(item)
            (playing if reason is None else left_out.setdefault(reason, [])).append(item)
        return playing, left_out

    def header(self, unwatched: Iterable[str]) -> str:
        """Where stories play.   unwatched: what a target that is not our own does not let us look at."""
        if self.target.mode == "local":
            return "stories: a stack of our own"
        lines = [f"stories: {self.target.url} ({self.target.mode}; {self.target.about})"]
        return "\n".join([*lines, *(f"stories: not asserted: {each}" for each in unwatched)])

    def summary(self, left_out: Mapping[str, int], unasserted: Mapping[str, int]) -> list[str]:
        """What did not play, and what was not asserted, each with a count."""
        names = ", ".join(sorted(self.scenarios))
        where = f"on {self.target.url}" + (f" under {names}" if names else "")
        return [
            *(f"{count} deselected {where}: {reason}" for reason, count in sorted(left_out.items())),
            *(f"{count} passed without {what}, which the target does not tell" for what, count in unasserted.items()),
        ]


def cast(url: str, scenarios: Iterable[str] = ()) -> Casting:
    """Which stories play on `local`, or on what stands at a URL.   Raises: NoSuchTarget."""
    target = our_own() if url == LOCAL else look_at(url)
    names = frozenset(scenarios)
    problem = _unknown(sorted(names), target)
    if problem:
        raise NoSuchTarget(problem)
    return Casting(target, names)
