"""Faults: pure changes of a plan, which refuse to be silent when they cannot apply. Most are told as whole faults."""

from __future__ import annotations

import itertools
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


def test_delay_between_frames_adds_up() -> None:
    """Every frame but the first is later than the one before it by so much."""
    plan = applied(delay={"between_frames_ms": 100})
    assert schedule(plan) == [(10, DELTA), (120, DELTA), (230, END)]
    assert plan.headers_delay_ms == 0


@pytest.mark.parametrize(
    ("place", "index"),
    [
        pytest.param({"after": "head"}, 0, id="after-the-head"),
        pytest.param({"after": "*", "count": 2}, 2, id="after-the-second-event-of-any-name"),
        pytest.param({"before": "delta"}, 0, id="before-the-first"),
        pytest.param({"before": "delta", "count": 2}, 1, id="before-the-second"),
        pytest.param({"before": "response"}, 2, id="before-the-last"),
    ],
)
def test_places(place: dict[str, object], index: int) -> None:
    """A place is behind or in front of an event, by name or by number, or right after the head."""
    frames = [frame.data for frame in applied(insert={**place, "frame": ":\n\n"}).frames]
    assert frames.index(b":\n\n") == index
    assert [frame.data for frame in applied(cut=place).frames] == [DELTA, DELTA, END][:index]


@pytest.mark.parametrize(
    ("parts", "frames"),
    [
        pytest.param({"drop": {"event": "response"}}, [DELTA, DELTA], id="drop"),
        pytest.param({"drop": {"event": "delta", "count": 2}}, [DELTA, END], id="drop-the-second"),
        pytest.param({"drop": {"event": "delta", "all": True}}, [END], id="drop-all"),
        pytest.param({"drop": {"event": "*", "all": True}}, [], id="drop-everything"),
        pytest.param({"duplicate": {"event": "response"}}, [DELTA, DELTA, END, END], id="duplicate"),
        pytest.param({"reorder": {"event": "delta", "count": 2}}, [DELTA, END, DELTA], id="reorder"),
        pytest.param({"reorder": {"event": "delta", "by": 2}}, [DELTA, END, DELTA], id="reorder-far"),
        pytest.param({"corrupt": {"event": "response"}}, [DELTA, DELTA, b"event: response\ndata: {\n\n"], id="json"),
        pytest.param(
            {"corrupt": {"event": "response", "how": "utf8"}},
            [DELTA, DELTA, b"event: response\ndata: {\xff}\n\n"],
            id="utf8",
        ),
        pytest.param(
            {"corrupt": {"event": "response", "how": "empty"}},
            [DELTA, DELTA, b"event: response\ndata: \n\n"],
            id="empty",
        ),
        pytest.param(
            {"line_ends": "crlf"},
            [b"event: delta\r\ndata: {}\r\n\r\n"] * 2 + [b"event: response\r\ndata: {}\r\n\r\n"],
            id="crlf",
        ),
        pytest.param(
            {"line_ends": "cr"}, [b"event: delta\rdata: {}\r\r"] * 2 + [b"event: response\rdata: {}\r\r"], id="cr"
        ),
    ],
)
def test_other_frames(parts: dict[str, object], frames: list[bytes]) -> None:
    """What is left out, doubled, moved, broken or written otherwise; times stay with their places."""
    plan = Fault.model_validate(parts).apply(STREAM)
    assert [frame.data for frame in plan.frames] == frames
    assert [frame.due_ms(1) for frame in plan.frames] == sorted(frame.due_ms(1) for frame in plan.frames)
    assert plan.ends == "clean"


def test_split_divides_every_frame() -> None:
    """Pieces have the size asked for, the last of a frame what is left, and all bytes are there."""
    plan = applied(split={"every_bytes": 10})
    assert [[len(piece) for piece in frame.pieces()] for frame in plan.frames] == [
        [10, 10, 3],
        [10, 10, 3],
        [10, 10, 6],
    ]
    assert [b"".join(frame.pieces()) for frame in plan.frames] == [DELTA, DELTA, END]


