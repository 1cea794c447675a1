"""From what a surface answers to what is played.

In this order: the faults that the request meets, what is assumed of all streams, the form the client asked for.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from functools import partial

from contracts.cortex import Code, Event
from mocks.assumptions import Assumptions
from mocks.cassette import FRAME_ENDS, Frame
from mocks.faulting import Met, Steps, met
from mocks.faults import FaultDoesNotApplyError, Plan
from mocks.request import Refusal, Request
from mocks.route import Route, Surface
from mocks.state import Mock

COMMENT = b": keep-alive\n\n"
MAX_COMMENTS = 10_000
"""How many keep-alive comments one stream gets."""


async def answered(mock: Mock, request: Request, route: Route, path: re.Match[str]) -> Plan:
    """The plan to play for a request of a route.

    Where a fault answers itself, nothing is done first: a statement that is throttled is not run. Only an agent's
    answer is looked up all the same, so that the journal knows what was asked.

    Raises: Refusal of the route; for an unknown scenario, a fault that cannot be read or that this answer cannot bear.
    """
    meets = met(mock, request, route.surface)
    if meets.answers_itself and route.surface is not Surface.AGENT:
        plan = Plan(200, {}, ())
    else:
        plan = await route.handler(mock, request, path)
    if route.surface is not Surface.ADMIN:
        plan = _shaped(mock, request, meets, plan)
    return _finished(mock, request, plan)


def _shaped(mock: Mock, request: Request, meets: Met, plan: Plan) -> Plan:
    if not plan.headers.get("x-mock-miss"):
        plan = _faulted(request, meets, plan)
        if meets.scenario is not None:
            plan = plan.labelled("x-mock-scenario", meets.scenario.scenario)
    return assumed(plan, mock.options.assume, request.pace(mock.options.pace))


def _faulted(request: Request, meets: Met, plan: Plan) -> Plan:
    if meets.source is None or meets.given is None:
        return plan
    try:
        for each in meets.faults:
            plan = each.apply_parts(plan)
    except FaultDoesNotApplyError as error:
        raise _unbearable(meets, error) from error
    request.entry.fault, request.entry.fault_source = meets.given.document, meets.source
    return plan.labelled("x-mock-fault", meets.source)


def _unbearable(meets: Met, error: FaultDoesNotApplyError) -> Refusal:
    if meets.source == "scenario" and meets.scenario is not None:
        what, told = f"scenario {meets.scenario.scenario!r}", {"scenario": meets.scenario.scenario}
    else:
        what, told = f"the fault of the {meets.source}", {}
    given = None if meets.given is None else meets.given.document
    message = f"{what} cannot be played on this answer: {error}"
    return Refusal(409, Code.INVALID_PAYLOAD, message, {**told, "fault": given})


def _finished(mock: Mock, request: Request, plan: Plan) -> Plan:
    if plan.finish is not None:
        plan = plan.finish(plan)
    if plan.step_wait_s is None:
        return plan
    if not plan.is_event_stream:
        raise Refusal(409, Code.INVALID_PAYLOAD, "Only an event stream can leave step by step; this answer is whole.")
    return dataclasses.replace(plan, step=partial(mock.of_test(request, Steps).take, plan.step_wait_s))


# --- what is assumed of all answers


def assumed(plan: Plan, assume: Assumptions, pace: float) -> Plan:
    """The plan as the switches of `mocks/assumptions.py` have it; they come last, as a server's own habits would."""
    if plan.status == 429 and assume.retry_after_s and "retry-after" not in plan.headers:
        plan = plan.labelled("retry-after", str(assume.retry_after_s))
    if not plan.is_event_stream:
        return plan
    if not assume.done_after_error:
        plan = dataclasses.replace(plan, frames=tuple(_without_done_after_error(plan.frames)))
    if assume.keep_alive_comment_s and plan.step_wait_s is None:
        every_ms = assume.keep_alive_comment_s * 1000
        plan = dataclasses.replace(plan, frames=tuple(_with_comments(plan, every_ms, pace)))
    return plan


def _without_done_after_error(frames: tuple[Frame, ...]) -> Iterator[Frame]:
    has_failed = False
    for frame in frames:
        has_failed = has_failed or frame.event == Event.ERROR
        if not (has_failed and frame.event == Event.DONE):
            yield frame


def _with_comments(plan: Plan, every_ms: float, pace: float) -> Iterator[Frame]:
    """The frames, with a comment for every so many milliseconds of real time that pass without any."""
    before, left = Frame(0.0, b"\n\n", held_ms=plan.headers_delay_ms), MAX_COMMENTS
    for frame in plan.frames:
        silence_ms = frame.due_ms(pace) - before.due_ms(pace)
        beats = min(int(silence_ms / every_ms), left) if before.data.endswith(FRAME_ENDS) else 0
        left -= beats
        for number in range(1, beats + 1):
            yield dataclasses.replace(before, data=COMMENT, cut=(), held_ms=before.held_ms + number * every_ms)
        yield frame
        before = frame
