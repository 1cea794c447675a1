"""The writer: turns are written in order, off the caller's path, through failures of the store, or counted as lost."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from contracts.api import EndReason, HistoryPage, HistoryTurn
from proxy.redis_client import connect
from proxy.store import RedisStore, SqliteStore, StoreError
from proxy.tests.redis_server import redis_server
from proxy.tests.upstream import DEADLINE_S, until
from proxy.writer import HistoryWriter

NOW = datetime.now(UTC)
MakeWriter = Callable[..., HistoryWriter]


def turn(number: int, **changed: Any) -> HistoryTurn:
    """A turn that began `number` seconds from now."""
    given: dict[str, Any] = {
        "turn_id": f"turn-{number}",
        "started_at": NOW + timedelta(seconds=number),
        "question": "canary question",
        "answer": "canary answer",
        "complete": True,
        "end_reason": EndReason.COMPLETED,
        "duration_ms": 12.5,
        "trace_id": f"trace-{number}",
    }
    return HistoryTurn(**given | changed)


class Gate:
    """A store in memory before which writes wait until it opens, and that fails as it is told."""

    def __init__(self) -> None:
        self._kept = SqliteStore(Path(":memory:"), 30, 500)
        self.opened, self.entered = threading.Event(), threading.Event()
        self.failures: list[Exception] = []
        self.prune_failures: list[Exception] = []
        self.written: list[str] = []
        self.pruned: list[tuple[int, int]] = []
        self.closed = False

    def append(self, subject: str, session_id: str, turn: HistoryTurn) -> None:
        """Keep it, or fail."""
        self.entered.set()
        assert self.opened.wait(DEADLINE_S)
        if self.failures:
            raise self.failures.pop(0)
        self._kept.append(subject, session_id, turn)
        self.written.append(turn.turn_id)

    def page(self, subject: str, session_id: str, cursor: str | None, limit: int) -> HistoryPage | None:
        """What is kept."""
        return self._kept.page(subject, session_id, cursor, limit)

    def delete(self, subject: str, session_id: str) -> bool:
        """Forget what is kept."""
        return self._kept.delete(subject, session_id)

    def prune(self, now: datetime) -> int:
        """Forget what is old, or fail; how long ago `now` was, and how many turns were written before."""
        self.pruned.append(((datetime.now(UTC) - now) // timedelta(minutes=1), len(self.written)))
        if self.prune_failures:
            raise self.prune_failures.pop(0)
        return self._kept.prune(now)

    def check(self) -> None:
        """As the store in memory."""
        self._kept.check()

    def close(self) -> None:
        """Close it."""
        self.closed = True
        self._kept.close()


@pytest.fixture
def gate() -> Gate:
    """A store that is shut."""
    return Gate()


@pytest.fixture
def make_writer(gate: Gate) -> Iterator[MakeWriter]:
    """Writers to the gate, which does not hold them at the end."""
    with contextlib.ExitStack() as made:

        def make(**given: Any) -> HistoryWriter:
            writer = HistoryWriter(gate, **given)
            made.callback(writer.close, DEADLINE_S)
            return writer

        yield make
        gate.opened.set()


def writing_threads() -> set[threading.Thread]:
    """Threads of writers in this process."""
    return {thread for thread in threading.enumerate() if thread.name == "history-writer"}


def test_turns_are_written_in_order(gate: Gate, make_writer: MakeWriter) -> None:
    """Writing does not wait for the store; what was queued meanwhile is written in order, and told."""
    stored: list[int] = []
    writer = make_writer(on_stored=lambda: stored.append(1))
    for number in range(20):
        writer.write("anna", f"s{number % 3}", turn(number))
    assert writer.waiting == 20
    assert not writer.flush(0)
    gate.opened.set()
    assert writer.flush(DEADLINE_S)
    assert gate.written == [f"turn-{number}" for number in range(20)]
    assert (writer.waiting, writer.lost) == (0, 0)
    until(lambda: len(stored) == 20, "every turn is told")


def test_a_session_settles(gate: Gate, make_writer: MakeWriter) -> None:
    """Only sessions with turns on their way are waited for."""
    writer = make_writer()
    assert writer.settle("anna", "s", 0)
    writer.write("anna", "s", turn(1))
    assert not writer.settle("anna", "s", 0)
    assert writer.settle("anna", "other", 0)
    assert writer.settle("bert", "s", 0)
    gate.opened.set()
    assert writer.settle("anna", "s", DEADLINE_S)
    assert gate.page("anna", "s", None, 1) is not None


def test_the_thread_starts_late(gate: Gate, make_writer: MakeWriter) -> None:
    """The thread starts with the first use, once, as a daemon, and ends at the close."""
    before = writing_threads()
    writer = make_writer()
    assert writing_threads() == before
    writer.write("anna", "s", turn(1))
    writer.start()
    [thread] = writing_threads() - before
    assert thread.daemon
    gate.opened.set()
    writer.close(DEADLINE_S)
    assert not thread.is_alive()


def test_a_full_queue(gate: Gate, make_writer: MakeWriter) -> None:
    """What a full queue cannot take is lost: counted, told and logged by its ids alone; the rest is written."""
    told: list[int] = []
    writer = make_writer(capacity=2, on_lost=told.append)
    with capture_logs() as logs:
        for number in range(5):
            writer.write("anna", "s", turn(number))
    assert (writer.waiting, writer.lost, told) == (2, 3, [1, 1, 1])
    assert logs[0] == {
        "event": "a turn was not stored",
        "log_level": "error",
        "reason": "2 turns are waiting",
        "sessionId": "s",
        "turnId": "turn-2",
        "traceId": "trace-2",
    }
    assert "canary" not in str(logs)
    gate.opened.set()
    assert writer.flush(DEADLINE_S)
    assert gate.written == ["turn-0", "turn-1"]


def test_a_store_that_fails_for_a_while(gate: Gate, make_writer: MakeWriter) -> None:
    """A failing store is asked again, and no turn overtakes another."""
    gate.failures = [StoreError("locked"), StoreError("locked")]
    took_s: list[float | None] = []
    writer = make_writer(retry_waits_s=[0, 0], on_write=took_s.append)
    for number in range(3):
        writer.write("anna", "s", turn(number))
    gate.opened.set()
    assert writer.flush(DEADLINE_S)
    assert gate.written == ["turn-0", "turn-1", "turn-2"]
    assert writer.lost == 0
    assert took_s[:2] == [None, None], "a write that failed took no time"
    assert all(each is not None and 0 <= each < DEADLINE_S for each in took_s[2:])
    assert len(took_s) == 5


def test_a_store_that_fails_for_too_long(gate: Gate, make_writer: MakeWriter) -> None:
    """After the last try a turn is lost, and the next one has all its own tries."""
    told: list[int] = []
    gate.failures = [StoreError("locked")] * 5
    writer = make_writer(retry_waits_s=[0, 0], on_lost=told.append)
    with capture_logs() as logs:
        for number in range(3):
            writer.write("anna", "s", turn(number))
        gate.opened.set()
        assert writer.flush(DEADLINE_S)
        until(lambda: writer.lost == 1, "the loss is counted")
    assert gate.written == ["turn-1", "turn-2"]
    assert told == [1]
    assert [each["detail"] for each in logs if each["event"] == "the history failed"] == ["locked"] * 5
    assert [each["turnId"] for each in logs if each["event"] == "a turn was not stored"] == ["turn-0"]
    assert "canary" not in str(logs)


def test_a_defect(gate: Gate, make_writer: MakeWriter) -> None:
    """A turn that cannot be written for another reason is given up at once, and ends nothing."""
    gate.failures = [ValueError("canary"), StoreError("locked")]
    writer = make_writer(retry_waits_s=[0])
    writer.write("anna", "s", turn(1))
    writer.write("anna", "s", turn(2))
    gate.opened.set()
    assert writer.flush(DEADLINE_S)
    assert gate.written == ["turn-2"]
    until(lambda: writer.lost == 1, "the loss is counted")


@pytest.mark.parametrize(
    "failures", [[], [StoreError("locked")], [ValueError("canary")]], ids=["well", "store", "defect"]
)
def test_pruning_at_the_start(gate: Gate, make_writer: MakeWriter, failures: list[Exception]) -> None:
    """A writer that starts prunes once, as of now, and goes on when that fails."""
    gate.prune_failures = failures
    writer = make_writer()
    writer.start()
    until(lambda: gate.pruned, "the history is pruned")
    gate.opened.set()
    writer.write("anna", "s", turn(1))
    assert writer.flush(DEADLINE_S)
    assert gate.pruned == [(0, 0)]
    assert gate.written == ["turn-1"]


def test_pruning_later(gate: Gate, make_writer: MakeWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is pruned again and again while there is nothing to write, and turns go first."""
    monkeypatch.setattr("proxy.writer.PRUNE_EVERY_S", 0.001)
    writer = make_writer()
    writer.write("anna", "s", turn(1))
    writer.write("anna", "s", turn(2))
    gate.opened.set()
    until(lambda: len(gate.pruned) >= 3, "the history is pruned again")
    assert {written for _, written in gate.pruned} <= {0, 2}, "never between two turns that wait"


