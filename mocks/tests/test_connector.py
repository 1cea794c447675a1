"""Snowflake's own connector against the mock, and the envelopes that it reads."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import sys
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from typing import Any

import pytest
import snowflake.connector
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from snowflake.connector.errors import DatabaseError, ProgrammingError

from mocks.assumptions import Assumptions
from mocks.tests.running import KeyPair, RunningMock, running, until

UTC = dt.UTC


@pytest.fixture(scope="module")
def sql(keys: KeyPair) -> Iterator[RunningMock]:
    """A mock that answers slow queries in two steps."""
    with running(keys, assume=Assumptions(sql_wait_s=0.2)) as started:
        yield started


def connect(mock: RunningMock, keys: KeyPair, **options: Any) -> Any:
    """A connection with a key pair, unless options say otherwise."""
    key = keys.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    given = {
        "user": "CORTEX_PROXY_USER",
        "account": "MYORG-BENCH",
        "protocol": "http",
        "host": "127.0.0.1",
        "port": mock.port,
        "authenticator": "SNOWFLAKE_JWT",
        "private_key": key,
        "login_timeout": 10,
        "network_timeout": 30,
        "platform_detection_timeout_seconds": 0,
        **options,
    }
    return snowflake.connector.connect(**given)


@pytest.fixture(scope="module")
def connection(sql: RunningMock, keys: KeyPair) -> Iterator[Any]:
    """One that binds on the server."""
    with closing(connect(sql, keys, paramstyle="qmark")) as opened:
        yield opened


@pytest.fixture
def cursor(connection: Any) -> Iterator[Any]:
    """A cursor of it."""
    with connection.cursor() as opened:
        yield opened


def test_a_login_names_the_session(connection: Any) -> None:
    """Role, warehouse, database and schema are the user's defaults."""
    names = connection.role, connection.warehouse, connection.database, connection.schema
    assert names == ("DEVELOPER_CORTEX", "CORTEX_BENCH_WH", "CORTEX_BENCH_DB", "SALES")
    assert connection.session_id


def test_unknown_names_are_not_set(sql: RunningMock, keys: KeyPair) -> None:
    """A database that is not there, and a warehouse that is not the user's, are no error at login."""
    with closing(connect(sql, keys, database="NOPE", warehouse="NOPE")) as opened:
        assert (opened.database, opened.schema, opened.warehouse) == (None, None, None)
        with pytest.raises(ProgrammingError, match="No active warehouse selected"):
            opened.cursor().execute("select * from orders")
        opened.cursor().execute("use warehouse cortex_bench_wh")
        with pytest.raises(ProgrammingError, match="does not have a current database"):
            opened.cursor().execute("select * from orders")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"authenticator": "snowflake", "password": "x", "private_key": None}, 390100),
        ({"authenticator": "oauth", "token": "x", "private_key": None}, 390303),
        ({"authenticator": "PROGRAMMATIC_ACCESS_TOKEN", "token": "x", "private_key": None}, 394400),
        ({"role": "NOPE"}, 390189),
        ({"account": "OTHER-ACCOUNT"}, 390144),
        ({"user": "NOBODY"}, 390144),
    ],
    ids=["password", "oauth", "pat", "role", "account", "user"],
)
def test_a_refused_login(sql: RunningMock, keys: KeyPair, options: dict[str, Any], code: int) -> None:
    """Each with its code; passwords are never accepted."""
    with pytest.raises(DatabaseError) as caught:
        connect(sql, keys, **options)
    assert caught.value.errno == code


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1250.50::number(18,2)", Decimal("1250.50")),
        ("42", 42),
        ("1.5::float", 1.5),
        ("'Crème'", "Crème"),
        ("true", True),
        ("false", False),
        ("null", None),
        ("'2026-01-01'::date", dt.date(2026, 1, 1)),
        ("'10:11:12.5'::time", dt.time(10, 11, 12, 500000)),
        ("'1960-05-06 01:02:03.25'::timestamp_ntz", dt.datetime(1960, 5, 6, 1, 2, 3, 250000)),  # noqa: DTZ001
        ("'2026-01-01 10:00:00 +0100'::timestamp_tz", dt.datetime(2026, 1, 1, 9, tzinfo=UTC)),
        ("'2026-01-01 10:00:00 +0100'::timestamp_ltz", dt.datetime(2026, 1, 1, 9, tzinfo=UTC)),
        ("to_binary('AB12', 'HEX')", b"\xab\x12"),
        ("object_construct('a', array_construct(1))", '{\n  "a": [\n    1\n  ]\n}'),
    ],
)
def test_values_have_pythons_types(cursor: Any, expression: str, expected: object) -> None:
    """As the connector converts them."""
    (found,) = cursor.execute(f"select {expression}").fetchone()
    assert found == expected
    assert type(found) is type(expected)


