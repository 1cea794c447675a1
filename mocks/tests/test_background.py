"""Runs on threads: started in the background, followed from anywhere in their log, cancelled, forgotten."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from mocks import background, ids
from mocks.background import RETENTION_S, Run, Runs
from mocks.cassette import Cassette, Frame, Header, Interaction, Match, Request, ResponseHead, save
from mocks.ids import Place
from mocks.journal import Entry
from mocks.tests.running import NOW, RUN, Answer, KeyPair, RunningMock, read_to_end, run_body, running, until

HOUR_MS = 3_600_000.0
SLOW, TOOL, BROKEN, SILENT = "Take an hour", "Ask me for something", "Break", "Say nothing for an hour"
REQUEST = {"X-Test-Id": "background"}


def event(name: str, at_ms: float = 0.0, **payload: Any) -> Frame:
    """One frame."""
    return Frame(at_ms, f"event: {name}\ndata: {json.dumps(payload)}\n\n".encode())


DONE = Frame(HOUR_MS, b"event: done\ndata: [DONE]\n\n")
CALL = event("response.tool_use", content_index=0, sequence_number=1, tool_use_id="t1", client_side_execute=True)
FINAL = {"role": "assistant", "content": [{"type": "text", "text": "Half, and whole."}], "status": "completed"}
TAPES = {
    SLOW: (
        event("response.status", status="planning", sequence_number=1),
        event("response.text.delta", content_index=0, text="Half", sequence_number=2),
        event("response.text.delta", HOUR_MS, content_index=0, text=", and whole.", sequence_number=3),
        event("response", HOUR_MS, **FINAL, metadata={}, sequence_number=4),
        DONE,
    ),
    SILENT: (
        event("response.status", status="planning", sequence_number=1),
        event("response", HOUR_MS, **FINAL, sequence_number=2),
        DONE,
    ),
    TOOL: (CALL, event("response", role="assistant", content=[], sequence_number=2), Frame(0.0, DONE.data)),
    BROKEN: (
        event("response.text.delta", content_index=0, text="Well", sequence_number=1),
        event("error", code="399504", message="Error during execution", sequence_number=2),
        Frame(0.0, DONE.data),
    ),
}


@pytest.fixture(scope="module")
def slow(keys: KeyPair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMock]:
    """A mock whose answers stop half-way for an hour."""
    folder = tmp_path_factory.mktemp("slow")
    head = ResponseHead(status=200, headers={"Content-Type": "text/event-stream"})
    interactions = tuple(
        Interaction(Request(method="POST", path=RUN, match=Match(last_user_text=asked)), head, frames)
        for asked, frames in TAPES.items()
    )
    header = Header(provenance="documented", source="made up", about="a test")
    save(Cassette("agents/slow", header, interactions), folder / "cassettes" / "agents" / "slow.jsonl")
    (folder / "scenarios").mkdir()
    with running(keys, cassettes=folder / "cassettes", scenarios=folder / "scenarios") as started:
        yield started


def thread(mock: RunningMock) -> int:
    """A new thread."""
    created: int = mock.call("POST", "/api/v2/cortex/threads", b"{}", REQUEST).json()["thread_id"]
    return created


def start(mock: RunningMock, question: str = SLOW, **fields: object) -> dict[str, Any]:
    """A run in the background, in a thread of its own: its metadata."""
    body = {"thread_id": thread(mock), "parent_message_id": 0, "background": True, "stream": False, **fields}
    answer = mock.call("POST", RUN, run_body(question, **body), REQUEST)
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["status"] == "in_progress"
    started: dict[str, Any] = answer.json()["metadata"]
    return started


def path(metadata: dict[str, Any], verb: str = "") -> str:
    """Where the run is followed."""
    return f"/api/v2/cortex/agent/runs/{metadata['run_id']}{verb}"


def cancel(mock: RunningMock, metadata: dict[str, Any]) -> Answer:
    """Stop a run."""
    return mock.call("POST", path(metadata, "/cancel"), b"", REQUEST)


def messages(mock: RunningMock, metadata: dict[str, Any]) -> list[dict[str, Any]]:
    """What is stored in the run's thread, each payload read."""
    described = mock.call("GET", f"/api/v2/cortex/threads/{metadata['thread_id']}", headers=REQUEST).json()
    return [{**each, "message_payload": json.loads(each["message_payload"])} for each in described["messages"]]


def events(body: bytes) -> list[tuple[str, Any]]:
    """Names and payloads of a stream."""
    found = []
    for each in body.removesuffix(b"\n\n").split(b"\n\n"):
        name, _, data = each.decode().removeprefix("event: ").partition("\ndata: ")
        found.append((name, data if data == "[DONE]" else json.loads(data)))
    return found


