"""Which faults a request meets, what they have counted so far, and the admin routes below `/__mock/faults`.

A fault comes, the first of these that there is: with the request itself (`X-Mock-Fault`, baggage `mock.fault`, query
`mock_fault`), from the scenario the request names, from its test (admin route, then scenario), from what is set for
everyone (admin route, then scenario). A request that names the scenario `none` meets only a fault of its own.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeVar

from pydantic import Field

from contracts.cortex import Code
from mocks.admin import parse_strictly
from mocks.faults import Plan
from mocks.grammar import Fault, Quota, parse
from mocks.prediction import predict, schedule
from mocks.request import Refusal, Request, json_plan
from mocks.route import Route, Surface, route
from mocks.scenario import Scenario
from mocks.state import Mock
from mocks.strict import Strict, hint

K = TypeVar("K")
V = TypeVar("V")

Source = Literal["scenario", "header", "admin"]
Clock = Callable[[], float]

MAX_COUNTED = 1000
"""Faults, and users, whose requests are counted for a test; the one unused for longest is forgotten."""

MAX_STEPS = 100_000
_PLUS = re.compile(r"[{[:,]\+")
AGENT_ONLY = frozenset({Surface.AGENT})


# --- what a test keeps


@dataclass(slots=True)
class Active:
    """The fault that the admin routes set for a test, or for everyone."""

    fault: Fault | None = None


@dataclass(slots=True)
class Counters:
    """How many requests of a test each fault has seen, and when those within a quota came."""

    clock: Clock = time.monotonic
    _seen: OrderedDict[str, int] = field(default_factory=OrderedDict)
    _windows: OrderedDict[tuple[str, str], deque[float]] = field(default_factory=OrderedDict)

    def hits(self, fault: Fault, user: str) -> bool:
        """Whether this request, which counts from now on, is one that the fault is for."""
        if fault.always_hits:
            return True
        key = fault.identity
        number = self._seen[key] = _recent(self._seen, key, int) + 1
        return (
            number > fault.skip
            and (fault.times is None or number <= fault.skip + fault.times)
            and (fault.probability is None or draw(fault.seed, number) < fault.probability)
            and (fault.quota is None or self._is_over(fault.quota, key, user))
        )

    def _is_over(self, quota: Quota, key: str, user: str) -> bool:
        window = _recent(self._windows, (key, user if quota.per == "user" else ""), deque[float])
        now_s = self.clock()
        while window and window[0] <= now_s - quota.window_s:
            window.popleft()
        if len(window) >= quota.requests:
            return True
        window.append(now_s)
        return False


def draw(seed: int, number: int) -> float:
    """From 0 to 1, always the same for the n-th request."""
    return random.Random(f"{seed}:{number}").random()  # noqa: S311 - repeatable, not secret


def _recent(kept: OrderedDict[K, V], key: K, make: Callable[[], V]) -> V:
    found = kept.setdefault(key, make())
    kept.move_to_end(key)
    if len(kept) > MAX_COUNTED:
        kept.popitem(last=False)
    return found


class Steps:
    """Frames of a test that may leave; streams of one test take from the same heap."""

    def __init__(self) -> None:
        self._gate = asyncio.Semaphore(0)
        self.left = 0
        self.waiting = 0

    def allow(self, count: int) -> None:
        """Let so many more frames leave."""
        self.left += count
        for _ in range(count):
            self._gate.release()

    async def take(self, wait_s: float) -> bool:
        """Whether a frame may leave; waits for it at most so long."""
        self.waiting += 1
        try:
            async with asyncio.timeout(wait_s):
                await self._gate.acquire()
        except TimeoutError:
            return False
        finally:
            self.waiting -= 1
        self.left -= 1
        return True


# --- what a request meets


@dataclass(frozen=True, slots=True)
class Met:
    """What a request meets: the scenario that is active for it, and the faults that are played, in order."""

    scenario: Scenario | None = None
    faults: tuple[Fault, ...] = ()
    source: Source | None = None
    given: Fault | None = None

    @property
    def answers_itself(self) -> bool:
        """Whether the answer is another one altogether, whatever was asked."""
        return bool(self.faults) and self.faults[0].respond is not None


def met(mock: Mock, request: Request, surface: Surface) -> Met:
    """What a request meets; its counters advance.   Raises: Refusal for what cannot be read or is not known."""
    if surface is Surface.ADMIN:
        return Met()
    asked = request.control("fault")
    own = None if asked is None else _parsed(asked, is_baggage=not _is_direct(request))
    scenario = mock.scenario_for(request)
    fault, source = (own, "header") if own is not None else _set(mock, request, scenario)
    concerned = scenario if scenario is not None and scenario.concerns(surface) else None
    if fault is None:
        return Met(concerned)
    default = frozenset({surface}) if _is_direct(request) and source == "header" else AGENT_ONLY
    counters = mock.of_test(request, Counters)
    played = tuple(_played(fault, default, surface, partial(counters.hits, user=request.user)))
    if not played:
        return Met(concerned)
    return Met(concerned, played, source, fault)


def _set(mock: Mock, request: Request, scenario: Scenario | None) -> tuple[Fault | None, Source]:
    """The fault of the scenario, or of the admin routes; see the top of this file for which comes first."""
    of_scenario = None if scenario is None else scenario.fault
    if request.control("scenario") is not None:
        return of_scenario, "scenario"
    if request.test_id is not None:
        if (own := mock.of_test(request, Active).fault) is not None:
            return own, "admin"
        if mock.active_scenario(request.test_id) is not None:
            return of_scenario, "scenario"
    if (shared := mock.of_everyone(Active).fault) is not None:
        return shared, "admin"
    return of_scenario, "scenario"


def _is_direct(request: Request) -> bool:
    """Whether the fault was meant for this very request; baggage travels to every request of a trace."""
    return "x-mock-fault" in request.headers or "mock_fault" in request.query


def _played(
    fault: Fault, default: frozenset[Surface], surface: Surface, hits: Callable[[Fault], bool]
) -> Iterator[Fault]:
    """The faults whose parts apply to this request; one that is not played keeps those in it from being played."""
    on = default if fault.on is None else frozenset(fault.on)
    if fault.parts() and surface not in on:
        return
    if not hits(fault):
        return
    if fault.parts():
        yield fault
    for each in fault.in_order:
        yield from _played(each, on, surface, hits)


def _parsed(text: str, *, is_baggage: bool) -> Fault:
    if is_baggage and _PLUS.search(text):
        text = text.replace("+", " ")  # libraries that pass baggage on may write its blanks so
    try:
        return parse(text)
    except ValueError as error:
        raise Refusal(400, Code.INVALID_PAYLOAD, f"The fault cannot be read: {error}", {"fault": text[:500]}) from error


# --- admin routes


class Setting(Strict):
    """Body of `PUT /__mock/faults`; `X-Test-Id` limits it to one test."""

    fault: Fault
    on: list[Surface] | None = Field(default=None, min_length=1, description="as `on` in the fault")


class Preview(Strict):
    """Body of `POST /__mock/faults/preview`."""

    cassette: str
    interaction: int = Field(default=0, ge=0)
    fault: Fault


class Stepping(Strict):
    """Body of `POST /__mock/step`."""

    count: int = Field(default=1, ge=1, le=MAX_STEPS)


async def faults(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`GET, PUT, DELETE /__mock/faults`: the fault of this test, or of everyone."""
    kept = mock.of_everyone(Active) if request.test_id is None else mock.of_test(request, Active)
    if request.method == "PUT":
        kept.fault = _limited(parse_strictly(request, Setting))
    elif request.method == "DELETE":
        kept.fault = None
    shown = None if kept.fault is None else kept.fault.document
    on = (kept.fault and kept.fault.on) or [Surface.AGENT]
    return json_plan({"fault": shown, "on": on, "test_id": request.test_id})


