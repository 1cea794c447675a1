"""The history's routes: pages and forgetting for the user whose turns they are; and what is kept of a turn."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from contracts.api import PREFIX, EndReason, HistoryPage, HistoryTurn, ProblemType, ProxyEnd, ProxyStart, TokenUsage
from contracts.cortex import FinalResponse
from contracts.telemetry import Store
from proxy import history
from proxy.history import MAX_ANSWER_CHARS, MAX_CONTENT_BYTES, stored_turn
from proxy.parts import EXTENSION, Parts
from proxy.problems import CATALOGUE
from proxy.telemetry import Telemetry
from proxy.tests.conftest import MakeApp
from proxy.tests.redis_server import RedisServer, redis_server
from proxy.tests.upstream import DEADLINE_S

NOW = datetime.now(UTC)
"""Not a fixed day: old turns may be pruned."""


def turn(number: int, **changed: Any) -> HistoryTurn:
    """The turn that begins `number` seconds from now."""
    given: dict[str, Any] = {
        "turn_id": f"turn-{number}",
        "started_at": NOW + timedelta(seconds=number),
        "question": "Question?",
        "answer": "Answer.",
        "complete": True,
        "end_reason": EndReason.COMPLETED,
        "duration_ms": 12.5,
        "trace_id": "t",
    }
    return HistoryTurn(**given | changed)


# --- routes --------------------------------------------------------------------------------------------------------


class User:
    """A page with a token of its own."""

    def __init__(self, app: Flask, subject: str) -> None:
        token = wired(app).tokens.open_session(subject)
        self._app, self._headers = app, {"Authorization": f"Bearer {token.token}"}
        self.subject, self.session_id = subject, token.session_id

    def ask(self, method: str, path: str) -> TestResponse:
        """The history's answer, which no cache may keep."""
        answer = self._app.test_client().open(f"{PREFIX}/history/{path}", method=method, headers=self._headers)
        assert answer.headers["Cache-Control"] == "no-store"
        return answer

    def turns(self, path: str) -> list[str]:
        """The ids of the turns on a page."""
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return [each.turn_id for each in HistoryPage.model_validate_json(answer.data).turns]

    def write(self, session_id: str, *turns: HistoryTurn) -> None:
        """Turns of this user end."""
        for each in turns:
            wired(self._app).history.write(self.subject, session_id, each)


def wired(app: Flask) -> Parts:
    """The application's parts."""
    found: Parts = app.extensions[EXTENSION]
    return found


def problem(answer: TestResponse, kind: ProblemType) -> dict[str, Any]:
    """The problem that was answered, without what differs with every request."""
    assert answer.status_code == CATALOGUE[kind].status, answer.text
    document: dict[str, Any] = json.loads(answer.data)
    assert document["type"].endswith(f"/{kind}")
    assert document.pop("instance")
    assert document.pop("traceId")
    return document


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """A Redis of this file's own; subjects differ between tests."""
    with redis_server() as running:
        yield running


@pytest.fixture(params=["sqlite", "redis"])
def app(request: pytest.FixtureRequest, make_app: MakeApp, tmp_path: Path) -> Flask:
    """The application with either store."""
    if request.param == "redis":
        return make_app(redis_url=request.getfixturevalue("server").url)
    return make_app(history_file=tmp_path / "history.sqlite3")


@pytest.fixture
def anna(app: Flask, tmp_path: Path) -> User:
    """Somebody."""
    return User(app, f"anna-{tmp_path.name}")


@pytest.fixture
def bert(app: Flask, tmp_path: Path) -> User:
    """Somebody else."""
    return User(app, f"bert-{tmp_path.name}")


def test_a_turn_is_read_right_after_its_end(anna: User) -> None:
    """What was just written is on the page, newest first, and the page is the API's."""
    anna.write(anna.session_id, turn(1), turn(2))
    answer = anna.ask("GET", anna.session_id)
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    document = json.loads(answer.data)
    assert document["sessionId"] == anna.session_id
    assert document["nextCursor"] is None
    assert document["turns"] == [json.loads(turn(number).model_dump_json()) for number in (2, 1)]


def test_an_own_session_without_turns(anna: User) -> None:
    """The session of the caller's token is there before its first turn: an empty page, and nothing to delete."""
    assert json.loads(anna.ask("GET", anna.session_id).data) == {
        "sessionId": anna.session_id,
        "turns": [],
        "nextCursor": None,
    }
    answer = anna.ask("DELETE", anna.session_id)
    assert (answer.status_code, answer.data) == (204, b"")


