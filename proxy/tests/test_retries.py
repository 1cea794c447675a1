"""Trying again: which failures, how often, with what, and what observers and breakers are told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from contracts.api import ProblemType
from contracts.telemetry import Surface
from proxy.answer import READ_BYTES
from proxy.breaker import MIN_FAILURES, State
from proxy.calls import Call, CallCancelledError
from proxy.cortex import MAX_ANSWER_BYTES, Ask, CortexClient
from proxy.policies import Policy, RetryClass
from proxy.problems import ProblemError
from proxy.tests.conftest import MakeCortex, Seen
from proxy.tests.upstream import DEADLINE_S, STREAM, Exchange, Script, Upstream, until

ROW: dict[str, Any] = {"rate": 1, "burst": 1, "at_once": 1, "deadline_s": DEADLINE_S, "header_timeout_s": DEADLINE_S}


def policy(retry: RetryClass, **changed: Any) -> Policy:
    """A row of the table with what the test changes."""
    return Policy(**ROW | {"retry": retry} | changed)


def answers(status: str, **headers: str) -> Script:
    """Always the same status."""
    return lambda exchange: exchange.json({"code": "390000", "message": "canary"}, status, **headers)


def half_a_body(exchange: Exchange) -> None:
    """A good head, then the connection breaks."""
    exchange.head(Content_Type="application/json", Content_Length="100")
    exchange.send(b'{"results":')
    exchange.cut()


def half_a_chunked_body(exchange: Exchange) -> None:
    """The same in another framing, in which the end of a connection is the end of a chunk as well."""
    exchange.head(Content_Type="application/json", Transfer_Encoding="chunked")
    exchange.chunk(b'{"results":')
    exchange.cut()


def observed(client: CortexClient) -> Seen:
    """What the client's observer was told."""
    assert isinstance(client._observer, Seen)
    return client._observer


def failed(client: CortexClient, asked: Ask, call: Call | None = None) -> ProblemError:
    """Why a question is not answered."""
    with pytest.raises(ProblemError) as problem:
        client.ask(asked, {}, call or Call())
    assert "canary" not in problem.value.detail
    return problem.value


@pytest.mark.parametrize(
    ("script", "tries"),
    [
        pytest.param(answers("429 X"), (1, 3, 3), id="429"),
        pytest.param(answers("429 X", Retry_After="0"), (1, 3, 3), id="429 at once"),
        pytest.param(answers("429 X", Retry_After="6"), (1, 1, 1), id="429 much later"),
        pytest.param(answers("503 X"), (1, 3, 3), id="503"),
        pytest.param(answers("500 X"), (1, 1, 3), id="500"),
        pytest.param(answers("502 X"), (1, 1, 3), id="502"),
        pytest.param(answers("504 X"), (1, 1, 3), id="504"),
        pytest.param(Exchange.cut, (1, 1, 3), id="hung up"),
        pytest.param(half_a_body, (1, 1, 3), id="broken body"),
        pytest.param(half_a_chunked_body, (1, 1, 3), id="broken body in chunks"),
        pytest.param(answers("400 X"), (1, 1, 1), id="400"),
        pytest.param(answers("403 X"), (1, 1, 1), id="403"),
        pytest.param(answers("404 X"), (1, 1, 1), id="404"),
        pytest.param(answers("408 X"), (1, 1, 1), id="408"),
        pytest.param(answers("302 X", Location="http://127.0.0.1:9/"), (1, 1, 1), id="redirect"),
    ],
)
def test_how_often(make_cortex: MakeCortex, script: Script, tries: tuple[int, int, int]) -> None:
    """Never, where it surely was not acted on, and where asking twice does no harm: each class has its failures."""
    for retry, expected in zip(RetryClass, tries, strict=True):
        with Upstream(script) as upstream:
            client = make_cortex(snowflake_url=upstream.url)
            call = Call()
            failed(client, Ask(Surface.SEARCH, "/q", policy(retry), {}), call)
        assert (retry, len(upstream.seen), call.retries) == (retry, expected, expected - 1)


def test_nobody_listens(make_cortex: MakeCortex) -> None:
    """A connection that never was is safe to try again, and tried three times."""
    with Upstream(Exchange.end) as upstream:
        url = upstream.url
    client = make_cortex(snowflake_url=url)
    problem = failed(client, Ask(Surface.SEARCH, "/q", policy(RetryClass.UNSENT), {}))
    assert problem.kind is ProblemType.UPSTREAM_UNREACHABLE
    assert [kind for kind, _, _ in observed(client).told] == ["attempt", "retry", "attempt", "retry", "attempt"]


def test_a_silent_upstream_is_not_asked_again(make_cortex: MakeCortex) -> None:
    """What may still be working on the question gets it once, whatever the class."""
    with Upstream(Exchange.wait_left) as upstream:
        asked = Ask(Surface.SEARCH, "/q", policy(RetryClass.IDEMPOTENT, header_timeout_s=0.1), {})
        problem = failed(make_cortex(snowflake_url=upstream.url), asked)
    assert (problem.kind, len(upstream.seen)) == (ProblemType.UPSTREAM_TIMEOUT, 1)


