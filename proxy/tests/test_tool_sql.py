"""The SQL tool: what it submits, how it waits, what it makes of results and failures, and that it cancels."""

from __future__ import annotations

import itertools
import json
import threading
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses

from contracts.api import ProblemType, SqlAnswer, SqlRequest
from contracts.cortex import STATEMENTS_PATH
from proxy.calls import CallCancelledError
from proxy.problems import ProblemError
from proxy.tests import answers
from proxy.tests.answers import HANDLE
from proxy.tests.conftest import MakeCortex
from proxy.tests.errands import SUBJECT, errand_for
from proxy.tests.upstream import DEADLINE_S, Exchange, Upstream
from proxy.tools import sql
from proxy.tools.errand import Errand
from proxy.tools.sql import Rows, statement_body

URL = f"http://127.0.0.1:9{STATEMENTS_PATH}"
SELECT = "SELECT REGION, NET_SALES FROM DAILY -- as it is\n;"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polls follow each other at once."""
    monkeypatch.setattr(sql, "FIRST_WAIT_S", 0.001)


def asked(**fields: Any) -> SqlRequest:
    """A request for the usual statement."""
    return SqlRequest.model_validate({"statement": SELECT} | fields)


def run(cortex: Any, errand: Errand | None = None, **fields: Any) -> SqlAnswer:
    """The tool's answer."""
    return sql.run(asked(**fields), errand or errand_for(cortex, "tool_sql"))


def refused(cortex: Any, errand: Errand | None = None, **fields: Any) -> ProblemError:
    """Why there is none."""
    with pytest.raises(ProblemError) as problem:
        run(cortex, errand, **fields)
    assert "canary" not in problem.value.detail, "Snowflake's words stay out"
    return problem.value


class Snowflake:
    """A script that plays the SQL API: a submission, so many polls, then the result or whatever comes instead."""

    def __init__(
        self, *partitions: list[list[str | None]], polls: int = 1, at_end: Callable[[Exchange], None] | None = None
    ) -> None:
        self._partitions, self._polls, self._at_end = partitions, polls, at_end
        self.cancelled = threading.Event()

    def __call__(self, exchange: Exchange) -> None:
        path = urlsplit(exchange.path)
        query = {name: values[0] for name, values in parse_qs(path.query).items()}
        if path.path.endswith("/cancel"):
            self.cancelled.set()
            exchange.json(answers.CANCELLED)
        elif exchange.method == "POST":
            exchange.json(answers.RUNNING, "202 Accepted")
        elif "partition" in query:
            body = answers.partition(self._partitions[int(query["partition"])])
            exchange.head(Content_Type="application/json", Content_Encoding="gzip", Content_Length=str(len(body)))
            exchange.send(body)
        elif self._polls > 0:
            self._polls -= 1
            exchange.json(answers.RUNNING, "202 Accepted")
        elif self._at_end is not None:
            self._at_end(exchange)
        else:
            exchange.json(answers.result(*self._partitions), X_Snowflake_Request_Id="up-1")


# --- what is submitted -----------------------------------------------------------------------------------------------


def test_what_is_submitted(make_cortex: MakeCortex) -> None:
    """The original text, the proxy's own context in Snowflake's spelling, and a tag; asynchronously."""
    with Upstream(Snowflake()) as upstream:
        run(make_cortex(snowflake_url=upstream.url, role="reader", warehouse="bench_wh"))
    submitted, poll, *_ = upstream.seen
    path = urlsplit(submitted.path)
    query = {name: value for name, (value,) in parse_qs(path.query).items()}
    assert (path.path, query | {"requestId": ""}) == (
        STATEMENTS_PATH,
        {"requestId": "", "async": "true", "nullable": "true"},
    )
    assert uuid.UUID(query["requestId"]).version == 4
    assert submitted.document == {
        "statement": SELECT,
        "timeout": submitted.document["timeout"],
        "database": "CORTEX_BENCH_DB",
        "schema": "SALES",
        "warehouse": "BENCH_WH",
        "role": "READER",
        "parameters": {
            "multi_statement_count": "1",
            "query_tag": "cortex-harness",
            "client_result_chunk_size": 16,
            "date_output_format": "YYYY-MM-DD",
            "time_output_format": "HH24:MI:SS.FF9",
            "timestamp_ntz_output_format": 'YYYY-MM-DD"T"HH24:MI:SS.FF9',
            "timestamp_ltz_output_format": 'YYYY-MM-DD"T"HH24:MI:SS.FF9TZH:TZM',
            "timestamp_tz_output_format": 'YYYY-MM-DD"T"HH24:MI:SS.FF9TZH:TZM',
            "binary_output_format": "HEX",
        },
    }
    assert 100 <= submitted.document["timeout"] <= 120, "what is left of the deadline"
    assert (poll.method, poll.path) == ("GET", f"{STATEMENTS_PATH}/{HANDLE}")