def test_a_background_run_answers_at_once(slow: RunningMock) -> None:
    """Its ids, built from the thread and the question's message; the thread says that it is at work."""
    metadata = start(slow)
    thread_id, message_id = metadata["thread_id"], metadata["user_message_id"]
    assert metadata == {"run_id": f"{thread_id}-{message_id}", "thread_id": thread_id, "user_message_id": message_id}
    (question,) = messages(slow, metadata)
    assert (question["message_id"], question["role"], question["parent_id"]) == (message_id, "user", None)
    listed = slow.call("GET", "/api/v2/cortex/threads", headers=REQUEST).json()
    assert (listed[0]["thread_id"], listed[0]["status"]) == (thread_id, "IN_PROGRESS")


def test_a_background_run_needs_a_thread(slow: RunningMock) -> None:
    """Without one it is refused."""
    answer = slow.run(SLOW, background=True)
    assert (answer.status, answer.json()["code"]) == (400, "390142")
    assert "only available with a thread" in answer.json()["message"]


def test_a_run_is_followed_to_its_end(mock: RunningMock) -> None:
    """The log of a run is what its own stream was, byte for byte, from the start or after a sequence number."""
    asked: dict[str, Any] = {"thread_id": thread(mock), "parent_message_id": 0, "background": True}
    stream = mock.run(headers=REQUEST, **asked)
    told = events(stream.body)
    run_id = told[0][1]["metadata"]["run_id"]
    for given in ("", "?starting_after=0", "?starting_after="):
        again = mock.call("GET", path({"run_id": run_id}, given), headers=REQUEST)
        assert (again.status, again.headers["content-type"], again.body) == (200, "text/event-stream", stream.body)
        assert again.headers["x-mock-cassette"] == "agents/net_sales_by_region"
    later = mock.call("GET", path({"run_id": run_id}, "?starting_after=7"), headers=REQUEST)
    assert events(later.body) == told[7:]
    assert stream.body.endswith(later.body)
    nothing = mock.call("GET", path({"run_id": run_id}, "?starting_after=999"), headers=REQUEST)
    assert events(nothing.body) == [("done", "[DONE]")]


def test_a_synchronous_run_on_a_thread_can_be_replayed_too(mock: RunningMock) -> None:
    """Its `metadata` event names the run, whoever waits for it."""
    stream = mock.run(headers=REQUEST, thread_id=thread(mock), parent_message_id=0)
    run_id = events(stream.body)[0][1]["metadata"]["run_id"]
    assert mock.call("GET", path({"run_id": run_id}), headers=REQUEST).body == stream.body


def test_a_recorded_thread_keeps_its_recorded_run(mock: RunningMock) -> None:
    """A background run on a recorded thread is known by the recorded id, and its log is the recording."""
    body = run_body(thread_id=77, parent_message_id=0, background=True, stream=False)
    answer = mock.call("POST", RUN, body, {**NOW, **REQUEST})
    assert answer.json()["metadata"] == {"run_id": "77-501", "thread_id": 77, "user_message_id": 501}
    recorded = mock.run(headers=REQUEST).body
    assert mock.call("GET", path({"run_id": "77-501"}), headers=REQUEST).body == recorded


@pytest.mark.parametrize("given", ["x", "1.5", "9" * 30], ids=["word", "fraction", "huge"])
def test_a_place_in_the_log_is_a_number(slow: RunningMock, given: str) -> None:
    """Anything else is refused."""
    answer = slow.call("GET", path(start(slow), f"?starting_after={given}"), headers=REQUEST)
    assert (answer.status, "is not an integer" in answer.json()["message"]) == (400, True)


@pytest.mark.parametrize("verb", ["", "/cancel", "/steer", "/steer/m1"])
@pytest.mark.parametrize("who", ["unknown", "another-test"])
def test_a_run_that_is_not_there(slow: RunningMock, verb: str, who: str) -> None:
    """An unknown run, and one of another test, does not exist."""
    run_id = "5-6" if who == "unknown" else start(slow)["run_id"]
    method = {"": "GET", "/steer/m1": "DELETE"}.get(verb, "POST")
    answer = slow.call(method, path({"run_id": run_id}, verb), b"{}", {"X-Test-Id": "other"})
    assert (answer.status, answer.json()["code"]) == (404, "002003")


