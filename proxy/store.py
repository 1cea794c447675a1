"""Where finished turns are kept: SQLite for one process, Redis for several, with the same answers from both.

StoreError              the database did not do what was asked, whatever its reason

A turn's place in its session is its *position*: when it began, in microseconds, then its id. Positions sort as text,
so a page can continue after one whatever was added or deleted meanwhile. The cursor is a position in base64url. It
needs no secrecy: it only moves within what a subject may read, as every query filters by subject and session.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, cast

import redis
import structlog
from pydantic import ValidationError
from sqlalchemy import (
    URL,
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    QueuePool,
    String,
    Table,
    UniqueConstraint,
    and_,
    bindparam,
    create_engine,
    delete,
    event,
    exists,
    false,
    select,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

from contracts.api import HistoryPage, HistoryTurn, ProblemType
from proxy.problems import ProblemError

log = structlog.get_logger(__name__)

MAX_PAGE_BYTES = 4 * 1024 * 1024
"""A page ends early, after at least one turn, before it would hold more than this."""

BUSY_S = 5.0
"""How long a write waits for another one, or for a connection."""

PRUNED_AT_ONCE = 500
"""Turns that are deleted in one transaction, so that a write never waits long for it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TURN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_POSITION = re.compile(r"[0-9]{16}:[A-Za-z0-9_-]{1,64}")
_TURN_ID_AT = 17
_MAX_CURSOR_CHARS = 120


class StoreError(Exception):
    """The store cannot be read or written; the message names it and the database's reason, never what it holds."""


class HistoryStore(Protocol):
    """Turns by subject and session. Every method but `close` raises StoreError; all may be called from any thread."""

    def append(self, subject: str, session_id: str, turn: HistoryTurn) -> None:
        """Keep a turn, once however often it is given, and the newest turns of its session only."""
        ...

    def page(self, subject: str, session_id: str, cursor: str | None, limit: int) -> HistoryPage | None:
        """The newest turns after the cursor, newest first; None when this subject has no turn in such a session.

        It may hold less than `limit` and still have a next page.   Raises: ProblemError for a malformed cursor.
        """
        ...

    def delete(self, subject: str, session_id: str) -> bool:
        """Forget the session; whether there was one."""
        ...

    def prune(self, now: datetime) -> int:
        """Forget all turns that began too long before `now`; how many those were."""
        ...

    def check(self) -> None:
        """Return when the store can be read and written."""
        ...

    def close(self) -> None:
        """Let go of what the store has opened itself."""
        ...


def _position(turn: HistoryTurn) -> str:
    assert _TURN_ID.fullmatch(turn.turn_id), "turn ids are made by the proxy, in this form"
    return f"{_moment(turn.started_at)}:{turn.turn_id}"


def _moment(time: datetime) -> str:
    """The part of a position that tells the time; digits enough until the year 2286."""
    return f"{(time - _EPOCH) // timedelta(microseconds=1):016d}"


def _cursor(position: str) -> str:
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def _position_of(cursor: str) -> str:
    """The position that a cursor stands for.   Raises: ProblemError."""
    if len(cursor) <= _MAX_CURSOR_CHARS:
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            position = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
        except (binascii.Error, ValueError):
            position = ""
        # Compared with what we would have sent: base64 has several spellings of the same bytes.
        if _POSITION.fullmatch(position) and _cursor(position) == cursor:
            return position
    detail = "cursor: it is none of ours; give nextCursor of the page before, unchanged, or leave it out."
    raise ProblemError(ProblemType.INVALID_REQUEST, detail)


def _page(session_id: str, stored: Iterable[tuple[str, str | bytes | None]], limit: int) -> HistoryPage | None:
    """The first of the stored positions and turns as a page, taking no more of them than it needs.

    Returns None when there are none. A turn that is gone by now (None) or unreadable is left out.
    """
    turns: list[HistoryTurn] = []
    walked, size, last = 0, 0, ""
    for position, body in stored:
        size += len(body or b"")
        if walked == limit or (walked and size > MAX_PAGE_BYTES):
            return HistoryPage(session_id=session_id, turns=turns, next_cursor=_cursor(last))
        walked, last = walked + 1, position
        turns += _turns(position, body)
    return HistoryPage(session_id=session_id, turns=turns) if walked else None


