"""The upstream client: what it sends, what each answer means, and that a call can be cancelled at any moment."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
import responses
from cryptography import x509

from contracts.api import ProblemType
from contracts.cortex import THREADS_PATH
from contracts.telemetry import RetryReason, Surface, UpstreamOutcome
from proxy.calls import Call, CallCancelledError
from proxy.cortex import MAX_ANSWER_BYTES, CortexClient
from proxy.cortex import Upstream as Stream
from proxy.problems import ProblemError
from proxy.tests.conftest import Keys, MakeCortex, Seen
from proxy.tests.upstream import DEADLINE_S, STREAM, Exchange, Upstream, until

BASE = "http://127.0.0.1:9"
RUN = {"messages": [{"role": "user", "content": [{"type": "text", "text": "canary Zürich"}]}]}
RUN_URL = f"{BASE}/api/v2/databases/CORTEX_BENCH_DB/schemas/SALES/agents/SALES_AGENT:run"


def drained(stream: Stream) -> bytes:
    """Everything until the end."""
    return b"".join(iter(stream.read, b""))


def refused(client: CortexClient, call: Call | None = None) -> ProblemError:
    """Why a run does not start."""
    with pytest.raises(ProblemError) as problem:
        client.start_run(RUN, {}, call or Call())
    assert "canary" not in problem.value.detail, "the upstream's words stay out"
    return problem.value


class Later:
    """A function on a thread of its own; its result or error when it ends."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self.result: Any = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self._function()
        except Exception as error:
            self.result = error

    def outcome(self) -> Any:
        """The result.   Raises: AssertionError when there is none in time."""
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive(), "the call is still blocked"
        return self.result


# --- what is sent ----------------------------------------------------------------------------------------------------


def test_what_a_run_sends(make_cortex: MakeCortex, keys: Keys) -> None:
    """The body as given and streamed; our credential, role and warehouse; the trace; no compression."""
    with Upstream(lambda exchange: exchange.stream(STREAM, end=True)) as upstream:
        client = make_cortex(snowflake_url=upstream.url, role="R", warehouse="W")
        stream = client.start_run(RUN, {"traceparent": "00-x"}, Call())
        assert drained(stream) == STREAM
        stream.close()
    (sent,) = upstream.seen
    assert (sent.method, sent.document) == ("POST", {**RUN, "stream": True})
    scheme, token = sent.headers["authorization"].split()
    assert scheme == "Bearer"
    assert jwt.decode(token, keys.pair.public_key(), algorithms=["RS256"])["sub"] == "MYORG-BENCH.CORTEX_PROXY_USER"
    expected = {
        "x-snowflake-authorization-token-type": "KEYPAIR_JWT",
        "x-snowflake-role": "R",
        "x-snowflake-warehouse": "W",
        "traceparent": "00-x",
        "accept": "text/event-stream",
        "accept-encoding": "identity",
        "content-type": "application/json",
    }
    assert {name: sent.headers.get(name) for name in expected} == expected


def test_an_inline_agents_configuration_is_added(make_cortex: MakeCortex, tmp_path: Path) -> None:
    """The file's content stands beside the turn's messages, and neither can switch streaming off."""
    path = tmp_path / "agent.json"
    path.write_text(json.dumps({"models": {"orchestration": "m"}, "stream": False}), encoding="utf-8")
    with Upstream(lambda exchange: exchange.stream(STREAM, end=True)) as upstream:
        drained(make_cortex(snowflake_url=upstream.url, agent_config_file=path).start_run(RUN, {}, Call()))
    assert upstream.seen[0].document == {"models": {"orchestration": "m"}, **RUN, "stream": True}


