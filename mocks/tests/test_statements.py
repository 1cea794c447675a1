"""The SQL API over real sockets: submitted, polled, fetched, cancelled, refused."""

from __future__ import annotations

import gzip
import json
import re
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from mocks.assumptions import Assumptions
from mocks.tests.running import KeyPair, RunningMock, running, until

PATH = "/api/v2/statements"
HEADERS = {"User-Agent": "tests/1.0", "Content-Type": "application/json", "Accept": "application/json"}


@dataclass(frozen=True)
class Reply:
    """An answer of the SQL API, its body read."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def data(self) -> Any:
        """The rows."""
        return self.body["data"]

    @property
    def links(self) -> dict[str, str]:
        """Where each relation of the `Link` header leads."""
        return {rel: url for url, rel in re.findall(r'<([^>]+)>; rel="(\w+)"', self.headers["link"])}

    @property
    def handle(self) -> str:
        """What to ask for later."""
        handle: str = self.body["statementHandle"]
        return handle


class Client:
    """Asks one mock, as one test."""

    def __init__(self, mock: RunningMock, test_id: str) -> None:
        self._mock, self._test_id = mock, test_id

    def call(self, method: str, path: str, body: object = None, **headers: str | None) -> Reply:
        """One exchange; a header that is None is left out."""
        given = {**HEADERS, "X-Test-Id": self._test_id, **{k.replace("_", "-"): v for k, v in headers.items()}}
        sent = {name: value for name, value in given.items() if value is not None}
        answer = self._mock.call(method, path, None if body is None else json.dumps(body).encode(), sent)
        text = gzip.decompress(answer.body) if answer.headers.get("content-encoding") == "gzip" else answer.body
        return Reply(answer.status, answer.headers, json.loads(text) if text else None)

    def submit(self, statement: str, query: str = "", **fields: object) -> Reply:
        """A statement and how it stands."""
        return self.call("POST", f"{PATH}{query}", {"statement": statement, **fields})

    def get(self, handle: str, query: str = "") -> Reply:
        """How a statement stands."""
        return self.call("GET", f"{PATH}/{handle}{query}")

    def cancel(self, handle: str) -> Reply:
        """End a statement."""
        return self.call("POST", f"{PATH}/{handle}/cancel")


@pytest.fixture(scope="module")
def sql(keys: KeyPair) -> Iterator[RunningMock]:
    """A mock with small partitions, which answers 202 after a moment."""
    with running(keys, assume=Assumptions(sql_partition_bytes=300, sql_wait_s=5)) as started:
        yield started


@pytest.fixture
def client(sql: RunningMock) -> Client:
    """A client of a test of its own."""
    return Client(sql, str(uuid.uuid4()))


def test_a_result(client: Client) -> None:
    """Rows as text, described, with a handle and where to ask again."""
    asked = "select region, sum(net_amount) n, null x from orders group by 1 order by 1"
    reply = client.submit(asked, f"?requestId={(request_id := uuid.uuid4())}")
    body = reply.body
    assert (reply.status, body["code"], body["sqlState"]) == (200, "090001", "00000")
    assert reply.data[:2] == [["AMER", "2303.00", None], ["APAC", "2588.05", None]]
    assert body["message"] == "Statement executed successfully."
    assert body["requestId"] == str(request_id)
    assert body["statementStatusUrl"] == f"{PATH}/{reply.handle}?requestId={request_id}"
    meta = body["resultSetMetaData"]
    assert (meta["numRows"], meta["format"]) == (4, "jsonv2")
    assert meta["partitionInfo"] == [
        {"rowCount": 4, "uncompressedSize": len(json.dumps(reply.data, separators=(",", ":")))}
    ]
    assert meta["rowType"][:2] == [
        {
            "name": "REGION",
            "database": "CORTEX_BENCH_DB",
            "schema": "SALES",
            "table": "ORDERS",
            "scale": None,
            "precision": None,
            "length": 16,
            "type": "text",
            "nullable": True,
            "byteLength": 64,
            "collation": None,
        },
        {
            "name": "N",
            "database": "",
            "schema": "",
            "table": "",
            "scale": 2,
            "precision": 38,
            "length": None,
            "type": "fixed",
            "nullable": True,
            "byteLength": None,
            "collation": None,
        },
    ]
    assert client.get(reply.handle).data == reply.data


def test_partitions(client: Client) -> None:
    """The first comes with the result; others are compressed rows and nothing else; links lead through them."""
    first = client.submit("select order_id, region from orders order by 1 limit 40")
    info = first.body["resultSetMetaData"]["partitionInfo"]
    assert len(info) == 3
    assert ["compressedSize" in each for each in info] == [False, True, True]
    rows, rels, links = list(first.data), [list(first.links)], first.links
    while "next" in links:
        reply = client.call("GET", links["next"])
        assert (list(reply.body), reply.headers["content-encoding"]) == (["data"], "gzip")
        rows += reply.data
        links = reply.links
        rels.append(list(links))
    assert rels == [["first", "next", "last"], ["first", "prev", "next", "last"], ["first", "prev", "last"]]
    assert [row[0] for row in rows] == [str(number) for number in range(230001, 230041)]
    assert [each["rowCount"] for each in info] == [
        len(client.get(first.handle, f"?partition={index}").data) for index in range(3)
    ]
    assert client.get(first.handle, "?partition=3").status == 400
    assert client.get(first.handle, "?partition=x").status == 400


def test_a_result_can_be_cut(client: Client) -> None:
    """By the parameter for rows, whatever the case of its name; a chunk size in MB makes partitions large."""
    parameters = {"rows_per_resultset": 7, "Client_Result_Chunk_Size": 48}
    body = client.submit("select * from orders", parameters=parameters).body
    assert (body["resultSetMetaData"]["numRows"], len(body["resultSetMetaData"]["partitionInfo"])) == (7, 1)


def test_an_asynchronous_statement_is_cancelled(client: Client) -> None:
    """202 while it runs; once cancelled it stays so, and cannot be cancelled again."""
    started = client.submit("select SYSTEM$WAIT(60)", "?async=true")
    assert (started.status, started.body["code"]) == (202, "333334")
    assert set(started.body) == {"code", "message", "statementHandle", "statementStatusUrl"}
    assert client.get(started.handle).status == 202
    ended = client.cancel(started.handle)
    assert (ended.status, ended.body["code"], ended.body["sqlState"]) == (200, "000604", "57014")
    assert ended.body["message"] == "SQL execution canceled"
    assert (client.get(started.handle).status, client.get(started.handle).body["code"]) == (422, "000604")
    again = client.cancel(started.handle)
    assert (again.status, again.body["code"]) == (422, "000605")


def test_an_asynchronous_statement_is_polled(client: Client) -> None:
    """202 until there is a result."""
    started = client.submit("select SYSTEM$WAIT(50, 'MILLISECONDS')", "?async=true")
    reply = until(lambda: found if (found := client.get(started.handle)).status == 200 else None)
    assert reply.data == [["waited 50 milliseconds"]]


def test_what_takes_too_long_goes_on(keys: KeyPair) -> None:
    """202 after the time that the API waits, with the code of a statement that was not asynchronous."""
    with running(keys, assume=Assumptions(sql_wait_s=0)) as impatient:
        client = Client(impatient, "slow")
        started = client.submit("select SYSTEM$WAIT(60)")
        assert (started.status, started.body["code"]) == (202, "333333")
        assert client.cancel(started.handle).status == 200


def test_a_timeout(client: Client) -> None:
    """408, also when asked again."""
    reply = client.submit("select SYSTEM$WAIT(60)", timeout=1)
    assert (reply.status, reply.body["code"]) == (408, "000630")
    assert client.get(reply.handle).status == 408


@pytest.mark.parametrize("call", ["get", "cancel"])
def test_an_unknown_handle(client: Client, call: str) -> None:
    """422, also for the handle of another test."""
    other = client.submit("select 1").handle
    assert client.get(other).status == 200
    client._test_id = "another"
    for handle in ("nonsense", other):
        reply = getattr(client, call)(handle)
        assert (reply.status, reply.body["code"], reply.body["sqlState"]) == (422, "000709", "02000")


@pytest.mark.parametrize(
    ("statement", "fields", "status", "code"),
    [
        ("select nope from orders", {}, 422, "000904"),
        ("selec 1", {}, 422, "001003"),
        ("", {}, 422, "000900"),
        ("use schema public", {}, 422, "391911"),
        ("select 1; select 2", {}, 422, "000008"),
        ("select 1; select 2", {"parameters": {"multi_statement_count": "3"}}, 422, "000008"),
        ("select 1", {"role": "NOPE"}, 403, "390189"),
        ("select 1", {"role": "developer_cortex"}, 403, "390189"),
        ("select 1", {"warehouse": "cortex_bench_wh"}, 403, "390201"),
        ("select * from orders", {"database": "cortex_bench_db"}, 422, "090105"),
        ("select * from orders", {"database": "CORTEX_BENCH_DB"}, 422, "002003"),
        ("select ?", {}, 422, "002049"),
        ("select ?", {"bindings": {"1": {"type": "FIXED", "value": "x"}}}, 422, "100038"),
        ("select 1", {"timeout": -1}, 400, "390142"),
        ("select 1", {"bindings": [1]}, 400, "390142"),
        (7, {}, 400, "390142"),
    ],
)
def test_refusals(client: Client, statement: object, fields: dict[str, Any], status: int, code: str) -> None:
    """Each with its status and code; names are case-sensitive."""
    reply = client.call("POST", PATH, {"statement": statement, **fields})
    assert (reply.status, reply.body["code"]) == (status, code)
    assert reply.body["message"]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"User_Agent": None}, 400, "391903"),
        ({"Accept": "text/html"}, 415, "391902"),
        ({"Content_Type": "text/plain"}, 415, "391901"),
        ({"Content_Type": None}, 415, "391901"),
        ({"Authorization": "Bearer x.y.z"}, 401, "390144"),
    ],
)
def test_headers_that_are_needed(client: Client, headers: dict[str, str | None], status: int, code: str) -> None:
    """A client says who it is, and speaks JSON."""
    reply = client.call("POST", PATH, {"statement": "select 1"}, **headers)
    assert (reply.status, reply.body["code"]) == (status, code)


def test_bindings(client: Client) -> None:
    """Every type; a value that is null is NULL."""
    given = {
        "1": ("FIXED", "12"),
        "2": ("REAL", "1.5"),
        "3": ("TEXT", "it's"),
        "4": ("BOOLEAN", "true"),
        "5": ("DATE", "1767225600000"),
        "6": ("TIME", "3723000000000"),
        "7": ("TIMESTAMP_NTZ", "1767225600000000000"),
        "8": ("TIMESTAMP_TZ", "1767225600000000000 1500"),
        "9": ("BINARY", "AB12"),
        "10": ("TEXT", None),
    }
    bindings = {key: {"type": kind, "value": value} for key, (kind, value) in given.items()}
    reply = client.submit("select ?, ?, ?, ?, ?, ?, ?, ?, ?, ?", bindings=bindings)
    assert reply.data == [
        [
            "12",
            "1.5",
            "it's",
            "true",
            "20454",
            "3723.000000000",
            "1767225600.000000000",
            "1767225600.000000000 1440",
            "AB12",
            None,
        ]
    ]


def test_formats_and_nulls(client: Client) -> None:
    """Output formats make text; `nullable=false` makes a word of NULL."""
    reply = client.submit(
        "select '2026-01-02'::date, null", "?nullable=false", parameters={"DATE_OUTPUT_FORMAT": "DD/MM/YYYY"}
    )
    assert reply.data == [["02/01/2026", "null"]]


def test_several_statements(client: Client) -> None:
    """One session for all; each has a handle of its own."""
    asked = "create table t(a int); insert into t values (1), (2); use schema public; select current_schema()"
    reply = client.submit(asked, parameters={"multi_statement_count": "0"})
    assert reply.data == [["Multiple statements executed successfully."]]
    assert reply.body["resultSetMetaData"]["rowType"][0]["name"] == "multiple statement execution"
    handles = reply.body["statementHandles"]
    assert len(handles) == 4
    inserted = client.get(handles[1])
    assert inserted.body["stats"] == {
        "numRowsInserted": 2,
        "numRowsUpdated": 0,
        "numRowsDeleted": 0,
        "numDuplicateRowsUpdated": 0,
    }
    assert client.get(handles[3]).data == [["PUBLIC"]]
    assert client.submit("select sum(a) from t").data == [["3"]]


def test_one_of_several_fails(client: Client) -> None:
    """What came before it stays done."""
    client.submit("create table t(a int)")
    reply = client.submit(
        "insert into t values (1); select nope; insert into t values (2)", parameters={"multi_statement_count": "3"}
    )
    assert (reply.status, reply.body["code"]) == (422, "000904")
    assert client.submit("select count(*) from t").data == [["1"]]


def test_a_resubmission_runs_nothing_twice(client: Client) -> None:
    """With `retry=true` the same request id finds what it started; without, it runs again."""
    client.submit("create table t(a int)")
    query = f"?requestId={uuid.uuid4()}"
    first = client.submit("insert into t values (1)", query)
    again = client.submit("insert into t values (1)", f"{query}&retry=true")
    assert again.handle == first.handle
    assert client.submit("select count(*) from t").data == [["1"]]
    assert client.submit("insert into t values (1)", query).handle != first.handle
    assert client.submit("select count(*) from t").data == [["2"]]


def test_role_and_names_of_the_body(client: Client) -> None:
    """They are the session's; without them the user's defaults are."""
    asked = "select current_role(), current_warehouse(), current_database(), current_schema()"
    assert client.submit(asked).data == [["DEVELOPER_CORTEX", "CORTEX_BENCH_WH", "CORTEX_BENCH_DB", "SALES"]]
    fields = {"role": "PUBLIC", "database": "CORTEX_BENCH_DB", "schema": "PUBLIC"}
    assert client.submit(asked, **fields).data == [["PUBLIC", "CORTEX_BENCH_WH", "CORTEX_BENCH_DB", "PUBLIC"]]


def test_without_a_warehouse_nothing_computes(keys: KeyPair) -> None:
    """000606 for a query of a table; the session's own values need none."""
    with running(keys, warehouses=()) as bare:
        client = Client(bare, "bare")
        reply = client.submit("select count(*) from orders")
        assert (reply.status, reply.body["code"], reply.body["sqlState"]) == (422, "000606", "57P03")
        assert client.submit("select current_warehouse()").data == [[None]]


