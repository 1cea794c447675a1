"""Scenarios: cassettes, an optional fault, and what must be seen by the client, in telemetry, on panels, in alerts.

One YAML file each in `mocks/scenarios/`; unknown keys are errors that name the nearest known one.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from mocks.cassette import Cassette
from mocks.faults import Fault, FaultDoesNotApplyError, Plan


class ScenarioFormatError(Exception):
    """A scenario that cannot be loaded; the message names file, place and what is accepted there."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClientExpectation(_Strict):
    """What the proxy's client sees."""

    status: int = 200
    ends_with: str | None = None
    problem: str | None = None


class MetricExpectation(_Strict):
    """By how much a counter moves, for which labels."""

    model_config = ConfigDict(extra="allow", frozen=True)

    delta: float | None = None


class PanelExpectation(_Strict):
    """Panels, as dashboard/panel, that must move or must stay still."""

    moves: list[str] = Field(default_factory=list)
    still: list[str] = Field(default_factory=list)


class AlertExpectation(_Strict):
    """Alerts that must fire, or must not."""

    fires: list[str] = Field(default_factory=list)
    silent: list[str] = Field(default_factory=list)


class Scenario(_Strict):
    """A named behaviour of the stand-in."""

    scenario: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    about: str = Field(min_length=1)
    cassettes: list[str] = Field(default_factory=list, description="empty: every cassette")
    fault: Fault | None = None
    client: ClientExpectation = Field(default_factory=ClientExpectation)
    telemetry: dict[str, MetricExpectation] = Field(default_factory=dict)
    panels: PanelExpectation = Field(default_factory=PanelExpectation)
    alerts: AlertExpectation = Field(default_factory=AlertExpectation)


def load(path: Path) -> Scenario:
    """Read one scenario.   Raises: ScenarioFormatError."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ScenarioFormatError(f"{path}: not YAML: {error}") from error
    if not isinstance(document, dict):
        raise ScenarioFormatError(
            f"{path}: found {type(document).__name__}, expected a mapping with the key 'scenario'"
        )
    try:
        scenario = Scenario.model_validate(document)
    except ValidationError as error:
        raise ScenarioFormatError("; ".join(f"{path}: {_explain(item)}" for item in error.errors())) from error
    if scenario.scenario != path.stem:
        raise ScenarioFormatError(
            f"{path}: the scenario is called {scenario.scenario!r}; the file name must be the same"
        )
    return scenario


def load_all(folder: Path, cassettes: list[Cassette]) -> dict[str, Scenario]:
    """Every scenario of a folder, each checked against the cassettes it names.   Raises: ScenarioFormatError."""
    loaded = {}
    for path in sorted(folder.glob("*.yaml")):
        scenario = load(path)
        _check_cassettes(path, scenario, {cassette.name: cassette for cassette in cassettes})
        loaded[scenario.scenario] = scenario
    return loaded


def _check_cassettes(path: Path, scenario: Scenario, known: dict[str, Cassette]) -> None:
    """Every named cassette exists, and the fault applies to at least one interaction of each."""
    for name in scenario.cassettes:
        if name not in known:
            raise ScenarioFormatError(f"{path}: no cassette {name!r}{_nearest(name, list(known))}")
        if scenario.fault is not None:
            _check_fault(path, scenario.fault, known[name])


def _check_fault(path: Path, fault: Fault, cassette: Cassette) -> None:
    reasons = []
    for interaction in cassette.interactions:
        try:
            fault.apply(Plan.of(interaction.response, interaction.frames))
        except FaultDoesNotApplyError as error:
            reasons.append(str(error))
    if len(reasons) == len(cassette.interactions):
        raise ScenarioFormatError(f"{path}: the fault does not apply to cassette {cassette.name!r}: {reasons[0]}")


def _explain(error: ErrorDetails) -> str:
    place = ".".join(str(part) for part in error["loc"]) or "document"
    if error["type"] == "extra_forbidden":
        return f"unknown key {place!r}{_nearest(str(error['loc'][-1]), _known_keys())}"
    return f"{place}: {error['msg']}"


def _known_keys() -> list[str]:
    models: list[type[BaseModel]] = [Scenario, ClientExpectation, PanelExpectation, AlertExpectation, Fault]
    models += [kind for field in Fault.model_fields.values() for kind in _models_of(field.annotation)]
    return sorted({info.alias or name for model in models for name, info in model.model_fields.items()})


def _models_of(annotation: Any) -> list[type[BaseModel]]:
    """The models in a union such as `Cut | None`."""
    return [kind for kind in annotation.__args__ if isinstance(kind, type) and issubclass(kind, BaseModel)]


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
