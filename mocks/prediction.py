"""What a client will see of an answer under a fault, told without playing it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from contracts.cortex import TERMINAL_EVENTS
from mocks.cassette import FRAME_ENDS
from mocks.faults import FaultDoesNotApplyError, Plan
from mocks.grammar import Fault

MAX_FRAMES = 2000
"""How many frames a schedule shows."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What a client of the mock sees, at the recorded pace.

    status: None when not even a status line arrives.   terminal: the last of the events that end a run, None when
    none arrives.   whole: whether the last frame is.   added_ms: how much later the end comes.   problem: what the
    proxy makes of it, where that is known.   depends: on what it depends whether the fault is played.
    """

    applies: bool
    why: str | None = None
    status: int | None = None
    content_type: str | None = None
    frames: int = 0
    body_bytes: int = 0
    ends: str = "clean"
    terminal: str | None = None
    whole: bool = True
    first_ms: float | None = None
    added_ms: float = 0.0
    stepwise: bool = False
    depends: str | None = None
    problem: str | None = None

    def as_json(self) -> dict[str, Any]:
        """For the admin route."""
        return asdict(self)


def predict(before: Plan, fault: Fault, problem: str | None = None) -> Effects:
    """The effects of a fault, were it played, on an answer.   problem: expected of the proxy, by its name."""
    try:
        after = fault.apply(before)
    except FaultDoesNotApplyError as error:
        return Effects(applies=False, why=str(error), depends=_depends(fault))
    last = after.frames[-1].data if after.frames else b""
    return Effects(
        applies=True,
        status=after.status if after.has_head else None,
        content_type=after.sent_headers.get("content-type") if after.has_head else None,
        frames=len(after.frames),
        body_bytes=sum(len(frame.data) for frame in after.frames),
        ends=after.ends,
        terminal=_terminal(after),
        whole=not after.is_event_stream or last.endswith(FRAME_ENDS) or not last,
        first_ms=round(after.frames[0].due_ms(1), 1) if after.frames else None,
        added_ms=round(_end_ms(after) - _end_ms(before), 1),
        stepwise=after.step_wait_s is not None,
        depends=_depends(fault),
        problem=problem,
    )


def schedule(plan: Plan) -> list[tuple[float, int, str]]:
    """When each frame leaves in milliseconds, its bytes and its event; the first so many."""
    return [(round(each.due_ms(1), 3), len(each.data), each.event) for each in plan.frames[:MAX_FRAMES]]


def _terminal(plan: Plan) -> str | None:
    whole = (frame.event for frame in plan.frames if frame.data.endswith(FRAME_ENDS))
    found = [event for event in whole if event in TERMINAL_EVENTS] if plan.is_event_stream else []
    return found[-1] if found else None


def _end_ms(plan: Plan) -> float:
    return max((frame.due_ms(1) for frame in plan.frames), default=plan.headers_delay_ms)


def _depends(fault: Fault) -> str | None:
    """In words; None when every request is hit."""
    said = [text for each in fault.flat() for text in _conditions(each)]
    return "; ".join(said) or None


def _conditions(fault: Fault) -> list[str]:
    said = []
    if fault.skip:
        said.append(f"not on the first {fault.skip} requests of a test")
    if fault.times is not None:
        said.append(f"on {fault.times} requests of a test, later ones succeed")
    if fault.probability is not None:
        said.append(f"on {fault.probability:.0%} of requests, seed {fault.seed}")
    if fault.quota is not None:
        quota = fault.quota
        said.append(f"beyond {quota.requests} requests in {quota.window_s:g} s of one {quota.per}")
    return said
