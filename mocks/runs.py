"""Agent runs: from a run request to the plan of its answer.

A run stands in no thread, in a recorded thread or in one that was created here. The first two are answered byte for
byte. In a created thread the answer gets that thread's ids (`mocks/ids.py`), the turn is stored there, and what a
cassette calls the message before it is looked up in the turn it was asked on (`docs/decisions/0003`).
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import json
import re
import uuid
from dataclasses import dataclass

from contracts.cortex import INLINE_RUN_PATH, REQUEST_ID_HEADER, Code, Event, RunRequest, agent_version_run_path
from mocks import background, ids
from mocks.background import Follower, Run, Runs
from mocks.charting import draw
from mocks.faults import Plan
from mocks.ids import Place, Tape
from mocks.matching import (
    STORED_RUN,
    VERSIONED_RUN,
    Asked,
    Candidate,
    NearMiss,
    Shelf,
    agent_of,
    identifier,
    recorded_path,
)
from mocks.request import Refusal, Request, parsed
from mocks.route import Route, Surface, route
from mocks.scenario import Scenario
from mocks.snowflake.agents import agents_of
from mocks.snowflake.models import COMPLETING, Family, family
from mocks.snowflake.threads import Conversation, ThreadStore, Turn
from mocks.state import Mock
from mocks.suggest import nearest_questions, refusal, suggest

MODELS = ("auto", *(model for model in COMPLETING if family(model) is not Family.OTHER))
"""Models that an inline agent may name; a region offers others than the next, so this is an example of such a list."""

VERSIONS = ("VERSION$1", "FIRST", "LAST", "DEFAULT", "LIVE")
"""Versions that every agent here has: the one it was created with, under all its names."""

TOOL_NOT_ACCESSIBLE = ("accept", "reject", "legacy")
REMEMBERED, REMEMBERED_BYTES = 256, 4096
"""Under load the same is asked again and again: so many bodies, up to this size, are read only once."""

_REQUEST_ID = REQUEST_ID_HEADER.lower()
_CONFIGURATION = ("models", "instructions", "orchestration")


async def stored_run(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`POST .../agents/{name}:run`."""
    _check_agent(mock, request, path)
    return await _stored(mock, request, path)


