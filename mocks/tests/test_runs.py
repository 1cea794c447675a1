"""Agent runs over real sockets: matching, paths, `stream: false`, threads, scenarios, misses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mocks.assumptions import Assumptions
from mocks.cassette import Cassette, Frame, Header, Interaction, Match, Request, ResponseHead, load_all, save
from mocks.matching import candidates
from mocks.runs import REMEMBERED_BYTES
from mocks.state import HERE
from mocks.tests.running import NOW, QUESTION, RUN, KeyPair, RunningMock, run_body, running

TAPES = [tape for tape in load_all(HERE / "cassettes") if tape.name.startswith("agents/")]
RECORDED = [each for each in candidates(TAPES) if each.interaction.response.is_event_stream]
STREAMED = "text/event-stream"
INLINE = "/api/v2/cortex/agent:run"


def body_of(candidate_index: int) -> dict[str, object]:
    """The body that asks for a recorded interaction."""
    match = RECORDED[candidate_index].interaction.request.match
    if match.tool_use_id is not None:
        result = {"tool_use_id": match.tool_use_id, "type": "t", "name": "t", "content": []}
        content: list[dict[str, object]] = [{"type": "tool_result", "tool_result": result}]
    else:
        content = [{"type": "text", "text": match.last_user_text}]
    body: dict[str, object] = {"messages": [{"role": "user", "content": content}], "model": match.model}
    if match.parent_message_id is not None:
        body["parent_message_id"] = match.parent_message_id
    return body


def ask(mock: RunningMock, index: int, **fields: object) -> tuple[int, str, bytes]:
    """Status, type and body of the answer to a recorded request."""
    body = json.dumps({**body_of(index), **fields}).encode()
    answer = mock.call("POST", RECORDED[index].interaction.request.path, body, {"X-Mock-Pace": "0"})
    return answer.status, answer.headers["content-type"], answer.body


@pytest.fixture(scope="module")
def friendly(keys: KeyPair) -> Iterator[RunningMock]:
    """A mock that answers people, not strictly."""
    with running(keys, strict=False) as started:
        yield started


@pytest.mark.parametrize("index", range(len(RECORDED)), ids=[f"{each.cassette.name}-{each.index}" for each in RECORDED])
def test_every_recorded_answer_is_played_and_collapsed(mock: RunningMock, index: int) -> None:
    """The bytes of the cassette, and for `stream: false` its final object, its error, or a refusal when it has none."""
    interaction = RECORDED[index].interaction
    assert ask(mock, index) == (200, STREAMED, interaction.body())
    status, kind, body = ask(mock, index, stream=False)
    frames = {frame.event: frame for frame in interaction.frames}
    assert kind == "application/json"
    if "response" in frames:
        assert (status, body) == (200, frames["response"].payload)
    elif "error" in frames:
        failed = json.loads(body)
        assert (status, failed["status"]) == (200, "error")
        assert failed["error"] == json.loads(frames["error"].payload)
    else:
        assert status == 409
        assert "can only be streamed" in json.loads(body)["message"]


@pytest.mark.parametrize("padding", [0, REMEMBERED_BYTES], ids=["a body that is remembered", "one that is too large"])
def test_the_same_body_is_read_anew_for_another_path(mock: RunningMock, padding: int) -> None:
    """What was asked before is remembered with its path, and what was refused is refused again."""
    body = {**body_of(0), "instructions": {"system": "x" * padding}} if padding else body_of(0)
    sent = json.dumps(body).encode()
    asked = {path: [mock.call("POST", path, sent, {"X-Mock-Pace": "0"}) for _ in range(2)] for path in (RUN, INLINE)}
    assert [each.status for each in asked[RUN]] == [200, 200]
    assert [each.status for each in asked[INLINE]] == [404, 404]
    assert [mock.call("POST", RUN, b'{"messages": 7}').status for _ in range(2)] == [400, 400]


@pytest.mark.parametrize("stream", [True, None], ids=["true", "null"])
def test_a_stream_is_the_default(mock: RunningMock, stream: bool | None) -> None:
    """Only false asks for one object; `Accept` decides nothing."""
    answer = mock.run(headers={"Accept": "application/json"}, stream=stream)
    assert answer.headers["content-type"] == STREAMED


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(RUN.replace(":", "%3A"), id="colon-encoded"),
        pytest.param(RUN.lower(), id="lower-case"),
        pytest.param(RUN.replace("SALES_AGENT", "%22SALES_AGENT%22"), id="quoted"),
        pytest.param(RUN + "?x=1", id="query"),
    ],
)
def test_paths_that_reach_the_agent(mock: RunningMock, path: str) -> None:
    """Percent-encoding and needless quotes make no difference, nor does the case of unquoted names."""
    assert mock.run(path=path).status == 200


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("%22sales_agent%22", "sales_agent", id="quoted-lower-case"),
        pytest.param("NOBODY", "NOBODY", id="unknown"),
        pytest.param("%2553ALES_AGENT", "%53ALES_AGENT", id="encoded-twice"),
        pytest.param("%22a%2Fb%22", "a/b", id="slash-in-quotes"),
        pytest.param("%ff", "\ufffd", id="bad-utf8"),
    ],
)
def test_an_agent_that_is_not_recorded(mock: RunningMock, name: str, shown: str) -> None:
    """404 as for a missing agent, with the known ones beside it."""
    answer = mock.run(path=RUN.replace("SALES_AGENT", name))
    assert answer.status == 404
    assert answer.json()["message"].startswith(f"Agent 'CORTEX_BENCH_DB.SALES.{shown}' does not exist")
    assert answer.json()["mock"]["known_agents"] == [RUN]


def test_the_answer_names_its_cassette(mock: RunningMock) -> None:
    """Headers and journal say what answered, and the request id is the recorded one."""
    answer = mock.run(headers={"X-Test-Id": "names", "traceparent": "00-1-2-01"})
    assert answer.headers["x-mock-cassette"] == "agents/net_sales_by_region"
    assert answer.headers["x-mock-interaction"] == "0"
    assert answer.headers["x-snowflake-request-id"] == "0e6d7a52-6f0a-4a35-9a3e-8b7d9b0c1f42"
    (entry,) = mock.journal("names")
    assert (entry["cassette"], entry["interaction"], entry["traceparent"]) == (
        "agents/net_sales_by_region",
        0,
        "00-1-2-01",
    )
    assert (entry["frames_planned"], entry["frames_sent"], entry["user"]) == (24, 24, "CORTEX_PROXY_USER")


def test_a_strict_miss_is_a_404_with_the_nearest(mock: RunningMock) -> None:
    """The answer names the nearest recordings, field by field, and the journal keeps it as unmatched."""
    answer = mock.run("Net sales by regions", headers={"X-Test-Id": "strict-miss"})
    assert (answer.status, answer.json()["code"]) == (404, "002003")
    nearest = answer.json()["mock"]["nearest"]
    assert nearest[0] == {
        "cassette": "agents/net_sales_by_region",
        "interaction": 0,
        "differences": [{"field": "last_user_text", "expected": QUESTION, "found": "Net sales by regions"}],
    }
    unmatched = mock.call("GET", "/__mock/journal/unmatched", headers={"X-Test-Id": "strict-miss"}).json()
    assert [(entry["status"], entry["outcome"], entry["nearest"]) for entry in unmatched] == [(404, "missed", nearest)]


def test_a_friendly_miss_suggests_what_is_recorded(friendly: RunningMock) -> None:
    """People get a short streamed answer, marked as a miss, nearest questions first."""
    answer = friendly.run("Net sales by regions", headers={"X-Test-Id": "friendly"})
    assert (answer.status, answer.headers["x-mock-miss"], answer.headers["content-type"]) == (200, "true", STREAMED)
    suggested = next(line for line in answer.body.split(b"\n\n") if line.startswith(b"event: response.suggested"))
    assert json.loads(suggested.partition(b"data: ")[2])["suggested_queries"][0] == {"query": QUESTION}
    assert friendly.journal("friendly")[0]["outcome"] == "missed"


def test_a_friendly_miss_is_one_object_when_asked(friendly: RunningMock) -> None:
    """`stream: false` holds for it, too."""
    answer = friendly.run("What?", stream=False)
    assert (answer.headers["content-type"], answer.headers["x-mock-miss"]) == ("application/json", "true")
    assert answer.json()["status"] == "completed"


def test_a_friendly_miss_is_a_turn_like_any_other(friendly: RunningMock) -> None:
    """On a created thread it has that thread's ids, and is stored, so that people can go on from there."""
    thread_id = friendly.call("POST", "/api/v2/cortex/threads", b"").json()["thread_id"]
    missed = friendly.run("What?", stream=False, thread_id=thread_id, parent_message_id=0).json()["metadata"]
    assert missed["thread_id"] == thread_id
    parent = missed["assistant_message_id"]
    assert friendly.run(thread_id=thread_id, parent_message_id=parent).headers.get("x-mock-miss") is None
    described = friendly.call("GET", f"/api/v2/cortex/threads/{thread_id}").json()
    assert len(described["messages"]) == 4


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"messages": [{"role": "user", "content": []}]}, id="no-text"),
        pytest.param(
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "?"}]}], "model": "m"}, id="legacy"
        ),
    ],
)
def test_a_miss_without_a_question_is_a_404_for_people_too(friendly: RunningMock, body: dict[str, object]) -> None:
    """There is nothing to be near to."""
    assert friendly.call("POST", RUN, json.dumps(body).encode()).status == 404


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        pytest.param({"thread_id": 77}, 400, "parent_message_id is required", id="no-parent"),
        pytest.param({"thread_id": 5, "parent_message_id": 0}, 404, "Thread 5 does not exist", id="unknown-thread"),
    ],
)
def test_a_thread_must_be_known(mock: RunningMock, fields: dict[str, Any], status: int, words: str) -> None:
    """A thread is a recorded one or one that this user created in this test."""
    answer = mock.call("POST", RUN, run_body(**fields), NOW)
    assert answer.status == status
    assert answer.json()["message"].startswith(words)


