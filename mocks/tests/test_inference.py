"""Inference over real sockets: three forms, streamed and whole, errors, misses, embeddings."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest

from mocks.assumptions import Assumptions
from mocks.cassette import load_all
from mocks.matching import Candidate, candidates
from mocks.snowflake.completions import CHAT_PATH, COMPLETE_PATH, MESSAGES_PATH
from mocks.snowflake.inference import EMBED_PATH, MAX_TEXTS, MODELS_PATH
from mocks.snowflake.models import COMPLETING
from mocks.state import HERE
from mocks.tests.running import NOW, Answer, KeyPair, RunningMock, running

TAPES = [tape for tape in load_all(HERE / "cassettes") if tape.name.startswith("inference/")]
RECORDED = list(candidates(TAPES))
CLAUDE, OPENAI, MISTRAL = "claude-sonnet-4-6", "openai-gpt-4.1", "mistral-large2"
HELLO = "Hello! This is a recorded answer; no model was asked."


@pytest.fixture(scope="module")
def friendly(keys: KeyPair) -> Iterator[RunningMock]:
    """A mock that answers people, and assumes that Claude says why it ends."""
    with running(keys, strict=False, assume=Assumptions(finish_reason=True)) as started:
        yield started


def post(mock: RunningMock, path: str, **fields: Any) -> Answer:
    return mock.call("POST", path, json.dumps(fields).encode(), NOW)


def ask(mock: RunningMock, path: str, question: str = "Hello", **fields: Any) -> Answer:
    needed = {"max_tokens": 100} if path == MESSAGES_PATH else {}
    body = {"model": CLAUDE, "messages": [{"role": "user", "content": question}], **needed, **fields}
    return post(mock, path, **body)


def chunks(answer: Answer) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in answer.body.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


@pytest.mark.parametrize("candidate", RECORDED, ids=lambda each: f"{each.cassette.name}-{each.index}")
def test_every_recorded_answer_is_played(mock: RunningMock, candidate: Candidate) -> None:
    """A stream is the cassette's bytes, in each of the forms."""
    interaction = candidate.interaction
    match = interaction.request.match
    message: dict[str, Any] = {"role": "user", "content": match.last_user_text}
    if match.tool_use_id is not None:
        message = {"role": "tool", "tool_call_id": match.tool_use_id, "content": "{}"}
    options = (
        {"max_tokens": 9} if interaction.request.path == MESSAGES_PATH else {"stream_options": {"include_usage": True}}
    )
    answer = post(mock, interaction.request.path, model=match.model, messages=[message], stream=True, **options)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream")
    assert answer.body == interaction.body()
    assert answer.headers["x-mock-cassette"] == candidate.cassette.name


@pytest.mark.parametrize(("path", "streams"), [(COMPLETE_PATH, True), (CHAT_PATH, False), (MESSAGES_PATH, False)])
def test_streaming_defaults(mock: RunningMock, path: str, streams: bool) -> None:
    """Snowflake's form streams unless told not to, the two others when asked to; null is the default."""
    for fields, expected in (({}, streams), ({"stream": None}, streams), ({"stream": not streams}, not streams)):
        kind = "text/event-stream" if expected else "application/json"
        assert ask(mock, path, **fields).headers["content-type"] == kind


def test_whole_answers(mock: RunningMock) -> None:
    """Without a stream each form is its own object, with the same text."""
    complete = ask(mock, COMPLETE_PATH, stream=False).json()
    assert complete["choices"][0]["message"]["content"] == HELLO
    assert "finish_reason" not in complete["choices"][0]
    chat = ask(mock, CHAT_PATH).json()
    assert (chat["object"], chat["choices"][0]["message"]["content"]) == ("chat.completion", HELLO)
    message = ask(mock, MESSAGES_PATH).json()
    assert (message["content"], message["stop_reason"]) == ([{"type": "text", "text": HELLO}], "end_turn")


