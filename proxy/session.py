"""`/session/token`: a session token, a fresh one for the same session, and the session's end."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, request

from contracts.api import FieldError, ProblemType, SessionToken, TokenRequest
from contracts.telemetry import TokenOutcome
from proxy.admission import admitted_client
from proxy.body import read_body, read_json
from proxy.parts import parts
from proxy.problems import ProblemError
from proxy.tokens import CLIENT_KEY_HEADER

blueprint = Blueprint("session", __name__)


@blueprint.post("/session/token")
def issue_token() -> Response:
    """A token: for the same session when a still valid one is presented, else for a new one."""
    outcome = TokenOutcome.REFUSED
    try:
        with admitted_client("token"):
            asked = read_json(TokenRequest) if read_body() else TokenRequest()
            is_refresh = bool(request.headers.get("Authorization"))
            response = Response(_token(asked).model_dump_json(), content_type="application/json")
            outcome = TokenOutcome.REFRESHED if is_refresh else TokenOutcome.ISSUED
    finally:
        parts().telemetry.session_token(outcome)
    return response


def _token(asked: TokenRequest) -> SessionToken:
    service = parts().tokens
    authorization = request.headers.get("Authorization")
    if authorization:
        session = service.authenticate(authorization)
        if asked.subject is not None:
            raise _subject_is_fixed()
        return service.refresh(session)
    service.check_client(request.headers.get(CLIENT_KEY_HEADER), names_subject=asked.subject is not None)
    return service.open_session(asked.subject)


@blueprint.delete("/session/token")
def end_session() -> Response:
    """The session is over: none of its tokens is accepted or refreshed any more. Running answers go on."""
    with admitted_client("token"):
        service = parts().tokens
        service.end(service.authenticate(request.headers.get("Authorization")))
    return Response(status=HTTPStatus.NO_CONTENT)


@blueprint.after_request
def _keep_out_of_caches(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _subject_is_fixed() -> ProblemError:
    detail = "a refresh keeps the session's subject; leave it out"
    return ProblemError(
        ProblemType.INVALID_REQUEST, f"/subject: {detail}", errors=[FieldError(pointer="/subject", detail=detail)]
    )
