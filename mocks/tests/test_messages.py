"""Analyst over real sockets: models, conversations, both forms, feedback, refusals."""

from __future__ import annotations

import gzip
import json
import uuid
from typing import Any

import pytest

from contracts.cortex import ANALYST_PATH
from fixtures.bench import semantics
from mocks.assumptions import Assumptions
from mocks.snowflake.analyst.messages import FEEDBACK_PATH, MAX_MODELS
from mocks.tests.running import NOW, Answer, KeyPair, RunningMock, running

VIEW = "CORTEX_BENCH_DB.SALES.SALES_SV"
FILE = "@CORTEX_BENCH_DB.SALES.MODELS/sales.yaml"
QUESTION = "Net sales by region in 2025?"
YAML = semantics.FILE.read_text(encoding="utf-8")
OTHER = """
name: WEATHER
tables:
  - name: days
    base_table: {database: D, schema: S, table: DAYS}
    dimensions: [{name: station, expr: station}]
    facts: [{name: mm, expr: mm}]
    metrics: [{name: rainfall, expr: SUM(mm)}]
"""


def said(text: str, role: str = "user") -> dict[str, Any]:
    """One message."""
    return {"role": role, "content": [{"type": "text", "text": text}]}


def ask(mock: RunningMock, *messages: dict[str, Any] | str, test_id: str = "", **fields: Any) -> Answer:
    """One message to Analyst, about the benchmark's view unless fields name another model."""
    turns = [said(each) if isinstance(each, str) else each for each in messages]
    body: dict[str, Any] = {"messages": turns, "semantic_view": VIEW, **fields}
    return mock.call("POST", ANALYST_PATH, json.dumps(body).encode(), {**NOW, "X-Test-Id": test_id})


def statement(answer: Answer) -> str:
    """The SQL of a whole answer."""
    assert answer.status == 200, answer.body
    content = answer.json()["message"]["content"]
    return str(next(item["statement"] for item in content if item["type"] == "sql"))


@pytest.mark.parametrize("stream", [None, False])
def test_a_whole_answer(mock: RunningMock, stream: bool | None) -> None:
    """JSON unless streaming is asked for; its request id is the header's."""
    answer = ask(mock, QUESTION, stream=stream)
    body = answer.json()
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert list(body) == [
        "request_id",
        "message",
        "warnings",
        "semantic_model_selection",
        "response_metadata",
    ]
    assert body["request_id"] == answer.headers["x-snowflake-request-id"] == str(uuid.UUID(body["request_id"]))
    assert [item["type"] for item in body["message"]["content"]] == ["text", "sql"]
    assert (body["warnings"], body["semantic_model_selection"]) == ([], None)
    assert body["response_metadata"]["analyst_orchestration_path"] == "vqr_fast_path"
    assert answer.headers["x-mock-analyst"] == "verified"


def test_a_streamed_answer(mock: RunningMock) -> None:
    """Events with the request id of the header in the first and `{}` in the last."""
    answer = ask(mock, QUESTION, stream=True)
    assert answer.headers["content-type"] == "text/event-stream"
    frames = answer.body.decode().split("\n\n")
    first = json.loads(frames[0].partition("data: ")[2])
    assert first["request_id"] == answer.headers["x-snowflake-request-id"]
    assert frames[-2:] == ["event: done\ndata: {}", ""]


def test_the_end_can_be_switched(keys: KeyPair) -> None:
    """`analyst_done` says what the last event carries."""
    with running(keys, assume=Assumptions(analyst_done="[DONE]")) as other:
        assert ask(other, QUESTION, stream=True).body.endswith(b"event: done\ndata: [DONE]\n\n")


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"semantic_view": "cortex_bench_db.sales.sales_sv"}, id="view in lower case"),
        pytest.param({"semantic_view": '"CORTEX_BENCH_DB".SALES."SALES_SV"'}, id="quoted view"),
        pytest.param({"semantic_view": None, "semantic_model_file": FILE}, id="file"),
        pytest.param(
            {"semantic_view": None, "semantic_model_file": FILE.replace("MODELS", "models")}, id="file's case"
        ),
        pytest.param({"semantic_view": None, "semantic_model": YAML}, id="inline"),
        pytest.param({"semantic_models": [{"semantic_view": VIEW}]}, id="list of one"),
        pytest.param({"semantic_model": "x", "semantic_models": [{"semantic_view": VIEW}]}, id="the list wins"),
        pytest.param({"source": "test", "experimental": "{}", "future": [1], "warehouse": None}, id="unknown fields"),
    ],
)
def test_every_way_to_name_the_model(mock: RunningMock, fields: dict[str, Any]) -> None:
    """All of them lead to the same answer."""
    assert statement(ask(mock, QUESTION, **fields)) == statement(ask(mock, QUESTION))


def test_an_inline_model_is_asked(mock: RunningMock) -> None:
    """Its own metrics and tables make the SQL."""
    sql = statement(ask(mock, "rainfall by station", semantic_view=None, semantic_model=OTHER))
    assert "FROM D.S.DAYS" in sql
    assert "SUM(mm) AS rainfall" in sql


