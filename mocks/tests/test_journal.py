"""The journal: bounded in number and bytes, newest first, one end for each exchange, no credentials."""

from __future__ import annotations

import gc
import json
import tracemalloc
from typing import Any, get_args

import pytest

from mocks.cassette import Frame
from mocks.journal import (
    KEPT_BODY_BYTES,
    MAX_CHARS,
    MAX_FRAMES,
    MAX_HEADERS,
    OUTCOMES,
    SHOWN_BODY_BYTES,
    Change,
    Entry,
    Filter,
    Journal,
)

TRACE = "0af7651916cd43dd8448eb211c80319c"
PLANTED = "planted-canary-1b7f"


def told(journal: Journal) -> list[tuple[str, int]]:
    """What listeners are told from now on."""
    heard: list[tuple[str, int]] = []
    journal.on_change.append(lambda change, entry: heard.append((change, entry.id)))
    return heard


def test_the_newest_come_first_and_the_oldest_go() -> None:
    """The journal holds its size and no more."""
    journal = Journal(size=3)
    for number in range(5):
        journal.open("GET", f"/{number}")
    assert [entry.path for entry in journal.entries()] == ["/4", "/3", "/2"]
    assert [entry.path for entry in journal.entries(limit=1)] == ["/4"]
    assert len(journal) == 3


def test_an_entry_that_is_not_kept_is_not_listed() -> None:
    """The admin's own requests leave no trace and are told to nobody, but ids go on."""
    journal = Journal()
    heard = told(journal)
    unkept = journal.open("GET", "/__mock/health", keep=False)
    unkept.carried(b"x")
    unkept.close("answered")
    kept = journal.open("POST", "/run")
    assert journal.entries() == [kept]
    assert kept.id > unkept.id
    assert heard == [("opened", kept.id)]


def test_a_journal_of_no_size_keeps_nothing() -> None:
    """Size 0 turns it off; listeners are told all the same."""
    journal = Journal(size=0)
    heard = told(journal)
    journal.open("GET", "/").close("answered")
    assert journal.entries() == []
    assert heard == [("opened", 1), ("ended", 1)]
    assert journal.held_bytes == 0


def test_only_the_first_end_counts() -> None:
    """An exchange that was refused is not later called answered, and it ends once."""
    journal = Journal()
    heard = told(journal)
    entry = journal.open("GET", "/")
    entry.end("refused", "no")
    assert entry.ended_mono_s is None
    entry.close("answered")
    ended = entry.ended_mono_s
    entry.close("client_gone", "later")
    assert (entry.outcome, entry.why, entry.ended_mono_s) == ("refused", "no", ended)
    assert heard == [("opened", 1), ("ended", 1)]


def test_listeners_are_told_of_every_change_once() -> None:
    """Opened, answering, ended; at `answering` the request and the plan are known."""
    journal = Journal()
    seen: list[tuple[str, int, int]] = []
    journal.on_change.append(lambda change, entry: seen.append((change, entry.status, entry.frames_planned)))
    entry = journal.open("GET", "/")
    entry.answers(200, [Frame(1, b"x")], 1.0)
    entry.close("answered")
    assert seen == [("opened", 0, 0), ("answering", 200, 1), ("ended", 200, 1)]
    assert {change for change, *_ in seen} == set(get_args(Change))


def test_a_listener_that_fails_harms_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    """The exchange goes on, the other listeners are told, and stderr names the failure in one line."""
    journal = Journal()

    def fail(change: Change, entry: Entry) -> None:
        raise RuntimeError("listener")

    journal.on_change.append(fail)
    heard = told(journal)
    journal.open("GET", "/").close("answered")
    assert heard == [("opened", 1), ("ended", 1)]
    assert (
        capsys.readouterr().err.splitlines() == ["mock: a listener of the journal failed: RuntimeError('listener')"] * 2
    )


