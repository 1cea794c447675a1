"""Requests: controls and their precedence, bodies and their encodings, and refusals that explain."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.cortex import RunRequest
from mocks.journal import Journal
from mocks.request import (
    MAX_FAULTS,
    MAX_QUERY_FIELDS,
    MAX_TEST_ID_CHARS,
    Refusal,
    Request,
    decompress,
    is_steered,
    parse_baggage,
    parse_headers,
    parse_query,
)


def made(headers: dict[str, str] | None = None, query: dict[str, str] | None = None, body: bytes = b"") -> Request:
    """A request."""
    return Request("POST", "/run", query or {}, headers or {}, body, Journal().open("POST", "/run"))


HEADER, BAGGAGE, QUERY = {"x-mock-scenario": "h"}, {"baggage": "mock.scenario=b"}, {"mock_scenario": "q"}


@pytest.mark.parametrize(
    ("headers", "query", "asked"),
    [
        pytest.param({**HEADER, **BAGGAGE}, QUERY, "h", id="header-first"),
        pytest.param(BAGGAGE, QUERY, "b", id="then-baggage"),
        pytest.param({}, QUERY, "q", id="then-query"),
        pytest.param({"x-mock-scenario": "", **BAGGAGE}, QUERY, "b", id="an-empty-header-asks-nothing"),
        pytest.param({"baggage": "other=1"}, {}, None, id="nothing-asked"),
    ],
)
def test_controls_have_an_order(headers: dict[str, str], query: dict[str, str], asked: str | None) -> None:
    """Headers go before baggage, baggage before the query."""
    assert made(headers, query).control("scenario") == asked


@pytest.mark.parametrize(
    ("header", "members"),
    [
        pytest.param("", {}, id="empty"),
        pytest.param("a=1,b=2", {"a": "1", "b": "2"}, id="two"),
        pytest.param(" a = 1 ; secret ; x=y , b=2", {"a": "1", "b": "2"}, id="spaces-and-properties"),
        pytest.param("a=%C3%BC%2C%3D", {"a": "ü,="}, id="percent-encoded"),
        pytest.param("a=b=c", {"a": "b=c"}, id="equals-in-value"),
        pytest.param("nonsense,,=,a=1", {"": "", "a": "1"}, id="malformed-members"),
        pytest.param("a=%ff", {"a": "\ufffd"}, id="bad-utf8"),
        pytest.param("a=1," + "x" * 9000, {"a": "1"}, id="over-long"),
    ],
)
def test_baggage_is_parsed_leniently(header: str, members: dict[str, str]) -> None:
    """What is malformed is skipped, what is well formed counts."""
    assert parse_baggage(header) == members


@given(st.text())
def test_any_baggage_can_be_parsed(header: str) -> None:
    """No header value is an error."""
    assert all(isinstance(value, str) for value in parse_baggage(header).values())


def test_repeated_headers_are_joined() -> None:
    """Two baggage headers are one list, whatever the case of their names."""
    assert parse_headers([("Baggage", "a=1"), ("X", "y"), ("baggage", "b=2")]) == {"baggage": "a=1, b=2", "x": "y"}


def test_the_query_is_bounded() -> None:
    """Of a repeated name the last counts; too many fields are refused."""
    assert parse_query("a=1&b&a=%20") == {"a": " ", "b": ""}
    with pytest.raises(Refusal, match="more than 100 fields") as refusal:
        parse_query("&".join(["a=1"] * (MAX_QUERY_FIELDS + 1)))
    assert refusal.value.status == 400


@pytest.mark.parametrize(("asked", "pace"), [("0", 0.0), ("0.5", 0.5), ("1e3", 1000.0), (None, 1.5)])
def test_pace_is_a_factor(asked: str | None, pace: float) -> None:
    """A number from 0 to 1000, else the mock's own."""
    assert made({"x-mock-pace": asked} if asked else {}).pace(1.5) == pace


@pytest.mark.parametrize("asked", ["fast", "-1", "1001", "nan", "inf", "1,0"])
def test_another_pace_is_refused(asked: str) -> None:
    """The refusal repeats what was asked and says what is accepted."""
    with pytest.raises(Refusal, match=f"mock pace '{asked}' is not a number from 0") as refusal:
        made({"x-mock-pace": asked}).pace(1)
    assert refusal.value.status == 400