def test_the_environment_has_no_say(make_cortex: MakeCortex, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Proxy variables and .netrc neither redirect a call nor replace its credential."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login u password p\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with Upstream(lambda exchange: exchange.stream(STREAM, end=True)) as upstream:
        drained(make_cortex(snowflake_url=upstream.url).start_run(RUN, {}, Call()))
    assert upstream.seen[0].headers["authorization"].startswith("Bearer ")


def test_cookies_are_never_stored(make_cortex: MakeCortex) -> None:
    """A cookie of one answer does not travel with the next request."""
    with Upstream(lambda exchange: exchange.stream(STREAM, end=True, Set_Cookie="a=b; Path=/")) as upstream:
        client = make_cortex(snowflake_url=upstream.url)
        for _ in range(2):
            drained(client.start_run(RUN, {}, Call()))
    assert len(upstream.seen) == 2
    assert all("cookie" not in exchange.headers for exchange in upstream.seen)


# --- what answers mean -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind", "retry_after_s"),
    [
        (301, ProblemType.UPSTREAM_REJECTED, None),
        (400, ProblemType.UPSTREAM_REJECTED, None),
        (403, ProblemType.UPSTREAM_FORBIDDEN, None),
        (404, ProblemType.UPSTREAM_NOT_FOUND, None),
        (408, ProblemType.UPSTREAM_TIMEOUT, None),
        (418, ProblemType.UPSTREAM_REJECTED, None),
        (429, ProblemType.UPSTREAM_THROTTLED, 1),
        (500, ProblemType.UPSTREAM_UNAVAILABLE, None),
        (503, ProblemType.UPSTREAM_UNAVAILABLE, 1),
        (504, ProblemType.UPSTREAM_TIMEOUT, None),
    ],
)
@responses.activate
def test_unsuccessful_answers(
    make_cortex: MakeCortex, status: int, kind: ProblemType, retry_after_s: int | None
) -> None:
    """Each status is a problem of its own, with Snowflake's code and without its words."""
    responses.post(RUN_URL, json={"message": "canary", "code": "399504"}, status=status)
    problem = refused(make_cortex())
    assert (problem.kind, problem.upstream_code, problem.retry_after_s) == (kind, "399504", retry_after_s)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b'{"code":"399504"}', "399504", id="code"),
        pytest.param(b'{"error_code":"399504","message":null}', "399504", id="old name, no message"),
        pytest.param(b'{"code":399504}', "399504", id="as a number"),
        pytest.param(b'{"code":"canary canary"}', None, id="words"),
        pytest.param(b'{"code":"' + b"9" * 100 + b'"}', None, id="long"),
        pytest.param(b'{"code":["399504"]}', None, id="list"),
        pytest.param(b"[]", None, id="no object"),
        pytest.param(b"", None, id="empty"),
        pytest.param(b"\xff", None, id="no text"),
        pytest.param(b"[" * 100_000, None, id="deep"),
        pytest.param(b" " * (MAX_ANSWER_BYTES + 10), None, id="large"),
    ],
)
@responses.activate
def test_error_bodies(make_cortex: MakeCortex, body: bytes, code: str | None) -> None:
    """A code is passed on when there is one; any other body is no obstacle."""
    responses.post(RUN_URL, body=body, status=500, content_type="application/json")
    problem = refused(make_cortex())
    assert (problem.kind, problem.upstream_code) == (ProblemType.UPSTREAM_UNAVAILABLE, code)


@pytest.mark.parametrize(
    ("content_type", "told"),
    [
        ("text/html; charset=utf-8", "text/html, not a stream"),
        ("application/json", "application/json, not a stream"),
        ("text/event-stream-canary" + "x" * 200, "text/event-stream-"),
        ("", "no content type, not a stream"),
    ],
)
@responses.activate
def test_a_200_that_is_no_stream(make_cortex: MakeCortex, content_type: str, told: str) -> None:
    """HTML or JSON with status 200 is a protocol error that names what came, shortened."""
    responses.post(RUN_URL, body=b'{"message":"canary"}', content_type=content_type)
    with pytest.raises(ProblemError) as problem:
        make_cortex().start_run(RUN, {}, Call())
    assert problem.value.kind is ProblemType.UPSTREAM_PROTOCOL
    assert told in problem.value.detail
    assert len(problem.value.detail) < 200


def test_a_compressed_stream_is_refused(make_cortex: MakeCortex) -> None:
    """Compression that was not asked for would reach the client as garbage."""

    def compressed(exchange: Exchange) -> None:
        exchange.stream(gzip.compress(STREAM), end=True, Content_Encoding="gzip")

    with Upstream(compressed) as upstream:
        problem = refused(make_cortex(snowflake_url=upstream.url))
    assert (problem.kind, "compressed" in problem.detail) == (ProblemType.UPSTREAM_PROTOCOL, True)


