"""The parts of `cortex-harness load` run, small, against real processes; the figures are not judged here."""

from __future__ import annotations

import asyncio
import json
import os
import time

import psutil
import pytest

from e2e.bench import disconnect, leaks, proxy, replay, report, source, start
from e2e.bench.client import Timeline, stream
from e2e.bench.figures import Figure, Figures, under
from e2e.bench.leaks import Stock
from e2e.bench.proxy import Run, Shape
from e2e.bench.source import Plan
from e2e.stack import Stack

SMALL = Shape(streams=3, per_s=20.0, fill_s=0.1, quiet_s=0.4, starts=3, starts_s=0.2)


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


def test_a_load_comes_through_both_doors_whole() -> None:
    """No stream of a small load is cut, and each of its figures is measured."""
    rows = {row.what: row.value for row in proxy.measure_speed(SMALL)}

    assert rows["streams refused or cut"] == 0
    assert rows["event lag, through the proxy, p50"] > 0
    assert rows["time to first event, straight from the source, p50"] > 0
    assert rows["CPU of the worker per event"] >= 0


def test_idle_streams_are_weighed() -> None:
    """Streams that say nothing cost the worker some memory."""
    rss, uss = proxy.measure_idle(20)

    assert rss.value > 0
    assert uss.value > 0


def test_aborted_streams_are_counted_out() -> None:
    """After a few aborted streams every one was answered and none runs on upstream; growth is told in four ways."""
    rows = {row.what: row.value for row in leaks.measure(streams=12, warm_up=6)}

    assert rows["refused, or without an answer"] == 0
    assert rows["still running upstream"] == 0
    assert {"descriptors more than before", "threads more than before", "RSS more than before"} <= rows.keys()


def test_only_what_was_asked_for_is_measured() -> None:
    """A choice of nothing measures nothing, and says where."""
    figures = report.measure(streams=1, parts=[], say=pytest.fail)

    assert figures.rows == ()
    assert "cores" in figures.about


# --- what the figures are made of


def test_a_plan_survives_its_question() -> None:
    """The source reads in the message what the client has planned."""
    plan = Plan(events=7, per_s=20.0, wait_s=0.5, is_silent=True)

    assert Plan.of(json.dumps(plan.body()).encode()) == plan


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        pytest.param(source.event(3, 1234.5), 1234.5, id="an event of the source"),
        pytest.param(source.FINAL, None, id="the end of its stream"),
        pytest.param(b'event: proxy.start\ndata: {"turnId":"a"}\n\n', None, id="the proxy's own"),
        pytest.param(b": heartbeat\n\n", None, id="a heartbeat"),
    ],
)
def test_only_the_sources_events_carry_a_stamp(frame: bytes, expected: float | None) -> None:
    """A stamp is read from the source's events and from nothing else."""
    assert source.stamp_s(frame) == expected


def test_a_marker_is_in_its_own_frame_alone() -> None:
    """The marker of event 1 is not found in events 2 to 20."""
    assert source.marker(1) in source.event(1, 0.0)
    assert not any(source.marker(1) in source.event(number, 0.0) for number in range(2, 21))


def timeline(sent_s: float, arrivals: list[tuple[float, float]], *, whole: bool = True) -> Timeline:
    """A stream that was asked for then, with (written, arrived) events, after a frame of the proxy's."""
    frames = [(arrived_s, source.event(number, at_s)) for number, (at_s, arrived_s) in enumerate(arrivals, 1)]
    return Timeline(sent_s, 200, [(sent_s, b"event: proxy.start\ndata: {}\n\n"), *frames], whole)


RUN = Run(
    background=[
        timeline(0.0, [(9.0, 9.5), (10.0, 10.001), (11.0, 11.002), (12.0, 12.003)]),
        timeline(0.0, [(10.5, 10.504), (13.0, 13.9)]),
    ],
    probes=[timeline(11.5, [(11.503, 11.505)]), timeline(11.6, [], whole=False)],
    from_s=10.0,
    quiet_until_s=12.0,
    until_s=13.0,
    quiet_cpu_s=0.0006,
)