def test_a_created_thread_can_be_used_and_comes_first(mock: RunningMock) -> None:
    """A turn on a thread brings it to the top of the list; another test does not know it."""
    headers = {"X-Test-Id": "thread-use"}
    ids = [mock.call("POST", "/api/v2/cortex/threads", b"", headers).json()["thread_id"] for _ in range(2)]
    assert mock.run(headers=headers, thread_id=ids[0], parent_message_id=0).status == 200
    listed = mock.call("GET", "/api/v2/cortex/threads", headers=headers).json()
    assert [thread["thread_id"] for thread in listed] == ids
    assert mock.run(headers={"X-Test-Id": "other"}, thread_id=ids[0], parent_message_id=0).status == 404


def test_a_recorded_thread_needs_no_creation(mock: RunningMock) -> None:
    """Recorded conversations can be continued by their recorded ids."""
    assert mock.run(thread_id=77, parent_message_id=0).status == 200


def test_a_fault_that_does_not_fit_is_a_conflict(mock: RunningMock) -> None:
    """A scenario that cannot be played on the asked answer says so; it is never left out silently."""
    headers = {"X-Mock-Scenario": "cut_mid_stream"}
    answer = mock.run(
        "Net sales by country in 2025", path="/api/v2/cortex/agent:run", headers=headers, model="claude-3-5-sonnet"
    )
    assert answer.status == 409
    assert "'cut_mid_stream' cannot be played on this answer: event 'response.text.delta'" in answer.json()["message"]


