"""The proxy's own upstream client against Pact: what it sends, what it reads, what it makes of each refusal."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from contracts.api import (
    AnalystRequest,
    ChartAnswer,
    ChartRequest,
    ChatRequest,
    EndReason,
    ProblemType,
    ProxyEnd,
    ProxyStart,
    SearchRequest,
    SqlRequest,
)
from contracts.conftest import PACTS
from contracts.consumer import upstream
from contracts.consumer.promise import Promise, example
from contracts.consumer.upstream import (
    EXCHANGES,
    REFUSALS,
    TOLD,
    Among,
    Exchange,
    Refusal,
    Told,
)
from contracts.consumer.upstream_pact import FILE_NAME, pact_of, pact_of_messages, sequences, write
from contracts.exchange import events
from contracts.pactfile import save
from contracts.sequence import Rule
from proxy.backoff import Backoff
from proxy.calls import Call
from proxy.chat import run_body
from proxy.cortex import CortexClient, Reply, Upstream
from proxy.history import stored_turn
from proxy.problems import ProblemError
from proxy.relay import Account
from proxy.settings import Settings
from proxy.tests.conftest import ROOMY, Seen
from proxy.tests.errands import errand_for
from proxy.tools import analyst, chart, search, sql
from proxy.tools.sql import Rows

NEVER = {name: {"retry": "never"} for name in ("chat", "tool_search", "tool_analyst", "tool_sql")}
AGAIN = "again"
AGENT_CONFIG = {"models": {"orchestration": upstream.INLINE_MODEL}}

Asking = Callable[..., AbstractContextManager[CortexClient]]
Use = Callable[[CortexClient], None]


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """What the proxy's settings point to: keys, and an inline agent's configuration."""
    folder = tmp_path_factory.mktemp("upstream")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    contents = {
        "private_key_file": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "pat_file": b"made-up-for-the-account",
        "oauth_token_file": b"made-up-for-an-hour",
        "session_key_file": b"session key of the tests, long enough",
        "agent_config_file": json.dumps(AGENT_CONFIG).encode(),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o600)
    return {name: folder / name for name in contents}


@pytest.fixture
def asking(files: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch) -> Asking:
    """Makes the proxy's upstream client for an address and further files; only one that is told so tries again."""
    monkeypatch.setattr(sql, "FIRST_WAIT_S", 0.001)

    @contextmanager
    def make(url: str, *more: str) -> Iterator[CortexClient]:
        named = {*more} - {AGAIN}
        credential = named - {"agent_config_file"} or {"private_key_file"}
        given: dict[str, Any] = {name: files[name] for name in credential | named}
        retries = {} if AGAIN in more else NEVER
        settings = Settings(
            environment="development",
            snowflake_url=url,
            account="MYORG-BENCH",
            user="CORTEX_PROXY_USER",
            role=upstream.ROLE,
            warehouse=upstream.WAREHOUSE,
            history_file=Path(":memory:"),
            session_key_file=files["session_key_file"],
            policies={name: {**row, **retries.get(name, {})} for name, row in ROOMY.items()},
            **given,
        )
        client = CortexClient(settings, Seen(), Backoff(lambda least, _most: least))
        try:
            yield client
        finally:
            client.close()

    return make


# --- how the proxy asks ----------------------------------------------------------------------------------------------


def chat_request(message: Any = upstream.NET_SALES, **more: Any) -> ChatRequest:
    """What a page would send."""
    return ChatRequest.model_validate({"sessionId": "6b0f1f0e6a144a559d0e3a7a2f1d5c77", "message": message, **more})


def run(client: CortexClient, asked: ChatRequest) -> Account:
    """A turn, read to its end as the relay reads it."""
    return relayed(client.start_run(run_body(asked, asked.thread_id), {}, Call()))


def relayed(stream: Upstream) -> Account:
    """What the relay's account holds at the end."""
    account = Account(time.monotonic())
    assert stream.request_id == upstream.REQUEST_ID
    while chunk := stream.read():
        account.take(chunk, time.monotonic())
    stream.close()
    return account


