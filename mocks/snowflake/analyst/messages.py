"""Analyst's routes: from a request to the models that it names, their answers, and the plan of the best one.

Decided here, because public material leaves it open: exactly one kind of model has to be given unless `semantic_models`
is, an unknown view or file is a 404, and feedback on an unknown request is taken.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any, Literal

from pydantic import Field

from contracts.cortex import ANALYST_PATH, Code, Message, Wire
from fixtures.bench import semantics
from fixtures.bench.semantics import SemanticModelError
from mocks.faults import Plan
from mocks.matching import identifier
from mocks.request import Refusal, Request
from mocks.route import Route, Surface, route
from mocks.snowflake.analyst.answering import Analyst, Answer
from mocks.snowflake.analyst.playing import Reply, planned
from mocks.state import Mock

FEEDBACK_PATH = "/api/v2/cortex/analyst/feedback"
BENCH_VIEW = "CORTEX_BENCH_DB.SALES.SALES_SV"
BENCH_STAGE, BENCH_FILE = "CORTEX_BENCH_DB.SALES.MODELS", "sales.yaml"
MAX_MODELS = 20
MAX_REMEMBERED = 1000
MODEL_FIELDS = ("semantic_model_file", "semantic_model", "semantic_view")

_PART = r'(?:"(?:[^"]|"")+"|[A-Za-z_][A-Za-z0-9_$]*)'
_QUALIFIED = re.compile(rf"({_PART})\.({_PART})\.({_PART})")
_STAGE_FILE = re.compile(rf"@({_PART})\.({_PART})\.({_PART})/(.+)")


class ModelObject(Wire):
    """One entry of `semantic_models`."""

    semantic_model_file: str | None = None
    semantic_view: str | None = None
    inline_semantic_model: str | None = None


class MessageRequest(Wire):
    """Body of a message. `semantic_models` wins over the other ways to give a model."""

    messages: list[Message] = Field(min_length=1)
    semantic_model_file: str | None = None
    semantic_model: str | None = None
    semantic_view: str | None = None
    semantic_models: list[ModelObject] | None = Field(default=None, max_length=MAX_MODELS)
    stream: bool | None = None
    operation: Literal["sql_generation", "answer_generation"] | None = None
    warehouse: str | None = None
    semantic_sql: Literal["auto", "require", "disable"] | None = None


class FeedbackRequest(Wire):
    """Body of feedback on an answer."""

    request_id: str
    positive: bool
    feedback_message: str | None = None


class Answered:
    """The request ids of one test's latest answers, so that feedback can be told from a mistake."""

    def __init__(self) -> None:
        self.request_ids: deque[str] = deque(maxlen=MAX_REMEMBERED)


