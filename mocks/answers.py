"""Answers by name: what Snowflake, or something in front of it, says instead of what was asked for.

Codes and texts are those of `docs/cortex-wire.md`, sections 0, 1.10, 6.4, 7 and 8; where public material has no text,
the one here is plausible and clients should not rely on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from contracts.cortex import Code

NO_REQUEST_ID = "00000000-0000-0000-0000-000000000000"
"""Stands where an answer that has no request id would name one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status with either a code and a message, which become Snowflake's error body, or a page."""

    status: int
    about: str
    code: str = ""
    message: str = ""
    page: str | None = None
    login_form: bool = False

    def body(self, request_id: str | None) -> dict[str, object] | str:
        """The document, or the page."""
        if self.page is not None:
            return self.page
        message = self.message.replace("{id}", request_id or NO_REQUEST_ID)
        if self.login_form:
            return {"code": self.code, "data": None, "headers": None, "message": message, "success": False}
        known = {} if request_id is None else {"request_id": request_id}
        return {"message": message, "code": self.code, "error_code": self.code, **known}


def _page(title: str) -> str:
    return f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>\n"


ANSWERS: Mapping[str, Answer] = MappingProxyType(
    {
        "invalid_payload": Answer(
            400,
            "the request is not understood",
            Code.INVALID_PAYLOAD,
            "Incoming request does not contain a valid payload.",
        ),
        "remotely_throttled": Answer(
            400,
            "the model's provider throttles, which inference reports as 400",
            Code.INVALID_PAYLOAD,
            "all requests were throttled by remote service",
        ),
        "no_authorization": Answer(
            401,
            "no credential arrived",
            Code.NO_AUTHORIZATION,
            "Authorization header not found in the request data.",
        ),
        "login_again": Answer(401, "the session is gone", "390104", "User must login again to access the service."),
        "token_expired": Answer(
            401,
            "the session's token is too old",
            "390114",
            "Authentication token has expired. The user must authenticate again.",
        ),
        "jwt_invalid": Answer(
            401,
            "the key-pair token is bad or expired; which, is not told",
            Code.INVALID_JWT,
            "JWT token is invalid. [{id}]",
        ),
        "oauth_invalid": Answer(401, "the OAuth token is bad", "390303", "Invalid OAuth access token. [{id}]"),
        "oauth_expired": Answer(401, "the OAuth token is too old", "390318", "OAuth access token expired. [{id}]"),
        "pat_invalid": Answer(
            401, "the programmatic access token is bad", "394400", "Programmatic access token is invalid."
        ),
        "policy_required": Answer(
            401, "a programmatic access token whose user has no network policy", "390432", "Network policy is required."
        ),
        "session_expired": Answer(
            200,
            "a session that has expired is told with status 200",
            Code.LOGIN_EXPIRED,
            "Your session has expired. Please login again.",
            login_form=True,
        ),
        "budget_exceeded": Answer(402, "the model's budget is spent", Code.INVALID_PAYLOAD, "budget exceeded"),
        "role_not_granted": Answer(
            403,
            "the role is not one of the user's",
            Code.ROLE_NOT_GRANTED,
            "Role specified in the request is not granted to this user.",
        ),
        "network_blocked": Answer(
            403,
            "a network policy keeps this address out",
            "390422",
            "Incoming request with IP/Token is not allowed to access Snowflake. "
            "Contact your local security administrator.",
        ),
        "not_found": Answer(
            404,
            "the object is missing, or not visible to the role",
            Code.NOT_FOUND,
            "Object does not exist or access is not authorized for the current role.",
        ),
        "request_timeout": Answer(408, "the request was given up", Code.EXECUTION_ERROR, "Request timed out."),
        "too_many_requests": Answer(
            429, "over the rate; without Retry-After", Code.TOO_MANY_REQUESTS, "Too many requests."
        ),
        "internal_error": Answer(500, "Snowflake failed", Code.INTERNAL_ERROR, "Internal server error"),
        "unavailable": Answer(503, "not available at the moment", Code.INTERNAL_ERROR, "Service unavailable."),
        "inference_timeout": Answer(503, "the model took too long", Code.EXECUTION_ERROR, "inference timed out"),
        "bad_gateway": Answer(502, "a gateway's page", page=_page("502 Bad Gateway")),
        "gateway_unavailable": Answer(503, "a gateway's page", page=_page("503 Service Temporarily Unavailable")),
        "gateway_timeout": Answer(504, "a gateway's page", page=_page("504 Gateway Time-out")),
        "login_page": Answer(
            200, "a login page in the way, as of a captive network", page=_page("Sign in to continue")
        ),
    }
)