def once(first: Callable[[Exchange], None]) -> Script:
    """The first exchange goes one way, the others well."""
    seen: list[Exchange] = []

    def script(exchange: Exchange) -> None:
        seen.append(exchange)
        first(exchange) if len(seen) == 1 else exchange.json({"answer": len(seen)})

    return script


def test_the_second_try_may_succeed(make_cortex: MakeCortex) -> None:
    """Its answer is the answer; later tries carry the parameters that say so, and the same body."""
    with Upstream(once(answers("502 X"))) as upstream:
        client = make_cortex(snowflake_url=upstream.url)
        asked = Ask(
            Surface.SQL, "/q", policy(RetryClass.IDEMPOTENT), {"a": 1}, params={"id": "7"}, again={"retry": "true"}
        )
        assert client.ask(asked, {}, Call()).document == {"answer": 2}
    assert [each.path for each in upstream.seen] == ["/q?id=7", "/q?id=7&retry=true"]
    assert [each.document for each in upstream.seen] == [{"a": 1}, {"a": 1}]
    assert observed(client).told == [
        ("attempt", "sql", "unavailable"),
        ("retry", "sql", "unavailable"),
        ("attempt", "sql", "ok"),
    ]
    assert observed(client).begun == [("POST", 1), ("POST", 2)]


def test_the_upstreams_pause_is_kept(make_cortex: MakeCortex) -> None:
    """A `Retry-After` is waited for before the next try."""
    moments: list[float] = []

    def script(exchange: Exchange) -> None:
        moments.append(time.monotonic())
        if len(moments) == 1:
            exchange.json({}, "503 X", Retry_After="1")
        else:
            exchange.json({})

    with Upstream(script) as upstream:
        make_cortex(snowflake_url=upstream.url).ask(Ask(Surface.SEARCH, "/q", policy(RetryClass.UNSENT)), {}, Call())
    assert moments[1] - moments[0] >= 1


def test_a_pause_past_the_deadline(make_cortex: MakeCortex) -> None:
    """It is not begun; the client is told the upstream's wish instead."""
    with Upstream(answers("503 X", Retry_After="4")) as upstream:
        asked = Ask(Surface.SEARCH, "/q", policy(RetryClass.UNSENT, deadline_s=2))
        problem = failed(make_cortex(snowflake_url=upstream.url), asked)
    assert (problem.kind, problem.retry_after_s, len(upstream.seen)) == (ProblemType.UPSTREAM_UNAVAILABLE, 4, 1)


def test_cancelling_ends_the_pause(make_cortex: MakeCortex) -> None:
    """Who has left is not waited for: the pause ends at once and no further try is made."""
    call = Call()
    with Upstream(answers("503 X", Retry_After="5")) as upstream:
        client = make_cortex(snowflake_url=upstream.url)
        outcome: list[BaseException] = []

        def ask() -> None:
            try:
                client.ask(Ask(Surface.SEARCH, "/q", policy(RetryClass.UNSENT)), {}, call)
            except CallCancelledError as error:
                outcome.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        until(lambda: ("retry", "search", "unavailable") in observed(client).told, "the pause has begun")
        call.cancel()
        asking.join(DEADLINE_S)
    assert (len(outcome), len(upstream.seen)) == (1, 1)


def test_a_body_that_drips_past_the_deadline(make_cortex: MakeCortex) -> None:
    """The deadline holds for the whole answer, though the upstream is never silent."""

    def drip(exchange: Exchange) -> None:
        exchange.head(Content_Type="application/json", Transfer_Encoding="chunked")
        while not exchange.left.wait(0.02):
            exchange.chunk(b" ")

    with Upstream(drip) as upstream:
        asked = Ask(Surface.SEARCH, "/q", policy(RetryClass.NEVER, deadline_s=0.3))
        problem = failed(make_cortex(snowflake_url=upstream.url), asked)
        upstream.seen[0].left.set()
    assert problem.kind is ProblemType.REQUEST_DEADLINE


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        pytest.param({"idle_timeout_s": 0.2}, ProblemType.UPSTREAM_STALLED, id="idle timeout"),
        pytest.param({"deadline_s": 0.3}, ProblemType.REQUEST_DEADLINE, id="deadline"),
    ],
)
def test_a_body_that_stalls(make_cortex: MakeCortex, changed: dict[str, float], kind: ProblemType) -> None:
    """Silence within a body is told as what it broke, the shorter of both bounds."""

    def stall(exchange: Exchange) -> None:
        exchange.head(Content_Type="application/json", Transfer_Encoding="chunked")
        exchange.chunk(b'{"results":')
        exchange.wait_left()

    with Upstream(stall) as upstream:
        asked = Ask(Surface.SEARCH, "/q", policy(RetryClass.NEVER, **changed))
        assert failed(make_cortex(snowflake_url=upstream.url), asked).kind is kind


