"""Agent runs: from a run request to the plan of its answer."""

from __future__ import annotations

import dataclasses
import re
from typing import Any
from urllib.parse import quote

from contracts.cortex import INLINE_RUN_PATH, Code, Event, RunRequest
from mocks.cassette import Cassette
from mocks.faults import Plan
from mocks.matching import STORED_RUN, Asked, Candidate, NearMiss, candidates, find, identifier
from mocks.request import Refusal, Request
from mocks.route import Route, Surface, route
from mocks.scenario import Scenario
from mocks.snowflake.agents import agents_of
from mocks.snowflake.threads import ThreadStore
from mocks.state import Mock
from mocks.suggest import suggest


async def stored_run(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`POST .../agents/{name}:run`."""
    if not agents_of(mock, request).exists(*path.groups()):
        agent = ".".join(identifier(part) for part in path.groups())
        message = f"Agent '{agent}' does not exist or access is not authorized for the current role."
        raise Refusal(404, Code.NOT_FOUND, message, {"known_agents": mock.agent_paths()})
    return _run(mock, request, request.path)


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
        return _miss(mock, request, asked, found, wants_stream=run.wants_stream)
    plan = _planned(found, run)
    request.entry.cassette, request.entry.interaction = found.cassette.name, found.index
    if run.thread_id is not None:
        mock.of_test(request, ThreadStore).touch(request.user, run.thread_id)
    return plan


def _check_thread(mock: Mock, request: Request, run: RunRequest) -> None:
    if run.thread_id is None:
        return
    if run.parent_message_id is None:
        raise Refusal(400, Code.INVALID_PAYLOAD, "parent_message_id is required when thread_id is given.")
    if run.thread_id not in mock.recorded_threads and not mock.of_test(request, ThreadStore).owns(
        request.user, run.thread_id
    ):
        message = f"Thread {run.thread_id} does not exist or access is not authorized."
        raise Refusal(404, Code.NOT_FOUND, message, {"recorded_threads": sorted(mock.recorded_threads)})


def _tapes(mock: Mock, scenario: Scenario | None) -> list[Cassette]:
    """The cassettes a scenario plays: those it names, every one when it names none."""
    if scenario is None or not scenario.cassettes:
        return mock.cassettes
    return [cassette for cassette in mock.cassettes if cassette.name in scenario.cassettes]


def _planned(found: Candidate, run: RunRequest) -> Plan:
    interaction = found.interaction
    plan = Plan.of(interaction.response, interaction.frames)
    plan.headers["x-mock-cassette"] = quote(found.cassette.name)
    plan.headers["x-mock-interaction"] = str(found.index)
    return plan if run.wants_stream else dataclasses.replace(plan, finish=collapse)


def collapse(plan: Plan) -> Plan:
    """The answer to `stream: false`: the final object as JSON, due when the stream would have reached it.

    Raises: Refusal when the stream has none, as in the legacy format or after a fault that ends it early.
    """
    if not plan.is_event_stream:
        return plan
    headers = {**plan.headers, "content-type": "application/json"}
    for frame in plan.frames:
        if frame.event == Event.RESPONSE:
            body = frame.payload
        elif frame.event == Event.ERROR:
            body = b'{"role":"assistant","content":[],"status":"error","error":%b}' % frame.payload
        else:
            continue
        whole = dataclasses.replace(frame, data=body, cut=())
        return dataclasses.replace(plan, headers=headers, frames=(whole,), ends="clean")
    if plan.ends == "cut":
        return dataclasses.replace(plan, headers=headers, frames=())
    message = "This answer has no final object, so it can only be streamed."
    raise Refusal(409, Code.INVALID_PAYLOAD, message)


def _miss(mock: Mock, request: Request, asked: Asked, nearest: list[NearMiss], *, wants_stream: bool) -> Plan:
    explained: list[dict[str, Any]] = [miss.as_json() for miss in nearest]
    request.entry.nearest = explained
    asks_text = asked.last_user_text is not None and asked.model is None
    if mock.options.strict or not asks_text:
        message = f"No recorded interaction answers {asked.method} {asked.path}; see 'mock.nearest' for what differs."
        raise Refusal(404, Code.NOT_FOUND, message, {"nearest": explained})
    near = [miss.candidate.interaction.request.match.last_user_text for miss in nearest]
    openers = [question.text for question in mock.questions(asked.canonical_path)]
    request.entry.end("missed")
    plan = suggest(asked.last_user_text, list(dict.fromkeys([text for text in near if text in openers] + openers)))
    return plan if wants_stream else dataclasses.replace(plan, finish=collapse)


ROUTES: tuple[Route, ...] = (
    route("POST", STORED_RUN, stored_run, Surface.AGENT),
    route("POST", INLINE_RUN_PATH, inline_run, Surface.AGENT),
)