@pytest.mark.parametrize(
    "message",
    [
        pytest.param({"content": "Hello"}, id="no role"),
        pytest.param({"role": "user", "content": " hello! "}, id="case, blanks and marks"),
        pytest.param({"role": "user", "content": [{"type": "text", "text": "Hello"}]}, id="items"),
        pytest.param({"content": "Hello", "content_list": [{"type": "text", "text": "Hello"}]}, id="said twice"),
        pytest.param({"content_list": [{"type": "text", "text": "Hello"}, {"type": "image"}]}, id="with an image"),
    ],
)
@pytest.mark.parametrize("path", [COMPLETE_PATH, CHAT_PATH, MESSAGES_PATH])
def test_questions_come_in_many_shapes(mock: RunningMock, path: str, message: dict[str, Any]) -> None:
    """The last user text counts, wherever a client puts it."""
    before = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "?"}, {"role": "assistant"}]
    answer = ask(mock, path, messages=[*before, message])
    assert (answer.status, answer.headers["x-mock-cassette"]) == (200, "inference/hello")


@pytest.mark.parametrize(
    ("path", "result"),
    [
        (COMPLETE_PATH, {"content_list": [{"type": "tool_results", "tool_results": {"tool_use_id": "call_order_01"}}]}),
        (CHAT_PATH, {"role": "tool", "tool_call_id": "call_order_01", "content": "{}"}),
        (MESSAGES_PATH, {"content": [{"type": "tool_result", "tool_use_id": "call_order_01", "content": "{}"}]}),
    ],
)
def test_tools_are_called_and_answered(mock: RunningMock, path: str, result: dict[str, Any]) -> None:
    """The model asks for a tool; its result, in the form's own shape, brings the answer."""
    asked = ask(mock, path, "What is in order 250001?", stream=False)
    assert "get_order" in asked.body.decode()
    question = {"role": "user", "content": "What is in order 250001?"}
    answered = ask(mock, path, messages=[question, {"role": "assistant", "content": "I look it up."}, result])
    assert "Order 250001 holds" in ask(mock, path, messages=[result], stream=False).body.decode()
    assert answered.headers["x-mock-cassette"] == "inference/order_tool"


def test_tokens_are_counted_when_asked_for(mock: RunningMock) -> None:
    """A chat stream ends with a count for those who want it; all others read choices only."""
    plain, counted = (
        chunks(ask(mock, CHAT_PATH, stream=True, stream_options=options)) for options in (None, {"include_usage": True})
    )
    assert all(chunk["choices"] for chunk in plain)
    assert counted[:-1] == plain
    assert counted[-1]["choices"] == []
    assert ask(mock, CHAT_PATH, stream=True).body.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize(("model", "reason"), [(CLAUDE, None), (OPENAI, "stop"), (MISTRAL, "stop")])