def test_closing_writes_what_is_queued(gate: Gate, make_writer: MakeWriter) -> None:
    """A close waits for the queue and closes the store; a turn that comes after it is lost."""
    writer = make_writer()
    for number in range(3):
        writer.write("anna", "s", turn(number))
    gate.opened.set()
    writer.close(DEADLINE_S)
    assert gate.written == ["turn-0", "turn-1", "turn-2"]
    assert gate.closed
    with capture_logs() as logs:
        writer.write("anna", "s", turn(3))
    assert (writer.lost, writer.waiting) == (1, 0)
    assert [each["reason"] for each in logs] == ["the proxy ends"]


def test_closing_while_the_store_fails(gate: Gate, make_writer: MakeWriter) -> None:
    """A close does not wait for the next try: what is left is lost, and nobody waits for it any more."""
    before = writing_threads()
    gate.failures = [StoreError("locked")]
    told: list[int] = []
    writer = make_writer(retry_waits_s=[3600], on_lost=told.append)
    for number in range(3):
        writer.write("anna", "s", turn(number))
    gate.opened.set()
    until(lambda: not gate.failures, "the first try fails")
    writer.close(0)
    assert sum(told) == writer.lost == 3
    assert writer.waiting == 0
    assert writer.settle("anna", "s", 0)
    assert writing_threads() <= before


