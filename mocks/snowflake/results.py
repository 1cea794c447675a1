"""What became of submitted statements: results, encoded and in partitions, kept for whoever asks later.

The SQL API and the connector keep theirs side by side, so that either finds a query id of the other.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import time
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from contracts.cortex import Code
from mocks.request import Refusal
from mocks.snowflake.cells import Cell
from mocks.snowflake.engine import Column
from mocks.snowflake.sqlerrors import SqlError, canceled

KEPT_S = 24 * 3600.0
KEPT_BYTES = 64 * 1024 * 1024
MAX_KEPT = 1000
MAX_RUNNING = 100
"""Statements of one test that may run at a time; Snowflake's own figure is not public."""


@dataclass(frozen=True, slots=True)
class Partition:
    """Rows as they leave: JSON, and gzip of `{"data": JSON}` for all but the first."""

    row_count: int
    rows: bytes
    compressed: bytes

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return len(self.rows) + len(self.compressed)

    def info(self) -> dict[str, int]:
        """As `partitionInfo` lists it; the first one has no compressed size."""
        sizes = {"rowCount": self.row_count, "uncompressedSize": len(self.rows)}
        return sizes | ({"compressedSize": len(self.compressed)} if self.compressed else {})


@dataclass(frozen=True, slots=True)
class Kept:
    """A result, encoded."""

    columns: tuple[Column, ...]
    partitions: tuple[Partition, ...]
    counts: Mapping[str, int] | None = None
    type_id: int = 0
    children: tuple[str, ...] = ()

    @property
    def row_count(self) -> int:
        """Rows of all partitions."""
        return sum(partition.row_count for partition in self.partitions)

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return sum(partition.size for partition in self.partitions)


@dataclass(slots=True)
class Execution:
    """A submitted statement: who asked, and what came of it."""

    handle: str
    owner: str
    request_id: str
    is_async: bool
    created_ms: int
    task: asyncio.Task[None] | None = None
    kept: Kept | None = None
    error: SqlError | None = None

    @property
    def is_done(self) -> bool:
        """Whether there is a result or an error."""
        return self.kept is not None or self.error is not None


class Executions:
    """The statements of one test, bounded in number, bytes and time; the oldest finished ones go first."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._held: OrderedDict[str, Execution] = OrderedDict()
        self._by_request: dict[tuple[str, str], str] = {}

    def open(self, owner: str, request_id: str, *, is_async: bool = False) -> Execution:
        """A new one.   Raises: Refusal (390505) when too many are running."""
        if sum(not each.is_done for each in self._held.values()) >= MAX_RUNNING:
            raise Refusal(429, Code.TOO_MANY_REQUESTS, "Too many requests.")
        made = Execution(new_handle(), owner, request_id, is_async, int(self._clock() * 1000))
        self._held[made.handle] = made
        self._by_request[owner, request_id] = made.handle
        self._shrink()
        return made

    def find(self, handle: str, owner: str) -> Execution | None:
        """A user's own, unless it is too old."""
        self._shrink()
        found = self._held.get(handle)
        return found if found is not None and found.owner == owner else None

    def resubmitted(self, owner: str, request_id: str) -> Execution | None:
        """What an earlier submission with this request id started."""
        return self.find(self._by_request.get((owner, request_id), ""), owner)

    def _shrink(self) -> None:
        oldest_ms = (self._clock() - KEPT_S) * 1000
        size = sum(each.kept.size for each in self._held.values() if each.kept is not None)
        for handle, each in list(self._held.items())[:-1]:
            if not each.is_done:
                continue
            if len(self._held) <= MAX_KEPT and size <= KEPT_BYTES and each.created_ms >= oldest_ms:
                break
            size -= each.kept.size if each.kept is not None else 0
            del self._held[handle]
            if self._by_request.get((each.owner, each.request_id)) == handle:
                del self._by_request[each.owner, each.request_id]


def new_handle() -> str:
    """A statement handle, or query id: a UUID that begins as Snowflake's do."""
    return f"01{str(uuid.uuid4())[2:]}"


async def carry_out(execution: Execution, work: Awaitable[Kept]) -> None:
    """Run to the end; what came of it stands in the execution."""
    try:
        execution.kept = await work
    except SqlError as error:
        execution.error = error
    except asyncio.CancelledError:
        execution.error = canceled()
    except Exception as error:  # a defect of ours is an internal error of Snowflake's
        execution.error = SqlError("000603", "XX000", "SQL execution internal error:\nProcessing aborted.", repr(error))


def partitioned(rows: Sequence[Sequence[Cell]], partition_bytes: int) -> tuple[Partition, ...]:
    """Rows in partitions of at most so many bytes, one row at least; the first stays as it is."""
    made: list[Partition] = []
    held: list[bytes] = []
    size = 0
    for row in rows:
        text = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()
        if held and size + len(text) > partition_bytes:
            made.append(_partition(held, is_first=not made))
            held, size = [], 0
        held.append(text)
        size += len(text) + 1
    if held or not made:
        made.append(_partition(held, is_first=not made))
    return tuple(made)


def _partition(rows: Sequence[bytes], *, is_first: bool) -> Partition:
    body = b"[" + b",".join(rows) + b"]"
    return Partition(len(rows), body, b"" if is_first else gzip.compress(b'{"data":' + body + b"}", mtime=0))