def test_reason_of_the_end(mock: RunningMock, friendly: RunningMock, model: str, reason: str | None) -> None:
    """Claude says no `finish_reason` unless that is assumed; the others do."""
    assert ask(mock, CHAT_PATH, model=model).json()["choices"][0].get("finish_reason") == reason
    assert chunks(ask(mock, CHAT_PATH, model=model, stream=True))[-1]["choices"][0].get("finish_reason") == reason
    assert ask(friendly, CHAT_PATH, model=model).json()["choices"][0]["finish_reason"] == "stop"
    assert chunks(ask(friendly, CHAT_PATH, model=model, stream=True))[-1]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("path", "fields", "message", "fault"),
    [
        (COMPLETE_PATH, {"messages": []}, "schema validation failed", "messages: "),
        (COMPLETE_PATH, {"messages": None}, "schema validation failed", "messages: "),
        (COMPLETE_PATH, {"messages": [{"role": "assistant"}]}, "schema validation failed", "messages.0.role: "),
        (COMPLETE_PATH, {"model": None}, "schema validation failed", "model: "),
        (COMPLETE_PATH, {"temperature": -1}, "invalid options object", "temperature: "),
        (COMPLETE_PATH, {"top_p": 1.5}, "invalid options object", "top_p: "),
        (COMPLETE_PATH, {"max_tokens": 131_073}, "max tokens of 131072 exceeded", ""),
        (CHAT_PATH, {"max_tokens": 10}, "invalid options object", "max_tokens: use max_completion_tokens"),
        (CHAT_PATH, {"store": True, "audio": {}}, "invalid options object", "audio: not supported"),
        (CHAT_PATH, {"max_completion_tokens": 131_073}, "max tokens of 131072 exceeded", ""),
        (MESSAGES_PATH, {"max_tokens": None}, "invalid options object", "max_tokens: Field required"),
        (MESSAGES_PATH, {"model": OPENAI}, f"unknown model {OPENAI}", CLAUDE),
        (CHAT_PATH, {"model": "gpt-9"}, "unknown model gpt-9", OPENAI),
        (EMBED_PATH, {"model": CLAUDE, "text": ["a"]}, f"unknown model {CLAUDE}", "e5-base-v2"),
        (EMBED_PATH, {"model": "e5-base-v2", "text": []}, "schema validation failed", "text: "),
        (EMBED_PATH, {"model": "e5-base-v2", "text": ["a"] * (MAX_TEXTS + 1)}, "schema validation failed", "text: "),
    ],
)
def test_refusals(mock: RunningMock, path: str, fields: dict[str, Any], message: str, fault: str) -> None:
    """Documented words, and beside them what is wrong."""
    answer = ask(mock, path, **fields)
    assert (answer.status, answer.json()["message"]) == (400, message)
    assert fault in json.dumps(answer.json().get("mock", ""))


def test_a_miss_explains_itself(mock: RunningMock) -> None:
    """A question nobody recorded is a 404 with the nearest ones, best first, and the journal knows it."""
    test = {"X-Test-Id": "inference-miss"}
    body = {"model": MISTRAL, "messages": [{"content": "Summarize the refund policy in one sentence"}]}
    answer = mock.call("POST", COMPLETE_PATH, json.dumps(body).encode(), test)
    (nearest, *_) = answer.json()["mock"]["nearest"]
    assert (answer.status, nearest["cassette"]) == (404, "inference/summary")
    assert [each["field"] for each in nearest["differences"]] == ["last_user_text"]
    entry = mock.ended("inference-miss")
    assert (entry["outcome"], entry["nearest"][0]["cassette"]) == ("missed", "inference/summary")


def test_a_known_model_without_a_recording_is_a_miss(mock: RunningMock) -> None:
    """The nearest recording of the same question differs in its model alone."""
    answer = ask(mock, CHAT_PATH, model="deepseek-r1")
    (difference,) = answer.json()["mock"]["nearest"][0]["differences"]
    assert (answer.status, difference["field"], difference["found"]) == (404, "model", "deepseek-r1")


@pytest.mark.parametrize("path", [COMPLETE_PATH, CHAT_PATH, MESSAGES_PATH])
@pytest.mark.parametrize("stream", [True, False])
def test_people_get_an_answer(friendly: RunningMock, path: str, stream: bool) -> None:
    """Outside strict mode a miss is an answer in the form that was asked for, marked as one."""
    answer = ask(friendly, path, "Sing!", stream=stream)
    assert (answer.status, answer.headers["x-mock-miss"]) == (200, "true")
    if not stream:
        assert "“Sing!”** is not on the tape" in answer.body.decode()
        assert "- Summarise our refund policy" in answer.body.decode().replace("\\n", "\n")


def test_tool_results_are_never_improvised(friendly: RunningMock) -> None:
    """A result of a tool that nobody asked for is refused also outside strict mode."""
    message = {"role": "tool", "tool_call_id": "nobody", "content": "{}"}
    assert ask(friendly, CHAT_PATH, messages=[message]).status == 404


def test_a_failing_stream(mock: RunningMock) -> None:
    """A failure in mid-stream is an event of the stream; asked for whole, it is an error."""
    text = "Write a long poem about coffee"
    *_, last = chunks(ask(mock, COMPLETE_PATH, text, model=MISTRAL))
    assert last["error"]["message"] == "inference timed out"
    whole = ask(mock, COMPLETE_PATH, text, model=MISTRAL, stream=False)
    assert (whole.status, whole.json()["message"]) == (500, "inference timed out")


