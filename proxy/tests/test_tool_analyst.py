"""The analyst tool: what it sends, and what it makes of the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
import responses

from contracts.api import AnalystAnswer, AnalystRequest
from contracts.cortex import ANALYST_PATH
from proxy.tests import answers
from proxy.tests.conftest import MakeCortex
from proxy.tests.errands import errand_for
from proxy.tests.upstream import Upstream
from proxy.tools import analyst

URL = f"http://127.0.0.1:9{ANALYST_PATH}"
QUESTION = {"role": "user", "text": "Net sales by region in 2025?"}


def ask(cortex: Any, *messages: dict[str, str]) -> AnalystAnswer:
    """The tool's whole answer."""
    asked = AnalystRequest.model_validate({"messages": list(messages) or [QUESTION]})
    return analyst.run(asked, errand_for(cortex, "tool_analyst"))


def replied(make_cortex: MakeCortex, *content: dict[str, Any], **fields: Any) -> AnalystAnswer:
    """What becomes of an answer with these blocks."""
    with responses.RequestsMock() as upstream:
        upstream.post(URL, json={"message": {"role": "analyst", "content": content}} | fields)
        return ask(make_cortex())


@responses.activate
def test_what_is_sent(make_cortex: MakeCortex) -> None:
    """The whole conversation in Snowflake's form, and the configured semantic view."""
    responses.post(URL, json=answers.ANALYST)
    ask(make_cortex(semantic_view="D.S.V"), QUESTION, {"role": "analyst", "text": "Which year?"}, QUESTION)
    (call,) = responses.calls
    asked = {"role": "user", "content": [{"type": "text", "text": QUESTION["text"]}]}
    assert json.loads(call.request.body or b"") == {
        "messages": [asked, {"role": "analyst", "content": [{"type": "text", "text": "Which year?"}]}, asked],
        "semantic_view": "D.S.V",
        "stream": False,
    }


@responses.activate
def test_the_answer(make_cortex: MakeCortex) -> None:
    """How the question is read, and the SQL for it."""
    responses.post(URL, json=answers.ANALYST)
    found = ask(make_cortex())
    text, sql = answers.ANALYST["message"]["content"]
    assert (found.text, found.sql, found.suggestions) == (text["text"], sql["statement"], [])
    assert (found.verified_query, found.warnings, found.request_id) == (None, [], answers.REQUEST_ID)


def test_a_verified_query(make_cortex: MakeCortex) -> None:
    """The name of the verified query that was used travels along."""
    used = {"name": "net sales", "question": "q", "sql": "SELECT 1", "verified_at": 1, "verified_by": "x"}
    sql = {"type": "sql", "statement": "SELECT 1", "confidence": {"verified_query_used": used}}
    assert replied(make_cortex, sql).verified_query == "net sales"


@pytest.mark.parametrize("kind", ["suggestions", "suggestion"])
def test_suggestions(make_cortex: MakeCortex, kind: str) -> None:
    """An ambiguous question gets suggestions instead of SQL, under either of the documented names."""
    found = replied(make_cortex, {"type": "text", "text": "Which?"}, {"type": kind, "suggestions": ["a", "b"]})
    assert (found.text, found.sql, found.suggestions) == ("Which?", None, ["a", "b"])


def test_several_blocks(make_cortex: MakeCortex) -> None:
    """Texts are joined by a blank line; blocks of other types are passed over, warnings are told."""
    found = replied(
        make_cortex,
        {"type": "text", "text": "a"},
        {"type": "chart", "chart_spec": "{}", "text": None, "suggestions": None},
        {"type": "text", "text": "b"},
        warnings=[{"message": "no time dimension"}, {}],
    )
    assert (found.text, found.warnings) == ("a\n\nb", ["no time dimension"])


def test_a_streamed_answer_is_asked_for_as_such(make_cortex: MakeCortex) -> None:
    """Snowflake's events arrive as they are."""
    with Upstream(lambda exchange: exchange.stream(*answers.ANALYST_EVENTS, end=True)) as upstream:
        asked = AnalystRequest.model_validate({"messages": [QUESTION], "stream": True})
        stream = analyst.open_stream(asked, errand_for(make_cortex(snowflake_url=upstream.url), "tool_analyst"))
        assert b"".join(iter(stream.read, b"")) == b"".join(answers.ANALYST_EVENTS)
        stream.close()
    assert upstream.seen[0].document["stream"] is True
    assert upstream.seen[0].headers["accept"] == "text/event-stream"