@pytest.mark.parametrize(
    ("question", "index"),
    [("rainfall by station", 1), (QUESTION, 0), ("net sales by channel in 2024", 0), ("What is love?", 0)],
)
def test_of_several_models_the_surest_answers(mock: RunningMock, question: str, index: int) -> None:
    """And is named, as the request named it; nobody sure, and it is the first."""
    models = [{"semantic_view": VIEW}, {"inline_semantic_model": OTHER, "semantic_model_file": None}]
    selection = ask(mock, question, semantic_models=models).json()["semantic_model_selection"]
    expected = [{"semantic_view": VIEW}, {"inline_semantic_model": OTHER}][index]
    assert selection == {"index": index, "identifier": expected}


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"semantic_view": "A.B.C"}, 404, "Semantic view 'A.B.C' does not exist"),
        ({"semantic_view": '"cortex_bench_db".SALES.SALES_SV'}, 404, "does not exist"),
        ({"semantic_view": "SALES_SV"}, 400, "name of three parts"),
        ({"semantic_view": None}, 400, "found none"),
        ({"semantic_model": YAML}, 400, "found semantic_model and semantic_view"),
        ({"semantic_view": None, "semantic_model_file": "@A.B.C/x.yaml"}, 404, "@A.B.C/x.yaml"),
        ({"semantic_view": None, "semantic_model_file": FILE.upper()}, 404, "does not exist"),
        ({"semantic_view": None, "semantic_model_file": "sales.yaml"}, 400, "is no stage file"),
        ({"semantic_view": None, "semantic_model": "name: ["}, 400, "Invalid semantic model: the semantic model is no"),
        ({"semantic_view": None, "semantic_model": "a: &a 1\nb: *a"}, 400, "aliases are not read"),
        ({"semantic_view": None, "semantic_model": ""}, 400, "Invalid semantic model"),
        ({"semantic_models": []}, 400, "semantic_models is empty"),
        ({"semantic_models": [{}]}, 400, "semantic_models[0] needs exactly one"),
        ({"semantic_models": [{"semantic_view": VIEW}, {"semantic_view": "A.B.C"}]}, 404, "A.B.C"),
        ({"semantic_models": [{"semantic_view": VIEW}] * (MAX_MODELS + 1)}, 400, "valid payload"),
        ({"operation": "magic"}, 400, "valid payload"),
        ({"stream": "perhaps"}, 400, "valid payload"),
        ({"messages": []}, 400, "valid payload"),
    ],
)
def test_what_cannot_be_asked(mock: RunningMock, fields: dict[str, Any], status: int, message: str) -> None:
    """The cause is in Snowflake's error body."""
    answer = ask(mock, QUESTION, **fields)
    assert answer.status == status
    body = answer.json()
    assert message in body["message"]
    assert body["code"] == body["error_code"]
    assert body["request_id"] == answer.headers["x-snowflake-request-id"]


def test_a_conversation_is_resent(mock: RunningMock) -> None:
    """Analyst's own turns may stand between; the user's make the question."""
    sql = {"role": "analyst", "content": [{"type": "text", "text": "Here."}, {"type": "sql", "statement": "SELECT 1"}]}
    answer = ask(mock, "net sales by country in 2024", sql, "Only EMEA, please")
    assert "region = 'EMEA'" in statement(answer)
    assert "order_year = 2024" in statement(answer)


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ([said("a"), said("b", "analyst")], "last message must have the role 'user'"),
        ([said("a", "assistant")], "messages[0].role is 'assistant'"),
        ([said("   ")], "no content of type 'text'"),
        ([{"role": "user", "content": []}], "no content of type 'text'"),
        ([{"role": "user", "content": [{"type": "sql", "statement": "SELECT 1"}]}], "no content of type 'text'"),
        ([{"role": "user", "content": "text"}], "valid payload"),
    ],
)
def test_what_is_no_conversation(mock: RunningMock, messages: list[dict[str, Any]], message: str) -> None:
    """Roles are user and analyst, and the last word is the user's."""
    answer = ask(mock, *messages)
    assert answer.status == 400
    assert message in answer.json()["message"]


def test_what_a_stand_in_cannot_do_is_said(mock: RunningMock) -> None:
    """Results and semantic SQL are asked for in vain, and a warning says so."""
    answer = ask(mock, QUESTION, operation="answer_generation", warehouse="CORTEX_BENCH_WH", semantic_sql="require")
    assert ["answer_generation" in each["message"] for each in answer.json()["warnings"]] == [True, False]
    assert "SELECT" in statement(answer)
    assert ask(mock, QUESTION, operation="sql_generation", semantic_sql="auto").json()["warnings"] == []


def test_a_compressed_question(mock: RunningMock) -> None:
    """As the connector sends it."""
    body = gzip.compress(json.dumps({"messages": [said(QUESTION)], "semantic_view": VIEW}).encode())
    assert mock.call("POST", ANALYST_PATH, body, {**NOW, "Content-Encoding": "gzip"}).status == 200


def test_feedback_knows_its_answer(mock: RunningMock) -> None:
    """An empty 200; a header tells whether this test got an answer of that id."""
    test_id = str(uuid.uuid4())
    request_id = ask(mock, QUESTION, test_id=test_id).json()["request_id"]
    for asked_by, known in ((test_id, "known"), ("another", "unknown")):
        body = json.dumps({"request_id": request_id, "positive": False, "feedback_message": "wrong year"}).encode()
        answer = mock.call("POST", FEEDBACK_PATH, body, {"X-Test-Id": asked_by})
        assert (answer.status, answer.body, answer.headers["x-mock-feedback"]) == (200, b"", known)


@pytest.mark.parametrize("body", [{}, {"request_id": "x"}, {"positive": True}, {"request_id": 1, "positive": True}])
def test_feedback_is_checked(mock: RunningMock, body: dict[str, Any]) -> None:
    """Without an id or a verdict there is none."""
    assert mock.call("POST", FEEDBACK_PATH, json.dumps(body).encode()).status == 400


@pytest.mark.parametrize("path", [ANALYST_PATH, FEEDBACK_PATH])
def test_only_posts(mock: RunningMock, path: str) -> None:
    """Other methods are told so."""
    answer = mock.call("GET", path)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
