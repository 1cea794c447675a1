"""`POST /session/token`: a session token, or a fresh one for the same session."""

from __future__ import annotations

from flask import Blueprint, Response, request

from contracts.api import TokenRequest
from proxy.body import read_body, read_json
from proxy.parts import parts
from proxy.tokens import CLIENT_KEY_HEADER

blueprint = Blueprint("session", __name__)


@blueprint.post("/session/token")
def issue_token() -> Response:
    """A token: for the same session when a still valid one is presented, else for a new one."""
    service = parts().tokens
    if read_body():
        read_json(TokenRequest)
    authorization = request.headers.get("Authorization")
    if authorization:
        token = service.refresh(service.authenticate(authorization))
    else:
        service.check_client(request.headers.get(CLIENT_KEY_HEADER))
        token = service.open_session()
    body = token.model_dump_json()
    return Response(body, content_type="application/json", headers={"Cache-Control": "no-store"})