def _turns(position: str, body: str | bytes | None) -> list[HistoryTurn]:
    if body is None:
        return []
    try:
        return [HistoryTurn.model_validate_json(body)]
    except ValidationError:  # its words quote the turn
        log.error("a stored turn cannot be read", turnId=position[_TURN_ID_AT:])
        return []


@contextmanager
def _as_store_error(where: str, *kinds: type[Exception]) -> Iterator[None]:
    """The database's own errors leave as StoreError."""
    try:
        yield
    except kinds as error:
        # SQLAlchemy's words hold the statement; the driver's are the reason alone.
        reason = getattr(error, "orig", None) or error
        raise StoreError(f"the history in {where} cannot be used: {reason} ({type(error).__name__})") from error


# --- SQLite --------------------------------------------------------------------------------------------------------

VERSION = 1
"""Of the tables below, in `PRAGMA user_version`; 0 is a new file."""

MEMORY = ":memory:"

_metadata = MetaData()
_turn = Table(
    "turn",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("subject", String, nullable=False),
    Column("session_id", String, nullable=False),
    Column("turn_id", String, nullable=False),
    Column("position", String, nullable=False),
    Column("body", String, nullable=False),
    UniqueConstraint("subject", "session_id", "turn_id"),
)
Index("turn_in_session", _turn.c.subject, _turn.c.session_id, _turn.c.position)
Index("turn_by_age", _turn.c.position)

# Built once: building one costs the streams of this process more time than running it.
_in_session = and_(_turn.c.subject == bindparam("subject"), _turn.c.session_id == bindparam("session_id"))
_newest_first = select(_turn.c.position, _turn.c.body).where(_in_session).order_by(_turn.c.position.desc())
_surplus = select(_turn.c.id).where(_in_session).order_by(_turn.c.position.desc()).limit(-1).offset(bindparam("keep"))
_old = select(_turn.c.id).where(_turn.c.position < bindparam("before")).limit(PRUNED_AT_ONCE)

_INSERT = insert(_turn).on_conflict_do_nothing()
_DROP_SURPLUS = delete(_turn).where(_turn.c.id.in_(_surplus))
_DROP_SESSION = delete(_turn).where(_in_session)
_DROP_OLD = delete(_turn).where(_turn.c.id.in_(_old))
_DROP_NOTHING = delete(_turn).where(false())
_PAGE = _newest_first.limit(bindparam("most"))
_NEXT_PAGE = _newest_first.where(_turn.c.position < bindparam("cursor")).limit(bindparam("most"))
_HAS_TURNS = select(exists().where(_in_session))


