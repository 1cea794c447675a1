"""Errors as RFC 9457 problem details, one catalogue for responses and for `event: error` in a stream.

ProblemError            every refusal: what it is, what was found, what to do
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, g, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from contracts.api import PROBLEM_BASE, PROBLEM_JSON, FieldError, Problem, ProblemType

log = structlog.get_logger(__name__)

MAX_FIELD_ERRORS = 50


@dataclass(frozen=True, slots=True)
class Kind:
    """What is fixed for a problem type."""

    status: int
    title: str
    retryable: bool = False


P = ProblemType
CATALOGUE: dict[ProblemType, Kind] = {
    P.MALFORMED_REQUEST: Kind(400, "The request is not valid HTTP"),
    P.ADDRESS_TOO_LONG: Kind(414, "The address of the request is too long"),
    P.HEADERS_TOO_LARGE: Kind(431, "The headers of the request are too large"),
    P.HOST_NOT_ALLOWED: Kind(421, "The request was meant for another host"),
    P.REQUEST_TIMEOUT: Kind(408, "The request did not arrive in time", retryable=True),
    P.MALFORMED_JSON: Kind(400, "The request body is not valid JSON"),
    P.INVALID_REQUEST: Kind(422, "The request does not fit the API"),
    P.BODY_TOO_LARGE: Kind(413, "The request body is too large"),
    P.UNSUPPORTED_MEDIA_TYPE: Kind(415, "The request body must be application/json"),
    P.NOT_FOUND: Kind(404, "There is nothing at this address"),
    P.METHOD_NOT_ALLOWED: Kind(405, "This address does not take this method"),
    P.TOKEN_MISSING: Kind(401, "A session token is required"),
    P.TOKEN_INVALID: Kind(401, "The session token is not valid"),
    P.TOKEN_EXPIRED: Kind(401, "The session token has expired", retryable=True),
    P.CLIENT_KEY_INVALID: Kind(401, "The client key is missing or not valid"),
    P.SESSION_MISMATCH: Kind(403, "The token belongs to another session"),
    P.SESSION_ENDED: Kind(401, "The session has reached its limit"),
    P.SESSION_NOT_FOUND: Kind(404, "There is no such session"),
    P.RATE_LIMITED: Kind(429, "Too many requests", retryable=True),
    P.TOO_MANY_AT_ONCE: Kind(429, "Too many requests at the same time", retryable=True),
    P.TOO_MANY_STREAMS: Kind(429, "Too many answers are streaming at once", retryable=True),
    P.TOOL_UNKNOWN: Kind(404, "There is no such tool"),
    P.COLUMN_UNKNOWN: Kind(422, "The search service has no such column"),
    P.SQL_REFUSED: Kind(422, "Only one read-only statement is accepted"),
    P.SQL_FAILED: Kind(422, "Snowflake could not run the statement"),
    P.RESULT_NOT_FOUND: Kind(404, "There is no such result"),
    P.CHART_INVALID: Kind(502, "Snowflake answered with no chart that can be shown"),
    P.REQUEST_DEADLINE: Kind(504, "The request took too long", retryable=True),
    P.STORE_UNAVAILABLE: Kind(503, "The proxy's store does not answer", retryable=True),
    P.UPSTREAM_UNREACHABLE: Kind(502, "Snowflake cannot be reached", retryable=True),
    P.UPSTREAM_TIMEOUT: Kind(504, "Snowflake did not answer in time", retryable=True),
    P.UPSTREAM_UNAUTHORIZED: Kind(502, "Snowflake refused the proxy's credential"),
    P.UPSTREAM_FORBIDDEN: Kind(502, "Snowflake denies the proxy's role this agent"),
    P.UPSTREAM_NOT_FOUND: Kind(404, "Snowflake does not find what was asked for"),
    P.UPSTREAM_REJECTED: Kind(502, "Snowflake rejected the request"),
    P.UPSTREAM_THROTTLED: Kind(429, "Snowflake asks to slow down", retryable=True),
    P.UPSTREAM_UNAVAILABLE: Kind(503, "Snowflake is not available", retryable=True),
    P.UPSTREAM_SUSPENDED: Kind(503, "Calls to Snowflake are suspended after failures", retryable=True),
    P.UPSTREAM_PROTOCOL: Kind(502, "Snowflake answered with something unexpected"),
    P.UPSTREAM_ERROR: Kind(502, "Snowflake reported an error in mid-answer", retryable=True),
    P.UPSTREAM_TRUNCATED: Kind(502, "The answer broke off", retryable=True),
    P.UPSTREAM_STALLED: Kind(504, "The answer stopped arriving", retryable=True),
    P.STREAM_DEADLINE: Kind(504, "The answer took too long"),
    P.STREAM_TOO_LARGE: Kind(502, "The answer is too large"),
    P.DRAINING: Kind(503, "The proxy is shutting down", retryable=True),
    P.INTERNAL: Kind(500, "The proxy failed"),
}


class ProblemError(Exception):
    """A refusal with its problem type; `detail` says what was asked, what was found and what to do."""

    def __init__(
        self,
        kind: ProblemType,
        detail: str,
        *,
        errors: list[FieldError] | None = None,
        retry_after_s: int | None = None,
        upstream_code: str | None = None,
        headers: dict[str, str] | None = None,
        violated_policies: list[str] | None = None,
        known: list[str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.errors = kind, detail, errors
        self.retry_after_s, self.upstream_code, self.headers = retry_after_s, upstream_code, headers or {}
        self.violated_policies, self.known = violated_policies, known

    def problem(self, instance: str | None = None, trace_id: str | None = None) -> Problem:
        """The object that travels."""
        kind = CATALOGUE[self.kind]
        return Problem(
            type=PROBLEM_BASE + self.kind,
            title=kind.title,
            status=kind.status,
            detail=self.detail,
            instance=instance,
            trace_id=trace_id,
            errors=self.errors,
            retry_after_s=self.retry_after_s,
            retryable=kind.retryable,
            upstream_code=self.upstream_code,
            violated_policies=self.violated_policies,
            known=self.known,
        )


def invalid_request(error: ValidationError, parsed: Callable[[], Any]) -> ProblemError:
    """Every fault of a request body, by JSON pointer; the rejected values themselves are left out.

    parsed: gives the body as a document; only asked when it is JSON.
    """
    details = error.errors(include_url=False, include_input=False, include_context=False)
    if details[0]["type"] == "json_invalid":
        return ProblemError(P.MALFORMED_JSON, details[0]["msg"])
    document = parsed()
    errors = [
        FieldError(
            pointer=_pointer(e["loc"], document, is_missing=e["type"] == "missing"),
            detail=e["msg"].removeprefix("Value error, "),  # pydantic's, before our own validators' words
        )
        for e in details[:MAX_FIELD_ERRORS]
    ]
    listed = "; ".join(f"{e.pointer or 'body'}: {e.detail}" for e in errors[:5])
    return ProblemError(P.INVALID_REQUEST, listed, errors=errors)


def _pointer(location: tuple[int | str, ...], document: Any, *, is_missing: bool) -> str:
    """A JSON pointer from a validation error's location: the parts that the document has, and what is missing.

    Locations also name members of unions, which no document has.
    """
    pointer = ""
    for position, part in enumerate(location):
        has_part = isinstance(document, dict) and part in document
        has_item = isinstance(document, list) and isinstance(part, int)
        if has_part or has_item:
            document = document[part]
        elif not (is_missing and position == len(location) - 1):
            continue
        pointer += "/" + str(part).replace("~", "~0").replace("/", "~1")
    return pointer


def respond(error: ProblemError) -> Response:
    """The HTTP answer for a problem."""
    problem = error.problem(instance=g.get("request_id"), trace_id=g.get("trace_id"))
    g.problem, g.upstream_code = error.kind, error.upstream_code
    response = Response(problem.model_dump_json(exclude_none=True), problem.status, content_type=PROBLEM_JSON)
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        reason = "" if error.kind in (P.TOKEN_MISSING, P.CLIENT_KEY_INVALID) else ' error="invalid_token"'
        response.headers["WWW-Authenticate"] = f"Bearer{reason}"
    response.headers.update(error.headers)
    return response


_OF_STATUS = {
    400: P.MALFORMED_JSON,
    404: P.NOT_FOUND,
    405: P.METHOD_NOT_ALLOWED,
    413: P.BODY_TOO_LARGE,
    415: P.UNSUPPORTED_MEDIA_TYPE,
}


def register(app: Flask) -> None:
    """Make every error of the application a problem, Flask's own included."""
    app.register_error_handler(ProblemError, respond)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(Exception, _of_defect)


def _of_http(error: HTTPException) -> Response:
    status = error.code or 500
    kind = _OF_STATUS.get(status, P.INVALID_REQUEST if status < 500 else P.INTERNAL)
    details: dict[ProblemType, str] = {
        P.NOT_FOUND: f"Nothing answers {request.path}.",
        P.METHOD_NOT_ALLOWED: f"{request.path} does not take {request.method}.",
        P.BODY_TOO_LARGE: f"The limit is {request.max_content_length} bytes.",
    }
    allow: Any = dict(error.get_headers()).get("Allow")
    return respond(
        ProblemError(
            kind, details.get(kind, error.description or error.name), headers={"Allow": allow} if allow else None
        )
    )


def _of_defect(error: Exception) -> Response:
    log.error("unhandled error", exc_info=error, requestId=g.get("request_id"), traceId=g.get("trace_id"))
    return respond(ProblemError(P.INTERNAL, "An unexpected error was logged under the trace id."))