@pytest.mark.parametrize(
    ("path", "ending"),
    [
        (COMPLETE_PATH, [{"error": {"code": "1", "error_code": "1", "message": "no", "request_id": "R"}}]),
        (CHAT_PATH, [{"error": {"code": "1", "error_code": "1", "message": "no", "request_id": "R"}}, "[DONE]"]),
        (MESSAGES_PATH, [{"type": "error", "error": {"type": "api_error", "message": "no"}}]),
    ],
)
def test_faults_fail_in_the_forms_own_words(mock: RunningMock, path: str, ending: list[Any]) -> None:
    """A fault that lets the stream fail is told as this form tells it, and is an error where an object was asked."""
    place = {"after": "message_start"} if path == MESSAGES_PATH else {"after": ""}
    fault = {"X-Mock-Fault": json.dumps({"fail": {**place, "code": "1", "message": "no"}}), **NOW}
    body = {"model": CLAUDE, "messages": [{"content": "Hello"}], "max_tokens": 5}
    if path == CHAT_PATH:
        del body["max_tokens"]
    answer = mock.call("POST", path, json.dumps({**body, "stream": True}).encode(), fault)
    *_, last = answer.body.replace(answer.headers["x-snowflake-request-id"].encode(), b"R").split(b"\n\n", 1)
    told = [line.removeprefix(b"data: ") for line in last.splitlines() if line.startswith(b"data: ")]
    assert [line.decode() if line == b"[DONE]" else json.loads(line) for line in told] == ending
    whole = mock.call("POST", path, json.dumps({**body, "stream": False}).encode(), fault)
    assert (whole.status, whole.json()["message"]) == (500, "no")


def test_a_cut_stream_has_no_reason(friendly: RunningMock) -> None:
    """What is assumed of the end belongs to the end: a stream that never reaches it says nothing of it."""
    fault = {"X-Mock-Fault": json.dumps({"cut": {"after": "", "clean": True}}), **NOW}
    body = {"model": CLAUDE, "messages": [{"content": "Hello"}], "stream": True}
    (only,) = chunks(friendly.call("POST", CHAT_PATH, json.dumps(body).encode(), fault))
    assert "finish_reason" not in only["choices"][0]


def test_journal_says_what_answered(mock: RunningMock) -> None:
    """The entry of an answered request names the recording and the compared fields."""
    body = {"model": CLAUDE, "messages": [{"content": "Hello"}]}
    mock.call("POST", CHAT_PATH, json.dumps(body).encode(), {"X-Test-Id": "inference-journal", **NOW})
    entry = mock.ended("inference-journal")
    assert (entry["outcome"], entry["cassette"]) == ("answered", "inference/hello")
    assert {"field": "model", "value": CLAUDE} in entry["matched"]


def test_models_are_listed(mock: RunningMock) -> None:
    """Every known name, in order."""
    assert mock.call("GET", MODELS_PATH).json() == {"models": sorted(COMPLETING)}


@pytest.mark.parametrize(("model", "length"), [("e5-base-v2", 768), ("snowflake-arctic-embed-l-v2.0", 1024)])
def test_embeddings(mock: RunningMock, model: str, length: int) -> None:
    """One unit vector a text, always the same, near for texts that share words."""
    texts = ["refund policy", "policy of refunds", "kettle", "refund policy"]
    answer = post(mock, EMBED_PATH, model=model, text=texts).json()
    assert (answer["object"], answer["model"]) == ("list", model)
    assert [item["index"] for item in answer["data"]] == [0, 1, 2, 3]
    assert answer["usage"] == {"total_tokens": 3 + 4 + 1 + 3}
    one, near, far, again = ([float(number) for number in item["embedding"][0]] for item in answer["data"])
    assert len(one) == length
    assert one == again

    def product(other: list[float]) -> float:
        return sum(a * b for a, b in zip(one, other, strict=True))

    assert math.isclose(product(one), 1, abs_tol=1e-4)
    assert product(near) > 0.4 > abs(product(far))
