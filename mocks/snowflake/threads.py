"""Threads: created, listed, described, renamed, searched, deleted, and known to runs.

A thread belongs to its user; another user's does not exist. What runs put into it are turns: a question and, once its
run has come that far, the answer. Every turn names its parent, so a thread is a tree: a second turn on an older answer
forks it, and describing it shows all branches.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from contracts.cortex import (
    THREADS_PATH,
    Code,
    Thread,
    ThreadMessage,
    ThreadRequest,
    ThreadSearch,
    ThreadUpdate,
)
from mocks.background import Run
from mocks.faults import Plan
from mocks.ids import Place
from mocks.request import Refusal, Request, json_plan
from mocks.route import Route, Surface, route
from mocks.state import Mock

FIRST_ID = 1001
FIRST_MESSAGE_ID = 50_001
"""Far from the ids of shipped recordings, so that nobody takes one for the other."""

MAX_ORIGIN_BYTES = 16
MAX_METADATA_BYTES = 1024
MAX_NAME_CHARS = 1000
MAX_THREADS = 10_000
MAX_TURNS = 1000
"""Turns of one thread; past it the oldest is forgotten."""

MAX_CHARS = 32 * 1024 * 1024
"""What all turns of one test may hold; past it the threads unused for longest are forgotten."""

TURN_CHARS = 2000
"""What a turn counts beside its question; answers are shared with the cassettes."""

MAX_PAGE = 100
THREADS_PAGE = 100
MESSAGES_PAGE = 20
MAX_PATTERN_CHARS = 1000
MAX_SEARCHED = 1000
"""How many threads a search reads, the latest used first."""

MAX_SEARCHED_CHARS = 5_000
"""How much of a thread a search reads, the name and the latest questions first."""

RECENT = 20
"""How many of a thread's turns, the latest, are looked at for its state and for a search."""

_THREAD = rf"{THREADS_PATH}/(\d{{1,18}})"
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Turn:
    """One question in a thread, and the run that answers it.

    parent_id: the answer it was asked on; None for a first turn.   recorded_id: what cassettes call the answer, 0
    before any.   question: JSON of the user's message, as it is stored.
    """

    place: Place
    parent_id: int | None
    recorded_id: int | None
    question: str
    created_ms: int
    run: Run
    request_id: str | None = None
    agent: dict[str, str] | None = None

    @property
    def weight(self) -> int:
        """What it counts towards `MAX_CHARS`."""
        return TURN_CHARS + len(self.question)

    def answered_ms(self, now_s: float) -> int | None:
        """When the answer was stored, in wall time; None when it is not."""
        at_s = self.run.answered_s(now_s)
        return None if at_s is None else self.created_ms + max(0, int((at_s - self.run.started_s) * 1000))

    def messages(self, now_s: float) -> Iterator[tuple[int, Callable[[], ThreadMessage]]]:
        """Ids and messages of what is stored, the newest first. Making a message may read a whole answer."""
        answered_ms = self.answered_ms(now_s)
        if answered_ms is not None:
            yield self.place.assistant_message_id, lambda: self._message("assistant", answered_ms)
        yield self.place.user_message_id, lambda: self._message("user", self.created_ms)

    def _message(self, role: str, created_ms: int) -> ThreadMessage:
        is_answer = role == "assistant"
        payload = json.dumps(self.run.turn(), ensure_ascii=False) if is_answer else self.question
        return ThreadMessage(
            message_id=self.place.assistant_message_id if is_answer else self.place.user_message_id,
            parent_id=self.place.user_message_id if is_answer else self.parent_id,
            created_on=created_ms,
            role="assistant" if is_answer else "user",
            message_payload=payload,
            request_id=self.request_id,
            agent=self.agent,
        )


