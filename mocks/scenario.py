"""Scenarios: cassettes, an optional fault, and what is seen by the client, on the page, in telemetry, panels, alerts.

One YAML file each in `mocks/scenarios/`; unknown keys are errors that name the nearest known one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import yaml
from pydantic import ConfigDict, Field, ValidationError

from mocks.cassette import Cassette, Interaction
from mocks.faults import FaultDoesNotApplyError, Plan
from mocks.grammar import Fault
from mocks.route import Surface
from mocks.strict import Strict, explain, hint


class ScenarioFormatError(Exception):
    """A scenario that cannot be loaded; the message names file, place and what is accepted there."""


class ClientExpectation(Strict):
    """What the proxy's client sees."""

    status: int = 200
    ends_with: str | None = None
    problem: str | None = None


Shown = Literal["whole", "part", "none"]
"""How much of an answer stands on a page."""


class PageExpectation(Strict):
    """What a reader of the chat page sees, in its own words.

    What follows from `client.problem` is not repeated: the problem's title, and whether trying again may help.
    """

    answer: Shown = Field(description="how much of the answer stands in the end")
    meanwhile: list[str] = Field(default_factory=list, description="words that can be read while nothing new comes")
    reads: list[str] = Field(default_factory=list, description="words that stand in the end")
    misses: list[str] = Field(default_factory=list, description="words that do not, though the whole answer has them")
    wait_s: int | None = Field(
        default=None, ge=1, description="so long the reader is asked to wait before trying again"
    )
    again: Shown | None = Field(default=None, description="what trying again shows, where that differs")


class MetricExpectation(Strict):
    """By how much a counter moves, for which labels."""

    model_config = ConfigDict(extra="allow", frozen=True)

    delta: float | None = None


class PanelExpectation(Strict):
    """Panels, as dashboard/panel, that must move or must stay still."""

    moves: list[str] = Field(default_factory=list)
    still: list[str] = Field(default_factory=list)


class AlertExpectation(Strict):
    """Alerts that must fire, or must not."""

    fires: list[str] = Field(default_factory=list)
    silent: list[str] = Field(default_factory=list)


class Scenario(Strict):
    """A named behaviour of the stand-in."""

    scenario: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    about: str = Field(min_length=1, description="in one line")
    story: str = Field(default="", description="how it comes about in life, and what a client should make of it")
    cassettes: list[str] = Field(default_factory=list, description="empty: every cassette")
    fault: Fault | None = None
    asks: int = Field(default=1, ge=1, le=20, description="of so many requests, `client` sees this on the last one")
    client: ClientExpectation = Field(default_factory=ClientExpectation)
    page: PageExpectation | None = None
    telemetry: dict[str, MetricExpectation] = Field(default_factory=dict)
    panels: PanelExpectation = Field(default_factory=PanelExpectation)
    alerts: AlertExpectation = Field(default_factory=AlertExpectation)

    def concerns(self, surface: Surface) -> bool:
        """Whether any part of it is played on a surface; without a fault it is only about agents' answers."""
        faults = [] if self.fault is None else list(self.fault.flat())
        named = {each for fault in faults for each in (fault.on or ())}
        return surface in named or (surface is Surface.AGENT and (not faults or any(not each.on for each in faults)))


class _Loader(yaml.SafeLoader):
    """The safe loader with YAML 1.2's booleans: `on` is a key here, and neither it nor `no` is a truth value."""


_BOOLEAN = "tag:yaml.org,2002:bool"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOLEAN]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOLEAN, re.compile(r"true|false"), list("tf"))


def load(path: Path) -> Scenario:
    """Read one scenario.   Raises: ScenarioFormatError."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ScenarioFormatError(f"{path}: not YAML: {error}") from error
    if not isinstance(document, dict):
        raise ScenarioFormatError(
            f"{path}: found {type(document).__name__}, expected a mapping with the key 'scenario'"
        )
    try:
        scenario = Scenario.model_validate(document)
    except ValidationError as error:
        raise ScenarioFormatError(f"{path}: {explain(error, Scenario)}") from error
    if scenario.scenario != path.stem:
        raise ScenarioFormatError(
            f"{path}: the scenario is called {scenario.scenario!r}; the file name must be the same"
        )
    return scenario


def load_all(folder: Path, cassettes: list[Cassette]) -> dict[str, Scenario]:
    """Every scenario of a folder, each checked against the cassettes it names.   Raises: ScenarioFormatError."""
    if not folder.is_dir():
        raise ScenarioFormatError(f"{folder}: no such folder of scenario files")
    loaded = {}
    for path in sorted(folder.glob("*.yaml")):
        scenario = load(path)
        _check_cassettes(path, scenario, {cassette.name: cassette for cassette in cassettes})
        loaded[scenario.scenario] = scenario
    return loaded


def _check_cassettes(path: Path, scenario: Scenario, known: dict[str, Cassette]) -> None:
    """Every named cassette exists, and the fault applies to each of them; without names nothing is promised."""
    for name in scenario.cassettes:
        if name not in known:
            raise ScenarioFormatError(f"{path}: no cassette {name!r}{hint(name, known)}")
        if scenario.fault is not None and (reason := why_not(scenario.fault, [known[name]])) is not None:
            raise ScenarioFormatError(f"{path}: the fault does not apply to cassette {name!r}: {reason}")


def why_not(fault: Fault, cassettes: Iterable[Cassette]) -> str | None:
    """Why a fault applies to no interaction of these cassettes; None when it applies to one."""
    reason: str | None = "nothing is recorded"
    for interaction in (each for tape in cassettes for each in tape.interactions):
        if (reason := _refusal(fault, interaction)) is None:
            return None
    return reason


def fitting(scenario: Scenario, cassettes: Iterable[Cassette]) -> Cassette | None:
    """The first cassette that a scenario plays and whose first answer its fault can bear."""
    for tape in cassettes:
        first = tape.interactions[0]
        if scenario.cassettes and tape.name not in scenario.cassettes:
            continue
        if scenario.fault is None or _refusal(scenario.fault, first) is None:
            return tape
    return None


def _refusal(fault: Fault, interaction: Interaction) -> str | None:
    try:
        fault.apply(Plan.of(interaction.response, interaction.frames))
    except FaultDoesNotApplyError as error:
        return str(error)
    return None