def filled() -> Journal:
    """Five entries that differ in every field that can be filtered."""
    journal = Journal()
    for number in range(5):
        entry = journal.open("GET" if number % 2 else "POST", f"/agents/{number}:run")
        entry.asked_by(f"test-{number}", f"00-{number:032x}-b7ad6b7169203331-01")
        entry.scenario, entry.cassette = f"scenario-{number}", f"agents/{number}"
        entry.answers(200 + number, (), 1)
        entry.close("missed" if number == 2 else "answered")
    return journal


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        pytest.param({}, [5, 4, 3, 2, 1], id="all"),
        pytest.param({"test_id": "test-2"}, [3], id="test"),
        pytest.param({"outcome": "missed"}, [3], id="outcome"),
        pytest.param({"method": "GET"}, [4, 2], id="method"),
        pytest.param({"path": "/3:"}, [4], id="part-of-path"),
        pytest.param({"scenario": "scenario-1"}, [2], id="scenario"),
        pytest.param({"cassette": "agents/1"}, [2], id="cassette"),
        pytest.param({"trace_id": f"{4:032x}"}, [5], id="trace"),
        pytest.param({"status": 201}, [2], id="status"),
        pytest.param({"before": 3}, [2, 1], id="before"),
        pytest.param({"method": "POST", "outcome": "answered"}, [5, 1], id="both"),
        pytest.param({"method": "GET", "test_id": "test-2"}, [], id="neither"),
    ],
)
def test_entries_are_filtered(wanted: dict[str, Any], ids: list[int]) -> None:
    """Everything given holds together."""
    assert [entry.id for entry in filled().entries(Filter(**wanted))] == ids


def test_clearing_one_test_leaves_the_others() -> None:
    """Entries and bytes of one test go; a clear of all leaves nothing; those who listen hear of both."""
    journal = filled()
    cleared: list[str | None] = []
    journal.on_clear.append(cleared.append)
    journal.clear("test-2")
    assert [entry.id for entry in journal.entries()] == [5, 4, 2, 1]
    assert journal.find(3) is None
    journal.clear()
    assert (journal.entries(), journal.held_bytes) == ([], 0)
    assert cleared == ["test-2", None]


def test_what_a_client_wrote_is_clipped() -> None:
    """Neither paths nor headers nor queries nor traces nor reasons make an entry large."""
    long = "x" * 100_000
    entry = Journal().open(long, long)
    entry.came_with({f"{long}{number}"[-200:]: long for number in range(10_000)}, long)
    entry.asked_by("t", long)
    entry.end("refused", long)
    shown = entry.as_json()
    assert len(shown["request_headers"]) <= MAX_HEADERS
    assert len(json.dumps(shown)) < (MAX_HEADERS + 20) * 2 * MAX_CHARS


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_times_are_in_order(outcome: str) -> None:
    """An exchange ends after it began, on the clock that processes share; it has no duration before."""
    entry = Journal().open("GET", "/")
    assert (entry.as_json()["ended_mono_s"], entry.duration_ms) == (None, None)
    entry.close(outcome)  # type: ignore[arg-type]  # every one of them
    shown = entry.as_json()
    assert shown["ended_mono_s"] >= entry.started_mono_s
    assert shown["duration_ms"] == pytest.approx((shown["ended_mono_s"] - shown["started_mono_s"]) * 1000)


@pytest.mark.parametrize(
    ("traceparent", "trace_id"),
    [
        pytest.param(f"00-{TRACE}-b7ad6b7169203331-01", TRACE, id="whole"),
        pytest.param(f"00-{TRACE}", None, id="cut-off"),
        pytest.param("nonsense", None, id="nonsense"),
        pytest.param(None, None, id="none"),
    ],
)
def test_the_trace_id_comes_from_traceparent(traceparent: str | None, trace_id: str | None) -> None:
    """Its second part, when the whole is well-formed."""
    entry = Journal().open("GET", "/")
    entry.asked_by(None, traceparent)
    assert entry.as_json()["trace_id"] == trace_id


