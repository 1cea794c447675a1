"""The stores: one behaviour from SQLite and Redis, what is kept and for how long, and how each of them fails."""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
import sqlalchemy
from structlog.testing import capture_logs

from contracts.api import EndReason, HistoryPage, HistoryTurn, ProblemType, TokenUsage
from proxy import store as store_module
from proxy.problems import ProblemError
from proxy.redis_client import connect
from proxy.store import PREFIX, VERSION, HistoryStore, RedisStore, SqliteStore, StoreError
from proxy.tests.redis_server import RedisServer, redis_server

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAYS, TURNS = 30, 50
MakeStore = Callable[..., HistoryStore]


def turn(number: int, *, started_at: datetime | None = None, **changed: Any) -> HistoryTurn:
    """The turn that began `number` seconds after noon; its id sorts against its time."""
    given: dict[str, Any] = {
        "turn_id": f"{999_999 - number:06d}",
        "started_at": started_at or NOON + timedelta(seconds=number),
        "question": f"Question {number}?",
        "answer": "Zürich — 4.2 Mio. € 😀",
        "complete": True,
        "end_reason": EndReason.COMPLETED,
        "duration_ms": 12.5,
        "trace_id": "t",
    }
    return HistoryTurn(**given | changed)


def numbers(page: HistoryPage | None) -> list[int]:
    """Which turns a page holds."""
    assert page is not None
    return [999_999 - int(each.turn_id) for each in page.turns]


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """A Redis of this file's own."""
    with redis_server() as running:
        yield running


@pytest.fixture
def client(server: RedisServer) -> Iterator[redis.Redis]:
    """A client of an empty Redis."""
    with contextlib.closing(connect(server.url)) as connected:
        connected.flushall()
        yield connected


@pytest.fixture(params=["sqlite file", "sqlite memory", "redis"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeStore]:
    """Opens a store of each kind, with what the test wants kept."""
    with contextlib.ExitStack() as opened:

        def make(days: int = DAYS, turns: int = TURNS) -> HistoryStore:
            if request.param == "redis":
                return RedisStore(request.getfixturevalue("client"), days, turns)
            path = Path(":memory:") if request.param == "sqlite memory" else tmp_path / "history.sqlite3"
            return opened.enter_context(contextlib.closing(SqliteStore(path, days, turns)))

        yield make


@pytest.fixture
def store(make_store: MakeStore) -> HistoryStore:
    """A store of each kind."""
    return make_store()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SqliteStore]:
    """A store in a file that waits for no lock."""
    with contextlib.closing(SqliteStore(tmp_path / "history.sqlite3", DAYS, TURNS, busy_s=0)) as opened:
        yield opened


# --- every store ---------------------------------------------------------------------------------------------------


def test_a_turn_comes_back_whole(store: HistoryStore) -> None:
    """Every field of a turn is kept as it was."""
    kept = turn(
        1,
        question=None,
        content=[{"type": "text", "text": "a\u0000b"}, {"type": "table", "table": {"n": 2**60, "x": [None, 1.5]}}],
        complete=False,
        end_reason=EndReason.CLIENT_GONE,
        thread_id=7,
        assistant_message_id=8,
        usage=TokenUsage(input_tokens=1, cached_tokens=2, output_tokens=3),
        started_at=NOON.astimezone().replace(microsecond=123456),
    )
    store.append("anna", "s", kept)
    assert store.page("anna", "s", None, 20) == HistoryPage(session_id="s", turns=[kept], next_cursor=None)


def test_newest_first(store: HistoryStore) -> None:
    """Turns are sorted by when they began, not by when they were written."""
    for number in (2, 3, 1):
        store.append("anna", "s", turn(number))
    assert numbers(store.page("anna", "s", None, 20)) == [3, 2, 1]


def test_the_same_turn_twice(store: HistoryStore) -> None:
    """A turn that is written again is stored once, as it was first."""
    store.append("anna", "s", turn(1))
    store.append("anna", "s", turn(1, started_at=NOON + timedelta(hours=1), answer="another"))
    found = store.page("anna", "s", None, 20)
    assert found is not None
    assert found.turns == [turn(1)]