def answer_of(account: Account) -> tuple[str, int | None]:
    """What the history keeps of a turn: its answer and the id of its message."""
    start = ProxyStart(session_id="s", turn_id="t", trace_id="x")
    end = ProxyEnd(reason=account.reason(), turn_id="t", events=1, upstream_bytes=1, duration_ms=1.0)
    turn = stored_turn(
        question=None,
        started_at=datetime.now(UTC),
        start=start,
        end=end,
        final=account.final,
        text_deltas=account.text_deltas,
    )
    return turn.answer, turn.assistant_message_id


def holds_a_turn(account: Account) -> None:
    """The whole turn was read: its end, its text, and what it cost."""
    usage = account.usage()
    assert account.reason() is EndReason.COMPLETED
    assert usage is not None
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens) == (5100, 1200, 420)
    assert [each.model_name for each in account.spent()] == ["claude-4-sonnet"]
    assert answer_of(account) == ("EMEA leads with 1,250.50", 502)


def ask_question(client: CortexClient) -> None:
    """A question that stands alone."""
    holds_a_turn(run(client, chat_request()))


def ask_with_a_pat(client: CortexClient) -> None:
    """A programmatic access token says of what kind it is."""
    ask_question(client)


def ask_with_oauth(client: CortexClient) -> None:
    """So does an OAuth token."""
    ask_question(client)


def ask_for_a_tool(client: CortexClient) -> None:
    """The page may say that a tool must be used."""
    holds_a_turn(run(client, chat_request(toolChoice={"type": "required"})))


def ask_for_these_tools(client: CortexClient) -> None:
    """Or which tools may be used."""
    holds_a_turn(run(client, chat_request(toolChoice={"type": "tool", "name": ["sales_analyst"]})))


def open_a_thread(client: CortexClient) -> None:
    """The first turn of a conversation: a thread, then the question in it."""
    thread_id = client.create_thread({}, Call())
    assert thread_id == 1001
    holds_a_turn(run(client, chat_request(upstream.FIRST_QUESTION, threadId=thread_id, parentMessageId=0)))


def follow_up(client: CortexClient) -> None:
    """A further turn names its thread and the answer it continues."""
    holds_a_turn(run(client, chat_request(upstream.FOLLOW_UP, threadId=1001, parentMessageId=602)))


def hand_in_a_result(client: CortexClient) -> None:
    """The page's answer to a client-side tool."""
    result = {
        "toolUseId": upstream.TOOL_USE_ID,
        "type": "generic",
        "name": "page_time_zone",
        "content": [{"type": "json", "json": {"time_zone": "Europe/Zurich"}}],
    }
    holds_a_turn(run(client, chat_request({"toolResult": result}, threadId=1001, parentMessageId=612)))


def ask_inline(client: CortexClient) -> None:
    """An inline agent's configuration goes with the question."""
    holds_a_turn(run(client, chat_request(upstream.INLINE_QUESTION)))


def drawn(client: CortexClient) -> ChartAnswer:
    """The chart of a row."""
    rows = [{"REGION": "EMEA", "NET_SALES": 1250.5}]
    asked = ChartRequest.model_validate({"intent": "net sales by region", "rows": rows})
    return chart.run(asked, errand_for(client, "tool_chart"))


def draw(client: CortexClient) -> None:
    """The chart stands in a block of its own."""
    found = drawn(client)
    assert (found.chart["mark"], found.text) == ("bar", "Net sales by region")
    assert found.request_id == upstream.REQUEST_ID


def draw_from_the_tool(client: CortexClient) -> None:
    """Without such a block, it is taken from what the tool gave."""
    assert drawn(client).chart["mark"] == "bar"


def look_up(client: CortexClient) -> None:
    """Rows of the columns that were asked for, each with its scores."""
    asked = SearchRequest.model_validate(
        {
            "query": "refund deadline",
            "columns": ["DOC_ID", "TITLE"],
            "limit": 2,
            "filter": upstream.FILTER,
        }
    )
    found = search.run(asked, errand_for(client, "tool_search"))
    (hit,) = found.results
    assert (hit.columns, hit.scores) == ({"DOC_ID": "POL-7", "TITLE": "Refund policy"}, {"cosine_similarity": 0.61})
    assert found.request_id == upstream.OWN_ID