def test_the_timeline_tells_planned_and_actual_times() -> None:
    """Per frame: planned and actual milliseconds, bytes and event name; null until it is sent; the same afterwards."""
    frames = [Frame(10, b"event: a\ndata: 1\n\n"), Frame(20, b": comment\n\n", held_ms=5), Frame(30, b"event: b\n\n")]
    entry = Journal().open("POST", "/run")
    entry.answers(200, frames, 2.0)
    assert entry.timeline() == [[20, None, 18, "a"], [45, None, 11, ""], [60, None, 10, "b"]]
    entry.sent(2, entry.started_mono_s + 0.05)
    assert entry.timeline(1) == [[45, 50, 11, ""], [60, None, 10, "b"]]
    entry.sent(3, entry.started_mono_s + 0.0615)
    entry.close("answered")
    whole = entry.as_json(timeline=True)
    assert whole["timeline"] == [[20, 50, 18, "a"], [45, 50, 11, ""], [60, 61.5, 10, "b"]]
    assert (whole["timeline_truncated"], whole["frames_sent"]) == (False, 3)
    assert "timeline" not in entry.as_json()


def test_a_long_timeline_is_truncated() -> None:
    """At most so many frames have a line; the count of frames stays true."""
    entry = Journal().open("POST", "/run")
    entry.answers(200, [Frame(0, b"x")] * (MAX_FRAMES + 5), 1)
    entry.sent(MAX_FRAMES + 5, entry.started_mono_s)
    shown = entry.as_json(timeline=True)
    assert len(shown["timeline"]) == MAX_FRAMES
    assert (shown["timeline_truncated"], shown["frames_sent"]) == (True, MAX_FRAMES + 5)


@pytest.mark.parametrize(
    ("size", "kept", "truncated"),
    [
        pytest.param(0, 0, False, id="none"),
        pytest.param(SHOWN_BODY_BYTES, SHOWN_BODY_BYTES, False, id="just-fits"),
        pytest.param(SHOWN_BODY_BYTES + 1, SHOWN_BODY_BYTES + 1, True, id="not-all-shown"),
        pytest.param(10 * 2**20, KEPT_BODY_BYTES, True, id="not-all-kept"),
    ],
)
def test_a_body_is_kept_and_shown_in_part(size: int, kept: int, truncated: bool) -> None:
    """Its size is always told."""
    entry = Journal().open("POST", "/run")
    entry.carried(b"x" * size)
    shown = entry.as_json()
    assert len(entry.body) == kept
    assert len(shown["request_body"] or "") == min(size, SHOWN_BODY_BYTES)
    assert (shown["request_bytes"], shown["request_truncated"]) == (size, truncated)


def test_bytes_are_bounded_as_well() -> None:
    """Large bodies push out the oldest entries before there are too many of them, the newest included."""
    journal = Journal(size=1000, max_bytes=2**20)
    for _ in range(100):
        entry = journal.open("POST", "/run")
        entry.carried(b"x" * 100_000)
        entry.answers(200, [Frame(0, b"x")] * 100, 1)
        entry.close("answered")
        assert journal.held_bytes <= 2**20
    assert 5 <= len(journal) <= 10
    tiny = Journal(max_bytes=1000)
    entry = tiny.open("POST", "/run")
    entry.carried(b"x" * 2000)
    entry.close("answered")
    assert (len(tiny), tiny.held_bytes) == (0, 0)


def test_the_bytes_that_are_counted_are_those_in_memory() -> None:
    """What the journal counts is no less than what Python allocates, and not twice as much."""
    frames = [Frame(number, b"event: x\ndata: 1\n\n") for number in range(200)]
    gc.collect()
    tracemalloc.start()
    journal = Journal(size=500)
    for number in range(500):
        entry = journal.open("POST", f"/{number}" * 10)
        headers = {f"x-header-{name}-{number}": f"{number}" * 20 for name in range(10)}
        entry.came_with(headers, f"number={number}")
        entry.asked_by(f"test-{number}", f"00-{number:032x}-b7ad6b7169203331-01")
        entry.carried(b"%d" % number * 2000)
        entry.nearest = [
            {
                "cassette": "agents/x",
                "interaction": miss,
                "differences": [{"field": "last_user_text", "expected": "x", "found": f"{number} {miss}" * 50}],
            }
            for miss in range(3)
        ]
        entry.answers(404, frames, 1)
        for position in range(1, len(frames) + 1):
            entry.sent(position, entry.started_mono_s + position)
        entry.close("missed")
    del entry, headers
    gc.collect()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held <= journal.held_bytes <= 2 * held