@dataclass(slots=True)
class Conversation:
    """A thread with its turns, the oldest first."""

    owner: str
    thread: Thread
    turns: OrderedDict[int, Turn] = field(default_factory=OrderedDict)

    def described(self, now_s: float) -> Thread:
        """The metadata as they are now."""
        if not self.turns:
            return self.thread.model_copy(update={"status": "IDLE"})
        recent = list(self._recent())
        latest, answers = recent[0], [turn.answered_ms(now_s) or 0 for turn in recent]
        status, last_message_id = "IDLE", latest.place.user_message_id
        if latest.run.ended_s(now_s) is None:
            status = "IN_PROGRESS"
        elif answers[0]:
            status = "WAITING_FOR_INPUT" if latest.run.waits else "IDLE"
            last_message_id = latest.place.assistant_message_id
        updated_on = max(self.thread.updated_on, *answers)
        return self.thread.model_copy(
            update={"status": status, "last_message_id": last_message_id, "updated_on": updated_on}
        )

    def messages(self, now_s: float) -> list[tuple[int, Callable[[], ThreadMessage]]]:
        """Ids and messages, the newest first, all branches."""
        stored = (message for turn in self.turns.values() for message in turn.messages(now_s))
        return sorted(stored, key=lambda message: -message[0])

    def asked_on(self, parent_message_id: int) -> Turn | None:
        """The turn whose answer is the parent of a new one; None for a first turn.

        Raises: ValueError when there is no such answer.
        """
        if parent_message_id == 0:
            return None
        for turn in self.turns.values():
            if turn.place.assistant_message_id == parent_message_id and turn.run.can_be_followed_up:
                return turn
            if turn.place.user_message_id == parent_message_id:
                raise ValueError(
                    f"parent_message_id {parent_message_id} is a user message; a turn follows an assistant message."
                )
        raise ValueError(
            f"parent_message_id {parent_message_id} is no message of thread {self.thread.thread_id}; "
            "it is 0 for the first turn, then the id of an assistant message."
        )

    def searched(self) -> tuple[str, ...]:
        """What a search reads: the name, then the latest questions as they are stored."""
        return self.thread.thread_name, *(turn.question for turn in self._recent())

    def _recent(self) -> Iterator[Turn]:
        return itertools.islice(reversed(self.turns.values()), RECENT)


class ThreadStore:
    """The threads of every user; past `MAX_THREADS`, or `MAX_CHARS`, those unused for longest are forgotten."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._kept: OrderedDict[int, Conversation] = OrderedDict()
        self._ids = itertools.count(FIRST_ID)
        self._message_ids = itertools.count(FIRST_MESSAGE_ID)
        self._chars = 0

    def create(
        self, owner: str, asked: ThreadRequest | None = None, recorded: frozenset[int] = frozenset()
    ) -> Conversation:
        """A new, empty thread of this user, its id none of the recorded ones.   Raises: ValueError for a bad body."""
        asked = asked or ThreadRequest()
        origin = asked.origin_application or ""
        if len(origin.encode()) > MAX_ORIGIN_BYTES:
            raise ValueError(f"origin_application must have at most {MAX_ORIGIN_BYTES} bytes")
        _check_metadata(asked.metadata)
        if asked.external_id is not None and self.by_external_id(owner, asked.external_id, origin) is not None:
            raise ValueError(
                f"a thread with external_id {asked.external_id} and this origin_application exists already"
            )
        now_ms = self._now_ms()
        thread = Thread(
            thread_id=next(number for number in self._ids if number not in recorded),
            origin_application=origin,
            created_on=now_ms,
            updated_on=now_ms,
            external_id=asked.external_id,
            metadata=asked.metadata,
        )
        conversation = Conversation(owner, thread)
        self._kept[thread.thread_id] = conversation
        if len(self._kept) > MAX_THREADS:
            self._forget(next(iter(self._kept)))
        return conversation

    def find(self, owner: str, thread_id: int) -> Conversation | None:
        """This user's thread; another user's does not exist."""
        found = self._kept.get(thread_id)
        return found if found is not None and found.owner == owner else None

    def by_external_id(self, owner: str, external_id: int, origin: str) -> Conversation | None:
        """This user's thread that an application has bound to an id of its own."""
        for kept in self._kept.values():
            bound_to = (kept.owner, kept.thread.external_id, kept.thread.origin_application)
            if bound_to == (owner, external_id, origin):
                return kept
        return None

    def of(self, owner: str, origin_application: str | None = None) -> list[Conversation]:
        """This user's threads, the latest used first."""
        mine: Iterable[Conversation] = (kept for kept in reversed(self._kept.values()) if kept.owner == owner)
        if origin_application is not None:
            mine = (kept for kept in mine if kept.thread.origin_application == origin_application)
        return sorted(mine, key=lambda kept: -kept.thread.updated_on)

    def place(self, thread_id: int) -> Place:
        """The ids of a new turn; nobody gets them again, also when the turn does not come about."""
        return Place(thread_id, next(self._message_ids), next(self._message_ids))

    def add(self, conversation: Conversation, turn: Turn) -> None:
        """Store a turn that has begun; a thread that was deleted meanwhile gets none."""
        thread_id = conversation.thread.thread_id
        if self._kept.get(thread_id) is not conversation:
            return
        conversation.turns[turn.place.user_message_id] = turn
        self._chars += turn.weight
        if len(conversation.turns) > MAX_TURNS:
            self._chars -= conversation.turns.popitem(last=False)[1].weight
        self._touch(conversation)
        while self._chars > MAX_CHARS and len(self._kept) > 1:
            self._forget(next(iter(self._kept)))

    def update(self, conversation: Conversation, asked: ThreadUpdate) -> None:
        """Change name, metadata or what was read.   Raises: ValueError."""
        changes = asked.model_dump(include={"thread_name", "metadata", "last_read_message_id"}, exclude_none=True)
        _check_metadata(asked.metadata)
        if asked.thread_name is not None and len(asked.thread_name) > MAX_NAME_CHARS:
            raise ValueError(f"thread_name must have at most {MAX_NAME_CHARS} characters")
        read = asked.last_read_message_id
        if read is not None and read not in dict(conversation.messages(time.monotonic())):
            raise ValueError(f"last_read_message_id {read} is no message of this thread")
        conversation.thread = conversation.thread.model_copy(update=changes)
        self._touch(conversation)

    def delete(self, conversation: Conversation) -> None:
        """Forget a thread and its messages; its runs go on."""
        self._forget(conversation.thread.thread_id)

    def _touch(self, conversation: Conversation) -> None:
        conversation.thread = conversation.thread.model_copy(update={"updated_on": self._now_ms()})
        self._kept.move_to_end(conversation.thread.thread_id)  # two changes may fall into one millisecond

    def _forget(self, thread_id: int) -> None:
        gone = self._kept.pop(thread_id)
        self._chars -= sum(turn.weight for turn in gone.turns.values())

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _check_metadata(metadata: dict[str, Any] | None) -> None:
    size = len(json.dumps(metadata or {}, ensure_ascii=False).encode())
    if size > MAX_METADATA_BYTES:
        raise ValueError(f"metadata has {size} bytes as JSON; at most {MAX_METADATA_BYTES} are possible")


