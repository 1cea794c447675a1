"""Threads: owned, listed newest first, bounded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mocks.snowflake import threads
from mocks.snowflake.threads import FIRST_ID, ThreadStore


@pytest.fixture
def store() -> ThreadStore:
    """A store whose clock moves a second with each look."""
    ticks: Iterator[int] = iter(range(1000, 2000))
    return ThreadStore(lambda: float(next(ticks)))


def test_a_thread_belongs_to_its_user(store: ThreadStore) -> None:
    """Another user's thread does not exist: not known, not listed, not touched."""
    mine = store.create("ANN", "app")
    assert (mine.thread_id, mine.origin_application, mine.created_on) == (FIRST_ID, "app", 1_000_000)
    assert store.owns("ANN", mine.thread_id)
    assert not store.owns("BOB", mine.thread_id)
    assert store.list("BOB") == []
    store.touch("BOB", mine.thread_id)
    assert store.list("ANN") == [mine]


def test_an_unknown_thread_is_nobodys(store: ThreadStore) -> None:
    """Asking for one, or touching it, creates nothing."""
    store.touch("ANN", 5)
    assert not store.owns("ANN", 5)
    assert store.list("ANN") == []


def test_the_latest_used_is_listed_first(store: ThreadStore) -> None:
    """A turn on an old thread brings it to the top; one origin can be asked for."""
    first, second, third = (store.create("ANN", origin) for origin in ("a", "b", "a"))
    store.touch("ANN", first.thread_id)
    assert [thread.thread_id for thread in store.list("ANN")] == [first.thread_id, third.thread_id, second.thread_id]
    assert [thread.thread_id for thread in store.list("ANN", "b")] == [second.thread_id]
    assert store.list("ANN")[0].updated_on > first.updated_on


@pytest.mark.parametrize("origin", ["x" * 17, "ü" * 9], ids=["characters", "bytes"])
def test_an_origin_is_short(store: ThreadStore, origin: str) -> None:
    """Sixteen bytes, not characters."""
    assert store.create("ANN", "ü" * 8).origin_application == "ü" * 8
    with pytest.raises(ValueError, match="at most 16 bytes"):
        store.create("ANN", origin)


def test_the_oldest_is_forgotten(store: ThreadStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store never grows past its bound, and never gives an id twice."""
    monkeypatch.setattr(threads, "MAX_THREADS", 3)
    made = [store.create("ANN").thread_id for _ in range(5)]
    assert len(set(made)) == 5
    assert [thread.thread_id for thread in store.list("ANN")] == made[:1:-1]


def test_changes_in_the_same_millisecond_keep_their_order() -> None:
    """Whichever thread was created or used last comes first, however fast that was."""
    store = ThreadStore(clock=lambda: 1_800_000_000.0)
    first, second = store.create("U"), store.create("U")
    assert [thread.thread_id for thread in store.list("U")] == [second.thread_id, first.thread_id]
    store.touch("U", first.thread_id)
    assert [thread.thread_id for thread in store.list("U")] == [first.thread_id, second.thread_id]
