"""Exchanges under way: order, bounds, and what is dropped."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from mocks import intake
from mocks.intake import Intake, Underway
from mocks.recording import Asking, Dropped, Finished


@dataclass
class Desk:
    """Where an intake hands on to, with a clock that only moves when told."""

    now_s: float = 100.0
    finished: list[Finished] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)

    def intake(self) -> Intake:
        """An intake that hands on to this desk."""
        return Intake(self.finished.append, self.dropped.append, lambda: self.now_s)

    @property
    def numbers(self) -> list[int]:
        """Which exchanges were handed on."""
        return [each.number for each in self.finished]


@pytest.fixture
def desk() -> Desk:
    """A desk with nothing on it."""
    return Desk()


def asking(path: str = "/api/v2/cortex/agent:run", body: bytes = b"{}") -> Asking:
    """A request."""
    return Asking("POST", path, {"content-type": "application/json"}, body)


def answered(taken: Intake, underway: Underway, *chunks: bytes) -> None:
    """Let an exchange come to its end."""
    taken.answer(underway, 200, {"Content-Type": "text/event-stream"})
    for chunk in chunks:
        taken.chunk(underway, chunk)
    taken.end(underway)


def test_chunks_keep_their_time_since_the_request(desk: Desk) -> None:
    """Times are milliseconds from the moment at which the request went upstream."""
    taken = desk.intake()
    underway = taken.begin(asking())
    taken.answer(underway, 200, {"Content-Type": "text/event-stream"})
    for wait_s, data in ((0.25, b"a"), (0.5, b"b")):
        desk.now_s += wait_s
        taken.chunk(underway, data)
    taken.end(underway)

    [finished] = desk.finished
    assert finished.chunks == ((250.0, b"a"), (750.0, b"b"))
    assert (finished.status, finished.headers) == (200, {"Content-Type": "text/event-stream"})


def test_exchanges_are_handed_on_in_the_order_of_their_requests(desk: Desk) -> None:
    """An answer that ends early waits for those that were asked before it."""
    taken = desk.intake()
    first, second, third = (taken.begin(asking()) for _ in range(3))
    answered(taken, third)
    answered(taken, second)
    assert desk.numbers == []
    assert taken.under_way == 1

    answered(taken, first)
    assert desk.numbers == [1, 2, 3]


def test_a_dropped_exchange_does_not_hold_the_others(desk: Desk) -> None:
    """Whoever breaks off is named, and those behind it go on."""
    taken = desk.intake()
    first, second = (taken.begin(asking()) for _ in range(2))
    answered(taken, second)
    taken.drop(first, "the client left")

    assert desk.numbers == [2]
    assert list(map(str, desk.dropped)) == ["#1 POST run: the client left"]


def test_what_is_under_way_at_the_end_is_dropped_and_named(desk: Desk) -> None:
    """The end keeps what is whole, and says what is not."""
    taken = desk.intake()
    taken.begin(asking())
    answered(taken, taken.begin(asking()))
    taken.close()

    assert desk.numbers == [2]
    assert [each.number for each in desk.dropped] == [1]
    assert taken.under_way == 0


def test_a_body_above_the_bound_is_dropped_and_let_go_of(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long answer passes on, but is not kept, and takes no memory from then on."""
    monkeypatch.setattr(intake, "MAX_BODY_BYTES", 10)
    taken = desk.intake()
    underway = taken.begin(asking(body=b"12345"))
    answered(taken, underway, b"12345", b"6", b"7")

    assert desk.numbers == []
    assert underway.chunks == []
    assert list(map(str, desk.dropped)) == ["#1 POST run: its bodies take more than 10 bytes"]


def test_all_exchanges_together_stay_within_a_bound(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is handed on counts until it is let go; then there is room again."""
    monkeypatch.setattr(intake, "MAX_HELD_BYTES", 10)
    taken = desk.intake()
    answered(taken, taken.begin(asking()), b"123456")
    answered(taken, taken.begin(asking()), b"123456")
    assert [each.number for each in desk.dropped] == [2]

    taken.let_go(desk.finished[0])
    answered(taken, taken.begin(asking()), b"123456")
    assert desk.numbers == [1, 3]


def test_the_first_reason_counts(desk: Desk) -> None:
    """An exchange that was dropped stays dropped for what happened first, and is named once."""
    taken = desk.intake()
    underway = taken.begin(asking())
    taken.drop(underway, "too large")
    taken.chunk(underway, b"more")
    taken.drop(underway, "the client left")
    taken.end(underway)

    assert [each.reason for each in desk.dropped] == ["too large"]
    assert desk.finished == []
