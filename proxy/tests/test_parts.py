"""Stream slots: an exact count."""

from __future__ import annotations

import threading

import pytest

from contracts.api import ProblemType
from proxy.parts import StreamSlots
from proxy.problems import ProblemError


def test_slots_are_counted_exactly() -> None:
    """As many as the limit are given, the next is refused with a wait, and one given back can be taken again."""
    slots = StreamSlots(2)
    slots.take()
    slots.take()
    with pytest.raises(ProblemError) as refused:
        slots.take()
    assert (refused.value.kind, refused.value.retry_after_s) == (ProblemType.TOO_MANY_STREAMS, 1)
    slots.give_back()
    slots.take()


def test_giving_back_twice_is_a_defect_that_shows() -> None:
    """A slot that was never taken cannot be given back."""
    with pytest.raises(ValueError, match="released too many"):
        StreamSlots(1).give_back()


def test_a_crowd_gets_no_more_than_there_are() -> None:
    """Threads that take at once never exceed the limit."""
    slots, taken = StreamSlots(7), []

    def take() -> None:
        try:
            slots.take()
        except ProblemError:
            return
        taken.append(1)

    threads = [threading.Thread(target=take) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 7