def _text(name: str, *questions: str) -> str:
    """A thread's words; a tool's result has none."""
    items = (item for question in questions for item in json.loads(question)["content"])
    texts = [item["text"] for item in items if isinstance(item.get("text"), str)]
    return "\n".join([name, *texts])[:MAX_SEARCHED_CHARS]


def _shown(thread: Thread) -> dict[str, Any]:
    return thread.model_dump(exclude_none=True)


def _shown_message(message: ThreadMessage) -> dict[str, Any]:
    return message.model_dump(exclude={name for name in ("request_id", "agent") if getattr(message, name) is None})


def _mine(mock: Mock, request: Request, thread_id: str) -> Conversation:
    found = mock.of_test(request, ThreadStore).find(request.user, int(thread_id))
    if found is None:
        raise Refusal(404, Code.NOT_FOUND, f"Thread {thread_id} does not exist or access is not authorized.")
    return found


def _bad(error: ValueError) -> Refusal:
    return Refusal(400, Code.INVALID_PAYLOAD, str(error))


def _number(request: Request, name: str, default: int | None, most: int | None = None) -> int | None:
    """A whole number of the query, from 1 on.   Raises: Refusal."""
    asked = request.query.get(name)
    if asked is None or asked == "":
        return default
    if not re.fullmatch(r"\d{1,18}", asked) or int(asked) < 1 or (most is not None and int(asked) > most):
        bounds = "a positive integer" if most is None else f"an integer from 1 to {most}"
        raise Refusal(400, Code.INVALID_PAYLOAD, f"{name} {asked[:50]!r} is not {bounds}.")
    return int(asked)


