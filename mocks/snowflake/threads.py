"""Threads: created, listed, and known to runs. A thread belongs to its user; another user's does not exist."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable

from contracts.cortex import THREADS_PATH, Code, Thread, ThreadRequest
from mocks.faults import Plan
from mocks.request import Refusal, Request, json_plan
from mocks.route import Route, Surface, route
from mocks.state import Mock

FIRST_ID = 1001
MAX_ORIGIN_BYTES = 16
MAX_THREADS = 10_000


class ThreadStore:
    """The threads of every user, bounded: past `MAX_THREADS` the one unused for longest is forgotten."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._threads: dict[int, tuple[str, Thread]] = {}
        self._next_id = FIRST_ID

    def create(self, owner: str, origin_application: str = "") -> Thread:
        """A new, empty thread of this user.   Raises: ValueError when the origin has more than 16 bytes."""
        if len(origin_application.encode()) > MAX_ORIGIN_BYTES:
            raise ValueError(f"origin_application must have at most {MAX_ORIGIN_BYTES} bytes")
        now_ms = int(self._clock() * 1000)
        thread = Thread(
            thread_id=self._next_id, origin_application=origin_application, created_on=now_ms, updated_on=now_ms
        )
        self._next_id += 1
        self._threads[thread.thread_id] = (owner, thread)
        if len(self._threads) > MAX_THREADS:
            del self._threads[next(iter(self._threads))]
        return thread

    def touch(self, owner: str, thread_id: int) -> None:
        """Note that a turn ran on this thread; a thread that is not this user's stays untouched."""
        found = self._threads.get(thread_id)
        if found is not None and found[0] == owner:
            updated = found[1].model_copy(update={"updated_on": int(self._clock() * 1000)})
            del self._threads[thread_id]  # to the end: two changes may fall into one millisecond
            self._threads[thread_id] = (owner, updated)

    def list(self, owner: str, origin_application: str | None = None) -> list[Thread]:
        """This user's threads, newest first."""
        latest_first = reversed(self._threads.values())
        mine: Iterable[Thread] = (thread for whose, thread in latest_first if whose == owner)
        if origin_application is not None:
            mine = (thread for thread in mine if thread.origin_application == origin_application)
        return sorted(mine, key=lambda thread: -thread.updated_on)

    def owns(self, owner: str, thread_id: int) -> bool:
        """Whether this user has this thread."""
        found = self._threads.get(thread_id)
        return found is not None and found[0] == owner


async def _create(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`POST /api/v2/cortex/threads`: answers the metadata object, as servers do (the docs print a bare string)."""
    try:
        origin = request.parse(ThreadRequest).origin_application or ""
        return json_plan(mock.of_test(request, ThreadStore).create(request.user, origin).model_dump())
    except ValueError as error:
        raise Refusal(400, Code.INVALID_PAYLOAD, str(error)) from error


async def _list(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`GET /api/v2/cortex/threads`: this user's, newest first."""
    found = mock.of_test(request, ThreadStore).list(request.user, request.query.get("origin_application"))
    return json_plan([thread.model_dump() for thread in found])


ROUTES: tuple[Route, ...] = (
    route("POST", THREADS_PATH, _create, Surface.THREADS),
    route("GET", THREADS_PATH, _list, Surface.THREADS),
)