def test_an_earlier_session(anna: User) -> None:
    """A user's other sessions are theirs while they have turns; forgetting one leaves the others."""
    anna.write("earlier", turn(1))
    anna.write(anna.session_id, turn(2))
    assert anna.turns("earlier") == ["turn-1"]
    assert anna.ask("DELETE", "earlier").status_code == 204
    problem(anna.ask("GET", "earlier"), ProblemType.SESSION_NOT_FOUND)
    problem(anna.ask("DELETE", "earlier"), ProblemType.SESSION_NOT_FOUND)
    assert anna.turns(anna.session_id) == ["turn-2"]


def test_paging(anna: User) -> None:
    """The cursor of each page asks for the next; 20 turns make a page unless told otherwise."""
    anna.write(anna.session_id, *(turn(number) for number in range(25)))
    expected = [f"turn-{number}" for number in range(24, -1, -1)]
    assert anna.turns(anna.session_id) == expected[:20]
    assert anna.turns(f"{anna.session_id}?limit=100") == expected
    found: list[list[str]] = []
    query = "limit=10"
    while len(found) < 3:
        page = json.loads(anna.ask("GET", f"{anna.session_id}?{query}").data)
        found.append([each["turnId"] for each in page["turns"]])
        query = f"limit=10&cursor={page['nextCursor']}"
    assert found == [expected[:10], expected[10:20], expected[20:]]
    assert page["nextCursor"] is None


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_sessions_of_others(anna: User, bert: User, method: str) -> None:
    """A session of somebody else is answered exactly like one that never was, and stays as it is."""
    anna.write(anna.session_id, turn(1), turn(2))
    cursor = json.loads(anna.ask("GET", f"{anna.session_id}?limit=1").data)["nextCursor"]
    paths = [anna.session_id]
    if method == "GET":
        paths += [f"{anna.session_id}?cursor={cursor}", f"{anna.session_id}?limit=1"]
    never_was = problem(bert.ask(method, "0" * 32), ProblemType.SESSION_NOT_FOUND)
    for path in paths:
        assert problem(bert.ask(method, path), ProblemType.SESSION_NOT_FOUND) == never_was
    assert anna.turns(anna.session_id) == ["turn-2", "turn-1"]


ONE_STORE = pytest.mark.parametrize("app", ["sqlite"], indirect=True)
"""For what is decided before a store is asked."""


@ONE_STORE
@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize(
    "session_id", ["a" * 65, "a b", "%C3%A4", "a.b", "..%00", "*", "%25", "'%20OR%201=1--", "a%0A", "%EF%BC%91"]
)
def test_ids_that_cannot_be(anna: User, method: str, session_id: str) -> None:
    """An id that no session can have is answered like one that never was."""
    never_was = problem(anna.ask(method, "0" * 32), ProblemType.SESSION_NOT_FOUND)
    assert problem(anna.ask(method, session_id), ProblemType.SESSION_NOT_FOUND) == never_was


@ONE_STORE
@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("path", ["s", "a b"], ids=["any id", "impossible id"])
def test_without_a_token(app: Flask, method: str, path: str) -> None:
    """Without a token nothing is told, not even that an id cannot be."""
    answer = app.test_client().open(f"{PREFIX}/history/{path}", method=method)
    problem(answer, ProblemType.TOKEN_MISSING)


@ONE_STORE
@pytest.mark.parametrize(
    ("method", "query", "told"),
    [
        ("GET", "limit=0", "limit: a whole number from 1 to 100 is expected; found '0'."),
        ("GET", "limit=101", "limit: a whole number from 1 to 100 is expected; found '101'."),
        ("GET", "limit=", "limit: a whole number from 1 to 100 is expected; found ''."),
        ("GET", "limit=%2B5", "limit: a whole number from 1 to 100 is expected; found '+5'."),
        ("GET", "limit=1e1", "limit: a whole number from 1 to 100 is expected; found '1e1'."),
        ("GET", "limit=%EF%BC%91", "limit: a whole number from 1 to 100 is expected; found '１'."),
        ("GET", "limit=" + "9" * 5000, f"limit: a whole number from 1 to 100 is expected; found '{'9' * 20}'."),
        ("GET", "limit=1&limit=1", "limit: give this query parameter once; found 2 times."),
        ("GET", "cursor=", "cursor: it is none of ours; give nextCursor of the page before, unchanged"),
        ("GET", "cursor=a&cursor=b", "cursor: give this query parameter once; found 2 times."),
        ("GET", "page=2&Limit=3", "Limit, page: no such query parameter is known here."),
        ("DELETE", "limit=1", "limit: no such query parameter is known here."),
        ("DELETE", "force", "force: no such query parameter is known here."),
    ],
)
def test_parameters(anna: User, method: str, query: str, told: str) -> None:
    """A parameter that is unknown, given twice or out of bounds is refused by name, and nothing happens."""
    anna.write(anna.session_id, turn(1))
    refused = problem(anna.ask(method, f"{anna.session_id}?{query}"), ProblemType.INVALID_REQUEST)
    assert refused["detail"].startswith(told)
    if method == "GET" and "no such" in told:
        assert refused["known"] == ["limit", "cursor"]
    assert anna.turns(anna.session_id) == ["turn-1"]