async def _message(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`POST /api/v2/cortex/analyst/message`."""
    body = request.parse(MessageRequest)
    questions, models = asked(body.messages), given(body)
    # Models are parsed and questions read in a thread: either can take longer than the event loop can wait.
    index, answer = await asyncio.to_thread(best_answer, models, questions)
    selection = None if body.semantic_models is None else selected(index, body.semantic_models[index])
    reply = Reply(answer, str(uuid.uuid4()), warnings(body), selection)
    mock.of_test(request, Answered).request_ids.append(reply.request_id)
    return planned(reply, questions[-1], stream=body.stream is True, done=mock.options.assume.analyst_done)


async def _feedback(mock: Mock, request: Request, _path: re.Match[str]) -> Plan:
    """`POST /api/v2/cortex/analyst/feedback`: an empty 200; `x-mock-feedback` tells a known request from another."""
    body = request.parse(FeedbackRequest)
    known = body.request_id in mock.of_test(request, Answered).request_ids
    return Plan(200, {"x-mock-feedback": "known" if known else "unknown"}, ())


def asked(messages: Sequence[Message]) -> list[str]:
    """The user's questions, the last one last.   Raises: Refusal when the conversation is none."""
    for number, message in enumerate(messages):
        if message.role not in ("user", "analyst"):
            raise _invalid(f"messages[{number}].role is {message.role[:50]!r}; it is 'user' or 'analyst'.")
    if messages[-1].role != "user":
        raise _invalid("The last message must have the role 'user'.")
    questions = [_text(message) for message in messages if message.role == "user"]
    if not questions[-1].strip():
        raise _invalid("The last message has no content of type 'text'.")
    return questions


def _text(message: Message) -> str:
    return "\n".join(item.text for item in message.content if item.type == "text" and item.text is not None)


def given(body: MessageRequest) -> list[Callable[[], Analyst]]:
    """How to get at each model that a request names.   Raises: Refusal."""
    if body.semantic_models is not None:
        if not body.semantic_models:
            raise _invalid("semantic_models is empty.")
        return [_of_object(number, each) for number, each in enumerate(body.semantic_models)]
    present = [(name, getattr(body, name)) for name in MODEL_FIELDS if getattr(body, name) is not None]
    if len(present) != 1:
        found = " and ".join(name for name, _ in present) or "none"
        raise _invalid(f"Exactly one of {', '.join(MODEL_FIELDS)} or semantic_models is needed; found {found}.")
    return [_lookup(*present[0])]


def _of_object(number: int, entry: ModelObject) -> Callable[[], Analyst]:
    present = {name: text for name, text in _identifier(entry).items() if text is not None}
    if len(present) != 1:
        accepted = ", ".join(ModelObject.model_fields)
        raise _invalid(f"semantic_models[{number}] needs exactly one of {accepted}; found {len(present)}.")
    return _lookup(*present.popitem())


def _identifier(entry: ModelObject) -> dict[str, str | None]:
    return {name: getattr(entry, name) for name in ModelObject.model_fields}


def selected(index: int, entry: ModelObject) -> dict[str, Any]:
    """`semantic_model_selection`: which model answered, as the request named it."""
    return {"index": index, "identifier": {name: text for name, text in _identifier(entry).items() if text is not None}}


def _lookup(field: str, text: str) -> Callable[[], Analyst]:
    if field == "semantic_view":
        return _view(text)
    if field == "semantic_model_file":
        return _file(text)
    return lambda: _inline(text)


def _view(name: str) -> Callable[[], Analyst]:
    found = _QUALIFIED.fullmatch(name.strip())
    if found is None:
        raise _invalid(f"semantic_view {name[:200]!r} is not a name of three parts: database.schema.view.")
    if ".".join(map(identifier, found.groups())) != BENCH_VIEW:
        message = f"Semantic view '{name[:200]}' does not exist or not authorized."
        raise Refusal(404, Code.NOT_FOUND, message, {"known_views": [BENCH_VIEW]})
    return _bench


def _file(path: str) -> Callable[[], Analyst]:
    found = _STAGE_FILE.fullmatch(path.strip())
    if found is None:
        raise _invalid(f"semantic_model_file {path[:200]!r} is no stage file: @database.schema.stage/path/file.yaml.")
    *stage, file = found.groups()
    if (".".join(map(identifier, stage)), file) != (BENCH_STAGE, BENCH_FILE):
        message = f"Semantic model file '{path[:200]}' does not exist or not authorized."
        raise Refusal(404, Code.NOT_FOUND, message, {"known_files": [f"@{BENCH_STAGE}/{BENCH_FILE}"]})
    return _bench


@cache
def _bench() -> Analyst:
    return Analyst(semantics.bench_model())


@lru_cache(maxsize=8)
def _inline(text: str) -> Analyst:
    """The model that a client sends with each question; a conversation sends the same one again."""
    try:
        return Analyst(semantics.parse(text))
    except SemanticModelError as error:
        raise _invalid(f"Invalid semantic model: {error}") from error


def best_answer(models: Sequence[Callable[[], Analyst]], questions: Sequence[str]) -> tuple[int, Answer]:
    """The surest answer with its model's place; of several as sure, the first.   Raises: Refusal."""
    answers = [model().answer(questions) for model in models]
    index = max(range(len(answers)), key=lambda at: (answers[at].way, -at))
    return index, answers[index]


def warnings(body: MessageRequest) -> list[str]:
    """What the request asks for and a stand-in without a model cannot do."""
    found = []
    if body.operation == "answer_generation":
        found.append("This stand-in answers with SQL only: it runs no query for answer_generation.")
    if body.semantic_sql == "require":
        found.append("This stand-in writes no semantic SQL; the statement reads the tables themselves.")
    return found


def _invalid(message: str) -> Refusal:
    return Refusal(400, Code.INVALID_PAYLOAD, message)


ROUTES: tuple[Route, ...] = (
    route("POST", ANALYST_PATH, _message, Surface.ANALYST),
    route("POST", FEEDBACK_PATH, _feedback, Surface.ANALYST),
)