@pytest.mark.parametrize(
    ("value", "binding"),
    [
        pytest.param("O'Brien", {"type": "TEXT", "value": "O'Brien"}, id="text"),
        pytest.param(42, {"type": "FIXED", "value": "42"}, id="integer"),
        pytest.param(10**30, {"type": "FIXED", "value": "1" + "0" * 30}, id="large integer"),
        pytest.param(1.5, {"type": "REAL", "value": "1.5"}, id="real"),
        pytest.param(1e-7, {"type": "REAL", "value": "1e-07"}, id="small real"),
        pytest.param(True, {"type": "BOOLEAN", "value": "true"}, id="true"),
        pytest.param(False, {"type": "BOOLEAN", "value": "false"}, id="false"),
        pytest.param(None, {"type": "TEXT", "value": None}, id="null"),
    ],
)
def test_bindings(make_cortex: MakeCortex, value: Any, binding: dict[str, Any]) -> None:
    """Each value travels as text with its type, under its position."""
    body = statement_body(asked(bindings=["x", value]), make_cortex()._settings, 9.9)
    assert body["bindings"] == {"1": {"type": "TEXT", "value": "x"}, "2": binding}
    assert body["timeout"] == 9


def test_a_binding_that_is_no_number(make_cortex: MakeCortex) -> None:
    """What overflows is refused before anything is sent."""
    problem = refused(make_cortex(), bindings=[1, float("inf")])
    assert problem.kind is ProblemType.INVALID_REQUEST
    assert [fault.pointer for fault in problem.errors or []] == ["/bindings/1"]


def test_the_guard_comes_first(make_cortex: MakeCortex) -> None:
    """A statement that is no query is refused, and nothing is sent."""
    problem = refused(make_cortex(), statement="DROP TABLE DAILY")
    assert problem.kind is ProblemType.SQL_REFUSED
    assert "SELECT" in problem.detail


def test_a_submission_is_repeated_as_the_same(make_cortex: MakeCortex) -> None:
    """The second try says that it is one, so that Snowflake runs the statement once."""
    tries = itertools.count()

    def script(exchange: Exchange) -> None:
        if exchange.method == "POST" and next(tries) == 0:
            exchange.json({"code": "1"}, "502 Bad Gateway")
        else:
            exchange.json(answers.result())

    with Upstream(script) as upstream:
        run(make_cortex(snowflake_url=upstream.url))
    first, second = (parse_qs(urlsplit(exchange.path).query) for exchange in upstream.seen)
    assert second == first | {"retry": ["true"]}


# --- results ---------------------------------------------------------------------------------------------------------


def test_the_result(make_cortex: MakeCortex) -> None:
    """Cells are text as they came, NULL is null; the handle is sealed for its owner."""
    with Upstream(Snowflake(polls=3)) as upstream:
        found = run(make_cortex(snowflake_url=upstream.url))
    assert found.rows == [["EMEA", "1250.50"], ["APAC", None]]
    assert [column.model_dump(by_alias=False) for column in found.columns] == [
        {"name": "REGION", "type": "text", "nullable": True, "precision": None, "scale": None},
        {"name": "NET_SALES", "type": "fixed", "nullable": False, "precision": 18, "scale": 2},
    ]
    assert (found.row_count, found.truncated, found.request_id) == (2, False, "up-1")
    assert found.statement_handle == f"{SUBJECT}/{HANDLE}"
    assert len(upstream.seen) == 1 + 3 + 1


