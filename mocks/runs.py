"""Agent runs: from a run request to the plan of its answer."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

from contracts.cortex import INLINE_RUN_PATH, Code, Event, RunRequest, agent_run_path
from mocks.cassette import Cassette, Frame
from mocks.faults import Fault, FaultDoesNotApplyError, Plan, event_name
from mocks.matching import Asked, Candidate, NearMiss, candidates, find
from mocks.request import Refusal, Request
from mocks.scenario import Scenario
from mocks.state import Mock
from mocks.suggest import suggest

STORED_RUN = r"/api/v2/databases/([^/]+)/schemas/([^/]+)/agents/([^/]+):run"


async def stored_run(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`POST .../agents/{name}:run`."""
    database, schema, agent = (_identifier(part) for part in path.groups())
    asked_path = agent_run_path(database, schema, agent)
    known = mock.agent_paths()
    if asked_path not in known:
        message = (
            f"Agent '{database}.{schema}.{agent}' does not exist or access is not authorized for the current role."
        )
        raise Refusal(404, Code.NOT_FOUND, message, {"known_agents": known})
    return _run(mock, request, asked_path)


async def inline_run(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`POST /api/v2/cortex/agent:run`, configuration in the body, the legacy schema included."""
    return _run(mock, request, INLINE_RUN_PATH)


def _run(mock: Mock, request: Request, path: str) -> Plan:
    run = request.parse(RunRequest)
    _check_thread(mock, request, run)
    scenario = mock.scenario_for(request)
    asked = Asked.of_run(request.method, path, run)
    found = find(asked, candidates(_tapes(mock, scenario)))
    if isinstance(found, list):
        return _miss(mock, request, asked, found)
    plan = _planned(found, scenario, run)
    request.entry.cassette, request.entry.interaction = found.cassette.name, found.index
    request.entry.frames_planned = len(plan.frames)
    if run.thread_id is not None:
        mock.threads(request).touch(request.user, run.thread_id)
    return plan


def _check_thread(mock: Mock, request: Request, run: RunRequest) -> None:
    if run.thread_id is None:
        return
    if run.parent_message_id is None:
        raise Refusal(400, Code.INVALID_PAYLOAD, "parent_message_id is required when thread_id is given.")
    if run.thread_id not in mock.recorded_threads and not mock.threads(request).owns(request.user, run.thread_id):
        message = f"Thread {run.thread_id} does not exist or access is not authorized."
        raise Refusal(404, Code.NOT_FOUND, message, {"recorded_threads": sorted(mock.recorded_threads)})


def _tapes(mock: Mock, scenario: Scenario | None) -> list[Cassette]:
    """The cassettes a scenario plays; those it does not name when it names none."""
    if scenario is None or not scenario.cassettes:
        return mock.cassettes
    return [cassette for cassette in mock.cassettes if cassette.name in scenario.cassettes]


def _planned(found: Candidate, scenario: Scenario | None, run: RunRequest) -> Plan:
    interaction = found.interaction
    plan = Plan.of(interaction.response, interaction.frames)
    if scenario is not None and scenario.fault is not None:
        plan = _faulted(plan, scenario.scenario, scenario.fault)
    plan.headers["X-Mock-Cassette"] = found.cassette.name
    plan.headers["X-Mock-Interaction"] = str(found.index)
    if scenario is not None:
        plan.headers["X-Mock-Scenario"] = scenario.scenario
    return plan if run.wants_stream or plan.status != 200 else collapse(plan)


def _faulted(plan: Plan, name: str, fault: Fault) -> Plan:
    try:
        return fault.apply(plan)
    except FaultDoesNotApplyError as error:
        message = f"scenario {name!r} cannot be played on this answer: {error}"
        raise Refusal(409, Code.INVALID_PAYLOAD, message, {"scenario": name}) from error


def collapse(plan: Plan) -> Plan:
    """The answer to `stream: false`: the final object as JSON, due when the stream would have reached it."""
    headers = {**plan.headers, "Content-Type": "application/json"}
    for frame in plan.frames:
        name = event_name(frame.data)
        if name == Event.RESPONSE:
            body = frame.data.split(b"data: ", 1)[1].rstrip(b"\r\n")
            return Plan(plan.status, headers, (Frame(frame.at_ms, body),), plan.headers_delay_ms)
        if name == Event.ERROR:
            error = json.loads(frame.data.split(b"data: ", 1)[1])
            failed = {"role": "assistant", "content": [], "status": "error", "error": error}
            return Plan(plan.status, headers, (Frame(frame.at_ms, json.dumps(failed).encode()),), plan.headers_delay_ms)
    if plan.ends == "cut":
        return Plan(plan.status, headers, (), plan.headers_delay_ms, "cut")
    raise Refusal(400, Code.INVALID_PAYLOAD, "This answer was recorded without a final object; it can only stream.")


def _miss(mock: Mock, request: Request, asked: Asked, nearest: list[NearMiss]) -> Plan:
    explained: list[dict[str, Any]] = [miss.as_json() for miss in nearest]
    request.entry.nearest = explained
    asks_text = asked.last_user_text is not None and asked.model is None
    if mock.options.strict or not asks_text:
        message = f"No recorded interaction answers {asked.method} {asked.path}; see 'mock.nearest' for what differs."
        raise Refusal(404, Code.NOT_FOUND, message, {"nearest": explained})
    questions = [miss.candidate.interaction.request.match.last_user_text for miss in nearest]
    others = [question.text for question in mock.questions(asked.path)]
    ordered = dict.fromkeys([text for text in questions if text in others] + others)
    request.entry.end("missed")
    return suggest(asked.last_user_text, list(ordered))


def _identifier(part: str) -> str:
    """A path segment as an identifier: quoted names as they are, others upper-case."""
    name = unquote(part)
    return name[1:-1] if len(name) > 1 and name[0] == name[-1] == '"' else name.upper()