def test_cancelling_ends_every_stream(slow: RunningMock) -> None:
    """The original and a follower end with a cancelled `response` and `done`; what was said goes to the thread."""
    body = run_body(SLOW, thread_id=thread(slow), parent_message_id=0)
    with slow.opened(slow.request("POST", RUN, body, REQUEST)) as original:
        first = _received(original, b"Half")
        run_id = first.partition(b'"run_id":"')[2].partition(b'"')[0].decode()
        with slow.opened(slow.request("GET", path({"run_id": run_id}), headers=REQUEST)) as follower:
            seen = _received(follower, b"Half")
            answer = cancel(slow, {"run_id": run_id})
            ends = [first + read_to_end(original), seen + read_to_end(follower)]
    bodies = [_chunks_joined(raw) for raw in ends]
    assert bodies[0] == bodies[1]
    told = events(bodies[0])
    assert [name for name, _ in told[-3:]] == ["metadata", "response", "done"]
    assert [payload["sequence_number"] for _, payload in told[:-1]] == list(range(1, len(told)))
    final = told[-2][1]
    assert (final["status"], final["content"][0]["text"]) == ("cancelled", "Half")
    assert final["metadata"] == answer.json()["metadata"]
    reply, question = messages(slow, final["metadata"])
    assert reply["message_id"] == final["metadata"]["assistant_message_id"]
    assert (reply["parent_id"], reply["message_payload"]["status"]) == (question["message_id"], "cancelled")
    assert reply["message_payload"]["content"] == final["content"]
    again = slow.call("GET", path({"run_id": run_id}, "?starting_after=3"), headers=REQUEST)
    assert events(again.body) == told[3:]
    assert cancel(slow, {"run_id": run_id}).status == 409


def test_cancelling_before_anything_was_said(slow: RunningMock) -> None:
    """Nothing goes to the thread, and no assistant message is named."""
    metadata = start(slow, SILENT)
    assert cancel(slow, metadata).json() == {"metadata": {**metadata, "usage": {"tokens_consumed": []}}}
    assert [each["role"] for each in messages(slow, metadata)] == ["user"]
    told = events(slow.call("GET", path(metadata), headers=REQUEST).body)
    assert [name for name, _ in told] == ["metadata", "response.status", "response", "done"]
    assert told[2][1]["content"] == []


def test_cancelling_answers_who_waits_for_one_object(slow: RunningMock) -> None:
    """`stream: false` gets the cancelled object, at once."""
    thread_id = thread(slow)
    body = run_body(SLOW, thread_id=thread_id, parent_message_id=0, stream=False)
    with slow.opened(slow.request("POST", RUN, body, REQUEST)) as waiting:
        asked = until(lambda: messages(slow, {"thread_id": thread_id}) or None)[0]
        assert cancel(slow, {"run_id": f"{thread_id}-{asked['message_id']}"}).status == 200
        final = json.loads(read_to_end(waiting).partition(b"\r\n\r\n")[2])
    assert (final["status"], final["content"][0]["text"]) == ("cancelled", "Half")


def test_a_finished_run_cannot_be_cancelled(slow: RunningMock) -> None:
    """409, and the answer stays what it was."""
    metadata = start(slow, TOOL)
    answer = cancel(slow, metadata)
    assert (answer.status, "already finished" in answer.json()["message"]) == (409, True)


def test_a_run_in_the_background_goes_on_without_its_client(slow: RunningMock) -> None:
    """A client that leaves takes only a synchronous run along."""
    for is_background, status in ((True, 200), (False, 409)):
        thread_id = thread(slow)
        body = run_body(SLOW, thread_id=thread_id, parent_message_id=0, background=is_background)
        with slow.opened(slow.request("POST", RUN, body, REQUEST)) as line:
            first = _received(line, b"Half")
        run_id = first.partition(b'"run_id":"')[2].partition(b'"')[0].decode()
        until(lambda: slow.ended("background")["outcome"] == "client_gone" or None)
        assert cancel(slow, {"run_id": run_id}).status == status
        stored = messages(slow, {"thread_id": thread_id})
        assert [each["role"] for each in stored] == (["assistant", "user"] if is_background else ["user"])
        if not is_background:
            dropped = slow.call("GET", path({"run_id": run_id}), headers=REQUEST)
            assert (dropped.status, dropped.json()["mock"]["dropped"]) == (409, True)


def test_a_failed_run_is_stored_as_one(slow: RunningMock) -> None:
    """What was said before the error, the error beside it, and the state of the thread."""
    metadata = start(slow, BROKEN)
    reply = messages(slow, metadata)[0]["message_payload"]
    assert (reply["status"], reply["content"][0]["text"]) == ("error", "Well")
    assert reply["error"] == {"code": "399504", "message": "Error during execution"}