def test_a_scenario_ended_early_has_no_final_object(mock: RunningMock) -> None:
    """`stream: false` cannot show an end that only a stream has."""
    assert mock.run(headers={"X-Mock-Scenario": "ends_early"}, stream=False).status == 409


def inline(model: str | None = None, **fields: object) -> dict[str, Any]:
    """What an inline run adds."""
    return {"path": "/api/v2/cortex/agent:run", "models": {"orchestration": model}, **fields}


def test_an_unknown_model_is_refused_with_the_known_ones(mock: RunningMock) -> None:
    """400, the message repeats the name and lists what there is; the case of a name does not count."""
    answer = mock.run(**inline("gpt-nonsense"))
    assert (answer.status, answer.json()["code"]) == (400, "390142")
    assert answer.json()["message"].startswith("Model 'gpt-nonsense' is not available. Available models: auto, claude")
    for known in ("Claude-Sonnet-4-6", "auto", None):
        assert mock.run(**inline(known)).status == 200


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param(inline(orchestration={"tool_not_accessible": "maybe"}), "'maybe' is not one of accept", id="mode"),
        pytest.param({"tool_choice": {"type": "tool"}}, "needs the name of at least one tool", id="tool-without-name"),
        pytest.param({"tool_choice": {"type": "tool", "name": []}}, "needs the name", id="tool-with-no-name"),
        pytest.param({"tool_choice": {"type": "some"}}, "valid payload", id="choice"),
        pytest.param({"skill_choice": {"type": "none"}}, "valid payload", id="skill"),
        pytest.param({"variables": {"v": {"type": "date"}}}, "valid payload", id="variable"),
        pytest.param({"messages": []}, "valid payload", id="no-message"),
        pytest.param({"messages": None}, "valid payload", id="null-messages"),
        pytest.param({"background": True}, "only available with a thread", id="background"),
    ],
)
def test_fields_that_are_refused(mock: RunningMock, fields: dict[str, Any], words: str) -> None:
    """What Snowflake documents of a run's fields is checked."""
    answer = mock.run(**fields)
    assert (answer.status, answer.json()["code"]) == (400, "390142")
    assert words in answer.json()["message"]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"tool_choice": None, "skill_choice": None, "variables": None}, id="nulls"),
        pytest.param({"tool_choice": {"type": "tool", "name": ["a"]}}, id="one-tool"),
        pytest.param({"tool_choice": {"type": "exclude", "name": ["a"], "more": 1}}, id="exclude"),
        pytest.param({"skill_choice": {"type": "required"}}, id="skill"),
        pytest.param({"variables": {"v": {"value": [1], "type": "array", "is_prompt_variable": True}}}, id="variable"),
        pytest.param({"experimental": {"EnableRelatedQueries": True}, "query_tags": []}, id="reserved"),
        pytest.param({"origin_application": "cortex_agent_sdk", "client_app": "web", "surprise": {}}, id="unknown"),
        pytest.param({"models": {"orchestration": "x"}, "instructions": {"response": "y"}}, id="ignored"),
        pytest.param({"background": False}, id="foreground"),
    ],
)
def test_fields_that_are_taken(mock: RunningMock, fields: dict[str, Any]) -> None:
    """Explicit nulls, unknown fields, and a stored agent's configuration, which is ignored."""
    assert mock.run(**fields).status == 200


