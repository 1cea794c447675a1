"""A request as the routes see it, and what it asks of the mock itself.

A caller steers the mock per request, in this order of precedence: `X-Mock-*` headers, W3C baggage (which a proxy
passes on without knowing of mocks), the query string, and last what the admin routes set for its test or for everyone.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qsl, unquote

from pydantic import BaseModel, ValidationError

from contracts.cortex import Code
from mocks.cassette import Frame
from mocks.faults import Plan
from mocks.journal import Entry

B = TypeVar("B", bound=BaseModel)

_HEADERS = {"scenario": "x-mock-scenario", "pace": "x-mock-pace", "test_id": "x-test-id"}
_BAGGAGE = {"scenario": "mock.scenario", "pace": "mock.pace", "test_id": "test.id"}
_QUERY = {"scenario": "mock_scenario", "pace": "mock_pace", "test_id": "test_id"}


class Refusal(Exception):
    """An answer other than the asked one: a Snowflake error body, with the mock's own explanation beside it."""

    def __init__(self, status: int, code: str, message: str, mock: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.mock = status, code, message, mock


@dataclass(frozen=True, slots=True)
class Request:
    """One request, its body read and bounded. Header names are lower-case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    entry: Entry
    user: str = ""

    def control(self, name: str) -> str | None:
        """What the caller asks for `scenario`, `pace` or `test_id`; None when it asks nothing."""
        return (
            self.headers.get(_HEADERS[name])
            or parse_baggage(self.headers.get("baggage", "")).get(_BAGGAGE[name])
            or self.query.get(_QUERY[name])
        )

    def pace(self, default: float) -> float:
        """The asked pace factor: 1 as recorded, 0 at once.   Raises: Refusal when it is no number from 0 to 1000."""
        asked = self.control("pace")
        if asked is None:
            return default
        try:
            pace = float(asked)
        except ValueError:
            pace = -1.0
        if not 0 <= pace <= 1000:
            raise Refusal(400, Code.INVALID_PAYLOAD, f"mock pace {asked!r} is not a number from 0 (at once) to 1000")
        return pace

    def parse(self, model: type[B]) -> B:
        """The JSON body as a model.   Raises: Refusal with Snowflake's words and the place of the fault beside them."""
        try:
            return model.model_validate_json(self.body or b"{}")
        except ValidationError as error:
            faults = [f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}" for item in error.errors()]
            message = "Incoming request does not contain a valid payload."
            raise Refusal(400, Code.INVALID_PAYLOAD, message, {"faults": faults}) from error


def json_plan(document: object, status: int = 200) -> Plan:
    """A JSON answer that leaves at once."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Plan(status, {"Content-Type": "application/json"}, (Frame(0.0, body),))


def parse_query(query: str) -> dict[str, str]:
    """The query string as a mapping; of a repeated name the last counts."""
    return dict(parse_qsl(query, keep_blank_values=True, max_num_fields=100))


def parse_baggage(header: str) -> dict[str, str]:
    """W3C baggage as a mapping, properties dropped; malformed members are skipped, as the specification asks."""
    members = (member.split(";")[0].partition("=") for member in header[:8192].split(","))
    return {key.strip(): unquote(value.strip()) for key, equals, value in members if equals}


def decompress(body: bytes, limit_bytes: int) -> bytes:
    """A gzip body, inflated up to a limit.   Raises: Refusal when it is broken or larger."""
    inflater = zlib.decompressobj(wbits=31)
    try:
        inflated = inflater.decompress(body, limit_bytes + 1)
    except zlib.error as error:
        raise Refusal(400, Code.INVALID_PAYLOAD, "Incoming request does not contain a valid payload.") from error
    if len(inflated) > limit_bytes:
        raise Refusal(413, Code.INVALID_PAYLOAD, f"The body inflates to more than {limit_bytes} bytes.")
    return inflated
