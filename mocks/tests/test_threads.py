"""Threads: owned, listed, described, renamed, searched, deleted, bounded; and the turns that runs put into them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from contracts.cortex import THREADS_PATH, ThreadRequest, ThreadUpdate
from mocks.assumptions import Assumptions
from mocks.background import Run
from mocks.cassette import Frame
from mocks.ids import Place, read
from mocks.snowflake import threads
from mocks.snowflake.threads import FIRST_ID, FIRST_MESSAGE_ID, Conversation, ThreadStore, Turn
from mocks.tests.running import Answer, KeyPair, RunningMock, running

FIRST, SECOND, THIRD = "How did net sales develop from 2023 to 2024?", "Only EMEA, please", "Which country grew most?"
TAPE = read((Frame(0.0, b'event: response\ndata: {"content":[],"status":"completed"}\n\n'),))


@pytest.fixture
def store() -> ThreadStore:
    """A store whose clock moves a second with each look."""
    ticks: Iterator[int] = iter(range(1000, 2000))
    return ThreadStore(lambda: float(next(ticks)))


def made(store: ThreadStore, owner: str = "ANN", origin: str = "", **fields: Any) -> Conversation:
    """A new thread."""
    return store.create(owner, ThreadRequest(origin_application=origin, **fields))


def turn(store: ThreadStore, kept: Conversation, question: str = "q", started_s: float = 0.0) -> Turn:
    """A turn that was answered long ago, put into a thread."""
    place = store.place(kept.thread.thread_id)
    payload = json.dumps({"role": "user", "content": [{"type": "text", "text": question}]})
    run = Run(kept.owner, place.thread_id, TAPE, place, started_s, 0.0)
    new = Turn(place, None, None, payload, 1_000_000, run)
    store.add(kept, new)
    return new


def ids(found: list[Conversation]) -> list[int]:
    """Their thread ids."""
    return [kept.thread.thread_id for kept in found]


def test_a_thread_belongs_to_its_user(store: ThreadStore) -> None:
    """Another user's thread does not exist: neither found nor listed."""
    mine = made(store, origin="app")
    assert (mine.thread.thread_id, mine.thread.origin_application) == (FIRST_ID, "app")
    assert (mine.thread.created_on, mine.thread.thread_name) == (1_000_000, "")
    assert store.find("ANN", FIRST_ID) is mine
    assert store.find("BOB", FIRST_ID) is None
    assert store.of("BOB") == []
    assert store.find("ANN", 5) is None


def test_the_latest_used_is_listed_first(store: ThreadStore) -> None:
    """A turn on an old thread brings it to the top; one origin can be asked for."""
    first, second, third = (made(store, origin=origin) for origin in ("a", "b", "a"))
    turn(store, first)
    assert store.of("ANN") == [first, third, second]
    assert store.of("ANN", "b") == [second]
    assert first.thread.updated_on > third.thread.updated_on


def test_changes_in_the_same_millisecond_keep_their_order() -> None:
    """Whichever thread was created or used last comes first, however fast that was."""
    store = ThreadStore(clock=lambda: 1_800_000_000.0)
    first, second = made(store), made(store)
    assert store.of("ANN") == [second, first]
    turn(store, first)
    assert store.of("ANN") == [first, second]


@pytest.mark.parametrize("origin", ["x" * 17, "ü" * 9], ids=["characters", "bytes"])
def test_an_origin_is_short(store: ThreadStore, origin: str) -> None:
    """Sixteen bytes, not characters."""
    assert made(store, origin="ü" * 8).thread.origin_application == "ü" * 8
    with pytest.raises(ValueError, match="at most 16 bytes"):
        made(store, origin=origin)


def test_no_thread_gets_a_recorded_id(store: ThreadStore) -> None:
    """Recorded conversations keep their ids for themselves."""
    recorded = frozenset({FIRST_ID, FIRST_ID + 1, FIRST_ID + 3})
    assert ids([store.create("ANN", None, recorded) for _ in range(2)]) == [FIRST_ID + 2, FIRST_ID + 4]