def message(text: str, *, stream: bool = False) -> AnalystRequest:
    """A question to Cortex Analyst."""
    return AnalystRequest.model_validate({"messages": [{"role": "user", "text": text}], "stream": stream})


def ask_analyst(client: CortexClient) -> None:
    """Text, statement, and the verified query behind it."""
    found = analyst.run(message(upstream.NET_SALES), errand_for(client, "tool_analyst"))
    assert found.text == "This is how I read the question."
    assert (found.sql, found.verified_query) == ("SELECT region FROM __orders", "net_sales_by_region")
    assert found.request_id == upstream.OWN_ID


def ask_analyst_further(client: CortexClient) -> None:
    """What has been said before goes along, with who said it."""
    asked = AnalystRequest.model_validate(
        {
            "messages": [
                {"role": "user", "text": "Which regions are there?"},
                {"role": "analyst", "text": "This is how I read the question."},
                {"role": "user", "text": upstream.NET_SALES},
            ]
        }
    )
    found = analyst.run(asked, errand_for(client, "tool_analyst"))
    assert (found.text, found.request_id) == ("This is how I read the question.", upstream.REQUEST_ID)


def ask_analyst_in_vain(client: CortexClient) -> None:
    """Suggestions instead of a statement."""
    found = analyst.run(message(upstream.AMBIGUOUS), errand_for(client, "tool_analyst"))
    assert (found.sql, found.suggestions) == (None, [upstream.NET_SALES])


def ask_analyst_for_a_stream(client: CortexClient) -> None:
    """Its own events, ended by `done`."""
    account = relayed(analyst.open_stream(message(upstream.NET_SALES, stream=True), errand_for(client, "tool_analyst")))
    assert account.reason() is EndReason.COMPLETED


def query(client: CortexClient) -> None:
    """A statement is submitted, then asked for until its result is there."""
    asked = SqlRequest.model_validate(
        {"statement": upstream.STATEMENT, "bindings": [*upstream.BINDINGS], "maxRows": 10}
    )
    found = sql.run(asked, errand_for(client, "tool_sql"))
    (column,) = found.columns
    assert (column.name, column.type, column.nullable, column.precision, column.scale) == (
        "ORDER_YEAR",
        "fixed",
        True,
        38,
        0,
    )
    assert (found.rows, found.row_count, found.truncated) == ([["2025"]], 3, True)


def query_again(client: CortexClient) -> None:
    """A submission that was throttled is tried again, and says so."""
    query(client)


def read_on(client: CortexClient) -> None:
    """Further partitions are asked for one by one."""
    metadata = {**example(upstream.RESULT)["resultSetMetaData"], "partitionInfo": [{}, {}]}  # type: ignore[index,call-overload,dict-item]
    first = Reply(200, {"resultSetMetaData": metadata, "data": [["2024"]]}, {}, None)
    found = sql._gathered(upstream.HANDLE, first, errand_for(client, "tool_sql"), Rows(10, 1000))
    assert found.rows == [["2024"], ["2025"]]


def give_up(client: CortexClient) -> None:
    """A statement that still runs when nobody waits any more is cancelled."""
    errand = errand_for(client, "tool_sql", deadline_s=0.2)
    with pytest.raises(ProblemError) as problem:
        sql._ended(upstream.HANDLE, errand)
    assert problem.value.kind is ProblemType.REQUEST_DEADLINE


def query_in_vain(client: CortexClient) -> None:
    """A failed statement has a code that is told in our words."""
    reply = sql._ended(upstream.HANDLE, errand_for(client, "tool_sql"))
    with pytest.raises(ProblemError) as problem:
        sql._succeeded(reply)
    assert (problem.value.kind, problem.value.upstream_code) == (ProblemType.SQL_FAILED, "000904")
    assert problem.value.detail == "The statement names a column that does not exist."