def test_a_thread_waits_for_the_client_after_its_tool_was_called(slow: RunningMock) -> None:
    """A client-side tool leaves the thread waiting for input."""
    metadata = start(slow, TOOL)
    described = slow.call("GET", f"/api/v2/cortex/threads/{metadata['thread_id']}", headers=REQUEST).json()
    assert described["metadata"]["status"] == "WAITING_FOR_INPUT"
    assert described["metadata"]["last_message_id"] == described["messages"][0]["message_id"]


def test_a_fault_belongs_to_its_exchange(mock: RunningMock) -> None:
    """What is cut off in one stream is there in the next; a run that a fault answered in its stead never began."""
    thread_id = thread(mock)
    asked: dict[str, Any] = {"thread_id": thread_id, "parent_message_id": 0, "background": True}
    headers = {**REQUEST, "X-Mock-Scenario": "throttled"}
    assert mock.run(headers=headers, **asked).status == 429
    assert mock.run(headers=headers, stream=False, **asked).status == 429
    assert messages(mock, {"thread_id": thread_id}) == []
    cut = mock.run(headers={**REQUEST, "X-Mock-Scenario": "ends_early"}, **asked).body
    run_id = events(cut)[0][1]["metadata"]["run_id"]
    whole = mock.call("GET", path({"run_id": run_id}), headers=REQUEST).body
    assert whole.startswith(cut)
    assert whole.endswith(b"event: done\ndata: [DONE]\n\n")
    assert not cut.endswith(b"event: done\ndata: [DONE]\n\n")
    assert len(messages(mock, {"thread_id": thread_id})) == 2


def test_a_cancellation_that_a_fault_answers_does_not_happen(slow: RunningMock) -> None:
    """A client that is told of a busy server has to ask again, and then the run is still there to be stopped."""
    metadata = start(slow)
    fault = {**REQUEST, "X-Mock-Fault": json.dumps({"respond": {"status": 503, "json": {"message": "busy"}}})}
    assert slow.call("POST", path(metadata, "/cancel"), b"", fault).status == 503
    assert cancel(slow, metadata).status == 200


@pytest.mark.parametrize(("method", "verb"), [("POST", "/steer"), ("DELETE", "/steer/m1")], ids=["steer", "recall"])
def test_steering_is_not_played(slow: RunningMock, method: str, verb: str) -> None:
    """The experiment is refused, in words that say what this is."""
    answer = slow.call(method, path(start(slow), verb), b"{}", REQUEST)
    assert (answer.status, answer.json()["mock"]) == (400, {"not_played": "steering of runs"})


def test_compaction_is_not_played(slow: RunningMock) -> None:
    """Nothing here could summarise."""
    answer = slow.call("POST", "/api/v2/cortex/agent:compact", b'{"thread_id":1}')
    assert (answer.status, answer.json()["mock"]) == (400, {"not_played": "compaction of threads"})


def test_another_users_run_does_not_exist() -> None:
    """Runs are found by their owner only, and the oldest are forgotten."""
    kept = Runs()
    made = [made_run(place=Place(1, 2 * number, 2 * number + 1)) for number in range(background.MAX_RUNS + 1)]
    for run in made:
        kept.add(run)
    assert kept.find("ANN", made[-1].run_id) is made[-1]
    assert kept.find("BOB", made[-1].run_id) is None
    assert kept.find("ANN", made[0].run_id) is None
    assert kept.find("ANN", made[1].run_id) is made[1]


def made_run(frames: tuple[Frame, ...] = TAPES[SLOW], **fields: Any) -> Run:
    """A run that began at second 1000."""
    given = {"place": Place(1, 2, 3), "started_s": 1000.0, "pace": 1.0, **fields}
    return Run(owner="ANN", thread_id=1, tape=ids.read(frames), **given)


def test_a_run_ends_when_its_final_object_is_due() -> None:
    """Pace and start decide; before that it runs, and its answer is not stored."""
    run = made_run(pace=0.5)
    assert run.final_s == 1000 + HOUR_MS / 2000
    assert (run.ended_s(run.final_s - 1), run.answered_s(run.final_s - 1)) == (None, None)
    assert (run.ended_s(run.final_s), run.answered_s(run.final_s)) == (run.final_s, run.final_s)
    assert run.turn()["content"] == FINAL["content"]


