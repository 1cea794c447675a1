"""Limits and patience per endpoint: one table, whose every cell is a setting.

`CORTEX_PROXY_POLICIES__CHAT__RATE=60` changes one cell. Rates and concurrency count per subject, that is per user of
the page; for `token` per client address, since nobody is known yet. What a whole process can bear is in `settings`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

KIB = 1024
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]


class RetryClass(StrEnum):
    """Which upstream failures may be tried again; never any once a byte of the answer has gone to the client."""

    NEVER = "never"
    UNSENT = "unsent"
    """The upstream has not acted on it: connecting failed, or it answered 429 or 503."""

    IDEMPOTENT = "idempotent"
    """Additionally 502, 504 and a connection that broke before the answer: asking twice does no harm."""


class Policy(BaseModel):
    """One row. Times are seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    rate: Count = Field(description="requests per window_s")
    window_s: Annotated[int, Field(ge=1, le=86_400)] = 60
    burst: Count = Field(description="requests per burst_s")
    burst_s: Annotated[int, Field(ge=1, le=3600)] = 1
    at_once: Count = Field(description="requests of one subject in progress at the same time")
    body_bytes: Annotated[int, Field(ge=KIB, le=16 * KIB * KIB)] = 16 * KIB
    connect_timeout_s: Seconds = 3.05
    header_timeout_s: Seconds = Field(default=30.0, description="from a request to the first line of its answer")
    idle_timeout_s: Seconds = Field(default=30.0, description="longest silence within an answer")
    deadline_s: Seconds = Field(default=60.0, description="whole request, waiting and trying again included")
    retry: RetryClass = RetryClass.NEVER


def _unary(**changed: object) -> Policy:
    return Policy.model_validate({"rate": 60, "burst": 10, "at_once": 4} | changed)


class Policies(BaseModel):
    """The table. A run may take Snowflake's 900 s, and be silent for long while a query runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: Policy = _unary(rate=120, burst=30, at_once=16)
    chat: Policy = Policy(
        rate=30,
        burst=6,
        burst_s=2,
        at_once=4,
        body_bytes=256 * KIB,
        header_timeout_s=120,
        idle_timeout_s=300,
        deadline_s=960,
        retry=RetryClass.UNSENT,
    )
    tool_search: Policy = _unary(
        rate=120, at_once=8, header_timeout_s=10, idle_timeout_s=10, deadline_s=20, retry=RetryClass.IDEMPOTENT
    )
    tool_analyst: Policy = _unary(
        rate=20,
        burst=4,
        body_bytes=256 * KIB,
        header_timeout_s=60,
        idle_timeout_s=60,
        deadline_s=120,
        retry=RetryClass.IDEMPOTENT,
    )
    tool_sql: Policy = _unary(
        rate=60, body_bytes=64 * KIB, header_timeout_s=60, deadline_s=120, retry=RetryClass.IDEMPOTENT
    )
    tool_chart: Policy = _unary(
        rate=20,
        burst=4,
        body_bytes=1024 * KIB,
        header_timeout_s=60,
        idle_timeout_s=60,
        deadline_s=120,
        retry=RetryClass.UNSENT,
    )
    history: Policy = _unary(rate=120, burst=20)
    report: Policy = _unary(rate=60, burst=10, body_bytes=64 * KIB)

    def largest_body_bytes(self) -> int:
        """What the largest request of any endpoint may hold."""
        policies: list[Policy] = [policy for _, policy in self]
        return max(policy.body_bytes for policy in policies)