def test_a_test_id_is_bounded() -> None:
    """An id that could fill memory is refused."""
    assert made({"x-test-id": "t" * MAX_TEST_ID_CHARS}).test_id == "t" * MAX_TEST_ID_CHARS
    with pytest.raises(Refusal, match="at most 200 characters"):
        _ = made({"x-test-id": "t" * (MAX_TEST_ID_CHARS + 1)}).test_id


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        pytest.param(b"", "messages: Field required", id="empty"),
        pytest.param(b"{", "body: Invalid JSON", id="bad-json"),
        pytest.param(b"[]", "body: Input should be an object", id="list"),
        pytest.param(b'{"messages":[]}', "messages: List should have at least 1 item", id="no-message"),
        pytest.param(b'{"messages":[{}],"thread_id":"x"}', "thread_id: Input should be a valid integer", id="type"),
        pytest.param(b"\xff", "body: Invalid JSON", id="not-utf8"),
        pytest.param(b"[" * 100_000, "body: Invalid JSON: recursion limit", id="deep"),
    ],
)
def test_a_body_that_does_not_fit_is_refused(body: bytes, fault: str) -> None:
    """Snowflake's words, and beside them the place of each fault."""
    with pytest.raises(Refusal, match=r"^Incoming request does not contain a valid payload\.$") as refusal:
        made(body=body).parse(RunRequest)
    assert (refusal.value.status, refusal.value.code) == (400, "390142")
    faults = (refusal.value.mock or {})["faults"]
    assert isinstance(faults, list)
    assert faults[0].startswith(fault)


def test_explanations_are_bounded() -> None:
    """A thousand faults are not answered with a thousand lines."""
    with pytest.raises(Refusal) as refusal:
        made(body=b'{"messages":[%s0]}' % (b"0," * 1000)).parse(RunRequest)
    faults = (refusal.value.mock or {})["faults"]
    assert isinstance(faults, list)
    assert len(faults) == MAX_FAULTS


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip"])
def test_a_gzip_body_is_inflated(encoding: str) -> None:
    """Up to the limit, exactly."""
    assert decompress(gzip.compress(b"x" * 100), encoding, 100) == b"x" * 100


@pytest.mark.parametrize("encoding", ["", "identity"])
def test_a_plain_body_stays(encoding: str) -> None:
    """Also when it looks like gzip."""
    assert decompress(gzip.compress(b"x"), encoding, 100) == gzip.compress(b"x")


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        pytest.param(gzip.compress(b"x" * 101), "gzip", 413, id="larger-than-the-limit"),
        pytest.param(gzip.compress(b"\0" * 50_000_000), "gzip", 413, id="bomb"),
        pytest.param(gzip.compress(b"x")[:-1], "gzip", 400, id="truncated"),
        pytest.param(gzip.compress(b"x") + b"y", "gzip", 400, id="something-behind"),
        pytest.param(b"", "gzip", 400, id="empty"),
        pytest.param(b"{}", "gzip", 400, id="not-gzip"),
        pytest.param(zlib.compress(b"{}"), "deflate", 415, id="deflate"),
        pytest.param(b"{}", "gzip, gzip", 415, id="twice"),
    ],
)
def test_a_broken_encoding_is_refused(body: bytes, encoding: str, status: int) -> None:
    """Half a body is never taken for a whole one."""
    with pytest.raises(Refusal) as refusal:
        decompress(body, encoding, 100)
    assert refusal.value.status == status


@pytest.mark.parametrize(
    ("query", "headers", "steered"),
    [
        pytest.param("", {"authorization": "x", "traceparent": "y"}, False, id="plain"),
        pytest.param("a=1", {}, True, id="query"),
        pytest.param("", {"baggage": "a=1"}, True, id="baggage"),
        pytest.param("", {"x-test-id": "a"}, True, id="header"),
    ],
)
def test_what_may_be_meant_for_the_mock(query: str, headers: dict[str, str], steered: bool) -> None:
    """Only a query, baggage or one of its headers can steer it."""
    assert is_steered(query, headers) is steered