@pytest.mark.parametrize(
    ("first", "requests_sent", "kind"),
    [
        pytest.param((401, "390144"), 2, ProblemType.UPSTREAM_UNAUTHORIZED, id="401"),
        pytest.param((200, "390112"), 2, ProblemType.UPSTREAM_UNAUTHORIZED, id="390112 in 200"),
        pytest.param((403, "390318"), 2, ProblemType.UPSTREAM_UNAUTHORIZED, id="390318 in 403"),
        pytest.param((403, "399569"), 1, ProblemType.UPSTREAM_FORBIDDEN, id="403 for another reason"),
    ],
)
def test_a_refused_credential_is_minted_anew_once(
    make_cortex: MakeCortex, first: tuple[int, str], requests_sent: int, kind: ProblemType
) -> None:
    """After one refusal a second attempt follows, after two there is none; other refusals are final at once."""
    status, code = first
    stubborn = Upstream(lambda exchange: exchange.json({"code": code, "message": "canary"}, f"{status} X"))
    with stubborn as upstream:
        problem = refused(make_cortex(snowflake_url=upstream.url))
    assert (len(upstream.seen), problem.kind, problem.upstream_code) == (requests_sent, kind, code)


def test_the_second_credential_may_be_accepted(make_cortex: MakeCortex, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a 401 the turn goes on with a new token, and later turns use that one."""

    def once_unauthorized(exchange: Exchange) -> None:
        if len(upstream.seen) == 1:
            exchange.json({"code": "390144"}, "401 Unauthorized")
        else:
            exchange.stream(STREAM, end=True)

    with Upstream(once_unauthorized) as upstream:
        client = make_cortex(snowflake_url=upstream.url)
        minted = iter(["first", "second", "third"])
        monkeypatch.setattr(client._credential, "_mint", lambda _now: next(minted))
        calls = [Call(), Call()]
        assert [drained(client.start_run(RUN, {}, call)) for call in calls] == [STREAM, STREAM]
    assert [call.retries for call in calls] == [1, 0]
    assert [exchange.headers["authorization"][7:] for exchange in upstream.seen] == ["first", "second", "second"]
    told, surface = seen_by(client), Surface.AGENT
    assert told.told == [
        ("attempt", surface, UpstreamOutcome.UNAUTHORIZED),
        ("retry", surface, RetryReason.UNAUTHORIZED),
        ("attempt", surface, UpstreamOutcome.OK),
        ("attempt", surface, UpstreamOutcome.OK),
    ]
    assert [number for _, number in told.begun] == [1, 2, 1]


@pytest.mark.parametrize(
    ("document", "thread_id"),
    [
        pytest.param({"thread_id": 77, "thread_name": "", "created_on": 1, "updated_on": 1}, 77, id="metadata"),
        pytest.param({"thread_id": 77, "more": {}}, 77, id="only the id, and news"),
        pytest.param({"thread_id": "77"}, 77, id="id as text"),
        pytest.param("1234567890", 1234567890, id="bare id"),
        pytest.param({"thread_id": None}, None, id="no id"),
        pytest.param({"thread_id": 0}, None, id="zero"),
        pytest.param("canary", None, id="words"),
        pytest.param([], None, id="list"),
    ],
)
def test_threads(make_cortex: MakeCortex, document: Any, thread_id: int | None) -> None:
    """Every documented form of a thread's id is read; an answer without one is a protocol error."""
    with Upstream(lambda exchange: exchange.json(document)) as upstream:
        client = make_cortex(snowflake_url=upstream.url)
        if thread_id is None:
            with pytest.raises(ProblemError) as problem:
                client.create_thread({}, Call())
            assert problem.value.kind is ProblemType.UPSTREAM_PROTOCOL
        else:
            assert client.create_thread({}, Call()) == thread_id
    (sent,) = upstream.seen
    assert (sent.path, sent.document) == (THREADS_PATH, {"origin_application": "cortex_harness"})
    assert len(sent.document["origin_application"].encode()) <= 16


def test_redirects_are_refused(make_cortex: MakeCortex) -> None:
    """A redirect is neither followed nor is its body waited for."""

    def redirect(exchange: Exchange) -> None:
        exchange.head("302 Found", Location="http://127.0.0.1:1/", Content_Length="1000000")
        exchange.wait_left()

    with Upstream(redirect) as upstream:
        problem = refused(make_cortex(snowflake_url=upstream.url))
    assert (problem.kind, len(upstream.seen)) == (ProblemType.UPSTREAM_REJECTED, 1)


@pytest.mark.parametrize(
    ("header", "kept"),
    [("5d0f2c3a-2f0f", "5d0f2c3a-2f0f"), ("a\r\n Set-Cookie: x=y", None), ("ü", None), ("", None), ("x" * 200, None)],
    ids=["uuid", "folded", "no ascii", "empty", "long"],
)
def test_the_upstreams_request_id(make_cortex: MakeCortex, header: str, kept: str | None) -> None:
    """It is kept when it can stand in a header of ours."""
    with Upstream(lambda exchange: exchange.stream(end=True, X_Snowflake_Request_Id=header)) as upstream:
        stream = make_cortex(snowflake_url=upstream.url).start_run(RUN, {}, Call())
        assert stream.request_id == kept
        stream.close()


# --- connections -----------------------------------------------------------------------------------------------------


def test_a_refused_connection(make_cortex: MakeCortex) -> None:
    """Nobody listening is told as unreachable."""
    with Upstream(Exchange.end) as upstream:
        url = upstream.url
    assert refused(make_cortex(snowflake_url=url)).kind is ProblemType.UPSTREAM_UNREACHABLE


def test_an_upstream_that_hangs_up(make_cortex: MakeCortex) -> None:
    """A connection closed before any head is told as unreachable."""
    with Upstream(Exchange.cut) as upstream:
        assert refused(make_cortex(snowflake_url=upstream.url)).kind is ProblemType.UPSTREAM_UNREACHABLE


def test_an_upstream_that_never_answers(make_cortex: MakeCortex) -> None:
    """No head within the idle timeout is a timeout, and the connection is closed."""
    with Upstream(Exchange.wait_left) as upstream:
        problem = refused(make_cortex(snowflake_url=upstream.url, policies={"chat": {"header_timeout_s": 0.2}}))
        assert upstream.seen[0].left.wait(DEADLINE_S)
    assert problem.kind is ProblemType.UPSTREAM_TIMEOUT


def chunked(exchange: Exchange) -> None:
    """One event, then silence."""
    exchange.stream(b"data: 1\n\n")
    exchange.wait_left()


def until_close(exchange: Exchange) -> None:
    """The same, delimited by the end of the connection."""
    exchange.head(Content_Type="text/event-stream", Connection="close")
    exchange.send(b"data: 1\n\n")
    exchange.wait_left()


def with_length(exchange: Exchange) -> None:
    """The same, with more bytes promised."""
    exchange.head(Content_Type="text/event-stream", Content_Length="1000")
    exchange.send(b"data: 1\n\n")
    exchange.wait_left()


FRAMINGS = pytest.mark.parametrize("script", [chunked, until_close, with_length], ids=lambda script: script.__name__)
SCHEMES = pytest.mark.parametrize("scheme", ["http", "https"])


def secured(keys: Keys, scheme: str) -> tuple[ssl.SSLContext | None, dict[str, Any]]:
    """A server's TLS context and the setting with which a client trusts it; neither for plain HTTP."""
    if scheme == "http":
        return None, {}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys.certificate)
    return context, {"ca_file": keys.certificate}