def test_no_such_session(store: HistoryStore) -> None:
    """A session without turns is None, with a cursor, too, and there is nothing to delete."""
    store.append("anna", "other", turn(1))
    page = store.page("anna", "other", None, 1)
    store.append("anna", "other", turn(2))
    page = store.page("anna", "other", None, 1)
    assert page is not None
    assert store.page("anna", "s", None, 20) is None
    assert store.page("anna", "s", page.next_cursor, 20) is None
    assert not store.delete("anna", "s")


@pytest.mark.parametrize(
    ("subject", "session_id"),
    [("bert", "s"), ("ann", "as"), ("annas", ""), ("anna", "S"), ('anna","s', ""), ("%", "%"), ("*", "*")],
)
def test_another_subject(store: HistoryStore, subject: str, session_id: str) -> None:
    """Nobody else reads or deletes a session, whatever names they come with."""
    store.append("anna", "s", turn(1))
    store.append("anna", "s", turn(2))
    page = store.page("anna", "s", None, 1)
    assert page is not None
    assert store.page(subject, session_id, None, 20) is None
    assert store.page(subject, session_id, page.next_cursor, 20) is None
    assert not store.delete(subject, session_id)
    assert numbers(store.page("anna", "s", None, 20)) == [2, 1]


def test_equal_ids_of_two_subjects(store: HistoryStore) -> None:
    """Session and turn ids are each subject's own: deleting one's leaves the other's."""
    store.append("anna", "s", turn(1, answer="to Anna"))
    store.append("bert", "s", turn(1, answer="to Bert"))
    assert store.delete("anna", "s")
    assert store.page("anna", "s", None, 20) is None
    left = store.page("bert", "s", None, 20)
    assert left is not None
    assert [each.answer for each in left.turns] == ["to Bert"]


def test_after_a_delete(store: HistoryStore) -> None:
    """A deleted session can begin anew, with a turn of the same id, too."""
    store.append("anna", "s", turn(1))
    assert store.delete("anna", "s")
    assert not store.delete("anna", "s")
    store.append("anna", "s", turn(1))
    assert numbers(store.page("anna", "s", None, 20)) == [1]


def test_a_healthy_store(store: HistoryStore) -> None:
    """A store that works passes its check, also when it is empty."""
    store.check()
    store.append("anna", "s", turn(1))
    store.check()


# --- paging --------------------------------------------------------------------------------------------------------


def pages(store: HistoryStore, limit: int, between: Callable[[], None] = lambda: None) -> list[list[int]]:
    """All pages of the session; `between` runs after each."""
    found, cursor = [], None
    while True:
        page = store.page("anna", "s", cursor, limit)
        found.append(numbers(page))
        assert page is not None
        cursor = page.next_cursor
        if cursor is None:
            return found
        between()


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (1, [[4], [3], [2], [1]]),
        (2, [[4, 3], [2, 1]]),
        (3, [[4, 3, 2], [1]]),
        (4, [[4, 3, 2, 1]]),
        (100, [[4, 3, 2, 1]]),
    ],
)
def test_pages(store: HistoryStore, limit: int, expected: list[list[int]]) -> None:
    """Pages follow each other without gap or overlap; the last one, also a full one, has no cursor."""
    for number in range(1, 5):
        store.append("anna", "s", turn(number))
    assert pages(store, limit) == expected


def test_turns_that_began_together(store: HistoryStore) -> None:
    """Turns of the same moment are paged by their ids, none twice and none left out."""
    for number in range(6):
        store.append("anna", "s", turn(number, started_at=NOON))
    assert pages(store, 2) == [[0, 1], [2, 3], [4, 5]]


def test_new_turns_between_pages(store: HistoryStore) -> None:
    """Turns that arrive while somebody pages move nothing."""
    for number in range(6):
        store.append("anna", "s", turn(number))
    newer = iter(range(100, 200))
    assert pages(store, 2, lambda: store.append("anna", "s", turn(next(newer)))) == [[5, 4], [3, 2], [1, 0]]


