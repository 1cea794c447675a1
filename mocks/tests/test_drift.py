"""What a fresh recording may differ in from the stored one, and what is told of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from mocks import drift
from mocks.cassette import (
    Cassette,
    CassetteFormatError,
    Frame,
    Frames,
    Header,
    Interaction,
    Match,
    Request,
    ResponseHead,
    load_all,
    save,
)
from mocks.drift import Aspect, Drift, Tolerance, compare, quantile

SHIPPED = Path(drift.__file__).with_name("cassettes")
HEADER = Header(provenance="documented", source="made up", about="for tests")
RUN = "/api/v2/cortex/agent:run"
EVENTS: Sequence[tuple[str, object]] = (
    ("response.status", {"message": "Planning", "sequence_number": 1}),
    ("response.text.delta", {"content_index": 0, "text": "Net ", "sequence_number": 2}),
    ("response.text.delta", {"content_index": 0, "text": "sales", "sequence_number": 3}),
    ("response", {"content": [{"type": "text", "text": "Net sales"}], "sequence_number": 4}),
)


def stream(
    events: Sequence[tuple[str, object]] = EVENTS,
    *,
    text: str = "Net sales by region",
    status: int = 200,
    headers: dict[str, str] | None = None,
    start_ms: float = 100.0,
    gap_ms: float = 20.0,
) -> Interaction:
    """A run's answer."""
    frames = [
        Frame(start_ms + at * gap_ms, f"event: {name}\ndata: {json.dumps(data)}\n\n".encode())
        for at, (name, data) in enumerate([*events, ("done", "[DONE]")])
    ]
    head = ResponseHead(status=status, headers=headers or {"Content-Type": "text/event-stream"})
    return Interaction(Request(method="POST", path=RUN, match=Match(last_user_text=text)), head, Frames(frames))


def tape(*interactions: Interaction) -> Cassette:
    """A cassette of these."""
    return Cassette("tape", HEADER, interactions)


def told(stored: Interaction, fresh: Interaction) -> list[tuple[str, str]]:
    """Aspect and words of each difference."""
    return [(each.aspect, str(each)) for each in compare(tape(stored), tape(fresh))]


@pytest.mark.parametrize("shipped", load_all(SHIPPED), ids=lambda each: each.name)
def test_a_cassette_does_not_drift_from_itself(shipped: Cassette) -> None:
    """Equal recordings have no difference."""
    assert compare(shipped, shipped) == []


def test_other_words_and_other_lengths_are_no_drift() -> None:
    """A model says the same in other words and in more pieces."""
    longer = [
        EVENTS[0],
        *[("response.text.delta", {"content_index": 0, "text": "x", "sequence_number": 9})] * 9,
        EVENTS[3],
    ]
    assert told(stream(), stream(longer)) == []


@pytest.mark.parametrize(
    ("fresh", "expected"),
    [
        pytest.param(
            stream([*EVENTS[:3], ("response.grid", {}), EVENTS[3]]),
            [("event", "event response.grid: never came, now came once")],
            id="new event",
        ),
        pytest.param(
            stream([EVENTS[0], EVENTS[3]]),
            [("event", "event response.text.delta: came 2 times, now never came")],
            id="missing event",
        ),
        pytest.param(
            stream(
                [("response.status", {"message": "Planning", "sequence_number": 1, "phase": {"n": 1}}), *EVENTS[1:]]
            ),
            [("field", "response.status: phase: in none of 1, now object in 1 of 1")],
            id="new field, told once with all that it holds",
        ),
        pytest.param(
            stream([("response.status", {"sequence_number": 1}), *EVENTS[1:]]),
            [("field", "response.status: message: string in 1 of 1, now in none of 1")],
            id="missing field",
        ),
        pytest.param(
            stream([("response.status", {"message": "Planning", "sequence_number": "1"}), *EVENTS[1:]]),
            [("field", "response.status: sequence_number: number in 1 of 1, now string in 1 of 1")],
            id="another type",
        ),
        pytest.param(
            stream([*EVENTS[:3], ("response", {"content": [{"type": "text", "text": None}], "sequence_number": 4})]),
            [("field", "response: content[].text: string in 1 of 1, now null in 1 of 1")],
            id="another type in a list",
        ),
        pytest.param(
            stream([*EVENTS[1:3], EVENTS[0], EVENTS[3]]),
            [
                (
                    "order",
                    "event response.status: before response.text.delta, now after response.text.delta",
                )
            ],
            id="order",
        ),
        pytest.param(stream(status=206), [("status", "status: 200, now 206")], id="status"),
        pytest.param(
            stream(headers={"Content-Type": "text/event-stream;charset=utf-8", "X-New": "1"}),
            [
                ("header", "header x-new: not sent, now sent"),
                ("header", "header content-type: text/event-stream, now text/event-stream;charset=utf-8"),
            ],
            id="headers",
        ),
        pytest.param(
            stream(start_ms=900),
            [
                ("timing", "first frame, 50% quantile: 100 ms, now 900 ms"),
                ("timing", "first frame, 90% quantile: 100 ms, now 900 ms"),
            ],
            id="first frame",
        ),
        pytest.param(
            stream(text="Something else"),
            [
                ("interaction", "request 'Net sales by region': recorded, now not recorded"),
                ("interaction", "request 'Something else': not recorded, now recorded"),
            ],
            id="another question",
        ),
    ],
)
def test_a_difference_is_told(fresh: Interaction, expected: list[tuple[str, str]]) -> None:
    """Each aspect in which recordings differ is named, with how it was and how it is."""
    assert told(stream(), fresh) == expected