class SqliteStore:
    """The history in one file, or in memory until the process ends.

    The file is closed after construction, until the first use, so that the process may fork in between: a connection
    that crosses a fork breaks SQLite's locks. Killing the process loses no turn that was appended, and leaves no half.

    Raises: StoreError when the file cannot be opened or was written by a newer version.
    """

    def __init__(self, path: Path, days: int, turns: int, *, busy_s: float = BUSY_S) -> None:
        self._keep_for, self._keep_turns = timedelta(days=days), turns
        is_in_memory = str(path) == MEMORY
        self._where = "memory" if is_in_memory else str(path)
        self._file = None if is_in_memory else path
        self._engine = create_engine(
            URL.create("sqlite", database=str(path)),
            # A database in memory is its connection's: all threads take turns with the only one.
            poolclass=QueuePool,
            pool_size=1 if is_in_memory else 5,
            max_overflow=0,
            pool_timeout=busy_s,
            hide_parameters=True,  # errors would quote questions and answers
            connect_args={
                "timeout": busy_s,  # SQLite's busy_timeout
                "check_same_thread": False,
                "isolation_level": "IMMEDIATE",  # a transaction that only asks for the lock later cannot wait for it
            },
        )
        event.listen(self._engine, "connect", _set_up)
        try:
            with self._errors():
                if not is_in_memory:
                    _create(path)
                with self._engine.begin() as connection:
                    self._open(connection)
                self._identity = None if is_in_memory else _identity(path)
        finally:
            if not is_in_memory:
                self._engine.dispose()

    def _open(self, connection: Connection) -> None:
        """The tables are there.   Raises: StoreError for those of a newer version."""
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # or two processes could both find a new file
        found = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if found > VERSION:
            raise StoreError(
                f"the history in {self._where} has version {found}, of a newer proxy; this one knows version "
                f"{VERSION}: start the newer one, or name another file in CORTEX_PROXY_HISTORY_FILE"
            )
        if found < VERSION:
            _metadata.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")

    def append(self, subject: str, session_id: str, turn: HistoryTurn) -> None:
        """Keep a turn, once however often it is given, and the newest turns of its session only."""
        session = {"subject": subject, "session_id": session_id}
        row = {"turn_id": turn.turn_id, "position": _position(turn), "body": turn.model_dump_json()}
        with self._errors(), self._engine.begin() as connection:
            if connection.execute(_INSERT, session | row).rowcount:
                connection.execute(_DROP_SURPLUS, {**session, "keep": self._keep_turns})

    def page(self, subject: str, session_id: str, cursor: str | None, limit: int) -> HistoryPage | None:
        """The newest turns after the cursor, newest first; None when this subject has no turn in such a session."""
        session: dict[str, Any] = {"subject": subject, "session_id": session_id}
        asked: dict[str, Any] = {**session, "most": limit + 1}
        if cursor is not None:
            asked["cursor"] = _position_of(cursor)
        with self._errors(), self._engine.connect() as connection:
            rows = connection.execute(_PAGE if cursor is None else _NEXT_PAGE, asked)
            page = _page(session_id, ((position, body) for position, body in rows), limit)
            rows.close()
            if page is None and connection.scalar(_HAS_TURNS, session):
                return HistoryPage(session_id=session_id, turns=[])
            return page

    def delete(self, subject: str, session_id: str) -> bool:
        """Forget the session; whether there was one."""
        with self._errors(), self._engine.begin() as connection:
            return connection.execute(_DROP_SESSION, {"subject": subject, "session_id": session_id}).rowcount > 0

    def prune(self, now: datetime) -> int:
        """Forget all turns that began too long before `now`; how many those were."""
        before, gone = _moment(now - self._keep_for), 0
        while True:
            with self._errors(), self._engine.begin() as connection:
                count = connection.execute(_DROP_OLD, {"before": before}).rowcount
            gone += count
            if count < PRUNED_AT_ONCE:
                return gone

    def check(self) -> None:
        """Return when the store can be read and written, and is still the file that was opened."""
        with self._errors(), self._engine.connect() as connection:
            connection.execute(_DROP_NOTHING)  # it needs all that every write needs
            if self._file is not None and _identity(self._file) != self._identity:
                raise StoreError(f"the history in {self._where} is another file than was opened; restart the proxy")

    def close(self) -> None:
        """Close the file; what was in memory is forgotten."""
        self._engine.dispose()

    def _errors(self) -> AbstractContextManager[None]:
        return _as_store_error(self._where, SQLAlchemyError, sqlite3.Error, OSError)


def _identity(path: Path) -> tuple[int, int]:
    """What stays the same as long as a file is this file."""
    found = path.stat()
    return found.st_dev, found.st_ino


def _create(path: Path) -> None:
    """The file is there, and if it was not, it and its folder are nobody else's to read."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _set_up(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA journal_mode = WAL")  # reading and writing do not wait for each other
    connection.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last turns, never the file
    connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten


# --- Redis ---------------------------------------------------------------------------------------------------------

PREFIX = "cortex-proxy:history:"
OLDEST = f"{PREFIX}oldest"
"""Sorted set of all sessions by the time of a turn that none of theirs is older than: where to look when pruning."""

FETCHED_AT_ONCE = 10
"""Turns in one answer of Redis, so that a page that ends early has not fetched them all."""

# KEYS of all scripts: a session's turns by id, their positions, OLDEST. A position is 16 digits, a colon and the id.
_APPEND = """
local turn_id, position, body, keep, expire_s, session = unpack(ARGV)
if redis.call('HSETNX', KEYS[1], turn_id, body) == 0 then return end
redis.call('ZADD', KEYS[2], 0, position)
for _, old in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1 - tonumber(keep))) do
  redis.call('HDEL', KEYS[1], string.sub(old, 18))
  redis.call('ZREM', KEYS[2], old)
