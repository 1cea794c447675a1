"""Ids of a thread in frames: found, replaced, and added where an answer was recorded without a thread."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mocks.cassette import Frame, load_all
from mocks.ids import Place, read
from mocks.state import HERE

PLACE = Place(123_456, 50_007, 50_008)
DONE = Frame(9.0, b"event: done\ndata: [DONE]\n\n")
TAPES = [
    pytest.param(each.frames, id=f"{tape.name}-{number}")
    for tape in load_all(HERE / "cassettes")
    for number, each in enumerate(tape.interactions)
]
RUNS = [each for each in TAPES if read(each.values[0]).is_run]


def frame(event: str, payload: str, at_ms: float = 0.0, cut: tuple[int, ...] = ()) -> Frame:
    """One event with a payload as it was written."""
    return Frame(at_ms, f"event: {event}\ndata: {payload}\n\n".encode(), cut)


def payloads(frames: tuple[Frame, ...]) -> list[dict[str, Any]]:
    """The JSON of every frame but `done`."""
    return [json.loads(each.payload) for each in frames if each.event != "done"]


def test_there_are_answers_of_every_kind() -> None:
    """The shipped stories have threaded answers, answers without a thread, and one in the legacy format."""
    kinds = {(tape.is_run, bool(tape.ids)) for tape in (read(each.values[0]) for each in TAPES)}
    assert kinds == {(True, True), (True, False), (False, False)}


@pytest.mark.parametrize("frames", RUNS)
def test_an_answer_in_a_created_thread_carries_its_ids(frames: tuple[Frame, ...]) -> None:
    """Whatever was recorded: all ids are the new ones, and the numbers of the frames count from 1."""
    told = payloads(moved := read(frames).at(PLACE))
    assert [each["sequence_number"] for each in told] == list(range(1, len(told) + 1))
    assert read(frames).numbers_at(PLACE) == (*range(1, len(told) + 1), None)
    assert told[0]["metadata"] == {"role": "user", "message_id": 50_007, "run_id": "123456-50007"}
    if moved[-2].event == "response":
        assert told[-2]["metadata"] == {"role": "assistant", "message_id": 50_008, "run_id": "123456-50007"}
        assert PLACE.as_json().items() <= told[-1]["metadata"].items()


@pytest.mark.parametrize("frames", [each for each in RUNS if read(each.values[0]).ids])
def test_nothing_but_ids_changes(frames: tuple[Frame, ...]) -> None:
    """Put at the place where it was recorded, an answer is the recorded one, byte for byte and in its times."""
    ids = read(frames).ids
    recorded = Place(*(int(ids[name]) for name in ("thread_id", "user_message_id", "assistant_message_id")))
    assert read(frames).at(recorded) == frames
    assert read(frames).at(None) == frames
    moved = read(frames).at(PLACE)
    assert [(each.at_ms, each.event) for each in moved] == [(each.at_ms, each.event) for each in frames]
    changed = {each.event for each, other in zip(frames, moved, strict=True) if each != other}
    assert changed <= {"metadata", "response"}


@pytest.mark.parametrize("frames", [each for each in RUNS if not read(each.values[0]).ids])
def test_a_thread_adds_what_a_thread_adds(frames: tuple[Frame, ...]) -> None:
    """Without the two events, the ids and the moved numbers, the answer is the recorded one."""
    moved = [each for each in read(frames).at(PLACE) if each.event != "metadata"]
    for before, after in zip(frames, moved, strict=True):
        if before.event == "done":
            assert before == after
            continue
        was, told = json.loads(before.payload), json.loads(after.payload)
        assert 1 <= told.pop("sequence_number") - was.pop("sequence_number") <= 2
        told["metadata"] = {k: v for k, v in told.get("metadata", {}).items() if k not in PLACE.as_json()}
        assert {**was, "metadata": was.get("metadata", {})} == told


def test_the_legacy_format_knows_no_threads() -> None:
    """Its frames stay as they are, in any thread."""
    (frames,) = (each.values[0] for each in TAPES if "legacy" in str(each.id))
    assert read(frames).at(PLACE) == frames


@pytest.mark.parametrize(
    ("final", "expected"),
    [
        pytest.param('{"metadata":{"usage":{}}}', {"usage": {}}, id="usage"),
        pytest.param('{ "metadata" : { } }', {}, id="empty"),
        pytest.param('{"metadata":null,"x":1}', {}, id="null"),
        pytest.param('{"x":1}', {}, id="absent"),
    ],
)
def test_ids_find_their_place_in_any_final_object(final: str, expected: dict[str, Any]) -> None:
    """Metadata with other members, without any, null, or absent."""
    told = payloads(read((frame("response", final), DONE)).at(PLACE))[-1]
    assert told["metadata"] == {**PLACE.as_json(), **expected}
    assert told.get("x") == json.loads(final).get("x")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"event: response\ndata: {broken\n\n", id="broken"),
        pytest.param(b'event: response\ndata: {"a":\ndata: 1}\n\n', id="several-lines"),
        pytest.param(b"event: response\ndata: [1]\n\n", id="no-object"),
        pytest.param(b"event: response\ndata: \xff\n\n", id="no-text"),
        pytest.param(b"event: response\n\n", id="no-data"),
    ],
)
def test_what_cannot_be_read_stays(data: bytes) -> None:
    """A broken final object ends nothing, and no byte of it is touched."""
    frames = (Frame(0.0, data), DONE)
    assert not read(frames).is_run
    assert read(frames).at(PLACE) == frames


def test_an_id_inside_an_answer_is_no_id_of_the_thread() -> None:
    """Only the metadata's own members are ids: a column or a text of that name is content."""
    content = '"content":[{"thread_id":7,"text":"\\"thread_id\\":7"}]'
    final = frame("response", f'{{{content},"metadata":{{"thread_id":7,"deep":{{"run_id":"7-1"}}}}}}')
    moved = read((final, DONE)).at(PLACE)[0].data.decode()
    assert content in moved
    assert '"metadata":{"thread_id":123456,"deep":{"run_id":"7-1"}}' in moved


def test_recorded_cuts_stay_within_a_frame() -> None:
    """A frame that has become shorter keeps the cuts that still lie in it."""
    long = frame("metadata", '{"metadata":{"role":"user","message_id":1234567890123456}}', cut=(5, 70, 73))
    short = read((long,)).at(Place(1, 2, 3))[0]
    assert len(short.data) < 70
    assert short.cut == (5,)


@pytest.mark.parametrize(
    ("call", "waits"),
    [
        pytest.param('{"client_side_execute":true}', True, id="boolean"),
        pytest.param('{"client_side_execute":"true"}', True, id="text-of-the-docs"),
        pytest.param('{"permission":{"options":["allow"]}}', True, id="permission"),
        pytest.param('{"client_side_execute":false,"permission":null}', False, id="server"),
    ],
)
def test_a_run_that_waits_for_its_client(call: str, waits: bool) -> None:
    """A call that the client has to run, or to permit, is what the thread then waits for."""
    assert read((frame("response.tool_use", call), frame("response", "{}"))).waits is waits