@FRAMINGS
@SCHEMES
def test_cancelling_in_mid_stream(make_cortex: MakeCortex, keys: Keys, scheme: str, script: Any) -> None:
    """A blocked read wakes as cancelled, and the upstream sees its client leave, in every framing."""
    context, trusting = secured(keys, scheme)
    with Upstream(script, context) as upstream:
        call = Call()
        stream = make_cortex(snowflake_url=upstream.url, **trusting).start_run(RUN, {}, call)
        assert stream.read() == b"data: 1\n\n"
        reading = Later(stream.read)
        call.cancel()
        assert isinstance(reading.outcome(), CallCancelledError)
        stream.close()
        assert upstream.seen[0].left.wait(DEADLINE_S)


@SCHEMES
def test_cancelling_before_the_head(make_cortex: MakeCortex, keys: Keys, scheme: str) -> None:
    """A call that waits for its response head wakes as cancelled, and the upstream sees its client leave."""
    context, trusting = secured(keys, scheme)
    with Upstream(Exchange.wait_left, context) as upstream:
        call = Call()
        client = make_cortex(snowflake_url=upstream.url, **trusting)
        starting = Later(lambda: client.start_run(RUN, {}, call))
        until(lambda: upstream.seen, "the request has arrived")
        call.cancel()
        assert isinstance(starting.outcome(), CallCancelledError)
        assert upstream.seen[0].left.wait(DEADLINE_S)