def test_pace_multiplies_the_recorded_times() -> None:
    """And nothing a fault holds back."""
    plan = applied(pace=3, stall={"after": "delta", "ms": 100})
    assert schedule(plan) == [(30, DELTA), (160, DELTA), (190, END)]
    assert [at_ms for at_ms, _ in schedule(plan, 2)] == [60, 220, 280]


def text_deltas(*texts: str) -> Plan:
    """A stream of text deltas with a status in front and an end."""
    deltas = (b'event: response.text.delta\ndata: {"text":"%b"}\n\n' % text.encode() for text in texts)
    contents = [b"event: status\ndata: {}\n\n", *deltas, END]
    frames = [Frame(10.0 * number, data) for number, data in enumerate(contents, start=1)]
    return Plan.of(ResponseHead(status=200, headers={"content-type": "text/event-stream"}), frames)


def test_rate_counts_tokens() -> None:
    """A delta of 8 characters is two tokens; what lies between other events stays as recorded, at any pace."""
    plan = applied(text_deltas("12345678", "1234", ""), rate={"tokens_per_s": 10})
    assert [frame.due_ms(1) for frame in plan.frames] == pytest.approx([10, 210, 310, 410, 420])
    assert [frame.due_ms(0) for frame in plan.frames] == pytest.approx([0, 200, 300, 400, 400])


def test_jitter_is_seeded_and_bounded() -> None:
    """One seed gives one schedule; every gap stays within its spread."""
    stream = text_deltas(*["1234"] * 200)
    jittered = {"tokens_per_s": 10, "jitter": 0.2, "seed": 1}
    times = [frame.due_ms(1) for frame in applied(stream, rate=jittered).frames]
    assert times == [frame.due_ms(1) for frame in applied(stream, rate=jittered).frames]
    assert times != [frame.due_ms(1) for frame in applied(stream, rate={**jittered, "seed": 2}).frames]
    gaps = [after - before for before, after in itertools.pairwise(times[:-1])]
    assert 80 <= min(gaps) < 85
    assert 115 < max(gaps) <= 120


@pytest.mark.parametrize("part", ["fail", "expire"])
def test_a_run_ends_with_an_error_event(part: str) -> None:
    """The event names the code, the message and the request; `done` follows, and nothing else."""
    plan = Fault.model_validate({part: {"after": "delta"}}).apply(STREAM)
    events = [frame.event for frame in plan.frames]
    told = json.loads(plan.frames[1].payload)
    assert events == ["delta", "error", "done"]
    assert (told["code"], told["error_code"], told["request_id"]) == (told["code"], told["code"], "r1")
    assert (told["code"], "expired" in told["message"]) == (("399504", False) if part == "fail" else ("390114", True))


def test_a_heartbeat_is_all_that_comes() -> None:
    """Comments at an interval of real time take the place of what would follow; then the body ends properly."""
    plan = applied(heartbeat={"after": "delta", "every_ms": 100, "comments": 3, "text": "hi"})
    assert schedule(plan) == [(10, DELTA), (110, b": hi\n\n"), (210, b": hi\n\n"), (310, b": hi\n\n")]
    assert [at_ms for at_ms, _ in schedule(plan, 0)] == [0, 100, 200, 300]


def test_content_type_changes_what_is_announced() -> None:
    """What the client reads is another type; the frames still are events and leave one by one."""
    plan = applied(content_type="application/json")
    assert plan.sent_headers["content-type"] == "application/json"
    assert plan.is_event_stream
    assert plan.frames == STREAM.frames


def test_step_leaves_the_times_to_the_test() -> None:
    """Only how long a step is waited for is in the plan."""
    assert applied(step={"wait_s": 2}).step_wait_s == 2
    assert applied(step={}).step_wait_s == 30


@pytest.mark.parametrize(
    ("parts", "frames", "ends", "has_head"),
    [
        pytest.param({"reset": {"after": "delta"}}, 1, "reset", True, id="reset"),
        pytest.param({"reset": {"after": "head"}}, 0, "reset", True, id="reset-after-the-head"),
        pytest.param({"reset": {"after": "request"}}, 0, "reset", False, id="reset-without-an-answer"),
        pytest.param({"cut": {"after": "request"}}, 0, "cut", False, id="cut-without-an-answer"),
        pytest.param({"cut": {"before": "response"}}, 2, "cut", True, id="cut-before-the-last"),
    ],
)
def test_other_ends(parts: dict[str, object], frames: int, ends: str, has_head: bool) -> None:
    """A connection ends anywhere: also before the status line."""
    plan = Fault.model_validate(parts).apply(STREAM)
    assert (len(plan.frames), plan.ends, plan.has_head) == (frames, ends, has_head)