def test_values_are_bound_on_the_server(cursor: Any) -> None:
    """Every type comes back as it went."""
    moment = dt.datetime(2026, 1, 2, 3, 4, 5, 678)  # noqa: DTZ001  # a TIMESTAMP_NTZ
    given = (1, 1.5, "it's", True, None, dt.date(2026, 1, 2), moment, dt.time(1, 2, 3), b"\x01\xff", Decimal("1.25"))
    assert cursor.execute(f"select {', '.join('?' * len(given))}", given).fetchone() == given


def test_values_are_bound_by_the_client(sql: RunningMock, keys: KeyPair) -> None:
    """In the connector's default style."""
    with closing(connect(sql, keys)) as opened, opened.cursor() as cursor:
        found = cursor.execute("select count(*) from orders where region = %s and net_amount > %s", ("EMEA", 1.5))
        assert found.fetchone()[0] > 0


def test_a_description(cursor: Any) -> None:
    """Of a query that is not run, and of its columns."""
    region, amount = cursor.describe("select region, net_amount from orders")
    assert (region.name, region.internal_size, region.is_nullable) == ("REGION", 16, True)
    assert (amount.name, amount.precision, amount.scale, amount.is_nullable) == ("NET_AMOUNT", 18, 2, False)


def test_many_rows(cursor: Any) -> None:
    """All at once."""
    assert len(cursor.execute("select * from orders").fetchall()) == 5080
    assert cursor.rowcount == 5080


@pytest.mark.parametrize(
    ("statement", "code", "state"),
    [("select nope from orders", 904, "42000"), ("selec 1", 1003, "42000"), ("select * from nope", 2003, "42S02")],
)
def test_errors(cursor: Any, statement: str, code: int, state: str) -> None:
    """With code, state and the query's id."""
    with pytest.raises(ProgrammingError) as caught:
        cursor.execute(statement)
    assert (caught.value.errno, caught.value.sqlstate) == (code, state)
    assert str(caught.value.sfqid).startswith("01")


def test_a_session_changes(sql: RunningMock, keys: KeyPair) -> None:
    """By `USE` and `ALTER SESSION`; the connector follows, and so do the REST endpoints."""
    with closing(connect(sql, keys)) as opened, opened.cursor() as cursor:
        cursor.execute("use role public")
        cursor.execute("use schema public")
        assert (opened.role, opened.schema) == ("PUBLIC", "PUBLIC")
        assert cursor.execute("select current_role(), current_schema()").fetchone() == ("PUBLIC", "PUBLIC")
        cursor.execute("alter session set timezone = 'Asia/Tokyo'")
        (found,) = cursor.execute("select '2026-01-01 00:00:00 +0000'::timestamp_ltz").fetchone()
        assert (found.hour, found.utcoffset()) == (9, dt.timedelta(hours=9))
        headers = {"Authorization": f'Snowflake Token="{opened.rest.token}"', "User-Agent": "t/1"}
        headers["Content-Type"] = "application/json"
        answer = sql.call("POST", "/api/v2/statements", b'{"statement": "select current_role()"}', headers)
        assert answer.json()["data"] == [["PUBLIC"]]


def test_changes_are_counted(cursor: Any) -> None:
    """Also those of a batch, which is one statement."""
    cursor.execute("create or replace table counted(a int, b varchar)")
    cursor.executemany("insert into counted values (?, ?)", [(number, f"it's {number}") for number in range(300)])
    assert cursor.rowcount == 300
    cursor.execute("update counted set b = 'x' where a < 10")
    assert cursor.rowcount == 10
    assert cursor.execute("select count(distinct b) from counted").fetchone() == (291,)


def test_a_transaction(connection: Any, cursor: Any) -> None:
    """Without autocommit, what was not committed can be undone."""
    cursor.execute("create or replace table undone(a int)")
    connection.autocommit(False)
    cursor.execute("insert into undone values (1)")
    connection.rollback()
    connection.autocommit(True)
    assert cursor.execute("select count(*) from undone").fetchone() == (0,)


def test_several_statements(cursor: Any) -> None:
    """Fetched one after another."""
    cursor.execute("select 1; select 2", num_statements=2)
    found = [cursor.fetchall()]
    while cursor.nextset():
        found.append(cursor.fetchall())
    assert found == [[(1,)], [(2,)]]


def test_a_slow_query(cursor: Any) -> None:
    """The connector asks again until it is done."""
    assert cursor.execute("select SYSTEM$WAIT(500, 'MILLISECONDS')").fetchone() == ("waited 500 milliseconds",)