def test_a_thread_knows_its_history(mock: RunningMock) -> None:
    """With a thread only the new message is sent; an answer among the messages is refused."""
    messages = [{"role": "assistant", "content": []}, {"role": "user", "content": [{"type": "text", "text": QUESTION}]}]
    assert mock.run(messages=messages).status == 200
    answer = mock.run(messages=messages, thread_id=77, parent_message_id=0)
    assert (answer.status, "only the new user message" in answer.json()["message"]) == (400, True)


def test_a_strict_agent_refuses_configuration(keys: KeyPair) -> None:
    """With that assumption, a stored agent's run that brings its own configuration is a 400 that names it."""
    with running(keys, assume=Assumptions(strict_agent=True)) as strict:
        given: dict[str, Any] = {"models": {"orchestration": "auto"}, "instructions": {}, "orchestration": {}}
        for field, value in given.items():
            answer = strict.run(**{field: value})
            assert (answer.status, answer.json()["message"].startswith(f"{field} cannot be set")) == (400, True)
        assert strict.run(models=None).status == 200


@pytest.mark.parametrize("version", ["VERSION$1", "version%241", "FIRST", "LAST", "DEFAULT", "live"])
def test_every_agent_has_one_version_under_several_names(mock: RunningMock, version: str) -> None:
    """It is the one that recordings of the agent are of."""
    plain, versioned = mock.run(), mock.run(path=RUN.replace(":run", f"/versions/{version}:run"))
    assert (versioned.status, versioned.body) == (200, plain.body)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        pytest.param(RUN.replace(":run", "/versions/VERSION$3:run"), "Version 'VERSION$3' of agent", id="version"),
        pytest.param(RUN.replace(":run", "/versions/nightly:run"), "Version 'NIGHTLY' of agent", id="alias"),
        pytest.param(
            RUN.replace("SALES_AGENT:run", "NOBODY/versions/LAST:run"),
            "Agent 'CORTEX_BENCH_DB.SALES.NOBODY'",
            id="agent",
        ),
    ],
)
def test_a_version_that_is_not_there(mock: RunningMock, path: str, words: str) -> None:
    """404, with the versions, or the agents, that are."""
    answer = mock.run(path=path)
    assert answer.status == 404
    assert answer.json()["message"].startswith(words)
    assert set(answer.json()["mock"]) <= {"known_versions", "known_agents"}