def test_deleted_turns_between_pages(make_store: MakeStore) -> None:
    """The next page follows where the cursor's turn was, also when that one is gone, or all that came after it."""
    store = make_store(turns=4)
    for number in range(4):
        store.append("anna", "s", turn(number))
    first = store.page("anna", "s", None, 2)
    assert first is not None
    store.append("anna", "s", turn(10))  # 0 goes
    assert numbers(store.page("anna", "s", first.next_cursor, 2)) == [1]
    for number in (11, 12):  # 1 and 2 go, and 2 is where the cursor stands
        store.append("anna", "s", turn(number))
    assert store.page("anna", "s", first.next_cursor, 2) == HistoryPage(session_id="s", turns=[])
    assert store.delete("anna", "s")
    assert store.page("anna", "s", first.next_cursor, 2) is None


def test_large_turns(store: HistoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page ends before it grows too large, but never without a turn."""
    monkeypatch.setattr(store_module, "MAX_PAGE_BYTES", 2500)
    for number, size in enumerate([10, 1000, 1000, 10, 5000, 10]):
        store.append("anna", "s", turn(number, answer="x" * size))
    assert pages(store, 100) == [[5], [4], [3, 2], [1, 0]]


def encoded(position: str) -> str:
    """A cursor for any text."""
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


POSITION = "1772366400000000:abc"


@pytest.mark.parametrize(
    "cursor",
    [
        pytest.param("", id="empty"),
        pytest.param("x", id="one character"),
        pytest.param("=", id="padding alone"),
        pytest.param(encoded(POSITION) + "=", id="padded"),
        pytest.param(encoded(POSITION) + "\n", id="line end"),
        pytest.param(encoded(POSITION)[:-1], id="cut"),
        pytest.param(encoded(POSITION)[:-1] + "N", id="other spelling of the same bytes"),
        pytest.param(encoded(POSITION).replace("M", "*"), id="not base64"),
        pytest.param(encoded("1772366400000000"), id="no id"),
        pytest.param(encoded("1772366400000000:"), id="empty id"),
        pytest.param(encoded("-772366400000000:abc"), id="negative"),
        pytest.param(encoded("1772366400000000:ä"), id="no ASCII"),
        pytest.param(encoded("1772366400000000:a' OR 1=1 --"), id="SQL"),
        pytest.param(encoded("+"), id="Redis' own bound"),
        pytest.param(encoded("1772366400000000:" + "a" * 65), id="long id"),
        pytest.param("A" * 100_000, id="endless"),
        pytest.param("😀", id="emoji"),
    ],
)
def test_malformed_cursors(store: HistoryStore, cursor: str) -> None:
    """A cursor that is none of ours is refused by name, and not repeated."""
    store.append("anna", "s", turn(1))
    with pytest.raises(ProblemError) as refused:
        store.page("anna", "s", cursor, 20)
    assert refused.value.kind is ProblemType.INVALID_REQUEST
    assert refused.value.detail.startswith("cursor: it is none of ours")


def test_cursors_travel_in_urls(store: HistoryStore) -> None:
    """A cursor is short and needs no quoting."""
    for number in range(2):
        store.append("anna", "s", turn(number, turn_id="_-" * 31 + str(number)))
    page = store.page("anna", "s", None, 1)
    assert page is not None
    assert page.next_cursor is not None
    assert len(page.next_cursor) <= 120
    assert page.next_cursor.replace("-", "").replace("_", "").isalnum()
    assert store.page("anna", "s", page.next_cursor, 1) is not None


# --- what is kept --------------------------------------------------------------------------------------------------


def test_newest_turns_are_kept(make_store: MakeStore) -> None:
    """A session holds its newest turns only, whatever the order they came in; others have their own count."""
    store = make_store(turns=3)
    store.append("anna", "other", turn(0))
    for number in (5, 1, 4, 2, 3):
        store.append("anna", "s", turn(number))
    assert numbers(store.page("anna", "s", None, 20)) == [5, 4, 3]
    assert numbers(store.page("anna", "other", None, 20)) == [0]


@pytest.mark.parametrize("make_store", ["sqlite file", "redis"], indirect=True)
def test_a_lower_limit_takes_hold(make_store: MakeStore) -> None:
    """Turns beyond a limit that was lowered go with the next turn."""
    before = make_store(turns=10)
    for number in range(10):
        before.append("anna", "s", turn(number))
    after = make_store(turns=3)
    assert len(numbers(after.page("anna", "s", None, 20))) == 10
    after.append("anna", "s", turn(10))
    assert numbers(after.page("anna", "s", None, 20)) == [10, 9, 8]


def test_old_turns_are_forgotten(make_store: MakeStore) -> None:
    """Pruning takes what began longer ago than the days to keep, and only that; a session of old turns is gone."""
    store, now = make_store(days=2), NOON + timedelta(days=2)
    for number in range(-3, 3):
        store.append("anna", "s", turn(number))
    store.append("bert", "s", turn(-1))
    assert store.prune(now) == 4
    assert numbers(store.page("anna", "s", None, 20)) == [2, 1, 0]
    assert store.page("bert", "s", None, 20) is None
    assert store.prune(now) == 0
    assert store.prune(now + timedelta(seconds=2)) == 2, "what was left is pruned in its turn"
    assert numbers(store.page("anna", "s", None, 20)) == [2]


def test_pruning_in_parts(store: HistoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many old turns are deleted a part at a time, all of them."""
    monkeypatch.setattr(store_module, "PRUNED_AT_ONCE", 2)
    for number in range(5):
        store.append(f"user-{number}", "s", turn(number))
    assert store.prune(NOON + timedelta(days=DAYS + 1)) == 5


def test_an_unreadable_turn(make_store: MakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn that cannot be read is left out and logged by its id alone; the others are shown, on every page."""
    store = make_store()
    store.append("anna", "s", turn(1))
    with monkeypatch.context() as changed:
        changed.setattr(HistoryTurn, "model_dump_json", lambda _self: '{"question": "canary"}')
        store.append("anna", "s", turn(2))
    store.append("anna", "s", turn(3))
    with capture_logs() as logs:
        assert pages(store, 1) == [[3], [], [1]]
    assert logs == [{"event": "a stored turn cannot be read", "log_level": "error", "turnId": turn(2).turn_id}]


def test_fifty_threads(make_store: MakeStore) -> None:
    """Threads that append and read at once lose nothing."""
    store, failures = make_store(turns=1000), []

    def write(number: int) -> None:
        try:
            for each in range(5):
                store.append("anna", "s", turn(number * 5 + each))
                store.page("anna", "s", None, 5)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert numbers(store.page("anna", "s", None, 1000)) == list(reversed(range(250)))


# --- SQLite --------------------------------------------------------------------------------------------------------


def test_a_file_is_private(tmp_path: Path) -> None:
    """The folder and the files that the store makes are their owner's only, whatever the umask."""
    before = os.umask(0)
    try:
        with contextlib.closing(SqliteStore(tmp_path / "new" / "history.sqlite3", DAYS, TURNS)) as store:
            store.append("anna", "s", turn(1))
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()}
    finally:
        os.umask(before)
    assert modes == {"history.sqlite3": 0o600, "history.sqlite3-wal": 0o600, "history.sqlite3-shm": 0o600}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_a_file_outlives_its_store(tmp_path: Path) -> None:
    """Another store finds what an earlier one kept."""
    path = tmp_path / "history.sqlite3"
    for number in range(3):
        with contextlib.closing(SqliteStore(path, DAYS, TURNS)) as store:
            store.append("anna", "s", turn(number))
            assert numbers(store.page("anna", "s", None, 20)) == list(reversed(range(number + 1)))


def test_closed_until_used(tmp_path: Path) -> None:
    """A store that was only constructed holds no file open, so that its process may fork."""
    path = tmp_path / "history.sqlite3"
    with contextlib.closing(SqliteStore(path, DAYS, TURNS)) as store:
        assert opened_below(tmp_path) == []
        store.check()
        assert str(path) in opened_below(tmp_path)


def opened_below(folder: Path) -> list[str]:
    """Files that this process holds open there."""
    return [each.path for each in psutil.Process().open_files() if Path(each.path).is_relative_to(folder)]


def test_a_newer_version(tmp_path: Path) -> None:
    """A file of a newer proxy is left alone; the message names it and both versions."""
    path = tmp_path / "history.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 7")
    with pytest.raises(StoreError) as refused:
        SqliteStore(path, DAYS, TURNS)
    assert str(path) in str(refused.value)
    assert "has version 7" in str(refused.value)
    assert f"knows version {VERSION}:" in str(refused.value)
    with contextlib.closing(sqlite3.connect(path)) as newer:
        assert newer.execute("SELECT * FROM sqlite_master").fetchall() == []


