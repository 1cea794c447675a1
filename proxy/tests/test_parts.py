"""Stream slots: an exact count."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest

from contracts.api import ProblemType
from proxy.parts import StreamSlots
from proxy.problems import ProblemError


def test_slots_are_counted_exactly() -> None:
    """As many as the limit are given, the next is refused with a wait, and one given back can be taken again."""
    slots = StreamSlots(2)
    with slots.taken():
        with slots.taken(), pytest.raises(ProblemError) as refused, slots.taken():
            pass
        with slots.taken():
            pass
    assert (refused.value.kind, refused.value.retry_after_s) == (ProblemType.TOO_MANY_STREAMS, 1)


def test_a_crowd_gets_no_more_than_there_are() -> None:
    """Threads that take at once never exceed the limit."""
    slots, taken, held = StreamSlots(7), [], ExitStack()

    def take() -> None:
        try:
            held.enter_context(slots.taken())
        except ProblemError:
            return
        taken.append(1)

    threads = [threading.Thread(target=take) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 7
    held.close()