def see_it_fail(client: CortexClient) -> None:
    """An `error` event ends the turn, and what came before stands."""
    account = run(client, chat_request())
    assert (account.reason(), account.error.any_code) == (EndReason.UPSTREAM_ERROR, "399504")
    assert answer_of(account) == ("EMEA leads", None)


def see_it_end_early(client: CortexClient) -> None:
    """A stream without a last event was cut, however politely."""
    account = run(client, chat_request())
    assert account.reason() is EndReason.UPSTREAM_TRUNCATED
    assert answer_of(account) == ("EMEA leads", None)


STORIES: tuple[tuple[Use, tuple[Exchange, ...]], ...] = (
    (ask_question, (upstream.RUN,)),
    (ask_with_a_pat, (upstream.WITH_PAT,)),
    (ask_with_oauth, (upstream.WITH_OAUTH,)),
    (ask_for_a_tool, (upstream.CHOSEN,)),
    (ask_for_these_tools, (upstream.NAMED,)),
    (open_a_thread, (upstream.THREAD, upstream.OPENING)),
    (follow_up, (upstream.FOLLOWING,)),
    (hand_in_a_result, (upstream.TOOL_ANSWER,)),
    (ask_inline, (upstream.INLINE,)),
    (draw, (upstream.CHART,)),
    (draw_from_the_tool, (upstream.DRAWN,)),
    (look_up, (upstream.SEARCH,)),
    (ask_analyst, (upstream.ANALYST,)),
    (ask_analyst_further, (upstream.CONVERSING,)),
    (ask_analyst_in_vain, (upstream.SUGGESTING,)),
    (ask_analyst_for_a_stream, (upstream.ANALYST_STREAM,)),
    (query, (upstream.SUBMIT, upstream.RESULT_SET)),
    (query_again, (upstream.THROTTLED_SQL, upstream.SUBMIT_AGAIN, upstream.RESULT_SET)),
    (read_on, (upstream.PARTITION,)),
    (give_up, (upstream.POLL, upstream.CANCEL)),
    (query_in_vain, (upstream.FAILED,)),
    (see_it_fail, (upstream.FAILING,)),
    (see_it_end_early, (upstream.ENDLESS,)),
)


SET_UP: Mapping[Use, str] = {
    ask_inline: "agent_config_file",
    ask_with_a_pat: "pat_file",
    ask_with_oauth: "oauth_token_file",
    query_again: AGAIN,
}
"""What a story's client is set up with, beyond the others."""


@pytest.mark.parametrize(("use", "exchanges"), STORIES, ids=[use.__name__ for use, _ in STORIES])
def test_the_client_keeps_its_side(use: Use, exchanges: tuple[Exchange, ...], asking: Asking) -> None:
    """The proxy sends what the pact says, and reads everything that the pact promises."""
    with (
        pact_of(*exchanges).serve("127.0.0.1") as server,
        asking(str(server.url), *((SET_UP[use],) if use in SET_UP else ())) as client,
    ):
        use(client)


# --- nothing is promised that nobody reads ---------------------------------------------------------------------------

BORNE = {
    ("the result of a statement", "nullable"): "what says nothing may be null",
    ("the result of a statement", "partitionInfo"): "what says nothing has one partition",
    ("a chart of rows", "status"): "what says nothing is whole",
    ("response", "status"): "what says nothing is whole",
}
"""Members whose absence the proxy bears, and why; promised all the same, because a renamed one would hide a failure."""


def places(promise: Promise) -> Iterator[tuple[str | int, ...]]:
    """Where a member could be missing: paths into objects, arrays and what arrays hold among others."""
    if isinstance(promise, Among):
        promise = promise.elements
    if isinstance(promise, dict):
        for name, value in promise.items():
            yield (name,)
            yield from ((name, *rest) for rest in places(value))
    elif isinstance(promise, list | tuple):
        for number, value in enumerate(promise):
            yield from ((number, *rest) for rest in places(value))