@responses.activate
def test_a_result_at_once(make_cortex: MakeCortex) -> None:
    """An upstream that answers the submission with the result is not polled."""
    responses.post(URL, json=answers.result(columns=[c | {"type": c["type"].upper()} for c in answers.COLUMNS]))
    found = run(make_cortex())
    assert found.rows == [["EMEA", "1250.50"], ["APAC", None]]
    assert [column.type for column in found.columns] == ["text", "fixed"]


def test_partitions(make_cortex: MakeCortex) -> None:
    """Later partitions are compressed, and are fetched in order."""
    rows: list[list[str | None]] = [[str(number), None] for number in range(6)]
    with Upstream(Snowflake(rows[:2], rows[2:4], rows[4:])) as upstream:
        found = run(make_cortex(snowflake_url=upstream.url))
    assert (found.rows, found.row_count, found.truncated) == (rows, 6, False)
    assert [exchange.path for exchange in upstream.seen[-2:]] == [
        f"{STATEMENTS_PATH}/{HANDLE}?partition=1",
        f"{STATEMENTS_PATH}/{HANDLE}?partition=2",
    ]


@pytest.mark.parametrize(("max_rows", "fetched"), [(1, 0), (2, 0), (3, 1), (5, 2)])
def test_no_more_partitions_than_rows_are_wanted(make_cortex: MakeCortex, max_rows: int, fetched: int) -> None:
    """Rows end at maxRows, and so does the fetching; the count tells of all."""
    rows: list[list[str | None]] = [[str(number), None] for number in range(6)]
    with Upstream(Snowflake(rows[:2], rows[2:4], rows[4:], polls=0)) as upstream:
        found = run(make_cortex(snowflake_url=upstream.url), maxRows=max_rows)
    assert (found.rows, found.row_count, found.truncated) == (rows[:max_rows], 6, True)
    assert len(upstream.seen) == 2 + fetched


def test_results_are_bounded_in_bytes(make_cortex: MakeCortex) -> None:
    """Rows that do not fit are left out, and said to be."""
    rows: list[list[str | None]] = [["é" * 100, None]] * 20
    with Upstream(Snowflake(rows[:10], rows[10:], polls=0)) as upstream:
        found = run(make_cortex(snowflake_url=upstream.url, max_result_bytes=1024))
    assert (len(found.rows), found.row_count, found.truncated) == (4, 20, True)
    assert len(upstream.seen) == 2


def test_a_row_too_many_ends_the_taking() -> None:
    """After a row that did not fit, a smaller one is no longer taken: rows stay in order."""
    rows = Rows(max_rows=10, max_bytes=40)
    rows.add([["a"], ["b" * 50], ["c"]])
    rows.add([["d"]])
    assert (rows.taken, rows.is_full) == ([["a"]], True)


@responses.activate
@pytest.mark.parametrize(
    ("document", "place"),
    [
        pytest.param([], "root", id="list"),
        pytest.param({}, "statementHandle", id="empty"),
        pytest.param(answers.result() | {"statementHandle": "../../x"}, "statementHandle", id="odd handle"),
        pytest.param(
            answers.result() | {"statementHandle": f"{HANDLE}\n"}, "statementHandle", id="handle with a line end"
        ),
        pytest.param({"statementHandle": HANDLE}, "data", id="no result"),
        pytest.param(answers.result() | {"resultSetMetaData": None}, "resultSetMetaData", id="no metadata"),
        pytest.param(answers.result([[1, 2]]), "data", id="numbers"),  # type: ignore[list-item]
        pytest.param(answers.result([["canary"]]), "2 columns", id="narrow"),
        pytest.param(answers.result([["canary", "\ud800"]]), "no text", id="lone surrogate"),
        pytest.param(answers.result([], columns=[{"name": "\ud800", "type": "text"}]), "no text", id="odd column"),
    ],
)
def test_results_in_another_form(make_cortex: MakeCortex, document: Any, place: str) -> None:
    """What is not documented is not passed on; the place is named, the content is not."""
    responses.post(URL, json=document)
    problem = refused(make_cortex())
    assert problem.kind is ProblemType.UPSTREAM_PROTOCOL
    assert place in problem.detail


# --- failures --------------------------------------------------------------------------------------------------------