def test_memory_is_flat_over_many_requests() -> None:
    """A full journal takes as much after ten thousand more requests as before them."""
    journal = Journal(size=200)

    def work(count: int) -> int:
        for number in range(count):
            entry = journal.open("POST", "/run")
            entry.came_with({"x": f"{number % 7}"}, "")
            entry.carried(b"%05d" % (number % 1000) * 100)
            entry.answers(200, [Frame(0, b"x")] * 5, 1)
            entry.sent(5, entry.started_mono_s)
            entry.close("answered")
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    before, after = work(1000), work(10_000)
    tracemalloc.stop()
    assert after - before < 20_000


SECRET_PLACES: dict[str, tuple[dict[str, str], str, str]] = {
    "authorization": ({"authorization": f"Bearer {PLANTED}"}, "", ""),
    "session-token": ({"authorization": f'Snowflake Token="{PLANTED}"'}, "", ""),
    "cookie": ({"cookie": f"session={PLANTED}"}, "", ""),
    "client-key": ({"x-client-key": PLANTED}, "", ""),
    "proxy-authorization": ({"proxy-authorization": PLANTED}, "", ""),
    "forwarded": ({"x-forwarded-access-token": PLANTED}, "", ""),
    "api-key": ({"x-api-key": PLANTED}, "", ""),
    "query": ({}, f"a=1&access_token={PLANTED}&b=2", ""),
    "query-first": ({}, f"token={PLANTED}", ""),
    "password": ({}, "", json.dumps({"data": {"LOGIN_NAME": "u", "PASSWORD": f'a"{PLANTED}'}})),
    "login-token": ({}, "", json.dumps({"data": {"TOKEN": PLANTED}})),
    "old-session": ({}, "", json.dumps({"oldSessionToken": PLANTED}, indent=1)),
    "cut-off": ({}, "", '{"PASSWORD":"' + PLANTED * 2000),
    "jwt": ({}, "", json.dumps({"text": f"my token is eyJhbGciOiJSUzI1NiJ9.{PLANTED}.{PLANTED}"})),
    "bearer-in-text": ({}, "", json.dumps({"text": f"curl -H 'Authorization: Bearer {PLANTED}'"})),
}


@pytest.mark.parametrize("place", SECRET_PLACES)
def test_a_credential_is_never_shown(place: str) -> None:
    """Wherever it was planted; the names around it stay."""
    headers, query, body = SECRET_PLACES[place]
    entry = Journal().open("POST", "/run")
    entry.came_with(headers, query)
    entry.carried(body.encode())
    entry.close("answered")
    shown = json.dumps(entry.as_json(timeline=True))
    assert PLANTED not in shown
    assert "***" in shown
    assert PLANTED not in repr(entry)


@pytest.mark.parametrize("place", ["path", "why", "nearest"])
def test_a_credential_in_a_question_is_never_repeated(place: str) -> None:
    """Not in the path, and not in what explains why nothing answered."""
    words = f"my token is eyJhbGciOiJSUzI1NiJ9.{PLANTED}.{PLANTED}, or Bearer {PLANTED}"
    entry = Journal().open("POST", f"/{words}" if place == "path" else "/run")
    entry.nearest = [{"differences": [{"field": "last_user_text", "found": words if place == "nearest" else "x"}]}]
    entry.close("missed", words if place == "why" else None)
    shown = entry.as_json()
    assert PLANTED not in json.dumps(shown)
    assert "my token is ***" in json.dumps(shown[place])
    assert shown["nearest"][0]["differences"][0]["field"] == "last_user_text"


def test_what_is_no_credential_is_shown() -> None:
    """Headers, queries and bodies appear as they came."""
    headers = {"x-snowflake-authorization-token-type": "KEYPAIR_JWT", "accept": "text/event-stream"}
    body = json.dumps({"max_tokens": 5, "text": "What is a token?", "tokens": [1]})
    entry = Journal().open("POST", "/run")
    entry.came_with(headers, "limit=5&mock_scenario=x")
    entry.carried(body.encode())
    shown = entry.as_json()
    assert (shown["request_headers"], shown["query"]) == (headers, "limit=5&mock_scenario=x")
    assert shown["request_body"] == body