def test_the_oldest_thread_is_forgotten(store: ThreadStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store never grows past its bound, and never gives an id twice."""
    monkeypatch.setattr(threads, "MAX_THREADS", 3)
    created = [made(store).thread.thread_id for _ in range(5)]
    assert len(set(created)) == 5
    assert ids(store.of("ANN")) == created[:1:-1]


def test_what_questions_hold_is_bounded(store: ThreadStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the bound the threads unused for longest go, the one in use stays."""
    old, new = made(store), made(store)
    turn(store, old)
    monkeypatch.setattr(threads, "MAX_CHARS", 100)
    for _ in range(3):
        turn(store, new, "x" * 80)
    assert store.of("ANN") == [new]
    store.delete(new)
    assert store._chars == 0


def test_the_oldest_turn_is_forgotten(store: ThreadStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread has a bound of its own."""
    monkeypatch.setattr(threads, "MAX_TURNS", 2)
    kept = made(store)
    places = [turn(store, kept).place for _ in range(3)]
    assert [each.place for each in kept.turns.values()] == places[1:]


def test_a_deleted_thread_gets_no_turns(store: ThreadStore) -> None:
    """A run that is still under way when its thread goes leaves nothing behind."""
    kept = made(store)
    store.delete(kept)
    turn(store, kept)
    assert not kept.turns
    assert store._chars == 0


def test_messages_are_numbered_across_threads(store: ThreadStore) -> None:
    """Ids are never used twice, and are far from recorded ones."""
    first, second = made(store), made(store)
    assert store.place(first.thread.thread_id) == Place(FIRST_ID, FIRST_MESSAGE_ID, FIRST_MESSAGE_ID + 1)
    assert store.place(second.thread.thread_id).user_message_id == FIRST_MESSAGE_ID + 2


def test_an_application_binds_a_thread_to_an_id_of_its_own(store: ThreadStore) -> None:
    """Unique per user and origin."""
    mine = made(store, origin="slack", external_id=7)
    assert store.by_external_id("ANN", 7, "slack") is mine
    assert made(store, origin="teams", external_id=7) is not mine
    assert made(store, owner="BOB", origin="slack", external_id=7) is not mine
    with pytest.raises(ValueError, match="exists already"):
        made(store, origin="slack", external_id=7)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"metadata": {"x": "ü" * 512}}, "at most 1024", id="metadata"),
        pytest.param({"thread_name": "x" * 1001}, "at most 1000", id="name"),
        pytest.param({"last_read_message_id": 5}, "no message of this thread", id="read"),
    ],
)
def test_an_update_that_is_refused(store: ThreadStore, change: dict[str, Any], words: str) -> None:
    """Nothing of it is taken."""
    kept = made(store)
    before = kept.thread
    with pytest.raises(ValueError, match=words):
        store.update(kept, ThreadUpdate(**change))
    assert kept.thread == before


def test_an_update_changes_what_it_names(store: ThreadStore) -> None:
    """Name, metadata and what was read; the rest stays, and the thread counts as used."""
    kept = made(store, origin="app")
    read_id = turn(store, kept).place.user_message_id
    store.update(kept, ThreadUpdate(thread_name="Sales", metadata={"a": 1}, last_read_message_id=read_id))
    store.update(kept, ThreadUpdate())
    shown = (kept.thread.thread_name, kept.thread.metadata, kept.thread.last_read_message_id)
    assert shown == ("Sales", {"a": 1}, read_id)
    assert kept.thread.origin_application == "app"


# Over the wire


def ask(mock: RunningMock, thread_id: int, parent: int, question: str = FIRST, **fields: Any) -> Answer:
    """One turn on a thread."""
    return mock.run(question, headers=OWN, thread_id=thread_id, parent_message_id=parent, **fields)


OWN = {"X-Test-Id": "threads"}


def call(mock: RunningMock, method: str, path: str = "", body: dict[str, Any] | None = None) -> Answer:
    """One call about threads."""
    return mock.call(method, THREADS_PATH + path, None if body is None else json.dumps(body).encode(), OWN)


def create(mock: RunningMock, **fields: object) -> int:
    """The id of a new thread."""
    created: int = call(mock, "POST", body=fields).json()["thread_id"]
    return created


def answered(answer: Answer) -> dict[str, Any]:
    """The ids of an answer that was given as one object."""
    assert answer.status == 200, answer.body
    metadata: dict[str, Any] = answer.json()["metadata"]
    return metadata


def test_a_conversation_of_three_turns(mock: RunningMock) -> None:
    """A created thread is answered from recorded turns, each of which asks for the turn before; ids are its own."""
    thread_id, parent, seen = create(mock), 0, []
    for question in (FIRST, SECOND, THIRD):
        metadata = answered(ask(mock, thread_id, parent, question, stream=False))
        assert metadata["thread_id"] == thread_id
        assert metadata["run_id"] == f"{thread_id}-{metadata['user_message_id']}"
        seen += [(metadata["user_message_id"], parent or None), (metadata["assistant_message_id"], seen_user(metadata))]
        parent = metadata["assistant_message_id"]
    described = call(mock, "GET", f"/{thread_id}").json()
    assert [(each["message_id"], each["parent_id"]) for each in described["messages"]] == seen[::-1]
    assert described["metadata"]["last_message_id"] == parent
    assert (described["metadata"]["status"], described["metadata"]["thread_name"]) == ("IDLE", "")
    reply, question, *_ = described["messages"]
    assert json.loads(question["message_payload"])["content"] == [{"type": "text", "text": THIRD}]
    assert question["agent"] == {"database": "CORTEX_BENCH_DB", "schema": "SALES", "name": "SALES_AGENT"}
    stored = json.loads(reply["message_payload"])
    assert (stored["role"], stored["status"], stored["schema_version"]) == ("assistant", "completed", "v2")
    assert stored["content"][-1]["type"] == "suggested_queries"
    assert reply["request_id"] == question["request_id"]


def seen_user(metadata: dict[str, Any]) -> int:
    """The question's message."""
    user: int = metadata["user_message_id"]
    return user


def test_an_older_answer_forks_the_thread(mock: RunningMock) -> None:
    """Two turns on the same answer are both answered, and both are shown."""
    thread_id = create(mock)
    first = answered(ask(mock, thread_id, 0, stream=False))["assistant_message_id"]
    branches = [answered(ask(mock, thread_id, first, SECOND, stream=False)) for _ in range(2)]
    assert answered(ask(mock, thread_id, branches[0]["assistant_message_id"], THIRD, stream=False))
    shown = call(mock, "GET", f"/{thread_id}").json()["messages"]
    assert [each["message_id"] for each in shown if each["parent_id"] == first] == [
        branch["user_message_id"] for branch in reversed(branches)
    ]


def test_an_answer_recorded_without_a_thread_leaves_the_place_in_a_conversation(mock: RunningMock) -> None:
    """It is stored like any other, and what was recorded to follow the turn before can still follow."""
    thread_id = create(mock)
    first = answered(ask(mock, thread_id, 0, stream=False))["assistant_message_id"]
    aside = answered(ask(mock, thread_id, first, "What is the refund deadline?", stream=False))
    assert answered(ask(mock, thread_id, aside["assistant_message_id"], SECOND, stream=False))
    assert len(call(mock, "GET", f"/{thread_id}").json()["messages"]) == 6


def test_a_follow_up_without_its_turn_is_a_miss(mock: RunningMock) -> None:
    """What was recorded on another answer is not played, and the explanation names the difference."""
    answer = ask(mock, create(mock), 0, SECOND)
    assert (answer.status, answer.json()["mock"]["nearest"][0]["differences"]) == (
        404,
        [{"field": "parent_message_id", "expected": 602, "found": 0}],
    )


@pytest.mark.parametrize(
    ("parent", "words"),
    [
        pytest.param("user", "is a user message", id="user-message"),
        pytest.param("recorded", "is no message of thread", id="recorded-id"),
        pytest.param("foreign", "is no message of thread", id="another-thread"),
    ],
)
def test_a_turn_follows_an_answer_of_its_thread(mock: RunningMock, parent: str, words: str) -> None:
    """Anything else is refused, and stored nowhere."""
    thread_id = create(mock)
    mine = answered(ask(mock, thread_id, 0, stream=False))
    foreign = answered(ask(mock, create(mock), 0, stream=False))
    given = {"user": mine["user_message_id"], "recorded": 602, "foreign": foreign["assistant_message_id"]}[parent]
    answer = ask(mock, thread_id, given, SECOND)
    assert (answer.status, words in answer.json()["message"]) == (400, True)
    assert len(call(mock, "GET", f"/{thread_id}").json()["messages"]) == 2


def test_a_client_side_tools_result_is_a_message(mock: RunningMock) -> None:
    """The result, also without its type, is matched and stored as what the user said."""
    thread_id = create(mock)
    asked = answered(ask(mock, thread_id, 0, "When do the daily figures close in my time zone?", stream=False))
    assert call(mock, "GET", f"/{thread_id}").json()["metadata"]["status"] == "WAITING_FOR_INPUT"
    result = {"tool_use_id": "toolu_tz01", "name": "get_time_zone", "content": [], "status": "success"}
    message = {"role": "user", "content": [{"type": "tool_result", "tool_result": result}]}
    parent = asked["assistant_message_id"]
    assert answered(ask(mock, thread_id, parent, messages=[message], stream=False))["thread_id"] == thread_id
    described = call(mock, "GET", f"/{thread_id}").json()
    assert described["metadata"]["status"] == "IDLE"
    assert json.loads(described["messages"][1]["message_payload"])["content"] == message["content"]


@pytest.mark.parametrize(
    ("question", "status"),
    [
        pytest.param("Walk me through the biggest orders of 2025", "cancelled", id="cancelled"),
        pytest.param("Forecast net sales for 2026", "error", id="failed"),
        pytest.param(FIRST, "completed", id="completed"),
    ],
)
def test_an_answer_is_stored_with_how_it_ended(mock: RunningMock, question: str, status: str) -> None:
    """Also one that was recorded as stopped or failed: with its status, and with what was said until then."""
    thread_id = create(mock)
    assert ask(mock, thread_id, 0, question).status == 200
    reply = json.loads(call(mock, "GET", f"/{thread_id}").json()["messages"][0]["message_payload"])
    assert (reply["role"], reply["status"]) == ("assistant", status)
    assert any(block["type"] == "text" and block["text"] for block in reply["content"])
    assert ("error" in reply) is (status == "error")


def test_threads_are_paged(mock: RunningMock) -> None:
    """A page follows the last thread of the one before, within an origin."""
    created = [create(mock, origin_application="paged") for _ in range(3)][::-1]
    shown: list[int] = []
    for query in ("page_size=2", f"page_size=2&last_thread_id={created[1]}", f"last_thread_id={created[2]}"):
        page = call(mock, "GET", f"?origin_application=paged&{query}").json()
        shown += [each["thread_id"] for each in page]
    assert shown == created
    assert call(mock, "GET", "?last_thread_id=999999").json() == []


def test_messages_are_paged(mock: RunningMock) -> None:
    """Newest first; a page begins below the last message of the one before."""
    thread_id = create(mock)
    parent = answered(ask(mock, thread_id, 0, stream=False))["assistant_message_id"]
    ask(mock, thread_id, parent, SECOND)
    whole = [each["message_id"] for each in call(mock, "GET", f"/{thread_id}").json()["messages"]]
    assert len(whole) == 4
    page = call(mock, "GET", f"/{thread_id}?page_size=3").json()["messages"]
    rest = call(mock, "GET", f"/{thread_id}?last_message_id={page[-1]['message_id']}").json()["messages"]
    assert [each["message_id"] for each in page + rest] == whole
    assert call(mock, "GET", f"/{thread_id}?message_type=compaction").json()["messages"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        pytest.param("GET", "?page_size=0", None, "page_size '0' is not an integer from 1 to 100", id="small-page"),
        pytest.param("GET", "?page_size=101", None, "from 1 to 100", id="large-page"),
        pytest.param("GET", "?last_thread_id=x", None, "not a positive integer", id="thread-word"),
        pytest.param("GET", "/{id}?last_message_id=-1", None, "not a positive integer", id="message"),
        pytest.param("GET", "/{id}?message_type=x", None, "neither conversation nor compaction", id="type"),
        pytest.param("POST", "", {"origin_application": "x" * 17}, "at most 16 bytes", id="origin"),
        pytest.param("POST", "", {"metadata": {"x": "x" * 1024}}, "at most 1024", id="metadata"),
        pytest.param("POST", "/{id}", {"thread_name": "x" * 1001}, "at most 1000", id="name"),
        pytest.param("GET", "/by-external-id/1", None, "origin_application is required", id="no-origin"),
        pytest.param("POST", "/search", {}, "valid payload", id="no-query"),
        pytest.param("POST", "/search", {"query": "x", "limit": 101}, "valid payload", id="limit"),
        pytest.param("POST", "/search", {"query": "x" * 1001}, "at most 1000", id="long-query"),
        pytest.param("POST", "/search", {"query": "(", "query_type": "REGEX"}, "no regular expression", id="regex"),
        pytest.param("POST", "/search", {"query": "(?=x)", "query_type": "REGEX"}, "that RE2 knows", id="look-ahead"),
    ],
)
def test_what_is_refused(mock: RunningMock, method: str, path: str, body: dict[str, Any] | None, words: str) -> None:
    """Bounds and types, each said in words."""
    answer = call(mock, method, path.replace("{id}", str(create(mock))), body)
    assert (answer.status, answer.json()["code"]) == (400, "390142")
    assert words in answer.json()["message"]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_thread_that_is_not_there(mock: RunningMock, method: str) -> None:
    """Unknown, and another test's."""
    thread_id = create(mock)
    body = b"{}" if method == "POST" else None
    for path, headers in ((f"/{thread_id}", {"X-Test-Id": "other"}), ("/5", OWN)):
        answer = mock.call(method, THREADS_PATH + path, body, headers)
        assert (answer.status, answer.json()["code"]) == (404, "002003")


def test_a_thread_is_renamed_and_deleted(mock: RunningMock) -> None:
    """The answers that Snowflake documents, and what they say is so."""
    thread_id = create(mock)
    assert call(mock, "POST", f"/{thread_id}", {"thread_name": "Sales"}).json() == {
        "status": f"Thread {thread_id} successfully updated."
    }
    assert call(mock, "GET", f"/{thread_id}").json()["metadata"]["thread_name"] == "Sales"
    assert call(mock, "DELETE", f"/{thread_id}").json() == {"success": True}
    assert call(mock, "GET", f"/{thread_id}").status == 404
    assert ask(mock, thread_id, 0).status == 404


def test_a_thread_is_found_by_an_applications_own_id(mock: RunningMock) -> None:
    """Within its origin only."""
    thread_id = create(mock, origin_application="slack", external_id=42)
    found = call(mock, "GET", "/by-external-id/42?origin_application=slack").json()
    assert (found["thread_id"], found["external_id"]) == (thread_id, 42)
    assert call(mock, "GET", "/by-external-id/42?origin_application=teams").status == 404


@pytest.mark.parametrize(
    ("search", "found"),
    [
        pytest.param({"query": "sales 2023"}, [1, 0], id="better-first"),
        pytest.param({"query": "sales 2023", "limit": 1}, [1], id="limit"),
        pytest.param({"query": "weathervane"}, [], id="nothing"),
        pytest.param({"query": "REFUND"}, [0], id="name"),
        pytest.param({"query": r"from \d{4} to", "query_type": "REGEX"}, [1], id="regex"),
        pytest.param({"query": "^refund", "query_type": "REGEX"}, [0], id="regex-name"),
    ],
)
def test_threads_are_searched(mock: RunningMock, search: dict[str, Any], found: list[int]) -> None:
    """By the words of name and questions, or by a pattern."""
    for old in call(mock, "GET").json():
        call(mock, "DELETE", f"/{old['thread_id']}")
    threads = [create(mock), create(mock)]
    call(mock, "POST", f"/{threads[0]}", {"thread_name": "Refunds and sales"})
    ask(mock, threads[1], 0)
    answer = call(mock, "POST", "/search", search)
    assert answer.json() == {"threads": [{"thread_id": str(threads[each])} for each in found]}


def test_a_hostile_pattern_stops_nothing(mock: RunningMock) -> None:
    """A pattern that takes a backtracking engine longer than this test may last is answered all the same."""
    call(mock, "POST", f"/{create(mock)}", {"thread_name": "x" * 200})
    assert call(mock, "POST", "/search", {"query": "(x+x+)+y", "query_type": "REGEX"}).json() == {"threads": []}


def test_creation_can_answer_as_the_documentation_prints_it(keys: KeyPair) -> None:
    """A switch makes it the bare id, as a JSON string."""
    with running(keys, assume=Assumptions(thread_created="string")) as documented:
        assert documented.call("POST", THREADS_PATH, b"").json() == str(FIRST_ID)