@pytest.mark.parametrize(
    ("outcome", "ended_s", "dropped"),
    [
        pytest.param("client_gone", 1001.0, True, id="left"),
        pytest.param("cut", 1001.0, True, id="cut"),
        pytest.param("client_gone", 9999.0, False, id="left-after-the-end"),
        pytest.param("answered", 1001.0, False, id="ended-early-by-a-fault"),
        pytest.param(None, None, False, id="still-there"),
    ],
)
def test_what_drops_a_synchronous_run(outcome: Any, ended_s: float | None, dropped: bool) -> None:
    """A connection that was lost before the end; a run in the background has none to lose."""
    entry = Entry(1, "POST", "/", outcome=outcome, ended_mono_s=ended_s)
    run = made_run(exchange=entry)
    assert run.was_dropped() is dropped
    assert (run.exchange is None) is (ended_s is not None), "what has ended is let go of"
    assert run.ended_s(1002.0) == (ended_s if dropped else None)
    assert not made_run(exchange=None).was_dropped()


def test_no_run_holds_on_to_a_request_for_long() -> None:
    """Runs let go of exchanges that have ended when others begin, however many go on."""
    kept, over = Runs(), Entry(1, "POST", "/", outcome="answered", ended_mono_s=1001.0)
    going = [made_run(place=Place(1, number, 0), exchange=Entry(2, "POST", "/")) for number in range(10)]
    ended = [made_run(place=Place(2, number, 0), exchange=over) for number in range(10)]
    for run in (*going, *ended, *(made_run(place=Place(3, number, 0)) for number in range(10))):
        kept.add(run)
    assert all(run.exchange is not None for run in going)
    assert all(run.exchange is None for run in ended)


def test_what_a_next_question_can_stand_on() -> None:
    """An answer that is there or will be: not of a run that was cut in its recording, or stopped before it spoke."""

    async def cancelled_at(now_s: float) -> Run:
        run = made_run(started_s=1000.0)
        run.cancel(now_s)
        await run.ended.wait()
        return run

    assert made_run().can_be_followed_up
    assert not made_run(TAPES[SLOW][:2]).can_be_followed_up
    assert asyncio.run(cancelled_at(1001.0)).can_be_followed_up
    silent = asyncio.run(cancelled_at(999.0))
    assert not silent.can_be_followed_up
    assert silent.answered_s(2000.0) is None


@pytest.mark.parametrize("content", ["null", "[]"])
def test_an_answer_without_content_is_stored(content: str) -> None:
    """Whatever a recorded final object lacks."""
    bare = Frame(0.0, f'event: response\ndata: {{"content":{content},"status":null}}\n\n'.encode())
    turn = made_run((bare, DONE)).turn()
    assert turn == {"role": "assistant", "content": [], "status": "completed", "schema_version": "v2"}


def test_followers_hear_each_frame_when_the_run_is_that_far() -> None:
    """What is past is due at once, the rest at the run's own times, whatever the follower's pace."""
    run = made_run()
    late = run.log(None, started_s=1060.0)
    assert [frame.due_ms(7) for frame in late] == [0.0, 0.0, 0.0, *[HOUR_MS - 60_000] * 4]
    assert [frame.data for frame in late] == [frame.data for frame in run.frames()]
    assert run.log(2, started_s=1000.0) == run.log(None, started_s=1000.0)[2:]


def test_what_a_fault_has_ended_is_not_gone_on_with() -> None:
    """A stream that a fault ends early does not get the ending of a cancelled run."""
    run = made_run()

    async def cancelled() -> None:
        run.cancel(1001.0)
        assert run.turn()["status"] == "cancelled", "who asks early is told the same"
        await run.ended.wait()

    asyncio.run(cancelled())
    whole = run.frames()
    assert run.rest(whole, 3, 1000.0) == (*whole[:3], *run.rest(whole, 3, 1000.0)[3:])
    assert [frame.event for frame in run.rest(whole, 3, 1000.0)[3:]] == ["metadata", "response", "done"]
    assert {frame.held_ms for frame in run.rest(whole, 0, 1000.0)[3:]} == {1000.0}
    assert run.rest(whole[:3], 3, 1000.0) == whole[:3]


def test_the_log_outlives_the_run_for_a_while(slow: RunningMock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five minutes after its end a run is no longer available, and says so."""
    metadata = start(slow, TOOL)
    assert RETENTION_S == 300
    assert slow.call("GET", path(metadata), headers=REQUEST).status == 200
    monkeypatch.setattr(background, "RETENTION_S", -1.0)
    answer = slow.call("GET", path(metadata), headers=REQUEST)
    assert (answer.status, "no longer available" in answer.json()["message"]) == (409, True)


def _received(line: socket.socket, until_seen: bytes) -> bytes:
    """What a connection brings, once these bytes are among it."""
    raw = b""
    while until_seen not in raw:
        raw += line.recv(65536)
    return raw


def _chunks_joined(raw: bytes) -> bytes:
    """The body of a whole chunked answer."""
    rest, body = raw.partition(b"\r\n\r\n")[2], b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return body