def test_a_field_that_another_answer_of_the_route_has_is_no_drift() -> None:
    """What one answer happens not to have counts only when none has it."""
    with_chart = stream([*EVENTS[:3], ("response.chart", {"chart_spec": "{}"}), EVENTS[3]], text="a")
    plain = stream(text="b")
    stored = tape(with_chart, plain)
    fresh = tape(stream(text="a"), stream([*EVENTS[:3], ("response.chart", {"chart_spec": "{}"}), EVENTS[3]], text="b"))
    assert compare(stored, fresh) == []


def test_gaps_are_compared_by_quantiles() -> None:
    """Slower frames are told of when there are enough to speak of a distribution."""
    many = [EVENTS[1]] * 20
    slow = compare(tape(stream(many)), tape(stream(many, gap_ms=200)))
    assert [(each.aspect, each.stored, each.fresh) for each in slow] == [(Aspect.TIMING, "20 ms", "200 ms")] * 2
    few = [EVENTS[1]] * 5
    assert compare(tape(stream(few)), tape(stream(few, gap_ms=200))) == []


@pytest.mark.parametrize(
    ("stored_ms", "fresh_ms", "is_allowed"),
    [
        pytest.param(100, 199, True, id="within the factor"),
        pytest.param(100, 201, False, id="beyond the factor"),
        pytest.param(201, 100, False, id="faster, too"),
        pytest.param(1, 40, True, id="below the floor"),
        pytest.param(0, 40, True, id="from nothing, below the floor"),
        pytest.param(0, 60, False, id="from nothing, above the floor"),
    ],
)
def test_a_tolerance_is_a_factor_and_a_floor(stored_ms: float, fresh_ms: float, is_allowed: bool) -> None:
    """Quantiles may be apart by a factor, and tiny ones by some milliseconds."""
    assert Tolerance(factor=2, floor_ms=50).allows(stored_ms, fresh_ms) is is_allowed


@pytest.mark.parametrize(("share", "expected"), [(0.5, 2), (0.9, 4), (0.25, 1)])
def test_a_quantile_is_a_measured_value(share: float, expected: float) -> None:
    """No value is made up between two others."""
    assert quantile([4, 1, 3, 2], share) == expected


def test_plain_answers_are_compared_by_their_fields() -> None:
    """A JSON body has fields like an event."""

    def answer(body: object) -> Interaction:
        head = ResponseHead(status=200, headers={"Content-Type": "application/json"})
        return Interaction(Request(method="GET", path="/x"), head, Frames([Frame(1.0, json.dumps(body).encode())]))

    drifts = compare(tape(answer({"rows": [[1]]})), tape(answer({"rows": [["1"]]})))
    assert drifts == [
        Drift(Aspect.FIELD, "GET /x", "body: rows[][]", "number in 1 of 1", "string in 1 of 1"),
    ]


def test_events_of_tools_are_told_apart_by_type() -> None:
    """The fields of a tool's call depend on the tool, so each type is an event of its own."""
    search = ("response.tool_use", {"type": "cortex_search", "input": {"query": "x"}})
    sql = ("response.tool_use", {"type": "system_execute_sql", "input": {"sql": "select 1"}})
    names = [each.what for each in compare(tape(stream([search])), tape(stream([sql])))]
    assert names == ["event response.tool_use (cortex_search)", "event response.tool_use (system_execute_sql)"]


def test_the_command_exits_with_4_when_something_drifted(tmp_path: Path) -> None:
    """Files are compared with files; the report names route, aspect and both sides."""
    stored, fresh, said = tmp_path / "a.jsonl", tmp_path / "b.jsonl", list[str]()
    save(tape(stream()), stored)
    save(tape(stream(status=206)), fresh)

    assert drift.run(stored, stored, say=said.append) == 0
    assert drift.run(stored, fresh, say=said.append) == drift.EXIT_DRIFT
    assert said[0].endswith(": no drift")
    assert said[1].splitlines()[1:] == [f"  POST {RUN}", "    status       status: 200, now 206"]


def test_the_command_speaks_json(tmp_path: Path) -> None:
    """By cassette, each difference as an object."""
    said = list[str]()
    for folder, status in (("stored", 200), ("fresh", 206)):
        save(tape(stream(status=status)), tmp_path / folder / "agents" / "a.jsonl")

    assert drift.run(tmp_path / "stored", tmp_path / "fresh", say=said.append, as_json=True) == drift.EXIT_DRIFT
    assert json.loads(said[0]) == {
        "agents/a.jsonl": [
            {"aspect": "status", "where": f"POST {RUN}", "what": "status", "stored": "200", "fresh": "206"}
        ]
    }


@pytest.mark.parametrize("missing", ["stored", "fresh"])
def test_folders_that_hold_nothing_to_compare_are_an_error(tmp_path: Path, missing: str) -> None:
    """Nothing compared is not nothing found."""
    for folder in {"stored", "fresh"} - {missing}:
        save(tape(stream()), tmp_path / folder / "a.jsonl")
    (tmp_path / missing).mkdir()
    with pytest.raises(CassetteFormatError, match=r"no cassette found|not found"):
        drift.run(tmp_path / "stored", tmp_path / "fresh", say=print)
