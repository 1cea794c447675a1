"""Request bodies: what is JSON, what fits, and where a fault is."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from contracts.api import ChatRequest, ProblemType
from proxy.body import read_json
from proxy.problems import ProblemError

GOOD = b'{"sessionId":"s","message":"q"}'


def read(body: bytes, content_type: str = "application/json") -> ChatRequest:
    """The body as the chat route reads it."""
    with Flask("x").test_request_context("/", method="POST", data=body, content_type=content_type):
        return read_json(ChatRequest)


def refused(body: bytes, content_type: str = "application/json") -> ProblemError:
    """Why it is refused."""
    with pytest.raises(ProblemError) as problem:
        read(body, content_type)
    return problem.value


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON"])
def test_json_is_read(content_type: str) -> None:
    """A body that fits becomes the model."""
    assert read(GOOD, content_type).message == "q"


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_other_content_types(content_type: str) -> None:
    """Anything but JSON is refused by its type, so that no form can be posted from another site."""
    problem = refused(GOOD, content_type)
    assert problem.kind is ProblemType.UNSUPPORTED_MEDIA_TYPE
    assert (content_type or "no content type") in problem.detail


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param(b"", "EOF while parsing", id="empty"),
        pytest.param(b"{", "EOF while parsing an object at line 1 column 1", id="cut"),
        pytest.param(GOOD + b"x", "trailing characters", id="more"),
        pytest.param(b"{'a':1}", "key must be a string", id="single quotes"),
        pytest.param(b'{"sessionId":"s","message":"q","threadId":NaN}', "NaN is not JSON", id="NaN"),
        pytest.param(b'{"a":-Infinity}', "-Infinity is not JSON", id="infinity"),
        pytest.param(b'{"sessionId":"a","sessionId":"b","message":"q"}', "'sessionId' occurs more", id="twice"),
        pytest.param(b'{"a":{"b":1,"b":2}}', "'b' occurs more than once", id="twice, inside"),
        pytest.param(b"[" * 100_000, "recursion limit exceeded", id="deep"),
        pytest.param(b'{"a":"\xff"}', "invalid unicode code point", id="no UTF-8"),
        pytest.param(GOOD.decode().encode("utf-16"), "expected value", id="UTF-16"),
        pytest.param(b"\xef\xbb\xbf" + GOOD, "expected value", id="byte order mark"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", "number out of range", id="endless number"),
    ],
)
def test_malformed(body: bytes, told: str) -> None:
    """What is no JSON, or JSON that two readers could understand differently, is malformed, and the fault is named."""
    problem = refused(body)
    assert problem.kind is ProblemType.MALFORMED_JSON
    assert told in problem.detail


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"x"', b"true"])
def test_not_an_object(body: bytes) -> None:
    """Valid JSON that is no object points to the whole body."""
    problem = refused(body)
    assert problem.kind is ProblemType.INVALID_REQUEST
    assert [error.pointer for error in problem.errors or []] == [""]


def chat(**fields: Any) -> dict[str, Any]:
    """A good request with changes; `...` drops a field."""
    whole = {"sessionId": "s", "message": "q"} | fields
    return {name: value for name, value in whole.items() if value is not ...}


RESULT = {"toolUseId": "t", "type": "generic", "name": "n", "content": [{"type": "json", "json": {"a": 1}}]}


@pytest.mark.parametrize(
    ("document", "pointers"),
    [
        pytest.param({}, {"/sessionId", "/message"}, id="nothing"),
        pytest.param(chat(model="m", role="r"), {"/model", "/role"}, id="unknown fields"),
        pytest.param(chat(**{"a/b~c": 1}), {"/a~1b~0c"}, id="a name to escape"),
        pytest.param(chat(sessionId=..., session_id="s"), {"/sessionId", "/session_id"}, id="snake case"),
        pytest.param(chat(sessionId=1), {"/sessionId"}, id="number for text"),
        pytest.param(chat(sessionId="x" * 65), {"/sessionId"}, id="long id"),
        pytest.param(chat(message=""), {"/message"}, id="empty message"),
        pytest.param(chat(message="x" * 16_001), {"/message"}, id="long message"),
        pytest.param(chat(message=None), {"/message"}, id="null message"),
        pytest.param(chat(threadId="7", parentMessageId=0), {"/threadId"}, id="text for a number"),
        pytest.param(chat(threadId=7.0, parentMessageId=0), {"/threadId"}, id="fraction"),
        pytest.param(chat(threadId=True, parentMessageId=0), {"/threadId"}, id="truth for a number"),
        pytest.param(chat(threadId=0, parentMessageId=0), {"/threadId"}, id="no such thread"),
        pytest.param(chat(threadId=2**53, parentMessageId=0), {"/threadId"}, id="more than a browser's number"),
        pytest.param(chat(threadId=7), {""}, id="thread without parent"),
        pytest.param(chat(parentMessageId=5), {""}, id="parent without thread"),
        pytest.param(chat(toolChoice={"type": "exclude"}), {"/toolChoice/type"}, id="unknown choice"),
        pytest.param(chat(toolChoice={"name": ["a", ""]}), {"/toolChoice/name/1"}, id="inside a list"),
        pytest.param(chat(message={"toolResult": {}}), {f"/message/toolResult/{each}" for each in RESULT}, id="inside"),
        pytest.param(
            chat(message={"toolResult": RESULT | {"extra": 1}}), {"/message/toolResult/extra"}, id="extra inside"
        ),
        pytest.param(
            chat(message={"toolResult": RESULT | {"content": [{"type": "text", "json": {}}]}}),
            {"/message/toolResult/content/0"},
            id="item of two types",
        ),
    ],
)
def test_every_fault_is_pointed_at(document: dict[str, Any], pointers: set[str]) -> None:
    """All faults are listed, each by its JSON pointer into the document that was sent."""
    with Flask("x").test_request_context("/", method="POST", json=document), pytest.raises(ProblemError) as problem:
        read_json(ChatRequest)
    assert problem.value.kind is ProblemType.INVALID_REQUEST
    assert {error.pointer for error in problem.value.errors or []} == pointers


@pytest.mark.parametrize("body", [b'{"sessionId":"canary","message":1}', b'{"canary'])
def test_values_are_not_repeated(body: bytes) -> None:
    """The answer to a bad body quotes none of its values."""
    problem = refused(body)
    assert "canary" not in problem.detail
    assert "canary" not in str(problem.errors)


def test_our_own_rules_are_told_in_our_own_words() -> None:
    """A validator's message stands alone, without the library's preamble."""
    problem = refused(b'{"sessionId":"s","message":"q","threadId":7}')
    assert (problem.errors or [])[0].detail.startswith("threadId needs parentMessageId")
    assert "Value error" not in problem.detail


def test_half_a_character_is_refused() -> None:
    """A lone surrogate, which no UTF-8 can carry to Snowflake, is no text."""
    assert refused(b'{"sessionId":"s","message":"\\ud800"}').kind in (
        ProblemType.MALFORMED_JSON,
        ProblemType.INVALID_REQUEST,
    )