class Shut:
    """Takes the place of a store's method: waits until it is opened, then does what the method does."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method
        self.opened = threading.Event()

    def __call__(self, *given: Any) -> Any:
        assert self.opened.wait(DEADLINE_S)
        return self._method(*given)


def test_a_read_waits_for_the_writing(anna: User, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page waits for turns of its own session that are on their way, and not for those of others."""
    writer = wired(app).history
    shut = Shut(writer.store.append)
    monkeypatch.setattr(writer.store, "append", shut)
    waited: list[str] = []
    settle = writer.settle

    def opens_when_asked(subject: str, session_id: str, timeout_s: float) -> bool:
        waited.append(session_id)
        if session_id == anna.session_id:
            shut.opened.set()
            timeout_s = DEADLINE_S
        return settle(subject, session_id, timeout_s)

    monkeypatch.setattr(writer, "settle", opens_when_asked)
    anna.write(anna.session_id, turn(1))
    problem(anna.ask("GET", "other"), ProblemType.SESSION_NOT_FOUND)
    assert writer.waiting == 1
    assert anna.turns(anna.session_id) == ["turn-1"]
    assert waited == ["other", anna.session_id]


def test_turns_on_their_way(anna: User, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """When writing takes too long, a page shows what there is, and nothing is forgotten that would come back."""
    monkeypatch.setattr(history, "SETTLE_S", 0)
    anna.write(anna.session_id, turn(1))
    writer = wired(app).history
    assert writer.flush(DEADLINE_S)
    shut = Shut(writer.store.append)
    monkeypatch.setattr(writer.store, "append", shut)
    anna.write(anna.session_id, turn(2))
    assert anna.turns(anna.session_id) == ["turn-1"]
    answer = anna.ask("DELETE", anna.session_id)
    assert problem(answer, ProblemType.STORE_UNAVAILABLE)["retryAfterS"] == 1
    shut.opened.set()
    assert writer.flush(DEADLINE_S)
    assert anna.turns(anna.session_id) == ["turn-2", "turn-1"]
    assert anna.ask("DELETE", anna.session_id).status_code == 204
    assert anna.turns(anna.session_id) == []


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_store_that_fails(make_app: MakeApp, tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that fails is a problem to try again after a second, and known to be down; its words stay inside."""
    used: list[tuple[Store, bool]] = []
    monkeypatch.setattr(Telemetry, "store_used", lambda _self, store, *, works: used.append((store, works)))
    app = make_app(history_file=tmp_path / "history.sqlite3")
    anna = User(app, "anna")
    anna.turns(anna.session_id)
    (tmp_path / "history.sqlite3").write_bytes(b"x" * 8192)
    answer = anna.ask(method, anna.session_id)
    told = problem(answer, ProblemType.STORE_UNAVAILABLE)
    assert (told["retryAfterS"], answer.headers["Retry-After"]) == (1, "1")
    assert "database" not in answer.text
    assert str(tmp_path) not in answer.text
    assert used == [(Store.HISTORY, True), (Store.HISTORY, False)]


# --- what is kept --------------------------------------------------------------------------------------------------

START = ProxyStart(session_id="s", turn_id="turn", trace_id="trace", thread_id=7)
USAGE = TokenUsage(input_tokens=1, cached_tokens=2, output_tokens=3)


def kept(final: FinalResponse | None = None, *deltas: str | bytes, **changed: Any) -> HistoryTurn:
    """What is kept of a turn that ended with this."""
    end = {"reason": EndReason.COMPLETED, "turn_id": "turn", "usage": USAGE, "events": 1, "upstream_bytes": 1}
    return stored_turn(
        question="Question?",
        started_at=NOW,
        start=START,
        end=ProxyEnd.model_validate(end | {"duration_ms": 12.5} | changed),
        final=final,
        text_deltas=[each.encode() if isinstance(each, str) else each for each in deltas],
    )


def final(*content: dict[str, Any], **metadata: Any) -> FinalResponse:
    """A final object, as it comes."""
    return FinalResponse.model_validate_json(json.dumps({"content": content, "metadata": metadata}))


def text(words: str, **more: Any) -> dict[str, Any]:
    """A text block."""
    return {"type": "text", "text": words} | more


def test_a_whole_turn() -> None:
    """A turn with a final object is kept as that says: its texts, its blocks, its ids."""
    blocks = [text("One.", annotations=[]), {"type": "chart", "chart": {"chart_spec": "{}"}}, text("Zwei — 😀")]
    assert kept(final(*blocks, assistant_message_id=502), '{"content_index":0,"text":"ignored"}') == HistoryTurn(
        turn_id="turn",
        started_at=NOW,
        question="Question?",
        answer="One.\n\nZwei — 😀",
        content=blocks,
        complete=True,
        end_reason=EndReason.COMPLETED,
        thread_id=7,
        assistant_message_id=502,
        usage=USAGE,
        duration_ms=12.5,
        trace_id="trace",
    )


def test_thinking_is_not_kept() -> None:
    """Thinking is in neither the answer nor the blocks."""
    found = kept(final({"type": "thinking", "thinking": {"text": "canary"}}, text("Answer.")))
    assert found.content == [text("Answer.")]
    assert "canary" not in found.model_dump_json()


@pytest.mark.parametrize("odd", [{}, {"type": "text"}, {"type": "text", "text": None}, {"type": ["text"], "text": "x"}])
def test_odd_blocks(odd: dict[str, Any]) -> None:
    """Blocks that are not as documented are kept, and add nothing to the answer."""
    found = kept(final(odd, text("Answer.")))
    assert found.answer == "Answer."
    assert found.content == [odd, text("Answer.")]


@pytest.mark.parametrize(("more", "is_kept"), [(0, True), (1, False)], ids=["fits", "one byte more"])
def test_large_content(more: int, is_kept: bool) -> None:
    """Blocks are kept up to 256 KiB of JSON, counted without thinking; the answer's text is kept in any case."""
    frame = len('[{"type":"text","text":"Answer."},{"type":"table","x":"ä"}]'.encode())
    table = {"type": "table", "x": "ä" + "x" * (MAX_CONTENT_BYTES - frame + more)}
    found = kept(final(text("Answer."), table, {"type": "thinking", "thinking": {"text": "x" * 1000}}))
    assert (found.content is not None) == is_kept
    assert found.answer == "Answer."


@pytest.mark.parametrize("is_final", [True, False], ids=["whole", "cut"])
def test_an_endless_answer(is_final: bool) -> None:
    """Of an answer without end the beginning is kept."""
    words = "x" * (MAX_ANSWER_CHARS + 1)
    found = kept(final(text(words))) if is_final else kept(None, json.dumps({"content_index": 0, "text": words}))
    assert found.answer == words[:-1]
    assert found.content is None


@pytest.mark.parametrize(
    ("deltas", "answer"),
    [
        pytest.param([], "", id="nothing"),
        pytest.param(['{"content_index":0,"text":"Zür"}', '{"text":"ich","content_index":0}'], "Zürich", id="pieces"),
        pytest.param(
            ['{"content_index":5,"text":"a"}', '{"content_index":2,"text":"b"}', '{"content_index":5,"text":"c"}'],
            "ac\n\nb",
            id="blocks, in order of appearance",
        ),
        pytest.param(
            [
                '{"content_index":0,"text":"a"',
                "",
                "[]",
                "null",
                b"\xff",
                "[" * 100_000,
                '{"content_index":0,"text":"b"}',
            ],
            "b",
            id="no JSON, or no object",
        ),
        pytest.param(
            ['{"text":"a"}', '{"content_index":[],"text":"b"}', '{"content_index":0}', '{"content_index":0,"text":1}'],
            "",
            id="other forms",
        ),
        pytest.param(
            [r'{"content_index":0,"text":"\ud83d"}', r'{"content_index":0,"text":"\ude00!"}'],
            "😀!",
            id="divided character",
        ),
        pytest.param([r'{"content_index":0,"text":"a\ud83d"}'], "a\ufffd", id="half a character"),
        pytest.param([r'{"content_index":0,"text":"a\u0000b"}'], "a\0b", id="null character"),
    ],
)
def test_a_cut_turn(deltas: list[str | bytes], answer: str) -> None:
    """Of a turn without a final object the text that had arrived is kept."""
    found = kept(None, *deltas, reason=EndReason.UPSTREAM_TRUNCATED)
    assert found.answer == answer
    assert found.content is None
    assert found.assistant_message_id is None
    assert HistoryTurn.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize("reason", EndReason)
def test_complete(reason: EndReason) -> None:
    """Only a turn that ended as completed is complete, whatever had arrived."""
    found = kept(final(text("Answer.")), reason=reason)
    assert found.complete == (reason == "completed")
    assert found.end_reason is reason
    assert found.answer == "Answer."