def test_cancelling_while_an_error_is_read(make_cortex: MakeCortex) -> None:
    """A refusal whose body stalls does not hold a call that nobody waits for."""

    def stalled(exchange: Exchange) -> None:
        exchange.head("503 X", Content_Type="application/json", Content_Length="100")
        exchange.send(b"{")
        exchange.wait_left()

    with Upstream(stalled) as upstream:
        call = Call()
        client = make_cortex(snowflake_url=upstream.url)
        starting = Later(lambda: client.start_run(RUN, {}, call))
        until(lambda: upstream.seen, "the request has arrived")
        call.cancel()
        assert isinstance(starting.outcome(), CallCancelledError)


def test_a_cancelled_call_sends_nothing(make_cortex: MakeCortex) -> None:
    """A run that was cancelled before it was sent never reaches Snowflake."""
    with Upstream(lambda exchange: exchange.stream(end=True)) as upstream:
        call = Call()
        call.cancel()
        call.cancel()
        with pytest.raises(CallCancelledError):
            make_cortex(snowflake_url=upstream.url).start_run(RUN, {}, call)
    assert (upstream.connections, upstream.seen) == (0, [])


def test_a_late_cancel_does_not_touch_the_connections_next_call(make_cortex: MakeCortex) -> None:
    """A connection read to its end serves the next call, which the first call's cancelling leaves alone."""
    go_on = threading.Event()

    def second_waits(exchange: Exchange) -> None:
        if len(upstream.seen) == 2:
            assert go_on.wait(DEADLINE_S)
        exchange.stream(STREAM, end=True)

    with Upstream(second_waits) as upstream:
        client = make_cortex(snowflake_url=upstream.url)
        first = Call()
        stream = client.start_run(RUN, {}, first)
        assert drained(stream) == STREAM
        second = Later(lambda: drained(client.start_run(RUN, {}, Call())))
        until(lambda: len(upstream.seen) == 2, "the second request has arrived")
        first.cancel()
        stream.close()
        go_on.set()
        assert second.outcome() == STREAM
    assert upstream.connections == 1


def test_a_dropped_pooled_connection_is_replaced(make_cortex: MakeCortex) -> None:
    """A connection that the upstream closed between two calls is noticed, and cancelling works on its successor."""

    closed = threading.Event()

    def first_closes(exchange: Exchange) -> None:
        if len(upstream.seen) == 1:
            exchange.stream(STREAM, end=True)
            exchange.cut()
            closed.set()
        else:
            chunked(exchange)

    with Upstream(first_closes) as upstream:
        client = make_cortex(snowflake_url=upstream.url)
        assert drained(client.start_run(RUN, {}, Call())) == STREAM
        assert closed.wait(DEADLINE_S)
        call = Call()
        stream = client.start_run(RUN, {}, call)
        assert stream.read() == b"data: 1\n\n"
        reading = Later(stream.read)
        call.cancel()
        assert isinstance(reading.outcome(), CallCancelledError)
        stream.close()
    assert upstream.connections == 2


def test_an_unknown_authority_is_not_trusted(make_cortex: MakeCortex, keys: Keys) -> None:
    """Without `ca_file` a certificate that nobody vouches for ends the call before a credential is sent."""
    context, _ = secured(keys, "https")
    with Upstream(chunked, context) as upstream:
        assert refused(make_cortex(snowflake_url=upstream.url)).kind is ProblemType.UPSTREAM_UNREACHABLE
    assert upstream.seen == []


@FRAMINGS
def test_silence_past_the_idle_timeout(make_cortex: MakeCortex, script: Any) -> None:
    """An upstream that falls silent in mid-answer is told as stalled."""
    with Upstream(script) as upstream:
        stream = make_cortex(snowflake_url=upstream.url, policies={"chat": {"idle_timeout_s": 0.3}}).start_run(
            RUN, {}, Call()
        )
        assert stream.read() == b"data: 1\n\n"
        with pytest.raises(ProblemError) as problem:
            stream.read()
        stream.close()
    assert problem.value.kind is ProblemType.UPSTREAM_STALLED


CUT = {
    "before a chunk": lambda exchange: exchange.stream(b"data: 1\n\n"),
    "in a chunk's size": lambda exchange: (exchange.stream(b"data: 1\n\n"), exchange.send(b"5")),
    "in a chunk": lambda exchange: (exchange.stream(b"data: 1\n\n"), exchange.send(b"5\r\nab")),
    "no chunk": lambda exchange: (exchange.stream(b"data: 1\n\n"), exchange.send(b"zz\r\n")),
    "below its length": lambda exchange: (
        exchange.head(Content_Type="text/event-stream", Content_Length="1000"),
        exchange.send(b"data: 1\n\n"),
    ),
}


