"""A request as the routes see it, and what it asks of the mock itself.

A caller steers the mock per request, in this order of precedence: `X-Mock-*` headers, W3C baggage (which a proxy
passes on without knowing of mocks), the query string, and last what the admin routes set for its test or for everyone.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qsl, unquote

from pydantic import BaseModel, ValidationError

from contracts.cortex import Code
from mocks.cassette import Frame
from mocks.faults import Plan
from mocks.journal import Entry
from mocks.replay import checked_pace

B = TypeVar("B", bound=BaseModel)

_HEADERS = {"scenario": "x-mock-scenario", "fault": "x-mock-fault", "pace": "x-mock-pace", "test_id": "x-test-id"}
_BAGGAGE = {"scenario": "mock.scenario", "fault": "mock.fault", "pace": "mock.pace", "test_id": "test.id"}
_QUERY = {"scenario": "mock_scenario", "fault": "mock_fault", "pace": "mock_pace", "test_id": "test_id"}
_STEERING = frozenset(_HEADERS.values())


INVALID_PAYLOAD = "Incoming request does not contain a valid payload."
MAX_QUERY_FIELDS = 100
MAX_TEST_ID_CHARS = 200
MAX_FAULTS = 10
"""How many faults of one body are explained."""


class Refusal(Exception):
    """An answer other than the asked one: a Snowflake error body, with the mock's own explanation beside it."""

    def __init__(self, status: int, code: str, message: str, mock: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.mock = status, code, message, mock


@dataclass(slots=True)
class Request:
    """One request, its body read and bounded. `path` is percent-decoded; header names are lower-case.

    client: the address of the other end, without its port.   user, role, warehouse: who asks, once authenticated; only
    the gate sets them, and nothing else changes.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    entry: Entry
    user: str = ""
    role: str = ""
    warehouse: str = ""
    client: str = ""
    is_steered: bool = True
    """Whether anything in it may be meant for the mock; most requests hold nothing, and are asked often."""

    def control(self, name: str) -> str | None:
        """What the caller asks for `scenario`, `fault`, `pace` or `test_id`; None when it asks nothing."""
        if not self.is_steered:
            return None
        if found := self.headers.get(_HEADERS[name]):
            return found
        if "baggage" in self.headers and (found := parse_baggage(self.headers["baggage"]).get(_BAGGAGE[name])):
            return found
        return self.query.get(_QUERY[name])

    @property
    def test_id(self) -> str | None:
        """The test whose state this request sees; None for the one that all others share.   Raises: Refusal."""
        asked = self.control("test_id")
        if asked is not None and len(asked) > MAX_TEST_ID_CHARS:
            raise Refusal(400, Code.INVALID_PAYLOAD, f"A test id has at most {MAX_TEST_ID_CHARS} characters.")
        return asked

    def pace(self, default: float) -> float:
        """The asked pace factor: 1 as recorded, 0 at once.   Raises: Refusal when it is no number from 0 to 1000."""
        asked = self.control("pace")
        if asked is None:
            return default
        try:
            return checked_pace(asked)
        except ValueError as error:
            raise Refusal(400, Code.INVALID_PAYLOAD, f"mock {error}") from error

    def parse(self, model: type[B]) -> B:
        """The JSON body as a model.   Raises: Refusal."""
        return parsed(model, self.body)


def parsed(model: type[B], body: bytes) -> B:
    """JSON as a model.   Raises: Refusal with Snowflake's words and the place of the fault beside them."""
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[:MAX_FAULTS]
        faults = [f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}" for item in found]
        raise Refusal(400, Code.INVALID_PAYLOAD, INVALID_PAYLOAD, {"faults": faults}) from error


def is_steered(query: str, headers: Mapping[str, str]) -> bool:
    """Whether anything in a request may be meant for the mock itself."""
    return bool(query) or "baggage" in headers or not _STEERING.isdisjoint(headers)


def json_plan(document: object, status: int = 200) -> Plan:
    """A JSON answer that leaves at once."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Plan(status, {"content-type": "application/json"}, (Frame(0.0, body),))


def parse_headers(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers by lower-case name; the values of a repeated one joined by commas, as RFC 9110 asks."""
    headers: dict[str, str] = {}
    for name, value in items:
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


def parse_query(query: str) -> dict[str, str]:
    """The query string as a mapping; of a repeated name the last counts.   Raises: Refusal when there are too many."""
    if not query:
        return {}
    try:
        return dict(parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS))
    except ValueError as error:
        message = f"The query string has more than {MAX_QUERY_FIELDS} fields."
        raise Refusal(400, Code.INVALID_PAYLOAD, message) from error


def parse_baggage(header: str) -> dict[str, str]:
    """W3C baggage as a mapping, properties dropped; malformed members are skipped, as the specification asks."""
    members = (member.split(";")[0].partition("=") for member in header[:8192].split(","))
    return {key.strip(): unquote(value.strip()) for key, equals, value in members if equals}


def decompress(body: bytes, encoding: str, limit_bytes: int) -> bytes:
    """A body without its content encoding, inflated up to a limit.

    Raises: Refusal when it is broken, incomplete or larger, or when the encoding is not gzip.
    """
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise Refusal(415, Code.INVALID_PAYLOAD, f"Content-Encoding {encoding!r} is not supported; gzip is.")
    inflater = zlib.decompressobj(wbits=31)
    try:
        inflated = inflater.decompress(body, limit_bytes + 1)
    except zlib.error as error:
        raise Refusal(400, Code.INVALID_PAYLOAD, INVALID_PAYLOAD, {"faults": [f"gzip: {error}"]}) from error
    if len(inflated) > limit_bytes:
        raise Refusal(413, Code.INVALID_PAYLOAD, f"The body inflates to more than {limit_bytes} bytes.")
    if not inflater.eof or inflater.unused_data:
        raise Refusal(400, Code.INVALID_PAYLOAD, INVALID_PAYLOAD, {"faults": ["gzip: not exactly one whole stream"]})
    return inflated
