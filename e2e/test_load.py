"""The parts of `cortex-harness load` run, small, against the running stack; the figures are not judged here."""

from __future__ import annotations

import asyncio

from e2e.bench import disconnect, replay, report, start
from e2e.stack import Stack


def test_streams_through_both_are_found_identical(stack: Stack) -> None:
    """A handful of streams, straight and through the proxy, are measured and equal their cassettes."""
    straight = asyncio.run(replay.through_mock(stack, 4))
    through = asyncio.run(replay.through_proxy(stack, 4, report.open_session(stack)))

    for rows in (replay.figures("mock", straight, None), replay.figures("both", through, None)):
        by_name = {row.what.partition(": ")[2]: row.value for row in rows}
        assert by_name["streams not identical to their cassette"] == 0
        assert by_name["frames"] > 100


def test_a_client_that_leaves_is_timed(stack: Stack) -> None:
    """Both disconnects are seen by the mock and give a time."""
    rows = asyncio.run(disconnect.measure(stack, report.open_session(stack), trials=1))

    assert len(rows) == 4
    assert all(0 <= row.value < disconnect.NOTICE_TIMEOUT_S * 1000 for row in rows)


def test_starts_are_timed() -> None:
    """The mock's and the page's first answers are timed once each."""
    rows = start.measure(trials=1)

    assert all(row.value > 0 for row in rows)