@pytest.mark.parametrize("module", ["dialect", "duck"])
def test_sql_can_be_missing(client: Client, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """An installation without the extra says what to install."""
    monkeypatch.setitem(sys.modules, f"mocks.snowflake.{module}", None)
    monkeypatch.delattr(f"mocks.snowflake.{module}", raising=False)
    reply = client.submit("select 1")
    assert (reply.status, reply.body["code"]) == (422, "000603")
    assert "cortex-harness[sql]" in reply.body["message"]


def test_the_mock_stops_while_a_statement_computes(keys: KeyPair) -> None:
    """It is broken off; nothing waits for it."""
    endless = "select count(*) from orders a, orders b, orders c where a.net_amount * b.net_amount * c.net_amount > 1"
    with running(keys) as stopping:
        client = Client(stopping, "stopping")
        handles = [client.submit(text, "?async=true").handle for text in (endless, "select SYSTEM$WAIT(60)")]
        assert [client.get(handle).status for handle in handles] == [202, 202]


def test_the_journal_tells_why(sql: RunningMock) -> None:
    """The machinery's own words, which no client is told."""
    reply = Client(sql, "why").submit("select nope from orders")
    why = sql.ended("why")["why"]
    assert "Binder Error" in why
    assert "Binder Error" not in json.dumps(reply.body)


def test_files_are_out_of_reach(client: Client) -> None:
    """Whichever way they are asked for, nothing of the machine comes back."""
    for statement in (
        "select * from read_text('/etc/passwd')",
        "select * from '/etc/passwd'",
        "copy into x from '/etc'",
    ):
        reply = client.submit(statement)
        assert reply.status == 422
        assert "root:" not in json.dumps(reply.body)
        assert "uck" not in reply.body["message"]