@responses.activate
@pytest.mark.parametrize(
    ("reply", "told"),
    [
        pytest.param((422, answers.failed("000904")), ("000904", "column that does not exist"), id="identifier"),
        pytest.param((422, answers.failed("001003")), ("001003", "syntax"), id="syntax"),
        pytest.param((422, answers.failed("002003")), ("002003", "object"), id="object"),
        pytest.param((422, answers.failed("000606")), ("000606", "CORTEX_PROXY_WAREHOUSE"), id="warehouse"),
        pytest.param((422, answers.failed("000604")), ("000604", "cancelled"), id="cancelled elsewhere"),
        pytest.param((408, answers.failed("000630")), ("000630", "longer"), id="timeout"),
        pytest.param((408, answers.failed("999999")), ("999999", "longer"), id="timeout, unknown code"),
        pytest.param((422, answers.failed("100038")), ("100038", "documentation"), id="unknown code"),
        pytest.param((422, answers.failed("canary")), (None, "documentation"), id="no code"),
        pytest.param((422, ["canary"]), (None, "documentation"), id="another form"),
    ],
)
@pytest.mark.parametrize("when", ["at once", "later"])
def test_failed_statements(
    make_cortex: MakeCortex, reply: tuple[int, Any], told: tuple[str | None, str], when: str
) -> None:
    """Snowflake's code travels, its message does not; nothing is left to be cancelled."""
    (status, document), (code, words) = reply, told
    if when == "later":
        responses.post(URL, json=answers.RUNNING, status=202)
        responses.get(f"{URL}/{HANDLE}", json=document, status=status)
    else:
        responses.post(URL, json=document, status=status)
    problem = refused(make_cortex())
    assert (problem.kind, problem.upstream_code) == (ProblemType.SQL_FAILED, code)
    assert words in problem.detail
    assert len(responses.calls) == 1 + (when == "later")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(lambda exchange: exchange.json({}, "500 Oops"), ProblemType.UPSTREAM_UNAVAILABLE, id="500"),
        pytest.param(lambda exchange: exchange.json({}, "429 Slow"), ProblemType.UPSTREAM_THROTTLED, id="429"),
        pytest.param(lambda exchange: exchange.json({}, "404 Gone"), ProblemType.UPSTREAM_NOT_FOUND, id="404"),
        pytest.param(lambda exchange: exchange.cut(), ProblemType.UPSTREAM_UNREACHABLE, id="broken connection"),
    ],
)
def test_a_failed_poll_cancels(make_cortex: MakeCortex, answer: Callable[[Exchange], None], kind: ProblemType) -> None:
    """A statement that nobody can be told of any more does not run on."""
    snowflake = Snowflake(at_end=answer)
    with Upstream(snowflake) as upstream:
        assert refused(make_cortex(snowflake_url=upstream.url)).kind is kind
    assert snowflake.cancelled.is_set()
    assert (upstream.seen[-1].method, urlsplit(upstream.seen[-1].path).path) == (
        "POST",
        f"{STATEMENTS_PATH}/{HANDLE}/cancel",
    )


def test_the_deadline_cancels(make_cortex: MakeCortex) -> None:
    """When the time is over the client is told, and the statement is cancelled."""
    snowflake = Snowflake(polls=10**6)
    with Upstream(snowflake) as upstream:
        errand = errand_for(make_cortex(snowflake_url=upstream.url), "tool_sql", deadline_s=0.3)
        assert refused(None, errand).kind is ProblemType.REQUEST_DEADLINE
    assert snowflake.cancelled.is_set()


def test_a_cancellation_that_fails_is_only_logged(make_cortex: MakeCortex) -> None:
    """The reason that the client is told stays the first one."""

    def script(exchange: Exchange) -> None:
        if exchange.method == "POST" and not exchange.path.split("?")[0].endswith("/cancel"):
            exchange.json(answers.RUNNING, "202 Accepted")
        else:
            exchange.json({}, "403 Forbidden")

    with Upstream(script) as upstream:
        assert refused(make_cortex(snowflake_url=upstream.url)).kind is ProblemType.UPSTREAM_FORBIDDEN
    assert upstream.seen[-1].path.split("?")[0].endswith("/cancel")


