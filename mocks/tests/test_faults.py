"""Faults: pure changes of a plan, which refuse to be silent when they cannot apply."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from mocks.cassette import Frame, ResponseHead
from mocks.faults import FaultDoesNotApplyError, Plan
from mocks.grammar import Fault

DELTA = b"event: delta\ndata: {}\n\n"
END = b"event: response\ndata: {}\n\n"
STREAM = Plan.of(
    ResponseHead(status=200, headers={"Content-Type": "text/event-stream", "X-Snowflake-Request-Id": "r1"}),
    [Frame(10, DELTA), Frame(20, DELTA, (4,)), Frame(30, END)],
)
DOCUMENT = Plan.of(ResponseHead(status=200, headers={"content-type": "application/json"}), [Frame(5, b"{}")])


def applied(plan: Plan = STREAM, **parts: Any) -> Plan:
    """The plan with a fault of these parts."""
    return Fault.model_validate(parts).apply(plan)


def schedule(plan: Plan, pace: float = 1.0) -> list[tuple[float, bytes]]:
    """When each frame leaves."""
    return [(frame.due_ms(pace), frame.data) for frame in plan.frames]


def test_header_names_of_a_plan_are_lower_case() -> None:
    """A recording may spell names as it likes; a plan has one spelling."""
    assert STREAM.headers == {"content-type": "text/event-stream", "x-snowflake-request-id": "r1"}
    assert STREAM.is_event_stream
    assert not DOCUMENT.is_event_stream


@pytest.mark.parametrize(
    ("cut", "kept", "ends"),
    [
        pytest.param({"after": "delta"}, [DELTA], "cut", id="after-the-first"),
        pytest.param({"after": "delta", "count": 2}, [DELTA, DELTA], "cut", id="after-the-second"),
        pytest.param({"after": "delta", "inside_bytes": 3}, [DELTA, DELTA[:3]], "cut", id="inside-the-next"),
        pytest.param({"after": "delta", "clean": True}, [DELTA], "clean", id="ended-properly"),
        pytest.param({"after": "response"}, [DELTA, DELTA, END], "cut", id="after-the-last"),
    ],
)
def test_cut_drops_what_follows(cut: dict[str, object], kept: list[bytes], ends: str) -> None:
    """Frames up to the place stay as they were; the connection is dropped, or the body ended early."""
    plan = applied(cut=cut)
    assert [frame.data for frame in plan.frames] == kept
    assert plan.ends == ends


def test_stall_moves_what_follows() -> None:
    """Frames behind the place are later by the stall; their cuts stay."""
    plan = applied(stall={"after": "delta", "ms": 100})
    assert schedule(plan) == [(10, DELTA), (120, DELTA), (130, END)]
    assert plan.frames[1].cut == (4,)


def test_a_faults_time_is_real_time() -> None:
    """A pace scales what was recorded and leaves a fault's own milliseconds, also where the frame is then cut."""
    plan = applied(
        stall={"after": "delta", "ms": 100},
        delay={"headers_ms": 40, "first_frame_ms": 10},
        cut={"after": "delta", "count": 2, "inside_bytes": 3},
    )
    assert plan.headers_delay_ms == 40
    assert schedule(plan, 0.1) == [(51, DELTA), (152, DELTA), (153, END[:3])]
    assert [at_ms for at_ms, _ in schedule(plan, 0)] == [50, 150, 150]


def test_delay_moves_head_and_frames() -> None:
    """Silence before the status line also delays every frame, and the two silences add up."""
    plan = applied(delay={"headers_ms": 100, "first_frame_ms": 50})
    assert plan.headers_delay_ms == 100
    assert schedule(plan) == [(160, DELTA), (170, DELTA), (180, END)]


def test_insert_adds_a_frame() -> None:
    """The foreign frame is due together with the one before it."""
    plan = applied(insert={"after": "delta", "count": 2, "frame": ": hello\n\n"})
    assert schedule(plan) == [(10, DELTA), (20, DELTA), (20, b": hello\n\n"), (30, END)]