def test_the_end_of_a_large_answer_is_no_answer(make_cortex: MakeCortex) -> None:
    """What follows the bound is not taken for the document, whatever it looks like."""

    def large(exchange: Exchange) -> None:
        exchange.head(Content_Type="application/json", Transfer_Encoding="chunked")
        exchange.chunk(b" " * MAX_ANSWER_BYTES)
        exchange.chunk(b" " * READ_BYTES)
        exchange.chunk(b'{"results": []}')
        exchange.end()

    with Upstream(large) as upstream:
        problem = failed(make_cortex(snowflake_url=upstream.url), Ask(Surface.SEARCH, "/q", policy(RetryClass.NEVER)))
    assert problem.kind is ProblemType.UPSTREAM_PROTOCOL


def test_an_answer_past_its_bound(make_cortex: MakeCortex) -> None:
    """It is refused while it arrives."""
    with Upstream(lambda exchange: exchange.json("x" * 5000)) as upstream, pytest.raises(ProblemError) as problem:
        make_cortex(snowflake_url=upstream.url).ask(
            Ask(Surface.SEARCH, "/q", policy(RetryClass.NEVER)), {}, Call(), max_bytes=4096
        )
    assert problem.value.kind is ProblemType.UPSTREAM_PROTOCOL


def test_an_outage_opens_the_breaker_of_its_surface(make_cortex: MakeCortex) -> None:
    """After enough failures nothing is sent there; other surfaces are asked as before."""

    def script(exchange: Exchange) -> None:
        exchange.json({}, "503 X" if exchange.path == "/sql" else "200 OK")

    with Upstream(script) as upstream:
        client = make_cortex(snowflake_url=upstream.url)
        sql = Ask(Surface.SQL, "/sql", policy(RetryClass.NEVER))
        for _ in range(MIN_FAILURES):
            failed(client, sql)
        assert failed(client, sql).kind is ProblemType.UPSTREAM_SUSPENDED
        client.ask(Ask(Surface.SEARCH, "/search", policy(RetryClass.NEVER)), {}, Call())
    assert sum(each.path == "/sql" for each in upstream.seen) == MIN_FAILURES
    assert (client.breakers[Surface.SQL].state, client.breakers[Surface.SEARCH].state) == (State.OPEN, State.CLOSED)
    assert ("breaker", "sql", "open") in observed(client).told


@pytest.mark.parametrize("status", ["429 X", "400 X", "401 X", "403 X", "404 X"])
def test_answers_that_are_no_outage(make_cortex: MakeCortex, status: str) -> None:
    """Being throttled or refused leaves the breaker closed, however often."""
    with Upstream(answers(status)) as upstream:
        client = make_cortex(snowflake_url=upstream.url)
        for _ in range(MIN_FAILURES + 2):
            failed(client, Ask(Surface.AGENT, "/q", policy(RetryClass.NEVER)))
        assert client.breakers[Surface.AGENT].state is State.CLOSED


def test_departures_are_no_outage(make_cortex: MakeCortex) -> None:
    """Clients that leave before an answer leave the breaker closed, too."""
    with Upstream(Exchange.wait_left) as upstream:
        client = make_cortex(snowflake_url=upstream.url)
        for number in range(1, MIN_FAILURES + 3):
            call = Call()

            def leave(call: Call = call, number: int = number) -> None:
                until(lambda: len(upstream.seen) == number, "it was asked")
                call.cancel()

            leaving = threading.Thread(target=leave)
            leaving.start()
            with pytest.raises(CallCancelledError):
                client.ask(Ask(Surface.AGENT, "/q", policy(RetryClass.NEVER)), {}, call)
            leaving.join()
    assert client.breakers[Surface.AGENT].state is State.CLOSED
    assert {outcome for _, _, outcome in observed(client).told} == {"cancelled"}


def test_the_budget_runs_out(make_cortex: MakeCortex) -> None:
    """In a flood of throttled calls most are told so at the first try."""
    with Upstream(answers("429 X")) as upstream:
        client = make_cortex(snowflake_url=upstream.url)
        for _ in range(30):
            failed(client, Ask(Surface.SEARCH, "/q", policy(RetryClass.UNSENT)))
    assert len(upstream.seen) == 30 + 10
    assert observed(client).told.count(("denied", "search", "")) >= 20


def test_a_stream_that_broke_is_not_opened_again(make_cortex: MakeCortex) -> None:
    """Once its head has arrived, nothing of it is asked for twice."""

    def broken(exchange: Exchange) -> None:
        exchange.stream(STREAM[:40])
        exchange.cut()

    with Upstream(broken) as upstream:
        client = make_cortex(snowflake_url=upstream.url)
        stream = client.stream(Ask(Surface.AGENT, "/q", policy(RetryClass.IDEMPOTENT), {}), {}, Call())
        with pytest.raises(ProblemError):
            b"".join(iter(stream.read, b""))
        stream.close()
    assert len(upstream.seen) == 1