@pytest.mark.parametrize("send", CUT.values(), ids=CUT.keys())
def test_a_cut_stream(make_cortex: MakeCortex, send: Callable[[Exchange], object]) -> None:
    """A connection that ends before the stream does is told as truncated, wherever it was cut."""

    def cut(exchange: Exchange) -> None:
        send(exchange)
        exchange.cut()

    with Upstream(cut) as upstream:
        stream = make_cortex(snowflake_url=upstream.url).start_run(RUN, {}, Call())
        with pytest.raises(ProblemError) as problem:
            drained(stream)
        stream.close()
    assert problem.value.kind is ProblemType.UPSTREAM_TRUNCATED


def test_the_stand_ins_documents(make_cortex: MakeCortex) -> None:
    """The mock's admin routes are read; whatever is no JSON is told as unreachable."""

    def answer(exchange: Exchange) -> None:
        if exchange.path == "/good":
            exchange.json([1])
        else:
            exchange.head("200 OK", Content_Length="2")
            exchange.send(b"{]")

    with Upstream(answer) as upstream:
        client = make_cortex(snowflake_url=upstream.url)
        assert client.rehearsal("/good") == [1]
        with pytest.raises(ProblemError) as problem:
            client.rehearsal("/bad")
    assert problem.value.kind is ProblemType.UPSTREAM_UNREACHABLE
    assert "authorization" not in upstream.seen[0].headers, "the stand-in's admin routes get no credential"


# --- waiting without reading -----------------------------------------------------------------------------------------


@FRAMINGS
def test_waiting_tells_data_from_silence(make_cortex: MakeCortex, script: Any) -> None:
    """What has arrived ends a wait at once, also when it is buffered; silence lasts as long as it is waited for."""
    with Upstream(script) as upstream:
        stream = make_cortex(snowflake_url=upstream.url).start_run(RUN, {}, Call())
        assert stream.wait(DEADLINE_S)
        assert stream.read() == b"data: 1\n\n"
        assert not stream.wait(0.02)
        Later(stream.call.cancel)
        assert stream.wait(DEADLINE_S)
        with pytest.raises(CallCancelledError):
            stream.read()
        stream.close()


@SCHEMES
def test_chunks_that_arrive_together_are_one_burst(make_cortex: MakeCortex, keys: Keys, scheme: str) -> None:
    """A burst of many chunks is read at once, and the wait after it does not take the rest of a chunk for data."""
    go_on = threading.Event()

    def burst(exchange: Exchange) -> None:
        exchange.head(Content_Type="text/event-stream", Transfer_Encoding="chunked")
        exchange.send(b"".join(b"b\r\ndata: %03d\n\n\r\n" % number for number in range(100)))
        assert go_on.wait(DEADLINE_S)
        for piece in (b"b\r", b"\ndata:", b" 100\n\n\r\n0\r\n\r\n"):
            exchange.send(piece)

    context, settings = secured(keys, scheme)
    with Upstream(burst, context) as upstream:
        stream = make_cortex(snowflake_url=upstream.url, **settings).start_run(RUN, {}, Call())
        whole = b""
        while len(whole) < 11 * 100:
            assert stream.wait(DEADLINE_S)
            whole += stream.read_burst(65_536)
        assert not stream.wait(0.05)
        go_on.set()
        while stream.wait(DEADLINE_S) and (more := stream.read_burst(65_536)):
            whole += more
        stream.close()
    assert whole == b"".join(b"data: %03d\n\n" % number for number in range(101))


def test_a_burst_that_breaks_is_read_before_it_is_told(make_cortex: MakeCortex) -> None:
    """What came before a failure is not lost with it."""

    def broken(exchange: Exchange) -> None:
        exchange.head(Content_Type="text/event-stream", Transfer_Encoding="chunked")
        exchange.send(b"9\r\ndata: 1\n\n\r\nno length\r\n")
        exchange.wait_left()

    with Upstream(broken) as upstream:
        stream = make_cortex(snowflake_url=upstream.url).start_run(RUN, {}, Call())
        assert stream.read_burst(65_536) == b"data: 1\n\n"
        assert stream.wait(DEADLINE_S)
        with pytest.raises(ProblemError) as problem:
            stream.read_burst(65_536)
        stream.call.cancel()
        stream.close()
    assert problem.value.kind is ProblemType.UPSTREAM_TRUNCATED


