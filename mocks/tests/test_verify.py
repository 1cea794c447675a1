"""Verification: what counts, how often, in which order, and what is said when it did not happen."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from pydantic import ValidationError

from mocks.journal import KEPT_BODY_BYTES, Entry, Journal
from mocks.strict import explain
from mocks.tests.running import QUESTION, RUN, RunningMock, run_body
from mocks.verify import MAX_DIFFERENCES, Verification, verify

PLANTED = "planted-canary-2c9d"


def exchange(journal: Journal, text: str = QUESTION, **facts: Any) -> Entry:
    """An agent run in a journal, answered unless facts say otherwise."""
    entry = journal.open(facts.get("method", "POST"), facts.get("path", RUN))
    entry.came_with({"accept": "text/event-stream", **facts.get("headers", {})}, facts.get("query", ""))
    entry.carried(facts.get("body", run_body(text, stream=True, tools=[{"name": "a", "rows": 3}])))
    entry.scenario, entry.surface = facts.get("scenario"), "agent"
    entry.answers(facts.get("status", 200), (), 1)
    entry.close(facts.get("outcome", "answered"))
    return entry


def verified(*entries: dict[str, Any], **document: Any) -> dict[str, Any]:
    """What verification finds of exchanges with these facts."""
    journal = Journal()
    seen = [exchange(journal, **facts) for facts in entries]
    return verify(Verification.model_validate(document), seen)


AGREES = [
    pytest.param({"method": "POST"}, id="method"),
    pytest.param({"path": RUN}, id="path"),
    pytest.param({"path": "*/agents/*:run"}, id="pattern"),
    pytest.param({"last_user_text": "  net SALES by region? "}, id="question"),
    pytest.param({"body": {"stream": True}}, id="member"),
    pytest.param({"body": {"messages": [{"role": "user"}], "tools": [{"rows": 3}]}}, id="nested"),
    pytest.param({"headers": {"Accept": "text/*"}}, id="header"),
    pytest.param({"query": {"mock_pace": "0"}}, id="query"),
    pytest.param({"outcome": "answered", "status": 200, "surface": "agent"}, id="outcome"),
    pytest.param({"scenario": "calm"}, id="scenario"),
    pytest.param({"headers": {"authorization": "*"}}, id="there-is-a-credential"),
]
DIFFERS = [
    pytest.param({"method": "GET"}, "method", "POST", id="method"),
    pytest.param({"path": "*:stop"}, "path", RUN, id="pattern"),
    pytest.param({"path": "/agents"}, "path", RUN, id="part-of-path"),
    pytest.param({"last_user_text": "x"}, "last_user_text", QUESTION, id="question"),
    pytest.param({"body": {"stream": False}}, "body.stream", True, id="member"),
    pytest.param({"body": {"stream": 1}}, "body.stream", True, id="one-is-not-true"),
    pytest.param({"body": {"model": None}}, "body.model", "(absent)", id="no-member"),
    pytest.param({"body": {"messages": []}}, "body.messages", "1 items", id="length"),
    pytest.param({"body": {"tools": [{"rows": 4}]}}, "body.tools.0.rows", 3, id="nested"),
    pytest.param({"body": {"tools": "a"}}, "body.tools", '[{"name": "a", "rows": 3}]', id="kind"),
    pytest.param({"headers": {"x-other": "*"}}, "headers.x-other", "(absent)", id="no-header"),
    pytest.param({"headers": {"accept": "application/*"}}, "headers.accept", "text/event-stream", id="header"),
    pytest.param({"query": {"mock_pace": "1"}}, "query.mock_pace", "0", id="query"),
    pytest.param({"outcome": "cut"}, "outcome", "answered", id="outcome"),
    pytest.param({"status": 404}, "status", 200, id="status"),
    pytest.param({"scenario": "storm"}, "scenario", "calm", id="scenario"),
    pytest.param({"headers": {"authorization": f"Bearer {PLANTED}"}}, "headers.authorization", "***", id="credential"),
]
FACTS = {"scenario": "calm", "query": "mock_pace=0", "headers": {"authorization": f"Bearer {PLANTED}"}}


@pytest.mark.parametrize("expected", AGREES)
def test_what_agrees_in_everything_given_counts(expected: dict[str, Any]) -> None:
    """The rest is not compared."""
    found = verified(FACTS, requests=[expected])
    assert (found["ok"], found["failures"], found["requests"][0]["count"]) == (True, [], 1)


@pytest.mark.parametrize(("expected", "field", "value"), DIFFERS)
def test_what_differs_is_named(expected: dict[str, Any], field: str, value: Any) -> None:
    """With the field, what was expected of it and what it was."""
    found = verified(FACTS, requests=[expected])
    assert not found["ok"]
    (near,) = found["requests"][0]["nearest"]
    assert [(each["field"], each["found"]) for each in near["differences"]] == [(field, value)]
    assert found["failures"][0].startswith("requests.0: found 0 of 1 exchanges, expected at least 1; nearest: POST ")


COUNTS = [
    ({"exactly": 2}, {2}),
    ({"exactly": 0}, {0}),
    ({"at_least": 2}, {2, 3}),
    ({"at_most": 1}, {0, 1}),
    ({"at_least": 1, "at_most": 2}, {1, 2}),
    (None, {1, 2, 3}),
]


@pytest.mark.parametrize(("count", "numbers"), COUNTS, ids=[str(count) for count, _ in COUNTS])
def test_counts(count: dict[str, int] | None, numbers: set[int]) -> None:
    """Exactly, at least, at most; once at least when nothing is said."""
    expected = {"path": RUN, **({} if count is None else {"count": count})}
    assert {number for number in range(4) if verified(*[{}] * number, requests=[expected])["ok"]} == numbers


def test_too_many_are_no_near_misses() -> None:
    """What came too often is listed; nothing came near it."""
    found = verified({}, {}, requests=[{"path": RUN, "count": {"exactly": 1}}])
    assert found["requests"][0]["found"] == [1, 2]
    assert "nearest" not in found["requests"][0]
    assert found["failures"] == ["requests.0: found 2 of 2 exchanges, expected exactly 1"]


@pytest.mark.parametrize(
    ("order", "ok"),
    [
        pytest.param(["a", "b"], True, id="as-expected"),
        pytest.param(["b", "a"], False, id="the-other-way"),
        pytest.param(["b", "a", "b"], True, id="again"),
        pytest.param(["a", "x", "b"], True, id="with-others-between"),
    ],
)
def test_order(order: list[str], ok: bool) -> None:
    """Each expectation is met after the one before it; others may come between."""
    expected = [{"last_user_text": "a"}, {"last_user_text": "b"}]
    entries = [{"text": text} for text in order]
    assert verified(*entries, requests=expected)["ok"]
    found = verified(*entries, requests=expected, in_order=True)
    assert found["ok"] is ok
    if not ok:
        assert found["failures"][0].startswith("requests.1: out of order: 0 of its 1 exchanges began after")


def test_order_counts() -> None:
    """So many of the first come before the second."""
    expected = [{"last_user_text": "a", "count": {"exactly": 2}}, {"last_user_text": "b", "count": {"at_least": 1}}]
    for order, ok in (("aab", True), ("aba", False), ("baa", False), ("baab", True)):
        entries = [{"text": text} for text in order]
        assert verified(*entries, requests=expected, in_order=True)["ok"] is ok, order


def test_no_others() -> None:
    """Whatever is not expected is listed; nothing at all can be expected."""
    assert verified(no_others=True)["ok"]
    found = verified({}, {"path": "/x"}, requests=[{"path": RUN}], no_others=True)
    assert [each["path"] for each in found["others"]] == ["/x"]
    assert found["failures"] == ["1 exchanges were not expected: POST /x"]
    assert verified({}, {"path": "/x"}, requests=[{"path": RUN}])["ok"]


def test_the_nearest_come_first() -> None:
    """Those that differ in fewer fields, at most three; long values are clipped, and not all differences are told."""
    near = {"text": "y" * 1000}
    far = {"method": "GET", "path": "/x", "body": b"{}"}
    expected = {"method": "POST", "path": RUN, "last_user_text": "x"}
    result = verified(far, near, far, far, requests=[expected])["requests"][0]
    assert [each["id"] for each in result["nearest"]] == [2, 4, 3]
    assert result["nearest"][0]["differences"][0]["found"] == "y" * 300 + "…"
    many = verified({}, requests=[{"body": {f"member-{number}": 1 for number in range(50)}}])["requests"][0]
    assert len(many["nearest"][0]["differences"]) == MAX_DIFFERENCES


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param(b"", "(absent)", id="none"),
        pytest.param(b"nonsense", "(no JSON)", id="no-json"),
        pytest.param(b"[" * 100_000, "(no JSON)", id="too-deep"),
        pytest.param(b"1" * (KEPT_BODY_BYTES + 1), "(larger than", id="too-large"),
    ],
)
def test_a_body_that_cannot_be_compared_agrees_with_nothing(body: bytes, told: str) -> None:
    """And says why."""
    found = verified({"body": body}, requests=[{"body": {"a": 1}, "last_user_text": "x"}])
    differences = {each["field"]: each["found"] for each in found["requests"][0]["nearest"][0]["differences"]}
    assert str(differences["body"]).startswith(told)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"data": {"PASSWORD": PLANTED}}, id="member"),
        pytest.param({"data": {"note": f"Bearer {PLANTED}"}}, id="in-text"),
        pytest.param({"data": [{"TOKEN": PLANTED}]}, id="inside-what-is-shown-whole"),
    ],
)
def test_a_difference_shows_no_credential(body: dict[str, Any]) -> None:
    """Neither by its name nor by its form."""
    for expected in ({"data": {"PASSWORD": "x", "note": "x"}}, {"data": 1}):
        found = verified({"body": json.dumps(body).encode()}, requests=[{"body": expected}])
        assert not found["ok"]
        assert PLANTED not in json.dumps(found)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        pytest.param({}, "nothing would be verified", id="nothing"),
        pytest.param({"requests": [{}]}, "compares at least one field", id="empty"),
        pytest.param({"requests": [{"count": {"exactly": 1}}]}, "compares at least one field", id="only-a-count"),
        pytest.param({"request": []}, "unknown key 'request'; did you mean 'requests'?", id="key"),
        pytest.param({"requests": [{"pth": "x"}]}, "'requests.0.pth'; did you mean 'path'?", id="field"),
        pytest.param({"requests": [{"path": "x", "count": {"exact": 1}}]}, "did you mean 'exactly'?", id="count"),
        pytest.param({"requests": [{"path": "x", "count": {}}]}, "a count has either 'exactly'", id="no-count"),
        pytest.param(
            {"requests": [{"path": "x", "count": {"at_least": 2, "at_most": 1}}]},
            "no number is at least 2",
            id="limits",
        ),
        pytest.param({"requests": [{"outcome": "answerd"}]}, "did you mean 'answered'?", id="outcome"),
        pytest.param({"requests": [{"surface": "agents"}]}, "did you mean 'agent'?", id="surface"),
        pytest.param({"requests": [{"path": "x"}] * 101}, "at most 100", id="too-many"),
        pytest.param({"requests": [{"path": "x"}], "within_ms": 1e9}, "less than or equal to 60000", id="too-long"),
    ],
)
def test_a_bad_document_is_explained(document: dict[str, Any], words: str) -> None:
    """With its place and the nearest name."""
    with pytest.raises(ValidationError) as caught:
        Verification.model_validate(document)
    assert words in explain(caught.value, Verification)


def test_it_answers_over_http(mock: RunningMock) -> None:
    """200 when it holds, 409 when not, 400 for what cannot be read; of the test that is named, or of one's own."""
    mine = {"X-Test-Id": "verified"}
    mock.run(headers=mine)

    def ask(document: dict[str, Any], headers: dict[str, str]) -> tuple[int, Any]:
        answer = mock.call("POST", "/__mock/verify", json.dumps(document).encode(), headers)
        return answer.status, answer.json()

    once = {"requests": [{"path": "*:run", "last_user_text": QUESTION, "count": {"exactly": 1}}], "no_others": True}
    assert ask(once, mine)[0] == 200
    assert ask({**once, "test_id": "verified"}, {})[0] == 200
    status, found = ask(once, {"X-Test-Id": "verified-elsewhere"})
    assert (status, found["ok"], found["exchanges"]) == (409, False, 0)
    assert found["message"] == "requests.0: found 0 of 0 exchanges, expected exactly 1"
    status, found = ask({"requests": [{"pth": "x"}]}, mine)
    assert (status, found["code"]) == (400, "390142")
    assert re.search("did you mean 'path'", found["message"])
    late = {"requests": [{"path": "*:run", "count": {"exactly": 2}}], "within_ms": 20}
    assert ask(late, mine)[0] == 409
