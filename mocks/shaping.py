"""From what a surface answers to what is played: the active scenario's fault, then the form the client asked for."""

from __future__ import annotations

from contracts.cortex import Code
from mocks.faults import Fault, FaultDoesNotApplyError, Plan
from mocks.request import Refusal, Request
from mocks.route import Surface
from mocks.state import Mock


def shaped(mock: Mock, request: Request, surface: Surface, plan: Plan) -> Plan:
    """The plan to play.   Raises: Refusal for an unknown scenario, or one that this answer cannot bear."""
    scenario = mock.scenario_for(request) if surface is Surface.AGENT else None
    if scenario is not None and not plan.headers.get("x-mock-miss"):
        if scenario.fault is not None:
            plan = _faulted(plan, scenario.scenario, scenario.fault)
        plan.headers["x-mock-scenario"] = scenario.scenario
    return plan if plan.finish is None else plan.finish(plan)


def _faulted(plan: Plan, name: str, fault: Fault) -> Plan:
    try:
        return fault.apply(plan)
    except FaultDoesNotApplyError as error:
        message = f"scenario {name!r} cannot be played on this answer: {error}"
        raise Refusal(409, Code.INVALID_PAYLOAD, message, {"scenario": name}) from error