def test_lag_is_arrival_minus_stamp_within_the_measured_time() -> None:
    """Events before and after it do not count."""
    assert sorted(RUN.lags_ms()) == pytest.approx([1.0, 2.0, 3.0, 4.0])


def test_a_start_lasts_from_the_request_to_the_first_upstream_event() -> None:
    """The proxy's own first frame does not end it."""
    assert RUN.starts_ms() == pytest.approx([5.0])


def test_cpu_is_shared_by_the_events_of_the_quiet_time() -> None:
    """600 us over the three events written in it are 200 us each."""
    assert RUN.quiet_cpu_us() == pytest.approx(200.0)


def test_a_stream_without_its_end_is_broken() -> None:
    """A stream that was refused or cut is counted."""
    assert RUN.broken == 1


def test_every_stream_of_the_load_lasts_until_the_end() -> None:
    """The load is the same throughout the measured time, and starts come after the quiet."""
    shape = Shape()
    ends_s = [begin_s + plan.events / plan.per_s for begin_s, plan in shape.background()]

    assert len(ends_s) == shape.streams
    assert min(ends_s) >= shape.until_s
    assert max(begin_s for begin_s, _ in shape.background()) <= shape.fill_s < shape.quiet_from_s
    assert all(shape.starts_from_s <= begin_s <= shape.until_s for begin_s, _ in shape.probes())


def test_the_schedule_is_the_same_every_time() -> None:
    """Both doors see the same load."""
    assert Shape().background() == Shape().background()
    assert Shape().probes() == Shape().probes()


def test_the_workers_cpu_time_grows_with_its_work() -> None:
    """The children of a process, as of the proxy's master, are charged for what they compute."""
    with psutil.Popen(["/bin/sh", "-c", "while :; do :; done & wait"]) as shell:
        try:
            while not shell.children():
                os.sched_yield()
            server = proxy.Server(shell.pid)
            deadline_s = time.monotonic() + 20
            while server.cpu_s() <= 0 and time.monotonic() < deadline_s:
                os.sched_yield()
            assert server.cpu_s() > 0
        finally:
            for child in shell.children():
                child.kill()
            shell.kill()


@pytest.mark.parametrize(
    ("last", "missed"),
    [
        pytest.param(Stock(11, 80, 50_000), None, id="as before"),
        pytest.param(Stock(12, 80, 50_000), "descriptors more than before", id="a descriptor"),
        pytest.param(Stock(11, 81, 50_000), "threads more than before", id="a thread"),
        pytest.param(Stock(11, 80, 60_000), "RSS more than before", id="5 KB a stream"),
    ],
)
def test_a_leak_of_any_kind_misses_its_bar(last: Stock, missed: str | None) -> None:
    """One descriptor, one thread or a few KB a stream are too many."""
    rows = leaks.figures([Stock(11, 80, 50_000)] * 4 + [last], 2000, unanswered=0, running_upstream=0)

    assert [row.what for row in rows if not row.reached] == ([missed] if missed else [])


def test_a_refusal_has_a_status_and_no_frames(stack: Stack) -> None:
    """A chat without a token is told at once, and is no stream."""
    refused = asyncio.run(stream(f"{stack.proxy_url}/api/v1/chat", {}, {}))

    assert refused.status == 401
    assert refused.frames == []
    assert not refused.ended_cleanly


def test_figures_are_printed_under_their_headings() -> None:
    """A heading stands once above its rows."""
    rows = [*under("First", [Figure("a", 1, "ms"), Figure("b", 2, "ms")]), *under("Second", [Figure("c", 3, "ms")])]

    lines = Figures("here", tuple(rows)).as_text().splitlines()

    assert [line for line in lines if line in ("First", "Second")] == ["First", "Second"]
    assert lines.index("First") < lines.index("Second")