async def versioned_run(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`POST .../agents/{name}/versions/{version}:run`: recordings of that version, or those of the agent."""
    _check_agent(mock, request, path)
    database, schema, name, version = map(identifier, path.groups())
    known = [*VERSIONS, *_recorded_versions(mock, database, schema, name)]
    if version not in known:
        message = f"Version '{version}' of agent '{database}.{schema}.{name}' does not exist."
        raise Refusal(404, Code.NOT_FOUND, message, {"known_versions": known})
    return await _stored(mock, request, path)


async def inline_run(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`POST /api/v2/cortex/agent:run`, configuration in the body, the legacy schema included."""
    run, asked = _read(request, INLINE_RUN_PATH)
    model = run.models.orchestration if run.models is not None else None
    if model is not None and model.lower() not in MODELS:
        raise _refused(f"Model '{model[:100]}' is not available. Available models: {', '.join(MODELS)}.")
    mode = run.orchestration.tool_not_accessible if run.orchestration is not None else None
    if mode is not None and mode.lower() not in TOOL_NOT_ACCESSIBLE:
        accepted = ", ".join(TOOL_NOT_ACCESSIBLE)
        raise _refused(f"orchestration.tool_not_accessible '{mode[:100]}' is not one of {accepted}.")
    return await _run(mock, request, run, asked)


def _check_agent(mock: Mock, request: Request, path: re.Match[str]) -> None:
    if not agents_of(mock, request).exists(*path.groups()[:3]):
        agent = ".".join(identifier(part) for part in path.groups()[:3])
        message = f"Agent '{agent}' does not exist or access is not authorized for the current role."
        raise Refusal(404, Code.NOT_FOUND, message, {"known_agents": mock.agent_paths()})


def _recorded_versions(mock: Mock, database: str, schema: str, name: str) -> list[str]:
    """Further versions that cassettes answer for."""
    paths = {recorded_path(each.request.path) for tape in mock.cassettes for each in tape.interactions}
    found = (re.fullmatch(VERSIONED_RUN, path) for path in sorted(paths))
    versions = [match[4] for match in found if match is not None]
    return [each for each in versions if agent_version_run_path(database, schema, name, each) in paths]


async def _stored(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    run, asked = _read(request, request.path)
    given = [name for name in _CONFIGURATION if getattr(run, name) is not None]
    if given and mock.options.assume.strict_agent:
        raise _refused(f"{', '.join(given)} cannot be set in a run of a stored agent; update the agent instead.")
    database, schema, name = map(identifier, path.groups()[:3])
    return await _run(mock, request, run, asked, {"database": database, "schema": schema, "name": name})


def _read(request: Request, path: str) -> tuple[RunRequest, Asked]:
    """The run, and the question that it asks on a path.   Raises: Refusal."""
    read = _understood if len(request.body) > REMEMBERED_BYTES else _remembered
    return read(request.method, path, request.body)


def _understood(method: str, path: str, body: bytes) -> tuple[RunRequest, Asked]:
    run = parsed(RunRequest, body)
    return run, Asked.of_run(method, path, run)


_remembered = functools.lru_cache(maxsize=REMEMBERED)(_understood)


def _refused(message: str) -> Refusal:
    return Refusal(400, Code.INVALID_PAYLOAD, message)


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where a run was asked. parent_message_id: as cassettes know it.   before: the turn that it follows.

    conversation: the created thread; None for a recorded one.
    """

    thread_id: int
    parent_message_id: int | None
    conversation: Conversation | None = None
    before: Turn | None = None


async def _run(
    mock: Mock, request: Request, run: RunRequest, asked: Asked, agent: dict[str, str] | None = None
) -> Plan:
    _check(run)
    standing = _standing(mock, request, run)
    scenario = mock.scenario_for(request)
    if standing is not None:
        asked = asked.continuing(standing.parent_message_id)
    found = _found(asked, _shelf(mock, scenario))
    if isinstance(found, list):
        plan = draw(run) or _miss(mock, request, asked, found)
    else:
        request.entry.cassette, request.entry.interaction = found.cassette.name, found.index
        request.entry.matched = asked.compared_with(found.interaction)
        plan = found.plan
    if standing is not None and plan.is_event_stream:
        tape = await asyncio.to_thread(ids.read, plan.frames)
        if tape.is_run:
            return _Begun(mock, request, run, standing, agent).plan(plan, tape)
    return plan if run.wants_stream else dataclasses.replace(plan, finish=collapse)


def _check(run: RunRequest) -> None:
    """What Snowflake documents of a run's fields, beyond their types.   Raises: Refusal."""
    choice = run.tool_choice
    if choice is not None and choice.type == "tool" and not choice.name:
        raise _refused("tool_choice of type 'tool' needs the name of at least one tool.")
    if run.background and run.thread_id is None:
        raise _refused("background runs are only available with a thread; give thread_id and parent_message_id.")
    if run.thread_id is not None and any(message.role == "assistant" for message in run.messages):
        raise _refused("With thread_id, messages holds only the new user message; the thread knows the others.")


def _found(asked: Asked, shelf: Shelf) -> Candidate | list[NearMiss]:
    """What answers; a version without recordings of its own answers with its agent's."""
    found = shelf.find(asked)
    if isinstance(found, list) and agent_of(asked.path) not in (None, asked.canonical_path):
        return shelf.find(asked.of_agent())
    return found


def _standing(mock: Mock, request: Request, run: RunRequest) -> _Standing | None:
    """Where in a thread the run stands; None without one.   Raises: Refusal."""
    if run.thread_id is None:
        return None
    if run.parent_message_id is None:
        raise _refused("parent_message_id is required when thread_id is given.")
    if run.thread_id in mock.recorded_threads:
        return _Standing(run.thread_id, run.parent_message_id)
    conversation = mock.of_test(request, ThreadStore).find(request.user, run.thread_id)
    if conversation is None:
        message = f"Thread {run.thread_id} does not exist or access is not authorized."
        raise Refusal(404, Code.NOT_FOUND, message, {"recorded_threads": sorted(mock.recorded_threads)})
    try:
        before = conversation.asked_on(run.parent_message_id)
    except ValueError as error:
        raise _refused(str(error)) from error
    return _Standing(run.thread_id, 0 if before is None else before.recorded_id, conversation, before)


@dataclass(frozen=True, slots=True)
class _Begun:
    """A run on a thread, from its plan to its beginning, which is when every fault is in."""

    mock: Mock
    request: Request
    asked: RunRequest
    standing: _Standing
    agent: dict[str, str] | None

    def plan(self, plan: Plan, tape: Tape) -> Plan:
        """The plan that plays the run, or only starts it."""
        place: Place | None = None
        if self.standing.conversation is not None:
            place = self.mock.of_test(self.request, ThreadStore).place(self.standing.thread_id)
        if _REQUEST_ID not in plan.headers:
            plan = plan.labelled(_REQUEST_ID, str(uuid.uuid4()))
        run = Run(
            owner=self.request.user,
            thread_id=self.standing.thread_id,
            tape=tape,
            place=place,
            started_s=self.request.entry.started_mono_s,
            pace=self.request.pace(self.mock.options.pace),
            headers={name: value for name, value in plan.headers.items() if name.startswith("x-mock-")},
            exchange=None if self.asked.background else self.request.entry,
        )
        if self.asked.background and not self.asked.wants_stream:
            plan = background.started(run, plan)
        else:
            plan = dataclasses.replace(plan, frames=run.frames(), live=Follower(run, run.started_s))
        return dataclasses.replace(plan, finish=lambda shaped: self._finish(plan, shaped, run))

    def _finish(self, planned: Plan, shaped: Plan, run: Run) -> Plan:
        """The plan to play; the run begins unless a fault answers in its stead."""
        final = shaped
        if shaped.is_event_stream and not self.asked.wants_stream:
            final = collapse(shaped)
        if background.is_answered(planned, shaped):
            self._begin(planned, run)
        return final

    def _begin(self, planned: Plan, run: Run) -> None:
        self.mock.of_test(self.request, Runs).add(run)
        conversation, place = self.standing.conversation, run.place
        if conversation is None or place is None:
            return
        store, before = self.mock.of_test(self.request, ThreadStore), self.standing.before
        answered = run.tape.ids.get("assistant_message_id", self.standing.parent_message_id)
        turn = Turn(
            place=place,
            parent_id=None if before is None else before.place.assistant_message_id,
            recorded_id=answered if isinstance(answered, int) else None,
            question=_question(self.asked),
            created_ms=int(self.request.entry.at * 1000),
            run=run,
            request_id=planned.headers.get(_REQUEST_ID),
            agent=self.agent,
        )
        store.add(conversation, turn)


def _question(asked: RunRequest) -> str:
    """The user's message as it is stored: JSON of its role and its content as it came."""
    items = [item for message in asked.messages if message.role == "user" for item in message.content]
    content = [item.model_dump(exclude_unset=True) for item in items]
    return json.dumps({"role": "user", "content": content, "status": "completed"}, ensure_ascii=False)


def _shelf(mock: Mock, scenario: Scenario | None) -> Shelf:
    """What a scenario plays: the cassettes it names, every one when it names none."""
    if scenario is None or not scenario.cassettes:
        return mock.shelf
    return Shelf(each for each in mock.shelf if each.cassette.name in scenario.cassettes)


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
        live = None if plan.live is None else plan.live.collapsed()
        return dataclasses.replace(plan, headers=headers, frames=(whole,), ends="clean", live=live)
    if plan.ends != "clean":
        return dataclasses.replace(plan, headers=headers, frames=())
    message = "This answer has no final object, so it can only be streamed."
    raise Refusal(409, Code.INVALID_PAYLOAD, message)


def _miss(mock: Mock, request: Request, asked: Asked, nearest: list[NearMiss]) -> Plan:
    refused = refusal(request, asked, nearest)
    asks_text = asked.last_user_text is not None and asked.model is None
    if mock.options.strict or not asks_text:
        raise refused
    openers = [question.text for question in mock.questions(asked.canonical_path)]
    request.entry.end("missed")
    return suggest(asked.last_user_text, nearest_questions(nearest, openers))


ROUTES: tuple[Route, ...] = (
    route("POST", STORED_RUN, stored_run, Surface.AGENT),
    route("POST", INLINE_RUN_PATH, inline_run, Surface.AGENT),
    route("POST", VERSIONED_RUN, versioned_run, Surface.AGENT),
    *background.ROUTES,
)