def without(promise: Promise, place: tuple[str | int, ...]) -> Promise:
    """The promise, but for the member at a place."""
    first, *rest = place
    if isinstance(promise, Among):
        return Among(without(promise.elements, place))
    if isinstance(promise, dict):
        left = {name: value for name, value in promise.items() if name != first or rest}
        return left if not rest else {**left, first: without(promise[first], tuple(rest))}
    changed = [without(each, tuple(rest)) if number == first else each for number, each in enumerate(promise)]
    return changed if isinstance(promise, list) else tuple(changed)


def lacking(*, borne: bool) -> list[Any]:
    """Each answer, the story that reads it, each member that it could lack; those that are borne, or the others."""
    readers = {lacks.name: (use, exchanges, lacks) for use, exchanges in STORIES for lacks in exchanges}
    refusals = {refusal.exchange.name for refusal in REFUSALS}
    return [
        pytest.param(use, exchanges, lacks, place, id=f"{name} without {'.'.join(map(str, place))}")
        for name, (use, exchanges, lacks) in readers.items()
        if name not in refusals
        for place in places(lacks.answer.body)
        if ((name, place[-1]) in BORNE) is borne
    ]


def use_without(
    use: Use, exchanges: tuple[Exchange, ...], lacks: Exchange, place: tuple[str | int, ...], asking: Asking
) -> None:
    """The story, in which one answer lacks one member."""
    answer = replace(lacks.answer, body=without(lacks.answer.body, place))
    changed = [replace(each, answer=answer) if each is lacks else each for each in exchanges]
    server = pact_of(*changed).serve("127.0.0.1", raises=False, verbose=False)
    with server, asking(str(server.url), *((SET_UP[use],) if use in SET_UP else ())) as client:
        use(client)


LACKS = ("use", "exchanges", "lacks", "place")


@pytest.mark.parametrize(LACKS, lacking(borne=False))
def test_what_is_promised_is_read(
    use: Use, exchanges: tuple[Exchange, ...], lacks: Exchange, place: tuple[str | int, ...], asking: Asking
) -> None:
    """The client notices when a promised member is missing: the pact is no tighter than its consumer."""
    with pytest.raises((AssertionError, ProblemError)):
        use_without(use, exchanges, lacks, place, asking)


def test_what_is_borne_is_borne(asking: Asking) -> None:
    """No exception is there by mistake: the client does very well without such a member."""
    borne = set()
    for use, exchanges, lacks, place in (each.values for each in lacking(borne=True)):
        use_without(use, exchanges, lacks, place, asking)
        borne.add((lacks.name, place[-1]))
    for told in TOLD:
        for place in places(told.payload):
            if (told.event, place[-1]) in BORNE:
                READINGS[told.event](read_event(told.event, json.dumps(plain(without(told.payload, place)))))
                borne.add((told.event, place[-1]))
    assert borne == set(BORNE)


@pytest.mark.parametrize(
    ("told", "place"),
    [
        pytest.param(told, place, id=f"{told.event} without {'.'.join(map(str, place))}")
        for told in TOLD
        for place in places(told.payload)
        if (told.event, place[-1]) not in BORNE
    ],
)
def test_what_is_promised_of_an_event_is_read(told: Told, place: tuple[str | int, ...]) -> None:
    """The relay notices when a promised member of a payload is missing."""
    payload = json.dumps(plain(without(told.payload, place)))
    with pytest.raises(AssertionError):
        READINGS[told.event](read_event(told.event, payload))


def plain(promise: Promise) -> Any:
    """The example alone."""
    if isinstance(promise, Among):
        promise = promise.elements
    if isinstance(promise, dict):
        return {name: plain(value) for name, value in promise.items()}
    return [plain(each) for each in promise] if isinstance(promise, list | tuple) else example(promise)


# --- what goes wrong -------------------------------------------------------------------------------------------------

ASKING: Mapping[str, Use] = {
    upstream.RUN.name: ask_question,
    upstream.SEARCH.name: look_up,
    upstream.ANALYST.name: ask_analyst,
    upstream.SUBMIT.name: query,
}


