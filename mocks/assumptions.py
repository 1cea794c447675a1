"""What the mock assumes where public material leaves Snowflake's behaviour open; each can be switched.

`docs/cortex-wire.md` lists the open points. A switch is given as `--assume name=value`, as often as needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field, ValidationError

from mocks.strict import Strict, explain


class Assumptions(Strict):
    """Named switches; the defaults are what the mock assumes."""

    keep_alive_comment_s: float = Field(default=0, ge=0, description="a comment line every so many seconds; 0: none")
    done_after_error: bool = Field(default=True, description="a stream that failed still ends with `done`")
    network_block_status: Literal["401", "403"] = Field(
        default="403", description="status of a network policy's refusal"
    )
    search_numbers: Literal["strings", "numbers"] = Field(
        default="strings", description="how NUMBER columns come back from a search"
    )
    analyst_done: Literal["{}", "[DONE]", ""] = Field(default="{}", description="data of Analyst's `done` event")
    retry_after_s: int = Field(default=0, ge=0, description="Retry-After of a 429; 0: no such header")
    strict_agent: bool = Field(default=False, description="400 for `models` in a stored agent's run, else ignored")
    thread_created: Literal["object", "string"] = Field(default="object", description="what thread creation returns")
    sql_wait_s: float = Field(default=45, ge=0, description="for how long the SQL API waits before it answers 202")
    sql_partition_bytes: int = Field(
        default=10_000_000, ge=1, description="size of a result's partitions, uncompressed"
    )
    finish_reason: bool = Field(default=False, description="`finish_reason` for Claude in chat completions")


def parse(given: Iterable[str]) -> Assumptions:
    """The switches of `name=value` texts; the others stay.   Raises: ValueError naming the known ones."""
    values = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals:
            raise ValueError(f"assumption {each!r} has no value; write name=value")
        values[name] = value
    try:
        return Assumptions.model_validate(values)
    except ValidationError as error:
        raise ValueError(f"assumption {explain(error, Assumptions)}") from error