async def _create(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`POST /api/v2/cortex/threads`: answers the metadata object, as servers do, or the bare string of the docs."""
    store, asked = mock.of_test(request, ThreadStore), request.parse(ThreadRequest)
    try:
        made = store.create(request.user, asked, mock.recorded_threads).thread
    except ValueError as error:
        raise _bad(error) from error
    return json_plan(str(made.thread_id) if mock.options.assume.thread_created == "string" else _shown(made))


async def _list(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`GET /api/v2/cortex/threads`: this user's, the latest used first; a page follows `last_thread_id`."""
    size = _number(request, "page_size", THREADS_PAGE, MAX_PAGE)
    last = _number(request, "last_thread_id", None)
    found = mock.of_test(request, ThreadStore).of(request.user, request.query.get("origin_application"))
    if last is not None:
        ids = [kept.thread.thread_id for kept in found]
        found = found[ids.index(last) + 1 :] if last in ids else []
    now_s = time.monotonic()
    return json_plan([_shown(kept.described(now_s)) for kept in found[:size]])


async def _describe(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`GET /api/v2/cortex/threads/{id}`: metadata, and a page of messages, the newest first."""
    size = _number(request, "page_size", MESSAGES_PAGE, MAX_PAGE)
    last, kind = _number(request, "last_message_id", None), request.query.get("message_type", "conversation")
    if kind not in ("", "conversation", "compaction"):
        raise Refusal(400, Code.INVALID_PAYLOAD, f"message_type {kind[:50]!r} is neither conversation nor compaction.")
    kept, now_s = _mine(mock, request, path[1]), time.monotonic()
    stored = [] if kind == "compaction" else kept.messages(now_s)  # nothing is ever compacted here
    page = [make for number, make in stored if last is None or number < last][:size]
    thread = _shown(kept.described(now_s))

    def described() -> Plan:
        return json_plan({"metadata": thread, "messages": [_shown_message(make()) for make in page]})

    return await asyncio.to_thread(described)


async def _update(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`POST /api/v2/cortex/threads/{id}`."""
    kept, asked = _mine(mock, request, path[1]), request.parse(ThreadUpdate)
    try:
        mock.of_test(request, ThreadStore).update(kept, asked)
    except ValueError as error:
        raise _bad(error) from error
    return json_plan({"status": f"Thread {path[1]} successfully updated."})


async def _delete(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`DELETE /api/v2/cortex/threads/{id}`."""
    mock.of_test(request, ThreadStore).delete(_mine(mock, request, path[1]))
    return json_plan({"success": True})


async def _by_external_id(mock: Mock, request: Request, path: re.Match[str]) -> Plan:
    """`GET /api/v2/cortex/threads/by-external-id/{id}?origin_application=...`."""
    origin = request.query.get("origin_application")
    if origin is None:
        raise Refusal(400, Code.INVALID_PAYLOAD, "origin_application is required.")
    kept = mock.of_test(request, ThreadStore).by_external_id(request.user, int(path[1]), origin)
    if kept is None:
        message = f"No thread of this application has external_id {path[1]}."
        raise Refusal(404, Code.NOT_FOUND, message)
    return json_plan(_shown(kept.described(time.monotonic())))


async def _search(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`POST /api/v2/cortex/threads/search`: among names and questions; Snowflake's own ranking is not public."""
    asked = request.parse(ThreadSearch)
    if len(asked.query) > MAX_PATTERN_CHARS:
        raise Refusal(400, Code.INVALID_PAYLOAD, f"query must have at most {MAX_PATTERN_CHARS} characters.")
    mine = mock.of_test(request, ThreadStore).of(request.user)[:MAX_SEARCHED]
    parts = {kept.thread.thread_id: kept.searched() for kept in mine}
    find = _by_pattern if asked.query_type == "REGEX" else _by_words
    try:
        found = await asyncio.to_thread(lambda: find(asked.query, {each: _text(*parts[each]) for each in parts}))
    except ValueError as error:
        raise _bad(error) from error
    return json_plan({"threads": [{"thread_id": str(number)} for number in found[: asked.limit]]})


def _by_words(query: str, texts: dict[int, str]) -> list[int]:
    """Threads by how many of the query's words they have, whole or as beginnings."""
    wanted = set(_WORD.findall(query.casefold()))

    def score(text: str) -> int:
        words = set(_WORD.findall(text.casefold()))
        return sum(2 * (each in words) or any(word.startswith(each) for word in words) for each in wanted)

    scored = {number: points for number, text in texts.items() if (points := score(text))}
    return sorted(scored, key=lambda number: -scored[number])


def _by_pattern(pattern: str, texts: dict[int, str]) -> list[int]:
    """Threads that a regular expression is found in.   Raises: ValueError.

    DuckDB matches with RE2, in a time that is linear in the text: Python's own engine would let a user's pattern
    stop the whole mock. So back references and look-around are refused.
    """
    try:
        import duckdb  # noqa: PLC0415 - heavy, few ask, and it comes with the extra `sql`
    except ImportError as error:
        raise ValueError("REGEX searches need DuckDB; install the mock with its extra 'sql'") from error
    with duckdb.connect() as connection:
        try:
            return [
                number
                for number, text in texts.items()
                if connection.execute("SELECT regexp_matches(?, ?, 'is')", [text, pattern]).fetchall() == [(True,)]
            ]
        except duckdb.Error as error:
            raise ValueError(f"query is no regular expression that RE2 knows: {str(error)[:200]}") from error


ROUTES: tuple[Route, ...] = (
    route("POST", THREADS_PATH, _create, Surface.THREADS),
    route("GET", THREADS_PATH, _list, Surface.THREADS),
    route("GET", _THREAD, _describe, Surface.THREADS),
    route("POST", _THREAD, _update, Surface.THREADS),
    route("DELETE", _THREAD, _delete, Surface.THREADS),
    route("GET", rf"{THREADS_PATH}/by-external-id/(\d{{1,18}})", _by_external_id, Surface.THREADS),
    route("POST", rf"{THREADS_PATH}/search", _search, Surface.THREADS),
)