end
redis.call('EXPIRE', KEYS[1], expire_s)
redis.call('EXPIRE', KEYS[2], expire_s)
redis.call('ZADD', KEYS[3], 'LT', string.sub(position, 1, 16), session)
"""
_PRUNE = """
local before, session = unpack(ARGV)
local gone = redis.call('ZRANGEBYLEX', KEYS[2], '-', '(' .. before)
for _, old in ipairs(gone) do
  redis.call('HDEL', KEYS[1], string.sub(old, 18))
  redis.call('ZREM', KEYS[2], old)
end
local oldest = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
if oldest then
  redis.call('ZADD', KEYS[3], string.sub(oldest, 1, 16), session)
else
  redis.call('ZREM', KEYS[3], session)
end
return #gone
"""


class RedisStore:
    """The history in a Redis that several processes share.

    Per session a hash of turns and a sorted set of their positions, all of score 0 and so sorted as text. Both expire
    with their newest turn, should nobody prune.

    client: answers bytes; it stays open at `close`, as others may use it.
    """

    def __init__(self, client: redis.Redis, days: int, turns: int) -> None:
        self._client, self._keep_for, self._keep_turns = client, timedelta(days=days), turns
        self._append, self._prune = client.register_script(_APPEND), client.register_script(_PRUNE)

    def append(self, subject: str, session_id: str, turn: HistoryTurn) -> None:
        """Keep a turn, once however often it is given, and the newest turns of its session only."""
        session, expire_s = _digest(subject, session_id), int(self._keep_for.total_seconds())
        position, body = _position(turn), turn.model_dump_json()
        with self._errors():
            self._append(keys=_keys(session), args=[turn.turn_id, position, body, self._keep_turns, expire_s, session])

    def page(self, subject: str, session_id: str, cursor: str | None, limit: int) -> HistoryPage | None:
        """The newest turns after the cursor, newest first; None when this subject has no turn in such a session."""
        turns, positions, _ = _keys(_digest(subject, session_id))
        after = "+" if cursor is None else f"({_position_of(cursor)}"
        with self._errors():
            found = cast("list[bytes]", self._client.zrevrangebylex(positions, after, "-", 0, limit + 1))
            page = _page(session_id, self._stored(turns, [each.decode() for each in found]), limit)
            if page is None and self._client.exists(positions):
                return HistoryPage(session_id=session_id, turns=[])
            return page

    def _stored(self, turns: str, positions: list[str]) -> Iterator[tuple[str, str | bytes | None]]:
        for start in range(0, len(positions), FETCHED_AT_ONCE):
            some = positions[start : start + FETCHED_AT_ONCE]
            yield from zip(some, self._client.hmget(turns, [each[_TURN_ID_AT:] for each in some]), strict=True)

    def delete(self, subject: str, session_id: str) -> bool:
        """Forget the session; whether there was one."""
        session = _digest(subject, session_id)
        turns, positions, oldest = _keys(session)
        with self._errors(), self._client.pipeline(transaction=True) as pipeline:
            pipeline.delete(positions)
            pipeline.delete(turns)
            pipeline.zrem(oldest, session)
            return bool(pipeline.execute()[0])

    def prune(self, now: datetime) -> int:
        """Forget all turns that began too long before `now`; how many those were."""
        before, gone = _moment(now - self._keep_for), 0
        with self._errors():
            # Each pass ends the reason why its sessions were found.
            while found := self._client.zrangebyscore(OLDEST, "-inf", f"({before}", 0, PRUNED_AT_ONCE):
                for session in cast("list[bytes]", found):
                    gone += self._prune(keys=_keys(session.decode()), args=[before, session])
        return gone

    def check(self) -> None:
        """Return when Redis answers."""
        with self._errors():
            self._client.ping()

    def close(self) -> None:
        """Nothing: who connected the client closes it."""

    def _errors(self) -> AbstractContextManager[None]:
        return _as_store_error("Redis", redis.RedisError)


def _digest(subject: str, session_id: str) -> str:
    """Names a session of a subject in keys; the list as JSON, as two pairs could share a plain concatenation."""
    return hashlib.sha256(json.dumps([subject, session_id]).encode()).hexdigest()


def _keys(session: str) -> list[str]:
    return [f"{PREFIX}turns:{session}", f"{PREFIX}positions:{session}", OLDEST]