def test_the_end_of_a_body_with_a_length(make_cortex: MakeCortex) -> None:
    """Its last byte read, the end needs no waiting, though the connection stays open for the next call."""

    def whole(exchange: Exchange) -> None:
        exchange.head(Content_Type="text/event-stream", Content_Length=str(len(STREAM)))
        exchange.send(STREAM)

    with Upstream(whole) as upstream:
        stream = make_cortex(snowflake_url=upstream.url).start_run(RUN, {}, Call())
        read = b""
        while len(read) < len(STREAM):
            assert stream.wait(DEADLINE_S)
            read += stream.read_burst(65_536)
        assert (stream.wait(0), stream.read_burst(65_536)) == (True, b"")
        stream.close()


@SCHEMES
@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([b"9\r\ndata: 1\n\n", b"\r\n"], id="a line end of its own"),
        pytest.param([b"9\r\ndata: 1\n\n\r\n", b"9"], id="half a head"),
        pytest.param([b"9\r\ndata: 1\n\n\r\n", b"9\r\n"], id="a head without its chunk"),
        pytest.param([b"9\r\ndata: 1\n\n\r\n0\r\n"], id="an end without its last line"),
        pytest.param([b"9\r\ndata: 1\n\n\r", b"\n"], id="half a line end"),
    ],
)
def test_parts_of_a_chunk_are_no_data(make_cortex: MakeCortex, keys: Keys, scheme: str, pieces: list[bytes]) -> None:
    """While http.client would wait for the rest of a chunk, a wait goes on, so that heartbeats and deadlines hold."""
    context, trusting = secured(keys, scheme)

    def script(exchange: Exchange) -> None:
        exchange.head(Content_Type="text/event-stream", Transfer_Encoding="chunked")
        for piece in pieces:
            exchange.send(piece)
        exchange.wait_left()

    with Upstream(script, context) as upstream:
        stream = make_cortex(snowflake_url=upstream.url, **trusting).start_run(RUN, {}, Call())
        assert stream.wait(DEADLINE_S)
        assert stream.read_burst(65_536) == b"data: 1\n\n"
        assert [stream.wait(0.05) for _ in range(2)] == [False, False]
        stream.call.cancel()
        stream.close()


def seen_by(client: CortexClient) -> Seen:
    """What a client has told of."""
    observer = client._observer
    assert isinstance(observer, Seen)
    return observer


def test_a_verified_certificate_is_told(make_cortex: MakeCortex, keys: Keys) -> None:
    """When the certificate ends that Snowflake shows, to the second; once for each connection."""
    context, trusting = secured(keys, "https")
    ends = x509.load_pem_x509_certificate(keys.certificate.read_bytes()).not_valid_after_utc.timestamp()
    with Upstream(lambda exchange: exchange.stream(STREAM, end=True), context) as upstream:
        client = make_cortex(snowflake_url=upstream.url, **trusting)
        assert [drained(client.start_run(RUN, {}, Call())) for _ in range(2)] == [STREAM, STREAM]
    assert upstream.connections == 1
    assert seen_by(client).certificates == [int(ends)]


def test_without_tls_there_is_no_certificate(make_cortex: MakeCortex) -> None:
    """Plain HTTP shows nothing, and nothing is told."""
    with Upstream(lambda exchange: exchange.stream(STREAM, end=True)) as upstream:
        client = make_cortex(snowflake_url=upstream.url)
        drained(client.start_run(RUN, {}, Call()))
    assert seen_by(client).certificates == []


def test_a_call_knows_when_it_first_asked(make_cortex: MakeCortex) -> None:
    """A later request of the same call is not the first; a call that asks nothing never did."""
    with Upstream(lambda exchange: exchange.stream(STREAM, end=True)) as upstream:
        client, call = make_cortex(snowflake_url=upstream.url), Call()
        asked_s, began_s = [call.asked_s], time.monotonic()
        for _ in range(2):
            drained(client.start_run(RUN, {}, call))
            asked_s.append(call.asked_s)
    before, first_s, second_s = asked_s
    assert before is None
    assert first_s is not None
    assert began_s <= first_s <= time.monotonic()
    assert second_s == first_s