def test_a_cut_inside_a_character_leaves_half_of_it() -> None:
    """Frames before the next character of several bytes stay, its first byte is the last."""
    plan = applied(text_deltas("a", "b", "süß"), cut={"after": "head", "inside_code_point": True})
    assert len(plan.frames) == 4
    assert plan.frames[-1].data.endswith(b"s\xc3")
    assert plan.ends == "cut"


def test_an_answer_is_given_by_name() -> None:
    """Its parts can be replaced one by one, and the request id is told in the body as well."""
    named = applied(respond="too_many_requests")
    assert (named.status, named.headers.get("retry-after")) == (429, None)
    assert json.loads(named.frames[0].data)["request_id"] == "r1"
    changed = applied(respond={"like": "too_many_requests", "status": 503, "headers": {"Retry-After": "2"}})
    assert (changed.status, changed.headers["retry-after"], changed.frames) == (503, "2", named.frames)


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
        pytest.param(STREAM, {"drop": {"event": "x"}}, "'x' occurs 0 times", id="nothing-to-drop"),
        pytest.param(STREAM, {"drop": {"event": "x", "all": True}}, "'x' occurs 0 times", id="none-of-all-to-drop"),
        pytest.param(STREAM, {"reorder": {"event": "response"}}, "0 frames follow", id="nothing-to-swap-with"),
        pytest.param(STREAM, {"rate": {"tokens_per_s": 1}}, "'response.text.delta' occurs 0", id="no-deltas"),
        pytest.param(STREAM, {"cut": {"after": "head", "inside_code_point": True}}, "no character", id="all-ascii"),
        pytest.param(
            STREAM,
            {"corrupt": {"event": "response", "how": "empty"}, "in_order": [{"corrupt": {"event": "response"}}]},
            "no data",
            id="nothing-left-to-break",
        ),
        pytest.param(DOCUMENT, {"line_ends": "crlf"}, "only an event stream", id="lines-of-json"),
        pytest.param(DOCUMENT, {"split": {"every_bytes": 1}}, "only an event stream", id="pieces-of-json"),
        pytest.param(DOCUMENT, {"fail": {"after": "head"}}, "only an event stream", id="json-in-its-middle"),
        pytest.param(text_deltas("x" * 20_000), {"split": {"every_bytes": 1}}, "at most 10000", id="too-many-pieces"),
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
        pytest.param({"cut": {}}, "name one place", id="no-place"),
        pytest.param({"cut": {"after": "a", "before": "b"}}, "name one place", id="two-places"),
        pytest.param({"stall": {"after": "request", "ms": 1}}, "use delay.headers_ms", id="stall-at-the-request"),
        pytest.param(
            {"cut": {"after": "a", "inside_bytes": 1, "inside_code_point": True}}, "not both", id="two-ends-in-a-frame"
        ),
        pytest.param({"cut": {"after": "request", "clean": True}}, "nothing yet", id="proper-end-of-nothing"),
        pytest.param({"respond": {}}, "give a status", id="answer-of-nothing"),
        pytest.param({"respond": "sorry"}, "no answer is called 'sorry'", id="unknown-answer"),
        pytest.param({"content_type": "a\nb"}, "cannot be sent", id="content-type"),
        pytest.param({"pace": float("nan")}, "finite number", id="pace-of-no-number"),
        pytest.param({"delay": {"headers_ms": 1e12}}, "less than or equal to 3600000", id="a-delay-of-years"),
        pytest.param({"heartbeat": {"after": "a", "every_ms": 1, "comments": 10**6}}, "10000", id="endless-heartbeat"),
    ],
)
def test_what_is_no_fault_is_refused(parts: dict[str, object], words: str) -> None:
    """A fault that says nothing, too much or nonsense is refused when it is read."""
    with pytest.raises(ValidationError, match=words):
        Fault.model_validate(parts)
