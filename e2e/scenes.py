"""The scenarios of the catalogue, ready to be played: their recordings, and what is told of each beside what it names.

What always follows from what a scenario's file promises its client is derived here, once, for the whole catalogue: the
span of the request, the attempts upstream, the log lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contracts.api import EndReason
from contracts.telemetry import RETRY_BUDGET_DENIED, STREAM_ENDS, UPSTREAM_ATTEMPTS, UPSTREAM_RETRIES
from mocks.cassette import Cassette, load_all
from mocks.grammar import Fault
from mocks.route import Surface
from mocks.scenario import Scenario, fitting
from mocks.scenario import load_all as load_scenarios
from mocks.state import HERE
from mocks.telemetry import fault_kinds

QUESTION = "Net sales by region"
CASSETTES = {tape.name: tape for tape in load_all(HERE / "cassettes")}
SCENARIOS = load_scenarios(HERE / "scenarios", list(CASSETTES.values()))
TOOLS: dict[Surface, tuple[str, dict[str, Any]]] = {
    Surface.SQL: ("sql", {"statement": "SELECT 1"}),
    Surface.SEARCH: ("search", {"query": "refund deadline"}),
    Surface.ANALYST: ("analyst", {"messages": [{"role": "user", "text": QUESTION}]}),
}
"""By surface that has a tool of its own: the tool, and a request."""

ATTEMPTS, RETRIES = UPSTREAM_ATTEMPTS.name, UPSTREAM_RETRIES.name


def tape_of(scenario: Scenario) -> Cassette:
    """The recording that a scenario is rehearsed with."""
    tape = fitting(scenario, (CASSETTES["agents/net_sales_by_region"], *CASSETTES.values()))
    assert tape is not None, f"no cassette can bear {scenario.scenario}"
    return tape


def question_of(scenario: Scenario) -> str:
    """What is asked in it."""
    question = tape_of(scenario).interactions[0].request.match.last_user_text
    assert question is not None, f"{scenario.scenario} is not rehearsed with a question"
    return question


def faults_of(scenario: Scenario) -> list[Fault]:
    """A scenario's fault and those in it."""
    return [] if scenario.fault is None else list(scenario.fault.flat())


def named_moves(scenario: Scenario) -> dict[str, dict[str, Any]]:
    """The counters that a scenario names, each with its labels and `delta`."""
    return {name: {**(each.model_extra or {}), "delta": each.delta} for name, each in scenario.telemetry.items()}


def moves_of(scenario: Scenario) -> Mapping[str, list[Mapping[str, Any]]]:
    """The counters that it names, and of those that tell of streams and retries all, so that no other of them moves."""
    moves: dict[str, list[Mapping[str, Any]]] = {name: [each] for name, each in named_moves(scenario).items()}
    streams = 0 if reason_of(scenario) is None else 1
    for metric, delta in ((STREAM_ENDS, streams), (UPSTREAM_RETRIES, retries_of(scenario)), (RETRY_BUDGET_DENIED, 0)):
        moves.setdefault(metric.name, []).append({"delta": delta})
    return moves


def outcomes_of(scenario: Scenario) -> list[str | None]:
    """Why each attempt upstream failed, the first one first; None for one that did not."""
    moves = named_moves(scenario)
    if ATTEMPTS in moves:
        return [moves[ATTEMPTS]["outcome"]] * int(moves[ATTEMPTS]["delta"])
    retries = moves.get(RETRIES, {"delta": 0, "reason": None})
    return [*[retries["reason"]] * int(retries["delta"]), None]


def retries_of(scenario: Scenario) -> int:
    """How often the proxy tries again."""
    return len(outcomes_of(scenario)) - 1


def reason_of(scenario: Scenario) -> str | None:
    """Why its stream ends; None where none begins."""
    if scenario.client.status != 200:
        return None
    return EndReason((scenario.client.problem or EndReason.COMPLETED).replace("-", "_")).value


def request_of(scenario: Scenario) -> dict[str, Any]:
    """What the span of the proxy's request says."""
    status, reason = scenario.client.status, reason_of(scenario)
    error = str(status) if status >= 500 else reason if reason != EndReason.COMPLETED else None
    said = {
        "http.response.status_code": status,
        "cortex.problem": scenario.client.problem,
        "cortex.stream.end_reason": reason,
        "error.type": error,
        "span status": "unset" if error is None else "error",
    }
    return {name: value for name, value in said.items() if value is not None}


def attempts_of(scenario: Scenario) -> list[str]:
    """What the spans of the attempts say, each with that of the mock."""
    outcomes = outcomes_of(scenario)
    parts = ",".join(fault_kinds(None if scenario.fault is None else scenario.fault.document))
    hits = [outcome is not None or len(outcomes) == 1 for outcome in outcomes]
    return [
        attempt(number, outcome, scenario.scenario, parts if is_hit else None)
        for number, (outcome, is_hit) in enumerate(zip(outcomes, hits, strict=True))
    ]


def attempt(number: int, outcome: str | None, scenario: str | None, fault: str | None) -> str:
    """One attempt in words; the mock's part of it, too."""
    return f"attempt {number}: {outcome or 'ok'}; the mock played {scenario} with {fault or 'no fault'}"


def lines_of(scenario: Scenario) -> dict[str, Mapping[str, Any]]:
    """The log lines of the request, by event, with the fields that follow."""
    status, problem, reason = scenario.client.status, scenario.client.problem, reason_of(scenario)
    request = {
        "status": status,
        "problem": problem if reason is None else None,
        "retries": retries_of(scenario) or None,
    }
    lines: dict[str, Mapping[str, Any]] = {"request": request}
    if reason is not None:
        lines["stream ended"] = {"reason": reason, "problem": problem}
    return lines


def warnings_of(scenario: Scenario) -> Iterator[str]:
    """The log lines that are worse than news."""
    for outcome in outcomes_of(scenario):
        if outcome == "unreachable":
            yield "snowflake cannot be reached"
