"""Writing turns off the stream's path: one thread a process, in the order in which streams end."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from contracts.api import HistoryTurn
from proxy.store import HistoryStore, StoreError

log = structlog.get_logger(__name__)

CAPACITY = 1000
"""Turns that may wait to be written."""

RETRY_WAITS_S = (0.1, 0.3, 1.0, 3.0, 6.0, 10.0, 10.0)
"""How long a failing store is left alone before each next try; then the turn is given up."""

PRUNE_EVERY_S = 3600.0

JOIN_S = 1.0
"""How long the end of the proxy waits for the thread, once it has been told to stop."""


@dataclass(frozen=True, slots=True)
class _Queued:
    subject: str
    session_id: str
    turn: HistoryTurn

    @property
    def session(self) -> tuple[str, str]:
        return self.subject, self.session_id


class HistoryWriter:
    """Writes turns to a store, one after the other, from a thread of its own that the first use starts.

    lost: turns that were given up, because the queue was full or the store failed for too long.
    on_stored, on_lost: told of each turn that was written, and how many more were lost, from any thread.
    on_write: told of each try how many seconds it took, None when the store failed.
    """

    def __init__(
        self,
        store: HistoryStore,
        *,
        capacity: int = CAPACITY,
        retry_waits_s: Sequence[float] = RETRY_WAITS_S,
        on_stored: Callable[[], None] = lambda: None,
        on_lost: Callable[[int], None] = lambda _turns: None,
        on_write: Callable[[float | None], None] = lambda _duration_s: None,
    ) -> None:
        self.store, self.lost = store, 0
        self._capacity, self._retry_waits_s = capacity, retry_waits_s
        self._on_stored, self._on_lost, self._on_write = on_stored, on_lost, on_write
        self._changed = threading.Condition()
        self._queue: deque[_Queued] = deque()  # its first one is being written
        self._by_session: Counter[tuple[str, str]] = Counter()
        self._thread: threading.Thread | None = None
        self._stopped = False

    @property
    def waiting(self) -> int:
        """Turns that are not written yet."""
        return len(self._queue)

    def start(self) -> None:
        """The thread runs, and prunes whenever it is time; without effect when it does already, or after `close`."""
        # Not in the constructor: the thread has to live in the process that serves, not in the one that forked it.
        with self._changed:
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(target=self._run, name="history-writer", daemon=True)
                self._thread.start()

    def write(self, subject: str, session_id: str, turn: HistoryTurn) -> None:
        """Leave a turn to be written; returns at once, also when it has to be dropped."""
        self.start()
        queued = _Queued(subject, session_id, turn)
        with self._changed:
            is_taken = not self._stopped and len(self._queue) < self._capacity
            if is_taken:
                self._queue.append(queued)
                self._by_session[queued.session] += 1
                self._changed.notify_all()
            reason = "the proxy ends" if self._stopped else f"{len(self._queue)} turns are waiting"
        if not is_taken:
            self._lose([queued], reason)

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything queued is written or given up; whether it was in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue, timeout_s)

    def settle(self, subject: str, session_id: str, timeout_s: float) -> bool:
        """Like `flush` for the turns of one session; at once when it has none on their way."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._by_session[subject, session_id], timeout_s)

    def close(self, timeout_s: float) -> None:
        """Write what is queued, as far as time allows; give up the rest, end the thread and close the store."""
        self.flush(timeout_s)
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(JOIN_S)
        with self._changed:
            left = list(self._queue)
            self._queue.clear()
            self._by_session.clear()
            self._changed.notify_all()
        self._lose(left, "the proxy ends")
        self.store.close()

    def _run(self) -> None:
        prune_at_s = time.monotonic()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopped or self._queue, max(prune_at_s - time.monotonic(), 0))
                if self._stopped:
                    return
                queued = self._queue[0] if self._queue else None
            if queued is not None:
                self._write(queued)
            else:  # turns come first: somebody may be waiting for them
                self._prune()
                prune_at_s = time.monotonic() + PRUNE_EVERY_S

    def _write(self, queued: _Queued) -> None:
        is_written = self._try_to_write(queued)
        with self._changed:
            if not self._queue:
                return  # `close` did not wait any longer, and has counted it as lost
            self._queue.popleft()
            self._by_session -= Counter([queued.session])  # drops what becomes zero
            self._changed.notify_all()
        if is_written:
            self._on_stored()
        else:
            self._lose([queued], "the store fails")

    def _try_to_write(self, queued: _Queued) -> bool:
        for wait_s in (*self._retry_waits_s, None):
            began_s = time.monotonic()
            try:
                self.store.append(queued.subject, queued.session_id, queued.turn)
            except StoreError as error:
                self._on_write(None)
                log.warning("the history failed", detail=str(error))
            except Exception:  # a defect with one turn must not cost all the others
                log.exception("a turn cannot be written")
                return False
            else:
                self._on_write(time.monotonic() - began_s)
                return True
            if wait_s is None or self._is_stopped_within(wait_s):
                break
        return False

    def _is_stopped_within(self, wait_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._stopped, wait_s)

    def _prune(self) -> None:
        try:
            self.store.prune(datetime.now(UTC))
        except StoreError as error:
            log.warning("the history failed", detail=str(error))
        except Exception:  # as above
            log.exception("the history cannot be pruned")

    def _lose(self, turns: Sequence[_Queued], reason: str) -> None:
        if not turns:
            return
        with self._changed:
            self.lost += len(turns)
        for each in turns:
            turn = each.turn
            log.error(
                "a turn was not stored",
                reason=reason,
                sessionId=each.session_id,
                turnId=turn.turn_id,
                traceId=turn.trace_id,
            )
        self._on_lost(len(turns))