def test_an_asynchronous_query(connection: Any, cursor: Any) -> None:
    """Its state can be asked, and its rows fetched later."""
    cursor.execute_async("select SYSTEM$WAIT(300, 'MILLISECONDS'), 5")
    query_id = cursor.sfqid
    assert connection.is_still_running(connection.get_query_status(query_id))
    cursor.get_results_from_sfqid(query_id)
    assert cursor.fetchall() == [("waited 300 milliseconds", 5)]
    assert connection.get_query_status(query_id).name == "SUCCESS"


def test_an_asynchronous_query_that_fails(connection: Any, cursor: Any) -> None:
    """Its state has the error."""
    cursor.execute_async("select nope from orders")
    query_id = cursor.sfqid
    until(lambda: True if not connection.is_still_running(connection.get_query_status(query_id)) else None)
    with pytest.raises(ProgrammingError) as caught:
        connection.get_query_status_throw_if_error(query_id)
    assert caught.value.errno == 904


def test_a_query_is_aborted(cursor: Any) -> None:
    """By its id."""
    cursor.execute_async("select SYSTEM$WAIT(60)")
    assert cursor.abort_query(cursor.sfqid)
    with pytest.raises(DatabaseError, match="canceled"):
        cursor.get_results_from_sfqid(cursor.sfqid)


class Wire:
    """Envelopes, without a connector."""

    def __init__(self, mock: RunningMock, token: str = "") -> None:
        self._mock, self._token = mock, token

    def post(self, path: str, body: object = None, token: str | None = None) -> Any:
        """The envelope of an answer; bodies go compressed, as the connector's do."""
        headers = {"Authorization": f'Snowflake Token="{self._token if token is None else token}"'}
        headers["Content-Encoding"] = "gzip"
        answer = self._mock.call("POST", path, gzip.compress(json.dumps(body or {}).encode()), headers)
        assert answer.status == 200
        return answer.json()

    def login(self, **data: object) -> Any:
        """What a login answers."""
        given = {"LOGIN_NAME": "cortex_proxy_user", "AUTHENTICATOR": "SNOWFLAKE_JWT", "TOKEN": self._mock.token, **data}
        return self.post("/session/v1/login-request?requestId=1", {"data": given})


def test_a_token_is_renewed_and_a_session_ends(sql: RunningMock) -> None:
    """The old token is expired then; a heartbeat keeps, a logout ends, and nothing goes on after it."""
    wire = Wire(sql)
    data = wire.login()["data"]
    assert data["parameters"]
    renewed = wire.post("/session/token-request", {"oldSessionToken": data["token"]}, data["masterToken"])["data"]
    query = {"sqlText": "select 1"}
    assert wire.post("/queries/v1/query-request", query, data["token"])["code"] == "390112"
    token = renewed["sessionToken"]
    assert wire.post("/queries/v1/query-request", query, token)["data"]["rowset"] == [["1"]]
    assert wire.post("/session/heartbeat", None, token)["success"] is True
    assert wire.post("/session?delete=true", None, token)["success"] is True
    ended = wire.post("/queries/v1/query-request", query, token)
    assert (ended["success"], ended["code"]) == (False, "390111")
    assert wire.post("/queries/v1/query-request", query, "nonsense")["code"] == "390104"


def test_a_request_that_is_sent_again_runs_once(sql: RunningMock) -> None:
    """Its id tells."""
    wire = Wire(sql)
    token = wire.login()["data"]["token"]
    ids = [
        wire.post("/queries/v1/query-request?requestId=same", {"sqlText": "select 1"}, token)["data"]["queryId"]
        for _ in range(2)
    ]
    assert ids[0] == ids[1]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"AUTHENTICATOR": "EXTERNALBROWSER"}, "390139"),
        ({"TOKEN": "x.y.z"}, "390144"),
        ({"LOGIN_NAME": "someone"}, "390100"),
        ({"AUTHENTICATOR": None}, "390142"),
    ],
)
def test_a_refused_login_is_an_envelope(sql: RunningMock, body: dict[str, object], code: str) -> None:
    """Without data, with status 200."""
    answer = Wire(sql).login(**body)
    assert (answer["success"], answer["data"], answer["code"]) == (False, None, code)


def test_a_login_needs_no_sql(sql: RunningMock, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without the extra still opens the REST endpoints."""
    monkeypatch.setitem(sys.modules, "mocks.snowflake.duck", None)
    assert Wire(sql).login()["data"]["sessionInfo"]["databaseName"] == "CORTEX_BENCH_DB"


def test_telemetry_is_taken(sql: RunningMock) -> None:
    """And dropped."""
    assert Wire(sql).post("/telemetry/send")["success"] is True