def test_closing_while_the_store_hangs(gate: Gate, make_writer: MakeWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that does not come back holds up nobody; when it does, its thread ends."""
    before = writing_threads()
    monkeypatch.setattr("proxy.writer.JOIN_S", 0.01)
    writer = make_writer()
    writer.write("anna", "s", turn(1))
    assert gate.entered.wait(DEADLINE_S)
    writer.close(0)
    assert (writer.lost, writer.waiting) == (1, 0)
    gate.opened.set()
    until(lambda: writing_threads() <= before, "the thread ends")
    assert writer.lost == 1


def test_many_callers(gate: Gate, make_writer: MakeWriter) -> None:
    """Turns of fifty threads are all written, each thread's own in order."""
    gate.opened.set()
    writer = make_writer()

    def write(thread: int) -> None:
        for number in range(10):
            writer.write("anna", f"s{thread}", turn(thread * 10 + number))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert writer.flush(DEADLINE_S)
    assert writer.lost == 0
    numbers = [int(name.removeprefix("turn-")) for name in gate.written]
    for own in range(50):
        assert [number for number in numbers if number // 10 == own] == list(range(own * 10, own * 10 + 10))


def test_a_redis_that_comes_back() -> None:
    """When Redis goes away amid the writing, all that it had not confirmed is written once it is back, in order."""
    stored: list[int] = []
    with redis_server() as server, contextlib.closing(connect(server.url)) as client:

        def on_stored() -> None:
            stored.append(1)
            if len(stored) == 5:
                server.stop()  # on the writer's thread: it finds Redis gone at its next turn

        store = RedisStore(client, 30, 500)
        writer = HistoryWriter(store, retry_waits_s=[0.02] * 500, on_stored=on_stored)
        with capture_logs() as logs:
            for number in range(50):
                writer.write("anna", "s", turn(number))
            until(lambda: [each for each in logs if each["event"] == "the history failed"], "a try fails")
            assert writer.waiting == 45
            server.start()
            assert writer.flush(DEADLINE_S)
            page = store.page("anna", "s", None, 100)
            writer.close(DEADLINE_S)
    assert page is not None
    # This Redis keeps nothing on disk: the first five, which it had confirmed, went with it.
    assert [each.turn_id for each in page.turns] == [f"turn-{number}" for number in range(49, 4, -1)]
    assert (len(stored), writer.lost) == (50, 0)