def test_a_recorded_version_answers_for_itself(keys: KeyPair, tmp_path: Path) -> None:
    """Recordings of a version win; what was not recorded for it is answered by the agent's own."""
    head = ResponseHead(status=200, headers={"Content-Type": STREAMED})
    taped = tuple(
        Interaction(Request(method="POST", path=path, match=Match(last_user_text=asked)), head, (Frame(0.0, said),))
        for path, asked, said in (
            (RUN, "a", b"data: plain a\n\n"),
            (RUN, "b", b"data: plain b\n\n"),
            (RUN.replace(":run", "/versions/VERSION%243:run"), "a", b"data: third a\n\n"),
        )
    )
    header = Header(provenance="documented", source="made up", about="a test")
    save(Cassette("agents/versions", header, taped), tmp_path / "cassettes" / "agents" / "versions.jsonl")
    (tmp_path / "scenarios").mkdir()
    third = RUN.replace(":run", "/versions/version$3:run")
    with running(keys, cassettes=tmp_path / "cassettes", scenarios=tmp_path / "scenarios") as versioned:
        said = [versioned.run(asked, path=path).body for path, asked in ((RUN, "a"), (third, "a"), (third, "b"))]
        assert said == [b"data: plain a\n\n", b"data: third a\n\n", b"data: plain b\n\n"]
        nearest = versioned.run("c", path=third)
        assert nearest.status == 404
        assert versioned.run(path=RUN.replace("SALES_AGENT", "X")).json()["mock"] == {"known_agents": [RUN]}


def test_the_journal_says_what_was_compared(mock: RunningMock) -> None:
    """Each field that decided, with the value that was asked."""
    mock.run(headers={"X-Test-Id": "compared"})
    (entry,) = mock.journal("compared")
    assert entry["matched"] == [
        {"field": "method", "value": "POST"},
        {"field": "path", "value": RUN},
        {"field": "last_user_text", "value": QUESTION},
    ]


def test_the_legacy_answer_needs_its_model(mock: RunningMock) -> None:
    """A body with `model` is matched among legacy recordings only when the model agrees."""
    path, question = "/api/v2/cortex/agent:run", "Net sales by country in 2025"
    assert mock.run(question, path=path, model="claude-3-5-sonnet").status == 200
    nearest = mock.run(question, path=path, model="other").json()["mock"]["nearest"][0]
    assert nearest["differences"] == [{"field": "model", "expected": "claude-3-5-sonnet", "found": "other"}]