async def preview(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`POST /__mock/faults/preview`: what a fault would make of a recorded answer, without playing it."""
    asked = parse_strictly(request, Preview)
    tapes = {tape.name: tape for tape in mock.cassettes}
    if asked.cassette not in tapes:
        message = f"No cassette is called {asked.cassette!r}{hint(asked.cassette, tapes)}"
        raise Refusal(404, Code.NOT_FOUND, message)
    interactions = tapes[asked.cassette].interactions
    if asked.interaction >= len(interactions):
        message = f"{asked.cassette} has {len(interactions)} interactions, counted from 0; {asked.interaction} is none."
        raise Refusal(404, Code.NOT_FOUND, message)
    found = interactions[asked.interaction]
    return json_plan(_previewed(Plan.of(found.response, found.frames), asked.fault))


def _previewed(before: Plan, fault: Fault) -> dict[str, Any]:
    predicted = predict(before, fault)
    after = fault.apply(before) if predicted.applies else None
    shown: dict[str, Any] = {"applies": predicted.applies, "why": predicted.why}
    if after is not None:
        shown |= {"status": predicted.status, "headers": after.sent_headers, "ends": after.ends}
        shown["frames"] = schedule(after)
    return {**shown, "predicted": predicted.as_json()}


async def step(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`GET, POST /__mock/step`: how many frames may leave, and more of them; of this test, or of all without one."""
    steps = mock.of_test(request, Steps)
    if request.method == "POST":
        count = parse_strictly(request, Stepping).count
        if steps.left + count > MAX_STEPS:
            raise Refusal(400, Code.INVALID_PAYLOAD, f"{steps.left} steps are left; at most {MAX_STEPS} are kept.")
        steps.allow(count)
    return json_plan({"left": steps.left, "waiting": steps.waiting, "test_id": request.test_id})


def _limited(setting: Setting) -> Fault:
    return setting.fault if setting.on is None else setting.fault.model_copy(update={"on": setting.on})


ROUTES: tuple[Route, ...] = (
    route("GET PUT DELETE", r"/__mock/faults", faults, Surface.ADMIN, public=True),
    route("POST", r"/__mock/faults/preview", preview, Surface.ADMIN, public=True),
    route("GET POST", r"/__mock/step", step, Surface.ADMIN, public=True),
)