# --- clients that leave ----------------------------------------------------------------------------------------------


def gone(errand: Errand) -> None:
    """The tool notices that nobody waits."""
    with pytest.raises(CallCancelledError):
        sql.run(asked(), errand)


def test_leaving_before_the_submission(make_cortex: MakeCortex) -> None:
    """Nothing is sent for a client that has left already."""
    with Upstream(Snowflake()) as upstream:
        errand = errand_for(make_cortex(snowflake_url=upstream.url), "tool_sql")
        errand.call.cancel()
        gone(errand)
    assert upstream.seen == []


def test_leaving_during_the_submission(make_cortex: MakeCortex) -> None:
    """The submission is seen through, because only its answer names what is to be cancelled."""
    snowflake = Snowflake()

    def script(exchange: Exchange) -> None:
        if not exchange.path.split("?")[0].endswith("/cancel"):
            errand.call.cancel()
        snowflake(exchange)

    with Upstream(script) as upstream:
        errand = errand_for(make_cortex(snowflake_url=upstream.url), "tool_sql")
        gone(errand)
    assert snowflake.cancelled.is_set()
    assert len(upstream.seen) == 2


def test_leaving_during_a_poll(make_cortex: MakeCortex) -> None:
    """A poll that hangs is given up at once, and the statement cancelled."""

    def hang(exchange: Exchange) -> None:
        errand.call.cancel()
        exchange.wait_left()

    snowflake = Snowflake(polls=0, at_end=hang)
    with Upstream(snowflake) as upstream:
        errand = errand_for(make_cortex(snowflake_url=upstream.url), "tool_sql")
        gone(errand)
    assert snowflake.cancelled.is_set()


def test_leaving_between_polls(make_cortex: MakeCortex, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait ends when the client leaves."""
    monkeypatch.setattr(sql, "FIRST_WAIT_S", 2 * DEADLINE_S)
    snowflake = Snowflake()
    with Upstream(snowflake) as upstream:
        errand = errand_for(make_cortex(snowflake_url=upstream.url), "tool_sql")
        leaves = threading.Timer(0.05, errand.call.cancel)
        leaves.start()
        gone(errand)
        leaves.join()
    assert snowflake.cancelled.is_set()
    assert len(upstream.seen) == 2


def test_waits_grow_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short statements are answered soon, long ones polled seldom."""
    monkeypatch.undo()
    waits = list(itertools.islice(sql._waits_s(), 12))
    assert (waits[0], waits[-1]) == (0.1, 2.0)
    assert waits == sorted(waits)


# --- results that were made before -----------------------------------------------------------------------------------


@responses.activate
def test_a_result_is_fetched_again(make_cortex: MakeCortex) -> None:
    """Its owner gets its rows by the sealed handle."""
    responses.get(f"{URL}/{HANDLE}", json=answers.result())
    result = sql.fetch(f"{SUBJECT}/{HANDLE}", errand_for(make_cortex(), "tool_chart"), Rows(1, 1000))
    assert (result.rows, result.row_count) == ([["EMEA", "1250.50"]], 2)


@responses.activate
@pytest.mark.parametrize(
    ("sealed", "status"),
    [
        pytest.param(f"{SUBJECT}/{HANDLE}", 404, id="unknown"),
        pytest.param(f"{SUBJECT}/{HANDLE}", 422, id="expired"),
        pytest.param(f"{SUBJECT}/{HANDLE}", 202, id="not ready"),
        pytest.param(f"{SUBJECT}/../x", None, id="no handle"),
        pytest.param(f"somebody/{HANDLE}", None, id="somebody else's"),
    ],
)
def test_results_that_are_not_there(make_cortex: MakeCortex, sealed: str, status: int | None) -> None:
    """All of these read the same; what is no handle never becomes part of an address."""
    if status is not None:
        responses.get(f"{URL}/{HANDLE}", body=json.dumps(answers.failed("000709")), status=status)
    with pytest.raises(ProblemError) as problem:
        sql.fetch(sealed, errand_for(make_cortex(), "tool_chart"), Rows(1, 1000))
    assert problem.value.kind is ProblemType.RESULT_NOT_FOUND
