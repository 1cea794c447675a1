"""The grammar of faults: which parts one is made of, in which order they apply, and when it is played at all.

Written as YAML in scenarios and as JSON everywhere else:

    {"cut": {"after": "response.text.delta", "count": 2}}
    {"respond": "too_many_requests", "times": 2}
    {"stall": {"before": "done", "ms": 500}, "probability": 0.3, "seed": 7}
    [{"insert": {"after": "head", "frame": ": hello\\n\\n"}}, {"respond": "unavailable", "on": ["search"]}]
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from mocks.faults import (
    ContentType,
    Corrupt,
    Cut,
    Delay,
    Drop,
    Duplicate,
    Expire,
    Fail,
    Heartbeat,
    Insert,
    LineEnds,
    Pace,
    Plan,
    Rate,
    Reorder,
    Reset,
    Respond,
    Split,
    Stall,
    Step,
)
from mocks.route import Surface
from mocks.strict import Strict, explain

MAX_REQUESTS = 10_000
MAX_IN_ORDER = 20
PARTS = (
    "respond",
    "drop",
    "duplicate",
    "reorder",
    "corrupt",
    "insert",
    "fail",
    "expire",
    "heartbeat",
    "pace",
    "rate",
    "stall",
    "delay",
    "line_ends",
    "split",
    "content_type",
    "step",
    "cut",
    "reset",
)
"""The order in which the parts of one fault apply; for another, give a list of faults."""


class Quota(Strict):
    """So many requests in a window; the fault is played on those beyond."""

    requests: int = Field(ge=1, le=MAX_REQUESTS, description="that are served")
    window_s: float = Field(default=60, gt=0, le=86_400, allow_inf_nan=False, description="a sliding window")
    per: Literal["test", "user"] = Field(default="test", description="whose requests count together, within a test")


class Fault(Strict):
    """A composition: every part given is applied, in the order of the fields here."""

    respond: Respond | None = Field(default=None, description="another answer, before anything is done")
    drop: Drop | None = None
    duplicate: Duplicate | None = None
    reorder: Reorder | None = None
    corrupt: Corrupt | None = None
    insert: Insert | None = None
    fail: Fail | None = None
    expire: Expire | None = None
    heartbeat: Heartbeat | None = None
    pace: Pace | None = None
    rate: Rate | None = None
    stall: Stall | None = None
    delay: Delay | None = None
    line_ends: LineEnds | None = None
    split: Split | None = None
    content_type: ContentType | None = None
    step: Step | None = None
    cut: Cut | None = None
    reset: Reset | None = None

    in_order: list[Fault] = Field(
        default_factory=list,
        max_length=MAX_IN_ORDER,
        description="faults applied one after the other, behind the parts above; a bare list means the same",
    )
    on: list[Surface] | None = Field(
        default=None,
        min_length=1,
        description="surfaces it is played on; absent: agent, or whatever the request that carries the fault asks for",
    )
    skip: int = Field(default=0, ge=0, le=MAX_REQUESTS, description="the first so many requests are spared")
    times: int | None = Field(
        default=None, ge=1, le=MAX_REQUESTS, description="only so many requests are hit, later ones succeed"
    )
    probability: float | None = Field(
        default=None, gt=0, le=1, allow_inf_nan=False, description="which share of requests is hit, by a seeded draw"
    )
    seed: int = Field(default=0, description="of the draw; the n-th request of a test always draws the same")
    quota: Quota | None = Field(default=None, description="play it beyond a quota; alone, it answers 429 there")

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, given: Any) -> Any:
        return {"in_order": given} if isinstance(given, list) else given

    @model_validator(mode="after")
    def _says_something(self) -> Fault:
        if not self.parts() and not self.in_order:
            raise ValueError(f"a fault names at least one of: {', '.join(PARTS)}, in_order, quota")
        if "seed" in self.model_fields_set and self.probability is None:
            raise ValueError("a seed goes with a probability")
        if self.on is not None and Surface.ADMIN in self.on:
            raise ValueError("the admin routes never have faults")
        return self

    def parts(self) -> list[Any]:
        """The parts given, in the order in which they apply."""
        given = [part for name in PARTS if (part := getattr(self, name)) is not None]
        return [_OVER_QUOTA] if self.quota is not None and not given and not self.in_order else given

    def apply_parts(self, plan: Plan) -> Plan:
        """The plan with this fault's own parts applied.   Raises: FaultDoesNotApplyError."""
        for part in self.parts():
            plan = part.apply(plan)
        return plan

    def apply(self, plan: Plan) -> Plan:
        """The plan with everything applied, whatever it depends on.   Raises: FaultDoesNotApplyError."""
        for each in self.flat():
            plan = each.apply_parts(plan)
        return plan

    def flat(self) -> Iterator[Fault]:
        """This fault and those in it, in the order in which they apply."""
        yield self
        for each in self.in_order:
            yield from each.flat()

    @property
    def always_hits(self) -> bool:
        """Whether neither chance nor the number of requests decides."""
        return not self.skip and self.times is None and self.probability is None and self.quota is None

    @cached_property
    def document(self) -> dict[str, Any]:
        """As its author wrote it, short forms spelt out; not to be changed, for the journal's entries share it."""
        return self.model_dump(mode="json", exclude_unset=True, by_alias=True)

    @cached_property
    def identity(self) -> str:
        """Equal for faults that were written alike."""
        return self.model_dump_json(exclude_unset=True)


_OVER_QUOTA = Respond(like="too_many_requests")


def parse(text: str | bytes) -> Fault:
    """A fault from JSON.   Raises: ValueError with every place that is wrong, and the names known there."""
    try:
        return Fault.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(explain(error, Fault)) from error