@pytest.mark.parametrize("refusal", REFUSALS, ids=[refusal.state for refusal in REFUSALS])
def test_what_a_refusal_means(refusal: Refusal, asking: Asking) -> None:
    """Each refusal becomes the problem that its status and code stand for, with the advice that came along."""
    with (
        pact_of(refusal.exchange).serve("127.0.0.1") as server,
        asking(str(server.url)) as client,
        pytest.raises(ProblemError) as problem,
    ):
        ASKING[refusal.asked.name](client)
    found = problem.value
    assert (found.kind, found.upstream_code, found.retry_after_s) == (
        refusal.kind,
        refusal.code,
        refusal.retry_after_s,
    )


# --- single events ---------------------------------------------------------------------------------------------------


def read_event(name: str, data: str) -> Account:
    """What the relay makes of one event."""
    account = Account(time.monotonic())
    account.take(f"event: {name}\ndata: {data}\n\n".encode(), time.monotonic())
    return account


def reads_a_delta(account: Account) -> None:
    """Text is kept for a turn that gets no further."""
    assert answer_of(account) == ("EMEA leads", None)


def reads_a_tool_use(account: Account) -> None:
    """Tool calls are counted."""
    assert account.tool_calls == 1


def reads_a_response(account: Account) -> None:
    """Status, tokens and text of the final object."""
    assert account.reason() is EndReason.COMPLETED
    usage = account.usage()
    assert usage is not None
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens) == (5100, 1200, 420)
    assert [each.model_name for each in account.spent()] == ["claude-4-sonnet"]
    assert answer_of(account)[0] == "EMEA leads with 1,250.50"


def reads_an_error(account: Account) -> None:
    """The code, which is all that goes on to the client."""
    assert (account.reason(), account.error.any_code) == (EndReason.UPSTREAM_ERROR, "399504")


def reads_the_end(account: Account) -> None:
    """Nothing more is waited for."""
    assert account.terminals == {"done"}


READINGS: Mapping[str, Callable[[Account], None]] = {
    "response.text.delta": reads_a_delta,
    "response.tool_use": reads_a_tool_use,
    "response": reads_a_response,
    "error": reads_an_error,
    "done": reads_the_end,
}


@pytest.mark.parametrize("told", TOLD, ids=[told.event for told in TOLD])
def test_the_relay_reads_an_event(told: Told) -> None:
    """Every field that the pact promises of the event is one that the relay reads."""

    def handle(body: str | bytes | None, _metadata: Mapping[str, object]) -> None:
        assert body is not None
        READINGS[told.event](read_event(told.event, body.decode() if isinstance(body, bytes) else body))

    pact_of_messages(told).verify(handle, "Async")


# --- the file --------------------------------------------------------------------------------------------------------


def test_every_exchange_is_used() -> None:
    """What stands in the pact was asked for by the client, in a story or as a refusal."""
    used = {each.name for _, exchanges in STORIES for each in exchanges} | {each.exchange.name for each in REFUSALS}
    assert used == {each.name for each in EXCHANGES}
    assert set(READINGS) == {told.event for told in TOLD}


@pytest.mark.parametrize("exchange", [each for each in EXCHANGES if each.sequence], ids=lambda exchange: exchange.name)
def test_an_example_keeps_its_rule(exchange: Exchange) -> None:
    """The stream that the client was shown is one that the rule allows."""
    assert exchange.sequence is not None
    assert exchange.answer.text is not None
    assert Rule.from_document(dict(exchange.sequence)).check(list(events(exchange.answer.text))) == []


def test_preconditions_are_from_the_table() -> None:
    """A state's parameters come from one closed table, all of which is used."""
    used = {(name, value) for each in EXCHANGES for name, value in each.params.items()}
    assert used == {(name, value) for name, values in upstream.PARAMS.items() for value in values}


def test_the_committed_pact_is_what_is_declared(tmp_path: Path, write_pacts: bool) -> None:
    """The pact in the repository changes only with what is declared; `--write-pacts` writes it."""
    save(write(tmp_path), PACTS / FILE_NAME, sequences=sequences(), write=write_pacts)