@pytest.mark.parametrize(
    ("name", "told"),
    [("text.sqlite3", "not a database"), (".", "Is a directory"), ("text.sqlite3/below.sqlite3", "File exists")],
)
def test_no_database(tmp_path: Path, name: str, told: str) -> None:
    """What cannot be a database is a StoreError that names it, and stays as it was."""
    text = tmp_path / "text.sqlite3"
    text.write_text("some text, and more than a database's header is long" * 10)
    with pytest.raises(StoreError, match=told) as refused:
        SqliteStore(tmp_path / name, DAYS, TURNS)
    assert str(tmp_path / name) in str(refused.value)
    assert text.read_text().startswith("some text, ")


def every_use(store: HistoryStore) -> list[Callable[[], object]]:
    """All that needs the database."""
    return [*every_write(store), lambda: store.page("anna", "s", None, 20)]


def every_write(store: HistoryStore) -> list[Callable[[], object]]:
    """All that needs to write."""
    return [
        lambda: store.append("anna", "s", turn(9, question="canary")),
        lambda: store.delete("anna", "s"),
        lambda: store.prune(NOON + timedelta(days=99)),
        store.check,
    ]


def test_a_locked_file(sqlite: SqliteStore, tmp_path: Path) -> None:
    """While another process holds the lock every write fails, and reading goes on; afterwards all is well."""
    sqlite.append("anna", "s", turn(1))
    with contextlib.closing(sqlite3.connect(tmp_path / "history.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for write in every_write(sqlite):
            with pytest.raises(StoreError, match="database is locked"):
                write()
        assert numbers(sqlite.page("anna", "s", None, 20)) == [1]
        other.execute("ROLLBACK")
    for write in every_write(sqlite):
        write()


def test_a_file_that_cannot_be_written(sqlite: SqliteStore, tmp_path: Path) -> None:
    """A file that became read-only fails every write, and the check with them; reading goes on."""
    sqlite.append("anna", "s", turn(1))
    sqlite.close()

    def read_only(_dialect: object, _record: object, given: list[str], how: dict[str, Any]) -> None:
        given[0] = f"file:{given[0]}?mode=ro"  # permissions would not keep root from writing
        how["uri"] = True

    sqlalchemy.event.listen(sqlalchemy.Engine, "do_connect", read_only)
    try:
        with contextlib.closing(sqlite3.connect(tmp_path / "history.sqlite3")) as other:
            other.execute("SELECT * FROM turn").fetchall()  # SQLite reads a WAL file only beside somebody who may write
            for write in every_write(sqlite):
                with pytest.raises(StoreError, match="readonly database"):
                    write()
            assert numbers(sqlite.page("anna", "s", None, 20)) == [1]
            sqlite.close()
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "do_connect", read_only)


def test_a_full_disk(tmp_path: Path) -> None:
    """A turn for which there is no room is a StoreError without its words, what was stored stays, and room helps."""

    def small(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 20")

    sqlalchemy.event.listen(sqlalchemy.Engine, "connect", small)
    try:
        with contextlib.closing(SqliteStore(tmp_path / "history.sqlite3", DAYS, TURNS)) as store:
            store.append("anna", "s", turn(1))
            with pytest.raises(StoreError, match="disk is full") as full:
                store.append("anna", "s", turn(2, answer="canary" * 50_000))
            assert "canary" not in f"{full.value} {full.value.__cause__}"
            assert numbers(store.page("anna", "s", None, 20)) == [1]
            store.append("anna", "s", turn(3))
            assert numbers(store.page("anna", "s", None, 20)) == [3, 1]
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "connect", small)


def test_a_damaged_file(sqlite: SqliteStore, tmp_path: Path) -> None:
    """A file that was overwritten is a StoreError for everybody who asks."""
    sqlite.append("anna", "s", turn(1))
    sqlite.close()
    (tmp_path / "history.sqlite3").write_bytes(b"x" * 8192)
    for use in every_use(sqlite):
        with pytest.raises(StoreError, match="not a database"):
            use()


def test_deleted_words_are_overwritten(sqlite: SqliteStore, tmp_path: Path) -> None:
    """Once a session is deleted and the file closed, nothing of it is left in the file."""
    sqlite.append("anna", "s", turn(1, answer="canary " * 5000))
    sqlite.close()
    path = tmp_path / "history.sqlite3"
    assert b"canary" in path.read_bytes()
    sqlite.delete("anna", "s")
    sqlite.close()
    assert b"canary" not in path.read_bytes()
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def plan(path: Path, statement: str) -> str:
    """How SQLite would find the rows."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}"))


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (
            "SELECT body FROM turn WHERE subject = 'a' AND session_id = 's' AND position < 'x' ORDER BY position DESC",
            "turn_in_session (subject=? AND session_id=? AND position<?)",
        ),
        ("SELECT id FROM turn WHERE position < 'x' LIMIT 500", "turn_by_age (position<?)"),
    ],
    ids=["page", "prune"],
)
def test_indexes(sqlite: SqliteStore, tmp_path: Path, statement: str, index: str) -> None:
    """Pages and pruning search an index, and sort nothing."""
    sqlite.check()
    found = plan(tmp_path / "history.sqlite3", statement)
    assert index in found
    assert "TEMP B-TREE" not in found


APPENDS_UNTIL_KILLED = """
import sys
from pathlib import Path
from contracts.api import HistoryTurn
from proxy.store import SqliteStore

store = SqliteStore(Path(sys.argv[1]), 30, 100_000)
turn = HistoryTurn.model_validate_json(sys.argv[2])
for number in range(100_000):
    fields = {"turn_id": f"{999_999 - number:06d}", "started_at": turn.started_at.replace(microsecond=number)}
    store.append("anna", "s", turn.model_copy(update=fields))
    print(number, flush=True)
"""


def test_a_killed_process(tmp_path: Path) -> None:
    """Killing the process in mid-write leaves every turn that was appended, and only whole ones."""
    path, template = tmp_path / "history.sqlite3", turn(0, answer="x" * 20_000).model_dump_json()
    command = [sys.executable, "-c", APPENDS_UNTIL_KILLED, str(path), template]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as writer:  # noqa: S603 - ours
        assert writer.stdout is not None
        told = [int(writer.stdout.readline()) for _ in range(30)]
        writer.send_signal(signal.SIGKILL)
        told += [int(line) for line in writer.stdout]
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with contextlib.closing(SqliteStore(path, DAYS, 100_000)) as store:
        found = [number for some in pages(store, 100) for number in some]
        store.append("anna", "s", turn(200_000))
    assert found in (told[::-1], [told[-1] + 1, *told[::-1]]), "the turn that was on its way may be there, too"


# --- Redis ---------------------------------------------------------------------------------------------------------


def keys(client: redis.Redis) -> list[str]:
    """All that Redis holds."""
    return sorted(key.decode() for key in client.scan_iter() if isinstance(key, bytes))


def test_redis_keys(client: redis.Redis) -> None:
    """Keys begin with our prefix, name nobody, and expire with the days to keep, counted from the last new turn."""
    store = RedisStore(client, 2, TURNS)
    store.append("anna@example.com", "s1", turn(1))
    names = keys(client)
    assert all(name.startswith(PREFIX) for name in names)
    assert not [name for name in names if "anna" in name or "s1" in name]
    expiring = [name for name in names if 0 < client.ttl(name) <= 2 * 24 * 3600]
    assert expiring == [name for name in names if not name.endswith(":oldest")]
    for name in expiring:
        client.expire(name, 10)
    store.append("anna@example.com", "s1", turn(1))
    assert [client.ttl(name) <= 10 for name in expiring] == [True, True], "a turn that is there already is not new"
    store.append("anna@example.com", "s1", turn(2))
    assert [client.ttl(name) > 10 for name in expiring] == [True, True]


@pytest.mark.parametrize("empty", ["delete", "prune"])
def test_redis_is_left_empty(client: redis.Redis, empty: str) -> None:
    """Deleting or pruning the last session leaves no key behind."""
    store = RedisStore(client, DAYS, 2)
    for number in range(4):
        store.append("anna", "s", turn(number))
    if empty == "delete":
        store.delete("anna", "s")
    else:
        store.prune(NOON + timedelta(days=99))
    assert keys(client) == []


def test_redis_sessions_that_expired(client: redis.Redis) -> None:
    """A session that Redis has dropped itself is forgotten when pruning, too."""
    store = RedisStore(client, DAYS, TURNS)
    store.append("anna", "s", turn(1))
    for key in client.scan_iter(f"{PREFIX}[pt]*"):
        client.delete(key)
    assert store.page("anna", "s", None, 20) is None
    assert store.prune(NOON + timedelta(days=99)) == 0
    assert keys(client) == []


def test_a_redis_that_is_gone(client: redis.Redis) -> None:
    """Without Redis every use is a StoreError; with an empty one that came back all is well again."""
    with redis_server() as other, contextlib.closing(connect(other.url)) as away:
        store = RedisStore(away, DAYS, TURNS)
        store.append("anna", "s", turn(1))
        other.stop()
        for use in every_use(store):
            with pytest.raises(StoreError, match="the history in Redis cannot be used") as failed:
                use()
            assert isinstance(failed.value.__cause__, redis.RedisError)
        other.start()
        store.append("anna", "s", turn(2))
        assert numbers(store.page("anna", "s", None, 20)) == [2]


def test_a_full_redis(client: redis.Redis) -> None:
    """A Redis that takes no more is a StoreError without the turn's words."""
    store = RedisStore(client, DAYS, TURNS)
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreError, match="maxmemory") as full:
            store.append("anna", "s", turn(1, question="canary"))
    finally:
        client.config_set("maxmemory", 0)
    assert "canary" not in f"{full.value} {full.value.__cause__}"
    assert store.page("anna", "s", None, 20) is None


def test_closing_leaves_the_client(client: redis.Redis) -> None:
    """Others may share the client: closing the store leaves it open."""
    RedisStore(client, DAYS, TURNS).close()
    assert client.ping()


@pytest.mark.parametrize("is_replaced", [False, True], ids=["removed", "replaced"])
def test_a_file_that_is_not_the_one_that_was_opened(tmp_path: Path, is_replaced: bool) -> None:
    """Turns would be written where nobody finds them again; the check says so, whatever SQLite thinks."""
    path = tmp_path / "history.sqlite3"
    with contextlib.closing(SqliteStore(path, DAYS, TURNS)) as store:
        store.check()
        path.rename(tmp_path / "moved.sqlite3")
        if is_replaced:
            SqliteStore(path, DAYS, TURNS).close()
        with pytest.raises(StoreError, match=r"history\.sqlite3"):
            store.check()