@pytest.mark.parametrize(
    ("respond", "kind", "body"),
    [
        pytest.param({"json": {"code": "1"}}, "application/json", b'{"code": "1"}', id="json"),
        pytest.param({"text": "<p>"}, "text/html", b"<p>", id="text"),
        pytest.param({}, "text/html", b"", id="empty"),
        pytest.param({"text": "x", "headers": {"Content-Type": "text/plain"}}, "text/plain", b"x", id="own-type"),
    ],
)
def test_respond_replaces_the_answer(respond: dict[str, object], kind: str, body: bytes) -> None:
    """Status, type and body are the fault's; the request id stays the recording's."""
    plan = applied(respond={"status": 503, **respond})
    assert plan.status == 503
    assert plan.headers == {"x-snowflake-request-id": "r1", "content-type": kind}
    assert schedule(plan) == [(0, body)]


def test_parts_compose() -> None:
    """A different answer can be late as well."""
    plan = applied(respond={"status": 429, "json": {}}, delay={"headers_ms": 40})
    assert (plan.status, plan.headers_delay_ms, schedule(plan)) == (429, 40, [(40, b"{}")])


def test_a_fault_leaves_the_plan_it_took() -> None:
    """Faults are pure: the recorded plan can be played again."""
    before = json.dumps([STREAM.headers, repr(STREAM.frames)])
    applied(respond={"status": 500})
    applied(stall={"after": "delta", "ms": 1}, cut={"after": "delta"})
    assert json.dumps([STREAM.headers, repr(STREAM.frames)]) == before


@pytest.mark.parametrize(
    ("plan", "parts", "words"),
    [
        pytest.param(STREAM, {"cut": {"after": "nope"}}, "'nope' occurs 0 times", id="no-such-event"),
        pytest.param(STREAM, {"stall": {"after": "delta", "count": 3, "ms": 1}}, "2 times here", id="too-few"),
        pytest.param(STREAM, {"cut": {"after": "response", "inside_bytes": 1}}, "no frame of more", id="none-follows"),
        pytest.param(STREAM, {"cut": {"after": "delta", "inside_bytes": 99}}, "99 bytes follows", id="too-short"),
        pytest.param(DOCUMENT, {"insert": {"after": "delta", "frame": ":\n\n"}}, "0 times", id="insert-in-json"),
        pytest.param(DOCUMENT, {"cut": {"after": "delta"}}, "0 times", id="cut-json"),
        pytest.param(
            STREAM, {"respond": {"status": 500}, "cut": {"after": "delta"}}, "0 times", id="cut-of-what-was-replaced"
        ),
    ],
)
def test_a_fault_that_cannot_apply_says_so(plan: Plan, parts: dict[str, object], words: str) -> None:
    """The error says what the fault needs and what is there."""
    with pytest.raises(FaultDoesNotApplyError, match=words):
        applied(plan, **parts)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        pytest.param({}, "at least one of: respond, drop, duplicate", id="nothing"),
        pytest.param({"cut": None}, "at least one of", id="only-null"),
        pytest.param({"cat": {}}, "Extra inputs", id="unknown-part"),
        pytest.param({"cut": {"after": "a", "count": 0}}, "greater than or equal to 1", id="count-zero"),
        pytest.param({"stall": {"after": "a", "ms": -1}}, "greater than 0", id="negative-stall"),
        pytest.param({"respond": {"status": 99}}, "greater than or equal to 200", id="status"),
        pytest.param({"respond": {"status": 200, "json": {}, "text": ""}}, "not both", id="two-bodies"),
        pytest.param({"respond": {"status": 200, "headers": {"A": "ü"}}}, "cannot be sent", id="header-value"),
        pytest.param({"respond": {"status": 200, "headers": {"A b": ""}}}, "cannot be sent", id="header-name"),
        pytest.param(
            {"respond": {"status": 200, "headers": {"content-length": "1"}}}, "leave it out", id="connection-header"
        ),
        pytest.param({"insert": {"after": "a", "frame": "data: 1\n"}}, "blank line", id="open-frame"),
    ],
)
def test_what_is_no_fault_is_refused(parts: dict[str, object], words: str) -> None:
    """A fault that says nothing, too much or nonsense is refused when it is read."""
    with pytest.raises(ValidationError, match=words):
        Fault.model_validate(parts)
