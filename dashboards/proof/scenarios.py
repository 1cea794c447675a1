"""A rehearsal of every scenario file of the mock; what is expected stands in the file itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from contracts.api import ToolName
from dashboards.proof.rehearsal import Expected, Rehearsal, Scene
from dashboards.proof.traffic import chat, chats, rounds, use_tool
from mocks.cassette import load_all as load_cassettes
from mocks.route import Surface
from mocks.scenario import Scenario, fitting
from mocks.scenario import load_all as load_scenarios
from mocks.state import HERE

ROUNDS, PAUSE_S = 10, 0.7
"""So often a scenario is played, and how far apart: enough for an alert that waits for five events."""

FAST = frozenset(["cut_mid_stream", "jwt_refused", "server_error", "throttled"])
"""Those that are played in every run of the tests: one for each way in which an upstream fails."""

_TOOLS = {Surface.SQL: ToolName.SQL, Surface.SEARCH: ToolName.SEARCH, Surface.ANALYST: ToolName.ANALYST}
_DEFAULT_CASSETTE = "agents/net_sales_by_region"


def load(folder: Path = HERE / "scenarios") -> dict[str, Scenario]:
    """Every scenario by its name.   Raises: ScenarioFormatError."""
    return load_scenarios(folder, load_cassettes(HERE / "cassettes"))


def rehearsals(scenarios: Mapping[str, Scenario]) -> list[Rehearsal]:
    """One for each, with a few good turns besides: what breaks is seen next to what works."""
    cassettes = {tape.name: tape for tape in load_cassettes(HERE / "cassettes")}

    def question(scenario: Scenario) -> str:
        tape = fitting(scenario, (cassettes[_DEFAULT_CASSETTE], *cassettes.values()))
        assert tape is not None, "checked when it was loaded"
        return str(tape.interactions[0].request.match.last_user_text)

    return [_rehearsal(each, question) for each in scenarios.values()]


def _rehearsal(scenario: Scenario, question: Callable[[Scenario], str]) -> Rehearsal:
    played = rounds(ROUNDS, PAUSE_S, scenario.scenario, scenario.asks, _ask(scenario, question))
    panels, alerts = scenario.panels, scenario.alerts
    return Rehearsal(
        scenario.scenario.replace("_", "-"),
        scenario.about,
        (played, chats(5, 1.5)),
        Expected(tuple(panels.moves), tuple(panels.still), tuple(alerts.fires), tuple(alerts.silent)),
        is_fast=scenario.scenario in FAST,
    )


def _ask(scenario: Scenario, question: Callable[[Scenario], str]) -> Callable[[Scene, str], None]:
    """One request of the kind that the scenario is about."""
    if scenario.concerns(Surface.AGENT):
        asked = question(scenario)
        return lambda scene, baggage: chat(scene, asked, baggage)
    tool = next(name for surface, name in _TOOLS.items() if scenario.concerns(surface))
    return partial(_use, tool)


def _use(tool: str, scene: Scene, baggage: str) -> None:
    use_tool(scene, tool, baggage)
